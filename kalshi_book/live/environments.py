"""Where the exchange is: the hosts of each environment, and what a url has to look like.

Source: the exchange's AsyncAPI text and changelog, read 2026-10-26. Keys of one environment do not work in the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from ..errors import UsageError

WS_PATH: Final = "/trade-api/ws/v2"
"""Where the feed is served on every host, and what a handshake signs."""

HOSTS: Final = {"prod": "external-api-ws.kalshi.com", "demo": "external-api-ws.demo.kalshi.co"}
"""Note ``.com`` against ``.co``."""

OLDER_HOSTS: Final = {"prod": "api.elections.kalshi.com", "demo": "demo-api.kalshi.co"}
"""Served still: ``url="api.elections.kalshi.com"`` works."""

SIM: Final = "sim"
"""A simulated exchange in this process."""


def url_of(environment: str | None, url: str | None, *, environ: Mapping[str, str]) -> str:
    """Decide where to connect to.

    Args:
        environment: ``"prod"``, ``"demo"`` or ``"sim"``; None: what KALSHI_ENV or KALSHI_DEMO say.
        url: instead of it: a ``wss://`` or ``ws://`` url, or a bare host. Without a path it gets the feed's.
        environ: the environment.

    Returns:
        The url, or ``"sim"``.

    Raises:
        UsageError: neither or both are given, no such environment, or not a url of a WebSocket.

    >>> url_of("demo", None, environ={})
    'wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2'
    >>> url_of(None, "localhost:8000", environ={})
    'wss://localhost:8000/trade-api/ws/v2'
    """
    if environment is not None and url is not None:
        raise UsageError(f"connect to an environment or to a url, not both: {environment!r} and {url!r}")
    if url is not None:
        return _completed(url)
    name = environment or environ.get("KALSHI_ENV") or _demo(environ.get("KALSHI_DEMO"))
    if name == SIM:
        return SIM
    if name not in HOSTS:
        found = "none" if name is None else repr(name)
        raise UsageError(
            f"expected an environment of prod, demo, sim, found {found}: "
            'pass one, as in kb.connect("demo"), set KALSHI_ENV, or pass url='
        )
    return f"wss://{HOSTS[name]}{WS_PATH}"


def _demo(value: str | None) -> str | None:
    """What KALSHI_DEMO says: a flag."""
    return "demo" if value and value.lower() not in ("0", "false", "no", "off") else None


def _completed(url: str) -> str:
    try:
        parts = urlsplit(url if "://" in url else f"wss://{url}")
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"expected a url such as wss://{HOSTS['prod']}{WS_PATH}, found {url!r}: {error}") from None
    if parts.scheme not in ("ws", "wss") or not host or parts.fragment:
        raise UsageError(f"expected a url such as wss://{HOSTS['prod']}{WS_PATH}, found {url!r}")
    if parts.username is not None:  # not shown: it is a secret
        raise UsageError("expected a url without a user name: the exchange knows its clients by key_id= and private_key=")
    path = WS_PATH if parts.path in ("", "/") else parts.path
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
