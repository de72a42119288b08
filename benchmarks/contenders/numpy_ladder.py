"""A numpy array with a cell for every price of a ten-thousandth grid, and the best prices remembered."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy

from .wire import Change, Levels, Top


class Book:
    keeps = ("sizes", "best")
    reads: ClassVar = {
        "both best prices": "(best[0], 10_000 - best[1])",
        "snapshot": "sizes.copy()",
    }

    def open(self, yes: Levels, no: Levels) -> None:
        self.sizes = numpy.zeros((2, 10_001), dtype=numpy.int64)
        for row, levels in enumerate((yes, no)):
            for price, size in levels:
                self.sizes[row, price] = size
        self.best = [max(price for price, _size in levels) for levels in (yes, no)]
        self.bests: Top = (None, None)

    def run(self, changes: list[Change]) -> None:
        best, bests = self.best, self.bests
        rows = {"yes": (0, self.sizes[0]), "no": (1, self.sizes[1])}
        for side, price, delta in changes:
            row, sizes = rows[side]
            size = sizes.item(price) + delta
            sizes[price] = size
            if size:
                best[row] = max(best[row], price)
            elif price == best[row]:
                price -= 1
                while not sizes.item(price):
                    price -= 1
                best[row] = price
            bests = (best[0], 10_000 - best[1])
        self.bests = bests

    def top(self, change: Change) -> Top:
        self.run([change])
        return self.bests

    def names(self) -> dict[str, Any]:
        return {"best": self.best, "sizes": self.sizes}

    def held(self) -> tuple[Levels, Levels]:
        yes, no = ([(int(p), int(row[p])) for p in numpy.nonzero(row)[0]] for row in self.sizes)
        return yes, no
