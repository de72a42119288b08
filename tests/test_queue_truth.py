"""In a market where everybody does anything and channels come when they like, the truth is always within the bounds.

``queue_world.py`` is that market. ``KALSHI_BOOK_QUEUE_SEEDS=300`` looks further; ``queue_quality.py`` measures how far off
the estimate is.
"""

import os
from collections import Counter

import pytest

from queue_world import CHANNELS, World

SEEDS = int(os.environ.get("KALSHI_BOOK_QUEUE_SEEDS", "3"))
ALL_MARKS = ("placement", "cancel", "decrease", "amend", "expiry", "maker_fill", "taker_fill")

WORLDS = {
    "no frame waits": {"lag": 0},
    "channels apart": {},
    "others let their orders grow": {"grow": True},
    "frames are lost": {"lose": 0.02},
    "all of it": {"lag": 12, "lose": 0.02, "grow": True},
    "fills of own orders are marked": {"own_marks": ALL_MARKS},
    "without fills and orders": {"channels": CHANNELS[:2]},
    "the book alone": {"channels": CHANNELS[:1]},
}


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_the_truth_is_always_within_the_bounds(kb, world):
    checks = Counter()
    for seed in range(SEEDS):
        checks.update(World(kb, seed, **world).run(250).checks)
    assert checks["exact"] > 50 * SEEDS and checks["between"] > 50 * SEEDS  # it says something, and not by luck
    if "lose" in world:
        assert checks["not live"]


def test_where_only_trades_and_new_orders_happen_the_place_is_exact(kb):
    """What determines it makes it exact, as soon as the book is past the last trade."""
    actions = [World.join] * 2 + [World.trade] * 2 + [World.place_mine]
    answers = 0
    for seed in range(SEEDS):
        world = World(kb, seed, lag=0, own=False, actions=actions)
        for _ in range(100):
            world.run(1)
            world.exchange.advance(world.exchange.now_ns + 1_000_000)
            world.elsewhere()
            world.pump()
            world.deliver_all()
            ahead = world.queue.ahead
            assert ahead is None or ahead.low_e2 == ahead.high_e2 == ahead.estimate_e2
            answers += ahead is not None
    assert answers > 50 * SEEDS


def test_where_everything_is_known_there_is_always_an_answer(kb):
    for seed in range(SEEDS):
        checks = World(kb, seed, lag=0).run(250).checks
        assert not checks["not_placed"]
