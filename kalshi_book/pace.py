"""How patient the feed is, and how often it may ask: deadlines and the budget of the recovery, as numbers."""

from __future__ import annotations

from msgspec import Struct

from .errors import UsageError

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS


class Pace(Struct, frozen=True, kw_only=True):
    """Deadlines in nanoseconds of the clock that ``Feed.advance`` is told, and the budget (F18).

    Attributes:
        answer_ns: how long to wait for an answer, or for the next of several, before asking again or taking the next rung.
        tries: how often a snapshot is asked for before its market is taken out of the subscription and put in again.
        retry_ns: how long to wait before what the exchange does not give is asked for once more.
        budget_per_minute: commands that the recovery may send in a minute, on average.
        burst: and at once.

    Raises:
        UsageError: one of them is not a whole number above 0.
    """

    answer_ns: int = 10 * SECOND_NS
    tries: int = 2
    retry_ns: int = MINUTE_NS
    budget_per_minute: int = 120
    burst: int = 60

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if type(value := getattr(self, name)) is not int or value < 1:
                raise UsageError(f"{name} must be a whole number above 0, not {value!r}")


class Budget:
    """A bucket of commands that fills with time. Before time is told it is never empty: nothing could fill it."""

    def __init__(self, pace: Pace) -> None:
        self._interval_ns = MINUTE_NS // pace.budget_per_minute or 1
        self._full_ns = self._interval_ns * pace.burst
        self._credit_ns = self._full_ns
        self._now_ns: int | None = None

    def advance(self, now_ns: int) -> None:
        """Let time pass."""
        if self._now_ns is not None:
            self._credit_ns = min(self._full_ns, self._credit_ns + now_ns - self._now_ns)
        self._now_ns = now_ns

    @property
    def left(self) -> int:
        """How many commands may be sent now."""
        return self._credit_ns // self._interval_ns

    def spend(self) -> None:
        """Take one command out; what is not there is owed."""
        if self._now_ns is not None:
            self._credit_ns -= self._interval_ns

    @property
    def next_ns(self) -> int | None:
        """When the next command may be sent, or None: now, or time was never told."""
        if self._now_ns is None or self.left > 0:
            return None
        return self._now_ns + self._interval_ns - self._credit_ns
