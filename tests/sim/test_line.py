"""What is on its way to one client."""

import pytest

from kalshi_book.sim.line import TAKEN_BYTES, Line
from kalshi_book.sim.serving import Abort, Close, Freeze, Thaw

SECOND = 1_000_000_000


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def calls(line):
    """How often the line said that it is ready."""
    calls = []
    line.on_ready = lambda: calls.append(len(calls))
    return calls


def drain(line):
    """Take until nothing is left."""
    taken = []
    while items := line.take():
        taken += items
    return taken


def test_what_is_put_in_is_taken_in_order(line):
    line.put(b"one", 0)
    line.put(b"two", 0)
    line.put(Close(1001), 0)
    assert line.outstanding == 6
    assert line.take() == [b"one", b"two", Close(1001)]
    assert (line.outstanding, line.take(), line.next_due_ns) == (0, [], None)


def test_it_says_once_that_it_is_ready(line, calls):
    line.put(b"one", 0)
    line.put(b"two", 0)
    assert len(calls) == 1
    drain(line)
    line.put(b"three", 0)
    assert len(calls) == 2


def test_about_64_kib_are_taken_at_once(line):
    for _ in range(20):
        line.put(b"x" * 10_000, 0)
    assert [len(line.take()) for _ in range(4)] == [7, 7, 6, 0]
    line.put(b"x" * 10 * TAKEN_BYTES, 0)
    assert len(line.take()) == 1


def test_a_delay_keeps_back_what_is_behind_it(line, calls):
    line.put(b"late", 0, delay_ns=SECOND)
    line.put(b"behind", SECOND // 2)
    assert (drain(line), line.next_due_ns, line.outstanding) == ([], SECOND, 10)
    line.advance(SECOND - 1)
    assert drain(line) == []
    line.advance(SECOND)
    assert (drain(line), len(calls)) == ([b"late", b"behind"], 1)


def test_a_slow_link_passes_so_many_bytes_a_second(line):
    line.set_speed(1_000, 0)
    line.put(b"x" * 500, 0)
    line.put(b"y" * 250, 0)
    line.put(Close(1001), 0)
    assert line.next_due_ns == SECOND // 2
    line.advance(SECOND // 2)
    assert drain(line) == [b"x" * 500]
    assert line.next_due_ns == SECOND * 3 // 4
    line.advance(SECOND)
    assert drain(line) == [b"y" * 250, Close(1001)]
    line.put(b"z" * 1_000, 5 * SECOND)  # the link was idle meanwhile
    assert line.next_due_ns == 6 * SECOND


def test_a_link_that_is_fast_again_lets_everything_pass(line):
    line.set_speed(1, 0)
    line.put(b"one", 0)
    line.put(b"two", 0)
    line.set_speed(None, SECOND)
    assert drain(line) == [b"one", b"two"]


def test_one_that_is_overtaken_comes_after_the_next(line):
    line.put_behind(b"first", 0, behind=2, wait_ns=SECOND)
    line.put(b"second", 0)
    assert drain(line) == [b"second"]
    line.put(b"third", 0)
    assert drain(line) == [b"third", b"first"]
    assert line.next_due_ns is None


def test_one_that_nothing_overtakes_comes_after_a_while(line):
    line.put_behind(b"first", 0, behind=2, wait_ns=SECOND)
    line.put_behind(b"second", SECOND // 2, behind=9, wait_ns=SECOND)
    assert line.next_due_ns == SECOND
    line.advance(SECOND)
    assert drain(line) == [b"first"]
    line.advance(2 * SECOND)
    assert drain(line) == [b"second"]


def test_nothing_passes_while_it_is_frozen(line, calls):
    line.put(b"before", 0)
    line.freeze()
    assert line.take() == [Freeze()]
    line.put(b"meanwhile", 0)
    assert (line.take(), len(calls)) == ([], 2)
    line.thaw()
    assert (drain(line), len(calls)) == ([Thaw(), b"before", b"meanwhile"], 3)


def test_a_freeze_that_nobody_saw_leaves_no_trace(line):
    line.put(b"before", 0)
    line.freeze()
    line.thaw()
    assert drain(line) == [b"before"]


def test_a_thaw_that_nobody_saw_leaves_no_trace(line):
    line.freeze()
    assert line.take() == [Freeze()]
    line.thaw()
    line.freeze()
    line.put(b"meanwhile", 0)
    assert line.take() == []
    line.thaw()
    assert drain(line) == [Thaw(), b"meanwhile"]


def test_a_reset_loses_what_is_on_its_way_also_while_it_is_frozen(line, calls):
    line.freeze()
    line.take()
    line.put(b"lost", 0)
    line.put(b"lost too", 0, delay_ns=1)
    line.put_behind(b"lost as well", 0, behind=1, wait_ns=1)
    line.reset()
    assert (drain(line), line.outstanding, line.next_due_ns, len(calls)) == ([Abort()], 0, None, 2)
