"""``kalshi-book demo``: live books of a simulated exchange, as ``watch`` shows them. A still picture on a pipe."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ..kinds import Effect, Kind, MarketState
from ..market import Market
from ..units import flip_e4, price_text, size_text
from .replay import WIDTH_FOR_ALL_COLUMNS, Output, books_table
from .watch.command import is_a_screen

if TYPE_CHECKING:
    from ..live.client import Live
    from .watch.sources import LiveSource

MARKETS: Final = ("KXSIM-26-A", "KXSIM-26-B", "KXSIM-26-C", "KXSIM-26-D", "KXSIM-26-E")
RATE: Final = 500
"""Level changes a second, in all fifty markets of the exchange."""
SIDES: Final = ("yes", "no")
OWN_LEVELS: Final = slice(2, 6, 3)
"""Of each side's best levels, those that own orders join: the third and the sixth."""
DELTAS: Final = 200
"""After so many the picture on a pipe is taken."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "demo",
        help="show live books of a simulated exchange: no key, no network",
        description="Start a simulated exchange, connect to it as to the real one, and show five of its books as watch "
        "does, with own orders in them. On a pipe the picture stands still.",
    )
    command.add_argument("--seconds", type=float, help="end by itself after so long")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from .watch.running import live_source, on_the_screen

    source = live_source(MARKETS, env="sim", settle_in=liven)
    if is_a_screen():
        return asyncio.run(on_the_screen(source, seconds=arguments.seconds))
    return asyncio.run(stand_still(source))


async def liven(live: Live, market_tickers: Sequence[str]) -> None:
    """Let the exchange be busy, rest own orders behind its best prices, and know what REST tells: states and own orders."""
    live.exchange.rate = RATE
    for channel in ("user_orders", "fill"):
        await live.subscribe(channel)
    for ticker in market_tickers:
        live.set_market(Market(market_ticker=ticker, state=MarketState.ACTIVE, is_current=True))
        book = await live.book(ticker)
        for side in SIDES:
            for level in book.bids(outcome_side=side)[OWN_LEVELS]:
                live.exchange.orders.place(ticker, outcome_side=side, price_e4=level.price_e4, size="25")
    live.confirm_orders(resting(live), as_of_ms=live.exchange.exchange.clock_ns // 1_000_000)


def resting(live: Live) -> list[dict[str, str]]:
    """Give own orders in the words of the exchange's REST interface, which a simulated one does not have."""
    return [
        {
            "order_id": order.order_id,
            "ticker": order.market_ticker,
            "status": order.status,
            "outcome_side": order.outcome_side,
            "yes_price_dollars": price_text(order.price_e4 if order.outcome_side == "yes" else flip_e4(order.price_e4)),
            "remaining_count_fp": size_text(order.remaining_e2),
        }
        for order in live.exchange.orders.resting()
    ]


async def stand_still(source: LiveSource) -> int:
    """Wait until the books are LIVE and were changed often, and print the first of them, and how all of them stand."""
    from .watch.running import over

    running = asyncio.ensure_future(source.run())
    while not (running.done() or is_seen_enough(source.live)):
        await asyncio.sleep(0.01)
    try:
        if not running.done():
            source.look()
            print_still(source)
    finally:  # also where nobody reads any more
        await over(running)
    return 0


def print_still(source: LiveSource) -> None:
    """Print a ladder, and how all books stand."""
    from .watch.picture import PLAIN, picture

    console = Output()
    for line in picture(source.sight(source.market_tickers[0]), bars=PLAIN)[:-1]:
        console.print(line.plain.rstrip(), soft_wrap=True)
    console.print(books_table(source.live.books.values(), is_wide=console.width >= WIDTH_FOR_ALL_COLUMNS))
    changes = source.live.metrics.counts[Kind.DELTA, Effect.APPLIED]
    print(f"{changes:,} changes of a simulated exchange so far; on a terminal the picture moves")


def is_seen_enough(live: Live) -> bool:
    """Tell whether all books are LIVE, own orders known, and enough was changed."""
    books = live.books.values()
    is_known = len(books) == len(MARKETS) and all(book.is_live and book._own_now.is_known for book in books)
    return is_known and live.metrics.counts[Kind.DELTA, Effect.APPLIED] >= DELTAS
