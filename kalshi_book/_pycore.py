"""The plain Python twin of the compiled core: the specification, and the choice of whoever has no compiler.

Same names, same arguments, same errors and texts as ``_core``; the docstrings of the public parts stand there and in
``_core.pyi``. Ladders are ``SortedDict`` of price_e4 to size_e2. Slow on purpose wherever slow is clearer.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from copy import copy
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import force_setattr
from sortedcontainers import SortedDict

from . import _text, errors, messages, units
from .kinds import Effect, Kind, StaleReason, State
from .messages.book import Levels, Side, parse_levels
from .walk import Walked, walk

if TYPE_CHECKING:
    from .market import Market
    from .orders import MarketOwn, OwnReading

_Class = TypeVar("_Class", bound=type)

_ONE_AT_A_TIME = RLock()
"""Holds a reader in another thread off while a book is half-way through a change. One for all: the twin is not for speed."""


def _int64(number: object, name: str) -> int:
    if type(number) is not int:
        raise TypeError(f"{name} must be int, not {type(number).__name__}")
    if not -units.INT64_MAX <= number <= units.INT64_MAX:
        raise errors.UsageError(f"{name} must fit 64 bits")
    return number


def _optional_int64(number: object, name: str) -> int | None:
    return None if number is None else _int64(number, name)


class Level:
    """One price with the size that rests there. Immutable; equal levels are equal and hash alike."""

    __slots__ = ("_price_e4", "_size_e2")

    def __init__(self, *, price_e4: int, size_e2: int) -> None:
        if not -(2**31) < _int64(price_e4, "price_e4") < 2**31:
            raise errors.UsageError("price_e4 must fit 32 bits")
        self._size_e2 = _int64(size_e2, "size_e2")
        self._price_e4 = price_e4

    @property
    def price_e4(self) -> int:
        """Price in $0.0001."""
        return self._price_e4

    @property
    def size_e2(self) -> int:
        """Size in 0.01 contract."""
        return self._size_e2

    @property
    def price(self) -> Any:
        """Price in dollars, an exact Decimal with 4 decimals."""
        return units.price_decimal(self._price_e4)

    @property
    def cents(self) -> Any:
        """Price in cents, an exact Decimal with 2 decimals."""
        return units.cents_decimal(self._price_e4)

    @property
    def size(self) -> Any:
        """Size in contracts, an exact Decimal with 2 decimals."""
        return units.size_decimal(self._size_e2)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Level):
            return NotImplemented
        return self._price_e4 == other._price_e4 and self._size_e2 == other._size_e2

    def __hash__(self) -> int:
        return hash((self._price_e4, self._size_e2))

    def __repr__(self) -> str:
        return _text.level_text(self._price_e4, self._size_e2)

    def __reduce__(self) -> tuple[Callable[[int, int], Level], tuple[int, int]]:
        return _level, (self._price_e4, self._size_e2)


def _level(price_e4: int, size_e2: int) -> Level:
    """Make a Level again when it is unpickled."""
    return Level(price_e4=price_e4, size_e2=size_e2)


class Update(Struct, frozen=True, kw_only=True, eq=False):
    """What one frame was and what it did. Made by ``Feed.receive``; immutable."""

    kind: Kind
    effect: Effect
    frame: bytes | str
    book: BookCore | None = None
    market_ticker: str | None = None
    outcome_side: Side | None = None
    price_e4: int | None = None
    delta_e2: int | None = None
    size_e2: int | None = None
    top_changed: bool = False
    client_order_id: str | None = None
    sid: int | None = None
    seq: int | None = None
    skipped: int = 0
    received_ns: int | None = None
    _error: errors.FeedError | None = None
    _message: messages.Message | None = None

    @property
    def error(self) -> errors.FeedError | None:
        return copy(self._error)

    @property
    def own(self) -> bool:
        return self.client_order_id is not None

    @property
    def subaccount(self) -> int | None:
        return getattr(getattr(self.message, "msg", None), "subaccount", None) if self.own else None

    @property
    def message(self) -> messages.Message | None:
        if self._message is None and self.kind is not Kind.MALFORMED:
            force_setattr(self, "_message", messages.read(self.frame))
        return self._message

    def __repr__(self) -> str:
        return _text.update_text(cast("Any", self))


class SidState:
    """How far the count of one subscription has come, and on which price scale its NO side arrives."""

    __slots__ = ("_last_seq", "_sid", "is_dead", "last_frame", "use_yes_price")

    def __init__(self, sid: int, *, use_yes_price: bool = False) -> None:
        self._sid = _int64(sid, "sid")
        self._last_seq: int | None = None
        self.last_frame: bytes | str | None = None
        self.use_yes_price = use_yes_price
        self.is_dead = False

    @property
    def sid(self) -> int:
        return self._sid

    @property
    def last_seq(self) -> int | None:
        return self._last_seq

    @last_seq.setter
    def last_seq(self, seq: int | None) -> None:
        self._last_seq = _optional_int64(seq, "last_seq")


class BookCore:
    """Two ladders of bids, and how the book stands. The public class is ``OrderBook``."""

    __slots__ = (
        "_clock",
        "_is_known",
        "_kept",
        "_ladders",
        "_market",
        "_market_ticker",
        "_own",
        "_received_ns",
        "_seq",
        "_sid_state",
        "_stale_reason",
        "_state",
        "_ts_ms",
    )

    def __init__(self, market_ticker: str) -> None:
        if not isinstance(market_ticker, str):
            raise TypeError(f"market_ticker must be str, not {type(market_ticker).__name__}")
        self._market_ticker = str(market_ticker)
        self._state = State.NEW
        self._stale_reason: str | None = None
        self._ladders: tuple[SortedDict[int, int], SortedDict[int, int]] = (SortedDict(), SortedDict())
        self._is_known = False
        self._kept = False
        self._sid_state: SidState | None = None
        self._seq: int | None = None
        self._clock: int | None = None
        self._ts_ms: int | None = None
        self._received_ns: int | None = None
        # In the compiled core the garbage collector does not see a book: what these refer to may never refer back to it.
        self._market: Market | None = None
        self._own: MarketOwn | OwnReading | None = None

    @property
    def market_ticker(self) -> str:
        return self._market_ticker

    @property
    def state(self) -> State:
        return self._state

    @property
    def stale_reason(self) -> str | None:
        return self._stale_reason

    @property
    def is_live(self) -> bool:
        return self._state is State.LIVE

    @property
    def sid(self) -> int | None:
        return None if self._sid_state is None else self._sid_state.sid

    @property
    def seq(self) -> int | None:
        return self._seq

    @property
    def clock(self) -> int | None:
        return self._clock

    @property
    def ts_ms(self) -> int | None:
        return self._ts_ms

    @property
    def received_ns(self) -> int | None:
        return self._received_ns

    @property
    def _core(self) -> BookCore:
        return self

    @property
    def _live(self) -> bool:
        return True

    def _is_kept(self) -> bool:
        return self._kept

    def _require(self, live: bool) -> None:
        if self._state is not State.LIVE and (live or not self._is_known):
            raise errors.BookNotLive(
                market_ticker=self._market_ticker, state=self._state, stale_reason=self._stale_reason, seq=self._seq
            )

    def best_yes_bid(self) -> Level | None:
        return self._best(False, False, True)

    def best_yes_ask(self) -> Level | None:
        return self._best(False, True, True)

    def best_no_bid(self) -> Level | None:
        return self._best(True, False, True)

    def best_no_ask(self) -> Level | None:
        return self._best(True, True, True)

    def best_yes_bid_e4(self) -> int | None:
        return _price_of(self.best_yes_bid())

    def best_yes_ask_e4(self) -> int | None:
        return _price_of(self.best_yes_ask())

    def best_no_bid_e4(self) -> int | None:
        return _price_of(self.best_no_bid())

    def best_no_ask_e4(self) -> int | None:
        return _price_of(self.best_no_ask())

    def change(self, *, outcome_side: Side, price_e4: int, delta_e2: int) -> int:
        no = units.outcome_is_no(outcome_side)
        _int64(price_e4, "price_e4")
        _int64(delta_e2, "delta_e2")
        self._require(True)
        return self._apply_delta(no, price_e4, delta_e2)[0]

    def _apply_delta(self, no: bool, price_e4: int, delta_e2: int) -> tuple[int, bool]:
        with _ONE_AT_A_TIME:
            ladder = self._ladders[no]
            rests = ladder.get(price_e4, 0)
            size = rests + delta_e2
            if not units.MIN_PRICE_E4 <= price_e4 <= units.MAX_PRICE_E4 or not 0 <= size <= units.INT64_MAX:
                self._contradict(no, price_e4, delta_e2, rests, StaleReason.CONTRADICTION)
            before = _top(ladder)
            if size:
                ladder[price_e4] = size
            else:
                ladder.pop(price_e4, None)
            top_changed = _top(ladder) != before
            if top_changed and self._is_crossed():
                self._contradict(no, price_e4, delta_e2, size, StaleReason.CROSSED)
            return size, top_changed

    def _contradict(self, no: bool, price_e4: int, delta_e2: int, size_e2: int, reason: StaleReason) -> None:
        self._set_state(State.STALE, reason)
        raise errors.Contradiction(
            market_ticker=self._market_ticker,
            outcome_side="no" if no else "yes",
            price_e4=price_e4,
            delta_e2=delta_e2,
            size_e2=size_e2,
            stale_reason=reason,
        )

    def _load(
        self,
        yes: Sequence[Any],
        yes_in_cents: bool,
        no: Sequence[Any],
        no_in_cents: bool,
        use_yes_price: bool,
        stale_reason: str | None,
    ) -> bool:
        new_yes = _ladder(parse_levels(yes, yes_in_cents, "yes"), False)
        new_no = _ladder(parse_levels(no, no_in_cents, "no"), use_yes_price)
        before = [_top(ladder) for ladder in self._ladders]
        changed = not self._is_known or before != [_top(new_yes), _top(new_no)]
        with _ONE_AT_A_TIME:
            self._ladders = (new_yes, new_no)
            self._is_known = True
            if stale_reason is None and self._is_crossed():
                stale_reason = StaleReason.CROSSED
            self._set_state(State.LIVE if stale_reason is None else State.STALE, stale_reason)
        return changed

    def _stamp(self, seq: int | None, clock: int | None, ts_ms: int | None, received_ns: int | None) -> None:
        self._seq, self._clock, self._ts_ms, self._received_ns = seq, clock, ts_ms, received_ns

    def _join(self, sid_state: SidState | None) -> None:
        self._sid_state = sid_state

    def _set_state(self, state: State, stale_reason: str | None = None) -> None:
        self._state, self._stale_reason = state, stale_reason

    def _belongs_to(self, sid_state: SidState) -> bool:
        return self._sid_state is sid_state

    def _known(self) -> bool:
        return self._is_known

    def _is_crossed(self) -> bool:
        yes, no = self._ladders
        return bool(yes and no) and yes.keys()[-1] + no.keys()[-1] >= units.PRICE_SCALE

    def _sides(self, live: bool) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Both ladders, best first, of one moment: no other thread and no garbage collection, which may run any code."""
        with _ONE_AT_A_TIME:
            collects = gc.isenabled()
            gc.disable()
            try:
                self._require(live)
                yes, no = self._ladders
                return list(yes.items())[::-1], list(no.items())[::-1]
            finally:
                if collects:
                    gc.enable()

    def _best(self, no: bool, ask: bool, live: bool) -> Level | None:
        return next(iter(self._levels(no, ask, 1, live)), None)

    def _bbo(self, no: bool, live: bool) -> tuple[Level | None, Level | None]:
        bids, asks = self._depth(no, 1, live)
        return next(iter(bids), None), next(iter(asks), None)

    def _levels(self, no: bool, ask: bool, n: int, live: bool) -> list[Level]:
        return _as_levels(self._sides(live)[no != ask][:n], ask)

    def _depth(self, no: bool, n: int, live: bool) -> tuple[list[Level], list[Level]]:
        sides = self._sides(live)
        return _as_levels(sides[no][:n], False), _as_levels(sides[not no][:n], True)

    def _size_at(self, no: bool, price_e4: int, live: bool) -> int:
        with _ONE_AT_A_TIME:
            self._require(live)
            return int(self._ladders[no].get(price_e4, 0))

    def _walk(
        self, no: bool, n_bids: int, n_asks: int, size_e2: int, money_e6: int, distance_e4: int, live: bool
    ) -> tuple[Walked, Walked]:
        sides = self._sides(live)
        asks = [(units.flip_e4(price_e4), rests_e2) for price_e4, rests_e2 in sides[not no]]
        return (
            walk(sides[no], n=n_bids, size_e2=size_e2, money_e6=money_e6, distance_e4=distance_e4),
            walk(asks, n=n_asks, size_e2=size_e2, money_e6=money_e6, distance_e4=distance_e4),
        )

    def _copy(self, live: bool) -> BookCore:
        copy = BookCore(self._market_ticker)
        with _ONE_AT_A_TIME:
            self._require(live)
            for name in BookCore.__slots__:
                setattr(copy, name, getattr(self, name))
            yes, no = self._ladders
            copy._ladders = (yes.copy(), no.copy())
            copy._kept = False
            copy._own = None if self._own is None else self._own.now()
        return copy

    def _faults(self) -> list[str]:
        faults = []
        for name, ladder in zip(("yes", "no"), self._ladders, strict=True):
            if list(ladder) != sorted(set(ladder)) or any(size <= 0 for size in ladder.values()):
                faults.append(f"the {name} ladder is out of order or holds a size of 0 or less")
            if not all(units.MIN_PRICE_E4 <= price <= units.MAX_PRICE_E4 for price in ladder):
                faults.append(f"the {name} ladder holds a price outside 1 to 9999")
        if self.is_live and self._is_crossed():
            faults.append("a LIVE book is crossed")
        return faults


def _as_levels(side: list[tuple[int, int]], ask: bool) -> list[Level]:
    return [Level(price_e4=units.flip_e4(price) if ask else price, size_e2=size) for price, size in side]


def _price_of(level: Level | None) -> int | None:
    return None if level is None else level.price_e4


def _top(ladder: SortedDict[int, int]) -> tuple[int, int] | None:
    return ladder.peekitem(-1) if ladder else None


def _ladder(levels: Levels, use_yes_price: bool) -> SortedDict[int, int]:
    return SortedDict({units.flip_e4(price) if use_yes_price else price: size for price, size in levels})


class FeedCore:
    """The books of one connection. ``Feed`` adds the law; here every frame goes through it."""

    _fast_frames = _fast_deltas = _fast_snapshots = _fast_healed = 0

    def __init__(self, hot_decode: Callable[[bytes | str], object], hot_types: tuple[type, type, type, type]) -> None:
        self._books: dict[str, BookCore] = {}

    def receive(self, frame: bytes | str, *, received_ns: int | None = None) -> Update:
        return self._receive_other(frame, received_ns)

    def _receive_other(self, frame: bytes | str, received_ns: int | None) -> Update:
        raise NotImplementedError

    def _add_book(self, book: BookCore) -> None:
        self._books[book.market_ticker] = book
        book._kept = True

    def _remove_book(self, book: BookCore) -> None:
        del self._books[book.market_ticker]
        book._kept = False

    def _books_by_ticker(self) -> dict[str, BookCore]:
        return self._books

    def _stale_books(self, sid_state: SidState | None, stale_reason: str) -> int:
        staled = 0
        for book in self._books.values():
            if book.state in (State.LIVE, State.NEW) and (sid_state is None or book._belongs_to(sid_state)):
                book._set_state(State.STALE, stale_reason)
                staled += 1
        return staled


def own_methods(cls: _Class) -> _Class:
    """Nothing to do here: a short way to call C methods."""
    return cls
