"""The messages of all channels but the order book: what each means, and what a bad field costs.

Shapes: AsyncAPI text, read 2026-10-26; older ones were observed in recordings of 2025 and 2026. Messages are plain values,
the same on both cores, so these tests run once; that a feed takes them is tested on both.
"""

import doctest
import json
import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kalshi_book as kb
from channel_frames import BID_READINGS, CASES, FILL, PERPS_CASES, TRADE, Case
from frames import ABSENT, A, encode, frame
from kalshi_book.messages import DATA_TYPES

ALL = CASES + PERPS_CASES
CURRENT = [case for case in CASES if case.era in ("current", "created")]
BY_NAME = {str(case): case for case in ALL}


def decode(case, **changes):
    return kb.decode(case.frame(**changes), venue=case.venue)


ids = [str(case) for case in ALL]


@pytest.mark.parametrize("case", ALL, ids=ids)
def test_a_message_of_each_type_and_era_means_this(case):
    message = decode(case)
    assert type(message).__name__ == case.becomes
    assert {name: getattr(message, name) for name in case.readings} == case.readings
    assert (message.sid, message.seq) == (3, None if "seq" not in json.loads(case.frame()) else 5)
    assert message.sending_ts_ms == 1793000000123


@pytest.mark.parametrize("case", ALL, ids=ids)
def test_every_reading_is_an_exact_whole_number_a_decimal_or_none(case):
    message = decode(case)
    for name in dir(message):
        if name.endswith(("_e2", "_e4", "_e6")):
            assert type(getattr(message, name)) in (int, type(None)), name


def test_every_type_that_we_read_has_a_case():
    assert {case.type for case in CASES} == set(DATA_TYPES)


@pytest.mark.parametrize("case", ALL, ids=ids)
def test_unknown_fields_at_every_level_are_ignored(case):
    new = {"brand_new": {"deep": [1, {"x": None}]}, "number": 1.5, "big": 2**90}
    sent = json.loads(case.frame())
    sent |= new
    sent["msg"] = _loaded(sent["msg"], new)
    assert kb.decode(encode(sent), venue=case.venue) == decode(case)


def _loaded(value, new):
    if isinstance(value, dict):
        return {**{name: inner if name == "custom_strike" else _loaded(inner, new) for name, inner in value.items()}, **new}
    return [_loaded(inner, new) for inner in value] if isinstance(value, list) else value


DIRECTION_AND_PRICE = {
    "outcome_side", "book_side", "side", "action", "yes_price_dollars", "no_price_dollars", "yes_price", "no_price",
}  # fmt: skip
"""Of these a message needs one, and none may be odd."""


@pytest.mark.parametrize(("case", "name"), [(case, name) for case in ALL for name in case.msg], ids=str)
@pytest.mark.parametrize("odd", ["absent", "null", "a list", "an object", "true", "no reader can hold it"])
def test_a_field_that_is_not_needed_never_costs_the_frame_and_a_needed_one_always_does(case, name, odd):
    """Feed rule F22: what is needed is our own short list."""
    value = {"absent": ABSENT, "null": None, "a list": [[1]], "an object": {"x": 1}, "true": True}.get(odd, "HERE")
    sent = case.frame(**{name: value}).replace(b'"HERE"', b"1e999")
    if name in case.needed:
        with pytest.raises(kb.MalformedFrame) as raised:
            kb.decode(sent, venue=case.venue)
        assert raised.value.type == case.type
        assert name in raised.value.reason
    elif name in DIRECTION_AND_PRICE and value not in (ABSENT, None):
        with pytest.raises(kb.MalformedFrame, match=name) if _is_first(case, name) else suppress(kb.MalformedFrame):
            kb.decode(sent, venue=case.venue)
    else:
        message = kb.decode(sent, venue=case.venue)
        without = decode(case, **{name: ABSENT})
        for each in case.readings:
            found = getattr(message, each)
            assert (
                found is None
                or found == getattr(without, each)
                or (found is True and odd == "true")
                or found == Decimal("1e999")
            )


def _is_first(case, name):
    """Whether nothing that comes first stands beside it, so that it is this one that is read."""
    newer = {
        "book_side": ("outcome_side",),
        "side": ("outcome_side",),
        "action": ("outcome_side",),
        "no_price": ("yes_price",),
    }
    return case.type != "trade" and not any(other in case.msg for other in newer.get(name, ()))


@given(st.data())
def test_any_json_value_in_any_field_is_a_message_or_a_malformed_frame(data):
    """And in a field that is not needed it is a message."""
    case = BY_NAME[data.draw(st.sampled_from(sorted(BY_NAME)))]
    name = data.draw(st.sampled_from(sorted(case.msg)))
    value = data.draw(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=5,
        )
    )
    free = name not in case.needed and name not in DIRECTION_AND_PRICE
    try:
        message = decode(case, **{name: value})
    except kb.MalformedFrame as error:
        assert not free
        assert error.type == case.type
    else:
        for each in case.readings:
            getattr(message, each)


@pytest.mark.parametrize("case", ALL, ids=ids)
@pytest.mark.parametrize("sid", [ABSENT, None, "3", -1, 2**64])
def test_a_message_without_a_subscription_is_malformed(case, sid):
    sent = json.loads(case.frame())
    sent.pop("sid")
    with pytest.raises(kb.MalformedFrame, match=r"`(\$\.)?sid`"):
        kb.decode(encode(sent if sid is ABSENT else {**sent, "sid": sid}), venue=case.venue)


@pytest.mark.parametrize("case", [case for case in ALL if case.type != "orderbook_delta"], ids=str)
@pytest.mark.parametrize("seq", [None, "5", -1, 1.5])
def test_a_number_that_is_none_is_as_good_as_none(case, seq):
    sent = {**json.loads(case.frame()), "seq": seq, "sending_ts_ms": "late"}
    message = kb.decode(encode(sent), venue=case.venue)
    assert (message.seq, message.sending_ts_ms) == (None, None)


@pytest.mark.parametrize("msg", [ABSENT, None, [], "x", 5])
@pytest.mark.parametrize("type_", sorted(DATA_TYPES))
def test_a_message_without_its_content_is_malformed(type_, msg):
    with pytest.raises(kb.MalformedFrame) as raised:
        kb.decode(frame(type_, sid=3, seq=5, msg=msg))
    assert (raised.value.type, raised.value.sid, raised.value.seq) == (type_, 3, 5)


class TestDirections:
    """Buy-yes and sell-no are yes; buy-no and sell-yes are no; bid is yes, ask is no (AsyncAPI text, read 2026-10-26)."""

    @pytest.mark.parametrize(
        ("words", "outcome_side"),
        [
            ({"outcome_side": "yes"}, "yes"),
            ({"outcome_side": "no", "book_side": "bid"}, "no"),
            ({"book_side": "bid"}, "yes"),
            ({"book_side": "ask"}, "no"),
            ({"book_side": "ask", "action": "buy", "side": "yes"}, "no"),
            ({"action": "buy", "side": "yes"}, "yes"),
            ({"action": "buy", "side": "no"}, "no"),
            ({"action": "sell", "side": "yes"}, "no"),
            ({"action": "sell", "side": "no"}, "yes"),
            ({"action": "sell_partial", "side": "no"}, "yes"),
            ({"action": "sell_to_close", "side": "yes"}, "no"),
        ],
    )
    @pytest.mark.parametrize("type_", ["fill", "user_order"])
    def test_of_today_and_of_old(self, type_, words, outcome_side):
        none = {"outcome_side": ABSENT, "book_side": None, "action": ABSENT, "side": ABSENT}
        assert decode(BY_NAME[f"events-{type_}-current"], **{**none, **words}).outcome_side == outcome_side

    @pytest.mark.parametrize(
        ("words", "reason"),
        [
            ({}, "expected outcome_side or book_side or side with action, found none"),
            ({"side": "yes"}, "expected outcome_side or book_side or side with action, found none"),
            ({"action": "buy"}, "expected outcome_side or book_side or side with action, found none"),
            ({"outcome_side": "maybe", "book_side": "bid"}, "outcome_side: expected 'yes' or 'no', found 'maybe'"),
            ({"book_side": "yes"}, "book_side: expected 'bid' or 'ask', found 'yes'"),
            ({"action": "", "side": "yes"}, "action: expected a word for buying or selling, found ''"),
            ({"action": "buy", "side": "up"}, "side: expected 'yes' or 'no', found 'up'"),
            ({"action": [], "side": "yes"}, "action: expected a word for buying or selling, found []"),
        ],
    )
    def test_that_cannot_be_told_are_malformed(self, words, reason):
        none = {"outcome_side": ABSENT, "book_side": None, "action": ABSENT, "side": ABSENT}
        with pytest.raises(kb.MalformedFrame) as raised:
            decode(BY_NAME["events-fill-current"], **{**none, **words})
        error = raised.value
        assert (error.reason, error.type, error.market_ticker, error.sid) == (reason, "fill", A, 3)


DOLLARS = "expected a price in dollars with at most 4 decimals, found "


class TestUnits:
    """Feed rule F24: a field's name decides its unit, and dollars and fp win."""

    @pytest.mark.parametrize(
        ("changes", "yes", "no"),
        [
            ({"no_price_dollars": ABSENT}, 4200, 5800),
            ({"yes_price_dollars": ABSENT}, 4200, 5800),
            ({"yes_price_dollars": ABSENT, "no_price_dollars": ABSENT, "yes_price": 7}, 700, 9300),
            ({"yes_price_dollars": ABSENT, "no_price_dollars": ABSENT, "no_price": 7}, 9300, 700),
            ({"yes_price": 1, "no_price": 1}, 4200, 5800),
        ],
    )
    def test_one_price_of_a_trade_gives_the_other(self, changes, yes, no):
        trade = decode(BY_NAME["events-trade-current"], **changes)
        assert (trade.yes_price_e4, trade.no_price_e4) == (yes, no)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"yes_price_dollars": "4c"}, f"yes_price_dollars: {DOLLARS}'4c'"),
            ({"yes_price_dollars": 0.4}, f"yes_price_dollars: {DOLLARS}0.4"),
            ({"yes_price_dollars": ABSENT, "no_price_dollars": "1.5"},
             "no_price_dollars: expected a price of $1 at most, found price_e4=15000"),
            ({"yes_price_dollars": ABSENT, "no_price_dollars": ABSENT, "yes_price": "42"},
             "yes_price: expected a price in whole cents, found '42'"),
            ({"yes_price_dollars": ABSENT, "no_price_dollars": ABSENT},
             "expected no_price_dollars or no_price or yes_price_dollars or yes_price, found none"),
            ({"count_fp": "1.234"}, "count_fp: expected a number of contracts with at most 2 decimals, found '1.234'"),
        ],
    )  # fmt: skip
    def test_a_needed_number_that_is_not_exact_is_malformed_and_its_field_is_named(self, changes, reason):
        with pytest.raises(kb.MalformedFrame) as raised:
            decode(BY_NAME["events-trade-current"], **changes)
        assert (raised.value.reason, raised.value.market_ticker) == (reason, A)

    def test_an_optional_number_that_is_not_exact_is_none_and_is_not_read_in_an_older_unit(self):
        fill = decode(BY_NAME["events-fill-current"], fee_cost=0.0546, post_position_fp="1.001", post_position=7)
        assert (fill.fee_cost_e6, fill.post_position_e2) == (None, None)

    @pytest.mark.parametrize("cost", ["7.2500001", 7, 7.25, "7,25", ""])
    def test_money_is_a_text_of_at_most_six_decimals(self, cost):
        assert decode(BY_NAME["events-market_position-current"], position_cost_dollars=cost).position_cost_e6 is None

    def test_a_settlement_value_that_is_no_text_could_be_cents_and_is_not_read(self):
        assert decode(BY_NAME["events-market_lifecycle_v2-settled"], settlement_value=1).settlement_value_e4 is None


class TestLifecycle:
    @pytest.mark.parametrize("type_", ["market_lifecycle", "market_lifecycle_v2", "multivariate_market_lifecycle"])
    def test_all_three_are_market_lifecycles(self, type_):
        sent = frame(type_, sid=3, seq=5, msg={"market_ticker": A, "event_type": "new kind"})
        message = kb.decode(sent)
        assert isinstance(message, kb.messages.MarketLifecycle)
        assert message.event_type == "new kind"

    def test_price_ranges_are_exact(self):
        message = decode(BY_NAME["events-market_lifecycle_v2-created"])
        assert message.price_ranges == (kb.PriceRange(0, 1000, 10), kb.PriceRange(1000, 9000, 100))
        assert message.msg.additional_metadata.floor_strike == Decimal("0.1")

    @pytest.mark.parametrize(
        "ranges",
        [
            [{"start": "0.01"}],
            [{"start": "0.5", "end": "0.4", "step": "0.01"}],
            [{"start": "0", "end": "1", "step": "0"}],
            [{"start": "0", "end": "1", "step": 0.01}],
            [7], "x", 7, {}, [None],
        ],
    )  # fmt: skip
    def test_price_ranges_that_are_none_are_none(self, ranges):
        message = decode(BY_NAME["events-market_lifecycle_v2-created"], price_ranges=ranges)
        assert message.price_ranges is None
        assert message.event_type == "created"

    def test_a_strike_is_the_number_that_its_text_says(self):
        sent = BY_NAME["events-market_lifecycle_v2-metadata"].frame(floor_strike="HERE")
        text = b"0.1000000000000000055511151231257827"
        message = kb.decode(sent.replace(b'"HERE"', text))
        assert message.floor_strike == Decimal(text.decode())
        for odd in (b'"NaN"', b'"Infinity"', b"[]"):
            assert kb.decode(sent.replace(b'"HERE"', odd)).floor_strike is None

    def test_metadata_with_one_odd_field_keeps_the_others(self):
        metadata = {"name": 5, "title": "T", "can_close_early": "no", "expected_expiration_ts": 2**70}
        found = decode(BY_NAME["events-market_lifecycle_v2-created"], additional_metadata=metadata).msg.additional_metadata
        assert (found.name, found.title, found.can_close_early, found.expected_expiration_ts) == (None, "T", None, None)


class TestParts:
    """Lists of quotes, requests and legs, and what stands in averages."""

    def test_quotes_of_a_batch_read_like_quotes(self):
        (quote,) = decode(BY_NAME["events-batch_quote_accepted-current"]).quotes
        assert {name: getattr(quote, name) for name in BID_READINGS} == BID_READINGS
        assert (quote.quote_id, quote.contracts_accepted_e2) == ("q-1", 200)
        (best,) = decode(BY_NAME["events-rfq_batch_best_quotes-current"]).rfqs
        assert (best.rfq_id, best.yes_bid_e4, best.contracts_e2) == ("r-1", 3500, 400)

    def test_legs_and_requests(self):
        body = decode(BY_NAME["events-rfq_batch_created-current"]).msg
        assert (body.legs[0].yes_settlement_value_e4, body.rfqs[0].leg_indices) == (10000, [0, 1])
        assert (body.rfqs[0].contracts_e2, body.rfqs[0].target_cost_e6) == (500, 5_000_000)
        assert decode(BY_NAME["events-rfq_created-current"]).msg.mve_selected_legs[0].side == "yes"

    def test_one_odd_field_in_a_list_costs_that_field_and_a_needed_one_the_list(self):
        case = BY_NAME["events-batch_quote_created-current"]
        child = case.msg["quotes"][0]
        (quote,) = decode(case, quotes=[{**child, "event_ticker": 7, "yes_bid_dollars": 0.35}]).quotes
        assert (quote.event_ticker, quote.yes_bid_e4, quote.no_bid_e4) == (None, None, 0)
        assert decode(case, quotes=[{**child, "rfq_id": 7}]).quotes is None
        assert decode(case, quotes=[child, 7]).quotes is None

    def test_averages(self):
        value = decode(BY_NAME["events-cfbenchmarks_value-current"])
        assert value.average_60s == value.quarter_hour_average
        assert (value.average_60s.value, value.average_60s.window_size) == (Decimal("68000.12345678"), 60)
        assert decode(BY_NAME["events-cfbenchmarks_value-current"], avg_60s_data={"value": 7.5}).average_60s.value is None

    @pytest.mark.parametrize("data", [ABSENT, None, "", "{", "[]", "{}", '{"value":68000.12}', '{"value":"x"}', 7])
    def test_an_index_without_a_value_that_can_be_read_exactly(self, data):
        assert decode(BY_NAME["events-cfbenchmarks_value-current"], data=data).value_usd is None

    @pytest.mark.parametrize("id_", [None, 0, -1, "2", 2**70])
    def test_an_answer_without_a_command_has_no_id(self, id_):
        sent = {**json.loads(BY_NAME["events-cfbenchmarks_value_indexlist-current"].frame()), "id": id_}
        assert kb.decode(encode(sent)).id is None

    def test_of_a_corporate_action(self):
        terms = decode(BY_NAME["perps-corporate_actions_delta-current"]).terms
        assert (terms.ticker_change.old_ticker, terms.ticker_change.new_ticker) == ("KXOLD", "KXNEW")
        split = {"ratio_old": "1", "ratio_new": "4", "pre_split_mark_price": "40.0000", "post_split_mark_price": "10.0000"}
        action = {"market_ticker": A, "type": "stock_split", "split": split, "final_settlement": 7}
        found = decode(BY_NAME["perps-corporate_actions_delta-current"], corporate_action=action).terms
        assert (found.split.old_shares, found.split.new_shares) == (Decimal(1), Decimal(4))
        assert (found.split.pre_split_mark_e4, found.split.post_split_mark_e4) == (400000, 100000)
        assert (found.final_settlement, found.ticker_change) == (None, None)
        action = {"market_ticker": A, "type": "new", "final_settlement": {"settlement_price_per_contract": "12.3400"}}
        found = decode(BY_NAME["perps-corporate_actions_delta-current"], corporate_action=action).terms
        assert found.final_settlement.settlement_price_e4 == 123400

    @pytest.mark.parametrize("missing", ["market_ticker", "type"])
    def test_a_corporate_action_names_its_market_and_its_type(self, missing):
        action = {"market_ticker": A, "type": "stock_split"}
        del action[missing]
        with pytest.raises(kb.MalformedFrame, match=rf"`{missing}` - at `\$\.msg\.corporate_action`"):
            decode(BY_NAME["perps-corporate_actions_delta-current"], corporate_action=action)

    def test_marks_and_the_funding_rate_of_a_perpetual(self):
        ticker = decode(BY_NAME["perps-ticker-current"])
        assert (ticker.reference_price.price_e4, ticker.settlement_mark_price.ts_ms) == (64150, 1793000000000)
        assert ticker.funding_rate.rate == ticker.funding_rate.exact_rate == Decimal("-0.0001")
        assert decode(BY_NAME["perps-ticker-current"], funding_rate={"rate": "NaN"}).funding_rate.exact_rate is None


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_feed_says_what_each_was_and_changes_no_book(kb, feed, case):
    from frames import levels, snapshot

    feed.receive(snapshot(seq=1))
    before = levels(feed.books[A])
    update = feed.receive(case.frame())
    assert (update.kind, update.effect, update.error) == (kb.Kind(case.kind), kb.Effect.IGNORED, None)
    assert update.message == kb.decode(case.frame())
    assert update.market_ticker == case.readings.get("market_ticker", case.msg.get("market_ticker"))
    assert (update.book, update.own, update.subaccount) == (None, False, None)
    assert levels(feed.books[A]) == before
    assert feed.books[A].is_live


def test_the_same_message_twice_is_equal_and_shows_its_fields():
    case = Case("trade", "Trade", TRADE, {})
    assert decode(case) == decode(case)
    assert repr(decode(case)).startswith("Trade(msg=TradeBody(market_ticker='KXDEMO-26-A'")
    assert decode(case) != decode(case, count_fp="4.00")


def test_the_page_about_messages_is_right():
    page = Path(__file__).parents[1].joinpath("docs", "messages.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(example, {}, "messages.md", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(test) == (0, 4)
    for type_, cls in DATA_TYPES.items():
        assert f"`{type_}`" in page or type_.startswith(("rfq_batch_", "batch_quote_"))
        assert f"`{cls.__name__}`" in page or issubclass(cls, (kb.Communication, kb.messages.MarketLifecycle))
    assert all(f"`{kind.name}`" in page for kind in kb.Kind if kind.name != "UNKNOWN")


def test_a_message_made_by_hand_is_read_as_strictly():
    trade = decode(BY_NAME["events-trade-current"])
    other = type(trade)(sid=3, msg=type(trade.msg)(market_ticker=A, yes_price_dollars="0.42", count_fp="x"))
    assert other.no_price_e4 == 5800
    with pytest.raises(kb.MalformedFrame, match=r"^malformed trade market=KXDEMO-26-A sid=3: count_fp: expected"):
        other.count_e2


def test_bytes_that_are_no_text_are_no_json():
    sent = Case("fill", "Fill", FILL, {}).frame(client_order_id="HERE")
    with pytest.raises(kb.MalformedFrame, match="expected JSON") as raised:
        kb.decode(sent.replace(b"HERE", b"\xff"))
    assert raised.value.is_json is False
