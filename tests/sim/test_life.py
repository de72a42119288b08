"""The life of a market: its steps, what is told of them, and the schedule on which markets follow each other."""

from collections import defaultdict

import pytest

from kalshi_book.errors import UsageError
from kalshi_book.sim.happenings import BookCleared, LevelChanged, Lived, OrderChanged, PositionChanged, Quoted
from kalshi_book.sim.refusals import Refused, UnknownListing
from kalshi_book.sim.venue import Venue
from sim_watcher import SECOND_NS, START_NS, Watcher

A = "KXSIM-26-A"
START_S = START_NS // SECOND_NS


class Town:
    """A venue, its life, and somebody who watches."""

    def __init__(self, **options):
        self.venue = Venue(**{"markets": 1, "seed": 7, "rate": 0, "levels": 4, "start_ns": START_NS, **options})
        self.watcher = Watcher(self.venue)
        self.told = self.watcher.told
        self.life = self.venue.life
        self.user = self.venue.orders("user")

    def lived(self):
        """Return what was told of lives, and forget all."""
        self.watcher.check()
        found = [(each.market_ticker, each.event_type, each.fields) for each in self.told if isinstance(each, Lived)]
        self.told.clear()
        return found


@pytest.fixture
def town():
    return Town()


STEPS = {
    "open": lambda life: life.open(A),
    "pause": lambda life: life.pause(A),
    "resume": lambda life: life.resume(A),
    "close": lambda life: life.close(A),
    "determine": lambda life: life.determine(A, "yes"),
    "settle": lambda life: life.settle(A),
    "restructure": lambda life: life.restructure(A, tick="deci_cent"),
}
ALLOWED = {
    "created": ({"open", "restructure"}, ["create"]),
    "active": ({"pause", "close", "restructure"}, []),
    "paused": ({"resume", "close", "restructure"}, ["pause"]),
    "closed": ({"determine"}, ["close"]),
    "determined": ({"settle"}, ["close", "determine"]),
    "settled": (set(), ["close", "determine", "settle"]),
}


class TestSteps:
    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.parametrize("state", ALLOWED)
    def test_a_step_is_made_from_its_states_only(self, state, step):
        allowed, way = ALLOWED[state]
        town = Town(markets=[] if state == "created" else [A])
        for earlier in way:
            town.life.create(A) if earlier == "create" else STEPS[earlier](town.life)
        listing = town.venue.listings[A]
        assert listing.state == state
        town.told.clear()
        before = listing.levels("yes"), listing.levels("no"), listing.clock, listing.tick, listing.close_ts, listing.result
        if step in allowed:
            STEPS[step](town.life)
            assert town.told
        else:
            with pytest.raises(Refused) as caught:
                STEPS[step](town.life)
            assert (caught.value.market_ticker, caught.value.reason) == (A, "state")
            assert str(caught.value).startswith(f"{A}: expected a market that is ")
            assert str(caught.value).endswith(f", found one that is {state}")
            after = (
                listing.levels("yes"),
                listing.levels("no"),
                listing.clock,
                listing.tick,
                listing.close_ts,
                listing.result,
            )
            assert (listing.state, town.told, after) == (state, [], before)
        town.watcher.check()

    @pytest.mark.parametrize("step", STEPS)
    def test_a_market_that_there_is_not_is_refused(self, step):
        with pytest.raises(UnknownListing, match=f"^the exchange lists no market '{A}' among its 0: "):
            STEPS[step](Town(markets=[]).life)

    def test_the_text_says_what_was_expected(self, town):
        town.life.pause(A)
        with pytest.raises(Refused, match=rf"^{A}: expected a market that is active, found one that is paused$"):
            town.life.pause(A)
        town.life.close(A)
        with pytest.raises(Refused, match=r"expected a market that is active or paused, found one that is closed$"):
            town.life.close(A)


class TestCreatingAndOpening:
    def test_a_created_market_is_told_with_its_prices(self, town):
        listing = town.life.create("NEW-B", tick="tapered")
        assert town.lived() == [
            (
                "NEW-B",
                "created",
                {
                    "exchange_index": 0,
                    "open_ts": START_S,
                    "additional_metadata": {
                        "name": "Market NEW-B", "title": "Will NEW-B come true?", "yes_sub_title": "Yes",
                        "no_sub_title": "No", "rules_primary": "The seed decides.", "rules_secondary": "",
                        "can_close_early": True, "event_ticker": "NEW", "expected_expiration_ts": START_S,
                    },
                    "price_level_structure": "tapered_deci_cent",
                    "price_ranges": [
                        {"start": "0.0000", "end": "0.1000", "step": "0.0010"},
                        {"start": "0.1000", "end": "0.9000", "step": "0.0100"},
                        {"start": "0.9000", "end": "1.0000", "step": "0.0010"},
                    ],
                },
            )
        ]  # fmt: skip
        assert listing is town.venue.listings["NEW-B"] and list(town.venue.listings) == [A, "NEW-B"]
        assert (listing.state, listing.clock, listing.levels("yes"), listing.close_ts) == ("created", 0, [], None)

    @pytest.mark.parametrize(
        ("tick", "label", "step"),
        [("cent", "linear_cent", "0.0100"), ("deci_cent", "deci_cent", "0.0010"),
         ("centi_cent", "center_centi_edge_centi_cent", "0.0001")],
    )  # fmt: skip
    def test_every_grid_has_its_label_and_bands(self, town, tick, label, step):
        """Labels and bands: the exchange's page "Fixed-Point Migration" and AsyncAPI text, read 2026-10-26."""
        town.life.create("NEW", tick=tick)
        fields = town.lived()[0][2]
        assert fields["price_level_structure"] == label
        assert fields["price_ranges"] == [{"start": "0.0000", "end": "1.0000", "step": step}]
        assert fields["additional_metadata"]["event_ticker"] == "NEW"

    def test_an_open_market_is_filled_by_the_crowd_in_one_action(self, town):
        town.life.create("NEW")
        town.told.clear()
        town.life.open("NEW")
        first, *levels, quoted = town.told
        assert (type(first), first.event_type, first.fields) == (Lived, "activated", {})
        assert {type(each) for each in levels} == {LevelChanged} and type(quoted) is Quoted
        assert len({each.clock for each in levels}) == 1 and levels[0].clock > 0 and len(levels) > 4
        listing = town.venue.listings["NEW"]
        assert len(listing.levels("yes")) + len(listing.levels("no")) == len(levels)
        town.watcher.check()

    def test_a_name_is_taken_once_and_plain(self, town):
        with pytest.raises(Refused) as caught:
            town.life.create(A)
        assert (caught.value.reason, str(caught.value)) == (
            "taken", f"{A}: expected the name of a new market, and there is one of this name",
        )  # fmt: skip
        with pytest.raises(UsageError, match=r"^a ticker is letters, digits, dots, dashes and underscores, not 'A\"'$"):
            town.life.create('A"')
        for call in (lambda: town.life.create("NEW", tick="penny"), lambda: town.life.restructure(A, tick="penny")):
            with pytest.raises(UsageError, match=r"^tick is one of cent, deci_cent, centi_cent, tapered, not 'penny'$"):
                call()
        assert list(town.venue.listings) == [A] and town.told == [] and town.venue.listings[A].tick == "cent"


class TestPausing:
    def test_a_pause_leaves_the_book(self, town):
        listing = town.venue.listings[A]
        before = listing.levels("yes"), listing.clock
        town.life.pause(A)
        assert (listing.state, listing.levels("yes"), listing.clock) == ("paused", *before)
        town.life.resume(A)
        assert (listing.state, listing.levels("yes"), listing.clock) == ("active", *before)
        assert town.lived() == [
            (A, "deactivated", {"is_deactivated": True}), (A, "activated", {"is_deactivated": False}),
        ]  # fmt: skip

    def test_orders_expire_in_a_paused_market(self, town):
        town.user.place(A, outcome_side="yes", cents=1, size="1", expires_ns=START_NS + 5)
        town.life.pause(A)
        town.venue.advance(START_NS + 5)
        assert town.user.resting() == []
        town.watcher.check()


class TestClosing:
    def test_the_book_is_cleared_and_orders_end(self, town):
        """A market that closes gets an empty snapshot (observed, 62 of 103 snapshots of one recording)."""
        town.venue.advance(START_NS + SECOND_NS + 1)
        orders = [town.user.place(A, outcome_side=side, cents=1, size="1", post_only=True) for side in ("no", "yes", "no")]
        town.venue.crowd.place(A, outcome_side="yes", cents=1, size="1")
        clock = town.venue.listings[A].clock
        town.told.clear()
        town.life.close(A)
        moved, cleared, *ended, quoted = town.told
        assert (moved.event_type, moved.fields) == ("close_date_updated", {"close_ts": START_S + 1})
        assert type(cleared) is BookCleared and cleared.clock > clock
        assert [(each.order_id, each.status, each.remaining_e2, each.reason) for each in ended] == [
            (order.order_id, "canceled", 0, "CloseCancel") for order in orders
        ]
        assert all(type(each) is OrderChanged for each in ended)
        assert (quoted.yes_bid_e4, quoted.yes_ask_e4, quoted.yes_bid_size_e2, quoted.yes_ask_size_e2) == (None, None, 0, 0)
        assert town.user.resting() == town.venue.crowd.resting() == []
        town.watcher.check()

    def test_a_market_without_a_schedule_is_followed_by_nothing(self, town):
        town.life.close(A)
        town.venue.advance(START_NS + 10**15)
        assert list(town.venue.listings) == [A] and town.venue.listings[A].state == "closed"

    def test_the_crowd_leaves_a_closed_market_alone(self):
        town = Town(rate=1_000)
        town.life.close(A)
        town.told.clear()
        town.venue.advance(START_NS + SECOND_NS)
        assert town.told == []


class TestTheEnd:
    @pytest.mark.parametrize(("result", "value", "won_e6"), [("yes", "1.0000", 5_800_000), ("no", "0.0000", -4_200_000)])
    def test_positions_are_paid_out(self, result, value, won_e6):
        town = Town(levels=0)
        town.user.place(A, outcome_side="yes", cents=42, size="10")
        town.venue.orders("other").place(A, outcome_side="no", cents=58, size="10", subaccount=4)
        third = town.venue.orders("third")
        third.place(A, outcome_side="yes", cents=50, size="1")
        town.venue.crowd.place(A, outcome_side="no", cents=50, size="1")
        third.place(A, outcome_side="no", cents=50, size="1")
        town.venue.crowd.place(A, outcome_side="yes", cents=50, size="1")
        town.life.close(A)
        town.venue.advance(START_NS + 3 * SECOND_NS)
        town.told.clear()
        town.life.determine(A, result)
        assert town.venue.listings[A].result == result
        town.life.settle(A)
        told = [(each.event_type, each.fields) for each in town.told if isinstance(each, Lived)]
        assert told == [
            ("determined", {"determination_ts": START_S + 3, "result": result, "settlement_value": value}),
            ("settled", {"settled_ts": START_S + 3}),
        ]
        positions = [each for each in town.told if isinstance(each, PositionChanged)]
        assert [(each.account, each.subaccount, each.position_e2, each.cost_e6) for each in positions] == [
            ("user", 0, 0, 0), ("other", 4, 0, 0),  # who holds nothing gets nothing
        ]  # fmt: skip
        assert [each.realized_pnl_e6 for each in positions] == [won_e6, -won_e6]
        town.watcher.check()

    @pytest.mark.parametrize("result", ["", "void", None, True])
    def test_a_result_is_yes_or_no(self, town, result):
        town.life.close(A)
        with pytest.raises(UsageError, match=r'^a result is "yes" or "no", not '):
            town.life.determine(A, result)
        assert town.venue.listings[A].state == "closed"


class TestPriceGrids:
    def test_what_rests_stays(self, town):
        """The structure of a live market can change (AsyncAPI text, read 2026-10-26); what rests is not touched."""
        listing = town.venue.listings[A]
        town.life.restructure(A, tick="centi_cent")
        town.user.place(A, outcome_side="yes", price="0.0123", size="1")
        before = listing.levels("yes"), listing.levels("no"), listing.clock
        town.life.restructure(A, tick="cent")
        assert (listing.levels("yes"), listing.levels("no"), listing.clock) == before
        assert (123, 100) in listing.levels("yes") and not listing.is_on_tick(123)
        structures = [
            ("center_centi_edge_centi_cent", [{"start": "0.0000", "end": "1.0000", "step": "0.0001"}]),
            ("linear_cent", [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}]),
        ]
        assert town.lived() == [
            (A, "price_level_structure_updated", {"price_level_structure": label, "price_ranges": ranges})
            for label, ranges in structures
        ]
        order = town.user.resting()[0]
        assert town.user.amend(order.order_id, size="2").remaining_e2 == 200  # at its old price it may stay
        with pytest.raises(Refused, match=r"expected a price on the grid 'cent', found 0\.0124"):
            town.user.amend(order.order_id, price="0.0124")


class TestSchedule:
    def test_markets_have_been_trading_for_some_time_by_the_seed(self):
        venue = Town(markets=40, life_s=900).venue
        for listing in venue.listings.values():
            assert listing.close_ts - listing.open_ts == 900 and START_S < listing.close_ts <= START_S + 900
        assert len({listing.close_ts for listing in venue.listings.values()}) > 30

    def test_each_is_followed_by_another_and_ends_in_its_time(self):
        town = Town(markets=3, life_s=10, determine_s=2, settle_s=3, rate=50)
        town.venue.advance(START_NS + 40 * SECOND_NS)
        town.watcher.check()
        times = defaultdict(list)
        for each in town.told:
            if isinstance(each, (Lived, BookCleared)):
                times[each.market_ticker].append((getattr(each, "event_type", "closed"), each.at_ns / SECOND_NS - START_S))
        for ticker in ("KXSIM-26-A", "KXSIM-26-B", "KXSIM-26-C"):
            (_, close_s), (_, determined_s), (_, settled_s) = times[ticker]
            assert 1 <= close_s <= 10 and close_s == int(close_s)
            assert (determined_s, settled_s) == (close_s + 2, close_s + 5)
            assert times[f"{ticker}-G2"] == [
                ("created", close_s), ("activated", close_s), ("closed", close_s + 10), ("determined", close_s + 12),
                ("settled", close_s + 15),
            ]  # fmt: skip
            assert times[f"{ticker}-G3"][:2] == [("created", close_s + 10), ("activated", close_s + 10)]
        results = {listing.result for listing in town.venue.listings.values()}
        assert results <= {"yes", "no", None}
        states = [listing.state for listing in town.venue.listings.values()]
        assert states.count("active") == 3

    def test_the_busy_market_is_followed_by_a_busy_one(self):
        town = Town(markets=5, life_s=5, rate=500)
        town.venue.advance(START_NS + 6 * SECOND_NS)
        town.told.clear()
        town.venue.advance(START_NS + 9 * SECOND_NS)
        levels = [each for each in town.told if isinstance(each, LevelChanged)]
        busy = sum(each.market_ticker.startswith("KXSIM-26-A-G") for each in levels)
        assert busy > 0.45 * len(levels)

    def test_results_follow_the_price(self):
        town = Town(markets=400, life_s=1, determine_s=0, settle_s=0, levels=1)
        fair_e4 = [listing.law.fair_e4() for listing in town.venue.listings.values()]
        first = list(town.venue.listings.values())
        town.venue.advance(START_NS + SECOND_NS)
        came = [listing.result == "yes" for listing in first]
        high = [yes for yes, fair in zip(came, fair_e4, strict=True) if fair > 6_000]
        low = [yes for yes, fair in zip(came, fair_e4, strict=True) if fair < 4_000]
        assert sum(high) / len(high) > 0.55 and sum(low) / len(low) < 0.45
        assert {listing.state for listing in first} == {"settled"}

    def test_a_market_closed_by_call_is_followed_too(self):
        town = Town(life_s=900)
        close_ts = town.venue.listings[A].close_ts
        town.venue.advance(START_NS + SECOND_NS // 2)
        town.life.close(A)
        assert [each[:2] for each in town.lived()] == [
            (A, "close_date_updated"), (f"{A}-G2", "created"), (f"{A}-G2", "activated"),
        ]  # fmt: skip
        assert town.venue.listings[f"{A}-G2"].close_ts == START_S + 900
        town.venue.advance(close_ts * SECOND_NS)
        assert town.venue.listings[A].state == "settled" and town.venue.listings[f"{A}-G2"].state != "created"

    def test_a_paused_market_closes_in_time(self):
        town = Town(life_s=3)
        town.life.pause(A)
        town.venue.advance(START_NS + 3 * SECOND_NS)
        assert town.venue.listings[A].state == "closed"

    def test_what_was_done_by_call_is_not_done_again(self):
        town = Town(life_s=100, determine_s=1, settle_s=1)
        town.life.close(A)
        town.life.determine(A, "no")
        town.life.settle(A)
        town.told.clear()
        town.venue.advance(START_NS + 10 * SECOND_NS)
        assert town.told == [] and town.venue.listings[A].result == "no"

    def test_a_name_that_is_taken_is_stepped_over(self):
        town = Town(life_s=100)
        town.life.create(f"{A}-G2")
        town.life.close(A)
        assert list(town.venue.listings) == [A, f"{A}-G2", f"{A}-G3"]

    def test_a_market_opened_late_trades_as_long_as_others(self):
        town = Town(markets=[], life_s=10)
        town.life.create(A)
        assert town.lived()[0][2]["close_ts"] == START_S + 10
        town.venue.advance(START_NS + 20 * SECOND_NS)
        town.life.open(A)
        assert town.lived() == [(A, "close_date_updated", {"close_ts": START_S + 30}), (A, "activated", {})]
        town.venue.advance(START_NS + 30 * SECOND_NS)
        assert town.venue.listings[A].state == "closed"

    @pytest.mark.parametrize("wrong", [0, -1, 1.5, "900"])
    def test_a_life_is_whole_seconds(self, wrong):
        with pytest.raises(UsageError, match=r"^life_s is whole seconds from 1, or None, not "):
            Town(life_s=wrong)

    @pytest.mark.parametrize("name", ["determine_s", "settle_s"])
    @pytest.mark.parametrize("wrong", [-1, 1.5, None])
    def test_delays_are_whole_seconds(self, name, wrong):
        with pytest.raises(UsageError, match=rf"^{name} is whole seconds from 0, not {wrong}$"):
            Town(**{name: wrong})
