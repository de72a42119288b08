"""A walk over the levels of one side of a book, from the best price on: what it takes, and what that costs.

The theory. Whoever buys an outcome takes its asks, the lowest first; whoever sells takes its bids, the highest first. A
price_e4 times a size_e2 is money_e6, so every sum is a whole number and nothing is rounded: 7.55 contracts at $0.4200 are
755 x 4200 = 3,171,000 units of $0.000001. A ratio of two such numbers, as an average price is, may have no end as a decimal
number. It is given as a ``Fraction``, which is exact and compares with everything; ``Decimal(a.numerator) / a.denominator``
or ``float(a)`` is what to print.

Formulas are the usual ones, without fees: nothing here knows a fee schedule.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from msgspec import Struct

from . import units

__all__ = ["CumulativeDepth", "Walk", "Walks"]

Walked = tuple[int, int, int | None, int | None, int, bool]
"""What a core says of a walk: size_e2, money_e6, best_e4 and worst_e4 or None, how many levels, whether that is all."""

UNLIMITED = -1
"""A limit that is none."""


class Walk(Struct, frozen=True, kw_only=True, gc=False):
    """What an order would take if it met the book as it was, price by price from the best. Immutable, exact.

    An order that is larger than the book is no error: ``filled`` and ``unfilled`` say how far it came.

    Attributes:
        outcome_side: ``"yes"`` or ``"no"``: whose contracts. All prices are on its scale.
        book_side: ``"ask"``: contracts are bought from the asks. ``"bid"``: they are sold to the bids.
        filled_e2: contracts that change hands, in 0.01 contract.
        unfilled_e2: contracts that the book could not fill; 0 where no number of contracts was asked for.
        cost_e6: what they cost who buys, or bring who sells, in $0.000001, without fees: the sum of price times size.
        unspent_e6: what is left of the money that was to be spent; 0 where no money was given.
        best_e4: the best price of the side, or None: nobody is there.
        worst_e4: the price of the last level that is taken from, or None: nothing is taken.
        opposite_e4: the best price of the other side at the same moment, or None.
        levels: how many levels are taken from; of the last maybe only a part.
        takes_all: whether nothing is left on that side.

    >>> from kalshi_book import Walk
    >>> walk = Walk(outcome_side="yes", book_side="ask", filled_e2=35000, unfilled_e2=15000, cost_e6=155400000,
    ...             best_e4=4400, worst_e4=4500, opposite_e4=4200, levels=2, takes_all=True)
    >>> walk
    Walk(buy 350.00 yes for $155.400000, $0.4440 on average, 2 levels from $0.4400 to $0.4500, 150.00 unfilled)
    >>> walk.average, walk.slippage_from_best, walk.slippage_from_mid
    (Fraction(111, 250), Fraction(1, 250), Fraction(7, 500))
    """

    outcome_side: Literal["yes", "no"]
    book_side: Literal["bid", "ask"]
    filled_e2: int
    unfilled_e2: int = 0
    cost_e6: int
    unspent_e6: int = 0
    best_e4: int | None
    worst_e4: int | None
    opposite_e4: int | None
    levels: int
    takes_all: bool

    @property
    def filled(self) -> Decimal:
        """Contracts that change hands, an exact Decimal with 2 decimals."""
        return units.size_decimal(self.filled_e2)

    @property
    def unfilled(self) -> Decimal:
        """Contracts that the book could not fill, an exact Decimal with 2 decimals."""
        return units.size_decimal(self.unfilled_e2)

    @property
    def cost(self) -> Decimal:
        """What they cost who buys, or bring who sells, in dollars: an exact Decimal with 6 decimals."""
        return units.money_decimal(self.cost_e6)

    @property
    def unspent(self) -> Decimal:
        """What is left of the money that was given, in dollars: an exact Decimal with 6 decimals."""
        return units.money_decimal(self.unspent_e6)

    @property
    def best(self) -> Decimal | None:
        """The best price of the side in dollars, an exact Decimal with 4 decimals, or None: nobody is there."""
        return None if self.best_e4 is None else units.price_decimal(self.best_e4)

    @property
    def worst(self) -> Decimal | None:
        """The price of the last level that is taken from in dollars, an exact Decimal with 4 decimals, or None."""
        return None if self.worst_e4 is None else units.price_decimal(self.worst_e4)

    @property
    def ran_out(self) -> bool:
        """Whether the book ended before the order did: contracts are unfilled, or money is left and nobody to take it."""
        return self.takes_all and (self.unfilled_e2 > 0 or self.unspent_e6 > 0)

    @property
    def average(self) -> Fraction | None:
        """The average price in dollars a contract, exact: cost / filled. None where nothing is filled."""
        return Fraction(self.cost_e6, self.filled_e2 * units.PRICE_SCALE) if self.filled_e2 else None

    @property
    def break_even(self) -> Fraction | None:
        """The chance of its outcome at which the trade neither wins nor loses, 0 to 1, exact. None where nothing is filled.

        A contract pays $1 or nothing, so it is the average price in dollars. Above that chance it is good to have bought,
        below it to have sold. Without fees: with a fee of f dollars a contract it is average + f for who buys, average - f
        for who sells.
        """
        return self.average

    @property
    def slippage_from_best(self) -> Fraction | None:
        """How much worse the average is than the best price, in dollars a contract, exact; 0 or more.

        average - best for who buys, best - average for who sells. None where nothing is filled.
        """
        return self._slippage(None if self.best_e4 is None else Fraction(self.best_e4, units.PRICE_SCALE))

    @property
    def slippage_from_mid(self) -> Fraction | None:
        """How much worse the average is than the mid of that moment, in dollars a contract, exact.

        average - mid for who buys, mid - average for who sells, mid = (best bid + best ask) / 2. None where nothing is
        filled, or only one side stands.
        """
        if self.best_e4 is None or self.opposite_e4 is None:
            return None
        return self._slippage(Fraction(self.best_e4 + self.opposite_e4, 2 * units.PRICE_SCALE))

    def _slippage(self, from_price: Fraction | None) -> Fraction | None:
        average = self.average
        if average is None or from_price is None:
            return None
        return average - from_price if self.book_side == "ask" else from_price - average

    def __repr__(self) -> str:
        words = [f"{'buy' if self.book_side == 'ask' else 'sell'} {units.size_text(self.filled_e2)} {self.outcome_side}"]
        if self.worst_e4 is not None and self.best_e4 is not None:
            average_e4 = (2 * self.cost_e6 + self.filled_e2) // (2 * self.filled_e2)  # rounded half up, to be read only
            best, worst = units.price_text(self.best_e4), units.price_text(self.worst_e4)
            words[0] += f" for ${units.money_text(self.cost_e6)}"
            words.append(f"${units.price_text(average_e4)} on average")
            words.append(
                f"{self.levels} level at ${best}" if self.levels == 1 else f"{self.levels} levels from ${best} to ${worst}"
            )
        if self.unfilled_e2:
            words.append(f"{units.size_text(self.unfilled_e2)} unfilled")
        if self.unspent_e6:
            words.append(f"${units.money_text(self.unspent_e6)} unspent")
        return f"Walk({', '.join(words)})"


class Walks(NamedTuple):
    """A walk over each side of one outcome, of one moment."""

    bids: Walk
    asks: Walk


class CumulativeDepth(NamedTuple):
    """For each level of both sides, best first, the walk that ends with it, of one moment."""

    bids: list[Walk]
    asks: list[Walk]


def walk(
    levels: Iterable[tuple[int, int]],
    *,
    n: int,
    size_e2: int = UNLIMITED,
    money_e6: int = UNLIMITED,
    distance_e4: int = UNLIMITED,
) -> Walked:
    """Walk over levels, the plain way. O(levels).

    Args:
        levels: (price_e4, size_e2), best first, of which all are walked over at most, to learn whether that is all.
        n: how many levels at most.
        size_e2: how many contracts at most, or UNLIMITED.
        money_e6: for how much money at most, or UNLIMITED. Of a level that it does not pay for, as many units of 0.01
            contract are taken as it does.
        distance_e4: how far from the best price at most, or UNLIMITED.
    """
    filled_e2 = cost_e6 = taken = 0
    best_e4 = worst_e4 = None
    for number, (price_e4, rests_e2) in enumerate(levels):
        best_e4 = price_e4 if best_e4 is None else best_e4
        if number >= n or (distance_e4 != UNLIMITED and abs(price_e4 - best_e4) > distance_e4):
            return filled_e2, cost_e6, best_e4, worst_e4, taken, False
        takes_e2 = rests_e2
        if size_e2 != UNLIMITED:
            takes_e2 = min(takes_e2, size_e2 - filled_e2)
        if money_e6 != UNLIMITED:
            takes_e2 = min(takes_e2, (money_e6 - cost_e6) // price_e4)
        if takes_e2:
            filled_e2 += takes_e2
            cost_e6 += takes_e2 * price_e4
            worst_e4, taken = price_e4, taken + 1
        if takes_e2 < rests_e2:
            return filled_e2, cost_e6, best_e4, worst_e4, taken, False
    return filled_e2, cost_e6, best_e4, worst_e4, taken, True
