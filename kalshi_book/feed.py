"""One connection, sans-I/O: frames in, updates and exact books out; commands out; time in as a number.

No socket, no clock, no randomness. What a frame does stands in ``law.py``, what is subscribed in ``subscriptions.py``, how
books come back to life in ``recovery.py``. A shell around it is a loop::

    feed.opened()
    for command in feed.wanted():           # after each batch of frames, and at feed.next_deadline_ns
        write(feed.send(command))
    update = feed.receive(frame)
    feed.advance(now_ns)                    # a monotonic clock
    for event in feed.events(): ...
    if feed.reconnect_reason: ...           # close, open another connection, feed.opened()
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from . import events
from ._backend import own_methods
from .book import OrderBook
from .errors import UnknownMarket, UsageError
from .interest import SUBSCRIBE_FLAGS, ChannelStatus, flags_of, items_of, kind_of
from .kinds import Effect, Kind, StaleReason, State
from .law import Law
from .market import Market
from .messages import UserOrder
from .messages.commands import BOOK_CHANNEL, MAX_TICKERS, Command, Subscribe, UpdateSubscription, check_channel
from .pace import Budget, Pace

__all__ = ["Books", "Feed", "Progress", "checked_tickers"]


class Books(Mapping[str, OrderBook]):
    """The books that a feed holds, by market ticker, in order of appearance. A live view; to be read only."""

    __slots__ = ("_books",)

    def __init__(self, books: Mapping[str, OrderBook]) -> None:
        self._books = books

    def __getitem__(self, market_ticker: str) -> OrderBook:
        """Give the book of a market.

        Raises:
            UnknownMarket: the feed holds none (a KeyError).
        """
        try:
            return self._books[market_ticker]
        except KeyError:
            raise UnknownMarket(market_ticker, len(self._books)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._books))  # a copy, which a frame on another thread does not disturb

    def __len__(self) -> int:
        return len(self._books)

    def __repr__(self) -> str:
        return f"<Books: {len(self)} held, {sum(book.is_live for book in self.values())} live>"


class Progress(NamedTuple):
    """How far a subscription is.

    Attributes:
        channel: its channel.
        sid: its number.
        seq: of its last frame that has one, or None: there was none.
        item: one of the markets (or indices, or underlyings) that it holds, or None: it names none.
    """

    channel: str
    sid: int
    seq: int | None
    item: str | None


@own_methods
class Feed(Law):
    """The sans-I/O core of one connection: frames in, updates and exact books out, and the commands that keep them so.

    One thread feeds it, one frame after another; books may be read from any thread meanwhile.

    Args:
        use_yes_price: whether NO-side prices arrive on the YES scale on a subscription that no command given to ``send``
            made (F13). Nothing in a frame says so.
        filtered: whether frames of other markets were left out of the recording (F15): holes in the numbers are counted
            and make nothing stale, and no commands are wanted. For replay only.
        pace: deadlines, and the budget of the recovery.

    >>> import kalshi_book as kb
    >>> feed = kb.Feed()
    >>> feed.receive('{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"KXDEMO-26-A",'
    ...              '"yes_dollars_fp":[["0.4100","120.00"]],"no_dollars_fp":[["0.5500","40.00"]]}}')
    <Update snapshot applied KXDEMO-26-A sid=1 seq=1>
    >>> feed.receive('{"type":"orderbook_delta","sid":1,"seq":3,"msg":{"market_ticker":"KXDEMO-26-A",'
    ...              '"price_dollars":"0.4200","delta_fp":"7.55","side":"yes"}}')
    <Update delta gap KXDEMO-26-A yes $0.4200 +7.55 sid=1 seq=3 skipped=1>
    >>> feed.books["KXDEMO-26-A"].best_yes_bid()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    kalshi_book.errors.BookNotLive: KXDEMO-26-A is STALE (gap) after seq 1, not LIVE: wait for its next snapshot, ...
    >>> [feed.send(command).decode() for command in feed.wanted()]  # doctest: +ELLIPSIS
    ['{"id":1,"cmd":"update_subscription","params":{"action":"get_snapshot","sid":1,"market_tickers":["KXDEMO-26-A"]}}']
    """

    def __init__(self, *, use_yes_price: bool = False, filtered: bool = False, pace: Pace | None = None) -> None:
        pace = Pace() if pace is None else pace
        super().__init__(use_yes_price=use_yes_price, filtered=filtered, pace=pace)
        self._budget = Budget(pace)
        self._is_short = False
        self._epoch = 0
        self._books_view = Books(self._books)

    # What it knows.

    @property
    def books(self) -> Books:
        """The books held or desired, by market ticker: a live view."""
        return self._books_view

    @property
    def counts(self) -> Counter[tuple[Kind, Effect]]:
        """How many frames were what and did what: a new Counter by (Kind, Effect)."""
        counts = self._counts.copy()
        counts[Kind.DELTA, Effect.APPLIED] += self._fast_deltas
        counts[Kind.SNAPSHOT, Effect.APPLIED] += self._fast_snapshots
        counts[Kind.SNAPSHOT, Effect.HEALED] += self._fast_healed
        return +counts

    @property
    def skipped(self) -> int:
        """How many sequence numbers were missing so far."""
        return self._skipped

    @property
    def audits(self) -> tuple[int, int]:
        """How many snapshots of LIVE books that were asked for agreed with the book, and how many differed (F17)."""
        return self._audits[True], self._audits[False]

    @property
    def epoch(self) -> int:
        """Which connection this is: how often ``opened`` was called."""
        return self._epoch

    @property
    def subscriptions(self) -> dict[str, ChannelStatus]:
        """How each channel stands that is wanted or held: a new dict. O(markets)."""
        status = (interest.status() for interest in self._subscriptions.interests.values())
        return {each.channel: each for each in status if each.desired or each.is_all or each.sid is not None}

    @property
    def markets(self) -> Mapping[str, Market]:
        """How markets stand that a lifecycle channel spoke of, or ``set_market``: a live view; settled ones leave."""
        return MappingProxyType(self._surroundings.markets)

    @property
    def pending(self) -> dict[int, Command]:
        """The commands under way, by id: a new dict."""
        return {each.id: each.command for each in self._subscriptions.pending.values() if not each.is_overdue}

    def events(self) -> list[events.Event]:
        """Take what was decided since the last call, oldest first. The newest 10,000 are kept."""
        taken = list(self._events)
        self._events.clear()
        return taken

    # What it is told from elsewhere.

    def set_market(self, market: Market) -> None:
        """Tell how a market stands, from REST, say: the lifecycle channels send changes only, and no first list.

        Args:
            market: all that is known of it; it takes the place of what was known.
        """
        if not isinstance(market, Market):
            raise TypeError(f"market must be Market, not {type(market).__name__}")
        self._surroundings.set_market(market)

    def confirm_orders(
        self,
        orders: Iterable[UserOrder | Mapping[str, Any]],
        *,
        as_of_ms: int,
        market_tickers: Collection[str] | None = None,
    ) -> None:
        """Tell every own order that rests: own sizes are known from here on. O(own orders).

        The ``user_orders`` channel sends changes only. So subscribe it (with ``subscribe`` or ``send``), wait for its
        acknowledgement, then ask REST for the resting orders, and pass the whole list. After a reconnect, again.
        Own size that is unknown by a frame that could not be read needs a newer list; where not even the frame's time could
        be read (``"malformed"``), the same ``Subscribe`` has to be sent once more before.

        Args:
            orders: messages, or mappings with the fields that REST gives an order (``order_id``, ``ticker``, ``status``,
                ``outcome_side`` or the older ``side`` and ``action``, ``yes_price_dollars``, ``remaining_count_fp``, ...).
            as_of_ms: the exchange's time that the list shows, unix milliseconds. Too early is safe, too late is not: take a
                time between the acknowledgement and the request for the list.
            market_tickers: the markets that the list is complete for; None: all that the subscription tells of.

        Raises:
            UsageError: ``user_orders`` is not subscribed for these markets by a registered command, the list is older than
                that, or it holds an order of another market. Nothing was changed.
            MalformedFrame: an order that cannot be read exactly. Nothing was changed.
            TypeError: a wrong argument. Nothing was changed.
        """
        self._surroundings.confirm(orders, as_of_ms=as_of_ms, market_tickers=market_tickers)

    def check_orders(
        self,
        orders: Iterable[UserOrder | Mapping[str, Any]],
        *,
        as_of_ms: int,
        market_tickers: Collection[str] | None = None,
    ) -> None:
        """Make sure that ``confirm_orders`` would take these. Changes nothing.

        Raises:
            UsageError, MalformedFrame, TypeError: it would not.
        """
        self._surroundings.confirm(orders, as_of_ms=as_of_ms, market_tickers=market_tickers, is_trial=True)

    # Connections.

    def opened(self) -> None:
        """Note that a new connection is open: counts start anew, and nothing is subscribed yet. The first needs no call.

        What is desired is wanted again: send what ``wanted`` gives.
        """
        if self._is_open:
            self.closed(StaleReason.DISCONNECTED)
        self._epoch += 1
        self._is_open = True

    def closed(self, reason: str = StaleReason.DISCONNECTED) -> None:
        """Note that the connection is gone: every LIVE book is STALE on the spot. Frames count for nothing until ``opened``.

        Args:
            reason: a word that becomes the books' ``stale_reason``.
        """
        if not isinstance(reason, str):
            raise TypeError(f"reason must be str, not {type(reason).__name__}")
        if not reason:
            raise UsageError('reason must be a word such as "disconnected", not empty')
        self._stale_books(None, reason)
        is_ours = self._subscriptions.interest(BOOK_CHANNEL).is_ours
        self._subscriptions.lost()
        for book in self._books.values():
            book._join(None)
            if book.state is State.UNAVAILABLE:
                book._set_state(State.STALE, reason)
        # Where nobody directs the channel, books are kept over connections, but those that no subscription ever held.
        over = [book for book in self._books.values() if is_ours or book.stale_reason == StaleReason.NOT_SUBSCRIBED]
        self._let_go([book.market_ticker for book in over])
        self._surroundings.closed(reason)
        self._is_open = False

    def suspect(self, reason: str = StaleReason.SILENT) -> None:
        """Note that nothing proves what is known to be of now, though the connection is there: every LIVE book is STALE.

        Their snapshots are wanted, and heal them.

        Args:
            reason: a word that becomes the books' ``stale_reason``.
        """
        self._stale_books(None, reason)
        for subscription in self._subscriptions.by_sid.values():
            subscription.recovery.is_dirty = True

    @property
    def progress(self) -> list[Progress]:
        """How far each living subscription is whose channel is known: a new list. O(subscriptions)."""
        return [
            Progress(each.channel, each.sid, each.state.last_seq, next(iter(each.held), None))
            for each in self._subscriptions.by_sid.values()
            if each.channel is not None and not each.state.is_dead
        ]

    @property
    def reconnect_reason(self) -> str | None:
        """Why this connection should be closed and another one opened, or None."""
        return self._subscriptions.reconnect_reason

    # Commands.

    def subscribe(self, channel: str, *, market_tickers: Iterable[str] = (), **flags: Any) -> None:
        """Want a channel, or more of it, on this connection and every later one. ``wanted`` gives the commands for it.

        However many markets are named: they are asked for in chunks, the first of which opens the channel.

        Args:
            channel: its name.
            market_tickers: markets to add to what is desired. Required for ``orderbook_delta``; elsewhere none means all.
            flags: what else ``Subscribe`` takes.

        Raises:
            UsageError: the exchange would refuse it, or it contradicts what is subscribed (another price scale: F13).

        >>> import kalshi_book as kb
        >>> feed = kb.Feed()
        >>> feed.subscribe("orderbook_delta", market_tickers=["KXDEMO-26-A"])
        >>> feed.subscriptions["orderbook_delta"].missing
        frozenset({'KXDEMO-26-A'})
        """
        commands = self._checked(channel, market_tickers, flags)
        interest = self._subscriptions.interest(channel)
        for command in commands:
            interest.desire(items_of(command, channel), kind_of(channel, command), flags_of(command))

    def check_subscribe(self, channel: str, *, market_tickers: Iterable[str] = (), **flags: Any) -> None:
        """Make sure that ``subscribe`` would take these. Changes nothing.

        Raises:
            UsageError, TypeError: it would not.
        """
        self._checked(channel, market_tickers, flags)

    def _checked(self, channel: str, market_tickers: Iterable[str], flags: dict[str, Any]) -> list[Subscribe]:
        """Give what ``subscribe`` would desire, as commands."""
        check_channel(channel)
        if unknown := flags.keys() - SUBSCRIBE_FLAGS:
            raise TypeError(f"subscribe takes no {min(unknown)}")
        tickers = checked_tickers(market_tickers)
        chunks = [tickers[at : at + MAX_TICKERS] for at in range(0, len(tickers), MAX_TICKERS)] or [[]]
        commands = [Subscribe(channels=[channel], market_tickers=chunk, **flags) for chunk in chunks]
        self._subscriptions.interest(channel).check(commands[0])
        return commands

    def unsubscribe(self, channel: str, *, market_tickers: Iterable[str] | None = None) -> None:
        """Want a channel, or some of its markets, no more. ``wanted`` gives the commands for it.

        Args:
            channel: its name.
            market_tickers: markets to take out; None: the whole channel.

        Raises:
            UsageError: no such channel, or markets are named where all are subscribed.
        """
        check_channel(channel)
        interest = self._subscriptions.interest(channel)
        tickers = None if market_tickers is None else checked_tickers(market_tickers)
        if interest.is_all and tickers is not None:
            raise UsageError(f"{channel} is subscribed for all markets: single ones cannot be taken out")
        interest.release(tickers)
        if channel == BOOK_CHANNEL:
            self._let_go(list(self._books) if tickers is None else tickers)

    def send(self, command: Command) -> bytes:
        """Register a command and give what has to be written to the connection, exactly once and at once.

        A caller's own command changes what is desired: a subscribe or an added market is wanted again after a reconnect, and
        what was unsubscribed or deleted is not.

        Args:
            command: from ``wanted``, or a caller's own. Without an id it gets ``next_command_id``.

        Raises:
            UsageError: the connection is closed, the command was made for another one, or the exchange would refuse it: a
                frame may have come since ``wanted`` gave it, so ask that again. Nothing was changed.
        """
        if not isinstance(command, Command):
            raise TypeError(f"command must be a Command, not {type(command).__name__}")
        if not self._is_open:
            raise UsageError("the connection is closed: call opened() when there is another one")
        if command.epoch is not None and command.epoch != self._epoch:
            raise UsageError(
                f"the command was made for connection {command.epoch}, and this is {self._epoch}: ask wanted() again"
            )
        self._subscriptions.check(command)
        data = command.encode(self._subscriptions.next_id)
        number, released = self._subscriptions.register(command)
        self._let_go(released)
        if command.purpose != "asked":
            self._sent(number, command)
        return data

    @property
    def next_command_id(self) -> int:
        """The id that ``send`` gives to the next command."""
        return self._subscriptions.next_id

    def wanted(self) -> list[Command]:
        """Give the commands that are due, to be sent one after another; empty once they are sent.

        They bring what is held nearer to what is desired, one change of a channel at a time, and ask for the snapshots of
        books that are not LIVE (F18). O(1) unless something changed; O(markets of a subscription) then.
        """
        if self._filtered or not self._is_open:
            return []
        commands = self._subscriptions.wanted(self._epoch)
        for subscription in self._subscriptions.by_sid.values():
            recovery = subscription.recovery
            if subscription.channel == BOOK_CHANNEL and not subscription.state.is_dead and not recovery.is_idle:
                interest = self._subscriptions.interest(BOOK_CHANNEL)
                held = subscription.held if recovery.is_dirty else ()
                commands += recovery.wanted(
                    subscription.sid,
                    self._books,
                    (ticker for ticker in held if interest.keeps(ticker) and not interest.may_be_out(ticker)),
                    epoch=self._epoch,
                    now_ns=self._subscriptions.now_ns,
                    can_change=not (interest.in_flight or interest.is_dirty),
                )
        return self._afforded(commands)

    def _afforded(self, commands: list[Command]) -> list[Command]:
        """Hold back what the budget does not allow now."""
        left = max(0, self._budget.left)
        recoveries = [command for command in commands if command.purpose == "recovery"]
        if len(recoveries) <= left:
            self._is_short = False
            return commands
        if not self._is_short:
            self._is_short = True
            self._tell(events.BudgetSpent(len(recoveries) - left))
        return [command for command in commands if command.purpose != "recovery"] + recoveries[:left]

    def _sent(self, number: int, command: Command) -> None:
        """Note that a command of ``wanted`` is on its way."""
        self._tell(events.CommandSent(number, command))
        if command.purpose == "recovery":
            self._budget.spend()
        if isinstance(command, UpdateSubscription) and command.purpose == "recovery":
            subscription = self._subscriptions.by_sid[command.sid or 0]
            if command.action in ("get_snapshot", "delete_markets"):
                subscription.recovery.sent(command.market_tickers, subscription.state.last_seq, self._subscriptions.now_ns)

    def _let_go(self, market_tickers: Iterable[str]) -> None:
        """Drop the books of markets that are desired no more, and that no subscription holds."""
        interest = self._subscriptions.interest(BOOK_CHANNEL)
        for ticker in market_tickers:
            book = self._books.get(ticker)
            if book is not None and self._keeper(book) is None and not interest.wants(ticker):
                book._set_state(State.STALE, StaleReason.UNSUBSCRIBED)
                self._drop(book)

    # Time.

    def advance(self, now_ns: int) -> None:
        """Let time pass: give up what was not answered in time, and climb the rungs of the recovery. O(what is under way).

        Args:
            now_ns: nanoseconds of a monotonic clock of your choice, always the same one.

        Raises:
            UsageError: earlier than the last time told.
        """
        if type(now_ns) is not int:
            raise TypeError(f"now_ns must be int, not {type(now_ns).__name__}")
        last = self._subscriptions.now_ns
        if last is not None and now_ns < last:
            raise UsageError(f"time runs forward: now_ns was {last}, and cannot be {now_ns}; pass a monotonic clock")
        self._budget.advance(now_ns)
        self._subscriptions.advance(now_ns)
        interest = self._subscriptions.interest(BOOK_CHANNEL)
        for subscription in self._subscriptions.by_sid.values():
            if subscription.state.is_dead:
                continue
            recovery = subscription.recovery
            gone = recovery.advance(now_ns, subscription.state.last_seq, len(subscription.held), self._books)
            if gone:
                self._tell(events.MarketsUnavailable(subscription.sid, gone))
            if not recovery.wants_resubscribe:
                continue
            if interest.resubscribes:
                recovery.wants_resubscribe = False
                self._subscriptions.want_reconnect("the book subscription stays silent, though it was subscribed anew")
            else:
                interest.trouble()  # it goes before whatever else is to be changed: nothing of that was answered

    @property
    def next_deadline_ns(self) -> int | None:
        """When ``advance`` has something to do, and ``wanted`` is to be asked again; None: not before something comes in."""
        dues = [*self._subscriptions.next_deadlines()]
        dues += [
            due_ns
            for each in self._subscriptions.by_sid.values()
            if not each.state.is_dead and (due_ns := each.recovery.next_deadline_ns) is not None
        ]
        if self._is_short and self._budget.next_ns is not None:
            dues.append(self._budget.next_ns)
        return min(dues, default=None) if self._is_open else None


def checked_tickers(market_tickers: Iterable[str]) -> list[str]:
    """Take a list of tickers, and never one text for it."""
    if isinstance(market_tickers, str):
        raise TypeError('market_tickers must be a list of tickers, such as ["KXDEMO-26-A"], not one text')
    tickers = list(market_tickers)
    for ticker in tickers:
        if not isinstance(ticker, str):
            raise TypeError(f"market_tickers must be a list of texts, and has {type(ticker).__name__} in it")
    return tickers
