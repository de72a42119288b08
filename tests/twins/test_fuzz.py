"""Whatever comes in, every core gives the same Update, never an error, and is usable afterwards."""

import itertools
import json
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from trio import Trio

from channel_frames import CASES
from frames import ERAS, A, delta, encode, error, frame, levels, ok, snapshot, subscribed, trade, unsubscribed

SEEDS = [
    *(snapshot(era=era, seq=2) for era in ERAS),
    *(delta(era=era) for era in ERAS),
    delta(client_order_id="mm-17", subaccount=3, ts="2026-10-01T00:00:00.123Z"),
    subscribed(), ok([A], seq=2), unsubscribed(1, seq=2), error(10, sid=1, seq=2),
    frame("list_subscriptions", sid=1, seq=2, subscriptions=[{"channel": "orderbook_delta", "sid": 1}]),
    *(case.frame() for case in CASES if case.era == "current"),
    trade(sid=1, seq=2), frame("new_thing", sid=1, seq=2, msg={"market_ticker": A}),
]  # fmt: skip
seeds = st.sampled_from(SEEDS)
odd = st.sampled_from(
    [
        b"null", b"true", b"0", b"-0", b"1", b"2.0", b"1e3", b"1e999", b"9" * 25, b"-9223372036854775808", b'""', b'"x"',
        b'"0.42"', b'"\xff"', b'"\\ud800"', b'"\\u0000"', b"[]", b"[[]]", b"{}", b'{"a":1}', b'[["0.42","1"]]', b"[[42,1]]",
        b"[" * 300 + b"]" * 300, b"NaN", b"nul", b"", b" ",
    ]
)  # fmt: skip


def both_usable(trio):
    """After anything at all, a reconnect and a snapshot make a good book again, on every core."""
    trio.compare()
    trio.opened()
    assert trio.receive(snapshot(seq=1)).book.is_live
    assert trio.receive(delta(seq=2)).effect.value == "applied"
    assert levels(trio.books[A])["yes"][4200] == 800
    trio.compare()


def take(both, *frames_):
    trio = Trio(both)
    trio.receive(snapshot(seq=1))
    for each in frames_:
        trio.receive(each)
    both_usable(trio)


@pytest.fixture(scope="module")
def packages(both):
    """As ``both``, for property tests."""
    return both


@given(junk=st.binary(max_size=200) | st.text(max_size=200))
@example(junk="\ud800")
@example(junk=b'{"type":"orderbook_delta","sid":1,"seq":2,"msg":' + b'{"a":' * 2_000)
@example(junk=b"[" * 100_000)
@example(junk=b"\xef\xbb\xbf" + delta())
@example(junk=delta().decode().encode("utf-16"))
def test_arbitrary_bytes_and_text(packages, junk):
    take(packages, junk)


@given(seed=seeds, data=st.data())
def test_frames_with_bytes_flipped_cut_inserted_or_doubled(packages, seed, data):
    mutated = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(0, len(mutated) - 1)))
        how = data.draw(st.sampled_from(("flip", "cut", "insert", "double", "truncate")))
        if how == "flip" and mutated:
            mutated[at] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del mutated[at : at + data.draw(st.integers(1, 8))]
        elif how == "insert":
            mutated[at:at] = data.draw(st.binary(min_size=1, max_size=4))
        elif how == "double":
            mutated[at:at] = mutated[at : at + data.draw(st.integers(1, 40))]
        else:
            del mutated[at:]
    take(packages, bytes(mutated))


def fields(content, above=()):
    """The path of every field of a frame."""
    for name, value in content.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from fields(value, (*above, name))


def with_field(seed, path, raw, *, doubled=False):
    """A frame with one field's value replaced by raw text, or with the field there a second time."""
    content = json.loads(seed)
    place = content
    for name in path[:-1]:
        place = place[name]
    key = path[-1] + "\x00again" if doubled else path[-1]
    place[key] = "\x00HERE"
    sent = json.dumps(content, separators=(",", ":")).replace("\\u0000again", "").encode()
    return sent.replace(b'"\\u0000HERE"', raw)


EVERY_FIELD = [(seed, path) for seed in SEEDS for path in fields(json.loads(seed))]


@given(which=st.sampled_from(EVERY_FIELD), raw=odd, doubled=st.booleans())
def test_each_field_retyped_or_doubled(packages, which, raw, doubled):
    take(packages, with_field(*which, raw, doubled=doubled))


@pytest.mark.long
@pytest.mark.parametrize("raw", [b"null", b"1e999", b'"\xff"', b"[]", b'"x"', b"9" * 25], ids=repr)
def test_every_field_of_every_shape_retyped(both, raw):
    """Without chance: some hundred frames, each with one field of another type."""
    for seed, path in EVERY_FIELD:
        trio = Trio(both)
        trio.receive(snapshot(seq=1))
        trio.receive(with_field(seed, path, raw))
        trio.compare()


@pytest.mark.parametrize("path", list(fields(json.loads(delta()))), ids=".".join)
def test_every_field_of_a_delta_there_twice(both, path):
    for raw in (b"null", b'"yes"', b'"no"', b'"0.4300"', b"3", b"2", b"{}", delta()[:-1] + b"}"):
        take(both, with_field(delta(), path, raw, doubled=True))


@pytest.mark.parametrize("depth", [10, 100, 500, 900, 5_000, 200_000])
@pytest.mark.parametrize("field", ["market_id", "unknown", "subaccount", "delta_fp"])
def test_deep_nesting_never_ends_the_process(both, depth, field):
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        nested = opening * depth + b"1" + closing * depth
        # How deep is too deep depends on the stack at hand, so the cores need not agree about one frame.
        for kb in both:
            feed = kb.Feed()
            feed.receive(snapshot(seq=1))
            assert feed.receive(delta(**{field: "HERE"}).replace(b'"HERE"', nested)).message is not feed
            feed.opened()
            assert feed.receive(snapshot(seq=1)).book.is_live


NAMES = st.sampled_from(("type", "sid", "seq", "msg", "market_ticker", "side", "code", "channel"))
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
any_json = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)


@given(content=any_json)
def test_any_json(packages, content):
    take(packages, encode(content))


def test_a_storm_of_frames_in_any_order_leaves_all_cores_alike(both):
    rng = random.Random(11)
    trio = Trio(both)
    places = list(itertools.product((A, "KXDEMO-26-B"), range(6), (1, 2)))
    pool = [snapshot(ticker, seq=seq, sid=sid) for ticker, seq, sid in places]
    for side, price, change in itertools.product(("yes", "no"), ("0.4200", "0.5000"), ("1.00", "-1.00")):
        pool += [delta(ticker, side, price, change, seq=seq, sid=sid) for ticker, seq, sid in places]
    for _ in range(3_000):
        trio.receive(rng.choice(pool))
    trio.compare()
