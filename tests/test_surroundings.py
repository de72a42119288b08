"""How markets stand and own orders, kept beside the books by the feed: frames in, and what the books say of them.

Source, where no other is named: the channels "Market & Event Lifecycle", "User Orders" and "User Fills" of the exchange's
AsyncAPI text, read 2026-10-26.
"""

import gc
import sys

import pytest

from channel_frames import CREATED, FILL, SETTLED, USER_ORDER
from exchange import START_MS
from frames import A, B, C, delta, encode, error, frame, receive_all, snapshot, subscribed, unsubscribed
from implementations import part
from session import Session

BOOK, LIFE, COMBOS, OWN = "orderbook_delta", "market_lifecycle_v2", "multivariate_market_lifecycle", "user_orders"
CENTS = {"price_level_structure": "linear_cent", "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}]}


def event(event_type, ticker=A, *, seq=1, sid=7, channel=LIFE, **more):
    """Write a lifecycle frame."""
    return frame(channel, sid=sid, seq=seq, msg={"market_ticker": ticker, "event_type": event_type, **more})


def states(feed, *tickers):
    """How markets stand, as texts."""
    return [str(feed.markets[ticker].state) for ticker in tickers]


class TestMarkets:
    def test_a_book_has_what_was_told_of_its_market_before_it_came_and_after(self, kb, feed):
        receive_all(feed, subscribed(7, channel=LIFE), frame(LIFE, sid=7, seq=1, msg=CREATED), event("activated", seq=2))
        assert dict(feed.markets) == {A: feed.markets[A]}
        book = feed.receive(snapshot(A)).book
        assert (book.market, book.market_state) == (feed.markets[A], kb.MarketState.ACTIVE)
        assert str(book.tick_at("0.05")) == "0.0010"
        feed.receive(event("deactivated", seq=3))
        assert (book.market, book.market_state) == (feed.markets[A], kb.MarketState.PAUSED)

    def test_an_update_tells_of_which_book_a_market_is(self, kb, feed):
        book = feed.receive(snapshot(A)).book
        for ticker, found in ((A, book), (B, None)):
            update = feed.receive(event("activated", ticker, seq=1 if found else 2))
            assert (update.kind, update.effect) == (kb.Kind.MARKET_LIFECYCLE, kb.Effect.APPLIED)
            assert (update.book, update.market_ticker) == (found, ticker)

    def test_an_event_that_says_nothing_of_trading_keeps_no_market(self, feed):
        receive_all(feed, event("activated", A, seq=1), event("metadata_updated", B, seq=2), event("new", A, seq=3))
        assert (list(feed.markets), states(feed, A)) == ([A], ["active"])

    def test_markets_are_a_live_view_that_nobody_can_write(self, feed):
        view = feed.markets
        feed.receive(event("activated"))
        assert list(view) == [A]
        with pytest.raises(TypeError):
            view[A] = None

    def test_an_empty_book_of_a_closed_market_is_not_read_as_nobody_bids(self, kb, feed):
        """The exchange clears the book of a market that closes by an empty snapshot (observed, recordings of 2026)."""
        receive_all(feed, event("activated", A, seq=1), event("activated", B, seq=2))
        receive_all(feed, snapshot(A, [], [], seq=1), snapshot(B, [], [], seq=2), event("determined", A, seq=3))
        books = [feed.books[ticker] for ticker in (A, B)]
        assert [book.bbo() for book in books] == [(None, None)] * 2
        assert [book.market_state for book in books] == [kb.MarketState.CLOSED, kb.MarketState.ACTIVE]

    def test_ticks_follow_a_change_of_the_price_ranges(self, feed):
        receive_all(feed, snapshot(A), frame(LIFE, sid=7, seq=1, msg=CREATED))
        book = feed.books[A]
        assert (str(book.tick_at("0.05")), book.tick_at("0.95")) == ("0.0010", None)
        feed.receive(event("price_level_structure_updated", seq=2, **CENTS))
        assert [str(book.tick_at(price)) for price in ("0.05", "0.95")] == ["0.0100", "0.0100"]
        feed.receive(event("price_level_structure_updated", seq=3, price_level_structure="new"))
        assert (book.tick_at("0.05"), book.market.price_level_structure, book.market.is_current) == (None, "new", True)

    def test_a_settled_market_leaves_unless_its_book_is_held_and_then_with_it(self, kb, feed):
        receive_all(feed, snapshot(A), event("activated", A, seq=1), event("activated", B, seq=2))
        book = feed.books[A]
        receive_all(feed, frame(LIFE, sid=7, seq=3, msg=SETTLED), event("settled", B, seq=4))
        assert (list(feed.markets), book.market.result) == ([A], "yes")
        feed.receive(unsubscribed(1))
        assert (dict(feed.markets), dict(feed.books)) == ({}, {})
        assert book.market_state is kb.MarketState.SETTLED

    def test_a_market_that_is_not_settled_outlives_its_book(self, kb, feed):
        receive_all(feed, snapshot(A), event("determined", A), unsubscribed(1))
        assert dict(feed.books) == {}
        assert states(feed, A) == ["closed"]
        assert feed.receive(snapshot(A, sid=2)).book.market_state is kb.MarketState.CLOSED

    def test_a_copy_keeps_its_market_as_it_was(self, feed):
        receive_all(feed, snapshot(A), event("activated"))
        copied = feed.books[A].snapshot()
        feed.receive(event("determined", seq=2))
        assert [reader.market_state.value for reader in (copied, feed.books[A].last_known, feed.books[A])] == [
            "active", "closed", "closed"
        ]  # fmt: skip

    def test_memory_stays_flat_while_markets_come_and_go(self, kb):
        feed = kb.Feed()
        feed.receive(snapshot(A))

        def live_through(first, count):
            for number in range(first, first + count):
                feed.receive(event("created", f"KXDEMO-26-M{number}", seq=2 * number, **CENTS))
                feed.receive(event("settled", f"KXDEMO-26-M{number}", seq=2 * number + 1))
            gc.collect()
            return sys.getallocatedblocks()

        before = live_through(0, 1_000)
        assert live_through(1_000, 10_000) - before < 1_000
        assert (dict(feed.markets), feed.counts[kb.Kind.MARKET_LIFECYCLE, kb.Effect.APPLIED]) == ({}, 22_000)


LOSSES = {
    "a gap": [event("activated", C, seq=9)],
    "a gap before a frame that tells nothing of markets": [
        frame("event_lifecycle", sid=7, seq=9, msg={"event_ticker": "X"})
    ],
    "a count that falls": [event("activated", C, seq=1)],
    "an event that cannot be read": [frame(LIFE, sid=7, seq=4, msg={"event_type": "activated"})],
    "an event of an unreadable sid": [frame(LIFE, sid="x", seq=4, msg={"event_type": "activated"})],
    "a frame without a type": [frame(5, sid=7, seq=4)],
    "unsubscribed": [unsubscribed(7, seq=4)],
    "a channel error": [error(10, sid=7, seq=4)],
    "an overflow": [error(25, sid=7, seq=4)],
    "subscribed anew": [subscribed(7, channel=LIFE)],
    "its sid is another channel's": [subscribed(7, channel="trade")],
}


def following(kb):
    """A feed with a LIVE book of A: A trades, B is paused, C is closed; the next number is 4."""
    feed = kb.Feed()
    receive_all(feed, subscribed(7, channel=LIFE), snapshot(A), event("activated", A, seq=1, close_ts=1793009000, **CENTS))
    receive_all(feed, event("deactivated", B, seq=2), event("determined", C, seq=3))
    assert states(feed, A, B, C) == ["active", "paused", "closed"]
    return feed


def outdated(feed):
    """Whether what may have changed is unknown, and what is final stays."""
    market = feed.books[A].market
    assert market == feed.markets[A]
    assert (market.price_level_structure, str(feed.books[A].tick_at("0.42"))) == ("linear_cent", "0.0100")
    assert states(feed, C) == ["closed"]
    found = states(feed, A, B), market.is_current, market.close_ts
    assert found in ((["unknown", "unknown"], False, None), (["active", "paused"], True, 1793009000))
    return not market.is_current


class TestWhatIsLost:
    @pytest.mark.parametrize("loss", LOSSES)
    def test_states_are_unknown_once_an_event_may_be_lost_and_what_is_final_stays(self, kb, loss):
        feed = following(kb)
        receive_all(feed, *LOSSES[loss])
        assert outdated(feed)

    @pytest.mark.parametrize("lose", ["closed", "opened"])
    def test_with_the_connection(self, kb, lose):
        feed = following(kb)
        """Of a market without a book nothing is kept: what ends while nobody listens would be kept for ever."""
        getattr(feed, lose)()
        assert list(feed.markets) == [A]
        assert states(feed, A) == ["unknown"]
        assert receive_all(feed, event("activated", A, seq=1)) == ["ignored" if lose == "closed" else "applied"]
        assert states(feed, A) == ["unknown" if lose == "closed" else "active"]

    @pytest.mark.parametrize(
        "sent",
        [
            event("activated", "OTHER", seq=4), event("determined", C, seq=3), delta(A, seq=9), b"junk",
            frame("new", sid=8, seq=1), frame("new", sid=7, seq=4), frame("fill", sid=8, msg={}), error(25, sid=9),
            frame("orderbook_delta", sid=1, seq=2, msg={}), unsubscribed(8), subscribed(8, channel="trade"),
            frame(5, sid=1, seq=2),
        ],
    )  # fmt: skip
    def test_what_belongs_elsewhere_changes_no_market(self, kb, sent):
        feed = following(kb)
        feed.receive(sent)
        assert not outdated(feed)

    def test_the_frame_that_reveals_a_gap_counts_itself(self, kb):
        feed = following(kb)
        update = feed.receive(event("activated", A, seq=9))
        assert (update.effect, update.skipped) == (kb.Effect.GAP, 5)
        assert states(feed, A, B) == ["active", "unknown"]
        assert not feed.markets[A].is_current

    def test_a_hole_in_a_filtered_recording_is_no_loss(self, kb):
        """F15."""
        feed = kb.Feed(filtered=True)
        receive_all(feed, event("activated", A, seq=1), event("activated", B, seq=5))
        assert states(feed, A, B) == ["active", "active"]

    def test_a_loss_on_the_channel_of_combos_is_one_too(self, kb):
        feed = following(kb)
        receive_all(feed, event("activated", "COMBO", sid=8, channel=COMBOS))
        assert not outdated(feed)
        receive_all(feed, event("activated", "COMBO", sid=8, seq=3, channel=COMBOS))
        assert outdated(feed)

    @pytest.mark.parametrize(
        "sent", [event("deactivated", A, seq=5), event("deactivated", A, seq=6), frame(LIFE, sid=7, seq=5, msg={})]
    )
    def test_a_late_frame_of_a_subscription_that_ended_is_counted_and_no_more(self, kb, sent):
        feed = following(kb)
        receive_all(feed, unsubscribed(7, seq=4), event("activated", A, seq=1, sid=8))
        feed.receive(sent)
        assert states(feed, A) == ["active"]

    def test_an_unsubscribed_that_comes_after_the_next_subscription_ends_the_old_one_alone(self, kb):
        """Commands sent back to back run concurrently, and their replies come out of order (observed, 2026)."""
        session = Session(kb, A)
        session.send(kb.Subscribe(channels=[LIFE]))
        session.exchange.send(LIFE, LIFE, {"market_ticker": A, "event_type": "activated"})
        session.deliver()
        assert states(session.feed, A) == ["active"]
        session.send(kb.Unsubscribe(sids=[1]))
        session.send(kb.Subscribe(channels=[LIFE]))
        ended, begun = session.exchange.outbox[-2:]
        session.feed.receive(begun)
        assert states(session.feed, A) == ["unknown"]
        receive_all(session.feed, event("activated", sid=2, seq=1), ended)
        assert states(session.feed, A) == ["active"]

    def test_data_betrays_its_channel_where_no_reply_named_it(self, kb, feed):
        receive_all(feed, event("activated", A, seq=1))
        assert feed.subscriptions[LIFE].sid == 7
        feed.receive(event("activated", B, seq=3))
        assert states(feed, A, B) == ["unknown", "active"]

    @pytest.mark.parametrize("sent", [frame("new", sid=7, seq=3), frame(5, sid=7, seq=2), frame(LIFE, sid=7, seq=2, msg={})])
    def test_a_sid_that_nothing_named_may_be_one_of_lifecycles(self, kb, feed, sent):
        feed.receive(frame("event_lifecycle", sid=7, seq=1, msg={"event_ticker": "X"}))
        feed.set_market(kb.Market(market_ticker=A, state=kb.MarketState.ACTIVE))
        feed.receive(sent)
        assert states(feed, A) == ["unknown"]

    def test_an_interrupt_in_the_middle_of_a_frame_is_a_loss(self, kb, monkeypatch):
        feed = following(kb)

        def interrupt(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(part(kb, "surroundings").Surroundings, "take", interrupt)
            with pytest.raises(KeyboardInterrupt):
                feed.receive(event("activated", B, seq=4))
        assert outdated(feed)
        assert feed.reconnect_reason is not None


class TestSetMarket:
    def test_a_market_is_told_from_elsewhere_before_its_book_and_after(self, kb, feed):
        market = kb.Market(market_ticker=A, state=kb.MarketState.PAUSED)
        feed.set_market(market)
        book = feed.receive(snapshot(A)).book
        assert (book.market, dict(feed.markets)) == (market, {A: market})
        other = kb.Market(market_ticker=A, state=kb.MarketState.ACTIVE)
        feed.set_market(other)
        assert (book.market, feed.markets[A]) == (other, other)
        feed.receive(event("determined"))
        assert book.market_state is kb.MarketState.CLOSED

    def test_one_that_is_settled_is_kept_with_its_book_alone(self, kb, feed):
        feed.receive(snapshot(A))
        for ticker in (A, B):
            feed.set_market(kb.Market(market_ticker=ticker, state=kb.MarketState.SETTLED))
        assert (list(feed.markets), feed.books[A].market_state) == ([A], kb.MarketState.SETTLED)

    @pytest.mark.parametrize("wrong", [None, A, {"market_ticker": A}])
    def test_anything_else_is_refused(self, feed, wrong):
        with pytest.raises(TypeError, match=f"^market must be Market, not {type(wrong).__name__}$"):
            feed.set_market(wrong)
        assert dict(feed.markets) == {}


# Own orders.

SINCE = START_MS + 1_000
"""Later than anything the exchange has sent when a test begins."""


def order(order_id="o-1", ticker=A, *, at=0, rests="8.50", filled="1.50", **more):
    """What a ``user_order`` says: it changed so many milliseconds after SINCE."""
    new = {"order_id": order_id, "ticker": ticker, "remaining_count_fp": rests, "fill_count_fp": filled}
    return {**USER_ORDER, **new, "last_updated_ts_ms": SINCE + at, **more}


def rest(order_id="o-1", ticker=A, *, rests="8.50", **more):
    """An order as REST gives it: no times in milliseconds, and fields that the channel does not have."""
    return {
        "order_id": order_id, "user_id": "u-1", "client_order_id": "mm-17", "ticker": ticker, "side": "yes",
        "action": "buy", "outcome_side": "yes", "book_side": "bid", "type": "limit", "status": "resting",
        "yes_price_dollars": "0.4200", "no_price_dollars": "0.5800", "fill_count_fp": "1.50",
        "remaining_count_fp": rests, "initial_count_fp": "10.00", "created_time": "2026-10-26T01:46:40Z",
        "last_update_time": None, "queue_position": 0, **more,
    }  # fmt: skip


class Desk(Session):
    """A session whose feed holds the books of A and B, and that tells own orders."""

    def __init__(self, kb):
        super().__init__(kb, A, B, C)
        self.kb = kb
        self.feed.subscribe(BOOK, market_tickers=[A, B])
        self.pump()

    def own(self, *tickers):
        """Subscribe own orders, of all markets or of these."""
        self.send(self.kb.Subscribe(channels=[OWN], market_tickers=tickers))
        self.deliver()

    def tell(self, msg, type_="user_order", channel=OWN):
        """Let the exchange tell of an order or a fill; give the update."""
        self.exchange.send(channel, type_, msg)
        self.deliver()
        return self.updates[-1]

    def receive(self, *sent):
        """Let frames come in that the exchange did not make."""
        self.updates += [self.feed.receive(each) for each in sent]

    def confirm(self, *orders, at=0, **more):
        """Confirm a list of so many milliseconds after SINCE."""
        self.feed.confirm_orders(list(orders), as_of_ms=SINCE + at, **more)

    def size(self, ticker=A, price="0.42", **more):
        """Own size, or why it cannot be known."""
        try:
            return str(self.feed.books[ticker].own_size_at(price, **more))
        except self.kb.OwnSizeUnknown as error:
            return error.reason

    def sizes(self):
        """Own size at $0.42 in A and B, or why it cannot be known."""
        return [self.size(A), self.size(B)]


@pytest.fixture
def desk(kb):
    """Books of A and B, no own orders."""
    return Desk(kb)


@pytest.fixture
def known(desk):
    """Own orders of all markets, confirmed: 8.50 rest in A."""
    desk.own()
    desk.confirm(rest())
    return desk


class TestSubscribing:
    @pytest.mark.parametrize("tickers", [(), (A,), (A, B)])
    def test_own_size_is_unknown_until_a_list_is_confirmed_of_what_is_subscribed(self, desk, tickers):
        assert desk.sizes() == ["not_subscribed"] * 2
        desk.own(*tickers)
        told = [not tickers or ticker in tickers for ticker in (A, B)]
        assert desk.sizes() == ["not_confirmed" if each else "not_subscribed" for each in told]
        desk.confirm(rest())
        assert desk.sizes() == [
            size if each else "not_subscribed" for size, each in zip(("8.50", "0.00"), told, strict=True)
        ]

    def test_a_feed_subscribes_it_by_itself_and_again_on_each_connection(self, desk):
        desk.feed.subscribe(OWN, market_tickers=[A])
        desk.pump()
        desk.confirm(rest())
        assert desk.sizes() == ["8.50", "not_subscribed"]
        desk.disconnect()
        assert (desk.size(), desk.feed.books[A].own_orders[0].is_confirmed) == ("disconnected", False)
        with pytest.raises(desk.kb.UsageError):
            desk.confirm(rest())
        desk.connect()
        assert desk.size() == "disconnected"
        desk.pump()
        assert desk.size() == "not_confirmed"
        desk.confirm(rest(rests="3.00"))
        assert desk.size() == "3.00"

    def test_a_book_that_comes_later_knows_own_orders_too(self, known):
        known.tell(order("o-2", C))
        known.feed.subscribe(BOOK, market_tickers=[C])
        known.pump()
        assert (known.size(C), [each.order_id for each in known.feed.books[C].own_orders]) == ("8.50", ["o-2"])

    def test_markets_are_merged_and_taken_out_while_others_stay_known(self, desk):
        desk.own(A)
        desk.confirm(rest())
        desk.own(A, B)
        assert desk.feed.subscriptions[OWN].held == {A, B}
        assert desk.sizes() == ["8.50", "not_confirmed"]
        desk.confirm(rest(), rest("o-2", B, rests="2.00"), at=1)
        assert desk.sizes() == ["8.50", "2.00"]
        sid = desk.feed.subscriptions[OWN].sid
        desk.send(desk.kb.UpdateSubscription(action="delete_markets", sid=sid, market_tickers=[B]))
        desk.deliver()
        assert desk.sizes() == ["8.50", "unsubscribed"]
        desk.send(desk.kb.UpdateSubscription(action="add_markets", sid=sid, market_tickers=[B]))
        desk.deliver()
        assert desk.sizes() == ["8.50", "not_confirmed"]

    def test_the_same_subscription_once_more_leaves_known_what_is_known(self, known):
        known.own()
        assert known.sizes() == ["8.50", "0.00"]

    def test_a_list_is_not_taken_that_is_older_than_the_acknowledgement(self, desk):
        desk.own()
        since = desk.exchange.now_ms
        for as_of_ms, says in ((since - 1, "not_confirmed"), (since, "0.00")):
            try:
                desk.feed.confirm_orders([], as_of_ms=as_of_ms)
            except desk.kb.UsageError as error:
                assert str(error).startswith(f"a list as of {since - 1} is older than the subscription ({since})")
            assert desk.size() == says

    @pytest.mark.parametrize("first", ["an order", "nothing"])
    def test_a_subscription_that_no_registered_command_made_leaves_it_not_subscribed(self, desk, first):
        if first == "an order":
            desk.receive(frame("user_order", sid=9, msg=order()))
            assert desk.updates[-1].effect is desk.kb.Effect.APPLIED
        desk.receive(subscribed(9, channel=OWN, command_id=99), frame("user_order", sid=9, msg=order()))
        desk.receive(error(25, sid=9), frame("user_order", sid=9, msg=order()))
        assert (desk.sizes(), desk.feed.books[A].own_orders) == (["not_subscribed"] * 2, [])
        with pytest.raises(desk.kb.UsageError):
            desk.confirm(rest())

    def test_orders_that_come_before_the_acknowledgement_are_kept_and_known_with_the_list(self, desk):
        desk.send(desk.kb.Subscribe(channels=[OWN]))
        desk.receive(
            frame("user_order", sid=2, msg=order("o-2", rests="1.00")), frame("user_order", sid=2, msg=order("o-3"))
        )
        assert desk.size() == "not_subscribed"
        desk.deliver()
        assert desk.size() == "not_confirmed"
        assert [(each.order_id, each.is_confirmed) for each in desk.feed.books[A].own_orders] == [
            ("o-2", False),
            ("o-3", False),
        ]
        desk.confirm(rest("o-2", rests="1.00"))
        assert desk.size() == "1.00"

    def test_where_subscribed_was_lost_an_ok_to_the_repeated_command_says_the_same(self, desk):
        """A second subscribe "merges into the sid that exists and is answered by ok"."""
        desk.loses = lambda content: content["type"] == "subscribed"
        desk.own()
        desk.lose_nothing()
        assert desk.size() == "not_subscribed"
        desk.own()
        assert desk.size() == "not_confirmed"
        desk.confirm(rest())
        desk.own()
        assert desk.sizes() == ["8.50", "0.00"]

    def test_an_ok_that_took_none_of_the_markets_is_not_one_for_all(self, desk):
        desk.loses = lambda content: content["type"] == "subscribed"
        desk.own(A)
        desk.receive(frame("ok", sid=2, id=2, msg={"market_tickers": []}))
        assert desk.sizes() == ["not_subscribed"] * 2

    def test_an_ok_that_lists_markets_is_not_one_for_all_though_all_were_asked_for(self, desk):
        desk.loses = lambda content: content["type"] in ("subscribed", "ok")
        for _ in range(2):
            desk.own()
            answer = {"sid": 2, "id": desk.feed.next_command_id - 1, "msg": {"market_tickers": [A]}}
            desk.receive(frame("ok", **answer))
            assert desk.sizes() == ["not_confirmed", "not_subscribed"]

    @pytest.mark.parametrize("listed", [[A], None])
    def test_markets_that_are_added_where_all_are_told_of_leave_the_others_unknown(self, known, listed):
        """Whether the subscription is limited from then on, the published text does not say."""
        sid = known.feed.subscriptions[OWN].sid
        command = known.kb.UpdateSubscription(action="add_markets", sid=sid, market_tickers=[A])
        known.feed.send(command)
        known.receive(frame("ok", sid=sid, id=known.feed.next_command_id - 1, msg={"market_tickers": listed}))
        assert known.sizes() == ["not_confirmed", "unsubscribed"]


class TestStream:
    def test_own_size_follows_orders_exactly(self, known):
        update = known.tell(order("o-2", rests="1.50", at=1))
        assert (update.kind, update.effect, update.book) == (
            known.kb.Kind.USER_ORDER, known.kb.Effect.APPLIED, known.feed.books[A]
        )  # fmt: skip
        assert known.size() == "10.00"
        known.tell(order(at=2, yes_price_dollars="0.4100", rests="8.00"))
        assert (known.size(), known.size(price="0.41")) == ("1.50", "8.00")
        known.tell(order("o-2", at=3, status="canceled", rests="0.00"))
        known.tell(order("o-3", at=4, outcome_side="no", book_side="ask", yes_price_dollars="0.4400", rests="2.00"))
        assert (known.size(), known.size(price="0.56", outcome_side="no")) == ("0.00", "2.00")
        assert known.tell(order("o-4", C)).book is None

    @pytest.mark.parametrize("fill_first", [True, False])
    def test_a_fill_counts_once_whichever_of_the_two_channels_is_first(self, known, fill_first):
        known.send(known.kb.Subscribe(channels=["fill"]))
        known.deliver()
        fill = {**FILL, "order_id": "o-2", "count_fp": "0.50"}
        known.tell(order("o-2", rests="1.50", filled="0.00", at=1))
        both = [(fill, "fill", "fill"), (order("o-2", rests="1.00", filled="0.50", at=2), "user_order", OWN)]
        for each in both if fill_first else both[::-1]:
            assert known.tell(*each).effect is known.kb.Effect.APPLIED
            assert known.size() == "9.50"
        known.tell(fill, "fill", "fill")
        assert known.size() == "9.50"

    def test_levels_without_own_are_what_others_rest(self, known):
        """The book of the exchange: YES 12.00 at $0.10, NO 34.00 at $0.20."""
        book = known.feed.books[A]
        known.tell(order(at=1, status="canceled", rests="0.00"))
        for each in (
            order("o-5", yes_price_dollars="0.1000", rests="2.00", at=2),
            order("o-6", yes_price_dollars="0.8000", rests="34.00", outcome_side="no", book_side="ask", at=2),
        ):
            known.tell(each)
        show = lambda depth: [[(str(each.price), str(each.size)) for each in side] for side in depth]  # noqa: E731
        assert show(book.depth(without_own=True)) == [[("0.1000", "10.00")], []]
        assert show(book.depth(outcome_side="no", without_own=True)) == [[], [("0.9000", "10.00")]]
        assert show(book.depth()) == [[("0.1000", "12.00")], [("0.8000", "34.00")]]
        known.tell(order("o-5", yes_price_dollars="0.1000", rests="12.01", at=3))
        with pytest.raises(known.kb.OwnSizeUnknown) as raised:
            book.depth(without_own=True)
        assert (raised.value.reason, raised.value.own_size_e2, raised.value.size_e2) == ("larger_than_level", 1201, 1200)

    def test_a_copy_keeps_own_orders_as_they_were_and_last_known_those_of_now(self, known):
        book = known.feed.books[A]
        copied, view = book.snapshot(), book.last_known
        known.tell(order(at=1, rests="1.00"))
        known.disconnect()
        assert (str(copied.own_size_at("0.42")), len(copied.own_orders)) == ("8.50", 1)
        with pytest.raises(known.kb.OwnSizeUnknown) as raised:
            view.own_size_at("0.42")
        assert raised.value.reason == "disconnected"
        assert [(str(each.size), each.is_confirmed) for each in view.own_orders] == [("1.00", False)]

    def test_a_list_of_messages_is_as_good_as_one_of_mappings(self, desk):
        desk.own()
        listed = desk.kb.decode(frame("user_order", sid=1, msg=order()))
        desk.confirm(listed, rest("o-2", B, rests="2.00"))
        assert desk.sizes() == ["8.50", "2.00"]

    @pytest.mark.parametrize(
        ("wrong", "more", "error"),
        [
            ([rest(), "o-1"], {}, TypeError),
            ([rest(), None], {}, TypeError),
            ([rest(), object()], {}, TypeError),
            ([rest(), {"order_id": object()}], {}, TypeError),
            ([rest(), {}], {}, ValueError),
            ([rest(remaining_count_fp="8.505")], {}, ValueError),
            ([rest(yes_price_dollars=None)], {}, ValueError),
            ([rest(outcome_side="both")], {}, ValueError),
            ([rest()], {"as_of_ms": None}, TypeError),
            ([rest()], {"as_of_ms": 1}, ValueError),
            ([rest()], {"market_tickers": [B]}, ValueError),
            ([rest()], {"market_tickers": A}, TypeError),
            (None, {}, TypeError),
        ],
    )
    def test_a_list_that_is_wrong_changes_nothing(self, known, wrong, more, error):
        before = known.feed.books[A].own_orders
        texts = []
        for take in (known.feed.check_orders, known.feed.confirm_orders):
            with pytest.raises(error) as raised:
                take(wrong, **{"as_of_ms": SINCE + 50, **more})
            assert isinstance(raised.value, (TypeError, known.kb.UsageError, known.kb.MalformedFrame))
            assert (known.sizes(), known.feed.books[A].own_orders) == (["8.50", "0.00"], before)
            texts.append(str(raised.value))
        assert texts[0] == texts[1]

    def test_a_list_that_is_looked_at_alone_changes_nothing(self, desk):
        desk.own()
        desk.feed.check_orders([rest()], as_of_ms=SINCE)
        assert desk.sizes() == ["not_confirmed"] * 2
        desk.confirm(rest())
        assert desk.sizes() == ["8.50", "0.00"]

    def test_an_order_is_a_message_or_a_mapping(self, known):
        with pytest.raises(TypeError, match=r"^an order is a UserOrder or a mapping as REST gives it, not str$"):
            known.feed.confirm_orders({"orders": [], "cursor": ""}, as_of_ms=SINCE)


def bad_order(ticker=A, at=10, **top):
    """A ``user_order`` that cannot be read exactly, sent so many milliseconds after SINCE (None: that is not told)."""
    times = {} if at is None else {"sending_ts_ms": SINCE + at}
    return frame("user_order", **{"sid": 2, **top}, msg=order(ticker=ticker, rests="8.505"), top=times)


class TestWhatIsLostOfOwnOrders:
    def test_an_order_that_cannot_be_read_makes_its_market_unknown_until_a_list_that_is_newer(self, known):
        known.receive(bad_order())
        assert (known.updates[-1].kind, known.updates[-1].effect) == (known.kb.Kind.MALFORMED, known.kb.Effect.IGNORED)
        assert known.sizes() == ["not_confirmed", "0.00"]
        known.tell(order(at=11))
        assert known.size() == "not_confirmed"
        with pytest.raises(known.kb.UsageError, match="older than the subscription"):
            known.confirm(rest(), at=9)
        known.confirm(rest(), at=10)
        assert known.sizes() == ["8.50", "0.00"]

    @pytest.mark.parametrize("ticker", [None, 5])
    def test_without_a_readable_ticker_all_markets_are_unknown(self, known, ticker):
        known.receive(bad_order(ticker))
        assert known.sizes() == ["not_confirmed"] * 2
        known.confirm(rest(rests="2.00"), at=10)
        assert known.sizes() == ["2.00", "0.00"]

    @pytest.mark.parametrize(
        ("sent", "says"),
        [
            (bad_order(at=None), ["malformed", "0.00"]),
            (bad_order(None, at=None), ["malformed"] * 2),
            (frame(5, sid=2, top={"sending_ts_ms": SINCE}), ["malformed"] * 2),
            (frame("error", sid=2, msg={}), ["malformed"] * 2),
            (frame(5, sid=9), ["malformed"] * 2),
            (frame(5), ["malformed"] * 2),
            (b"junk", ["malformed"] * 2),
            (bad_order(sid="x"), ["not_confirmed", "0.00"]),
            (bad_order(sid=9), ["not_confirmed", "0.00"]),
            (bad_order(C), ["8.50", "0.00"]),
            (frame("fill", sid=3, msg={}), ["8.50", "0.00"]),
            (frame("orderbook_delta", sid=1, seq=9, msg={}), ["8.50", "0.00"]),
            (frame("ok", sid="x", msg=5), ["8.50", "0.00"]),
            (frame(LIFE, sid=7, msg={}), ["8.50", "0.00"]),
            (frame("user_order", sid=2, seq=1, msg=order("o-2", B, rests="0.01")), ["8.50", "0.01"]),
        ],
    )
    def test_a_frame_that_cannot_be_read_says_how_much_is_unknown(self, known, sent, says):
        """Own orders have no numbers, so no later frame shows what was lost."""
        known.receive(sent)
        assert known.sizes() == says

    @pytest.mark.parametrize("tickers", [(), (A, B)])
    def test_where_its_time_cannot_be_read_no_list_is_newer_until_the_exchange_says_once_more_what_is_held(
        self, desk, tickers
    ):
        desk.own(*tickers)
        desk.confirm(rest())
        desk.receive(bad_order(None, at=None))
        with pytest.raises(desk.kb.UsageError):
            desk.confirm(rest(), at=99)
        desk.own(*tickers)
        assert desk.sizes() == ["not_confirmed"] * 2
        desk.confirm(rest(), at=99)
        assert desk.sizes() == ["8.50", "0.00"]

    def test_what_was_told_before_the_loss_gives_way_to_the_list_also_where_it_has_no_time(self, known):
        """``created_ts_ms`` is nullable, ``last_updated_ts_ms`` optional."""
        timeless = {"last_updated_ts_ms": None, "created_ts_ms": None}
        for name in ("o-2", "o-3"):
            known.tell(order(name, **timeless))
        known.receive(bad_order(None))
        known.confirm(rest("o-2", rests="1.00"), at=10)
        assert known.size() == "1.00"

    @pytest.mark.parametrize(
        ("sent", "says"),
        [
            (unsubscribed(2), "unsubscribed"),
            (error(25, sid=2), "terminal_error"),
            (error(10, sid=2), "terminal_error"),
            (subscribed(2, channel=OWN, command_id=99), "backwards"),
            (subscribed(2, channel="trade", command_id=99), "backwards"),
        ],
    )
    def test_the_end_of_the_subscription_leaves_own_orders_as_last_known(self, known, sent, says):
        known.receive(sent)
        assert known.sizes() == [says] * 2
        assert [(str(each.size), each.is_confirmed) for each in known.feed.books[A].own_orders] == [("8.50", False)]
        with pytest.raises(known.kb.UsageError):
            known.confirm(rest())

    def test_a_market_that_left_the_list_of_an_ok_is_told_of_no_longer(self, desk):
        desk.own(A, B)
        desk.confirm(rest())
        desk.receive(frame("ok", sid=2, msg={"market_tickers": [A]}))
        assert desk.sizes() == ["8.50", "unsubscribed"]

    @pytest.mark.parametrize("tickers", [(), (A, B)])
    def test_a_subscription_that_the_exchange_does_not_know_has_ended(self, desk, tickers):
        """Error 7: unknown subscription id."""
        desk.own(*tickers)
        desk.confirm(rest())
        desk.exchange.fail_with = 7
        desk.send(desk.kb.UpdateSubscription(action="add_markets", sid=2, market_tickers=[B]))
        desk.deliver()
        assert desk.sizes() == ["unsubscribed"] * 2

    def test_a_number_that_is_missing_on_its_sid_is_a_loss(self, known):
        """The channel has no numbers today."""
        known.receive(frame("user_order", sid=2, seq=1, msg=order()), frame("user_order", sid=2, seq=3, msg=order(at=1)))
        assert known.sizes() == ["gap"] * 2

    def test_after_an_overflow_the_feed_subscribes_it_again(self, known):
        known.exchange.overflow(2)
        known.deliver()
        assert known.size() == "terminal_error"
        known.receive(frame("user_order", sid=2, msg=order(rests="1.00", at=1)))
        assert known.feed.books[A].own_orders[0].size == 8.5
        known.pump()
        assert (known.size(), known.feed.subscriptions[OWN].sid) == ("not_confirmed", 3)
        known.confirm(rest(rests="2.00"), at=1)
        known.receive(bad_order(sid=2), unsubscribed(2))
        assert known.size() == "2.00"

    @pytest.mark.parametrize("tickers", [(), (A, B)])
    def test_from_an_unsubscribe_on_nothing_tells_whether_it_is_kept(self, desk, tickers):
        desk.own(*tickers)
        desk.confirm(rest())
        desk.send(desk.kb.Unsubscribe(sids=[2]))
        assert desk.sizes() == ["unsubscribed"] * 2
        desk.deliver()
        assert desk.sizes() == ["unsubscribed"] * 2

    def test_from_a_delete_on_nothing_tells_whether_a_market_is_kept_until_an_ok_lists_it(self, desk):
        desk.own(A, B)
        desk.confirm(rest())
        desk.exchange.fail_with = 18
        desk.send(desk.kb.UpdateSubscription(action="delete_markets", sid=2, market_tickers=[A]))
        assert desk.sizes() == ["unsubscribed", "0.00"]
        desk.deliver()
        assert desk.sizes() == ["unsubscribed", "0.00"]
        desk.own(A)
        assert desk.sizes() == ["not_confirmed", "0.00"]

    @pytest.mark.parametrize("tickers", [(), (A,)])
    def test_replies_that_come_out_of_order_end_the_old_subscription_alone(self, desk, tickers):
        """Commands sent back to back run concurrently, and their replies come out of order (observed, 2026)."""
        desk.own()
        desk.confirm(rest())
        desk.send(desk.kb.Unsubscribe(sids=[2]))
        desk.own(*tickers)
        ended, begun = desk.exchange.outbox[-2:]
        again = Desk(desk.kb)
        again.own()
        again.confirm(rest())
        for command in (desk.kb.Unsubscribe(sids=[2]), desk.kb.Subscribe(channels=[OWN], market_tickers=tickers)):
            again.feed.send(command)
        again.receive(begun)
        says = ["not_confirmed", "unsubscribed" if tickers else "not_confirmed"]
        assert again.sizes() == says
        again.receive(ended)
        assert again.sizes() == says

    def test_a_sid_of_another_channel_may_take_its_place(self, known):
        known.send(known.kb.Subscribe(channels=["trade"]))
        known.deliver()
        known.feed.send(known.kb.Subscribe(channels=[OWN]))
        known.receive(subscribed(3, channel=OWN, command_id=known.feed.next_command_id - 1))
        assert known.sizes() == ["not_confirmed"] * 2

    def test_an_interrupt_in_the_middle_of_a_frame_is_a_loss(self, known, monkeypatch):
        def interrupt(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(part(known.kb, "orders").OwnOrders, "take_order", interrupt)
            with pytest.raises(KeyboardInterrupt):
                known.tell(order(at=1))
        assert known.sizes() == ["interrupted"] * 2


def test_the_sending_time_of_a_frame_that_cannot_be_read_is_on_its_error(kb):
    for sent in (bad_order(), delta(delta_fp="x", top={"sending_ts_ms": SINCE + 10}), encode({"sending_ts_ms": SINCE + 10})):
        with pytest.raises(kb.MalformedFrame) as raised:
            kb.decode(sent)
        assert raised.value.sending_ts_ms == SINCE + 10


def test_a_type_that_is_not_known_on_the_channel_of_own_orders_may_tell_of_them(known):
    """Types are renamed at times (``ticker_v2`` was): what such a one says is not read, so own size is not known."""
    known.tell({"order_id": "x"}, type_="user_order_v2")
    assert known.updates[-1].kind is known.kb.Kind.UNKNOWN
    assert known.sizes() == ["unknown_type"] * 2
