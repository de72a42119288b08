"""What waits for a consumer: bounded, in order, and never dropped in silence. Values: nobody waits here.

With the policy ``"conflate"`` a market's book (and its ticker) has one place in the queue: a later update takes the place of
the one that waits there, since the book is exact whenever it is read. What stands for several says so, and names every own
order that was marked among them. Everything else (trades, fills, orders, positions, ...) is kept one by one. With ``"all"``
so are book updates. A queue that is full of what cannot be conflated is emptied, and its consumer is told how much it lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Any, Final, Literal, TypeAlias

from .. import events
from .._backend import Update
from ..errors import ConsumerOverrun, FeedError, UsageError
from ..kinds import Effect, Kind
from ..messages import Message
from ..messages.commands import check_channel

Policy = Literal["conflate", "all"]

SIZE: Final = 10_000
"""How many updates wait for a consumer unless it asks for another size."""

KINDS_OF: Final[dict[str, tuple[Kind, ...]]] = {
    "orderbook_delta": (Kind.SNAPSHOT, Kind.DELTA),
    "ticker": (Kind.TICKER,),
    "trade": (Kind.TRADE,),
    "fill": (Kind.FILL,),
    "user_orders": (Kind.USER_ORDER,),
    "market_positions": (Kind.MARKET_POSITION,),
    "market_lifecycle_v2": (Kind.MARKET_LIFECYCLE, Kind.EVENT_LIFECYCLE, Kind.EVENT_FEE_UPDATE),
    "multivariate_market_lifecycle": (Kind.MARKET_LIFECYCLE,),
    "communications": (Kind.COMMUNICATION,),
    "order_group_updates": (Kind.ORDER_GROUP_UPDATE,),
    "cfbenchmarks_value": (Kind.INDEX_VALUE,),
    "cfbenchmarks_value_5hz": (Kind.INDEX_VALUE,),
    "pyth_value": (Kind.UNDERLYING_VALUE,),
}
"""What the updates of a channel are."""

DATA_KINDS: Final = frozenset(kind for kinds in KINDS_OF.values() for kind in kinds) | {Kind.UNKNOWN}
_CONFLATED_KINDS: Final = {Kind.SNAPSHOT: "book", Kind.TICKER: "ticker"}
_CHANGES: Final = (Effect.APPLIED, Effect.HEALED)
_DELTA, _APPLIED = Kind.DELTA, Effect.APPLIED


class ConflatedUpdate:
    """Several updates of one market that came before the consumer looked. The book holds all of them.

    It has the names of an ``Update``; what belongs to a single change (``outcome_side``, ``price_e4``, ``delta_e2``,
    ``size_e2``) is None.

    Attributes:
        last: the newest of them.
        conflated: how many it stands for, 2 or more.
        client_order_ids: of all own changes among them, in order.
        top_changed: whether a best level changed by any of them.
        subaccount: that of the last own change among them, or None.
        own: whether any was an own change.
    """

    __slots__ = ("client_order_ids", "conflated", "last", "subaccount", "top_changed")

    outcome_side = price_e4 = delta_e2 = size_e2 = None

    def __init__(
        self,
        last: Update,
        conflated: int,
        client_order_ids: tuple[str, ...],
        top_changed: bool,
        subaccount: int | None = None,
    ) -> None:
        self.last = last
        self.conflated = conflated
        self.client_order_ids = client_order_ids
        self.top_changed = top_changed
        self.subaccount = subaccount

    @property
    def own(self) -> bool:
        """Whether any of them was an own change."""
        return bool(self.client_order_ids)

    @property
    def client_order_id(self) -> str | None:
        """That of the last own change among them, or None."""
        return self.client_order_ids[-1] if self.client_order_ids else None

    @property
    def kind(self) -> Kind:
        """What the last one was."""
        return self.last.kind

    @property
    def effect(self) -> Effect:
        """What the last one did."""
        return self.last.effect

    @property
    def book(self) -> Any:
        """The book, an OrderBook; None for tickers."""
        return self.last.book

    @property
    def market_ticker(self) -> str | None:
        """The market."""
        return self.last.market_ticker

    @property
    def sid(self) -> int | None:
        """The subscription of the last one."""
        return self.last.sid

    @property
    def seq(self) -> int | None:
        """The number of the last one."""
        return self.last.seq

    @property
    def skipped(self) -> int:
        """How many numbers are missing before the last one."""
        return self.last.skipped

    @property
    def error(self) -> FeedError | None:
        """What the last one says is wrong, or None."""
        return self.last.error

    @property
    def received_ns(self) -> int | None:
        """When the last one was received, unix nanoseconds."""
        return self.last.received_ns

    @property
    def message(self) -> Message | None:
        """The last one, decoded."""
        return self.last.message

    @property
    def frame(self) -> bytes | str:
        """The last one, raw."""
        return self.last.frame

    def __repr__(self) -> str:
        own = f" own={list(self.client_order_ids)}" if self.client_order_ids else ""
        return f"<ConflatedUpdate of {self.conflated}: {self.market_ticker}{own}, last {self.last!r}>"


AnyUpdate: TypeAlias = "Update | ConflatedUpdate"


class _Place:
    """A market's place in the queue."""

    __slots__ = ("count", "ids", "key", "last", "subaccount", "top_changed")

    def __init__(self, key: tuple[str, str | None], update: Update) -> None:
        self.key = key
        self.count = 0
        self.ids: list[str] = []
        self.subaccount: int | None = None
        self.top_changed = False
        self.last = update

    def add(self, update: Update) -> None:
        self.last = update
        self.count += 1
        self.top_changed |= update.top_changed
        if update.client_order_id is not None:
            self.ids.append(update.client_order_id)
            self.subaccount = update.subaccount


class UpdateQueue:
    """What waits for one consumer.

    Args:
        name: the consumer's, for errors.
        channels: whose updates it wants; None: of all.
        market_tickers: of which markets; None: of all.
        policy: ``"conflate"`` or ``"all"``.
        size: how much may wait: updates, and own order ids in conflated ones.

    Attributes:
        conflated: how many updates were put into the place of another one.
        lost: how many updates were lost in overruns.
        on_item: called when there is something and there was nothing before, or None.

    Raises:
        UsageError: no such channel or policy, or a size below 1.
    """

    def __init__(
        self,
        name: str,
        *,
        channels: Collection[str] | None = None,
        market_tickers: Collection[str] | None = None,
        policy: Policy = "conflate",
        size: int = SIZE,
    ) -> None:
        for channel in channels or ():
            check_channel(channel)
        if policy not in ("conflate", "all"):
            raise UsageError(f'a policy is "conflate" or "all", not {policy!r}')
        if type(size) is not int or size < 1:
            raise UsageError(f"a queue holds 1 or more, not {size!r}")
        self.name = name
        self.conflated = self.lost = 0
        self.on_item: Callable[[], None] | None = None
        self._kinds = DATA_KINDS if channels is None else frozenset(kind for each in channels for kind in KINDS_OF[each])
        self._wants_books = _DELTA in self._kinds
        self._tickers = None if market_tickers is None else frozenset(market_tickers)
        self._conflates = policy == "conflate"
        self._size = size
        self._waiting: deque[Update | _Place] = deque()
        self._places: dict[tuple[str, str | None], _Place] = {}
        self._ids = 0  # own order ids in all places
        self._overrun = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, update: Update) -> None:
        """Let an update wait, if the consumer wants it. Called for every frame."""
        # A word of an Enum hashes in Python: what comes most is told by identity.
        kind = update.kind
        if kind is _DELTA:
            if not self._wants_books or update.effect is not _APPLIED:
                return
        elif not self._wants(kind, update.effect):
            return
        tickers = self._tickers
        if tickers is not None and update.market_ticker not in tickers:
            return
        group = None
        if self._conflates:
            group = "book" if kind is _DELTA else _CONFLATED_KINDS.get(kind)
        if group is None:
            self._waiting.append(update)
        else:
            self._conflate((group, update.market_ticker), update)
        if len(self._waiting) + self._ids > self._size:
            self._empty()
        if self.on_item is not None:
            self.on_item()

    def _wants(self, kind: Kind, effect: Effect) -> bool:
        """Whether a frame that is no delta is for this consumer: of books, snapshots that made or kept one LIVE."""
        if kind is Kind.SNAPSHOT:
            return self._wants_books and effect in _CHANGES
        return kind in self._kinds and effect is not Effect.DUPLICATE

    def _conflate(self, key: tuple[str, str | None], update: Update) -> None:
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = _Place(key, update)
            self._waiting.append(place)
        else:
            self.conflated += 1
        place.add(update)
        self._ids += update.own

    def _empty(self) -> None:
        lost = sum(each.count if isinstance(each, _Place) else 1 for each in self._waiting)
        self.lost += lost
        self._overrun += lost
        self._waiting.clear()
        self._places.clear()
        self._ids = 0

    def take(self) -> AnyUpdate:
        """Give what waits longest.

        Raises:
            ConsumerOverrun: the queue was emptied since the last call. Once; what came later waits still.
            IndexError: nothing waits.
        """
        if self._overrun:
            lost, self._overrun = self._overrun, 0
            raise ConsumerOverrun(self.name, lost=lost, size=self._size)
        first = self._waiting.popleft()
        if isinstance(first, Update):
            return first
        del self._places[first.key]
        self._ids -= len(first.ids)
        if first.count == 1:
            return first.last
        return ConflatedUpdate(first.last, first.count, tuple(first.ids), first.top_changed, first.subaccount)

    @property
    def is_ready(self) -> bool:
        """Whether ``take`` has something to say."""
        return bool(self._waiting or self._overrun)


class EventQueue:
    """The newest events, and how many older ones were let go."""

    def __init__(self, size: int = SIZE) -> None:
        self._waiting: deque[events.SessionEvent] = deque(maxlen=size)
        self._lost = 0
        self.on_item: Callable[[], None] | None = None

    def put(self, event: events.SessionEvent) -> None:
        """Let an event wait."""
        self._lost += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(event)
        if self.on_item is not None:
            self.on_item()

    def take(self) -> events.SessionEvent:
        """Give the oldest; ``EventsLost`` first where older ones were let go.

        Raises:
            IndexError: nothing waits.
        """
        if self._lost:
            lost, self._lost = self._lost, 0
            return events.EventsLost(lost)
        return self._waiting.popleft()

    @property
    def is_ready(self) -> bool:
        """Whether ``take`` has something to say."""
        return bool(self._waiting)
