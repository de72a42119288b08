"""Three feeds that must never differ: the compiled core, the same without its short path, and the plain twin."""

from frames import feed_facts, levels, update_facts


class Trio:
    """One frame goes into all three; what they say and hold is compared on the spot.

    Args:
        both: the package on the compiled core and on the twin.
        flags: of ``Feed``.
    """

    def __init__(self, both, **flags):
        compiled, plain = both
        self.fast, self.law, self.twin = compiled.Feed(**flags), compiled.Feed(**flags), plain.Feed(**flags)
        self.feeds = (self.fast, self.law, self.twin)

    def receive(self, frame, *, received_ns=None):
        """Take in one frame, and give the update of the compiled core."""
        updates = (
            self.fast.receive(frame, received_ns=received_ns),
            self.law._receive_other(frame, received_ns),
            self.twin.receive(frame, received_ns=received_ns),
        )
        first = update_facts(updates[0])
        for update in updates[1:]:
            assert update_facts(update) == first
        return updates[0]

    def opened(self):
        for feed in self.feeds:
            feed.opened()

    def closed(self, reason):
        for feed in self.feeds:
            feed.closed(reason)

    @property
    def books(self):
        """The books of the compiled core."""
        return self.fast.books

    def compare(self):
        """Make sure that all feeds hold the same, that every invariant holds and that the best prices are the ladders'."""
        first = feed_facts(self.fast)
        for feed in self.feeds[1:]:
            assert feed_facts(feed) == first
        for feed in self.feeds:
            for book in feed.books.values():
                book.check()
                if book.is_live:
                    check_best(book)


def check_best(book):
    """The best prices of a LIVE book equal its ladders, however they are asked for."""
    known = levels(book)
    for side, other in (("yes", "no"), ("no", "yes")):
        bid, ask = max(known[side], default=None), max(known[other], default=None)
        ask = None if ask is None else 10_000 - ask
        assert getattr(book, f"best_{side}_bid_e4")() == bid
        assert getattr(book, f"best_{side}_ask_e4")() == ask
        best_bid, best_ask = book.bbo(outcome_side=side)
        for _ in range(2):  # built, then kept
            assert getattr(book, f"best_{side}_bid")() == best_bid
            assert getattr(book, f"best_{side}_ask")() == best_ask
        assert (best_bid and best_bid.price_e4, best_ask and best_ask.price_e4) == (bid, ask)
        assert (best_bid and best_bid.size_e2) == (None if bid is None else known[side][bid])
        prices = [level.price_e4 for level in book.bids(outcome_side=side)]
        assert prices == sorted(known[side], reverse=True)
        prices = [level.price_e4 for level in book.asks(outcome_side=side)]
        assert prices == sorted(10_000 - price for price in known[other])
