"""One level of a simulated market in which everybody does anything, and an own order in it whose true place is known.

The frames of each channel come in their order; which channel comes when, a seed decides. Beside each frame of the book is
noted what stood ahead of the order when it was written. So after each frame that is delivered, what a ``QueueAhead`` says is
compared with what was true as of the book.
"""

import json
import random
from collections import defaultdict, deque
from contextlib import suppress

from kalshi_book.sim import Exchange, Rules
from kalshi_book.sim.accounts import Order
from kalshi_book.sim.refusals import Refused

A = "KXSIM-26-A"
MS = 1_000_000
PRICES_E4 = (4000, 4100)
SIZES_E2 = (100, 100, 250, 700)
CHANNELS = ("orderbook_delta", "trade", "fill", "user_orders")


class World:
    """A market, an own order, and whoever follows it.

    Args:
        kb: the package.
        seed: what decides.
        lag: how many frames of a channel may wait from step to step; 0: none, only the order of the channels is open.
        grow: whether others let their orders grow.
        own: whether the own order is changed after it was placed.
        lose: how often a frame of the book is lost.
        own_marks: which own changes are marked.
        channels: what is subscribed.
        actions: what happens, each as likely as the others.

    Attributes:
        checks: how often bounds were compared with the truth, by what was compared.
        found: what was said and what was true, at each check.
    """

    def __init__(self, kb, seed, *, lag=4, grow=False, own=True, lose=0.0, own_marks=None, channels=CHANNELS, actions=None):
        self.rng = random.Random(seed)
        self.grow, self.own, self.lose, self.lag = grow, own, lose, lag
        rules = Rules() if own_marks is None else Rules(own_marks=frozenset(own_marks))
        self.exchange = Exchange(markets=[A], seed=seed, rate=0, levels=0, rules=rules)
        self.kb, self.feed = kb, kb.Feed()
        self.name, self.used, self.names = "", "", 0
        self.follow()
        self.checks = defaultdict(int)
        self.found = []
        self.truths, self.lost, self.waiting = {}, set(), defaultdict(deque)
        self.shown, self.is_in_gap, self.others = None, False, 0
        self.actions = ACTIONS if actions is None else actions
        self.connection = self.exchange.connect()
        session = self.connection.session
        session._write = self.noting(session._write)
        self.feed.opened()
        for channel in channels:
            self.feed.subscribe(channel, market_tickers=[A])
        self.pump()
        self.deliver_all()
        self.pump()
        self.deliver_all()

    def follow(self):
        """Follow the next own order: a name is used once."""
        self.names += 1
        self.name = f"mine-{self.names}"
        self.queue = self.kb.QueueAhead(A, self.name, others_grow=self.grow)

    # The truth.

    def true_e2(self):
        """Whose order is followed and what stands ahead of it now; None: it does not rest."""
        for queues in self.exchange.venue.listing(A).book._queues:
            for queue in queues.values():
                ahead_e2 = 0
                for bid in queue:
                    if isinstance(bid, Order) and bid.owner is not None and bid.mark.client_order_id == self.name:
                        return self.name, ahead_e2
                    ahead_e2 += bid.remaining_e2
        return None

    def noting(self, write):
        def write_and_note(frame):
            if frame.type.startswith("orderbook"):
                self.truths[frame.payload] = self.true_e2()
                is_crowds = frame.type == "orderbook_delta" and b"client_order_id" not in frame.payload
                if is_crowds and self.lose and self.rng.random() < self.lose:
                    self.lost.add(frame.payload)
                    self.is_in_gap = True
            write(frame)

        return write_and_note

    # What goes over the connection.

    def pump(self):
        self.feed.advance(self.exchange.now_ns)
        for command in self.feed.wanted():
            self.connection.receive(self.feed.send(command))
        for payload in self.connection.take():
            self.waiting[json.loads(payload).get("sid")].append(payload)

    def deliver(self, sid):
        payload = self.waiting[sid].popleft()
        if payload in self.lost:
            self.lost.remove(payload)
            return
        update = self.feed.receive(payload)
        if payload in self.truths:
            name, self.shown = self.truths[payload] or ("", None)
            self.shown = self.shown if name == self.name else None
            if update.effect == self.kb.Effect.HEALED:
                self.is_in_gap = bool(self.lost)
        self.queue.take(update)
        self.check(update)

    def deliver_all(self):
        while sids := [sid for sid, frames in self.waiting.items() if frames]:
            self.deliver(self.rng.choice(sids))

    def deliver_some(self):
        """Deliver in any order of the channels, and leave a few frames of each on their way."""
        while sids := [sid for sid, frames in self.waiting.items() if len(frames) > self.rng.randrange(self.lag + 1)]:
            self.deliver(self.rng.choice(sids))

    def check(self, update):
        ahead, book = self.queue.ahead, self.feed.books.get(A)
        if book is None or not book.is_live:
            assert ahead is None
            self.checks["not live"] += 1
        elif self.shown is not None and ahead is not None:
            text = f"{update}: {ahead}, and {self.shown} is true"
            assert ahead.low_e2 <= self.shown <= ahead.high_e2, text
            assert ahead.low_e2 <= ahead.estimate_e2 <= ahead.high_e2, text
            self.checks["exact" if ahead.low_e2 == ahead.high_e2 else "between"] += 1
            self.found.append((ahead, self.shown))
        elif self.shown is not None:
            self.checks[self.queue.unknown_reason] += 1

    # What happens.

    def run(self, steps):
        for _ in range(steps):
            self.exchange.advance(self.exchange.now_ns + self.rng.choice((0, 0, MS, 7 * MS)))
            with suppress(Refused):  # it would trade at once, and must not
                self.rng.choice(self.actions)(self)
            self.pump()
            self.deliver_some()
        self.deliver_all()
        return self

    def my_order(self):
        return next((o for o in self.exchange.orders.resting() if o.mark.client_order_id == self.name), None)

    def price_e4(self):
        mine = self.my_order()
        return self.rng.choice(PRICES_E4) if mine is None or self.rng.random() < 0.1 else mine.price_e4

    def size_e2(self):
        return self.rng.choice(SIZES_E2)

    def join(self):
        self.exchange.crowd.place(A, outcome_side="yes", price_e4=self.price_e4(), size_e2=self.size_e2(), post_only=True)

    def one_of_crowd(self):
        price_e4 = self.price_e4()
        there = [o for o in self.exchange.crowd.resting() if o.outcome_side == "yes" and o.price_e4 == price_e4]
        return self.rng.choice(there) if there else None

    def leave(self):
        if order := self.one_of_crowd():
            self.exchange.crowd.cancel(order.order_id)

    def leave_newest(self):
        """As the simulator's own crowd does."""
        price_e4 = self.price_e4()
        self.exchange.crowd.change(A, outcome_side="yes", price_e4=price_e4, delta_e2=-self.size_e2())

    def shrink(self):
        order = self.one_of_crowd()
        if order and order.remaining_e2 > 100:
            if self.rng.random() < 0.5:
                self.exchange.crowd.decrease(order.order_id, size_e2=100)
            else:
                self.exchange.crowd.amend(order.order_id, size_e2=order.remaining_e2 - 100)

    def enlarge(self):
        order = self.one_of_crowd()
        if self.grow and order:
            self.exchange.crowd.amend(order.order_id, size_e2=order.remaining_e2 + 100)

    def trade(self):
        size_e2 = self.size_e2()
        self.exchange.crowd.place(A, outcome_side="no", price_e4=5900, size_e2=size_e2, immediate_or_cancel=True)

    def elsewhere(self):
        self.exchange.crowd.change(A, outcome_side="yes", price_e4=1000, delta_e2=100)

    def place_mine(self):
        if self.my_order() is None:
            if self.used == self.name:
                self.follow()
            price_e4, self.used = self.rng.choice(PRICES_E4), self.name
            self.exchange.orders.place(
                A, outcome_side="yes", price_e4=price_e4, size_e2=1500, client_order_id=self.name, post_only=True
            )

    def change_mine(self):
        mine = self.my_order()
        if mine is None or not self.own or self.is_in_gap:
            return
        orders, what = self.exchange.orders, self.rng.randrange(8)
        if what == 0:
            orders.cancel(mine.order_id)
        elif what == 1:
            orders.amend(mine.order_id, size_e2=mine.remaining_e2 + 200)
        elif what == 2:
            orders.amend(mine.order_id, price_e4=8100 - mine.price_e4)
        elif mine.remaining_e2 > 100:
            orders.decrease(mine.order_id, size_e2=100)

    def change_another_of_mine(self):
        """Another own order, at the same price."""
        mine = self.my_order()
        others = [o for o in self.exchange.orders.resting() if o.mark.client_order_id != self.name]
        if others and self.rng.random() < 0.5:
            self.exchange.orders.cancel(self.rng.choice(others).order_id)
        elif mine is not None and self.own:
            self.others += 1
            self.exchange.orders.place(
                A, outcome_side="yes", price_e4=mine.price_e4, size_e2=300, client_order_id=f"other-{self.others}",
                post_only=True,
            )  # fmt: skip

    def audit(self):
        status = self.feed.subscriptions["orderbook_delta"]
        if status.sid is not None:
            command = self.kb.UpdateSubscription(action="get_snapshot", sid=status.sid, market_tickers=[A])
            self.connection.receive(self.feed.send(command))

    def later(self):
        """Whatever the feed waits for is due."""
        self.exchange.advance(self.exchange.now_ns + 1_000 * MS)


ACTIONS = (
    *[World.join] * 6, *[World.leave] * 3, *[World.shrink] * 3, *[World.enlarge] * 2, *[World.trade] * 4,
    *[World.elsewhere] * 3, *[World.place_mine] * 3, *[World.change_mine] * 2, World.change_another_of_mine, World.audit,
    World.later,
)  # fmt: skip
