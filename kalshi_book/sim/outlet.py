"""What one connection is sent: which happening becomes which frame of which subscription, and how frames are numbered.

Source: AsyncAPI text, read 2026-10-26, and recordings of 2025 and 2026. A sid counts every frame of its own that has a seq,
whatever its type, from 1 (observed).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from ..messages.vocabulary import ERROR_CODES
from . import bulletin
from .commands import BOOK
from .happenings import (
    BookCleared,
    Filled,
    Happening,
    LevelChanged,
    Lived,
    OrderChanged,
    OrderMark,
    PositionChanged,
    Quoted,
    Traded,
)
from .rules import Rules
from .subscription import Subscription, ticker_of
from .wire import SIDES, Frame, Side

_OVER: Final = ("closed", "determined", "settled")
_MS: Final = 1_000_000


class Listing(Protocol):
    """A market as a session sees it."""

    @property
    def market_id(self) -> str:
        """Its UUID."""

    @property
    def clock(self) -> int:
        """The exchange's clock of its last change; 0: none."""

    @property
    def state(self) -> str:
        """How it stands. One that is closed, determined or settled streams nothing more."""

    def levels(self, side: Side, /) -> Sequence[tuple[int, int]]:
        """(price_e4, size_e2) of one outcome's bids on their own scale, price ascending."""

    def quoted(self) -> Quoted:
        """What `ticker` would tell now."""


class Venue(Protocol):
    """The markets as a session sees them."""

    @property
    def listings(self) -> Mapping[str, Listing]:
        """Every market by its ticker."""


class SnapshotDue(Struct, frozen=True):
    """A snapshot that is to be sent.

    Attributes:
        sid: on which subscription.
        market_ticker: of which market.
        command_id: of the `get_snapshot` that asks for it, where that had an id.
        is_asked: whether a `get_snapshot` asks for it; if not, it is the first of a market that was added.
    """

    sid: int
    market_ticker: str
    command_id: int | None
    is_asked: bool


class Outlet:
    """The subscriptions of one connection, and the frames that they are sent.

    Args:
        venue: the markets.
        account: whose connection it is; None: nobody's.
        rules: of the exchange.
        write: takes each frame when it is sent.
        now_ns: tells the exchange's time, unix nanoseconds.

    Attributes:
        rules: may be replaced by others of the same era at any time; what is subscribed keeps its price scale.
        before_snapshot: asked before each snapshot that is due; False: do not send it now. Whoever says so may give it to
            `snapshot` later.
    """

    def __init__(
        self, venue: Venue, *, account: str | None, rules: Rules, write: Callable[[Frame], None], now_ns: Callable[[], int]
    ) -> None:  # fmt: skip
        self.account = account
        self.rules = rules
        self.before_snapshot: Callable[[SnapshotDue], bool] | None = None
        self._venue = venue
        self._write, self._now_ns = write, now_ns
        self._by_channel: dict[str, Subscription] = {}
        self._action: tuple[int, str] = (-1, "")
        self._tellers: dict[type[Happening], Callable[[Any], None]] = {
            LevelChanged: self._level_changed,
            BookCleared: self._book_cleared,
            Quoted: self._quoted,
            Traded: self._traded,
            Filled: self._filled,
            OrderChanged: self._order_changed,
            PositionChanged: self._position_changed,
            Lived: self._lived,
        }

    @property
    def subscriptions(self) -> Mapping[str, Subscription]:
        """What is subscribed, by channel, in the order of the sids. To be read only."""
        return self._by_channel

    def subscription(self, sid: object) -> Subscription | None:
        """Give the subscription that has this sid, or None. O(channels)."""
        return next((sub for sub in self._by_channel.values() if sub.sid == sid and type(sid) is int), None)

    # What happens on the exchange.

    def happened(self, happening: Happening) -> None:
        """Send the frames by which the subscriptions tell of a happening. To be called at the moment when it is true."""
        self._tellers[type(happening)](happening)

    def say(self, channel: str, type_: str, msg: Mapping[str, Any]) -> bool:
        """Send any message on a channel, where a subscription wants it. Gives whether it was sent.

        Raises:
            TypeError: the message is nothing that JSON can hold.
        """
        sub = self._by_channel.get(channel)
        own_id = None if self.account is None else bulletin.user_id(self.account)
        if sub is None or not sub.wants(type_, msg, own_id):
            return False
        self._send(type_, sub, {"msg": msg}, market_ticker=ticker_of(msg))
        return True

    def end(self, sid: int, code: int) -> None:
        """Lose a subscription to an error: 10 (of its channel), 25 (its reader was too slow), 17 (of old).

        Raises:
            KeyError: nothing is subscribed by this sid, or there is no such code.
        """
        sub = self._held(sid)
        self._send("error", sub, {"msg": error(code)})
        del self._by_channel[sub.channel]

    def restart(self, sid: int) -> None:
        """Count a subscription's frames from 1 again, as was seen where recordings run over a reconnect (observed, 2026).

        Raises:
            KeyError: nothing is subscribed by this sid.
        """
        self._held(sid).seq = 0

    def _held(self, sid: int) -> Subscription:
        sub = self.subscription(sid)
        if sub is None:
            raise KeyError(f"nothing is subscribed by sid {sid}")
        return sub

    # The book.

    def _level_changed(self, change: LevelChanged) -> None:
        sub = self._by_channel.get(BOOK)
        if sub is None or change.market_ticker not in sub.markets:
            return
        if self._action[0] != change.at_ns:
            self._action = change.at_ns, sub.wire.times(change.at_ns // 1_000)
        seq = sub.seq + 1
        mark = None if change.maker is None and change.taker is None else self._mark(change)
        payload = sub.wire.delta(
            seq=seq, sent_ms=self._now_ns() // _MS, ticker=change.market_ticker, market_id=change.market_id,
            clock=change.clock, price_e4=change.price_e4, delta_e2=change.delta_e2, side=change.outcome_side,
            times=self._action[1], client_order_id=None if mark is None else mark.client_order_id,
            subaccount=0 if mark is None else mark.subaccount,
        )  # fmt: skip
        sub.seq = seq
        self._emit(payload, "orderbook_delta", sub, seq, change.market_ticker, None)

    def _mark(self, change: LevelChanged) -> OrderMark | None:
        """Give the own order that caused a change, as the rules have it."""
        marks, account = self.rules.own_marks, self.account
        if account is None:
            return None
        if change.taker == account and change.cause == "maker_fill" and "taker_fill" in marks:
            return change.taker_order
        return change.maker_order if change.maker == account and change.cause in marks else None

    def _book_cleared(self, cleared: BookCleared) -> None:
        # Observed, 2026: a market that closes sends an empty snapshot.
        sub = self._by_channel.get(BOOK)
        if sub is not None and cleared.market_ticker in sub.markets:
            self._send_book(sub, cleared.market_ticker, cleared.clock, (), (), None)

    def snapshot(self, due: SnapshotDue) -> None:
        """Send a snapshot that was held back, with the book as it is now.

        Nothing is sent where the subscription is gone, the market is over or unknown, or a first snapshot's market was
        taken away again.
        """
        sub, listing = self._by_channel.get(BOOK), self._venue.listings.get(due.market_ticker)
        if sub is None or sub.sid != due.sid or listing is None or not self._answers(listing.state):
            return
        if due.is_asked or due.market_ticker in sub.markets:
            yes, no = (self._in_order(listing.levels(side)) for side in SIDES)
            self._send_book(sub, due.market_ticker, listing.clock, yes, no, due.command_id)

    def _show(self, due: SnapshotDue) -> None:
        if self.before_snapshot is None or self.before_snapshot(due):
            self.snapshot(due)

    def _show_new(self, sub: Subscription, new: Sequence[str], *, with_ticker: bool) -> None:
        """Send what begins a market that was just listed: its book; or on `ticker`, where that is asked for, its ticker."""
        if sub.channel == BOOK:
            for ticker in new:
                self._show(SnapshotDue(sub.sid, ticker, None, False))
        elif with_ticker and sub.channel == "ticker":
            names = frozenset(new)
            for ticker, listing in self._venue.listings.items():
                if ticker in names or listing.market_id in names:
                    self._quoted(listing.quoted())

    def _answers(self, state: str) -> bool:
        # Observed, 2026: a settled market streams nothing.
        return state not in _OVER or (state != "settled" and self.rules.closed_markets_answer)

    def _in_order(self, levels: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
        # The multiples of a number, modulo a prime above the highest price: prices in no order, and always the same.
        return levels if self.rules.levels_ascend else sorted(levels, key=lambda level: level[0] * 7_919 % 10_007)

    def _send_book(
        self, sub: Subscription, ticker: str, clock: int, yes: Sequence[tuple[int, int]], no: Sequence[tuple[int, int]],
        command_id: int | None,
    ) -> None:  # fmt: skip
        seq = sub.seq + 1
        payload = sub.wire.snapshot(
            seq=seq, sent_ms=self._now_ns() // _MS, ticker=ticker, market_id=self._venue.listings[ticker].market_id,
            clock=clock, yes=yes, no=no, command_id=command_id,
        )  # fmt: skip
        sub.seq = seq
        self._emit(payload, "orderbook_snapshot", sub, seq, ticker, command_id)

    # The other channels.

    def _quoted(self, quoted: Quoted) -> None:
        # AsyncAPI text: sent whenever any of its fields changes. Whether changes are put together is silent: here, none are.
        sub = self._by_channel.get("ticker")
        if sub is not None and sub.holds(quoted.market_ticker, quoted.market_id):
            self._send("ticker", sub, {"msg": bulletin.ticker(quoted, self.rules.era)}, market_ticker=quoted.market_ticker)

    def _traded(self, traded: Traded) -> None:
        sub = self._by_channel.get("trade")
        if sub is not None and sub.holds(traded.market_ticker, ""):
            self._send("trade", sub, {"msg": bulletin.trade(traded, self.rules.era)}, market_ticker=traded.market_ticker)

    def _filled(self, filled: Filled) -> None:
        sub = self._of_owner("fill", filled)
        if sub is not None:
            self._send("fill", sub, {"msg": bulletin.fill(filled, self.rules.era)}, market_ticker=filled.market_ticker)

    def _order_changed(self, changed: OrderChanged) -> None:
        sub = self._of_owner("user_orders", changed)
        if sub is not None:
            self._send("user_order", sub, {"msg": bulletin.user_order(changed)}, market_ticker=changed.market_ticker)

    def _position_changed(self, changed: PositionChanged) -> None:
        sub = self._of_owner("market_positions", changed)
        if sub is not None:
            msg = bulletin.market_position(changed, self.rules.era)
            self._send("market_position", sub, {"msg": msg}, market_ticker=changed.market_ticker)

    def _lived(self, lived: Lived) -> None:
        sub = self._by_channel.get("market_lifecycle_v2")
        if sub is not None:
            self._send(
                "market_lifecycle_v2", sub, {"msg": bulletin.market_lifecycle(lived)}, market_ticker=lived.market_ticker
            )

    def _of_owner(self, channel: str, happening: Filled | OrderChanged | PositionChanged) -> Subscription | None:
        sub = self._by_channel.get(channel)
        is_told = sub is not None and happening.account == self.account and sub.holds(happening.market_ticker, "")
        return sub if is_told else None

    # Frames.

    def _send(
        self, type_: str, sub: Subscription | None, body: Mapping[str, object], command_id: int | None = None, *,
        is_counted: bool | None = None, market_ticker: str | None = None,
    ) -> None:  # fmt: skip
        """Write a frame of any type. One of a subscription takes the next number, as `is_counted` or its channel says."""
        frame: dict[str, object] = {"type": type_}
        if command_id is not None:
            frame["id"] = command_id
        seq = None
        if sub is not None:
            frame["sid"] = sub.sid
            if sub.is_counted if is_counted is None else is_counted:
                frame["seq"] = seq = sub.seq + 1
        if self.rules.sends_times:
            frame["sending_ts_ms"] = self._now_ns() // _MS
        payload = msgspec.json.encode({**frame, **body}) + b"\n"
        if sub is not None and seq is not None:  # only now: what cannot be written takes no number
            sub.seq = seq
        self._emit(payload, type_, sub, seq, market_ticker, command_id)

    def _emit(
        self, payload: bytes, type_: str, sub: Subscription | None, seq: int | None, market_ticker: str | None,
        command_id: int | None,
    ) -> None:  # fmt: skip
        if not self.rules.newline:
            payload = payload[:-1]
        self._write(Frame(payload, type_, None if sub is None else sub.sid, seq, market_ticker, command_id))


def error(code: int) -> dict[str, object]:
    """Give what an error says: its code and the exchange's own words for it."""
    return {"code": code, "msg": ERROR_CODES[code].meaning}
