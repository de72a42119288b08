"""The picture: ns per delta by contender, and by the levels of a book. Drawn with matplotlib, where that is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import flows
from .contenders import OURS
from .growth import BY_LEVELS, BY_MARKETS
from .report import Table

OURS_COLOUR, OTHERS_COLOUR, FLOOR_COLOUR = "#0b6e4f", "#8fa3ad", "#d9dfe2"


def draw(tables: Sequence[Table], path: Path) -> bool:
    """Draw what of it was measured.

    Returns:
        Whether there is a picture: nothing to draw, or no matplotlib, is no error.
    """
    by_title = {table.title: table for table in tables}
    wanted = {f"bytes to book: {flows.CENT}": bars, f"bytes to book: {flows.SUB_PENNY}": bars}
    wanted |= {BY_LEVELS: by_levels, BY_MARKETS: by_markets}
    panels = [(panel, by_title[title]) for title, panel in wanted.items() if title in by_title]
    if not panels:
        return False
    try:
        import matplotlib
    except ImportError:
        return False
    # The same figures give the same file.
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "kalshi_book", "font.size": 9})
    from matplotlib import pyplot

    rows = (len(panels) + 1) // 2
    figure, axes = pyplot.subplots(rows, 2, figsize=(12, 4.6 * rows), squeeze=False, layout="constrained")
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (panel, table) in zip(axes.flat, panels, strict=False):
        panel(axis, table)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
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
    axis.set(xscale="log", xlabel="ns a frame, from its bytes to both best prices", title=table.title.partition(": ")[2])
    axis.set_xlim(10, 8 * max(times))


def colour_of(row: Any) -> str:
    if row["contender"] == OURS:
        return OURS_COLOUR
    return FLOOR_COLOUR if row.get("floor") else OTHERS_COLOUR


def by_levels(axis: Any, table: Table) -> None:
    """One line for each contender, from few levels to many."""
    points = [column.name for column in table.columns if column.form]
    for row in table.rows:
        measured = [(int(point.replace(",", "")), row[point]) for point in points if row.get(point)]
        if measured:
            is_ours = row["contender"] == OURS
            style = {"color": OURS_COLOUR, "linewidth": 2.5} if is_ours else {"linewidth": 1}
            axis.plot(*zip(*measured, strict=True), marker="o", markersize=3, label=row["contender"], **style)
    axis.set(xscale="log", yscale="log", xlabel="levels of one book", ylabel="ns a level change and both best prices")
    axis.set_title("one book alone, by its levels")
    axis.legend(fontsize=7, frameon=False)


def by_markets(axis: Any, table: Table) -> None:
    """Ours beside the bare decode, from one market to many."""
    markets = [row["markets"] for row in table.rows]
    for name, colour in (("with both bests", OURS_COLOUR), ("receive", "#6bb39b"), ("bare decode", OTHERS_COLOUR)):
        axis.plot(markets, [row[name] for row in table.rows], marker="o", markersize=3, label=name, color=colour)
    axis.set(xscale="log", xlabel="markets of one feed, all hit alike", ylabel="ns a frame", ylim=(0, None))
    axis.set_title("kalshi_book, by the markets of its feed")
    axis.legend(fontsize=7, frameon=False)
