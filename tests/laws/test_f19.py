"""F19: after error 10, 25 (or 17 of old) the subscription is dead, and it is to be subscribed anew."""

import pytest

from frames import ABSENT, START, A, B, delta, error, levels, ok, receive_all, snapshot, subscribed, unsubscribed
from session import BOOK, SECOND, Session


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


def test_a_count_that_begins_anew_brings_it_to_life_though_nobody_said_of_which_channel_it_is(three):
    receive_all(three, error(25, sid=9, seq=3), ok([A], sid=9, seq=1))
    assert receive_all(three, snapshot("KXDEMO-26-D", sid=9, seq=2)) == ["applied"]


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


@pytest.mark.parametrize("code", [10, 17, 25])
def test_what_was_held_is_subscribed_anew_and_the_books_are_the_same(kb, code):
    session = Session(kb, A, B)
    session.feed.subscribe(BOOK, market_tickers=[A, B])
    session.pump()
    books = dict(session.feed.books)
    session.take_sent()
    session.exchange.session.end(1, code)
    session.deliver()
    assert [book.stale_reason for book in session.feed.books.values()] == ["terminal_error"] * 2
    assert str(session.events[-1]).startswith(f"sid 1 (orderbook_delta) is dead: error {code}, ")
    session.pump()
    assert session.take_sent() == [("subscribe", A, B)]
    assert session.feed.subscriptions[BOOK].sid == 2
    assert (session.live(), session.wrong()) == ([A, B], [])
    assert all(session.feed.books[ticker] is book for ticker, book in books.items())


def test_what_no_command_asked_for_is_subscribed_anew_all_the_same(kb, three):
    """The feed heals what it holds, whoever subscribed to it: on the scale that it was on."""
    three.receive(error(25, sid=1, seq=3))
    (command,) = three.wanted()
    assert (command.market_tickers, command.use_yes_price, command.purpose) == ((A, B), False, "recovery")


def test_an_error_on_another_channel_asks_for_that_channel_alone(kb):
    session = Session(kb, A)
    session.feed.subscribe("trade")
    session.feed.subscribe(BOOK, market_tickers=[A])
    session.pump()
    session.take_sent()
    session.exchange.overflow(session.exchange.sid_of("trade"))
    session.pump()
    assert session.take_sent() == [("subscribe", "trade")]
    assert (session.live(), session.feed.subscriptions["trade"].sid) == ([A], 3)


def test_a_subscription_that_is_lost_again_and_again_is_asked_for_within_the_budget(kb):
    session = Session(kb, A, pace=kb.Pace(budget_per_minute=6, burst=3))
    session.feed.subscribe(BOOK, market_tickers=[A])
    session.pump()
    session.take_sent()
    for _ in range(60):
        if (sid := session.exchange.sid_of(BOOK)) is not None:
            session.exchange.overflow(sid)
        session.pass_time(SECOND)
    assert 6 <= len(session.take_sent()) <= 3 + 6
    session.pass_time(60 * SECOND)
    assert (session.live(), session.wrong()) == ([A], [])


def test_what_the_exchange_held_beside_what_is_desired_leaves_with_the_subscription(kb, feed):
    feed.send(kb.Subscribe(channels=[BOOK], market_tickers=[A]))
    receive_all(feed, subscribed(), ok([A, B], seq=1, command_id=0), error(25, sid=1, seq=2))
    assert list(feed.books) == [A]
    assert [command.market_tickers for command in feed.wanted()] == [(A,)]


@pytest.mark.parametrize("code", [10, 25])
def test_where_no_subscription_is_named_every_book_may_be_of_the_dead_one(kb, three, code):
    """``sid``: "Present when the error is scoped to a subscription" (AsyncAPI text, read 2026-10-26)."""
    update = three.receive(error(code, command_id=ABSENT))
    assert update.effect is kb.Effect.STALED
    assert {book.stale_reason for book in three.books.values()} == {"terminal_error"}
    assert three.reconnect_reason == f"error {code} ended a subscription, and does not say which"


def test_a_dead_subscription_of_a_channel_that_is_directed_here_stays_dead(kb, feed):
    """A count that falls on it is no new life: ``wanted`` subscribes anew, and only an answer to that says what is held."""
    feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A]))
    receive_all(feed, subscribed(1), snapshot(A, seq=5), error(25, sid=1, seq=6))
    assert receive_all(feed, snapshot(A, seq=1), delta(A, seq=2)) == ["backwards", "ignored"]
    assert feed.books[A].stale_reason == "terminal_error"
    assert [each.market_tickers for each in feed.wanted()] == [(A,)]
