"""One client's connection: its session, commands on their way in, frames on their way out, and what goes wrong there.

Sans-I/O: ``receive`` takes what the client says, ``take`` gives what is to be done now, in order, and ``advance`` lets pass
what waited for its time. Where nothing is wrong a frame is written and put into one list, and that is all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from typing import Any, Final

from . import damage, faults
from .commands import BOOK, Command, Refused, parse
from .fault_families import CommandFault, Picker
from .fault_options import SECOND_NS, nanoseconds
from .happenings import Happening, LevelChanged
from .line import Line
from .outlet import SnapshotDue, Venue
from .rules import Rules
from .serving import Abort, Close, Deed
from .session import Session
from .spans import Effects, effects
from .switchboard import Faults, Planted
from .wire import Frame

SNAPSHOT_NS: Final = SECOND_NS // 10
"""How long a first snapshot takes at most where deltas may come before it, and commands take no time."""


class Connection:
    """One connection of a client.

    Args:
        number: counts the connections of the exchange, from 1.
        account: whose it is; None: nobody's.
        venue, rules: of the exchange.
        board: the exchange's faults.
        rng: decides how long commands take.
        latency_ns: the shortest and the longest time that a command takes. 0 and 0: each is done at once, in order.
        buffer_bytes: how much a slow reader may have outstanding: the subscription whose frame is too much ends with
            error 25, as published (AsyncAPI text, read 2026-10-26). How much that is, is not.
        now_ns: tells the time that the exchange was told.
        clock_ns: tells what the exchange's clock shows, which frames carry.
        gone: called once when the connection ends, from whichever side.

    Attributes:
        session: what is subscribed.
        is_open: whether neither side has ended it.
    """

    def __init__(
        self, *, number: int, account: str | None, venue: Venue, rules: Rules, board: Faults, rng: random.Random,
        latency_ns: tuple[int, int], buffer_bytes: int, now_ns: Callable[[], int], clock_ns: Callable[[], int],
        gone: Callable[[Connection], None],
    ) -> None:  # fmt: skip
        self.number, self.account = number, account
        self.session = Session(venue, account=account, rules=rules, write=self._write, now_ns=clock_ns)
        self.session.before_snapshot = self._may_show
        self.is_open = True
        self._is_gone = False
        self._line = Line()
        self._board, self._rng, self._latency_ns, self._limit = board, rng, latency_ns, buffer_bytes
        self._now_ns, self._gone = now_ns, gone
        self._commands: list[tuple[int, int, str | bytes]] = []  # a heap: when, how many came before it, what
        self._held: list[str | bytes] = []
        self._count = 0
        self._snapshots: list[tuple[int | None, SnapshotDue]] = []  # when; None: when no span holds them back
        self._overflowing: dict[int, None] = {}
        self._spans = Effects()
        self._frame_faults = board.frames  # the very list
        self._is_plain = True
        self.settle()

    def __repr__(self) -> str:
        state = "open" if self.is_open else "over"
        return f"<Connection {self.number} of {self.account}: {state}, {self._line.outstanding} bytes outstanding>"

    # The client's side.

    @property
    def on_ready(self) -> Callable[[], None] | None:
        """Called when ``take`` has something and had nothing before."""
        return self._line.on_ready

    @on_ready.setter
    def on_ready(self, callback: Callable[[], None] | None) -> None:
        self._line.on_ready = callback

    @property
    def is_urgent(self) -> bool:
        """Whether the next to take is an Abort, a Freeze or a Thaw, which do not wait until a slow client has read."""
        return self._line.is_urgent

    @property
    def lingers(self) -> bool:
        """Whether it is over, and the client cannot know it yet: a fault holds back what is on its way."""
        return not self.is_open and not self._is_gone and (self._spans.is_frozen or self._line.is_waiting)

    def receive(self, data: str | bytes) -> None:
        """Take one text message of the client. After the connection's end it counts for nothing."""
        if not self.is_open:
            return
        if self._spans.is_frozen or self._spans.holds_commands:
            self._held.append(data)
        else:
            self._schedule(data)

    def take(self) -> list[Deed]:
        """Give what is to be done now, in order: ``bytes`` are one text frame; some 64 KiB at most.

        Empty: nothing, until ``on_ready`` is called. After a Freeze there is nothing until Thaw or Abort.
        """
        return self._line.take()

    def closed(self) -> None:
        """Note that the client is gone."""
        self._is_gone = True
        self._line.drop_all()
        self._over()

    # The exchange's side.

    def happened(self, happening: Happening) -> None:
        """Write the frames that a happening causes here."""
        if self._spans.silent_markets and getattr(happening, "market_ticker", None) in self._spans.silent_markets:
            return
        if self._board.deltas and type(happening) is LevelChanged:
            bent = self._bend(happening)
            if bent is None:
                return
            happening = bent
        self.session.happened(happening)
        if self._overflowing:
            self._overflow()

    def say(self, channel: str, type_: str, msg: Mapping[str, Any]) -> bool:
        """Send any message on a channel, where a subscription wants it. Returns whether it was sent."""
        is_sent = self.session.say(channel, type_, msg)
        self._overflow()
        return is_sent

    def close(self, code: int = 1001, reason: str = "") -> None:
        """End the connection, after what is on its way; with code 1006 without a close frame."""
        if self.is_open:
            self._line.put(Abort() if code == 1006 else Close(code, reason), self._now_ns())
            self._over()

    def abort(self) -> None:
        """Reset the connection: what is on its way is lost."""
        if self.is_open:
            self._line.reset()
            self._over()

    def sid_of(self, sid: int | None) -> int | None:
        """Give this sid, or for None that of the book; None: it is not subscribed."""
        book = self.session.subscriptions.get(BOOK)
        sub = book if sid is None else self.session.subscription(sid)
        return None if sub is None else sub.sid

    def _over(self) -> None:
        if self.is_open:
            self.is_open = False
            self._commands.clear()
            self._held.clear()
            self._snapshots.clear()
            self._gone(self)

    # Time.

    def advance(self, now_ns: int) -> None:
        """Let time pass: commands are done, snapshots that waited are written, frames that waited pass."""
        while self._commands and self._commands[0][0] <= now_ns:
            self._do(heappop(self._commands)[2])
        self._release(now_ns)
        self._line.advance(now_ns)

    @property
    def next_due_ns(self) -> int | None:
        """When ``advance`` has something to do; None: not before something else happens."""
        if not self._commands and not self._snapshots:  # nearly always, and asked several times for every change
            return self._line.next_due_ns
        waiting = () if self._spans.delays_snapshots else self._snapshots
        dues = [due_ns for due_ns, _ in waiting if due_ns is not None]
        if self._commands:
            dues.append(self._commands[0][0])
        if (line_ns := self._line.next_due_ns) is not None:
            dues.append(line_ns)
        return min(dues, default=None)

    def settle(self) -> None:
        """Take note of the spans that last now: one has begun or ended."""
        before, self._spans = self._spans, effects(self._board, self.number)
        after = self._spans
        self._is_plain = not (after.is_silent or after.silent_sids)
        if after.is_frozen != before.is_frozen:
            self._line.freeze() if after.is_frozen else self._line.thaw()
        if after.bytes_per_s != before.bytes_per_s:
            self._line.set_speed(after.bytes_per_s, self._now_ns())
        if not (after.is_frozen or after.holds_commands):
            held, self._held = self._held, []
            for data in held:
                self._schedule(data)
        if not after.delays_snapshots:
            self._release(self._now_ns())

    # Commands.

    def _schedule(self, data: str | bytes) -> None:
        """Do a command after its time. Commands sent back to back run concurrently (observed, 2026)."""
        shortest, longest = self._latency_ns
        if not longest:
            self._do(data)
            return
        due_ns = self._now_ns() + shortest + self._rng.randrange(longest - shortest + 1)
        if not self.session.rules.concurrent_commands:
            due_ns = max(due_ns, *(each_ns for each_ns, _, _ in self._commands), 0)
        self._count += 1
        heappush(self._commands, (due_ns, self._count, data))

    def _do(self, data: str | bytes) -> None:
        striking = self._striking(data) if self._board.commands else None
        fault = None if striking is None else striking.fault
        if fault is None:
            self.session.command(data)
        elif isinstance(fault, faults.RefuseCommand):
            self.session.refuse(data, fault.code)
        elif isinstance(fault, (faults.LoseReply, faults.FalseError)):
            self.session.command(data, reply=False)
            if isinstance(fault, faults.FalseError):
                self.session.refuse(data, fault.code)
        self._overflow()

    def _striking(self, data: str | bytes) -> Planted | None:
        """Give the fault that strikes a command."""
        try:
            command = parse(data)
        except Refused:
            command = Command(None, None, None)
        for planted in list(self._board.commands):
            assert isinstance(planted.fault, CommandFault)
            fits = damage.fits_command(planted.fault, command, self.number)
            if fits and planted.strikes(self._now_ns()):
                self._board.note(planted, f"command {command.id}, {command.cmd}", self.number)
                return planted
        return None

    # Snapshots.

    def _may_show(self, due: SnapshotDue) -> bool:
        """Tell the session whether to send a snapshot now; if not, it waits here, or never comes."""
        spans = self._spans
        if due.market_ticker in spans.silent_markets or not spans.without_snapshots.isdisjoint((None, due.market_ticker)):
            return False
        if spans.delays_snapshots:
            self._snapshots.append((None, due))
            return False
        if self.session.rules.deltas_before_snapshot and not due.is_asked:
            longest_ns = self._latency_ns[1] or SNAPSHOT_NS
            self._snapshots.append((self._now_ns() + self._rng.randrange(longest_ns + 1), due))
            return False
        return True

    def _release(self, now_ns: int) -> None:
        """Write the snapshots that need not wait any more, with the books as they are now."""
        if not self._snapshots or self._spans.delays_snapshots:
            return
        waiting, self._snapshots = self._snapshots, []
        for due_ns, due in waiting:
            if due_ns is None or due_ns <= now_ns:
                self.session.snapshot(due)
            else:
                self._snapshots.append((due_ns, due))
        self._overflow()

    # Frames.

    def _write(self, frame: Frame) -> None:
        """Put a frame of the session on its way."""
        if self._is_plain and not self._frame_faults:
            if not self._line.put_now(frame.payload):
                self._line.put(frame.payload, self._now_ns())
        elif not (self._spans.is_silent or frame.sid in self._spans.silent_sids):
            self._strike(frame)
        if self._line.outstanding > self._limit and frame.sid is not None and frame.type != "error":
            self._overflowing[frame.sid] = None

    def _strike(self, frame: Frame) -> None:
        """Put a frame on its way, as the first fault that strikes it has it."""
        now_ns, payload = self._now_ns(), frame.payload
        planted = self._striker(frame, now_ns)
        match None if planted is None else planted.fault:
            case faults.Drop():
                pass
            case faults.Double():
                self._line.put(payload, now_ns)
                self._line.put(payload, now_ns)
            case faults.Delay(by_s=by_s):
                self._line.put(payload, now_ns, delay_ns=nanoseconds(by_s))
            case faults.Reorder(behind=behind):
                self._line.put_behind(payload, now_ns, behind=behind, wait_ns=SECOND_NS)
            case faults.Truncate() if planted:
                self._line.put(damage.cut(payload, planted.rng), now_ns)
            case faults.WrongSnapshot() if planted:
                self._line.put(damage.wrong_size(payload, planted.rng), now_ns)
            case _:
                self._line.put(payload, now_ns)

    def _striker(self, frame: Frame, now_ns: int) -> Planted | None:
        for planted in list(self._frame_faults):
            fault = planted.fault
            assert isinstance(fault, Picker)
            if damage.fits_frame(fault, frame, self.number) and planted.strikes(now_ns):
                what = f"{frame.type}, sid {frame.sid}, seq {frame.seq}"
                self._board.note(planted, what, self.number, frame.market_ticker)
                return planted
        return None

    def _bend(self, change: LevelChanged) -> LevelChanged | None:
        """Give a change as the first fault that strikes its delta has it; None: no delta of it is written."""
        sub = self.session.subscriptions.get(BOOK)
        if sub is None or change.market_ticker not in sub.markets:
            return change
        for planted in list(self._board.deltas):
            fault = planted.fault
            assert isinstance(fault, Picker)
            if fault.connection not in (None, self.number) or fault.market_ticker not in (None, change.market_ticker):
                continue
            if planted.strikes(self._now_ns()):
                what = f"{change.outcome_side} price_e4={change.price_e4} delta_e2={change.delta_e2}"
                self._board.note(planted, what, self.number, change.market_ticker)
                return None if isinstance(fault, faults.LostDelta) else damage.wrong_delta(change, planted.rng)
        return change

    def _overflow(self) -> None:
        """End what became too much for a slow reader."""
        sids, self._overflowing = self._overflowing, {}
        for sid in sids:
            if self.sid_of(sid) is not None:
                self._board.write_down("overflow", f"sid {sid}: {self._line.outstanding} bytes outstanding", self.number)
                self.session.end(sid, 25)
