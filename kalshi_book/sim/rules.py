"""The rules that the simulated exchange keeps: which era it is, and what the published text leaves open.

Where the text (AsyncAPI text, read 2026-10-26) and the recordings decide a rule, it is kept as it is and has no option here.
An option stands where neither does and a client could be hurt by the reading that it did not expect, or where a limit has to
be low to be met at all. What is the default is said to be published, observed or inferred.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from ..errors import UsageError
from .wire import ERAS, Era

OwnMark = Literal["placement", "cancel", "decrease", "amend", "expiry", "maker_fill", "taker_fill"]

OWN_MARKS: Final[frozenset[OwnMark]] = frozenset(
    ("placement", "cancel", "decrease", "amend", "expiry", "maker_fill", "taker_fill")
)
CAUSED: Final[frozenset[OwnMark]] = frozenset(("placement", "cancel", "decrease", "amend", "taker_fill"))
"""What the owner of an order does: all but its expiry, and that somebody takes it."""


class Rules(Struct, frozen=True, kw_only=True):
    """How the simulated exchange behaves.

    Args:
        era: the shape of frames and replies. "2025": cents and whole contracts; the list in an `ok` stands at the top,
            `list_subscriptions` is answered by a type of its own, `unsubscribed` takes no seq, and the error codes that are
            retired are in use: 6 for a second subscribe, 16 for a market that there is not. "2026-01": cents beside `_fp`
            strings. "2026-03": strings alone. "current": with `clock` and `sending_ts_ms`. Observed, recordings of 2025 and
            2026; when 6 and 16 were sent is inferred from their words. In the first two, prices have to be whole cents and
            sizes whole contracts. The names of the channels are those of today in every era.
        scoped_errors: a refused `update_subscription` names its sid and takes a number. Published: a sid is there where an
            error is scoped to a subscription; which ones are, is inferred.
        concurrent_commands: commands sent back to back run concurrently, so their replies come in any order. Observed,
            2026. Without it they are carried out one after the other.
        deltas_before_snapshot: deltas of a market that was just added may come before its snapshot. Inferred not to be
            so: the text says that a subscription sends the snapshot first.
        closed_markets_answer: `get_snapshot` and adding give an empty snapshot of a closed market. Inferred not to be so,
            as a settled market streams nothing (observed, 2026).
        own_marks: which changes carry the `client_order_id` of the subscriber's order. Published: "present only when you
            caused this orderbook change"; which ones that means is not said. Of a resting order of its own: "placement",
            "cancel", "decrease", "amend", "expiry", "maker_fill" (somebody took it). Of an order of its own that took
            somebody's: "taker_fill". Where both orders that met are its own and both count, the taker's is told.
        yes_price_default: the price scale of a subscribe that does not say `use_yes_price`. Published: false, and it will
            be flipped.
        levels_ascend: levels in a snapshot ascend by price. Observed in every recording, and not promised; without it
            they come in any order.
        market_limit: how many markets one subscription may list, at least 1: error 26. Published: 500,000 in a session.
        commands_per_second: how many commands may come within a second of the exchange's clock, at least 1: error 27.
            Published: 10,000.
        newline: frames end with a newline. Observed, recordings of 2026.

    Raises:
        UsageError: an argument is out of its range.

    >>> Rules(era="2025").merges
    False
    """

    era: Era = "current"
    scoped_errors: bool = True
    concurrent_commands: bool = True
    deltas_before_snapshot: bool = False
    closed_markets_answer: bool = False
    own_marks: frozenset[OwnMark] = CAUSED
    yes_price_default: bool = False
    levels_ascend: bool = True
    market_limit: int = 500_000
    commands_per_second: int = 10_000
    newline: bool = True

    def __post_init__(self) -> None:
        if self.era not in ERAS:
            raise UsageError(f"an era is one of {', '.join(ERAS)}, not {self.era!r}")
        if unknown := [mark for mark in self.own_marks if mark not in OWN_MARKS]:
            raise UsageError(f"own_marks are of {', '.join(sorted(OWN_MARKS))}, not {min(unknown)!r}")
        if self.market_limit < 1 or self.commands_per_second < 1:
            raise UsageError("market_limit and commands_per_second start at 1")

    @property
    def merges(self) -> bool:
        """Whether a second subscribe adds to the sid that the channel has: it does, observed, 2026."""
        return self.era != "2025"

    @property
    def accepts_any_market(self) -> bool:
        """Whether a market that there is not is accepted, and streams nothing: it is, observed, 2026."""
        return self.era != "2025"

    @property
    def sends_times(self) -> bool:
        """Whether frames say when they were sent: since 2026-10-01, published."""
        return self.era == "current"
