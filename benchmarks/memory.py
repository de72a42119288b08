"""The memory of books: what the system gives this process, and what of it is in use, each in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import changes
from .contenders import BOOKS
from .report import Column, Row, Table
from .subprocesses import numbers_from
from .timing import progress
from .workers import competitors

# Resident size where the system tells it, else the peak: nothing large is freed before it is read.
SIZES = """
import ctypes, os, sys

def resident():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

def allocated():
    # With PYTHONMALLOC=malloc every block of Python's, too, is glibc's.
    try:
        call = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return -1
    call.restype = Mallinfo2
    found = call()
    return found.uordblks + found.hblkhd
"""

# One snapshot after another through a feed, every frame let go at once. Arguments: books, levels a side, price step.
MANY_BOOKS = """
import gc
from kalshi_book import Feed
count, levels, step = map(int, sys.argv[1:])
feed = Feed()
before = resident(), allocated()
for n in range(count):
    top = 4000 if levels * step < 4000 else 4990
    yes = ",".join(f'["0.{top - step * i - n % 7 % step:04d}","{50 + i + n % 90}.00"]' for i in range(levels - 1, -1, -1))
    no = ",".join(f'["0.{top - step * i - n % 5 % step:04d}","{60 + i + n % 80}.00"]' for i in range(levels - 1, -1, -1))
    update = feed.receive(f'{{"type":"orderbook_snapshot","sid":1,"seq":{n + 1},"msg":{{"market_ticker":'
        f'"KXBENCH15M-26SEP21-{n:06d}","yes_dollars_fp":[{yes}],"no_dollars_fp":[{no}]}}}}'.encode())
    assert update.book.is_live
update = None
gc.collect()
print(resident())
print(resident() - before[0])
print(allocated() - before[1])
for book in feed.books.values():
    book.best_yes_bid(), book.best_yes_ask(), book.best_no_bid(), book.best_no_ask()
print(resident())
"""

MIB = 1 << 20
SHAPES = ((5, 100, "5 + 5, cent grid"), (20, 10, "20 + 20, tenth-of-a-cent grid"), (45, 100, "45 + 45, cent grid"),
          (500, 1, "500 + 500, hundredth-of-a-cent grid"))  # fmt: skip


def rows(*, quick: bool) -> Iterator[Row | Table]:
    """Measure books of 20 + 20 levels, then one book by its levels, then one book of everybody."""
    progress("memory of many books")
    books = 2_000 if quick else 100_000
    (bare,) = numbers_from(SIZES + "print(resident())")
    made, _, _, read = numbers_from(SIZES + MANY_BOOKS, str(books), "20", "10")
    note = f"resident size over a bare interpreter's {bare / MIB:.1f} MiB, the package included"
    yield Row(f"{books:,} books of 20 + 20 levels", (made - bare) / MIB, 128, unit="MiB", note=note)
    yield Row(f"{books:,} books, all four bests read", (read - bare) / MIB, 128, unit="MiB", note="as above")
    yield by_levels(200 if quick else 5_000)
    yield by_contender(100 if quick else 1_000)


def by_levels(books: int) -> Table:
    """Measure ours, by resident size and by allocation."""
    lines: list[dict[str, object]] = []
    for levels, step, name in SHAPES:
        progress(f"memory of a book, {name}")
        arguments = (str(books), str(levels), str(step))
        resident = numbers_from(SIZES + MANY_BOOKS, *arguments)[1]
        allocated = numbers_from(SIZES + MANY_BOOKS, *arguments, PYTHONMALLOC="malloc")[2]
        line = {"levels": name, "resident": resident / books, "allocated": allocated / books if allocated > 0 else None}
        lines.append({**line, "a level": (allocated if allocated > 0 else resident) / books / (2 * levels)})
    numbers = (Column("resident", "{:,.0f}"), Column("allocated", "{:,.0f}"), Column("a level", "{:,.1f}"))
    note = f"bytes a book, its ticker and place in the feed included; {books:,} books; allocated: blocks in use, by glibc"
    return Table("memory of one of our books", (Column("levels"), *numbers), lines, note)


def by_contender(books: int) -> Table:
    """Measure a book of 20 + 20 levels of everybody, by resident size."""
    workload = changes.workload(40, seed=1, count=10, near=True)
    progress("memory of a book, all contenders")
    with tempfile.TemporaryDirectory() as folder:
        entries = [entry for entry in BOOKS if not entry.is_floor]
        with competitors(workload, entries, Path(folder, "workload.json"), seconds=1) as running:
            found = running.ask_each("memory", books=books)
            standings = running.standings
    lines: list[dict[str, object]] = []
    for standing in standings:
        answer = found.get(standing.entry.name)
        remark = standing.verdict if answer is None or standing.wrong else "" if answer["bytes"] else "no book by itself"
        lines.append({"contender": standing.entry.name, "resident": answer and answer["bytes"], "remark": remark})
    lines.sort(key=lambda line: line["resident"] or 1e18)  # type: ignore[arg-type,return-value]
    columns = (Column("contender"), Column("resident", "{:,.0f}"), Column("remark"))
    return Table(
        "memory of a book of 20 + 20 levels",
        columns,
        lines,
        f"bytes of resident size, mean of {books:,} books",
        ["resident"],
    )
