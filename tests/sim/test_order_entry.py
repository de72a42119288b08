"""Orders of accounts and of the crowd: what they do, what is told of it, and what is refused."""

from decimal import Decimal

import pytest

from kalshi_book.errors import UnknownMarket, UsageError
from kalshi_book.sim.happenings import (
    Filled,
    LevelChanged,
    OrderChanged,
    OrderMark,
    PositionChanged,
    Quoted,
    Traded,
)
from kalshi_book.sim.orders import MAX_SIZE_E2
from kalshi_book.sim.refusals import Refused, UnknownListing
from kalshi_book.sim.venue import Venue
from sim_watcher import SECOND_NS, START_NS, Watcher

T = "KXSIM-26-A"


class Desk:
    """A venue with an empty market, two accounts, and somebody who watches."""

    def __init__(self, **options):
        self.venue = Venue(**{"markets": 1, "seed": 7, "rate": 0, "levels": 0, "start_ns": START_NS, **options})
        self.watcher = Watcher(self.venue)
        self.told = self.watcher.told
        self.ann, self.bob = self.venue.orders("ann"), self.venue.orders("bob")
        self.crowd = self.venue.crowd
        self.listing = self.venue.listings[T]

    def bid(self, who, side, cents, size="10", **how):
        return who.place(T, outcome_side=side, cents=cents, size=size, **how)

    def levels(self):
        return self.listing.levels("yes"), self.listing.levels("no")

    def take(self, kind):
        """Return what was told of one kind, and forget all."""
        self.watcher.check()
        found = [each for each in self.told if isinstance(each, kind)]
        self.told.clear()
        return found

    def refuses(self, error, call, *arguments, **how):
        """Check that a call fails and changes nothing, and return its error."""
        before = self.levels(), self.listing.clock, self.ann.resting(), self.ann.position(T), len(self.told)
        with pytest.raises(error) as caught:
            call(*arguments, **how)
        assert type(caught.value) is error
        assert (self.levels(), self.listing.clock, self.ann.resting(), self.ann.position(T), len(self.told)) == before
        return caught.value


@pytest.fixture
def desk():
    return Desk()


class TestPlacing:
    def test_an_order_that_meets_nobody_rests(self, desk):
        order = desk.bid(desk.ann, "yes", 42, client_order_id="mine", subaccount=3)
        assert (order.status, order.remaining_e2, order.filled_e2, order.reason) == ("resting", 1_000, 0, "")
        assert desk.levels() == ([(4_200, 1_000)], [])
        level, told, quoted = desk.told
        assert level == LevelChanged(
            at_ns=START_NS, market_ticker=T, market_id=desk.listing.market_id, clock=desk.listing.clock,
            outcome_side="yes", price_e4=4_200, delta_e2=1_000, cause="placement", maker="ann",
            maker_order=OrderMark("mine", 3),
        )  # fmt: skip
        assert told is order and type(quoted) is Quoted and quoted.yes_bid_e4 == 4_200

    def test_an_order_that_meets_others_trades_at_their_prices_and_its_rest_rests(self, desk):
        maker = desk.bid(desk.bob, "no", 60, size="4")
        desk.crowd.change(T, outcome_side="no", price_e4=5_900, delta_e2=300)
        desk.take(object)
        order = desk.bid(desk.ann, "yes", 41, client_order_id="mine")
        assert (order.status, order.filled_e2, order.remaining_e2, order.reason) == ("resting", 700, 300, "Trade")
        assert (order.taker_cost_e6, order.maker_cost_e6) == (4_000 * 400 + 4_100 * 300, 0)
        assert desk.levels() == ([(4_100, 300)], [])
        assert [(type(each), getattr(each, "account", None)) for each in desk.told] == [
            (LevelChanged, None), (Traded, None),
            (Filled, "bob"), (PositionChanged, "bob"), (OrderChanged, "bob"), (Filled, "ann"), (PositionChanged, "ann"),
            (LevelChanged, None), (Traded, None), (Filled, "ann"), (PositionChanged, "ann"),
            (LevelChanged, None), (OrderChanged, "ann"), (Quoted, None),
        ]  # fmt: skip
        first, second, third = (each for each in desk.told if isinstance(each, LevelChanged))
        mine = OrderMark("mine", 0)
        assert (first.cause, first.maker, first.maker_order, first.taker, first.taker_order) == (
            "maker_fill", "bob", OrderMark("bob-1", 0), "ann", mine,
        )  # fmt: skip
        assert (second.cause, second.maker, second.maker_order, second.taker_order) == ("maker_fill", None, None, mine)
        assert (third.cause, third.maker_order, third.taker, third.delta_e2) == ("placement", mine, None, 300)
        assert first.clock == second.clock == third.clock  # one action
        fills = [each for each in desk.told if isinstance(each, Filled)]
        assert [(each.order_id, each.is_taker, each.price_e4, each.size_e2) for each in fills] == [
            (maker.order_id, False, 6_000, 400), (order.order_id, True, 4_000, 400), (order.order_id, True, 4_100, 300),
        ]  # fmt: skip
        assert [each.fee_e6 for each in fills] == [16_800, 67_200, 50_800]
        assert (order.taker_fees_e6, order.maker_fees_e6) == (118_000, 0)

    def test_every_action_has_a_later_clock(self, desk):
        desk.bid(desk.ann, "yes", 42)
        first = desk.listing.clock
        desk.bid(desk.ann, "yes", 42)
        assert desk.listing.clock > first > 0

    def test_an_order_that_changes_no_level_leaves_the_clock(self, desk):
        """A snapshot's clock is that of the newest change it includes (AsyncAPI text, read 2026-10-26)."""
        desk.bid(desk.ann, "yes", 42)
        clock = desk.listing.clock
        desk.bid(desk.ann, "yes", 42, immediate_or_cancel=True)
        assert desk.listing.clock == clock

    def test_immediate_or_cancel_takes_what_there_is_and_leaves_nothing(self, desk):
        desk.bid(desk.bob, "no", 60, size="4")
        desk.take(object)
        order = desk.bid(desk.ann, "yes", 40, immediate_or_cancel=True)
        assert (order.status, order.initial_e2, order.filled_e2, order.remaining_e2) == ("canceled", 1_000, 400, 0)
        assert order.reason == "" and desk.levels() == ([], []) and desk.ann.resting() == []
        assert desk.bid(desk.ann, "yes", 40, immediate_or_cancel=True).status == "canceled"

    def test_immediate_or_cancel_that_gets_all_is_executed(self, desk):
        desk.bid(desk.bob, "no", 60)
        assert desk.bid(desk.ann, "yes", 40, immediate_or_cancel=True).status == "executed"

    def test_post_only_rests_or_is_refused(self, desk):
        desk.bid(desk.bob, "no", 60)
        assert desk.bid(desk.ann, "yes", 39, post_only=True).status == "resting"
        error = desk.refuses(Refused, desk.bid, desk.ann, "yes", 40, post_only=True)
        assert (error.market_ticker, error.reason) == (T, "crosses")
        assert str(error) == f"{T}: a yes bid of 0.4000 would meet the no bid of 0.6000; it must only rest"
        error = desk.refuses(Refused, desk.bid, desk.bob, "no", 61, post_only=True)
        assert str(error) == f"{T}: a no bid of 0.6100 would meet the yes bid of 0.3900; it must only rest"

    def test_own_orders_never_meet_the_newer_is_cancelled(self, desk):
        """`self_trade_prevention_type` "taker_at_cross" (AsyncAPI text, read 2026-10-26)."""
        desk.bid(desk.bob, "no", 61, size="4")
        old = desk.bid(desk.ann, "no", 60, subaccount=1)
        desk.bid(desk.bob, "no", 60)
        order = desk.bid(desk.ann, "yes", 40)
        assert (order.status, order.filled_e2, order.remaining_e2) == ("canceled", 400, 0)
        assert order.reason == "SelfTradeCancel"
        assert [each.order_id for each in desk.ann.resting()] == [old.order_id]
        assert desk.levels() == ([], [(6_000, 2_000)])

    def test_orders_of_the_crowd_meet_each_other_and_are_told_to_nobody(self, desk):
        desk.bid(desk.crowd, "no", 60)
        order = desk.bid(desk.crowd, "yes", 41, size="25")
        assert (order.account, order.status, order.filled_e2) == ("crowd", "resting", 1_000)
        kinds = {type(each) for each in desk.told}
        assert kinds == {LevelChanged, Traded, Quoted}
        assert all(each.maker is None and each.taker is None for each in desk.take(LevelChanged))
        assert [each.order_id for each in desk.crowd.resting()] == [order.order_id]

    def test_orders_are_named_by_their_account_in_turn(self, desk):
        names = [desk.bid(who, "yes", 42).mark.client_order_id for who in (desk.ann, desk.bob, desk.ann)]
        assert names == ["ann-1", "bob-1", "ann-2"]
        assert desk.bid(desk.ann, "yes", 42, client_order_id="").mark == OrderMark("", 0)

    def test_identities_are_those_of_the_seed(self):
        desks = [Desk(), Desk(), Desk(seed=8)]
        ids = [[desk.bid(desk.ann, "yes", 42).order_id for _ in range(2)] for desk in desks]
        assert ids[0] == ids[1] != ids[2] and len({*ids[0], *ids[2]}) == 4

    @pytest.mark.parametrize(
        "how",
        [{"price": "0.42"}, {"price": Decimal("0.420")}, {"price_e4": 4_200}, {"cents": 42}, {"cents": Decimal("42.0")}],
    )
    def test_a_price_is_given_in_any_unit(self, desk, how):
        assert desk.ann.place(T, outcome_side="yes", size_e2=1, **how).price_e4 == 4_200

    @pytest.mark.parametrize("how", [{"size": "10.5"}, {"size": Decimal("10.50")}, {"size": "1.05E+1"}, {"size_e2": 1_050}])
    def test_a_size_is_given_in_either_unit(self, desk, how):
        assert desk.ann.place(T, outcome_side="yes", cents=42, **how).initial_e2 == 1_050


class TestExpiry:
    def test_an_order_ends_when_its_time_comes(self, desk):
        order = desk.bid(desk.ann, "yes", 42, expires_ns=START_NS + 5)
        desk.take(object)
        desk.venue.advance(START_NS + 4)
        assert desk.told == []
        desk.venue.advance(START_NS + 10)
        level, told, quoted = desk.told
        assert (level.at_ns, level.delta_e2, level.cause, level.maker) == (START_NS + 5, -1_000, "expiry", "ann")
        assert (told.order_id, told.status, told.reason) == (order.order_id, "canceled", "ExpiryCancel")
        assert quoted.yes_bid_e4 is None and desk.levels() == ([], [])

    def test_what_ended_before_does_not_end_again(self, desk):
        order = desk.bid(desk.ann, "yes", 42, expires_ns=START_NS + 5)
        desk.ann.cancel(order.order_id)
        desk.bid(desk.ann, "yes", 42, immediate_or_cancel=True, expires_ns=START_NS + 5)
        desk.take(object)
        desk.venue.advance(START_NS + 10)
        assert desk.told == [] and desk.venue.next_due_ns is None

    def test_an_amended_order_keeps_its_time(self, desk):
        order = desk.bid(desk.ann, "yes", 42, expires_ns=START_NS + 5)
        desk.ann.amend(order.order_id, cents=43)
        desk.venue.advance(START_NS + 5)
        assert desk.levels() == ([], [])

    def test_whoever_asked_is_told_that_something_is_planned(self, desk):
        due = []
        desk.venue.on_planned = lambda: due.append(desk.venue.next_due_ns)
        desk.bid(desk.ann, "yes", 42, expires_ns=START_NS + 5)
        desk.bid(desk.ann, "yes", 42)
        assert due == [START_NS + 5] and desk.venue.on_planned is not None
        desk.venue.on_planned = None
        desk.bid(desk.ann, "yes", 42, expires_ns=START_NS + 5)
        assert len(due) == 1


class TestCancelAndDecrease:
    def test_a_cancelled_order_leaves(self, desk):
        order = desk.bid(desk.ann, "no", 42)
        desk.take(object)
        told = desk.ann.cancel(order.order_id)
        assert (told.status, told.remaining_e2, told.initial_e2, told.reason) == ("canceled", 0, 1_000, "")
        assert [type(each) for each in desk.told] == [LevelChanged, OrderChanged, Quoted]
        assert (desk.told[0].cause, desk.told[0].delta_e2, desk.told[0].maker) == ("cancel", -1_000, "ann")
        assert desk.levels() == ([], []) and desk.ann.resting() == []

    def test_a_decreased_order_keeps_its_place(self, desk):
        first = desk.bid(desk.ann, "no", 60)
        desk.bid(desk.bob, "no", 60)
        desk.take(object)
        told = desk.ann.decrease(first.order_id, size="4")
        assert (told.status, told.remaining_e2, told.initial_e2, told.reason) == ("resting", 600, 1_000, "Decrease")
        level = desk.take(LevelChanged)[0]
        assert (level.cause, level.delta_e2, level.maker) == ("decrease", -400, "ann")
        desk.bid(desk.crowd, "yes", 40, size="7")
        assert [(each.account, each.size_e2) for each in desk.take(Filled)] == [("ann", 600), ("bob", 100)]

    @pytest.mark.parametrize("size_e2", [1_000, 1_001])
    def test_a_decrease_leaves_something(self, desk, size_e2):
        order = desk.bid(desk.ann, "no", 60)
        error = desk.refuses(Refused, desk.ann.decrease, order.order_id, size_e2=size_e2)
        assert error.reason == "too_large"
        found = {1_000: "10.00", 1_001: "10.01"}[size_e2]
        assert str(error) == f"{T}: expected less than the 10.00 that rest, found {found}: cancel it"

    def test_an_order_that_does_not_rest_is_refused(self, desk):
        filled = desk.bid(desk.bob, "no", 60)
        cancelled = desk.bid(desk.ann, "yes", 39)
        desk.bid(desk.ann, "yes", 40)
        desk.ann.cancel(cancelled.order_id)
        for who, order_id in ((desk.bob, filled.order_id), (desk.ann, cancelled.order_id), (desk.ann, "nothing")):
            for call in (who.cancel, lambda order_id, who=who: who.decrease(order_id, size="1"), who.amend):
                error = desk.refuses(Refused, call, order_id)
                assert (error.market_ticker, error.reason) == (None, "not_resting")
                name = "bob" if who is desk.bob else "ann"
                assert str(error).endswith(f" of '{name}' rests: it was filled, cancelled or never placed")

    def test_an_order_of_another_account_is_refused(self, desk):
        order = desk.bid(desk.ann, "yes", 42)
        desk.refuses(Refused, desk.bob.cancel, order.order_id)

    @pytest.mark.parametrize("order_id", [None, 7])
    def test_an_order_id_is_text(self, desk, order_id):
        error = desk.refuses(TypeError, desk.ann.cancel, order_id)
        assert str(error) == f"order_id must be str, not {type(order_id).__name__}"


class TestAmending:
    def test_another_price_takes_it_out_and_lets_it_come_anew(self, desk):
        order = desk.bid(desk.ann, "yes", 42)
        desk.take(object)
        told = desk.ann.amend(order.order_id, cents=43, size="12")
        assert (told.order_id, told.price_e4, told.status, told.reason) == (order.order_id, 4_300, "resting", "Amend")
        assert (told.initial_e2, told.remaining_e2, told.mark) == (1_200, 1_200, order.mark)
        levels = desk.take(LevelChanged)
        assert [(each.price_e4, each.delta_e2, each.cause) for each in levels] == [
            (4_200, -1_000, "amend"), (4_300, 1_200, "amend"),
        ]  # fmt: skip
        assert levels[0].clock == levels[1].clock and desk.levels() == ([(4_300, 1_200)], [])

    def test_at_another_price_it_may_trade(self, desk):
        desk.bid(desk.bob, "no", 55, size="4")
        order = desk.bid(desk.ann, "yes", 42)
        told = desk.ann.amend(order.order_id, cents=45)
        assert (told.status, told.filled_e2, told.remaining_e2, told.reason) == ("resting", 400, 600, "Trade")
        assert told.taker_cost_e6 == 4_500 * 400
        told = desk.ann.amend(order.order_id, size="2")
        assert (told.initial_e2, told.filled_e2, told.remaining_e2) == (600, 400, 200)
        desk.watcher.check()

    def test_it_may_be_executed_by_it(self, desk):
        desk.bid(desk.bob, "no", 55)
        order = desk.bid(desk.ann, "yes", 42)
        assert desk.ann.amend(order.order_id, cents=45).status == "executed"
        assert desk.ann.resting() == [] and desk.levels() == ([], [])
        desk.watcher.check()

    def test_it_may_end_before_an_own_order(self, desk):
        other = desk.bid(desk.ann, "no", 55)
        order = desk.bid(desk.ann, "yes", 42)
        told = desk.ann.amend(order.order_id, cents=45)
        assert (told.status, told.reason) == ("canceled", "SelfTradeCancel")
        assert [each.order_id for each in desk.ann.resting()] == [other.order_id]

    @pytest.mark.parametrize(("size", "first"), [("12", "bob"), ("8", "ann")])
    def test_it_loses_its_place_where_it_grows_and_keeps_it_where_it_shrinks(self, desk, size, first):
        order = desk.bid(desk.ann, "no", 60)
        desk.bid(desk.bob, "no", 60)
        desk.take(object)
        told = desk.ann.amend(order.order_id, size=size)
        assert (told.remaining_e2, told.initial_e2, told.reason) == (int(size) * 100, int(size) * 100, "Amend")
        level = desk.take(LevelChanged)
        assert [(each.delta_e2, each.cause) for each in level] == [(int(size) * 100 - 1_000, "amend")]
        desk.bid(desk.crowd, "yes", 40, size="1")
        assert [each.account for each in desk.take(Filled)] == [first]

    def test_where_nothing_changes_nothing_happens(self, desk):
        order = desk.bid(desk.ann, "no", 60)
        desk.take(object)
        told = desk.ann.amend(order.order_id, cents=60, size="10")
        assert (told.status, told.remaining_e2, told.reason) == ("resting", 1_000, "") and desk.told == []

    def test_post_only_holds_for_a_new_price(self, desk):
        desk.bid(desk.bob, "no", 55)
        order = desk.bid(desk.ann, "yes", 42, post_only=True)
        assert desk.refuses(Refused, desk.ann.amend, order.order_id, cents=45).reason == "crosses"
        assert desk.ann.amend(order.order_id, cents=44).price_e4 == 4_400

    def test_a_new_price_is_on_the_grid(self, desk):
        order = desk.bid(desk.ann, "yes", 42)
        assert desk.refuses(Refused, desk.ann.amend, order.order_id, price="0.425").reason == "off_tick"


class TestPositions:
    def test_positions_net_by_subaccount(self, desk):
        desk.crowd.change(T, outcome_side="no", price_e4=6_000, delta_e2=2_000)
        desk.bid(desk.ann, "yes", 40)
        desk.bid(desk.ann, "yes", 40, subaccount=2)
        desk.crowd.change(T, outcome_side="yes", price_e4=4_500, delta_e2=2_000)
        desk.bid(desk.ann, "no", 55, size="4")
        position = desk.ann.position(T)
        assert (position.position_e2, position.cost_e6, position.realized_pnl_e6) == (600, 2_400_000, 200_000)
        assert desk.ann.position(T, subaccount=2).position_e2 == 1_000
        assert desk.ann.position(T, subaccount=3).position_e2 == desk.bob.position(T).volume_e2 == 0
        desk.watcher.check()

    def test_open_interest_is_of_pairs_of_buyers(self, desk):
        def interest():
            return desk.take(Quoted)[-1].open_interest_e2

        desk.bid(desk.ann, "yes", 40)
        desk.bid(desk.bob, "no", 60)  # both open
        assert interest() == 1_000
        desk.bid(desk.crowd, "no", 60)
        desk.bid(desk.bob, "yes", 40)  # one closes: the crowd takes its place
        assert interest() == 1_000
        desk.bid(desk.bob, "no", 60)
        desk.bid(desk.crowd, "yes", 40)
        assert interest() == 2_000
        desk.bid(desk.bob, "yes", 40)
        desk.bid(desk.ann, "no", 60)  # both close
        quoted = desk.take(Quoted)[-1]
        assert quoted.open_interest_e2 == 1_000 and quoted.dollar_open_interest == 10
        assert (quoted.volume_e2, quoted.dollar_volume) == (4_000, 16)
        assert (quoted.last_price_e4, quoted.last_size_e2) == (4_000, 1_000)

    def test_a_market_that_there_is_not_has_no_positions(self, desk):
        assert desk.refuses(UnknownListing, desk.ann.position, "NONE").market_ticker == "NONE"


class TestTheCrowdsChange:
    def test_exactly_this_change_is_made(self, desk):
        for delta_e2 in (500, 250, -700, -50):
            desk.crowd.change(T, outcome_side="no", price_e4=6_000, delta_e2=delta_e2)
        changes = desk.take(LevelChanged)
        assert [(each.outcome_side, each.price_e4, each.delta_e2, each.cause) for each in changes] == [
            ("no", 6_000, 500, "placement"), ("no", 6_000, 250, "placement"),
            ("no", 6_000, -700, "decrease"), ("no", 6_000, -50, "cancel"),
        ]  # fmt: skip
        assert len({each.clock for each in changes}) == 4 and desk.levels() == ([], [])

    def test_what_goes_is_the_newest_and_of_the_crowd_alone(self, desk):
        desk.crowd.change(T, outcome_side="no", price_e4=6_000, delta_e2=300)
        desk.bid(desk.ann, "no", 60)
        placed = desk.bid(desk.crowd, "no", 60, size="2")
        desk.crowd.change(T, outcome_side="no", price_e4=6_000, delta_e2=100)
        desk.take(object)
        desk.crowd.change(T, outcome_side="no", price_e4=6_000, delta_e2=-350)
        assert [(each.delta_e2, each.cause) for each in desk.take(LevelChanged)] == [(-350, "decrease")]
        desk.refuses(Refused, desk.crowd.cancel, placed.order_id)
        assert desk.crowd.resting() == []
        desk.bid(desk.bob, "yes", 40, size="20")
        fills = [(each.account, each.size_e2) for each in desk.take(Filled)]
        assert fills == [("bob", 250), ("ann", 1_000), ("bob", 1_000)]
        assert desk.levels() == ([(4_000, 750)], [])

    def test_more_than_the_crowd_has_is_refused(self, desk):
        desk.crowd.change(T, outcome_side="no", price_e4=6_000, delta_e2=300)
        desk.bid(desk.ann, "no", 60)
        error = desk.refuses(Refused, desk.crowd.change, T, outcome_side="no", price_e4=6_000, delta_e2=-301)
        assert error.reason == "too_small"
        assert str(error) == f"{T}: expected the crowd to have 3.01 at no 0.6000, found 3.00"
        error = desk.refuses(Refused, desk.crowd.change, T, outcome_side="yes", price_e4=1, delta_e2=-1)
        assert str(error) == f"{T}: expected the crowd to have 0.01 at yes 0.0001, found 0.00"

    @pytest.mark.parametrize("price_e4", [4_000, 4_100])
    def test_what_would_lock_or_cross_is_refused(self, desk, price_e4):
        desk.crowd.change(T, outcome_side="no", price_e4=6_000, delta_e2=300)
        error = desk.refuses(Refused, desk.crowd.change, T, outcome_side="yes", price_e4=price_e4, delta_e2=1)
        assert error.reason == "crosses"
        desk.crowd.change(T, outcome_side="yes", price_e4=3_900, delta_e2=1)

    def test_a_price_is_on_the_grid(self, desk):
        error = desk.refuses(Refused, desk.crowd.change, T, outcome_side="no", price_e4=6_010, delta_e2=1)
        assert (error.reason, str(error)) == ("off_tick", f"{T}: expected a price on the grid 'cent', found 0.6010")

    @pytest.mark.parametrize(
        ("how", "error"),
        [
            ({"delta_e2": 0}, UsageError), ({"delta_e2": MAX_SIZE_E2 + 1}, UsageError), ({"delta_e2": 1.0}, TypeError),
            ({"price_e4": 0}, UsageError), ({"price_e4": "0.60"}, TypeError), ({"price_e4": None}, TypeError),
            ({"outcome_side": "bid"}, UsageError), ({"market_ticker": "NONE"}, UnknownListing),
        ],
    )  # fmt: skip
    def test_other_values_are_refused(self, desk, how, error):
        how = {"market_ticker": T, "outcome_side": "no", "price_e4": 6_000, "delta_e2": 100, **how}
        desk.refuses(error, desk.crowd.change, how.pop("market_ticker"), **how)


class TestMarketsThatTakeNoOrders:
    @pytest.mark.parametrize("state", ["paused", "closed"])
    def test_nothing_is_placed_or_amended(self, desk, state):
        order = desk.bid(desk.ann, "no", 60)
        desk.venue.life.pause(T) if state == "paused" else desk.venue.life.close(T)
        error = desk.refuses(Refused, desk.bid, desk.ann, "yes", 39)
        assert (error.reason, str(error)) == ("state", f"{T}: expected a market that is active, found one that is {state}")
        how = {"outcome_side": "no", "price_e4": 6_000, "delta_e2": 100}
        assert desk.refuses(Refused, desk.crowd.change, T, **how).reason == "state"
        reason = "state" if state == "paused" else "not_resting"
        assert desk.refuses(Refused, desk.ann.amend, order.order_id, cents=59).reason == reason

    def test_while_it_is_paused_orders_can_be_cancelled_and_decreased(self, desk):
        order = desk.bid(desk.ann, "no", 60)
        desk.crowd.change(T, outcome_side="no", price_e4=6_000, delta_e2=300)
        desk.venue.life.pause(T)
        desk.ann.decrease(order.order_id, size="1")
        desk.crowd.change(T, outcome_side="no", price_e4=6_000, delta_e2=-100)
        assert desk.levels() == ([], [(6_000, 1_100)])
        desk.ann.cancel(order.order_id)
        assert desk.levels() == ([], [(6_000, 200)])
        desk.watcher.check()

    def test_a_market_that_there_is_not_is_refused(self, desk):
        for ticker in ("NONE", None, []):
            error = desk.refuses(UnknownListing, desk.ann.place, ticker, outcome_side="yes", cents=42, size="1")
            assert isinstance(error, UnknownMarket) and error.held == 1
            assert str(error) == f"the exchange lists no market {ticker!r} among its 1: read `listings` for those"
            with pytest.raises(UnknownListing):
                desk.venue.listing(ticker)
        assert desk.venue.listing(T) is desk.listing


class TestMisuse:
    @pytest.mark.parametrize(
        ("how", "error", "text"),
        [
            ({"price": 0.42}, TypeError, 'a price in dollars is Decimal("0.42") or "0.42", not float; '
             "pass price_e4=4200 for units of $0.0001 or cents=42 for cents"),
            ({"price": None}, TypeError, "pass one price: Decimal or text in dollars, price_e4= or cents="),
            ({"price": "1"}, UsageError,
             "a price is $0.0001 to $0.9999 (price_e4 1 to 9999), not price_e4=10000: check its unit"),
            ({"size": 10}, TypeError,
             'a size in contracts is Decimal("10") or "10", not int; pass size_e2=1000 for units of 0.01 contract'),
            ({"size": 1.5}, TypeError,
             'a size in contracts is Decimal("10") or "10", not float; pass size_e2=1000 for units of 0.01 contract'),
            ({"size": None}, TypeError, "pass one size: Decimal or text in contracts, or size_e2="),
            ({"size_e2": 100}, TypeError, "pass one size: Decimal or text in contracts, or size_e2="),
            ({"size": None, "size_e2": 1.0}, TypeError, "size_e2 must be int, units of 0.01 contract, not float"),
            ({"size": None, "size_e2": True}, TypeError, "size_e2 must be int, units of 0.01 contract, not bool"),
            ({"size": "0"}, UsageError, "a size is 0.01 to 1000000000.00 contracts, not size_e2=0: check its unit"),
            ({"size": "-1"}, UsageError, "a size is 0.01 to 1000000000.00 contracts, not size_e2=-100: check its unit"),
            ({"size": "1000000000.01"}, UsageError,
             "a size is 0.01 to 1000000000.00 contracts, not size_e2=100000000001: check its unit"),
            ({"size": "0.001"}, UsageError, "a size has steps of 0.01 contract, and '0.001' is none"),
            ({"size": "ten"}, UsageError, "a size has steps of 0.01 contract, and 'ten' is none"),
            ({"size": Decimal("NaN")}, UsageError, "a size has steps of 0.01 contract, and Decimal('NaN') is none"),
            ({"size": "Infinity"}, UsageError, "a size has steps of 0.01 contract, and 'Infinity' is none"),
            ({"size": "1E+999999999"}, UsageError, "a size has steps of 0.01 contract, and '1E+999999999' is none"),
            ({"size": "10." + "0" * 40 + "1"}, UsageError,
             "a size has steps of 0.01 contract, and '10.000000000000000000000000000000000000... is none"),
            ({"outcome_side": "bid"}, UsageError, "outcome_side must be \"yes\" or \"no\", not 'bid'"),
            ({"outcome_side": None}, TypeError, 'outcome_side must be "yes" or "no", not NoneType'),
            ({"client_order_id": 7}, TypeError, "client_order_id must be str or None, not int"),
            ({"client_order_id": "\ud800"}, UsageError,
             "a client_order_id is text that UTF-8 can tell, and '\\ud800' is none"),
            ({"expires_ns": 2**63}, UsageError,
             "expires_ns is at most 9223372036854775807, not 9223372036854775808: it is unix nanoseconds"),
            ({"subaccount": 64}, UsageError, "a subaccount is 0 to 63, not 64"),
            ({"subaccount": -1}, UsageError, "a subaccount is 0 to 63, not -1"),
            ({"subaccount": "1"}, UsageError, "a subaccount is 0 to 63, not '1'"),
            ({"post_only": True, "immediate_or_cancel": True}, UsageError,
             "an order that may only rest cannot be one that must not: post_only or immediate_or_cancel"),
        ],
    )  # fmt: skip
    def test_values_out_of_range_are_refused(self, desk, how, error, text):
        how = {"outcome_side": "yes", "price": "0.42", "size": "10", **how}
        assert str(desk.refuses(error, desk.ann.place, T, **how)) == text
        assert desk.bid(desk.ann, "yes", 42).mark.client_order_id == "ann-1"  # no name was used up

    @pytest.mark.parametrize("expires_ns", [START_NS, 0, 1.5, "later"])
    def test_an_order_ends_later_than_now(self, desk, expires_ns):
        error = desk.refuses(Refused, desk.bid, desk.ann, "yes", 42, expires_ns=expires_ns)
        assert error.reason == "expired"
        assert str(error) == f"{T}: expires_ns must be a time after {START_NS}, not {expires_ns!r}"

    def test_a_price_is_on_the_grid_of_the_market(self, desk):
        error = desk.refuses(Refused, desk.ann.place, T, outcome_side="yes", price="0.425", size="1")
        assert (error.reason, str(error)) == ("off_tick", f"{T}: expected a price on the grid 'cent', found 0.4250")
        desk.venue.life.restructure(T, tick="deci_cent")
        assert desk.ann.place(T, outcome_side="yes", price="0.425", size="1").price_e4 == 4_250

    def test_where_only_whole_contracts_are_known_fractions_are_refused(self):
        """Frames until 2026-03-12 have whole numbers of contracts beside or in place of strings (observed, recordings)."""
        desk = Desk(whole=True)
        order = desk.bid(desk.ann, "yes", 42)
        text = "this exchange knows whole contracts only, and 1.50 is no such size"
        how = {"outcome_side": "no", "price_e4": 100, "delta_e2": 150}
        assert str(desk.refuses(UsageError, desk.bid, desk.ann, "yes", 42, size="1.5")) == text
        assert str(desk.refuses(UsageError, desk.ann.decrease, order.order_id, size="1.5")) == text
        assert str(desk.refuses(UsageError, desk.ann.amend, order.order_id, size="1.5")) == text
        assert str(desk.refuses(UsageError, desk.crowd.change, T, **how)) == text
        assert desk.ann.decrease(order.order_id, size="2").remaining_e2 == 800


def test_a_long_list_of_resting_orders_is_in_order_of_time(desk):
    placed = [desk.bid(desk.ann, "yes", cents).order_id for cents in (5, 9, 7)]
    desk.venue.advance(START_NS + SECOND_NS)
    assert [each.order_id for each in desk.ann.resting()] == placed and desk.bob.resting() == []
