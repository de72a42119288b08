"""The short path of the compiled core, switched off and on over generated tapes of all eras, changes nothing."""

from itertools import product

import pytest
from trio import Trio

from frames import A, delta, feed_facts, levels, snapshot
from implementations import part

TAPES = [
    pytest.param({"era": "current", "markets": 3}, id="current"),
    pytest.param({"era": "current", "tick": "centi_cent", "levels": 400, "markets": 1}, id="hundreds of levels"),
    pytest.param({"era": "current", "tick": "tapered", "use_yes_price": True, "own_per_mille": 300}, id="yes scale, own"),
    pytest.param({"era": "2026-03", "tick": "deci_cent"}, id="2026-03"),
    pytest.param({"era": "2026-01", "use_yes_price": True}, id="2026-01"),
    pytest.param({"era": "2025"}, id="2025"),
]
FIELDS = (
    "kind", "effect", "market_ticker", "outcome_side", "price_e4", "delta_e2", "size_e2", "top_changed", "own",
    "client_order_id", "sid", "seq", "skipped", "received_ns", "frame", "error",
)  # fmt: skip


def said(update):
    return [getattr(update, name) for name in FIELDS]


def plain(words):
    return [getattr(word, "value", word) for word in words]


@pytest.mark.long
@pytest.mark.parametrize("shape", TAPES)
def test_the_short_path_gives_the_same_updates_and_books_as_the_law(both, shape):
    flow = part(both[0], "sim.flow").Flow(seed=3, frames=2_500, close=False, **shape)
    trio = Trio(both, use_yes_price=shape.get("use_yes_price", False))
    for number, frame in enumerate(flow):
        if number % 100 == 0:
            trio.receive(frame, received_ns=number)
            trio.compare()
            continue
        fast = trio.fast.receive(frame, received_ns=number)
        assert said(trio.law._receive_other(frame, number)) == said(fast)
        assert plain(said(trio.twin.receive(frame, received_ns=number))) == plain(said(fast))
    trio.compare()
    for ticker in flow.tickers:
        assert levels(trio.books[ticker]) == {side: dict(flow.levels(ticker, side)) for side in ("yes", "no")}
    deltas = trio.fast.counts[both[0].Kind.DELTA, both[0].Effect.APPLIED]
    assert deltas > 2_400
    # The oldest shape has no delta_fp and is the law's; of all others every delta takes the short path.
    assert trio.fast._fast_deltas == (0 if shape["era"] == "2025" else deltas)
    assert trio.law._fast_frames == trio.twin._fast_frames == 0


def test_text_takes_the_short_path_as_bytes_do(both):
    trio = Trio(both)
    trio.receive(snapshot().decode())
    trio.receive(delta().decode())
    assert trio.fast._fast_frames == 1


LEFT_TO_THE_LAW = [
    pytest.param(delta(seq=3), id="gap"),
    pytest.param(delta(seq=1), id="backwards"),
    pytest.param(delta("KXDEMO-26-Z"), id="unknown market"),
    pytest.param(delta(sid=2), id="another sid"),
    pytest.param(delta(change="-7.01"), id="below zero"),
    pytest.param(delta(price="0.4400"), id="locked"),
    pytest.param(delta(side="no", price="0.9000"), id="crossed"),
    pytest.param(delta(price="0.0000"), id="off the range"),
    pytest.param(delta(price="9" * 25), id="price beyond 64 bits"),
    pytest.param(delta(change="9" * 25), id="change beyond 64 bits"),
    pytest.param(delta(price="-0.4200"), id="negative price"),
    pytest.param(delta(price="0.42000"), id="five decimals"),
    pytest.param(delta(price="\u0660.\u0664\u0662"), id="digits of another script"),
    pytest.param(delta(price_dollars=1), id="number for a text"),
    pytest.param(delta(clock=2**70), id="clock beyond 64 bits"),
    pytest.param(delta(seq=2**63), id="seq beyond 64 bits"),
    pytest.param(delta(seq=2**70), id="seq far beyond 64 bits"),
    pytest.param(delta(sid=2**70), id="sid far beyond 64 bits"),
    pytest.param(delta(era="2025"), id="cents"),
]


@pytest.mark.parametrize("frame", LEFT_TO_THE_LAW)
def test_what_the_short_path_leaves_to_the_law_is_done_the_same(both, frame):
    trio = Trio(both)
    trio.receive(snapshot())
    trio.receive(frame)
    trio.compare()
    assert trio.fast._fast_frames == 0


NAMES = (
    "type", "sid", "seq", "id", "msg", "sending_ts_ms", "market_ticker", "market_id", "clock", "ts", "ts_ms", "subaccount",
    "client_order_id", "price", "delta", "price_dollars", "delta_fp", "side", "yes", "no", "yes_dollars", "no_dollars",
    "yes_dollars_fp", "no_dollars_fp", "a name that nobody knows",
)  # fmt: skip
VALUES = (
    "null", "true", "0", "-0", "5", "-5", "1.5", "1e5", "1e400", "9223372036854775808", "99999999999999999999", '""', '"x"',
    '"yes"', '"orderbook_delta"', '"orderbook_snapshot"', '"ok"', '"\\ud800"', "[]", "{}", '[["0.4",1]]',
    '[["0.4200","-1"]]', '[["0.4200","1"],["0.4200","1"]]', "[[1,2]]",
)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_comes_twice_or_is_strange_is_read_the_same_on_both_paths(both, name):
    """JSON leaves open what a name means that comes twice (RFC 8259, section 4): the last, if the first is readable."""
    for frame, value in product((delta(), snapshot(seq=2)), VALUES):
        whole, field = frame.decode(), f'"{name}":{value}'
        for strange in (
            "{" + field + "," + whole[1:],
            whole[:-1] + "," + field + "}",
            whole.replace('"msg":{', '"msg":{' + field + ","),
            whole[:-2] + "," + field + "}}",
        ):
            trio = Trio(both)
            trio.receive(snapshot())
            trio.receive(strange)
            trio.compare()


def test_a_negative_zero_price_is_one_word_on_all_paths(both):
    trio = Trio(both)
    trio.receive(snapshot())
    assert trio.receive(delta(price="-0")).kind.value == "malformed"
    trio.receive(snapshot(seq=3))
    assert trio.receive(delta(change="-0.00", seq=4)).effect.value == "applied"
    trio.compare()


class Bytes(bytes):
    """Somebody's own kind of bytes."""


class Text(str):
    """Somebody's own kind of text."""

    __slots__ = ()


@pytest.mark.parametrize("wrap", [Bytes, lambda frame: Text(frame.decode())])
def test_frames_of_a_subclass_are_frames(both, wrap):
    trio = Trio(both)
    for frame in (snapshot(), delta(), delta(seq=3)):
        trio.receive(wrap(frame))
    trio.compare()
    assert levels(trio.books[A])["yes"][4200] == 900


@pytest.mark.parametrize("ticker", ["K", "KXDEMO26", "KXDEMO-26-A", "X" * 300, "MÄRKTE-26", "日本-26", "\x00", "a\x00b"])
def test_any_text_is_a_ticker(both, ticker):
    trio = Trio(both)
    trio.receive(snapshot(ticker))
    assert trio.receive(delta(ticker)).effect.value == "applied"
    assert trio.fast._fast_frames == 1
    assert trio.fast.books[ticker].best_yes_bid_e4() == 4200


def test_a_thousand_markets_come_and_go(both):
    """The index of the compiled core grows, and closes the holes of books that left."""
    trio = Trio(both)
    tickers = [f"KXDEMO-26-{number}" for number in range(400)]
    seq = 0
    for ticker in tickers:
        seq += 1
        for feed in trio.feeds:
            feed.receive(snapshot(ticker, seq=seq))
    held = [ticker for number, ticker in enumerate(tickers) if number % 3]
    seq += 1
    for feed in trio.feeds:
        feed.receive(
            b'{"type":"ok","sid":1,"seq":%d,"msg":{"market_tickers":%s}}' % (seq, str(held).replace("'", '"').encode())
        )
    for ticker in tickers:
        seq += 1
        updates = [feed.receive(delta(ticker, seq=seq)) for feed in trio.feeds]
        assert [update.effect.value for update in updates] == ["applied" if ticker in held else "ignored"] * 3
    assert trio.fast._fast_frames == len(held) == len(trio.books)
    assert feed_facts(trio.fast) == feed_facts(trio.twin)


def test_a_change_may_name_its_arguments_in_any_order_and_in_texts_made_anew(kb):
    """The core knows its usual call by the names; every other call is the same change."""
    feed = kb.Feed()
    feed.receive(snapshot())
    book = feed.books[A]
    assert book.change(delta_e2=100, price_e4=4200, outcome_side="yes") == 800
    assert book.change(price_e4=4200, **{"outcome_" + "side": "".join("yes"), "".join(["delta", "_e2"]): -1}) == 799
    for arguments in ({}, {"price_e4": 4200, "delta_e2": 1}, {"outcome_side": "yes", "price_e4": 4200, "size_e2": 1}):
        with pytest.raises(TypeError):
            book.change(**arguments)
    for arguments in (("yes",), ("yes", 4200, 1)):
        with pytest.raises(TypeError):
            book.change(*arguments)
        with pytest.raises(TypeError):
            book.change(*arguments, outcome_side="yes", price_e4=4200, delta_e2=1)
    assert levels(book)["yes"] == {4100: 12000, 4200: 799}
