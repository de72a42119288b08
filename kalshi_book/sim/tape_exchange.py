"""A recording in place of an exchange: who subscribes gets its frames, one for one, as they were recorded.

Each connection reads the recording for itself, from the first frame on, beginning with its first ``subscribe``. Nothing is
added, left out or changed: the replies in between are the recorded ones, with recorded ids and sids, and no command is
answered otherwise. A line without a frame is skipped. After the last frame the connection stays open and quiet, as it would
on the exchange; a client that reads slowly holds nobody up but itself.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final, TypeGuard

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from ..errors import UsageError
from ..tape.formats import NotAFrame, lines_of, open_tape, unwrap
from ..units import INT64_MAX
from .keys import Keyring, Unauthorized
from .serving import WS_PATH, Account, Blackhole, Deed, Refusal

TAKEN_BYTES: Final = 1 << 16
"""About how much `take` gives at once."""


class _Command(Struct):
    cmd: str = ""


_COMMAND = Decoder(_Command)
_TOP = Decoder(dict[str, Any])
_NOT_JSON = (DecodeError, UnicodeError, RecursionError)

_THE_END: Final[tuple[None, bytes]] = (None, b"")

_RECEIPT, _SENDING, _OWN, _NONE = range(4)  # the clocks of a recording, the best first
_TS = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8})(?:\.([0-9]+))?Z", re.ASCII)
_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000


class TapeExchange:
    """A recording, to be served.

    Args:
        path: newline-delimited JSON, plain or compressed with gzip or Zstandard; bare frames, or wrapped ones.
        speed: how much faster than recorded; None: as fast as the client reads. A frame's time is that of its receipt where
            the recording has it, else ``sending_ts_ms``, else the message's own; without any it comes with the one before.
        start_ns: where the clock begins, unix nanoseconds.

    Attributes:
        keyring: the keys that may come in; None: everybody may.
        on_sooner: called when frames were taken: only then is it known when the next one is due.
        connections: those that are open.

    Raises:
        TapeError: the file cannot be opened.
        UsageError: the speed is not above 0.
    """

    def __init__(self, path: str | os.PathLike[str], *, speed: float | None = 1, start_ns: int) -> None:
        if speed is not None and not 0 < speed <= 1e9:
            raise UsageError(f"expected a speed above 0, or None for as fast as can be, found {speed!r}")
        self.path = Path(path)
        open_tape(self.path).file.close()
        self.keyring: Keyring | None = None
        self.on_sooner: Callable[[], None] | None = None
        self.connections: list[TapeConnection] = []
        self._speed = speed
        self._now_ns = start_ns

    def __repr__(self) -> str:
        return f"<TapeExchange {self.path.name}: {len(self.connections)} connections>"

    @property
    def now_ns(self) -> int:
        """The clock, unix nanoseconds."""
        return self._now_ns

    @property
    def next_due_ns(self) -> int | None:
        """When the next frame is due that cannot be taken yet."""
        dues = (connection.due_ns for connection in self.connections)
        return min((due_ns for due_ns in dues if due_ns is not None and due_ns > self._now_ns), default=None)

    def advance(self, now_ns: int) -> None:
        """Let time pass."""
        before_ns, self._now_ns = self._now_ns, now_ns
        for connection in self.connections:
            if connection.due_ns is not None and before_ns < connection.due_ns <= now_ns:
                connection.wake()

    def admit(self, path: str, headers: Mapping[str, str]) -> Account | Refusal | Blackhole:
        """Let in who signs with a known key: 403 for another path, 401 for all else."""
        if path.partition("?")[0] != WS_PATH:
            return Refusal(403, f"expected the path {WS_PATH}")
        if self.keyring is None:
            return Account("user")
        found = self.keyring.account_of(path, headers, now_ms=self._now_ns // 1_000_000)
        return Refusal(401, found.reason) if isinstance(found, Unauthorized) else Account(found)

    def connect(self, account: Account) -> TapeConnection:
        """Open a connection."""
        connection = TapeConnection(self, self._speed)
        self.connections.append(connection)
        return connection


class TapeConnection:
    """One reading of the recording.

    Attributes:
        on_ready: called when there is something to take again.
        due_ns: when the next frame may be taken; None: not before a ``subscribe``, or never more.
        frames: how many were taken.
        problems: what kept lines from being sent.
        is_finished: whether the last frame was taken.
        is_urgent: False: frames can wait.
    """

    is_urgent = False

    def __init__(self, exchange: TapeExchange, speed: float | None) -> None:
        self.on_ready: Callable[[], None] | None = None
        self.due_ns: int | None = None
        self.frames = 0
        self.problems: list[str] = []
        self.is_finished = False
        self._exchange = exchange
        self._speed = speed
        self._source: Iterator[tuple[int, bytes]] = iter(())
        self._file = contextlib.ExitStack()
        self._has_begun = False
        self._payload = b""

    def __repr__(self) -> str:
        state = "at the end" if self.is_finished else "under way" if self._has_begun else "waits for a subscribe"
        problems = f", {len(self.problems)} problems" if self.problems else ""
        return f"<TapeConnection of {self._exchange.path.name}: {state}, {self.frames} frames{problems}>"

    def receive(self, data: str | bytes) -> None:
        """Begin with the first ``subscribe``. Nothing else has an effect, since all that is sent was recorded."""
        try:
            is_subscribe = _COMMAND.decode(data).cmd == "subscribe"
        except _NOT_JSON:
            return
        if is_subscribe and not self._has_begun:
            self._has_begun = True
            source = timed(messages(self._exchange.path, self.problems), self._speed, self._exchange.now_ns)
            self._source = self._file.enter_context(contextlib.closing(source))
            self._wait_for(*next(self._source, _THE_END))
            self.wake()

    def take(self) -> list[Deed]:
        """Give the frames that are due, some 64 KiB at most."""
        taken: list[Deed] = []
        size, now_ns, due_ns, payload = 0, self._exchange.now_ns, self.due_ns, self._payload
        while due_ns is not None and due_ns <= now_ns and size < TAKEN_BYTES:
            taken.append(payload)
            size += len(payload)
            due_ns, payload = next(self._source, _THE_END)
        if taken:
            self.frames += len(taken)
            self._wait_for(due_ns, payload)
            if self._exchange.on_sooner is not None:  # when the next one is due is known only now
                self._exchange.on_sooner()
        return taken

    def closed(self) -> None:
        """Learn that the client is gone, and let go of the file."""
        self.due_ns = None
        self._file.close()
        self._exchange.connections.remove(self)

    def wake(self) -> None:
        """Say that there is something to take."""
        if self.on_ready is not None:
            self.on_ready()

    def _wait_for(self, due_ns: int | None, payload: bytes) -> None:
        self.due_ns, self._payload = due_ns, payload
        self.is_finished = due_ns is None


def messages(path: Path, problems: list[str]) -> Generator[tuple[bytes, int | None], None, None]:
    """Read the frames of a recording as the exchange sends them, each ending in a newline; and their times of receipt.

    Args:
        path: the file.
        problems: is told of each line that cannot be sent, and where the file is cut or damaged.

    Raises:
        TapeError: the file cannot be opened.
    """
    tape = open_tape(path)
    number = 0
    damage: list[str] = []
    try:
        for number, line in enumerate(lines_of(tape, damage), 1):
            if line.isspace():
                continue
            try:
                found = unwrap(line)
                payload = found.frame if isinstance(found.frame, bytes) else found.frame.encode()
                payload.isascii() or payload.decode()  # a text frame holds nothing else
            except (NotAFrame, UnicodeError) as error:
                problems.append(f"line {number}: {error}")
                continue
            if found.oddity is not None:
                problems.append(f"line {number}: {found.oddity}")
            yield payload.rstrip(b"\r\n") + b"\n", found.received_ns
    finally:
        tape.stream.close()
        tape.file.close()
        problems.extend(f"line {number + 1}: {each}" for each in damage)


def timed(
    source: Generator[tuple[bytes, int | None], None, None], speed: float | None, begins_ns: int
) -> Generator[tuple[int, bytes], None, None]:
    """Say when each message is due.

    A recording has several clocks. The best one seen so far counts, and when a better one turns up it goes on from there.
    Time never goes back.
    """
    best, zero_ns, due_ns = _NONE, 0, begins_ns
    with contextlib.closing(source):
        for payload, received_ns in source:
            if speed is not None:
                for clock, recorded_ns in times_of(payload, received_ns):
                    if clock < best:
                        best, zero_ns = clock, recorded_ns - round((due_ns - begins_ns) * speed)
                    if clock == best:
                        due_ns = max(due_ns, begins_ns + round((recorded_ns - zero_ns) / speed))
                        break
            yield due_ns, payload


def times_of(payload: bytes, received_ns: int | None) -> Iterator[tuple[int, int]]:
    """Give the times of a frame, each with its clock, the best first."""
    if received_ns is not None:
        yield _RECEIPT, received_ns
    try:
        top = _TOP.decode(payload)
    except _NOT_JSON:
        return
    sent_ms = top.get("sending_ts_ms")
    if _is_time(sent_ms, _NS_PER_MS):
        yield _SENDING, sent_ms * _NS_PER_MS
    msg = top.get("msg")
    if isinstance(msg, dict):
        ts_ms, ts = msg.get("ts_ms"), msg.get("ts")
        if _is_time(ts_ms, _NS_PER_MS):
            yield _OWN, ts_ms * _NS_PER_MS
        elif _is_time(ts, _NS_PER_S):
            yield _OWN, ts * _NS_PER_S
        elif isinstance(ts, str) and (found := _TS.fullmatch(ts)):
            with contextlib.suppress(ValueError):  # a 31st of June
                second = datetime.fromisoformat(found[1]).replace(tzinfo=timezone.utc)
                yield _OWN, int(second.timestamp()) * _NS_PER_S + int((found[2] or "").ljust(9, "0")[:9])


def _is_time(value: object, unit_ns: int) -> TypeGuard[int]:
    return type(value) is int and 0 < value <= INT64_MAX // unit_ns
