"""What is seen of one market at one moment, and what is remembered of it from update to update. Values: no clock here."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from ...book import LastKnown, OrderBook
from ...kinds import Effect, Kind, State
from ...live.queues import AnyUpdate
from ...messages import Trade
from ...messages.book import Side

KEPT: Final = 40
"""How many changes, and how many trades, are remembered of a market: more than any screen shows."""


class Change(NamedTuple):
    """A level changed: ``delta_e2`` more (or less) is bid for that outcome at a price on its own scale."""

    at_ns: int | None
    outcome_side: Side
    price_e4: int
    delta_e2: int
    own: bool


class Deal(NamedTuple):
    """Two people traded."""

    at_ns: int | None
    yes_price_e4: int
    count_e2: int
    taker: str | None


class Sight(NamedTuple):
    """One market at one moment.

    Attributes:
        market_ticker: the market.
        book: it, or a copy; None: nothing was said of the market yet.
        where: what it is seen through: an environment, or the name of a recording.
        place: which one of how many markets, from 1.
        now_ns: the moment, unix nanoseconds; of a recording, by its own clock.
        proven_ns: when the last proof came that this is of now, or None: that question does not arise, or nobody knows.
        since_ns: since when the book stands as it does.
        changes, trades: the last ones, the newest first.
        note: what else there is to say of the source.
        is_recording: whether it is a recording that is seen.
        frozen_ns: the picture is to stand still since then, or None.
    """

    market_ticker: str
    book: OrderBook | LastKnown | None
    where: str
    place: tuple[int, int]
    now_ns: int
    proven_ns: int | None = None
    since_ns: int | None = None
    changes: Sequence[Change] = ()
    trades: Sequence[Deal] = ()
    note: str = ""
    is_recording: bool = False
    frozen_ns: int | None = None

    @property
    def known(self) -> LastKnown | None:
        """The book as it was known last; None: no snapshot came yet."""
        if self.book is None or self.book.state is State.NEW or not self.book._core._known():
            return None
        return self.book.last_known if isinstance(self.book, OrderBook) else self.book

    def frozen(self) -> Sight:
        """Give a copy that nothing changes any more."""
        book = None if self.known is None else self.known.snapshot()
        changes, trades = tuple(self.changes), tuple(self.trades)
        return self._replace(book=book, changes=changes, trades=trades, frozen_ns=self.now_ns)


class Memory:
    """What is remembered of markets: the last changes and trades, and since when each book stands as it does."""

    def __init__(self) -> None:
        self._changes: dict[str, deque[Change]] = {}
        self._trades: dict[str, deque[Deal]] = {}
        self._stood: dict[str, tuple[State, str | None, int]] = {}

    def take(self, update: AnyUpdate) -> None:
        """Learn of one update."""
        ticker = update.market_ticker
        if ticker is None:
            return
        if update.kind is Kind.DELTA and update.effect is Effect.APPLIED and update.delta_e2 is not None:
            assert update.outcome_side is not None and update.price_e4 is not None
            change = Change(moment_ns(update), update.outcome_side, update.price_e4, update.delta_e2, update.own)
            self._changes.setdefault(ticker, deque(maxlen=KEPT)).appendleft(change)
        elif update.kind is Kind.TRADE and isinstance(trade := update.message, Trade):
            deal = Deal(moment_ns(update), trade.yes_price_e4, trade.count_e2, trade.taker_outcome_side)
            self._trades.setdefault(ticker, deque(maxlen=KEPT)).appendleft(deal)

    def look(self, books: Iterable[OrderBook], now_ns: int) -> None:
        """Note how books stand now. O(books)."""
        for book in books:
            before = self._stood.get(book.market_ticker)
            if before is None or before[:2] != (book.state, book.stale_reason):
                self._stood[book.market_ticker] = book.state, book.stale_reason, now_ns

    def sight(self, sight: Sight) -> Sight:
        """Add what is remembered to what is seen."""
        ticker = sight.market_ticker
        stood = self._stood.get(ticker)
        return sight._replace(
            since_ns=None if stood is None else stood[2],
            changes=self._changes.get(ticker, ()),
            trades=self._trades.get(ticker, ()),
        )


def moment_ns(update: AnyUpdate) -> int | None:
    """When an update came; where nobody noted that, when the exchange says that it was sent, or happened."""
    if update.received_ns is not None:
        return update.received_ns
    message: Any = update.message
    sent_ms = getattr(message, "sending_ts_ms", None) or getattr(getattr(message, "msg", None), "ts_ms", None)
    return None if sent_ms is None else int(sent_ms) * 1_000_000
