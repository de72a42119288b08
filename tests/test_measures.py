"""What a strategy asks of a book: costs, depth, imbalance and the mids between, exact, each with a worked example.

Formulas stand in docs/numbers.md and in the docstrings; the walk itself is compared with a slow model in
tests/twins/test_walk.py.
"""

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest

from frames import NO, YES, A, delta, encode, snapshot, subscribed
from implementations import part

# YES bids 0.42 x 7, 0.41 x 120; YES asks (NO bids at $1 less) 0.44 x 310, 0.45 x 40.


@pytest.fixture
def book(kb):
    return made(kb)


def made(kb, yes=YES, no=NO):
    book = kb.OrderBook(A)
    book.apply(kb.decode(snapshot(A, yes, no)))
    return book


def facts(walk):
    return msgspec.structs.asdict(walk)


def walked(**changes):
    usual = {
        "outcome_side": "yes", "book_side": "ask", "filled_e2": 0, "unfilled_e2": 0, "cost_e6": 0, "unspent_e6": 0,
        "best_e4": 4400, "worst_e4": None, "opposite_e4": 4200, "levels": 0, "takes_all": False,
    }  # fmt: skip
    assert changes.keys() <= usual.keys()
    return {**usual, **changes}


# Costs.


def test_buying_takes_the_lowest_asks_first(book):
    """310 x 0.44 + 20 x 0.45 = 136.40 + 9.00 dollars."""
    walk = book.cost_to_buy("330")
    assert facts(walk) == walked(filled_e2=33000, cost_e6=145_400_000, worst_e4=4500, levels=2)
    assert (walk.filled, walk.unfilled, walk.cost, walk.unspent) == (330, 0, Decimal("145.4"), 0)
    assert (walk.best, walk.worst) == (Decimal("0.4400"), Decimal("0.4500"))
    assert walk.average == Fraction("145.4") / 330
    assert walk.break_even == walk.average
    assert walk.slippage_from_best == walk.average - Fraction("0.44")
    assert walk.slippage_from_mid == walk.average - Fraction("0.43")
    assert not walk.ran_out


def test_selling_takes_the_highest_bids_first(book):
    """7 x 0.42 + 13 x 0.41 = 2.94 + 5.33 dollars."""
    walk = book.cost_to_sell(size_e2=2000)
    assert facts(walk) == walked(
        book_side="bid", filled_e2=2000, cost_e6=8_270_000, best_e4=4200, worst_e4=4100, opposite_e4=4400, levels=2
    )
    assert walk.average == Fraction("8.27") / 20
    assert walk.slippage_from_best == Fraction("0.42") - walk.average
    assert walk.slippage_from_mid == Fraction("0.43") - walk.average


def test_no_is_bought_from_the_bids_for_yes(book):
    """NO asks: 0.58 x 7, 0.59 x 120."""
    walk = book.cost_to_buy("8", outcome_side="no")
    assert facts(walk) == walked(
        outcome_side="no", filled_e2=800, cost_e6=4_650_000, best_e4=5800, worst_e4=5900, opposite_e4=5600, levels=2
    )
    sold = book.cost_to_sell("8")
    assert sold.cost + walk.cost == 8  # to sell YES without holding it is to buy NO: together they pay $1


def test_an_order_larger_than_the_book_says_how_much_it_could_not_fill(book):
    walk = book.cost_to_buy("1000")
    assert facts(walk) == walked(
        filled_e2=35000, unfilled_e2=65000, cost_e6=154_400_000, worst_e4=4500, levels=2, takes_all=True
    )
    assert walk.ran_out
    assert walk.unfilled == 650


def test_an_order_of_the_whole_side_takes_all_and_leaves_nothing_unfilled(book):
    walk = book.cost_to_buy("350")
    assert (walk.takes_all, walk.ran_out, walk.unfilled_e2) == (True, False, 0)
    assert book.cost_to_buy("349.99").takes_all is False


def test_a_walk_that_ends_with_a_level_takes_nothing_of_the_next(book):
    assert facts(book.cost_to_buy("310")) == walked(filled_e2=31000, cost_e6=136_400_000, worst_e4=4400, levels=1)


def test_a_hundredth_of_a_contract_has_an_exact_cost(book):
    assert facts(book.cost_to_buy("0.01")) == walked(filled_e2=1, cost_e6=4400, worst_e4=4400, levels=1)


@pytest.mark.parametrize("size", ["0", "0.00"])
def test_nothing_costs_nothing(book, size):
    walk = book.cost_to_buy(size)
    assert facts(walk) == walked()
    assert (walk.worst, walk.average, walk.break_even) == (None, None, None)
    assert (walk.slippage_from_best, walk.slippage_from_mid) == (None, None)


def test_where_nobody_is_everything_is_unfilled(kb):
    book = made(kb, no=[])
    walk = book.cost_to_buy("5")
    assert facts(walk) == walked(unfilled_e2=500, best_e4=None, takes_all=True)
    assert (walk.best, walk.slippage_from_best, walk.slippage_from_mid, walk.ran_out) == (None, None, None, True)
    sold = book.cost_to_sell("5")
    assert (sold.opposite_e4, sold.slippage_from_best, sold.slippage_from_mid) == (None, 0, None)


# Money.


def test_money_buys_the_lowest_asks_first_to_a_hundredth_of_a_contract(book):
    """$140: 310 x 0.44 = 136.40, and 8 x 0.45 = 3.60."""
    walk = book.contracts_for("140")
    assert facts(walk) == walked(filled_e2=31800, cost_e6=140_000_000, worst_e4=4500, levels=2)


def test_money_that_pays_for_no_further_hundredth_is_left(book):
    """$0.01 pays for 2 units at $0.0044, and $0.0012 is left."""
    walk = book.contracts_for(Decimal("0.01"))
    assert facts(walk) == walked(filled_e2=2, cost_e6=8_800, unspent_e6=1_200, worst_e4=4400, levels=1)
    assert walk.unspent == Decimal("0.0012")
    assert not walk.ran_out


def test_money_for_less_than_a_hundredth_buys_nothing(book):
    assert facts(book.contracts_for(money_e6=4_399)) == walked(unspent_e6=4_399)
    assert facts(book.contracts_for(money_e6=0)) == walked()


def test_money_that_is_too_little_for_the_next_level_ends_there(book):
    walk = book.contracts_for(money_e6=136_400_000 + 4_499)
    assert facts(walk) == walked(filled_e2=31000, cost_e6=136_400_000, unspent_e6=4_499, worst_e4=4400, levels=1)


def test_more_money_than_contracts(book):
    walk = book.contracts_for("200")
    assert facts(walk) == walked(
        filled_e2=35000, cost_e6=154_400_000, unspent_e6=45_600_000, worst_e4=4500, levels=2, takes_all=True
    )
    assert walk.ran_out


def test_money_buys_no(book):
    assert book.contracts_for("4.06", outcome_side="no").filled == 7


# Depth.


def test_depth_within_counts_each_side_from_its_own_best(book):
    bids, asks = book.depth_within(cents=0)
    assert facts(bids) == walked(
        book_side="bid", filled_e2=700, cost_e6=2_940_000, best_e4=4200, worst_e4=4200, opposite_e4=4400, levels=1
    )
    assert facts(asks) == walked(filled_e2=31000, cost_e6=136_400_000, worst_e4=4400, levels=1)
    assert [walk.filled for walk in book.depth_within("0.01")] == [127, 350]
    assert [walk.filled for walk in book.depth_within(price_e4=99)] == [7, 310]
    assert [walk.takes_all for walk in book.depth_within(cents=1)] == [True, True]


def test_depth_within_of_no_is_that_of_yes_seen_from_the_other_side(book):
    yes, no = book.depth_within(cents=1), book.depth_within(cents=1, outcome_side="no")
    assert (no.bids.filled, no.asks.filled) == (yes.asks.filled, yes.bids.filled)
    assert no.bids.cost == yes.asks.filled - yes.asks.cost


def test_cumulative_depth_is_the_walk_to_each_level(book):
    bids, asks = book.cumulative_depth()
    assert [(walk.worst, walk.filled, walk.cost, walk.levels) for walk in bids] == [
        (Decimal("0.4200"), 7, Decimal("2.94"), 1),
        (Decimal("0.4100"), 127, Decimal("52.14"), 2),
    ]
    assert [facts(walk) for walk in asks] == [
        walked(filled_e2=31000, cost_e6=136_400_000, worst_e4=4400, levels=1),
        walked(filled_e2=35000, cost_e6=154_400_000, worst_e4=4500, levels=2, takes_all=True),
    ]


def test_cumulative_depth_of_the_best_levels_knows_whether_more_follow(book):
    bids, asks = book.cumulative_depth(1)
    assert [[walk.takes_all for walk in side] for side in (bids, asks)] == [[False], [False]]
    assert book.cumulative_depth(2) == book.cumulative_depth()
    assert book.cumulative_depth(0) == ([], [])


def test_cumulative_depth_of_one_side(kb):
    bids, asks = made(kb, no=[]).cumulative_depth()
    assert asks == []
    assert [walk.opposite_e4 for walk in bids] == [None, None]


# Imbalance and mids.


def test_imbalance_is_from_only_asks_to_only_bids(book):
    assert book.imbalance() == Fraction(7 - 310, 7 + 310)
    assert book.imbalance(2) == book.imbalance(None) == Fraction(127 - 350, 127 + 350)
    assert book.imbalance(2, outcome_side="no") == -book.imbalance(2)


def test_imbalance_of_one_side_is_whole_and_of_none_unknown(kb):
    assert made(kb, no=[]).imbalance() == 1
    assert made(kb, yes=[]).imbalance() == -1
    assert made(kb, [], []).imbalance() is None
    assert made(kb).imbalance(0) is None


def test_the_microprice_leans_to_where_less_rests(book):
    """(0.42 x 310 + 0.44 x 7) / 317: 7 to sell to and 310 to buy from pull it to the bid."""
    assert book.microprice() == (Fraction("0.42") * 310 + Fraction("0.44") * 7) / 317
    assert book.microprice(outcome_side="no") == 1 - book.microprice()
    assert book.microprice() == book.weighted_mid() == book.weighted_mid(1)


def test_the_weighted_mid_takes_in_the_best_levels(book):
    bid, ask = Fraction("52.14") / 127, Fraction("154.4") / 350
    assert book.weighted_mid(2) == book.weighted_mid(None) == (bid * 350 + ask * 127) / 477
    assert book.weighted_mid(2, outcome_side="no") == 1 - book.weighted_mid(2)


def test_there_is_no_mid_unless_both_sides_stand(kb):
    for book in (made(kb, no=[]), made(kb, yes=[]), made(kb, [], [])):
        assert (book.microprice(), book.weighted_mid(3), book.spread_in_ticks) == (None, None, None)
    assert made(kb).weighted_mid(0) is None


# The spread in ticks.


@pytest.mark.parametrize(
    ("ranges", "low", "high", "ticks"),
    [
        ([(0, 10000, 100)], 4200, 4400, 2),
        ([(0, 10000, 10)], 4200, 4400, 20),
        ([(0, 10000, 1)], 1, 9999, 9998),
        ([(0, 10000, 100)], 4200, 4200, 0),
        ([(0, 10000, 100)], 4150, 4400, None),
        ([(0, 10000, 100)], 4200, 4450, None),
        ([(0, 10000, 100)], 4150, 4150, None),
        ([(0, 10000, 100)], 4400, 4200, None),
        ([(0, 1000, 10), (1000, 9000, 100), (9000, 10000, 10)], 950, 9020, 5 + 80 + 2),
        ([(0, 1000, 10), (1000, 9000, 100), (9000, 10000, 10)], 990, 1000, 1),
        ([(0, 1000, 10), (1000, 9000, 100), (9000, 10000, 10)], 1000, 1100, 1),
        ([(0, 1000, 10), (2000, 9000, 100)], 900, 2100, None),
        ([(0, 1000, 300), (1000, 2000, 500)], 600, 1500, 3),
        ([(0, 1000, 300), (1000, 2000, 500)], 600, 1000, 2),
        ([(0, 1500, 300), (1000, 2000, 500)], 600, 1500, 3),
        ([(0, 1000, 300)], 600, 1000, None),
        (None, 4200, 4400, None),
    ],
)
def test_ticks_are_counted_over_the_bands(kb, ranges, low, high, ticks):
    bands = None if ranges is None else tuple(kb.PriceRange(*band) for band in ranges)
    assert kb.Market(market_ticker=A, price_ranges=bands).ticks_between_e4(low, high) == ticks


def test_the_spread_in_ticks_is_that_of_the_market_grid(kb, feed):
    feed.receive(snapshot(A))
    assert feed.books[A].spread_in_ticks is None  # nothing was told of prices
    feed.receive(subscribed(sid=2, channel="market_lifecycle_v2"))
    bands = [{"start": "0", "end": "1", "step": "0.01"}]
    told = {"event_type": "created", "market_ticker": A, "price_ranges": bands}
    feed.receive(encode({"type": "market_lifecycle_v2", "sid": 2, "seq": 1, "msg": told}))
    assert feed.books[A].spread_in_ticks == 2
    feed.receive(delta(A, price="0.4250", seq=2))
    assert feed.books[A].spread_in_ticks is None  # a bid that is no valid price
    assert feed.books[A].last_known.spread_in_ticks is None


# Where it cannot be known.

QUESTIONS = {
    "cost_to_buy": lambda book: book.cost_to_buy("1"),
    "cost_to_sell": lambda book: book.cost_to_sell("1"),
    "contracts_for": lambda book: book.contracts_for("1"),
    "depth_within": lambda book: book.depth_within(cents=1),
    "cumulative_depth": lambda book: book.cumulative_depth(),
    "imbalance": lambda book: book.imbalance(),
    "microprice": lambda book: book.microprice(),
    "weighted_mid": lambda book: book.weighted_mid(2),
    "spread_in_ticks": lambda book: book.spread_in_ticks,
}
questions = pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)


@questions
def test_a_book_that_is_not_live_refuses_and_its_last_known_answers(kb, feed, ask):
    feed.receive(snapshot(A))
    book = feed.books[A]
    before = ask(book)
    assert ask(book.last_known) == ask(book.snapshot()) == before
    feed.receive(delta(A, seq=9))
    with pytest.raises(kb.BookNotLive) as raised:
        ask(book)
    assert (raised.value.market_ticker, raised.value.stale_reason) == (A, "gap")
    assert ask(book.last_known) == before


@questions
def test_nothing_is_known_before_the_first_snapshot(kb, ask):
    book = kb.OrderBook(A)
    for each in (book, book.last_known):
        with pytest.raises(kb.BookNotLive):
            ask(each)


# Own size.


def test_own_size_is_left_out_where_it_is_known(kb, feed):
    """An own YES bid of 3 at 0.42, and one of 10 that sells YES at 0.44: it rests as a NO bid at 0.56."""
    orders = part(kb, "orders")
    feed.receive(snapshot(A))
    book = feed.books[A]
    own = (("yes", 4200, 300), ("no", 5600, 1000))
    resting = tuple(
        orders.OwnOrder(
            order_id=str(number), client_order_id=None, market_ticker=A, outcome_side=side, price_e4=price_e4,
            size_e2=size_e2, subaccount=None, updated_ts_ms=None, is_confirmed=True,
        )
        for number, (side, price_e4, size_e2) in enumerate(own)
    )  # fmt: skip
    book._own = orders.OwnReading(A, None, resting, {4200: 300}, {5600: 1000})

    assert facts(book.cost_to_buy("305", without_own=True)) == walked(
        filled_e2=30500, cost_e6=134_250_000, worst_e4=4500, levels=2
    )
    assert book.cost_to_sell("5", without_own=True).cost == Decimal("0.42") * 4 + Decimal("0.41")
    assert book.contracts_for("132", without_own=True).filled == 300
    assert [walk.filled for walk in book.depth_within(cents=0, without_own=True)] == [4, 300]
    assert [walk.filled for walk in book.depth_within(cents=1, outcome_side="no", without_own=True)] == [340, 124]
    assert book.cumulative_depth(without_own=True).bids[-1].filled == 124
    assert book.imbalance(without_own=True) == Fraction(4 - 300, 304)
    assert book.microprice(without_own=True) == (Fraction("0.42") * 300 + Fraction("0.44") * 4) / 304
    assert book.weighted_mid(without_own=True) == book.microprice(without_own=True)


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name != "spread_in_ticks"])
def test_own_size_that_is_not_known_is_not_left_out_by_guess(kb, book, name):
    class WithoutOwn:
        def __getattr__(self, name):
            return lambda *args, **kwargs: getattr(book, name)(*args, **kwargs, without_own=True)

    with pytest.raises(kb.OwnSizeUnknown) as raised:
        QUESTIONS[name](WithoutOwn())
    assert raised.value.reason == "not_subscribed"


# Wrong arguments.

NO_SIZE = "pass one size: Decimal or text in contracts, or size_e2="
NO_MONEY = "pass one amount: Decimal or text in dollars, or money_e6="


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, TypeError, NO_SIZE),
        ({"contracts": "1", "size_e2": 100}, TypeError, NO_SIZE),
        ({"contracts": 10}, TypeError,
         'a size in contracts is Decimal("10") or "10", not int; pass size_e2=1000 for units of 0.01 contract'),
        ({"contracts": 10.0}, TypeError,
         'a size in contracts is Decimal("10") or "10", not float; pass size_e2=1000 for units of 0.01 contract'),
        ({"size_e2": "100"}, TypeError, "size_e2 must be int, units of 0.01 contract, not str"),
        ({"size_e2": True}, TypeError, "size_e2 must be int, units of 0.01 contract, not bool"),
        ({"contracts": "0.001"}, "UsageError", "a size has steps of 0.01 contract, and '0.001' is none"),
        ({"contracts": "ten"}, "UsageError", "a size has steps of 0.01 contract, and 'ten' is none"),
        ({"contracts": "-1"}, "UsageError",
         "a size is 0 to 92233720368547758.07 contracts, not size_e2=-100: check its unit"),
        ({"size_e2": 2**63}, "UsageError",
         "a size is 0 to 92233720368547758.07 contracts, not size_e2=9223372036854775808: check its unit"),
        ({"contracts": "1", "outcome_side": "maybe"}, "UsageError", 'outcome_side must be "yes" or "no", not \'maybe\''),
        ({"contracts": "1", "outcome_side": 1}, TypeError, 'outcome_side must be "yes" or "no", not int'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["cost_to_buy", "cost_to_sell"])
def test_a_wrong_size_is_refused(kb, book, method, arguments, error, text):
    refused(kb, getattr(book, method), arguments, error, text)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, TypeError, NO_MONEY),
        ({"dollars": "1", "money_e6": 1}, TypeError, NO_MONEY),
        ({"dollars": 25}, TypeError,
         'money in dollars is Decimal("25") or "25", not int; pass money_e6=25_000_000 for units of $0.000001'),
        ({"money_e6": 2.5}, TypeError, "money_e6 must be int, units of $0.000001, not float"),
        ({"dollars": "0.0000001"}, "UsageError", "money has steps of $0.000001, and '0.0000001' is none"),
        ({"dollars": "NaN"}, "UsageError", "money has steps of $0.000001, and 'NaN' is none"),
        ({"dollars": "-1"}, "UsageError", "money is $0 to $9223372036854.775807, not money_e6=-1000000: check its unit"),
        ({"money_e6": 2**63}, "UsageError",
         "money is $0 to $9223372036854.775807, not money_e6=9223372036854775808: check its unit"),
    ],
)  # fmt: skip
def test_a_wrong_amount_is_refused(kb, book, arguments, error, text):
    refused(kb, book.contracts_for, arguments, error, text)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, TypeError, "pass one price: Decimal or text in dollars, price_e4= or cents="),
        ({"distance": 2}, TypeError,
         'a price in dollars is Decimal("0.42") or "0.42", not int; '
         "pass price_e4=4200 for units of $0.0001 or cents=42 for cents"),
        ({"cents": -1}, "UsageError", "two prices are $0.0000 to $0.9999 apart, not price_e4=-100: check its unit"),
        ({"cents": 100}, "UsageError", "two prices are $0.0000 to $0.9999 apart, not price_e4=10000: check its unit"),
        ({"distance": "0.00001"}, "UsageError", "a price has steps of $0.0001, and '0.00001' is none"),
    ],
)  # fmt: skip
def test_a_wrong_distance_is_refused(kb, book, arguments, error, text):
    refused(kb, book.depth_within, arguments, error, text)


@pytest.mark.parametrize("method", ["cumulative_depth", "imbalance", "weighted_mid"])
def test_a_wrong_number_of_levels_is_refused(kb, book, method):
    refused(kb, getattr(book, method), {"n": 1.0}, TypeError, "n must be int or None, not float")
    refused(kb, getattr(book, method), {"n": -1}, "UsageError", "n must be 0 or more levels, or None for all, not -1")


def refused(kb, method, arguments, error, text):
    with pytest.raises(getattr(kb, error) if isinstance(error, str) else error) as raised:
        method(**arguments)
    assert str(raised.value) == text


def test_wrong_arguments_are_refused_before_the_state_is_looked_at(kb):
    with pytest.raises(TypeError):
        kb.OrderBook(A).cost_to_buy(1)


# As text.


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda book: book.cost_to_buy("7"), "Walk(buy 7.00 yes for $3.080000, $0.4400 on average, 1 level at $0.4400)"),
        (lambda book: book.cost_to_sell("500", outcome_side="no"),
         "Walk(sell 350.00 no for $195.600000, $0.5589 on average, 2 levels from $0.5600 to $0.5500, 150.00 unfilled)"),
        (lambda book: book.contracts_for("0.01"),
         "Walk(buy 0.02 yes for $0.008800, $0.4400 on average, 1 level at $0.4400, $0.001200 unspent)"),
        (lambda book: book.cost_to_buy("0"), "Walk(buy 0.00 yes)"),
    ],
)  # fmt: skip
def test_a_walk_reads_like_a_sentence(book, ask, text):
    assert repr(ask(book)) == text


def test_walks_compare_by_value_and_do_not_change(book):
    walk = book.cost_to_buy("7")
    assert walk == book.cost_to_buy("7.00") != book.cost_to_buy("8")
    with pytest.raises(AttributeError):
        walk.cost_e6 = 0
