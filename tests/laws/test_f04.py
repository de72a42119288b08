"""F4: the same seq with the same bytes as the last frame of that sid is a duplicate, and dropped."""

import pytest

from frames import A, delta, feed_facts, frame, levels, ok, receive_all, snapshot, trade


@pytest.mark.parametrize(
    "sent",
    [delta(seq=2), snapshot(seq=2), ok([A], seq=2), frame("unheard_of", sid=1, seq=2), delta(seq=2, delta_fp="bad")],
)
def test_the_same_frame_again_changes_nothing(kb, feed, sent):
    """A client was seen to apply a repeated delta twice, and others to take it for a gap."""
    receive_all(feed, snapshot(seq=1), sent)
    before = feed_facts(feed)
    update = feed.receive(sent)
    assert (update.effect, update.skipped, update.sid, update.seq) == (kb.Effect.DUPLICATE, 0, 1, 2)
    assert (update.book, update.error, update.top_changed) == (None, None, False)
    assert feed_facts(feed) | {"counts": 0} == before | {"counts": 0}


def test_any_number_of_duplicates_is_dropped_and_counting_goes_on(feed):
    effects = receive_all(feed, snapshot(seq=1), delta(seq=2), delta(seq=2), delta(seq=2), delta(seq=3))
    assert effects == ["applied", "applied", "duplicate", "duplicate", "applied"]
    assert levels(feed.books[A])["yes"][4200] == 900


def test_the_newline_at_the_end_makes_no_other_frame(feed):
    """Text frames end with a newline on the wire; the last line of a file may lack it."""
    effects = receive_all(
        feed, snapshot(seq=1) + b"\n", snapshot(seq=1), snapshot(seq=1).decode(), snapshot(seq=1) + b"\r\n"
    )
    assert effects == ["applied", "duplicate", "duplicate", "duplicate"]


def test_text_that_is_no_utf_8_can_be_compared_too(feed):
    """A lone surrogate in a str cannot be encoded; the frame cannot be read, so it takes no number."""
    receive_all(feed, snapshot(seq=1), delta(seq=2).decode())
    assert receive_all(feed, delta(seq=2)) == ["duplicate"]
    assert receive_all(feed, delta(seq=2).decode() + "\ud800") == ["ignored"]


def test_a_duplicate_of_an_older_frame_is_no_duplicate(kb, feed):
    """Only the last frame is compared: an older one came out of order, and that is F5."""
    receive_all(feed, snapshot(seq=1), delta(seq=2), delta(seq=3))
    assert feed.receive(delta(seq=2)).effect is kb.Effect.BACKWARDS


def test_the_same_bytes_on_another_sid_are_no_duplicate(feed):
    assert receive_all(feed, trade(sid=2, seq=1), trade(sid=3, seq=1)) == ["ignored", "ignored"]


def test_the_same_frame_in_the_next_connection_is_no_duplicate(feed):
    feed.receive(snapshot(seq=1))
    feed.opened()
    assert receive_all(feed, snapshot(seq=1)) == ["healed"]


def test_a_duplicate_after_a_gap_heals_nothing(feed):
    effects = receive_all(feed, snapshot(seq=1), delta(seq=5), delta(seq=5))
    assert effects == ["applied", "gap", "duplicate"]
    assert feed.books[A].stale_reason == "gap"


def test_frames_without_a_number_are_never_duplicates(feed):
    assert receive_all(feed, trade(seq=None), trade(seq=None)) == ["ignored", "ignored"]
