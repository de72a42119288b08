"""An exchange that does what a test tells it, for what carries it; and a client that sees every byte."""

import asyncio
import functools
import gc
import os
import struct

import pytest

from kalshi_book.sim import virtual
from kalshi_book.sim.serving import WS_PATH, Abort, Account, Freeze, Thaw

START_NS = 1_793_000_000_000_000_000
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class ScriptedConnection:
    """Gives what was put in, all at once or, with ``piece``, so many items at a time."""

    def __init__(self, account):
        self.account = account
        self.on_ready = None
        self.queue = []
        self.received = []
        self.closings = 0
        self.echo = False
        self.failure = None
        self.piece = None

    @property
    def is_urgent(self):
        return bool(self.queue) and isinstance(self.queue[0], (Abort, Freeze, Thaw))

    def put(self, *deeds):
        self.queue += deeds
        if self.on_ready is not None:
            self.on_ready()

    def receive(self, data):
        if self.failure is not None:
            raise self.failure
        self.received.append(data)
        if self.echo:
            self.put(data.encode() if isinstance(data, str) else data)

    def take(self):
        taken = self.queue[: self.piece]
        del self.queue[: len(taken)]
        return taken

    def closed(self):
        self.closings += 1


class ScriptedExchange:
    """Lets in whoever ``answer`` says; ``due`` holds times, in order, at which something happens."""

    def __init__(self, start_ns=START_NS):
        self.keyring = None
        self.on_sooner = None
        self.now_ns = start_ns
        self.due = []
        self.advances = []
        self.happened_at = []
        self.answer = Account("user")
        self.requests = []
        self.connections = []
        self.failure = None

    @property
    def next_due_ns(self):
        return self.due[0] if self.due else None

    def advance(self, now_ns):
        assert now_ns >= self.now_ns
        if self.failure is not None:
            raise self.failure
        self.now_ns = now_ns
        self.advances.append(now_ns)
        while self.due and self.due[0] <= now_ns:
            self.happened_at.append(self.due.pop(0))

    def admit(self, path, headers):
        self.requests.append((path, headers))
        return self.answer

    def connect(self, account):
        self.connections.append(ScriptedConnection(account))
        return self.connections[-1]


class RawClient:
    """A WebSocket by hand: it answers nothing by itself and reads only when told to."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port, *, headers=(), path=WS_PATH):
        """Connect, and give the client and the head of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
        client = cls(reader, writer)
        lines = [
            f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in headers),
        ]  # fmt: skip
        writer.write("\r\n".join([*lines, "", ""]).encode())
        return client

    async def head(self):
        """Read the answer to the handshake up to its body."""
        return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    def send(self, opcode, payload=b""):
        key = os.urandom(4)
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
        masked = bytes(each ^ key[i % 4] for i, each in enumerate(payload))
        self.writer.write(bytes([0x80 | opcode]) + length + key + masked)

    async def frame(self):
        """Read one frame: its opcode and payload."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0x0F, await self.reader.readexactly(size)

    async def silent(self, seconds=0.02):
        """Whether nothing comes for so long."""
        try:
            await asyncio.wait_for(self.reader.read(1), seconds)
        except asyncio.TimeoutError:
            return True
        return False

    def close(self):
        self.writer.transport.abort()


LOOPS = ("loopback", "virtual")
"""Where a program runs: on a socket of this machine in real time, or in memory in virtual time."""


def run(main, *, on="loopback", timeout_s=60):
    """Run a coroutine function to its end, and see that it leaves no task behind."""
    if on == "virtual":
        return virtual.run(main())

    async def guarded():
        result = await asyncio.wait_for(main(), timeout_s)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, left
        return result

    return asyncio.run(guarded())


def tls_on_any_python(test):
    """Let CPython 3.10 say that a TLS transport was not closed, which it says of every one."""

    @pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")
    @functools.wraps(test)
    def tested(*arguments, **options):
        test(*arguments, **options)
        gc.collect()  # now, and not in another test

    return tested


async def until(condition):
    """Give way until something is true."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0.0005)
    raise AssertionError("it never came true")
