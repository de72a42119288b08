"""A terminal session as somebody sits through it: what a program draws, on a screen of so many columns and lines."""

import os
import sys
import time

import pexpect
import pyte


class Session:
    """A command of ours on a terminal.

    Args:
        arguments: of ``kalshi-book``.
        size: columns and lines.
        variables: of the environment; None: taken out.
    """

    def __init__(self, *arguments, size=(80, 24), cwd=None, **variables):
        # readline, wherever it is imported, sets the size of the terminal of the tests for all that they start.
        own = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLUMNS": None, "LINES": None}
        environment = {**os.environ, **own, **variables}
        columns, lines = size
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.Stream(self._screen)
        self._child = pexpect.spawn(
            sys.executable, ["-m", "kalshi_book", *map(str, arguments)], dimensions=(lines, columns), encoding="utf-8",
            codec_errors="replace", env={name: value for name, value in environment.items() if value is not None}, cwd=cwd,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.close(force=True)

    @property
    def pid(self):
        """The process."""
        return self._child.pid

    @property
    def lines(self):
        """What stands on the screen."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self):
        return "\n".join(self.lines)

    def see(self, *texts, without=None, seconds=60):
        """Wait until all of these stand on the screen at once, and ``without`` does not. Gives the screen."""
        ends = time.monotonic() + seconds
        while not (all(text in self.text for text in texts) and (without is None or without not in self.text)):
            assert time.monotonic() < ends, f"{texts} did not come:\n{self.text}"
            if not self._read():
                assert all(text in self.text for text in texts), f"it ended without {texts}:\n{self.text}"
                break
        return self.lines

    def see_change(self, row, seconds=60):
        """Wait until another text stands in this row. Gives the screen: all that came before stands on it."""
        before, ends = self.lines[row], time.monotonic() + seconds
        while self.lines[row] == before:
            assert time.monotonic() < ends, f"it stayed as it is:\n{self.text}"
            assert self._read(), f"it ended:\n{self.text}"
        return self.lines

    def press(self, keys):
        """Type."""
        self._child.send(keys)

    def end(self, seconds=60):
        """Wait for its end. Gives its exit code."""
        ends = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < ends, f"it did not end:\n{self.text}"
        self._child.close()
        return self._child.exitstatus

    def _read(self):
        try:
            self._stream.feed(self._child.read_nonblocking(100_000, timeout=60))
        except pexpect.EOF:
            return False
        return True
