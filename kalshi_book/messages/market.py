"""What happens in the open: ``ticker`` and ``trade``, in today's and older shapes.

Source: the exchange's AsyncAPI text, read 2026-10-26; whole cents beside dollars, and ``Clock``, were observed in
recordings of 2025 and of February 2026.
"""

from msgspec import field

from .channel import Body, ChannelMessage, Int64, Number
from .exact import Plain, cents, contracts, count, dollars, needed, optional, other_cents, other_dollars


class TickerBody(Body):
    """What a ``ticker`` says. ``dollar_volume`` and ``dollar_open_interest`` are whole dollars."""

    market_ticker: str
    market_id: str | None = None
    price_dollars: Number = None
    yes_bid_dollars: Number = None
    yes_ask_dollars: Number = None
    yes_bid_size_fp: Number = None
    yes_ask_size_fp: Number = None
    last_trade_size_fp: Number = None
    volume_fp: Number = None
    open_interest_fp: Number = None
    dollar_volume: Int64 | None = None
    dollar_open_interest: Int64 | None = None
    ts: Int64 | None = None
    ts_ms: Int64 | None = None
    time: str | None = None
    # Until spring 2026.
    price: Number = None
    yes_bid: Number = None
    yes_ask: Number = None
    volume: Number = None
    open_interest: Number = None
    clock: Int64 | None = field(name="Clock", default=None)


class Ticker(ChannelMessage, tag="ticker"):
    """The last trade and the top of one market. Takes no sequence number.

    Nobody there is a price of $0 (bid) or $1 (ask) on the wire, and stays so here: ask a book for ``None``.

    Attributes:
        last_price_e4, yes_bid_e4, yes_ask_e4: in $0.0001, or None.
        yes_bid_size_e2, yes_ask_size_e2, last_trade_size_e2, volume_e2, open_interest_e2: in 0.01 contract, or None.
    """

    msg: TickerBody

    market_ticker = Plain[str]()
    ts_ms = Plain[int | None]()
    last_price_e4 = optional(dollars("price_dollars"), cents("price"))
    yes_bid_e4 = optional(dollars("yes_bid_dollars"), cents("yes_bid"))
    yes_ask_e4 = optional(dollars("yes_ask_dollars"), cents("yes_ask"))
    yes_bid_size_e2 = optional(contracts("yes_bid_size_fp"))
    yes_ask_size_e2 = optional(contracts("yes_ask_size_fp"))
    last_trade_size_e2 = optional(contracts("last_trade_size_fp"))
    volume_e2 = optional(contracts("volume_fp"), count("volume"))
    open_interest_e2 = optional(contracts("open_interest_fp"), count("open_interest"))


class TickerV2(Ticker, tag="ticker_v2"):
    """A ticker of the channel that is gone since 2026-02-12."""


class TradeBody(Body):
    """What a ``trade`` says."""

    market_ticker: str
    trade_id: str | None = None
    yes_price_dollars: Number = None
    no_price_dollars: Number = None
    count_fp: Number = None
    taker_side: str | None = None
    taker_outcome_side: str | None = None
    taker_book_side: str | None = None
    is_block_trade: bool | None = None
    ts: Int64 | None = None
    ts_ms: Int64 | None = None
    # Until spring 2026.
    yes_price: Number = None
    no_price: Number = None
    count: Number = None


class Trade(ChannelMessage, tag="trade"):
    """A trade between two people.

    Attributes:
        yes_price_e4, no_price_e4: in $0.0001; where only one stands in the frame, the other is $1 less it.
        count_e2: in 0.01 contract.
    """

    msg: TradeBody

    market_ticker = Plain[str]()
    trade_id = Plain[str | None]()
    is_block_trade = Plain[bool | None]()
    ts_ms = Plain[int | None]()
    yes_price_e4 = needed(
        dollars("yes_price_dollars"), cents("yes_price"), other_dollars("no_price_dollars"), other_cents("no_price")
    )
    no_price_e4 = needed(
        dollars("no_price_dollars"), cents("no_price"), other_dollars("yes_price_dollars"), other_cents("yes_price")
    )
    count_e2 = needed(contracts("count_fp"), count("count"))

    @property
    def taker_outcome_side(self) -> str | None:
        """Whom the taker bought, ``"yes"`` or ``"no"``, or None. Before 2026 the field was ``taker_side``."""
        return self.msg.taker_outcome_side or self.msg.taker_side

    @property
    def taker_book_side(self) -> str | None:
        """``"bid"`` where the taker bought yes, ``"ask"`` where it bought no, or None."""
        return self.msg.taker_book_side or {"yes": "bid", "no": "ask"}.get(self.taker_outcome_side or "")
