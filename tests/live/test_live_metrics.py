"""What a client counts."""

import pytest

import kalshi_book as kb
from kalshi_book.live.metrics import AGES, BOUNDS_NS, AgeCounter, Ages, Tally

MS = 1_000_000


def collected(*ages_ns):
    counter = AgeCounter()
    for age_ns in ages_ns:
        counter.add(age_ns)
    return counter.value()


class TestAges:
    def test_of_nothing_say_nothing(self):
        ages = collected()
        assert ages == Ages()
        assert (ages.count, ages.mean_ns, ages.min_ns, ages.max_ns, ages.at_most_ns(0.5)) == (0, None, None, None, None)

    def test_are_counted_in_steps_of_1_2_5(self):
        assert BOUNDS_NS[:4] == (1_000, 2_000, 5_000, 10_000)
        assert BOUNDS_NS[-1] == 500 * 10**9
        ages = collected(1_000, 1_001, 3 * MS, 10**15)
        assert [(bucket, count) for bucket, count in enumerate(ages.counts) if count] == [(0, 1), (1, 1), (11, 1), (27, 1)]
        assert (ages.count, ages.sum_ns, ages.mean_ns) == (4, 10**15 + 3_002_001, (10**15 + 3_002_001) // 4)

    def test_are_known_by_the_bound_under_which_a_share_lies(self):
        ages = collected(*[3 * MS] * 98, 40 * MS, 10**15)
        assert [ages.at_most_ns(share) for share in (0, 0.5, 0.98, 0.99, 1)] == [5 * MS, 5 * MS, 5 * MS, 50 * MS, 10**15]

    def test_are_never_said_to_be_more_than_the_greatest(self):
        assert collected(3 * MS).at_most_ns(0.5) == 3 * MS

    def test_may_lie_below_0_where_two_clocks_are_compared(self):
        ages = collected(-5 * MS, 2)
        assert (ages.counts[0], ages.min_ns, ages.max_ns) == (2, -5 * MS, 2)

    @pytest.mark.parametrize("share", [-0.1, 1.1])
    def test_have_shares_of_0_to_1(self, share):
        with pytest.raises(kb.UsageError, match=rf"^a share is 0 to 1, not {share}$"):
            collected(1).at_most_ns(share)


def test_a_message_has_four_ages():
    tally = Tally()
    tally.sample(ts_ms=1_000, sending_ts_ms=1_003, received_ns=1_010 * MS, applied_ns=1_011 * MS)
    assert {name: tally.ages[name].value().sum_ns // MS for name in AGES} == {
        "exchange_to_queued": 3, "queued_to_received": 7, "received_to_applied": 1, "exchange_to_applied": 11,
    }  # fmt: skip


def test_what_a_message_does_not_say_has_no_age():
    tally = Tally()
    tally.sample(ts_ms=None, sending_ts_ms=None, received_ns=5, applied_ns=9)
    assert {name: tally.ages[name].value().count for name in AGES} == {
        "exchange_to_queued": 0, "queued_to_received": 0, "received_to_applied": 1, "exchange_to_applied": 0,
    }  # fmt: skip
