"""The skeleton of a market maker: a bid for each outcome below the middle, and none while the book is not LIVE.

``python examples/market_maker.py`` lets it trade for ten seconds on a simulated exchange, which takes its orders. Yours go
to the exchange's REST interface: put your calls where ``self.orders`` is. ``test_market_maker.py`` tests it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Literal

import kalshi_book as kb

TICKER = "KXSIM-26-A"
SIZE = "5"
TICK_E4, EDGE_E4 = 100, 200  # $0.01, $0.02
Side = Literal["yes", "no"]


class Maker:
    """What we quote in one market."""

    def __init__(self, orders: Any, book: kb.OrderBook) -> None:
        self.orders = orders
        self.book = book
        self.quotes: dict[Side, tuple[int, str]] = {}  # price_e4 and order_id by outcome

    def updated(self, update: kb.Update | kb.ConflatedUpdate) -> None:
        message = update.message if update.kind is kb.Kind.USER_ORDER else None
        if isinstance(message, kb.messages.UserOrder) and message.status != "resting":  # filled, or cancelled
            self.quotes = {side: quote for side, quote in self.quotes.items() if quote[1] != message.order_id}
        self.look()

    def look(self) -> None:
        """Bring our quotes to where we want them, from whatever they are."""
        self.quote("yes", self.wanted_e4("yes"))
        self.quote("no", self.wanted_e4("no"))

    def wanted_e4(self, side: Side) -> int | None:
        """Where to bid; None: nowhere. Nothing can come between the question and the reading: nothing is awaited."""
        bid, ask = self.book.bbo(outcome_side=side) if self.book.is_live else (None, None)
        if bid is None or ask is None:
            return None
        price_e4 = (bid.price_e4 + ask.price_e4) // 2 // TICK_E4 * TICK_E4 - EDGE_E4
        return price_e4 if price_e4 > 0 else None

    def quote(self, side: Side, price_e4: int | None) -> None:
        at_e4, order_id = self.quotes.get(side, (None, ""))
        if at_e4 == price_e4:
            return
        self.quotes.pop(side, None)
        with contextlib.suppress(kb.UsageError):  # refused: it ended already, or would trade at once
            if order_id:
                self.orders.cancel(order_id)
            if price_e4 is not None:
                order = self.orders.place(TICKER, outcome_side=side, price_e4=price_e4, size=SIZE, post_only=True)
                self.quotes[side] = (price_e4, order.order_id)


async def trade(live: kb.Live) -> None:
    """Quote until cancelled."""
    maker = Maker(live.exchange.orders, await live.book(TICKER))
    await live.subscribe("user_orders", market_tickers=[TICKER])
    live.on(market_tickers=[TICKER])(maker.updated)  # changes of the LIVE book, and of our orders
    try:
        async for _ in live.events():  # a gap, a silence, a lost connection: the book may not be LIVE any more
            maker.look()
    finally:
        for side in tuple(maker.quotes):
            maker.quote(side, None)


async def main(seconds: float = 10) -> None:
    async with kb.connect("sim", market_tickers=[TICKER]) as live:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(trade(live), seconds)
        print(live.exchange.orders.position(TICKER))


if __name__ == "__main__":
    asyncio.run(main())
