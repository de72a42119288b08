"""Sums are exact: after any number of changes a level equals its Fraction, and is gone exactly at 0 (FM-32)."""

import random
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from frames import A, delta, snapshot


def test_ten_thousand_random_changes_equal_a_model_of_fractions(kb):
    rng = random.Random(32)
    book = kb.OrderBook(A)
    book.apply(kb.decode(snapshot(A, [], [])))
    model = {"yes": {}, "no": {}}
    for _ in range(10_000):
        side = rng.choice(("yes", "no"))
        price_e4 = rng.randrange(1, 50) * rng.choice((1, 10, 100))
        rests = model[side].get(price_e4, Fraction(0))
        change = Fraction(rng.randrange(1, 10 ** rng.randrange(1, 12)), 100)
        if rests and rng.random() < 0.6:
            change = -rests if rng.random() < 0.5 else -min(change, rests)
        left = book.change(outcome_side=side, price_e4=price_e4, delta_e2=int(change * 100))
        rests += change
        assert Fraction(left, 100) == rests
        model[side][price_e4] = rests
        if not rests:
            del model[side][price_e4]
    book.check()
    for side, ladder in model.items():
        held = {level.price_e4: Fraction(level.size) for level in book.bids(outcome_side=side)}
        assert held == ladder


def test_ten_twenty_less_thirty_cents_leaves_nothing(kb):
    """A book of floats keeps a phantom best bid of 5.6e-17 contracts here."""
    feed = kb.Feed()
    feed.receive(snapshot(A, [], []))
    for seq, change in enumerate(("0.10", "0.20", "-0.30"), 2):
        feed.receive(delta(change=change, seq=seq))
    assert feed.books[A].best_yes_bid() is None
    assert feed.books[A].bids() == []


@given(changes=st.lists(st.integers(1, 2**40), min_size=1, max_size=30), order=st.randoms(use_true_random=False))
def test_what_is_added_in_one_order_can_be_taken_in_any_other(both, changes, order):
    for kb in both:
        book = kb.OrderBook(A)
        book.apply(kb.decode(snapshot(A, [], [])))
        for change in changes:
            book.change(outcome_side="yes", price_e4=4200, delta_e2=change)
        assert book.best_yes_bid().size_e2 == sum(changes)
        shuffled = changes[:]
        order.shuffle(shuffled)
        for change in shuffled:
            book.change(outcome_side="yes", price_e4=4200, delta_e2=-change)
        assert book.best_yes_bid() is None
