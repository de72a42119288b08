"""Exact local order books for the Kalshi exchange.

>>> import kalshi_book as kb
>>> feed = kb.Feed()
>>> update = feed.receive(b'{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"KXDEMO-26-A",'
...                       b'"yes_dollars_fp":[["0.4100","120.00"]],"no_dollars_fp":[["0.5500","40.00"]]}}')
>>> update.book.best_yes_bid(), update.book.best_yes_ask()
(Level($0.4100 x 120.00), Level($0.4500 x 40.00))
"""

from pathlib import Path as _Path

from ._backend import IMPLEMENTATION, Level, Update
from ._version import __version__
from .book import BookSnapshot, Depth, LastKnown, OrderBook
from .display import ladder
from .errors import (
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
from .kinds import Effect, Kind, MarketState, StaleReason, State
from .market import Market, PriceRange
from .messages import decode
from .orders import MarketOwn, OwnOrder, OwnOrders
from .tape.replay import Replay, TapeProblem, replay

__all__ = [
    "IMPLEMENTATION",
    "SAMPLE_TAPE",
    "BookNotLive",
    "BookSnapshot",
    "Books",
    "Contradiction",
    "Depth",
    "Effect",
    "Feed",
    "FeedError",
    "KalshiBookError",
    "Kind",
    "LastKnown",
    "Level",
    "MalformedFrame",
    "Market",
    "MarketOwn",
    "MarketState",
    "OrderBook",
    "OwnOrder",
    "OwnOrders",
    "OwnSizeUnknown",
    "PriceRange",
    "Replay",
    "StaleReason",
    "State",
    "TapeError",
    "TapeProblem",
    "UnknownMarket",
    "Update",
    "UsageError",
    "__version__",
    "decode",
    "ladder",
    "replay",
]

SAMPLE_TAPE = _Path(__file__).with_name("data") / "sample.ndjson.gz"
"""A small recording that the package's own flow made, to try things on."""
