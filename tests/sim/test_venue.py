"""The venue as a whole: time, chance, names, and that everything it tells is true when it is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kalshi_book
from kalshi_book.errors import UsageError
from kalshi_book.sim.happenings import LevelChanged
from kalshi_book.sim.refusals import Refused
from kalshi_book.sim.venue import Venue
from sim_watcher import SECOND_NS, START_NS, Watcher

GOLDEN_SHA256 = "7ec6fe015c24922ff9134f0ab4d8c9773a22768fcc91512145cc5e78430dff93"


def venue(**options):
    return Venue(**{"markets": 2, "seed": 7, "rate": 0, "start_ns": START_NS, **options})


def shown(place):
    return {
        ticker: (listing.clock, listing.state, listing.levels("yes"), listing.levels("no"))
        for ticker, listing in place.listings.items()
    }


class TestMarkets:
    def test_markets_are_named_by_letters(self):
        tickers = list(venue(markets=730, levels=0).listings)
        assert [tickers[n] for n in (0, 25, 26, 27, 701, 702)] == [
            "KXSIM-26-A", "KXSIM-26-Z", "KXSIM-26-AA", "KXSIM-26-AB", "KXSIM-26-ZZ", "KXSIM-26-AAA",
        ]  # fmt: skip
        assert len(set(tickers)) == 730

    def test_markets_may_be_named(self):
        assert list(venue(markets=["FED-23DEC-T3.00", "B_2"]).listings) == ["FED-23DEC-T3.00", "B_2"]
        assert list(venue(markets=[]).listings) == []

    def test_books_begin_filled_and_neither_locked_nor_crossed(self):
        for listing in venue(markets=50, levels=10).listings.values():
            yes, no = listing.levels("yes"), listing.levels("no")
            assert 5 < len(yes) <= 10 and 5 < len(no) <= 10 and yes[-1][0] + no[-1][0] < 10_000
            assert listing.state == "active" and listing.clock > 0

    def test_without_levels_books_begin_empty_and_nothing_is_recorded(self):
        """A clock of 0 says that no change was recorded (AsyncAPI text, read 2026-10-26)."""
        listing = venue(levels=0).listings["KXSIM-26-A"]
        assert (listing.levels("yes"), listing.levels("no"), listing.clock, listing.state) == ([], [], 0, "active")

    def test_clocks_differ_between_markets(self):
        assert len({listing.clock for listing in venue(markets=50).listings.values()}) == 50

    def test_mixed_grids_come_from_the_seed(self):
        ticks = [listing.tick for listing in venue(markets=50, tick="mixed").listings.values()]
        assert set(ticks) == {"cent", "deci_cent", "centi_cent", "tapered"}
        assert ticks == [listing.tick for listing in venue(markets=50, tick="mixed").listings.values()]

    def test_listings_are_for_reading_only(self):
        with pytest.raises(TypeError):
            venue().listings["KXSIM-26-A"] = None

    def test_ten_thousand_markets_are_held(self):
        place = venue(markets=10_000, levels=2, rate=100_000)
        watcher = Watcher(place)
        place.advance(START_NS + SECOND_NS // 100)
        watcher.check()
        assert len(place.listings) == 10_000 and watcher.counts["level"] > 300


class TestTime:
    def test_nothing_happens_by_itself_at_rate_0(self):
        place = venue()
        watcher = Watcher(place)
        assert place.next_due_ns is None
        place.advance(START_NS + 10**18)
        assert watcher.told == [] and place.now_ns == START_NS + 10**18

    def test_what_is_due_is_known(self):
        place = venue(rate=100)
        watcher = Watcher(place)
        due_ns = place.next_due_ns
        place.advance(due_ns - 1)
        assert watcher.told == []
        place.advance(due_ns)
        assert watcher.told and {each.at_ns for each in watcher.told} == {due_ns} and place.next_due_ns >= due_ns

    def test_an_expiry_is_due_before_the_crowd_or_after(self):
        place = venue(rate=1)
        crowd_ns = place.next_due_ns
        entry = place.orders("user")
        place.life.pause("KXSIM-26-B")
        entry.place("KXSIM-26-A", outcome_side="yes", cents=1, size="1", expires_ns=crowd_ns + 1)
        assert place.next_due_ns == crowd_ns
        entry.place("KXSIM-26-A", outcome_side="yes", cents=1, size="1", expires_ns=START_NS + 1)
        assert place.next_due_ns == START_NS + 1

    def test_of_one_moment_lives_come_first_then_expiries_then_the_crowd(self):
        place = venue(rate=1, markets=1)
        watcher = Watcher(place)
        entry = place.orders("user")
        due_ns = place.next_due_ns
        entry.place("KXSIM-26-A", outcome_side="yes", cents=1, size="1", expires_ns=due_ns)
        watcher.told.clear()
        place.advance(due_ns)
        causes = [each.cause for each in watcher.told if isinstance(each, LevelChanged)]
        assert causes[0] == "expiry" and len(causes) > 1

        place = venue(life_s=9, markets=1)
        watcher = Watcher(place)
        close_ns = place.listings["KXSIM-26-A"].close_ts * SECOND_NS
        order = place.orders("user").place("KXSIM-26-A", outcome_side="yes", cents=1, size="1", expires_ns=close_ns)
        place.advance(close_ns)
        assert watcher.orders[order.order_id].reason == "CloseCancel"

    @pytest.mark.parametrize("wrong", [START_NS - 1, START_NS + 0.5, None])
    def test_time_does_not_go_back(self, wrong):
        place = venue(rate=100)
        before = shown(place)
        with pytest.raises(UsageError, match=rf"^time goes on from {START_NS}, unix nanoseconds, not to .*$"):
            place.advance(wrong)
        assert shown(place) == before and place.now_ns == START_NS

    def test_in_maintenance_clocks_may_fall(self):
        """ "A market's clock may decrease during exchange maintenance" (AsyncAPI text, read 2026-10-26)."""
        place = venue(markets=20)
        place.life.create("NEW")
        before = {ticker: listing.clock for ticker, listing in place.listings.items()}
        place.maintenance()
        after = {ticker: listing.clock for ticker, listing in place.listings.items()}
        assert before.pop("NEW") == after.pop("NEW") == 0
        assert all(0 < after[ticker] <= before[ticker] for ticker in before) and after != before


class TestListeners:
    def test_all_are_told_the_same_in_the_order_in_which_they_came(self):
        place, told = venue(levels=0), []
        place.listen(lambda happening: told.append(("first", happening)))
        place.listen(lambda happening: told.append(("second", happening)))
        place.crowd.change("KXSIM-26-A", outcome_side="yes", price_e4=4_200, delta_e2=100)
        assert [name for name, _ in told] == ["first", "second"] * 2 and told[0][1] is told[1][1]

    @pytest.mark.parametrize(
        "act",
        [
            lambda place: place.crowd.change("KXSIM-26-A", outcome_side="no", price_e4=100, delta_e2=1),
            lambda place: place.orders("user").place("KXSIM-26-A", outcome_side="no", cents=1, size="1"),
            lambda place: place.advance(START_NS + 1),
            lambda place: place.maintenance(),
            lambda place: setattr(place, "rate", 5),
            lambda place: place.life.create("NEW"),
            lambda place: place.life.pause("KXSIM-26-B"),
        ],
    )
    def test_a_listener_may_read_and_not_act(self, act):
        place, errors, seen = venue(levels=0), [], []

        def listener(happening):
            seen.append(place.listings["KXSIM-26-A"].levels("yes"))
            with pytest.raises(UsageError) as caught:
                act(place)
            errors.append(str(caught.value))

        place.listen(listener)
        place.crowd.change("KXSIM-26-A", outcome_side="yes", price_e4=4_200, delta_e2=100)
        expected = "a listener must not act on the exchange while it is told of an action: act after it"
        assert errors == [expected] * 2 and seen == [[(4_200, 100)]] * 2
        assert list(place.listings) == ["KXSIM-26-A", "KXSIM-26-B"] and place.listings["KXSIM-26-B"].state == "active"

    def test_after_a_listener_failed_the_exchange_can_be_used(self):
        place = venue(levels=0)

        def fail_once(happening, failed=[]):  # noqa: B006
            if not failed:
                failed.append(happening)
                raise RuntimeError("listener")

        place.listen(fail_once)
        with pytest.raises(RuntimeError, match=r"^listener$"):
            place.crowd.change("KXSIM-26-A", outcome_side="yes", price_e4=4_200, delta_e2=100)
        place.crowd.change("KXSIM-26-A", outcome_side="yes", price_e4=4_200, delta_e2=100)
        assert place.listings["KXSIM-26-A"].levels("yes") == [(4_200, 200)]


class TestMisuse:
    @pytest.mark.parametrize("markets", [0, -1, True, 1.5, "KXSIM", None])
    def test_markets_are_a_number_or_their_names(self, markets):
        with pytest.raises(UsageError, match=r"^markets is a number of them from 1, or their tickers, not "):
            venue(markets=markets)

    def test_a_ticker_comes_once(self):
        with pytest.raises(Refused) as caught:
            venue(markets=["A", "B", "A"])
        assert (caught.value.market_ticker, caught.value.reason) == ("A", "taken")
        assert str(caught.value) == "A: expected the name of a new market, and there is one of this name"

    @pytest.mark.parametrize("ticker", ["", 'A"', "A B", "Ä", 7])
    def test_a_ticker_is_plain(self, ticker):
        with pytest.raises(UsageError, match=r"^a ticker is letters, digits, dots, dashes and underscores, not "):
            venue(markets=[ticker])

    @pytest.mark.parametrize(
        ("name", "most"), [("seed", 2**63 - 1), ("rate", 1_000_000), ("start_ns", 2**63 - 1), ("levels", 9_999)]
    )
    @pytest.mark.parametrize("wrong", [-1, 0.5, None, 2**63])
    def test_numbers_are_whole_and_in_their_range(self, name, most, wrong):
        with pytest.raises(UsageError, match=rf"^{name} is a whole number from 0 to {most}, not {wrong}$"):
            venue(**{name: wrong})

    @pytest.mark.parametrize("wrong", [-1, 0.5, None, 1_000_001])
    def test_a_rate_is_checked_when_it_changes_too(self, wrong):
        place = venue(rate=7)
        due_ns = place.next_due_ns
        with pytest.raises(UsageError, match=rf"^rate is a whole number from 0 to 1000000, not {wrong}$"):
            place.rate = wrong
        assert (place.rate, place.next_due_ns) == (7, due_ns)

    @pytest.mark.parametrize("tick", ["penny", None])
    def test_an_unknown_grid_is_refused(self, tick):
        with pytest.raises(UsageError, match=r"^tick is one of cent, deci_cent, centi_cent, tapered, not "):
            venue(tick=tick)

    @pytest.mark.parametrize("account", ["", "crowd", None, 7])
    def test_an_account_has_a_name(self, account):
        with pytest.raises(UsageError, match=r"^an account has a name that is not 'crowd', not "):
            venue().orders(account)

    def test_an_account_has_one_entry(self):
        place = venue()
        assert place.orders("user") is place.orders("user") is not place.orders("other")


# A script of calls, each made after some time has passed.

TICKERS = st.sampled_from(["KXSIM-26-A", "KXSIM-26-A", "KXSIM-26-A", "KXSIM-26-A-G2", "NONE"])
SIDES = st.sampled_from(["yes", "no"])
PRICES_E4 = st.sampled_from([100, 2_500, 4_000, 4_900, 5_000, 5_100, 6_000, 7_500, 9_900])
SIZES_E2 = st.integers(1, 500) | st.integers(1, 100_000)
NUMBERS = st.integers(0, 9)
ACCOUNTS = st.sampled_from(["ann", "ann", "bob", "crowd"])
CALLS = st.one_of(
    st.tuples(st.just("place"), ACCOUNTS, TICKERS, SIDES, PRICES_E4, SIZES_E2, st.integers(0, 7), st.integers(0, 2)),
    st.tuples(st.just("place"), ACCOUNTS, TICKERS, SIDES, PRICES_E4, SIZES_E2, st.integers(0, 7), st.integers(0, 2)),
    st.tuples(st.just("cancel"), ACCOUNTS, NUMBERS),
    st.tuples(st.just("decrease"), ACCOUNTS, NUMBERS, SIZES_E2),
    st.tuples(st.just("amend"), ACCOUNTS, NUMBERS, st.none() | PRICES_E4, st.none() | SIZES_E2),
    st.tuples(st.just("change"), TICKERS, SIDES, PRICES_E4, st.integers(-100_000, 100_000)),
    st.tuples(
        st.just("life"),
        st.sampled_from(["open", "pause", "resume", "close", "determine", "settle", "restructure"]),
        TICKERS,
    ),
)
SCRIPTS = st.lists(st.tuples(st.integers(0, SECOND_NS // 5), CALLS), max_size=25)
PLACES = st.sampled_from(
    [{"rate": 150, "life_s": 1, "determine_s": 1, "settle_s": 1}, {"rate": 0, "levels": 0}, {"rate": 200}]
)


def entry_of(place, account):
    return place.crowd if account == "crowd" else place.orders(account)


def do(place, call):
    name, *rest = call
    try:
        if name == "place":
            account, ticker, side, price_e4, size_e2, kind, subaccount = rest
            entry_of(place, account).place(
                ticker, outcome_side=side, price_e4=price_e4, size_e2=size_e2, subaccount=subaccount,
                post_only=kind == 1, immediate_or_cancel=kind == 2,
                expires_ns=place.now_ns + SECOND_NS // 7 if kind == 3 else None,
            )  # fmt: skip
        elif name == "change":
            ticker, side, price_e4, delta_e2 = rest
            place.crowd.change(ticker, outcome_side=side, price_e4=price_e4, delta_e2=delta_e2)
        elif name == "life":
            step, ticker = rest
            how = {"determine": {"result": "no"}, "restructure": {"tick": "tapered"}}.get(step, {})
            getattr(place.life, step)(ticker, **how)
        else:
            account, number, *values = rest
            entry = entry_of(place, account)
            resting = entry.resting()
            order_id = resting[number % len(resting)].order_id if resting else "none"
            if name == "cancel":
                entry.cancel(order_id)
            elif name == "decrease":
                entry.decrease(order_id, size_e2=values[0])
            else:
                entry.amend(order_id, price_e4=values[0], size_e2=values[1])
    except UsageError:
        return False
    return True


def run(script, *, cuts, **options):
    place = venue(**{"seed": 11, "levels": 6, **options})
    watcher = Watcher(place)
    for wait_ns, call in script:
        then_ns = place.now_ns + wait_ns
        for cut in range(cuts):
            place.advance(then_ns - wait_ns * (cuts - cut) // (cuts + 1))
        place.advance(then_ns)
        told = len(watcher.told)
        before = shown(place)
        if not do(place, call):
            assert len(watcher.told) == told and shown(place) == before  # a failed call changed nothing
        watcher.check()
    place.advance(place.now_ns + 2 * SECOND_NS)
    watcher.check()
    return place, watcher


@settings(max_examples=50)
@given(SCRIPTS, PLACES)
def test_everything_told_is_true_and_time_can_be_cut_anywhere(script, options):
    place, watcher = run(script, cuts=0, **options)
    again, other = run(script, cuts=3, **options)
    assert watcher.told == other.told and shown(place) == shown(again)


def test_the_same_arguments_make_the_same_happenings_in_any_process():
    script = (
        "import hashlib; from kalshi_book.sim.venue import Venue; told = hashlib.sha256(); "
        "venue = Venue(markets=3, seed=5, rate=500, start_ns=10**18, levels=9, tick='mixed', life_s=2); "
        "venue.listen(lambda happening: told.update(repr(happening).encode())); "
        "venue.orders('user').place('KXSIM-26-A', outcome_side='yes', cents=99, size='5000'); "
        "venue.advance(10**18 + 5 * 10**9); print(told.hexdigest())"
    )
    root = str(Path(kalshi_book.__file__).parents[1])
    digests = set()
    for hash_seed in ("0", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": root}
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
        digests.add(done.stdout.decode().strip())
    assert digests == {GOLDEN_SHA256}


def test_another_seed_makes_another_market():
    assert shown(venue(seed=1)) != shown(venue(seed=2))
