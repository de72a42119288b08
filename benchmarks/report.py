"""What was measured, as rows with a goal and a verdict, and under which circumstances."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import rich.markup
import rich.table
from rich.console import Console

import kalshi_book as kb

from .timing import timer_resolution_ns

TOLERANCE: Final = 1.25
"""A ratio that misses its goal by no more than this is called close: from run to run they move by that much."""

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Row:
    """One figure that has a goal.

    Attributes:
        name: what was measured.
        measured: the figure, in ``unit``; None: it could not be measured, and ``note`` says why.
        goal: what it should not exceed (or, where ``at_least``, not fall below).
        passes: a weaker bound that is still accepted, where there is one of its own.
        note: what it was made of: the times behind a ratio, their spread.
    """

    name: str
    measured: float | None
    goal: float
    passes: float | None = None
    unit: str = "x"
    at_least: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        if self._meets(self.goal):
            return "reached"
        if self.passes is not None:
            return "passes" if self._meets(self.passes) else "missed"
        tolerated = self.goal / TOLERANCE if self.at_least else self.goal * TOLERANCE
        return "close" if self.unit == "x" and self._meets(tolerated) else "missed"

    @property
    def goal_text(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{sign} {self.goal:g} {self.unit}" + (f" (or {self.passes:g})" if self.passes is not None else "")

    @property
    def measured_text(self) -> str:
        return "" if self.measured is None else f"{self.measured:,.2f} {self.unit}"

    def _meets(self, bound: float) -> bool:
        assert self.measured is not None
        return self.measured >= bound if self.at_least else self.measured <= bound


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, which is also the key in a row, and how its numbers are written."""

    name: str
    form: str | None = None

    def text(self, value: object) -> str:
        if value is None:
            return ""
        return self.form.format(value) if self.form is not None and isinstance(value, (int, float)) else str(value)


@dataclass(frozen=True)
class Table:
    """Figures without a goal, side by side. A row may lack a column, and may hold more than the columns show.

    ``less_is_better`` names the columns in which the row of kalshi_book is to be judged beside those of the others.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, object]]
    note: str = ""
    less_is_better: Sequence[str] = ()

    def texts(self) -> list[list[str]]:
        return [[column.text(row.get(column.name)) for column in self.columns] for row in self.rows]


def machine() -> str:
    """Name the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    name = next(models, platform.processor() or platform.machine())
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def commit() -> str:
    """Name the commit that this tree is at, and whether it was changed since."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def versions() -> str:
    """Name the versions of what takes part."""
    parts = [f"{platform.python_implementation()} {platform.python_version()}", f"kalshi_book {kb.__version__}"]
    for package in ("msgspec", "websockets"):
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            parts.append(f"{package} of an unknown version")
    return ", ".join(parts)


def load() -> str:
    """Say what else the machine has to do: a run beside other work is not worth much."""
    try:
        return f"{os.getloadavg()[0]:.2f} processes in the minute before"
    except (AttributeError, OSError):
        return "unknown"


def circumstances(seed: int) -> dict[str, str]:
    """Give everything that a stranger needs to make the same run."""
    return {
        "command": shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        "commit": commit(),
        "versions": versions(),
        "core": kb.IMPLEMENTATION,
        "machine": machine(),
        "seed": str(seed),
        "timer": f"perf_counter, steps of {timer_resolution_ns()} ns",
        "load": load(),
        "build": f"{platform.python_compiler()}; Python's own flags ({sysconfig.get_config_var('OPT') or 'unknown'}) "
        "and those that setup.py adds",
    }


def show(facts: dict[str, str], rows: Sequence[Row], tables: Sequence[Table], losses: Sequence[str]) -> None:
    """Print the circumstances, then the tables, then where we lose, then the goals."""
    # On a pipe rich would assume 80 columns and cut; what cannot be measured is given room.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    for name, value in facts.items():
        console.print(f"{name:<9}{value}", markup=False)
    for table in tables:
        shown = rich.table.Table(title=table.title, title_justify="left", caption=table.note, caption_justify="left")
        for column in table.columns:
            shown.add_column(column.name, justify="right" if column.form else "left", no_wrap=bool(column.form))
        for cells in table.texts():
            shown.add_row(*map(rich.markup.escape, cells))
        console.print(shown)
    if tables:
        console.print("Where we lose:" if losses else "No right book of this run was faster than ours.")
        for loss in losses:
            console.print(f"  {loss}", markup=False)
    if rows:
        caption = "ratios: medians over paired chunks; in brackets the quartiles"
        shown = rich.table.Table(title="goals", title_justify="left", caption=caption, caption_justify="left")
        for title in ("goal", "measured"):
            shown.add_column(title, justify="right", no_wrap=True)
        for title in ("verdict", "what", "how it came about"):
            shown.add_column(title)
        for row in rows:
            line = (row.goal_text, row.measured_text, row.verdict, row.name, row.note)
            shown.add_row(*map(rich.markup.escape, line))
        console.print(shown)


def content(facts: dict[str, str], rows: Sequence[Row], tables: Sequence[Table], losses: Sequence[str]) -> dict[str, Any]:
    """Give the same for machines: what ``--json`` writes, and what the page is made of."""
    return {
        "circumstances": facts,
        "goals": [{**asdict(row), "verdict": row.verdict} for row in rows],
        "tables": [asdict(table) for table in tables],
        "losses": list(losses),
    }


def from_content(found: dict[str, Any]) -> tuple[dict[str, str], list[Row], list[Table], list[str]]:
    """Read what ``content`` gave."""
    rows = [Row(**{name: value for name, value in row.items() if name != "verdict"}) for row in found["goals"]]
    tables = [
        Table(
            table["title"],
            [Column(**column) for column in table["columns"]],
            table["rows"],
            table["note"],
            table["less_is_better"],
        )
        for table in found["tables"]
    ]
    return found["circumstances"], rows, tables, found["losses"]


def write_json(path: Path, found: dict[str, Any]) -> None:
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
