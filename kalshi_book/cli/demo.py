"""``kalshi-book demo``: the sample recording as a moving ladder, then its books. A still picture on a pipe."""

from __future__ import annotations

import argparse
import time
from collections import deque
from itertools import islice

from rich.console import Console
from rich.live import Live
from rich.text import Text

from .. import SAMPLE_TAPE
from ..book import OrderBook
from ..display import ladder
from ..tape.replay import Replay
from .replay import Output, print_ending, report_problems

PICTURES_PER_SECOND = 20
LEVELS_SHOWN = 8


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "demo",
        help="replay the sample recording as a moving ladder",
        description="Replay the sample recording that comes with the package: a moving ladder of its busiest market, then "
        "the books it ends in. On a pipe the ladder stands still.",
    )
    command.add_argument("--seconds", type=int, default=12, help="how long the ladder moves (default: 12)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    console = Output()
    with Replay(SAMPLE_TAPE) as rehearsal:
        frames = sum(1 for _ in rehearsal)
    with Replay(SAMPLE_TAPE) as tape:
        book = next(update.book for update in tape if update.book is not None)
        if console.is_terminal:
            move(console, tape, book, pictures=max(1, arguments.seconds * PICTURES_PER_SECOND), frames=frames)
        else:
            deque(tape, maxlen=0)
            console.print(picture(book))
        print_ending(console, tape)
    return report_problems(tape)


def move(console: Console, tape: Replay, book: OrderBook, *, pictures: int, frames: int) -> None:
    """Draw a book again and again while its recording is replayed."""
    with Live(picture(book), console=console, auto_refresh=False) as live:
        while deque(islice(tape, -(-frames // pictures)), maxlen=1):
            live.update(picture(book), refresh=True)
            time.sleep(1 / PICTURES_PER_SECOND)


def picture(book: OrderBook) -> Text:
    """Draw a book as it stands now."""
    return Text(f"{ladder(book.last_known, LEVELS_SHOWN)}\n      {str(book.state).upper()}, seq {book.seq}\n")
