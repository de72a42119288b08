"""The parent's side of the workers: starts them, checks them, and lets them take turns chunk by chunk."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import peers
from .contenders import Entry
from .timing import Times, progress

WORKER = Path(__file__).with_name("worker.py")
LEAST_CHUNKS = 2


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
    """A process that answers. ``ask`` sends a request and waits for its answer."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, **options)

    @classmethod
    def worker(cls, python: str, kind: str, entry: Entry) -> Process:
        """Start a contender."""
        command = [python, "-I", str(WORKER), kind, json.dumps(asdict(entry))]
        return cls(command, stderr=subprocess.DEVNULL, env={**os.environ, **entry.environ})

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
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def close(self) -> None:
        """End it. Harmless when it has ended."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # what could not be written to a process that had ended
                    pipe.close()
        self.process.wait()


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
    running = Running([Standing(entry) for entry in entries], {})
    with ExitStack() as stack:
        # Nothing is timed yet, so as many as there are cores may begin at once.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            started = [pool.submit(start, standing, workload.kind, path, seconds) for standing in running.standings]
        for standing, future in zip(running.standings, started, strict=True):
            process = future.result()
            if process is not None:
                stack.callback(process.close)
                running.processes[standing.entry.name] = process
        yield running


def start(standing: Standing, kind: str, path: Path, seconds: float) -> Process | None:
    """Bring one contender to where its time can be taken; None: it is absent or has failed, and ``standing`` says so."""
    python = peers.python_of(standing.entry.peer)
    if python is None:
        standing.absent = f"{standing.entry.peer} is not installed (make bench-peers)"
        return None
    process = Process.worker(python, kind, standing.entry)
    try:
        hello = process.ask("hello")
        standing.python, standing.versions = hello["python"], hello["versions"]
        process.ask("load", path=str(path))
        found = process.ask("check", seconds=seconds)
        standing.checked, standing.wrong, standing.first = found["items"], found["wrong"], found["first"]
        standing.chunks = found["chunks"]
        process.ask("open")
    except Failed as error:
        missing = str(error).startswith(("ModuleNotFoundError", "PackageNotFoundError"))
        setattr(standing, "absent" if missing else "failed", str(error))
        process.close()
        return None
    return process


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


def take_turns(running: Running, *, chunk: int, seconds: float) -> Times:
    """Time all that are left on one chunk after the other, in an order that is rotated from chunk to chunk.

    A slow contender stops when its own ``seconds`` are spent, though not before it had two chunks; its ratios are those of
    the chunks that it had.
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
            spent[name] += took / 1e9 * chunk
        order, number = order[1:] + order[:1], number + 1
    return Times(ns)


def compete(workload: Workload, entries: Sequence[Entry], folder: Path, *, seconds: float) -> tuple[list[Standing], Times]:
    """Check, then time. The whole of a comparison on one workload."""
    progress(f"{workload.name}: checking {len(entries)} contenders")
    with competitors(workload, entries, folder / "workload.json", seconds=seconds) as running:
        progress(f"{workload.name}: {len(running.processes)} contenders take turns")
        times = take_turns(running, chunk=workload.chunk, seconds=seconds)
        return running.standings, times
