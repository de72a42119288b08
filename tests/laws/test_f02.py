"""F2: one count per (epoch, sid) over every frame that has both sid and seq; the first one seen sets the base."""

import pytest

from frames import A, B, delta, error, frame, ok, receive_all, snapshot, subscribed, trade, unsubscribed


@pytest.mark.parametrize("base", [0, 1, 2, 1_000_000, 2**63 - 3])
def test_the_first_sequenced_frame_sets_the_base_whatever_its_number(feed, base):
    """Recordings start in the middle; a demo recording of 2026-07-01 begins with an ok."""
    update = feed.receive(snapshot(seq=base))
    assert (update.effect.value, update.skipped) == ("applied", 0)
    assert receive_all(feed, delta(seq=base + 1), delta(seq=base + 2)) == ["applied", "applied"]


@pytest.mark.parametrize(
    "between",
    [
        ok(seq=2),
        ok([A], seq=2),
        error(11, sid=1, seq=2),
        frame("brand_new_type", sid=1, seq=2, msg={"anything": [1, 2]}),
        frame("list_subscriptions", sid=1, seq=2, subscriptions=[]),
        snapshot(B, seq=2),
        delta(B, seq=2),
    ],
)
def test_every_frame_with_sid_and_seq_takes_one_number(feed, between):
    """Settled from recordings: snapshot, delta, ok, error and unsubscribed count. An ok taken for a gap is a known fault."""
    feed.receive(snapshot(seq=1))
    assert feed.receive(between).skipped == 0
    assert feed.receive(delta(seq=3)).effect.value == "applied"


@pytest.mark.parametrize(
    "silent", [subscribed(9, channel="ticker"), error(8), ok(seq=None), trade(seq=None), frame("ticker", sid=1)]
)
def test_a_frame_without_both_takes_no_number(feed, silent):
    feed.receive(snapshot(seq=1))
    update = feed.receive(silent)
    assert (update.seq, update.skipped) == (None, 0)
    assert feed.receive(delta(seq=2)).effect.value == "applied"


def test_a_seq_without_a_sid_counts_nowhere(feed):
    feed.receive(snapshot(seq=1))
    update = feed.receive(frame("thing", seq=77))
    assert (update.sid, update.seq, update.effect.value) == (None, 77, "ignored")
    assert feed.receive(delta(seq=2)).effect.value == "applied"


def test_an_unsubscribed_takes_a_number(feed):
    feed.receive(snapshot(seq=1))
    update = feed.receive(unsubscribed(1, seq=3))
    assert (update.seq, update.skipped) == (3, 1)


def test_each_sid_has_a_count_of_its_own(feed):
    effects = receive_all(
        feed,
        snapshot(A, sid=1, seq=1),
        snapshot(B, sid=2, seq=50),
        delta(A, sid=1, seq=2),
        trade(sid=3, seq=900),
        delta(B, sid=2, seq=51),
        delta(A, sid=1, seq=3),
    )
    assert effects == ["applied", "applied", "applied", "ignored", "applied", "applied"]


def test_one_count_runs_across_all_markets_of_a_sid(feed):
    effects = receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2), delta(A, seq=3), delta(B, seq=4), delta(A, seq=5))
    assert effects == ["applied"] * 5


def test_each_connection_counts_anew(feed):
    """There is no resume: after a reconnect sids and seqs start at 1 again."""
    receive_all(feed, snapshot(seq=800), delta(seq=801))
    feed.closed()
    feed.opened()
    update = feed.receive(snapshot(seq=1))
    assert (update.effect.value, update.skipped) == ("healed", 0)
    assert feed.receive(delta(seq=2)).effect.value == "applied"
    assert feed.epoch == 1


def test_a_count_at_the_end_of_64_bits_neither_wraps_nor_fails(feed):
    last = 2**63 - 1
    receive_all(feed, snapshot(seq=last - 1))
    assert feed.receive(delta(seq=last)).effect.value == "applied"
    update = feed.receive(delta(seq=last + 1))
    assert (update.kind.value, update.seq) == ("malformed", None)
    assert feed.receive(snapshot(seq=0)).effect.value == "healed"


@pytest.mark.parametrize("seq", [-1, 2**63, 2**64, 2**200, "2", 2.0, 2.5, True, None, [], {}])
def test_a_seq_that_is_no_number_of_64_bits_counts_nothing(kb, feed, seq):
    book = feed.receive(snapshot(seq=1)).book
    update = feed.receive(delta(seq=seq))
    assert (update.kind, update.effect, update.seq, update.sid) == (kb.Kind.MALFORMED, kb.Effect.STALED, None, 1)
    assert (book.state, book.stale_reason, book.seq) == (kb.State.STALE, "malformed", 1)
    assert feed.receive(snapshot(seq=2)).effect is kb.Effect.HEALED
