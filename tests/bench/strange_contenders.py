"""Contenders as the harness must be able to catch them: run in a worker process, from this file."""

import os

from contenders.dicts import Json


class Right(Json):
    def run(self, frames):
        print("what a package prints must not get into the answers")
        super().run(frames)


class Wrong(Json):
    """Forgets what it knew of the best bid on every tenth frame."""

    def open(self, opening):
        self.count = 0
        super().open(opening)

    def top(self, frame):
        self.count += 1
        bid, ask = super().top(frame)
        return (None, ask) if self.count % 10 == 0 else (bid, ask)


class Raises(Json):
    def open(self, opening):
        super().open(opening)
        raise ValueError("a side of three levels is not supported")


class RaisesLate(Right):
    def run(self, frames):
        if len(frames) > 1 and b'"seq":1,' not in frames[0]:
            raise RuntimeError("the queue is full")
        super().run(frames)


class Dies(Json):
    def top(self, frame):
        os._exit(3)


class Missing(Json):
    def __init__(self):
        import a_package_that_nobody_installed  # noqa: F401
