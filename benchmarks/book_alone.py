"""One book without a feed: what a change and a read cost, and whether that grows with the levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat

import kalshi_book as kb

from .changes import SIDES, Change, book_of, changes_of
from .flows import WrongBooks
from .report import Row
from .timing import Contender, chunks_of, measure, progress

CHUNK = 500


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
