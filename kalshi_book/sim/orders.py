"""The order entry of the simulated exchange: for an account, and for the crowd that tests script.

Prices are given as everywhere in this package: Decimal or text in dollars, `price_e4=` or `cents=`; sizes as Decimal or text
in contracts, or `size_e2=`. A bare number raises TypeError, since its unit cannot be known. A call that fails changes
nothing.

A market takes orders while it is active; while it is paused they can be cancelled and decreased.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from ..errors import UsageError
from ..units import INT64_MAX, outcome_is_no, price_argument, price_text, shown, size_argument, size_text
from .accounts import CROWD, Order, Position
from .floor import EXPIRY, Floor
from .happenings import OrderChanged, OrderMark, PositionChanged
from .listing import Listing
from .refusals import Refused

MAX_SIZE_E2 = 10**11
"""The largest order: a billion contracts."""
MAX_SUBACCOUNT = 63


class OrderEntry:
    """What an account, or the crowd, does with orders that have an identity.

    Every call returns the order as it stands after it, in the words in which its owner is told.
    """

    def __init__(self, floor: Floor, account: str) -> None:
        self._floor = floor
        self._account = account
        self._placed = 0

    def place(
        self, market_ticker: str, *, outcome_side: str, price: Decimal | str | None = None, price_e4: int | None = None,
        cents: int | Decimal | None = None, size: Decimal | str | None = None, size_e2: int | None = None,
        client_order_id: str | None = None, subaccount: int = 0, post_only: bool = False,
        immediate_or_cancel: bool = False, expires_ns: int | None = None,
    ) -> OrderChanged:  # fmt: skip
        """Bid for an outcome. What meets resting bids of the other outcome trades at their prices; the rest rests.

        An order never meets one of its own account: what would is cancelled ("taker_at_cross").

        Args:
            market_ticker: the market.
            outcome_side: "yes" or "no": what to buy. To buy one outcome closes what is held of the other.
            price: the limit, on that outcome's scale: dollars, as Decimal or text.
            price_e4: the same in $0.0001, as int.
            cents: the same in cents, as int or Decimal. One of the three.
            size: contracts, more than 0, as Decimal or text.
            size_e2: the same in 0.01 contract, as int. One of the two.
            client_order_id: the owner's name for it; None: the account's name and a number.
            subaccount: 0..63.
            post_only: refuse the order if it would meet another at once.
            immediate_or_cancel: cancel what does not trade at once.
            expires_ns: when it is cancelled by itself, unix ns, later than now.

        Raises:
            TypeError: a price or a size without a unit, or none, or several.
            UnknownListing: no such market.
            Refused: the market is not active ("state"), the price is not on its grid ("off_tick"), `post_only` would not
                hold ("crosses"), or `expires_ns` is over ("expired").
            UsageError: any other value out of its range.
        """
        floor = self._floor
        listing = floor.listing(market_ticker)
        which = int(outcome_is_no(outcome_side))
        limit_e4 = price_argument(price, price_e4=price_e4, cents=cents)
        bought_e2 = self._size_e2(size, size_e2)
        if client_order_id is not None and not isinstance(client_order_id, str):
            raise TypeError(f"client_order_id must be str or None, not {type(client_order_id).__name__}")
        if client_order_id is not None and _has_surrogates(client_order_id):
            raise UsageError(f"a client_order_id is text that UTF-8 can tell, and {shown(client_order_id)} is none")
        if type(expires_ns) is int and expires_ns > INT64_MAX:
            raise UsageError(f"expires_ns is at most {INT64_MAX}, not {shown(expires_ns)}: it is unix nanoseconds")
        if type(subaccount) is not int or not 0 <= subaccount <= MAX_SUBACCOUNT:
            raise UsageError(f"a subaccount is 0 to {MAX_SUBACCOUNT}, not {shown(subaccount)}")
        if post_only and immediate_or_cancel:
            raise UsageError("an order that may only rest cannot be one that must not: post_only or immediate_or_cancel")
        with floor.action(listing):
            expect_state(listing, "active")
            expect_on_tick(listing, limit_e4)
            if expires_ns is not None and (type(expires_ns) is not int or expires_ns <= floor.now_ns):
                text = f"expires_ns must be a time after {floor.now_ns}, not {shown(expires_ns)}"
                raise Refused(market_ticker, "expired", text)
            if post_only:
                expect_no_cross(listing, which, limit_e4)
            self._placed += 1
            name = f"{self._account}-{self._placed}" if client_order_id is None else client_order_id
            order = floor.new_order(
                which=which, price_e4=limit_e4, size_e2=bought_e2, account=self._account, market_ticker=market_ticker,
                mark=OrderMark(name, subaccount), post_only=post_only, expires_ns=expires_ns,
            )  # fmt: skip
            told = floor.land(listing, order, "placement", "", may_rest=not immediate_or_cancel)
        if expires_ns is not None and order.remaining_e2:
            floor.plan(expires_ns, EXPIRY, partial(self._expire, order))
        return told

    def cancel(self, order_id: str) -> OrderChanged:
        """Take an order out of the book.

        Raises:
            Refused: no such order of this account rests ("not_resting").
        """
        order, listing = self._resting(order_id)
        with self._floor.action(listing):
            return self._floor.withdraw(listing, order, "cancel", "")

    def decrease(self, order_id: str, *, size: Decimal | str | None = None, size_e2: int | None = None) -> OrderChanged:
        """Take some of an order away. It keeps its place in time.

        Args:
            order_id: which.
            size: how many contracts less; fewer than rest.
            size_e2: the same in 0.01 contract. One of the two.

        Raises:
            TypeError, UsageError: as `place` for the size.
            Refused: no such order of this account rests ("not_resting"), or no more than that rests ("too_large").
        """
        by_e2 = self._size_e2(size, size_e2)
        order, listing = self._resting(order_id)
        if by_e2 >= order.remaining_e2:
            text = f"expected less than the {size_text(order.remaining_e2)} that rest, found {size_text(by_e2)}: cancel it"
            raise Refused(listing.ticker, "too_large", text)
        with self._floor.action(listing):
            listing.book.reduce(order, by_e2)
            self._floor.level(listing, order.which, order.price_e4, -by_e2, "decrease", order)
            return self._floor.tell(order, "Decrease")

    def amend(
        self, order_id: str, *, price: Decimal | str | None = None, price_e4: int | None = None,
        cents: int | Decimal | None = None, size: Decimal | str | None = None, size_e2: int | None = None,
    ) -> OrderChanged:  # fmt: skip
        """Give an order another price, another size, or both.

        At another price it is taken out, and comes like a new order: it may trade. Where it grows, it goes behind all that
        rest at its price. Where it only shrinks, it keeps its place. Where nothing changes, nothing happens.

        Args:
            order_id: which.
            price: the new limit, dollars.
            price_e4: the same in $0.0001.
            cents: the same in cents. None of the three: as it is.
            size: how many contracts are to rest.
            size_e2: the same in 0.01 contract. None of the two: as many as now.

        Raises:
            TypeError, UsageError: as `place` for price and size.
            Refused: as `place`; or no such order of this account rests ("not_resting").
        """
        floor = self._floor
        order, listing = self._resting(order_id)
        is_priced = price is not None or price_e4 is not None or cents is not None
        limit_e4 = price_argument(price, price_e4=price_e4, cents=cents) if is_priced else order.price_e4
        new_e2 = order.remaining_e2 if size is None and size_e2 is None else self._size_e2(size, size_e2)
        grows_e2 = new_e2 - order.remaining_e2
        with floor.action(listing):
            expect_state(listing, "active")
            if limit_e4 != order.price_e4:
                expect_on_tick(listing, limit_e4)
                if order.post_only:
                    expect_no_cross(listing, order.which, limit_e4)
                return self._replace(listing, order, limit_e4, new_e2)
            if not grows_e2:
                return order.told(floor.now_ns, "")
            order.initial_e2 = order.filled_e2 + new_e2
            if grows_e2 > 0:
                listing.book.send_back(order, grows_e2)
            else:
                listing.book.reduce(order, -grows_e2)
            floor.level(listing, order.which, order.price_e4, grows_e2, "amend", order)
            return floor.tell(order, "Amend")

    def resting(self) -> list[OrderChanged]:
        """Return the orders that rest, the earliest first."""
        return [order.told(self._floor.now_ns, "") for order in self._floor.resting.get(self._account, {}).values()]

    def _size_e2(self, size: Decimal | str | None, size_e2: int | None) -> int:
        found = size_argument(size, size_e2=size_e2, least_e2=1, most_e2=MAX_SIZE_E2)
        expect_whole(self._floor, found)
        return found

    def _replace(self, listing: Listing, order: Order, limit_e4: int, new_e2: int) -> OrderChanged:
        old_e4, old_e2 = order.price_e4, order.remaining_e2
        listing.book.reduce(order, old_e2)
        self._floor.level(listing, order.which, old_e4, -old_e2, "amend", order)
        order.price_e4, order.remaining_e2 = limit_e4, new_e2
        order.initial_e2 = order.filled_e2 + new_e2
        told = self._floor.land(listing, order, "amend", "Amend")
        if not order.remaining_e2:
            self._floor.resting[self._account].pop(order.order_id, None)
        return told

    def _expire(self, order: Order) -> None:
        if order.remaining_e2:
            listing = self._floor.listings[order.market_ticker]
            with self._floor.action(listing):
                self._floor.withdraw(listing, order, "expiry", "ExpiryCancel")

    def _resting(self, order_id: str) -> tuple[Order, Listing]:
        if not isinstance(order_id, str):
            raise TypeError(f"order_id must be str, not {type(order_id).__name__}")
        order = self._floor.resting.get(self._account, {}).get(order_id)
        if order is None:
            text = f"no order {shown(order_id)} of {self._account!r} rests: it was filled, cancelled or never placed"
            raise Refused(None, "not_resting", text)
        return order, self._floor.listings[order.market_ticker]


class AccountOrders(OrderEntry):
    """The orders and positions of one account."""

    def position(self, market_ticker: str, *, subaccount: int = 0) -> PositionChanged:
        """Return what the account holds in a market.

        Raises:
            UnknownListing: no such market.
        """
        listing = self._floor.listing(market_ticker)
        position = listing.positions.get((self._account, subaccount)) or Position()
        return position.told(self._account, subaccount, market_ticker, self._floor.now_ns)


class CrowdOrders(OrderEntry):
    """The orders of all others. They are told to nobody; only what they do to the book and the trades are seen."""

    def __init__(self, floor: Floor) -> None:
        super().__init__(floor, CROWD)

    def change(self, market_ticker: str, *, outcome_side: str, price_e4: int, delta_e2: int) -> None:
        """Make exactly this one change of a level.

        Args:
            market_ticker: the market.
            outcome_side: "yes" or "no": whose bids.
            price_e4: on that outcome's own scale.
            delta_e2: positive: somebody of the crowd lets as much rest. Negative: as much of what the crowd has there is
                taken away, the newest first.

        Raises:
            TypeError: a price or a change that is no int.
            UnknownListing: no such market.
            Refused: the market takes no orders ("state"), the price is not on its grid ("off_tick"), the change would lock
                or cross the book ("crosses"), or the crowd has less there ("too_small").
            UsageError: any other value out of its range.
        """
        listing = self._floor.listing(market_ticker)
        which = int(outcome_is_no(outcome_side))
        price_e4 = price_argument(price_e4=price_e4)
        if type(delta_e2) is not int:
            raise TypeError(f"delta_e2 must be int, units of 0.01 contract, not {type(delta_e2).__name__}")
        if not delta_e2 or abs(delta_e2) > MAX_SIZE_E2:
            raise UsageError(f"delta_e2 must be a change of at most {MAX_SIZE_E2} either way, not {shown(delta_e2)}")
        expect_whole(self._floor, delta_e2)
        with self._floor.action(listing):
            if delta_e2 > 0:
                expect_state(listing, "active")
                expect_on_tick(listing, price_e4)
                expect_no_cross(listing, which, price_e4)
                listing.book.add_mass(which, price_e4, delta_e2)
                self._floor.level(listing, which, price_e4, delta_e2, "placement")
                return
            has_e2 = listing.book.crowd_e2(which, price_e4)
            if has_e2 < -delta_e2:
                where = f"{outcome_side} {price_text(price_e4)}"
                text = f"expected the crowd to have {size_text(-delta_e2)} at {where}, found {size_text(has_e2)}"
                raise Refused(market_ticker, "too_small", text)
            self._floor.take_crowd(listing, which, price_e4, -delta_e2)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def expect_whole(floor: Floor, size_e2: int) -> None:
    """Refuse fractions of a contract where there are none."""
    if floor.whole and size_e2 % 100:
        raise UsageError(f"this exchange knows whole contracts only, and {size_text(size_e2)} is no such size")


def expect_state(listing: Listing, *states: str) -> None:
    """Refuse what the market's state does not allow."""
    if listing.state not in states:
        text = f"expected a market that is {' or '.join(states)}, found one that is {listing.state}"
        raise Refused(listing.ticker, "state", text)


def expect_on_tick(listing: Listing, price_e4: int) -> None:
    """Refuse a price that is not on the market's grid."""
    if not listing.is_on_tick(price_e4):
        text = f"expected a price on the grid {listing.tick!r}, found {price_text(price_e4)}"
        raise Refused(listing.ticker, "off_tick", text)


def expect_no_cross(listing: Listing, which: int, price_e4: int) -> None:
    """Refuse a bid that would meet another."""
    if listing.book.reaches(which, price_e4):
        best_e4 = listing.book.ladders[1 - which].best
        own, other = ("no", "yes") if which else ("yes", "no")
        text = (
            f"a {own} bid of {price_text(price_e4)} would meet the {other} bid of {price_text(best_e4)}; it must only rest"
        )
        raise Refused(listing.ticker, "crosses", text)
