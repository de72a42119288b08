"""Who trades on the simulated exchange: orders, positions and what a trade costs, in exact integers.

A price_e4 times a size_e2 is money_e6, so nothing here is rounded but fees, and the cost of a part of a position.
"""

from __future__ import annotations

from typing import Final

from .happenings import OrderChanged, OrderMark, OrderStatus, PositionChanged
from .matching import ONE_E4, Bid
from .wire import SIDES

CROWD: Final = "crowd"
"""What stands for the crowd where an account is named. No account may be called so."""

_TAKER, _MAKER = 4, 1  # a maker pays a quarter of what a taker pays


def fee_e6(price_e4: int, size_e2: int, *, is_taker: bool) -> int:
    """Return what the exchange takes for a fill, in $0.000001.

    A choice of the simulator, after the general formula that is commonly quoted for the exchange: 0.07 x contracts x price
    x (1 - price), for makers a quarter of it. The exchange's own schedule was not read: fees there differ by market, and
    may change. Here every market charges makers, each fill is rounded up to $0.0001, and nothing is rounded to cents.

    Args:
        price_e4: either outcome's, 1..9999.
        size_e2: contracts, more than 0.
        is_taker: whether the order came later.
    """
    exact = 7 * (_TAKER if is_taker else _MAKER) * size_e2 * price_e4 * (ONE_E4 - price_e4)
    return -(-exact // 400_000_000) * 100


class Position:
    """What one subaccount holds in one market.

    Attributes:
        size_e2: contracts, YES positive, NO negative.
        cost_e6: what they cost, without fees.
        realized_pnl_e6: won or lost by closing and by settlement, without fees.
        fees_e6: paid so far.
        volume_e2: contracts bought so far, of either outcome.
    """

    __slots__ = ("cost_e6", "fees_e6", "realized_pnl_e6", "size_e2", "volume_e2")

    def __init__(self) -> None:
        self.size_e2 = self.cost_e6 = self.realized_pnl_e6 = self.fees_e6 = self.volume_e2 = 0

    def buy(self, which: int, price_e4: int, size_e2: int, fee_e6: int) -> int:
        """Take in contracts that were bought. What is held of the other outcome closes first: a pair pays $1.

        The cost of a part is its share of the whole, rounded down to $0.000001; the rest stays with what is held.

        Returns:
            How many contracts closed.
        """
        self.volume_e2 += size_e2
        self.fees_e6 += fee_e6
        sign = -1 if which else 1
        held_e2 = -sign * self.size_e2  # of the other outcome
        closes_e2 = min(size_e2, max(held_e2, 0))
        if closes_e2:
            cost_e6 = self.cost_e6 * closes_e2 // held_e2
            self.cost_e6 -= cost_e6
            self.realized_pnl_e6 += (ONE_E4 - price_e4) * closes_e2 - cost_e6
        self.cost_e6 += price_e4 * (size_e2 - closes_e2)
        self.size_e2 += sign * size_e2
        return closes_e2

    def settle(self, which: int) -> None:
        """Pay $1 for every contract of the outcome that came true, and nothing for the other."""
        won_e2 = max(-self.size_e2 if which else self.size_e2, 0)
        self.realized_pnl_e6 += ONE_E4 * won_e2 - self.cost_e6
        self.size_e2 = self.cost_e6 = 0

    def told(self, account: str, subaccount: int, market_ticker: str, at_ns: int) -> PositionChanged:
        """Return it as it is told."""
        return PositionChanged(
            at_ns=at_ns, account=account, market_ticker=market_ticker, position_e2=self.size_e2, cost_e6=self.cost_e6,
            realized_pnl_e6=self.realized_pnl_e6, fees_e6=self.fees_e6, volume_e2=self.volume_e2, subaccount=subaccount,
        )  # fmt: skip


class Order(Bid):
    """A bid with an identity: of an account, or placed for the crowd by name.

    Attributes:
        account: whose; of the crowd: CROWD, and then `owner` is None.
        order_id: unique.
        number: later orders have higher ones.
        market_ticker: of the market.
        mark: client_order_id and subaccount.
        post_only: refuse whatever would make it a taker.
        initial_e2: contracts it began with; after an amendment, those filled and those that rest.
        filled_e2: contracts bought so far.
        costs_e6, fees_e6: paid so far: [as maker, as taker].
        created_ns, expires_ns: when it was placed, and when it ends by itself.
        is_canceled: whether it ended before it was filled.
    """

    __slots__ = (
        "account", "costs_e6", "created_ns", "expires_ns", "fees_e6", "filled_e2", "initial_e2", "is_canceled",
        "mark", "market_ticker", "number", "order_id", "post_only",
    )  # fmt: skip

    def __init__(
        self, *, which: int, price_e4: int, size_e2: int, account: str, order_id: str, number: int,
        market_ticker: str, mark: OrderMark, post_only: bool, created_ns: int, expires_ns: int | None,
    ) -> None:  # fmt: skip
        super().__init__(which, price_e4, size_e2, None if account == CROWD else account)
        self.account = account
        self.order_id = order_id
        self.number = number
        self.market_ticker = market_ticker
        self.mark = mark
        self.post_only = post_only
        self.initial_e2 = size_e2
        self.filled_e2 = 0
        self.costs_e6 = [0, 0]
        self.fees_e6 = [0, 0]
        self.created_ns = created_ns
        self.expires_ns = expires_ns
        self.is_canceled = False

    def told(self, at_ns: int, reason: str) -> OrderChanged:
        """Return it as it is told."""
        status: OrderStatus = "canceled" if self.is_canceled else "resting" if self.remaining_e2 else "executed"
        return OrderChanged(
            at_ns=at_ns, account=self.account, order_id=self.order_id, market_ticker=self.market_ticker,
            outcome_side=SIDES[self.which], price_e4=self.price_e4, status=status, initial_e2=self.initial_e2,
            remaining_e2=self.remaining_e2, filled_e2=self.filled_e2, taker_cost_e6=self.costs_e6[1],
            maker_cost_e6=self.costs_e6[0], taker_fees_e6=self.fees_e6[1], maker_fees_e6=self.fees_e6[0], mark=self.mark,
            created_ns=self.created_ns, expires_ns=self.expires_ns, reason=reason,
        )  # fmt: skip
