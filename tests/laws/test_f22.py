"""F22: what a message needs is our list, not the published one; all else may be absent or null."""

import pytest

from frames import ABSENT, START, A, delta, encode, levels, snapshot

OPTIONAL_IN_SNAPSHOT = ("market_id", "clock")
OPTIONAL_IN_DELTA = ("market_id", "clock", "ts", "ts_ms", "client_order_id", "subaccount")
ODD = [ABSENT, None, "", "text", -1, 1.5, 2**80, True, [], [1], {}, {"x": 1}]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("field", OPTIONAL_IN_SNAPSHOT)
def test_a_snapshot_lives_without_its_optional_fields(feed, field, value):
    update = feed.receive(snapshot(**{field: value}))
    assert update.effect.value == "applied"
    assert levels(update.book) == START


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("field", OPTIONAL_IN_DELTA)
def test_a_delta_lives_without_its_optional_fields(feed, field, value):
    feed.receive(snapshot())
    update = feed.receive(delta(**{field: value}))
    assert update.effect.value == "applied"
    assert levels(update.book)["yes"][4200] == 800


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("field", ["id", "sending_ts_ms"])
def test_a_frame_lives_without_the_optional_fields_of_its_envelope(feed, field, value):
    for sent in (snapshot(top={field: value}), delta(top={field: value})):
        assert feed.receive(sent).kind.value != "malformed"


@pytest.mark.parametrize("raw", [b"1e999", b"-1E+400", b'"\xff"', b"9" * 400])
@pytest.mark.parametrize("field", [b"market_id", b"clock", b"ts", b"ts_ms", b"subaccount", b"sending_ts_ms", b"id"])
def test_an_optional_field_that_no_reader_can_hold_costs_no_frame(feed, field, raw):
    """Read as absent, as any other wrong type: the same frame must do the same on every path and core."""
    name = field.decode()
    at_top = name in ("sending_ts_ms", "id")
    for make, seq in ((snapshot, 1), (delta, 2)):
        sent = make(top={name: "HERE"}) if at_top else make(**{name: "HERE"})
        update = feed.receive(sent.replace(b'"HERE"', raw))
        assert (update.effect.value, update.seq) == ("applied", seq)
        assert update.message is not None
    assert (feed.books[A].clock is None, feed.books[A].ts_ms is None) == (name == "clock", name == "ts_ms")


def test_an_absent_clock_or_time_is_none_on_the_book(feed):
    book = feed.receive(snapshot(clock=ABSENT)).book
    assert (book.clock, book.ts_ms, book.received_ns) == (None, None, None)
    feed.receive(delta(ts_ms=None, clock=None))
    assert (book.clock, book.ts_ms) == (None, None)
    feed.receive(delta(seq=3, ts_ms=5, clock=0))
    assert (book.clock, book.ts_ms) == (0, 5)
    feed.receive(snapshot(seq=4))
    assert (book.clock, book.ts_ms) == (4182004, None)


@pytest.mark.parametrize("market_id", ["", None, ABSENT])
def test_a_market_id_may_be_empty_null_or_absent(feed, market_id):
    feed.receive(snapshot(market_id=market_id))
    assert feed.receive(delta(market_id=market_id)).message.msg.market_id == ("" if market_id == "" else None)


SMALLEST_SNAPSHOT = {"type": "orderbook_snapshot", "sid": 1, "seq": 1, "msg": {"market_ticker": A}}
SMALLEST_DELTA = {
    "type": "orderbook_delta", "sid": 1, "seq": 2,
    "msg": {"market_ticker": A, "side": "yes", "price_dollars": "0.42", "delta_fp": "1"},
}  # fmt: skip


def test_the_smallest_snapshot_and_delta_are_enough(feed):
    assert [feed.receive(encode(each)).effect.value for each in (SMALLEST_SNAPSHOT, SMALLEST_DELTA)] == [
        "applied",
        "applied",
    ]
    assert levels(feed.books[A]) == {"yes": {4200: 100}, "no": {}}


NEEDED = [(SMALLEST_SNAPSHOT, path) for path in ("sid", "seq", "msg", "msg.market_ticker")] + [
    (SMALLEST_DELTA, path)
    for path in ("sid", "seq", "msg", "msg.market_ticker", "msg.side", "msg.price_dollars", "msg.delta_fp")
]


@pytest.mark.parametrize("change", ["removed", "null", "renamed", "retyped"])
@pytest.mark.parametrize(("whole", "path"), NEEDED)
def test_each_needed_key_removed_null_renamed_or_retyped_is_an_error_event(kb, feed, whole, path, change):
    """Strict on needed keys: never an empty book in silence."""
    feed.receive(snapshot(seq=0))
    before = levels(feed.books[A])
    sent = {**whole, "seq": 1, "msg": dict(whole["msg"])}
    *above, key = path.split(".")
    place = sent[above[0]] if above else sent
    value = place.pop(key)
    if change != "removed":
        place[key if change != "renamed" else f"{key}_v2"] = {"null": None, "renamed": value, "retyped": [value]}[change]
    update = feed.receive(encode(sent))
    assert update.kind is kb.Kind.MALFORMED
    assert isinstance(update.error, kb.MalformedFrame)
    assert levels(feed.books[A]) == before
    if path != "sid":
        assert update.effect is kb.Effect.STALED
    with pytest.raises(kb.MalformedFrame):
        kb.decode(encode(sent))
