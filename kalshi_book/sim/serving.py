"""Between an exchange and whoever serves it: who may come in, and what is to be done with a connection.

An exchange knows no socket. It says what to do as values; a shell (``server.py``, or one in memory) does it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from msgspec import Struct

from .keys import Keyring

WS_PATH = "/trade-api/ws/v2"
"""Where the exchange serves its feed, and what a handshake signs."""


class Account(Struct, frozen=True):
    """Somebody who may come in.

    Attributes:
        name: who.
    """

    name: str


class Refusal(Struct, frozen=True):
    """A handshake is answered with an HTTP status instead.

    Attributes:
        status: 401, 403, 429, 503, ...
        text: the body, for people.
        headers: beside those of every answer, such as ``Retry-After``.
    """

    status: int
    text: str
    headers: Mapping[str, str] = {}


class Blackhole(Struct, frozen=True):
    """A handshake is never answered, and its connection stays open."""


class Close(Struct, frozen=True):
    """Close with a close frame, once all that was written before is gone.

    Attributes:
        code: of the frame. 1005: a frame without a code; 1006: no frame, the transport alone is closed.
        reason: of the frame, at most 123 bytes.
    """

    code: int
    reason: str = ""


class Abort(Struct, frozen=True):
    """Reset the connection: what is on its way is lost."""


class Freeze(Struct, frozen=True):
    """Read and write nothing more, no ping and no pong either, and leave the connection open."""


class Thaw(Struct, frozen=True):
    """Read and write again."""


Deed: TypeAlias = bytes | Close | Abort | Freeze | Thaw
"""What is to be done with a connection: bytes are the payload of one text frame."""


class ServedConnection(Protocol):
    """One connection of an exchange.

    ``take`` gives what is to be done now, in order, everything or a piece of it; nothing is left where it gives an empty
    list, and ``on_ready`` is called when there is something again. What was not taken is what the reader has not read.
    """

    on_ready: Callable[[], None] | None

    @property
    def is_urgent(self) -> bool:
        """Whether the next to take is an Abort, a Freeze or a Thaw, which do not wait until a slow client has read."""

    def receive(self, data: str | bytes) -> None:
        """Take one message of the client."""

    def take(self) -> list[Deed]:
        """Give what is to be done now, in order."""

    def closed(self) -> None:
        """Learn that the client is gone."""


class ServedExchange(Protocol):
    """An exchange, as a shell sees it.

    Attributes:
        keyring: the keys that may come in; None: everybody may.
        on_sooner: called when something from outside made ``next_due_ns`` earlier: an order placed, a fault put in.
    """

    keyring: Keyring | None
    on_sooner: Callable[[], None] | None

    @property
    def now_ns(self) -> int:
        """The exchange's clock, unix nanoseconds."""

    @property
    def next_due_ns(self) -> int | None:
        """When something happens next; None: never, by itself."""

    def advance(self, now_ns: int) -> None:
        """Let everything happen that is due until then."""

    def admit(self, path: str, headers: Mapping[str, str]) -> Account | Refusal | Blackhole:
        """Decide about a handshake. Names of headers come in lower case."""

    def connect(self, account: Account) -> ServedConnection:
        """Open a connection of somebody who was let in."""
