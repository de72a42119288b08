"""Own resting orders: what ``user_order`` and ``fill`` messages and a list from REST say, and what they cannot say.

The theory. The ``user_orders`` channel sends changes only: no first list, no sequence number (AsyncAPI text, read
2026-10-26). So what rested before it was subscribed is unknown until somebody confirms a complete list, and one message
of one order says nothing of the others: **own size of a market is known from ``confirm`` on, and never from messages
alone**; it stays known until something may be lost, or an order of the market cannot be read.

From then on the stream is complete, and every message holds its order whole. Three things can tell of one order without
a common clock, and each pair has its rule:

- *message and message*: the newest counts; one with an earlier ``last_updated_ts_ms`` than the last is old and dropped.
- *message and list*: the list wins where it is later, by the order's ``last_updated_ts_ms`` if both have it, else by
  ``as_of_ms``. An order that the list lacks, and that the stream told of before ``as_of_ms``, has ended.
- *message and fill*: ``fill_count`` in a message is absolute and the fills seen are counted by ``trade_id``; neither can
  exceed what was filled, so the larger of the two is what is known, and no fill counts twice. Where an order was first
  seen half-filled, its older fills are not among those seen: a further fill counts once its ``user_order`` comes, which
  every fill causes.

An order that ended stays ended; its id is remembered for a while, since a list may be older than its end.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from msgspec import Struct
from msgspec.structs import replace

from . import units
from .errors import OwnSizeUnknown, UsageError
from .messages.own import Fill, UserOrder

__all__ = ["MarketOwn", "OwnOrder", "OwnOrders", "OwnReading"]

NOT_SUBSCRIBED: Final = "not_subscribed"
NOT_CONFIRMED: Final = "not_confirmed"
ORDER_UNCLEAR: Final = "order_unclear"
MALFORMED: Final = "malformed"

ENDED_KEPT: Final = 10_000
"""How many ended orders are remembered: a list that is older than that many endings is refused."""
EARLY_KEPT: Final = 1_000
"""How many orders may have fills before their first message. Forgetting some delays what they say, no more."""

COVERS_KEPT: Final = 100_000
"""How many markets may stand otherwise than all others before those are forgotten that the subscription left."""

_ENDED = ("canceled", "executed")


class OwnOrder(Struct, frozen=True, kw_only=True, gc=False):
    """One own order, as last known. Immutable.

    Attributes:
        order_id, client_order_id: the exchange's name for it, and yours or None.
        market_ticker: the market.
        outcome_side: ``"yes"`` or ``"no"``: whose bid it is.
        price_e4: its price on that outcome's own scale, in $0.0001.
        size_e2: what still rests, in 0.01 contract.
        subaccount: the subaccount, or None.
        updated_ts_ms: the exchange's time of its last change (where that is absent, of its creation), or None.
        is_confirmed: whether a message since the last loss, or a confirmed list, says so, and says so clearly.
    """

    order_id: str
    client_order_id: str | None
    market_ticker: str
    outcome_side: str
    price_e4: int
    size_e2: int
    subaccount: int | None
    updated_ts_ms: int | None
    is_confirmed: bool

    @property
    def price(self) -> Decimal:
        """Price in dollars, an exact Decimal with 4 decimals."""
        return units.price_decimal(self.price_e4)

    @property
    def size(self) -> Decimal:
        """What still rests in contracts, an exact Decimal with 2 decimals."""
        return units.size_decimal(self.size_e2)


_NOTHING: Final[Mapping[int, int]] = MappingProxyType({})


class OwnReading(NamedTuple):
    """Own orders of one market at one moment. Nothing changes it.

    Attributes:
        market_ticker: the market.
        unknown_reason: why own size cannot be known, or None.
        orders: the orders that are known, in order of appearance; more may rest unless ``is_known``.
        yes, no: own size in 0.01 contract by price in $0.0001, YES bids and NO bids, each on its own scale. All
            subaccounts together.
    """

    market_ticker: str
    unknown_reason: str | None = NOT_SUBSCRIBED
    orders: tuple[OwnOrder, ...] = ()
    yes: Mapping[int, int] = _NOTHING
    no: Mapping[int, int] = _NOTHING

    @property
    def is_known(self) -> bool:
        """Whether these are all own orders that rest, exactly."""
        return self.unknown_reason is None

    def sizes(self, no: bool) -> Mapping[int, int]:
        """Give own size in 0.01 contract by price in $0.0001, of one outcome's bids.

        Raises:
            OwnSizeUnknown: it cannot be known.
        """
        if self.unknown_reason is not None:
            raise OwnSizeUnknown(market_ticker=self.market_ticker, reason=self.unknown_reason)
        return self.no if no else self.yes

    def now(self) -> OwnReading:
        """Give itself: what a copy of a book holds in place of a MarketOwn."""
        return self


class MarketOwn:
    """Own orders of one market, followed by its ``OwnOrders``. Any thread may read it.

    It refers to one immutable reading and to nothing else, so a book may hold it: ``book._own = own_orders.of(ticker)``.
    """

    __slots__ = ("__weakref__", "_reading")

    def __init__(self, reading: OwnReading) -> None:
        self._reading = reading

    def now(self) -> OwnReading:
        """Give what is known now. All questions to one reading are answered of one moment."""
        return self._reading

    @property
    def market_ticker(self) -> str:
        """The market."""
        return self._reading.market_ticker

    @property
    def is_known(self) -> bool:
        """Whether own size is known exactly."""
        return self._reading.is_known

    @property
    def unknown_reason(self) -> str | None:
        """Why it is not, or None.

        ``"not_subscribed"``, ``"not_confirmed"``, ``"order_unclear"``, ``"malformed"``, or a word of ``lost``.
        """
        return self._reading.unknown_reason

    @property
    def orders(self) -> list[OwnOrder]:
        """The orders that are known, in order of appearance; more may rest unless ``is_known``."""
        return list(self._reading.orders)

    def size_e2(self, no: bool, price_e4: int) -> int:
        """Give own size in 0.01 contract that is bid for one outcome at a price on its own scale in $0.0001.

        Raises:
            OwnSizeUnknown: it cannot be known.
        """
        return self._reading.sizes(no).get(price_e4, 0)

    def __repr__(self) -> str:
        known = "known" if self.is_known else f"unknown ({self.unknown_reason})"
        return f"<MarketOwn {self.market_ticker} {known}, {len(self._reading.orders)} orders>"


class _Fills:
    """The fills seen of one order. One without a trade_id could count twice: it is left to the next message of its order."""

    __slots__ = ("count_e2", "trade_ids")

    def __init__(self) -> None:
        self.count_e2 = 0
        self.trade_ids: set[str] = set()

    def add(self, fill: Fill) -> None:
        if fill.trade_id is not None and fill.trade_id not in self.trade_ids:
            self.trade_ids.add(fill.trade_id)
            self.count_e2 += fill.count_e2


class _Entry:
    """One order that has not ended: its last message, and the fills seen."""

    __slots__ = ("filled_e2", "fills", "is_confirmed", "is_readable", "is_resting", "order", "updated_ts_ms")

    def __init__(self, message: UserOrder, fills: _Fills) -> None:
        price_e4, remaining_e2 = message.yes_price_e4, message.remaining_e2
        self.fills = fills
        # Where a message does not say what was filled, the fills seen so far are taken to be off its remaining size.
        self.filled_e2 = fills.count_e2 if message.fill_count_e2 is None else message.fill_count_e2
        self.updated_ts_ms = message.last_updated_ts_ms
        self.is_confirmed = True
        self.is_resting = message.status == "resting"
        self.is_readable = (
            message.outcome_side in ("yes", "no")
            and (price_e4 is not None and units.MIN_PRICE_E4 <= price_e4 <= units.MAX_PRICE_E4)
            and (remaining_e2 is not None and remaining_e2 >= 0)
        )
        price_e4 = price_e4 or 0
        self.order = OwnOrder(
            order_id=message.order_id,
            client_order_id=message.client_order_id,
            market_ticker=message.market_ticker,
            outcome_side=message.outcome_side,
            price_e4=units.flip_e4(price_e4) if message.outcome_side == "no" else price_e4,
            size_e2=remaining_e2 or 0,
            subaccount=message.subaccount,
            updated_ts_ms=message.created_ts_ms if self.updated_ts_ms is None else self.updated_ts_ms,
            is_confirmed=True,
        )

    @property
    def size_e2(self) -> int:
        """What rests after the fills seen. Below 0: more was filled than the last message left, so another is to come."""
        return self.order.size_e2 - max(0, self.fills.count_e2 - self.filled_e2)

    @property
    def is_clear(self) -> bool:
        """Whether what rests of it can be known."""
        return self.is_resting and self.is_readable and self.size_e2 >= 0

    def now(self) -> OwnOrder:
        """The order as it is after the fills seen."""
        return replace(self.order, size_e2=self.size_e2, is_confirmed=self.is_confirmed and self.is_clear)

    def is_newer_than(self, message: UserOrder) -> bool:
        """Whether a message of the stream is old for certain."""
        ts_ms = message.last_updated_ts_ms
        return ts_ms is not None and self.updated_ts_ms is not None and ts_ms < self.updated_ts_ms

    def gives_way_to(self, listed: UserOrder, as_of_ms: int) -> bool:
        """Whether an order in a list is newer for certain."""
        if not self.is_confirmed:
            return True
        if self.updated_ts_ms is None:
            return False
        if not self.is_clear:
            return self.updated_ts_ms <= as_of_ms
        ts_ms = listed.last_updated_ts_ms
        return self.updated_ts_ms < (as_of_ms if ts_ms is None else ts_ms)

    def outlives(self, as_of_ms: int) -> bool:
        """Whether it may rest though a list as of then lacks it: the stream told of it, and of no time before."""
        return self.is_confirmed and (self.order.updated_ts_ms is None or self.order.updated_ts_ms >= as_of_ms)


class _Cover(NamedTuple):
    """What is known of all orders of a market together: why they cannot be, and since when the stream tells of them."""

    unknown_reason: str | None
    is_told: bool = False
    since_ms: int | None = None


class OwnOrders:
    """All own resting orders of one connection. Sans-I/O; one thread calls it, any thread reads a ``MarketOwn``.

    A subscription starts with ``listening`` and ends with ``lost``; in between ``confirm`` brings the list from REST.

    >>> from kalshi_book.orders import OwnOrders
    >>> own = OwnOrders()
    >>> market = own.of("KXDEMO-26-A")
    >>> own.listening(since_ms=1793000000000)
    >>> market.unknown_reason
    'not_confirmed'
    >>> own.confirm([], as_of_ms=1793000000200)
    >>> market.is_known, market.orders
    (True, [])
    """

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, _Entry]] = {}  # by market, then by order_id
        self._ended: OrderedDict[str, int] = OrderedDict()  # order_id to when
        self._early_fills: OrderedDict[str, _Fills] = OrderedDict()
        self._latest_ms = 0
        self._forgotten_ms = 0
        self._cover = _Cover(NOT_SUBSCRIBED)
        self._covers: dict[str, _Cover] = {}  # of the markets that stand otherwise than all others
        self._markets: WeakValueDictionary[str, MarketOwn] = WeakValueDictionary()

    def of(self, market_ticker: str) -> MarketOwn:
        """Give own orders of one market: the same object for as long as somebody holds it."""
        market = self._markets.get(market_ticker)
        if market is None:
            market = self._markets[market_ticker] = MarketOwn(self._read(market_ticker))
        return market

    def tells_of(self, market_ticker: str | None) -> bool:
        """Whether every change of a market is told; None: of all markets, but for those that stand otherwise."""
        return (self._cover if market_ticker is None else self._cover_of(market_ticker)).is_told

    def listening(self, *, since_ms: int | None, market_tickers: Collection[str] | None = None) -> None:
        """Note that the exchange acknowledged ``user_orders``: from here on, every change is told.

        What rested before is unknown until ``confirm``, with a list that is not older than this.

        Args:
            since_ms: the exchange's time of the acknowledgement (its ``sending_ts_ms``), or None where it has none.
            market_tickers: the markets it was subscribed for; None: all.
        """
        self._stand(_Cover(NOT_CONFIRMED, True, since_ms), market_tickers)

    def lost(self, why: str, *, market_tickers: Collection[str] | None = None) -> None:
        """Note that changes may be lost from here on: a disconnect, a terminal error, the end of the subscription.

        Own size is unknown; the orders stay as last known, unconfirmed.

        Args:
            why: a word that becomes the ``unknown_reason``, such as ``"disconnected"``.
            market_tickers: the markets that are told of no longer; None: all.
        """
        self._stand(_Cover(why), market_tickers)

    def missed(self, market_ticker: str | None, *, since_ms: int | None) -> None:
        """Note that a message could not be read: own size is unknown until ``confirm`` brings a list that is not older.

        Args:
            market_ticker: the market it was of, or None: it may have been any.
            since_ms: the exchange's time of the message (its ``sending_ts_ms``), or None where it cannot be read: then no
                list is newer for certain, and ``listening`` has to come first.
        """
        if market_ticker is None:
            self._cover = _doubted(self._cover, since_ms)
            self._covers = {ticker: _doubted(cover, since_ms) for ticker, cover in self._covers.items()}
            self._doubt(None)
        elif (cover := self._cover_of(market_ticker)).is_told:
            self._stand(_doubted(cover, since_ms), [market_ticker])

    def take_order(self, message: UserOrder) -> None:
        """Take in a ``user_order`` message. Never raises for what it holds. O(own orders of its market).

        ``resting`` is the order as it rests now, whatever it was before (an amend keeps its id); ``canceled`` and
        ``executed`` end it. Any other status, or a number that cannot be, makes own size of its market unknown until the
        next message of that order.
        """
        self._latest_ms = max(self._latest_ms, message.last_updated_ts_ms or message.created_ts_ms or 0)
        entry = self._entry(message)
        if entry is None or not entry.is_newer_than(message):
            self._take(message)
            self._refresh([message.market_ticker])

    def take_fill(self, message: Fill) -> None:
        """Take in a ``fill`` message: less rests, unless a ``user_order`` told so already. O(own orders of its market)."""
        entry = self._entry(message)
        if entry is not None:
            entry.fills.add(message)
            self._refresh([message.market_ticker])
        elif message.order_id not in self._ended:
            self._early_fills.setdefault(message.order_id, _Fills()).add(message)
            if len(self._early_fills) > EARLY_KEPT:
                self._early_fills.popitem(last=False)

    def confirm(self, orders: Iterable[UserOrder], *, as_of_ms: int, market_tickers: Collection[str] | None = None) -> None:
        """Take in a complete list of resting orders: own size of its markets is known from here on. O(own orders).

        Ask for the list after the subscription was acknowledged. What the stream said of a later time wins over it.

        Args:
            orders: every order that rests, as REST gave them.
            as_of_ms: the exchange's time that the list shows, unix milliseconds. Too early is safe, too late is not: take
                a time before the list was asked for, and after the acknowledgement.
            market_tickers: the markets that the list is complete for; None: all that the subscription tells of.

        Raises:
            UsageError: nobody listens to these markets; the list is older than the subscription, or than what is known
                already; or it holds an order of another market. Nothing was changed.
            TypeError: a wrong argument. Nothing was changed.
        """
        listed, held = self._checked(orders, as_of_ms, market_tickers)
        for entry in held:
            if entry.order.order_id not in listed and not entry.outlives(as_of_ms):
                self._end(entry.order, as_of_ms)
        for order in listed.values():
            known = self._entry(order)
            if self._cover_of(order.market_ticker).is_told and (known is None or known.gives_way_to(order, as_of_ms)):
                self._take(order)
        if market_tickers is None:
            self._cover = _confirmed(self._cover)
        for market_ticker in list(self._covers) if market_tickers is None else market_tickers:
            self._covers[market_ticker] = _confirmed(self._cover_of(market_ticker))
        self._refresh(list(self._markets) if market_tickers is None else market_tickers)

    def check(self, orders: Iterable[UserOrder], *, as_of_ms: int, market_tickers: Collection[str] | None = None) -> None:
        """Make sure that ``confirm`` would take these. Changes nothing.

        Raises:
            UsageError, TypeError: it would not.
        """
        self._checked(orders, as_of_ms, market_tickers)

    # What it does with them.

    def _checked(
        self, orders: Iterable[UserOrder], as_of_ms: int, market_tickers: Collection[str] | None
    ) -> tuple[dict[str, UserOrder], list[_Entry]]:
        """Give what is listed, by order_id, and what is held of the same markets."""
        if type(as_of_ms) is not int:
            raise TypeError(f"as_of_ms must be int, unix milliseconds, not {type(as_of_ms).__name__}")
        _check_tickers(market_tickers)
        listed = {order.order_id: order for order in orders}
        if market_tickers is not None and (foreign := {o.market_ticker for o in listed.values()} - {*market_tickers}):
            raise UsageError(f"market_tickers must name every market in the list, and {min(foreign)} is in the list alone")
        covers = [self._cover, *self._covers.values()] if market_tickers is None else [*map(self._cover_of, market_tickers)]
        self._check_age(covers if market_tickers is not None else [each for each in covers if each.is_told], as_of_ms)
        held = [
            entry
            for market_ticker, entries in self._entries.items()
            if self._cover_of(market_ticker).is_told and (market_tickers is None or market_ticker in market_tickers)
            for entry in entries.values()
        ]
        for entry in held:
            if not entry.is_confirmed and (entry.order.updated_ts_ms or 0) > as_of_ms:
                raise _too_old(as_of_ms, f"what is known of {entry.order.market_ticker}", entry.order.updated_ts_ms)
        return listed, held

    def _entry(self, message: UserOrder | Fill) -> _Entry | None:
        return self._entries.get(message.market_ticker, {}).get(message.order_id)

    def _cover_of(self, market_ticker: str) -> _Cover:
        return self._covers.get(market_ticker, self._cover)

    def _stand(self, cover: _Cover, market_tickers: Collection[str] | None) -> None:
        _check_tickers(market_tickers)
        if market_tickers is None:
            self._cover = cover
            self._covers.clear()
        else:
            self._covers.update(dict.fromkeys(market_tickers, cover))
            if len(self._covers) > COVERS_KEPT and not self._cover.is_told:
                # What left long ago stands like what was never told of.
                self._covers = {ticker: each for ticker, each in self._covers.items() if each.is_told}
        self._doubt(market_tickers)

    def _doubt(self, market_tickers: Collection[str] | None) -> None:
        """Keep orders as last known, and tell so."""
        for market_ticker in list(self._entries) if market_tickers is None else market_tickers:
            for entry in self._entries.get(market_ticker, {}).values():
                entry.is_confirmed = False
        self._refresh(list(self._markets) if market_tickers is None else market_tickers)

    def _take(self, message: UserOrder) -> None:
        """Let a message or an order of a list be what is known, unless the order ended and this is not of a later time."""
        order_id, ts_ms = message.order_id, message.last_updated_ts_ms
        if order_id in self._ended:
            if ts_ms is None or ts_ms <= self._ended[order_id]:
                return
            del self._ended[order_id]
        if message.status in _ENDED:
            self._end(message, self._latest_ms if ts_ms is None else ts_ms)
            return
        entry = self._entry(message)
        fills = self._early_fills.pop(order_id, _Fills()) if entry is None else entry.fills
        self._entries.setdefault(message.market_ticker, {})[order_id] = _Entry(message, fills)

    def _end(self, order: UserOrder | OwnOrder, ts_ms: int) -> None:
        """Forget an order but for its id, and the oldest id where there are too many."""
        entries = self._entries.get(order.market_ticker, {})
        entries.pop(order.order_id, None)
        if not entries:
            self._entries.pop(order.market_ticker, None)
        self._early_fills.pop(order.order_id, None)
        self._ended[order.order_id] = ts_ms
        if len(self._ended) > ENDED_KEPT:
            self._forgotten_ms = max(self._forgotten_ms, self._ended.popitem(last=False)[1])

    def _check_age(self, covers: list[_Cover], as_of_ms: int) -> None:
        if not covers or not all(cover.is_told for cover in covers):
            raise UsageError(
                "confirm needs a subscription that tells what changes after the list: subscribe to user_orders for these "
                "markets, call listening when it is acknowledged, and ask for the list then"
            )
        since_ms = max(cover.since_ms or 0 for cover in covers)
        if as_of_ms < since_ms:
            raise _too_old(as_of_ms, "the subscription", since_ms)
        if as_of_ms < self._forgotten_ms:
            raise _too_old(as_of_ms, "orders that ended and are forgotten", self._forgotten_ms)

    def _refresh(self, market_tickers: Iterable[str]) -> None:
        for market_ticker in market_tickers:
            market = self._markets.get(market_ticker)
            if market is not None:
                market._reading = self._read(market_ticker)

    def _read(self, market_ticker: str) -> OwnReading:
        entries = self._entries.get(market_ticker, {}).values()
        unknown_reason = self._cover_of(market_ticker).unknown_reason
        if unknown_reason is None and not all(entry.is_clear for entry in entries):
            unknown_reason = ORDER_UNCLEAR
        orders = tuple(entry.now() for entry in entries if entry.is_readable and entry.size_e2 > 0)
        if not orders or unknown_reason is not None:
            return OwnReading(market_ticker, unknown_reason, orders)
        sizes: dict[str, Counter[int]] = {"yes": Counter(), "no": Counter()}
        for order in orders:
            sizes[order.outcome_side][order.price_e4] += order.size_e2
        return OwnReading(market_ticker, None, orders, **sizes)


def _confirmed(cover: _Cover) -> _Cover:
    return cover._replace(unknown_reason=None) if cover.is_told else cover


def _doubted(cover: _Cover, since_ms: int | None) -> _Cover:
    if not cover.is_told:
        return cover
    return _Cover(MALFORMED) if since_ms is None else _Cover(NOT_CONFIRMED, True, max(cover.since_ms or 0, since_ms))


def _check_tickers(market_tickers: object) -> None:
    if isinstance(market_tickers, str):
        raise TypeError('market_tickers must be a collection of tickers such as ["KXDEMO-26-A"] or None for all, not a str')


def _too_old(as_of_ms: int, what: str, ts_ms: int | None) -> UsageError:
    return UsageError(
        f"a list as of {as_of_ms} is older than {what} ({ts_ms}), so it does not tell what rests now: ask for a new list"
    )
