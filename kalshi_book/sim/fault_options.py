"""The options of faults: what each means, takes and looks like as text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from ..errors import UsageError
from ..units import shown

Seconds: TypeAlias = int | float

SECOND_NS: Final = 1_000_000_000


class Option(Struct, frozen=True):
    """What one option of a fault takes.

    Attributes:
        type: how it is written: ``"seconds"`` (``30s``, ``250ms``, ``2m``, ``1h``), ``"whole"``, ``"text"`` or ``"flag"``
            (``yes``, ``no``).
        what: its meaning.
        least, most: the range of a number.
    """

    type: Literal["seconds", "whole", "text", "flag"]
    what: str
    least: float = 0
    most: float = 1e9


OPTIONS: Final[Mapping[str, Option]] = {
    "at_s": Option("seconds", "when it begins, counted from the exchange's start"),
    "after_s": Option("seconds", "when it begins, counted from now"),
    "every_s": Option("seconds", "again and again at random, so far apart on average", 1e-9),
    "for_s": Option("seconds", "how long it lasts; left out: until it is cancelled", 1e-9),
    "by_s": Option("seconds", "how much later"),
    "step_s": Option("seconds", "how far forward; below 0, back", -1e9),
    "times": Option("whole", "how often at most; left out: once, or with `every` without end", 1),
    "nth": Option("whole", "not the next one that fits, but the n-th", 1),
    "connection": Option("whole", "the number of the connection, from 1; left out: any, or all", 1),
    "sid": Option("whole", "the subscription", 1),
    "seq": Option("whole", "the frame's number", 1),
    "market_ticker": Option("text", "the market"),
    "type": Option("text", "the frame's type, such as `orderbook_delta`"),
    "cmd": Option("text", "the command, such as `subscribe`"),
    "action": Option("text", "the action of an `update_subscription`, such as `get_snapshot`"),
    "behind": Option("whole", "how many frames overtake it", 1),
    "code": Option("whole", "the error code, or the code of the close frame", 1),
    "reason": Option("text", "the reason in the close frame"),
    "status": Option("whole", "the status of the HTTP answer", 400, 599),
    "bytes_per_s": Option("whole", "the speed of the link", 1),
    "clocks_fall": Option("flag", "the markets' clocks begin anew"),
}
"""Every option by its name in Python. In text the ``_s`` of those in seconds is left out: ``at=30s``."""


_SPAN = re.compile(r"(-?[0-9]{1,18}(?:\.[0-9]{1,18})?(?:e-?[0-9]{1,2})?)(us|ms|s|m|h)?", re.ASCII)
_UNITS: Final = {"us": 1_000_000, "ms": 1_000, "s": 1, "": 1}
_LONG_UNITS: Final = {"m": 60, "h": 3_600}


def read(kind: str, name: str, text: str) -> object:
    """Read one value."""
    expected = OPTIONS[name].type
    if expected == "seconds" and (match := _SPAN.fullmatch(text)):
        digits, unit = match.groups("")
        number = int(digits) if re.fullmatch(r"-?[0-9]+", digits) else float(digits)
        seconds = number * _LONG_UNITS[unit] if unit in _LONG_UNITS else number / _UNITS[unit]
        return int(seconds) if abs(seconds) < 1e15 and seconds == int(seconds) else seconds
    if expected == "whole" and re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        return int(text)
    if expected == "flag" and text in ("yes", "no"):
        return text == "yes"
    if expected == "text" and text:
        return text
    wanted = {"seconds": "a time such as 30s, 250ms or 2m", "whole": "a whole number", "flag": "yes or no", "text": "a text"}
    raise UsageError(f"{kind}: expected {written(name)} to be {wanted[expected]}, found {shown(text)}")


def check(kind: str, name: str, value: object) -> None:
    """Make sure that a value has its type and lies in its range."""
    option = OPTIONS[name]
    types: dict[str, tuple[type, ...]] = {"seconds": (int, float), "whole": (int,), "text": (str,), "flag": (bool,)}
    if type(value) not in types[option.type]:
        raise TypeError(
            f"{kind}: {name} must be {' or '.join(t.__name__ for t in types[option.type])}, not {type(value).__name__}"
        )
    if isinstance(value, str):
        if "," in value or value != value.strip():
            raise UsageError(f"{kind}: {name} is a text without a comma or spaces around it, not {shown(value)}")
    elif isinstance(value, (int, float)) and not (option.least <= value <= option.most and math.isfinite(value)):
        raise UsageError(f"{kind}: {name} lies in {option.least:g}..{option.most:g}, and is not {shown(value)}")


def written(name: str) -> str:
    """Give the name of an option in text."""
    return name[:-2] if OPTIONS[name].type == "seconds" else name


def text(name: str, value: object) -> str:
    """Write the value of an option."""
    if OPTIONS[name].type == "flag":
        return "yes" if value else "no"
    return f"{value}s" if OPTIONS[name].type == "seconds" else str(value)


def nanoseconds(seconds: Seconds) -> int:
    """Turn seconds into whole nanoseconds."""
    return round(seconds * SECOND_NS)
