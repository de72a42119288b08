"""What concerns the account alone: ``fill``, ``user_order``, ``market_position``, ``order_group_updates``.

Source: the exchange's AsyncAPI text, read 2026-10-26; older shapes were observed in recordings of 2025 and 2026.
"""

from .channel import Body, ChannelMessage, Int64, Number
from .exact import (
    Direction,
    Plain,
    centicents,
    cents,
    contracts,
    count,
    dollars,
    money,
    needed,
    optional,
    other_cents,
    other_dollars,
)


class FillBody(Body):
    """What a ``fill`` says. ``side``, ``action`` and ``purchased_side`` are the older words for the direction."""

    order_id: str
    market_ticker: str
    trade_id: str | None = None
    client_order_id: str | None = None
    exchange_index: Int64 | None = None
    is_taker: bool | None = None
    yes_price_dollars: Number = None
    count_fp: Number = None
    fee_cost: Number = None
    post_position_fp: Number = None
    outcome_side: Number = None
    book_side: Number = None
    side: Number = None
    action: Number = None
    purchased_side: str | None = None
    ts: Int64 | None = None
    ts_ms: Int64 | None = None
    subaccount: Int64 | None = None
    # Until spring 2026.
    yes_price: Number = None
    no_price_dollars: Number = None
    no_price: Number = None
    count: Number = None
    post_position: Number = None


class Fill(ChannelMessage, tag="fill"):
    """One of the account's orders traded. Takes no sequence number.

    Attributes:
        outcome_side: ``"yes"`` or ``"no"``: for which outcome the fill is.
        yes_price_e4: the YES price, whatever the side, in $0.0001.
        count_e2: in 0.01 contract.
        fee_cost_e6: in $0.000001, or None.
        post_position_e2: the position afterwards, below 0 for NO, in 0.01 contract, or None.
    """

    msg: FillBody

    market_ticker = Plain[str]()
    order_id = Plain[str]()
    trade_id = Plain[str | None]()
    client_order_id = Plain[str | None]()
    is_taker = Plain[bool | None]()
    subaccount = Plain[int | None]()
    ts_ms = Plain[int | None]()
    outcome_side = Direction()
    yes_price_e4 = needed(
        dollars("yes_price_dollars"), cents("yes_price"), other_dollars("no_price_dollars"), other_cents("no_price")
    )
    count_e2 = needed(contracts("count_fp"), count("count"))
    fee_cost_e6 = optional(money("fee_cost"))
    post_position_e2 = optional(contracts("post_position_fp"), count("post_position"))


class UserOrderBody(Body):
    """What a ``user_order`` says."""

    order_id: str
    ticker: str
    status: str
    user_id: str | None = None
    exchange_index: Int64 | None = None
    outcome_side: Number = None
    book_side: Number = None
    side: Number = None
    action: Number = None
    is_yes: bool | None = None
    yes_price_dollars: Number = None
    fill_count_fp: Number = None
    remaining_count_fp: Number = None
    initial_count_fp: Number = None
    taker_fill_cost_dollars: Number = None
    maker_fill_cost_dollars: Number = None
    taker_fees_dollars: Number = None
    maker_fees_dollars: Number = None
    client_order_id: str | None = None
    order_group_id: str | None = None
    self_trade_prevention_type: str | None = None
    created_time: str | None = None
    last_update_time: str | None = None
    expiration_time: str | None = None
    created_ts_ms: Int64 | None = None
    last_updated_ts_ms: Int64 | None = None
    expiration_ts_ms: Int64 | None = None
    last_update_reason: str | None = None
    subaccount_number: Int64 | None = None


class UserOrder(ChannelMessage, tag="user_order"):
    """How one of the account's orders stands now. Takes no sequence number.

    Attributes:
        status: resting, canceled, executed, unknown, or what the exchange adds.
        outcome_side: ``"yes"`` or ``"no"``: for which outcome the order is.
        yes_price_e4: the YES price, whatever the side, in $0.0001.
        remaining_e2, fill_count_e2, initial_e2: in 0.01 contract; the last two may be None.
        taker_fill_cost_e6, maker_fill_cost_e6, taker_fees_e6, maker_fees_e6: in $0.000001, or None.
    """

    msg: UserOrderBody

    market_ticker = Plain[str]("ticker")
    order_id = Plain[str]()
    status = Plain[str]()
    client_order_id = Plain[str | None]()
    order_group_id = Plain[str | None]()
    subaccount = Plain[int | None]("subaccount_number")
    created_ts_ms = Plain[int | None]()
    last_updated_ts_ms = Plain[int | None]()
    expiration_ts_ms = Plain[int | None]()
    last_update_reason = Plain[str | None]()
    outcome_side = Direction()
    yes_price_e4 = needed(dollars("yes_price_dollars"))
    remaining_e2 = needed(contracts("remaining_count_fp"))
    fill_count_e2 = optional(contracts("fill_count_fp"))
    initial_e2 = optional(contracts("initial_count_fp"))
    taker_fill_cost_e6 = optional(money("taker_fill_cost_dollars"))
    maker_fill_cost_e6 = optional(money("maker_fill_cost_dollars"))
    taker_fees_e6 = optional(money("taker_fees_dollars"))
    maker_fees_e6 = optional(money("maker_fees_dollars"))


class MarketPositionBody(Body):
    """What a ``market_position`` says. Until April 2026 counts were whole contracts and money whole units of $0.0001."""

    market_ticker: str
    user_id: str | None = None
    position_fp: Number = None
    position_cost_dollars: Number = None
    realized_pnl_dollars: Number = None
    fees_paid_dollars: Number = None
    position_fee_cost_dollars: Number = None
    volume_fp: Number = None
    subaccount: Int64 | None = None
    # Until April 2026.
    position: Number = None
    position_cost: Number = None
    realized_pnl: Number = None
    fees_paid: Number = None
    position_fee_cost: Number = None
    volume: Number = None


class MarketPosition(ChannelMessage, tag="market_position"):
    """What the account holds of one market. Takes no sequence number.

    Attributes:
        position_e2: below 0 for NO, in 0.01 contract.
        position_cost_e6, realized_pnl_e6, fees_paid_e6, position_fee_cost_e6: in $0.000001, or None.
        volume_e2: in 0.01 contract, or None.
    """

    msg: MarketPositionBody

    market_ticker = Plain[str]()
    subaccount = Plain[int | None]()
    position_e2 = needed(contracts("position_fp"), count("position"))
    position_cost_e6 = optional(money("position_cost_dollars"), centicents("position_cost"))
    realized_pnl_e6 = optional(money("realized_pnl_dollars"), centicents("realized_pnl"))
    fees_paid_e6 = optional(money("fees_paid_dollars"), centicents("fees_paid"))
    position_fee_cost_e6 = optional(money("position_fee_cost_dollars"), centicents("position_fee_cost"))
    volume_e2 = optional(contracts("volume_fp"), count("volume"))


class OrderGroupUpdateBody(Body):
    """What an ``order_group_updates`` says."""

    event_type: str
    order_group_id: str
    contracts_limit_fp: Number = None
    ts_ms: Int64 | None = None


class OrderGroupUpdate(ChannelMessage, tag="order_group_updates"):
    """A group of the account's orders was created, triggered, reset, deleted, or has another limit.

    Attributes:
        event_type: created, triggered, reset, deleted, limit_updated, or what the exchange adds.
        contracts_limit_e2: the new limit in 0.01 contract, or None.
    """

    msg: OrderGroupUpdateBody

    event_type = Plain[str]()
    order_group_id = Plain[str]()
    ts_ms = Plain[int | None]()
    contracts_limit_e2 = optional(contracts("contracts_limit_fp"))
