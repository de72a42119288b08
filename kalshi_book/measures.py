"""The numbers that a strategy asks of a book: what an order would cost, how deep and how lopsided the book is.

Each answer is of one moment and exact: whole numbers of $0.0001, 0.01 contract and $0.000001, or a ``Fraction`` where a
ratio has no end as a decimal number. No fees. ``docs/numbers.md`` has every formula with a worked example.

The walk over the levels is one call into the core (``walk.h``), whose plain form is ``walk.walk``.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Literal

from . import units
from ._backend import Level
from .messages.book import Side
from .readings import Readings
from .walk import UNLIMITED, CumulativeDepth, Walk, Walked, Walks, walk

__all__ = ["Measures"]

_ALL = units.INT64_MAX


class Measures(Readings):
    """What a strategy asks of a book, beside what ``Readings`` answers.

    With ``without_own`` every number is of what others rest, since no order meets one of the same account; it takes
    O(levels), and raises ``OwnSizeUnknown`` as ``depth`` does.

    >>> import kalshi_book as kb
    >>> book = kb.OrderBook("KXDEMO-26-A")
    >>> book.apply(kb.decode('{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"KXDEMO-26-A",'
    ...     '"yes_dollars_fp":[["0.4100","120.00"],["0.4200","7.55"]],'
    ...     '"no_dollars_fp":[["0.5500","40.00"],["0.5600","310.25"]]}}'))
    >>> book.cost_to_buy("330")
    Walk(buy 330.00 yes for $145.397500, $0.4406 on average, 2 levels from $0.4400 to $0.4500)
    >>> book.cost_to_sell("200", outcome_side="no").unfilled
    Decimal('0.00')
    """

    __slots__ = ()

    def cost_to_buy(
        self,
        contracts: Decimal | str | None = None,
        *,
        size_e2: int | None = None,
        outcome_side: Side = "yes",
        without_own: bool = False,
    ) -> Walk:
        """Give what so many contracts of one outcome cost now: its asks, the lowest first. O(levels taken).

        Formula: the sum of price times size over the asks, the last one in part. What the book cannot fill is
        ``walk.unfilled``. Source: bids of the other outcome at p are asks at $1 - p (the exchange's "Orderbook responses"
        page, read 2026-10-26).

        Args:
            contracts: how many, as Decimal or text; or instead:
            size_e2: units of 0.01 contract.
            outcome_side: ``"yes"`` or ``"no"``: what is bought.
            without_own: whether own size is left out.

        Raises:
            BookNotLive: the book cannot know now.
            OwnSizeUnknown: with ``without_own``, as ``depth`` says.
            TypeError: not exactly one size, a float, or a bare int.
            UsageError: below 0, or not in steps of 0.01 contract.
        """
        wanted_e2 = units.size_argument(contracts, size_e2=size_e2)
        no = units.outcome_is_no(outcome_side)
        bids, asks = self._walks(no, 1, _ALL, size_e2=wanted_e2, without_own=without_own)
        return _walk(no, "ask", asks, bids, unfilled_e2=wanted_e2 - asks[0])

    def cost_to_sell(
        self,
        contracts: Decimal | str | None = None,
        *,
        size_e2: int | None = None,
        outcome_side: Side = "yes",
        without_own: bool = False,
    ) -> Walk:
        """Give what so many contracts of one outcome bring now: its bids, the highest first. O(levels taken).

        ``walk.cost`` is what the seller gets. To sell YES at p without holding it is to buy NO at $1 - p: that costs
        ``cost_to_buy(contracts, outcome_side="no").cost``. Formula, arguments and errors are those of ``cost_to_buy``.
        """
        wanted_e2 = units.size_argument(contracts, size_e2=size_e2)
        no = units.outcome_is_no(outcome_side)
        bids, asks = self._walks(no, _ALL, 1, size_e2=wanted_e2, without_own=without_own)
        return _walk(no, "bid", bids, asks, unfilled_e2=wanted_e2 - bids[0])

    def contracts_for(
        self,
        dollars: Decimal | str | None = None,
        *,
        money_e6: int | None = None,
        outcome_side: Side = "yes",
        without_own: bool = False,
    ) -> Walk:
        """Give how many contracts of one outcome a sum of money buys now, the lowest asks first. O(levels taken).

        Of the last level as many units of 0.01 contract are taken as the rest pays for; what remains is ``walk.unspent``.
        ``walk.ran_out`` tells whether that is because nobody asks any more. Fees are not set aside.

        Args:
            dollars: how much money, as Decimal or text; or instead:
            money_e6: units of $0.000001.
            outcome_side: ``"yes"`` or ``"no"``: what is bought.
            without_own: whether own size is left out.

        Raises:
            BookNotLive: the book cannot know now.
            OwnSizeUnknown: with ``without_own``, as ``depth`` says.
            TypeError: not exactly one amount, a float, or a bare int.
            UsageError: below 0, or not in steps of $0.000001.
        """
        given_e6 = units.money_argument(dollars, money_e6=money_e6)
        no = units.outcome_is_no(outcome_side)
        bids, asks = self._walks(no, 1, _ALL, money_e6=given_e6, without_own=without_own)
        return _walk(no, "ask", asks, bids, unspent_e6=given_e6 - asks[1])

    def depth_within(
        self,
        distance: Decimal | str | None = None,
        *,
        price_e4: int | None = None,
        cents: int | Decimal | None = None,
        outcome_side: Side = "yes",
        without_own: bool = False,
    ) -> Walks:
        """Give what rests within a distance of the best price, on each side from its own best. O(levels within).

        Formula: over the bids with price >= best bid - distance, and the asks with price <= best ask + distance, the sum
        of sizes (``filled``) and of price times size (``cost``). A distance of 0 is the best level alone.

        Args:
            distance: dollars, as Decimal or text; or instead:
            price_e4: units of $0.0001.
            cents: cents.
            outcome_side: ``"yes"`` or ``"no"``.
            without_own: whether own size is left out.

        Raises:
            BookNotLive: the book cannot know now.
            OwnSizeUnknown: with ``without_own``, as ``depth`` says.
            TypeError: not exactly one distance, a float, or a bare int.
            UsageError: below 0, above $0.9999, or not in steps of $0.0001.
        """
        within_e4 = units.distance_argument(distance, price_e4=price_e4, cents=cents)
        no = units.outcome_is_no(outcome_side)
        bids, asks = self._walks(no, _ALL, _ALL, distance_e4=within_e4, without_own=without_own)
        return Walks(_walk(no, "bid", bids, asks), _walk(no, "ask", asks, bids))

    def cumulative_depth(
        self, n: int | None = None, *, outcome_side: Side = "yes", without_own: bool = False
    ) -> CumulativeDepth:
        """Give, for each of the best n levels of both sides, all that rests from the best price to it. O(n).

        Each is the walk that ends with that level: ``walk.worst`` is its price, ``walk.filled`` the sum of sizes up to it,
        ``walk.cost`` that of price times size. ``takes_all`` is true of the last level of the book.

        Args:
            n: how many levels a side at most; None: all.
            outcome_side: ``"yes"`` or ``"no"``.
            without_own: whether own size is left out.

        Raises:
            BookNotLive: the book cannot know now.
            OwnSizeUnknown: with ``without_own``, as ``depth`` says.
        """
        no, n = units.outcome_is_no(outcome_side), units.count_argument(n)
        bids, asks = self.depth(min(n + 1, _ALL), outcome_side=outcome_side, without_own=without_own)
        return CumulativeDepth(_cumulative(no, "bid", bids, asks, n), _cumulative(no, "ask", asks, bids, n))

    def imbalance(self, n: int | None = 1, *, outcome_side: Side = "yes", without_own: bool = False) -> Fraction | None:
        """Give how lopsided the best n levels are: -1 only asks, 0 even, 1 only bids. Exact. O(n).

        Formula: (B - A) / (B + A), B and A the sums of the sizes of the best n bids and asks. That of NO is that of YES
        with the other sign.

        Args:
            n: how many levels a side; None: all.
            outcome_side: ``"yes"`` or ``"no"``.
            without_own: whether own size is left out.

        Returns:
            The ratio, or None: nobody on either side.

        Raises:
            BookNotLive: the book cannot know now.
            OwnSizeUnknown: with ``without_own``, as ``depth`` says.
        """
        no, n = units.outcome_is_no(outcome_side), units.count_argument(n)
        (bid_e2, *_), (ask_e2, *_) = self._walks(no, n, n, without_own=without_own)
        return Fraction(bid_e2 - ask_e2, bid_e2 + ask_e2) if bid_e2 + ask_e2 else None

    def microprice(self, *, outcome_side: Side = "yes", without_own: bool = False) -> Fraction | None:
        """Give the mid that leans to where less rests, in dollars, exact. O(1).

        Formula: (bid x A + ask x B) / (B + A), with the sizes B at the best bid and A at the best ask: much to buy and
        little to sell pulls it to the ask. It is ``weighted_mid(1)``. Source: J. Gatheral and R. Oomen, "Zero-intelligence
        realized variance estimation", 2010; S. Stoikov, "The micro-price", 2018, calls this one the weighted mid-price.

        Returns:
            The price, between best bid and best ask, or None unless both sides stand.

        Raises:
            BookNotLive: the book cannot know now.
            OwnSizeUnknown: with ``without_own``, as ``depth`` says.
        """
        return self.weighted_mid(outcome_side=outcome_side, without_own=without_own)

    def weighted_mid(self, n: int | None = 1, *, outcome_side: Side = "yes", without_own: bool = False) -> Fraction | None:
        """Give ``microprice`` taken over the best n levels of each side, in dollars, exact. O(n).

        Formula: (b x A + a x B) / (B + A), where b and a are the average prices of the best n bids and asks, each weighted
        by its size, and B and A the sums of their sizes.

        Args:
            n: how many levels a side; None: all.
            outcome_side: ``"yes"`` or ``"no"``.
            without_own: whether own size is left out.

        Returns:
            The price, or None unless both sides stand (or n is 0).

        Raises:
            BookNotLive: the book cannot know now.
            OwnSizeUnknown: with ``without_own``, as ``depth`` says.
        """
        no, n = units.outcome_is_no(outcome_side), units.count_argument(n)
        (bid_e2, bid_e6, *_), (ask_e2, ask_e6, *_) = self._walks(no, n, n, without_own=without_own)
        if not bid_e2 or not ask_e2:
            return None
        # (bid_e6 / bid_e2 * ask_e2 + ask_e6 / ask_e2 * bid_e2) / (bid_e2 + ask_e2), reduced once.
        above = bid_e6 * ask_e2 * ask_e2 + ask_e6 * bid_e2 * bid_e2
        return Fraction(above, bid_e2 * ask_e2 * (bid_e2 + ask_e2) * units.PRICE_SCALE)

    @property
    def spread_in_ticks(self) -> int | None:
        """How many valid prices the best ask is above the best bid, the same for YES and NO. O(bands).

        None unless both sides stand, both at valid prices of the market, and its price ranges are known; they are as last
        known, as for ``tick_at``. 1: the spread is as narrow as it can be. Source: ``price_ranges`` of the exchange's
        "Market & Event Lifecycle" channel, AsyncAPI text, read 2026-10-26.
        """
        bid, ask = self.bbo()
        return None if bid is None or ask is None else self.market.ticks_between_e4(bid.price_e4, ask.price_e4)

    def _walks(
        self,
        no: bool,
        n_bids: int,
        n_asks: int,
        *,
        size_e2: int = UNLIMITED,
        money_e6: int = UNLIMITED,
        distance_e4: int = UNLIMITED,
        without_own: bool,
    ) -> tuple[Walked, Walked]:
        """Walk over both sides within the same limits, of one moment. To learn only a best price, n is 1."""
        if not without_own:
            return self._core._walk(no, n_bids, n_asks, size_e2, money_e6, distance_e4, self._live)
        bids, asks = (
            [(level.price_e4, level.size_e2) for level in levels]
            for levels in self.depth(outcome_side="no" if no else "yes", without_own=True)
        )
        return (
            walk(bids, n=n_bids, size_e2=size_e2, money_e6=money_e6, distance_e4=distance_e4),
            walk(asks, n=n_asks, size_e2=size_e2, money_e6=money_e6, distance_e4=distance_e4),
        )


def _walk(
    no: bool, book_side: Literal["bid", "ask"], walked: Walked, other: Walked, *, unfilled_e2: int = 0, unspent_e6: int = 0
) -> Walk:
    filled_e2, cost_e6, best_e4, worst_e4, levels, takes_all = walked
    return Walk(
        outcome_side="no" if no else "yes",
        book_side=book_side,
        filled_e2=filled_e2,
        unfilled_e2=unfilled_e2,
        cost_e6=cost_e6,
        unspent_e6=unspent_e6,
        best_e4=best_e4,
        worst_e4=worst_e4,
        opposite_e4=other[2],
        levels=levels,
        takes_all=takes_all,
    )


def _cumulative(no: bool, book_side: Literal["bid", "ask"], levels: list[Level], other: list[Level], n: int) -> list[Walk]:
    """One more level than n may be there, to learn whether the last is the last of all."""
    opposite: Walked = (0, 0, other[0].price_e4 if other else None, None, 0, False)
    sizes = accumulate(level.size_e2 for level in levels)
    costs = accumulate(level.price_e4 * level.size_e2 for level in levels)
    return [
        _walk(
            no,
            book_side,
            (size_e2, cost_e6, levels[0].price_e4, level.price_e4, number, number == len(levels)),
            opposite,
        )
        for number, level, size_e2, cost_e6 in zip(range(1, n + 1), levels, sizes, costs, strict=False)
    ]
