"""Iterators over what comes, for threads: the loop's thread takes it out of a queue, a hundred at a time."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from queue import Empty
from typing import Any, Final, Generic, TypeVar

from .. import events
from ..errors import ConsumerOverrun, NotInTime, UsageError
from ..live import consumers
from ..live.desire import TIMEOUT_S
from ..live.hub import checked_s
from ..live.queues import AnyUpdate
from .portal import Bell, Portal

AT_ONCE: Final = 100
"""So many wait outside of their queue at most, where they are no longer conflated."""

ANSWER_S: Final = 1.0
"""The client's thread is given so long to say whether there is something, however short the wait for it is to be."""

T = TypeVar("T", bound="AnyUpdate | events.SessionEvent")


class Basket(consumers.Bell):
    """What was taken out of a queue for other threads. But for ``taken``, the loop's thread alone touches it."""

    __slots__ = ("_queue", "_waiting", "taken")

    def __init__(self, stream: consumers.Stream[Any]) -> None:
        super().__init__()
        self.taken: deque[Any] = deque()
        self._waiting: set[Bell] = set()
        self._queue = stream.heard_by(self)

    def want(self, bell: Bell) -> None:
        """Tell whether there is something, and if not, also when there is."""
        self._fill()
        is_there = bool(self.taken) or self.is_over
        if not is_there:
            self._waiting.add(bell)
        bell.put(is_there)

    def forget(self, bell: Bell) -> None:
        """Tell it no more."""
        self._waiting.discard(bell)

    def ring(self) -> None:
        """There is something, or the end."""
        if self._waiting or self.is_over:
            self._fill()
            while self._waiting:
                self._waiting.pop().put(True)

    def end(self) -> None:
        """Nothing more comes. What waits still is taken out first: whoever sees the end may have all of it."""
        self._fill(is_end=True)
        super().end()

    def _fill(self, *, is_end: bool = False) -> None:
        while self._queue.is_ready and (is_end or self.is_over or len(self.taken) < AT_ONCE):
            try:
                self.taken.append(self._queue.take())
            except ConsumerOverrun as error:
                self.taken.append(error)


class Tap(consumers.Bell):
    """Tells a thread that something came, and keeps nothing of it."""

    __slots__ = ("_bell", "_queue")

    def __init__(self, stream: consumers.Stream[Any], bell: Bell) -> None:
        super().__init__()
        self._bell = bell
        self._queue = stream.heard_by(self)

    def ring(self) -> None:
        """There is something, or the end."""
        while self._queue.is_ready:
            self._queue.take()
        if self._bell.empty():
            self._bell.put(True)


class Stream(Generic[T]):
    """An iterator over what comes, for one consumer. It ends when the client is closed, or by ``close``.

    Raises:
        ConsumerOverrun: while iterating: the consumer was too slow. Iterating again goes on with what came later.
    """

    def __init__(self, portal: Portal, stream: consumers.Stream[T]) -> None:
        self._portal = portal
        self._stream = stream
        self._basket = Basket(stream)

    def __iter__(self) -> Stream[T]:
        return self

    def __next__(self) -> T:
        found = self._next(None)
        if found is None:
            raise StopIteration
        return found

    def next(self, *, timeout_s: float = TIMEOUT_S) -> T:
        """Give what comes next.

        Args:
            timeout_s: how long to wait, in seconds; 0: only for what is there.

        Raises:
            NotInTime: nothing came.
            ConsumerOverrun: the consumer was too slow.
            UsageError: the stream is over, since it or the client was closed.
        """
        found = self._next(checked_s(timeout_s))
        if found is None:
            raise UsageError("the stream is over, since it or its client was closed: a for loop ends there by itself")
        return found

    def _next(self, timeout_s: float | None) -> T | None:
        """Give what comes next; None: nothing more."""
        ends = None if timeout_s is None else time.monotonic() + timeout_s
        portal, basket = self._portal, self._basket
        while True:
            is_over = basket.is_over or portal.is_over  # first: what was taken before the end is given still
            found: T | ConsumerOverrun | None = None
            with contextlib.suppress(IndexError):  # looked at and taken at once, since other threads may take, too
                found = basket.taken.popleft()
            if isinstance(found, ConsumerOverrun):
                raise found
            if found is not None:
                return found
            portal.check()
            if is_over:
                return None
            self._wait(ends, timeout_s)

    def _wait(self, ends: float | None, timeout_s: float | None) -> None:
        """Wait until there may be something."""
        portal, basket = self._portal, self._basket
        portal.require_started()
        with portal.waiting() as bell:
            try:
                portal.soon(basket.want, bell)
                wait_s = None if ends is None else ends - time.monotonic()
                if bell.get(timeout=None if wait_s is None else max(ANSWER_S, wait_s)) is False:
                    bell.get(timeout=None if ends is None else max(0, ends - time.monotonic()))
            except Empty:
                assert timeout_s is not None
                raise NotInTime("expected something to come, found nothing", timeout_s) from None
            finally:
                portal.soon(basket.forget, bell)

    def close(self) -> None:
        """Let nothing more come. What waits still is given, then the iteration ends."""
        self._portal.call(self._stream.close)

    def __del__(self) -> None:
        self._portal.soon(self._stream.close)  # there, since it is a consumer of the loop's thread


def stream_of(portal: Portal, make: Callable[[], consumers.Stream[T]]) -> Stream[T]:
    """Make a stream where its queue is filled."""
    return portal.call(lambda: Stream(portal, make()))
