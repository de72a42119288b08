"""A connection of the virtual network, and what can be done to it while it lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kalshi_book.errors import UsageError

from .pipe import Pipe, Sender
from .transport import Address, VirtualTransport

if TYPE_CHECKING:
    from .loop import VirtualLoop
    from .network import Network


_SIZES: Final = ("bytes_per_s", "window_bytes", "read_bytes")


class Conditions:
    """How bytes travel. Each attribute may be set at any time; what is sent later goes by it.

    Attributes:
        latency_s: Seconds from one side to the other.
        jitter_s: At most so many seconds are added, drawn anew for everything that is sent; order is kept.
        bytes_per_s: What the wire takes in each direction; None is no limit.
        window_bytes: How many bytes may be under way or unread in each direction, before the sender's buffer fills.
        read_bytes: How many bytes the receiver gets in one read at most. With 1 it gets byte after byte.
    """

    def __init__(
        self, *, latency_s: float, jitter_s: float, bytes_per_s: int | None, window_bytes: int, read_bytes: int
    ) -> None:
        self.latency_s = latency_s
        self.jitter_s = jitter_s
        self.bytes_per_s = bytes_per_s
        self.window_bytes = window_bytes
        self.read_bytes = read_bytes

    def __setattr__(self, name: str, value: object) -> None:
        # Checked here and not by properties: these are read for every segment.
        if name in _SIZES and (type(value) is not int or value < 1) and (name, value) != ("bytes_per_s", None):
            raise UsageError(f"expected {name} to be an int of 1 or more, found {value!r}")
        super().__setattr__(name, value)

    @property
    def latency_s(self) -> float:
        """Seconds from one side to the other."""
        return self._latency_ns / 1e9

    @latency_s.setter
    def latency_s(self, value: float) -> None:
        self._latency_ns = _to_ns("latency_s", value)

    @property
    def jitter_s(self) -> float:
        """At most so many seconds are added to the latency."""
        return self._jitter_ns / 1e9

    @jitter_s.setter
    def jitter_s(self, value: float) -> None:
        self._jitter_ns = _to_ns("jitter_s", value)


class Link(Conditions):
    """One connection. It starts with the conditions of its network; each can be set anew on the live link.

    ``sender`` says which direction is meant: what the ``"client"`` sends or what the ``"server"`` sends; None is both.

    Attributes:
        number: Which connection of the network it is, from 1.
        host, port: Whom the client asked for.
        client, server: The transports of the two sides.
    """

    def __init__(self, network: Network, loop: VirtualLoop, *, number: int, host: str, port: int) -> None:
        super().__init__(
            latency_s=network.latency_s,
            jitter_s=network.jitter_s,
            bytes_per_s=network.bytes_per_s,
            window_bytes=network.window_bytes,
            read_bytes=network.read_bytes,
        )
        self.network = network
        self.loop = loop
        self.number = number
        self.host = host
        self.port = port
        ours: Address = ("127.0.0.1", 32_768 + number % 16_384)
        theirs: Address = (host, port)
        # The server's side reads nothing until it has accepted.
        self.client = VirtualTransport(self, ours, theirs, is_holding=False)
        self.server = VirtualTransport(self, theirs, ours, is_holding=True)
        there, back = Pipe(self, "client"), Pipe(self, "server")
        self._pipes = {"client": there, "server": back}
        for pipe, source, target, reverse in (
            (there, self.client, self.server, back),
            (back, self.server, self.client, there),
        ):
            pipe.source, pipe.target, pipe.reverse = source, target, reverse
            source.sends = target.takes = pipe

    def __repr__(self) -> str:
        return f"<Link {self.number} to {self.host}:{self.port}>"

    def delay_ns(self) -> int:
        """How long what is sent now travels, in ns: the latency, and a draw of the jitter."""
        if not self._jitter_ns:
            return self._latency_ns
        return self._latency_ns + self.network.rng.randrange(self._jitter_ns + 1)

    def black_hole(self, sender: Sender | None = None) -> None:
        """Let bytes vanish from now on, also those under way; nobody is told. Ends and resets vanish too.

        As with a real cable that is pulled, what vanishes is never acknowledged: whoever goes on writing fills the window,
        then the buffer, and waits. With one direction black the other still delivers, but its acknowledgements are lost.
        TCP would give up after a quarter of an hour; a black hole never does.
        """
        for pipe in self._directions(sender):
            pipe.go_black()

    def stall(self, sender: Sender | None = None) -> None:
        """Let bytes wait, until `resume`; nobody is told."""
        for pipe in self._directions(sender):
            pipe.stall()

    def resume(self, sender: Sender | None = None) -> None:
        """Let go what waited since `stall`, in order and at once."""
        for pipe in self._directions(sender):
            pipe.resume()

    def abort(self) -> None:
        """Reset the connection on both sides at this instant. What is under way is lost.

        As on real sockets, a side that does not read is told when it reads or writes again.
        """
        self.black_hole()
        for side in (self.client, self.server):
            self.loop.call_soon(side.reset_arrived)

    def side_closed(self) -> None:
        """Leave the network when both sides are closed. Transports call it."""
        if self.client.is_closed and self.server.is_closed:
            self.network.drop(self)

    def _directions(self, sender: Sender | None) -> list[Pipe]:
        if sender is None:
            return list(self._pipes.values())
        if sender not in self._pipes:
            raise UsageError(f"expected sender to be 'client', 'server' or None for both, found {sender!r}")
        return [self._pipes[sender]]


def _to_ns(name: str, seconds: float) -> int:
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"expected {name} to be 0 or more and finite, found {seconds!r}")
    return round(seconds * 1e9)
