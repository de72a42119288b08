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
from typing import TYPE_CHECKING
from typing import Any as _Any

from . import events, messages
from ._backend import IMPLEMENTATION, Level, Update
from ._version import __version__
from .book import BookSnapshot, LastKnown, OrderBook
from .display import ladder
from .errors import (
    AuditDifference,
    BookNotLive,
    CommandError,
    ConnectionLost,
    ConsumerOverrun,
    Contradiction,
    FeedError,
    HandshakeRefused,
    KalshiBookError,
    MalformedFrame,
    MissingLibrary,
    NotAuthorized,
    NotInTime,
    OwnSizeUnknown,
    TapeError,
    TransportError,
    UnknownMarket,
    UnusableKey,
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
from .place import Ahead
from .queue_ahead import QueueAhead
from .readings import Depth
from .tape.replay import Replay, TapeProblem, replay
from .walk import CumulativeDepth, Walk, Walks

if TYPE_CHECKING:
    from . import live as live
    from . import sim as sim
    from . import sync as sync
    from . import tables as tables
    from .live import ConflatedUpdate as ConflatedUpdate
    from .live import Live as Live
    from .live import connect as connect

__all__ = [
    "IMPLEMENTATION",
    "SAMPLE_TAPE",
    "Ahead",
    "AuditDifference",
    "BookNotLive",
    "BookSnapshot",
    "Books",
    "ChannelStatus",
    "Command",
    "CommandError",
    "ConnectionLost",
    "ConsumerOverrun",
    "Contradiction",
    "CumulativeDepth",
    "Depth",
    "Effect",
    "Feed",
    "FeedError",
    "HandshakeRefused",
    "KalshiBookError",
    "Kind",
    "LastKnown",
    "LastKnownPerps",
    "Level",
    "ListSubscriptions",
    "MalformedFrame",
    "Market",
    "MarketState",
    "MissingLibrary",
    "NotAuthorized",
    "NotInTime",
    "OrderBook",
    "OwnOrder",
    "OwnSizeUnknown",
    "Pace",
    "PerpsBook",
    "PriceRange",
    "QueueAhead",
    "Replay",
    "StaleReason",
    "State",
    "Subscribe",
    "TapeError",
    "TapeProblem",
    "TransportError",
    "UnknownMarket",
    "Unsubscribe",
    "UnusableKey",
    "Update",
    "UpdateSubscription",
    "UsageError",
    "Walk",
    "Walks",
    "__version__",
    "decode",
    "events",
    "ladder",
    "messages",
    "replay",
]

SAMPLE_TAPE = _Path(__file__).with_name("data") / "sample.ndjson.gz"
"""A small recording that the package's own flow made, to try things on."""


_LATER = {"connect": "live", "Live": "live", "ConflatedUpdate": "live"}
"""What needs a network library, and the part of the package that has it: nobody else pays for that."""


def __getattr__(name: str) -> _Any:
    """Load the client, in both forms, the simulated exchange and the tables when they are touched."""
    if name in ("live", "sim", "sync", "tables"):
        return _importlib.import_module(f".{name}", __name__)
    if name in _LATER:
        return getattr(_importlib.import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
