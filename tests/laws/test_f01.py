"""F1: receive gives an Update for every frame whatever it holds; decode raises."""

import pytest

from frames import A, delta, encode, error, feed_facts, frame, ok, snapshot, subscribed, trade, unsubscribed

FRAMES = [
    (snapshot(), "snapshot", "applied"),
    (delta(), "delta", "ignored"),
    (subscribed(), "subscribed", "ignored"),
    (ok(), "ok", "ignored"),
    (encode({"id": 1, "type": "ok", "msg": [{"channel": "orderbook_delta", "sid": 1}]}), "ok", "ignored"),
    (unsubscribed(), "unsubscribed", "ignored"),
    (error(8), "error", "ignored"),
    (trade(), "trade", "ignored"),
    (frame("new_thing"), "unknown", "ignored"),
]
GARBAGE = [
    b"", b"\n", b"{", b"null", b"[]", b"7", b'"text"', b"{}", b'{"type":null}', b'{"type":7}', b"\xff\xfe", b"\x00" * 9,
    b'{"type":"orderbook_delta"}', b'{"type":"orderbook_snapshot","msg":null}', b"[" * 10_000,
    "\ud800", "no JSON", '{"type":"ok","sid":"1"}', b'{"type":"error","msg":{}}',
]  # fmt: skip
RECEIVED_NS = "received_ns must be int or None, not "


@pytest.mark.parametrize(("sent", "kind", "effect"), FRAMES)
@pytest.mark.parametrize("as_text", [False, True])
def test_a_frame_that_can_be_read_gives_its_kind_and_effect(kb, feed, sent, kind, effect, as_text):
    sent = sent.decode() if as_text else sent
    update = feed.receive(sent, received_ns=7)
    assert isinstance(update, kb.Update)
    assert (update.kind, update.effect) == (kb.Kind(kind), kb.Effect(effect))
    assert update.frame is sent
    assert update.received_ns == 7
    assert update.error is None
    assert feed.counts == {(kb.Kind(kind), kb.Effect(effect)): 1}


@pytest.mark.parametrize("sent", GARBAGE)
def test_garbage_gives_an_update_too_and_the_feed_stays_usable(kb, feed, sent):
    update = feed.receive(sent)
    assert (update.kind, update.effect) == (kb.Kind.MALFORMED, kb.Effect.IGNORED)
    assert update.frame is sent
    assert update.message is None
    assert type(update.error) is kb.MalformedFrame
    assert feed.receive(snapshot()).book.is_live


@pytest.mark.parametrize("sent", GARBAGE)
def test_decode_raises_on_what_receive_reports(kb, feed, sent):
    with pytest.raises(kb.MalformedFrame) as raised:
        kb.decode(sent)
    assert str(raised.value) == str(feed.receive(sent).error)


def test_a_live_book_is_not_hurt_by_garbage_that_names_nobody(feed):
    book = feed.receive(snapshot()).book
    checksum = book.checksum()
    for sent in GARBAGE:
        feed.receive(sent)
    assert (book.checksum(), book.seq) == (checksum, 1)


@pytest.mark.parametrize("wrong", [None, 5, bytearray(b"{}"), memoryview(b"{}"), {"type": "ok"}, ["x"]])
def test_a_frame_of_a_wrong_type_raises_and_changes_nothing(kb, feed, wrong):
    feed.receive(snapshot())
    before = feed_facts(feed)
    expected = rf"^a frame is bytes or str, not {type(wrong).__name__}$"
    with pytest.raises(TypeError, match=expected):
        feed.receive(wrong)
    with pytest.raises(TypeError, match=expected):
        kb.decode(wrong)
    assert feed_facts(feed) == before


@pytest.mark.parametrize("wrong", [1.5, "7", True])
@pytest.mark.parametrize("sent", [snapshot(seq=2), delta(seq=2), b"garbage"])
def test_a_time_of_receipt_of_a_wrong_type_raises_and_changes_nothing(feed, wrong, sent):
    feed.receive(snapshot())
    before = feed_facts(feed)
    with pytest.raises(TypeError, match=rf"^{RECEIVED_NS}{type(wrong).__name__}$"):
        feed.receive(sent, received_ns=wrong)
    assert feed_facts(feed) == before


@pytest.mark.parametrize("sent", [snapshot(seq=2), delta(seq=2), b"garbage", trade()])
@pytest.mark.parametrize("wrong", [2**63, -(2**63), 2**200])
def test_a_time_of_receipt_beyond_64_bits_raises_and_changes_nothing(feed, sent, wrong):
    feed.receive(snapshot())
    before = feed_facts(feed)
    with pytest.raises(TypeError, match=r"^received_ns must be int of 64 bits, and is larger$"):
        feed.receive(sent, received_ns=wrong)
    assert feed_facts(feed) == before


@pytest.mark.parametrize("received_ns", [0, -1, 2**63 - 1, -(2**63) + 1])
def test_any_time_of_receipt_of_64_bits_is_kept_on_the_update_and_the_book(feed, received_ns):
    for sent in (snapshot(), delta()):
        update = feed.receive(sent, received_ns=received_ns)
        assert update.received_ns == update.book.received_ns == received_ns


def test_every_frame_is_counted_by_what_it_was_and_did(kb, feed):
    for sent in (snapshot(), delta(), delta(seq=3), trade(), b"garbage", frame("new_thing", sid=1, seq=4)):
        feed.receive(sent)
    assert feed.counts == {
        (kb.Kind.SNAPSHOT, kb.Effect.APPLIED): 1,
        (kb.Kind.DELTA, kb.Effect.APPLIED): 2,
        (kb.Kind.TRADE, kb.Effect.IGNORED): 1,
        (kb.Kind.UNKNOWN, kb.Effect.IGNORED): 1,
        (kb.Kind.MALFORMED, kb.Effect.IGNORED): 1,
    }
    feed.counts.clear()
    assert feed.counts.total() == 6
    assert list(feed.books) == [A]
