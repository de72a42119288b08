"""What the channels beside the order book say of a happening: the `msg` of each message, in the shape of its era.

Sources: AsyncAPI text, read 2026-10-26. Until 2026-03-12 prices stood in cents and counts in whole contracts too, and money
of positions in units of $0.0001 (observed, recordings of 2025 and 2026).
"""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any, Final

from ..units import flip_e4, money_text, price_text, size_text
from .happenings import Filled, Lived, OrderChanged, PositionChanged, Quoted, Traded
from .wire import WHOLE_ERAS, Era, Side, whole

Msg = dict[str, Any]

_BOOK_SIDES: Final = {"yes": "bid", "no": "ask"}
_USERS: Final = uuid.UUID("b5b5ab8a-7f0e-5d3c-9a43-6b616c736869")


def user_id(account: str) -> str:
    """Give the id by which an account is told: a UUID, always the same."""
    return str(uuid.uuid5(_USERS, account))


def ticker(happening: Quoted, era: Era) -> Msg:
    """Tell the last trade and the top of a market. Nobody there is a price of $0 (bid) or $1 (ask), no trade yet $0."""
    last, bid, ask = happening.last_price_e4 or 0, happening.yes_bid_e4 or 0, happening.yes_ask_e4 or flip_e4(0)
    at_ms = happening.at_ns // 1_000_000
    msg: Msg = {
        "market_id": happening.market_id, "market_ticker": happening.market_ticker, "price_dollars": price_text(last),
        "yes_bid_dollars": price_text(bid), "yes_ask_dollars": price_text(ask),
    }  # fmt: skip
    if era in WHOLE_ERAS:
        msg |= {"price": whole(last), "yes_bid": whole(bid), "yes_ask": whole(ask), "volume": whole(happening.volume_e2)}
        msg |= {"open_interest": whole(happening.open_interest_e2), "dollar_volume": happening.dollar_volume}
        return msg | {"dollar_open_interest": happening.dollar_open_interest, "ts": at_ms // 1_000, "Clock": at_ms}
    return msg | {
        "volume_fp": size_text(happening.volume_e2), "open_interest_fp": size_text(happening.open_interest_e2),
        "dollar_volume": happening.dollar_volume, "dollar_open_interest": happening.dollar_open_interest,
        "yes_bid_size_fp": size_text(happening.yes_bid_size_e2), "yes_ask_size_fp": size_text(happening.yes_ask_size_e2),
        "last_trade_size_fp": size_text(happening.last_size_e2), "ts": at_ms // 1_000, "ts_ms": at_ms, "time": _time(at_ms),
    }  # fmt: skip


def trade(happening: Traded, era: Era) -> Msg:
    """Tell that two orders met."""
    yes_e4, side = happening.yes_price_e4, happening.taker_outcome_side
    no_e4 = flip_e4(yes_e4)
    msg: Msg = {"trade_id": happening.trade_id, "market_ticker": happening.market_ticker}
    if era in WHOLE_ERAS:
        msg |= {"yes_price": whole(yes_e4), "no_price": whole(no_e4), "count": whole(happening.size_e2)}
        return msg | {"taker_side": side, "ts": happening.at_ns // 1_000_000_000}
    msg |= {"yes_price_dollars": price_text(yes_e4), "no_price_dollars": price_text(no_e4)}
    msg |= {"count_fp": size_text(happening.size_e2), "taker_side": side, "taker_outcome_side": side}
    return msg | {"taker_book_side": _BOOK_SIDES[side], "is_block_trade": False, **_times(happening.at_ns)}


def fill(happening: Filled, era: Era) -> Msg:
    """Tell that an own order met another. Who bids for NO buys it: the older words for the direction say so."""
    side, yes_e4 = happening.outcome_side, _yes_e4(happening.outcome_side, happening.price_e4)
    msg: Msg = {
        "trade_id": happening.trade_id, "order_id": happening.order_id, "market_ticker": happening.market_ticker,
        "is_taker": happening.is_taker, "side": side, "action": "buy", "purchased_side": side,
    }  # fmt: skip
    if happening.mark.client_order_id:
        msg["client_order_id"] = happening.mark.client_order_id
    if era in WHOLE_ERAS:
        msg |= {"yes_price": whole(yes_e4), "no_price": whole(flip_e4(yes_e4)), "count": whole(happening.size_e2)}
        return msg | {"post_position": whole(happening.post_position_e2), "ts": happening.at_ns // 1_000_000_000}
    if era == "current":
        msg["exchange_index"] = 0
    if happening.mark.subaccount:
        msg["subaccount"] = happening.mark.subaccount
    return msg | {
        "yes_price_dollars": price_text(yes_e4), "count_fp": size_text(happening.size_e2),
        "fee_cost": money_text(happening.fee_e6), "post_position_fp": size_text(happening.post_position_e2),
        "outcome_side": side, "book_side": _BOOK_SIDES[side], **_times(happening.at_ns),
    }  # fmt: skip


def user_order(happening: OrderChanged) -> Msg:
    """Tell how an own order stands now."""
    side, created_ms = happening.outcome_side, happening.created_ns // 1_000_000
    msg: Msg = {
        "order_id": happening.order_id, "user_id": user_id(happening.account), "ticker": happening.market_ticker,
        "exchange_index": 0, "status": happening.status, "side": side, "is_yes": side == "yes", "outcome_side": side,
        "book_side": _BOOK_SIDES[side], "yes_price_dollars": price_text(_yes_e4(side, happening.price_e4)),
        "fill_count_fp": size_text(happening.filled_e2), "remaining_count_fp": size_text(happening.remaining_e2),
        "initial_count_fp": size_text(happening.initial_e2),
        "taker_fill_cost_dollars": money_text(happening.taker_cost_e6),
        "maker_fill_cost_dollars": money_text(happening.maker_cost_e6),
        "taker_fees_dollars": money_text(happening.taker_fees_e6),
        "maker_fees_dollars": money_text(happening.maker_fees_e6), "client_order_id": happening.mark.client_order_id,
        "created_time": _time(created_ms), "created_ts_ms": created_ms, "subaccount_number": happening.mark.subaccount,
    }  # fmt: skip
    if happening.at_ns != happening.created_ns:
        at_ms = happening.at_ns // 1_000_000
        msg |= {"last_update_time": _time(at_ms), "last_updated_ts_ms": at_ms}
    if happening.reason:
        msg["last_update_reason"] = happening.reason
    if happening.expires_ns is not None:
        expires_ms = happening.expires_ns // 1_000_000
        msg |= {"expiration_time": _time(expires_ms), "expiration_ts_ms": expires_ms}
    return msg


def market_position(happening: PositionChanged, era: Era) -> Msg:
    """Tell what an account holds of a market. Fees are told as the fees of the position too: no more is known here."""
    msg: Msg = {"user_id": user_id(happening.account), "market_ticker": happening.market_ticker}
    if era in WHOLE_ERAS:
        fees = _centicents(happening.fees_e6)
        msg |= {"position": whole(happening.position_e2), "position_cost": _centicents(happening.cost_e6), "fees_paid": fees}
        msg |= {"realized_pnl": _centicents(happening.realized_pnl_e6), "position_fee_cost": fees}
        return msg | {"volume": whole(happening.volume_e2)}
    if happening.subaccount:
        msg["subaccount"] = happening.subaccount
    return msg | {
        "position_fp": size_text(happening.position_e2), "position_cost_dollars": money_text(happening.cost_e6),
        "realized_pnl_dollars": money_text(happening.realized_pnl_e6),
        "fees_paid_dollars": money_text(happening.fees_e6),
        "position_fee_cost_dollars": money_text(happening.fees_e6), "volume_fp": size_text(happening.volume_e2),
    }  # fmt: skip


def market_lifecycle(happening: Lived) -> Msg:
    """Tell what became of a market."""
    return {"market_ticker": happening.market_ticker, "event_type": happening.event_type, **happening.fields}


def _yes_e4(side: Side, price_e4: int) -> int:
    return price_e4 if side == "yes" else flip_e4(price_e4)


def _centicents(money_e6: int) -> int:
    return money_e6 // 100 if money_e6 >= 0 else -(-money_e6 // 100)


def _times(at_ns: int) -> Msg:
    return {"ts": at_ns // 1_000_000_000, "ts_ms": at_ns // 1_000_000}


def _time(at_ms: int) -> str:
    """Write a time as RFC 3339, truncated to milliseconds."""
    second, ms = divmod(at_ms, 1_000)
    return f"{datetime.fromtimestamp(second, timezone.utc).isoformat()[:19]}.{ms:03d}Z"
