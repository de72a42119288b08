"""What happens on the simulated exchange, as values: the venue publishes them, each session writes its frames from them.

A happening is published at the moment when it is true: the change of a level right after that one level changed, whatever
else the same action will still do. So the books that `Venue` shows while it publishes are those that a reader of the frame
must hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from .wire import Side

Cause = Literal["placement", "cancel", "decrease", "amend", "expiry", "maker_fill"]
"""Why a resting level changed. A taker changes only the levels of the orders that it meets: "maker_fill"."""

OrderStatus = Literal["resting", "canceled", "executed"]
EventType = Literal[
    "created", "activated", "deactivated", "close_date_updated", "determined", "settled",
    "price_level_structure_updated", "metadata_updated",
]  # fmt: skip


class Happening(Struct, frozen=True, kw_only=True):
    """Something that happened.

    Attributes:
        at_ns: when, by the exchange's clock: unix nanoseconds.
    """

    at_ns: int


class OrderMark(Struct, frozen=True):
    """How an own order is told in the frames of its owner.

    Attributes:
        client_order_id: as its owner gave it; may be empty.
        subaccount: 0 is the main one.
    """

    client_order_id: str
    subaccount: int = 0


class LevelChanged(Happening, frozen=True, kw_only=True):
    """The resting total at one price changed.

    Attributes:
        market_ticker: of the market.
        market_id: of the market.
        clock: the market's clock after it. All changes of one action share it.
        outcome_side: whose bids.
        price_e4: on that outcome's own scale.
        delta_e2: signed, not 0.
        cause: why.
        maker: the account that owns the resting order; None: somebody of the crowd.
        maker_order: the client_order_id of that order and its subaccount, where an account owns it.
        taker: the account whose order met the resting one, where one did.
        taker_order: the same of the taker's order.
    """

    market_ticker: str
    market_id: str
    clock: int
    outcome_side: Side
    price_e4: int
    delta_e2: int
    cause: Cause
    maker: str | None = None
    maker_order: OrderMark | None = None
    taker: str | None = None
    taker_order: OrderMark | None = None


class BookCleared(Happening, frozen=True, kw_only=True):
    """A market closed and its book is empty: who holds it gets an empty snapshot.

    Attributes:
        market_ticker: of the market.
        clock: the market's clock after it.
    """

    market_ticker: str
    clock: int


class Traded(Happening, frozen=True, kw_only=True):
    """Two orders met.

    Attributes:
        market_ticker: of the market.
        trade_id: unique.
        yes_price_e4: the resting order's price, on the YES scale.
        size_e2: contracts, more than 0.
        taker_outcome_side: what the one who came later bought.
    """

    market_ticker: str
    trade_id: str
    yes_price_e4: int
    size_e2: int
    taker_outcome_side: Side


class Quoted(Happening, frozen=True, kw_only=True):
    """The best prices, the last trade, the volume or the open interest of a market changed: what `ticker` tells.

    Attributes:
        market_ticker: of the market.
        market_id: of the market.
        last_price_e4: of the last trade, YES scale; None: none yet.
        yes_bid_e4: best YES bid, None: nobody.
        yes_ask_e4: best YES ask, None: nobody.
        yes_bid_size_e2: contracts there, 0: nobody.
        yes_ask_size_e2: contracts there, 0: nobody.
        last_size_e2: contracts of the last trade, 0: none yet.
        volume_e2: contracts traded so far.
        open_interest_e2: contracts held by pairs of buyers.
        dollar_volume: volume at the prices paid for YES, whole dollars.
        dollar_open_interest: open interest in whole dollars: $1 a contract.
    """

    market_ticker: str
    market_id: str
    last_price_e4: int | None
    yes_bid_e4: int | None
    yes_ask_e4: int | None
    yes_bid_size_e2: int
    yes_ask_size_e2: int
    last_size_e2: int
    volume_e2: int
    open_interest_e2: int
    dollar_volume: int
    dollar_open_interest: int


class Filled(Happening, frozen=True, kw_only=True):
    """An account's order met another.

    Attributes:
        account: whose.
        trade_id: of the trade.
        order_id: of the order.
        market_ticker: of the market.
        is_taker: whether its order came later.
        outcome_side: what it bought.
        price_e4: what it paid, on that outcome's scale.
        size_e2: contracts.
        fee_e6: what the exchange took, in $0.000001.
        post_position_e2: the position after it, YES positive.
        mark: the order's client_order_id and subaccount.
    """

    account: str
    trade_id: str
    order_id: str
    market_ticker: str
    is_taker: bool
    outcome_side: Side
    price_e4: int
    size_e2: int
    fee_e6: int
    post_position_e2: int
    mark: OrderMark


class OrderChanged(Happening, frozen=True, kw_only=True):
    """An account's order was placed, filled, changed or ended.

    Attributes:
        account: whose.
        order_id: unique.
        market_ticker: of the market.
        outcome_side: what it buys.
        price_e4: its limit, on that outcome's scale.
        status: of the order now.
        initial_e2: contracts it began with.
        remaining_e2: contracts that rest; 0 when it ended.
        filled_e2: contracts bought so far.
        taker_cost_e6: paid for what it took, in $0.000001.
        maker_cost_e6: paid for what it made.
        taker_fees_e6: fees of what it took.
        maker_fees_e6: fees of what it made.
        mark: its client_order_id and subaccount.
        created_ns: when it was placed.
        expires_ns: when it ends by itself; None: never.
        reason: the last change as `last_update_reason` has it: Trade, Decrease, Amend, SelfTradeCancel, ExpiryCancel,
            CloseCancel; "" where the wire has no word: placed, or cancelled by its owner.
    """

    account: str
    order_id: str
    market_ticker: str
    outcome_side: Side
    price_e4: int
    status: OrderStatus
    initial_e2: int
    remaining_e2: int
    filled_e2: int
    taker_cost_e6: int
    maker_cost_e6: int
    taker_fees_e6: int
    maker_fees_e6: int
    mark: OrderMark
    created_ns: int
    expires_ns: int | None
    reason: str


class PositionChanged(Happening, frozen=True, kw_only=True):
    """An account's position in a market changed.

    Attributes:
        account: whose.
        market_ticker: of the market.
        position_e2: contracts, YES positive, NO negative.
        cost_e6: what the position cost, in $0.000001.
        realized_pnl_e6: won or lost so far.
        fees_e6: fees paid so far.
        volume_e2: contracts bought so far, of either outcome.
        subaccount: 0 is the main one.
    """

    account: str
    market_ticker: str
    position_e2: int
    cost_e6: int
    realized_pnl_e6: int
    fees_e6: int
    volume_e2: int
    subaccount: int = 0


class Lived(Happening, frozen=True, kw_only=True):
    """A market's life went on: what `market_lifecycle_v2` tells.

    Attributes:
        market_ticker: of the market.
        event_type: what happened to it.
        fields: what else the message carries, as on the wire.
    """

    market_ticker: str
    event_type: EventType
    fields: Mapping[str, Any]
