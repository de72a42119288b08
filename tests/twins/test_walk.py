"""The walk over the levels, on both cores, beside a slow model that buys contract by hundredth, in fractions.

The model shares nothing with the package: it knows bids, the flip to asks, and how to count.
"""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from frames import A, snapshot

HUNDREDTH = Fraction(1, 100)


class Model:
    """One outcome's two sides as lists of (price in dollars, contracts), best first."""

    def __init__(self, yes, no, outcome_side):
        own, other = (yes, no) if outcome_side == "yes" else (no, yes)
        self.bids = [(Fraction(price, 10_000), Fraction(size, 100)) for price, size in sorted(own.items(), reverse=True)]
        asks = {10_000 - price: size for price, size in other.items()}
        self.asks = [(Fraction(price, 10_000), Fraction(size, 100)) for price, size in sorted(asks.items())]

    def buy(self, side, contracts):
        """Filled, cost, worst price, levels."""
        filled, cost, worst, levels = Fraction(0), Fraction(0), None, 0
        for price, size in side:
            takes = min(size, contracts - filled)
            if takes > 0:
                filled, cost, worst, levels = filled + takes, cost + takes * price, price, levels + 1
        return filled, cost, worst, levels

    def spend(self, side, dollars):
        """The same for money, in hundredths of a contract."""
        filled, cost, worst, levels = Fraction(0), Fraction(0), None, 0
        for price, size in side:
            affordable = (dollars - cost) / price
            takes = min(size, affordable - affordable % HUNDREDTH)
            if takes > 0:
                filled, cost, worst, levels = filled + takes, cost + takes * price, price, levels + 1
            if takes < size:
                break
        return filled, cost, worst, levels

    def best(self, n):
        return self.bids[:n], self.asks[:n]

    def within(self, side, distance):
        return [level for level in side if abs(level[0] - side[0][0]) <= distance]


def total(side):
    return sum((size for _, size in side), Fraction(0))


def value(side):
    return sum((price * size for price, size in side), Fraction(0))


def seen(walk):
    """What a Walk says, in the model's units."""
    worst = None if walk.worst_e4 is None else Fraction(walk.worst_e4, 10_000)
    return Fraction(walk.filled_e2, 100), Fraction(walk.cost_e6, 10**6), worst, walk.levels


usual = st.integers(1, 10**6)
sizes = st.one_of(usual, usual, st.integers(1, 2**63 - 1))
prices = st.one_of(st.integers(1, 99).map(lambda cents: cents * 100), st.integers(1, 9_999))
ladders = st.dictionaries(prices, sizes, max_size=40)
sides = st.sampled_from(("yes", "no"))


@st.composite
def books(draw):
    """Levels of both outcomes that do not cross, sub-penny ones too."""
    yes = draw(ladders)
    room = 10_000 - max(yes, default=0)
    no = {price: size for price, size in draw(ladders).items() if price < room}
    return yes, no


def made(kb, yes, no):
    def rows(ladder):
        return [(f"0.{price:04d}", f"{size // 100}.{size % 100:02d}") for price, size in ladder.items()]

    book = kb.OrderBook(A)
    book.apply(kb.decode(snapshot(A, rows(yes), rows(no))))
    return book


def on_both(both, levels, ask):
    """Ask the same of both cores; they agree to the last field, and the book is what it was."""
    answers = []
    for kb in both:
        book = made(kb, *levels)
        before = book.checksum()
        answers.append(ask(book))
        assert book.checksum() == before
        book.check()
    assert repr(answers[0]) == repr(answers[1])
    return answers[0]


@given(levels=books(), side=sides, size_e2=sizes, share=st.one_of(st.none(), st.integers(0, 120)))
def test_buying_and_selling_is_what_a_slow_hand_does(both, levels, side, size_e2, share):
    model = Model(*levels, side)
    if share is not None:  # of what there is, in percent
        size_e2 = min(int(total(model.asks) * share), 2**63 - 1)
    contracts = Fraction(size_e2, 100)
    bought = on_both(both, levels, lambda book: book.cost_to_buy(size_e2=size_e2, outcome_side=side))
    sold = on_both(both, levels, lambda book: book.cost_to_sell(size_e2=size_e2, outcome_side=side))
    for walk, here, there in ((bought, model.asks, model.bids), (sold, model.bids, model.asks)):
        assert seen(walk) == model.buy(here, contracts)
        assert Fraction(walk.unfilled_e2, 100) == contracts - seen(walk)[0]
        assert walk.takes_all == (seen(walk)[0] == total(here))
        assert (walk.best_e4, walk.opposite_e4) == tuple(
            int(side[0][0] * 10_000) if side else None for side in (here, there)
        )
        if walk.filled_e2:
            assert walk.average == seen(walk)[1] / seen(walk)[0]
            sign = 1 if walk.book_side == "ask" else -1
            assert walk.slippage_from_best == sign * (walk.average - here[0][0]) >= 0
            if there:
                assert walk.slippage_from_mid == sign * (walk.average - (here[0][0] + there[0][0]) / 2)


@given(levels=books(), side=sides, money_e6=st.one_of(usual, st.integers(0, 10**12), st.integers(0, 2**63 - 1)))
def test_money_is_spent_as_a_slow_hand_does(both, levels, side, money_e6):
    model = Model(*levels, side)
    walk = on_both(both, levels, lambda book: book.contracts_for(money_e6=money_e6, outcome_side=side))
    dollars = Fraction(money_e6, 10**6)
    assert seen(walk) == model.spend(model.asks, dollars)
    assert Fraction(walk.unspent_e6, 10**6) == dollars - seen(walk)[1]
    assert walk.takes_all == (seen(walk)[0] == total(model.asks))
    assert walk.ran_out == (walk.takes_all and walk.unspent_e6 > 0)


@given(levels=books(), side=sides, distance_e4=st.one_of(st.integers(0, 300), st.integers(0, 9_999)))
def test_depth_within_a_distance_is_what_a_slow_hand_counts(both, levels, side, distance_e4):
    model = Model(*levels, side)
    walks = on_both(both, levels, lambda book: book.depth_within(price_e4=distance_e4, outcome_side=side))
    for walk, here in zip(walks, (model.bids, model.asks), strict=True):
        within = model.within(here, Fraction(distance_e4, 10_000))
        assert seen(walk) == (total(within), value(within), within[-1][0] if within else None, len(within))
        assert walk.takes_all == (len(within) == len(here))


@given(levels=books(), side=sides, n=st.one_of(st.none(), st.integers(0, 45)))
def test_the_best_n_levels_are_weighed_as_a_slow_hand_does(both, levels, side, n):
    model = Model(*levels, side)
    bids, asks = model.best(n)
    imbalance, mid, micro, cumulative = on_both(
        both,
        levels,
        lambda book: (
            book.imbalance(n, outcome_side=side),
            book.weighted_mid(n, outcome_side=side),
            book.microprice(outcome_side=side),
            book.cumulative_depth(n, outcome_side=side),
        ),
    )
    bid, ask = total(bids), total(asks)
    assert imbalance == ((bid - ask) / (bid + ask) if bids or asks else None)
    if bids and asks:
        assert mid == (value(bids) / bid * ask + value(asks) / ask * bid) / (bid + ask)
        assert bids[-1][0] <= mid <= asks[-1][0]
    else:
        assert mid is None
    if model.bids and model.asks:
        (bid_price, bid), (ask_price, ask) = model.bids[0], model.asks[0]
        assert micro == (bid_price * ask + ask_price * bid) / (bid + ask)
        assert bid_price < micro < ask_price
    for walks, here, every in ((cumulative.bids, bids, model.bids), (cumulative.asks, asks, model.asks)):
        assert [seen(walk) for walk in walks] == [
            (total(here[:count]), value(here[:count]), here[count - 1][0], count) for count in range(1, len(here) + 1)
        ]
        assert [walk.takes_all for walk in walks] == [count == len(every) for count in range(1, len(here) + 1)]


def test_sums_beyond_64_bits_are_exact(kb):
    """Every price a level, each as large as a level can be: the largest sums there can be."""
    size_e2 = 2**63 - 1
    yes, no = dict.fromkeys(range(1, 5_001), size_e2), dict.fromkeys(range(1, 5_000), size_e2)
    book = made(kb, yes, no)
    bids, asks = book.depth_within(price_e4=9_999)
    assert (bids.filled_e2, bids.cost_e6) == (5_000 * size_e2, size_e2 * sum(range(1, 5_001)))
    assert (asks.filled_e2, asks.cost_e6) == (4_999 * size_e2, size_e2 * sum(range(5_001, 10_000)))
    all_of_it = made(kb, dict.fromkeys(range(1, 10_000), size_e2), {}).depth_within(price_e4=9_999).bids
    assert all_of_it.cost_e6 == size_e2 * sum(range(1, 10_000))
    assert book.cost_to_buy(size_e2=size_e2).cost_e6 == 5_001 * size_e2
    assert book.contracts_for(money_e6=size_e2).filled_e2 == size_e2 // 5_001
