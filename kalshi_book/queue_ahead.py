"""The queue ahead of an own resting order, from the frames of the feed: both bounds, an estimate, and what cannot be known.

The feed has no order ids. What it has: the change by which the order came to its level, which is marked as its owner's;
what rested there before, which is all that was ahead; every later change of the level; and the trades. ``place.py`` makes
bounds of these. Here is what finds the order, and says when there is no answer.

*As of the book.* An answer is of the newest book frame that was fed. Trades, fills and orders come on channels of their own,
earlier or later than the book. So what an order's message says counts once the book has shown a later ``ts_ms``: before that
its change may still be under way.

What the feed cannot show, and what becomes of it:

- *An order ahead that grows* goes to the back of the queue (published: "Amend Order (V2)": only a decrease keeps the place,
  read 2026-11-29). The level shows no more than the growth: so with every increase that is not known to be another one, the
  least is 0 (``others_grow=False`` takes it that nobody does this).
- *Whose decrease it was*: no more than a trade says (``place.py``). A block trade takes nothing from the book. Cancels,
  expiries, self-trade prevention and halts look alike.
- *Own changes* are known by their mark ("present only when you caused this orderbook change", AsyncAPI text, read
  2026-10-26; taken to hold for placing, amending and decreasing), and later by ``user_orders`` all the same.
- *An amendment under another* ``client_order_id`` is marked by that name: what is ahead may be wrong from there on, until
  ``user_orders`` tells of it, and it ends here.
- *Changes that were missed* (a gap, a reconnect): the least is 0, and the most stays, since nobody can come to stand ahead.
  That fails only where you moved the order or let it grow meanwhile, until ``user_orders`` shows it elsewhere or larger.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from . import units
from ._backend import Update
from .errors import MalformedFrame, UsageError
from .kinds import Effect, Kind
from .messages import Fill, OrderbookDelta, Trade, UserOrder
from .place import Ahead, Place

if TYPE_CHECKING:
    from .book import OrderBook
    from .live.queues import AnyUpdate
    from .messages.book import Side

__all__ = ["QueueAhead"]

NOT_PLACED: Final = "not_placed"
ENDED: Final = "ended"
_ENDED_STATUS: Final = ("canceled", "executed")


_AnyLevel: TypeAlias = "tuple[Side | None, int | None]"


class _Told(NamedTuple):
    """A ``user_order`` that says that the order rests, which the book may not have shown yet."""

    ts_ms: int | None
    outcome_side: Side
    price_e4: int
    remaining_e2: int


class QueueAhead:
    """Follows one own order, and says how much stands ahead of it at its price. Sans-I/O.

    Make it before the order is placed, place the order when the book is LIVE, and give it every update of the market: of the
    order book, and of the channels ``trade``, ``fill`` and ``user_orders``. Each that is not subscribed costs something: without
    trades the most falls only with the level, without ``user_orders`` its end may go unseen. It finds its order by
    ``client_order_id``. Where the placing was not seen, anything from 0 to what others rest at the level may be ahead.

    Args:
        market_ticker: the market.
        client_order_id: the order's, unique among yours.
        others_grow: whether an order ahead may have grown, and so gone to the back, whenever the level grows.

    Attributes:
        market_ticker, client_order_id: as given.
        order_id: the exchange's name for it, once a ``user_order`` told it, or None.
        outcome_side, price_e4: whose bid it is, and its price on that outcome's scale; None before it is placed.
        changes: how often its level changed, or its place; for ``observe``.

    >>> import kalshi_book as kb
    >>> feed, queue = kb.Feed(), kb.QueueAhead("KXDEMO-26-A", "mine-1")
    >>> def receive(seq, change, ts_ms, own=""):
    ...     queue.take(feed.receive('{"type":"orderbook_delta","sid":1,"seq":%d,"msg":{"market_ticker":"KXDEMO-26-A","side":"yes",'
    ...         '"price_dollars":"0.4100","delta_fp":"%s","ts_ms":%d%s}}' % (seq, change, ts_ms, own)))
    >>> queue.take(feed.receive('{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"KXDEMO-26-A",'
    ...                         '"yes_dollars_fp":[["0.4100","120.00"]]}}'))
    >>> receive(2, "10.00", 1000, ',"client_order_id":"mine-1"')
    >>> queue.ahead
    Ahead(120.00 to 120.00, about 120.00)
    >>> receive(3, "60.00", 2000)  # somebody joined behind
    >>> receive(4, "-30.00", 3000)  # somebody cancelled, or it was a trade
    >>> queue.ahead
    Ahead(0.00 to 120.00, about 100.00)
    """  # noqa: E501

    def __init__(self, market_ticker: str, client_order_id: str, *, others_grow: bool = True) -> None:
        for name, value in (("market_ticker", market_ticker), ("client_order_id", client_order_id)):
            if not isinstance(value, str):
                raise TypeError(f"{name} must be str, not {type(value).__name__}")
            if not value:
                raise UsageError(f"{name} must name one, and is empty")
        self.market_ticker = market_ticker
        self.client_order_id = client_order_id
        self.order_id: str | None = None
        self.outcome_side: Side | None = None
        self.price_e4: int | None = None
        self.changes = 0
        self._others_grow = others_grow
        self._book: OrderBook | None = None
        self._place: Place | None = None
        self._level_e2: int | None = None  # None: not known until the level changes
        # What rests of the order at least and at most, fills aside: whoever is filled has nobody ahead.
        self._own_e2 = self._most_own_e2 = 0
        self._may_rest = False  # whether it may have come unseen
        self._created_ms: int | None = None
        self._behind: dict[str, int] = {}  # other own orders that came later, by client_order_id
        self._marks: tuple[int | None, int] = (None, 0)  # the time of the last own change, and how many had it
        self._told: _Told | None = None
        self._gone_ms: int | None = None  # what was told of a time up to this is over
        self._over_ms: int | None = None  # the same, and the book may not have shown it yet
        self._is_ended = False

    # What it knows.

    @property
    def unknown_reason(self) -> str | None:
        """Why ``ahead`` is None: ``"not_placed"``, ``"ended"``, or why the book is not LIVE (``"gap"``, ...); else None."""
        if self._is_ended:
            return ENDED
        if self._place is None or self._book is None:
            return NOT_PLACED
        return None if self._book.is_live else str(self._book.stale_reason)

    @property
    def ahead(self) -> Ahead | None:
        """What stands ahead, or None: ``unknown_reason`` says why. O(decreases of the level that are kept: 128 at most)."""
        if self._place is None or self.unknown_reason is not None:
            return None
        return self._place.now(others_e2=None if self._level_e2 is None else self._others(self._level_e2))

    def __repr__(self) -> str:
        what = self.unknown_reason or repr(self.ahead)
        return f"<QueueAhead {self.market_ticker} {self.client_order_id} {what}>"

    # What it is told.

    def take(self, update: AnyUpdate) -> None:
        """Take in an update. Those of other markets, and those that changed no book, do nothing.

        From ``live`` it needs all updates: ``live.updates(..., policy="all")``. After a ``ConsumerOverrun`` call ``missed``.

        Raises:
            UsageError: updates were put together (``ConflatedUpdate``), so some are missing. Nothing was changed.
            TypeError: no update.
        """
        if not isinstance(update, Update):
            if hasattr(update, "conflated"):
                raise UsageError('QueueAhead needs every update, and this one stands for several: use policy="all"')
            raise TypeError(f"update must be Update, not {type(update).__name__}")
        if update.market_ticker != self.market_ticker:
            return
        take = _TAKES.get(update.kind)
        if take is not None and update.effect is not Effect.DUPLICATE:
            with suppress(MalformedFrame):  # a number that nobody can read says nothing, and bounds hold without it
                take(self, update)

    def missed(self) -> None:
        """Note that updates were missed. ``take`` sees it by itself where the book was not LIVE meanwhile."""
        self._level_e2 = None
        self._behind.clear()
        if self._place is None:
            self._may_rest = True
        else:
            self.changes += 1
            self._own_e2 = 0  # it may have been decreased
            self._place.missed()

    def observe(self, contracts: Decimal | str | None = None, *, size_e2: int | None = None, changes: int) -> bool:
        """Take over what stands ahead, as the exchange says it: from "Get Order Queue Position" of its REST interface.

        That answer is of a moment between question and answer, and the feed may lag behind it. So note ``changes`` before
        you ask, wait for what may be under way when it is answered (a second, say), and pass both: where the level changed
        meanwhile, the answer is not used.

        Whether its number counts orders at better prices, too, is not published. At the best price there are none.

        Args:
            contracts: how many, as Decimal or text; or instead:
            size_e2: units of 0.01 contract.
            changes: ``changes`` as it was before the question.

        Returns:
            Whether it is used. False: the level changed, or there is no answer to improve; ask again.

        Raises:
            UsageError: it is outside of the bounds, so it is of another moment, order or kind. Nothing was changed.
            TypeError: not exactly one size, or a number whose unit cannot be known.
        """
        found_e2 = units.size_argument(contracts, size_e2=size_e2)
        if type(changes) is not int:
            raise TypeError(f"changes must be int, not {type(changes).__name__}")
        ahead, place = self.ahead, self._place
        if ahead is None or place is None or changes != self.changes:
            return False
        if not ahead.low_e2 <= found_e2 <= ahead.high_e2:
            raise UsageError(
                f"expected {units.size_text(ahead.low_e2)} to {units.size_text(ahead.high_e2)} contracts ahead of "
                f"{self.client_order_id}, found {units.size_text(found_e2)}: it counts better prices, or is of another order"
            )
        place.observed(found_e2)
        return True

    # Frames of the book.

    def _take_delta(self, update: Update) -> None:
        if update.effect is not Effect.APPLIED:
            return
        self._book = update.book
        ts_ms = _time_of(update)
        own = update.client_order_id == self.client_order_id
        delta_e2, size_e2 = update.delta_e2 or 0, update.size_e2 or 0
        if self._place is not None and ts_ms is not None:
            self._place.passed(ts_ms)
        self._settle(update, ts_ms)
        if own and delta_e2 > 0:
            if self._over_ms is None or ts_ms is None or ts_ms > self._over_ms:
                self._come(update, ts_ms, before_e2=size_e2 - delta_e2)
        elif self._place is not None and _level_of(update) == (self.outcome_side, self.price_e4):
            self._change(self._place, update.client_order_id, delta_e2, before_e2=size_e2 - delta_e2, ts_ms=ts_ms)

    def _come(self, update: Update, ts_ms: int | None, *, before_e2: int) -> None:
        """The order came to a level, or it grew where it was, and went to the back."""
        delta_e2, level, created_ms = update.delta_e2 or 0, _level_of(update), self._created_ms
        grew = self._place is not None and level == (self.outcome_side, self.price_e4)
        if self._place is None and (created_ms is None or created_ms != ts_ms):  # else it is told that it came just now
            grew = self._may_rest or (_is_up_to(created_ms, ts_ms) and not self._is_ended)
        ahead = Ahead(low_e2=before_e2, high_e2=before_e2, estimate_e2=before_e2)
        if grew:  # what of it was filled meanwhile may not be told yet: of what rested before, any part may be its own
            ahead = Ahead(low_e2=0, high_e2=before_e2, estimate_e2=self._others(before_e2))
        place = Place(ahead, placed_ms=ts_ms, since_ms=ts_ms)
        most_own_e2 = delta_e2 + self._most_own_e2 if grew else delta_e2
        self._stand(level, place, own_e2=delta_e2, level_e2=before_e2 + delta_e2)
        self._most_own_e2 = most_own_e2
        self._mark(ts_ms)

    def _stand(self, level: _AnyLevel, place: Place, *, own_e2: int, level_e2: int) -> None:
        """Begin anew at a place."""
        self.outcome_side, self.price_e4 = level
        self._place = place
        self._own_e2 = self._most_own_e2 = own_e2
        self._level_e2 = level_e2
        self._may_rest = self._is_ended = False
        self._behind.clear()
        self.changes += 1

    def _change(self, place: Place, name: str | None, delta_e2: int, *, before_e2: int, ts_ms: int | None) -> None:
        """The level changed, and the order did not come."""
        if self._level_e2 is not None and self._level_e2 != before_e2:
            self.missed()
        self._level_e2 = before_e2 + delta_e2
        self.changes += 1
        if name == self.client_order_id:
            self._own_e2 = max(self._own_e2 + delta_e2, 0)
            self._most_own_e2 = max(self._most_own_e2 + delta_e2, 0)
            self._mark(ts_ms)
            if not self._most_own_e2:
                self._leave(ts_ms)
        elif delta_e2 > 0:
            if self._others_grow and name not in self._behind:
                place.joined()
            if name is not None:
                self._behind[name] = self._behind.get(name, 0) + delta_e2
        elif name is not None and self._behind.get(name, 0) >= -delta_e2:
            self._behind[name] += delta_e2  # it came later, so it was behind
        else:
            place.decreased(-delta_e2, ts_ms=ts_ms, others_e2=self._others(before_e2))
        if not self._level_e2:
            self._leave(ts_ms)

    def _take_snapshot(self, update: Update) -> None:
        book, message = update.book, update.message
        if update.effect not in (Effect.APPLIED, Effect.HEALED):
            return
        agrees = update.effect is Effect.APPLIED and update.error is None and getattr(message, "id", None) is not None
        known, self._book = self._book, book
        if known is not None and not (agrees and book is known):
            self.missed()
            if self._place is not None:
                self._level_e2 = self._read(update)
                if self._level_e2 == 0:
                    self._leave(None)

    # Messages of other channels.

    def _take_trade(self, update: Update) -> None:
        trade, place = update.message, self._place
        if place is None or not isinstance(trade, Trade) or trade.is_block_trade or trade.ts_ms is None:
            return
        side = {"yes": "no", "no": "yes"}.get(trade.taker_outcome_side or "")
        price_e4 = trade.yes_price_e4 if side == "yes" else trade.no_price_e4
        if (side, price_e4) == (self.outcome_side, self.price_e4):
            place.traded(trade.count_e2, ts_ms=trade.ts_ms, trade_id=trade.trade_id)

    def _take_fill(self, update: Update) -> None:
        fill, place = update.message, self._place
        if place is None or not isinstance(fill, Fill) or fill.is_taker or fill.ts_ms is None:
            return
        if fill.client_order_id == self.client_order_id or (fill.client_order_id is None and fill.order_id == self.order_id):
            place.filled(ts_ms=fill.ts_ms)

    def _take_order(self, update: Update) -> None:
        order = update.message
        if not isinstance(order, UserOrder) or not order.client_order_id:
            return
        is_renamed = order.client_order_id != self.client_order_id
        if is_renamed and order.order_id != self.order_id:
            return
        self.order_id, self._created_ms = order.order_id, order.created_ts_ms
        ts_ms = order.last_updated_ts_ms or order.created_ts_ms
        if is_renamed or order.status in _ENDED_STATUS:
            self._leave(ts_ms)
            self._over_ms = ts_ms
        elif order.status == "resting" and not _is_up_to(ts_ms, self._gone_ms):
            side: Side = "no" if units.outcome_is_no(order.outcome_side) else "yes"
            price_e4 = order.yes_price_e4 if side == "yes" else units.flip_e4(order.yes_price_e4)
            told = _Told(ts_ms, side, price_e4, order.remaining_e2)
            if self._told is None or not _is_up_to(ts_ms, self._told.ts_ms, strictly=True):
                self._told = told

    # What is told, put in the order of the book.

    def _settle(self, update: Update, ts_ms: int | None) -> None:
        """Take over what was told of a time that the book has passed."""
        told = self._told
        if told is None or (told.ts_ms is not None and ts_ms is not None and told.ts_ms >= ts_ms):
            return
        marked_ms, marks = self._marks
        is_newer = not _is_up_to(told.ts_ms, marked_ms)
        is_here = self._place is not None and (told.outcome_side, told.price_e4) == (self.outcome_side, self.price_e4)
        if is_here and (told.remaining_e2 <= self._most_own_e2 or not is_newer):
            if is_newer or (told.ts_ms == marked_ms and marks == 1):
                self._own_e2 = self._most_own_e2 = told.remaining_e2
        elif self._place is None or is_newer:
            self._join(told, update, ts_ms)
            return
        self._told = None

    def _join(self, told: _Told, update: Update, ts_ms: int | None) -> None:
        """The order rests, and nobody saw how it came there: as soon as its level is known, that is a bound."""
        level = told.outcome_side, told.price_e4
        if _level_of(update) == level:
            level_e2: int | None = (update.size_e2 or 0) - (update.delta_e2 or 0)
        else:
            level_e2 = self._read(update, *level)
        if level_e2 is None:
            return
        self._told = None
        if level_e2:  # else it left already
            others_e2 = max(level_e2 - told.remaining_e2, 0)
            ahead = Ahead(low_e2=0, high_e2=others_e2, estimate_e2=others_e2 // 2)
            place = Place(ahead, placed_ms=told.ts_ms, since_ms=ts_ms)
            self._stand(level, place, own_e2=told.remaining_e2, level_e2=level_e2)

    def _leave(self, ts_ms: int | None) -> None:
        """The order rests no more; it may come again, at another price."""
        self._place = self._told = None
        self._may_rest, self._is_ended = False, True
        self._gone_ms = ts_ms

    def _mark(self, ts_ms: int | None) -> None:
        marked_ms, marks = self._marks
        self._marks = ts_ms, marks + 1 if ts_ms == marked_ms else 1

    def _others(self, level_e2: int) -> int:
        return max(level_e2 - self._own_e2, 0)

    def _read(self, update: Update, side: Side | None = None, price_e4: int | None = None) -> int | None:
        """Read a level of the book, or of the order's own level, if the book has taken in nothing after this frame."""
        book = _book_at(update)
        if book is None or not book.is_live:
            return None
        size = book.size_at(price_e4=price_e4 or self.price_e4, outcome_side=side or self.outcome_side or "yes")
        return units.size_argument(size)


def _book_at(update: Update) -> OrderBook | None:
    """The book, if it has taken in nothing after this frame."""
    book = update.book
    return book if book is not None and (book.sid, book.seq) == (update.sid, update.seq) else None


def _time_of(update: Update) -> int | None:
    """The exchange's time of a delta. The book has it at hand; to read the whole message takes several times as long."""
    if (book := _book_at(update)) is not None:
        return book.ts_ms
    message = update.message
    return message.msg.ts_ms if isinstance(message, OrderbookDelta) else None


def _level_of(update: Update) -> _AnyLevel:
    return update.outcome_side, update.price_e4


def _is_up_to(ts_ms: int | None, other_ms: int | None, *, strictly: bool = False) -> bool:
    """Whether a time is known to be no later than another (strictly: to be earlier)."""
    return ts_ms is not None and other_ms is not None and (ts_ms < other_ms if strictly else ts_ms <= other_ms)


_TAKES: Final[dict[Kind, Callable[[QueueAhead, Update], None]]] = {
    Kind.DELTA: QueueAhead._take_delta,
    Kind.SNAPSHOT: QueueAhead._take_snapshot,
    Kind.TRADE: QueueAhead._take_trade,
    Kind.FILL: QueueAhead._take_fill,
    Kind.USER_ORDER: QueueAhead._take_order,
}
