"""``Live`` in plain loops: the client of ``kb.connect``, in a thread of its own, for whoever calls it from others."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from queue import Empty
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from .. import events, live
from ..book import OrderBook
from ..errors import BookNotLive, NotInTime, UsageError
from ..interest import ChannelStatus
from ..live.consumers import OnError
from ..live.desire import TIMEOUT_S
from ..live.hub import checked_s
from ..live.metrics import Metrics
from ..live.queues import SIZE, AnyUpdate, Policy
from .exchange import Exchange
from .handlers import Worker
from .portal import Portal, closed
from .streams import Stream, Tap, stream_of

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[[Any], object])

AGAIN_S: Final = 0.1
"""What is waited for is looked at so often: of answers, of what other threads say and of the clock nothing tells."""

_OPEN: Final[set[Live]] = set()
"""Those that are open: in the child of a fork they are not."""


def _command(method: Callable[Concatenate[live.Live, P], Awaitable[T]]) -> Callable[Concatenate[Live, P], T]:
    """Make a command that is awaited one that waits."""

    def command(self: Live, /, *args: P.args, **kwargs: P.kwargs) -> T:
        given = _given(method, args, kwargs)

        async def there() -> T:
            return await given(self._client)

        return self._portal.run(there)

    functools.update_wrapper(command, method)
    return command


def _call(method: Callable[Concatenate[live.Live, P], T]) -> Callable[Concatenate[Live, P], T]:
    """Make a plain function of the client one that other threads may call."""

    def call(self: Live, /, *args: P.args, **kwargs: P.kwargs) -> T:
        given = _given(method, args, kwargs)
        return self._portal.call(lambda: given(self._client))

    functools.update_wrapper(call, method)
    return call


def _given(method: Callable[..., T], args: Iterable[Any], kwargs: Mapping[str, Any]) -> Callable[[live.Live], T]:
    """Take arguments. Iterators are gone through here: what they do, ask REST, say, would hold up the client's thread."""
    args = [_listed(each) for each in args]
    kwargs = {name: _listed(each) for name, each in kwargs.items()}
    return lambda client: method(client, *args, **kwargs)


def _listed(given: object) -> object:
    return list(given) if isinstance(given, Iterator) else given


class Live:
    """The client in plain loops. Made by ``connect``; any thread may use it.

    What has no text of its own here is as in ``kb.Live``, whose documentation it has.
    """

    def __init__(self, client: live.Live) -> None:
        self._client = client
        self._portal = Portal()
        self._workers: list[Worker] = []
        client._hub.way_in = "with kb.sync.connect(...) as live"

    def __repr__(self) -> str:
        return repr(self._client)

    # Its life.

    def __enter__(self) -> Live:
        self._portal.check()
        if self._portal.is_started:
            raise UsageError("a client is entered once: make another one by kb.sync.connect")
        try:
            _OPEN.add(self)
            self._portal.start(self._finish)
            for worker in self._workers:
                worker.start()
            self._portal.run(self._client.__aenter__)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self.close()
        except KeyboardInterrupt:
            self.close()  # it may have come before the first line of that one was done
            raise

    def close(self) -> None:
        """End everything: connections (with a closing handshake), streams, handlers, the thread. Some seconds at most.

        Ctrl-C meanwhile is raised when all of it has ended.

        Raises:
            UsageError: an event loop runs in this thread. Nothing was changed.
        """
        self._portal.check_end()
        try:
            self._portal.end()
        finally:
            self._forsake()
            _OPEN.discard(self)
            for worker in self._workers:
                worker.stop()
            for worker in self._workers:
                worker.join()

    async def _finish(self) -> None:
        """What the thread does last."""
        try:
            await self._client.close()
        finally:
            self._forsake()

    def _forsake(self) -> None:
        """Nobody keeps the books any more, so none is LIVE; whatever went wrong on the way here."""
        for lane in self._client._lanes:
            lane.feed._stale_books(None, "disconnected")

    # Books.

    @property
    def books(self) -> Mapping[str, OrderBook]:
        """The books held or desired, by market ticker."""
        return self._client.books

    @property
    def proven_ns(self) -> int | None:
        """The last proof of life (as in ``kb.Live``). It is looked at from here: it tells, too, that the thread hangs."""
        return self._client.proven_ns

    def frozen(self, *, timeout_s: float = TIMEOUT_S) -> AbstractContextManager[None]:
        """Let nothing change for a moment: ``with live.frozen():`` reads several books, or a book and its ``seq``, as one.

        The client's thread stands still meanwhile, between two reads of the socket: read, and leave. Inside of it nothing
        that waits for the client can be called.

        Args:
            timeout_s: how long to wait for the moment, in seconds.

        Raises:
            NotInTime: the client's thread is busy.
            UsageError: the client is not open.
        """
        return self._portal.frozen(checked_s(timeout_s))

    def wait(self, is_so: Callable[[], T], *, timeout_s: float = TIMEOUT_S) -> T:
        """Wait until something is so: ``live.wait(lambda: book.spread_in_ticks == 1)``.

        Args:
            is_so: called in this thread, at once, again after each update and event, and ten times a second beside that.
                ``BookNotLive`` from it means "not yet".
            timeout_s: how long to wait, in seconds.

        Returns:
            What it gave: anything true.

        Raises:
            NotInTime: it did not become so.
            UsageError: the client is not open, or was closed meanwhile.
        """
        ends = time.monotonic() + checked_s(timeout_s)
        portal, client = self._portal, self._client
        portal.require_started()

        def listen() -> list[live.Stream[Any]]:
            streams: list[live.Stream[Any]] = [client.updates(), client.events()]
            for stream in streams:
                Tap(stream, bell)
            return streams

        with portal.waiting() as bell, contextlib.ExitStack() as stack:
            for stream in portal.call(listen):
                stack.callback(portal.soon, stream.close)
            while True:
                is_open = client._hub.state == "open"
                with contextlib.suppress(BookNotLive):
                    if found := is_so():
                        return found
                if not is_open:
                    raise closed()
                if (left_s := ends - time.monotonic()) <= 0:  # also while something rings without a pause
                    raise NotInTime("expected it to become so, found that it is not", timeout_s)
                with contextlib.suppress(Empty):
                    bell.get(timeout=min(left_s, AGAIN_S))

    book = _command(live.Live.book)
    all_live = _command(live.Live.all_live)
    set_market = _call(live.Live.set_market)
    confirm_orders = _call(live.Live.confirm_orders)

    # Commands.

    subscribe = _command(live.Live.subscribe)  # type: ignore[arg-type]  # one of its flags might be called "self"
    unsubscribe = _command(live.Live.unsubscribe)
    add_markets = _command(live.Live.add_markets)
    remove_markets = _command(live.Live.remove_markets)
    get_snapshot = _command(live.Live.get_snapshot)
    list_subscriptions = _command(live.Live.list_subscriptions)
    index_list = _command(live.Live.index_list)
    underlying_list = _command(live.Live.underlying_list)

    # Consumers.

    def __iter__(self) -> Stream[AnyUpdate]:
        """Iterate over everything that is subscribed, from now on. Each ``for`` is a consumer of its own."""
        return self.updates()

    def updates(
        self,
        *channels: str,
        market_tickers: Iterable[str] | None = None,
        policy: Policy = "conflate",
        size: int = SIZE,
        name: str = "a stream of updates",
    ) -> Stream[AnyUpdate]:
        """Give a stream of updates, from now on; arguments and errors are those of ``kb.Live.updates``."""
        options: dict[str, Any] = {"market_tickers": market_tickers, "policy": policy, "size": size, "name": name}
        return stream_of(self._portal, lambda: self._client.updates(*channels, **options))

    def events(self) -> Stream[events.SessionEvent]:
        """Give a stream of what happens to connections, subscriptions and books, from now on (``kalshi_book.events``)."""
        return stream_of(self._portal, self._client.events)

    def on(
        self,
        *channels: str,
        market_tickers: Iterable[str] | None = None,
        policy: Policy = "conflate",
        size: int = SIZE,
        on_error: OnError = "report",
    ) -> Callable[[F], F]:
        """Let a plain function be called with each update, in a thread of its own, one call after another.

        Arguments and errors are those of ``kb.Live.on``.
        """
        register = self._client.on(*channels, market_tickers=market_tickers, policy=policy, size=size, on_error=on_error)

        def registered(function: F) -> F:
            worker = Worker(function)
            self._portal.call(lambda: register(worker))
            self._workers.append(worker)
            if self._portal.is_started and not self._portal.is_over:
                worker.start()
            return function

        return registered

    def off(self, function: Callable[..., Any]) -> None:
        """Call a function no more that ``on`` registered. The call that it is in ends by itself.

        Raises:
            UsageError: it is not registered.
        """
        mine = [worker for worker in self._workers if worker.function == function]
        if not mine:
            raise UsageError(f"{function!r} is not registered")
        for worker in mine:
            self._workers.remove(worker)
            self._portal.call(functools.partial(self._client.off, worker))
            worker.stop()

    # Figures.

    @property
    def metrics(self) -> Metrics:
        """What was counted so far: a new object. O(books)."""
        return self._portal.call(lambda: self._client.metrics)

    @property
    def subscriptions(self) -> dict[str, ChannelStatus]:
        """How each channel stands: a new dict, as in ``kb.Live``."""
        return self._portal.call(lambda: self._client.subscriptions)

    @property
    def exchange(self) -> Any:
        """The simulated exchange of ``kb.sync.connect("sim")``, else None. What is done with it is done in its thread."""
        client = self._client
        return None if client.exchange is None else Exchange(self._portal, lambda: client.exchange)


def _in_plain_loops(connect: Callable[P, live.Live]) -> Callable[P, Live]:
    def plain(*args: P.args, **kwargs: P.kwargs) -> Live:
        return Live(connect(*args, **kwargs))

    functools.update_wrapper(plain, connect)
    return plain


connect = _in_plain_loops(live.connect)


def _forked() -> None:
    for each in _OPEN:  # kept: the end of an event loop would reach into that of the parent
        each._portal.lose()
        each._forsake()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # not on every system
    os.register_at_fork(after_in_child=_forked)
