"""When faults strike."""

import itertools

import pytest

from kalshi_book import UsageError
from kalshi_book.sim import faults as kinds
from kalshi_book.sim.faults import FAULT_KINDS
from kalshi_book.sim.switchboard import LOGGED, Faults

SECOND = 1_000_000_000
START = 1_793_000_000 * SECOND


class Board(Faults):
    """Faults that note what turned, and whether it is on."""

    def __init__(self, seed=7):
        self.turns, self.added, self.now_ns = [], 0, START
        super().__init__(seed=seed, clock=lambda: self.now_ns, turned=self.turn, added=self.count)

    def turn(self, planted):
        self.turns.append((planted.fault.kind, planted.is_on, (self.now_ns - START) / SECOND))

    def wait_until(self, now_ns):
        """Let time pass, from one due to the next."""
        while (due_ns := self.next_due_ns) is not None and due_ns <= now_ns:
            self.now_ns = due_ns
            self.advance()
        self.now_ns = now_ns

    def count(self):
        self.added += 1

    def strikes_of(self, planted, seconds, step_ns=SECOND // 10):
        """Offer something that fits each tenth of a second; give when it was struck."""
        struck = []
        for now_ns in range(START, START + seconds * SECOND, step_ns):
            self.wait_until(now_ns)
            if planted.strikes(now_ns):
                struck.append((now_ns - START) / SECOND)
        return struck


@pytest.fixture
def board():
    return Board()


def test_there_is_a_method_for_every_kind(board):
    for name, kind in FAULT_KINDS.items():
        required = {"slow_link": {"bytes_per_s": 1}, "clock_step": {"step_s": 1}}.get(name, {})
        planted = getattr(board, name)(**required, at_s=9)
        assert type(planted.fault) is kind
        assert getattr(board, name).__doc__ == kind.__doc__ == getattr(Faults, name).__doc__
    assert len(board.planted) == len(FAULT_KINDS)
    assert board.added == len(FAULT_KINDS)


# Pickers.


def test_a_picker_strikes_the_next_that_fits_and_is_over(board):
    planted = board.drop()
    assert repr(planted) == "<drop: waits, happened 0>"
    assert board.frames == [planted]
    assert board.strikes_of(planted, 1) == [0]
    assert (planted.is_over, board.frames, repr(planted)) == (True, [], "<drop: over, happened 0>")


def test_the_nth_that_fits_is_struck_alone(board):
    assert board.strikes_of(board.drop(nth=3), 1) == [0.2]


def test_so_many_that_fit_are_struck(board):
    assert board.strikes_of(board.drop(times=3), 1) == [0, 0.1, 0.2]


def test_nothing_is_struck_before_its_time(board):
    assert board.strikes_of(board.drop(after_s=0.35), 1) == [0.4]
    board = Board()
    board.wait_until(START + SECOND)
    assert board.drop(at_s=0.5).strikes(START + SECOND)  # over already: now
    planted = board.drop(at_s=1.5)
    assert not planted.strikes(START + SECOND)
    assert planted.strikes(START + SECOND * 3 // 2)


def test_at_random_the_mean_is_as_asked_and_the_seed_decides(board):
    struck = board.strikes_of(board.drop(every_s=2), 2_000)
    assert 850 < len(struck) < 1_150
    assert len({round(b - a, 1) for a, b in itertools.pairwise(struck)}) > 30
    again, other = Board(), Board(seed=8)
    assert again.strikes_of(again.drop(every_s=2), 2_000) == struck
    assert other.strikes_of(other.drop(every_s=2), 2_000) != struck


def test_at_random_it_ends_after_so_many_times(board):
    planted = board.drop(every_s=2, times=5)
    assert len(board.strikes_of(planted, 100)) == 5
    assert planted.is_over


def test_a_fault_beside_it_does_not_change_its_chances(board):
    struck = board.strikes_of(board.drop(every_s=2), 100)
    other = Board()
    planted = other.drop(every_s=2)
    other.double(every_s=1)
    assert other.strikes_of(planted, 100) == struck


def test_a_cancelled_picker_strikes_no_more(board):
    planted = board.drop()
    planted.cancel()
    planted.cancel()
    assert board.strikes_of(planted, 1) == []
    assert board.planted == []


def test_each_kind_is_in_charge_of_its_own(board):
    drop, lost, lose, silence = board.drop(), board.lost_delta(), board.lose_reply(), board.silence()
    wrong = board.wrong_delta()
    assert (board.frames, board.deltas, board.commands, board.spans) == ([drop], [lost, wrong], [lose], [silence])
    assert board.planted == [drop, lost, wrong, lose, silence]
    board.clear()
    assert board.planted == []


# Moments and spans.


def test_a_moment_happens_at_its_time(board):
    board.close(after_s=2)
    board.abort()
    assert board.turns == [("abort", False, 0)]
    assert board.next_due_ns == START + 2 * SECOND
    board.wait_until(START + 5 * SECOND)
    assert board.turns == [("abort", False, 0), ("close", False, 2)]
    assert board.planted == []
    assert board.next_due_ns is None


def test_a_moment_happens_again_and_again_at_random(board):
    planted = board.close(every_s=10, times=4)
    board.wait_until(START + 1_000 * SECOND)
    times = [at for _, _, at in board.turns]
    assert len(times) == 4
    assert times == sorted(times)
    assert planted.is_over


def test_a_span_begins_and_ends(board):
    planted = board.silence(after_s=1, for_s=2.5)
    board.wait_until(START + 2 * SECOND)
    assert (planted.is_on, board.spans) == (True, [planted])
    assert repr(planted) == "<silence:for=2.5s,after=1s: on, happened 0>"
    board.wait_until(START + 9 * SECOND)
    assert board.turns == [("silence", True, 1), ("silence", False, 3.5)]
    assert (planted.is_on, planted.is_over, board.spans) == (False, True, [])


def test_a_span_without_an_end_lasts_until_it_is_cancelled(board):
    planted = board.silence()
    board.wait_until(START + 900 * SECOND)
    assert planted.is_on
    planted.cancel()
    assert board.turns == [("silence", True, 0), ("silence", False, 900)]
    assert (planted.is_on, board.planted) == (False, [])


def test_a_span_comes_again_at_random_and_never_twice_at_once(board):
    board.silence(every_s=5, for_s=2, times=20)
    board.wait_until(START + 1_000 * SECOND)
    assert [on for _, on, _ in board.turns] == [True, False] * 20
    times = [at for _, _, at in board.turns]
    assert times == sorted(times)
    assert all(round(end - begin, 6) == 2 for begin, end in zip(times[::2], times[1::2], strict=True))


def test_a_span_that_is_cancelled_between_two_turns_does_not_end_twice(board):
    planted = board.silence(every_s=5, for_s=2)
    while not board.turns or board.turns[-1][1]:
        board.wait_until(board.next_due_ns)
    planted.cancel()
    assert [on for _, on, _ in board.turns] == [True, False]


def test_what_a_turn_cancels_does_not_turn(board):
    first = board.close(after_s=1)
    second = board.abort(after_s=1)
    board._turned = lambda planted: second.cancel()
    board.wait_until(START + 2 * SECOND)
    assert (first.is_over, second.is_over, board.turns) == (True, True, [])


# Values, and what happened.


def test_a_fault_is_added_as_a_value_or_as_text(board):
    assert board.add("drop:seq=3").fault == board.add(kinds.Drop(seq=3)).fault
    with pytest.raises(UsageError, match="found 'dorp'"):
        board.add("dorp")
    with pytest.raises(TypeError, match=r"^fault must be a Fault or its text, not int$"):
        board.add(3)
    assert len(board.planted) == 2


def test_what_happened_is_counted_and_written_down(board):
    planted = board.drop(times=2)
    board.wait_until(START + SECOND)
    board.note(planted, "ok, sid 1, seq 3", 2)
    board.write_down("overflow", "too much")
    assert planted.happened == 1
    assert [str(struck) for struck in board.log] == ["drop on connection 2: ok, sid 1, seq 3", "overflow: too much"]
    assert board.log[0].at_ns == START + SECOND


def test_the_log_keeps_the_newest(board):
    for number in range(LOGGED + 5):
        board.write_down("overflow", str(number))
    assert (len(board.log), board.log[0].what) == (LOGGED, "5")


def test_spans_last_on_the_connections_that_they_name(board):
    one, every, picker = board.silence(connection=2), board.slow_link(bytes_per_s=9), board.drop()
    assert [one.is_on_connection(number) for number in (1, 2)] == [False, True]
    every.connections = frozenset((1,))
    assert [every.is_on_connection(number) for number in (1, 2)] == [True, False]
    assert not picker.is_on_connection(1)
