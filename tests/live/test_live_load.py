"""What happened to others, and does not here: recovery, load, memory, tasks. Numbers as in the list of failure modes."""

import ast
import asyncio
import gc
import logging
from pathlib import Path

import pytest

import kalshi_book as kb
import kalshi_book.live
from clients import BOOK, A, B, C, Truth, Watch, client_of, play, run, served, settled
from kalshi_book import sim
from kalshi_book.live import wire as wires
from kalshi_book.sim import faults as kinds
from kalshi_book.sim import virtual

MINUTE_S = 60


class TestRecovery:
    @pytest.mark.parametrize(
        "planted",
        [
            [kinds.IgnoreCommand(action="get_snapshot")],
            [kinds.LoseReply(action="get_snapshot", times=2)],
            [kinds.NoSnapshots(for_s=25)],
            [kinds.IgnoreCommand(action="get_snapshot", times=3), kinds.IgnoreCommand(action="delete_markets")],
            [kinds.IgnoreCommand(times=4)],
            [kinds.IgnoreCommand(times=9)],
        ],
    )
    def test_fm_25_each_rung_may_fail_and_the_next_one_helps(self, planted):
        async def scenario(live, exchange):
            await live.all_live()
            for fault in planted:
                exchange.faults.add(fault)
            exchange.faults.drop()
            await asyncio.sleep(1)
            await settled(live, exchange, timeout_s=300)

        play(scenario, client={"audit_s": None})

    @pytest.mark.long
    def test_fm_26_a_storm_of_gaps_stays_within_the_budget(self):
        async def scenario(live, exchange):
            watch, pace = Watch(live), kb.Pace()
            await live.all_live()
            storm = exchange.faults.drop(every_s=0.2)
            await asyncio.sleep(10 * MINUTE_S)
            sent = len(watch.of(kb.events.CommandSent))
            assert live.metrics.gaps > 1000
            assert sent <= 10 * pace.budget_per_minute + pace.burst
            storm.cancel()
            await asyncio.sleep(60)
            await settled(live, exchange)
            assert live.metrics.disconnects == 0
            await watch.stop()

        play(scenario, rate=50)

    @pytest.mark.parametrize("code", [1, 10, 17, 18, 25, 26, 27])
    @pytest.mark.parametrize("fault", ["refuse_command", "false_error"])
    def test_fm_27_what_is_wanted_stays_wanted_whatever_error_answers_it(self, code, fault):
        async def scenario(live, exchange):
            await live.all_live()
            getattr(exchange.faults, fault)(code=code, times=3)
            exchange.faults.abort()
            await asyncio.sleep(1)
            assert live.subscriptions[BOOK].desired == {A, B, C}
            await settled(live, exchange)

        play(scenario)

    @pytest.mark.parametrize("seed", range(20))
    def test_fm_31_answers_in_any_order_reach_who_asked(self, seed):
        async def scenario(live, exchange):
            await live.all_live()
            answers = await asyncio.gather(
                live.get_snapshot([A]),
                live.subscribe("trade", market_tickers=[B]),
                live.get_snapshot([B, C]),
                live.list_subscriptions(),
                live.subscribe("ticker"),
                live.get_snapshot([C]),
            )
            assert [update.market_ticker for update in answers[0]] == [A]
            assert sorted(update.market_ticker for update in answers[2]) == [B, C]
            assert (BOOK, 1) in [(each.channel, each.sid) for each in answers[3][0]]
            assert [update.market_ticker for update in answers[5]] == [C]
            await settled(live, exchange)

        play(scenario, seed=seed, latency_s=(0, 2))

    @pytest.mark.parametrize("kind", ["wrong_delta", "lost_delta"])
    def test_fm_39_a_loss_with_a_perfect_sequence_is_found_by_the_audit(self, kind):
        async def scenario(live, exchange):
            watch = Watch(live)
            await live.all_live()
            getattr(exchange.faults, kind)(market_ticker=B)
            await asyncio.sleep(2 * MINUTE_S)
            found = watch.of(kb.events.AuditDiffered, kb.events.BookStale)
            assert {event.market_ticker for event in found} == {B}
            await settled(live, exchange)
            assert live.metrics.disconnects == 0
            await watch.stop()

        play(scenario, rate=2, client={"audit_s": 30})

    @pytest.mark.parametrize("limit", [1, 2, 5, 11])
    def test_fm_40_every_market_is_either_live_or_said_to_be_missing(self, limit):
        async def scenario(live, exchange):
            with pytest.raises(kb.CommandError) as raised:
                await live.add_markets(exchange.markets)
            assert raised.value.code == 26
            await asyncio.sleep(30)
            status = live.subscriptions[BOOK]
            assert len(status.held) == limit
            assert status.held | status.missing == set(exchange.markets)
            assert status.missing == status.refused
            assert {ticker for ticker, book in live.books.items() if book.is_live} == status.held

        play(scenario, markets=12, rules=sim.Rules(market_limit=limit), client={"market_tickers": []})


class TestManyConnections:
    def test_carry_more_markets_than_one_shall(self):
        async def scenario(live, exchange):
            truth = Truth(exchange.exchange)
            await settled(live, exchange)
            assert len(exchange.connections) == 3
            assert live.metrics.connections == live.metrics.open == 3
            assert sorted(live.books) == sorted(exchange.markets)
            assert live.subscriptions[BOOK].held == set(exchange.markets)
            await live.subscribe("trade")
            assert len(await live.list_subscriptions()) == 3
            assert len(await live.get_snapshot(exchange.markets)) == 10
            for _ in range(50):
                await asyncio.sleep(0.1)
                truth.check(live)
            exchange.faults.abort(connection=2)
            await asyncio.sleep(0.01)
            stale = [ticker for ticker, book in live.books.items() if not book.is_live]
            assert 1 <= len(stale) <= 4
            await settled(live, exchange)
            await live.remove_markets(exchange.markets[:5])
            assert len(live.books) == 5
            await live.add_markets(exchange.markets)
            assert len(exchange.connections) == 3
            await settled(live, exchange)

        play(scenario, markets=10, client={"markets_per_connection": 4})

    def test_tell_consumers_each_thing_once(self):
        async def scenario(live, exchange):
            await live.subscribe("market_lifecycle_v2")
            await live.subscribe("user_orders")
            await live.all_live()
            heard = []
            live.on("market_lifecycle_v2", "user_orders")(lambda update: heard.append(str(update.kind)))
            exchange.life.pause("KXSIM-26-J")
            exchange.orders.place("KXSIM-26-A", outcome_side="yes", price="0.0100", size="5")
            await asyncio.sleep(1)
            assert heard == ["market_lifecycle", "user_order"]
            assert live.books["KXSIM-26-J"].market_state == "paused"
            assert live.books["KXSIM-26-A"].market_state == "unknown"
            assert set(live.subscriptions) == {"market_lifecycle_v2", "user_orders", BOOK}
            await live.unsubscribe("market_lifecycle_v2")
            assert set(live.subscriptions) == {"user_orders", BOOK}

        play(
            scenario,
            markets=11,
            client={"markets_per_connection": 4, "market_tickers": [f"KXSIM-26-{c}" for c in "ABCDEFGHIJ"]},
        )

    def test_know_own_orders_on_each(self):
        async def scenario(live, exchange):
            await live.subscribe("user_orders")
            await live.all_live()
            live.confirm_orders([], as_of_ms=virtual.now_ns() // 1_000_000)
            for ticker in (A, C):
                exchange.orders.place(ticker, outcome_side="yes", price="0.0100", size="5")
            await asyncio.sleep(1)
            return [str(live.books[ticker].own_size_at("0.0100")) for ticker in (A, B, C)]

        assert play(scenario, client={"markets_per_connection": 1}) == ["5.00", "0.00", "5.00"]

    def test_confirm_own_orders_on_all_or_on_none(self):
        """The first one knew its own orders, the second did not, and the error said nothing of it."""

        def known(live):
            return [reading.is_known for reading in (live.books[ticker]._own.now() for ticker in (A, B))]

        async def scenario(live, exchange):
            await live.subscribe("user_orders")
            await live.all_live()
            exchange.faults.refuse_connections(status=503, for_s=30)
            exchange.faults.abort(connection=2)
            await asyncio.sleep(1)
            with pytest.raises(kb.UsageError, match=r"^confirm needs a subscription that tells what changes after the list"):
                live.confirm_orders([], as_of_ms=virtual.now_ns() // 1_000_000)
            assert known(live) == [False, False]
            await asyncio.sleep(60)
            await live.all_live()
            live.confirm_orders([], as_of_ms=virtual.now_ns() // 1_000_000)
            assert known(live) == [True, True]

        play(scenario, client={"markets_per_connection": 1, "market_tickers": [A, B]})

    @pytest.mark.parametrize("hears_of_them", [False, True])
    def test_made_later_know_what_was_said_of_markets(self, hears_of_them):
        async def scenario(live, exchange):
            if hears_of_them:
                await live.subscribe("market_lifecycle_v2")
            bands = (kb.PriceRange(0, 10_000, 100),)
            live.set_market(kb.Market(market_ticker=B, state=kb.MarketState.ACTIVE, price_ranges=bands, close_ts=2**31))
            await live.add_markets([B])
            assert live.metrics.connections == 2
            # What changes before that connection hears of it is lost.
            assert live.books[B].market_state == ("unknown" if hears_of_them else "active")
            assert live.books[B].market.close_ts == (None if hears_of_them else 2**31)
            assert str(live.books[B].tick_at("0.5000")) == "0.0100"
            if hears_of_them:
                exchange.life.pause(B)
                await asyncio.sleep(1)
                assert live.books[B].market_state == "paused"

        play(scenario, client={"markets_per_connection": 1, "market_tickers": [A]})


class TestLoad:
    def test_fm_41_a_handler_that_is_ten_times_too_slow_costs_the_books_nothing(self):
        """Message age grew from 8 to 21 seconds inside one connection."""

        async def scenario(live, exchange):
            ages = []

            @live.on(BOOK)
            async def slow(update):
                ages.append(virtual.now_ns() - update.received_ns)
                await asyncio.sleep(0.2)

            await asyncio.sleep(60)
            await settled(live, exchange)
            metrics = live.metrics
            assert max(ages) <= 10**9
            assert metrics.conflated > 2000
            assert metrics.lost == 0
            assert metrics.ages["received_to_applied"].max_ns == 0

        play(scenario, rate=50)

    def test_a_reader_that_is_too_slow_gets_error_25_and_recovers_by_itself(self):
        async def scenario(live, exchange):
            watch = Watch(live)
            await live.all_live()
            (link,) = virtual.network().links
            link.stall("server")
            await asyncio.sleep(4)
            link.resume("server")
            lost = await watch.next(kb.events.SubscriptionLost)
            assert (lost.channel, lost.code) == (BOOK, 25)
            await settled(live, exchange)
            assert live.metrics.disconnects == 0
            await watch.stop()

        network = virtual.Network(window_bytes=1 << 15)
        play(scenario, network=network, rate=1000, buffer_bytes=100_000)

    def test_pings_do_not_pile_up_behind_what_cannot_be_written(self):
        async def scenario(live, exchange):
            await live.all_live()
            (link,) = virtual.network().links
            link.stall("client")
            wire = live._lanes[0].session._wire
            while wire.transport.get_write_buffer_size() < 1 << 20:
                assert wire.write(b"x" * (1 << 16))
            full = wire.transport.get_write_buffer_size()
            wire.beat()
            assert wire.transport.get_write_buffer_size() == full

        play(scenario)

    @pytest.mark.long
    def test_fm_42_nothing_grows_under_a_burst(self):
        async def scenario(live, exchange):
            await live.all_live()
            stream = live.updates(BOOK, policy="all", size=1000)
            for _ in range(5):
                await asyncio.sleep(10)
                assert len(stream._queue) <= 1000
                session = live._lanes[0].session
                assert session._last is None
                assert session._wire.recv_messages.frames.queue.__len__() == 0
            stream.close()

        play(scenario, rate=1000)

    def test_fm_43_nothing_grows_with_the_churn_of_markets_that_never_answer(self):
        """Thousands of new markets a day. Of those that do: test_live_soak.py."""

        def sizes(live):
            hub, lane = live._hub, live._lanes[0]
            session, feed = lane.session, lane.feed
            registry = feed._subscriptions
            parts = {
                "lane_of": live._lane_of, "asks": session._asks, "pulses": session._pulses, "probes": session._probes,
                "audit": session._to_audit, "changes": hub._changes, "waiting": hub._books, "tasks": hub.tasks,
                "bells": hub.bells, "windows": hub.reports._windows, "pending": registry.pending,
                "sids": registry.by_sid, "books": feed._books, "refusals": lane.refusals,
            }  # fmt: skip
            return {name: len(part) for name, part in parts.items()}

        async def scenario(live, exchange):
            async def a_day():
                for hour in range(24):
                    tickers = [f"KXCHURN-{a_day.number}-{hour}-{number}" for number in range(100)]
                    await live.add_markets(tickers)
                    await asyncio.sleep(30)
                    await live.remove_markets(tickers)
                    await asyncio.sleep(30)
                a_day.number += 1
                await asyncio.sleep(300)

            a_day.number = 0
            await live.all_live()
            await a_day()
            before = sizes(live)
            for _ in range(3):
                await a_day()
            after = sizes(live)
            assert {name: count for name, count in after.items() if count > before[name] + 3} == {}
            await settled(live, exchange)

        play(scenario, rate=1)

    def test_fm_45_every_task_is_made_in_one_place(self):
        """A task that nobody holds is collected in the midst of its work."""
        made = []
        for path in sorted(Path(kalshi_book.live.__file__).parent.glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                name = getattr(node, "attr", getattr(node, "id", None))
                if name in ("create_task", "ensure_future"):
                    made.append((path.name, name))
        assert made == [("hub.py", "create_task")]

    @pytest.mark.long
    def test_fm_45_the_garbage_collector_may_run_at_any_time(self):
        async def scenario(live, exchange):
            seen = []
            live.on(BOOK)(seen.append)
            exchange.faults.abort(after_s=0.5)
            for _ in range(100):
                gc.collect()
                await asyncio.sleep(0.01)
            await settled(live, exchange)
            assert seen

        play(scenario)

    def test_fm_44_nothing_is_left_behind(self):
        """Tasks, timers and connections; a virtual run says so of every other test here, too."""

        async def hangs(update):
            await asyncio.sleep(3600)

        async def main():
            async with served() as exchange:
                before = asyncio.all_tasks()
                for _ in range(3):
                    async with client_of(exchange) as live:
                        live.on(BOOK)(hangs)
                        live.on(BOOK)(print)
                        live.off(print)
                        stream, events = live.updates(), live.events()
                        await live.all_live()
                        exchange.faults.abort()
                        await asyncio.sleep(5)
                    assert len(live._hub.tasks) == 0
                    del stream, events
                await asyncio.sleep(1)
                assert asyncio.all_tasks() == before
                assert exchange.connections == ()

        run(main())

    def test_fm_48_a_message_over_the_limit_is_named_and_not_asked_for_again_and_again(self, monkeypatch):
        """A limit of 1 MiB, error 1009, then the same snapshot again, and again."""

        async def scenario(live, exchange):
            watch = Watch(live)
            await asyncio.sleep(600)
            assert live.metrics.attempts <= 4
            failed = watch.of(kb.events.ConnectFailed)
            assert failed[0].is_permanent
            assert failed[0].reason.startswith("a message is larger than the limit of 1000 bytes: ")
            await watch.stop()

        monkeypatch.setattr(wires, "MAX_MESSAGE_BYTES", 1000)
        play(scenario)

    def test_fm_48_the_limit_is_the_exchanges_own(self):
        """64 MiB (AsyncAPI text, read 2026-10-26)."""
        assert wires.MAX_MESSAGE_BYTES == 64 * 1024 * 1024

    def test_fm_49_bad_frames_without_end_are_a_few_lines(self, caplog):
        async def scenario(live, exchange):
            await live.all_live()
            exchange.faults.truncate(times=5000)
            await asyncio.sleep(60)
            assert (
                live.metrics.counts[kb.Kind.MALFORMED, kb.Effect.IGNORED]
                + live.metrics.counts[kb.Kind.MALFORMED, kb.Effect.STALED]
                >= 1000
            )

        with caplog.at_level(logging.INFO, "kalshi_book.live"):
            play(scenario, rate=100)
        assert len([each for each in caplog.records if each.name.startswith("kalshi_book.live")]) <= 20 + 10


def scripted(server):
    """A session in which everything happens once."""

    async def script():
        async with client_of(server, market_tickers=[A, B]) as live:
            live.on(BOOK)(lambda update: None)
            stream, events = live.updates(), live.events()
            await live.all_live()
            await stream.__anext__()
            await live.subscribe("trade")
            await live.get_snapshot([A])
            await live.list_subscriptions()
            server.faults.abort()
            await events.__anext__()
            await live.remove_markets([B])
            await live.add_markets([B, C])
            await live.book(C)
            await live.unsubscribe("trade")

    return script()


def test_fm_46_cancellation_at_any_moment_leaves_nothing():
    """At each turn of the loop in which the session waits: it ends within a second, without a task, timer or socket."""

    async def length():
        async with served() as server:
            loop = asyncio.get_running_loop()
            before = loop.turns
            await scripted(server)
            return loop.turns - before

    async def cancelled_at(turn):
        async with served() as server:
            loop = asyncio.get_running_loop()
            before = asyncio.all_tasks()
            task = loop.create_task(scripted(server))
            once, left, cancelled_at = loop._run_once, [turn], []

            def counting():
                left[0] -= 1
                if left[0] == 0:
                    cancelled_at.append(loop.time())
                    task.cancel()
                once()

            loop._run_once = counting
            await asyncio.wait([task])
            del loop._run_once
            if cancelled_at:
                assert loop.time() - cancelled_at[0] <= 1
            left = [each.get_name() for each in asyncio.all_tasks() - before - {task}]
            assert [name for name in left if name.startswith(("kalshi_book", "handler"))] == []
            await asyncio.sleep(1)
            assert server.connections == ()
            return task.cancelled()

    turns = run(length())
    assert turns > 100
    ended = [run(cancelled_at(turn)) for turn in range(1, turns)]
    assert sum(ended) > 0.9 * turns


@pytest.mark.parametrize("after_s", [step / 1000 for step in range(0, 60, 2)] + [0.5, 1.1, 2.3])
def test_fm_46_cancellation_at_any_time_leaves_nothing(after_s):
    async def main():
        async with served() as server:
            task = asyncio.get_running_loop().create_task(scripted(server))
            await asyncio.sleep(after_s)
            task.cancel()
            await asyncio.wait([task])
            await asyncio.sleep(1)
            assert server.connections == ()

    run(main())
