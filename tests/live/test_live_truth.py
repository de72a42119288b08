"""A LIVE book is of now, also in a process that is busy, suspended, or on a machine that slept."""

import asyncio
import random

import pytest

import kalshi_book as kb
from clients import BOOK, SECOND, A, Watch, client_of, play, run, served, settled
from kalshi_book.live.hub import SleepClock, World
from kalshi_book.sim import virtual


def keep_busy(for_s):
    """Hold up the event loop, as work without an await does."""
    loop = asyncio.get_running_loop()
    loop._jump(loop._elapsed_ns + round(for_s * SECOND))


async def busy_for_ever(for_s, times=1000):
    for _ in range(times):
        keep_busy(for_s)
        await asyncio.sleep(0.001)


def states(live):
    return {(str(book.state), book.stale_reason) for book in live.books.values()}


class TestABusyProcess:
    @pytest.mark.parametrize("for_s", [1.5, 3, 7])
    def test_finds_a_dead_link_although_it_is_never_in_time(self, for_s):
        """Each tick came late and so judged nothing: books stayed LIVE for ever."""

        async def scenario(live, exchange):
            watch = Watch(live)
            await live.all_live()
            exchange.faults.half_open()
            busy = asyncio.ensure_future(busy_for_ever(for_s, times=round(60 / for_s)))
            loop = asyncio.get_running_loop()
            began = loop.time()
            ended = await watch.next(kb.events.Disconnected)
            assert ended.reason.startswith("nothing came for")
            assert loop.time() - began <= 12 + 3 * for_s
            assert all(state == "stale" for state, _ in states(live))
            await busy
            await settled(live, exchange)
            await watch.stop()

        play(scenario)

    @pytest.mark.parametrize("for_s", [1.5, 3, 7])
    def test_finds_a_subscription_that_fell_silent_although_it_is_never_in_time(self, for_s):
        async def scenario(live, exchange):
            watch = Watch(live)
            await asyncio.sleep(60)
            exchange.faults.silence()
            busy = asyncio.ensure_future(busy_for_ever(for_s, times=round(120 / for_s)))
            await watch.next(kb.events.Stalled, timeout_s=100)
            await busy
            await watch.stop()

        play(scenario)

    @pytest.mark.parametrize("for_s", [1.5, 3, 7])
    def test_keeps_a_connection_that_lives(self, for_s):
        async def scenario(live, exchange):
            await live.all_live()
            await busy_for_ever(for_s, times=50)
            assert live.metrics.disconnects == 0
            await settled(live, exchange)

        play(scenario)

    def test_that_was_held_up_for_longer_than_is_allowed_takes_no_book_for_live_before_a_new_snapshot(self):
        """What waited in the socket was taken for a proof of now."""

        async def scenario(live, exchange):
            watch, seen = Watch(live), []
            await live.all_live()
            before = live.metrics.counts[kb.Kind.SNAPSHOT, kb.Effect.HEALED]
            frame = live._lanes[0].session.frame

            def noting(data):
                if not seen:
                    seen.append(states(live))
                return frame(data)

            live._lanes[0].session._wire._frame = noting
            keep_busy(5)
            await asyncio.sleep(1)
            assert seen == [{("stale", "silent")}]
            (silent,) = watch.of(kb.events.LinkSilent)
            assert silent.silence_ns >= 5 * SECOND - 10**8
            assert live.metrics.counts[kb.Kind.SNAPSHOT, kb.Effect.HEALED] == before + 3
            assert live.metrics.disconnects == 0
            await settled(live, exchange)
            await watch.stop()

        play(scenario, client={"max_silence_s": 3})


class TestATimerOfOurs:
    @pytest.mark.parametrize("name", ["_look_around", "work"])
    def test_that_raises_is_told_and_costs_the_connection_alone(self, name):
        """Books would be looked after by nobody from then on."""

        async def scenario(live, exchange):
            watch = Watch(live)
            await live.all_live()

            def failing():
                raise ValueError("no")

            session = live._lanes[0].session
            setattr(session, name, failing)
            session._loop.call_soon(session._tick if name == "_look_around" else session._work_in_time)
            assert (await watch.next(kb.events.Fault)).error == "ValueError: no"
            await settled(live, exchange)
            assert live.metrics.connects == 2
            await watch.stop()

        play(scenario)


class TestAMachineThatSleeps:
    @pytest.mark.parametrize("is_link_alive", [True, False])
    def test_wakes_up_with_books_that_are_not_of_now(self, is_link_alive):
        """The clock of an event loop stands still while a laptop sleeps: books of hours ago were LIVE."""

        async def main():
            async with served(rate=1) as exchange:
                slept = [0]
                world = World(virtual.now_ns, random.Random(1), {}, lambda: slept[0])
                async with client_of(exchange, world=world) as live:
                    watch = Watch(live)
                    await live.all_live()
                    if not is_link_alive:
                        exchange.faults.half_open()
                    slept[0] = 3600 * SECOND
                    assert live.proven_ns <= virtual.now_ns() - 3600 * SECOND  # for whoever asks before the next tick
                    silent = await watch.next(kb.events.LinkSilent)
                    assert silent.silence_ns >= 3600 * SECOND
                    assert asyncio.get_running_loop().time() < 2.1
                    if not is_link_alive:
                        assert states(live) == {("stale", "silent")}
                    await asyncio.sleep(60)
                    assert live.metrics.counts[kb.Kind.SNAPSHOT, kb.Effect.HEALED] == 3
                    assert live.metrics.disconnects == (not is_link_alive)
                    await settled(live, exchange)
                    await watch.stop()

        run(main())

    def test_is_told_by_two_clocks(self):
        on, off = [50 * SECOND], [20 * SECOND]
        clock = SleepClock(lambda: on[0], lambda: off[0])
        assert clock() == 0
        on[0] += SECOND  # as far as two reads may be apart
        assert clock() == 0
        on[0] += SECOND
        assert clock() == 2 * SECOND
        on[0] -= SECOND // 2
        assert clock() == 2 * SECOND

    def test_has_such_clocks(self):
        assert SleepClock.real()() == 0
        assert World.real().slept_ns() == 0


class TestAnAllowedSilence:
    def test_that_is_shorter_than_two_pings_is_kept_by_more_pings(self):
        """Books of quiet markets were STALE between two pings, again and again."""

        async def scenario(live, exchange):
            watch = Watch(live)
            await live.all_live()
            await asyncio.sleep(60)
            assert watch.of(kb.events.LinkSilent) == []
            await watch.stop()

        play(scenario, rate=0, client={"max_silence_s": 0.5})


def test_the_age_of_messages_is_taken_also_after_the_clock_was_set_back():
    """No more ages were taken until the old time was reached again."""

    async def main():
        async with served() as exchange:
            step = [0]
            world = World(lambda: virtual.now_ns() + step[0], random.Random(1), {})
            async with client_of(exchange, world=world) as live:
                await live.subscribe(BOOK, market_tickers=[A])
                await asyncio.sleep(1)
                step[0] = -3600 * SECOND
                before = live.metrics.ages["received_to_applied"].count
                await asyncio.sleep(10)
                return live.metrics.ages["received_to_applied"].count - before

    assert run(main()) > 50
