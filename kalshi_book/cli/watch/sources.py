"""Where sights come from: a client of an exchange, or a recording that is played with its own clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from ... import events
from ...book import OrderBook
from ...errors import UsageError
from ...feed import Feed
from ...live.client import Live
from ...live.queues import AnyUpdate
from ...messages.commands import BOOK_CHANNEL
from ...sim.tape_exchange import messages, timed, times_of
from .lines import Lines
from .picture import clock_text
from .sights import Memory, Sight

LOOKS_PER_SECOND: Final = 20
FRAMES_A_LOOK: Final = 20_000
"""So many frames of a recording are played at once, so that keys are heard in between."""
FRAMES_LOOKED_AT: Final = 1_000
"""In so many frames a recording shows whether it has times."""
UNTIMED_STEP_NS: Final = 10_000_000
FASTEST: Final = 1024
SLOWEST: Final = 1 / 16


SettleIn = Callable[[Live, Sequence[str]], Awaitable[None]]

Source: TypeAlias = "LiveSource | TapeSource"


class LiveSource:
    """Books of a client, which it enters and leaves.

    Args:
        live: the client, not entered yet.
        where: its name on the screen.
        market_tickers: what is watched; none: all that its simulated exchange has.
        now_ns: the wall clock.
        settle_in: what is awaited when the client is in and its channels are asked for.
        lines: who is told of all that happens, too.
    """

    def __init__(
        self, live: Live, where: str, market_tickers: Sequence[str], *, now_ns: Callable[[], int],
        settle_in: SettleIn | None = None, lines: Lines | None = None,
    ) -> None:  # fmt: skip
        self.live = live
        self.market_tickers: Sequence[str] = market_tickers
        self._where = where
        self._clock_ns = now_ns
        self._settle_in = settle_in
        self._memory = Memory()
        self._note = f"connecting to {where}"
        self._lines = lines
        live.on(policy="all")(self._take)

    async def run(self) -> None:
        """Enter the client, ask for what is to be seen, and note how books stand."""
        reading = asyncio.ensure_future(self._read_events())  # those of the first attempts to connect, too
        try:
            async with self.live as live:
                await self._subscribe(live)
                while True:
                    self.look()
                    await asyncio.sleep(1 / LOOKS_PER_SECOND)
        finally:
            reading.cancel()
            await asyncio.wait([reading])

    def _take(self, update: AnyUpdate) -> None:
        self._memory.take(update)
        if self._lines is not None:
            self._lines.take(update)

    async def _subscribe(self, live: Live) -> None:
        self.market_tickers = self.market_tickers or live.exchange.markets
        for channel in (BOOK_CHANNEL, "trade"):
            await live.subscribe(channel, market_tickers=self.market_tickers, timeout_s=0)
        for channel in ("market_lifecycle_v2", "user_orders", "fill"):
            await live.subscribe(channel, timeout_s=0)
        if self._settle_in is not None:
            await self._settle_in(live, self.market_tickers)

    async def _read_events(self) -> None:
        async for event in self.live.events():
            if not isinstance(event, events.CommandSent):
                self._note = " ".join(f"{clock_text(self.now_ns)} {event}".split())  # of whatever a peer says, one line
            self.look()

    @property
    def now_ns(self) -> int:
        """The wall clock."""
        return self._clock_ns()

    def look(self) -> None:
        """Note how books stand now."""
        for each in (self._memory, self._lines):
            if each is not None:
                each.look(self.live.books.values(), self.now_ns)

    def sight(self, market_ticker: str) -> Sight:
        """See a market as it is now."""
        place = self.market_tickers.index(market_ticker) + 1, len(self.market_tickers)
        return self._memory.sight(
            Sight(
                market_ticker, self.live.books.get(market_ticker), self._where, place, self.now_ns,
                proven_ns=self.live.proven_ns, note=self._note,
            )
        )  # fmt: skip


class TapeSource:
    """A recording that is played by a clock of its own.

    Args:
        path: the file.
        market_tickers: what is watched; none: all that come.
        speed: how much faster than recorded.
        use_yes_price: whether its NO-side prices are on the YES scale.
        filtered: whether frames of other markets were left out of it.

    Attributes:
        now_ns: its clock, unix nanoseconds; from 0 where it has no times.
        is_paused: whether it stands still. To be set.
        problems: of lines that could not be read.

    Raises:
        TapeError: the file cannot be opened.
        UsageError: the speed is not one of 1/16 to 1024.
    """

    def __init__(
        self, path: Path, market_tickers: Sequence[str] = (), *, speed: float = 1, use_yes_price: bool = False,
        filtered: bool = False,
    ) -> None:  # fmt: skip
        if not SLOWEST <= speed <= FASTEST:
            raise UsageError(f"expected a speed of {SLOWEST:g} to {FASTEST}, found {speed:g}")
        self.problems: list[str] = []
        self.is_paused = False
        self._path = path
        self._tickers = market_tickers
        self._speed = speed
        self._feed = Feed(use_yes_price=use_yes_price, filtered=filtered)
        self._memory = Memory()
        self._books: dict[str, OrderBook] = {}  # all that came: those that left the feed can be seen still, STALE
        self.now_ns = begins_ns(path) or 0
        self._frames = paced(path, self.problems, self.now_ns)
        self._next: tuple[int, bytes] | None = next(self._frames, None)

    @property
    def market_tickers(self) -> Sequence[str]:
        """What can be seen so far."""
        return self._tickers or list(self._books)

    @property
    def is_over(self) -> bool:
        """Whether all of it was played."""
        return self._next is None

    async def run(self) -> None:
        """Play it. At its end, stay there."""
        time = asyncio.get_running_loop().time
        before = time()
        while True:
            await asyncio.sleep(1 / LOOKS_PER_SECOND)
            now = time()
            self.advance(round((now - before) * 1e9))
            before = now

    def advance(self, elapsed_ns: int) -> None:
        """Let time pass, and take in the frames that came by then: so many as keep the screen alive."""
        if self.is_paused or self._next is None:
            return
        self.now_ns += round(elapsed_ns * self._speed)
        taken, due_ns = 0, self.now_ns
        while self._next is not None and self._next[0] <= self.now_ns and taken < FRAMES_A_LOOK:
            due_ns, payload = self._next
            update = self._feed.receive(payload, received_ns=due_ns)
            self._memory.take(update)
            if update.book is not None:
                self._books[update.book.market_ticker] = update.book
            self._next = next(self._frames, None)
            taken += 1
        if self._next is None or taken == FRAMES_A_LOOK:
            self.now_ns = due_ns  # it is over, or cannot be read any faster
        self._books.update(self._feed.books)
        self._memory.look(self._books.values(), self.now_ns)

    def speed_up(self, factor: float) -> None:
        """Go faster, or slower."""
        self._speed = min(FASTEST, max(SLOWEST, self._speed * factor))

    def sight(self, market_ticker: str) -> Sight:
        """See a market as it is now."""
        tickers = self.market_tickers
        place = tickers.index(market_ticker) + 1, len(tickers)
        how = ["at its end" if self.is_over else "paused" if self.is_paused else f"{self._speed:g} x"]
        if self.problems:
            how.append(f"{len(self.problems)} lines could not be read")
        note = f"{clock_text(self.now_ns)} UTC, {', '.join(how)}"
        book = self._books.get(market_ticker)
        return self._memory.sight(
            Sight(market_ticker, book, self._path.name, place, self.now_ns, note=note, is_recording=True)
        )


def begins_ns(path: Path) -> int | None:
    """Give the time of a recording's first frame that has one; None: its first frames have none."""
    with contextlib.closing(messages(path, [])) as frames:
        times = (next(times_of(payload, received_ns), None) for payload, received_ns in islice(frames, FRAMES_LOOKED_AT))
        return next((found[1] for found in times if found is not None), None)


def paced(path: Path, problems: list[str], start_ns: int) -> Iterator[tuple[int, bytes]]:
    """Give the frames of a recording, each with the moment it is due; without times, one after another at an even pace."""
    frames = messages(path, problems)
    if start_ns:
        return timed(frames, 1, start_ns)
    return ((number * UNTIMED_STEP_NS, payload) for number, (payload, _) in enumerate(frames))
