"""F5: a lower seq, or the same with other bytes, restarts the count of that sid."""

import pytest

from frames import A, B, delta, error, levels, ok, receive_all, snapshot, subscribed, trade, unsubscribed


@pytest.fixture
def three(feed):
    """Book A and B on sid 1 at seq 8, C on sid 2."""
    receive_all(feed, snapshot(A, seq=7), snapshot(B, seq=8), snapshot("KXDEMO-26-C", sid=2, seq=8))
    return feed


@pytest.mark.parametrize("seq", [7, 6, 1, 0])
def test_a_lower_number_makes_the_books_of_that_sid_stale(kb, three, seq):
    """Seen on reconnects spliced into one recording (2026-08-11): sid 1 fell to seq 1, sid 2 seventy frames later."""
    before = levels(three.books[A])
    update = three.receive(delta(A, seq=seq))
    assert (update.kind, update.effect, update.skipped) == (kb.Kind.DELTA, kb.Effect.BACKWARDS, 0)
    assert [book.stale_reason for book in three.books.values()] == ["backwards", "backwards", None]
    assert levels(three.books[A]) == before
    assert three.skipped == 0


def test_the_same_number_with_other_bytes_is_a_restart(kb, three):
    update = three.receive(delta(A, seq=8))
    assert update.effect is kb.Effect.BACKWARDS
    assert three.books[A].stale_reason == "backwards"


def test_counting_restarts_from_that_frame(three):
    effects = receive_all(three, delta(A, seq=3), delta(A, seq=4), snapshot(A, seq=5), delta(A, seq=6), delta(A, seq=8))
    assert effects == ["backwards", "ignored", "healed", "applied", "gap"]


def test_a_snapshot_that_goes_backwards_heals_its_own_book(kb, three):
    update = three.receive(snapshot(A, seq=1))
    assert update.effect is kb.Effect.HEALED
    assert [book.is_live for book in three.books.values()] == [True, False, True]


@pytest.mark.parametrize("sent", [ok(seq=1), error(11, sid=1, seq=1), trade(sid=1, seq=1)])
def test_any_frame_can_go_backwards(kb, three, sent):
    assert three.receive(sent).effect is kb.Effect.BACKWARDS
    assert three.books[A].stale_reason == "backwards"


def test_an_unsubscribed_that_goes_backwards_still_takes_its_books_away(kb, three):
    assert three.receive(unsubscribed(1, seq=1)).effect is kb.Effect.STALED
    assert list(three.books) == ["KXDEMO-26-C"]


def test_a_restart_of_one_sid_leaves_the_others_alone(three):
    three.receive(trade(sid=2, seq=3))
    assert [book.is_live for book in three.books.values()] == [True, True, False]


def test_subscribed_for_a_sid_that_has_counted_restarts_it(kb, three):
    update = three.receive(subscribed(1))
    assert (update.kind, update.effect, update.sid, update.seq) == (kb.Kind.SUBSCRIBED, kb.Effect.BACKWARDS, 1, None)
    assert [book.stale_reason for book in three.books.values()] == ["backwards", "backwards", "unsubscribed"]
    assert receive_all(three, snapshot(A, seq=1), delta(A, seq=2)) == ["healed", "applied"]


def test_subscribed_for_a_sid_that_restarted_forgets_the_last_frame(three):
    """The first snapshot of the new count may be the very bytes of the last one."""
    receive_all(three, snapshot(A, seq=9), subscribed(1))
    assert receive_all(three, snapshot(A, seq=9)) == ["healed"]


def test_subscribed_for_a_new_sid_is_no_restart(kb, three):
    assert three.receive(subscribed(3, channel="ticker")).effect is kb.Effect.IGNORED
    assert all(book.is_live for book in three.books.values())


def test_subscribed_twice_before_anything_was_counted_is_no_restart(kb, feed):
    assert receive_all(feed, subscribed(1), subscribed(1)) == ["ignored", "ignored"]


def test_only_a_new_connection_touches_every_sid(three):
    three.closed()
    assert [book.stale_reason for book in three.books.values()] == ["disconnected"] * 3
    three.opened()
    assert receive_all(three, snapshot(A, sid=2, seq=1), snapshot(B, sid=2, seq=2)) == ["healed", "healed"]
    assert three.books[A].sid == 2


def test_a_closed_connection_counts_nothing_until_the_next_is_open(three):
    three.closed("maintenance")
    assert receive_all(three, snapshot(A, seq=9), delta(A, seq=10), b"garbage", subscribed(1)) == ["ignored"] * 4
    assert [book.stale_reason for book in three.books.values()] == ["maintenance"] * 3
    assert [book.sid for book in three.books.values()] == [None] * 3
    three.opened()
    assert receive_all(three, snapshot(A, seq=1)) == ["healed"]


def test_opened_without_closed_closes_first(kb, three):
    three.opened()
    assert three.epoch == 1
    assert [book.stale_reason for book in three.books.values()] == ["disconnected"] * 3


def test_closing_keeps_the_first_reason_of_a_book_that_was_stale(three):
    three.receive(delta(A, seq=20))
    three.closed()
    assert [book.stale_reason for book in three.books.values()] == ["gap", "gap", "disconnected"]


@pytest.mark.parametrize(
    ("wrong", "error_type", "text"),
    [
        (None, TypeError, "reason must be str, not NoneType"),
        (b"gone", TypeError, "reason must be str, not bytes"),
        ("", "UsageError", 'reason must be a word such as "disconnected", not empty'),
    ],
)
def test_a_reason_must_be_a_word(kb, three, wrong, error_type, text):
    with pytest.raises(getattr(kb, error_type) if isinstance(error_type, str) else error_type) as raised:
        three.closed(wrong)
    assert str(raised.value) == text
    assert all(book.is_live for book in three.books.values())
    assert three.receive(delta(A, seq=9)).effect is kb.Effect.APPLIED


@pytest.mark.parametrize(
    ("sent", "facts"),
    [
        (snapshot(A, seq=9), (1, 9, A)),
        (delta(A, seq=9), (1, 9, A)),
        (delta(A, seq=9, delta_fp="x"), (1, 9, A)),
        (trade(sid=2, seq=9), (2, 9, A)),
        (ok([A], seq=9), (1, 9, None)),
        (unsubscribed(1, seq=9), (1, 9, None)),
        (subscribed(4), (4, None, None)),
    ],
)
def test_an_update_of_a_closed_connection_still_tells_whose_frame_it_was(kb, three, sent, facts):
    three.closed()
    update = three.receive(sent)
    assert (update.sid, update.seq, update.market_ticker, update.effect) == (*facts, kb.Effect.IGNORED)
