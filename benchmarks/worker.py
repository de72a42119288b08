"""One contender in a process of its own: reads requests from standard input, a JSON object a line, and answers likewise.

It runs as a plain script in the environment of the package that it drives, so it imports nothing of ours but the contenders.
The parent says when; the time is taken here, around nothing but the contender's own loop. All that a package prints goes to
standard error.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import platform
import sys
import time
from importlib import metadata
from itertools import repeat
from pathlib import Path
from typing import Any

clock = time.perf_counter_ns


def contenders() -> Any:
    """Import the folder of contenders as a package of its own, without putting its neighbours on the path."""
    folder = Path(__file__).resolve().parent / "contenders"
    spec = importlib.util.spec_from_file_location(
        "contenders", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = sys.modules["contenders"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Worker:
    """A contender and its workload. Each method is a request; what it returns is the answer."""

    def __init__(self, kind: str, entry: str) -> None:
        self.kind, self.entry = kind, contenders().Entry(**json.loads(entry))

    def hello(self) -> dict[str, Any]:
        """Say who this is. The contender is made here, so a missing package is an error of this request."""
        self.entry.make()
        found = {name: metadata.version(name) for name in self.entry.distributions}
        return {"python": platform.python_version(), "versions": found}

    def load(self, path: str) -> dict[str, Any]:
        """Read a workload and take it in: ``items`` in chunks, and the top of book after each."""
        with open(path, encoding="utf-8") as file:
            self.workload = json.load(file)
        self.size = self.workload["chunk"]
        return self.open()

    def open(self) -> dict[str, Any]:
        """Begin anew, with the books as they stand before the first item."""
        workload, contender = self.workload, self.entry.make()
        items = workload["items"]
        if self.kind == "frames":
            convert = str.encode if contender.takes is bytes else str
            items = [convert(frame) for frame in items]
            contender.open([convert(frame) for frame in workload["opening"]])
        else:
            # A program names a side by a literal, not by a text made for each change.
            items = [(sys.intern(side), *change) for side, *change in items]
            contender.open(*([tuple(level) for level in side] for side in workload["opening"]))
            if hasattr(contender, "prepare"):
                items = contender.prepare(items)
        self.contender, self.items = contender, items
        self.chunks = [items[at : at + self.size] for at in range(0, len(items), self.size)]
        return {"chunks": len(self.chunks)}

    def check(self, seconds: float) -> dict[str, Any]:
        """Compare the top of book after every item, chunk by chunk, until all are done or the time is up."""
        wrong, checked, first = 0, 0, None
        until = time.monotonic() + seconds
        if not hasattr(self.contender, "top"):
            return {"items": 0, "wrong": 0, "chunks": len(self.chunks), "first": None}
        for number, chunk in enumerate(self.chunks, 1):
            expected = self.workload["tops"][checked : checked + len(chunk)]
            for item, top in zip(chunk, expected, strict=True):
                found = list(self.contender.top(item))
                checked += 1
                if found != top:
                    wrong += 1
                    first = first or f"item {checked}: expected {top}, found {found}"
            if time.monotonic() > until and number >= 2:  # two, so that there is a spread
                break
        return {"items": checked, "wrong": wrong, "chunks": number, "first": first}

    def run(self, chunk: int) -> dict[str, Any]:
        """Time one chunk but for its first fifth, in which a process that was asleep gets its caches back.

        Frames are touched first, since from a socket they come warm, too.
        """
        items, run = self.chunks[chunk], self.contender.run
        first, timed = items[: len(items) // 5], items[len(items) // 5 :]
        if self.kind == "frames":
            for frame in items:
                hash(frame[-1])
        gc.disable()
        try:
            run(first)
            began = clock()
            run(timed)
            took = clock() - began
        finally:
            gc.enable()
        return {"ns": took / len(timed)}

    def tails(self, seconds: float) -> dict[str, Any]:
        """Time every item by itself, garbage collection as it is by default."""
        gc.collect()
        steps = self.one_by_one(time.monotonic() + seconds)
        if hasattr(self.contender, "run_all"):  # it lives in an event loop, which is entered once
            times = self.contender.loop.run_until_complete(steps)
        else:
            try:
                steps.send(None)
            except StopIteration as done:
                times = done.value
        times.sort()
        count = len(times)
        shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
        found = {name: times[min(count - 1, int(count * share))] for name, share in shares.items()}
        return {**found, "max": times[-1], "n": count}

    async def one_by_one(self, until: float) -> list[int]:
        """Give the time of every item. Nothing is awaited but what the contender itself awaits."""
        run, times = self.contender.run, []
        run_all = getattr(self.contender, "run_all", None)
        for number, item in enumerate(self.items):
            one = [item]
            if run_all is None:
                began = clock()
                run(one)
                times.append(clock() - began)
            else:
                began = clock()
                await run_all(one)
                times.append(clock() - began)
            if number % 500 == 0 and time.monotonic() > until:
                break
        return times

    def held(self) -> dict[str, Any]:
        """Give all levels of a book, as it stands now."""
        return {"levels": self.contender.held() if hasattr(self.contender, "held") else None}

    def reads(self, seconds: float) -> dict[str, Any]:
        """Time each expression that a reader would write: the best of five, as ``timeit`` does it."""
        answers: dict[str, float] = {}
        names = {**self.contender.names(), "repeat": repeat} if hasattr(self.contender, "names") else {}
        for name, expression in getattr(self.contender, "reads", {}).items():
            scope = dict(names)
            exec(f"def run(n):\n for _ in repeat(None, n):\n  {expression}", scope)
            count, took = 1, 0
            while took < seconds * 1e9 / 5:
                count *= 2
                took = self.timed(scope["run"], count)
            answers[name] = min(self.timed(scope["run"], count) for _ in range(5)) / count
        return {"ns": answers}

    def timed(self, run: Any, count: int) -> int:
        gc.disable()
        try:
            began = clock()
            run(count)
            return clock() - began
        finally:
            gc.enable()

    def memory(self, books: int) -> dict[str, Any]:
        """Make many books as they stand before the first item, and give the resident size of one."""
        if not hasattr(self.contender, "keeps"):
            return {"bytes": None}
        sides, kept = self.workload["opening"], []
        before = resident()
        for number in range(books):
            contender = self.entry.make()
            # Numbers of its own, as a decoder makes them: shared ones would be free.
            contender.open(*([(int(str(price)), size + number) for price, size in side] for side in sides))
            kept.append([getattr(contender, name) for name in contender.keeps])
        gc.collect()
        return {"bytes": (resident() - before) / books}


def resident() -> int:
    """Give the resident size of this process in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    # The channel to the parent is kept apart, so that what a package prints cannot get into it.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker(*sys.argv[1:3])
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # whatever a package raises is its result
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
