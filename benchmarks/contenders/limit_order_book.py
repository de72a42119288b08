"""The package limit-order-book: a C++ matching engine, of which a level is one resting order, replaced when it changes."""

from __future__ import annotations

from typing import Any, ClassVar

from limit_order_book import LimitOrderBook

from .wire import Change, Levels, Top


class Book:
    keeps = ("book", "sizes")
    reads: ClassVar = {"both best prices": "(book.best_buy(), book.best_sell())", "load from integers": "load(*integers)"}

    def open(self, yes: Levels, no: Levels) -> None:
        self.integers = (yes, no)
        self.sizes = {"yes": dict(yes), "no": dict(no)}
        self.book = self.load(yes, no)
        self.bests: Top = (None, None)

    def load(self, yes: Levels, no: Levels) -> LimitOrderBook:
        book = LimitOrderBook()
        for price, size in yes:
            book.limit_buy(price, size, price)
        for price, size in no:
            book.limit_sell(20_000 - price, size, 10_000 - price)
        return book

    def run(self, changes: list[Change]) -> None:
        book, all_sizes = self.book, self.sizes
        for side, price, delta in changes:
            sizes = all_sizes[side]
            before = sizes.get(price, 0)
            size = sizes[price] = before + delta
            number = price if side == "yes" else 20_000 - price
            if before:
                book.cancel(number)
            if size and side == "yes":
                book.limit_buy(number, size, price)
            elif size:
                book.limit_sell(number, size, 10_000 - price)
            self.bests = book.best_buy(), book.best_sell()

    def top(self, change: Change) -> Top:
        self.run([change])
        return self.bests

    def names(self) -> dict[str, Any]:
        return {"book": self.book, "load": self.load, "integers": self.integers}

    def held(self) -> tuple[Levels, Levels]:
        yes = [(p, self.book.volume_buy(p)) for p in range(1, 10_000) if self.book.volume_buy(p)]
        no = [(10_000 - p, self.book.volume_sell(p)) for p in range(9_999, 0, -1) if self.book.volume_sell(p)]
        return yes, no
