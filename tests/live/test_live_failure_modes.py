"""What happened to others, and does not happen here: connections. Numbers are those of the list of failure modes."""

import asyncio
import base64
import hashlib
import random
import struct

import pytest

import kalshi_book as kb
from clients import BOOK, SECOND, A, B, C, Watch, client_of, play, run, served, settled
from frames import delta, snapshot, subscribed
from kalshi_book.live.hub import World
from kalshi_book.sim import virtual

HOUR_S = 3600


class TestSilence:
    @pytest.mark.parametrize("has_timer", [False, True])
    def test_fm_01_a_feed_that_falls_silent_while_pongs_come_is_found(self, has_timer):
        """19-minute brown-outs: pings counted as activity, and any wake-up restarted the time-out."""

        async def scenario(live, exchange):
            watch, loop = Watch(live), asyncio.get_running_loop()
            timer = loop.create_task(every_second()) if has_timer else None
            await asyncio.sleep(120)
            exchange.faults.silence()
            began = loop.time()
            stalled = await watch.next(kb.events.Stalled)
            assert 38 <= loop.time() - began <= 45
            assert (stalled.connection, stalled.channel, stalled.sid) == (1, BOOK, 1)
            assert str(stalled) == f"connection 1: sid 1 (orderbook_delta) is silent for {stalled.silence_ns / 1e9:.0f} s"
            assert all(book.stale_reason == "disconnected" for book in live.books.values())
            await settled(live, exchange)
            assert (live.metrics.stalls, live.metrics.connects) == (1, 2)
            await watch.stop()
            if timer is not None:
                timer.cancel()
                await asyncio.wait([timer])

        async def every_second():
            while True:
                await asyncio.sleep(1)

        play(scenario)

    def test_fm_02_a_half_open_connection_is_found(self):
        """A 4-hour outage: the check never ran, since the ping blocked on a full buffer."""

        async def scenario(live, exchange):
            watch, loop = Watch(live), asyncio.get_running_loop()
            await live.all_live()
            exchange.faults.half_open()
            began = loop.time()
            ended = await watch.next(kb.events.Disconnected)
            assert loop.time() - began <= 12.1
            assert ended.reason == "nothing came for 10.0 s"
            await settled(live, exchange)
            await watch.stop()

        play(scenario)

    def test_fm_02_books_are_stale_as_soon_as_the_allowed_silence_ends(self):
        async def scenario(live, exchange):
            watch, loop = Watch(live), asyncio.get_running_loop()
            await live.all_live()
            span = exchange.faults.half_open()
            began = loop.time()
            silent = await watch.next(kb.events.LinkSilent)
            assert 2.9 <= loop.time() - began <= 3.1
            assert str(silent) == "connection 1 is silent for 3.0 s: its books are STALE"
            assert {(str(book.state), book.stale_reason) for book in live.books.values()} == {("stale", "silent")}
            span.cancel()
            await settled(live, exchange)
            assert live.metrics.disconnects == 0
            await watch.stop()

        play(scenario, client={"max_silence_s": 3})

    def test_fm_03_a_flood_of_pings_hides_nothing(self):
        """Idle time-outs were reset, and starved, by control frames."""

        async def scenario(live, exchange):
            watch, loop = Watch(live), asyncio.get_running_loop()
            await asyncio.sleep(60)
            exchange.faults.silence()
            began = loop.time()
            await watch.next(kb.events.Stalled)
            assert 38 <= loop.time() - began <= 45
            await watch.stop()

        play(scenario, serve={"heartbeat_s": 0.01})

    def test_fm_04_a_quiet_market_is_no_stall(self):
        """A 10-second time-out disconnects quiet symbols all day."""

        async def scenario(live, exchange):
            await live.all_live()
            await asyncio.sleep(6 * HOUR_S)
            assert (live.metrics.disconnects, live.metrics.stalls) == (0, 0)
            assert 5 <= live.metrics.probes <= 30
            await settled(live, exchange)

        play(scenario, rate=0, client={"audit_s": None})

    def test_fm_04_nor_is_a_channel_that_names_no_market(self):
        async def scenario(live, exchange):
            await live.subscribe("market_lifecycle_v2")
            exchange.life.pause(A)
            await asyncio.sleep(HOUR_S)
            assert (live.metrics.disconnects, live.metrics.stalls) == (0, 0)
            assert live.metrics.probes >= 1

        play(scenario, rate=0, client={"market_tickers": [], "audit_s": None})

    def test_fm_06_nothing_spins(self):
        async def scenario(live, exchange):
            await live.all_live()
            loop = asyncio.get_running_loop()
            before = loop.turns
            await asyncio.sleep(HOUR_S)
            return loop.turns - before

        assert play(scenario, rate=0) < 30_000  # a ping every 2 s and its pong, on both ends

    def test_fm_07_a_large_frame_that_comes_slowly_is_no_silence(self):
        """A large frame on a slow link trips the deadline for pongs."""

        async def scenario(live, exchange):
            await live.all_live(timeout_s=300)
            return asyncio.get_running_loop().time(), live.metrics, live._lanes[0].feed.next_command_id - 1

        network = virtual.Network(bytes_per_s=100, window_bytes=100)
        took, metrics, commands = play(scenario, network=network, markets=1, levels=60, rate=0, client={"max_silence_s": 3})
        assert took > 15
        assert (metrics.disconnects, metrics.gaps) == (0, 0)
        assert (metrics.frames, commands) == (2, 1)  # nothing was asked again meanwhile

    def test_a_message_that_trickles_is_waited_for_no_longer_than_two_minutes(self):
        """Each byte proved that the link lives, deadlines stood still, and books were of when it began."""

        async def scenario(live, exchange):
            watch, loop = Watch(live), asyncio.get_running_loop()
            await live.all_live()
            (theirs,) = exchange._listener._carriers
            began = loop.time()
            theirs.transport.write(b"\x81\x7f" + struct.pack("!Q", 1 << 20) + b"{")  # pings and pongs are a part of it
            ended = await watch.next(kb.events.Disconnected)
            assert 120 <= loop.time() - began <= 122.1
            assert ended.reason == "a message is not whole after 120 s: what is behind it cannot be read"
            await settled(live, exchange)
            assert (live.metrics.connects, live.metrics.gaps) == (2, 0)
            await watch.stop()

        play(scenario, rate=0)


class TestTheHandshake:
    def upgrade(self, frames, pieces):
        """A server that writes the answer and frames in one piece, or cut somewhere."""

        async def serve_one(reader, writer):
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            key = next(line.split(": ")[1] for line in request.splitlines() if line.startswith("Sec-WebSocket-Key"))
            accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            answer = (
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            whole = answer + b"".join(b"\x81\x7e" + struct.pack("!H", len(each)) + each for each in frames)
            for piece in pieces(whole):
                writer.write(piece)
                await asyncio.sleep(0.01)
            await reader.read()
            writer.close()

        return serve_one

    def books(self, pieces, frames=()):
        async def main():
            frames_ = frames or [subscribed(), snapshot(), delta(seq=2)]
            async with (
                await asyncio.start_server(self.upgrade(frames_, pieces), "exchange.test", 80),
                kb.connect(url="ws://exchange.test", signer=Anybody(), market_tickers=["KXDEMO-26-A"]) as live,
            ):
                book = await live.book("KXDEMO-26-A")
                await asyncio.sleep(5)
                return book.seq, live.metrics.frames

        return run(main())

    def test_fm_08_frames_in_the_packet_of_the_answer_are_not_lost(self):
        """Frames that were piggy-backed on the 101 response were dropped."""
        assert self.books(lambda whole: [whole]) == (2, 3)

    @pytest.mark.parametrize("start", range(0, 100, 9))
    def test_fm_08_wherever_the_packets_are_cut(self, start):
        def pieces(whole):
            at = len(whole) - 730 + 9 * start
            return [whole[:at], whole[at : at + 1], whole[at + 1 :]]

        assert self.books(pieces) == (2, 3)

    def test_fm_08_byte_by_byte(self):
        assert self.books(lambda whole: [whole[at : at + 1] for at in range(len(whole))]) == (2, 3)

    def test_a_message_in_several_frames_is_one_message(self):
        def fragments(payload, parts=4):
            size = len(payload) // parts + 1
            chunks = [payload[at : at + size] for at in range(0, len(payload), size)]
            for number, chunk in enumerate(chunks):
                head = (0x80 if number == len(chunks) - 1 else 0) | (0 if number else 1)
                yield bytes([head, 126]) + struct.pack("!H", len(chunk)) + chunk

        async def main():
            async def serve_one(reader, writer):
                await self.upgrade([], lambda whole: [whole])(OneByOne(reader), writer)

            class OneByOne:
                def __init__(self, reader):
                    self.readuntil = reader.readuntil
                    self.reader = reader

                async def read(self):
                    for payload in (subscribed(), snapshot(), delta(seq=2)):
                        for piece in fragments(payload):
                            self.writer.write(piece)
                    return await self.reader.read()

            async def handle(reader, writer):
                OneByOne.writer = writer
                await serve_one(reader, writer)

            async with (
                await asyncio.start_server(handle, "exchange.test", 80),
                kb.connect(url="ws://exchange.test", signer=Anybody(), market_tickers=["KXDEMO-26-A"]) as live,
            ):
                book = await live.book("KXDEMO-26-A")
                return book.is_live, live.metrics.frames

        assert run(main()) == (True, 3)

    @pytest.mark.parametrize("answer", ["swallow", "ignore"])
    def test_fm_09_that_is_never_answered_ends_in_time_and_is_tried_again(self, answer):
        async def main():
            async with served() as exchange:
                virtual.network().answer = answer
                entering = asyncio.ensure_future(client_of(exchange).__aenter__())
                await asyncio.sleep(10.5)
                virtual.network().answer = "accept"
                live = await entering
                assert 10 <= asyncio.get_running_loop().time() <= 12
                assert live.metrics.attempts == 2
                await live.close()

        run(main())

    def test_fm_09_that_the_exchange_never_answers_too(self):
        async def scenario(live, exchange):
            watch = Watch(live)
            span = exchange.faults.no_handshake()
            exchange.faults.abort()
            failed = await watch.next(kb.events.ConnectFailed)
            assert failed.reason == "no connection within 10 s"
            span.cancel()
            await settled(live, exchange)
            await watch.stop()

        play(scenario)

    def test_fm_13_is_signed_afresh_at_each_attempt(self):
        """Headers were built once and used again: the timestamp was stale."""
        stamps = []

        async def scenario(live, exchange):
            admit = exchange.exchange.admit

            def noting(path, headers):
                stamps.append((int(headers["kalshi-access-timestamp"]), virtual.now_ns() // 1_000_000))
                return admit(path, headers)

            exchange.exchange.admit = noting
            exchange.faults.maintenance(for_s=600)
            await asyncio.sleep(700)
            await settled(live, exchange)

        play(scenario)
        assert len(stamps) > 10
        assert all(now_ms - stamp_ms <= 3 for stamp_ms, now_ms in stamps)
        assert [stamp for stamp, _ in stamps] == sorted({stamp for stamp, _ in stamps})

    @pytest.mark.parametrize("skew_s", [-HOUR_S, HOUR_S, -365 * 24 * HOUR_S, 365 * 24 * HOUR_S, -1_800_000_000])
    def test_fm_14_with_a_clock_that_is_off_is_refused_and_says_so(self, skew_s):
        async def main():
            async with served() as exchange:
                world = World(lambda: virtual.now_ns() + skew_s * SECOND, random.Random(1), {})
                with pytest.raises(kb.NotAuthorized) as raised:
                    async with client_of(exchange, world=world):
                        pass
                return raised.value

        error = run(main())
        assert abs(error.skew_ms - 1000 * skew_s) <= 1000
        assert error.status == 401
        side = "ahead of" if skew_s > 0 else "behind"
        assert f"our clock, which is {abs(error.skew_ms) // 1000} s {side} the exchange's: very likely this" in str(error)

    @pytest.mark.parametrize("step_s", [-HOUR_S, HOUR_S, -365 * 24 * HOUR_S, 365 * 24 * HOUR_S])
    @pytest.mark.long
    def test_fm_14_a_clock_that_is_set_ends_no_connection(self, step_s):
        async def main():
            async with served() as exchange:
                step = [0]
                world = World(lambda: virtual.now_ns() + step[0], random.Random(1), {})
                async with client_of(exchange, world=world) as live:
                    await live.all_live()
                    step[0] = step_s * SECOND
                    await asyncio.sleep(300)
                    await settled(live, exchange)
                    return live.metrics

        metrics = run(main())
        assert (metrics.disconnects, metrics.stalls, metrics.gaps) == (0, 0, 0)

    def test_fm_14_a_skew_is_learned_from_the_date_and_told(self):
        async def main():
            async with served() as exchange:
                world = World(lambda: virtual.now_ns() + 5 * SECOND, random.Random(1), {})
                live = client_of(exchange, world=world)
                watch = Watch(live)
                async with live:
                    await asyncio.sleep(1)
                    (event,) = watch.of(kb.events.ClockSkewed)
                await watch.stop()
                return event, live.metrics.clock_skew_ms

        event, skew_ms = run(main())
        assert 4000 <= skew_ms <= 6000
        assert str(event).startswith("our clock is 5 s ahead of the exchange's: set it")

    @pytest.mark.parametrize(
        ("status", "error"), [(401, kb.NotAuthorized), (403, kb.NotAuthorized), (404, kb.HandshakeRefused)]
    )
    def test_fm_15_that_is_refused_before_the_first_success_raises(self, status, error):
        async def main():
            async with served() as exchange:
                exchange.faults.refuse_connections(status=status)
                live = client_of(exchange)
                with pytest.raises(error) as raised:
                    async with live:
                        pass
                assert live.metrics.attempts == 1
                return raised.value

        refusal = run(main())
        assert type(refusal) is error
        assert (refusal.host, refusal.status) == ("127.0.0.1:49152", status)
        assert str(refusal).startswith(
            f"127.0.0.1:49152: expected a WebSocket handshake, found HTTP status {status}: HTTP status {status} "
        )
        if error is kb.NotAuthorized:
            assert "look at the environment (keys of prod are unknown in demo" in str(refusal)
            assert "not the clock, which agrees with the exchange's" in str(refusal)

    def test_fm_15_that_is_refused_after_a_success_goes_to_a_slow_loud_lane(self):
        async def scenario(live, exchange):
            watch = Watch(live)
            await live.all_live()
            span = exchange.faults.refuse_connections(status=401)
            exchange.faults.abort()
            before = live.metrics.attempts
            await asyncio.sleep(600)
            assert 2 <= live.metrics.attempts - before <= 3
            failed = watch.of(kb.events.ConnectFailed)
            assert all(event.is_permanent and event.retry_ns >= 240 * SECOND for event in failed)
            assert "look at the environment" in str(failed[0])
            span.cancel()
            await settled(live, exchange)
            await watch.stop()

        play(scenario)

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
    def test_fm_15_that_may_work_later_is_tried_again(self, status):
        async def main():
            async with served() as exchange:
                exchange.faults.refuse_connections(status=status, for_s=60)
                async with client_of(exchange) as live:
                    await settled(live, exchange)
                    assert live.metrics.attempts > 3

        run(main())

    def test_that_nobody_answers_is_tried_again(self):
        async def main():
            watch = None
            async with served() as exchange:
                virtual.network().answer = "refuse"
                live = client_of(exchange)
                watch = Watch(live)
                entering = asyncio.ensure_future(live.__aenter__())
                await asyncio.sleep(20)
                virtual.network().answer = "accept"
                await entering
                assert "Connect call failed" in watch.of(kb.events.ConnectFailed)[0].reason
                await watch.stop()
                await live.close()

        run(main())

    @pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
    @pytest.mark.parametrize(
        "to", ["ws://other.test/", "wss://exchange.test/", "ws://exchange.test/trade-api/ws/v3", "/there"]
    )
    def test_that_is_redirected_is_refused_since_the_signature_would_go_along(self, status, to):
        """To the same host, too: the path is signed with it."""

        async def main():
            asked = []

            async def other(reader, writer):
                asked.append(1)
                writer.close()

            async def handle(reader, writer):
                asked.append((await reader.readuntil(b"\r\n\r\n")).split()[1])
                writer.write(f"HTTP/1.1 {status} Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())
                await reader.read()
                writer.close()

            async with (
                await asyncio.start_server(handle, "exchange.test", 80),
                await asyncio.start_server(other, "other.test", 80),
            ):
                with pytest.raises(kb.HandshakeRefused) as raised:
                    await kb.connect(url="ws://exchange.test", signer=Anybody()).__aenter__()
            assert asked == [b"/trade-api/ws/v2"]
            return str(raised.value)

        assert run(main()) == (
            f"exchange.test: expected a WebSocket handshake, found HTTP status {status}: HTTP status {status}, a redirect, "
            "which is not followed: the signature is for this host and path alone"
        )

    def test_without_a_date_says_that_the_clock_cannot_be_compared(self):
        async def main():
            async def handle(reader, writer):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 401 Unauthorized\r\nDate: yesterday\r\nContent-Length: 0\r\n\r\n")
                await reader.read()
                writer.close()

            async with await asyncio.start_server(handle, "exchange.test", 80):
                with pytest.raises(kb.NotAuthorized) as raised:
                    async with kb.connect(url="ws://exchange.test", signer=Anybody()):
                        pass
            return raised.value

        error = run(main())
        assert error.skew_ms is None
        assert str(error).endswith("and at a clock that is off (its answer has no Date to compare with)")


class TestReconnecting:
    @pytest.mark.long
    def test_fm_11_clients_do_not_come_back_as_a_herd(self):
        """Jitter of others collapsed at the cap: all came back in the same second."""
        arrivals = []

        async def main():
            async with served(rate=0) as exchange, _many(150, exchange):
                loop = asyncio.get_running_loop()
                connect = exchange.exchange.connect
                exchange.exchange.connect = lambda account: arrivals.append(loop.time()) or connect(account)
                exchange.faults.maintenance(for_s=180)
                await asyncio.sleep(300)

        run(main())
        assert len(arrivals) == 150
        buckets = [int(at) for at in arrivals]
        assert max(buckets.count(second) for second in set(buckets)) <= 0.05 * 150 + 3

    @pytest.mark.long
    def test_fm_12_a_connection_that_dies_right_away_backs_off_and_a_healthy_one_forgets(self):
        async def scenario(live, exchange):
            backoff = live._lanes[0].backoff
            flap = exchange.faults.abort(every_s=0.5)
            await asyncio.sleep(HOUR_S)
            assert backoff.failures > 60
            assert 60 < live.metrics.attempts < 250
            flap.cancel()
            await settled(live, exchange)
            await asyncio.sleep(40)
            assert backoff.failures == 0

        play(scenario)

    @pytest.mark.long
    def test_fm_16_a_hundred_reconnects_subscribe_once_each(self):
        """Subscriptions were repeated from a log of commands: 2, 4, 8, ... of them."""

        async def scenario(live, exchange):
            await live.subscribe("trade", market_tickers=[A])
            await live.add_markets([A, B, C])
            before = live.metrics
            for _ in range(100):
                exchange.faults.abort()
                await asyncio.sleep(0.1)
                await settled(live, exchange)
                await asyncio.sleep(40)
                assert all(status.missing == frozenset() for status in live.subscriptions.values())
            after = live.metrics
            assert after.connects - before.connects == 100
            kinds = kb.Kind, kb.Effect
            snapshots = sum(n for (kind, _), n in after.counts.items() if kind is kinds[0].SNAPSHOT)
            replies = sum(n for (kind, _), n in after.counts.items() if kind in (kb.Kind.SUBSCRIBED, kb.Kind.OK))
            assert snapshots <= 101 * 3
            assert replies <= 101 * 2 + 1

        play(scenario, rate=5, client={"audit_s": None})

    def test_fm_17_frames_of_a_connection_that_was_given_up_count_for_nothing(self):
        """A buffer was replayed into the next connection."""

        async def scenario(live, exchange):
            await live.all_live()
            old = live._lanes[0].session._wire
            exchange.faults.abort()
            await asyncio.sleep(30)
            await settled(live, exchange)
            before = {ticker: book.checksum() for ticker, book in live.books.items()}
            for seq in range(1, 50):
                old._frame(delta(A, seq=live.books[A].seq + seq))
            assert {ticker: book.checksum() for ticker, book in live.books.items()} == before
            assert old.late_frames == 49
            assert repr(old) == "<Wire CLOSED>"

        play(scenario, rate=1)

    @pytest.mark.parametrize("error", [ValueError, OSError, RuntimeError, MemoryError, asyncio.TimeoutError, EOFError])
    @pytest.mark.parametrize("where", ["receive", "advance", "wanted", "sign"])
    def test_fm_18_nothing_that_is_raised_ends_the_circle(self, where, error, monkeypatch):
        """The reader ended on a failed reconnect, and its consumers waited for ever."""

        async def scenario(live, exchange):
            watch = Watch(live)
            await live.all_live()
            lane = live._lanes[0]
            signer = live._hub.settings.signer
            target = (type(signer), "sign") if where == "sign" else (type(lane.feed), where)
            right = getattr(*target)
            left = [3]

            def failing(*args, **named):
                left[0] -= 1
                if left[0] < 0:
                    return right(*args, **named)
                raise error("SENTINEL")

            if where == "receive":  # bound when a session begins
                lane.session._receive = failing
            else:
                monkeypatch.setattr(*target, failing)
            exchange.faults.abort(after_s=5)
            await asyncio.sleep(120)
            monkeypatch.undo()
            await settled(live, exchange)
            told = {event.reason for event in watch.of(kb.events.ConnectFailed)}
            faults = {event.error for event in watch.of(kb.events.Fault)}
            if where == "sign":
                assert (told, faults) == ({f"the signer raised {error.__name__}"}, set())
            else:
                assert faults == {f"{error.__name__}: SENTINEL"}
            await watch.stop()

        play(scenario)

    @pytest.mark.long
    def test_fm_19_an_empty_set_is_healthy(self):
        """~11 crashes a day at roll-overs with zero active markets."""

        async def scenario(live, exchange):
            watch = Watch(live)
            await live.all_live()
            for _ in range(96):
                await live.remove_markets([A, B, C])
                assert len(live.books) == 0
                await asyncio.sleep(60)
                await live.add_markets([A, B, C])
                await settled(live, exchange)
                await asyncio.sleep(60)
            assert watch.of(kb.events.CommandRefused, kb.events.CommandUnanswered, kb.events.Disconnected) == []
            await watch.stop()

        play(scenario, rate=1)

    def test_fm_20_two_hours_of_maintenance_are_waited_through(self):
        """Thursdays 03:00-05:00 Eastern (published)."""

        async def scenario(live, exchange):
            await live.all_live()
            before = live.metrics.attempts
            exchange.faults.maintenance(for_s=2 * HOUR_S, clocks_fall=True)
            await asyncio.sleep(2 * HOUR_S)
            assert live.metrics.attempts - before <= 300
            await asyncio.sleep(61)
            await settled(live, exchange)

        play(scenario, rate=1)


class Anybody:
    """Signs anyhow."""

    key_id = "anybody"

    def sign(self, text):
        return b"any"


class _many:
    """Many clients of one exchange."""

    def __init__(self, count, server):
        self.clients = [client_of(server, market_tickers=[A]) for _ in range(count)]

    async def __aenter__(self):
        await asyncio.gather(*(client.__aenter__() for client in self.clients))

    async def __aexit__(self, *exc):
        await asyncio.gather(*(client.close() for client in self.clients))
