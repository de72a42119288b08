"""The crowd: traffic as recorded, orders behind it, and no harm from orders of accounts."""

import itertools
from collections import Counter

import pytest

from kalshi_book.sim.happenings import LevelChanged, Traded
from kalshi_book.sim.venue import Venue
from sim_watcher import SECOND_NS, START_NS, Watcher

A = "KXSIM-26-A"


def venue(**options):
    return Venue(**{"markets": 1, "seed": 11, "rate": 223, "start_ns": START_NS, **options})


def watch(seconds, **options):
    place = venue(**options)
    watcher = Watcher(place)
    place.advance(START_NS + seconds * SECOND_NS)
    watcher.check()
    return watcher


@pytest.fixture(scope="module", name="busy")
def busy_market():
    watcher = watch(90, levels=40)
    watcher.changes = [each for each in watcher.told if isinstance(each, LevelChanged)]
    return watcher


class TestTraffic:
    """Shares and rates as measured in recordings of a busy market, May to August 2026."""

    @pytest.mark.parametrize(
        ("what", "per_cent"),
        [("changed", 71), ("added", 15), ("removed", 15), ("at or inside the best", 22), ("fractional", 16)],
    )
    def test_shares_are_those_of_the_recordings(self, busy, what, per_cent):
        assert len(busy.changes) > 18_000
        assert abs(100 * busy.counts[what] / len(busy.changes) - per_cent) < 2

    def test_a_fifth_of_the_changes_belong_to_the_action_before(self, busy):
        pairs = itertools.pairwise(busy.changes)
        same = sum((a.clock, a.at_ns) == (b.clock, b.at_ns) for a, b in pairs)
        assert abs(100 * same / len(busy.changes) - 21) < 2

    def test_a_busy_market_has_its_rate_and_its_bursts(self, busy):
        per_second = Counter(each.at_ns // SECOND_NS for each in busy.changes)
        per_100_ms = Counter(each.at_ns // (SECOND_NS // 10) for each in busy.changes)
        assert 180 < len(busy.changes) / 90 < 270
        assert max(per_second.values()) > 500 and max(per_100_ms.values()) > 130

    def test_the_price_wanders_and_sweeps_trade(self, busy):
        assert len({each.price_e4 for each in busy.changes if each.outcome_side == "yes"}) > 40
        sweeps = [each for each in busy.changes if each.cause == "maker_fill"]
        trades = [each for each in busy.told if isinstance(each, Traded)]
        assert len(sweeps) == len(trades) > 200
        assert {each.taker_outcome_side for each in trades} == {"yes", "no"}

    def test_it_trades_beyond_the_fair_price_only(self):
        place = venue()
        listing, fills = place.listings[A], []

        def hear(happening):
            if isinstance(happening, LevelChanged):
                is_beyond = happening.price_e4 > listing.law.lids_e4[happening.outcome_side == "no"]
                assert (happening.cause == "maker_fill") == is_beyond
                fills.append(is_beyond)

        place.listen(hear)
        place.advance(START_NS + 10 * SECOND_NS)
        assert sum(fills) > 20

    def test_every_cause_of_the_crowd_occurs(self, busy):
        assert {each.cause for each in busy.changes} == {"placement", "decrease", "cancel", "maker_fill"}
        assert all(each.maker is None and each.taker is None for each in busy.changes)

    def test_clocks_skip(self, busy):
        steps = {b.clock - a.clock for a, b in itertools.pairwise(busy.changes)}
        assert steps == {0, 1, 2, 3, 4}

    @pytest.mark.parametrize("rate", [20, 2_000, 15_000])
    def test_the_rate_is_that_of_all_markets(self, rate):
        seconds = max(10_000 // rate, 1)
        counts = watch(seconds, rate=rate, markets=10).counts
        assert 0.75 < counts["level"] / seconds / rate < 1.25

    def test_the_crowd_rests_at_rate_0_and_goes_on_at_another(self):
        place = venue()
        watcher = Watcher(place)
        due = []
        place.on_planned = lambda: due.append(place.next_due_ns)
        place.advance(START_NS + SECOND_NS)
        place.rate = 0
        watcher.told.clear()
        place.advance(START_NS + 5 * SECOND_NS)
        assert watcher.told == [] and place.rate == 0 and due == [None]
        place.rate = 1_000
        before = watcher.counts["level"]
        place.advance(START_NS + 10 * SECOND_NS)
        watcher.check()
        assert 3_500 < watcher.counts["level"] - before < 6_500
        assert place.rate == 1_000 and len(due) == 2 and due[1] >= START_NS + 5 * SECOND_NS

    def test_one_market_gets_half(self):
        watcher = watch(20, markets=10, rate=500)
        shares = Counter(each.market_ticker for each in watcher.told if isinstance(each, LevelChanged))
        assert 50 < 100 * shares[A] / watcher.counts["level"] < 60 and len(shares) == 10

    @pytest.mark.parametrize(
        ("tick", "levels"), [("cent", 5), ("deci_cent", 40), ("centi_cent", 300), ("tapered", 60), ("cent", 0)]
    )
    def test_books_keep_their_size_on_every_grid(self, tick, levels):
        watcher = watch(10, tick=tick, levels=levels, rate=1_000)
        listing = watcher.venue.listings[A]
        for side in ("yes", "no"):
            assert levels * 0.5 <= len(listing.levels(side)) <= max(levels * 1.5, 3)
            assert all(listing.is_on_tick(price_e4) for price_e4, _ in listing.levels(side))

    def test_where_only_whole_contracts_are_known_none_is_fractional(self):
        assert watch(10, whole=True, rate=1_000).counts["fractional"] == 0


class TestAccounts:
    """Orders of accounts stand in the crowd's way."""

    @pytest.mark.parametrize("side", ["yes", "no"])
    def test_who_buys_everything_leaves_an_empty_side_that_fills_again(self, side):
        place = venue()
        watcher = Watcher(place)
        listing = place.listings[A]
        other = {"yes": "no", "no": "yes"}[side]
        size_e2 = sum(size_e2 for _, size_e2 in listing.levels(other))
        order = place.orders("user").place(A, outcome_side=side, price_e4=9_900, size_e2=size_e2)
        assert order.status == "executed" and listing.levels(other) == []
        place.advance(START_NS + 20 * SECOND_NS)
        watcher.check()
        assert len(listing.levels(other)) > 5

    @pytest.mark.parametrize("side", ["yes", "no"])
    def test_a_bid_beyond_the_fair_price_is_met(self, side):
        place = venue()
        watcher = Watcher(place)
        entry = place.orders("user")
        order = entry.place(A, outcome_side=side, price_e4=9_900, size="1000000")
        assert order.status == "resting" and order.filled_e2 > 0
        place.advance(START_NS + SECOND_NS)
        watcher.check()
        assert entry.resting() == [] and entry.position(A).position_e2 == (100_000_000 if side == "yes" else -100_000_000)
        assert watcher.orders[order.order_id].status == "executed"
        assert watcher.orders[order.order_id].maker_cost_e6 > 0 < watcher.orders[order.order_id].taker_cost_e6

    def test_a_bid_within_it_stays_until_the_price_comes(self):
        place = venue()
        watcher = Watcher(place)
        entry = place.orders("user")
        order = entry.place(A, outcome_side="yes", cents=1, size="10", post_only=True)
        place.advance(START_NS + 30 * SECOND_NS)
        assert [each.order_id for each in entry.resting()] == [order.order_id]
        watcher.check()

    def test_the_crowd_takes_only_its_own_away(self):
        place = venue(levels=3, rate=2_000)
        watcher = Watcher(place)
        entry = place.orders("user")
        lid_e4 = place.listings[A].law.lids_e4[0]
        for step in range(12):
            entry.place(A, outcome_side="yes", price_e4=lid_e4 - 100 * step, size="0.01", post_only=True)
        for _ in range(20):
            place.advance(place.now_ns + SECOND_NS // 10)
            watcher.check()
        own = [each for each in watcher.told if isinstance(each, LevelChanged) and each.maker == "user"]
        assert {each.cause for each in own} <= {"placement", "maker_fill"}

    def test_alone_with_orders_of_accounts_it_still_places_its_own(self):
        place = venue(levels=5, rate=500)
        watcher = Watcher(place)
        listing = place.listings[A]
        for side in ("yes", "no"):
            for price_e4, size_e2 in listing.levels(side):
                place.crowd.change(A, outcome_side=side, price_e4=price_e4, delta_e2=-size_e2)
        entry = place.orders("user")
        for number in range(40):
            price_e4 = listing.law.lids_e4[number % 2] - 100 * (number // 8)
            entry.place(A, outcome_side=("yes", "no")[number % 2], price_e4=price_e4, size="5")
        place.advance(START_NS + 2 * SECOND_NS)
        watcher.check()
        assert watcher.counts["level"] > 300


class TestGrid:
    @pytest.mark.parametrize("finer", ["deci_cent", "centi_cent", "tapered"])
    def test_on_a_coarser_grid_levels_off_it_only_shrink(self, finer):
        """The structure of a live market can change (AsyncAPI text, read 2026-10-26); what rests is not touched."""
        place = venue(tick=finer, levels=60, rate=2_000)
        watcher = Watcher(place)
        place.advance(START_NS + SECOND_NS)
        place.life.restructure(A, tick="cent")
        listing = place.listings[A]
        off = [price_e4 for side in ("yes", "no") for price_e4, _ in listing.levels(side) if price_e4 % 100]
        watcher.told.clear()
        place.advance(START_NS + 5 * SECOND_NS)
        watcher.check()
        changes = [each for each in watcher.told if isinstance(each, LevelChanged) and each.price_e4 % 100]
        assert off and changes and all(each.delta_e2 < 0 for each in changes)

    def test_on_a_finer_grid_new_prices_appear(self):
        place = venue(levels=30, rate=2_000)
        watcher = Watcher(place)
        place.life.restructure(A, tick="deci_cent")
        place.advance(START_NS + 2 * SECOND_NS)
        watcher.check()
        assert any(price_e4 % 100 for price_e4, _ in place.listings[A].levels("yes"))

    def test_a_paused_market_is_quiet_and_the_others_are_not_busier(self):
        place = venue(markets=2, rate=1_000)
        watcher = Watcher(place)
        place.life.pause(A)
        place.advance(START_NS + 10 * SECOND_NS)
        watcher.check()
        assert {each.market_ticker for each in watcher.told if isinstance(each, LevelChanged)} == {"KXSIM-26-B"}
        assert 0.2 < watcher.counts["level"] / 10_000 < 0.3

    def test_without_markets_it_waits(self):
        place = venue(markets=[])
        place.advance(START_NS + SECOND_NS)
        place.life.create("LATE")
        place.life.open("LATE")
        watcher = Watcher(place)
        place.advance(START_NS + 2 * SECOND_NS)
        assert watcher.counts["level"] > 50
