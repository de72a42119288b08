"""Follow books with pykalshi, as its documentation shows it; print them after each message. Needs pykalshi alone."""

import asyncio
import json
import sys

from pykalshi import AsyncKalshiClient
from pykalshi.orderbook import OrderbookManager


async def main(ready, tickers):
    client = AsyncKalshiClient(api_key_id=ready["key_id"], private_key_path=ready["private_key_path"])
    feed = client.feed()
    feed._ws_url = ready["url"]  # it has no argument for that
    books = {ticker: OrderbookManager(ticker) for ticker in tickers}
    feed.subscribe("orderbook_delta", market_tickers=tickers)
    async with feed:
        async for message in feed:
            book = books[message.market_ticker]
            if hasattr(message, "delta_fp"):
                book.apply_delta(message.side, message.price_dollars, message.delta_fp)
            else:
                book.apply_snapshot(message.yes_dollars, message.no_dollars)
            print(json.dumps({ticker: {"yes": each.yes, "no": each.no} for ticker, each in books.items()}), flush=True)


asyncio.run(main(json.loads(sys.argv[1]), sys.argv[2:]))
