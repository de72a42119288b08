"""What a client wants: channels, and books that are spread over as many connections as they need.

Each connection has a ``Feed`` of its own (``lane.py``), which brings what is held nearer to what is desired, one command at
a time, over losses and reconnects. So nothing here waits for the answer to one command: it is waited for that what is
wanted is held, or that the exchange refused it. What a book needs beside its frames, the lifecycle of its market and own
orders, is subscribed on every connection; consumers hear each thing once (``heard.py``).
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Any, Final

from ..book import OrderBook
from ..errors import CommandError, NotInTime, UnknownMarket, UsageError
from ..feed import Feed, checked_tickers
from ..interest import ChannelStatus
from ..messages.commands import BOOK_CHANNEL, check_channel
from ..messages.vocabulary import ERROR_CODES
from ..surroundings import LIFECYCLE_CHANNELS
from .hub import Hub, checked_s
from .lane import Lane

SKIP_ACK_ABOVE: Final = 5_000
"""With more markets than this on a connection, acknowledgements leave the list of all of them out."""

SHARED_CHANNELS: Final = frozenset({"market_lifecycle_v2", "multivariate_market_lifecycle", "user_orders", "fill"})
"""What books know beside their levels comes on these, so every connection with books has them."""

TIMEOUT_S: Final = 30.0

_ITEMS: Final = frozenset({"market_ids", "index_ids", "underlying_tickers"})
"""Flags that name what a channel is to hold."""


class LiveBooks(Mapping[str, OrderBook]):
    """The books of all connections, by market ticker. A live view; to be read only."""

    def __init__(self, lane_of: dict[str, Lane]) -> None:
        self._lane_of = lane_of

    def __getitem__(self, market_ticker: str) -> OrderBook:
        """Give the book of a market.

        Raises:
            UnknownMarket: there is none (a KeyError).
        """
        lane = self._lane_of.get(market_ticker)
        book = None if lane is None else lane.feed.books.get(market_ticker)  # looked at once: other threads may ask
        if book is not None:
            return book
        raise UnknownMarket(market_ticker, len(self))

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def items(self) -> ItemsView[str, OrderBook]:
        """Give tickers and books of now: a market that is let go meanwhile is no error."""
        return self._now().items()

    def values(self) -> ValuesView[OrderBook]:
        """Give the books of now."""
        return self._now().values()

    def _now(self) -> dict[str, OrderBook]:
        found = ((ticker, lane.feed.books.get(ticker)) for ticker, lane in self._lane_of.copy().items())
        return {ticker: book for ticker, book in found if book is not None}

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<LiveBooks: {len(self)} held, {sum(book.is_live for book in self.values())} live>"


class Desire:
    """The desired state of a client, and its connections.

    Attributes:
        books: the books held or desired, by market ticker.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lanes: list[Lane] = []
        self._lane_of: dict[str, Lane] = {}
        self.books: Mapping[str, OrderBook] = LiveBooks(self._lane_of)

    def _add_lane(self) -> Lane:
        """Make another connection, which is to have what books need on each, and to know what is known of markets."""
        lane = Lane(self._hub, len(self._lanes) + 1)
        if self._lanes:
            self._initiate(lane.feed, self._lanes[0].feed)
        self._lanes.append(lane)
        return lane

    def _initiate(self, feed: Feed, first: Feed) -> None:
        subscribed = {channel: each for channel, each in first.subscriptions.items() if each.is_all or each.desired}
        for channel, status in subscribed.items():
            if channel in SHARED_CHANNELS:
                feed.subscribe(channel, market_tickers=sorted(status.desired))
        for market in first.markets.values():
            # What changes before its own subscription is acknowledged, nobody tells it.
            feed.set_market(market.outdated() if subscribed.keys() & LIFECYCLE_CHANNELS else market)

    async def subscribe(
        self, channel: str, *, market_tickers: Iterable[str] | None = None, timeout_s: float = TIMEOUT_S, **flags: Any
    ) -> None:
        """Want a channel, or more of it, and wait until the exchange has acknowledged all that is named.

        It is wanted from the call on, on every connection to come, also when this raises ``NotInTime``.

        Args:
            channel: ``"orderbook_delta"``, ``"ticker"``, ``"trade"``, ``"fill"``, ``"user_orders"``, ...
            market_tickers: markets to add. Required for ``orderbook_delta``; elsewhere None means all.
            timeout_s: how long to wait, in seconds; 0: not at all.
            flags: what else ``Subscribe`` takes: ``index_ids``, ``underlying_tickers``, ``send_initial_snapshot``, ...

        Raises:
            UsageError: the exchange would refuse it, or it contradicts what is subscribed; an empty list of markets, which
                on the wire would mean all; the client is not open. Nothing was changed.
            TypeError: no list of texts, or no such flag. Nothing was changed.
            CommandError: the exchange refused it, or some of its markets; it stays wanted and is asked for now and then.
            NotInTime: no acknowledgement so far.
        """
        self._hub.require_open()
        checked_s(timeout_s)
        tickers = checked_tickers(market_tickers or ())
        for name in flags.keys() & _ITEMS:
            flags[name] = list(flags[name]) if not isinstance(flags[name], str) else flags[name]
        if not flags.get("use_yes_price", True):
            raise UsageError(
                "a client asks for use_yes_price=True alone: books are on each outcome's own scale all the same"
            )
        if market_tickers is not None and not tickers and channel != BOOK_CHANNEL:
            raise UsageError(f"market_tickers is empty: leave it out for all markets of {channel}")
        self._lanes[0].feed.check_subscribe(channel, market_tickers=tickers, **flags)  # of all, since all want the same
        if channel == BOOK_CHANNEL:
            lanes = self._want_books(tickers, flags)
        else:
            items = [*tickers, *(item for name in flags.keys() & _ITEMS for item in flags[name])]
            lanes = dict.fromkeys(self._lanes if channel in SHARED_CHANNELS else self._lanes[:1], items)
            for lane in lanes:
                lane.feed.subscribe(channel, market_tickers=tickers, **flags)
        self._act(lanes)
        if timeout_s > 0:
            await self._until_held(channel, lanes, timeout_s)

    def _want_books(self, tickers: list[str], flags: Mapping[str, Any]) -> dict[Lane, list[str]]:
        """Want books, each on the connection that it has, or on one with room for it."""
        room = dict.fromkeys(self._lanes, self._hub.settings.markets_per_connection)
        for lane in self._lane_of.values():
            room[lane] -= 1
        lanes: dict[Lane, list[str]] = {}
        for ticker in dict.fromkeys(tickers):
            if ticker not in self._lane_of:
                lane = next((each for each in room if room[each] > 0), None) or self._add_lane()
                room[lane] = room.get(lane, self._hub.settings.markets_per_connection) - 1
                self._lane_of[ticker] = lane
            lanes.setdefault(self._lane_of[ticker], []).append(ticker)
        for lane, some in lanes.items():
            more = {"skip_ticker_ack": True} if len(some) > SKIP_ACK_ABOVE else {}
            lane.feed.subscribe(BOOK_CHANNEL, market_tickers=some, **{**more, **flags})
        return lanes

    def _act(self, lanes: Iterable[Lane]) -> None:
        for lane in lanes:
            lane.act()

    async def _until_held(self, channel: str, lanes: Mapping[Lane, list[str]], timeout_s: float) -> None:
        wanted = {lane: frozenset(items) for lane, items in lanes.items()}

        def is_held() -> bool:
            return all(_is_held(lane.feed.subscriptions.get(channel), items) for lane, items in wanted.items())

        def is_over() -> bool:
            return is_held() or any(_refused(lane.feed.subscriptions.get(channel), items) for lane, items in wanted.items())

        await self._hub.wait_for(is_over, timeout_s)
        if is_held():
            return
        for lane, items in wanted.items():
            status = lane.feed.subscriptions.get(channel)
            if status is not None and _refused(status, items):
                raise _refusal(status, items, lane.refusals.get(channel))
        held = sum(
            len(items & status.held) for lane, items in wanted.items() if (status := lane.feed.subscriptions.get(channel))
        )
        count = sum(map(len, wanted.values()))
        of = f" of {count} items of" if count else " of"
        raise NotInTime(f"expected an acknowledgement{of} {channel}, found {held} that are held", timeout_s)

    async def unsubscribe(
        self, channel: str, *, market_tickers: Iterable[str] | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Want a channel, or some of its markets (indices, underlyings), no more, and wait until the exchange agrees.

        Their books are STALE and out of ``books`` at once.

        Args:
            channel: its name.
            market_tickers: what to take out; None: the whole channel.
            timeout_s: how long to wait, in seconds; 0: not at all.

        Raises:
            UsageError: no such channel, or markets are named where all are subscribed.
            NotInTime: the exchange has not confirmed it so far; it will be asked again.
        """
        self._hub.require_open()
        checked_s(timeout_s)
        check_channel(channel)
        tickers = None if market_tickers is None else checked_tickers(market_tickers)
        for lane in self._lanes:
            mine = tickers
            if channel == BOOK_CHANNEL and tickers is not None:
                mine = [ticker for ticker in tickers if self._lane_of.get(ticker) is lane]
                if not mine:
                    continue
            lane.feed.unsubscribe(channel, market_tickers=mine)
        if channel == BOOK_CHANNEL:
            for ticker in list(self._lane_of) if tickers is None else tickers:
                self._lane_of.pop(ticker, None)
                self._hub.book_changed(ticker)  # whoever waits for it waits in vain
        if not any(_is_wanted(lane.feed.subscriptions.get(channel)) for lane in self._lanes):
            self._hub.heard.forget(channel)
        self._act(self._lanes)
        gone = None if tickers is None else frozenset(tickers)

        def is_out() -> bool:
            return not any(_holds(lane.feed.subscriptions.get(channel), gone) for lane in self._lanes)

        if timeout_s > 0 and not await self._hub.wait_for(is_out, timeout_s):
            raise NotInTime(f"expected {channel} to be let go, found that it is held still", timeout_s)

    async def add_markets(self, market_tickers: Iterable[str], *, timeout_s: float = TIMEOUT_S) -> None:
        """Want more books: ``subscribe("orderbook_delta", market_tickers=...)``; an empty list wants nothing."""
        self._hub.require_open()
        if tickers := checked_tickers(market_tickers):
            await self.subscribe(BOOK_CHANNEL, market_tickers=tickers, timeout_s=timeout_s)

    async def remove_markets(self, market_tickers: Iterable[str], *, timeout_s: float = TIMEOUT_S) -> None:
        """Want fewer books: ``unsubscribe("orderbook_delta", market_tickers=...)``."""
        await self.unsubscribe(BOOK_CHANNEL, market_tickers=market_tickers, timeout_s=timeout_s)

    @property
    def subscriptions(self) -> dict[str, ChannelStatus]:
        """How each channel stands, over all connections: a new dict. ``sid`` is that of the first of them. O(markets)."""
        merged: dict[str, ChannelStatus] = {}
        for lane in self._lanes:
            for channel, status in lane.feed.subscriptions.items():
                merged[channel] = status if channel not in merged else _merged(merged[channel], status)
        return merged


def _is_wanted(status: ChannelStatus | None) -> bool:
    return status is not None and (status.is_all or bool(status.desired))


def _is_held(status: ChannelStatus | None, items: frozenset[str]) -> bool:
    """Whether a channel is open, and holds all of these."""
    return status is not None and status.sid is not None and (items <= status.held or "all" in status.held)


def _holds(status: ChannelStatus | None, items: frozenset[str] | None) -> bool:
    """Whether a channel holds any of these; None: whether it is open."""
    return status is not None and (status.sid is not None if items is None else bool(items & status.held))


def _refused(status: ChannelStatus | None, items: frozenset[str]) -> bool:
    return status is not None and (status.refusal is not None or bool(items & status.refused))


def _refusal(status: ChannelStatus, items: frozenset[str], code: int | None) -> CommandError:
    refused = sorted(items & status.refused)
    code = code if status.refusal is None else status.refusal
    known = None if code is None else ERROR_CODES.get(code)
    what = f"subscribe {status.channel} {', '.join(refused[:3])}".rstrip()
    return CommandError(code=code, meaning=None if known is None else known.meaning, text=None, command=what)


def _merged(one: ChannelStatus, other: ChannelStatus) -> ChannelStatus:
    return one._replace(
        sid=other.sid if one.sid is None else one.sid,
        desired=one.desired | other.desired,
        asked=one.asked | other.asked,
        held=one.held | other.held,
        missing=one.missing | other.missing,
        refused=one.refused | other.refused,
        refusal=other.refusal if one.refusal is None else one.refusal,
    )
