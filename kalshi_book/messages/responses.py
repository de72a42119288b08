"""What the server answers to commands: ``subscribed``, ``ok``, ``unsubscribed``, ``error``, in today's and older shapes.

Source: the exchange's AsyncAPI text, read 2026-10-26; the shapes of late 2025 were observed in recordings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from .book import Counter64, Sid
from .loose import Envelope, OptionalStr, OptionalTexts, plain, str_or_none, texts_or_none
from .vocabulary import TERMINAL_ERRORS


class ChannelSid(Struct, frozen=True):
    """A channel and the sid that it has on this connection."""

    channel: str
    sid: Sid


class Subscribed(Envelope, kw_only=True, tag_field="type", tag="subscribed"):
    """A channel was opened. Takes no sequence number."""

    msg: ChannelSid


class OkBody(Struct, frozen=True):
    """What the subscription holds after the command: the full list of its kind, the others None.

    All are None where the list was not asked for. Of indices and underlyings, ``["all"]`` means all.
    """

    market_tickers: list[str] | None = None
    market_ids: list[str] | None = None
    index_ids: list[str] | None = None
    underlying_tickers: list[str] | None = None


if TYPE_CHECKING:
    OkMsg = OkBody | list[ChannelSid] | None
    Channels = list[ChannelSid] | None
else:
    OkMsg = Channels = Raw


class Ok(Envelope, kw_only=True, tag_field="type", tag="ok"):
    """A command was carried out. Takes a sequence number on sequenced channels.

    ``msg`` is a list for ``list_subscriptions``. In late 2025 the tickers stood beside it, at the top.
    """

    sid: Sid | None = None
    seq: Counter64 | None = None
    msg: OkMsg = None
    market_tickers: OptionalTexts = None

    def __post_init__(self) -> None:
        super().__post_init__()
        msg = plain(self.msg)
        self.msg = _held(msg) if isinstance(msg, dict) else channels_or_none(msg)
        self.market_tickers = texts_or_none(self.market_tickers)

    @property
    def held(self) -> list[str] | None:
        """The markets that the subscription holds now, or None where the reply does not say."""
        if isinstance(self.msg, OkBody) and self.msg.market_tickers is not None:
            return self.msg.market_tickers
        return self.market_tickers


def _held(msg: dict[str, object]) -> OkBody:
    return OkBody(**{name: texts_or_none(msg.get(name)) for name in OkBody.__struct_fields__})


class SubscriptionList(Envelope, kw_only=True, tag_field="type", tag="list_subscriptions"):
    """The answer to ``list_subscriptions`` as it was in late 2025."""

    sid: Sid | None = None
    seq: Counter64 | None = None
    subscriptions: Channels = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.subscriptions = channels_or_none(plain(self.subscriptions))


def channels_or_none(value: object) -> list[ChannelSid] | None:
    """Keep a list of channels with their sids, drop everything else."""
    try:
        return msgspec.convert(value, list[ChannelSid])
    except msgspec.ValidationError:
        return None


class Unsubscribed(Envelope, kw_only=True, tag_field="type", tag="unsubscribed"):
    """A subscription ended. Without ``seq`` in late 2025."""

    sid: Sid
    seq: Counter64 | None = None


class ErrorBody(Struct):
    """Which error, in the exchange's words. Only the code is needed."""

    code: int
    msg: OptionalStr = None
    market_ticker: OptionalStr = None
    market_tickers: OptionalTexts = None

    def __post_init__(self) -> None:
        self.msg = str_or_none(self.msg)
        self.market_ticker = str_or_none(self.market_ticker)
        self.market_tickers = texts_or_none(self.market_tickers)


class Error(Envelope, kw_only=True, tag_field="type", tag="error"):
    """A command was refused, or a subscription broke. Takes a sequence number where it is scoped to one."""

    msg: ErrorBody
    sid: Sid | None = None
    seq: Counter64 | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the subscription is dead and must be made anew."""
        return self.msg.code in TERMINAL_ERRORS
