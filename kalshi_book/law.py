"""The law of the feed: what each frame of one connection does to its books.

The compiled core takes by itself today's in-order delta of a LIVE book, and today's in-order snapshot of a book that is
held. Every other frame, and with the plain Python core every frame, comes here, to ``_receive_other``. Rules are cited by
their numbers (F1 to F24); docs/rules.md lists them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from . import events, messages, sequence
from ._backend import FeedCore, SidState, Update
from .book import OrderBook, delta_of
from .errors import AuditDifference, Contradiction, FeedError, MalformedFrame
from .interest import Change, Subscription
from .kinds import Effect, Kind, StaleReason, State
from .messages import (
    Error,
    Fill,
    MarketLifecycle,
    Message,
    Ok,
    OrderbookDelta,
    OrderbookSnapshot,
    Subscribed,
    SubscriptionList,
    Unsubscribed,
    UserOrder,
)
from .messages.book import validate_snapshot
from .messages.commands import BOOK_CHANNEL
from .pace import Pace
from .subscriptions import Subscriptions
from .surroundings import CHANNEL_OF, OWN_CHANNEL, Surroundings
from .units import INT64_MAX

MAX_EVENTS: Final = 10_000
"""Events that nobody takes are kept up to here, the newest."""

_AnyFeedError = TypeVar("_AnyFeedError", bound=FeedError)

_INTERRUPTED = StaleReason.INTERRUPTED
_INTERRUPTED_WHY = "an exception left receive half-way, so what is subscribed is not known"
_KINDS: dict[type, Kind] = {
    OrderbookSnapshot: Kind.SNAPSHOT,
    OrderbookDelta: Kind.DELTA,
    Subscribed: Kind.SUBSCRIBED,
    Ok: Kind.OK,
    SubscriptionList: Kind.OK,
    Unsubscribed: Kind.UNSUBSCRIBED,
    Error: Kind.ERROR,
    messages.Ticker: Kind.TICKER,
    messages.TickerV2: Kind.TICKER,
    messages.Trade: Kind.TRADE,
    messages.Fill: Kind.FILL,
    messages.UserOrder: Kind.USER_ORDER,
    messages.MarketPosition: Kind.MARKET_POSITION,
    messages.MarketLifecycle: Kind.MARKET_LIFECYCLE,
    messages.MarketLifecycleV2: Kind.MARKET_LIFECYCLE,
    messages.MultivariateMarketLifecycle: Kind.MARKET_LIFECYCLE,
    messages.EventLifecycle: Kind.EVENT_LIFECYCLE,
    messages.EventFeeUpdate: Kind.EVENT_FEE_UPDATE,
    messages.OrderGroupUpdate: Kind.ORDER_GROUP_UPDATE,
    **{cls: Kind.COMMUNICATION for cls in messages.DATA_TYPES.values() if issubclass(cls, messages.Communication)},
    messages.IndexValue: Kind.INDEX_VALUE,
    messages.FastIndexValue: Kind.INDEX_VALUE,
    messages.UnderlyingValue: Kind.UNDERLYING_VALUE,
    messages.IndexList: Kind.LISTING,
    messages.FastIndexList: Kind.LISTING,
    messages.UnderlyingList: Kind.LISTING,
    messages.Unknown: Kind.UNKNOWN,
    MalformedFrame: Kind.MALFORMED,
}


class Law(FeedCore):
    """What ``Feed`` does with a frame. ``Feed`` adds connections, commands and time."""

    def __init__(self, *, use_yes_price: bool, filtered: bool, pace: Pace) -> None:
        super().__init__(messages.hot_decode, messages.HOT_TYPES)
        self._filtered = filtered
        self._subscriptions = Subscriptions(pace, use_yes_price=use_yes_price, tell=self._tell, distrust=self._distrust)
        self._counts: Counter[tuple[Kind, Effect]] = Counter()
        self._audits: Counter[bool] = Counter()
        self._skipped = 0
        self._is_open = True
        self._events: deque[events.Event] = deque(maxlen=MAX_EVENTS)
        self._books = cast("Mapping[str, OrderBook]", self._books_by_ticker())
        self._surroundings = Surroundings(self._books)

    def _tell(self, event: events.Event) -> None:
        self._events.append(event)

    def _distrust(self, channel: str, market_tickers: Iterable[str]) -> None:
        """A command that takes markets out is under way, or may have been carried out: nothing tells if they are kept."""
        if channel != BOOK_CHANNEL:
            self._surroundings.distrust(channel, market_tickers)
            return
        for ticker in market_tickers:
            book = self._books.get(ticker)
            if book is not None and book.is_live:
                book._set_state(State.STALE, StaleReason.UNSUBSCRIBED)

    def _receive_other(self, frame: bytes | str, received_ns: int | None) -> Update:
        """Take in any frame."""
        if not isinstance(frame, (bytes, str)):
            raise TypeError(f"a frame is bytes or str, not {type(frame).__name__}")
        if received_ns is not None and type(received_ns) is not int:
            raise TypeError(f"received_ns must be int or None, not {type(received_ns).__name__}")
        if received_ns is not None and abs(received_ns) > INT64_MAX:
            raise TypeError("received_ns must be int of 64 bits, and is larger")
        if isinstance(frame, str):
            frame = str(frame)  # the decoder takes no subclass
        message: Message | MalformedFrame
        try:
            message = messages.read(frame)
        except MalformedFrame as error:
            message = _bare(error)

        sid, seq = (message.msg.sid, None) if isinstance(message, Subscribed) else (message.sid, message.seq)
        facts: dict[str, Any] = {"frame": frame, "received_ns": received_ns, "sid": sid, "seq": seq}
        facts["market_ticker"] = getattr(message, "market_ticker", None)
        facts["_error"] = message if isinstance(message, MalformedFrame) else None
        kind, effect = _KINDS[type(message)], Effect.IGNORED
        if self._is_open:
            try:
                kind, effect = self._obey(message, kind, facts)
            except BaseException:
                self._interrupted()
                raise
        self._counts[kind, effect] += 1
        if isinstance(message, MalformedFrame) or kind is Kind.MALFORMED:
            return Update(kind=kind, effect=effect, **facts)
        return Update(kind=kind, effect=effect, _message=message, **facts)

    def _interrupted(self) -> None:
        """An interrupt or no memory: the number may be counted and the change not made, so no book is known to be right.

        Nor is what is subscribed. What comes first needs no memory itself.
        """
        self._stale_books(None, _INTERRUPTED)
        self._subscriptions.reconnect_reason = _INTERRUPTED_WHY
        self._surroundings.lost(_INTERRUPTED)  # last: this may need memory

    def _obey(self, message: Message | MalformedFrame, kind: Kind, facts: dict[str, Any]) -> tuple[Kind, Effect]:
        """Do what a frame of an open connection says: first what its number says, then its content."""
        subscription = None if facts["sid"] is None else self._subscriptions.of(facts["sid"])
        broken = None if subscription is None or facts["seq"] is None else self._count(subscription, facts)
        if broken is Effect.DUPLICATE:
            return kind, broken
        try:
            effect = self._take(message, subscription, facts)
        except MalformedFrame as error:
            kind, effect = Kind.MALFORMED, self._take_malformed(_bare(error), subscription, facts)
        if broken is not None and (effect is Effect.IGNORED or (effect is Effect.APPLIED and kind is not Kind.SNAPSHOT)):
            effect = broken
        return kind, effect

    def _count(self, subscription: Subscription, facts: dict[str, Any]) -> Effect | None:
        """Check the sequence (F2 to F5, F15), before anything else is made of the frame."""
        state = subscription.state
        broken, skipped = sequence.judge(state, facts["seq"], facts["frame"])
        facts["skipped"] = skipped
        if broken is Effect.DUPLICATE:
            return broken
        state.last_seq, state.last_frame = facts["seq"], facts["frame"]
        self._skipped += skipped
        if broken is None or (broken is Effect.GAP and self._filtered):
            return None
        books = self._stale_all(subscription, StaleReason(broken.value))
        if not state.is_dead:
            self._surroundings.missed(subscription.channel, broken.value)
        if broken is Effect.GAP:
            self._tell(events.Gap(state.sid, subscription.channel, facts["seq"], skipped, books))
        else:
            self._subscriptions.revive(subscription)
            self._tell(events.Restarted(state.sid, subscription.channel, facts["seq"], books))
        return broken

    def _take(self, message: Message | MalformedFrame, subscription: Subscription | None, facts: dict[str, Any]) -> Effect:
        """Let a frame do what it says, and add to ``facts`` what its update shall tell."""
        if subscription is not None:  # the frames that come most, first
            if isinstance(message, OrderbookSnapshot):
                return self._take_snapshot(message, subscription, facts)
            if isinstance(message, OrderbookDelta):
                return self._take_delta(message, subscription, facts)
        if isinstance(message, MalformedFrame):
            return self._take_malformed(message, subscription, facts)
        if isinstance(message, Ok):
            return self._take_ok(message, subscription)
        if isinstance(message, Error):
            return self._take_error(message, subscription)
        if isinstance(message, (SubscriptionList, messages.IndexList, messages.UnderlyingList)):
            staled = self._end(self._subscriptions.take_list(message)) if isinstance(message, SubscriptionList) else 0
            self._subscriptions.take_listing(message.id)
            return Effect.STALED if staled else Effect.IGNORED
        if subscription is None:
            return Effect.IGNORED
        if isinstance(message, Subscribed):
            return self._take_subscribed(message, subscription)
        if isinstance(message, Unsubscribed):
            return self._take_unsubscribed(message, subscription)
        return self._take_data(message, subscription, facts)

    def _take_data(self, message: Message, subscription: Subscription, facts: dict[str, Any]) -> Effect:
        """What another channel says: of markets and own orders it is kept, the rest is for whoever takes the update."""
        if subscription.channel is None and (channel := CHANNEL_OF.get(type(message))) is not None:
            self._subscriptions.adopt(subscription, channel)
        if isinstance(message, messages.Unknown) and subscription.channel == OWN_CHANNEL:
            self._surroundings.missed(OWN_CHANNEL, "unknown_type")  # it may be what tells of orders from now on
        if subscription.state.is_dead or not isinstance(message, (MarketLifecycle, UserOrder, Fill)):
            return Effect.IGNORED
        facts["book"] = self._surroundings.take(message)
        return Effect.APPLIED

    # Frames of the book channel.

    def _take_snapshot(self, message: OrderbookSnapshot, subscription: Subscription, facts: dict[str, Any]) -> Effect:
        """F6, F8, F11, F12, F14, F17."""
        validate_snapshot(message, facts["frame"])
        state = subscription.state
        book = facts["book"] = self._books.get(message.market_ticker)
        belongs = book is not None and book._belongs_to(state)
        is_held = message.id is None or belongs
        # No deltas may follow the answer to a get_snapshot for a market that is not held, nor any snapshot of one that may
        # have been taken out meanwhile.
        stale_reason = None if is_held else StaleReason.NOT_SUBSCRIBED
        if is_held and self._subscriptions.interest(BOOK_CHANNEL).may_be_out(message.market_ticker):
            stale_reason = StaleReason.UNSUBSCRIBED
        if message.id is not None:
            self._subscriptions.take_snapshot(message.id, message.market_ticker)
        if state.is_dead or (book is not None and not is_held and self._keeper(book) is not None):
            return Effect.IGNORED  # another subscription keeps it, and tells it more
        taker = OrderBook(message.market_ticker) if book is None else book
        before = taker.state
        kept = taker.checksum() if before is State.LIVE and message.id is not None else None
        facts["top_changed"] = taker._take_snapshot(message, state.use_yes_price, facts["received_ns"], stale_reason)
        if is_held and not belongs:
            self._hold(taker, subscription)
        if book is None:
            facts["book"] = taker
            self._keep(taker)
        if kept is not None:
            facts["_error"] = self._audit(taker, kept)
        if not taker.is_live:
            subscription.recovery.answered([taker.market_ticker])
            if stale_reason is None:
                self._doubt(taker, subscription)
            return Effect.STALED
        return self._healed(taker, before, subscription)

    def _healed(self, book: OrderBook, before: State, subscription: Subscription) -> Effect:
        """Note that a snapshot makes a book LIVE."""
        was_stale = before is not State.LIVE and before is not State.NEW
        recovery = subscription.recovery
        if not recovery.is_idle:
            recovery.healed(book.market_ticker, was_stale=was_stale)
            if healed := recovery.take_healed():
                self._tell(events.Recovered(subscription.sid, healed))
        return Effect.HEALED if was_stale else Effect.APPLIED

    def _expects(self, book: OrderBook, sid_state: SidState, message_id: int) -> bool:
        """Do what ``_take_snapshot`` does beside the book itself, for a snapshot that the core is about to take by itself.

        Args:
            book: which it makes LIVE.
            sid_state: of the subscription that keeps it, and whose next frame the snapshot is.
            message_id: of the command that it answers, or 0.

        Returns:
            Whether the core may; if not, nothing was changed.
        """
        subscription = self._subscriptions.by_sid.get(sid_state.sid)
        interest = self._subscriptions.interests[BOOK_CHANNEL]  # there since the first frame with a sid
        is_out = interest.removing and interest.may_be_out(book.market_ticker)
        if subscription is None or subscription.state is not sid_state or is_out:
            return False
        if message_id or not subscription.recovery.is_idle:
            try:
                if message_id:
                    self._subscriptions.take_snapshot(message_id, book.market_ticker)
                self._healed(book, book.state, subscription)
            except BaseException:
                self._interrupted()
                raise
        return True

    def _audit(self, book: OrderBook, kept: str) -> AuditDifference | None:
        """F17: compare the book that was kept with the snapshot that took its place."""
        sent = book.last_known.checksum()
        self._audits[kept == sent] += 1
        if kept == sent:
            return None
        self._tell(events.AuditDiffered(book.market_ticker, kept, sent))
        return AuditDifference(market_ticker=book.market_ticker, kept_checksum=kept, sent_checksum=sent)

    def _take_delta(self, message: OrderbookDelta, subscription: Subscription, facts: dict[str, Any]) -> Effect:
        """F3, F7, F8, F14, F16. A delta never makes a book, and never makes one LIVE."""
        state = subscription.state
        book = self._books.get(message.market_ticker)
        no, price_e4, delta_e2 = delta_of(message, state.use_yes_price)
        facts.update(
            book=book,
            outcome_side=message.outcome_side,
            price_e4=price_e4,
            delta_e2=delta_e2,
            client_order_id=message.msg.client_order_id,
        )
        if book is None or not book.is_live or not book._belongs_to(state) or state.is_dead:
            return Effect.IGNORED
        effect = Effect.APPLIED
        try:
            facts["size_e2"], facts["top_changed"] = book._apply_delta(no, price_e4, delta_e2)
        except Contradiction as error:
            effect, facts["_error"] = Effect.STALED, _bare(error)
            self._doubt(book, subscription)
            if error.stale_reason != StaleReason.CROSSED:
                return effect
            facts["size_e2"], facts["top_changed"] = error.size_e2, True
        book._stamp(message.seq, message.msg.clock, message.msg.ts_ms, facts["received_ns"])
        return effect

    def _take_malformed(self, error: MalformedFrame, subscription: Subscription | None, facts: dict[str, Any]) -> Effect:
        """F9: the narrowest scope that can be read is STALE. Only what may be of the book channel says anything of books."""
        self._surroundings.unread(subscription, error)
        if error.type in messages.DATA_TYPES:
            facts["_error"] = error
            return Effect.IGNORED
        book = None if error.market_ticker is None else self._books.get(error.market_ticker)
        facts.update(_error=error, book=book)
        if error.market_ticker is None:
            staled = 0 if subscription is None else self._stale_all(subscription, StaleReason.MALFORMED)
            return Effect.STALED if staled else Effect.IGNORED
        if book is None or book.state not in (State.LIVE, State.NEW):
            return Effect.IGNORED
        book._set_state(State.STALE, StaleReason.MALFORMED)
        self._doubt(book, self._keeper(book))
        return Effect.STALED

    # Answers.

    def _take_subscribed(self, message: Subscribed, subscription: Subscription) -> Effect:
        """F5: for a sid that has counted already it is a restart. F11: what the command named is held."""
        mine = self._books_of(subscription)
        was, was_known = subscription.channel, subscription.is_subscribed
        before = self._subscriptions.interest(message.msg.channel).subscription
        restarted, change = self._subscriptions.take_subscribed(message, subscription)
        if restarted or was_known:
            self._surroundings.ended(was, StaleReason.BACKWARDS)
        if before is not None and before.state.is_dead:  # another sid took its place
            self._surroundings.ended(before.channel, StaleReason.UNSUBSCRIBED)
        if restarted:
            books = self._stale_all(subscription, StaleReason.BACKWARDS)
            for book in mine:
                book._join(None)
            self._tell(events.Restarted(subscription.sid, subscription.channel, None, books))
        effect = self._change(subscription, change, message.sending_ts_ms)
        return Effect.BACKWARDS if restarted else effect

    def _take_ok(self, message: Ok, subscription: Subscription | None) -> Effect:
        """F11: what a subscription holds is what the list in its last ``ok`` says."""
        staled = self._end(self._subscriptions.take_list(message))
        change = self._subscriptions.take_ok(message, subscription)
        if subscription is None:
            return Effect.STALED if staled else Effect.IGNORED
        subscription.recovery.answered([*change.left, *change.joined])
        return self._change(subscription, change, message.sending_ts_ms)

    def _take_unsubscribed(self, message: Unsubscribed, subscription: Subscription) -> Effect:
        """F11: its books leave, and never come back, unless somebody wants them still."""
        if not subscription.state.is_dead:
            self._surroundings.ended(subscription.channel, StaleReason.UNSUBSCRIBED)
        left = self._subscriptions.take_unsubscribed(message.id, subscription)
        return self._change(subscription, Change([], left), None)

    def _take_error(self, message: Error, subscription: Subscription | None) -> Effect:
        """F19, and what the error says of the command that it answers."""
        staled = 0
        if message.is_terminal and subscription is not None and not subscription.state.is_dead:
            staled = self._stale_all(subscription, StaleReason.TERMINAL_ERROR)
            mine = self._books_of(subscription)
            self._subscriptions.lose(subscription, message.msg.code)
            self._surroundings.ended(subscription.channel, StaleReason.TERMINAL_ERROR)
            for book in mine:
                book._join(None)
                if not self._subscriptions.interest(BOOK_CHANNEL).wants(book.market_ticker):
                    self._drop(book)
        elif message.is_terminal and message.sid is None and message.id is None:
            # Nobody can know which subscription died.
            staled = self._stale_books(None, StaleReason.TERMINAL_ERROR)
            self._subscriptions.want_reconnect(f"error {message.msg.code} ended a subscription, and does not say which")
        staled += self._end(self._subscriptions.take_error(message))
        return Effect.STALED if staled else Effect.IGNORED

    def _end(self, dead: list[tuple[Subscription, list[str]]]) -> int:
        """Let go of subscriptions that the exchange turned out not to have. Returns of how many books were kept."""
        staled = 0
        for subscription, left in dead:
            self._surroundings.ended(subscription.channel, StaleReason.UNSUBSCRIBED)
            staled += self._change(subscription, Change([], left), None) is Effect.STALED
        return staled

    def _change(self, subscription: Subscription, change: Change, ts_ms: int | None) -> Effect:
        """Let markets leave and join a subscription, and its books with them."""
        if subscription.channel != BOOK_CHANNEL:
            self._surroundings.changed(subscription, change, ts_ms)
            return Effect.IGNORED
        self._leave(subscription, change.left)
        staled, made = bool(change.left), False
        for ticker in change.joined:
            book = self._books.get(ticker)
            if book is None:
                book, made = OrderBook(ticker), True
                self._keep(book)
            elif book.is_live:  # its snapshot on this subscription is still to come
                book._set_state(State.STALE, StaleReason.NO_SNAPSHOT)
                staled = True
            elif book.stale_reason == StaleReason.NOT_SUBSCRIBED:
                book._set_state(State.STALE, StaleReason.NO_SNAPSHOT)
            self._hold(book, subscription)
        subscription.recovery.expect(change.joined, self._subscriptions.now_ns)
        return Effect.STALED if staled else Effect.APPLIED if made else Effect.IGNORED

    def _leave(self, subscription: Subscription, tickers: Iterable[str]) -> None:
        """What left is STALE, and out of ``feed.books`` unless it is wanted still (F12)."""
        for ticker in tickers:
            book = self._books[ticker]
            book._set_state(State.STALE, StaleReason.UNSUBSCRIBED)  # first: from here on nobody may trust it
            book._join(None)
            if not self._subscriptions.interest(BOOK_CHANNEL).wants(ticker):
                subscription.recovery.forget([ticker])
                self._drop(book)

    # Books and their subscriptions.

    def _keep(self, book: OrderBook) -> None:
        self._surroundings.attach(book)
        self._add_book(book)

    def _drop(self, book: OrderBook) -> None:
        self._remove_book(book)
        self._surroundings.detach(book)

    def _hold(self, book: OrderBook, subscription: Subscription) -> None:
        """Let a subscription keep a book, and no other."""
        keeper = self._keeper(book)
        if keeper is not None and keeper is not subscription:
            keeper.held.pop(book.market_ticker, None)
        if subscription.channel != BOOK_CHANNEL:
            self._subscriptions.adopt(subscription, BOOK_CHANNEL)
        self._subscriptions.joined(subscription, [book.market_ticker])
        book._join(subscription.state)

    def _keeper(self, book: OrderBook) -> Subscription | None:
        found = None if book.sid is None else self._subscriptions.by_sid.get(book.sid)
        return found if found is not None and book._belongs_to(found.state) else None

    def _books_of(self, subscription: Subscription) -> list[OrderBook]:
        """The books that a subscription keeps. O(its books)."""
        if subscription.channel != BOOK_CHANNEL:
            return []
        return [self._books[ticker] for ticker in subscription.held]

    def _stale_all(self, subscription: Subscription, stale_reason: StaleReason) -> int:
        """Make every book of a subscription STALE. Returns how many. O(books)."""
        subscription.recovery.is_dirty = True
        return self._stale_books(subscription.state, stale_reason)

    def _doubt(self, book: OrderBook, subscription: Subscription | None) -> None:
        """Note that one book is STALE. Nobody keeps it where its last snapshot was applied by hand."""
        if subscription is not None:
            subscription.recovery.is_dirty = True
        self._tell(events.BookStale(book.market_ticker, str(book.stale_reason)))


def _bare(error: _AnyFeedError) -> _AnyFeedError:
    """Take the traceback off an error that is kept as a value: it would keep every local variable alive."""
    error.__context__ = None
    return error.with_traceback(None)
