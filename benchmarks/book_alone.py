"""One book without a feed: what a change and a read cost, and whether that grows with the levels."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Literal

import kalshi_book as kb
from kalshi_book.messages import OrderbookSnapshot, SnapshotBody

from .frames import WrongBooks
from .report import Row
from .timing import Contender, chunks_of, measure, progress

Side = Literal["yes", "no"]
Change = tuple[Side, int, int]  # outcome_side, price_e4, delta_e2
Sizes = dict[tuple[Side, int], int]

SIDES: tuple[Side, Side] = ("yes", "no")
CHUNK = 500
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


def prices_of(levels: int) -> range:
    """Give the prices of one side; the best of both sides sum to less than $1."""
    step = 4_900 // (levels // 2)
    return range(step, step * (levels // 2) + 1, step)


def changes_of(levels: int, *, seed: int, count: int, near: bool) -> tuple[list[Change], Sizes]:
    """Draw changes in the shares of a real market: most change a level, the rest removes one or brings one back.

    Args:
        levels: of the book that they are for, both sides together; it has ``SIZE_E2`` at each.
        seed: decides everything.
        count: how many.
        near: only the best ``NEAR`` levels of a side are hit, else all of them alike.

    Returns:
        The changes, and what the book must hold after them.
    """
    rng = random.Random(seed)
    prices = prices_of(levels)
    sizes: Sizes = {(side, price_e4): SIZE_E2 for side in SIDES for price_e4 in prices}
    changes: list[Change] = []
    for _ in range(count):
        side = SIDES[rng.getrandbits(1)]
        price_e4 = prices[-1 - rng.randrange(NEAR)] if near else prices[rng.randrange(len(prices))]
        size_e2 = sizes[side, price_e4]
        if size_e2 == 0:
            delta_e2 = 100 * rng.randrange(1, 200)
        elif rng.random() < 0.15:
            delta_e2 = -size_e2
        else:
            delta_e2 = rng.randrange(1 - size_e2, 5_000)
        sizes[side, price_e4] = size_e2 + delta_e2
        changes.append((side, price_e4, delta_e2))
    return changes, {level: size_e2 for level, size_e2 in sizes.items() if size_e2}


def changer(book: kb.OrderBook) -> Callable[[Sequence[Change]], None]:
    """Give what makes changes to a book, one call each."""

    def run(changes: Sequence[Change]) -> None:
        for side, price_e4, delta_e2 in changes:
            book.change(outcome_side=side, price_e4=price_e4, delta_e2=delta_e2)

    return run


def checked_changes(levels: int, *, seed: int, count: int, near: bool) -> list[Change]:
    """Draw changes and make sure that a book takes them as it must."""
    changes, expected = changes_of(levels, seed=seed, count=count, near=near)
    book = book_of(levels)
    changer(book)(changes)
    book.check()
    held = {(side, level.price_e4): level.size_e2 for side in SIDES for level in book.bids(outcome_side=side)}
    if held != expected:
        raise WrongBooks(f"the book of {levels} levels is wrong after {count} changes")
    return changes


def level_rows(*, seed: int, quick: bool) -> Iterator[Row]:
    """Measure a book of 90 levels against one of 1,000, both sides together."""
    count = 2_000 if quick else 100_000
    for near, goal, where in ((True, 1.05, "near the top"), (False, 1.15, "all levels hit alike")):
        progress(f"levels, {where}")
        chunks = {
            levels: chunks_of(checked_changes(levels, seed=seed, count=count, near=near), CHUNK) for levels in (90, 1_000)
        }
        times = measure(
            lambda chunks=chunks: {  # type: ignore[misc]
                str(levels): Contender(changer(book_of(levels)), chunks[levels]) for levels in chunks
            }
        )
        low, high = times.spread("1000")
        note = f"[{low:.2f}..{high:.2f}] {times.median('1000'):.0f} ns a change; 90 levels {times.median('90'):.0f} ns"
        yield Row(f"1,000 levels of a book against 90, {where}", times.ratio("1000"), goal, note=note)


def call_rows(*, seed: int, quick: bool) -> Iterator[Row]:
    """Measure calls from Python beside C calls that do nothing: ``frozenset().copy()`` gives itself back.

    They take no arguments; ``change`` takes three keywords, and reading them is most of what it costs.
    """
    progress("calls")
    chunks = chunks_of(checked_changes(124, seed=seed, count=2_000 if quick else 100_000, near=True), CHUNK)

    def make() -> Mapping[str, Contender]:
        book, still, nothing = book_of(124), book_of(124), frozenset[int]()

        def three_no_ops(changes: Sequence[Change]) -> None:
            for _side, _price_e4, _delta_e2 in changes:
                nothing.copy()
                nothing.copy()
                nothing.copy()

        def change_and_read(changes: Sequence[Change]) -> None:
            for side, price_e4, delta_e2 in changes:
                book.change(outcome_side=side, price_e4=price_e4, delta_e2=delta_e2)
                book.best_yes_bid()
                book.best_yes_ask()

        def no_op(changes: Sequence[Change]) -> None:
            for _ in repeat(None, len(changes)):
                nothing.copy()

        def read(changes: Sequence[Change]) -> None:
            for _ in repeat(None, len(changes)):
                still.best_yes_bid()

        ways = {"three no-ops": three_no_ops, "change": change_and_read, "no-op": no_op, "read": read}
        return {name: Contender(run, chunks) for name, run in ways.items()}

    times = measure(make)
    for what, name, base, goal in (
        ("one level change and both bests against three calls that do nothing", "change", "three no-ops", 1.6),
        ("a best price that was read before against a call that does nothing", "read", "no-op", 1.1),
    ):
        low, high = times.spread(name, base)
        note = f"[{low:.2f}..{high:.2f}] {times.median(name):.0f} ns; {base} {times.median(base):.0f} ns"
        yield Row(what, times.ratio(name, base), goal, note=note)
