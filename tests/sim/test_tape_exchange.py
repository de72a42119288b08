"""A recording that is served comes out frame for frame, in its own time or as fast as can be."""

import gzip
import json
import os
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

import kalshi_book as kb
from frames import snapshot
from kalshi_book.sim.keys import Keyring, PrivateKey
from kalshi_book.sim.server import serve
from kalshi_book.sim.serving import WS_PATH, Account, Refusal
from kalshi_book.sim.tape_exchange import TAKEN_BYTES, TapeExchange
from scripted_exchange import START_NS, run

MS = 1_000_000
SUBSCRIBE = '{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"],"market_tickers":["KXSIM-26-A"]}}'
TAPES = os.environ.get("KALSHI_BOOK_TAPES")


@pytest.fixture
def write(tmp_path):
    """Write lines to a file; give its path."""

    def write(*lines, name="tape.ndjson"):
        path = tmp_path / name
        path.write_bytes(b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
        return path

    return write


def reading(path, *, speed=None, begin=True):
    """An exchange that plays a file, and a connection to it that has subscribed."""
    exchange = TapeExchange(path, speed=speed, start_ns=START_NS)
    connection = exchange.connect(Account("user"))
    connection.woken = 0

    def woken():
        connection.woken += 1

    connection.on_ready = woken
    if begin:
        connection.receive(SUBSCRIBE)
    return exchange, connection


def all_of(connection):
    taken = []
    while piece := connection.take():
        taken += piece
    return taken


def at_ms(*times_ms, key="sending_ts_ms"):
    """Frames that were sent so many milliseconds after the epoch."""
    return [json.dumps({"type": "x", key: each}).encode() + b"\n" for each in times_ms]


class TestTheFrames:
    def test_are_the_lines_byte_for_byte(self, write):
        lines = [
            b'{"type":"subscribed","id":9,"msg":{"channel":"orderbook_delta","sid":4}}\n',
            snapshot() + b"\n",
            b'{"type" : "odd"}\n',
        ]
        exchange, connection = reading(write(*lines))
        assert connection.woken == 1
        assert all_of(connection) == lines
        assert (connection.frames, connection.is_finished, connection.problems) == (3, True, [])
        assert repr(exchange) == "<TapeExchange tape.ndjson: 1 connections>"
        assert repr(connection) == "<TapeConnection of tape.ndjson: at the end, 3 frames>"

    def test_all_end_in_a_newline_as_those_of_the_exchange_do(self, write):
        """Text frames end with a newline (observed, 2026); lines of a file may end otherwise, and the last not at all."""
        assert all_of(reading(write(b'{"type":"a"}\r\n\n  \n{"type":"b"}'))[1]) == [b'{"type":"a"}\n', b'{"type":"b"}\n']

    def test_come_out_of_their_wrapping(self, write):
        wrapped = [
            b'{"recv_ms":1,"raw":"{\\"type\\":\\"a\\", \\"x\\":1}\\n"}\n',
            b'{"recv_ms":2,"msg":{"type": "b"}}\n',
            b'{"recv_ms":"soon","msg":{"type": "c"}}\n',
        ]
        _, connection = reading(write(*wrapped))
        assert all_of(connection) == [b'{"type":"a", "x":1}\n', b'{"type": "b"}\n', b'{"type": "c"}\n']
        assert connection.problems == [
            "line 3: expected a time of receipt under recv_ms, found no number: the frame is taken without one"
        ]

    def test_of_a_compressed_recording_are_the_same(self, tmp_path):
        path = tmp_path / "tape.gz"
        path.write_bytes(gzip.compress(b'{"type":"a"}\n{"type":"b"}\n'))
        assert all_of(reading(path)[1]) == [b'{"type":"a"}\n', b'{"type":"b"}\n']

    def test_stop_where_the_file_is_damaged(self, tmp_path):
        path = tmp_path / "tape.gz"
        path.write_bytes(gzip.compress(b'{"type":"a"}\n' * 10, mtime=0)[:-8])
        _, connection = reading(path)
        assert all_of(connection) == [b'{"type":"a"}\n'] * 10
        assert connection.is_finished
        assert [problem[:51] for problem in connection.problems] == ["line 11: the file is cut or damaged from here on: C"]

    def test_are_what_can_be_sent_and_the_rest_is_named(self, write):
        _, connection = reading(write(b'{"type":"a"}\n', b"torn\n", b'{"type":"\xff"}\n', b'{"raw":"{\\"type\\":1}"}\n'))
        assert all_of(connection) == [b'{"type":"a"}\n', b'{"type":1}\n']
        assert [problem.split(":")[0] for problem in connection.problems] == ["line 2", "line 3"]
        assert repr(connection) == "<TapeConnection of tape.ndjson: at the end, 2 frames, 2 problems>"

    def test_are_taken_in_pieces(self, write):
        line = b'{"type":"%s"}\n' % (b"x" * 1_000)
        _, connection = reading(write(*([line] * 500)))
        assert len(connection.take()) == TAKEN_BYTES // len(line) + 1
        assert repr(connection) == f"<TapeConnection of tape.ndjson: under way, {connection.frames} frames>"
        assert len(all_of(connection)) == 500 - TAKEN_BYTES // len(line) - 1


class TestTheBeginning:
    def test_is_the_first_subscribe_of_each_connection_and_nothing_else(self, write):
        exchange, connection = reading(write(*at_ms(1, 2)), begin=False)
        assert repr(connection) == "<TapeConnection of tape.ndjson: waits for a subscribe, 0 frames>"
        for other in ('{"id":1,"cmd":"list_subscriptions"}', "subscribe", b"\xff", "[]", '{"cmd":1}', "[" * 100_000):
            connection.receive(other)
        assert (connection.woken, connection.take(), exchange.next_due_ns) == (0, [], None)
        connection.receive(SUBSCRIBE.encode())
        assert (connection.woken, len(all_of(connection))) == (1, 2)
        connection.receive(SUBSCRIBE)
        assert (connection.woken, connection.take()) == (1, [])

        second = exchange.connect(Account("user"))
        second.receive(SUBSCRIBE)
        assert len(all_of(second)) == 2

    def test_of_nothing_is_the_end(self, write):
        _, connection = reading(write())
        assert (all_of(connection), connection.is_finished) == ([], True)

    def test_needs_a_file(self, tmp_path):
        with pytest.raises(kb.TapeError, match="cannot be read: No such file"):
            TapeExchange(tmp_path / "none", start_ns=0)

    @pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
    def test_needs_a_speed(self, write, speed):
        with pytest.raises(kb.UsageError, match=r"^expected a speed above 0, or None for as fast as can be, found"):
            TapeExchange(write(), speed=speed, start_ns=0)


class TestTheTimes:
    @pytest.mark.parametrize("speed", [1, 10, 0.5])
    def test_are_the_recorded_ones_at_a_speed(self, write, speed):
        exchange, connection = reading(write(*at_ms(100, 100, 130, 131)), speed=speed)
        assert len(connection.take()) == 2
        assert exchange.next_due_ns == START_NS + round(30 * MS / speed)
        exchange.advance(exchange.next_due_ns - 1)
        assert (connection.woken, connection.take()) == (1, [])
        exchange.advance(exchange.next_due_ns)
        assert (connection.woken, len(connection.take())) == (2, 1)
        exchange.advance(START_NS + round(31 * MS / speed))
        assert (connection.woken, len(connection.take()), exchange.next_due_ns) == (3, 1, None)

    def test_of_the_next_frame_are_known_when_those_before_it_were_taken_and_that_is_said(self, write):
        exchange, connection = reading(write(*at_ms(1, 2)), speed=1)
        said = []
        exchange.on_sooner = lambda: said.append(exchange.next_due_ns)
        assert exchange.next_due_ns is None
        connection.take()
        assert said == [START_NS + MS]
        connection.take()
        assert len(said) == 1

    def test_count_from_the_subscribe(self, write):
        exchange, connection = reading(write(*at_ms(1, 11)), speed=1, begin=False)
        exchange.advance(START_NS + 500 * MS)
        connection.receive(SUBSCRIBE)
        assert len(connection.take()) == 1
        assert exchange.next_due_ns == START_NS + 510 * MS

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ({"recv_ms": 5_000, "raw": {"type": "x", "sending_ts_ms": 1}}, {"recv_ms": 5_007, "raw": {"type": "x"}}),
            (
                {"type": "x", "sending_ts_ms": 10, "msg": {"ts_ms": 1}},
                {"type": "x", "sending_ts_ms": 17, "msg": {"ts_ms": 2}},
            ),
            ({"type": "x", "msg": {"ts_ms": 1, "ts": 9}}, {"type": "x", "msg": {"ts_ms": 8, "ts": 9}}),
            (
                {"type": "x", "msg": {"ts": "2026-10-26T11:59:59.999Z"}},
                {"type": "x", "msg": {"ts": "2026-10-26T12:00:00.006000Z"}},
            ),
            ({"type": "x", "msg": {"ts": "2026-10-26T12:00:00Z"}}, {"type": "x", "msg": {"ts": "2026-10-26T12:00:00.007Z"}}),
        ],
    )
    def test_are_those_of_receipt_or_else_of_sending_or_else_the_messages_own(self, write, first, second):
        exchange, connection = reading(write(first, b"\n", second), speed=1)
        assert len(connection.take()) == 1
        assert exchange.next_due_ns == START_NS + 7 * MS

    def test_in_whole_seconds_count_too(self, write):
        exchange, connection = reading(write(*at_ms_in_msg(("ts", 100), ("ts", 101))), speed=1)
        assert len(connection.take()) == 1
        assert exchange.next_due_ns == START_NS + 1_000 * MS

    @pytest.mark.parametrize(
        "odd",
        [
            {"sending_ts_ms": "17"}, {"sending_ts_ms": True}, {"sending_ts_ms": -1}, {"sending_ts_ms": 10**30}, {"msg": []},
            {"msg": {"ts": "soon"}}, {"msg": {"ts": "2026-06-31T12:00:00Z"}}, {"msg": {"ts": None}},
        ],
    )  # fmt: skip
    def test_that_are_none_let_a_frame_come_with_the_one_before(self, write, odd):
        exchange, connection = reading(write(*at_ms(1), {"type": "x", **odd}, b"\n", *at_ms(4)), speed=1)
        assert len(connection.take()) == 2
        assert exchange.next_due_ns == START_NS + 3 * MS

    def test_of_a_frame_with_a_number_that_nobody_can_hold_are_none(self, write):
        exchange, connection = reading(write(*at_ms(1), b'{"type":"x","n":1e999999}\n', *at_ms(4)), speed=1)
        assert len(connection.take()) == 2
        assert exchange.next_due_ns == START_NS + 3 * MS

    def test_do_not_go_back(self, write):
        exchange, connection = reading(write(*at_ms(100, 200, 150, 201)), speed=1)
        exchange.advance(START_NS + 100 * MS)
        assert len(all_of(connection)) == 3
        assert exchange.next_due_ns == START_NS + 101 * MS

    def test_of_a_better_clock_go_on_from_where_the_worse_one_was(self, write):
        path = write(
            *at_ms_in_msg(("ts_ms", 1_000), ("ts_ms", 1_010)), *at_ms(777_000, 777_005), *at_ms_in_msg(("ts_ms", 9))
        )
        exchange, connection = reading(path, speed=1)
        exchange.advance(START_NS + 10 * MS)
        assert len(all_of(connection)) == 3
        exchange.advance(exchange.next_due_ns)
        assert (exchange.now_ns, len(all_of(connection))) == (START_NS + 15 * MS, 2)

    def test_do_not_matter_where_it_goes_as_fast_as_can_be(self, write):
        exchange, connection = reading(write(*at_ms(1, 10**9)))
        assert len(all_of(connection)) == 2
        assert exchange.now_ns == START_NS


def at_ms_in_msg(*times):
    return [json.dumps({"type": "x", "msg": {key: value}}).encode() + b"\n" for key, value in times]


class TestTheDoor:
    def test_is_open_to_who_signs_or_to_all(self, write):
        exchange = TapeExchange(write(), start_ns=START_NS)
        assert exchange.admit(f"{WS_PATH}?x", {}) == Account("user")
        assert exchange.admit("/", {}) == Refusal(403, "expected the path /trade-api/ws/v2")
        key = PrivateKey.make("ed25519", key_id="k")
        exchange.keyring = Keyring()
        exchange.keyring.add("k", key.public_key, account="me")
        assert exchange.admit(WS_PATH, key.headers(WS_PATH, timestamp_ms=START_NS // MS)) == Account("me")
        assert exchange.admit(WS_PATH, {}).status == 401

    def test_closes_behind_a_client_and_its_file_is_let_go(self, write):
        """A file that was left open would warn, and warnings are errors."""
        exchange, connection = reading(write(*at_ms(1, 2)), speed=1)
        connection.closed()
        assert (exchange.connections, exchange.next_due_ns, connection.take()) == ([], None, [])
        silent = exchange.connect(Account("user"))
        silent.receive(SUBSCRIBE)  # nobody asks to be told
        assert len(silent.take()) == 1
        silent.closed()
        never = exchange.connect(Account("user"))
        never.closed()
        assert exchange.connections == []


def served(path, speed=None):
    """What a client gets of a served file, over a socket: as many frames as its lines, and then nothing."""

    async def main():
        async with serve(TapeExchange(path, speed=speed, start_ns=START_NS), key_type="ed25519") as exchange:
            headers = exchange.headers()
            async with connect(exchange.url, additional_headers=headers, max_size=None, compression=None) as socket:
                await socket.send(SUBSCRIBE)
                (connection,) = exchange.exchange.connections
                received = [await socket.recv(decode=False)]
                while not connection.is_finished or len(received) < connection.frames:
                    received.append(await socket.recv(decode=False))
                assert connection.problems == []
                return received

    return run(main, timeout_s=60)


def lines_of(path):
    data = Path(path).read_bytes()
    return (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).splitlines(keepends=True)


def tapes():
    """The recordings that are here."""
    if not TAPES:
        return [pytest.param(None, marks=pytest.mark.skip(reason="KALSHI_BOOK_TAPES names no recordings"))]
    paths = sorted(path for path in Path(TAPES).iterdir() if ".ndjson" in path.suffixes)
    return [pytest.param(path, id=path.name) for path in paths]


class TestServed:
    def test_the_sample_comes_out_frame_for_frame(self):
        assert served(kb.SAMPLE_TAPE) == lines_of(kb.SAMPLE_TAPE)

    def test_in_its_own_time_it_comes_out_frame_for_frame_too(self):
        assert served(kb.SAMPLE_TAPE, speed=5_000) == lines_of(kb.SAMPLE_TAPE)

    @pytest.mark.long
    @pytest.mark.parametrize("path", tapes())
    def test_a_recording_comes_out_frame_for_frame(self, path):
        assert served(path) == lines_of(path)

    def test_a_feed_that_directs_its_subscription_holds_the_recorded_books(self):
        """The recorded replies carry other ids than the client's: they say all the same what is held."""

        async def main():
            async with serve(TapeExchange(kb.SAMPLE_TAPE, speed=None, start_ns=START_NS)) as exchange:
                with kb.replay(kb.SAMPLE_TAPE) as tape:
                    expected = [update.kind for update in tape]
                feed = kb.Feed()
                feed.opened()
                feed.subscribe("orderbook_delta", market_tickers=list(tape.books), use_yes_price=False)
                async with connect(exchange.url, additional_headers=exchange.headers()) as socket:
                    for command in feed.wanted():
                        await socket.send(feed.send(command).decode())
                    for _ in expected:
                        feed.receive(await socket.recv(decode=False))
                assert {book.market_ticker: book.checksum() for book in tape.books.values()} == {
                    book.market_ticker: book.checksum() for book in feed.books.values()
                }

        run(main)
