"""What can be asked of a book, live, as last known, or copied: the same questions everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from . import units
from ._backend import BookCore, Level
from .errors import OwnSizeUnknown
from .frames import Frames
from .kinds import MarketState
from .market import Market
from .messages.book import Side
from .orders import OwnOrder, OwnReading


class Depth(NamedTuple):
    """The best levels of both sides, best first."""

    bids: list[Level]
    asks: list[Level]


class Readings(Frames):
    """What can be asked of a book.

    Each answer is one call into the core, which checks how the book stands and reads it in one go: a change that comes
    from another thread is seen whole or not at all.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def _core(self) -> BookCore:
            """The book that is read."""

        @property
        def _live(self) -> bool:
            """Whether it must be LIVE; otherwise it must have had a snapshot."""

    def best_yes_bid(self) -> Level | None:
        """Give the highest price at which somebody buys YES, with its size; None: nobody."""
        return self._core._best(False, False, self._live)

    def best_yes_ask(self) -> Level | None:
        """Give the lowest price at which YES can be bought ($1 less the best NO bid), with its size; None: nobody."""
        return self._core._best(False, True, self._live)

    def best_no_bid(self) -> Level | None:
        """Give the highest price at which somebody buys NO, with its size; None: nobody."""
        return self._core._best(True, False, self._live)

    def best_no_ask(self) -> Level | None:
        """Give the lowest price at which NO can be bought ($1 less the best YES bid), with its size; None: nobody."""
        return self._core._best(True, True, self._live)

    def best_yes_bid_e4(self) -> int | None:
        """Give the price of ``best_yes_bid`` in $0.0001, or None."""
        return _price_of(self.best_yes_bid())

    def best_yes_ask_e4(self) -> int | None:
        """Give the price of ``best_yes_ask`` in $0.0001, or None."""
        return _price_of(self.best_yes_ask())

    def best_no_bid_e4(self) -> int | None:
        """Give the price of ``best_no_bid`` in $0.0001, or None."""
        return _price_of(self.best_no_bid())

    def best_no_ask_e4(self) -> int | None:
        """Give the price of ``best_no_ask`` in $0.0001, or None."""
        return _price_of(self.best_no_ask())

    def bbo(self, *, outcome_side: Side = "yes") -> tuple[Level | None, Level | None]:
        """Give the best bid and the best ask of one outcome, of one moment: no change falls between the two.

        Args:
            outcome_side: ``"yes"`` or ``"no"``.

        Raises:
            BookNotLive: the book cannot know now.
        """
        return self._core._bbo(units.outcome_is_no(outcome_side), self._live)

    def bids(self, n: int | None = None, *, outcome_side: Side = "yes", without_own: bool = False) -> list[Level]:
        """Give the best n bids of one outcome, highest price first. O(n).

        Args:
            n: how many levels at most; None: all.
            outcome_side: ``"yes"`` or ``"no"``.
            without_own: whether own size is taken off, as ``depth`` says. O(levels).

        Raises:
            BookNotLive: the book cannot know now.
            OwnSizeUnknown: with ``without_own``, own size cannot be known now, or does not fit the levels.
        """
        return self._one_side(False, n, outcome_side, without_own)

    def asks(self, n: int | None = None, *, outcome_side: Side = "yes", without_own: bool = False) -> list[Level]:
        """Give the best n asks of one outcome, lowest price first: the other outcome's bids at $1 less their price. O(n).

        Args:
            n: how many levels at most; None: all.
            outcome_side: ``"yes"`` or ``"no"``.
            without_own: whether own size is taken off, as ``depth`` says. O(levels).

        Raises:
            BookNotLive: the book cannot know now.
            OwnSizeUnknown: with ``without_own``, own size cannot be known now, or does not fit the levels.
        """
        return self._one_side(True, n, outcome_side, without_own)

    def depth(self, n: int | None = None, *, outcome_side: Side = "yes", without_own: bool = False) -> Depth:
        """Give the best n levels of both sides of one outcome, of one moment, best first. O(n).

        With ``without_own`` they are what others rest: own size is taken off, a level that is all our own is left out,
        and n counts what remains. O(levels). Levels are of one moment and own orders of one moment, but book and own
        orders come on channels without a common order, so the two may be a few frames apart.

        Args:
            n: how many levels a side at most; None: all.
            outcome_side: ``"yes"`` or ``"no"``.
            without_own: whether own size is taken off.

        Raises:
            BookNotLive: the book cannot know now.
            OwnSizeUnknown: with ``without_own``, own size cannot be known now, or an own order, at any price, is larger
                than its level.
        """
        no, n = units.outcome_is_no(outcome_side), units.count_argument(n)
        if without_own:
            bids, asks = self._core._depth(no, units.INT64_MAX, self._live)
            own = self._own_now
            return Depth(_less_own(bids, own, no=no, ask=False)[:n], _less_own(asks, own, no=no, ask=True)[:n])
        return Depth(*self._core._depth(no, n, self._live))

    def size_at(
        self,
        price: Decimal | str | None = None,
        *,
        outcome_side: Side = "yes",
        price_e4: int | None = None,
        cents: int | Decimal | None = None,
    ) -> Decimal:
        """Give the contracts bid for one outcome at one price; 0 where nobody bids.

        Args:
            price: dollars, as Decimal or text; or instead:
            price_e4: units of $0.0001.
            cents: cents.
            outcome_side: ``"yes"`` or ``"no"``: whose bids.

        Raises:
            BookNotLive: the book cannot know now.
            TypeError: not exactly one price, a float, or a bare int.
            UsageError: no price of $0.0001 to $0.9999.
        """
        no, at = units.outcome_is_no(outcome_side), units.price_argument(price, price_e4=price_e4, cents=cents)
        return units.size_decimal(self._core._size_at(no, at, self._live))

    @property
    def own_orders(self) -> list[OwnOrder]:
        """Own orders of this market as last known, in order of appearance; always answers.

        Only where ``own_size_at`` answers are they all that rest; each says itself whether it is confirmed.
        """
        return list(self._own_now.orders)

    def own_size_at(
        self,
        price: Decimal | str | None = None,
        *,
        outcome_side: Side = "yes",
        price_e4: int | None = None,
        cents: int | Decimal | None = None,
    ) -> Decimal:
        """Give the contracts that own orders bid for one outcome at one price; 0 where none rests. Reads no level.

        Args:
            price: dollars, as Decimal or text; or instead:
            price_e4: units of $0.0001.
            cents: cents.
            outcome_side: ``"yes"`` or ``"no"``: whose bids. An own order that sells YES at p bids for NO at $1 - p.

        Raises:
            OwnSizeUnknown: it cannot be known now.
            TypeError: not exactly one price, a float, or a bare int.
            UsageError: no price of $0.0001 to $0.9999.
        """
        no, at = units.outcome_is_no(outcome_side), units.price_argument(price, price_e4=price_e4, cents=cents)
        return units.size_decimal(self._own_now.sizes(no).get(at, 0))

    @property
    def market(self) -> Market:
        """What the exchange said of the market: its state, times and valid prices. UNKNOWN before anything was said."""
        return self._core._market or Market(market_ticker=self._core.market_ticker)

    @property
    def market_state(self) -> MarketState:
        """Whether the market trades, as was said last; ``book.market.state_at`` adds its schedule."""
        return self.market.state

    def tick_at(
        self,
        price: Decimal | str | None = None,
        *,
        price_e4: int | None = None,
        cents: int | Decimal | None = None,
    ) -> Decimal | None:
        """Give the step from a YES price to the next valid price above it in dollars; where two bands meet, the upper's.

        ``market.tick_at_e4`` says more. The bands are as last known: ``book.market.is_current`` says whether they hold.

        Args:
            price: dollars, as Decimal or text; or instead:
            price_e4: units of $0.0001.
            cents: cents.

        Returns:
            The step, or None: no price ranges are known, or none holds this price.

        Raises:
            TypeError: not exactly one price, a float, or a bare int.
            UsageError: no price of $0.0001 to $0.9999.
        """
        tick_e4 = self.market.tick_at_e4(units.price_argument(price, price_e4=price_e4, cents=cents))
        return None if tick_e4 is None else units.price_decimal(tick_e4)

    def _one_side(self, ask: bool, n: int | None, outcome_side: Side, without_own: bool) -> list[Level]:
        no, n = units.outcome_is_no(outcome_side), units.count_argument(n)
        if without_own:
            levels = self._core._levels(no, ask, units.INT64_MAX, self._live)
            return _less_own(levels, self._own_now, no=no, ask=ask)[:n]
        return self._core._levels(no, ask, n, self._live)

    @property
    def _own_now(self) -> OwnReading:
        """Own orders of one moment."""
        own = self._core._own
        return OwnReading(self._core.market_ticker) if own is None else own.now()

    @property
    def spread(self) -> Decimal | None:
        """Best YES ask less best YES bid in dollars, the same for NO; None unless both sides stand."""
        bid, ask = self._core._bbo(False, self._live)
        return None if bid is None or ask is None else units.price_decimal(ask.price_e4 - bid.price_e4)

    @property
    def mid(self) -> Decimal | None:
        """Half-way between best YES bid and best YES ask in dollars, exact to $0.00005; None unless both sides stand."""
        bid, ask = self._core._bbo(False, self._live)
        return None if bid is None or ask is None else Decimal(units.mid_text(bid.price_e4, ask.price_e4))

    def checksum(self) -> str:
        r"""Give 16 hex digits that anyone can recompute from the levels. O(levels).

        They are the first 8 bytes of SHA-256 over one line a level, ``"TICKER side price size\n"``: yes then no, prices
        ascending with 4 decimals (NO levels at their NO price), sizes with 2.
        """
        return hashlib.sha256("".join(level_lines(self._core, live=self._live)).encode()).hexdigest()[:16]


def level_lines(book: BookCore, *, live: bool = False) -> Iterator[str]:
    """Write levels as text, one a line: yes then no, prices ascending, each outcome on its own scale.

    Raises:
        BookNotLive: with ``live``, the book is not LIVE; without, it had no snapshot yet.
    """
    bids, asks = book._depth(False, units.INT64_MAX, live)
    for level in reversed(bids):
        yield f"{book.market_ticker} yes {units.price_text(level.price_e4)} {units.size_text(level.size_e2)}\n"
    for level in reversed(asks):
        price_e4 = units.flip_e4(level.price_e4)
        yield f"{book.market_ticker} no {units.price_text(price_e4)} {units.size_text(level.size_e2)}\n"


def _less_own(levels: list[Level], own: OwnReading, *, no: bool, ask: bool) -> list[Level]:
    """Take own size off all levels of one side of one outcome, and leave out what is all our own.

    Raises:
        OwnSizeUnknown: it cannot be known, or is larger than a level.
    """
    bids_no = no != ask
    mine = own.sizes(bids_no)
    if ask:
        mine = {units.flip_e4(price_e4): size_e2 for price_e4, size_e2 in mine.items()}
    rests = {level.price_e4: level.size_e2 for level in levels} if mine else {}
    for price_e4, own_size_e2 in mine.items():
        if own_size_e2 > rests.get(price_e4, 0):
            raise OwnSizeUnknown(
                market_ticker=own.market_ticker,
                reason="larger_than_level",
                outcome_side="no" if bids_no else "yes",
                price_e4=units.flip_e4(price_e4) if ask else price_e4,
                own_size_e2=own_size_e2,
                size_e2=rests.get(price_e4, 0),
            )
    return [
        Level(price_e4=level.price_e4, size_e2=level.size_e2 - mine[level.price_e4]) if level.price_e4 in mine else level
        for level in levels
        if level.size_e2 > mine.get(level.price_e4, 0)
    ]


def _price_of(level: Level | None) -> int | None:
    return None if level is None else level.price_e4
