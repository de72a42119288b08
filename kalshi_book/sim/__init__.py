"""A simulated exchange to test a bot with: markets that move, own orders, its truth, and whatever can go wrong.

>>> from kalshi_book import sim
>>> exchange = sim.Exchange(markets=3, seed=7)        # sans-I/O: time and bytes are passed in
>>> exchange.advance(exchange.now_ns + 60 * 10**9)    # a minute of trading
>>> order = exchange.orders.place("KXSIM-26-A", outcome_side="yes", price="0.0100", size="5")
>>> exchange.faults.drop(seq=120)                     # the frame with this number will be lost
<drop:seq=120: waits, happened 0>

``sim.serve`` puts an exchange on a loopback socket, ``sim.virtual`` on an event loop whose time is a number. Only these two
load a network library, and only when they are touched. docs/simulator.md has the whole of it.
"""

import importlib as _importlib
from typing import TYPE_CHECKING
from typing import Any as _Any

from .connection import Connection
from .exchange import Exchange
from .fault_families import Fault
from .faults import FAULT_KINDS, parse
from .rules import Rules
from .serving import Abort, Account, Blackhole, Close, Freeze, Refusal, Thaw
from .switchboard import Faults, Planted, Struck
from .tape_exchange import TapeExchange
from .truth import TrueBook

if TYPE_CHECKING:
    from .server import serve as serve

__all__ = [
    "FAULT_KINDS",
    "Abort",
    "Account",
    "Blackhole",
    "Close",
    "Connection",
    "Exchange",
    "Fault",
    "Faults",
    "Freeze",
    "Planted",
    "Refusal",
    "Rules",
    "Struck",
    "TapeExchange",
    "Thaw",
    "TrueBook",
    "parse",
]


def __getattr__(name: str) -> _Any:
    """Load what needs a network library when it is touched."""
    if name == "serve":
        return _importlib.import_module(".server", __name__).serve
    if name == "virtual":
        return _importlib.import_module(".virtual", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
