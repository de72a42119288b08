"""synpath: its stream as shipped, driven frame by frame without a socket, and the bare Rust call inside it."""

from __future__ import annotations

import asyncio
from typing import Any

from synpath import _native
from synpath.trading.credentials import KalshiCredentials
from synpath.ws.base import LocalBook
from synpath.ws.kalshi import Channel, KalshiStream

from .keys import private_key_pem
from .wire import Top, e4


class Bare:
    """Decode and apply in Rust. No sequence is checked: that is Python's part of it."""

    takes = str

    def open(self, opening: list[str]) -> None:
        self.books: dict[str, Any] = {}
        for frame in opening:
            self.announce(frame)
        self.run(opening)

    def announce(self, frame: str) -> None:
        """Its user names the markets before their snapshots come."""
        decoded = json_of(frame)
        if decoded.get("type") == "orderbook_snapshot":
            self.books.setdefault(decoded["msg"]["market_ticker"], LocalBook())

    def run(self, frames: list[str]) -> None:
        read, books = _native.core.kalshi_book_message, self.books
        for frame in frames:
            decoded = read(frame, books)
            if decoded is None:
                continue
            book = books[decoded.apply(books)[1]]
            self.bests = book.best_bid, book.best_ask

    def top(self, frame: str) -> Top:
        self.run([frame])
        return e4(self.bests[0]), e4(self.bests[1])


class Shipped(Bare):
    """``_dispatch``, which checks the sequence and queues an event; the event is taken out, as its user would."""

    def open(self, opening: list[str]) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.begin(opening))

    async def begin(self, opening: list[str]) -> None:
        self.stream = stream = KalshiStream(KalshiCredentials("key", private_key_pem()))
        self.books = stream.books
        for frame in opening:
            self.announce(frame)
        for sid in {json_of(frame).get("sid") for frame in opening} - {None}:
            channel = Channel("orderbook_delta", set(stream.books), sid=sid)
            stream.channels["orderbook_delta"] = stream._by_sid[sid] = channel
        for frame in opening:
            stream._dispatch(frame)

    def run(self, frames: list[str]) -> None:
        self.loop.run_until_complete(self.run_all(frames))

    async def run_all(self, frames: list[str]) -> None:
        dispatch, queue, books = self.stream._dispatch, self.stream._queue, self.books
        for frame in frames:
            dispatch(frame)
            while not queue.empty():
                event = queue.get_nowait()
            book = books[event.market_id.partition(":")[2].partition(":")[0]]
            self.bests = book.best_bid, book.best_ask


def json_of(frame: str) -> dict[str, Any]:
    import json

    decoded: dict[str, Any] = json.loads(frame)
    return decoded
