"""Levels come and go at the bottom, at the top and in the midst of a book of any depth, and it holds what it should."""

import random
from bisect import bisect, insort

import pytest

from frames import A, snapshot

PLACES = {
    "at the bottom": lambda rng, count: rng.randrange(min(count, 3)),
    "at the top": lambda rng, count: count - 1 - rng.randrange(min(count, 3)),
    "in the midst": lambda _, count: count // 2,
    "anywhere": lambda rng, count: rng.randrange(count),
    "at both ends": lambda rng, count: rng.choice((0, count - 1)),
}
DEPTHS = (1, 5, 31, 32, 33, 70, 600)


class Walk:
    """A book beside a sorted list of the prices that it should hold, each with its price as its size."""

    def __init__(self, kb, rng):
        self.rng = rng
        self.book = kb.OrderBook(A)
        self.book.apply(kb.decode(snapshot(A, [], [])))
        self.held, self.free = [], list(range(1, 10_000))

    def put(self, place):
        """Let a level come, at or near a place."""
        near = self.held[place(self.rng, len(self.held))] if self.held else 5_000
        price_e4 = self.free.pop(min(bisect(self.free, near), len(self.free) - 1))
        assert self.book.change(outcome_side="yes", price_e4=price_e4, delta_e2=price_e4) == price_e4
        insort(self.held, price_e4)

    def take(self, place):
        """Let the level at a place go."""
        price_e4 = self.held.pop(place(self.rng, len(self.held)))
        assert self.book.change(outcome_side="yes", price_e4=price_e4, delta_e2=-price_e4) == 0
        insort(self.free, price_e4)

    def check(self):
        self.book.check()
        for book in (self.book, self.book.snapshot()):
            levels = book.bids()
            assert [level.price_e4 for level in levels] == self.held[::-1]
            assert all(level.size_e2 == level.price_e4 for level in levels)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("put", "take"), [(put, take) for put in PLACES for take in PLACES])
def test_levels_come_and_go(kb, put, take, depth):
    walk = Walk(kb, random.Random(depth))
    for _ in range(depth):
        walk.put(PLACES["anywhere"])
    for number in range(60):
        walk.put(PLACES[put])
        walk.take(PLACES[take])
        if number % 20 == 0:
            walk.check()
    while walk.held:
        walk.take(PLACES[take])
        if len(walk.held) % 300 == 0:
            walk.check()


@pytest.mark.parametrize("depth", [*DEPTHS, 1_100])
def test_every_price_is_found_or_not_at_any_depth(kb, depth):
    prices = range(10, 10 + 2 * depth, 2)
    book = kb.OrderBook(A)
    book.apply(kb.decode(snapshot(A, [(f"0.{price:04d}", "1.00") for price in prices], [])))
    sizes = [book._size_at(False, price, True) for price in range(1, 20 + 2 * depth)]
    assert sizes == [100 * (price in prices) for price in range(1, 20 + 2 * depth)]


def test_a_book_of_every_price_is_found_through(kb):
    """9,999 levels: more than what is looked through in one go."""
    book = kb.OrderBook(A)
    book.apply(kb.decode(snapshot(A, [(f"0.{price:04d}", f"{price}.00") for price in range(1, 10_000)], [])))
    assert [book._size_at(False, price, True) for price in range(10_001)] == [*range(0, 1_000_000, 100), 0]
