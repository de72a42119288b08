"""The exchange that has its frames ready, those who read it, and the part of the benchmark that is made of them."""

import json
from types import SimpleNamespace

import pytest

import kalshi_book as kb
from benchmarks import client, flows, prepared, readers
from benchmarks.prepared import PreparedExchange, Round
from kalshi_book.live.metrics import AgeCounter
from kalshi_book.sim.serving import Account

SUBSCRIBE = json.dumps({
    "id": 1, "cmd": "subscribe",
    "params": {"channels": ["orderbook_delta"], "market_tickers": [f"KXFLOW15M-26SEP21-{n:05d}" for n in (1, 2, 3)],
               "use_yes_price": True},
})  # fmt: skip
SNAPSHOT = json.dumps({
    "id": 2, "cmd": "update_subscription",
    "params": {"sid": 1, "action": "get_snapshot", "market_tickers": ["KXFLOW15M-26SEP21-00001"]},
})  # fmt: skip


@pytest.fixture(scope="module")
def made():
    return Round.make(seed=3, markets=3, deltas=150)


@pytest.fixture
def connection(made):
    """A connection that is subscribed to all markets."""
    opened = PreparedExchange(made).connect(Account("user"))
    opened.receive(SUBSCRIBE)
    return opened


def checksums(feed):
    return {ticker: book.checksum() for ticker, book in feed.books.items()}


def taken(connection):
    """Everything that it gives now."""
    frames = []
    while some := connection.take():
        frames += some
    return frames


def test_a_round_leads_from_its_makers_books_to_others_and_back_again_and_again(made, connection):
    feed = kb.Feed(use_yes_price=True)
    for frame in taken(connection):
        feed.receive(frame)
    assert checksums(feed) == made.truth[0]
    for _ in range(2):
        for part, truth in ((made.there, made.truth[1]), (len(made.frames) - made.there, made.truth[0])):
            connection.send(part)
            for frame in taken(connection):
                assert feed.receive(frame).effect is kb.Effect.APPLIED
            assert checksums(feed) == truth
    assert made.truth[0] != made.truth[1]
    assert len(made.frames) == 2 * made.there == 300


def test_what_undoes_a_delta_is_undone_by_it(made):
    assert [prepared.undone(prepared.undone(frame)) for frame in made.frames] == made.frames


def test_a_command_within_a_round_waits_for_its_end_when_the_books_are_those_of_the_session_again(made, connection):
    first = next(frame for frame in taken(connection) if b"_snapshot" in frame)
    connection.send(10)
    taken(connection)
    connection.receive(SNAPSHOT)
    assert taken(connection) == []
    connection.send(len(made.frames) - 10 + 1)
    answer, delta = map(json.loads, taken(connection)[-2:])
    assert (answer["type"], answer["id"], delta["seq"]) == ("orderbook_snapshot", 2, answer["seq"] + 1)
    assert answer["msg"] == json.loads(first)["msg"]


def test_a_stamp_is_read_to_the_microsecond():
    now_ns = 1_795_000_000_001_234_567
    frame = b'{"msg":{"ts":"%b","ts_ms":%d}}\n' % (prepared.stamp(now_ns), now_ns // 10**6)
    assert prepared.stamp(now_ns) == b"2026-11-18T11:06:40.001234Z"
    assert readers.sent_ns(frame) == now_ns // 1_000 * 1_000


def test_ages_are_counted_as_the_client_counts_them_and_ranked():
    found = readers.Taken()
    for age_us in (100, 300, 200):
        found.frames.append(b'{"msg":{"ts":"2026-11-18T11:06:40.001000Z","ts_ms":1795000000001}}\n')
        found.times.append(1_795_000_000_001_000_000 + age_us * 1_000)
    assert found.quantiles() == {"p50": 200_000, "p99": 300_000, "p99.9": 300_000, "max": 300_000, "n": 3}
    assert readers.bounds(found.counted()) == {"p50": 200_000, "p99": 300_000, "p99.9": 300_000, "max": 300_000, "n": 3}


def test_two_histograms_are_as_far_apart_as_their_shares():
    one, other = AgeCounter(), AgeCounter()
    for counter, ages_us in ((one, (10, 10, 10, 1_000)), (other, (10, 1_000))):
        for age_us in ages_us:
            counter.add(age_us * 1_000)
    assert readers.apart(one.value(), other.value()) == 0.25
    assert readers.apart(one.value(), one.value()) == 0


def test_a_reader_with_a_fault_makes_the_run_worthless():
    reader = SimpleNamespace(ask=lambda what, **_: {"faults": ["<a book>", "1 gaps"]})
    running = client.Running({"x": reader}, frames=300, there=150, truth=({}, {}))
    with pytest.raises(flows.WrongBooks, match="x: 2 faults, the first: <a book>"):
        running.finish("x")


def test_a_reader_that_cannot_answer_makes_the_run_worthless():
    reader = client.Reader("x", "readers", "Ours")
    try:
        with pytest.raises(flows.WrongBooks, match="x, dance: AttributeError"):
            reader.ask("dance")
    finally:
        reader.close()


def test_every_client_reads_every_frame_and_every_goal_is_judged():
    found = list(client.rows(seed=1, quick=True))
    rates, ages = (each for each in found if isinstance(each, client.Table))
    assert [row["client"] for row in rates.rows] == [each.name for each in client.CLIENTS]
    assert all(row["frames a second"] > 0 and row["chunks"] == 2 for row in rates.rows)
    assert ages.rows[0]["n"] == 2_000
    names = [each.name for each in found if isinstance(each, client.Row)]
    assert names == [
        "the client's rate over a bare reader's, no consumer",
        "the client's rate over a bare reader's, async for",
        "the client's rate over a bare reader's, no consumer, TLS",
        "memory after 4,000 frames, no consumer",
        "memory after 4,000 frames, a slow consumer",
        "age of a message in the book at 10,000 a second, p99",
        "ages in live.metrics against those of every message",
    ]
