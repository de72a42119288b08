"""F10: an unknown type or field is counted and kept raw, its seq counts, and it is never an error."""

import pytest

from frames import ERAS, A, delta, encode, frame, levels, receive_all, snapshot

NEW_THINGS = {
    "exchange_index": 3,
    "nested": {"deep": [1, {"x": None}]},
    "text": "ß",
    "none": None,
    "number": 1.5,
    "big": 2**90,
}


@pytest.mark.parametrize("type_", ["trade", "ticker", "user_order", "orderbook_delta_v2", "ORDERBOOK_DELTA", "", "☃"])
def test_an_unknown_type_is_kept_raw_and_its_number_counts(kb, feed, type_):
    feed.receive(snapshot(seq=1))
    sent = frame(type_, sid=1, seq=2, msg={"market_ticker": A, "price_dollars": "0.42"}, id=7)
    update = feed.receive(sent)
    assert (update.kind, update.effect, update.error, update.sid, update.seq) == (
        kb.Kind.UNKNOWN, kb.Effect.IGNORED, None, 1, 2
    )  # fmt: skip
    assert update.frame is sent
    message = update.message
    assert (message.type, message.sid, message.seq, message.id) == (type_, 1, 2, 7)
    assert message.content["msg"] == {"market_ticker": A, "price_dollars": "0.42"}
    assert feed.receive(delta(seq=3)).effect is kb.Effect.APPLIED


@pytest.mark.parametrize(
    ("sid", "seq"), [("1", 2), (1, "2"), (-1, 2), (1, -2), (True, 2), (1.5, 2), (2**80, 2), (None, None), ([], {})]
)
def test_an_unknown_type_with_an_odd_sid_or_seq_counts_nowhere(kb, feed, sid, seq):
    feed.receive(snapshot(seq=1))
    update = feed.receive(frame("new", sid=sid, seq=seq))
    assert (update.kind, update.effect) == (kb.Kind.UNKNOWN, kb.Effect.IGNORED)
    assert feed.receive(delta(seq=2)).effect is kb.Effect.APPLIED


@pytest.mark.parametrize("era", ERAS)
def test_unknown_fields_at_every_place_change_nothing(feed, era):
    plain = [snapshot(era=era), delta(era=era, seq=2)]
    loaded = [snapshot(era=era, top=NEW_THINGS, **NEW_THINGS), delta(era=era, seq=2, top=NEW_THINGS, **NEW_THINGS)]
    assert receive_all(feed, *loaded) == ["applied", "applied"]
    expected = levels(feed.books[A])
    feed.opened()
    receive_all(feed, *plain)
    assert levels(feed.books[A]) == expected


@pytest.mark.parametrize("type_", ["subscribed", "ok", "unsubscribed", "error", "list_subscriptions"])
def test_unknown_fields_in_responses_change_nothing(kb, feed, type_):
    msg = {"subscribed": {"channel": "trade", "sid": 5}, "error": {"code": 8}}.get(type_, {})
    update = feed.receive(encode({"type": type_, "sid": 5, "seq": 1, "msg": {**msg, **NEW_THINGS}, **NEW_THINGS}))
    assert update.error is None
    assert update.kind is not kb.Kind.UNKNOWN


def test_an_unknown_type_never_touches_a_book(feed):
    book = feed.receive(snapshot(seq=1)).book
    feed.receive(frame("orderbook_reset", sid=1, seq=2, msg={"market_ticker": A, "yes": []}))
    assert book.is_live
    assert book.seq == 1
