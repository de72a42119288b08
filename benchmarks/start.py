"""What it takes to begin: the time to import, the size of what is installed."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import peers
from .report import Column, Row, Table
from .subprocesses import numbers_from
from .timing import progress

IMPORT = """
import time, msgspec
began = time.perf_counter()
import kalshi_book
print(int((time.perf_counter() - began) * 1e9))
"""


def rows(*, quick: bool) -> Iterator[Row | Table]:
    """Measure the import, then the wheel; that one takes a build, which a quick run does without."""
    yield from import_rows(quick=quick)
    if not quick:
        yield wheel()


def import_rows(*, quick: bool) -> Iterator[Row]:
    """Measure what importing the package adds to importing msgspec."""
    progress("import")
    with tempfile.TemporaryDirectory() as folder:
        times = [numbers_from(IMPORT, PYTHONPYCACHEPREFIX=folder)[0] / 1e6 for _ in range(4 if quick else 16)]
    first, *times = times
    times.sort()
    note = f"[{times[0]:.1f}..{times[-1]:.1f}] median of {len(times)} fresh processes; {first:.0f} ms without byte code"
    yield Row("import kalshi_book after msgspec", statistics.median(times), 50, unit="ms", note=note)


def wheel() -> Table:
    """Build the wheel from a copy of the tree, with the tools of this environment."""
    progress("building the wheel")
    line: dict[str, object] = {"what": "wheel"}
    with tempfile.TemporaryDirectory() as folder:
        tree, out = Path(folder, "tree"), Path(folder, "out")
        for file in peers.tree_files():
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(peers.ROOT / file, tree / file)
        command = [sys.executable, "-m", "build", "-q", "--wheel", "--no-isolation", "--outdir", str(out), str(tree)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = list(out.glob("*.whl"))
        if found:
            line |= {"KiB": found[0].stat().st_size / 1024, "remark": found[0].name}
        else:
            line["remark"] = "could not be built: " + (done.stderr.strip().splitlines() or ["no word of why"])[-1][:200]
    return Table("what is installed", (Column("what"), Column("KiB", "{:,.0f}"), Column("remark")), [line])
