"""Values from outside that markets settle on, and the lists of what can be had: cfbenchmarks and pyth.

Source: the exchange's AsyncAPI text, read 2026-10-26.
"""

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from .channel import NOT_READ, Body, ChannelMessage, Int64, Number
from .exact import Plain, decimal, optional

CommandId = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class Average(Body):
    """An average over a window of time.

    Attributes:
        value: in US dollars, an exact Decimal, or None.
        window_size: how many values are in it.
        window_start_ts_ms, window_end_ts_exclusive: unix milliseconds.
    """

    wire_value: Number = msgspec.field(name="value", default=None)
    window_size: Int64 | None = None
    window_start_ts_ms: Int64 | None = None
    window_end_ts_exclusive: Int64 | None = None

    value = optional(decimal("wire_value"))


class IndexValueBody(Body):
    """What a ``cfbenchmarks_value`` says. ``data`` is the vendor's own frame, as text.

    ``last_60s_windowed_average_15min`` is there only in the last minute of each quarter of an hour.
    """

    index_id: str
    received_at: Int64 | None = None
    data: str | None = None
    avg_60s_data: Average | None = None
    last_60s_windowed_average_15min: Average | None = None


class IndexValue(ChannelMessage, tag="cfbenchmarks_value"):
    """The value of an index of CF Benchmarks, about once a second.

    Attributes:
        received_at: when the exchange had it, unix milliseconds, or None.
        average_60s, quarter_hour_average: over the last 60 seconds; over the last minute of a quarter of an hour, or None.
    """

    msg: IndexValueBody

    index_id = Plain[str]()
    received_at = Plain[int | None]()
    average_60s = Plain[Average | None]("avg_60s_data")
    quarter_hour_average = Plain[Average | None]("last_60s_windowed_average_15min")

    @property
    def value_usd(self) -> Decimal | None:
        """The value itself in US dollars, from the vendor's frame; an exact Decimal, or None."""
        try:
            return _VENDOR(self.msg.data or "").value
        except NOT_READ:
            return None


class _VendorFrame(Body):
    wire_value: Number = msgspec.field(name="value", default=None)

    value = optional(decimal("wire_value"))


_VENDOR = msgspec.json.Decoder(_VendorFrame).decode


class FastIndexValueBody(Body):
    """What a ``cfbenchmarks_value_5hz`` says. ``data`` is the vendor's own frame, as text."""

    index_id: str
    value_usd: Number = None
    source_ts_ms: Int64 | None = None
    received_at: Int64 | None = None
    data: str | None = None


class FastIndexValue(ChannelMessage, tag="cfbenchmarks_value_5hz"):
    """The value of an index of CF Benchmarks, up to five times a second.

    Attributes:
        value_usd: in US dollars, an exact Decimal, or None.
        source_ts_ms, received_at: of the vendor, and when the exchange had it, unix milliseconds, or None.
    """

    msg: FastIndexValueBody

    index_id = Plain[str]()
    source_ts_ms = Plain[int | None]()
    received_at = Plain[int | None]()
    value_usd = optional(decimal("value_usd"))


class UnderlyingValueBody(Body):
    """What a ``pyth_value`` says. ``value_usd`` is percent, not dollars, where the underlying is a yield."""

    underlying_ticker: str
    value_usd: Number = None
    source_ts_ms: Int64 | None = None
    received_at: Int64 | None = None


class UnderlyingValue(ChannelMessage, tag="pyth_value"):
    """A price or a yield from Pyth.

    Attributes:
        value_usd: an exact Decimal, or None: percent for a yield (4.25 is 4.25 %), else the price in the quoted currency.
        source_ts_ms, received_at: of the source, and when the exchange had it, unix milliseconds, or None.
    """

    msg: UnderlyingValueBody

    underlying_ticker = Plain[str]()
    source_ts_ms = Plain[int | None]()
    received_at = Plain[int | None]()
    value_usd = optional(decimal("value_usd"))


class IndexListBody(Body):
    """What can be had of an index channel."""

    index_ids: list[str]


class IndexList(ChannelMessage, tag="cfbenchmarks_value_indexlist"):
    """The answer to ``indexlist``. ``id`` is that of the command, or None."""

    msg: IndexListBody
    id: CommandId | None = None

    index_ids = Plain[list[str]]()


class FastIndexList(IndexList, tag="cfbenchmarks_value_5hz_indexlist"):
    """The same of the fast channel."""


class UnderlyingListBody(Body):
    """What can be had of the pyth channel."""

    underlying_tickers: list[str]


class UnderlyingList(ChannelMessage, tag="pyth_value_underlying_list"):
    """The answer to ``underlying_list``. ``id`` is that of the command, or None."""

    msg: UnderlyingListBody
    id: CommandId | None = None

    underlying_tickers = Plain[list[str]]()
