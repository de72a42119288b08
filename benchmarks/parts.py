"""The parts of the benchmark by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import (
    book_alone,
    bytes_to_book,
    callgrind,
    client,
    field,
    files,
    flows,
    growth,
    memory,
    plain,
    session,
    simulator,
    start,
    tails,
)
from .report import Row, Table

Found = Iterator["Row | Table"]


@dataclass(frozen=True)
class Options:
    """What every part is told."""

    seed: int = 1
    quick: bool = False
    tape: flows.Stream | None = None


PARTS: dict[str, tuple[str, Callable[[Options], Found]]] = {
    "decode": ("ours beside the bare decode, and what both bests add", lambda o: bytes_to_book.rows(**vars(o))),
    "field": ("bytes to book, all contenders", lambda o: field.frames(**vars(o))),
    "snapshots": ("a snapshot beside its bare decode", lambda o: bytes_to_book.snapshot_rows(quick=o.quick)),
    "books": ("one book alone, all contenders", lambda o: field.books(seed=o.seed, quick=o.quick)),
    "calls": (
        "one change and one read beside calls that do nothing",
        lambda o: book_alone.call_rows(seed=o.seed, quick=o.quick),
    ),
    "reads": ("reads and loads of one book, all contenders", lambda o: field.reads(quick=o.quick)),
    "levels": ("time against levels", lambda o: growth.levels(seed=o.seed, quick=o.quick)),
    "markets": ("time against markets", lambda o: growth.markets(seed=o.seed, quick=o.quick)),
    "churn": ("a day of markets that come and go", lambda o: growth.churn(quick=o.quick)),
    "memory": ("memory of books", lambda o: memory.rows(quick=o.quick)),
    "tails": ("latency of single frames", lambda o: tails.rows(**vars(o))),
    "files": ("replay of files", lambda o: files.rows(seed=o.seed, quick=o.quick)),
    "sessions": ("10,000 markets subscribed and healed", lambda o: session.rows(quick=o.quick)),
    "simulator": ("the simulated exchange on a socket", lambda o: simulator.rows(seed=o.seed, quick=o.quick)),
    "client": ("the live client on a socket", lambda o: client.rows(seed=o.seed, quick=o.quick)),
    "plain": ("reading a book from another thread", lambda o: plain.rows(seed=o.seed, quick=o.quick)),
    "start": ("import and wheel", lambda o: start.rows(quick=o.quick)),
    "callgrind": ("instructions of our own paths", lambda o: callgrind.rows(seed=o.seed, quick=o.quick)),
}
"""Name, what it measures, and how it is run. On a recording only those of ``OF_TAPES`` run."""

OF_TAPES = ("decode", "field", "tails")
