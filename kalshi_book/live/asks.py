"""A command that somebody waits for: its answers by id, in whatever order they come."""

from __future__ import annotations

import asyncio

from .. import events
from .._backend import Update
from ..errors import CommandError, ConnectionLost
from ..messages import Error
from ..messages.commands import Command
from ..messages.vocabulary import ERROR_CODES


class Ask:
    """A command that somebody waits for.

    Attributes:
        number: the id of its command.
        future: gives the updates of its answers.
        command: what was asked.
        missing: how many answers are to come still.
    """

    __slots__ = ("answers", "command", "future", "missing", "number")

    def __init__(self, number: int, command: Command, missing: int) -> None:
        self.number = number
        self.future: asyncio.Future[list[Update]] = asyncio.get_running_loop().create_future()
        self.command = command
        self.missing = missing
        self.answers: list[Update] = []

    def take(self, update: Update) -> bool:
        """Take an answer. Returns whether it was the last."""
        message = update.message
        if isinstance(message, Error):
            self.future.set_exception(_refusal(message, self.command))
            return True
        self.answers.append(update)
        self.missing -= 1
        if self.missing > 0:
            return False
        self.future.set_result(self.answers)
        return True

    def drop(self) -> None:
        """Nobody waits for it any more."""
        if not self.future.cancel():
            self.future.exception()  # seen: it came as the one who waited gave up

    def lose(self, reason: str) -> None:
        """Give up: the connection ended."""
        self.future.set_exception(ConnectionLost(events.describe(self.command), reason))


def _refusal(message: Error, command: Command) -> CommandError:
    known = ERROR_CODES.get(message.msg.code)
    return CommandError(
        code=message.msg.code,
        meaning=None if known is None else known.meaning,
        text=message.msg.msg,
        command=events.describe(command),
    )
