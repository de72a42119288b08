"""F19: after error 10, 25 (or 17 of old) the subscription is dead and its books are not kept any more.

Kept so far: the books' truth. Subscribing anew is a later matter.
"""

import pytest

from frames import START, A, B, delta, error, levels, ok, receive_all, snapshot, subscribed, unsubscribed


@pytest.fixture
def three(feed):
    """Books A and B on sid 1, C on sid 2."""
    receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2), snapshot("KXDEMO-26-C", sid=2, seq=1))
    return feed


@pytest.mark.parametrize("code", [10, 17, 25])
@pytest.mark.parametrize("seq", [3, None])
def test_a_terminal_error_makes_every_book_of_the_sid_stale(kb, three, code, seq):
    update = three.receive(error(code, sid=1, seq=seq))
    assert (update.kind, update.effect, update.sid, update.seq, update.error) == (
        kb.Kind.ERROR, kb.Effect.STALED, 1, seq, None
    )  # fmt: skip
    assert update.message.is_terminal
    assert [book.stale_reason for book in three.books.values()] == ["terminal_error", "terminal_error", None]
    assert levels(three.books[A]) == START


@pytest.mark.parametrize("code", [code for code in range(1, 29) if code not in (10, 17, 25)])
def test_any_other_error_kills_nothing(kb, three, code):
    update = three.receive(error(code, sid=1, seq=3))
    assert update.effect is kb.Effect.IGNORED
    assert not update.message.is_terminal
    assert receive_all(three, delta(A, seq=4)) == ["applied"]


def test_a_terminal_error_without_a_sid_kills_nothing(kb, three):
    assert three.receive(error(10)).effect is kb.Effect.IGNORED
    assert all(book.is_live for book in three.books.values())


def test_nothing_of_a_dead_subscription_is_believed(kb, three):
    three.receive(error(25, sid=1, seq=3))
    assert receive_all(three, snapshot(A, seq=4), delta(A, seq=5), ok([A], seq=6)) == ["ignored"] * 3
    assert three.books[A].stale_reason == "terminal_error"


def test_a_terminal_error_of_a_sid_without_live_books_is_noted(kb, three):
    receive_all(three, error(25, sid=1, seq=3))
    assert three.receive(error(25, sid=1, seq=4)).effect is kb.Effect.IGNORED


def test_subscribed_again_brings_it_to_life(three):
    receive_all(three, error(25, sid=1, seq=3), subscribed(1))
    assert receive_all(three, snapshot(A, seq=1), delta(A, seq=2)) == ["healed", "applied"]


def test_a_new_sid_takes_the_books_over(three):
    book = three.books[A]
    receive_all(three, error(10, sid=1, seq=3), subscribed(3), snapshot(A, sid=3, seq=1))
    assert three.books[A] is book
    assert (book.is_live, book.sid) == (True, 3)


@pytest.mark.parametrize(
    "odd",
    [
        {"text": 5},
        {"text": []},
        {"text": {}},
        {"text": None},
        {"market_ticker": 7},
        {"market_tickers": "x"},
        {"market_tickers": [1]},
    ],
)
@pytest.mark.parametrize("code", [10, 17, 25])
def test_a_terminal_error_is_one_whatever_else_it_says(kb, three, code, odd):
    update = three.receive(error(code, sid=1, seq=3, **odd))
    assert (update.kind, update.effect) == (kb.Kind.ERROR, kb.Effect.STALED)
    assert [book.stale_reason for book in three.books.values()] == ["terminal_error", "terminal_error", None]


@pytest.mark.parametrize("odd", [b"1e999", b"9" * 5_000, b'"\xff"'])
def test_a_terminal_error_is_one_whatever_no_reader_can_hold_in_it(kb, three, odd):
    update = three.receive(error(25, sid=1, seq=3, text="odd").replace(b'"odd"', odd))
    assert (update.kind, update.effect) == (kb.Kind.ERROR, kb.Effect.STALED)


@pytest.mark.parametrize("end", [error(25, sid=1, seq=3), unsubscribed(1, seq=3)])
def test_a_dead_sid_whose_count_falls_lives_again(three, end):
    """Two connections spliced into one recording: the second one's sid 1 is another subscription."""
    three.receive(end)
    effects = receive_all(three, snapshot(A, seq=1), delta(A, seq=2), delta(B, seq=3))
    assert effects[1:] == ["applied", "ignored"]
    assert three.books[A].is_live
