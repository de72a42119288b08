"""Where a task waits and what a handle will call, as text without addresses: the same in every process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any


def where(task: asyncio.Task[Any]) -> str:
    """A task's name, and the calls in which it waits, outermost first: ``Task-1: main (bot.py:7) > recv (book.py:3)``."""
    calls = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        # A coroutine, a generator under `types.coroutine`, an asynchronous generator: each has names of its own.
        for frame_name, next_name in (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await")):
            frame = getattr(awaited, frame_name, None)
            if frame is not None:
                calls.append(f"{frame.f_code.co_name} ({PurePath(frame.f_code.co_filename).name}:{frame.f_lineno})")
                awaited = getattr(awaited, next_name)
                break
        else:
            awaited = None
    return f"{task.get_name()}: {' > '.join(calls) or 'ended'}"


def pending(tasks: Iterable[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    """The tasks that are not done, oldest first. ``asyncio.all_tasks`` gives them in no order that could be repeated."""
    return sorted((task for task in tasks if not task.done()), key=hash)


def called(handle: asyncio.Handle) -> str:
    """What a handle will call: a task and where it waits, or the name of a function."""
    callback = handle._callback  # type: ignore[attr-defined]
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        return where(owner)
    return getattr(callback, "__qualname__", None) or type(callback).__qualname__
