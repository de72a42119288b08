"""The law of level changes: how a market's levels change, how often, and which market's turn it is, drawn from a seed.

It thinks in tick numbers and speaks in prices: every grid here is its own mirror image (p is on it when 1 - p is), so a NO
bid on tick j of n asks for YES on tick n - 1 - j. A fair tick walks at random; YES bids stay at or below it, NO bids at or
below the mirror of the tick above it: their lids. So a book that keeps to them is neither locked nor crossed. When the fair
tick steps, the losing side is first swept off its lid; the winning side bids up to its own later.

The law changes no book: `Market` obeys it on its bare levels, for the flow; on the simulated exchange the crowd makes
orders of it.

The shares below are fitted to recordings of May to August 2026: 71 % of the deltas change a level, 15 % add one, 15 %
remove one exactly, 22 % land at or inside the best price, 16 % are fractional. A busy market has 223 deltas a second, in
bursts.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeVar

from .ladder import Ladder
from .wire import SIDES, Side

Tick = Literal["cent", "deci_cent", "centi_cent", "tapered"]
_T = TypeVar("_T")

GRIDS: Final[dict[Tick, Sequence[int]]] = {
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

_SAME_ACTION: Final = 0.21  # of the changes belong to the same action as the one before

# Pauses between actions are uniform below one of these limits, in microseconds. Once in 512 actions a burst of 32 to
# 287 begins. As they stand they make the rate of a busy market; other rates scale them.
BUSY_PER_SECOND: Final = 223
_PAUSES_US: Final = (600,) * 4 + (2_000,) * 4 + (6_000,) * 4 + (20_000,) * 2 + (50_000, 111_000)
_BURST_PAUSE_US: Final = 1_000


def new_id(rng: random.Random) -> str:
    """Draw an identity in the form of a UUID."""
    h = f"{rng.getrandbits(128):032x}"
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-8{h[17:20]}-{h[20:]}"


def first_clock(rng: random.Random) -> int:
    """Draw the clock of a market's first change."""
    return rng.randrange(1_000_000, 9_000_000)


class Law:
    """By which the next change of one market's levels is drawn.

    Args:
        tick: Its price grid.
        levels: How many levels a side has as a rule; fewer where the grid has no room for them.
        whole: Draw whole contracts only.
        rng: Where every draw comes from, the first being the fair tick.

    Attributes:
        lids_e4: up to where each side may bid now, (YES, NO), each on its own scale.
    """

    __slots__ = ("_fair", "_grid", "_levels", "_rng", "_whole", "lids_e4")

    def __init__(self, *, tick: Tick, levels: int, whole: bool, rng: random.Random) -> None:
        self._rng = rng
        self._grid = grid = GRIDS[tick]
        self._levels = levels
        self._whole = whole
        self._move(rng.randrange(len(grid) // 4, len(grid) - len(grid) // 4))

    def fair_e4(self) -> int:
        """Return what a YES contract is worth, price_e4: the tick that its bids do not exceed."""
        return self.lids_e4[0]

    def opening(self, ladders: tuple[Ladder, Ladder]) -> Iterator[tuple[int, int, int]]:
        """Draw the levels that fill both sides of an empty book, as `draw` does.

        Whoever iterates makes each change before it asks for the next.
        """
        for which in (0, 1) if self._levels else ():
            top = self._lid(which)
            yield which, self._grid[top], self._size_e2()
            for _ in range(self._goal(top) - 1):
                tick = self._free_tick(ladders[which], top)
                if tick >= 0:
                    yield which, self._grid[tick], self._size_e2()

    def draw(self, ladders: tuple[Ladder, Ladder]) -> tuple[int, int, int]:
        """Draw the next change of a book, and leave it to the caller to make it.

        Args:
            ladders: the levels as they stand, (YES, NO).

        Returns:
            The side, 0 for YES and 1 for NO; price_e4 on its own scale; the signed delta_e2, never below what rests there.
            A level above its lid is always drawn first, and whole: the market has swept it.
        """
        rng = self._rng
        if rng.random() < _STEPS:
            self._walk()
        yes, no = ladders
        if yes.prices[-1] > self.lids_e4[0]:
            return 0, yes.prices[-1], -yes.sizes[yes.prices[-1]]
        if no.prices[-1] > self.lids_e4[1]:
            return 1, no.prices[-1], -no.sizes[no.prices[-1]]

        which = rng.getrandbits(1)
        ladder = ladders[which]
        prices = ladder.prices
        count, top_e4, lid_e4 = len(prices) - 1, prices[-1], self.lids_e4[which]
        if top_e4 < lid_e4 and rng.random() < _IMPROVES:
            return which, lid_e4, self._size_e2()
        if count and rng.random() < _CHANGES:
            return self._resize(which, ladder, prices[self._place(count, best=rng.random() < _TOUCHES_BEST)])
        # Adding and removing are alike at the usual number of levels; away from it they lead back.
        if rng.random() * 2 * self._goal(self._lid(which)) < count:
            price_e4 = prices[self._place(count, best=False)]
            return which, price_e4, -ladder.sizes[price_e4]
        tick = self._free_tick(ladder, bisect_right(self._grid, top_e4) - 1)
        if tick >= 0:
            return which, self._grid[tick], self._size_e2()
        if top_e4 == lid_e4:
            return self._resize(which, ladder, top_e4)
        return which, lid_e4, self._size_e2()

    def regrid(self, tick: Tick) -> None:
        """Go over to another price grid, with the fair price where it is, or on the next tick below."""
        self._grid = GRIDS[tick]
        self._move(bisect_right(self._grid, self.lids_e4[0]) - 1)

    def _walk(self) -> None:
        n = len(self._grid)
        step = self._rng.randrange(1, 2 + n // 250)  # on a fine grid a quote jumps several ticks
        self._move(self._fair + (step if self._rng.getrandbits(1) else -step))

    def _move(self, fair: int) -> None:
        n = len(self._grid)
        self._fair = min(max(fair, n // 10), n - 1 - n // 10)
        self.lids_e4 = self._grid[self._lid(0)], self._grid[self._lid(1)]

    def _lid(self, which: int) -> int:
        # The highest tick on which a side may bid.
        return len(self._grid) - 2 - self._fair if which else self._fair

    def _goal(self, lid: int) -> int:
        return min(self._levels, lid * 3 // 4 + 1)

    def _place(self, count: int, *, best: bool) -> int:
        # Where in the list of prices to act: at the best, or below it, mostly near.
        if best or count == 1:
            return count
        u = self._rng.random()
        reach = count - 1 if self._rng.random() < _GOES_DEEP else min(count - 1, 12)
        return count - 1 - int(u * u * reach)

    def _free_tick(self, ladder: Ladder, top: int) -> int:
        # A tick below `top` that holds no level, mostly near; -1 when there is none.
        u = self._rng.random()
        reach = top if self._rng.random() < _GOES_DEEP else min(top, 2 * self._levels)
        tick = top - 1 - int(u * u * reach)
        grid, sizes = self._grid, ladder.sizes
        while tick >= 0 and grid[tick] in sizes:
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

    def _resize(self, which: int, ladder: Ladder, price_e4: int) -> tuple[int, int, int]:
        size_e2, delta_e2 = ladder.sizes[price_e4], self._size_e2()
        if self._rng.getrandbits(1) or size_e2 + delta_e2 > _MAX_SIZE_E2:
            if delta_e2 < size_e2:
                delta_e2 = -delta_e2
            elif size_e2 > 100:  # whole contracts, less than all of it; a level of at most one contract grows instead
                delta_e2 = -100 - 100 * int(self._rng.random() * ((size_e2 - 1) // 100))
        return which, price_e4, delta_e2


class Rhythm:
    """When the next action comes, in which market, and how many changes it makes.

    Args:
        rng: Where every draw comes from.
        skew: Give half of the actions to the first market and spread the rest evenly over all; otherwise spread all.
    """

    __slots__ = ("_burst", "_rng", "_skew")

    def __init__(self, *, rng: random.Random, skew: bool) -> None:
        self._rng = rng
        self._skew = skew
        self._burst = 0

    def pick(self, markets: Sequence[_T]) -> _T:
        """Draw whose turn it is."""
        rng = self._rng
        if self._skew and rng.getrandbits(1):
            return markets[0]
        return markets[int(rng.random() * len(markets))]

    def goes_on(self) -> bool:
        """Draw whether the action makes one more change."""
        return self._rng.random() < _SAME_ACTION

    def pause_us(self) -> int:
        """Draw the time to the next action, microseconds, at BUSY_PER_SECOND."""
        rng = self._rng
        if self._burst:
            self._burst -= 1
            limit_us = _BURST_PAUSE_US
        else:
            limit_us = _PAUSES_US[rng.getrandbits(4)]
            if not rng.getrandbits(9):
                self._burst = 32 + rng.getrandbits(8)
        return int(rng.random() * limit_us)


class Market:
    """One made-up market of the flow: its levels, which change as the law says.

    Args:
        ticker: Its name.
        tick, levels, whole, rng: as the law takes them; its identity is drawn first.
    """

    def __init__(self, *, ticker: str, tick: Tick, levels: int, whole: bool, rng: random.Random) -> None:
        self.ticker = ticker
        self.market_id = new_id(rng)
        self.clock = first_clock(rng)
        self._law = Law(tick=tick, levels=levels, whole=whole, rng=rng)
        self._ladders = Ladder(), Ladder()

    def levels(self, side: Side) -> list[tuple[int, int]]:
        """Return the levels of one side as (price_e4, size_e2), price ascending, NO on the NO scale."""
        return self._ladders[SIDES.index(side)].levels()

    def open(self) -> None:
        """Fill both sides of the empty book."""
        for which, price_e4, size_e2 in self._law.opening(self._ladders):
            self._ladders[which].change(price_e4, size_e2)

    def close(self) -> None:
        """Empty the book."""
        for ladder in self._ladders:
            ladder.clear()

    def change(self) -> tuple[Side, int, int]:
        """Draw the next change, make it, and return its side, price_e4 (NO on the NO scale) and signed delta_e2."""
        which, price_e4, delta_e2 = self._law.draw(self._ladders)
        self._ladders[which].change(price_e4, delta_e2)
        return SIDES[which], price_e4, delta_e2
