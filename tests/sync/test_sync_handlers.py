"""Handlers of the client in plain loops: each in a thread of its own, which holds up nobody."""

import threading

import pytest

import kalshi_book as kb
from kalshi_book.sync import handlers
from plain import BOOK, WAIT_S, A, plain_client, threads


@pytest.fixture
def live():
    with plain_client() as found:
        yield found


def told(events, type_):
    """Wait for an event of a type."""
    return next(event for event in events if isinstance(event, type_))


class TestAHandler:
    def test_is_called_in_a_thread_of_its_own_with_one_update_after_another(self, live):
        seen = []

        @live.on(BOOK, policy="all")
        def note(update):
            seen.append((update.seq, threading.current_thread().name))

        live.wait(lambda: len(seen) > 20)
        numbers, names = zip(*seen[:20], strict=True)
        assert list(numbers) == list(range(numbers[0], numbers[0] + 20))
        assert set(names) == {f"handler {note.__qualname__}"}

    def test_may_be_registered_before_the_client_is_entered(self):
        seen = threading.Event()
        live = kb.sync.connect("sim", market_tickers=[A])

        @live.on(BOOK)
        def note(update):
            seen.set()

        with live:
            assert seen.wait(WAIT_S)
        assert threads() == []

    def test_of_a_client_that_is_closed_has_no_thread_that_nobody_would_end(self):
        with plain_client() as live:
            """It ends."""
        live.on(BOOK)(print)
        assert threads() == []
        live.off(print)

    def test_that_is_slow_holds_up_neither_the_books_nor_the_caller(self, live):
        called, go = threading.Event(), threading.Event()

        @live.on(BOOK)
        def slow(update):
            called.set()
            go.wait()

        assert called.wait(WAIT_S)
        seq = live.books[A].seq
        live.wait(lambda: live.books[A].seq > seq + 10)
        assert next(iter(live)).market_ticker == A
        go.set()

    def test_may_ask_the_client_whatever_it_likes(self, live):
        found = []

        @live.on(BOOK)
        def ask(update):
            if not found:
                found.extend([live.book(A).bbo(), live.metrics.open, live.get_snapshot([A])[0].kind, next(live.updates())])

        live.wait(lambda: len(found) == 4)
        assert found[1:3] == [1, kb.Kind.SNAPSHOT]

    def test_that_raises_is_told_of_and_goes_on(self, live, caplog):
        events, seen = live.events(), []

        @live.on(BOOK)
        def fail(update):
            seen.append(update)
            raise ValueError("oops")

        failed = told(events, kb.events.HandlerFailed)
        assert (failed.handler, failed.error, failed.count) == (f"handler {fail.__qualname__}", "ValueError: oops", 1)
        live.wait(lambda: len(seen) > 1 and live.metrics.handler_errors > 1)
        assert f"handler {fail.__qualname__} raised; this is told once with its traceback" in caplog.messages

    @pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt])
    def test_cannot_end_the_program(self, live, raised):
        events = live.events()

        @live.on(BOOK, on_error="detach")
        def leave(update):
            raise raised

        failed = told(events, kb.events.HandlerFailed)
        assert failed.error == f"UsageError: a handler cannot end the program from its thread: {raised.__name__}()"
        assert live.books[A].is_live

    def test_that_raises_stop_iteration_is_told_of_too(self, live):
        events = live.events()

        @live.on(BOOK, on_error="detach")
        def leave(update):
            next(iter(()))

        assert told(events, kb.events.HandlerFailed).error == "RuntimeError: coroutine raised StopIteration"

    def test_that_is_taken_off_is_called_no_more_and_its_thread_ends(self, live):
        called = threading.Event()

        class Strategy:
            def note(self, update):
                called.set()

        strategy = Strategy()
        live.on(BOOK)(strategy.note)
        assert called.wait(WAIT_S)
        (worker,) = live._workers
        live.off(strategy.note)
        worker.join()
        assert threads() == ["kalshi_book"]
        with pytest.raises(kb.UsageError, match=r" is not registered$"):
            live.off(strategy.note)

    def test_is_a_plain_function(self, live):
        async def note(update):
            """Nothing."""

        with pytest.raises(kb.UsageError, match=r" is asynchronous: here a handler is a plain function"):
            live.on(BOOK)(note)
        with pytest.raises(kb.UsageError, match=r"^expected names of channels, found a function"):
            live.on(note)
        with pytest.raises(kb.UsageError, match=r'^on_error is "report" or "detach", not "maybe"|on_error'):
            live.on(BOOK, on_error="maybe")
        assert threads() == ["kalshi_book"]

    def test_may_close_the_client(self):
        with plain_client() as live:

            @live.on(BOOK)
            def enough(update):
                live.close()

            list(live)
        assert not live.books[A].is_live

    def test_that_does_not_return_is_left_to_itself_when_the_client_is_closed(self, monkeypatch, caplog):
        monkeypatch.setattr(handlers, "END_S", 0.01)
        called, go = threading.Event(), threading.Event()
        live = kb.sync.connect("sim", market_tickers=[A])

        @live.on(BOOK)
        def stubborn(update):
            called.set()
            go.wait()

        with live:
            assert called.wait(WAIT_S)
        assert threads() == [f"handler {stubborn.__qualname__}"]
        assert f"handler {stubborn.__qualname__} does not return: it is left to itself" in caplog.messages
        go.set()
        monkeypatch.undo()
        live.close()
        assert threads() == []

    def test_without_a_name_is_called_what_it_is(self, live):
        class Callable:
            def __call__(self, update):
                raise ValueError

            def __repr__(self):
                return "<a callable>"

        events = live.events()
        live.on(BOOK, on_error="detach")(Callable())
        assert told(events, kb.events.HandlerFailed).handler == "handler <a callable>"

    def test_that_returns_after_its_update_was_given_up_changes_nothing(self, live):
        """The client does not wait for it any more: it was taken off meanwhile, and closed."""
        called, go = threading.Event(), threading.Event()

        @live.on(BOOK)
        def slow(update):
            called.set()
            go.wait()

        assert called.wait(WAIT_S)
        (worker,) = live._workers
        tasks = live._client._hub.tasks._running
        live._portal.call(lambda: [task.cancel() for task in tasks if task.get_name().startswith("handler ")])
        live.wait(lambda: live._client._hub.handler_errors)
        go.set()
        live.off(slow)
        worker.join()
        assert live.metrics.open == 1
