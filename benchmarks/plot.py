"""The picture: ns per delta by contender, and by the levels of a book. Drawn with matplotlib, where that is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import flows
from .contenders import OURS
from .growth import GROWTH
from .report import Table

OURS_COLOUR, OTHERS_COLOUR, FLOOR_COLOUR = "#0b6e4f", "#8fa3ad", "#d9dfe2"


def draw(tables: Sequence[Table], path: Path) -> bool:
    """Draw what of it was measured.

    Returns:
        Whether there is a picture: nothing to draw, or no matplotlib, is no error.
    """
    by_title = {table.title: table for table in tables}
    found = [by_title.get(f"bytes to book: {name}") for name in (flows.CENT, flows.SUB_PENNY)]
    growth = by_title.get(GROWTH)
    panels = [table for table in (*found, growth) if table is not None]
    if not panels:
        return False
    try:
        import matplotlib
    except ImportError:
        return False
    # The same figures give the same file.
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "kalshi_book", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(panels), figsize=(5.6 * len(panels), 5.2), squeeze=False, layout="constrained")
    for axis, table in zip(axes[0], panels, strict=True):
        (lines if table is growth else bars)(axis, table)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return True


def bars(axis: Any, table: Table) -> None:
    """One bar for each contender that was timed; a wrong one is hatched."""
    rows = [row for row in table.rows if row.get("ns")][::-1]
    names = [str(row["contender"]) for row in rows]
    times = [float(row["ns"]) for row in rows]  # type: ignore[arg-type]
    drawn = axis.barh(names, times, color=[colour_of(row) for row in rows])
    for bar, row in zip(drawn, rows, strict=True):
        if str(row["top of book"]).startswith("WRONG"):
            bar.set_hatch("//")
    axis.bar_label(drawn, labels=[f" {time:,.0f}" for time in times])
    axis.set(xscale="log", xlabel="ns a frame, bytes to both best prices", title=table.title.partition(": ")[2])
    axis.margins(x=0.25)
    axis.spines[["top", "right"]].set_visible(False)


def colour_of(row: Any) -> str:
    if row["contender"] == OURS:
        return OURS_COLOUR
    return FLOOR_COLOUR if row.get("floor") else OTHERS_COLOUR


def lines(axis: Any, table: Table) -> None:
    """One line for each contender, from few levels to many."""
    points = [column.name for column in table.columns if column.form]
    for row in table.rows:
        measured = [(int(point.replace(",", "")), row[point]) for point in points if row.get(point)]
        if measured:
            is_ours = row["contender"] == OURS
            style = {"color": OURS_COLOUR, "linewidth": 2.5} if is_ours else {"linewidth": 1}
            axis.plot(*zip(*measured, strict=True), marker="o", markersize=3, label=row["contender"], **style)
    axis.set(xscale="log", yscale="log", xlabel="levels of the book", ylabel="ns a level change and both best prices")
    axis.set_title("one book alone")
    axis.legend(fontsize=7, frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
