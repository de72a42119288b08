"""The simulated exchange: its markets, who may come in, every connection, and what goes wrong.

Sans-I/O: time comes in as a number (``advance``), bytes through connections. ``server.py`` puts it on a socket, and
``virtual`` on an event loop without one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec.structs import replace

from ..errors import UsageError
from . import faults as kinds
from .connection import Connection
from .fault_families import ConnectionMoment, ConnectionSpan
from .fault_options import SECOND_NS, Seconds, nanoseconds
from .happenings import Happening
from .keys import Keyring, Unauthorized
from .life import Life
from .market import Tick
from .orders import AccountOrders, CrowdOrders
from .rules import Rules
from .serving import WS_PATH, Account, Blackhole, Refusal
from .switchboard import Faults, Planted
from .truth import TrueBook
from .venue import Venue
from .wire import WHOLE_ERAS

USER: Final = "user"
"""The account of whoever comes in, where nothing else is said."""


class Exchange:
    """A whole exchange in one object, the same for the same arguments.

    Args:
        markets: how many, or their tickers. Counted ones are called KXSIM-26-A, -B, ...
        seed: decides everything that is left open.
        rate: level changes a second by the crowd, all markets together; 0: the books stand still.
        levels: how many levels a side has as a rule; 0: books begin empty.
        tick: the price grid of all markets, or "mixed".
        life_s: how long a market trades before it closes and another opens; None: as long as you like.
        rules: how it reads what the published texts leave open, and its era.
        start_ns: its clock at the start, unix nanoseconds.
        latency_s: the shortest and the longest time that a command takes. With 0 and 0 each is done at once.
        max_connections: of one account: one more is refused with 429.
        buffer_bytes: how much a slow reader may have outstanding before its subscription ends with error 25.
        keyring: who may come in; None: everybody, as "user".

    Attributes:
        on_sooner: called when something from outside made ``next_due_ns`` earlier.

    Raises:
        UsageError: an argument is out of its range.

    >>> exchange = Exchange(markets=2, seed=7)
    >>> exchange.markets
    ['KXSIM-26-A', 'KXSIM-26-B']
    >>> connection = exchange.connect()
    >>> connection.receive('{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"],'
    ...                    '"market_tickers":["KXSIM-26-A"]}}')
    >>> [frame[:32] for frame in connection.take()]
    [b'{"type":"subscribed","id":1,"sen', b'{"type":"orderbook_snapshot","si']
    """

    def __init__(
        self, *, markets: int | Sequence[str] = 50, seed: int = 0, rate: int = 100, levels: int = 20,
        tick: Tick | Literal["mixed"] = "cent", life_s: int | None = None, rules: Rules | None = None,
        start_ns: int = 1_793_000_000 * SECOND_NS, latency_s: tuple[Seconds, Seconds] = (0, 0), max_connections: int = 200,
        buffer_bytes: int = 16 << 20, keyring: Keyring | None = None,
    ) -> None:  # fmt: skip
        self._latency_ns = nanoseconds(latency_s[0]), nanoseconds(latency_s[1])
        if not 0 <= self._latency_ns[0] <= self._latency_ns[1]:
            raise UsageError(f"latency_s is the shortest and the longest time, 0 or more, not {latency_s!r}")
        if max_connections < 1 or buffer_bytes < 1:
            raise UsageError("max_connections and buffer_bytes start at 1")
        self.rules = Rules() if rules is None else rules
        is_whole = self.rules.era in WHOLE_ERAS
        if is_whole and tick != "cent":
            raise UsageError(f"the era {self.rules.era!r} knew only cent ticks, not tick={tick!r}")
        self.keyring = keyring
        self.on_sooner: Callable[[], None] | None = None
        self.max_connections = max_connections
        self.venue = Venue(
            markets=markets, seed=seed, rate=rate, start_ns=start_ns, levels=levels, tick=tick, life_s=life_s, whole=is_whole
        )
        self.venue.on_planned = self._sooner
        self._seed, self._buffer_bytes = seed, buffer_bytes
        self._now_ns, self._step_ns = start_ns, 0
        self.faults = Faults(seed=seed, clock=lambda: self._now_ns, turned=self._turned, added=self._sooner)
        self._count = 0
        self._open: tuple[Connection, ...] = ()
        self._lingering: tuple[Connection, ...] = ()  # closed by the exchange, and the client cannot know it yet
        self.venue.listen(self._publish)

    # What is true.

    @property
    def markets(self) -> list[str]:
        """The tickers of all markets: a new list."""
        return list(self.venue.listings)

    def book(self, market_ticker: str) -> TrueBook:
        """Give the true book of a market, as it is now. O(levels).

        Raises:
            UnknownListing: there is no such market.
        """
        listing = self.venue.listing(market_ticker)
        yes, no = tuple(listing.levels("yes")), tuple(listing.levels("no"))
        return TrueBook(market_ticker, yes, no, listing.clock)

    @property
    def orders(self) -> AccountOrders:
        """Order entry of the account "user"."""
        return self.venue.orders(USER)

    @property
    def crowd(self) -> CrowdOrders:
        """Order entry of everybody else."""
        return self.venue.crowd

    @property
    def life(self) -> Life:
        """What becomes of markets."""
        return self.venue.life

    @property
    def rate(self) -> int:
        """Level changes a second by the crowd. Set it to 0, and everything comes to rest; to more, and it goes on."""
        return self.venue.rate

    @rate.setter
    def rate(self, rate: int) -> None:
        self.venue.rate = rate

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Those that are open, the oldest first."""
        return self._open

    # Time.

    @property
    def now_ns(self) -> int:
        """The time that was told last."""
        return self._now_ns

    @property
    def clock_ns(self) -> int:
        """What the exchange's clock shows, unix nanoseconds: the time that was told, and every ``clock_step`` since."""
        return self._now_ns + self._step_ns

    @property
    def next_due_ns(self) -> int | None:
        """When something happens by itself next; None: never."""
        own_ns, market_ns = self._own_due_ns, self.venue.next_due_ns
        if own_ns is None or market_ns is None:
            return own_ns if market_ns is None else market_ns
        return min(own_ns, market_ns)

    def advance(self, now_ns: int) -> None:
        """Let everything happen that is due until then, each at its time.

        Raises:
            UsageError: earlier than the time that was told last.
        """
        if now_ns < self._now_ns:
            raise UsageError(f"time runs forward: now_ns was {self._now_ns}, and cannot be {now_ns}")
        while True:
            due_ns = self._own_due_ns
            if due_ns is not None and due_ns <= self._now_ns:
                self.faults.advance()
                for connection in (*self._open, *self._lingering):
                    connection.advance(self._now_ns)
                self._let_go()
                continue
            market_ns = self.venue.next_due_ns
            if self._now_ns == now_ns and (market_ns is None or market_ns > now_ns):
                return
            until_ns = now_ns if due_ns is None else min(due_ns, now_ns)
            if market_ns is not None and self.faults.frames:  # the next frame may be made to wait, and be due before others
                until_ns = min(market_ns, until_ns)
            self.venue.advance(until_ns)
            self._now_ns = until_ns

    @property
    def _own_due_ns(self) -> int | None:
        """When a fault or a connection has something to do; the markets have their own."""
        soonest_ns = self.faults.next_due_ns
        for connection in (*self._open, *self._lingering):
            due_ns = connection.next_due_ns
            if due_ns is not None and (soonest_ns is None or due_ns < soonest_ns):
                soonest_ns = due_ns
        return soonest_ns

    def _sooner(self) -> None:
        if self.on_sooner is not None:
            self.on_sooner()

    def _publish(self, happening: Happening) -> None:
        self._now_ns = max(self._now_ns, happening.at_ns)
        if self._step_ns:
            happening = replace(happening, at_ns=happening.at_ns + self._step_ns)
        for connection in self._open:
            connection.happened(happening)

    # Who comes in.

    def admit(self, path: str, headers: Mapping[str, str]) -> Account | Refusal | Blackhole:
        """Decide about a handshake: whose it is, or what it is answered.

        401: not signed as it must be; 403: another path; 429: too many connections (AsyncAPI text, read 2026-10-26).
        """
        for planted in self.faults.spans:
            fault = planted.fault
            if isinstance(fault, kinds.NoHandshake):
                self.faults.note(planted, "a handshake is not answered")
                return Blackhole()
            if isinstance(fault, (kinds.RefuseConnections, kinds.Maintenance)):
                status = fault.status if isinstance(fault, kinds.RefuseConnections) else 503
                self.faults.note(planted, f"a handshake is refused with {status}")
                return Refusal(status, f"{fault.kind}: try again later")
        if path.partition("?")[0] != WS_PATH:
            return Refusal(403, f"expected the path {WS_PATH}")
        name: str | Unauthorized = USER
        if self.keyring is not None:
            name = self.keyring.account_of(path, headers, now_ms=self.clock_ns // 1_000_000)
        if isinstance(name, Unauthorized):
            return Refusal(401, name.reason)
        if sum(connection.account == name for connection in self._open) >= self.max_connections:
            return Refusal(429, f"too many connections: {self.max_connections} are open")
        return Account(name)

    def connect(self, account: Account | None = None) -> Connection:
        """Open a connection of somebody who was let in; None: of "user", whoever may come in."""
        self._count += 1
        connection = Connection(
            number=self._count, account=USER if account is None else account.name, venue=self.venue, rules=self.rules,
            board=self.faults, rng=random.Random(f"{self._seed}/connection/{self._count}"), latency_ns=self._latency_ns,
            buffer_bytes=self._buffer_bytes, now_ns=lambda: self._now_ns, clock_ns=lambda: self.clock_ns, gone=self._gone,
        )  # fmt: skip
        self._open = (*self._open, connection)
        return connection

    def _gone(self, connection: Connection) -> None:
        self._open = tuple(each for each in self._open if each is not connection)
        if connection.lingers:
            self._lingering = (*self._lingering, connection)

    def _let_go(self) -> None:
        if self._lingering:
            self._lingering = tuple(connection for connection in self._lingering if connection.lingers)

    # What is done to it.

    def say(self, channel: str, type_: str, msg: Mapping[str, Any]) -> int:
        """Send any message on a channel to everybody whose subscription wants it. Returns to how many it was sent."""
        return sum(connection.say(channel, type_, msg) for connection in self._open)

    def _turned(self, planted: Planted) -> None:
        """Let a moment happen; take note of a span that has begun or ended."""
        fault = planted.fault
        if isinstance(fault, ConnectionMoment):
            for connection in self._of(fault.connection):
                what = _strike(connection, fault)
                if what is not None:
                    self.faults.note(planted, what, connection.number)
        elif isinstance(fault, ConnectionSpan):
            ticker = fault.market_ticker if isinstance(fault, (kinds.Silence, kinds.NoSnapshots)) else None
            if planted.is_on:
                struck = self._of(fault.connection)
                planted.connections = frozenset(each.number for each in struck) if fault.strikes_open_only else None
                self.faults.note(planted, "begins", fault.connection, ticker)
            else:
                self.faults.write_down(fault.kind, "ends", fault.connection, ticker)
            for connection in (*self._open, *self._lingering):
                connection.settle()
            self._let_go()
        elif isinstance(fault, kinds.ClockStep):
            self._step_ns += nanoseconds(fault.step_s)
            self.faults.note(planted, f"the clock shows {self.clock_ns}")
        elif isinstance(fault, kinds.Maintenance) and planted.is_on:
            self.faults.note(planted, "begins")
            for connection in self._open:
                connection.close(fault.code, "maintenance")
            if fault.clocks_fall:
                self.venue.maintenance()
        else:
            self.faults.write_down(fault.kind, "begins" if planted.is_on else "ends")

    def _of(self, number: int | None) -> list[Connection]:
        return [connection for connection in self._open if number in (None, connection.number)]


def _strike(connection: Connection, fault: ConnectionMoment) -> str | None:
    """Let something happen to a connection. Returns what; None: there was nothing that it could happen to."""
    if isinstance(fault, kinds.Close):
        connection.close(fault.code, fault.reason)
        return f"code {fault.code}"
    if isinstance(fault, kinds.Abort):
        connection.abort()
        return "reset"
    assert isinstance(fault, (kinds.Restart, kinds.Overflow, kinds.ChannelError))
    sid = connection.sid_of(fault.sid)
    if sid is None:
        return None
    if isinstance(fault, kinds.Restart):
        connection.session.restart(sid)
    else:
        connection.session.end(sid, 25 if isinstance(fault, kinds.Overflow) else 10)
    return f"sid {sid}"
