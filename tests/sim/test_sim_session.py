"""One connection of the simulated exchange keeps the exchange's rules, and a feed that follows it holds the true books.

What the other channels say is in test_outlet.py, what an odd command gets in test_commands.py.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import BOOK, Client, brief, codes
from exchange import START_MS
from frames import A, B, C, levels
from kalshi_book import decode
from kalshi_book.messages.vocabulary import ACTIONS, CHANNELS
from kalshi_book.sim.rules import Rules
from kalshi_book.sim.session import Session as Bare

BOGUS = "KXBOGUS-26-Z"


@pytest.fixture
def session():
    """A connection to markets A, B and C on which nothing was sent; A holds the usual book."""
    return Client(A, B, C)


@pytest.fixture
def held(session):
    """A connection that holds A and B on sid 1, and has read the snapshots, seq 1 and 2."""
    session.subscribe(A, B)
    return session


class TestFrames:
    def test_a_subscription_of_the_book_begins_with_its_snapshots(self, session):
        """AsyncAPI text: the snapshot first. The sid of subscribed is inside msg, and it has no seq."""
        assert brief(session.subscribe(A, B)) == [
            ("subscribed", 1, None, None, BOOK),
            ("orderbook_snapshot", None, 1, 1, A),
            ("orderbook_snapshot", None, 1, 2, B),
        ]
        assert session.exchange.sid_of(BOOK) == 1
        assert session.exchange.held_markets(BOOK) == {A, B}

    def test_a_snapshot_has_todays_fields_and_no_key_for_an_empty_side(self, session):
        """AsyncAPI text: the key of a side does not exist where there are no offers; clock 0: no recorded change."""
        _, full, empty = session.subscribe(A, B)
        of_a, of_b = (session.exchange.venue.listings[ticker] for ticker in (A, B))
        assert full == {
            "type": "orderbook_snapshot", "sid": 1, "seq": 1, "sending_ts_ms": START_MS + 5,
            "msg": {
                "market_ticker": A, "market_id": of_a.market_id, "clock": of_a.clock,
                "yes_dollars_fp": [["0.4100", "120.00"], ["0.4200", "7.00"]],
                "no_dollars_fp": [["0.5500", "40.00"], ["0.5600", "310.00"]],
            },
        }  # fmt: skip
        assert empty["msg"] == {"market_ticker": B, "market_id": of_b.market_id, "clock": 0}

    def test_a_delta_has_todays_fields(self, held):
        held.exchange.change(A, "no", 5600, -255)
        listing = held.exchange.venue.listings[A]
        assert held.frames()[0] == {
            "type": "orderbook_delta", "sid": 1, "seq": 3, "sending_ts_ms": START_MS + 6,
            "msg": {
                "market_ticker": A, "market_id": listing.market_id, "clock": listing.clock, "price_dollars": "0.5600",
                "delta_fp": "-2.55", "side": "no", "ts": "2026-10-26T07:33:20.006Z", "ts_ms": START_MS + 6,
            },
        }  # fmt: skip

    def test_with_use_yes_price_the_no_side_is_on_the_yes_scale(self, session):
        """AsyncAPI text: no-side snapshots and deltas in yes-leg pricing, under the same names."""
        snapshot = session.subscribe(A, use_yes_price=True)[1]
        session.exchange.change(A, "no", 5600, 100)
        session.exchange.change(A, "yes", 4200, 100)
        assert snapshot["msg"]["no_dollars_fp"] == [["0.4400", "310.00"], ["0.4500", "40.00"]]
        assert snapshot["msg"]["yes_dollars_fp"] == [["0.4100", "120.00"], ["0.4200", "7.00"]]
        assert [f["msg"]["price_dollars"] for f in session.frames()] == ["0.4400", "0.4200"]

    def test_clocks_of_a_market_rise_and_are_those_of_its_snapshot(self, held):
        """AsyncAPI text: a snapshot includes every change at or below its clock; the deltas that follow have higher ones."""
        for ticker in (A, B, B, A):
            held.exchange.change(ticker, "yes", 100, 100)
        clocks = [(f["msg"]["market_ticker"], f["msg"]["clock"]) for f in held.frames()]
        of_a, of_b = ([clock for name, clock in clocks if name == ticker] for ticker in (A, B))
        assert (of_a[0] < of_a[1], of_b[0] < of_b[1]) == (True, True)
        assert [f["msg"]["clock"] for f in held.update("get_snapshot", A, B)] == [of_a[1], of_b[1]]

    def test_another_connection_sees_the_same_changes_with_the_same_clocks(self, held):
        """AsyncAPI text: the clock is the same on every connection; one action's deltas share it, in the same order."""
        frames, venue = [], held.exchange.venue
        other = Bare(venue, account="other", rules=Rules(), write=frames.append, now_ns=lambda: venue.now_ns)
        other.command(json.dumps({"cmd": "subscribe", "params": {"channels": [BOOK], "market_tickers": [A]}}))
        del frames[:]
        venue.listen(other.happened)
        venue.orders("user").place(A, outcome_side="yes", price="0.46", size="351")
        mine = [{**f["msg"], "client_order_id": None} for f in held.frames()]
        assert [{**json.loads(f.payload)["msg"], "client_order_id": None} for f in frames] == mine
        assert (len(mine), len({msg["clock"] for msg in mine})) == (3, 1)

    @pytest.mark.parametrize("newline", [True, False])
    def test_a_frame_ends_with_a_newline(self, session, newline):
        """Observed, recordings of 2026; decompressed and cut tapes have none."""
        session.exchange.obey(newline=newline)
        session.subscribe(A)
        assert [frame[-2:] for frame in session.exchange.outbox] == [b"}\n" if newline else b"}}"] * 2

    @pytest.mark.parametrize("command_id", [0, None, "7"])
    def test_a_command_without_a_usable_id_is_answered_without_one(self, session, command_id):
        """AsyncAPI text: 0 is treated as no id."""
        assert "id" not in session.subscribe(A, command_id=command_id)[0]


class TestBooks:
    def test_a_change_reaches_the_market_that_holds_it_and_no_other(self, held):
        for ticker in (A, C, B):
            held.exchange.change(ticker, "yes", 100, 100)
        assert brief(held.frames()) == [("orderbook_delta", None, 1, 3, A), ("orderbook_delta", None, 1, 4, B)]
        assert held.exchange.book(C) == {"yes": {100: 100}, "no": {}}

    def test_a_market_that_closes_sends_an_empty_snapshot_and_then_nothing(self, held):
        """Observed, 2026: 62 of 103 snapshots of one recording; a settled market streams nothing. Silent: a closed one."""
        held.exchange.close(A)
        closed = held.frames()[-1]
        assert brief([closed]) == [("orderbook_snapshot", None, 1, closed["seq"], A)]
        assert closed["msg"].keys() == {"market_ticker", "market_id", "clock"}
        assert closed["msg"]["clock"] == held.exchange.venue.listings[A].clock
        assert held.update("get_snapshot", A) == []
        held.exchange.close(C)
        assert held.frames() == []
        assert brief(held.update("add_markets", C)) == [("ok", 2, 1, closed["seq"] + 1, [A, B, C])]

    def test_a_closed_market_may_answer_and_a_settled_one_never_does(self, held):
        """Silent: whether a closed market is shown, empty, to who asks."""
        held.exchange.obey(closed_markets_answer=True)
        life = held.exchange.venue.life
        life.close(A)
        held.frames()
        assert [set(f["msg"]) for f in held.update("get_snapshot", A)] == [{"market_ticker", "market_id", "clock"}]
        life.determine(A, "yes")
        assert len(held.update("get_snapshot", A)) == 1
        life.settle(A)
        assert held.update("get_snapshot", A) == []

    def test_a_paused_market_shows_its_book(self, held):
        held.exchange.venue.life.pause(A)
        assert held.update("get_snapshot", A)[0]["msg"]["yes_dollars_fp"] == [["0.4100", "120.00"], ["0.4200", "7.00"]]

    def test_levels_may_come_in_any_order(self, held):
        """Observed: ascending in every recording; not promised."""
        held.exchange.obey(levels_ascend=False)
        for price in range(100, 1000, 100):
            held.exchange.change(B, "yes", price, 100)
        held.frames()
        got = held.update("get_snapshot", B)[0]["msg"]["yes_dollars_fp"]
        assert got != sorted(got) and sorted(got) == [[f"0.0{cents}00", "1.00"] for cents in range(1, 10)]

    def test_the_first_number_of_a_sid_may_be_that_of_an_ok(self, session):
        """Observed, 2026: one count for each sid, over all its markets and every type that has a sid and a seq."""
        session.subscribe(BOGUS)
        session.exchange.fail_with = 18
        assert brief(session.update("add_markets", A)) == [("error", 2, 1, 1, 18)]
        assert brief(session.update("add_markets", A, B)) == [
            ("ok", 2, 1, 2, [BOGUS, A, B]),
            ("orderbook_snapshot", None, 1, 3, A),
            ("orderbook_snapshot", None, 1, 4, B),
        ]
        session.exchange.change(B, "no", 100, 100)
        assert brief(session.frames()) == [("orderbook_delta", None, 1, 5, B)]

    @pytest.mark.parametrize("how", ["subscribe", "add", "get_snapshot"])
    def test_an_unknown_ticker_is_accepted_and_streams_nothing(self, held, how):
        """Observed, 2026: a bogus or a settled ticker gives no error."""
        if how == "get_snapshot":
            assert held.update("get_snapshot", BOGUS) == []
            return
        got = held.subscribe(BOGUS) if how == "subscribe" else held.update("add_markets", BOGUS)
        assert brief(got)[0][0::4] == ("ok", [A, B, BOGUS])
        assert len(got) == 1


class TestSubscribe:
    def test_each_channel_gets_a_sid_of_its_own(self, session):
        got = session.subscribe(A, channels=["trade", BOOK, "fill"])
        assert brief(got) == [
            ("subscribed", 1, None, None, "trade"),
            ("subscribed", 1, None, None, BOOK),
            ("orderbook_snapshot", None, 2, 1, A),
            ("subscribed", 1, None, None, "fill"),
        ]
        assert [session.exchange.sid_of(channel) for channel in ("trade", BOOK, "fill", "ticker")] == [1, 2, 3, None]

    def test_a_second_subscribe_merges_into_the_sid_and_shows_only_new_markets(self, held):
        """Observed, 2026: tickers already held get no new snapshot, so subscribing again heals nothing."""
        assert brief(held.subscribe(B, C, command_id=7)) == [
            ("ok", 7, 1, 3, [A, B, C]),
            ("orderbook_snapshot", None, 1, 4, C),
        ]
        assert brief(held.subscribe(A, B, C, command_id=8)) == [("ok", 8, 1, 5, [A, B, C])]

    def test_merging_keeps_the_price_scale(self, session):
        """Silent: a client must not ask for it."""
        session.subscribe(B)
        snapshot = session.subscribe(A, use_yes_price=True)[1]
        assert snapshot["msg"]["no_dollars_fp"] == [["0.5500", "40.00"], ["0.5600", "310.00"]]

    def test_skip_ticker_ack_takes_the_list_out_of_each_ok(self, session):
        """AsyncAPI text: OK responses omit the lists for this subscription."""
        session.subscribe(A, skip_ticker_ack=True)
        assert [set(frame) for frame in session.subscribe(A)] == [{"type", "id", "sid", "seq", "sending_ts_ms"}]
        assert "msg" not in session.update("delete_markets", A)[0]

    def test_a_bad_channel_name_is_refused_and_the_good_ones_are_subscribed(self, session):
        """Observed, 2026: error 8 carries the id of the command, as subscribed does."""
        assert brief(session.subscribe(A, channels=["ticker_v2", BOOK], command_id=5)) == [
            ("error", 5, None, None, 8),
            ("subscribed", 5, None, None, BOOK),
            ("orderbook_snapshot", None, 1, 1, A),
        ]

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            (None, 2),
            ([], 2),
            ({}, 3),
            ({"channels": [BOOK]}, 14),
            ({"channels": [BOOK, "trade"]}, 14),
            ({"channels": [BOOK], "market_tickers": [7]}, 11),
            ({"channels": ["communications"], "shard_factor": 101}, 22),
        ],
    )
    def test_what_cannot_be_is_refused_and_changes_nothing(self, session, params, code):
        """AsyncAPI text: error codes."""
        session.exchange.command(json.dumps({"id": 3, "cmd": "subscribe", "params": params}).encode())
        assert brief(session.frames()) == [("error", 3, None, None, code)]
        assert session.send("list_subscriptions")[0]["msg"] == []
        session.subscribe(A)
        assert session.exchange.sid_of(BOOK) == 1

    @pytest.mark.parametrize("code", [1, 3, 8, 27])
    def test_an_error_has_the_words_of_its_code(self, session, code):
        """AsyncAPI text: the table of error codes."""
        words = {1: "Unable to process message", 3: "Channels required", 8: "Unknown channel name", 27: "Too many requests"}
        session.exchange.fail_with = code
        assert session.send("subscribe")[0]["msg"] == {"code": code, "msg": words[code]}

    def test_a_connection_of_nobody_is_refused_what_is_somebodys(self, session):
        """AsyncAPI text: 9, the channel requires an authenticated connection."""
        session.exchange.session.account = None
        channels = ["ticker", "fill", "trade", BOOK, "user_orders"]
        assert [about for *_, about in brief(session.subscribe(A, channels=channels))] == ["ticker", 9, "trade", 9, 9]

    @pytest.mark.parametrize("channel", ["trade", "ticker", "fill", "market_positions", "user_orders"])
    def test_without_tickers_a_channel_of_markets_is_subscribed_for_all(self, session, channel):
        session.subscribe(channels=[channel])
        assert session.exchange.held_markets(channel) is None
        assert "msg" not in session.subscribe(A, channels=[channel])[0]
        assert session.exchange.held_markets(channel) is None

    def test_a_list_that_is_merged_with_all_becomes_all(self, session):
        session.subscribe(A, channels=["trade"])
        assert session.exchange.held_markets("trade") == {A}
        session.subscribe(channels=["trade"])
        assert session.exchange.held_markets("trade") is None

    def test_the_ticker_channel_lists_market_ids_too(self, session):
        session.subscribe(channels=["ticker"], market_ids=["6b1f0c52"])
        assert session.subscribe(channels=["ticker"], market_id="7c20")[0]["msg"] == {"market_ids": ["6b1f0c52", "7c20"]}

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b"7", b"\xff", "{", "\ud800"])
    def test_what_is_no_command_gets_error_1(self, session, data):
        session.exchange.command(data)
        assert brief(session.frames()) == [("error", None, None, None, 1)]

    def test_an_unknown_command_gets_error_5(self, session):
        assert codes(session.send("resubscribe")) == [5]


class TestUpdate:
    def test_add_markets_gives_the_full_list_and_then_the_new_snapshots(self, held):
        """AsyncAPI text: full list of market tickers after update. Observed, 2026: an ok takes a number."""
        assert brief(held.update("add_markets", B, C)) == [
            ("ok", 2, 1, 3, [A, B, C]),
            ("orderbook_snapshot", None, 1, 4, C),
        ]

    def test_delete_markets_ends_the_deltas(self, held):
        assert brief(held.update("delete_markets", A, C)) == [("ok", 2, 1, 3, [B])]
        held.exchange.change(A, "yes", 100, 100)
        assert held.frames() == []
        assert brief(held.update("delete_markets", B)) == [("ok", 2, 1, 4, [])]
        assert held.exchange.held_markets(BOOK) == set()

    def test_a_market_that_was_deleted_and_is_added_gets_a_snapshot(self, held):
        held.update("delete_markets", A)
        assert brief(held.update("add_markets", A))[1] == ("orderbook_snapshot", None, 1, 5, A)

    def test_one_market_may_stand_in_a_field_of_its_own(self, held):
        assert brief(held.update("add_markets", market_ticker=C))[0] == ("ok", 2, 1, 3, [A, B, C])

    def test_get_snapshot_answers_for_each_ticker_with_the_id_and_the_next_numbers(self, held):
        """AsyncAPI text: without modifying the subscription; the id is that of the command. Also for a ticker not held."""
        assert brief(held.update("get_snapshot", B, C, command_id=9)) == [
            ("orderbook_snapshot", 9, 1, 3, B),
            ("orderbook_snapshot", 9, 1, 4, C),
        ]
        assert held.exchange.held_markets(BOOK) == {A, B}
        held.exchange.change(C, "yes", 100, 100)
        assert held.frames() == []

    def test_a_sid_may_stand_in_a_list_of_one(self, held):
        got = held.send("update_subscription", sids=[1], action="delete_markets", market_ticker=A)
        assert brief(got) == [("ok", 1, 1, 3, [B])]

    @pytest.mark.parametrize(
        ("sids", "code"),
        [
            ({}, 12),
            ({"sids": []}, 12),
            ({"sids": [1, 2]}, 12),
            ({"sid": 1, "sids": [1]}, 12),
            ({"sids": 1}, 11),
            ({"sid": 9}, 7),
            ({"sid": "1"}, 7),
            ({"sid": True}, 7),
            ({"sids": [1.0]}, 7),
        ],
    )
    def test_exactly_one_known_sid_is_needed(self, held, sids, code):
        """AsyncAPI text: error codes. Without a subscription to name, an error takes no number."""
        got = held.send("update_subscription", 4, action="delete_markets", market_ticker=A, **sids)
        assert brief(got) == [("error", 4, None, None, code)]
        assert held.exchange.held_markets(BOOK) == {A, B}

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({}, 15),
            ({"action": "subscribe_indices", "index_ids": ["BRTI"]}, 13),
            ({"action": "resync", "market_ticker": A}, 13),
            ({"action": "add_markets"}, 14),
            ({"action": "add_markets", "market_tickers": []}, 14),
            ({"action": "delete_markets", "market_tickers": [A, 7]}, 11),
            ({"action": "get_snapshot"}, 14),
            ({"action": "get_snapshot", "market_ticker": A}, 14),
            ({"action": "get_snapshot", "market_tickers": [""]}, 11),
        ],
    )
    def test_what_cannot_be_is_refused_on_the_sid(self, held, params, code):
        """AsyncAPI text: an error scoped to a subscription has its sid, and a seq on channels that count."""
        assert brief(held.send("update_subscription", 4, sid=1, **params)) == [("error", 4, 1, 3, code)]
        assert held.exchange.held_markets(BOOK) == {A, B}

    def test_whether_a_refusal_names_its_sid_is_a_switch(self, held):
        held.exchange.obey(scoped_errors=False)
        assert brief(held.update("add_markets")) == [("error", 2, None, None, 14)]

    @pytest.mark.parametrize("channel", ["trade", "fill"])
    def test_get_snapshot_is_for_books_only(self, session, channel):
        session.subscribe(A, channels=[channel])
        assert codes(session.update("get_snapshot", A)) == [13]

    @pytest.mark.parametrize("channel", ["communications", "market_lifecycle_v2", "order_group_updates"])
    def test_a_channel_without_lists_has_nothing_to_update(self, session, channel):
        session.subscribe(A, channels=[channel])
        assert codes(session.update("add_markets", A)) == [13]
        assert brief(session.subscribe(channels=[channel])) == [("ok", 1, 1, 2, None)]

    def test_a_channel_for_all_markets_stays_so(self, session):
        session.subscribe(channels=["trade"])
        for action in ("add_markets", "delete_markets"):
            assert session.update(action, A)[0]["type"] == "ok"
        assert session.exchange.held_markets("trade") is None

    def test_market_ids_are_added_to_the_ticker_channel(self, session):
        session.subscribe(channels=["ticker"], market_ids=["6b1f"])
        assert session.update("add_markets", market_id="7c20")[0]["msg"] == {"market_ids": ["6b1f", "7c20"]}
        assert codes(session.update("add_markets", A, market_id="7c20")) == [11]


@pytest.mark.parametrize(
    ("channel", "noun", "kind", "name", "ask", "code"),
    [
        ("cfbenchmarks_value", "indices", "index_ids", "BRTI", "indexlist", 24),
        ("cfbenchmarks_value_5hz", "indices", "index_ids", "BRTI", "indexlist", 24),
        ("pyth_value", "underlyings", "underlying_tickers", "Metal.XAU/USD", "underlying_list", 28),
    ],
)
class TestValues:
    """AsyncAPI text: cfbenchmarks_value, cfbenchmarks_value_5hz and pyth_value."""

    def test_names_are_added_and_taken_away(self, session, channel, noun, kind, name, ask, code):
        session.subscribe(channels=[channel])
        assert session.exchange.held_markets(channel) == set()
        assert session.update(f"subscribe_{noun}", **{kind: [name]})[0]["msg"] == {kind: [name]}
        assert session.update(f"subscribe_{noun}", **{kind: ["all"]})[0]["msg"] == {kind: ["all"]}
        assert session.update(f"unsubscribe_{noun}", **{kind: ["all"]})[0]["msg"] == {kind: [name]}
        assert session.update(f"unsubscribe_{noun}", **{kind: [name]})[0]["msg"] == {kind: []}

    def test_names_may_come_with_the_subscribe(self, session, channel, noun, kind, name, ask, code):
        session.subscribe(channels=[channel], **{kind: [name]})
        assert session.exchange.held_markets(channel) == {name}

    def test_what_there_is_comes_in_a_type_of_its_own(self, session, channel, noun, kind, name, ask, code):
        session.subscribe(channels=[channel])
        got = session.update(ask)[0]
        assert (got["type"], got["id"], got["sid"], got["seq"]) == (f"{channel}_{ask}", 2, 1, 1)
        assert name in got["msg"][kind]

    @pytest.mark.parametrize("verb", ["subscribe", "unsubscribe"])
    def test_names_are_needed(self, session, channel, noun, kind, name, ask, code, verb):
        session.subscribe(channels=[channel])
        assert codes(session.update(f"{verb}_{noun}")) == [code]
        assert codes(session.update(f"{verb}_{noun}", **{kind: []})) == [code]
        assert codes(session.update("add_markets", A)) == [13]


class TestEnds:
    def test_an_unsubscribed_takes_a_number_and_a_new_subscription_starts_anew(self, held):
        """AsyncAPI text: unsubscribed has sid and seq. Observed, 2026: the channel gets a new sid, and counts from 1."""
        assert brief(held.send("unsubscribe", 5, sids=[1])) == [("unsubscribed", 5, 1, 3, None)]
        assert (held.exchange.sid_of(BOOK), held.exchange.held_markets(BOOK)) == (None, set())
        held.exchange.change(A, "yes", 100, 100)
        assert brief(held.subscribe(A)) == [("subscribed", 1, None, None, BOOK), ("orderbook_snapshot", None, 2, 1, A)]

    def test_each_sid_is_ended_or_refused_for_itself(self, held):
        held.subscribe(channels=["trade"])
        got = held.send("unsubscribe", 5, sids=[2, 9, 1])
        assert brief(got) == [
            ("unsubscribed", 5, 2, 1, None),
            ("error", 5, None, None, 7),
            ("unsubscribed", 5, 1, 3, None),
        ]

    @pytest.mark.parametrize(("params", "code"), [({}, 4), ({"sids": []}, 4), ({"sids": 1}, 11), ({"sids": "1"}, 11)])
    def test_unsubscribe_needs_a_list_of_sids(self, held, params, code):
        assert codes(held.send("unsubscribe", **params)) == [code]

    def test_list_subscriptions_tells_channels_and_no_markets(self, held):
        """AsyncAPI text: an ok whose msg is an array; no sid, no seq."""
        held.subscribe(A, channels=["fill"])
        held.exchange.command(b'{"id":3,"cmd":"list_subscriptions"}')
        frame = held.frames()[0]
        assert frame["msg"] == [{"channel": BOOK, "sid": 1}, {"channel": "fill", "sid": 2}]
        assert set(frame) == {"type", "id", "sending_ts_ms", "msg"}

    @pytest.mark.parametrize(("how", "code"), [("overflow", 25), ("channel_error", 10)])
    def test_after_a_terminal_error_the_channel_must_be_subscribed_anew(self, held, how, code):
        """AsyncAPI text: terminal errors."""
        getattr(held.exchange, how)(1)
        held.exchange.change(A, "yes", 100, 100)
        assert brief(held.frames()) == [("error", None, 1, 3, code)]
        assert codes(held.update("get_snapshot", A)) == [7]
        assert brief(held.subscribe(A))[0] == ("subscribed", 1, None, None, BOOK)
        assert held.exchange.sid_of(BOOK) == 2

    def test_a_new_connection_knows_nothing_of_the_last(self, held):
        """Observed, 2026: there is no resume; sids and numbers start at 1 again."""
        held.exchange.hold = held.exchange.delay_snapshots = True
        held.exchange.silent_sids.add(1)
        held.subscribe(C)
        held.exchange.process()
        held.subscribe(A)
        held.exchange.disconnect()
        assert held.exchange.pending == held.exchange.delayed == []
        held.exchange.hold = held.exchange.delay_snapshots = False
        held.exchange.change(A, "yes", 100, 100)
        held.exchange.connect()
        assert (held.exchange.outbox, held.exchange.sid_of(BOOK)) == ([], None)
        held.read = 0
        snapshot = held.subscribe(A)[1]
        assert (snapshot["sid"], snapshot["seq"], snapshot["msg"]["yes_dollars_fp"][0]) == (1, 1, ["0.0100", "1.00"])


class TestOtherChannels:
    @pytest.mark.parametrize("channel", ["fill", "user_orders", "ticker", "market_positions"])
    def test_some_channels_do_not_count(self, session, channel):
        """AsyncAPI text: their payloads have no seq, nor have scoped errors there; an unsubscribed has one everywhere."""
        session.subscribe(A, channels=[channel])
        session.exchange.send(channel, "anything", {"market_ticker": A})
        assert brief(session.frames()) == [("anything", None, 1, None, A)]
        assert brief(session.update("add_markets", B)) == [("ok", 2, 1, None, [A, B])]
        assert brief(session.update("add_markets")) == [("error", 2, 1, None, 14)]
        assert brief(session.send("unsubscribe", sids=[1])) == [("unsubscribed", 1, 1, 1, None)]

    @pytest.mark.parametrize(
        "channel", ["trade", "market_lifecycle_v2", "communications", "order_group_updates", "pyth_value"]
    )
    def test_the_others_count_each_for_itself(self, held, channel):
        held.subscribe(channels=[channel])
        held.exchange.send(channel, "anything", {"market_ticker": A})
        held.exchange.send(BOOK, "brand_new", {"market_ticker": A})
        assert brief(held.frames()) == [("anything", None, 2, 1, A), ("brand_new", None, 1, 3, A)]


class TestFaults:
    def test_held_back_commands_are_answered_in_any_order(self, held):
        """Observed, 2026: commands sent back to back run concurrently."""
        held.exchange.hold = True
        assert held.update("add_markets", C, command_id=7) == held.update("delete_markets", A, command_id=8) == []
        assert [json.loads(data)["id"] for data in held.exchange.pending] == [7, 8]
        held.exchange.process(1)
        held.exchange.process(0)
        assert brief(held.frames())[:2] == [("ok", 8, 1, 3, [B]), ("ok", 7, 1, 4, [B, C])]

    def test_a_lost_reply_takes_no_number_and_its_effect_stays(self, held):
        held.exchange.lose_reply = True
        assert brief(held.update("add_markets", C)) == [("orderbook_snapshot", None, 1, 3, C)]
        assert held.exchange.held_markets(BOOK) == {A, B, C}
        assert brief(held.update("delete_markets", C)) == [("ok", 2, 1, 4, [A, B])]

    def test_a_lost_subscribed_leaves_the_snapshots(self, session):
        session.exchange.lose_reply = True
        assert brief(session.subscribe(A)) == [("orderbook_snapshot", None, 1, 1, A)]

    def test_a_lost_refusal_is_silence(self, held):
        held.exchange.lose_reply = True
        assert held.update("add_markets") == []

    def test_an_ignored_command_does_nothing(self, held):
        held.exchange.ignore = True
        assert held.update("add_markets", C) == []
        assert held.exchange.held_markets(BOOK) == {A, B}
        assert len(held.update("add_markets", C)) == 2

    def test_a_command_can_be_refused_with_any_code(self, held):
        held.exchange.fail_with = 27
        assert brief(held.update("add_markets", C)) == [("error", 2, 1, 3, 27)]
        assert held.exchange.held_markets(BOOK) == {A, B}
        held.exchange.fail_with = 9
        assert brief(held.subscribe(channels=["fill"], command_id=4)) == [("error", 4, None, None, 9)]

    def test_what_is_no_command_can_be_refused_with_any_code(self, held):
        held.exchange.fail_with = 18
        held.exchange.command(b"{")
        assert brief(held.frames()) == [("error", None, None, None, 18)]

    def test_a_timed_out_command_may_have_had_its_effect(self, held):
        """AsyncAPI text: 18, timed out while processing: whether it was done is not said."""
        held.exchange.fail_with, held.exchange.lose_reply = 18, True
        assert brief(held.update("add_markets", C)) == [
            ("orderbook_snapshot", None, 1, 3, C),
            ("error", 2, 1, 4, 18),
        ]
        assert held.exchange.held_markets(BOOK) == {A, B, C}

    def test_a_silent_sid_counts_on(self, held):
        held.exchange.silent_sids.add(1)
        held.exchange.change(A, "yes", 100, 100)
        assert held.frames() == held.update("get_snapshot", A) == []
        held.exchange.silent_sids.clear()
        held.exchange.change(A, "yes", 100, 100)
        assert held.frames()[0]["seq"] == 5

    def test_a_silent_market_gets_no_snapshot_but_its_deltas(self, held):
        held.exchange.silent_markets.add(C)
        assert brief(held.update("add_markets", C)) == [("ok", 2, 1, 3, [A, B, C])]
        assert held.update("get_snapshot", C) == []
        held.exchange.change(C, "yes", 100, 100)
        assert brief(held.frames()) == [("orderbook_delta", None, 1, 4, C)]

    def test_a_subscription_takes_no_more_markets_than_its_limit(self, session):
        """AsyncAPI text: 26, adding would exceed the limit of the subscription."""
        session.exchange.obey(market_limit=2)
        assert brief(session.subscribe(A, B, C)) == [("error", 1, None, None, 26)]
        assert session.exchange.sid_of(BOOK) is None
        session.subscribe(A, B)
        assert brief(session.update("add_markets", B, C)) == [("error", 2, 1, 3, 26)]
        assert brief(session.subscribe(C)) == [("error", 1, None, None, 26)]
        assert brief(session.update("add_markets", A, B)) == [("ok", 2, 1, 4, [A, B])]

    def test_snapshots_may_come_after_deltas_of_their_market(self, held):
        """Silent: whether a delta of an added market can come before its snapshot."""
        held.exchange.delay_snapshots = True
        held.update("add_markets", C)
        held.exchange.change(C, "yes", 100, 100)
        held.exchange.release()
        delta, snapshot = held.frames()
        assert (delta["type"], snapshot["msg"]["yes_dollars_fp"]) == ("orderbook_delta", [["0.0100", "1.00"]])
        assert delta["msg"]["clock"] == snapshot["msg"]["clock"]

    def test_a_delayed_snapshot_of_a_market_that_left_never_comes(self, held):
        held.exchange.delay_snapshots = True
        held.update("add_markets", C)
        held.update("get_snapshot", C, command_id=9)
        held.update("delete_markets", C)
        held.exchange.release()
        assert held.frames() == []
        held.send("unsubscribe", sids=[1])
        held.subscribe(A)
        held.exchange.release()
        assert [frame["type"] for frame in held.frames()] == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
    | st.sampled_from([1, 2, A, B, BOGUS, "all", "BRTI", "self", "", *CHANNELS, *ACTIONS]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)  # fmt: skip
PARAMS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "channels", "market_ticker", "market_tickers", "market_id", "market_ids", "index_ids", "underlying_tickers",
            "sid", "sids", "action", "use_yes_price", "skip_ticker_ack", "send_initial_snapshot", "user_filter",
            "shard_factor", "shard_key",
        ),
        VALUES,
    ),
)  # fmt: skip
COMMANDS = st.fixed_dictionaries(
    {"cmd": st.sampled_from(["subscribe", "unsubscribe", "update_subscription", "list_subscriptions"]) | VALUES},
    optional={"id": VALUES, "params": PARAMS | VALUES},
)


@given(commands=st.lists(COMMANDS | VALUES, max_size=12), names=st.lists(st.sampled_from(list(CHANNELS)), max_size=5))
def test_whatever_a_client_says_it_is_answered_in_frames_that_can_be_read(commands, names):
    client = Client(A, B, C)
    client.subscribe(A, channels=[BOOK, *names])
    seqs = {}
    for command in commands:
        client.exchange.command(json.dumps(command))
    for frame in client.exchange.frames:
        decode(frame.payload)
        if frame.seq is not None:
            assert frame.seq == seqs.get(frame.sid, 0) + 1
            seqs[frame.sid] = frame.seq


CHANGES = st.tuples(
    st.sampled_from(["change"] * 12 + ["add_markets", "delete_markets", "get_snapshot", "subscribe", "close"]),
    st.sampled_from([A, B, C]),
    st.sampled_from(["yes", "no"]),
    st.integers(0, 9998),
    st.integers(1, 10_000),
)


@given(script=st.lists(CHANGES, max_size=40), use_yes_price=st.booleans())
def test_a_feed_that_follows_holds_the_true_books(kb, script, use_yes_price):
    session, feed = Client(A, B, C), kb.Feed(use_yes_price=use_yes_price)
    exchange, read = session.exchange, 0
    session.subscribe(A, use_yes_price=use_yes_price)
    for what, ticker, side, price, size_e2 in script:
        if what == "change":
            change(exchange, ticker, side, price, size_e2)
        elif what == "close":
            if not exchange.is_closed(ticker):
                exchange.close(ticker)
        elif what == "subscribe":
            session.subscribe(ticker, use_yes_price=use_yes_price)
        elif what != "get_snapshot" or ticker in exchange.held_markets(BOOK):
            session.update(what, ticker)
        read = follow(kb, feed, exchange, read)
    assert feed.skipped == 0


def change(exchange, ticker, side, price, size_e2):
    """Make a change that can happen of any numbers: half of them take away from a level that is there."""
    ladder = exchange.book(ticker)[side]
    if exchange.is_closed(ticker):
        return
    if ladder and size_e2 % 2:
        price_e4 = sorted(ladder)[price % len(ladder)]
        exchange.change(ticker, side, price_e4, -min(size_e2, ladder[price_e4]))
    elif room := exchange.room(ticker, side):
        exchange.change(ticker, side, 1 + price % room, size_e2)


def follow(kb, feed, exchange, read):
    """Receive what is new, and compare: a held book is the true one, but for a market that closed before it was held."""
    for frame in exchange.outbox[read:]:
        assert feed.receive(frame).effect in (kb.Effect.APPLIED, kb.Effect.IGNORED, kb.Effect.STALED)
    assert set(feed.books) == exchange.held_markets(BOOK)
    for ticker, book in feed.books.items():
        assert book.is_live or (book.state is kb.State.NEW and exchange.is_closed(ticker))
        assert levels(book) == (exchange.book(ticker) if book.is_live else None)
    return len(exchange.outbox)
