"""Every kind of fault, with many seeds, against the whole client in virtual time.

A LIVE book is one that the exchange had at that clock of the market, whenever one is looked at: but for faults that nothing
in the stream shows (a wrong snapshot, a wrong delta, one that is lost without a hole), which the audit finds. And when the
faults are over, every book is LIVE and the exchange's.

``make faults`` looks further; ``make faults SEEDS=10000`` for as long as you like. A find names its kind and its seed.
"""

import asyncio
import math
import os
import random

import pytest

import kalshi_book as kb
from clients import A, B, C, Truth, client_of, run, served, settled
from kalshi_book.sim import faults
from kalshi_book.sim.faults import FAULT_KINDS

SEEDS = int(os.environ.get("KALSHI_BOOK_LIVE_SEEDS", "20"))
PER_TEST = 20
UNSEEN = {"wrong_snapshot", "wrong_delta", "lost_delta"}
# Nothing that the exchange sends is late without the whole connection being silent.
TOLD = {
    "double", "hold_commands", "half_open", "close", "abort", "restart", "overflow", "channel_error", "refuse_connections",
    "no_handshake", "maintenance", "clock_step",
}  # fmt: skip
AT_THE_DOOR = {"refuse_connections", "no_handshake"}
AT_RECOVERY = {"ignore_command", "lose_reply", "refuse_command", "false_error", "no_snapshots", "wrong_snapshot"}
FAULTY_S = 12
AUDITED_S = 12


def some(rng, **choices):
    """Some of these options."""
    return {name: rng.choice(list(values)) for name, values in choices.items() if rng.getrandbits(1)}


def draw(kind, rng):
    """Draw a fault of a kind."""
    cls = FAULT_KINDS[kind]
    options = {"every_s": rng.choice((0.5, 2, 4))} if rng.getrandbits(1) else {"after_s": rng.randrange(8)}
    if issubclass(cls, faults.Picker):
        if "after_s" in options and rng.getrandbits(1):
            options["times"] = rng.randrange(1, 6)
        options |= some(rng, market_ticker=(A, B, C))
    if issubclass(cls, faults.FrameFault):
        options |= some(rng, type=("orderbook_delta", "orderbook_snapshot", "subscribed", "ok"))
    if issubclass(cls, faults.CommandFault):
        options |= some(rng, action=("get_snapshot", "add_markets"))
    if issubclass(cls, faults.Span):
        options["for_s"] = rng.choice((0.5, 3, 15))
    return cls(
        **options,
        **{
            "delay": {"by_s": rng.choice((0.1, 1, 5))},
            "reorder": {"behind": rng.randrange(1, 5)},
            "refuse_command": {"code": rng.choice((1, 7, 8, 10, 11, 17, 18, 25, 26, 27))},
            "false_error": {"code": rng.choice((17, 18, 26, 27))},
            "slow_link": {"bytes_per_s": rng.choice((600, 2_000, 20_000))},
            "close": {"code": rng.choice((1000, 1001, 1005, 1006, 1011, 4000))},
            "refuse_connections": {"status": rng.choice((429, 503))},
            "maintenance": {"clocks_fall": bool(rng.getrandbits(1))},
            "clock_step": {"step_s": rng.choice((-5, -1, 1, 5))},
        }.get(kind, {}),
    )


def stir(server):
    """Change every book once: the loss of a frame is shown by the next one."""
    for ticker in server.markets:
        server.crowd.change(ticker, outcome_side="yes", price_e4=100, delta_e2=100)


def live_through(kind, seed):
    """One client, faults of one kind for a while. Returns how often they struck, and how often books were compared."""
    rng = random.Random(f"live/{kind}/{seed}")
    is_seen = kind not in UNSEEN
    max_silence_s = rng.choice((3, 10))
    max_age_s = max_silence_s + 0.3 if kind in TOLD else math.inf
    exchange = {"seed": seed, "rate": rng.choice((2, 5, 20)), "latency_s": rng.choice(((0, 0), (0, 0.2)))}
    client = {
        "markets_per_connection": rng.choice((2, 10_000)),
        "audit_s": rng.choice((3, 20)) if is_seen else 3,
        "max_silence_s": max_silence_s,
    }

    async def main():
        async with served(**exchange) as server, client_of(server, **client) as live:
            truth = Truth(server.exchange)
            planted = [server.faults.add(draw(kind, rng)) for _ in range(rng.randrange(1, 3))]
            # What nobody would notice by itself, and what makes frames and commands that are rare.
            if kind in AT_THE_DOOR:
                server.faults.abort(every_s=3, times=3)
            if kind in AT_RECOVERY:
                server.faults.drop(every_s=2, times=5)
            if issubclass(FAULT_KINDS[kind], faults.Picker) and rng.getrandbits(1):
                server.faults.abort(after_s=rng.randrange(1, FAULTY_S - 2))
            for _ in range(FAULTY_S * 8):
                await asyncio.sleep(0.125)
                if is_seen:
                    truth.check(live, max_age_s=max_age_s)
            server.faults.clear()
            stir(server)
            await asyncio.sleep(1 if is_seen else AUDITED_S)
            await settled(live, server, timeout_s=900)
            stir(server)
            await asyncio.sleep(2)
            await settled(live, server)
            assert live.metrics.counts[kb.Kind.DELTA, kb.Effect.APPLIED] > 0
            return sum(each.happened for each in planted), truth.checks

    return run(main(), seed=seed)


@pytest.mark.parametrize("first", range(0, SEEDS, PER_TEST))
@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_every_fault_is_survived_and_no_live_book_is_wrong(kind, first):
    happened = checks = 0
    for seed in range(first, min(first + PER_TEST, SEEDS)):
        try:
            struck, checked = live_through(kind, seed)
        except BaseException as error:
            error.args = (*error.args, f"seed {seed}")
            raise
        happened, checks = happened + struck, checks + checked
    assert happened > 0
    assert checks > 0 or kind in UNSEEN
