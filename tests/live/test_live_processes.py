"""Simulator and client in two real processes on loopback: real sockets, real signatures, TLS."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
import time
from pathlib import Path

import pytest

import kalshi_book as kb
from clients import BOOK, Watch
from kalshi_book.live import liveness

HERE = Path(__file__).parent
SCRIPT = HERE / "exchange_process.py"
EVERY_KIND = [
    "drop:every=500ms", "double:every=500ms", "delay:every=2s,by=50ms", "reorder:every=500ms", "truncate:every=1s",
    "wrong_snapshot:every=2s", "wrong_delta:every=2s", "lost_delta:every=2s", "ignore_command:every=3s",
    "lose_reply:every=3s", "refuse_command:every=3s", "false_error:every=3s", "hold_commands:every=4s,for=200ms",
    "delay_snapshots:every=4s,for=200ms", "no_snapshots:every=4s,for=200ms", "silence:every=5s,for=100ms",
    "half_open:every=5s,for=100ms", "slow_link:every=5s,for=100ms,bytes_per_s=200000", "close:every=4s", "abort:every=4s",
    "restart:every=3s", "overflow:every=3s", "channel_error:every=3s", "refuse_connections:every=4s,for=200ms",
    "no_handshake:every=9s,for=100ms", "maintenance:every=9s,for=200ms", "clock_step:every=3s,step=1",
]  # fmt: skip


@contextlib.asynccontextmanager
async def exchange(**options):
    """Run an exchange in another process: how to reach it, and the process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), json.dumps(options),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        env={**os.environ, "PYTHONPATH": str(Path(kb.__file__).parent.parent)},
    )  # fmt: skip
    try:
        yield json.loads(await process.stdout.readline()), process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 20)


def client_of(where, **options):
    tls = ssl.create_default_context(cafile=where["certificate_path"]) if where["url"].startswith("wss") else None
    key = {"key_id": where["key_id"], "private_key": where["private_key_path"]}
    return kb.connect(url=where["url"], tls=tls, **key, **options)


async def truth(process):
    """Let everything come to rest, and give what is true then."""
    process.stdin.write(b"\n")
    await process.stdin.drain()
    return json.loads(await process.stdout.readline())


async def equal(live, books, timeout_s=40):
    """Wait until every book is LIVE and the exchange's."""
    ends = time.monotonic() + timeout_s
    while not all(live.books[t].is_live and live.books[t].checksum() == books[t] for t in books if t in live.books):
        if time.monotonic() > ends:
            raise AssertionError({t: live.books[t] for t in live.books if not live.books[t].is_live})
        await asyncio.sleep(0.05)
    assert set(live.books) == set(books)


@pytest.mark.parametrize("key_type", ["rsa", "ed25519"])
def test_a_thousand_markets_over_tls_end_equal_through_every_fault(key_type):
    async def main():
        options = {"markets": 1000, "levels": 5, "rate": 500, "seed": 3, "faults": EVERY_KIND}
        async with exchange(**options, serve={"tls": True, "key_type": key_type}) as (where, process):
            tickers = kb.sim.Exchange(markets=1000, levels=0, rate=0).markets
            pace = kb.Pace(answer_ns=10**9, retry_ns=10**9, budget_per_minute=6000)
            async with client_of(where, market_tickers=tickers, pace=pace, markets_per_connection=400, audit_s=1) as live:
                assert live.metrics.connections == 3
                await asyncio.sleep(6)
                told = await truth(process)
                assert sum(count > 0 for count in told["struck"].values()) > 15
                # What was wrong without a trace is found by an audit of all.
                await live.all_live(timeout_s=40)
                for _ in range(20):
                    try:
                        await live.get_snapshot(tickers, timeout_s=5)
                        break
                    except kb.NotInTime:
                        continue
                await equal(live, told["books"])

    asyncio.run(main())


def test_a_certificate_that_nobody_vouches_for_is_refused():
    async def main():
        async with exchange(markets=1, serve={"tls": True, "key_type": "ed25519"}) as (where, _):
            with pytest.raises(kb.HandshakeRefused) as raised:
                async with kb.connect(url=where["url"], key_id=where["key_id"], private_key=where["private_key_path"]):
                    pass
            return raised.value

    error = asyncio.run(main())
    assert error.status is None
    assert "found no answer: its certificate cannot be verified: self" in str(error)


def test_a_key_that_the_exchange_does_not_know_is_refused():
    async def main():
        async with exchange(markets=1, serve={"key_type": "ed25519"}) as (where, _):
            with pytest.raises(kb.NotAuthorized) as raised:
                async with client_of({**where, "key_id": "another"}):
                    pass
            return raised.value

    error = asyncio.run(main())
    assert error.status == 401
    assert abs(error.skew_ms) <= 1500


def test_fm_02_a_peer_that_stands_still_is_found(monkeypatch):
    """SIGSTOP: the system acknowledges, and nobody answers. With a tenth of the real deadlines."""

    async def main():
        async with exchange(markets=3, serve={"key_type": "ed25519"}) as (where, process):
            tickers = kb.sim.Exchange(markets=3, levels=0, rate=0).markets
            async with client_of(where, market_tickers=tickers, max_silence_s=0.5) as live:
                watch = Watch(live)
                await live.all_live()
                os.kill(process.pid, signal.SIGSTOP)
                began = time.monotonic()
                await watch.next(kb.events.Disconnected)
                assert time.monotonic() - began <= 2.5
                assert not any(book.is_live for book in live.books.values())
                os.kill(process.pid, signal.SIGCONT)
                await live.all_live()
                await watch.stop()

    monkeypatch.setattr(liveness, "DEAD_NS", 10**9)
    monkeypatch.setattr(liveness, "TICK_NS", 2 * 10**8)
    asyncio.run(main())


def test_fm_05_a_busy_process_is_told_and_loses_no_connection():
    """Inline work for seconds: keep-alive time-outs closed the connection (1011)."""

    async def main():
        async with exchange(markets=3, rate=200, serve={"key_type": "ed25519", "heartbeat_s": 0.5}) as (where, process):
            tickers = kb.sim.Exchange(markets=3, levels=0, rate=0).markets
            async with client_of(where, market_tickers=tickers, max_silence_s=1.5) as live:
                watch = Watch(live)
                await live.all_live()

                @live.on(BOOK)
                def busy(update):
                    if not watch.events:
                        time.sleep(3.5)
                        live.off(busy)

                lagged = await watch.next(kb.events.LoopLagged)
                assert lagged.lag_ns > 10**9
                await asyncio.sleep(2.5)
                assert live.metrics.disconnects == 0
                assert live.metrics.max_lag_ns == lagged.lag_ns
                await equal(live, (await truth(process))["books"])
                await watch.stop()

    asyncio.run(main())


def test_fm_10_closing_ends_in_time_though_nothing_can_be_written():
    """close() of others blocks when the network is gone or buffers are full."""

    async def main():
        async with exchange(markets=3, serve={"key_type": "ed25519"}) as (where, process):
            live = client_of(where)
            await live.__aenter__()
            os.kill(process.pid, signal.SIGSTOP)
            wire = live._lanes[0].session._wire
            while wire.transport.get_write_buffer_size() < 1 << 20:
                wire.write(b"x" * (1 << 16))
            wire.beat()  # adds nothing to what does not leave
            began = time.monotonic()
            await live.close()
            assert time.monotonic() - began <= 2.5

    asyncio.run(main())
