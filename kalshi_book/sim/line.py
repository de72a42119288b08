"""What is on its way to one client: first in, first out, and what a network does to that.

Sans-I/O: ``put`` takes what is to be sent, ``take`` gives what is to be done now, ``advance`` lets pass what waited. Where
nothing is wrong, an item goes straight to where it is taken from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from .serving import Abort, Close, Deed, Freeze, Thaw

TAKEN_BYTES: Final = 65_536
"""About how much ``take`` gives at once."""

_SECOND_NS: Final = 1_000_000_000


class Line:
    """The way to one client.

    Attributes:
        on_ready: called when ``take`` has something and had nothing before.
        outstanding: bytes that were put in and not yet taken.
    """

    def __init__(self) -> None:
        self.on_ready: Callable[[], None] | None = None
        self.outstanding = 0
        self._ready: deque[Deed] = deque()
        self._waiting: deque[tuple[int, Deed]] = deque()  # not before when, and what
        self._overtaken: list[tuple[int, int, bytes]] = []  # by how many, until when at most, and what
        self._bytes_per_s: int | None = None
        self._free_ns = 0
        self._is_shut = False  # Freeze was taken, and Thaw was not

    @property
    def is_urgent(self) -> bool:
        """Whether the next to take is an Abort, a Freeze or a Thaw."""
        return bool(self._ready) and not self._is_shut and isinstance(self._ready[0], (Abort, Freeze, Thaw))

    def put_now(self, payload: bytes) -> bool:
        """Send a frame if nothing keeps it from being taken at once. Returns whether that is so."""
        if self._waiting or self._overtaken or self._bytes_per_s is not None:
            return False
        self.outstanding += len(payload)
        ready = self._ready
        ready.append(payload)
        if len(ready) == 1:
            self._wake()
        return True

    def put(self, item: bytes | Close | Abort, now_ns: int, *, delay_ns: int = 0) -> None:
        """Send something, behind whatever waits. With a delay, what comes behind it waits too."""
        if type(item) is bytes:
            self.outstanding += len(item)
        if self._waiting or delay_ns or self._bytes_per_s is not None:
            self._waiting.append((now_ns + delay_ns, item))
            self.advance(now_ns)
        else:
            self._pass(item)
        if self._overtaken:
            self._count(now_ns)

    def put_behind(self, payload: bytes, now_ns: int, *, behind: int, wait_ns: int) -> None:
        """Send something behind the next so many, or after a while where they do not come."""
        self._overtaken.append((behind, now_ns + wait_ns, payload))

    def take(self) -> list[Deed]:
        """Give what is to be done now, in order: some 64 KiB at most; empty: nothing until ``on_ready`` is called."""
        taken: list[Deed] = []
        size = 0
        while self._ready and not self._is_shut and size < TAKEN_BYTES:
            item = self._ready.popleft()
            taken.append(item)
            if type(item) is bytes:
                size += len(item)
            elif type(item) is Freeze:
                self._is_shut = True
        self.outstanding -= size
        return taken

    def freeze(self) -> None:
        """Let nothing more be taken, from here on."""
        if self._ready and type(self._ready[0]) is Thaw:
            self._ready.popleft()  # nobody saw it
            self._is_shut = True
        else:
            self._ready.appendleft(Freeze())
            self._wake()

    def thaw(self) -> None:
        """Go on."""
        if self._is_shut:
            self._is_shut = False
            self._ready.appendleft(Thaw())
            self._wake()
        elif self._ready and type(self._ready[0]) is Freeze:
            self._ready.popleft()  # nobody saw it

    def reset(self) -> None:
        """Lose everything, and reset the connection."""
        self.drop_all()
        self._is_shut = False
        self._ready.append(Abort())
        self._wake()

    def drop_all(self) -> None:
        """Lose everything that is on its way."""
        self._ready.clear()
        self._waiting.clear()
        self._overtaken.clear()
        self.outstanding = 0

    def set_speed(self, bytes_per_s: int | None, now_ns: int) -> None:
        """Let so many bytes pass in a second; None: any number."""
        self._bytes_per_s = bytes_per_s
        self.advance(now_ns)

    @property
    def is_waiting(self) -> bool:
        """Whether something waits for its time."""
        return bool(self._waiting or self._overtaken)

    def advance(self, now_ns: int) -> None:
        """Let time pass."""
        while self._waiting and (due_ns := self._head_ns()) <= now_ns:
            self._free_ns = due_ns
            self._pass(self._waiting.popleft()[1])
        while self._overtaken and (first := min(self._overtaken, key=_until))[1] <= now_ns:
            self._overtaken.remove(first)
            self.put(first[2], now_ns)

    @property
    def next_due_ns(self) -> int | None:
        """When ``advance`` has something to do; None: never."""
        if not self.is_waiting:
            return None
        dues = [until_ns for _, until_ns, _ in self._overtaken]
        if self._waiting:
            dues.append(self._head_ns())
        return min(dues)

    def _head_ns(self) -> int:
        not_before_ns, item = self._waiting[0]
        starts_ns = max(not_before_ns, self._free_ns)
        if self._bytes_per_s is None or type(item) is not bytes:
            return starts_ns
        return starts_ns + len(item) * _SECOND_NS // self._bytes_per_s

    def _pass(self, item: Deed) -> None:
        self._ready.append(item)
        if len(self._ready) == 1:
            self._wake()

    def _count(self, now_ns: int) -> None:
        """Note that one more has overtaken those that are to be."""
        counted = [(behind - 1, until_ns, payload) for behind, until_ns, payload in self._overtaken]
        self._overtaken = [each for each in counted if each[0]]
        for behind, _, payload in counted:
            if not behind:
                self.put(payload, now_ns)

    def _wake(self) -> None:
        if self.on_ready is not None and not self._is_shut:
            self.on_ready()


def _until(overtaken: tuple[int, int, bytes]) -> int:
    return overtaken[1]
