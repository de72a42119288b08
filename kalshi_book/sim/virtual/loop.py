"""An asyncio event loop whose clock is a number.

The loop keeps virtual time as whole nanoseconds since the start of the run. It never waits: when nothing is ready, the
clock jumps to the next timer. Where there is no timer either, nothing can ever happen again, and the loop says so
(`Deadlock`) instead of hanging; where it turns on and on and no time passes, it says that too (`Livelock`).

Timers stand in a heap of (ns, number, handle). The number makes timers of one instant run in the order in which they
were set, which asyncio's own heap of floats does not promise, and lets the heap compare in C.

What differs from one process to the next is kept out: tasks hash and are named by their number, since asyncio keeps them in
sets, whose order would else follow addresses; threads may not call in; work for an executor runs in the loop's own thread.
There is no file descriptor and no self-pipe.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import socket
import threading
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kalshi_book.errors import UsageError

from .errors import Deadlock, Livelock
from .waiting import called, pending, where

if TYPE_CHECKING:
    from collections import deque

    from .network import Network

__all__ = ["VirtualLoop"]

T = TypeVar("T")

_SPIN_WINDOW_NS: Final = 1_000_000  # turns are counted within a virtual millisecond
_NEVER_NS: Final = 2**100  # a timer at infinity; nothing is scheduled for it
_FEW_TIMERS: Final = 100  # cancelled timers that may lie in the heap before they are looked for


class VirtualTask(asyncio.Task[T]):
    """A task that is known by its number, so that a set of tasks has the same order in every process."""

    __slots__ = ("_number",)

    def __init__(
        self, coro: Generator[Any, None, T] | Coroutine[Any, Any, T], *, loop: VirtualLoop, name: str | None, **more: Any
    ) -> None:
        self._number = number = next(loop._task_numbers)
        super().__init__(coro, loop=loop, name=f"Task-{number}" if name is None else name, **more)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop that `run` makes; inside a run, ``asyncio.get_running_loop()`` is one.

    Beside what every asyncio loop has:

    Attributes:
        network: The `Network` of this run.
        turns: How many turns the loop has made: a measure of how busy a program is, per virtual hour for instance.
    """

    if TYPE_CHECKING:  # what asyncio keeps for itself and this class lives on
        _ready: deque[asyncio.Handle]
        _stopping: bool
        _thread_id: int | None
        _task_factory: object

        def _check_closed(self) -> None: ...

    def __init__(self, *, network: Network, start_ns: int, max_turns: int) -> None:
        super().__init__()
        self.network = network
        self.turns = 0
        self._start_ns = start_ns
        self._max_turns = max_turns
        self._elapsed_ns = 0
        self._elapsed_s = 0.0
        self._timers: list[tuple[int, int, asyncio.Handle]] = []
        self._timer_numbers = itertools.count()
        self._task_numbers = itertools.count(1)
        self._cancelled_timers = 0
        self._window_ns = 0
        self._window_turns = 0

    # The clock.

    def time(self) -> float:
        """Virtual seconds since the start of the run. Exact to the nanosecond for the first 100 days."""
        return self._elapsed_s

    def time_ns(self) -> int:
        """The virtual wall clock: unix ns, ``start_ns`` at the start of the run."""
        return self._start_ns + self._elapsed_ns

    # Callbacks.

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio has it. The delay is rounded to whole ns; one above 0 is at least 1 ns."""
        now_ns = self._elapsed_ns
        when_ns = now_ns if delay <= 0 else max(now_ns + 1, now_ns + _whole_ns(delay))
        return self._set_timer(when_ns, self._elapsed_s + delay, callback, args, context)

    # At least 1 ns, in both: else `while loop.time() < when: await sleep(when - loop.time())` could spin on a rest below it.
    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio has it, ``when`` on the clock of `time`. An instant in the future is at least 1 ns away."""
        now_ns = self._elapsed_ns
        when_ns = now_ns if when <= self._elapsed_s else max(now_ns + 1, _whole_ns(when))
        return self._set_timer(when_ns, when, callback, args, context)

    def _set_timer(
        self, when_ns: int, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> asyncio.TimerHandle:
        self._check_closed()
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if when_ns < _NEVER_NS:
            heappush(self._timers, (when_ns, next(self._timer_numbers), handle))
        return handle

    def post(self, elapsed_ns: int, handle: asyncio.Handle) -> None:
        """Run a handle when so many ns have passed since the start; at once if they have. For the network."""
        heappush(self._timers, (elapsed_ns, next(self._timer_numbers), handle))

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """In the loop's own thread the same as ``call_soon``.

        Raises:
            UsageError: Another thread called. Nothing is scheduled: at which virtual instant it came would depend on how
                fast the machine is, and the run would no longer be a function of its seed.
        """
        if self._thread_id is not None and self._thread_id != threading.get_ident():
            raise UsageError(
                f"expected every callback from the thread that runs the virtual loop, found one from "
                f"{threading.current_thread().name}: what comes from another thread has no instant in virtual time; "
                "run it as a task, or by run_in_executor, which works in the loop's own thread here"
            )
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: object, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Call ``func`` in the loop's own thread at the next turn; no virtual time passes while it works.

        The executor is left alone. ``asyncio.to_thread`` comes here too.
        """
        self._check_closed()
        future: asyncio.Future[T] = self.create_future()
        self.call_soon(_work, future, func, args)
        return future

    def create_task(self, coro: Any, *, name: Any = None, **more: Any) -> asyncio.Task[Any]:
        """As asyncio has it; tasks are numbered in each run from 1."""
        if self._task_factory is not None:
            return super().create_task(coro, name=name, **more)
        self._check_closed()
        return VirtualTask(coro, loop=self, name=name, **more)

    # The network.

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """Connect over the virtual network. Options that steer sockets and name resolution have no effect.

        Raises:
            UsageError: ``ssl``, ``sock`` or ``local_addr`` is given, or no host and port: see `Network`.
            ConnectionRefusedError: Nobody listens there, or ``network.answer`` is ``"refuse"``.
            TimeoutError: ``network.answer`` is ``"ignore"``; after 127 virtual seconds, as Linux has it.
        """
        _only_plain(options, ("ssl", "sock", "local_addr"))
        if host is None or port is None:
            raise UsageError(f"expected a host and a port to connect to, found {host!r} and {port!r}")
        return await self.network.connect(protocol_factory, str(host), int(port))

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """Listen on the virtual network. Options that steer sockets have no effect.

        Raises:
            UsageError: ``ssl`` or ``sock`` is given: see `Network`.
            OSError: ``EADDRINUSE``: somebody listens there already.
        """
        _only_plain(options, ("ssl", "sock"))
        return self.network.listen(protocol_factory, host, int(port or 0), start=options.get("start_serving", True))

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """Every name is its own address."""
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, int(port or 0)))]

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        """Every address is its own name."""
        return str(sockaddr[0]), str(sockaddr[1])

    # What asyncio's loop asks of its subclasses.

    def _run_once(self) -> None:
        ready = self._ready
        timers = self._timers
        if not ready and not self._stopping:
            while timers and timers[0][2]._cancelled:
                heappop(timers)
            if not timers:
                tasks = pending(asyncio.all_tasks(self))
                raise Deadlock(elapsed_ns=self._elapsed_ns, waiting=tuple(map(where, tasks)))
            if timers[0][0] > self._elapsed_ns:
                self._jump(timers[0][0])
        now_ns = self._elapsed_ns
        while timers and timers[0][0] <= now_ns:
            ready.append(heappop(timers)[2])
        self.turns += 1
        if self.turns - self._window_turns > self._max_turns:
            self._raise_livelock()
        # Only what is ready now: what these call soon has its turn after the timers of this instant.
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _jump(self, elapsed_ns: int) -> None:
        self._elapsed_ns = elapsed_ns
        self._elapsed_s = elapsed_ns / 1e9
        if elapsed_ns - self._window_ns >= _SPIN_WINDOW_NS:
            self._window_ns = elapsed_ns
            self._window_turns = self.turns

    def _raise_livelock(self) -> None:
        turns, self._window_turns = self.turns - self._window_turns, self.turns
        running = tuple(called(handle) for handle in itertools.islice(self._ready, 10))
        raise Livelock(elapsed_ns=self._elapsed_ns, turns=turns, running=running)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Sweep the heap when more than half of it may be cancelled timers (some that count have run already)."""
        self._cancelled_timers += 1
        if self._cancelled_timers > _FEW_TIMERS and self._cancelled_timers * 2 > len(self._timers):
            # In place: `_run_once` holds the list. Called before the handle is marked, so that one stays.
            self._timers[:] = [timer for timer in self._timers if not timer[2].cancelled()]
            heapify(self._timers)
            self._cancelled_timers = 0

    def pending_timers(self) -> list[asyncio.TimerHandle]:
        """The timers that were set and neither ran nor were cancelled, in the order of their times."""
        handles = (handle for _, _, handle in sorted(self._timers) if not handle.cancelled())
        return [handle for handle in handles if isinstance(handle, asyncio.TimerHandle)]  # the network's are none


def _whole_ns(seconds: float) -> int:
    return _NEVER_NS if seconds == math.inf else round(seconds * 1e9)


def _work(future: asyncio.Future[T], func: Callable[..., T], args: tuple[Any, ...]) -> None:
    """Do the work of an executor, unless nobody waits for it any more."""
    if future.cancelled():
        return
    try:
        result = func(*args)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


def _only_plain(options: dict[str, Any], names: tuple[str, ...]) -> None:
    """Refuse what an in-memory network cannot do, before anything is done."""
    for name in names:
        if options.get(name):
            why = "TLS draws randomness of its own, out of reach of a seed: use ws://" if name == "ssl" else "leave it out"
            raise UsageError(f"expected no {name} on the virtual network, which has no sockets, found one; {why}")
