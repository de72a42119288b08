"""One side of a simulated book: the total that rests at each price."""

from __future__ import annotations

from bisect import bisect_left, insort


class Ladder:
    """The levels of one outcome's bids, each the sum of the orders there.

    Attributes:
        prices: price_e4 of every level, ascending above a 0 that is never taken away: so the last is always the best, and
            0 says that nobody bids. For reading only.
        sizes: size_e2 by price_e4, never 0. For reading only.
    """

    __slots__ = ("prices", "sizes")

    def __init__(self) -> None:
        self.prices = [0]
        self.sizes: dict[int, int] = {}

    @property
    def best(self) -> int:
        """The highest bid, price_e4; 0: nobody bids."""
        return self.prices[-1]

    def change(self, price_e4: int, delta_e2: int) -> None:
        """Change the total at one price, which must not fall below 0. O(log levels), and what lies above moves."""
        sizes = self.sizes
        was_e2 = sizes.get(price_e4, 0)
        if not was_e2:
            insort(self.prices, price_e4)
        if was_e2 + delta_e2:
            sizes[price_e4] = was_e2 + delta_e2
        else:
            del sizes[price_e4], self.prices[bisect_left(self.prices, price_e4)]

    def clear(self) -> None:
        """Take every level away."""
        del self.prices[1:]
        self.sizes.clear()

    def levels(self) -> list[tuple[int, int]]:
        """Return (price_e4, size_e2) of every level, price ascending."""
        sizes = self.sizes
        return [(price_e4, sizes[price_e4]) for price_e4 in self.prices[1:]]
