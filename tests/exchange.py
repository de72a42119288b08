"""The simulated exchange with one connection at a time, whose every step a test decides: a venue and a session, joined.

Markets change only by call, each call a millisecond after the one before. What the session is to send is appended to
``outbox`` in the order of delivery; what the network does to a frame on its way is up to the caller.
"""

from msgspec.structs import replace

from kalshi_book.sim.rules import Rules
from kalshi_book.sim.session import Session
from kalshi_book.sim.venue import Venue

START_MS = 1793000000000
MS = 1_000_000
NOT_CLOSED = ("active", "paused")


class Exchange:
    """The exchange with some markets, open and empty.

    Args:
        tickers: the markets that trade. Any other ticker is accepted in a command and streams nothing.
        rules: of the exchange; ``obey`` changes them.

    Attributes:
        venue: the markets; ``venue.orders("user")`` are the client's own orders.
        session: the connection, or None.
        outbox: what it sent, as bytes; ``frames``: the same with what each is.
        pending: commands that wait while ``hold`` is on.
        delayed: snapshots that wait while ``delay_snapshots`` is on.
    """

    def __init__(self, *tickers, rules=None):
        self.venue = Venue(markets=tickers, seed=0, rate=0, levels=0, start_ns=START_MS * MS, tick="centi_cent")
        self.venue.listen(self._happened)
        self._rules, self._is_told = rules or Rules(), True
        self.session, self.outbox, self.frames = None, [], []
        self.pending, self.delayed = [], []
        # Faults of the next command that is processed; it uses them up.
        self.ignore = False  # it has no effect and no reply
        self.fail_with = None  # it is refused with this error code
        self.lose_reply = False  # it has its effect; with fail_with too, that error is all its reply, without it none
        # How the connection behaves until that is changed.
        self.hold = False  # commands wait in ``pending`` until they are processed, in any order
        self.delay_snapshots = False  # snapshots wait in ``delayed`` until they are released; deltas do not wait
        self.silent_sids = (
            set()
        )  # their frames are numbered and never appear. A ``subscribed`` does: the sid is only inside it
        self.silent_markets = set()  # their snapshots never come; their deltas do

    # The connection.

    def connect(self):
        """Begin a connection: sids and numbers start at 1 again, nothing is subscribed, and the outbox is empty."""
        self.disconnect()
        self.outbox, self.frames = [], []
        self.session = Session(
            self.venue, account="user", rules=self._rules, write=self._write, now_ns=lambda: self.venue.now_ns
        )
        self.session.before_snapshot = self._may_show

    def disconnect(self):
        """End it: what was subscribed, held back or delayed is gone. What was sent stays in the outbox."""
        self.session = None
        self.pending, self.delayed = [], []
        self.silent_sids.clear()

    def obey(self, **rules):
        """Change some of the rules."""
        self._rules = replace(self._rules, **rules)
        if self.session:
            self.session.rules = self._rules

    @property
    def now_ms(self):
        """The exchange's time, unix milliseconds."""
        return self.venue.now_ns // MS

    # What is true.

    def book(self, ticker):
        """The true book: price_e4 to size_e2 for each outcome, each on its own scale."""
        listing = self.venue.listings[ticker]
        return {side: dict(listing.levels(side)) for side in ("yes", "no")}

    def is_closed(self, ticker):
        """Whether a market trades no more."""
        return self.venue.listings[ticker].state not in NOT_CLOSED

    def room(self, ticker, side):
        """The highest price_e4 at which a bid neither crosses nor locks the book; 0: none."""
        other = self.venue.listings[ticker].levels("no" if side == "yes" else "yes")
        return 9999 - other[-1][0] if other else 9999

    def sid_of(self, channel):
        """The sid of a channel, or None."""
        sub = self._subscription(channel)
        return sub and sub.sid

    def seq_of(self, channel):
        """The last number of a channel's subscription; 0: none yet."""
        sub = self._subscription(channel)
        return sub.seq if sub else 0

    def held_markets(self, channel):
        """What the subscription of a channel lists, as a set; an empty one for nothing, None for all markets."""
        sub = self._subscription(channel)
        if sub and sub.takes_all:
            return None
        return {name for names in sub.names.values() for name in names} if sub else set()

    # What happens on the exchange.

    def tick(self):
        """Let a millisecond pass."""
        self.venue.advance(self.venue.now_ns + MS)

    def change(self, ticker, side, price_e4, delta_e2, *, is_told=True):
        """Change one level of a true book by the crowd; untold, the connection does not hear of it."""
        self.tick()
        self._is_told = is_told
        self.venue.crowd.change(ticker, outcome_side=side, price_e4=price_e4, delta_e2=delta_e2)
        self._is_told = True

    def close(self, ticker):
        """Close a market."""
        self.tick()
        self.venue.life.close(ticker)

    def send(self, channel, type_, msg):
        """Send any frame on a channel that is subscribed."""
        assert self.session.say(channel, type_, msg), f"nobody wants this on {channel}"

    def overflow(self, sid):
        """Lose a subscription whose reader was too slow: error 25."""
        self.session.end(sid, 25)

    def channel_error(self, sid):
        """Lose a subscription to an error of its channel: error 10."""
        self.session.end(sid, 10)

    # Commands and snapshots.

    def command(self, data):
        """Take one command as it was sent: do it, or hold it back."""
        assert self.session, "there is no connection"
        self.pending.append(data)
        if not self.hold:
            self.process(len(self.pending) - 1)

    def process(self, index=0):
        """Do one of the pending commands."""
        data = self.pending.pop(index)
        self.tick()
        ignore, code, is_mute = self.ignore, self.fail_with, self.lose_reply
        self.ignore, self.fail_with, self.lose_reply = False, None, False
        if ignore:
            return
        if code is None or is_mute:
            self.session.command(data, reply=not is_mute)
        if code is not None:
            self.session.refuse(data, code)

    def release(self, index=0):
        """Send one of the delayed snapshots, with the book as it is now."""
        self._show(self.delayed.pop(index))

    def _may_show(self, due):
        self.delayed.append(due)
        while self.delayed and not self.delay_snapshots:
            self.release()
        return False

    def _show(self, due):
        if due.market_ticker not in self.silent_markets:
            self.session.snapshot(due)

    def _subscription(self, channel):
        return self.session.subscriptions.get(channel) if self.session else None

    def _happened(self, happening):
        if self.session and self._is_told:
            self.session.happened(happening)

    def _write(self, frame):
        if frame.sid is None or frame.sid not in self.silent_sids:
            self.frames.append(frame)
            self.outbox.append(frame.payload)
