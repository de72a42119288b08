"""Sockets, clients and the passing of time for an exchange that knows none of them.

Its clock is the event loop's, begun at the exchange's own; so nothing here knows it when a loop's time is virtual. One task
advances the exchange, and each client has a `Carrier`.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import ssl
from collections.abc import AsyncIterator
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from ..errors import UsageError
from .carrier import WRITE_LIMIT_BYTES, Carrier
from .serving import Account, Refusal, ServedExchange

log = logging.getLogger("kalshi_book.sim")


class _Library(logging.LoggerAdapter):  # type: ignore[type-arg]  # generic from Python 3.11 on
    """Takes what goes wrong in the library. Of every connection it says what is said here, and at DEBUG all headers."""

    def isEnabledFor(self, level: int) -> bool:
        """Tell the library what it need not say."""
        return level >= logging.WARNING and super().isEnabledFor(level)


SLICE_NS: Final = 10_000_000
"""How far the exchange is advanced at once, at most, where something is due."""

SLICE_S: Final = 0.005
"""How long that should take, at most: what it writes has to leave meanwhile, and clients want to be heard."""

BEHIND_NS: Final = 1_000_000_000
"""From how much on it is said that the exchange does not keep up with its own clock."""

HANDSHAKE_S: Final = 60.0
CLOSE_S: Final = 2.0
MAX_MESSAGE_BYTES: Final = 64 << 20


class Listener:
    """What an exchange needs to be there for clients.

    Args:
        exchange: it.
        heartbeat_s: between pings.
        ping_when_busy: ping also a client that gets data all the time.

    Attributes:
        advancing: the task that advances the exchange. It ends when that fails, and then raises why.
    """

    advancing: asyncio.Task[None]

    def __init__(self, exchange: ServedExchange, *, heartbeat_s: float, ping_when_busy: bool) -> None:
        self._exchange = exchange
        self._heartbeat_s = heartbeat_s
        self._ping_when_busy = ping_when_busy
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._began_ns = exchange.now_ns
        self._woken = asyncio.Event()
        self._slice_ns = SLICE_NS
        self._is_behind = False
        self._sockets: WeakSet[ServerConnection] = WeakSet()
        self._accounts: WeakKeyDictionary[ServerConnection, Account] = WeakKeyDictionary()
        self._carriers: dict[ServerConnection, Carrier] = {}

    @property
    def now_ns(self) -> int:
        """The exchange's clock as it should be, unix nanoseconds."""
        return self._began_ns + round((self._loop.time() - self._began) * 1e9)

    def touch(self) -> None:
        """Do so before anything is asked of the exchange, or told to it: it is of now, and when it goes on is looked up."""
        self._catch_up()
        self._woken.set()

    def _catch_up(self) -> None:
        """Advance the exchange to now; no further than a slice where something is due, so as to hold up nobody."""
        exchange, now_ns = self._exchange, self.now_ns
        due_ns = exchange.next_due_ns
        if due_ns is not None and due_ns < now_ns:
            now_ns = min(now_ns, max(due_ns, exchange.now_ns) + self._slice_ns)
        began = self._loop.time()
        exchange.advance(max(now_ns, exchange.now_ns))
        took_s = self._loop.time() - began
        if took_s > SLICE_S:
            self._slice_ns = max(self._slice_ns // 2, 1)
        elif took_s < SLICE_S / 4:
            self._slice_ns = min(self._slice_ns * 2, SLICE_NS)

    @contextlib.asynccontextmanager
    async def listening(self, host: str, port: int, context: ssl.SSLContext | None) -> AsyncIterator[int]:
        """Listen, and advance the exchange; stop both in the end.

        Yields:
            The port.

        Raises:
            UsageError: there is nothing to listen on, or the exchange is served already.
        """
        if self._exchange.on_sooner is not None:
            raise UsageError("this exchange is served already: its on_sooner is taken")
        options: dict[str, Any] = {} if context is None else {"ssl": context, "ssl_handshake_timeout": CLOSE_S}
        try:
            sockets = await serve(
                self._handle, host, port, process_request=self._admit, ping_interval=None, open_timeout=HANDSHAKE_S,
                close_timeout=CLOSE_S, max_size=MAX_MESSAGE_BYTES, max_queue=None, write_limit=WRITE_LIMIT_BYTES,
                logger=_Library(log, {}),
                create_connection=self._new_socket,  # type: ignore[arg-type]  # a class, or whatever makes one
                **options,
            )  # fmt: skip
        except (OSError, OverflowError) as error:  # the second: no number of a port
            raise UsageError(f"cannot listen on {host} port {port}: {getattr(error, 'strerror', None) or error}") from error
        self._exchange.on_sooner = self._woken.set
        self.advancing = asyncio.create_task(self._advance())
        self.advancing.add_done_callback(self._failed)
        try:
            yield sockets.sockets[0].getsockname()[1]
        finally:
            self._exchange.on_sooner = None
            self.advancing.cancel()
            await self._stop(sockets)
            with contextlib.suppress(asyncio.CancelledError):
                await self.advancing

    async def _advance(self) -> None:
        """Advance the exchange for ever."""
        while True:
            self._catch_up()
            self._say_whether_behind()
            due_ns = self._exchange.next_due_ns
            if due_ns is not None and due_ns <= self.now_ns:
                await asyncio.sleep(0)
            else:
                await self._until(due_ns)

    def _failed(self, task: asyncio.Task[None]) -> None:
        """Leave nobody with an exchange that stands still."""
        if not task.cancelled():
            log.error("the exchange failed, and everybody is disconnected: %r", task.exception())
            for socket in self._sockets:
                _abort(socket)

    async def _until(self, due_ns: int | None) -> None:
        """Wait until something is due, or something from outside may have changed when."""
        timer = None
        if due_ns is not None:
            # Rounded up: a timer that rings a nanosecond before would ring again and again.
            when = self._began + (due_ns - self._began_ns + 1_000) / 1e9
            timer = self._loop.call_at(when, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            self._woken.clear()
            if timer is not None:
                timer.cancel()

    def _say_whether_behind(self) -> None:
        is_behind = self.now_ns - self._exchange.now_ns > BEHIND_NS
        if is_behind and not self._is_behind:
            log.warning("the exchange does not keep up with its own clock: fewer markets, or a lower rate, would do")
        self._is_behind = is_behind

    def _new_socket(self, *arguments: Any, **options: Any) -> ServerConnection:
        """Make the library's object for a client that has connected, and remember it."""
        socket = ServerConnection(*arguments, **options)
        self._sockets.add(socket)
        return socket

    async def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """Decide about a handshake."""
        self.touch()
        headers: dict[str, str] = {}
        for name, value in request.headers.raw_items():
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        answer = self._exchange.admit(request.path, headers)
        if isinstance(answer, Account):
            self._accounts[socket] = answer
            return None
        if isinstance(answer, Refusal):
            log.info("%s: refused, %d %s", _peer(socket), answer.status, answer.text)
            return _response(socket, answer)
        log.info("%s: left without an answer", _peer(socket))
        await socket.wait_closed()
        return socket.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "")  # which nobody gets

    async def _handle(self, socket: ServerConnection) -> None:
        """Carry on with a client that is in, until it is gone."""
        account = self._accounts.pop(socket)
        self.touch()
        carrier = Carrier(
            socket, self._exchange.connect(account), before_receive=self.touch, heartbeat_s=self._heartbeat_s,
            ping_when_busy=self._ping_when_busy, close_timeout_s=CLOSE_S,
        )  # fmt: skip
        self._carriers[socket] = carrier
        log.info("%s: in, as %s", _peer(socket), account.name)
        try:
            await carrier.run()
        finally:
            del self._carriers[socket]
        await socket.close()
        log.info("%s: gone, code %s", _peer(socket), socket.close_code)

    async def _stop(self, sockets: Server) -> None:
        """Send everybody away, and wait until they are gone: a few seconds at most."""
        for socket in self._sockets:
            carrier = self._carriers.get(socket)
            if carrier is None or carrier.is_frozen:  # nobody there to say good-bye to
                _abort(socket)
        sockets.close()
        closed = asyncio.ensure_future(sockets.wait_closed())
        await asyncio.wait([closed], timeout=CLOSE_S)
        for socket in self._sockets:
            _abort(socket)
        await closed


def _peer(socket: ServerConnection) -> str:
    host, port, *_ = socket.remote_address or ("?", 0)
    return f"{host}:{port}"


def _abort(socket: ServerConnection) -> None:
    if (transport := getattr(socket, "transport", None)) is not None:  # none before a TLS handshake is through
        transport.abort()


def _response(socket: ServerConnection, refusal: Refusal) -> Response:
    made = socket.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, f"{refusal.text}\n")
    made.status_code = refusal.status  # any, also those that Python has no name for
    made.reason_phrase = http.client.responses.get(refusal.status, "Refused")
    made.headers.update(refusal.headers)
    return made
