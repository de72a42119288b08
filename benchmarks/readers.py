"""One client in a process of its own: ``python -m benchmarks.readers NAME``, its requests a JSON object a line.

A reader asks the exchange for frames itself, and takes the time until it has had the last of them. Nothing is imported here
that a program of its kind would not have: its resident size is looked at, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate
from typing import Any, ClassVar

from websockets.asyncio.client import connect

import kalshi_book as kb
from kalshi_book.live.metrics import AgeCounter, Ages
from kalshi_book.live.queues import AnyUpdate, ConflatedUpdate, Policy
from kalshi_book.sim.keys import PrivateKey
from kalshi_book.sim.serving import WS_PATH

from .worker import resident

POLL_S = 0.002
"""How often it is looked whether the last frame is in the books, where nobody iterates."""

SLOW_S = 0.01
"""How long a slow consumer is busy with each update."""

PATIENCE_S = 600
"""Frames that have not come after this never will."""

SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


def tls_of(place: Mapping[str, Any]) -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=place["certificate"]) if place["certificate"] else None


class Bare:
    """What people write: the library's iterator over messages, text as it is by default. It keeps no book."""

    options: ClassVar[dict[str, Any]] = {}

    async def open(self, place: Mapping[str, Any], tickers: list[str]) -> None:
        """Connect, subscribe, and read what that brings."""
        with open(place["private_key"], "rb") as file:
            headers = PrivateKey(place["key_id"], file.read()).headers(WS_PATH, timestamp_ms=time.time_ns() // 1_000_000)
        options = {**self.options, **({"ssl": tls_of(place)} if place["certificate"] else {})}
        self.socket = await connect(place["url"], additional_headers=headers, compression=None, max_size=64 << 20, **options)
        params = {"channels": ["orderbook_delta"], "market_tickers": tickers, "use_yes_price": True}
        await self.socket.send(json.dumps({"id": 1, "cmd": "subscribe", "params": params}))
        self.last: str | bytes = b""
        await self.read(1 + len(tickers))

    async def read(self, frames: int) -> None:
        """Read so many."""
        async for message in self.socket:
            frames -= 1
            if not frames:
                self.last = message
                return

    async def faults(self, truth: Mapping[str, str], deltas: int) -> list[str]:
        """Say what is wrong after so many deltas: the last frame must be the one that was sent last."""
        seq, expected = json.loads(self.last)["seq"], len(truth) + deltas
        return [] if seq == expected else [f"the last frame is {seq}, not {expected}"]

    async def close(self) -> None:
        await self.socket.close()


class Json(Bare):
    """The same, and each message is decoded by the standard library."""

    async def read(self, frames: int) -> None:
        async for message in self.socket:
            json.loads(message)
            frames -= 1
            if not frames:
                self.last = message
                return


class Floor(Bare):
    """Looks for the ends of frames, no more: what exchange, system and event loop can do."""

    options: ClassVar[dict[str, Any]] = {"ping_interval": None}  # nobody would see the pong

    async def open(self, place: Mapping[str, Any], tickers: list[str]) -> None:
        await super().open(place, tickers)
        self.counter = Counter()
        self.socket.transport.set_protocol(self.counter)
        self.socket.transport.resume_reading()

    async def read(self, frames: int) -> None:
        if not hasattr(self, "counter"):
            await super().read(frames)
            return
        await self.counter.count(frames)
        self.last = self.counter.tail[self.counter.tail.rindex(b'{"type"') :]

    async def close(self) -> None:
        self.socket.transport.abort()


class Counter(asyncio.Protocol):
    """Counts frames in place of the library."""

    def __init__(self) -> None:
        self.tail, self.left = b"", 0
        self.done: asyncio.Future[None] | None = None

    def data_received(self, data: bytes) -> None:
        # A frame ends in "}\n"; the two may come apart.
        self.left -= data.count(b"}\n") + (self.tail.endswith(b"}") and data.startswith(b"\n"))
        self.tail = (self.tail + data)[-1_000:] if len(data) < 1_000 else data[-1_000:]
        if self.left <= 0 and self.done is not None and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_exception(exc or EOFError("the exchange has closed"))

    async def count(self, frames: int) -> None:
        """Wait for so many."""
        self.left += frames
        self.done = asyncio.get_running_loop().create_future()
        if self.left > 0:
            await self.done


class Ours:
    """The client as it is by default, all books wanted. Nobody iterates."""

    async def open(self, place: Mapping[str, Any], tickers: list[str]) -> None:
        """Connect, and wait until every book is LIVE."""
        self.live = kb.connect(
            url=place["url"], key_id=place["key_id"], private_key=place["private_key"], tls=tls_of(place),
            market_tickers=tickers,
        )  # fmt: skip
        await self.live.__aenter__()
        await self.live.all_live()
        self.asked = 0

    @property
    def applied(self) -> int:
        """How many deltas are in the books."""
        return self.live._lanes[0].feed.counts[kb.Kind.DELTA, kb.Effect.APPLIED]

    async def read(self, frames: int) -> None:
        """Wait until so many more are in the books."""
        self.asked += frames
        while self.applied < self.asked:
            await asyncio.sleep(POLL_S)

    async def faults(self, truth: Mapping[str, str], deltas: int) -> list[str]:
        """Say what is wrong after so many deltas: every book must be LIVE and the true one, and nothing was lost."""
        await Ours.read(self, deltas - self.asked)
        books, metrics = self.live.books, self.live.metrics
        wrong = [f"{books[each]!r}" for each in truth if not books[each].is_live or books[each].checksum() != truth[each]]
        counted = {name: getattr(metrics, name) for name in ("gaps", "disconnects", "audits_differed", "lost")}
        return wrong + [f"{count} {name}" for name, count in counted.items() if count]

    async def close(self) -> None:
        await self.live.close()


class Iterated(Ours):
    """The same, and somebody iterates over what comes, conflated where there is more than one update of a market."""

    policy: Policy = "conflate"

    async def open(self, place: Mapping[str, Any], tickers: list[str]) -> None:
        await super().open(place, tickers)
        self.stream = self.live.updates(policy=self.policy)

    async def read(self, frames: int) -> None:
        self.asked += frames
        async for update in self.stream:
            frames -= update.conflated if type(update) is ConflatedUpdate else 1
            if frames <= 0:
                return


class IteratedAll(Iterated):
    """The same, each update by itself."""

    policy: Policy = "all"


class Slow(Ours):
    """The client with a consumer that cannot keep up."""

    async def open(self, place: Mapping[str, Any], tickers: list[str]) -> None:
        await super().open(place, tickers)
        self.consumer = asyncio.create_task(self.consume())

    async def consume(self) -> None:
        async for _ in self.live:
            await asyncio.sleep(SLOW_S)


READERS = {each.__name__: each for each in (Bare, Json, Floor, Ours, Iterated, IteratedAll, Slow)}


class Asking:
    """What the parent may ask; each answer is a JSON object."""

    def __init__(self, name: str) -> None:
        self.reader: Any = READERS[name]()
        self.deltas = 0

    async def open(self, place: dict[str, Any], tickers: list[str]) -> dict[str, Any]:
        """Begin."""
        _, self.control = await asyncio.open_connection("127.0.0.1", place["control"])
        self.exchange = place["exchange"]
        await self.reader.open(place, tickers)
        return {}

    def ask(self, frames: int, per_second: int | None = None) -> None:
        """Let the exchange send."""
        self.deltas += frames
        asked = {"exchange": self.exchange, "frames": frames, "per_second": per_second}
        self.control.write(json.dumps(asked).encode() + b"\n")

    async def run(self, frames: int) -> dict[str, Any]:
        """Time so many frames: the clock's time and the processor's, each for one."""
        began, cpu = time.perf_counter_ns(), time.process_time_ns()
        self.ask(frames)
        await self.reader.read(frames)
        took, cpu = time.perf_counter_ns() - began, time.process_time_ns() - cpu
        return {"ns": took / frames, "cpu": cpu / frames}

    async def faults(self, frames: int, truth: dict[str, str]) -> dict[str, Any]:
        """Take in so many more, then say what is wrong."""
        self.ask(frames)
        await self.reader.read(frames)
        return {"faults": await self.reader.faults(truth, self.deltas)}

    async def sizes(self, frames: int, steps: int) -> dict[str, Any]:
        """Give the resident size before, and after each of some steps of so many frames."""
        sizes = [resident()]
        began = time.perf_counter()
        for _ in range(steps):
            self.ask(frames)
            await self.reader.read(frames)
            sizes.append(resident())
        seconds = time.perf_counter() - began
        return {"sizes": sizes, "seconds": seconds, "conflated": self.reader.live.metrics.conflated}

    async def ages(self, frames: int, per_second: int, consumer: bool) -> dict[str, Any]:
        """Give how old messages are when they stand in the book, when a consumer has them, and by the client's own count."""
        live, applied, seen = self.reader.live, Taken(), Taken()
        task = asyncio.create_task(seen.consume(live)) if consumer else None
        await asyncio.sleep(0)  # it has its queue now
        live._hub.puts = (*live._hub.puts, applied.take)
        self.ask(frames, per_second)
        await self.reader.read(frames)
        live._hub.puts = tuple(put for put in live._hub.puts if put != applied.take)
        if task is not None:
            task.cancel()
        counted, exact = live.metrics.ages["exchange_to_applied"], applied.counted()
        found = {"applied": applied.quantiles(), "counted": bounds(counted), "exact": bounds(exact)}
        return {**found, "seen": seen.quantiles() if seen.frames else None, "apart": apart(counted, exact)}

    async def close(self) -> dict[str, Any]:
        """End."""
        self.control.close()
        await self.reader.close()
        return {}


class Taken:
    """Frames, and when each was there. Two flat lists: nothing that the garbage collector would look at."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.times: list[int] = []

    def take(self, update: AnyUpdate) -> None:
        self.times.append(time.time_ns())
        self.frames.append(update.frame)  # type: ignore[arg-type]  # of a socket: bytes

    async def consume(self, live: kb.Live) -> None:
        async for update in live.updates(policy="all"):
            self.take(update)

    def quantiles(self) -> dict[str, int]:
        """Give ages to the microsecond: from ``ts``, which the exchange wrote when it sent the frame."""
        ages = sorted(now_ns - sent_ns(frame) for now_ns, frame in zip(self.times, self.frames, strict=True))
        found = {name: ages[min(len(ages) - 1, int(len(ages) * share))] for name, share in SHARES.items()}
        return {**found, "max": ages[-1], "n": len(ages)}

    def counted(self) -> Ages:
        """Count all of them as the client counts some: from ``ts_ms``."""
        counter = AgeCounter()
        for now_ns, frame in zip(self.times, self.frames, strict=True):
            counter.add(now_ns - json.loads(frame)["msg"]["ts_ms"] * 1_000_000)
        return counter.value()


def sent_ns(frame: bytes) -> int:
    """Read ``ts``."""
    begins = frame.index(b'"ts":"') + 6
    moment = datetime.fromisoformat(frame[begins : begins + 26].decode() + "+00:00")
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


def bounds(ages: Ages) -> dict[str, int | None]:
    """Give what a histogram can say: the bounds of its buckets."""
    return {**{name: ages.at_most_ns(share) for name, share in SHARES.items()}, "max": ages.max_ns, "n": ages.count}


def apart(one: Ages, other: Ages) -> float:
    """Give the greatest difference of the shares that lie under the same bound."""
    shares = ([count / ages.count for count in accumulate(ages.counts)] for ages in (one, other))
    return max(abs(a - b) for a, b in zip(*shares, strict=True))


async def main(name: str) -> None:
    asking, loop = Asking(name), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request = json.loads(line)
        try:
            answer = await asyncio.wait_for(getattr(asking, request.pop("do"))(**request), PATIENCE_S)
        except Exception as error:  # is told, and judged elsewhere
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1]))
