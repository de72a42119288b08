"""The real client and server of websockets, unmodified, in virtual time."""

import asyncio
import re

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus

from kalshi_book.sim import virtual
from processes import UNMEASURED, run_python

pytestmark = pytest.mark.usefixtures("quiet")

URL = "ws://exchange.test/trade-api/ws/v2"


@pytest.fixture
def quiet(caplog):
    """websockets logs failed connections, which are what is tested here."""
    caplog.set_level("CRITICAL", "websockets")


async def echo(connection):
    async for message in connection:
        await connection.send(message)


def exchange(handler=echo, **options):
    return serve(handler, "exchange.test", 80, **options)


def run(main, *, seed=0, **conditions):
    return virtual.run(main, seed=seed, network=virtual.Network(**conditions))


def now():
    return asyncio.get_running_loop().time()


def test_messages_take_the_latency_there_and_back():
    async def main():
        async with exchange(), connect(URL) as client:
            opened = now()
            answers = []
            for text in ("a", "b" * 100_000):
                await client.send(text)
                answers.append(await client.recv() == text)
            answered = now()
            pong = await client.ping()
            return opened, answers, answered - opened, await pong

    opened, answers, took, latency = run(main(), latency_s=0.025)
    assert opened == 0.1  # TCP and the handshake, a round trip each
    assert answers == [True, True]
    assert took == pytest.approx(0.1)
    assert latency == pytest.approx(0.05)


def test_a_keepalive_that_is_not_answered_ends_the_connection_at_its_instant():
    """FM-02: ping after 20 s, 20 s for the pong, 10 s for the close frame, all unanswered."""

    async def main():
        async with exchange(ping_interval=None), connect(URL) as client:
            opened = now()
            virtual.network().links[0].black_hole()
            with pytest.raises(ConnectionClosedError, match="keepalive ping timeout"):
                await client.recv()
            seen = now() - opened
            virtual.network().links[0].server.abort()
            return seen

    assert run(main(), latency_s=0.025) == pytest.approx(50)


def test_a_keepalive_survives_a_stall_that_ends_in_time():
    async def main():
        async with exchange(), connect(URL) as client:
            await asyncio.sleep(15)
            link = virtual.network().links[0]
            link.stall("server")
            await client.send("book?")
            await asyncio.sleep(15)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.recv(), 1)
            link.resume("server")
            return await client.recv(), now()

    assert run(main()) == ("book?", pytest.approx(31.004))


def test_a_reset_is_seen_by_both_sides_at_once():
    seen = {}

    async def handler(connection):
        try:
            await connection.recv()
        except ConnectionClosedError as error:
            seen["server"] = now(), type(error.__cause__)

    async def main():
        async with exchange(handler), connect(URL) as client:
            await asyncio.sleep(7)
            virtual.network().links[0].abort()
            with pytest.raises(ConnectionClosedError) as raised:
                await client.recv()
            seen["client"] = now(), type(raised.value.__cause__)
            await asyncio.sleep(1)

    run(main())
    assert seen["client"] == seen["server"] == (pytest.approx(7.004), ConnectionResetError)


def test_a_server_that_aborts_ends_the_client_after_the_latency():
    async def handler(connection):
        await asyncio.sleep(5)
        connection.transport.abort()

    async def main():
        async with exchange(handler), connect(URL) as client:
            with pytest.raises(ConnectionClosedError, match="no close frame received or sent"):
                await client.recv()
            return now()

    assert run(main(), latency_s=0.5) == 2.0 - 0.5 + 5 + 0.5


def test_a_client_that_does_not_read_holds_up_the_server():
    sent = []

    async def handler(connection):
        for number in range(1000):
            await connection.send(bytes(10_000))
            sent.append(number)

    async def main():
        async with exchange(handler, ping_interval=None), connect(URL, ping_interval=None, compression=None) as client:
            await asyncio.sleep(600)
            stuck = len(sent)
            received = 0
            try:
                while True:
                    await client.recv()
                    received += 1
            except ConnectionClosedOK:
                return stuck, received

    stuck, received = run(main(), window_bytes=100_000)
    assert 20 <= stuck <= 45  # the window, the buffers and sixteen messages in the client's queue
    assert received == 1000


@pytest.mark.parametrize("conditions", [{"read_bytes": 1}, {"bytes_per_s": 20_000}, {"jitter_s": 0.3}, {"window_bytes": 50}])
def test_any_network_carries_the_same_messages(conditions):
    async def main():
        async with exchange(), connect(URL, open_timeout=100, ping_interval=None) as client:
            texts = [f"{number} " * number for number in range(50)]
            for text in texts:
                await client.send(text)
            return [await client.recv() for _ in texts] == texts

    assert run(main(), **conditions)


def test_a_large_message_on_a_slow_wire_does_not_trip_the_keepalive():
    """FM-07: 4 MB at 1 Mbit/s take 32 s; the pong waits behind them longer than 20 s would allow."""

    async def handler(connection):
        await connection.send(bytes(2_000_000))
        await connection.wait_closed()

    async def main():
        options = {"compression": None, "max_size": None, "ping_interval": None}
        async with exchange(handler, ping_interval=None, compression=None), connect(URL, **options) as client:
            size = len(await client.recv())
            return size, now()

    size, took = run(main(), bytes_per_s=125_000)
    assert size == 2_000_000
    assert took == pytest.approx(16, abs=0.1)


def test_an_open_handshake_that_is_never_answered_times_out():
    """FM-09: over, after 10 s; the next try works."""

    async def main():
        async with exchange():
            virtual.network().answer = "swallow"
            with pytest.raises(asyncio.TimeoutError, match="timed out during opening handshake"):
                await connect(URL)
            took = now()
            virtual.network().answer = "accept"
            async with connect(URL) as client:
                await client.send("again")
                return took, await client.recv()

    assert run(main()) == (10.0, "again")


def test_a_refusal_by_the_server_reaches_the_client():
    async def main():
        async with exchange(process_request=lambda connection, request: connection.respond(429, "too many\n")):
            with pytest.raises(InvalidStatus) as raised:
                await connect(URL)
            return raised.value.response.status_code, raised.value.response.headers["Date"]

    assert run(main()) == (429, "Mon, 26 Oct 2026 07:33:20 GMT")


def test_the_proxies_of_the_environment_have_no_say(monkeypatch):
    monkeypatch.setenv("ws_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("no_proxy", "")

    async def main():
        async with exchange(), connect(URL) as client:
            await client.send("x")
            return await client.recv()

    assert run(main()) == "x"


def test_a_client_that_reconnects_backs_off_in_virtual_time():
    """An hour, a fault every two minutes."""

    async def main():
        loop = asyncio.get_running_loop()
        opened = []

        async def faults():
            for _ in range(30):
                await asyncio.sleep(120)
                for link in virtual.network().links:
                    link.abort()

        breaking = asyncio.create_task(faults())
        async with exchange():
            async for client in connect(URL):
                opened.append(loop.time())
                if len(opened) == 31:
                    break
                try:
                    await client.recv()
                except ConnectionClosedError:
                    await asyncio.sleep(0.5)
            await client.close()
        await breaking
        return opened, loop.turns

    opened, turns = run(main())
    assert 3600 <= opened[-1] < 3610
    assert turns < 3000  # FM-06: an idle hour costs next to nothing


PROGRAM = """
import asyncio, hashlib, sys
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from kalshi_book.sim import virtual

async def echo(connection):
    async for message in connection:
        await connection.send(message)

async def talk(number, log):
    async for client in connect("ws://h", ping_interval=3):
        try:
            for _ in range(20):
                await client.send(f"hello {number}")
                log.append((await client.recv(), asyncio.get_running_loop().time_ns()))
                await asyncio.sleep(1)
            await client.wait_closed()
            return
        except Exception as error:
            log.append((type(error).__name__, asyncio.get_running_loop().time_ns()))

async def main(log):
    server = await serve(echo, "h", 80)
    tasks = [asyncio.create_task(talk(number, log)) for number in range(6)]
    await asyncio.sleep(10)
    for link in virtual.network().links[::2]:
        link.abort()
    await asyncio.sleep(50)
    server.close()
    await server.wait_closed()
    await asyncio.wait(tasks)
    log.append(asyncio.get_running_loop().turns)

import logging
logging.disable(logging.CRITICAL)
for seed in (1, 1, 2):
    network, log, transcript = virtual.Network(latency_s=0.02, jitter_s=0.01), [], virtual.Transcript()
    network.on_bytes = transcript
    virtual.run(main(log), seed=seed, network=network)
    print(transcript.digest, transcript.passages, hashlib.sha256(repr(log).encode()).hexdigest())
"""


def test_a_run_is_a_function_of_its_seed():
    """Every byte and instant in both directions: twice in a process, in two processes with other hash seeds."""
    first, second = (run_python(PROGRAM, PYTHONHASHSEED=seed, **UNMEASURED) for seed in ("1", "2"))
    assert (first.stderr, first.returncode) == ("", 0)
    assert first.stdout == second.stdout
    once, again, other = first.stdout.splitlines()
    assert once == again
    assert once.split()[0] != other.split()[0]
    assert int(once.split()[1]) > 500


def test_what_vanishes_was_sent_and_never_arrives():
    passages = []

    async def main():
        virtual.network().on_bytes = passages.append
        async with exchange(), connect(URL) as client:
            virtual.network().links[0].black_hole("client")
            await client.send("lost")
            await asyncio.sleep(1)
            lost = passages[-1]
            virtual.network().links[0].abort()
            await client.wait_closed()
            return lost

    lost = virtual.run(main())
    assert (lost.event, lost.sender, lost.link) == ("sent", "client", 1)
    assert (lost.now_ns - virtual.START_NS, len(lost.data) > 4) == (4_000_000, True)
    request = b"".join(passage.data for passage in passages if passage.event == "arrived" and passage.sender == "client")
    assert re.match(rb"GET /trade-api/ws/v2 HTTP/1.1\r\nHost: exchange.test\r\n", request)
