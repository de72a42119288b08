"""A file against the same frames from memory."""

from __future__ import annotations

import gzip
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kalshi_book as kb
from kalshi_book.tape.replay import replay

from .flows import Stream, WrongBooks, flow
from .report import Column, Row, Table
from .timing import progress


def rows(*, seed: int, quick: bool) -> Iterator[Row | Table]:
    """Measure a plain file of 200 markets, alternating with memory, whole passes; then every kind of file."""
    progress("replay of a file")
    stream = flow(seed=seed, markets=200, deltas=2_000 if quick else 60_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tape.ndjson")
        write(path, stream)
        pairs = [(from_memory(stream), from_file(path, stream)) for _ in range(2 if quick else 9)]
        table = formats(stream, Path(folder), repeats=1 if quick else 5)
    rate = statistics.median(memory / file for memory, file in pairs)
    count = count_of(stream)
    note = f"{min(file for _, file in pairs) / count:.0f} ns a frame; memory {min(m for m, _ in pairs) / count:.0f} ns"
    yield Row("replay of a plain file, share of the rate from memory", rate, 0.85, at_least=True, note=note)
    yield table


def formats(stream: Stream, folder: Path, *, repeats: int) -> Table:
    """Measure the same frames from each kind of file."""
    lines: list[dict[str, object]] = []
    for suffix in (".ndjson", ".ndjson.gz", ".ndjson.zst"):
        path = Path(folder, f"tape{suffix}")
        try:
            write(path, stream)
        except ImportError as error:
            lines.append({"file": suffix, "remark": f"absent: {error}"})
            continue
        times = sorted(from_file(path, stream) / count_of(stream) for _ in range(repeats))
        median = statistics.median(times)
        line: dict[str, object] = {"file": suffix, "ns": median, "min": times[0], "frames a second": 1e9 / median}
        lines.append({**line, "bytes a frame": path.stat().st_size / count_of(stream)})
    columns = (
        Column("file"), Column("ns", "{:,.0f}"), Column("min", "{:,.0f}"), Column("frames a second", "{:,.0f}"),
        Column("bytes a frame", "{:,.0f}"), Column("remark"),
    )  # fmt: skip
    return Table(
        "replay of files", columns, lines, f"{count_of(stream):,} frames of 200 markets, whole passes, {repeats} each"
    )


def count_of(stream: Stream) -> int:
    return len(stream.opening) + len(stream.frames)


def write(path: Path, stream: Stream) -> None:
    """Write a recording as its name says."""
    data = b"".join(frame for frame in (*stream.opening, *stream.frames) if isinstance(frame, bytes))
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        data = zstd().compress(data)
    path.write_bytes(data)


def zstd() -> Any:
    """Import Zstandard from where this Python has it."""
    try:
        from compression import zstd as module
    except ImportError:
        from backports import zstd as module
    return module


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
