"""How the exchange of the tests reads commands and writes values: tables and pure functions.

From the AsyncAPI text, read 2026-10-26. Each refusal is a ``Refused`` with the error code of its reply.
"""

import json

BOOK = "orderbook_delta"
MARKETS, INDICES, UNDERLYINGS = "market_tickers", "index_ids", "underlying_tickers"
ONE_NAME = {MARKETS: "market_ticker", "market_ids": "market_id"}
CODE_IF_MISSING = {MARKETS: 14, "market_ids": 14, INDICES: 24, UNDERLYINGS: 28}

# What can be listed on a channel: the lists that its ``ok`` shows. Nothing listed, on a channel of markets: all of them.
LISTS = {
    BOOK: (MARKETS,),
    "trade": (MARKETS,),
    "ticker": (MARKETS, "market_ids"),
    "fill": (MARKETS,),
    "market_positions": (MARKETS,),
    "user_orders": (MARKETS,),
    "market_lifecycle_v2": (),
    "multivariate_market_lifecycle": (),
    "communications": (),
    "order_group_updates": (),
    "cfbenchmarks_value": (INDICES,),
    "cfbenchmarks_value_5hz": (INDICES,),
    "pyth_value": (UNDERLYINGS,),
}
FLAGS = ("use_yes_price", "skip_ticker_ack", "send_initial_snapshot")
WITHOUT_SEQ = {"ticker", "fill", "user_orders", "market_positions"}
ACTIONS = {  # what each list understands: to add, to take away, and to ask what there is
    MARKETS: ("add_markets", "delete_markets", None),
    INDICES: ("subscribe_indices", "unsubscribe_indices", "indexlist"),
    UNDERLYINGS: ("subscribe_underlyings", "unsubscribe_underlyings", "underlying_list"),
}
AVAILABLE = {INDICES: ["BRTI", "ETHUSD_RTI"], UNDERLYINGS: ["Metal.XAU/USD", "Metal.XPT/USD"]}


class Refused(Exception):
    """A command that cannot be done; nothing was changed."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def parse(data):
    """Read a command."""
    try:
        command = json.loads(data)
    except ValueError:
        raise Refused(1) from None
    if not isinstance(command, dict):
        raise Refused(1)
    return command


def names_in(params, kind):
    """Give the names of one kind in a command, each once, or None. One name has a field of its own."""
    given = [params[kind]] if kind in params else []
    given += [[params[ONE_NAME[kind]]]] if ONE_NAME.get(kind) in params else []
    if len(given) > 1 or not all(map(are_names, given)):
        raise Refused(11)
    return list(dict.fromkeys(given[0])) if given else None


def required(params, kind):
    """Give the names of a kind that has to be there."""
    if not (names := names_in(params, kind)):
        raise Refused(CODE_IF_MISSING[kind])
    return names


def are_names(value):
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)


def check_shard(factor, key):
    """Refuse what is no share of the channel of communications."""
    if factor is None and key is not None:
        raise Refused(20)
    if not all(value is None or type(value) is int for value in (factor, key)):
        raise Refused(11)
    if factor is not None and factor < 1:
        raise Refused(19)
    if factor is not None and factor > 100:
        raise Refused(22)
    if key is not None and not 0 <= key < factor:
        raise Refused(21)


def error(code):
    return {"code": code, "msg": f"refused with {code}"}


def price(price_e4, flip):
    price_e4 = 10_000 - price_e4 if flip else price_e4
    return f"{price_e4 // 10_000}.{price_e4 % 10_000:04d}"


def size(size_e2):
    return f"{'-' * (size_e2 < 0)}{abs(size_e2) // 100}.{abs(size_e2) % 100:02d}"
