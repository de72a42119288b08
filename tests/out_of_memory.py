"""Let memory run out at each allocation of ``Feed.receive`` on the compiled core, and print what is wrong afterwards.

Run in a process of its own by tests/test_interrupts.py. Frames are decoded beforehand: msgspec 0.22.0 itself crashes where
it gets no memory for a text.
"""

import _testcapi

from frames import NO, A, delta, error, ok, snapshot, subscribed, unsubscribed
from implementations import COMPILED, part
from test_interrupts import AFTER, counted, live, started

FRAMES = [
    delta(A, seq=3),
    delta(A, seq=3, price="0.0100"),
    delta(A, seq=3, era="2026-01"),
    delta(A, seq=3, change="-8.00"),
    delta(A, seq=3, price="0.4400"),
    delta(A, seq=9),
    delta(A, seq=1),
    snapshot(A, [("0.1000", "3.00")], NO, seq=3),
    snapshot(A, [("0.1000", "3.00"), ("0.0100", "1.00"), ("0.0500", "2.00")], NO, seq=3),
    snapshot(A, [("0.1000", "3.00")], NO, seq=3, top={"id": 9}),
    snapshot(A, [("0.1000", "3.00")], NO, seq=3, era="2025"),
    snapshot(A, [("0.5000", "1.00")], [("0.5000", "1.00")], seq=3),
    snapshot(A, [("0.1000", "3.00")], NO, sid=2, seq=1),
    snapshot("KXDEMO-26-C", seq=3),
    snapshot("KXDEMO-26-C", seq=3, top={"id": 9}),
    ok([], seq=3),
    ok([A, "KXDEMO-26-C"], sid=2, seq=1),
    unsubscribed(1, seq=3),
    error(25, sid=1, seq=3),
    subscribed(),
]


def decoded(messages):
    hot, read = {}, {}
    for sent in FRAMES:
        read[sent] = messages.read(sent)
        try:
            hot[sent] = messages.hot_decode(sent)
        except messages.msgspec.MsgspecError:
            continue
    return hot, read


def main(failures):
    """Let ``failures`` allocations in a row fail, from the nth on, for every n."""
    messages, core = part(COMPILED, "messages"), part(COMPILED, "_backend").FeedCore
    (hot, read), real_read = decoded(messages), messages.read
    tried = 0
    for sent in FRAMES:
        right, held = started(COMPILED)
        old = live(right, held)
        right.receive(sent)
        now = live(right, held)
        for each in AFTER:
            right.receive(each)
        later = live(right, held)
        clean = 0
        for first in range(1_000):
            feed, held = started(COMPILED)
            before = counted(feed)
            core.__init__(feed, hot.__getitem__, messages.HOT_TYPES)
            messages.read = read.__getitem__
            failed = False
            _testcapi.set_nomemory(first, first + failures)
            try:
                feed.receive(sent)
            except (MemoryError, SystemError):  # CPython 3.10 gives no error where it has no memory for its own cache
                failed = True
            finally:
                _testcapi.remove_mem_hooks()
                messages.read = real_read
                core.__init__(feed, messages.hot_decode, messages.HOT_TYPES)
            tried += failed
            clean = 0 if failed else clean + 1
            allowed = [now, old] if counted(feed) == before else [now]
            for ticker, found in live(feed, held).items():
                if not any(found == each.get(ticker) for each in allowed):
                    print("LIVE at once:", sent, first, ticker, found)
            for book in [*held.values(), *feed.books.values()]:
                book.check()
            for each in AFTER:
                feed.receive(each)
            for ticker, found in live(feed, held).items():
                if found != later.get(ticker):
                    print("LIVE later:", sent, first, ticker, found)
            if clean > 30:
                break
    print("tried" if tried > 100 else f"tried only {tried}")
