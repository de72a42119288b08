"""Fees, positions and orders in exact integers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_book.sim.accounts import Order, Position, fee_e6
from kalshi_book.sim.happenings import OrderMark, PositionChanged

YES, NO = 0, 1


class TestFees:
    """0.07 x contracts x price x (1 - price), a quarter of it for makers, rounded up to $0.0001.

    A choice of the simulator, after the general formula that is commonly quoted; no rule of the exchange's that was read.
    """

    @pytest.mark.parametrize(
        ("price_e4", "size_e2", "taker_e6", "maker_e6"),
        [
            (5_000, 10_000, 1_750_000, 437_500),  # 100 contracts at $0.50: $1.75, and $0.4375
            (5_000, 100, 17_500, 4_400),  # 1 contract: $0.0175, and $0.004375 rounded up to $0.0044
            (100, 100, 700, 200),  # at $0.01: $0.000693, and $0.00017325
            (1, 1, 100, 100),  # the smallest there is is not free
        ],
    )
    def test_a_fee_is_that_of_the_formula(self, price_e4, size_e2, taker_e6, maker_e6):
        assert fee_e6(price_e4, size_e2, is_taker=True) == taker_e6
        assert fee_e6(price_e4, size_e2, is_taker=False) == maker_e6

    @given(st.integers(1, 9_999), st.integers(1, 10**11), st.booleans())
    def test_a_fee_is_rounded_up_once_and_the_same_for_both_outcomes(self, price_e4, size_e2, is_taker):
        price = Fraction(price_e4, 10_000)
        exact_e4 = Fraction(7 if is_taker else Fraction(7, 4)) / 100 * Fraction(size_e2, 100) * price * (1 - price) * 10_000
        fee_e4, rest = divmod(fee_e6(price_e4, size_e2, is_taker=is_taker), 100)
        assert rest == 0 and fee_e4 - 1 < exact_e4 <= fee_e4
        assert fee_e6(10_000 - price_e4, size_e2, is_taker=is_taker) == fee_e4 * 100


def facts(position):
    return position.size_e2, position.cost_e6, position.realized_pnl_e6


class TestPositions:
    def test_what_is_bought_is_held_at_its_cost(self):
        position = Position()
        assert position.buy(YES, 4_000, 100, 7) == 0
        assert position.buy(YES, 5_000, 300, 9) == 0
        assert facts(position) == (400, 1_900_000, 0)
        assert (position.fees_e6, position.volume_e2) == (16, 400)

    def test_the_other_outcome_closes_and_a_pair_pays_a_dollar(self):
        """Buying NO closes YES: the exchange nets positions (`post_position_fp` is signed, AsyncAPI text, 2026-10-26)."""
        position = Position()
        position.buy(YES, 4_000, 300, 0)  # $1.20
        assert position.buy(NO, 5_000, 100, 0) == 100  # paid $0.40 + $0.50 for $1
        assert facts(position) == (200, 800_000, 100_000)
        assert position.buy(NO, 7_000, 500, 0) == 200  # $0.80 + $1.40 for $2; the rest opens NO
        assert facts(position) == (-300, 2_100_000, -100_000)

    def test_the_cost_of_a_part_is_rounded_down_and_the_rest_stays(self):
        position = Position()
        position.buy(NO, 3_333, 1, 0)
        position.buy(NO, 3_334, 2, 0)
        position.buy(YES, 5_000, 1, 0)
        assert facts(position) == (-2, 10_001 - 3_333, 10_000 - 5_000 - 3_333)

    @pytest.mark.parametrize(("which", "result", "won_e6"), [(YES, YES, 600_000), (YES, NO, -400_000), (NO, NO, 600_000)])
    def test_settlement_pays_a_dollar_or_nothing(self, which, result, won_e6):
        position = Position()
        position.buy(which, 4_000, 100, 0)
        position.settle(result)
        assert facts(position) == (0, 0, won_e6)

    @given(
        st.lists(st.tuples(st.sampled_from([YES, NO]), st.integers(1, 9_999), st.integers(1, 1_000))),
        st.sampled_from([YES, NO]),
    )
    def test_no_money_is_made_or_lost_by_the_accounts(self, buys, result):
        position, cash_e6, held_e2 = Position(), 0, 0
        for which, price_e4, size_e2 in buys:
            closed_e2 = position.buy(which, price_e4, size_e2, 1)
            cash_e6 += 10_000 * closed_e2 - price_e4 * size_e2
            held_e2 += -size_e2 if which else size_e2
            assert position.size_e2 == held_e2 and position.realized_pnl_e6 - position.cost_e6 == cash_e6
            assert position.cost_e6 >= 0 and (position.size_e2 or not position.cost_e6)
        cash_e6 += 10_000 * max(-held_e2 if result else held_e2, 0)
        position.settle(result)
        assert facts(position) == (0, 0, cash_e6) and position.fees_e6 == len(buys)

    def test_it_is_told_with_its_owner_and_market(self):
        position = Position()
        position.buy(NO, 4_000, 100, 7)
        assert position.told("ann", 3, "T", 5) == PositionChanged(
            at_ns=5, account="ann", market_ticker="T", position_e2=-100, cost_e6=400_000, realized_pnl_e6=0, fees_e6=7,
            volume_e2=100, subaccount=3,
        )  # fmt: skip


class TestOrders:
    def order(self, account="ann"):
        return Order(
            which=NO, price_e4=4_000, size_e2=100, account=account, order_id="id", number=1, market_ticker="T",
            mark=OrderMark("mine", 2), post_only=False, created_ns=5, expires_ns=9,
        )  # fmt: skip

    def test_an_order_is_told_as_it_stands(self):
        order = self.order()
        order.filled_e2, order.remaining_e2, order.costs_e6, order.fees_e6 = 40, 60, [1, 2], [3, 4]
        told = order.told(7, "Trade")
        assert (told.at_ns, told.account, told.order_id, told.market_ticker) == (7, "ann", "id", "T")
        assert (told.outcome_side, told.price_e4, told.status, told.reason) == ("no", 4_000, "resting", "Trade")
        assert (told.initial_e2, told.remaining_e2, told.filled_e2) == (100, 60, 40)
        assert (told.maker_cost_e6, told.taker_cost_e6, told.maker_fees_e6, told.taker_fees_e6) == (1, 2, 3, 4)
        assert (told.mark, told.created_ns, told.expires_ns) == (OrderMark("mine", 2), 5, 9)

    def test_an_order_that_ended_was_executed_or_canceled(self):
        order = self.order()
        order.remaining_e2 = 0
        assert order.told(7, "").status == "executed"
        order.is_canceled = True
        assert order.told(7, "").status == "canceled"

    def test_an_order_of_the_crowd_has_no_owner(self):
        assert (self.order("crowd").owner, self.order("ann").owner) == (None, "ann")
