"""Many markets on one connection: from nothing to LIVE, and back to LIVE after a gap, what the feed itself takes for it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from kalshi_book import Feed

from .flows import WrongBooks
from .report import Row
from .timing import progress

BOOK = "orderbook_delta"
BODY = '"yes_dollars_fp":[["0.4100","120.00"]],"no_dollars_fp":[["0.5500","40.00"]]'


class Server:
    """Answers the commands of one feed as the exchange does, and times the feed alone."""

    def __init__(self, feed: Feed) -> None:
        self.feed, self.seq, self.commands, self.spent_ns = feed, 0, 0, 0
        self.held: list[str] = []

    def run(self) -> None:
        """Send what is wanted and answer it, until nothing is."""
        frames: list[bytes] = []
        while True:
            began = time.perf_counter_ns()
            for frame in frames:
                self.feed.receive(frame)
            self.feed.advance(0)
            sent = [self.feed.send(command) for command in self.feed.wanted()]
            self.spent_ns += time.perf_counter_ns() - began
            if not sent:
                return
            self.commands += len(sent)
            frames = [frame for data in sent for frame in self.answer(json.loads(data))]

    def answer(self, command: dict[str, object]) -> list[bytes]:
        """Write the reply to one command, and the snapshots that it brings."""
        params, number = command["params"], command["id"]
        tickers = params["market_tickers"]  # type: ignore[index]
        if command["cmd"] == "subscribe":
            replies = [f'{{"id":{number},"type":"subscribed","msg":{{"channel":"{BOOK}","sid":1}}}}'.encode()]
        elif params["action"] == "get_snapshot":  # type: ignore[index]
            return [self.snapshot(ticker, f'"id":{number},') for ticker in tickers]
        else:
            listed = json.dumps({"market_tickers": [*self.held, *tickers]})
            replies = [f'{{"id":{number},"sid":1,"seq":{self.next()},"type":"ok","msg":{listed}}}'.encode()]
        self.held += tickers
        return replies + [self.snapshot(ticker) for ticker in tickers]

    def snapshot(self, ticker: str, top: str = "") -> bytes:
        """Write a snapshot of one level a side."""
        return (
            f'{{{top}"type":"orderbook_snapshot","sid":1,"seq":{self.next()},"msg":{{"market_ticker":"{ticker}",{BODY}}}}}'
        ).encode()

    def next(self) -> int:
        """Give the next number of the sid."""
        self.seq += 1
        return self.seq


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure subscribing, and the recovery of all markets from one gap."""
    markets = 1_000 if quick else 10_000
    progress(f"a session of {markets:,} markets")
    feed = Feed()
    feed.advance(0)
    server = Server(feed)
    feed.subscribe(BOOK, market_tickers=[f"KXBENCH15M-26SEP21-{n:06d}" for n in range(markets)])
    for what in ("subscribed until all are LIVE", "LIVE again after a gap"):
        server.run()
        if sum(book.is_live for book in feed.books.values()) != markets:
            raise WrongBooks(f"{what}: not all of {markets:,} books are LIVE")
        note = f"{server.commands} commands; the feed alone, without a network"
        yield Row(f"{markets:,} markets {what}", server.spent_ns / 1e6, 1_000, unit="ms", note=note)
        server.commands = server.spent_ns = 0
        server.next()
        feed.receive(server.snapshot(server.held[0]))
