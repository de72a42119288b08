"""One market of the flow: a seeded walk of its fair price, and the level changes that go with it.

It works on tick numbers, not prices: every grid here is its own mirror image (p is on it when 1 - p is), so a NO bid on
tick j of n asks for YES on tick n - 1 - j, and a book is neither locked nor crossed while yes + no < n - 1. A fair tick
walks at random; YES bids stay at or below it, NO bids at or below the mirror of the tick above it. When it steps, the
losing side is first swept off its lid; the winning side bids up to its own later.

The shares below are fitted to recordings of May to August 2026: 71 % of the deltas change a level, 15 % add one, 15 %
remove one exactly, 22 % land at or inside the best price, 16 % are fractional.
"""

from __future__ import annotations

import random
from bisect import insort
from collections.abc import Sequence
from typing import Final, Literal

from .wire import SIDES, Side

Tick = Literal["cent", "deci_cent", "centi_cent", "tapered"]

GRIDS: Final[dict[str, Sequence[int]]] = {
    "cent": range(100, 10_000, 100),
    "deci_cent": range(10, 10_000, 10),
    "centi_cent": range(1, 10_000),
    "tapered": (*range(10, 1_000, 10), *range(1_000, 9_000, 100), *range(9_000, 10_000, 10)),
}

_MAX_SIZE_E2: Final = 140_715_486  # the largest level in a recording
_CONTRACTS: Final = (8, 8, 10, 10, 25, 25, 25, 50, 50, 65, 100, 100, 185, 400, 2_000)  # 15 of 16 sizes; else the tail
_TAIL_CONTRACTS: Final = (2_000,) * 8 + (5_000,) * 4 + (20_000,) * 2 + (150_000, 1_400_000)

_STEPS: Final = 0.027  # share of draws in which the fair tick moves
_IMPROVES: Final = 0.35  # of the draws for a side that is below its lid
_CHANGES: Final = 0.735  # of the draws that are neither sweep nor improvement; the rest adds and removes evenly
_TOUCHES_BEST: Final = 0.21  # of the changes
_GOES_DEEP: Final = 0.2  # of the draws below the best: anywhere in the book, not only near its top
_FRACTIONAL: Final = 0.132  # of the sizes drawn; a level once touched by one stays fractional, which brings the rest


class Market:
    """One made-up market: its book, and the law by which the next change is drawn.

    Args:
        ticker: Its name.
        tick: Its price grid.
        levels: How many levels a side has as a rule; fewer where the grid has no room for them.
        whole: Draw whole contracts only.
        rng: Where its identity comes from, and every later draw.
    """

    def __init__(self, *, ticker: str, tick: Tick, levels: int, whole: bool, rng: random.Random) -> None:
        h = f"{rng.getrandbits(128):032x}"
        self.ticker = ticker
        self.market_id = f"{h[:8]}-{h[8:12]}-4{h[13:16]}-8{h[17:20]}-{h[20:]}"
        self.clock = rng.randrange(1_000_000, 9_000_000)
        self._rng = rng
        self._grid = GRIDS[tick]
        self._levels = levels
        self._whole = whole
        n = len(self._grid)
        self._step = 1 + n // 250  # on a fine grid a quote jumps several ticks
        self._fair = rng.randrange(n // 4, n - n // 4)
        # Per side: the ticks that hold a level, ascending above a -1 that is never taken away, so that the last is
        # always the best and -1 says that nobody bids; and the size at each.
        self._prices: tuple[list[int], list[int]] = ([-1], [-1])
        self._sizes: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def levels(self, side: Side) -> list[tuple[int, int]]:
        """Return the levels of one side as (price_e4, size_e2), price ascending, NO on the NO scale."""
        which = SIDES.index(side)
        sizes = self._sizes[which]
        return [(self._grid[tick], sizes[tick]) for tick in self._prices[which][1:]]

    def open(self) -> None:
        """Fill both sides of the empty book."""
        for which in (0, 1):
            top = self._lid(which)
            self._add(which, top)
            for _ in range(self._goal(top) - 1):
                tick = self._free_tick(which, top)
                if tick >= 0:
                    self._add(which, tick)

    def close(self) -> None:
        """Empty the book."""
        for which in (0, 1):
            del self._prices[which][1:]
            self._sizes[which].clear()

    def change(self) -> tuple[Side, int, int]:
        """Draw the next change, make it, and return its side, price_e4 (NO on the NO scale) and signed delta_e2."""
        rng = self._rng
        yes, no = self._prices
        if rng.random() < _STEPS:
            self._walk()
        if yes[-1] > self._fair:
            return self._remove(0, len(yes) - 1)
        if no[-1] > self._lid(1):
            return self._remove(1, len(no) - 1)

        which = rng.getrandbits(1)
        prices = self._prices[which]
        count, top, lid = len(prices) - 1, prices[-1], self._lid(which)
        if top < lid and rng.random() < _IMPROVES:
            return self._add(which, lid)
        if count and rng.random() < _CHANGES:
            return self._resize(which, prices[self._place(count, best=rng.random() < _TOUCHES_BEST)])
        # Adding and removing are alike at the usual number of levels; away from it they lead back.
        if rng.random() * 2 * self._goal(lid) < count:
            return self._remove(which, self._place(count, best=False))
        tick = self._free_tick(which, top)
        if tick < 0 and top == lid:
            return self._resize(which, top)
        return self._add(which, tick if tick >= 0 else lid)

    def _walk(self) -> None:
        n = len(self._grid)
        step = self._rng.randrange(1, self._step + 1)
        fair = self._fair + (step if self._rng.getrandbits(1) else -step)
        self._fair = min(max(fair, n // 10), n - 1 - n // 10)

    def _lid(self, which: int) -> int:
        # The highest tick on which a side may bid.
        return len(self._grid) - 2 - self._fair if which else self._fair

    def _goal(self, lid: int) -> int:
        return min(self._levels, lid * 3 // 4 + 1)

    def _place(self, count: int, *, best: bool) -> int:
        # Where in the list of ticks to act: at the best, or below it, mostly near.
        if best or count == 1:
            return count
        u = self._rng.random()
        reach = count - 1 if self._rng.random() < _GOES_DEEP else min(count - 1, 12)
        return count - 1 - int(u * u * reach)

    def _free_tick(self, which: int, top: int) -> int:
        # A tick below `top` that holds no level, mostly near; -1 when there is none.
        u = self._rng.random()
        reach = top if self._rng.random() < _GOES_DEEP else min(top, 2 * self._levels)
        tick = top - 1 - int(u * u * reach)
        sizes = self._sizes[which]
        while tick in sizes:
            tick -= 1
        return max(tick, -1)

    def _size_e2(self) -> int:
        rng = self._rng
        place = rng.getrandbits(4)
        limit = _CONTRACTS[place] if place < 15 else _TAIL_CONTRACTS[rng.getrandbits(4)]
        size_e2 = 100 + 100 * int(rng.random() * limit)
        if not self._whole and rng.random() < _FRACTIONAL:
            size_e2 -= 1 + rng.getrandbits(6)
        return size_e2

    def _add(self, which: int, tick: int) -> tuple[Side, int, int]:
        size_e2 = self._size_e2()
        self._sizes[which][tick] = size_e2
        insort(self._prices[which], tick)
        return SIDES[which], self._grid[tick], size_e2

    def _remove(self, which: int, place: int) -> tuple[Side, int, int]:
        tick = self._prices[which].pop(place)
        return SIDES[which], self._grid[tick], -self._sizes[which].pop(tick)

    def _resize(self, which: int, tick: int) -> tuple[Side, int, int]:
        size_e2, delta_e2 = self._sizes[which][tick], self._size_e2()
        if self._rng.getrandbits(1) or size_e2 + delta_e2 > _MAX_SIZE_E2:
            if delta_e2 < size_e2:
                delta_e2 = -delta_e2
            elif size_e2 > 100:  # whole contracts, less than all of it; a level of at most one contract grows instead
                delta_e2 = -100 - 100 * int(self._rng.random() * ((size_e2 - 1) // 100))
        self._sizes[which][tick] = size_e2 + delta_e2
        return SIDES[which], self._grid[tick], delta_e2
