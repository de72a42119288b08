"""``kalshi-book plot``: a recording as a picture: depth by price and time, the best prices, the trades."""

from __future__ import annotations

import argparse
import io
import os
from datetime import datetime, timezone
from math import nan, sqrt
from pathlib import Path
from typing import Any, Final

from ..errors import TapeError, UsageError
from ..tables.needs import needed
from ..units import price_text
from .heat import Heat, Survey
from .replay import add_feed_arguments, open_replay, replay_to_end, report_problems

COLUMNS: Final = 960
INCHES: Final = (12, 6)
DOTS_PER_INCH: Final = 100
SPANS: Final = ((3 * 3600, 3600, "hours"), (600, 60, "minutes"), (0, 1, "seconds"))
"""From how many seconds on time is shown in which unit."""

BID, ASK, NOTHING = "#4fd1ff", "#ff9d5c", "#ffffff"
TAKERS: Final = {"yes": ("#7dffb0", "taker bought yes"), "no": ("#ff6b9d", "taker bought no"), None: ("#dddddd", "trade")}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "plot",
        help="draw a recording: depth by price and time, best prices, trades",
        description="Draw one market of a recording as a PNG: what rests by price and time, the best prices, the trades. "
        "Where the book was not LIVE, the picture is blank.",
        epilog="Exit codes: those of replay; 2 also where matplotlib is not installed.",
    )
    command.add_argument("tape", type=Path, metavar="TAPE", help="the recording")
    command.add_argument("--market", metavar="TICKER", help="which market (default: the one with the most changes)")
    command.add_argument("--out", type=Path, metavar="FILE.png", help="(default: named like the recording, here)")
    command.add_argument("--force", action="store_true", help="replace a file that is there")
    add_feed_arguments(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    out = arguments.out or Path(f"{arguments.tape.name.partition('.')[0]}.png")
    check(out, may_replace=arguments.force)
    survey = Survey()
    with open_replay(arguments) as tape:
        replay_to_end(tape, survey.take)
    heat = Heat(survey.frame(arguments.market), columns=COLUMNS)
    with open_replay(arguments) as tape:
        replay_to_end(tape, heat.take)
    heat.finish()
    picture = draw(heat)
    check(out, may_replace=arguments.force)
    write(out, picture)
    print(f"{out}: {heat.frame.market_ticker}")
    return report_problems(tape)


def check(out: Path, *, may_replace: bool) -> None:
    """Refuse what cannot be the name of the picture."""
    if out.suffix != ".png":
        raise UsageError(f"{out.name}: expected a name that ends in .png")
    if out.exists() and not may_replace:
        raise UsageError(f"{out.name}: there already: name another file, or allow it to be replaced")


def write(out: Path, picture: bytes) -> None:
    """Let the picture be there whole, or not at all."""
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        beside.write_bytes(picture)
        os.replace(beside, out)
    except OSError as error:
        raise TapeError(str(out), f"cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)


def draw(heat: Heat) -> bytes:
    """Draw the grid as a PNG, by the same style everywhere. Floats come in here, and go no further.

    Raises:
        MissingLibrary: matplotlib is not installed.
    """
    with needed("matplotlib.style", what="kalshi-book plot", extra="plot").context("default"):
        figure = needed("matplotlib.figure", what="kalshi-book plot", extra="plot").Figure(
            figsize=INCHES, dpi=DOTS_PER_INCH, layout="constrained"
        )
        axes = figure.subplots()
        draw_depth(figure, axes, heat)
        width, name = time_unit(heat)
        axes.set(xlim=(0, width), xlabel=name, ylabel="YES price in dollars", facecolor=NOTHING)
        axes.set_title(heat.frame.market_ticker, loc="left")
        axes.set_title("blank: the book was not LIVE", loc="right", fontsize="small", color="#666666")
        edges = [width * at / heat.columns for at in range(heat.columns + 1)]
        for prices, colour, label in ((heat.bids, BID, "best yes bid"), (heat.asks, ASK, "best yes ask")):
            heights = [nan if price_e4 is None else price_e4 / 10_000 for price_e4 in prices]
            axes.stairs(heights, edges, baseline=None, color=colour, label=label)
        draw_trades(axes, heat, edges)
        figure.legend(loc="outside lower center", ncols=5, fontsize="small", frameon=False)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", metadata={"Software": None})
    return drawn.getvalue()


def draw_depth(figure: Any, axes: Any, heat: Heat) -> None:
    """Draw what rests, a pixel a cell, and the scale beside it."""
    frame = heat.frame
    half = frame.step_e4 / 2
    low, high = (frame.low_e4 - half) / 10_000, (frame.high_e4 + half) / 10_000
    image = axes.imshow(
        pixels(heat), origin="lower", aspect="auto", interpolation="nearest", extent=(0, time_unit(heat)[0], low, high),
        cmap="inferno", norm="asinh", vmin=0,
    )  # fmt: skip
    figure.colorbar(image, ax=axes, pad=0.01, label=f"contracts resting, ${price_text(frame.step_e4)} a row")
    axes.set_ylim(low, high)


def pixels(heat: Heat) -> list[list[float]]:
    """Give the grid row by row, in contracts; blank is no number."""
    blank = [nan] * heat.frame.rows
    columns = [blank if column is None else [size_e2 / 100 for size_e2 in column] for column in heat.depth]
    return [list(row) for row in zip(*columns, strict=True)]


def draw_trades(axes: Any, heat: Heat, edges: list[float]) -> None:
    """Draw what was traded as dots, whose area tells how much, as far as such dots can be told apart."""
    largest = max(heat.trades.values(), default=1)
    for taker, (colour, label) in TAKERS.items():
        dots = [(key, count_e2) for key, count_e2 in heat.trades.items() if key[2] == taker]
        if dots:
            times = [(edges[column] + edges[column + 1]) / 2 for (column, _, _), _ in dots]
            prices = [price_e4 / 10_000 for (_, price_e4, _), _ in dots]
            areas = [2 + 60 * sqrt(count_e2 / largest) for _, count_e2 in dots]
            axes.scatter(times, prices, s=areas, color=colour, edgecolors="black", linewidths=0.3, label=label, zorder=3)


def time_unit(heat: Heat) -> tuple[float, str]:
    """Say how wide the picture is in the unit that suits, and what stands under it."""
    frame = heat.frame
    if frame.clock == "frames":
        return float(frame.end - frame.start), "frames (the recording has no times)"
    seconds = (frame.end - frame.start) / 1e9
    unit_s, unit = next((unit_s, unit) for least_s, unit_s, unit in SPANS if seconds >= least_s)
    began = datetime.fromtimestamp(frame.start // 1_000_000_000, timezone.utc)
    whose = "time of receipt" if frame.clock == "received" else "the exchange's time"
    return seconds / unit_s, f"{unit} from {began:%Y-%m-%d %H:%M:%S} UTC, {whose}"
