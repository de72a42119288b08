"""A feed and the simulated exchange, joined without a socket: bytes both ways, and time as a number.

The driver is the shell that a program would write around a ``Feed``: it sends what is wanted, opens another connection
where one ends, is refused or stays silent, and wakes up when either side asks for it. It also knows the truth: the
exchange's books are noted beside each frame of the book channel at the moment when that is written, and once a frame is
delivered, the books of the feed are compared with what was noted.
"""

from kalshi_book.sim import Abort, Account, Close, Freeze, Thaw
from kalshi_book.sim.serving import WS_PATH

SECOND = 1_000_000_000
BOOK = "orderbook_delta"
UNSEEN = ("wrong_snapshot", "wrong_delta", "lost_delta", "silence")
"""What no number shows, and no frame by itself."""
RETRY_NS, PATIENCE_NS = SECOND, 12 * SECOND


class Joined:
    """One feed, one exchange.

    Args:
        kb: the package, on one core or the other.
        exchange: what the feed is joined to.
        step_ns: how long the client sleeps at least, whatever comes in meanwhile.
        feed_options: what ``kb.Feed`` takes.

    Attributes:
        connection: the one that is open as far as the client knows, or None.
        shown: by market, the truth of the newest frame that was delivered.
        suspect: markets of which something is wrong that nothing shows, until a snapshot that was written later; and which
            entry of the log says so.
        found_wrong: audits that differed.
        frames: how many were delivered.
        connects: how many connections were open so far.
    """

    def __init__(self, kb, exchange, *, step_ns=0, **feed_options):
        self.kb, self.exchange, self.step_ns = kb, exchange, step_ns
        self.feed = kb.Feed(**feed_options)
        self.connection, self.is_shut = None, False
        self.retry_ns = self.heard_ns = exchange.now_ns
        self.shown, self.suspect = {}, {}
        self.found_wrong = self.frames = self.connects = 0
        self.truths, self.read = {}, 0
        self.pump()

    # The connection.

    def connect(self):
        """Knock; if nobody opens, try again later."""
        answer = self.exchange.admit(WS_PATH, {})
        if not isinstance(answer, Account):
            self.retry_ns = self.exchange.now_ns + RETRY_NS
            return
        self.connection = self.exchange.connect(answer)
        self.is_shut = False
        self.truths, self.shown = {}, {}
        self.suspect.clear()
        self.heard_ns = self.exchange.now_ns
        self.connects += 1
        session = self.connection.session
        session._write = self.noting(session._write)
        self.feed.opened()

    def noting(self, write):
        """Note the truth beside each frame that speaks of a book."""

        def write_and_note(frame):
            if frame.type.startswith("orderbook"):
                truth = self.exchange.book(frame.market_ticker)
                self.truths[frame.payload] = (frame.market_ticker, truth, frame.type, len(self.exchange.faults.log))
            write(frame)

        return write_and_note

    def hang_up(self):
        """Give the connection up, and open another one a little later."""
        self.connection.closed()
        self.connection = None
        self.feed.closed()
        assert not any(book.is_live for book in self.feed.books.values())
        self.retry_ns = self.exchange.now_ns + RETRY_NS

    # What goes over it.

    def pump(self):
        """Send what is wanted and deliver what is there, until both have come to rest."""
        self.feed.advance(self.exchange.now_ns)
        if self.connection is None and self.exchange.now_ns >= self.retry_ns:
            self.connect()
        while self.connection is not None:
            commands = self.feed.wanted()
            for command in commands:
                self.connection.receive(self.feed.send(command))
            deeds = self.connection.take()
            for deed in deeds:
                self.do(deed)
            if self.connection is not None and self.feed.reconnect_reason is not None:
                self.hang_up()
            if not (commands or deeds):
                break
        self.feed.events()

    def do(self, deed):
        """Do what a shell does."""
        if isinstance(deed, bytes):
            self.deliver(deed)
        elif isinstance(deed, (Freeze, Thaw)):
            self.is_shut = isinstance(deed, Freeze)
        else:
            assert isinstance(deed, (Close, Abort))
            self.hang_up()

    def deliver(self, payload):
        """Let the feed read a frame, and compare."""
        assert not self.is_shut
        self.heard_ns = self.exchange.now_ns
        self.frames += 1
        self.note_unseen()
        ticker, truth, type_, logged = self.truths.get(payload, (None, None, None, 0))
        book = None if ticker is None else self.feed.books.get(ticker)
        was_live = book is not None and book.is_live
        was_wrong = was_live and levels(book) != (truth.yes, truth.no)
        update = self.feed.receive(payload)
        if ticker is not None:
            self.shown[ticker] = truth
            if type_ == "orderbook_snapshot":
                if self.suspect.get(ticker, logged) < logged:
                    del self.suspect[ticker]
                is_audit = was_live and update.message.id is not None and update.effect == self.kb.Effect.APPLIED
                self.check_audit(update, is_audit=is_audit, was_wrong=was_wrong)
        self.compare()

    def check_audit(self, update, *, is_audit, was_wrong):
        """A snapshot of a LIVE book that was asked for says whether the book was right (F17)."""
        differs = isinstance(update.error, self.kb.AuditDifference)
        assert differs == (is_audit and was_wrong), f"{update}: was wrong {was_wrong}, {update.error}"
        self.found_wrong += differs

    def note_unseen(self):
        """Take note of the faults that nothing shows."""
        log = self.exchange.faults.log
        for _ in range(len(log) - self.read):
            struck = log[self.read]
            self.read += 1
            is_here = self.connection is not None and struck.connection in (None, self.connection.number)
            if struck.kind in UNSEEN and struck.market_ticker is not None and is_here:
                self.suspect[struck.market_ticker] = self.read - 1

    def compare(self):
        """A LIVE book is the exchange's, as it was when its newest frame was written."""
        for ticker, book in self.feed.books.items():
            if book.is_live and ticker not in self.suspect:
                truth = self.shown[ticker]
                assert levels(book) == (truth.yes, truth.no), f"{ticker} at {self.exchange.now_ns}"

    # Time.

    def pass_time(self, span_ns, *, until=None):
        """Let time pass, or as much of it as it takes until something holds. Returns whether it came to hold."""
        end_ns = self.exchange.now_ns + span_ns
        while True:
            self.pump()
            if until is not None and until():
                return True
            now_ns = self.exchange.now_ns
            if now_ns >= end_ns:
                return False
            dues = [self.exchange.next_due_ns, self.feed.next_deadline_ns]
            dues.append(self.retry_ns if self.connection is None else self.heard_ns + PATIENCE_NS)
            due_ns = min(due_ns for due_ns in dues if due_ns is not None)
            self.exchange.advance(min(end_ns, max(due_ns, now_ns + self.step_ns)))
            if self.connection is not None and self.exchange.now_ns >= self.heard_ns + PATIENCE_NS:
                self.hang_up()

    def audit(self):
        """Ask for a snapshot of every LIVE book."""
        live = [ticker for ticker, book in self.feed.books.items() if book.is_live]
        status = self.feed.subscriptions.get(BOOK)
        if self.connection is not None and live and status is not None and status.sid is not None:
            command = self.kb.UpdateSubscription(action="get_snapshot", sid=status.sid, market_tickers=live)
            self.connection.receive(self.feed.send(command))

    def unsettled(self):
        """Say what is not as it is to be in the end: every desired book LIVE and the exchange's, nothing under way."""
        if self.connection is None:
            return ["no connection"]
        status = self.feed.subscriptions[BOOK]
        held = (
            set(self.connection.session.subscriptions[BOOK].markets)
            if BOOK in self.connection.session.subscriptions
            else set()
        )
        wrong = [f"pending {self.feed.pending}"] if self.feed.pending else []
        if still := self.suspect.keys() & status.desired:
            wrong.append(f"suspect {still}")
        books = {ticker for ticker, book in self.feed.books.items() if book.stale_reason != "not_subscribed"}
        if not (status.desired == status.held == held == books):
            wrong.append(f"desired {sorted(status.desired)}, held {sorted(status.held)}, truly {sorted(held)}")
        for ticker in status.desired & set(self.feed.books):
            book = self.feed.books[ticker]
            if not book.is_live:
                wrong.append(f"{ticker} is {book.state} ({book.stale_reason})")
            elif book.checksum() != self.exchange.book(ticker).checksum():
                wrong.append(f"{ticker} differs")
        return wrong

    def settled(self):
        return not self.unsettled()


def levels(book):
    """The levels of a book as the truth has them."""
    return tuple(
        tuple((level.price_e4, level.size_e2) for level in reversed(book.bids(outcome_side=side))) for side in ("yes", "no")
    )
