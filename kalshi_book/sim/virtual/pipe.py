"""One direction of a link: bytes on their way from a sender to a receiver.

A pipe is what TCP and the wire do together. The sender may have a window of bytes under way; each arrives after its time
on the wire (where bandwidth is limited) and the latency, in order, and makes room again when the receiver reads it. So a
receiver that does not read, a link that is stalled, and a black hole all fill the window, then the buffer of the sending
transport, and back-pressure reaches whoever writes.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from .link import Link
    from .transport import VirtualTransport

Sender = Literal["client", "server"]

_SEGMENT_BYTES: Final = 16_384  # where bandwidth is limited, so many bytes arrive together


class Pipe:
    """What one side of a link sends to the other.

    Attributes:
        sender: Which side sends.
        source, target: The transports of the two sides.
        reverse: The other direction.
        unacknowledged: Bytes sent of which the sender does not know that they were read.
        is_black: Whether bytes vanish.
    """

    source: VirtualTransport
    target: VirtualTransport
    reverse: Pipe

    def __init__(self, link: Link, sender: Sender) -> None:
        self.link = link
        self.sender: Sender = sender
        self.unacknowledged = 0
        self.is_black = False
        self._loop = link.loop
        self._queue: deque[tuple[int, bytes | None]] = deque()  # (arrival, bytes); None is the end
        self._last_ns = 0  # when the last of what was sent arrives
        self._free_ns = 0  # when the wire has taken all of it
        self._until_ns: float = math.inf  # when the pipe was stalled: what is later has not arrived
        self._is_armed = False
        self._is_finished = False
        self._waiting_signals: list[Callable[[], None]] = []
        self.run_in(Context())

    def run_in(self, context: Context) -> None:
        """Call the receiver in a context of its own, not in that of whoever wrote."""
        self._context = context
        self._handle = asyncio.Handle(self._arrive, (), self._loop, context)  # one for every arrival

    @property
    def room(self) -> int:
        """How many bytes the window takes now; 0 or less when it is full."""
        return self.link.window_bytes - self.unacknowledged

    def send(self, data: bytes) -> None:
        """Put bytes on their way; the caller has looked for room."""
        self.unacknowledged += len(data)
        link = self.link
        if link.network.on_bytes is not None:
            link.network.report(link, self.sender, "sent", data)
        if self.is_black:
            return
        if link.bytes_per_s is None:
            self._queue.append((self._arrival_ns(0), data))
        else:
            for segment in _cut(data, _SEGMENT_BYTES):
                self._queue.append((self._arrival_ns(-(-len(segment) * 10**9 // link.bytes_per_s)), segment))
        if not self._is_armed:
            self.wake()

    def finish(self) -> None:
        """Say that no more bytes follow (FIN), once."""
        if not self._is_finished and not self.is_black:
            self._queue.append((self._arrival_ns(0), None))
            self.wake()
        self._is_finished = True

    def signal(self, callback: Callable[[], None]) -> None:
        """Call back when what is sent now would arrive; on a stalled pipe when it is resumed."""
        self._loop.post(self._arrival_ns(0), asyncio.Handle(self._signal_arrives, (callback,), self._loop, self._context))

    def reset(self) -> None:
        """Say that the connection is gone (RST). It overtakes bytes that were not read yet, as on real sockets."""
        self.signal(self._reset_arrives)

    def go_black(self) -> None:
        """Let everything vanish that has not arrived, now and from now on. The sender keeps it as unacknowledged."""
        self.is_black = True
        while self._queue and not self._has_arrived(self._queue[-1][0]):
            self._queue.pop()

    def stall(self) -> None:
        """Let what has not arrived wait."""
        self._until_ns = min(self._until_ns, self._loop._elapsed_ns)

    def resume(self) -> None:
        """Let go what waited, in order and at once."""
        self._until_ns = math.inf
        self.wake()
        waiting, self._waiting_signals = self._waiting_signals, []
        for callback in waiting:
            callback()

    @property
    def has_unread(self) -> bool:
        """Whether bytes have arrived that the receiver has not read."""
        return bool(self._queue and self._queue[0][1] is not None and self._has_arrived(self._queue[0][0]))

    def forget(self) -> None:
        """Drop what is under way."""
        self._queue.clear()

    def _arrival_ns(self, duration_ns: int) -> int:
        """When what is sent now arrives: after the wire is free, its own time on it and the latency; never out of order."""
        starts_ns = self._loop._elapsed_ns
        if duration_ns:
            self._free_ns = starts_ns = max(starts_ns, self._free_ns) + duration_ns
        self._last_ns = max(self._last_ns, starts_ns + self.link.delay_ns())
        return self._last_ns

    def _has_arrived(self, arrival_ns: int) -> bool:
        return arrival_ns <= min(self._loop._elapsed_ns, self._until_ns)

    def wake(self) -> None:
        """See that what is first arrives in its time: something was sent, or the receiver reads again or is closed."""
        if self._queue and not self._is_armed and self._queue[0][0] <= self._until_ns:
            self._is_armed = True
            self._loop.post(self._queue[0][0], self._handle)

    def _arrive(self) -> None:
        """Give the receiver what is due, as much as it takes in one read."""
        self._is_armed = False
        target = self.target
        if target.is_holding or not self._queue:
            return  # whoever ends that wakes this pipe
        if not self._has_arrived(self._queue[0][0]):
            self.wake()
            return
        if self._queue[0][1] is None:
            self._queue.popleft()
            target.end_arrived()
            return
        data = self._take()
        # On a black way back the acknowledgement is lost.
        if not self.is_black and not self.reverse.is_black:
            self.unacknowledged -= len(data)
        if self.link.network.on_bytes is not None:
            self.link.network.report(self.link, self.sender, "arrived", data)
        target.data_arrived(data)
        self.wake()
        self.source.room_came()

    def _take(self) -> bytes:
        """Take up to one read's worth of what has arrived; there is something."""
        queue = self._queue
        horizon_ns = min(self._loop._elapsed_ns, self._until_ns)
        limit = self.link.read_bytes
        arrival_ns, data = queue.popleft()
        assert data is not None
        if queue and queue[0][0] <= horizon_ns and len(data) < limit:
            parts, size = [data], len(data)
            while queue and queue[0][0] <= horizon_ns and size < limit and (more := queue[0][1]) is not None:
                parts.append(more)
                size += len(more)
                queue.popleft()
            data = b"".join(parts)
        if len(data) > limit:
            queue.appendleft((arrival_ns, data[limit:]))
            data = data[:limit]
        return data

    def _signal_arrives(self, callback: Callable[[], None]) -> None:
        if self._until_ns < math.inf:
            self._waiting_signals.append(callback)
        else:
            callback()

    def _reset_arrives(self) -> None:
        if not self.is_black:
            self._queue.clear()
            self.target.reset_arrived()


def _cut(data: bytes, size: int) -> Iterator[bytes]:
    """Cut bytes into pieces of a size; the last may be shorter."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
