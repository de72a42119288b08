"""What a subscription lists, and which messages belong to it."""

import pytest

from frames import A, B, C
from kalshi_book.sim.commands import BOOK, Refused, read_subscribe
from kalshi_book.sim.rules import Rules
from kalshi_book.sim.subscription import Subscription

ID = "6b1f0c52-0000-4000-8000-000000000001"
MANY = 500_000


def subscribe(channel, rules=None, **params):
    """A new subscription, with what its command listed."""
    named = {"market_tickers": [A]} if channel == BOOK else {}
    given = read_subscribe({"channels": [channel], **named, **params})
    return Subscription(channel, 3, given, rules or Rules())


class TestLists:
    def test_names_are_listed_once_in_order_and_what_is_new_is_told(self):
        sub = subscribe(BOOK)
        assert sub.add({"market_tickers": [B, A]}, MANY) == [B, A]
        assert sub.add({"market_tickers": [C, A]}, MANY) == [C]
        assert (list(sub.markets), sub.lists()) == ([B, A, C], {"market_tickers": [B, A, C]})

    def test_names_that_leave_are_listed_no_more(self):
        sub = subscribe(BOOK)
        sub.add({"market_tickers": [A, B]}, MANY)
        sub.remove("market_tickers", [A, C])
        assert sub.lists() == {"market_tickers": [B]}
        sub.remove("market_tickers", [B])
        assert (sub.lists(), sub.holds(B, "")) == ({"market_tickers": []}, False)

    def test_beyond_the_limit_nothing_is_added(self):
        """AsyncAPI text: 26, adding markets would exceed the per-subscription market limit."""
        sub = subscribe("ticker")
        sub.add({"market_tickers": [A]}, 2)
        with pytest.raises(Refused) as caught:
            sub.add({"market_ids": [ID, "other"]}, 2)
        assert (caught.value.code, sub.lists()) == (26, {"market_tickers": [A]})
        assert sub.add({"market_ids": [ID]}, 2) == [ID]
        assert sub.add({"market_tickers": [A]}, 1) == []

    def test_indices_have_no_limit(self):
        assert subscribe("cfbenchmarks_value").add({"index_ids": ["BRTI", "ETHUSD_RTI"]}, 1) == ["BRTI", "ETHUSD_RTI"]

    def test_a_subscription_to_everything_stays_one(self):
        """Silent: what adding to it, or taking from it, does."""
        sub = subscribe("trade")
        sub.add({"market_tickers": [A]}, MANY)
        assert not sub.holds(B, "")
        sub.take_all()
        assert sub.add({"market_tickers": [B]}, MANY) == []
        sub.remove("market_tickers", [B])
        assert (sub.holds(B, ""), sub.lists()) == (True, {})

    @pytest.mark.parametrize(
        ("channel", "kind", "name"),
        [("cfbenchmarks_value", "index_ids", "BRTI"), ("pyth_value", "underlying_tickers", "FX.EUR/USD")],
    )
    def test_all_stands_for_the_whole_list_and_leaves_the_names_behind_it(self, channel, kind, name):
        """AsyncAPI text: all-mode is told as ["all"]; when it ends, what was named itself remains."""
        sub = subscribe(channel)
        assert sub.lists() == {kind: []}
        sub.add({kind: [name, "all"]}, MANY)
        assert sub.lists() == {kind: ["all"]}
        sub.remove(kind, ["all"])
        assert sub.lists() == {kind: [name]}

    def test_a_market_may_be_called_all(self):
        sub = subscribe("trade")
        sub.add({"market_tickers": ["all", A]}, MANY)
        assert sub.lists() == {"market_tickers": ["all", A]}


class TestWants:
    def test_a_message_of_a_market_belongs_to_who_lists_it(self):
        sub = subscribe("ticker")
        sub.add({"market_tickers": [A], "market_ids": [ID]}, MANY)
        assert [sub.wants("ticker", msg, None) for msg in ({"market_ticker": A}, {"market_ticker": B})] == [True, False]
        assert sub.wants("ticker", {"market_ticker": B, "market_id": ID}, None)
        assert sub.wants("ticker", {"note": 1}, None)

    def test_user_orders_name_their_market_otherwise(self):
        """AsyncAPI text: user_order has ticker."""
        sub = subscribe("user_orders")
        sub.add({"market_tickers": [A]}, MANY)
        assert [sub.wants("user_order", {"ticker": ticker}, None) for ticker in (A, B)] == [True, False]

    @pytest.mark.parametrize(
        ("channel", "kind", "field"),
        [("cfbenchmarks_value_5hz", "index_ids", "index_id"), ("pyth_value", "underlying_tickers", "underlying_ticker")],
    )
    def test_a_value_belongs_to_who_lists_its_name(self, channel, kind, field):
        """AsyncAPI text: without any name, no value flows."""
        sub = subscribe(channel)
        assert not sub.wants(channel, {field: "X"}, None)
        sub.add({kind: ["X"]}, MANY)
        assert [sub.wants(channel, {field: name}, None) for name in "XY"] == [True, False]
        sub.add({kind: ["all"]}, MANY)
        assert sub.wants(channel, {field: "Y"}, None) and sub.wants(channel, {}, None)

    def test_lifecycles_come_for_every_market(self):
        """AsyncAPI text: market_ticker filters are not supported."""
        sub = subscribe("market_lifecycle_v2", market_tickers=[A])
        assert sub.wants("market_lifecycle_v2", {"market_ticker": B}, None)

    def test_requests_of_others_can_be_left_out_and_quotes_cannot(self):
        """AsyncAPI text: user_filter self; quote notifications are unchanged."""
        sub = subscribe("communications", user_filter="self")
        mine, others = {"creator_id": "me"}, {"creator_id": "you"}
        for type_ in ("rfq_created", "rfq_deleted", "rfq_batch_created", "rfq_batch_deleted"):
            assert [sub.wants(type_, msg, "me") for msg in (mine, others)] == [True, False]
        assert sub.wants("quote_created", others, "me")
        assert subscribe("communications").wants("rfq_created", others, "me")

    def test_each_message_falls_into_one_share(self):
        """AsyncAPI text: shard_factor and shard_key; a batch is partitioned by its id, all else by the market."""
        shares = [subscribe("communications", shard_factor=3, shard_key=key) for key in range(3)]
        for msg in [{"market_ticker": ticker} for ticker in (A, B, C)] + [{"rfq_batch_id": "b-1"}, {}]:
            assert sum(share.wants("quote_created", msg, None) for share in shares) == 1
        batches = [share.wants("quote_executed", {"rfq_batch_id": "b-1", "market_ticker": A}, None) for share in shares]
        assert batches == [share.wants("rfq_batch_executed", {"rfq_batch_id": "b-1"}, None) for share in shares]


@pytest.mark.parametrize(
    ("asked", "default", "price"),
    [
        ({}, False, "0.5600"),
        ({}, True, "0.4400"),
        ({"use_yes_price": False}, True, "0.5600"),
        ({"use_yes_price": True}, False, "0.4400"),
    ],
)
def test_the_price_scale_is_that_of_the_subscribe_or_the_default(asked, default, price):
    """AsyncAPI text: use_yes_price, default false, to be flipped."""
    sub = subscribe(BOOK, Rules(yes_price_default=default), **asked)
    frame = sub.wire.snapshot(seq=1, sent_ms=1, ticker=A, market_id="", clock=1, yes=[], no=[(5600, 100)])
    assert f'["{price}","1.00"]'.encode() in frame
