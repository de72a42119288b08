"""``kalshi-book replay``: replay a recording, show how far it is, and print the books it ended in."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .._backend import IMPLEMENTATION, Level, Update
from ..book import OrderBook
from ..kinds import Effect, Kind, State
from ..tables.files import Files
from ..tape.digest import Digest
from ..tape.replay import Replay
from ..units import price_text, size_text

UPDATES_BETWEEN_SIGNS_OF_LIFE = 5_000
PROBLEMS_SHOWN = 10
WIDTH_FOR_ALL_COLUMNS = 118
WIDTH_ON_A_PIPE = 200


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "replay",
        help="replay a recording and print the books it ends in",
        description="Replay a recording (newline-delimited JSON, plain, .gz or .zst) and print the books it ends in.",
        epilog="Exit code 0: read whole, and no book is STALE; 1: lines were skipped, the file is cut or damaged, or a book "
        "is STALE at the end; 2: wrong arguments, or no pyarrow for --out; 3: a file cannot be opened or written.",
    )
    command.add_argument("tape", type=Path, metavar="TAPE", help="the recording")
    command.add_argument("--digest", action="store_true", help="print one JSON object of counts and hashes instead")
    out = command.add_argument_group("tables")
    out.add_argument(
        "--out", type=Path, metavar="FILE",
        help="write every level change, trade and change of a best price too: FILE.parquet becomes FILE.deltas.parquet, "
        "FILE.trades.parquet and FILE.quotes.parquet; .arrow, .feather and .csv do likewise. The files appear when they are "
        "whole, also where lines of the recording were skipped",
    )  # fmt: skip
    out.add_argument("--force", action="store_true", help="replace files that are there")
    add_feed_arguments(command)
    command.set_defaults(run=run)


def add_feed_arguments(command: argparse.ArgumentParser) -> None:
    """Add what a recording does not say of itself."""
    command.add_argument(
        "--filtered", action="store_true", help="frames of other markets were left out: missing numbers make nothing stale"
    )
    command.add_argument("--use-yes-price", action="store_true", help="NO-side prices are on the YES scale")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    digest = Digest() if arguments.digest else None
    with open_replay(arguments) as tape:
        with nullcontext() if arguments.out is None else Files(arguments.out, overwrite=arguments.force) as files:
            takers = [] if digest is None else [digest.add]
            replay_to_end(tape, *takers, *([] if files is None else [files.take]))
        if digest is None:
            print_ending(Output(), tape)
        else:
            print(json.dumps(digest.result()))
        if digest is None and files is not None:
            print(written(files))
    return report_problems(tape)


def open_replay(arguments: argparse.Namespace) -> Replay:
    """Open the recording that was asked for."""
    return Replay(arguments.tape, use_yes_price=arguments.use_yes_price, filtered=arguments.filtered)


def replay_to_end(tape: Replay, *takers: Callable[[Update], object]) -> None:
    """Replay a recording, give each update to all who take them, and show how far it is."""
    with progress_bar() as bar:
        task = bar.add_task(tape.path.name, total=tape.progress[1])
        for _ in in_pieces(tape, *takers):
            bar.update(task, completed=tape.progress[0])


def in_pieces(tape: Replay, *takers: Callable[[Update], object]) -> Iterator[None]:
    """Replay to the end, and stop for breath every few thousand updates."""
    before = -1
    while tape.lines != before:
        before = tape.lines
        piece = islice(tape, UPDATES_BETWEEN_SIGNS_OF_LIFE)
        if not takers:
            deque(piece, maxlen=0)
        for update in piece:
            for take in takers:
                take(update)
        yield


def written(files: Files) -> str:
    """Say what was written."""
    return "\n".join(f"{path}: {files.rows[table]:,} rows" for table, path in files.paths.items())


def progress_bar() -> Progress:
    """Make a bar on standard error: on a terminal only, and gone when it is done."""
    console = Console(stderr=True, markup=False, emoji=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


class Output(Console):
    """Standard output, as wide as its terminal; on a pipe, wide enough to cut nothing."""

    def __init__(self) -> None:
        super().__init__(highlight=False, markup=False, emoji=False)
        if not self.is_terminal:
            self.width = WIDTH_ON_A_PIPE

    def on_broken_pipe(self) -> None:
        """Let the program end as it sees fit."""
        raise BrokenPipeError


def print_ending(console: Console, tape: Replay) -> None:
    """Print what every replay ends with: the books, and what it met."""
    console.print(books_table(tape.books.values(), is_wide=console.width >= WIDTH_FOR_ALL_COLUMNS))
    console.print(summary(tape), soft_wrap=True)


def summary(tape: Replay) -> str:
    """Say in a few lines what a replay met."""
    counts = tape.feed.counts
    by_kind = Counter[str]()
    for (kind, _), frames in counts.items():
        by_kind[kind.value] += frames
    trouble = {
        effect.value: frames
        for effect in (Effect.GAP, Effect.HEALED, Effect.BACKWARDS, Effect.DUPLICATE, Effect.STALED)
        if (frames := sum(counts[kind, effect] for kind in Kind))
    }
    kinds = ", ".join(f"{frames:,} {kind}" for kind, frames in by_kind.most_common())
    lines = [f"{tape.path.name}: {counts.total():,} frames ({kinds or 'none'}), {IMPLEMENTATION} core"]
    if trouble or tape.feed.skipped:
        met = [f"{frames:,} {effect}" for effect, frames in trouble.items()]
        lines.append(", ".join([*met, f"{tape.feed.skipped:,} sequence numbers missing"]))
    return "\n".join(lines)


def books_table(books: Iterable[OrderBook], *, is_wide: bool) -> Table:
    """Show books as they are; a book that is not LIVE with what it last knew, and why."""
    table = Table(box=SIMPLE_HEAD)
    columns = ("market", "state", "yes bid", "yes ask", "yes levels", "no levels", "checksum")
    shown = len(columns) if is_wide else 4
    for name in columns[:shown]:
        is_text = name in ("market", "state", "checksum")
        table.add_column(name, justify="left" if is_text else "right", overflow="fold")
    for book in books:
        table.add_row(*book_row(book)[:shown], style=None if book.is_live else "dim")
    return table


def book_row(book: OrderBook) -> tuple[str, ...]:
    """Make one row of the table of books."""
    state = str(book.state).upper() if book.stale_reason is None else f"{str(book.state).upper()} ({book.stale_reason})"
    if not book._known():
        return book.market_ticker, state, "", "", "", "", ""
    known = book.last_known
    bid, ask = known.bbo()
    levels = known.depth()
    return (
        book.market_ticker, state, level_cell(bid), level_cell(ask), str(len(levels.bids)), str(len(levels.asks)),
        known.checksum(),
    )  # fmt: skip


def level_cell(level: Level | None) -> str:
    """Show a level, or that nobody is there."""
    return "-" if level is None else f"${price_text(level.price_e4)} x {size_text(level.size_e2)}"


def report_problems(tape: Replay) -> int:
    """Say on standard error what is wrong with a recording, and give the exit code."""
    for problem in tape.problems[:PROBLEMS_SHOWN]:
        print(f"{tape.path.name}: {problem}", file=sys.stderr)
    if tape.problem_count > PROBLEMS_SHOWN:
        print(f"{tape.path.name}: {tape.problem_count - PROBLEMS_SHOWN} more problems", file=sys.stderr)
    stale = [book.market_ticker for book in tape.books.values() if book.state is State.STALE]
    if stale:
        print(f"{tape.path.name}: STALE at the end: {', '.join(stale[:PROBLEMS_SHOWN])}", file=sys.stderr)
        if tape.feed.skipped:
            print("(a recording that leaves out frames of other markets is replayed with --filtered)", file=sys.stderr)
    return 1 if stale or tape.problem_count else 0
