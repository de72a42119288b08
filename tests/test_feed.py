"""The feed as a whole: what an update tells, what a feed counts, and the published example from end to end."""

import gc
import weakref

import pytest

from frames import A, B, delta, frame, levels, ok, receive_all, snapshot, subscribed, trade
from implementations import part


def test_the_published_example_from_end_to_end(kb):
    """AsyncAPI text, read 2026-10-26: a snapshot, then a delta of one's own; values are ours."""
    feed = kb.Feed()
    feed.receive(subscribed(2))
    receive_all(
        feed,
        snapshot(A, [("0.4100", "120.00"), ("0.4200", "7.55")], [("0.5500", "40.00"), ("0.5600", "310.25")], sid=2, seq=2),
    )
    sent = delta(A, "yes", "0.4200", "-2.55", sid=2, seq=3, client_order_id="mm-17", subaccount=3)
    update = feed.receive(sent, received_ns=99)
    assert (update.kind, update.effect, update.book) == (kb.Kind.DELTA, kb.Effect.APPLIED, feed.books[A])
    assert (update.market_ticker, update.outcome_side, update.price_e4, update.delta_e2, update.size_e2) == (
        A,
        "yes",
        4200,
        -255,
        500,
    )
    assert (update.top_changed, update.own, update.client_order_id, update.subaccount) == (True, True, "mm-17", 3)
    assert (update.sid, update.seq, update.skipped, update.received_ns, update.error) == (2, 3, 0, 99, None)
    assert update.frame is sent
    assert update.message.msg.delta_fp == "-2.55"
    assert repr(update.book.bbo()) == "(Level($0.4200 x 5.00), Level($0.4400 x 310.25))"


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (snapshot(seq=2), f"<Update snapshot applied {A} sid=1 seq=2>"),
        (delta(), f"<Update delta applied {A} yes $0.4200 +1.00 sid=1 seq=2>"),
        (delta(change="-2.55"), f"<Update delta applied {A} yes $0.4200 -2.55 sid=1 seq=2>"),
        (
            delta(side="no", price="0.0001", change="0.00", seq=5),
            f"<Update delta gap {A} no $0.0001 +0.00 sid=1 seq=5 skipped=3>",
        ),
        (subscribed(3, channel="ticker"), "<Update subscribed ignored sid=3>"),
        (trade(), "<Update trade ignored KXDEMO-26-A sid=2 seq=1>"),
        (frame("new"), "<Update unknown ignored>"),
        (b"junk", "<Update malformed ignored>"),
        (delta(seq=2, delta_fp="x"), f"<Update malformed staled {A} sid=1 seq=2>"),
    ],
)
def test_an_update_shows_itself_without_its_frame(feed, sent, text):
    feed.receive(snapshot())
    assert repr(feed.receive(sent)) == text


def test_an_update_never_changes(feed):
    for sent in (snapshot(), delta(), b"junk"):
        update = feed.receive(sent)
        for name in ("kind", "effect", "book", "frame", "sid", "seq", "error", "message", "own", "size_e2"):
            with pytest.raises((AttributeError, TypeError)):
                setattr(update, name, None)


def test_an_update_of_a_snapshot_tells_no_level(feed):
    update = feed.receive(snapshot())
    assert (update.outcome_side, update.price_e4, update.delta_e2, update.size_e2) == (None,) * 4


def test_an_update_can_be_made_by_hand(kb):
    update = kb.Update(kind=kb.Kind.OK, effect=kb.Effect.IGNORED, frame=b"x")
    assert (update.skipped, update.top_changed, update.own, update.book, update.sid) == (0, False, False, None, None)
    with pytest.raises(TypeError):
        kb.Update(kb.Kind.OK, kb.Effect.IGNORED, b"x")
    with pytest.raises(TypeError):
        kb.Update(kind=kb.Kind.OK)


def test_a_feed_takes_its_flags_by_name(kb):
    with pytest.raises(TypeError):
        kb.Feed(True)
    with pytest.raises(TypeError):
        kb.Feed(depth=5)


def test_counts_are_a_copy(kb, feed):
    receive_all(feed, snapshot(), delta())
    first = feed.counts
    receive_all(feed, delta(seq=3))
    key = kb.Kind.DELTA, kb.Effect.APPLIED
    assert (first[key], feed.counts[key], first.total(), feed.counts.total()) == (1, 2, 2, 3)


def test_the_first_connection_needs_no_call(kb, feed):
    assert feed.epoch == 0
    assert receive_all(feed, snapshot()) == ["applied"]


def test_skipped_adds_up_over_sids_and_connections(feed):
    receive_all(feed, trade(sid=2, seq=1), trade(sid=2, seq=4), frame("x", sid=3, seq=1), frame("x", sid=3, seq=3))
    feed.opened()
    receive_all(feed, trade(sid=2, seq=9), trade(sid=2, seq=11))
    assert feed.skipped == 4


def test_a_snapshot_of_another_sid_takes_the_book_over(feed):
    receive_all(feed, snapshot(A, sid=1, seq=1), snapshot(A, sid=2, seq=1))
    assert feed.books[A].sid == 2
    assert receive_all(feed, delta(A, sid=1, seq=2), delta(A, sid=2, seq=2)) == ["ignored", "applied"]


def test_two_feeds_share_nothing(kb):
    first, second = kb.Feed(), kb.Feed()
    receive_all(first, snapshot(A))
    receive_all(second, snapshot(A, [], []), delta(A, seq=9))
    assert first.books[A] is not second.books[A]
    assert levels(first.books[A]) != levels(second.books[A])
    assert (first.books[A].is_live, second.books[A].is_live) == (True, False)


def test_a_feed_that_is_dropped_is_freed_with_its_books(kb):
    feed = type(
        "Feed", (kb.Feed,), {"__slots__": ("__weakref__", "__dict__")} if not hasattr(kb.Feed, "__weakref__") else {}
    )()
    receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2), delta(A, seq=9), b"junk")
    gone = weakref.ref(feed)
    del feed
    gc.collect()
    assert gone() is None


def test_an_update_and_a_book_outlive_their_feed(kb):
    feed = kb.Feed()
    book = feed.receive(snapshot()).book
    update = feed.receive(delta())
    del feed
    gc.collect()
    assert (update.book.market_ticker, book.best_yes_bid_e4()) == (A, 4200)


@pytest.mark.parametrize("era", ["2025", "2026-01", "2026-03", "current"])
def test_a_generated_tape_ends_in_exactly_the_books_it_tells_of(kb, era):
    flow = part(kb, "sim.flow").Flow(seed=20, markets=3, frames=600, era=era, close=False)
    feed = kb.Feed()
    effects = {feed.receive(sent).effect.value for sent in flow}
    assert effects == {"applied", "ignored"}
    for ticker in flow.tickers:
        assert levels(feed.books[ticker]) == {side: dict(flow.levels(ticker, side)) for side in ("yes", "no")}


def test_an_ok_may_announce_a_market_that_is_named_in_no_other_frame(kb, feed):
    receive_all(feed, subscribed(), frame("ok", sid=1, seq=1, id=2, msg={"market_tickers": [A, B]}), snapshot(A, seq=2))
    assert [(book.market_ticker, book.state.value) for book in feed.books.values()] == [(A, "live"), (B, "new")]


def test_the_core_knows_no_law(kb):
    """FeedCore alone is the path of a frame; what a frame means is Feed's."""
    messages, core = part(kb, "messages"), part(kb, "_backend").FeedCore
    bare = core(messages.hot_decode, messages.HOT_TYPES)
    with pytest.raises((NotImplementedError, AttributeError)):
        bare.receive(b"{}")


def test_an_update_that_was_made_without_its_constructor_is_harmless(kb):
    try:
        update = kb.Update.__new__(kb.Update)
    except TypeError:
        return
    for name in ("kind", "effect", "error", "book", "frame", "sid", "seq", "market_ticker", "message", "__repr__"):
        try:
            value = getattr(update, name)
            if callable(value):
                value()
        except (AttributeError, TypeError):
            continue


@pytest.mark.parametrize("sent", [b"junk", delta(seq=2, delta_fp="x"), delta(seq=2, change="-9.00")])
def test_raising_the_error_of_an_update_keeps_nothing_alive(kb, sent):
    class Witness:
        pass

    def use(feed):
        feed.receive(snapshot(seq=1))
        witness = Witness()
        gone = weakref.ref(witness)
        update = feed.receive(sent)
        try:
            raise update.error
        except kb.FeedError:
            return gone

    feed = kb.Feed()
    gone = [use(feed) for _ in range(50)]
    gc.collect()
    assert [each() for each in gone] == [None] * 50


def test_the_error_of_an_update_is_a_new_one_each_time_and_free_to_be_raised(kb, feed):
    update = feed.receive(b"junk")
    with pytest.raises(kb.MalformedFrame) as raised:
        raise update.error
    assert update.error is not raised.value
    assert update.error.__traceback__ is None
    assert str(update.error) == str(raised.value)


class TestDirection:
    """What a caller wants of a feed, and what it cannot have."""

    def test_what_is_subscribed_to_is_desired_and_wanted_until_it_is_sent(self, kb, feed):
        feed.subscribe("orderbook_delta", market_tickers=iter([A, B]))
        assert feed.subscriptions["orderbook_delta"].missing == {A, B}
        (command,) = feed.wanted()
        assert command == kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A, B], purpose="restore", epoch=0)
        assert (len(feed.pending), feed.next_command_id) == (0, 1)
        assert feed.send(command) == kb.Subscribe(channels=["orderbook_delta"], market_tickers=[A, B]).encode(1)
        assert (feed.pending, feed.wanted(), feed.next_command_id) == ({1: command}, [], 2)
        assert [str(event) for event in feed.events()] == [f"command 1 (restore): subscribe orderbook_delta {A}, {B}"]

    def test_a_callers_own_command_is_desired_too_and_no_event(self, kb, feed):
        feed.send(kb.Subscribe(channels=["trade", "fill"]))
        assert [(name, each.is_all) for name, each in feed.subscriptions.items()] == [("trade", True), ("fill", True)]
        assert feed.events() == []
        feed.opened()
        assert [command.channels for command in feed.wanted()] == [("trade",), ("fill",)]

    def test_flags_are_those_of_subscribe(self, feed):
        feed.subscribe("communications", user_filter="self", shard_factor=4, shard_key=3)
        (command,) = feed.wanted()
        assert (command.user_filter, command.shard_factor, command.shard_key) == ("self", 4, 3)

    def test_a_market_that_is_named_twice_is_one(self, feed):
        feed.subscribe("orderbook_delta", market_tickers=[A, A, B])
        feed.unsubscribe("orderbook_delta", market_tickers=[A, A])
        assert feed.subscriptions["orderbook_delta"].desired == {B}

    def test_more_than_500_markets_are_one_call(self, feed):
        feed.subscribe("trade", market_tickers=[f"T{number}" for number in range(1_200)])
        assert (len(feed.subscriptions["trade"].missing), len(feed.wanted()[0].market_tickers)) == (1_200, 500)

    def test_what_is_not_subscribed_to_can_be_unsubscribed_from(self, feed):
        feed.unsubscribe("trade")
        feed.unsubscribe("orderbook_delta", market_tickers=[A])
        assert (feed.wanted(), feed.subscriptions) == ([], {})

    @pytest.mark.parametrize(
        ("call", "type_", "text"),
        [
            (
                lambda feed: feed.subscribe("trade", market_tickers=A),
                TypeError,
                'market_tickers must be a list of tickers, such as ["KXDEMO-26-A"], not one text',
            ),
            (
                lambda feed: feed.unsubscribe("trade", market_tickers=A),
                TypeError,
                'market_tickers must be a list of tickers, such as ["KXDEMO-26-A"], not one text',
            ),
            (
                lambda feed: feed.subscribe("ticker_v2"),
                ValueError,
                "the channel ticker_v2 is gone: subscribe to ticker (the exchange would answer with error 8)",
            ),
            (
                lambda feed: feed.unsubscribe("multivariate"),
                ValueError,
                "the channel multivariate is gone, and no other took its place (the exchange would answer with error 8)",
            ),
            (
                lambda feed: feed.subscribe("orderbook_delta"),
                ValueError,
                "orderbook_delta needs market_tickers: there is no book of all markets "
                "(the exchange would answer with error 14)",
            ),
            (
                lambda feed: feed.subscribe("fill", market_tickers=[A]),
                ValueError,
                "fill is subscribed for all markets: unsubscribe it first to limit it otherwise",
            ),
            (
                lambda feed: feed.unsubscribe("fill", market_tickers=[A]),
                ValueError,
                "fill is subscribed for all markets: single ones cannot be taken out",
            ),
            (lambda feed: feed.send("subscribe"), TypeError, "command must be a Command, not str"),
            (lambda feed: feed.send(b"{}"), TypeError, "command must be a Command, not bytes"),
            (lambda feed: feed.advance(1.5), TypeError, "now_ns must be int, not float"),
            (lambda feed: feed.advance(True), TypeError, "now_ns must be int, not bool"),
            (
                lambda feed: feed.advance(99),
                ValueError,
                "time runs forward: now_ns was 100, and cannot be 99; pass a monotonic clock",
            ),
        ],
    )
    def test_what_cannot_be_is_refused_and_changes_nothing(self, kb, feed, call, type_, text):
        feed.advance(100)
        feed.subscribe("fill")
        before = feed.subscriptions, feed.pending, feed.wanted(), feed.next_deadline_ns
        with pytest.raises(type_) as raised:
            call(feed)
        assert str(raised.value) == text
        assert isinstance(raised.value, kb.UsageError if type_ is ValueError else TypeError)
        assert (feed.subscriptions, feed.pending, feed.wanted(), feed.next_deadline_ns) == before
        feed.advance(100)

    def test_nothing_can_be_sent_on_a_connection_that_is_closed_or_another(self, kb, feed):
        feed.subscribe("trade")
        (command,) = feed.wanted()
        feed.closed()
        assert (feed.wanted(), feed.next_deadline_ns) == ([], None)
        with pytest.raises(kb.UsageError) as raised:
            feed.send(command)
        assert str(raised.value) == "the connection is closed: call opened() when there is another one"
        feed.opened()
        with pytest.raises(kb.UsageError) as raised:
            feed.send(command)
        assert str(raised.value) == "the command was made for connection 0, and this is 1: ask wanted() again"
        assert feed.pending == {}
        assert feed.send(feed.wanted()[0])

    def test_what_was_under_way_is_forgotten_with_the_connection(self, kb, feed):
        feed.advance(0)
        feed.send(kb.Subscribe(channels=["trade"]))
        assert (list(feed.pending), feed.next_deadline_ns) == ([1], 10_000_000_000)
        feed.closed()
        feed.opened()
        assert (feed.pending, feed.next_command_id, feed.next_deadline_ns) == ({}, 1, None)
        assert feed.receive(subscribed(1, channel="trade", command_id=1)).effect is kb.Effect.IGNORED

    def test_events_are_taken_once_and_the_newest_10_000_are_kept(self, kb, feed):
        feed.receive(snapshot(seq=1))
        for number in range(10_001):
            feed.receive(trade(seq=2 * number))
        taken = feed.events()
        assert (len(taken), taken[-1].seq, taken[0].seq) == (10_000, 20_000, 2)
        assert feed.events() == []

    def test_what_it_gives_away_is_a_copy(self, kb, feed):
        feed.send(kb.Subscribe(channels=["trade"]))
        for given in (feed.subscriptions, feed.pending, feed.counts):
            given.clear()
        assert (list(feed.subscriptions), list(feed.pending)) == (["trade"], [1])


def test_a_book_that_was_made_live_by_hand_is_no_stumbling_block(kb, feed):
    """``apply`` is for people without a feed: where it is used on a feed's book after a disconnect, nobody keeps it."""
    feed.receive(snapshot(A))
    feed.closed()
    feed.opened()
    book = feed.books[A]
    book.apply(kb.decode(snapshot(A)))
    assert (book.is_live, book.sid) == (True, None)
    update = feed.receive(delta(A, seq=2, delta_fp="x"))
    assert (update.kind, update.effect, book.stale_reason) == (kb.Kind.MALFORMED, kb.Effect.STALED, "malformed")
    book.apply(kb.decode(snapshot(A)))
    feed.unsubscribe("orderbook_delta")
    assert feed.wanted() == []


@pytest.mark.parametrize("given", [{"id": 7}, {"purpose": "recovery"}, {"epoch": 1}, {"colour": "red"}])
def test_subscribe_takes_what_a_subscription_keeps_and_nothing_else(feed, given):
    with pytest.raises(TypeError, match=rf"^subscribe takes no {next(iter(given))}$"):
        feed.subscribe("orderbook_delta", market_tickers=[A], **given)
    assert feed.subscriptions == {}


def test_an_unsubscribe_that_cannot_be_changes_nothing(feed):
    feed.receive(snapshot(A))
    with pytest.raises(TypeError, match=r"^market_tickers must be a list of texts, and has list in it$"):
        feed.unsubscribe("orderbook_delta", market_tickers=[[A]])
    assert feed.subscriptions["orderbook_delta"].desired == frozenset()
    assert feed.books[A].is_live


@pytest.mark.parametrize("sent", [snapshot(A, sid=0), delta(A, sid=0), snapshot(""), delta("")])
def test_a_sid_is_1_or_more_and_a_ticker_is_not_empty(kb, feed, sent):
    """``subscriptionId``: "minimum: 1" (AsyncAPI text, read 2026-10-26)."""
    assert feed.receive(sent).kind is kb.Kind.MALFORMED
    assert (len(feed.books), feed.wanted()) == (0, [])


def test_an_empty_name_in_a_list_is_no_market(kb, feed):
    feed.receive(snapshot(A))
    assert feed.receive(ok([A, ""], seq=2)).effect is kb.Effect.IGNORED
    assert list(feed.books) == [A]


def test_books_may_be_walked_while_others_join(kb, feed):
    feed.receive(snapshot(A, seq=1))
    for number, _ in enumerate(feed.books):
        feed.receive(snapshot(f"KXNEW-26-{number}", seq=2 + number))
    assert len(feed.books) == 2
