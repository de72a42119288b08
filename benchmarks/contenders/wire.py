"""What contenders share: the words of a frame, and prices as integers of $0.0001."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

Top = tuple["int | None", "int | None"]  # best YES bid, best YES ask, in $0.0001
Levels = Sequence[tuple[int, int]]  # (price_e4, size_e2), price ascending, on the side's own scale
Change = tuple[Literal["yes", "no"], int, int]  # outcome side, price_e4, delta_e2

DELTA, SNAPSHOT = "orderbook_delta", "orderbook_snapshot"


def e4(price: Any) -> int | None:
    """Give a price in dollars (Decimal, text, float) as an integer of $0.0001; None stays None."""
    return None if price is None else round(float(price) * 10_000)


def texts(levels: Levels) -> list[Any]:
    """Write levels as they stand in today's snapshots."""
    return [(f"0.{price_e4:04d}", f"{size_e2 // 100}.{size_e2 % 100:02d}") for price_e4, size_e2 in levels]


def cents(levels: Levels) -> list[Any]:
    """Write levels as they stood in the oldest snapshots: whole cents and whole contracts."""
    return [(price_e4 // 100, size_e2 // 100) for price_e4, size_e2 in levels]


def sides_of(body: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Give the levels of a decoded snapshot of any shape but the oldest; a side that nobody bids on is left out of it."""
    return (
        body.get("yes_dollars_fp") or body.get("yes_dollars") or [],
        body.get("no_dollars_fp") or body.get("no_dollars") or [],
    )
