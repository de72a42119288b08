"""A seeded flow of realistic order book frames, and the exact books that a reader of it must hold.

`Flow` yields what one connection subscribed to `orderbook_delta` would receive: the acknowledgement, the snapshots, an
`ok` for markets added later, deltas, and the empty snapshots with which markets close. Three parts, kept apart:

- `Market` draws changes. It works on tick numbers, not prices: every grid here is its own mirror image (p is on it when
  1 - p is), so a NO bid on tick j of n asks for YES on tick n - 1 - j, and a book is neither locked nor crossed while
  yes + no < n - 1. A fair tick walks at random; YES bids stay at or below it, NO bids at or below the mirror of the
  tick above it. When it steps, the losing side is first swept off its lid; the winning side bids up to its own later.
- `Wire` writes frames in the shape of each era. It knows neither chance nor books, so whoever has real orders to show
  can use it too.
- `Flow` gives what belongs to the connection: time, seq, and whose turn it is.

The same arguments give the same bytes in any process and on any CPython: every draw is `random()`, `getrandbits` or
`randrange` of a seeded `random.Random`; prices and sizes are integers (price_e4: dollars x 10^4, size_e2: contracts x
10^2). The shares below are fitted to recordings of May to August 2026: 71 % of the deltas change a level, 15 % add one,
15 % remove one exactly, 22 % land at or inside the best price, 16 % are fractional, a busy market has 223 a second.
"""

from __future__ import annotations

import random
from bisect import insort
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from itertools import repeat
from typing import Final, Literal

# The shape of the frames, by when it came into use: cents and whole contracts as numbers, until 2026-01-21; with `_fp`
# strings beside them, until 2026-03-12; strings only since then; with `clock` and `sending_ts_ms` since 2026-10-01.
# `ts_ms` is left out of the two that had numbers: a guess, no recording of theirs is at hand.
Era = Literal["2025", "2026-01", "2026-03", "current"]
Tick = Literal["cent", "deci_cent", "centi_cent", "tapered"]
Side = Literal["yes", "no"]

SIDES: Final[tuple[Side, Side]] = ("yes", "no")
_ERAS: Final = ("2025", "2026-01", "2026-03", "current")
_WHOLE_ERAS: Final = ("2025", "2026-01")

_GRIDS: Final[dict[str, Sequence[int]]] = {
    "cent": range(100, 10_000, 100),
    "deci_cent": range(10, 10_000, 10),
    "centi_cent": range(1, 10_000),
    "tapered": (*range(10, 1_000, 10), *range(1_000, 9_000, 100), *range(9_000, 10_000, 10)),
}

_MAX_SIZE_E2: Final = 140_715_486  # the largest level in a recording
_CONTRACTS: Final = (8, 8, 10, 10, 25, 25, 25, 50, 50, 65, 100, 100, 185, 400, 2_000)  # 15 of 16 sizes; else the tail
_TAIL_CONTRACTS: Final = (2_000,) * 8 + (5_000,) * 4 + (20_000,) * 2 + (150_000, 1_400_000)

_STEPS: Final = 0.027  # share of draws in which the fair tick moves
_IMPROVES: Final = 0.35  # of the draws for a side that is below its lid
_CHANGES: Final = 0.735  # of the draws that are neither sweep nor improvement; the rest adds and removes evenly
_TOUCHES_BEST: Final = 0.21  # of the changes
_GOES_DEEP: Final = 0.2  # of the draws below the best: anywhere in the book, not only near its top
_FRACTIONAL: Final = 0.132  # of the sizes drawn; a level once touched by one stays fractional, which brings the rest
_SAME_ACTION: Final = 0.21  # of the deltas share clock and microsecond with the one before

# Pauses between actions are uniform below one of these limits, in microseconds. Once in 512 actions a burst of 32 to
# 287 begins. As they stand they make the rate of a busy market; other rates scale them.
_BUSY_PER_SECOND: Final = 223
_PAUSES_US: Final = (600,) * 4 + (2_000,) * 4 + (6_000,) * 4 + (20_000,) * 2 + (50_000, 111_000)
_BURST_PAUSE_US: Final = 1_000


class Wire:
    """Write frames of one subscription in the shape of one era.

    Args:
        era: Which shape, named by the day it came into use.
        sid: The subscription's number.
        use_yes_price: Write NO-side prices on the YES scale (1 - p), under the same names.
    """

    def __init__(self, *, era: Era, sid: int, use_yes_price: bool) -> None:
        self._era = era
        self._sid = sid
        self._yes_scale = use_yes_price
        self._second = -1
        self._second_text = ""

    def subscribed(self, *, command_id: int, sent_ms: int) -> bytes:
        """Acknowledge the subscription: the one frame here that takes no seq."""
        return (
            f'{{"type":"subscribed","id":{command_id}{self._sent(sent_ms)},'
            f'"msg":{{"channel":"orderbook_delta","sid":{self._sid}}}}}\n'
        ).encode()

    def ok(self, *, command_id: int, seq: int, sent_ms: int, tickers: Sequence[str]) -> bytes:
        """Acknowledge added markets; `tickers` are all that the subscription now holds, in the order to be shown."""
        held = '"market_tickers":[' + ",".join(f'"{ticker}"' for ticker in tickers) + "]"
        body = held if self._era == "2025" else f'"msg":{{{held}}}'
        return f'{{"type":"ok","id":{command_id},"sid":{self._sid},"seq":{seq}{self._sent(sent_ms)},{body}}}\n'.encode()

    def snapshot(
        self, *, seq: int, sent_ms: int, ticker: str, market_id: str, clock: int,
        yes: Sequence[tuple[int, int]], no: Sequence[tuple[int, int]],
    ) -> bytes:  # fmt: skip
        """Write a whole book: per side (price_e4, size_e2), ascending, NO on the NO scale. An empty side has no key."""
        return (
            f'{{"type":"orderbook_snapshot","sid":{self._sid},"seq":{seq}{self._sent(sent_ms)},"msg":{{'
            f'"market_ticker":"{ticker}","market_id":"{market_id}"{self._clock(clock)}{self._ladders(yes, no)}}}}}\n'
        ).encode()

    def delta(
        self, *, seq: int, sent_ms: int, ticker: str, market_id: str, clock: int, price_e4: int, delta_e2: int,
        side: Side, times: str, client_order_id: str = "", subaccount: int = 0,
    ) -> bytes:  # fmt: skip
        """Write the change of one level: `price_e4` on its side's own scale, `delta_e2` signed, `times` from `times`.

        A change that the subscriber caused carries the `client_order_id` of the order, and its `subaccount` unless 0.
        """
        if self._yes_scale and side == "no":
            price_e4 = 10_000 - price_e4
        if self._era in _WHOLE_ERAS:
            cents, count = price_e4 // 100, delta_e2 // 100  # exact: these eras know no fractions
            change = f'"price":{cents},"price_dollars":"0.{cents:02d}0","delta":{count}'
            if self._era == "2026-01":
                change += f',"delta_fp":"{count}.00"'
        else:
            change = f'"price_dollars":"0.{price_e4:04d}","delta_fp":"{_contracts(delta_e2)}"'
        own = f',"client_order_id":"{client_order_id}"' if client_order_id else ""
        if own and subaccount:
            own += f',"subaccount":{subaccount}'
        return (
            f'{{"type":"orderbook_delta","sid":{self._sid},"seq":{seq}{self._sent(sent_ms)},"msg":{{'
            f'"market_ticker":"{ticker}","market_id":"{market_id}"{self._clock(clock)},'
            f'{change},"side":"{side}",{times}{own}}}}}\n'
        ).encode()

    def times(self, at_us: int) -> str:
        """Write the time fields of a delta that happened at `at_us`, unix microseconds; one text serves an action."""
        second, fraction = divmod(at_us, 1_000_000)
        if second != self._second:
            self._second = second
            self._second_text = datetime.fromtimestamp(second, timezone.utc).isoformat()[:19]
        digits = f".{fraction:06d}".rstrip("0") if fraction else ""  # as recorded: no trailing zeros
        stamp = f'"ts":"{self._second_text}{digits}Z"'
        return stamp if self._era in _WHOLE_ERAS else f'{stamp},"ts_ms":{at_us // 1_000}'

    def _sent(self, sent_ms: int) -> str:
        return f',"sending_ts_ms":{sent_ms}' if self._era == "current" else ""

    def _clock(self, clock: int) -> str:
        return f',"clock":{clock}' if self._era == "current" else ""

    def _ladders(self, yes: Sequence[tuple[int, int]], no: Sequence[tuple[int, int]]) -> str:
        if self._yes_scale:
            no = [(10_000 - price_e4, size_e2) for price_e4, size_e2 in reversed(no)]
        sides = [(side, levels) for side, levels in (("yes", yes), ("no", no)) if levels]
        keys = []
        if self._era in _WHOLE_ERAS:
            keys += [_key(side, [f"[{p // 100},{s // 100}]" for p, s in levels]) for side, levels in sides]
            for side, levels in sides:
                keys.append(_key(f"{side}_dollars", [f'["0.{p // 100:02d}0",{s // 100}]' for p, s in levels]))
        if self._era != "2025":
            for side, levels in sides:
                keys.append(_key(f"{side}_dollars_fp", [f'["0.{p:04d}","{_contracts(s)}"]' for p, s in levels]))
        return "".join(keys)


class Market:
    """One made-up market: its book, and the law by which the next change is drawn.

    Args:
        ticker: Its name.
        tick: Its price grid.
        levels: How many levels a side has as a rule; fewer where the grid has no room for them.
        whole: Draw whole contracts only.
        rng: Where its identity comes from, and every later draw.
    """

    def __init__(self, *, ticker: str, tick: Tick, levels: int, whole: bool, rng: random.Random) -> None:
        h = f"{rng.getrandbits(128):032x}"
        self.ticker = ticker
        self.market_id = f"{h[:8]}-{h[8:12]}-4{h[13:16]}-8{h[17:20]}-{h[20:]}"
        self.clock = rng.randrange(1_000_000, 9_000_000)
        self._rng = rng
        self._grid = _GRIDS[tick]
        self._levels = levels
        self._whole = whole
        n = len(self._grid)
        self._step = 1 + n // 250  # on a fine grid a quote jumps several ticks
        self._fair = rng.randrange(n // 4, n - n // 4)
        # Per side: the ticks that hold a level, ascending above a -1 that is never taken away, so that the last is
        # always the best and -1 says that nobody bids; and the size at each.
        self._prices: tuple[list[int], list[int]] = ([-1], [-1])
        self._sizes: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def levels(self, side: Side) -> list[tuple[int, int]]:
        """Return the levels of one side as (price_e4, size_e2), price ascending, NO on the NO scale."""
        which = SIDES.index(side)
        sizes = self._sizes[which]
        return [(self._grid[tick], sizes[tick]) for tick in self._prices[which][1:]]

    def open(self) -> None:
        """Fill both sides of the empty book."""
        for which in (0, 1):
            top = self._lid(which)
            self._add(which, top)
            for _ in range(self._goal(top) - 1):
                tick = self._free_tick(which, top)
                if tick >= 0:
                    self._add(which, tick)

    def close(self) -> None:
        """Empty the book."""
        for which in (0, 1):
            del self._prices[which][1:]
            self._sizes[which].clear()

    def change(self) -> tuple[Side, int, int]:
        """Draw the next change, make it, and return its side, price_e4 (NO on the NO scale) and signed delta_e2."""
        rng = self._rng
        yes, no = self._prices
        if rng.random() < _STEPS:
            self._walk()
        if yes[-1] > self._fair:
            return self._remove(0, len(yes) - 1)
        if no[-1] > self._lid(1):
            return self._remove(1, len(no) - 1)

        which = rng.getrandbits(1)
        prices = self._prices[which]
        count, top, lid = len(prices) - 1, prices[-1], self._lid(which)
        if top < lid and rng.random() < _IMPROVES:
            return self._add(which, lid)
        if count and rng.random() < _CHANGES:
            return self._resize(which, prices[self._place(count, best=rng.random() < _TOUCHES_BEST)])
        # Adding and removing are alike at the usual number of levels; away from it they lead back.
        if rng.random() * 2 * self._goal(lid) < count:
            return self._remove(which, self._place(count, best=False))
        tick = self._free_tick(which, top)
        if tick < 0 and top == lid:
            return self._resize(which, top)
        return self._add(which, tick if tick >= 0 else lid)

    def _walk(self) -> None:
        n = len(self._grid)
        step = self._rng.randrange(1, self._step + 1)
        fair = self._fair + (step if self._rng.getrandbits(1) else -step)
        self._fair = min(max(fair, n // 10), n - 1 - n // 10)

    def _lid(self, which: int) -> int:
        # The highest tick on which a side may bid.
        return len(self._grid) - 2 - self._fair if which else self._fair

    def _goal(self, lid: int) -> int:
        return min(self._levels, lid * 3 // 4 + 1)

    def _place(self, count: int, *, best: bool) -> int:
        # Where in the list of ticks to act: at the best, or below it, mostly near.
        if best or count == 1:
            return count
        u = self._rng.random()
        reach = count - 1 if self._rng.random() < _GOES_DEEP else min(count - 1, 12)
        return count - 1 - int(u * u * reach)

    def _free_tick(self, which: int, top: int) -> int:
        # A tick below `top` that holds no level, mostly near; -1 when there is none.
        u = self._rng.random()
        reach = top if self._rng.random() < _GOES_DEEP else min(top, 2 * self._levels)
        tick = top - 1 - int(u * u * reach)
        sizes = self._sizes[which]
        while tick in sizes:
            tick -= 1
        return max(tick, -1)

    def _size_e2(self) -> int:
        rng = self._rng
        place = rng.getrandbits(4)
        limit = _CONTRACTS[place] if place < 15 else _TAIL_CONTRACTS[rng.getrandbits(4)]
        size_e2 = 100 + 100 * int(rng.random() * limit)
        if not self._whole and rng.random() < _FRACTIONAL:
            size_e2 -= 1 + rng.getrandbits(6)
        return size_e2

    def _add(self, which: int, tick: int) -> tuple[Side, int, int]:
        size_e2 = self._size_e2()
        self._sizes[which][tick] = size_e2
        insort(self._prices[which], tick)
        return SIDES[which], self._grid[tick], size_e2

    def _remove(self, which: int, place: int) -> tuple[Side, int, int]:
        tick = self._prices[which].pop(place)
        return SIDES[which], self._grid[tick], -self._sizes[which].pop(tick)

    def _resize(self, which: int, tick: int) -> tuple[Side, int, int]:
        size_e2, delta_e2 = self._sizes[which][tick], self._size_e2()
        if self._rng.getrandbits(1) or size_e2 + delta_e2 > _MAX_SIZE_E2:
            if delta_e2 < size_e2:
                delta_e2 = -delta_e2
            elif size_e2 > 100:  # whole contracts, less than all of it; a level of at most one contract grows instead
                delta_e2 = -100 - 100 * int(self._rng.random() * ((size_e2 - 1) // 100))
        self._sizes[which][tick] = size_e2 + delta_e2
        return SIDES[which], self._grid[tick], delta_e2


class Flow:
    r"""The frames of one made-up subscription, and the books that its reader must hold.

    Iterate over it for the frames, each `bytes` ending in a newline. There is one pass: a second `iter` goes on where
    the first stopped. `levels` and `tickers` may be read between any two frames. A delta takes some 6 microseconds,
    with 10,000 markets 7; those hold about 55 MiB at 40 levels a side.

    Args:
        seed: Decides everything that the other arguments leave open.
        markets: How many, at least 1. With two or more, a quarter of them (at least one) is added by a second command,
            whose `ok` takes a seq.
        era: The shape of the frames. The two oldest know whole contracts and cent ticks only.
        tick: The price grid of all markets: steps of 0.01, 0.001 or 0.0001; tapered: 0.001 below 0.10 and above 0.90,
            else 0.01.
        levels: How many levels a side has as a rule, at least 1; but at most three quarters of the ticks below the fair
            price (some 35 on the cent grid).
        own_per_mille: How many of 1,000 deltas are marked as caused by the subscriber's own orders, 0..1000. The marks
            change no book.
        skew: Give half of the actions to the first market and spread the rest evenly over all; otherwise spread all.
        frames: How many frames to yield in all, from the first to the last; None never ends (and never closes).
        per_second: Mean number of deltas a second of exchange time, all markets together, at least 1.
        close: End with one empty snapshot per market.
        start_ts_ms: When the first frame was sent, unix milliseconds.
        sid: The subscription's number.
        use_yes_price: Write NO-side prices on the YES scale. The same seed makes the same books either way.

    Raises:
        ValueError: An argument is out of its range, or `frames` is too small for opening and closing the markets.

    >>> flow = Flow(seed=7, markets=2, frames=100)
    >>> frames = list(flow)
    >>> frames[0]
    b'{"type":"subscribed","id":1,"sending_ts_ms":1790000000000,"msg":{"channel":"orderbook_delta","sid":1}}\n'
    >>> flow.levels(flow.tickers[0], "yes")     # the market has closed
    []
    """

    def __init__(
        self, *, seed: int, markets: int = 5, era: Era = "current", tick: Tick = "cent", levels: int = 40,
        own_per_mille: int = 0, skew: bool = True, frames: int | None = None, per_second: int = _BUSY_PER_SECOND,
        close: bool = True, start_ts_ms: int = 1_790_000_000_000, sid: int = 1, use_yes_price: bool = False,
    ) -> None:  # fmt: skip
        if era not in _ERAS or tick not in _GRIDS:
            raise ValueError(f"expected an era of {_ERAS} and a tick of {tuple(_GRIDS)}, found {era!r} and {tick!r}")
        whole = era in _WHOLE_ERAS
        if whole and tick != "cent":
            raise ValueError(f"the era {era!r} knew only cent ticks, found tick={tick!r}")
        if min(markets, levels, per_second) < 1 or not 0 <= own_per_mille <= 1_000:
            raise ValueError("markets, levels and per_second start at 1, and own_per_mille lies in 0..1000")
        self._added = (markets + 3) // 4 if markets > 1 else 0
        around = 1 + markets + (self._added > 0) + (markets if close else 0)
        if frames is not None and frames < around:
            raise ValueError(f"frames={frames} is too few: opening and closing {markets} markets takes {around}")
        self._rng = rng = random.Random(seed)
        self._own_rng = random.Random(seed ^ 0x6F776E)  # apart, so that marking own changes leaves the books alone
        self._own_per_mille = own_per_mille
        self._deltas = None if frames is None else frames - around
        self._skew, self._per_second, self._close = skew, per_second, close
        self._wire = Wire(era=era, sid=sid, use_yes_price=use_yes_price)
        names = (f"KXFLOW15M-26SEP21-{number:05d}" for number in range(1, markets + 1))
        self._markets = [Market(ticker=name, tick=tick, levels=levels, whole=whole, rng=rng) for name in names]
        self._by_ticker = {market.ticker: market for market in self._markets}
        self._seq, self._burst = 0, 0
        self._at_us, self._sent_ms = start_ts_ms * 1_000, start_ts_ms
        self._frames = self._run()

    @property
    def tickers(self) -> list[str]:
        """The markets, the busiest first."""
        return list(self._by_ticker)

    def levels(self, ticker: str, side: Side) -> list[tuple[int, int]]:
        """Return what a reader of the frames yielded so far must hold of one side.

        Returns:
            (price_e4, size_e2) per level, price ascending, NO on the NO scale; empty before the first snapshot.

        Raises:
            KeyError: The flow has no such market.
        """
        return self._by_ticker[ticker].levels(side)

    def __iter__(self) -> Iterator[bytes]:
        """Return the one pass over the frames."""
        return self._frames

    def _run(self) -> Iterator[bytes]:
        first = len(self._markets) - self._added
        yield self._wire.subscribed(command_id=1, sent_ms=self._sent_ms)
        for market in self._markets[:first]:
            market.open()
            yield self._snapshot(market)
        if self._added:
            yield self._wire.ok(command_id=2, seq=self._next_seq(), sent_ms=self._sent_ms, tickers=self.tickers)
        for market in self._markets[first:]:
            market.open()
            yield self._snapshot(market)
        yield from self._trade()
        if self._close:
            for market in self._markets:
                self._start_action(market)
                market.close()
                yield self._snapshot(market)

    def _trade(self) -> Iterator[bytes]:
        rng, wire, market = self._rng, self._wire, self._markets[0]
        times = ""
        for _ in repeat(None) if self._deltas is None else repeat(None, self._deltas):
            if not times or rng.random() >= _SAME_ACTION:
                market = self._pick()
                self._start_action(market)
                times = wire.times(self._at_us)
            side, price_e4, delta_e2 = market.change()
            client_order_id, subaccount = self._owner()
            yield wire.delta(
                seq=self._next_seq(), sent_ms=self._sent_ms, ticker=market.ticker, market_id=market.market_id,
                clock=market.clock, price_e4=price_e4, delta_e2=delta_e2, side=side, times=times,
                client_order_id=client_order_id, subaccount=subaccount,
            )  # fmt: skip

    def _pick(self) -> Market:
        rng = self._rng
        if self._skew and rng.getrandbits(1):
            return self._markets[0]
        return self._markets[int(rng.random() * len(self._markets))]

    def _start_action(self, market: Market) -> None:
        # The exchange acts again: time goes on, and the market's clock.
        rng = self._rng
        if self._burst:
            self._burst -= 1
            limit_us = _BURST_PAUSE_US
        else:
            limit_us = _PAUSES_US[rng.getrandbits(4)]
            if not rng.getrandbits(9):
                self._burst = 32 + rng.getrandbits(8)
        self._at_us += int(rng.random() * limit_us) * _BUSY_PER_SECOND // self._per_second
        self._sent_ms = max(self._sent_ms, self._at_us // 1_000 + 2 + rng.getrandbits(2))
        market.clock += 1 + rng.getrandbits(2)

    def _owner(self) -> tuple[str, int]:
        if not self._own_per_mille or self._own_rng.random() * 1_000 >= self._own_per_mille:
            return "", 0
        return f"mm-{self._own_rng.randrange(1, 100)}", self._own_rng.getrandbits(2)

    def _snapshot(self, market: Market) -> bytes:
        return self._wire.snapshot(
            seq=self._next_seq(), sent_ms=self._sent_ms, ticker=market.ticker, market_id=market.market_id,
            clock=market.clock, yes=market.levels("yes"), no=market.levels("no"),
        )  # fmt: skip

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq


def _key(name: str, items: Sequence[str]) -> str:
    return f',"{name}":[{",".join(items)}]'


def _contracts(size_e2: int) -> str:
    whole, hundredths = divmod(abs(size_e2), 100)
    return f"{'-' if size_e2 < 0 else ''}{whole}.{hundredths:02d}"
