"""How long single frames take, at the median and far out: a run of its own, garbage collection as users have it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import flows
from .contenders import FRAMES
from .report import Column, Table
from .timing import progress, timer_cost_ns
from .workers import competitors

SHARES = ("p50", "p99", "p99.9", "max")


def rows(*, seed: int, quick: bool, tape: flows.Stream | None) -> Iterator[Table]:
    """Measure every contender on frames of 200 markets, each frame by itself."""
    seconds = 0.2 if quick else 3
    stream = tape or flows.flow(
        seed=seed, deltas=1_000 if quick else 100_000, name="200 markets", **flows.FLOWS["200 markets"]
    )
    workload = flows.workload(stream)
    progress(f"tails, {workload.name}")
    entries = [entry for entry in FRAMES if not entry.is_floor]
    with (
        tempfile.TemporaryDirectory() as folder,
        competitors(workload, entries, Path(folder, "workload.json"), seconds=0.2) as running,
    ):
        found = running.ask_each("tails", seconds=seconds)
        standings = running.standings
    columns = (Column("contender"), *(Column(share, "{:,.0f}") for share in SHARES), Column("n", "{:,}"), Column("remark"))
    lines: list[dict[str, object]] = []
    for standing in standings:
        name = standing.entry.name
        remark = standing.verdict if name not in found or standing.wrong else ""
        lines.append({"contender": name, **found.get(name, {}), "remark": remark})
    note = "nanoseconds a frame, by itself, with both best prices; a list of one frame and the timer "
    note += f"({timer_cost_ns():.0f} ns) included; garbage collection as it is by default"
    lines.sort(key=lambda line: line.get("p50", 1e18))  # type: ignore[arg-type,return-value]
    yield Table(f"tails: {workload.name}", columns, lines, note, SHARES[:3])
