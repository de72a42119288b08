"""What is wanted of one channel, and how far it is: desired on every connection, held and asked on this one (F11, F13).

What is desired is a set that outlives connections. What is held is only what the exchange said. ``next_command`` turns the
difference into one command at a time: a channel is subscribed with the first chunk and added to once that is acknowledged,
and the next change waits for the answer to the last, since commands that run concurrently are carried out in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

from ._backend import SidState
from .errors import UsageError
from .messages.commands import (
    ALL,
    BOOK_CHANNEL,
    INDEX_CHANNELS,
    MAX_TICKERS,
    UNDERLYING_CHANNEL,
    Action,
    Command,
    Purpose,
    Subscribe,
    Unsubscribe,
    UpdateSubscription,
)
from .pace import Pace
from .recovery import Recovery

Items = dict[str, None]
"""Markets, indices or underlyings, in order of appearance."""

_ADD: Final[dict[str, Action]] = {
    "market_tickers": "add_markets",
    "market_ids": "add_markets",
    "index_ids": "subscribe_indices",
    "underlying_tickers": "subscribe_underlyings",
}
_REMOVE: Final[dict[str, Action]] = {
    "market_tickers": "delete_markets",
    "market_ids": "delete_markets",
    "index_ids": "unsubscribe_indices",
    "underlying_tickers": "unsubscribe_underlyings",
}
_MARKET_KINDS: Final = ("market_tickers", "market_ids")
_FLAGS: Final = ("use_yes_price", "skip_ticker_ack", "send_initial_snapshot", "user_filter", "shard_factor", "shard_key")


class ChannelStatus(NamedTuple):
    """How one channel of a feed stands.

    Attributes:
        channel: its name.
        sid: its subscription on this connection, or None.
        is_all: whether it is desired without a limit to markets.
        desired: the markets (or indices, or underlyings) that a caller wants; empty where ``is_all``.
        asked: those that a command under way asks for.
        held: those that the exchange said the subscription holds.
        missing: what is desired and neither held nor asked for: to be asked for, or refused.
        refused: the part of ``missing`` that the exchange would not take; asked for again from time to time.
        refusal: the error code with which the whole channel was refused on this connection, or None.
    """

    channel: str
    sid: int | None
    is_all: bool
    desired: frozenset[str]
    asked: frozenset[str]
    held: frozenset[str]
    missing: frozenset[str]
    refused: frozenset[str]
    refusal: int | None


class Subscription:
    """One sid of one connection: its count, what it holds, and the recovery of its books.

    Attributes:
        channel: its channel, or None where nothing named it yet.
        held: what it holds, as far as the exchange said.
        is_acknowledged: whether a ``subscribed`` or an ``ok`` named it.
    """

    __slots__ = ("channel", "held", "is_acknowledged", "recovery", "state")

    def __init__(self, state: SidState, pace: Pace) -> None:
        self.state = state
        self.channel: str | None = None
        self.held: Items = {}
        self.is_acknowledged = False
        self.recovery = Recovery(pace)

    @property
    def sid(self) -> int:
        """Its number."""
        return self.state.sid


class Interest:
    """One channel.

    Attributes:
        channel: its name.
        kind: which field of a command names its items.
        is_wanted: whether it is to be open.
        desired: what it is to hold, while it is wanted; empty: everything, where the channel may be open without items.
        flags: what else its subscribe says.
        subscription: the living one of this connection, or None.
        extra: not desired, but taken out by the recovery to be put in again.
        leaving: no longer desired, and perhaps still held.
        in_flight: ids of the commands under way that change it, with what each asks for.
        refused, refusal: as in ``ChannelStatus``.
        retry_ns: when what was refused is asked for again.
        not_before_ns: when it may be asked again after an unclear answer.
        chunk: how many items a command names at most: less, once the exchange's limit was met.
        resubscribes: how often the recovery ended its subscription on this connection.
        unanswered: how many of its commands in a row were not answered.
        is_troubled: whether commands count against the budget: something failed since it was complete.
        is_dirty: whether ``next_command`` may have something to say.
    """

    __slots__ = (
        "channel",
        "chunk",
        "desired",
        "extra",
        "flags",
        "in_flight",
        "is_closing",
        "is_dirty",
        "is_troubled",
        "is_wanted",
        "kind",
        "leaving",
        "not_before_ns",
        "refusal",
        "refused",
        "resubscribes",
        "retry_ns",
        "subscription",
        "unanswered",
    )

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.kind = kind_of(channel)
        self.is_wanted = False
        self.desired: Items = {}
        self.flags: dict[str, Any] = {}
        self.lost()

    def lost(self) -> None:
        """Forget the connection: nothing is held, asked or refused."""
        self.subscription: Subscription | None = None
        self.extra: Items = {}
        self.leaving: Items = {}
        self.is_closing = False
        self.in_flight: dict[int, frozenset[str]] = {}
        self.refusal: int | None = None
        self.refused: Items = {}
        self.retry_ns: int | None = None
        self.not_before_ns: int | None = None
        self.chunk = MAX_TICKERS
        self.resubscribes = 0
        self.unanswered = 0
        self.is_troubled = False
        self.is_dirty = True

    # What is desired.

    @property
    def is_all(self) -> bool:
        """Whether everything is wanted, since nothing was named."""
        return self.is_wanted and not self.desired and self.kind in _MARKET_KINDS

    def check(self, command: Subscribe) -> None:
        """Make sure that a subscribe fits what is wanted and held already.

        Raises:
            UsageError: another price scale (F13), a limit beside "all", or another kind of names.
        """
        kept = self.price_scale
        if self.channel == BOOK_CHANNEL and kept is not None and kept is not command.use_yes_price:
            raise UsageError(
                f"{BOOK_CHANNEL} is subscribed with use_yes_price={kept}, and nothing in a frame says which scale it is on: "
                f"pass use_yes_price={kept}, or unsubscribe first"
            )
        if not self.is_wanted or self.kind not in _MARKET_KINDS:
            return
        items = items_of(command, self.channel)
        if self.is_all != (not items):
            now = "all markets" if self.is_all else f"{len(self.desired)} markets"
            raise UsageError(f"{self.channel} is subscribed for {now}: unsubscribe it first to limit it otherwise")
        if items and self.kind != kind_of(self.channel, command):
            raise UsageError(f"{self.channel} is subscribed by {self.kind}: name its markets so, or unsubscribe it first")

    @property
    def price_scale(self) -> bool | None:
        """The ``use_yes_price`` that holds for the book channel, or None: free to be chosen."""
        if self.subscription is not None:
            return self.subscription.state.use_yes_price
        return bool(self.flags["use_yes_price"]) if self.is_wanted else None

    def desire(self, items: Iterable[str], kind: str, flags: dict[str, Any]) -> None:
        """Want these, or, where the channel may go without, all. The first call decides the kind and the flags."""
        if not self.is_wanted:
            self.desired, self.kind, self.flags = {}, kind, flags
        self.is_wanted, self.is_closing = True, False
        for item in items:
            self.desired[item] = None
            self.leaving.pop(item, None)
            self.refused.pop(item, None)
        self.refusal = None
        self.is_dirty = True

    def release(self, items: Iterable[str] | None) -> list[str]:
        """Want these no more; None: the whole channel. Returns what was wanted until now."""
        held = self.subscription.held if self.subscription is not None else {}
        had_items = bool(self.desired)
        going = list(dict.fromkeys((*self.desired, *self.extra, *held)) if items is None else items)
        for item in going:
            self.desired.pop(item, None)
            self.extra.pop(item, None)
            self.refused.pop(item, None)
            self.leaving[item] = None
        if items is None:
            self.is_wanted, self.is_closing = False, self.subscription is not None or bool(self.in_flight)
        elif had_items and not self.desired and self.kind in _MARKET_KINDS:
            # An empty list of markets might mean all of them: the channel is closed instead, where nothing else is in it.
            self.is_wanted, self.is_closing = False, all(item in self.leaving for item in held)
        self.is_dirty = True
        return going

    def wants(self, item: str) -> bool:
        """Whether an item is to be held, also one that the recovery only took out."""
        return item in self.desired or item in self.extra

    def missing(self) -> Iterator[str]:
        """What is to be held, and neither is nor was refused."""
        held = {} if self.subscription is None else self.subscription.held
        if ALL in held and self.kind not in _MARKET_KINDS:
            return
        for wanted in (self.desired, self.extra):
            for item in wanted:
                if item not in held and item not in self.refused:
                    yield item

    # What happens to it.

    def ended(self, *, keep: bool) -> list[str]:
        """Let go of the subscription; ``keep``: what it held is wanted again. Returns what it held."""
        assert self.subscription is not None
        held = list(self.subscription.held)
        if keep:
            self.extra.update((item, None) for item in held if item not in self.desired and item not in self.leaving)
            if not self.is_wanted:
                self.flags = {"use_yes_price": self.subscription.state.use_yes_price}
        self.is_closing, self.leaving = False, {}
        self.subscription.held.clear()
        self.subscription = None
        self.is_dirty = True
        return held

    def trouble(self) -> None:
        """Note that something failed: whatever is asked for again counts against the budget until all is held."""
        self.is_troubled = self.is_dirty = True

    def next_command(self, epoch: int, now_ns: int | None) -> Command | None:
        """Give the next command that brings what is held nearer to what is wanted. O(wanted) when something changed."""
        if self.retry_ns is not None and now_ns is not None and now_ns >= self.retry_ns:
            self.refused, self.retry_ns, self.is_dirty = {}, None, True
        if not self.is_dirty or self.in_flight or self.refusal is not None:
            return None
        if self.not_before_ns is not None:
            if now_ns is None or now_ns < self.not_before_ns:
                return None
            self.not_before_ns = None
        if (command := self._difference(epoch)) is None:
            self.is_dirty = False
            if not self.refused:
                self.is_troubled, self.extra = False, {}
        return command

    def next_deadline_ns(self) -> int | None:
        """When ``next_command`` may say more than it does now."""
        not_before = self.not_before_ns if self.is_dirty and not self.in_flight else None
        return min((due for due in (not_before, self.retry_ns) if due is not None), default=None)

    def refuse(self, items: Iterable[str], retry_ns: int) -> None:
        """Note what the exchange would not take, and when to try again."""
        self.refused.update(dict.fromkeys(items))
        self.retry_ns = retry_ns
        self.trouble()

    def _difference(self, epoch: int) -> Command | None:
        purpose: Purpose = "recovery" if self.is_troubled else "restore"
        missing = tuple(islice(self.missing(), self.chunk))
        if self.subscription is None:
            if not missing and (not self.is_wanted or self.channel == BOOK_CHANNEL or self.desired):
                return None
            named: dict[str, Any] = {self.kind: missing, **self.flags}
            return Subscribe(channels=[self.channel], purpose=purpose, epoch=epoch, **named)
        sid, held = self.subscription.sid, self.subscription.held
        if self.is_closing and not self.extra:
            return Unsubscribe(sids=[sid], purpose=purpose, epoch=epoch)
        if missing:
            fields: dict[str, Any] = {self.kind: missing}
            if self.flags.get("send_initial_snapshot"):
                fields["send_initial_snapshot"] = True
            return UpdateSubscription(action=_ADD[self.kind], sid=sid, purpose=purpose, epoch=epoch, **fields)
        leaving = tuple(islice((item for item in self.leaving if item in held), MAX_TICKERS))
        if leaving:
            fields = {self.kind: leaving}
            return UpdateSubscription(action=_REMOVE[self.kind], sid=sid, purpose=purpose, epoch=epoch, **fields)
        self.leaving.clear()
        return None

    def status(self) -> ChannelStatus:
        """Describe it. O(items)."""
        asked = frozenset().union(*self.in_flight.values())
        held = frozenset() if self.subscription is None else frozenset(self.subscription.held)
        desired = frozenset(self.desired)
        return ChannelStatus(
            channel=self.channel,
            sid=None if self.subscription is None else self.subscription.sid,
            is_all=self.is_all,
            desired=desired,
            asked=asked,
            held=held,
            missing=desired - held - asked,
            refused=frozenset(self.refused),
            refusal=self.refusal,
        )


def kind_of(channel: str, command: Subscribe | UpdateSubscription | None = None) -> str:
    """Name the field in which a command names the items of a channel."""
    if channel in INDEX_CHANNELS:
        return "index_ids"
    if channel == UNDERLYING_CHANNEL:
        return "underlying_tickers"
    return "market_ids" if command is not None and command.market_ids else "market_tickers"


def items_of(command: Subscribe | UpdateSubscription, channel: str) -> tuple[str, ...]:
    """What a command names for a channel."""
    return tuple(getattr(command, kind_of(channel, command)))


def flags_of(command: Subscribe) -> dict[str, Any]:
    """What a subscribe says besides its channels and their items."""
    return {name: getattr(command, name) for name in _FLAGS}
