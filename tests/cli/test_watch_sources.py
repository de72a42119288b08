"""What a client shows, and what a recording does, in virtual time: no screen, no waiting."""

import asyncio
import contextlib
import gzip
import json

import pytest

import clients
import kalshi_book as kb
from frames import A, B, delta, ok, snapshot, subscribed, trade, unsubscribed
from kalshi_book.cli.watch import sources
from kalshi_book.cli.watch.lines import Lines
from kalshi_book.cli.watch.picture import standing
from kalshi_book.cli.watch.sights import KEPT, Change, Deal, Memory, Sight, moment_ns
from kalshi_book.cli.watch.sources import LiveSource, TapeSource
from kalshi_book.sim import virtual

SECOND = 1_000_000_000


def tape_of(tmp_path, *frames, name="tape.ndjson"):
    path = tmp_path / name
    path.write_bytes(b"\n".join(frames) + b"\n")
    return path


class TestMemory:
    def test_keeps_the_last_changes_and_trades_the_newest_first(self):
        feed, memory = kb.Feed(), Memory()
        changes = [delta(seq=2, client_order_id="mine"), delta(seq=3, side="no", price="0.5600", change="-1.00")]
        for each in (snapshot(seq=1), *changes, trade(), subscribed(7)):
            memory.take(feed.receive(each, received_ns=5))
        sight = memory.sight(Sight(A, feed.books[A], "demo", (1, 1), 9))
        assert list(sight.changes) == [Change(5, "no", 5600, -100, False), Change(5, "yes", 4200, 100, True)]
        assert list(sight.trades) == [Deal(5, 4200, 300, None)]

    def test_forgets_what_no_screen_shows(self):
        feed, memory = kb.Feed(), Memory()
        for each in (snapshot(seq=1), *(delta(seq=seq) for seq in range(2, 60)), *(trade(seq=seq) for seq in range(1, 60))):
            memory.take(feed.receive(each))
        sight = memory.sight(Sight(A, None, "demo", (1, 1), 9))
        assert (len(sight.changes), len(sight.trades)) == (KEPT, KEPT)

    def test_takes_nothing_from_a_change_that_was_not_applied(self):
        feed, memory = kb.Feed(), Memory()
        for each in (snapshot(seq=1), delta(seq=5), delta(seq=6)):
            memory.take(feed.receive(each))
        assert memory.sight(Sight(A, None, "demo", (1, 1), 9)).changes == ()

    def test_knows_since_when_a_book_stands_as_it_does(self):
        feed, memory = kb.Feed(), Memory()
        feed.receive(snapshot(seq=1))
        seen = Sight(A, feed.books[A], "demo", (1, 1), 9)
        assert memory.sight(seen).since_ns is None
        for at_ns, frame in ((10, None), (20, None), (30, delta(seq=9)), (40, None)):
            if frame is not None:
                feed.receive(frame)
            memory.look(feed.books.values(), at_ns)
        assert memory.sight(seen).since_ns == 30

    def test_takes_the_time_of_receipt_or_what_the_exchange_says(self):
        feed = kb.Feed()
        assert moment_ns(feed.receive(snapshot(), received_ns=77)) == 77
        assert moment_ns(feed.receive(delta(seq=2))) == 1_793_000_000_002_000_000
        assert moment_ns(feed.receive(delta(seq=3, era="2026-03", ts_ms=5))) == 5_000_000
        assert moment_ns(feed.receive(trade())) is None
        assert moment_ns(feed.receive(b"?")) is None


async def shown(server, *, tickers=None, **more):
    live = clients.client_of(server, market_tickers=())
    return LiveSource(live, "sim", server.markets if tickers is None else tickers, now_ns=virtual.now_ns, **more)


@contextlib.asynccontextmanager
async def running(source):
    task = asyncio.ensure_future(source.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


def play(scenario, *, seed=3, **exchange):
    async def main():
        async with clients.served(**exchange) as server:
            await scenario(server)

    clients.run(main(), seed=seed)


class TestAClient:
    def test_is_seen_with_its_books_changes_trades_and_the_age_of_truth(self):
        async def scenario(server):
            source = await shown(server)
            assert source.sight(clients.B).note == "connecting to sim"
            assert source.sight(clients.B).book is None
            async with running(source):
                await asyncio.sleep(10)
                sight = source.sight(clients.B)
                assert (sight.place, sight.where, sight.is_recording) == ((2, 3), "sim", False)
                assert sight.book is source.live.books[clients.B]
                assert standing(sight)[0].startswith("LIVE, proven 0.") and sight.now_ns == virtual.now_ns()
                assert sight.note.endswith("connection 1 is open")
                assert sight.changes and sight.trades

        play(scenario, rate=60)

    def test_that_loses_its_connection_is_seen_stale_at_once_and_says_why(self):
        async def scenario(server):
            source = await shown(server)
            async with running(source):
                await asyncio.sleep(5)
                server.faults.add("refuse_connections:status=503")
                server.faults.abort()
                await asyncio.sleep(0.01)
                words, is_live = standing(source.sight(clients.A))
                assert words.startswith("STALE for 0.0 s, may be wrong: the connection ended (disconnected)") and not is_live
                assert source.sight(clients.A).proven_ns is None
                await asyncio.sleep(3)
                assert standing(source.sight(clients.A))[0].startswith("STALE for 3.0 s")
                assert "503" in source.sight(clients.A).note

        play(scenario)

    def test_without_named_markets_is_seen_with_all_that_its_simulated_exchange_has(self):
        async def main():
            source = LiveSource(kb.connect("sim"), "sim", (), now_ns=virtual.now_ns)
            async with running(source):
                await asyncio.sleep(2)
                assert len(source.market_tickers) == 50
                assert source.live.metrics.live_books == 50

        clients.run(main())

    def test_lets_whoever_likes_settle_in(self):
        seen = []

        async def settle_in(live, tickers):
            seen.append((live.metrics.open, tickers))

        async def scenario(server):
            async with running(await shown(server, settle_in=settle_in)):
                await asyncio.sleep(1)

        play(scenario)
        assert seen == [(1, [clients.A, clients.B, clients.C])]

    def test_tells_its_lines_of_everything(self):
        lines = Lines([clients.A])

        async def scenario(server):
            async with running(await shown(server, lines=lines)):
                await asyncio.sleep(10)
                server.faults.abort()
                await asyncio.sleep(15)
                server.life.pause(clients.A)
                await asyncio.sleep(1)

        play(scenario, rate=60)
        text = lines.taken()
        said = [line.split(" ", 2)[2] for line in text.splitlines()]
        assert {line.split()[1] for line in text.splitlines()} == {clients.A}
        assert said[0] == "NEW" or said[0] == "LIVE"
        assert "STALE (disconnected): the connection ended" in said
        assert said.count("LIVE") == 2
        assert any(line.startswith("yes bid $") and ", spread $" in line for line in said)
        assert any(line.startswith("trade yes $") and "the taker bought" in line for line in said)
        assert "market paused" in said

    def test_ends_by_what_it_is_refused_with(self):
        async def main():
            async with clients.served() as server:
                live = kb.connect(url=server.url, signer=Stranger(), market_tickers=[clients.A])
                with pytest.raises(kb.NotAuthorized):
                    await LiveSource(live, "sim", [clients.A], now_ns=virtual.now_ns).run()

        clients.run(main())


class Stranger:
    key_id = "nobody"

    def sign(self, text):
        return b"x"


class TestARecording:
    def test_is_played_by_its_own_clock(self, tmp_path):
        frames = [snapshot(seq=1), delta(seq=1_001), delta(seq=2_001)]  # a number is a millisecond
        source = TapeSource(tape_of(tmp_path, *frames), filtered=True)
        assert source.market_tickers == [] and source.now_ns == 1_793_000_000_001_000_000
        source.advance(0)
        assert source.market_tickers == [A]
        source.advance(SECOND - 1)
        assert source.sight(A).changes == ()
        source.advance(1)
        assert [change.at_ns for change in source.sight(A).changes] == [1_793_000_001_001_000_000]
        sight = source.sight(A)
        assert (sight.where, sight.place, sight.is_recording) == ("tape.ndjson", (1, 1), True)
        assert sight.note == "07:33:21 UTC, 1 x"
        assert not source.is_over
        source.advance(3600 * SECOND)
        assert source.is_over and source.now_ns == 1_793_000_002_001_000_000
        assert source.sight(A).note == "07:33:22 UTC, at its end"
        source.advance(SECOND)
        assert source.now_ns == 1_793_000_002_001_000_000

    def test_goes_faster_slower_and_pauses(self, tmp_path):
        source = TapeSource(tape_of(tmp_path, snapshot(seq=1), delta(seq=900_000)), speed=2)
        source.advance(SECOND)
        assert source.now_ns == 1_793_000_002_001_000_000
        source.speed_up(2)
        source.advance(SECOND)
        assert source.now_ns == 1_793_000_006_001_000_000
        assert source.sight(A).note == "07:33:26 UTC, 4 x"
        source.is_paused = True
        source.advance(SECOND)
        assert source.sight(A).note == "07:33:26 UTC, paused"
        for _ in range(20):
            source.speed_up(2)
        source.is_paused = False
        assert source.sight(A).note.endswith("1024 x")
        for _ in range(20):
            source.speed_up(0.5)
        assert source.sight(A).note.endswith("0.0625 x")

    def test_shows_the_markets_that_were_named_though_they_come_late_or_never(self, tmp_path):
        source = TapeSource(tape_of(tmp_path, snapshot(seq=1), snapshot(B, seq=2)), [B, "KXNONE"])
        assert source.sight(B).book is None
        source.advance(SECOND)
        assert source.sight(B).book.is_live and source.sight("KXNONE").book is None
        assert source.sight("KXNONE").place == (2, 2)

    def test_with_a_hole_is_seen_stale_since_then(self, tmp_path):
        source = TapeSource(tape_of(tmp_path, snapshot(seq=1), delta(seq=5), delta(seq=3_000)))
        source.advance(SECOND)
        source.advance(SECOND)
        assert standing(source.sight(A))[0].startswith("STALE for 1.0 s, may be wrong: frames are missing (gap)")

    def test_that_unsubscribes_shows_its_books_stale(self, tmp_path):
        source = TapeSource(tape_of(tmp_path, snapshot(seq=1), snapshot(B, seq=2), unsubscribed()))
        source.advance(SECOND)
        assert source.market_tickers == [A, B]
        assert standing(source.sight(B))[0].startswith("STALE for 0.0 s, may be wrong: it is no longer subscribed")

    def test_says_how_many_lines_could_not_be_read(self, tmp_path):
        source = TapeSource(tape_of(tmp_path, snapshot(seq=1), b"?", b"{}", delta(seq=2)))
        source.advance(SECOND)
        assert source.sight(A).note == "07:33:20 UTC, at its end, 2 lines could not be read"

    def test_without_times_is_played_a_hundred_frames_a_second(self, tmp_path):
        frames = [snapshot(seq=1, era="2026-03"), *(delta(seq=seq, era="2026-03") for seq in range(2, 200))]
        source = TapeSource(tape_of(tmp_path, *frames))
        source.advance(SECOND - 1)
        assert source.sight(A).book.seq == 100
        source.advance(SECOND)
        assert source.is_over

    def test_on_the_yes_scale(self, tmp_path):
        path = tape_of(tmp_path, snapshot(no=[("0.4500", "40.00")]))
        source = TapeSource(path, use_yes_price=True)
        source.advance(0)
        assert source.sight(A).book.best_yes_ask_e4() == 4500

    def test_that_was_wrapped_and_packed_has_its_times_of_receipt(self, tmp_path):
        path = tmp_path / "tape.ndjson.gz"
        frames = [snapshot().decode(), delta().decode()]
        wrapped = [json.dumps({"recv_ms": 5_000 + number, "raw": frame}) for number, frame in enumerate(frames)]
        path.write_bytes(gzip.compress("\n".join(wrapped).encode()))
        source = TapeSource(path)
        assert source.now_ns == 5_000_000_000
        source.advance(SECOND)
        assert source.sight(A).changes[0].at_ns == 5_001_000_000

    def test_that_is_empty_is_over(self, tmp_path):
        source = TapeSource(tape_of(tmp_path))
        assert source.is_over and source.market_tickers == []

    @pytest.mark.parametrize("speed", [0, -1, 0.01, 2000, float("nan")])
    def test_has_a_speed_within_reason(self, tmp_path, speed):
        with pytest.raises(kb.UsageError, match=r"expected a speed of 0.0625 to 1024, found"):
            TapeSource(tape_of(tmp_path, snapshot()), speed=speed)

    def test_that_cannot_be_opened_says_so(self, tmp_path):
        with pytest.raises(kb.TapeError, match="No such file"):
            TapeSource(tmp_path / "nowhere")

    def test_is_read_no_faster_than_keys_can_be_heard(self, tmp_path, monkeypatch):
        monkeypatch.setattr(sources, "FRAMES_A_LOOK", 10)
        source = TapeSource(tape_of(tmp_path, snapshot(seq=1), *(delta(seq=seq) for seq in range(2, 50))))
        source.advance(SECOND)
        assert source.sight(A).book.seq == 10
        assert source.now_ns == 1_793_000_000_010_000_000

    def test_plays_by_the_loops_clock(self, tmp_path):
        source = TapeSource(tape_of(tmp_path, snapshot(seq=1), subscribed(), ok([A, B], seq=2), delta(seq=900_000)), speed=4)

        async def main():
            async with running(source):
                await asyncio.sleep(10.01)

        clients.run(main())
        assert source.now_ns == 1_793_000_040_001_000_000
