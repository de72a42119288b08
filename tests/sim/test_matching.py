"""Price-time priority, step by step against a model that is slow and obvious."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_book.sim.matching import ONE_E4, Bid, Book

YES, NO = 0, 1


class Named(Bid):
    """A bid with an identity."""

    __slots__ = ("name",)

    def __init__(self, name, which, price_e4, remaining_e2, owner):
        super().__init__(which, price_e4, remaining_e2, owner)
        self.name = name


class Model:
    """All resting bids in one list, in order of time: [name or None, owner, which, price, size]."""

    def __init__(self):
        self.bids = []

    def rest(self, name, owner, which, price_e4, size_e2):
        self.bids.append([name, owner, which, price_e4, size_e2])

    def best(self, which):
        return max((bid[3] for bid in self.bids if bid[2] == which), default=None)

    def reaches(self, which, price_e4):
        best_e4 = self.best(1 - which)
        return best_e4 is not None and best_e4 + price_e4 >= ONE_E4

    def take(self, owner, which, price_e4, size_e2):
        fills = []
        while size_e2 and self.reaches(which, price_e4):
            best_e4 = self.best(1 - which)
            first = next(bid for bid in self.bids if bid[2] != which and bid[3] == best_e4)
            if owner is not None and first[1] == owner:
                break
            met_e2 = min(size_e2, first[4])
            size_e2 -= met_e2
            first[4] -= met_e2
            self.bids = [bid for bid in self.bids if bid[4]]
            if first[0] is None and fills and fills[-1][:2] == [None, best_e4]:
                fills[-1][2] += met_e2  # neighbours of the crowd are one mass
            else:
                fills.append([first[0], best_e4, met_e2])
        return fills, size_e2

    def crowd_e2(self, which, price_e4):
        return sum(bid[4] for bid in self.bids if bid[1] is None and bid[2:4] == [which, price_e4])

    def take_crowd(self, which, price_e4, size_e2):
        for bid in reversed(self.bids):
            if bid[1] is None and bid[2:4] == [which, price_e4]:
                by_e2 = min(size_e2, bid[4])
                bid[4] -= by_e2
                size_e2 -= by_e2
        ended = {bid[0] for bid in self.bids if not bid[4]} - {None}
        self.bids = [bid for bid in self.bids if bid[4]]
        return ended

    def named(self, name):
        return next(bid for bid in self.bids if bid[0] == name)

    def levels(self, which):
        sums = {}
        for _, _, side, price_e4, size_e2 in self.bids:
            if side == which:
                sums[price_e4] = sums.get(price_e4, 0) + size_e2
        return sorted(sums.items())


sides = st.sampled_from([YES, NO])
prices = st.sampled_from([3_000, 4_000, 5_000, 6_000, 7_000])
sizes = st.integers(1, 6)
owners = st.sampled_from(["ann", "bob", None])
steps = st.one_of(
    st.tuples(st.just("mass"), sides, prices, sizes),
    st.tuples(st.just("order"), sides, prices, sizes, owners),
    st.tuples(st.just("order"), sides, prices, sizes, owners),
    st.tuples(st.just("reduce"), st.integers(0, 20), sizes),
    st.tuples(st.just("back"), st.integers(0, 20), st.integers(0, 3)),
    st.tuples(st.just("uncrowd"), sides, prices, sizes),
)


class Pair:
    """The book and its model, side by side."""

    def __init__(self):
        self.book, self.model = Book(), Model()
        self.resting = {}
        self.placed = 0

    def do(self, step):
        getattr(self, step[0])(*step[1:])
        self.check()

    def mass(self, which, price_e4, size_e2):
        assert self.book.reaches(which, price_e4) == self.model.reaches(which, price_e4)
        if not self.model.reaches(which, price_e4):
            self.book.add_mass(which, price_e4, size_e2)
            self.model.rest(None, None, which, price_e4, size_e2)

    def order(self, which, price_e4, size_e2, owner):
        self.placed += 1
        bid = Named(self.placed, which, price_e4, size_e2, owner)
        fills, left_e2 = self.model.take(owner, which, price_e4, size_e2)
        met = []
        for maker, at_e4, met_e2 in self.book.meet(bid):
            met.append([maker.name if maker else None, at_e4, met_e2])
            if maker and not maker.remaining_e2:
                del self.resting[maker.name]
        assert met == fills and bid.remaining_e2 == left_e2
        assert sum(fill[2] for fill in fills) + left_e2 == size_e2
        if left_e2 and not self.model.reaches(which, price_e4):
            self.book.rest(bid)
            self.model.rest(bid.name, owner, which, price_e4, left_e2)
            self.resting[bid.name] = bid

    def reduce(self, number, by_e2):
        if bid := self.some(number):
            by_e2 = min(by_e2, bid.remaining_e2)
            self.model.named(bid.name)[4] -= by_e2
            self.model.bids = [each for each in self.model.bids if each[4]]
            self.book.reduce(bid, by_e2)
            if not bid.remaining_e2:
                del self.resting[bid.name]

    def back(self, number, grows_e2):
        if bid := self.some(number):
            kept = self.model.named(bid.name)
            self.model.bids.remove(kept)
            self.model.bids.append(kept)
            kept[4] += grows_e2 + 1
            self.book.send_back(bid, grows_e2 + 1)

    def uncrowd(self, which, price_e4, size_e2):
        has_e2 = self.model.crowd_e2(which, price_e4)
        assert self.book.crowd_e2(which, price_e4) == has_e2
        if by_e2 := min(has_e2, size_e2):
            ended = self.model.take_crowd(which, price_e4, by_e2)
            assert {bid.name for bid in self.book.take_crowd(which, price_e4, by_e2)} == ended
            for name in ended:
                assert self.resting.pop(name).remaining_e2 == 0

    def some(self, number):
        names = list(self.resting)
        return self.resting[names[number % len(names)]] if names else None

    def check(self):
        for which in (YES, NO):
            assert self.book.ladders[which].levels() == self.model.levels(which)
        yes, no = (self.book.ladders[which].best for which in (YES, NO))
        assert yes + no < ONE_E4  # neither locked nor crossed
        assert {bid.name: bid.remaining_e2 for bid in self.book.identified()} == {
            bid[0]: bid[4] for bid in self.model.bids if bid[0] is not None
        }
        for queues in self.book._queues:
            for queue in queues.values():
                masses = [type(bid) is Bid for bid in queue]
                assert not all(masses) and not any(a and b for a, b in itertools.pairwise(masses))
                assert all(bid.remaining_e2 > 0 for bid in queue)


@given(st.lists(steps, max_size=60))
def test_the_book_does_what_the_obvious_model_does(script):
    pair = Pair()
    for step in script:
        pair.do(step)


def met(book, bid):
    return [(getattr(maker, "name", None), price_e4, size_e2) for maker, price_e4, size_e2 in book.meet(bid)]


def test_bids_of_both_outcomes_meet_where_they_make_a_dollar():
    book = Book()
    book.add_mass(NO, 4_000, 10)
    assert not book.reaches(YES, 5_999) and book.reaches(YES, 6_000) and not book.reaches(NO, 9_999)
    assert met(book, Bid(YES, 5_999, 10)) == []
    assert met(book, Bid(YES, 6_000, 4)) == [(None, 4_000, 4)]


def test_the_best_price_comes_first_then_the_earliest_and_all_at_the_price_of_the_one_that_rests():
    book = Book()
    for name, price_e4 in (("late", 4_000), ("best", 4_500), ("later", 4_000)):
        book.rest(Named(name, NO, price_e4, 10, name))
    assert met(book, Bid(YES, 6_000, 25)) == [("best", 4_500, 10), ("late", 4_000, 10), ("later", 4_000, 5)]


def test_the_crowd_stands_in_the_queue_where_it_came():
    book = Book()
    book.add_mass(NO, 4_000, 3)
    book.rest(Named("ann", NO, 4_000, 10, "ann"))
    book.add_mass(NO, 4_000, 2)
    book.add_mass(NO, 4_000, 2)
    book.rest(Named("bob", NO, 4_000, 1, "bob"))
    expected = [(None, 4_000, 3), ("ann", 4_000, 10), (None, 4_000, 4), ("bob", 4_000, 1)]
    assert met(book, Bid(YES, 6_000, 99)) == expected
    assert book.ladders[NO].levels() == []


def test_an_order_stops_before_one_of_the_same_owner_and_the_crowd_meets_itself():
    book = Book()
    book.rest(Named("first", NO, 4_000, 1, "bob"))
    book.rest(Named("own", NO, 4_000, 1, "ann"))
    taker = Bid(YES, 6_000, 5, "ann")
    assert met(book, taker) == [("first", 4_000, 1)] and taker.remaining_e2 == 4
    book.rest(Named("other", NO, 4_500, 1, None))
    assert met(book, Bid(YES, 5_500, 5, None)) == [("other", 4_500, 1)]


def test_the_newest_of_the_crowd_goes_first_and_accounts_stay():
    book = Book()
    book.add_mass(YES, 4_000, 3)
    crowd = Named("crowd", YES, 4_000, 5, None)
    for bid in (Named("ann", YES, 4_000, 10, "ann"), crowd):
        book.rest(bid)
    assert book.crowd_e2(YES, 4_000) == 8
    assert book.take_crowd(YES, 4_000, 2) == [] and crowd.remaining_e2 == 3
    assert book.take_crowd(YES, 4_000, 6) == [crowd]
    assert book.ladders[YES].levels() == [(4_000, 10)] and book.crowd_e2(YES, 4_000) == 0


def test_a_queue_goes_when_only_the_crowd_is_left():
    book = Book()
    book.add_mass(YES, 4_000, 3)
    crowd = Named("crowd", YES, 4_000, 5, None)
    book.rest(crowd)
    assert book.take_crowd(YES, 4_000, 8) == [crowd] and book.ladders[YES].levels() == [] and book.identified() == []


def test_a_cleared_book_has_nobody():
    book = Book()
    book.add_mass(NO, 4_000, 3)
    book.rest(Named("ann", YES, 4_000, 10, "ann"))
    book.clear()
    assert book.identified() == [] and [ladder.levels() for ladder in book.ladders] == [[], []]
    assert met(book, Bid(YES, 9_999, 5)) == []


def test_masses_between_which_an_order_leaves_are_one():
    book = Book()
    book.add_mass(NO, 4_000, 3)
    ann = Named("ann", NO, 4_000, 10, "ann")
    book.rest(ann)
    book.add_mass(NO, 4_000, 2)
    book.rest(Named("bob", NO, 4_000, 1, "bob"))
    book.reduce(ann, 10)
    assert met(book, Bid(YES, 6_000, 99)) == [(None, 4_000, 5), ("bob", 4_000, 1)]


@pytest.mark.parametrize("grows_e2", [1, 50])
def test_who_grows_goes_behind_all_others(grows_e2):
    book = Book()
    ann = Named("ann", NO, 4_000, 10, "ann")
    book.rest(ann)
    book.add_mass(NO, 4_000, 2)
    book.send_back(ann, grows_e2)
    assert met(book, Bid(YES, 6_000, 99)) == [(None, 4_000, 2), ("ann", 4_000, 10 + grows_e2)]
