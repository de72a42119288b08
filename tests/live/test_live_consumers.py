"""Streams and handlers: none can hold up another, and none the books."""

import asyncio
import gc
import logging

import pytest

import kalshi_book as kb
from clients import BOOK, A, B, Watch, client_of, play, run, served, settled


class TestAStream:
    def test_gives_changes_of_live_books_in_order(self):
        async def scenario(live, exchange):
            seen = []
            async for update in live.updates(BOOK, policy="all"):
                seen.append(update.seq)
                if len(seen) == 200:
                    return seen

        seen = play(scenario)
        assert seen == list(range(seen[0], seen[0] + 200))

    def test_of_everything_is_the_client_itself(self):
        async def scenario(live, exchange):
            await live.subscribe("trade")
            await live.subscribe("ticker")
            kinds = set()
            async for update in live:
                kinds.add(str(update.kind))
                if {"delta", "trade", "ticker"} <= kinds:
                    return kinds

        assert play(scenario) <= {"snapshot", "delta", "trade", "ticker"}

    def test_shows_own_orders(self):
        async def scenario(live, exchange):
            await live.all_live()
            stream = live.updates(market_tickers=[A])
            exchange.orders.place(A, outcome_side="yes", price="0.0100", size="5", client_order_id="mine")
            async for update in stream:
                if update.own:
                    return update.client_order_id

        assert play(scenario) == "mine"

    def test_conflates_for_a_slow_consumer_while_the_book_is_of_now(self):
        async def scenario(live, exchange):
            most = 0
            async for update in live.updates(BOOK):
                most = max(most, getattr(update, "conflated", 1))
                await asyncio.sleep(1)
                assert update.book.is_live
                if most > 5:
                    await settled(live, exchange)
                    return live.metrics.conflated

        assert play(scenario, rate=50) > 50

    def test_tells_a_consumer_that_is_too_slow_what_it_lost_and_goes_on(self):
        async def scenario(live, exchange):
            await live.all_live()
            stream = live.updates(BOOK, policy="all", size=50, name="mine")
            await asyncio.sleep(20)
            with pytest.raises(
                kb.ConsumerOverrun, match=r"^mine: expected it to keep up with a queue of 50, found \d+ more"
            ):
                async for _ in stream:
                    pass
            lost = live.metrics.lost
            assert lost > 100
            async for update in stream:
                assert update.book.is_live
                stream.close()
            assert live.metrics.lost == lost

        play(scenario)

    def test_ends_when_it_is_closed_after_what_waits(self):
        async def scenario(live, exchange):
            await live.all_live()
            stream = live.updates(BOOK, policy="all")
            await asyncio.sleep(3)
            stream.close()
            return [update async for update in stream]

        assert len(play(scenario)) > 20

    def test_ends_when_the_client_is_closed(self):
        async def main():
            async with served() as exchange, client_of(exchange) as live:
                updates, events = live.updates(), live.events()
                reading = asyncio.gather(*map(whole, (updates, events)))
                await asyncio.sleep(3)
                await live.close()
                await reading
                assert [update async for update in live.updates()] == []
                assert [event async for event in live.events()] == []

        async def whole(stream):
            return [each async for each in stream]

        run(main())

    def test_that_nobody_reads_any_more_costs_nothing(self):
        async def scenario(live, exchange):
            await live.all_live()
            async for _ in live:
                break
            exchange.faults.abort(after_s=1)
            async for _ in live.events():
                break
            gc.collect()
            hub = live._hub
            return len(hub.queues), len(hub.puts), len(hub.event_queues), len(hub.bells)

        assert play(scenario) == (0, 0, 0, 0)

    def test_that_was_closed_writes_nothing_when_the_garbage_collector_finds_it_later(self):
        """It may do so in another thread: a stream of events that began in that moment never heard of any."""

        async def scenario(live, exchange):
            streams = [live.events(), live.updates()]
            for stream in streams:
                stream.close()
            before = live._hub.event_queues, live._hub.queues
            del stream, streams
            gc.collect()
            return live._hub.event_queues is before[0], live._hub.queues is before[1]

        async def with_others(live, exchange):
            others = live.events(), live.updates()
            found = await scenario(live, exchange)
            del others
            return found

        assert play(with_others) == (True, True)

    def test_is_for_one_task_alone(self):
        async def scenario(live, exchange):
            stream = live.updates("fill")
            first = asyncio.ensure_future(stream.__anext__())
            await asyncio.sleep(1)
            with pytest.raises(kb.UsageError, match=r"^another task waits for this stream already: give each consumer"):
                await stream.__anext__()
            first.cancel()
            await asyncio.wait([first])

        play(scenario)


class TestAHandler:
    @pytest.mark.parametrize("is_async", [False, True])
    def test_is_called_with_each_update_in_order(self, is_async):
        """Callbacks of others ran out of order: 2, 4, 6, 8, 1, 3, 5, 7."""
        seen = []

        async def slowly(update):
            await asyncio.sleep(0.01 * (update.seq % 3))
            seen.append(update.seq)

        async def scenario(live, exchange):
            live.on(BOOK, policy="all")(slowly if is_async else lambda update: seen.append(update.seq))
            await asyncio.sleep(10)

        play(scenario)
        assert len(seen) > 100
        assert seen == list(range(seen[0], seen[0] + len(seen)))

    def test_may_be_registered_before_the_client_is_entered(self):
        seen = []

        async def main():
            async with served() as exchange:
                live = client_of(exchange)

                @live.on("ticker", market_tickers=[A])
                def note(update):
                    seen.append(update.market_ticker)

                async with live:
                    await live.subscribe("ticker")
                    await asyncio.sleep(10)

        run(main())
        assert set(seen) == {A}

    def test_fm_47_that_raises_is_told_and_counted_and_goes_on(self, caplog):
        async def scenario(live, exchange):
            watch, seen = Watch(live), []

            @live.on(BOOK, market_tickers=[A])
            def failing(update):
                seen.append(update)
                raise ValueError("no")

            await asyncio.sleep(10)
            assert len(seen) > 10
            first = watch.of(kb.events.HandlerFailed)[0]
            assert (first.error, first.count, first.is_detached) == ("ValueError: no", 1, False)
            assert str(first) == f"{first.handler} raised ValueError: no (1 in all)"
            assert live.metrics.handler_errors == len(seen) == len(watch.of(kb.events.HandlerFailed))
            await settled(live, exchange)
            assert live.metrics.disconnects == 0
            await watch.stop()

        with caplog.at_level(logging.ERROR, "kalshi_book.live"):
            play(scenario)
        assert [each.exc_info[0] for each in caplog.records if each.exc_info] == [ValueError]

    def test_that_raises_may_be_detached(self):
        async def scenario(live, exchange):
            watch, seen = Watch(live), []

            @live.on(BOOK, on_error="detach")
            def failing(update):
                seen.append(update)
                raise ValueError("no")

            await asyncio.sleep(10)
            (event,) = watch.of(kb.events.HandlerFailed)
            assert (len(seen), event.is_detached) == (1, True)
            assert str(event).endswith("failing raised ValueError: no (1 in all); it is detached")
            await watch.stop()

        play(scenario)

    @pytest.mark.parametrize("error", [asyncio.CancelledError, GeneratorExit, type("Mine", (BaseException,), {})])
    def test_goes_on_after_exceptions_that_are_no_errors_too(self, error):
        async def scenario(live, exchange):
            seen = []

            @live.on(BOOK)
            async def failing(update):
                seen.append(update)
                raise error

            await asyncio.sleep(10)
            return len(seen)

        assert play(scenario) > 10

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_ends_the_program_where_that_is_what_it_raises(self, error):
        async def scenario(live, exchange):
            @live.on(BOOK)
            def failing(update):
                raise error

            await asyncio.sleep(10)

        with pytest.raises(error):
            play(scenario)

    def test_fm_47_that_hangs_is_told_and_holds_up_nobody(self):
        async def scenario(live, exchange):
            watch, seen = Watch(live), []
            live.on(BOOK)(seen.append)

            @live.on(BOOK, policy="all", size=50)
            async def hanging(update):
                await asyncio.sleep(30)

            await asyncio.sleep(60)
            assert len(seen) > 500
            slow = watch.of(kb.events.HandlerSlow)
            assert len(slow) == 2
            assert str(slow[0]).endswith("hanging has not returned for 6 s")
            (lost, *_) = watch.of(kb.events.UpdatesLost)
            assert str(lost).endswith(f"hanging is too slow: {lost.lost} updates are lost for it")
            await settled(live, exchange)
            await watch.stop()

        play(scenario)

    def test_may_subscribe_and_unsubscribe_and_read_inside(self):
        async def scenario(live, exchange):
            done = []

            @live.on(BOOK, market_tickers=[A])
            async def busy(update):
                await live.remove_markets([B])
                await live.add_markets([B])
                await live.book(B)
                done.append(update)

            await asyncio.sleep(10)
            return len(done)

        assert play(scenario) > 10

    def test_may_close_its_client(self):
        async def main():
            async with served() as exchange, client_of(exchange) as live:

                @live.on(BOOK)
                async def enough(update):
                    await live.close()

                await asyncio.sleep(10)
                return repr(live)

        assert run(main()).startswith("<Live closed: 0 of 1 connections open")

    def test_is_called_no_more_once_it_is_off(self):
        async def scenario(live, exchange):
            seen = []

            @live.on(BOOK)
            def note(update):
                seen.append(update)
                if len(seen) == 5:
                    live.off(note)

            await asyncio.sleep(10)
            assert len(seen) == 5
            with pytest.raises(kb.UsageError, match=r" is not registered$"):
                live.off(note)

        play(scenario)

    def test_is_called_no_more_with_what_waited_when_it_was_taken_off(self):
        async def scenario(live, exchange):
            seen, stream = [], live.updates(BOOK)
            update = await stream.__anext__()
            live.on(BOOK)(seen.append)
            await asyncio.sleep(1)
            seen.clear()
            for put in live._hub.puts:
                put(update)
            live.off(seen.append)
            await asyncio.sleep(1)
            return seen

        assert play(scenario) == []

    def test_is_registered_with_what_makes_sense(self):
        live = kb.connect(url="ws://127.0.0.1:1", signer=object())
        with pytest.raises(kb.UsageError, match=r"^on_error is \"report\" or \"detach\", not 'raise'$"):
            live.on(on_error="raise")(print)
