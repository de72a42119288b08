"""How the books of one subscription come back to life (F18): rungs and deadlines, without a clock or a socket.

A book of a live subscription that is not LIVE is a *case*. It climbs a ladder, one rung at a deadline, and leaves it by a
snapshot, whichever frame brings it:

1. A market that has just joined is waited for: its first snapshot comes by itself.
2. ``get_snapshot``, for all cases at once, in chunks; asked again when the answer was lost (``Pace.tries``).
3. The market is taken out of the subscription; what is desired and not held is put in again, which brings a snapshot.
4. The book is UNAVAILABLE (no_snapshot), and asked for every ``Pace.retry_ns``: a settled or mistyped market, most likely,
   which must not cost the others anything.

Only when the subscription did not even answer on the third rung, gave no frame at all meanwhile, and at least half of what
it holds is missing, it is ended and subscribed anew; and if that does not help either, a reconnect is wanted.

One round of first questions is under way at a time, and beside it one of those that were asked before: a gap in the midst
of a round adds to the next one and never a second one beside it, and a market that does not answer keeps nobody waiting for
more than one deadline. The deadline of a round counts from the last answer to it, so a thousand snapshots may take their
time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ._backend import BookCore
from .kinds import StaleReason, State
from .messages.commands import MAX_TICKERS, Action, Command, UpdateSubscription
from .pace import Pace


class _Case:
    """One book that is not LIVE: how often its snapshot was asked for, and when it is to be asked for next."""

    __slots__ = ("due_ns", "tries")

    def __init__(self, due_ns: int | None) -> None:
        self.tries = 0
        self.due_ns = due_ns  # None: a deadline that begins when time is first told


class _Round:
    """Markets that were asked for and have not answered."""

    __slots__ = ("asked", "due_ns", "frames_then", "was_answered")

    def __init__(self) -> None:
        self.asked: dict[str, None] = {}
        self.due_ns: int | None = None
        self.was_answered = False
        self.frames_then: int | None = None

    def answer(self, market_ticker: str) -> None:
        """Note that a market gave something."""
        self.was_answered |= market_ticker in self.asked

    def is_late(self, now_ns: int, answer_ns: int) -> bool:
        """Tell whether the deadline has passed; it begins anew with each answer."""
        if not self.asked:
            return False
        if self.was_answered or self.due_ns is None:
            self.was_answered, self.due_ns = False, now_ns + answer_ns
        return now_ns >= self.due_ns


class Recovery:
    """The cases of one subscription of the book channel.

    Args:
        pace: deadlines.
    """

    __slots__ = (
        "_again",
        "_cases",
        "_first",
        "_healed",
        "_is_stirred",
        "_is_untimed",
        "_pace",
        "_soonest_ns",
        "is_dirty",
        "wants_resubscribe",
    )

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._cases: dict[str, _Case] = {}
        self._first, self._again = _Round(), _Round()
        self._soonest_ns: int | None = None  # of all cases: may be too early where one was healed
        self._is_untimed = False
        self._is_stirred = False  # whether ``wanted`` may have something to say
        self._healed: list[str] = []
        self.is_dirty = False
        self.wants_resubscribe = False

    def expect(self, market_tickers: Iterable[str], now_ns: int | None) -> None:
        """Wait for the first snapshot of markets that joined just now."""
        for ticker in market_tickers:
            if ticker not in self._cases:
                self._cases[ticker] = _Case(None)
                self._is_untimed = self._is_stirred = True
        if now_ns is not None:
            self._time_cases(now_ns)

    def forget(self, market_tickers: Iterable[str]) -> None:
        """Drop the cases of markets that nobody wants here any more."""
        for ticker in market_tickers:
            self._close(ticker)

    def _close(self, market_ticker: str) -> bool:
        """Drop a case. Returns whether there was one."""
        for lane in (self._first, self._again):
            if lane.asked.pop(market_ticker, market_ticker) is None and not lane.asked:
                self._is_stirred = True
        return self._cases.pop(market_ticker, None) is not None

    def healed(self, market_ticker: str, *, was_stale: bool) -> None:
        """Note that a snapshot made a book LIVE."""
        self.answered([market_ticker])
        if self._close(market_ticker) and was_stale:
            self._healed.append(market_ticker)

    def answered(self, market_tickers: Iterable[str]) -> None:
        """Note that the subscription let markets join or leave, or gave a snapshot: their round has more time."""
        for ticker in market_tickers:
            self._first.answer(ticker)
            self._again.answer(ticker)
            if ticker in self._cases:
                self.wants_resubscribe = False  # it lives

    def take_healed(self) -> tuple[str, ...]:
        """Give the books that came back, once, when no more first answers are awaited."""
        if self._first.asked or not self._healed:
            return ()
        healed = tuple(self._healed)
        self._healed.clear()
        return healed

    def wanted(
        self,
        sid: int,
        books: Mapping[str, BookCore],
        held: Iterable[str],
        *,
        epoch: int,
        now_ns: int | None,
        can_change: bool,
    ) -> list[Command]:
        """Give the commands that are due. O(books) only after something went wrong, O(cases) while there are any.

        Args:
            sid: the subscription.
            books: all books by ticker.
            held: what the subscription holds.
            epoch: the connection.
            now_ns: the time, or None: never told.
            can_change: whether no other change of the subscription is under way.
        """
        if self.is_dirty:
            self._look(books, held)
        if self.wants_resubscribe or not self._is_stirred:
            return []
        ask: list[str] = []
        out: list[str] = []
        for ticker, case in self._cases.items():
            lane = self._again if case.tries else self._first
            if not lane.asked and ticker not in self._first.asked and self._is_due(case, now_ns):
                (out if case.tries == self._pace.tries else ask).append(ticker)
        commands = _updates("get_snapshot", sid, ask, epoch)
        if out and can_change:
            commands += _updates("delete_markets", sid, out[:MAX_TICKERS], epoch)
        self._is_stirred = bool(commands or out)
        return commands

    def _look(self, books: Mapping[str, BookCore], held: Iterable[str]) -> None:
        """Make a case of every book that is not LIVE and is none yet."""
        self.is_dirty = False
        for ticker in held:
            book = books.get(ticker)
            if book is not None and not book.is_live and ticker not in self._cases:
                self._cases[ticker] = _Case(0)
                self._is_stirred = True

    def _is_due(self, case: _Case, now_ns: int | None) -> bool:
        return case.due_ns is not None and (case.due_ns == 0 or (now_ns is not None and case.due_ns <= now_ns))

    def sent(self, market_tickers: Sequence[str], frames: int | None, now_ns: int | None) -> None:
        """Note that a command of ``wanted`` was sent, and how far the count of the subscription was then."""
        for ticker in market_tickers:
            if (case := self._cases.get(ticker)) is None:
                continue
            lane = self._again if case.tries else self._first
            if not lane.asked:
                lane.frames_then = frames
            lane.asked[ticker] = None
            lane.was_answered = False
            lane.due_ns = None if now_ns is None else now_ns + self._pace.answer_ns
            case.tries += 1

    def advance(self, now_ns: int, frames: int | None, held: int, books: Mapping[str, BookCore]) -> tuple[str, ...]:
        """Let time pass. O(cases) when a deadline passes or time is first told.

        Args:
            now_ns: the time.
            frames: how far the count of the subscription is.
            held: how many markets it holds.
            books: all books by ticker.

        Returns:
            The markets whose books became UNAVAILABLE just now.
        """
        gone: tuple[str, ...] = ()
        for lane in (self._first, self._again):
            if lane.is_late(now_ns, self._pace.answer_ns):
                gone += self._climb(lane, now_ns, frames, held, books)
        if self._is_untimed or (self._soonest_ns is not None and self._soonest_ns <= now_ns):
            self._time_cases(now_ns)
        return gone

    def _climb(
        self, lane: _Round, now_ns: int, frames: int | None, held: int, books: Mapping[str, BookCore]
    ) -> tuple[str, ...]:
        """Let those that did not answer in time take the next rung."""
        late, lane.asked = lane.asked, {}
        last = [ticker for ticker in late if self._cases[ticker].tries > self._pace.tries]
        # Silence means something only where an ``ok`` was due: a market that is settled gives none to a get_snapshot.
        was_changed = any(self._cases[ticker].tries == self._pace.tries + 1 for ticker in last)
        if was_changed and frames == lane.frames_then and 2 * len(late) >= held:
            self.wants_resubscribe = True
        for ticker in late:
            self._cases[ticker].due_ns = 0
        for ticker in last:
            self._cases[ticker].due_ns = now_ns + self._pace.retry_ns
        self._is_untimed = True
        return tuple(ticker for ticker in last if _give_up(books.get(ticker)))

    def _time_cases(self, now_ns: int) -> None:
        """Begin the deadlines that waited for a time, and find the next one."""
        self._is_untimed, self._is_stirred = False, True
        soonest = None
        for case in self._cases.values():
            if case.due_ns is None:
                case.due_ns = now_ns + self._pace.answer_ns
            if case.due_ns > now_ns and (soonest is None or case.due_ns < soonest):
                soonest = case.due_ns
        self._soonest_ns = soonest

    @property
    def next_deadline_ns(self) -> int | None:
        """When ``advance`` has something to do, as far as a time is known."""
        dues = [lane.due_ns for lane in (self._first, self._again) if lane.asked]
        return min((due_ns for due_ns in (*dues, self._soonest_ns) if due_ns is not None), default=None)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to heal, and nothing to tell."""
        return not (self._cases or self.is_dirty or self.wants_resubscribe or self._healed)


def _updates(action: Action, sid: int, market_tickers: Sequence[str], epoch: int) -> list[Command]:
    return [
        UpdateSubscription(
            action=action, sid=sid, market_tickers=market_tickers[at : at + MAX_TICKERS], purpose="recovery", epoch=epoch
        )
        for at in range(0, len(market_tickers), MAX_TICKERS)
    ]


def _give_up(book: BookCore | None) -> bool:
    """Make a book UNAVAILABLE; tell whether it was not before."""
    if book is None or book.state is State.UNAVAILABLE:
        return False
    book._set_state(State.UNAVAILABLE, StaleReason.NO_SNAPSHOT)
    return True
