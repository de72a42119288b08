"""Log lines that cannot flood a log: the first of a kind at once, the rest counted and told once a minute."""

from __future__ import annotations

import logging
from typing import Final

from ..pace import MINUTE_NS

MAX_KINDS: Final = 1_000
"""Kinds that are kept apart; more share one line."""


class Reports:
    """One place that logs.

    Args:
        logger: where lines go.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._windows: dict[str, _Window] = {}

    def say(self, now_ns: int, level: int, kind: str, text: object) -> None:
        """Log a line, unless one of its kind was logged less than a minute ago.

        Args:
            now_ns: the time, of a monotonic clock.
            level: of ``logging``.
            kind: what makes lines alike.
            text: the line; ``str`` of it is made only when it is logged.
        """
        if kind not in self._windows and len(self._windows) >= MAX_KINDS:
            kind = "more kinds than are kept apart"
        window = self._windows.get(kind)
        if window is None:
            self._windows[kind] = _Window(level, now_ns + MINUTE_NS)
            self._logger.log(level, "%s", text)
            return
        window.held_back += 1
        window.level, window.last = max(window.level, level), text
        if now_ns >= window.ends_ns:
            self._close(kind, window, now_ns)

    def flush(self, now_ns: int, *, is_end: bool = False) -> None:
        """Tell what was held back, where its minute is over; at the end, of all. O(kinds)."""
        for kind, window in list(self._windows.items()):
            if is_end or now_ns >= window.ends_ns:
                self._close(kind, window, now_ns)

    def _close(self, kind: str, window: _Window, now_ns: int) -> None:
        if not window.held_back:
            del self._windows[kind]
            return
        more = "" if window.held_back == 1 else f" (and {window.held_back - 1} more like it)"
        self._logger.log(window.level, "%s%s", window.last, more)
        self._windows[kind] = _Window(window.level, now_ns + MINUTE_NS)


class _Window:
    """A minute of one kind of line."""

    __slots__ = ("ends_ns", "held_back", "last", "level")

    def __init__(self, level: int, ends_ns: int) -> None:
        self.level = level
        self.ends_ns = ends_ns
        self.held_back = 0
        self.last: object = None
