"""Replay of a recording through the same feed as live.

Most lines are today's deltas, so they go from the file to the compiled core through ``map`` alone, without a line of
Python for each; only a frame that the core hands to the law passes through here, and there what is no frame is
sorted out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, NoReturn

from .._backend import Update
from ..errors import UsageError
from ..feed import Books, Feed
from ..kinds import Kind
from .formats import Line, NotAFrame, lines_of, open_tape, unwrap

__all__ = ["Replay", "TapeProblem", "replay"]

MAX_PROBLEMS_KEPT = 100


class TapeProblem(NamedTuple):
    """A line of a recording that could not be used.

    Attributes:
        line: its number, from 1.
        reason: what was expected and what was found.
    """

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class _TapeFeed(Feed):
    """A feed that gets lines of a recording, not all of which are bare frames."""

    def __init__(self, *, use_yes_price: bool, filtered: bool) -> None:
        super().__init__(use_yes_price=use_yes_price, filtered=filtered)
        self.problems: list[TapeProblem] = []
        self.problem_count = 0
        self._lines_without_frame = 0
        self._is_unwrapped = False
        self.source: Iterator[bytes] = iter(())

    @property
    def lines(self) -> int:
        """How many lines came so far."""
        return self._fast_frames + self._counts.total() + self._lines_without_frame

    def report(self, line: int, reason: str) -> None:
        """Note a line that could not be used."""
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS_KEPT:
            self.problems.append(TapeProblem(line, reason))

    def _receive_other(self, frame: bytes | str, received_ns: int | None) -> Update:
        if not self._is_unwrapped:
            found = self._find_frame(frame)
            if found.frame is not frame:
                return self._receive_unwrapped(found)
        line = self.lines + 1
        update = super()._receive_other(frame, received_ns)
        if update.kind is Kind.MALFORMED:
            self.report(line, str(update.error))
        return update

    def _find_frame(self, line: bytes | str) -> Line:
        """Find the frame in a line, or in the next line that has one.

        Raises:
            StopIteration: there is none to the end of the recording; it ends the ``map`` that called.
        """
        while True:
            if not line.isspace():
                try:
                    found = unwrap(line)
                except NotAFrame as error:
                    self.report(self.lines + 1, str(error))
                else:
                    if found.oddity is not None:
                        self.report(self.lines + 1, found.oddity)
                    return found
            self._lines_without_frame += 1
            line = next(self.source)

    def _receive_unwrapped(self, found: Line) -> Update:
        self._is_unwrapped = True
        try:
            return self.receive(found.frame, received_ns=found.received_ns)
        finally:
            self._is_unwrapped = False


class Replay:
    """A recording being replayed: a context manager, and an iterator of updates. Constant memory, one pass.

    Attributes:
        path: the file.
    """

    def __init__(self, path: str | os.PathLike[str], *, use_yes_price: bool = False, filtered: bool = False) -> None:
        self.path = Path(path)
        self._feed = _TapeFeed(use_yes_price=use_yes_price, filtered=filtered)
        self._damage: list[str] = []
        self._tape = open_tape(self.path)
        self._bytes_total = os.fstat(self._tape.file.fileno()).st_size
        is_plain = self._tape.stream is self._tape.file
        self._feed.source = iter(self._tape.stream) if is_plain else lines_of(self._tape, self._damage)
        self._updates: Iterator[Update] = map(self._feed.receive, self._feed.source)

    @property
    def feed(self) -> Feed:
        """The feed that the frames go through."""
        return self._feed

    @property
    def books(self) -> Books:
        """The books, by market ticker, as far as the replay has come."""
        return self._feed.books

    @property
    def lines(self) -> int:
        """How many lines were read so far."""
        return self._feed.lines

    @property
    def problems(self) -> list[TapeProblem]:
        """Lines that could not be used, and where the file is cut or damaged: the first hundred, by number."""
        return self._feed.problems + [TapeProblem(self.lines + 1, reason) for reason in self._damage]

    @property
    def problem_count(self) -> int:
        """How many problems there were, also those that ``problems`` does not keep."""
        return self._feed.problem_count + len(self._damage)

    @property
    def progress(self) -> tuple[int, int]:
        """How many bytes of the file were read, and how many it has."""
        return (self._bytes_total if self._tape.file.closed else self._tape.file.tell()), self._bytes_total

    def close(self) -> None:
        """Close the file. The books stay."""
        self._tape.stream.close()
        self._tape.file.close()
        self._updates = map(self._refuse, repeat(None))

    def _refuse(self, _: None) -> NoReturn:
        raise UsageError(f"{self.path} is closed: read its updates before close, or inside its with block")

    def __iter__(self) -> Iterator[Update]:
        return self._updates

    def __next__(self) -> Update:
        return next(self._updates)

    def __enter__(self) -> Replay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Replay {self.path.name}: {self.lines} lines read, {self.problem_count} problems, {len(self.books)} books>"


def replay(path: str | os.PathLike[str], *, use_yes_price: bool = False, filtered: bool = False) -> Replay:
    """Replay a recording through a feed of its own.

    Each frame gives one update, a malformed one too. A line that holds no frame (a torn last line, say) gives none: it is
    in ``problems`` with its number.

    Args:
        path: newline-delimited JSON, plain or compressed with gzip or Zstandard; bare frames, or frames wrapped with a
            receive time.
        use_yes_price: whether NO-side prices of the recording are on the YES scale.
        filtered: whether frames of other markets were left out of it: holes in the numbers make nothing stale.

    Raises:
        TapeError: the file cannot be opened.

    >>> import kalshi_book as kb
    >>> with kb.replay(kb.SAMPLE_TAPE) as tape:
    ...     own = sum(update.own for update in tape)
    >>> len(tape.books), own > 0, tape.problems
    (5, True, [])
    """
    return Replay(path, use_yes_price=use_yes_price, filtered=filtered)
