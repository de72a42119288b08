"""What a replay ended in, as hashes: two readers of one recording agree exactly when their digests do.

Levels are written on each outcome's own price scale, whatever the scale of the recording (feed rule F21).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any, TypedDict

from .._backend import Level, Update
from ..book import OrderBook
from ..errors import MalformedFrame
from ..kinds import Effect, Kind
from ..messages import Unknown
from ..readings import level_lines
from ..units import price_text, size_text

DEPTH_EVERY = 1_000
"""The whole touched book goes into ``depth_sha256`` after so many book frames."""


class DigestResult(TypedDict):
    """What ``Digest.result`` gives.

    Attributes:
        frames, types: how many frames, by message type.
        gaps, duplicates, falls: by sid: numbers skipped (times), the same number again, a lower number.
        quotes: how often any market's (best yes bid, best no bid) changed, counting from nothing.
        quotes_sha256: over one line per such change, ``TICKER yes_price yes_size no_price no_size``, "-" for a missing side.
        depth_sha256: over the levels of the touched book after every 1,000th book frame.
        books_sha256: over the levels of all books at the end, tickers sorted.
    """

    frames: int
    types: dict[str, int]
    gaps: int
    duplicates: int
    falls: int
    quotes: int
    quotes_sha256: str
    depth_sha256: str
    books_sha256: str


class Digest:
    """Takes every update of a replay, in order, and digests what happened. O(levels) for one frame in a thousand."""

    def __init__(self) -> None:
        self._types: Counter[str] = Counter()
        self._last_seq: dict[int, int] = {}
        self._sequence: Counter[str] = Counter()
        self._books: dict[str, OrderBook] = {}
        self._quotes: dict[str, str] = {}
        self._quote_changes = 0
        self._book_frames = 0
        self._quotes_hash = hashlib.sha256()
        self._depth_hash = hashlib.sha256()

    def add(self, update: Update) -> None:
        """Take one update."""
        self._types[wire_type(update)] += 1
        self._count(update.sid, update.seq)
        book = update.book
        if book is None or update.kind not in (Kind.SNAPSHOT, Kind.DELTA) or update.effect is Effect.DUPLICATE:
            return
        self._books[book.market_ticker] = book
        self._book_frames += 1
        if self._book_frames % DEPTH_EVERY == 0:
            self._depth_hash.update("".join(level_lines(book)).encode())
        if book.is_live and (update.top_changed or update.kind is Kind.SNAPSHOT):
            self._quote(book)

    def result(self) -> DigestResult:
        """Digest what came so far. O(levels of all books)."""
        books_hash = hashlib.sha256()
        for ticker in sorted(self._books):
            books_hash.update("".join(level_lines(self._books[ticker])).encode())
        return DigestResult(
            frames=self._types.total(),
            types=dict(self._types),
            gaps=self._sequence["gaps"],
            duplicates=self._sequence["duplicates"],
            falls=self._sequence["falls"],
            quotes=self._quote_changes,
            quotes_sha256=self._quotes_hash.hexdigest(),
            depth_sha256=self._depth_hash.hexdigest(),
            books_sha256=books_hash.hexdigest(),
        )

    def _count(self, sid: int | None, seq: int | None) -> None:
        """Count what the numbers themselves say: the feed may also know better (a ``subscribed`` in between, say)."""
        if sid is None or seq is None:
            return
        last = self._last_seq.get(sid)
        self._last_seq[sid] = seq
        if last is not None and seq != last + 1:
            self._sequence["gaps" if seq > last else "duplicates" if seq == last else "falls"] += 1

    def _quote(self, book: OrderBook) -> None:
        quote = f"{_best_text(book.best_yes_bid())} {_best_text(book.best_no_bid())}"
        if self._quotes.get(book.market_ticker) != quote:
            self._quotes[book.market_ticker] = quote
            self._quote_changes += 1
            self._quotes_hash.update(f"{book.market_ticker} {quote}\n".encode())


_WIRE_TYPES = {Kind.SNAPSHOT: "orderbook_snapshot", Kind.DELTA: "orderbook_delta"}


def wire_type(update: Update) -> str:
    """Give the type of a frame as it stands on the wire, or ``"malformed"`` where it cannot be read."""
    if update.kind in _WIRE_TYPES:
        return _WIRE_TYPES[update.kind]
    if isinstance(update.error, MalformedFrame):
        return update.error.type or "malformed"
    message: Any = update.message
    return message.type if isinstance(message, Unknown) else str(message.__struct_config__.tag)


def _best_text(level: Level | None) -> str:
    return "- -" if level is None else f"{price_text(level.price_e4)} {size_text(level.size_e2)}"
