"""A book as text for people: its ladder, with bars."""

from __future__ import annotations

from ._backend import Level
from .book import LastKnown, OrderBook
from .messages.book import Side
from .units import mid_text, price_text, size_text

BAR_WIDTH = 24

__all__ = ["ladder"]


def ladder(book: OrderBook | LastKnown, n: int | None = 8, *, outcome_side: Side = "yes") -> str:
    """Draw the best n levels of both sides of one outcome: asks above, bids below, best prices in the middle. O(n).

    Args:
        book: an OrderBook, its ``last_known``, or a BookSnapshot.
        n: how many levels a side at most; None: all.
        outcome_side: ``"yes"`` or ``"no"``.

    Returns:
        Text of several lines without a newline at its end; sizes in contracts, prices in dollars.

    Raises:
        BookNotLive: as the book does.

    >>> import kalshi_book as kb
    >>> book = kb.OrderBook("KXDEMO-26-A")
    >>> book.apply(kb.decode('{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"KXDEMO-26-A",'
    ...                      '"yes_dollars_fp":[["0.4000","250.00"],["0.4100","120.00"]],'
    ...                      '"no_dollars_fp":[["0.5500","40.00"]]}}'))
    >>> print(kb.ladder(book))
    KXDEMO-26-A  yes
     ask  $0.4500         40.00  ####
          $0.0400 spread, $0.4300 mid
     bid  $0.4100        120.00  ############
     bid  $0.4000        250.00  ########################
    """
    bids, asks = book.depth(n, outcome_side=outcome_side)
    largest = max((level.size_e2 for level in (*bids, *asks)), default=1)
    return "\n".join(
        [
            f"{book.market_ticker}  {outcome_side}",
            *(_line("ask", level, largest) for level in reversed(asks)),
            middle(bids, asks),
            *(_line("bid", level, largest) for level in bids),
        ]
    )


def _line(book_side: str, level: Level, largest_e2: int) -> str:
    bar = "#" * -(-level.size_e2 * BAR_WIDTH // largest_e2)
    return f" {book_side}  ${price_text(level.price_e4)}  {size_text(level.size_e2):>12}  {bar}"


def middle(bids: list[Level], asks: list[Level]) -> str:
    """Say what stands between bids and asks, best first: spread and mid, or who is missing."""
    if not bids or not asks:
        return f"      {'nobody on either side' if not bids and not asks else 'nobody asks' if bids else 'nobody bids'}"
    spread = price_text(asks[0].price_e4 - bids[0].price_e4)
    return f"      ${spread} spread, ${mid_text(bids[0].price_e4, asks[0].price_e4)} mid"
