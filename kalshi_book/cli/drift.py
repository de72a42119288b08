"""``kalshi-book drift``: compare what this package reads with what the exchange publishes.

The exchange renames fields; a reader that knows only the old names sees empty books. The check says so before the market
does: run it on each new version of the published file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Struct
from msgspec.json import encode
from msgspec.structs import fields

from ..messages import BOOK_TYPES, DATA_TYPES, PERPS_TYPES, RESPONSE_TYPES
from ..messages.exact import readings
from ..messages.vocabulary import (
    ACTIONS,
    CHANNELS,
    COMMANDS,
    ERROR_CODES,
    PERPS_ACTIONS,
    PERPS_CHANNELS,
)
from .published import Fields, Published

BOOK_MESSAGES = frozenset(BOOK_TYPES)
"""Of these a field that we do not know is a finding too: it may be a renamed side."""


class Finding(Struct, frozen=True):
    """One difference.

    Attributes:
        where: a type with the path of a field, or a channel, command, action or error code.
        what: what is different, and so what to look at.
    """

    where: str
    what: str


class Read(Struct, frozen=True):
    """A field that we read: which JSON types we can read, and whether a message is useless without it."""

    types: frozenset[str]
    is_needed: bool = False


def _read(types: str, *, is_needed: bool = False) -> Read:
    return Read(frozenset(types.split()), is_needed)


TOP = {"sid": _read("integer", is_needed=True), "seq": _read("integer", is_needed=True), "sending_ts_ms": _read("integer")}
ANSWER = {"id": _read("integer"), "sending_ts_ms": _read("integer")}

BY_HAND: dict[str, dict[str, Read]] = {
    "orderbook_snapshot": {
        **TOP,
        "id": _read("integer"),
        "msg.market_ticker": _read("string", is_needed=True),
        "msg.market_id": _read("string"),
        "msg.clock": _read("integer"),
        "msg.yes_dollars_fp": _read("array"),
        "msg.no_dollars_fp": _read("array"),
    },
    "orderbook_delta": {
        **TOP,
        "msg.market_ticker": _read("string", is_needed=True),
        "msg.side": _read("string", is_needed=True),
        "msg.price_dollars": _read("string", is_needed=True),
        "msg.delta_fp": _read("string", is_needed=True),
        "msg.market_id": _read("string"),
        "msg.clock": _read("integer"),
        "msg.ts": _read("string"),
        "msg.ts_ms": _read("integer"),
        "msg.client_order_id": _read("string"),
        "msg.subaccount": _read("integer"),
    },
    "subscribed": {
        **ANSWER,
        "msg.channel": _read("string", is_needed=True),
        "msg.sid": _read("integer", is_needed=True),
    },
    "ok": {
        **ANSWER,
        "sid": _read("integer"),
        "seq": _read("integer"),
        "msg": _read("object array"),
        "msg.market_tickers": _read("array"),
        "msg.market_ids": _read("array"),
        "msg.index_ids": _read("array"),
        "msg.underlying_tickers": _read("array"),
        "msg[].channel": _read("string"),
        "msg[].sid": _read("integer"),
    },
    "unsubscribed": {**ANSWER, "sid": _read("integer", is_needed=True), "seq": _read("integer")},
    "error": {
        **ANSWER,
        "sid": _read("integer"),
        "seq": _read("integer"),
        "msg.code": _read("integer", is_needed=True),
        "msg.msg": _read("string"),
        "msg.market_ticker": _read("string"),
        "msg.market_tickers": _read("array"),
    },
}
"""The order book and the responses keep their fields raw, so their structs do not tell. Older names are left out."""

ARRAYS = frozenset({("orderbook_snapshot", "msg.bid"), ("orderbook_snapshot", "msg.ask")})
"""Sides of a perpetual: kept as they come, since a side that is no list must not read as an empty one."""

OLDER_TYPES: Mapping[str, str] = {
    "ticker_v2": "gone since 2026-02-12, in recordings",
    "market_lifecycle": "the name in 2025, in recordings",
    "list_subscriptions": "the answer to the command in late 2025; today it is ok",
}
"""Types that we read and the file does not have, and why."""


def _each(type_: str, names: str, why: str) -> dict[tuple[str, str], str]:
    return {(type_, name): why for name in names.split()}


_CENTS = "whole cents and contracts, until spring 2026, in recordings"
_CENTICENTS = "whole contracts and units of $0.0001, until April 2026, in recordings"
_ONE_BODY = "the lifecycle types share one body; combos have part of it"
_NO_SEQ = "all types share one envelope; the channel of this one is not sequenced"

OLDER_FIELDS: Mapping[tuple[str, str], str] = {
    **_each("ticker", "msg.price msg.yes_bid msg.yes_ask msg.volume msg.open_interest msg.Clock", _CENTS),
    **_each("trade", "msg.yes_price msg.no_price msg.count", _CENTS),
    **_each("fill", "msg.yes_price msg.no_price msg.no_price_dollars msg.count msg.post_position", _CENTS),
    **_each("user_order", "msg.action", "the older word for the direction, in recordings"),
    **_each("market_position", "msg.position msg.position_cost msg.realized_pnl msg.fees_paid", _CENTICENTS),
    **_each("market_position", "msg.position_fee_cost msg.volume", _CENTICENTS),
    **_each("multivariate_market_lifecycle", "msg.price_ranges", _ONE_BODY),
    **_each(
        "multivariate_market_lifecycle",
        "msg.price_ranges[].start msg.price_ranges[].end msg.price_ranges[].step",
        _ONE_BODY,
    ),
    **_each("multivariate_market_lifecycle", "msg.strike_type msg.floor_strike msg.cap_strike", _ONE_BODY),
    **_each("multivariate_market_lifecycle", "msg.custom_strike msg.yes_sub_title", _ONE_BODY),
    ("ticker", "seq"): _NO_SEQ,
    ("fill", "seq"): _NO_SEQ,
    ("user_order", "seq"): _NO_SEQ,
    ("market_position", "seq"): _NO_SEQ,
}
"""Fields that we read and a file may lack, and why."""

MISSING_CODES: Mapping[str, Mapping[int, str]] = {
    "events": {},
    "perps": dict.fromkeys(range(19, 23), "of shards, which perpetuals do not have"),
}
"""Error codes that we know and a file may lack, and why. Retired ones may always."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "drift",
        help="compare what is read here with a published specification",
        description="Compare the messages, channels, actions and error codes that this package knows with a published "
        "AsyncAPI file of the exchange, and print each difference that matters on a line.",
        epilog="Exit code 0: no difference; 1: differences; 2: wrong arguments or no PyYAML; 3: the file cannot be read.",
    )
    command.add_argument("spec", type=Path, metavar="SPEC", help="the file: .yaml, or .yaml.gz")
    command.add_argument("--perps", action="store_true", help="it is the file of the perpetuals")
    command.add_argument("--json", action="store_true", help="print one JSON array instead")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    found = findings(Published(arguments.spec), "perps" if arguments.perps else "events")
    if arguments.json:
        print(encode(found).decode())
    else:
        for finding in found:
            print(f"{finding.where}: {finding.what}")
    return 1 if found else 0


def findings(published: Published, venue: Literal["events", "perps"]) -> list[Finding]:
    """Compare everything.

    Args:
        published: the file.
        venue: of which exchange it is.

    Returns:
        The differences that matter, messages first.
    """
    known_channels, known_actions = (PERPS_CHANNELS, PERPS_ACTIONS) if venue == "perps" else (CHANNELS, ACTIONS)
    return [
        *_messages(published.messages, known_types(venue)),
        *_words("channel", published.channels, known_channels),
        *_words("channel that subscribe takes", published.offered_channels, known_channels),
        *_sequences(published.channels, {name: channel.is_sequenced for name, channel in known_channels.items()}),
        *_words("action", published.actions, known_actions),
        *_words("command", published.commands, COMMANDS),
        *_params(published.commands),
        *_codes(published.error_codes, MISSING_CODES[venue]),
    ]


def known_types(venue: Literal["events", "perps"]) -> dict[str, dict[str, Read]]:
    """Give every field that we read, by type and path."""
    by_struct = PERPS_TYPES if venue == "perps" else DATA_TYPES
    by_hand = [*RESPONSE_TYPES, *(() if venue == "perps" else BOOK_TYPES)]
    known = {type_: dict(BY_HAND.get(type_, {})) for type_ in by_hand}
    if venue == "perps":  # they have no indices and no underlyings
        del known["ok"]["msg.index_ids"], known["ok"]["msg.underlying_tickers"]
    return known | {type_: dict(_read_of(type_, cls)) for type_, cls in by_struct.items()}


def _read_of(type_: str, cls: type[Struct], path: str = "") -> Iterator[tuple[str, Read]]:
    """Every field that a struct reads. Of a needed reading the first field, which is today's, is needed."""
    needed = {reading.fields[0] for reading in readings(cls).values() if reading.is_needed}
    for field in fields(cls):
        at = f"{path}{field.encode_name}"
        if at == "msg":
            yield from _read_of(type_, field.type, "msg.")
            for name in needed:
                yield f"msg.{name}", Read(frozenset({"string"}), is_needed=True)
            continue
        for part, suffix in _parts(field.type):
            if isinstance(part, type) and issubclass(part, Struct):
                yield at, Read(frozenset({"array" if suffix else "object"}), field.required)
                yield from _read_of(type_, part, f"{at}{suffix}.")
            else:
                types = {"array"} if suffix or (type_, at) in ARRAYS else _JSON_TYPES[part]
                yield at, Read(frozenset(types), field.required)


_JSON_TYPES: dict[Any, set[str]] = {
    str: {"string"},
    Any: {"string"},
    int: {"integer"},
    bool: {"boolean"},
    Decimal: {"number", "integer", "string"},
    dict: {"object"},
}


def _parts(type_: Any) -> Iterator[tuple[Any, str]]:
    """What a field's annotation boils down to, and ``[]`` where it is a list of that."""
    origin = get_origin(type_)
    if origin in (Union, UnionType):
        for part in get_args(type_):
            if part is not type(None):
                yield from _parts(part)
    elif origin is Annotated:
        yield from _parts(get_args(type_)[0])
    elif origin is list:
        yield next(_parts(get_args(type_)[0]))[0], "[]"
    elif origin is Literal:
        yield str, ""
    else:
        yield origin or type_, ""


def _messages(published: Mapping[str, list[Fields]], known: Mapping[str, dict[str, Read]]) -> Iterator[Finding]:
    for type_ in sorted(published.keys() - known.keys()):
        yield Finding(type_, "a type that we do not know: it comes as Unknown")
    for type_ in sorted(known.keys() - published.keys() - OLDER_TYPES.keys()):
        yield Finding(type_, "the type is gone from the file")
    for type_ in sorted(known.keys() & published.keys()):
        yield from _fields(type_, published[type_], known[type_])


def _fields(type_: str, variants: list[Fields], known: Mapping[str, Read]) -> Iterator[Finding]:
    new = sorted({path for variant in variants for path in variant} - known.keys() - {"type", "msg"})
    for path, read in known.items():
        found = [variant[path] for variant in variants if path in variant]
        if not found:
            if (type_, path) not in OLDER_FIELDS:
                there = [name for name in new if name.rpartition(".")[0] == path.rpartition(".")[0]]
                renamed = f"; new beside it: {', '.join(there)}" if there else ""
                yield Finding(f"{type_} {path}", f"the field is gone from the file{renamed}")
            continue
        types = frozenset[str]().union(*(field.types for field in found))
        if odd := types - read.types - {"null"}:
            yield Finding(f"{type_} {path}", f"is {_either(odd)} in the file, and is read as {_either(read.types)}")
        if read.is_needed and "null" in types:
            yield Finding(f"{type_} {path}", "is needed, and may be null in the file")
        if read.is_needed and not (len(found) == len(variants) and all(field.is_required for field in found)):
            yield Finding(f"{type_} {path}", "is needed, and may be absent in the file")
    if type_ in BOOK_MESSAGES:
        for path in new:
            yield Finding(f"{type_} {path}", "a field of the order book that we do not know")


def _words(what: str, published: Iterable[str], known: Iterable[str]) -> Iterator[Finding]:
    for word in sorted(set(published) - set(known)):
        yield Finding(f"{what} {word}", "is not known here")
    for word in sorted(set(known) - set(published)):
        yield Finding(f"{what} {word}", "is gone from the file")


def _sequences(published: Mapping[str, bool], known: Mapping[str, bool]) -> Iterator[Finding]:
    for name in sorted(published.keys() & known.keys()):
        if published[name] != known[name]:
            has = "carry seq" if published[name] else "carry no seq"
            yield Finding(f"channel {name}", f"its messages {has} in the file, unlike what is known here")


def _params(published: Mapping[str, set[str]]) -> Iterator[Finding]:
    for command in sorted(published.keys() & COMMANDS.keys()):
        for name in sorted(published[command] - COMMANDS[command]):
            yield Finding(f"command {command}", f"the file requires the param {name}, which is not known here")


def _codes(published: set[int], may_miss: Mapping[int, str]) -> Iterator[Finding]:
    for code in sorted(published - ERROR_CODES.keys()):
        yield Finding(f"error {code}", "is not known here")
    for code, error in ERROR_CODES.items():
        if code in published and error.is_retired:
            yield Finding(f"error {code}", "is in the file, and is retired here")
        if code not in published and not error.is_retired and code not in may_miss:
            yield Finding(f"error {code}", "is gone from the file")


def _either(types: Iterable[str]) -> str:
    return " or ".join(sorted(types))
