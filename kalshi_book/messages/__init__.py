"""Messages of the exchange, typed: ``decode`` turns one frame into one of them.

Structs carry the names of the wire. Types that have no struct here come as ``Unknown``, raw and unharmed.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import Raw, Struct

from ..errors import MalformedFrame
from .book import (
    DeltaBody,
    HotDelta,
    HotDeltaBody,
    OrderbookDelta,
    OrderbookSnapshot,
    SnapshotBody,
    validate_snapshot,
)
from .loose import int_or_none, str_or_none
from .responses import ChannelSid, Error, ErrorBody, Ok, OkBody, Subscribed, SubscriptionList, Unsubscribed

__all__ = [
    "ChannelSid",
    "DeltaBody",
    "Error",
    "ErrorBody",
    "HotDelta",
    "HotDeltaBody",
    "Message",
    "Ok",
    "OkBody",
    "OrderbookDelta",
    "OrderbookSnapshot",
    "SnapshotBody",
    "Subscribed",
    "SubscriptionList",
    "Unknown",
    "Unsubscribed",
    "decode",
    "hot_decode",
    "read",
]


class Unknown(Struct, frozen=True):
    """A message of a type that we do not read. Nothing of it is lost.

    Attributes:
        type: as on the wire.
        sid, seq, id: where they stand at the top as whole numbers, else None.
        market_ticker: where ``msg`` has one, else None.
        frame: as it came.
    """

    type: str
    sid: int | None
    seq: int | None
    id: int | None
    market_ticker: str | None
    frame: bytes | str

    @property
    def content(self) -> Any:
        """The frame as plain Python values, decoded at each call. Numbers with a fraction are floats: read no price here.

        Raises:
            MalformedFrame: it holds a value that Python values cannot (1e999, say).
        """
        try:
            return msgspec.json.decode(self.frame)
        except _NOT_JSON as error:
            raise MalformedFrame(_first_line(error), type=self.type, sid=self.sid, seq=self.seq) from None


Typed: TypeAlias = OrderbookSnapshot | OrderbookDelta | Subscribed | Ok | SubscriptionList | Unsubscribed | Error
Message: TypeAlias = Typed | Unknown

_TYPED: msgspec.json.Decoder[Typed] = msgspec.json.Decoder(Typed)
_TYPES = frozenset(
    {"orderbook_snapshot", "orderbook_delta", "subscribed", "ok", "list_subscriptions", "unsubscribed", "error"}
)
_FIELDS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_NOT_JSON = (msgspec.DecodeError, UnicodeError, RecursionError)

hot_decode = msgspec.json.Decoder(HotDelta | OrderbookSnapshot).decode
"""The decoder of the path that every frame takes: today's delta, lean, and snapshots; raises on everything else."""


def decode(frame: bytes | str) -> Message:
    """Read one frame into a typed message, and make sure that its prices and sizes are exact.

    Args:
        frame: one text frame of the exchange, with or without the newline at its end.

    Raises:
        MalformedFrame: not JSON, or what a message of its type needs is absent or of another kind.
        TypeError: neither bytes nor str.

    >>> decode('{"type":"orderbook_delta","sid":2,"seq":3,"msg":{"market_ticker":"KXDEMO-26-A",'
    ...        '"price_dollars":"0.4200","delta_fp":"-2.55","side":"yes"}}').delta_e2
    -255
    """
    if not isinstance(frame, (bytes, str)):
        raise TypeError(f"a frame is bytes or str, not {type(frame).__name__}")
    if isinstance(frame, str):
        frame = str(frame)  # the decoder takes no subclass
    message = read(frame)
    if isinstance(message, OrderbookSnapshot):
        validate_snapshot(message, frame)
        message.levels("yes")
        message.levels("no")
    elif isinstance(message, OrderbookDelta):
        _ = message.price_e4, message.delta_e2
    return message


def read(frame: bytes | str) -> Message:
    """Read one frame as ``decode`` does, and leave the sides of a snapshot and the numbers of a delta to whoever uses them.

    Raises:
        MalformedFrame: as ``decode``, but for these.
    """
    try:
        return _TYPED.decode(frame)
    except _NOT_JSON as error:
        return _untyped(frame, error)


def _untyped(frame: bytes | str, refusal: Exception) -> Unknown:
    """Tell a type that we do not know from a frame that is wrong, and read what can be read of both.

    Only what is asked for is read; the rest is skipped over, so an odd value somewhere costs nothing.
    """
    try:
        if isinstance(frame, bytes):
            frame.decode()  # what is skipped over is not looked at as text, and JSON is
        top = _FIELDS.decode(frame)
    except msgspec.ValidationError:
        raise _no_object(frame) from None
    except _NOT_JSON as error:
        raise MalformedFrame(f"expected JSON: {_first_line(error)}", is_json=False) from None
    type_, id_ = str_or_none(top.get("type")), int_or_none(top.get("id"))
    sid, seq = _count_or_none(top.get("sid")), _count_or_none(top.get("seq"))
    try:
        market_ticker = str_or_none(_FIELDS.decode(top["msg"]).get("market_ticker"))
    except (KeyError, *_NOT_JSON):
        market_ticker = None
    if type_ is not None and type_ not in _TYPES:
        return Unknown(type_, sid, seq, id_, market_ticker, frame)
    raise MalformedFrame(_first_line(refusal), type=type_, market_ticker=market_ticker, sid=sid, seq=seq) from None


def _no_object(frame: bytes | str) -> MalformedFrame:
    try:
        return MalformedFrame(f"expected a JSON object, found {type(msgspec.json.decode(frame)).__name__}")
    except _NOT_JSON as error:
        return MalformedFrame(f"expected JSON: {_first_line(error)}", is_json=False)


def _count_or_none(value: object) -> int | None:
    number = int_or_none(value)
    return number if number is not None and number >= 0 else None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
