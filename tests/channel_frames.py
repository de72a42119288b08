"""One message of our own making for each type and era of the channels beside the order book, and what it means.

A ``Case`` has the ``msg`` of the frame, the class that it becomes, its readings, the kind of its update, and what it is
useless without: ``needed`` names fields of ``msg``.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from frames import ABSENT, A, frame

UNSEQUENCED = {"ticker", "ticker_v2", "fill", "user_order", "market_position"}


@dataclass
class Case:
    """A frame and what it means."""

    type: str
    becomes: str
    msg: dict
    readings: dict
    kind: str = ""
    needed: tuple = ()
    top: dict = field(default_factory=dict)
    era: str = "current"
    venue: str = "events"

    def frame(self, **changes):
        """Write the frame, with other fields in ``msg`` (ABSENT takes one away)."""
        seq = {} if self.type in UNSEQUENCED else {"seq": 5}
        msg = {name: value for name, value in {**self.msg, **changes}.items() if value is not ABSENT}
        return frame(self.type, sid=3, **seq, msg=msg, top={"sending_ts_ms": 1793000000123, **self.top})

    def __str__(self):
        return f"{self.venue}-{self.type}-{self.era}"


TICKER = {
    "market_ticker": A, "market_id": "m-1", "price_dollars": "0.4200", "yes_bid_dollars": "0.4100",
    "yes_ask_dollars": "0.4350", "volume_fp": "1200.50", "open_interest_fp": "800.00", "dollar_volume": 600,
    "dollar_open_interest": 400, "yes_bid_size_fp": "120.00", "yes_ask_size_fp": "7.55", "last_trade_size_fp": "3.00",
    "ts": 1793000000, "ts_ms": 1793000000456, "time": "2026-10-26T01:46:40.456Z",
}  # fmt: skip
TICKER_READINGS = {
    "market_ticker": A, "last_price_e4": 4200, "yes_bid_e4": 4100, "yes_ask_e4": 4350, "yes_bid_size_e2": 12000,
    "yes_ask_size_e2": 755, "last_trade_size_e2": 300, "volume_e2": 120050, "open_interest_e2": 80000,
    "ts_ms": 1793000000456,
}  # fmt: skip
NOTHING = dict.fromkeys(TICKER_READINGS)
TRADE = {
    "trade_id": "t-1", "market_ticker": A, "yes_price_dollars": "0.4200", "no_price_dollars": "0.5800",
    "count_fp": "3.25", "taker_side": "no", "taker_outcome_side": "no", "taker_book_side": "ask",
    "is_block_trade": False, "ts": 1793000000, "ts_ms": 1793000000456,
}  # fmt: skip
TRADE_READINGS = {
    "market_ticker": A, "trade_id": "t-1", "yes_price_e4": 4200, "no_price_e4": 5800, "count_e2": 325,
    "taker_outcome_side": "no", "taker_book_side": "ask", "is_block_trade": False, "ts_ms": 1793000000456,
}  # fmt: skip
FILL = {
    "trade_id": "t-1", "order_id": "o-1", "client_order_id": "mm-17", "market_ticker": A, "exchange_index": 2,
    "is_taker": True, "side": "yes", "ts": 1793000000, "ts_ms": 1793000000456, "yes_price_dollars": "0.4200",
    "count_fp": "5.52", "fee_cost": "0.054600", "action": "sell", "post_position_fp": "-5.52",
    "purchased_side": "no", "outcome_side": "no", "book_side": "ask", "subaccount": 3,
}  # fmt: skip
FILL_READINGS = {
    "market_ticker": A, "order_id": "o-1", "trade_id": "t-1", "outcome_side": "no", "yes_price_e4": 4200,
    "count_e2": 552, "fee_cost_e6": 54600, "post_position_e2": -552, "is_taker": True, "client_order_id": "mm-17",
    "subaccount": 3, "ts_ms": 1793000000456,
}  # fmt: skip
USER_ORDER = {
    "order_id": "o-1", "user_id": "u-1", "client_order_id": "mm-17", "ticker": A, "exchange_index": 2,
    "status": "resting", "side": "yes", "is_yes": True, "outcome_side": "yes", "book_side": "bid",
    "yes_price_dollars": "0.4200", "fill_count_fp": "1.50", "remaining_count_fp": "8.50", "initial_count_fp": "10.00",
    "taker_fill_cost_dollars": "0.000000", "maker_fill_cost_dollars": "0.630000", "taker_fees_dollars": "0.000000",
    "maker_fees_dollars": "0.001234", "order_group_id": "g-1", "self_trade_prevention_type": "maker",
    "created_time": "2026-10-26T01:46:40Z", "created_ts_ms": 1793000000000, "last_update_time": "2026-10-26T01:46:41Z",
    "last_updated_ts_ms": 1793000001000, "expiration_time": "2026-10-27T00:00:00Z", "expiration_ts_ms": 1793059200000,
    "last_update_reason": "Trade", "subaccount_number": 3,
}  # fmt: skip
USER_ORDER_READINGS = {
    "market_ticker": A, "order_id": "o-1", "status": "resting", "outcome_side": "yes", "yes_price_e4": 4200,
    "initial_e2": 1000, "fill_count_e2": 150, "remaining_e2": 850, "client_order_id": "mm-17", "subaccount": 3,
    "created_ts_ms": 1793000000000, "last_updated_ts_ms": 1793000001000, "expiration_ts_ms": 1793059200000,
    "order_group_id": "g-1", "last_update_reason": "Trade", "taker_fill_cost_e6": 0, "maker_fill_cost_e6": 630000,
    "taker_fees_e6": 0, "maker_fees_e6": 1234,
}  # fmt: skip
POSITION = {
    "user_id": "u-1", "market_ticker": A, "position_fp": "-12.50", "position_cost_dollars": "7.250000",
    "realized_pnl_dollars": "-1.000001", "fees_paid_dollars": "0.070000", "position_fee_cost_dollars": "0.010000",
    "volume_fp": "30.00", "subaccount": 3,
}  # fmt: skip
POSITION_READINGS = {
    "market_ticker": A, "position_e2": -1250, "position_cost_e6": 7250000, "realized_pnl_e6": -1000001,
    "fees_paid_e6": 70000, "position_fee_cost_e6": 10000, "volume_e2": 3000, "subaccount": 3,
}  # fmt: skip
CREATED = {
    "market_ticker": A, "event_type": "created", "exchange_index": 2, "open_ts": 1793000000, "close_ts": 1793009000,
    "price_level_structure": "tapered_deci_cent",
    "price_ranges": [{"start": "0.0000", "end": "0.1000", "step": "0.0010"},
                     {"start": "0.1000", "end": "0.9000", "step": "0.0100"}],
    "additional_metadata": {
        "name": "A", "title": "Will A?", "yes_sub_title": "A", "no_sub_title": "not A", "rules_primary": "If A.",
        "rules_secondary": "", "can_close_early": True, "event_ticker": "KXDEMO-26", "expected_expiration_ts": 1793010000,
        "strike_type": "between", "floor_strike": 0.1, "cap_strike": 1e2, "custom_strike": {"x": "y"},
    },
}  # fmt: skip
LIFECYCLE_READINGS = {
    "market_ticker": A, "event_type": "created", "is_deactivated": None, "open_ts": 1793000000, "close_ts": 1793009000,
    "determination_ts": None, "settled_ts": None, "result": None, "settlement_value_e4": None,
    "price_level_structure": "tapered_deci_cent",
}  # fmt: skip
SETTLED = {
    "market_ticker": A, "event_type": "settled", "settled_ts": 1793009500, "determination_ts": 1793009400,
    "result": "yes", "settlement_value": "1.0000", "is_deactivated": False,
}  # fmt: skip
SETTLED_READINGS = {
    "market_ticker": A, "event_type": "settled", "is_deactivated": False, "settled_ts": 1793009500,
    "determination_ts": 1793009400, "result": "yes", "settlement_value_e4": 10000, "price_ranges": None,
}  # fmt: skip
METADATA = {
    "market_ticker": A, "event_type": "metadata_updated", "strike_type": "greater", "floor_strike": 3.10,
    "cap_strike": 12345678901234567890, "custom_strike": {"word": "hi"}, "yes_sub_title": "Above 3.1",
}  # fmt: skip
RFQ = {
    "id": "r-1", "creator_id": "c-1", "market_ticker": A, "event_ticker": "KXDEMO-26", "contracts_fp": "100.00",
    "target_cost_dollars": "35.000001",
}  # fmt: skip
RFQ_READINGS = {"market_ticker": A, "rfq_id": "r-1", "contracts_e2": 10000, "target_cost_e6": 35000001}
LEG = {"market_ticker": A, "event_ticker": "KXDEMO-26", "side": "yes", "yes_settlement_value_dollars": "1.0000"}
QUOTE = {
    "quote_id": "q-1", "rfq_id": "r-1", "quote_creator_id": "c-2", "rfq_creator_id": "c-1", "market_ticker": A,
    "subaccount": 3,
}  # fmt: skip
BIDS = {
    "event_ticker": "KXDEMO-26", "yes_bid_dollars": "0.3500", "no_bid_dollars": "0.0000",
    "yes_contracts_offered_fp": "100.00", "no_contracts_offered_fp": "0.25", "rfq_target_cost_dollars": "0.350000",
}  # fmt: skip
QUOTE_READINGS = {"market_ticker": A, "quote_id": "q-1", "rfq_id": "r-1", "subaccount": 3}
BID_READINGS = {
    "yes_bid_e4": 3500, "no_bid_e4": 0, "yes_contracts_offered_e2": 10000, "no_contracts_offered_e2": 25,
    "rfq_target_cost_e6": 350000,
}  # fmt: skip
CHILD = {"rfq_id": "r-1", "market_ticker": A, **BIDS}
BATCH_QUOTE = {"batch_quote_id": "bq-1", "rfq_batch_id": "b-1", "quote_creator_id": "c-2", "subaccount": 3}
BATCH_QUOTE_READINGS = {"batch_quote_id": "bq-1", "rfq_batch_id": "b-1", "subaccount": 3}
EXECUTED = {
    "rfq_batch_id": "b-1", "rfq_creator_id": "c-1", "executed_rfq_ids": ["r-1"], "failed_rfq_ids": [],
    "executed_ts": "2026-10-26T01:46:40Z", "close_reason": "executed", "subaccount": 3,
}  # fmt: skip
EXECUTED_READINGS = {
    "rfq_batch_id": "b-1", "executed_rfq_ids": ["r-1"], "failed_rfq_ids": [], "close_reason": "executed", "subaccount": 3,
}  # fmt: skip
AVERAGE = {
    "value": "68000.12345678", "window_size": 60, "window_start_ts_ms": 1792999940456,
    "window_end_ts_exclusive": 1793000000456,
}  # fmt: skip

CASES = [
    Case("ticker", "Ticker", TICKER, TICKER_READINGS, "ticker", ("market_ticker",)),
    Case(
        "ticker", "Ticker",
        {"market_ticker": A, "price": 42, "yes_bid": 41, "yes_ask": 44, "volume": 1200, "open_interest": 800, "Clock": 9,
         "price_dollars": "0.4200", "yes_bid_dollars": "0.4100", "yes_ask_dollars": "0.4350", "ts": 1771000000},
        {**NOTHING, "market_ticker": A, "last_price_e4": 4200, "yes_bid_e4": 4100, "yes_ask_e4": 4350,
         "volume_e2": 120000, "open_interest_e2": 80000},
        "ticker", ("market_ticker",), era="2026-02",
    ),
    Case(
        "ticker_v2", "TickerV2", {"market_ticker": A, "price": 42, "yes_bid": 41, "yes_ask": 44},
        {**NOTHING, "market_ticker": A, "last_price_e4": 4200, "yes_bid_e4": 4100, "yes_ask_e4": 4400},
        "ticker", ("market_ticker",), era="2025",
    ),
    Case("trade", "Trade", TRADE, TRADE_READINGS, "trade", ("market_ticker", "count_fp")),
    Case(
        "trade", "Trade",
        {"trade_id": "t-1", "market_ticker": A, "yes_price": 42, "no_price": 58, "count": 3, "taker_side": "yes",
         "ts": 1760000000},
        {"market_ticker": A, "trade_id": "t-1", "yes_price_e4": 4200, "no_price_e4": 5800, "count_e2": 300,
         "taker_outcome_side": "yes", "taker_book_side": "bid", "is_block_trade": None, "ts_ms": None},
        "trade", ("market_ticker", "count"), era="2025",
    ),
    Case("fill", "Fill", FILL, FILL_READINGS, "fill", ("market_ticker", "order_id", "yes_price_dollars", "count_fp")),
    Case(
        "fill", "Fill",
        {name: value for name, value in FILL.items() if name not in ("exchange_index", "client_order_id")},
        {**FILL_READINGS, "client_order_id": None},
        "fill", ("market_ticker", "order_id", "yes_price_dollars", "count_fp"), era="2026-07",
    ),
    Case(
        "fill", "Fill",
        {"trade_id": "t-1", "order_id": "o-1", "market_ticker": A, "is_taker": False, "side": "no", "action": "sell",
         "yes_price": 42, "no_price": 58, "count": 5, "post_position": -5, "purchased_side": "yes", "ts": 1760000000},
        {**dict.fromkeys(FILL_READINGS), "market_ticker": A, "order_id": "o-1", "trade_id": "t-1", "outcome_side": "yes",
         "yes_price_e4": 4200, "count_e2": 500, "post_position_e2": -500, "is_taker": False},
        "fill", ("market_ticker", "order_id", "count", "side", "action"), era="2025",
    ),
    Case(
        "user_order", "UserOrder", USER_ORDER, USER_ORDER_READINGS, "user_order",
        ("order_id", "ticker", "status", "yes_price_dollars", "remaining_count_fp"),
    ),
    Case("market_position", "MarketPosition", POSITION, POSITION_READINGS, "market_position",
         ("market_ticker", "position_fp")),
    Case(
        "market_position", "MarketPosition",
        {"user_id": "u-1", "market_ticker": A, "position": -12, "position_cost": 72500, "realized_pnl": -10000,
         "fees_paid": 700, "position_fee_cost": 100, "volume": 30},
        {**POSITION_READINGS, "position_e2": -1200, "realized_pnl_e6": -1000000, "subaccount": None},
        "market_position", ("market_ticker", "position"), era="2026-03",
    ),
    Case(
        "order_group_updates", "OrderGroupUpdate",
        {"event_type": "limit_updated", "order_group_id": "g-1", "contracts_limit_fp": "150.00", "ts_ms": 1793000000456},
        {"event_type": "limit_updated", "order_group_id": "g-1", "contracts_limit_e2": 15000, "ts_ms": 1793000000456},
        "order_group_update", ("event_type", "order_group_id"),
    ),
    Case("market_lifecycle_v2", "MarketLifecycleV2", CREATED, LIFECYCLE_READINGS, "market_lifecycle",
         ("market_ticker", "event_type"), era="created"),
    Case("market_lifecycle_v2", "MarketLifecycleV2", SETTLED, SETTLED_READINGS, "market_lifecycle",
         ("market_ticker", "event_type"), era="settled"),
    Case(
        "market_lifecycle_v2", "MarketLifecycleV2", METADATA,
        {"event_type": "metadata_updated", "floor_strike": Decimal("3.1"), "cap_strike": Decimal(12345678901234567890)},
        "market_lifecycle", ("market_ticker", "event_type"), era="metadata",
    ),
    Case("multivariate_market_lifecycle", "MultivariateMarketLifecycle", SETTLED, SETTLED_READINGS, "market_lifecycle",
         ("market_ticker", "event_type")),
    Case(
        "market_lifecycle", "MarketLifecycle",
        {"market_ticker": A, "open_ts": 1760000000, "close_ts": 1760009000, "result": "", "is_deactivated": True},
        {"market_ticker": A, "event_type": None, "open_ts": 1760000000, "result": "", "is_deactivated": True},
        "market_lifecycle", ("market_ticker",), era="2025",
    ),
    Case(
        "event_lifecycle", "EventLifecycle",
        {"event_ticker": "KXDEMO-26", "exchange_index": 2, "title": "T", "subtitle": "S", "collateral_return_type": "",
         "series_ticker": "KXDEMO", "strike_date": 1793000000, "strike_period": "hour"},
        {"event_ticker": "KXDEMO-26"}, "event_lifecycle", ("event_ticker",),
    ),
    Case(
        "event_fee_update", "EventFeeUpdate",
        {"event_ticker": "KXDEMO-26", "fee_type_override": "quadratic", "fee_multiplier_override": 0.07},
        {"event_ticker": "KXDEMO-26", "fee_type_override": "quadratic", "fee_multiplier_override": Decimal("0.07")},
        "event_fee_update", ("event_ticker",),
    ),
    Case(
        "event_fee_update", "EventFeeUpdate",
        {"event_ticker": "KXDEMO-26", "fee_type_override": None, "fee_multiplier_override": None},
        {"event_ticker": "KXDEMO-26", "fee_type_override": None, "fee_multiplier_override": None},
        "event_fee_update", ("event_ticker",), era="taken away",
    ),
    Case(
        "rfq_created", "RfqCreated",
        {**RFQ, "created_ts": "2026-10-26T01:46:40Z", "mve_collection_ticker": "KXMVE", "mve_selected_legs": [LEG]},
        RFQ_READINGS, "communication", ("id", "market_ticker"),
    ),
    Case("rfq_deleted", "RfqDeleted", {**RFQ, "deleted_ts": "2026-10-26T01:46:40Z"}, RFQ_READINGS, "communication",
         ("id", "market_ticker")),
    Case("quote_created", "QuoteCreated", {**QUOTE, **BIDS, "created_ts": "2026-10-26T01:46:40Z"},
         {**QUOTE_READINGS, **BID_READINGS}, "communication", ("quote_id", "rfq_id", "market_ticker")),
    Case("quote_accepted", "QuoteAccepted", {**QUOTE, **BIDS, "accepted_side": "yes", "contracts_accepted_fp": "50.00"},
         {**QUOTE_READINGS, **BID_READINGS, "accepted_side": "yes", "contracts_accepted_e2": 5000}, "communication",
         ("quote_id", "rfq_id", "market_ticker")),
    Case("quote_executed", "QuoteExecuted",
         {**QUOTE, "order_id": "o-1", "client_order_id": "mm-17", "executed_ts": "2026-10-26T01:46:40Z",
          "rfq_batch_id": "b-1"},
         {**QUOTE_READINGS, "order_id": "o-1", "client_order_id": "mm-17"}, "communication",
         ("quote_id", "rfq_id", "market_ticker")),
    Case("rfq_batch_created", "RfqBatchCreated",
         {"id": "b-1", "creator_id": "c-1", "created_ts": "2026-10-26T01:46:40Z", "legs": [LEG, LEG],
          "rfqs": [{"id": "r-1", "market_ticker": A, "event_ticker": "KXDEMO-26", "contracts_fp": "5.00",
                    "target_cost_dollars": "5.000000", "mve_collection_ticker": "KXMVE", "leg_indices": [0, 1]}]},
         {"rfq_batch_id": "b-1"}, "communication", ("id",)),
    Case("rfq_batch_deleted", "RfqBatchDeleted",
         {"id": "b-1", "creator_id": "c-1", "rfq_ids": ["r-1"], "deleted_ts": "2026-10-26T01:46:40Z"},
         {"rfq_batch_id": "b-1"}, "communication", ("id",)),
    Case("batch_quote_created", "BatchQuoteCreated",
         {**BATCH_QUOTE, "created_ts": "2026-10-26T01:46:40Z", "quotes": [{**CHILD, "quote_id": "q-1"}]},
         BATCH_QUOTE_READINGS, "communication", ("batch_quote_id", "rfq_batch_id")),
    Case("batch_quote_accepted", "BatchQuoteAccepted",
         {**BATCH_QUOTE, "rfq_creator_id": "c-1", "accepted_side": "no", "accepted_ts": "2026-10-26T01:46:40Z",
          "quotes": [{**CHILD, "quote_id": "q-1", "contracts_accepted_fp": "2.00"}]},
         {**BATCH_QUOTE_READINGS, "accepted_side": "no"}, "communication", ("batch_quote_id", "rfq_batch_id")),
    Case("rfq_batch_best_quotes", "RfqBatchBestQuotes",
         {"rfq_batch_id": "b-1", "client_batch_id": "mine", "version": 7, "updated_ts": "2026-10-26T01:46:40Z",
          "yes_complete": False, "no_complete": True, "rfqs": [{**CHILD, "contracts_fp": "4.00"}], "subaccount": 3},
         {"rfq_batch_id": "b-1", "version": 7, "subaccount": 3}, "communication", ("rfq_batch_id",)),
    Case("rfq_batch_executed", "RfqBatchExecuted", {**EXECUTED, "client_batch_id": "mine"}, EXECUTED_READINGS,
         "communication", ("rfq_batch_id",)),
    Case("batch_quote_executed", "BatchQuoteExecuted", {**EXECUTED, "batch_quote_id": "bq-1"},
         {**EXECUTED_READINGS, "batch_quote_id": "bq-1"}, "communication", ("rfq_batch_id", "batch_quote_id")),
    Case("cfbenchmarks_value", "IndexValue",
         {"index_id": "BRTI", "received_at": 1793000000456, "data": '{"type":"value","value":"68000.12"}',
          "avg_60s_data": AVERAGE, "last_60s_windowed_average_15min": AVERAGE},
         {"index_id": "BRTI", "received_at": 1793000000456, "value_usd": Decimal("68000.12")},
         "index_value", ("index_id",)),
    Case("cfbenchmarks_value_5hz", "FastIndexValue",
         {"index_id": "BRTI", "value_usd": "68000.12000000", "source_ts_ms": 1793000000323,
          "received_at": 1793000000456, "data": "{}"},
         {"index_id": "BRTI", "value_usd": Decimal("68000.12"), "source_ts_ms": 1793000000323,
          "received_at": 1793000000456},
         "index_value", ("index_id",)),
    Case("pyth_value", "UnderlyingValue",
         {"underlying_ticker": "InterestRate.US2Y", "value_usd": "4.25000000", "source_ts_ms": 1793000000323,
          "received_at": 1793000000456},
         {"underlying_ticker": "InterestRate.US2Y", "value_usd": Decimal("4.25"), "source_ts_ms": 1793000000323,
          "received_at": 1793000000456},
         "underlying_value", ("underlying_ticker",)),
    Case("cfbenchmarks_value_indexlist", "IndexList", {"index_ids": ["BRTI"]}, {"index_ids": ["BRTI"], "id": 2}, "listing",
         ("index_ids",), {"id": 2}),
    Case("cfbenchmarks_value_5hz_indexlist", "FastIndexList", {"index_ids": []}, {"index_ids": [], "id": 2}, "listing",
         ("index_ids",), {"id": 2}),
    Case("pyth_value_underlying_list", "UnderlyingList", {"underlying_tickers": ["FX.EUR/USD"]},
         {"underlying_tickers": ["FX.EUR/USD"], "id": 2}, "listing", ("underlying_tickers",), {"id": 2}),
]  # fmt: skip

MARK = {"price": "6.4150", "ts_ms": 1793000000000}
PERPS_CASES = [
    Case(
        "ticker", "PerpsTicker",
        {"market_ticker": A, "price": "6.4200", "bid": "6.4100", "ask": "6.4300", "bid_size_fp": "120.00",
         "ask_size_fp": "40.00", "last_trade_size_fp": "3.00", "volume": "900.25",
         "volume_notional_value_dollars": "5783.123456789", "volume_24h": "90.00",
         "volume_24h_notional_value_dollars": "578.1", "open_interest": "12.00",
         "open_interest_notional_value_dollars": "77.04", "reference_price": MARK, "settlement_mark_price": MARK,
         "liquidation_mark_price": MARK,
         "funding_rate": {"rate": -0.0001, "next_funding_time_ms": 1793003600000, "ts_ms": 1793000000000},
         "ts_ms": 1793000000456},
        {"market_ticker": A, "last_price_e4": 64200, "bid_e4": 64100, "ask_e4": 64300, "bid_size_e2": 12000,
         "ask_size_e2": 4000, "last_trade_size_e2": 300, "volume_e2": 90025, "volume_24h_e2": 9000,
         "open_interest_e2": 1200, "volume_notional": Decimal("5783.123456789"), "volume_24h_notional": Decimal("578.1"),
         "open_interest_notional": Decimal("77.04"), "ts_ms": 1793000000456},
        needed=("market_ticker",), venue="perps",
    ),
    Case(
        "trade", "PerpsTrade",
        {"trade_id": "t-1", "market_ticker": A, "price": "6.4200", "count": "3.25", "taker_side": "ask",
         "ts_ms": 1793000000456},
        {"market_ticker": A, "trade_id": "t-1", "price_e4": 64200, "count_e2": 325, "taker_book_side": "ask",
         "ts_ms": 1793000000456},
        needed=("market_ticker", "price", "count"), venue="perps",
    ),
    Case(
        "fill", "PerpsFill",
        {"trade_id": "t-1", "order_id": "o-1", "client_order_id": "mm-17", "market_ticker": A, "is_taker": False,
         "side": "ask", "ts_ms": 1793000000456, "price": "6.4200", "count": "3.25", "fee_cost": "-0.000100",
         "post_position": "-3.25", "subaccount": 3, "order_source": "system"},
        {"market_ticker": A, "order_id": "o-1", "trade_id": "t-1", "client_order_id": "mm-17", "is_taker": False,
         "book_side": "ask", "price_e4": 64200, "count_e2": 325, "fee_cost_e6": -100, "post_position_e2": -325,
         "subaccount": 3, "order_source": "system", "ts_ms": 1793000000456},
        needed=("market_ticker", "order_id", "side", "price", "count"), venue="perps",
    ),
    Case(
        "user_order", "PerpsUserOrder",
        {"order_id": "o-1", "user_id": "u-1", "client_order_id": "mm-17", "ticker": A, "side": "bid", "price": "6.4200",
         "fill_count": "1.50", "remaining_count": "8.50", "self_trade_prevention_type": "maker", "order_group_id": "g-1",
         "expiration_ts_ms": 1793059200000, "created_ts_ms": None, "last_updated_ts_ms": 1793000001000,
         "last_update_reason": "Trade", "subaccount_number": 3, "order_source": "user"},
        {"market_ticker": A, "order_id": "o-1", "book_side": "bid", "price_e4": 64200, "fill_count_e2": 150,
         "remaining_e2": 850, "client_order_id": "mm-17", "order_group_id": "g-1", "order_source": "user",
         "subaccount": 3, "created_ts_ms": None, "last_updated_ts_ms": 1793000001000,
         "expiration_ts_ms": 1793059200000, "last_update_reason": "Trade"},
        needed=("ticker", "order_id", "side", "price", "remaining_count"), venue="perps",
    ),
    Case(
        "order_group_updates", "OrderGroupUpdate",
        {"event_type": "created", "order_group_id": "g-1", "contracts_limit_fp": "1.00", "ts_ms": 1793000000456},
        {"event_type": "created", "order_group_id": "g-1", "contracts_limit_e2": 100, "ts_ms": 1793000000456},
        needed=("event_type", "order_group_id"), venue="perps",
    ),
    Case(
        "corporate_actions_delta", "CorporateAction",
        {"corporate_action": {"id": "ca-1", "market_id": "m-1", "market_ticker": "KXNEW", "type": "ticker_change",
                              "ts_ms": 1793000000456, "ticker_change": {"old_ticker": "KXOLD", "new_ticker": "KXNEW"}}},
        {"market_ticker": "KXNEW", "action_type": "ticker_change"}, needed=("corporate_action",), venue="perps",
    ),
    Case(
        "orderbook_delta", "PerpsDelta",
        {"market_ticker": A, "side": "ask", "price": "6.4200", "delta": "-2.55", "ts_ms": 1793000000456,
         "client_order_id": "mm-17", "subaccount": 3, "last_update_reason": "Trade"},
        {"market_ticker": A, "book_side": "ask", "price_e4": 64200, "delta_e2": -255, "ts_ms": 1793000000456,
         "client_order_id": "mm-17", "subaccount": 3},
        needed=("market_ticker", "side", "price", "delta"), venue="perps",
    ),
]  # fmt: skip
