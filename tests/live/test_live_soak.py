"""What happened to others after days, and under loads too heavy for every run: scaled down, and in full by ``make soak``.

Numbers as in the list of failure modes. Memory is what the system says of this process (Linux), after a first part that
fills what stays.
"""

import asyncio
import gc
import itertools
import os
import struct
import sys
import time
from pathlib import Path

import pytest
from websockets.asyncio.server import serve

import kalshi_book as kb
from clients import BOOK, A, Watch, play, settled
from frames import delta, snapshot, subscribed
from kalshi_book.live.wire import MAX_MESSAGE_BYTES

IS_FULL = bool(os.environ.get("KALSHI_BOOK_SOAK"))
DAYS, MARKETS_A_DAY = (7, 50_000) if IS_FULL else (2, 2_400)
FRAMES = 10_000_000 if IS_FULL else 100_000
MIB = 1 << 20

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory of a process is read as Linux tells it"),
    pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="a sanitizer holds what was freed"),
]


def memory(what="VmRSS"):
    """Give what this process holds, or, of ``VmHWM``, the most that it ever held: in bytes."""
    gc.collect()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(what)


@pytest.fixture
def say(capsys):
    """Tell figures of a run in full."""

    def tell(text):
        if IS_FULL:
            with capsys.disabled():
                print(f"\n{text}", flush=True)

    return tell


def sizes(live):
    """How much each part of a client holds that could grow."""
    hub, (lane,) = live._hub, live._lanes
    session, feed = lane.session, lane.feed
    registry, surroundings = feed._subscriptions, feed._surroundings
    parts = {
        "lane_of": live._lane_of, "asks": session._asks, "pulses": session._pulses, "probes": session._probes,
        "to audit": session._to_audit, "audited": session._audited, "changes": hub._changes, "waiting": hub._books,
        "tasks": hub.tasks, "bells": hub.bells, "windows": hub.reports._windows, "pending": registry.pending,
        "sids": registry.by_sid, "desired": registry.interest(BOOK).desired, "unsure": registry.interest(BOOK).unsure,
        "books": feed._books, "markets": surroundings.markets, "orders": surroundings.orders._entries,
        "covers": surroundings.orders._covers, "events": feed._events, "refusals": lane.refusals, "heard": hub.heard._told,
    }  # fmt: skip
    return {name: len(part) for name, part in parts.items()}


def test_fm_43_a_week_of_new_markets_leaves_nothing_behind(say):
    """104,000 to 705,000 tickers in the exchange's lists, thousands of new ones a day: others ran out of memory."""
    days = []

    async def an_hour(live, exchange, day, hour):
        life = exchange.life
        tickers = [f"KXCHURN-{day}-{hour}-{number}" for number in range(MARKETS_A_DAY // 24)]
        for ticker in tickers:
            life.begin(ticker, tick="cent")
        await live.add_markets(tickers[: len(tickers) // 2], timeout_s=0)
        await live.remove_markets(tickers[::10])  # some of which are asked for still, and some not yet
        await live.add_markets(tickers)
        await asyncio.gather(*(live.book(ticker, timeout_s=600) for ticker in tickers[-10:]))
        await live.all_live(timeout_s=600)
        await asyncio.sleep(60)
        if hour == 12:  # once a day they are let go while nothing is connected
            exchange.faults.abort()
            await asyncio.sleep(0.01)
            assert live.metrics.open == 0
        await live.remove_markets(tickers)
        for ticker in tickers:  # the exchange forgets them, too
            del life._floor.listings[ticker]
        del life._crowd.markets[-len(tickers) :]
        await asyncio.sleep(600)

    async def scenario(live, exchange):
        await live.all_live()
        for day in range(DAYS):
            began = time.monotonic()
            for hour in range(24):
                await an_hour(live, exchange, day, hour)
            days.append((memory(), len(gc.get_objects()), sizes(live)))
            held, objects, _ = days[-1]
            say(f"FM-43, day {day + 1}: {held / MIB:.1f} MiB, {objects:,} objects, {time.monotonic() - began:.0f} s")
        assert (live.metrics.gaps, live.metrics.disconnects) == (0, DAYS)
        await settled(live, exchange)

    play(scenario, rate=1, levels=3, max_turns=10_000_000)
    (first, first_objects, before), (last, last_objects, after) = days[0], days[-1]
    assert {name: count for name, count in after.items() if count > before[name]} == {}
    assert last_objects <= 1.02 * first_objects
    assert last <= 1.02 * first + 2 * MIB


def test_fm_42_a_burst_leaves_nothing_behind(say):
    """1.3 GB an hour in buffers of others. 100 frames a read, one consumer that reads, and two that do not."""

    def frames(seq):
        for number in itertools.count(seq):
            data = delta(A, seq=number, change="1.00" if number % 2 else "-1.00", price="0.0100")
            yield b"\x81\x7e" + struct.pack("!H", len(data)) + data

    async def scenario(live, exchange):
        book = await live.book(A)
        wire = live._lanes[0].session._wire
        exchange.crowd.change(A, outcome_side="yes", price_e4=100, delta_e2=10**6)
        await asyncio.sleep(1)
        burst = frames(book.seq + 1)
        slow = live.updates(BOOK), live.updates(BOOK, policy="all", size=1000)
        seen = []
        live.on(BOOK)(lambda update: seen.append(update) or seen.clear())

        async def send(count):
            for _ in range(count // 1000):
                for _ in range(10):
                    wire.data_received(b"".join(itertools.islice(burst, 100)))
                await asyncio.sleep(0.001)

        await send(FRAMES // 10)
        before, began = memory(), time.monotonic()
        await send(FRAMES)
        after, took_s = memory(), time.monotonic() - began
        say(f"FM-42: {FRAMES:,} frames in {took_s:.0f} s, {before / MIB:.1f} MiB before, {after / MIB:.1f} MiB after")
        assert book.is_live
        assert live.metrics.gaps == 0
        assert after <= before + 8 * MIB
        assert live.metrics.lost >= FRAMES
        for stream in slow:
            stream.close()

    play(scenario, rate=0, client={"market_tickers": [A], "audit_s": None}, max_turns=10_000_000)


class Anybody:
    """Signs anyhow."""

    key_id = "anybody"

    def sign(self, text):
        return b"any"


def huge(size):
    """Give a snapshot of 9,998 levels that takes so many bytes: the rest is a field that nobody knows."""
    yes, no = ([(f"0.{price:04}", "1234567.89") for price in prices] for prices in (range(1, 5000), range(5001, 10_000)))
    without = len(snapshot(A, yes, no, padding=""))
    return snapshot(A, yes, no, padding="x" * (size - without))


@pytest.mark.parametrize("size", [MAX_MESSAGE_BYTES * 9 // 10, MAX_MESSAGE_BYTES])
def test_fm_48_a_message_up_to_the_limit_is_read_on_a_real_socket(size, say):
    """Limits of 1 to 10 MiB, and the same snapshot again and again."""
    data = huge(size)
    assert len(data) == size

    async def exchange(wire):
        await wire.recv()
        await wire.send(subscribed(), text=True)
        await wire.send(data, text=True)
        await wire.wait_closed()

    async def main():
        before, began = memory(), time.monotonic()
        async with (
            serve(exchange, "127.0.0.1", 0, compression=None) as server,
            kb.connect(
                url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", signer=Anybody(), market_tickers=[A]
            ) as live,
        ):
            book = await live.book(A)
            took_s = time.monotonic() - began
            held = memory() - before
            say(
                f"FM-48: {size:,} bytes in {took_s:.2f} s; {held / MIB:.1f} MiB more held after it than before, "
                f"{(memory('VmHWM') - before) / MIB:.1f} MiB at most, with the server's own buffers"
            )
            assert [len(levels) for levels in book.depth(10_000)] == [4999, 4999]
            assert live.metrics.frames == 2

    asyncio.run(asyncio.wait_for(main(), 100))


@pytest.mark.parametrize("more", [1, MAX_MESSAGE_BYTES // 10])
def test_fm_48_a_message_over_the_limit_is_refused_with_1009_and_not_asked_for_again(more):
    closed = []

    async def exchange(wire):
        await wire.recv()
        await wire.send(subscribed(), text=True)
        await wire.send(huge(MAX_MESSAGE_BYTES + more), text=True)
        await wire.wait_closed()
        closed.append(wire.close_code)

    async def main():
        async with (
            serve(exchange, "127.0.0.1", 0, compression=None) as server,
            kb.connect(
                url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", signer=Anybody(), market_tickers=[A]
            ) as live,
        ):
            watch = Watch(live)
            failed = await watch.next(kb.events.ConnectFailed, timeout_s=60)
            await watch.stop()
            assert live.metrics.attempts == 1
            return failed

    failed = asyncio.run(asyncio.wait_for(main(), 100))
    assert failed.is_permanent
    assert failed.reason.startswith("a message is larger than the limit of 67108864 bytes: ")
    assert closed == [1009]
