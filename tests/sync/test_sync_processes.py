"""Ctrl-C in the middle of each call, a client that was forgotten, and a fork: in processes of their own."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import kalshi_book
from processes import run_python

PROGRAM = """
import logging, signal, threading, time
import kalshi_book as kb

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it

logging.getLogger("kalshi_book").setLevel("ERROR")  # a connection that fails is a warning

A, TYPO = "KXSIM-26-A", "KXSIM-26-TYPO"

def about_to():
    print("now", flush=True)

live = kb.sync.connect("sim", market_tickers=[A])
@live.on("orderbook_delta")
def handler(update):
    "Nothing."
try:
{body}
except KeyboardInterrupt:
    for thread in threading.enumerate():  # it may be at its last instructions; one whose start was interrupted never lived
        if thread.is_alive() and thread is not threading.current_thread():
            thread.join(20)
    alive = sum(thread.is_alive() for thread in threading.enumerate())
    print("interrupted", live.books[A].state if A in live.books else None, alive, flush=True)
"""
INSIDE = """\
with live:
    live.book(A)
    live.exchange.rate = 5_000
    live.subscribe("orderbook_delta", market_tickers=[TYPO])
    about_to()
    {call}
"""
CALLS = {
    "iterating": "for update in live: pass",
    "iterating over what never comes": "for update in live.updates('fill'): pass",
    "next": "live.updates('fill').next(timeout_s=60)",
    "waiting": "live.wait(lambda: False, timeout_s=60)",
    "a command": "live.book(TYPO, timeout_s=60)",
    "a question": "live.get_snapshot([TYPO], timeout_s=60)",
    "many short calls": "while True: live.metrics",
    "reading": "while True: live.books[A].depth(5)",
    "frozen moments": "while True:\n        with live.frozen(): live.books[A].bbo()",
    "its own work": "time.sleep(60)",
}
BODIES = {name: INSIDE.format(call=call) for name, call in CALLS.items()}
BODIES["connecting"] = """\
live = kb.sync.connect(url="ws://127.0.0.1:1", signer=object(), market_tickers=[A])
about_to()
with live:
    pass
"""
BODIES["closing"] = """\
with live:
    live.book(A)
    live.exchange.faults.half_open(for_s=60)  # a closing handshake that nobody answers: two seconds
    close = live._client.close
    async def closing():
        about_to()
        await close()
    live._client.close = closing
"""


def started(code):
    """Start a program, and wait until it is where the signal shall meet it."""
    folder = str(Path(kalshi_book.__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": folder}, start_new_session=True,
    )  # fmt: skip
    assert process.stdout.readline() == "now\n", process.communicate()
    return process


@pytest.mark.long
@pytest.mark.parametrize("what", BODIES)
def test_ctrl_c_in_the_middle_of(what):
    process = started(PROGRAM.format(body=textwrap.indent(BODIES[what], "    ")))
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    state = None if what == "connecting" else "stale"
    assert (said, errors, process.returncode) == (f"interrupted {state} 1\n", "", 0)


def test_ctrl_c_that_nobody_catches_ends_the_program_with_one_traceback():
    body = INSIDE.format(call="live.wait(lambda: False)")
    code = PROGRAM.format(body=textwrap.indent(body, "    "))
    process = started(code.replace("except KeyboardInterrupt", "except OSError"))
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert (said, errors.count("Traceback"), errors.splitlines()[-1]) == ("", 1, "KeyboardInterrupt")


FORGOTTEN = """
import kalshi_book as kb
live = kb.sync.connect("sim", market_tickers=["KXSIM-26-A"])
@live.on("orderbook_delta")
def handler(update):
    "Nothing."
live.__enter__()
live.exchange.rate = 5_000
book = live.book("KXSIM-26-A")
for update in live:
    break
"""


@pytest.mark.parametrize("ends", ["", "del live, book, update", "raise SystemExit(0)"])
def test_a_client_that_was_forgotten_lets_the_program_end_and_says_nothing(ends):
    done = run_python(f"import warnings; warnings.simplefilter('error')\n{FORGOTTEN}{ends}")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_a_client_that_was_never_entered_is_nothing_to_end():
    done = run_python("import kalshi_book as kb; live = kb.sync.connect('sim'); stream = live.updates()")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


FORK = """
import os, signal, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of os.fork beside threads, from CPython 3.12 on
import kalshi_book as kb
with kb.sync.connect("sim", market_tickers=["KXSIM-26-A"]) as live:
    book = live.book("KXSIM-26-A")
    child = os.fork()
    if not child:
        signal.alarm(30)
        print(book.state, book.stale_reason)
        try:
            live.wait(lambda: True)
        except kb.UsageError as error:
            print(error, flush=True)
    else:
        status = os.waitpid(child, 0)[1]
        print(status, live.wait(lambda: book.is_live), flush=True)
if not child:
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_in_the_child_of_a_fork_books_are_stale_and_calls_refused():
    """The child leaves its ``with``, too, which ends nothing of the parent's."""
    done = run_python(FORK)
    said = "stale disconnected\nthis client belongs to the process that forked this one: connect anew here\n0 True\n"
    assert (done.stdout, done.stderr, done.returncode) == (said, "", 0)
