"""A feed and the simulated exchange on one connection, with commands, losses and time in any order.

Whatever happens: a LIVE book is the exchange's book as of the last frame that was delivered; what was lost makes it STALE as
soon as the next number shows it; the recovery stays within its budget and ends; and when the faults end, what the feed
believes to be held is what the exchange holds, and every market that trades is LIVE.
"""

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from exchange import Exchange
from frames import levels
from kalshi_book.sim.rules import Rules

BOOK = "orderbook_delta"
TRADING = ("KXDEMO-26-A", "KXDEMO-26-B", "KXDEMO-26-C", "KXDEMO-26-D")
MISTYPED = ("KXDEMO-26-X", "KXDEMO-26-Y")
EVERY = TRADING + MISTYPED
SECOND = 1_000_000_000
BURST, PER_MINUTE = 20, 60
MAX_ROUNDS = 400
NO_LIMIT = Rules().market_limit
EXAMPLES = 3 * settings().max_examples
PHASES = tuple(phase for phase in Phase if phase is not Phase.explain)

some_tickers = st.lists(st.sampled_from(EVERY), min_size=1, max_size=4, unique=True)


class Session(RuleBasedStateMachine):
    """What the test does to both sides."""

    kb = None

    @initialize(
        use_yes_price=st.booleans(), scoped=st.booleans(), told=st.booleans(), lists=st.booleans(), first=some_tickers
    )  # fmt: skip
    def start(self, use_yes_price, scoped, told, lists, first):
        pace = self.kb.Pace(budget_per_minute=PER_MINUTE, burst=BURST)
        self.feed = self.kb.Feed(pace=pace)
        self.exchange = Exchange(*TRADING, rules=Rules(scoped_errors=scoped))
        self.exchange.hold = True
        self.use_yes_price, self.lists, self.is_limited = use_yes_price, lists, False
        self.now_ns = 7 * SECOND if told else None
        if told:
            self.feed.advance(self.now_ns)
        self.sent_ns = []
        self.connect()
        self.desire(first)

    # The wire.

    def connect(self):
        self.exchange.connect()
        self.truths, self.delivered, self.tagged = [], 0, 0
        self.shown, self.suspect, self.lost_sids = {}, set(), {}
        self.unseen = {}  # by sid, the last number that was lost, until a higher one shows it

    def tag(self):
        """Note the true book beside each new frame that speaks of one, and the numbers that never appear."""
        sid = self.exchange.sid_of(BOOK)
        if sid in self.exchange.silent_sids:
            self.unseen[sid] = self.exchange.seq_of(BOOK)
        for frame in self.exchange.frames[self.tagged :]:
            ticker = frame.market_ticker
            self.truths.append((frame, ticker, None if ticker is None else self.exchange.book(ticker)))
        self.tagged = len(self.exchange.frames)

    def deliver(self, *, lose=False):
        """Deliver the next frame, or lose it on the way."""
        if self.delivered >= len(self.truths):
            return
        frame, ticker, truth = self.truths[self.delivered]
        self.delivered += 1
        sid, seq = frame.sid, frame.seq
        if lose and frame.type != "error":  # the end of a subscription is not missed: nothing would ever show it
            if seq is not None:
                self.unseen[sid] = max(seq, self.unseen.get(sid, 0))
            return
        if seq is not None:
            if seq > self.unseen.get(sid, seq):
                del self.unseen[sid]
            if self.lost_sids.get(sid, 0) + 1 != seq:
                self.suspect |= {name for name, book in self.feed.books.items() if book.sid == sid}
            self.lost_sids[sid] = seq
        if ticker is not None:
            self.shown[ticker] = truth
            if frame.type == "orderbook_snapshot":
                self.suspect.discard(ticker)
        self.feed.receive(frame.payload)

    # What the exchange does.

    @rule(
        ticker=st.sampled_from(TRADING),
        side=st.sampled_from(("yes", "no")),
        at=st.integers(1, 60),
        size=st.integers(-500, 500),
    )
    def change(self, ticker, side, at, size):
        ladder = self.exchange.book(ticker)[side]
        price = at * 100 if at * 100 <= self.exchange.room(ticker, side) else max(1, self.exchange.room(ticker, side))
        size = max(size, -ladder.get(price, 0))
        if (
            not size
            or self.exchange.is_closed(ticker)
            or price < 1
            or (size + ladder.get(price, 0) > 0 > size and price not in ladder)
        ):
            return
        self.exchange.change(ticker, side, price, size)
        self.tag()

    @rule(ticker=st.sampled_from(TRADING[-1:]))
    def close(self, ticker):
        if not self.exchange.is_closed(ticker):
            self.exchange.close(ticker)
            self.tag()

    @precondition(lambda self: self.exchange.pending)
    @rule(index=st.integers(0, 5))
    def process(self, index):
        self.exchange.process(index % len(self.exchange.pending))
        self.tag()

    @precondition(lambda self: self.exchange.delayed)
    @rule(index=st.integers(0, 5))
    def release(self, index):
        self.exchange.release(index % len(self.exchange.delayed))
        self.tag()

    # What goes wrong.

    @precondition(lambda self: self.exchange.pending)
    @rule(how=st.sampled_from(("ignore", "lose_reply", 18, 27, "done 18", 26, 17, 11)), index=st.integers(0, 5))
    def process_badly(self, how, index):
        if how == "ignore":
            self.exchange.ignore = True
        elif how == "lose_reply":
            self.exchange.lose_reply = True
        elif how == "done 18":
            self.exchange.lose_reply, self.exchange.fail_with = True, 18
        else:
            self.exchange.fail_with = how
        self.process(index)

    @rule(
        switch=st.sampled_from(("delay", "market", "limit", "sid")), ticker=st.sampled_from(TRADING), limit=st.integers(1, 6)
    )
    def fault(self, switch, ticker, limit):
        if switch == "delay":
            self.exchange.delay_snapshots = not self.exchange.delay_snapshots
        elif switch == "market":
            self.exchange.silent_markets ^= {ticker}
        elif switch == "limit":
            self.is_limited = not self.is_limited
            self.exchange.obey(market_limit=limit if self.is_limited else NO_LIMIT)
        elif (sid := self.exchange.sid_of(BOOK)) is not None:
            self.exchange.silent_sids ^= {sid}

    @rule(code=st.sampled_from((10, 25)))
    def terminal(self, code):
        if (sid := self.exchange.sid_of(BOOK)) is not None and sid not in self.exchange.silent_sids:
            self.exchange.overflow(sid) if code == 25 else self.exchange.channel_error(sid)
            self.tag()

    @rule()
    def lose(self):
        self.deliver(lose=True)

    @rule()
    def reconnect(self):
        self.exchange.disconnect()
        self.feed.closed()
        assert not any(book.is_live for book in self.feed.books.values())
        self.feed.opened()
        self.connect()

    # What the caller does.

    @rule(tickers=some_tickers)
    def desire(self, tickers):
        self.feed.subscribe(BOOK, market_tickers=tickers, use_yes_price=self.use_yes_price, skip_ticker_ack=not self.lists)

    @rule(tickers=some_tickers)
    def no_longer(self, tickers):
        self.feed.unsubscribe(BOOK, market_tickers=tickers)

    @rule()
    def nothing_any_more(self):
        self.feed.unsubscribe(BOOK)

    @rule(
        tickers=some_tickers,
        action=st.sampled_from(("subscribe", "add_markets", "delete_markets", "get_snapshot", "unsubscribe")),
    )
    def own_command(self, tickers, action):
        """A caller's own command, at any time."""
        status = self.feed.subscriptions.get(BOOK)
        sid = None if status is None else status.sid
        kb = self.kb
        if action == "subscribe":
            command = kb.Subscribe(
                channels=[BOOK], market_tickers=tickers, use_yes_price=self.use_yes_price, skip_ticker_ack=not self.lists
            )
        elif sid is None:
            return
        elif action == "unsubscribe":
            command = kb.Unsubscribe(sids=[sid])
        else:
            command = kb.UpdateSubscription(action=action, sid=sid, market_tickers=tickers)
        self.exchange.command(self.feed.send(command))

    @rule()
    def pump(self):
        self.send_wanted()

    def send_wanted(self):
        commands = self.feed.wanted()
        assert commands == self.feed.wanted()
        for command in commands:
            if command.purpose == "recovery" and self.now_ns is not None:
                self.sent_ns.append(self.now_ns)
            self.exchange.command(self.feed.send(command))
        assert not self.feed.wanted()
        return len(commands)

    @rule(count=st.integers(1, 12))
    def receive(self, count):
        for _ in range(count):
            self.deliver()

    @rule(seconds=st.sampled_from((0, 1, 5, 10, 11, 61)))
    def wait(self, seconds):
        self.now_ns = (self.now_ns or 0) + seconds * SECOND
        self.feed.advance(self.now_ns)

    # What holds.

    @invariant()
    def live_books_are_the_exchange_s(self):
        for ticker, book in self.feed.books.items():
            book.check()
            if book.is_live:
                assert ticker not in self.suspect, ticker
                assert levels(book) == self.shown[ticker], ticker

    @invariant()
    def what_was_not_lost_unseen_is_known(self):
        """All frames were delivered, or a gap has shown which were lost: then LIVE means the exchange's book, now."""
        if not self.unseen and self.delivered == len(self.truths):
            for ticker, book in self.feed.books.items():
                if book.is_live:
                    assert levels(book) == self.exchange.book(ticker), ticker
                    assert ticker in (self.exchange.held_markets(BOOK) or ()), ticker

    @invariant()
    def the_budget_is_kept(self):
        """In any span the commands of the recovery are at most the burst and what time has filled."""
        for first, at in enumerate(self.sent_ns):
            filled = (self.sent_ns[-1] - at) * PER_MINUTE // (60 * SECOND)
            assert len(self.sent_ns) - first <= BURST + filled + 1

    def teardown(self):
        """The faults end: everything comes right, in bounded time."""
        if not hasattr(self, "feed"):
            return
        self.exchange.delay_snapshots = False
        self.exchange.obey(market_limit=NO_LIMIT)
        self.exchange.silent_markets, self.exchange.silent_sids = set(), set()
        for ticker in TRADING:  # the next number of each subscription shows what was lost before
            if not self.exchange.is_closed(ticker):
                self.exchange.change(ticker, "yes", 1, 100)
        self.tag()
        self.feed.advance(self.now_ns if self.now_ns is not None else 0)
        self.now_ns = self.now_ns or 0
        for _ in range(MAX_ROUNDS):
            self.send_wanted()
            while self.exchange.pending:
                self.process(0)
            while self.exchange.delayed:
                self.release(0)
            while self.delivered < len(self.truths):
                self.deliver()
                self.live_books_are_the_exchange_s()
            if self.feed.reconnect_reason is not None:
                self.reconnect()
            elif self.settled():
                break
            elif not self.feed.wanted():
                due_ns = self.feed.next_deadline_ns
                assert due_ns is not None, f"nothing is due, and {self.unsettled()}"
                self.now_ns = max(due_ns, self.now_ns)
                self.feed.advance(self.now_ns)
            self.the_budget_is_kept()
        assert self.settled(), self.unsettled()

    def settled(self):
        return not self.unsettled()

    def unsettled(self):
        """Say what is not as it is to be in the end."""
        wrong = []
        status = self.feed.subscriptions.get(BOOK)
        held = set() if status is None else status.held
        desired = set() if status is None else status.desired
        if held != self.exchange.held_markets(BOOK):
            wrong.append(f"held {held}, truly {self.exchange.held_markets(BOOK)}")
        if desired != held:
            wrong.append(f"desired {desired}, held {held}")
        books = {ticker: book for ticker, book in self.feed.books.items() if book.stale_reason != "not_subscribed"}
        if set(books) != desired:
            wrong.append(f"books {set(books)}, desired {desired}")
        for ticker, book in books.items():
            gives = ticker in TRADING and not self.exchange.is_closed(ticker)
            if book.state.value not in (("live",) if gives else ("live", "unavailable")):
                wrong.append(f"{ticker} is {book.state} ({book.stale_reason})")
            elif book.is_live and levels(book) != self.exchange.book(ticker):
                wrong.append(f"{ticker} differs")
        if self.feed.pending:
            wrong.append(f"pending {self.feed.pending}")
        return wrong


@pytest.mark.long
@pytest.mark.parametrize("steps", [15, 50])
def test_a_session_is_never_wrong_and_always_comes_right(kb, steps):
    machine = type("Session", (Session,), {"kb": kb})
    run_state_machine_as_test(machine, settings=settings(max_examples=EXAMPLES, stateful_step_count=steps, phases=PHASES))
