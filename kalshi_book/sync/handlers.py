"""Handlers, each in a thread of its own: a slow one holds up neither the reader of frames nor the caller."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final

from ..errors import UsageError
from ..live.hub import LOG
from ..live.queues import AnyUpdate

END_S: Final = 2.0
"""How long the call that a handler is in is waited for when the client is closed."""


class Worker:
    """What the client awaits in a handler's place: the call is made in the handler's thread.

    Args:
        function: a plain function of one update.

    Raises:
        UsageError: it is asynchronous.
    """

    def __init__(self, function: Callable[[Any], object]) -> None:
        if inspect.iscoroutinefunction(function):
            raise UsageError(f"{function!r} is asynchronous: here a handler is a plain function, which runs in a thread")
        self.function = function
        self.__qualname__ = getattr(function, "__qualname__", repr(function))  # its name in events and logs
        self._calls: SimpleQueue[tuple[AnyUpdate, asyncio.Future[BaseException | None]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"handler {self.__qualname__}", daemon=True)

    def start(self) -> None:
        """Let the thread run."""
        self._thread.start()

    async def __call__(self, update: AnyUpdate) -> None:
        """Let the function be called, and raise what it raised."""
        done: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
        self._calls.put((update, done))
        if (error := await done) is not None:
            raise error

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            update, done = call
            raised: BaseException | None = None
            try:
                self.function(update)
            except Exception as error:
                raised = error
            except BaseException as error:  # would end the client's thread
                raised = UsageError(f"a handler cannot end the program from its thread: {error!r}")
            with contextlib.suppress(RuntimeError):  # the loop is closed
                done.get_loop().call_soon_threadsafe(_settle, done, raised)
            del call, update, done, raised

    def stop(self) -> None:
        """Let the thread end after the call that it is in."""
        self._calls.put(None)

    def join(self) -> None:
        """Wait until it ended: the call that it is in is given some time, and then told of."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(END_S)
            if self._thread.is_alive():
                LOG.log(logging.ERROR, "handler %s does not return: it is left to itself", self.__qualname__)


def _settle(done: asyncio.Future[BaseException | None], raised: BaseException | None) -> None:
    if not done.done():
        done.set_result(raised)
