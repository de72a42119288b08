"""F11: what a sid holds is what its last ``ok`` list or an id-less snapshot says; a book that left is out of feed.books."""

import pytest

from frames import ABSENT, START, A, B, C, delta, error, frame, levels, ok, receive_all, snapshot, subscribed, unsubscribed
from session import BOOK, SECOND, Session


@pytest.fixture
def two(feed):
    """Books A and B on sid 1, LIVE."""
    receive_all(feed, subscribed(), snapshot(A, seq=1), snapshot(B, seq=2))
    return feed


def test_the_list_of_an_ok_announces_books(kb, feed):
    feed.receive(subscribed())
    update = feed.receive(ok([A, B, A], seq=1))
    assert (update.kind, update.effect) == (kb.Kind.OK, kb.Effect.APPLIED)
    assert [(ticker, book.state, book.sid) for ticker, book in feed.books.items()] == [
        (A, kb.State.NEW, 1),
        (B, kb.State.NEW, 1),
    ]
    with pytest.raises(kb.BookNotLive):
        feed.books[A].last_known.bbo()


def test_an_ok_that_adds_to_the_list_leaves_the_live_books_alone(kb, two):
    book = two.books[A]
    assert two.receive(ok([A, B, C], seq=3)).effect is kb.Effect.APPLIED
    assert two.books[A] is book
    assert book.is_live
    assert two.books[C].state is kb.State.NEW
    assert receive_all(two, snapshot(C, seq=4)) == ["applied"]


@pytest.mark.parametrize(
    "sent", [ok([A, B], seq=3), ok(seq=3), frame("ok", sid=1, seq=3, msg=None), frame("ok", sid=1, seq=3, msg={})]
)
def test_an_ok_that_says_nothing_new_does_nothing(kb, two, sent):
    assert two.receive(sent).effect is kb.Effect.IGNORED
    assert all(book.is_live for book in two.books.values())


def test_the_list_at_the_top_of_the_frame_is_the_late_2025_shape(kb, two):
    update = two.receive(frame("ok", sid=1, seq=3, market_tickers=[A, B, C], id=3))
    assert update.effect is kb.Effect.APPLIED
    assert list(two.books) == [A, B, C]


@pytest.mark.parametrize("sent", [ok([B], seq=3), frame("ok", sid=1, seq=3, market_tickers=[B])])
def test_a_ticker_that_left_the_list_is_out_and_stale(kb, two, sent):
    left, stays = two.books[A], two.books[B]
    update = two.receive(sent)
    assert update.effect is kb.Effect.STALED
    assert list(two.books) == [B]
    assert (left.state, left.stale_reason, left.sid) == (kb.State.STALE, "unsubscribed", None)
    assert stays.is_live
    assert levels(left) == START


def test_late_frames_for_a_ticker_that_left_are_counted_and_reach_no_book(kb, two):
    """delete_markets: deltas already under way may still arrive."""
    left = two.books[A]
    two.receive(ok([B], seq=3))
    update = two.receive(delta(A, seq=4))
    assert (update.effect, update.book, update.market_ticker) == (kb.Effect.IGNORED, None, A)
    assert levels(left) == START
    assert receive_all(two, delta(B, seq=5)) == ["applied"]


def test_a_ticker_that_comes_back_gets_a_new_book(two):
    left = two.books[A]
    receive_all(two, ok([B], seq=3), ok([A, B], seq=4), snapshot(A, seq=5))
    assert two.books[A] is not left
    assert two.books[A].is_live
    assert left.stale_reason == "unsubscribed"


def test_an_empty_list_takes_all_books_of_the_sid(kb, two):
    two.receive(snapshot(C, sid=2, seq=1))
    assert two.receive(ok([], seq=3)).effect is kb.Effect.STALED
    assert list(two.books) == [C]


def test_the_list_of_another_channel_holds_no_books(kb, two):
    receive_all(two, subscribed(2, channel="trade"))
    assert two.receive(ok([A, C], sid=2, seq=1)).effect is kb.Effect.IGNORED
    assert list(two.books) == [A, B]


def test_an_ok_without_a_sid_holds_nothing(kb, two):
    update = two.receive(frame("ok", msg={"market_tickers": []}, id=5))
    assert (update.effect, list(two.books)) == (kb.Effect.IGNORED, [A, B])


@pytest.mark.parametrize("seq", [3, None])
def test_unsubscribed_takes_all_books_of_the_sid_away(kb, two, seq):
    """Late 2025: unsubscribed without seq."""
    two.receive(snapshot(C, sid=2, seq=1))
    left = [two.books[A], two.books[B]]
    update = two.receive(unsubscribed(1, seq=seq))
    assert (update.kind, update.effect, update.sid, update.seq) == (kb.Kind.UNSUBSCRIBED, kb.Effect.STALED, 1, seq)
    assert list(two.books) == [C]
    assert [(book.state, book.stale_reason, book.sid) for book in left] == [(kb.State.STALE, "unsubscribed", None)] * 2


def test_unsubscribed_of_a_sid_without_books_is_noted(kb, two):
    assert two.receive(unsubscribed(9)).effect is kb.Effect.IGNORED
    assert all(book.is_live for book in two.books.values())


def test_late_frames_of_an_ended_sid_make_no_books(kb, two):
    two.receive(unsubscribed(1, seq=3))
    assert receive_all(two, delta(A, seq=4), snapshot(A, seq=5), ok([A], seq=6)) == ["ignored"] * 3
    assert len(two.books) == 0


def test_a_sid_number_that_is_used_again_starts_anew(two):
    receive_all(two, unsubscribed(1, seq=3))
    assert receive_all(two, subscribed(1), snapshot(A, seq=1), delta(A, seq=2)) == ["backwards", "applied", "applied"]


def test_an_asked_snapshot_of_a_held_book_is_a_snapshot(kb, two):
    two.receive(delta(A, seq=5))
    update = two.receive(snapshot(A, seq=6, top={"id": 9}))
    assert (update.effect, update.book.is_live) == (kb.Effect.HEALED, True)
    assert update.message.id == 9


def test_an_asked_snapshot_of_a_ticker_that_is_not_held_is_known_and_not_live(kb, two):
    """get_snapshot also answers for tickers that are not held: no deltas follow those."""
    update = two.receive(snapshot(C, seq=3, top={"id": 9}))
    book = update.book
    assert update.effect is kb.Effect.STALED
    assert (book.state, book.stale_reason, book.sid, book.seq) == (kb.State.STALE, "not_subscribed", None, 3)
    assert levels(book) == START
    assert two.books[C] is book
    assert receive_all(two, delta(C, seq=4)) == ["ignored"]


def test_an_asked_snapshot_again_brings_last_known_up_to_date(two):
    receive_all(two, snapshot(C, seq=3, top={"id": 9}), snapshot(C, [("0.1000", "1.00")], [], seq=4, top={"id": 10}))
    assert levels(two.books[C]) == {"yes": {1000: 100}, "no": {}}
    assert two.books[C].stale_reason == "not_subscribed"


def test_an_id_less_snapshot_makes_a_book_held_that_was_only_known(kb, two):
    receive_all(two, snapshot(C, seq=3, top={"id": 9}))
    update = two.receive(snapshot(C, seq=4))
    assert (update.effect, update.book.sid) == (kb.Effect.HEALED, 1)
    assert receive_all(two, delta(C, seq=5)) == ["applied"]


def test_an_asked_snapshot_on_another_sid_does_not_touch_a_live_book(kb, two):
    update = two.receive(snapshot(A, [("0.1000", "1.00")], [], sid=2, seq=1, top={"id": 9}))
    assert (update.effect, update.book) == (kb.Effect.IGNORED, two.books[A])
    assert levels(two.books[A]) == START
    assert receive_all(two, delta(A, seq=3)) == ["applied"]


def test_nor_one_that_waits_for_its_snapshot_or_for_a_new_one(kb, two):
    receive_all(two, ok([A, B, C], seq=3), delta(A, seq=4, delta_fp="x"))
    before = [(book.state, book.stale_reason, book.sid) for book in two.books.values()]
    for seq, ticker in enumerate((A, C), 1):
        assert two.receive(snapshot(ticker, sid=2, seq=seq, top={"id": 9})).effect is kb.Effect.IGNORED
    assert [(book.state, book.stale_reason, book.sid) for book in two.books.values()] == before
    assert receive_all(two, snapshot(A, seq=5), snapshot(C, seq=6)) == ["healed", "applied"]


@pytest.mark.parametrize("beginning", [[subscribed(2, command_id=0)], []])
def test_what_was_lost_and_is_held_again_may_leave_like_any_other(two, beginning):
    """Somebody else directs the channel: the feed only follows."""
    receive_all(two, error(25, sid=1, seq=3), *beginning, snapshot(A, sid=2, seq=1), ok([], sid=2, seq=2))
    assert list(two.books) == [B]
    assert [command.market_tickers for command in two.wanted()] == [(B,)]


def test_an_error_that_is_not_terminal_changes_no_book(kb, two):
    assert two.receive(error(11, sid=1, seq=3)).effect is kb.Effect.IGNORED
    assert all(book.is_live for book in two.books.values())


def test_an_asked_snapshot_on_a_dead_sid_changes_nothing(kb, two):
    receive_all(two, error(25, sid=1, seq=3))
    update = two.receive(snapshot(A, seq=4, top={"id": 9}))
    assert (update.effect, update.book.stale_reason) == (kb.Effect.IGNORED, "terminal_error")


def test_an_ok_of_another_sid_takes_a_live_book_over_and_waits_for_its_snapshot(kb, two):
    receive_all(two, snapshot(C, sid=2, seq=1), ok([C, A], sid=2, seq=2))
    book = two.books[A]
    assert (book.state, book.stale_reason, book.sid) == (kb.State.STALE, "no_snapshot", 2)
    assert two.books[B].is_live
    assert receive_all(two, delta(A, sid=2, seq=3), delta(A, sid=1, seq=3)) == ["ignored", "ignored"]
    assert levels(book) == START
    assert receive_all(two, snapshot(A, sid=2, seq=4), delta(A, sid=2, seq=5), delta(B, sid=1, seq=4)) == [
        "healed", "applied", "applied"
    ]  # fmt: skip


def test_a_channel_has_one_sid_and_what_it_had_before_another_is_gone(kb, two):
    """ "One sid per channel per connection": a second ``subscribed`` says that the first subscription is no more."""
    books = [two.books[A], two.books[B]]
    assert two.receive(subscribed(2)).effect is kb.Effect.STALED
    assert [(book.stale_reason, book.sid) for book in books] == [("unsubscribed", None)] * 2
    assert receive_all(two, snapshot(A, sid=2, seq=1), delta(A, sid=2, seq=2), delta(B, sid=1, seq=3)) == [
        "healed", "applied", "ignored"
    ]  # fmt: skip
    assert [command.market_tickers for command in two.wanted()] == [(B,)]


def test_after_a_sid_is_subscribed_anew_an_asked_snapshot_heals_nothing(kb, two):
    """Nothing is held on it yet: no deltas need follow."""
    two.receive(subscribed(1))
    update = two.receive(snapshot(A, seq=1, top={"id": 9}))
    assert (update.effect, update.book.state, update.book.stale_reason) == (
        kb.Effect.STALED, kb.State.STALE, "not_subscribed"
    )  # fmt: skip
    assert receive_all(two, delta(A, seq=2), snapshot(A, seq=3), delta(A, seq=4)) == ["ignored", "healed", "applied"]


def test_an_id_of_zero_is_no_id(kb, feed):
    update = feed.receive(snapshot(A, top={"id": 0}))
    assert (update.effect, update.book.is_live, update.book.sid, update.message.id) == (kb.Effect.APPLIED, True, 1, None)


@pytest.mark.parametrize("msg", ["done", 5, True, [], [1], {"market_tickers": 5}, {"market_tickers": [5]}])
def test_an_ok_with_anything_else_for_a_list_does_nothing(kb, two, msg):
    update = two.receive(frame("ok", sid=1, seq=3, msg=msg))
    assert (update.kind, update.effect, update.error) == (kb.Kind.OK, kb.Effect.IGNORED, None)
    assert receive_all(two, delta(A, seq=4), delta(B, seq=5)) == ["applied", "applied"]


class TestRegisteredCommands:
    """What a command asked for tells what its answer leaves unsaid (AsyncAPI text, read 2026-10-26)."""

    @pytest.fixture
    def asked(self, kb, feed):
        """Subscribed to A as command 1, and not answered yet."""
        feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A]))
        return feed

    @pytest.fixture
    def held(self, asked):
        """A is LIVE on sid 1, price scale YES."""
        receive_all(asked, subscribed(), snapshot(A, no=[], seq=1))
        return asked

    def test_subscribed_makes_its_markets_held_and_their_books_new(self, kb, feed):
        feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A, B]))
        assert (len(feed.books), feed.subscriptions["orderbook_delta"].asked) == (0, {A, B})
        assert feed.receive(subscribed()).effect is kb.Effect.APPLIED
        assert [(book.market_ticker, book.state, book.sid) for book in feed.books.values()] == [
            (A, kb.State.NEW, 1),
            (B, kb.State.NEW, 1),
        ]
        status = feed.subscriptions["orderbook_delta"]
        assert (status.sid, status.held, status.asked, status.missing) == (1, {A, B}, frozenset(), frozenset())
        assert feed.pending == {}

    def test_data_may_come_before_subscribed(self, kb, asked):
        """Observed 2026: replies come out of order."""
        effects = receive_all(asked, snapshot(A, no=[], seq=1), delta(seq=2), subscribed(), delta(seq=3))
        assert effects == ["applied", "applied", "ignored", "applied"]
        assert levels(asked.books[A])["yes"][4200] == 900
        assert asked.pending == {}

    def test_data_before_subscribed_do_not_speak_for_the_other_markets(self, kb, feed):
        feed.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A, B]))
        receive_all(feed, snapshot(A, no=[], seq=1), subscribed())
        assert [book.state for book in feed.books.values()] == [kb.State.LIVE, kb.State.NEW]
        assert receive_all(feed, snapshot(B, no=[], seq=2)) == ["applied"]

    def test_a_second_subscribe_merges_into_the_sid_and_is_answered_by_ok(self, kb, held):
        held.send(kb.Subscribe(channels=["orderbook_delta"], market_tickers=[B]))
        assert held.receive(ok([A, B], seq=2, command_id=2)).effect is kb.Effect.APPLIED
        assert [book.state for book in held.books.values()] == [kb.State.LIVE, kb.State.NEW]
        assert held.subscriptions["orderbook_delta"].desired == {A, B}

    @pytest.mark.parametrize("msg", [ABSENT, None, {}])
    def test_an_ok_without_a_list_says_that_the_command_was_done(self, kb, held, msg):
        """skip_ticker_ack leaves the list out."""
        held.send(kb.UpdateSubscription(action="add_markets", sid=1, market_tickers=[A, B]))
        assert held.receive(frame("ok", id=2, sid=1, seq=2, msg=msg)).effect is kb.Effect.APPLIED
        assert [book.state for book in held.books.values()] == [kb.State.LIVE, kb.State.NEW]
        left = held.books[A]
        held.send(kb.UpdateSubscription(action="delete_markets", sid=1, market_tickers=[A, C]))
        assert held.receive(frame("ok", id=3, sid=1, seq=3, msg=msg)).effect is kb.Effect.STALED
        assert (list(held.books), left.stale_reason) == ([B], "unsubscribed")

    def test_an_ok_without_a_list_to_an_unknown_command_says_nothing(self, kb, held):
        held.send(kb.UpdateSubscription(action="add_markets", sid=1, market_tickers=[B]))
        assert held.receive(frame("ok", id=9, sid=1, seq=2)).effect is kb.Effect.IGNORED
        assert list(held.books) == [A]
        assert list(held.pending) == [2]

    def test_a_market_whose_removal_is_under_way_is_stale_and_leaves_with_the_answer(self, kb, held):
        """Deltas already under way may still arrive; which one is the last, nothing tells."""
        left = held.books[A]
        held.send(kb.UpdateSubscription(action="delete_markets", sid=1, market_tickers=[A]))
        assert (left.stale_reason, list(held.books)) == ("unsubscribed", [A])
        assert receive_all(held, delta(seq=2), ok([], seq=3, command_id=2), delta(seq=4)) == [
            "ignored", "staled", "ignored"
        ]  # fmt: skip
        assert len(held.books) == 0

    def test_a_channel_whose_last_market_left_is_closed(self, kb, held):
        """Whether a subscription with an empty list gets nothing or all markets, the published text does not say."""
        held.send(kb.UpdateSubscription(action="delete_markets", sid=1, market_tickers=[A]))
        held.receive(ok([], seq=2, command_id=2))
        assert held.wanted() == [kb.Unsubscribe(sids=[1], purpose="restore", epoch=0)]

    def test_answers_come_in_any_order_and_are_told_apart_by_id(self, kb, held):
        """Observed 2026: commands sent back to back run concurrently."""
        held.send(kb.UpdateSubscription(action="get_snapshot", sid=1, market_tickers=[A]))
        held.send(kb.UpdateSubscription(action="add_markets", sid=1, market_tickers=[B]))
        held.send(kb.Subscribe(channels=["trade"]))
        assert list(held.pending) == [2, 3, 4]
        held.receive(subscribed(2, channel="trade", command_id=4))
        assert list(held.pending) == [2, 3]
        held.receive(ok([A, B], seq=2, command_id=3))
        assert list(held.pending) == [2]
        held.receive(snapshot(A, no=[], seq=3, top={"id": 2}))
        assert held.pending == {}
        assert held.subscriptions["trade"].sid == 2

    def test_unsubscribed_ends_it_and_nothing_is_wanted_any_more(self, kb, held):
        left = held.books[A]
        held.send(kb.Unsubscribe(sids=[1]))
        assert (held.receive(delta(seq=2)).effect, left.stale_reason) == (kb.Effect.IGNORED, "unsubscribed")
        assert held.receive(unsubscribed(1, seq=3, command_id=2)).effect is kb.Effect.STALED
        assert (len(held.books), left.stale_reason) == (0, "unsubscribed")
        assert (held.wanted(), held.pending, held.subscriptions) == ([], {}, {})

    @pytest.mark.parametrize("order", [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    @pytest.mark.parametrize("code", [8, 9])
    def test_one_bad_channel_of_several_does_not_cost_the_others(self, kb, feed, order, code):
        """Observed 2026: error 8 with the id of the command; the good channels are subscribed all the same."""
        feed.send(kb.Subscribe(channels=["orderbook_delta", "trade", "fill"], market_tickers=[A]))
        answers = [subscribed(1), subscribed(2, channel="trade"), error(code, command_id=1)]
        receive_all(feed, *(answers[number] for number in order))
        status = feed.subscriptions
        assert [(name, each.sid, each.refusal) for name, each in status.items()] == [
            ("orderbook_delta", 1, None),
            ("trade", 2, None),
            ("fill", None, code),
        ]
        assert (status["fill"].desired, feed.pending, feed.wanted()) == ({A}, {}, [])

    def test_a_channel_that_was_refused_is_asked_for_again_on_the_next_connection(self, kb, feed):
        feed.send(kb.Subscribe(channels=["fill"]))
        feed.receive(error(9, command_id=1))
        assert (feed.wanted(), feed.subscriptions["fill"].refusal) == ([], 9)
        feed.opened()
        assert [command.channels for command in feed.wanted()] == [("fill",)]

    def test_an_ok_tells_the_sid_of_a_channel_whose_subscribed_was_lost(self, kb):
        """The market is a mistyped one: no snapshot tells the sid."""
        session = Session(kb, A)
        session.loses = lambda frame: frame["type"] == "subscribed"
        session.feed.subscribe("orderbook_delta", market_tickers=["KXDEMO-26-Z"])
        session.pump()
        assert session.feed.subscriptions["orderbook_delta"].sid is None
        session.pass_time(11 * SECOND)
        assert [sent[0] for sent in session.take_sent()] == ["subscribe", "subscribe"]
        assert session.feed.subscriptions["orderbook_delta"].sid == 1
        assert session.feed.books["KXDEMO-26-Z"].state is kb.State.NEW
        session.feed.subscribe("orderbook_delta", market_tickers=[A])
        session.pump()
        assert (session.live(), session.wrong()) == ([A], [])

    def test_a_sid_that_the_exchange_does_not_know_is_subscribed_anew(self, kb):
        """Error 7: its end was lost on the way. The books stay the same objects."""
        session = Session(kb, A, B, C)
        session.feed.subscribe("orderbook_delta", market_tickers=[A, B])
        session.pump()
        books = dict(session.feed.books)
        session.exchange.command(b'{"id":99,"cmd":"unsubscribe","params":{"sids":[1]}}')
        session.lose(1)
        session.feed.subscribe("orderbook_delta", market_tickers=[C])
        session.pump()
        assert session.take_sent() == [
            ("subscribe", A, B),
            ("add_markets", C),
            ("subscribe", A, B, C),
        ]
        assert session.feed.subscriptions["orderbook_delta"].sid == 2
        assert (session.live(), session.wrong()) == ([A, B, C], [])
        assert all(session.feed.books[ticker] is book for ticker, book in books.items())


def test_list_subscriptions_tells_the_channel_of_a_sid(kb, feed):
    feed.send(kb.ListSubscriptions())
    feed.receive(frame("ok", id=1, msg=[{"channel": "orderbook_delta", "sid": 3}, {"channel": "trade", "sid": 4}]))
    assert [(name, each.sid) for name, each in feed.subscriptions.items()] == [("orderbook_delta", 3), ("trade", 4)]
    assert feed.pending == {}


class TestSnapshotsAroundARemoval:
    """A snapshot of a market that a command under way takes out, or may have taken out: no deltas need follow it."""

    @pytest.fixture
    def leaving(self, kb, feed):
        """A and B are LIVE by a registered command; then A is to be taken out, while its snapshot was asked for."""
        feed.advance(0)
        feed.send(kb.Subscribe(channels=[BOOK], market_tickers=[A, B]))
        receive_all(feed, subscribed(), snapshot(A, seq=1), snapshot(B, seq=2))
        feed.send(kb.UpdateSubscription(action="get_snapshot", sid=1, market_tickers=[A]))
        feed.send(kb.UpdateSubscription(action="delete_markets", sid=1, market_tickers=[A]))
        return feed

    @pytest.mark.parametrize("top", [{"id": 2}, {}])
    def test_it_heals_nothing_until_the_removal_is_answered(self, kb, leaving, top):
        book = leaving.books[A]
        assert (book.state, book.stale_reason) == (kb.State.STALE, "unsubscribed")
        assert leaving.receive(snapshot(A, [("0.1000", "1.00")], [], seq=3, top=top)).effect is kb.Effect.STALED
        assert (book.stale_reason, levels(book)) == ("unsubscribed", {"yes": {1000: 100}, "no": {}})
        assert leaving.receive(ok([B], seq=4, command_id=3)).effect is kb.Effect.STALED
        assert list(leaving.books) == [B]

    def test_nor_where_the_answer_is_unclear_until_a_list_says_more(self, kb, leaving):
        leaving.receive(error(18, sid=1, seq=3, command_id=3))
        assert leaving.receive(snapshot(A, seq=4, top={"id": 2})).effect is kb.Effect.STALED
        leaving.send(kb.UpdateSubscription(action="add_markets", sid=1, market_tickers=[A]))
        leaving.receive(ok([A, B], seq=5, command_id=4))
        (command,) = leaving.wanted()
        assert (command.action, command.market_tickers) == ("get_snapshot", (A,))
        leaving.send(command)
        assert leaving.receive(snapshot(A, seq=6, top={"id": 5})).effect is kb.Effect.HEALED

    def test_the_others_are_not_touched(self, leaving):
        assert receive_all(leaving, delta(B, seq=3)) == ["applied"]

    def test_an_answer_without_a_list_settles_what_it_names_alone(self, kb, leaving):
        leaving.send(kb.UpdateSubscription(action="delete_markets", sid=1, market_tickers=[B]))
        leaving.receive(error(18, sid=1, seq=3, command_id=4))
        leaving.receive(frame("ok", id=3, sid=1, seq=4))
        assert list(leaving.books) == [B]
        assert leaving.receive(snapshot(B, seq=5)).effect is kb.Effect.STALED


def test_a_market_that_was_only_known_and_is_held_now_waits_for_its_snapshot(kb, two):
    receive_all(two, snapshot(C, seq=3, top={"id": 9}), ok([A, B, C], seq=4))
    assert (two.books[C].stale_reason, two.books[C].sid) == ("no_snapshot", 1)


@pytest.mark.parametrize("end", [lambda feed: feed.unsubscribe(BOOK, market_tickers=[C]), lambda feed: feed.closed()])
def test_what_was_only_known_is_let_go_with_the_connection_or_by_name(two, end):
    two.receive(snapshot(C, seq=3, top={"id": 9}))
    book = two.books[C]
    end(two)
    assert (list(two.books), book.stale_reason) == ([A, B], "unsubscribed")
