"""Clients in plain loops for tests: on a simulated exchange in the client's own thread."""

import contextlib
import threading

import kalshi_book as kb

A, B = "KXSIM-26-A", "KXSIM-26-B"
BOOK = "orderbook_delta"
WAIT_S = 30
"""For what is sure to come: so long only where the test fails."""


@contextlib.contextmanager
def plain_client(*tickers, **options):
    """Give a client that is connected and whose books are LIVE, and see that its thread is gone afterwards."""
    with kb.sync.connect("sim", market_tickers=tickers or [A], **options) as live:
        live.all_live(timeout_s=WAIT_S)
        live.exchange.rate = 5_000
        yield live
    assert threads() == []


def threads():
    """Give the names of threads of clients."""
    return [each.name for each in threading.enumerate() if each.name.startswith(("kalshi_book", "handler "))]


def in_its_thread(live, function):
    """Call a function in the client's thread, and do not wait for it."""
    live._portal.soon(function)
