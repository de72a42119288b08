"""One WebSocket of a client, and what the exchange has to say on it.

Frames are written in batches, straight to the transport, and no more than it wants to take: what the client does not read
stays with the exchange's connection, which knows what to do about slow readers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State

from .serving import Abort, Close, Deed, Freeze, ServedConnection, Thaw

HEARTBEAT: Final = b"heartbeat"
"""The body of a ping (AsyncAPI text, read 2026-10-26)."""

BATCH_BYTES: Final = 1 << 16

WRITE_LIMIT_BYTES: Final = 1 << 18
"""How much a transport may hold that the client has not read: more is left to the exchange's connection."""


class Carrier:
    """Carry messages between one socket and one connection until either ends.

    Args:
        socket: open.
        connection: of the exchange.
        before_receive: called before each message of the client.
        heartbeat_s: between pings.
        ping_when_busy: ping also when data was written less than ``heartbeat_s`` ago.
        close_timeout_s: how long a closing handshake may take.
    """

    def __init__(
        self, socket: ServerConnection, connection: ServedConnection, *, before_receive: Callable[[], None],
        heartbeat_s: float, ping_when_busy: bool, close_timeout_s: float,
    ) -> None:  # fmt: skip
        self._socket = socket
        self._connection = connection
        self._before_receive = before_receive
        self._heartbeat_s = heartbeat_s
        self._ping_when_busy = ping_when_busy
        self._close_timeout_s = close_timeout_s
        self._loop = asyncio.get_running_loop()
        self._wrote_at = self._loop.time()
        self._ready = asyncio.Event()
        self._later: list[Deed] = []  # taken, and not done yet
        self._flowing = asyncio.Event()  # unless frozen
        self._flowing.set()

    @property
    def is_frozen(self) -> bool:
        """Whether nothing passes in either direction."""
        return not self._flowing.is_set()

    async def run(self) -> None:
        """Carry until the end; whatever fails inside the exchange's connection is raised."""
        self._connection.on_ready = self._ready.set
        self._ready.set()
        tasks = [asyncio.create_task(part()) for part in (self._read, self._write, self._ping, self._end)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._connection.on_ready = None
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            self._connection.closed()
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _read(self) -> None:
        try:
            while True:
                message = await self._socket.recv()
                await self._flowing.wait()
                self._before_receive()
                self._connection.receive(message)
        except ConnectionClosed:
            pass

    async def _write(self) -> None:
        while not self._is_over():
            deeds, self._later = self._later or self._connection.take(), []
            for deed in batches(deeds):
                if isinstance(deed, (Abort, Freeze, Thaw)):
                    self._do_at_once(deed)
                else:
                    await self._room()
                    if self._is_over():
                        return
                    if isinstance(deed, Close):
                        await self._close(deed)
                    else:
                        self._write_frames(deed)
            if deeds:
                await asyncio.sleep(0)  # a client that reads fast makes nobody else wait
            else:
                await self._ready.wait()
                self._ready.clear()

    async def _room(self) -> None:
        """Wait until the client reads, and nothing is frozen; what is urgent is done meanwhile."""
        while not self._is_over() and (self.is_frozen or self._is_full):
            waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._ready.wait())]
            if self._is_full:
                waits.append(asyncio.ensure_future(self._socket.drain()))
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)
            self._ready.clear()
            if self._connection.is_urgent:
                taken = self._connection.take()
                while taken and isinstance(urgent := taken[0], (Abort, Freeze, Thaw)):
                    self._do_at_once(urgent)
                    del taken[0]
                self._later += taken

    async def _end(self) -> None:
        await self._socket.wait_closed()

    def _do_at_once(self, deed: Abort | Freeze | Thaw) -> None:
        transport = self._socket.transport
        if isinstance(deed, Abort):
            transport.abort()
        elif isinstance(deed, Freeze):
            self._flowing.clear()
            transport.pause_reading()
        else:
            self._flowing.set()
            transport.resume_reading()

    def _write_frames(self, payloads: list[bytes]) -> None:
        protocol = self._socket.protocol
        if protocol.extensions:
            for payload in payloads:
                protocol.send_text(payload)
            self._flush()
        else:
            pieces = [piece for payload in payloads for piece in (header(len(payload)), payload)]
            self._socket.transport.write(b"".join(pieces))
        self._wrote_at = self._loop.time()

    def _flush(self) -> None:
        self._socket.transport.write(b"".join(self._socket.protocol.data_to_send()))

    async def _close(self, close: Close) -> None:
        code, reason = close.code, close.reason
        if code == CloseCode.ABNORMAL_CLOSURE:
            self._socket.transport.close()
            return
        if code == CloseCode.NO_STATUS_RCVD:
            self._socket.protocol.send_close()
            self._flush()
        try:
            await asyncio.wait_for(self._socket.close(code, reason), self._close_timeout_s)
        except asyncio.TimeoutError:  # it does not even read
            self._socket.transport.abort()

    async def _ping(self) -> None:
        last = self._loop.time()
        while True:
            await asyncio.sleep(last + self._heartbeat_s - self._loop.time())
            if self._wrote_at > last and not self._ping_when_busy:
                last = self._wrote_at
                continue
            if self._flowing.is_set() and not self._is_over():
                self._socket.protocol.send_ping(HEARTBEAT)
                self._flush()
            last = self._loop.time()

    @property
    def _is_full(self) -> bool:
        return self._socket.transport.get_write_buffer_size() > WRITE_LIMIT_BYTES

    def _is_over(self) -> bool:
        return self._socket.protocol.state is not State.OPEN or self._socket.transport.is_closing()


def batches(deeds: list[Deed]) -> Iterator[list[bytes] | Close | Abort | Freeze | Thaw]:
    """Put payloads that follow each other together, up to a size that a transport likes."""
    batch: list[bytes] = []
    size = 0
    for deed in deeds:
        if isinstance(deed, bytes):
            batch.append(deed)
            size += len(deed)
            if size < BATCH_BYTES:
                continue
        if batch:
            yield batch
            batch, size = [], 0
        if not isinstance(deed, bytes):
            yield deed
    if batch:
        yield batch


@lru_cache(maxsize=4096)
def header(length: int) -> bytes:
    """Give what stands before the payload of a text frame: the library's own, made once for each length."""
    frame = Frame(Opcode.TEXT, bytes(length)).serialize(mask=False)
    return frame[: len(frame) - length]
