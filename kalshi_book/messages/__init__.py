"""Messages of the exchange, typed: ``decode`` turns one frame into one of them.

Structs carry the names of the wire. Types that have no struct here come as ``Unknown``, raw and unharmed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import Raw, Struct

from ..errors import MalformedFrame, UsageError
from ..units import shown
from .book import (
    DeltaBody,
    HotDelta,
    HotDeltaBody,
    HotSnapshot,
    HotSnapshotBody,
    OrderbookDelta,
    OrderbookSnapshot,
    SnapshotBody,
    validate_snapshot,
)
from .channel import NOT_READ, ChannelMessage, build
from .communications import (
    BatchQuoteAccepted,
    BatchQuoteCreated,
    BatchQuoteExecuted,
    Communication,
    QuoteAccepted,
    QuoteCreated,
    QuoteExecuted,
    RfqBatchBestQuotes,
    RfqBatchCreated,
    RfqBatchDeleted,
    RfqBatchExecuted,
    RfqCreated,
    RfqDeleted,
)
from .exact import check
from .indices import FastIndexList, FastIndexValue, IndexList, IndexValue, UnderlyingList, UnderlyingValue
from .lifecycle import (
    EventFeeUpdate,
    EventLifecycle,
    MarketLifecycle,
    MarketLifecycleV2,
    MultivariateMarketLifecycle,
    PriceRange,
)
from .loose import int_or_none, str_or_none
from .market import Ticker, TickerV2, Trade
from .own import Fill, MarketPosition, OrderGroupUpdate, UserOrder
from .perps import (
    CorporateAction,
    PerpsDelta,
    PerpsFill,
    PerpsSnapshot,
    PerpsTicker,
    PerpsTrade,
    PerpsUserOrder,
    validate_perps_snapshot,
)
from .responses import ChannelSid, Error, ErrorBody, Ok, OkBody, Subscribed, SubscriptionList, Unsubscribed

__all__ = [
    "DATA_TYPES",
    "HOT_TYPES",
    "BatchQuoteAccepted",
    "BatchQuoteCreated",
    "BatchQuoteExecuted",
    "ChannelMessage",
    "ChannelSid",
    "Communication",
    "CorporateAction",
    "DeltaBody",
    "Error",
    "ErrorBody",
    "EventFeeUpdate",
    "EventLifecycle",
    "FastIndexList",
    "FastIndexValue",
    "Fill",
    "HotDelta",
    "HotDeltaBody",
    "HotSnapshot",
    "HotSnapshotBody",
    "IndexList",
    "IndexValue",
    "MarketLifecycle",
    "MarketLifecycleV2",
    "MarketPosition",
    "Message",
    "MultivariateMarketLifecycle",
    "Ok",
    "OkBody",
    "OrderGroupUpdate",
    "OrderbookDelta",
    "OrderbookSnapshot",
    "PerpsDelta",
    "PerpsFill",
    "PerpsMessage",
    "PerpsSnapshot",
    "PerpsTicker",
    "PerpsTrade",
    "PerpsUserOrder",
    "PriceRange",
    "QuoteAccepted",
    "QuoteCreated",
    "QuoteExecuted",
    "RfqBatchBestQuotes",
    "RfqBatchCreated",
    "RfqBatchDeleted",
    "RfqBatchExecuted",
    "RfqCreated",
    "RfqDeleted",
    "SnapshotBody",
    "Subscribed",
    "SubscriptionList",
    "Ticker",
    "TickerV2",
    "Trade",
    "UnderlyingList",
    "UnderlyingValue",
    "Unknown",
    "Unsubscribed",
    "UserOrder",
    "Venue",
    "decode",
    "hot_decode",
    "read",
]

Venue = Literal["events", "perps"]


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


Responses: TypeAlias = Subscribed | Ok | SubscriptionList | Unsubscribed | Error
Data: TypeAlias = (
    Ticker
    | TickerV2
    | Trade
    | Fill
    | UserOrder
    | MarketPosition
    | MarketLifecycle
    | MarketLifecycleV2
    | MultivariateMarketLifecycle
    | EventLifecycle
    | EventFeeUpdate
    | OrderGroupUpdate
    | RfqCreated
    | RfqDeleted
    | QuoteCreated
    | QuoteAccepted
    | QuoteExecuted
    | RfqBatchCreated
    | RfqBatchDeleted
    | BatchQuoteCreated
    | BatchQuoteAccepted
    | RfqBatchBestQuotes
    | RfqBatchExecuted
    | BatchQuoteExecuted
    | IndexValue
    | FastIndexValue
    | UnderlyingValue
    | IndexList
    | FastIndexList
    | UnderlyingList
)
PerpsMessage: TypeAlias = (
    PerpsSnapshot | PerpsDelta | PerpsTicker | PerpsTrade | PerpsFill | PerpsUserOrder | OrderGroupUpdate | CorporateAction
)
Message: TypeAlias = OrderbookSnapshot | OrderbookDelta | Responses | Data | Unknown


def _by_type(*unions: Any) -> dict[str, type[Any]]:
    return {str(cls.__struct_config__.tag): cls for union in unions for cls in get_args(union)}


BOOK_TYPES = _by_type(OrderbookSnapshot | OrderbookDelta)
RESPONSE_TYPES = _by_type(Responses)
DATA_TYPES: Mapping[str, type[ChannelMessage]] = _by_type(Data)
"""The types that other channels than the order book's send, by their name on the wire."""
PERPS_TYPES: Mapping[str, type[ChannelMessage]] = _by_type(PerpsMessage)
"""The types of perpetuals but for the responses, which are the same, by their name on the wire."""

_Decode: TypeAlias = Callable[[bytes | str], Any]
_VENUES: dict[str, tuple[_Decode, Mapping[str, type[ChannelMessage]], frozenset[str]]] = {
    "events": (
        msgspec.json.Decoder(OrderbookSnapshot | OrderbookDelta | Responses | Data).decode,
        DATA_TYPES,
        frozenset({*BOOK_TYPES, *RESPONSE_TYPES}),
    ),
    "perps": (msgspec.json.Decoder(Responses | PerpsMessage).decode, PERPS_TYPES, frozenset(RESPONSE_TYPES)),
}
"""By venue: the decoder of everything, the types that are read again field by field, and those that are not."""
_EVENTS_DECODE = _VENUES["events"][0]

_FIELDS: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_NOT_JSON = NOT_READ

HOT_TYPES = (HotDelta, HotDeltaBody, HotSnapshot, HotSnapshotBody)
"""What ``hot_decode`` gives, and what is in it."""

hot_decode = msgspec.json.Decoder(HotDelta | HotSnapshot).decode
"""The decoder of the path that every frame takes: today's delta and snapshot, lean; raises on everything else."""


def decode(frame: bytes | str, *, venue: Venue = "events") -> Message | PerpsMessage:
    """Read one frame into a typed message, and make sure that its prices and sizes are exact.

    Args:
        frame: one text frame of the exchange, with or without the newline at its end.
        venue: ``"events"``, or ``"perps"`` for frames of the perpetuals' own host. Their snapshots and deltas are known by
            their fields (``bid``, ``ask``), and so come as perps messages also without it (feed rule F23).

    Raises:
        MalformedFrame: not JSON, or what a message of its type needs is absent or of another kind.
        TypeError: neither bytes nor str.
        UsageError: another venue.

    >>> decode('{"type":"orderbook_delta","sid":2,"seq":3,"msg":{"market_ticker":"KXDEMO-26-A",'
    ...        '"price_dollars":"0.4200","delta_fp":"-2.55","side":"yes"}}').delta_e2
    -255
    """
    if not isinstance(frame, (bytes, str)):
        raise TypeError(f"a frame is bytes or str, not {type(frame).__name__}")
    if venue not in _VENUES:
        raise UsageError(f'venue must be "events" or "perps", not {shown(venue)}')
    if isinstance(frame, str):
        frame = str(frame)  # the decoder takes no subclass
    if venue == "perps":
        return _read_perps(frame)
    try:
        message = read(frame)
        if isinstance(message, OrderbookSnapshot):
            validate_snapshot(message, frame)
            message.levels("yes")
            message.levels("no")
        elif isinstance(message, OrderbookDelta):
            _ = message.price_e4, message.delta_e2
    except MalformedFrame as error:
        if error.type in BOOK_TYPES and (perps := _perps_or_none(frame)) is not None:
            return perps
        raise
    return message


def read(frame: bytes | str) -> Message:
    """Read one frame of event markets as ``decode`` does, but leave a book's levels and numbers to whoever uses them.

    Raises:
        MalformedFrame: as ``decode``, but for these. A book frame of perpetuals is malformed here.
    """
    try:
        message: Message = _EVENTS_DECODE(frame)
    except _NOT_JSON as error:
        message = _again(frame, error, "events")
    if isinstance(message, ChannelMessage):
        check(message)
    return message


def _read_perps(frame: bytes | str) -> PerpsMessage | Responses | Unknown:
    try:
        message = _VENUES["perps"][0](frame)
    except _NOT_JSON as error:
        message = _again(frame, error, "perps")
    if isinstance(message, ChannelMessage):
        check(message)
    if isinstance(message, PerpsSnapshot):
        validate_perps_snapshot(message, frame)
    return message  # type: ignore[no-any-return]


def _perps_or_none(frame: bytes | str) -> PerpsSnapshot | PerpsDelta | None:
    """Read a book frame that is none of event markets as one of perpetuals, where it says so itself."""
    try:
        message = _read_perps(frame)
    except MalformedFrame:
        return None
    if isinstance(message, PerpsSnapshot) and message.msg.bid is None and message.msg.ask is None:
        return None
    return message if isinstance(message, (PerpsSnapshot, PerpsDelta)) else None


def _again(frame: bytes | str, refusal: Exception, venue: Venue) -> Any:
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
    _, by_field, at_once = _VENUES[venue]
    type_, reason = str_or_none(top.get("type")), _first_line(refusal)
    if type_ is not None and type_ in by_field:
        try:
            return build(by_field[type_], top)
        except ValueError as error:
            reason = str(error)
    sid, seq = _count_or_none(top.get("sid")) or None, _count_or_none(top.get("seq"))
    market_ticker = _market_ticker(type_, top)
    if type_ is None or type_ in by_field or type_ in at_once:
        sent = int_or_none(top.get("sending_ts_ms"))
        raise MalformedFrame(reason, type=type_, market_ticker=market_ticker, sid=sid, seq=seq, sending_ts_ms=sent) from None
    return Unknown(type_, sid, seq, int_or_none(top.get("id")), market_ticker, frame)


def _market_ticker(type_: str | None, top: dict[str, Raw]) -> str | None:
    try:
        return str_or_none(_FIELDS.decode(top["msg"]).get("ticker" if type_ == "user_order" else "market_ticker")) or None
    except (KeyError, *_NOT_JSON):
        return None


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
