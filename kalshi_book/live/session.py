"""One connection of a lane: what is done when bytes come, and from time to time while none do.

All of it happens in callbacks: of the wire, of a timer that rings when the feed has something to do, and of one that rings
every two seconds, to ping, to judge the silence, to compare subscriptions with their own history, and to audit. No task
waits here for anything, so nothing can be held up by what waits.

Once a session has ended, its books are STALE, whoever waits for an answer is told, and what comes still is dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .. import events
from .._backend import Update
from ..kinds import Effect, Kind, MarketState, State
from ..messages import OrderbookDelta
from ..messages.commands import BOOK_CHANNEL, Command, ListSubscriptions, UpdateSubscription
from ..messages.vocabulary import CHANNELS
from ..pace import SECOND_NS
from .asks import Ask
from .liveness import LONGEST_MESSAGE_NS, Link, Pulse
from .wire import Wire, date_ms_of

if TYPE_CHECKING:
    from .lane import Lane

SAMPLE_NS: Final = 10_000_000
"""The age of at most one message in this span is taken."""

AUDIT_BOOKS: Final = 20
"""How many books one audit looks at."""

DEAF_COMMANDS: Final = 5
"""When so many in a row were not answered, others than for snapshots (a market may have none), nobody listens there."""

_DELTA, _APPLIED = Kind.DELTA, Effect.APPLIED
_REPLIES: Final = frozenset({Kind.SUBSCRIBED, Kind.OK, Kind.UNSUBSCRIBED, Kind.ERROR, Kind.LISTING})
_QUIET: Final = frozenset(Kind) - _REPLIES - {Kind.DELTA, Kind.SNAPSHOT, Kind.MALFORMED, Kind.UNKNOWN}
"""What asks for nothing by itself, unless it shows a gap."""
_CLOSED: Final = (MarketState.CLOSED, MarketState.SETTLED)


class Session:
    """One connection of a lane, told by its wire."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._hub = lane.hub
        self._feed = lane.feed
        self._loop = asyncio.get_running_loop()
        self._slept_ns = lane.hub.world.slept_ns
        self.end: asyncio.Future[str] = self._loop.create_future()
        self.is_permanent = False
        self._wire: Wire | None = None
        self._link = Link(0, max_silence_ns=lane.hub.settings.max_silence_ns)
        self._clock = lane.clock
        self._is_suspected = False
        self._is_dirty = False
        self._asks: dict[int, Ask] = {}
        self._pulses: dict[tuple[str, int], Pulse] = {}
        self._probes: dict[int, tuple[str, int]] = {}
        self._audit_id: int | None = None
        self._audited: set[str] = set()  # whose snapshots are to come still
        self._to_audit: list[str] = []
        self._audit_due_ns: int | None = None
        self._unanswered = 0
        self._channels: set[str] = set()  # that are open, but the books'
        self._unproven_ns = 0  # for how long what came proved nothing of them
        self._due_timer: asyncio.TimerHandle | None = None
        self._tick_timer: asyncio.TimerHandle | None = None
        # Of the read that is told now.
        self._receive = lane.feed.receive
        self._is_first = lane.number == 1
        self._received_ns = 0
        self._sampled_ns = 0
        self._last: Update | None = None

    def _now_ns(self) -> int:
        return round(self._loop.time() * 1e9) + self._slept_ns()

    def _at(self, due_ns: int, work: Callable[[], None]) -> asyncio.TimerHandle:
        return self._loop.call_later(max(0, due_ns - self._now_ns()) / 1e9, work)

    @property
    def silence_ns(self) -> int:
        """How long nothing came."""
        return self._link.silence_ns(self._now_ns())

    @property
    def round_trip_ns(self) -> int | None:
        """Of the last ping that was answered, or None."""
        return None if self._wire is None else self._wire.round_trip_ns

    # What the wire tells.

    def opened(self, wire: Wire) -> None:
        """The handshake is through: subscribe what is desired."""
        lane, hub, now_ns = self._lane, self._hub, self._now_ns()
        assert not self.end.done()
        self._wire = wire
        hub.tally.connects += 1
        self._link = Link(now_ns, max_silence_ns=hub.settings.max_silence_ns)
        self._feed.opened()
        lane.session = self
        if not lane.first.done():
            lane.first.set_result(None)
        hub.tell(events.Connected(lane.number, self._feed.epoch), lane.number)
        assert wire.response is not None
        lane.note_clock(date_ms_of(wire.response.headers.get("Date")))
        if hub.settings.audit_ns is not None:
            self._audit_due_ns = now_ns + hub.settings.audit_ns
        self._tick_timer = self._at(self._link.plan(now_ns), self._tick)
        self._is_dirty = True

    def heard(self, size: int) -> None:
        """Bytes came: the link lives."""
        silence_ns = self._link.heard(self._now_ns())
        if silence_ns and not self._is_suspected and self._wire is not None:
            self._suspect(silence_ns)  # nobody looked meanwhile: this process was busy, or the machine asleep
        self._hub.tally.bytes += size
        self._received_ns = self._hub.world.wall_ns()
        if self._is_suspected:
            self._is_suspected, self._is_dirty = False, True

    def frame(self, data: bytes) -> None:
        """Take a frame in, first of all; then tell whoever wants to know. The short way of nearly every frame."""
        update = self._last = self._receive(data, received_ns=self._received_ns)
        kind = update.kind
        if kind is not _DELTA or update.effect is not _APPLIED:
            self._look(update)
        puts = self._hub.puts
        if puts and (kind is _DELTA or self._is_for_consumers(update)):
            for put in puts:
                put(update)

    def _is_for_consumers(self, update: Update) -> bool:
        kind = update.kind
        if kind is Kind.FILL or kind is Kind.USER_ORDER:
            return self._hub.heard.is_news(update.message, self._lane.number)
        return self._is_first or kind is Kind.SNAPSHOT

    def settle(self) -> None:
        """All of a read is told: say what follows from it."""
        last, self._last = self._last, None
        if self._wire is not None:
            self._clock.read(last is not None, self._wire.is_within_message, self._link.heard_ns)
        if last is not None and self._link.heard_ns - self._sampled_ns >= SAMPLE_NS:
            self._sampled_ns = self._link.heard_ns
            message = last.message
            if isinstance(message, OrderbookDelta):
                self._hub.tally.sample(
                    ts_ms=message.msg.ts_ms,
                    sending_ts_ms=message.sending_ts_ms,
                    received_ns=self._received_ns,
                    applied_ns=self._hub.world.wall_ns(),
                )
        if self._is_dirty:
            self.work()

    def failed(self, error: Exception) -> None:
        """Something here failed: a mistake of ours ends the connection and nothing else."""
        self._hub.tell(events.Fault(self._lane.number, f"{type(error).__name__}: {error}"), self._lane.number)
        self.ended("a fault of the client")

    def ended(self, reason: str, *, is_permanent: bool = False) -> None:
        """The connection is to be given up, or is gone: books are STALE at this instant."""
        if self.end.done():
            return
        self.is_permanent = is_permanent
        self.end.set_result(reason)
        self.leave()

    def leave(self) -> None:
        """Have nothing more to do with the connection."""
        if not self.end.done():
            self.end.cancel()
        wire, self._wire = self._wire, None
        for timer in (self._due_timer, self._tick_timer):
            if timer is not None:
                timer.cancel()
        if wire is None:
            return
        wire.let_go()
        lane, hub = self._lane, self._hub
        lane.session = None
        reason = "cancelled" if self.end.cancelled() else self.end.result()
        self._tell_events()
        self._note_channels(set())
        self._clock.read(False, False, self._now_ns())
        self._feed.closed()
        hub.tell(events.Disconnected(lane.number, self._feed.epoch, reason, is_wanted=lane.is_closing), lane.number)
        for ask in self._asks.values():
            ask.lose(reason)
        self._asks.clear()
        hub.changed()

    # What is done with it.

    def _look(self, update: Update) -> None:
        """Look at a frame that is more than a change of a book."""
        kind = update.kind
        if kind in _QUIET and update.effect not in (Effect.GAP, Effect.BACKWARDS, Effect.STALED):
            return
        self._is_dirty = True
        if kind is Kind.SNAPSHOT and update.market_ticker is not None:
            self._hub.book_changed(update.market_ticker)
            self._audited.discard(update.market_ticker)
        if kind in (Kind.MALFORMED, Kind.UNKNOWN):
            text = update.error if update.error is not None else f"a frame of an unknown type: {update!r}"
            self._hub.reports.say(self._now_ns(), logging.WARNING, f"{kind}/{self._lane.number}", text)
        elif kind in _REPLIES or kind is Kind.SNAPSHOT:
            if kind is not Kind.SNAPSHOT:
                self._unanswered = 0
            if self._asks or self._probes:
                self._answered(update)

    def _answered(self, update: Update) -> None:
        number: int = getattr(update.message, "id", None) or 0  # of nothing that was asked: they begin with 1
        if (ask := self._asks.get(number)) is not None and ask.take(update):
            del self._asks[number]
        if (key := self._probes.pop(number, None)) is not None and key in self._pulses:
            self._pulses[key].answered(self._now_ns(), is_numbered=update.seq is not None)

    def work(self) -> None:
        """Let the feed say what it wants, and tell what it decided."""
        self._is_dirty = False
        feed, wire = self._feed, self._wire
        assert wire is not None
        feed.advance(self._clock.told_ns(self._now_ns()))
        if not self._is_suspected:
            for command in feed.wanted():
                wire.write(feed.send(command))
        self._tell_events()
        self._note_channels({each.channel for each in feed.progress if each.channel != BOOK_CHANNEL})
        self._hub.changed()
        reason = feed.reconnect_reason
        if self._unanswered >= DEAF_COMMANDS:
            reason = f"{self._unanswered} commands in a row were not answered"
        if reason is not None:
            self.ended(reason)
            return
        self._plan()

    def _tell_events(self) -> None:
        for event in self._feed.events():
            if isinstance(event, events.CommandUnanswered) and event.id == self._audit_id:
                self._hub.tally.audits_unanswered += len(self._audited)
                continue
            if isinstance(event, events.CommandUnanswered):
                self._unanswered += getattr(event.command, "action", None) != "get_snapshot"
            elif isinstance(event, events.MarketsRefused):
                self._lane.refusals[event.channel] = event.code
            self._hub.tell(event, self._lane.number)

    def _note_channels(self, channels: set[str]) -> None:
        """Tell of what consumers may have missed of channels that are open again."""
        heard, number = self._hub.heard, self._lane.number
        for channel in sorted(channels - self._channels):
            if (since_ms := heard.opened(channel, number)) is not None:
                self._hub.tell(events.Missed(channel, since_ms, self._received_ns // 1_000_000), number)
        if gone := self._channels - channels:
            # What comes behind a message that is not whole yet cannot be read.
            unproven_ns = max(self._unproven_ns, self._clock.within_ns(self._link.heard_ns))
            proven_ms = (self._received_ns - unproven_ns) // 1_000_000
            wanted = {channel for channel, each in self._feed.subscriptions.items() if each.is_all or each.desired}
            for channel in gone:
                heard.closed(channel, number, proven_ms if channel in wanted else None)
        self._channels = channels

    def _plan(self) -> None:
        """Ring when the feed has something to do by itself."""
        if self._due_timer is not None:
            self._due_timer.cancel()
            self._due_timer = None
        if (due_ns := self._feed.next_deadline_ns) is not None:
            # Rounded up, and never at once: a timer that rings too early would ring again and again.
            now_ns = self._now_ns()
            at_ns = max(self._clock.real_ns(due_ns), now_ns) + SECOND_NS // 1000
            if self._clock.is_held(now_ns):
                at_ns = now_ns + SECOND_NS
            self._due_timer = self._at(at_ns, self._work_in_time)

    def _work_in_time(self) -> None:
        self._guarded(self.work)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do what a timer asks for."""
        try:
            work()
        except Exception as error:
            self.failed(error)

    def ask(self, command: Command, answers: int) -> Ask:
        """Send a command that somebody waits for.

        Raises:
            UsageError: the feed refuses it.
        """
        ask = Ask(self._feed.next_command_id, command, answers)
        self._send(command)
        self._asks[ask.number] = ask
        return ask

    def forget(self, ask: Ask) -> None:
        """Wait for its answers no more."""
        self._asks.pop(ask.number, None)
        ask.drop()

    # From time to time.

    def _tick(self) -> None:
        self._guarded(self._look_around)
        if self._wire is not None:
            self._tick_timer = self._at(self._link.plan(self._now_ns()), self._tick)

    def _look_around(self) -> None:
        lane, hub, link, now_ns = self._lane, self._hub, self._link, self._now_ns()
        assert self._wire is not None
        is_blind = link.tick(now_ns)
        hub.tally.max_lag_ns = max(hub.tally.max_lag_ns, link.lag_ns)
        if link.is_late:
            hub.tell(events.LoopLagged(link.lag_ns), lane.number)
        if link.is_dead(now_ns):
            self.ended(f"nothing came for {link.silence_ns(now_ns) / 1e9:.1f} s")
            return
        if self._clock.is_stuck(now_ns):
            self.ended(f"a message is not whole after {LONGEST_MESSAGE_NS / 1e9:.0f} s: what is behind it cannot be read")
            return
        if link.is_silent(now_ns) and not self._is_suspected:
            self._suspect(link.silence_ns(now_ns))
        self._wire.beat()
        is_judged = not (is_blind or self._is_suspected or self._clock.is_held(now_ns))
        if is_judged and not self._feel_pulses(now_ns):
            return
        self._audit(now_ns)
        # A settled or mistyped market never is LIVE, and says nothing of the connection.
        well = all(book.is_live or book.state is State.UNAVAILABLE for book in self._feed.books.values())
        lane.backoff.is_well(now_ns, well and not self._is_suspected)
        hub.reports.flush(now_ns)
        for tick in hub.ticking:
            tick(now_ns)

    def _suspect(self, silence_ns: int) -> None:
        """Nothing proved for too long that books are of now."""
        self._is_suspected = True
        self._feed.suspect()
        self._hub.tell(events.LinkSilent(self._lane.number, silence_ns), self._lane.number)

    def _feel_pulses(self, now_ns: int) -> bool:
        """Compare each subscription with its own history, and probe what is silent beside it. Returns whether all live."""
        answer_ns = self._hub.settings.pace.answer_ns
        pulses: dict[tuple[str, int], Pulse] = {}
        for each in self._feed.progress:
            if each.seq is None or not CHANNELS[each.channel].is_sequenced:
                continue
            key = each.channel, each.sid
            pulse = pulses[key] = self._pulses.get(key) or Pulse(now_ns, each.seq)
            pulse.look(now_ns, each.seq)
            if pulse.is_dead(now_ns, answer_ns):
                self._hub.tally.stalls += 1
                silence_ns = now_ns - pulse.heard_ns
                self._unproven_ns = silence_ns  # others may be as dead
                self._hub.tell(events.Stalled(self._lane.number, each.channel, each.sid, silence_ns), self._lane.number)
                self.ended(f"sid {each.sid} ({each.channel}) gives nothing and does not answer")
                return False
            if pulse.wants_probe(now_ns) and not self._feed.pending:  # else an answer is awaited anyway
                self._probe(key, each.item)
                pulse.probed(now_ns)
        self._pulses = pulses
        return True

    def _probe(self, key: tuple[str, int], item: str | None) -> None:
        """Ask something that is answered on that very subscription and changes nothing: add what is held."""
        channel, sid = key
        command: Command = ListSubscriptions(purpose="recovery")
        if item is not None and CHANNELS[channel].takes_markets != "no":
            command = UpdateSubscription(action="add_markets", sid=sid, market_tickers=[item], purpose="recovery")
        self._probes[self._feed.next_command_id] = key
        self._hub.tally.probes += 1
        self._send(command)

    def _audit(self, now_ns: int) -> None:
        """Ask for the snapshots of some LIVE books, to compare: in turn, in an order drawn anew each time round."""
        if self._audit_due_ns is None or now_ns < self._audit_due_ns or self._is_suspected:
            return
        assert self._hub.settings.audit_ns is not None
        self._audit_due_ns = now_ns + self._hub.settings.audit_ns
        sid = next((each.sid for each in self._feed.progress if each.channel == BOOK_CHANNEL), None)
        if sid is None or self._feed.pending:
            return
        if not self._to_audit:
            books = list(self._feed.books)
            self._to_audit = sorted(books, key=lambda _: self._hub.world.rng.random())
        chosen, self._to_audit = self._to_audit[:AUDIT_BOOKS], self._to_audit[AUDIT_BOOKS:]
        books_by_ticker = self._feed.books
        live = [
            ticker
            for ticker in chosen
            if ticker in books_by_ticker
            and books_by_ticker[ticker].is_live
            and books_by_ticker[ticker].market_state not in _CLOSED
        ]
        if live:
            self._audit_id, self._audited = self._feed.next_command_id, set(live)
            self._send(UpdateSubscription(action="get_snapshot", sid=sid, market_tickers=live))

    def _send(self, command: Command) -> None:
        assert self._wire is not None
        self._feed.advance(self._clock.told_ns(self._now_ns()))  # its deadline counts from now
        self._wire.write(self._feed.send(command))
        self._plan()
