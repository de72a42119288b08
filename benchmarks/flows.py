"""Frames to measure with: our seeded flow, or a recording; and the check that every way through them ends alike."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import kalshi_book as kb
from kalshi_book.sim.flow import Flow
from kalshi_book.sim.wire import SIDES
from kalshi_book.tape.replay import replay

from .truth import Truth
from .workers import Workload

ORDERBOOK = '"type":"orderbook_'
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
                raise WrongBooks(f"{self.name}: the {side} side of {ticker} is not what its maker holds")


def flow(*, seed: int, markets: int, deltas: int, name: str | None = None, skew: bool = False, **options: Any) -> Stream:
    """Make deltas; without ``skew`` they hit all markets alike, which is the hardest case for caches."""
    around = 1 + markets + (markets > 1)  # acknowledgement, snapshots, the `ok` for markets that are added
    source = Flow(seed=seed, markets=markets, frames=around + deltas, close=False, skew=skew, **options)
    frames = list(source)
    levels: Levels = {(ticker, side): source.levels(ticker, side) for ticker in source.tickers for side in SIDES}
    return Stream(name or f"{markets:,} markets", frames[:around], frames[around:], levels)


CENT = "busy cent market"
SUB_PENNY = "sub-penny market of 1,000 levels"
FLOWS: dict[str, dict[str, Any]] = {
    CENT: {"markets": 1},
    SUB_PENNY: {"markets": 1, "tick": "centi_cent", "levels": 500},
    "200 markets": {"markets": 200, "skew": True},
    "10,000 markets": {"markets": 10_000, "skew": True},
    "own orders": {"markets": 5, "skew": True, "own_per_mille": 100},
    "frames of January 2026": {"markets": 5, "skew": True, "era": "2026-01"},
}
"""What the contenders are compared on. With skew, half of the frames are of the busiest market."""


def recording(path: Path) -> Stream:
    """Read the book frames of a recording. Its other frames are left out, which a filtered feed takes as holes."""
    kinds, effects = (kb.Kind.SNAPSHOT, kb.Kind.DELTA), (kb.Effect.APPLIED, kb.Effect.HEALED)
    with replay(path, filtered=True) as tape:
        frames = [update.frame for update in tape if update.kind in kinds and update.effect in effects]
    levels: Levels = {
        (ticker, side): [(level.price_e4, level.size_e2) for level in reversed(book.last_known.bids(outcome_side=side))]
        for ticker, book in tape.books.items()
        for side in SIDES
        if book.state is not kb.State.NEW
    }
    return Stream(path.name, (), frames, levels, filtered=True)


def workload(stream: Stream) -> Workload:
    """Make what every contender can be given: text frames, counted anew on one sid.

    Only snapshots and deltas are left, so what a recording leaves out of its sequences, frames of other channels and whole
    reconnects, is nobody's gap. The first snapshot of each of its markets goes to the opening, since no delta of that market
    can be before it.

    Raises:
        WrongBooks: the plainest reading of the frames does not end in the books that their maker, or our feed, holds.
    """
    opening, frames = list(stream.opening), list(stream.frames)
    if not opening:
        opening, frames = first_snapshots_apart(frames)
    opening = [frame for frame in opening if ORDERBOOK in (frame if isinstance(frame, str) else frame.decode())]
    counted, truth = count_anew([*opening, *frames]), Truth()
    tops = [truth.take(frame) for frame in counted][len(opening) :]
    for (ticker, side), levels in (stream.levels or {}).items():
        if sorted(truth.books[ticker][side].items()) != levels:
            raise WrongBooks(f"{stream.name}: read plainly, the {side} side of {ticker} is not what its maker holds")
    return Workload(
        stream.name, "frames", counted[: len(opening)], counted[len(opening) :], [top for top in tops if top is not None]
    )


def first_snapshots_apart(frames: Sequence[bytes | str]) -> tuple[list[bytes | str], list[bytes | str]]:
    """Divide the frames of a recording into the first snapshot of each market, and the others."""
    first, others, seen = list[bytes | str](), list[bytes | str](), set[str]()
    for frame in frames:
        message = json.loads(frame)
        ticker = message["msg"]["market_ticker"]
        is_first = message["type"] == "orderbook_snapshot" and ticker not in seen
        seen.add(ticker)
        (first if is_first else others).append(frame)
    return first, others


def count_anew(frames: Sequence[bytes | str]) -> list[str]:
    """Give frames as text, all on sid 1, their seq counted from 1."""
    seq, counted = 0, []
    for frame in frames:
        text = frame.decode() if isinstance(frame, bytes) else frame
        seq += '"seq":' in text
        counted.append(re.sub(r'"sid":\d+', '"sid":1', re.sub(r'"seq":\d+', f'"seq":{seq}', text, count=1), count=1))
    return counted
