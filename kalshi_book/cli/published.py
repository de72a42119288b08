"""A published AsyncAPI file, as far as the drift check reads it. What is missing or odd in it reads as empty."""

from __future__ import annotations

import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..errors import TapeError, UsageError

DEEPEST = 12
"""Deeper than any file goes, and an end for one that goes round in circles."""


class Field(Struct, frozen=True):
    """One field of a message: which JSON types it may have, and whether it is always there."""

    types: frozenset[str]
    is_required: bool


Fields = dict[str, Field]
"""The fields of a message by path: ``msg.market_ticker``, ``msg.rfqs[].rfq_id``."""


class Published:
    """The file.

    Args:
        path: the file, .yaml or .yaml.gz.

    Raises:
        TapeError: it cannot be opened, or is no YAML.
        UsageError: PyYAML is not installed, or the file is no AsyncAPI file.
    """

    def __init__(self, path: Path) -> None:
        self._root = _read(path)
        if "asyncapi" not in self._root:
            raise UsageError(f"{path} is no AsyncAPI file: expected a mapping with the key asyncapi")

    @property
    def channels(self) -> dict[str, bool]:
        """The channels that can be subscribed to, and whether their messages carry ``seq``."""
        found = {}
        for name, channel in _mapping(self._root.get("channels")).items():
            if _mapping(channel).get("address") != "/":  # there commands and control frames stand
                messages = _mapping(_mapping(channel).get("messages")).values()
                found[name] = any("seq" in self.fields(self._payload(message)) for message in messages)
        return found

    @property
    def messages(self) -> dict[str, list[Fields]]:
        """What the server sends, by its type; several messages may have one type."""
        found: dict[str, list[Fields]] = defaultdict(list)
        for payload in self._payloads():
            type_ = self._at(payload, "type").get("const")
            if isinstance(type_, str):
                found[type_].append(self.fields(payload))
        return found

    @property
    def commands(self) -> dict[str, set[str]]:
        """What a client sends, and which params it must have."""
        found: dict[str, set[str]] = defaultdict(set)
        for payload in self._payloads():
            command = self._at(payload, "cmd").get("const")
            if isinstance(command, str):
                found[command] |= set(_list(self._at(payload, "params").get("required")))
        return found

    @property
    def offered_channels(self) -> set[str]:
        """The names that ``subscribe`` takes."""
        return {
            name
            for payload in self._payloads()
            for name in _list(self._whole(self._at(payload, "params", "channels").get("items")).get("enum"))
        }

    @property
    def actions(self) -> set[str]:
        """What ``update_subscription`` can do."""
        return {name for payload in self._payloads() for name in _list(self._at(payload, "params", "action").get("enum"))}

    @property
    def error_codes(self) -> set[int]:
        """The numbers of errors."""
        return {code for payload in self._payloads() for code in _list(self._at(payload, "msg", "code").get("enum"))}

    def fields(self, schema: Any, path: str = "", depth: int = DEEPEST) -> Fields:
        """Give every field of a schema by its path, as deep as it goes."""
        schema = self._whole(schema)
        found: Fields = {}
        for part in (schema, *self._parts(schema)) if depth else ():
            required = set(_list(part.get("required")))
            for name, inner in _mapping(part.get("properties")).items():
                at = f"{path}{name}"
                found[at] = Field(frozenset(self._types(inner)), name in required)
                found |= self.fields(inner, f"{at}.", depth - 1)
            if "items" in part:
                found |= self.fields(part["items"], f"{path.rstrip('.')}[].", depth - 1)
        return found

    def _payloads(self) -> Iterator[dict[str, Any]]:
        for message in _mapping(_mapping(self._root.get("components")).get("messages")).values():
            yield self._payload(message)

    def _payload(self, message: Any) -> dict[str, Any]:
        return self._whole(self._whole(message).get("payload"))

    def _at(self, schema: Any, *names: str) -> dict[str, Any]:
        for name in names:
            schema = _mapping(self._whole(schema).get("properties")).get(name)
        return self._whole(schema)

    def _whole(self, schema: Any, depth: int = DEEPEST) -> dict[str, Any]:
        """A schema with its ``$ref`` followed and its ``allOf`` put together; what stands beside them wins."""
        whole = dict(_mapping(schema))
        for _ in range(depth):
            found: Any = self._root
            for name in str(whole.pop("$ref", "#")).removeprefix("#").split("/")[1:]:
                found = _mapping(found).get(name)
            if found is self._root:
                break
            whole = {**_mapping(found), **whole}
        for part in _list(whole.get("allOf")) if depth else ():
            whole = {**self._whole(part, depth - 1), **whole}
        return whole

    def _parts(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        return [self._whole(part) for key in ("oneOf", "anyOf") for part in _list(schema.get(key))]

    def _types(self, schema: Any, depth: int = DEEPEST) -> set[str]:
        schema = self._whole(schema)
        types = {schema["type"]} if isinstance(schema.get("type"), str) else set(_list(schema.get("type")))
        for part in self._parts(schema) if depth else ():
            types |= self._types(part, depth - 1)
        return types | {"null"} if schema.get("nullable") is True else types


def _read(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError:
        raise UsageError("the drift check needs PyYAML: pip install 'kalshi-book[drift]'") from None
    try:
        content = path.read_bytes()
        return _mapping(yaml.safe_load(gzip.decompress(content) if path.suffix == ".gz" else content))
    except OSError as error:
        raise TapeError(str(path), f"cannot be opened: {error.strerror or error}") from error
    except (EOFError, zlib.error, yaml.YAMLError) as error:
        raise TapeError(str(path), f"cannot be read: {type(error).__name__}; expected YAML, or YAML in gzip") from error


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
