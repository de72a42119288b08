"""What waits for a consumer: bounded, in order, and never dropped in silence."""

import random

import pytest

import kalshi_book as kb
from frames import A, B, delta, frame, snapshot, trade
from kalshi_book.live.queues import DATA_KINDS, KINDS_OF, ConflatedUpdate, EventQueue, UpdateQueue
from kalshi_book.messages.vocabulary import CHANNELS


def ticker(market=A, sid=3):
    return frame("ticker", sid=sid, msg={"market_ticker": market, "price_dollars": "0.4200", "ts_ms": 1793000000456})


@pytest.fixture
def feed():
    return kb.Feed()


@pytest.fixture
def put(feed):
    """Let a feed take frames, and queues their updates."""

    def put(queue, *frames):
        updates = [feed.receive(each) for each in frames]
        for update in updates:
            queue.put(update)
        return updates

    return put


def taken(queue):
    """Everything that waits."""
    out = []
    while queue.is_ready:
        out.append(queue.take())
    return out


class TestConflation:
    def test_gives_a_single_update_as_it_is(self, put):
        queue = UpdateQueue("q")
        updates = put(queue, snapshot(), snapshot(B, seq=2))
        assert taken(queue) == updates
        assert queue.conflated == 0

    def test_lets_a_later_one_of_a_market_take_the_place_of_an_earlier_one(self, put):
        queue = UpdateQueue("q")
        *_, other, last = put(queue, snapshot(), delta(seq=2), snapshot(B, seq=3), delta(seq=4, price="0.1000"))
        first, second = taken(queue)
        assert (first.last, first.conflated, second) == (last, 3, other)
        assert queue.conflated == 2
        assert len(queue) == 0

    def test_says_so_and_has_the_names_of_an_update(self, put):
        queue = UpdateQueue("q")
        *_, last = put(queue, snapshot(), delta(seq=2), delta(seq=3, price="0.1000"))
        (update,) = taken(queue)
        assert isinstance(update, ConflatedUpdate)
        names = {name for name in dir(kb.Update) if not name.startswith("_")}
        assert names - set(dir(update)) == set()
        for name in ("kind", "effect", "book", "market_ticker", "sid", "seq", "received_ns", "message", "frame"):
            assert getattr(update, name) == getattr(last, name)
        assert (update.outcome_side, update.price_e4, update.delta_e2, update.size_e2) == (None, None, None, None)
        assert (update.own, update.client_order_id, update.client_order_ids) == (False, None, ())
        assert repr(update) == f"<ConflatedUpdate of 3: {A}, last {last!r}>"

    def test_tells_whether_any_of_them_changed_a_best_level(self, put):
        queue = UpdateQueue("q")
        put(queue, snapshot())
        taken(queue)
        put(queue, delta(seq=2), delta(seq=3, price="0.1000"))
        put(queue, snapshot(B, seq=4), delta(B, seq=5, price="0.1000"), delta(B, seq=6, price="0.1000"))
        assert [update.top_changed for update in taken(queue)] == [True, True]
        put(queue, delta(seq=7, price="0.1000"), delta(seq=8, price="0.1000"))
        assert [update.top_changed for update in taken(queue)] == [False]

    def test_carries_every_own_order_that_was_marked(self, put):
        queue = UpdateQueue("q")
        put(
            queue,
            snapshot(),
            delta(seq=2, client_order_id="mm-1"),
            delta(seq=3),
            delta(seq=4, client_order_id=""),
            delta(seq=5, client_order_id="mm-2"),
        )
        (update,) = taken(queue)
        assert (update.own, update.client_order_ids, update.client_order_id) == (True, ("mm-1", "", "mm-2"), "mm-2")
        assert repr(update).startswith(f"<ConflatedUpdate of 5: {A} own=['mm-1', '', 'mm-2'], last ")

    def test_is_for_tickers_too_apart_from_the_book(self, put):
        queue = UpdateQueue("q")
        put(queue, snapshot(), ticker(), ticker(B), ticker())
        assert [(str(each.kind), each.market_ticker, getattr(each, "conflated", 1)) for each in taken(queue)] == [
            ("snapshot", A, 1), ("ticker", A, 2), ("ticker", B, 1),
        ]  # fmt: skip

    def test_is_for_nothing_else(self, put):
        queue = UpdateQueue("q")
        assert taken(queue) == []
        updates = put(queue, trade(seq=1), trade(seq=2), trade(seq=3))
        assert taken(queue) == updates

    def test_loses_nothing_of_a_stream_in_any_rhythm(self, feed):
        """Every change is told by one update or stands behind one, and each market's last is its last."""
        rng = random.Random(5)
        queue, counted, last = UpdateQueue("q"), {A: 0, B: 0}, {}
        queue.put(feed.receive(snapshot(A)))
        queue.put(feed.receive(snapshot(B, seq=2)))
        for seq in range(3, 3000):
            market = rng.choice((A, B))
            last[market] = feed.receive(delta(market, seq=seq))
            queue.put(last[market])
            while queue.is_ready and rng.random() < 0.3:
                update = queue.take()
                counted[update.market_ticker] += getattr(update, "conflated", 1)
        for update in taken(queue):
            counted[update.market_ticker] += getattr(update, "conflated", 1)
            assert getattr(update, "last", update) is last[update.market_ticker]
        assert sum(counted.values()) == 2999


class TestEveryUpdate:
    def test_waits_where_that_is_asked_for(self, put):
        queue = UpdateQueue("q", policy="all")
        updates = put(queue, snapshot(), delta(seq=2), delta(seq=3))
        assert taken(queue) == updates

    def test_of_books_is_a_change_of_a_live_one(self, put):
        queue = UpdateQueue("q", policy="all")
        put(queue, delta(seq=1))  # before its snapshot
        good = put(queue, snapshot(seq=2))
        put(queue, delta(seq=4))  # shows a gap
        put(queue, delta(seq=5))  # of a stale book
        good += put(queue, snapshot(seq=6))
        put(queue, snapshot(seq=7, yes=[("0.4100", "-1.00")]))  # malformed
        put(queue, trade(sid=9, seq=1), trade(sid=9, seq=1))  # the same again
        assert [str(each) for each in taken(queue)[:-1]] == [str(each) for each in good]

    def test_has_a_channel(self):
        assert set(KINDS_OF) == set(CHANNELS)
        assert {kb.Kind.UNKNOWN, *(kind for kinds in KINDS_OF.values() for kind in kinds)} == DATA_KINDS

    def test_of_other_channels_or_markets_is_not_wanted(self, feed):
        books = UpdateQueue("q", channels=["orderbook_delta"], market_tickers=[A], policy="all")
        trades = UpdateQueue("q", channels=["trade", "ticker"])
        for each in (snapshot(), snapshot(B, seq=2), delta(seq=3), trade(sid=9, seq=1), ticker()):
            update = feed.receive(each)
            books.put(update)
            trades.put(update)
        assert [str(each.kind) for each in taken(books)] == ["snapshot", "delta"]
        assert [str(each.kind) for each in taken(trades)] == ["trade", "ticker"]

    def test_rings_a_bell(self, put):
        rung = []
        queue = UpdateQueue("q")
        queue.on_item = lambda: rung.append(1)
        put(queue, snapshot(), trade(sid=9, seq=1))
        assert rung == [1, 1]


class TestAnOverrun:
    def test_empties_the_queue_and_tells_how_much_was_lost(self, put):
        queue = UpdateQueue("a slow one", policy="all", size=3)
        put(queue, snapshot(), *(delta(seq=seq) for seq in range(2, 7)))
        with pytest.raises(kb.ConsumerOverrun) as raised:
            queue.take()
        error = raised.value
        assert (error.consumer, error.lost, error.size) == ("a slow one", 4, 3)
        assert str(error) == (
            "a slow one: expected it to keep up with a queue of 3, found 4 more updates, which it will not see: read the "
            "books anew, be faster, want less, or give it a larger queue"
        )
        assert [update.seq for update in taken(queue)] == [5, 6]
        assert queue.lost == 4

    def test_counts_what_conflated_updates_stand_for(self, put):
        queue = UpdateQueue("q", size=2)
        put(queue, snapshot(), delta(seq=2), delta(seq=3), trade(sid=9, seq=1), trade(sid=9, seq=2))
        assert queue.is_ready
        with pytest.raises(kb.ConsumerOverrun) as raised:
            queue.take()
        assert raised.value.lost == 5
        assert not queue.is_ready
        put(queue, delta(seq=4))
        assert [update.seq for update in taken(queue)] == [4]

    def test_comes_by_own_orders_without_end_too(self, put):
        queue = UpdateQueue("q", size=5)
        put(queue, snapshot(), *(delta(seq=seq, client_order_id="mm") for seq in range(2, 7)))
        with pytest.raises(kb.ConsumerOverrun):
            queue.take()
        put(queue, delta(seq=7, client_order_id="mm"))
        taken(queue)
        put(queue, *(delta(seq=seq, client_order_id="mm") for seq in range(8, 12)))
        (update,) = taken(queue)
        assert update.conflated == 4


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"policy": "latest"}, 'a policy is "conflate" or "all", not \'latest\''),
        ({"size": 0}, "a queue holds 1 or more, not 0"),
        ({"size": 1.5}, "a queue holds 1 or more, not 1.5"),
        (
            {"channels": ["ticker_v2"]},
            "the channel ticker_v2 is gone: subscribe to ticker (the exchange would answer with error 8)",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(options, text):
    with pytest.raises(kb.UsageError) as raised:
        UpdateQueue("q", **options)
    assert str(raised.value) == text


class TestEvents:
    def test_come_in_order(self):
        queue = EventQueue()
        for number in range(3):
            queue.put(kb.events.LoopLagged(number))
        assert [event.lag_ns for event in taken(queue)] == [0, 1, 2]

    def test_that_nobody_reads_are_let_go_the_oldest_first_and_counted(self):
        rung = []
        queue = EventQueue(size=2)
        queue.on_item = lambda: rung.append(1)
        for number in range(5):
            queue.put(kb.events.LoopLagged(number))
        first, *rest = taken(queue)
        assert first == kb.events.EventsLost(3)
        assert [event.lag_ns for event in rest] == [3, 4]
        assert len(rung) == 5
