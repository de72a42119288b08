"""Follow books with synpath, as its documentation shows it; print them after each event. Needs synpath alone."""

import asyncio
import json
import sys
from pathlib import Path

from synpath.trading.credentials import KalshiCredentials
from synpath.ws.kalshi import KalshiStream


def levels_of(book):
    """YES bids and NO bids of a book that is ready; it keeps a NO bid at p as a YES ask at 1 - p."""
    if book is None or not book.ready:
        return None
    bids, asks = book.levels()
    return {
        "yes": {str(level.price): str(level.size) for level in bids},
        "no": {str(1 - level.price): str(level.size) for level in asks},
    }


async def main(ready, tickers):
    credentials = KalshiCredentials(key_id=ready["key_id"], private_key_pem=Path(ready["private_key_path"]).read_bytes())
    async with KalshiStream(credentials, url=ready["url"], backoff_initial=0.01) as stream:
        await stream.watch_order_book([f"kalshi:{ticker}" for ticker in tickers])
        async for _ in stream:
            print(json.dumps({ticker: levels_of(stream.book(ticker)) for ticker in tickers}), flush=True)


asyncio.run(main(json.loads(sys.argv[1]), sys.argv[2:]))
