"""What the server answers to commands, in every shape of today and of late 2025."""

import pytest

from frames import A, B, encode, error, frame, ok, subscribed, unsubscribed

LISTED = [{"channel": "orderbook_delta", "sid": 1}, {"channel": "trade", "sid": 2}]


def test_subscribed_has_its_sid_inside_msg_and_no_seq(kb):
    message = kb.decode(subscribed(3, channel="trade", command_id=7))
    assert type(message).__name__ == "Subscribed"
    assert (message.id, message.msg.channel, message.msg.sid) == (7, "trade", 3)


def test_ok_tells_what_the_subscription_holds(kb):
    message = kb.decode(ok([A, B], sid=1, seq=5, command_id=7))
    assert (type(message).__name__, message.id, message.sid, message.seq, message.held) == ("Ok", 7, 1, 5, [A, B])


@pytest.mark.parametrize(
    "content",
    [
        {"id": 2, "sid": 1, "seq": 5, "type": "ok"},
        {"id": 2, "sid": 1, "seq": 5, "type": "ok", "msg": {}},
        {"id": 2, "sid": 1, "seq": 5, "type": "ok", "msg": None},
        {"id": 2, "sid": 1, "seq": 5, "type": "ok", "msg": {"market_tickers": None}},
        {"id": 2, "sid": 1, "seq": 5, "type": "ok", "msg": {"market_ids": ["6b1f0c52"]}},
        {"id": 2, "sid": 1, "seq": 5, "type": "ok", "msg": {"index_ids": ["BRTI"]}},
        {"id": 2, "sid": 1, "seq": 5, "type": "ok", "msg": {"underlying_tickers": ["X"]}},
        {"id": 2, "type": "ok", "msg": LISTED},
        {"id": 2, "type": "ok", "msg": []},
    ],
)
def test_ok_may_leave_the_list_out_or_list_something_else(kb, content):
    """skip_ticker_ack leaves the tickers out; list_subscriptions answers channels, never markets."""
    assert kb.decode(encode(content)).held is None


def test_ok_may_list_subscriptions(kb):
    message = kb.decode(encode({"id": 2, "type": "ok", "msg": LISTED}))
    assert [(each.channel, each.sid) for each in message.msg] == [("orderbook_delta", 1), ("trade", 2)]
    assert (message.sid, message.seq) == (None, None)


def test_ok_of_late_2025_has_its_list_at_the_top(kb):
    message = kb.decode(encode({"id": 2, "sid": 1, "seq": 5, "type": "ok", "market_tickers": [A]}))
    assert message.held == [A]


def test_an_empty_list_holds_nothing_and_is_not_an_absent_one(kb):
    assert kb.decode(ok([])).held == []


def test_list_subscriptions_of_late_2025_has_a_type_of_its_own(kb):
    message = kb.decode(encode({"id": 2, "type": "list_subscriptions", "subscriptions": LISTED}))
    assert [(each.channel, each.sid) for each in message.subscriptions] == [("orderbook_delta", 1), ("trade", 2)]
    update = kb.Feed().receive(encode({"id": 2, "type": "list_subscriptions", "subscriptions": LISTED}))
    assert update.kind is kb.Kind.OK


@pytest.mark.parametrize("seq", [9, None])
def test_unsubscribed_with_and_without_a_seq(kb, seq):
    message = kb.decode(unsubscribed(1, seq=seq, command_id=7))
    assert (type(message).__name__, message.id, message.sid, message.seq) == ("Unsubscribed", 7, 1, seq)


def test_error_says_which(kb):
    message = kb.decode(
        error(11, sid=1, seq=5, command_id=7, text="invalid parameter", market_ticker=A, market_tickers=[A, B])
    )
    assert (message.id, message.sid, message.seq, message.is_terminal) == (7, 1, 5, False)
    assert (message.msg.code, message.msg.msg, message.msg.market_ticker, message.msg.market_tickers) == (
        11, "invalid parameter", A, [A, B]
    )  # fmt: skip


def test_error_may_have_no_scope(kb):
    message = kb.decode(encode({"id": 7, "type": "error", "msg": {"code": 8, "msg": "unknown channel name"}}))
    assert (message.sid, message.seq, message.msg.market_ticker) == (None, None, None)


@pytest.mark.parametrize("code", range(1, 29))
def test_only_10_17_and_25_are_terminal(kb, code):
    """10 channel error, 17 internal error (retired), 25 buffer overflow: after these a subscription is dead."""
    assert kb.decode(error(code)).is_terminal is (code in (10, 17, 25))


@pytest.mark.parametrize("name", ["market_tickers", "market_ids", "index_ids", "underlying_tickers"])
def test_an_ok_lists_what_its_channel_holds(kb, name):
    """``market_ids`` for a ticker subscription by id; ``index_ids`` and ``underlying_tickers`` of the value channels
    (AsyncAPI text, read 2026-10-26)."""
    body = kb.decode(frame("ok", sid=4, seq=9, id=3, msg={name: ["one", "two"]})).msg
    names = ("market_tickers", "market_ids", "index_ids", "underlying_tickers")
    assert {each: getattr(body, each) for each in names} == {**dict.fromkeys(names), name: ["one", "two"]}
    for odd in (None, 5, "x", [5], {}):
        assert getattr(kb.decode(frame("ok", sid=4, seq=9, id=3, msg={name: odd})).msg, name) is None


@pytest.mark.parametrize("sent", [subscribed(), ok([A]), unsubscribed(1, seq=3), error(8)])
def test_every_response_may_carry_its_sending_time(kb, sent):
    """Since 2026-10-01."""
    message = kb.decode(sent.replace(b'"type"', b'"sending_ts_ms":1793000000123,"type"', 1))
    assert message.sending_ts_ms == 1793000000123
    assert kb.decode(sent).sending_ts_ms is None


@pytest.mark.parametrize(
    "content",
    [
        {"type": "subscribed", "msg": {"channel": "trade"}},
        {"type": "subscribed", "msg": {"channel": 5, "sid": 1}},
        {"type": "subscribed"},
        {"type": "unsubscribed"},
        {"type": "unsubscribed", "sid": -1},
        {"type": "error", "msg": {"msg": "no code"}},
        {"type": "error"},
        {"type": "ok", "sid": 1, "seq": -1},
    ],
)
def test_a_response_without_what_it_needs_is_malformed(kb, content):
    with pytest.raises(kb.MalformedFrame) as raised:
        kb.decode(encode(content))
    assert (raised.value.type, raised.value.is_json) == (content["type"], True)
