"""Fields that nothing depends on: read as what they should be, and as None when they are anything else.

What a message needs is our own list (feed rule F22). A field outside it must never cost a frame, so its text is kept
first (as for a field that we do not know) and read afterwards; a type checker sees the type that is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, Raw, Struct

if TYPE_CHECKING:
    OptionalInt = int | None
    OptionalStr = str | None
    OptionalTexts = list[str] | None
    Loose = object
else:
    OptionalInt = OptionalStr = OptionalTexts = Loose = Raw

_NOT_READ = (msgspec.DecodeError, UnicodeError, RecursionError)


class _Unreadable:
    """Stands for a value that is there and cannot be read: present, and never a number or a text."""

    def __repr__(self) -> str:
        return "what no reader can hold"


UNREADABLE = _Unreadable()


def int_or_none(value: object) -> int | None:
    """Keep a whole number that fits 64 bits, drop everything else."""
    value = plain(value)
    return value if type(value) is int and -(2**63) < value < 2**63 else None


def str_or_none(value: object) -> str | None:
    """Keep a text, drop everything else."""
    value = plain(value)
    return value if isinstance(value, str) else None


def texts_or_none(value: object) -> list[str] | None:
    """Keep a list of texts, drop everything else."""
    value = plain(value)
    return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else None


def plain(value: object) -> object:
    """Read the text of a field, where it is one; UNREADABLE where no reader can hold what it says (1e999, say)."""
    if not isinstance(value, Raw):
        return value
    try:
        return msgspec.json.decode(value)
    except _NOT_READ:
        return UNREADABLE


def first_present(*values: object) -> object:
    """Give the first value that is neither absent nor null, else None."""
    for value in values:
        if value is not UNSET and value is not None:
            return value
    return None


class Envelope(Struct, kw_only=True):
    """What may stand at the top of every message.

    Attributes:
        id: the command that this answers, or None (the exchange writes 0 for none, too).
        sending_ts_ms: when the exchange queued the message, unix milliseconds (since 2026-10-01), or None.
    """

    id: OptionalInt = None
    sending_ts_ms: OptionalInt = None

    def __post_init__(self) -> None:
        self.id = int_or_none(self.id) or None
        self.sending_ts_ms = int_or_none(self.sending_ts_ms)
