"""kalshi-simple-ws-orderbook: ``OrderbookManager`` behind json, as its socket's handler calls it. It knows only cents."""

from __future__ import annotations

import json
from typing import Any

from orderbook_manager import OrderbookManager

from .wire import DELTA, SNAPSHOT, Top


class Frames:
    takes = str

    def open(self, opening: list[str]) -> None:
        self.manager = OrderbookManager()
        self.run(opening)

    def run(self, frames: list[str]) -> None:
        manager, bests = self.manager, dict[str, Any]()
        for frame in frames:
            message = json.loads(frame)
            kind, msg = message["type"], message["msg"]
            if kind == DELTA:
                manager.handle_delta(msg)
            elif kind == SNAPSHOT:
                manager.handle_snapshot(msg)
            else:
                continue
            bests = manager.get_best_prices(msg["market_ticker"])
        self.bests = bests

    def top(self, frame: str) -> Top:
        self.run([frame])
        yes, no = self.bests.get("best_yes"), self.bests.get("best_no")
        return None if yes is None else 100 * yes, None if no is None else 10_000 - 100 * no
