"""A bot without asyncio: it watches one market, says when the spread is a tick, and stops asking while the book is not LIVE.

``python examples/plain_loop.py`` runs on a simulated exchange until Ctrl-C; ``"prod"`` and a key make it the real one.
"""

from __future__ import annotations

import kalshi_book as kb

TICKER = "KXSIM-26-A"


def look(book: kb.OrderBook) -> str:
    """Say how the market stands: one call is of one moment, though another thread keeps the book."""
    try:
        bid, ask = book.bbo()
    except kb.BookNotLive as error:  # something was lost. It comes back by itself
        return f"not LIVE ({error.stale_reason}): no quotes"
    if bid is None or ask is None:
        return "one side is empty"
    return f"{bid.price} / {ask.price}"


def main(updates: int | None = None) -> None:
    with kb.sync.connect("sim", market_tickers=[TICKER]) as live:
        book = live.book(TICKER)

        @live.on("trade")
        def traded(update: kb.Update) -> None:  # in a thread of its own, as slow as it likes
            print("a trade:", update.market_ticker)

        live.subscribe("trade", market_tickers=[TICKER])
        for seen, update in enumerate(live.updates("orderbook_delta"), 1):
            if update.top_changed:
                print(look(book))
            if seen == updates:
                break
        live.exchange.faults.maintenance(for_s=1)  # the connection is lost, and comes back
        live.wait(lambda: not book.is_live)
        print(look(book))
        live.wait(lambda: book.is_live)
        print(look(book))


if __name__ == "__main__":
    main()
