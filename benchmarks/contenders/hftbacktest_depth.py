"""hftbacktest's market depth. It lives inside a backtest and is made for numba, so it is stepped there: one event of level
data at a time, then both best ticks. No Python runs between two changes; its event queue does."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    LOCAL_EVENT,
    SELL_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    event_dtype,
)  # fmt: skip
from numba import njit

from .wire import Change, Levels, Top

FOREVER = 10**15


@njit  # type: ignore[untyped-decorator]
def step(backtest: Any, bids: Any, asks: Any) -> None:
    """Take as many events as there is room for."""
    depth = backtest.depth(0)
    for at in range(len(bids)):
        backtest.wait_next_feed(False, FOREVER)
        bids[at], asks[at] = depth.best_bid_tick, depth.best_ask_tick


class Book:
    reads: ClassVar[dict[str, str]] = {}

    def open(self, yes: Levels, no: Levels) -> None:
        self.levels: list[Change] = [("yes", price, size) for price, size in yes] + [
            ("no", price, size) for price, size in no
        ]

    def prepare(self, changes: list[Change]) -> list[Change]:
        """Write all of it as the backtest's events, which hold whole sizes, and take in the opening."""
        sizes: dict[tuple[str, int], int] = {}
        events = numpy.zeros(len(self.levels) + len(changes), dtype=event_dtype)
        for at, (side, price, delta) in enumerate([*self.levels, *changes]):
            size = sizes[side, price] = sizes.get((side, price), 0) + delta
            flags = EXCH_EVENT | LOCAL_EVENT | DEPTH_EVENT | (BUY_EVENT if side == "yes" else SELL_EVENT)
            price = price if side == "yes" else 10_000 - price
            events[at] = (flags, 1_000 * (at + 1), 1_000 * (at + 1), price, size, 0, 0, 0)
        self.events = events  # it is read where it lies, and not kept alive
        asset = BacktestAsset().data([events]).linear_asset(1.0).constant_order_latency(0, 0).risk_adverse_queue_model()
        asset = asset.no_partial_fill_exchange().trading_value_fee_model(0, 0).tick_size(1).lot_size(1)
        self.backtest = HashMapMarketDepthBacktest([asset])
        self.run(self.levels)
        return changes

    def run(self, changes: list[Change]) -> None:
        self.bids, self.asks = numpy.zeros((2, len(changes)), dtype=numpy.int64)
        step(self.backtest, self.bids, self.asks)

    def top(self, change: Change) -> Top:
        self.run([change])
        return int(self.bids[-1]), int(self.asks[-1])
