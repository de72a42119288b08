"""Who is measured: one short file for each way to keep a book, driven as its own documentation drives it.

These files run in worker processes, in the environment of the package that they drive, which holds nothing else of ours:
they import the standard library, each other and that package.

A contender of frames has ``open(opening)``, ``run(frames)`` (what is timed: each frame applied, then both best prices read)
and ``top(frame)`` (the same for one frame, giving ``(best YES bid, best YES ask)`` in $0.0001, or None for nobody). A
contender of books has the same three, with levels and changes ``(side, price_e4, delta_e2)`` in place of frames, and
``reads``: expressions that a reader would write, as they stand in its code.
"""

from __future__ import annotations

import importlib
import runpy
from dataclasses import dataclass, field
from typing import Any

OURS = "kalshi_book"
PURE = {"KALSHI_BOOK_PURE": "1"}


@dataclass(frozen=True)
class Entry:
    """One contender.

    Attributes:
        name: in tables.
        where: ``module:class`` in this folder, or ``path/of/file.py:class``.
        peer: the environment that it needs (``peers.PEERS``); None: that of kalshi_book itself.
        note: what is done by hand, or not done.
        environ: variables of its process.
        distributions: the packages whose versions stand beside it.
        is_floor: it keeps no book; it says what the work costs at least.
    """

    name: str
    where: str
    peer: str | None = None
    note: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    distributions: tuple[str, ...] = ()
    is_floor: bool = False

    def make(self) -> Any:
        """Import the class and make one. Here and not above: what it needs may not be installed."""
        module, _, name = self.where.rpartition(":")
        if module.endswith(".py"):
            return runpy.run_path(module)[name]()
        return getattr(importlib.import_module(f"{__name__}.{module}"), name)()


FRAMES = (
    Entry(OURS, "ours:Frames", distributions=("kalshi-book", "msgspec")),
    Entry("no-op call", "floors:NoOp", note="the loop and a call that does nothing", is_floor=True),
    Entry("bare msgspec decode", "floors:Decode", note="our fields, no book", distributions=("msgspec",), is_floor=True),
    Entry("kalshi_book, plain twin", "ours:Frames", environ=PURE, distributions=("kalshi-book",)),
    Entry("json + dict", "dicts:Json", note="by hand, max() for the best; no sequence check"),
    Entry("orjson + dict", "dicts:Orjson", note="the same", distributions=("orjson",)),
    Entry("msgspec + dict", "dicts:Msgspec", note="the same, typed", distributions=("msgspec",)),
    Entry("synpath, its Rust call", "synpath:Bare", "synpath", "no sequence check", distributions=("synpath",)),
    Entry("synpath", "synpath:Shipped", "synpath", "as shipped", distributions=("synpath",)),
    Entry("pykalshi", "pykalshi:Frames", "pykalshi", "as shipped; no sequence check", distributions=("pykalshi",)),
    Entry(
        "kalshi-sdk", "kalshi_sdk:Frames", "kalshi-sdk",
        "as shipped, the book read; given no `ok`, whose number it takes for a gap", distributions=("kalshi-sdk",),
    ),
    Entry(
        "kalshi-simple-ws-orderbook", "simple:Frames", "kalshi-simple-ws-orderbook",
        "json; cents frames only; no sequence check", distributions=("kalshi-simple-ws-orderbook",),
    ),
    Entry(
        "ccxt's book", "ccxt_book:Frames", "ccxt", "by hand with orjson; no sequence check",
        distributions=("ccxt", "orjson"),
    ),
    Entry(
        "cryptofeed's book", "order_book_c:Frames", "order-book", "by hand with orjson; no sequence check",
        distributions=("order-book", "orjson"),
    ),
    Entry(
        "nautilus_trader", "nautilus:Frames", "nautilus_trader", "by hand with msgspec; no sequence check",
        distributions=("nautilus_trader", "msgspec"),
    ),
)  # fmt: skip

BOOKS = (
    Entry(OURS, "ours:Book", distributions=("kalshi-book",)),
    Entry("three no-op calls", "floors:ThreeNoOps", is_floor=True),
    Entry("kalshi_book, plain twin", "ours:Book", environ=PURE, distributions=("kalshi-book",)),
    Entry("dict, cached best", "dicts:CachedBook", note="by hand, inline"),
    Entry("dict + max()", "dicts:MaxBook", note="by hand, inline"),
    Entry("numpy ladder", "numpy_ladder:Book", note="by hand: a cell for each price", distributions=("numpy",)),
    Entry("SortedDict", "sorted_dict:Book", distributions=("sortedcontainers",)),
    Entry("order-book, int keys", "order_book_c:Book", "order-book", distributions=("order-book",)),
    Entry("order-book, Decimal keys", "order_book_c:DecimalBook", "order-book", distributions=("order-book",)),
    Entry("nautilus, deltas made before", "nautilus:PreparedBook", "nautilus_trader", distributions=("nautilus_trader",)),
    Entry("nautilus, making its deltas", "nautilus:Book", "nautilus_trader", distributions=("nautilus_trader",)),
    Entry("limit-order-book", "limit_order_book:Book", "limit-order-book", distributions=("limit-order-book",)),
    Entry(
        "hftbacktest's depth",
        "hftbacktest_depth:Book",
        "hftbacktest",
        "in its backtest's compiled loop, no Python in between",
        distributions=("hftbacktest", "numba"),
    ),
)
