"""The families of faults: when one strikes, and what it can be told to be after.

A *picker* strikes frames, deltas or commands that fit its selectors: the next one, the n-th, the next ``times``, or at
random moments ``every_s`` apart. A *moment* happens once, at ``at_s`` or ``after_s``, or again and again ``every_s`` apart.
A *span* begins so, and lasts ``for_s`` or until it is cancelled. Chance comes from a seed.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from ..errors import UsageError
from .fault_options import Seconds, check, text, written


def _kind(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag=_kind):
    """Something that can go wrong.

    Attributes:
        at_s, after_s: when it begins: seconds after the exchange's start, or after it is put in. At most one of them.
        every_s: the mean of the random spans between its strikes.
        times: how often it strikes at most.

    Raises:
        UsageError: an option is out of range, or two of them contradict each other.
        TypeError: an option of a wrong type.
    """

    at_s: Seconds | None = None
    after_s: Seconds | None = None
    every_s: Seconds | None = None
    times: int | None = None

    @property
    def kind(self) -> str:
        """Its name in text and in the log."""
        return str(self.__struct_config__.tag)

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None:
                check(self.kind, each.name, value)
            elif each.default is not None:
                raise TypeError(f"{self.kind}: {each.name} must be given")
        if self.at_s is not None and self.after_s is not None:
            raise UsageError(f"{self.kind}: a fault begins at_s or after_s, not both")

    def __str__(self) -> str:
        values = [(each, getattr(self, each.name)) for each in in_order(type(self))]
        shown = ",".join(f"{written(each.name)}={text(each.name, value)}" for each, value in values if value != each.default)
        return f"{self.kind}:{shown}" if shown else self.kind


class Picker(Fault, frozen=True, kw_only=True):
    """A fault that strikes one of those that fit, on any connection unless it names one."""

    connection: int | None = None
    market_ticker: str | None = None
    nth: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nth is not None and (self.every_s is not None or self.times is not None):
            raise UsageError(f"{self.kind}: nth strikes one alone; leave out every_s and times")


class Moment(Fault, frozen=True, kw_only=True):
    """A fault that happens at a time of its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.times is not None and self.every_s is None:
            raise UsageError(f"{self.kind}: it happens once; times goes with every_s")


class Span(Moment, frozen=True, kw_only=True):
    """A fault that lasts."""

    for_s: Seconds | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every_s is not None and self.for_s is None:
            raise UsageError(f"{self.kind}: every_s needs for_s, or the first would never end")


class FrameFault(Picker, frozen=True, kw_only=True):
    """What the way does to a frame."""

    sid: int | None = None
    seq: int | None = None
    type: str | None = None


class CommandFault(Picker, frozen=True, kw_only=True):
    """What the exchange does wrong with a command. It fits a market where the command names it."""

    cmd: str | None = None
    action: str | None = None


class ConnectionSpan(Span, frozen=True, kw_only=True):
    """A span of one connection, or of all, those made while it lasts included."""

    connection: int | None = None

    @property
    def strikes_open_only(self) -> bool:
        """Whether it strikes, where it names no connection, those alone that are open when it begins."""
        return False


class ConnectionMoment(Moment, frozen=True, kw_only=True):
    """Something that happens to one connection, or to all."""

    connection: int | None = None


def in_order(kind: type[Fault]) -> list[FieldInfo]:
    """Give the options of a kind, its own first."""
    return sorted(fields(kind), key=lambda each: each.name in Fault.__struct_fields__)
