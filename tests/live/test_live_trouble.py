"""What goes wrong at a bad moment: it is told, it ends a connection at most, and books come right again."""

import asyncio

import pytest

import kalshi_book as kb
from clients import A, Watch, client_of, play, run, served, settled
from kalshi_book import sim
from kalshi_book.live import lane as lanes
from kalshi_book.live.session import Session
from kalshi_book.live.wire import dial


def once(function, error):
    """Let a function raise when it is called first."""
    calls = []

    def call(*args, **options):
        calls.append(1)
        if len(calls) == 1:
            raise error
        return function(*args, **options)

    return call


def test_a_fault_of_ours_before_a_connection_is_told_and_another_attempt_made(monkeypatch):
    monkeypatch.setattr(lanes, "dial", once(lanes.dial, ZeroDivisionError("by mistake")))

    async def main():
        async with served() as server:
            live = client_of(server)
            watch = Watch(live)
            async with live:
                await settled(live, server)
                await watch.stop()
                return [str(event) for event in watch.of(kb.events.Fault)], live.metrics.attempts

    assert run(main()) == (
        ["connection 1: ZeroDivisionError: by mistake: a mistake of this client, please report it"], 2
    )  # fmt: skip


def test_a_fault_of_ours_in_a_timer_ends_the_connection_and_nothing_else(monkeypatch):
    async def scenario(live, exchange):
        watch = Watch(live)
        await live.all_live()
        monkeypatch.setattr(Session, "_look_around", once(Session._look_around, ZeroDivisionError("by mistake")))
        ended = await watch.next(kb.events.Disconnected)
        assert ended.reason == "a fault of the client"
        assert len(watch.of(kb.events.Fault)) == 1
        assert all(book.stale_reason == "disconnected" for book in live.books.values())
        await settled(live, exchange)
        await watch.stop()

    play(scenario)


def test_an_exchange_that_answers_nothing_is_left_and_asked_on_another_connection():
    """Frames come on, so neither link nor sid is silent; but books that a gap made STALE would wait for ever."""

    async def scenario(live, exchange):
        watch = Watch(live)
        await live.all_live()
        deaf = exchange.faults.ignore_command(times=1_000)
        exchange.faults.drop()
        first = await watch.next(kb.events.Disconnected)
        second = await watch.next(kb.events.Disconnected)
        assert first.reason == "5 commands in a row were not answered"
        assert second.reason == "subscribing to orderbook_delta is not answered"
        deaf.cancel()
        await settled(live, exchange)
        await watch.stop()

    play(scenario)


@pytest.mark.long
def test_a_market_that_never_gives_a_snapshot_costs_no_connection():
    async def scenario(live, exchange):
        exchange.faults.no_snapshots(market_ticker=A)
        exchange.faults.drop(after_s=1)
        await asyncio.sleep(1_800)
        assert live.books[A].state == "unavailable"
        assert live.metrics.disconnects == 0

    play(scenario, max_turns=1_000_000)


def test_what_is_wanted_while_the_connection_breaks_off_is_asked_for_on_the_next():
    async def scenario(live, exchange):
        await live.all_live()
        live._lanes[0].session._wire.transport.abort()
        await live.subscribe("trade", timeout_s=0)
        await live.subscribe("trade")
        await settled(live, exchange)
        return live.metrics.connects

    assert play(scenario) == 2


def test_no_markets_are_asked_for_without_a_word_to_the_exchange():
    async def scenario(live, _):
        await live.all_live()
        before = live._lanes[0].feed.next_command_id
        return await live.get_snapshot([]), live._lanes[0].feed.next_command_id - before

    assert play(scenario) == ([], 0)


def test_a_frame_that_breaks_the_protocol_ends_the_connection_and_the_reason_says_so():
    """An opcode that is reserved (RFC 6455, section 5.2)."""

    async def scenario(live, exchange):
        watch = Watch(live)
        await live.all_live()
        (theirs,) = exchange._listener._carriers
        theirs.transport.write(b"\x83\x00")
        ended = await watch.next(kb.events.Disconnected)
        assert ended.reason == "closed by us: 1002 (protocol error) invalid opcode"
        await settled(live, exchange)
        await watch.stop()

    play(scenario)


@pytest.mark.parametrize("frame", [b"\x81\x01\xce", b"\x01\x01\xce\x80\x01\xce"])  # whole, and in two pieces
def test_a_text_that_is_not_utf_8_ends_the_connection_and_nothing_behind_it_is_taken_in(frame):
    """RFC 6455, section 8.1; found by Autobahn, cases 6.*."""

    async def scenario(live, exchange):
        watch = Watch(live)
        await live.all_live()
        before = live.metrics.frames
        (theirs,) = exchange._listener._carriers
        theirs.transport.write(frame + b"\x81\x02{}")
        ended = await watch.next(kb.events.Disconnected)
        assert ended.reason == "closed by us: 1007 (invalid frame payload data) a text that is not UTF-8"
        assert live.metrics.frames == before
        await settled(live, exchange)
        assert (live.metrics.late_frames, live.metrics.connects) == (1, 2)
        await watch.stop()

    play(scenario, rate=0)


@pytest.mark.parametrize(
    "frame", [b"\x81\x02\xce\xba", b"\x01\x01\xce\x80\x01\xba", b"\x82\x01\xff", b"\x02\x01\xff\x80\x01\xff"]
)
def test_a_text_beyond_ascii_and_what_is_no_text_are_the_feeds_to_judge(frame):
    async def scenario(live, exchange):
        await live.all_live()
        (theirs,) = exchange._listener._carriers
        theirs.transport.write(frame)
        await asyncio.sleep(1)
        malformed = sum(count for (kind, _), count in live.metrics.counts.items() if kind is kb.Kind.MALFORMED)
        return malformed, live.metrics.disconnects

    assert play(scenario, rate=0) == (1, 0)


def test_a_certificate_that_nobody_vouches_for_is_refused_on_a_real_socket():
    async def main():
        async with sim.serve(markets=1, tls=True, key_type="ed25519") as server:
            with pytest.raises(kb.HandshakeRefused) as raised:
                await client_of(server).__aenter__()
            return raised.value

    error = asyncio.run(main())
    assert error.status is None
    assert "its certificate cannot be verified: " in str(error)


def test_a_host_whose_name_cannot_be_written_is_no_fault_of_ours():
    async def main():
        return await dial(f"ws://{'a' * 70}.test/", None, sign=None, tls=None)

    failure = asyncio.run(main())
    assert failure.reason.startswith("the handshake failed: Unicode")  # its type differs between versions of Python
    assert not failure.is_permanent


def test_an_unknown_market_is_named():
    async def scenario(live, _):
        with pytest.raises(kb.UnknownMarket, match="KXSIM-26-Z"):
            await live.get_snapshot([A, "KXSIM-26-Z"])

    play(scenario)


def test_no_book_is_audited_that_is_not_live():
    async def main():
        async with served() as server:
            server.faults.no_snapshots()
            async with client_of(server, audit_s=2) as live:
                await asyncio.sleep(600)
                assert {str(book.state) for book in live.books.values()} == {"unavailable"}
                return live.metrics.audits, live.metrics.audits_unanswered

    assert run(main(), max_turns=1_000_000) == (0, 0)


def test_every_live_book_is_audited_before_one_is_again():
    async def main():
        async with served(markets=30) as server, client_of(server, audit_s=2) as live:
            seen = [0]
            while len(seen) < 5:
                await asyncio.sleep(0.1)
                if live.metrics.audits != seen[-1]:
                    seen.append(live.metrics.audits)
            return seen

    assert run(main()) == [0, 20, 30, 50, 60]
