"""How to test a bot with a connection of its own, on an event loop where ten minutes pass in a moment.

A bot that uses the live client is tested in fewer lines: ``test_market_maker.py``.
Run it with ``pytest examples``. The bot under test is ``keep_books``; put yours in its place.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

import kalshi_book as kb
from kalshi_book.sim import virtual


async def keep_books(url: str, feed: kb.Feed) -> None:
    """The bot: keeps books over connections that end, and says what the feed wants to have said."""
    while True:
        try:
            async with connect(url, ping_interval=5, ping_timeout=5) as socket:
                feed.opened()
                while True:
                    feed.advance(round(asyncio.get_running_loop().time() * 1e9))
                    for command in feed.wanted():
                        await socket.send(feed.send(command).decode())
                    with contextlib.suppress(asyncio.TimeoutError):  # then the clock is looked at again
                        feed.receive(await asyncio.wait_for(socket.recv(), 1))
        except (ConnectionClosed, OSError):
            feed.closed()
            await asyncio.sleep(1)


def play(scenario: Callable[[Any, kb.Feed], Awaitable[None]]) -> None:
    """Let the bot and an exchange live until the scenario ends, then compare. It is the same each time."""

    async def main() -> None:
        exchange = kb.sim.Exchange(markets=3, rate=30, seed=7, start_ns=virtual.now_ns())
        async with kb.sim.serve(exchange, signed=False) as server:
            feed = kb.Feed()
            feed.subscribe("orderbook_delta", market_tickers=exchange.markets)
            bot = asyncio.create_task(keep_books(server.url, feed))
            await scenario(server, feed)
            exchange.rate = 0  # nothing changes any more; what is under way arrives, and then all is equal
            await asyncio.sleep(60)
            for ticker in server.markets:
                assert feed.books[ticker].checksum() == server.book(ticker).checksum()
            bot.cancel()
            await asyncio.wait([bot])

    virtual.run(main(), seed=7)


def test_a_lost_frame_is_noticed_and_made_good() -> None:
    async def scenario(server: Any, feed: kb.Feed) -> None:
        await asyncio.sleep(5)
        lost = server.faults.drop()
        await asyncio.sleep(5)
        assert (lost.happened, feed.skipped) == (1, 1)

    play(scenario)


def test_the_books_are_right_after_ten_minutes_of_trouble() -> None:
    async def scenario(server: Any, feed: kb.Feed) -> None:
        for fault in ("drop:every=20s", "close:every=90s", "half_open:every=3m,for=30s"):
            server.faults.add(fault)
        await asyncio.sleep(600)
        server.faults.clear()
        assert feed.epoch > 5  # so many connections

    play(scenario)
