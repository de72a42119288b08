"""Frames of our own making, in the shape of each era, and what a book holds, as plain values.

Prices and sizes are given as they stand on today's wire: ``("0.4100", "120.00")``. Whatever else is passed by name lands
in ``msg``; ``top=`` adds fields beside it. A value of ``ABSENT`` takes a field away.
"""

import json
from decimal import Decimal

A, B, C = "KXDEMO-26-A", "KXDEMO-26-B", "KXDEMO-26-C"
ERAS = ("2025", "2026-01", "2026-03", "current")
WHOLE_ERAS = ("2025", "2026-01")
ABSENT = object()
MARKET_ID = "6b1f0c52-0000-4000-8000-000000000001"

YES = [("0.4100", "120.00"), ("0.4200", "7.00")]
NO = [("0.5500", "40.00"), ("0.5600", "310.00")]
START = {"yes": {4100: 12000, 4200: 700}, "no": {5500: 4000, 5600: 31000}}
"""What a book holds after ``snapshot()``."""


def encode(content):
    """Write a frame as the exchange does: compact JSON."""
    return json.dumps(content, separators=(",", ":")).encode()


def frame(type_, *, sid=ABSENT, seq=ABSENT, msg=ABSENT, top=None, **more):
    """Write a frame of any type."""
    content = {"type": type_, "sid": sid, "seq": seq, "msg": msg, **more, **(top or {})}
    return encode(_present(content))


def _present(fields):
    return {name: value for name, value in fields.items() if value is not ABSENT}


def snapshot(ticker=A, yes=YES, no=NO, *, sid=1, seq=1, era="current", top=None, **extra):
    """Write a snapshot; the key of an empty side is absent."""
    msg = {"market_ticker": ticker, "market_id": MARKET_ID}
    times = {}
    tick = seq if type(seq) is int else 0
    if era == "current":
        msg["clock"] = 4182000 + tick
        times["sending_ts_ms"] = 1793000000000 + tick
    for side, levels in (("yes", yes), ("no", no)):
        if not levels:
            continue
        if era in WHOLE_ERAS:
            msg[side] = [[cents(price), whole(size)] for price, size in levels]
            msg[f"{side}_dollars"] = [[price[:-1], whole(size)] for price, size in levels]
        if era != "2025":
            msg[f"{side}_dollars_fp"] = [list(level) for level in levels]
    return frame("orderbook_snapshot", sid=sid, seq=seq, msg=_present({**msg, **extra}), top={**times, **(top or {})})


def delta(ticker=A, side="yes", price="0.4200", change="1.00", *, sid=1, seq=2, era="current", top=None, **extra):
    """Write a delta."""
    msg = {"market_ticker": ticker, "market_id": MARKET_ID}
    times = {}
    tick = seq if type(seq) is int else 0
    if era == "current":
        msg["clock"] = 4182000 + tick
        times["sending_ts_ms"] = 1793000000000 + tick
    if era in WHOLE_ERAS:
        msg |= {"price": cents(price), "price_dollars": price[:-1], "delta": whole(change)}
        if era == "2026-01":
            msg["delta_fp"] = change
    else:
        msg |= {"price_dollars": price, "delta_fp": change}
    msg["side"] = side
    if era == "current":
        msg["ts_ms"] = 1793000000400 + tick
    return frame("orderbook_delta", sid=sid, seq=seq, msg=_present({**msg, **extra}), top={**times, **(top or {})})


def cents(price):
    """A price in dollars as whole cents."""
    number = Decimal(price) * 100
    assert number == int(number), price
    return int(number)


def whole(size):
    """A size as whole contracts."""
    number = Decimal(size)
    assert number == int(number), size
    return int(number)


def subscribed(sid=1, *, channel="orderbook_delta", command_id=1):
    """Write the acknowledgement of a new subscription."""
    return encode({"id": command_id, "type": "subscribed", "msg": {"channel": channel, "sid": sid}})


def ok(tickers=ABSENT, *, sid=1, seq=1, command_id=2):
    """Write the acknowledgement of a change of a subscription, with what it holds now."""
    msg = ABSENT if tickers is ABSENT else {"market_tickers": tickers}
    return frame("ok", sid=sid, seq=seq, msg=msg, id=command_id)


def unsubscribed(sid=1, *, seq=ABSENT, command_id=3):
    """Write the end of a subscription."""
    return frame("unsubscribed", sid=sid, seq=seq, id=command_id)


def error(code, *, sid=ABSENT, seq=ABSENT, command_id=4, text="wrong", **extra):
    """Write an error."""
    return frame("error", sid=sid, seq=seq, msg={"code": code, "msg": text, **extra}, id=command_id)


def trade(*, sid=2, seq=1, ticker=A):
    """Write a frame of another sequenced channel."""
    return frame("trade", sid=sid, seq=seq, msg={"market_ticker": ticker, "yes_price_dollars": "0.4200", "count_fp": "3.00"})


def levels(book):
    """What a book knows, as plain dicts of price_e4 to size_e2, NO on the NO scale; None before its first snapshot."""
    if not book._known():
        return None
    known = book.last_known
    return {side: {level.price_e4: level.size_e2 for level in known.bids(outcome_side=side)} for side in ("yes", "no")}


def book_facts(book):
    """All that a book says of itself, comparable between cores."""
    known = book._known()
    return {
        "market_ticker": book.market_ticker,
        "state": book.state.value,
        "stale_reason": None if book.stale_reason is None else str(book.stale_reason),
        "is_live": book.is_live,
        "sid": book.sid,
        "seq": book.seq,
        "clock": book.clock,
        "ts_ms": book.ts_ms,
        "received_ns": book.received_ns,
        "levels": levels(book),
        "checksum": book.last_known.checksum() if known else None,
        "repr": repr(book),
    }


UPDATE_FIELDS = (
    "market_ticker", "outcome_side", "price_e4", "delta_e2", "size_e2", "top_changed", "own", "client_order_id",
    "subaccount", "sid", "seq", "skipped", "received_ns", "frame",
)  # fmt: skip


def update_facts(update):
    """All that an update says, comparable between cores: its book by name, its error and message as text."""
    facts = {name: getattr(update, name) for name in UPDATE_FIELDS}
    facts["kind"], facts["effect"] = update.kind.value, update.effect.value
    facts["book"] = None if update.book is None else update.book.market_ticker
    facts["error"] = None if update.error is None else (type(update.error).__name__, str(update.error))
    facts["message"] = repr(update.message)
    facts["repr"] = repr(update)
    return facts


def feed_facts(feed):
    """All that a feed says of itself."""
    return {
        "books": {ticker: book_facts(book) for ticker, book in feed.books.items()},
        "counts": {(kind.value, effect.value): count for (kind, effect), count in feed.counts.items()},
        "skipped": feed.skipped,
        "epoch": feed.epoch,
    }


def receive_all(feed, *frames_):
    """Feed frames in; give the effects as texts."""
    return [feed.receive(each).effect.value for each in frames_]
