"""``kalshi-book watch``: a live ladder in the terminal, of an exchange or of a recording; lines on a pipe."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ...errors import UsageError
from ..replay import add_feed_arguments

TAPE_SUFFIXES = (".ndjson", ".jsonl", ".json", ".gz", ".zst")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "watch",
        help="watch books move: a live ladder in the terminal, lines on a pipe",
        description="Show the books of markets as moving ladders: both outcomes, own size, last changes and trades, how old "
        "the truth is. Keys are told by ?. On a pipe, or where the terminal is dumb, each change of a best price, each "
        "trade, and each change of how a book stands is a line. The key is taken from the environment: KALSHI_API_KEY_ID "
        "and KALSHI_PRIVATE_KEY_PATH; --env sim needs none.",
        epilog="Exit code 0: left by q, or read to the end; 1: of a recording on a pipe, as replay; 2: wrong arguments, no "
        "key, or the exchange refuses it; 3: the recording cannot be opened; 130: interrupted.",
    )
    command.add_argument(
        "what", nargs="*", metavar="TICKER",
        help="markets; or the file of a recording, and then those of its markets that are to be shown, if not all",
    )  # fmt: skip
    command.add_argument(
        "--env", choices=("prod", "demo", "sim"),
        help="which exchange (default: what KALSHI_ENV says); sim is a simulated one, and shows all its markets",
    )  # fmt: skip
    command.add_argument("--url", metavar="URL", help="instead of it: a url, such as that of kalshi-book sim")
    command.add_argument("--lines", action="store_true", help="print lines on a terminal, too")
    command.add_argument("--speed", type=float, metavar="X", help="how much faster than recorded (default: 1)")
    add_feed_arguments(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from . import running  # it loads the client, and with that a network library

    arguments.what = list(dict.fromkeys(arguments.what))  # a market that is named twice is one
    tape = tape_of(arguments.what)
    is_screen = is_a_screen() and not arguments.lines
    if tape is None:
        if arguments.speed is not None or arguments.filtered or arguments.use_yes_price:
            raise UsageError("--speed, --filtered and --use-yes-price are of a recording: name one")
        return running.watch_live(arguments.what, env=arguments.env, url=arguments.url, is_screen=is_screen)
    if arguments.env is not None or arguments.url is not None:
        raise UsageError(f"--env and --url are of an exchange, and {tape.name} is a recording")
    arguments.tape, market_tickers = tape, arguments.what[1:]
    if is_screen:
        return running.watch_tape(arguments, market_tickers)
    if arguments.speed is not None:
        raise UsageError("--speed is of the moving picture: lines come as fast as they are read")
    return running.tape_lines(arguments, market_tickers)


def is_a_screen() -> bool:
    """Tell whether there is a terminal that can show pictures, which are drawn on standard error, and be typed on."""
    streams = (sys.stdin, sys.stdout, sys.stderr)  # None: it was closed before we began
    is_terminal = all(each is not None and each.isatty() for each in streams)
    return is_terminal and os.environ.get("TERM") not in ("dumb", "unknown")


def tape_of(what: Sequence[str]) -> Path | None:
    """Tell whether the first of what is to be watched is a recording: a file, or what could be nothing else."""
    if not what:
        return None
    first = Path(what[0])
    is_tape = first.is_file() or first.suffix.lower() in TAPE_SUFFIXES or len(first.parts) > 1
    return first if is_tape else None
