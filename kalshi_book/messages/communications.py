"""Requests for quotes and the quotes on them, single and in batches: the ``communications`` channel.

Who asks is the RFQ creator, who answers the quote creator. A batch holds several child RFQs that trade together or not at
all. A bid of $0 is none. All names but those of markets are the exchange's ids, as text.

Source: the exchange's AsyncAPI text, read 2026-10-26.
"""

from .channel import Body, ChannelMessage, Int64, Number
from .exact import Plain, contracts, dollars, money, optional


class Leg(Body):
    """One market of a combo.

    Attributes:
        yes_settlement_value_e4: what YES of it settled at, in $0.0001, or None.
    """

    market_ticker: str | None = None
    event_ticker: str | None = None
    side: str | None = None
    yes_settlement_value_dollars: Number = None

    yes_settlement_value_e4 = optional(dollars("yes_settlement_value_dollars"))


class RfqBody(Body):
    """A request for quotes: for so many contracts, or for so much money."""

    id: str
    market_ticker: str
    creator_id: str | None = None
    event_ticker: str | None = None
    contracts_fp: Number = None
    target_cost_dollars: Number = None


class RfqCreatedBody(RfqBody):
    """A new request; of a combo it names the legs."""

    created_ts: str | None = None
    mve_collection_ticker: str | None = None
    mve_selected_legs: list[Leg] | None = None


class RfqDeletedBody(RfqBody):
    """A request that is gone."""

    deleted_ts: str | None = None


class Communication(ChannelMessage):
    """A message of the channel: what all twelve types have in common is this class."""


class _Rfq(Communication):
    """What is common to both.

    Attributes:
        contracts_e2: in 0.01 contract, or None.
        target_cost_e6: in $0.000001, or None.
    """

    msg: RfqBody

    market_ticker = Plain[str]()
    rfq_id = Plain[str]("id")
    contracts_e2 = optional(contracts("contracts_fp"))
    target_cost_e6 = optional(money("target_cost_dollars"))


class RfqCreated(_Rfq, tag="rfq_created"):
    """Somebody asks for quotes."""

    msg: RfqCreatedBody


class RfqDeleted(_Rfq, tag="rfq_deleted"):
    """A request was withdrawn."""

    msg: RfqDeletedBody


class QuoteBody(Body):
    """A quote on a request."""

    quote_id: str
    rfq_id: str
    market_ticker: str
    quote_creator_id: str | None = None
    rfq_creator_id: str | None = None
    subaccount: Int64 | None = None


class QuotePricesBody(QuoteBody):
    """What is bid in it."""

    event_ticker: str | None = None
    yes_bid_dollars: Number = None
    no_bid_dollars: Number = None
    yes_contracts_offered_fp: Number = None
    no_contracts_offered_fp: Number = None
    rfq_target_cost_dollars: Number = None


class QuoteCreatedBody(QuotePricesBody):
    """A new quote."""

    created_ts: str | None = None


class QuoteAcceptedBody(QuotePricesBody):
    """A quote that was taken."""

    accepted_side: str | None = None
    contracts_accepted_fp: Number = None


class QuoteExecutedBody(QuoteBody):
    """A quote that became orders."""

    order_id: str | None = None
    client_order_id: str | None = None
    executed_ts: str | None = None
    rfq_batch_id: str | None = None


class _Quote(Communication):
    """What is common to all three."""

    msg: QuoteBody

    market_ticker = Plain[str]()
    quote_id = Plain[str]()
    rfq_id = Plain[str]()
    subaccount = Plain[int | None]()


class _QuotePrices(_Quote):
    """What is bid.

    Attributes:
        yes_bid_e4, no_bid_e4: in $0.0001, or None.
        yes_contracts_offered_e2, no_contracts_offered_e2: in 0.01 contract, or None.
        rfq_target_cost_e6: in $0.000001, or None.
    """

    msg: QuotePricesBody

    yes_bid_e4 = optional(dollars("yes_bid_dollars"))
    no_bid_e4 = optional(dollars("no_bid_dollars"))
    yes_contracts_offered_e2 = optional(contracts("yes_contracts_offered_fp"))
    no_contracts_offered_e2 = optional(contracts("no_contracts_offered_fp"))
    rfq_target_cost_e6 = optional(money("rfq_target_cost_dollars"))


class QuoteCreated(_QuotePrices, tag="quote_created"):
    """A quote was made."""

    msg: QuoteCreatedBody


class QuoteAccepted(_QuotePrices, tag="quote_accepted"):
    """A quote was accepted: ``accepted_side`` is ``"yes"`` or ``"no"``, or None."""

    msg: QuoteAcceptedBody

    accepted_side = Plain[str | None]()
    contracts_accepted_e2 = optional(contracts("contracts_accepted_fp"))


class QuoteExecuted(_Quote, tag="quote_executed"):
    """A quote became orders: ``order_id`` and ``client_order_id`` are the account's own, and stand in its fills."""

    msg: QuoteExecutedBody

    order_id = Plain[str | None]()
    client_order_id = Plain[str | None]()


class ChildRfq(Body):
    """One request of a batch; ``leg_indices`` point into the legs of the batch."""

    id: str
    market_ticker: str
    event_ticker: str | None = None
    contracts_fp: Number = None
    target_cost_dollars: Number = None
    mve_collection_ticker: str | None = None
    leg_indices: list[int] | None = None

    contracts_e2 = optional(contracts("contracts_fp"))
    target_cost_e6 = optional(money("target_cost_dollars"))


class RfqBatchCreatedBody(Body):
    """A batch of requests."""

    id: str
    creator_id: str | None = None
    created_ts: str | None = None
    legs: list[Leg] | None = None
    rfqs: list[ChildRfq] | None = None


class RfqBatchDeletedBody(Body):
    """A batch that is gone."""

    id: str
    creator_id: str | None = None
    deleted_ts: str | None = None
    rfq_ids: list[str] | None = None


class RfqBatchCreated(Communication, tag="rfq_batch_created"):
    """Somebody asks for quotes on several combos together."""

    msg: RfqBatchCreatedBody

    rfq_batch_id = Plain[str]("id")


class RfqBatchDeleted(Communication, tag="rfq_batch_deleted"):
    """A batch is closed, with all its requests."""

    msg: RfqBatchDeletedBody

    rfq_batch_id = Plain[str]("id")


class ChildBids(Body):
    """What is bid on one request of a batch.

    Attributes:
        yes_bid_e4, no_bid_e4: in $0.0001, or None.
        yes_contracts_offered_e2, no_contracts_offered_e2: in 0.01 contract, or None.
        rfq_target_cost_e6: in $0.000001, or None.
    """

    rfq_id: str
    market_ticker: str
    event_ticker: str | None = None
    yes_bid_dollars: Number = None
    no_bid_dollars: Number = None
    yes_contracts_offered_fp: Number = None
    no_contracts_offered_fp: Number = None
    rfq_target_cost_dollars: Number = None

    yes_bid_e4 = optional(dollars("yes_bid_dollars"))
    no_bid_e4 = optional(dollars("no_bid_dollars"))
    yes_contracts_offered_e2 = optional(contracts("yes_contracts_offered_fp"))
    no_contracts_offered_e2 = optional(contracts("no_contracts_offered_fp"))
    rfq_target_cost_e6 = optional(money("rfq_target_cost_dollars"))


class ChildQuote(ChildBids, kw_only=True):
    """One maker's bids on it."""

    quote_id: str


class AcceptedChildQuote(ChildQuote, kw_only=True):
    """Those that were taken: ``contracts_accepted_e2`` in 0.01 contract, or None."""

    contracts_accepted_fp: Number = None

    contracts_accepted_e2 = optional(contracts("contracts_accepted_fp"))


class BestChildBids(ChildBids):
    """The best of all makers, who are not named: ``contracts_e2`` were asked for, in 0.01 contract, or None."""

    contracts_fp: Number = None

    contracts_e2 = optional(contracts("contracts_fp"))


class BatchQuoteBody(Body):
    """A maker's quote on a batch."""

    batch_quote_id: str
    rfq_batch_id: str
    quote_creator_id: str | None = None
    subaccount: Int64 | None = None


class BatchQuoteCreatedBody(BatchQuoteBody):
    """A new one."""

    created_ts: str | None = None
    quotes: list[ChildQuote] | None = None


class BatchQuoteAcceptedBody(BatchQuoteBody):
    """One that won."""

    rfq_creator_id: str | None = None
    accepted_side: str | None = None
    accepted_ts: str | None = None
    quotes: list[AcceptedChildQuote] | None = None


class BatchQuoteCreated(Communication, tag="batch_quote_created"):
    """The account's own quote on a batch: it replaces the one before."""

    msg: BatchQuoteCreatedBody

    batch_quote_id = Plain[str]()
    rfq_batch_id = Plain[str]()
    quotes = Plain[list[ChildQuote] | None]()
    subaccount = Plain[int | None]()


class BatchQuoteAccepted(Communication, tag="batch_quote_accepted"):
    """The account's quote won: ``quotes`` are only the requests that it won."""

    msg: BatchQuoteAcceptedBody

    batch_quote_id = Plain[str]()
    rfq_batch_id = Plain[str]()
    quotes = Plain[list[AcceptedChildQuote] | None]()
    subaccount = Plain[int | None]()
    accepted_side = Plain[str | None]()


class BestQuotesBody(Body):
    """The best bids of all makers on each request of a batch."""

    rfq_batch_id: str
    client_batch_id: str | None = None
    version: Int64 | None = None
    updated_ts: str | None = None
    yes_complete: bool | None = None
    no_complete: bool | None = None
    rfqs: list[BestChildBids] | None = None
    subaccount: Int64 | None = None


class RfqBatchBestQuotes(Communication, tag="rfq_batch_best_quotes"):
    """The best bids on the account's own batch: a whole picture each time, good where ``version`` is the highest so far."""

    msg: BestQuotesBody

    rfq_batch_id = Plain[str]()
    version = Plain[int | None]()
    rfqs = Plain[list[BestChildBids] | None]()
    subaccount = Plain[int | None]()


class BatchExecutedBody(Body):
    """Which requests of a batch traded."""

    rfq_batch_id: str
    rfq_creator_id: str | None = None
    executed_rfq_ids: list[str] | None = None
    failed_rfq_ids: list[str] | None = None
    executed_ts: str | None = None
    close_reason: str | None = None
    subaccount: Int64 | None = None


class RfqBatchExecutedBody(BatchExecutedBody):
    """The same for who asked."""

    client_batch_id: str | None = None


class BatchQuoteExecutedBody(BatchExecutedBody, kw_only=True):
    """The same for who answered."""

    batch_quote_id: str


class _BatchExecuted(Communication):
    """What is common to both: ``close_reason`` is the exchange's word for how it ended."""

    msg: BatchExecutedBody

    rfq_batch_id = Plain[str]()
    executed_rfq_ids = Plain[list[str] | None]()
    failed_rfq_ids = Plain[list[str] | None]()
    close_reason = Plain[str | None]()
    subaccount = Plain[int | None]()


class RfqBatchExecuted(_BatchExecuted, tag="rfq_batch_executed"):
    """The account's own batch traded, or failed to."""

    msg: RfqBatchExecutedBody


class BatchQuoteExecuted(_BatchExecuted, tag="batch_quote_executed"):
    """The batch on which the account's quote won traded, or failed to: only its own requests are named."""

    msg: BatchQuoteExecutedBody

    batch_quote_id = Plain[str]()
