"""The in-memory network of a run: who listens, who is connected, how bytes travel.

A connection is made in one round trip, and the server learns of it half a round trip later, as with TCP. Every name is its
own address, so a client may use any URL; a server that listens on no host, ``""``, ``"0.0.0.0"`` or ``"::"`` answers to all.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import random
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from kalshi_book.errors import UsageError

from .link import Conditions, Link
from .listener import Listener
from .pipe import Sender
from .transport import VirtualTransport

if TYPE_CHECKING:
    from .loop import VirtualLoop

Answer = Literal["accept", "refuse", "ignore", "swallow"]

_ANSWERS: Final = ("accept", "refuse", "ignore", "swallow")
_FIRST_FREE_PORT: Final = 49_152
_CONNECT_TIMEOUT_S: Final = 127.0  # Linux gives up after six tries, which takes so long


class Passage(NamedTuple):
    """Some bytes that were sent or have arrived: what ``network.on_bytes`` is called with.

    Attributes:
        now_ns: When, unix ns of the virtual clock.
        link: The number of the link.
        sender: Which side sent them.
        event: ``"sent"`` (also where they then vanish) or ``"arrived"``.
        data: The bytes.
    """

    now_ns: int
    link: int
    sender: Sender
    event: Literal["sent", "arrived"]
    data: bytes


class Transcript:
    """Every passage of bytes as one digest: two runs with equal digests exchanged the same bytes at the same instants.

    Give one to ``network.on_bytes``.

    >>> transcript = Transcript()
    >>> transcript(Passage(1_793_000_000_000_000_000, 1, "client", "sent", b"GET"))
    >>> transcript.passages, transcript.digest[:16]
    (1, 'e1c0505c9dd57e20')
    """

    def __init__(self) -> None:
        self.passages = 0
        self._hash = hashlib.sha256()

    def __call__(self, passage: Passage) -> None:
        """Take one passage in."""
        self.passages += 1
        self._hash.update(b"%d %d %s %s %d\n" % (*passage[:2], passage[2].encode(), passage[3].encode(), len(passage[4])))
        self._hash.update(passage[4])

    @property
    def digest(self) -> str:
        """SHA-256 of all passages so far, in hex."""
        return self._hash.hexdigest()


class Network(Conditions):
    """The network of one run, with the conditions that its links start with.

    Attributes:
        answer: What a client that connects finds from now on: ``"accept"``; ``"refuse"`` (nobody listens); ``"ignore"``
            (no answer at all: after 127 s the system gives up); ``"swallow"`` (connected, then every byte vanishes).
        on_bytes: Called with each `Passage`, or None.

    Raises:
        UsageError: A negative time, or a size below 1.
    """

    def __init__(
        self,
        *,
        latency_s: float = 0.001,
        jitter_s: float = 0.0,
        bytes_per_s: int | None = None,
        window_bytes: int = 1_048_576,
        read_bytes: int = 262_144,
    ) -> None:
        super().__init__(
            latency_s=latency_s,
            jitter_s=jitter_s,
            bytes_per_s=bytes_per_s,
            window_bytes=window_bytes,
            read_bytes=read_bytes,
        )
        self.on_bytes: Callable[[Passage], None] | None = None
        self._answer: Answer = "accept"
        self._links: dict[Link, None] = {}
        self._link_count = 0
        self._listeners: list[Listener] = []
        self._loop: VirtualLoop | None = None
        self.rng = random.Random()

    @property
    def answer(self) -> Answer:
        """What a client that connects finds."""
        return self._answer

    @answer.setter
    def answer(self, value: Answer) -> None:
        if value not in _ANSWERS:
            raise UsageError(f"expected answer to be one of {', '.join(_ANSWERS)}, found {value!r}")
        self._answer = value

    @property
    def links(self) -> list[Link]:
        """The links of which a side is still open, in the order in which they were made."""
        return list(self._links)

    # For the loop and the links.

    def begin(self, loop: VirtualLoop, seed: int) -> None:
        """Belong to a run from now on."""
        if self._loop is not None:
            raise UsageError("expected a Network that no run has had, found one that had: make a new one for each run")
        self._loop = loop
        self.rng = random.Random(f"kalshi_book virtual network {seed}")

    def report(self, link: Link, sender: Sender, event: Literal["sent", "arrived"], data: bytes) -> None:
        """Tell ``on_bytes``, which is not None."""
        assert self._loop is not None and self.on_bytes is not None
        self.on_bytes(Passage(self._loop.time_ns(), link.number, sender, event, data))

    def drop(self, link: Link) -> None:
        """Forget a link of which both sides are closed."""
        self._links.pop(link, None)

    def open_ends(self) -> list[object]:
        """The sides of connections that are open, and the servers that listen."""
        sides = (side for link in self._links for side in (link.client, link.server))
        return [*(side for side in sides if not side.is_closed), *self._listeners]

    async def connect(
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: str, port: int
    ) -> tuple[VirtualTransport, asyncio.BaseProtocol]:
        """Make a link; see `VirtualLoop.create_connection`."""
        assert self._loop is not None
        self._link_count += 1
        link = Link(self, self._loop, number=self._link_count, host=host, port=port)
        await asyncio.sleep(link.delay_ns() / 1e9)
        answer, listener = self._answer, self._listener(host, port)
        if answer == "ignore":
            await asyncio.sleep(_CONNECT_TIMEOUT_S - link.latency_s)
            raise TimeoutError(errno.ETIMEDOUT, f"Connect call failed ({host!r}, {port})")
        await asyncio.sleep(link.delay_ns() / 1e9)
        if answer == "refuse" or listener is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed ({host!r}, {port})")
        protocol = protocol_factory()
        link.client.set_protocol(protocol)
        link.client.takes.run_in(copy_context())
        self._links[link] = None
        if answer == "swallow":
            link.black_hole()
        listener.expect(link)
        try:
            protocol.connection_made(link.client)
        except BaseException:
            link.client.abort()
            raise
        return link.client, protocol

    def listen(self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: Any, port: int, *, start: bool) -> Listener:
        """Make a server; see `VirtualLoop.create_server`."""
        assert self._loop is not None
        hosts = tuple(host) if isinstance(host, list | tuple) else ("0.0.0.0" if host is None else str(host),)
        taken = [listener.port for listener in self._listeners]
        if port == 0:
            port = next(free for free in range(_FIRST_FREE_PORT, 65_536) if free not in taken)
        listener = Listener(self._loop, protocol_factory, hosts, port, self._listeners)
        if start:
            listener.start()
        return listener

    def _listener(self, host: str, port: int) -> Listener | None:
        return next((each for each in self._listeners if each.port == port and each.answers(host)), None)
