"""A thread with an event loop, and the way into it from other threads.

Whoever waits here waits in ``SimpleQueue.get``, and is answered by ``put``; what is to be done there goes through
``call_soon_threadsafe``. Neither has a lock that code in Python could be interrupted with: Ctrl-C may be raised between any
two instructions of the main thread, and in the middle of a ``concurrent.futures.Future`` or a ``Condition`` (which a portal
of another library would bring) it can leave a lock behind that the loop's thread would wait for, and so would its end.

The thread is a daemon that is joined all the same: by ``end``, and where nobody called that, when Python ends, which would
otherwise wait for it for ever.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeAlias, TypeVar

from ..errors import NotInTime, UsageError
from ..live.hub import LOG

END_S: Final = 10.0
"""How long an end is waited for: a client closes within a few seconds, unless something holds its thread up."""

T = TypeVar("T")
Bell: TypeAlias = "SimpleQueue[Any]"
"""What one thread waits for: True or a value when there is something, None when nothing comes any more."""


class Portal:
    """One thread with one event loop.

    Attributes:
        is_started: whether it was started; once only.
        is_over: whether it has ended: the loop is closed, and nothing happens there any more.
    """

    def __init__(self) -> None:
        self.is_started = self.is_over = False
        self._is_lost = self._is_finishing = False
        self._first: dict[str, str] = {}  # who came first: the thread, which then runs, or its end, and then it never does
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._waiting: set[Bell] = set()
        self._held: dict[int, Bell] = {}  # what lets the thread go on, by the thread that holds it still

    # Its life.

    def start(self, finish: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let the loop run.

        Args:
            finish: what is done there last, whatever ended it.

        Raises:
            OSError: the system gives no event loop: too many open files, say.
        """
        self.is_started = True
        self._thread = threading.Thread(target=self._live_through, args=(finish,), name="kalshi_book", daemon=True)
        atexit.register(self.end)
        with self.waiting() as started:
            self._started = started
            self._thread.start()
            if isinstance(failure := started.get(), BaseException):
                raise failure

    def end(self) -> bool:
        """Stop the loop, and wait until the thread is gone. Ctrl-C meanwhile is raised when it is.

        Returns:
            Whether it is gone; else something holds it up there, and it is left to itself.

        Raises:
            UsageError: called where it cannot be waited for.
        """
        self.check_end()
        if self._thread is None or self._is_lost:
            return True
        if self._first.setdefault("", "end") == "end":  # it was interrupted before the thread began
            self._over()
            atexit.unregister(self.end)
            with contextlib.suppress(RuntimeError):  # it was not started
                self._thread.join()
            return True
        self.soon(self._stop)
        try:
            return self._join(self._thread)
        except BaseException:
            self._join(self._thread)
            raise

    def check_end(self) -> None:
        """Make sure that this thread may wait for the end, which lets go what it holds still.

        Raises:
            UsageError: it may not. Nothing was changed.
        """
        if self._thread is None or self._is_lost:
            return
        if (held := self._held.pop(threading.get_ident(), None)) is not None:
            held.put(None)
        self.check()

    def _join(self, thread: threading.Thread) -> bool:
        with self.waiting() as ended:
            try:
                ended.get(timeout=END_S)
            except Empty:
                LOG.error("the client's thread does not end: something holds it up, and it is left to itself")
                return False
        thread.join()
        atexit.unregister(self.end)
        return True

    def lose(self) -> None:
        """Learn that this is the child of a fork, in which there is no such thread."""
        self._is_lost = self.is_over = True

    # The thread.

    def _live_through(self, finish: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            loop = self._loop = asyncio.new_event_loop()  # first: an end that comes second may stop it
        except BaseException as error:
            self._started.put(error)
            return
        if self._first.setdefault("", "thread") != "thread":
            loop.close()
            return
        self._started.put(True)
        _guarded(loop.run_forever)
        self._is_finishing = True
        for last in (finish, _cancel_what_is_left, loop.shutdown_asyncgens):
            _guarded(lambda last=last: loop.run_until_complete(last()))  # type: ignore[misc]
        loop.close()
        self._over()

    def _stop(self) -> None:
        if not self._is_finishing:  # it may be asked for twice
            asyncio.get_running_loop().stop()

    def _over(self) -> None:
        self.is_over = True
        for bell in self._waiting.copy():
            bell.put(None)

    # From other threads.

    @contextlib.contextmanager
    def waiting(self) -> Iterator[Bell]:
        """Give a bell that is answered with None, too, when the thread ends."""
        bell: Bell = SimpleQueue()
        self._waiting.add(bell)
        try:
            if self.is_over:
                bell.put(None)
            yield bell
        finally:
            self._waiting.discard(bell)

    def soon(self, function: Callable[..., object], *args: object) -> None:
        """Let a function be called in the thread; here, while that was not started; not at all when it has ended."""
        if self._loop is None:
            function(*args)
            return
        with contextlib.suppress(RuntimeError):  # it is closed
            self._loop.call_soon_threadsafe(function, *args)

    def call(self, function: Callable[[], T]) -> T:
        """Call a function in the thread, between two of its callbacks; here, while it does not run."""
        self.check()

        async def there() -> T:
            return function()

        done = self._ask(there) if self.is_started else None
        return function() if done is None else done.result()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await something in the thread. Whatever ends the waiting here cancels it there.

        Raises:
            UsageError: the thread does not run, or this one cannot wait for it.
        """
        self.check()
        self.require_started()
        done = self._ask(work)
        if done is None:
            raise closed()
        return done.result()

    def _ask(self, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T] | None:
        """Let a task do it, and give that when it is done; None: the thread ended before."""
        if self.is_over:
            return None
        tasks: list[asyncio.Task[T]] = []

        def begin() -> None:
            task = asyncio.get_running_loop().create_task(work())
            tasks.append(task)
            task.add_done_callback(bell.put)

        def cancel() -> None:
            for task in tasks:
                task.cancel()

        with self.waiting() as bell:
            try:
                self.soon(begin)
                done: asyncio.Task[T] | None = bell.get()
            except BaseException:
                self.soon(cancel)
                raise
        return None if done is None or done.cancelled() else done

    @contextlib.contextmanager
    def frozen(self, timeout_s: float) -> Iterator[None]:
        """Let the thread stand still, between two of its callbacks.

        Raises:
            NotInTime: it is busy.
            UsageError: it does not run, or this thread cannot wait for it.
        """
        self.check()
        self.require_started()
        go: Bell = SimpleQueue()
        me = threading.get_ident()

        def stand_still() -> None:
            held.put(True)
            go.get()

        with self.waiting() as held:
            try:
                self.soon(stand_still)
                try:
                    if held.get(timeout=timeout_s) is None:
                        raise closed()
                except Empty:
                    raise NotInTime("expected the client's thread to stand still, found it busy", timeout_s) from None
                self._held[me] = go
                yield
            finally:
                go.put(None)
                self._held.pop(me, None)

    def require_started(self) -> None:
        """Make sure that it was started.

        Raises:
            UsageError: it was not.
        """
        if not self.is_started:
            raise closed("new")

    def check(self) -> None:
        """Make sure that this thread may wait for the other.

        Raises:
            UsageError: an event loop runs in this thread, or it holds the other one still, or the other one was left behind
                by a fork.
        """
        if self._is_lost:
            raise UsageError("this client belongs to the process that forked this one: connect anew here")
        if threading.get_ident() in self._held:
            raise UsageError("nothing can be waited for inside of live.frozen(): read books there, and call this after it")
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        raise UsageError(
            "an event loop runs in this thread, and nothing may block it: use kb.connect there, whose calls are awaited"
        )


# Python ends the younger first: with this one there already, all other finalizers end after a client that uses their things.
weakref.finalize(Portal, int)


def closed(state: str = "closed") -> UsageError:
    """Make the error of a call at a client that does not run."""
    return UsageError(f'the client is {state}: use it inside of "with kb.sync.connect(...) as live"')


def _guarded(work: Callable[[], object]) -> None:
    """Let nothing end the thread before its end."""
    try:
        work()
    except BaseException as error:
        LOG.error("the client's thread ends, since something there raised %s", type(error).__name__, exc_info=error)


async def _cancel_what_is_left() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
