"""Run a coroutine in virtual time, as ``asyncio.run`` does in real time."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from kalshi_book.errors import UsageError

from .entropy import seeded
from .errors import LeftBehind, VirtualTimeError
from .loop import VirtualLoop
from .network import Network
from .waiting import called, pending, where

__all__ = ["START_NS", "network", "now_ns", "run"]

T = TypeVar("T")

START_NS: Final = 1_793_000_000_000_000_000
"""Where the wall clock of a run starts unless told otherwise: 2026-10-26 07:33:20 UTC, in unix ns."""


def run(
    main: Coroutine[Any, Any, T],
    *,
    seed: int = 0,
    start_ns: int = START_NS,
    network: Network | None = None,
    max_turns: int = 100_000,
) -> T:
    """Run a coroutine to its end on a new virtual loop and return its result; no real time is waited.

    The run is a function of the coroutine, the seed and the other arguments: the same bytes at the same instants in every
    process. For that, the randomness and the wall clock that ``websockets`` and the standard library draw on follow the
    seed and the virtual clock until it ends; see `kalshi_book.sim.virtual.entropy` for what is out of reach.

    At the end, in any case, remaining tasks are cancelled (oldest first) and awaited, asynchronous generators closed, and
    the loop closed. If ``main`` returned, what it left behind is reported by a `LeftBehind` warning.

    Args:
        main: The coroutine.
        seed: Any int. What is drawn: keys and masks, ping payloads, back-off, jitter of the network.
        start_ns: The wall clock at the start, unix ns.
        network: The network, which serves one run; None for one with a latency of 1 ms.
        max_turns: How many turns the loop may make within a virtual millisecond.

    Raises:
        Deadlock: All tasks wait and nothing is scheduled.
        Livelock: ``max_turns`` turns, and not a millisecond passed.
        TypeError: ``main`` is no coroutine, or a number no int.
        UsageError: A loop is running in this thread or another virtual run in this process, or the network had a run.
        BaseException: Whatever ``main`` raised.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     await asyncio.sleep(3600)
        ...     return asyncio.get_running_loop().time()
        >>> run(main())
        3600.0
    """
    is_coroutine = inspect.iscoroutine(main)  # in the condition it would narrow the type
    if not is_coroutine:
        raise TypeError(f"expected a coroutine, found {type(main).__name__}: pass main(), not main")
    try:
        loop = _loop(network, start_ns, seed, max_turns)
        try:
            with seeded(seed, loop.time_ns):
                return _run(loop, main)
        finally:
            loop.close()
    finally:
        if inspect.getcoroutinestate(main) == inspect.CORO_CREATED:  # refused: spare the warning that nobody awaited it
            main.close()


def now_ns() -> int:
    """Unix ns on the wall clock of the run that this is called in.

    Raises:
        UsageError: No virtual loop is running.
    """
    return _running().time_ns()


def network() -> Network:
    """The network of the run that this is called in.

    Raises:
        UsageError: No virtual loop is running.
    """
    return _running().network


def _running() -> VirtualLoop:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    if not isinstance(loop, VirtualLoop):
        found = "no loop" if loop is None else "another loop"
        raise UsageError(f"expected a call inside of virtual.run, found {found} running")
    return loop


def _loop(network: Network | None, start_ns: int, seed: int, max_turns: int) -> VirtualLoop:
    for name, value in (("start_ns", start_ns), ("seed", seed), ("max_turns", max_turns)):
        if type(value) is not int:
            raise TypeError(f"expected {name} to be an int, found {type(value).__name__}")
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        raise UsageError("expected no loop running in this thread, found one: virtual.run makes its own")
    network = Network() if network is None else network
    loop = VirtualLoop(network=network, start_ns=start_ns, max_turns=max_turns)
    try:
        network.begin(loop, seed)
    except BaseException:
        loop.close()
        raise
    return loop


def _run(loop: VirtualLoop, main: Coroutine[Any, Any, T]) -> T:
    try:
        result: T = loop.run_until_complete(loop.create_task(main))
    except BaseException:
        # What ended the run counts; that something then would not end is no news.
        with suppress(VirtualTimeError):
            _end(loop)
        raise
    tasks = tuple(where(task) for task in pending(asyncio.all_tasks(loop)))
    _end(loop)
    timers = tuple(called(handle) for handle in loop.pending_timers())
    transports = tuple(map(repr, loop.network.open_ends()))
    if tasks or timers or transports:
        warnings.warn(LeftBehind(tasks=tasks, timers=timers, transports=transports), stacklevel=3)
    return result


def _end(loop: VirtualLoop) -> None:
    """Cancel what runs and wait for it; close the asynchronous generators."""
    tasks = pending(asyncio.all_tasks(loop))
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            loop.call_exception_handler(
                {"message": "unhandled exception while a virtual run ended", "exception": error, "task": task}
            )
    loop.run_until_complete(loop.shutdown_asyncgens())
