"""What the messages of all channels but the order book have in common, and how odd fields are kept from costing a frame.

A struct here says with plain types what each field is. msgspec reads nearly every frame with them in one go. Where it
refuses, ``build`` reads the frame again, field by field: a field that nothing depends on (feed rule F22) and that is not of
its type becomes None; a number that no reader can hold is kept as UNREADABLE, so that it is never taken for absent.

Modules with structs of this kind go without ``from __future__ import annotations``: msgspec would compile each annotation
again when it builds the decoder, 5 ms of every import of the package.
"""

import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import fields

from .book import Counter64, Sid
from .loose import UNREADABLE

Int64 = Annotated[int, Meta(ge=-(2**63) + 1, le=2**63 - 1)]
Number = Any
"""A number of the wire, as text or as a number: what it means, a reading of the message says (``messages/exact.py``)."""

NOT_READ = (msgspec.DecodeError, UnicodeError, RecursionError)

AnyStruct = TypeVar("AnyStruct", bound=Struct)


class Body(Struct, kw_only=True, gc=False):
    """The ``msg`` of a message, or a part of one. What has no default is needed."""


class ChannelMessage(Struct, kw_only=True, gc=False, tag_field="type"):
    """A message of a channel.

    Attributes:
        sid: its subscription.
        seq: its number in that, or None (some channels have none).
        sending_ts_ms: when the exchange queued it, unix milliseconds (since 2026-10-01), or None.
    """

    sid: Sid
    seq: Counter64 | None = None
    sending_ts_ms: Int64 | None = None


def build(cls: type[AnyStruct], raw: Mapping[str, Raw], path: str = "$") -> AnyStruct:
    """Make a struct from the texts of its fields.

    Raises:
        ValueError: a needed field is absent or of another type; the text says where.
    """
    values = {}
    for field in fields(cls):
        if field.encode_name in raw:
            values[field.name] = _value(field.type, raw[field.encode_name], field.required, f"{path}.{field.encode_name}")
        elif field.required:
            raise ValueError(f"Object missing required field `{field.encode_name}` - at `{path}`")
    return cls(**values)


def _value(type_: Any, raw: Raw, is_needed: bool, path: str) -> Any:
    try:
        return decoder(type_)(raw)
    except NOT_READ as refusal:
        if type_ is Any:
            return UNREADABLE
        reason = f"{refusal} - at `{path}`"
    try:
        return _parts(type_, raw, path)
    except NOT_READ:
        pass
    except ValueError as inner:
        reason = str(inner)
    if is_needed:
        raise ValueError(reason)
    return None


def _parts(type_: Any, raw: Raw, path: str) -> Any:
    """Read a struct, or a list of them, piece by piece.

    Raises:
        ValueError, msgspec.DecodeError: it is neither, or a piece that is needed cannot be read.
    """
    if get_origin(type_) in (Union, types.UnionType):
        type_ = next(part for part in get_args(type_) if part is not type(None))
    if isinstance(type_, type) and issubclass(type_, Struct):
        return build(type_, decoder(dict[str, Raw])(raw), path)
    if get_origin(type_) is list:
        (part,) = get_args(type_)
        return [_parts(part, each, f"{path}[{number}]") for number, each in enumerate(decoder(list[Raw])(raw))]
    return decoder(type_)(raw)


@cache
def decoder(type_: Any) -> Callable[[Raw], Any]:
    """Give the decoder of a type."""
    return msgspec.json.Decoder(type_).decode
