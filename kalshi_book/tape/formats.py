"""From a file to the frames in it: plain, gzip or Zstandard; bare frames or frames wrapped with a receive time.

A line is a bare frame when it has ``type`` at its top. Otherwise it is a wrapper, as recorders write them: the frame
under ``raw``, ``frame``, ``event``, ``message``, ``msg`` or ``data``, as an object or as text, and the time of receipt
under a name such as ``recv_ts_ns``, ``recv_ms`` or ``received_ms``.
"""

from __future__ import annotations

import gzip
import importlib
import io
import re
import sys
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from ..errors import TapeError
from ..units import INT64_MAX

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BUFFER_BYTES = 1 << 16
"""Small enough that what was read is still in a processor's cache when its last line is decoded."""

FRAME_KEYS = ("raw", "frame", "event", "message", "msg", "data")
_RECEIPT_KEY = re.compile(r"(?:recv|receive|received|receipt|rx|local|captured?)(?:_\w+)?_(ns|us|ms|s)")
_NANOSECONDS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}

_TOP: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NOT_JSON = (msgspec.DecodeError, UnicodeError, RecursionError)


class NotAFrame(ValueError):
    """A line that holds no frame; the text says why."""


class Line(NamedTuple):
    """A frame of a recording, when it was received where the line says so, and what is odd about that, if anything."""

    frame: bytes | str
    received_ns: int | None = None
    oddity: str | None = None


class _Piecewise(io.RawIOBase):
    """Gives what a decompressor has, piece by piece, so that all that stands before damage is read.

    A buffer straight over the decompressor would ask it to be filled, and lose all of that where it ends in an error.
    """

    def __init__(self, decompressor: gzip.GzipFile) -> None:
        self._decompressor = decompressor

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._decompressor.read1(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _buffered(decompressor: gzip.GzipFile) -> BinaryIO:
    return io.BufferedReader(_Piecewise(decompressor), BUFFER_BYTES)


class OpenTape(NamedTuple):
    """A recording open for reading.

    Attributes:
        stream: its text, decompressed.
        file: the file under it, whose position tells how much is read; the same object where it is plain.
        damage: what reading raises where a compressed file is cut or damaged.
    """

    stream: BinaryIO
    file: BinaryIO
    damage: tuple[type[Exception], ...] = ()


def open_tape(path: Path) -> OpenTape:
    """Open a recording for reading, decompressed by what its first bytes say, whatever its name.

    Raises:
        TapeError: it cannot be opened, or it is compressed with Zstandard and that is not installed.
    """
    try:
        file = io.BufferedReader(io.FileIO(path), BUFFER_BYTES)
        magic = file.peek(4)[:4]
    except OSError as error:
        raise TapeError(str(path), f"cannot be read: {error.strerror or error}") from error
    if magic.startswith(GZIP_MAGIC):
        return OpenTape(_buffered(gzip.GzipFile(fileobj=file)), file, (EOFError, gzip.BadGzipFile, zlib.error))
    if magic != ZSTD_MAGIC:
        return OpenTape(file, file)
    try:
        zstd = importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    except ModuleNotFoundError:
        file.close()
        hint = "is compressed with Zstandard, which is not installed: pip install 'kalshi-book[zstd]'"
        raise TapeError(str(path), hint) from None
    return OpenTape(_buffered(zstd.ZstdFile(file)), file, (EOFError, zstd.ZstdError))


def lines_of(tape: OpenTape, found: list[str]) -> Iterator[bytes]:
    """Read a compressed recording line by line; where it is cut or damaged, stop there and say so in ``found``."""
    try:
        yield from tape.stream
    except tape.damage as error:
        found.append(f"the file is cut or damaged from here on: {error}")


def unwrap(line: bytes | str) -> Line:
    """Find the frame in one line of a recording.

    Raises:
        NotAFrame: not JSON (a torn last line, say), or JSON without a frame in it.
    """
    try:
        top = _TOP.decode(line)
    except _NOT_JSON as error:
        raise NotAFrame(f"expected a frame, found no JSON object: {str(error).splitlines()[0]}") from None
    if "type" in top:
        return Line(line)
    raw = next((bytes(top[key]) for key in FRAME_KEYS if key in top), None)
    if raw is None:
        raise NotAFrame(f"expected a frame (with a type) or a frame under one of {', '.join(FRAME_KEYS)}, found neither")
    try:
        frame = msgspec.json.decode(raw, type=str) if raw.startswith(b'"') else raw
    except _NOT_JSON as error:
        raise NotAFrame(f"expected a frame as text, found what is none: {error}") from None
    return Line(frame, *_receipt(top))


def _receipt(top: dict[str, msgspec.Raw]) -> tuple[int | None, str | None]:
    """The time of receipt in nanoseconds, exactly, where a wrapper has one (a number, or a text of one); and what is odd."""
    for key, raw in top.items():
        if (unit := _RECEIPT_KEY.fullmatch(key)) is None or (text := bytes(raw).strip(b'"')) == b"null":
            continue
        try:
            received_ns = int(Decimal(text.decode()) * _NANOSECONDS[unit[1]])
        except (ArithmeticError, ValueError):
            return None, f"expected a time of receipt under {key}, found no number: the frame is taken without one"
        if abs(received_ns) > INT64_MAX:
            return None, f"expected a time of receipt in {unit[1]} under {key}, found too large a number: taken without one"
        return received_ns, None
    return None, None
