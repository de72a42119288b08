"""One side of a link, as asyncio sees it: a `asyncio.Transport` without a socket.

It behaves as asyncio's transport over a TCP socket does, which was watched side by side on Linux (`tests/sim/
test_virtual_transport.py` runs the same scripts over both):

- ``close`` sends what is buffered, then ends; while buffered bytes find no room it waits, if need be for ever;
- ``abort`` drops the buffer. The peer sees the end (``eof_received``), or a reset where bytes were left unread;
- bytes that reach a side that is closed are answered by a reset;
- a side that does not read learns of a reset when it reads or writes again.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from kalshi_book.errors import UsageError

if TYPE_CHECKING:
    from .link import Link
    from .loop import VirtualLoop
    from .pipe import Pipe

Address = tuple[str, int]


class VirtualSocket:
    """What is asked of a transport's or server's socket: names and options. It has no file descriptor.

    Options can be set and read back and have no effect.
    """

    family = socket.AF_INET
    type = socket.SOCK_STREAM
    proto = socket.IPPROTO_TCP

    def __init__(self, local: Address, remote: Address | None = None) -> None:
        self._local = local
        self._remote = remote
        self._options: dict[tuple[int, int], Any] = {}

    def getsockname(self) -> Address:
        """Return (host, port) of this side."""
        return self._local

    def getpeername(self) -> Address:
        """Return (host, port) of the other side; ``OSError`` where there is none."""
        if self._remote is None:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        return self._remote

    def fileno(self) -> int:
        """Return -1, as closed sockets do."""
        return -1

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        """Keep the value, for `getsockopt`."""
        self._options[level, option] = value

    def getsockopt(self, level: int, option: int) -> Any:
        """Return the value that was set, else 0."""
        return self._options.get((level, option), 0)


# asyncio's own flow control: limits of the write buffer, pause_writing and resume_writing.
class VirtualTransport(asyncio.transports._FlowControlMixin):
    """One side of a `Link`.

    ``get_extra_info`` knows ``"link"``, ``"sockname"``, ``"peername"`` and ``"socket"`` (a stand-in).
    """

    if TYPE_CHECKING:
        _loop: VirtualLoop
        _extra: dict[str, Any]

        def _maybe_pause_protocol(self) -> None: ...
        def _maybe_resume_protocol(self) -> None: ...

    sends: Pipe
    takes: Pipe
    on_closed: Callable[[], None] | None = None

    def __init__(self, link: Link, local: Address, remote: Address, *, is_holding: bool) -> None:
        sock = VirtualSocket(local, remote)
        super().__init__({"link": link, "sockname": local, "peername": remote, "socket": sock}, link.loop)
        self._link = link
        self._protocol: asyncio.Protocol = asyncio.Protocol()
        self._buffer = bytearray()
        self._is_paused = False
        self._is_closing = False
        self._is_lost = False  # connection_lost is scheduled, or was called
        self._eof_written = False
        self._end_seen = False  # the other side sends no more, so nobody reads
        self._reset_seen = False  # a reset arrived while nobody read
        self.is_closed = False
        self.is_holding = is_holding  # whether what arrives stays unread

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else "closing" if self._is_closing else "open"
        return f"<VirtualTransport {self._extra['sockname']} to {self._extra['peername']} {state}>"

    # For the protocol.

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """As asyncio has it.

        Raises:
            UsageError: It is an ``asyncio.BufferedProtocol``, which this transport does not serve.
        """
        if isinstance(protocol, asyncio.BufferedProtocol):
            raise UsageError(
                f"expected an asyncio.Protocol, found {type(protocol).__name__}, which is buffered: use streams"
            )
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """As asyncio has it."""
        return self._protocol

    def is_closing(self) -> bool:
        """As asyncio has it."""
        return self._is_closing

    def is_reading(self) -> bool:
        """As asyncio has it."""
        return not self._is_closing and not self._is_paused

    def pause_reading(self) -> None:
        """Leave what arrives unread; the window fills, and the writer at the other side feels it."""
        if not self._is_closing:
            self._is_paused = self.is_holding = True

    def resume_reading(self) -> None:
        """Read again, from the next turn of the loop on."""
        if self._is_paused and not self._is_closing:
            self._is_paused = self.is_holding = False
            if self._reset_seen:
                self._loop.call_soon(self.reset_arrived)
            self.takes.wake()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """As asyncio has it: what finds no room in the window waits in the buffer."""
        if type(data) is not bytes:
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"data argument must be a bytes-like object, not {type(data).__name__!r}")
            data = bytes(data)
        if self._eof_written:
            raise RuntimeError("Cannot call write() after write_eof()")
        if not data or self._is_lost:
            return
        if self._reset_seen:
            self._fail(self._reset())
            return
        if not self._buffer:
            room = self.sends.room
            if len(data) <= room:
                self.sends.send(data)
                return
            if room > 0:
                self.sends.send(data[:room])
                data = data[room:]
        self._buffer += data
        self._maybe_pause_protocol()

    def write_eof(self) -> None:
        """Close the sending half, once the buffer is empty."""
        if not self._is_closing and not self._eof_written:
            self._eof_written = True
            if not self._buffer:
                self.sends.finish()

    def can_write_eof(self) -> bool:
        """Return True."""
        return True

    def get_write_buffer_size(self) -> int:
        """Bytes that found no room in the window yet."""
        return len(self._buffer)

    def close(self) -> None:
        """Read no more; end when what is buffered is sent."""
        if not self._is_closing:
            self._is_closing = self.is_holding = True
            if not self._buffer:
                self._lose(None)

    def abort(self) -> None:
        """Drop what is buffered and end. What is under way still arrives."""
        self._lose(None)

    # For the pipes and the listener.

    def start_reading(self) -> None:
        """Read from now on; a protocol that paused or closed in ``connection_made`` keeps its will."""
        self.is_holding = self._is_paused or self._is_closing
        self.takes.wake()

    def data_arrived(self, data: bytes) -> None:
        """Hand bytes to the protocol; answer with a reset when this side is closed."""
        if self.is_closed:
            self.takes.forget()
            self.sends.reset()
            return
        try:
            self._protocol.data_received(data)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._fail(error, "Fatal error: protocol.data_received() call failed.")

    def end_arrived(self) -> None:
        """Tell the protocol that the other side sends no more; close unless it wants to go on."""
        if self.is_closed:
            return
        try:
            keeps_open = self._protocol.eof_received()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._fail(error, "Fatal error: protocol.eof_received() call failed.")
        else:
            self._end_seen = True
            if not keeps_open:
                self.close()

    def reset_arrived(self) -> None:
        """The connection is gone: say so now, or, where nobody reads or writes, when somebody does."""
        if (self._is_paused or self._end_seen) and not self._buffer:
            self._reset_seen = True
        else:
            self._fail(self._reset())

    def room_came(self) -> None:
        """Send on from the buffer: bytes were read at the other side."""
        if not self._buffer or self._is_lost or (room := self.sends.room) <= 0:
            return
        chunk = bytes(self._buffer[:room])
        del self._buffer[:room]
        self.sends.send(chunk)
        self._maybe_resume_protocol()  # may write
        if not self._buffer and self._is_closing:
            self._lose(None)
        elif not self._buffer and self._eof_written:
            self.sends.finish()

    def _reset(self) -> OSError:
        """What the system tells whoever uses a connection that was reset."""
        if self._end_seen:
            return BrokenPipeError(errno.EPIPE, "Broken pipe")
        return ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    def _fail(self, error: BaseException, message: str = "") -> None:
        if not isinstance(error, OSError):
            self._loop.call_exception_handler(
                {"message": message, "exception": error, "transport": self, "protocol": self._protocol}
            )
        self._lose(error)

    def _lose(self, error: BaseException | None) -> None:
        if not self._is_lost:
            self._is_lost = self._is_closing = self.is_holding = True
            self._buffer.clear()
            self._loop.call_soon(self._end, error)

    def _end(self, error: BaseException | None) -> None:
        try:
            self._protocol.connection_lost(cast("Exception | None", error))
        finally:
            self.dispose()

    def dispose(self) -> None:
        """Give up the socket: the other side sees the end, or a reset where bytes were left unread."""
        self.is_closed = True
        self.is_holding = False
        if self.takes.has_unread:
            self.takes.forget()
            self.sends.reset()
        else:
            self.sends.finish()
            self.takes.wake()
        self._link.side_closed()
        if self.on_closed is not None:
            self.on_closed()
