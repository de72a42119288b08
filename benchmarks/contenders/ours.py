"""kalshi_book itself, compiled or plain as its environment says."""

from __future__ import annotations

from typing import Any, ClassVar

import kalshi_book as kb
from kalshi_book.messages import OrderbookSnapshot, SnapshotBody

from .wire import Change, Levels, Top, cents, texts


class Frames:
    """``Feed.receive`` and both best prices of the frame's book."""

    takes = bytes

    def open(self, opening: list[bytes]) -> None:
        self.feed = kb.Feed()
        for frame in opening:
            self.feed.receive(frame)

    def run(self, frames: list[bytes]) -> None:
        receive = self.feed.receive
        for frame in frames:
            book = receive(frame).book
            book.best_yes_bid()
            book.best_yes_ask()

    def top(self, frame: bytes) -> Top:
        book = self.feed.receive(frame).book
        return book.best_yes_bid_e4(), book.best_yes_ask_e4()


class Book:
    """``OrderBook.change`` and both best prices."""

    keeps = ("book",)

    reads: ClassVar = {
        "both best prices": "book.best_yes_bid(), book.best_yes_ask()",
        "bbo": "book.bbo()",
        "five levels a side": "book.depth(5)",
        "all levels": "book.depth()",
        "snapshot": "book.snapshot()",
        "load from integers": "book.apply(integers)",
        "load from text": "book.apply(text)",
    }

    def open(self, yes: Levels, no: Levels) -> None:
        self.text = self.snapshot(yes_dollars_fp=texts(yes), no_dollars_fp=texts(no))
        self.integers = self.snapshot(yes=cents(yes), no=cents(no))  # the oldest shape: whole cents, whole contracts
        self.book = kb.OrderBook("KXBENCH-26-A")
        self.book.apply(self.text)

    def snapshot(self, **levels: Any) -> OrderbookSnapshot:
        return OrderbookSnapshot(sid=1, seq=1, msg=SnapshotBody(market_ticker="KXBENCH-26-A", **levels))

    def run(self, changes: list[Change]) -> None:
        book = self.book
        for side, price_e4, delta_e2 in changes:
            book.change(outcome_side=side, price_e4=price_e4, delta_e2=delta_e2)
            book.best_yes_bid()
            book.best_yes_ask()

    def top(self, change: Change) -> Top:
        side, price_e4, delta_e2 = change
        self.book.change(outcome_side=side, price_e4=price_e4, delta_e2=delta_e2)
        return self.book.best_yes_bid_e4(), self.book.best_yes_ask_e4()

    def names(self) -> dict[str, Any]:
        return {"book": self.book, "integers": self.integers, "text": self.text}

    def held(self) -> tuple[Levels, Levels]:
        yes, no = (
            [(level.price_e4, level.size_e2) for level in self.book.bids(outcome_side=side)] for side in ("yes", "no")
        )
        return yes[::-1], no[::-1]
