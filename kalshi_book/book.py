"""The order book of one market as its users see it, live, as last known, and copied.

Three classes read alike. ``OrderBook`` answers only while it is LIVE. ``LastKnown`` (``book.last_known``) is a view that
answers from the first snapshot on, whatever happened since. ``BookSnapshot`` (``book.snapshot()``) is a copy that nothing
changes any more.
"""

from __future__ import annotations

from typing import NoReturn

from . import units
from ._backend import BookCore, Level, SidState, own_methods
from .errors import Contradiction, UsageError
from .kinds import StaleReason, State
from .measures import Measures
from .messages import OrderbookDelta, OrderbookSnapshot
from .messages.book import malformed, raw_levels

__all__ = ["BookSnapshot", "LastKnown", "OrderBook"]


@own_methods
class OrderBook(BookCore, Measures):
    """The order book of one market. A feed makes and keeps it; by hand, ``apply`` and ``change`` do.

    Reading raises ``BookNotLive`` in every state but LIVE.

    Args:
        market_ticker: the market.

    >>> import kalshi_book as kb
    >>> book = kb.OrderBook("KXDEMO-26-A")
    >>> book.apply(kb.decode('{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"KXDEMO-26-A",'
    ...                      '"yes_dollars_fp":[["0.4100","120.00"]],"no_dollars_fp":[["0.5500","40.00"]]}}'))
    >>> book.bbo()
    (Level($0.4100 x 120.00), Level($0.4500 x 40.00))
    >>> book.change(outcome_side="yes", price_e4=4200, delta_e2=755)
    755
    >>> book.best_yes_bid(), book.spread, book.mid
    (Level($0.4200 x 7.55), Decimal('0.0300'), Decimal('0.4350'))
    """

    __slots__ = ()

    @property
    def last_known(self) -> LastKnown:
        """A read-only view of the same book that answers in any state after the first snapshot."""
        return LastKnown(self)

    def snapshot(self) -> BookSnapshot:
        """Copy the book as it is now. O(levels).

        Raises:
            BookNotLive: the book cannot know now; ``book.last_known.snapshot()`` copies what it knew.
        """
        return BookSnapshot(self._copy(True))

    def apply(self, message: OrderbookSnapshot | OrderbookDelta, *, use_yes_price: bool = False) -> None:
        """Apply one decoded message: for people without a Feed. No sequence is checked.

        Args:
            message: a snapshot or delta of this market, from ``decode``.
            use_yes_price: whether NO-side prices in it are on the YES scale (what the subscription asked for).

        Raises:
            BookNotLive: a delta, and the book is not LIVE. Nothing was changed.
            MalformedFrame: a level or number that is not exactly readable. Nothing was changed.
            Contradiction: the message cannot be right, or crosses the book. The book is STALE until its next snapshot.
            UsageError: a message of another market. Nothing was changed.
        """
        if not isinstance(message, (OrderbookSnapshot, OrderbookDelta)):
            raise TypeError(f"message must be OrderbookSnapshot or OrderbookDelta, not {type(message).__name__}")
        if message.market_ticker != self.market_ticker:
            raise UsageError(f"a message of {message.market_ticker} does not belong to the book of {self.market_ticker}")
        if isinstance(message, OrderbookDelta):
            self._require(True)
            self._apply_delta(*delta_of(message, use_yes_price))
            self._stamp(message.seq, message.msg.clock, message.msg.ts_ms, None)
        else:
            self._take_snapshot(message, use_yes_price, None, None)
        if not self._is_kept():
            self._join(SidState(message.sid))
        if not self.is_live:
            raise Contradiction(market_ticker=self.market_ticker, stale_reason=StaleReason.CROSSED)

    def check(self) -> None:
        """Make sure that every invariant of the book holds: for tests, and for doubts. O(levels).

        Raises:
            AssertionError: one does not. It is a mistake of this package, never of the exchange: please report it.
        """
        if faults := self._faults():
            raise AssertionError(f"{self!r}: {'; '.join(faults)}")

    def __repr__(self) -> str:
        return _repr("OrderBook", self)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a book follows its feed and cannot be copied or pickled; book.snapshot() is a copy of what it holds"
        )

    # What a feed does with a snapshot that belongs here.

    def _take_snapshot(
        self, message: OrderbookSnapshot, use_yes_price: bool, received_ns: int | None, stale_reason: str | None
    ) -> bool:
        """Replace all levels, and be LIVE, or STALE for the reason given, or because the snapshot is crossed.

        Returns:
            Whether a best level changed.

        Raises:
            MalformedFrame: nothing was changed.
        """
        yes, yes_in_cents = raw_levels(message.msg, "yes")
        no, no_in_cents = raw_levels(message.msg, "no")
        try:
            top_changed = self._load(yes, yes_in_cents, no, no_in_cents, use_yes_price, stale_reason)
        except ValueError as error:
            raise malformed(message, str(error)) from None
        self._stamp(message.seq, message.msg.clock, None, received_ns)
        return top_changed


class LastKnown(Measures):
    """A read-only view of a book that answers from its first snapshot on, in whatever state it is now.

    It follows the book: what it answers changes when the book does.
    """

    __slots__ = ("_source",)

    _live = False

    def __init__(self, source: BookCore) -> None:
        self._source = source

    @property
    def _core(self) -> BookCore:
        return self._source

    @property
    def market_ticker(self) -> str:
        """The market."""
        return self._core.market_ticker

    @property
    def state(self) -> State:
        """How the book stands."""
        return self._core.state

    @property
    def is_live(self) -> bool:
        """Whether the book is exact."""
        return self._core.is_live

    @property
    def stale_reason(self) -> str | None:
        """Why it is not LIVE, or None."""
        return self._core.stale_reason

    @property
    def sid(self) -> int | None:
        """The subscription that keeps the book, or None."""
        return self._core.sid

    @property
    def seq(self) -> int | None:
        """Sequence number of the last frame that the book took in, or None."""
        return self._core.seq

    @property
    def clock(self) -> int | None:
        """The exchange's clock for the market in that frame, or None."""
        return self._core.clock

    @property
    def ts_ms(self) -> int | None:
        """The exchange's time of that frame where it was a delta, unix milliseconds, or None."""
        return self._core.ts_ms

    @property
    def received_ns(self) -> int | None:
        """The time of receipt of that frame, as it was passed in, or None."""
        return self._core.received_ns

    def snapshot(self) -> BookSnapshot:
        """Copy the book as it is now. O(levels)."""
        return BookSnapshot(self._core._copy(False))

    def __repr__(self) -> str:
        return _repr(type(self).__name__, self._core)


class BookSnapshot(LastKnown):
    """A copy of a book at one moment, with the state it had. Nothing changes it."""

    __slots__ = ()


def delta_of(message: OrderbookDelta, use_yes_price: bool) -> tuple[bool, int, int]:
    """Read a delta exactly: whether it is of the NO ladder, price_e4 (a NO level on the NO scale), and delta_e2.

    Raises:
        MalformedFrame: the price or the change is absent or not exactly readable.
    """
    no, price_e4 = message.outcome_side == "no", message.price_e4
    return no, units.flip_e4(price_e4) if no and use_yes_price else price_e4, message.delta_e2


def _repr(name: str, book: BookCore) -> str:
    state = str(book.state).upper() if book.stale_reason is None else f"{str(book.state).upper()} ({book.stale_reason})"
    top = "no snapshot yet"
    if book._known():
        bid, ask = book._bbo(False, False)
        top = f"{_top_text(bid)} / {_top_text(ask)}"
    return f"<{name} {book.market_ticker} {state} seq={book.seq} yes {top}>"


def _top_text(level: Level | None) -> str:
    return "-" if level is None else f"${units.price_text(level.price_e4)} x {units.size_text(level.size_e2)}"
