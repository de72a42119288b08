"""The client in plain loops: everything that the other form has, with the same errors, from any thread."""

import asyncio
import collections
import contextlib
import inspect
import threading
import time
import traceback

import pytest

import kalshi_book as kb
from kalshi_book import sync
from kalshi_book.sync import client as sync_client
from kalshi_book.sync import portal, streams
from plain import BOOK, WAIT_S, A, B, in_its_thread, plain_client, threads

FORMS_OF_LIFE = {"__aenter__": "__enter__", "__aexit__": "__exit__", "__aiter__": "__iter__", "__anext__": "__next__"}
ONLY_PLAIN = {
    "Live": {"frozen", "wait"},  # asyncio needs neither: there, nothing changes but in an await, and one can await anything
    "Stream": {"next"},  # asyncio.wait_for(anext(stream), ...)
}
ONLY_ASYNC = {"Live": set(), "Stream": {"heard_by"}}  # that one is for this form


def names(thing):
    """The public names of a class or object, and what makes it a context or an iterator."""
    found = {FORMS_OF_LIFE.get(name, name) for name in dir(thing)}
    return {name for name in found if not name.startswith("_") or name in FORMS_OF_LIFE.values()}


@pytest.fixture
def live():
    with plain_client() as found:
        yield found


@pytest.fixture
def book(live):
    return live.book(A)


def _next_of(stream):
    """Give what comes next to a consumer that is too slow again and again."""
    while True:
        with contextlib.suppress(kb.ConsumerOverrun):
            return next(stream)


class TestTheTwoForms:
    @pytest.mark.parametrize(("name", "plain", "other"), [
        ("Live", kb.sync.connect("sim"), kb.connect("sim")), ("Stream", sync.Stream, kb.live.Stream),
    ])  # fmt: skip
    def test_have_the_same_names(self, name, plain, other):
        assert names(plain) - names(other) == ONLY_PLAIN[name]
        assert names(other) - names(plain) == ONLY_ASYNC[name]

    @pytest.mark.parametrize("name", sorted(names(kb.live.Live) - set(FORMS_OF_LIFE.values())))
    def test_take_the_same_arguments(self, name):
        plain, other = (inspect.getattr_static(cls, name) for cls in (sync.Live, kb.Live))
        if not isinstance(other, property):
            given = [inspect.signature(each).parameters for each in (plain, other)]
            assert list(given[0].values()) == list(given[1].values())

    def test_are_made_by_the_same_arguments(self):
        assert inspect.signature(sync.connect).parameters == inspect.signature(kb.connect).parameters
        assert sync.connect.__doc__ == kb.connect.__doc__

    @pytest.mark.parametrize("call", ["book", "subscribe", "get_snapshot", "set_market"])
    def test_have_one_documentation(self, call):
        assert getattr(sync.Live, call).__doc__ == getattr(kb.Live, call).__doc__


class TestBooks:
    def test_are_read_as_everywhere(self, live, book):
        bid, ask = book.bbo()
        assert 0 < bid.price_e4 < ask.price_e4
        assert (live.books[A] is book, list(live.books.items()), list(live.books.values())) == (True, [(A, book)], [book])

    def test_come_and_go(self, live):
        live.add_markets([B])
        other = live.book(B)
        assert sorted(live.books) == [A, B]
        live.remove_markets([B])
        assert (list(live.books), other.is_live) == ([A], False)

    def test_are_stale_when_the_client_is_closed(self):
        with plain_client() as live:
            book = live.book(A)
        assert (book.state, book.stale_reason) == (kb.State.STALE, "disconnected")
        assert repr(live) == "<Live closed: 0 of 1 connections open, <LiveBooks: 1 held, 0 live>>"

    def test_that_are_let_go_while_somebody_goes_through_them_are_no_error(self, live):
        live.add_markets([B])
        seen = []
        for each in live.books.values():
            seen.append(each.market_ticker)
            live.remove_markets([A, B])
        assert seen == [A, B]

    def test_are_proven_by_what_is_looked_at_from_outside_of_the_thread(self, live, book):
        """A thread that hangs cannot keep the proof young."""

        def proven_ns():
            """Each look takes two clocks; the least of some is that in which nothing came between them."""
            return min(live.proven_ns for _ in range(20))

        with live.frozen():
            before_ns = proven_ns()
            began = time.perf_counter_ns()
            while time.perf_counter_ns() - began < 2_000_000:
                """Time passes."""
            assert abs(proven_ns() - before_ns) < 1_000_000
        live.exchange.faults.abort()
        live.exchange.faults.refuse_connections(for_s=60)
        live.wait(lambda: live.proven_ns is None)


class TestIterating:
    def test_gives_what_comes(self, live, book):
        for update in live:
            assert (update.market_ticker, update.kind) == (A, kb.Kind.DELTA)
            break

    def test_over_some_channels_and_markets(self, live):
        live.subscribe("trade", market_tickers=[A])
        stream = live.updates("trade", market_tickers=[A], policy="all", size=5, name="trades")
        assert stream.next(timeout_s=WAIT_S).kind is kb.Kind.TRADE

    def test_gives_many_that_wait_in_order(self, live):
        live.add_markets([B])
        stream = live.updates(BOOK, policy="all")
        live.wait(lambda: live.metrics.frames > 300)
        seen = [stream.next() for _ in range(250)]
        assert [each.seq for each in seen] == list(range(seen[0].seq, seen[0].seq + 250))

    def test_ends_when_the_client_is_closed_with_all_that_was_there(self):
        with plain_client() as live:
            stream = live.updates(policy="all")
            live.wait(lambda: len(stream._stream._queue) > streams.AT_ONCE)
        seen = list(stream)
        assert len(seen) > streams.AT_ONCE
        assert list(stream) == list(live) == list(live.events()) == []

    def test_shows_no_end_before_all_that_was_there_can_be_taken(self, live, monkeypatch):
        """The end was seen a moment before what waited was, and that was lost."""
        live.exchange.rate = 0
        stream, found, ring = live.updates(policy="all"), [], streams.Basket.ring

        def ring_late(basket):
            if basket.is_over:
                thread = threading.Thread(target=lambda: found.extend(stream))
                thread.start()
                thread.join(WAIT_S)
            ring(basket)

        live.get_snapshot([A])
        with monkeypatch.context() as patch:  # CPython 3.11 dies where a method is freed that another thread calls
            patch.setattr(streams.Basket, "ring", ring_late)
            stream.close()
        assert [each.kind for each in found][-1:] == [kb.Kind.SNAPSHOT]

    def test_ends_when_it_is_closed(self, live):
        stream = live.updates()
        ended = threading.Thread(target=list, args=(stream,))
        ended.start()
        stream.close()
        ended.join(WAIT_S)
        assert not ended.is_alive()

    def test_says_that_it_was_too_slow_and_goes_on(self, live):
        stream = live.updates(BOOK, policy="all", size=1, name="me")
        live.wait(lambda: live.metrics.lost > 2)
        with pytest.raises(
            kb.ConsumerOverrun, match=r"^me: expected it to keep up with a queue of 1, found \d+ more"
        ) as raised:
            next(stream)
        assert raised.value.lost > 2
        live.exchange.rate = 20
        live.wait(lambda: _next_of(stream).kind is kb.Kind.DELTA)

    def test_of_events(self, live):
        events = live.events()
        live.exchange.faults.abort()
        assert isinstance(events.next(), kb.events.Disconnected)
        for event in events:
            if isinstance(event, kb.events.Connected):
                break

    def test_begins_inside_of_the_with(self):
        live = kb.sync.connect("sim")
        with pytest.raises(kb.UsageError, match=r'^the client is new: use it inside of "with kb\.sync\.connect'):
            next(live.updates())

    def test_that_was_left_costs_the_reader_nothing(self, live):
        for _ in live:
            break
        live.wait(lambda: live._client._hub.queues == (live._client._hub.queues[-1],))  # that of wait itself

    def test_by_two_threads_gives_each_update_once(self, live):
        live.add_markets([B])
        stream, seen = live.updates(BOOK, policy="all"), []
        threads_ = [threading.Thread(target=lambda: seen.extend(stream.next() for _ in range(100))) for _ in range(2)]
        for each in threads_:
            each.start()
        for each in threads_:
            each.join(WAIT_S)
        numbers = sorted(each.seq for each in seen)
        assert numbers == list(range(numbers[0], numbers[0] + 200))

    def test_by_two_threads_goes_on_where_the_other_one_was_faster(self, live):
        """One saw that something was there, the other took it, and IndexError came out of the loop."""
        stream = live.updates(BOOK, policy="all")
        stream.next()

        class Taken(collections.deque):
            def __bool__(self):
                is_there = len(self) > 0
                if threading.current_thread() is threading.main_thread():
                    self.clear()
                return is_there

        stream._basket.taken = Taken(stream._basket.taken)
        assert stream.next(timeout_s=WAIT_S).kind is kb.Kind.DELTA


class TestNext:
    def test_raises_a_typed_timeout_when_nothing_comes(self, live):
        events = live.events()
        for timeout_s in (0, 0.001):
            with pytest.raises(kb.NotInTime, match=rf"^expected something to come, found nothing within {timeout_s} s$"):
                events.next(timeout_s=timeout_s)
        assert events._basket._waiting == set() or live.wait(lambda: not events._basket._waiting)

    def test_gives_what_is_there_though_no_time_is_given(self, live, book):
        stream = live.updates()
        live.wait(lambda: stream._stream._queue.is_ready)
        assert stream.next(timeout_s=0).market_ticker == A

    def test_refuses_what_is_no_time(self, live):
        with pytest.raises(kb.UsageError, match=r"^timeout_s is a number of seconds, 0 or more, not -1$"):
            live.updates().next(timeout_s=-1)

    def test_at_the_end_is_no_stop_iteration_which_a_generator_would_take_for_its_own(self, live):
        stream = live.updates()
        live.exchange.rate = 0
        stream.close()
        list(stream)
        with pytest.raises(kb.UsageError, match=r"^the stream is over, since it or its client was closed"):
            stream.next()

    def test_waits_for_a_thread_that_is_held_up_no_longer_than_that(self, live, monkeypatch):
        monkeypatch.setattr(streams, "ANSWER_S", 0.001)
        events, go = live.events(), threading.Event()
        in_its_thread(live, go.wait)
        with pytest.raises(kb.NotInTime):
            events.next(timeout_s=0)
        go.set()


class TestWaiting:
    def test_gives_what_was_waited_for(self, live, book):
        seq = book.seq
        assert live.wait(lambda: book.seq > seq + 10 and book.seq) > seq + 10

    def test_takes_a_book_that_is_not_live_for_not_yet(self, live, book):
        live.exchange.faults.maintenance(for_s=0.5)  # so long that nobody misses it
        live.wait(lambda: not book.is_live)
        assert live.wait(lambda: book.spread) > 0

    def test_has_an_end(self, live):
        for timeout_s in (0, 0.001):
            with pytest.raises(kb.NotInTime, match=rf"^expected it to become so, found that it is not within {timeout_s} "):
                live.wait(lambda: False, timeout_s=timeout_s)
        assert isinstance(kb.NotInTime("", 1), TimeoutError)

    def test_has_an_end_though_things_go_on_without_a_pause(self, live):
        """Whoever took longer to ask than the next update took to come waited for ever."""
        asked = []

        def is_so():
            asked.append(live.get_snapshot([A]))  # which rings
            return len(asked) > 3

        with pytest.raises(kb.NotInTime):
            live.wait(is_so, timeout_s=0)

    def test_sees_what_no_update_and_no_event_tells(self, live, book):
        live.exchange.rate = 0
        asked = threading.Event()
        telling = threading.Thread(
            target=lambda: asked.wait() and live.set_market(kb.Market(market_ticker=A, state=kb.MarketState.PAUSED))
        )
        telling.start()
        live.wait(lambda: asked.set() or book.market_state == "paused")
        telling.join()

    def test_raises_what_the_question_raises(self, live):
        with pytest.raises(ZeroDivisionError):
            live.wait(lambda: 1 / 0)

    def test_ends_when_the_client_is_closed(self, live):
        asked = threading.Event()
        closing = threading.Thread(target=lambda: asked.wait() and live.close())
        closing.start()
        with pytest.raises(kb.UsageError, match=r'^the client is closed: use it inside of "with kb\.sync\.connect'):
            live.wait(asked.set)
        closing.join()
        with pytest.raises(kb.UsageError, match=r"^the client is closed"):
            live.wait(lambda: None)

    def test_needs_a_client_that_was_entered(self):
        with pytest.raises(kb.UsageError, match=r"^the client is new"):
            kb.sync.connect("sim").wait(lambda: True)


class TestAFrozenMoment:
    def test_lets_nothing_change(self, live, book):
        happened = []
        with live.frozen():
            in_its_thread(live, lambda: happened.append(1))
            before = book.seq, book.clock, book.checksum()
            assert before == (book.seq, book.clock, book.checksum())
            assert happened == []
        live.wait(lambda: happened)

    @pytest.mark.parametrize("call", [
        lambda live: live.metrics, lambda live: live.book(A), lambda live: live.frozen().__enter__(),
        lambda live: live.updates().next(), lambda live: live.wait(lambda: True),
    ])  # fmt: skip
    def test_refuses_what_would_wait_for_it(self, live, call):
        with live.frozen(), pytest.raises(kb.UsageError, match=r"^nothing can be waited for inside of live\.frozen\(\)"):
            call(live)

    def test_ends_when_the_client_is_closed(self, live, book):
        with live.frozen():
            live.close()
            assert not book.is_live

    def test_refuses_iterating(self, live):
        stream = live.updates()
        with live.frozen(), pytest.raises(kb.UsageError, match=r"^nothing can be waited for inside of live\.frozen\(\)"):
            list(stream)

    def test_ends_with_what_is_raised_inside(self, live):
        with pytest.raises(ZeroDivisionError), live.frozen():
            1 / 0
        assert live.metrics.open == 1

    def test_is_given_up_where_the_thread_is_busy(self, live):
        with live.frozen():
            found = []

            def other():
                try:
                    live.frozen(timeout_s=0.001).__enter__()
                except kb.NotInTime as error:
                    found.append(str(error))

            thread = threading.Thread(target=other)
            thread.start()
            thread.join(WAIT_S)
        assert found == ["expected the client's thread to stand still, found it busy within 0.001 s"]
        assert live.metrics.open == 1

    def test_is_of_a_client_that_is_open(self):
        live = kb.sync.connect("sim")
        with pytest.raises(kb.UsageError, match=r"^the client is new"), live.frozen():
            pass
        live.__enter__()
        live.close()
        with pytest.raises(kb.UsageError, match=r"^the client is closed"), live.frozen():
            pass


class TestErrors:
    def test_are_those_of_the_other_form_with_the_traceback_of_the_caller(self, live):
        def my_own_function():
            live.subscribe("fill")

        live.exchange.faults.refuse_command(code=11)
        with pytest.raises(
            kb.CommandError, match=r"expected an acknowledgement, found error 11, Invalid parameter"
        ) as raised:
            my_own_function()
        assert "my_own_function" in "".join(traceback.format_tb(raised.tb))

    def test_of_what_does_not_come_in_time(self, live):
        live.subscribe(BOOK, market_tickers=["KXSIM-26-TYPO"])
        with pytest.raises(kb.NotInTime, match=r"^expected the book of KXSIM-26-TYPO to be LIVE, found NEW \(None\) within"):
            live.book("KXSIM-26-TYPO", timeout_s=0.001)

    def test_of_arguments(self, live):
        with pytest.raises(kb.UnknownMarket):
            live.get_snapshot(["KXSIM-26-B"])
        with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'market_ticker'"):
            live.book()
        with pytest.raises(kb.UsageError, match=r"^no such channel|channel"):
            live.updates("books")

    @pytest.mark.parametrize("call", [
        lambda live: live.book(A), lambda live: live.subscribe("fill"), lambda live: live.list_subscriptions(),
    ])  # fmt: skip
    def test_of_a_client_that_is_not_open(self, call):
        live = kb.sync.connect("sim")
        with pytest.raises(
            kb.UsageError, match=r'^the client is new: use it inside of "with kb\.sync\.connect\(\.\.\.\) as'
        ):
            call(live)
        with live:
            pass
        with pytest.raises(
            kb.UsageError, match=r'^the client is closed: use it inside of "with kb\.sync\.connect\(\.\.\.\)'
        ):
            call(live)

    def test_of_connecting(self):
        with pytest.raises(kb.UsageError, match=r"^expected an environment of prod, demo, sim, found 'moon'"):
            kb.sync.connect("moon")

    def test_of_a_key_that_is_not_let_in_leave_nothing_behind(self, live):
        url = live.exchange.url
        other = kb.live.KeySigner("no-such-key", live.exchange.private_key_path.read_bytes())
        with pytest.raises(kb.NotAuthorized, match=r"HTTP status 401"), kb.sync.connect(url=url, signer=other):
            pass
        assert threads() == ["kalshi_book"]


class TestCommands:
    def test_wait_for_their_answers(self, live):
        assert [update.kind for update in live.get_snapshot([A])] == [kb.Kind.SNAPSHOT]
        assert [each.channel for each in live.list_subscriptions()[0]] == [BOOK]
        live.subscribe("cfbenchmarks_value", index_ids=["BRTI"])
        assert live.index_list().msg is not None
        live.subscribe("pyth_value", underlying_tickers=["BTC"])
        assert live.underlying_list().msg is not None
        live.unsubscribe("pyth_value")
        assert "pyth_value" not in live.subscriptions or not live.subscriptions["pyth_value"].held

    def test_that_are_told_from_outside(self, live, book):
        live.set_market(kb.Market(market_ticker=A))
        live.subscribe("user_orders")
        live.confirm_orders([], as_of_ms=time.time_ns() // 1_000_000)
        assert book.own_size_at("0.5000") == 0

    def test_go_through_what_they_are_given_in_the_callers_thread(self, live):
        """A generator that asks REST held up the client's thread, and could not ask the client."""

        def each(thing):
            assert threading.current_thread() is threading.main_thread()
            assert live.metrics.open == 1
            yield from thing

        assert len(live.get_snapshot(each([A]))) == 1
        live.subscribe("user_orders", market_tickers=each([A]))
        live.confirm_orders(each([]), as_of_ms=time.time_ns() // 1_000_000)

    def test_may_come_from_many_threads_at_once(self, live):
        found = []
        many = [threading.Thread(target=lambda: found.append(live.get_snapshot([A]))) for _ in range(5)]
        for each in many:
            each.start()
        for each in many:
            each.join(WAIT_S)
        assert [len(each) for each in found] == [1] * 5

    def test_where_an_event_loop_runs_are_refused_and_say_what_to_use(self, live):
        async def main():
            with pytest.raises(kb.UsageError, match=r"^an event loop runs in this thread.*: use kb\.connect there"):
                live.book(A)
            with pytest.raises(kb.UsageError, match=r"use kb\.connect there"):
                kb.sync.connect("sim").__enter__()
            assert live.books[A].bbo()  # reading waits for nothing

        asyncio.run(main())

    def test_in_the_clients_own_thread_are_refused_since_they_would_wait_for_themselves(self, live):
        said = []

        def log():
            try:
                live.book(A)
            except kb.UsageError as error:
                said.append(str(error))

        in_its_thread(live, log)
        live.wait(lambda: said)
        assert "use kb.connect there" in said[0]


class TestTheExchange:
    def test_is_used_from_here_and_works_there(self, live, book):
        exchange = live.exchange
        exchange.rate = 0
        assert (exchange.rate, exchange.markets[0]) == (0, A)
        order = exchange.orders.place(A, outcome_side="yes", price="0.0100", size="5", client_order_id="mine")
        live.wait(lambda: book.size_at("0.0100") >= 5)
        assert exchange.orders.resting()[0].order_id == order.order_id
        live.wait(lambda: exchange.book(A).checksum() == book.checksum())
        assert repr(exchange).startswith("<Exchange in the client's thread: <kalshi_book.sim.server.Server")

    def test_is_none_beside_another_one(self, live):
        signer = kb.live.KeySigner(live.exchange.key_id, live.exchange.private_key_path.read_bytes())
        with kb.sync.connect(url=live.exchange.url, signer=signer, market_tickers=[A]) as other:
            assert other.exchange is None
            assert other.book(A).is_live


class TestItsLife:
    def test_is_one(self, live):
        with pytest.raises(kb.UsageError, match=r"^a client is entered once: make another one by kb\.sync\.connect$"):
            live.__enter__()
        assert live.metrics.open == 1

    def test_ends_once_whoever_ends_it(self, live):
        closing = [threading.Thread(target=live.close) for _ in range(2)]
        for each in closing:
            each.start()
        for each in closing:
            each.join(WAIT_S)
        live.close()
        assert threads() == []
        assert live.metrics.open == 0

    def test_ends_though_ctrl_c_came_before_the_end_had_begun(self, live, monkeypatch):
        close, calls = live.close, []

        def interrupted():
            calls.append(1)
            if len(calls) == 1:
                raise KeyboardInterrupt
            close()

        monkeypatch.setattr(live, "close", interrupted)
        with pytest.raises(KeyboardInterrupt):
            live.__exit__(None, None, None)
        assert threads() == []

    def test_does_not_end_where_an_event_loop_runs_and_goes_on_as_it_was(self, live, book):
        """The call was refused, and books that were kept still were STALE for ever, and handlers called no more."""
        seen = []
        live.on(BOOK)(seen.append)

        async def main():
            with pytest.raises(kb.UsageError, match=r"use kb\.connect there"):
                live.close()

        asyncio.run(main())
        assert book.is_live
        count = len(seen)
        live.wait(lambda: len(seen) > count + 3)

    def test_need_not_begin(self):
        live = kb.sync.connect("sim")
        live.close()
        assert (live.metrics.connections, live.subscriptions, live.exchange) == (0, {}, None)

    def test_that_something_ends_in_the_thread_leaves_no_book_live_and_nobody_waiting(self, caplog):
        def leave():
            raise SystemExit

        with plain_client() as live:
            book, stream = live.book(A), live.updates()
            in_its_thread(live, leave)
            list(stream)
            with pytest.raises(kb.UsageError, match=r"^the client is closed"):
                live.wait(lambda: False)
            with pytest.raises(kb.UsageError, match=r"^the client is closed"):
                live.get_snapshot([A])
            assert book.stale_reason == "disconnected"
            assert live.metrics.open == 0
        assert "the client's thread ends, since something there raised SystemExit" in caplog.messages

    def test_leaves_no_book_live_when_even_closing_fails(self, caplog, monkeypatch):
        async def fail():
            raise RuntimeError

        with plain_client() as live:
            book = live.book(A)
            monkeypatch.setattr(live._client, "close", fail)
        assert not book.is_live
        assert "the client's thread ends, since something there raised RuntimeError" in caplog.messages

    def test_ends_in_time_where_something_holds_the_thread_up(self, caplog, monkeypatch):
        monkeypatch.setattr(portal, "END_S", 0.01)
        go = threading.Event()
        live = kb.sync.connect("sim", market_tickers=[A])
        live.__enter__()
        book = live.book(A)
        in_its_thread(live, go.wait)
        live.close()
        assert not book.is_live
        assert "the client's thread does not end: something holds it up, and it is left to itself" in caplog.messages
        go.set()
        monkeypatch.undo()
        live.close()
        assert threads() == []

    def test_is_of_its_own_process(self):
        """What a fork leaves of the thread is its memory: books that nobody keeps."""
        with plain_client() as live:
            book, stream = live.book(A), live.updates()
            sync_client._forked()
            try:
                assert book.stale_reason == "disconnected"
                for call in (lambda: live.metrics, lambda: live.book(A), lambda: next(stream), live.frozen().__enter__):
                    with pytest.raises(kb.UsageError, match=r"^this client belongs to the process that forked this one"):
                        call()
                live.close()  # nothing to end here
            finally:
                live._portal._is_lost = live._portal.is_over = False

    def test_is_waited_for_when_it_ends_within_a_call(self):
        with plain_client() as live, contextlib.ExitStack() as stack:
            stack.callback(live.close)
            live.subscribe(BOOK, market_tickers=["KXSIM-26-TYPO"])
            waiting = threading.Event()
            found = []

            def ask():
                waiting.set()
                try:
                    live.book("KXSIM-26-TYPO")
                except kb.UsageError as error:
                    found.append(str(error))

            asking = threading.Thread(target=ask)
            asking.start()
            waiting.wait()
            stack.close()
            asking.join(WAIT_S)
            assert found == ['the client is closed: use it inside of "with kb.sync.connect(...) as live"']
