"""Frames as the exchange writes them, in the shape of each era: those of the order book channel.

`Wire` knows neither chance nor books, so whoever has real orders to show can use it. Prices and sizes come in as integers
(price_e4: dollars x 10^4, size_e2: contracts x 10^2). Tickers and ids of markets are written as they are: nothing in them
may need to be escaped in JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Final, Literal

import msgspec
from msgspec import Struct

from ..errors import UsageError
from ..units import size_text

# The shape of the frames, by when it came into use: cents and whole contracts as numbers, until 2026-01-21; with `_fp`
# strings beside them, until 2026-03-12; strings only since then; with `clock` and `sending_ts_ms` since 2026-10-01.
# `ts_ms` is left out of the two that had numbers: a guess, no recording of theirs is at hand.
Era = Literal["2025", "2026-01", "2026-03", "current"]
Side = Literal["yes", "no"]

SIDES: Final[tuple[Side, Side]] = ("yes", "no")
ERAS: Final = ("2025", "2026-01", "2026-03", "current")
WHOLE_ERAS: Final = ("2025", "2026-01")


class Frame(Struct, frozen=True, gc=False):
    """A text frame of the exchange, and what it is, for whoever decides its fate on the way.

    Attributes:
        payload: its bytes, with the newline where there is one.
        type: as in it.
        sid, seq, market_ticker, command_id: as in it, or None. The sid of a `subscribed` stands inside its `msg`: None here.
    """

    payload: bytes
    type: str
    sid: int | None = None
    seq: int | None = None
    market_ticker: str | None = None
    command_id: int | None = None


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
        held = f'"market_tickers":{msgspec.json.encode(tickers).decode()}'
        body = held if self._era == "2025" else f'"msg":{{{held}}}'
        return f'{{"type":"ok","id":{command_id},"sid":{self._sid},"seq":{seq}{self._sent(sent_ms)},{body}}}\n'.encode()

    def snapshot(
        self, *, seq: int, sent_ms: int, ticker: str, market_id: str, clock: int,
        yes: Sequence[tuple[int, int]], no: Sequence[tuple[int, int]], command_id: int | None = None,
    ) -> bytes:  # fmt: skip
        """Write a whole book: per side (price_e4, size_e2), ascending, NO on the NO scale. An empty side has no key.

        One that answers a `get_snapshot` carries that command's id.

        Raises:
            UsageError: the era knows cents and whole contracts only, and a level is neither.
        """
        answers = "" if command_id is None else f',"id":{command_id}'
        return (
            f'{{"type":"orderbook_snapshot"{answers},"sid":{self._sid},"seq":{seq}{self._sent(sent_ms)},"msg":{{'
            f'"market_ticker":"{ticker}","market_id":"{market_id}"{self._clock(clock)}{self._ladders(yes, no)}}}}}\n'
        ).encode()

    def delta(
        self, *, seq: int, sent_ms: int, ticker: str, market_id: str, clock: int, price_e4: int, delta_e2: int,
        side: Side, times: str, client_order_id: str | None = None, subaccount: int = 0,
    ) -> bytes:  # fmt: skip
        """Write the change of one level: `price_e4` on its side's own scale, `delta_e2` signed, `times` from `times`.

        A change that the subscriber caused carries the `client_order_id` of the order, and its `subaccount` unless 0.

        Raises:
            UsageError: as `snapshot`.
        """
        if self._yes_scale and side == "no":
            price_e4 = 10_000 - price_e4
        if self._era in WHOLE_ERAS:
            cents, count = whole(price_e4), whole(delta_e2)
            change = f'"price":{cents},"price_dollars":"0.{cents:02d}0","delta":{count}'
            if self._era == "2026-01":
                change += f',"delta_fp":"{count}.00"'
        else:
            change = f'"price_dollars":"0.{price_e4:04d}","delta_fp":"{size_text(delta_e2)}"'
        own = ""
        if client_order_id is not None:
            own = f',"client_order_id":{msgspec.json.encode(client_order_id).decode()}'
            if subaccount:
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
        return stamp if self._era in WHOLE_ERAS else f'{stamp},"ts_ms":{at_us // 1_000}'

    def _sent(self, sent_ms: int) -> str:
        return f',"sending_ts_ms":{sent_ms}' if self._era == "current" else ""

    def _clock(self, clock: int) -> str:
        return f',"clock":{clock}' if self._era == "current" else ""

    def _ladders(self, yes: Sequence[tuple[int, int]], no: Sequence[tuple[int, int]]) -> str:
        if self._yes_scale:
            no = [(10_000 - price_e4, size_e2) for price_e4, size_e2 in reversed(no)]
        sides = [(side, levels) for side, levels in (("yes", yes), ("no", no)) if levels]
        keys = []
        if self._era in WHOLE_ERAS:
            keys += [_key(side, [f"[{whole(p)},{whole(s)}]" for p, s in levels]) for side, levels in sides]
            for side, levels in sides:
                keys.append(_key(f"{side}_dollars", [f'["0.{p // 100:02d}0",{s // 100}]' for p, s in levels]))
        if self._era != "2025":
            for side, levels in sides:
                keys.append(_key(f"{side}_dollars_fp", [f'["0.{p:04d}","{size_text(s)}"]' for p, s in levels]))
        return "".join(keys)


def _key(name: str, items: Sequence[str]) -> str:
    return f',"{name}":[{",".join(items)}]'


def whole(hundredths: int) -> int:
    """Turn a price into cents, or a size into contracts: all that the two oldest eras know.

    Raises:
        UsageError: it is not a whole number of them.
    """
    if hundredths % 100:
        raise UsageError(f"an era of whole cents and whole contracts cannot tell {hundredths} of a hundredth of them")
    return hundredths // 100
