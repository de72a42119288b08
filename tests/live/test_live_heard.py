"""What consumers hear of channels that are no books', over all connections and their ends."""

import asyncio
import struct

import pytest

import kalshi_book as kb
from clients import A, B, Watch, play
from kalshi_book.live.heard import KEPT, Heard
from kalshi_book.sim import virtual

TWO = {"markets_per_connection": 1, "market_tickers": [A, B]}
SECOND_MS = 1000


def now_ms():
    return virtual.now_ns() // 1_000_000


async def listening(live, *channels):
    """Subscribe, and give what a consumer of it hears, and the events."""
    for channel in channels:
        await live.subscribe(channel)
    heard = []
    live.on(*channels)(heard.append)
    await live.all_live()
    return heard, Watch(live)


def trade(exchange, ticker=A):
    """Let an order of ours rest, and be filled by another one."""
    exchange.orders.place(ticker, outcome_side="yes", price="0.9900", size="1")


def told(heard):
    """What was heard, each by its name."""
    return [(str(each.kind), each.message.msg.order_id, getattr(each.message.msg, "status", None)) for each in heard]


class TestOwnOrdersAndFills:
    def test_are_heard_once_however_many_connections_bring_them(self):
        async def scenario(live, exchange):
            heard, watch = await listening(live, "fill", "user_orders")
            trade(exchange)
            await asyncio.sleep(1)
            assert {kind for kind, *_ in told(heard)} == {"fill", "user_order"}
            assert len(set(told(heard))) == len(heard)
            assert watch.of(kb.events.Missed) == []
            await watch.stop()

        play(scenario, client=TWO)

    @pytest.mark.parametrize("number", [1, 2])
    def test_are_heard_from_the_other_connection_while_one_is_down(self, number):
        """They came from connection 1 alone: what was filled while that was down, no consumer heard of."""

        async def scenario(live, exchange):
            heard, watch = await listening(live, "fill", "user_orders")
            exchange.faults.refuse_connections(status=503, for_s=30)
            exchange.faults.abort(connection=number)
            await asyncio.sleep(1)
            assert live.metrics.open == 1
            trade(exchange)
            await asyncio.sleep(1)
            assert {kind for kind, *_ in told(heard)} == {"fill", "user_order"}
            before = len(heard)
            await asyncio.sleep(100)
            await live.all_live()
            assert len(heard) == before
            trade(exchange)
            await asyncio.sleep(1)
            assert len(heard) > before
            assert len(set(told(heard))) == len(heard)
            assert watch.of(kb.events.Missed) == []  # since one was open all the time
            await watch.stop()

        play(scenario, client=TWO)

    def test_that_look_alike_may_be_two_where_the_exchange_sends_them_twice(self):
        async def scenario(live, exchange):
            heard, watch = await listening(live, "user_orders")
            exchange.faults.double(type="user_order", connection=1)
            exchange.orders.place(A, outcome_side="yes", price="0.0100", size="1")
            await asyncio.sleep(1)
            await watch.stop()
            return len(heard)

        assert play(scenario, client={"market_tickers": [A]}) == 2


class TestWhatIsMissed:
    def test_is_told_by_channel_with_the_time_when_all_connections_were_down(self):
        channels = "fill", "market_positions", "trade", "user_orders"

        async def scenario(live, exchange):
            _, watch = await listening(live, *channels)
            await asyncio.sleep(10)
            exchange.faults.refuse_connections(status=503, for_s=30)
            began_ms = now_ms()
            exchange.faults.abort()
            await asyncio.sleep(100)
            missed = watch.of(kb.events.Missed)
            assert [each.channel for each in missed] == list(channels)
            connected = watch.events.index(watch.of(kb.events.Connected)[0])
            assert all(watch.events.index(each) > connected for each in missed)
            for each in missed:
                assert began_ms - 2 * SECOND_MS <= each.since_ms <= began_ms
                assert began_ms + 30 * SECOND_MS <= each.until_ms <= now_ms()
            await watch.stop()
            return missed[0]

        missed = play(scenario)
        assert str(missed) == (
            f"fill: what came in the {(missed.until_ms - missed.since_ms) / 1e3:.1f} s from {missed.since_ms} (unix ms) on "
            "is missed: ask REST for it"
        )

    def test_is_told_of_a_subscription_that_the_exchange_ended(self):
        async def scenario(live, exchange):
            _, watch = await listening(live, "trade")
            exchange.faults.channel_error(sid=live.subscriptions["trade"].sid)
            missed = await watch.next(kb.events.Missed)
            assert live.metrics.disconnects == 0
            await watch.stop()
            return missed.channel

        assert play(scenario) == "trade"

    def test_begins_where_a_subscription_beside_it_fell_silent(self):
        """Bytes came on, and proved nothing of it."""

        async def scenario(live, exchange):
            _, watch = await listening(live, "fill")
            await asyncio.sleep(60)
            exchange.faults.silence()
            began_ms = now_ms()
            missed = await watch.next(kb.events.Missed)
            assert began_ms - 2 * SECOND_MS <= missed.since_ms <= began_ms + 2 * SECOND_MS
            assert missed.until_ms >= began_ms + 30 * SECOND_MS
            await watch.stop()

        play(scenario)

    def test_begins_where_a_message_began_that_never_ended(self):
        """What came behind it could not be read, though bytes came to the last."""

        async def scenario(live, exchange):
            _, watch = await listening(live, "fill")
            await asyncio.sleep(10)
            (theirs,) = exchange._listener._carriers
            began_ms = now_ms()
            theirs.transport.write(b"\x81\x7f" + struct.pack("!Q", 1 << 20) + b"{")
            missed = await watch.next(kb.events.Missed)
            assert began_ms - 2 * SECOND_MS <= missed.since_ms <= began_ms + SECOND_MS
            assert missed.until_ms >= began_ms + 120 * SECOND_MS
            await watch.stop()

        play(scenario, rate=0)

    @pytest.mark.parametrize("market_tickers", [None, [A]])
    @pytest.mark.parametrize("is_down", [False, True])
    def test_is_nothing_of_what_was_not_wanted_meanwhile(self, is_down, market_tickers):
        async def scenario(live, exchange):
            await live.subscribe("fill", market_tickers=market_tickers)
            watch = Watch(live)
            if is_down:
                exchange.faults.refuse_connections(status=503, for_s=10)
                exchange.faults.abort()
                await asyncio.sleep(1)
            await live.unsubscribe("fill", market_tickers=market_tickers)
            await asyncio.sleep(100)
            await live.subscribe("fill")
            await watch.stop()
            return watch.of(kb.events.Missed)

        assert play(scenario) == []


class TestAChannel:
    def test_is_missed_from_the_last_proof_of_any_connection_on_which_it_is_heard(self):
        heard = Heard()
        assert [heard.opened("fill", number) for number in (1, 2, 3)] == [None] * 3
        for number, proven_ms in ((3, 5), (2, 9), (1, 7)):
            heard.closed("fill", number, proven_ms)
        assert [heard.opened("fill", number) for number in (2, 1)] == [9, None]

    def test_is_heard_from_the_first_connection_alone_where_it_cannot_be_told_what_came_twice(self):
        heard = Heard()
        assert [heard.opened("trade", number) for number in (1, 2)] == [None] * 2
        for number in (1, 2):
            heard.closed("trade", number, number)
        assert [heard.opened("trade", number) for number in (2, 1)] == [None, 1]

    def test_that_is_wanted_no_more_is_not_missed(self):
        heard = Heard()
        heard.opened("fill", 1)
        heard.closed("fill", 1, None)
        assert heard.opened("fill", 1) is None
        heard.closed("fill", 1, 5)
        heard.forget("fill")
        assert heard.opened("fill", 1) is None


class TestAMessage:
    def test_without_a_name_is_heard_from_the_first_connection_alone(self):
        """Older shapes: two that look alike may be two."""
        heard = Heard()
        assert [heard.is_news(None, number) for number in (2, 1, 1)] == [False, True, True]

    def test_is_remembered_for_a_while(self):
        heard = Heard()

        def fill(number):
            return kb.messages.read(
                b'{"type":"fill","sid":1,"msg":{"trade_id":"t-%d","order_id":"o","market_ticker":"M","count_fp":"1.00",'
                b'"yes_price_dollars":"0.5000","outcome_side":"yes"}}' % number
            )

        assert [heard.is_news(fill(number), 1) for number in range(KEPT)] == [True] * KEPT
        assert not heard.is_news(fill(0), 2)
        assert heard.is_news(fill(KEPT), 1)
        assert heard.is_news(fill(0), 2)
