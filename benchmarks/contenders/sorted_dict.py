"""sortedcontainers.SortedDict, one for each side, keyed by integers."""

from __future__ import annotations

from typing import Any, ClassVar

from sortedcontainers import SortedDict

from .dicts import sides_from
from .wire import Change, Levels, Top, texts


class Book:
    keeps = ("sides",)
    reads: ClassVar = {
        "both best prices": "(yes.peekitem()[0], 10_000 - no.peekitem()[0])",
        "five levels a side": "(yes.items()[-5:], no.items()[-5:])",
        "all levels": "(list(yes.items()), list(no.items()))",
        "snapshot": "(yes.copy(), no.copy())",
        "load from integers": "(SortedDict(integers[0]), SortedDict(integers[1]))",
        "load from text": "[SortedDict(side) for side in sides_from(*text).values()]",
    }

    def open(self, yes: Levels, no: Levels) -> None:
        self.integers, self.text = (yes, no), (texts(yes), texts(no))
        self.sides = {"yes": SortedDict(yes), "no": SortedDict(no)}
        self.bests: Top = (None, None)

    def run(self, changes: list[Change]) -> None:
        sides, bests = self.sides, self.bests
        yes, no = sides["yes"], sides["no"]
        for side, price, delta in changes:
            levels = sides[side]
            size = levels.get(price, 0) + delta
            if size:
                levels[price] = size
            else:
                del levels[price]
            bests = (yes.peekitem()[0], 10_000 - no.peekitem()[0])
        self.bests = bests

    def top(self, change: Change) -> Top:
        self.run([change])
        return self.bests

    def names(self) -> dict[str, Any]:
        names = {"yes": self.sides["yes"], "no": self.sides["no"], "integers": self.integers, "text": self.text}
        return {**names, "SortedDict": SortedDict, "sides_from": sides_from}

    def held(self) -> tuple[Levels, Levels]:
        return list(self.sides["yes"].items()), list(self.sides["no"].items())
