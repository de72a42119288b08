"""What it costs to read a book from the caller's thread, while another one applies frames, beside the asyncio form.

Both forms iterate over the same frames, so many a second, from an exchange in a process of its own, and read the book of
each update: single calls are timed. Afterwards every book has to be LIVE and the true one, or nothing is reported.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import kalshi_book as kb
from kalshi_book.live.queues import AnyUpdate, ConflatedUpdate

from .client import MARKETS, PER_SECOND, Reader
from .flows import WrongBooks
from .report import Column, Row, Table
from .timing import progress

READS: dict[str, Callable[[kb.OrderBook], object]] = {
    "bbo()": lambda book: book.bbo(),
    "depth(5)": lambda book: book.depth(5),
}
SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


class Timed:
    """Reads the book of each update, and remembers how long each call took, in nanoseconds, with the clock's own time."""

    def __init__(self, frames: int) -> None:
        self.left = frames
        self.ns = {name: array("q") for name in READS}

    def look(self, update: AnyUpdate) -> bool:
        """Read. Returns whether it was the last."""
        clock = time.perf_counter_ns
        for name, read in READS.items():
            began = clock()
            read(update.book)
            self.ns[name].append(clock() - began)
        self.left -= update.conflated if isinstance(update, ConflatedUpdate) else 1
        return self.left <= 0

    def lines(self, form: str) -> Iterator[dict[str, object]]:
        """Set the calls out."""
        for name, taken in self.ns.items():
            ordered = sorted(taken)
            ranked = {share: ordered[min(len(ordered) - 1, int(len(ordered) * at))] for share, at in SHARES.items()}
            yield {"form": form, "read": name, **ranked, "max": ordered[-1], "n": len(ordered)}


class Place:
    """Where an exchange is, and how it is asked for frames."""

    def __init__(self, place: Mapping[str, Any], truth: tuple[dict[str, str], dict[str, str]], frames: int) -> None:
        self.options = {"url": place["url"], "key_id": place["key_id"], "private_key": place["private_key"]}
        self.tickers, self.truth = list(truth[0]), truth[1]
        self.frames = frames
        self._number, self._port = place["exchange"], place["control"]

    def ask(self) -> None:
        """Let the frames come."""
        asked = {"exchange": self._number, "frames": self.frames, "per_second": PER_SECOND}
        with closing(socket.create_connection(("127.0.0.1", self._port))) as control:
            control.sendall(json.dumps(asked).encode() + b"\n")
            control.shutdown(socket.SHUT_WR)
            control.recv(1)  # it closes when all are sent, or has them in hand

    def check(self, form: str, books: Mapping[str, kb.OrderBook]) -> None:
        """See that all is right.

        Raises:
            WrongBooks: it is not.
        """
        wrong = [ticker for ticker, checksum in self.truth.items() if books[ticker].checksum() != checksum]
        if wrong:
            raise WrongBooks(f"{form}: {len(wrong)} books are not the exchange's, such as that of {wrong[0]}")


async def in_asyncio(place: Place) -> Timed:
    """Read in the event loop that applies the frames."""
    timed = Timed(place.frames)
    async with kb.connect(**place.options, market_tickers=place.tickers) as live:
        await live.all_live()
        stream = live.updates()
        asked = asyncio.get_running_loop().run_in_executor(None, place.ask)
        async for update in stream:
            if timed.look(update):
                break
        await asked
        place.check("asyncio", live.books)
    return timed


def in_plain_loop(place: Place) -> Timed:
    """Read in another thread than the one that applies them."""
    timed = Timed(place.frames)
    with kb.sync.connect(**place.options, market_tickers=place.tickers) as live:
        live.all_live()
        stream = live.updates()
        asking = threading.Thread(target=place.ask)
        asking.start()
        for update in stream:
            if timed.look(update):
                break
        asking.join()
        place.check("plain loop", live.books)
    return timed


def rows(*, seed: int, quick: bool) -> Iterator[Row | Table]:
    """Measure both, one after the other."""
    progress("a book is read from the thread that keeps it, and from another")
    with closing(Reader("the exchange", "prepared_server")) as exchange:
        told = exchange.ask("serve", seed=seed, markets=MARKETS, deltas=1_000 if quick else 50_000, tls=[False, False])
        places = [Place(each, told["truth"], told["there"]) for each in told["places"]]
        found = {"asyncio": asyncio.run(in_asyncio(places[0])), "plain loop": in_plain_loop(places[1])}
    lines = [line for form, timed in found.items() for line in timed.lines(form)]
    by_form = {form: [line for line in lines if line["form"] == form] for form in found}
    for one, other in zip(*by_form.values(), strict=True):
        note = f"medians of {other['n']:,} and {one['n']:,} calls; p99 {other['p99']:,} and {one['p99']:,} ns"
        ratio = other["p50"] / one["p50"]  # type: ignore[operator]
        yield Row(f"{one['read']} from another thread, over the same in asyncio", ratio, 1.25, note=note)
    columns = (
        Column("form"), Column("read"), *(Column(share, "{:,}") for share in (*SHARES, "max")), Column("n", "{:,}"),
    )  # fmt: skip
    note = (
        f"nanoseconds of single calls, the clock's own included, one of each after each update; {told['there']:,} deltas of "
    )
    note += f"{MARKETS} markets at {PER_SECOND:,} a second; whoever does not get the interpreter's lock at once waits for it"
    yield Table("plain loops: reading a book while frames come in", columns, lines, note)
