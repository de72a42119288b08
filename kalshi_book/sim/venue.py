"""The market side of the simulated exchange: its markets, what happens in them, and who is told.

No socket, no clock: time comes in by `advance`, chance from a seed, and what happens goes out to the listeners, one
happening at a time, synchronously, at the moment when it is true. The order within an action is in `floor.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop
from string import ascii_uppercase
from types import MappingProxyType
from typing import Final, Literal

from ..errors import UsageError
from ..units import INT64_MAX, shown
from .accounts import CROWD
from .crowd import Crowd
from .floor import Floor, Listener
from .life import Life, Schedule, expect_tick
from .listing import Listing
from .market import GRIDS, Tick
from .orders import AccountOrders, CrowdOrders

MAX_RATE: Final = 1_000_000
"""The most level changes a second: far beyond, no time would pass between two of them."""


class Venue:
    """The markets of a simulated exchange.

    The same arguments and calls make the same happenings, in any process, however the time between is cut into calls of
    `advance`. Of one moment, first comes what `life` has planned, then what expires, then the crowd.

    Args:
        markets: how many, named KXSIM-26-A, -B and so on; or their tickers. The first is the busiest.
        seed: decides everything that the other arguments leave open.
        rate: mean level changes a second over all markets, at most MAX_RATE; 0: nothing changes by itself.
        start_ns: the exchange's time at the beginning, unix nanoseconds.
        levels: how many levels a side has as a rule; 0: books begin empty.
        tick: the price grid of all markets, or "mixed": each has one by the seed.
        life_s: how long a market trades, whole seconds; the first ones have been trading for some time, by the seed. Another
            opens when one closes. None: until they are closed by call.
        whole: whether all sizes are whole contracts, as they were until 2026-03.
        determine_s, settle_s: with life_s, seconds from the close until a market is determined, and from then until it is
            settled. It stays listed.

    Attributes:
        life: create, open, pause, resume, close, determine, settle and restructure markets.
        crowd: the order entry of all others, with `change` to make exactly one change of a level.

    Raises:
        UsageError: an argument is out of its range, or no ticker; Refused: a ticker comes twice ("taken").

    >>> venue = Venue(markets=2, seed=7, rate=0, start_ns=1_790_000_000_000_000_000, levels=0)
    >>> told = []
    >>> venue.listen(told.append)
    >>> venue.crowd.change("KXSIM-26-A", outcome_side="no", price_e4=5_500, delta_e2=4_000)
    >>> order = venue.orders("user").place("KXSIM-26-A", outcome_side="yes", price="0.46", size="10")
    >>> order.status, order.filled_e2, [type(happening).__name__ for happening in told]
    ('executed', 1000, ['LevelChanged', 'Quoted', 'LevelChanged', 'Traded', 'Filled', 'PositionChanged', 'OrderChanged', 'Quoted'])
    """  # noqa: E501

    def __init__(
        self, *, markets: int | Sequence[str], seed: int, rate: int, start_ns: int, levels: int = 20,
        tick: Tick | Literal["mixed"] = "cent", whole: bool = False, life_s: int | None = None, determine_s: int = 5,
        settle_s: int = 5,
    ) -> None:  # fmt: skip
        if type(markets) is int and markets > 0:
            markets = [_name(number) for number in range(markets)]
        if not isinstance(markets, Sequence) or isinstance(markets, str):
            raise UsageError(f"markets is a number of them from 1, or their tickers, not {shown(markets)}")
        for name, value, most in (("seed", seed, INT64_MAX), ("start_ns", start_ns, INT64_MAX), ("levels", levels, 9_999)):
            _expect_whole(name, value, most)
        _expect_whole("rate", rate, MAX_RATE)
        if tick != "mixed":
            expect_tick(tick)
        schedule = Schedule(life_s=life_s, determine_s=determine_s, settle_s=settle_s)
        self._floor = Floor(start_ns=start_ns, seed=seed, whole=whole)
        self._rng = random.Random(seed)
        self._flow = Crowd(self._floor, rng=self._rng, rate=rate)
        self._accounts: dict[str, AccountOrders] = {}
        self.life = Life(self._floor, self._flow, rng=self._rng, levels=levels, schedule=schedule)
        self.crowd = CrowdOrders(self._floor)
        grids = list(GRIDS)
        for ticker in markets:
            self.life.begin(ticker, tick=grids[self._rng.randrange(len(grids))] if tick == "mixed" else tick)

    @property
    def now_ns(self) -> int:
        """The exchange's time."""
        return self._floor.now_ns

    @property
    def next_due_ns(self) -> int | None:
        """When something may happen by itself next; None: never."""
        crowd_ns, agenda = self._flow.next_ns, self._floor.agenda
        if not agenda:
            return crowd_ns
        return agenda[0][0] if crowd_ns is None else min(crowd_ns, agenda[0][0])

    @property
    def rate(self) -> int:
        """Mean level changes a second, as the argument of that name. Set it to 0 to let everything come to rest.

        Raises:
            UsageError: when set, that it is out of its range, or that a listener called.
        """
        return self._flow.rate

    @rate.setter
    def rate(self, rate: int) -> None:
        self._floor.expect_quiet()
        _expect_whole("rate", rate, MAX_RATE)
        self._flow.pace(rate)

    @property
    def listings(self) -> Mapping[str, Listing]:
        """All markets by ticker, in the order of their creation, settled ones too. A live view."""
        return MappingProxyType(self._floor.listings)

    @property
    def on_planned(self) -> Callable[[], None] | None:
        """What is called when `next_due_ns` may have become earlier; None: nobody wants to know. It must not act."""
        return self._floor.on_planned

    @on_planned.setter
    def on_planned(self, call: Callable[[], None] | None) -> None:
        self._floor.on_planned = call

    def listing(self, market_ticker: str) -> Listing:
        """Find a market.

        Raises:
            UnknownListing: there is none of that name.
        """
        return self._floor.listing(market_ticker)

    def listen(self, listener: Listener) -> None:
        """Call somebody with everything that happens from now on.

        A listener may read everything, but act on nothing: that is for after the call which made it happen. It must not
        raise: what it interrupts stays half done.
        """
        self._floor.listeners += (listener,)

    def orders(self, account: str) -> AccountOrders:
        """Return the order entry of an account, which comes into being with it.

        Raises:
            UsageError: no name, or the crowd's.
        """
        if not isinstance(account, str) or account in ("", CROWD):
            raise UsageError(f"an account has a name that is not {CROWD!r}, not {shown(account)}")
        return self._accounts.setdefault(account, AccountOrders(self._floor, account))

    def advance(self, now_ns: int) -> None:
        """Let time go on to `now_ns`, unix nanoseconds, and happen what is due until then, in order of time.

        Raises:
            UsageError: that is no time, or one before now; or a listener called.
        """
        floor, crowd, agenda = self._floor, self._flow, self._floor.agenda
        floor.expect_quiet()
        if type(now_ns) is not int or now_ns < floor.now_ns:
            raise UsageError(f"time goes on from {floor.now_ns}, unix nanoseconds, not to {shown(now_ns)}")
        while (due_ns := self.next_due_ns) is not None and due_ns <= now_ns:
            floor.now_ns = due_ns
            if agenda and agenda[0][0] == due_ns:
                heappop(agenda)[3]()
            else:
                crowd.act()
        floor.now_ns = now_ns

    def maintenance(self) -> None:
        """Let the clock of every market fall, as it may in the exchange's maintenance. Nothing is told.

        Raises:
            UsageError: a listener called.
        """
        self._floor.expect_quiet()
        for listing in self._floor.listings.values():
            if listing.clock:
                listing.clock = 1 + self._rng.randrange(listing.clock)


def _expect_whole(name: str, value: int, most: int) -> None:
    if type(value) is not int or not 0 <= value <= most:
        raise UsageError(f"{name} is a whole number from 0 to {most}, not {shown(value)}")


def _name(number: int) -> str:
    # KXSIM-26-A to -Z, then -AA, -AB and so on.
    letters = ""
    while number >= 0:
        letters = ascii_uppercase[number % 26] + letters
        number = number // 26 - 1
    return f"KXSIM-26-{letters}"
