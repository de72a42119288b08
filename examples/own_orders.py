"""Own orders beside the book: which changes are ours, how much of ours rests at a price, and the book without it.

``python examples/own_orders.py`` runs on a simulated exchange. With the real one, ask its REST interface for the resting
orders instead of ``live.exchange.orders``; its answer can be passed on as it is.
"""

from __future__ import annotations

import asyncio
import time

import kalshi_book as kb
from kalshi_book.units import flip_e4, price_text, size_text

TICKER = "KXSIM-26-A"


def resting_orders(live: kb.Live) -> list[dict[str, str]]:
    """What rests, in the words of the exchange's REST interface."""
    return [
        {
            "order_id": order.order_id,
            "client_order_id": order.mark.client_order_id,
            "ticker": order.market_ticker,
            "status": order.status,
            "outcome_side": order.outcome_side,
            "yes_price_dollars": price_text(order.price_e4 if order.outcome_side == "yes" else flip_e4(order.price_e4)),
            "remaining_count_fp": size_text(order.remaining_e2),
        }
        for order in live.exchange.orders.resting()
    ]


async def know_own_orders(live: kb.Live) -> None:
    """The exchange sends changes of own orders only. So: subscribe, wait for the answer, then tell what rests already."""
    await live.subscribe("user_orders")
    await live.subscribe("fill")
    as_of_ms = time.time_ns() // 1_000_000
    live.confirm_orders(resting_orders(live), as_of_ms=as_of_ms)


async def confirm_again(live: kb.Live) -> None:
    """After a reconnect, changes may have been missed."""
    async for event in live.events():
        if isinstance(event, kb.events.Connected):
            await know_own_orders(live)


async def main() -> None:
    async with kb.connect("sim", market_tickers=[TICKER]) as live:
        book = await live.book(TICKER)
        await know_own_orders(live)
        again = asyncio.create_task(confirm_again(live))

        live.exchange.orders.place(TICKER, outcome_side="yes", price="0.0100", size="5", client_order_id="first")
        async for update in live.updates("orderbook_delta", market_tickers=[TICKER]):
            if update.own:
                print("ours:", update.client_order_id)
                break
        await asyncio.sleep(0.1)  # own orders come on a channel of their own, the order book on another
        print("at $0.01 we bid for", book.own_size_at("0.0100"), "of", book.size_at("0.0100"))
        print("without us", book.depth(without_own=True).bids[-1])

        live.exchange.faults.abort()  # the connection is lost: own size is unknown until it is confirmed again
        await asyncio.sleep(5)
        print(book.own_orders)
        again.cancel()


if __name__ == "__main__":
    asyncio.run(main())
