"""pykalshi: ``Feed._dispatch``, with the handler that its documentation of ``OrderbookManager`` shows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pykalshi.feed import Feed
from pykalshi.orderbook import OrderbookManager

from .wire import Top, e4


class Frames:
    takes = str

    def open(self, opening: list[str]) -> None:
        self.books: dict[str, OrderbookManager] = {}
        self.feed = Feed(SimpleNamespace(api_base="https://demo"))  # all that it reads of a client
        self.feed.on("orderbook_delta", self.handle)
        self.run(opening)

    def handle(self, msg: Any) -> None:
        ticker = msg.market_ticker
        book = self.books.get(ticker)
        if book is None:
            book = self.books[ticker] = OrderbookManager(ticker)
        if hasattr(msg, "yes_dollars"):  # a snapshot
            book.apply_snapshot(msg.yes_dollars, msg.no_dollars)
        else:
            book.apply_delta(msg.side, msg.price_dollars, msg.delta_fp)
        self.bests = book.best_bid, book.best_ask

    def run(self, frames: list[str]) -> None:
        dispatch = self.feed._dispatch
        for frame in frames:
            dispatch(frame)

    def top(self, frame: str) -> Top:
        self.run([frame])
        return e4(self.bests[0]), e4(self.bests[1])
