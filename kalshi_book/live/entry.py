"""``kb.connect``: from what a user says to a client."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from typing import Final, Literal

from ..errors import UsageError
from ..pace import SECOND_NS, Pace
from .auth import Signer, find_signer
from .client import Live
from .environments import SIM, url_of
from .hub import Settings, World

MARKETS_PER_CONNECTION: Final = 10_000
"""How many books one connection carries unless told otherwise: so many were seen to be sustained on one sid."""


def connect(
    environment: Literal["prod", "demo", "sim"] | None = None,
    *,
    url: str | None = None,
    market_tickers: Iterable[str] = (),
    key_id: str | None = None,
    private_key: str | bytes | os.PathLike[str] | None = None,
    passphrase: str | bytes | None = None,
    signer: Signer | None = None,
    strict_key_file: bool = False,
    tls: ssl.SSLContext | None = None,
    max_silence_s: float = 10.0,
    audit_s: float | None = 60.0,
    markets_per_connection: int = MARKETS_PER_CONNECTION,
    pace: Pace | None = None,
    world: World | None = None,
) -> Live:
    """Connect to the exchange: ``async with kb.connect("prod", market_tickers=[...]) as live``.

    Nothing happens before the ``async with``. That ends when the first connection is open; whatever is transient (no
    network, 429, 5xx, maintenance) is tried again for as long as it takes, and told in the log. A proxy that the environment
    names (HTTPS_PROXY, NO_PROXY; SOCKS with the package python-socks) is used.

    Args:
        environment: ``"prod"``, ``"demo"``, or ``"sim"``: a simulated exchange that is started here. None: what KALSHI_ENV
            or KALSHI_DEMO say.
        url: instead of it: a url, or a bare host, such as an older one.
        market_tickers: whose books are wanted. More may be added at any time.
        key_id: id of the API key; None: KALSHI_API_KEY_ID or KALSHI_KEY_ID.
        private_key: its PEM, or the path of a file with it; None: KALSHI_PRIVATE_KEY_PATH or KALSHI_PRIVATE_KEY.
        passphrase: of an encrypted PEM.
        signer: instead of a key: whatever signs (``Signer``), so that the key may stay elsewhere.
        strict_key_file: refuse a key file that others can read, instead of warning of it.
        tls: whom to trust; None: as the system does.
        max_silence_s: when not a byte came for so long, every book of the connection is STALE (silent). The connection is
            given up after as long, and not before 10 s.
        audit_s: how often some LIVE books are compared with snapshots that are asked for; None: never.
        markets_per_connection: more books than this are spread over several connections.
        pace: deadlines of commands, and the budget of the recovery.
        world: clock and chance; for tests.

    Raises:
        UsageError: an argument is out of range, or there is no such environment.
        UnusableKey: there is no key, or it cannot be used.
        NotAuthorized, HandshakeRefused: by the ``async with``: the exchange does not let us in, and would not on another
            attempt either.
    """
    world = World.real() if world is None else world
    where = url_of(environment, url, environ=world.environ)
    if type(markets_per_connection) is not int or markets_per_connection < 1:
        raise UsageError(f"markets_per_connection is a whole number above 0, not {markets_per_connection!r}")
    for name, span_s in (("max_silence_s", max_silence_s), ("audit_s", audit_s)):
        if span_s is not None and not 0 < span_s < 1e6:
            raise UsageError(f"{name} is a number of seconds above 0, not {span_s!r}")
    if tls is not None and where.startswith("ws://"):
        raise UsageError(f"tls= is for wss:// urls, and {where} is none")
    if signer is not None and any(each is not None for each in (key_id, private_key, passphrase)):
        raise UsageError("pass a signer= or a key (key_id=, private_key=, passphrase=), not both")
    if signer is None and where != SIM:
        signer = find_signer(
            key_id=key_id, private_key=private_key, passphrase=passphrase, strict_key_file=strict_key_file,
            environ=world.environ,
        )  # fmt: skip
    settings = Settings(
        url=where,
        signer=signer or _NOBODY,
        tls=tls,
        max_silence_ns=round(max_silence_s * SECOND_NS),
        audit_ns=None if audit_s is None else round(audit_s * SECOND_NS),
        markets_per_connection=markets_per_connection,
        pace=Pace() if pace is None else pace,
    )
    return Live(settings, world, market_tickers)


class _Nobody:
    """Signs nothing: the simulator's own key takes its place."""

    key_id = ""

    def sign(self, text: bytes) -> bytes:
        raise NotImplementedError


_NOBODY: Final = _Nobody()
