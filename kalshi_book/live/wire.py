"""One WebSocket: the handshake, signed afresh, and frames handed on the moment they arrive.

The library's connection class is an asyncio protocol: bytes come in by its callback, are parsed, and pongs answered there.
``Wire`` hands each data frame to its listener in that same callback. No queue stands between and no task is switched, so a
book is right before any other code of the process runs, and no slow consumer can make frames pile up here. Nothing is ever
awaited to send: commands and pings are small and go to the transport, whose buffer is looked at before a ping is added.

What ends a connection (a close frame, the end of the stream, a frame that is too large) is told once, with its reason.
"""

from __future__ import annotations

import asyncio
import email.utils
import functools
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidProxy, InvalidStatus, PayloadTooBig
from websockets.frames import CloseCode, Opcode
from websockets.http11 import Response
from websockets.protocol import State

from .auth import KEY, SIGNATURE, TIMESTAMP
from .trust import what_certificate, what_tls

MAX_MESSAGE_BYTES: Final = 64 << 20
"""The exchange's own limit (AsyncAPI text, read 2026-10-26); the library's default of 1 MiB cuts large snapshots off."""

OPEN_S: Final = 10.0
"""For the whole way to a connection: name, TCP, TLS and handshake."""

CLOSE_S: Final = 2.0
"""For the closing handshake; then the connection is reset."""

PING_ROOM_BYTES: Final = 1 << 16
"""More than this unsent: the link is not taking anything, and another ping would only wait behind it."""

_KEEPALIVE: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 30_000))
_RETRIED: Final = frozenset({408, 425, 429})
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SECRET: Final = (KEY, TIMESTAMP, SIGNATURE)


class Listener(Protocol):
    """What happens on a wire, told in its callbacks: nothing here may block."""

    def opened(self, wire: Wire) -> None:
        """The handshake is through; frames may follow in the same read."""

    def heard(self, size: int) -> None:
        """Bytes came, of any kind. What they hold is told next."""

    def frame(self, data: bytes) -> None:
        """A whole message came."""

    def settle(self) -> None:
        """What was heard is told."""

    def failed(self, error: Exception) -> None:
        """What was told here raised this: the connection ends by it."""

    def ended(self, reason: str, *, is_permanent: bool = False) -> None:
        """The connection ended or is about to: nothing more is told. May come more than once."""


class Failure(Struct, frozen=True):
    """An attempt to connect that failed.

    Attributes:
        reason: what was found, for people.
        status: the HTTP status of the answer, or None.
        date_ms: the exchange's clock by the Date header of its answer, unix milliseconds to the second, or None.
        is_permanent: whether another attempt would end in the same way.
        was_open: whether the connection was made, and ended.
    """

    reason: str
    status: int | None = None
    date_ms: int | None = None
    is_permanent: bool = False
    was_open: bool = False


class _NoHeaders(logging.LoggerAdapter):  # type: ignore[type-arg]  # generic from Python 3.11 on
    """The library's log without its DEBUG lines, which hold every header of the handshake."""

    def isEnabledFor(self, level: int) -> bool:
        return level > logging.DEBUG and super().isEnabledFor(level)


_LOG: Final = _NoHeaders(logging.getLogger("kalshi_book.live.wire"), {})


class Wire(ClientConnection):
    """One connection of the library, with a listener.

    Args:
        listener: what it tells.
        sign: makes the headers of the handshake, when everything before it is through.
        options: as the library has them.
    """

    def __init__(
        self,
        protocol: ClientProtocol,
        *,
        listener: Listener,
        sign: Callable[[], Awaitable[Mapping[str, str]]],
        **options: Any,
    ) -> None:
        super().__init__(protocol, **options)
        self._listener: Listener | None = listener
        self._frame = listener.frame
        self._sign = sign
        self._parts = bytearray()  # of a message in several frames
        self._is_text = False  # that message
        self._lost: Exception | None = None
        self._pings = 0
        self._pinged_at = 0.0
        self.round_trip_ns: int | None = None
        self.late_frames = 0

    def __repr__(self) -> str:
        return f"<Wire {self.state.name}>"

    # The handshake.

    async def handshake(self, additional_headers: Any = None, user_agent_header: str | None = None) -> None:
        """Sign, and perform the opening handshake. The library calls it when TCP and TLS are through."""
        try:
            headers = await self._sign()
        except Exception as error:
            raise _SignerFailed(type(error).__name__) from None
        try:
            await super().handshake(headers, user_agent_header)
        finally:
            sent = {} if self.request is None else self.request.headers
            for name in _SECRET:
                sent.pop(name, None)

    # What comes in. These are asyncio's and the library's callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the system look after the link, too."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if (option := getattr(socket, name, None)) is not None:  # pragma: no branch  # not on every system
                sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def data_received(self, data: bytes) -> None:
        """Take in bytes, tell what they are, then let the listener act on all of it."""
        listener = self._listener
        if listener is None:
            super().data_received(data)
            return
        try:
            listener.heard(len(data))
            super().data_received(data)
            if self.protocol.state is not State.OPEN and self.response is not None:
                listener.ended(self._why(), is_permanent=isinstance(self.protocol.parser_exc, PayloadTooBig))
            else:
                listener.settle()
        except Exception as error:
            listener.failed(error)  # what is left of the read is lost, and so is the connection
            self.transport.abort()

    def process_event(self, event: Any) -> None:
        """Hand a frame on."""
        if self.response is None:
            super().process_event(event)
            if self._listener is not None and self.protocol.handshake_exc is None:
                self._listener.opened(self)
            return
        opcode = event.opcode
        if opcode is Opcode.TEXT and event.fin:
            data = event.data if type(event.data) is bytes else bytes(event.data)
            if data.isascii() or _is_utf8(data):  # nearly all are ASCII, and that costs some ns
                self._frame(data)
            else:
                self._refuse_text()
        elif opcode is Opcode.PONG:
            if event.data == self._pings.to_bytes(8, "big"):
                self.round_trip_ns = round((self.loop.time() - self._pinged_at) * 1e9)
        elif opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            if opcode is not Opcode.CONT:
                self._is_text = opcode is Opcode.TEXT
            self._parts += event.data
            if event.fin:
                whole, self._parts = bytes(self._parts), bytearray()
                if not self._is_text or _is_utf8(whole):
                    self._frame(whole)
                else:
                    self._refuse_text()

    def _refuse_text(self) -> None:
        """End the connection: a text has to be UTF-8 (RFC 6455, section 8.1). Nothing that came with it is handed on."""
        self.protocol.fail(CloseCode.INVALID_DATA, "a text that is not UTF-8")
        self.send_data()
        self._frame = self._count_late

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the end."""
        self._lost = exc
        super().connection_lost(exc)
        if self._listener is not None:
            self._listener.ended(self._why())

    def _why(self) -> str:
        """Say what ended the connection."""
        error = self.protocol.parser_exc
        if isinstance(error, PayloadTooBig):
            return f"a message is larger than the limit of {MAX_MESSAGE_BYTES} bytes: {error}"
        received = self.protocol.close_rcvd
        if received is not None:
            return _line(f"the exchange closed it: {received}")
        if self.protocol.close_sent is not None:
            return f"closed by us: {self.protocol.close_sent}"
        lost = self._lost
        return "it broke off" if lost is None else f"it broke off: {type(lost).__name__}: {lost}"

    @property
    def is_within_message(self) -> bool:
        """Whether the beginning of a message came, and its end did not."""
        return bool(self.protocol.reader.buffer or self._parts)

    # What goes out.

    def write(self, text: bytes) -> bool:
        """Send a text message. Returns whether the connection takes it; never waits."""
        if self.protocol.state is not State.OPEN or self.transport.is_closing():
            return False
        self.protocol.send_text(text)
        self.send_data()
        return True

    def beat(self) -> None:
        """Send a ping, unless what was sent before has not even left."""
        if self.protocol.state is State.OPEN and self.transport.get_write_buffer_size() < PING_ROOM_BYTES:
            self._pings += 1
            self._pinged_at = self.loop.time()
            self.protocol.send_ping(self._pings.to_bytes(8, "big"))
            self.send_data()

    # The end.

    def let_go(self) -> None:
        """Tell nothing any more: what comes still is counted and dropped."""
        self._listener = None
        self._frame = self._count_late

    def _count_late(self, data: bytes) -> None:
        self.late_frames += 1

    async def end(self) -> None:
        """Close, within ``CLOSE_S``; then reset. Also where this is cancelled, the connection ends."""
        try:
            if self.protocol.state is State.OPEN and not self.transport.is_closing():
                self.protocol.send_close(1000)
                self.send_data()
            await asyncio.wait([self.connection_lost_waiter], timeout=CLOSE_S)
        finally:
            self.transport.abort()
        await asyncio.wait([self.connection_lost_waiter])


class _SignerFailed(Exception):
    """The signer raised: what it says may be a secret, so that only its type is told."""


class _Connect(connect):
    """The library's connector, without redirects: the signature would go along, and is for this host and path alone."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def dial(
    url: str, listener: Listener, *, sign: Callable[[], Awaitable[Mapping[str, str]]], tls: ssl.SSLContext | None
) -> Wire | Failure:
    """Open a connection, within ``OPEN_S``, and by the proxy that the environment names for its host, if any.

    Args:
        url: where to.
        listener: of what happens on it.
        sign: makes the headers.
        tls: whom to trust; None: as the system does. Certificates are always verified by the default.

    Returns:
        The open connection, or why there is none. Expected trouble is a value: an exception of the library would keep the
        headers alive in its traceback.
    """
    options: dict[str, Any] = {} if tls is None else {"ssl": tls}
    if urlsplit(url).hostname in _LOOPBACK:  # no proxy would find the way back
        options["proxy"] = None
    made = functools.partial(Wire, listener=listener, sign=sign)
    try:
        wire = await _Connect(
            url, create_connection=cast("type[Wire]", made), compression=None, max_size=MAX_MESSAGE_BYTES, max_queue=None,
            ping_interval=None, open_timeout=OPEN_S, close_timeout=CLOSE_S, logger=_LOG, **options,
        )  # fmt: skip
        assert isinstance(wire, Wire)
        return wire
    except InvalidStatus as error:
        return _refused(error.response)
    except ssl.SSLCertVerificationError as error:
        return Failure(what_certificate(error.verify_code, error.verify_message), is_permanent=True)
    except (TimeoutError, asyncio.TimeoutError):
        return Failure(f"no connection within {OPEN_S:g} s")
    except InvalidProxy as error:  # not shown: it may have a password
        return Failure(f"the proxy of the environment cannot be used: {error.msg}", is_permanent=True)
    except ImportError as error:
        return Failure(f"the proxy of the environment cannot be used: {error}", is_permanent=True)
    except (OSError, InvalidHandshake) as error:
        if isinstance(error, ssl.SSLError) and (what := what_tls(getattr(error, "reason", None))) is not None:
            return Failure(what, is_permanent=True)
        cause = error.__cause__
        return Failure(_line((f"{error}" or type(error).__name__) + (f": {cause}" if cause is not None else "")))
    except _SignerFailed as error:
        return Failure(f"the signer raised {error}")
    except Exception as error:
        return Failure(f"the handshake failed: {type(error).__name__}")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _refused(response: Response) -> Failure:
    status = response.status_code
    date = response.headers.get("Date")
    location = response.headers.get("Location")
    said = _line(bytes(response.body or b"")[:200].decode(errors="replace"))
    reason = f"HTTP status {status}"
    if 300 <= status < 400 and location is not None:
        reason += ", a redirect, which is not followed: the signature is for this host and path alone"
    elif said:
        reason += f" ({said})"
    return Failure(reason, status, date_ms_of(date), is_permanent=status < 500 and status not in _RETRIED)


def _line(text: str) -> str:
    """What others wrote, as a part of one line of a log."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def date_ms_of(date: str | None) -> int | None:
    """Read a Date header: unix milliseconds, to the second."""
    try:
        return None if date is None else int(email.utils.parsedate_to_datetime(date).timestamp()) * 1000
    except (ValueError, TypeError, OverflowError):
        return None
