"""The exchange in one object: what is true, what time does, who comes in, and what goes wrong with all of it."""

import json

import pytest

from kalshi_book import UnknownMarket, UsageError
from kalshi_book.sim import Account, Blackhole, Close, Exchange, Refusal, Rules
from kalshi_book.sim.keys import Keyring, PrivateKey
from kalshi_book.sim.serving import WS_PATH

SECOND = 1_000_000_000
A, B = "KXSIM-26-A", "KXSIM-26-B"
BOOK = "orderbook_delta"


@pytest.fixture
def exchange():
    return Exchange(markets=2, seed=7, rate=0, levels=0)


def subscribe(connection, *channels, tickers=(A, B)):
    params = {"channels": list(channels or (BOOK,)), "market_tickers": list(tickers)}
    connection.receive(json.dumps({"id": 1, "cmd": "subscribe", "params": params}))


def read(connection):
    deeds = []
    while taken := connection.take():
        deeds += taken
    return [json.loads(deed) if isinstance(deed, bytes) else deed for deed in deeds]


def later(exchange, seconds):
    exchange.advance(exchange.now_ns + round(seconds * SECOND))


# What is true.


def test_markets_have_names_or_are_counted(exchange):
    assert exchange.markets == [A, B]
    assert Exchange(markets=["KXOWN-1"]).markets == ["KXOWN-1"]
    assert len(Exchange().markets) == 50


def test_the_true_book_is_the_one_that_a_reader_must_hold(exchange):
    exchange.crowd.change(A, outcome_side="yes", price_e4=4_200, delta_e2=700)
    exchange.orders.place(A, outcome_side="no", price="0.55", size="3")
    book = exchange.book(A)
    assert (book.market_ticker, book.yes, book.no) == (A, ((4_200, 700),), ((5_500, 300),))
    assert book.clock == exchange.venue.listings[A].clock > 0
    assert exchange.book(B).yes == ()
    exchange.life.close(A)
    assert (exchange.book(A).yes, exchange.book(A).no) == ((), ())


def test_a_market_that_there_is_not_has_no_book(exchange):
    with pytest.raises(UnknownMarket, match=r"^the exchange lists no market 'KXSIM-26-Z' among its 2"):
        exchange.book("KXSIM-26-Z")


def test_own_orders_are_those_of_the_user_and_told_to_the_user(exchange):
    mine, others = exchange.connect(), exchange.connect(Account("somebody"))
    for connection in (mine, others):
        subscribe(connection, "user_orders", BOOK)
        read(connection)
    exchange.orders.place(A, outcome_side="yes", price="0.55", size="3", client_order_id="mine-1")
    assert [frame["type"] for frame in read(mine)] == ["orderbook_delta", "user_order"]
    (delta,) = read(others)
    assert "client_order_id" not in delta["msg"]


@pytest.mark.parametrize("era", ["2025", "2026-01", "2026-03"])
def test_an_older_era_trades_what_it_can_tell(era):
    exchange = Exchange(markets=2, seed=3, rules=Rules(era=era))
    connection = exchange.connect()
    subscribe(connection)
    later(exchange, 20)
    frames = read(connection)
    assert sum(frame["type"] == "orderbook_delta" for frame in frames) > 100
    assert not any("clock" in frame["msg"] for frame in frames)
    if era != "2026-03":
        with pytest.raises(UsageError):
            exchange.orders.place(A, outcome_side="yes", price="0.55", size="0.5")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"latency_s": (2, 1)}, "latency_s is the shortest and the longest time, 0 or more, not (2, 1)"),
        ({"latency_s": (-1, 1)}, "latency_s is the shortest and the longest time, 0 or more, not (-1, 1)"),
        ({"max_connections": 0}, "max_connections and buffer_bytes start at 1"),
        ({"buffer_bytes": 0}, "max_connections and buffer_bytes start at 1"),
        ({"rules": Rules(era="2025"), "tick": "deci_cent"}, "the era '2025' knew only cent ticks, not tick='deci_cent'"),
    ],
)
def test_arguments_out_of_their_range_say_so(options, says):
    with pytest.raises(UsageError) as caught:
        Exchange(markets=1, **options)
    assert str(caught.value) == says


def test_the_crowd_rests_when_it_is_told_to_and_goes_on():
    exchange = Exchange(markets=2, seed=7, rate=50)
    assert exchange.rate == 50
    later(exchange, 5)
    exchange.rate = 0
    before = exchange.book(A)
    later(exchange, 60)
    assert (exchange.book(A), exchange.rate, exchange.next_due_ns) == (before, 0, None)
    exchange.rate = 50
    later(exchange, 5)
    assert exchange.book(A) != before


# Time.


def test_time_runs_forward(exchange):
    later(exchange, 1)
    with pytest.raises(UsageError, match=r"^time runs forward: now_ns was \d+, and cannot be \d+$"):
        exchange.advance(exchange.now_ns - 1)
    exchange.advance(exchange.now_ns)


def test_the_same_arguments_give_the_same_bytes_however_time_is_cut():
    def session(steps):
        exchange = Exchange(markets=3, seed=11, rate=60, latency_s=(0.01, 0.2))
        exchange.faults.add("drop:every=2s")
        exchange.faults.add("delay:every=3s,by=500ms")
        exchange.faults.add("close:at=8s")
        connection = exchange.connect()
        subscribe(connection, BOOK, "trade", "ticker", tickers=(A, B, "KXSIM-26-C"))
        for _ in range(steps):
            later(exchange, 10 / steps)
        return read(connection), list(exchange.faults.log)

    frames, log = session(1)
    assert len(frames) > 400
    assert isinstance(frames[-1], Close)
    assert len({struck.kind for struck in log}) == 3
    assert session(1000) == session(7) == (frames, log)


@pytest.mark.parametrize("steps", [1, 10])
def test_a_frame_that_nothing_overtakes_in_its_time_stays_before_what_comes_later_however_time_is_cut(steps):
    exchange = Exchange(markets=[A], rate=0, levels=0)
    for seconds in (2, 5):
        exchange.orders.place(A, outcome_side="yes", price="0.55", size="3", expires_ns=exchange.now_ns + seconds * SECOND)
    connection = exchange.connect()
    subscribe(connection, tickers=[A])
    read(connection)
    exchange.faults.reorder()
    for _ in range(steps):
        later(exchange, 10 / steps)
    assert [frame["seq"] for frame in read(connection)] == [2, 3]


def test_every_frame_has_the_time_at_which_it_was_written():
    exchange = Exchange(markets=1, seed=3)
    connection = exchange.connect()
    subscribe(connection, tickers=[A])
    later(exchange, 5)
    for frame in read(connection)[2:]:
        assert frame["sending_ts_ms"] == frame["msg"]["ts_ms"]


def test_what_is_due_next_is_the_first_of_all():
    exchange = Exchange(markets=1, rate=0, levels=0, latency_s=(1, 1))
    assert exchange.next_due_ns is None
    exchange.faults.close(after_s=2)
    assert exchange.next_due_ns == exchange.now_ns + 2 * SECOND
    subscribe(exchange.connect())
    assert exchange.next_due_ns == exchange.now_ns + SECOND
    expires_ns = exchange.now_ns + SECOND // 2
    exchange.orders.place(A, outcome_side="yes", price="0.55", size="3", expires_ns=expires_ns)
    assert exchange.next_due_ns == expires_ns


def test_what_is_due_now_happens_without_time_passing():
    exchange = Exchange(markets=4, seed=309, rate=12, levels=4)
    assert exchange.next_due_ns == exchange.now_ns
    exchange.advance(exchange.now_ns)
    assert exchange.next_due_ns > exchange.now_ns


def test_whoever_waits_is_told_that_something_is_due_sooner(exchange):
    calls = []
    exchange.faults.drop()
    exchange.on_sooner = lambda: calls.append(exchange.next_due_ns)
    exchange.faults.close(after_s=2)
    exchange.orders.place(A, outcome_side="yes", price="0.55", size="3", expires_ns=exchange.now_ns + SECOND)
    assert calls == [exchange.now_ns + 2 * SECOND, exchange.now_ns + SECOND]


def test_a_frame_that_became_late_during_a_long_step_still_comes_within_it():
    exchange = Exchange(markets=1, seed=3)
    connection = exchange.connect()
    subscribe(connection, tickers=[A])
    read(connection)
    exchange.faults.delay(after_s=5, by_s=1)
    later(exchange, 20)
    sent = [frame["sending_ts_ms"] for frame in read(connection)]
    assert sent[-1] > (exchange.now_ns - SECOND) // 1_000_000


# Who comes in.


def test_everybody_may_come_in_where_there_are_no_keys(exchange):
    assert exchange.admit(WS_PATH, {}) == exchange.admit(f"{WS_PATH}?x=1", {}) == Account("user")


def test_another_path_is_forbidden(exchange):
    """AsyncAPI text, read 2026-10-26."""
    assert exchange.admit("/", {}) == Refusal(403, "expected the path /trade-api/ws/v2")


def test_one_connection_too_many_is_refused_until_one_is_gone():
    exchange = Exchange(markets=1, rate=0, max_connections=2)
    first = exchange.connect(exchange.admit(WS_PATH, {}))
    exchange.connect(Account("somebody"))
    exchange.connect(exchange.admit(WS_PATH, {}))
    assert exchange.admit(WS_PATH, {}) == Refusal(429, "too many connections: 2 are open")
    first.closed()
    assert exchange.admit(WS_PATH, {}) == Account("user")


def test_a_signature_is_checked_against_the_exchange_s_clock(exchange):
    key = PrivateKey.make("ed25519", key_id="a-key")
    exchange.keyring = Keyring()
    exchange.keyring.add("a-key", key.public_key, account="trader")
    signed = key.headers(WS_PATH, timestamp_ms=exchange.now_ns // 1_000_000)
    assert exchange.admit(WS_PATH, signed) == Account("trader")
    assert exchange.admit(WS_PATH, {}).status == 401
    exchange.faults.clock_step(step_s=-3_600)
    assert exchange.clock_ns == exchange.now_ns - 3_600 * SECOND
    answer = exchange.admit(WS_PATH, signed)
    assert (answer.status, "3600000 ms ahead of" in answer.text) == (401, True)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_connections_are_refused(exchange, status):
    planted = exchange.faults.refuse_connections(status=status, for_s=10)
    assert exchange.admit(WS_PATH, {}) == Refusal(status, "refuse_connections: try again later")
    later(exchange, 10)
    assert exchange.admit(WS_PATH, {}) == Account("user")
    assert (planted.happened, [each.what for each in exchange.faults.log]) == (
        1,
        ["begins", f"a handshake is refused with {status}", "ends"],
    )


def test_a_slow_link_keeps_nobody_out(exchange):
    exchange.faults.slow_link(bytes_per_s=1)
    assert exchange.admit(WS_PATH, {}) == Account("user")


def test_a_handshake_is_never_answered(exchange):
    planted = exchange.faults.no_handshake()
    assert exchange.admit("/", {}) == Blackhole()
    planted.cancel()
    assert exchange.admit(WS_PATH, {}) == Account("user")
    assert planted.happened == 1


# The whole of it.


def test_maintenance_closes_everything_and_lets_nobody_in(exchange):
    exchange.crowd.change(A, outcome_side="yes", price_e4=4_200, delta_e2=700)
    clock = exchange.book(A).clock
    connections = [exchange.connect(), exchange.connect()]
    exchange.faults.maintenance(after_s=1, for_s=60, clocks_fall=True)
    later(exchange, 1)
    assert [read(connection) for connection in connections] == [[Close(1012, "maintenance")]] * 2
    assert exchange.admit(WS_PATH, {}) == Refusal(503, "maintenance: try again later")
    later(exchange, 60)
    assert exchange.admit(WS_PATH, {}) == Account("user")
    assert 0 < exchange.book(A).clock < clock
    assert [each.what for each in exchange.faults.log] == ["begins", "a handshake is refused with 503", "ends"]


def test_maintenance_need_not_let_clocks_fall(exchange):
    exchange.crowd.change(A, outcome_side="yes", price_e4=4_200, delta_e2=700)
    before = exchange.book(A)
    exchange.faults.maintenance(for_s=1, code=1001)
    assert exchange.book(A) == before


def test_the_exchange_s_clock_steps_and_time_does_not(exchange):
    connection = exchange.connect()
    subscribe(connection)
    read(connection)
    exchange.faults.clock_step(step_s=86_400)
    exchange.crowd.change(A, outcome_side="yes", price_e4=4_200, delta_e2=700)
    (delta,) = read(connection)
    assert delta["sending_ts_ms"] == delta["msg"]["ts_ms"] == exchange.now_ns // 1_000_000 + 86_400_000
    exchange.faults.clock_step(step_s=-86_400)
    assert exchange.clock_ns == exchange.now_ns


def test_anything_can_be_said_on_a_channel(exchange):
    connections = [exchange.connect(), exchange.connect()]
    subscribe(connections[0], "trade")
    read(connections[0])
    assert exchange.say("trade", "brand_new", {"market_ticker": A, "x": 1}) == 1
    (frame,) = read(connections[0])
    assert (frame["type"], frame["sid"], frame["seq"], frame["msg"]) == ("brand_new", 1, 1, {"market_ticker": A, "x": 1})
    assert read(connections[1]) == []


def test_faults_strike_the_connection_that_they_name(exchange):
    first, second = exchange.connect(), exchange.connect()
    exchange.faults.close(connection=2)
    exchange.faults.close(connection=3)
    assert (read(first), read(second)) == ([], [Close(1001)])
    assert exchange.connections == (first,)
