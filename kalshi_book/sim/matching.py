"""Price-time priority in one market: who rests where, and whom an order meets.

Every order is a bid for an outcome. A YES bid p and a NO bid q meet while p + q >= $1, the best price first, the earliest
at a price first, at the price of the one that rests.

What the crowd has at a price is one anonymous mass, a number: only the total of the level is stored. A queue stands at a
price while an order with an identity rests there, its masses before, between and behind such orders. So a market without
them costs two ladders, and 10,000 markets fit.
"""

from __future__ import annotations

from collections.abc import Iterator

from .ladder import Ladder

ONE_E4 = 10_000
"""$1: what a YES and a NO contract pay together."""


class Bid:
    """A bid for one outcome; of the crowd and without an identity unless a subclass gives it one.

    Attributes:
        which: 0 buys YES, 1 buys NO.
        price_e4: its limit, on that outcome's scale.
        remaining_e2: contracts still to buy.
        owner: the account, which never trades with itself; None: somebody of the crowd.
    """

    __slots__ = ("owner", "price_e4", "remaining_e2", "which")

    def __init__(self, which: int, price_e4: int, remaining_e2: int, owner: str | None = None) -> None:
        self.which = which
        self.price_e4 = price_e4
        self.remaining_e2 = remaining_e2
        self.owner = owner


Queue = list[Bid]  # the earliest first; a plain Bid is a mass, and no two of those are neighbours


class Book:
    """The resting bids of one market. It is never locked nor crossed, if only `rest` what meets nobody (see `reaches`).

    Attributes:
        ladders: the totals, (YES, NO).
    """

    __slots__ = ("_queues", "ladders")

    def __init__(self) -> None:
        self.ladders = Ladder(), Ladder()
        self._queues: tuple[dict[int, Queue], dict[int, Queue]] = {}, {}

    def reaches(self, which: int, price_e4: int) -> bool:
        """Tell whether a bid would meet one that rests: resting, it would lock or cross the book."""
        best_e4 = self.ladders[1 - which].best
        return best_e4 > 0 and best_e4 + price_e4 >= ONE_E4

    def meet(self, taker: Bid) -> Iterator[tuple[Bid | None, int, int]]:
        """Let a bid that does not rest buy from those that it reaches, until it has all or stands before an own one.

        Yields:
            Whom it met (None: a mass), at which price on that one's scale, how much; each right after both were reduced.
            Change nothing else of the market before asking for the next.
        """
        ladder, queues = self.ladders[1 - taker.which], self._queues[1 - taker.which]
        while taker.remaining_e2 and self.reaches(taker.which, taker.price_e4):
            price_e4 = ladder.best
            queue = queues.get(price_e4)
            first = queue[0] if queue else None
            if first is not None and first.owner is not None and first.owner == taker.owner:
                return
            size_e2 = min(taker.remaining_e2, ladder.sizes[price_e4] if first is None else first.remaining_e2)
            taker.remaining_e2 -= size_e2
            if first is None:
                ladder.change(price_e4, -size_e2)
            else:
                self.reduce(first, size_e2)
            yield None if type(first) is Bid else first, price_e4, size_e2

    def rest(self, bid: Bid) -> None:
        """Put a bid with an identity behind all that rest at its price."""
        ladder, queues = self.ladders[bid.which], self._queues[bid.which]
        queue = queues.get(bid.price_e4)
        if queue is None:
            queue = queues[bid.price_e4] = []
            mass_e2 = ladder.sizes.get(bid.price_e4, 0)
            if mass_e2:
                queue.append(Bid(bid.which, bid.price_e4, mass_e2))
        queue.append(bid)
        ladder.change(bid.price_e4, bid.remaining_e2)

    def reduce(self, bid: Bid, by_e2: int) -> None:
        """Take some or all of a bid of a queue away. With all of it, it leaves. O(bids at its price)."""
        self.ladders[bid.which].change(bid.price_e4, -by_e2)
        bid.remaining_e2 -= by_e2
        if not bid.remaining_e2:
            self._leave(bid)

    def send_back(self, bid: Bid, grows_e2: int) -> None:
        """Let a resting bid grow and lose its place: it is the last at its price now."""
        self._leave(bid)
        bid.remaining_e2 += grows_e2
        queue = self._queues[bid.which].get(bid.price_e4)
        if queue is None:
            mass_e2 = self.ladders[bid.which].sizes[bid.price_e4] + grows_e2 - bid.remaining_e2
            queue = [Bid(bid.which, bid.price_e4, mass_e2)] if mass_e2 else []
            self._queues[bid.which][bid.price_e4] = queue
        queue.append(bid)
        self.ladders[bid.which].change(bid.price_e4, grows_e2)

    def add_mass(self, which: int, price_e4: int, size_e2: int) -> None:
        """Let the crowd rest more, behind all at that price."""
        self.ladders[which].change(price_e4, size_e2)
        queue = self._queues[which].get(price_e4)
        if queue is None:
            return
        if type(queue[-1]) is Bid:
            queue[-1].remaining_e2 += size_e2
        else:
            queue.append(Bid(which, price_e4, size_e2))

    def crowd_e2(self, which: int, price_e4: int) -> int:
        """Return how much of the crowd's rests at a price, masses and orders with an identity."""
        queue = self._queues[which].get(price_e4)
        if queue is None:
            return self.ladders[which].sizes.get(price_e4, 0)
        return sum(bid.remaining_e2 for bid in queue if bid.owner is None)

    def take_crowd(self, which: int, price_e4: int, size_e2: int) -> list[Bid]:
        """Take that much of the crowd's away, the newest first; there has to be as much. One change of the level.

        Returns:
            The bids with an identity that ended by it.
        """
        self.ladders[which].change(price_e4, -size_e2)
        queues, ended = self._queues[which], []
        while size_e2 and price_e4 in queues:  # without a queue the total of the level says it all
            bid = next(bid for bid in reversed(queues[price_e4]) if bid.owner is None)
            by_e2 = min(bid.remaining_e2, size_e2)
            bid.remaining_e2 -= by_e2
            size_e2 -= by_e2
            if not bid.remaining_e2:
                self._leave(bid)
                if type(bid) is not Bid:
                    ended.append(bid)
        return ended

    def identified(self) -> list[Bid]:
        """Return all resting bids that have an identity."""
        return [bid for queues in self._queues for queue in queues.values() for bid in queue if type(bid) is not Bid]

    def clear(self) -> None:
        """Take everything away. What each bid still has to buy is left as it is."""
        for ladder, queues in zip(self.ladders, self._queues, strict=True):
            ladder.clear()
            queues.clear()

    def _leave(self, bid: Bid) -> None:
        queue = self._queues[bid.which][bid.price_e4]
        place = queue.index(bid)
        del queue[place]
        if 0 < place < len(queue) and type(queue[place - 1]) is Bid and type(queue[place]) is Bid:
            queue[place - 1].remaining_e2 += queue.pop(place).remaining_e2
        if not queue or (len(queue) == 1 and type(queue[0]) is Bid):
            del self._queues[bid.which][bid.price_e4]
