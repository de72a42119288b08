"""Every error of the package, split by whose fault it is.

::

    KalshiBookError
    ├── UsageError            (ValueError)  the caller's: an argument out of range, a call out of place
    │   ├── UnknownMarket     (KeyError)    a ticker that the feed does not hold
    │   └── UnusableKey                     a private key that cannot be found, read or used
    ├── FeedError                           the exchange's data
    │   ├── MalformedFrame    (ValueError)  a frame that cannot be read exactly
    │   ├── Contradiction                   a change that proves the local book wrong
    │   ├── AuditDifference                 a snapshot of a LIVE book that is not what the book held
    │   └── CommandError                    the exchange answered a command with an error
    ├── TransportError        (OSError)     the connection
    │   ├── HandshakeRefused                no connection, and another attempt would end in the same way
    │   │   └── NotAuthorized               401 or 403: the key, the environment or the clock
    │   └── ConnectionLost                  the connection ended before the answer came
    ├── NotInTime             (TimeoutError)  what was waited for did not come in time
    ├── ConsumerOverrun                     a consumer is too slow for what it wants to see
    ├── BookNotLive                         a question to a book that cannot know the answer
    ├── OwnSizeUnknown                      a question for own size, where it cannot be known
    ├── MissingLibrary        (ImportError) an optional library is not installed
    └── TapeError             (OSError)     a recording that cannot be opened, or a file that cannot be written

Those of the simulated exchange alone stand beside it: ``sim/refusals.py``, ``sim/virtual/errors.py``.

Values are attributes; the text is made from them and says what was expected, what was found and what to do. No text
holds a payload. Arguments of a wrong *type* raise the built-in ``TypeError``.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AuditDifference",
    "BookNotLive",
    "CommandError",
    "ConnectionLost",
    "ConsumerOverrun",
    "Contradiction",
    "FeedError",
    "HandshakeRefused",
    "KalshiBookError",
    "MalformedFrame",
    "MissingLibrary",
    "NotAuthorized",
    "NotInTime",
    "OwnSizeUnknown",
    "TapeError",
    "TransportError",
    "UnknownMarket",
    "UnusableKey",
    "UsageError",
]


class KalshiBookError(Exception):
    """Root of all errors of this package."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Let an error travel between processes, whatever its constructor takes."""
        return _again, (type(self), self.args, self.__dict__)


def _again(cls: type[KalshiBookError], args: tuple[object, ...], values: dict[str, object]) -> KalshiBookError:
    """Make an error again when it is unpickled or copied."""
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(values)
    return error


class UsageError(KalshiBookError, ValueError):
    """An argument is out of range or a call is out of place. Nothing was changed."""


class UnknownMarket(UsageError, KeyError):
    """A ticker that ``feed.books`` does not hold.

    Attributes:
        market_ticker: the ticker asked for.
        held: how many books the feed holds.
    """

    def __init__(self, market_ticker: object, held: int) -> None:
        super().__init__(market_ticker, held)
        self.market_ticker = market_ticker
        self.held = held

    def __str__(self) -> str:
        return (
            f"no book for {self.market_ticker!r} among the {self.held} that this feed holds: a book is there from its "
            "first snapshot (or the reply that names it) until it is unsubscribed; check the ticker"
        )


class UnusableKey(UsageError):
    """A private key that cannot be found, read or used. No part of it is in the text.

    Attributes:
        where: where it was looked for: a path, a variable of the environment, or an argument.
        reason: what was expected, what was found and what to do.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, reason)
        self.where = where
        self.reason = reason

    def __str__(self) -> str:
        return f"private key from {self.where}: {self.reason}"


class FeedError(KalshiBookError):
    """The exchange's data are at fault, not the caller."""


class MalformedFrame(FeedError, ValueError):
    """A frame that cannot be read exactly.

    Attributes:
        reason: what was expected and what was found; never the payload.
        is_json: whether the frame parses as JSON at all.
        type, market_ticker, sid, seq, sending_ts_ms: what could still be read, else None.
    """

    def __init__(
        self,
        reason: str,
        *,
        is_json: bool = True,
        type: str | None = None,
        market_ticker: str | None = None,
        sid: int | None = None,
        seq: int | None = None,
        sending_ts_ms: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_json = is_json
        self.type = type
        self.market_ticker = market_ticker
        self.sid = sid
        self.seq = seq
        self.sending_ts_ms = sending_ts_ms

    def __str__(self) -> str:
        what = self.type or "frame"
        where = "".join(
            f" {name}={value}"
            for name, value in (("market", self.market_ticker), ("sid", self.sid), ("seq", self.seq))
            if value is not None
        )
        return f"malformed {what}{where}: {self.reason}; the raw frame is on the update: report it if the exchange sent it"


class Contradiction(FeedError):
    """A message that cannot happen to a right book, so the local book is wrong: it is STALE until its next snapshot.

    Attributes:
        market_ticker: whose book.
        stale_reason: ``"contradiction"`` (nothing was changed) or ``"crossed"`` (the change was made).
        is_perps: whether the book is that of a perpetual.
        outcome_side, price_e4, delta_e2: the change asked for, in $0.0001 and 0.01 contract; None for a snapshot.
        book_side: ``"bid"`` or ``"ask"`` instead of outcome_side where the book is that of a perpetual.
        size_e2: what rests at the level now, in 0.01 contract; None for a snapshot.
    """

    def __init__(
        self,
        *,
        market_ticker: str,
        stale_reason: str,
        outcome_side: str | None = None,
        price_e4: int | None = None,
        delta_e2: int | None = None,
        size_e2: int | None = None,
        book_side: str | None = None,
        is_perps: bool = False,
    ) -> None:
        super().__init__(market_ticker, stale_reason, outcome_side, price_e4, delta_e2, size_e2)
        self.market_ticker = market_ticker
        self.stale_reason = stale_reason
        self.outcome_side = outcome_side
        self.price_e4 = price_e4
        self.delta_e2 = delta_e2
        self.size_e2 = size_e2
        self.book_side = book_side
        self.is_perps = is_perps

    def __str__(self) -> str:
        side = self.book_side if self.is_perps else self.outcome_side
        highest, below = (2**31 - 1, "$214748.3647") if self.is_perps else (9999, "$0.9999")
        if self.price_e4 is None:
            what = f"a snapshot of {self.market_ticker}"
        else:
            what = f"{self.market_ticker} {side} price_e4={self.price_e4} delta_e2={self.delta_e2}"
        if self.stale_reason == "crossed" and self.is_perps:
            found = "expected the best bid below the best ask, and it is not"
        elif self.stale_reason == "crossed":
            found = "expected the best yes bid and the best no bid to sum to less than $1, and they do not"
        elif self.price_e4 is not None and not 1 <= self.price_e4 <= highest:
            found = f"expected a price of $0.0001 to {below}; nothing was changed"
        else:
            found = f"expected 0 to 2**63 - 1 to rest there afterwards, found {self.size_e2} before; nothing was changed"
        return f"{what}: {found}. The book is wrong and now STALE: get a new snapshot"


class AuditDifference(FeedError):
    """A snapshot that was asked for while the book was LIVE differs from the book, which was wrong, then (feed rule F17).

    The snapshot took the book's place.

    Attributes:
        market_ticker: whose book.
        kept_checksum: of the book as it was kept.
        sent_checksum: of the snapshot.
    """

    def __init__(self, *, market_ticker: str, kept_checksum: str, sent_checksum: str) -> None:
        super().__init__(market_ticker, kept_checksum, sent_checksum)
        self.market_ticker = market_ticker
        self.kept_checksum = kept_checksum
        self.sent_checksum = sent_checksum

    def __str__(self) -> str:
        return (
            f"{self.market_ticker}: expected a snapshot of the book that was kept (checksum {self.kept_checksum}), "
            f"found {self.sent_checksum}. The book holds the snapshot now; what was read of it before may have been wrong"
        )


class CommandError(FeedError):
    """The exchange answered a command with an error.

    Attributes:
        code: the error's number, or None: it acknowledged the command, and has not done it all the same.
        meaning: what the number means, in the exchange's own words, or None: no number that we know.
        text: what the exchange said beside it, or None.
        command: what was asked for, in a line.
    """

    def __init__(self, *, code: int | None, meaning: str | None, text: str | None, command: str) -> None:
        super().__init__(code, meaning, text, command)
        self.code = code
        self.meaning = meaning
        self.text = text
        self.command = command

    def __str__(self) -> str:
        if self.code is None:
            return (
                f"{self.command}: expected it to be done, found it acknowledged and not done; it is asked again now and then"
            )
        what = "" if self.meaning is None else f", {self.meaning}"
        said = "" if not self.text or self.text == self.meaning else f" ({self.text})"
        return f"{self.command}: expected an acknowledgement, found error {self.code}{what}{said}"


class TransportError(KalshiBookError, OSError):
    """The connection is at fault: there is none, or it ended."""


class HandshakeRefused(TransportError):
    """There is no connection, and another attempt would end in the same way.

    Attributes:
        host: whom we asked.
        status: the HTTP status of the answer, or None: it did not come so far.
        reason: what was found and what to do.
    """

    def __init__(self, host: str, status: int | None, reason: str) -> None:
        super().__init__(host, status, reason)
        self.host = host
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        found = "no answer" if self.status is None else f"HTTP status {self.status}"
        return f"{self.host}: expected a WebSocket handshake, found {found}: {self.reason}"


class NotAuthorized(HandshakeRefused):
    """The exchange does not let this key in (401), or not there (403).

    Attributes:
        skew_ms: how far our clock is ahead of the exchange's, by the Date header of its answer, give or take a second; None:
            the answer has none.
    """

    def __init__(self, host: str, status: int, reason: str, *, skew_ms: int | None) -> None:
        super().__init__(host, status, reason)
        self.skew_ms = skew_ms


class ConnectionLost(TransportError):
    """The connection ended before the answer came: whether the command took effect is unknown.

    Attributes:
        command: what was asked for, in a line.
        reason: why the connection ended.
    """

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(command, reason)
        self.command = command
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.command}: the connection ended before the answer came ({self.reason}); ask again"


class NotInTime(KalshiBookError, TimeoutError):
    """What was waited for did not come in time.

    Attributes:
        what: what was waited for, and how far it is.
        timeout_s: how long, in seconds.
    """

    def __init__(self, what: str, timeout_s: float) -> None:
        super().__init__(what, timeout_s)
        self.what = what
        self.timeout_s = timeout_s

    def __str__(self) -> str:
        return f"{self.what} within {self.timeout_s:g} s"


class ConsumerOverrun(KalshiBookError):
    """A consumer was too slow: its queue was full of what cannot be conflated, and was emptied.

    Books are right all the same, since they are kept in the reader. Read them again and go on.

    Attributes:
        consumer: which.
        lost: how many updates it will not see.
        size: how many its queue holds.
    """

    def __init__(self, consumer: str, *, lost: int, size: int) -> None:
        super().__init__(consumer, lost, size)
        self.consumer = consumer
        self.lost = lost
        self.size = size

    def __str__(self) -> str:
        return (
            f"{self.consumer}: expected it to keep up with a queue of {self.size}, found {self.lost} more updates, which it "
            "will not see: read the books anew, be faster, want less, or give it a larger queue"
        )


class BookNotLive(KalshiBookError):
    """A book was asked that cannot know the answer now.

    Attributes:
        market_ticker: which book.
        state: its state, as text: ``"new"``, ``"stale"`` or ``"unavailable"``.
        stale_reason: why, or None.
        seq: sequence number of the last frame that it took in, or None.
    """

    def __init__(self, *, market_ticker: str, state: str, stale_reason: str | None, seq: int | None) -> None:
        super().__init__(market_ticker, state, stale_reason, seq)
        self.market_ticker = market_ticker
        self.state = state
        self.stale_reason = stale_reason
        self.seq = seq

    def __str__(self) -> str:
        if self.seq is None and self.stale_reason is None:
            return f"{self.market_ticker} is {str(self.state).upper()}, not LIVE: wait for its first snapshot"
        last = "" if self.seq is None else f" after seq {self.seq}"
        return (
            f"{self.market_ticker} is {str(self.state).upper()} ({self.stale_reason}){last}, not LIVE: wait for its next "
            "snapshot, or read book.last_known"
        )


class OwnSizeUnknown(KalshiBookError):
    """Own resting size of a market was asked for, and cannot be known now.

    Attributes:
        market_ticker: which market.
        reason: ``"not_subscribed"``, ``"not_confirmed"``, ``"order_unclear"``, ``"larger_than_level"``, or the word for
            what was lost, such as ``"disconnected"``.
        outcome_side, price_e4, own_size_e2, size_e2: with ``"larger_than_level"``, whose bids, at which price on that
            outcome's scale in $0.0001, and own size and the level's in 0.01 contract; else None.
    """

    def __init__(
        self,
        *,
        market_ticker: str,
        reason: str,
        outcome_side: str | None = None,
        price_e4: int | None = None,
        own_size_e2: int | None = None,
        size_e2: int | None = None,
    ) -> None:
        super().__init__(market_ticker, reason, outcome_side, price_e4, own_size_e2, size_e2)
        self.market_ticker = market_ticker
        self.reason = reason
        self.outcome_side = outcome_side
        self.price_e4 = price_e4
        self.own_size_e2 = own_size_e2
        self.size_e2 = size_e2

    def __str__(self) -> str:
        if self.price_e4 is None:
            found = _OWN_SIZE_TEXTS.get(
                self.reason,
                "expected every change of own orders since the last list, and some may be lost: subscribe to user_orders "
                "again, then confirm a new list of resting orders",
            )
        else:
            found = (
                f"expected own size to be at most its level, found {self.own_size_e2} of {self.size_e2} at "
                f"{self.outcome_side} price_e4={self.price_e4}: the book and own orders come on channels without a common "
                "order, so ask again after the next frames; if it stays, confirm a new list of resting orders"
            )
        return f"own size in {self.market_ticker} is unknown ({self.reason}): {found}"


_OWN_SIZE_TEXTS = {
    "not_subscribed": (
        "expected a subscription to user_orders, found none: subscribe, then confirm the list of resting orders"
    ),
    "not_confirmed": (
        "expected a list of the orders that rested before the subscription, found none: get it from the exchange's REST "
        "interface and confirm it"
    ),
    "order_unclear": (
        "expected every order to say what rests, and one does not: wait for its next message, or confirm a new list of "
        "resting orders"
    ),
}


class MissingLibrary(KalshiBookError, ImportError):
    """What was asked for needs a library that is not installed.

    Attributes:
        library: its name.
        what: what needs it.
        extra: the extra of this package that brings it.
    """

    def __init__(self, library: str, *, what: str, extra: str) -> None:
        super().__init__(library, what, extra)
        self.library = library
        self.what = what
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.what} needs {self.library}, which is not installed: pip install 'kalshi-book[{self.extra}]'"


class TapeError(KalshiBookError, OSError):
    """A recording that cannot be opened or decompressed, or a file that cannot be written.

    Attributes:
        path: the file.
        reason: what is wrong with it, and what to do.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"
