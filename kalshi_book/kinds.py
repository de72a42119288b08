"""The closed vocabularies of the feed: what a frame was, what it did, how a book stands and why."""

from enum import Enum


class _Word(str, Enum):
    """A word that compares equal to its text and prints as it."""

    def __str__(self) -> str:
        return str(self.value)


class Kind(_Word):
    """What a frame was. Types that have no member of their own are ``UNKNOWN`` and are kept raw."""

    SNAPSHOT = "snapshot"
    DELTA = "delta"
    TICKER = "ticker"
    TRADE = "trade"
    FILL = "fill"
    USER_ORDER = "user_order"
    MARKET_POSITION = "market_position"
    MARKET_LIFECYCLE = "market_lifecycle"
    EVENT_LIFECYCLE = "event_lifecycle"
    EVENT_FEE_UPDATE = "event_fee_update"
    ORDER_GROUP_UPDATE = "order_group_update"
    COMMUNICATION = "communication"
    INDEX_VALUE = "index_value"
    UNDERLYING_VALUE = "underlying_value"
    LISTING = "listing"
    SUBSCRIBED = "subscribed"
    OK = "ok"
    UNSUBSCRIBED = "unsubscribed"
    ERROR = "error"
    UNKNOWN = "unknown"
    MALFORMED = "malformed"


class Effect(_Word):
    """What a frame did. One word for each frame: where two would fit, the one that the frame's own content caused.

    A snapshot that reveals a gap and heals its book is ``HEALED``; ``update.skipped`` tells of the gap all the same.
    """

    APPLIED = "applied"
    """What is kept changed as the frame says: a book, how a market stands, own orders; or a reply announced books."""
    HEALED = "healed"
    """A snapshot made a STALE book LIVE again."""
    GAP = "gap"
    """Sequence numbers are missing before this frame: every book of its sid is STALE. The frame itself changed no book."""
    BACKWARDS = "backwards"
    """The count of the sid fell: every book of it is STALE, and counting restarts here. The frame itself changed no book."""
    DUPLICATE = "duplicate"
    """The same frame again: dropped."""
    STALED = "staled"
    """The content of this frame made a book STALE: contradiction, crossed, malformed, unsubscribed, terminal error."""
    IGNORED = "ignored"
    """Counted, and nothing else: a type we do not read, a delta of a book that is not LIVE, a late frame."""


class State(_Word):
    """How a book stands. Only a ``LIVE`` book answers questions; ``book.last_known`` answers in every other state."""

    NEW = "new"
    """Announced, and no snapshot yet."""
    LIVE = "live"
    """Exact, from its snapshot to the next gap, disconnect or contradiction."""
    STALE = "stale"
    """Cannot be trusted now; ``stale_reason`` says why. The next snapshot of its subscription heals it."""
    UNAVAILABLE = "unavailable"
    """The exchange does not answer for this market; asked again from time to time."""


class MarketState(_Word):
    """Whether a market trades, as the exchange said last."""

    UNKNOWN = "unknown"
    """Nothing was said yet, or something may have been lost since."""
    ACTIVE = "active"
    """It trades."""
    PAUSED = "paused"
    """It is open, and trading is halted."""
    CLOSED = "closed"
    """Trading is over: determined, or past its close. Or, at a time that is asked for, not yet open."""
    SETTLED = "settled"
    """Paid out."""


class StaleReason(_Word):
    """Why a book is not LIVE. ``Feed.closed`` may add a word of its own, so test for these by equality."""

    GAP = "gap"
    BACKWARDS = "backwards"
    MALFORMED = "malformed"
    CONTRADICTION = "contradiction"
    CROSSED = "crossed"
    DISCONNECTED = "disconnected"
    SILENT = "silent"
    INTERRUPTED = "interrupted"
    TERMINAL_ERROR = "terminal_error"
    UNSUBSCRIBED = "unsubscribed"
    NOT_SUBSCRIBED = "not_subscribed"
    NO_SNAPSHOT = "no_snapshot"
