"""One subscription of a connection: its sid, its count, and what it holds."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Final

from ..messages.vocabulary import CHANNELS
from .commands import ALL, COMMUNICATIONS, INDICES, LISTS, MARKET_IDS, MARKETS, UNDERLYINGS, Names, Refused, Subscribe
from .rules import Rules
from .wire import Wire

_OWN_ONLY: Final = ("rfq_created", "rfq_deleted", "rfq_batch_created", "rfq_batch_deleted")
_NAMED_BY: Final = {INDICES: "index_id", UNDERLYINGS: "underlying_ticker"}


class Subscription:
    """One sid on one channel.

    Args:
        channel: which.
        sid: its number.
        given: the command that opened it. What it says beside names holds for good: merging a later subscribe changes
            neither the price scale nor the share of the communications (silent).
        rules: of the exchange.

    Attributes:
        seq: the last number that was used; 0: none yet.
        is_counted: whether its frames carry `seq`.
        takes_all: whether it holds every market, as one without a list does.
        names: what it lists, in order, by kind of list. A list of markets that none was named for is not there.
        skip_ticker_ack: whether its `ok` leaves the lists out.
        wire: writes the frames of the book.
    """

    def __init__(self, channel: str, sid: int, given: Subscribe, rules: Rules) -> None:
        self.channel = channel
        self.sid = sid
        self.seq = 0
        self.is_counted = CHANNELS[channel].is_sequenced
        self.takes_all = False
        self.names: dict[str, dict[str, None]] = {kind: {} for kind in LISTS[channel] if kind in _NAMED_BY}
        self.skip_ticker_ack = False
        yes_scale = rules.yes_price_default if given.use_yes_price is None else given.use_yes_price
        self.wire = Wire(era=rules.era, sid=sid, use_yes_price=yes_scale)
        self._only_own = given.only_own
        self._shard = given.shard

    @property
    def markets(self) -> Mapping[str, None]:
        """The tickers that it lists."""
        return self.names.get(MARKETS, {})

    def add(self, wanted: Names, market_limit: int) -> list[str]:
        """List more names, and give those that are new, in order. A subscription to everything stays one (silent).

        Raises:
            Refused: 26, there would be too many; nothing was changed.
        """
        if self.takes_all:
            return []
        new = {kind: [name for name in names if name not in self.names.get(kind, {})] for kind, names in wanted.items()}
        listed = sum(len(self.names.get(kind, {})) + len(new.get(kind, ())) for kind in (MARKETS, MARKET_IDS))
        if any(new.values()) and listed > market_limit:
            raise Refused(26)
        for kind, names in new.items():
            self.names.setdefault(kind, {}).update(dict.fromkeys(names))
        return [name for names in new.values() for name in names]

    def take_all(self) -> None:
        """Hold every market from now on: a subscribe that names none asks for that."""
        self.takes_all = True
        self.names = {}

    def remove(self, kind: str, names: list[str]) -> None:
        """List these names no more. One that it does not list makes no difference."""
        for name in names:
            self.names.get(kind, {}).pop(name, None)

    def lists(self) -> Names:
        """Give what an `ok` shows: the full lists. "all" stands for every index or underlying."""
        return {kind: [ALL] if _is_all(kind, names) else list(names) for kind, names in self.names.items()}

    def holds(self, market_ticker: str, market_id: str) -> bool:
        """Tell whether a message about a market belongs here."""
        return self.takes_all or market_ticker in self.markets or market_id in self.names.get(MARKET_IDS, ())

    def wants(self, type_: str, msg: Mapping[str, Any], own_id: str | None) -> bool:
        """Tell whether any message of its channel belongs here: one that names nothing does.

        Which share of the communications a message falls into is not published: here, the CRC-32 of the id of its batch
        or of its market modulo `shard_factor`.
        """
        if self.channel == COMMUNICATIONS:
            return self._is_of_share(msg) and not (self._only_own and type_ in _OWN_ONLY and msg.get("creator_id") != own_id)
        for kind, names in self.names.items():
            if kind in _NAMED_BY:
                named = msg.get(_NAMED_BY[kind])
                return named is None or named in names or ALL in names
        ticker = ticker_of(msg)
        return ticker is None or not LISTS[self.channel] or self.holds(ticker, msg.get("market_id", ""))

    def _is_of_share(self, msg: Mapping[str, Any]) -> bool:
        if self._shard is None:
            return True
        factor, key = self._shard
        about = str(msg.get("rfq_batch_id") or msg.get("market_ticker", ""))
        return zlib.crc32(about.encode()) % factor == key


def ticker_of(msg: Mapping[str, Any]) -> str | None:
    """Give the market that a message is about, or None. `user_order` has a name of its own for it."""
    ticker: str | None = msg.get("market_ticker", msg.get("ticker"))
    return ticker


def _is_all(kind: str, names: Mapping[str, None]) -> bool:
    return kind in _NAMED_BY and ALL in names
