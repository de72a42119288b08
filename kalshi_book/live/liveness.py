"""Whether a connection lives, and whether a subscription does: values, with the time passed in.

A connection proves that it lives by any bytes that arrive: data, pongs, the exchange's pings (every 10 s, body
``heartbeat``), a piece of a large snapshot. Nothing that we send, and no timer, counts as proof. ``Link`` judges it at
ticks, and when bytes come. A tick that comes late says that this process was busy or the machine asleep, not that the
exchange was silent. Nothing is given up by that; but books that nothing proved for longer than is allowed are not known to
be of now, whoever was to blame.

A connection that lives may be dead for a subscription: pongs come and data do not. A quiet market looks the same. So each
sid is compared with its own history (``Pulse``): silent for a multiple of its mean gap it is *probed* with a question that
is answered on that very sid, and only an unanswered probe speaks against it.
"""

from __future__ import annotations

from typing import Final

from ..pace import MINUTE_NS, SECOND_NS

TICK_NS: Final = 2 * SECOND_NS
"""Between our own pings, and between looks at everything here; less where the allowed silence is shorter than two."""

DEAD_NS: Final = 10 * SECOND_NS
"""A connection that is silent for so long is given up,"""
DEAD_TICKS: Final = 3
"""but not before so many ticks, each with a ping: however busy this process is, what came was read between them."""

LAG_NS: Final = SECOND_NS
"""A tick that is late by more than this was held up by something in this process."""

SLOW_MESSAGE_NS: Final = SECOND_NS
"""A message that takes longer to come than this holds up the answers behind it."""
LONGEST_MESSAGE_NS: Final = 2 * MINUTE_NS
"""And one that takes longer than this holds up the books. 64 MiB come within it at 4.5 Mbit/s."""

QUIET_NS: Final = 30 * SECOND_NS
"""No subscription is probed before it was silent for so long."""
QUIET_GAPS: Final = 30
"""And for so many of its mean gaps. Frames that come at random are so late once in 10^13."""
MAX_PATIENCE_NS: Final = 30 * MINUTE_NS
"""But for no longer than this between two probes."""


class Link:
    """The link clock of one connection.

    Args:
        now_ns: when it was opened, on a monotonic clock.
        max_silence_ns: from how long a silence on books are not known to be of now.

    Attributes:
        heard_ns: when bytes came last.
        lag_ns: how late the last tick was.
        is_late: whether that is more than a little.
    """

    __slots__ = ("_due_ns", "_max_silence_ns", "_tick_ns", "_ticks", "heard_ns", "is_late", "lag_ns")

    def __init__(self, now_ns: int, *, max_silence_ns: int) -> None:
        self.heard_ns = now_ns
        self.lag_ns = 0
        self.is_late = False
        self._max_silence_ns = max_silence_ns
        self._tick_ns = min(TICK_NS, max_silence_ns // 2)  # so that an answer may come within the allowed silence
        self._due_ns = now_ns
        self._ticks = 0  # since bytes came last

    def heard(self, now_ns: int) -> int:
        """Note that bytes came. Returns how long a silence was that they ended and that was not allowed; else 0."""
        silence_ns = now_ns - self.heard_ns
        self.heard_ns, self._ticks = now_ns, 0
        return silence_ns if silence_ns >= self._max_silence_ns else 0

    def plan(self, now_ns: int) -> int:
        """Give when the next tick is due: at the next multiple of the tick, or when the allowed silence ends."""
        ends_ns = self.heard_ns + self._max_silence_ns
        self._due_ns = ends_ns if now_ns < ends_ns < now_ns + self._tick_ns else now_ns + self._tick_ns
        return self._due_ns

    def tick(self, now_ns: int) -> bool:
        """Look at the clock. Returns whether this tick came late, and the one before did not: nobody has looked since."""
        was_late = self.is_late
        self.lag_ns = max(0, now_ns - self._due_ns)
        self.is_late = self.lag_ns > LAG_NS
        self._ticks += 1
        return self.is_late and not was_late

    def silence_ns(self, now_ns: int) -> int:
        """How long nothing came."""
        return now_ns - self.heard_ns

    def is_silent(self, now_ns: int) -> bool:
        """Whether books are not known to be of now."""
        return self.silence_ns(now_ns) >= self._max_silence_ns

    def is_dead(self, now_ns: int) -> bool:
        """Whether the connection is to be given up: silent for long, over pings that had the time to be answered."""
        return self._ticks >= DEAD_TICKS and self.silence_ns(now_ns) >= max(DEAD_NS, self._max_silence_ns)


class PatientClock:
    """The clock that a feed is told: it stands still while one message takes long to come.

    Answers queue behind that message. Whoever asks again meanwhile makes the queue longer: a snapshot of 4 MB takes half a
    minute on a link of 1 Mbit/s, and deadlines of ten seconds would never let it pass.
    """

    __slots__ = ("_began_ns", "_held_ns")

    def __init__(self) -> None:
        self._held_ns = 0
        self._began_ns: int | None = None

    def read(self, had_message: bool, is_within: bool, now_ns: int) -> None:
        """Note what a read brought.

        Args:
            had_message: whether a message came to its end.
            is_within: whether the beginning of another one came.
            now_ns: when.
        """
        if had_message or not is_within:
            self._held_ns += self._excess_ns(now_ns)
            self._began_ns = None
        if is_within and self._began_ns is None:
            self._began_ns = now_ns

    def within_ns(self, now_ns: int) -> int:
        """For how long the message has been coming of which the beginning came; 0: there is none."""
        return 0 if self._began_ns is None else now_ns - self._began_ns

    def _excess_ns(self, now_ns: int) -> int:
        return max(0, self.within_ns(now_ns) - SLOW_MESSAGE_NS)

    def is_held(self, now_ns: int) -> bool:
        """Whether it stands still."""
        return self._excess_ns(now_ns) > 0

    def is_stuck(self, now_ns: int) -> bool:
        """Whether a message takes so long to come that no more is to be waited for it."""
        return self.within_ns(now_ns) >= LONGEST_MESSAGE_NS

    def told_ns(self, now_ns: int) -> int:
        """Give what the feed is told."""
        return now_ns - self._held_ns - self._excess_ns(now_ns)

    def real_ns(self, told_ns: int) -> int:
        """Give when it will show a time, if it stands still no more."""
        return told_ns + self._held_ns


class Pulse:
    """The data clock of one subscription: how far its count is, beside how fast it went so far.

    Args:
        now_ns: when it was first looked at.
        seq: how far its count was then.

    Attributes:
        heard_ns: when it was first seen where it is now.
        is_probed: whether a probe is under way.
    """

    __slots__ = ("_began_ns", "_patience", "_probed_ns", "_seq", "_steps", "heard_ns")

    def __init__(self, now_ns: int, seq: int) -> None:
        self._began_ns = self.heard_ns = now_ns
        self._seq, self._steps, self._patience = seq, 0, 1
        self._probed_ns: int | None = None

    @property
    def is_probed(self) -> bool:
        """Whether a probe is under way."""
        return self._probed_ns is not None

    def look(self, now_ns: int, seq: int) -> None:
        """Note how far the count is. Any step proves that the subscription lives."""
        if seq != self._seq:
            self._steps += abs(seq - self._seq)
            self._seq, self.heard_ns = seq, now_ns
            self._patience, self._probed_ns = 1, None

    def answered(self, now_ns: int, *, is_numbered: bool) -> None:
        """Note that the probe was answered: it lives, and is quiet.

        Args:
            now_ns: when.
            is_numbered: whether the answer took a number of the count.
        """
        self._seq += is_numbered
        self.heard_ns, self._probed_ns = now_ns, None
        self._patience *= 2

    def limit_ns(self) -> int:
        """How long a silence is nothing special. Each answered probe makes it twice as long, until data come."""
        mean_ns = (self.heard_ns - self._began_ns) // self._steps if self._steps else QUIET_NS
        return min(MAX_PATIENCE_NS, max(QUIET_NS, QUIET_GAPS * mean_ns) * self._patience)

    def wants_probe(self, now_ns: int) -> bool:
        """Whether it is silent beside its own history, and not asked yet."""
        return self._probed_ns is None and now_ns - self.heard_ns >= self.limit_ns()

    def probed(self, now_ns: int) -> None:
        """Note that a probe was sent."""
        self._probed_ns = now_ns

    def is_dead(self, now_ns: int, answer_ns: int) -> bool:
        """Whether a probe was not answered in time."""
        return self._probed_ns is not None and now_ns - self._probed_ns >= answer_ns
