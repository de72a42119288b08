"""One ``Feed`` over all its connections: it is opened, kept, given up, and opened again, until it is asked to end.

::

               ┌───────────── after a delay (full jitter; minutes where nothing but a change of ours helps) ◀─────────────┐
               ▼                                                                                                          │
    WAITING ─▶ CONNECTING ─▶ OPEN ── broken off, closed, silent, stalled, the feed wants it, or anything was raised ──────┤
                    └─────── refused, no answer ──────────────────────────────────────────────────────────────────────────┘

One task walks this circle (``Lane.run``). The only ways out of it are ``close``, and a permanent refusal of the first
connection before its first success, which is the caller's to hear. What happens while a connection is open is no task's
work: it is done in the callbacks of the wire and of two timers (``Session``), so nothing that waits can hold it up.

A session is one connection. Its number is the feed's epoch; once the lane has let go of it, frames that come still are
dropped. What is subscribed is never remembered as commands: the feed takes the difference to what is desired again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from .. import events
from ..errors import HandshakeRefused, NotAuthorized
from ..feed import Feed
from .auth import signed_headers
from .backoff import Backoff
from .hub import Hub
from .liveness import PatientClock
from .session import Session
from .wire import Failure, Wire, dial

SKEW_MS: Final = 2_000
"""A clock that is off by more than this is told of."""


class Lane:
    """One feed over its connections.

    Args:
        hub: what it shares with others.
        number: which it is, from 1. The first one's updates reach consumers; of others, those of books and of own orders do.

    Attributes:
        feed: its feed.
        session: the connection that is open, or None.
        backoff: when it is tried again.
        clock: what its feed is told.
        first: done when it was open once; of the first connection it may raise why it never will be.
        is_closing: whether ``close`` was called.
        refusals: for each channel the error with which some of its markets were refused last.
    """

    def __init__(self, hub: Hub, number: int) -> None:
        self.hub = hub
        self.number = number
        self.feed = Feed(pace=hub.settings.pace)
        self.feed.closed()
        self.session: Session | None = None
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.refusals: dict[str, int | None] = {}
        self.backoff = Backoff(hub.world.rng)
        self.clock = PatientClock()
        self.is_closing = False
        self._task = hub.tasks.start(self.run(), f"kalshi_book connection {number}")

    async def close(self) -> None:
        """End: with a closing handshake where a connection is open. At most a few seconds."""
        self.is_closing = True
        if self.session is not None:
            self.session.ended("close() was called")
        else:
            self._task.cancel()
        await asyncio.wait([self._task])

    def act(self) -> None:
        """Let the feed say what it wants, after something was asked of it."""
        if self.session is not None:
            self.session.work()

    # The circle.

    async def run(self) -> None:
        """Connect, again and again."""
        while not self.is_closing:
            try:
                failure = await self._once()
            except Exception as error:  # nothing that is raised anywhere may end the circle
                self.hub.tell(events.Fault(self.number, f"{type(error).__name__}: {error}"), self.number)
                failure = Failure("a fault of the client")
            if failure is None or self.is_closing:
                continue
            if failure.is_permanent and self.number == 1 and not self.first.done():
                self.first.set_exception(self._error(failure))
                return
            delay_ns = self.backoff.slow_ns() if failure.is_permanent else self.backoff.next_ns()
            if failure.is_permanent or not failure.was_open:
                told = self.number, self._text(failure), self.backoff.failures, delay_ns, failure.is_permanent
                self.hub.tell(events.ConnectFailed(*told), self.number)
            await asyncio.sleep(delay_ns / 1e9)

    async def _once(self) -> Failure | None:
        """Make one attempt and live through what comes of it. Returns why it is over; None: it was asked to end."""
        hub = self.hub
        await asyncio.sleep(hub.connects.wait_ns(hub.now_ns()) / 1e9)
        hub.connects.spend(hub.now_ns())
        hub.tally.attempts += 1
        session = Session(self)
        try:
            wire = await dial(hub.settings.url, session, sign=self._sign, tls=hub.settings.tls)
            if isinstance(wire, Failure):
                self.note_clock(wire.date_ms)
                return wire
            reason = await self._live_through(session, wire)
        finally:
            session.leave()
        if self.is_closing:
            return None
        hub.tally.disconnects += 1
        return Failure(reason, is_permanent=session.is_permanent, was_open=True)

    async def _live_through(self, session: Session, wire: Wire) -> str:
        """Wait until the connection is to end, and end it. Returns why."""
        try:
            reason = await session.end
            await wire.end()
            return reason
        finally:
            wire.transport.abort()
            self.hub.tally.late_frames += wire.late_frames

    async def _sign(self) -> Mapping[str, str]:
        hub = self.hub
        path = "/" + hub.settings.url.split("://", 1)[1].partition("/")[2]
        return await signed_headers(hub.settings.signer, path, hub.world.wall_ns() // 1_000_000)

    def note_clock(self, date_ms: int | None) -> int | None:
        """Learn from a Date header how far our clock is off; it says whole seconds, so half of one is added."""
        if date_ms is None:
            return None
        skew_ms = self.hub.world.wall_ns() // 1_000_000 - (date_ms + 500)
        self.hub.tally.clock_skew_ms = skew_ms
        if abs(skew_ms) > SKEW_MS:
            self.hub.tell(events.ClockSkewed(skew_ms), self.number)
        return skew_ms

    @property
    def _host(self) -> str:
        return self.hub.settings.url.split("://", 1)[1].partition("/")[0]

    def _error(self, failure: Failure) -> HandshakeRefused:
        if failure.status not in (401, 403):
            return HandshakeRefused(self._host, failure.status, failure.reason)
        skew_ms = None if failure.date_ms is None else self.hub.tally.clock_skew_ms
        return NotAuthorized(self._host, failure.status, self._text(failure), skew_ms=skew_ms)

    def _text(self, failure: Failure) -> str:
        """Say what to look at."""
        if failure.status not in (401, 403):
            return failure.reason
        skew_ms = None if failure.date_ms is None else self.hub.tally.clock_skew_ms
        if skew_ms is None:
            clock = "a clock that is off (its answer has no Date to compare with)"
        elif abs(skew_ms) > SKEW_MS:
            side = "ahead of" if skew_ms > 0 else "behind"
            clock = f"our clock, which is {abs(skew_ms) // 1000} s {side} the exchange's: very likely this"
        else:
            clock = "not the clock, which agrees with the exchange's"
        return (
            f"{failure.reason}: look at the environment (keys of prod are unknown in demo, and the other way round), at "
            f"key_id and private key (do they belong together? was the key deleted?), and at {clock}"
        )
