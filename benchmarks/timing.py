"""Time contenders beside each other, so that a machine which changes speed changes all of them alike.

The items are cut into chunks. On each chunk every contender runs once, in an order that is rotated from chunk to chunk;
the ratio of two contenders is taken on each chunk, and the median over all chunks is what counts. A single minimum lies
here: the same decode takes 325 ns or 620, depending on the moment.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

MAX_PASSES = 4
"""How often a measurement is made again while the machine is unsteady."""
UNSTEADY = 1.3
"""A base whose median exceeds this multiple of its minimum was disturbed."""


class Contender(NamedTuple):
    """A way to do the work: ``run(chunk)`` is what is timed, loop included, over each of ``chunks``."""

    run: Callable[[Any], object]
    chunks: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Times:
    """Nanoseconds per item of each contender on each chunk; the first contender is the base."""

    ns: Mapping[str, Sequence[float]]

    @property
    def base(self) -> str:
        return next(iter(self.ns))

    @property
    def unsteadiness(self) -> float:
        """Median of the base over its minimum: 1 on a quiet machine."""
        return self.median(self.base) / min(self.ns[self.base])

    def median(self, name: str) -> float:
        return statistics.median(self.ns[name])

    def minimum(self, name: str) -> float:
        return min(self.ns[name])

    def ratios(self, name: str, to: str | None = None) -> list[float]:
        """Give the ratio on each chunk that both had, ascending."""
        return sorted(a / b for a, b in zip(self.ns[name], self.ns[to or self.base], strict=False))

    def ratio(self, name: str, to: str | None = None) -> float:
        return statistics.median(self.ratios(name, to))

    def spread(self, name: str, to: str | None = None) -> tuple[float, float]:
        """Give the first and the third quartile of the ratio."""
        ratios = self.ratios(name, to)
        return ratios[len(ratios) // 4], ratios[len(ratios) * 3 // 4]


def chunks_of(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Cut into chunks of one size; a shorter rest is left out, unless it is all there is."""
    chunks = [items[at : at + size] for at in range(0, len(items), size)]
    return [chunk for chunk in chunks if len(chunk) == size] or chunks


def measure(make: Callable[[], Mapping[str, Contender]]) -> Times:
    """Time contenders that ``make`` sets up anew for each pass; again, up to a bound, while the machine is unsteady.

    Returns:
        The steadiest pass.
    """
    best = run_once(make())
    for _ in range(MAX_PASSES - 1):
        if best.unsteadiness <= UNSTEADY:
            break
        best = min(best, run_once(make()), key=lambda times: times.unsteadiness)
    return best


def run_once(contenders: Mapping[str, Contender]) -> Times:
    """Time every contender on every chunk, without garbage collection (nothing that is timed here makes cycles).

    Before each chunk a few small blocks of several sizes are taken and kept. Python's allocator hands out blocks from pools,
    and work that happens to start where a pool ends takes up a new one and gives it back again and again: a contender that
    stayed there looked up to 15 % slower than it was. So all of them wander.
    """
    rng, kept = random.Random(1), list[bytes]()
    ns: dict[str, list[float]] = {name: [] for name in contenders}
    order = [(contender, ns[name]) for name, contender in contenders.items()]
    clock = time.perf_counter_ns
    gc.collect()
    gc.disable()
    try:
        for number in range(min(len(contender.chunks) for contender in contenders.values())):
            kept.extend(bytes(size) for size in range(0, 128, 16) for _ in range(rng.getrandbits(2)))
            for contender, times in order:
                run, chunk = contender.run, contender.chunks[number]
                began = clock()
                run(chunk)
                times.append((clock() - began) / len(chunk))
            order.append(order.pop(0))
    finally:
        gc.enable()
    return Times(ns)


def timer_resolution_ns() -> int:
    """Give the smallest step that the clock was seen to make."""

    def steps() -> Iterator[int]:
        for _ in range(1_000):
            began = now = time.perf_counter_ns()
            while now == began:
                now = time.perf_counter_ns()
            yield now - began

    return min(steps())


def progress(text: str) -> None:
    """Say what is being measured: a line that is written over on a terminal, else one line each on standard error."""
    listener(text)


def _line(text: str) -> None:
    print(f"benchmarks: {text}", file=sys.stderr, flush=True)


listener: Callable[[str], None] = _line
"""Who is told of progress; ``__main__`` puts a live line here."""


def timer_cost_ns() -> float:
    """Give what two readings of the clock cost where nothing is between them."""
    clock, times = time.perf_counter_ns, []
    for _ in range(1_000):
        began = clock()
        times.append(clock() - began)
    return statistics.median(times)
