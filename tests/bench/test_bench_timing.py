"""The arithmetic of a comparison: none of these looks at a clock's answer."""

import pytest

from benchmarks import timing
from benchmarks.timing import Contender, Times, chunks_of


@pytest.fixture
def times():
    return Times({"ours": [10.0, 20.0, 10.0, 40.0, 10.0], "theirs": [30.0, 40.0, 20.0, 160.0, 50.0]})


def test_a_ratio_is_the_median_of_the_ratios_on_each_chunk_and_not_the_ratio_of_the_medians(times):
    assert times.ratios("theirs") == [2.0, 2.0, 3.0, 4.0, 5.0]
    assert times.ratio("theirs") == 3.0
    assert times.median("theirs") / times.median("ours") == 4.0


def test_the_spread_is_that_of_the_paired_ratios(times):
    assert times.spread("theirs") == (2.0, 4.0)


def test_the_base_is_the_first_unless_another_is_named(times):
    assert times.ratio("ours", "theirs") == pytest.approx(1 / 3)


def test_who_had_fewer_chunks_is_compared_on_those_that_both_had():
    assert Times({"ours": [1.0, 2.0, 3.0], "slow": [10.0, 40.0]}).ratios("slow") == [10.0, 20.0]


def test_a_machine_is_unsteady_when_the_base_is_often_above_its_least():
    assert Times({"ours": [10.0, 10.0, 11.0]}).unsteadiness == 1.0
    assert Times({"ours": [10.0, 20.0, 30.0]}).unsteadiness == 2.0


def test_a_shorter_rest_is_left_out_unless_it_is_all_there_is():
    assert chunks_of([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4]]
    assert chunks_of([1], 2) == [[1]]


def test_every_contender_runs_once_on_every_chunk_and_each_is_first_in_turn():
    ran = []
    chunks = chunks_of(range(6), 2)
    contenders = {name: Contender(lambda chunk, name=name: ran.append((chunk[0], name)), chunks) for name in "abc"}
    times = timing.run_once(contenders)
    assert [name for _, name in ran] == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert [at for at, _ in ran] == [0, 0, 0, 2, 2, 2, 4, 4, 4]
    assert {name: len(found) for name, found in times.ns.items()} == {"a": 3, "b": 3, "c": 3}


def test_an_unsteady_pass_is_made_again_up_to_a_bound_and_the_steadiest_counts(monkeypatch):
    passes = [Times({"ours": [1.0, steady, steady]}) for steady in (3.0, 2.0, 2.5, 4.0)]
    left = iter(passes)
    monkeypatch.setattr(timing, "run_once", lambda contenders: next(left))
    assert timing.measure(dict) is passes[1]
    assert next(left, None) is None


def test_a_steady_pass_is_enough(monkeypatch):
    left = iter([Times({"ours": [1.0, 1.2, 1.2]})])
    monkeypatch.setattr(timing, "run_once", lambda contenders: next(left))
    assert timing.measure(dict).unsteadiness == 1.2


def test_the_clock_moves():
    assert timing.timer_resolution_ns() > 0
    assert timing.timer_cost_ns() > 0
