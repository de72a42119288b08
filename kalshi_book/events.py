"""What the feed decided, and why: one typed value for each decision, taken from ``Feed.events``.

Updates tell what each frame did; events tell what follows from it. Text is made in ``str(event)``; nothing here holds a
payload.
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
