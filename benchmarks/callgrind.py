"""A second witness: instructions of our own paths, counted by valgrind's callgrind, which no other program disturbs.

It can mislead (a build of 1.40 times the instructions took 1.75 times as long), so it stands beside the times and never
instead of them. Each path is run once on the same frames, and so is a call that does nothing: the difference is counted.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import flows
from .report import Column, Table
from .timing import progress

FRAMES = 2_000
PROGRAM = """
import sys
from kalshi_book import Feed, OrderBook
from kalshi_book.messages import hot_decode, decode
opening, frames = (open(path, "rb").read().splitlines(keepends=True) for path in sys.argv[2:4])
feed = Feed()
for frame in opening:
    feed.receive(frame)
book = feed.books[next(iter(feed.books))]

def receive_and_read(frame):
    book = feed.receive(frame).book
    book.best_yes_bid()
    book.best_yes_ask()

def law(frame):
    feed._receive_other(frame, None)

def change(frame):
    book.change(outcome_side="yes", price_e4=1, delta_e2=1)

def read(frame):
    book.best_yes_bid()

def loop(call, frames):
    for frame in frames:
        call(frame)

paths = {"decode": hot_decode, "receive": feed.receive, "receive and both bests": receive_and_read, "law": law,
         "change": change, "read": read, "nothing": callable}
loop(paths[sys.argv[1]], frames)
"""
PATHS = {
    "decode": "bare decode",
    "receive": "receive, the shortcut",
    "receive and both bests": "receive and both bests, from Python",
    "law": "receive, the law in Python",
    "change": "one level change, from Python",
    "read": "a best price that was read before, from Python",
}


def count(valgrind: str, path: str, opening: Path, frames: Path) -> int | None:
    """Run one path under callgrind and read how many instructions it took."""
    command = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-c", PROGRAM]
    # Hashes of text decide where dicts have to look twice: the same in every run.
    variables = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [*command, path, str(opening), str(frames)], capture_output=True, text=True, check=False, env=variables
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    return int(found[1]) if found and done.returncode == 0 else None


def rows(*, seed: int, quick: bool) -> Iterator[Table]:
    """Count every path; where there is no valgrind, say so."""
    columns = (Column("path"), Column("instructions", "{:,.0f}"), Column("of a bare decode", "{:,.2f}"), Column("remark"))
    title, valgrind = "instructions of our own paths", shutil.which("valgrind")
    if valgrind is None:
        yield Table(title, columns, [{"path": "none", "remark": "absent: there is no valgrind here"}])
        return
    progress("instructions, by callgrind")
    stream = flows.flow(seed=seed, markets=20, deltas=200 if quick else FRAMES)
    chosen = ("receive",) if quick else tuple(PATHS)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        opening, frames = Path(folder, "opening"), Path(folder, "frames")
        for file, part in ((opening, stream.opening), (frames, stream.frames)):
            file.write_bytes(b"".join(frame for frame in part if isinstance(frame, bytes)))
        before = pool.submit(count, valgrind, "nothing", opening, frames)
        jobs = {path: pool.submit(count, valgrind, path, opening, frames) for path in chosen}
        few, counts = before.result(), {path: job.result() for path, job in jobs.items()}
    lines: list[dict[str, object]] = []
    each = {path: (many - few) / len(stream.frames) for path, many in counts.items() if many is not None and few is not None}
    for path in chosen:
        line: dict[str, object] = {"path": PATHS[path], "instructions": each.get(path)}
        if path in each and "decode" in each:
            line["of a bare decode"] = each[path] / each["decode"]
        lines.append({**line, "remark": "" if path in each else "callgrind could not run it"})
    note = f"a frame; {len(stream.frames):,} deltas of 20 markets, less the same run with a call that does nothing"
    yield Table(title, columns, lines, note)
