"""What the channels beside the book say: every field that was published, and nothing that a reader would lose."""

import os
from pathlib import Path

import msgspec
import pytest

import kalshi_book as kb
from frames import A, encode
from kalshi_book.cli.published import Published
from kalshi_book.sim import bulletin
from kalshi_book.sim.happenings import Filled, Lived, OrderChanged, OrderMark, PositionChanged, Quoted, Traded
from kalshi_book.sim.wire import ERAS, WHOLE_ERAS

SPEC = os.environ.get("KALSHI_BOOK_SPEC")
AT_NS, AT_MS = 1793000000456789123, 1793000000456
ID = "6b1f0c52-0000-4000-8000-000000000001"

QUOTED = Quoted(
    at_ns=AT_NS, market_ticker=A, market_id=ID, last_price_e4=4200, yes_bid_e4=4100, yes_ask_e4=4400, yes_bid_size_e2=12000,
    yes_ask_size_e2=700, last_size_e2=300, volume_e2=120000, open_interest_e2=80000, dollar_volume=600,
    dollar_open_interest=800,
)  # fmt: skip
TRADED = Traded(at_ns=AT_NS, market_ticker=A, trade_id="t-1", yes_price_e4=4200, size_e2=300, taker_outcome_side="no")
FILLED = Filled(
    at_ns=AT_NS, account="user", trade_id="t-1", order_id="o-1", market_ticker=A, is_taker=True, outcome_side="no",
    price_e4=5800, size_e2=500, fee_e6=54600, post_position_e2=-500, mark=OrderMark("mm-17", 3),
)  # fmt: skip
ORDER = OrderChanged(
    at_ns=AT_NS, account="user", order_id="o-1", market_ticker=A, outcome_side="no", price_e4=5800, status="resting",
    initial_e2=1000, remaining_e2=850, filled_e2=150, taker_cost_e6=0, maker_cost_e6=870000, taker_fees_e6=0,
    maker_fees_e6=1234, mark=OrderMark("mm-17", 3), created_ns=AT_NS - 10**9, expires_ns=AT_NS + 10**9, reason="Trade",
)  # fmt: skip
POSITION = PositionChanged(
    at_ns=AT_NS, account="user", market_ticker=A, position_e2=-1200, cost_e6=7250000, realized_pnl_e6=-1000001,
    fees_e6=70000, volume_e2=3000, subaccount=3,
)  # fmt: skip
LIVED = Lived(
    at_ns=AT_NS, market_ticker=A, event_type="determined",
    fields={"determination_ts": 1793009400, "result": "yes", "settlement_value": "1.0000"},
)  # fmt: skip


def changed(happening, **values):
    return msgspec.structs.replace(happening, **values)


def messages(era):
    """One msg of each type, as that era has it."""
    return {
        "ticker": bulletin.ticker(QUOTED, era),
        "trade": bulletin.trade(TRADED, era),
        "fill": bulletin.fill(FILLED, era),
        "user_order": bulletin.user_order(ORDER),
        "market_position": bulletin.market_position(POSITION, era),
        "market_lifecycle_v2": bulletin.market_lifecycle(LIVED),
    }


def read(type_, msg):
    return kb.decode(encode({"type": type_, "sid": 3, "seq": 5, "msg": msg}))


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("type_", list(messages("current")))
def test_nothing_is_written_that_a_reader_loses(type_, era):
    msg = messages(era)[type_]
    kept = msgspec.to_builtins(read(type_, msg).msg)
    assert {name: kept.get(name) for name in msg} == msg


@pytest.mark.long
@pytest.mark.skipif(SPEC is None, reason="KALSHI_BOOK_SPEC names no folder with asyncapi.yaml.gz")
@pytest.mark.parametrize("type_", list(messages("current")))
def test_each_message_has_the_fields_that_are_published_and_no_other(type_):
    """AsyncAPI text, read 2026-10-26."""
    fields = Published(Path(SPEC, "asyncapi.yaml.gz")).messages[type_][0]
    needed = {name.removeprefix("msg.") for name, field in fields.items() if field.is_required and name.count(".") == 1}
    known = {name.removeprefix("msg.") for name in fields}
    assert needed <= set(messages("current")[type_]) <= known


class TestTicker:
    @pytest.mark.parametrize("era", ERAS)
    def test_it_tells_the_last_trade_and_the_top(self, era):
        """AsyncAPI text: ticker. Observed, February 2026: cents beside dollars, and Clock."""
        got = read("ticker", bulletin.ticker(QUOTED, era))
        assert (got.last_price_e4, got.yes_bid_e4, got.yes_ask_e4) == (4200, 4100, 4400)
        assert (got.volume_e2, got.open_interest_e2, got.msg.dollar_volume) == (120000, 80000, 600)
        assert (got.msg.clock is None) == (era not in WHOLE_ERAS)
        if era not in WHOLE_ERAS:
            assert (got.yes_bid_size_e2, got.yes_ask_size_e2, got.last_trade_size_e2) == (12000, 700, 300)
            assert (got.ts_ms, got.msg.time) == (AT_MS, "2026-10-26T07:33:20.456Z")

    def test_nobody_there_is_a_price_at_the_edge(self):
        """Observed, 2026: a bid of $0, an ask of $1."""
        got = bulletin.ticker(
            changed(QUOTED, last_price_e4=None, yes_bid_e4=None, yes_ask_e4=None, last_size_e2=0), "current"
        )
        assert (got["price_dollars"], got["yes_bid_dollars"], got["yes_ask_dollars"]) == ("0.0000", "0.0000", "1.0000")


class TestTrade:
    @pytest.mark.parametrize("era", ERAS)
    @pytest.mark.parametrize(("side", "book_side"), [("yes", "bid"), ("no", "ask")])
    def test_both_prices_and_the_direction_are_told(self, era, side, book_side):
        """AsyncAPI text: taker_book_side bid is outcome side yes."""
        got = read("trade", bulletin.trade(changed(TRADED, taker_outcome_side=side), era))
        assert (got.yes_price_e4, got.no_price_e4, got.count_e2) == (4200, 5800, 300)
        assert (got.taker_outcome_side, got.taker_book_side) == (side, book_side)


class TestFill:
    @pytest.mark.parametrize("era", ERAS)
    @pytest.mark.parametrize(("side", "price_e4"), [("yes", 4200), ("no", 5800)])
    def test_the_price_is_that_of_yes_whatever_was_bought(self, era, side, price_e4):
        """AsyncAPI text: yes_price_dollars is the price for the yes side of the fill."""
        got = read("fill", bulletin.fill(changed(FILLED, outcome_side=side, price_e4=price_e4), era))
        assert (got.yes_price_e4, got.outcome_side, got.count_e2, got.post_position_e2) == (4200, side, 500, -500)

    def test_money_has_six_decimals(self):
        """AsyncAPI text: fee_cost."""
        assert bulletin.fill(FILLED, "current")["fee_cost"] == "0.054600"

    def test_an_order_without_a_name_on_the_main_account_says_neither(self):
        """AsyncAPI text: client_order_id and subaccount are optional."""
        got = bulletin.fill(changed(FILLED, mark=OrderMark("")), "current")
        assert not {"client_order_id", "subaccount"} & set(got)

    def test_the_shard_of_the_exchange_is_told_since_autumn_2026(self):
        """Observed: absent in recordings of July 2026."""
        assert ["exchange_index" in bulletin.fill(FILLED, era) for era in ERAS] == [False, False, False, True]


class TestUserOrder:
    def test_it_tells_how_the_order_stands(self):
        got = read("user_order", bulletin.user_order(ORDER))
        assert (got.status, got.outcome_side, got.yes_price_e4) == ("resting", "no", 4200)
        assert (got.initial_e2, got.remaining_e2, got.fill_count_e2) == (1000, 850, 150)
        assert (got.maker_fill_cost_e6, got.maker_fees_e6, got.taker_fill_cost_e6, got.taker_fees_e6) == (870000, 1234, 0, 0)
        assert (got.client_order_id, got.subaccount, got.last_update_reason) == ("mm-17", 3, "Trade")
        assert (got.created_ts_ms, got.last_updated_ts_ms, got.expiration_ts_ms) == (AT_MS - 1000, AT_MS, AT_MS + 1000)

    def test_a_new_order_was_not_updated_and_need_not_expire(self):
        """AsyncAPI text: last_update_reason, last_updated_ts_ms and expiration_ts_ms where they apply."""
        got = bulletin.user_order(changed(ORDER, created_ns=AT_NS, expires_ns=None, reason="", mark=OrderMark("")))
        optional = {name for name in got if "update" in name or "expiration" in name}
        assert (optional, got["client_order_id"], got["subaccount_number"]) == (set(), "", 0)


class TestPosition:
    def test_money_is_in_dollars_with_six_decimals(self):
        """AsyncAPI text: market_positions, monetary values."""
        got = read("market_position", bulletin.market_position(POSITION, "current"))
        assert (got.position_e2, got.position_cost_e6, got.realized_pnl_e6) == (-1200, 7250000, -1000001)
        assert (got.fees_paid_e6, got.volume_e2, got.subaccount) == (70000, 3000, 3)

    def test_until_spring_2026_it_was_in_centicents(self):
        """Observed: money in units of $0.0001 until April 2026."""
        got = read("market_position", bulletin.market_position(POSITION, "2026-01"))
        assert (got.position_e2, got.position_cost_e6, got.realized_pnl_e6) == (-1200, 7250000, -1000000)
        gained = bulletin.market_position(changed(POSITION, realized_pnl_e6=1000001), "2025")
        assert gained["realized_pnl"] == 10000

    def test_the_main_account_is_not_told(self):
        assert "subaccount" not in bulletin.market_position(changed(POSITION, subaccount=0), "current")


def test_a_lifecycle_message_carries_what_goes_with_its_event():
    got = read("market_lifecycle_v2", bulletin.market_lifecycle(LIVED))
    assert (got.event_type, got.result, got.settlement_value_e4) == ("determined", "yes", 10000)


@pytest.mark.parametrize("era", WHOLE_ERAS)
def test_an_era_of_whole_numbers_tells_no_fraction(era):
    with pytest.raises(kb.UsageError):
        bulletin.trade(changed(TRADED, size_e2=301), era)
    with pytest.raises(kb.UsageError):
        bulletin.ticker(changed(QUOTED, yes_bid_e4=4150), era)


def test_an_account_has_one_id_that_is_a_uuid():
    assert bulletin.user_id("user") == bulletin.user_id("user") != bulletin.user_id("other")
    assert len(bulletin.user_id("user")) == 36
