"""A side of a book: levels by price, the best always known."""

from hypothesis import given
from hypothesis import strategies as st

from kalshi_book.sim.ladder import Ladder


def test_an_empty_side_has_no_levels_and_no_best():
    ladder = Ladder()
    assert ladder.levels() == [] and ladder.best == 0


def test_levels_come_in_order_of_price_and_the_highest_is_the_best():
    ladder = Ladder()
    for price_e4, size_e2 in ((4_200, 100), (900, 7), (5_100, 55)):
        ladder.change(price_e4, size_e2)
    assert ladder.levels() == [(900, 7), (4_200, 100), (5_100, 55)] and ladder.best == 5_100


def test_a_level_that_sinks_to_nothing_is_gone():
    ladder = Ladder()
    ladder.change(4_200, 100)
    ladder.change(900, 7)
    ladder.change(4_200, -60)
    assert ladder.levels() == [(900, 7), (4_200, 40)]
    ladder.change(4_200, -40)
    assert ladder.levels() == [(900, 7)] and ladder.best == 900


def test_a_cleared_side_is_as_new():
    ladder = Ladder()
    ladder.change(4_200, 100)
    ladder.clear()
    assert ladder.levels() == [] and ladder.best == 0 and ladder.sizes == {}


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 5), st.booleans())))
def test_the_levels_are_the_sums_of_the_changes(changes):
    ladder, sums = Ladder(), {}
    for price_e4, size_e2, takes in changes:
        delta_e2 = -min(size_e2, sums.get(price_e4, 0)) if takes else size_e2
        if delta_e2:
            ladder.change(price_e4, delta_e2)
            sums[price_e4] = sums.get(price_e4, 0) + delta_e2
    sums = {price_e4: size_e2 for price_e4, size_e2 in sums.items() if size_e2}
    assert ladder.levels() == sorted(sums.items()) and ladder.best == max(sums, default=0)
