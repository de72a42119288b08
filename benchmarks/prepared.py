"""An exchange that has its frames ready, so that whoever reads them is the slow one.

Commands are answered by the simulator's own session, then the deltas of one round are sent, again and again. A round leads
through a flow of deltas and back: each is undone, in the opposite order. So at its end every book is what it was at its
beginning, and there may be any number of frames. Numbers and times are written into them when they are sent.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from itertools import islice

from kalshi_book.sim.commands import BOOK
from kalshi_book.sim.flow import Flow
from kalshi_book.sim.keys import Keyring, Unauthorized
from kalshi_book.sim.rules import Rules
from kalshi_book.sim.serving import Account, Refusal
from kalshi_book.sim.session import Session
from kalshi_book.sim.truth import TrueBook
from kalshi_book.sim.wire import SIDES, Side

TAKEN = 200
"""How many frames are handed over at once: about what a transport is given in one piece."""

LEFT_OPEN = (
    (rb'"sid":\d+,"seq":\d+,"sending_ts_ms":\d+', b'"sid":%d,"seq":%d,"sending_ts_ms":%d'),
    (rb'"ts":"[^"]*","ts_ms":\d+', b'"ts":"%b","ts_ms":%d'),
)


@dataclass(frozen=True)
class Listed:
    """A market as the simulator's session sees it, at the beginning of a round."""

    market_id: str
    yes: tuple[tuple[int, int], ...]
    no: tuple[tuple[int, int], ...]
    clock: int = 1
    state: str = "active"

    def levels(self, side: Side) -> tuple[tuple[int, int], ...]:
        return self.yes if side == "yes" else self.no


@dataclass(frozen=True)
class Round:
    """What is sent again and again.

    Attributes:
        listings: the markets, at the beginning and at the end of it.
        frames: with ``%d`` and ``%b`` for what is written when they are sent.
        there: how many of them lead away; the others lead back.
        truth: the checksum of each book at the beginning, and where the way back begins.
    """

    listings: Mapping[str, Listed]
    frames: list[bytes]
    there: int
    truth: tuple[Mapping[str, str], Mapping[str, str]]

    @classmethod
    def make(cls, *, seed: int, markets: int, deltas: int) -> Round:
        """Draw a flow, half of it in the busiest market, NO-side prices on the YES scale as today's clients want them."""
        around = 1 + markets + (markets > 1)
        flow = Flow(seed=seed, markets=markets, frames=around + deltas, close=False, use_yes_price=True)
        told = (json.loads(frame) for frame in islice(flow, around))
        ids = {each["msg"]["market_ticker"]: each["msg"]["market_id"] for each in told if each["type"].endswith("snapshot")}
        opening, there = books_of(flow), [left_open(frame) for frame in flow]
        listings = {ticker: Listed(ids[ticker], book.yes, book.no) for ticker, book in opening.items()}
        truth = tuple({ticker: book.checksum() for ticker, book in books.items()} for books in (opening, books_of(flow)))
        return cls(listings, there + [undone(frame) for frame in reversed(there)], len(there), truth)  # type: ignore[arg-type]


def books_of(flow: Flow) -> dict[str, TrueBook]:
    """Give what a reader of a flow must hold now."""
    yes, no = ({each: tuple(flow.levels(each, side)) for each in flow.tickers} for side in SIDES)
    return {each: TrueBook(each, yes[each], no[each], 1) for each in flow.tickers}


def left_open(frame: bytes) -> bytes:
    """Leave open in a delta what is written when it is sent."""
    for pattern, place in LEFT_OPEN:
        frame = re.sub(pattern, place, frame)
    return frame


def undone(frame: bytes) -> bytes:
    """Give the delta that takes one back."""
    return re.sub(rb'"delta_fp":"(-?)', lambda found: b'"delta_fp":"' + (b"" if found[1] else b"-"), frame)


def stamp(now_ns: int) -> bytes:
    """Write a time to the microsecond, as the exchange writes ``ts``."""
    second, rest = divmod(now_ns // 1_000, 1_000_000)
    return b"%b.%06dZ" % (second_text(second), rest)


@lru_cache(maxsize=4)
def second_text(second: int) -> bytes:
    return datetime.fromtimestamp(second, timezone.utc).isoformat()[:19].encode()


class PreparedExchange:
    """Serves a round to one client at a time (``kalshi_book.sim.serving.ServedExchange``)."""

    next_due_ns = None

    def __init__(self, made: Round) -> None:
        self.round = made
        self.listings = made.listings
        self.keyring: Keyring | None = None
        self.on_sooner: Callable[[], None] | None = None
        self.now_ns = time.time_ns()
        self.connection: PreparedConnection | None = None

    def advance(self, now_ns: int) -> None:
        self.now_ns = now_ns

    def admit(self, path: str, headers: Mapping[str, str]) -> Account | Refusal:
        assert self.keyring is not None
        found = self.keyring.account_of(path, headers, now_ms=self.now_ns // 1_000_000)
        return Refusal(401, found.reason) if isinstance(found, Unauthorized) else Account(found)

    def connect(self, account: Account) -> PreparedConnection:
        self.connection = PreparedConnection(self, account)
        return self.connection


class PreparedConnection:
    """One client. A command that comes within a round waits until books are again what the session knows of them."""

    is_urgent = False

    def __init__(self, exchange: PreparedExchange, account: Account) -> None:
        self.on_ready: Callable[[], None] | None = None
        self._replies: list[bytes] = []
        self._session = Session(
            exchange, account=account.name, rules=Rules(), now_ns=time.time_ns,
            write=lambda frame: self._replies.append(frame.payload),
        )  # fmt: skip
        self._frames = exchange.round.frames
        self._at = self._left = 0
        self._commands: list[str | bytes] = []

    def receive(self, data: str | bytes) -> None:
        self._commands.append(data)
        self._wake()

    def send(self, frames: int) -> None:
        """Let so many more frames be sent."""
        self._left += frames
        self._wake()

    def take(self) -> list[bytes]:
        """Give what is to be sent now."""
        if self._at == 0 and self._commands:
            for command in self._commands:
                self._session.command(command)
            self._commands.clear()
        taken, self._replies = self._replies, []
        frames = self._frames[self._at : self._at + min(self._left, TAKEN)]
        if frames:
            sub, now_ns = self._session.subscriptions[BOOK], time.time_ns()
            times = stamp(now_ns), now_ns // 1_000_000
            taken += [frame % (sub.sid, seq, times[1], *times) for seq, frame in enumerate(frames, sub.seq + 1)]
            sub.seq += len(frames)
            self._left -= len(frames)
            self._at = (self._at + len(frames)) % len(self._frames)
        return taken

    def closed(self) -> None:
        self._left = 0

    def _wake(self) -> None:
        if self.on_ready is not None:
            self.on_ready()
