"""Those who want to see what comes: streams that are iterated over, and handlers that are called.

Each has a queue of its own (``queues.py``), so none can hold up another, and none the reader. A handler runs in a task of
its own, one update after another, in order. What it raises is told and counted, and it goes on; what takes long, too.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, Literal, TypeVar, cast

from .. import events
from ..errors import ConsumerOverrun, UsageError
from .hub import LOG, Hub
from .queues import AnyUpdate, EventQueue, UpdateQueue

SLOW_NS: Final = 5_000_000_000
"""A handler that has not returned for so long is told of."""

OnError = Literal["report", "detach"]

T = TypeVar("T", bound="AnyUpdate | events.SessionEvent")


class Bell:
    """Wakes whoever waits for a queue. Queue and client know the bell and not the stream, so that one can go unread."""

    __slots__ = ("is_over", "waiter")

    def __init__(self) -> None:
        self.waiter: asyncio.Future[None] | None = None
        self.is_over = False

    def ring(self) -> None:
        """There is something."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def end(self) -> None:
        """Nothing more comes."""
        self.is_over = True
        self.ring()


class Stream(Generic[T]):
    """An asynchronous iterator over what comes, for one consumer. It ends when the client is closed, or by ``close``.

    Raises:
        ConsumerOverrun: while iterating: the consumer was too slow. Iterating again goes on with what came later.
    """

    def __init__(self, queue: UpdateQueue | EventQueue, remove: Callable[[], None], bells: set[Bell]) -> None:
        self._queue = queue
        self._remove = remove
        self._bell = Bell()
        self._bells = bells
        bells.add(self._bell)
        queue.on_item = self._bell.ring

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        bell, queue = self._bell, self._queue
        while not queue.is_ready:
            if bell.is_over:
                raise StopAsyncIteration
            if bell.waiter is not None:
                raise UsageError("another task waits for this stream already: give each consumer a stream of its own")
            bell.waiter = asyncio.get_running_loop().create_future()
            try:
                await bell.waiter
            finally:
                bell.waiter = None
        return cast(T, queue.take())

    def heard_by(self, bell: Bell) -> UpdateQueue | EventQueue:
        """Let another bell ring instead of its own, and give the queue to whoever takes from it without awaiting."""
        self._bells.discard(self._bell)
        bell.is_over = self._bell.is_over
        self._bell = bell
        self._bells.add(bell)
        self._queue.on_item = bell.ring
        return self._queue

    def close(self) -> None:
        """Let nothing more come. What waits still is given, then the iteration ends."""
        self._remove()
        self._bells.discard(self._bell)
        self._bell.end()

    def __del__(self) -> None:
        self._remove()  # whoever left the iteration half-way never looks again
        self._bells.discard(self._bell)


class Handler:
    """A function that is called with each update.

    Args:
        hub: of the client.
        function: plain or asynchronous.
        queue: what waits for it.
        on_error: what becomes of it when it raises: it goes on (``"report"``) or is called no more (``"detach"``).

    Attributes:
        errors: how often it raised.
    """

    def __init__(
        self, hub: Hub, function: Callable[[Any], Awaitable[None] | None], queue: UpdateQueue, *, on_error: OnError
    ) -> None:
        self.function = function
        self.errors = 0
        self._hub = hub
        self._queue = queue
        self._name = queue.name
        self._detaches = on_error == "detach"
        self._busy_since_ns: int | None = None
        self._is_told = False
        self._is_over = False
        self._task: asyncio.Task[None] | None = None
        self._stream: Stream[AnyUpdate] = Stream(queue, lambda: hub.remove(queue), hub.bells)

    def start(self) -> None:
        """Call it from now on."""
        self._hub.ticking.append(self._tick)
        self._task = self._hub.tasks.start(self._run(), self._name)

    def stop(self) -> None:
        """Call it no more; the call that is under way ends by itself."""
        self._is_over = True
        self._stream.close()

    def end(self) -> None:
        """The client is closed."""
        self.stop()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while not self._is_over:
                try:
                    update = await self._stream.__anext__()
                except StopAsyncIteration:
                    return
                except ConsumerOverrun as error:
                    self._hub.tell(events.UpdatesLost(self._name, error.lost))
                    continue
                if not self._is_over:  # it may have been taken off between the ring of the bell and now
                    await self._call(update)
        finally:
            self._hub.ticking.remove(self._tick)
            self._stream.close()

    async def _call(self, update: AnyUpdate) -> None:
        self._busy_since_ns, self._is_told = self._hub.now_ns(), False
        try:
            result = self.function(update)
            if inspect.isawaitable(result):
                await result
        except (KeyboardInterrupt, SystemExit):  # the whole program is to end
            raise
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and self._is_over:
                raise
            self._failed(error)
        finally:
            self._busy_since_ns = None

    def _failed(self, error: BaseException) -> None:
        self.errors += 1
        if self._detaches:
            self.stop()
        if self.errors == 1:
            LOG.log(logging.ERROR, "%s raised; this is told once with its traceback", self._name, exc_info=error)
        text = f"{type(error).__name__}: {error}"
        self._hub.handler_errors += 1
        self._hub.tell(events.HandlerFailed(self._name, text, self.errors, self._detaches))

    def _tick(self, now_ns: int) -> None:
        if self._busy_since_ns is not None and not self._is_told and now_ns - self._busy_since_ns >= SLOW_NS:
            self._is_told = True
            self._hub.tell(events.HandlerSlow(self._name, now_ns - self._busy_since_ns))
