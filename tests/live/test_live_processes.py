"""Simulator and client in two real processes on loopback: real sockets, real signatures, TLS.

Every wait here has an end, and bounds of time leave room for a slow machine that is busy: what is exact to the millisecond
is tested in virtual time.
"""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from websockets.sync.server import serve as serve_in_threads

import kalshi_book as kb
from clients import BOOK, Watch
from kalshi_book.live import liveness

HERE = Path(__file__).parent
EVERY_KIND = [
    "drop:every=500ms", "double:every=500ms", "delay:every=2s,by=50ms", "reorder:every=500ms", "truncate:every=1s",
    "wrong_snapshot:every=2s", "wrong_delta:every=2s", "lost_delta:every=2s", "ignore_command:every=3s",
    "lose_reply:every=3s", "refuse_command:every=3s", "false_error:every=3s", "hold_commands:every=4s,for=200ms",
    "delay_snapshots:every=4s,for=200ms", "no_snapshots:every=4s,for=200ms", "silence:every=5s,for=100ms",
    "half_open:every=5s,for=100ms", "slow_link:every=5s,for=100ms,bytes_per_s=200000", "close:every=4s", "abort:every=4s",
    "restart:every=3s", "overflow:every=3s", "channel_error:every=3s", "refuse_connections:every=4s,for=200ms",
    "no_handshake:every=9s,for=100ms", "maintenance:every=9s,for=200ms", "clock_step:every=3s,step=1",
]  # fmt: skip


def in_real_time(main, *, timeout_s=100):
    """Run, and no longer than that: what hangs says where."""
    return asyncio.run(asyncio.wait_for(main(), timeout_s))


class Exchange:
    """An exchange in another process."""

    def __init__(self, process):
        self._process = process
        self.where = {}

    async def read(self):
        """Give what it says next."""
        line = await asyncio.wait_for(self._process.stdout.readline(), 60)
        assert line, "the process of the exchange has ended"
        return json.loads(line)

    async def ask(self, request):
        """Give what it answers."""
        self._process.stdin.write(f"{request}\n".encode())
        return await self.read()

    def stop(self):
        """Let it stand still."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self):
        """Let it go on."""
        os.kill(self._process.pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def exchange(**options):
    """Run an exchange in another process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, HERE / "exchange_process.py", json.dumps(options),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        env={**os.environ, "PYTHONPATH": str(Path(kb.__file__).parent.parent)},
    )  # fmt: skip
    other = Exchange(process)
    try:
        other.where = await other.read()
        yield other
    finally:
        with contextlib.suppress(ProcessLookupError):
            other.go_on()
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 30)
        except BaseException:
            process.kill()
            await process.wait()
            raise


def client_of(where, **options):
    tls = ssl.create_default_context(cafile=where["certificate_path"]) if where["url"].startswith("wss") else None
    key = {"key_id": where["key_id"], "private_key": where["private_key_path"]}
    return kb.connect(url=where["url"], tls=tls, **key, **options)


def names(count):
    """The tickers of an exchange."""
    return kb.sim.Exchange(markets=count, levels=0, rate=0).markets


async def equal(live, checksums, timeout_s=60):
    """Wait until every book is LIVE and the exchange's."""
    assert set(live.books) == set(checksums)
    ends = time.monotonic() + timeout_s
    while wrong := [each for t, each in live.books.items() if not each.is_live or each.checksum() != checksums[t]]:
        assert time.monotonic() < ends, wrong
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("key_type", ["rsa", "ed25519"])
def test_a_thousand_markets_over_tls_end_equal_through_every_fault(key_type):
    async def main():
        options = {"markets": 1000, "levels": 5, "rate": 500, "seed": 3, "faults": EVERY_KIND}
        pace = kb.Pace(answer_ns=10**9, retry_ns=10**9, budget_per_minute=6000)
        wants = {"market_tickers": names(1000), "pace": pace, "markets_per_connection": 400, "audit_s": 1}
        async with (
            exchange(**options, serve={"tls": True, "key_type": key_type}) as other,
            client_of(other.where, **wants) as live,
        ):
            assert live.metrics.connections == 3
            await asyncio.sleep(6)
            while sum(count > 0 for count in (await other.ask("struck")).values()) < 20:
                await asyncio.sleep(0.5)
            checksums = await other.ask("rest")
            # What was wrong without a trace is found by an audit of all.
            await live.all_live(timeout_s=100)
            for _ in range(10):
                with contextlib.suppress(kb.NotInTime):
                    await live.get_snapshot(wants["market_tickers"], timeout_s=10)
                    break
            await equal(live, checksums)

    in_real_time(main, timeout_s=280)


def test_a_key_that_the_exchange_does_not_know_is_refused():
    async def main():
        async with exchange(markets=1, serve={"key_type": "ed25519"}) as other:
            with pytest.raises(kb.NotAuthorized) as raised:
                async with client_of({**other.where, "key_id": "another"}):
                    pass
            return raised.value

    error = in_real_time(main)
    assert error.status == 401
    assert abs(error.skew_ms) <= 10_000  # it is the same clock, but the answer may have waited for a processor


@pytest.fixture
def impatient(monkeypatch):
    """A fifth of the real deadlines."""
    monkeypatch.setattr(liveness, "DEAD_NS", liveness.DEAD_NS // 5)
    monkeypatch.setattr(liveness, "TICK_NS", liveness.TICK_NS // 5)


@pytest.mark.usefixtures("impatient")
def test_fm_02_a_peer_that_stands_still_is_found():
    """SIGSTOP: its system acknowledges what we send, and nobody answers."""

    async def main():
        async with (
            exchange(markets=3, serve={"key_type": "ed25519"}) as other,
            client_of(other.where, market_tickers=names(3), max_silence_s=1) as live,
        ):
            watch = Watch(live)
            await live.all_live()
            other.stop()
            began = time.monotonic()
            ended = await watch.next(kb.events.Disconnected, timeout_s=30)
            assert time.monotonic() - began <= 6
            assert re.fullmatch(r"nothing came for \d\.\d s", ended.reason)
            assert not any(book.is_live for book in live.books.values())
            other.go_on()
            await live.all_live()
            await watch.stop()

    in_real_time(main)


def may_repair():
    """Tell why a socket cannot be closed without telling its peer."""
    if not sys.platform.startswith("linux"):
        return "TCP_REPAIR is Linux's"
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.IPPROTO_TCP, 19, 1)
        except OSError as error:
            return f"TCP_REPAIR: {error.strerror} (root may)"
    return None


@pytest.mark.skipif(may_repair() is not None, reason=str(may_repair()))
def test_fm_02_a_peer_that_is_gone_without_a_word_is_found():
    """TCP_REPAIR: no FIN, no RST. A 4-hour outage: the check never ran, since the ping blocked on a full buffer."""

    async def main():
        async with (
            exchange(markets=3, rate=0, serve={"key_type": "ed25519"}) as other,
            client_of(other.where, market_tickers=names(3)) as live,
        ):
            watch = Watch(live)
            await live.all_live()
            ending = asyncio.ensure_future(watch.next(kb.events.Disconnected, timeout_s=60))
            await other.ask("vanish")
            began = time.monotonic()
            ended = await ending
            assert time.monotonic() - began <= 20
            # Of a system that is still there, the answer to our next ping is a reset.
            assert ended.reason.startswith("it broke off")
            await equal(live, await other.ask("rest"))
            assert live.metrics.connects == 2
            await watch.stop()

    in_real_time(main)


def test_fm_05_a_busy_process_is_told_and_loses_no_connection():
    """Inline work for seconds: keep-alive time-outs closed the connection (1011)."""

    async def main():
        async with (
            exchange(markets=3, rate=200, serve={"key_type": "ed25519", "heartbeat_s": 0.5}) as other,
            client_of(other.where, market_tickers=names(3), max_silence_s=1.5) as live,
        ):
            watch = Watch(live)
            await live.all_live()

            @live.on(BOOK)
            def busy(update):
                live.off(busy)
                time.sleep(3.5)

            lagged = await watch.next(kb.events.LoopLagged, timeout_s=30)
            assert lagged.lag_ns > 10**9
            await asyncio.sleep(2.5)
            assert live.metrics.disconnects == 0
            assert live.metrics.max_lag_ns >= lagged.lag_ns
            await equal(live, await other.ask("rest"))
            await watch.stop()

    in_real_time(main)


def test_fm_05_pings_are_answered_as_soon_as_the_loop_returns():
    """A server that closes (1011) where a pong takes 5 s."""
    pongs = []

    def serve_one(wire):
        while True:
            began, pong = time.monotonic(), wire.ping()
            if not pong.wait(20):
                return
            pongs.append((began, time.monotonic()))
            time.sleep(0.02)

    async def main(port):
        async with kb.connect(url=f"ws://127.0.0.1:{port}", signer=Anybody()) as live:
            await asyncio.sleep(0.2)
            time.sleep(3)
            returned = time.monotonic()
            ends = returned + 20
            while not any(began < returned < answered for began, answered in pongs):
                assert time.monotonic() < ends, pongs
                await asyncio.sleep(0.01)
            assert live.metrics.disconnects == 0
            return [answered - returned for began, answered in pongs if began < returned < answered]

    with serve_in_threads(serve_one, "127.0.0.1", 0, ping_interval=1, ping_timeout=5) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        (after_s,) = in_real_time(lambda: main(server.socket.getsockname()[1]))
        server.shutdown()
        thread.join(30)
    assert after_s <= 1
    assert max(answered - began for began, answered in pongs) > 2


class Anybody:
    """Signs anyhow."""

    key_id = "anybody"

    def sign(self, text):
        return b"any"


def may_slow_down():
    """Tell why there can be no slow link."""
    if missing := [each for each in ("unshare", "ip", "tc") if shutil.which(each) is None]:
        return f"{', '.join(missing)}: not here"
    tried = subprocess.run(slow(["true"]), capture_output=True, text=True, timeout=30, check=False)
    return f"a slow link: {tried.stderr.strip() or 'refused'} (root may)" if tried.returncode else None


def slow(command):
    """Give a command as it runs where loopback is its own, and passes 256 kbit/s."""
    link = "ip link set lo mtu 1500 up && tc qdisc add dev lo root tbf rate 256kbit burst 4kb limit 4mb"
    return ["unshare", "--net", "sh", "-c", f'{link} && exec "$@"', "sh", *command]


def test_fm_07_a_large_snapshot_on_a_slow_link_is_no_silence():
    """A large frame that arrives slowly trips the deadline for pongs. 120 KB take 4 s, and a silence of 2 s is death."""
    if (reason := may_slow_down()) is not None:
        pytest.skip(reason)
    made = subprocess.run(
        slow([sys.executable, str(HERE / "slow_link.py")]), capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(kb.__file__).parent.parent), str(HERE)])},
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["largest"] > 120_000
    assert found["took_s"] > 3
    assert (found["disconnects"], found["silences"], found["snapshots"]) == (0, 0, 1)


def test_fm_10_closing_ends_in_time_though_nothing_can_be_written():
    """close() of others blocks when the network is gone or buffers are full."""

    async def main():
        async with exchange(markets=3, serve={"key_type": "ed25519"}) as other:
            live = client_of(other.where)
            await live.__aenter__()
            other.stop()
            wire = live._lanes[0].session._wire
            while wire.transport.get_write_buffer_size() < 1 << 20:
                assert wire.write(b"x" * (1 << 16))
            full = wire.transport.get_write_buffer_size()
            wire.beat()
            assert wire.transport.get_write_buffer_size() == full  # a ping would only wait behind it
            began = time.monotonic()
            await live.close()
            assert 1.9 <= time.monotonic() - began <= 5

    in_real_time(main)
