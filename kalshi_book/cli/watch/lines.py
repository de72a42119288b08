"""What happens as lines of text, for a pipe: changes of best prices, of how books and markets stand, and trades."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from typing import Final

from ...book import OrderBook
from ...kinds import Effect, Kind, MarketState, State
from ...live.queues import AnyUpdate
from ...messages import Trade
from ...units import price_text, size_text
from .picture import WHY, clock_text, level_text
from .sights import moment_ns

MAX_WAITING: Final = 100_000

_STALING: Final = (Effect.GAP, Effect.BACKWARDS, Effect.STALED)
_REPLIES: Final = (Kind.SUBSCRIBED, Kind.OK, Kind.UNSUBSCRIBED, Kind.ERROR)


class Lines:
    """Makes lines of updates.

    Args:
        market_tickers: whose; none: of all.

    Attributes:
        waiting: the lines that nobody has taken yet: the newest ones, where they are too many.
    """

    def __init__(self, market_tickers: Collection[str] = ()) -> None:
        self.waiting: deque[str] = deque(maxlen=MAX_WAITING)
        self._lost = 0
        self._tickers = frozenset(market_tickers)
        self._books: dict[str, OrderBook] = {}  # all that were seen: one that left the feed is STALE, and that is to be told
        self._stood: dict[str, tuple[State, str | None]] = {}
        self._best: dict[str, str] = {}
        self._markets: dict[str, MarketState] = {}

    def take(self, update: AnyUpdate, books: Iterable[OrderBook] = ()) -> None:
        """Learn of one update.

        Args:
            update: it.
            books: all books, which are looked at where it may have made others than its own STALE.
        """
        at_ns = moment_ns(update)
        if update.skipped or update.effect in _STALING or update.kind in _REPLIES:
            self.look([*self._books.values(), *books], at_ns)
        if update.book is not None:
            self.look((update.book,), at_ns)
        if update.kind is Kind.TRADE and isinstance(update.message, Trade):
            self._trade(update.message, at_ns)

    def look(self, books: Iterable[OrderBook], at_ns: int | None) -> None:
        """Say what is new of how books stand and of their best prices. O(books)."""
        for book in books:
            ticker = book.market_ticker
            if not self._is_watched(ticker):
                continue
            self._books[ticker] = book
            stands = book.state, book.stale_reason
            if self._stood.get(ticker) != stands:
                self._stood[ticker] = stands
                self._best.pop(ticker, None)
                self._say(at_ns, ticker, standing_text(*stands))
            if self._markets.get(ticker, MarketState.UNKNOWN) is not book.market_state:
                self._markets[ticker] = book.market_state
                self._say(at_ns, ticker, f"market {book.market_state}")
            if book.is_live:
                best = best_text(book)
                if self._best.get(ticker) != best:
                    self._best[ticker] = best
                    self._say(at_ns, ticker, best)

    def _trade(self, trade: Trade, at_ns: int | None) -> None:
        if self._is_watched(trade.market_ticker):
            taker = "" if trade.taker_outcome_side is None else f", the taker bought {trade.taker_outcome_side}"
            count = size_text(trade.count_e2)
            self._say(at_ns, trade.market_ticker, f"trade yes ${price_text(trade.yes_price_e4)} x {count}{taker}")

    def _is_watched(self, market_ticker: str) -> bool:
        return not self._tickers or market_ticker in self._tickers

    def _say(self, at_ns: int | None, market_ticker: str, what: str) -> None:
        self._lost += len(self.waiting) == self.waiting.maxlen
        self.waiting.append(f"{clock_text(at_ns, with_ms=True)} {market_ticker} {what}")

    def taken(self) -> str:
        """Give the lines that wait, as text, and forget them."""
        lost = [f"{self._lost} lines are lost: they are read too slowly"] if self._lost else []
        text = "".join(f"{line}\n" for line in (*lost, *self.waiting))
        self.waiting.clear()
        self._lost = 0
        return text


def standing_text(state: State, stale_reason: str | None) -> str:
    """Say how a book stands."""
    word = str(state).upper()
    return word if stale_reason is None else f"{word} ({stale_reason}): {WHY.get(stale_reason, stale_reason)}"


def best_text(book: OrderBook) -> str:
    """Write the best prices of YES, with their sizes."""
    bid, ask = book.bbo()
    spread = "" if bid is None or ask is None else f", spread ${price_text(ask.price_e4 - bid.price_e4)}"
    return f"yes bid {level_text(bid)}, ask {level_text(ask)}{spread}"
