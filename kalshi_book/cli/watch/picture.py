"""A sight as lines of text, for a screen of any size. A function of its arguments: no clock, no terminal.

From top to bottom: the market, how far it can be trusted, its best prices, a line from where it comes; the ladder, asks
above bids, around a middle that does not move; the last changes and trades; the keys. Whatever is not LIVE is said in words
and drawn with other bars, so that it shows without colours, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Final, NamedTuple

from rich.text import Text

from ..._backend import Level
from ...book import LastKnown, OrderBook
from ...display import middle
from ...kinds import MarketState, StaleReason, State
from ...messages.book import Side
from ...units import flip_e4, price_text, size_text
from .sights import Change, Deal, Sight

WIDTH, HEIGHT = 80, 24
HEAD_ROWS: Final = 4
WIDTH_FOR_TWO: Final = 72
"""From here on changes and trades stand side by side."""
LONGEST_BAR: Final = 40


class Bars(NamedTuple):
    """What bars are made of, and what those of a book that is not LIVE are."""

    live: str
    stale: str


BLOCKS, PLAIN = Bars("█", "░"), Bars("#", ":")

WHY: Final[Mapping[str, str]] = {
    StaleReason.GAP: "frames are missing",
    StaleReason.BACKWARDS: "the count of its frames fell",
    StaleReason.MALFORMED: "a frame could not be read",
    StaleReason.CONTRADICTION: "a frame contradicts it",
    StaleReason.CROSSED: "bids and asks cross",
    StaleReason.DISCONNECTED: "the connection ended",
    StaleReason.SILENT: "nothing came for too long",
    StaleReason.INTERRUPTED: "reading was interrupted",
    StaleReason.TERMINAL_ERROR: "the exchange ended the subscription",
    StaleReason.UNSUBSCRIBED: "it is no longer subscribed",
    StaleReason.NOT_SUBSCRIBED: "nothing subscribes it",
    StaleReason.NO_SNAPSHOT: "no snapshot comes",
}

KEYS: Final = (
    ("← → n p tab", "the market before, the next one"),
    ("f y", "the other outcome: NO prices are $1 less YES prices"),
    ("space", "freeze the picture while the book goes on; pause a recording"),
    ("+ -", "a recording: twice as fast, half as fast"),
    ("?", "this, and back"),
    ("q ctrl+c", "leave"),
)

READING: Final = (
    "LIVE: the book is the exchange's, as of the last frame that came; proven",
    "says when something came last. STALE: what is shown was known last and may",
    "be wrong; the book comes back by itself. Prices are in dollars, sizes in",
    "contracts, times UTC; four times the size has a bar of twice the length.",
    "own: your orders at that price, as far as they are known; +: more may rest.",
)

BID, ASK, OWN, QUIET, BOLD = "green", "red", "bold yellow", "dim", "bold"
GOOD, BAD, HELD = "bold green", "bold white on red", "bold black on yellow"


def picture(
    sight: Sight, *, outcome_side: Side = "yes", width: int = WIDTH, height: int = HEIGHT, bars: Bars = BLOCKS
) -> list[Text]:
    """Draw a sight.

    Args:
        sight: what is seen.
        outcome_side: from whose side.
        width: of the screen, in characters.
        height: of the screen, in lines.
        bars: what bars are made of.

    Returns:
        So many lines as the screen has, none wider than it.
    """
    recent_rows = max(0, min(height // 4, height - HEAD_ROWS - 8))
    ladder_rows = max(1, height - HEAD_ROWS - recent_rows - 1)
    lines = [
        *_head(sight, outcome_side, width),
        *_ladder(sight, outcome_side, width, ladder_rows, bars),
        *_recent(sight, outcome_side, width, recent_rows),
    ]
    keys = f" ← → market  f yes/no  space {'pause  + - speed' if sight.is_recording else 'freeze'}  ? help  q quit"
    if height > 2:
        lines = [*lines[: height - 1], _text((keys, QUIET))]
    for line in lines:
        line.truncate(width, overflow="ellipsis")  # a number that is cut is not to look like another one
    return lines[:height]


def help_lines(*, width: int = WIDTH, height: int = HEIGHT) -> list[Text]:
    """Say what the keys do, and how to read the picture."""
    lines = [
        _text((" Keys", BOLD)),
        *(_text((f"  {keys:<12}", OWN), f" {what}") for keys, what in KEYS),
        _text(),
        _text((" Reading it", BOLD)),
        *(_text(f"  {line}") for line in READING),
    ]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return [*lines, *(_text() for _ in range(height - len(lines)))][:height]


# The head.


def _head(sight: Sight, outcome_side: Side, width: int) -> list[Text]:
    number, count = sight.place
    left, right = _text((f" {sight.market_ticker}", BOLD), ("  ", ""), (outcome_side.upper(), BOLD)), sight.where
    if count > 1:
        right = f"{number} of {count}, {right}"
    left.append(" " * max(2, width - left.cell_len - len(right) - 1))
    left.append(right, QUIET)
    return [left, _standing(sight, width), _best(sight, outcome_side), _text((f" {sight.note}", QUIET))]


def standing(sight: Sight) -> tuple[str, bool]:
    """Say in words how far a sight can be trusted; and whether it is LIVE."""
    book = sight.book
    if book is None:
        return "NO BOOK YET: nothing was said of this market so far", False
    for_ = "" if sight.since_ns is None else f" for {span_text(sight.now_ns - sight.since_ns)}"
    if book.state is State.LIVE and sight.is_recording:
        return f"LIVE in the recording at {clock_text(sight.now_ns)}, {_market_words(book, sight.now_ns)}", True
    if book.state is State.LIVE:
        proven = "" if sight.proven_ns is None else f", proven {span_text(sight.now_ns - sight.proven_ns)} ago"
        return f"LIVE{proven}, {_market_words(book, sight.now_ns)}", True
    if book.state is State.NEW:
        return f"NEW{for_}: announced, and no snapshot yet", False
    if book.state is State.UNAVAILABLE:
        return f"UNAVAILABLE{for_}: the exchange gives no snapshot: a settled or mistyped market?", False
    reason = str(book.stale_reason)
    return f"STALE{for_}, may be wrong: {WHY.get(reason, reason)} ({reason})", False


def _market_words(book: OrderBook | LastKnown, now_ns: int) -> str:
    state = book.market.state_at(now_ns // 1_000_000_000)
    return "market state not told" if state is MarketState.UNKNOWN else f"market {state}"


def _standing(sight: Sight, width: int) -> Text:
    then_ns = sight.now_ns if sight.frozen_ns is None else sight.frozen_ns
    words, is_live = standing(sight._replace(now_ns=then_ns))
    style = GOOD if is_live else BAD
    if sight.frozen_ns is not None:
        words = f"FROZEN {span_text(sight.now_ns - then_ns)} ago, space goes on. Then: {words}"
        style = HELD if is_live else BAD
    line = _text((f" {words}", style))
    if style is not GOOD:
        line.append(" " * max(0, width - line.cell_len), style)
    return line


def _best(sight: Sight, outcome_side: Side) -> Text:
    known = sight.known
    if known is None:
        return _text()
    bid, ask = known.bbo(outcome_side=outcome_side)
    shown = "  ".join(f"best {name} {level_text(level)}" for name, level in (("bid", bid), ("ask", ask)))
    if known.state is State.LIVE:
        return _text(f" {shown}")
    return _text((f" last known: {shown}", QUIET))


# The ladder.


def _ladder(sight: Sight, outcome_side: Side, width: int, rows: int, bars: Bars) -> list[Text]:
    known = sight.known
    asks_rows = (rows - 1) // 2
    bids_rows = rows - 1 - asks_rows
    if known is None:
        return [_text() for _ in range(rows)]
    is_live = known.state is State.LIVE
    bids, asks = known.depth(max(asks_rows, bids_rows, 1), outcome_side=outcome_side)
    own = _own_sizes(known, outcome_side)
    shown = {"ask": asks[:asks_rows], "bid": bids[:bids_rows]}
    sizes = [level.size_e2 for levels in shown.values() for level in levels]
    marks = [own.get((side, level.price_e4), "") for side, levels in shown.items() for level in levels]
    scale = _Scale(
        largest_e2=max(sizes, default=1),
        size_width=max(12, *(len(size_text(size_e2)) for size_e2 in sizes or [0])),
        own_width=max(len(mark) for mark in marks or [""]),
        width=width,
        bar=bars.live if is_live else bars.stale,
        is_live=is_live,
    )
    ask_lines = [_level("ask", level, own.get(("ask", level.price_e4), ""), scale) for level in reversed(shown["ask"])]
    bid_lines = [_level("bid", level, own.get(("bid", level.price_e4), ""), scale) for level in shown["bid"]]
    return [
        *(_text() for _ in range(asks_rows - len(ask_lines))),
        *ask_lines,
        _text((middle(bids, asks), BOLD if is_live else QUIET)),
        *bid_lines,
        *(_text() for _ in range(bids_rows - len(bid_lines))),
    ]


class _Scale(NamedTuple):
    largest_e2: int
    size_width: int
    own_width: int
    width: int
    bar: str
    is_live: bool


def _level(side: str, level: Level, own: str, scale: _Scale) -> Text:
    style = (ASK if side == "ask" else BID) if scale.is_live else QUIET
    line = _text(f" {side}  ${price_text(level.price_e4)}  {size_text(level.size_e2):>{scale.size_width}}  ")
    if not scale.is_live:
        line.stylize(QUIET)
    if scale.own_width:
        line.append(f"{own:<{scale.own_width}}  ", OWN if scale.is_live else QUIET)
    room = min(LONGEST_BAR, max(0, scale.width - line.cell_len - 1))
    # By the square root: one level of a hundred thousand contracts would make dots of all others.
    length = isqrt(level.size_e2 * room * room // scale.largest_e2)
    line.append(scale.bar * max(min(1, room), length), style)
    return line


def _own_sizes(known: LastKnown, outcome_side: Side) -> dict[tuple[str, int], str]:
    """What is known of own size, by side and price as they are shown."""
    sizes: dict[tuple[str, int], int] = {}
    for order in known.own_orders:
        is_bid = order.outcome_side == outcome_side
        key = ("bid", order.price_e4) if is_bid else ("ask", flip_e4(order.price_e4))
        sizes[key] = sizes.get(key, 0) + order.size_e2
    more = "" if known._own_now.is_known else "+"
    return {key: f"own {size_text(size_e2)}{more}" for key, size_e2 in sizes.items() if size_e2}


# What happened last.


def _recent(sight: Sight, outcome_side: Side, width: int, rows: int) -> list[Text]:
    if rows < 2:
        return [_text() for _ in range(rows)]
    is_split = width >= WIDTH_FOR_TWO
    is_live = standing(sight)[1]
    left = [_text((" last changes", QUIET)), *(_change(each, outcome_side, is_live) for each in sight.changes)][:rows]
    right = [_text(("last trades", QUIET)), *(_deal(each, outcome_side) for each in sight.trades)][:rows]
    left += [_text() for _ in range(rows - len(left))]
    for line, trade in zip(left, right if is_split else (), strict=False):
        line.append(" " * max(1, width // 2 + 2 - line.cell_len))
        line.append_text(trade)
    return left


def _change(change: Change, outcome_side: Side, is_live: bool) -> Text:
    is_bid = change.outcome_side == outcome_side
    side, price_e4 = ("bid", change.price_e4) if is_bid else ("ask", flip_e4(change.price_e4))
    sign = "+" if change.delta_e2 > 0 else ""
    line = _text(f" {clock_text(change.at_ns)} {side} ${price_text(price_e4)} {sign + size_text(change.delta_e2):>11}")
    line.append(" own" if change.own else "", OWN if is_live else QUIET)
    line.stylize((BID if is_bid else ASK) if is_live else QUIET, 10, 13)
    return line


def _deal(deal: Deal, outcome_side: Side) -> Text:
    price_e4 = deal.yes_price_e4 if outcome_side == "yes" else flip_e4(deal.yes_price_e4)
    taker = "" if deal.taker is None else f" bought {deal.taker.upper()}"
    return _text(f"{clock_text(deal.at_ns)} ${price_text(price_e4)} {size_text(deal.count_e2):>9}{taker}")


# Words.


def level_text(level: Level | None) -> str:
    """Write a level with its units, or that nobody is there."""
    return "nobody" if level is None else f"${price_text(level.price_e4)} x {size_text(level.size_e2)}"


def clock_text(at_ns: int | None, *, with_ms: bool = False) -> str:
    """Write a time of day, UTC; blank where there is none."""
    if at_ns is None:
        return " " * (12 if with_ms else 8)
    ms = at_ns // 1_000_000
    seconds = ms // 1000 % 86_400
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{ms % 1000:03d}" if with_ms else text


def span_text(span_ns: int) -> str:
    """Write a span of time: with a tenth where it is short."""
    tenths = max(0, span_ns) // 100_000_000
    if tenths < 100:
        return f"{tenths // 10}.{tenths % 10} s"
    seconds = tenths // 10
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _text(*parts: str | tuple[str, str]) -> Text:
    return Text.assemble(*parts, no_wrap=True, overflow="crop")
