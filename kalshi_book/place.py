"""Where an order stands in the queue of its level: what a history of decreases leaves ahead of it, at least and at most.

The theory. An exchange with price-time priority fills a level from the front, and whoever comes stands behind. So what is
ahead of an order can only fall. Each decrease of the level is one of two things:

- *a trade*: it was at the front. The least and the most that can be ahead fall by it.
- *anything else* (a cancel, a decrease, an expiry): it may have been ahead or behind. The least falls by it. The most does
  not; but never more can be ahead than what others rest at the level.

Which one it was, the trade says, on another channel: before the decrease, right after it, or much later. So decreases are
kept, and the answer is worked out from all of them each time: the most that was possible after each step bounds the next.

A trade and its decrease have the same price, the same size and the same ``ts_ms``, one for one (observed: all 5,110 trades
in recordings of three production markets, August 2026; 38 of them came before their decrease). Until the book has shown a
later ``ts_ms``, the decrease of a trade may still be under way while another one looks like it; so only then does the trade
lower the most. Of several that look alike the earliest is taken, which lowers it least.

The estimate spreads what is no trade over the queue evenly: a share of it was ahead, as large as the share of others' size
that stood ahead. E. Rigtorp, "Estimating order queue position", 2013, with f(x) = x.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from msgspec import Struct

from . import units

__all__ = ["Ahead", "Place"]

KEPT: Final = 128
"""Decreases that wait for a trade to explain them. Older ones stay unexplained."""


class Ahead(Struct, frozen=True, kw_only=True, gc=False):
    """How much stands ahead of an order at its price, as of the book. Immutable.

    Attributes:
        low_e2, high_e2: the least and the most that it can be, in 0.01 contract.
        estimate_e2: what it is if those who cancel stand anywhere in the queue, each equally likely; from low to high.
    """

    low_e2: int
    high_e2: int
    estimate_e2: int

    @property
    def low(self) -> Decimal:
        """The least in contracts, an exact Decimal with 2 decimals."""
        return units.size_decimal(self.low_e2)

    @property
    def high(self) -> Decimal:
        """The most in contracts, an exact Decimal with 2 decimals."""
        return units.size_decimal(self.high_e2)

    @property
    def estimate(self) -> Decimal:
        """The estimate in contracts, an exact Decimal with 2 decimals."""
        return units.size_decimal(self.estimate_e2)

    def __repr__(self) -> str:
        low, high, estimate = map(units.size_text, (self.low_e2, self.high_e2, self.estimate_e2))
        return f"Ahead({low} to {high}, about {estimate})"


class _Decrease:
    """A decrease of the level that was not the order's own.

    Attributes:
        size_e2: how much.
        ts_ms: the exchange's time of it, or None.
        others_e2: what others rested at the level before it.
        is_trade: whether a trade explains it.
    """

    __slots__ = ("is_trade", "others_e2", "size_e2", "ts_ms")

    def __init__(self, size_e2: int, ts_ms: int | None, others_e2: int, is_trade: bool) -> None:
        self.size_e2 = size_e2
        self.ts_ms = ts_ms
        self.others_e2 = others_e2
        self.is_trade = is_trade


class Place:
    """The place of one order in the queue of one level, from when it came there.

    Args:
        ahead: what can be ahead of it now.
        placed_ms: the exchange's time of that, or None: a fill from before says nothing of this place.
        since_ms: trades of up to then belong to decreases from before; None: up to the next time that the book shows.

    >>> place = Place(Ahead(low_e2=1000, high_e2=1000, estimate_e2=1000), placed_ms=5, since_ms=5)
    >>> place.decreased(400, ts_ms=7, others_e2=2000)  # somebody traded or cancelled, who knows where
    >>> place.now(others_e2=1600)
    Ahead(6.00 to 10.00, about 8.00)
    >>> place.traded(400, ts_ms=7, trade_id="t-1")  # it was a trade, so it was ahead
    >>> place.passed(8)
    >>> place.now(others_e2=1600)
    Ahead(6.00 to 6.00, about 6.00)
    """

    __slots__ = ("_base", "_book_ms", "_decreases", "_filled_ms", "_placed_ms", "_since_ms", "_trade_ids", "_waiting")

    def __init__(self, ahead: Ahead, *, placed_ms: int | None, since_ms: int | None) -> None:
        self._base = ahead
        self._placed_ms = placed_ms
        self._since_ms = self._book_ms = since_ms
        self._decreases: deque[_Decrease] = deque()
        self._waiting: Counter[tuple[int, int]] = Counter()  # trades without a decrease so far, by ts_ms and size_e2
        self._trade_ids: deque[str] = deque(maxlen=KEPT)
        self._filled_ms: int | None = None

    def now(self, *, others_e2: int | None) -> Ahead:
        """Work out what can be ahead. O(decreases kept).

        Args:
            others_e2: what others rest at the level; None: not known.
        """
        low_e2, high_e2, estimate_e2 = self._after(self._decreases)
        if self._filled_ms is not None:  # whoever is filled stands at the front
            low_e2 = estimate_e2 = 0
            if self._is_past(self._filled_ms):
                high_e2 = 0
        if others_e2 is not None:
            high_e2 = min(high_e2, others_e2)
        return _ahead(low_e2, high_e2, estimate_e2)

    def decreased(self, size_e2: int, *, ts_ms: int | None, others_e2: int) -> None:
        """Note a decrease of the level that was not the order's own, after ``passed``.

        Args:
            size_e2: how much, more than 0.
            ts_ms: its time, or None: no trade can explain it.
            others_e2: what others rested at the level before it.
        """
        is_trade = ts_ms is not None and self._waiting[ts_ms, size_e2] > 0
        if ts_ms is not None and is_trade:
            self._waiting[ts_ms, size_e2] -= 1
        self._decreases.append(_Decrease(size_e2, ts_ms, others_e2, is_trade))
        if len(self._decreases) > KEPT:
            oldest = self._decreases.popleft()
            self._base = _ahead(*self._after([oldest]))
            self._since_ms = self._since_ms if oldest.ts_ms is None else oldest.ts_ms

    def traded(self, size_e2: int, *, ts_ms: int, trade_id: str | None) -> None:
        """Note a trade at the order's price against its side, whether or not its decrease came already."""
        if trade_id is not None and trade_id in self._trade_ids:
            return
        if self._since_ms is None or ts_ms <= self._since_ms:
            return
        if trade_id is not None:
            self._trade_ids.append(trade_id)
        for decrease in self._decreases:
            if not decrease.is_trade and (decrease.ts_ms, decrease.size_e2) == (ts_ms, size_e2):
                decrease.is_trade = True
                return
        if not self._is_past(ts_ms) and len(self._waiting) < KEPT:
            self._waiting[ts_ms, size_e2] += 1

    def filled(self, *, ts_ms: int) -> None:
        """Note that the order itself was filled, in part, as a maker."""
        if self._placed_ms is not None and ts_ms > self._placed_ms and self._filled_ms is None:
            self._filled_ms = ts_ms

    def passed(self, ts_ms: int) -> None:
        """Note the time of a change of the book, before the change itself."""
        if self._since_ms is None:
            self._since_ms = ts_ms
        self._book_ms = ts_ms
        if self._waiting:
            self._waiting = Counter({key: count for key, count in self._waiting.items() if count and key[0] >= ts_ms})

    def joined(self) -> None:
        """Note that the level grew, and that it may have been an order ahead that grew, and so went to the back."""
        self._base = _ahead(0, self._base.high_e2, self._base.estimate_e2)

    def missed(self) -> None:
        """Note that changes of the level were missed: who was ahead may be gone, and nobody can have come there."""
        now = self.now(others_e2=None)
        self._base = _ahead(0, now.high_e2, now.estimate_e2)
        self._forget()
        self._since_ms = None

    def observed(self, size_e2: int) -> None:
        """Let what is ahead be known from elsewhere."""
        self._base = _ahead(size_e2, size_e2, size_e2)
        self._forget()
        self._since_ms = self._book_ms

    def _forget(self) -> None:
        self._decreases.clear()
        self._waiting.clear()

    def _is_past(self, ts_ms: int) -> bool:
        """Whether the book has shown all of a time, and so the decrease of every trade of it."""
        return self._book_ms is not None and ts_ms < self._book_ms

    def _after(self, decreases: Iterable[_Decrease]) -> tuple[int, int, int]:
        """The least, the most and the estimate after decreases from the base on. Plain numbers: it is asked often."""
        low_e2, high_e2, estimate_e2 = self._base.low_e2, self._base.high_e2, self._base.estimate_e2
        for each in decreases:
            size_e2, left_e2 = each.size_e2, max(each.others_e2 - each.size_e2, 0)
            low_e2 = max(low_e2 - size_e2, 0)
            if each.is_trade:
                estimate_e2 = max(estimate_e2 - size_e2, 0)
                if each.ts_ms is not None and self._is_past(each.ts_ms):
                    high_e2 = max(high_e2 - size_e2, 0)
            elif each.others_e2:
                estimate_e2 = estimate_e2 * left_e2 // each.others_e2
            high_e2 = min(high_e2, left_e2)
            estimate_e2 = min(max(estimate_e2, low_e2), high_e2)
        return low_e2, high_e2, estimate_e2


def _ahead(low_e2: int, high_e2: int, estimate_e2: int) -> Ahead:
    """Bounds in order, and the estimate between them."""
    low_e2 = min(low_e2, high_e2)
    return Ahead(low_e2=low_e2, high_e2=high_e2, estimate_e2=min(max(estimate_e2, low_e2), high_e2))
