"""From updates to rows: level changes, trades and best prices, as plain values. Sans-I/O, and no library is needed.

Each market has its ladders here too, as its rows tell them: so a snapshot becomes the differences that it made, and the
sizes of a level's last rows are the book. A delta that does not lead from one size to the next proves that something was
missed.

Where updates come late (a queue stands between), a book may be ahead of the update that is taken. A delta holds all that its
row needs. A snapshot does not, and neither does a conflated update: their rows wait for the next update at which the book
stands, and until then the market's quote says that it is STALE (missed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..kinds import Effect, Kind, StaleReason, State
from ..units import flip_e4

if TYPE_CHECKING:
    from ..live.queues import AnyUpdate

MISSED: Final = "missed"
"""The ``stale_reason`` of a quote whose book may be LIVE, where updates of it were missed by whoever fills the tables."""

_RESPONSES: Final = (Kind.SUBSCRIBED, Kind.OK, Kind.UNSUBSCRIBED, Kind.ERROR, Kind.MALFORMED)
_CHANGES: Final = (Effect.APPLIED, Effect.HEALED)

Head = tuple[int | None, int | None, int, int | None, int | None]
Quote = tuple[State, str | None, int | None, int | None, int | None, int | None]


class DeltaRow(NamedTuple):
    """A row of ``DELTAS``."""

    received_ns: int | None
    ts_ms: int | None
    epoch: int
    sid: int | None
    seq: int | None
    clock: int | None
    market_ticker: str
    kind: Kind
    effect: Effect
    outcome_side: str
    price_e4: int
    delta_e2: int
    size_e2: int
    top_changed: bool
    own: bool = False
    client_order_id: str | None = None


class TradeRow(NamedTuple):
    """A row of ``TRADES``."""

    received_ns: int | None
    ts_ms: int | None
    epoch: int
    sid: int | None
    seq: int | None
    market_ticker: str
    trade_id: str | None
    yes_price_e4: int
    count_e2: int
    taker_outcome_side: str | None
    is_block_trade: bool | None


class QuoteRow(NamedTuple):
    """A row of ``QUOTES``."""

    received_ns: int | None
    ts_ms: int | None
    epoch: int
    sid: int | None
    seq: int | None
    market_ticker: str
    state: State
    stale_reason: str | None = None
    yes_bid_e4: int | None = None
    yes_bid_size_e2: int | None = None
    yes_ask_e4: int | None = None
    yes_ask_size_e2: int | None = None


class _Market:
    """What the rows of a market say so far: sizes by price, YES and NO bids each on its own scale, and the last quote.

    Attributes:
        is_in_step: whether that is what the book held at the last update of it.
    """

    __slots__ = ("book", "is_in_step", "ladders", "quote", "ticker")

    def __init__(self, ticker: str, book: Any) -> None:
        self.ticker = ticker
        self.book = book
        self.is_in_step = False
        self.ladders: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.quote: Quote | None = None

    @property
    def is_quoted(self) -> bool:
        """Whether the last quote is LIVE."""
        return self.quote is not None and self.quote[0] is State.LIVE

    def quote_now(self) -> Quote:
        """Give what the quote of now says."""
        if not self.book.is_live:
            return self.book.state, self.book.stale_reason, None, None, None, None
        if not self.is_in_step:
            return _stale(MISSED)
        yes, no = map(_best, self.ladders)
        ask_e4 = None if no[0] is None else flip_e4(no[0])
        return State.LIVE, None, yes[0], yes[1], ask_e4, no[1]


class Rows:
    """Takes every update, in order, and lets rows gather. Whoever takes them out empties the lists.

    Attributes:
        deltas, trades, quotes: the rows that gathered.
        epoch: what the column says from now on.
    """

    def __init__(self) -> None:
        self.deltas: list[DeltaRow] = []
        self.trades: list[TradeRow] = []
        self.quotes: list[QuoteRow] = []
        self.epoch = 0
        self._markets: dict[str, _Market] = {}
        self._last_seq: dict[int | None, int] = {}

    def take(self, update: AnyUpdate) -> None:
        """Take one update. O(1) for a delta that leaves the best prices as they are, else O(levels)."""
        kind, effect, seq = update.kind, update.effect, update.seq
        step = 1
        if seq is not None:
            step = seq - self._last_seq.get(update.sid, seq - 1)
            self._last_seq[update.sid] = seq
        if kind is Kind.DELTA:
            self._take_book(update, step)
            if effect is Effect.APPLIED:  # which proves that no number was missing
                return
        elif kind is Kind.SNAPSHOT:
            self._take_book(update, step)
        elif kind is Kind.TRADE:
            self._take_trade(update)
        if step != 1 or effect is Effect.STALED or kind in _RESPONSES:
            self._look(update)

    def look(self, *, received_ns: int | None = None) -> None:
        """Look at every book: one that went STALE without a frame (a connection ended, say) gets its quote. O(markets)."""
        for market in self._markets.values():
            if not market.book.is_live:
                self._quote(market, (received_ns, None, self.epoch, None, None))

    def missed(self, *, received_ns: int | None = None) -> None:
        """Note that updates were lost: the rows of each market wait until its book stands at an update. O(markets)."""
        for market in self._markets.values():
            market.is_in_step = False
            self._quote(market, (received_ns, None, self.epoch, None, None))

    def _look(self, update: AnyUpdate) -> None:
        """The frame may have made any book STALE."""
        staled = [market for market in self._markets.values() if not market.book.is_live]
        for market in staled:
            self._quote(market, self._head(update))

    def _take_trade(self, update: AnyUpdate) -> None:
        if update.effect is Effect.DUPLICATE:
            return
        trade: Any = update.message
        what = trade.market_ticker, trade.trade_id, trade.yes_price_e4, trade.count_e2
        self.trades.append(TradeRow(*self._head(update), *what, trade.taker_outcome_side, trade.is_block_trade))

    def _take_book(self, update: AnyUpdate, step: int) -> None:
        book, ticker, effect = update.book, update.market_ticker, update.effect
        if book is None or ticker is None:
            return
        market = self._markets.get(ticker)
        if market is None:
            market = self._markets[ticker] = _Market(ticker, book)
        market.book = book  # one that left the feed never comes back: another one does
        if effect is Effect.HEALED and market.is_quoted:
            # It was STALE in between: found out by this very frame, or before anybody looked.
            reason = MISSED if step == 1 else StaleReason.GAP if step > 1 else StaleReason.BACKWARDS
            self._quote(market, self._head(update), _stale(reason))
        if update.size_e2 is not None:
            is_quote_due = self._change(market, update)
        elif effect in _CHANGES or (effect is Effect.STALED and update.kind is Kind.SNAPSHOT):
            is_quote_due = self._replace(market, update)
        else:
            return
        if effect is Effect.STALED and book.is_live:  # healed already, but not as of this update
            self._quote(market, self._head(update), _stale(MISSED))
        elif is_quote_due or not market.is_quoted:
            self._quote(market, self._head(update))

    def _change(self, market: _Market, update: Any) -> bool:
        """Let a delta be one row. Returns whether a quote may have changed."""
        price_e4, delta_e2, size_e2 = update.price_e4, update.delta_e2, update.size_e2
        ladder = market.ladders[update.outcome_side == "no"]
        if not market.is_in_step or ladder.get(price_e4, 0) + delta_e2 != size_e2:
            return self._replace(market, update)
        if size_e2:
            ladder[price_e4] = size_e2
        else:
            ladder.pop(price_e4, None)
        ts_ms, clock = _times(update)
        head = update.received_ns, ts_ms, self.epoch, update.sid, update.seq, clock, market.ticker, Kind.DELTA, update.effect
        change = update.outcome_side, price_e4, delta_e2, size_e2, update.top_changed, update.own, update.client_order_id
        self.deltas.append(DeltaRow(*head, *change))
        return bool(update.top_changed)

    def _replace(self, market: _Market, update: AnyUpdate) -> bool:
        """Let all differences between the rows so far and the book be rows, where the book stands at this update."""
        bids, asks = market.book.last_known.depth()
        market.is_in_step = _stands_at(market.book, update)  # asked after the levels were read: so they are its levels
        if not market.is_in_step:
            return True
        after = {each.price_e4: each.size_e2 for each in bids}, {flip_e4(each.price_e4): each.size_e2 for each in asks}
        ts_ms, clock = _times(update)
        head = update.received_ns, ts_ms, self.epoch, update.sid, update.seq, clock, market.ticker, Kind.SNAPSHOT
        for outcome_side, old, new in zip(("yes", "no"), market.ladders, after, strict=True):
            for price_e4 in sorted(old.keys() | new.keys()):
                size_e2 = new.get(price_e4, 0)
                if delta_e2 := size_e2 - old.get(price_e4, 0):
                    change = outcome_side, price_e4, delta_e2, size_e2, update.top_changed
                    self.deltas.append(DeltaRow(*head, update.effect, *change))
        market.ladders = after
        return True

    def _quote(self, market: _Market, head: Head, quote: Quote | None = None) -> None:
        """Let a quote be a row, where it is another one than before."""
        quote = market.quote_now() if quote is None else quote
        if quote != market.quote:
            market.quote = quote
            self.quotes.append(QuoteRow._make((*head, market.ticker, *quote)))

    def _head(self, update: AnyUpdate) -> Head:
        return update.received_ns, _times(update)[0], self.epoch, update.sid, update.seq


def _stale(reason: str) -> Quote:
    return State.STALE, reason, None, None, None, None


def _stands_at(book: Any, update: AnyUpdate) -> bool:
    """Whether a book holds this update, and nothing later. A book that no subscription keeps has no sid."""
    is_last = book.seq == update.seq and book.received_ns == update.received_ns
    return bool(is_last and book.sid in (update.sid, None))


def _times(update: AnyUpdate) -> tuple[int | None, int | None]:
    """The exchange's time and clock of a frame: of its change, else of its sending."""
    if update.kind is Kind.DELTA and update.book is not None and _stands_at(update.book, update):
        return update.book.ts_ms, update.book.clock  # without decoding the frame once more
    message: Any = update.message
    if message is None:
        return getattr(getattr(update, "error", None), "sending_ts_ms", None), None
    body = getattr(message, "msg", None)
    ts_ms = getattr(body, "ts_ms", None)
    return getattr(message, "sending_ts_ms", None) if ts_ms is None else ts_ms, getattr(body, "clock", None)


def _best(ladder: dict[int, int]) -> tuple[int, int] | tuple[None, None]:
    """The highest price with its size."""
    if not ladder:
        return None, None
    price_e4 = max(ladder)
    return price_e4, ladder[price_e4]
