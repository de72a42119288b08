"""The package order-book: cryptofeed's book, in C. It takes whole sizes, which are read back before a change is added."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from order_book import OrderBook

from .dicts import sides_from
from .wire import DELTA, SNAPSHOT, Change, Levels, Top, e4, sides_of, texts


class Frames:
    """orjson, and a book for each market, keyed by Decimal as in its documentation. NO bids are kept as YES asks."""

    takes = bytes

    def open(self, opening: list[bytes]) -> None:
        import orjson

        self.loads, self.books = orjson.loads, dict[str, Any]()
        self.run(opening)

    def run(self, frames: list[bytes]) -> None:
        loads, books, decimal, one = self.loads, self.books, Decimal, Decimal(1)
        for frame in frames:
            message = loads(frame)
            msg = message["msg"]
            if message["type"] == DELTA:
                book = books[msg["market_ticker"]]
                if msg["side"] == "yes":
                    levels, price = book.bids, decimal(msg["price_dollars"])
                else:
                    levels, price = book.asks, one - decimal(msg["price_dollars"])
                size = (levels[price] if price in levels else 0) + decimal(msg["delta_fp"])  # noqa: SIM401 - it has no get
                if size:
                    levels[price] = size
                else:
                    del levels[price]
            elif message["type"] == SNAPSHOT:
                yes, no = sides_of(msg)
                book = books[msg["market_ticker"]] = OrderBook()
                book.bids = {decimal(price): decimal(size) for price, size in yes}
                book.asks = {one - decimal(price): decimal(size) for price, size in no}
            else:
                continue
            self.best_bid = book.bids.index(0)[0] if len(book.bids) else None
            self.best_ask = book.asks.index(0)[0] if len(book.asks) else None

    def top(self, frame: bytes) -> Top:
        self.run([frame])
        return e4(self.best_bid), e4(self.best_ask)


class Book:
    """One book, keyed by integers of $0.0001."""

    keeps = ("book",)

    reads: ClassVar = {
        "both best prices": "(bids.index(0)[0], asks.index(0)[0])",
        "all levels": "(bids.to_list(), asks.to_list())",
        "snapshot": "book.to_dict()",
        "load from integers": "load(*integers)",
        "load from text": "load(*[side.items() for side in sides_from(*text).values()])",
    }

    def price(self, price_e4: int) -> Any:
        return price_e4

    def open(self, yes: Levels, no: Levels) -> None:
        self.integers = yes, [(10_000 - price, size) for price, size in no]
        self.text = (texts(yes), texts(no))
        self.book = self.load(*self.integers)

    def load(self, bids: Any, asks: Any) -> Any:
        book = OrderBook()
        book.bids = {self.price(price): size for price, size in bids}
        book.asks = {self.price(price): size for price, size in asks}
        return book

    def prepare(self, changes: list[Change]) -> list[Any]:
        """Put prices on the YES scale, as a decoder would have to: not timed."""
        return [(side, self.price(p if side == "yes" else 10_000 - p), delta) for side, p, delta in changes]

    def run(self, changes: list[Any]) -> None:
        sides = {"yes": self.book.bids, "no": self.book.asks}
        bids, asks = self.book.bids, self.book.asks
        for side, price, delta in changes:
            levels = sides[side]
            size = (levels[price] if price in levels else 0) + delta  # noqa: SIM401 - it has no get
            if size:
                levels[price] = size
            else:
                del levels[price]
            self.bests = (bids.index(0)[0], asks.index(0)[0])

    def top(self, change: Any) -> Top:
        self.run([change])
        return int(self.bests[0]), int(self.bests[1])

    def names(self) -> dict[str, Any]:
        names = {"book": self.book, "bids": self.book.bids, "asks": self.book.asks, "load": self.load}
        return {**names, "integers": self.integers, "text": self.text, "sides_from": sides_from}

    def held(self) -> tuple[Levels, Levels]:
        bids, asks = self.book.bids.to_list(), self.book.asks.to_list()
        return [(int(p), s) for p, s in bids[::-1]], [(10_000 - int(p), s) for p, s in asks[::-1]]


class DecimalBook(Book):
    """The same, keyed by Decimal."""

    reads: ClassVar = {name: code for name, code in Book.reads.items() if name != "load from text"}

    def price(self, price_e4: int) -> Any:
        return Decimal(price_e4)
