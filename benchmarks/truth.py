"""The top of book after every frame or change, by the plainest code there is. Slow, and sure of every shape of a frame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

Top = tuple["int | None", "int | None"]
Sides = dict[str, dict[int, int]]


def ten_thousandths(text: str) -> int:
    """Read dollars exactly: "0.42" is 4200."""
    whole, _, part = text.partition(".")
    return int(whole) * 10_000 + int(part.ljust(4, "0"))


def hundredths(text: str) -> int:
    """Read contracts exactly: "-7.5" is -750."""
    sign = -1 if text.startswith("-") else 1
    whole, _, part = text.lstrip("-").partition(".")
    return sign * (int(whole) * 100 + int(part.ljust(2, "0")))


def level(price: Any, size: Any) -> tuple[int, int]:
    """Read one level of any shape: numbers are whole cents and whole contracts."""
    price_e4 = price * 100 if isinstance(price, int) else ten_thousandths(price)
    return price_e4, size * 100 if isinstance(size, int) else hundredths(size)


class Truth:
    """Books of all markets, as dicts."""

    def __init__(self) -> None:
        self.books: dict[str, Sides] = {}

    def take(self, frame: bytes | str) -> Top | None:
        """Apply a frame, and give the top of its book; None where it has none."""
        message = json.loads(frame)
        kind, msg = message["type"], message.get("msg")
        if kind == "orderbook_snapshot":
            shapes = {side: (f"{side}_dollars_fp", f"{side}_dollars", side) for side in ("yes", "no")}
            found: dict[str, list[Any]] = {
                side: next((msg[name] for name in names if msg.get(name)), []) for side, names in shapes.items()
            }
            book = {side: dict(level(*pair) for pair in levels) for side, levels in found.items()}
            self.books[msg["market_ticker"]] = book
        elif kind == "orderbook_delta":
            book = self.books[msg["market_ticker"]]
            price, delta = level(msg.get("price_dollars", msg.get("price")), msg.get("delta_fp", msg.get("delta")))
            add(book[msg["side"]], price, delta)
        else:
            return None
        return top_of(book)


def add(levels: dict[int, int], price: int, delta: int) -> None:
    """Change one level."""
    size = levels.get(price, 0) + delta
    if size < 0:
        raise ValueError(f"a level of {size} at {price}")
    if size:
        levels[price] = size
    else:
        del levels[price]


def top_of(book: Sides) -> Top:
    """Give the best YES bid, and the best NO bid as a YES ask."""
    yes, no = book["yes"], book["no"]
    return max(yes) if yes else None, 10_000 - max(no) if no else None


def tops_of_changes(
    yes: Iterable[Any], no: Iterable[Any], changes: Sequence[tuple[str, int, int]]
) -> tuple[list[Top], Sides]:
    """Follow one book through changes."""
    book = {"yes": dict(yes), "no": dict(no)}
    tops = []
    for side, price, delta in changes:
        add(book[side], price, delta)
        tops.append(top_of(book))
    return tops, book
