"""Level changes of one book, drawn from a seed, and the books that they start from and end in."""

from __future__ import annotations

import random
from typing import Literal

import kalshi_book as kb
from kalshi_book.messages import OrderbookSnapshot, SnapshotBody

from .truth import tops_of_changes
from .workers import Workload

Side = Literal["yes", "no"]
Change = tuple[Side, int, int]  # outcome_side, price_e4, delta_e2
Sizes = dict[tuple[Side, int], int]

SIDES: tuple[Side, Side] = ("yes", "no")
SIZE_E2 = 10_000
NEAR = 8  # levels of a side, the best and those below it, that count as near the top


def book_of(levels: int) -> kb.OrderBook:
    """Make a book of evenly spaced bids of one size, half of them on each side."""
    book = kb.OrderBook("KXBENCH-26-A")
    raw: list[tuple[str | int, str | int]] = [
        (f"0.{price_e4:04d}", f"{SIZE_E2 // 100}.00") for price_e4 in prices_of(levels)
    ]
    body = SnapshotBody(market_ticker=book.market_ticker, yes_dollars_fp=raw, no_dollars_fp=list(raw))
    book.apply(OrderbookSnapshot(sid=1, seq=1, msg=body))
    return book


def prices_of(levels: int, step: int | None = None) -> range:
    """Give the prices of one side; the best of both sides sum to less than $1. At most 9,800 levels fit in."""
    step = step or 4_900 // (levels // 2)
    return range(step, step * (levels // 2) + 1, step)


def changes_of(levels: int, *, seed: int, count: int, near: bool, step: int | None = None) -> tuple[list[Change], Sizes]:
    """Draw changes in the shares of a real market: most change a level, the rest removes one or brings one back.

    Args:
        levels: of the book that they are for, both sides together; it has ``SIZE_E2`` at each.
        seed: decides everything.
        count: how many.
        near: only the best ``NEAR`` levels of a side are hit, else all of them alike.
        step: between two prices; None: as wide as the levels leave room for.

    Returns:
        The changes, and what the book must hold after them.
    """
    rng = random.Random(seed)
    prices = prices_of(levels, step)
    sizes: Sizes = {(side, price_e4): SIZE_E2 for side in SIDES for price_e4 in prices}
    held = dict.fromkeys(SIDES, len(prices))  # a side is never emptied: not everybody can say that nobody bids
    changes: list[Change] = []
    for _ in range(count):
        side = SIDES[rng.getrandbits(1)]
        price_e4 = prices[-1 - rng.randrange(min(NEAR, len(prices)))] if near else prices[rng.randrange(len(prices))]
        size_e2 = sizes[side, price_e4]
        if size_e2 == 0:
            delta_e2 = 100 * rng.randrange(1, 200)
            held[side] += 1
        elif rng.random() < 0.15 and held[side] > 1:
            delta_e2 = -size_e2
            held[side] -= 1
        else:
            delta_e2 = rng.randrange(1 - size_e2, 5_000)
        sizes[side, price_e4] = size_e2 + delta_e2
        changes.append((side, price_e4, delta_e2))
    return changes, {level: size_e2 for level, size_e2 in sizes.items() if size_e2}


def workload(levels: int, *, seed: int, count: int, near: bool, step: int | None = None) -> Workload:
    """Make what every contender can be given."""
    changes, _ = changes_of(levels, seed=seed, count=count, near=near, step=step)
    side = [(price_e4, SIZE_E2) for price_e4 in prices_of(levels, step)]
    tops, _ = tops_of_changes(side, side, changes)
    return Workload(f"a book of {levels:,} levels", "books", [side, side], changes, tops)
