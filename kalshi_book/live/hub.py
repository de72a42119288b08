"""What all connections of one client share: who listens, what is counted, what is waited for, and the tasks."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import ssl
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, Literal

from msgspec import Struct

from .. import events
from .._backend import Update
from ..errors import UsageError
from ..pace import SECOND_NS, Pace
from .auth import Signer
from .backoff import ConnectBudget, Random
from .heard import Heard
from .metrics import Tally
from .queues import EventQueue, UpdateQueue
from .reports import Reports

LOG: Final = logging.getLogger("kalshi_book.live")

END_S: Final = 1.0
END_TRIES: Final = 3
"""For a task to end that is cancelled, and how often it is."""

_LEVELS: Final[dict[type, int]] = {
    events.Connected: logging.INFO,
    events.CommandSent: logging.DEBUG,
    events.Recovered: logging.INFO,
    events.LoopLagged: logging.INFO,
    events.HandlerFailed: logging.ERROR,
    events.Fault: logging.ERROR,
    events.AuditDiffered: logging.ERROR,
}


def _wall_ns() -> int:
    return time.time_ns()  # looked up at each call: a virtual run puts its own clock there


_SLEEPS_AND_STOPS: Final = (("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"), ("CLOCK_MONOTONIC", "CLOCK_UPTIME_RAW"))
"""Names of a clock that goes on while the machine sleeps, and of one that stops: of Linux, and of macOS."""


class SleepClock:
    """How long the machine slept since this was made, in nanoseconds: by two clocks, and 0 where there is only one.

    Args:
        on: a clock that goes on meanwhile, in nanoseconds.
        off: one that stops.
    """

    def __init__(self, on: Callable[[], int], off: Callable[[], int]) -> None:
        self._on, self._off = on, off
        self._began_ns = on() - off()
        self._slept_ns = 0

    def __call__(self) -> int:
        """Look. The clocks are read one after the other, so that less than a second says nothing."""
        slept_ns = self._on() - self._off() - self._began_ns
        if slept_ns - self._slept_ns > SECOND_NS:
            self._slept_ns = slept_ns
        return self._slept_ns

    @classmethod
    def real(cls) -> SleepClock:
        """The system's."""
        for names in _SLEEPS_AND_STOPS:
            if all(hasattr(time, name) for name in names):  # pragma: no branch  # on Linux the first two
                return cls(*(partial(time.clock_gettime_ns, getattr(time, name)) for name in names))
        return cls(int, int)  # pragma: no cover  # there, an event loop's clock goes on itself


class World(Struct, frozen=True):
    """What a client takes from the world beside its event loop, whose ``time()`` is its monotonic clock.

    Attributes:
        wall_ns: the wall clock, unix nanoseconds: for signatures and stamps, never for deadlines.
        rng: what jitter is drawn from.
        environ: variables of the environment.
        slept_ns: how long the machine slept so far: the clock of an event loop stands still then, and the exchange does not.
    """

    wall_ns: Callable[[], int]
    rng: Random
    environ: Any
    slept_ns: Callable[[], int] = int

    @classmethod
    def real(cls) -> World:
        """The system's. In a virtual run all of it follows the run's seed and clock."""
        return cls(_wall_ns, random.SystemRandom(), os.environ, SleepClock.real())


class Settings(Struct, frozen=True, kw_only=True):
    """What a client was told when it was made.

    Attributes:
        url: where to connect to.
        signer: as whom.
        tls: whom to trust, or None: as the system does.
        max_silence_ns: from how long a silence on books are STALE.
        audit_ns: between two audits of a connection, or None: never.
        markets_per_connection: how many books a connection carries.
        pace: of the feeds.
    """

    url: str
    signer: Signer
    tls: ssl.SSLContext | None
    max_silence_ns: int
    audit_ns: int | None
    markets_per_connection: int
    pace: Pace


class Tasks:
    """All tasks of a client: started here alone, held, and gone when ``end`` returns."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a coroutine."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def end(self) -> None:
        """Cancel all, and wait until they are gone: but the one that asks, where a handler closes its client.

        What swallows its cancellation is cancelled again, some seconds long; then it is told, and left to itself.
        """
        me = asyncio.current_task()
        for _ in range(END_TRIES):
            others = [task for task in self._running if task is not me]
            if not others:
                return
            for task in others:
                task.cancel()
            await asyncio.wait(others, timeout=END_S)
        for task in self._running - {me}:
            LOG.error("%s swallows its cancellation: it is left to itself", task.get_name())

    def __len__(self) -> int:
        return len(self._running)


class Hub:
    """What connections, consumers and their client share.

    Args:
        settings: what the client was told.
        world: clock and chance.
    """

    def __init__(self, settings: Settings, world: World) -> None:
        self.settings = settings
        self.world = world
        self.state: Literal["new", "open", "closed"] = "new"
        self.way_in = "async with kb.connect(...) as live"
        self.tally = Tally()
        self.tasks = Tasks()
        self.reports = Reports(LOG)
        self.connects = ConnectBudget()
        self.heard = Heard()
        # Tuples: while one is gone through, the garbage collector may run and take a consumer out.
        self.queues: tuple[UpdateQueue, ...] = ()
        self.puts: tuple[Callable[[Update], None], ...] = ()  # of the queues: what the reader calls
        self.event_queues: tuple[EventQueue, ...] = ()
        self.bells: set[Any] = set()  # of the streams: rung when the client is closed
        self.ticking: list[Callable[[int], None]] = []  # called from time to time while a connection is open
        self.lost = self.conflated = 0  # of queues that are gone
        self.handler_errors = 0
        self._changes: set[asyncio.Future[None]] = set()
        self._books: dict[str, set[asyncio.Future[None]]] = {}

    def now_ns(self) -> int:
        """The monotonic clock, which goes on while the machine sleeps."""
        return round(asyncio.get_running_loop().time() * 1e9) + self.world.slept_ns()

    # Events.

    def tell(self, event: events.SessionEvent, connection: int = 0) -> None:
        """Let everybody know."""
        tally = self.tally
        if isinstance(event, events.Gap):
            tally.gaps += 1
        elif isinstance(event, events.Recovered):
            tally.recovered += len(event.market_tickers)
        for queue in self.event_queues:
            queue.put(event)
        level = _LEVELS.get(type(event), logging.WARNING)
        if isinstance(event, events.Disconnected) and event.is_wanted:
            level = logging.INFO
        if LOG.isEnabledFor(level):
            self.reports.say(self.now_ns(), level, f"{type(event).__name__}/{connection}", event)

    # Consumers.

    def add(self, queue: UpdateQueue) -> None:
        """Give a consumer what comes from now on."""
        self._set_queues((*self.queues, queue))

    def remove(self, queue: UpdateQueue) -> None:
        """Give it nothing more."""
        if queue in self.queues:
            self._set_queues(tuple(each for each in self.queues if each is not queue))
            self.lost += queue.lost
            self.conflated += queue.conflated

    def _set_queues(self, queues: tuple[UpdateQueue, ...]) -> None:
        self.queues, self.puts = queues, tuple(queue.put for queue in queues)

    # Its life.

    def require_open(self) -> None:
        """Make sure that the client is between its ``async with`` and its end.

        Raises:
            UsageError: it is not.
        """
        if self.state != "open":
            raise UsageError(f'the client is {self.state}: use it inside of "{self.way_in}"')

    def close(self) -> None:
        """Let nobody wait any more."""
        self.state = "closed"
        for waiting in (self._changes, *self._books.values()):
            _resolve(waiting)

    # Waiting.

    def changed(self) -> None:
        """Note that what is held may have changed."""
        _resolve(self._changes)

    def book_changed(self, market_ticker: str) -> None:
        """Note that a book may be LIVE now."""
        if self._books and (waiting := self._books.get(market_ticker)):
            _resolve(waiting)

    async def wait_for(self, is_so: Callable[[], bool], timeout_s: float, *, market_ticker: str | None = None) -> bool:
        """Wait until something is so; look again whenever what is held (or that book) may have changed.

        Returns:
            Whether it became so in time.

        Raises:
            UsageError: the client is closed, or the time is no number of seconds.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + checked_s(timeout_s)
        waiting = self._changes if market_ticker is None else self._books.setdefault(market_ticker, set())
        try:
            while not is_so():
                self.require_open()
                left = ends - loop.time()
                if left <= 0:
                    return False
                future = loop.create_future()
                waiting.add(future)
                try:
                    await asyncio.wait([future], timeout=left)
                finally:
                    waiting.discard(future)
            return True
        finally:
            if market_ticker is not None and not waiting:
                self._books.pop(market_ticker, None)


def checked_s(timeout_s: float) -> float:
    """Take a time to wait.

    Raises:
        UsageError: it is no number of seconds.
    """
    if not isinstance(timeout_s, (int, float)) or not 0 <= timeout_s < float("inf"):
        raise UsageError(f"timeout_s is a number of seconds, 0 or more, not {timeout_s!r}")
    return timeout_s


def _resolve(waiting: set[asyncio.Future[None]]) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(None)
