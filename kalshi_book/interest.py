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
from .messages.vocabulary import CHANNELS
from .pace import Pace
from .recovery import Recovery

Items = dict[str, None]
"""Markets, indices or underlyings, in order of appearance."""

ADD: Final[dict[str, Action]] = {
    "market_tickers": "add_markets",
    "market_ids": "add_markets",
    "index_ids": "subscribe_indices",
    "underlying_tickers": "subscribe_underlyings",
}
REMOVE: Final[dict[str, Action]] = {
    "market_tickers": "delete_markets",
    "market_ids": "delete_markets",
    "index_ids": "unsubscribe_indices",
    "underlying_tickers": "unsubscribe_underlyings",
}
_MARKET_KINDS: Final = ("market_tickers", "market_ids")
_FLAGS: Final = (
    "use_yes_price",
    "skip_ticker_ack",
    "send_initial_snapshot",
    "user_filter",
    "shard_factor",
    "shard_key",
)
SUBSCRIBE_FLAGS: Final = frozenset({*_FLAGS, "market_ids", "index_ids", "underlying_tickers"})
"""What ``Feed.subscribe`` takes by name."""


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


class Change(NamedTuple):
    """What an answer changed in what a subscription holds.

    Attributes:
        joined, left: markets (or indices, or underlyings).
        is_all: whether it holds everything, since the command that was answered named nothing.
    """

    joined: list[str]
    left: list[str]
    is_all: bool = False


class Subscription:
    """One sid of one connection: its count, what it holds, and the recovery of its books.

    Attributes:
        channel: its channel, or None where nothing named it yet.
        held: what it holds, as far as the exchange said.
        is_subscribed: whether a ``subscribed`` named it.
    """

    __slots__ = ("channel", "held", "is_subscribed", "recovery", "state")

    def __init__(self, state: SidState, pace: Pace) -> None:
        self.state = state
        self.channel: str | None = None
        self.held: Items = {}
        self.is_subscribed = False
        self.recovery = Recovery(pace)

    @property
    def sid(self) -> int:
        """Its number."""
        return self.state.sid


class Interest:
    """One channel.

    A channel is *ours* from the first call that directs it: what is held then is taken over as desired, and whatever the
    exchange holds beside what is wanted is taken out. A channel that nobody directs here is only followed.

    Attributes:
        channel: its name.
        kind: which field of a command names its items.
        is_ours: whether it is directed here.
        is_wanted: whether it is to be open.
        desired: what it is to hold, while it is wanted; empty: everything, where the channel may be open without items.
        flags: what else its subscribe says.
        subscription: the living one of this connection, or None.
        extra: not desired, but lost or taken out by the recovery, to be put in again.
        in_flight: ids of the commands under way that change it, with what each asks for.
        removing: ids of those that take something out, with what (None: all), until it is certain whether they did.
        last_answered: the last of its commands that was answered, without its id.
        unsure: items of which an unclear or late answer left it unknown whether they are held.
        is_unsure: whether the channel may be open without our knowing.
        refused, refusal: as in ``ChannelStatus``, until ``retry_ns``.
        retry_ns: when what was refused is asked for again.
        not_before_ns: when it may be asked again after an unclear answer.
        asked_scale: the ``use_yes_price`` of the last subscribe that was sent on this connection, or None.
        chunk: how many items a command names at most: less, once the exchange's limit was met.
        resubscribes: how often the recovery ended its subscription on this connection.
        unanswered: how many of its commands in a row were not answered.
        is_troubled: whether commands count against the budget: something failed since it was complete.
        is_dirty: whether ``next_command`` may have something to say.
    """

    __slots__ = (
        "asked_scale",
        "channel",
        "chunk",
        "desired",
        "extra",
        "flags",
        "in_flight",
        "is_dirty",
        "is_ours",
        "is_troubled",
        "is_unsure",
        "is_wanted",
        "kind",
        "last_answered",
        "not_before_ns",
        "refusal",
        "refused",
        "removing",
        "resubscribes",
        "retry_ns",
        "subscription",
        "unanswered",
        "unsure",
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
        self.is_ours = self.is_wanted
        self.subscription: Subscription | None = None
        self.extra: Items = {}
        self.in_flight: dict[int, frozenset[str]] = {}
        self.removing: dict[int, frozenset[str] | None] = {}
        self.last_answered: Command | None = None
        self.unsure: Items = {}
        self.is_unsure = False
        self.refused: Items = {}
        self.refusal: int | None = None
        self.retry_ns: int | None = None
        self.not_before_ns: int | None = None
        self.asked_scale: bool | None = None
        self.chunk = MAX_TICKERS
        self.resubscribes = 0
        self.unanswered = 0
        self.is_troubled = False
        self.is_dirty = True

    # What is desired.

    @property
    def is_all(self) -> bool:
        """Whether everything is wanted, since nothing was named."""
        return self.is_wanted and not self.desired and self.kind in _MARKET_KINDS and self.channel != BOOK_CHANNEL

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
        self.check_kind(command)

    def check_kind(self, command: Subscribe | UpdateSubscription) -> None:
        """Make sure that a command names markets as the subscription does.

        Raises:
            UsageError: it does not.
        """
        if self.is_wanted and items_of(command, self.channel) and self.kind != kind_of(self.channel, command):
            raise UsageError(f"{self.channel} is subscribed by {self.kind}: name its markets so, or unsubscribe it first")

    @property
    def price_scale(self) -> bool | None:
        """The ``use_yes_price`` that holds for the book channel, or None: free to be chosen."""
        if self.subscription is not None:
            return self.subscription.state.use_yes_price
        if self.is_wanted:
            return bool(self.flags["use_yes_price"])
        return self.asked_scale if self.in_flight or self.is_unsure else None

    def desire(self, items: Iterable[str], kind: str, flags: dict[str, Any]) -> None:
        """Want these, or, where the channel may go without, all. The first call decides the kind and the flags."""
        self._take_over()
        if not self.is_wanted:
            self.desired, self.kind, self.flags = {}, kind, flags
        self.is_wanted = True
        for item in items:
            self.desired[item] = None
            self.refused.pop(item, None)
        self.refusal = self.last_answered = self.not_before_ns = None
        self.is_dirty = True

    def release(self, items: Iterable[str] | None) -> list[str]:
        """Want these no more; None: the whole channel. Returns what was wanted until now."""
        self._take_over()
        going = list(self.desired) if items is None else [item for item in dict.fromkeys(items) if item in self.desired]
        for item in going:
            del self.desired[item]
            self.refused.pop(item, None)
        # An empty list of markets might mean all of them: the channel is closed instead.
        if items is None or (going and not self.desired and self.kind in _MARKET_KINDS):
            self.is_wanted, self.extra = False, {}
        self.last_answered, self.is_dirty = None, True
        return going

    def _take_over(self) -> None:
        """Direct the channel from here on: what it holds is desired."""
        if self.is_ours:
            return
        self.is_ours = True
        if self.subscription is not None:
            self.desired, self.extra = {**self.subscription.held, **self.extra}, {}
            self.is_wanted = bool(self.desired) or self.channel != BOOK_CHANNEL
            self.flags = {"use_yes_price": self.subscription.state.use_yes_price}

    def wants(self, item: str) -> bool:
        """Whether an item is to be held, also one that the recovery only took out."""
        return item in self.desired or item in self.extra

    def keeps(self, item: str) -> bool:
        """Whether an item that is held is to stay."""
        return not self.is_ours or self.wants(item)

    def may_be_out(self, item: str) -> bool:
        """Whether a command under way, or one without a clear answer, may have taken out an item that was held."""
        # Asked for every snapshot, so no generator where it can be: CPython 3.13.0 dies where it has no memory for one.
        return bool(self.removing) and any(items is None or item in items for items in self.removing.values())

    @property
    def may_be_closed(self) -> bool:
        """Whether an end of the channel that was asked for had no clear answer, so that the list of channels has to tell."""
        return any(items is None and number not in self.in_flight for number, items in self.removing.items())

    def settle(self, items: frozenset[str] | None) -> None:
        """Note that it is certain now whether these are held; None: of all."""
        for item in list(self.unsure) if items is None else items:
            self.unsure.pop(item, None)
        for number, removed in list(self.removing.items()):
            if number not in self.in_flight and (items is None or (removed is not None and removed <= items)):
                del self.removing[number]

    def settle_open(self) -> None:
        """Note that the channel was open when it was asked for, after what was to end it had no clear answer."""
        for number, removed in list(self.removing.items()):
            if removed is None and number not in self.in_flight:
                del self.removing[number]
        self.is_dirty = True

    def missing(self) -> Iterator[str]:
        """What is to be held, and is not for certain, and was not refused."""
        held = self._held
        if ALL in held and self.kind not in _MARKET_KINDS:
            return
        for wanted in (self.desired, self.extra):
            for item in wanted:
                if (item not in held or item in self.unsure) and item not in self.refused:
                    yield item

    def leaving(self) -> Iterator[str]:
        """What is or may be held, and is not wanted."""
        if self.is_ours and not self.is_all:
            for items in (self._held, self.unsure):
                for item in items:
                    if not self.wants(item):
                        yield item

    @property
    def _held(self) -> Items:
        return {} if self.subscription is None else self.subscription.held

    # What happens to it.

    def ended(self, subscription: Subscription, lost: list[str]) -> None:
        """Let go of a subscription.

        Args:
            subscription: which.
            lost: what it held and is wanted again, where nobody directs the channel.
        """
        channel = CHANNELS.get(self.channel)
        takes_items = channel is not None and (channel.takes_markets != "no" or self.kind not in _MARKET_KINDS)
        if lost and not self.is_ours and takes_items:
            self.extra.update(dict.fromkeys(lost))
            self.flags = {"use_yes_price": subscription.state.use_yes_price}
        if self.subscription is subscription:
            self.subscription, self.last_answered, self.unsure, self.removing = None, None, {}, {}
        self.is_dirty = True

    def trouble(self) -> None:
        """Note that something failed: whatever is asked for again counts against the budget until all is held."""
        self.is_troubled = self.is_dirty = True

    def refuse(self, items: Iterable[str], retry_ns: int) -> None:
        """Note what the exchange would not take, and when to try again."""
        self.last_answered = None
        self.refused.update(dict.fromkeys(items))
        self.retry_ns = retry_ns
        self.trouble()

    def next_deadline_ns(self) -> int | None:
        """When ``next_command`` may say more than it does now."""
        is_open = self.is_dirty and not self.in_flight and self.refusal is None
        not_before = self.not_before_ns if is_open else None
        return min((due for due in (not_before, self.retry_ns) if due is not None), default=None)

    def next_command(self, epoch: int, now_ns: int | None) -> Command | None:
        """Give the next command that brings what is held nearer to what is wanted. O(wanted) when something changed."""
        if self.retry_ns is not None and now_ns is not None and now_ns >= self.retry_ns:
            self.refused, self.refusal, self.retry_ns, self.is_dirty = {}, None, None, True
            self.chunk, self.last_answered = MAX_TICKERS, None
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

    def _difference(self, epoch: int) -> Command | None:
        purpose: Purpose = "recovery" if self.is_troubled else "restore"
        missing = tuple(islice(self.missing(), self.chunk))
        if self.subscription is None:
            if not missing and (not self.is_wanted or self.channel == BOOK_CHANNEL or self.desired):
                return None
            named: dict[str, Any] = {self.kind: missing, **self.flags}
            return Subscribe(channels=[self.channel], purpose=purpose, epoch=epoch, **named)
        sid = self.subscription.sid
        if self.subscription.recovery.wants_resubscribe or (self.is_ours and not self.is_wanted):
            return Unsubscribe(sids=[sid], purpose=purpose, epoch=epoch)
        if missing:
            fields: dict[str, Any] = {self.kind: missing}
            if self.flags.get("send_initial_snapshot"):
                fields["send_initial_snapshot"] = True
            return UpdateSubscription(action=ADD[self.kind], sid=sid, purpose=purpose, epoch=epoch, **fields)
        if leaving := tuple(islice(self.leaving(), MAX_TICKERS)):
            fields = {self.kind: leaving}
            return UpdateSubscription(action=REMOVE[self.kind], sid=sid, purpose=purpose, epoch=epoch, **fields)
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
