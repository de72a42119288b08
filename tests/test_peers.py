"""Faults that were reproduced in other libraries by running them, as far as they concern books and sequence: not here."""

import pytest

from frames import NO, START, YES, A, B, delta, levels, ok, receive_all, snapshot, subscribed
from frames import encode as encoded


@pytest.mark.parametrize(("yes", "no"), [(YES, []), ([], NO), ([], [])])
def test_one_sided_and_empty_snapshots_start_a_book(kb, feed, yes, no):
    assert receive_all(feed, snapshot(A, yes, no), delta(A, "yes", "0.1000", "1.00")) == ["applied", "applied"]


def test_frames_of_live_subscriptions_are_read_while_a_new_one_waits_for_its_ack(feed):
    """Data may come before, between and after the replies."""
    effects = receive_all(
        feed, snapshot(A, seq=1), delta(A, seq=2), subscribed(2, channel="trade"), delta(A, seq=3), ok([A], seq=4)
    )
    assert effects == ["applied", "applied", "ignored", "applied", "ignored"]


def test_data_may_come_before_its_subscribed(feed):
    """A reply that is late restarts the count of a sid that has counted: the next snapshot heals."""
    receive_all(feed, snapshot(A, seq=1), subscribed(1))
    assert receive_all(feed, snapshot(A, seq=2), delta(A, seq=3)) == ["healed", "applied"]


def test_a_hundred_and_one_deltas_behind_each_other_end_nothing(feed):
    receive_all(feed, snapshot())
    assert set(receive_all(feed, *(delta(seq=seq) for seq in range(2, 103)))) == {"applied"}


def test_an_ok_with_a_seq_is_no_gap(feed):
    assert receive_all(feed, snapshot(seq=1), ok(seq=2), delta(seq=3))[2] == "applied"


def test_legacy_cents_are_cents(feed):
    sent = {"type": "orderbook_snapshot", "sid": 1, "seq": 1, "msg": {"market_ticker": A, "yes": [[42, 5]]}}
    assert str(feed.receive(encoded(sent)).book.best_yes_bid().price) == "0.4200"


def test_use_yes_price_is_taken_and_read_right(kb):
    feed = kb.Feed(use_yes_price=True)
    receive_all(feed, snapshot(A, [], [("0.5200", "1.00")]))
    assert (feed.books[A].best_no_bid_e4(), feed.books[A].best_yes_ask_e4()) == (4800, 5200)


def test_an_exact_duplicate_is_neither_a_gap_nor_applied(feed):
    assert receive_all(feed, snapshot(), delta(), delta()) == ["applied", "applied", "duplicate"]
    assert levels(feed.books[A])["yes"][4200] == 800


def test_a_bad_delta_does_not_leave_the_book_ready(kb, feed):
    receive_all(feed, snapshot())
    for seq, bad in ((2, {"delta_fp": "x"}), (4, {"side": "up"}), (6, {"price_dollars": "2"}), (8, {"delta_fp": "-900"})):
        update = feed.receive(delta(seq=seq, **bad))
        assert update.error is not None
        assert not feed.books[A].is_live
        assert receive_all(feed, snapshot(seq=seq + 1)) == ["healed"]


def test_two_spellings_of_a_price_are_one_level(feed):
    receive_all(
        feed,
        snapshot(A, [("0.960", "1.00")], []),
        delta(price="0.9600", change="1.00"),
        delta(price="0.96", change="1.00", seq=3),
    )
    assert levels(feed.books[A])["yes"] == {9600: 300}


def test_a_json_array_frame_ends_nothing(feed):
    receive_all(feed, snapshot())
    assert feed.receive(b"[1,2,3]").kind.value == "malformed"
    assert receive_all(feed, delta()) == ["applied"]


def test_a_delta_is_a_change_and_no_absolute_size(feed):
    receive_all(feed, snapshot(), delta(change="5.00"))
    assert levels(feed.books[A])["yes"][4200] == START["yes"][4200] + 500


def test_prices_a_thousandth_apart_are_two_levels(feed):
    receive_all(feed, snapshot(A, [("0.4200", "1.00"), ("0.4205", "1.00"), ("0.4209", "1.00")], []))
    assert len(feed.books[A].bids()) == 3


def test_a_gap_is_of_the_sid_and_not_of_the_market(feed):
    receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2), delta(A, seq=9))
    assert not any(book.is_live for book in feed.books.values())


def test_updates_come_in_the_order_of_their_frames(feed):
    receive_all(feed, snapshot())
    assert [feed.receive(delta(seq=seq)).seq for seq in range(2, 30)] == list(range(2, 30))


def test_nothing_is_printed(feed, capfd):
    receive_all(feed, snapshot(), delta(seq=9), b"junk", delta(seq=3), delta(seq=4, delta_fp="x"))
    assert capfd.readouterr() == ("", "")
