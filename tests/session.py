"""A feed and the simulated exchange, joined: commands one way, frames the other, and time as a number.

The driver is the shell that a program would write around a ``Feed``, without a socket or a clock. What the exchange does
wrong is switched on in ``exchange``; what the network does to a frame on its way is decided by ``loses``.
"""

import json

from exchange import Exchange
from frames import levels

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
BOOK = "orderbook_delta"
MAX_ROUNDS = 100


class Session:
    """One feed, one exchange, one connection at a time. The first is open, and nothing is subscribed.

    Args:
        kb: the package, on one core or the other.
        tickers: the markets that trade; each begins with a book of its own.
        feed_options: what ``kb.Feed`` takes.

    Attributes:
        loses: a frame, as a dict, to whether it is lost on its way.
        loses_command: the same of a command.
        sent: every command since the last ``take_sent``, as dicts.
        updates: of the frames since the last ``pump`` began.
        events: all events so far.
    """

    def __init__(self, kb, *tickers, **feed_options):
        self.exchange = Exchange(*tickers)
        for number, ticker in enumerate(tickers):
            self.exchange.change(ticker, "yes", 1000 + number % 4000, 1200)
            self.exchange.change(ticker, "no", 2000 + number % 3000, 3400)
        self.feed = kb.Feed(**feed_options)
        self.now_ns = 0
        self.sent, self.updates, self.events = [], [], []
        self.lose_nothing()
        self._read = 0
        self.connect()
        self.feed.advance(self.now_ns)

    # The connection.

    def connect(self):
        """Open a connection; the one before is gone, if it was not closed."""
        self.exchange.connect()
        self._read = 0
        self.feed.opened()

    def reconnect(self):
        """Lose the connection and open another one."""
        self.disconnect()
        self.connect()

    def disconnect(self):
        """Lose the connection, and what was under way on it."""
        self.exchange.disconnect()
        self.feed.closed()

    # What goes over it.

    def send(self, command):
        """Send one command of a caller's own, or of ``feed.wanted``."""
        data = self.feed.send(command)
        self.sent.append(json.loads(data))
        if not self.loses_command(self.sent[-1]):
            self.exchange.command(data)

    def deliver(self, count=None):
        """Deliver what the exchange sent and is still on its way, or the first ``count`` frames of it."""
        end = len(self.exchange.outbox) if count is None else self._read + count
        for frame in self.exchange.outbox[self._read : end]:
            self._read += 1
            if not self.loses(json.loads(frame)):
                self.updates.append(self.feed.receive(frame, received_ns=self.now_ns))
        self.events += self.feed.events()

    def pump(self):
        """Send what is wanted and deliver everything, until both have come to rest."""
        self.updates = []
        for _ in range(MAX_ROUNDS):
            commands = self.feed.wanted()
            for command in commands:
                self.send(command)
            if not commands and self._read == len(self.exchange.outbox):
                self.events += self.feed.events()
                return
            self.deliver()
            self.feed.advance(self.now_ns)
        raise AssertionError(f"no rest after {MAX_ROUNDS} rounds; the last wanted {commands}")

    def pass_time(self, span_ns):
        """Pump, and let time pass, waking up whenever the feed asks for it."""
        end_ns = self.now_ns + span_ns
        self.pump()
        for _ in range(MAX_ROUNDS * (1 + span_ns // MINUTE)):
            due_ns = self.feed.next_deadline_ns
            assert due_ns is None or due_ns > self.now_ns, f"deadline {due_ns} does not pass, at {self.now_ns}"
            self.now_ns = end_ns if due_ns is None else min(due_ns, end_ns)
            self.feed.advance(self.now_ns)
            self.pump()
            if self.now_ns == end_ns:
                return
        raise AssertionError(f"too many deadlines; the next would be {self.feed.next_deadline_ns}")

    # Faults.

    def lose(self, number):
        """Lose the ``number``-th frame from now on, counted from 1, and no other."""
        count = 0

        def is_it(frame):
            nonlocal count
            count += 1
            return count == number

        self.loses = is_it

    def lose_nothing(self):
        """Lose nothing any more."""
        self.loses = self.loses_command = lambda content: False

    # What came of it.

    def take_sent(self):
        """Give the commands sent since the last call, each as (cmd, or action, and what it names)."""
        sent, self.sent = self.sent, []
        return [_brief(command) for command in sent]

    def live(self):
        """The markets whose books are LIVE, in order."""
        return [ticker for ticker, book in self.feed.books.items() if book.is_live]

    def wrong(self):
        """The markets whose books are LIVE and not as the exchange has them: none, once everything was delivered."""
        return [ticker for ticker in self.live() if levels(self.feed.books[ticker]) != self.exchange.book(ticker)]

    def of(self, name):
        """The events of one type so far."""
        return [event for event in self.events if type(event).__name__ == name]


def _brief(command):
    params = command.get("params", {})
    what = params.get("action", command["cmd"])
    names = params.get("market_tickers") or params.get("sids") or params.get("channels") or []
    return (what, *names)
