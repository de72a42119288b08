"""What happens on the simulated exchange reaches each subscription as the published text has it, and reads back exactly."""

import json
import os
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kalshi_book as kb
from client import BOOK, Client, brief
from exchange import MS, START_MS
from frames import A, B, C
from kalshi_book.cli.published import Published
from kalshi_book.messages.vocabulary import CHANNELS
from kalshi_book.sim.rules import CAUSED, OWN_MARKS, Rules
from kalshi_book.sim.session import Session
from kalshi_book.sim.venue import Venue
from kalshi_book.sim.wire import WHOLE_ERAS

SPEC = os.environ.get("KALSHI_BOOK_SPEC")


@pytest.fixture
def session():
    """A connection of "user" on which nothing was sent; A holds the usual book, B and C are empty."""
    return Client(A, B, C)


def orders(session, account="user"):
    return session.exchange.venue.orders(account)


class TestOwnMarks:
    """AsyncAPI text: client_order_id is present only when you caused this orderbook change. Which causes is silent."""

    @staticmethod
    def marks(session, act, **rules):
        """The client_order_id (and subaccount) of each delta that an act brings; None: no mark."""
        session.exchange.obey(**rules)
        session.frames()
        act()
        return [
            (f["msg"].get("client_order_id"), f["msg"].get("subaccount"))
            for f in session.frames()
            if f["type"] == "orderbook_delta"
        ]

    @pytest.fixture
    def mine(self, session):
        """An own order of 10 contracts that rests, and the connection that follows its book."""
        session.subscribe(A)
        self.order = orders(session).place(
            A, outcome_side="yes", price="0.43", size="10", client_order_id="mm-17", subaccount=3
        )  # fmt: skip
        return session

    ACTS: ClassVar = {
        "placement": lambda self, desk: orders(desk).place(
            A, outcome_side="yes", price="0.43", size="1", client_order_id="mm-17", subaccount=3
        ),
        "cancel": lambda self, desk: orders(desk).cancel(self.order.order_id),
        "decrease": lambda self, desk: orders(desk).decrease(self.order.order_id, size_e2=100),
        "amend": lambda self, desk: orders(desk).amend(self.order.order_id, size_e2=900),
        "maker_fill": lambda self, desk: desk.exchange.venue.crowd.place(A, outcome_side="no", price="0.57", size="1"),
    }

    @pytest.mark.parametrize("cause", list(ACTS))
    def test_a_change_of_an_own_resting_order_is_marked_where_its_cause_counts(self, mine, cause):
        marks = self.marks(mine, lambda: self.ACTS[cause](self, mine), own_marks=frozenset({cause}))
        assert set(marks) == {("mm-17", 3)}

    @pytest.mark.parametrize("cause", list(ACTS))
    def test_a_change_whose_cause_does_not_count_is_not_marked(self, mine, cause):
        marks = self.marks(mine, lambda: self.ACTS[cause](self, mine), own_marks=OWN_MARKS - {cause})
        assert set(marks) == {(None, None)}

    @pytest.mark.parametrize("counts", [True, False])
    def test_what_an_own_order_takes_is_marked_by_it_where_that_counts(self, session, counts):
        session.subscribe(A)
        marks = self.marks(
            session,
            lambda: orders(session).place(A, outcome_side="yes", price="0.44", size="1", client_order_id="taker"),
            own_marks=frozenset({"taker_fill"} if counts else ()),
        )
        assert marks == [("taker" if counts else None, None)]

    def test_changes_of_others_are_not_marked(self, session):
        session.subscribe(A)
        marks = self.marks(
            session,
            lambda: orders(session, "other").place(
                A, outcome_side="yes", price="0.46", size="351", client_order_id="theirs"
            ),
            own_marks=OWN_MARKS,
        )
        assert marks == [(None, None)] * 3

    def test_a_connection_of_nobody_has_no_marks(self, session):
        session.subscribe(A)
        session.exchange.session.account = None
        place = lambda: orders(session).place(A, outcome_side="yes", price="0.10", size="1")  # noqa: E731
        marks = self.marks(session, place, own_marks=OWN_MARKS)
        assert marks == [(None, None)]

    def test_an_order_of_no_name_is_marked_all_the_same(self, session):
        session.subscribe(A)
        marks = self.marks(
            session, lambda: orders(session).place(A, outcome_side="yes", price="0.10", size="1", client_order_id="")
        )
        assert (marks, "placement" in CAUSED) == ([("", None)], True)


class TestTicker:
    def test_it_comes_whenever_the_top_or_a_total_changes(self, session):
        """AsyncAPI text: updates sent whenever any ticker field changes; no seq. Silent: whether some are put together."""
        session.subscribe(A, channels=["ticker"])
        session.exchange.change(A, "yes", 4200, 100)
        session.exchange.change(B, "yes", 4200, 100)
        session.exchange.change(A, "yes", 100, 100)
        (got,) = session.frames()
        assert brief([got]) == [("ticker", None, 1, None, A)]
        assert (got["msg"]["yes_bid_size_fp"], got["msg"]["yes_ask_dollars"]) == ("8.00", "0.4400")

    def test_without_names_it_comes_for_all_markets(self, session):
        session.subscribe(channels=["ticker"])
        for ticker in (A, B):
            session.exchange.change(ticker, "yes", 4200, 100)
        assert [f["msg"]["market_ticker"] for f in session.frames()] == [A, B]

    def test_a_market_may_be_named_by_its_id(self, session):
        """AsyncAPI text: market_ids, for ticker only."""
        session.subscribe(channels=["ticker"], market_ids=[session.exchange.venue.listings[B].market_id])
        for ticker in (A, B):
            session.exchange.change(ticker, "yes", 4200, 100)
        assert [f["msg"]["market_ticker"] for f in session.frames()] == [B]

    @pytest.mark.parametrize("by", ["ticker", "id"])
    def test_the_ticker_of_a_market_named_is_sent_at_once_where_that_is_asked_for(self, session, by):
        """AsyncAPI text: send_initial_snapshot, for requested market tickers, and for newly added ones."""
        listings = session.exchange.venue.listings
        name = (lambda t: {"market_ticker": t}) if by == "ticker" else (lambda t: {"market_id": listings[t].market_id})
        got = session.subscribe(channels=["ticker"], send_initial_snapshot=True, **name(A))
        assert brief(got)[1:] == [("ticker", None, 1, None, A)]
        assert got[1]["msg"]["yes_bid_dollars"] == "0.4200"
        assert brief(session.update("add_markets", send_initial_snapshot=True, **name(B)))[1:] == [
            ("ticker", None, 1, None, B)
        ]
        assert len(session.update("add_markets", send_initial_snapshot=True, **name(A))) == 1
        assert len(session.update("add_markets", **name(C))) == 1

    def test_no_other_channel_has_an_initial_ticker(self, session):
        assert len(session.subscribe(A, channels=["trade"], send_initial_snapshot=True)) == 1


class TestTrades:
    def test_a_trade_is_told_to_all_and_a_fill_to_its_owner(self, session):
        """AsyncAPI text: trade; fill, user_orders and market_positions are your own. Only trade has a seq."""
        session.subscribe(A, channels=["trade", "fill", "user_orders", "market_positions"])
        orders(session, "other").place(A, outcome_side="yes", price="0.44", size="1")
        assert brief(session.frames()) == [("trade", None, 1, 1, A)]
        orders(session).place(A, outcome_side="yes", price="0.44", size="1", client_order_id="mm-17")
        got = session.frames()
        assert [(f["type"], f["sid"], f.get("seq")) for f in got] == [
            ("trade", 1, 2),
            ("fill", 2, None),
            ("market_position", 4, None),
            ("user_order", 3, None),
        ]
        assert {f["msg"].get("market_ticker", f["msg"].get("ticker")) for f in got} == {A}
        assert got[0]["msg"]["trade_id"] == got[1]["msg"]["trade_id"]

    def test_a_list_of_markets_limits_each_of_them(self, session):
        """AsyncAPI text: market specification optional."""
        session.subscribe(B, channels=["trade", "fill", "user_orders", "market_positions"])
        orders(session).place(A, outcome_side="yes", price="0.44", size="1")
        assert session.frames() == []

    def test_without_a_subscription_nothing_is_told(self, session):
        orders(session).place(A, outcome_side="yes", price="0.44", size="1")
        session.exchange.venue.life.pause(A)
        assert session.frames() == []


def test_what_becomes_of_a_market_is_told_whatever_was_named(session):
    """AsyncAPI text: market_lifecycle_v2, market_ticker filters are not supported; it has a seq."""
    session.subscribe(B, channels=["market_lifecycle_v2"])
    session.exchange.venue.life.pause(A)
    (got,) = session.frames()
    assert brief([got]) == [("market_lifecycle_v2", None, 1, 1, A)]
    assert (got["msg"]["event_type"], got["msg"]["is_deactivated"]) == ("deactivated", True)


class TestSaying:
    def test_any_message_can_be_said_where_it_is_wanted(self, session):
        bare = session.exchange.session
        assert not bare.say("market_lifecycle_v2", "event_lifecycle", {"event_ticker": "KXDEMO-26"})
        session.subscribe(channels=["market_lifecycle_v2", "cfbenchmarks_value", "communications"], index_ids=["BRTI"])
        session.frames()
        assert bare.say("market_lifecycle_v2", "event_lifecycle", {"event_ticker": "KXDEMO-26"})
        assert bare.say("cfbenchmarks_value", "cfbenchmarks_value", {"index_id": "BRTI"})
        assert not bare.say("cfbenchmarks_value", "cfbenchmarks_value", {"index_id": "ETHUSD_RTI"})
        assert brief(session.frames()) == [
            ("event_lifecycle", None, 1, 1, {"event_ticker": "KXDEMO-26"}),
            ("cfbenchmarks_value", None, 2, 1, {"index_id": "BRTI"}),
        ]

    def test_what_cannot_be_written_takes_no_number(self, session):
        session.subscribe(A)
        for bad in ({"market_ticker": A, "x": object()}, {"market_ticker": A, 7: {8: object()}}):
            with pytest.raises(TypeError):
                session.exchange.session.say(BOOK, "anything", bad)
        with pytest.raises(KeyError):
            session.exchange.session.end(1, 99)
        assert brief(session.update("get_snapshot", A)) == [("orderbook_snapshot", 2, 1, 2, A)]

    def test_who_made_a_request_is_known_by_the_id_of_the_account(self, session):
        """AsyncAPI text: user_filter self."""
        session.subscribe(channels=["communications"], user_filter="self")
        session.subscribe(channels=["user_orders"])
        orders(session).place(A, outcome_side="yes", price="0.10", size="1")
        user_id = session.frames()[-1]["msg"]["user_id"]
        bare = session.exchange.session
        assert [bare.say("communications", "rfq_created", {"creator_id": who}) for who in (user_id, "other")] == [
            True,
            False,
        ]

    def test_a_restarted_count_begins_at_1(self, session):
        """Observed: recordings that run over a reconnect; a sid's count falls and goes on."""
        session.subscribe(A)
        session.exchange.session.restart(1)
        assert brief(session.update("get_snapshot", A)) == [("orderbook_snapshot", 2, 1, 1, A)]

    @pytest.mark.parametrize("call", [lambda bare: bare.end(9, 25), lambda bare: bare.restart(9)])
    def test_what_is_not_subscribed_can_neither_end_nor_restart(self, session, call):
        session.subscribe(A)
        with pytest.raises(KeyError, match="nothing is subscribed by sid 9"):
            call(session.exchange.session)
        assert session.exchange.sid_of(BOOK) == 1


class TestEra2025:
    """Observed: recordings of late 2025. When 6 and 16 were sent is inferred from their words."""

    @pytest.fixture
    def session(self):
        return Client(A, B, C, rules=Rules(era="2025"))

    def test_books_are_in_cents_and_whole_contracts(self, session):
        snapshot = session.subscribe(A)[1]
        assert snapshot["msg"]["yes"] == [[41, 120], [42, 7]]
        session.exchange.change(A, "no", 5600, -200)
        delta = session.frames()[0]
        assert (delta["msg"]["price"], delta["msg"]["delta"]) == (56, -2)
        assert not {"clock", "ts_ms"} & set(snapshot["msg"]) | {"sending_ts_ms"} & (set(snapshot) | set(delta))

    def test_the_list_of_an_ok_stands_at_the_top(self, session):
        session.subscribe(A)
        assert session.update("add_markets", B)[0] == {
            "type": "ok", "id": 2, "sid": 1, "seq": 2, "market_tickers": [A, B]
        }  # fmt: skip

    def test_list_subscriptions_has_a_type_of_its_own(self, session):
        session.subscribe(A)
        assert session.send("list_subscriptions")[0] == {
            "type": "list_subscriptions", "id": 1, "subscriptions": [{"channel": BOOK, "sid": 1}]
        }  # fmt: skip

    def test_unsubscribed_takes_no_seq(self, session):
        session.subscribe(A)
        assert session.send("unsubscribe", sids=[1]) == [{"type": "unsubscribed", "id": 1, "sid": 1}]

    def test_a_second_subscribe_is_refused(self, session):
        session.subscribe(A)
        assert brief(session.subscribe(B)) == [("error", 1, None, None, 6)]
        assert session.exchange.held_markets(BOOK) == {A}

    def test_a_market_that_there_is_not_is_refused(self, session):
        got = session.subscribe(A, "KXBOGUS")[0]
        assert got["msg"] == {"code": 16, "msg": "Market not found", "market_ticker": "KXBOGUS"}
        session.subscribe(A)
        assert session.update("add_markets", "KXBOGUS")[0]["msg"]["code"] == 16
        assert session.exchange.held_markets(BOOK) == {A}

    def test_an_internal_error_ends_a_subscription(self, session):
        session.subscribe(A)
        session.exchange.session.end(1, 17)
        assert (brief(session.frames()), session.exchange.sid_of(BOOK)) == ([("error", None, 1, 2, 17)], None)

    def test_a_feed_reads_it_all(self, session):
        feed = kb.Feed()
        session.subscribe(A, use_yes_price=False)
        session.exchange.change(A, "no", 5600, -200)
        session.send("list_subscriptions", 2)
        session.update("add_markets", B, command_id=3)
        for frame in session.exchange.outbox:
            assert feed.receive(frame).kind is not kb.Kind.MALFORMED
        assert feed.books[A].best_no_bid_e4() == 5600


@pytest.mark.parametrize("era", ["2026-01", "2026-03"])
def test_between_the_eras_replies_are_those_of_today(era):
    """Observed: recordings of 2026; no clock and no sending_ts_ms before 2026-10-01."""
    session = Client(A, B, C, rules=Rules(era=era))
    session.subscribe(A)
    ok, snapshot = session.update("add_markets", B)
    assert ok == {"type": "ok", "id": 2, "sid": 1, "seq": 2, "msg": {"market_tickers": [A, B]}}
    assert (set(snapshot), "clock" in snapshot["msg"]) == ({"type", "sid", "seq", "msg"}, False)


class TestCommandRate:
    def test_too_many_commands_within_a_second_are_refused(self):
        """AsyncAPI text: 27. Published 2026-06-18: 10,000 a second. Silent: how they are counted, and the sid."""
        session = Client(A, B, C, rules=Rules(commands_per_second=2))
        session.subscribe(A)
        assert session.update("get_snapshot", A)[0]["type"] == "orderbook_snapshot"
        assert brief(session.update("add_markets", B)) == [("error", 2, 1, 3, 27)]
        assert session.exchange.held_markets(BOOK) == {A}
        session.exchange.venue.advance((START_MS + 1_000) * MS)
        assert session.update("add_markets", B)[0]["type"] == "ok"


class Recorded:
    """Everything that a session to all channels sends while a busy venue runs, an account trades and markets end."""

    def __init__(self, seed, era, use_yes_price):
        self.frames = []
        grid = {"tick": "cent", "whole": True} if era in WHOLE_ERAS else {"tick": "mixed"}
        self.venue = Venue(markets=3, seed=seed, rate=300, start_ns=START_MS * MS, **grid)
        self.session = Session(
            self.venue, account="user", rules=Rules(era=era), write=self.frames.append, now_ns=lambda: self.venue.now_ns
        )
        self.venue.listen(self.session.happened)
        names = {"market_tickers": list(self.venue.listings), "index_ids": ["all"], "underlying_tickers": ["all"]}
        params = {"channels": list(CHANNELS), "use_yes_price": use_yes_price, "send_initial_snapshot": True, **names}
        self.session.command(json.dumps({"id": 1, "cmd": "subscribe", "params": params}))
        self.run(seed)

    def run(self, seed):
        venue, entry = self.venue, self.venue.orders("user")
        for number, ticker in enumerate(venue.listings, seed % 2):
            for side in ("yes", "no"):
                rests = entry.place(
                    ticker, outcome_side=side, price="0.02", size="3", client_order_id=f"o-{number}", subaccount=number
                )
                entry.decrease(rests.order_id, size_e2=100)
                entry.place(ticker, outcome_side=side, price="0.98", size="2", immediate_or_cancel=True)
            venue.advance(venue.now_ns + 200 * MS)
        self.session.command(b'{"id":2,"cmd":"update_subscription","params":{"sid":11,"action":"indexlist"}}')
        self.session.command(
            b'{"id":3,"cmd":"update_subscription","params":{"sid":1,"action":"get_snapshot","market_tickers":["KXSIM-26-A"]}}'
        )
        self.session.command(b'{"id":4,"cmd":"nonsense"}')
        venue.life.create("KXSIM-26-Z")
        venue.life.open("KXSIM-26-Z")
        venue.life.pause("KXSIM-26-A")
        venue.life.close("KXSIM-26-B")
        venue.life.determine("KXSIM-26-B", "yes")
        venue.life.settle("KXSIM-26-B")
        self.session.end(2, 25)
        self.session.command(b'{"id":5,"cmd":"list_subscriptions"}')
        self.session.command(b'{"id":6,"cmd":"unsubscribe","params":{"sids":[3,99]}}')


ALL_TYPES = {
    "subscribed", "ok", "error", "unsubscribed", "orderbook_snapshot", "orderbook_delta", "ticker", "trade", "fill",
    "user_order", "market_position", "market_lifecycle_v2", "cfbenchmarks_value_indexlist",
}  # fmt: skip


@pytest.mark.parametrize("era", ["2025", "2026-01", "2026-03", "current"])
@pytest.mark.parametrize("use_yes_price", [True, False])
def test_every_frame_reads_back_as_it_was_written(era, use_yes_price):
    """The simulator and the package's decoder share no code; what one writes, the other reads to the last field."""
    frames = Recorded(7, era, use_yes_price).frames
    seen = {frame.type for frame in frames}
    assert seen == ALL_TYPES - {"ok"} | {"list_subscriptions"} if era == "2025" else ALL_TYPES
    for frame in frames:
        content, message = json.loads(frame.payload), kb.decode(frame.payload)
        assert (frame.type, frame.sid, frame.seq, frame.command_id) == tuple(map(content.get, ("type", "sid", "seq", "id")))
        kept = msgspec.to_builtins(message)
        assert _without_types(kept, content) == content


def _without_types(kept, content):
    """Of what was read, that which was written: nulls for what was absent, and what the reading added, left out."""
    if isinstance(content, dict):
        return {name: _without_types(kept.get(name), value) for name, value in content.items()}
    if isinstance(content, list):
        return [_without_types(*pair) for pair in zip(kept, content, strict=True)]
    return kept


@pytest.mark.skipif(SPEC is None, reason="KALSHI_BOOK_SPEC names no folder with asyncapi.yaml.gz")
def test_every_frame_has_the_fields_that_are_published_and_no_other():
    """AsyncAPI text, read 2026-10-26."""
    published = Published(Path(SPEC, "asyncapi.yaml.gz")).messages
    for frame in Recorded(7, "current", True).frames:
        content = json.loads(frame.payload)
        names = set(content) | {f"msg.{name}" for name in content.get("msg", ()) if isinstance(content["msg"], dict)}
        assert any(_fits(names, fields) for fields in published[frame.type]), (names, frame.type)


def _fits(names, fields):
    needed = {name for name, field in fields.items() if field.is_required and name.count(".") <= 1 and "[]" not in name}
    return needed <= names <= set(fields)


@given(seed=st.integers(0, 2**32), use_yes_price=st.booleans())
@pytest.mark.long
def test_a_feed_that_follows_a_busy_venue_holds_its_books_after_every_frame(seed, use_yes_price):
    venue = Venue(markets=4, seed=seed, rate=400, start_ns=START_MS * MS, tick="mixed", life_s=1, determine_s=1)
    feed = kb.Feed(use_yes_price=use_yes_price)

    def deliver(frame):
        feed.receive(frame.payload)
        if frame.type.startswith("orderbook"):
            book, listing = feed.books[frame.market_ticker], venue.listings[frame.market_ticker]
            for side in ("yes", "no"):
                held = [(level.price_e4, level.size_e2) for level in book.bids(outcome_side=side)]
                assert held[::-1] == listing.levels(side)

    session = Session(venue, account="user", rules=Rules(), write=deliver, now_ns=lambda: venue.now_ns)
    venue.listen(session.happened)
    params = {"channels": [BOOK], "market_tickers": list(venue.listings), "use_yes_price": use_yes_price}
    session.command(json.dumps({"id": 1, "cmd": "subscribe", "params": params}))
    venue.advance(venue.now_ns + 1_500 * MS)
    assert feed.skipped == 0 and len(feed.books) == 4
