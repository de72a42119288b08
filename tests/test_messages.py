"""decode: which frame becomes which message, and what is said of a frame that becomes none."""

import pytest

from frames import A, delta, encode, frame, snapshot
from implementations import part

NOT_JSON = [
    b"",
    b" ",
    b"{",
    b'{"a":}',
    b"\xff",
    b'{"type":"ok"',
    b"{'type':'ok'}",
    "\ud800",
    b"nope",
    b"[1,",
    b'{"type":"ok"}}',
]


@pytest.mark.parametrize("sent", NOT_JSON)
def test_what_is_no_json_says_so(kb, sent):
    with pytest.raises(kb.MalformedFrame, match=r"^malformed frame: expected JSON: ") as raised:
        kb.decode(sent)
    error = raised.value
    assert (error.is_json, error.type, error.market_ticker, error.sid, error.seq) == (False, None, None, None, None)


@pytest.mark.parametrize(
    ("sent", "kind"), [(b"[1,2]", "list"), (b"5", "int"), (b'"x"', "str"), (b"null", "NoneType"), (b"true", "bool")]
)
def test_json_that_is_no_object_says_so(kb, sent, kind):
    with pytest.raises(kb.MalformedFrame) as raised:
        kb.decode(sent)
    assert (raised.value.reason, raised.value.is_json) == (f"expected a JSON object, found {kind}", True)


@pytest.mark.parametrize(
    "sent", [{}, {"type": None}, {"type": 5}, {"type": ["ok"]}, {"sid": 1, "seq": 2, "msg": {"market_ticker": A}}]
)
def test_an_object_without_a_type_is_malformed(kb, sent):
    with pytest.raises(kb.MalformedFrame) as raised:
        kb.decode(encode(sent))
    error = raised.value
    assert error.type is None
    assert (error.market_ticker, error.sid, error.seq) == ((A, 1, 2) if sent.get("sid") else (None, None, None))


def test_what_can_be_read_of_a_malformed_frame_is_told(kb):
    with pytest.raises(kb.MalformedFrame) as raised:
        kb.decode(delta(side="maybe", seq=9))
    error = raised.value
    assert (error.type, error.market_ticker, error.sid, error.seq, error.is_json) == ("orderbook_delta", A, 1, 9, True)
    assert "$.msg.side" in error.reason


@pytest.mark.parametrize("wrong", [None, 5, bytearray(b"{}"), {}])
def test_a_frame_is_bytes_or_str(kb, wrong):
    with pytest.raises(TypeError, match=rf"^a frame is bytes or str, not {type(wrong).__name__}$"):
        kb.decode(wrong)


def test_an_unknown_type_is_kept_whole(kb):
    message = kb.decode(frame("trades", sid=2, seq=5, msg={"market_ticker": A, "count_fp": "3.00"}, id=4, extra=[1]))
    assert (message.type, message.sid, message.seq, message.id) == ("trades", 2, 5, 4)
    assert message.content == {
        "type": "trades", "sid": 2, "seq": 5, "msg": {"market_ticker": A, "count_fp": "3.00"}, "id": 4, "extra": [1]
    }  # fmt: skip


def test_the_message_of_an_update_is_decoded_once_and_only_when_asked(kb, feed):
    for sent in (snapshot(), delta()):
        update = feed.receive(sent)
        assert update.message == kb.decode(sent)
        assert update.message is update.message
    assert feed.receive(b"junk").message is None


def test_the_lean_decoder_reads_what_a_book_needs_and_raises_on_all_else(kb):
    messages = part(kb, "messages")
    hot = messages.hot_decode(delta(client_order_id="mm-1"))
    assert type(hot) is messages.HotDelta
    assert (hot.sid, hot.seq, hot.msg.market_ticker, hot.msg.price_dollars, hot.msg.delta_fp) == (1, 2, A, "0.4200", "1.00")
    assert (hot.msg.side, hot.msg.clock, hot.msg.ts_ms, hot.msg.client_order_id) == ("yes", 4182002, 1793000000402, "mm-1")
    whole = messages.hot_decode(snapshot(yes=[("0.4100", "1.00")], top={"id": 9}))
    assert type(whole) is messages.HotSnapshot
    assert (whole.id, whole.sid, whole.seq, whole.msg.market_ticker, whole.msg.clock) == (9, 1, 1, A, 4182001)
    assert bytes(whole.msg.yes_dollars_fp) == b'[["0.4100","1.00"]]'
    for sent in (frame("trade"), delta(era="2025"), b"junk", delta(clock="late"), delta(ts_ms=1.5)):
        with pytest.raises(messages.msgspec.MsgspecError):
            messages.hot_decode(sent)


def test_a_text_of_somebody_s_own_class_is_a_text(kb):
    own = type("Own", (str,), {})
    assert kb.decode(own(delta().decode())).seq == 2
