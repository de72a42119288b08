"""How the books of one subscription come back to life, rung by rung, without a feed (F18)."""

import pytest

from frames import A, B, C
from implementations import part

ANSWER, RETRY = 10, 100


class Ladder:
    """A recovery of sid 1, with books of its own."""

    def __init__(self, kb, *tickers, live=()):
        self.kb = kb
        self.recovery = part(kb, "recovery").Recovery(kb.Pace(answer_ns=ANSWER, tries=2, retry_ns=RETRY))
        self.books = {ticker: kb.OrderBook(ticker) for ticker in tickers}
        for ticker in live:
            self.heal(ticker)

    def heal(self, ticker, *, was_stale=True):
        self.books[ticker].apply(
            self.kb.decode(f'{{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{{"market_ticker":"{ticker}"}}}}')
        )
        self.recovery.healed(ticker, was_stale=was_stale)

    def doubt(self):
        self.recovery.is_dirty = True

    def wanted(self, now_ns=0, *, can_change=True):
        return self.recovery.wanted(1, self.books, self.books, epoch=1, now_ns=now_ns, can_change=can_change)

    def ask(self, now_ns=0, *, frames=1, can_change=True):
        """Send what is wanted; give it as (action, tickers)."""
        commands = self.wanted(now_ns, can_change=can_change)
        for command in commands:
            assert (command.sid, command.epoch, command.purpose) == (1, 1, "recovery")
            self.recovery.sent(command.market_tickers, frames, now_ns)
        return [(command.action, *command.market_tickers) for command in commands]

    def advance(self, now_ns, *, frames=1, held=None):
        return self.recovery.advance(now_ns, frames, len(self.books) if held is None else held, self.books)


@pytest.fixture
def ladder(kb):
    """Books A and B, of which neither is LIVE, and that is noted."""
    ladder = Ladder(kb, A, B)
    ladder.doubt()
    return ladder


def test_nothing_is_to_be_healed_at_first(kb):
    ladder = Ladder(kb, A, live=[A])
    assert (ladder.recovery.is_idle, ladder.ask(), ladder.recovery.next_deadline_ns) == (True, [], None)
    ladder.doubt()
    assert (ladder.ask(), ladder.recovery.is_idle) == ([], True)


def test_a_book_that_just_joined_is_waited_for(kb):
    ladder = Ladder(kb, A)
    ladder.recovery.expect([A], 5)
    assert (ladder.ask(5 + ANSWER - 1), ladder.recovery.next_deadline_ns) == ([], 5 + ANSWER)
    ladder.advance(5 + ANSWER)
    assert ladder.ask(5 + ANSWER) == [("get_snapshot", A)]


def test_a_book_that_joined_before_time_was_told_is_waited_for_from_then(kb):
    ladder = Ladder(kb, A)
    ladder.recovery.expect([A], None)
    assert (ladder.ask(None), ladder.recovery.next_deadline_ns) == ([], None)
    ladder.advance(5)
    assert ladder.recovery.next_deadline_ns == 5 + ANSWER


def test_a_book_that_joins_again_keeps_its_rung(ladder):
    ladder.ask()
    ladder.recovery.expect([A], 3)
    ladder.advance(ANSWER)
    assert ladder.ask(ANSWER) == [("get_snapshot", A, B)]


def test_every_rung_in_turn(kb, ladder):
    climbed = []
    for now in (0, ANSWER, 2 * ANSWER):
        ladder.advance(now, frames=now)
        climbed.append(ladder.ask(now, frames=now))
    assert climbed == [[("get_snapshot", A, B)], [("get_snapshot", A, B)], [("delete_markets", A, B)]]
    assert ladder.advance(3 * ANSWER, frames=99) == (A, B)
    assert [(book.state, book.stale_reason) for book in ladder.books.values()] == [
        (kb.State.UNAVAILABLE, "no_snapshot")
    ] * 2  # fmt: skip
    assert (ladder.recovery.wants_resubscribe, ladder.recovery.next_deadline_ns) == (False, 3 * ANSWER + RETRY)
    assert ladder.ask(3 * ANSWER + RETRY) == [("get_snapshot", A, B)]
    assert ladder.advance(4 * ANSWER + RETRY) == ()
    assert ladder.recovery.wants_resubscribe is False


@pytest.mark.parametrize(
    ("frames", "held", "is_silent"),
    [(1, 2, True), (1, 4, True), (1, 5, False), (2, 2, False)],
    ids=["all of it", "half of it", "less than half", "some frame came"],
)
def test_only_a_subscription_of_which_most_is_silent_is_to_be_made_anew(ladder, frames, held, is_silent):
    for now in (0, ANSWER, 2 * ANSWER):
        ladder.advance(now)
        ladder.ask(now)
    ladder.advance(3 * ANSWER, frames=frames, held=held)
    assert ladder.recovery.wants_resubscribe is is_silent
    assert not ladder.recovery.is_idle
    if is_silent:
        assert ladder.ask(3 * ANSWER + RETRY) == []


def test_while_another_change_is_under_way_no_market_is_taken_out(ladder):
    for now in (0, ANSWER):
        ladder.advance(now)
        ladder.ask(now)
    ladder.advance(2 * ANSWER)
    assert ladder.ask(2 * ANSWER, can_change=False) == []
    assert ladder.ask(2 * ANSWER) == [("delete_markets", A, B)]


def test_books_on_several_rungs_are_asked_for_side_by_side(kb):
    ladder = Ladder(kb, A, B, live=[B])
    ladder.doubt()
    for now in (0, ANSWER):
        ladder.advance(now)
        ladder.ask(now)
    ladder.books[B] = kb.OrderBook(B)
    ladder.doubt()
    ladder.advance(2 * ANSWER)
    assert ladder.ask(2 * ANSWER) == [("get_snapshot", B), ("delete_markets", A)]


def test_one_round_is_under_way_at_a_time_and_a_gap_adds_to_the_next(kb):
    ladder = Ladder(kb, A, B, live=[B])
    ladder.doubt()
    assert ladder.ask() == [("get_snapshot", A)]
    ladder.books[B] = kb.OrderBook(B)
    ladder.doubt()
    assert ladder.ask() == []
    ladder.heal(A)
    assert ladder.ask() == [("get_snapshot", B)]


def test_a_round_has_more_time_from_each_answer(ladder):
    ladder.ask()
    ladder.heal(A)
    ladder.advance(ANSWER - 1)
    assert ladder.recovery.next_deadline_ns == 2 * ANSWER - 1
    ladder.recovery.answered([B])
    ladder.advance(ANSWER + 5)
    assert ladder.recovery.next_deadline_ns == 2 * ANSWER + 5
    assert ladder.ask(2 * ANSWER) == []


def test_what_came_back_is_told_once_when_no_answer_is_awaited(kb, ladder):
    ladder.ask()
    ladder.heal(A)
    assert ladder.recovery.take_healed() == ()
    ladder.heal(B)
    assert ladder.recovery.take_healed() == (A, B)
    assert (ladder.recovery.take_healed(), ladder.recovery.is_idle) == ((), True)


def test_a_first_snapshot_is_no_healing_nor_is_one_of_a_book_that_was_well(kb):
    ladder = Ladder(kb, A, B)
    ladder.recovery.expect([A], 0)
    ladder.heal(A, was_stale=False)
    ladder.heal(B)
    assert (ladder.recovery.take_healed(), ladder.recovery.is_idle) == ((), True)


def test_a_question_that_is_sent_after_its_book_came_back_awaits_no_answer_for_it(ladder):
    (command,) = ladder.wanted()
    ladder.heal(A)
    ladder.recovery.sent(command.market_tickers, 1, 0)
    ladder.heal(B)
    assert (ladder.recovery.take_healed(), ladder.recovery.is_idle) == ((A, B), True)


def test_what_nobody_wants_any_more_is_not_asked_for(ladder):
    ladder.ask()
    ladder.recovery.forget([A, C])
    ladder.advance(ANSWER)
    assert ladder.ask(ANSWER) == [("get_snapshot", B)]
    ladder.recovery.forget([B])
    assert (ladder.recovery.is_idle, ladder.recovery.next_deadline_ns) == (True, None)


def test_a_book_that_left_is_given_up_without_a_word(ladder):
    for now in (0, ANSWER, 2 * ANSWER):
        ladder.advance(now)
        ladder.ask(now)
    del ladder.books[A]
    assert ladder.advance(3 * ANSWER) == (B,)


def test_more_than_500_are_asked_for_in_chunks_and_taken_out_500_at_a_time(kb):
    tickers = [f"T{number}" for number in range(1_200)]
    ladder = Ladder(kb, *tickers)
    ladder.doubt()
    for now in (0, ANSWER):
        assert [len(names) - 1 for names in ladder.ask(now)] == [500, 500, 200]
        ladder.advance(now)
        ladder.advance(now + ANSWER)
    assert [(names[0], len(names) - 1) for names in ladder.ask(2 * ANSWER)] == [("delete_markets", 500)]


def test_before_time_is_told_the_first_rung_is_the_only_one(ladder):
    assert ladder.ask(None) == [("get_snapshot", A, B)]
    assert (ladder.ask(None), ladder.recovery.next_deadline_ns) == ([], None)
    ladder.advance(7)
    assert ladder.recovery.next_deadline_ns == 7 + ANSWER
