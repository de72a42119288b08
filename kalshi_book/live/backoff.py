"""When to try again: full jitter at every step, the cap included, and a slow lane for what will not change by itself.

A delay is drawn between 0 and a ceiling that doubles with each failure. Clients that lost their connections at one moment
so come back at different ones, also when all of them have reached the cap. The ceiling falls back to its base only after a
connection was well for a while, so one that dies right after its handshake does not reset it.
"""

from __future__ import annotations

from typing import Final, Protocol

from ..pace import MINUTE_NS, SECOND_NS

BASE_NS: Final = SECOND_NS
CAP_NS: Final = MINUTE_NS
HEALTHY_NS: Final = 30 * SECOND_NS
"""How long every book has to be LIVE (or UNAVAILABLE: settled, say) before failures are forgotten."""

SLOW_NS: Final = (4 * MINUTE_NS, 6 * MINUTE_NS)
"""Between attempts that were not authorized: at most three in ten minutes."""

CONNECTS_PER_MINUTE: Final = 60
"""Of one client, all of its connections together."""


class Random(Protocol):
    """What is drawn from."""

    def random(self) -> float:
        """Give a number of 0 to 1, without 1."""


class Backoff:
    """The delays of one connection.

    Args:
        rng: what is drawn from.

    >>> from random import Random
    >>> backoff = Backoff(Random(7))
    >>> [backoff.next_ns() // 10**6 for _ in range(8)]
    [323, 301, 2603, 579, 8574, 11702, 3479, 30446]
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._failures = 0
        self._well_since_ns: int | None = None

    def next_ns(self) -> int:
        """Count a failure, and draw how long to wait before the next attempt."""
        ceiling_ns = min(CAP_NS, BASE_NS << min(self._failures, 32))
        self._failures += 1
        self._well_since_ns = None
        return int(self._rng.random() * ceiling_ns)

    def slow_ns(self) -> int:
        """Draw how long to wait after a refusal that another attempt will not change."""
        self._well_since_ns = None
        low_ns, high_ns = SLOW_NS
        return low_ns + int(self._rng.random() * (high_ns - low_ns))

    def is_well(self, now_ns: int, well: bool) -> None:
        """Say from time to time whether everything is well on the connection."""
        if not well:
            self._well_since_ns = None
        elif self._well_since_ns is None:
            self._well_since_ns = now_ns
        elif now_ns - self._well_since_ns >= HEALTHY_NS:
            self._failures = 0

    @property
    def failures(self) -> int:
        """How many failures count now."""
        return self._failures


class ConnectBudget:
    """Attempts to connect within a minute, of all connections of one client together."""

    def __init__(self) -> None:
        self._made_ns: list[int] = []

    def wait_ns(self, now_ns: int) -> int:
        """Give how long the next attempt has to wait; 0: none."""
        self._made_ns = [made_ns for made_ns in self._made_ns if made_ns > now_ns - MINUTE_NS]
        if len(self._made_ns) < CONNECTS_PER_MINUTE:
            return 0
        return self._made_ns[-CONNECTS_PER_MINUTE] + MINUTE_NS - now_ns

    def spend(self, now_ns: int) -> None:
        """Count an attempt."""
        self._made_ns.append(now_ns)
