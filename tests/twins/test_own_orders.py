"""A feed and the simulated exchange: own orders, and a client that hears of them late, twice, or not at all.

The channels of one connection have no common order, so each is delivered by itself. Whatever happens: own size is known
from a confirmed list to the next loss and at no other time; and once everything was heard, it is the exchange's.
"""

from collections import Counter

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from exchange import MS, Exchange
from frames import A, B
from kalshi_book.sim import bulletin

TICKERS = (A, B)
PHASES = tuple(phase for phase in Phase if phase is not Phase.explain)
BOOK, ORDERS, FILLS = "orderbook_delta", "user_orders", "fill"

prices = st.integers(1, 3).map(lambda cents: cents * 100)
sizes = st.integers(1, 9).map(lambda contracts: contracts * 100)
sides = st.sampled_from(("yes", "no"))
tickers = st.sampled_from(TICKERS)


class OwnOrders(RuleBasedStateMachine):
    """What the test does to both sides."""

    kb = None

    @initialize(use_yes_price=st.booleans(), is_confirmed=st.booleans())
    def start(self, use_yes_price, is_confirmed):
        self.exchange = Exchange(*TICKERS)
        self.entry = self.exchange.venue.orders("user")
        self.feed = self.kb.Feed()
        self.feed.subscribe(BOOK, market_tickers=TICKERS, use_yes_price=use_yes_price)
        self.feed.subscribe(ORDERS)
        self.feed.subscribe(FILLS)
        self.lists, self.past_fills = [], []
        self.connect()
        if is_confirmed:
            self.feed.confirm_orders([], as_of_ms=self.since)
            self.is_confirmed = True

    def connect(self):
        self.exchange.connect()
        self.feed.opened()
        self.waiting, self.read = {}, 0
        self.is_confirmed = False
        for command in self.feed.wanted():
            self.exchange.command(self.feed.send(command))
        self.since = self.exchange.now_ms
        self.collect()

    def collect(self):
        """Put what was sent in line by its subscription; replies without one arrive at once."""
        for frame in self.exchange.frames[self.read :]:
            if frame.sid is None:
                self.feed.receive(frame.payload)
            else:
                self.waiting.setdefault(frame.sid, []).append(frame)
        self.read = len(self.exchange.frames)
        self.lists = [*self.lists[-2:], (self.exchange.now_ms, [bulletin.user_order(each) for each in self.resting()])]

    def hear(self, sid, count):
        for frame in self.waiting[sid][:count]:
            self.feed.receive(frame.payload)
            if frame.type == "fill":
                self.past_fills.append(frame.payload)
        del self.waiting[sid][:count]

    def resting(self):
        return self.entry.resting()

    def pick(self, data):
        return data.draw(st.sampled_from(self.resting()))

    # What the owner and others do.

    @rule(ticker=tickers, side=sides, price_e4=prices, size_e2=sizes, lasts_ms=st.none() | st.integers(1, 5))
    def place(self, ticker, side, price_e4, size_e2, lasts_ms):
        self.exchange.tick()
        expires_ns = None if lasts_ms is None else self.exchange.venue.now_ns + lasts_ms * MS
        self.entry.place(ticker, outcome_side=side, price_e4=price_e4, size_e2=size_e2, expires_ns=expires_ns)
        self.collect()

    @precondition(lambda self: self.resting())
    @rule(data=st.data(), price_e4=st.none() | prices, size_e2=st.none() | sizes)
    def amend(self, data, price_e4, size_e2):
        self.exchange.tick()
        if self.resting():
            self.entry.amend(self.pick(data).order_id, price_e4=price_e4, size_e2=size_e2)
        self.collect()

    @precondition(lambda self: self.resting())
    @rule(data=st.data())
    def cancel(self, data):
        self.exchange.tick()
        if self.resting():
            self.entry.cancel(self.pick(data).order_id)
        self.collect()

    @precondition(lambda self: self.resting())
    @rule(data=st.data(), size_e2=sizes)
    def somebody_takes(self, data, size_e2):
        """Somebody buys the other outcome at the price of an own order: the best are met first, of these the earliest."""
        self.exchange.tick()
        if self.resting():
            order = self.pick(data)
            crowd, other = self.exchange.venue.crowd, "no" if order.outcome_side == "yes" else "yes"
            price_e4 = 10_000 - order.price_e4
            crowd.place(
                order.market_ticker, outcome_side=other, price_e4=price_e4, size_e2=size_e2, immediate_or_cancel=True
            )
        self.collect()

    @rule(ticker=tickers, side=sides, price_e4=prices, size_e2=sizes)
    def somebody_bids(self, ticker, side, price_e4, size_e2):
        self.exchange.change(ticker, side, price_e4, size_e2)
        self.collect()

    # What the client hears.

    @precondition(lambda self: any(self.waiting.values()))
    @rule(data=st.data(), count=st.integers(1, 3))
    def hear_some(self, data, count):
        self.hear(data.draw(st.sampled_from([sid for sid, frames in self.waiting.items() if frames])), count)

    @precondition(lambda self: self.past_fills)
    @rule(data=st.data())
    def hear_of_a_fill_again(self, data):
        self.feed.receive(data.draw(st.sampled_from(self.past_fills)))

    @rule(data=st.data(), tells_times=st.booleans())
    def confirm(self, data, tells_times):
        """Confirm one of the last lists that could have been asked for."""
        shown, rows = data.draw(st.sampled_from(self.lists))
        if not tells_times:
            rows = [{name: value for name, value in row.items() if not name.startswith("last_update")} for row in rows]
        if shown < self.since:
            with pytest.raises(self.kb.UsageError):
                self.feed.confirm_orders(rows, as_of_ms=shown)
            return
        self.feed.confirm_orders(rows, as_of_ms=data.draw(st.integers(self.since, shown)))
        self.is_confirmed = True

    @precondition(lambda self: self.is_confirmed and self.past_fills)
    @rule()
    def lose_the_connection(self):
        self.feed.closed()
        self.past_fills.clear()
        self.connect()

    # What holds.

    @rule()
    def hear_everything(self):
        for sid in self.waiting:
            self.hear(sid, None)
        for ticker in TICKERS:
            book = self.feed.books[ticker]
            if self.is_confirmed:
                self.is_the_exchange_s(book, ticker)
            else:
                with pytest.raises(self.kb.OwnSizeUnknown):
                    book.own_size_at("0.01")

    def is_the_exchange_s(self, book, ticker):
        mine = Counter()
        for each in self.resting():
            if each.market_ticker == ticker:
                mine[each.outcome_side, each.price_e4] += each.remaining_e2
        assert {each.order_id for each in book.own_orders} == {
            each.order_id for each in self.resting() if each.market_ticker == ticker
        }  # fmt: skip
        assert all(each.is_confirmed for each in book.own_orders)
        for side in ("yes", "no"):
            truth = dict(self.exchange.book(ticker)[side])
            for price_e4 in (100, 200, 300):
                assert book.own_size_at(price_e4=price_e4, outcome_side=side) * 100 == mine[side, price_e4]
                truth[price_e4] = truth.get(price_e4, 0) - mine[side, price_e4]
            others = {level.price_e4: level.size_e2 for level in book.bids(outcome_side=side, without_own=True)}
            assert others == {price_e4: size_e2 for price_e4, size_e2 in truth.items() if size_e2}

    def teardown(self):
        """A list of now makes everything known, whatever was lost."""
        if hasattr(self, "lists"):
            self.collect()
            shown, rows = self.lists[-1]
            self.feed.confirm_orders(rows, as_of_ms=shown)
            self.is_confirmed = True
            self.hear_everything()

    @invariant()
    def nothing_is_negative_or_known_too_early(self):
        for book in self.feed.books.values():
            assert all(each.size_e2 > 0 for each in book.own_orders)
            if not self.is_confirmed:
                with pytest.raises(self.kb.OwnSizeUnknown):
                    book.own_size_at("0.01")


@pytest.mark.long
def test_own_orders_are_never_wrong_where_they_are_known(kb):
    machine = type("OwnOrders", (OwnOrders,), {"kb": kb})
    run_state_machine_as_test(machine, settings=settings(stateful_step_count=40, phases=PHASES))
