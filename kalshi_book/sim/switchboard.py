"""The faults of one exchange: what is put in, when each strikes, and what it did.

``exchange.faults`` is a ``Faults``. It owns the times and the chances; what a fault does to a frame or a command is done by
``connection.py``, which asks here whether one strikes.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Generic, ParamSpec, overload

from msgspec import Struct

from . import faults as kinds
from .fault_families import CommandFault, ConnectionSpan, Fault, Picker, Span
from .fault_options import nanoseconds
from .faults import LostDelta, WrongDelta, parse

LOGGED: Final = 10_000

_Options = ParamSpec("_Options")


class Struck(Struct, frozen=True):
    """Something that a fault did.

    Attributes:
        at_ns: when, in the time that the exchange is told.
        kind: the fault's kind.
        connection: the number of the connection, or None where it struck the exchange.
        market_ticker: the market, or None where it struck none in particular.
        what: to what, in a few words.
    """

    at_ns: int
    kind: str
    connection: int | None
    market_ticker: str | None
    what: str

    def __str__(self) -> str:
        return f"{self.kind}{'' if self.connection is None else f' on connection {self.connection}'}: {self.what}"


class Planted:
    """A fault that was put in.

    Attributes:
        fault: what.
        rng: its own chances, so that a fault beside it does not change what this one does.
        happened: how often it did something so far: struck a frame, closed a connection; a span counts when it begins.
        is_on: whether a span lasts now.
        is_over: whether it will strike no more.
        due_ns: when it may strike next, or when a span that is on ends; None: never by itself.
        connections: of a span that strikes only those which were open when it began, their numbers; None: any other.
    """

    def __init__(self, fault: Fault, *, board: Faults, rng: random.Random, begins_ns: int) -> None:
        self.fault = fault
        self.rng = rng
        self.happened = 0
        self.is_on = self.is_over = False
        self.connections: frozenset[int] | None = None
        self._board = board
        self._every_ns = None if fault.every_s is None else nanoseconds(fault.every_s)
        self._left = 1 if fault.times is None and self._every_ns is None else fault.times
        self._skip = (fault.nth or 1) - 1 if isinstance(fault, Picker) else 0
        self.due_ns: int | None = begins_ns
        self._wait(begins_ns)

    def __repr__(self) -> str:
        state = "over" if self.is_over else "on" if self.is_on else "waits"
        return f"<{self.fault}: {state}, happened {self.happened}>"

    def cancel(self) -> None:
        """Take the fault out; a span ends now. What it did stays done."""
        if not self.is_over:
            self.is_over = True
            self._board._ended(self)

    def is_on_connection(self, number: int) -> bool:
        """Tell whether a span that is on lasts on this connection."""
        if not isinstance(self.fault, ConnectionSpan):
            return False
        return self.fault.connection in (None, number) and (self.connections is None or number in self.connections)

    def strikes(self, now_ns: int) -> bool:
        """Tell whether a picker strikes what fits it just now; if so, it waits for its next."""
        if self.is_over or self.due_ns is None or now_ns < self.due_ns:
            return False
        if self._skip:
            self._skip -= 1
            return False
        self._next(now_ns)
        return True

    def turn(self, now_ns: int) -> None:
        """Let a moment happen, or a span begin or end: it is due."""
        if not isinstance(self.fault, Span):
            self._next(now_ns)
        elif self.is_on:
            self.is_on = False
            self._next(now_ns)
        else:
            self.is_on = True
            self.due_ns = None if self.fault.for_s is None else now_ns + nanoseconds(self.fault.for_s)

    def _next(self, now_ns: int) -> None:
        if self._left is not None:
            self._left -= 1
        if self._left == 0:
            self.cancel()
        else:
            self._wait(now_ns)

    def _wait(self, now_ns: int) -> None:
        if self._every_ns is not None:
            self.due_ns = now_ns + 1 + self.rng.randrange(2 * self._every_ns)


class _Adds(Generic[_Options]):
    """A method of ``Faults`` that makes a fault of one kind and puts it in; its arguments are the kind's options."""

    def __init__(self, kind: Callable[_Options, Fault]) -> None:
        self._kind = kind
        self.__doc__ = kind.__doc__

    @overload
    def __get__(self, faults: None, owner: type[Faults]) -> _Adds[_Options]: ...
    @overload
    def __get__(self, faults: Faults, owner: type[Faults]) -> Callable[_Options, Planted]: ...
    def __get__(self, faults: Faults | None, owner: type[Faults]) -> Any:
        if faults is None:
            return self

        def add(*args: _Options.args, **options: _Options.kwargs) -> Planted:
            return faults.add(self._kind(*args, **options))

        add.__doc__ = self.__doc__
        return add


class Faults:
    """What goes wrong on an exchange.

    There is a method for each kind in ``FAULT_KINDS``, with the kind's options. It puts the fault in and gives a
    ``Planted``, with ``happened`` and ``cancel()``. What begins at once happens before the call returns.

    Args:
        seed: decides what happens at random.
        clock: tells the time; what it tells first is the start.
        turned: called when a moment happens, and when a span has begun or ended.
        added: called when a fault was put in.

    Attributes:
        log: the newest 10,000 of what happened, oldest first.
        frames, deltas, commands: the pickers in charge of each, in the order in which they were put in.

    >>> faults = Faults(seed=7, clock=lambda: 0, turned=lambda planted: None)
    >>> faults.drop(seq=120)
    <drop:seq=120: waits, happened 0>
    """

    drop = _Adds(kinds.Drop)
    double = _Adds(kinds.Double)
    delay = _Adds(kinds.Delay)
    reorder = _Adds(kinds.Reorder)
    truncate = _Adds(kinds.Truncate)
    wrong_snapshot = _Adds(kinds.WrongSnapshot)
    wrong_delta = _Adds(kinds.WrongDelta)
    lost_delta = _Adds(kinds.LostDelta)
    ignore_command = _Adds(kinds.IgnoreCommand)
    lose_reply = _Adds(kinds.LoseReply)
    refuse_command = _Adds(kinds.RefuseCommand)
    false_error = _Adds(kinds.FalseError)
    hold_commands = _Adds(kinds.HoldCommands)
    delay_snapshots = _Adds(kinds.DelaySnapshots)
    no_snapshots = _Adds(kinds.NoSnapshots)
    silence = _Adds(kinds.Silence)
    half_open = _Adds(kinds.HalfOpen)
    slow_link = _Adds(kinds.SlowLink)
    close = _Adds(kinds.Close)
    abort = _Adds(kinds.Abort)
    restart = _Adds(kinds.Restart)
    overflow = _Adds(kinds.Overflow)
    channel_error = _Adds(kinds.ChannelError)
    refuse_connections = _Adds(kinds.RefuseConnections)
    no_handshake = _Adds(kinds.NoHandshake)
    maintenance = _Adds(kinds.Maintenance)
    clock_step = _Adds(kinds.ClockStep)

    def __init__(
        self, *, seed: int, clock: Callable[[], int], turned: Callable[[Planted], None],
        added: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.log: deque[Struck] = deque(maxlen=LOGGED)
        self.frames: list[Planted] = []
        self.deltas: list[Planted] = []
        self.commands: list[Planted] = []
        self._timed: list[Planted] = []
        self._seed, self._count = seed, 0
        self._clock, self._start_ns = clock, clock()
        self._turned, self._added = turned, added

    @property
    def planted(self) -> list[Planted]:
        """What is in and not over: a new list, in the order in which it was put in, by family."""
        return [*self.frames, *self.deltas, *self.commands, *self._timed]

    @property
    def spans(self) -> list[Planted]:
        """The spans that last now: a new list."""
        return [each for each in self._timed if each.is_on]

    def add(self, fault: Fault | str) -> Planted:
        """Put a fault in.

        Args:
            fault: the fault, or its text.

        Raises:
            UsageError: a text that is none.
        """
        if isinstance(fault, str):
            fault = parse(fault)
        if not isinstance(fault, Fault):
            raise TypeError(f"fault must be a Fault or its text, not {type(fault).__name__}")
        now_ns = self._clock()
        begins_ns = now_ns + nanoseconds(fault.after_s or 0)
        if fault.at_s is not None:
            begins_ns = max(now_ns, self._start_ns + nanoseconds(fault.at_s))
        self._count += 1
        rng = random.Random(f"{self._seed}/{self._count}")  # of a text: the same on any CPython and hash seed
        planted = Planted(fault, board=self, rng=rng, begins_ns=begins_ns)
        self._family(fault).append(planted)
        if not isinstance(fault, Picker):
            self.advance()
        self._added()
        return planted

    def clear(self) -> None:
        """Cancel every fault."""
        for planted in self.planted:
            planted.cancel()

    def note(
        self, planted: Planted, what: str, connection: int | None = None, market_ticker: str | None = None
    ) -> None:  # fmt: skip
        """Count and write down what a fault did."""
        planted.happened += 1
        self.write_down(planted.fault.kind, what, connection, market_ticker)

    def write_down(
        self, kind: str, what: str, connection: int | None = None, market_ticker: str | None = None
    ) -> None:  # fmt: skip
        """Write down what went wrong."""
        self.log.append(Struck(self._clock(), kind, connection, market_ticker, what))

    def advance(self) -> None:
        """Let moments happen, and spans begin and end, that are due: in the order of their times."""
        now_ns = self._clock()
        while (due_ns := self.next_due_ns) is not None and due_ns <= now_ns:
            planted = next(each for each in self._timed if each.due_ns == due_ns)
            planted.turn(now_ns)
            self._turned(planted)

    @property
    def next_due_ns(self) -> int | None:
        """When something happens by itself next; None: never."""
        return min((each.due_ns for each in self._timed if each.due_ns is not None), default=None)

    def _family(self, fault: Fault) -> list[Planted]:
        if not isinstance(fault, Picker):
            return self._timed
        if isinstance(fault, CommandFault):
            return self.commands
        return self.deltas if isinstance(fault, (LostDelta, WrongDelta)) else self.frames

    def _ended(self, planted: Planted) -> None:
        """Let go of a fault that is over."""
        was_on, planted.is_on = planted.is_on, False
        self._family(planted.fault).remove(planted)
        if was_on:
            self._turned(planted)
