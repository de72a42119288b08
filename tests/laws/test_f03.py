"""F3: after a gap every book of the sid is STALE, and then the frame itself is processed."""

import pytest

from frames import A, B, C, delta, error, frame, levels, ok, receive_all, snapshot, subscribed, trade, unsubscribed


@pytest.fixture
def two(feed):
    """Books A and B on sid 1, and C on sid 2, all LIVE."""
    receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2), snapshot(C, sid=2, seq=1))
    return feed


@pytest.mark.parametrize("seq", [4, 5, 1_000, 2**63 - 1])
def test_a_skipped_number_makes_every_book_of_the_sid_stale(kb, two, seq):
    """Nobody can know whose delta was lost. A client that healed one market served 121 where 52 was true."""
    update = two.receive(delta(A, seq=seq))
    assert (update.kind, update.effect, update.skipped) == (kb.Kind.DELTA, kb.Effect.GAP, seq - 3)
    for ticker, expected in ((A, 1), (B, 2)):
        book = two.books[ticker]
        assert (book.state, book.stale_reason, book.seq) == (kb.State.STALE, "gap", expected)
    assert two.books[C].is_live
    assert two.skipped == seq - 3


def test_the_delta_that_reveals_the_gap_changes_no_book(two):
    before = [levels(book) for book in two.books.values()]
    update = two.receive(delta(A, seq=9))
    assert [levels(book) for book in two.books.values()] == before
    assert (update.size_e2, update.top_changed) == (None, False)
    assert (update.market_ticker, update.outcome_side, update.price_e4, update.delta_e2) == (A, "yes", 4200, 100)


def test_later_deltas_of_a_stale_book_are_counted_and_not_applied(kb, two):
    two.receive(delta(A, seq=5))
    before = levels(two.books[A])
    for seq in (6, 7, 8):
        update = two.receive(delta(A, seq=seq))
        assert (update.effect, update.skipped) == (kb.Effect.IGNORED, 0)
    assert levels(two.books[A]) == before
    assert two.receive(snapshot(A, seq=9)).effect is kb.Effect.HEALED


def test_each_book_is_good_again_at_its_own_snapshot_and_not_before(two):
    two.receive(delta(A, seq=5))
    assert two.receive(snapshot(B, seq=6)).effect.value == "healed"
    assert [two.books[ticker].is_live for ticker in (A, B)] == [False, True]
    assert receive_all(two, delta(A, seq=7), delta(B, seq=8), snapshot(A, seq=9), delta(A, seq=10)) == [
        "ignored", "applied", "healed", "applied"
    ]  # fmt: skip


def test_a_snapshot_that_reveals_a_gap_heals_its_own_book_only(kb, two):
    update = two.receive(snapshot(A, seq=7))
    assert (update.effect, update.skipped) == (kb.Effect.HEALED, 4)
    assert two.books[A].is_live
    assert (two.books[B].state, two.books[B].stale_reason) == (kb.State.STALE, "gap")


def test_a_snapshot_that_reveals_a_gap_starts_a_new_book(kb, feed):
    feed.receive(snapshot(A, seq=1))
    update = feed.receive(snapshot(B, seq=4))
    assert (update.effect, update.skipped) == (kb.Effect.APPLIED, 2)
    assert [book.is_live for book in feed.books.values()] == [False, True]


@pytest.mark.parametrize(
    "sent",
    [
        ok(seq=6),
        ok([A, B], seq=6),
        error(11, sid=1, seq=6),
        frame("unheard_of", sid=1, seq=6),
        frame("list_subscriptions", sid=1, seq=6),
    ],
)
def test_a_response_or_unknown_frame_can_reveal_the_gap(kb, two, sent):
    update = two.receive(sent)
    assert (update.effect, update.skipped) == (kb.Effect.GAP, 3)
    assert [book.stale_reason for book in two.books.values()] == ["gap", "gap", None]


def test_an_ok_that_announces_books_and_reveals_a_gap_tells_of_the_gap(kb, two):
    update = two.receive(ok([A, B, "KXDEMO-26-D"], seq=6))
    assert (update.effect, update.skipped) == (kb.Effect.GAP, 3)
    assert two.books["KXDEMO-26-D"].state is kb.State.NEW


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (unsubscribed(1, seq=6), "unsubscribed"),
        (ok([B], seq=6), "unsubscribed"),
    ],
)
def test_what_the_frame_itself_does_to_books_outweighs_the_gap(kb, two, sent, reason):
    book = two.books[A]
    update = two.receive(sent)
    assert (update.effect, update.skipped) == (kb.Effect.STALED, 3)
    assert book.stale_reason == reason


def test_a_terminal_error_that_reveals_a_gap_finds_no_book_left_to_stale(kb, two):
    update = two.receive(error(25, sid=1, seq=6))
    assert (update.effect, update.skipped) == (kb.Effect.GAP, 3)


def test_a_malformed_frame_that_reveals_a_gap_finds_no_book_left_to_stale(kb, two):
    update = two.receive(delta(A, seq=6, delta_fp="much"))
    assert (update.kind, update.effect, update.skipped) == (kb.Kind.MALFORMED, kb.Effect.GAP, 3)
    assert update.error.market_ticker == A
    assert two.books[A].stale_reason == "gap"


def test_a_crossed_snapshot_that_reveals_a_gap_is_staled(kb, two):
    update = two.receive(snapshot(A, yes=[("0.5000", "1.00")], no=[("0.5000", "1.00")], seq=6))
    assert (update.effect, update.skipped) == (kb.Effect.STALED, 3)
    assert two.books[A].stale_reason == "crossed"


def test_a_gap_on_a_sid_without_books_is_an_event_and_hurts_no_book(kb, two):
    """Only sids of the orderbook channel have books."""
    two.receive(trade(sid=3, seq=1))
    update = two.receive(trade(sid=3, seq=5))
    assert (update.kind, update.effect, update.skipped) == (kb.Kind.TRADE, kb.Effect.GAP, 3)
    assert all(book.is_live for book in two.books.values())


def test_a_new_book_is_stale_over_a_gap_since_its_snapshot_may_be_what_was_lost(kb, feed):
    receive_all(feed, subscribed(), ok([A], seq=1))
    update = feed.receive(delta(A, seq=4))
    assert (update.effect, update.skipped) == (kb.Effect.GAP, 2)
    assert (feed.books[A].state, feed.books[A].stale_reason) == (kb.State.STALE, "gap")
    assert feed.receive(snapshot(A, seq=5)).effect is kb.Effect.HEALED


def test_counting_goes_on_behind_the_gap(two):
    two.receive(delta(A, seq=10))
    assert two.receive(delta(A, seq=11)).skipped == 0
    assert two.receive(delta(A, seq=13)).skipped == 1
    assert two.skipped == 8


def test_a_stale_book_refuses_and_says_what_to_do(kb, two):
    two.receive(delta(A, seq=10))
    with pytest.raises(kb.BookNotLive) as raised:
        two.books[A].best_yes_bid()
    error_ = raised.value
    assert (error_.market_ticker, error_.state, error_.stale_reason, error_.seq) == (A, "stale", "gap", 1)
    assert str(error_) == f"{A} is STALE (gap) after seq 1, not LIVE: wait for its next snapshot, or read book.last_known"
    assert two.books[A].last_known.best_yes_bid_e4() == 4200
