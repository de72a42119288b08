"""The plainest book, which every contender is held against."""

import json

import pytest

from benchmarks import changes
from benchmarks.truth import Truth, hundredths, ten_thousandths, tops_of_changes
from kalshi_book.sim.flow import Flow
from kalshi_book.sim.wire import ERAS, SIDES

TICKER = "KXBENCH-26-A"


def frame(kind, **msg):
    return json.dumps({"type": kind, "sid": 1, "seq": 1, "msg": {"market_ticker": TICKER, **msg}})


@pytest.mark.parametrize(
    ("text", "number"), [("0.42", 4200), ("0.4200", 4200), ("0.001", 10), ("1.0000", 10_000), ("1", 10_000)]
)
def test_a_price_is_read_exactly(text, number):
    assert ten_thousandths(text) == number


@pytest.mark.parametrize(("text", "number"), [("7.55", 755), ("-7.5", -750), ("-0.01", -1), ("120", 12_000), ("-3", -300)])
def test_a_size_is_read_exactly(text, number):
    assert hundredths(text) == number


@pytest.mark.parametrize("era", ERAS)
def test_it_reads_the_frames_of_every_era_as_their_maker_means_them(era):
    flow, truth = Flow(seed=3, markets=3, era=era, frames=500, close=False), Truth()
    for one in flow:
        truth.take(one)
    for ticker in flow.tickers:
        for side in SIDES:
            assert sorted(truth.books[ticker][side].items()) == flow.levels(ticker, side)


def test_the_top_is_the_best_yes_bid_and_the_best_no_bid_as_an_ask():
    truth = Truth()
    yes, no = [["0.4100", "1.00"]], [["0.5500", "2.00"]]
    assert truth.take(frame("orderbook_snapshot", yes_dollars_fp=yes, no_dollars_fp=no)) == (4100, 4500)
    assert truth.take(frame("orderbook_delta", price_dollars="0.4200", delta_fp="1.00", side="yes")) == (4200, 4500)
    assert truth.take(frame("orderbook_delta", price_dollars="0.5500", delta_fp="-2.00", side="no")) == (4200, None)


def test_cents_and_whole_contracts_are_read_as_such():
    truth = Truth()
    assert truth.take(frame("orderbook_snapshot", yes=[[41, 5]])) == (4100, None)
    assert truth.take(frame("orderbook_delta", price=42, delta=3, side="no")) == (4100, 5800)
    assert truth.books[TICKER]["no"] == {4200: 300}


def test_frames_without_a_book_have_no_top():
    assert Truth().take('{"type":"ok","sid":1,"seq":2,"msg":{"market_tickers":[]}}') is None


def test_a_level_below_zero_is_an_error_of_the_frames():
    truth = Truth()
    truth.take(frame("orderbook_snapshot", yes=[[41, 5]]))
    with pytest.raises(ValueError, match="a level of -100 at 4100"):
        truth.take(frame("orderbook_delta", price_dollars="0.4100", delta_fp="-6.00", side="yes"))


@pytest.mark.parametrize("near", [True, False])
@pytest.mark.parametrize("levels", [10, 124, 9_800])
def test_changes_never_empty_a_side_and_never_let_the_best_prices_meet(levels, near):
    drawn, expected = changes.changes_of(levels, seed=5, count=3_000, near=near)
    side = [(price, changes.SIZE_E2) for price in changes.prices_of(levels)]
    tops, book = tops_of_changes(side, side, drawn)
    assert len(side) == levels // 2
    assert all(bid is not None and ask is not None and bid < ask for bid, ask in tops)
    assert {(name, price): size for name in SIDES for price, size in book[name].items()} == expected
