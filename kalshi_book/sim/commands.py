"""What a client says, read as the exchange reads it: a command becomes values, or is refused with an error code.

Nothing here knows a connection. In which order the parts of a command are looked at is not published; it decides which code
a command gets that is wrong in two ways.

Source: AsyncAPI text, read 2026-10-26.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from ..messages.vocabulary import CHANNELS
from ..units import INT64_MAX

BOOK: Final = "orderbook_delta"
COMMUNICATIONS: Final = "communications"
MARKETS: Final = "market_tickers"
MARKET_IDS: Final = "market_ids"
INDICES: Final = "index_ids"
UNDERLYINGS: Final = "underlying_tickers"
ALL: Final = "all"

# What can be listed on a channel, and what its `ok` shows. Nothing listed, on a channel of markets: all of them.
_OF_OTHERS: Final = {
    "ticker": (MARKETS, MARKET_IDS),
    "cfbenchmarks_value": (INDICES,),
    "cfbenchmarks_value_5hz": (INDICES,),
    "pyth_value": (UNDERLYINGS,),
}
LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    name: _OF_OTHERS.get(name, () if channel.takes_markets == "no" else (MARKETS,)) for name, channel in CHANNELS.items()
}
PUBLIC: Final = frozenset(("ticker", "trade", "market_lifecycle_v2", "multivariate_market_lifecycle"))
"""The channels that ask for no more than a connection; every other needs to know whose it is."""

AVAILABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "cfbenchmarks_value": ("BRTI", "ETHUSD_RTI", "SOLUSD_RTI", "XRPUSD_RTI", "DOGEUSD_RTI", "LTCUSD_RTI"),
    "cfbenchmarks_value_5hz": ("BRTI", "ETHUSD_RTI", "SOLUSD_RTI", "XRPUSD_RTI", "DOGEUSD_RTI"),
    "pyth_value": ("Metal.XAU/USD", "Metal.XAG/USD", "FX.EUR/USD", "InterestRate.US2Y"),
}
"""What is told to be had of a channel."""

_SINGLE: Final = {MARKETS: "market_ticker", MARKET_IDS: "market_id"}
_CODE_IF_MISSING: Final = {MARKETS: 14, MARKET_IDS: 14, INDICES: 24, UNDERLYINGS: 28}
_ACTIONS: Final = {  # to add to a list, to take away from it, and to ask what there is
    MARKETS: ("add_markets", "delete_markets", None),
    INDICES: ("subscribe_indices", "unsubscribe_indices", "indexlist"),
    UNDERLYINGS: ("subscribe_underlyings", "unsubscribe_underlyings", "underlying_list"),
}

Names = dict[str, list[str]]
"""Names by the kind of list that they are for, each once."""


class Refused(Exception):
    """A command, or a part of it, that is not carried out; nothing was changed.

    Attributes:
        code: of the error.
        market_ticker: whom it is about, or None.
    """

    def __init__(self, code: int, market_ticker: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.market_ticker = market_ticker


class Command(Struct, frozen=True):
    """A command whose envelope could be read.

    Attributes:
        id: what it is answered by; None: no id, which 0 and whatever is no id stand for.
        cmd: what to do, as it came.
        params: as they came; None: none.
    """

    id: int | None
    cmd: object
    params: object


class Subscribe(Struct, frozen=True):
    """A `subscribe` that can be carried out, but for what only a connection knows. None: not said."""

    channels: list[str]
    names: Names
    use_yes_price: bool | None
    skip_ticker_ack: bool | None
    send_initial_snapshot: bool
    only_own: bool
    shard: tuple[int, int] | None


class Update(Struct, frozen=True):
    """An `update_subscription` that can be carried out, but for what only a connection knows.

    Attributes:
        what: "add", "remove", or the action itself: "get_snapshot", "indexlist", "underlying_list".
        kind: of which list.
        names: to add, to remove, to show; of a listing action, what there is.
        send_initial_snapshot: as it came.
    """

    what: str
    kind: str
    names: list[str]
    send_initial_snapshot: bool = False


def parse(data: str | bytes) -> Command:
    """Read the envelope of a command.

    Raises:
        Refused: 1, it is no JSON object.
    """
    try:
        content = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        raise Refused(1) from None
    if not isinstance(content, dict):
        raise Refused(1)
    number = content.get("id")
    has_id = type(number) is int and 0 < number <= INT64_MAX
    return Command(number if has_id else None, content.get("cmd"), content.get("params"))


def read_subscribe(params: Mapping[str, Any]) -> Subscribe:
    """Read the params of a `subscribe`. Whether a channel is known is left open: each is answered for itself.

    Raises:
        Refused: 3, 11, 14, 19 to 22.
    """
    channels = params.get("channels")
    if not channels:
        raise Refused(3)
    names = {kind: found for kind in _CODE_IF_MISSING if (found := _names(params, kind)) is not None}
    if not _are_names(channels) or [] in [found for kind, found in names.items() if kind != MARKETS or BOOK not in channels]:
        raise Refused(11)
    if MARKETS in names and MARKET_IDS in names:
        raise Refused(11)
    if not names.get(MARKETS) and any(_needs_tickers(name, MARKET_IDS in names) for name in channels):
        raise Refused(14)
    user_filter = params.get("user_filter", "")
    if user_filter not in ("", "self"):
        raise Refused(11)
    flags = [_flag(params, name) for name in ("use_yes_price", "skip_ticker_ack", "send_initial_snapshot")]
    shard = _shard(params.get("shard_factor"), params.get("shard_key")) if COMMUNICATIONS in channels else None
    return Subscribe(
        list(dict.fromkeys(channels)), names, flags[0], flags[1], flags[2] is True, user_filter == "self", shard
    )


def only_sid(params: Mapping[str, Any]) -> object:
    """Give the one sid that an `update_subscription` names, whether or not it is one.

    Raises:
        Refused: 11, 12.
    """
    sids = params.get("sids", [])
    if not isinstance(sids, list):
        raise Refused(11)
    if len(sids) + ("sid" in params) != 1:
        raise Refused(12)
    return sids[0] if sids else params["sid"]


def read_update(params: Mapping[str, Any], channel: str) -> Update:
    """Read what an `update_subscription` is to do with a subscription of this channel.

    Raises:
        Refused: 11, 13, 14, 15, 24, 28.
    """
    action, kinds = params.get("action"), LISTS[channel]
    if not action:
        raise Refused(15)
    if action == "get_snapshot" and channel == BOOK:
        return Update("get_snapshot", MARKETS, _required({MARKETS: params.get(MARKETS, [])}, MARKETS))
    add, remove, ask = _ACTIONS[kinds[0]] if kinds else (None, None, None)
    if action not in (add, remove, ask):
        raise Refused(13)
    if ask is not None and action == ask:
        return Update(ask, kinds[0], list(AVAILABLE[channel]))
    given = [kind for kind in kinds if _names(params, kind)] or [kinds[0]]
    if len(given) > 1:
        raise Refused(11)
    send_initial_snapshot = _flag(params, "send_initial_snapshot") is True
    return Update("add" if action == add else "remove", given[0], _required(params, given[0]), send_initial_snapshot)


def _needs_tickers(channel: str, has_ids: bool) -> bool:
    # There is no book of all markets; and but for `ticker`, no channel knows a market by its id.
    if channel == BOOK:
        return True
    return has_ids and MARKETS in LISTS.get(channel, ()) and MARKET_IDS not in LISTS[channel]


def _names(params: Mapping[str, Any], kind: str) -> list[str] | None:
    # The names of one kind, each once, or None. One market has a field of its own.
    given = [params[kind]] if kind in params else []
    if _SINGLE.get(kind) in params:
        given.append([params[_SINGLE[kind]]])
    if not given:
        return None
    if len(given) > 1 or not _are_names(given[0]):
        raise Refused(11)
    return list(dict.fromkeys(given[0]))


def _required(params: Mapping[str, Any], kind: str) -> list[str]:
    if not (names := _names(params, kind)):
        raise Refused(_CODE_IF_MISSING[kind])
    return names


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)


def _flag(params: Mapping[str, Any], name: str) -> bool | None:
    value = params.get(name)
    if name in params and type(value) is not bool:
        raise Refused(11)
    return value


def _shard(factor: object, key: object) -> tuple[int, int] | None:
    # Which share of the communications is asked for. A factor without a key is taken for the first share (silent).
    if factor is None:
        if key is not None:
            raise Refused(20)
        return None
    if type(factor) is not int or (key is not None and type(key) is not int):
        raise Refused(11)
    if factor < 1:
        raise Refused(19)
    if factor > 100:
        raise Refused(22)
    if key is not None and not 0 <= key < factor:
        raise Refused(21)
    return factor, key or 0
