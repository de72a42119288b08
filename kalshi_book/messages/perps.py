"""Messages of the perpetuals, from their own host: ``decode(frame, venue="perps")``.

Same envelope, other content: a book of bids and asks, prices in dollars that $1 does not bound, no yes and no. Names such
as ``price`` and ``delta`` are those of the old cents shape of event markets; here they are texts, in dollars and contracts,
and only a text is read (feed rule F23).

Source: the exchange's perps AsyncAPI text, read 2026-10-26.
"""

from decimal import Decimal
from typing import Any, Literal

from .. import units
from .book import Counter64, Levels, unknown_array
from .channel import Body, ChannelMessage, Int64, Number
from .exact import Plain, decimal, malformed, money, needed, optional, text_contracts, text_dollars
from .indices import CommandId

BookSide = Literal["bid", "ask"]

SIDES = frozenset({"bid", "ask"})

_PRICE, _SIZE = text_dollars("price"), text_contracts("size")


class PerpsSnapshotBody(Body):
    """What a snapshot says. The key of an empty side is absent."""

    market_ticker: str
    bid: Number = None
    ask: Number = None


class PerpsSnapshot(ChannelMessage, tag="orderbook_snapshot"):
    """The whole book of one perpetual. ``id`` stands only where it answers a ``get_snapshot`` command."""

    seq: Counter64
    msg: PerpsSnapshotBody
    id: CommandId | None = None

    market_ticker = Plain[str]()

    def levels(self, book_side: BookSide) -> Levels:
        """Read one side exactly. O(levels).

        Returns:
            (price_e4, size_e2) in the order of the frame.

        Raises:
            MalformedFrame: a level that is not exactly readable, not $0.0001 to $214,748.3647, of no size, or there twice.
        """
        raw = self.msg.bid if book_side == "bid" else self.msg.ask
        try:
            return _levels(raw, book_side)
        except ValueError as error:
            raise malformed(self, str(error)) from None


def _levels(raw: Any, book_side: BookSide) -> Levels:
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise ValueError(f"expected the {book_side} side as a list of levels, found {type(raw).__name__}")
    levels: dict[int, int] = {}
    for number, level in enumerate(raw):
        try:
            if not isinstance(level, list) or len(level) != 2:
                raise ValueError("expected a pair of price and size")
            price_e4, size_e2 = _PRICE[1](level[0]), _SIZE[1](level[1])
            if not units.MIN_PRICE_E4 <= price_e4 <= units.MAX_PERPS_PRICE_E4:
                raise ValueError(f"expected a price of $0.0001 to $214748.3647, found price_e4={price_e4}")
            if size_e2 <= 0:
                raise ValueError(f"expected a size above 0, found size_e2={size_e2}")
            if price_e4 in levels:
                raise ValueError(f"expected each price once, found price_e4={price_e4} again")
        except ValueError as error:
            raise ValueError(f"{book_side} level {number}: {error}") from None
        levels[price_e4] = size_e2
    return list(levels.items())


def validate_perps_snapshot(message: PerpsSnapshot, frame: bytes | str) -> None:
    """Apply feed rule F6.

    Raises:
        MalformedFrame: a level cannot be read, or a side is absent and ``msg`` carries an array that we do not know.
    """
    is_whole = message.msg.bid is not None and message.msg.ask is not None
    if not is_whole and (name := unknown_array(frame, SIDES)) is not None:
        raise malformed(message, f"a side is absent and {name[:40]!r} is an array that we do not know")
    message.levels("bid")
    message.levels("ask")


class PerpsDeltaBody(Body):
    """What a delta says: the signed change of one level."""

    market_ticker: str
    side: BookSide
    price: Number = None
    delta: Number = None
    ts_ms: Int64 | None = None
    client_order_id: str | None = None
    subaccount: Int64 | None = None
    last_update_reason: str | None = None


class PerpsDelta(ChannelMessage, tag="orderbook_delta"):
    """A signed change of one level of one perpetual.

    Attributes:
        book_side: whose ladder: ``"bid"`` or ``"ask"``.
        price_e4: the level in $0.0001.
        delta_e2: the change in 0.01 contract.
    """

    seq: Counter64
    msg: PerpsDeltaBody

    market_ticker = Plain[str]()
    book_side = Plain[BookSide]("side")
    ts_ms = Plain[int | None]()
    client_order_id = Plain[str | None]()
    subaccount = Plain[int | None]()
    price_e4 = needed(text_dollars("price"))
    delta_e2 = needed(text_contracts("delta"))


class TimedPrice(Body):
    """A price of one moment: ``price_e4`` in $0.0001 or None, ``ts_ms`` unix milliseconds or None."""

    price: Number = None
    ts_ms: Int64 | None = None

    price_e4 = optional(text_dollars("price"))


class FundingRate(Body):
    """What longs pay shorts, as a fraction. ``exact_rate`` is the Decimal that the text of the frame says, or None."""

    rate: Decimal | None = None
    next_funding_time_ms: Int64 | None = None
    ts_ms: Int64 | None = None

    exact_rate = optional(decimal("rate"))


class PerpsTickerBody(Body):
    """What a ``ticker`` says."""

    market_ticker: str
    price: Number = None
    bid: Number = None
    ask: Number = None
    bid_size_fp: Number = None
    ask_size_fp: Number = None
    last_trade_size_fp: Number = None
    volume: Number = None
    volume_notional_value_dollars: Number = None
    volume_24h: Number = None
    volume_24h_notional_value_dollars: Number = None
    open_interest: Number = None
    open_interest_notional_value_dollars: Number = None
    reference_price: TimedPrice | None = None
    settlement_mark_price: TimedPrice | None = None
    liquidation_mark_price: TimedPrice | None = None
    funding_rate: FundingRate | None = None
    ts_ms: Int64 | None = None


class PerpsTicker(ChannelMessage, tag="ticker"):
    """The last trade, the top and the marks of one perpetual. Takes no sequence number.

    Attributes:
        last_price_e4, bid_e4, ask_e4: in $0.0001, or None.
        bid_size_e2, ask_size_e2, last_trade_size_e2, volume_e2, volume_24h_e2, open_interest_e2: in 0.01 contract, or None.
        volume_notional, volume_24h_notional, open_interest_notional: in dollars, exact Decimals, or None.
    """

    msg: PerpsTickerBody

    market_ticker = Plain[str]()
    ts_ms = Plain[int | None]()
    reference_price = Plain[TimedPrice | None]()
    settlement_mark_price = Plain[TimedPrice | None]()
    liquidation_mark_price = Plain[TimedPrice | None]()
    funding_rate = Plain[FundingRate | None]()
    last_price_e4 = optional(text_dollars("price"))
    bid_e4 = optional(text_dollars("bid"))
    ask_e4 = optional(text_dollars("ask"))
    bid_size_e2 = optional(text_contracts("bid_size_fp"))
    ask_size_e2 = optional(text_contracts("ask_size_fp"))
    last_trade_size_e2 = optional(text_contracts("last_trade_size_fp"))
    volume_e2 = optional(text_contracts("volume"))
    volume_24h_e2 = optional(text_contracts("volume_24h"))
    open_interest_e2 = optional(text_contracts("open_interest"))
    volume_notional = optional(decimal("volume_notional_value_dollars"))
    volume_24h_notional = optional(decimal("volume_24h_notional_value_dollars"))
    open_interest_notional = optional(decimal("open_interest_notional_value_dollars"))


class PerpsTradeBody(Body):
    """What a ``trade`` says."""

    market_ticker: str
    trade_id: str | None = None
    price: Number = None
    count: Number = None
    taker_side: str | None = None
    ts_ms: Int64 | None = None


class PerpsTrade(ChannelMessage, tag="trade"):
    """A trade between two people: ``price_e4`` in $0.0001, ``count_e2`` in 0.01 contract."""

    msg: PerpsTradeBody

    market_ticker = Plain[str]()
    trade_id = Plain[str | None]()
    taker_book_side = Plain[str | None]("taker_side")
    ts_ms = Plain[int | None]()
    price_e4 = needed(text_dollars("price"))
    count_e2 = needed(text_contracts("count"))


class PerpsFillBody(Body):
    """What a ``fill`` says."""

    order_id: str
    market_ticker: str
    side: BookSide
    trade_id: str | None = None
    client_order_id: str | None = None
    is_taker: bool | None = None
    price: Number = None
    count: Number = None
    fee_cost: Number = None
    post_position: Number = None
    order_source: str | None = None
    subaccount: Int64 | None = None
    ts_ms: Int64 | None = None


class PerpsFill(ChannelMessage, tag="fill"):
    """One of the account's orders traded. Takes no sequence number.

    Attributes:
        book_side: ``"bid"`` (bought) or ``"ask"`` (sold).
        price_e4: in $0.0001; count_e2: in 0.01 contract; fee_cost_e6: in $0.000001, or None.
        post_position_e2: the position afterwards, below 0 when short, in 0.01 contract, or None.
    """

    msg: PerpsFillBody

    market_ticker = Plain[str]()
    order_id = Plain[str]()
    book_side = Plain[BookSide]("side")
    trade_id = Plain[str | None]()
    client_order_id = Plain[str | None]()
    is_taker = Plain[bool | None]()
    order_source = Plain[str | None]()
    subaccount = Plain[int | None]()
    ts_ms = Plain[int | None]()
    price_e4 = needed(text_dollars("price"))
    count_e2 = needed(text_contracts("count"))
    fee_cost_e6 = optional(money("fee_cost"))
    post_position_e2 = optional(text_contracts("post_position"))


class PerpsUserOrderBody(Body):
    """What a ``user_order`` says. It has no status and no initial count."""

    order_id: str
    ticker: str
    side: BookSide
    user_id: str | None = None
    client_order_id: str | None = None
    price: Number = None
    fill_count: Number = None
    remaining_count: Number = None
    self_trade_prevention_type: str | None = None
    order_group_id: str | None = None
    expiration_ts_ms: Int64 | None = None
    created_ts_ms: Int64 | None = None
    last_updated_ts_ms: Int64 | None = None
    last_update_reason: str | None = None
    subaccount_number: Int64 | None = None
    order_source: str | None = None


class PerpsUserOrder(ChannelMessage, tag="user_order"):
    """How one of the account's orders stands now. Takes no sequence number.

    Attributes:
        book_side: ``"bid"`` or ``"ask"``.
        price_e4: in $0.0001; remaining_e2, fill_count_e2: in 0.01 contract, the last or None.
    """

    msg: PerpsUserOrderBody

    market_ticker = Plain[str]("ticker")
    order_id = Plain[str]()
    book_side = Plain[BookSide]("side")
    client_order_id = Plain[str | None]()
    order_group_id = Plain[str | None]()
    order_source = Plain[str | None]()
    subaccount = Plain[int | None]("subaccount_number")
    created_ts_ms = Plain[int | None]()
    last_updated_ts_ms = Plain[int | None]()
    expiration_ts_ms = Plain[int | None]()
    last_update_reason = Plain[str | None]()
    price_e4 = needed(text_dollars("price"))
    remaining_e2 = needed(text_contracts("remaining_count"))
    fill_count_e2 = optional(text_contracts("fill_count"))


class SplitTerms(Body):
    """``ratio_new`` shares for ``ratio_old``. Ratios and marks are exact: Decimals and price_e4, or None."""

    ratio_old: Number = None
    ratio_new: Number = None
    pre_split_mark_price: Number = None
    post_split_mark_price: Number = None

    old_shares = optional(decimal("ratio_old"))
    new_shares = optional(decimal("ratio_new"))
    pre_split_mark_e4 = optional(text_dollars("pre_split_mark_price"))
    post_split_mark_e4 = optional(text_dollars("post_split_mark_price"))


class FinalSettlementTerms(Body):
    """``settlement_price_e4`` for each contract, in $0.0001, or None."""

    settlement_price_per_contract: Number = None

    settlement_price_e4 = optional(text_dollars("settlement_price_per_contract"))


class TickerChangeTerms(Body):
    """The market's ticker before and after."""

    old_ticker: str
    new_ticker: str


class CorporateActionTerms(Body):
    """What was done: one of the three terms stands beside the ``type``."""

    market_ticker: str
    type: str
    id: str | None = None
    market_id: str | None = None
    ts_ms: Int64 | None = None
    split: SplitTerms | None = None
    final_settlement: FinalSettlementTerms | None = None
    ticker_change: TickerChangeTerms | None = None


class CorporateActionBody(Body):
    """Holds the one action."""

    corporate_action: CorporateActionTerms


class CorporateAction(ChannelMessage, tag="corporate_actions_delta"):
    """A split, a final settlement or a change of ticker was applied to a perpetual."""

    msg: CorporateActionBody

    @property
    def terms(self) -> CorporateActionTerms:
        """What was done."""
        return self.msg.corporate_action

    @property
    def market_ticker(self) -> str:
        """The market; after a change of ticker, by its new name."""
        return self.terms.market_ticker

    @property
    def action_type(self) -> str:
        """stock_split, final_settlement, ticker_change, or what the exchange adds."""
        return self.terms.type
