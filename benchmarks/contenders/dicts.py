"""What people write themselves: a dict for each side, and max() for the best, or the best remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from .wire import DELTA, SNAPSHOT, Change, Levels, Top, sides_of, texts

Sides = dict[str, dict[int, int]]


def sides_from(yes: list[Any], no: list[Any]) -> Sides:
    """Read the levels of a snapshot."""
    pairs = (("yes", yes), ("no", no))
    return {side: {round(float(p) * 10_000): round(float(s) * 100) for p, s in levels} for side, levels in pairs}


class Json:
    """The decoder of the standard library. Prices and sizes become integers, since floats would leave phantom levels."""

    takes: type = bytes
    decode: Callable[[Any], Any] = staticmethod(json.loads)

    def open(self, opening: list[Any]) -> None:
        self.books: dict[str, Sides] = {}
        self.run(opening)

    def run(self, frames: list[Any]) -> None:
        decode, books = self.decode, self.books
        for frame in frames:
            message = decode(frame)
            msg = message["msg"]
            if message["type"] == DELTA:
                book = books[msg["market_ticker"]]
                levels = book[msg["side"]]
                price = round(float(msg["price_dollars"]) * 10_000)
                size = levels.get(price, 0) + round(float(msg["delta_fp"]) * 100)
                if size > 0:
                    levels[price] = size
                else:
                    levels.pop(price, None)
            elif message["type"] == SNAPSHOT:
                book = books[msg["market_ticker"]] = sides_from(*sides_of(msg))
            else:
                continue
            yes, no = book["yes"], book["no"]
            self.bests = (max(yes) if yes else None, 10_000 - max(no) if no else None)

    def top(self, frame: Any) -> Top:
        self.run([frame])
        return self.bests


class Orjson(Json):
    """The same with orjson."""

    def open(self, opening: list[Any]) -> None:
        import orjson

        self.decode = orjson.loads
        super().open(opening)


class Msgspec(Json):
    """The same with msgspec, typed: its decoder fills structs of just the fields that are needed."""

    def open(self, opening: list[Any]) -> None:
        import msgspec

        fields = [("market_ticker", str), ("side", str), ("price_dollars", str), ("delta_fp", str)]
        body = msgspec.defstruct("Body", fields, gc=False)
        self.read: Callable[[Any], Any] = msgspec.json.Decoder(
            msgspec.defstruct("Delta", [("msg", body)], tag=DELTA, gc=False)
        ).decode
        self.other = msgspec.ValidationError
        super().open(opening)

    def run(self, frames: list[Any]) -> None:
        read, books = self.read, self.books
        for frame in frames:
            try:
                msg = read(frame).msg
            except self.other:  # a snapshot or a reply
                super().run([frame])
                continue
            book = books[msg.market_ticker]
            levels = book[msg.side]
            price = round(float(msg.price_dollars) * 10_000)
            size = levels.get(price, 0) + round(float(msg.delta_fp) * 100)
            if size > 0:
                levels[price] = size
            else:
                levels.pop(price, None)
            yes, no = book["yes"], book["no"]
            self.bests = (max(yes) if yes else None, 10_000 - max(no) if no else None)


class MaxBook:
    """One book: a dict for each side, max() for each best."""

    keeps = ("sides",)

    reads: ClassVar = {
        "both best prices": "(max(yes), 10_000 - max(no))",
        "five levels a side": "(nlargest(5, yes.items()), nlargest(5, no.items()))",
        "all levels": "(sorted(yes.items(), reverse=True), sorted(no.items(), reverse=True))",
        "snapshot": "(yes.copy(), no.copy())",
        "load from integers": "(dict(integers[0]), dict(integers[1]))",
        "load from text": "sides_from(*text)",
    }

    def open(self, yes: Levels, no: Levels) -> None:
        self.integers, self.text = (yes, no), (texts(yes), texts(no))
        self.sides: Sides = {"yes": dict(yes), "no": dict(no)}
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
            bests = (max(yes), 10_000 - max(no))
        self.bests = bests

    def top(self, change: Change) -> Top:
        self.run([change])
        return self.bests

    def names(self) -> dict[str, Any]:
        from heapq import nlargest

        names = {"yes": self.sides["yes"], "no": self.sides["no"], "integers": self.integers, "text": self.text}
        return {**names, "nlargest": nlargest, "sides_from": sides_from}

    def held(self) -> tuple[Levels, Levels]:
        return sorted(self.sides["yes"].items()), sorted(self.sides["no"].items())


class CachedBook(MaxBook):
    """The same, but the best prices are remembered, and looked for again only where a best level has gone."""

    reads: ClassVar = {"both best prices": "(best['yes'], 10_000 - best['no'])"}

    def open(self, yes: Levels, no: Levels) -> None:
        super().open(yes, no)
        self.best = {side: max(levels) for side, levels in self.sides.items()}

    def run(self, changes: list[Change]) -> None:
        sides, best, bests = self.sides, self.best, self.bests
        for side, price, delta in changes:
            levels = sides[side]
            size = levels.get(price, 0) + delta
            if size:
                levels[price] = size
                best[side] = max(best[side], price)
            else:
                del levels[price]
                if price == best[side]:
                    best[side] = max(levels)
            bests = (best["yes"], 10_000 - best["no"])
        self.bests = bests

    def names(self) -> dict[str, Any]:
        return {"best": self.best}
