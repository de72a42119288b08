"""No books: what the loop, a call and the bare decode cost, beside which a book is to be judged."""

from __future__ import annotations

from kalshi_book.messages import hot_decode

from .wire import Change, Levels


class NoOp:
    """Call something that does nothing."""

    takes = bytes

    def open(self, opening: list[bytes]) -> None:
        pass

    def run(self, frames: list[bytes]) -> None:
        call = callable
        for frame in frames:
            call(frame)


class Decode:
    """Decode into the fields that the feed reads, and let them go."""

    takes = bytes

    def open(self, opening: list[bytes]) -> None:
        pass

    def run(self, frames: list[bytes]) -> None:
        decode = hot_decode
        for frame in frames:
            decode(frame)


class ThreeNoOps:
    """Three C calls without arguments that do nothing: ``frozenset().copy()`` gives itself back."""

    def open(self, yes: Levels, no: Levels) -> None:
        pass

    def run(self, changes: list[Change]) -> None:
        nothing = frozenset[int]()
        for _side, _price_e4, _delta_e2 in changes:
            nothing.copy()
            nothing.copy()
            nothing.copy()
