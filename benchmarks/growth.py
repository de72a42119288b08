"""Whether time grows: with the levels of a book, with the markets of a feed, over a day in which markets come and go."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import book_alone, bytes_to_book, changes, churning, flows
from .contenders import BOOKS, OURS
from .field import entries_named
from .report import Column, Row, Table
from .timing import measure, progress
from .workers import compete

LEVELS = (10, 100, 1_000, 9_800)  # the last is all that a book can hold whose best prices do not meet
MARKETS = (1, 10, 100, 1_000, 10_000, 100_000)
WHO = (
    OURS, "dict, cached best", "dict + max()", "numpy ladder", "SortedDict", "order-book, int keys",
    "nautilus, making its deltas", "limit-order-book",
)  # fmt: skip
BY_LEVELS = "growth: one level change and both best prices, by levels"
BY_MARKETS = "growth: bytes to book, by markets"


def levels(*, seed: int, quick: bool) -> Iterator[Row | Table]:
    """Judge 1,000 levels against 90, then show everybody's growth."""
    yield from book_alone.level_rows(seed=seed, quick=quick)
    points = LEVELS[:2] if quick else LEVELS
    lines: dict[str, dict[str, object]] = {name: {"contender": name} for name in WHO}
    with tempfile.TemporaryDirectory() as folder:
        for count in points:
            workload = changes.workload(count, seed=seed, count=1_000 if quick else 10_000, near=True)
            standings, times = compete(workload, entries_named(BOOKS, *WHO), Path(folder), seconds=0.3)
            for standing in standings:
                name = standing.entry.name
                if times.ns.get(name):
                    lines[name][f"{count:,}"] = times.median(name)
                if standing.wrong or not standing.is_timed:
                    lines[name]["remark"] = standing.verdict
    columns = (Column("contender"), *(Column(f"{count:,}", "{:,.0f}") for count in points), Column("remark"))
    note = "nanoseconds; levels of both sides together, changes near the top"
    yield Table(BY_LEVELS, columns, list(lines.values()), note, [f"{count:,}" for count in points])


def markets(*, seed: int, quick: bool) -> Iterator[Table]:
    """Show ours from one market to a hundred thousand, all hit alike, beside the bare decode of the same frames."""
    lines: list[dict[str, object]] = []
    for count in (1, 100) if quick else MARKETS:
        progress(f"growth, {count:,} markets")
        stream = flows.flow(seed=seed, markets=count, deltas=2_000 if quick else 30_000, levels=10)
        if quick:
            stream.check()
        times = measure(lambda stream=stream: bytes_to_book.contenders(stream))  # type: ignore[misc]
        line = {"markets": count, "bare decode": times.median("bare"), "receive": times.median("receive")}
        line |= {"with both bests": times.median("bests"), "receive / bare": times.ratio("receive")}
        lines.append({**line, "bests / bare": times.ratio("bests")})
    numbers = [Column(name, "{:,.0f}") for name in ("bare decode", "receive", "with both bests")]
    ratios = [Column(name, "{:,.2f}") for name in ("receive / bare", "bests / bare")]
    note = "nanoseconds a frame; about 10 levels a side, every market hit alike, which is the hardest case for caches"
    yield Table(BY_MARKETS, (Column("markets", "{:,}"), *numbers, *ratios), lines, note)


def churn(*, quick: bool) -> Iterator[Table]:
    """Show a day of markets that live for a while: does it leave memory behind, or slow down?"""
    progress("a day of markets")
    rounds = 8 if quick else 96
    yield churning.table(rounds)
