"""Where it happens: one action at a time, each of its happenings told at the moment when it is true.

What an action with orders publishes, in order:

- where an order gets another price, `LevelChanged` as it leaves the old one;
- for each resting order that it meets: `LevelChanged`, `Traded`; of the one that rested, where an account owns it, `Filled`,
  `PositionChanged`, `OrderChanged`; of the one that came, the same way, `Filled`, `PositionChanged`;
- `LevelChanged` for what rests of it, or for what it takes away or changes;
- `OrderChanged` of the order that was acted on: how it stands after all that;
- `Quoted`, if the best prices, their sizes, the volume or the open interest are others than before.

A market that opens: `Lived`, `LevelChanged` for each level, `Quoted`. One that closes: `Lived` if that is early,
`BookCleared`, `OrderChanged` of each order of an account, `Quoted`. One that is settled: `Lived`, `PositionChanged` of each
position.

All changes of one action have one clock and one time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from heapq import heappush
from types import TracebackType
from typing import Any, cast

from ..errors import UsageError
from .accounts import Order, Position, fee_e6
from .happenings import Cause, Filled, Happening, LevelChanged, OrderChanged, OrderMark, Traded
from .listing import Listing
from .market import first_clock, new_id
from .matching import ONE_E4, Bid
from .refusals import UnknownListing
from .wire import SIDES

Listener = Callable[[Happening], None]
LIFE, EXPIRY = 0, 1
"""What comes first of what is planned for one moment."""


class Floor:
    """All markets, whoever listens, and what is planned.

    Attributes:
        now_ns: the exchange's time.
        listings: by ticker, in the order of their creation.
        listeners: who is told.
        resting: orders with an identity by account and order_id, in the order in which they came to rest.
        agenda: a heap of what is planned: (at_ns, LIFE or EXPIRY, serial, what to call).
        on_planned: is called when something may be due earlier than before; None: nobody wants to know.
        whole: whether all sizes are whole contracts.
    """

    def __init__(self, *, start_ns: int, seed: int, whole: bool) -> None:
        self.now_ns = start_ns
        self.whole = whole
        self.listings: dict[str, Listing] = {}
        self.listeners: tuple[Listener, ...] = ()
        self.resting: dict[str, dict[str, Order]] = {}
        self.agenda: list[tuple[int, int, int, Callable[[], None]]] = []
        self.on_planned: Callable[[], None] | None = None
        # Apart from the crowd's draws, so that what an account does leaves those alone.
        self._clocks = random.Random(seed ^ 0x636C6F636B)
        self._ids = random.Random(seed ^ 0x696473)
        self._planned = self._ordered = 0
        self._is_busy = False
        self._action = Action(self)

    def listing(self, market_ticker: str) -> Listing:
        """Find a market.

        Raises:
            UnknownListing: there is none of that name.
        """
        try:
            return self.listings[market_ticker]
        except (KeyError, TypeError):
            raise UnknownListing(market_ticker, len(self.listings)) from None

    def new_order(self, **terms: Any) -> Order:
        """Make an order of `terms`, with an identity and a number of its own, as of now."""
        self._ordered += 1
        return Order(order_id=new_id(self._ids), number=self._ordered, created_ns=self.now_ns, **terms)

    def plan(self, at_ns: int, what: int, call: Callable[[], None]) -> None:
        """Have something called at a time; whoever is called looks whether it is still to be done."""
        self._planned += 1
        heappush(self.agenda, (at_ns, what, self._planned, call))
        self.planned()

    def planned(self) -> None:
        """Tell whoever wants to know that something may be due earlier than before."""
        if self.on_planned is not None:
            self.on_planned()

    def publish(self, happening: Happening) -> None:
        """Tell everyone."""
        for listener in self.listeners:
            listener(happening)

    def expect_quiet(self) -> None:
        """Refuse what would begin within an action.

        Raises:
            UsageError: one is under way, so it is a listener that called.
        """
        if self._is_busy:
            raise UsageError("a listener must not act on the exchange while it is told of an action: act after it")

    def action(self, listing: Listing) -> Action:
        """Begin what is one action of the exchange in one market; a `with` ends it.

        Raises:
            UsageError: as `expect_quiet`.
        """
        self.expect_quiet()
        self._action.listing = listing
        return self._action

    def go_on(self, listing: Listing) -> None:
        """Let the clock of a market show that it changed: once for all changes of an action."""
        if listing.is_still:
            listing.is_still = False
            listing.clock += 1 + self._clocks.getrandbits(2) if listing.clock else first_clock(self._clocks)

    def level(
        self, listing: Listing, which: int, price_e4: int, delta_e2: int, cause: Cause,
        maker: Bid | None = None, taker: Bid | None = None,
    ) -> None:  # fmt: skip
        """Tell that one level has just changed: whose order rests or rested there, and who met it."""
        self.go_on(listing)
        maker_name, maker_order = _identity(maker)
        taker_name, taker_order = _identity(taker)
        happening = LevelChanged(
            at_ns=self.now_ns, market_ticker=listing.ticker, market_id=listing.market_id, clock=listing.clock,
            outcome_side=SIDES[which], price_e4=price_e4, delta_e2=delta_e2, cause=cause, maker=maker_name,
            maker_order=maker_order, taker=taker_name, taker_order=taker_order,
        )  # fmt: skip
        self.publish(happening)

    def trade(self, listing: Listing, taker: Bid) -> bool:
        """Let a bid buy from those that it reaches, and tell of each. Return whether it met anyone."""
        bought_e2 = taker.remaining_e2
        for maker, price_e4, size_e2 in listing.book.meet(taker):
            self.level(listing, 1 - taker.which, price_e4, -size_e2, "maker_fill", maker, taker)
            trade_id = new_id(self._ids)
            yes_price_e4 = price_e4 if taker.which else ONE_E4 - price_e4
            happening = Traded(
                at_ns=self.now_ns, market_ticker=listing.ticker, trade_id=trade_id, yes_price_e4=yes_price_e4,
                size_e2=size_e2, taker_outcome_side=SIDES[taker.which],
            )  # fmt: skip
            self.publish(happening)
            closed_e2 = 0
            if isinstance(maker, Order):
                closed_e2 += self._fill(listing, maker, price_e4, size_e2, trade_id, is_taker=False)
                if not maker.remaining_e2:
                    del self.resting[maker.account][maker.order_id]
                self.tell(maker, "Trade")
            if isinstance(taker, Order):
                closed_e2 += self._fill(listing, taker, ONE_E4 - price_e4, size_e2, trade_id, is_taker=True)
            listing.traded(yes_price_e4, size_e2, closed_e2)
        return taker.remaining_e2 < bought_e2

    def land(self, listing: Listing, order: Order, cause: Cause, reason: str, *, may_rest: bool = True) -> OrderChanged:
        """Let an order that does not rest trade, and let what remains of it rest or end; tell how it stands then.

        What would meet an order of the same account is cancelled, and that other order stays ("taker_at_cross" of the
        exchange's `self_trade_prevention_type`, AsyncAPI text, read 2026-10-26).
        """
        if self.trade(listing, order):
            reason = "Trade"
        if order.remaining_e2 and listing.book.reaches(order.which, order.price_e4):
            self.end(order)
            reason = "SelfTradeCancel"
        elif order.remaining_e2 and not may_rest:
            self.end(order)
            reason = ""
        elif order.remaining_e2:
            listing.book.rest(order)
            self.resting.setdefault(order.account, {})[order.order_id] = order
            self.level(listing, order.which, order.price_e4, order.remaining_e2, cause, order)
        return self.tell(order, reason)

    def end(self, order: Order) -> None:
        """Let nothing of an order remain that has left the book, or was never in it."""
        order.remaining_e2 = 0
        order.is_canceled = True
        self.resting.get(order.account, {}).pop(order.order_id, None)

    def withdraw(self, listing: Listing, order: Order, cause: Cause, reason: str) -> OrderChanged:
        """Take a resting order out of the book, and tell."""
        size_e2 = order.remaining_e2
        listing.book.reduce(order, size_e2)
        self.end(order)
        self.level(listing, order.which, order.price_e4, -size_e2, cause, order)
        return self.tell(order, reason)

    def take_crowd(self, listing: Listing, which: int, price_e4: int, size_e2: int) -> None:
        """Take that much of what the crowd has at a price away, the newest first, and tell; there has to be as much."""
        for order in cast("list[Order]", listing.book.take_crowd(which, price_e4, size_e2)):
            self.end(order)
        is_all = not listing.book.crowd_e2(which, price_e4)
        self.level(listing, which, price_e4, -size_e2, "cancel" if is_all else "decrease")

    def tell(self, order: Order, reason: str) -> OrderChanged:
        """Tell the owner of an order how it stands, and return it. Orders of the crowd are told to nobody."""
        told = order.told(self.now_ns, reason)
        if order.owner is not None:
            self.publish(told)
        return told

    def _fill(self, listing: Listing, order: Order, price_e4: int, size_e2: int, trade_id: str, *, is_taker: bool) -> int:
        # Returns how many contracts the buyer closed. Whoever is of the crowd never closes: somebody else of it buys.
        fee = fee_e6(price_e4, size_e2, is_taker=is_taker)
        order.filled_e2 += size_e2
        order.costs_e6[is_taker] += price_e4 * size_e2
        order.fees_e6[is_taker] += fee
        if order.owner is None:
            return 0
        subaccount = order.mark.subaccount
        position = listing.positions.setdefault((order.owner, subaccount), Position())
        closed_e2 = position.buy(order.which, price_e4, size_e2, fee)
        happening = Filled(
            at_ns=self.now_ns, account=order.owner, trade_id=trade_id, order_id=order.order_id,
            market_ticker=listing.ticker, is_taker=is_taker, outcome_side=SIDES[order.which], price_e4=price_e4,
            size_e2=size_e2, fee_e6=fee, post_position_e2=position.size_e2, mark=order.mark,
        )  # fmt: skip
        self.publish(happening)
        self.publish(position.told(order.owner, subaccount, listing.ticker, self.now_ns))
        return closed_e2


class Action:
    """The one action that may be under way."""

    __slots__ = ("_floor", "listing")

    listing: Listing

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def __enter__(self) -> None:
        self._floor._is_busy = True
        self.listing.is_still = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        floor = self._floor
        try:
            if kind is None and (quoted := self.listing.requoted(floor.now_ns)):
                floor.publish(quoted)
        finally:
            floor._is_busy = False


def _identity(bid: Bid | None) -> tuple[str | None, OrderMark | None]:
    return (bid.owner, bid.mark) if isinstance(bid, Order) and bid.owner is not None else (None, None)
