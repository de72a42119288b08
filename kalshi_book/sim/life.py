"""The life of the markets: by call, and by a schedule on which each is followed by another.

::

    created ──open──▶ active ◀──pause, resume──▶ paused
                        │                          │
                        └───────────close──────────┴──▶ closed ──determine──▶ determined ──settle──▶ settled

The words and fields are those of the exchange's "Market & Event Lifecycle" channel (AsyncAPI text, read 2026-10-26). No
event marks a close: a market that closes before its time has its close date updated, one that closes in time just does.
What the exchange leaves open is decided so: `is_deactivated` is told by pauses and resumptions only; paused, a book stays
as it is; a result is "yes" or "no", and pays $1 or nothing.
"""

from __future__ import annotations

import random
import re
from functools import partial
from typing import Any, Final, cast

from ..errors import UsageError
from ..units import price_text, shown
from .accounts import Order
from .crowd import Crowd
from .floor import LIFE, Floor
from .happenings import BookCleared, EventType, Lived
from .listing import STRUCTURES, Listing, ListingState
from .market import GRIDS, Law, Tick, new_id
from .orders import expect_state
from .refusals import Refused
from .wire import SIDES, Side

SECOND_NS: Final = 1_000_000_000
_TICKER = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_GENERATION = re.compile(r"(.+)-G([1-9][0-9]*)", re.ASCII)


class Schedule:
    """How long things take, in seconds.

    Attributes:
        life_s: how long a market trades; None: until it is closed by call, and then nothing follows by itself.
        determine_s: from the close until it is determined.
        settle_s: from then until it is settled.
    """

    __slots__ = ("determine_s", "life_s", "settle_s")

    def __init__(self, *, life_s: int | None, determine_s: int, settle_s: int) -> None:
        if life_s is not None and (type(life_s) is not int or life_s < 1):
            raise UsageError(f"life_s is whole seconds from 1, or None, not {shown(life_s)}")
        for name, value in (("determine_s", determine_s), ("settle_s", settle_s)):
            if type(value) is not int or value < 0:
                raise UsageError(f"{name} is whole seconds from 0, not {shown(value)}")
        self.life_s = life_s
        self.determine_s = determine_s
        self.settle_s = settle_s


class Life:
    """What becomes of markets. A step that the state does not allow raises `Refused` and changes nothing."""

    def __init__(self, floor: Floor, crowd: Crowd, *, rng: random.Random, levels: int, schedule: Schedule) -> None:
        self._floor = floor
        self._crowd = crowd
        self._rng = rng
        self._levels = levels
        self._schedule = schedule

    def create(self, market_ticker: str, *, tick: Tick = "cent") -> Listing:
        """List a new market. It takes no orders until it is opened.

        Args:
            market_ticker: its name: letters, digits, dots, dashes and underscores.
            tick: its price grid.

        Raises:
            UsageError: no such name or grid.
            Refused: the name is taken ("taken").
        """
        self._floor.expect_quiet()
        now_s, life_s = self._now_s(), self._schedule.life_s
        listing = self._list(market_ticker, tick, open_ts=now_s, close_ts=None if life_s is None else now_s + life_s)
        with self._floor.action(listing):
            self._tell_created(listing)
        return listing

    def open(self, market_ticker: str) -> None:
        """Let a created market trade. The crowd fills its book."""
        listing = self._floor.listing(market_ticker)
        with self._floor.action(listing):
            expect_state(listing, "created")
            listing.state = "active"
            if self._schedule.life_s is not None:
                self._move_close(listing, self._now_s() + self._schedule.life_s)
            self._tell(listing, "activated", {})
            self._crowd.open(listing)
        self._plan_close(listing)

    def pause(self, market_ticker: str) -> None:
        """Halt trading. What rests stays; orders may only be cancelled and decreased."""
        self._turn(market_ticker, "active", "paused", "deactivated", {"is_deactivated": True})

    def resume(self, market_ticker: str) -> None:
        """Let a paused market trade again."""
        self._turn(market_ticker, "paused", "active", "activated", {"is_deactivated": False})

    def close(self, market_ticker: str) -> None:
        """End trading for good: the book is cleared, orders of accounts are cancelled.

        With a schedule, another market opens at once, and this one will be determined and settled.
        """
        floor, schedule = self._floor, self._schedule
        listing = floor.listing(market_ticker)
        with floor.action(listing):
            expect_state(listing, "active", "paused")
            if listing.close_ts is None or self._now_s() < listing.close_ts:
                self._move_close(listing, self._now_s())
            listing.state = "closed"
            ended = cast("list[Order]", listing.book.identified())
            listing.book.clear()
            floor.go_on(listing)
            floor.publish(BookCleared(at_ns=floor.now_ns, market_ticker=market_ticker, clock=listing.clock))
            for order in sorted(ended, key=lambda order: order.number):
                floor.end(order)
                floor.tell(order, "CloseCancel")
        if schedule.life_s is not None:
            at_ns = floor.now_ns + schedule.determine_s * SECOND_NS
            floor.plan(at_ns, LIFE, partial(self._determine_due, listing))
            self._follow(listing)

    def determine(self, market_ticker: str, result: Side) -> None:
        """Say how a closed market came out: "yes" or "no".

        Raises:
            UsageError: any other result.
        """
        listing = self._floor.listing(market_ticker)
        if result not in SIDES:
            raise UsageError(f'a result is "yes" or "no", not {shown(result)}')
        with self._floor.action(listing):
            expect_state(listing, "closed")
            listing.state, listing.result = "determined", result
            value = "1.0000" if result == "yes" else "0.0000"
            fields = {"determination_ts": self._now_s(), "result": result, "settlement_value": value}
            self._tell(listing, "determined", fields)
        if self._schedule.life_s is not None:
            at_ns = self._floor.now_ns + self._schedule.settle_s * SECOND_NS
            self._floor.plan(at_ns, LIFE, partial(self._settle_due, listing))

    def settle(self, market_ticker: str) -> None:
        """Pay out the positions in a determined market."""
        floor = self._floor
        listing = floor.listing(market_ticker)
        with floor.action(listing):
            expect_state(listing, "determined")
            listing.state = "settled"
            self._tell(listing, "settled", {"settled_ts": self._now_s()})
            for (account, subaccount), position in listing.positions.items():
                if position.size_e2:
                    position.settle(SIDES.index(listing.result or "yes"))
                    floor.publish(position.told(account, subaccount, market_ticker, floor.now_ns))

    def restructure(self, market_ticker: str, *, tick: Tick) -> None:
        """Give a market that is not closed another price grid. What rests stays, on the new grid or off it.

        Raises:
            UsageError: no such grid.
        """
        listing = self._floor.listing(market_ticker)
        expect_tick(tick)
        with self._floor.action(listing):
            expect_state(listing, "created", "active", "paused")
            listing.tick = tick
            listing.law.regrid(tick)
            self._tell(listing, "price_level_structure_updated", _structure(listing))

    def begin(self, market_ticker: str, *, tick: Tick) -> None:
        """List a market that has been trading since before anybody watched: nothing is told."""
        now_s, life_s = self._now_s(), self._schedule.life_s
        close_ts = None if life_s is None else now_s + 1 + self._rng.randrange(life_s)
        open_ts = now_s if life_s is None or close_ts is None else close_ts - life_s
        listing = self._list(market_ticker, tick, open_ts=open_ts, close_ts=close_ts)
        listing.state = "active"
        self._crowd.open(listing)
        listing.requoted(self._floor.now_ns)
        self._plan_close(listing)

    def _list(self, market_ticker: str, tick: Tick, *, open_ts: int, close_ts: int | None) -> Listing:
        if not isinstance(market_ticker, str) or not _TICKER.fullmatch(market_ticker):
            raise UsageError(f"a ticker is letters, digits, dots, dashes and underscores, not {shown(market_ticker)}")
        expect_tick(tick)
        if market_ticker in self._floor.listings:
            raise Refused(market_ticker, "taken", "expected the name of a new market, and there is one of this name")
        market_id = new_id(self._rng)
        law = Law(tick=tick, levels=self._levels, whole=self._floor.whole, rng=self._rng)
        listing = Listing(
            ticker=market_ticker, market_id=market_id, tick=tick, law=law, created_ns=self._floor.now_ns, open_ts=open_ts,
            close_ts=close_ts,
        )  # fmt: skip
        self._floor.listings[market_ticker] = listing
        self._crowd.markets.append(listing)
        return listing

    def _follow(self, listing: Listing) -> None:
        # Another market takes the place of one that closed, with its share of the actions.
        match = _GENERATION.fullmatch(listing.ticker)
        stem, generation = (match[1], int(match[2])) if match else (listing.ticker, 1)
        while (name := f"{stem}-G{generation + 1}") in self._floor.listings:
            generation += 1
        successor = self.create(name, tick=listing.tick)
        markets = self._crowd.markets
        markets[markets.index(listing)] = markets.pop()
        self.open(successor.ticker)

    def _plan_close(self, listing: Listing) -> None:
        if listing.close_ts is not None:
            self._floor.plan(listing.close_ts * SECOND_NS, LIFE, partial(self._close_due, listing, listing.close_ts))

    def _close_due(self, listing: Listing, close_ts: int) -> None:
        if listing.state in ("active", "paused") and listing.close_ts == close_ts:
            self.close(listing.ticker)

    def _determine_due(self, listing: Listing) -> None:
        if listing.state == "closed":
            self.determine(listing.ticker, SIDES[self._rng.randrange(10_000) >= listing.law.fair_e4()])

    def _settle_due(self, listing: Listing) -> None:
        if listing.state == "determined":
            self.settle(listing.ticker)

    def _turn(
        self, market_ticker: str, before: ListingState, after: ListingState, event_type: EventType, fields: dict[str, Any]
    ) -> None:
        listing = self._floor.listing(market_ticker)
        with self._floor.action(listing):
            expect_state(listing, before)
            listing.state = after
            self._tell(listing, event_type, fields)

    def _move_close(self, listing: Listing, close_ts: int) -> None:
        if close_ts != listing.close_ts:
            listing.close_ts = close_ts
            self._tell(listing, "close_date_updated", {"close_ts": close_ts})

    def _tell_created(self, listing: Listing) -> None:
        fields: dict[str, Any] = {"exchange_index": 0, "open_ts": listing.open_ts}
        if listing.close_ts is not None:
            fields["close_ts"] = listing.close_ts
        fields["additional_metadata"] = {
            "name": f"Market {listing.ticker}", "title": f"Will {listing.ticker} come true?", "yes_sub_title": "Yes",
            "no_sub_title": "No", "rules_primary": "The seed decides.", "rules_secondary": "", "can_close_early": True,
            "event_ticker": listing.ticker.rpartition("-")[0] or listing.ticker,
            "expected_expiration_ts": listing.close_ts or listing.open_ts,
        }  # fmt: skip
        self._tell(listing, "created", {**fields, **_structure(listing)})

    def _tell(self, listing: Listing, event_type: EventType, fields: dict[str, Any]) -> None:
        at_ns = self._floor.now_ns
        self._floor.publish(Lived(at_ns=at_ns, market_ticker=listing.ticker, event_type=event_type, fields=fields))

    def _now_s(self) -> int:
        return self._floor.now_ns // SECOND_NS


def expect_tick(tick: str) -> None:
    """Refuse a price grid that there is not."""
    if tick not in GRIDS:
        raise UsageError(f"tick is one of {', '.join(GRIDS)}, not {shown(tick)}")


def _structure(listing: Listing) -> dict[str, Any]:
    label, bands = STRUCTURES[listing.tick]
    ranges = [dict(zip(("start", "end", "step"), map(price_text, band), strict=True)) for band in bands]
    return {"price_level_structure": label, "price_ranges": ranges}
