"""Whoever waits is told as soon as it is known that it waits in vain, and leaves nothing behind."""

import asyncio
import gc

import pytest

import kalshi_book as kb
from clients import A, B, client_of, play, run, served


async def timed(waiting):
    """What a call raises, and after how long."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        return await waiting, loop.time() - began
    except Exception as error:
        return error, loop.time() - began


class TestAWait:
    def test_ends_when_the_client_is_closed(self):
        async def main():
            async with served() as exchange, client_of(exchange, market_tickers=[A, "TYPO"]) as live:
                await live.book(A)
                exchange.faults.hold_commands()
                waits = [
                    asyncio.ensure_future(timed(call))
                    for call in (
                        live.book("TYPO"), live.all_live(), live.subscribe("trade"), live.underlying_list(),
                    )
                ]  # fmt: skip
                await asyncio.sleep(1)
                await live.close()
                for error, took_s in await asyncio.gather(*waits):
                    assert str(error) == 'the client is closed: use it inside of "async with kb.connect(...) as live"'
                    assert (type(error), round(took_s, 1)) == (kb.UsageError, 1.0)

        run(main())

    def test_for_a_book_ends_when_it_is_wanted_no_more(self):
        async def scenario(live, exchange):
            waiting = asyncio.ensure_future(timed(live.book("TYPO")))
            await asyncio.sleep(1)
            await live.remove_markets(["TYPO"])
            error, took_s = await waiting
            assert (type(error), round(took_s, 1)) == (kb.UnknownMarket, 1.0)

        play(scenario, client={"market_tickers": [A, "TYPO"]})

    def test_for_a_book_goes_on_where_it_moves_to_another_connection(self):
        async def scenario(live, exchange):
            await live.all_live()
            span = exchange.faults.no_snapshots(market_ticker=B)
            await live.add_markets([B])
            waiting = asyncio.ensure_future(live.book(B))
            await asyncio.sleep(1)
            await live.remove_markets([A, B], timeout_s=0)
            await live.add_markets([B], timeout_s=0)
            span.cancel()
            book = await waiting
            assert live._lane_of[B].number == 1
            assert book is live.books[B]
            assert book.is_live

        play(scenario, client={"market_tickers": [A], "markets_per_connection": 1})


class TestAQuestion:
    def test_about_nothing_has_its_answer(self):
        async def scenario(live, exchange):
            return await live.get_snapshot([])

        assert play(scenario) == []

    def test_that_is_not_answered_leaves_nothing_behind(self):
        async def scenario(live, exchange):
            await live.all_live()
            exchange.faults.no_snapshots(market_ticker=B)
            for _ in range(20):
                with pytest.raises(kb.NotInTime):
                    await live.get_snapshot([B], timeout_s=1)
            return live._lanes[0].session._asks

        assert play(scenario) == {}

    def test_may_take_no_longer_than_it_is_given_over_all_connections_and_chunks(self):
        async def scenario(live, exchange):
            await live.all_live()
            exchange.faults.delay_snapshots(for_s=3)
            exchange.faults.hold_commands(connection=3)
            error, took_s = await timed(live.list_subscriptions(timeout_s=4))
            assert (type(error), round(took_s)) == (kb.NotInTime, 4)
            error, took_s = await timed(live.get_snapshot(exchange.markets, timeout_s=4))
            assert (type(error), round(took_s)) == (kb.NotInTime, 4)

        play(scenario, client={"markets_per_connection": 1})

    def test_of_several_connections_waits_once_and_not_for_one_after_another(self):
        async def scenario(live, exchange):
            await live.all_live()
            exchange.faults.delay_snapshots(for_s=3)
            answers, took_s = await timed(live.get_snapshot(exchange.markets, timeout_s=4))
            assert sorted(update.market_ticker for update in answers) == sorted(exchange.markets)
            assert took_s < 3.5

        play(scenario, client={"markets_per_connection": 1})

    def test_that_is_cancelled_as_its_connection_ends_leaves_no_exception_unseen(self):
        async def scenario(live, exchange):
            loop, unseen = asyncio.get_running_loop(), []
            loop.set_exception_handler(lambda _, context: unseen.append(context))
            await live.all_live()
            exchange.faults.hold_commands()
            asking = asyncio.ensure_future(live.list_subscriptions())
            await asyncio.sleep(1)
            live._lanes[0].session.ended("a test")
            asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled()
            del asking
            gc.collect()
            return unseen

        assert play(scenario) == []
