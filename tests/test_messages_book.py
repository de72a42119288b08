"""Snapshots and deltas of every era as messages: every field of the wire, and the exact integers that they mean."""

import pytest

from frames import ABSENT, ERAS, MARKET_ID, WHOLE_ERAS, A, delta, snapshot


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("newline", ["", "\n"])
def test_a_frame_may_be_bytes_or_text_with_or_without_its_newline(kb, as_text, newline):
    """Text frames end with a newline (observed)."""
    sent = snapshot() + newline.encode()
    assert kb.decode(sent.decode() if as_text else sent) == kb.decode(snapshot())


@pytest.mark.parametrize("era", ERAS)
def test_a_snapshot_of_every_era_has_the_same_levels(kb, era):
    """Shapes until 2026-01-21, until 2026-03-12, and since (recordings)."""
    message = kb.decode(snapshot(era=era))
    assert type(message).__name__ == "OrderbookSnapshot"
    assert (message.sid, message.seq, message.market_ticker, message.msg.market_id, message.id) == (1, 1, A, MARKET_ID, None)
    assert message.levels("yes") == [(4100, 12000), (4200, 700)]
    assert message.levels("no") == [(5500, 4000), (5600, 31000)]
    current = era == "current"
    assert message.msg.clock == (4182001 if current else None)
    assert message.sending_ts_ms == (1793000000001 if current else None)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("side", "price", "change"), [("yes", "0.4200", "-7.00"), ("no", "0.0800", "120.00")])
def test_a_delta_of_every_era_means_the_same(kb, era, side, price, change):
    message = kb.decode(delta(A, side, price, change, era=era))
    assert type(message).__name__ == "OrderbookDelta"
    assert (message.sid, message.seq, message.market_ticker, message.outcome_side) == (1, 2, A, side)
    assert (message.price_e4, message.delta_e2) == (int(price[2:]), int(change.replace(".", "")))
    if era in WHOLE_ERAS:
        assert (message.msg.price, message.msg.delta) == (int(price[2:4]), int(change[:-3]))


def test_every_field_of_a_delta_is_there(kb):
    """The published example (AsyncAPI, read 2026-10-26), with our own values."""
    message = kb.decode(delta(ts="2026-10-26T10:11:12.345678Z", client_order_id="mm-17", subaccount=3))
    msg = message.msg
    assert (msg.market_id, msg.clock, msg.price_dollars, msg.delta_fp, msg.side) == (
        MARKET_ID,
        4182002,
        "0.4200",
        "1.00",
        "yes",
    )
    assert (msg.ts, msg.ts_ms, msg.client_order_id, msg.subaccount) == (
        "2026-10-26T10:11:12.345678Z",
        1793000000402,
        "mm-17",
        3,
    )
    assert message.sending_ts_ms == 1793000000002


def test_an_id_is_there_only_on_an_answer_to_get_snapshot(kb):
    assert kb.decode(snapshot()).id is None
    assert kb.decode(snapshot(top={"id": 7})).id == 7


def test_levels_keep_the_order_of_the_frame(kb):
    message = kb.decode(snapshot(A, [("0.42", "1"), ("0.0001", "2"), ("0.41", "3")], []))
    assert message.levels("yes") == [(4200, 100), (1, 200), (4100, 300)]
    assert message.levels("no") == []


def test_a_clock_of_zero_occurs_in_snapshots_and_is_kept(kb):
    """0: nothing recorded."""
    assert kb.decode(snapshot(clock=0)).msg.clock == 0


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (snapshot(A, [("0.4200", "0")], []), "yes level 0: expected a size above 0, found size_e2=0"),
        (snapshot(A, [], [("1", "5")]), "no level 0: expected a price of $0.0001 to $0.9999, found price_e4=10000"),
        (snapshot(A, [], [], bids=[]), "a side is absent and 'bids' is an array that we do not know"),
        (delta(price_dollars=ABSENT), "no price in any field that we know"),
        (delta(delta_fp="1.234"), "expected a number of contracts with at most 2 decimals, found '1.234'"),
    ],
)
def test_decode_refuses_what_is_not_exact(kb, sent, reason):
    with pytest.raises(kb.MalformedFrame) as raised:
        kb.decode(sent)
    error = raised.value
    assert (error.reason, error.market_ticker, error.sid, error.is_json) == (reason, A, 1, True)
    assert error.type in ("orderbook_snapshot", "orderbook_delta")
    assert error.__cause__ is None


def test_a_delta_may_be_off_the_range_as_a_message(kb):
    """Whether it can be is the book's to say."""
    assert kb.decode(delta(price="1.0000")).price_e4 == 10_000


UNREADABLE = {
    "price": b'"price":42',
    "delta": b'"delta":1',
    "price_dollars": b'"price_dollars":"0.420"',
    "delta_fp": b'"delta_fp":"1.00"',
}


@pytest.mark.parametrize("field", ["price", "delta"])
def test_an_old_field_that_no_reader_can_hold_does_not_matter_beside_the_new_one(kb, field):
    message = kb.decode(delta(era="2026-01").replace(UNREADABLE[field], b'"%s":1e999' % field.encode()))
    assert (message.price_e4, message.delta_e2) == (4200, 100)


@pytest.mark.parametrize("field", ["price_dollars", "delta_fp"])
def test_a_new_field_that_no_reader_can_hold_is_never_replaced_by_the_old_one(kb, field):
    """F24: where both stand, dollars and fp win."""
    with pytest.raises(kb.MalformedFrame, match="found what no reader can hold"):
        kb.decode(delta(era="2026-01").replace(UNREADABLE[field], b'"%s":1e999' % field.encode()))


def test_messages_can_be_made_by_hand(kb):
    messages = kb.messages
    body = messages.DeltaBody(market_ticker=A, side="no", price=42, delta=-3, clock=7, ts_ms="odd")
    message = messages.OrderbookDelta(sid=1, seq=2, msg=body)
    assert (message.price_e4, message.delta_e2, message.msg.clock, message.msg.ts_ms) == (4200, -300, 7, None)
    body = messages.SnapshotBody(market_ticker=A, yes_dollars_fp=[("0.42", "1")])
    assert messages.OrderbookSnapshot(sid=1, seq=1, msg=body).levels("yes") == [(4200, 100)]
