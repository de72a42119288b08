"""Every kind of fault, with many seeds, against the feed: a LIVE book is the exchange's, and in the end all is well.

What holds after every frame that is delivered:

- A LIVE book is the exchange's, as it was when the newest delivered frame of its market was written. So a loss that no
  frame has shown yet may be there, and one that a number has shown may not.
- Where a wrong snapshot, a wrong delta, or a delta lost without a hole struck a market, its book may be wrong while it is
  LIVE, since nothing in the stream shows it; but only until its next snapshot. The audit (a ``get_snapshot`` of LIVE
  books) reports each book that was wrong, and none that was right (F17).
- A connection that is gone has no LIVE books.

And after the faults, and one audit: what is desired is held, and every book is LIVE and has the exchange's checksum.
"""

import os
import random

import pytest

from joined import BOOK, SECOND, UNSEEN, Joined
from kalshi_book.sim import Exchange, Rules, faults
from kalshi_book.sim import fault_families as families
from kalshi_book.sim.faults import FAULT_KINDS

SEEDS = int(os.environ.get("KALSHI_BOOK_FAULT_SEEDS", "100"))
"""How many seeds for each kind of fault."""

TICKERS = ["KXSIM-26-A", "KXSIM-26-B", "KXSIM-26-C", "KXSIM-26-D"]
FRAME_TYPES = ("orderbook_delta", "orderbook_snapshot", "ok", "subscribed")
FAULTY_NS, SETTLING_NS = 12 * SECOND, 600 * SECOND


def some(rng, **choices):
    """Some of these options."""
    return {name: values[rng.randrange(len(values))] for name, values in choices.items() if rng.getrandbits(1)}


def draw(kind, rng):
    """Draw a fault of a kind."""
    cls = FAULT_KINDS[kind]
    options = {"every_s": rng.choice((0.5, 1, 3))} if rng.getrandbits(1) else {"after_s": rng.randrange(6)}
    if issubclass(cls, families.Picker):
        if "after_s" in options:
            options |= {"times": rng.randrange(1, 6)} if rng.getrandbits(1) else {"nth": rng.randrange(1, 20)}
        options |= some(rng, market_ticker=TICKERS)
    if issubclass(cls, families.FrameFault):
        options |= some(rng, type=FRAME_TYPES, sid=(1, 2))
        if "every_s" not in options:
            options |= some(rng, seq=range(1, 60))
            if "seq" in options:
                options.pop("nth", None)
    if issubclass(cls, families.CommandFault):
        options |= some(
            rng, cmd=("subscribe", "update_subscription"), action=("get_snapshot", "add_markets", "delete_markets")
        )
    if issubclass(cls, families.Span):
        options["for_s"] = rng.choice((0.5, 3, 14))
        if "every_s" not in options and rng.getrandbits(2) == 0:
            del options["for_s"]
    options |= {
        "delay": {"by_s": rng.choice((0.1, 1, 5))},
        "reorder": {"behind": rng.randrange(1, 5)},
        "refuse_command": {"code": rng.choice((1, 7, 8, 10, 11, 17, 18, 25, 26, 27))},
        "false_error": {"code": rng.choice((17, 18, 26, 27))},
        "slow_link": {"bytes_per_s": rng.choice((600, 2_000, 20_000))},
        "close": {"code": rng.choice((1000, 1001, 1006, 1011, 4000))},
        "refuse_connections": {"status": rng.choice((401, 403, 429, 503))},
        "maintenance": {"clocks_fall": bool(rng.getrandbits(1))},
        "clock_step": {"step_s": rng.choice((-86_400, -1, 1, 3_600))},
        "no_snapshots": some(rng, market_ticker=TICKERS),
        "silence": rng.choice(({}, {"sid": 1}, {"market_ticker": TICKERS[0]})),
    }.get(kind, {})
    return cls(**options)


def run(kb, kind, seed):
    """One exchange, one feed, faults of one kind, and what becomes of it. Returns the session and how often they struck."""
    rng = random.Random(f"{kind}/{seed}")
    exchange = Exchange(
        markets=len(TICKERS),
        seed=seed,
        rate=12,
        levels=4,
        latency_s=rng.choice(((0, 0), (0, 0), (0.01, 0.3))),
        buffer_bytes=rng.choice((20_000, 1 << 20)),
        rules=Rules(
            scoped_errors=bool(rng.getrandbits(1)),
            concurrent_commands=bool(rng.getrandbits(1)),
            deltas_before_snapshot=not rng.getrandbits(2),
            levels_ascend=bool(rng.getrandbits(1)),
            newline=bool(rng.getrandbits(1)),
        ),
    )
    planted = [exchange.faults.add(draw(kind, rng))]
    step_ns = rng.choice((0, SECOND // 10, SECOND // 2, SECOND))
    session = Joined(kb, exchange, step_ns=step_ns, pace=kb.Pace(answer_ns=2 * SECOND, retry_ns=5 * SECOND))
    use_yes_price = bool(rng.getrandbits(1))
    session.feed.subscribe(BOOK, market_tickers=TICKERS[: rng.randrange(1, 5)], use_yes_price=use_yes_price)
    if issubclass(FAULT_KINDS[kind], (faults.RefuseConnections, faults.NoHandshake)):
        planted.append(exchange.faults.add(faults.Close(every_s=2)))
    for _ in range(5):
        session.pass_time(FAULTY_NS // 5)
        what = rng.randrange(4)
        if what == 0:
            session.feed.subscribe(BOOK, market_tickers=[rng.choice(TICKERS)], use_yes_price=use_yes_price)
        elif what == 1 and len(session.feed.subscriptions[BOOK].desired) > 1:
            session.feed.unsubscribe(BOOK, market_tickers=[min(session.feed.subscriptions[BOOK].desired)])
        elif what == 2:
            session.audit()
    exchange.faults.clear()
    session.pass_time(SECOND // 2)
    session.audit()
    session.pass_time(3 * SECOND)  # the next number shows what was lost last
    is_settled = session.pass_time(SETTLING_NS, until=session.settled)
    assert is_settled, session.unsettled()
    return session, planted[0].happened


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_live_book_is_the_exchange_s_whatever_goes_wrong(kb, kind):
    happened = found_wrong = 0
    for seed in range(SEEDS // 10 if kb.IMPLEMENTATION == "python" else SEEDS):
        try:
            session, times = run(kb, kind, seed)
        except Exception as error:
            raise AssertionError(f"{kind}, seed {seed}: {error}") from error
        happened += times
        found_wrong += session.found_wrong
    assert happened >= SEEDS // 50
    assert not found_wrong or kind in UNSEEN
    assert found_wrong or kind not in UNSEEN or SEEDS < 100 or kb.IMPLEMENTATION == "python"
