"""What the exchange said of one market: whether it trades, its times, and its valid prices.

A ``Market`` never changes: ``after`` and ``outdated`` give the next one. There is no clock here, so ``state`` is what was
said last, and ``state_at`` adds what the schedule says of a time that is passed in: no event marks the close itself.

::

    UNKNOWN ──activated──▶ ACTIVE ◀──activated, deactivated──▶ PAUSED        lost something: UNKNOWN again
       │                      │                                   │
       └──────────────────────┴────────────determined─────────────┴──▶ CLOSED ──settled──▶ SETTLED     both are final

Source: the exchange's "Market & Event Lifecycle" channel, AsyncAPI text, read 2026-10-26. It sends changes only and no
first list, so a market is UNKNOWN until its first event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from .errors import UsageError
from .kinds import MarketState
from .messages.lifecycle import MarketLifecycle, PriceRange

__all__ = ["Market"]

_FINAL = (MarketState.CLOSED, MarketState.SETTLED)
_IS_PAUSE = {"activated": False, "deactivated": True}
_FACTS = ("open_ts", "close_ts", "determination_ts", "settled_ts", "result", "settlement_value_e4")
_KNOWN_EVENTS = {
    "created", "activated", "deactivated", "close_date_updated", "determined", "settled", "price_level_structure_updated",
}  # fmt: skip


class Market(Struct, frozen=True, kw_only=True, gc=False):
    """What is known of one market. Immutable.

    Attributes:
        market_ticker: the market.
        state: what was said last of its trading, a MarketState. It knows no time: see ``state_at``.
        price_ranges: bands of valid prices, lowest first; None: not told, or none of them could be used. A band without
            a step above 0, or that does not end above its start, is left out.
        price_level_structure: the exchange's label for them, or None. Only a label: no tick is derived from it.
        is_current: whether nothing was lost since the price ranges or their label were told. False: they are the last
            known, and may have changed since.
        open_ts, close_ts: when it opens and is to close, unix seconds, or None. ``outdated`` forgets a close time.
        determination_ts, settled_ts: when it was determined and settled, unix seconds, or None.
        result: how it was determined, as the exchange says it, or None.
        settlement_value_e4: what one YES contract is worth, in $0.0001, or None.

    >>> from kalshi_book import Market, PriceRange
    >>> market = Market(market_ticker="KXDEMO-26-A", price_ranges=(PriceRange(0, 1000, 10), PriceRange(1000, 10000, 100)))
    >>> market.state, market.tick_at_e4(990), market.tick_at_e4(1000)
    (<MarketState.UNKNOWN: 'unknown'>, 10, 100)
    """

    market_ticker: str
    state: MarketState = MarketState.UNKNOWN
    price_ranges: tuple[PriceRange, ...] | None = None
    price_level_structure: str | None = None
    is_current: bool = False
    open_ts: int | None = None
    close_ts: int | None = None
    determination_ts: int | None = None
    settled_ts: int | None = None
    result: str | None = None
    settlement_value_e4: int | None = None

    def after(self, event: MarketLifecycle) -> Market:
        """Give the market as it is after one more event. What an event does not say stays as it was.

        - ``created`` tells times and prices, not that the market trades: the state stays.
        - ``activated``, ``deactivated``: ACTIVE, PAUSED; UNKNOWN where ``is_deactivated`` says the opposite. Of a market
          that is CLOSED or SETTLED they mean nothing ("only be interpreted for an open market").
        - ``determined``: CLOSED; trading is over. ``settled``: SETTLED.
        - ``close_date_updated``: a new close time, or none known where the event has none.
        - ``price_level_structure_updated``: label and bands are replaced together, since the old ones hold no longer.
        - ``metadata_updated`` and types that we do not know change nothing.

        Raises:
            UsageError: an event of another market.
        """
        if event.market_ticker != self.market_ticker:
            raise UsageError(f"an event of {event.market_ticker} does not belong to the market {self.market_ticker}")
        if event.event_type not in _KNOWN_EVENTS:
            return self
        changes: dict[str, Any] = {name: told for name in _FACTS if (told := getattr(event, name)) is not None}
        changes["state"] = self._state_after(event)
        if event.event_type == "close_date_updated":
            changes["close_ts"] = event.close_ts
        if (
            event.event_type == "price_level_structure_updated"
            or event.price_ranges is not None
            or event.price_level_structure is not None
        ):
            changes["price_ranges"] = _usable(event.price_ranges)
            changes["price_level_structure"] = event.price_level_structure
            changes["is_current"] = True
        return replace(self, **changes)

    def outdated(self) -> Market:
        """Give what still holds after events may have been lost: a gap, a disconnect, the end of the subscription.

        CLOSED and SETTLED are final; any other state is UNKNOWN. A close time may have been moved and is forgotten, as a
        wrong one would call a market CLOSED that trades. Price ranges stay as last known, with ``is_current`` False.
        """
        if self.state in _FINAL:
            return replace(self, is_current=False)
        return replace(self, state=MarketState.UNKNOWN, close_ts=None, is_current=False)

    def state_at(self, ts: int) -> MarketState:
        """Give the state at a time: CLOSED before ``open_ts`` and from ``close_ts`` on, else ``state``.

        Of a time that is not known nothing is made: an ACTIVE market without ``close_ts`` is ACTIVE until it is determined.

        Args:
            ts: unix seconds by the exchange's clock, not earlier than the last event.
        """
        if self.state in _FINAL:
            return self.state
        is_early = self.open_ts is not None and ts < self.open_ts
        is_late = self.close_ts is not None and ts >= self.close_ts
        return MarketState.CLOSED if is_early or is_late else self.state

    def tick_at_e4(self, price_e4: int) -> int | None:
        """Give the step from a price to the next valid price above it, in $0.0001. O(bands).

        Neighbouring bands share an end. There the band that starts counts, so the answer is the step up; the top end of
        the last band answers with its own step. The step down from a price is that of the band right below it:
        ``tick_at_e4(price_e4 - 1)``. A price between two steps, where an order may rest from before a change of the
        bands, gets the step of its band.

        Returns:
            The step, or None: no price ranges are known, or none holds this price.
        """
        for band in reversed(self.price_ranges or ()):
            if band.start_e4 <= price_e4 <= band.end_e4:
                return band.step_e4
        return None

    def ticks_between_e4(self, low_e4: int, high_e4: int) -> int | None:
        """Count the valid prices above one price, up to and with another, both in $0.0001. O(bands).

        Returns:
            How many steps lead from the one to the other, or None: no price ranges are known, one of the prices is not
            valid by them, or the way leads through a part without valid prices.
        """
        bands = self.price_ranges or ()
        if not any(band.start_e4 <= low_e4 <= band.end_e4 and _is_step(band, low_e4) for band in bands):
            return None
        at_e4, ticks = low_e4, 0
        for band, upper in zip(bands, [*bands[1:], None], strict=True):
            ends_e4 = band.end_e4 if upper is None else min(band.end_e4, upper.start_e4)  # from there on the upper counts
            end_e4 = min(ends_e4, high_e4)
            if band.start_e4 <= at_e4 < end_e4 and _is_step(band, at_e4):
                steps = -(-(end_e4 - at_e4) // band.step_e4)
                at_e4, ticks = at_e4 + steps * band.step_e4, ticks + steps
                if upper is not None and end_e4 == upper.start_e4:
                    at_e4 = end_e4  # a price that is valid as the start of a band, whatever the steps below it
        return ticks if at_e4 == high_e4 else None

    def _state_after(self, event: MarketLifecycle) -> MarketState:
        if event.event_type == "settled" or self.state is MarketState.SETTLED:
            return MarketState.SETTLED
        if event.event_type == "determined" or self.state is MarketState.CLOSED:
            return MarketState.CLOSED
        is_pause = _IS_PAUSE.get(event.event_type or "")
        if is_pause is None:
            return self.state
        if event.is_deactivated not in (None, is_pause):
            return MarketState.UNKNOWN
        return MarketState.PAUSED if is_pause else MarketState.ACTIVE


def _is_step(band: PriceRange, price_e4: int) -> bool:
    return (price_e4 - band.start_e4) % band.step_e4 == 0


def _usable(ranges: Sequence[PriceRange] | None) -> tuple[PriceRange, ...] | None:
    bands = [band for band in ranges or () if band.step_e4 > 0 and band.start_e4 < band.end_e4]
    return tuple(sorted(bands, key=lambda band: band.start_e4)) or None
