"""F14: a book whose best yes bid and best no bid sum to $1 or more is STALE(crossed), with the frame applied."""

import pytest

from frames import ERAS, START, A, B, delta, levels, receive_all, snapshot


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("side", "price"),
    [("yes", "0.4400"), ("yes", "0.4500"), ("yes", "0.9900"), ("no", "0.5800"), ("no", "0.9900")],
)
def test_a_delta_that_locks_or_crosses_is_applied_and_the_book_stale(kb, feed, era, side, price):
    feed.receive(snapshot())
    update = feed.receive(delta(A, side, price, "2.00", era=era))
    book = feed.books[A]
    price_e4 = int(price[2:])
    assert (update.kind, update.effect, update.size_e2, update.top_changed) == (kb.Kind.DELTA, kb.Effect.STALED, 200, True)
    assert (book.state, book.stale_reason, book.seq) == (kb.State.STALE, "crossed", 2)
    assert levels(book)[side] == {**START[side], price_e4: 200}
    error = update.error
    assert type(error) is kb.Contradiction
    assert (error.stale_reason, error.outcome_side, error.price_e4, error.delta_e2, error.size_e2) == (
        "crossed", side, price_e4, 200, 200
    )  # fmt: skip
    assert str(error) == (
        f"{A} {side} price_e4={price_e4} delta_e2=200: expected the best yes bid and the best no bid to sum to less than "
        "$1, and they do not. The book is wrong and now STALE: get a new snapshot"
    )


@pytest.mark.parametrize(("side", "price"), [("yes", "0.4399"), ("no", "0.5799")])
def test_one_step_short_of_locked_is_fine(feed, side, price):
    feed.receive(snapshot())
    assert receive_all(feed, delta(A, side, price, "2.00")) == ["applied"]


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ([("0.5000", "1.00")], [("0.5000", "1.00")]),
        ([("0.9999", "1.00")], [("0.0001", "1.00")]),
        ([("0.6000", "1.00"), ("0.0100", "1.00")], [("0.5000", "1.00")]),
    ],
)
@pytest.mark.parametrize("era", ["2026-03", "current"])
def test_a_crossed_snapshot_is_applied_and_the_book_stale(kb, feed, yes, no, era):
    update = feed.receive(snapshot(A, yes, no, era=era))
    book = feed.books[A]
    assert (update.kind, update.effect, update.book, update.error) == (kb.Kind.SNAPSHOT, kb.Effect.STALED, book, None)
    assert (book.state, book.stale_reason) == (kb.State.STALE, "crossed")
    assert levels(book)["yes"] == {int(price[2:]): 100 for price, _ in yes}
    assert receive_all(feed, delta(seq=2), snapshot(seq=3)) == ["ignored", "healed"]


def test_a_crossed_snapshot_of_a_live_book_takes_it_down(kb, feed):
    receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2))
    update = feed.receive(snapshot(A, [("0.5000", "1.00")], [("0.5000", "1.00")], seq=3))
    assert (update.effect, update.top_changed) == (kb.Effect.STALED, True)
    assert [book.stale_reason for book in feed.books.values()] == ["crossed", None]


def test_no_level_is_deleted_to_repair_a_crossed_book(feed):
    receive_all(feed, snapshot(), delta(price="0.9000", change="1.00"))
    assert levels(feed.books[A]) == {"yes": {**START["yes"], 9000: 100}, "no": START["no"]}


def test_a_one_sided_book_never_crosses(feed):
    effects = receive_all(feed, snapshot(no=[]), delta(price="0.9999"), delta(price="0.9999", change="-1.00", seq=3))
    assert effects == ["applied"] * 3


@pytest.mark.parametrize(
    ("yes", "no", "price"), [([], [("0.6000", "1.00")], "0.4000"), ([("0.3000", "2.00")], [("0.6000", "1.00")], "0.5000")]
)
def test_a_level_that_crosses_from_nothing_is_seen(feed, yes, no, price):
    receive_all(feed, snapshot(A, yes, no), delta(A, "yes", price, "1.00"))
    assert feed.books[A].stale_reason == "crossed"
