"""The contenders that need no package of their own: each keeps its book, and its reads give what they are named after."""

import importlib

import pytest

from benchmarks import changes
from benchmarks.contenders import BOOKS, FRAMES
from benchmarks.truth import tops_of_changes

LOCAL = [entry for entry in BOOKS if entry.peer is None and not entry.is_floor and not entry.environ]


def made(entry):
    """Make one where its package is installed."""
    for name in entry.distributions:
        if name in ("numpy", "orjson"):
            pytest.importorskip(name)
    return entry.make()


@pytest.fixture(params=LOCAL, ids=lambda entry: entry.name)
def book(request):
    return made(request.param)


@pytest.fixture
def workload():
    return changes.workload(66, seed=3, count=2_000, near=False, step=100)


def test_a_book_has_the_right_top_after_every_change_and_the_right_levels_in_the_end(book, workload):
    book.open(*workload.opening)
    assert [tuple(book.top(change)) for change in workload.items] == workload.tops
    _, expected = tops_of_changes(*workload.opening, workload.items)
    yes, no = book.held()
    assert (list(yes), list(no)) == (sorted(expected["yes"].items()), sorted(expected["no"].items()))


def test_what_is_timed_is_what_was_checked(book, workload):
    book.open(*workload.opening)
    book.run(workload.items[:1_500])
    assert tuple(book.top(workload.items[1_500])) == workload.tops[1_500]


def test_a_book_that_stands_still_answers_every_question_that_is_timed(book, workload):
    book.open(*workload.opening)
    before = book.held()
    names = book.names()
    found = {name: eval(expression, dict(names)) for name, expression in book.reads.items()}
    bid, ask = (getattr(price, "price_e4", price) for price in found["both best prices"])
    assert (bid, ask) == (3_300, 10_000 - 3_300)
    for name in found.keys() & {"five levels a side", "all levels"}:
        bids, asks = found[name]
        assert (len(bids), len(asks)) == ((5, 5) if name.startswith("five") else (33, 33))
    assert book.held() == before


@pytest.mark.parametrize("entry", [*FRAMES, *BOOKS], ids=lambda entry: entry.name)
def test_every_contender_names_a_module_that_is_there(entry):
    module = entry.where.partition(":")[0]
    assert importlib.util.find_spec(f"benchmarks.contenders.{module}") is not None


def test_no_two_contenders_of_a_comparison_have_the_same_name():
    for entries in (FRAMES, BOOKS):
        assert len({entry.name for entry in entries}) == len(entries)
