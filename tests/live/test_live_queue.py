"""The queue ahead of an order, through the live client and through trouble: true whenever there is an answer."""

import asyncio

import pytest

import kalshi_book as kb
from clients import A, play

CHANNELS = ("orderbook_delta", "trade", "fill", "user_orders")
PRICE_E4 = 100  # $0.01: the crowd bids there now and then, and does not trade


def true_e2(exchange):
    """What stands ahead of the account's only order."""
    ahead_e2 = 0
    for bid in exchange.exchange.venue.listing(A).book._queues[0][PRICE_E4]:
        if bid.owner is not None:
            return ahead_e2
        ahead_e2 += bid.remaining_e2
    raise AssertionError("no own order rests there")


@pytest.mark.parametrize("fault", ["drop", "abort", "restart", "half_open"])
def test_what_it_says_is_true_before_during_and_after_a_fault(fault):
    async def scenario(live, exchange):
        async def follow():
            async for update in updates:
                queue.take(update)

        book = await live.book(A)
        for channel in CHANNELS[1:]:
            await live.subscribe(channel, market_tickers=[A])
        queue = kb.QueueAhead(A, "mine-1", others_grow=False)
        updates = live.updates(*CHANNELS, market_tickers=[A], policy="all")
        following = asyncio.create_task(follow())
        for size in ("30", "20"):
            exchange.crowd.place(A, outcome_side="yes", price_e4=PRICE_E4, size=size)
        first = exchange.crowd.resting()[0]
        exchange.orders.place(A, outcome_side="yes", price_e4=PRICE_E4, size="5", client_order_id="mine-1")
        await asyncio.sleep(1)
        before = true_e2(exchange)
        assert queue.ahead.high_e2 == before >= 5_000

        struck = getattr(exchange.faults, fault)()
        exchange.crowd.decrease(first.order_id, size="10")  # lost, or late
        exchange.rate = 20
        await asyncio.sleep(40)
        exchange.rate = 0
        await live.book(A)
        await asyncio.sleep(5)
        assert struck.happened == 1
        assert book.is_live and queue.unknown_reason is None and queue.ahead.low_e2 == 0  # it knows of the trouble
        assert queue.ahead.low_e2 <= true_e2(exchange) <= queue.ahead.high_e2 <= before
        updates.close()
        await following

    play(scenario, rate=0)
