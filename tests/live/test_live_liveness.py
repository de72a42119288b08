"""Whether a connection lives, and whether a subscription does."""

import pytest

from kalshi_book.live.liveness import (
    DEAD_NS,
    DEAD_TICKS,
    LAG_NS,
    MAX_PATIENCE_NS,
    QUIET_GAPS,
    QUIET_NS,
    TICK_NS,
    Link,
    Pulse,
)
from session import SECOND


class TestALink:
    @pytest.fixture
    def link(self):
        return Link(0, max_silence_ns=3 * SECOND)

    def test_lives_as_long_as_any_bytes_come(self, link):
        for now_ns in range(0, 100 * SECOND, SECOND):
            link.heard(now_ns)
            link.tick(now_ns)
            assert not (link.is_silent(now_ns + 1) or link.is_dead(now_ns + 1))

    def test_is_silent_when_nothing_came_for_longer_than_is_allowed(self, link):
        assert not link.is_silent(3 * SECOND - 1)
        assert link.is_silent(3 * SECOND)
        assert link.silence_ns(3 * SECOND) == 3 * SECOND

    def test_is_dead_later_and_never_before_ten_seconds(self, link):
        patient = Link(0, max_silence_ns=60 * SECOND)
        for each in (link, patient):
            for _ in range(DEAD_TICKS - 1):
                each.tick(SECOND)
            assert not each.is_dead(90 * SECOND)
            each.tick(SECOND)
        assert not link.is_dead(DEAD_NS - 1)
        assert link.is_dead(DEAD_NS)
        assert not patient.is_dead(60 * SECOND - 1)
        assert patient.is_dead(60 * SECOND)

    def test_is_looked_at_every_two_seconds_and_when_the_allowed_silence_ends(self):
        link = Link(0, max_silence_ns=5 * SECOND)
        assert [link.plan(now_ns) for now_ns in (0, 2 * TICK_NS, 5 * SECOND)] == [TICK_NS, 5 * SECOND, 7 * SECOND]

    def test_is_looked_at_more_often_where_less_silence_is_allowed(self):
        """So that a ping may be answered within it."""
        assert Link(0, max_silence_ns=SECOND).plan(0) == SECOND // 2

    def test_tells_bytes_that_end_a_silence_which_nobody_saw(self, link):
        assert not link.heard(3 * SECOND - 1)
        assert link.heard(6 * SECOND - 1)
        assert not link.heard(6 * SECOND)

    def test_is_late_again_and_again_where_it_cannot_be_helped(self, link):
        """In a chain of late ticks all but the first judge: the loop turned between them."""
        assert [link.tick((1 + at) * 10 * SECOND) for at in range(3)] == [True, False, False]

    def test_is_not_judged_by_a_tick_that_comes_late(self, link):
        due_ns = link.plan(0)
        assert not link.tick(due_ns + LAG_NS)
        assert link.tick(due_ns + LAG_NS + 1)
        assert link.lag_ns == LAG_NS + 1
        assert link.is_late
        assert not link.tick(due_ns - 1)
        assert (link.lag_ns, link.is_late) == (0, False)


class TestAPulse:
    def test_of_a_busy_subscription_is_missed_after_half_a_minute(self):
        pulse = Pulse(0, 1)
        for step in range(1, 11):
            pulse.look(step * SECOND, 1 + 100 * step)
        assert not pulse.wants_probe(10 * SECOND + QUIET_NS - 1)
        assert pulse.wants_probe(10 * SECOND + QUIET_NS)

    def test_of_a_quiet_one_is_missed_after_many_of_its_own_gaps(self):
        """FM-04: a time-out of ten seconds disconnects a quiet market all day."""
        pulse = Pulse(0, 1)
        for step in range(1, 6):
            pulse.look(10 * step * SECOND, 1 + step)
        assert pulse.limit_ns() == QUIET_GAPS * 10 * SECOND

    def test_of_one_that_never_spoke_is_asked_for_after_its_allowance(self):
        pulse = Pulse(5, 1)
        assert pulse.limit_ns() == QUIET_GAPS * QUIET_NS
        assert pulse.wants_probe(5 + QUIET_GAPS * QUIET_NS)

    def test_is_probed_once_and_dead_when_the_probe_is_not_answered(self):
        pulse = Pulse(0, 1)
        pulse.look(1, 1000)
        pulse.probed(QUIET_NS + 1)
        assert pulse.is_probed
        assert not pulse.wants_probe(10 * QUIET_NS)
        assert not pulse.is_dead(QUIET_NS + SECOND, SECOND)
        assert pulse.is_dead(QUIET_NS + 1 + SECOND, SECOND)

    @pytest.mark.parametrize("is_numbered", [True, False])
    def test_that_answers_is_left_alone_for_twice_as_long_until_data_come(self, is_numbered):
        pulse = Pulse(0, 1)
        pulse.look(1, 1000)
        limits = []
        for step in range(1, 12):
            pulse.probed(step)
            pulse.answered(step, is_numbered=is_numbered)
            pulse.look(step, 1000 + step * is_numbered)
            limits.append(pulse.limit_ns() // QUIET_NS)
        assert limits == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]
        assert pulse.limit_ns() == MAX_PATIENCE_NS
        assert not pulse.is_dead(10**18, 1)
        pulse.look(100, 2000)
        assert (pulse.heard_ns, pulse.limit_ns()) == (100, QUIET_NS)

    def test_that_gives_data_needs_no_answer(self):
        pulse = Pulse(0, 1)
        pulse.look(1, 1000)
        pulse.probed(2)
        pulse.look(3, 1001)
        assert not pulse.is_probed
        assert not pulse.is_dead(10**18, 1)

    def test_counts_a_count_that_fell_as_a_step(self):
        pulse = Pulse(0, 500)
        pulse.look(7, 1)
        assert pulse.heard_ns == 7
