"""F15: a filtered tape has holes where other markets' frames were left out; they are counted and stale nothing."""

import pytest

from frames import A, B, delta, error, levels, ok, receive_all, snapshot, unsubscribed


@pytest.fixture
def filtered(kb):
    """A feed that replays a filtered tape."""
    feed = kb.Feed(filtered=True)
    feed.receive(snapshot(A, seq=10))
    return feed


def test_a_hole_is_counted_and_stales_nothing(kb, filtered):
    update = filtered.receive(delta(A, seq=15))
    assert (update.effect, update.skipped, update.book.is_live) == (kb.Effect.APPLIED, 4, True)
    assert filtered.skipped == 4
    assert levels(filtered.books[A])["yes"][4200] == 800


def test_a_snapshot_after_a_hole_is_an_ordinary_snapshot(kb, filtered):
    update = filtered.receive(snapshot(A, seq=15))
    assert (update.effect, update.skipped) == (kb.Effect.APPLIED, 4)


@pytest.mark.parametrize("sent", [ok(seq=13), error(11, sid=1, seq=13)])
def test_other_frames_after_a_hole_are_ignored_as_ever(kb, filtered, sent):
    update = filtered.receive(sent)
    assert (update.effect, update.skipped) == (kb.Effect.IGNORED, 2)
    assert filtered.books[A].is_live


def test_everything_else_is_as_always(filtered):
    effects = receive_all(
        filtered,
        delta(A, seq=12),
        delta(A, seq=12),
        delta(A, seq=11),
        snapshot(A, seq=20),
        delta(A, seq=30, price="0.4200", change="-99.00"),
        snapshot(A, seq=40),
        delta(A, seq=41, delta_fp="x"),
        delta(B, seq=50),
        unsubscribed(1, seq=60),
    )
    assert effects == [
        "applied", "duplicate", "backwards", "healed", "staled", "healed", "staled", "ignored", "staled"
    ]  # fmt: skip


def test_without_the_flag_the_same_tape_is_full_of_gaps(kb):
    feed = kb.Feed()
    assert receive_all(feed, snapshot(A, seq=10), delta(A, seq=15)) == ["applied", "gap"]
