"""How much stands ahead of an own order at its price: at least, at most, and probably.

``python examples/queue_ahead.py`` watches one on a simulated exchange for a minute, or until it is filled. With the real
one, place the order by its REST interface, under the same ``client_order_id``.
"""

from __future__ import annotations

import asyncio
import contextlib

import kalshi_book as kb

TICKER = "KXSIM-26-A"
CHANNELS = ("orderbook_delta", "trade", "fill", "user_orders")


async def watch(live: kb.Live) -> None:
    book = await live.book(TICKER)
    for channel in CHANNELS[1:]:
        await live.subscribe(channel, market_tickers=[TICKER])

    queue = kb.QueueAhead(TICKER, "mine-1")  # before the order is placed, and with every update from then on
    updates = live.updates(*CHANNELS, market_tickers=[TICKER], policy="all")
    bid_e4 = book.best_yes_bid_e4()
    live.exchange.orders.place(TICKER, outcome_side="yes", price_e4=bid_e4, size="5", client_order_id="mine-1")
    before = None
    async for update in updates:
        queue.take(update)
        if queue.ahead != before:
            before = queue.ahead
            print(f"{update.kind}: {before or queue.unknown_reason}")
        if queue.unknown_reason == "ended":
            break


async def main(seconds: float = 60) -> None:
    async with kb.connect("sim", market_tickers=[TICKER]) as live:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(watch(live), seconds)


if __name__ == "__main__":
    asyncio.run(main())
