"""Frames to measure with: our seeded flow, or a recording; and the check that every way through them ends alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import kalshi_book as kb
from kalshi_book.sim.flow import Flow
from kalshi_book.sim.wire import SIDES
from kalshi_book.tape.replay import replay

Levels = dict[tuple[str, str], list[tuple[int, int]]]


class WrongBooks(Exception):
    """Two ways through the same frames did not end in the same books: no time is worth printing."""


@dataclass(frozen=True)
class Stream:
    """Frames of one connection: ``opening`` makes the books and is not timed, ``frames`` are today's deltas and snapshots.

    ``levels`` is what the books must hold in the end, where somebody other than the feed knows.
    """

    name: str
    opening: Sequence[bytes | str]
    frames: Sequence[bytes | str]
    levels: Levels | None = None
    filtered: bool = False

    def feed(self) -> kb.Feed:
        """Give a new feed that has taken in the opening."""
        feed = kb.Feed(filtered=self.filtered)
        for frame in self.opening:
            feed.receive(frame)
        return feed

    @cached_property
    def fast_frames(self) -> int:
        """How many of the timed frames take the short path; all others go through the law in Python."""
        feed = self.feed()
        before = feed._fast_frames
        for frame in self.frames:
            feed.receive(frame)
        return feed._fast_frames - before

    def check(self) -> None:
        """Make sure that the feed, and the feed with its short path switched off, end in the right books.

        Raises:
            WrongBooks: they do not.
        """
        fast, law = self.feed(), self.feed()
        for frame in self.frames:
            fast.receive(frame)
            law._receive_other(frame, None)
        for ticker, book in fast.books.items():
            book.check()
            other = law.books[ticker]
            if (book.state, book.last_known.checksum()) != (other.state, other.last_known.checksum()):
                raise WrongBooks(f"{self.name}: {ticker} differs between the short path and the law")
        for (ticker, side), levels in (self.levels or {}).items():
            bids = fast.books[ticker].bids(outcome_side="yes" if side == "yes" else "no")
            if [(level.price_e4, level.size_e2) for level in reversed(bids)] != levels:
                raise WrongBooks(f"{self.name}: the {side} side of {ticker} is not what the flow made")


def flow(*, seed: int, markets: int, deltas: int) -> Stream:
    """Make deltas that hit all of ``markets`` alike: the hardest case for caches."""
    around = 1 + markets + (markets > 1)  # acknowledgement, snapshots, the `ok` for markets that are added
    source = Flow(seed=seed, markets=markets, frames=around + deltas, close=False, skew=False)
    frames = list(source)
    levels: Levels = {(ticker, side): source.levels(ticker, side) for ticker in source.tickers for side in SIDES}
    return Stream(f"{markets:,} markets", frames[:around], frames[around:], levels)


def recording(path: Path) -> Stream:
    """Read the book frames of a recording. Its other frames are left out, which a filtered feed takes as holes."""
    with replay(path, filtered=True) as tape:
        frames = [update.frame for update in tape if update.kind in (kb.Kind.SNAPSHOT, kb.Kind.DELTA)]
    return Stream(path.name, (), frames, filtered=True)
