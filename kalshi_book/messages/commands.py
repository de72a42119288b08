"""What a client may say: ``subscribe``, ``unsubscribe``, ``update_subscription``, ``list_subscriptions``, as typed values.

A command that the exchange would refuse is refused here, when it is made, with the error code that it would have got.
What only a connection can know (is that sid held? which channel is it? on which price scale?) is checked by ``Feed.send``,
which also gives the command its id.

Source: the exchange's AsyncAPI text, read 2026-10-26.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NoReturn

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from ..errors import UsageError
from ..units import INT64_MAX
from .vocabulary import (
    ACTIONS,
    CHANNELS,
    INDEX_ACTIONS,
    MARKET_ACTIONS,
    RENAMED_CHANNELS,
    RETIRED_CHANNELS,
    UNDERLYING_ACTIONS,
)

MAX_TICKERS: Final = 500
"""How many markets one command may name: 500 were observed to work, more were never tried."""

BOOK_CHANNEL: Final = "orderbook_delta"
INDEX_CHANNELS: Final = frozenset({"cfbenchmarks_value", "cfbenchmarks_value_5hz"})
UNDERLYING_CHANNEL: Final = "pyth_value"
ALL: Final = "all"

Action = Literal[
    "add_markets",
    "delete_markets",
    "get_snapshot",
    "subscribe_indices",
    "unsubscribe_indices",
    "indexlist",
    "subscribe_underlyings",
    "unsubscribe_underlyings",
    "underlying_list",
]
LISTING_ACTIONS: Final = frozenset({"indexlist", "underlying_list"})

Purpose = Literal["asked", "restore", "recovery"]
"""Why a command is sent: a caller asked for it, or ``Feed.wanted`` does, to hold what is desired or to heal books."""


class Command(Struct, frozen=True, kw_only=True):
    """What all commands have.

    Attributes:
        id: unique on its connection, from 1; None: ``Feed.send`` takes the next one.
        purpose: why it is sent. Never on the wire.
        epoch: the connection that ``Feed.wanted`` made it for, or None. Never on the wire.
    """

    id: int | None = None
    purpose: Purpose = "asked"
    epoch: int | None = None

    def __post_init__(self) -> None:
        if self.id is not None:
            _whole("id", self.id, 1, INT64_MAX, code=1)

    def encode(self, id: int | None = None) -> bytes:
        """Write the command as the exchange reads it.

        Args:
            id: the id to write where the command has none of its own.

        Raises:
            UsageError: there is no id, or it is none that the exchange takes.
        """
        number = self.id if self.id is not None else id
        if number is None:
            raise UsageError("a command needs an id to be answered by: pass id=, or let Feed.send give it one")
        _whole("id", number, 1, INT64_MAX, code=1)
        content: dict[str, object] = {"id": number, "cmd": self.__struct_config__.tag}
        if (params := self._params()) is not None:
            content["params"] = params
        return msgspec.json.encode(content)

    def _params(self) -> dict[str, object] | None:
        raise NotImplementedError


class Subscribe(Command, frozen=True, kw_only=True, tag="subscribe"):
    """Open channels, or add markets to channels that are open: one sid per channel and connection.

    Each channel answers with ``subscribed`` and its new sid, or, where it is open already, with ``ok`` on the sid it has.

    Args:
        channels: names of channels.
        market_tickers: at most 500. Required for ``orderbook_delta``; elsewhere none means all markets.
        market_ids: instead of tickers, for ``ticker`` alone.
        use_yes_price: order book only, and always sent with it: whether NO-side prices shall come on the YES scale. True
            is the only value that outlives the change of the default that the exchange has announced (F13).
        send_initial_snapshot: ``ticker`` only: send the current ticker of the markets named at once.
        skip_ticker_ack: leave the list of markets out of ``ok``.
        user_filter: ``communications`` only: ``"self"`` for your own RFQs alone.
        shard_factor, shard_key: ``communications`` only: 1 to 100, and 0 to ``shard_factor`` - 1.
        index_ids: ``cfbenchmarks_*`` only; ``["all"]`` for all.
        underlying_tickers: ``pyth_value`` only; ``["all"]`` for all.

    Raises:
        UsageError: the exchange would refuse it; nothing was made.
        TypeError: a text where a list belongs.

    >>> Subscribe(channels=["orderbook_delta"], market_tickers=["KXDEMO-26-A"]).encode(1).decode()
    '{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"],"market_tickers":["KXDEMO-26-A"],"use_yes_price":true}}'
    """

    channels: Sequence[str]
    market_tickers: Sequence[str] = ()
    market_ids: Sequence[str] = ()
    use_yes_price: bool = True
    send_initial_snapshot: bool = False
    skip_ticker_ack: bool = False
    user_filter: Literal["", "self"] = ""
    shard_factor: int | None = None
    shard_key: int | None = None
    index_ids: Sequence[str] = ()
    underlying_tickers: Sequence[str] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _flags(self, "use_yes_price", "send_initial_snapshot", "skip_ticker_ack")
        names = _texts(self, "channels")
        if not names:
            _refuse("a subscribe names at least one channel", code=3)
        for name in names:
            check_channel(name)
        tickers, ids = _texts(self, "market_tickers"), _texts(self, "market_ids")
        if tickers and ids:
            _refuse("a subscribe names markets by market_tickers or by market_ids, not both", code=11)
        self._check_markets(names, tickers, ids)
        _only_on(names, {"ticker"}, "send_initial_snapshot", self.send_initial_snapshot)
        _only_on(names, {"communications"}, "user_filter", self.user_filter)
        _only_on(names, {"communications"}, "shard_factor", self.shard_factor is not None)
        _only_on(names, {"communications"}, "shard_key", self.shard_key is not None)
        _only_on(names, INDEX_CHANNELS, "index_ids", _texts(self, "index_ids"))
        _only_on(names, {UNDERLYING_CHANNEL}, "underlying_tickers", _texts(self, "underlying_tickers"))
        if self.user_filter not in ("", "self"):
            _refuse(f'user_filter is "" or "self", not {self.user_filter!r}', code=11)
        self._check_shard()

    def _check_markets(self, names: tuple[str, ...], tickers: tuple[str, ...], ids: tuple[str, ...]) -> None:
        for name in names:
            takes = CHANNELS[name].takes_markets
            if ids and name != "ticker":
                _refuse(f"{name} takes no market_ids: name its markets by market_tickers", code=14)
            if tickers and takes == "no":
                _refuse(f"{name} cannot be limited to markets: leave market_tickers out", code=11)
            if takes == "required" and not tickers:
                _refuse(f"{name} needs market_tickers: there is no book of all markets", code=14)

    def _check_shard(self) -> None:
        if self.shard_factor is not None:
            _whole("shard_factor", self.shard_factor, 1, 100, code=19, code_above=22)
        if self.shard_key is not None:
            if self.shard_factor is None:
                _refuse("shard_key needs shard_factor", code=20)
            _whole("shard_key", self.shard_key, 0, self.shard_factor - 1, code=21)

    def _params(self) -> dict[str, object]:
        params: dict[str, object] = {"channels": self.channels}
        for name in ("market_tickers", "market_ids", "index_ids", "underlying_tickers"):
            if values := getattr(self, name):
                params[name] = values
        if BOOK_CHANNEL in self.channels:
            params["use_yes_price"] = self.use_yes_price
        for name in ("send_initial_snapshot", "skip_ticker_ack", "user_filter"):
            if value := getattr(self, name):
                params[name] = value
        for name in ("shard_factor", "shard_key"):
            if (number := getattr(self, name)) is not None:
                params[name] = number
        return params


class Unsubscribe(Command, frozen=True, kw_only=True, tag="unsubscribe"):
    """End subscriptions: one ``unsubscribed`` comes back for each sid.

    >>> Unsubscribe(sids=[2]).encode(7).decode()
    '{"id":7,"cmd":"unsubscribe","params":{"sids":[2]}}'
    """

    sids: Sequence[int]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _sids(self):
            _refuse("an unsubscribe names at least one sid", code=4)

    def _params(self) -> dict[str, object]:
        return {"sids": self.sids}


class UpdateSubscription(Command, frozen=True, kw_only=True, tag="update_subscription"):
    """Change what one subscription holds, or ask it for something.

    Args:
        action: ``add_markets``, ``delete_markets`` (answered by ``ok``); ``get_snapshot`` (answered by one snapshot for
            each ticker, with the command's id); ``subscribe_indices``, ``unsubscribe_indices``, ``indexlist``;
            ``subscribe_underlyings``, ``unsubscribe_underlyings``, ``underlying_list``.
        sid: the subscription; or instead:
        sids: a list with exactly that one.
        market_tickers: at most 500.
        market_ids: instead of tickers, for ``ticker`` alone.
        send_initial_snapshot: ``ticker`` only, with ``add_markets``.
        index_ids, underlying_tickers: for the actions named after them.

    Raises:
        UsageError: the exchange would refuse it; nothing was made.
        TypeError: a text where a list belongs.

    >>> UpdateSubscription(action="get_snapshot", sid=2, market_tickers=["KXDEMO-26-A"]).encode(8).decode()
    '{"id":8,"cmd":"update_subscription","params":{"action":"get_snapshot","sid":2,"market_tickers":["KXDEMO-26-A"]}}'
    """

    action: Action
    sid: int | None = None
    sids: Sequence[int] = ()
    market_tickers: Sequence[str] = ()
    market_ids: Sequence[str] = ()
    send_initial_snapshot: bool = False
    index_ids: Sequence[str] = ()
    underlying_tickers: Sequence[str] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle_sid()
        _flags(self, "send_initial_snapshot")
        if not isinstance(self.action, str) or self.action not in ACTIONS:
            _refuse(f"{self.action!r} is no action of update_subscription", code=15 if not self.action else 13)
        tickers, ids = _texts(self, "market_tickers"), _texts(self, "market_ids")
        indices, underlyings = _texts(self, "index_ids"), _texts(self, "underlying_tickers")
        if self.action in MARKET_ACTIONS:
            if tickers and ids:
                _refuse(f"{self.action} names markets by market_tickers or by market_ids, not both", code=11)
            if not tickers and (not ids or self.action == "get_snapshot"):
                _refuse(f"{self.action} needs market_tickers", code=14)
        elif self.action in INDEX_ACTIONS - LISTING_ACTIONS and not indices:
            _refuse(f"{self.action} needs index_ids", code=24)
        elif self.action in UNDERLYING_ACTIONS - LISTING_ACTIONS and not underlyings:
            _refuse(f"{self.action} needs underlying_tickers", code=28)
        self._check_fields(tickers or ids, indices, underlyings)

    def _settle_sid(self) -> None:
        """Keep the one subscription that was named, in ``sid``."""
        sids = _sids(self)
        if (self.sid is None) == (not sids) or len(sids) > 1:
            _refuse("an update names exactly one subscription: sid=, or sids= with one", code=12)
        if self.sid is not None:
            _whole("sid", self.sid, 1, INT64_MAX, code=7)
            return
        force_setattr(self, "sid", sids[0])
        force_setattr(self, "sids", ())

    def _check_fields(self, markets: tuple[str, ...], indices: tuple[str, ...], underlyings: tuple[str, ...]) -> None:
        for name, given, actions in (
            ("market_tickers and market_ids", markets, MARKET_ACTIONS),
            ("send_initial_snapshot", self.send_initial_snapshot, {"add_markets"}),
            ("index_ids", indices, INDEX_ACTIONS - LISTING_ACTIONS),
            ("underlying_tickers", underlyings, UNDERLYING_ACTIONS - LISTING_ACTIONS),
        ):
            if given and self.action not in actions:
                _refuse(f"{self.action} takes no {name}", code=11)

    def _params(self) -> dict[str, object]:
        params: dict[str, object] = {"action": self.action, "sid": self.sid}
        for name in ("market_tickers", "market_ids", "send_initial_snapshot", "index_ids", "underlying_tickers"):
            if value := getattr(self, name):
                params[name] = value
        return params


class ListSubscriptions(Command, frozen=True, kw_only=True, tag="list_subscriptions"):
    """Ask which channels are open, with their sids: never which markets they hold.

    >>> ListSubscriptions().encode(9).decode()
    '{"id":9,"cmd":"list_subscriptions"}'
    """

    def _params(self) -> None:
        return None


def check_channel(name: str) -> None:
    """Make sure that a channel can be subscribed to.

    Raises:
        UsageError: no such channel; the text names the new one where it is an early name.
    """
    if name in CHANNELS:
        return
    if name in RENAMED_CHANNELS:
        _refuse(f"the channel {name} is gone: subscribe to {RENAMED_CHANNELS[name]}", code=8)
    if name in RETIRED_CHANNELS:
        _refuse(f"the channel {name} is gone, and no other took its place", code=8)
    _refuse(f"there is no channel {name!r}; the channels are {', '.join(CHANNELS)}", code=8)


def _refuse(text: str, *, code: int) -> NoReturn:
    raise UsageError(f"{text} (the exchange would answer with error {code})")


def _texts(command: Command, name: str) -> tuple[str, ...]:
    """Keep a list of names, each once, as a tuple."""
    given = getattr(command, name)
    if isinstance(given, (str, bytes)):
        raise TypeError(f'{name} must be a list of names, such as ["{name}"], not one text')
    if not isinstance(given, Iterable):
        raise TypeError(f"{name} must be a list of texts, not {type(given).__name__}")
    names = tuple(given)
    for each in names:
        if not isinstance(each, str):
            raise TypeError(f"{name} must be a list of texts, and has {type(each).__name__} in it")
        if not each:
            _refuse(f"{name} has an empty name in it", code=11)
    names = tuple(dict.fromkeys(names))
    if len(names) > MAX_TICKERS:
        _refuse(f"a command names at most {MAX_TICKERS} of {name}, not {len(names)}: send several", code=11)
    force_setattr(command, name, names)
    return names


def _sids(command: Unsubscribe | UpdateSubscription) -> tuple[int, ...]:
    given: object = command.sids
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"sids must be a list of subscription ids, not {type(given).__name__}")
    sids = tuple(given)
    for sid in sids:
        _whole("sids", sid, 1, INT64_MAX, code=7)
    sids = tuple(dict.fromkeys(sids))
    force_setattr(command, "sids", sids)
    return sids


def _flags(command: Command, *names: str) -> None:
    for name in names:
        if type(value := getattr(command, name)) is not bool:
            raise TypeError(f"{name} must be bool, not {type(value).__name__}")


def _whole(name: str, number: int, low: int, high: int, *, code: int, code_above: int | None = None) -> None:
    if type(number) is not int:
        raise TypeError(f"{name} must be int, not {type(number).__name__}")
    if not low <= number <= high:
        _refuse(f"{name} is {low} to {high}, not {number}", code=code_above if code_above and number > high else code)


def _only_on(names: Iterable[str], channels: Iterable[str], what: str, given: object) -> None:
    if given and (others := [name for name in names if name not in channels]):
        _refuse(f"{what} is for {' and '.join(sorted(channels))} alone: subscribe to {', '.join(others)} apart", code=11)
