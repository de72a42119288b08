"""What the simulated exchange refuses to do. Nothing was changed, and nothing published."""

from __future__ import annotations

from ..errors import UnknownMarket, UsageError
from ..units import shown


class UnknownListing(UnknownMarket):
    """A ticker that the simulated exchange does not list.

    Attributes:
        market_ticker: the ticker asked for.
        held: how many markets it lists.
    """

    def __str__(self) -> str:
        return f"the exchange lists no market {shown(self.market_ticker)} among its {self.held}: read `listings` for those"


class Refused(UsageError):
    """An order, or a step of a market's life, that cannot be.

    Attributes:
        market_ticker: in which market; None: that is not known.
        reason: why, in a word: "state", "off_tick", "crosses", "not_resting", "too_small", "too_large", "expired", "taken".
    """

    def __init__(self, market_ticker: str | None, reason: str, text: str) -> None:
        super().__init__(market_ticker, reason, text)
        self.market_ticker = market_ticker
        self.reason = reason
        self._text = text

    def __str__(self) -> str:
        return self._text if self.market_ticker is None else f"{self.market_ticker}: {self._text}"
