"""The true book of one market, as a value to compare with."""

from __future__ import annotations

import hashlib

from msgspec import Struct


class TrueBook(Struct, frozen=True):
    """What rests in a market at one moment. Two of them are equal where all is.

    Attributes:
        market_ticker: of the market.
        yes, no: the bids of each outcome: (price_e4, size_e2), price ascending, each on its own scale.
        clock: the market's clock of the newest change.

    >>> book = TrueBook("KXSIM-26-A", ((4100, 12000), (4200, 755)), ((5500, 4000),), 7)
    >>> book.best_yes_bid_e4(), book.best_yes_ask_e4()
    (4200, 4500)
    >>> book.checksum()
    '7abafb2821d1714d'
    """

    market_ticker: str
    yes: tuple[tuple[int, int], ...]
    no: tuple[tuple[int, int], ...]
    clock: int

    def best_yes_bid_e4(self) -> int | None:
        """Give the best price that is bid for YES, or None: nobody bids."""
        return self.yes[-1][0] if self.yes else None

    def best_yes_ask_e4(self) -> int | None:
        """Give the best price at which YES is offered: the best NO bid, seen from YES; None: nobody offers."""
        return 10_000 - self.no[-1][0] if self.no else None

    def best_no_bid_e4(self) -> int | None:
        """Give the best price that is bid for NO, or None: nobody bids."""
        return self.no[-1][0] if self.no else None

    def best_no_ask_e4(self) -> int | None:
        """Give the best price at which NO is offered, or None: nobody offers."""
        return 10_000 - self.yes[-1][0] if self.yes else None

    def checksum(self) -> str:
        """Give what ``OrderBook.checksum`` gives for a book that is right: made anew here, from feed rule F20. O(levels)."""
        lines = [
            f"{self.market_ticker} {side} {price // 10_000}.{price % 10_000:04d} {size // 100}.{size % 100:02d}\n"
            for side, levels in (("yes", self.yes), ("no", self.no))
            for price, size in levels
        ]
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
