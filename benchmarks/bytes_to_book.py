"""From the bytes of a frame to its book and both best prices, beside nothing but the decode of the same fields."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

from msgspec.json import Decoder

from kalshi_book.messages import OrderbookSnapshot, hot_decode
from kalshi_book.sim.wire import Wire

from .flows import Stream, WrongBooks, flow
from .report import Row
from .timing import Contender, Times, chunks_of, measure, progress

Frames = Sequence[bytes | str]

CHUNK = 500
# CPython 3.11 calls the bare decoder unusually cheaply, and a call out of compiled code unusually dearly.
PASSES = 1.6 if sys.version_info[:2] == (3, 11) else 1.5
GOAL = 1.35
BESTS = 0.15


def bare(frames: Frames) -> None:
    """Decode into the fields that the feed reads, and let them go."""
    decode = hot_decode
    for frame in frames:
        decode(frame)


def no_op(frames: Frames) -> None:
    """Call something that does nothing: what the loop and the call alone cost."""
    call = callable
    for frame in frames:
        call(frame)


def contenders(stream: Stream) -> Mapping[str, Contender]:
    """Set up every way through a stream anew."""
    receive, receive_too = stream.feed().receive, stream.feed().receive

    def receive_alone(frames: Frames) -> None:
        take = receive
        for frame in frames:
            take(frame)

    def receive_and_read(frames: Frames) -> None:
        take = receive_too
        for frame in frames:
            book = take(frame).book
            book.best_yes_bid()
            book.best_yes_ask()

    chunks = chunks_of(stream.frames, CHUNK)
    ways = {"bare": bare, "receive": receive_alone, "bests": receive_and_read, "no-op": no_op}
    return {name: Contender(run, chunks) for name, run in ways.items()}


def rows(*, seed: int, quick: bool, tape: Stream | None) -> Iterator[Row]:
    """Measure 1, 200 and 10,000 markets, or the one recording."""
    if tape is not None:
        yield from recording_rows(tape)
        return
    times: dict[int, Times] = {}
    for markets in (1, 200) if quick else (1, 200, 10_000):
        progress(f"bytes to book, {markets:,} markets")
        stream = flow(seed=seed, markets=markets, deltas=2_000 if quick else 100_000)
        stream.check()
        if stream.fast_frames != len(stream.frames):
            raise WrongBooks(f"{stream.name}: {len(stream.frames) - stream.fast_frames} frames left the short path")
        times[markets] = measure(lambda stream=stream: contenders(stream))  # type: ignore[misc]
        if markets != 10_000:
            yield from rows_from(times[markets], stream.name)
    if 10_000 in times:
        yield growth_row(times[200], times[10_000])


def recording_rows(stream: Stream) -> Iterator[Row]:
    """Measure one recording."""
    progress(f"bytes to book, {stream.name}")
    stream.check()
    times = measure(lambda: contenders(stream))
    yield from rows_from(times, f"{stream.name} ({len(stream.frames):,} frames, {stream.fast_frames:,} on the short path)")


def rows_from(times: Times, name: str) -> Iterator[Row]:
    """Turn the times of one stream into its two rows."""
    low, high = times.spread("receive")
    yield Row(
        f"receive against bare decode, {name}", times.ratio("receive"), GOAL, PASSES,
        note=f"[{low:.2f}..{high:.2f}] {times.median('receive'):.0f} ns; bare {times.median('bare'):.0f} ns, min "
        f"{times.minimum('bare'):.0f}; no-op call {times.median('no-op'):.0f} ns",
    )  # fmt: skip
    added = times.ratio("bests") - times.ratio("receive")
    note = f"in units of the bare decode; receive and bests {times.median('bests'):.0f} ns"
    yield Row(f"both bests add, {name}", added, BESTS, note=note)


def growth_row(few: Times, many: Times) -> Row:
    """Compare two runs, each in multiples of its own bare decode."""
    own, with_bests = many.ratio("receive"), many.ratio("bests")
    note = f"each over its bare decode; 10,000: {own:.2f} alone, {with_bests:.2f} with both bests, "
    note += f"{many.median('receive'):.0f} ns, bare {many.median('bare'):.0f} ns"
    return Row("10,000 markets against 200, receive", own / few.ratio("receive"), 2.0, note=note)


def snapshot_rows(*, quick: bool) -> Iterator[Row]:
    """Measure snapshots of 67 levels, sizes changing, each the next of its sid.

    The bare decode makes every price and size a text. The feed does without that: what it decodes is measured beside it.
    """
    progress("snapshots")
    wire = Wire(era="current", sid=1, use_yes_price=False)
    frames = [
        wire.snapshot(
            seq=seq, sent_ms=1_790_000_000_000 + seq, ticker="KXFLOW15M-26SEP21-00001",
            market_id="f0d3fa5c-56c1-4669-84ba-316193090287", clock=1_000_000 + seq,
            yes=[(100 * tick, 100 * (seq % 97 + tick)) for tick in range(1, 35)],
            no=[(100 * tick, 100 * (seq % 89 + tick)) for tick in range(1, 34)],
        )
        for seq in range(1, 200 if quick else 6_000)
    ]  # fmt: skip
    stream = Stream("snapshots", frames[:1], frames[1:])
    stream.check()

    def make() -> Mapping[str, Contender]:
        receive = stream.feed().receive

        def receive_all(frames: Frames) -> None:
            for frame in frames:
                receive(frame)

        def decode_all(frames: Frames) -> None:
            for frame in frames:
                decode(frame)

        chunks, decode = chunks_of(stream.frames, 50), Decoder(OrderbookSnapshot).decode
        ways = {"bare": decode_all, "receive": receive_all, "lean": bare}
        return {name: Contender(run, chunks) for name, run in ways.items()}

    times = measure(make)
    low, high = times.spread("receive")
    note = (
        f"[{low:.2f}..{high:.2f}] {times.median('receive'):,.0f} ns; bare {times.median('bare'):,.0f} ns; lean, its levels "
    )
    note += f"left as they stand, {times.median('lean'):,.0f} ns"
    yield Row("a snapshot of 67 levels against its bare decode", times.ratio("receive"), 1.5, note=note)
