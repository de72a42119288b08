"""A file against the same frames from memory."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import kalshi_book as kb
from kalshi_book.tape.replay import replay

from .frames import Stream, WrongBooks, flow
from .report import Row
from .timing import progress


def rows(*, seed: int, quick: bool) -> Iterator[Row]:
    """Measure a plain file of 200 markets, alternating with memory, whole passes."""
    progress("replay of a file")
    stream = flow(seed=seed, markets=200, deltas=2_000 if quick else 60_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tape.ndjson")
        path.write_bytes(b"".join(frame for frame in (*stream.opening, *stream.frames) if isinstance(frame, bytes)))
        pairs = [(from_memory(stream), from_file(path, stream)) for _ in range(2 if quick else 9)]
    rate = statistics.median(memory / file for memory, file in pairs)
    count = len(stream.opening) + len(stream.frames)
    note = f"{min(file for _, file in pairs) / count:.0f} ns a frame; memory {min(m for m, _ in pairs) / count:.0f} ns"
    yield Row("replay of a plain file, share of the rate from memory", rate, 0.85, at_least=True, note=note)


def from_memory(stream: Stream) -> int:
    feed = kb.Feed()
    receive = feed.receive
    began = time.perf_counter_ns()
    for frames in (stream.opening, stream.frames):
        for frame in frames:
            receive(frame)
    return time.perf_counter_ns() - began


def from_file(path: Path, stream: Stream) -> int:
    began = time.perf_counter_ns()
    with replay(path) as tape:
        for _update in tape:
            pass
    took = time.perf_counter_ns() - began
    for (ticker, side), levels in (stream.levels or {}).items():
        bids = tape.books[ticker].bids(outcome_side="yes" if side == "yes" else "no")
        if [(level.price_e4, level.size_e2) for level in reversed(bids)] != levels:
            raise WrongBooks(f"replay: the {side} side of {ticker} is not what the flow made")
    return took
