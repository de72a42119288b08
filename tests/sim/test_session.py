"""The model of the exchange keeps the exchange's rules, and a feed that follows its frames holds its books."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import Exchange
from frames import START, A, B, C, levels

BOOK = "orderbook_delta"
BOGUS = "KXBOGUS-26-Z"


class Session:
    """A client that writes commands by hand and reads what is new in the outbox."""

    def __init__(self, *tickers):
        self.exchange = Exchange(*(tickers or (A, B, C)))
        self.read = 0
        for side, ladder in START.items():
            for price_e4, size_e2 in ladder.items():
                self.exchange.change(next(iter(self.exchange.markets)), side, price_e4, size_e2)
        self.exchange.connect()

    def frames(self):
        new, self.read = self.exchange.outbox[self.read :], len(self.exchange.outbox)
        return [json.loads(frame) for frame in new]

    def send(self, cmd, command_id=1, **params):
        self.exchange.command(json.dumps({"id": command_id, "cmd": cmd, "params": params}).encode())
        return self.frames()

    def subscribe(self, *tickers, channels=(BOOK,), command_id=1, **params):
        given = {"market_tickers": list(tickers)} if tickers else {}
        return self.send("subscribe", command_id, channels=list(channels), **given, **params)

    def update(self, action, *tickers, sid=1, command_id=2, **params):
        given = {"market_tickers": list(tickers)} if tickers else {}
        return self.send("update_subscription", command_id, sid=sid, action=action, **given, **params)


@pytest.fixture
def session():
    """A session with markets A, B and C that has sent nothing; A holds the usual book."""
    return Session()


@pytest.fixture
def held(session):
    """A session that holds A and B on sid 1, and has read the snapshots, seq 1 and 2."""
    session.subscribe(A, B)
    return session


def brief(frames):
    """Each frame as (type, id, sid, seq, what it is about)."""
    return [(f["type"], f.get("id"), f.get("sid"), f.get("seq"), _about(f.get("msg"))) for f in frames]


def _about(msg):
    if not isinstance(msg, dict):
        return msg
    for name in ("market_ticker", "market_tickers", "code", "channel"):
        if name in msg:
            return msg[name]
    return msg


def codes(frames):
    assert {f["type"] for f in frames} == {"error"}
    return [f["msg"]["code"] for f in frames]


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
        assert full == {
            "type": "orderbook_snapshot", "sid": 1, "seq": 1, "sending_ts_ms": 1793000000002,
            "msg": {
                "market_ticker": A, "market_id": "6b1f0c52-0000-4000-8000-000000000001", "clock": 4,
                "yes_dollars_fp": [["0.4100", "120.00"], ["0.4200", "7.00"]],
                "no_dollars_fp": [["0.5500", "40.00"], ["0.5600", "310.00"]],
            },
        }  # fmt: skip
        assert empty["msg"] == {"market_ticker": B, "market_id": "6b1f0c52-0000-4000-8000-000000000002", "clock": 0}

    def test_a_delta_has_todays_fields(self, held):
        held.exchange.change(A, "no", 5600, -255, client_order_id="mm-17")
        assert held.frames()[0] == {
            "type": "orderbook_delta", "sid": 1, "seq": 3, "sending_ts_ms": 1793000000004,
            "msg": {
                "market_ticker": A, "market_id": "6b1f0c52-0000-4000-8000-000000000001", "clock": 5,
                "price_dollars": "0.5600", "delta_fp": "-2.55", "side": "no", "ts_ms": 1793000000005,
                "client_order_id": "mm-17",
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

    def test_clocks_of_a_market_rise_and_skip_and_are_those_of_its_snapshot(self, held):
        """AsyncAPI text: a snapshot includes every change at or below its clock; the deltas that follow have higher ones."""
        for ticker in (A, B, B, A):
            held.exchange.change(ticker, "yes", 100, 100)
        assert [f["msg"]["clock"] for f in held.frames()] == [5, 6, 7, 8]
        assert [f["msg"]["clock"] for f in held.update("get_snapshot", A, B)] == [8, 7]

    @pytest.mark.parametrize("newline", [True, False])
    def test_a_frame_ends_with_a_newline(self, session, newline):
        """Observed, recordings of 2026; decompressed and cut tapes have none."""
        session.exchange.newline = newline
        session.subscribe(A)
        assert [frame.endswith(b"}\n") for frame in session.exchange.outbox] == [newline] * 2

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

    def test_a_level_that_reaches_zero_is_gone(self, held):
        held.exchange.change(A, "yes", 4200, -700)
        assert held.exchange.book(A)["yes"] == {4100: 12000}

    @pytest.mark.parametrize(
        ("side", "price_e4", "delta_e2"),
        [("yes", 4200, -701), ("yes", 4400, 1), ("no", 5800, 1), ("yes", 0, 1), ("no", 10_000, 1)],
    )
    def test_a_true_book_is_never_crossed_nor_below_zero(self, held, side, price_e4, delta_e2):
        """Observed: none of 2.15 million deltas of 2026 did so."""
        with pytest.raises(ValueError, match="cannot happen"):
            held.exchange.change(A, side, price_e4, delta_e2)
        assert (held.exchange.book(A), held.frames()) == (START, [])

    def test_there_is_room_up_to_the_other_sides_best_price(self, held):
        assert (held.exchange.room(A, "yes"), held.exchange.room(A, "no"), held.exchange.room(B, "no")) == (4399, 5799, 9999)
        held.exchange.change(A, "yes", 4399, 1)
        assert held.exchange.room(A, "no") == 5600

    def test_the_copy_of_a_book_is_a_copy(self, held):
        held.exchange.book(A)["yes"].clear()
        assert held.exchange.book(A) == START

    def test_a_market_that_closes_sends_an_empty_snapshot_and_then_nothing(self, held):
        """Observed, 2026: 62 of 103 snapshots of one recording."""
        held.exchange.close(A)
        assert held.frames()[0]["msg"].keys() == {"market_ticker", "market_id", "clock"}
        assert held.exchange.book(A) == {"yes": {}, "no": {}}
        with pytest.raises(ValueError, match="cannot happen"):
            held.exchange.change(A, "yes", 100, 100)
        assert held.update("get_snapshot", A) == []
        held.exchange.close(C)
        assert held.frames() == []

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
            ({"channels": []}, 3),
            ({"channels": [7]}, 11),
            ({"channels": BOOK}, 11),
            ({"channels": [BOOK]}, 14),
            ({"channels": [BOOK, "trade"]}, 14),
            ({"channels": [BOOK], "market_tickers": []}, 14),
            ({"channels": [BOOK], "market_ids": ["6b1f0c52"]}, 14),
            ({"channels": ["trade"], "market_tickers": []}, 11),
            ({"channels": [BOOK], "market_tickers": A}, 11),
            ({"channels": [BOOK], "market_tickers": [7]}, 11),
            ({"channels": [BOOK], "market_ticker": A, "market_tickers": [A]}, 11),
            ({"channels": ["ticker"], "market_ticker": A, "market_id": "6b1f0c52"}, 11),
            ({"channels": [BOOK], "market_ticker": A, "use_yes_price": 1}, 11),
            ({"channels": ["communications"], "shard_factor": 0, "shard_key": 0}, 19),
            ({"channels": ["communications"], "shard_key": 0}, 20),
            ({"channels": ["communications"], "shard_factor": 4, "shard_key": 4}, 21),
            ({"channels": ["communications"], "shard_factor": 4, "shard_key": -1}, 21),
            ({"channels": ["communications"], "shard_factor": 101}, 22),
            ({"channels": ["communications"], "shard_factor": "4"}, 11),
        ],
    )
    def test_what_cannot_be_is_refused_and_changes_nothing(self, session, params, code):
        """AsyncAPI text: error codes."""
        session.exchange.command(json.dumps({"id": 3, "cmd": "subscribe", "params": params}).encode())
        assert brief(session.frames()) == [("error", 3, None, None, code)]
        assert session.send("list_subscriptions")[0]["msg"] == []
        session.subscribe(A)
        assert session.exchange.sid_of(BOOK) == 1

    @pytest.mark.parametrize(("factor", "key"), [(1, 0), (100, 99), (4, None)])
    def test_a_share_of_the_communications_is_accepted(self, session, factor, key):
        """AsyncAPI text: shard_factor 1 to 100, shard_key from 0 and below it."""
        share = {"shard_factor": factor} | ({} if key is None else {"shard_key": key})
        assert session.subscribe(channels=["communications"], **share)[0]["type"] == "subscribed"

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

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b"7", b"\xff"])
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
        held.exchange.scoped_errors = False
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

    @pytest.mark.parametrize(("params", "code"), [({}, 4), ({"sids": []}, 4), ({"sids": 1}, 11)])
    def test_unsubscribe_needs_a_list_of_sids(self, held, params, code):
        assert codes(held.send("unsubscribe", **params)) == [code]

    def test_list_subscriptions_tells_channels_and_no_markets(self, held):
        """AsyncAPI text: an ok whose msg is an array; no sid, no seq."""
        held.subscribe(A, channels=["fill"])
        got = held.exchange
        got.command(b'{"id":3,"cmd":"list_subscriptions"}')
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
        with pytest.raises(ValueError, match="no connection"):
            held.subscribe(A)
        held.exchange.change(A, "yes", 100, 100)
        held.exchange.connect()
        assert (held.exchange.outbox, held.exchange.sid_of(BOOK)) == ([], None)
        held.read = 0
        snapshot = held.subscribe(A)[1]
        assert (snapshot["sid"], snapshot["seq"], snapshot["msg"]["yes_dollars_fp"][0]) == (1, 1, ["0.0100", "1.00"])


class TestOtherChannels:
    @pytest.mark.parametrize("channel", ["fill", "user_orders", "ticker", "market_positions"])
    def test_some_channels_do_not_count(self, session, channel):
        """AsyncAPI text: their payloads have no seq, nor have scoped errors there."""
        session.subscribe(A, channels=[channel])
        session.exchange.send(channel, "anything", {"market_ticker": A})
        assert brief(session.frames()) == [("anything", None, 1, None, A)]
        assert brief(session.update("add_markets", B)) == [("ok", 2, 1, None, [A, B])]
        assert brief(session.update("add_markets")) == [("error", 2, 1, None, 14)]
        assert brief(session.send("unsubscribe", sids=[1])) == [("unsubscribed", 1, 1, None, None)]

    @pytest.mark.parametrize(
        "channel", ["trade", "market_lifecycle_v2", "communications", "order_group_updates", "pyth_value"]
    )
    def test_the_others_count_each_for_itself(self, held, channel):
        held.subscribe(channels=[channel])
        held.exchange.send(channel, "anything", {"market_ticker": A})
        held.exchange.send(BOOK, "brand_new", {"market_ticker": A})
        assert brief(held.frames()) == [("anything", None, 2, 1, A), ("brand_new", None, 1, 3, A)]

    def test_nothing_is_sent_on_a_channel_that_is_not_held(self, held):
        with pytest.raises(KeyError):
            held.exchange.send("fill", "fill", {})


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
        session.exchange.market_limit = 2
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
        assert [delayed[1:] for delayed in held.exchange.delayed] == [(C, 9)]
        held.send("unsubscribe", sids=[1])
        held.exchange.release()
        assert held.frames() == []


CHANGES = st.tuples(
    st.sampled_from(["change"] * 12 + ["add_markets", "delete_markets", "get_snapshot", "subscribe", "close"]),
    st.sampled_from([A, B, C]),
    st.sampled_from(["yes", "no"]),
    st.integers(0, 9998),
    st.integers(1, 10_000),
)


@given(script=st.lists(CHANGES, max_size=40), use_yes_price=st.booleans())
def test_a_feed_that_follows_holds_the_true_books(kb, script, use_yes_price):
    session, feed = Session(), kb.Feed(use_yes_price=use_yes_price)
    exchange, read = session.exchange, 0
    session.subscribe(A, use_yes_price=use_yes_price)
    for what, ticker, side, price, size_e2 in script:
        if what == "change":
            change(exchange, ticker, side, price, size_e2)
        elif what == "close":
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
    if exchange.markets[ticker].is_closed:
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
        assert book.is_live or (book.state is kb.State.NEW and exchange.markets[ticker].is_closed)
        assert levels(book) == (exchange.book(ticker) if book.is_live else None)
    return len(exchange.outbox)
