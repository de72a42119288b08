"""``kalshi-book flow``: write a recording that the seeded flow makes."""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path
from typing import get_args

from ..errors import TapeError, UsageError
from ..sim.flow import Flow
from ..sim.market import Tick
from ..sim.wire import Era


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "flow",
        help="write a recording of made-up but realistic frames",
        description="Write a recording of made-up frames with the statistics of the real feed. The same arguments give the "
        "same bytes.",
    )
    command.add_argument("out", type=Path, metavar="OUT", help="the file to write: .ndjson, or .gz for gzip")
    command.add_argument("--frames", type=int, default=20_000, help="how many frames in all (default: 20000)")
    command.add_argument("--markets", type=int, default=5, help="how many markets (default: 5)")
    command.add_argument("--seed", type=int, default=1, help="decides everything else (default: 1)")
    command.add_argument("--levels", type=int, default=40, help="usual levels a side (default: 40)")
    command.add_argument("--tick", choices=get_args(Tick), default="cent", help="the price grid (default: cent)")
    command.add_argument(
        "--era", choices=get_args(Era), default="current", help="the shape of the frames (default: current)"
    )
    command.add_argument("--own-per-mille", type=int, default=0, help="how many of 1,000 changes are your own (default: 0)")
    command.add_argument("--even", action="store_true", help="all markets equally busy, instead of one that has half of all")
    command.add_argument("--open-end", action="store_true", help="do not close the markets at the end")
    command.add_argument("--use-yes-price", action="store_true", help="NO-side prices on the YES scale")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    try:
        flow = Flow(
            seed=arguments.seed,
            markets=arguments.markets,
            era=arguments.era,
            tick=arguments.tick,
            levels=arguments.levels,
            own_per_mille=arguments.own_per_mille,
            skew=not arguments.even,
            frames=arguments.frames,
            close=not arguments.open_end,
            use_yes_price=arguments.use_yes_price,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        with open(arguments.out, "wb") as file:
            if arguments.out.suffix == ".gz":
                # No time and no name in the header: the same arguments give the same file.
                with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed:
                    compressed.writelines(flow)
            else:
                file.writelines(flow)
    except OSError as error:
        raise TapeError(str(arguments.out), f"cannot be written: {error.strerror or error}") from error
    return 0
