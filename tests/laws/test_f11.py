"""F11: what a sid holds is what its last ``ok`` list or an id-less snapshot says; a book that left is out of feed.books.

Kept so far for truth's sake: ok lists, unsubscribed, and snapshots that answer a get_snapshot.
"""

import pytest

from frames import START, A, B, C, delta, error, frame, levels, ok, receive_all, snapshot, subscribed, unsubscribed


@pytest.fixture
def two(feed):
    """Books A and B on sid 1, LIVE."""
    receive_all(feed, subscribed(), snapshot(A, seq=1), snapshot(B, seq=2))
    return feed


def test_the_list_of_an_ok_announces_books(kb, feed):
    feed.receive(subscribed())
    update = feed.receive(ok([A, B, A], seq=1))
    assert (update.kind, update.effect) == (kb.Kind.OK, kb.Effect.APPLIED)
    assert [(ticker, book.state, book.sid) for ticker, book in feed.books.items()] == [
        (A, kb.State.NEW, 1),
        (B, kb.State.NEW, 1),
    ]
    with pytest.raises(kb.BookNotLive):
        feed.books[A].last_known.bbo()


def test_an_ok_that_adds_to_the_list_leaves_the_live_books_alone(kb, two):
    book = two.books[A]
    assert two.receive(ok([A, B, C], seq=3)).effect is kb.Effect.APPLIED
    assert two.books[A] is book
    assert book.is_live
    assert two.books[C].state is kb.State.NEW
    assert receive_all(two, snapshot(C, seq=4)) == ["applied"]


@pytest.mark.parametrize(
    "sent", [ok([A, B], seq=3), ok(seq=3), frame("ok", sid=1, seq=3, msg=None), frame("ok", sid=1, seq=3, msg={})]
)
def test_an_ok_that_says_nothing_new_does_nothing(kb, two, sent):
    assert two.receive(sent).effect is kb.Effect.IGNORED
    assert all(book.is_live for book in two.books.values())


def test_the_list_at_the_top_of_the_frame_is_the_late_2025_shape(kb, two):
    update = two.receive(frame("ok", sid=1, seq=3, market_tickers=[A, B, C], id=3))
    assert update.effect is kb.Effect.APPLIED
    assert list(two.books) == [A, B, C]


@pytest.mark.parametrize("sent", [ok([B], seq=3), frame("ok", sid=1, seq=3, market_tickers=[B])])
def test_a_ticker_that_left_the_list_is_out_and_stale(kb, two, sent):
    left, stays = two.books[A], two.books[B]
    update = two.receive(sent)
    assert update.effect is kb.Effect.STALED
    assert list(two.books) == [B]
    assert (left.state, left.stale_reason, left.sid) == (kb.State.STALE, "unsubscribed", None)
    assert stays.is_live
    assert levels(left) == START


def test_late_frames_for_a_ticker_that_left_are_counted_and_reach_no_book(kb, two):
    """delete_markets: deltas already under way may still arrive."""
    left = two.books[A]
    two.receive(ok([B], seq=3))
    update = two.receive(delta(A, seq=4))
    assert (update.effect, update.book, update.market_ticker) == (kb.Effect.IGNORED, None, A)
    assert levels(left) == START
    assert receive_all(two, delta(B, seq=5)) == ["applied"]


def test_a_ticker_that_comes_back_gets_a_new_book(two):
    left = two.books[A]
    receive_all(two, ok([B], seq=3), ok([A, B], seq=4), snapshot(A, seq=5))
    assert two.books[A] is not left
    assert two.books[A].is_live
    assert left.stale_reason == "unsubscribed"


def test_an_empty_list_takes_all_books_of_the_sid(kb, two):
    two.receive(snapshot(C, sid=2, seq=1))
    assert two.receive(ok([], seq=3)).effect is kb.Effect.STALED
    assert list(two.books) == [C]


def test_the_list_of_another_channel_holds_no_books(kb, two):
    receive_all(two, subscribed(2, channel="trade"))
    assert two.receive(ok([A, C], sid=2, seq=1)).effect is kb.Effect.IGNORED
    assert list(two.books) == [A, B]


def test_an_ok_without_a_sid_holds_nothing(kb, two):
    update = two.receive(frame("ok", msg={"market_tickers": []}, id=5))
    assert (update.effect, list(two.books)) == (kb.Effect.IGNORED, [A, B])


@pytest.mark.parametrize("seq", [3, None])
def test_unsubscribed_takes_all_books_of_the_sid_away(kb, two, seq):
    """Late 2025: unsubscribed without seq."""
    two.receive(snapshot(C, sid=2, seq=1))
    left = [two.books[A], two.books[B]]
    update = two.receive(unsubscribed(1, seq=seq))
    assert (update.kind, update.effect, update.sid, update.seq) == (kb.Kind.UNSUBSCRIBED, kb.Effect.STALED, 1, seq)
    assert list(two.books) == [C]
    assert [(book.state, book.stale_reason, book.sid) for book in left] == [(kb.State.STALE, "unsubscribed", None)] * 2


def test_unsubscribed_of_a_sid_without_books_is_noted(kb, two):
    assert two.receive(unsubscribed(9)).effect is kb.Effect.IGNORED
    assert all(book.is_live for book in two.books.values())


def test_late_frames_of_an_ended_sid_make_no_books(kb, two):
    two.receive(unsubscribed(1, seq=3))
    assert receive_all(two, delta(A, seq=4), snapshot(A, seq=5), ok([A], seq=6)) == ["ignored"] * 3
    assert len(two.books) == 0


def test_a_sid_number_that_is_used_again_starts_anew(two):
    receive_all(two, unsubscribed(1, seq=3))
    assert receive_all(two, subscribed(1), snapshot(A, seq=1), delta(A, seq=2)) == ["backwards", "applied", "applied"]


def test_an_asked_snapshot_of_a_held_book_is_a_snapshot(kb, two):
    two.receive(delta(A, seq=5))
    update = two.receive(snapshot(A, seq=6, top={"id": 9}))
    assert (update.effect, update.book.is_live) == (kb.Effect.HEALED, True)
    assert update.message.id == 9


def test_an_asked_snapshot_of_a_ticker_that_is_not_held_is_known_and_not_live(kb, two):
    """get_snapshot also answers for tickers that are not held: no deltas follow those."""
    update = two.receive(snapshot(C, seq=3, top={"id": 9}))
    book = update.book
    assert update.effect is kb.Effect.STALED
    assert (book.state, book.stale_reason, book.sid, book.seq) == (kb.State.STALE, "not_subscribed", None, 3)
    assert levels(book) == START
    assert two.books[C] is book
    assert receive_all(two, delta(C, seq=4)) == ["ignored"]


def test_an_asked_snapshot_again_brings_last_known_up_to_date(two):
    receive_all(two, snapshot(C, seq=3, top={"id": 9}), snapshot(C, [("0.1000", "1.00")], [], seq=4, top={"id": 10}))
    assert levels(two.books[C]) == {"yes": {1000: 100}, "no": {}}
    assert two.books[C].stale_reason == "not_subscribed"


def test_an_id_less_snapshot_makes_a_book_held_that_was_only_known(kb, two):
    receive_all(two, snapshot(C, seq=3, top={"id": 9}))
    update = two.receive(snapshot(C, seq=4))
    assert (update.effect, update.book.sid) == (kb.Effect.HEALED, 1)
    assert receive_all(two, delta(C, seq=5)) == ["applied"]


def test_an_asked_snapshot_on_another_sid_does_not_touch_a_live_book(kb, two):
    update = two.receive(snapshot(A, [("0.1000", "1.00")], [], sid=2, seq=1, top={"id": 9}))
    assert (update.effect, update.book) == (kb.Effect.IGNORED, two.books[A])
    assert levels(two.books[A]) == START
    assert receive_all(two, delta(A, seq=3)) == ["applied"]


def test_an_error_that_is_not_terminal_changes_no_book(kb, two):
    assert two.receive(error(11, sid=1, seq=3)).effect is kb.Effect.IGNORED
    assert all(book.is_live for book in two.books.values())


def test_an_asked_snapshot_on_a_dead_sid_changes_nothing(kb, two):
    receive_all(two, error(25, sid=1, seq=3))
    update = two.receive(snapshot(A, seq=4, top={"id": 9}))
    assert (update.effect, update.book.stale_reason) == (kb.Effect.IGNORED, "terminal_error")


def test_an_ok_of_another_sid_takes_a_live_book_over_and_waits_for_its_snapshot(kb, two):
    receive_all(two, subscribed(2), ok([A], sid=2, seq=1))
    book = two.books[A]
    assert (book.state, book.stale_reason, book.sid) == (kb.State.STALE, "no_snapshot", 2)
    assert two.books[B].is_live
    assert receive_all(two, delta(A, sid=2, seq=2), delta(A, sid=1, seq=3)) == ["ignored", "ignored"]
    assert levels(book) == START
    assert receive_all(two, snapshot(A, sid=2, seq=3), delta(A, sid=2, seq=4), delta(B, sid=1, seq=4)) == [
        "healed", "applied", "applied"
    ]  # fmt: skip


def test_after_a_sid_is_subscribed_anew_an_asked_snapshot_heals_nothing(kb, two):
    """Nothing is held on it yet: no deltas need follow."""
    two.receive(subscribed(1))
    update = two.receive(snapshot(A, seq=1, top={"id": 9}))
    assert (update.effect, update.book.state, update.book.stale_reason) == (
        kb.Effect.STALED, kb.State.STALE, "not_subscribed"
    )  # fmt: skip
    assert receive_all(two, delta(A, seq=2), snapshot(A, seq=3), delta(A, seq=4)) == ["ignored", "healed", "applied"]


def test_an_id_of_zero_is_no_id(kb, feed):
    update = feed.receive(snapshot(A, top={"id": 0}))
    assert (update.effect, update.book.is_live, update.book.sid, update.message.id) == (kb.Effect.APPLIED, True, 1, None)


@pytest.mark.parametrize("msg", ["done", 5, True, [], [1], {"market_tickers": 5}, {"market_tickers": [5]}])
def test_an_ok_with_anything_else_for_a_list_does_nothing(kb, two, msg):
    update = two.receive(frame("ok", sid=1, seq=3, msg=msg))
    assert (update.kind, update.effect, update.error) == (kb.Kind.OK, kb.Effect.IGNORED, None)
    assert receive_all(two, delta(A, seq=4), delta(B, seq=5)) == ["applied", "applied"]
