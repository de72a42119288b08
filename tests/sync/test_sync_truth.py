"""What another thread reads is what the book really was: every single read, and all of them together in a frozen moment."""

import sys

import pytest

import kalshi_book
from frames import A, B, delta, snapshot, subscribed
from implementations import part

FRAMES = 3_000
AT_ONCE = 7
"""Frames of one read of the socket."""


@pytest.fixture
def hasty_threads():
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def sent_frames():
    """Two markets in turn: snapshots whose sides have one size, and between them changes of one side."""
    yield subscribed()
    for seq in range(1, FRAMES, 2):
        size = f"{seq}.00"
        if seq % 40 == 1:
            frames = [snapshot(each, [("0.4000", size)], [("0.5000", size)], seq=seq + at) for at, each in enumerate((A, B))]
        else:
            frames = [delta(each, "yes", "0.4000", "2.00", seq=seq + at) for at, each in enumerate((A, B))]
        yield from frames


def state_of(book):
    """All of a book, as two lists of pairs."""
    depth = book.depth()
    return tuple(tuple((each.price_e4, each.size_e2) for each in side) for side in depth)


def all_states(kb, frames):
    """Every state that each book ever has, with its number, in order."""
    feed, states = kb.Feed(), {A: {}, B: {}}
    for frame in frames:
        update = feed.receive(frame)
        if update.book is not None:
            states[update.market_ticker][update.book.seq] = state_of(update.book)
    return states


async def nothing():
    """Do nothing."""


@pytest.fixture
def reading(kb, hasty_threads):
    """A thread that takes in frames, some at once; the books; and a generator that ends when all are in."""
    frames = list(sent_frames())
    states = all_states(kb, frames)
    feed, portal = kb.Feed(), part(kb, "sync.portal").Portal()
    for frame in frames[:3]:
        feed.receive(frame)
    taken = iter(frames[3:])

    def read_some():
        for _, frame in zip(range(AT_ONCE), taken, strict=False):
            feed.receive(frame)

    def until_all_are_in():
        reads = len(frames) // AT_ONCE + 1
        for number in range(reads):
            portal.soon(read_some)
            if number % 10 == 0:
                portal.call(lambda: None)  # it is there now: some states are seen on any machine
            yield
        portal.call(lambda: None)
        assert next(taken, None) is None

    portal.start(nothing)
    yield feed.books, states, until_all_are_in, portal
    portal.end()


def test_every_read_is_of_a_state_that_the_book_had(reading):
    books, states, until_all_are_in, _ = reading
    book = books[A]
    known = set(states[A].values())
    tops = {(bids[0], asks[0]) for bids, asks in known}
    spreads = {asks[0][0] - bids[0][0] for bids, asks in known}
    costs = {sum(price * size for price, size in asks) for _, asks in known}
    seen = set()
    for _ in until_all_are_in():
        found = state_of(book)
        seen.add(found)
        assert found in known
        bid, ask = book.bbo()
        assert ((bid.price_e4, bid.size_e2), (ask.price_e4, ask.size_e2)) in tops
        assert state_of(book.snapshot()) in known
        assert int(book.spread * 10_000) in spreads
        assert book.cost_to_buy(size_e2=10**9).cost_e6 in costs
    assert len(seen) > 10


def test_in_a_frozen_moment_everything_belongs_together(reading):
    books, states, until_all_are_in, portal = reading
    seen = set()
    for _ in until_all_are_in():
        with portal.frozen(30):
            found = [(book.seq, state_of(book), book.snapshot().seq, book.is_live) for book in (books[A], books[B])]
            last = max(seq for seq, *_ in found)
        for ticker, (seq, state, copied, is_live) in zip((A, B), found, strict=True):
            assert (states[ticker][seq], copied, is_live) == (state, seq, True)
        assert last - min(seq for seq, *_ in found) == 1  # of one moment: they take turns
        seen.add(last)
    assert len(seen) > 10


def test_a_book_of_the_whole_client_is_the_exchanges_of_its_clock(hasty_threads):
    """Socket, client, thread and all: what was copied from here is compared with what the exchange had then."""
    with kalshi_book.sync.connect("sim", market_tickers=["KXSIM-26-A"]) as live:
        book = live.book("KXSIM-26-A")
        exchange, truth = live._client.exchange, {}

        def note(_=None):
            now = exchange.exchange.book("KXSIM-26-A")
            truth.setdefault(now.clock, []).append((now.yes, now.no))

        live._portal.call(lambda: [note(), exchange.exchange.venue.listen(note)])
        live.exchange.rate = 5_000
        live.wait(lambda: book.clock in truth)
        copies = []
        for _ in range(300):
            copies.append(book.snapshot())
            live.updates().next() if len(copies) % 10 == 0 else None
    had = {state for states in truth.values() for state in states}
    is_stamped = kalshi_book.IMPLEMENTATION == "compiled"  # the twin stamps a book after it has changed it
    for each in copies:
        levels = tuple(
            tuple((level.price_e4, level.size_e2) for level in each.bids(outcome_side=side)[::-1]) for side in ("yes", "no")
        )
        assert levels in (truth[each.clock] if is_stamped else had)
    assert len({each.clock for each in copies}) > 10
