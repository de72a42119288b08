"""ccxt's incremental order book, of its asynchronous part, as its exchanges fill it: floats, NO bids as YES asks."""

from __future__ import annotations

from typing import Any

import orjson
from ccxt.async_support.base.ws.order_book import OrderBook

from .wire import DELTA, SNAPSHOT, Top, e4, sides_of


class Frames:
    """orjson, and a book for each market. It takes whole sizes, so those are kept beside it in hundredths."""

    takes = bytes

    def open(self, opening: list[bytes]) -> None:
        self.books: dict[str, Any] = {}
        self.run(opening)

    def run(self, frames: list[bytes]) -> None:
        loads, books = orjson.loads, self.books
        for frame in frames:
            message = loads(frame)
            msg = message["msg"]
            if message["type"] == DELTA:
                book, sizes = books[msg["market_ticker"]]
                side, price = msg["side"], float(msg["price_dollars"])
                if side == "no":
                    price = round(1 - price, 4)
                size = sizes.get((side, price), 0) + round(float(msg["delta_fp"]) * 100)
                sizes[side, price] = size
                book["bids" if side == "yes" else "asks"].store(price, size / 100)
            elif message["type"] == SNAPSHOT:
                yes, no = sides_of(msg)
                bids = [[float(price), float(size)] for price, size in yes]
                asks = [[round(1 - float(price), 4), float(size)] for price, size in no]
                book = OrderBook({"bids": bids, "asks": asks})
                sizes = {("yes", price): round(size * 100) for price, size in bids}
                sizes.update({("no", price): round(size * 100) for price, size in asks})
                books[msg["market_ticker"]] = book, sizes
            else:
                continue
            self.best_bid = book["bids"][0][0] if book["bids"] else None
            self.best_ask = book["asks"][0][0] if book["asks"] else None

    def top(self, frame: bytes) -> Top:
        self.run([frame])
        return e4(self.best_bid), e4(self.best_ask)
