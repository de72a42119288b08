"""Own resting orders: what messages and lists say, what they cannot say, and own size on the book.

Source, where no other is named: the "User Orders" and "User Fills" channels of the exchange's AsyncAPI text, read
2026-10-26.
"""

import copy
import gc
import pickle
import sys
import threading
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frames import A, B, snapshot
from implementations import BY_NAME, part

T = 1_793_000_000_000
"""A time of the exchange, unix milliseconds; times below are given as milliseconds after it."""


@dataclass(frozen=True)
class Order:
    """A ``user_order`` message, or an order in a list from REST."""

    order_id: str = "o1"
    status: str = "resting"
    outcome_side: str = "yes"
    yes_price_e4: int | None = 4200
    fill_count_e2: int | None = 0
    remaining_e2: int | None = 1000
    last_updated_ts_ms: int | None = None
    created_ts_ms: int | None = T
    market_ticker: str = A
    client_order_id: str | None = "mm-1"
    subaccount: int | None = None


@dataclass(frozen=True)
class Fill:
    """A ``fill`` message."""

    order_id: str = "o1"
    trade_id: str = "t1"
    count_e2: int = 300
    market_ticker: str = A


def order(order_id="o1", *, at=None, **more):
    """An order that was updated so many milliseconds after T; None: that is not told."""
    return Order(order_id, last_updated_ts_ms=None if at is None else T + at, **more)


@pytest.fixture
def own(kb):
    """Own orders of a subscription that was acknowledged at T, with nothing confirmed."""
    made = part(kb, "orders").OwnOrders()
    made.listening(since_ms=T)
    return made


@pytest.fixture
def known(own):
    """The same, confirmed: nothing rests."""
    own.confirm([], as_of_ms=T)
    return own


def sizes(market):
    """Own size by outcome and price, as far as orders are known."""
    found = {}
    for each in market.orders:
        key = each.outcome_side, each.price_e4
        found[key] = found.get(key, 0) + each.size_e2
    return found


class TestWhatIsKnown:
    def test_nothing_is_known_before_a_subscription(self, kb):
        market = part(kb, "orders").OwnOrders().of(A)
        assert (market.market_ticker, market.is_known, market.unknown_reason, market.orders) == (
            A,
            False,
            "not_subscribed",
            [],
        )
        assert repr(market) == f"<MarketOwn {A} unknown (not_subscribed), 0 orders>"

    def test_one_message_tells_of_one_order_and_not_of_the_others(self, own):
        """The channel tells "when your orders are created, filled, canceled, or otherwise updated": no first list."""
        market = own.of(A)
        own.take_order(order())
        assert (market.is_known, market.unknown_reason) == (False, "not_confirmed")
        assert [(each.order_id, each.size_e2, each.is_confirmed) for each in market.orders] == [("o1", 1000, True)]

    def test_a_list_makes_known_what_rests_in_every_market(self, own):
        market, other = own.of(A), own.of(B)
        own.confirm([order(at=-50)], as_of_ms=T + 5)
        assert (market.is_known, other.is_known, own.of("ANY").is_known) == (True, True, True)
        assert (market.size_e2(False, 4200), other.size_e2(False, 4200)) == (1000, 0)
        assert repr(market) == f"<MarketOwn {A} known, 1 orders>"

    def test_a_list_of_one_market_tells_of_that_market(self, own):
        market, other = own.of(A), own.of(B)
        own.take_order(order("o2", market_ticker=B))
        own.confirm([order()], as_of_ms=T + 5, market_tickers=[A])
        assert (market.is_known, other.is_known, len(other.orders)) == (True, False, 1)
        own.confirm([], as_of_ms=T + 6, market_tickers=[B])
        assert (market.is_known, len(market.orders), other.is_known, other.orders) == (True, 1, True, [])

    def test_a_loss_leaves_orders_as_last_known_and_unconfirmed(self, known):
        market = known.of(A)
        known.take_order(order(at=1))
        known.lost("disconnected")
        assert (market.is_known, market.unknown_reason) == (False, "disconnected")
        assert [(each.size_e2, each.is_confirmed) for each in market.orders] == [(1000, False)]
        known.listening(since_ms=T + 10)
        assert market.unknown_reason == "not_confirmed"
        known.confirm([order("o2", at=8)], as_of_ms=T + 10)
        assert [(each.order_id, each.is_confirmed) for each in market.orders] == [("o2", True)]
        assert market.is_known

    def test_a_subscription_for_some_markets_tells_of_those(self, kb):
        own = part(kb, "orders").OwnOrders()
        market, other = own.of(A), own.of(B)
        own.listening(since_ms=T, market_tickers=[A])
        assert (market.unknown_reason, other.unknown_reason) == ("not_confirmed", "not_subscribed")
        own.confirm([order(), order("o2", market_ticker=B)], as_of_ms=T)
        assert (market.is_known, other.is_known, other.orders) == (True, False, [])
        own.listening(since_ms=T + 50, market_tickers=[B])
        assert (market.is_known, other.unknown_reason) == (True, "not_confirmed")
        own.lost("unsubscribed", market_tickers=[A])
        assert (market.unknown_reason, market.orders[0].is_confirmed) == ("unsubscribed", False)
        own.confirm([order("o2", market_ticker=B)], as_of_ms=T + 60)
        assert (market.unknown_reason, other.is_known, len(other.orders)) == ("unsubscribed", True, 1)
        assert [each.order_id for each in market.orders] == ["o1"]

    def test_one_object_tells_of_a_market_while_somebody_holds_it(self, known):
        market = known.of(A)
        assert known.of(A) is market
        known.take_order(order(at=1))
        del market
        gc.collect()
        assert len(known._markets) == 0
        assert len(known.of(A).orders) == 1

    def test_a_reading_is_of_one_moment(self, known):
        market = known.of(A)
        before = market.now()
        known.take_order(order(at=1))
        assert (before.orders, before.sizes(False), before.is_known, before.now()) == ((), {}, True, before)
        assert market.now().sizes(False) == {4200: 1000}


class TestOneOrder:
    def test_an_order_says_all_of_itself_exactly(self, known):
        known.take_order(order(at=7, outcome_side="no", yes_price_e4=4401, remaining_e2=755, subaccount=3))
        (found,) = known.of(A).orders
        assert (found.order_id, found.client_order_id, found.market_ticker, found.subaccount) == ("o1", "mm-1", A, 3)
        assert (found.outcome_side, found.price_e4, found.size_e2) == ("no", 5599, 755)
        assert (found.updated_ts_ms, found.is_confirmed) == (T + 7, True)
        assert [(type(each), str(each)) for each in (found.price, found.size)] == [(Decimal, "0.5599"), (Decimal, "7.55")]
        with pytest.raises(AttributeError):
            found.size_e2 = 1

    def test_without_a_time_of_change_it_has_that_of_its_creation(self, known):
        known.take_order(order())
        assert known.of(A).orders[0].updated_ts_ms == T

    def test_a_yes_order_bids_for_yes_and_a_no_order_for_no_at_a_dollar_less_its_price(self, known):
        """An order at price p with outcome_side no is matched by an order at the same price p with outcome_side yes."""
        market = known.of(A)
        known.take_order(order("o1"))
        known.take_order(order("o2", outcome_side="no", yes_price_e4=4400, remaining_e2=50))
        assert [market.size_e2(no, at) for no, at in ((False, 4200), (True, 5600), (False, 4400), (True, 5800))] == [
            1000, 50, 0, 0
        ]  # fmt: skip

    def test_orders_of_one_level_add_up_whatever_their_subaccount(self, known):
        for number in range(3):
            known.take_order(order(f"o{number}", subaccount=number))
        assert known.of(A).size_e2(False, 4200) == 3000

    def test_an_amend_moves_the_order_and_keeps_its_place(self, known):
        known.take_order(order("o1", at=1))
        known.take_order(order("o2", at=2, yes_price_e4=4000))
        known.take_order(order("o1", at=3, yes_price_e4=4300, remaining_e2=200))
        market = known.of(A)
        assert sizes(market) == {("yes", 4300): 200, ("yes", 4000): 1000}
        assert [each.order_id for each in market.orders] == ["o1", "o2"]

    @pytest.mark.parametrize("status", ["canceled", "executed"])
    def test_an_order_that_ended_is_gone_and_stays_so(self, known, status):
        market = known.of(A)
        known.take_order(order(at=1))
        known.take_order(order(at=2, status=status, remaining_e2=0))
        for late in (order(at=1), order(at=2), order()):
            known.take_order(late)
        known.take_fill(Fill())
        known.confirm([order(at=1)], as_of_ms=T + 1)
        assert (market.is_known, market.orders) == (True, [])

    def test_an_order_that_ended_unseen_is_gone_too(self, own):
        own.take_fill(Fill())
        own.take_order(order(at=3, status="canceled"))
        own.confirm([order(at=2)], as_of_ms=T + 2)
        assert (own.of(A).is_known, own.of(A).orders, len(own._early_fills)) == (True, [], 0)

    def test_an_order_that_is_told_of_later_than_its_end_rests(self, known):
        known.take_order(order(at=1, status="canceled"))
        known.take_order(order(at=2))
        known.take_order(order(remaining_e2=300))
        assert sizes(known.of(A)) == {("yes", 4200): 300}
        known.take_order(order(at=3, status="canceled"))
        assert known.of(A).orders == []

    def test_an_older_message_is_dropped_and_one_without_a_time_is_the_newest(self, known):
        market = known.of(A)
        known.take_order(order(at=5, remaining_e2=400))
        known.take_order(order(at=4, remaining_e2=500))
        assert sizes(market) == {("yes", 4200): 400}
        known.take_order(order(remaining_e2=300))
        assert sizes(market) == {("yes", 4200): 300}
        known.take_order(order(at=1, remaining_e2=200))
        assert sizes(market) == {("yes", 4200): 200}

    @pytest.mark.parametrize(
        "unclear",
        [
            {"status": "unknown"}, {"status": "pondering"}, {"yes_price_e4": 0}, {"yes_price_e4": 10_000},
            {"yes_price_e4": None}, {"remaining_e2": -1}, {"remaining_e2": None}, {"outcome_side": "bid"},
        ],
    )  # fmt: skip
    def test_an_order_that_does_not_say_what_rests_makes_its_market_unknown_until_its_next_message(self, kb, known, unclear):
        market, other = known.of(A), known.of(B)
        known.take_order(order("o2"))
        known.take_order(order(at=1, **unclear))
        assert (market.is_known, market.unknown_reason, other.is_known) == (False, "order_unclear", True)
        with pytest.raises(kb.OwnSizeUnknown) as raised:
            market.size_e2(False, 4200)
        assert (raised.value.market_ticker, raised.value.reason) == (A, "order_unclear")
        known.take_order(order("o2", at=2))
        assert not market.is_known
        known.take_order(order(at=3))
        assert (market.is_known, market.size_e2(False, 4200)) == (True, 2000)

    def test_an_unclear_order_is_shown_unconfirmed_where_it_can_be_read(self, known):
        known.take_order(order("o1", status="unknown"))
        known.take_order(order("o2", yes_price_e4=None))
        assert [(each.order_id, each.is_confirmed) for each in known.of(A).orders] == [("o1", False)]


class TestFills:
    @pytest.mark.parametrize("fill_first", [True, False])
    def test_a_fill_and_its_message_lessen_the_order_once_in_either_order(self, known, fill_first):
        """Two channels without a common order; ``trade_id``: "what you use to differentiate fills"."""
        market = known.of(A)
        known.take_order(order(at=1))
        told = [lambda: known.take_fill(Fill()), lambda: known.take_order(order(at=2, fill_count_e2=300, remaining_e2=700))]
        for tell in told if fill_first else told[::-1]:
            tell()
            assert sizes(market) == {("yes", 4200): 700}
        known.take_fill(Fill())
        assert sizes(market) == {("yes", 4200): 700}

    def test_a_fill_that_comes_before_the_first_message_of_its_order_counts(self, known):
        market = known.of(A)
        known.take_fill(Fill())
        known.take_order(order(at=1))
        assert sizes(market) == {("yes", 4200): 700}

    def test_several_fills_add_up_and_a_message_in_between_tells_of_some(self, known):
        market = known.of(A)
        known.take_order(order(at=1))
        for number in range(3):
            known.take_fill(Fill(trade_id=f"t{number}", count_e2=100))
        known.take_order(order(at=2, fill_count_e2=200, remaining_e2=800))
        assert sizes(market) == {("yes", 4200): 700}

    def test_an_order_that_was_filled_whole_is_gone_before_its_last_message(self, known):
        market = known.of(A)
        known.take_order(order(at=1, remaining_e2=300))
        known.take_fill(Fill())
        assert (market.is_known, market.orders, market.size_e2(False, 4200)) == (True, [], 0)
        known.take_order(order(at=2, status="executed", fill_count_e2=300, remaining_e2=0))
        assert known._entries == {}

    def test_a_fill_of_an_order_first_seen_half_filled_counts_when_its_message_comes(self, known):
        """Whether it is among the 5 contracts that were filled before cannot be known: never twice."""
        market = known.of(A)
        known.take_order(order(at=1, fill_count_e2=500, remaining_e2=500))
        known.take_fill(Fill())
        assert sizes(market) == {("yes", 4200): 500}
        known.take_order(order(at=2, fill_count_e2=800, remaining_e2=200))
        assert sizes(market) == {("yes", 4200): 200}

    def test_a_message_that_does_not_tell_what_was_filled_tells_of_the_fills_before_it(self, known):
        market = known.of(A)
        known.take_order(order(at=1))
        known.take_fill(Fill())
        known.take_order(order(at=2, fill_count_e2=None, remaining_e2=700))
        assert sizes(market) == {("yes", 4200): 700}
        known.take_fill(Fill(trade_id="t2"))
        assert sizes(market) == {("yes", 4200): 400}

    def test_fills_beyond_what_rests_wait_for_the_message_of_the_amend_between(self, known):
        market = known.of(A)
        known.take_order(order(at=1, remaining_e2=200))
        known.take_fill(Fill())
        assert (market.unknown_reason, market.orders) == ("order_unclear", [])
        known.take_order(order(at=2, remaining_e2=900))
        assert (market.is_known, sizes(market)) == (True, {("yes", 4200): 600})


class TestLists:
    @pytest.mark.parametrize(
        ("streamed", "listed", "as_of", "rests"),
        [
            (order(at=5, remaining_e2=500), order(at=4, remaining_e2=400), 4, 500),
            (order(at=5, remaining_e2=500), order(at=6, remaining_e2=600), 6, 600),
            (order(at=5, remaining_e2=500), order(at=6, remaining_e2=600), 3, 600),
            (order(at=5, remaining_e2=500), order(remaining_e2=600), 6, 600),
            (order(at=5, remaining_e2=500), order(remaining_e2=600), 5, 500),
            (order(remaining_e2=500), order(at=6, remaining_e2=600), 6, 500),
            (order(at=5), None, 5, 1000),
            (order(at=5), None, 6, None),
            (order(created_ts_ms=T + 5), None, 6, None),
            (order(created_ts_ms=T + 6), None, 6, 1000),
            (order(created_ts_ms=None), None, 6, 1000),
        ],
    )  # fmt: skip
    def test_the_later_word_counts(self, own, streamed, listed, as_of, rests):
        own.take_order(streamed)
        own.confirm([] if listed is None else [listed], as_of_ms=T + as_of)
        assert own.of(A).is_known
        assert sizes(own.of(A)) == ({} if rests is None else {("yes", 4200): rests})

    def test_an_order_that_the_list_lacks_ended_and_late_messages_of_then_do_not_bring_it_back(self, own):
        own.take_order(order(at=1))
        own.confirm([], as_of_ms=T + 5)
        own.take_order(order(at=2))
        assert own.of(A).orders == []
        own.take_order(order(at=6))
        assert len(own.of(A).orders) == 1

    @pytest.mark.parametrize(("as_of", "is_known"), [(4, False), (5, True)])
    @pytest.mark.parametrize("listed", [True, False])
    def test_a_list_makes_an_unclear_order_clear_unless_it_is_older(self, own, as_of, is_known, listed):
        own.take_order(order(at=5, status="unknown"))
        own.confirm([order(at=3)] if listed else [], as_of_ms=T + as_of)
        assert own.of(A).is_known is (is_known and listed)
        own.confirm([], as_of_ms=T + 6)
        assert (own.of(A).is_known, own.of(A).orders) == (True, [])

    def test_a_list_may_hold_orders_that_ended_and_one_that_is_unclear(self, own):
        own.confirm([order("o1", status="executed"), order("o2", status="unknown"), order("o3")], as_of_ms=T)
        assert own.of(A).unknown_reason == "order_unclear"
        own.take_order(order("o2", at=1, status="canceled"))
        assert (own.of(A).is_known, [each.order_id for each in own.of(A).orders]) == (True, ["o3"])

    def test_after_a_loss_the_list_counts_whatever_was_known(self, known):
        known.take_order(order(remaining_e2=500))
        known.lost("disconnected")
        known.listening(since_ms=None)
        known.confirm([order(remaining_e2=400)], as_of_ms=T + 1)
        assert sizes(known.of(A)) == {("yes", 4200): 400}

    def test_an_order_known_from_before_a_loss_that_the_list_lacks_has_ended_also_where_it_has_no_time(self, known):
        known.take_order(order(created_ts_ms=None))
        known.lost("disconnected")
        known.listening(since_ms=T)
        known.confirm([], as_of_ms=T)
        assert (known.of(A).is_known, known.of(A).orders) == (True, [])

    def refused(self, kb, own, text, orders=(), as_of_ms=T + 50, **more):
        market = own.of(A)
        before = market.now()
        with pytest.raises(kb.UsageError) as raised:
            own.confirm(orders, as_of_ms=as_of_ms, **more)
        assert str(raised.value) == text
        assert market.now() == before

    def test_a_list_without_a_subscription_is_refused(self, kb):
        text = (
            "confirm needs a subscription that tells what changes after the list: subscribe to user_orders for these "
            "markets, call listening when it is acknowledged, and ask for the list then"
        )
        own = part(kb, "orders").OwnOrders()
        self.refused(kb, own, text, [order()])
        self.refused(kb, own, text, [order()], market_tickers=[A])
        own.listening(since_ms=T, market_tickers=[B])
        self.refused(kb, own, text, [order()], market_tickers=[A])
        self.refused(kb, own, text, [order()], market_tickers=[A, B])
        own.listening(since_ms=T)
        self.refused(kb, own, text, market_tickers=[])
        own.lost("gone")
        self.refused(kb, own, text, [order()])

    def test_a_list_older_than_the_subscription_is_refused(self, kb, own):
        text = (
            f"a list as of {T - 1} is older than the subscription ({T}), so it does not tell what rests now: ask for a new "
            "list"
        )
        self.refused(kb, own, text, [order()], T - 1)

    def test_a_list_older_than_an_order_known_from_before_is_refused(self, kb, own):
        own.take_order(order(at=9))
        own.lost("disconnected")
        own.listening(since_ms=None)
        text = (
            f"a list as of {T + 8} is older than what is known of {A} ({T + 9}), so it does not tell what rests now: ask "
            "for a new list"
        )
        self.refused(kb, own, text, [], T + 8)
        own.confirm([], as_of_ms=T + 9)
        assert (own.of(A).is_known, own.of(A).orders) == (True, [])

    def test_a_list_with_an_order_of_another_market_is_refused(self, kb, own):
        text = f"market_tickers must name every market in the list, and {B} is in the list alone"
        self.refused(kb, own, text, [order(), order("o2", market_ticker=B)], market_tickers=[A])

    def test_arguments_of_a_wrong_type_are_refused(self, own):
        for wrong in (None, 1.5, "1793000000000", True):
            with pytest.raises(TypeError) as raised:
                own.confirm([], as_of_ms=wrong)
            assert str(raised.value) == f"as_of_ms must be int, unix milliseconds, not {type(wrong).__name__}"
        for call in (
            lambda: own.confirm([], as_of_ms=T, market_tickers=A),
            lambda: own.lost("x", market_tickers=A),
            lambda: own.listening(since_ms=T, market_tickers=A),
        ):
            with pytest.raises(TypeError) as raised:
                call()
            assert str(raised.value) == (
                'market_tickers must be a collection of tickers such as ["KXDEMO-26-A"] or None for all, not a str'
            )
        assert own.of(A).unknown_reason == "not_confirmed"


class TestMissed:
    """A message that could not be read. It was sent at a time of the exchange, or that could not be read either."""

    def test_its_market_is_unknown_until_a_list_that_is_not_older(self, kb, known):
        market, other = known.of(A), known.of(B)
        known.take_order(order(at=1))
        known.missed(A, since_ms=T + 5)
        assert (market.unknown_reason, other.is_known, known.tells_of(A)) == ("not_confirmed", True, True)
        assert [(each.size_e2, each.is_confirmed) for each in market.orders] == [(1000, False)]
        known.take_order(order(at=6, remaining_e2=600))
        assert (market.unknown_reason, market.orders[0].is_confirmed) == ("not_confirmed", True)
        with pytest.raises(kb.UsageError) as raised:
            known.confirm([order(at=1)], as_of_ms=T + 4, market_tickers=[A])
        assert str(raised.value) == (
            f"a list as of {T + 4} is older than the subscription ({T + 5}), so it does not tell what rests now: ask for a "
            "new list"
        )
        known.confirm([order(at=1)], as_of_ms=T + 5, market_tickers=[A])
        assert (market.is_known, sizes(market)) == (True, {("yes", 4200): 600})

    def test_where_its_market_is_not_known_all_that_are_told_of_are_unknown(self, known):
        known.lost("unsubscribed", market_tickers=[B])
        known.confirm([order("o3", market_ticker="C")], as_of_ms=T, market_tickers=["C"])
        markets = [known.of(ticker) for ticker in (A, B, "C")]
        known.missed(None, since_ms=T + 5)
        assert [each.unknown_reason for each in markets] == ["not_confirmed", "unsubscribed", "not_confirmed"]
        assert not markets[2].orders[0].is_confirmed
        known.confirm([order("o1"), order("o2", market_ticker=B)], as_of_ms=T + 5)
        assert [each.unknown_reason for each in markets] == [None, "unsubscribed", None]
        assert [len(each.orders) for each in markets] == [1, 0, 0]

    @pytest.mark.parametrize("market_ticker", [A, None])
    @pytest.mark.parametrize("listed", [[], [order(remaining_e2=300)], [order(at=4, remaining_e2=300)]])
    def test_a_list_counts_whatever_was_told_before_also_of_an_order_without_a_time(self, known, market_ticker, listed):
        """What could not be read may have been its change, or its end."""
        known.take_order(order(created_ts_ms=None))
        known.missed(market_ticker, since_ms=T + 5)
        known.confirm(listed, as_of_ms=T + 5)
        assert (known.of(A).is_known, sizes(known.of(A))) == (True, {("yes", 4200): 300} if listed else {})

    @pytest.mark.parametrize("market_ticker", [A, None])
    def test_without_a_time_no_list_is_newer_for_certain_until_the_exchange_says_again_what_it_tells(
        self, kb, known, market_ticker
    ):
        known.missed(market_ticker, since_ms=None)
        assert (known.of(A).unknown_reason, known.tells_of(A)) == ("malformed", False)
        assert (known.of(B).unknown_reason, known.tells_of(None)) == (
            ("malformed", False) if market_ticker is None else (None, True)
        )
        with pytest.raises(kb.UsageError):
            known.confirm([], as_of_ms=T + 99, market_tickers=[A])
        known.listening(since_ms=T + 50, market_tickers=[A])
        known.confirm([order()], as_of_ms=T + 50, market_tickers=[A])
        assert (known.of(A).is_known, len(known.of(A).orders)) == (True, 1)

    @pytest.mark.parametrize("market_ticker", [A, None])
    @pytest.mark.parametrize("since_ms", [T + 5, None])
    def test_a_market_that_is_not_told_of_stays_as_it_is(self, kb, market_ticker, since_ms):
        own = part(kb, "orders").OwnOrders()
        own.missed(market_ticker, since_ms=since_ms)
        assert own.of(A).unknown_reason == "not_subscribed"
        own.listening(since_ms=T)
        own.lost("disconnected")
        own.missed(market_ticker, since_ms=since_ms)
        assert own.of(A).unknown_reason == "disconnected"

    def test_the_latest_loss_counts_and_never_an_earlier_time(self, kb, known):
        known.missed(A, since_ms=T + 5)
        known.missed(A, since_ms=T - 5)
        with pytest.raises(kb.UsageError):
            known.confirm([], as_of_ms=T + 4)
        known.confirm([], as_of_ms=T + 5)
        assert known.of(A).is_known


class TestMemory:
    def test_orders_that_ended_are_forgotten_but_for_a_bounded_number_of_ids(self, kb, monkeypatch):
        orders = part(kb, "orders")
        monkeypatch.setattr(orders, "ENDED_KEPT", 20)
        monkeypatch.setattr(orders, "EARLY_KEPT", 20)
        own = part(kb, "orders").OwnOrders()
        own.listening(since_ms=T)
        own.confirm([], as_of_ms=T)
        for number in range(1, 500):
            mine = {"order_id": f"o{number}", "market_ticker": f"M{number}"}
            own.take_fill(Fill(trade_id=f"t{number}", **mine))
            own.take_order(order(at=number, **mine))
            own.take_order(order(at=number, status="canceled", **mine))
            own.take_fill(Fill(order_id=f"never{number}", trade_id=f"x{number}"))
        assert own._entries == {}
        assert (len(own._ended), len(own._early_fills)) == (20, 20)
        with pytest.raises(kb.UsageError) as raised:
            own.confirm([order("o100", at=100)], as_of_ms=T + 100)
        assert str(raised.value) == (
            f"a list as of {T + 100} is older than orders that ended and are forgotten ({T + 479}), so it does not tell "
            "what rests now: ask for a new list"
        )
        own.confirm([order("o490", at=480)], as_of_ms=T + 480)
        assert own.of("M490").orders == []

    def test_of_markets_that_come_and_go_a_bounded_number_is_remembered(self, kb, monkeypatch):
        monkeypatch.setattr(part(kb, "orders"), "COVERS_KEPT", 20)
        own = part(kb, "orders").OwnOrders()
        own.listening(since_ms=T, market_tickers=[A])
        own.confirm([], as_of_ms=T)
        for number in range(100):
            own.listening(since_ms=T, market_tickers=[f"M{number}"])
            own.lost("unsubscribed", market_tickers=[f"M{number}"])
        assert len(own._covers) <= 21
        assert [own.of(ticker).unknown_reason for ticker in (A, "M99", "M0")] == [None, "unsubscribed", "not_subscribed"]

    def test_where_all_markets_are_told_of_none_that_is_not_is_forgotten(self, kb, known, monkeypatch):
        """It would be taken for known."""
        monkeypatch.setattr(part(kb, "orders"), "COVERS_KEPT", 3)
        known.confirm([], as_of_ms=T, market_tickers=["M1", "M2", "M3"])
        known.missed(A, since_ms=None)
        assert (known.of(A).unknown_reason, known.of(B).is_known) == ("malformed", True)

    def test_the_end_of_an_order_without_a_time_is_taken_to_be_the_latest_time_told(self, own):
        own.take_order(order("o2", at=70))
        own.take_order(order(status="canceled"))
        assert own._ended == {"o1": T + 70}


class TestOnTheBook:
    @pytest.fixture
    def book(self, kb, feed, known):
        """A LIVE book as ``START``, with own orders: YES 2.00 at $0.42 and NO 310.00 at $0.56, all of that level."""
        book = feed.receive(snapshot()).book
        book._own = known.of(A)
        known.take_order(order("o1", remaining_e2=200))
        known.take_order(order("o2", outcome_side="no", yes_price_e4=4400, remaining_e2=31_000))
        return book

    def test_own_size_is_asked_for_in_any_unit_in_any_state(self, book, feed):
        feed.closed()
        for reader in (book, book.last_known):
            for argument in ({"price": "0.42"}, {"price_e4": 4200}, {"cents": 42}):
                size = reader.own_size_at(**argument)
                assert (type(size), str(size)) == (Decimal, "2.00")
            assert reader.own_size_at("0.56", outcome_side="no") == 310
            assert str(reader.own_size_at("0.44")) == "0.00"
            assert [each.order_id for each in reader.own_orders] == ["o1", "o2"]

    def test_wrong_arguments_are_refused_first(self, kb):
        book = kb.OrderBook(A)
        for wrong, error in (({"price": 42}, TypeError), ({"cents": 42, "outcome_side": "bid"}, kb.UsageError)):
            with pytest.raises(error):
                book.own_size_at(**wrong)

    def test_a_book_without_own_orders_does_not_know(self, kb):
        book = kb.OrderBook(A)
        assert book.own_orders == []
        with pytest.raises(kb.OwnSizeUnknown) as raised:
            book.own_size_at("0.42")
        assert (raised.value.market_ticker, raised.value.reason) == (A, "not_subscribed")

    def test_depth_without_own_is_what_others_rest(self, kb, book):
        bids, asks = [(4200, 500), (4100, 12_000)], [(4500, 4000)]
        tell = lambda found: [(each.price_e4, each.size_e2) for each in found]  # noqa: E731
        depth = book.depth(without_own=True)
        assert (tell(depth.bids), tell(depth.asks)) == (bids, asks)
        assert (tell(book.bids(1, without_own=True)), tell(book.asks(1, without_own=True))) == (bids[:1], asks)
        depth = book.depth(1, outcome_side="no", without_own=True)
        assert (tell(depth.bids), tell(depth.asks)) == ([(5500, 4000)], [(5800, 500)])
        assert len(book.depth().asks) == 2

    @pytest.mark.parametrize(("price_e4", "size_e2", "rests"), [(4200, 501, 700), (4000, 1, 0), (4300, 1, 0)])
    def test_an_own_order_larger_than_its_level_is_said_and_not_cut(self, kb, book, known, price_e4, size_e2, rests):
        known.take_order(order("o3", yes_price_e4=price_e4, remaining_e2=size_e2))
        for call in (book.depth, book.bids, lambda n, **more: book.asks(n, outcome_side="no", **more)):
            with pytest.raises(kb.OwnSizeUnknown) as raised:
                call(1, without_own=True)
            error = raised.value
            assert (error.market_ticker, error.reason, error.outcome_side) == (A, "larger_than_level", "yes")
            mine = size_e2 + (200 if price_e4 == 4200 else 0)
            assert (error.price_e4, error.own_size_e2, error.size_e2) == (price_e4, mine, rests)
        assert len(book.asks(without_own=True)) == 1
        assert book.own_size_at(price_e4=price_e4) * 100 == mine

    def test_levels_without_own_need_a_live_book_and_known_own_size(self, kb, book, feed, known):
        known.lost("disconnected")
        for call in (book.depth, book.bids, book.asks):
            with pytest.raises(kb.OwnSizeUnknown) as raised:
                call(without_own=True)
            assert raised.value.reason == "disconnected"
        assert len(book.depth().bids) == 2
        known.listening(since_ms=T)
        known.confirm([], as_of_ms=T + 50)
        feed.closed()
        for call in (book.depth, book.bids, book.asks):
            with pytest.raises(kb.BookNotLive):
                call(without_own=True)
        assert book.last_known.depth(without_own=True) == book.last_known.depth()

    def test_a_copy_keeps_own_orders_as_they_were(self, kb, book, known):
        copied = book.snapshot()
        known.lost("disconnected")
        again = copied.snapshot()
        for reader in (copied, again):
            assert reader.own_size_at("0.42") == 2
            assert len(reader.own_orders) == 2
            assert reader.depth(without_own=True).asks[0].price_e4 == 4500
        with pytest.raises(kb.OwnSizeUnknown):
            book.own_size_at("0.42")

    def test_a_book_and_its_own_orders_are_freed_without_the_garbage_collector(self, kb):
        """The collector does not see a compiled book: a reference back would never be freed."""
        own = part(kb, "orders").OwnOrders()
        gc.collect()
        gc.disable()
        try:
            book = kb.OrderBook(A)
            book._own = own.of(A)
            book._market = book.market
            assert len(own._markets) == 1
            del book
            assert len(own._markets) == 0
        finally:
            gc.enable()


LEVEL_SIZES = st.dictionaries(st.integers(1, 8), st.integers(1, 5), max_size=6)


@pytest.mark.parametrize("name", list(BY_NAME))
@given(yes=LEVEL_SIZES, no=LEVEL_SIZES, mine=st.dictionaries(st.tuples(st.booleans(), st.integers(1, 9)), st.integers(1, 5)))
def test_levels_without_own_are_what_a_plain_model_says(name, yes, no, mine):
    """Levels at $0.05 to $0.40 of both outcomes, so that no book is crossed, and own orders at $0.05 to $0.45."""
    kb = BY_NAME[name]
    if kb is None:
        pytest.skip("the extension is not built")
    rests = {side: {at * 500: size * 100 for at, size in found.items()} for side, found in (("yes", yes), ("no", no))}
    ours = {side: {at * 500: size * 100 for (is_no, at), size in mine.items() if is_no == (side == "no")} for side in rests}
    left = {
        side: {at: rests[side].get(at, 0) - ours[side].get(at, 0) for at in rests[side].keys() | ours[side].keys()}
        for side in rests
    }
    fits = {side: min(left[side].values(), default=0) >= 0 for side in left}
    book = kb.OrderBook(A)
    wire = [[(f"0.{at:04d}", f"{size // 100}.00") for at, size in found.items()] for found in rests.values()]
    book.apply(kb.decode(snapshot(A, *wire)))
    own = part(kb, "orders").OwnOrders()
    own.listening(since_ms=None)
    own.confirm(
        [
            order(f"{side}{at}", outcome_side=side, yes_price_e4=at if side == "yes" else 10_000 - at, remaining_e2=size)
            for side, found in ours.items()
            for at, size in found.items()
        ],
        as_of_ms=T,
    )
    book._own = own.of(A)

    def told(call, part, n, side, *sides):
        """Levels that a reading gives; None where own size is larger than a level of one of these sides."""
        try:
            found = call(n, outcome_side=side, without_own=True)
        except kb.OwnSizeUnknown:
            assert not all(fits[each] for each in sides)
            return None
        assert all(fits[each] for each in sides)
        return [(each.price_e4, each.size_e2) for each in (found if part is None else found[part])]

    for side, other in (("yes", "no"), ("no", "yes")):
        bids = [(at, size) for at, size in sorted(left[side].items(), reverse=True) if size]
        asks = [(10_000 - at, size) for at, size in sorted(left[other].items(), reverse=True) if size]
        for n in (None, 0, 1, 2):
            assert told(book.bids, None, n, side, side) in (None, bids[:n])
            assert told(book.asks, None, n, side, other) in (None, asks[:n])
            assert told(book.depth, 0, n, side, side, other) in (None, bids[:n])
            assert told(book.depth, 1, n, side, side, other) in (None, asks[:n])


def test_a_reader_in_another_thread_sees_each_change_whole(kb):
    """An order moves between two prices: own sizes always sum to its size."""
    own = part(kb, "orders").OwnOrders()
    own.listening(since_ms=None)
    own.confirm([order(remaining_e2=500)], as_of_ms=T)
    book = kb.OrderBook(A)
    book.apply(kb.decode(snapshot(A, [("0.4200", "5.00"), ("0.4300", "5.00")], [])))
    book._own = own.of(A)
    wrong = []
    stop = threading.Event()

    def read():
        while not stop.is_set():
            levels = book.bids(without_own=True)
            if [each.size_e2 for each in levels] != [500] or sum(each.size_e2 for each in book.own_orders) != 500:
                wrong.append(levels)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for ms in range(1, 2_000):
            own.take_order(order(at=ms, yes_price_e4=4200 + ms % 2 * 100, remaining_e2=500))
    finally:
        stop.set()
        reader.join()
        sys.setswitchinterval(before)
    assert wrong == []


TEXTS = [
    (
        "not_subscribed",
        "expected a subscription to user_orders, found none: subscribe, then confirm the list of resting orders",
    ),
    (
        "not_confirmed",
        "expected a list of the orders that rested before the subscription, found none: get it from the exchange's REST "
        "interface and confirm it",
    ),
    (
        "order_unclear",
        "expected every order to say what rests, and one does not: wait for its next message, or confirm a new list of "
        "resting orders",
    ),
    (
        "disconnected",
        "expected every change of own orders since the last list, and some may be lost: subscribe to user_orders again, "
        "then confirm a new list of resting orders",
    ),
]


@pytest.mark.parametrize(("reason", "text"), TEXTS)
def test_the_error_says_what_was_expected_what_was_found_and_what_to_do(kb, reason, text):
    error = kb.OwnSizeUnknown(market_ticker=A, reason=reason)
    assert str(error) == f"own size in {A} is unknown ({reason}): {text}"
    assert (error.outcome_side, error.price_e4, error.own_size_e2, error.size_e2) == (None, None, None, None)
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_the_error_of_a_level_names_the_level(kb):
    error = kb.OwnSizeUnknown(
        market_ticker=A, reason="larger_than_level", outcome_side="no", price_e4=5600, own_size_e2=701, size_e2=700
    )
    assert str(error) == (
        f"own size in {A} is unknown (larger_than_level): expected own size to be at most its level, found 701 of 700 at no "
        "price_e4=5600: the book and own orders come on channels without a common order, so ask again after the next "
        "frames; if it stays, confirm a new list of resting orders"
    )
    assert kb.OwnSizeUnknown.__bases__ == (kb.KalshiBookError,)
    with pytest.raises(TypeError):
        kb.OwnSizeUnknown(A, "x")
