"""F17: a snapshot that was asked for while its book was LIVE is an audit: compared, reported, and taken."""

import pytest

from frames import A, B, delta, levels, receive_all, snapshot
from session import BOOK, Session


@pytest.fixture
def session(kb):
    """Books A and B, LIVE."""
    session = Session(kb, A, B)
    session.feed.subscribe(BOOK, market_tickers=[A, B])
    session.pump()
    return session


def audit(kb, session, *tickers):
    session.send(kb.UpdateSubscription(action="get_snapshot", sid=1, market_tickers=tickers))
    session.pump()
    return session.updates


def test_an_audit_that_agrees_is_counted_and_changes_nothing(kb, session):
    session.exchange.change(A, "yes", 1000, -100)
    updates = audit(kb, session, A, B)
    assert [(update.kind, update.effect, update.error) for update in updates] == [
        (kb.Kind.DELTA, kb.Effect.APPLIED, None),
        (kb.Kind.SNAPSHOT, kb.Effect.APPLIED, None),
        (kb.Kind.SNAPSHOT, kb.Effect.APPLIED, None),
    ]
    assert (session.feed.audits, session.of("AuditDiffered"), session.live()) == ((2, 0), [], [A, B])


def test_an_audit_that_differs_is_reported_with_both_checksums_and_taken(kb, session):
    """The exchange lost a delta with a perfect count: nothing else can tell."""
    session.exchange.change(A, "yes", 1000, 500, is_told=False)
    kept = session.feed.books[A].checksum()
    (update,) = audit(kb, session, A)
    sent = session.feed.books[A].checksum()
    assert (update.effect, update.book.is_live, session.wrong()) == (kb.Effect.APPLIED, True, [])
    assert type(update.error) is kb.AuditDifference
    assert (update.error.market_ticker, update.error.kept_checksum, update.error.sent_checksum) == (A, kept, sent)
    assert str(update.error) == (
        f"{A}: expected a snapshot of the book that was kept (checksum {kept}), found {sent}. The book holds the snapshot "
        "now; what was read of it before may have been wrong"
    )
    (event,) = session.of("AuditDiffered")
    assert (event.market_ticker, event.kept_checksum, event.sent_checksum) == (A, kept, sent)
    assert session.feed.audits == (0, 1)
    assert session.feed.reconnect_reason is None


def test_an_audit_that_agrees_again_says_nothing_of_the_difference_before(kb, session):
    session.exchange.change(A, "yes", 1000, 500, is_told=False)
    audit(kb, session, A)
    assert audit(kb, session, A)[0].error is None
    assert session.feed.audits == (1, 1)


@pytest.mark.parametrize(
    ("frames_", "why"),
    [
        ([delta(seq=5), snapshot(seq=6, top={"id": 9})], "the book was STALE"),
        ([snapshot(A, [("0.1000", "1.00")], [], seq=2)], "it was not asked for: the market closed, or joined again"),
        ([snapshot(B, seq=2, top={"id": 9})], "the market is not held"),
    ],
)
def test_no_other_snapshot_is_an_audit(feed, frames_, why):
    receive_all(feed, snapshot(A, seq=1), *frames_)
    assert feed.audits == (0, 0), why


def test_an_audit_that_shows_a_crossed_book_differs_and_leaves_it_stale(kb, feed):
    feed.receive(snapshot(A, seq=1))
    crossed = snapshot(A, [("0.6000", "1.00")], [("0.6000", "1.00")], seq=2, top={"id": 9})
    update = feed.receive(crossed)
    assert (update.effect, type(update.error), update.book.stale_reason) == (
        kb.Effect.STALED, kb.AuditDifference, "crossed"
    )  # fmt: skip
    assert levels(feed.books[A])["yes"] == {6000: 100}
