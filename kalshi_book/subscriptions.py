"""What a feed says to the exchange, and what the answers say of its subscriptions (F11, F13).

Source of the rules about answers: the exchange's AsyncAPI text, read 2026-10-26, and recordings of 2026.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from . import events
from .errors import UsageError
from .interest import Change, Interest, Subscription, flags_of, items_of, kind_of
from .messages import Error, Ok, Subscribed, SubscriptionList
from .messages.commands import (
    BOOK_CHANNEL,
    INDEX_CHANNELS,
    LISTING_ACTIONS,
    UNDERLYING_CHANNEL,
    Command,
    ListSubscriptions,
    Subscribe,
    Unsubscribe,
    UpdateSubscription,
)
from .messages.vocabulary import CHANNELS, INDEX_ACTIONS, MARKET_ACTIONS, UNDERLYING_ACTIONS
from .registry import ADDS, MAX_PENDING, REMOVES, Pending, Registry

UNKNOWN_SID: Final = 7
UNCLEAR: Final = frozenset({1, 10, 17, 18, 25, 27})
"""Errors that say nothing of the command itself: it is repeated as it is, a little later."""
LIMIT_EXCEEDED: Final = 26


class Subscriptions(Registry):
    """What is said and what is answered. ``Registry`` keeps what follows."""

    # Commands that are sent.

    def check(self, command: Command) -> None:
        """Make sure that the exchange would take a command on this connection. Changes nothing.

        Raises:
            UsageError: it would not.
        """
        if command.id is not None and command.id < self.next_id:
            raise UsageError(f"ids rise on a connection: the next is {self.next_id}, not {command.id}")
        if isinstance(command, Subscribe):
            for channel in command.channels:
                self.interest(channel).check(command)
        elif isinstance(command, Unsubscribe):
            for sid in command.sids:
                self._living(sid)
        elif isinstance(command, UpdateSubscription):
            self._check_update(command)

    def _living(self, sid: int | None) -> Subscription:
        found = None if sid is None else self.by_sid.get(sid)
        if found is None or found.state.is_dead:
            living = [sid for sid, subscription in self.by_sid.items() if not subscription.state.is_dead]
            raise UsageError(
                f"sid {sid} is not subscribed on this connection, which has {living or 'none'} "
                f"(the exchange would answer with error {UNKNOWN_SID})"
            )
        return found

    def _check_update(self, command: UpdateSubscription) -> None:
        channel = self._living(command.sid).channel
        if channel is None:
            return
        if command.action in INDEX_ACTIONS:
            fits = channel in INDEX_CHANNELS
        elif command.action in UNDERLYING_ACTIONS:
            fits = channel == UNDERLYING_CHANNEL
        else:
            fits = channel == BOOK_CHANNEL or command.action != "get_snapshot"
        if not fits:
            raise UsageError(f"{channel} knows no {command.action} (the exchange would answer with error 13)")
        if command.action in MARKET_ACTIONS and channel in CHANNELS and CHANNELS[channel].takes_markets == "no":
            raise UsageError(f"{channel} cannot be limited to markets (the exchange would answer with error 13)")
        if (command.market_ids or command.send_initial_snapshot) and channel != "ticker":
            raise UsageError(f"{channel} takes neither market_ids nor send_initial_snapshot: these are for ticker alone")
        self.interest(channel).check_kind(command)

    def register(self, command: Command) -> tuple[int, list[str]]:
        """Take a checked command as sent.

        Returns:
            Its id, and the markets of the book channel that are desired no more.
        """
        number = self.next_id if command.id is None else command.id
        self.next_id = number + 1
        due_ns = None if self.now_ns is None else self._after(self._pace.answer_ns)
        pending = self.pending[number] = Pending(number, command, due_ns, {})
        if len(self.pending) > MAX_PENDING:  # time is never told: nothing is ever given up
            self._answered(next(iter(self.pending.values())), None)
        released: list[str] = []
        if isinstance(command, Subscribe):
            for channel in command.channels:
                pending.open[channel] = None
                items = items_of(command, channel)
                if command.purpose == "asked":
                    self.interest(channel).desire(items, kind_of(channel, command), flags_of(command))
                self.interest(channel).in_flight[number] = frozenset(items)
                self.interest(channel).asked_scale = command.use_yes_price
        elif isinstance(command, Unsubscribe):
            for sid in command.sids:
                released += self._register_end(pending, self.by_sid[sid])
        elif isinstance(command, UpdateSubscription):
            released += self._register_update(pending, command)
        else:
            known = (each for each in self.by_sid.values() if each.channel is not None and not each.state.is_dead)
            pending.sids = frozenset(each.sid for each in known)
            self._list_ns = self._after(self._pace.answer_ns)
        return number, released

    def _register_end(self, pending: Pending, subscription: Subscription) -> list[str]:
        if subscription.channel is None:
            return []
        interest = self.interest(subscription.channel)
        pending.open[subscription.channel] = None
        interest.in_flight[pending.id] = frozenset()
        released: list[str] = []
        if pending.command.purpose == "asked":
            released = interest.release(None)
        elif interest.is_wanted or not interest.is_ours:
            interest.resubscribes += 1
            subscription.recovery.wants_resubscribe = False
        self._removing(interest, pending.id, subscription.held, is_all=True)
        return released if interest.channel == BOOK_CHANNEL else []

    def _register_update(self, pending: Pending, command: UpdateSubscription) -> list[str]:
        subscription = self._living(command.sid)
        if subscription.channel not in CHANNELS:
            return []
        interest = self.interest(subscription.channel)
        items = items_of(command, interest.channel)
        released: list[str] = []
        if command.action == "get_snapshot":
            pending.open.update(dict.fromkeys(items))
        elif command.action in ADDS:
            if command.purpose == "asked" and not interest.is_all:
                flags = {"use_yes_price": subscription.state.use_yes_price}
                interest.desire(items, kind_of(interest.channel, command), flags)
            interest.in_flight[pending.id] = frozenset(items)
        elif command.action in REMOVES:
            if command.purpose == "asked":
                released = interest.release(items)
            elif not interest.is_ours:
                interest.extra.update(dict.fromkeys(items))
            interest.in_flight[pending.id] = frozenset()
            self._removing(interest, pending.id, items)
        return released if interest.channel == BOOK_CHANNEL else []

    # Answers.

    def take_subscribed(self, message: Subscribed, subscription: Subscription) -> tuple[bool, Change]:
        """Take a ``subscribed``: the subscription holds what its command named, which may have sent its first data before.

        Returns:
            Whether it is one that counted before, and what changed.
        """
        channel = message.msg.channel
        pending = self._pending(message.id)
        asked = None
        if pending is not None and isinstance(pending.command, Subscribe) and channel in pending.command.channels:
            asked = pending.command
        is_late = asked is not None and not subscription.is_subscribed and subscription.channel in (None, channel)
        if asked is not None and channel == BOOK_CHANNEL and subscription.state.use_yes_price is not asked.use_yes_price:
            is_late = False  # what came before it was read on another scale
        restarted = False
        if not is_late:
            restarted = subscription.state.last_seq is not None or bool(subscription.held)
            subscription.state.last_seq = subscription.state.last_frame = None
            subscription.held.clear()
        subscription.state.is_dead, subscription.is_subscribed = False, True
        change = Change([], [])
        for other in list(self.by_sid.values()):  # a channel has one sid: whatever it had before is gone
            if other.channel == channel and other is not subscription and not other.state.is_dead:
                change.left.extend(self.end(other, keep=True))
        if asked is not None:
            if channel == BOOK_CHANNEL:
                subscription.state.use_yes_price = asked.use_yes_price
            items = items_of(asked, channel)
            change.joined.extend(self.joined(subscription, items))
            change = change._replace(is_all=not items)
            self._certain(channel, items)
        self.adopt(subscription, channel)
        if pending is not None:
            self._answered(pending, channel)
        return restarted, change

    def take_ok(self, message: Ok, subscription: Subscription | None) -> Change:
        """Take an ``ok``: the list in it is what is held; without a list, what the command asked for is done."""
        pending = self._pending(message.id)
        if subscription is not None and pending is not None and isinstance(pending.command, Subscribe):
            self._settle_channel(subscription, pending)
        if subscription is None or subscription.state.is_dead:
            if pending is not None:
                self._answered(pending, None)
            return Change([], [])
        command = None if pending is None else pending.command
        channel = subscription.channel
        listed = None if channel is None else _listed(message, kind_of(channel))
        if channel == "ticker" and listed is None:
            listed = _listed(message, "market_ids")
        change = Change([], [])
        if listed is not None and channel is not None:
            self.interest(channel).settle(None)
            held = dict.fromkeys(listed)
            change.left.extend([item for item in subscription.held if item not in held])
            for item in change.left:
                del subscription.held[item]
            change.joined.extend(self.joined(subscription, held))
        elif channel is not None and isinstance(command, (Subscribe, UpdateSubscription)):
            self._do(command, subscription, items_of(command, channel), change)
            self._certain(channel, items_of(command, channel))
        if channel is not None and (change.left or change.joined):  # by a late answer, too, which no one waits for any more
            self.interest(channel).is_dirty = True
        if channel is not None and isinstance(command, Subscribe):
            change = change._replace(is_all=not (subscription.held or items_of(command, channel)))
        if pending is not None:
            self._answered(pending, channel)
            if channel is not None and listed is not None:
                self._check_taken(command, channel)
        return change

    def _certain(self, channel: str, items: Iterable[str]) -> None:
        """An answer without a list made it certain whether these are held."""
        self.interest(channel).settle(frozenset(items))

    def take_list(self, message: Ok | SubscriptionList) -> list[tuple[Subscription, list[str]]]:
        """Learn which channels are open: one whose ``subscribed`` was lost, perhaps; or that one is not.

        Returns:
            Subscriptions that are dead by it, each with what it held: only those whose channel was known before the list was
            asked for.
        """
        channels = message.msg if isinstance(message, Ok) else message.subscriptions
        if not isinstance(channels, list):
            return []
        pending = self._pending(message.id)
        listed = {each.sid: each.channel for each in channels}
        for interest in self.interests.values():
            interest.is_unsure = False
        dead = []
        for sid in () if pending is None else pending.sids:
            subscription = self.of(sid)
            if subscription.state.is_dead or subscription.channel is None:
                continue
            if listed.get(sid) != subscription.channel:
                dead.append((subscription, self.lose(subscription, UNKNOWN_SID)))
                continue
            self.interest(subscription.channel).settle_open()
            subscription.recovery.is_dirty = True
        for sid, channel in listed.items():
            named = self.of(sid)
            if named.channel is None:
                self.adopt(named, channel)
        return dead

    def _settle_channel(self, subscription: Subscription, pending: Pending) -> None:
        """An ``ok`` names a sid and no channel: where its ``subscribed`` was lost, the command tells which channel it is.

        It also proves that a subscription lives which was taken for dead.
        """
        assert isinstance(pending.command, Subscribe)
        if subscription.channel is None:
            unknown = [channel for channel in pending.open if self.interest(channel).subscription is None]
            if len(unknown) != 1:
                return
            if unknown[0] == BOOK_CHANNEL:
                subscription.state.use_yes_price = pending.command.use_yes_price
            subscription.channel = unknown[0]
        if subscription.channel in pending.open:
            subscription.state.is_dead = False
            self.adopt(subscription, subscription.channel)

    def _do(
        self, command: Subscribe | UpdateSubscription, subscription: Subscription, items: Iterable[str], change: Change
    ) -> None:
        if isinstance(command, Subscribe) or command.action in ADDS:
            change.joined.extend(self.joined(subscription, items))
        elif command.action in REMOVES:
            for item in items:
                if item in subscription.held:
                    del subscription.held[item]
                    change.left.append(item)

    def _check_taken(self, command: Command | None, channel: str) -> None:
        """What was added and is not in the list afterwards was not taken: asked for again, but slowly."""
        if not isinstance(command, (Subscribe, UpdateSubscription)):
            return
        if isinstance(command, UpdateSubscription) and command.action not in ADDS:
            return
        interest = self.interest(channel)
        missing = set(interest.missing())
        if refused := [item for item in items_of(command, channel) if item in missing]:
            self._refuse(interest, refused, None)

    def take_unsubscribed(self, message_id: int | None, subscription: Subscription) -> list[str]:
        """Take an ``unsubscribed``. Returns what the subscription held."""
        pending = self._pending(message_id)
        is_recovery = pending is not None and pending.command.purpose == "recovery"
        channel = subscription.channel
        left = self.end(subscription, keep=is_recovery)
        if pending is not None:
            self._answered(pending, channel)
        return left

    def take_error(self, message: Error) -> list[tuple[Subscription, list[str]]]:
        """Take the error that answers a command.

        Returns:
            Subscriptions that are dead by it, each with what it held.
        """
        pending = self._pending(message.id)
        if pending is None:
            return []
        code = message.msg.code
        self._tell(events.CommandRefused(pending.id, pending.command, code, message.msg.msg))
        command = pending.command
        channels = [*pending.open] if isinstance(command, (Subscribe, Unsubscribe)) else self._channels_of(command)
        dead = self._unknown_sids(command) if code == UNKNOWN_SID else []
        if isinstance(command, Subscribe) and len(channels) > 1 and code not in UNCLEAR:
            pending.refusal = code  # one of them was refused; which one is known when the others were answered
            return []
        self._answered(pending, None)
        for channel in channels:
            self._refused_change(self.interest(channel), pending.id, command, message)
        return dead

    def _channels_of(self, command: Command) -> list[str]:
        """The channel that a command was to change."""
        if not isinstance(command, UpdateSubscription) or command.sid not in self.by_sid:
            return []
        if command.action not in ADDS | REMOVES:
            return []
        channel = self.by_sid[command.sid].channel
        return [] if channel is None else [channel]

    def _unknown_sids(self, command: Command) -> list[tuple[Subscription, list[str]]]:
        """Error 7: what we believed to be subscribed is not. What an unsubscribe named is ended as it asked."""
        sids = command.sids if isinstance(command, Unsubscribe) else [getattr(command, "sid", None)]
        known = [self.by_sid[sid] for sid in sids if sid in self.by_sid and not self.by_sid[sid].state.is_dead]
        keep = not isinstance(command, Unsubscribe) or command.purpose == "recovery"
        return [(subscription, self.end(subscription, keep=keep)) for subscription in known]

    def _refused_change(self, interest: Interest, number: int, command: Command, message: Error) -> None:
        """Decide when a refused change of a channel is tried again."""
        code, interest.last_answered = message.msg.code, None
        interest.trouble()
        if code == UNKNOWN_SID:
            return
        if code in UNCLEAR:
            self._leave_unsure(interest, number, command)
            interest.not_before_ns = self._after(self._pace.answer_ns)
        elif not isinstance(command, (Subscribe, UpdateSubscription)):
            interest.not_before_ns = self._after(self._pace.answer_ns)
        elif isinstance(command, UpdateSubscription) and command.action not in ADDS:
            self._leave_unsure(interest, number, command)  # were it done all the same, nothing else would show it
            interest.not_before_ns = self._after(self._pace.retry_ns)
        elif code == LIMIT_EXCEEDED:
            self._limit(interest, items_of(command, interest.channel))
        elif isinstance(command, Subscribe) and interest.subscription is None:
            self._refuse_channel(interest, code)
        else:
            named = [message.msg.market_ticker] if message.msg.market_ticker else message.msg.market_tickers
            items, some = items_of(command, interest.channel), {*(named or ())}
            self._refuse(interest, [item for item in items if item in some] or items, code)

    def _limit(self, interest: Interest, items: tuple[str, ...]) -> None:
        """Error 26: ask for half as many; when one alone is too many, the subscription is full."""
        if len(items) > 1:
            interest.chunk = max(1, len(items) // 2)
        else:
            self._refuse(interest, list(interest.missing()), LIMIT_EXCEEDED)

    def take_listing(self, message_id: int | None) -> None:
        """Note a reply of a type of its own: what there is to be subscribed to, or (late 2025) what is subscribed."""
        pending = self._pending(message_id)
        if pending is not None and (
            isinstance(pending.command, ListSubscriptions) or getattr(pending.command, "action", None) in LISTING_ACTIONS
        ):
            self._answered(pending, None)

    def take_snapshot(self, message_id: int, market_ticker: str) -> None:
        """Note that one snapshot of a ``get_snapshot`` came."""
        if (pending := self._pending(message_id)) is not None and market_ticker in pending.open:
            self._answered(pending, market_ticker)


def _listed(message: Ok, kind: str) -> list[str] | None:
    """What an ``ok`` lists as held, or None where it does not say."""
    listed = message.held if kind == "market_tickers" else getattr(message.msg, kind, None)
    return None if listed is None else [item for item in listed if item]
