"""What can go wrong on the simulated exchange, as values that read and write themselves as text.

``Drop(seq=120)`` is a value and does nothing by itself: ``exchange.faults`` (``switchboard.py``) puts it in. Its text is
what ``kalshi-book sim --fault`` takes: ``drop:seq=120``, ``close:code=1006,at=30s``, ``slow_link:bytes_per_s=50000``.

A kind says what goes wrong; when that is, and with whom, is said alike for all of a family (``fault_families.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import UsageError
from ..messages.vocabulary import ERROR_CODES
from .fault_families import (
    CommandFault,
    ConnectionMoment,
    ConnectionSpan,
    Fault,
    FrameFault,
    Moment,
    Picker,
    Span,
    in_order,
)
from .fault_options import OPTIONS, Option, Seconds, read, written

# Frames on their way: numbered and written, as the exchange meant them.


class Drop(FrameFault, frozen=True, kw_only=True):
    """A frame is lost on its way."""


class Double(FrameFault, frozen=True, kw_only=True):
    """A frame comes twice."""


class Delay(FrameFault, frozen=True, kw_only=True):
    """A frame comes later by that much (1 s), and whatever is behind it waits."""

    by_s: Seconds = 1


class Reorder(FrameFault, frozen=True, kw_only=True):
    """A frame is overtaken by those behind it (by 1), or comes a second later where none follows."""

    behind: int = 1


class Truncate(FrameFault, frozen=True, kw_only=True):
    """A frame is cut: its end is missing, and it parses no more."""


class WrongSnapshot(Picker, frozen=True, kw_only=True):
    """One level of a snapshot has a wrong size."""


# Deltas as the exchange writes them: nothing in the numbers shows these.


class WrongDelta(Picker, frozen=True, kw_only=True):
    """A delta has a wrong size, in a sequence without a hole."""


class LostDelta(Picker, frozen=True, kw_only=True):
    """A delta is never written and takes no number: no hole shows it."""


# Commands.


class IgnoreCommand(CommandFault, frozen=True, kw_only=True):
    """A command has no effect and no reply."""


class LoseReply(CommandFault, frozen=True, kw_only=True):
    """A command has its effect, and no reply."""


class RefuseCommand(CommandFault, frozen=True, kw_only=True):
    """A command is refused with an error code (18), and has no effect."""

    code: int = 18

    def __post_init__(self) -> None:
        super().__post_init__()
        _is_error(self.kind, self.code)


class FalseError(CommandFault, frozen=True, kw_only=True):
    """A command has its effect, and an error code (18) is all its reply."""

    code: int = 18

    def __post_init__(self) -> None:
        super().__post_init__()
        _is_error(self.kind, self.code)


# Spans of one connection, or of all.


class HoldCommands(ConnectionSpan, frozen=True, kw_only=True):
    """Commands wait until it ends."""


class DelaySnapshots(ConnectionSpan, frozen=True, kw_only=True):
    """Snapshots wait until it ends, and show the book as it is then; deltas do not wait."""


class NoSnapshots(ConnectionSpan, frozen=True, kw_only=True):
    """No snapshots are written, of one market or of all; no number is missing."""

    market_ticker: str | None = None


class Silence(ConnectionSpan, frozen=True, kw_only=True):
    """No data, while pings go on: all frames of the connections that are open, or of one sid; of a market on any."""

    sid: int | None = None
    market_ticker: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sid is not None and self.market_ticker is not None:
            raise UsageError(f"{self.kind}: a sid or a market_ticker falls silent, not both")

    @property
    def strikes_open_only(self) -> bool:
        """A connection made later speaks; a silent market is silent there too."""
        return self.connection is None and self.market_ticker is None


class HalfOpen(ConnectionSpan, frozen=True, kw_only=True):
    """Not a byte in either direction, on the connections that are open, and nobody is told."""

    @property
    def strikes_open_only(self) -> bool:
        """A connection made later works."""
        return self.connection is None


class SlowLink(ConnectionSpan, frozen=True, kw_only=True):
    """Frames pass at so many bytes a second."""

    bytes_per_s: int


# Ends of a connection, or of a subscription.


class Close(ConnectionMoment, frozen=True, kw_only=True):
    """The exchange closes: code 1001, or another; with 1006 the connection ends without a close frame."""

    code: int = 1001
    reason: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        _is_close(self.kind, self.code)
        if len(self.reason.encode()) > 123:
            raise UsageError(f"{self.kind}: a close frame has room for 123 bytes of reason, not {len(self.reason.encode())}")


class Abort(ConnectionMoment, frozen=True, kw_only=True):
    """The connection is reset."""


class Restart(ConnectionMoment, frozen=True, kw_only=True):
    """The numbers of the book subscription, or of one sid, begin at 1 again."""

    sid: int | None = None


class Overflow(ConnectionMoment, frozen=True, kw_only=True):
    """The book subscription, or that of one sid, ends with error 25: the reader was too slow."""

    sid: int | None = None


class ChannelError(ConnectionMoment, frozen=True, kw_only=True):
    """The book subscription, or that of one sid, ends with error 10."""

    sid: int | None = None


# The door, and the exchange as a whole.


class RefuseConnections(Span, frozen=True, kw_only=True):
    """New connections get an HTTP status (503) for an answer."""

    status: int = 503


class NoHandshake(Span, frozen=True, kw_only=True):
    """New connections get no answer to their handshake."""


class Maintenance(Span, frozen=True, kw_only=True):
    """Every connection is closed (1012, or another code), and new ones get status 503 until it ends."""

    code: int = 1012
    clocks_fall: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _is_close(self.kind, self.code)


class ClockStep(Moment, frozen=True, kw_only=True):
    """The exchange's clock is set: forward, or with a minus back."""

    step_s: Seconds


FAULT_KINDS: Final[Mapping[str, type[Fault]]] = {
    str(each.__struct_config__.tag): each
    for each in (
        Drop, Double, Delay, Reorder, Truncate, WrongSnapshot, WrongDelta, LostDelta,
        IgnoreCommand, LoseReply, RefuseCommand, FalseError, HoldCommands,
        DelaySnapshots, NoSnapshots, Silence, HalfOpen, SlowLink, Close, Abort, Restart, Overflow, ChannelError,
        RefuseConnections, NoHandshake, Maintenance, ClockStep,
    )
}  # fmt: skip
"""Every kind of fault by its name. A class's first line says what it does, ``options`` what it takes."""


def options(kind: str) -> dict[str, Option]:
    """Tell what a kind of fault takes, by the names in text, those of its own first.

    Raises:
        KeyError: there is no such kind.
    """
    return {written(each.name): OPTIONS[each.name] for each in in_order(FAULT_KINDS[kind])}


def parse(text: str) -> Fault:
    """Read a fault: ``kind`` or ``kind:option=value,option=value``. ``str`` of what it gives is the text again.

    Raises:
        UsageError: no such kind or option, a value that cannot be read or is out of range.

    >>> parse("close:code=1006,at=30s")
    Close(at_s=30, after_s=None, every_s=None, times=None, connection=None, code=1006, reason='')
    >>> str(parse("drop: every=1m"))
    'drop:every=60s'
    """
    kind, _, rest = (part.strip() for part in text.partition(":"))
    if kind not in FAULT_KINDS:
        raise UsageError(f"expected a fault of {', '.join(FAULT_KINDS)}, found {kind!r}")
    known = {written(each.name): each.name for each in in_order(FAULT_KINDS[kind])}
    given: dict[str, Any] = {}
    for part in rest.split(",") if rest else ():
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in known:
            raise UsageError(f"{kind}: expected option=value with an option of {', '.join(known)}, found {part.strip()!r}")
        if known[key] in given:
            raise UsageError(f"{kind}: {key} is given twice")
        given[known[key]] = read(kind, known[key], value)
    try:
        return FAULT_KINDS[kind](**given)
    except TypeError as error:  # a required option that is missing: values have their types already
        raise UsageError(f"{kind}: {error}") from None


def _is_error(kind: str, code: int) -> None:
    if code not in ERROR_CODES:
        raise UsageError(f"{kind}: expected an error code of 1..{max(ERROR_CODES)}, found {code}")


def _is_close(kind: str, code: int) -> None:
    # RFC 6455, 7.4, and the codes registered since: what can be sent, and two that stand for what is not sent.
    if not (1000 <= code <= 1014 and code != 1004) and not 3000 <= code <= 4999:
        raise UsageError(f"{kind}: expected a close code of 1000..1003, 1005..1014 or 3000..4999, found {code}")
