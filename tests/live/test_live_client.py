"""What a user of ``kb.connect`` gets: books, updates, events, commands and figures."""

import asyncio

import pytest

import kalshi_book as kb
from clients import BOOK, A, B, C, Truth, Watch, client_of, play, run, served, settled
from kalshi_book import sim
from kalshi_book.sim import virtual


class TestBooks:
    def test_are_live_a_moment_after_the_connection(self):
        async def scenario(live, exchange):
            book = await live.book(A)
            assert book.is_live
            assert book is live.books[A]
            await live.all_live()
            await settled(live, exchange)
            return asyncio.get_running_loop().time()

        assert play(scenario) < 0.1

    def test_are_never_other_than_the_exchanges(self):
        async def scenario(live, exchange):
            truth = Truth(exchange.exchange)
            await live.all_live()
            async for _ in live.updates(policy="all"):
                truth.check(live)
                if truth.checks > 1000:
                    return

        play(scenario)

    def test_are_one_mapping(self):
        async def scenario(live, exchange):
            await live.all_live()
            assert sorted(live.books) == [A, B, C]
            assert len(live.books) == 3
            assert "KXSIM-26-Z" not in live.books
            assert repr(live.books) == "<LiveBooks: 3 held, 3 live>"
            with pytest.raises(kb.UnknownMarket, match=r"^no book for 'KXSIM-26-Z' among the 3"):
                live.books["KXSIM-26-Z"]

        play(scenario)

    def test_may_be_added_and_taken_out(self):
        async def scenario(live, exchange):
            await live.add_markets([B])
            assert (await live.book(B)).is_live
            book = live.books[B]
            await live.remove_markets([B])
            assert B not in live.books
            assert (book.state, book.stale_reason) == ("stale", "unsubscribed")
            assert live.subscriptions[BOOK].held == {A}
            await live.unsubscribe(BOOK)
            assert live.subscriptions == {}
            await live.add_markets([C])
            assert [*live.books] == [C]

        play(scenario, client={"market_tickers": [A]})

    def test_that_nobody_wants_are_not_waited_for(self):
        async def scenario(live, exchange):
            with pytest.raises(kb.UnknownMarket):
                await live.book(B)
            with pytest.raises(kb.UnknownMarket):
                await live.get_snapshot([A, B])

        play(scenario, client={"market_tickers": [A]})

    def test_of_a_mistyped_market_are_waited_for_no_longer_than_is_said(self):
        """A bogus ticker is accepted and simply streams nothing (observed, 2026)."""

        async def scenario(live, exchange):
            with pytest.raises(kb.NotInTime) as raised:
                await live.book("KXSIM-26-TYPO", timeout_s=5)
            assert str(raised.value) == ("expected the book of KXSIM-26-TYPO to be LIVE, found NEW (None) within 5 s")
            with pytest.raises(kb.NotInTime) as raised:
                await live.all_live(timeout_s=5)
            assert str(raised.value) == ("expected 2 LIVE books, found 1 that are not, such as KXSIM-26-TYPO within 5 s")
            with pytest.raises(kb.UsageError, match=r"^timeout_s is a number of seconds, 0 or more, not -1$"):
                await live.book("KXSIM-26-TYPO", timeout_s=-1)
            await asyncio.sleep(600)
            assert live.books["KXSIM-26-TYPO"].state == "unavailable"
            assert live.books[A].is_live
            assert live.metrics.disconnects == 0

        play(scenario, client={"market_tickers": [A, "KXSIM-26-TYPO"]})

    def test_come_back_by_themselves_after_a_lost_connection(self):
        async def scenario(live, exchange):
            watch = Watch(live)
            book = await live.book(A)
            exchange.faults.abort()
            ended = await watch.next(kb.events.Disconnected)
            assert (ended.connection, ended.epoch, ended.is_wanted) == (1, 1, False)
            assert (book.state, book.stale_reason) == ("stale", "disconnected")
            assert live.proven_ns is None
            await settled(live, exchange)
            assert live.books[A] is book
            assert [type(event).__name__ for event in watch.events if "onnect" in type(event).__name__] == [
                "Disconnected", "Connected",
            ]  # fmt: skip
            await watch.stop()

        play(scenario)

    def test_know_whether_their_markets_trade(self):
        async def scenario(live, exchange):
            await live.subscribe("market_lifecycle_v2")
            exchange.life.pause(A)
            await asyncio.sleep(1)
            assert live.books[A].market_state == "paused"
            live.set_market(kb.Market(market_ticker=B, state=kb.MarketState.ACTIVE))
            assert live.books[B].market_state == "active"

        play(scenario)


class TestSubscribing:
    @pytest.mark.parametrize(
        "channel", ["ticker", "trade", "fill", "user_orders", "market_positions", "market_lifecycle_v2"]
    )
    def test_to_a_channel_waits_for_its_acknowledgement(self, channel):
        async def scenario(live, exchange):
            await live.subscribe(channel)
            assert live.subscriptions[channel].sid is not None
            await live.unsubscribe(channel)
            assert channel not in live.subscriptions

        play(scenario)

    def test_again_is_merged(self):
        """A second subscribe is answered by ``ok`` (observed, 2026)."""

        async def scenario(live, exchange):
            await live.subscribe("trade", market_tickers=[A])
            await live.subscribe("trade", market_tickers=[A, B])
            assert live.subscriptions["trade"].held == {A, B}
            await live.subscribe("trade", market_tickers=[A])
            await live.unsubscribe("trade", market_tickers=[A])
            assert live.subscriptions["trade"].held == {B}

        play(scenario)

    def test_of_very_many_markets_goes_in_chunks(self):
        async def scenario(live, exchange):
            await live.all_live()
            await settled(live, exchange)
            return live.metrics.books

        assert play(scenario, markets=1200, levels=2, rate=5) == 1200

    def test_without_a_wait_only_wants(self):
        async def scenario(live, exchange):
            await live.subscribe("ticker", timeout_s=0)
            assert live.subscriptions["ticker"].sid is None
            await live.unsubscribe("ticker", timeout_s=0)
            await asyncio.sleep(1)
            assert (await live.list_subscriptions()) == [[kb.messages.ChannelSid(channel=BOOK, sid=1)]]

        play(scenario)

    @pytest.mark.parametrize(
        ("channel", "text"),
        [
            ("ticker_v2", "the channel ticker_v2 is gone: subscribe to ticker"),
            ("market_lifecycle", "the channel market_lifecycle is gone: subscribe to market_lifecycle_v2"),
            ("market_position", "the channel market_position is gone: subscribe to market_positions"),
            ("multivariate", "the channel multivariate is gone, and no other took its place"),
        ],
    )
    def test_to_an_early_name_is_told_the_new_one(self, channel, text):
        async def scenario(live, exchange):
            for ask in (live.subscribe, live.unsubscribe):
                with pytest.raises(kb.UsageError) as raised:
                    await ask(channel)
                assert str(raised.value) == f"{text} (the exchange would answer with error 8)"

        play(scenario)

    def test_that_is_refused_raises_with_the_meaning(self):
        async def scenario(live, exchange):
            await live.all_live()
            exchange.faults.refuse_command(code=11)
            with pytest.raises(kb.CommandError) as raised:
                await live.subscribe("trade")
            assert (raised.value.code, raised.value.meaning) == (11, "Invalid parameter")
            assert str(raised.value) == ("subscribe trade: expected an acknowledgement, found error 11, Invalid parameter")
            assert live.subscriptions["trade"].refusal == 11
            exchange.faults.refuse_command(code=14)
            with pytest.raises(kb.CommandError) as raised:
                await live.add_markets([B])
            assert str(raised.value) == (
                "subscribe orderbook_delta KXSIM-26-B: expected an acknowledgement, found error 14, Market Ticker required"
            )
            await asyncio.sleep(70)
            assert live.subscriptions["trade"].sid is not None
            assert live.books[B].is_live

        play(scenario, client={"market_tickers": [A]})

    def test_that_is_acknowledged_and_not_done_raises_too(self):
        async def scenario(live, exchange):
            await live.all_live()
            with pytest.raises(kb.CommandError) as raised:
                await live.add_markets([B, C])
            return str(raised.value)

        text = play(scenario, client={"market_tickers": [A]}, rules=sim.Rules(market_limit=1))
        assert "found error 26, Subscription market limit exceeded" in text

    @pytest.mark.parametrize("code", [18, 27])
    def test_that_is_answered_unclearly_is_asked_again(self, code):
        async def scenario(live, exchange):
            exchange.faults.false_error(code=code)
            await live.subscribe("trade", market_tickers=[A])
            assert live.subscriptions["trade"].held == {A}

        play(scenario)

    def test_that_is_not_answered_in_time_stays_wanted(self):
        async def scenario(live, exchange):
            await live.all_live()
            hold = exchange.faults.hold_commands()
            with pytest.raises(kb.NotInTime) as raised:
                await live.subscribe("trade", market_tickers=[A, B], timeout_s=3)
            assert str(raised.value) == ("expected an acknowledgement of 2 items of trade, found 0 that are held within 3 s")
            with pytest.raises(
                kb.NotInTime, match=r"^expected an acknowledgement of ticker, found 0 that are held within 3 s$"
            ):
                await live.subscribe("ticker", timeout_s=3)
            with pytest.raises(kb.NotInTime, match=r"^expected orderbook_delta to be let go, found that it is held still"):
                await live.remove_markets([A], timeout_s=3)
            hold.cancel()
            await asyncio.sleep(60)
            assert live.subscriptions["trade"].held == {A, B}

        play(scenario)

    def test_goes_on_over_a_lost_connection(self):
        async def scenario(live, exchange):
            exchange.faults.hold_commands(connection=1)
            exchange.faults.abort(after_s=1)
            await live.subscribe("trade")
            assert live.metrics.connects == 2

        play(scenario)

    def test_with_one_text_for_a_list_is_a_type_error(self):
        async def scenario(live, exchange):
            for call in (live.add_markets, live.get_snapshot, live.remove_markets):
                with pytest.raises(TypeError, match=r'^market_tickers must be a list of tickers, such as \["KXDEMO-26-A"\]'):
                    await call(A)
            with pytest.raises(TypeError):
                client_of(exchange, market_tickers=A)

        play(scenario)


class TestQuestions:
    def test_are_answered_by_id(self):
        async def scenario(live, exchange):
            await live.subscribe("trade")
            lists, snapshots = await asyncio.gather(live.list_subscriptions(), live.get_snapshot([A, C]))
            assert [(each.channel, each.sid) for each in lists[0]] == [(BOOK, 1), ("trade", 2)]
            assert sorted((update.market_ticker, str(update.kind), update.error) for update in snapshots) == [
                (A, "snapshot", None), (C, "snapshot", None),
            ]  # fmt: skip
            assert live.metrics.audits == 2

        play(scenario, latency_s=(0, 1))

    def test_that_are_refused_raise(self):
        async def scenario(live, exchange):
            await live.all_live()
            exchange.faults.refuse_command(cmd="list_subscriptions", code=27)
            with pytest.raises(kb.CommandError) as raised:
                await live.list_subscriptions()
            assert raised.value.code == 27
            assert str(raised.value).startswith("list_subscriptions: expected an acknowledgement, found error 27, Too many")

        play(scenario)

    def test_that_are_not_answered_raise_in_time(self):
        async def scenario(live, exchange):
            await live.all_live()
            exchange.faults.no_snapshots(market_ticker=B)
            with pytest.raises(kb.NotInTime) as raised:
                await live.get_snapshot([A, B], timeout_s=2)
            assert str(raised.value) == (
                "get_snapshot on sid 1 KXSIM-26-A, KXSIM-26-B: expected 2 answers, found 1 within 2 s"
            )

        play(scenario)

    def test_whose_connection_ends_raise(self):
        async def scenario(live, exchange):
            await live.all_live()
            exchange.faults.hold_commands()
            exchange.faults.close(after_s=1, code=1001, reason="going away")
            with pytest.raises(kb.ConnectionLost) as raised:
                await live.list_subscriptions()
            assert str(raised.value) == (
                "list_subscriptions: the connection ended before the answer came (the exchange closed it: 1001 (going away) "
                "going away); ask again"
            )

        play(scenario)

    def test_need_a_connection_and_a_channel(self):
        async def scenario(live, exchange):
            with pytest.raises(
                kb.NotInTime, match=r"^expected a subscription to pyth_value to ask on, found none within 1 s$"
            ):
                await live.underlying_list(timeout_s=1)
            exchange.faults.refuse_connections()
            exchange.faults.abort()
            await asyncio.sleep(1)
            with pytest.raises(kb.NotInTime, match=r"^expected an open connection to ask on, found none within 1 s$"):
                await live.list_subscriptions(timeout_s=1)

        play(scenario)

    def test_of_indices_and_underlyings_list_what_there_is(self):
        async def scenario(live, exchange):
            await live.subscribe("cfbenchmarks_value", index_ids=["all"])
            await live.subscribe("pyth_value", underlying_tickers=["all"])
            assert type(await live.index_list()).__name__ == "IndexList"
            assert type(await live.underlying_list()).__name__ == "UnderlyingList"
            with pytest.raises(
                kb.UsageError, match=r"^expected a channel of cfbenchmarks_value, cfbenchmarks_value_5hz, found 'x'$"
            ):
                await live.index_list("x")

        play(scenario)


class TestItsLife:
    @pytest.mark.parametrize("tell", [
        lambda live: live.set_market(kb.Market(market_ticker=A)), lambda live: live.confirm_orders([], as_of_ms=1),
    ])  # fmt: skip
    def test_is_told_nothing_before_it_begins_which_would_be_lost(self, tell):
        live = kb.connect(url="ws://127.0.0.1:1", signer=object())
        with pytest.raises(kb.UsageError, match=r"^the client is new"):
            tell(live)

    def test_needs_an_async_with(self):
        live = kb.connect(url="ws://127.0.0.1:1", signer=object())
        assert repr(live) == "<Live new: 0 of 0 connections open, <LiveBooks: 0 held, 0 live>>"
        assert live.proven_ns is None
        for ask in (
            live.subscribe("trade"),
            live.book(A),
            live.all_live(),
            live.list_subscriptions(),
            live.unsubscribe(BOOK),
        ):
            with pytest.raises(kb.UsageError, match=r'^the client is new: use it inside of "async with kb\.connect'):
                asyncio.run(ask)

    def test_is_lived_once(self):
        async def scenario(live, exchange):
            with pytest.raises(kb.UsageError, match=r"^a client is entered once: make another one by kb\.connect$"):
                await live.__aenter__()
            await live.all_live()
            await live.close()
            await live.close()
            assert repr(live) == "<Live closed: 0 of 1 connections open, <LiveBooks: 3 held, 0 live>>"
            with pytest.raises(kb.UsageError, match=r"^the client is closed: "):
                await live.all_live()

        play(scenario)

    def test_ends_with_a_closing_handshake(self):
        async def main():
            async with served() as exchange:
                async with client_of(exchange) as live:
                    book = await live.book(A)
                await asyncio.sleep(1)
                assert exchange.connections == ()
                assert (book.state, book.stale_reason) == ("stale", "disconnected")

        run(main())

    def test_in_a_simulated_exchange_of_its_own(self):
        """``kb.connect("sim")``."""

        async def main():
            async with kb.connect("sim", market_tickers=[A]) as live:
                assert (await live.book(A)).is_live
                assert live.exchange.book(A).market_ticker == A
            return virtual.network().links

        assert run(main()) == []

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"markets_per_connection": 0}, "markets_per_connection is a whole number above 0, not 0"),
            ({"max_silence_s": 0}, "max_silence_s is a number of seconds above 0, not 0"),
            ({"audit_s": -1}, "audit_s is a number of seconds above 0, not -1"),
        ],
    )
    def test_takes_only_what_makes_sense(self, options, text):
        with pytest.raises(kb.UsageError) as raised:
            kb.connect("sim", **options)
        assert str(raised.value) == text

    def test_without_a_key_is_refused_before_anything_is_sent(self, monkeypatch):
        for name in ("KALSHI_API_KEY_ID", "KALSHI_KEY_ID"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(kb.UnusableKey):
            kb.connect("demo")


class TestFigures:
    def test_are_one_typed_object(self):
        async def scenario(live, exchange):
            await live.subscribe("ticker")
            await asyncio.sleep(100)
            return live.metrics

        metrics = play(scenario)
        assert (metrics.connections, metrics.open, metrics.attempts, metrics.connects, metrics.disconnects) == (
            1,
            1,
            1,
            1,
            0,
        )
        assert metrics.frames == sum(metrics.counts.values()) > 1500
        assert metrics.bytes > 100 * metrics.frames
        assert (metrics.books, metrics.live_books, metrics.gaps, metrics.skipped, metrics.lost) == (3, 3, 0, 0, 0)
        assert (metrics.audits, metrics.audits_differed, metrics.audits_unanswered) == (3, 0, 0)
        assert metrics.round_trip_ns == 2_000_000
        assert abs(metrics.clock_skew_ms) <= 500
        assert (
            1_000_000
            <= metrics.ages["exchange_to_applied"].min_ns
            <= metrics.ages["exchange_to_applied"].max_ns
            < 10_000_000
        )

    def test_are_proof_of_life(self):
        async def scenario(live, exchange):
            await asyncio.sleep(5)
            assert virtual.now_ns() - live.proven_ns <= 2_100_000_000

        play(scenario, rate=0)
