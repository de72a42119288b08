"""Exact local order books for the Kalshi exchange.

>>> import kalshi_book as kb
>>> feed = kb.Feed()
>>> update = feed.receive(b'{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"KXDEMO-26-A",'
...                       b'"yes_dollars_fp":[["0.4100","120.00"]],"no_dollars_fp":[["0.5500","40.00"]]}}')
>>> update.book.best_yes_bid(), update.book.best_yes_ask()
(Level($0.4100 x 120.00), Level($0.4500 x 40.00))
"""

import importlib as _importlib
from pathlib import Path as _Path
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING

from . import events, messages
from ._backend import IMPLEMENTATION, Level, Update
from ._version import __version__
from .book import BookSnapshot, LastKnown, OrderBook
from .display import ladder
from .errors import (
    AuditDifference,
    BookNotLive,
    Contradiction,
    FeedError,
    KalshiBookError,
    MalformedFrame,
    OwnSizeUnknown,
    TapeError,
    UnknownMarket,
    UsageError,
)
from .feed import Books, Feed
from .interest import ChannelStatus
from .kinds import Effect, Kind, MarketState, StaleReason, State
from .market import Market
from .messages import decode
from .messages.commands import Command, ListSubscriptions, Subscribe, Unsubscribe, UpdateSubscription
from .messages.lifecycle import PriceRange
from .orders import OwnOrder
from .pace import Pace
from .perps import LastKnownPerps, PerpsBook
from .readings import Depth
from .tape.replay import Replay, TapeProblem, replay

if TYPE_CHECKING:
    from . import sim as sim

__all__ = [
    "IMPLEMENTATION",
    "SAMPLE_TAPE",
    "AuditDifference",
    "BookNotLive",
    "BookSnapshot",
    "Books",
    "ChannelStatus",
    "Command",
    "Contradiction",
    "Depth",
    "Effect",
    "Feed",
    "FeedError",
    "KalshiBookError",
    "Kind",
    "LastKnown",
    "LastKnownPerps",
    "Level",
    "ListSubscriptions",
    "MalformedFrame",
    "Market",
    "MarketState",
    "OrderBook",
    "OwnOrder",
    "OwnSizeUnknown",
    "Pace",
    "PerpsBook",
    "PriceRange",
    "Replay",
    "StaleReason",
    "State",
    "Subscribe",
    "TapeError",
    "TapeProblem",
    "UnknownMarket",
    "Unsubscribe",
    "Update",
    "UpdateSubscription",
    "UsageError",
    "__version__",
    "decode",
    "events",
    "ladder",
    "messages",
    "replay",
]

SAMPLE_TAPE = _Path(__file__).with_name("data") / "sample.ndjson.gz"
"""A small recording that the package's own flow made, to try things on."""


def __getattr__(name: str) -> _ModuleType:
    """Load ``kalshi_book.sim`` when it is touched: the simulated exchange is for tests, and nobody else pays for it."""
    if name == "sim":
        return _importlib.import_module(".sim", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
