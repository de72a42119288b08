"""Readings: what a message means, exactly, as attributes beside the fields of the wire.

A message is two tables. Its body lists the fields of the wire, its class the readings: which field holds a number, in
which unit, and what to read where that field is absent (older shapes). ``needed`` readings are always there, since a frame
without one is malformed; ``optional`` ones are None where nothing exact can be read.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from .. import units
from ..errors import MalformedFrame
from .book import Side

if TYPE_CHECKING:
    from typing_extensions import Self

Value = TypeVar("Value")
Way = tuple[str, Callable[[object], Value]]
"""A field of the wire, and what reads it: it raises ``ValueError`` on anything that it cannot read exactly."""


class Plain(Generic[Value]):
    """A field of the body, as it is: ``ts_ms = Plain[int | None]()``.

    Args:
        field: its name on the wire, where that is another one.
    """

    def __init__(self, field: str = "") -> None:
        self.field = field

    def __set_name__(self, owner: type, name: str) -> None:
        self.field = self.field or name

    @overload
    def __get__(self, message: None, owner: type) -> Self: ...
    @overload
    def __get__(self, message: object, owner: type) -> Value: ...
    def __get__(self, message: Any, owner: type) -> Any:
        return self if message is None else getattr(message.msg, self.field)


class Reading(Generic[Value]):
    """What a message says, from the first of its fields that is there."""

    def __init__(self, ways: tuple[Way[Any], ...], *, is_needed: bool) -> None:
        self.ways = ways
        self.is_needed = is_needed

    @overload
    def __get__(self, message: None, owner: type) -> Self: ...
    @overload
    def __get__(self, message: object, owner: type) -> Value: ...
    def __get__(self, message: Any, owner: type) -> Any:
        if message is None:
            return self
        try:
            return self.read(getattr(message, "msg", message))
        except ValueError as error:
            if self.is_needed:
                raise malformed(message, str(error)) from None
            return None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the wire that it may stand in."""
        return tuple(field for field, _ in self.ways)

    def read(self, body: object) -> Value:
        """Read it from the fields of a body.

        Raises:
            ValueError: none of the fields is there, or the first that is cannot be read exactly.
        """
        for field, read in self.ways:
            value = getattr(body, field)
            if value is not None:
                try:
                    return read(value)  # type: ignore[no-any-return]
                except ValueError as error:
                    raise ValueError(f"{field}: {error}") from None
        raise ValueError(f"expected {' or '.join(self.fields)}, found none")


class Direction(Reading[Side]):
    """Which outcome an order or a fill is for: ``outcome_side``, or the older words for it.

    Bid is yes and ask is no. Buy-yes and sell-no are yes, buy-no and sell-yes are no: a ``side`` without its ``action`` says
    nothing. Source: the exchange's AsyncAPI text, read 2026-10-26.
    """

    def __init__(self) -> None:
        super().__init__((("outcome_side", _outcome), ("book_side", _outcome_of_book_side)), is_needed=True)

    def read(self, body: Any) -> Side:
        """Read it; see ``Reading.read``."""
        if body.outcome_side is not None or body.book_side is not None:
            return super().read(body)
        if body.action is None or body.side is None:
            raise ValueError("expected outcome_side or book_side or side with action, found none")
        if body.side not in ("yes", "no"):
            raise ValueError(f"side: expected 'yes' or 'no', found {units.shown(body.side)}")
        if not isinstance(body.action, str) or body.action not in _IS_SALE:
            raise ValueError(f"action: expected a word for buying or selling, found {units.shown(body.action)}")
        return "yes" if (body.side == "no") is _IS_SALE[body.action] else "no"


_IS_SALE = {"buy": False, "sell": True, "sell_partial": True, "sell_to_close": True}


def _outcome(value: object) -> Side:
    if value == "yes":
        return "yes"
    if value == "no":
        return "no"
    raise ValueError(f"expected 'yes' or 'no', found {units.shown(value)}")


def _outcome_of_book_side(value: object) -> Side:
    if value == "bid":
        return "yes"
    if value == "ask":
        return "no"
    raise ValueError(f"expected 'bid' or 'ask', found {units.shown(value)}")


def needed(*ways: Way[Value]) -> Reading[Value]:
    """Read the first of these that is there; a frame without any, or with one that is not exact, is malformed."""
    return Reading(ways, is_needed=True)


def optional(*ways: Way[Value]) -> Reading[Value | None]:
    """Read the first of these that is there; None where there is none, or it is not exact."""
    return Reading(ways, is_needed=False)


def dollars(field: str) -> Way[int]:
    """A price in dollars, as price_e4."""
    return field, units.dollars_e4


def cents(field: str) -> Way[int]:
    """A price in whole cents, as price_e4."""
    return field, units.cents_e4


def other_dollars(field: str) -> Way[int]:
    """The price of the other outcome in dollars, as price_e4 of this one."""
    return field, lambda value: _flipped(units.dollars_e4(value))


def other_cents(field: str) -> Way[int]:
    """The price of the other outcome in whole cents, as price_e4 of this one."""
    return field, lambda value: _flipped(units.cents_e4(value))


def _flipped(price_e4: int) -> int:
    if price_e4 > units.PRICE_SCALE:
        raise ValueError(f"expected a price of $1 at most, found price_e4={price_e4}")
    return units.flip_e4(price_e4)


def text_dollars(field: str) -> Way[int]:
    """A price in dollars whose field's name does not say so: only a text is one (feed rules F23, F24). As price_e4."""
    return field, lambda value: units.dollars_e4(_text(value))


def contracts(field: str) -> Way[int]:
    """A number of contracts, signed, as size_e2."""
    return field, units.contracts_e2


def text_contracts(field: str) -> Way[int]:
    """A number of contracts whose field's name does not say so: only a text is one. As size_e2."""
    return field, lambda value: units.contracts_e2(_text(value))


def count(field: str) -> Way[int]:
    """A whole number of contracts, signed, as size_e2."""
    return field, units.count_e2


def money(field: str) -> Way[int]:
    """Dollars that are no price, signed, as money_e6."""
    return field, units.dollars_e6


def centicents(field: str) -> Way[int]:
    """Whole units of $0.0001 that are no price, signed, as money_e6 (market positions until April 2026)."""
    return field, units.centicents_e6


def decimal(field: str) -> Way[Decimal]:
    """Any other number, as the exact Decimal that its text says."""
    return field, units.exact_decimal


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"expected a number as text, found {units.shown(value)}")


@cache
def readings(cls: type) -> dict[str, Reading[Any]]:
    """Give the readings of a class of messages, by name."""
    return {name: value for name in dir(cls) if isinstance(value := getattr(cls, name, None), Reading)}


@cache
def _needed_readings(cls: type) -> tuple[Reading[Any], ...]:
    return tuple(reading for reading in readings(cls).values() if reading.is_needed)


def check(message: Any) -> None:
    """Make sure that every needed reading of a message can be read.

    Raises:
        MalformedFrame: one cannot; its reason names the field.
    """
    cls: Any = type(message)
    body = message.msg
    try:
        for reading in _needed_readings(cls):
            reading.read(body)
    except ValueError as error:
        raise malformed(message, str(error)) from None


def malformed(message: Any, reason: str) -> MalformedFrame:
    """Make the error for a message whose identity could be read."""
    return MalformedFrame(
        reason,
        type=message.__struct_config__.tag,
        market_ticker=getattr(message, "market_ticker", None),
        sid=getattr(message, "sid", None),
        seq=getattr(message, "seq", None),
        sending_ts_ms=getattr(message, "sending_ts_ms", None),
    )
