"""When to try again."""

from random import Random

import pytest

from kalshi_book.live.backoff import (
    BASE_NS,
    CAP_NS,
    CONNECTS_PER_MINUTE,
    HEALTHY_NS,
    SLOW_NS,
    Backoff,
    ConnectBudget,
)
from session import MINUTE, SECOND


class Top:
    """Always draws the most."""

    def random(self):
        return 1 - 2**-53


@pytest.fixture
def worst():
    return Backoff(Top())


def ceilings(backoff, count):
    return [round(backoff.next_ns() / SECOND) for _ in range(count)]


class TestADelay:
    def test_has_a_ceiling_that_doubles_up_to_the_cap(self, worst):
        assert ceilings(worst, 9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert worst.failures == 9

    def test_stays_at_the_cap_for_ever(self, worst):
        assert ceilings(worst, 2000)[-1] == 60

    def test_is_drawn_from_all_of_0_to_its_ceiling_at_the_cap_too(self):
        """FM-11: jitter that collapses at the cap makes a herd of all that wait there (Kolmogorov-Smirnov, 1 in 1000)."""
        backoff = Backoff(Random(11))
        ceilings(backoff, 10)
        drawn = sorted(backoff.next_ns() / CAP_NS for _ in range(1000))
        distance = max(max((n + 1) / 1000 - x, x - n / 1000) for n, x in enumerate(drawn))
        assert distance < 1.95 / 1000**0.5

    def test_falls_back_to_the_base_after_a_healthy_spell(self, worst):
        ceilings(worst, 9)
        for now_ns in (0, HEALTHY_NS // 2, HEALTHY_NS):
            worst.is_well(now_ns, True)
        assert (worst.failures, ceilings(worst, 2)) == (0, [1, 2])

    def test_does_not_fall_back_for_less(self, worst):
        """FM-12: what dies right after its handshake never backs off where the handshake resets."""
        ceilings(worst, 4)
        worst.is_well(0, True)
        worst.is_well(HEALTHY_NS - 1, True)
        worst.is_well(HEALTHY_NS, False)
        worst.is_well(HEALTHY_NS + 1, True)
        worst.is_well(2 * HEALTHY_NS, True)
        assert ceilings(worst, 1) == [16]

    def test_counts_health_anew_after_each_failure(self, worst):
        worst.is_well(0, True)
        ceilings(worst, 2)
        worst.is_well(HEALTHY_NS, True)
        assert ceilings(worst, 1) == [4]

    def test_is_minutes_where_nothing_will_change_by_itself(self, worst):
        """FM-15: at most three attempts in ten minutes."""
        assert Backoff(Random(1)).slow_ns() >= SLOW_NS[0] == 4 * MINUTE
        assert SLOW_NS[1] - 1000 <= worst.slow_ns() <= SLOW_NS[1] == 6 * MINUTE
        assert worst.failures == 0
        worst.is_well(0, True)
        worst.slow_ns()
        worst.is_well(HEALTHY_NS, True)
        assert BASE_NS == SECOND


class TestTheBudget:
    def test_holds_back_what_is_more_than_is_allowed_in_a_minute(self):
        budget = ConnectBudget()
        for number in range(CONNECTS_PER_MINUTE):
            assert budget.wait_ns(number) == 0
            budget.spend(number)
        assert budget.wait_ns(SECOND) == MINUTE - SECOND
        assert budget.wait_ns(MINUTE) == 0

    def test_goes_by_the_oldest_of_the_last_ones(self):
        budget = ConnectBudget()
        for number in range(CONNECTS_PER_MINUTE + 5):
            budget.spend(number)
        assert budget.wait_ns(SECOND) == MINUTE + 5 - SECOND
