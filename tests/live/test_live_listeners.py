"""Those who listen: none is passed over, none can hold up the end, and what is refused leaves nothing behind."""

import asyncio
import contextlib
import logging

import pytest

import kalshi_book as kb
from clients import BOOK, A, client_of, play, run, served
from frames import delta, snapshot
from kalshi_book.live import ConflatedUpdate
from kalshi_book.live.queues import UpdateQueue


def new_client():
    return kb.connect(url="ws://127.0.0.1:1", signer=object())


class TestAConsumerThatIsTakenOut:
    """The garbage collector takes unread streams out, at any allocation: also while the reader tells all of them."""

    def test_costs_no_other_an_update(self):
        async def scenario(live, exchange):
            await live.all_live()
            hub, left = live._hub, []

            class Leaving(UpdateQueue):
                def put(self, update):
                    left.append(update)
                    hub.remove(self)

            hub.add(Leaving("leaving"))
            stream = live.updates(policy="all")
            await asyncio.sleep(1)
            assert len(left) == 1
            assert (await stream.__anext__()).seq == left[0].seq

        play(scenario)

    def test_costs_no_other_an_event(self):
        async def scenario(live, exchange):
            await live.all_live()
            leaving = live.events()
            others = live.events()
            leaving._queue.on_item = leaving.close
            exchange.faults.abort()
            await asyncio.sleep(0.1)
            return type(await others.__anext__())

        assert play(scenario) is kb.events.Disconnected


class TestAClosing:
    def test_is_not_held_up_by_a_handler_that_swallows_its_cancellation(self, caplog):
        async def main():
            async with served() as exchange, client_of(exchange, market_tickers=[A]) as live:
                loop, freed = asyncio.get_running_loop(), asyncio.Event()

                @live.on(BOOK)
                async def stubborn(update):
                    while not freed.is_set():
                        with contextlib.suppress(asyncio.CancelledError):
                            await freed.wait()

                await asyncio.sleep(5)
                began = loop.time()
                await live.close()
                took_s = loop.time() - began
                freed.set()
                await asyncio.sleep(0)
                return took_s

        with caplog.at_level(logging.ERROR, "kalshi_book.live"):
            assert run(main()) < 4
        (line,) = [each.getMessage() for each in caplog.records if each.name == "kalshi_book.live"]
        assert line.startswith("handler TestAClosing.")
        assert line.endswith("stubborn swallows its cancellation: it is left to itself")

    def test_that_somebody_began_is_waited_for_by_all(self):
        """The ``async with`` ended while a handler's ``close`` was still under way."""

        async def main():
            async with served() as exchange:
                async with client_of(exchange, market_tickers=[A]) as live:
                    called = asyncio.Event()

                    @live.on(BOOK)
                    async def enough(update):
                        called.set()
                        await live.close()

                    await called.wait()
                assert [task.get_name() for task in live._hub.tasks._running] == []
                assert live._lanes[0]._task.done()

        run(main())


class TestAHandler:
    def test_that_is_a_method_is_found_again(self):
        """Each look at ``self.note`` makes another object."""

        class Strategy:
            def note(self, update):
                raise AssertionError

        live, strategy = new_client(), Strategy()
        live.on("ticker")(strategy.note)
        live.off(strategy.note)
        assert live._hub.queues == ()
        with pytest.raises(kb.UsageError, match=r"is not registered$"):
            live.off(Strategy().note)

    def test_is_registered_by_a_call_and_never_silently_not_at_all(self):
        live = new_client()
        with pytest.raises(kb.UsageError, match=r"^expected names of channels, found a function: write @live\.on\(\) or"):

            @live.on
            def note(update):
                raise AssertionError

    @pytest.mark.parametrize(
        "wrong", [{"on_error": "raise"}, {"policy": "some"}, {"size": 0}, {"market_tickers": A}, {"channels": ["book"]}]
    )
    def test_that_is_refused_leaves_nothing_behind(self, wrong):
        live = new_client()
        channels = wrong.pop("channels", [])
        with pytest.raises((kb.UsageError, TypeError)):
            live.on(*channels, **wrong)(print)
        assert (live._hub.queues, live._hub.puts, live._handlers) == ((), (), [])


class TestWhatIsLost:
    def test_is_counted_as_soon_as_it_is_lost(self):
        """A consumer that hangs never asks: nothing was counted."""

        async def scenario(live, exchange):
            stream = live.updates(BOOK, policy="all", size=10)
            await asyncio.sleep(20)
            lost = live.metrics.lost
            stream.close()
            assert live.metrics.lost == lost
            return lost

        assert play(scenario) > 100


class TestAConflatedUpdate:
    def test_has_every_name_of_an_update(self):
        names = [name for name in dir(kb.Update) if not name.startswith("_")]
        assert [name for name in names if not hasattr(ConflatedUpdate, name)] == []

    def test_has_the_subaccount_of_its_last_own_change(self):
        feed, queue = kb.Feed(), UpdateQueue("a consumer")
        frames = [
            snapshot(), delta(seq=2, client_order_id="a", subaccount=3), delta(seq=3, client_order_id="b", subaccount=4),
            delta(seq=4),
        ]  # fmt: skip
        for frame in frames:
            queue.put(feed.receive(frame))
        update = queue.take()
        assert (update.client_order_ids, update.client_order_id, update.subaccount) == (("a", "b"), "b", 4)
        assert (update.skipped, update.error) == (0, None)
