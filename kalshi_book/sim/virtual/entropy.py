"""What reaches the bytes of a connection from outside of a program, replaced for the time of a run.

`websockets` and the standard library draw on these:

- ``os.urandom``, and through it ``secrets`` (mask keys, handshake keys), ``uuid.uuid4`` and ``random.SystemRandom``;
- the functions of the module ``random`` (payloads of pings, back-off);
- ``time.time`` and ``time.time_ns`` (the ``Date`` header);
- proxies of the environment and the system, which would decide where a client connects;
- the order of a set of connections, which follows their addresses: they hash by their id for the time.

Only the thread of the run sees this; other threads go on as they were. Out of reach are ``datetime.now()``,
``random.Random()`` without a seed, OpenSSL (RSA-PSS signatures, TLS), the order of sets of strings, of plain futures and of
coroutines (``asyncio.as_completed`` makes one: give it tasks), when the garbage collector finds a cycle, and ``time.sleep``,
which really waits.
"""

from __future__ import annotations

import os
import random
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from websockets.asyncio.connection import Connection

from kalshi_book.errors import UsageError

_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def seeded(seed: int, now_ns: Callable[[], int]) -> Iterator[None]:
    """Let everything above follow a seed and a clock until the block ends; then all of it is as it was.

    Args:
        seed: Any int.
        now_ns: The clock, in unix ns.

    Raises:
        UsageError: Another run goes on in this process. Nothing was replaced.
    """
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise UsageError("expected no other virtual run in this process, found one: end it first, or use a second process")
    rng = random.Random(f"kalshi_book virtual entropy {seed}")
    drawn = random.getstate()
    try:
        with ExitStack() as replaced:
            for owner, name, instead in (
                (os, "urandom", rng.randbytes),
                (random, "_urandom", rng.randbytes),  # what `secrets` has
                (time, "time", lambda: now_ns() / 1e9),
                (time, "time_ns", now_ns),
                (urllib.request, "proxy_bypass", lambda host, *more: True),
            ):
                replaced.enter_context(mock.patch.object(owner, name, _here(instead, getattr(owner, name))))
            replaced.enter_context(mock.patch.object(Connection, "__hash__", lambda connection: hash(connection.id)))
            random.seed(f"kalshi_book virtual random {seed}")
            yield
    finally:
        random.setstate(drawn)
        _ONE_AT_A_TIME.release()


def _here(instead: Callable[..., Any], real: Callable[..., Any]) -> Callable[..., Any]:
    """A function that does one thing in this thread and another in all others."""
    here = threading.get_ident()
    get_ident = threading.get_ident

    def either(*args: Any, **named: Any) -> Any:
        return (instead if get_ident() == here else real)(*args, **named)

    return either
