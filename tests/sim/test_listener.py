"""Who comes in and who does not, how the exchange's time passes, and that nothing is left when it stops."""

import asyncio
import gc
import logging
import ssl
from functools import partial
from itertools import pairwise

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import kalshi_book as kb
import scripted_exchange
from kalshi_book.sim import listener
from kalshi_book.sim.listener import BEHIND_NS, SLICE_NS, SLICE_S, Listener
from kalshi_book.sim.serving import WS_PATH, Account, Blackhole, Freeze, Refusal
from scripted_exchange import LOOPS, START_NS, RawClient, ScriptedExchange, tls_on_any_python, until

MS = 1_000_000


@pytest.fixture(params=LOOPS)
def run(request):
    """Run a program on a socket, and in memory."""
    return partial(scripted_exchange.run, on=request.param)


def a_listener(exchange):
    return Listener(exchange, heartbeat_s=1_000.0, ping_when_busy=True)


def address(port):
    return f"ws://127.0.0.1:{port}{WS_PATH}"


class TestAHandshake:
    def test_is_shown_to_the_exchange_with_path_and_headers_and_comes_in_as_it_says(self, run):
        async def main():
            exchange = ScriptedExchange()
            exchange.answer = Account("somebody")
            async with a_listener(exchange).listening("127.0.0.1", 0, None) as port:
                client = await RawClient.connect(port, path=f"{WS_PATH}?x=1", headers=[("X-One", "1"), ("x-one", "2")])
                assert (await client.head()).startswith("HTTP/1.1 101 ")
                await until(lambda: exchange.connections)
                client.close()
            path, headers = exchange.requests[0]
            assert path == f"{WS_PATH}?x=1"
            assert headers["x-one"] == "1, 2"
            assert headers["host"] == f"127.0.0.1:{port}"
            assert exchange.connections[0].account == Account("somebody")

        run(main)

    @pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503, 504, 520, 599])
    def test_may_be_refused_with_any_status_a_text_and_headers(self, run, status):
        """401, 403, 429 and 5xx (AsyncAPI text, read 2026-10-26); 520 and the like come from what stands before a server."""

        async def main():
            exchange = ScriptedExchange()
            exchange.answer = Refusal(status, "not now", {"Retry-After": "7"})
            async with a_listener(exchange).listening("127.0.0.1", 0, None) as port:
                client = await RawClient.connect(port)
                head, _, body = (await client.reader.read()).partition(b"\r\n\r\n")
                client.close()
                assert head.startswith(b"HTTP/1.1 %d " % status)
                assert b"Retry-After: 7" in head.split(b"\r\n")
                assert body == b"not now\n"
            assert exchange.connections == []

        run(main)

    def test_may_be_left_without_an_answer_while_its_connection_stays_open(self, run):
        async def main():
            exchange = ScriptedExchange()
            exchange.answer = Blackhole()
            async with a_listener(exchange).listening("127.0.0.1", 0, None) as port:
                first, second = await RawClient.connect(port), await RawClient.connect(port)
                await until(lambda: len(exchange.requests) == 2)
                assert await first.silent()
                first.close()
            assert await second.reader.read() == b""
            second.close()

        run(main)

    def test_of_a_client_that_never_asks_holds_up_nothing(self, run):
        async def main():
            exchange = ScriptedExchange()
            async with a_listener(exchange).listening("127.0.0.1", 0, None) as port:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.sleep(0.002)
            assert await reader.read() == b""
            writer.close()

        run(main)

    def test_that_is_none_gets_an_http_answer(self, run):
        async def main():
            async with a_listener(ScriptedExchange()).listening("127.0.0.1", 0, None) as port:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(f"GET {WS_PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert (await reader.read()).startswith(b"HTTP/1.1 426 ")
                writer.close()

        run(main)

    def test_that_the_exchange_fails_at_is_answered_with_500(self, run, caplog):
        async def main():
            exchange = ScriptedExchange()
            exchange.admit = None
            async with a_listener(exchange).listening("127.0.0.1", 0, None) as port:
                with pytest.raises(InvalidStatus) as refused:
                    await connect(address(port))
                assert refused.value.response.status_code == 500

        run(main)
        assert "object is not callable" in caplog.text


class TestTime:
    def test_passes_as_on_the_loop_and_what_is_due_happens(self, run):
        async def main():
            exchange = ScriptedExchange()
            exchange.due = [START_NS + n * MS for n in (0, 1, 2, 2, 5)]
            due, began = list(exchange.due), asyncio.get_running_loop().time()
            async with a_listener(exchange).listening("127.0.0.1", 0, None):
                await until(lambda: not exchange.due)
                assert asyncio.get_running_loop().time() - began >= 0.005
                assert exchange.now_ns >= START_NS + 5 * MS
            assert exchange.happened_at == due
            assert len(exchange.advances) < 20  # nothing turns while nothing is due

        run(main)

    def test_is_looked_up_again_when_something_is_due_sooner(self, run):
        async def main():
            exchange = ScriptedExchange()
            async with a_listener(exchange).listening("127.0.0.1", 0, None):
                await asyncio.sleep(0.002)
                exchange.due = [START_NS + 10**15]
                exchange.on_sooner()
                await asyncio.sleep(0.002)
                exchange.due.insert(0, exchange.now_ns + 1)
                exchange.on_sooner()
                await until(lambda: exchange.happened_at)
            assert exchange.on_sooner is None

        run(main)

    def test_is_now_when_a_client_comes_or_says_something(self, run):
        async def main():
            exchange = ScriptedExchange()
            our = a_listener(exchange)
            async with our.listening("127.0.0.1", 0, None) as port:
                await until(lambda: exchange.advances)
                await asyncio.sleep(0.002)
                assert exchange.now_ns < our.now_ns - MS
                async with connect(address(port)) as socket:
                    await until(lambda: exchange.connections)
                    assert exchange.now_ns > START_NS + 2 * MS
                    await asyncio.sleep(0.002)
                    before_ns = our.now_ns
                    await socket.send("x")
                    await until(lambda: exchange.connections[0].received)
                    assert exchange.now_ns >= before_ns

        run(main)

    def test_passes_in_slices_where_much_is_due_and_it_is_said_once_that_it_lags(self, run, caplog):
        async def main():
            exchange = ScriptedExchange(START_NS)
            our = a_listener(exchange)
            our._began -= 3 * BEHIND_NS / 1e9
            exchange.due = [START_NS + n * MS for n in range(0, 3_000, 2)]
            async with our.listening("127.0.0.1", 0, None):
                await until(lambda: not exchange.due)
            steps = [after - before for before, after in pairwise([START_NS, *exchange.advances])]
            assert max(steps[:-1]) <= SLICE_NS + 2 * MS

        run(main)
        assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
            "the exchange does not keep up with its own clock: fewer markets, or a lower rate, would do"
        ]

    def test_takes_shorter_slices_while_they_take_long_and_longer_ones_again_when_not(self, run):
        """And goes on as it does while they take neither."""

        class Clock:
            now_s, step_s = 0.0, 0.05

            def time(self):
                self.now_s += self.step_s
                return self.now_s

        async def main():
            exchange = ScriptedExchange(START_NS)
            exchange.due = [START_NS + n * 1_000 for n in range(1, 40_000)]
            our = a_listener(exchange)
            our._loop = clock = Clock()
            our._began = 0.0
            for _ in range(3):
                our.touch()
            clock.step_s = SLICE_S / 2
            our.touch()
            clock.step_s = 1e-6
            for _ in range(4):
                our.touch()
            steps = [after - before for before, after in pairwise([START_NS, *exchange.advances])]
            assert steps == [SLICE_NS // part + 1_000 for part in (1, 2, 4, 8, 8, 4, 2, 1)]

        run(main)

    def test_of_an_exchange_that_fails_disconnects_everybody_and_is_raised(self, run, caplog):
        async def main():
            exchange = ScriptedExchange()
            async with a_listener(exchange).listening("127.0.0.1", 0, None) as port:
                socket = await connect(address(port))
                await until(lambda: exchange.connections)
                exchange.failure = RuntimeError("the matching went wrong")
                exchange.on_sooner()
                with pytest.raises(ConnectionClosed):
                    await socket.recv()

        with pytest.raises(RuntimeError, match="the matching went wrong"):
            run(main)
        assert "the exchange failed, and everybody is disconnected" in caplog.text


class TestTheEnd:
    def test_says_good_bye_with_1001_and_leaves_nothing(self, run):
        async def main():
            exchange = ScriptedExchange()
            async with a_listener(exchange).listening("127.0.0.1", 0, None) as port:
                sockets = [await connect(address(port)) for _ in range(3)]
                await until(lambda: len(exchange.connections) == 3)
            for socket in sockets:
                with pytest.raises(ConnectionClosed) as closed:
                    await socket.recv()
                assert closed.value.rcvd.code == 1001
            assert [each.closings for each in exchange.connections] == [1, 1, 1]
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)

        run(main)
        gc.collect()  # a socket that was left would warn, and warnings are errors

    def test_comes_within_its_time_whatever_the_clients_do(self, run, monkeypatch):
        monkeypatch.setattr(listener, "CLOSE_S", 0.02)

        async def main():
            exchange = ScriptedExchange()
            async with a_listener(exchange).listening("127.0.0.1", 0, None) as port:
                clients = [await RawClient.connect(port) for _ in range(3)]
                for client in clients:
                    await client.head()
                await until(lambda: len(exchange.connections) == 3)
                frozen, stuffed, _ = exchange.connections
                frozen.put(Freeze())
                stuffed.put(*([b"x" * 60_000] * 500))
                await asyncio.sleep(0.01)
                began = asyncio.get_running_loop().time()
            assert asyncio.get_running_loop().time() - began < 1
            assert [each.closings for each in exchange.connections] == [1, 1, 1]
            for client in clients:
                client.close()

        run(main)

    def test_may_come_by_cancelling(self, run):
        async def served(exchange, ports):
            async with a_listener(exchange).listening("127.0.0.1", 0, None) as port:
                ports.append(port)
                await asyncio.Event().wait()

        async def main():
            exchange, ports = ScriptedExchange(), []
            serving = asyncio.ensure_future(served(exchange, ports))
            await until(lambda: ports)
            socket = await connect(address(ports[0]))
            await until(lambda: exchange.connections)
            serving.cancel()
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd.code == 1001
            with pytest.raises(asyncio.CancelledError):
                await serving
            assert exchange.connections[0].closings == 1

        run(main)

    def test_after_a_failure_of_its_body_is_the_same(self, run):
        async def main():
            exchange = ScriptedExchange()
            async with a_listener(exchange).listening("127.0.0.1", 0, None):
                raise KeyError("of the test")

        with pytest.raises(KeyError):
            run(main)


def test_nothing_is_kept_of_clients_that_are_gone(run):
    async def main():
        exchange = ScriptedExchange()
        our = a_listener(exchange)
        async with our.listening("127.0.0.1", 0, None) as port:
            for n in range(5):
                async with connect(address(port)):
                    await until(lambda n=n: len(exchange.connections) > n)
                await until(lambda n=n: exchange.connections[n].closings)
            exchange.answer = Refusal(401, "no")
            with pytest.raises(InvalidStatus):
                await connect(address(port))
            await until(lambda: gc.collect() >= 0 and not our._sockets)
            assert (len(our._carriers), len(our._accounts)) == (0, 0)

    run(main)


def test_a_port_that_is_taken_is_said(run):
    async def main():
        async with a_listener(ScriptedExchange()).listening("127.0.0.1", 0, None) as port:
            with pytest.raises(kb.UsageError, match=rf"^cannot listen on 127.0.0.1 port {port}: .*[Aa]ddress"):
                async with a_listener(ScriptedExchange()).listening("127.0.0.1", port, None):
                    raise AssertionError("two on one port")

    run(main)


def test_an_exchange_is_served_once_at_a_time(run):
    async def main():
        exchange = ScriptedExchange()
        for _ in range(2):
            async with a_listener(exchange).listening("127.0.0.1", 0, None):
                with pytest.raises(kb.UsageError, match=r"^this exchange is served already: its on_sooner is taken$"):
                    async with a_listener(exchange).listening("127.0.0.1", 0, None):
                        raise AssertionError("served twice")
                assert exchange.on_sooner is not None

    run(main)


@tls_on_any_python
def test_a_client_that_gives_up_before_tls_is_through_leaves_nothing(tmp_path):
    from datetime import datetime, timezone

    from kalshi_book.sim.certificate import make_certificate

    async def main():
        _, context = make_certificate(tmp_path, datetime.now(timezone.utc))
        async with a_listener(ScriptedExchange()).listening("127.0.0.1", 0, context) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.002)
            writer.close()
            with pytest.raises(ssl.SSLError):
                await connect(f"wss://127.0.0.1:{port}{WS_PATH}")

    scripted_exchange.run(main)
