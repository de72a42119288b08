"""A day on one connection: every quarter of an hour some markets close and others open, in a process of its own."""

from __future__ import annotations

import json
import statistics
import time

from kalshi_book import Feed

from .memory import SIZES
from .report import Column, Table
from .session import BOOK, Server
from .subprocesses import numbers_from

LIVE, REPLACED, DELTAS = 400, 100, 4_000  # markets that are open, those that change each time, deltas between
PROGRAM = (
    SIZES
    + """
sys.path.insert(0, sys.argv[2])
from benchmarks.churning import day
for numbers in day(int(sys.argv[1]), resident):
    print(*numbers)
"""
)


class Exchange(Server):
    """Takes markets out, too, and sends deltas."""

    def answer(self, command: dict[str, object]) -> list[bytes]:
        params = command["params"]
        if params.get("action") != "delete_markets":  # type: ignore[attr-defined]
            return super().answer(command)
        gone = set(params["market_tickers"])  # type: ignore[index]
        self.held = [ticker for ticker in self.held if ticker not in gone]
        listed = json.dumps({"market_tickers": self.held})
        return [f'{{"id":{command["id"]},"sid":1,"seq":{self.next()},"type":"ok","msg":{listed}}}'.encode()]

    def deltas(self, count: int) -> list[bytes]:
        """Write changes of one level, of every market in turn."""
        held = self.held
        return [
            f'{{"type":"orderbook_delta","sid":1,"seq":{self.next()},"msg":{{"market_ticker":"{held[n % len(held)]}",'
            f'"market_id":"f0d3fa5c-56c1-4669-84ba-316193090287","price_dollars":"0.4100","delta_fp":"1.00","side":"yes",'
            f'"ts":"2026-09-21T14:00:00.5Z","ts_ms":1790000000500}}}}\n'.encode()
            for n in range(count)
        ]


def day(rounds: int, resident):  # type: ignore[no-untyped-def]
    """Live through it. Gives, of each round: ns a delta, ns for each market that changed, resident bytes, books held."""
    feed = Feed()
    feed.advance(0)
    exchange = Exchange(feed)
    names = iter(f"KXDAY15M-26SEP21-{n:06d}" for n in range(10**6))
    feed.subscribe(BOOK, market_tickers=[next(names) for _ in range(LIVE)])
    exchange.run()
    for _ in range(rounds):
        exchange.spent_ns = 0
        feed.unsubscribe(BOOK, market_tickers=exchange.held[:REPLACED])
        feed.subscribe(BOOK, market_tickers=[next(names) for _ in range(REPLACED)])
        exchange.run()
        deltas, receive = exchange.deltas(DELTAS), feed.receive
        began = time.perf_counter_ns()
        for frame in deltas:
            receive(frame)
        took = time.perf_counter_ns() - began
        feed.events()  # a user reads them
        if len(feed.books) != LIVE or not all(book.is_live for book in feed.books.values()):
            raise SystemExit(f"{len(feed.books)} books, not all LIVE")
        yield took // DELTAS, exchange.spent_ns // REPLACED, resident(), len(feed.books)


def table(rounds: int) -> Table:
    """Set a day out by its quarters."""
    from .peers import ROOT

    numbers = numbers_from(PROGRAM, str(rounds), str(ROOT))
    found = list(zip(*[iter(numbers)] * 4, strict=True))
    quarter = rounds // 4
    lines = []
    for at in range(4):
        part = found[at * quarter : (at + 1) * quarter]
        line = {"hours": f"{24 * at // 4}-{24 * (at + 1) // 4}", "delta": statistics.median(row[0] for row in part)}
        line |= {"market replaced": statistics.median(row[1] for row in part), "resident": part[-1][2] / 2**20}
        lines.append({**line, "books": part[-1][3]})
    columns = (
        Column("hours"), Column("delta", "{:,.0f}"), Column("market replaced", "{:,.0f}"), Column("resident", "{:,.1f}"),
        Column("books", "{:,}"),
    )  # fmt: skip
    note = f"nanoseconds, and MiB in the end; {LIVE} markets open, {REPLACED} of them replaced {rounds} times, "
    note += f"{DELTAS:,} deltas in between"
    return Table("growth: a day of markets that come and go", columns, lines, note)
