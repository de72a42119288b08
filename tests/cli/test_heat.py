"""The grid behind ``kalshi-book plot``: depth by price and time, blank where the book was not LIVE."""

import pytest

import frames
from frames import A, B, delta, snapshot
from implementations import part

SECOND = 1_000_000_000


@pytest.fixture
def heat(kb):
    return part(kb, "cli.heat")


def grid(heat, kb, timed, *, columns, market_ticker=None):
    """Make the grid of frames with the seconds of their receipt."""
    survey = heat.Survey()
    take_all(survey, kb.Feed(), timed)
    filled = heat.Heat(survey.frame(market_ticker), columns=columns)
    take_all(filled, kb.Feed(), timed)
    filled.finish()
    return filled


def take_all(taker, feed, timed):
    for second, each in timed:
        taker.take(feed.receive(each, received_ns=None if second is None else second * SECOND))


def resting(filled, price_e4):
    """What rests at a price, column by column."""
    row = (price_e4 - filled.frame.low_e4) // filled.frame.step_e4
    return [None if column is None else column[row] for column in filled.depth]


class TestTheGrid:
    def test_a_column_holds_the_book_as_it_stood_at_the_end_of_its_slice(self, heat, kb):
        timed = [(0, snapshot()), (4, delta(seq=2)), (5, delta(seq=3, change="2.00")), (10, delta(seq=4, price="0.4300"))]
        filled = grid(heat, kb, timed, columns=5)
        assert resting(filled, 4200) == [700, 700, 1000, 1000, 1000]
        assert resting(filled, 4400) == [31000] * 5  # a NO bid at $0.56
        assert (filled.bids, filled.asks) == ([4200] * 4 + [4300], [4400] * 5)
        assert len(filled.depth) == filled.columns == 5

    def test_a_gap_is_blank_from_where_it_is_found_to_the_snapshot_that_heals(self, heat, kb):
        timed = [(0, snapshot()), (4, delta(seq=9)), (6, delta(seq=10)), (7, snapshot(seq=11)), (10, delta(seq=12))]
        filled = grid(heat, kb, timed, columns=10)
        assert resting(filled, 4200) == [700] * 4 + [None] * 4 + [700, 800]
        assert filled.bids == [4200] * 4 + [None] * 4 + [4200] * 2
        assert [each is None for each in filled.asks] == [each is None for each in filled.bids]

    def test_a_gap_that_is_found_and_healed_at_once_is_one_blank_column(self, heat, kb):
        filled = grid(heat, kb, [(0, snapshot()), (5, snapshot(seq=9)), (10, delta(seq=10))], columns=10)
        assert resting(filled, 4200) == [700] * 5 + [None] + [700] * 3 + [800]

    def test_a_book_that_stays_stale_is_blank_to_the_end_of_the_recording(self, heat, kb):
        timed = [(0, snapshot()), (1, snapshot(B, sid=2)), (5, delta(seq=9)), (10, delta(B, sid=2))]
        filled = grid(heat, kb, timed, columns=10, market_ticker=A)
        assert resting(filled, 4200) == [700] * 5 + [None] * 5

    def test_a_market_that_comes_and_ends_in_the_middle_is_drawn_from_its_first_to_its_last_row(self, heat, kb):
        timed = [(0, snapshot(B, sid=2)), (4, snapshot()), (8, snapshot(seq=2, yes=[], no=[])), (90, delta(B, sid=2))]
        filled = grid(heat, kb, timed, columns=4, market_ticker=A)
        assert (filled.frame.start, filled.frame.end) == (4 * SECOND, 8 * SECOND)
        assert resting(filled, 4200) == [700, 700, 700, 0]
        assert filled.bids == [4200, 4200, 4200, None]

    def test_trades_add_up_by_slice_price_and_taker(self, heat, kb):
        timed = [(0, snapshot()), (1, frames.trade(seq=1)), (1, frames.trade(seq=2)), (10, frames.trade(seq=3))]
        assert grid(heat, kb, timed, columns=10).trades == {(1, 4200, None): 600, (9, 4200, None): 300}

    def test_a_time_that_is_missing_or_goes_back_counts_as_the_one_before(self, heat, kb):
        timed = [(0, snapshot()), (6, delta(seq=2)), (None, delta(seq=3)), (2, delta(seq=4)), (10, delta(seq=5))]
        assert resting(grid(heat, kb, timed, columns=10), 4200) == [700] * 6 + [1000] * 3 + [1100]

    def test_a_recording_of_one_moment_is_drawn_too(self, heat, kb):
        filled = grid(heat, kb, [(3, snapshot())], columns=3)
        assert resting(filled, 4200) == [700] * 3


class TestWhatItCovers:
    def frame(self, heat, kb, timed, market_ticker=None):
        survey = heat.Survey()
        take_all(survey, kb.Feed(), timed)
        return survey.frame(market_ticker)

    def test_time_is_that_of_receipt_then_the_exchanges_then_the_number_of_the_frame(self, heat, kb):
        assert self.frame(heat, kb, [(1, snapshot()), (9, delta())])[1:4] == ("received", SECOND, 9 * SECOND)
        sent = 1793000000001 * 1_000_000
        found = self.frame(heat, kb, [(None, snapshot()), (None, delta())])
        assert found[1:4] == ("exchange", sent, sent + 401 * 1_000_000)
        old = [(None, snapshot(era="2025")), (None, frames.subscribed(4, channel="trade")), (None, delta(era="2025"))]
        assert self.frame(heat, kb, old)[1:4] == ("frames", 0, 2)

    def test_the_busiest_market_is_taken_unless_one_is_named(self, heat, kb):
        timed = [(0, snapshot()), (1, snapshot(B, seq=2)), (2, delta(B, seq=3))]
        assert self.frame(heat, kb, timed).market_ticker == B
        assert self.frame(heat, kb, timed, A).market_ticker == A

    def test_prices_reach_five_cents_beyond_the_best_ones_and_the_trades(self, heat, kb):
        timed = [(0, snapshot()), (1, frames.trade(sid=3))]
        assert self.frame(heat, kb, timed)[4:] == (3700, 4900, 100)
        assert self.frame(heat, kb, timed).rows == 13
        far = frames.frame(
            "trade", sid=3, seq=1, msg={"market_ticker": A, "yes_price_dollars": "0.9900", "count_fp": "1.00"}
        )
        assert self.frame(heat, kb, [*timed, (2, far)])[4:] == (3700, 10000, 100)

    def test_a_book_where_nobody_was_ever_best_shows_all_prices(self, heat, kb):
        timed = [(0, snapshot(top={"id": 7}))]
        assert self.frame(heat, kb, timed)[4:] == (0, 10000, 100)

    @pytest.mark.parametrize(
        ("price", "step_e4"), [("0.4300", 100), ("0.4250", 50), ("0.4210", 10), ("0.4201", 10), ("0.4225", 50)]
    )
    def test_a_row_is_as_fine_as_the_prices_and_no_finer_than_can_be_seen(self, heat, kb, price, step_e4):
        assert self.frame(heat, kb, [(0, snapshot()), (1, delta(price=price))])[6] == step_e4

    def test_levels_out_of_sight_make_no_row_finer(self, heat, kb):
        assert self.frame(heat, kb, [(0, snapshot()), (1, delta(price="0.0011"))])[6] == 100

    def test_a_narrow_market_gets_the_finest_rows(self, heat, kb):
        yes, no = [("0.9998", "1.00")], [("0.0001", "2.00")]
        assert self.frame(heat, kb, [(0, snapshot(yes=yes, no=no))])[4:] == (9495, 10000, 5)

    def test_a_price_between_rows_counts_for_the_nearest_and_one_beyond_for_none(self, heat, kb):
        far = [("0.2000", "1.00")]
        timed = [(0, snapshot(no=[*far, *frames.NO])), (1, delta(price="0.4202")), (2, delta(seq=3, price="0.4207"))]
        filled = grid(heat, kb, timed, columns=2)
        assert filled.frame.step_e4 == 10
        assert resting(filled, 4200)[-1] == 800
        assert resting(filled, 4210)[-1] == 100
        assert sum(filled.depth[-1]) == 700 + 100 + 100 + 12000 + 31000 + 4000

    def test_a_market_that_is_not_there_is_refused_with_those_that_are(self, heat, kb):
        with pytest.raises(kb.UsageError) as caught:
            self.frame(heat, kb, [(0, snapshot()), (1, snapshot(B, seq=2)), (2, delta(B, seq=3))], "KX-NONE")
        assert str(caught.value) == f"expected a book of KX-NONE in the recording, found {B}, {A}"
        many = [(0, snapshot(f"KX-{number:02}", seq=number)) for number in range(1, 14)]
        with pytest.raises(kb.UsageError, match=r"found KX-01, KX-02, .*, KX-10 and 3 more$"):
            self.frame(heat, kb, many, "KX-NONE")

    @pytest.mark.parametrize("market_ticker", [None, A])
    def test_so_is_a_recording_without_a_book(self, heat, kb, market_ticker):
        with pytest.raises(kb.UsageError, match=r"^expected a book of .* in the recording, found no book at all$"):
            self.frame(heat, kb, [(0, frames.trade())], market_ticker)
