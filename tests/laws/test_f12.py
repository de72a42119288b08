"""F12: the OrderBook of a ticker stays the same object while it is in feed.books; a book that left never revives."""

import pytest

from frames import START, A, B, delta, levels, ok, receive_all, snapshot, subscribed, unsubscribed
from session import BOOK, SECOND, Session


def test_a_book_stays_the_same_object_over_gaps_snapshots_and_reconnects(feed):
    book = feed.receive(snapshot()).book
    trouble = [
        delta(seq=5),
        snapshot(seq=6),
        delta(seq=2),
        snapshot(seq=3),
        b"junk",
        delta(seq=4, delta_fp="x"),
        snapshot(seq=5),
    ]
    for sent in trouble:
        feed.receive(sent)
        assert feed.books[A] is book
    feed.closed()
    feed.opened()
    receive_all(feed, subscribed(7), ok([A], sid=7, seq=1))
    assert feed.books[A] is book
    assert receive_all(feed, snapshot(sid=7, seq=2)) == ["healed"]
    assert feed.books[A] is book
    assert book.is_live
    assert (book.sid, book.seq) == (7, 2)


def test_a_book_that_was_new_is_the_same_when_its_snapshot_comes(feed):
    receive_all(feed, subscribed(), ok([A], seq=1))
    book = feed.books[A]
    assert feed.receive(snapshot(seq=2)).book is book


@pytest.mark.parametrize("farewell", [unsubscribed(1, seq=3), ok([B], seq=3)])
def test_a_book_that_left_never_revives(kb, feed, farewell):
    receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2))
    left = feed.books[A]
    feed.receive(farewell)
    receive_all(feed, subscribed(2), snapshot(A, sid=2, seq=1), delta(A, sid=2, seq=2))
    assert feed.books[A] is not left
    assert feed.books[A].is_live
    assert (left.state, left.stale_reason) == (kb.State.STALE, "unsubscribed")
    assert levels(left) == START
    feed.opened()
    feed.receive(snapshot(A, seq=1))
    assert left.stale_reason == "unsubscribed"


def test_books_is_one_live_view(kb, feed):
    books = feed.books
    assert (len(books), list(books), repr(books)) == (0, [], "<Books: 0 held, 0 live>")
    receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2))
    assert feed.books is books
    assert list(books) == [A, B]
    assert repr(books) == "<Books: 2 held, 2 live>"
    assert A in books
    assert "KXDEMO-26-Z" not in books
    assert books.get("KXDEMO-26-Z") is None


def test_asking_for_a_market_that_is_not_held_says_so(kb, feed):
    feed.receive(snapshot())
    with pytest.raises(kb.UnknownMarket) as raised:
        feed.books["KXDEMO-26-Z"]
    assert isinstance(raised.value, KeyError)
    assert (raised.value.market_ticker, raised.value.held) == ("KXDEMO-26-Z", 1)
    assert raised.value.__cause__ is None
    assert str(raised.value) == (
        "no book for 'KXDEMO-26-Z' among the 1 that this feed holds: a book is there from its first snapshot (or the reply "
        "that names it) until it is unsubscribed; check the ticker"
    )


def test_books_cannot_be_written_through_the_view(feed):
    with pytest.raises(TypeError):
        feed.books[A] = None


def test_what_is_desired_is_subscribed_on_every_connection_and_its_books_are_the_same(kb):
    session = Session(kb, A, B)
    session.feed.subscribe(BOOK, market_tickers=[A, B])
    session.pump()
    books = dict(session.feed.books)
    for _ in range(3):
        session.reconnect()
        assert session.live() == []
        session.exchange.change(A, "yes", 1000, 100)
        session.pump()
        assert session.take_sent()[-1] == ("subscribe", A, B)
        assert (session.live(), session.wrong()) == ([A, B], [])
        assert all(session.feed.books[ticker] is book for ticker, book in books.items())


def test_a_market_that_was_dropped_while_disconnected_leaves_at_once_and_is_not_subscribed(kb):
    session = Session(kb, A, B)
    session.feed.subscribe(BOOK, market_tickers=[A, B])
    session.pump()
    left = session.feed.books[A]
    session.disconnect()
    session.feed.unsubscribe(BOOK, market_tickers=[A])
    assert (list(session.feed.books), left.stale_reason) == ([B], "unsubscribed")
    session.take_sent()
    session.connect()
    session.pump()
    assert session.take_sent() == [("subscribe", B)]
    assert (session.live(), left.stale_reason) == ([B], "unsubscribed")


def test_a_market_whose_end_was_not_answered_leaves_with_the_connection(kb):
    session = Session(kb, A, B)
    session.feed.subscribe(BOOK, market_tickers=[A, B])
    session.pump()
    session.exchange.ignore = True
    session.feed.unsubscribe(BOOK, market_tickers=[A])
    session.pump()
    assert list(session.feed.books) == [A, B]
    session.disconnect()
    assert list(session.feed.books) == [B]


def test_a_market_may_be_dropped_and_wanted_again_at_once(kb):
    session = Session(kb, A, B)
    session.feed.subscribe(BOOK, market_tickers=[A, B])
    session.pump()
    book = session.feed.books[A]
    session.feed.unsubscribe(BOOK, market_tickers=[A])
    session.feed.subscribe(BOOK, market_tickers=[A])
    session.pass_time(60 * SECOND)
    assert session.take_sent() == [("subscribe", A, B)]
    assert (session.feed.books[A] is book, session.live(), session.wrong()) == (True, [A, B], [])
