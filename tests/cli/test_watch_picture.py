"""A sight as lines: what stands where, for screens of any size, and that nothing looks LIVE which is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kalshi_book as kb
from frames import A, delta, ok, snapshot, subscribed
from kalshi_book.cli.watch.picture import (
    ASK,
    BAD,
    BID,
    BLOCKS,
    GOOD,
    HEIGHT,
    HELD,
    PLAIN,
    WHY,
    WIDTH,
    clock_text,
    help_lines,
    level_text,
    picture,
    span_text,
)
from kalshi_book.cli.watch.sights import Change, Deal, Sight
from kalshi_book.orders import OwnOrder, OwnReading

SECOND = 1_000_000_000
NOW = 1_793_000_010 * SECOND  # 07:33:30
WIDE = {"yes": [(f"0.{price:02d}00", f"{price}.00") for price in range(10, 42)],
        "no": [(f"0.{price:02d}00", f"{price}.00") for price in range(10, 57)]}  # fmt: skip


def book_of(*frames):
    feed = kb.Feed()
    for each in frames:
        feed.receive(each)
    return feed.books[A]


def see(book, **more):
    return Sight(A, book, "demo", (1, 1), NOW, **{"proven_ns": NOW - 300_000_000, **more})


def drawn(sight, **more):
    return [line.plain.rstrip() for line in picture(sight, **{"bars": PLAIN, **more})]


def styles_of(line):
    return {str(span.style) for span in line.spans} | {str(line.style)}


@pytest.fixture
def book():
    return book_of(snapshot())


class TestA80By24Screen:
    def test_has_the_market_its_standing_its_best_prices_the_ladder_what_happened_last_and_the_keys(self, book):
        changes = [
            Change(NOW, "yes", 4200, 700, False),
            Change(NOW - SECOND, "no", 5600, -1250, True),
            Change(None, "yes", 1, 1, False),
        ]
        trades = [Deal(NOW, 4400, 30000, "no"), Deal(None, 4200, 1, None)]
        sight = see(book, changes=changes, trades=trades, note="07:33:20 connection 1 is open")
        assert drawn(sight._replace(place=(2, 5))) == [
            " KXDEMO-26-A  YES                                                  2 of 5, demo",
            " LIVE, proven 0.3 s ago, market state not told",
            " best bid $0.4200 x 7.00  best ask $0.4400 x 310.00",
            " 07:33:20 connection 1 is open",
            "",
            "",
            "",
            "",
            " ask  $0.4500         40.00  ##############",
            " ask  $0.4400        310.00  ########################################",
            "      $0.0200 spread, $0.4300 mid",
            " bid  $0.4200          7.00  ######",
            " bid  $0.4100        120.00  ########################",
            "",
            "",
            "",
            "",
            " last changes                             last trades",
            " 07:33:30 bid $0.4200       +7.00         07:33:30 $0.4400    300.00 bought NO",
            " 07:33:29 ask $0.4400      -12.50 own              $0.4200      0.01",
            "          bid $0.0001       +0.01",
            "",
            "",
            " ← → market  f yes/no  space freeze  ? help  q quit",
        ]

    def test_of_no_shows_the_other_outcome(self, book):
        sight = see(book, changes=[Change(NOW, "yes", 4200, 700, False)], trades=[Deal(NOW, 4400, 30000, "no")])
        lines = drawn(sight, outcome_side="no")
        assert lines[0].split() == [A, "NO", "demo"]
        assert lines[2] == " best bid $0.5600 x 310.00  best ask $0.5800 x 7.00"
        assert lines[8:13] == [
            " ask  $0.5900        120.00  ########################",
            " ask  $0.5800          7.00  ######",
            "      $0.0200 spread, $0.5700 mid",
            " bid  $0.5600        310.00  ########################################",
            " bid  $0.5500         40.00  ##############",
        ]
        assert lines[18] == " 07:33:30 ask $0.5800       +7.00         07:33:30 $0.5600    300.00 bought NO"

    def test_is_80_by_24_unless_it_is_said(self):
        assert (WIDTH, HEIGHT) == (80, 24)
        assert len(picture(see(None))) == 24

    def test_draws_bids_and_asks_in_colours_and_bars_of_blocks(self, book):
        lines = picture(see(book))
        ask, bid = lines[9], lines[11]
        assert ask.plain.endswith(BLOCKS.live * 40) and ASK in styles_of(ask)
        assert BID in styles_of(bid)
        assert GOOD in styles_of(lines[1])


class TestOtherScreens:
    def test_a_larger_one_has_more_levels_and_longer_memory(self):
        deep = book_of(snapshot(yes=WIDE["yes"], no=WIDE["no"]))
        changes = [Change(NOW, "yes", price, 100, False) for price in range(1, 30)]
        lines = drawn(see(deep, changes=changes), width=120, height=40)
        assert len(lines) == 40
        assert sum(line.startswith(" ask ") for line in lines) == 12
        assert sum(line.startswith(" bid ") for line in lines) == 12
        assert sum(" bid $" in line for line in lines[29:]) == 9
        assert lines[0].endswith(" demo") and len(lines[0]) == 119

    def test_the_middle_stays_where_it_is_whatever_the_book_holds(self):
        books = [book_of(snapshot(yes=WIDE["yes"][:n], no=WIDE["no"][:m])) for n, m in ((1, 30), (30, 1), (2, 0), (0, 2))]
        middles = [next(at for at, line in enumerate(drawn(see(each))) if line.startswith("      ")) for each in books]
        assert middles == [10] * 4

    def test_a_narrow_one_leaves_the_trades_out(self, book):
        sight = see(book, changes=[Change(NOW, "yes", 4200, 700, True)], trades=[Deal(NOW, 4400, 30000, "no")])
        lines = drawn(sight, width=60)
        assert lines[17:19] == [" last changes", " 07:33:30 bid $0.4200       +7.00 own"]
        assert not any("bought" in line or "trades" in line for line in lines)

    @pytest.mark.parametrize(
        ("size", "expected"),
        [
            ((20, 5), [" KXDEMO-26-A  YES  …", " LIVE, proven 0.3 s…", " best bid $0.4200 x…", "", " ← → market  f yes/…"]),
            ((20, 2), [" KXDEMO-26-A  YES  …", " LIVE, proven 0.3 s…"]),
            ((7, 1), [" KXDEM…"]),
        ],
    )
    def test_a_tiny_one_keeps_what_matters_most(self, book, size, expected):
        assert drawn(see(book), width=size[0], height=size[1]) == expected

    def test_a_number_that_is_cut_does_not_look_like_another_one(self, book):
        assert drawn(see(book), width=48)[2] == " best bid $0.4200 x 7.00  best ask $0.4400 x 31…"

    @given(width=st.integers(1, 200), height=st.integers(1, 80), side=st.sampled_from(["yes", "no"]))
    def test_of_any_size_is_filled_and_never_exceeded(self, width, height, side):
        deep = book_of(snapshot(yes=WIDE["yes"], no=[]))
        changes = [Change(NOW, "yes", 4200, 10**18, True)] * 40
        trades = [Deal(NOW, 4400, 10**18, "no")] * 40
        for sight in (see(deep, changes=changes, trades=trades, note="x" * 300), see(None)):
            size = {"width": width, "height": height}
            for lines in (picture(sight, outcome_side=side, **size), help_lines(**size)):
                assert len(lines) == height
                assert max(line.cell_len for line in lines) <= width


class TestABookThatIsNotLive:
    def test_is_drawn_as_stale_in_words_in_a_bar_of_colour_with_other_bars_and_dimmed(self):
        stale = book_of(snapshot(), delta(seq=4))
        lines = picture(see(stale, since_ns=NOW - 3 * SECOND, changes=[Change(NOW, "yes", 4200, 1, False)]), bars=PLAIN)
        assert lines[1].plain == f"{' STALE for 3.0 s, may be wrong: frames are missing (gap)':<80}"
        assert styles_of(lines[1]) == {BAD, ""}
        assert lines[2].plain == " last known: best bid $0.4200 x 7.00  best ask $0.4400 x 310.00"
        assert lines[9].plain == f" ask  $0.4400        310.00  {':' * 40}"
        for line in (*lines[8:13], lines[18]):
            assert "#" not in line.plain and styles_of(line) == {"dim", ""}
        assert not any("LIVE" in line.plain for line in lines)

    @pytest.mark.parametrize("reason", list(kb.StaleReason))
    def test_says_why_in_words(self, book, reason):
        book._set_state(kb.State.STALE, reason)
        line = drawn(see(book))[1]
        assert line.startswith(f" STALE, may be wrong: {WHY[reason]} ({reason})")

    def test_says_a_reason_of_somebody_elses(self):
        feed = kb.Feed()
        feed.receive(snapshot())
        feed.closed("lunch")
        assert drawn(see(feed.books[A]))[1] == " STALE, may be wrong: lunch (lunch)"

    def test_without_a_snapshot_shows_no_levels(self):
        new = book_of(subscribed(), ok([A]))
        lines = drawn(see(new, since_ns=NOW - 130 * SECOND))
        assert lines[1] == " NEW for 2 min: announced, and no snapshot yet"
        assert lines[2:17] == [""] * 15

    def test_that_was_never_heard_of_says_so(self):
        lines = drawn(see(None))
        assert lines[1] == " NO BOOK YET: nothing was said of this market so far"
        assert lines[4:17] == [""] * 13

    def test_that_is_unavailable_says_so(self, book):
        book._set_state(kb.State.UNAVAILABLE, "no_snapshot")
        lines = drawn(see(book, since_ns=NOW - 15 * SECOND))
        assert lines[1].startswith(" UNAVAILABLE for 15 s: the exchange gives no snapshot")
        assert lines[9].endswith(":" * 40)


class TestAMarket:
    @pytest.mark.parametrize("state", [kb.MarketState.ACTIVE, kb.MarketState.PAUSED, kb.MarketState.SETTLED])
    def test_says_whether_it_trades(self, state):
        feed = kb.Feed()
        feed.receive(snapshot())
        feed.set_market(kb.Market(market_ticker=A, state=state))
        assert drawn(see(feed.books[A], proven_ns=None))[1] == f" LIVE, market {state}"

    def test_past_its_close_is_closed(self):
        feed = kb.Feed()
        feed.receive(snapshot())
        feed.set_market(kb.Market(market_ticker=A, state=kb.MarketState.ACTIVE, close_ts=NOW // SECOND))
        assert drawn(see(feed.books[A]))[1] == " LIVE, proven 0.3 s ago, market closed"

    def test_of_a_recording_is_live_in_that_only_and_has_its_keys(self, book):
        lines = drawn(see(book, is_recording=True))
        assert lines[1] == " LIVE in the recording at 07:33:30, market state not told"
        assert lines[-1] == " ← → market  f yes/no  space pause  + - speed  ? help  q quit"


class TestAFrozenPicture:
    def test_says_since_when_and_what_was_then(self, book):
        frozen = see(book).frozen()
        book.change(outcome_side="yes", price_e4=4200, delta_e2=100)
        line = picture(frozen._replace(now_ns=NOW + 12 * SECOND))[1]
        assert line.plain.startswith(" FROZEN 12 s ago, space goes on. Then: LIVE, proven 0.3 s ago")
        assert HELD in styles_of(line)
        assert drawn(frozen)[2] == " best bid $0.4200 x 7.00  best ask $0.4400 x 310.00"

    def test_of_a_stale_book_stays_stale(self):
        stale = book_of(snapshot(), delta(seq=4))
        line = picture(see(stale).frozen())[1]
        assert "Then: STALE, may be wrong: frames are missing" in line.plain
        assert BAD in styles_of(line)

    @pytest.mark.parametrize("frames", [None, [subscribed(), ok([A])]])
    def test_without_a_book_can_be_made(self, frames):
        sight = see(frames and book_of(*frames))
        assert drawn(sight.frozen())[1].startswith(" FROZEN 0.0 s ago, space goes on. Then: NO BOOK YET")

    def test_can_be_frozen_again(self, book):
        assert drawn(see(book).frozen().frozen())[9] == drawn(see(book))[9]


class TestLevels:
    def test_of_one_side_say_who_is_missing(self):
        lines = drawn(see(book_of(snapshot(no=[]))))
        assert lines[2] == " best bid $0.4200 x 7.00  best ask nobody"
        assert lines[10:12] == ["      nobody asks", " bid  $0.4200          7.00  #########"]

    def test_of_nobody_say_so(self):
        lines = drawn(see(book_of(snapshot(yes=[], no=[]))))
        assert lines[10] == "      nobody on either side"

    def test_of_parts_of_a_cent_and_of_huge_size_are_written_in_full(self):
        huge = book_of(snapshot(yes=[("0.4123", "92233720368547758.07")], no=[("0.5876", "0.01")]))
        lines = drawn(see(huge))
        assert lines[9:12] == [
            " ask  $0.4124                  0.01  #",
            "      $0.0001 spread, $0.41235 mid",
            f" bid  $0.4123  92233720368547758.07  {'#' * 40}",
        ]

    def test_show_own_size_on_both_sides(self, book):
        book._own = own(("yes", 4100, 2000), ("yes", 4100, 500), ("no", 5600, 1000), ("no", 1, 0))
        lines = drawn(see(book))
        assert lines[8:13] == [
            f" ask  $0.4500         40.00             {'#' * 14}",
            f" ask  $0.4400        310.00  own 10.00  {'#' * 39}",
            "      $0.0200 spread, $0.4300 mid",
            " bid  $0.4200          7.00             #####",
            f" bid  $0.4100        120.00  own 25.00  {'#' * 24}",
        ]

    def test_say_where_more_own_size_may_rest(self, book):
        book._own = own(("yes", 4100, 2000), unknown_reason="not_confirmed")
        assert " bid  $0.4100        120.00  own 20.00+  #" in drawn(see(book))[12]

    def test_of_a_stale_book_show_own_size_dimmed(self):
        stale = book_of(snapshot(), delta(seq=4))
        stale._own = own(("yes", 4100, 2000))
        line = picture(see(stale))[12]
        assert "own 20.00" in line.plain and styles_of(line) == {"dim", ""}


def own(*orders, unknown_reason=None):
    made = [
        OwnOrder(
            order_id=str(number), client_order_id=None, market_ticker=A, outcome_side=side, price_e4=price_e4,
            size_e2=size_e2, subaccount=None, updated_ts_ms=None, is_confirmed=True,
        )
        for number, (side, price_e4, size_e2) in enumerate(orders)
    ]  # fmt: skip
    return OwnReading(A, unknown_reason, tuple(made))


def test_help_names_every_key():
    text = "\n".join(line.plain for line in help_lines())
    for key in ("← → n p tab", "f y", "space", "+ -", "?", "q ctrl+c"):
        assert f"  {key}" in text
    assert max(len(line) for line in text.splitlines()) < 80


@pytest.mark.parametrize(
    ("span_ns", "text"),
    [(-5, "0.0 s"), (0, "0.0 s"), (9_990_000_000, "9.9 s"), (10 * SECOND, "10 s"), (119 * SECOND, "119 s"),
     (120 * SECOND, "2 min"), (7199 * SECOND, "119 min"), (7200 * SECOND, "2 h")],
)  # fmt: skip
def test_a_span_of_time_is_written_as_people_say_it(span_ns, text):
    assert span_text(span_ns) == text


def test_a_time_of_day_is_utc():
    assert clock_text(NOW) == "07:33:30"
    assert clock_text(NOW + 1_234_567, with_ms=True) == "07:33:30.001"
    assert (clock_text(None), clock_text(None, with_ms=True)) == (" " * 8, " " * 12)


def test_a_level_has_its_units():
    assert level_text(kb.Level(price_e4=4200, size_e2=100)) == "$0.4200 x 1.00"
    assert level_text(None) == "nobody"
