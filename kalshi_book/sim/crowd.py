"""The crowd: a seeded flow of orders, cancels, decreases and trades of nobody in particular.

The law of level changes (`market.py`) says which level changes next and by how much; the crowd makes it so with orders. More
at a level is a resting order; less is a decrease or a cancel of its own; a level above its lid is bought away by a taker, as
far as it reaches, whoever rests there. Orders of accounts are levels as all others to the law, but only their owners take
them away: where the crowd has nothing to take, it does nothing.

So a bid of an account beyond the fair price is soon met, and one within it stands until the fair price passes it.
"""

from __future__ import annotations

import random

from .floor import Floor
from .listing import Listing
from .market import BUSY_PER_SECOND, Rhythm
from .matching import ONE_E4, Bid


class Crowd:
    """The seeded flow over all markets.

    Args:
        floor: where it trades.
        rng: where every draw comes from.
        rate: mean level changes a second over all markets; 0: the crowd does nothing by itself.

    Attributes:
        rate: as it is now.
        next_ns: when it acts next; None: never.
        markets: whose turn it may be, the busiest first: it gets half of the actions. A market that is not active keeps its
            share and does nothing with it.
    """

    def __init__(self, floor: Floor, *, rng: random.Random, rate: int) -> None:
        self.markets: list[Listing] = []
        self._floor = floor
        self._rhythm = Rhythm(rng=rng, skew=True)
        self.pace(rate)

    def pace(self, rate: int) -> None:
        """Take on another rate from now on, or the one at the beginning."""
        self.rate = rate
        self.next_ns = self._after(self._floor.now_ns) if rate else None
        self._floor.planned()

    def open(self, listing: Listing) -> None:
        """Fill the book of a market that opens."""
        for which, price_e4, size_e2 in listing.law.opening(listing.book.ladders):
            listing.book.add_mass(which, price_e4, size_e2)
            self._floor.level(listing, which, price_e4, size_e2, "placement")

    def act(self) -> None:
        """Do what is due now: some changes in one market."""
        rhythm = self._rhythm
        if self.markets:
            listing = rhythm.pick(self.markets)
            if listing.state == "active":
                with self._floor.action(listing):
                    self._change(listing)
                    while rhythm.goes_on():
                        self._change(listing)
        self.next_ns = self._after(self._floor.now_ns)

    def _after(self, now_ns: int) -> int:
        return now_ns + self._rhythm.pause_us() * 1_000 * BUSY_PER_SECOND // self.rate

    def _change(self, listing: Listing) -> None:
        law, book = listing.law, listing.book
        which, price_e4, delta_e2 = law.draw(book.ladders)
        if delta_e2 > 0:
            if listing.is_on_tick(price_e4):  # a level from before a change of the grid only shrinks
                book.add_mass(which, price_e4, delta_e2)
                self._floor.level(listing, which, price_e4, delta_e2, "placement")
        elif price_e4 > law.lids_e4[which]:
            self._floor.trade(listing, Bid(1 - which, ONE_E4 - price_e4, -delta_e2))
        elif takes_e2 := min(-delta_e2, book.crowd_e2(which, price_e4)):
            self._floor.take_crowd(listing, which, price_e4, takes_e2)
