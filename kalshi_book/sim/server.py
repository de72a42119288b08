"""``async with serve() as exchange``: a simulated exchange on a loopback socket, with signatures and in real time."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any, Final, Generic, TypeVar, overload

from ..errors import UsageError
from .certificate import make_certificate
from .connection import Connection
from .exchange import Exchange
from .keys import Keyring, KeyType, PrivateKey
from .life import Life
from .listener import Listener
from .orders import AccountOrders, CrowdOrders
from .rules import Rules
from .serving import WS_PATH, ServedExchange
from .switchboard import Faults
from .truth import TrueBook

HOST: Final = "127.0.0.1"

HEARTBEAT_S: Final = 10.0
"""Between pings (AsyncAPI text, read 2026-10-26)."""

RATE: Final = 100
"""Level changes a second."""

E = TypeVar("E", bound=ServedExchange)


class Server(Generic[E]):
    """An exchange while it is served.

    Attributes:
        exchange: it.
        url: where clients connect to.
        key_id: of the key that was made for them; None: nobody has to sign.
        private_key_path: the file with that key, as PEM; it is gone when the server is.
        certificate_path: the file with the certificate that clients have to trust; None: there is no TLS.
    """

    def __init__(
        self, exchange: E, listener: Listener, *, url: str, key: PrivateKey | None, private_key_path: Path | None,
        certificate_path: Path | None,
    ) -> None:  # fmt: skip
        self.exchange = exchange
        self.url = url
        self.key_id = key.key_id if key else None
        self.private_key_path = private_key_path
        self.certificate_path = certificate_path
        self._key = key
        self._listener = listener

    def headers(self) -> dict[str, str]:
        """Give the headers of one handshake, signed now; none where nobody has to sign."""
        return self._key.headers(WS_PATH, timestamp_ms=self._listener.now_ns // 1_000_000) if self._key else {}

    async def serve_forever(self) -> None:
        """Wait until the exchange fails, and raise why; as long as it does not, for ever."""
        await asyncio.shield(self._listener.advancing)

    # What an `Exchange` offers, of now.

    @property
    def orders(self: Server[Exchange]) -> AccountOrders:
        """Order entry of the account "user", whose key this is."""
        return self._current.orders

    @property
    def crowd(self: Server[Exchange]) -> CrowdOrders:
        """Order entry of everybody else."""
        return self._current.crowd

    @property
    def life(self: Server[Exchange]) -> Life:
        """What becomes of markets."""
        return self._current.life

    @property
    def faults(self: Server[Exchange]) -> Faults:
        """What goes wrong."""
        return self._current.faults

    @property
    def markets(self: Server[Exchange]) -> list[str]:
        """The tickers of all markets."""
        return self._current.markets

    @property
    def rate(self: Server[Exchange]) -> int:
        """Level changes a second by the crowd, all markets together. It may be set; 0: the crowd rests."""
        return self._current.rate

    @rate.setter
    def rate(self: Server[Exchange], rate: int) -> None:
        self._current.rate = rate

    @property
    def connections(self: Server[Exchange]) -> tuple[Connection, ...]:
        """Those that are open, the oldest first."""
        return self._current.connections

    def book(self: Server[Exchange], market_ticker: str) -> TrueBook:
        """Give the true book of a market."""
        return self._current.book(market_ticker)

    def say(self: Server[Exchange], channel: str, type_: str, msg: Mapping[str, Any]) -> int:
        """Send any message on a channel. Returns to how many it was sent."""
        return self._current.say(channel, type_, msg)

    @property
    def _current(self) -> E:
        self._listener.touch()
        return self.exchange


@overload
def serve(
    *, markets: int | Sequence[str] = 50, seed: int = 0, rate: int = RATE, rules: Rules | None = None,
    host: str = HOST, port: int = 0, tls: bool = False, signed: bool = True, key_type: KeyType = "rsa",
    heartbeat_s: float = HEARTBEAT_S, ping_when_busy: bool = True,
    serve_beyond_this_machine_without_any_warranty: bool = False,
) -> contextlib.AbstractAsyncContextManager[Server[Exchange]]: ...  # fmt: skip


@overload
def serve(
    exchange: E, *,
    host: str = HOST, port: int = 0, tls: bool = False, signed: bool = True, key_type: KeyType = "rsa",
    heartbeat_s: float = HEARTBEAT_S, ping_when_busy: bool = True,
    serve_beyond_this_machine_without_any_warranty: bool = False,
) -> contextlib.AbstractAsyncContextManager[Server[E]]: ...  # fmt: skip


@contextlib.asynccontextmanager
async def serve(
    exchange: ServedExchange | None = None, *, markets: int | Sequence[str] | None = None, seed: int | None = None,
    rate: int | None = None, rules: Rules | None = None,
    host: str = HOST, port: int = 0, tls: bool = False, signed: bool = True, key_type: KeyType = "rsa",
    heartbeat_s: float = HEARTBEAT_S, ping_when_busy: bool = True,
    serve_beyond_this_machine_without_any_warranty: bool = False,
) -> AsyncIterator[Server[Any]]:  # fmt: skip
    """Serve an exchange on a socket of this machine, as long as the ``async with`` lasts.

    Args:
        exchange: what is served: an `Exchange` or a `TapeExchange`, from its own time on. None: a new `Exchange` of today.
        markets: of the new one: how many, or their tickers.
        seed: of the new one.
        rate: of the new one: level changes a second, all markets together.
        rules: of the new one.
        host: an address of this machine's loopback.
        port: 0: any that is free.
        tls: with a certificate that is made for this server, and signed by itself.
        signed: whether clients have to sign their handshakes, with a key that is made for them. An exchange that has no
            ``keyring`` gets one meanwhile; where it brings its own time, timestamps may then be of any.
        key_type: of that key. Some clients load RSA keys only. Making one takes some tenths of a second, so a process makes
            one and keeps it.
        heartbeat_s: how many seconds between pings.
        ping_when_busy: ping also a client that gets data all the time.
        serve_beyond_this_machine_without_any_warranty: take other hosts, too. This is no fortress.

    Raises:
        UsageError: the host is no loopback address, or cannot be listened on; an exchange is given, and arguments for
            another one; it is served already.

    >>> import asyncio
    >>> from websockets.asyncio.client import connect
    >>> async def first_frame():
    ...     async with serve(markets=["KXSIM-26-A"], seed=7, key_type="ed25519") as exchange:
    ...         async with connect(exchange.url, additional_headers=exchange.headers()) as socket:
    ...             await socket.send('{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"],'
    ...                               '"market_ticker":"KXSIM-26-A"}}')
    ...             return await socket.recv()
    >>> asyncio.run(first_frame())[:24]
    '{"type":"subscribed","id'
    """
    given = {"markets": markets, "seed": seed, "rate": rate, "rules": rules}
    given = {name: value for name, value in given.items() if value is not None}
    if exchange is not None and given:
        raise UsageError(f"{', '.join(given)}: of a new exchange, but there is one already: give it to that")
    host = _checked(host, beyond=serve_beyond_this_machine_without_any_warranty)
    keyring = Keyring(max_skew_ms=None)
    if exchange is None:
        exchange = Exchange(start_ns=time.time_ns(), **given)  # type: ignore[arg-type]  # as they came
        exchange.advance(time.time_ns())  # making many markets takes its time, too
        keyring = Keyring()
    with tempfile.TemporaryDirectory(prefix="kalshi-book-sim-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        key = private_key_path = certificate_path = context = None
        if signed:
            key = _new_key(key_type)
            private_key_path = folder / "private-key.pem"
            key.write(private_key_path)
            stack.enter_context(_let_in(exchange, key, keyring))
        if tls:
            certificate_path, context = make_certificate(folder, datetime.now(timezone.utc))
        listener = Listener(exchange, heartbeat_s=heartbeat_s, ping_when_busy=ping_when_busy)
        async with listener.listening(host, port, context) as bound:
            where = f"[{host}]" if ":" in host else host
            yield Server(
                exchange, listener, url=f"ws{'s' if tls else ''}://{where}:{bound}{WS_PATH}", key=key,
                private_key_path=private_key_path, certificate_path=certificate_path,
            )  # fmt: skip


def _checked(host: str, *, beyond: bool) -> str:
    host = "127.0.0.1" if host == "localhost" else host
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here and not beyond:
        raise UsageError(
            f"expected a loopback address such as 127.0.0.1, found {host!r}: whoever reaches another one reaches this "
            "exchange; to want that, say serve_beyond_this_machine_without_any_warranty"
        )
    return host


def _new_key(key_type: KeyType) -> PrivateKey:
    key_id = str(uuid.uuid4())
    return _rsa_key().named(key_id) if key_type == "rsa" else PrivateKey.make(key_type, key_id=key_id)


@cache
def _rsa_key() -> PrivateKey:
    return PrivateKey.make("rsa", key_id="")


@contextlib.contextmanager
def _let_in(exchange: ServedExchange, key: PrivateKey, keyring: Keyring) -> Iterator[None]:
    """Let a key into an exchange while it is served, through this keyring if it has none."""
    before = exchange.keyring
    ring = exchange.keyring = keyring if before is None else before
    ring.add(key.key_id, key.public_key)
    try:
        yield
    finally:
        ring.remove(key.key_id)
        exchange.keyring = before
