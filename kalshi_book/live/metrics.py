"""What a client counts, as one typed object, and how old messages are, as histograms.

Counting must not cost the reader anything: what a ``Feed`` counts is only added up when somebody asks, bytes are counted a
read at a time, and the age of messages is sampled.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate
from typing import Final

from msgspec import Struct

from ..errors import UsageError
from ..kinds import Effect, Kind

_MICROSECOND_NS: Final = 1_000
BOUNDS_NS: Final = tuple(step * 10**power * _MICROSECOND_NS for power in range(9) for step in (1, 2, 5))
"""Upper bounds of the buckets: 1, 2, 5, 10 ... microseconds to 500 seconds; above them there is one more."""

AGES: Final = ("exchange_to_queued", "queued_to_received", "received_to_applied", "exchange_to_applied")
"""The parts of a message's way: the change happened (``ts_ms``), was queued for us (``sending_ts_ms``), was read from the
socket, and stands in the book."""


class Ages(Struct, frozen=True, kw_only=True):
    """A histogram of times.

    Attributes:
        counts: how many fell into each bucket of ``BOUNDS_NS``, the last one above all of them.
        sum_ns: of all.
        min_ns, max_ns: the least and the greatest, or None: there were none. Below 0, the exchange's clock is ahead of ours:
            two clocks are compared wherever a part begins there and ends here.
    """

    counts: tuple[int, ...] = (0,) * (len(BOUNDS_NS) + 1)
    sum_ns: int = 0
    min_ns: int | None = None
    max_ns: int | None = None

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)

    @property
    def mean_ns(self) -> int | None:
        """The mean, or None: there were none."""
        return self.sum_ns // self.count if self.count else None

    def at_most_ns(self, share: float) -> int | None:
        """Give the bound under which a share of them lies: 0.5, 0.99. None: there were none.

        Raises:
            UsageError: not a share of 0 to 1.
        """
        if not 0 <= share <= 1:
            raise UsageError(f"a share is 0 to 1, not {share!r}")
        if self.max_ns is None:
            return None
        reached = bisect_left(list(accumulate(self.counts)), max(1, share * self.count))
        return min(BOUNDS_NS[reached], self.max_ns) if reached < len(BOUNDS_NS) else self.max_ns


class AgeCounter:
    """What ``Ages`` are collected in."""

    __slots__ = ("_counts", "_max_ns", "_min_ns", "_sum_ns")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_NS) + 1)
        self._sum_ns = 0
        self._min_ns: int | None = None
        self._max_ns: int | None = None

    def add(self, age_ns: int) -> None:
        """Count one."""
        self._counts[bisect_left(BOUNDS_NS, age_ns)] += 1
        self._sum_ns += age_ns
        self._min_ns = age_ns if self._min_ns is None else min(self._min_ns, age_ns)
        self._max_ns = age_ns if self._max_ns is None else max(self._max_ns, age_ns)

    def value(self) -> Ages:
        """Give what was collected so far."""
        return Ages(counts=tuple(self._counts), sum_ns=self._sum_ns, min_ns=self._min_ns, max_ns=self._max_ns)


class Metrics(Struct, frozen=True, kw_only=True):
    """What a client did so far. ``live.metrics`` makes a new one.

    Attributes:
        connections, open: how many connections it keeps, and how many of them are open now.
        attempts, connects: how often it tried to connect, and how often it did.
        disconnects: how often a connection ended that was open, but by ``close``.
        frames, bytes: what was received: messages, and bytes of the WebSocket with all control frames.
        late_frames: frames of a connection that was given up already: dropped.
        counts: frames by (Kind, Effect).
        skipped: sequence numbers that were missing.
        gaps: how often some were missing.
        recovered: how often a book came back to LIVE.
        audits, audits_differed, audits_unanswered: snapshots of LIVE books that were asked for to compare, how many of them
            differed from the book, and how many never came.
        probes, stalls: subscriptions that were asked whether they live, and those that did not answer.
        conflated: updates that stand behind a later one of their market, in all consumers together.
        lost: updates that consumers were too slow for.
        handler_errors: exceptions of handlers.
        books, live_books: how many books there are, and how many of them are LIVE.
        max_lag_ns: the longest that this process kept a timer of ours waiting.
        round_trip_ns: of the last ping on the first connection, or None.
        clock_skew_ms: how far our clock is ahead of the exchange's, give or take a second, by the Date header of the last
            handshake; None: it had none.
        ages: for each part of the way (``AGES``) how long it took, sampled at most a hundred times a second.
    """

    connections: int
    open: int
    attempts: int
    connects: int
    disconnects: int
    frames: int
    bytes: int
    late_frames: int
    counts: Mapping[tuple[Kind, Effect], int]
    skipped: int
    gaps: int
    recovered: int
    audits: int
    audits_differed: int
    audits_unanswered: int
    probes: int
    stalls: int
    conflated: int
    lost: int
    handler_errors: int
    books: int
    live_books: int
    max_lag_ns: int
    round_trip_ns: int | None
    clock_skew_ms: int | None
    ages: Mapping[str, Ages]


class Tally:
    """What all connections of a client count together."""

    def __init__(self) -> None:
        self.attempts = self.connects = self.disconnects = 0
        self.bytes = self.late_frames = 0
        self.gaps = self.recovered = 0
        self.audits_unanswered = self.probes = self.stalls = 0
        self.max_lag_ns = 0
        self.clock_skew_ms: int | None = None
        self.ages = {name: AgeCounter() for name in AGES}

    def sample(self, *, ts_ms: int | None, sending_ts_ms: int | None, received_ns: int, applied_ns: int) -> None:
        """Take the times of one message."""
        happened_ns = None if ts_ms is None else ts_ms * 1_000_000
        queued_ns = None if sending_ts_ms is None else sending_ts_ms * 1_000_000
        for name, begins_ns, ends_ns in zip(
            AGES,
            (happened_ns, queued_ns, received_ns, happened_ns),
            (queued_ns, received_ns, applied_ns, applied_ns),
            strict=True,
        ):
            if begins_ns is not None and ends_ns is not None:
                self.ages[name].add(ends_ns - begins_ns)
