"""The live client on a socket: its rate beside a bare reader's, its memory over millions of frames, the age of messages.

Exchange and readers are processes of their own, on loopback. The exchange has its frames ready (``prepared.py``), so that
the reader is the slow one. Each reader is checked after its last frame: a book that is not LIVE, or not the true one, or a
frame that is missing, and nothing is reported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from .contenders import OURS
from .flows import WrongBooks
from .memory import MIB
from .peers import ROOT
from .report import Column, Row, Table
from .timing import Times, progress
from .workers import Failed, Process

MARKETS = 200
PER_SECOND = 10_000


@dataclass(frozen=True)
class Client:
    """A way to read: a class of ``readers.py``, by a name for people."""

    name: str
    reader: str
    note: str
    tls: bool = False

    @property
    def base(self) -> str:
        """The bare reader of the same transport."""
        return f"{BARE}, TLS" if self.tls else BARE


BARE = "websockets"
ITERATED = f"{OURS}, async for"
CLIENTS = (
    Client(BARE, "Bare", "async for message in connection; text, no compression"),
    Client(f"{BARE} + json", "Json", "the same, and json.loads(message)"),
    Client(OURS, "Ours", "as it is by default; nobody iterates"),
    Client(ITERATED, "Iterated", "async for update in live; a slow one would get conflated updates"),
    Client(f"{ITERATED}, all", "IteratedAll", 'the same with policy="all"'),
    Client(f"{BARE}, TLS", "Bare", "", tls=True),
    Client(f"{OURS}, TLS", "Ours", "", tls=True),
    Client("an event loop", "Floor", "no WebSocket: the ends of frames are counted; what exchange and system can do"),
)


class Reader(Process):
    """A process whose faults make the run worthless."""

    def __init__(self, name: str, module: str, *arguments: str) -> None:
        super().__init__([sys.executable, "-m", f"benchmarks.{module}", *arguments], cwd=ROOT)
        self.name = name

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        try:
            return super().ask(what, **arguments)
        except Failed as error:
            raise WrongBooks(f"{self.name}, {what}: {error}") from error


@dataclass(frozen=True)
class Running:
    """Readers that are connected, and what the exchange says of its round."""

    readers: Mapping[str, Reader]
    frames: int
    there: int
    truth: tuple[dict[str, str], dict[str, str]]

    def finish(self, name: str) -> None:
        """Let a reader go to where the way back begins, see whether all of it is right there, and let it end.

        Raises:
            WrongBooks: it is not.
        """
        faults = self.readers[name].ask("faults", frames=self.there, truth=self.truth[1])["faults"]
        if faults:
            raise WrongBooks(f"{name}: {len(faults)} faults, the first: {faults[0]}")
        self.readers[name].ask("close")


@contextmanager
def running(clients: Sequence[Client], *, seed: int, deltas: int) -> Iterator[Running]:
    """Start an exchange, and connect clients to it, each of them for itself."""
    with ExitStack() as stack:

        def started(name: str, module: str, *arguments: str) -> Reader:
            process = Reader(name, module, *arguments)
            stack.callback(process.close)
            return process

        exchange = started("the exchange", "prepared_server")
        told = exchange.ask("serve", seed=seed, markets=MARKETS, deltas=deltas, tls=[client.tls for client in clients])
        readers = {client.name: started(client.name, "readers", client.reader) for client in clients}
        for reader, place in zip(readers.values(), told["places"], strict=True):
            reader.ask("open", place=place, tickers=list(told["truth"][0]))
        yield Running(readers, told["frames"], told["there"], told["truth"])


def rows(*, seed: int, quick: bool) -> Iterator[Row | Table]:
    """Measure rates, memory, and ages."""
    deltas = 1_000 if quick else 25_000
    yield from rates(seed=seed, deltas=deltas, chunks=2 if quick else 20)
    yield from memory(seed=seed, deltas=deltas, rounds=1 if quick else 20, steps=2 if quick else 10)
    yield from ages(seed=seed, deltas=deltas, rounds=1 if quick else 2)


# Rates.


def rates(*, seed: int, deltas: int, chunks: int) -> Iterator[Row | Table]:
    """Let all clients read the same round, in turn, in an order that is rotated."""
    progress(f"{len(CLIENTS)} clients on a socket take turns")
    ns: dict[str, list[float]] = {client.name: [] for client in CLIENTS}
    cpu: dict[str, list[float]] = {client.name: [] for client in CLIENTS}
    with running(CLIENTS, seed=seed, deltas=deltas) as found:
        order = list(ns)
        for number in range(chunks + 1):
            for name in order:
                took = found.readers[name].ask("run", frames=found.frames)
                if number:  # the first is for caches and buffers
                    ns[name].append(took["ns"])
                    cpu[name].append(took["cpu"])
            order.append(order.pop(0))
        for name in order:
            found.finish(name)
    times, spent = Times(ns), Times(cpu)
    for client, title in (
        (CLIENTS[2], "no consumer"), (CLIENTS[3], "async for"), (CLIENTS[6], "no consumer, TLS"),
    ):  # fmt: skip
        low, high = times.spread(client.base, client.name)
        note = f"[{low:.2f}..{high:.2f}] {1e9 / times.median(client.name):,.0f} frames/s, {client.base} "
        note += f"{1e9 / times.median(client.base):,.0f}; {MARKETS} books LIVE and right"
        measured = times.ratio(client.base, client.name)
        yield Row(f"the client's rate over a bare reader's, {title}", measured, 0.8, at_least=True, note=note)
    yield table_of(times, spent, frames=found.frames)


def table_of(times: Times, spent: Times, *, frames: int) -> Table:
    """Set the clients out, in the order of their list."""
    lines: list[dict[str, object]] = []
    for client in CLIENTS:
        name = client.name
        low, high = times.spread(client.base, name)
        lines.append({
            "client": name, "frames a second": 1e9 / times.median(name), "ns": times.median(name),
            "min": times.minimum(name), "rate x bare": times.ratio(client.base, name), "q1": low, "q3": high,
            "processor ns": spent.median(name), "chunks": len(times.ns[name]), "how": client.note,
        })  # fmt: skip
    columns = (
        Column("client"), Column("frames a second", "{:,.0f}"), Column("ns", "{:,.0f}"), Column("min", "{:,.0f}"),
        Column("rate x bare", "{:.2f}"), Column("q1", "{:.2f}"), Column("q3", "{:.2f}"), Column("processor ns", "{:,.0f}"),
        Column("chunks"), Column("how"),
    )  # fmt: skip
    note = (
        f"rounds of {frames:,} deltas of {MARKETS} markets, half of them of one, over loopback, from an exchange in a "
        "process of its own; bare: the websockets reader of the same transport; processor: of the reader's process; garbage "
        f"collection as it is by default; bare at the median is {times.unsteadiness:.2f} of its least"
    )
    return Table("the client: frames a second", columns, lines, note)


# Memory.


def memory(*, seed: int, deltas: int, rounds: int, steps: int) -> Iterator[Row]:
    """Let a client run for long, alone and with a consumer that cannot keep up."""
    clients = (Client("no consumer", "Ours", ""), Client("a slow consumer", "Slow", ""))
    with running(clients, seed=seed, deltas=deltas) as found:
        count = found.frames * rounds * steps
        for client in clients:
            progress(f"memory over {count:,} frames, {client.name}")
            told = found.readers[client.name].ask("sizes", frames=found.frames * rounds, steps=steps)
            found.finish(client.name)
            before, *later = (size / MIB for size in told["sizes"])
            along = " ".join(f"{size:.1f}" for size in later)
            note = f"{before:.1f} before; along the way {along}; {count / told['seconds']:,.0f} frames/s"
            if told["conflated"]:
                note += f"; {told['conflated']:,} updates conflated"
            yield Row(f"memory after {count:,} frames, {client.name}", max(later) - before, 8, unit="MiB", note=note)


# Ages.

SHARES = ("p50", "p99", "p99.9", "max")


def ages(*, seed: int, deltas: int, rounds: int) -> Iterator[Row | Table]:
    """Let frames come at random moments, so many a second, and see how old each is when it is there."""
    lines: list[dict[str, object]] = []
    clients = (Client("no consumer", "Ours", ""), Client("async for", "Ours", ""))
    with running(clients, seed=seed, deltas=deltas) as found:
        for client in clients:
            progress(f"the age of messages at {PER_SECOND:,} a second, {client.name}")
            frames, is_read = found.frames * rounds, client is clients[1]
            told = found.readers[client.name].ask("ages", frames=frames, per_second=PER_SECOND, consumer=is_read)
            found.finish(client.name)
            lines.append({"until": f"it is in the book, {client.name}", **told["applied"]})
            if told["seen"]:
                lines.append({"until": "the consumer has it", **told["seen"]})
                continue
            name = f"age of a message in the book at {PER_SECOND:,} a second, p99"
            note = f"median {told['applied']['p50'] / 1e6:.2f} ms, longest {told['applied']['max'] / 1e6:.1f}; no consumer"
            yield Row(name, told["applied"]["p99"] / 1e6, 1, unit="ms", note=note)
            note = f"greatest difference of the shares under a bound; {told['counted']['n']:,} of {frames:,} are sampled"
            yield Row("ages in live.metrics against those of every message", 100 * told["apart"], 10, unit="%", note=note)
            lines.append({"until": "the same by ts_ms, at most", **told["exact"]})
            lines.append({"until": "what live.metrics.ages says of it", **told["counted"]})
    columns = (Column("until"), *(Column(share, "{:,.0f}") for share in SHARES), Column("n", "{:,}"))
    for line in lines:
        line.update({share: line[share] / 1_000 for share in SHARES})  # type: ignore[operator]
    note = f"microseconds since the exchange wrote ts; {PER_SECOND:,} frames a second at random moments, over loopback; "
    note += "ts_ms is cut to the millisecond, and a histogram knows the bounds of its buckets"
    yield Table(f"the client: age of messages at {PER_SECOND:,} a second", columns, lines, note)
