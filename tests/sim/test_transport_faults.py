"""What goes wrong with connections, on a real ``websockets`` client and server, on an event loop whose time is a number.

The client is the loop that the documentation of ``Feed`` shows, with nothing but what ``websockets`` does by itself: pings,
a deadline for the handshake, errors where a connection ends. It is to come back from everything, and no LIVE book may be
another one than the exchange had when the newest frame was written.
"""

import asyncio
import os

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import kalshi_book as kb
from joined import BOOK, SECOND, levels
from kalshi_book.sim import Exchange, serve, virtual

PING_S, RETRY_S = 5, 1
SPAN_S = int(os.environ.get("KALSHI_BOOK_FAULT_SECONDS", "240"))
"""For how long everything goes wrong at once."""


class Bot:
    """A client that keeps the books of all markets, over connections that end."""

    def __init__(self, server):
        self.server, self.exchange = server, server.exchange
        self.feed = kb.Feed(pace=kb.Pace(answer_ns=2 * SECOND, retry_ns=5 * SECOND))
        self.feed.subscribe(BOOK, market_tickers=server.markets)
        self.truths, self.shown = {}, {}
        self.opened, self.ends = [], []
        open_connection = self.exchange.connect
        self.exchange.connect = lambda account: self.noted(open_connection(account))

    def noted(self, connection):
        """Note the truth beside each frame that speaks of a book, when it is written."""
        write = connection.session._write

        def write_and_note(frame):
            if frame.type.startswith("orderbook"):
                self.truths[frame.payload.decode()] = self.exchange.book(frame.market_ticker)
            write(frame)

        connection.session._write = write_and_note
        return connection

    async def run(self):
        """Keep the books until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                async with connect(
                    self.server.url, open_timeout=10, ping_interval=PING_S, ping_timeout=PING_S, close_timeout=1
                ) as socket:
                    self.opened.append(loop.time())
                    self.feed.opened()
                    self.shown.clear()
                    await self.session(socket)
            except InvalidStatus as refused:
                self.ends.append(refused.response.status_code)
            except ConnectionClosed as closed:
                self.ends.append(closed.rcvd.code if closed.rcvd else closed.sent.code if closed.sent else 1006)
            except TimeoutError:
                self.ends.append(f"no answer in {loop.time() - began:.0f} s")
            except OSError as error:
                self.ends.append(type(error).__name__)
            self.feed.closed()
            await asyncio.sleep(RETRY_S)

    async def session(self, socket):
        """Keep the books on one connection."""
        loop = asyncio.get_running_loop()
        while self.feed.reconnect_reason is None:
            self.feed.advance(round(loop.time() * SECOND))
            for command in self.feed.wanted():
                await socket.send(self.feed.send(command).decode())
            due_ns = self.feed.next_deadline_ns
            wait_s = None if due_ns is None else max(0, due_ns / SECOND - loop.time())
            try:
                frame = await asyncio.wait_for(socket.recv(), wait_s)
            except asyncio.TimeoutError:
                continue
            self.read(frame)

    def read(self, frame):
        self.feed.receive(frame)
        if frame in self.truths:
            truth = self.truths[frame]
            self.shown[truth.market_ticker] = truth
        for ticker, book in self.feed.books.items():
            if book.is_live:
                assert levels(book) == (self.shown[ticker].yes, self.shown[ticker].no)

    def wrong(self):
        """The markets whose book is not the exchange's."""
        books = self.feed.books
        return [
            ticker
            for ticker in self.server.markets
            if not books[ticker].is_live or books[ticker].checksum() != self.server.book(ticker).checksum()
        ]


def play(scenario, *, seed=7, network=None, **options):
    """Let a bot and an exchange live for as long as a scenario takes, and a little longer: all is well then."""

    async def main():
        exchange = Exchange(**{"markets": 3, "seed": seed, "rate": 30, "levels": 5} | options, start_ns=virtual.now_ns())
        async with serve(exchange, signed=False) as server:
            bot = Bot(server)
            running = asyncio.create_task(bot.run())
            await asyncio.sleep(3)
            assert bot.wrong() == []
            await scenario(bot)
            await asyncio.sleep(0)
            if running.done():
                running.result()
            assert bot.wrong() == []
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return bot

    return virtual.run(main(), seed=seed, network=network)


def during(make, seconds=60):
    """A scenario: put a fault in, and let time pass."""

    async def scenario(bot):
        bot.planted = make(bot.server.faults)
        await asyncio.sleep(seconds)

    return scenario


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 4000])
def test_a_connection_is_closed_and_opened_again(code):
    bot = play(during(lambda faults: faults.close(code=code)))
    assert (bot.ends, len(bot.opened), bot.planted.happened) == ([code], 2, 1)
    assert bot.opened[1] - bot.opened[0] == pytest.approx(3 + RETRY_S, abs=0.1)


def test_a_connection_ends_without_a_close_frame():
    assert play(during(lambda faults: faults.close(code=1006))).ends == [1006]


def test_a_connection_is_reset():
    assert play(during(lambda faults: faults.abort())).ends == [1006]


def test_a_half_open_connection_is_found_by_the_client_s_own_pings():
    bot = play(during(lambda faults: faults.half_open(after_s=3)))
    assert (bot.ends, len(bot.opened)) == ([1011], 2)
    assert 6 + PING_S - 1 <= bot.opened[1] - bot.opened[0] <= 6 + 2 * PING_S + RETRY_S + 2


def test_a_connection_that_is_half_open_for_a_moment_is_kept_and_loses_nothing():
    bot = play(during(lambda faults: faults.half_open(for_s=2)))
    assert (bot.ends, bot.feed.skipped) == ([], 0)


def test_a_silence_does_not_stop_the_pings():
    """FM-01, FM-03: only the data is silent; whoever looks at pings alone never knows."""

    async def scenario(bot):
        planted = bot.server.faults.silence()
        await asyncio.sleep(300)
        assert (bot.ends, bot.server.connections[0].is_open) == ([], True)
        planted.cancel()
        await asyncio.sleep(10)
        assert bot.feed.skipped > 0

    play(scenario)


def test_a_handshake_that_is_never_answered_is_given_up_and_tried_again():
    """FM-09."""

    async def scenario(bot):
        bot.server.faults.no_handshake(for_s=25)
        bot.server.faults.close()
        await asyncio.sleep(60)

    assert play(scenario).ends == [1001, "no answer in 10 s", "no answer in 10 s", "no answer in 10 s"][:4]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_connections_are_refused_with_a_status(status):
    async def scenario(bot):
        bot.server.faults.refuse_connections(status=status, for_s=10)
        bot.server.faults.close()
        await asyncio.sleep(30)

    bot = play(scenario)
    assert bot.ends[0] == 1001
    assert set(bot.ends[1:]) == {status}
    assert 8 <= len(bot.ends[1:]) <= 10


def test_maintenance_is_waited_out():
    """FM-20: Thursdays 03:00 to 05:00 Eastern."""
    bot = play(during(lambda faults: faults.maintenance(for_s=120, clocks_fall=True), seconds=180))
    assert (bot.ends[0], set(bot.ends[1:]), len(bot.opened)) == (1012, {503}, 2)


def test_a_slow_link_loses_nothing_and_keeps_its_connection():
    """FM-07: pings pass, whatever waits on the link."""

    async def scenario(bot):
        planted = bot.server.faults.slow_link(bytes_per_s=1_000)
        await asyncio.sleep(120)
        assert bot.wrong() != []  # minutes behind, and right as of then
        planted.cancel()
        await asyncio.sleep(1)

    bot = play(scenario)
    assert (bot.ends, bot.feed.skipped) == ([], 0)


def test_a_link_that_is_too_slow_for_its_buffer_costs_the_subscription_and_it_comes_back():
    async def scenario(bot):
        planted = bot.server.faults.slow_link(bytes_per_s=2_000)
        await asyncio.sleep(60)
        planted.cancel()
        await asyncio.sleep(10)

    bot = play(scenario, buffer_bytes=30_000)
    assert bot.ends == []
    assert any(struck.kind == "overflow" for struck in bot.server.faults.log)


def test_a_client_that_does_not_read_overflows_its_buffer():
    """Error 25 comes by itself: what the socket's buffers do not take is the exchange's to hold."""

    async def main():
        exchange = Exchange(markets=1, seed=7, rate=200, start_ns=virtual.now_ns(), buffer_bytes=100_000)
        options = {"max_queue": 1, "ping_interval": None, "compression": None}
        async with serve(exchange, signed=False) as server, connect(server.url, **options) as socket:
            await socket.send(
                '{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"],"market_tickers":["KXSIM-26-A"]}}'
            )
            await asyncio.sleep(30)
            return [struck.kind for struck in server.faults.log]

    assert virtual.run(main(), seed=7, network=virtual.Network(window_bytes=65_536)) == ["overflow"]


def test_everything_at_once_and_the_same_each_time():
    """Whatever goes wrong with connections, at random for minutes; then all is well. Twice, to the bit."""

    async def scenario(bot):
        for text in (
            "close:every=20s",
            "abort:every=30s",
            "half_open:every=40s,for=20s",
            "slow_link:every=30s,for=10s,bytes_per_s=1000",
            "refuse_connections:every=30s,for=5s",
            "no_handshake:every=60s,for=5s",
            "silence:every=50s,for=5s",
            "drop:every=10s",
            "maintenance:at=120s,for=30s,clocks_fall=yes",
        ):
            bot.server.faults.add(text)
        await asyncio.sleep(SPAN_S)
        bot.server.faults.clear()
        await asyncio.sleep(60)

    first = play(scenario, rate=10)
    assert len(first.ends) > 20
    assert len(set(first.ends)) >= 4
    again = play(scenario, rate=10)
    assert (again.ends, again.opened, again.server.faults.log) == (first.ends, first.opened, first.server.faults.log)
