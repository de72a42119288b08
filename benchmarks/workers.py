"""The parent's side of the workers: starts them, checks them, and lets them take turns chunk by chunk."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import peers
from .contenders import Entry
from .timing import Times, progress

WORKER = Path(__file__).with_name("worker.py")
LEAST_CHUNKS = 3


class Failed(Exception):
    """A contender raised, or its process ended."""


@dataclass
class Workload:
    """What all contenders are given: ``opening`` before the time is taken, ``items`` in it, and the truth after each.

    ``kind`` is ``"frames"`` or ``"books"``; then ``opening`` is a list of frames or the levels of both sides, and an item
    is a frame or a change ``(side, price_e4, delta_e2)``.
    """

    name: str
    kind: str
    opening: Sequence[Any]
    items: Sequence[Any]
    tops: Sequence[tuple[int | None, int | None]]
    chunk: int = 500
    levels: tuple[Any, Any] | None = None  # what a book holds in the end

    def write(self, path: Path) -> None:
        facts = {"opening": self.opening, "items": self.items, "tops": self.tops, "chunk": self.chunk}
        path.write_text(json.dumps(facts, default=lambda frame: frame.decode()), encoding="utf-8")


@dataclass
class Standing:
    """How one contender came through: absent, failed, wrong, or right and timed."""

    entry: Entry
    python: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    absent: str = ""
    failed: str = ""
    checked: int = 0
    wrong: int = 0
    first: str | None = None
    chunks: int = 0

    @property
    def verdict(self) -> str:
        """Say in a few words whether its times may be believed."""
        if self.absent:
            return f"absent: {self.absent}"
        if self.failed:
            return f"failed: {self.failed}"
        if self.wrong:
            return f"WRONG top after {self.wrong:,} of {self.checked:,} ({self.wrong / self.checked:.1%})"
        return "keeps no book" if self.entry.is_floor else f"right, {self.checked:,} checked"

    @property
    def is_timed(self) -> bool:
        return not (self.absent or self.failed)


class Process:
    """One worker. ``ask`` sends a request and waits for its answer."""

    def __init__(self, python: str, kind: str, entry: Entry) -> None:
        self.process = subprocess.Popen(
            [python, "-I", str(WORKER), kind, json.dumps(asdict(entry))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **entry.environ},
        )  # fmt: skip

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failed(f"its process ended with {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def competitors(workload: Workload, entries: Iterable[Entry], path: Path, *, seconds: float) -> Iterator[Running]:
    """Start, load and check contenders; those that are left can be asked.

    Args:
        workload: what they all get.
        entries: who takes part.
        path: a file that the workload may be written to.
        seconds: how long each may take for the check. What was not checked is not timed either.
    """
    workload.write(path)
    running = Running([], {})
    with ExitStack() as stack:
        for entry in entries:
            standing = Standing(entry)
            running.standings.append(standing)
            python = peers.python_of(entry.peer)
            if python is None:
                standing.absent = f"{entry.peer} is not installed (make bench-peers)"
                continue
            process = Process(python, workload.kind, entry)
            stack.callback(process.close)
            try:
                begin(process, standing, path, seconds)
            except Failed as error:
                missing = str(error).startswith(("ModuleNotFoundError", "PackageNotFoundError"))
                setattr(standing, "absent" if missing else "failed", str(error))
            else:
                running.processes[entry.name] = process
        yield running


@dataclass
class Running:
    """Contenders that have come this far, and how all of them stand."""

    standings: list[Standing]
    processes: dict[str, Process]

    def standing(self, name: str) -> Standing:
        return next(standing for standing in self.standings if standing.entry.name == name)

    def ask_each(self, what: str, **arguments: Any) -> dict[str, dict[str, Any]]:
        """Ask all that are left the same, one after the other; who fails is out."""
        answers = {}
        for name, process in list(self.processes.items()):
            try:
                answers[name] = process.ask(what, **arguments)
            except Failed as error:
                self.drop(name, error)
        return answers

    def drop(self, name: str, error: Failed) -> None:
        self.standing(name).failed = str(error)
        self.processes.pop(name).close()


def begin(process: Process, standing: Standing, path: Path, seconds: float) -> None:
    """Bring one contender to where its time can be taken."""
    hello = process.ask("hello")
    standing.python, standing.versions = hello["python"], hello["versions"]
    process.ask("load", path=str(path))
    found = process.ask("check", seconds=seconds)
    standing.checked, standing.wrong, standing.first = found["items"], found["wrong"], found["first"]
    standing.chunks = found["chunks"]
    process.ask("open")


def take_turns(running: Running, *, seconds: float) -> Times:
    """Time all that are left on one chunk after the other, in an order that is rotated from chunk to chunk.

    A slow contender stops when its own ``seconds`` are spent, though not before its third chunk; its ratios are those of the
    chunks that it had.
    """
    ns: dict[str, list[float]] = {name: [] for name in running.processes}
    spent = dict.fromkeys(ns, 0.0)
    order, number = list(ns), 0
    while order:
        for name in list(order):
            is_done = number >= running.standing(name).chunks or (spent[name] > seconds and number >= LEAST_CHUNKS)
            if is_done:
                order.remove(name)
                continue
            try:
                took = running.processes[name].ask("run", chunk=number)["ns"]
            except Failed as error:
                running.drop(name, error)
                order.remove(name)
                del ns[name]
                continue
            ns[name].append(took)
            spent[name] += took / 1e9 * 500
        order, number = order[1:] + order[:1], number + 1
    return Times(ns)


def compete(workload: Workload, entries: Sequence[Entry], folder: Path, *, seconds: float) -> tuple[list[Standing], Times]:
    """Check, then time. The whole of a comparison on one workload."""
    progress(f"{workload.name}: checking {len(entries)} contenders")
    with competitors(workload, entries, folder / "workload.json", seconds=seconds) as running:
        progress(f"{workload.name}: {len(running.processes)} contenders take turns")
        times = take_turns(running, seconds=seconds)
        return running.standings, times
