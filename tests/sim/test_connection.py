"""One connection: commands on their way in, frames on their way out, and what goes wrong there."""

import json
import re

import pytest

from kalshi_book.sim import Abort, Close, Exchange, Freeze, Rules, Thaw

SECOND = 1_000_000_000
A, B = "KXSIM-26-A", "KXSIM-26-B"
BOOK = "orderbook_delta"


class Client:
    """A client that says what it likes and reads everything."""

    def __init__(self, **options):
        self.exchange = Exchange(**{"markets": 2, "seed": 7, "rate": 0, "levels": 0} | options)
        self.faults = self.exchange.faults
        self.connection = self.exchange.connect()
        self.number = 0

    def say(self, cmd, **params):
        self.number += 1
        self.connection.receive(json.dumps({"id": self.number, "cmd": cmd, "params": params}))

    def subscribe(self, *tickers, channel=BOOK):
        self.say("subscribe", channels=[channel], market_tickers=list(tickers) or [A, B])

    def get_snapshot(self, *tickers):
        self.say("update_subscription", sid=1, action="get_snapshot", market_tickers=list(tickers))

    def change(self, ticker=A, delta_e2=100, price_e4=1000, side="yes"):
        self.exchange.crowd.change(ticker, outcome_side=side, price_e4=price_e4, delta_e2=delta_e2)

    def wait(self, seconds):
        self.exchange.advance(self.exchange.now_ns + round(seconds * SECOND))

    def read(self):
        """What came, as it came; frames as dicts where they parse."""
        deeds = []
        while taken := self.connection.take():
            deeds += taken
        return [loads(deed) if isinstance(deed, bytes) else deed for deed in deeds]

    def briefly(self):
        """What came: each frame as (type, seq or None)."""
        return [(each["type"], each.get("seq")) if isinstance(each, dict) else each for each in self.read()]

    def codes(self):
        """The error codes that came, beside the types of all else."""
        return [each["msg"]["code"] if each["type"] == "error" else each["type"] for each in self.read()]


def loads(payload):
    try:
        return json.loads(payload)
    except ValueError:
        return payload


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def reader():
    """A client that has subscribed both markets, and read what came."""
    reader = Client()
    reader.subscribe()
    assert reader.briefly() == [("subscribed", None), ("orderbook_snapshot", 1), ("orderbook_snapshot", 2)]
    return reader


def struck(client):
    return [str(each) for each in client.faults.log]


# Without faults.


def test_a_command_is_done_at_once_and_a_change_is_told(reader):
    reader.change()
    (delta,) = reader.read()
    assert (delta["seq"], delta["msg"]["delta_fp"], delta["msg"]["side"]) == (3, "1.00", "yes")
    assert reader.connection.next_due_ns is None
    assert repr(reader.connection) == "<Connection 1 of user: open, 0 bytes outstanding>"


def test_it_says_when_there_is_something_to_take(client):
    calls = []
    client.connection.on_ready = lambda: calls.append(None)
    assert client.connection.on_ready is not None
    client.subscribe()
    assert len(calls) == 1
    assert client.read()
    client.change()
    client.change()
    assert len(calls) == 2


def test_commands_take_their_time_and_overtake_one_another():
    """Observed, 2026: commands sent back to back run concurrently."""
    orders = set()
    for seed in range(8):
        client = Client(latency_s=(0.1, 0.5), seed=seed)
        for _ in range(3):
            client.say("list_subscriptions")
        client.wait(0.0999)
        assert client.read() == []
        client.wait(0.5)
        orders.add(tuple(frame["id"] for frame in client.read()))
    assert all(sorted(order) == [1, 2, 3] for order in orders)
    assert len(orders) > 2


def test_commands_keep_their_order_where_the_rules_say_so():
    for seed in range(8):
        client = Client(latency_s=(0.1, 0.5), seed=seed, rules=Rules(concurrent_commands=False))
        for _ in range(3):
            client.say("list_subscriptions")
        client.wait(0.6)
        assert [frame["id"] for frame in client.read()] == [1, 2, 3]


@pytest.mark.parametrize("latency_s", [(0, 1), (0, 0)])
def test_deltas_come_before_a_first_snapshot_where_the_rules_say_so(latency_s):
    client = Client(latency_s=latency_s, rules=Rules(deltas_before_snapshot=True), rate=200)
    client.subscribe(A)
    client.wait(3)
    types = [frame["type"] for frame in client.read()]
    assert types.index("orderbook_delta") < types.index("orderbook_snapshot")
    client.get_snapshot(A)
    client.wait(3)
    assert [frame["id"] for frame in client.read() if frame["type"] == "orderbook_snapshot"] == [2]


def test_the_end_of_the_client_ends_everything(reader):
    reader.change()
    reader.connection.closed()
    reader.connection.closed()
    reader.subscribe(A)
    reader.change()
    assert (reader.read(), reader.connection.is_open, reader.exchange.connections) == ([], False, ())
    assert repr(reader.connection) == "<Connection 1 of user: over, 0 bytes outstanding>"


def test_a_slow_reader_loses_its_subscription():
    """AsyncAPI text, read 2026-10-26: error 25, the buffer of the subscription overflowed."""
    client = Client(buffer_bytes=2_000)
    client.subscribe()
    for _ in range(20):
        client.change()
    types = client.codes()
    assert types[-1] == 25
    assert len(types) < 12
    (told,) = struck(client)
    assert re.fullmatch(r"overflow on connection 1: sid 1: 2\d\d\d bytes outstanding", told)
    assert client.exchange.connections == (client.connection,)
    client.subscribe()  # its next subscription has a new sid
    assert client.read()[0]["msg"]["sid"] == 2


def test_a_message_that_is_too_much_ends_its_subscription():
    client = Client(buffer_bytes=300)
    client.subscribe(channel="trade")
    for _ in range(9):
        client.exchange.say("trade", "trade", {"market_ticker": A})
    assert client.codes() == ["subscribed", "trade", "trade", "trade", 25]


def test_a_reply_that_is_too_much_ends_its_subscription_alone():
    client = Client(buffer_bytes=300)
    client.subscribe(channel="trade")
    client.read()
    client.subscribe()
    for _ in range(3):
        client.say("list_subscriptions")
    assert client.codes() == ["subscribed", "orderbook_snapshot", "orderbook_snapshot", 25, "ok", "ok", "ok"]


def test_a_subscription_that_is_given_up_as_it_overflows_does_not_end_twice():
    client = Client(buffer_bytes=500)
    client.subscribe()
    client.say("unsubscribe", sids=[1])
    assert client.codes() == ["subscribed", "orderbook_snapshot", "orderbook_snapshot", "unsubscribed"]


# Frames.


def test_a_frame_is_lost(reader):
    planted = reader.faults.drop(seq=4)
    for _ in range(3):
        reader.change()
    assert reader.briefly() == [("orderbook_delta", 3), ("orderbook_delta", 5)]
    assert (planted.happened, struck(reader)) == (1, ["drop on connection 1: orderbook_delta, sid 1, seq 4"])
    assert reader.faults.log[0].market_ticker == A


def test_a_frame_comes_twice(reader):
    reader.faults.double()
    reader.change()
    reader.change()
    assert reader.briefly() == [("orderbook_delta", 3), ("orderbook_delta", 3), ("orderbook_delta", 4)]


def test_a_frame_and_what_is_behind_it_come_late(reader):
    reader.faults.delay(by_s=2)
    reader.change()
    reader.change()
    reader.wait(1.9)
    assert reader.read() == []
    assert reader.exchange.next_due_ns is not None
    reader.wait(0.1)
    assert reader.briefly() == [("orderbook_delta", 3), ("orderbook_delta", 4)]


def test_a_frame_is_overtaken(reader):
    reader.faults.reorder(behind=2)
    for _ in range(4):
        reader.change()
    assert reader.briefly() == [("orderbook_delta", seq) for seq in (4, 5, 3, 6)]
    reader.faults.reorder()
    reader.change()
    reader.wait(1)
    assert reader.briefly() == [("orderbook_delta", 7)]


def test_a_frame_is_cut(reader):
    reader.faults.truncate()
    reader.change()
    (cut,) = reader.read()
    assert isinstance(cut, bytes)


def test_a_snapshot_is_wrong_and_the_next_is_not(reader):
    reader.change(delta_e2=5_000)
    reader.read()
    reader.faults.wrong_snapshot(market_ticker=A)
    reader.get_snapshot(B, A)
    reader.get_snapshot(A)
    _, wrong, right = (frame["msg"].get("yes_dollars_fp") for frame in reader.read())
    assert (right, wrong[0][0]) == ([["0.1000", "50.00"]], "0.1000")
    assert wrong != right


def test_only_the_first_fault_that_strikes_a_frame_does(reader):
    drop, double = reader.faults.drop(), reader.faults.double()
    reader.change()
    assert (reader.read(), drop.happened, double.happened) == ([], 1, 0)


# Deltas.


def test_a_delta_is_lost_and_no_number_is_missing(reader):
    planted = reader.faults.lost_delta(market_ticker=A)
    reader.change(B)
    reader.change(A)
    reader.change(A, delta_e2=700)
    assert [(frame["seq"], frame["msg"]["delta_fp"]) for frame in reader.read()] == [(3, "1.00"), (4, "7.00")]
    assert struck(reader) == ["lost_delta on connection 1: yes price_e4=1000 delta_e2=100"]
    assert (planted.happened, reader.faults.log[0].market_ticker) == (1, A)


def test_a_delta_is_wrong(reader):
    reader.faults.wrong_delta()
    reader.change()
    reader.change()
    wrong, right = (frame["msg"]["delta_fp"] for frame in reader.read())
    assert wrong != right == "1.00"


def test_a_delta_before_its_time_is_right(reader):
    reader.faults.wrong_delta(after_s=1)
    reader.change()
    assert reader.read()[0]["msg"]["delta_fp"] == "1.00"


def test_a_delta_that_this_connection_would_not_send_is_not_struck(client):
    planted = client.faults.lost_delta()
    client.change()
    client.subscribe(B)
    client.change(A)
    other = client.faults.lost_delta(connection=2)
    assert (planted.happened, other.happened) == (0, 0)
    client.change(B)
    assert (planted.happened, other.happened) == (1, 0)
    client.change(B)
    assert client.briefly()[-1] == ("orderbook_delta", 2)


# Commands.


def test_a_command_is_ignored(client):
    client.faults.ignore_command(cmd="subscribe")
    client.say("list_subscriptions")
    client.subscribe()
    client.subscribe()
    assert [frame["id"] for frame in client.read() if "id" in frame] == [1, 3]
    assert struck(client) == ["ignore_command on connection 1: command 2, subscribe"]


def test_a_reply_is_lost_and_the_command_is_done(client):
    client.faults.lose_reply()
    client.subscribe(A)
    assert client.briefly() == [("orderbook_snapshot", 1)]


@pytest.mark.parametrize("code", [18, 26, 27, 17, 11])
def test_a_command_is_refused(client, code):
    client.faults.refuse_command(code=code)
    client.subscribe()
    assert client.codes() == [code]
    client.change()
    assert client.read() == []


def test_a_command_is_done_and_an_error_is_all_its_reply(client):
    client.faults.false_error(code=18)
    client.subscribe(A)
    assert sorted(map(str, client.codes())) == ["18", "orderbook_snapshot"]
    client.change()
    assert client.briefly() == [("orderbook_delta", 2)]


def test_what_is_no_command_can_be_struck_too(client):
    client.faults.refuse_command(code=27)
    client.connection.receive(b"{")
    client.connection.receive("[]")
    assert client.codes() == [27, 1]


def test_commands_wait(client):
    planted = client.faults.hold_commands(for_s=3)
    client.subscribe(A)
    client.wait(2.9)
    assert client.read() == []
    client.wait(0.1)
    assert client.briefly() == [("subscribed", None), ("orderbook_snapshot", 1)]
    assert (planted.happened, struck(client)) == (1, ["hold_commands: begins", "hold_commands: ends"])


# Snapshots.


def test_snapshots_wait_and_show_the_book_as_it_is_then(client):
    client.faults.delay_snapshots(for_s=2)
    client.subscribe(A)
    client.change(A)
    client.wait(2)
    _, delta, snapshot = client.read()
    assert (delta["seq"], snapshot["seq"], snapshot["msg"]["yes_dollars_fp"]) == (1, 2, [["0.1000", "1.00"]])


def test_a_snapshot_that_was_to_come_in_a_moment_waits_too():
    client = Client(rules=Rules(deltas_before_snapshot=True))
    client.subscribe(A)
    client.faults.delay_snapshots(for_s=5)
    client.wait(4)
    assert client.briefly() == [("subscribed", None)]
    client.wait(1)
    assert client.briefly() == [("orderbook_snapshot", 1)]


def test_a_snapshot_that_waits_is_not_sent_when_its_market_was_taken_out(client):
    planted = client.faults.delay_snapshots()
    client.subscribe()
    client.say("update_subscription", sid=1, action="delete_markets", market_tickers=[A])
    planted.cancel()
    assert [frame["msg"]["market_ticker"] for frame in client.read() if frame["type"] == "orderbook_snapshot"] == [B]


@pytest.mark.parametrize("ticker", [A, None])
def test_snapshots_never_come_and_no_number_is_missing(client, ticker):
    planted = client.faults.no_snapshots(market_ticker=ticker)
    client.subscribe()
    client.change(A)
    shown = [frame["msg"]["market_ticker"] for frame in client.read() if frame["type"] == "orderbook_snapshot"]
    assert shown == ([B] if ticker else [])
    planted.cancel()
    client.get_snapshot(A)
    assert [frame["seq"] for frame in client.read()] == [3 if ticker else 2]


# Silence.


def test_a_connection_is_silent_and_the_numbers_go_on(reader):
    planted = reader.faults.silence()
    reader.change()
    reader.say("list_subscriptions")
    assert reader.read() == []
    planted.cancel()
    reader.change()
    assert reader.briefly() == [("orderbook_delta", 4)]


def test_one_sid_is_silent(reader):
    reader.subscribe(channel="ticker")
    reader.read()
    reader.faults.silence(sid=1)
    reader.change()
    assert [frame["type"] for frame in reader.read()] == ["ticker"]


def test_a_market_is_silent_and_no_number_is_missing(reader):
    reader.faults.silence(market_ticker=A, for_s=1)
    reader.change(A)
    reader.change(B)
    reader.get_snapshot(A)
    assert reader.briefly() == [("orderbook_delta", 3)]
    reader.wait(1)
    reader.change(A)
    assert reader.briefly() == [("orderbook_delta", 4)]


def test_a_connection_made_during_a_silence_speaks_but_not_of_a_silent_market(client):
    client.faults.silence()
    client.faults.silence(market_ticker=A)
    client.connection = client.exchange.connect()
    client.subscribe()
    assert [frame["msg"].get("market_ticker") for frame in client.read()] == [None, B]


# The link.


def test_a_half_open_connection_says_and_hears_nothing_until_it_ends(reader):
    reader.change()
    planted = reader.faults.half_open(for_s=5)
    reader.change()
    reader.subscribe(channel="trade")
    reader.wait(4)
    assert reader.read() == [Freeze()]
    reader.wait(1)
    assert reader.read()[0] == Thaw()
    assert (planted.happened, planted.is_over) == (1, True)


def test_what_was_said_meanwhile_is_heard_afterwards(reader):
    reader.faults.half_open(for_s=5)
    reader.change()
    reader.subscribe(channel="trade")
    reader.wait(5)
    assert reader.briefly() == [("orderbook_delta", 3), ("subscribed", None)]  # the freeze was never seen


def test_a_connection_made_meanwhile_works(client):
    client.faults.half_open()
    client.connection = client.exchange.connect()
    client.subscribe(A)
    assert client.briefly() == [("subscribed", None), ("orderbook_snapshot", 1)]


def test_a_connection_that_a_span_names_is_struck_whenever_it_is_made(client):
    client.faults.half_open(connection=2)
    client.subscribe(A)
    assert client.briefly() == [("subscribed", None), ("orderbook_snapshot", 1)]
    client.connection = client.exchange.connect()
    assert client.read() == [Freeze()]


def test_a_slow_link_makes_frames_late(client):
    planted = client.faults.slow_link(bytes_per_s=60)
    client.subscribe(A)
    client.wait(1)
    assert client.read() == []
    client.wait(1.5)
    assert client.briefly() == [("subscribed", None)]
    planted.cancel()
    assert client.briefly() == [("orderbook_snapshot", 1)]


def test_the_slowest_of_two_links_counts(client):
    client.faults.slow_link(bytes_per_s=1)
    client.faults.slow_link(bytes_per_s=1_000_000)
    client.subscribe(A)
    client.wait(1)
    assert client.read() == []


# Ends.


def test_a_connection_is_closed_after_what_is_on_its_way(reader):
    reader.change()
    planted = reader.faults.close(code=4000, reason="enough")
    reader.change()
    assert reader.briefly() == [("orderbook_delta", 3), Close(4000, "enough")]
    assert (reader.exchange.connections, struck(reader)) == ((), ["close on connection 1: code 4000"])
    assert planted.happened == 1
    reader.connection.close()
    reader.connection.abort()
    assert reader.read() == []


def test_with_1006_there_is_no_close_frame(reader):
    reader.change()
    reader.faults.close(code=1006)
    assert reader.briefly() == [("orderbook_delta", 3), Abort()]


def test_a_connection_is_reset_and_what_was_on_its_way_is_lost(reader):
    reader.change()
    reader.faults.abort(connection=1)
    assert reader.read() == [Abort()]
    assert struck(reader) == ["abort on connection 1: reset"]


def test_the_close_of_a_half_open_connection_arrives_when_it_is_whole_again(reader):
    planted = reader.faults.half_open()
    assert reader.read() == [Freeze()]
    reader.change()
    reader.faults.close()
    reader.change()
    assert (reader.read(), reader.exchange.connections) == ([], ())
    planted.cancel()
    assert reader.briefly() == [Thaw(), ("orderbook_delta", 3), Close(1001)]


def test_a_close_waits_behind_a_slow_link(reader):
    reader.faults.slow_link(bytes_per_s=100)
    reader.change()
    reader.faults.close()
    assert (reader.read(), reader.exchange.connections) == ([], ())
    reader.wait(10)
    assert reader.briefly() == [("orderbook_delta", 3), Close(1001)]
    assert reader.exchange.next_due_ns is None


def test_a_client_that_gives_up_before_the_close_is_let_go(reader):
    reader.faults.slow_link(bytes_per_s=1)
    reader.change()
    reader.faults.close()
    reader.connection.closed()
    reader.wait(1000)
    assert (reader.read(), reader.exchange.next_due_ns) == ([], None)


def test_a_half_open_connection_that_is_gone_stays_so(reader):
    planted = reader.faults.half_open()
    reader.connection.closed()
    planted.cancel()
    assert reader.read() == []


def test_the_reset_of_a_half_open_connection_is_told_at_once(reader):
    planted = reader.faults.half_open()
    assert reader.read() == [Freeze()]
    reader.faults.abort()
    assert reader.read() == [Abort()]
    planted.cancel()
    assert reader.read() == []


@pytest.mark.parametrize(("kind", "code"), [("overflow", 25), ("channel_error", 10)])
def test_a_subscription_ends_with_a_terminal_error(reader, kind, code):
    planted = getattr(reader.faults, kind)()
    reader.change()
    (error,) = reader.read()
    assert (error["sid"], error["seq"], error["msg"]["code"]) == (1, 3, code)
    assert (planted.happened, struck(reader)) == (1, [f"{kind} on connection 1: sid 1"])


def test_numbers_begin_again(reader):
    reader.subscribe(channel="trade")
    reader.read()
    reader.faults.restart(sid=1)
    reader.change()
    assert reader.briefly() == [("orderbook_delta", 1)]


def test_what_is_not_subscribed_cannot_end(client):
    planted = [client.faults.overflow(), client.faults.channel_error(sid=3), client.faults.restart(connection=2)]
    assert [each.happened for each in planted] == [0, 0, 0]
    assert (client.read(), struck(client)) == ([], [])
