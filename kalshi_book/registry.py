"""Every channel and sid of one feed, the commands under way, and what is due next: the state behind ``subscriptions.py``.

A command that is not answered in time, or unclearly, may have taken effect. Each is idempotent and answered with the full
list, so it is simply asked again. An answer that comes late is believed all the same: it is kept in mind what the command
was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from . import events
from ._backend import SidState
from .interest import ADD, REMOVE, Interest, Items, Subscription, items_of
from .messages.commands import BOOK_CHANNEL, Command, ListSubscriptions, Subscribe, Unsubscribe, UpdateSubscription
from .pace import Pace

LATE_ANSWERS: Final = 12
"""How many times ``Pace.answer_ns`` a command is kept that was not answered in time, for a late answer."""

MAX_PENDING: Final = 10_000
"""Commands under way that are kept in mind, the newest."""
MAX_SIDS: Final = 1_000
"""Subscriptions of one connection that are kept in mind, besides those that live."""

ADDS: Final = frozenset(ADD.values())
REMOVES: Final = frozenset(REMOVE.values())


class Pending(Struct):
    """A command under way.

    Attributes:
        id, command: the command.
        due_ns: when its answer is late, or None where time was not told yet.
        open: what is to be answered still: channels of a subscribe or unsubscribe, tickers of a ``get_snapshot``.
        is_overdue: whether it was given up.
        refusal: the error that answered a part of it, nobody knows which.
        sids: for a list of subscriptions: those that it must name, since their channel was known when it was asked for.
    """

    id: int
    command: Command
    due_ns: int | None
    open: Items
    is_overdue: bool = False
    refusal: int | None = None
    sids: frozenset[int] = frozenset()


class Registry:
    """All channels of one feed.

    Args:
        pace: deadlines.
        use_yes_price: the price scale of a book subscription that no registered command made.
        tell: takes events.
        distrust: takes a channel, and the markets (none: all) that the exchange may have taken out of it.
    """

    def __init__(
        self,
        pace: Pace,
        *,
        use_yes_price: bool,
        tell: Callable[[events.Event], None],
        distrust: Callable[[str, Iterable[str]], None],
    ) -> None:
        self._pace = pace
        self._use_yes_price = use_yes_price
        self._tell = tell
        self._distrust = distrust
        self.interests: dict[str, Interest] = {}
        self.by_sid: dict[int, Subscription] = {}
        self.pending: dict[int, Pending] = {}
        self.next_id = 1
        self.now_ns: int | None = None
        self.reconnect_reason: str | None = None
        self._list_ns: int | None = None  # when the list of channels may be asked for again

    def lost(self) -> None:
        """Forget all that belongs to the connection. What is desired stays."""
        self.by_sid.clear()
        self.pending.clear()
        self.next_id = 1
        self.reconnect_reason = self._list_ns = None
        for interest in self.interests.values():
            interest.lost()

    def of(self, sid: int) -> Subscription:
        """Give the subscription of a sid; the first frame that speaks of it makes it."""
        found = self.by_sid.get(sid)
        if found is None:
            interest = self.interest(BOOK_CHANNEL)
            scale = interest.asked_scale if interest.price_scale is None else interest.price_scale
            state = SidState(sid, use_yes_price=self._use_yes_price if scale is None else scale)
            if len(self.by_sid) >= MAX_SIDS:
                self._prune()
            found = self.by_sid[sid] = Subscription(state, self._pace)
        return found

    def _prune(self) -> None:
        """Forget subscriptions that are dead or that nothing is known of."""
        for sid, each in list(self.by_sid.items()):
            if each.state.is_dead or each.channel is None:
                del self.by_sid[sid]

    def interest(self, channel: str) -> Interest:
        """Give what is wanted of a channel."""
        found = self.interests.get(channel)
        if found is None:
            found = self.interests[channel] = Interest(channel)
        return found

    def adopt(self, subscription: Subscription, channel: str) -> Interest:
        """Note which channel a subscription is of, and that it lives."""
        if subscription.channel not in (None, channel):
            self.end(subscription, keep=False)  # its number is another channel's now
            subscription.state.is_dead = False
        subscription.channel = channel
        interest = self.interest(channel)
        if interest.subscription is None and not subscription.state.is_dead:
            interest.subscription = subscription
            interest.is_unsure, interest.is_dirty = False, True
        return interest

    def joined(self, subscription: Subscription, items: Iterable[str]) -> list[str]:
        """Hold items, which are then no longer to be put in again; give those that were not held."""
        new = [item for item in items if item not in subscription.held]
        subscription.held.update(dict.fromkeys(new))
        extra = {} if subscription.channel is None else self.interest(subscription.channel).extra
        for item in new:
            extra.pop(item, None)
        return new

    def end(self, subscription: Subscription, *, keep: bool) -> list[str]:
        """Note that a subscription is dead; ``keep``: what it held is wanted again. Returns what it held."""
        subscription.state.is_dead = True
        left = list(subscription.held)
        subscription.held.clear()
        if subscription.channel is not None:
            self.interest(subscription.channel).ended(subscription, left if keep else [])
        return left

    def lose(self, subscription: Subscription, code: int) -> list[str]:
        """Note that the exchange ended a subscription: what it held is wanted again (F19). Returns what it held."""
        self._tell(events.SubscriptionLost(subscription.sid, subscription.channel, code))
        left = self.end(subscription, keep=True)
        if subscription.channel is not None:
            self.interest(subscription.channel).trouble()
        return left

    def revive(self, subscription: Subscription) -> None:
        """Note that a subscription counts anew: where nobody directs its channel, it lives anew."""
        channel = subscription.channel
        if subscription.state.is_dead and (channel is None or not self.interest(channel).is_ours):
            subscription.state.is_dead = False
            if channel is not None:
                self.adopt(subscription, channel)

    def want_reconnect(self, reason: str) -> None:
        """Note that this connection is of no use any more."""
        if self.reconnect_reason is None:
            self.reconnect_reason = reason
            self._tell(events.ReconnectWanted(reason))

    # Commands under way.

    def _pending(self, message_id: int | None) -> Pending | None:
        return None if message_id is None else self.pending.get(message_id)

    def _after(self, span_ns: int) -> int:
        return (self.now_ns or 0) + span_ns

    def _answered(self, pending: Pending, what: str | None) -> None:
        """Note an answer, to a part of a command or (None) to all of it."""
        if what is None:
            pending.open.clear()
        pending.open.pop(what or "", None)
        for channel, interest in self._touched(pending):
            if channel == what or not pending.open:
                interest.in_flight.pop(pending.id, None)
                interest.removing.pop(pending.id, None)
                interest.unanswered, interest.is_dirty = 0, True
                interest.last_answered = _bare(pending.command)
                if interest.subscription is not None:
                    interest.subscription.recovery.is_dirty = True
        if not pending.open:
            self.pending.pop(pending.id, None)
        elif pending.refusal is not None and len(pending.open) == 1:
            self._refuse_rest(pending, pending.refusal)

    def _touched(self, pending: Pending) -> list[tuple[str, Interest]]:
        return [(channel, interest) for channel, interest in self.interests.items() if pending.id in interest.in_flight]

    def _refuse(self, interest: Interest, items: Iterable[str], code: int | None) -> None:
        names = tuple(items)
        interest.refuse(names, self._after(self._pace.retry_ns))
        self._tell(events.MarketsRefused(interest.channel, names, code))

    def _refuse_channel(self, interest: Interest, code: int) -> None:
        interest.refusal, interest.retry_ns = code, self._after(self._pace.retry_ns)

    def _refuse_rest(self, pending: Pending, code: int) -> None:
        """All but one channel of a subscribe were answered, and an error came: it was the last one's."""
        for channel in list(pending.open):
            if self.interest(channel).subscription is None:
                self._refuse_channel(self.interest(channel), code)
        self._answered(pending, None)

    def _leave_unsure(self, interest: Interest, number: int, command: Command) -> None:
        """Whether a command took effect on a channel is unknown: what it was to change is asked for again, either way."""
        interest.trouble()
        if isinstance(command, (Subscribe, UpdateSubscription)):
            interest.unsure.update(dict.fromkeys(items_of(command, interest.channel)))
        if isinstance(command, Subscribe):
            interest.is_unsure = True
        elif isinstance(command, Unsubscribe) and interest.subscription is not None:
            interest.removing[number] = None
        elif isinstance(command, UpdateSubscription) and command.action in REMOVES:
            interest.removing[number] = frozenset(items_of(command, interest.channel))

    def _removing(self, interest: Interest, number: int, items: Iterable[str], *, is_all: bool = False) -> None:
        """From here on nothing tells that these are held, until it is answered."""
        interest.removing[number] = None if is_all else frozenset(items)
        self._distrust(interest.channel, items)

    # What is due.

    def advance(self, now_ns: int) -> None:
        """Let time pass: give up what was not answered in time. O(commands under way)."""
        self.now_ns = now_ns
        for pending in list(self.pending.values()):
            if pending.due_ns is None:
                pending.due_ns = self._after(self._pace.answer_ns)
            elif pending.due_ns <= now_ns:
                if pending.is_overdue:
                    del self.pending[pending.id]
                else:
                    self._give_up(pending)

    def _give_up(self, pending: Pending) -> None:
        """Whether the command took effect is unknown: what it was to change is asked for again."""
        pending.is_overdue = True
        pending.due_ns = self._after(LATE_ANSWERS * self._pace.answer_ns)
        if pending.refusal is not None:
            self._refuse_rest(pending, pending.refusal)
            return
        self._tell(events.CommandUnanswered(pending.id, pending.command))
        for channel, interest in self._touched(pending):
            del interest.in_flight[pending.id]
            self._leave_unsure(interest, pending.id, pending.command)
            interest.unanswered += 1
            if isinstance(pending.command, Unsubscribe) and interest.resubscribes:
                self.want_reconnect(f"the {channel} subscription gives nothing and cannot be ended")
            elif interest.unanswered >= self._pace.tries and interest.subscription is None:
                self.want_reconnect(f"subscribing to {channel} is not answered")

    def wanted(self, epoch: int) -> list[Command]:
        """Give the commands that bring what is held nearer to what is desired: one a channel at most."""
        commands = [self._next(interest, epoch) for interest in self.interests.values()]
        if self._wants_list and (self._list_ns is None or (self.now_ns is not None and self.now_ns >= self._list_ns)):
            commands.append(ListSubscriptions(purpose="recovery", epoch=epoch))
        return [command for command in commands if command is not None]

    @property
    def _wants_list(self) -> bool:
        """Whether only the list of channels can tell if one is open."""
        return any(
            each.may_be_closed if each.is_wanted or each.extra else each.is_unsure for each in self.interests.values()
        )

    def _next(self, interest: Interest, epoch: int) -> Command | None:
        """Give the next command of a channel; what was answered and is wanted all the same is asked again later."""
        command = interest.next_command(epoch, self.now_ns)
        if command is None or _bare(command) != interest.last_answered:
            return command
        interest.trouble()
        interest.last_answered, interest.not_before_ns = None, self._after(self._pace.answer_ns)
        return None

    def next_deadlines(self) -> Iterator[int]:
        """Give the times at which ``advance`` or ``wanted`` has something to do."""
        for pending in self.pending.values():
            if pending.due_ns is not None:
                yield pending.due_ns
        for interest in self.interests.values():
            if (due_ns := interest.next_deadline_ns()) is not None:
                yield due_ns
        if self._list_ns is not None and self._wants_list and (self.now_ns is None or self._list_ns > self.now_ns):
            yield self._list_ns


def _bare(command: Command) -> Command:
    """A command as it would be if it were asked for by anybody, at any time."""
    return replace(command, id=None, purpose="asked", epoch=None)
