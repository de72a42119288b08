"""What a market shows of itself, and what `ticker` tells of it."""

import pytest

from kalshi_book.sim.happenings import Quoted
from kalshi_book.sim.listing import STRUCTURES
from kalshi_book.sim.market import GRIDS
from kalshi_book.sim.venue import Venue
from sim_watcher import START_NS, Watcher

A = "KXSIM-26-A"


@pytest.fixture
def venue():
    return Venue(markets=1, seed=7, rate=0, levels=0, start_ns=START_NS)


def change(venue, side, price_e4, delta_e2):
    venue.crowd.change(A, outcome_side=side, price_e4=price_e4, delta_e2=delta_e2)


@pytest.mark.parametrize("tick", GRIDS)
def test_bands_and_grid_say_the_same(tick):
    _, bands = STRUCTURES[tick]
    prices = {price_e4 for start, end, step in bands for price_e4 in range(start, end + 1, step)}
    assert sorted(prices - {0, 10_000}) == list(GRIDS[tick])
    assert [10_000 - price_e4 for price_e4 in reversed(GRIDS[tick])] == list(GRIDS[tick])  # its own mirror image


def test_levels_ascend_and_no_stands_on_its_own_scale(venue):
    for side, price_e4 in (("yes", 4_200), ("no", 5_500), ("yes", 300)):
        change(venue, side, price_e4, 100)
    listing = venue.listings[A]
    assert listing.levels("yes") == [(300, 100), (4_200, 100)] and listing.levels("no") == [(5_500, 100)]


def test_a_quote_is_told_when_the_best_changes_and_only_then(venue):
    watcher = Watcher(venue)
    venue.advance(START_NS + 5)
    for side, price_e4, delta_e2, told in (
        ("yes", 4_200, 100, True), ("yes", 4_100, 100, False), ("no", 5_000, 100, True), ("no", 5_000, 50, True),
        ("yes", 4_100, -100, False), ("yes", 4_200, -100, True),
    ):  # fmt: skip
        watcher.told.clear()
        change(venue, side, price_e4, delta_e2)
        assert any(isinstance(each, Quoted) for each in watcher.told) == told
    assert watcher.told[-1] == venue.listings[A].quoted() == Quoted(
        at_ns=START_NS + 5, market_ticker=A, market_id=venue.listings[A].market_id, last_price_e4=None, yes_bid_e4=None,
        yes_ask_e4=5_000, yes_bid_size_e2=0, yes_ask_size_e2=150, last_size_e2=0, volume_e2=0, open_interest_e2=0,
        dollar_volume=0, dollar_open_interest=0,
    )  # fmt: skip


def test_a_quote_can_be_read_before_any_was_told(venue):
    quoted = venue.listings[A].quoted()
    assert (quoted.at_ns, quoted.yes_bid_e4, quoted.yes_ask_e4, quoted.last_price_e4) == (START_NS, None, None, None)


@pytest.mark.parametrize(("tick", "on", "off"), [
    ("cent", (100, 9_900), (10, 101)), ("deci_cent", (10, 9_990), (1, 5)), ("centi_cent", (1, 9_999), (0, 10_000)),
    ("tapered", (10, 1_100, 9_990), (1_010, 8_990, 9_001)),
])  # fmt: skip
def test_prices_are_on_the_grid_or_off_it(tick, on, off):
    listing = Venue(markets=1, seed=7, rate=0, tick=tick, start_ns=START_NS).listings[A]
    assert all(map(listing.is_on_tick, on)) and not any(map(listing.is_on_tick, off))
