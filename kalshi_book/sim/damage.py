"""What a fault makes of a frame, a delta or a command: pure functions of it and of the fault's own chances."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from msgspec.structs import replace

from ..units import contracts_e2, size_text
from .commands import Command
from .fault_families import CommandFault, FrameFault, Picker
from .faults import WrongSnapshot
from .happenings import LevelChanged
from .wire import Frame


def fits_frame(fault: Picker, frame: Frame, connection: int) -> bool:
    """Tell whether a frame is one that the fault is after."""
    if fault.connection not in (None, connection) or fault.market_ticker not in (None, frame.market_ticker):
        return False
    if isinstance(fault, FrameFault):
        return fault.sid in (None, frame.sid) and fault.seq in (None, frame.seq) and fault.type in (None, frame.type)
    return not isinstance(fault, WrongSnapshot) or (frame.type == "orderbook_snapshot" and b"[[" in frame.payload)


def fits_command(fault: CommandFault, command: Command, connection: int) -> bool:
    """Tell whether a command is one that the fault is after."""
    params: dict[str, Any] = command.params if isinstance(command.params, dict) else {}
    if fault.connection not in (None, connection) or fault.cmd not in (None, command.cmd):
        return False
    if fault.market_ticker is not None:
        tickers = params.get("market_tickers")
        if fault.market_ticker != params.get("market_ticker") and fault.market_ticker not in (
            tickers if isinstance(tickers, list) else ()
        ):
            return False
    return fault.action in (None, params.get("action"))


def cut(payload: bytes, rng: random.Random) -> bytes:
    """Leave out the end of a frame, its last brace at least: so what is left is no JSON."""
    return payload[: rng.randrange(1, payload.rindex(b"}") + 1)]


def wrong_size(payload: bytes, rng: random.Random) -> bytes:
    """Change the size of one level of a snapshot by whole contracts; it stays above 0."""
    content = msgspec.json.decode(payload)
    msg: dict[str, Any] = content["msg"]
    sides = [side for side in ("yes", "no") if any(_is_of(side, name, value) for name, value in msg.items())]
    side = sides[rng.randrange(len(sides))]
    ladders = [value for name, value in msg.items() if _is_of(side, name, value)]
    place, off = rng.randrange(len(ladders[0])), 1 + rng.randrange(200)
    size_e2 = contracts_e2(ladders[-1][place][1])
    if rng.getrandbits(1) and size_e2 > 100 * off:
        off = -off
    for ladder in ladders:  # an era may tell the same size twice
        size = ladder[place][1]
        ladder[place][1] = size + off if isinstance(size, int) else size_text(contracts_e2(size) + 100 * off)
    return msgspec.json.encode(content) + (b"\n" if payload.endswith(b"\n") else b"")


def _is_of(side: str, name: str, value: object) -> bool:
    return name.startswith(side) and isinstance(value, list) and bool(value)


def wrong_delta(change: LevelChanged, rng: random.Random) -> LevelChanged:
    """Change a delta by whole contracts; it does not become 0."""
    off_e2 = 100 * (1 + rng.randrange(200)) * (1 if rng.getrandbits(1) else -1)
    if change.delta_e2 + off_e2 == 0:
        off_e2 *= 2
    return replace(change, delta_e2=change.delta_e2 + off_e2)
