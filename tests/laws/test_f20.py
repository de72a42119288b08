"""F20: the checksum is the first 8 bytes of SHA-256 over the level lines; anyone can recompute it."""

import hashlib
from decimal import Decimal

import pytest

from frames import ERAS, NO, YES, A, B, delta, receive_all, snapshot


def by_hand(ticker, yes, no):
    """Recompute a checksum from levels as texts, without the package."""
    lines = []
    for side, ladder in (("yes", yes), ("no", no)):
        for price, size in sorted(ladder, key=lambda level: Decimal(level[0])):
            lines.append(f"{ticker} {side} {Decimal(price):.4f} {Decimal(size):.2f}\n")
    return hashlib.sha256("".join(lines).encode()).digest()[:8].hex()


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("yes", "no"), [(YES, NO), (YES[::-1], NO[::-1]), (YES, []), ([], NO), ([], [])])
def test_the_checksum_can_be_recomputed_by_hand(feed, era, yes, no):
    book = feed.receive(snapshot(A, yes, no, era=era)).book
    assert book.checksum() == by_hand(A, yes, no)


def test_the_empty_book_has_the_checksum_of_nothing(feed):
    assert feed.receive(snapshot(A, [], [])).book.checksum() == "e3b0c44298fc1c14"


def test_no_levels_stand_at_their_no_price_on_either_scale(kb):
    feed = kb.Feed(use_yes_price=True)
    book = feed.receive(snapshot(A, [], [("0.4500", "40.00")])).book
    assert book.checksum() == by_hand(A, [], [("0.5500", "40.00")])


def test_prices_have_four_decimals_and_sizes_two_whatever_the_frame_shows(feed):
    book = feed.receive(snapshot(A, [("0.4", "7"), ("0.0001", "1407154.86")], [])).book
    assert book.checksum() == by_hand(A, [("0.0001", "1407154.86"), ("0.4000", "7.00")], [])


def test_the_checksum_follows_every_change_and_names_the_market(feed):
    receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2))
    first = feed.books[A].checksum()
    assert first != feed.books[B].checksum()
    receive_all(feed, delta(A, change="0.01", seq=3))
    assert feed.books[A].checksum() != first
    receive_all(feed, delta(A, change="-0.01", seq=4))
    assert feed.books[A].checksum() == first


def test_a_stale_book_has_a_checksum_of_what_it_last_knew_only(kb, feed):
    book = feed.receive(snapshot()).book
    first = book.checksum()
    feed.closed()
    with pytest.raises(kb.BookNotLive):
        book.checksum()
    assert book.last_known.checksum() == first == book.last_known.snapshot().checksum()
