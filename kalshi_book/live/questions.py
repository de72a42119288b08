"""What a client is asked, and what it asks the exchange: books that become LIVE, snapshots, lists."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple

from .. import events
from .._backend import Update
from ..book import OrderBook
from ..errors import NotInTime, UnknownMarket, UsageError
from ..feed import checked_tickers
from ..market import Market
from ..messages import IndexList, Ok, UnderlyingList, UserOrder
from ..messages.commands import (
    BOOK_CHANNEL,
    INDEX_CHANNELS,
    MAX_TICKERS,
    UNDERLYING_CHANNEL,
    Command,
    ListSubscriptions,
    UpdateSubscription,
)
from ..messages.responses import ChannelSid
from .asks import Ask
from .desire import TIMEOUT_S, Desire
from .hub import checked_s
from .lane import Lane
from .session import Session


class Questions(Desire):
    """What can be asked."""

    # Books.

    async def book(self, market_ticker: str, *, timeout_s: float = TIMEOUT_S) -> OrderBook:
        """Give a book as soon as it is LIVE.

        Raises:
            UnknownMarket: it is not wanted, or no more: ``add_markets`` first.
            NotInTime: it is not LIVE so far; a settled or mistyped market never is.
            UsageError: the client is not open, or was closed meanwhile.
        """
        self._hub.require_open()
        found: OrderBook | None = None

        def is_over() -> bool:
            nonlocal found
            lane = self._lane_of.get(market_ticker)
            found = None if lane is None else lane.feed.books.get(market_ticker)
            return lane is None or (found is not None and found.is_live)

        is_told = await self._hub.wait_for(is_over, timeout_s, market_ticker=market_ticker)
        if market_ticker not in self._lane_of:
            raise UnknownMarket(market_ticker, len(self.books))
        if found is None or not is_told:
            how = "none" if found is None else f"{str(found.state).upper()} ({found.stale_reason})"
            raise NotInTime(f"expected the book of {market_ticker} to be LIVE, found {how}", timeout_s)
        return found

    async def all_live(self, *, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until every book that is wanted is LIVE.

        Raises:
            NotInTime: some are not so far; the text says how many.
        """
        self._hub.require_open()

        def not_live() -> list[str]:
            return [
                ticker
                for ticker, lane in self._lane_of.items()
                if ticker not in lane.feed.books or not lane.feed.books[ticker].is_live
            ]

        if not await self._hub.wait_for(lambda: not not_live(), timeout_s):
            late = not_live()
            raise NotInTime(
                f"expected {len(self._lane_of)} LIVE books, found {len(late)} that are not, such as {late[0]}", timeout_s
            )

    @property
    def proven_ns(self) -> int | None:
        """The last proof of life: when bytes came last on the connection that is silent for longest, unix nanoseconds.

        None: a connection is not open.
        """
        sessions = [lane.session for lane in self._lanes]  # looked at once: other threads may ask
        silences_ns = [session.silence_ns for session in sessions if session is not None]
        if not sessions or len(silences_ns) < len(sessions):
            return None
        return self._hub.world.wall_ns() - max(silences_ns)

    def set_market(self, market: Market) -> None:
        """Tell how a market stands, from REST, say (``Feed.set_market``): all connections, those too that are made later.

        A connection that is made later takes over what is known then. Where a lifecycle channel is subscribed, that is
        ``Market.outdated``, since what changes until the channel is acknowledged there may be missed.

        Raises:
            UsageError: the client is not open.
        """
        self._hub.require_open()
        for lane in self._lanes:
            lane.feed.set_market(market)

    def confirm_orders(
        self,
        orders: Iterable[UserOrder | Mapping[str, Any]],
        *,
        as_of_ms: int,
        market_tickers: Collection[str] | None = None,
    ) -> None:
        """Tell every own order that rests (``Feed.confirm_orders``): all connections, or, where one cannot take it, none.

        Raises:
            UsageError: the client or a connection is not open; it has not acknowledged ``user_orders``, or did so after
                ``as_of_ms``; an order of another market. Nothing was changed.
            MalformedFrame, TypeError: an order that cannot be read, or none. Nothing was changed.
        """
        self._hub.require_open()
        listed = list(orders)
        for lane in self._lanes:
            lane.feed.check_orders(listed, as_of_ms=as_of_ms, market_tickers=market_tickers)
        for lane in self._lanes:
            lane.feed.confirm_orders(listed, as_of_ms=as_of_ms, market_tickers=market_tickers)

    # Questions.

    async def get_snapshot(self, market_tickers: Iterable[str], *, timeout_s: float = TIMEOUT_S) -> list[Update]:
        """Ask for snapshots of books, LIVE ones too: each is compared with its book (``update.error``) and takes its place.

        Returns:
            One update for each market, in any order.

        Raises:
            UnknownMarket: a market that is not wanted.
            CommandError, ConnectionLost, NotInTime: no answer, or not from all: a closed market gives none.
        """
        self._hub.require_open()
        by_lane: dict[Lane, list[str]] = {}
        for ticker in dict.fromkeys(checked_tickers(market_tickers)):
            if ticker not in self._lane_of:
                raise UnknownMarket(ticker, len(self.books))
            by_lane.setdefault(self._lane_of[ticker], []).append(ticker)
        questions = [
            _Question(lane, partial(_get_snapshot, chunk), BOOK_CHANNEL, len(chunk))
            for lane, tickers in by_lane.items()
            for chunk in (tickers[at : at + MAX_TICKERS] for at in range(0, len(tickers), MAX_TICKERS))
        ]
        return [update for answers in await self._ask(questions, timeout_s) for update in answers]

    async def list_subscriptions(self, *, timeout_s: float = TIMEOUT_S) -> list[list[ChannelSid]]:
        """Ask which channels are open, with their sids: one list for each connection.

        Raises:
            CommandError, ConnectionLost, NotInTime: no answer.
        """
        self._hub.require_open()
        lists: list[list[ChannelSid]] = []
        for (update,) in await self._ask([_Question(lane, _list_subscriptions) for lane in self._lanes], timeout_s):
            message = update.message
            channels = message.msg if isinstance(message, Ok) else getattr(message, "subscriptions", None)
            lists.append(channels if isinstance(channels, list) else [])
        return lists

    async def index_list(self, channel: str = "cfbenchmarks_value", *, timeout_s: float = TIMEOUT_S) -> IndexList:
        """Ask which indices there are. The channel has to be subscribed.

        Raises:
            UsageError: not a channel of indices.
            CommandError, ConnectionLost, NotInTime: no answer.
        """
        if channel not in INDEX_CHANNELS:
            raise UsageError(f"expected a channel of {', '.join(sorted(INDEX_CHANNELS))}, found {channel!r}")
        message = await self._listing(channel, "indexlist", timeout_s)
        assert isinstance(message, IndexList)
        return message

    async def underlying_list(self, *, timeout_s: float = TIMEOUT_S) -> UnderlyingList:
        """Ask which underlyings there are. ``pyth_value`` has to be subscribed.

        Raises:
            CommandError, ConnectionLost, NotInTime: no answer.
        """
        message = await self._listing(UNDERLYING_CHANNEL, "underlying_list", timeout_s)
        assert isinstance(message, UnderlyingList)
        return message

    async def _listing(self, channel: str, action: Literal["indexlist", "underlying_list"], timeout_s: float) -> object:
        self._hub.require_open()
        question = _Question(self._lanes[0], lambda sid: UpdateSubscription(action=action, sid=sid), channel)
        ((update,),) = await self._ask([question], timeout_s)
        return update.message

    async def _ask(self, questions: list[_Question], timeout_s: float) -> list[list[Update]]:
        """Ask everything at once, when its connections and channels are there, and wait for the answers to each."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + checked_s(timeout_s)
        if not await self._hub.wait_for(lambda: all(each.can_be_asked for each in questions), timeout_s):
            channel = next(each.channel for each in questions if not each.can_be_asked)
            what = "an open connection" if channel is None else f"a subscription to {channel}"
            raise NotInTime(f"expected {what} to ask on, found none", timeout_s)
        asks: list[tuple[Session, Ask]] = []
        try:
            for each in questions:
                assert each.lane.session is not None
                asks.append((each.lane.session, each.lane.session.ask(each.make(each.sid), each.answers)))
            futures = [ask.future for _, ask in asks]
            if futures:
                left = max(0.0, ends - loop.time())
                await asyncio.wait(futures, timeout=left, return_when=asyncio.FIRST_EXCEPTION)
            answers = [future.result() for future in futures if future.done()]
            late = next((ask for _, ask in asks if not ask.future.done()), None)
        finally:
            for session, ask in asks:
                session.forget(ask)
        if late is not None:
            raise NotInTime(
                f"{events.describe(late.command)}: expected {len(late.answers) + late.missing} answers, "
                f"found {len(late.answers)}",
                timeout_s,
            )
        return answers


class _Question(NamedTuple):
    """What is asked on one connection: ``make`` makes the command for the sid of ``channel``, if it is about one."""

    lane: Lane
    make: Callable[[int | None], Command]
    channel: str | None = None
    answers: int = 1

    @property
    def sid(self) -> int | None:
        return next((each.sid for each in self.lane.feed.progress if each.channel == self.channel), None)

    @property
    def can_be_asked(self) -> bool:
        return self.lane.session is not None and (self.channel is None or self.sid is not None)


def _list_subscriptions(_: int | None) -> Command:
    return ListSubscriptions()


def _get_snapshot(market_tickers: list[str], sid: int | None) -> Command:
    return UpdateSubscription(action="get_snapshot", sid=sid, market_tickers=market_tickers)
