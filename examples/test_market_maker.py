"""How to test a strategy that uses the live client: in virtual time, against whatever can go wrong.

Run it with ``pytest examples``. The strategy is that of ``market_maker.py``; put yours in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import kalshi_book as kb
from kalshi_book.sim import virtual
from market_maker import TICKER, trade


def play(scenario: Callable[[kb.Live], Awaitable[None]]) -> None:
    """Let the strategy trade until the scenario ends. It is the same each time."""

    async def main() -> None:
        async with kb.connect("sim", market_tickers=[TICKER], max_silence_s=4) as live:
            trading = asyncio.create_task(trade(live))
            await asyncio.sleep(5)
            await scenario(live)
            trading.cancel()
            await asyncio.wait([trading])
            assert live.exchange.orders.resting() == []  # it leaves nothing behind

    virtual.run(main(), seed=7)


def test_it_bids_for_both_outcomes() -> None:
    async def scenario(live: kb.Live) -> None:
        yes, no = sorted(live.exchange.orders.resting(), key=lambda order: str(order.outcome_side), reverse=True)
        assert (yes.outcome_side, no.outcome_side) == ("yes", "no")
        assert yes.price_e4 + no.price_e4 < 10_000  # bought both, it has earned something

    play(scenario)


def test_it_quotes_nothing_while_the_exchange_is_silent() -> None:
    async def scenario(live: kb.Live) -> None:
        live.exchange.faults.half_open(for_s=8)  # not a byte in either direction, and nobody is told
        await asyncio.sleep(5)
        assert live.exchange.orders.resting() == []
        await live.book(TICKER)  # it comes back by itself
        await asyncio.sleep(1)
        assert len(live.exchange.orders.resting()) == 2

    play(scenario)


def test_it_trades_through_minutes_of_trouble() -> None:
    async def scenario(live: kb.Live) -> None:
        for fault in ("drop:every=10s", "close:every=40s", "half_open:every=90s,for=15s"):
            live.exchange.faults.add(fault)
        await asyncio.sleep(200)
        live.exchange.faults.clear()
        await live.book(TICKER, timeout_s=120)
        await asyncio.sleep(1)
        assert live.books[TICKER].checksum() == live.exchange.book(TICKER).checksum()
        assert live.metrics.connects > 3 and live.metrics.handler_errors == 0
        assert live.exchange.orders.position(TICKER).fees_e6 > 0  # it bought something

    play(scenario)
