"""The clock, the timers and the end of a virtual run."""

import asyncio
import math
import os
import random
import secrets
import threading
import time
import types
import urllib.request
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.connection import Connection

import kalshi_book as kb
from kalshi_book.sim import virtual
from processes import UNMEASURED, run_python

HOUR_NS = 3600 * 10**9


def now():
    return asyncio.get_running_loop().time()


# The clock.


def test_an_hour_passes_without_waiting():
    async def main():
        began = virtual.now_ns()
        await asyncio.sleep(3600)
        return now(), virtual.now_ns() - began, asyncio.get_running_loop().time_ns() - virtual.START_NS

    began = time.perf_counter()
    assert virtual.run(main()) == (3600.0, HOUR_NS, HOUR_NS)
    assert time.perf_counter() - began < 10


def test_the_wall_clock_starts_where_it_is_told_to():
    async def main():
        return virtual.now_ns(), time.time_ns(), time.time()

    assert virtual.run(main(), start_ns=1_700_000_000_123_456_789) == (
        1_700_000_000_123_456_789,
        1_700_000_000_123_456_789,
        1_700_000_000.1234567,
    )


def test_time_does_not_drift():
    """A tenth is no binary fraction; a million of them are still exact."""

    async def main():
        for _ in range(20_000):
            await asyncio.sleep(0.1)
        return virtual.now_ns() - virtual.START_NS, now()

    assert virtual.run(main()) == (2_000 * 10**9, 2000.0)


@given(st.integers(0, 2**53), st.integers(1, 10**12))
def test_an_instant_is_met_to_the_nanosecond(start, delay_ns):
    async def main():
        loop = asyncio.get_running_loop()
        met = loop.create_future()
        loop.call_at(delay_ns / 1e9, lambda: met.set_result(loop.time()))
        assert await met == delay_ns / 1e9
        return virtual.now_ns()

    assert virtual.run(main(), start_ns=start) == start + delay_ns


def test_waiting_for_an_instant_in_rests_ends():
    """A rest below a nanosecond lets one pass, or these loops would spin."""

    async def timer_at(deadline):
        loop = asyncio.get_running_loop()
        met = loop.create_future()

        def look():
            if loop.time() < deadline:
                loop.call_at(deadline, look)
            else:
                met.set_result(None)

        look()
        await met

    async def main():
        loop = asyncio.get_running_loop()
        for start in (0.3, 3600.7, 86_400.1):
            deadline = start + 1e-10
            while loop.time() < deadline:
                await asyncio.sleep(deadline - loop.time())
            await timer_at(loop.time() + 1e-10)
        return loop.turns

    assert virtual.run(main()) < 100


def test_timers_of_one_instant_run_in_the_order_in_which_they_were_set():
    async def main():
        loop = asyncio.get_running_loop()
        ran = []
        for number in range(50):
            loop.call_later(1, ran.append, number)
        loop.call_later(0, ran.append, "now")
        loop.call_later(-1, ran.append, "late")
        loop.call_at(-1, ran.append, "long ago")
        await asyncio.sleep(1)
        return ran

    assert virtual.run(main()) == ["now", "late", "long ago", *range(50)]


def test_timers_are_due_while_other_callbacks_are_never_done():
    async def main():
        loop = asyncio.get_running_loop()
        ran = []
        loop.call_at(loop.time(), ran.append, 1)
        while not ran:
            await asyncio.sleep(0)

    virtual.run(main())


def test_a_timer_at_infinity_never_comes():
    async def main():
        loop = asyncio.get_running_loop()
        for handle in (loop.call_later(math.inf, print), loop.call_at(math.inf, print)):
            assert handle.when() == math.inf
            handle.cancel()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.sleep(math.inf), 5)
        return now()

    assert virtual.run(main()) == 5.0


def test_cancelled_timers_do_not_pile_up():
    async def main():
        loop = asyncio.get_running_loop()
        kept = [loop.call_later(50 + n, print) for n in range(10)]
        for _ in range(10_000):
            loop.call_later(60, print).cancel()
        size = len(loop._timers)
        assert [handle.when() for handle in loop.pending_timers()] == [50.0 + n for n in range(10)]
        for handle in kept:
            handle.cancel()
        return size

    assert virtual.run(main()) < 300


def test_a_task_that_calls_after_the_end_of_the_loop_is_told():
    loops = []

    async def main():
        loops.append(asyncio.get_running_loop())

    virtual.run(main())
    for call in (
        lambda: loops[0].call_later(1, print),
        lambda: loops[0].run_in_executor(None, print),
        lambda: loops[0].create_task(None),
    ):
        with pytest.raises(RuntimeError, match="Event loop is closed"):
            call()


# Programs that cannot go on.


def test_nothing_scheduled_raises_and_names_what_waits():
    async def inner(event):
        await event.wait()

    async def main():
        await asyncio.sleep(2.5)
        other = asyncio.create_task(inner(asyncio.Event()), name="reader")
        await inner(asyncio.Event())
        await other

    with pytest.raises(virtual.Deadlock) as raised:
        virtual.run(main())
    assert raised.value.elapsed_ns == 2_500_000_000
    first, second = raised.value.waiting
    assert first.startswith("Task-1: main (test_virtual_loop.py:")
    assert " > inner (test_virtual_loop.py:" in first
    assert " > wait (locks.py:" in first
    assert second.startswith("reader: inner (test_virtual_loop.py:")
    assert str(raised.value) == (
        "deadlock after 2.500000000 s: expected a callback or a timer, found none, so nothing can wake what waits: "
        f"{first}; {second}. Give the wait a time-out, or see why its event never comes"
    )
    assert isinstance(raised.value, kb.KalshiBookError)


def test_a_deadlock_is_seen_through_generators():
    @types.coroutine
    def old_style(future):
        yield from future

    async def numbers(future):
        yield await future

    async def main():
        async def through_both(future):
            async for _ in numbers(future):
                pass

        loop = asyncio.get_running_loop()
        other = asyncio.create_task(through_both(loop.create_future()))
        await old_style(loop.create_future())
        await other

    with pytest.raises(virtual.Deadlock) as raised:
        virtual.run(main())
    assert " > old_style (test_virtual_loop.py:" in raised.value.waiting[0]
    assert raised.value.waiting[1].startswith("Task-2: through_both (")


def test_a_deadlock_without_a_task_says_so():
    loop = virtual.VirtualLoop(network=virtual.Network(), start_ns=0, max_turns=1000)
    try:
        with pytest.raises(virtual.Deadlock, match=r"nothing can wake what waits: no task\. Give"):
            loop.run_forever()
    finally:
        loop.close()


def test_a_task_that_ignores_its_end_is_a_deadlock_too():
    async def stubborn():
        while True:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                continue

    async def main(error=None):
        task = asyncio.create_task(stubborn())
        await asyncio.sleep(1)
        if error:
            raise error
        return task

    with pytest.raises(virtual.Deadlock, match="Task-2: stubborn"):
        virtual.run(main())
    with pytest.raises(ZeroDivisionError):  # what ended the run is what is said
        virtual.run(main(ZeroDivisionError()))


def test_a_loop_that_spins_raises_and_names_what_runs():
    """FM-06: a steady state without a sleep hung everything."""

    async def spin():
        while True:
            await asyncio.sleep(0)

    async def main():
        await asyncio.sleep(1.25)
        await spin()

    with pytest.raises(virtual.Livelock) as raised:
        virtual.run(main(), max_turns=500)
    assert raised.value.elapsed_ns == 1_250_000_000
    assert raised.value.turns == 501
    (running,) = raised.value.running
    assert running.startswith("Task-1: main (test_virtual_loop.py:")
    assert str(raised.value) == (
        "livelock after 1.250000000 s: expected time to pass, found 501 turns of the loop within a millisecond; next are "
        f"{running}. Let the loop that spins sleep, or raise max_turns"
    )


def test_a_loop_that_sleeps_for_nanoseconds_spins_too():
    async def main():
        while True:
            await asyncio.sleep(1e-9)

    with pytest.raises(virtual.Livelock):
        virtual.run(main(), max_turns=500)


def test_callbacks_that_call_themselves_are_named():
    class Callable:
        def __call__(self):
            asyncio.get_running_loop().call_soon(self)

    async def main():
        Callable()()
        await asyncio.sleep(1)

    with pytest.raises(virtual.Livelock, match=r"next are .*<locals>.Callable\. Let"):
        virtual.run(main(), max_turns=50)


def test_a_busy_program_is_no_livelock():
    async def main():
        for _ in range(1000):
            for _ in range(90):
                await asyncio.sleep(0)
            await asyncio.sleep(0.001)
        return asyncio.get_running_loop().turns

    assert virtual.run(main(), max_turns=300) > 90_000


# What is left behind.


def test_what_is_left_behind_is_reported_and_ended():
    ended = []

    async def worker():
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(1)
            ended.append(now())

    async def main():
        loop = asyncio.get_running_loop()
        await loop.create_server(asyncio.Protocol, "h", 80)
        await loop.create_connection(asyncio.Protocol, "h", 80)
        working = asyncio.create_task(worker())
        loop.call_later(500, ended.append, "never")
        await asyncio.sleep(1)
        assert not working.done()
        return "result"

    with pytest.warns(virtual.LeftBehind) as warned:
        assert virtual.run(main()) == "result"
    left = warned[0].message
    assert isinstance(left, ResourceWarning)
    assert warned[0].filename == __file__
    assert [text.split(" (")[0] for text in left.tasks] == ["Task-2: worker"]
    assert left.timers == ("list.append",)
    assert left.transports == (
        "<VirtualTransport ('127.0.0.1', 32769) to ('h', 80) open>",
        "<VirtualTransport ('h', 80) to ('127.0.0.1', 32769) open>",
        "<Listener on h:80>",
    )
    assert str(left) == (
        f"the main coroutine returned and left behind: task {left.tasks[0]}; timer {left.timers[0]}; "
        f"transport {left.transports[0]}; transport {left.transports[1]}; transport {left.transports[2]}. "
        "Await, cancel or close them before it returns"
    )
    assert ended == [2.002]


def test_tasks_are_ended_oldest_first_and_their_errors_are_told():
    ended, told = [], []

    async def worker(number):
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(number)
            if number == 3:
                raise ZeroDivisionError

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        tasks = [asyncio.create_task(worker(number), name="worker") for number in range(20)]
        await asyncio.sleep(1)
        raise KeyError(len(tasks))

    with pytest.raises(KeyError):
        virtual.run(main())
    assert ended == list(range(20))
    assert [context["message"] for context in told] == ["unhandled exception while a virtual run ended"]
    assert isinstance(told[0]["exception"], ZeroDivisionError)


def test_asynchronous_generators_are_closed():
    closed = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(1)
            closed.append(now())

    async def main():
        main.generator = numbers()
        return await main.generator.__anext__()

    assert (virtual.run(main()), closed) == (1, [1.0])


# The same run each time.


def test_a_group_of_tasks_is_cancelled_in_the_order_of_its_tasks():
    """asyncio keeps tasks in sets, whose order would follow their addresses."""
    ended = []

    async def worker(number):
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(number)

    async def main():
        tasks = {asyncio.create_task(worker(number)) for number in range(30)}
        assert [task.get_name() for task in tasks] == [f"Task-{number}" for number in range(2, 32)]
        await asyncio.sleep(1)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    for _ in range(3):
        ended.clear()
        virtual.run(main())
        assert ended == list(range(30))


def test_a_task_factory_of_the_program_is_used():
    made = []

    def factory(loop, coro, **more):
        made.append(coro.__name__)
        return asyncio.Task(coro, loop=loop, **more)

    async def work():
        return 1

    async def main():
        asyncio.get_running_loop().set_task_factory(factory)
        return await asyncio.create_task(work())

    assert virtual.run(main()) == 1
    assert made[0] == "work"


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="from Python 3.12 on")
def test_eager_tasks_run():
    async def work(seconds):
        await asyncio.sleep(seconds)
        return now()

    async def main():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        return await asyncio.gather(work(0), work(2), work(1))

    assert virtual.run(main()) == [0.0, 2.0, 1.0]


def drawn():
    return (
        os.urandom(8),
        secrets.token_bytes(4),
        uuid.uuid4(),
        random.random(),
        random.SystemRandom().random(),
    )


def test_randomness_follows_the_seed():
    async def main():
        await asyncio.sleep(random.random())
        return drawn(), now()

    assert virtual.run(main(), seed=1) == virtual.run(main(), seed=1)
    assert virtual.run(main(), seed=1) != virtual.run(main(), seed=2)


def test_what_was_replaced_is_restored_and_other_threads_never_see_it():
    before = os.urandom, random._urandom, time.time, time.time_ns, urllib.request.proxy_bypass, random.getstate()
    seen = []

    async def main():
        assert urllib.request.proxy_bypass("any.test:80")
        thread = threading.Thread(target=lambda: seen.extend([drawn()[:3], time.time()]))
        thread.start()
        thread.join()
        return drawn()[:3]

    first, second = virtual.run(main()), virtual.run(main())
    assert first == second
    assert len({first, seen[0], seen[2]}) == 3
    assert seen[1] == pytest.approx(time.time(), abs=100)
    assert seen[1] != pytest.approx(virtual.START_NS / 1e9, abs=1)
    assert Connection.__hash__ is object.__hash__
    assert before == (os.urandom, random._urandom, time.time, time.time_ns, urllib.request.proxy_bypass, random.getstate())


# Threads and executors.


def test_work_for_an_executor_is_done_in_the_thread_of_the_loop():
    async def main():
        loop = asyncio.get_running_loop()
        ident = await asyncio.to_thread(threading.get_ident)
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, lambda: 1 // 0)
        abandoned = loop.run_in_executor(None, print, "never")
        abandoned.cancel()
        await asyncio.sleep(1)
        return ident, now()

    assert virtual.run(main()) == (threading.get_ident(), 1.0)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_such_work_leaves_the_loop(error):
    def work():
        raise error

    async def main():
        await asyncio.to_thread(work)

    with pytest.raises(error):
        virtual.run(main())


def test_a_callback_from_another_thread_is_refused_there():
    refused = []

    async def main():
        loop = asyncio.get_running_loop()

        def call():
            try:
                loop.call_soon_threadsafe(print, "never")
            except kb.UsageError as error:
                refused.append(str(error))

        thread = threading.Thread(target=call, name="downloader")
        thread.start()
        thread.join()
        called = []
        loop.call_soon_threadsafe(called.append, 1)
        await asyncio.sleep(0)
        return called

    assert virtual.run(main()) == [1]
    assert refused == [
        "expected every callback from the thread that runs the virtual loop, found one from downloader: what comes from "
        "another thread has no instant in virtual time; run it as a task, or by run_in_executor, which works in the loop's "
        "own thread here"
    ]


# What is refused.


def test_names_are_their_own_addresses():
    async def main():
        loop = asyncio.get_running_loop()
        ((_, _, _, _, address),) = await loop.getaddrinfo("exchange.test", 443)
        return address, await loop.getnameinfo(address)

    assert virtual.run(main()) == (("exchange.test", 443), ("exchange.test", "443"))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda loop: loop.create_connection(asyncio.Protocol, "h", 443, ssl=True),
            "expected no ssl on the virtual network, which has no sockets, found one; TLS draws randomness of its own, out "
            "of reach of a seed: use ws://",
        ),
        (
            lambda loop: loop.create_connection(asyncio.Protocol, sock=object()),
            "expected no sock on the virtual network, which has no sockets, found one; leave it out",
        ),
        (
            lambda loop: loop.create_connection(asyncio.Protocol),
            "expected a host and a port to connect to, found None and None",
        ),
        (
            lambda loop: loop.create_server(asyncio.Protocol, "h", 443, ssl=object()),
            "expected no ssl on the virtual network, which has no sockets, found one; TLS draws randomness of its own, out "
            "of reach of a seed: use ws://",
        ),
    ],
)
def test_what_an_in_memory_network_cannot_do_is_refused(call, text):
    async def main():
        with pytest.raises(kb.UsageError) as raised:
            await call(asyncio.get_running_loop())
        return str(raised.value)

    assert virtual.run(main()) == text


async def nothing():
    pass


def test_what_is_no_coroutine_or_no_int_is_refused():
    with pytest.raises(TypeError, match=r"expected a coroutine, found function: pass main\(\), not main"):
        virtual.run(nothing)
    for wrong in ({"seed": "1"}, {"start_ns": 1.5}, {"max_turns": None}):
        with pytest.raises(TypeError, match=f"expected {next(iter(wrong))} to be an int, found"):
            virtual.run(nothing(), **wrong)


def test_a_main_that_ignores_its_end_hides_no_error():
    async def main():
        while True:
            try:
                await asyncio.get_running_loop().create_future()
            except BaseException as error:
                if isinstance(error, GeneratorExit):
                    raise

    with pytest.raises(virtual.Deadlock):
        virtual.run(main())


def test_a_run_inside_of_a_loop_is_refused():
    async def main():
        with pytest.raises(kb.UsageError, match="expected no loop running in this thread, found one"):
            virtual.run(nothing())

    virtual.run(main())
    asyncio.run(main())


def test_a_second_run_at_the_same_time_is_refused():
    refused = []

    def second():
        try:
            virtual.run(nothing())
        except kb.UsageError as error:
            refused.append(str(error))

    async def main():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()

    virtual.run(main())
    assert refused == ["expected no other virtual run in this process, found one: end it first, or use a second process"]
    virtual.run(nothing())


def test_a_network_serves_one_run():
    network = virtual.Network()
    virtual.run(nothing(), network=network)
    with pytest.raises(kb.UsageError, match="expected a Network that no run has had, found one that had"):
        virtual.run(nothing(), network=network)


def test_the_run_is_asked_for_outside_of_one():
    for ask in (virtual.now_ns, virtual.network):
        with pytest.raises(kb.UsageError, match=r"expected a call inside of virtual.run, found no loop running"):
            ask()

    async def main():
        with pytest.raises(kb.UsageError, match=r"expected a call inside of virtual.run, found another loop running"):
            virtual.now_ns()

    asyncio.run(main())


def test_a_run_opens_no_file():
    """No self-pipe and no socket: nothing that a platform could lack."""
    if not os.path.isdir("/dev/fd"):
        pytest.skip("this system does not list its open files")

    async def main():
        return len(os.listdir("/dev/fd"))

    assert virtual.run(main()) == len(os.listdir("/dev/fd"))


def test_importing_the_simulator_loads_no_event_loop():
    done = run_python(
        "import sys, kalshi_book.sim; print('asyncio' in sys.modules, 'websockets' in sys.modules)", **UNMEASURED
    )
    assert done.stdout == "False False\n"
