"""What can go wrong with virtual time itself.

::

    KalshiBookError
    └── VirtualTimeError  (RuntimeError)  the program under test can never go on, or never lets time pass
        ├── Deadlock                      every task waits, and nothing is scheduled that could wake one
        └── Livelock                      callbacks without end, and no time passes
    ResourceWarning
    └── LeftBehind                        the main coroutine returned, and something of it was still there
"""

from __future__ import annotations

from kalshi_book.errors import KalshiBookError

__all__ = ["Deadlock", "LeftBehind", "Livelock", "VirtualTimeError"]


class VirtualTimeError(KalshiBookError, RuntimeError):
    """The run cannot go on; on a real event loop it would have hung."""


class Deadlock(VirtualTimeError):
    """Every task waits, and nothing is scheduled that could wake one.

    Attributes:
        elapsed_ns: virtual time since the start of the run, in ns.
        waiting: for each pending task, oldest first, its name and the calls in which it waits, outermost first.
    """

    def __init__(self, *, elapsed_ns: int, waiting: tuple[str, ...]) -> None:
        super().__init__(elapsed_ns, waiting)
        self.elapsed_ns = elapsed_ns
        self.waiting = waiting

    def __str__(self) -> str:
        return (
            f"deadlock after {_seconds(self.elapsed_ns)}: expected a callback or a timer, found none, so nothing can wake "
            f"what waits: {'; '.join(self.waiting) or 'no task'}. Give the wait a time-out, or see why its event never comes"
        )


class Livelock(VirtualTimeError):
    """The loop turns without end, and no time passes.

    Attributes:
        elapsed_ns: virtual time since the start of the run, in ns.
        turns: how many turns of the loop were counted within one virtual millisecond.
        running: what was to be called in the next turn, at most ten of it.
    """

    def __init__(self, *, elapsed_ns: int, turns: int, running: tuple[str, ...]) -> None:
        super().__init__(elapsed_ns, turns, running)
        self.elapsed_ns = elapsed_ns
        self.turns = turns
        self.running = running

    def __str__(self) -> str:
        return (
            f"livelock after {_seconds(self.elapsed_ns)}: expected time to pass, found {self.turns} turns of the loop "
            f"within a millisecond; next are {'; '.join(self.running)}. Let the loop that spins sleep, or raise max_turns"
        )


class LeftBehind(ResourceWarning):
    """The main coroutine returned, and something that it had started was still there.

    The run ended it: tasks are cancelled, timers and connections dropped. Under ``-W error`` the run raises this.

    Attributes:
        tasks: the tasks that were pending, oldest first, and where each waited.
        timers: what timers would have called, in the order of their times.
        transports: the sides of connections that were still open, once the tasks were cancelled, and the servers that
            still listened.
    """

    def __init__(self, *, tasks: tuple[str, ...], timers: tuple[str, ...], transports: tuple[str, ...]) -> None:
        super().__init__(tasks, timers, transports)
        self.tasks = tasks
        self.timers = timers
        self.transports = transports

    def __str__(self) -> str:
        kinds = (("task", self.tasks), ("timer", self.timers), ("transport", self.transports))
        found = "; ".join(f"{kind} {one}" for kind, each in kinds for one in each)
        return f"the main coroutine returned and left behind: {found}. Await, cancel or close them before it returns"


def _seconds(elapsed_ns: int) -> str:
    """Virtual time as people read it: ``12.500000000 s``."""
    return f"{elapsed_ns // 10**9}.{elapsed_ns % 10**9:09d} s"
