"""What is kept beside the books of one feed: how their markets stand, and own resting orders.

Lifecycle messages come for every market of the exchange, and may come before a market's book: how a market stands is kept
from its first message to its settlement, or for as long as its book is held. Own orders are kept from the moment that the
``user_orders`` channel is subscribed by a registered command, since only that tells which markets it speaks of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import msgspec

from . import messages
from .book import OrderBook
from .errors import MalformedFrame
from .interest import Change, Subscription
from .kinds import MarketState
from .market import Market
from .messages import Fill, MarketLifecycle, UserOrder
from .orders import OwnOrders

LIFECYCLE_CHANNELS: Final = frozenset({"market_lifecycle_v2", "multivariate_market_lifecycle"})
OWN_CHANNEL: Final = "user_orders"
_ORDER: Final = "user_order"

CHANNEL_OF: Final[Mapping[type, str]] = {
    messages.MarketLifecycleV2: "market_lifecycle_v2",
    messages.MultivariateMarketLifecycle: "multivariate_market_lifecycle",
    messages.UserOrder: OWN_CHANNEL,
    messages.Fill: "fill",
    messages.Trade: "trade",
    messages.Ticker: "ticker",
    messages.MarketPosition: "market_positions",
}
"""Which channel a message betrays, where no reply named it."""

_CHANNEL_OF_TYPE: Final = {type_: CHANNEL_OF[cls] for type_, cls in messages.DATA_TYPES.items() if cls in CHANNEL_OF}


class Surroundings:
    """The markets and own orders of one feed.

    Args:
        books: the feed's books, by ticker.
    """

    def __init__(self, books: Mapping[str, OrderBook]) -> None:
        self._books = books
        self._follows_orders = False
        self.markets: dict[str, Market] = {}
        self.orders = OwnOrders()

    def attach(self, book: OrderBook) -> None:
        """Give a new book what is known of its market."""
        book._market = self.markets.get(book.market_ticker)
        if self._follows_orders:
            book._own = self.orders.of(book.market_ticker)

    def detach(self, book: OrderBook) -> None:
        """Forget a settled market whose book is let go."""
        if book.market_state is MarketState.SETTLED:
            self.markets.pop(book.market_ticker, None)

    def take(self, message: MarketLifecycle | UserOrder | Fill) -> OrderBook | None:
        """Take in what a message says. Returns the book that it speaks of, if that is held."""
        book = self._books.get(message.market_ticker)
        if isinstance(message, MarketLifecycle):
            before = self.markets.get(message.market_ticker) or Market(market_ticker=message.market_ticker)
            if (after := before.after(message)) is not before:
                self.set_market(after)
        elif isinstance(message, UserOrder):
            self.orders.take_order(message)
        else:
            self.orders.take_fill(message)
        return book

    def set_market(self, market: Market) -> None:
        """Take over how a market stands."""
        book = self._books.get(market.market_ticker)
        if book is not None:
            book._market = market
        if market.state is MarketState.SETTLED and book is None:
            self.markets.pop(market.market_ticker, None)
        else:
            self.markets[market.market_ticker] = market

    def missed(self, channel: str | None, why: str) -> None:
        """Note that numbers are missing or fell on a subscription. O(markets).

        Args:
            channel: its channel; None: nothing said which, so it may be one of lifecycles.
            why: a word for it.
        """
        if channel is None or channel in LIFECYCLE_CHANNELS:
            self._outdate()
        if channel == OWN_CHANNEL:
            self._lose(why)

    def unread(self, subscription: Subscription | None, error: MalformedFrame) -> None:
        """Note that a frame could not be read: where nothing says which channel it is of, it may be of any. O(markets).

        A lifecycle frame without a readable sid shows as a gap in the next one. Own orders have no numbers.
        """
        channel = None if subscription is None else subscription.channel
        channel = channel or _CHANNEL_OF_TYPE.get(error.type or "")
        if (channel is None and error.type is not None) or (subscription is not None and subscription.state.is_dead):
            return
        if channel in LIFECYCLE_CHANNELS or (channel is None and subscription is not None):
            self._outdate()
        if channel in (None, OWN_CHANNEL):
            if error.type == _ORDER:
                self.orders.missed(error.market_ticker, since_ms=error.sending_ts_ms)
            else:
                self.orders.missed(None, since_ms=None)

    def distrust(self, channel: str, market_tickers: Iterable[str]) -> None:
        """Note that a command is under way that takes markets out (none: all): nothing tells if they are kept."""
        if channel == OWN_CHANNEL:
            self._lose("unsubscribed", list(market_tickers) or None)

    def changed(self, subscription: Subscription, change: Change, ts_ms: int | None) -> None:
        """Note what an answer changed in a subscription: from here on its markets are told of, or no longer."""
        if subscription.channel != OWN_CHANNEL:
            return
        if change.left:
            self._lose("unsubscribed", change.left)
        if change.joined and self.orders.tells_of(None):
            self._lose("unsubscribed")  # it names some where all were told of: of the others nobody knows
        untold = [ticker for ticker in subscription.held if not self.orders.tells_of(ticker)]
        if untold or (change.is_all and not self.orders.tells_of(None)):
            self._follow()
            self.orders.listening(since_ms=ts_ms, market_tickers=untold or None)

    def ended(self, channel: str | None, why: str) -> None:
        """Note that the subscription of a channel is dead, or began anew. O(markets) on a lifecycle channel."""
        if channel in LIFECYCLE_CHANNELS:
            self._outdate()
        if channel == OWN_CHANNEL:
            self._lose(why)

    def closed(self, why: str) -> None:
        """Note that the connection is gone: of markets without a book nothing is kept. O(markets)."""
        for ticker in [ticker for ticker in self.markets if ticker not in self._books]:
            del self.markets[ticker]
        self.lost(why)

    def lost(self, why: str) -> None:
        """Note that anything may have been lost. O(markets)."""
        self._outdate()
        self._lose(why)

    def confirm(
        self, orders: Iterable[Any], *, as_of_ms: int, market_tickers: Collection[str] | None, is_trial: bool = False
    ) -> None:
        """Take in the complete list of resting orders: messages, or mappings as REST gives them. A trial changes nothing."""
        listed = [order if isinstance(order, UserOrder) else _user_order(order) for order in orders]
        take = self.orders.check if is_trial else self.orders.confirm
        take(listed, as_of_ms=as_of_ms, market_tickers=market_tickers)

    def _outdate(self) -> None:
        for market in list(self.markets.values()):
            self.set_market(market.outdated())

    def _lose(self, why: str, market_tickers: Collection[str] | None = None) -> None:
        if self._follows_orders:
            self.orders.lost(why, market_tickers=market_tickers)

    def _follow(self) -> None:
        if not self._follows_orders:
            self._follows_orders = True
            for book in self._books.values():
                book._own = self.orders.of(book.market_ticker)


def _user_order(order: object) -> UserOrder:
    if not isinstance(order, Mapping):
        raise TypeError(f"an order is a UserOrder or a mapping as REST gives it, not {type(order).__name__}")
    message = messages.read(msgspec.json.encode({"type": "user_order", "sid": 1, "msg": dict(order)}))
    assert isinstance(message, UserOrder)
    return message
