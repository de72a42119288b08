"""What becomes of markets and events: the three lifecycle channels.

Source: the exchange's AsyncAPI text, read 2026-10-26; ``market_lifecycle`` was the name in 2025.
"""

from decimal import Decimal
from typing import Any

from msgspec import Struct

from .. import units
from .channel import Body, ChannelMessage, Int64, Number
from .exact import Plain, decimal, optional, text_dollars


class PriceRange(Struct, frozen=True, gc=False):
    """Prices from start to end go in steps of this much, all in $0.0001."""

    start_e4: int
    end_e4: int
    step_e4: int


class RangeBody(Body):
    """A range of prices as on the wire, in dollars."""

    start: Number = None
    end: Number = None
    step: Number = None


class MarketMetadata(Body):
    """What a market is about. Strikes are numbers of any size: ``MarketLifecycle.floor_strike`` reads the market's own."""

    name: str | None = None
    title: str | None = None
    yes_sub_title: str | None = None
    no_sub_title: str | None = None
    rules_primary: str | None = None
    rules_secondary: str | None = None
    can_close_early: bool | None = None
    event_ticker: str | None = None
    expected_expiration_ts: Int64 | None = None
    strike_type: str | None = None
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None
    custom_strike: dict[str, Any] | None = None


class LifecycleBody(Body):
    """What a lifecycle message says; the strikes and sub-titles at this level belong to ``metadata_updated``."""

    market_ticker: str
    event_type: str | None = None
    exchange_index: Int64 | None = None
    open_ts: Int64 | None = None
    close_ts: Int64 | None = None
    determination_ts: Int64 | None = None
    settled_ts: Int64 | None = None
    result: str | None = None
    settlement_value: Number = None
    is_deactivated: bool | None = None
    additional_metadata: MarketMetadata | None = None
    price_level_structure: str | None = None
    price_ranges: list[RangeBody] | None = None
    strike_type: str | None = None
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None
    custom_strike: dict[str, Any] | None = None
    yes_sub_title: str | None = None


class MarketLifecycle(ChannelMessage, tag="market_lifecycle"):
    """A market was created, opened, moved, decided, settled or changed. This class itself is the type of 2025.

    Attributes:
        event_type: created, activated, deactivated, close_date_updated, determined, settled, price_level_structure_updated,
            metadata_updated, or what the exchange adds; None in the early type.
        open_ts, close_ts, determination_ts, settled_ts: unix seconds, or None.
        settlement_value_e4: what a YES contract is worth, in $0.0001, or None.
        floor_strike, cap_strike: of ``metadata_updated``, as exact Decimal, or None.
    """

    msg: LifecycleBody

    market_ticker = Plain[str]()
    event_type = Plain[str | None]()
    is_deactivated = Plain[bool | None]()
    open_ts = Plain[int | None]()
    close_ts = Plain[int | None]()
    determination_ts = Plain[int | None]()
    settled_ts = Plain[int | None]()
    result = Plain[str | None]()
    price_level_structure = Plain[str | None]()
    settlement_value_e4 = optional(text_dollars("settlement_value"))
    floor_strike = optional(decimal("floor_strike"))
    cap_strike = optional(decimal("cap_strike"))

    @property
    def price_ranges(self) -> tuple[PriceRange, ...] | None:
        """The valid prices now, or None where the message does not say, or says it in no way that can be read exactly."""
        if self.msg.price_ranges is None:
            return None
        try:
            return tuple(_range(each) for each in self.msg.price_ranges)
        except ValueError:
            return None


def _range(body: RangeBody) -> PriceRange:
    start_e4, end_e4, step_e4 = (units.dollars_e4(price) for price in (body.start, body.end, body.step))
    if start_e4 > end_e4 or step_e4 == 0:
        raise ValueError("expected a range that goes up in steps")
    return PriceRange(start_e4, end_e4, step_e4)


class TypedLifecycleBody(LifecycleBody):
    """The same since the type is named in it."""

    event_type: str


class MarketLifecycleV2(MarketLifecycle, tag="market_lifecycle_v2"):
    """The same of today."""

    msg: TypedLifecycleBody


class MultivariateMarketLifecycle(MarketLifecycleV2, tag="multivariate_market_lifecycle"):
    """The same of a combo market."""


class EventLifecycleBody(Body):
    """What an ``event_lifecycle`` says."""

    event_ticker: str
    exchange_index: Int64 | None = None
    title: str | None = None
    subtitle: str | None = None
    collateral_return_type: str | None = None
    series_ticker: str | None = None
    strike_date: Int64 | None = None
    strike_period: str | None = None


class EventLifecycle(ChannelMessage, tag="event_lifecycle"):
    """An event was created."""

    msg: EventLifecycleBody

    event_ticker = Plain[str]()


class EventFeeUpdateBody(Body):
    """What an ``event_fee_update`` says: the overrides are null where they were taken away."""

    event_ticker: str
    fee_type_override: str | None = None
    fee_multiplier_override: Decimal | None = None


class EventFeeUpdate(ChannelMessage, tag="event_fee_update"):
    """The fees of an event were set apart from its series, or not any more.

    Attributes:
        fee_type_override: None where there is none now.
        fee_multiplier_override: an exact Decimal, or None.
    """

    msg: EventFeeUpdateBody

    event_ticker = Plain[str]()
    fee_type_override = Plain[str | None]()
    fee_multiplier_override = optional(decimal("fee_multiplier_override"))
