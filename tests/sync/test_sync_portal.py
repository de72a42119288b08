"""The thread and the way into it: an interrupt at any line of ours leaves nothing locked, waiting or behind."""

import asyncio
import contextlib
import linecache
import signal
import sys
import threading
from pathlib import Path

import pytest

import kalshi_book as kb
from kalshi_book.live import consumers
from kalshi_book.live.queues import EventQueue
from kalshi_book.sync import portal as portal_module
from kalshi_book.sync.portal import Portal
from kalshi_book.sync.streams import Stream
from plain import WAIT_S, threads


class Interrupt:
    """Raises KeyboardInterrupt at the nth line of kalshi_book/sync that this thread runs."""

    def __init__(self, at):
        self.folder, self.left, self.where = str(Path(portal_module.__file__).parent), at, None

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.enter)

    def __exit__(self, *_):
        sys.settrace(self.before)

    def enter(self, frame, event, _):
        # What the garbage collector lets go of an earlier one is not what is tested; it may come at any time.
        if "__del__" in (frame.f_code.co_name, frame.f_back.f_code.co_name):
            return None
        return self.line if frame.f_code.co_filename.startswith(self.folder) else None

    def line(self, frame, event, _):
        # A bare "try:" is nothing that could be interrupted, and the table of what handles exceptions leaves it out.
        if event == "line" and linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip() != "try:":
            self.left -= 1
            if self.left == 0:
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} ({frame.f_code.co_name})"
                raise KeyboardInterrupt
        return self.line


async def nothing():
    """Do nothing."""


def use(portal, done):
    """Use all of it."""
    portal.start(nothing)
    queue, bells = EventQueue(), set()
    stream = portal.call(lambda: Stream(portal, consumers.Stream(queue, lambda: done.append("removed"), bells)))
    portal.soon(queue.put, 1)
    done += [stream, stream.next(timeout_s=WAIT_S)]  # kept: what is raised in its __del__ is nobody's
    with contextlib.suppress(kb.NotInTime):
        stream.next(timeout_s=0)
    with portal.frozen(WAIT_S):
        done.append("frozen")
    portal.run(nothing)
    stream.close()
    done.append(list(stream))
    portal.end()


def test_all_of_it_works():
    done = []
    use(Portal(), done)
    assert done[1:] == [1, "frozen", "removed", []]
    assert threads() == []


def test_an_interrupt_at_any_line_comes_out_and_the_end_is_an_end(monkeypatch):
    """What was interrupted is ended by whoever comes next: the end of the ``with``, or of the program."""
    monkeypatch.setattr(portal_module, "END_S", 5)
    wrong = []
    for at in range(1, 2_000):
        portal, interrupt, done = Portal(), Interrupt(at), []
        try:
            with interrupt:
                use(portal, done)
        except KeyboardInterrupt:
            pass
        else:
            if interrupt.where is None:
                break
            wrong.append((interrupt.where, "swallowed"))
        if not portal.end() or threads():
            wrong.append((interrupt.where, threads()))
    assert wrong == []
    assert at > 80


def test_ctrl_c_while_an_end_is_waited_for_is_raised_when_it_has_come(monkeypatch):
    portal, go, calls = Portal(), threading.Event(), []
    portal.start(nothing)
    portal.soon(go.wait)
    join = portal._join

    def interrupted(thread):
        calls.append(thread)
        if len(calls) == 1:
            go.set()
            raise KeyboardInterrupt
        return join(thread)

    monkeypatch.setattr(portal, "_join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        portal.end()
    assert (len(calls), threads()) == (2, [])


def test_where_the_system_gives_no_event_loop_the_caller_hears_it(monkeypatch):
    def fail():
        raise OSError("too many open files")

    monkeypatch.setattr(asyncio, "new_event_loop", fail)
    portal = Portal()
    with pytest.raises(OSError, match=r"^too many open files$"):
        portal.start(nothing)
    assert portal.end()
    assert threads() == []


def test_an_end_that_is_asked_for_again_does_not_cut_off_what_is_done_last():
    portal, done = Portal(), []

    async def finish():
        portal.soon(portal._stop)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        done.append("finished")

    portal.start(finish)
    portal.end()
    assert done == ["finished"]


def test_a_thread_that_was_ended_before_it_began_never_does(monkeypatch):
    portal, begun = Portal(), []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: begun.append(thread) or portal.end())
    portal.start(pytest.fail)
    begun[0].run()
    assert portal.is_over
    assert portal.call(lambda: "here") == "here"
    with pytest.raises(kb.UsageError, match=r"^the client is closed"):
        portal.run(nothing)
    assert portal.end()


def test_whoever_waits_for_what_is_left_at_the_end_is_told():
    """Its task is cancelled: that is no CancelledError of whoever waits in another thread."""
    portal, found, asked = Portal(), [], threading.Event()
    portal.start(nothing)

    async def for_ever():
        asked.set()
        await asyncio.get_running_loop().create_future()

    def ask():
        try:
            portal.run(for_ever)
        except kb.UsageError as error:
            found.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    asked.wait(WAIT_S)
    portal.end()
    asking.join(WAIT_S)
    assert found == ['the client is closed: use it inside of "with kb.sync.connect(...) as live"']


def test_what_comes_too_late_for_the_loop_is_told_at_once():
    portal = Portal()
    portal.start(nothing)
    portal.end()
    with pytest.raises(kb.UsageError, match=r"^the client is closed"):
        portal.run(nothing)
    portal.soon(pytest.fail, "it is over")


@pytest.fixture
def ctrl_c():
    """Let the signal raise, also where whoever started the tests ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_what_is_awaited_is_cancelled_when_the_waiting_is_interrupted(ctrl_c):
    portal, cancelled = Portal(), threading.Event()
    portal.start(nothing)

    async def for_ever():
        ctrl_c()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    with pytest.raises(KeyboardInterrupt):
        portal.run(for_ever)
    assert cancelled.wait(WAIT_S)
    portal.end()
