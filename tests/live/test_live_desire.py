"""What is wanted: a call that fails changes nothing, and every connection wants what books need, whatever came before it."""

import asyncio
import random
from types import SimpleNamespace

import pytest

import kalshi_book as kb
from clients import BOOK, A, B, C, Truth, client_of, play, run, served, settled
from kalshi_book.live.desire import LiveBooks


def wanted(live):
    """All that a call may change: books, connections, and what each wants of each channel."""
    channels = [
        {name: (status.desired, status.is_all) for name, status in lane.feed.subscriptions.items()} for lane in live._lanes
    ]
    return dict(live._lane_of), channels


class TestACallThatFails:
    @pytest.mark.parametrize(
        ("channel", "named", "error", "text"),
        [
            (BOOK, {"market_tickers": ["X"], "nonsense": 1}, TypeError, "subscribe takes no nonsense"),
            (BOOK, {"market_tickers": ["X"], "send_initial_snapshot": True}, kb.UsageError, "is for ticker alone"),
            (BOOK, {"market_tickers": ["X", 3]}, TypeError, "must be a list of texts, and has int in it"),
            (BOOK, {"market_tickers": [[]]}, TypeError, "must be a list of texts, and has list in it"),
            (BOOK, {"market_tickers": ["X", ""]}, kb.UsageError, "has an empty name in it"),
            (BOOK, {"market_tickers": []}, kb.UsageError, "orderbook_delta needs market_tickers"),
            (BOOK, {}, kb.UsageError, "orderbook_delta needs market_tickers"),
            (BOOK, {"market_tickers": ["X"], "use_yes_price": False}, kb.UsageError, "asks for use_yes_price=True alone"),
            (BOOK, {"market_tickers": ["X"], "timeout_s": -1}, kb.UsageError, "timeout_s is a number of seconds"),
            (BOOK, {"market_tickers": ["X"], "timeout_s": None}, kb.UsageError, "timeout_s is a number of seconds"),
            ("fill", {}, kb.UsageError, "fill is subscribed for 2 markets: unsubscribe it first"),
            ("fill", {"market_tickers": []}, kb.UsageError, "market_tickers is empty: leave it out for all markets of fill"),
            ("pyth_value", {"underlying_tickers": "BTC"}, TypeError, "must be a list of names"),
        ],
    )
    def test_changes_nothing(self, channel, named, error, text):
        async def scenario(live, exchange):
            await live.subscribe("fill", market_tickers=[A, B])
            before = wanted(live)
            with pytest.raises(error, match=text):
                await live.subscribe(channel, **named)
            assert wanted(live) == before
            await live.all_live(timeout_s=5)

        play(scenario, client={"markets_per_connection": 2})

    def test_to_unsubscribe_changes_nothing_either(self):
        async def scenario(live, exchange):
            await live.subscribe("fill")
            before = wanted(live)
            for named in ({"timeout_s": None}, {"market_tickers": [A]}, {"market_tickers": [A, 3]}):
                with pytest.raises((kb.UsageError, TypeError)):
                    await live.unsubscribe("fill", **named)
            assert wanted(live) == before

        play(scenario, client={"markets_per_connection": 2})

    def test_waits_for_no_book_that_was_not_taken_in(self):
        """The ticker stayed wanted and unasked: whoever waited for all books waited in vain."""

        async def scenario(live, exchange):
            with pytest.raises(TypeError):
                await live.subscribe(BOOK, market_tickers=["X"], nonsense=1)
            with pytest.raises(kb.UnknownMarket):
                await live.book("X")
            await live.all_live(timeout_s=1)

        play(scenario)


class TestAnEmptyList:
    def test_of_books_adds_and_removes_nothing(self):
        """As ``new - old`` of a program that follows a list of markets is now and then."""

        async def scenario(live, exchange):
            await live.add_markets([])
            await live.remove_markets([])
            await live.all_live()
            assert sorted(live.books) == [A, B, C]

        play(scenario)

    def test_needs_an_open_client_all_the_same(self):
        live = kb.connect(url="ws://127.0.0.1:1", signer=object())
        with pytest.raises(kb.UsageError, match=r"^the client is new"):
            asyncio.run(live.add_markets([]))


class TestNamesInAnyIterable:
    def test_are_taken_once(self):
        async def scenario(live, exchange):
            await live.subscribe("cfbenchmarks_value", index_ids=(name for name in ["BRTI"]))
            await live.subscribe("trade", market_tickers=(name for name in [A, B]))
            return [live.subscriptions[name].held for name in ("cfbenchmarks_value", "trade")]

        assert play(scenario) == [{"BRTI"}, {A, B}]


class TestBooksThatAreTakenOut:
    def test_are_out_of_the_mapping_at_once_in_every_way_to_look_at_it(self):
        """Iteration named a market whose book the mapping denied: figures and ``repr`` raised UnknownMarket."""

        async def scenario(live, exchange):
            await live.all_live()
            book = live.books[B]
            await live.remove_markets([B], timeout_s=0)
            assert (book.state, book.stale_reason) == ("stale", "unsubscribed")
            assert B not in live.books
            assert list(live.books) == [*dict(live.books.items())] == [A, C]
            assert (len(live.books), repr(live.books)) == (2, "<LiveBooks: 2 held, 2 live>")
            assert (live.metrics.books, live.metrics.live_books) == (2, 2)

        play(scenario)

    def test_are_unknown_also_where_that_happens_while_another_thread_asks(self):
        """It was a KeyError without words."""

        class LetGoMeanwhile(dict):
            def __contains__(self, ticker):
                return True

        books = LiveBooks({A: SimpleNamespace(feed=SimpleNamespace(books=LetGoMeanwhile()))})
        with pytest.raises(kb.UnknownMarket, match=r"^no book for 'KXSIM-26-A' among the 0"):
            books[A]

    def test_and_put_in_again_may_have_another_connection(self):
        async def scenario(live, exchange):
            await live.all_live()
            assert live._lane_of[C].number == 3
            await live.remove_markets([A, C], timeout_s=0)
            await live.add_markets([C], timeout_s=0)
            assert live._lane_of[C].number == 1
            await settled(live, exchange)
            await asyncio.sleep(10)
            assert sorted(live.books) == [B, C]
            assert live.subscriptions[BOOK].held == {B, C}

        play(scenario, client={"markets_per_connection": 1})


class TestALaterConnection:
    def test_wants_of_the_shared_channels_what_is_wanted_then(self):
        """It took everything that was ever subscribed, also what had been taken out since."""

        async def scenario(live, exchange):
            await live.subscribe("fill", market_tickers=[A, B])
            await live.subscribe("user_orders", market_tickers=[A, B])
            await live.subscribe("market_lifecycle_v2")
            await live.subscribe("trade")
            await live.unsubscribe("fill", market_tickers=[A])
            await live.unsubscribe("user_orders", market_tickers=[A, B])
            await live.add_markets([B])
            second = live._lanes[1]
            await asyncio.sleep(1)
            assert {name: status.held for name, status in second.feed.subscriptions.items()} == {
                BOOK: {B}, "fill": {B}, "market_lifecycle_v2": set(),
            }  # fmt: skip
            await live.subscribe("user_orders")
            assert all(lane.feed.subscriptions["user_orders"].is_all for lane in live._lanes)
            await live.unsubscribe("fill")
            assert all("fill" not in lane.feed.subscriptions for lane in live._lanes)

        play(scenario, client={"market_tickers": [A], "markets_per_connection": 1})

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_that_is_refused_is_tried_again_and_told(self, status):
        """It was given up for ever, and nobody was told."""

        async def main():
            async with served() as exchange, client_of(exchange, market_tickers=[A], markets_per_connection=1) as live:
                events = live.events()
                await live.all_live()
                span = exchange.faults.refuse_connections(status=status)
                with pytest.raises(kb.NotInTime):
                    await live.add_markets([B], timeout_s=5)
                span.cancel()
                async for event in events:
                    if isinstance(event, kb.events.ConnectFailed):
                        break
                assert (event.connection, event.is_permanent) == (2, True)
                await live.book(B, timeout_s=600)

        run(main())


@pytest.mark.parametrize("seed", range(12))
def test_any_wishes_in_any_order_end_as_wanted(seed):
    """Wishes without a wait, over lost connections: in the end what is wanted is held, and nothing else."""

    async def main():
        rng = random.Random(seed)
        async with (
            served(markets=9, levels=3, rate=50) as exchange,
            client_of(exchange, market_tickers=[], markets_per_connection=rng.choice([1, 2, 4])) as live,
        ):
            names, books, fills = exchange.markets, set(), set()
            truth = Truth(exchange.exchange)
            for _ in range(80):
                some = rng.sample(names, rng.randint(1, 4))
                which, what = (BOOK, books) if rng.random() < 0.7 else ("fill", fills)
                if rng.random() < 0.6:
                    await live.subscribe(which, market_tickers=some, timeout_s=0)
                    what.update(some)
                else:
                    await live.unsubscribe(which, market_tickers=some, timeout_s=0)
                    what.difference_update(some)
                if rng.random() < 0.1:
                    exchange.faults.abort(after_s=rng.random() / 10)
                if rng.random() < 0.5:
                    await asyncio.sleep(rng.choice([0, 0.001, 0.01, 1]))
                truth.check(live)
                assert set(live.books) <= books
            await settled(live, exchange)
            await asyncio.sleep(100)
            await settled(live, exchange)
            assert set(live.books) == books
            held = {name: status.held for name, status in live.subscriptions.items()}
            assert held == {name: what for name, what in ((BOOK, books), ("fill", fills)) if what}
            if fills:
                assert all(lane.feed.subscriptions["fill"].held == fills for lane in live._lanes)

    run(main())
