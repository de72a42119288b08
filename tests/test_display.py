"""A book as text."""

import pytest

from frames import A, delta, snapshot


@pytest.fixture
def book(kb, feed):
    return feed.receive(snapshot()).book


def test_a_ladder_has_asks_above_bids_and_the_best_prices_in_the_middle(kb, book):
    assert kb.ladder(book).splitlines() == [
        f"{A}  yes",
        " ask  $0.4500         40.00  ####",
        " ask  $0.4400        310.00  ########################",
        "      $0.0200 spread, $0.4300 mid",
        " bid  $0.4200          7.00  #",
        " bid  $0.4100        120.00  ##########",
    ]


def test_a_ladder_of_no_shows_the_other_outcome(kb, book):
    assert kb.ladder(book, 1, outcome_side="no").splitlines() == [
        f"{A}  no",
        " ask  $0.5800          7.00  #",
        "      $0.0200 spread, $0.5700 mid",
        " bid  $0.5600        310.00  ########################",
    ]


def test_a_mid_between_two_ticks_is_exact(kb, feed):
    book = feed.receive(snapshot(yes=[("0.4000", "1.00")], no=[("0.5999", "1.00")])).book
    assert "$0.0001 spread, $0.40005 mid" in kb.ladder(book)


@pytest.mark.parametrize(
    ("yes", "no", "text"),
    [
        ([], [], "nobody on either side"),
        ([("0.4000", "1.00")], [], "nobody asks"),
        ([], [("0.4000", "1.00")], "nobody bids"),
    ],
)
def test_an_empty_side_is_said_in_words(kb, feed, yes, no, text):
    assert kb.ladder(feed.receive(snapshot(yes=yes, no=no)).book).splitlines()[1 + len(no)] == f"      {text}"


def test_a_stale_book_has_a_ladder_only_as_last_known(kb, feed, book):
    before = kb.ladder(book)
    feed.receive(delta(seq=9))
    with pytest.raises(kb.BookNotLive):
        kb.ladder(book)
    assert kb.ladder(book.last_known) == kb.ladder(book.last_known.snapshot()) == before


def test_wrong_arguments_are_refused(kb, book):
    with pytest.raises(kb.UsageError, match='"yes" or "no"'):
        kb.ladder(book, outcome_side="maybe")
    with pytest.raises(kb.UsageError, match="n must be 0 or more"):
        kb.ladder(book, -1)
