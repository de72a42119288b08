"""What ``watch`` does: a source on the screen, or its lines on a pipe, until it ends or somebody has seen enough."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from ...errors import UsageError
from ...live.entry import connect
from ...live.environments import SIM, url_of
from ..replay import open_replay, report_problems
from ..sim import told_to_stop
from .lines import Lines
from .sources import LiveSource, SettleIn, Source, TapeSource

WRITES_PER_SECOND: Final = 20
INTERRUPTED: Final = 130
FAILED: Final = 1
"""The screen could not be drawn: what went wrong was printed."""


def watch_live(
    market_tickers: Sequence[str], *, env: str | None = None, url: str | None = None, is_screen: bool,
) -> int:  # fmt: skip
    """Watch books of an exchange. Returns the exit code."""
    if is_screen:
        return asyncio.run(on_the_screen(live_source(market_tickers, env=env, url=url)))
    lines = Lines(market_tickers)
    return asyncio.run(print_lines(live_source(market_tickers, env=env, url=url, lines=lines), lines))


def live_source(
    market_tickers: Sequence[str], *, env: str | None = None, url: str | None = None, settle_in: SettleIn | None = None,
    lines: Lines | None = None,
) -> LiveSource:  # fmt: skip
    """Make what shows an exchange. Nothing is connected yet.

    Raises:
        UsageError: there is no such environment, or no market is named.
        UnusableKey: there is no key, or it cannot be used.
    """
    if env is None and url is None and not (os.environ.get("KALSHI_ENV") or os.environ.get("KALSHI_DEMO")):
        raise UsageError("expected an exchange, found none: pass --env prod, demo or sim, or --url, or set KALSHI_ENV")
    address = url_of(env, url, environ=os.environ)
    if address != SIM and not market_tickers:
        raise UsageError("name the markets to watch, as in kalshi-book watch TICKER TICKER; only --env sim shows all")
    where = env or (SIM if address == SIM else urlsplit(address).netloc)
    live = connect(env, url=url, market_tickers=market_tickers)  # type: ignore[arg-type]  # checked by it
    return LiveSource(live, where, market_tickers, now_ns=time.time_ns, settle_in=settle_in, lines=lines)


def watch_tape(arguments: argparse.Namespace, market_tickers: Sequence[str]) -> int:
    """Play a recording on the screen. Returns the exit code."""
    source = TapeSource(
        arguments.tape, market_tickers, speed=1 if arguments.speed is None else arguments.speed,
        use_yes_price=arguments.use_yes_price, filtered=arguments.filtered,
    )  # fmt: skip
    return asyncio.run(on_the_screen(source))


def tape_lines(arguments: argparse.Namespace, market_tickers: Sequence[str]) -> int:
    """Print the lines of a whole recording. Returns the exit code."""
    lines = Lines(market_tickers)
    with open_replay(arguments) as tape:
        for update in tape:
            lines.take(update, tape.books.values())
            if lines.waiting:
                sys.stdout.write(lines.taken())
    return report_problems(tape)


async def on_the_screen(source: Source, *, seconds: float | None = None) -> int:
    """Show a source until somebody leaves, it ends, or the time is over. Returns the exit code.

    Raises:
        Exception: what the source ended by.
    """
    from .screen import Screen

    with quiet(), told_to_stop() as stop:
        running = asyncio.ensure_future(source.run())
        enough = asyncio.ensure_future(until(stop, seconds))
        code = await Screen(source, lambda: running.done() or enough.done()).run_async(mouse=False)
        await over(running, enough)
    return INTERRUPTED if stop.is_set() else FAILED if code is None else code


async def print_lines(source: Source, lines: Lines) -> int:
    """Print what a source tells until it ends, somebody stops it, or nobody reads it any more. Returns the exit code.

    Raises:
        BrokenPipeError: nobody reads.
        Exception: what the source ended by.
    """
    with told_to_stop() as stop:
        tasks = [asyncio.ensure_future(each) for each in (source.run(), stop.wait(), write_lines(lines))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await over(*tasks)
    return INTERRUPTED


async def write_lines(lines: Lines) -> None:
    """Write lines as they come. In a thread: whoever reads slowly holds up nothing here."""
    while True:
        if lines.waiting:
            await asyncio.to_thread(write, lines.taken())
        await asyncio.sleep(1 / WRITES_PER_SECOND)


def write(text: str) -> None:
    """Write to standard output at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


async def until(stop: asyncio.Event, seconds: float | None) -> None:
    """Wait until somebody says to stop, or for so long."""
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def over(*tasks: asyncio.Future[Any]) -> None:
    """End tasks, and raise what one of them ended by."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what is logged off the screen: it is shown there."""
    log, handler = logging.getLogger("kalshi_book"), logging.NullHandler()
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
