"""F8: a delta before a snapshot is counted, and makes no book and none LIVE."""

import pytest

from frames import START, A, B, delta, levels, ok, receive_all, snapshot, subscribed


def test_a_delta_of_an_unknown_market_makes_no_book(kb, feed):
    """pykalshi 0.3.7 built a live book with a best bid from one delta."""
    update = feed.receive(delta(seq=5))
    assert (update.kind, update.effect, update.book, update.market_ticker) == (kb.Kind.DELTA, kb.Effect.IGNORED, None, A)
    assert (update.outcome_side, update.price_e4, update.delta_e2, update.size_e2) == ("yes", 4200, 100, None)
    assert len(feed.books) == 0


def test_a_delta_before_a_snapshot_is_counted(feed):
    receive_all(feed, delta(seq=5))
    assert feed.receive(snapshot(seq=7)).skipped == 1


@pytest.mark.parametrize("before", [0, 1, 3])
def test_the_first_snapshot_of_a_new_book_makes_it_live(kb, feed, before):
    receive_all(feed, subscribed(), ok([A], seq=1))
    book = feed.books[A]
    for number in range(before):
        assert feed.receive(delta(seq=2 + number)).effect is kb.Effect.IGNORED
        assert book.state is kb.State.NEW
    update = feed.receive(snapshot(seq=2 + before))
    assert (update.effect, update.book, update.top_changed) == (kb.Effect.APPLIED, book, True)
    assert book.state is kb.State.LIVE
    assert levels(book) == START


def test_a_new_book_knows_nothing_and_says_so(kb, feed):
    receive_all(feed, subscribed(), ok([A], seq=1))
    book = feed.books[A]
    for read in (book, book.last_known):
        with pytest.raises(kb.BookNotLive) as raised:
            read.best_yes_bid()
        assert (raised.value.state, raised.value.stale_reason, raised.value.seq) == ("new", None, None)
        assert str(raised.value) == f"{A} is NEW, not LIVE: wait for its first snapshot"


def test_a_delta_after_the_snapshot_of_another_market_makes_nothing_live(feed):
    effects = receive_all(feed, snapshot(A, seq=1), delta(B, seq=2), delta(A, seq=3))
    assert effects == ["applied", "ignored", "applied"]
    assert list(feed.books) == [A]


def test_a_first_snapshot_that_is_empty_makes_a_live_book_too(feed):
    """One-sided and empty first snapshots refused, so that the book never starts, is a known fault."""
    effects = receive_all(feed, snapshot(yes=[], no=[]), delta(seq=2))
    assert effects == ["applied", "applied"]
    assert levels(feed.books[A]) == {"yes": {4200: 100}, "no": {}}


def test_a_delta_after_a_reconnect_waits_for_the_new_snapshot(feed):
    feed.receive(snapshot())
    feed.opened()
    assert receive_all(feed, delta(seq=1), snapshot(seq=2), delta(seq=3)) == ["ignored", "healed", "applied"]


def test_a_delta_on_another_sid_than_the_book_s_is_not_applied(feed):
    feed.receive(snapshot())
    assert receive_all(feed, delta(sid=2, seq=2)) == ["ignored"]
    assert levels(feed.books[A]) == START
