"""The true book as a value."""

import json

import pytest

from kalshi_book.sim.truth import TrueBook

EMPTY = TrueBook("KXSIM-26-A", (), (), 0)
BOOK = TrueBook("KXSIM-26-A", ((4100, 12000), (4200, 755)), ((5500, 4000),), 7)


def dollars(level):
    price_e4, size_e2 = level
    return [f"0.{price_e4:04d}", f"{size_e2 / 100:.2f}"]


def snapshot(sides):
    return json.dumps({"type": "orderbook_snapshot", "sid": 1, "seq": 1, "msg": {"market_ticker": "KXSIM-26-A", **sides}})


def test_its_best_prices_are_those_of_its_bids():
    bests = (BOOK.best_yes_bid_e4(), BOOK.best_yes_ask_e4(), BOOK.best_no_bid_e4(), BOOK.best_no_ask_e4())
    assert bests == (4200, 4500, 5500, 5800)
    assert EMPTY.best_yes_bid_e4() is EMPTY.best_yes_ask_e4() is EMPTY.best_no_bid_e4() is EMPTY.best_no_ask_e4() is None


@pytest.mark.parametrize("book", [BOOK, EMPTY])
def test_its_checksum_is_that_of_an_order_book_with_the_same_levels(feed, book):
    """Feed rule F20, written twice."""
    fields = {f"{side}_dollars_fp": [dollars(level) for level in getattr(book, side)] for side in ("yes", "no")}
    feed.receive(snapshot({side: levels for side, levels in fields.items() if levels}))
    assert book.checksum() == feed.books["KXSIM-26-A"].checksum()


def test_books_are_equal_where_everything_is():
    assert TrueBook("KXSIM-26-A", BOOK.yes, BOOK.no, 7) == BOOK
    assert TrueBook("KXSIM-26-A", BOOK.yes, BOOK.no, 8) != BOOK
    assert TrueBook("KXSIM-26-A", BOOK.yes, (), 7) != BOOK
