"""What was decided, and why: one typed value for each decision, of a feed and of the client around it.

Updates tell what each frame did; events tell what follows from it. ``Feed.events`` gives an ``Event``; ``live.events`` of a
client gives these and those of its connections, a ``SessionEvent``. Text is made in ``str(event)``; nothing here holds a
payload or a secret.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from .messages.commands import Command, Subscribe, Unsubscribe, UpdateSubscription
from .messages.vocabulary import ERROR_CODES

_SHOWN = 3


class Gap(Struct, frozen=True):
    """Sequence numbers are missing (F3): every book of the subscription is STALE.

    Attributes:
        sid, channel: the subscription, and its channel where it is known.
        seq: the number that came.
        skipped: how many are missing before it.
        books: how many books it made STALE; 0 on every channel but the order book's, where nothing is asked for.
    """

    sid: int
    channel: str | None
    seq: int
    skipped: int
    books: int

    def __str__(self) -> str:
        return f"sid {self.sid}: {self.skipped} numbers are missing before seq {self.seq}; {self.books} books are STALE"


class Restarted(Struct, frozen=True):
    """The count of a subscription fell or began anew (F5): every book of it is STALE."""

    sid: int
    channel: str | None
    seq: int | None
    books: int

    def __str__(self) -> str:
        where = "anew" if self.seq is None else f"anew at seq {self.seq}"
        return f"sid {self.sid} counts {where}; {self.books} books are STALE"


class BookStale(Struct, frozen=True):
    """What a frame says of one book cannot be right, or could not be read: this book is STALE, and no other."""

    market_ticker: str
    stale_reason: str

    def __str__(self) -> str:
        return f"{self.market_ticker} is STALE ({self.stale_reason})"


class SubscriptionLost(Struct, frozen=True):
    """The exchange ended a subscription, or does not know it: it is to be subscribed anew (F19)."""

    sid: int
    channel: str | None
    code: int

    def __str__(self) -> str:
        return f"sid {self.sid} ({self.channel}) is dead: {_meaning(self.code)}"


class CommandRefused(Struct, frozen=True):
    """The exchange answered a command with an error."""

    id: int
    command: Command
    code: int
    text: str | None

    def __str__(self) -> str:
        return f"command {self.id} ({describe(self.command)}) was refused: {_meaning(self.code)}"


class CommandUnanswered(Struct, frozen=True):
    """No answer came in time: whether the command took effect is unknown."""

    id: int
    command: Command

    def __str__(self) -> str:
        return f"command {self.id} ({describe(self.command)}) was not answered in time"


class CommandSent(Struct, frozen=True):
    """A command that the feed itself wanted was sent.

    Its ``purpose`` says why: ``"restore"``, since what is desired was not held, or ``"recovery"``, since something was lost.
    """

    id: int
    command: Command

    def __str__(self) -> str:
        return f"command {self.id} ({self.command.purpose}): {describe(self.command)}"


class Recovered(Struct, frozen=True):
    """Books are LIVE again that were not."""

    sid: int
    market_tickers: tuple[str, ...]

    def __str__(self) -> str:
        return f"sid {self.sid}: LIVE again: {_some(self.market_tickers)}"


class MarketsUnavailable(Struct, frozen=True):
    """No rung of the recovery brought a snapshot: the books are UNAVAILABLE, and asked for from time to time."""

    sid: int
    market_tickers: tuple[str, ...]

    def __str__(self) -> str:
        return f"sid {self.sid}: no snapshot comes for {_some(self.market_tickers)}"


class MarketsRefused(Struct, frozen=True):
    """The exchange does not take these into the subscription now; asked again from time to time."""

    channel: str
    items: tuple[str, ...]
    code: int | None

    def __str__(self) -> str:
        why = "they are not in its list afterwards" if self.code is None else _meaning(self.code)
        return f"{self.channel}: not taken: {_some(self.items)}: {why}"


class BudgetSpent(Struct, frozen=True):
    """More commands are wanted than the budget of the recovery allows now (``Pace``)."""

    held_back: int

    def __str__(self) -> str:
        return f"{self.held_back} commands wait for the budget"


class ReconnectWanted(Struct, frozen=True):
    """This connection does not answer any more: close it and open another one."""

    reason: str

    def __str__(self) -> str:
        return f"reconnect: {self.reason}"


class AuditDiffered(Struct, frozen=True):
    """A snapshot that was asked for while the book was LIVE differs from the book (F17)."""

    market_ticker: str
    kept_checksum: str
    sent_checksum: str

    def __str__(self) -> str:
        return f"{self.market_ticker}: the book kept ({self.kept_checksum}) was not the exchange's ({self.sent_checksum})"


Event: TypeAlias = (
    Gap
    | Restarted
    | BookStale
    | SubscriptionLost
    | CommandRefused
    | CommandUnanswered
    | CommandSent
    | Recovered
    | MarketsUnavailable
    | MarketsRefused
    | BudgetSpent
    | ReconnectWanted
    | AuditDiffered
)


# What the client around the feeds adds. ``connection`` is its number, from 1; ``epoch`` which of its lives, from 1.


class Connected(Struct, frozen=True):
    """A connection is open; nothing is subscribed on it yet."""

    connection: int
    epoch: int

    def __str__(self) -> str:
        return f"connection {self.connection} is open" + (f", for the {self.epoch}. time" if self.epoch > 1 else "")


class Disconnected(Struct, frozen=True):
    """A connection ended that was open: its books are STALE.

    Attributes:
        reason: why.
        is_wanted: whether the client was closed. Otherwise it is made anew.
    """

    connection: int
    epoch: int
    reason: str
    is_wanted: bool = False

    def __str__(self) -> str:
        return f"connection {self.connection} ended: {self.reason}"


class ConnectFailed(Struct, frozen=True):
    """An attempt to connect failed.

    Attributes:
        failures: how many in a row.
        retry_ns: how long until the next.
        is_permanent: whether nothing but a change on our side will help, so that it is tried at long intervals only.
    """

    connection: int
    reason: str
    failures: int
    retry_ns: int
    is_permanent: bool

    def __str__(self) -> str:
        return f"connection {self.connection}: {self.reason}; next attempt in {self.retry_ns / 1e9:.1f} s"


class LinkSilent(Struct, frozen=True):
    """Nothing came on a connection for longer than is allowed: its books are STALE (silent) until something comes."""

    connection: int
    silence_ns: int

    def __str__(self) -> str:
        return f"connection {self.connection} is silent for {self.silence_ns / 1e9:.1f} s: its books are STALE"


class Missed(Struct, frozen=True):
    """A channel is open again, and nothing of it was heard for a while: only REST has what came meanwhile.

    Books are made right by snapshots. Of fills, own orders, positions, trades and the like nobody sends again what was.

    Attributes:
        channel: its name.
        since_ms: when it was known to be open for the last time, unix milliseconds by our clock. Ask from some seconds
            earlier: what was on its way then is missed, too, and the exchange's clock is another one.
        until_ms: since when it is again.
    """

    channel: str
    since_ms: int
    until_ms: int

    def __str__(self) -> str:
        span_s = (self.until_ms - self.since_ms) / 1e3
        return (
            f"{self.channel}: what came in the {span_s:.1f} s from {self.since_ms} (unix ms) on is missed: ask REST for it"
        )


class Stalled(Struct, frozen=True):
    """A connection lives, and a subscription on it gives nothing, not even when it is asked: the connection is made anew."""

    connection: int
    channel: str
    sid: int
    silence_ns: int

    def __str__(self) -> str:
        return f"connection {self.connection}: sid {self.sid} ({self.channel}) is silent for {self.silence_ns / 1e9:.0f} s"


class LoopLagged(Struct, frozen=True):
    """No frame was read for so long: something kept the event loop of this process busy, or the machine slept."""

    lag_ns: int

    def __str__(self) -> str:
        return f"the event loop stood still for {self.lag_ns / 1e9:.1f} s: books were of then, not of now"


class ClockSkewed(Struct, frozen=True):
    """Our clock is off, by the Date header of the exchange: signatures may be refused, and ages are wrong."""

    skew_ms: int

    def __str__(self) -> str:
        side = "ahead of" if self.skew_ms > 0 else "behind"
        return (
            f"our clock is {abs(self.skew_ms) / 1e3:.0f} s {side} the exchange's: set it, a handshake is refused otherwise"
        )


class HandlerFailed(Struct, frozen=True):
    """A handler raised. It goes on with its next update, unless it is detached.

    Attributes:
        handler: its name.
        error: the type of the exception and what it says.
        count: how often this handler raised so far.
        is_detached: whether it is called no more.
    """

    handler: str
    error: str
    count: int
    is_detached: bool

    def __str__(self) -> str:
        return f"{self.handler} raised {self.error} ({self.count} in all){'; it is detached' if self.is_detached else ''}"


class HandlerSlow(Struct, frozen=True):
    """A handler has not returned for long; what it wants to see waits."""

    handler: str
    busy_ns: int

    def __str__(self) -> str:
        return f"{self.handler} has not returned for {self.busy_ns / 1e9:.0f} s"


class UpdatesLost(Struct, frozen=True):
    """A handler was too slow: its queue was emptied."""

    handler: str
    lost: int

    def __str__(self) -> str:
        return f"{self.handler} is too slow: {self.lost} updates are lost for it"


class EventsLost(Struct, frozen=True):
    """Whoever reads this stream of events was too slow: older ones were let go."""

    lost: int

    def __str__(self) -> str:
        return f"{self.lost} events are lost: this stream is read too slowly"


class Fault(Struct, frozen=True):
    """Something failed in the client itself: the connection is made anew. A mistake of ours: please report it."""

    connection: int
    error: str

    def __str__(self) -> str:
        return f"connection {self.connection}: {self.error}: a mistake of this client, please report it"


SessionEvent: TypeAlias = (
    Event
    | Connected
    | Disconnected
    | ConnectFailed
    | LinkSilent
    | Missed
    | Stalled
    | LoopLagged
    | ClockSkewed
    | HandlerFailed
    | HandlerSlow
    | UpdatesLost
    | EventsLost
    | Fault
)


def describe(command: Command) -> str:
    """Say in a line what a command asks for."""
    if isinstance(command, Subscribe):
        return f"subscribe {', '.join(command.channels)} {_some(tuple(command.market_tickers))}".rstrip()
    if isinstance(command, UpdateSubscription):
        return f"{command.action} on sid {command.sid} {_some(tuple(command.market_tickers))}".rstrip()
    if isinstance(command, Unsubscribe):
        return f"unsubscribe sid {', '.join(map(str, command.sids))}"
    return "list_subscriptions"


def _meaning(code: int) -> str:
    known = ERROR_CODES.get(code)
    return f"error {code}" if known is None else f"error {code}, {known.meaning}"


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
