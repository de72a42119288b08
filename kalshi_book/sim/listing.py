"""One market of the simulated exchange: its book, its clock, its numbers and how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from ..units import MONEY_SCALE, flip_e4
from .accounts import Position
from .happenings import Quoted
from .market import GRIDS, Law, Tick
from .matching import Book
from .wire import SIDES, Side

ListingState = Literal["created", "active", "paused", "closed", "determined", "settled"]

STRUCTURES: Final[dict[Tick, tuple[str, Sequence[tuple[int, int, int]]]]] = {
    "cent": ("linear_cent", ((0, 10_000, 100),)),
    "deci_cent": ("deci_cent", ((0, 10_000, 10),)),
    "centi_cent": ("center_centi_edge_centi_cent", ((0, 10_000, 1),)),
    "tapered": ("tapered_deci_cent", ((0, 1_000, 10), (1_000, 9_000, 100), (9_000, 10_000, 10))),
}
"""Per grid: the exchange's label for it, and (start, end, step) of each band, all in $0.0001."""

_ON_GRID: Final = {tick: frozenset(grid) for tick, grid in GRIDS.items()}
_Quote = tuple[int, int | None, int, int | None, int, int]


class Listing:
    """A market as it stands now. For reading only: orders and `life` change it.

    Attributes:
        ticker: its name.
        market_id: its identity.
        clock: of its newest change; 0: nothing was recorded yet.
        state: "created", "active", "paused", "closed", "determined" or "settled".
        tick: its price grid.
        open_ts, close_ts: when it opened and closes, unix seconds; close_ts None: that is not planned.
        result: "yes" or "no" once it is determined.
        book: who rests there.
        law: how the crowd changes it.
        positions: by (account, subaccount).
        last_price_e4, last_size_e2: of the last trade, on the YES scale; None and 0: none yet.
        volume_e2, open_interest_e2: contracts traded, and held by pairs of buyers.
        is_still: whether the action under way, or the last one, changed nothing in the book so far.
    """

    __slots__ = (
        "_dollar_volume_e6", "_quote", "_quoted_ns", "book", "clock", "close_ts", "is_still",
        "last_price_e4", "last_size_e2", "law", "market_id", "open_interest_e2", "open_ts", "positions",
        "result", "state", "tick", "ticker", "volume_e2",
    )  # fmt: skip

    def __init__(
        self, *, ticker: str, market_id: str, tick: Tick, law: Law, created_ns: int, open_ts: int, close_ts: int | None
    ) -> None:  # fmt: skip
        self.ticker = ticker
        self.market_id = market_id
        self.tick: Tick = tick
        self.law = law
        self.open_ts = open_ts
        self.close_ts = close_ts
        self.clock = 0
        self.state: ListingState = "created"
        self.result: Side | None = None
        self.book = Book()
        self.positions: dict[tuple[str, int], Position] = {}
        self.last_price_e4: int | None = None
        self.last_size_e2 = self.volume_e2 = self.open_interest_e2 = self._dollar_volume_e6 = 0
        self.is_still = True
        self._quote: _Quote = (0, None, 0, None, 0, 0)
        self._quoted_ns = created_ns

    def levels(self, side: Side) -> list[tuple[int, int]]:
        """Return the levels of one side as (price_e4, size_e2), price ascending, NO on the NO scale. O(levels)."""
        return self.book.ladders[SIDES.index(side)].levels()

    def is_on_tick(self, price_e4: int) -> bool:
        """Tell whether an order may have this price."""
        return price_e4 in _ON_GRID[self.tick]

    def traded(self, yes_price_e4: int, size_e2: int, closed_e2: int) -> None:
        """Take in a trade, whose buyers closed that many contracts that they held of the other outcome."""
        self.last_price_e4, self.last_size_e2 = yes_price_e4, size_e2
        self.volume_e2 += size_e2
        self._dollar_volume_e6 += yes_price_e4 * size_e2
        self.open_interest_e2 += size_e2 - closed_e2

    def quoted(self) -> Quoted:
        """Return what `ticker` tells now."""
        yes, no = self.book.ladders
        yes_e4, no_e4 = yes.best, no.best
        return Quoted(
            at_ns=self._quoted_ns, market_ticker=self.ticker, market_id=self.market_id, last_price_e4=self.last_price_e4,
            yes_bid_e4=yes_e4 or None, yes_ask_e4=flip_e4(no_e4) if no_e4 else None,
            yes_bid_size_e2=yes.sizes.get(yes_e4, 0), yes_ask_size_e2=no.sizes.get(no_e4, 0),
            last_size_e2=self.last_size_e2, volume_e2=self.volume_e2, open_interest_e2=self.open_interest_e2,
            dollar_volume=self._dollar_volume_e6 // MONEY_SCALE, dollar_open_interest=self.open_interest_e2 // 100,
        )  # fmt: skip

    def requoted(self, at_ns: int) -> Quoted | None:
        """Return the same if it is not what it was when this was asked last."""
        yes, no = self.book.ladders
        yes_e4, no_e4 = yes.prices[-1], no.prices[-1]
        quote = yes_e4, yes.sizes.get(yes_e4), no_e4, no.sizes.get(no_e4), self.volume_e2, self.open_interest_e2
        if quote == self._quote:
            return None
        self._quote, self._quoted_ns = quote, at_ns
        return self.quoted()
