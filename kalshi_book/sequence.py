"""Sequence numbers: feed rules F2 to F5 as one pure function.

The exchange counts, for each subscription (sid) of a connection, every frame that carries both ``sid`` and ``seq``:
snapshots, deltas, ``ok``, ``error``, ``unsubscribed``. The published text says little; settled from recordings of 2026.
"""

from __future__ import annotations

from ._backend import SidState
from .kinds import Effect


def judge(state: SidState, seq: int, frame: bytes | str) -> tuple[Effect | None, int]:
    """Judge the next sequenced frame of a subscription.

    Args:
        state: how far its count has come. Not changed.
        seq: the number of this frame.
        frame: its bytes: the same number with the same bytes is the same frame again, with others a restart.

    Returns:
        None (the next number, or the first one seen), or GAP, DUPLICATE or BACKWARDS; and how many numbers are missing.
    """
    last = state.last_seq
    if last is None or seq == last + 1:
        return None, 0
    if seq > last:
        return Effect.GAP, seq - last - 1
    if seq == last and state.last_frame is not None and _content(state.last_frame) == _content(frame):
        return Effect.DUPLICATE, 0
    return Effect.BACKWARDS, 0


def _content(frame: bytes | str) -> bytes:
    """The bytes of a frame without the newline, which the last line of a file may lack."""
    return (frame.encode(errors="surrogatepass") if isinstance(frame, str) else frame).rstrip()
