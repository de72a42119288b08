"""``kalshi-book``: arguments in, exit code out.

Exit codes: 0 all is well; 1 it was done, and something is wrong with what was found (lines skipped, a file cut or damaged,
a book STALE at the end, a drift); 2 the arguments are wrong; 3 a file cannot be opened; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from .. import IMPLEMENTATION, KalshiBookError, TapeError, __version__
from . import demo, drift, flow, plot, replay, sim
from .watch import command as watch

EXIT_OK, EXIT_FOUND, EXIT_USAGE, EXIT_NO_FILE, EXIT_INTERRUPTED = 0, 1, 2, 3, 130


def parser() -> argparse.ArgumentParser:
    """Make the parser of all commands."""
    top = argparse.ArgumentParser(prog="kalshi-book", description="Exact local order books for the Kalshi exchange.")
    top.add_argument("--version", action="version", version=f"kalshi-book {__version__} ({IMPLEMENTATION} core)")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (watch, replay, plot, flow, demo, drift, sim):
        command.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: without the program's name; None: those of the process.

    Returns:
        The exit code; see the top of this file.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed before we began
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # to the end of the process
    chosen = parser().parse_args(arguments)
    try:
        code = int(chosen.run(chosen))
        sys.stdout.flush()
        return code
    except TapeError as error:
        print(f"kalshi-book: {error}", file=sys.stderr)
        return EXIT_NO_FILE
    except KalshiBookError as error:
        print(f"kalshi-book: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
