"""An interrupt at any point of the law, or no memory: the exception comes out, and no wrong book is ever LIVE."""

import importlib.util
import os
import sys
from pathlib import Path
from threading import RLock

import pytest

from frames import A, B, C, delta, error, levels, ok, receive_all, snapshot, subscribed, unsubscribed
from implementations import PYTHON, part
from processes import UNMEASURED, run_python

BEFORE = [subscribed(), snapshot(A, seq=1), snapshot(B, seq=2)]
AFTER = [delta(A, seq=4, change="0.05"), delta(B, seq=5, change="0.07")]
FRAMES = {
    "a delta": delta(A, seq=3),
    "a delta that takes a level away": delta(A, seq=3, change="-7.00"),
    "a delta that contradicts": delta(A, seq=3, change="-8.00"),
    "a delta that crosses": delta(A, seq=3, price="0.4400"),
    "a delta of old": delta(A, seq=3, era="2026-01"),
    "a delta that reveals a gap": delta(A, seq=9),
    "a delta that falls back": delta(A, seq=1),
    "a malformed delta": delta(A, seq=3, delta_fp="x"),
    "a snapshot": snapshot(A, [("0.1000", "3.00")], [], seq=3),
    "a snapshot that was asked for": snapshot(A, [("0.1000", "3.00")], [], seq=3, top={"id": 9}),
    "a snapshot of old": snapshot(A, [("0.1000", "3.00")], [], seq=3, era="2025"),
    "a snapshot that is crossed": snapshot(A, [("0.5000", "1.00")], [("0.5000", "1.00")], seq=3),
    "a snapshot of a new market": snapshot(C, seq=3),
    "a snapshot of a market that is not held": snapshot(C, seq=3, top={"id": 9}),
    "a malformed snapshot": snapshot(A, [("0.1000", "0.00")], seq=3),
    "a snapshot of another sid": snapshot(A, [("0.1000", "3.00")], [], sid=2, seq=1),
    "an ok that drops": ok([B], seq=3),
    "an ok that adds": ok([A, B, C], seq=3),
    "an ok of another sid": ok([A, C], sid=2, seq=1),
    "unsubscribed": unsubscribed(1, seq=3),
    "a terminal error": error(25, sid=1, seq=3),
    "subscribed anew": subscribed(),
}


@pytest.fixture(autouse=True)
def a_lock_of_its_own(monkeypatch):
    """A trace function can interrupt right before a ``with`` lets its lock go: later readers would wait for ever."""
    monkeypatch.setattr(part(PYTHON, "_pycore"), "_ONE_AT_A_TIME", RLock())


class Interrupt:
    """Raises KeyboardInterrupt at the nth line of the package that runs."""

    def __init__(self, kb, at):
        self.folder, self.left = str(Path(kb.__file__).parent), at

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.enter)
        return self

    def __exit__(self, *_):
        sys.settrace(self.before)

    def enter(self, frame, event, _):
        return self.line if frame.f_code.co_filename.startswith(self.folder) else None

    def line(self, frame, event, _):
        if event == "line":
            self.left -= 1
            if self.left == 0:
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} ({frame.f_code.co_name})"
                raise KeyboardInterrupt
        return self.line


def started(kb):
    """A feed with A and B LIVE, a view of sid 2, and the books that anybody may hold."""
    feed = kb.Feed()
    for sent in [*BEFORE, subscribed(2)]:
        feed.receive(sent)
    return feed, dict(feed.books)


def live(feed, held):
    """The levels of every LIVE book that anybody may hold."""
    return {ticker: levels(book) for ticker, book in [*held.items(), *feed.books.items()] if book.is_live}


def counted(feed):
    return {sid: each.state.last_seq for sid, each in feed._subscriptions.by_sid.items()}


@pytest.mark.parametrize("what", FRAMES)
def test_an_interrupt_at_any_line_comes_out_and_leaves_no_wrong_book_live(kb, what):
    sent = FRAMES[what]
    right, held = started(kb)
    old = live(right, held)
    right.receive(sent)
    now = live(right, held)
    for each in AFTER:
        right.receive(each)
    later = live(right, held)
    wrong = []
    for at in range(1, 2_000):
        feed, held = started(kb)
        before = counted(feed)
        interrupt = Interrupt(kb, at)
        try:
            with interrupt:
                feed.receive(sent)
        except KeyboardInterrupt:
            pass
        else:
            if interrupt.left > 0:
                break
            wrong.append((interrupt.where, "swallowed"))
        allowed = [now, old] if counted(feed) == before else [now]
        for ticker, found in live(feed, held).items():
            if not any(found == each.get(ticker) for each in allowed):
                wrong.append((interrupt.where, "LIVE at once", ticker, found))
        for each in AFTER:
            feed.receive(each)
        for ticker, found in live(feed, held).items():
            if found != later.get(ticker):
                wrong.append((interrupt.where, "LIVE later", ticker, found))
    assert wrong == []


@pytest.mark.parametrize("raised", [KeyboardInterrupt, MemoryError, RecursionError, RuntimeError])
@pytest.mark.parametrize("method", ["_take_snapshot", "_apply_delta", "_stamp", "_join", "_load"])
def test_what_fails_after_the_number_was_counted_leaves_every_book_stale_interrupted(kb, feed, monkeypatch, method, raised):
    receive_all(feed, *BEFORE)

    def fail(*_):
        raise raised

    sent = {"_apply_delta": delta(A, seq=3, era="2025"), "_join": snapshot("KXDEMO-26-C", seq=3)}.get(method)
    sent = sent or snapshot(A, seq=3, era="2025")
    monkeypatch.setattr(kb.OrderBook, method, fail, raising=False)
    with pytest.raises(raised):
        feed.receive(sent)
    monkeypatch.undo()
    assert [(book.state, book.stale_reason) for book in feed.books.values()] == [(kb.State.STALE, "interrupted")] * 2
    assert receive_all(feed, delta(A, seq=4), snapshot(A, seq=5), delta(A, seq=6)) == ["ignored", "healed", "applied"]


@pytest.mark.skipif(importlib.util.find_spec("_testcapi") is None, reason="this Python has no _testcapi")
@pytest.mark.parametrize("failures", [1, 4])
def test_memory_that_runs_out_at_any_allocation_leaves_no_wrong_book_live(both, failures):
    """For one allocation, and for as many as the law may need to put its books right.

    CPython itself loses what it was to pass to a function of Python when it has no memory for the call: no leak of ours.
    """
    tests = Path(__file__).parent
    paths = f"{Path(part(both[0], 'feed').__file__).parent.parent}{os.pathsep}{tests}"
    options = f"{os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0"
    done = run_python(
        f"import out_of_memory; out_of_memory.main({failures})", PYTHONPATH=paths, ASAN_OPTIONS=options, **UNMEASURED
    )
    assert (done.stdout[:2_000], done.returncode) == ("tried\n", 0), done.stderr[-2_000:]
