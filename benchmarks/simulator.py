"""The simulated exchange: frames a second on a socket, many markets on one connection, and hours in virtual time.

On a socket the client is a process of its own that reads bytes and counts frames by the end of their text, no more: what
is measured is the exchange's side. Loopback, no TLS, no compression.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

import kalshi_book as kb
from kalshi_book.sim import Exchange, TapeExchange, virtual
from kalshi_book.sim.flow import Flow
from kalshi_book.sim.server import Server, serve

from .flows import WrongBooks
from .report import Row
from .timing import progress

CHUNK = 500

# Arguments: port; frames that end the clock; frames that begin it (0: the first bytes); then the messages to send.
CLIENT = r"""
import os, socket, struct, sys, time
port, last, first, *messages = sys.argv[1:]
last, first = int(last), int(first)
client = socket.create_connection(("127.0.0.1", int(port)))
client.sendall(b"GET /trade-api/ws/v2 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
head = b""
while not head.endswith(b"\r\n\r\n"):
    head += client.recv(1)
began = time.perf_counter()
sent = b""
for message in messages:
    data = message.encode()
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
    sent += b"\x81" + size + bytes(4) + data  # a mask of zeros
client.sendall(sent)
frames = size = 0
buffer, view = bytearray(1 << 20), None
view, held = memoryview(buffer), False
while frames < last:
    count = client.recv_into(buffer)
    if not count:
        sys.exit("the server has closed")
    size += count
    # A frame ends in "}\n"; the two may come apart.
    frames += buffer.count(b"}\n", 0, count) + (held and buffer[0] == 10)
    held = buffer[count - 1] == 125
    if frames <= first:
        began, size = time.perf_counter(), 0
print(frames - first, size, time.perf_counter() - began)
"""


class Drained(NamedTuple):
    """What a client has read."""

    frames: int
    size: int
    seconds: float


async def drained(exchange: Exchange | TapeExchange, *, last: int, first: int = 0, messages: list[str]) -> Drained:
    """Serve, and let a client read until it has so many frames; its clock begins after the first so many."""
    async with serve(exchange, signed=False) as served:
        port = served.url.split(":")[2].partition("/")[0]
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLIENT, port, str(last), str(first), *messages, stdout=subprocess.PIPE
        )
        out, _ = await client.communicate()
    frames, size, seconds = out.split()
    return Drained(int(frames), int(size), float(seconds))


def subscribing(tickers: list[str]) -> list[str]:
    """Give the commands that subscribe to markets in chunks: a subscribe, and what is added to it."""
    chunks = [",".join(f'"{each}"' for each in tickers[at : at + CHUNK]) for at in range(0, len(tickers), CHUNK)]
    first = f'{{"id":1,"cmd":"subscribe","params":{{"channels":["orderbook_delta"],"market_tickers":[{chunks[0]}]}}}}'
    return [first] + [
        f'{{"id":{number},"cmd":"update_subscription","params":{{"sid":1,"action":"add_markets","market_tickers":[{chunk}]}}}}'
        for number, chunk in enumerate(chunks[1:], 2)
    ]


def rows(*, seed: int, quick: bool) -> Iterator[Row]:
    """Measure prepared frames, many markets, and an exchange that trades."""
    logging.getLogger("kalshi_book.sim").setLevel(logging.ERROR)  # it says that it cannot keep up, and is not meant to
    passes = 1 if quick else 5
    yield prepared(seed=seed, frames=20_000 if quick else 400_000, passes=passes)
    yield from many_markets(seed=seed, markets=1_000 if quick else 10_000, passes=1 if quick else 3)
    yield trading(seed=seed, frames=5_000 if quick else 100_000, passes=passes)
    yield from virtual_hours(seed=seed, minutes=2 if quick else 60, passes=1 if quick else 3)


def prepared(*, seed: int, frames: int, passes: int) -> Row:
    """Serve a recording as fast as it is read."""
    progress("prepared frames on a socket")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tape.ndjson")
        with open(path, "wb") as file:
            file.writelines(Flow(seed=seed, markets=50, frames=frames, close=False))

        async def once() -> Drained:
            tape = TapeExchange(path, speed=None, start_ns=time.time_ns())
            return await drained(tape, last=frames, messages=['{"id":1,"cmd":"subscribe"}'])

        found = [asyncio.run(once()) for _ in range(passes)]
    rates = sorted(each.frames / each.seconds for each in found)
    note = f"{spread(rates)}; {found[0].size / found[0].frames:.0f} bytes a frame, read from a file"
    return per_second("a recording served as fast as it is read", rates, 200_000, note)


def many_markets(*, seed: int, markets: int, passes: int) -> Iterator[Row]:
    """Subscribe to many markets on one connection, and let them trade."""
    progress(f"{markets:,} markets on one connection")
    commands = -(-markets // CHUNK)
    replies = markets + commands

    async def snapshots() -> Drained:
        exchange = Exchange(markets=markets, seed=seed, rate=0, start_ns=time.time_ns())
        return await drained(exchange, last=replies, messages=subscribing(exchange.markets))

    async def deltas() -> Drained:
        exchange = Exchange(markets=markets, seed=seed, rate=3_000, start_ns=time.time_ns())
        return await drained(exchange, last=replies + 15_000, first=replies + 3_000, messages=subscribing(exchange.markets))

    found = sorted(asyncio.run(snapshots()).seconds * 1_000 for _ in range(passes))
    note = f"{spread(found)}; {commands} commands, until the last snapshot is read"
    yield Row(f"{markets:,} markets on one connection", statistics.median(found), 5_000, unit="ms", note=note)
    took = asyncio.run(deltas())
    note = "3,000 are asked for, the estimated peak of 500 markets; they come in bursts"
    yield per_second(f"level changes of {markets:,} markets", [took.frames / took.seconds], 2_500, note)


def trading(*, seed: int, frames: int, passes: int) -> Row:
    """Let an exchange trade as fast as it can, with a client that reads all of it."""
    progress("an exchange that trades as fast as it can")

    async def once() -> Drained:
        exchange = Exchange(markets=50, seed=seed, rate=1_000_000, start_ns=time.time_ns(), buffer_bytes=1 << 30)
        return await drained(exchange, last=frames, first=1_000, messages=subscribing(exchange.markets))

    rates = sorted(each.frames / each.seconds for each in (asyncio.run(once()) for _ in range(passes)))
    note = f"{spread(rates)}; matching, books and frames of 50 markets, one client"
    return per_second("an exchange that trades as fast as it can", rates, 10_000, note)


def virtual_hours(*, seed: int, minutes: int, passes: int) -> Iterator[Row]:
    """Let a feed follow 50 markets over real websockets in virtual time, a frame lost or a connection reset each minute."""
    for rate, goal in ((5, 2_000), (100, 100)):
        progress(f"virtual time, {rate} level changes a second")
        found, struck, frames = [], 0, 0
        for number in range(passes):
            began = time.perf_counter()
            struck, frames = virtual.run(followed(seed=seed + number, rate=rate, minutes=minutes), seed=seed + number)
            found.append(minutes * 60 / (time.perf_counter() - began))
        note = f"{spread(sorted(found))}; {minutes} minutes, {frames:,} frames, {struck} faults, one client, 50 markets"
        name = f"virtual time at {rate} level changes a second, against real time"
        yield Row(name, statistics.median(found), goal, at_least=True, note=note)


async def followed(*, seed: int, rate: int, minutes: int) -> tuple[int, int]:
    """Follow all books of an exchange for so many minutes. Returns how many faults struck, and how many frames came.

    Raises:
        WrongBooks: in the end, at rest, a book is not the exchange's.
    """
    feed = kb.Feed()
    async with serve(markets=50, seed=seed, rate=rate, key_type="ed25519") as served:
        feed.subscribe("orderbook_delta", market_tickers=served.markets, use_yes_price=True)
        served.faults.drop(type="orderbook_delta", every_s=120)
        served.faults.abort(every_s=120)
        follower = asyncio.create_task(follow(feed, served))
        await asyncio.sleep(minutes * 60)
        served.faults.clear()
        await asyncio.sleep(30)  # what was lost last is seen and asked for
        served.rate = 0
        await asyncio.sleep(1)
        follower.cancel()
        for ticker, book in feed.books.items():
            if not book.is_live or book.checksum() != served.book(ticker).checksum():
                raise WrongBooks(f"{ticker} is not the exchange's: {book!r}")
        return len(served.faults.log), sum(feed.counts.values())


async def follow(feed: kb.Feed, served: Server[Exchange]) -> None:
    """Keep a feed connected and fed."""
    while True:
        async with connect(served.url, additional_headers=served.headers(), compression=None) as socket:
            feed.opened()
            with contextlib.suppress(ConnectionClosed):
                while True:
                    for command in feed.wanted():
                        await socket.send(feed.send(command).decode())
                    feed.receive(await socket.recv(decode=False), received_ns=virtual.now_ns())
                    feed.advance(virtual.now_ns())
        feed.closed()


def per_second(name: str, rates: list[float], goal: int, note: str) -> Row:
    """Make a row of so many frames a second."""
    return Row(name, statistics.median(rates), goal, unit="frames/s", at_least=True, note=note)


def spread(found: list[float]) -> str:
    """Show the least and the most of several passes."""
    return f"[{found[0]:,.0f}..{found[-1]:,.0f}] {len(found)} passes"
