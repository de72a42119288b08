"""The deadlines and the budget of the recovery, as numbers."""

import pytest

from implementations import part
from session import MINUTE, SECOND


@pytest.fixture
def budget(kb):
    """Six commands a minute, three at once."""
    return part(kb, "pace").Budget(kb.Pace(budget_per_minute=6, burst=3))


class TestPace:
    def test_its_defaults_are_these(self, kb):
        pace = kb.Pace()
        assert (pace.answer_ns, pace.tries, pace.retry_ns) == (10 * SECOND, 2, MINUTE)
        assert (pace.budget_per_minute, pace.burst) == (120, 60)

    def test_each_is_the_callers_to_choose_and_then_fixed(self, kb):
        pace = kb.Pace(answer_ns=1, tries=1, retry_ns=1, budget_per_minute=1, burst=1)
        assert pace != kb.Pace()
        with pytest.raises(AttributeError):
            pace.tries = 3

    @pytest.mark.parametrize("name", ["answer_ns", "tries", "retry_ns", "budget_per_minute", "burst"])
    @pytest.mark.parametrize("value", [0, -1, 1.5, "5", None, True])
    def test_none_is_less_than_1_or_no_whole_number(self, kb, name, value):
        with pytest.raises(kb.UsageError) as raised:
            kb.Pace(**{name: value})
        assert str(raised.value) == f"{name} must be a whole number above 0, not {value!r}"


class TestBudget:
    def test_it_begins_full_and_each_command_takes_one(self, budget):
        budget.advance(0)
        left = []
        for _ in range(3):
            left.append((budget.left, budget.next_ns))
            budget.spend()
        assert left == [(3, None), (2, None), (1, None)]
        assert (budget.left, budget.next_ns) == (0, 10 * SECOND)

    def test_it_fills_with_time_and_never_over_its_brim(self, budget):
        budget.advance(5)
        for _ in range(3):
            budget.spend()
        budget.advance(5 + 10 * SECOND - 1)
        assert (budget.left, budget.next_ns) == (0, 5 + 10 * SECOND)
        budget.advance(5 + 10 * SECOND)
        assert (budget.left, budget.next_ns) == (1, None)
        budget.advance(MINUTE * MINUTE)
        assert budget.left == 3

    def test_what_is_not_there_is_owed(self, budget):
        budget.advance(0)
        for _ in range(5):
            budget.spend()
        assert (budget.left, budget.next_ns) == (-2, 30 * SECOND)

    def test_before_time_is_told_it_is_never_empty(self, budget):
        """Nothing could fill it again."""
        for _ in range(10):
            budget.spend()
        assert (budget.left, budget.next_ns) == (3, None)

    def test_more_than_one_a_nanosecond_is_possible_and_not_divided_by(self, kb):
        budget = part(kb, "pace").Budget(kb.Pace(budget_per_minute=MINUTE * 2, burst=1))
        budget.advance(0)
        budget.spend()
        assert budget.next_ns == 1
