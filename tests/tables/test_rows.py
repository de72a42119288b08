"""Rows of a stream of updates: they say what the books say, at every frame, and where they cannot, they say that."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

import frames
from frames import A, B, delta, frame, levels, snapshot
from implementations import BY_NAME, part
from kalshi_book.sim.flow import Flow


@pytest.fixture
def rows(kb):
    return new_rows(kb)


def new_rows(kb):
    return part(kb, "tables.rows").Rows()


def take_all(rows, feed, *frames_, **options):
    """Feed frames in, and let the rows take each update at once."""
    for each in frames_:
        rows.take(feed.receive(each, **options))


def sizes(rows):
    """What the rows leave resting, by market, as ``frames.levels`` has it."""
    found = defaultdict(lambda: {"yes": {}, "no": {}})
    for row in rows.deltas:
        found[row.market_ticker][row.outcome_side][row.price_e4] = row.size_e2
    return {
        ticker: {side: {at: size for at, size in ladder.items() if size} for side, ladder in sides.items()}
        for ticker, sides in found.items()
    }


def sums(rows):
    """The sum of all changes by level."""
    total = Counter()
    for row in rows.deltas:
        total[row.market_ticker, row.outcome_side, row.price_e4] += row.delta_e2
    return {key: size for key, size in total.items() if size}


def values(rows, *names):
    return [tuple(getattr(row, name) for name in names) for row in rows]


def quote_values(rows):
    return values(rows.quotes, "market_ticker", "state", "stale_reason", *PRICES)


PRICES = ("yes_bid_e4", "yes_bid_size_e2", "yes_ask_e4", "yes_ask_size_e2")
NOTHING = (None,) * 4


def quote_of(book):
    """What the quote of a book has to be."""
    if not book.is_live:
        return (book.market_ticker, book.state, book.stale_reason, *NOTHING)
    pair = [(None, None) if level is None else (level.price_e4, level.size_e2) for level in book.bbo()]
    return (book.market_ticker, "live", None, *pair[0], *pair[1])


class TestLevelChanges:
    def test_a_snapshot_is_a_row_a_level_and_a_delta_is_one_row(self, rows, feed):
        take_all(rows, feed, snapshot(), delta(seq=2, change="-2.50"), received_ns=7)
        names = ("kind", "effect", "outcome_side", "price_e4", "delta_e2", "size_e2", "top_changed")
        assert values(rows.deltas, *names) == [
            ("snapshot", "applied", "yes", 4100, 12000, 12000, True),
            ("snapshot", "applied", "yes", 4200, 700, 700, True),
            ("snapshot", "applied", "no", 5500, 4000, 4000, True),
            ("snapshot", "applied", "no", 5600, 31000, 31000, True),
            ("delta", "applied", "yes", 4200, -250, 450, True),
        ]
        assert set(values(rows.deltas, "received_ns", "epoch", "sid", "market_ticker")) == {(7, 0, 1, A)}

    def test_a_later_snapshot_is_the_differences_that_it_makes(self, rows, feed):
        take_all(rows, feed, snapshot())
        rows.deltas.clear()
        take_all(rows, feed, snapshot(seq=2, yes=[("0.4200", "7.00"), ("0.4300", "1.00")], no=[("0.5500", "41.00")]))
        assert values(rows.deltas, "outcome_side", "price_e4", "delta_e2", "size_e2") == [
            ("yes", 4100, -12000, 0),
            ("yes", 4300, 100, 100),
            ("no", 5500, 100, 4100),
            ("no", 5600, -31000, 0),
        ]

    def test_a_no_price_stands_on_the_no_scale_whatever_the_scale_of_the_frames(self, kb, rows):
        feed = kb.Feed(use_yes_price=True)
        take_all(rows, feed, snapshot(no=[("0.4500", "40.00")]), delta(side="no", price="0.4500"))
        assert values(rows.deltas[2:], "price_e4", "size_e2") == [(5500, 4000), (5500, 4100)]

    def test_an_own_change_says_whose_it_is(self, rows, feed):
        take_all(rows, feed, snapshot(), delta(client_order_id="mm-17"))
        assert values(rows.deltas[-2:], "own", "client_order_id") == [(False, None), (True, "mm-17")]

    def test_the_exchange_times_are_those_of_the_change_and_of_a_snapshot_of_its_sending(self, rows, feed):
        take_all(rows, feed, snapshot(), delta())
        assert values(rows.deltas[-2:], "ts_ms", "clock", "seq") == [
            (1793000000001, 4182001, 1),
            (1793000000402, 4182002, 2),
        ]

    @pytest.mark.parametrize("era", frames.ERAS[:-1])
    def test_older_frames_have_no_times(self, rows, feed, era):
        take_all(rows, feed, snapshot(era=era), delta(era=era))
        assert set(values(rows.deltas, "ts_ms", "clock")) == {(None, None)}

    def test_a_delta_of_no_book_a_stale_one_or_come_twice_changes_no_level_and_is_no_row(self, rows, feed):
        take_all(rows, feed, delta(), snapshot(seq=2), delta(seq=3))
        before = list(rows.deltas)
        take_all(rows, feed, delta(seq=3), delta(seq=5), delta(seq=6), delta(seq=7, delta_fp="x"))
        assert rows.deltas == before

    def test_a_delta_that_crosses_the_book_is_a_row_and_one_that_cannot_be_is_none(self, rows, feed):
        take_all(rows, feed, snapshot(), snapshot(B, seq=2))
        take_all(rows, feed, delta(seq=3, price="0.4500"), delta(B, seq=4, change="-9.00"))
        assert values(rows.deltas[-1:], "market_ticker", "effect", "price_e4", "size_e2") == [(A, "staled", 4500, 100)]

    def test_a_snapshot_of_a_market_that_is_not_held_or_that_is_crossed_is_rows_too(self, rows, feed):
        take_all(rows, feed, snapshot(top={"id": 9}), snapshot(B, seq=2, yes=[("0.5000", "1.00")]))
        assert Counter(values(rows.deltas, "market_ticker", "effect")) == {(A, "staled"): 4, (B, "staled"): 3}
        assert quote_values(rows) == [
            (A, "stale", "not_subscribed", *NOTHING),
            (B, "stale", "crossed", *NOTHING),
        ]


class TestQuotes:
    def test_there_is_one_whenever_a_best_price_or_its_size_changes_and_none_otherwise(self, rows, feed):
        take_all(rows, feed, snapshot(), delta(seq=2), delta(seq=3, price="0.4100"), delta(seq=4, side="no", price="0.5700"))
        assert values(rows.quotes, "seq", *PRICES) == [
            (1, 4200, 700, 4400, 31000),
            (2, 4200, 800, 4400, 31000),
            (4, 4200, 800, 4300, 100),
        ]

    def test_a_side_where_nobody_is_has_nulls_and_the_book_is_live_all_the_same(self, rows, feed):
        take_all(rows, feed, snapshot(no=[]), snapshot(seq=2, yes=[], no=[]))
        assert quote_values(rows) == [(A, "live", None, 4200, 700, None, None), (A, "live", None, *NOTHING)]

    def test_a_gap_gives_every_book_of_the_subscription_a_row_without_prices(self, rows, feed):
        take_all(rows, feed, snapshot(), snapshot(B, seq=2), snapshot("KX-OTHER", sid=2))
        rows.quotes.clear()
        take_all(rows, feed, delta(seq=4), received_ns=5)
        assert quote_values(rows) == [(A, "stale", "gap", *NOTHING), (B, "stale", "gap", *NOTHING)]
        assert set(values(rows.quotes, "received_ns", "ts_ms", "sid", "seq")) == {(5, 1793000000404, 1, 4)}

    def test_a_snapshot_that_reveals_a_gap_and_heals_its_book_leaves_a_mark_between(self, rows, feed):
        take_all(rows, feed, snapshot(), snapshot(B, seq=2))
        rows.quotes.clear()
        take_all(rows, feed, snapshot(seq=5))
        assert quote_values(rows) == [
            (A, "stale", "gap", *NOTHING),
            (A, "live", None, 4200, 700, 4400, 31000),
            (B, "stale", "gap", *NOTHING),
        ]

    def test_a_count_that_falls_is_found_also_by_the_first_snapshot_of_another_market(self, rows, feed):
        take_all(rows, feed, snapshot(seq=8), snapshot(B, seq=1))
        assert quote_values(rows)[1:] == [
            (B, "live", None, 4200, 700, 4400, 31000),
            (A, "stale", "backwards", *NOTHING),
        ]
        take_all(rows, feed, snapshot(seq=2), snapshot(B, seq=1))
        assert quote_values(rows)[3:] == [
            (A, "live", None, 4200, 700, 4400, 31000),
            (B, "stale", "backwards", *NOTHING),
            (B, "live", None, 4200, 700, 4400, 31000),
            (A, "stale", "backwards", *NOTHING),
        ]

    @pytest.mark.parametrize(
        ("last", "reason", "ts_ms"),
        [
            (delta(seq=2, delta_fp="x"), "malformed", 1793000000002),
            (delta(seq=2, change="-9.00"), "contradiction", 1793000000402),
            (frames.unsubscribed(seq=2), "unsubscribed", None),
            (frames.ok([B], seq=2), "unsubscribed", None),
            (frames.error(25, sid=1, seq=2), "terminal_error", None),
            (frames.subscribed(), "backwards", None),
        ],
    )
    def test_whatever_makes_a_book_stale_is_a_row(self, rows, feed, last, reason, ts_ms):
        take_all(rows, feed, snapshot(), last)
        assert quote_values(rows)[1:] == [(A, "stale", reason, *NOTHING)]
        assert rows.quotes[-1].ts_ms == ts_ms

    def test_a_book_that_goes_stale_without_a_frame_is_found_by_looking(self, rows, feed):
        take_all(rows, feed, snapshot(), snapshot(B, seq=2))
        rows.look(received_ns=8)
        assert len(rows.quotes) == 2
        feed.closed()
        rows.look(received_ns=9)
        rows.look(received_ns=10)
        assert quote_values(rows)[2:] == [(ticker, "stale", "disconnected", *NOTHING) for ticker in (A, B)]
        assert set(values(rows.quotes[2:], "received_ns", "ts_ms", "sid", "seq")) == {(9, None, None, None)}

    def test_after_a_reconnect_the_rows_have_the_epoch_that_they_are_told(self, rows, feed):
        take_all(rows, feed, snapshot())
        feed.opened()
        rows.look()
        rows.epoch = feed.epoch
        take_all(rows, feed, snapshot())
        assert values(rows.quotes, "epoch", "state") == [(0, "live"), (0, "stale"), (1, "live")]
        assert len(rows.deltas) == 4  # the snapshot made no difference

    def test_a_book_that_left_and_came_again_goes_on(self, rows, feed):
        take_all(rows, feed, snapshot(), frames.ok([], seq=2), snapshot(seq=3, yes=[]))
        assert values(rows.quotes, "state") == [("live",), ("stale",), ("live",)]
        assert sizes(rows)[A] == levels(feed.books[A])

    def test_a_filtered_recording_stales_nothing(self, kb, rows):
        feed = kb.Feed(filtered=True)
        take_all(rows, feed, snapshot(), delta(seq=9), snapshot(seq=12))
        assert values(rows.quotes, "state", "seq") == [("live", 1), ("live", 9), ("live", 12)]


class TestTrades:
    def test_there_is_one_a_trade_and_none_for_a_duplicate(self, rows, feed):
        more = {"trade_id": "t-1", "ts_ms": 1793000000123, "taker_outcome_side": "no", "is_block_trade": False}
        body = {"market_ticker": A, "yes_price_dollars": "0.4200", "count_fp": "3.50", **more}
        one = frame("trade", sid=2, seq=1, msg=body)
        take_all(rows, feed, one, one, frames.trade(seq=3), received_ns=4)
        assert rows.trades == [
            (4, 1793000000123, 0, 2, 1, A, "t-1", 4200, 350, "no", False),
            (4, None, 0, 2, 3, A, None, 4200, 300, None, None),
        ]

    def test_what_cannot_be_read_or_is_unknown_is_no_row(self, rows, feed):
        take_all(rows, feed, frame("trade", sid=2, seq=1, msg={}), b"?", frame("new", sid=3, seq=1), frames.error(8))
        assert rows.trades == rows.quotes == rows.deltas == []


class TestUpdatesThatComeLate:
    def test_rows_wait_for_an_update_at_which_the_book_stands_and_quotes_say_so(self, rows, feed):
        late = [feed.receive(each) for each in (snapshot(), delta(seq=2), delta(seq=3, price="0.4100"))]
        rows.take(late[0])
        assert (rows.deltas, quote_values(rows)) == ([], [(A, "stale", "missed", *NOTHING)])
        rows.take(late[1])
        rows.take(late[2])
        assert set(values(rows.deltas, "kind", "seq")) == {("snapshot", 3)}
        assert sizes(rows)[A] == levels(feed.books[A])
        assert quote_values(rows)[1:] == [(A, "live", None, 4200, 800, 4400, 31000)]

    def test_a_delta_has_all_that_its_row_needs(self, rows, feed):
        take_all(rows, feed, snapshot())
        late = [feed.receive(delta(seq=seq)) for seq in (2, 3)]
        for update in late:
            rows.take(update)
        names = ("seq", "size_e2", "ts_ms", "clock")
        assert values(rows.deltas[-2:], *names) == [(2, 800, 1793000000402, 4182002), (3, 900, 1793000000403, 4182003)]
        assert values(rows.quotes[1:], "seq", "yes_bid_size_e2") == [(2, 800), (3, 900)]

    def test_a_book_that_was_healed_before_anybody_looked_leaves_a_mark(self, rows, feed):
        take_all(rows, feed, snapshot())
        feed.suspect()
        take_all(rows, feed, snapshot(seq=2))
        assert quote_values(rows)[1:] == [
            (A, "stale", "missed", *NOTHING),
            (A, "live", None, 4200, 700, 4400, 31000),
        ]

    def test_a_size_that_does_not_follow_proves_that_an_update_was_missed(self, rows, feed):
        take_all(rows, feed, snapshot())
        feed.receive(delta(seq=2))
        take_all(rows, feed, delta(seq=3, change="2.00"))
        assert values(rows.deltas[-1:], "kind", "delta_e2", "size_e2") == [("snapshot", 300, 1000)]
        assert rows.quotes[-1].yes_bid_size_e2 == 1000

    def test_a_book_that_is_healed_already_was_not_live_at_the_update_that_made_it_stale(self, rows, feed):
        take_all(rows, feed, snapshot())
        for update in [feed.receive(delta(price="0.4500")), feed.receive(snapshot(seq=3))]:
            rows.take(update)
        assert quote_values(rows)[1:] == [
            (A, "stale", "missed", *NOTHING),
            (A, "live", None, 4200, 700, 4400, 31000),
        ]

    def test_what_was_missed_can_be_told(self, rows, feed):
        take_all(rows, feed, snapshot(), snapshot(B, seq=2))
        feed.receive(delta(seq=3))
        rows.missed(received_ns=6)
        take_all(rows, feed, delta(seq=4, side="no", price="0.5500"))
        assert quote_values(rows)[2:] == [
            (A, "stale", "missed", *NOTHING),
            (B, "stale", "missed", *NOTHING),
            (A, "live", None, 4200, 800, 4400, 31000),
        ]
        assert sizes(rows)[A] == levels(feed.books[A])
        assert rows.quotes[2].received_ns == 6

    def test_conflated_updates_cost_the_rows_between_and_nothing_else(self, kb, rows, feed):
        queue = part(kb, "live.queues").UpdateQueue("test")
        take_all(rows, feed, snapshot())
        for seq in (2, 3, 4):
            queue.put(feed.receive(delta(seq=seq)))
        rows.take(queue.take())
        assert values(rows.deltas[-1:], "kind", "seq", "delta_e2", "size_e2") == [("snapshot", 4, 300, 1000)]
        assert values(rows.quotes, "seq", "yes_bid_size_e2") == [(1, 700), (4, 1000)]


PRICES_OF = {"yes": ("0.4000", "0.4100", "0.4200"), "no": ("0.5500", "0.5600", "0.5900")}
LEVELS = {
    side: st.dictionaries(st.sampled_from(prices), st.sampled_from(["1.00", "2.50"])) for side, prices in PRICES_OF.items()
}
CHANGES = st.sampled_from(["1.00", "2.50", "-1.00", "-2.50", "0.00"])
MARKETS = st.sampled_from([A, B])
STEPS = st.one_of(
    st.tuples(st.just("snapshot"), MARKETS, LEVELS["yes"], LEVELS["no"]),
    *(st.tuples(st.just("delta"), MARKETS, st.just(side), st.sampled_from(PRICES_OF[side]), CHANGES) for side in PRICES_OF),
    st.tuples(st.sampled_from(["gap", "again", "malformed", "lost", "all lost"])),
    st.tuples(st.just("restart"), st.just(1)),
)


def session(steps, feed):
    """Make a session of steps: gives what each frame did; None: something happened without a frame."""
    seq, last = 0, None
    for name, *details in steps:
        if name == "gap":
            seq += 2
        elif name == "restart":
            seq = 0
        elif name == "lost":
            feed.suspect()
            yield None
        elif name == "all lost":
            feed.opened()
            seq = 0
            yield None
        elif name != "again":
            seq += 1
            if name == "snapshot":
                ticker, yes, no = details
                last = snapshot(ticker, list(yes.items()), list(no.items()), seq=seq)
            elif name == "delta":
                last = delta(*details, seq=seq)
            else:
                last = delta(seq=seq, delta_fp="x")
            yield feed.receive(last, received_ns=seq)
        elif last is not None:
            yield feed.receive(last, received_ns=seq)


@pytest.mark.parametrize("name", BY_NAME)
@given(steps=st.lists(STEPS, max_size=25))
def test_at_every_moment_the_rows_say_what_the_books_say(name, steps):
    kb = BY_NAME[name]
    if kb is None:
        pytest.skip("no compiled core")
    feed, rows, seen = kb.Feed(), new_rows(kb), {}
    for update in session(steps, feed):
        if update is None:
            rows.look()
        else:
            rows.take(update)
            if update.book is not None:
                seen[update.market_ticker] = update.book
        known = {ticker: levels(book) for ticker, book in seen.items() if book._known()}
        assert {**{ticker: {"yes": {}, "no": {}} for ticker in known}, **sizes(rows)} == known
        assert sums(rows) == {
            (ticker, side, at): size for ticker, sides in known.items() for side in sides for at, size in sides[side].items()
        }
        quotes = {row.market_ticker: row for row in rows.quotes}
        assert {ticker: tuple(quotes[ticker][5:]) for ticker in known} == {
            ticker: quote_of(seen[ticker]) for ticker in known
        }


@pytest.mark.parametrize("name", BY_NAME)
@given(steps=st.lists(STEPS, max_size=25), cuts=st.lists(st.integers(1, 6), min_size=25, max_size=25))
def test_however_late_updates_come_no_quote_is_wrong(name, steps, cuts):
    kb = BY_NAME[name]
    if kb is None:
        pytest.skip("no compiled core")
    # With the same numbers again, a quote could not be told from another one.
    steps = [step for step in steps if step[0] not in ("restart", "all lost")]
    on_time, late = new_rows(kb), new_rows(kb)
    truth = {}
    feed, waiting, cuts = kb.Feed(), [], iter(cuts)
    cut = next(cuts)
    for update in session(steps, feed):
        if update is not None:
            on_time.take(update)
            waiting.append(update)
            now = {(ticker, update.seq): quote_of(book) for ticker, book in feed.books.items() if book._known()}
            truth = now | truth  # the same number again is a duplicate
        if len(waiting) == cut:
            for each in waiting:
                late.take(each)
            waiting, cut = [], next(cuts)
    for row in late.quotes:
        if row.state == "live":
            assert tuple(row[5:]) == truth[row.market_ticker, row.seq]


@pytest.mark.parametrize("era", ["2025", "current"])
def test_the_rows_of_a_long_flow_end_in_its_books(kb, rows, feed, era):
    for each in Flow(seed=3, frames=3_000, markets=4, era=era, close=False):
        rows.take(feed.receive(each))
    assert sizes(rows) == {ticker: levels(book) for ticker, book in feed.books.items()}
    assert all(update.delta_e2 for update in rows.deltas)
