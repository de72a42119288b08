"""``Live``: the client, made by ``kb.connect``. Its life, and those who listen to it.

What it wants stands in ``desire.py``, what it can be asked in ``questions.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from .. import events
from ..errors import UsageError
from ..feed import checked_tickers
from ..kinds import Effect, Kind
from .auth import KeySigner
from .consumers import Handler, OnError, Stream
from .environments import SIM
from .hub import Hub, Settings, World
from .metrics import Metrics
from .questions import Questions
from .queues import SIZE, AnyUpdate, EventQueue, Policy, UpdateQueue

F = TypeVar("F", bound=Callable[[Any], Awaitable[None] | None])


class Live(Questions):
    """The client: books, what happens, and what is wanted. Made by ``connect``; used in one event loop.

    Attributes:
        books: the books held or desired, by market ticker.
        exchange: the simulated exchange of ``kb.connect("sim")``, else None.
    """

    def __init__(self, settings: Settings, world: World, market_tickers: Iterable[str]) -> None:
        super().__init__(Hub(settings, world))
        self._first_tickers = checked_tickers(market_tickers)
        self._handlers: list[Handler] = []
        self._around = contextlib.AsyncExitStack()
        self._closed: asyncio.Future[None] | None = None
        self.exchange: Any = None

    def __repr__(self) -> str:
        is_open = sum(lane.session is not None for lane in self._lanes)
        return f"<Live {self._hub.state}: {is_open} of {len(self._lanes)} connections open, {self.books!r}>"

    # Its life.

    async def __aenter__(self) -> Live:
        if self._hub.state != "new":
            raise UsageError("a client is entered once: make another one by kb.connect")
        self._hub.state = "open"
        try:
            if self._hub.settings.url == SIM:
                await self._simulate()
            self._add_lane()
            self._want_books(self._first_tickers, {})
            for handler in self._handlers:
                handler.start()
            await asyncio.shield(self._lanes[0].first)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _simulate(self) -> None:
        from ..sim import serve

        served = self.exchange = await self._around.enter_async_context(serve(key_type="ed25519"))
        assert served.key_id is not None and served.private_key_path is not None
        pem = Path(served.private_key_path).read_bytes()
        self._hub.settings = replace(self._hub.settings, url=served.url, signer=KeySigner(served.key_id, pem))

    async def close(self) -> None:
        """End everything: connections (with a closing handshake), streams, handlers, tasks. Some seconds at most.

        Once somebody has called it, everybody else who does waits for that call to end.
        """
        if self._closed is not None:
            await asyncio.shield(self._closed)
            return
        self._closed = asyncio.get_running_loop().create_future()
        self._hub.close()
        try:
            for handler in self._handlers:
                handler.end()
            for bell in list(self._hub.bells):
                bell.end()
            await asyncio.gather(*(lane.close() for lane in self._lanes))
        finally:
            for lane in self._lanes:
                lane.first.cancel()
            try:
                await self._hub.tasks.end()
                self._hub.reports.flush(self._hub.now_ns(), is_end=True)
                await self._around.aclose()
            finally:
                self._closed.set_result(None)

    # Consumers.

    def __aiter__(self) -> Stream[AnyUpdate]:
        """Iterate over everything that is subscribed: changes of LIVE books, and what comes on other channels.

        Each ``async for`` is a consumer of its own, which sees what comes from its beginning on: what came before shows in
        the books, and what comes between two of them goes unseen. ``updates`` gives one to keep.
        """
        return self.updates()

    def updates(
        self,
        *channels: str,
        market_tickers: Iterable[str] | None = None,
        policy: Policy = "conflate",
        size: int = SIZE,
        name: str = "a stream of updates",
    ) -> Stream[AnyUpdate]:
        """Give a stream of updates, from now on. Each consumer takes one of its own.

        Args:
            channels: whose updates; none: of all. Of the order book, changes of LIVE books alone; trouble is an event.
            market_tickers: of which markets; None: of all.
            policy: ``"conflate"``: where the consumer is slow, a later update of a market's book or ticker takes the place
                of an earlier one (``ConflatedUpdate``), and of nothing else. ``"all"``: all of them.
            size: how many updates may wait. What is more raises ``ConsumerOverrun`` in the iteration, with the count.
            name: for errors and events.

        Raises:
            UsageError: no such channel or policy.
        """
        queue = self._queue(name, channels, market_tickers, policy, size)
        return self._stream(queue, lambda: self._hub.remove(queue))

    def _stream(self, queue: UpdateQueue | EventQueue, remove: Callable[[], None]) -> Stream[Any]:
        stream: Stream[Any] = Stream(queue, remove, self._hub.bells)
        if self._hub.state == "closed":
            stream.close()
        return stream

    def _queue(
        self, name: str, channels: Collection[str], market_tickers: Iterable[str] | None, policy: Policy, size: int
    ) -> UpdateQueue:
        tickers = None if market_tickers is None else checked_tickers(market_tickers)
        queue = UpdateQueue(name, channels=channels or None, market_tickers=tickers, policy=policy, size=size)
        self._hub.add(queue)
        return queue

    def on(
        self,
        *channels: str,
        market_tickers: Iterable[str] | None = None,
        policy: Policy = "conflate",
        size: int = SIZE,
        on_error: OnError = "report",
    ) -> Callable[[F], F]:
        """Let a function be called with each update: ``@live.on("ticker")``. It may be plain or asynchronous.

        It runs in a task of its own, one call after another. What it raises is told (``events.HandlerFailed``) and counted.

        Args:
            channels: as in ``updates``.
            market_tickers: as there.
            policy: as there.
            size: as there.
            on_error: ``"report"``: it goes on; ``"detach"``: it is called no more.

        Raises:
            UsageError: no such channel, policy or way with errors.
        """
        if channels and callable(channels[0]):
            raise UsageError('expected names of channels, found a function: write @live.on() or @live.on("ticker")')
        if on_error not in ("report", "detach"):
            raise UsageError(f'on_error is "report" or "detach", not {on_error!r}')

        def register(function: F) -> F:
            name = f"handler {getattr(function, '__qualname__', repr(function))}"
            handler = Handler(
                self._hub, function, self._queue(name, channels, market_tickers, policy, size), on_error=on_error
            )
            self._handlers.append(handler)
            if self._hub.state == "open":
                handler.start()
            return function

        return register

    def off(self, function: Callable[..., Any]) -> None:
        """Call a function no more that ``on`` registered.

        Raises:
            UsageError: it is not registered.
        """
        mine = [handler for handler in self._handlers if handler.function == function]  # bound methods are made anew
        if not mine:
            raise UsageError(f"{function!r} is not registered")
        for handler in mine:
            self._handlers.remove(handler)
            handler.stop()

    def events(self) -> Stream[events.SessionEvent]:
        """Give a stream of what happens to connections, subscriptions and books, from now on (``kalshi_book.events``)."""
        queue = EventQueue()
        hub = self._hub
        hub.event_queues = (*hub.event_queues, queue)

        def remove() -> None:
            if queue not in hub.event_queues:
                return  # nothing is written: this may be called by the garbage collector, in any thread
            hub.event_queues = tuple(each for each in hub.event_queues if each is not queue)

        return self._stream(queue, remove)

    # Figures.

    @property
    def metrics(self) -> Metrics:
        """What was counted so far: a new object. O(books)."""
        hub, tally = self._hub, self._hub.tally
        feeds = [lane.feed for lane in self._lanes]
        counts: Counter[tuple[Kind, Effect]] = Counter()
        for feed in feeds:
            counts.update(feed.counts)
        sessions = [lane.session for lane in self._lanes if lane.session is not None]
        return Metrics(
            connections=len(self._lanes),
            open=len(sessions),
            attempts=tally.attempts,
            connects=tally.connects,
            disconnects=tally.disconnects,
            frames=sum(counts.values()),
            bytes=tally.bytes,
            late_frames=tally.late_frames,
            counts=counts,
            skipped=sum(feed.skipped for feed in feeds),
            gaps=tally.gaps,
            recovered=tally.recovered,
            audits=sum(sum(feed.audits) for feed in feeds),
            audits_differed=sum(feed.audits[1] for feed in feeds),
            audits_unanswered=tally.audits_unanswered,
            probes=tally.probes,
            stalls=tally.stalls,
            conflated=hub.conflated + sum(queue.conflated for queue in hub.queues),
            lost=hub.lost + sum(queue.lost for queue in hub.queues),
            handler_errors=hub.handler_errors,
            books=len(self.books),
            live_books=sum(book.is_live for book in self.books.values()),
            max_lag_ns=tally.max_lag_ns,
            round_trip_ns=sessions[0].round_trip_ns if sessions else None,
            clock_skew_ms=tally.clock_skew_ms,
            ages={name: counter.value() for name, counter in tally.ages.items()},
        )
