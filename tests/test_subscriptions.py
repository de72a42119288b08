"""Commands under way and what their answers say, frame by frame, as a feed takes them (AsyncAPI text, read 2026-10-26)."""

import pytest

from frames import A, B, C, delta, error, frame, ok, receive_all, snapshot, subscribed, trade, unsubscribed
from implementations import part
from session import BOOK, MINUTE, SECOND

INDICES, PYTH = "cfbenchmarks_value", "pyth_value"


def told(feed, name):
    """The events of one type since the last call."""
    return [event for event in feed.events() if type(event).__name__ == name]


@pytest.fixture
def held(kb, feed):
    """Time is 0; A and B are LIVE on sid 1, by command 1."""
    feed.advance(0)
    feed.send(kb.Subscribe(channels=[BOOK], market_tickers=[A, B]))
    receive_all(feed, subscribed(1), snapshot(A, no=[], seq=1), snapshot(B, no=[], seq=2))
    feed.events()
    return feed


def opened(kb, feed, channel, sid=5):
    """Open another channel."""
    feed.send(kb.Subscribe(channels=[channel]))
    feed.receive(subscribed(sid, channel=channel, command_id=feed.next_command_id - 1))


class TestWhatCannotBeSent:
    def test_ids_rise_on_a_connection_and_begin_anew_on_the_next(self, kb, feed):
        feed.send(kb.ListSubscriptions(id=5))
        assert feed.next_command_id == 6
        with pytest.raises(kb.UsageError) as raised:
            feed.send(kb.ListSubscriptions(id=5))
        assert str(raised.value) == "ids rise on a connection: the next is 6, not 5"
        assert list(feed.pending) == [5]
        feed.opened()
        assert (feed.next_command_id, feed.pending) == (1, {})

    @pytest.mark.parametrize("is_dead", [True, False])
    def test_a_sid_that_is_not_there_or_dead(self, kb, held, is_dead):
        sid = 9
        if is_dead:
            held.receive(error(25, sid=1, seq=3))
            sid = 1
        for command in (
            kb.Unsubscribe(sids=[sid]),
            kb.UpdateSubscription(action="get_snapshot", sid=sid, market_tickers=[A]),
        ):
            with pytest.raises(kb.UsageError) as raised:
                held.send(command)
            assert str(raised.value) == (
                f"sid {sid} is not subscribed on this connection, which has {'none' if is_dead else [1]} "
                "(the exchange would answer with error 7)"
            )
        assert held.pending == {}

    @pytest.mark.parametrize(
        ("channel", "action", "given"),
        [
            ("trade", "get_snapshot", {"market_tickers": [A]}),
            ("trade", "indexlist", {}),
            (BOOK, "subscribe_indices", {"index_ids": ["BRTI"]}),
            (PYTH, "unsubscribe_indices", {"index_ids": ["BRTI"]}),
            (INDICES, "underlying_list", {}),
            (INDICES, "get_snapshot", {"market_tickers": [A]}),
        ],
    )
    def test_an_action_that_the_channel_does_not_know(self, kb, feed, channel, action, given):
        feed.receive(subscribed(5, channel=channel, command_id=0))
        with pytest.raises(kb.UsageError) as raised:
            feed.send(kb.UpdateSubscription(action=action, sid=5, **given))
        assert str(raised.value) == f"{channel} knows no {action} (the exchange would answer with error 13)"

    @pytest.mark.parametrize("given", [{"market_ids": ["m1"]}, {"market_tickers": [A], "send_initial_snapshot": True}])
    def test_what_is_for_ticker_alone(self, kb, held, given):
        with pytest.raises(kb.UsageError) as raised:
            held.send(kb.UpdateSubscription(action="add_markets", sid=1, **given))
        assert str(raised.value) == (
            f"{BOOK} takes neither market_ids nor send_initial_snapshot: these are for ticker alone"
        )

    @pytest.mark.parametrize(
        ("channel", "action", "given"),
        [
            ("ticker", "add_markets", {"market_tickers": [A], "send_initial_snapshot": True}),
            (INDICES, "subscribe_indices", {"index_ids": ["BRTI"]}),
            (PYTH, "underlying_list", {}),
        ],
    )
    def test_what_fits_its_channel_can(self, kb, feed, channel, action, given):
        feed.send(kb.Subscribe(channels=[channel], market_tickers=[B] if channel == "ticker" else []))
        feed.receive(subscribed(5, channel=channel))
        feed.send(kb.UpdateSubscription(action=action, sid=5, **given))
        assert [command.action for command in feed.pending.values()] == [action]


class TestASidThatNobodyNamed:
    """A frame of a type that we do not read came on it, and its channel is not known."""

    def test_it_can_be_changed_and_ended_and_no_channel_is_touched(self, kb, feed):
        feed.receive(frame("new", sid=5, seq=1))
        feed.send(kb.UpdateSubscription(action="add_markets", sid=5, market_tickers=[A]))
        feed.send(kb.Unsubscribe(sids=[5]))
        assert receive_all(feed, ok([A], sid=5, seq=2, command_id=1), unsubscribed(5, seq=3, command_id=2)) == [
            "ignored", "ignored"
        ]  # fmt: skip
        assert (feed.pending, feed.subscriptions, len(feed.books)) == ({}, {}, 0)

    def test_a_terminal_error_is_told_and_nothing_is_subscribed_anew(self, feed):
        receive_all(feed, trade(sid=5), error(25, sid=5, seq=2))
        assert [str(event) for event in feed.events()] == ["sid 5 (trade) is dead: error 25, Subscription buffer overflow"]
        assert feed.wanted() == []

    def test_an_ok_to_a_subscribe_of_one_channel_names_it(self, kb, feed):
        feed.send(kb.Subscribe(channels=["trade"]))
        feed.receive(frame("ok", id=1, sid=5, seq=1))
        assert (feed.subscriptions["trade"].sid, feed.pending) == (5, {})

    def test_an_ok_to_a_subscribe_of_two_does_not_and_each_is_asked_for_alone(self, kb, feed):
        """Which of them it is for cannot be known."""
        feed.send(kb.Subscribe(channels=["trade", "fill"]))
        feed.receive(frame("ok", id=1, sid=5, seq=1))
        assert [each.sid for each in feed.subscriptions.values()] == [None, None]
        assert [command.channels for command in feed.wanted()] == [("trade",), ("fill",)]

    def test_list_subscriptions_names_it(self, kb, feed):
        receive_all(feed, subscribed(1, command_id=0), trade(sid=5))
        feed.send(kb.ListSubscriptions())
        feed.receive(frame("ok", id=1, msg=[{"channel": "orderbook_delta", "sid": 1}, {"channel": "trade", "sid": 5}]))
        assert [(name, each.sid) for name, each in feed.subscriptions.items()] == [(BOOK, 1), ("trade", 5)]


class TestAnswers:
    @pytest.mark.parametrize(
        ("channel", "kind", "add", "items"),
        [
            ("ticker", "market_ids", "add_markets", ["m1", "m2"]),
            ("ticker", "market_tickers", "add_markets", [A, B]),
            (INDICES, "index_ids", "subscribe_indices", ["BRTI", "X"]),
            (PYTH, "underlying_tickers", "subscribe_underlyings", ["Metal.XAU/USD", "X"]),
        ],
    )
    def test_the_list_of_an_ok_is_of_the_channels_own_kind(self, kb, feed, channel, kind, add, items):
        feed.send(kb.Subscribe(channels=[channel], **{kind: items[:1]}))
        feed.receive(subscribed(5, channel=channel))
        feed.send(kb.UpdateSubscription(action=add, sid=5, **{kind: items}))
        feed.receive(frame("ok", id=2, sid=5, seq=1, msg={kind: items}))
        assert (feed.subscriptions[channel].held, feed.wanted()) == (set(items), [])
        feed.receive(frame("ok", id=9, sid=5, seq=2, msg={kind: items[1:]}))
        assert feed.subscriptions[channel].missing == {items[0]}

    def test_all_covers_what_is_added_to_it(self, kb, feed):
        feed.send(kb.Subscribe(channels=[INDICES], index_ids=["all"]))
        feed.receive(subscribed(5, channel=INDICES))
        feed.send(kb.UpdateSubscription(action="subscribe_indices", sid=5, index_ids=["BRTI"]))
        feed.receive(frame("ok", id=2, sid=5, seq=1, msg={"index_ids": ["all"]}))
        assert (told(feed, "MarketsRefused"), feed.wanted()) == ([], [])

    @pytest.mark.parametrize(
        ("channel", "action", "reply"),
        [
            (INDICES, "indexlist", "cfbenchmarks_value_indexlist"),
            ("cfbenchmarks_value_5hz", "indexlist", "cfbenchmarks_value_5hz_indexlist"),
            (PYTH, "underlying_list", "pyth_value_underlying_list"),
        ],
    )
    def test_a_list_of_what_there_is_has_a_type_of_its_own(self, kb, feed, channel, action, reply):
        opened(kb, feed, channel)
        feed.send(kb.UpdateSubscription(action=action, sid=5))
        feed.receive(frame(reply, id=2, sid=5, seq=1, msg={"index_ids": ["X"], "underlying_tickers": ["X"]}))
        assert feed.pending == {}

    def test_list_subscriptions_of_late_2025_has_a_type_of_its_own(self, kb, feed):
        feed.send(kb.ListSubscriptions())
        feed.receive(frame("list_subscriptions", id=1, subscriptions=[]))
        assert feed.pending == {}

    def test_a_list_with_the_id_of_any_other_command_is_no_answer(self, kb, held):
        held.send(kb.UpdateSubscription(action="get_snapshot", sid=1, market_tickers=[A]))
        held.receive(frame("cfbenchmarks_value_indexlist", id=2, sid=1, seq=3, msg={"index_ids": []}))
        assert list(held.pending) == [2]

    def test_what_was_added_and_is_not_in_the_list_was_not_taken_and_is_asked_for_slowly(self, kb, held):
        held.send(kb.UpdateSubscription(action="add_markets", sid=1, market_tickers=[C]))
        held.receive(ok([A, B], seq=3, command_id=2))
        assert [(event.items, event.code) for event in told(held, "MarketsRefused")] == [((C,), None)]
        assert (held.subscriptions[BOOK].refused, held.wanted(), held.next_deadline_ns) == ({C}, [], MINUTE)
        held.advance(MINUTE)
        assert [(command.action, command.market_tickers) for command in held.wanted()] == [("add_markets", (C,))]

    @pytest.mark.parametrize("make", ["Unsubscribe", "get_snapshot"])
    @pytest.mark.parametrize("msg", [None, {"market_tickers": [A, B]}])
    def test_an_ok_to_what_adds_nothing_refuses_nothing(self, kb, held, make, msg):
        if make == "Unsubscribe":
            held.send(kb.Unsubscribe(sids=[1]))
        else:
            held.send(kb.UpdateSubscription(action="get_snapshot", sid=1, market_tickers=[C]))
        assert held.receive(frame("ok", id=2, sid=1, seq=3, msg=msg)).effect is kb.Effect.IGNORED
        assert told(held, "MarketsRefused") == []

    def test_an_ok_that_comes_twice_stands_for_one_channel(self, kb, held):
        held.send(kb.Subscribe(channels=[BOOK, "fill"], market_tickers=[A]))
        receive_all(held, ok([A, B], seq=3, command_id=2), ok([A, B], seq=4, command_id=2))
        assert (list(held.pending), held.subscriptions["fill"].sid) == ([2], None)

    def test_the_end_of_another_channel_leaves_the_books_alone(self, kb, held):
        opened(kb, held, "trade")
        held.send(kb.Unsubscribe(sids=[5]))
        held.receive(unsubscribed(5, seq=1, command_id=3))
        assert (list(held.subscriptions), held.books[A].is_live, held.wanted()) == ([BOOK], True, [])

    def test_a_channel_that_may_be_open_and_is_not_wanted_is_looked_up_and_ended(self, kb, feed):
        """Its subscribe was not answered, and its sid is not known."""
        feed.advance(0)
        feed.subscribe("trade")
        feed.send(feed.wanted()[0])
        feed.advance(10 * SECOND)
        feed.unsubscribe("trade")
        (command,) = feed.wanted()
        assert type(command) is kb.ListSubscriptions
        feed.send(command)
        assert feed.wanted() == []
        feed.receive(frame("ok", id=2, msg=[{"channel": "trade", "sid": 5}]))
        assert [command.sids for command in feed.wanted()] == [(5,)]

    def test_a_channel_that_gets_another_sid_leaves_the_old_one(self, kb, held):
        """Its end was lost on the way."""
        book = held.books[A]
        held.send(kb.Subscribe(channels=[BOOK], market_tickers=[A, B]))
        assert held.receive(subscribed(2, command_id=2)).effect is kb.Effect.STALED
        assert (held.subscriptions[BOOK].sid, book.sid, book.is_live) == (2, 2, False)
        assert receive_all(held, delta(A, sid=1, seq=3), snapshot(A, no=[], sid=2, seq=1)) == ["ignored", "healed"]
        assert held.books[A] is book

    def test_a_sid_number_may_become_another_channels(self, kb, feed):
        """A `subscribed` on a connection that was spliced into this one."""
        receive_all(feed, subscribed(1, channel="trade", command_id=0), snapshot(A, seq=1))
        assert [(name, each.sid) for name, each in feed.subscriptions.items()] == [(BOOK, 1)]
        assert receive_all(feed, delta(A, seq=2)) == ["applied"]

    def test_the_list_of_an_answer_that_comes_late_is_believed(self, kb, held):
        held.send(kb.UpdateSubscription(action="add_markets", sid=1, market_tickers=[C]))
        held.advance(10 * SECOND)
        assert [event.id for event in told(held, "CommandUnanswered")] == [2]
        assert held.pending == {}
        held.receive(ok([A, B, C], seq=3, command_id=2))
        assert (held.subscriptions[BOOK].held, held.wanted()) == ({A, B, C}, [])

    def test_a_late_answer_without_a_list_settles_what_it_was_asked_for(self, kb, held):
        held.send(kb.UpdateSubscription(action="add_markets", sid=1, market_tickers=[C]))
        held.advance(10 * SECOND)
        held.receive(frame("ok", id=2, sid=1, seq=3))
        assert held.subscriptions[BOOK].held == {A, B, C}
        assert held.wanted() == []

    def test_a_command_is_kept_in_mind_for_two_minutes_after_it_was_given_up(self, kb, feed):
        """The memory of a feed does not grow with the time."""
        feed.advance(0)
        feed.send(kb.ListSubscriptions())
        feed.advance(10 * SECOND)
        assert (feed.pending, list(feed._subscriptions.pending), feed.next_deadline_ns) == ({}, [1], 130 * SECOND)
        feed.advance(130 * SECOND)
        assert (list(feed._subscriptions.pending), feed.next_deadline_ns) == ([], None)

    def test_a_deadline_begins_when_time_is_first_told(self, kb, feed):
        feed.send(kb.ListSubscriptions())
        feed.advance(7)
        assert feed.next_deadline_ns == 7 + 10 * SECOND


class TestErrors:
    def test_an_error_to_no_command_of_ours_is_an_event_of_nobody(self, held):
        assert receive_all(held, error(11, command_id=77), error(9, command_id=0)) == ["ignored", "ignored"]
        assert held.events() == []

    @pytest.mark.parametrize("code", [1, 10, 17, 18, 25, 27])
    def test_after_an_unclear_answer_it_is_asked_again_in_a_while(self, kb, held, code):
        """Command timeout, too many requests, and what says nothing of the command: whether it took effect is unknown."""
        held.send(kb.UpdateSubscription(action="add_markets", sid=1, market_tickers=[C]))
        held.receive(error(code, command_id=2))
        assert (held.wanted(), held.next_deadline_ns) == ([], 10 * SECOND)
        held.advance(10 * SECOND)
        (command,) = held.wanted()
        assert (command.action, command.market_tickers, command.purpose) == ("add_markets", (C,), "recovery")

    @pytest.mark.parametrize(
        ("named", "refused"),
        [
            ({}, {C, "D"}),
            ({"market_ticker": "D"}, {"D"}),
            ({"market_tickers": ["D", A]}, {"D"}),
            ({"market_ticker": A}, {C, "D"}),
        ],
    )
    def test_what_an_error_names_was_refused_and_else_all_that_was_added(self, kb, held, named, refused):
        held.send(kb.UpdateSubscription(action="add_markets", sid=1, market_tickers=[C, "D"]))
        held.receive(error(11, command_id=2, **named))
        assert held.subscriptions[BOOK].refused == refused
        assert [command.market_tickers for command in held.wanted()] == ([(C,)] if refused == {"D"} else [])
        held.advance(MINUTE)
        assert [command.market_tickers for command in held.wanted()] == [(C, "D")]

    def test_a_limit_is_met_by_halves(self, kb, held):
        """Error 26: adding these would exceed it; fewer may not."""
        held.subscribe(BOOK, market_tickers=[f"T{number}" for number in range(4)])
        asked = []
        for command_id in (2, 3, 4):
            (command,) = held.wanted()
            asked.append(len(command.market_tickers))
            held.send(command)
            held.receive(error(26, command_id=command_id))
        assert (asked, held.wanted()) == ([4, 2, 1], [])
        assert held.subscriptions[BOOK].refused == {"T0", "T1", "T2", "T3"}
        assert [event.code for event in told(held, "MarketsRefused")] == [26]

    def test_a_removal_that_was_refused_is_asked_for_slowly(self, kb, held):
        held.unsubscribe(BOOK, market_tickers=[A])
        held.send(held.wanted()[0])
        held.receive(error(11, command_id=2))
        assert held.wanted() == []
        held.advance(MINUTE)
        assert [(command.action, command.market_tickers) for command in held.wanted()] == [("delete_markets", (A,))]

    @pytest.mark.parametrize("purpose", ["asked", "recovery"])
    def test_error_7_ends_what_an_unsubscribe_named(self, kb, held, purpose):
        book = held.books[A]
        held.send(kb.Unsubscribe(sids=[1], purpose=purpose))
        held.receive(error(7, command_id=2))
        wanted = [(A, B)] if purpose == "recovery" else []
        assert [command.market_tickers for command in held.wanted()] == wanted
        assert (list(held.books) == [A, B], book.stale_reason) == (purpose == "recovery", "unsubscribed")

    @pytest.mark.parametrize("make", ["ListSubscriptions", "get_snapshot"])
    def test_a_refused_question_changes_nothing(self, kb, held, make):
        command = kb.ListSubscriptions()
        if make == "get_snapshot":
            command = kb.UpdateSubscription(action=make, sid=1, market_tickers=[A])
        held.send(command)
        held.receive(error(11, command_id=2))
        assert (held.pending, held.wanted(), held.books[A].is_live) == ({}, [], True)
        assert [event.code for event in told(held, "CommandRefused")] == [11]

    def test_which_of_two_channels_was_refused_is_decided_when_no_answer_comes(self, kb, feed):
        feed.advance(0)
        feed.send(kb.Subscribe(channels=["trade", "fill"]))
        feed.receive(error(9, command_id=1))
        assert [each.refusal for each in feed.subscriptions.values()] == [None, None]
        feed.advance(10 * SECOND)
        assert [each.refusal for each in feed.subscriptions.values()] == [9, 9]
        assert (feed.pending, feed.wanted(), told(feed, "CommandUnanswered")) == ({}, [], [])

    def test_a_channel_that_was_open_before_is_not_refused_with_the_other(self, kb, held):
        held.send(kb.Subscribe(channels=[BOOK, "fill"], market_tickers=[A]))
        held.receive(error(9, command_id=2))
        held.advance(10 * SECOND)
        assert [each.refusal for each in held.subscriptions.values()] == [None, 9]

    def test_a_channel_that_nobody_answers_for_wants_a_reconnect(self, kb, feed):
        feed.advance(0)
        feed.subscribe("trade")
        for number in (1, 2):
            assert feed.reconnect_reason is None
            feed.send(feed.wanted()[0])
            feed.advance(number * 10 * SECOND)
        assert feed.reconnect_reason == "subscribing to trade is not answered"
        assert len(told(feed, "ReconnectWanted")) == 1
        feed.send(feed.wanted()[0])
        feed.advance(MINUTE)
        assert told(feed, "ReconnectWanted") == []


class TestAnswersThatChangeNothing:
    """An answer that leaves what it was asked for as it was is no reason to ask again at once."""

    def test_a_removal_whose_ok_lists_the_market_still(self, kb, held):
        held.unsubscribe(BOOK, market_tickers=[B])
        (command,) = held.wanted()
        held.send(command)
        held.receive(ok([A, B], seq=3, command_id=2))
        assert (held.wanted(), held.next_deadline_ns) == ([], 10 * SECOND)
        held.advance(10 * SECOND)
        assert [(each.action, each.market_tickers) for each in held.wanted()] == [("delete_markets", (B,))]

    def test_a_subscribe_whose_ok_names_no_sid(self, kb, feed):
        feed.advance(0)
        feed.subscribe(BOOK, market_tickers=[A])
        feed.send(*feed.wanted())
        feed.receive(frame("ok", id=1))
        assert (feed.wanted(), feed.next_deadline_ns) == ([], 10 * SECOND)

    @pytest.mark.parametrize("lists", [True, False])
    def test_an_unclear_answer_is_settled_by_the_next_clear_one(self, kb, feed, lists):
        """Also where ``skip_ticker_ack`` leaves the list out."""
        feed.advance(0)
        feed.send(kb.Subscribe(channels=[BOOK], market_tickers=[A], skip_ticker_ack=not lists))
        receive_all(feed, subscribed(1), snapshot(A, seq=1))
        feed.send(kb.UpdateSubscription(action="add_markets", sid=1, market_tickers=[B]))
        receive_all(feed, snapshot(B, seq=2), error(18, sid=1, seq=3, command_id=2))
        feed.advance(10 * SECOND)
        feed.send(*feed.wanted())
        feed.receive(ok([A, B], seq=4, command_id=3) if lists else frame("ok", id=3, sid=1, seq=4))
        assert (feed.wanted(), feed.books[B].is_live) == ([], True)


class TestRepliesOutOfOrder:
    """ "Commands sent back to back run concurrently": replies come out of order (observed, recordings of 2026)."""

    def test_the_ok_of_the_second_subscribe_may_come_before_the_subscribed_of_the_first(self, kb, feed):
        feed.send(kb.Subscribe(channels=[BOOK], market_tickers=[A]))
        feed.send(kb.Subscribe(channels=[BOOK], market_tickers=[B]))
        sent = ok([A, B], seq=1, command_id=2), snapshot(A, seq=2), snapshot(B, seq=3), subscribed(1, command_id=1)
        assert receive_all(feed, *sent) == ["applied", "applied", "applied", "ignored"]
        assert (feed.subscriptions[BOOK].held, told(feed, "Restarted")) == ({A, B}, [])
        assert all(book.is_live for book in feed.books.values())


class TestTheListOfSubscriptions:
    """``list_subscriptions``: "List of active subscriptions"."""

    @pytest.mark.parametrize("listed", [[], [{"channel": "trade", "sid": 1}], [{"channel": BOOK, "sid": 4}]])
    @pytest.mark.parametrize("shape", ["ok", "list_subscriptions"])
    def test_what_was_subscribed_and_is_not_in_it_is_dead(self, kb, held, listed, shape):
        held.send(kb.ListSubscriptions())
        fields = {"msg": listed} if shape == "ok" else {"subscriptions": listed}
        assert held.receive(frame(shape, id=2, **fields)).effect is kb.Effect.STALED
        assert [book.stale_reason for book in held.books.values()] == ["unsubscribed"] * 2
        assert [event.code for event in told(held, "SubscriptionLost")] == [7]
        assert [each.market_tickers for each in held.wanted()] == [(A, B)]

    def test_what_is_in_it_lives(self, kb, held):
        held.send(kb.ListSubscriptions())
        assert held.receive(frame("ok", id=2, msg=[{"channel": BOOK, "sid": 1}])).effect is kb.Effect.IGNORED
        assert held.books[A].is_live

    def test_one_that_nobody_asked_for_ends_nothing(self, kb, held):
        assert held.receive(frame("ok", id=9, msg=[])).effect is kb.Effect.IGNORED
        assert held.books[A].is_live


class TestWhatCannotBeDirected:
    def test_a_channel_that_takes_no_markets(self, kb, feed):
        opened(kb, feed, "market_lifecycle_v2")
        with pytest.raises(kb.UsageError) as raised:
            feed.send(kb.UpdateSubscription(action="add_markets", sid=5, market_tickers=[A]))
        assert str(raised.value) == (
            "market_lifecycle_v2 cannot be limited to markets (the exchange would answer with error 13)"
        )

    def test_another_kind_of_names(self, kb, feed):
        feed.send(kb.Subscribe(channels=["ticker"], market_tickers=[A]))
        feed.receive(subscribed(5, channel="ticker"))
        with pytest.raises(kb.UsageError) as raised:
            feed.send(kb.UpdateSubscription(action="add_markets", sid=5, market_ids=["uuid-1"]))
        assert str(raised.value) == ("ticker is subscribed by market_tickers: name its markets so, or unsubscribe it first")
        assert feed.subscriptions["ticker"].desired == {A}

    @pytest.mark.parametrize("channel", ["brand_new", "market_lifecycle_v2"])
    def test_a_channel_that_is_new_or_takes_no_markets_is_only_followed(self, kb, feed, channel):
        """Whatever its replies list: nothing of it can be subscribed anew."""
        receive_all(feed, subscribed(5, channel=channel), ok([A], sid=5, seq=1))
        if channel == "brand_new":
            feed.send(kb.UpdateSubscription(action="add_markets", sid=5, market_tickers=[B]))
            feed.receive(ok([A, B], sid=5, seq=2, command_id=1))
        feed.receive(error(25, sid=5, seq=3))
        assert feed.wanted() == []


class TestMemory:
    def test_dead_and_nameless_sids_are_forgotten(self, kb, held, monkeypatch):
        monkeypatch.setattr(part(kb, "registry"), "MAX_SIDS", 10)
        for sid in range(10, 500):
            held.receive(frame("new", sid=sid, seq=1))
        assert len(held._subscriptions.by_sid) <= 10
        assert held.receive(delta(A, seq=3)).effect is kb.Effect.APPLIED

    def test_a_list_may_name_sids_that_are_forgotten(self, kb, held, monkeypatch):
        held.send(kb.ListSubscriptions())
        held.receive(unsubscribed(1, seq=3))
        monkeypatch.setattr(part(kb, "registry"), "MAX_SIDS", 1)
        assert receive_all(held, frame("new", sid=9, seq=1), frame("ok", id=2, msg=[])) == ["ignored", "ignored"]

    def test_where_time_is_never_told_commands_without_an_answer_are_forgotten(self, kb, feed, monkeypatch):
        monkeypatch.setattr(part(kb, "subscriptions"), "MAX_PENDING", 10)
        for _ in range(50):
            feed.send(kb.ListSubscriptions())
        assert list(feed.pending) == list(range(41, 51))


def test_a_removal_on_a_sid_that_nobody_named_touches_no_channel(kb, feed):
    feed.receive(frame("new", sid=5, seq=1))
    feed.send(kb.UpdateSubscription(action="delete_markets", sid=5, market_tickers=[A]))
    assert (feed.subscriptions, list(feed.pending)) == ({}, [1])


class TestAnEndWithoutAClearAnswer:
    """``unsubscribe`` without an answer, and the channel is wanted after all: only the list of channels can tell."""

    @pytest.fixture
    def ended(self, kb, held):
        held.send(kb.Unsubscribe(sids=[1]))
        held.subscribe(BOOK, market_tickers=[A, C])
        held.advance(10 * SECOND)
        return held

    def test_the_list_is_asked_for_once_in_a_while(self, kb, ended):
        commands = ended.wanted()
        assert [type(command).__name__ for command in commands] == ["UpdateSubscription", "ListSubscriptions"]
        for command in commands:
            ended.send(command)
        assert ended.wanted() == []
        ended.receive(frame("ok", id=4, msg="odd"))
        assert (ended.wanted(), ended.next_deadline_ns) == ([], 20 * SECOND)
        ended.advance(20 * SECOND)
        assert "ListSubscriptions" in [type(command).__name__ for command in ended.wanted()]

    def test_what_is_open_still_is_healed_from_then(self, kb, ended):
        for command in ended.wanted():
            ended.send(command)
        receive_all(ended, frame("ok", id=3, sid=1, seq=3), snapshot(C, seq=4))
        assert ended.books[C].stale_reason == "unsubscribed"
        ended.receive(frame("ok", id=4, msg=[{"channel": BOOK, "sid": 1}]))
        asked = [(each.action, each.market_tickers) for each in ended.wanted()]
        assert asked == [("delete_markets", (B,)), ("get_snapshot", (A,))]
        for command in ended.wanted():
            ended.send(command)
        receive_all(ended, snapshot(A, seq=5), snapshot(C, seq=6))
        assert [ended.books[ticker].is_live for ticker in (A, C)] == [True, True]

    def test_what_is_not_is_subscribed_anew(self, kb, ended):
        for command in ended.wanted():
            ended.send(command)
        ended.receive(frame("ok", id=4, msg=[]))
        assert [type(command).__name__ for command in ended.wanted()] == []
        ended.receive(error(7, command_id=3))
        assert [(type(each).__name__, each.market_tickers) for each in ended.wanted()] == [("Subscribe", (A, C))]
