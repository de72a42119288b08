"""What the spans that last now make of one connection."""

from __future__ import annotations

from msgspec import Struct

from . import faults
from .switchboard import Faults


class Effects(Struct, frozen=True):
    """What faults that last do to a connection: the sum of them."""

    is_frozen: bool = False
    holds_commands: bool = False
    delays_snapshots: bool = False
    bytes_per_s: int | None = None
    is_silent: bool = False
    silent_sids: frozenset[int] = frozenset()
    silent_markets: frozenset[str] = frozenset()
    without_snapshots: frozenset[str | None] = frozenset()


def effects(board: Faults, number: int) -> Effects:
    """Collect what the spans that last now make of a connection. The slowest link counts."""
    mine = [each.fault for each in board.spans if each.is_on_connection(number)]
    silences = [fault for fault in mine if isinstance(fault, faults.Silence)]
    return Effects(
        is_frozen=any(isinstance(fault, faults.HalfOpen) for fault in mine),
        holds_commands=any(isinstance(fault, faults.HoldCommands) for fault in mine),
        delays_snapshots=any(isinstance(fault, faults.DelaySnapshots) for fault in mine),
        bytes_per_s=min((fault.bytes_per_s for fault in mine if isinstance(fault, faults.SlowLink)), default=None),
        is_silent=any(fault.sid is None and fault.market_ticker is None for fault in silences),
        silent_sids=frozenset(fault.sid for fault in silences if fault.sid is not None),
        silent_markets=frozenset(fault.market_ticker for fault in silences if fault.market_ticker is not None),
        without_snapshots=frozenset(fault.market_ticker for fault in mine if isinstance(fault, faults.NoSnapshots)),
    )
