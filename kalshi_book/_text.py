"""One-line texts of values, the same for both cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .units import price_text, size_text

if TYPE_CHECKING:
    from ._core import Update


def level_text(price_e4: int, size_e2: int) -> str:
    """Show a level: ``Level($0.3300 x 764.87)``."""
    return f"Level(${price_text(price_e4)} x {size_text(size_e2)})"


def update_text(update: Update) -> str:
    """Show an update: what it was, what it did, and where. Never its frame."""
    words = [update.kind.value, update.effect.value]
    if update.market_ticker is not None:
        words.append(update.market_ticker)
    if update.price_e4 is not None and update.delta_e2 is not None:
        sign = "" if update.delta_e2 < 0 else "+"
        words.append(f"{update.outcome_side} ${price_text(update.price_e4)} {sign}{size_text(update.delta_e2)}")
    if update.sid is not None:
        words.append(f"sid={update.sid}")
    if update.seq is not None:
        words.append(f"seq={update.seq}")
    if update.skipped:
        words.append(f"skipped={update.skipped}")
    return f"<Update {' '.join(words)}>"
