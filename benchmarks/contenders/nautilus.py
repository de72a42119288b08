"""nautilus_trader's order book, level by level. It takes whole sizes, so those are kept beside it, as its adapters do."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder, OrderBookDelta
from nautilus_trader.model.enums import BookAction, BookType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from .wire import DELTA, SNAPSHOT, Change, Levels, Top, e4, sides_of

ID = InstrumentId.from_str("KXBENCH-26-A.KALSHI")
UPDATE, DELETE, BUY, SELL = BookAction.UPDATE, BookAction.DELETE, OrderSide.BUY, OrderSide.SELL
PRICE_RAW, SIZE_RAW = 10**12, 10**14  # of $0.0001 and of 0.01 contract, in its units of 10**-16


def delta_of(order_side: Any, price_e4: int, size_e2: int) -> OrderBookDelta:
    """Make what its book takes: the whole size at one price, or that the level has gone."""
    order = BookOrder(order_side, Price.from_raw(price_e4 * PRICE_RAW, 4), Quantity.from_raw(size_e2 * SIZE_RAW, 2), 0)
    return OrderBookDelta(ID, UPDATE if size_e2 else DELETE, order, 0, 0, 0, 0)


class Body(msgspec.Struct, gc=False):
    market_ticker: str
    side: str
    price_dollars: str
    delta_fp: str


class Delta(msgspec.Struct, tag=DELTA, gc=False):
    msg: Body


class Frames:
    """msgspec, typed, and a book for each market."""

    takes = bytes

    def open(self, opening: list[bytes]) -> None:
        self.books: dict[str, Any] = {}
        self.read = msgspec.json.Decoder(Delta).decode
        self.run(opening)

    def run(self, frames: list[bytes]) -> None:
        read, books = self.read, self.books
        for frame in frames:
            try:
                msg = read(frame).msg
            except msgspec.ValidationError:  # a snapshot or a reply
                book = self.take_other(frame)
                if book is None:
                    continue
            else:
                book, sizes = books[msg.market_ticker]
                price = round(float(msg.price_dollars) * 10_000)
                if msg.side == "yes":
                    key, order_side = price, BUY
                else:
                    price = 10_000 - price
                    key, order_side = -price, SELL
                size = sizes.get(key, 0) + round(float(msg.delta_fp) * 100)
                sizes[key] = size
                book.apply_delta(delta_of(order_side, price, size))
            self.best_bid, self.best_ask = book.best_bid_price(), book.best_ask_price()

    def take_other(self, frame: bytes) -> Any:
        message = msgspec.json.decode(frame)
        if message["type"] != SNAPSHOT:
            return None
        book, sizes = OrderBook(ID, BookType.L2_MBP), dict[int, int]()
        yes, no = sides_of(message["msg"])
        for levels, order_side in ((yes, BUY), (no, SELL)):
            for text, size_text in levels:
                price, size = round(float(text) * 10_000), round(float(size_text) * 100)
                price = price if order_side == BUY else 10_000 - price
                sizes[price if order_side == BUY else -price] = size
                book.apply_delta(delta_of(order_side, price, size))
        self.books[message["msg"]["market_ticker"]] = book, sizes
        return book

    def top(self, frame: bytes) -> Top:
        self.run([frame])
        return e4(self.best_bid), e4(self.best_ask)


class Book:
    """One book, its deltas made in the timed loop."""

    keeps = ("book", "sizes")

    reads: ClassVar = {
        "both best prices": "(book.best_bid_price(), book.best_ask_price())",
        "all levels": "(book.bids(), book.asks())",
        "load from integers": "load(*integers)",
    }

    def open(self, yes: Levels, no: Levels) -> None:
        self.integers = (yes, no)
        self.book = self.load(yes, no)
        self.sizes = {"yes": dict(yes), "no": dict(no)}
        self.bests: Any = (None, None)

    def load(self, yes: Levels, no: Levels) -> OrderBook:
        book = OrderBook(ID, BookType.L2_MBP)
        for price, size in yes:
            book.apply_delta(delta_of(BUY, price, size))
        for price, size in no:
            book.apply_delta(delta_of(SELL, 10_000 - price, size))
        return book

    def run(self, changes: list[Change]) -> None:
        book, all_sizes = self.book, self.sizes
        for side, price, delta in changes:
            sizes = all_sizes[side]
            size = sizes[price] = sizes.get(price, 0) + delta
            book.apply_delta(delta_of(BUY, price, size) if side == "yes" else delta_of(SELL, 10_000 - price, size))
            self.bests = book.best_bid_price(), book.best_ask_price()

    def top(self, change: Any) -> Top:
        self.run([change])
        return e4(self.bests[0]), e4(self.bests[1])

    def names(self) -> dict[str, Any]:
        return {"book": self.book, "load": self.load, "integers": self.integers}

    def held(self) -> tuple[Levels, Levels]:
        bids = [(round(float(level.price) * 10_000), round(level.size() * 100)) for level in self.book.bids()]
        asks = [(10_000 - round(float(level.price) * 10_000), round(level.size() * 100)) for level in self.book.asks()]
        return bids[::-1], asks[::-1]


class PreparedBook(Book):
    """The same, with every delta made before the time is taken: what its book alone costs."""

    reads: ClassVar = {}

    def prepare(self, changes: list[Change]) -> list[OrderBookDelta]:
        prepared = []
        for side, price, delta in changes:
            sizes = self.sizes[side]
            size = sizes[price] = sizes.get(price, 0) + delta
            prepared.append(delta_of(BUY, price, size) if side == "yes" else delta_of(SELL, 10_000 - price, size))
        return prepared

    def run(self, changes: list[Any]) -> None:
        book = self.book
        for delta in changes:
            book.apply_delta(delta)
            self.bests = book.best_bid_price(), book.best_ask_price()
