"""The contenders beside each other, from bytes to book and on one book alone: who is right, what it costs, who is faster."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from . import changes, flows
from .contenders import BOOKS, FRAMES, OURS, Entry
from .report import Column, Row, Table
from .timing import Times, progress
from .workers import Failed, Running, Standing, Workload, compete, competitors

COLUMNS = (
    Column("contender"),
    Column("ns", "{:,.0f}"),
    Column("min", "{:,.0f}"),
    Column("x ours", "{:,.2f}"),
    Column("q1", "{:,.2f}"),
    Column("q3", "{:,.2f}"),
    Column("chunks", "{:,}"),
    Column("top of book"),
    Column("python"),
    Column("versions"),
    Column("how"),
)

FRAME_GOALS = {"synpath, its Rust call": 3, "synpath": 10, "pykalshi": 35, "kalshi-sdk": 250}
BOOK_GOALS = {"nautilus, making its deltas": 8, "order-book, int keys": 8, "SortedDict": 9}
LEVELS = 124  # of the book that all are compared on
READ_LEVELS = 66


def table_of(name: str, standings: Sequence[Standing], times: Times, note: str) -> Table:
    """Set out one comparison, the fastest first, those without a time last."""
    if times.ns.get(OURS):
        note += f"; ours at the median is {times.median(OURS) / times.minimum(OURS):.2f} of its least"
    rows = []
    for standing in standings:
        entry = standing.entry
        row: dict[str, object] = {"contender": entry.name, "top of book": standing.verdict, "how": entry.note}
        row["python"], row["versions"] = standing.python, versions_of(standing)
        row["floor"] = entry.is_floor
        if times.ns.get(entry.name):
            row |= {"ns": times.median(entry.name), "min": times.minimum(entry.name), "chunks": len(times.ns[entry.name])}
            if times.ns.get(OURS):
                low, high = times.spread(entry.name, OURS)
                row |= {"x ours": times.ratio(entry.name, OURS), "q1": low, "q3": high}
        rows.append(row)
    rows.sort(key=lambda row: float(str(row.get("ns", "inf"))))
    return Table(name, COLUMNS, rows, note, ["ns"])


def versions_of(standing: Standing) -> str:
    """Name what was installed."""
    return ", ".join(f"{name} {number}" for name, number in standing.versions.items())


def goal_rows(goals: dict[str, int], standings: Sequence[Standing], times: Times, what: str) -> Iterator[Row]:
    """Judge the goals that name another package; one that is absent, or failed, was not measured."""
    for name, goal in goals.items():
        standing = next((standing for standing in standings if standing.entry.name == name), None)
        title = f"{name} over ours, {what}"
        if standing is None or not times.ns.get(name) or not times.ns.get(OURS):
            reason = "does not take part" if standing is None else standing.verdict
            yield Row(title, None, goal, at_least=True, note=reason)
            continue
        low, high = times.spread(name, OURS)
        note = f"[{low:.1f}..{high:.1f}] {times.median(name):,.0f} ns; ours {times.median(OURS):,.0f} ns; "
        note += f"{standing.verdict}; CPython {standing.python}"
        yield Row(title, times.ratio(name, OURS), goal, at_least=True, note=note)


def frames(*, seed: int, quick: bool, tape: flows.Stream | None) -> Iterator[Row | Table]:
    """From bytes to book, flow by flow; or on one recording."""
    deltas, seconds = (600, 0.2) if quick else (20_000, 1.2)
    chosen = [flows.CENT, "200 markets"] if quick else list(flows.FLOWS)
    streams = (flows.flow(seed=seed, deltas=deltas, name=name, **flows.FLOWS[name]) for name in chosen)
    with tempfile.TemporaryDirectory() as folder:
        for stream in streams if tape is None else [tape]:
            workload = flows.workload(stream)
            standings, times = compete(workload, FRAMES, Path(folder), seconds=seconds)
            note = (
                f"{len(workload.items):,} frames after {len(workload.opening):,}; each applied, then both best prices read"
            )
            yield table_of(f"bytes to book: {workload.name}", standings, times, note)
            if workload.name == flows.CENT:
                yield from goal_rows(FRAME_GOALS, standings, times, "bytes to book")


def books(*, seed: int, quick: bool) -> Iterator[Row | Table]:
    """One book alone: a level change and both best prices."""
    workload = changes.workload(LEVELS, seed=seed, count=1_000 if quick else 20_000, near=True)
    with tempfile.TemporaryDirectory() as folder:
        standings, times = compete(workload, BOOKS, Path(folder), seconds=0.2 if quick else 1.5)
    note = f"a book of {LEVELS} levels, changes near the top; prices and sizes are integers already"
    yield table_of("book alone: one level change and both best prices", standings, times, note)
    yield from goal_rows(BOOK_GOALS, standings, times, "one level change and both bests")


def reads(*, quick: bool) -> Iterator[Table]:
    """What a reader asks a book that stands still, and what loading it costs."""
    workload = changes.workload(READ_LEVELS, seed=1, count=10, near=True, step=100)
    seconds = 0.01 if quick else 0.2
    progress("reads of one book")
    with (
        tempfile.TemporaryDirectory() as folder,
        competitors(
            workload, [entry for entry in BOOKS if not entry.is_floor], Path(folder, "w.json"), seconds=1
        ) as running,
    ):
        check_held(running, workload)
        answers = running.ask_each("reads", seconds=seconds)
        standings = running.standings
    names = list(dict.fromkeys(name for answer in answers.values() for name in answer["ns"]))
    columns = (Column("contender"), *(Column(name, "{:,.0f}") for name in names), Column("remark"))
    rows: list[dict[str, object]] = []
    for standing in standings:
        found = answers.get(standing.entry.name)
        remark = "" if found and not standing.wrong else standing.verdict
        rows.append({"contender": standing.entry.name, **(found["ns"] if found else {}), "remark": remark})
    note = f"nanoseconds; a book of {READ_LEVELS} levels on the cent grid; the best of five, as timeit does it; "
    note += "an empty cell: not offered"
    yield Table("book alone: reads and loads", columns, rows, note, names)


def check_held(running: Running, workload: Workload) -> None:
    """See that all levels of each book are those that were loaded; who holds others is out."""
    for name, process in list(running.processes.items()):
        try:
            levels = process.ask("held")["levels"]
            if levels is not None and levels != [[list(level) for level in side] for side in workload.opening]:
                raise Failed("it does not hold the levels that it was given")
        except Failed as error:
            running.drop(name, error)


def losses(tables: Sequence[Table]) -> list[str]:
    """Say where somebody who keeps a right book was better than we."""
    found = []
    for table in tables:
        ours = next((row for row in table.rows if row.get("contender") == OURS), None)
        for row in table.rows if ours is not None else ():
            if row is ours or row.get("floor") or str(row.get("top of book") or row.get("remark")).startswith("WRONG"):
                continue
            for name in table.less_is_better:
                ratio = share(row, ours, name)  # type: ignore[arg-type]
                if ratio is not None and ratio < 1:
                    found.append(f"{table.title}, {name}: {row['contender']} takes {ratio:.2f} of ours")
    return found


def share(row: Mapping[str, object], ours: Mapping[str, object], name: str) -> float | None:
    """Give a figure over ours: the median of the paired ratios where there is one."""
    paired, theirs, own = row.get("x ours"), row.get(name), ours.get(name)
    if isinstance(paired, float):
        return paired
    return theirs / own if isinstance(theirs, (int, float)) and isinstance(own, (int, float)) else None


def entries_named(entries: Sequence[Entry], *names: str) -> list[Entry]:
    """Pick contenders by name."""
    return [entry for entry in entries if entry.name in names]
