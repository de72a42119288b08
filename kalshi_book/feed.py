"""The law of the feed: what each frame of one connection does to its books.

Sans-I/O: no socket, no clock, no randomness. The compiled core takes today's in-order delta of a LIVE book by itself;
every other frame, and with the plain Python core every frame, comes here, to ``_receive_other``. Rules are cited by their
numbers (F1 to F24); docs/rules.md lists them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from . import messages, sequence
from ._backend import FeedCore, SidState, Update, own_methods
from .book import OrderBook, delta_of
from .errors import Contradiction, FeedError, MalformedFrame, UnknownMarket, UsageError
from .kinds import Effect, Kind, StaleReason, State
from .messages import (
    Error,
    HotDelta,
    HotDeltaBody,
    Message,
    Ok,
    OrderbookDelta,
    OrderbookSnapshot,
    Subscribed,
    SubscriptionList,
    Unsubscribed,
)
from .messages.book import validate_snapshot
from .units import INT64_MAX

__all__ = ["Books", "Feed"]

BOOK_CHANNEL = "orderbook_delta"

_AnyFeedError = TypeVar("_AnyFeedError", bound=FeedError)

_INTERRUPTED = StaleReason.INTERRUPTED
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


class Books(Mapping[str, OrderBook]):
    """The books that a feed holds, by market ticker, in order of appearance. A live view; to be read only."""

    __slots__ = ("_books",)

    def __init__(self, books: Mapping[str, OrderBook]) -> None:
        self._books = books

    def __getitem__(self, market_ticker: str) -> OrderBook:
        """Give the book of a market.

        Raises:
            UnknownMarket: the feed holds none (a KeyError).
        """
        try:
            return self._books[market_ticker]
        except KeyError:
            raise UnknownMarket(market_ticker, len(self._books)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._books)

    def __len__(self) -> int:
        return len(self._books)

    def __repr__(self) -> str:
        return f"<Books: {len(self)} held, {sum(book.is_live for book in self.values())} live>"


@own_methods
class Feed(FeedCore):
    """The sans-I/O core of one connection: frames in, updates and exact books out.

    One thread feeds it, one frame after another; books may be read from any thread meanwhile.

    Args:
        use_yes_price: whether NO-side prices arrive on the YES scale, as their subscription asked for (F13). Nothing in a
            frame says so.
        filtered: whether frames of other markets were left out of the recording (F15): holes in the numbers are counted
            and make nothing stale. For replay only.

    >>> import kalshi_book as kb
    >>> feed = kb.Feed()
    >>> feed.receive('{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"KXDEMO-26-A",'
    ...              '"yes_dollars_fp":[["0.4100","120.00"]],"no_dollars_fp":[["0.5500","40.00"]]}}')
    <Update snapshot applied KXDEMO-26-A sid=1 seq=1>
    >>> feed.receive('{"type":"orderbook_delta","sid":1,"seq":3,"msg":{"market_ticker":"KXDEMO-26-A",'
    ...              '"price_dollars":"0.4200","delta_fp":"7.55","side":"yes"}}')
    <Update delta gap KXDEMO-26-A yes $0.4200 +7.55 sid=1 seq=3 skipped=1>
    >>> feed.books["KXDEMO-26-A"].best_yes_bid()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    kalshi_book.errors.BookNotLive: KXDEMO-26-A is STALE (gap) after seq 1, not LIVE: wait for its next snapshot, ...
    """

    def __init__(self, *, use_yes_price: bool = False, filtered: bool = False) -> None:
        super().__init__(messages.hot_decode, HotDelta, HotDeltaBody)
        self._use_yes_price = use_yes_price
        self._filtered = filtered
        self._sids: dict[int, SidState] = {}
        self._counts: Counter[tuple[Kind, Effect]] = Counter()
        self._skipped = 0
        self._epoch = 0
        self._is_open = True
        self._books_view = Books(cast("Mapping[str, OrderBook]", self._books_by_ticker()))

    @property
    def books(self) -> Books:
        """The books held, by market ticker: a live view."""
        return self._books_view

    @property
    def counts(self) -> Counter[tuple[Kind, Effect]]:
        """How many frames were what and did what: a new Counter by (Kind, Effect)."""
        counts = self._counts.copy()
        if self._fast_frames:
            counts[Kind.DELTA, Effect.APPLIED] += self._fast_frames
        return counts

    @property
    def skipped(self) -> int:
        """How many sequence numbers were missing so far."""
        return self._skipped

    @property
    def epoch(self) -> int:
        """Which connection this is: how often ``opened`` was called."""
        return self._epoch

    def opened(self) -> None:
        """Note that a new connection is open: counts start anew, and nothing is subscribed yet. The first needs no call."""
        if self._is_open:
            self.closed(StaleReason.DISCONNECTED)
        self._epoch += 1
        self._is_open = True

    def closed(self, reason: str = StaleReason.DISCONNECTED) -> None:
        """Note that the connection is gone: every LIVE book is STALE on the spot. Frames count for nothing until ``opened``.

        Args:
            reason: a word that becomes the books' ``stale_reason``.
        """
        if not isinstance(reason, str):
            raise TypeError(f"reason must be str, not {type(reason).__name__}")
        if not reason:
            raise UsageError('reason must be a word such as "disconnected", not empty')
        self._stale_books(None, reason)
        for book in self._books_by_ticker().values():
            book._join(None)
        self._sids.clear()
        self._is_open = False

    # The law.

    def _receive_other(self, decoded: object, frame: bytes | str, received_ns: int | None) -> Update:
        """Take in any frame. ``decoded`` is its message where that is read already, else None."""
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
            message = messages.read(frame) if decoded is None else cast("OrderbookSnapshot", decoded)
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
                # An interrupt or no memory: the number may be counted and the change not made, so no book is known to be
                # right any more. Nothing here may need memory itself.
                self._stale_books(None, _INTERRUPTED)
                raise
        self._counts[kind, effect] += 1
        if isinstance(message, MalformedFrame) or kind is Kind.MALFORMED:
            return Update(kind=kind, effect=effect, **facts)
        return Update(kind=kind, effect=effect, _message=message, **facts)

    def _obey(self, message: Message | MalformedFrame, kind: Kind, facts: dict[str, Any]) -> tuple[Kind, Effect]:
        """Do what a frame of an open connection says: first what its number says, then its content."""
        state = None if facts["sid"] is None else self._state_of(facts["sid"])
        broken = None if state is None or facts["seq"] is None else self._count(state, facts)
        if broken is Effect.DUPLICATE:
            return kind, broken
        try:
            effect = self._take(message, state, facts)
        except MalformedFrame as error:
            kind, effect = Kind.MALFORMED, self._take_malformed(_bare(error), state, facts)
        if broken is not None and (effect is Effect.IGNORED or (effect is Effect.APPLIED and kind is not Kind.SNAPSHOT)):
            effect = broken
        return kind, effect

    def _count(self, state: SidState, facts: dict[str, Any]) -> Effect | None:
        """Check the sequence (F2 to F5, F15), before anything else is made of the frame."""
        broken, facts["skipped"] = sequence.judge(state, facts["seq"], facts["frame"])
        if broken is Effect.DUPLICATE:
            return broken
        state.last_seq, state.last_frame = facts["seq"], facts["frame"]
        self._skipped += facts["skipped"]
        if broken is Effect.GAP and self._filtered:
            return None
        if broken is not None:
            self._stale_books(state, StaleReason(broken.value))
        if broken is Effect.BACKWARDS:
            state.is_dead = False  # it counts anew, so it lives anew
        return broken

    def _state_of(self, sid: int) -> SidState:
        state = self._sids.get(sid)
        if state is None:
            state = self._sids[sid] = SidState(sid, use_yes_price=self._use_yes_price)
        return state

    def _take(self, message: Message | MalformedFrame, state: SidState | None, facts: dict[str, Any]) -> Effect:
        """Let a frame do what it says, and add to ``facts`` what its update shall tell."""
        if isinstance(message, MalformedFrame):
            return self._take_malformed(message, state, facts)
        if state is None:
            return Effect.IGNORED
        if isinstance(message, Subscribed):
            return self._take_subscribed(message, state)
        if isinstance(message, OrderbookDelta):
            return self._take_delta(message, state, facts)
        if isinstance(message, OrderbookSnapshot):
            return self._take_snapshot(message, state, facts)
        if isinstance(message, Ok):
            return self._take_ok(message, state)
        if isinstance(message, Unsubscribed):
            return self._take_unsubscribed(state)
        if isinstance(message, Error) and message.is_terminal:
            return self._take_terminal_error(state)
        return Effect.IGNORED

    def _take_snapshot(self, message: OrderbookSnapshot, state: SidState, facts: dict[str, Any]) -> Effect:
        """F6, F8, F11, F12, F14."""
        validate_snapshot(message, facts["frame"])
        book = facts["book"] = self._held(message.market_ticker)
        is_held = message.id is None or (book is not None and book._belongs_to(state))
        if state.is_dead or (book is not None and book.is_live and not is_held):
            return Effect.IGNORED
        taker = OrderBook(message.market_ticker) if book is None else book
        before = taker.state
        # The answer to a get_snapshot for a market that is not held: no deltas will follow it.
        stale_reason = None if is_held else StaleReason.NOT_SUBSCRIBED
        facts["top_changed"] = taker._take_snapshot(message, state.use_yes_price, facts["received_ns"], stale_reason)
        taker._join(state if is_held else None)
        if book is None:
            facts["book"] = taker
            self._add_book(taker)
        if not taker.is_live:
            return Effect.STALED
        return Effect.APPLIED if before in (State.NEW, State.LIVE) else Effect.HEALED

    def _take_delta(self, message: OrderbookDelta, state: SidState, facts: dict[str, Any]) -> Effect:
        """F3, F7, F8, F14, F16. A delta never makes a book, and never makes one LIVE."""
        book = self._held(message.market_ticker)
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
            if error.stale_reason != StaleReason.CROSSED:
                return effect
            facts["size_e2"], facts["top_changed"] = error.size_e2, True
        book._stamp(message.seq, message.msg.clock, message.msg.ts_ms, facts["received_ns"])
        return effect

    def _take_malformed(self, error: MalformedFrame, state: SidState | None, facts: dict[str, Any]) -> Effect:
        """F9: the narrowest scope that can be read is STALE. Only what may be of the book channel says anything of books."""
        if error.type in messages.DATA_TYPES:
            facts["_error"] = error
            return Effect.IGNORED
        book = None if error.market_ticker is None else self._held(error.market_ticker)
        facts.update(_error=error, book=book)
        if error.market_ticker is None:
            staled = self._stale_books(state, StaleReason.MALFORMED) if state is not None else 0
            return Effect.STALED if staled else Effect.IGNORED
        if book is None or book.state not in (State.LIVE, State.NEW):
            return Effect.IGNORED
        book._set_state(State.STALE, StaleReason.MALFORMED)
        return Effect.STALED

    def _take_subscribed(self, message: Subscribed, state: SidState) -> Effect:
        """F5: for a sid that has counted already it is a restart. F11: and nothing is held on it yet."""
        restarted = state.last_seq is not None
        if restarted:
            self._stale_books(state, StaleReason.BACKWARDS)
            for book in self._books_of(state):
                book._join(None)
        state.last_seq = state.last_frame = None
        state.is_dead, state.channel = False, message.msg.channel
        return Effect.BACKWARDS if restarted else Effect.IGNORED

    def _take_ok(self, message: Ok, state: SidState) -> Effect:
        """F11: what a subscription of the book channel holds is what the list in its last ``ok`` says."""
        mine = self._books_of(state)
        if message.held is None or state.is_dead or not (mine or state.channel == BOOK_CHANNEL):
            return Effect.IGNORED
        held = set(message.held)
        left = [book for book in mine if book.market_ticker not in held]
        self._drop(left)
        announced = [ticker for ticker in message.held if self._held(ticker) is None]
        for ticker in dict.fromkeys(announced):
            self._add_book(OrderBook(ticker))
        moved = [book for ticker in held if not (book := self._books_by_ticker()[ticker])._belongs_to(state)]
        staled = bool(left)
        for book in moved:
            if book.is_live:  # its snapshot on this subscription is still to come
                book._set_state(State.STALE, StaleReason.NO_SNAPSHOT)
                staled = True
            book._join(state)
        return Effect.STALED if staled else Effect.APPLIED if announced else Effect.IGNORED

    def _take_unsubscribed(self, state: SidState) -> Effect:
        """F11: its books leave, and never come back."""
        mine = self._books_of(state)
        self._drop(mine)
        state.is_dead = True
        return Effect.STALED if mine else Effect.IGNORED

    def _take_terminal_error(self, state: SidState) -> Effect:
        """F19: the subscription is dead, and its books are not kept any more."""
        state.is_dead = True
        return Effect.STALED if self._stale_books(state, StaleReason.TERMINAL_ERROR) else Effect.IGNORED

    def _books_of(self, state: SidState) -> list[OrderBook]:
        """The books that a subscription keeps. O(books)."""
        return [book for book in self._books_view.values() if book._belongs_to(state)]

    def _held(self, market_ticker: str) -> OrderBook | None:
        return cast("OrderBook | None", self._books_by_ticker().get(market_ticker))

    def _drop(self, books: list[OrderBook]) -> None:
        for book in books:
            book._set_state(State.STALE, StaleReason.UNSUBSCRIBED)  # first: from here on nobody may trust it
            book._join(None)
            self._remove_book(book)


def _bare(error: _AnyFeedError) -> _AnyFeedError:
    """Take the traceback off an error that is kept as a value: it would keep every local variable alive."""
    error.__context__ = None
    return error.with_traceback(None)
