"""A stream that is cut at any frame and joined again by a reconnect, or by snapshots alone, ends in the same books."""

import re

import pytest

from frames import levels
from implementations import part

FRAMES = 130


def tape(kb, frames=FRAMES):
    """A flow of two markets, and the books that a reader must hold after each frame."""
    flow = part(kb, "sim.flow").Flow(seed=5, markets=2, levels=12, frames=frames, close=False)
    truth = [{}]
    sent = []
    for frame in flow:
        sent.append(frame)
        truth.append({ticker: {side: flow.levels(ticker, side) for side in ("yes", "no")} for ticker in flow.tickers})
    return sent, truth


def snapshots(kb, books, first_seq):
    """A snapshot of every book that is open."""
    wire = part(kb, "sim.flow").Wire(era="current", sid=1, use_yes_price=False)
    seq = first_seq
    for ticker, sides in books.items():
        if sides["yes"] or sides["no"]:
            yield wire.snapshot(seq=seq, sent_ms=0, ticker=ticker, market_id="", clock=0, yes=sides["yes"], no=sides["no"])
            seq += 1


def renumbered(frame, by):
    return re.sub(rb'"seq":(\d+)', lambda seq: b'"seq":%d' % (int(seq[1]) + by), frame)


def seq_of(frame):
    found = re.search(rb'"seq":(\d+)', frame)
    return int(found[1]) if found else 0


def assert_true(feed, truth):
    for ticker, sides in truth.items():
        assert feed.books[ticker].is_live
        assert levels(feed.books[ticker]) == {side: dict(ladder) for side, ladder in sides.items()}


@pytest.mark.long
@pytest.mark.parametrize("lost", [0, 7])
@pytest.mark.parametrize("how", ["closed and opened", "opened", "went backwards", "gap"])
def test_a_cut_at_any_frame_ends_in_the_same_books(kb, how, lost):
    sent, truth = tape(kb)
    for cut in range(len(sent) - lost + 1):
        feed = kb.Feed()
        for frame in sent[:cut]:
            feed.receive(frame)
        if how == "closed and opened":
            feed.closed("cut")
            assert not any(book.is_live for book in feed.books.values())
        if how in ("closed and opened", "opened"):
            feed.opened()
        # While the connection was down, `lost` frames were missed; the snapshots hold what they did.
        goes_on = cut + lost
        last = seq_of(sent[goes_on - 1]) if goes_on else 0
        first = last + 40 if how == "gap" else 1
        resync = list(snapshots(kb, truth[goes_on], first))
        for frame in resync:
            feed.receive(frame)
        for frame in sent[goes_on:]:
            feed.receive(renumbered(frame, first + len(resync) - 1 - last))
        assert_true(feed, truth[-1])
