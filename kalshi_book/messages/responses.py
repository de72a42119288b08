"""What the server answers to commands: ``subscribed``, ``ok``, ``unsubscribed``, ``error``, in today's and older shapes.

Source: the exchange's AsyncAPI text, read 2026-10-26; the shapes of late 2025 were observed in recordings.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from .book import Counter64
from .loose import Envelope

TERMINAL_ERRORS: Final = frozenset({10, 17, 25})
"""Error codes after which a subscription is dead: channel error, internal error (retired), buffer overflow."""


class ChannelSid(Struct, frozen=True):
    """A channel and the sid that it has on this connection."""

    channel: str
    sid: Counter64


class Subscribed(Envelope, kw_only=True, tag_field="type", tag="subscribed"):
    """A channel was opened. Takes no sequence number."""

    msg: ChannelSid


class OkBody(Struct, frozen=True):
    """What the subscription holds after the command: the full list, or nothing where the list was not asked for."""

    market_tickers: list[str] | None = None


class Ok(Envelope, kw_only=True, tag_field="type", tag="ok"):
    """A command was carried out. Takes a sequence number on sequenced channels.

    ``msg`` is a list for ``list_subscriptions``. In late 2025 the tickers stood beside it, at the top.
    """

    sid: Counter64 | None = None
    seq: Counter64 | None = None
    msg: OkBody | list[ChannelSid] | None = None
    market_tickers: list[str] | None = None

    @property
    def held(self) -> list[str] | None:
        """The markets that the subscription holds now, or None where the reply does not say."""
        if isinstance(self.msg, OkBody) and self.msg.market_tickers is not None:
            return self.msg.market_tickers
        return self.market_tickers


class SubscriptionList(Envelope, kw_only=True, tag_field="type", tag="list_subscriptions"):
    """The answer to ``list_subscriptions`` as it was in late 2025."""

    subscriptions: list[ChannelSid] | None = None
    sid: Counter64 | None = None
    seq: Counter64 | None = None


class Unsubscribed(Envelope, kw_only=True, tag_field="type", tag="unsubscribed"):
    """A subscription ended. Without ``seq`` in late 2025."""

    sid: Counter64
    seq: Counter64 | None = None


class ErrorBody(Struct, frozen=True):
    """Which error, in the exchange's words."""

    code: int
    msg: str | None = None
    market_ticker: str | None = None
    market_tickers: list[str] | None = None


class Error(Envelope, kw_only=True, tag_field="type", tag="error"):
    """A command was refused, or a subscription broke. Takes a sequence number where it is scoped to one."""

    msg: ErrorBody
    sid: Counter64 | None = None
    seq: Counter64 | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the subscription is dead and must be made anew."""
        return self.msg.code in TERMINAL_ERRORS
