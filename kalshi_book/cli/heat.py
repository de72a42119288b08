"""A recording as a grid of depth by price and time: what ``kalshi-book plot`` draws. Whole numbers, and no library.

Two passes: one to see what there is, one to fill the grid; so memory does not grow with the recording. A column is a slice
of time, and holds the book as it stood at the end of it. A slice in which the book was not LIVE throughout is blank.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from .._backend import Update
from ..errors import UsageError
from ..kinds import State
from ..tables.rows import DeltaRow, QuoteRow, Rows, TradeRow
from ..units import PRICE_SCALE, flip_e4

MARGIN_E4: Final = 500
"""How far beyond the best prices the picture goes."""
MAX_ROWS: Final = 160
STEPS_E4: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)
NAMES_SHOWN: Final = 10

Clock = Literal["received", "exchange", "frames"]
CLOCKS: Final[tuple[Clock, ...]] = ("received", "exchange", "frames")
"""What time is, in order of preference."""

AnyRow = DeltaRow | TradeRow | QuoteRow


class Frame(NamedTuple):
    """What the grid covers.

    Attributes:
        market_ticker: whose.
        clock: what time is: that of receipt, the exchange's, or, where a recording has neither, the number of the frame.
        start, end: from when to when, in ns of that clock.
        low_e4, high_e4: the YES prices of the lowest and the highest row, in $0.0001.
        step_e4: from one row to the next.
    """

    market_ticker: str
    clock: Clock
    start: int
    end: int
    low_e4: int
    high_e4: int
    step_e4: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return (self.high_e4 - self.low_e4) // self.step_e4 + 1


class _Seen:
    """What the rows of one market show."""

    def __init__(self) -> None:
        self.changes = 0
        self.prices: set[int] = set()  # YES prices of levels
        self.times: dict[Clock, tuple[int, int]] = {}
        self.quoted: list[int] = []  # the lowest and the highest price that was best, or traded
        self.is_live = False

    def note(self, row: AnyRow, number: int) -> None:
        for clock, time in _times(row, number):
            first, last = self.times.get(clock, (time, time))
            self.times[clock] = min(first, time), max(last, time)
        if isinstance(row, DeltaRow):
            self.changes += 1
            self.prices.add(_yes_price_e4(row))
            return
        if isinstance(row, QuoteRow):
            self.is_live = row.state is State.LIVE
            prices = [row.yes_bid_e4, row.yes_ask_e4]
        else:
            prices = [row.yes_price_e4]
        known = [*self.quoted, *(price_e4 for price_e4 in prices if price_e4 is not None)]
        self.quoted = [min(known), max(known)] if known else []


class Survey:
    """The first pass: takes every update, and finds out what there is to be drawn."""

    def __init__(self) -> None:
        self._rows = Rows()
        self._seen: defaultdict[str, _Seen] = defaultdict(_Seen)
        self._ends: dict[Clock, int] = {}
        self._number = 0  # of the update

    def take(self, update: Update) -> None:
        """Take one update."""
        self._rows.take(update)
        for row in _taken(self._rows):
            self._seen[row.market_ticker].note(row, self._number)
            self._ends |= {clock: max(time, self._ends.get(clock, time)) for clock, time in _times(row, self._number)}
        self._number += 1

    @property
    def market_tickers(self) -> list[str]:
        """The markets that can be drawn, busiest first."""
        return sorted(
            (ticker for ticker, seen in self._seen.items() if seen.changes), key=lambda each: -self._seen[each].changes
        )

    def frame(self, market_ticker: str | None = None) -> Frame:
        """Say what the grid of a market covers: its time in the recording, and the prices around its best ones.

        Args:
            market_ticker: the market; None: the busiest one.

        Raises:
            UsageError: the recording has no book of it.
        """
        there = self.market_tickers
        if market_ticker is None and there:
            market_ticker = there[0]
        if market_ticker not in there:
            more = f" and {len(there) - NAMES_SHOWN} more" if len(there) > NAMES_SHOWN else ""
            found = ", ".join(there[:NAMES_SHOWN]) + more if there else "no book at all"
            raise UsageError(f"expected a book of {market_ticker or 'some market'} in the recording, found {found}")
        seen = self._seen[market_ticker]
        clock = next(each for each in CLOCKS if each in seen.times)
        start, end = seen.times[clock]
        if not seen.is_live:
            end = self._ends[clock]  # not LIVE to the end of the recording: that is to be seen
        low_e4, high_e4 = seen.quoted or (0, PRICE_SCALE)
        low_e4, high_e4 = max(low_e4 - MARGIN_E4, 0), min(high_e4 + MARGIN_E4, PRICE_SCALE)
        shown = (price_e4 for price_e4 in seen.prices if low_e4 <= price_e4 <= high_e4)
        finest_e4 = math.gcd(STEPS_E4[-1], *shown)
        step_e4 = next(each for each in STEPS_E4 if each % finest_e4 == 0 and (high_e4 - low_e4) // each < MAX_ROWS)
        low_e4, high_e4 = low_e4 // step_e4 * step_e4, -(-high_e4 // step_e4) * step_e4
        return Frame(market_ticker, clock, start, max(end, start + 1), low_e4, high_e4, step_e4)


class Heat:
    """The second pass: takes every update, and fills the grid.

    Args:
        frame: what it covers.
        columns: how many slices of time.

    Attributes:
        depth: column by column, and in it row by row from the lowest price: what rests there, bids and asks alike, in 0.01
            contract; None: blank.
        bids, asks: column by column: the best YES prices in $0.0001; None: nobody, or blank.
        trades: what was traded in 0.01 contract, by column, YES price and what the taker bought.
    """

    def __init__(self, frame: Frame, *, columns: int) -> None:
        self.frame = frame
        self.columns = columns
        self.depth: list[list[int] | None] = []
        self.bids: list[int | None] = []
        self.asks: list[int | None] = []
        self.trades: Counter[tuple[int, int, str | None]] = Counter()
        self._rows = Rows()
        self._number = 0
        self._resting = [0] * frame.rows
        self._quote: QuoteRow | None = None
        self._is_live_throughout = False

    def take(self, update: Update) -> None:
        """Take one update."""
        self._rows.take(update)
        for row in _taken(self._rows):
            if row.market_ticker == self.frame.market_ticker:
                self._take(row)
        self._number += 1

    def finish(self) -> None:
        """Fill the grid to its end."""
        self._fill(self.columns)

    def _take(self, row: AnyRow) -> None:
        frame = self.frame
        for time in (time for clock, time in _times(row, self._number) if clock == frame.clock):
            self._fill(min((time - frame.start) * self.columns // (frame.end - frame.start), self.columns - 1))
        if isinstance(row, DeltaRow):
            at = self._row_of(row)
            if 0 <= at < frame.rows:
                self._resting[at] += row.delta_e2
        elif isinstance(row, TradeRow):
            self.trades[len(self.depth), row.yes_price_e4, row.taker_outcome_side] += row.count_e2
        else:
            self._is_live_throughout = row.state is State.LIVE and (self._quote is None or self._is_live_throughout)
            self._quote = row

    def _row_of(self, row: DeltaRow) -> int:
        """The row whose price is nearest."""
        return (_yes_price_e4(row) - self.frame.low_e4 + self.frame.step_e4 // 2) // self.frame.step_e4

    def _fill(self, end: int) -> None:
        """Fill all columns before this one with what holds since the last row."""
        while len(self.depth) < end:
            quote = self._quote if self._is_live_throughout else None
            self.depth.append(None if quote is None else list(self._resting))
            self.bids.append(None if quote is None else quote.yes_bid_e4)
            self.asks.append(None if quote is None else quote.yes_ask_e4)
            self._is_live_throughout = self._quote is not None and self._quote.state is State.LIVE


def _yes_price_e4(row: DeltaRow) -> int:
    return flip_e4(row.price_e4) if row.outcome_side == "no" else row.price_e4


def _taken(rows: Rows) -> Iterator[AnyRow]:
    """Take out what gathered, in the order in which it happened."""
    for gathered in (rows.deltas, rows.trades, rows.quotes):
        yield from gathered
        gathered.clear()


def _times(row: AnyRow, number: int) -> Iterator[tuple[Clock, int]]:
    """The times of a row, by every clock that it has."""
    if row.received_ns is not None:
        yield "received", row.received_ns
    if row.ts_ms is not None:
        yield "exchange", row.ts_ms * 1_000_000
    yield "frames", number
