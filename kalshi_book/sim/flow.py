"""A seeded flow of realistic order book frames, and the exact books that a reader of it must hold.

`Flow` yields what one connection subscribed to `orderbook_delta` would receive: the acknowledgement, the snapshots, an
`ok` for markets added later, deltas, and the empty snapshots with which markets close. `Market` draws the changes, `Wire`
writes the frames; here is what belongs to the connection: time, seq, and whose turn it is.

The same arguments give the same bytes in any process and on any CPython: every draw is `random()`, `getrandbits` or
`randrange` of a seeded `random.Random`; prices and sizes are integers. A busy market has 223 deltas a second, in bursts,
as in recordings of May to August 2026.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import repeat

from .market import BUSY_PER_SECOND, GRIDS, Market, Rhythm, Tick
from .wire import ERAS, WHOLE_ERAS, Era, Side, Wire


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
        own_per_mille: int = 0, skew: bool = True, frames: int | None = None, per_second: int = BUSY_PER_SECOND,
        close: bool = True, start_ts_ms: int = 1_790_000_000_000, sid: int = 1, use_yes_price: bool = False,
    ) -> None:  # fmt: skip
        if era not in ERAS or tick not in GRIDS:
            raise ValueError(f"expected an era of {ERAS} and a tick of {tuple(GRIDS)}, found {era!r} and {tick!r}")
        whole = era in WHOLE_ERAS
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
        self._rhythm = Rhythm(rng=rng, skew=skew)
        self._per_second, self._close = per_second, close
        self._wire = Wire(era=era, sid=sid, use_yes_price=use_yes_price)
        names = (f"KXFLOW15M-26SEP21-{number:05d}" for number in range(1, markets + 1))
        self._markets = [Market(ticker=name, tick=tick, levels=levels, whole=whole, rng=rng) for name in names]
        self._by_ticker = {market.ticker: market for market in self._markets}
        self._seq = 0
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
        rhythm, wire, market = self._rhythm, self._wire, self._markets[0]
        times = ""
        for _ in repeat(None) if self._deltas is None else repeat(None, self._deltas):
            if not times or not rhythm.goes_on():
                market = rhythm.pick(self._markets)
                self._start_action(market)
                times = wire.times(self._at_us)
            side, price_e4, delta_e2 = market.change()
            client_order_id, subaccount = self._owner()
            yield wire.delta(
                seq=self._next_seq(), sent_ms=self._sent_ms, ticker=market.ticker, market_id=market.market_id,
                clock=market.clock, price_e4=price_e4, delta_e2=delta_e2, side=side, times=times,
                client_order_id=client_order_id, subaccount=subaccount,
            )  # fmt: skip

    def _start_action(self, market: Market) -> None:
        # The exchange acts again: time goes on, and the market's clock.
        self._at_us += self._rhythm.pause_us() * BUSY_PER_SECOND // self._per_second
        rng = self._rng
        self._sent_ms = max(self._sent_ms, self._at_us // 1_000 + 2 + rng.getrandbits(2))
        market.clock += 1 + rng.getrandbits(2)

    def _owner(self) -> tuple[str | None, int]:
        if not self._own_per_mille or self._own_rng.random() * 1_000 >= self._own_per_mille:
            return None, 0
        return f"mm-{self._own_rng.randrange(1, 100)}", self._own_rng.getrandbits(2)

    def _snapshot(self, market: Market) -> bytes:
        return self._wire.snapshot(
            seq=self._next_seq(), sent_ms=self._sent_ms, ticker=market.ticker, market_id=market.market_id,
            clock=market.clock, yes=market.levels("yes"), no=market.levels("no"),
        )  # fmt: skip

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq
