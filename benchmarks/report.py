"""What was measured, as rows with a goal and a verdict, and under which circumstances."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import sysconfig
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

import kalshi_book as kb

from .timing import timer_resolution_ns

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Row:
    """One figure that has a goal.

    Attributes:
        name: what was measured.
        measured: the figure, in ``unit``.
        goal: what it should not exceed (or, where ``at_least``, not fall below).
        passes: a weaker bound that is still accepted, where there is one.
        note: what it was made of: the times behind a ratio, their spread.
    """

    name: str
    measured: float
    goal: float
    passes: float | None = None
    unit: str = "x"
    at_least: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        if self._meets(self.goal):
            return "reached"
        return "passes" if self.passes is not None and self._meets(self.passes) else "missed"

    def _meets(self, bound: float) -> bool:
        return self.measured >= bound if self.at_least else self.measured <= bound


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
        "build": f"{platform.python_compiler()}; Python's own flags ({sysconfig.get_config_var('OPT') or 'unknown'}) "
        "and those that setup.py adds",
    }


def show(facts: dict[str, str], rows: list[Row]) -> None:
    """Print the circumstances, then the table."""
    # On a pipe rich would assume 80 columns and cut; what cannot be measured is given room.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 180)
    for name, value in facts.items():
        console.print(f"{name:<9}{value}", markup=False)
    table = Table(caption="ratios: medians over paired chunks; in brackets the quartiles", caption_justify="left")
    for title in ("goal", "measured"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict")
    table.add_column("what")
    table.add_column("how it came about")
    for row in rows:
        sign = ">=" if row.at_least else "<="
        goal = f"{sign} {row.goal:g} {row.unit}" + (f" (or {row.passes:g})" if row.passes is not None else "")
        table.add_row(goal, f"{row.measured:.2f} {row.unit}", row.verdict, row.name, row.note)
    console.print(table)


def write_json(path: str, facts: dict[str, str], rows: list[Row]) -> None:
    """Write the same for machines."""
    content = {"circumstances": facts, "rows": [{**asdict(row), "verdict": row.verdict} for row in rows]}
    Path(path).write_text(json.dumps(content, indent=2) + "\n")
