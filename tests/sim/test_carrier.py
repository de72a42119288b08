"""One socket and one connection: what either side says arrives, and what the exchange wants done is done."""

import asyncio
import contextlib
import logging
from functools import partial

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

import scripted_exchange
from kalshi_book.sim import listener
from kalshi_book.sim.carrier import BATCH_BYTES, batches, header
from kalshi_book.sim.listener import Listener
from kalshi_book.sim.serving import WS_PATH, Abort, Close, Freeze, Thaw
from scripted_exchange import CLOSE, LOOPS, PING, PONG, TEXT, RawClient, ScriptedExchange, until

QUIET = 1_000.0  # seconds between pings, where a test wants none


@pytest.fixture(params=LOOPS)
def run(request):
    """Run a program on a socket, and in memory."""
    return partial(scripted_exchange.run, on=request.param)


@contextlib.asynccontextmanager
async def listening(exchange, *, heartbeat_s=QUIET, ping_when_busy=True):
    async with Listener(exchange, heartbeat_s=heartbeat_s, ping_when_busy=ping_when_busy).listening(
        "127.0.0.1", 0, None
    ) as port:
        yield port


@contextlib.asynccontextmanager
async def a_client(**options):
    """A client of the websockets library, and the connection that the exchange opened for it."""
    exchange = ScriptedExchange()
    async with listening(exchange) as port, connect(f"ws://127.0.0.1:{port}{WS_PATH}", **options) as socket:
        await until(lambda: exchange.connections)
        yield socket, exchange.connections[0]


@contextlib.asynccontextmanager
async def a_raw_client(**options):
    """A client that does nothing by itself, and its connection."""
    exchange = ScriptedExchange()
    async with listening(exchange, **options) as port:
        client = await RawClient.connect(port)
        assert (await client.head()).startswith("HTTP/1.1 101 ")
        await until(lambda: exchange.connections)
        try:
            yield client, exchange.connections[0]
        finally:
            client.close()


@pytest.mark.parametrize("compression", ["deflate", None])
def test_frames_are_text_and_arrive_in_order_byte_for_byte(run, compression):
    """permessage-deflate is used where a client offers it (changelog, 2026-09-24)."""
    payloads = [b'{"n":%d,"pad":"%s"}\n' % (n, b"x" * (n * 37 % 900)) for n in range(2_000)]

    async def main():
        async with a_client(compression=compression) as (socket, connection):
            assert [type(each).__name__ for each in socket.protocol.extensions] == (
                ["PerMessageDeflate"] if compression else []
            )
            connection.put(*payloads)
            received = [await socket.recv() for _ in payloads]
            assert received == [payload.decode() for payload in payloads]

    run(main)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 300_000])
def test_a_frame_may_have_any_size(run, size):
    async def main():
        async with a_client(compression=None, max_size=None) as (socket, connection):
            connection.put(b"a" * size, b"end\n")
            assert [await socket.recv(), await socket.recv()] == ["a" * size, "end\n"]

    run(main)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_the_head_of_a_frame_is_the_librarys_own(size):
    assert header(size) + bytes(size) == Frame(Opcode.TEXT, bytes(size)).serialize(mask=False)


def test_payloads_are_put_together_up_to_a_size_and_never_across_another_deed():
    half = b"h" * (BATCH_BYTES // 2)
    deeds = [b"a", half, half, b"b", Freeze(), Thaw(), b"c", Close(1000)]
    assert list(batches(deeds)) == [[b"a", half, half], [b"b"], Freeze(), Thaw(), [b"c"], Close(1000)]
    assert list(batches([])) == []


def test_what_the_client_says_reaches_the_connection_as_it_was_said(run):
    async def main():
        async with a_client() as (socket, connection):
            await socket.send('{"id":1}')
            await socket.send(b"\x00\xff")
            await socket.send(["in ", "pieces"])
            await socket.send("x" * (2 << 20))  # more than the library takes unless it is told to
            await until(lambda: len(connection.received) == 4)
            assert connection.received[:3] == ['{"id":1}', b"\x00\xff", "in pieces"]
            assert len(connection.received[3]) == 2 << 20

    run(main)


def test_the_connection_learns_once_that_the_client_is_gone(run):
    async def main():
        async with a_client() as (socket, connection):
            await socket.close()
            await until(lambda: connection.closings)
            assert (connection.closings, connection.on_ready) == (1, None)
        assert connection.closings == 1
        async with a_raw_client() as (client, connection):
            client.close()
            await until(lambda: connection.closings)

    run(main)


def test_a_client_that_reads_fast_makes_nobody_else_wait(run):
    async def main():
        exchange = ScriptedExchange()
        async with listening(exchange) as port:
            url = f"ws://127.0.0.1:{port}{WS_PATH}"
            async with connect(url, compression=None) as busy, connect(url, compression=None) as other:
                await until(lambda: len(exchange.connections) == 2)
                first, second = exchange.connections
                first.piece, second.echo = 1, True
                first.take = lambda: [b"x" * 100]  # without an end
                first.on_ready()
                await other.send("hello")
                assert await other.recv() == "hello"
                assert await busy.recv() == "x" * 100
                busy.transport.abort()
                await until(lambda: first.closings)

    run(main)


class TestPings:
    """The server pings every 10 s with the body `heartbeat`, and answers pings (AsyncAPI text, read 2026-10-26)."""

    def test_come_in_their_time(self, run):
        async def main():
            async with a_raw_client(heartbeat_s=0.002) as (client, _):
                assert [await client.frame() for _ in range(3)] == [(PING, b"heartbeat")] * 3

        run(main)

    @pytest.mark.parametrize(("ping_when_busy", "expected"), [(True, [10, 20, 30, 40]), (False, [34.5, 44.5])])
    def test_come_on_busy_connections_too_unless_told_otherwise(self, ping_when_busy, expected):
        """One reader saw them on idle connections only (observed, 2026)."""

        async def main():
            loop = asyncio.get_running_loop()
            options = {"heartbeat_s": 10.0, "ping_when_busy": ping_when_busy}
            async with a_raw_client(**options) as (client, connection):
                began = loop.time()
                for n in range(25):
                    loop.call_later(n + 0.5, connection.put, b"data")
                seen = []
                while loop.time() - began < 45:
                    opcode, _ = await client.frame()
                    if opcode == PING:
                        seen.append(round(loop.time() - began, 1))
                    if len(seen) == len(expected):
                        return seen

        assert scripted_exchange.run(main, on="virtual") == expected

    def test_of_the_client_are_answered(self, run):
        async def main():
            async with a_raw_client() as (client, _):
                client.send(PING, b"are you there")
                assert await client.frame() == (PONG, b"are you there")

        run(main)

    def test_that_are_not_answered_end_nothing(self, run):
        """Nothing published says that the exchange hangs up on a client that sends no pong."""

        async def main():
            async with a_raw_client(heartbeat_s=0.001) as (client, connection):
                for _ in range(20):
                    assert (await client.frame())[0] == PING
                client.send(TEXT, b"still here")
                await until(lambda: connection.received == ["still here"])

        run(main)


class TestAClose:
    def test_comes_after_what_was_written_before_with_code_and_reason(self, run):
        async def main():
            async with a_client() as (socket, connection):
                connection.put(b"last words", Close(1012, "maintenance"), b"too late")
                assert await socket.recv() == "last words"
                with pytest.raises(ConnectionClosed) as closed:
                    await socket.recv()
                assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1012, "maintenance")
                await until(lambda: connection.closings)

        run(main)

    def test_without_a_code_is_an_empty_close_frame(self, run):
        async def main():
            async with a_raw_client() as (client, connection):
                connection.put(Close(1005))
                assert await client.frame() == (CLOSE, b"")
                client.send(CLOSE)
                assert await client.reader.read() == b""
                client.close()
                await until(lambda: connection.closings)

        run(main)

    def test_with_1006_closes_the_transport_alone(self, run):
        async def main():
            async with a_raw_client() as (client, connection):
                connection.put(b"last words", Close(1006))
                assert await client.frame() == (TEXT, b"last words")
                assert await client.reader.read() == b""
                await until(lambda: connection.closings)

        run(main)

    def test_that_the_client_does_not_answer_ends_all_the_same(self, run, monkeypatch):
        monkeypatch.setattr(listener, "CLOSE_S", 0.01)

        async def main():
            async with a_raw_client() as (client, connection):
                connection.put(Close(1001))
                await until(lambda: connection.closings)
                assert await client.frame() == (CLOSE, b"\x03\xe9")

        run(main)


@contextlib.asynccontextmanager
async def a_client_that_does_not_read():
    """All buffers on the way are full, and more waits in its connection."""
    async with a_raw_client() as (client, connection):
        connection.piece = 1
        connection.put(*([b"x" * 60_000] * 1_000))
        left = -1
        while left != len(connection.queue):
            left = len(connection.queue)
            await asyncio.sleep(0.005)
        yield client, connection


class TestAClientThatDoesNotRead:
    def test_leaves_the_rest_with_its_connection_and_gets_it_when_it_reads(self, run):
        """So it is the connection that knows how much a slow reader has outstanding (error 25)."""

        async def main():
            async with a_client_that_does_not_read() as (client, connection):
                assert len(connection.queue) > 500
                for _ in range(1_000):
                    assert await client.frame() == (TEXT, b"x" * 60_000)
                assert connection.queue == []

        run(main)

    def test_is_aborted_all_the_same(self, run):
        async def main():
            async with a_client_that_does_not_read() as (_, connection):
                connection.queue[:] = []
                connection.put(Abort())
                await until(lambda: connection.closings)

        run(main)

    def test_is_frozen_all_the_same_and_goes_on_where_it_was(self, run):
        async def main():
            async with a_client_that_does_not_read() as (client, connection):
                left = len(connection.queue)
                connection.queue.insert(0, Freeze())
                connection.put()
                await until(lambda: len(connection.queue) == left)
                for _ in range(20):  # what was in the buffers
                    assert await client.frame() == (TEXT, b"x" * 60_000)
                client.send(TEXT, b"anybody?")
                await asyncio.sleep(0.005)
                assert (connection.received, len(connection.queue)) == ([], left)
                connection.queue[:] = [Thaw(), b"after", b"the thaw"]
                connection.piece = None
                connection.put()
                seen = []
                while seen[-1:] != [(TEXT, b"the thaw")]:
                    seen.append(await client.frame())
                assert seen[-2] == (TEXT, b"after")
                assert connection.received == ["anybody?"]

        run(main)

    def test_does_not_hold_up_a_server_that_stops(self, run, monkeypatch):
        monkeypatch.setattr(listener, "CLOSE_S", 0.02)

        async def main():
            async with a_client_that_does_not_read() as (_, connection):
                pass
            assert connection.closings == 1

        run(main)

    def test_may_hang_up(self, run):
        async def main():
            async with a_client_that_does_not_read() as (client, connection):
                client.close()
                await until(lambda: connection.closings)

        run(main)


def test_an_abort_ends_the_connection_without_a_close_frame(run):
    async def main():
        async with a_client() as (socket, connection):
            connection.put(Abort())
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is None
            await until(lambda: connection.closings)

    run(main)


class TestFrozen:
    """Half-open: not a byte in either direction, and nobody is told."""

    def test_nothing_passes_until_it_thaws(self, run):
        async def main():
            async with a_raw_client(heartbeat_s=0.002) as (client, connection):
                connection.put(b"before", Freeze())
                seen = (PING, b"")
                while seen[0] == PING:
                    seen = await client.frame()
                assert seen == (TEXT, b"before")
                await asyncio.sleep(0.005)
                client.send(TEXT, b"anybody?")
                client.send(PING, b"there?")
                assert await client.silent()
                assert connection.received == []

                connection.put(Thaw(), b"after")
                seen = [await client.frame() for _ in range(3)]
                seen = {opcode: payload for opcode, payload in seen if opcode != PING} | dict([await client.frame()])
                assert seen[TEXT] == b"after"
                await until(lambda: connection.received == ["anybody?"])

        run(main)

    def test_a_message_that_was_there_already_waits_too(self, run):
        async def main():
            async with a_raw_client() as (client, connection):
                take, connection.take = connection.take, list
                client.send(TEXT, b"just before")
                connection.put(Freeze())
                connection.take = take
                connection.put()
                await asyncio.sleep(0.01)
                connection.put(Thaw())
                await until(lambda: connection.received == ["just before"])

        run(main)

    def test_a_server_that_stops_does_not_wait_for_it(self, run):
        async def main():
            began = asyncio.get_running_loop().time()
            async with a_raw_client() as (_, connection):
                connection.put(Freeze())
                await until(lambda: not connection.queue)
            assert connection.closings == 1
            assert asyncio.get_running_loop().time() - began < listener.CLOSE_S

        run(main)

    def test_may_be_aborted_without_a_thaw(self, run):
        async def main():
            async with a_raw_client() as (client, connection):
                connection.put(Freeze())
                await until(lambda: not connection.queue)
                connection.put(Abort())
                assert await client.reader.read() == b""
                await until(lambda: connection.closings)

        run(main)


def test_a_connection_that_fails_ends_its_client_alone_and_says_why(run, caplog):
    async def main():
        exchange = ScriptedExchange()
        async with listening(exchange) as port:
            url = f"ws://127.0.0.1:{port}{WS_PATH}"
            async with connect(url) as first, connect(url) as second:
                await until(lambda: len(exchange.connections) == 2)
                failing, fine = exchange.connections
                failing.failure, fine.echo = RuntimeError("out of order"), True
                await first.send("x")
                with pytest.raises(ConnectionClosed) as closed:
                    await first.recv()
                assert closed.value.rcvd.code == 1011
                assert failing.closings == 1
                await second.send("y")
                assert await second.recv() == "y"

    with caplog.at_level(logging.ERROR):
        run(main)
    assert [record.exc_info[1].args for record in caplog.records] == [("out of order",)]
