"""Connections of the virtual network behave as TCP sockets under asyncio do: the same scripts run over both."""

import asyncio
import contextvars
import errno
import socket
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kalshi_book as kb
from kalshi_book.sim import virtual

UNLIMITED = {"latency_s": 0.0}


class Side(asyncio.Protocol):
    """Notes what its transport tells it; `until` waits for a word of that."""

    def __init__(self, *, keeps_open=False, fails_in=None):
        self.log = []
        self.received = bytearray()
        self.keeps_open = keeps_open
        self.fails_in = fails_in
        self._changed = asyncio.Event()

    def note(self, *words):
        self.log.append(words)
        self._changed.set()
        if self.fails_in == words[0]:
            raise ZeroDivisionError(words[0])

    async def until(self, word, number=1):
        while sum(words[0] == word for words in self.log) < number:
            self._changed.clear()
            await self._changed.wait()

    async def until_received(self, size):
        while len(self.received) < size:
            self._changed.clear()
            await self._changed.wait()

    def connection_made(self, transport):
        self.transport = transport
        self.note("made")

    def data_received(self, data):
        self.received += data
        if self.log[-1] == ("data",):
            self._changed.set()
        else:
            self.note("data")

    def eof_received(self):
        self.note("eof")
        return self.keeps_open

    def connection_lost(self, error):
        self.note("lost", type(error).__name__, getattr(error, "errno", None))

    def pause_writing(self):
        self.note("pause")

    def resume_writing(self):
        self.note("resume")


async def connected(client=None, server=None):
    """Two sides of one connection, and their listener."""
    loop = asyncio.get_running_loop()
    server, client = server or Side(), client or Side()
    listener = await loop.create_server(lambda: server, "127.0.0.1", 0)
    await loop.create_connection(lambda: client, *listener.sockets[0].getsockname()[:2])
    await server.until("made")
    listener.close()
    return client, server


async def turns():
    for _ in range(10):
        await asyncio.sleep(0)


NONE = ("lost", "NoneType", None)
RESET = ("lost", "ConnectionResetError", errno.ECONNRESET)


async def close(client, server):
    client.transport.close()
    assert client.transport.is_closing()
    client.transport.close()


async def write_and_abort(client, server):
    client.transport.write(b"last words")
    client.transport.abort()


async def abort_with_bytes_unread(client, server):
    client.transport.pause_reading()
    server.transport.write(b"nobody reads this")
    await turns()
    client.transport.abort()


async def close_with_bytes_unread(client, server):
    client.transport.pause_reading()
    server.transport.write(b"nobody reads this")
    await turns()
    client.transport.close()


async def write_to_a_side_that_is_closed(client, server):
    server.keeps_open = True
    client.transport.close()
    await server.until("eof")
    server.transport.write(b"too late")
    await turns()
    assert server.log == [("made",), ("eof",)]
    server.transport.write(b"again")


async def half_close(client, server):
    client.keeps_open = True
    server.transport.write(b"all I have")
    server.transport.write_eof()
    server.transport.write_eof()
    await client.until("eof")
    client.transport.write(b"my answer")
    await server.until("data")
    client.transport.write_eof()
    await server.until("lost")
    client.transport.close()


async def half_close_of_a_full_buffer(client, server):
    client.transport.pause_reading()
    server.transport.write(bytes(40_000_000))
    server.transport.write_eof()
    client.transport.resume_reading()


async def write_after_the_end(client, server):
    client.transport.write_eof()
    with pytest.raises(RuntimeError, match=r"Cannot call write\(\) after write_eof\(\)"):
        client.transport.write(b"more")


async def close_while_the_buffer_is_full(client, server):
    server.transport.pause_reading()
    client.transport.write(bytes(40_000_000))
    client.transport.close()
    client.transport.pause_reading()
    client.transport.resume_reading()
    await turns()
    assert client.log == [("made",), ("pause",)]
    server.transport.resume_reading()


async def abort_while_the_buffer_is_full(client, server):
    server.transport.pause_reading()
    client.transport.write(bytes(40_000_000))
    client.transport.abort()
    await client.until("lost")
    server.received.clear()
    server.transport.resume_reading()


async def be_reset_while_not_reading(client, server):
    client.transport.pause_reading()
    server.transport.pause_reading()
    client.transport.write(b"unread")
    await turns()
    server.transport.abort()
    await server.until("lost")
    await turns()
    assert client.log == [("made",)]
    client.transport.resume_reading()


async def be_reset_while_not_reading_and_write(client, server):
    client.transport.pause_reading()
    server.transport.pause_reading()
    client.transport.write(b"unread")
    await turns()
    server.transport.abort()
    await server.until("lost")
    await turns()
    client.transport.write(b"more")
    client.transport.write(b"and more")


async def read_late(client, server):
    client.transport.pause_reading()
    assert not client.transport.is_reading()
    server.transport.write(b"last words")
    server.transport.close()
    await server.until("lost")
    await turns()
    client.transport.resume_reading()
    client.transport.resume_reading()


async def write_what_is_no_bytes(client, server):
    with pytest.raises(TypeError, match="data argument must be a bytes-like object, not 'str'"):
        client.transport.write("text")
    client.transport.write(b"")
    client.transport.write(memoryview(b"view"))
    client.transport.write(bytearray(b"array"))
    client.transport.close()
    client.transport.write(b"ignored")
    client.transport.write_eof()


async def fail_on_data(client, server):
    server.fails_in = "data"
    client.transport.write(b"a frame")


async def fail_on_the_end(client, server):
    server.fails_in = "eof"
    client.transport.close()


async def pause_in_the_first_callback(client, server):
    server.transport.pause_reading()
    client.transport.write(b"early")
    await turns()
    assert server.log == [("made",)]
    server.transport.resume_reading()
    await server.until("data")
    client.transport.close()


SCRIPTS = [
    close,
    write_and_abort,
    abort_with_bytes_unread,
    close_with_bytes_unread,
    write_to_a_side_that_is_closed,
    half_close,
    half_close_of_a_full_buffer,
    write_after_the_end,
    close_while_the_buffer_is_full,
    abort_while_the_buffer_is_full,
    be_reset_while_not_reading,
    be_reset_while_not_reading_and_write,
    read_late,
    write_what_is_no_bytes,
    fail_on_data,
    fail_on_the_end,
    pause_in_the_first_callback,
]


async def told(script):
    """What both sides were told in a script, up to the end of both; and what went to the loop's exception handler."""
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context["message"]))
    client, server = await connected()
    await script(client, server)
    await client.until("lost")
    await server.until("lost")
    return client.log, server.log, len(client.received), len(server.received), failures


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell some of it in other words")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_both_sides_are_told_what_real_sockets_tell(script):
    """Observed: TCP over Linux's loopback, in this test."""
    real = asyncio.run(asyncio.wait_for(told(script), 20))
    there = virtual.run(told(script), network=virtual.Network(**UNLIMITED))
    if script is abort_while_the_buffer_is_full:  # how much was in the kernel differs
        real, there = (each[:2] for each in (real, there))
    assert there == real


def run(main, **conditions):
    return virtual.run(main, network=virtual.Network(**conditions))


def test_bytes_take_the_latency_and_a_connection_one_round_trip():
    async def main():
        loop = asyncio.get_running_loop()
        accepted, made = [], []
        server = Side()
        server.connection_made = lambda transport: (Side.connection_made(server, transport), accepted.append(loop.time()))
        listener = await loop.create_server(lambda: server, "h", 80)
        transport, _ = await loop.create_connection(Side, "h", 80)
        made.append(loop.time())
        transport.write(b"x")
        await server.until("data")
        got = loop.time()
        transport.abort()
        listener.close()
        await listener.wait_closed()
        return made, accepted, got

    assert run(main(), latency_s=0.025) == ([0.05], [0.075], 0.075)


def test_jitter_is_added_and_keeps_the_order():
    async def main():
        loop = asyncio.get_running_loop()
        client, server = await connected()
        instants = []
        server.data_received = lambda data: instants.extend([loop.time()] * len(data)) or server.received.extend(data)
        began = loop.time()
        for number in range(200):
            client.transport.write(bytes([number]))
            await asyncio.sleep(0.001)
        client.transport.close()
        await server.until("lost")
        return bytes(server.received), [got - began - 0.001 * n for n, got in enumerate(instants)]

    received, delays = run(main(), latency_s=0.010, jitter_s=0.004)
    assert received == bytes(range(200))
    assert min(delays) >= 0.010 - 1e-9
    assert max(delays) <= 0.014 + 1e-9
    assert len({round(delay, 9) for delay in delays}) > 50


def test_a_narrow_wire_delivers_bit_by_bit_at_its_rate():
    """A megabyte at a megabyte a second: the last byte after a second, and something all the time (FM-07)."""

    async def main():
        loop = asyncio.get_running_loop()
        client, server = await connected()
        instants = []
        server.data_received = lambda data: (server.received.extend(data), instants.append(loop.time()), server.note("data"))
        began = loop.time()
        client.transport.write(bytes(1_000_000))
        await server.until_received(1_000_000)
        client.transport.close()
        await server.until("lost")
        return loop.time() - began, max(after - before for before, after in pairwise(instants))

    took, longest = run(main(), latency_s=0.0, bytes_per_s=1_000_000)
    assert took == pytest.approx(1.0, abs=1e-6)
    assert longest <= 0.016_384 + 1e-9


def test_back_pressure_reaches_the_writer_and_leaves_it():
    async def main():
        client, server = await connected()
        client.transport.set_write_buffer_limits(high=1000)
        server.transport.pause_reading()
        client.transport.write(bytes(5000))  # the window takes it
        await turns()
        quiet = list(client.log)
        client.transport.write(bytes(900))
        client.transport.write(bytes(101))
        full = list(client.log), client.transport.get_write_buffer_size()
        server.transport.resume_reading()
        await client.until("resume")
        await server.until_received(6001)
        client.transport.close()
        await server.until("lost")
        return quiet, full, client.log

    quiet, full, log = run(main(), window_bytes=5000)
    assert quiet == [("made",)]
    assert full == ([("made",), ("pause",)], 1001)
    assert log == [("made",), ("pause",), ("resume",), NONE]


def test_a_write_larger_than_the_window_goes_in_parts():
    async def main():
        client, server = await connected()
        client.transport.write(b"abcdefghij")
        left = client.transport.get_write_buffer_size()
        client.transport.write(b"klm")
        client.transport.close()
        await server.until("lost")
        return left, bytes(server.received), server.log

    assert run(main(), window_bytes=4) == (6, b"abcdefghijklm", [("made",), ("data",), ("eof",), NONE])


def test_a_reader_can_be_given_byte_after_byte():
    async def main():
        client, server = await connected()
        reads = []
        server.data_received = reads.append
        client.transport.write(b"abc")
        client.transport.write(b"de")
        client.transport.close()
        await server.until("lost")
        return reads

    assert run(main(), read_bytes=1) == [b"a", b"b", b"c", b"d", b"e"]
    assert run(main(), read_bytes=4) == [b"abcd", b"e"]
    assert run(main()) == [b"abcde"]


def test_a_black_hole_tells_nobody_and_fills_the_buffer_of_the_writer():
    """FM-02: a writer that waits for room in a half-open connection waits for ever."""

    async def main():
        client, server = await connected()
        client.transport.set_write_buffer_limits(high=100)
        link = client.transport.get_extra_info("link")
        client.transport.write(b"under way")
        link.black_hole()
        server.transport.write(b"gone")
        client.transport.write(bytes(1000))
        client.transport.write(bytes(101))
        await asyncio.sleep(86_400)
        told = list(client.log), list(server.log), client.transport.get_write_buffer_size()
        client.transport.close()
        await asyncio.sleep(86_400)
        waiting = list(client.log)
        client.transport.abort()
        await client.until("lost")
        await asyncio.sleep(86_400)
        assert virtual.network().links == [link]
        assert repr(link) == "<Link 1 to 127.0.0.1:49152>"
        server.transport.abort()
        await server.until("lost")
        assert virtual.network().links == []
        return told, waiting, server.log

    told, waiting, server_log = run(main(), window_bytes=1000)
    assert told == ([("made",), ("pause",)], [("made",)], 110)
    assert waiting == [("made",), ("pause",)]
    assert server_log == [("made",), NONE]


def test_a_black_hole_in_one_direction_loses_the_acknowledgements_of_the_other():
    async def main():
        client, server = await connected()
        link = virtual.network().links[0]
        link.black_hole("server")
        server.transport.write(b"gone")
        client.transport.write(bytes(1000))
        client.transport.write(b"no room")
        await asyncio.sleep(1)
        state = bytes(client.received), len(server.received), client.transport.get_write_buffer_size()
        client.transport.abort()
        await server.until("lost")
        return state

    assert run(main(), window_bytes=1000) == (b"", 1000, 7)


def test_what_had_arrived_before_the_black_hole_can_still_be_read():
    async def main():
        client, server = await connected()
        server.transport.pause_reading()
        client.transport.write(b"arrived")
        await asyncio.sleep(1)
        client.transport.write(b"under way")
        virtual.network().links[0].black_hole("client")
        server.transport.resume_reading()
        await asyncio.sleep(1)
        client.transport.abort()
        server.transport.abort()
        await server.until("lost")
        return bytes(server.received)

    assert run(main()) == b"arrived"


def test_a_stalled_link_delivers_everything_when_it_is_resumed():
    async def main():
        loop = asyncio.get_running_loop()
        client, server = await connected()
        link = virtual.network().links[0]
        link.stall("client")
        client.transport.write(b"one ")
        server.transport.write(b"the other way")
        await client.until("data")
        await asyncio.sleep(60)
        client.transport.write(b"two")
        client.transport.close()
        await client.until("lost")
        assert server.log == [("made",)]
        resumed = loop.time()
        link.resume()
        await server.until("lost")
        return bytes(server.received), server.log, loop.time() - resumed

    received, log, later = run(main(), latency_s=0.010)
    assert (received, log, later) == (b"one two", [("made",), ("data",), ("eof",), NONE], pytest.approx(0.010))


def test_a_reset_waits_behind_a_stall_and_vanishes_in_a_black_hole():
    async def main(fault):
        client, server = await connected()
        link = virtual.network().links[0]
        client.transport.pause_reading()
        server.transport.write(b"unread")
        await asyncio.sleep(1)
        link.stall()
        client.transport.abort()
        await asyncio.sleep(1)
        before = list(server.log)
        fault(link)
        link.resume()
        await asyncio.sleep(1)
        after = list(server.log)
        server.transport.abort()
        await server.until("lost")
        return before, after

    assert run(main(lambda link: None)) == ([("made",)], [("made",), RESET])
    assert run(main(lambda link: link.black_hole())) == ([("made",)], [("made",)])


def test_an_aborted_link_resets_both_sides_at_once():
    async def main():
        client, server = await connected()
        client.transport.write(b"under way")
        virtual.network().links[0].abort()
        await turns()
        return client.log, server.log, virtual.network().links, asyncio.get_running_loop().time()

    assert run(main()) == ([("made",), RESET], [("made",), RESET], [], 0.003)


def test_a_link_that_is_lost_before_the_server_accepts_never_reaches_it():
    async def main(fault):
        loop = asyncio.get_running_loop()
        made = []
        listener = await loop.create_server(lambda: made.append(Side()) or made[-1], "h", 80)
        transport, client = await loop.create_connection(Side, "h", 80)
        fault(virtual.network().links[0], listener)
        await asyncio.sleep(1)
        told = list(client.log)
        transport.abort()
        listener.close()
        await listener.wait_closed()
        await asyncio.sleep(1)
        return made, told, virtual.network().links

    assert run(main(lambda link, listener: link.abort())) == ([], [("made",), RESET], [])
    assert run(main(lambda link, listener: link.black_hole())) == ([], [("made",)], [])
    assert run(main(lambda link, listener: listener.close())) == ([], [("made",), RESET], [])


def test_a_client_that_leaves_before_it_is_accepted_is_accepted_and_gone():
    async def main():
        loop = asyncio.get_running_loop()
        server = Side()
        listener = await loop.create_server(lambda: server, "h", 80)
        transport, _ = await loop.create_connection(Side, "h", 80)
        transport.write(b"bye")
        transport.close()
        await server.until("lost")
        listener.close()
        return server.log

    assert run(main()) == [("made",), ("data",), ("eof",), NONE]


@pytest.mark.parametrize(
    ("answer", "error", "after_s"),
    [
        ("refuse", ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('h', 80)"), 0.002),
        ("ignore", TimeoutError(errno.ETIMEDOUT, "Connect call failed ('h', 80)"), 127),
    ],
)
def test_a_network_that_does_not_let_clients_in(answer, error, after_s):
    async def main():
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(Side, "h", 80)
        virtual.network().answer = answer
        with pytest.raises(type(error)) as raised:
            await loop.create_connection(Side, "h", 80)
        took = loop.time()
        virtual.network().answer = "accept"
        transport, _ = await loop.create_connection(Side, "h", 80)
        transport.abort()
        await asyncio.sleep(1)
        listener.close()
        return str(raised.value), took

    assert run(main()) == (str(error), pytest.approx(after_s))


def test_a_network_that_swallows_lets_in_and_never_answers():
    """FM-09: the handshake that never completes."""

    async def main():
        loop = asyncio.get_running_loop()
        server = Side()
        listener = await loop.create_server(lambda: server, "h", 80)
        virtual.network().answer = "swallow"
        transport, client = await loop.create_connection(Side, "h", 80)
        transport.write(b"GET")
        await asyncio.sleep(1000)
        transport.abort()
        await client.until("lost")
        listener.close()
        return client.log, server.log

    assert run(main()) == ([("made",), NONE], [])


def test_nobody_listens_where_nobody_was_started():
    async def main():
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(Side, "localhost", 80, start_serving=False)
        assert (listener.is_serving(), listener.sockets, listener.get_loop()) == (False, (), loop)
        for host, port in (("localhost", 80), ("localhost", 81)):
            with pytest.raises(ConnectionRefusedError):
                await loop.create_connection(Side, host, port)
        await listener.start_serving()
        await listener.start_serving()
        transport, _ = await loop.create_connection(Side, "127.0.0.1", "80")
        with pytest.raises(ConnectionRefusedError):
            await loop.create_connection(Side, "example.test", 80)
        transport.abort()
        async with listener:
            assert listener.is_serving()
        listener.close()
        await listener.wait_closed()
        return listener.is_serving()

    assert run(main()) is False


def test_a_server_without_a_host_answers_to_every_name():
    async def main():
        loop = asyncio.get_running_loop()
        async with await loop.create_server(Side, None, 80):
            transport, _ = await loop.create_connection(Side, "any.name.test", 80)
            transport.abort()
            await asyncio.sleep(1)

    run(main())


def test_an_address_is_taken_once():
    async def main():
        loop = asyncio.get_running_loop()
        first = await loop.create_server(Side, ["a", "b"], 80)
        for host in ("b", None):
            with pytest.raises(
                OSError, match=r"error while attempting to bind on address .*: address already in use"
            ) as raised:
                await loop.create_server(Side, host, 80)
            assert raised.value.errno == errno.EADDRINUSE
        others = [
            await loop.create_server(Side, "c", 80),
            await loop.create_server(Side, "a", 0),
            await loop.create_server(Side),
        ]
        names = [sock.getsockname() for listener in (first, *others) for sock in listener.sockets]
        for listener in (first, *others):
            listener.close()
        return names

    assert run(main()) == [("a", 80), ("b", 80), ("c", 80), ("a", 49_152), ("0.0.0.0", 49_153)]


def test_serving_for_ever_ends_with_its_cancellation_and_waits_for_its_connections():
    async def main():
        loop = asyncio.get_running_loop()
        server = Side()
        listener = await loop.create_server(lambda: server, "h", 80)
        serving = asyncio.create_task(listener.serve_forever())
        transport, _ = await loop.create_connection(Side, "h", 80)
        await server.until("made")
        serving.cancel()
        waiting = asyncio.create_task(listener.wait_closed())
        given_up = asyncio.create_task(listener.wait_closed())
        await turns()
        given_up.cancel()
        assert not listener.is_serving()
        assert not waiting.done()
        transport.abort()
        await waiting
        with pytest.raises(asyncio.CancelledError):
            await serving

    run(main())


def test_a_protocol_that_fails_when_it_is_connected_leaves_no_connection():
    async def main():
        loop = asyncio.get_running_loop()
        server = Side()
        async with await loop.create_server(lambda: server, "h", 80):
            with pytest.raises(ZeroDivisionError):
                await loop.create_connection(lambda: Side(fails_in="made"), "h", 80)
            await server.until("lost")
        return server.log, virtual.network().links

    assert run(main()) == ([("made",), ("eof",), NONE], [])


@pytest.mark.parametrize("word", ["data", "eof"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_protocol_leaves_the_loop(word, error):
    class Interrupted(Side):
        def note(self, *words):
            if words[0] == word:
                raise error
            super().note(*words)

    async def main():
        client, server = await connected(server=Interrupted())
        client.transport.write(b"x") if word == "data" else client.transport.close()
        await server.until("never")

    with pytest.raises(error):
        run(main())


def test_what_a_transport_says_of_itself():
    async def main():
        client, server = await connected()
        transport = client.transport
        ours, theirs = ("127.0.0.1", 32_769), ("127.0.0.1", 49_152)
        assert (transport.get_extra_info("sockname"), transport.get_extra_info("peername")) == (ours, theirs)
        assert transport.get_extra_info("ssl_object", "none") == "none"
        sock = transport.get_extra_info("socket")
        assert (sock.getsockname(), sock.getpeername(), sock.fileno(), sock.family) == (ours, theirs, -1, socket.AF_INET)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert (transport.can_write_eof(), transport.get_protocol(), transport.is_reading()) == (True, client, True)
        other = Side()
        transport.set_protocol(other)
        with pytest.raises(kb.UsageError, match=r"expected an asyncio\.Protocol, found BufferedProtocol, which is buffered"):
            transport.set_protocol(asyncio.BufferedProtocol())
        states = [repr(transport)]
        transport.close()
        states.append(repr(transport))
        await other.until("lost")
        states.append(repr(transport))
        await server.until("lost")
        listener = await asyncio.get_running_loop().create_server(Side, "h", 1)
        with pytest.raises(OSError, match="not connected") as raised:
            listener.sockets[0].getpeername()
        assert raised.value.errno == errno.ENOTCONN
        listener.close()
        return states

    where = "<VirtualTransport ('127.0.0.1', 32769) to ('127.0.0.1', 49152)"
    assert run(main()) == [f"{where} open>", f"{where} closing>", f"{where} closed>"]


def test_protocols_run_in_the_context_of_whoever_connected_or_listened():
    """As asyncio's own transports do; not in the context of whoever wrote."""
    who = contextvars.ContextVar("who", default="nobody")
    seen = []

    class Asking(Side):
        def note(self, *words):
            seen.append((words[0], who.get()))
            super().note(*words)

    async def listen():
        who.set("server")
        return await asyncio.get_running_loop().create_server(Asking, "h", 80)

    async def dial():
        who.set("client")
        return await asyncio.get_running_loop().create_connection(Side, "h", 80)

    async def main():
        listener = await asyncio.create_task(listen())
        transport, client = await asyncio.create_task(dial())
        client.note = lambda *words: seen.append((words[0], who.get()))
        transport.write(b"x")
        await asyncio.sleep(1)
        virtual.network().links[0].server.write(b"y")
        transport.close()
        await asyncio.sleep(1)
        listener.close()

    virtual.run(main())
    assert ("made", "server") in seen
    assert seen.count(("data", "server")) == 1
    assert ("data", "nobody") not in seen


def test_asyncio_streams_run_on_it():
    async def echo(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    async def main():
        async with await asyncio.start_server(echo, "h", 7):
            reader, writer = await asyncio.open_connection("h", 7)
            writer.write(b"a line\n")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
        return answer

    assert run(main()) == b"a line\n"


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"latency_s": -1}, "expected latency_s to be 0 or more and finite, found -1"),
        ({"jitter_s": float("inf")}, "expected jitter_s to be 0 or more and finite, found inf"),
        ({"jitter_s": float("nan")}, "expected jitter_s to be 0 or more and finite, found nan"),
        ({"bytes_per_s": 0}, "expected bytes_per_s to be an int of 1 or more, found 0"),
        ({"window_bytes": 1.5}, "expected window_bytes to be an int of 1 or more, found 1.5"),
        ({"read_bytes": None}, "expected read_bytes to be an int of 1 or more, found None"),
    ],
)
def test_conditions_that_no_network_has_are_refused(wrong, text):
    with pytest.raises(kb.UsageError) as raised:
        virtual.Network(**wrong)
    assert str(raised.value) == text


def test_conditions_change_on_a_live_link():
    async def main():
        loop = asyncio.get_running_loop()
        client, server = await connected()
        link = virtual.network().links[0]
        assert (link.latency_s, link.jitter_s, link.bytes_per_s) == (0.001, 0.0, None)
        with pytest.raises(kb.UsageError, match="expected window_bytes to be an int of 1 or more, found 0"):
            link.window_bytes = 0
        assert link.window_bytes == 1_048_576
        link.latency_s, link.jitter_s = 5, 0
        began = loop.time()
        client.transport.write(b"slow")
        await server.until("data")
        client.transport.abort()
        await server.until("lost")
        return loop.time() - began

    assert run(main()) == pytest.approx(10)


def test_an_answer_or_a_direction_that_does_not_exist_is_refused():
    network = virtual.Network()
    with pytest.raises(kb.UsageError, match="expected answer to be one of accept, refuse, ignore, swallow, found 'maybe'"):
        network.answer = "maybe"
    assert network.answer == "accept"

    async def main():
        client, server = await connected()
        with pytest.raises(kb.UsageError, match="expected sender to be 'client', 'server' or None for both, found 'yes'"):
            virtual.network().links[0].stall("yes")
        client.transport.abort()
        await server.until("lost")

    virtual.run(main(), network=network)


CONDITIONS = st.fixed_dictionaries(
    {
        "latency_s": st.sampled_from([0.0, 0.001, 0.3]),
        "jitter_s": st.sampled_from([0.0, 0.002, 1.0]),
        "bytes_per_s": st.sampled_from([None, 1, 1000, 10**9]),
        "window_bytes": st.sampled_from([1, 7, 100, 10**6]),
        "read_bytes": st.sampled_from([1, 3, 100_000]),
    }
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "pause", "resume", "wait", "stall", "unstall"]), st.booleans(), st.integers(0, 60)
    ),
    max_size=25,
)


async def carried(steps, *, ends):
    """Follow steps on both sides, then end; for each direction what was written and what was received."""
    pair = client, server = await connected()
    written = {client: bytearray(), server: bytearray()}
    link = virtual.network().links[0]
    for verb, is_client, size in steps:
        side = pair[not is_client]
        if verb == "write":
            data = bytes((len(written[side]) + n) % 251 for n in range(size))
            written[side] += data
            side.transport.write(data)
        elif verb == "pause":
            side.transport.pause_reading()
        elif verb == "resume":
            side.transport.resume_reading()
        elif verb == "stall":
            link.stall("client" if is_client else "server")
        elif verb == "unstall":
            link.resume("client" if is_client else "server")
        else:
            await asyncio.sleep(size / 100)
    await ends(link, client, server)
    return [(bytes(written[a]), bytes(b.received)) for a, b in (pair, pair[::-1])]


@given(steps=STEPS, conditions=CONDITIONS, seed=st.integers(0, 3))
def test_bytes_arrive_in_order_and_whole_whatever_the_chunks(steps, conditions, seed):
    async def ends(link, client, server):
        client.keeps_open = server.keeps_open = True
        link.resume()
        for side in (client, server):
            side.transport.resume_reading()
            side.transport.write_eof()
        for side in (client, server):
            await side.until("eof")
        for side in (client, server):
            side.transport.close()
            await side.until("lost")

    for written, received in virtual.run(carried(steps, ends=ends), seed=seed, network=virtual.Network(**conditions)):
        assert received == written


@given(steps=STEPS, conditions=CONDITIONS, fault=st.sampled_from(["black_hole", "abort", "half", "transport"]))
def test_after_a_fault_what_arrived_is_the_beginning_of_what_was_written(steps, conditions, fault):
    async def ends(link, client, server):
        if fault == "transport":
            client.transport.abort()
        elif fault == "half":
            link.black_hole("client")
        else:
            getattr(link, fault)()
        link.resume()
        for side in (client, server):
            side.transport.resume_reading()
        await asyncio.sleep(10_000)
        for side in (client, server):
            side.transport.abort()
            await side.until("lost")
        await asyncio.sleep(10_000)
        assert virtual.network().links == []

    for written, received in virtual.run(carried(steps, ends=ends), network=virtual.Network(**conditions)):
        assert written.startswith(received)
