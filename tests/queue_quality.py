"""How far off the estimate of the queue ahead is, beside the bounds: ``PYTHONPATH=tests python tests/queue_quality.py``.

In the market of ``queue_world.py``, whose true queue is known, over 200 seeds: at each frame at which the place is not
exact, how far each answer is from the truth, in contracts. docs/queue.md shows the table.
"""

import sys

import kalshi_book as kb
from queue_world import World

CROWDS = {"anywhere": [World.leave, World.shrink], "newest first": [World.leave_newest] * 2}


def measure(leaving, seeds):
    """Give what is off by how much on average, and the number of frames."""
    actions = [World.join] * 3 + leaving + [World.trade] * 2 + [World.elsewhere, World.place_mine]
    open_ = []
    for seed in range(seeds):
        found = World(kb, seed, lag=0, own=False, actions=actions).run(250).found
        open_ += [(ahead, true) for ahead, true in found if ahead.low_e2 < ahead.high_e2]
    answers = {
        "estimate": lambda ahead: ahead.estimate_e2,
        "half-way": lambda ahead: (ahead.low_e2 + ahead.high_e2) / 2,
        "low": lambda ahead: ahead.low_e2,
        "high": lambda ahead: ahead.high_e2,
    }
    off = {name: sum(abs(answer(ahead) - true) for ahead, true in open_) for name, answer in answers.items()}
    return {name: total / len(open_) / 100 for name, total in off.items()}, len(open_)


def main(seeds=200):
    for crowd, leaving in CROWDS.items():
        off, frames = measure(leaving, seeds)
        print(f"| {crowd} | {frames:,} |", *(f"{contracts:.2f} |" for contracts in off.values()))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
