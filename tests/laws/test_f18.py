"""F18: how books come back: one rung after the other, a chunk at a time, within a budget, and never at the others' cost.

Source of what the rungs do: the AsyncAPI text, read 2026-10-26 (get_snapshot, delete and add), and recordings of 2026. How
patient to be is ours: ``Pace``.
"""

import itertools

import pytest

from frames import A, B, C, delta, receive_all, snapshot
from session import BOOK, MINUTE, SECOND, Session

BOGUS = "KXBOGUS-26-Z"
ANSWER = 10 * SECOND
"""How long an answer is waited for."""


def held(kb, *tickers, **options):
    """A session whose books are LIVE, with nothing on record."""
    session = Session(kb, *(tickers or (A, B)), **options)
    session.feed.subscribe(BOOK, market_tickers=session.exchange.venue.listings)
    session.pump()
    session.take_sent()
    session.events.clear()
    return session


def gap(session, ticker=A):
    """Lose a delta, and see it at the next."""
    session.lose(1)
    session.exchange.change(ticker, "yes", 1000, 100)
    session.exchange.change(ticker, "yes", 1000, 100)
    session.deliver()
    session.lose_nothing()


class TestFirstRung:
    def test_a_gap_asks_for_the_snapshots_of_all_books_of_the_sid(self, kb):
        session = held(kb)
        gap(session)
        assert session.live() == []
        session.pump()
        assert session.take_sent() == [("get_snapshot", A, B)]
        assert (session.live(), session.wrong()) == ([A, B], [])
        assert [update.effect for update in session.updates] == [kb.Effect.HEALED] * 2
        assert [type(event).__name__ for event in session.events] == ["Gap", "CommandSent", "Recovered"]
        assert session.events[-1].market_tickers == (A, B)
        session.pass_time(MINUTE)
        assert (session.take_sent(), session.feed.next_deadline_ns) == ([], None)

    @pytest.mark.parametrize("why", ["malformed", "contradiction", "crossed"])
    def test_a_single_book_that_cannot_be_right_is_asked_for_alone(self, kb, feed, why):
        receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2))
        bad = {
            "malformed": delta(seq=3, delta_fp="x"),
            "contradiction": delta(seq=3, change="-99.00"),
            "crossed": delta(seq=3, price="0.4500", change="1.00"),
        }
        feed.receive(bad[why])
        (command,) = feed.wanted()
        assert (command.action, command.sid, command.market_tickers, command.purpose) == (
            "get_snapshot", 1, (A,), "recovery"
        )  # fmt: skip

    def test_a_snapshot_that_comes_by_itself_needs_no_question(self, feed):
        receive_all(feed, snapshot(A, seq=1), delta(seq=3), snapshot(A, seq=4))
        assert feed.wanted() == []

    @pytest.mark.parametrize("is_done", [False, True])
    @pytest.mark.parametrize("code", [11, 13, 18])
    def test_a_market_that_is_wanted_again_after_its_removal_was_refused_is_added_again(self, kb, code, is_done):
        """Whatever the refusal says: were it out all the same, its snapshot would be that of a book without deltas."""
        session = held(kb)
        session.feed.unsubscribe(BOOK, market_tickers=[A])
        session.exchange.fail_with, session.exchange.lose_reply = code, is_done
        session.pump()
        assert session.take_sent() == [("delete_markets", A)]
        assert session.feed.books[A].stale_reason == "unsubscribed"
        session.feed.subscribe(BOOK, market_tickers=[A])
        session.pump()
        assert session.take_sent() == [("add_markets", A), *([] if is_done else [("get_snapshot", A)])]
        session.exchange.change(A, "yes", 1000, 100)
        session.deliver()
        assert (session.live(), session.wrong()) == ([A, B], [])

    def test_a_removal_that_is_done_late_after_its_market_was_added_again_is_made_good(self, kb):
        """Commands run concurrently (observed, 2026): what was given up is done last, and its list lacks the market."""
        session = held(kb)
        session.exchange.hold = True
        session.feed.unsubscribe(BOOK, market_tickers=[A])
        session.pass_time(ANSWER + SECOND)
        assert session.take_sent() == [("delete_markets", A)] * 2
        session.exchange.hold = False
        session.exchange.process(1)
        session.feed.subscribe(BOOK, market_tickers=[A])
        session.pump()
        assert (session.take_sent(), session.live()) == ([("add_markets", A)], [A, B])
        session.exchange.process(0)
        session.pump()
        assert (session.take_sent(), session.live()) == ([], [B])
        session.pass_time(ANSWER)
        assert (session.take_sent(), session.live(), session.wrong()) == ([("add_markets", A)], [A, B], [])

    def test_a_removal_that_was_refused_is_asked_for_again(self, kb):
        session = held(kb)
        session.feed.unsubscribe(BOOK, market_tickers=[A])
        session.exchange.fail_with = 11
        session.pass_time(59 * SECOND)
        assert session.take_sent() == [("delete_markets", A)]
        session.pass_time(2 * SECOND)
        assert session.take_sent() == [("delete_markets", A)]
        assert list(session.feed.books) == [B]

    def test_wanted_says_the_same_until_it_is_sent(self, feed):
        receive_all(feed, snapshot(A, seq=1), delta(seq=3))
        first = feed.wanted()
        assert feed.wanted() == first
        feed.send(first[0])
        assert feed.wanted() == []

    def test_a_gap_on_another_channel_asks_for_nothing(self, kb):
        session = Session(kb, A)
        session.feed.subscribe("trade")
        session.pump()
        session.take_sent()
        session.lose(2)
        for _ in range(3):
            session.exchange.send("trade", "trade", {"market_ticker": A})
        session.pass_time(MINUTE)
        assert (session.take_sent(), len(session.of("Gap"))) == ([], 1)

    def test_1200_markets_are_asked_for_in_three_commands(self, kb):
        """500 tickers in one command were observed to work."""
        tickers = [f"KXDEMO-26-{number}" for number in range(1_200)]
        session = held(kb, *tickers)
        assert len(session.live()) == 1_200
        gap(session, tickers[0])
        session.pump()
        sent = session.take_sent()
        assert [(what, len(names)) for what, *names in sent] == [
            ("get_snapshot", 500),
            ("get_snapshot", 500),
            ("get_snapshot", 200),
        ]
        assert (len(session.live()), session.wrong()) == (1_200, [])

    def test_an_answer_that_was_lost_is_asked_for_again(self, kb):
        session = held(kb)
        gap(session)
        session.loses = lambda frame: frame["type"] == "orderbook_snapshot" and frame["msg"]["market_ticker"] == B
        session.pump()
        session.lose_nothing()
        session.take_sent()
        assert session.live() == [A]
        session.pass_time(ANSWER - 1)
        assert session.take_sent() == []
        session.pass_time(1)  # its number was lost too: the answer reveals a gap
        assert session.take_sent() == [("get_snapshot", B), ("get_snapshot", A)]
        assert (session.live(), session.wrong()) == ([A, B], [])

    def test_a_deadline_counts_from_the_last_answer(self, kb):
        """A thousand snapshots may take their time."""
        session = held(kb, A, B, C)
        session.exchange.delay_snapshots = True
        gap(session)
        session.pump()
        session.take_sent()
        for _ in range(3):
            session.pass_time(ANSWER - 1)
            session.exchange.release()
        session.pump()
        assert (session.take_sent(), session.live()) == ([], [A, B, C])


class TestOneRecoveryAtATime:
    def test_a_gap_during_it_extends_it(self, kb):
        session = held(kb, A, B)
        session.exchange.delay_snapshots = True
        gap(session)
        session.pump()
        assert session.take_sent() == [("get_snapshot", A, B)]
        session.exchange.release()
        session.pump()
        assert session.live() == [A]
        gap(session)
        session.pump()
        assert (session.take_sent(), session.live()) == ([], [])
        session.exchange.release()  # of B: the last that was asked for
        session.pump()
        assert (session.take_sent(), session.live()) == ([("get_snapshot", A)], [B])
        session.exchange.release()
        session.pump()
        assert (session.take_sent(), session.live(), session.wrong()) == ([], [A, B], [])

    def test_twenty_gaps_during_it_ask_for_nothing(self, kb):
        session = held(kb, A, B)
        session.exchange.delay_snapshots = True
        gap(session)
        session.pump()
        session.take_sent()
        for _ in range(20):
            gap(session)
            session.pump()
        assert session.take_sent() == []


class TestOtherRungs:
    def test_a_market_that_gets_no_snapshot_climbs_alone(self, kb):
        """A settled or mistyped ticker is accepted, and simply streams nothing."""
        session = held(kb, A)
        session.feed.subscribe(BOOK, market_tickers=[BOGUS])
        session.pump()
        book = session.feed.books[BOGUS]
        assert (session.take_sent(), book.state) == ([("add_markets", BOGUS)], kb.State.NEW)
        climb = []
        for _ in range(5):
            session.exchange.change(A, "yes", 1000, 100)
            session.pass_time(ANSWER)
            climb.append((session.take_sent(), book.state.value))
            assert session.live() == [A]
        assert climb == [
            ([("get_snapshot", BOGUS)], "new"),  # its first snapshot did not come by itself
            ([("get_snapshot", BOGUS)], "new"),
            ([("delete_markets", BOGUS), ("add_markets", BOGUS)], "stale"),
            ([], "unavailable"),
            ([], "unavailable"),
        ]
        assert (book.stale_reason, session.feed.books[BOGUS] is book) == ("no_snapshot", True)
        assert [event.market_tickers for event in session.of("MarketsUnavailable")] == [(BOGUS,)]
        assert (session.wrong(), session.feed.reconnect_reason) == ([], None)

    def test_what_is_unavailable_is_asked_for_slowly_and_heals_when_it_comes(self, kb):
        session = held(kb, A, B)
        session.exchange.silent_markets.add(B)
        gap(session)
        session.pass_time(3 * ANSWER)
        assert session.feed.books[B].state is kb.State.UNAVAILABLE
        session.take_sent()
        session.pass_time(MINUTE - 1)
        assert session.take_sent() == []
        session.pass_time(1)
        assert session.take_sent() == [("get_snapshot", B)]
        session.pass_time(10 * MINUTE)
        assert 5 <= len(session.take_sent()) <= 10
        assert [event.market_tickers for event in session.of("MarketsUnavailable")] == [(B,)]
        session.exchange.silent_markets.clear()
        session.pass_time(2 * MINUTE)
        assert (session.live(), session.wrong()) == ([A, B], [])

    def test_delete_and_add_brings_what_get_snapshot_does_not(self, kb):
        session = held(kb, A, B)
        books = dict(session.feed.books)
        gap(session)
        session.loses_command = lambda command: command["params"].get("action") == "get_snapshot"
        session.pass_time(2 * ANSWER)
        assert session.take_sent() == [
            ("get_snapshot", A, B), ("get_snapshot", A, B), ("delete_markets", A, B), ("add_markets", A, B)
        ]  # fmt: skip
        assert (session.live(), session.wrong(), dict(session.feed.books)) == ([A, B], [], books)

    def test_a_silent_subscription_is_ended_and_made_anew(self, kb):
        """It answers nothing, and most of its books are missing: only then."""
        session = held(kb, A, B)
        gap(session)
        session.loses = lambda frame: frame.get("sid") == 1 and frame["type"] != "unsubscribed"
        session.pass_time(3 * ANSWER)
        assert [what for what, *_ in session.take_sent()] == [
            "get_snapshot", "get_snapshot", "delete_markets", "unsubscribe", "subscribe"
        ]  # fmt: skip
        assert session.feed.subscriptions[BOOK].sid == 2
        assert (session.live(), session.wrong()) == ([A, B], [])

    def test_a_silent_minority_does_not_cost_the_others_their_subscription(self, kb):
        session = held(kb, A, B, C)
        session.exchange.silent_markets.add(B)
        gap(session)
        session.pass_time(5 * MINUTE)
        assert "unsubscribe" not in [what for what, *_ in session.take_sent()]
        assert session.live() == [A, C]

    def test_a_subscription_that_stays_silent_wants_a_reconnect(self, kb):
        session = held(kb, A, B)
        session.loses = lambda frame: "sid" in frame and frame["type"] != "unsubscribed"
        gap_without_restoring(session)
        session.pass_time(5 * MINUTE)
        reason = "the book subscription stays silent, though it was subscribed anew"
        assert session.feed.reconnect_reason == reason
        assert [event.reason for event in session.of("ReconnectWanted")] == [reason]
        session.lose_nothing()
        session.reconnect()
        assert session.feed.reconnect_reason is None
        session.pump()
        assert (session.live(), session.wrong()) == ([A, B], [])

    def test_a_subscription_that_cannot_be_ended_wants_a_reconnect(self, kb):
        session = held(kb, A, B)
        session.loses = lambda frame: "sid" in frame
        gap_without_restoring(session)
        session.pass_time(5 * MINUTE)
        assert session.feed.reconnect_reason == "the orderbook_delta subscription gives nothing and cannot be ended"


def gap_without_restoring(session):
    """Let the books be STALE on a connection that gives nothing any more."""
    for ticker in session.exchange.venue.listings:
        session.feed.receive(delta(ticker, sid=1, seq=99, delta_fp="x"))


class TestTime:
    def test_before_time_is_told_the_first_rung_is_wanted_and_no_other(self, kb, feed):
        receive_all(feed, snapshot(A, seq=1), delta(seq=3))
        feed.send(feed.wanted()[0])
        assert (feed.wanted(), feed.next_deadline_ns) == ([], None)
        feed.advance(5)
        assert feed.next_deadline_ns == 5 + ANSWER
        feed.advance(4 + ANSWER)
        assert feed.wanted() == []
        feed.advance(5 + ANSWER)
        assert [command.action for command in feed.wanted()] == ["get_snapshot"]

    def test_the_pace_is_the_callers(self, kb):
        feed = kb.Feed(pace=kb.Pace(answer_ns=7, tries=1, retry_ns=30))
        receive_all(feed, snapshot(A, seq=1), delta(seq=3))
        feed.advance(100)
        actions = []
        while feed.books[A].state is not kb.State.UNAVAILABLE:
            for command in feed.wanted():
                actions.append((feed._subscriptions.now_ns, command.action))
                feed.send(command)
            feed.advance(feed.next_deadline_ns)
        assert actions == [(100, "get_snapshot"), (107, "delete_markets")]
        assert feed.next_deadline_ns <= 114 + 30

    def test_a_filtered_feed_wants_nothing(self, kb):
        feed = kb.Feed(filtered=True)
        feed.subscribe(BOOK, market_tickers=[A])
        receive_all(feed, snapshot(A, seq=1), delta(seq=2, delta_fp="x"))
        feed.advance(1)
        assert feed.books[A].stale_reason == "malformed"
        assert feed.wanted() == []


class TestBudget:
    def test_what_the_budget_does_not_allow_waits_for_it(self, kb):
        """Error 27 punishes those who ask too often."""
        tickers = [f"KXDEMO-26-{number}" for number in range(1_200)]
        session = held(kb, *tickers, pace=kb.Pace(budget_per_minute=60, burst=2))
        gap(session, tickers[0])
        session.pump()
        assert [len(names) for _, *names in session.take_sent()] == [500, 500]
        assert (len(session.live()), [event.held_back for event in session.of("BudgetSpent")]) == (1_000, [1])
        assert session.feed.next_deadline_ns == SECOND
        session.pass_time(SECOND)
        assert [len(names) for _, *names in session.take_sent()] == [200]
        assert (len(session.live()), session.wrong()) == (1_200, [])

    def test_it_fills_with_time_up_to_the_burst_and_no_further(self, kb):
        session = held(kb, A, pace=kb.Pace(budget_per_minute=60, burst=2))
        session.pass_time(10 * MINUTE)
        for _ in range(5):
            gap(session)
            session.pump()
        assert len(session.take_sent()) == 2

    def test_the_callers_own_commands_and_what_is_desired_do_not_wait(self, kb):
        session = held(kb, A, B, pace=kb.Pace(budget_per_minute=1, burst=1))
        for _ in range(3):
            gap(session)
            session.pump()
        session.take_sent()
        session.feed.subscribe(BOOK, market_tickers=[C])
        session.send(kb.UpdateSubscription(action="get_snapshot", sid=1, market_tickers=[A]))
        session.pump()
        assert session.take_sent() == [("get_snapshot", A), ("add_markets", C)]


@pytest.mark.parametrize("order", list(itertools.permutations(["reconnect", "gap", "time"])))
def test_whatever_came_before_a_connection_that_answers_ends_in_right_books(kb, order):
    session = held(kb, A, B)
    for each in order:
        if each == "reconnect":
            session.reconnect()
        elif each == "gap":
            gap(session)
        else:
            session.pass_time(MINUTE)
    session.pass_time(MINUTE)
    assert (session.live(), session.wrong()) == ([A, B], [])


class TestNobodyWaitsForOthers:
    def test_markets_that_come_and_go_keep_no_round_open(self, kb):
        session = held(kb, A, B, *(f"KXNEW-26-{n}" for n in range(100)))
        session.feed.unsubscribe(BOOK, market_tickers=[f"KXNEW-26-{n}" for n in range(100)])
        session.feed.subscribe(BOOK, market_tickers=[BOGUS])
        session.pump()
        gap(session)
        for number in range(100):
            session.feed.subscribe(BOOK, market_tickers=[f"KXNEW-26-{number}"])
            session.pass_time(5 * SECOND)
            if number == 50:
                gap(session)
                session.pump()
                assert session.feed.books[A].is_live
        assert session.feed.books[BOGUS].state is kb.State.UNAVAILABLE

    def test_a_market_that_does_not_answer_delays_the_next_gap_by_nothing(self, kb):
        session = held(kb)
        session.feed.subscribe(BOOK, market_tickers=[BOGUS])
        session.pass_time(25 * SECOND)  # it is asked for the second time
        session.take_sent()
        for _ in range(3):
            gap(session)
            session.pump()
            assert session.live() == [A, B]
        assert session.take_sent() == [("get_snapshot", A, B)] * 3

    def test_a_subscription_that_answers_late_is_not_torn_down(self, kb):
        """The process slept, and what came meanwhile is read after time was told."""
        session = held(kb)
        session.exchange.silent_markets = {A, B}
        gap(session)
        session.pass_time(19 * SECOND)
        session.loses = lambda frame: frame["type"] == "ok"
        session.take_sent()
        session.now_ns += SECOND
        session.feed.advance(session.now_ns)
        for command in session.feed.wanted():
            session.send(command)
        assert session.take_sent() == [("delete_markets", A, B)]
        session.feed.advance(session.now_ns + ANSWER)
        session.now_ns += ANSWER
        session.lose_nothing()
        session.exchange.silent_markets = set()
        session.deliver()
        assert "unsubscribe" not in [sent[0] for sent in session.take_sent()]
        session.pass_time(2 * MINUTE)
        assert "unsubscribe" not in [sent[0] for sent in session.take_sent()]
        assert (session.live(), session.wrong()) == ([A, B], [])
