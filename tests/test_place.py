"""Where an order stands in the queue of its level, from decreases and trades, beside a queue whose orders are known."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from implementations import part
from kalshi_book.place import Ahead, Place


@pytest.fixture
def place(kb):
    """Ten contracts ahead, placed at 100."""
    return made(kb, 1000)


def made(kb, ahead_e2, placed_ms=100):
    ahead = kb.Ahead(low_e2=ahead_e2, high_e2=ahead_e2, estimate_e2=ahead_e2)
    return part(kb, "place").Place(ahead, placed_ms=placed_ms, since_ms=placed_ms)


def bounds(place, others_e2=None):
    ahead = place.now(others_e2=others_e2)
    return ahead.low_e2, ahead.high_e2, ahead.estimate_e2


def test_a_decrease_may_have_been_ahead_or_behind(place):
    place.passed(101)
    place.decreased(300, ts_ms=101, others_e2=2000)
    assert bounds(place) == (700, 1000, 850)


def test_where_nobody_is_behind_every_decrease_is_ahead(place):
    place.passed(101)
    place.decreased(300, ts_ms=101, others_e2=1000)
    assert bounds(place) == (700, 700, 700)


def test_what_others_rest_now_holds_the_most_down(place):
    place.passed(101)
    place.decreased(300, ts_ms=101, others_e2=2000)
    assert bounds(place, others_e2=900) == (700, 900, 850)
    assert bounds(place, others_e2=800) == (700, 800, 800)


def test_a_trade_after_its_decrease_lowers_the_most_once_the_book_is_past_it(place):
    place.passed(101)
    place.decreased(300, ts_ms=101, others_e2=2000)
    place.traded(300, ts_ms=101, trade_id="a")
    assert bounds(place) == (700, 1000, 700)  # the estimate believes it at once
    place.passed(101)
    assert bounds(place) == (700, 1000, 700)
    place.passed(102)
    assert bounds(place) == (700, 700, 700)


def test_a_trade_may_come_before_its_decrease(place):
    place.traded(300, ts_ms=101, trade_id="a")
    assert bounds(place) == (1000, 1000, 1000)  # as of the book, nothing happened yet
    place.passed(101)
    place.decreased(300, ts_ms=101, others_e2=2000)
    place.passed(102)
    assert bounds(place) == (700, 700, 700)


def test_a_trade_may_come_long_after_its_decrease_and_later_bounds_are_worked_out_anew(place):
    place.passed(101)
    place.decreased(500, ts_ms=101, others_e2=1000)  # nobody behind: 500 left
    place.passed(102)
    place.decreased(100, ts_ms=102, others_e2=900)  # 400 came behind meanwhile
    assert bounds(place) == (400, 500, 444)
    place.passed(103)
    place.traded(500, ts_ms=101, trade_id="a")
    assert bounds(place) == (400, 500, 444)  # counted once: the level had said it already
    place.traded(100, ts_ms=102, trade_id="b")
    assert bounds(place) == (400, 400, 400)


@pytest.mark.parametrize(
    ("size_e2", "ts_ms"), [(299, 101), (300, 102), (300, 100), (300, 99)], ids=["size", "later", "at placing", "before"]
)
def test_a_trade_of_another_size_or_time_explains_nothing(place, size_e2, ts_ms):
    place.passed(101)
    place.decreased(300, ts_ms=101, others_e2=2000)
    place.traded(size_e2, ts_ms=ts_ms, trade_id="a")
    place.passed(103)
    assert bounds(place) == (700, 1000, 850)


def test_a_decrease_without_a_time_is_explained_by_nothing(place):
    place.decreased(300, ts_ms=None, others_e2=2000)
    place.traded(300, ts_ms=101, trade_id="a")
    place.passed(103)
    assert bounds(place) == (700, 1000, 850)


def test_of_decreases_that_look_alike_one_trade_explains_one_and_the_earliest(place):
    place.passed(101)
    place.decreased(300, ts_ms=101, others_e2=1300)  # 1000 left to others
    place.decreased(300, ts_ms=101, others_e2=1000)
    place.traded(300, ts_ms=101, trade_id="a")
    place.passed(102)
    assert bounds(place)[:2] == (400, 700)
    place.traded(300, ts_ms=101, trade_id="b")
    assert bounds(place)[:2] == (400, 400)


def test_a_trade_that_comes_twice_counts_once(place):
    place.passed(101)
    for others_e2 in (2000, 1700):
        place.decreased(300, ts_ms=101, others_e2=others_e2)
    place.traded(300, ts_ms=101, trade_id="a")
    place.traded(300, ts_ms=101, trade_id="a")
    place.passed(102)
    assert bounds(place)[:2] == (400, 700)


def test_trades_without_a_name_are_taken_to_be_different_ones(place):
    place.passed(101)
    for others_e2 in (2000, 1700):
        place.decreased(300, ts_ms=101, others_e2=others_e2)
        place.traded(300, ts_ms=101, trade_id=None)
    place.passed(102)
    assert bounds(place)[:2] == (400, 400)


def test_a_trade_larger_than_what_was_ahead_took_the_rest_from_behind(place):
    place.passed(101)
    place.decreased(1300, ts_ms=101, others_e2=2000)
    place.traded(1300, ts_ms=101, trade_id="a")
    place.passed(102)
    assert bounds(place) == (0, 0, 0)


def test_a_trade_whose_decrease_never_comes_is_forgotten_when_the_book_is_past_it(place):
    place.traded(300, ts_ms=101, trade_id="a")
    place.passed(102)
    place.decreased(300, ts_ms=101, others_e2=2000)  # a book that goes back in time: not explained any more
    place.passed(103)
    assert bounds(place) == (700, 1000, 850)


def test_no_more_trades_wait_than_are_kept(kb):
    place, kept = made(kb, 100_000), part(kb, "place").KEPT
    for number in range(kept + 1):
        place.traded(100 + number, ts_ms=101, trade_id=str(number))
    place.passed(101)
    for number in (kept - 1, kept):
        place.decreased(100 + number, ts_ms=101, others_e2=200_000)
    place.passed(102)
    assert bounds(place)[:2] == (100_000 - 100 - kept + 1 - 100 - kept, 100_000 - 100 - kept + 1)


def test_no_more_decreases_wait_than_are_kept_and_an_older_trade_explains_none_of_them(kb):
    place, kept = made(kb, 100_000), part(kb, "place").KEPT
    for number in range(kept + 1):
        place.passed(101 + number)
        place.decreased(100, ts_ms=101 + number, others_e2=200_000 - 100 * number)
    place.passed(101 + kept + 1)
    low_e2 = 100_000 - 100 * (kept + 1)
    place.traded(100, ts_ms=101, trade_id="forgotten")
    assert bounds(place)[:2] == (low_e2, 100_000)
    place.traded(100, ts_ms=102, trade_id="kept")
    assert bounds(place)[:2] == (low_e2, 99_900)


def test_old_decreases_without_a_time_are_let_go_as_well(kb):
    place, kept = made(kb, 100_000), part(kb, "place").KEPT
    for number in range(kept + 1):
        place.decreased(100, ts_ms=None, others_e2=200_000 - 100 * number)
    assert bounds(place)[:2] == (100_000 - 100 * (kept + 1), 100_000)


def test_who_is_filled_has_nobody_ahead(place):
    place.filled(ts_ms=101)
    assert bounds(place) == (0, 1000, 0)  # the book has not shown it
    place.filled(ts_ms=103)
    place.passed(102)
    assert bounds(place) == (0, 0, 0)


@pytest.mark.parametrize("ts_ms", [99, 100])
def test_a_fill_from_before_the_place_says_nothing_of_it(place, ts_ms):
    place.filled(ts_ms=ts_ms)
    place.passed(101)
    assert bounds(place) == (1000, 1000, 1000)


def test_where_the_time_of_the_placing_is_not_known_a_fill_says_nothing(kb):
    place = made(kb, 1000, placed_ms=None)
    place.filled(ts_ms=101)
    place.passed(102)
    assert bounds(place) == (1000, 1000, 1000)


def test_where_the_time_of_the_placing_is_not_known_trades_count_from_the_next_time_on(kb):
    place = made(kb, 1000, placed_ms=None)
    place.traded(300, ts_ms=101, trade_id="a")
    for ts_ms, others_e2 in ((101, 2000), (102, 1700)):
        place.passed(ts_ms)
        place.decreased(300, ts_ms=ts_ms, others_e2=others_e2)
        place.traded(300, ts_ms=ts_ms, trade_id=str(ts_ms))
    place.passed(103)
    assert bounds(place)[:2] == (400, 700)


def test_one_ahead_that_grows_leaves_its_place_and_only_the_least_knows(place):
    place.joined()
    assert bounds(place) == (0, 1000, 1000)


def test_after_missed_changes_the_most_stays_and_older_trades_count_no_more(place):
    place.passed(101)
    place.decreased(300, ts_ms=101, others_e2=1100)
    place.missed()
    assert bounds(place) == (0, 800, 727)
    place.passed(105)
    place.traded(300, ts_ms=101, trade_id="a")
    place.traded(300, ts_ms=105, trade_id="b")
    place.decreased(300, ts_ms=105, others_e2=1100)
    place.passed(106)
    assert bounds(place)[:2] == (0, 800)


def test_what_is_observed_is_exact_and_older_trades_count_no_more(place):
    place.passed(101)
    place.decreased(300, ts_ms=101, others_e2=2000)
    place.observed(800)
    assert bounds(place) == (800, 800, 800)
    place.traded(300, ts_ms=101, trade_id="a")
    place.passed(102)
    assert bounds(place) == (800, 800, 800)


def test_sizes_are_exact_decimals_and_shown(kb):
    ahead = kb.Ahead(low_e2=5, high_e2=12_345, estimate_e2=700)
    assert (ahead.low, ahead.high, ahead.estimate) == (Decimal("0.05"), Decimal("123.45"), Decimal("7.00"))
    assert repr(ahead) == "Ahead(0.05 to 123.45, about 7.00)"
    assert ahead == kb.Ahead(low_e2=5, high_e2=12_345, estimate_e2=700)


# Beside a queue whose orders are known.

WHAT = st.tuples(
    st.sampled_from(["join", "cancel", "cut", "trade", "elsewhere"]),
    st.integers(0, 9),  # whose turn it is, by place in the queue
    st.sampled_from([1, 1, 2]),  # how much
    st.sampled_from([0, 0, 1]),  # how much later, ms
    st.integers(0, 3),  # how many steps later a trade is told; 0: before its decrease
)
OWN, OWN_SIZE = -1, 4


@given(st.lists(st.integers(1, 3), max_size=5), st.lists(WHAT, max_size=25))
def test_the_truth_is_always_within_the_bounds(ahead, steps):
    """As of the book: where a trade comes before its decrease, also in between."""
    queue = [[number, size] for number, size in enumerate(ahead)] + [[OWN, OWN_SIZE]]  # the earliest first
    start = sum(ahead)
    place = Place(Ahead(low_e2=start, high_e2=start, estimate_e2=start), placed_ms=0, since_ms=0)

    def others_e2():
        """As far as is known: how much of the own order was filled is told late, if ever."""
        return max(sum(size for _, size in queue) - OWN_SIZE, 0)

    def check():
        true = sum(size for _, size in queue[: [number for number, _ in queue].index(OWN)])
        now = place.now(others_e2=others_e2())
        assert now.low_e2 <= true <= now.high_e2
        assert now.low_e2 <= now.estimate_e2 <= now.high_e2

    now_ms, untold = 1, []
    for step, (what, which, size, later_ms, delay) in enumerate(steps):
        now_ms += later_ms
        target = queue[0] if what == "trade" else queue[which % len(queue)]
        size = target[1] if what == "cancel" else min(size, target[1])
        if what == "trade" and not delay:
            place.traded(size, ts_ms=now_ms, trade_id=str(step))
            check()
        place.passed(now_ms)
        if what == "join":
            queue.append([len(queue), size])
        elif what == "trade" or (what in ("cancel", "cut") and target[0] != OWN):
            place.decreased(size, ts_ms=now_ms, others_e2=others_e2())
            target[1] -= size
            if not target[1]:
                queue.remove(target)
                if target[0] == OWN:
                    return
        if what == "trade" and delay:
            untold.append((step + delay, size, now_ms, str(step)))
        for trade in [trade for trade in untold if trade[0] <= step + 1]:
            untold.remove(trade)
            place.traded(trade[1], ts_ms=trade[2], trade_id=trade[3])
        check()
