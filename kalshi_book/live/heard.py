"""What consumers hear of the channels that are no books': each thing once, and since when nothing of it was heard.

Fills and own orders come on every connection, since its books need them. Whichever connection brings one first, its
consumers hear it; so they miss none while any connection is up. What is missed while none is shows when the channel is open
again: nobody sends it a second time, and only REST has it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from ..messages import Fill, Message, UserOrder

ANYWHERE: Final = frozenset({"fill", "user_orders"})
"""What is heard from any connection; everything else but books from the first one alone."""

KEPT: Final = 2_000
"""How many messages are remembered, to know them again on another connection."""


class Heard:
    """Of all connections of a client."""

    def __init__(self) -> None:
        self._open: dict[str, set[int]] = {}
        self._proven_ms: dict[str, int] = {}
        self._told: OrderedDict[object, int] = OrderedDict()

    def opened(self, channel: str, connection: int) -> int | None:
        """Note that a channel is open. Returns since when nothing of it may have been heard, unix milliseconds, or None."""
        if not _counts(channel, connection):
            return None
        others = self._open.setdefault(channel, set())
        since_ms = None if others else self._proven_ms.pop(channel, None)
        others.add(connection)
        return since_ms

    def closed(self, channel: str, connection: int, proven_ms: int | None) -> None:
        """Note that a channel is open no more, and when it was known to be for the last time; None: it is not wanted."""
        if _counts(channel, connection):
            self._open[channel].discard(connection)
            if proven_ms is not None:
                self._proven_ms[channel] = max(proven_ms, self._proven_ms.get(channel, 0))

    def forget(self, channel: str) -> None:
        """Note that a channel is wanted no more: what comes on it from here on nobody misses."""
        self._proven_ms.pop(channel, None)

    def is_news(self, message: Message | None, connection: int) -> bool:
        """Whether consumers are to hear a fill or an own order: unless another connection brought it."""
        key = _key(message)
        if key is None:
            return connection == 1
        teller = self._told.setdefault(key, connection)
        if len(self._told) > KEPT:
            self._told.popitem(last=False)
        return teller == connection


def _counts(channel: str, connection: int) -> bool:
    return connection == 1 or channel in ANYWHERE


def _key(message: Message | None) -> object:
    """By what a message is known again, or None: two that look alike may be two."""
    if isinstance(message, Fill) and message.trade_id is not None:
        return message.trade_id, message.order_id
    if isinstance(message, UserOrder) and (ts_ms := message.last_updated_ts_ms or message.created_ts_ms) is not None:
        said = message.msg
        numbers = said.remaining_count_fp, said.fill_count_fp, said.yes_price_dollars
        return message.order_id, ts_ms, message.status, *numbers
    return None
