"""What needs a process of its own: the memory of many books, and the time to import."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from .report import Row
from .timing import progress

# Resident size where the system tells it, else the peak: nothing large is freed before it is read.
RESIDENT = """
def resident():
    try:
        with open("/proc/self/statm") as file:
            import os
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource, sys
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
"""

# One snapshot after another through a feed, prices on a tenth-of-a-cent grid, every frame let go at once.
MANY_BOOKS = """
import gc, sys
from kalshi_book import Feed
feed = Feed()
for n in range(int(sys.argv[1])):
    yes = ",".join(f'["0.{4000 - 10 * i - n % 7:04d}","{50 + i + n % 90}.00"]' for i in range(19, -1, -1))
    no = ",".join(f'["0.{5000 - 10 * i - n % 5:04d}","{60 + i + n % 80}.00"]' for i in range(19, -1, -1))
    update = feed.receive(f'{{"type":"orderbook_snapshot","sid":1,"seq":{n + 1},"msg":{{"market_ticker":'
        f'"KXBENCH15M-26SEP21-{n:06d}","yes_dollars_fp":[{yes}],"no_dollars_fp":[{no}]}}}}'.encode())
    assert update.book.is_live
update = None
gc.collect()
print(resident())
for book in feed.books.values():
    book.best_yes_bid(), book.best_yes_ask(), book.best_no_bid(), book.best_no_ask()
print(resident())
"""

IMPORT = """
import time, msgspec
began = time.perf_counter()
import kalshi_book
print(int((time.perf_counter() - began) * 1e9))
"""

MIB = 1 << 20


def numbers_from(program: str, *arguments: str, **environment: str) -> list[int]:
    """Run a program in a fresh interpreter and read the whole numbers that it prints."""
    command = [sys.executable, "-c", program, *arguments]
    # Byte code is kept, as it is wherever a package was installed.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | environment
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=variables)
    return [int(line) for line in done.stdout.split()]


def memory_rows(*, quick: bool) -> Iterator[Row]:
    """Measure books of 20 + 20 levels."""
    progress("memory of many books")
    books = 2_000 if quick else 100_000
    (bare,) = numbers_from(RESIDENT + "print(resident())")
    made, read = numbers_from(RESIDENT + MANY_BOOKS, str(books))
    note = f"resident size over a bare interpreter's {bare / MIB:.1f} MiB, the package included"
    yield Row(f"{books:,} books of 20 + 20 levels", (made - bare) / MIB, 128, unit="MiB", note=note)
    yield Row(f"{books:,} books, all four bests read", (read - bare) / MIB, 128, unit="MiB", note="as above")


def import_rows(*, quick: bool) -> Iterator[Row]:
    """Measure what importing the package adds to importing msgspec."""
    progress("import")
    with tempfile.TemporaryDirectory() as folder:
        times = [numbers_from(IMPORT, PYTHONPYCACHEPREFIX=folder)[0] / 1e6 for _ in range(4 if quick else 16)]
    first, *times = times
    times.sort()
    note = f"[{times[0]:.1f}..{times[-1]:.1f}] median of {len(times)} fresh processes; {first:.0f} ms without byte code"
    yield Row("import kalshi_book after msgspec", statistics.median(times), 50, unit="ms", note=note)
