"""What is known of a market: each event, what is lost with a connection, its schedule, and its ticks.

Source, where no other is named: the "Market & Event Lifecycle" channel of the exchange's AsyncAPI text, read 2026-10-26.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frames import A, B, snapshot
from implementations import PYTHON

OPEN, CLOSE = 1_793_000_000, 1_793_086_400
STATES = ["UNKNOWN", "ACTIVE", "PAUSED", "CLOSED", "SETTLED"]


class Range(NamedTuple):
    """A band as it comes in a message."""

    start_e4: int
    end_e4: int
    step_e4: int


@dataclass(frozen=True)
class Event:
    """A lifecycle message, as ``Market.after`` reads it."""

    event_type: str
    market_ticker: str = A
    is_deactivated: bool | None = None
    open_ts: int | None = None
    close_ts: int | None = None
    determination_ts: int | None = None
    settled_ts: int | None = None
    result: str | None = None
    settlement_value_e4: int | None = None
    price_level_structure: str | None = None
    price_ranges: tuple[Range, ...] | None = None


TAPERED = (Range(0, 1000, 10), Range(1000, 9000, 100), Range(9000, 10_000, 10))
CENTS = (Range(0, 10_000, 100),)
CREATED = Event("created", open_ts=OPEN, close_ts=CLOSE, price_level_structure="tapered_deci_cent", price_ranges=TAPERED)
UPDATED = Event("price_level_structure_updated", price_level_structure="linear_cent", price_ranges=CENTS)
DETERMINED = Event("determined", determination_ts=CLOSE + 60, result="yes", settlement_value_e4=10_000)


@pytest.fixture
def new(kb):
    """A market that nothing was said of."""
    return kb.Market(market_ticker=A)


def after(market, *events):
    """The market after several events; a text is the type of an event that says nothing else."""
    for event in events:
        market = market.after(Event(event) if isinstance(event, str) else event)
    return market


def standing(kb, state):
    """A market in one of the states."""
    return kb.Market(market_ticker=A, state=kb.MarketState[state], open_ts=OPEN, close_ts=CLOSE)


class TestEvents:
    def test_nothing_is_known_before_the_first_event(self, kb, new):
        assert (new.state, new.price_ranges, new.price_level_structure, new.is_current) == ("unknown", None, None, False)
        assert (new.open_ts, new.close_ts, new.determination_ts, new.settled_ts) == (None, None, None, None)
        assert (new.result, new.settlement_value_e4, new.tick_at_e4(4200)) == (None, None, None)

    def test_a_created_market_has_times_and_prices_and_does_not_trade_by_that(self, kb, new):
        """``open_ts``: "This key will ONLY exist when the market is created": trading starts with ``activated``."""
        market = after(new, CREATED)
        assert (market.state, market.open_ts, market.close_ts) == (kb.MarketState.UNKNOWN, OPEN, CLOSE)
        assert (market.price_level_structure, market.price_ranges, market.is_current) == ("tapered_deci_cent", TAPERED, True)
        assert all(type(band) is kb.PriceRange for band in market.price_ranges)

    def test_a_created_market_with_a_label_alone_has_no_ticks(self, kb, new):
        """``price_ranges``: "Use this to determine valid order prices rather than hardcoding a tick size."."""
        market = after(new, replace(CREATED, price_ranges=None))
        assert (market.price_level_structure, market.price_ranges, market.is_current) == ("tapered_deci_cent", None, True)

    @pytest.mark.parametrize(
        ("event_type", "is_deactivated", "state"),
        [
            ("activated", None, "ACTIVE"), ("activated", False, "ACTIVE"), ("activated", True, "UNKNOWN"),
            ("deactivated", None, "PAUSED"), ("deactivated", True, "PAUSED"), ("deactivated", False, "UNKNOWN"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("before", ["UNKNOWN", "ACTIVE", "PAUSED"])
    def test_a_market_is_activated_and_paused_and_unknown_where_flag_and_type_disagree(
        self, kb, before, event_type, is_deactivated, state
    ):
        """``is_deactivated``: "Boolean flag to indicate if trading is paused on an open market."."""
        market = standing(kb, before)
        assert after(market, Event(event_type, is_deactivated=is_deactivated)) == after(
            kb.Market(market_ticker=A, state=kb.MarketState[state], open_ts=OPEN, close_ts=CLOSE)
        )

    @pytest.mark.parametrize("before", ["CLOSED", "SETTLED"])
    @pytest.mark.parametrize("event_type", ["activated", "deactivated", "created", "determined"])
    def test_a_market_whose_trading_is_over_is_not_opened_again(self, kb, before, event_type):
        """``is_deactivated``: "This should only be interpreted for an open market"."""
        assert after(standing(kb, before), event_type).state is kb.MarketState[before]

    @pytest.mark.parametrize("before", ["UNKNOWN", "ACTIVE", "PAUSED"])
    def test_a_determined_market_is_closed_and_has_a_result(self, kb, before):
        market = after(standing(kb, before), DETERMINED)
        assert (market.state, market.determination_ts, market.result) == (kb.MarketState.CLOSED, CLOSE + 60, "yes")
        assert (market.settlement_value_e4, market.open_ts, market.close_ts) == (10_000, OPEN, CLOSE)

    @pytest.mark.parametrize("before", STATES)
    def test_a_settled_market_is_settled_and_keeps_its_result(self, kb, before):
        market = after(standing(kb, before), DETERMINED, Event("settled", settled_ts=CLOSE + 90))
        assert (market.state, market.settled_ts, market.result) == (kb.MarketState.SETTLED, CLOSE + 90, "yes")

    @pytest.mark.parametrize("state", STATES)
    def test_a_close_date_moves_and_the_state_stays(self, kb, state):
        """``close_ts``: "Will be updated in case of early determination markets"."""
        market = after(standing(kb, state), Event("close_date_updated", close_ts=CLOSE - 3600))
        assert (market.state, market.close_ts, market.open_ts) == (kb.MarketState[state], CLOSE - 3600, OPEN)

    def test_a_close_date_that_is_moved_and_not_told_is_not_known(self, kb):
        assert after(standing(kb, "ACTIVE"), "close_date_updated").close_ts is None

    def test_price_ranges_are_replaced_with_their_label(self, kb, new):
        market = after(new, CREATED, "activated", UPDATED)
        assert (market.price_ranges, market.price_level_structure, market.is_current) == (CENTS, "linear_cent", True)
        assert (market.state, market.close_ts) == (kb.MarketState.ACTIVE, CLOSE)

    @pytest.mark.parametrize("ranges", [None, (), (Range(0, 10_000, 0),), (Range(9000, 1000, 100), Range(5, 5, 1))])
    def test_a_new_structure_without_usable_ranges_leaves_no_ticks_rather_than_the_old_ones(self, new, ranges):
        market = after(new, CREATED, replace(UPDATED, price_ranges=ranges))
        assert (market.price_ranges, market.tick_at_e4(4200), market.is_current) == (None, None, True)

    def test_ranges_that_can_be_used_are_kept_and_others_left_out(self, new):
        """A band without a step above 0, or one that does not end above its start, has no second price."""
        bands = (Range(9000, 10_000, 10), Range(0, 1000, -1), Range(1000, 9000, 100), Range(500, 500, 1))
        market = after(new, replace(UPDATED, price_ranges=bands))
        assert market.price_ranges == (Range(1000, 9000, 100), Range(9000, 10_000, 10))
        assert (market.tick_at_e4(500), market.tick_at_e4(4200)) == (None, 100)

    @pytest.mark.parametrize("event_type", ["metadata_updated", "exploded", ""])
    @pytest.mark.parametrize("state", STATES)
    def test_metadata_and_types_we_do_not_know_change_nothing(self, kb, state, event_type):
        market = standing(kb, state)
        assert after(market, replace(CREATED, event_type=event_type, open_ts=1)) is market

    def test_an_event_of_another_market_is_refused(self, kb, new):
        with pytest.raises(kb.UsageError, match=f"^an event of {B} does not belong to the market {A}$"):
            new.after(Event("activated", market_ticker=B))

    def test_a_market_never_changes(self, new):
        with pytest.raises(AttributeError):
            new.state = "active"
        after(new, CREATED, "activated")
        assert new.state == "unknown"


class TestWhatIsLost:
    @pytest.mark.parametrize("state", ["UNKNOWN", "ACTIVE", "PAUSED"])
    def test_an_open_market_is_unknown_and_its_prices_are_the_last_known(self, kb, new, state):
        market = after(new, CREATED, *{"ACTIVE": ["activated"], "PAUSED": ["deactivated"]}.get(state, []))
        assert market.state is kb.MarketState[state]
        lost = market.outdated()
        assert (lost.state, lost.is_current) == (kb.MarketState.UNKNOWN, False)
        assert (lost.price_ranges, lost.price_level_structure, lost.tick_at_e4(100)) == (TAPERED, "tapered_deci_cent", 10)
        assert (lost.open_ts, lost.close_ts) == (OPEN, None)

    @pytest.mark.parametrize("last", [[], [Event("settled", settled_ts=CLOSE + 90)]])
    def test_what_is_final_stays(self, new, last):
        market = after(new, CREATED, DETERMINED, *last)
        lost = market.outdated()
        assert (lost.state, lost.close_ts, lost.result, lost.is_current) == (market.state, CLOSE, "yes", False)

    def test_the_next_event_tells_the_state_and_only_new_ranges_are_current(self, kb, new):
        lost = after(new, CREATED, "activated").outdated()
        active = after(lost, "activated")
        assert (active.state, active.is_current, active.price_ranges) == (kb.MarketState.ACTIVE, False, TAPERED)
        assert after(active, UPDATED).is_current

    def test_a_close_time_that_may_have_moved_closes_nothing(self, kb, new):
        market = after(after(new, CREATED, "activated").outdated(), "activated")
        assert market.state_at(CLOSE) is kb.MarketState.ACTIVE
        assert after(market, Event("close_date_updated", close_ts=CLOSE)).state_at(CLOSE) is kb.MarketState.CLOSED


class TestSchedule:
    @pytest.mark.parametrize("state", ["UNKNOWN", "ACTIVE", "PAUSED"])
    def test_a_market_is_closed_before_it_opens_and_from_its_close_on(self, kb, state):
        market = standing(kb, state)
        at = [market.state_at(ts) for ts in (OPEN - 1, OPEN, CLOSE - 1, CLOSE)]
        assert at == [kb.MarketState.CLOSED, kb.MarketState[state], kb.MarketState[state], kb.MarketState.CLOSED]

    @pytest.mark.parametrize("state", ["CLOSED", "SETTLED"])
    def test_what_is_final_is_so_at_any_time(self, kb, state):
        assert {standing(kb, state).state_at(ts) for ts in (0, OPEN, CLOSE)} == {kb.MarketState[state]}

    def test_of_times_that_are_not_known_nothing_is_made(self, kb, new):
        assert {after(new, "activated").state_at(ts) for ts in (0, OPEN, CLOSE)} == {kb.MarketState.ACTIVE}


class TestTicks:
    @pytest.mark.parametrize(
        ("price_e4", "tick_e4"),
        [
            (0, 10), (10, 10), (990, 10), (999, 10),
            (1000, 100), (1001, 100), (8900, 100), (8999, 100),
            (9000, 10), (9990, 10), (10_000, 10), (-1, None), (10_001, None),
        ],
    )  # fmt: skip
    def test_where_two_bands_meet_the_step_is_that_of_the_upper(self, new, price_e4, tick_e4):
        """Bands: $0.001 to $0.10, $0.01 to $0.90, $0.001 above: from $0.10 the next price up is $0.11."""
        assert after(new, replace(UPDATED, price_ranges=TAPERED[::-1])).tick_at_e4(price_e4) == tick_e4

    def test_the_step_down_is_that_of_the_band_right_below(self, new):
        """From $0.90 the next price down is $0.89, from $0.10 it is $0.099."""
        market = after(new, CREATED)
        assert [market.tick_at_e4(price_e4 - 1) for price_e4 in (9000, 1000, 500)] == [100, 10, 10]

    def test_a_price_between_two_bands_has_no_tick(self, new):
        market = after(new, replace(UPDATED, price_ranges=(TAPERED[0], TAPERED[2])))
        assert (market.tick_at_e4(1000), market.tick_at_e4(1001), market.tick_at_e4(9000)) == (10, None, 10)

    @given(cuts=st.lists(st.integers(1, 99), min_size=1, max_size=6, unique=True), data=st.data())
    def test_stepping_up_from_any_valid_price_visits_every_valid_price(self, cuts, data):
        """Bands that meet: the prices are those of all bands, and each step leads to the next of them."""
        ends = [0, *sorted(cut * 100 for cut in cuts), 10_000]
        bands = tuple(Range(low, high, data.draw(st.sampled_from([1, 5, 10, 50, 100]))) for low, high in pairwise(ends))
        market = after(PYTHON.Market(market_ticker=A), replace(UPDATED, price_ranges=bands))
        valid = sorted({price for band in bands for price in range(band.start_e4, band.end_e4 + 1, band.step_e4)})
        visited = [0]
        while visited[-1] < 10_000:
            visited.append(visited[-1] + market.tick_at_e4(visited[-1]))
        assert visited == valid
        down = [10_000]
        while down[-1] > 0:
            down.append(down[-1] - market.tick_at_e4(down[-1] - 1))
        assert down[::-1] == valid


class TestOnTheBook:
    def test_a_book_knows_nothing_of_its_market_until_it_is_told(self, kb):
        book = kb.OrderBook(A)
        assert (book.market, book.market_state) == (kb.Market(market_ticker=A), kb.MarketState.UNKNOWN)
        assert book.tick_at("0.42") is None

    def test_a_book_tells_of_its_market_in_every_state_and_so_does_a_copy_of_then(self, kb, feed):
        book = feed.receive(snapshot()).book
        book._market = after(book.market, CREATED, "activated")
        copied = book.snapshot()
        book._market = after(book.market, UPDATED, "deactivated")
        feed.closed()
        for reader, state, tick in (
            (book, "paused", "0.0100"),
            (book.last_known, "paused", "0.0100"),
            (copied, "active", "0.0010"),
        ):
            assert (reader.market_state, str(reader.tick_at("0.05"))) == (state, tick)
            assert reader.market.market_ticker == A

    def test_a_tick_is_asked_for_in_any_unit_and_is_exact(self, kb):
        book = kb.OrderBook(A)
        book._market = after(book.market, CREATED)
        for argument in ({"price": "0.42"}, {"price": Decimal("0.42")}, {"price_e4": 4200}, {"cents": 42}):
            tick = book.tick_at(**argument)
            assert (type(tick), str(tick)) == (Decimal, "0.0100")
        for wrong, error in ((42, TypeError), (0.42, TypeError), ("1.00", kb.UsageError)):
            with pytest.raises(error):
                book.tick_at(wrong)

    @pytest.mark.parametrize("name", ["market", "market_state"])
    def test_what_is_known_of_a_market_cannot_be_set_on_a_book(self, kb, name):
        with pytest.raises(AttributeError):
            setattr(kb.OrderBook(A), name, None)


def test_the_words_of_a_market_are_these(kb):
    assert [word.value for word in kb.MarketState] == ["unknown", "active", "paused", "closed", "settled"]
    assert [word.name for word in kb.MarketState] == STATES
