"""The closed words of the protocol in one place: channels, update actions and error codes.

Everybody who checks a command or reads an error takes them from here, and ``kalshi-book drift`` compares them with the
published specification.

Source: the exchange's AsyncAPI text and changelog, read 2026-10-26; whether a channel is sequenced was also observed in
recordings of 2026.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

TakesMarkets = Literal["required", "optional", "no"]


class Channel(Struct, frozen=True):
    """What can be subscribed to.

    Attributes:
        name: as in the command.
        is_sequenced: whether its frames carry ``seq``.
        takes_markets: whether a subscription names markets: it must, it may (none: all of them), or it cannot.
    """

    name: str
    is_sequenced: bool
    takes_markets: TakesMarkets


class ErrorCode(Struct, frozen=True):
    """What the number of an ``error`` means.

    Attributes:
        code: the number.
        meaning: the exchange's own words.
        is_terminal: whether the subscription is dead and must be made anew.
        is_retired: whether the exchange says that it sends it no more (the number stays reserved).
    """

    code: int
    meaning: str
    is_terminal: bool = False
    is_retired: bool = False


def _by_name(*channels: Channel) -> dict[str, Channel]:
    return {channel.name: channel for channel in channels}


CHANNELS: Final = _by_name(
    Channel("orderbook_delta", is_sequenced=True, takes_markets="required"),
    Channel("ticker", is_sequenced=False, takes_markets="optional"),
    Channel("trade", is_sequenced=True, takes_markets="optional"),
    Channel("fill", is_sequenced=False, takes_markets="optional"),
    Channel("user_orders", is_sequenced=False, takes_markets="optional"),
    Channel("market_positions", is_sequenced=False, takes_markets="optional"),
    Channel("market_lifecycle_v2", is_sequenced=True, takes_markets="no"),
    Channel("multivariate_market_lifecycle", is_sequenced=True, takes_markets="no"),
    Channel("communications", is_sequenced=True, takes_markets="no"),
    Channel("order_group_updates", is_sequenced=True, takes_markets="no"),
    Channel("cfbenchmarks_value", is_sequenced=True, takes_markets="no"),
    Channel("cfbenchmarks_value_5hz", is_sequenced=True, takes_markets="no"),
    Channel("pyth_value", is_sequenced=True, takes_markets="no"),
)
"""The channels of event markets, by name."""

PERPS_CHANNELS: Final = _by_name(
    CHANNELS["orderbook_delta"],
    CHANNELS["ticker"],
    CHANNELS["trade"],
    CHANNELS["fill"],
    CHANNELS["user_orders"],
    CHANNELS["order_group_updates"],
    Channel("corporate_actions", is_sequenced=True, takes_markets="optional"),
)
"""The channels of perpetuals, by name."""

RENAMED_CHANNELS: Final = {
    "ticker_v2": "ticker",  # gone since 2026-02-12
    "market_lifecycle": "market_lifecycle_v2",
    "market_position": "market_positions",
}
"""Early names and the ones that took their place: asking the exchange for an early name gives error 8."""

RETIRED_CHANNELS: Final = frozenset({"multivariate"})
"""Channels that are gone without a successor (2026-08-06): asking for one gives error 8. The combos' lifecycle is another
channel."""

MARKET_ACTIONS: Final = frozenset({"add_markets", "delete_markets", "get_snapshot"})
INDEX_ACTIONS: Final = frozenset({"subscribe_indices", "unsubscribe_indices", "indexlist"})
UNDERLYING_ACTIONS: Final = frozenset({"subscribe_underlyings", "unsubscribe_underlyings", "underlying_list"})
ACTIONS: Final = MARKET_ACTIONS | INDEX_ACTIONS | UNDERLYING_ACTIONS
"""What ``update_subscription`` can do."""

PERPS_ACTIONS: Final = MARKET_ACTIONS
"""What ``update_subscription`` can do with perpetuals."""

COMMANDS: Final = {
    "subscribe": frozenset({"channels"}),
    "unsubscribe": frozenset({"sids"}),
    "update_subscription": frozenset({"action"}),
    "list_subscriptions": frozenset[str](),
}
"""The commands, and the params that each must have in every case."""

ERROR_CODES: Final = {
    error.code: error
    for error in (
        ErrorCode(1, "Unable to process message"),
        ErrorCode(2, "Params required"),
        ErrorCode(3, "Channels required"),
        ErrorCode(4, "Subscription IDs required"),
        ErrorCode(5, "Unknown command"),
        ErrorCode(6, "Already subscribed", is_retired=True),
        ErrorCode(7, "Unknown subscription ID"),
        ErrorCode(8, "Unknown channel name"),
        ErrorCode(9, "Authentication required"),
        ErrorCode(10, "Channel error", is_terminal=True),
        ErrorCode(11, "Invalid parameter"),
        ErrorCode(12, "Exactly one subscription ID is required"),
        ErrorCode(13, "Unsupported action"),
        ErrorCode(14, "Market Ticker required"),
        ErrorCode(15, "Action required"),
        ErrorCode(16, "Market not found", is_retired=True),
        ErrorCode(17, "Internal error", is_terminal=True, is_retired=True),
        ErrorCode(18, "Command timeout"),
        ErrorCode(19, "shard_factor must be > 0"),
        ErrorCode(20, "shard_factor is required when shard_key is set"),
        ErrorCode(21, "shard_key must be >= 0 and < shard_factor"),
        ErrorCode(22, "shard_factor must be <= 100"),
        ErrorCode(23, "Match IDs required"),
        ErrorCode(24, "Index IDs required"),
        ErrorCode(25, "Subscription buffer overflow", is_terminal=True),
        ErrorCode(26, "Subscription market limit exceeded"),
        ErrorCode(27, "Too many requests"),
        ErrorCode(28, "Underlying tickers required"),
    )
}
"""The error codes by number. After 18 and 27 it is unknown whether the command took effect."""

TERMINAL_ERRORS: Final = frozenset(code for code, error in ERROR_CODES.items() if error.is_terminal)
"""Error codes after which a subscription is dead: channel error, internal error (retired), buffer overflow."""
