"""Who waits for connections on the virtual network: what ``loop.create_server`` returns."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Final

from .transport import VirtualSocket

if TYPE_CHECKING:
    from .link import Link
    from .loop import VirtualLoop

_EVERYWHERE: Final = ("", "0.0.0.0", "::")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Listener(asyncio.AbstractServer):
    """An ``asyncio.Server`` without sockets; ``wait_closed`` waits for its connections on every Python, as 3.12 does.

    Attributes:
        hosts, port: Where it listens.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        hosts: tuple[str, ...],
        port: int,
        listeners: list[Listener],
    ) -> None:
        self.hosts = hosts
        self.port = port
        self._loop = loop
        self._protocol_factory = protocol_factory
        self._listeners = listeners
        self._open = 0
        self._is_closed = False
        self._waiters: list[asyncio.Future[None]] = []
        self._context = copy_context()  # protocols run in that of whoever made the server, as asyncio has it

    def __repr__(self) -> str:
        return f"<Listener on {', '.join(f'{host}:{self.port}' for host in self.hosts)}>"

    def answers(self, host: str) -> bool:
        """Whether a client that asks for this host finds it."""
        return any(ours == host or ours in _EVERYWHERE or (ours in _LOOPBACK and host in _LOOPBACK) for ours in self.hosts)

    @property
    def sockets(self) -> tuple[VirtualSocket, ...]:
        """One stand-in for each host, while it listens."""
        return tuple(VirtualSocket((host, self.port)) for host in self.hosts) if self.is_serving() else ()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """As asyncio has it."""
        return self._loop

    def is_serving(self) -> bool:
        """As asyncio has it."""
        return self in self._listeners

    def start(self) -> None:
        """Listen from now on; ``OSError`` (``EADDRINUSE``) where somebody does already."""
        if self.is_serving():
            return
        for other in self._listeners:
            if other.port == self.port and any(other.answers(host) or host in _EVERYWHERE for host in self.hosts):
                where = f"({self.hosts[0]!r}, {self.port})"
                raise OSError(errno.EADDRINUSE, f"error while attempting to bind on address {where}: address already in use")
        self._listeners.append(self)

    async def start_serving(self) -> None:
        """As asyncio has it."""
        self.start()

    async def serve_forever(self) -> None:
        """As asyncio has it: until cancelled, then close."""
        self.start()
        try:
            await self._loop.create_future()
        finally:
            self.close()
            await self.wait_closed()

    def close(self) -> None:
        """Listen no more. Connections that stand go on."""
        if self.is_serving():
            self._listeners.remove(self)
        self._is_closed = True
        self._wake()

    async def wait_closed(self) -> None:
        """Wait until it is closed and its connections are."""
        if self._open or not self._is_closed:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def expect(self, link: Link) -> None:
        """Let a client in as soon as its acknowledgement arrives."""
        link.server.takes.run_in(self._context)
        link.server.takes.signal(lambda: self._accept(link))

    def _accept(self, link: Link) -> None:
        side = link.server
        if side.takes.is_black:  # it never arrives
            side.is_closed = True
            link.side_closed()
            return
        if not self.is_serving():
            side.sends.reset()
            side.dispose()
            return
        protocol = self._protocol_factory()
        side.set_protocol(protocol)
        side.on_closed = self._left
        self._open += 1
        protocol.connection_made(side)
        side.start_reading()

    def _left(self) -> None:
        self._open -= 1
        self._wake()

    def _wake(self) -> None:
        if self._is_closed and not self._open:
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters.clear()
