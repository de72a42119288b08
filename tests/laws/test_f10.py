"""F10: an unknown type or field is counted and kept raw, its seq counts, and it is never an error."""

import pytest

from frames import ERAS, NO, START, A, delta, encode, frame, levels, receive_all, snapshot

NEW_THINGS = {
    "exchange_index": 3,
    "nested": {"deep": [1, {"x": None}]},
    "text": "ß",
    "none": None,
    "number": 1.5,
    "big": 2**90,
}


@pytest.mark.parametrize("type_", ["trades", "tick", "user_orders", "orderbook_delta_v2", "ORDERBOOK_DELTA", "", "☃"])
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


NO_READER = {"1e999": b"1e999", "5,000 digits": b"9" * 5_000, "no UTF-8": b'"\xff"'}
TOO_DEEP = b"[" * 3_000 + b"]" * 3_000


@pytest.mark.parametrize("odd", NO_READER)
@pytest.mark.parametrize("no", [NO, []])
def test_a_value_that_no_reader_can_hold_costs_a_snapshot_nothing_where_its_field_is_unknown(feed, odd, no):
    feed.receive(snapshot(seq=1))
    sent = snapshot(A, [("0.1000", "1.00")], no, seq=2).replace(
        b'"market_ticker"', b'"new":%b,"market_ticker"' % NO_READER[odd]
    )
    assert receive_all(feed, sent, delta(seq=3)) == ["applied", "applied"]
    assert levels(feed.books[A]) == {"yes": {1000: 100, 4200: 100}, "no": START["no"] if no else {}}


@pytest.mark.parametrize("no", [NO, []])
def test_a_snapshot_too_deep_to_be_read_leaves_no_old_levels_live(kb, feed, no):
    feed.receive(snapshot(seq=1))
    sent = snapshot(A, [], no, seq=2).replace(b'"market_ticker"', b'"new":%b,"market_ticker"' % TOO_DEEP)
    assert feed.receive(sent).kind is kb.Kind.MALFORMED
    assert receive_all(feed, delta(seq=3)) in (["gap"], ["ignored"])  # how deep a reader goes depends on its Python
    assert not feed.books[A].is_live


@pytest.mark.parametrize("odd", [b"1e999", b"9" * 5_000, b"[" * 200 + b"]" * 200])
@pytest.mark.parametrize("shape", [b'"x":%b', b'"msg":%b', b'"msg":{"market_ticker":"KXDEMO-26-A","x":%b}'])
def test_the_number_of_an_unknown_type_counts_whatever_values_it_holds(kb, feed, odd, shape):
    feed.receive(snapshot(seq=1))
    update = feed.receive(b'{"type":"new","sid":1,"seq":2,%b}' % (shape % odd))
    assert (update.kind, update.effect, update.sid, update.seq) == (kb.Kind.UNKNOWN, kb.Effect.IGNORED, 1, 2)
    assert receive_all(feed, delta(seq=3)) == ["applied"]


def test_an_unknown_type_too_deep_to_be_read_is_malformed_and_the_next_number_shows_the_gap(kb, feed):
    feed.receive(snapshot(seq=1))
    assert feed.receive(b'{"type":"new","sid":1,"seq":2,"x":%b}' % TOO_DEEP).kind in (kb.Kind.MALFORMED, kb.Kind.UNKNOWN)
    assert receive_all(feed, delta(seq=3))[0] in ("gap", "applied")
    assert levels(feed.books[A])["yes"] in (START["yes"], {**START["yes"], 4200: 800})


def test_the_content_of_an_unknown_type_that_no_reader_can_hold_says_so(kb, feed):
    update = feed.receive(b'{"type":"new","sid":1,"seq":2,"x":1e999}')
    with pytest.raises(kb.MalformedFrame):
        _ = update.message.content
