"""F13: inside, every NO level is on the NO scale, whatever scale the subscription asked for.

Kept so far: the flag of the constructor.
"""

import pytest

from frames import ERAS, NO, START, YES, A, delta, levels, receive_all, snapshot

FLIPPED = [("0.4500", "40.00"), ("0.4400", "310.00")]


@pytest.fixture
def yes_scale(kb):
    """A feed whose NO side arrives on the YES scale."""
    return kb.Feed(use_yes_price=True)


@pytest.mark.parametrize("era", ERAS)
def test_the_same_book_comes_of_both_scales(kb, era):
    plain, flipped = kb.Feed(), kb.Feed(use_yes_price=True)
    receive_all(plain, snapshot(A, YES, NO, era=era), delta(A, "no", "0.5600", "-10.00", era=era))
    receive_all(flipped, snapshot(A, YES, FLIPPED, era=era), delta(A, "no", "0.4400", "-10.00", era=era))
    assert plain.books[A].checksum() == flipped.books[A].checksum()
    assert levels(flipped.books[A])["no"] == {5500: 4000, 5600: 30000}


def test_yes_prices_are_never_flipped(yes_scale):
    receive_all(yes_scale, snapshot(A, YES, FLIPPED), delta(A, "yes", "0.4300", "1.00"))
    assert levels(yes_scale.books[A])["yes"] == {**START["yes"], 4300: 100}


def test_the_update_tells_a_no_price_on_the_no_scale(yes_scale):
    yes_scale.receive(snapshot(A, YES, FLIPPED))
    update = yes_scale.receive(delta(A, "no", "0.4400", "1.00"))
    assert (update.outcome_side, update.price_e4, update.size_e2, update.top_changed) == ("no", 5600, 31100, True)
    assert update.message.price_e4 == 4400


@pytest.mark.parametrize(("wire", "inside"), [("0.0001", 9999), ("0.9999", 1), ("0.5000", 5000)])
def test_the_flip_is_exact_at_both_ends(yes_scale, wire, inside):
    receive_all(yes_scale, snapshot(A, [], []), delta(A, "no", wire, "1.00"))
    assert levels(yes_scale.books[A])["no"] == {inside: 100}


def test_levels_on_the_yes_scale_may_come_in_any_order_and_not_twice(kb, yes_scale):
    assert receive_all(yes_scale, snapshot(A, [], FLIPPED[::-1])) == ["applied"]
    assert levels(yes_scale.books[A])["no"] == START["no"]
    twice = yes_scale.receive(snapshot(A, [], [("0.44", "1.00"), ("0.4400", "1.00")], seq=2))
    assert twice.error.reason == "no level 1: expected each price once, found price_e4=4400 again"


def test_a_misread_scale_crosses_or_not_and_is_no_guard(kb):
    """Read with the wrong flag, a real book did not cross: the flag has to be remembered, not guessed."""
    feed = kb.Feed()
    assert receive_all(feed, snapshot(A, [("0.2000", "1.00")], [("0.3000", "1.00")])) == ["applied"]
    assert feed.books[A].best_yes_ask_e4() == 7000


def test_a_message_by_hand_takes_the_flag_itself(kb):
    book = kb.OrderBook(A)
    book.apply(kb.decode(snapshot(A, YES, FLIPPED)), use_yes_price=True)
    book.apply(kb.decode(delta(A, "no", "0.4400", "5.00")), use_yes_price=True)
    assert levels(book)["no"] == {5500: 4000, 5600: 31500}
