"""Order-book snapshots and deltas of every era, as they stand on the wire, and the exact integers they mean.

Shapes by date (recordings): until 2026-01-21 whole cents and whole contracts beside dollar prices; until 2026-03-12 these
and the ``_fp`` fields; since then ``*_dollars_fp`` in snapshots, ``price_dollars`` and ``delta_fp`` in deltas. A field's
name decides its unit (feed rule F24): ``yes``, ``no``, ``price``, ``delta`` are cents and whole contracts, ``*_dollars*``
and ``*_fp`` are dollars and contracts, and where both stand these win.

Source: the exchange's AsyncAPI text, read 2026-10-26; the older shapes were observed in recordings of 2025 and 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from .. import units
from ..errors import MalformedFrame
from .loose import Envelope, Loose, OptionalInt, OptionalStr, first_present, int_or_none, plain, str_or_none

Counter64 = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Sid = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Ticker = Annotated[str, Meta(min_length=1)]
Side = Literal["yes", "no"]
RawLevel = tuple[str | int, str | int]
Levels = list[tuple[int, int]]

LEVEL_FIELDS = frozenset({"yes", "no", "yes_dollars", "no_dollars", "yes_dollars_fp", "no_dollars_fp"})


class SnapshotBody(Struct, gc=False):
    """What an ``orderbook_snapshot`` says. The key of an empty side is absent."""

    market_ticker: Ticker
    market_id: OptionalStr = None
    clock: OptionalInt = None
    yes_dollars_fp: list[RawLevel] | UnsetType | None = UNSET
    no_dollars_fp: list[RawLevel] | UnsetType | None = UNSET
    yes_dollars: Any = UNSET
    no_dollars: Any = UNSET
    yes: Any = UNSET
    no: Any = UNSET

    def __post_init__(self) -> None:
        self.market_id = str_or_none(self.market_id)
        self.clock = int_or_none(self.clock)


class OrderbookSnapshot(Envelope, kw_only=True, gc=False, tag_field="type", tag="orderbook_snapshot"):
    """The whole book of one market. ``id`` stands only where it answers a ``get_snapshot`` command."""

    sid: Sid
    seq: Counter64
    msg: SnapshotBody

    @property
    def market_ticker(self) -> str:
        """The market."""
        return self.msg.market_ticker

    def levels(self, outcome_side: Side) -> Levels:
        """Read one side exactly. O(levels).

        Returns:
            (price_e4, size_e2) in the order of the frame, on the price scale of the frame (nothing in it says which).

        Raises:
            MalformedFrame: a level that is not exactly readable, not $0.0001 to $0.9999, of no size, or there twice.
        """
        raw, in_cents = raw_levels(self.msg, outcome_side)
        try:
            return parse_levels(raw, in_cents, outcome_side)
        except ValueError as error:
            raise malformed(self, str(error)) from None


class DeltaBody(Struct, gc=False):
    """What an ``orderbook_delta`` says: the signed change of one level."""

    market_ticker: Ticker
    side: Side
    price_dollars: Loose = UNSET
    delta_fp: Loose = UNSET
    price: Loose = UNSET
    delta: Loose = UNSET
    market_id: OptionalStr = None
    clock: OptionalInt = None
    ts: OptionalStr = None
    ts_ms: OptionalInt = None
    client_order_id: OptionalStr = None
    subaccount: OptionalInt = None

    def __post_init__(self) -> None:
        self.price_dollars, self.delta_fp = plain(self.price_dollars), plain(self.delta_fp)
        self.price, self.delta = plain(self.price), plain(self.delta)
        self.market_id = str_or_none(self.market_id)
        self.clock = int_or_none(self.clock)
        self.ts = str_or_none(self.ts)
        self.ts_ms = int_or_none(self.ts_ms)
        self.client_order_id = str_or_none(self.client_order_id)
        self.subaccount = int_or_none(self.subaccount)


class OrderbookDelta(Envelope, kw_only=True, gc=False, tag_field="type", tag="orderbook_delta"):
    """A signed change of one level of one market, with every field of the wire."""

    sid: Sid
    seq: Counter64
    msg: DeltaBody

    @property
    def market_ticker(self) -> str:
        """The market."""
        return self.msg.market_ticker

    @property
    def outcome_side(self) -> Side:
        """Whose ladder: ``"yes"`` or ``"no"``."""
        return self.msg.side

    @property
    def price_e4(self) -> int:
        """The level in $0.0001, on the price scale of the frame (nothing in it says which)."""
        return self._read("price", units.dollars_e4, self.msg.price_dollars, units.cents_e4, self.msg.price)

    @property
    def delta_e2(self) -> int:
        """The change in 0.01 contract."""
        return self._read("change", units.contracts_e2, self.msg.delta_fp, units.count_e2, self.msg.delta)

    def _read(
        self, what: str, new: Callable[[object], int], new_field: object, old: Callable[[object], int], old_field: object
    ) -> int:
        try:
            if first_present(new_field) is not None:
                return new(new_field)
            if first_present(old_field) is not None:
                return old(old_field)
        except ValueError as error:
            raise malformed(self, str(error)) from None
        raise malformed(self, f"no {what} in any field that we know")


class HotDeltaBody(Struct, kw_only=True, gc=False):
    """The fields of today's delta that a book needs, in the order of the wire. The rest is not even looked at.

    Each is held to the bounds of the whole message, though what is used is checked again: a field may stand there twice, the
    first time out of bounds.
    """

    market_ticker: Ticker
    clock: int | None = None
    price_dollars: str
    delta_fp: str
    side: Side
    ts_ms: int | None = None
    client_order_id: str | UnsetType | None = UNSET


class HotDelta(Struct, gc=False, tag_field="type", tag="orderbook_delta"):
    """Today's delta, lean: what the path of every frame reads."""

    sid: Sid
    seq: Counter64
    msg: HotDeltaBody


class HotSnapshotBody(Struct, kw_only=True, gc=False):
    """The fields of a snapshot that a book needs. Each side is left as it stands in the frame: the core reads it there."""

    market_ticker: Ticker
    clock: int | None = None
    yes_dollars_fp: Raw | UnsetType = UNSET
    no_dollars_fp: Raw | UnsetType = UNSET
    yes_dollars: Raw | UnsetType = UNSET
    no_dollars: Raw | UnsetType = UNSET
    yes: Raw | UnsetType = UNSET
    no: Raw | UnsetType = UNSET


class HotSnapshot(Struct, kw_only=True, gc=False, tag_field="type", tag="orderbook_snapshot"):
    """A snapshot, lean: a quarter of the price of one with every level as a text."""

    id: int | None = None
    sid: Sid
    seq: Counter64
    msg: HotSnapshotBody


def raw_levels(msg: SnapshotBody, outcome_side: Side) -> tuple[Sequence[Any], bool]:
    """Give one side as it stands in the frame, and whether it is in cents. An absent side is empty."""
    if outcome_side == "yes":
        fields = (msg.yes_dollars_fp, msg.yes_dollars, msg.yes)
    else:
        fields = (msg.no_dollars_fp, msg.no_dollars, msg.no)
    for field in fields:
        if field is not UNSET and field is not None:
            return field, field is fields[2]
    return (), False


def parse_levels(raw: Sequence[Any], in_cents: bool, outcome_side: Side) -> Levels:
    """Read levels exactly, in their order.

    Raises:
        ValueError: as ``OrderbookSnapshot.levels``; the text names the side and the level.
    """
    read_price, read_size = (units.cents_e4, units.count_e2) if in_cents else (units.dollars_e4, units.contracts_e2)
    if not isinstance(raw, (list, tuple)):
        raise ValueError(f"expected the {outcome_side} side as a list of levels, found {type(raw).__name__}")
    levels: dict[int, int] = {}
    for number, level in enumerate(raw):
        try:
            if not isinstance(level, (list, tuple)) or len(level) != 2:
                raise ValueError("expected a pair of price and size")
            price_e4, size_e2 = read_price(level[0]), read_size(level[1])
            if not units.MIN_PRICE_E4 <= price_e4 <= units.MAX_PRICE_E4:
                raise ValueError(f"expected a price of $0.0001 to $0.9999, found price_e4={price_e4}")
            if size_e2 <= 0:
                raise ValueError(f"expected a size above 0, found size_e2={size_e2}")
            if price_e4 in levels:
                raise ValueError(f"expected each price once, found price_e4={price_e4} again")
        except ValueError as error:
            raise ValueError(f"{outcome_side} level {number}: {error}") from None
        levels[price_e4] = size_e2
    return list(levels.items())


def unknown_array(frame: bytes | str, known: frozenset[str] = LEVEL_FIELDS) -> str | None:
    """Name an array in a snapshot's ``msg`` that is none of the known: a side that was renamed, perhaps (feed rule F6).

    Values are only skipped over, as where the message itself was read: what fails here failed there.
    """
    msg = _SIDES.decode(frame).msg
    return next((key for key, value in msg.items() if bytes(value).startswith(b"[") and key not in known), None)


class _Sides(Struct):
    msg: dict[str, Raw]


_SIDES = msgspec.json.Decoder(_Sides)


def has_absent_side(msg: SnapshotBody) -> bool:
    """Tell whether a side stands in none of the fields that we know."""
    return (
        first_present(msg.yes_dollars_fp, msg.yes_dollars, msg.yes) is None
        or first_present(msg.no_dollars_fp, msg.no_dollars, msg.no) is None
    )


def malformed(message: OrderbookSnapshot | OrderbookDelta, reason: str) -> MalformedFrame:
    """Make the error for a frame whose identity could be read."""
    return MalformedFrame(
        reason,
        type=message.__struct_config__.tag,  # type: ignore[arg-type]
        market_ticker=message.market_ticker,
        sid=message.sid,
        seq=message.seq,
        sending_ts_ms=message.sending_ts_ms,
    )


def validate_snapshot(message: OrderbookSnapshot, frame: bytes | str) -> None:
    """Apply feed rule F6 to everything but the levels themselves.

    Raises:
        MalformedFrame: a side is absent and ``msg`` carries an array that we do not know.
    """
    if has_absent_side(message.msg) and (name := unknown_array(frame)) is not None:
        raise malformed(message, f"a side is absent and {name[:40]!r} is an array that we do not know")
