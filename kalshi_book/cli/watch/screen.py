"""The screen: keys in, pictures out, some ten a second. Textual draws them; nothing here knows a book."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from ...messages.book import Side
from .picture import help_lines, picture
from .sights import Sight
from .sources import Source, TapeSource

PICTURES_PER_SECOND: Final = 10
INTERRUPTED: Final = 130


class Screen(App[int]):
    """A source on the screen, until somebody leaves it or it ends. Returns 0, or 130: interrupted.

    Args:
        source: what is seen.
        is_over: whether the screen is to end.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS = "Screen, Static { background: ansi_default; color: ansi_default; overflow: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,n,tab", "step(1)", priority=True),  # before what tab does by itself
        Binding("left,p,shift+tab", "step(-1)", priority=True),
        Binding("f,y", "flip"),
        Binding("space", "stand_still"),
        Binding("plus,equals_sign", "speed(2)"),
        Binding("minus", "speed(0.5)"),
        Binding("question_mark,h", "explain"),
        Binding("q", "leave(0)"),
        Binding("ctrl+c,ctrl+q", f"leave({INTERRUPTED})", priority=True),
    ]

    def __init__(self, source: Source, is_over: Callable[[], bool]) -> None:
        super().__init__(ansi_color=True)
        self.source = source
        self.is_over = is_over
        self.outcome_side: Side = "yes"
        self.market_ticker: str | None = None
        self.frozen: Sight | None = None
        self.is_explaining = False
        self._body = Static(markup=False)

    def compose(self) -> ComposeResult:
        """Give the one widget that there is."""
        yield self._body

    def on_mount(self) -> None:
        """Begin to draw. The client's tasks are to run as they do without a screen."""
        asyncio.get_running_loop().set_task_factory(None)
        self.set_interval(1 / PICTURES_PER_SECOND, self.draw)
        self.draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.draw()

    def draw(self) -> None:
        """Draw what is seen now."""
        if self.is_over():
            self.exit(0)
        self._body.update(Text("\n").join(self.lines()))

    def lines(self) -> Iterable[Text]:
        """Give the lines of the screen."""
        width, height = self.size
        if self.is_explaining:
            return help_lines(width=width, height=height)
        sight = self.sight()
        if sight is None:
            return [Text(" no market yet")]
        return picture(sight, outcome_side=self.outcome_side, width=width, height=height)

    def sight(self) -> Sight | None:
        """See the market that was chosen, or the first one."""
        if self.frozen is not None:
            return self.frozen._replace(now_ns=self.source.now_ns)
        tickers = self.source.market_tickers
        if self.market_ticker is None and tickers:
            self.market_ticker = tickers[0]
        return None if self.market_ticker is None else self.source.sight(self.market_ticker)

    def action_step(self, by: int) -> None:
        """See another market."""
        tickers = self.source.market_tickers
        if self.market_ticker is not None:
            self.market_ticker = tickers[(tickers.index(self.market_ticker) + by) % len(tickers)]
        self.frozen = None
        self.draw()

    def action_flip(self) -> None:
        """See the other outcome."""
        self.outcome_side = "no" if self.outcome_side == "yes" else "yes"
        self.draw()

    def action_stand_still(self) -> None:
        """Let a recording pause, or the picture freeze; or go on."""
        if isinstance(self.source, TapeSource):
            self.source.is_paused = not self.source.is_paused
        else:
            sight = None if self.frozen is not None else self.sight()
            self.frozen = None if sight is None else sight.frozen()
        self.draw()

    def action_speed(self, factor: float) -> None:
        """Let a recording go faster or slower."""
        if isinstance(self.source, TapeSource):
            self.source.speed_up(factor)
        self.draw()

    def action_explain(self) -> None:
        """Show what the keys do, or the market again."""
        self.is_explaining = not self.is_explaining
        self.draw()

    def action_leave(self, code: int) -> None:
        """End."""
        self.exit(code)
