"""The order book of one perpetual: bids and asks as they are, no yes and no.

Plain Python on ``SortedDict``; the compiled core keeps event markets only. Read it like an ``OrderBook``: it answers only
while it is LIVE, and ``last_known`` answers from the first snapshot on. Nothing here keeps a sequence: whoever reads the
perpetuals' connection checks ``seq`` and calls ``mark_stale`` on a gap.

Source: the exchange's perps AsyncAPI text, read 2026-10-26: no complement, no price scale to choose, prices in steps of
$0.0001 that $1 does not bound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING

from sortedcontainers import SortedDict

from . import units
from ._backend import Level
from .errors import BookNotLive, Contradiction, UsageError
from .kinds import StaleReason, State
from .messages.perps import BookSide, PerpsDelta, PerpsSnapshot
from .readings import Depth

__all__ = ["LastKnownPerps", "PerpsBook"]


class _Readings:
    """What can be asked of a book. Each answer is of one moment, also across threads."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def _book(self) -> PerpsBook:
            """The book that is read."""

        @property
        def _live(self) -> bool:
            """Whether it must be LIVE; otherwise it must have had a snapshot."""

    def best_bid(self) -> Level | None:
        """Give the highest price at which somebody buys, with its size; None: nobody."""
        return self.bbo()[0]

    def best_ask(self) -> Level | None:
        """Give the lowest price at which somebody sells, with its size; None: nobody."""
        return self.bbo()[1]

    def best_bid_e4(self) -> int | None:
        """Give the price of ``best_bid`` in $0.0001, or None."""
        return None if (level := self.best_bid()) is None else level.price_e4

    def best_ask_e4(self) -> int | None:
        """Give the price of ``best_ask`` in $0.0001, or None."""
        return None if (level := self.best_ask()) is None else level.price_e4

    def bbo(self) -> tuple[Level | None, Level | None]:
        """Give the best bid and the best ask.

        Raises:
            BookNotLive: the book cannot know now.
        """
        bids, asks = self.depth(1)
        return next(iter(bids), None), next(iter(asks), None)

    def bids(self, n: int | None = None) -> list[Level]:
        """Give the best n bids, highest price first; None: all. O(n)."""
        return self.depth(n).bids

    def asks(self, n: int | None = None) -> list[Level]:
        """Give the best n asks, lowest price first; None: all. O(n)."""
        return self.depth(n).asks

    def depth(self, n: int | None = None) -> Depth:
        """Give the best n levels of both sides, best first. O(n).

        Args:
            n: how many levels a side at most; None: all.

        Raises:
            BookNotLive: the book cannot know now.
        """
        return self._book._depth(units.count_argument(n), self._live)

    def size_at(self, price: Decimal | str | None = None, *, book_side: BookSide, price_e4: int | None = None) -> Decimal:
        """Give the contracts that rest at one price; 0 where none do.

        Args:
            price: dollars, as Decimal or text; or instead:
            price_e4: units of $0.0001.
            book_side: ``"bid"`` or ``"ask"``.

        Raises:
            BookNotLive: the book cannot know now.
            TypeError: not exactly one price, a float, or a bare int.
            UsageError: no price of $0.0001 to $214,748.3647.
        """
        at = units.price_argument(price, price_e4=price_e4, max_price_e4=units.MAX_PERPS_PRICE_E4)
        return units.size_decimal(self._book._size_at(book_side, at, self._live))

    @property
    def spread(self) -> Decimal | None:
        """Best ask less best bid in dollars; None unless both sides stand."""
        bid, ask = self.bbo()
        return None if bid is None or ask is None else units.price_decimal(ask.price_e4 - bid.price_e4)

    @property
    def mid(self) -> Decimal | None:
        """Half-way between best bid and best ask in dollars, exact to $0.00005; None unless both sides stand."""
        bid, ask = self.bbo()
        return None if bid is None or ask is None else Decimal(units.mid_text(bid.price_e4, ask.price_e4))

    def checksum(self) -> str:
        r"""Give 16 hex digits that anyone can recompute from the levels. O(levels).

        They are the first 8 bytes of SHA-256 over one line a level, ``"TICKER side price size\n"``: bid then ask, prices
        ascending with 4 decimals, sizes with 2.
        """
        bids, asks = self.depth()
        lines = [*self._lines("bid", reversed(bids)), *self._lines("ask", asks)]
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]

    def _lines(self, book_side: BookSide, levels: Iterable[Level]) -> Iterator[str]:
        for level in levels:
            price, size = units.price_text(level.price_e4), units.size_text(level.size_e2)
            yield f"{self._book.market_ticker} {book_side} {price} {size}\n"

    def _text(self) -> str:
        book = self._book
        reason = "" if book.stale_reason is None else f" ({book.stale_reason})"
        top = "no snapshot yet"
        if book._is_known:
            top = " / ".join("-" if level is None else repr(level)[6:-1] for level in book.last_known.bbo())
        return f"<{type(self).__name__} {book.market_ticker} {str(book.state).upper()}{reason} seq={book.seq} {top}>"


class PerpsBook(_Readings):
    """The order book of one perpetual.

    Args:
        market_ticker: the perpetual.

    >>> import kalshi_book as kb
    >>> book = kb.PerpsBook("KXDEMOPERP")
    >>> book.apply(kb.decode('{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"KXDEMOPERP",'
    ...                      '"bid":[["6.4100","120.00"]],"ask":[["6.4300","40.00"]]}}', venue="perps"))
    >>> book.bbo()
    (Level($6.4100 x 120.00), Level($6.4300 x 40.00))
    >>> book.change(book_side="ask", price_e4=64200, delta_e2=755)
    755
    >>> book.spread, book.mid
    (Decimal('0.0100'), Decimal('6.4150'))
    """

    __slots__ = (
        "_asks",
        "_bids",
        "_is_known",
        "_lock",
        "_market_ticker",
        "_seq",
        "_sid",
        "_stale_reason",
        "_state",
        "_ts_ms",
    )

    _live = True

    def __init__(self, market_ticker: str) -> None:
        if not isinstance(market_ticker, str):
            raise TypeError(f"market_ticker must be str, not {type(market_ticker).__name__}")
        self._market_ticker = market_ticker
        self._bids: SortedDict[int, int] = SortedDict()
        self._asks: SortedDict[int, int] = SortedDict()
        self._is_known = False
        self._state = State.NEW
        self._sid: int | None = None
        self._seq: int | None = None
        self._ts_ms: int | None = None
        self._stale_reason: str | None = None
        self._lock = RLock()  # a reader in another thread never finds a change half made

    @property
    def _book(self) -> PerpsBook:
        return self

    @property
    def market_ticker(self) -> str:
        """The perpetual."""
        return self._market_ticker

    @property
    def state(self) -> State:
        """How the book stands."""
        return self._state

    @property
    def is_live(self) -> bool:
        """Whether the book is exact."""
        return self._state is State.LIVE

    @property
    def stale_reason(self) -> str | None:
        """Why it is not LIVE, or None."""
        return self._stale_reason

    @property
    def sid(self) -> int | None:
        """The subscription of the last message that it took in, or None."""
        return self._sid

    @property
    def seq(self) -> int | None:
        """Sequence number of the last message that it took in, or None."""
        return self._seq

    @property
    def ts_ms(self) -> int | None:
        """The exchange's time of that message where it was a delta, unix milliseconds, or None."""
        return self._ts_ms

    @property
    def last_known(self) -> LastKnownPerps:
        """A read-only view of the same book that answers in any state after the first snapshot."""
        return LastKnownPerps(self)

    def apply(self, message: PerpsSnapshot | PerpsDelta) -> None:
        """Apply one decoded message. No sequence is checked.

        Args:
            message: a snapshot or delta of this perpetual, from ``decode``.

        Raises:
            BookNotLive: a delta, and the book is not LIVE. Nothing was changed.
            MalformedFrame: a level or number that is not exactly readable. Nothing was changed.
            Contradiction: the message cannot be right, or crosses the book. The book is STALE until its next snapshot.
            UsageError: a message of another market. Nothing was changed.
        """
        if not isinstance(message, (PerpsSnapshot, PerpsDelta)):
            raise TypeError(f"message must be PerpsSnapshot or PerpsDelta, not {type(message).__name__}")
        if message.market_ticker != self._market_ticker:
            raise UsageError(f"a message of {message.market_ticker} does not belong to the book of {self._market_ticker}")
        if isinstance(message, PerpsDelta):
            price_e4, delta_e2 = message.price_e4, message.delta_e2
            with self._lock:
                self._require(True)
                try:
                    self._change(message.book_side, price_e4, delta_e2)
                except Contradiction as error:
                    if error.stale_reason == StaleReason.CROSSED:
                        self._stamp(message, message.ts_ms)
                    raise
                self._stamp(message, message.ts_ms)
        else:
            self._replace(message)

    def change(self, *, book_side: BookSide, price_e4: int, delta_e2: int) -> int:
        """Change the size of one level by hand.

        Args:
            book_side: ``"bid"`` or ``"ask"``.
            price_e4: the level in $0.0001.
            delta_e2: what is added, or taken where negative, in 0.01 contract.

        Returns:
            What rests there now, in 0.01 contract.

        Raises:
            BookNotLive: the book is not LIVE. Nothing was changed.
            Contradiction: it cannot be right, or crosses the book. The book is STALE until its next snapshot.
            UsageError, TypeError: another side, or no numbers. Nothing was changed.
        """
        for name, number in (("price_e4", price_e4), ("delta_e2", delta_e2)):
            if type(number) is not int:
                raise TypeError(f"{name} must be int, not {type(number).__name__}")
        self._side(book_side)
        with self._lock:
            self._require(True)
            return self._change(book_side, price_e4, delta_e2)

    def mark_stale(self, reason: str) -> None:
        """Note that the book cannot be trusted from here on: a gap in ``seq``, a lost connection. A snapshot heals it.

        Args:
            reason: a word that becomes ``stale_reason``, such as ``"gap"``.
        """
        with self._lock:
            self._state, self._stale_reason = State.STALE, reason

    def check(self) -> None:
        """Make sure that every invariant of the book holds: for tests, and for doubts. O(levels).

        Raises:
            AssertionError: one does not. It is a mistake of this package, never of the exchange: please report it.
        """
        faults = []
        for name, side in (("bid", self._bids), ("ask", self._asks)):
            if list(side) != sorted(set(side)) or any(size <= 0 for size in side.values()):
                faults.append(f"the {name} ladder is out of order or holds a size of 0 or less")
            if not all(units.MIN_PRICE_E4 <= price <= units.MAX_PERPS_PRICE_E4 for price in side):
                faults.append(f"the {name} ladder holds a price outside 1 to {units.MAX_PERPS_PRICE_E4}")
        if self.is_live and self._is_crossed():
            faults.append("a LIVE book is crossed")
        if faults:
            raise AssertionError(f"{self!r}: {'; '.join(faults)}")

    def __repr__(self) -> str:
        return self._text()

    def _side(self, book_side: str) -> SortedDict[int, int]:
        if book_side == "bid":
            return self._bids
        if book_side == "ask":
            return self._asks
        if not isinstance(book_side, str):
            raise TypeError(f'book_side must be "bid" or "ask", not {type(book_side).__name__}')
        raise UsageError(f'book_side must be "bid" or "ask", not {units.shown(book_side)}')

    def _require(self, live: bool) -> None:
        if self._state is not State.LIVE and (live or not self._is_known):
            raise BookNotLive(
                market_ticker=self._market_ticker, state=self._state, stale_reason=self._stale_reason, seq=self._seq
            )

    def _depth(self, n: int, live: bool) -> Depth:
        with self._lock:
            self._require(live)
            bids = [Level(price_e4=price, size_e2=self._bids[price]) for price in islice(reversed(self._bids), n)]
            asks = [Level(price_e4=price, size_e2=self._asks[price]) for price in islice(self._asks, n)]
            return Depth(bids, asks)

    def _size_at(self, book_side: BookSide, price_e4: int, live: bool) -> int:
        side = self._side(book_side)
        with self._lock:
            self._require(live)
            return int(side.get(price_e4, 0))

    def _change(self, book_side: BookSide, price_e4: int, delta_e2: int) -> int:
        side = self._side(book_side)
        rests = side.get(price_e4, 0)
        size = rests + delta_e2
        if not units.MIN_PRICE_E4 <= price_e4 <= units.MAX_PERPS_PRICE_E4 or not 0 <= size <= units.INT64_MAX:
            raise self._contradiction(StaleReason.CONTRADICTION, book_side, price_e4, delta_e2, rests)
        if size:
            side[price_e4] = size
        else:
            side.pop(price_e4, None)
        if self._is_crossed():
            raise self._contradiction(StaleReason.CROSSED, book_side, price_e4, delta_e2, size)
        return size

    def _contradiction(
        self, reason: StaleReason, book_side: BookSide, price_e4: int, delta_e2: int, size_e2: int
    ) -> Contradiction:
        self.mark_stale(reason)
        return Contradiction(
            market_ticker=self._market_ticker,
            stale_reason=reason,
            price_e4=price_e4,
            delta_e2=delta_e2,
            size_e2=size_e2,
            book_side=book_side,
            is_perps=True,
        )

    def _replace(self, message: PerpsSnapshot) -> None:
        bids, asks = SortedDict(message.levels("bid")), SortedDict(message.levels("ask"))
        with self._lock:
            self._bids, self._asks, self._is_known = bids, asks, True
            self._stamp(message, None)
            if self._is_crossed():
                self.mark_stale(StaleReason.CROSSED)
                raise Contradiction(market_ticker=self._market_ticker, stale_reason=StaleReason.CROSSED, is_perps=True)
            self._state, self._stale_reason = State.LIVE, None

    def _stamp(self, message: PerpsSnapshot | PerpsDelta, ts_ms: int | None) -> None:
        self._sid, self._seq, self._ts_ms = message.sid, message.seq, ts_ms

    def _is_crossed(self) -> bool:
        return bool(self._bids and self._asks) and self._bids.keys()[-1] >= self._asks.keys()[0]


class LastKnownPerps(_Readings):
    """A read-only view of a book that answers from its first snapshot on, in whatever state it is now."""

    __slots__ = ("_source",)

    _live = False

    def __init__(self, source: PerpsBook) -> None:
        self._source = source

    @property
    def _book(self) -> PerpsBook:
        return self._source

    @property
    def market_ticker(self) -> str:
        """The perpetual."""
        return self._source.market_ticker

    @property
    def state(self) -> State:
        """How the book stands."""
        return self._source.state

    @property
    def stale_reason(self) -> str | None:
        """Why it is not LIVE, or None."""
        return self._source.stale_reason

    @property
    def seq(self) -> int | None:
        """Sequence number of the last message that the book took in, or None."""
        return self._source.seq

    def __repr__(self) -> str:
        return self._text()
