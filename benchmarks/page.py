"""The page that shows the last full run: docs/benchmarks.json, .md and .svg, written together.

``python -m benchmarks.page FOLDER`` writes page and picture again from the figures in FOLDER/benchmarks.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import plot, report

HEAD = """# Benchmarks

What it costs to keep the book of a market, from the bytes of a frame to both best prices: kalshi_book beside the other
packages that keep such books, beside what people write themselves, and beside floors that nobody can pass. This page is
written by `make bench-docs`; `make bench` prints the same on your machine, `make bench-peers` installs the other packages
first, `python -m benchmarks --tape FILE` measures on your own recording.
"""

READING = """## How to read it

- **Only ratios mean anything.** Times of one machine at one moment move by a quarter; ratios taken in one run hold.
  `x ours` is the median, over chunks of 500 frames, of the contender's time over ours on the same chunk; `q1` and `q3` are
  the quartiles of that. `ns` is the median over its chunks, `min` the least, `chunks` how many it had. They alternate
  between contenders, and the first fifth of each is not timed: a process that was asleep gets its caches back in it.
- **Right before fast.** Before its time is taken, each contender's top of book is compared after every single frame with a
  book kept by the plainest code there is (`benchmarks/truth.py`), whose last state is compared with the maker of the frames.
  Who is wrong is shown as wrong, with how often; what was not checked is not timed.
- **The same work.** Everybody gets the same frames, applies each, and gives both best prices after each. Each runs in a
  process and an environment of its own, on the CPython that stands in its row; so does ours. A package that checks no
  sequence numbers does less than ours, and its row says so. `by hand` means that the package has no reader for this
  exchange's frames, and the few lines around it are ours (`benchmarks/contenders/`).
- **What is timed** is the loop inside the contender's own process, without garbage collection; frames are in memory, there
  is no socket. The tails are a run of their own, garbage collection as it is by default.
- **A quiet machine** shows in the last words above each table: where the median of ours exceeds 1.3 of its least, the
  machine had other work, and the run is worth little.
- **Slow contenders** stop when their share of the time is spent; their ratios are of the chunks that they had.
- **The client** is measured on a socket: exchange and reader are processes of their own, and the exchange has its frames
  ready. All read the same rounds of frames, in turn; in the end every book has to be LIVE and the exchange's. A bare reader
  is `async for message in connection` of the library that the client itself uses.
- A row `keeps no book` is a floor: what the loop, a call, or the decode alone cost.
"""


def write(folder: Path, content: dict[str, Any]) -> None:
    """Write figures, page and picture."""
    folder.mkdir(parents=True, exist_ok=True)
    report.write_json(folder / "benchmarks.json", content)
    facts, rows, tables, losses = report.from_content(content)
    has_picture = plot.draw(tables, folder / "benchmarks.svg")
    text = "\n".join(lines(facts, rows, tables, losses, has_picture=has_picture))
    (folder / "benchmarks.md").write_text(text + "\n", encoding="utf-8")


def lines(
    facts: dict[str, str],
    rows: Sequence[report.Row],
    tables: Sequence[report.Table],
    losses: Sequence[str],
    *,
    has_picture: bool,
) -> Iterator[str]:
    """Give the page line by line."""
    yield HEAD
    if has_picture:
        yield "![ns per delta by contender, and by the levels of a book](benchmarks.svg)\n"
    yield "## The run that is shown\n"
    yield from grid(["", ""], [[name, f"`{value}`" if name == "command" else value] for name, value in facts.items()], "ll")
    yield READING
    yield "## Where we lose\n"
    yield from [f"- {loss}" for loss in losses] or ["No right book of this run was faster than ours."]
    missed = [row for row in rows if row.verdict not in ("reached", "passes")]
    yield from [f"- {row.name}: goal {row.goal_text}, {row.measured_text or row.note} ({row.verdict})" for row in missed]
    yield "\n## Goals\n"
    yield "In brackets the quartiles of the paired ratios. A ratio within a quarter of its goal is called close: from run to"
    yield "run they move by that much. Why the others are missed is in [design.md](design.md).\n"
    cells = [[row.name, row.goal_text, row.measured_text, row.verdict, row.note] for row in rows]
    yield from grid(["what", "goal", "measured", "verdict", "how it came about"], cells, "lrrll")
    for table in tables:
        yield f"## {table.title[0].upper()}{table.title[1:]}\n"
        if table.note:
            yield f"{table.note[0].upper()}{table.note[1:]}.\n"
        alignment = "".join("r" if column.form else "l" for column in table.columns)
        yield from grid([column.name for column in table.columns], table.texts(), alignment)


def grid(names: Sequence[str], rows: Sequence[Sequence[str]], alignment: str) -> Iterator[str]:
    """Write a table; columns in which nothing stands are left out."""
    kept = [at for at, name in enumerate(names) if not name or any(row[at] for row in rows)]
    yield "| " + " | ".join(names[at] for at in kept) + " |"
    yield "|" + "|".join("---:" if alignment[at] == "r" else "---" for at in kept) + "|"
    for row in rows:
        yield "| " + " | ".join(row[at].replace("|", "\\|") for at in kept) + " |"
    yield ""


if __name__ == "__main__":
    target = Path(sys.argv[1])
    write(target, json.loads((target / "benchmarks.json").read_text(encoding="utf-8")))
