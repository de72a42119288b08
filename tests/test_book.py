"""The order book of one market: everything that can be asked of it, in every state, and by hand."""

import contextlib
import copy
import gc
import pickle
import sys
import threading
from decimal import Decimal

import pytest

from frames import NO, START, YES, A, B, delta, levels, ok, snapshot, subscribed, unsubscribed
from implementations import PYTHON

READINGS = [
    ("best_yes_bid", {}), ("best_yes_ask", {}), ("best_no_bid", {}), ("best_no_ask", {}),
    ("best_yes_bid_e4", {}), ("best_yes_ask_e4", {}), ("best_no_bid_e4", {}), ("best_no_ask_e4", {}),
    ("bbo", {}), ("bbo", {"outcome_side": "no"}), ("bids", {}), ("bids", {"n": 1, "outcome_side": "no"}), ("asks", {}),
    ("asks", {"n": 1, "outcome_side": "no"}), ("depth", {}), ("depth", {"n": 1, "outcome_side": "no"}),
    ("size_at", {"price": "0.42"}), ("size_at", {"cents": 56, "outcome_side": "no"}), ("spread", None), ("mid", None),
    ("checksum", {}),
]  # fmt: skip


def ask(reader, name, arguments):
    return getattr(reader, name) if arguments is None else getattr(reader, name)(**arguments)


@pytest.fixture
def book(kb):
    """A LIVE book by hand, as ``START``."""
    made = kb.OrderBook(A)
    made.apply(kb.decode(snapshot()))
    return made


def tell(found):
    """Levels as pairs of ints, at any depth."""
    if isinstance(found, (list, tuple)):
        return [tell(each) for each in found]
    return None if found is None else (found.price_e4, found.size_e2)


class TestReading:
    def test_the_best_prices_of_both_outcomes(self, book):
        assert tell([book.best_yes_bid(), book.best_yes_ask(), book.best_no_bid(), book.best_no_ask()]) == [
            (4200, 700), (4400, 31000), (5600, 31000), (5800, 700)
        ]  # fmt: skip
        assert [book.best_yes_bid_e4(), book.best_yes_ask_e4(), book.best_no_bid_e4(), book.best_no_ask_e4()] == [
            4200, 4400, 5600, 5800
        ]  # fmt: skip

    def test_best_bid_and_ask_of_one_moment(self, book):
        assert tell(book.bbo()) == [(4200, 700), (4400, 31000)]
        assert tell(book.bbo(outcome_side="no")) == [(5600, 31000), (5800, 700)]

    @pytest.mark.parametrize(("n", "count"), [(None, 2), (0, 0), (1, 1), (2, 2), (3, 2), (2**70, 2)])
    def test_levels_come_best_first_and_no_more_than_asked(self, book, n, count):
        assert tell(book.bids(n)) == [(4200, 700), (4100, 12000)][:count]
        assert tell(book.asks(n)) == [(4400, 31000), (4500, 4000)][:count]
        assert tell(book.bids(n, outcome_side="no")) == [(5600, 31000), (5500, 4000)][:count]
        assert tell(book.asks(n, outcome_side="no")) == [(5800, 700), (5900, 12000)][:count]
        depth = book.depth(n)
        assert (depth.bids, depth.asks) == (book.bids(n), book.asks(n)) == tuple(depth)
        assert tell(book.depth(n, outcome_side="no").bids) == [(5600, 31000), (5500, 4000)][:count]

    def test_the_size_at_a_price_given_in_any_unit(self, book):
        for argument in ({"price": "0.42"}, {"price": Decimal("0.4200")}, {"price_e4": 4200}, {"cents": 42}):
            size = book.size_at(**argument)
            assert (type(size), str(size)) == (Decimal, "7.00")
        assert book.size_at("0.56", outcome_side="no") == 310
        assert str(book.size_at("0.56")) == "0.00"

    def test_spread_and_mid_are_exact(self, kb, book):
        assert (str(book.spread), str(book.mid)) == ("0.0200", "0.4300")
        book.change(outcome_side="yes", price_e4=4201, delta_e2=1)
        assert (str(book.spread), str(book.mid)) == ("0.0199", "0.43005")

    @pytest.mark.parametrize(
        ("yes", "no", "bbo", "bbo_no"),
        [
            ([], [], [None, None], [None, None]),
            (YES, [], [(4200, 700), None], [None, (5800, 700)]),
            ([], NO, [None, (4400, 31000)], [(5600, 31000), None]),
        ],
    )
    def test_a_missing_best_is_none(self, kb, yes, no, bbo, bbo_no):
        book = kb.OrderBook(A)
        book.apply(kb.decode(snapshot(A, yes, no)))
        assert book.is_live
        assert tell(book.bbo()) == bbo
        assert tell(book.bbo(outcome_side="no")) == bbo_no
        assert (book.spread, book.mid) == (None, None)
        assert [book.best_yes_bid_e4(), book.best_yes_ask_e4()] == [best and best[0] for best in bbo]
        assert [book.best_no_bid_e4(), book.best_no_ask_e4()] == [best and best[0] for best in bbo_no]
        assert (len(book.bids()), len(book.asks())) == (len(yes), len(no))

    def test_best_prices_at_both_ends_of_the_scale(self, kb):
        book = kb.OrderBook(A)
        book.apply(kb.decode(snapshot(A, [("0.0001", "1.00")], [("0.9998", "1.00")])))
        assert (book.best_yes_bid_e4(), book.best_yes_ask_e4()) == (1, 2)
        assert (str(book.spread), str(book.mid)) == ("0.0001", "0.00015")


class TestArguments:
    @pytest.mark.parametrize("name", ["bbo", "bids", "asks", "depth"])
    @pytest.mark.parametrize("wrong", ["YES", "bid", "", 1, None])
    def test_an_outcome_side_is_yes_or_no(self, kb, book, name, wrong):
        error = kb.UsageError if isinstance(wrong, str) else TypeError
        with pytest.raises(error, match=r'^outcome_side must be "yes" or "no", not '):
            getattr(book, name)(outcome_side=wrong)

    def test_an_outcome_side_is_never_positional(self, book):
        for name in ("bids", "asks", "depth"):
            with pytest.raises(TypeError):
                getattr(book, name)(1, "no")
        with pytest.raises(TypeError):
            book.size_at("0.42", "no")

    @pytest.mark.parametrize("name", ["bids", "asks", "depth"])
    def test_a_number_of_levels_is_a_count(self, kb, book, name):
        with pytest.raises(TypeError, match=r"^n must be int or None, not str$"):
            getattr(book, name)("1")
        with pytest.raises(kb.UsageError, match=r"^n must be 0 or more levels, or None for all, not -3$"):
            getattr(book, name)(-3)

    @pytest.mark.parametrize("wrong", [42, 0.42])
    def test_a_bare_int_or_float_is_no_price(self, book, wrong):
        with pytest.raises(TypeError) as raised:
            book.size_at(wrong)
        assert str(raised.value) == (
            f'a price in dollars is Decimal("0.42") or "0.42", not {type(wrong).__name__}; '
            "pass price_e4=4200 for units of $0.0001 or cents=42 for cents"
        )

    def test_wrong_arguments_are_told_before_the_state_of_the_book(self, kb):
        with pytest.raises(kb.UsageError):
            kb.OrderBook(A).bids(-1)
        with pytest.raises(TypeError):
            kb.OrderBook(A).size_at(42)

    @pytest.mark.parametrize("wrong", [None, 5, b"KXDEMO-26-A"])
    def test_a_ticker_is_a_text(self, kb, wrong):
        with pytest.raises(TypeError, match=rf"^market_ticker must be str, not {type(wrong).__name__}$"):
            kb.OrderBook(wrong)

    @pytest.mark.parametrize(
        "name",
        [
            "market_ticker",
            "state",
            "stale_reason",
            "is_live",
            "sid",
            "seq",
            "clock",
            "ts_ms",
            "received_ns",
            "spread",
            "last_known",
        ],
    )
    def test_nothing_of_a_book_can_be_set(self, book, name):
        with pytest.raises((AttributeError, TypeError)):
            setattr(book, name, None)
        with pytest.raises(AttributeError):
            book.something_new = 1


class TestState:
    def test_a_new_book_knows_nothing(self, kb):
        book = kb.OrderBook(A)
        assert (book.state, book.is_live, book.stale_reason) == (kb.State.NEW, False, None)
        assert (book.market_ticker, book.sid, book.seq, book.clock, book.ts_ms, book.received_ns) == (A, *[None] * 5)
        assert repr(book) == f"<OrderBook {A} NEW seq=None yes no snapshot yet>"
        assert repr(book.last_known) == f"<LastKnown {A} NEW seq=None yes no snapshot yet>"
        book.check()

    @pytest.mark.parametrize(("name", "arguments"), READINGS)
    def test_a_new_book_refuses_every_question_even_of_what_it_last_knew(self, kb, name, arguments):
        book = kb.OrderBook(A)
        for reader in (book, book.last_known):
            with pytest.raises(kb.BookNotLive, match=f"^{A} is NEW, not LIVE: wait for its first snapshot$"):
                ask(reader, name, arguments)
        with pytest.raises(kb.BookNotLive):
            book.snapshot()
        with pytest.raises(kb.BookNotLive):
            book.last_known.snapshot()

    @pytest.mark.parametrize(("name", "arguments"), READINGS)
    def test_a_stale_book_refuses_and_its_last_known_answers(self, kb, feed, name, arguments):
        book = feed.receive(snapshot()).book
        while_live = ask(book, name, arguments)
        assert ask(book.last_known, name, arguments) == while_live
        feed.closed("maintenance")
        with pytest.raises(kb.BookNotLive) as raised:
            ask(book, name, arguments)
        error = raised.value
        assert (error.market_ticker, error.state, error.stale_reason, error.seq) == (A, "stale", "maintenance", 1)
        assert ask(book.last_known, name, arguments) == while_live

    def test_a_book_tells_of_the_frame_that_it_took_in_last(self, kb, feed):
        book = feed.receive(snapshot(), received_ns=5).book
        assert (book.sid, book.seq, book.clock, book.ts_ms, book.received_ns) == (1, 1, 4182001, None, 5)
        feed.receive(delta(), received_ns=6)
        assert (book.sid, book.seq, book.clock, book.ts_ms, book.received_ns) == (1, 2, 4182002, 1793000000402, 6)
        known = book.last_known
        assert (known.sid, known.seq, known.clock, known.ts_ms, known.received_ns) == (1, 2, 4182002, 1793000000402, 6)
        assert (known.market_ticker, known.state, known.is_live, known.stale_reason) == (A, kb.State.LIVE, True, None)
        feed.closed()
        assert (known.state, known.is_live, known.stale_reason, known.sid) == (kb.State.STALE, False, "disconnected", None)

    def test_a_market_that_is_not_answered_for_is_unavailable(self, kb, book):
        book._set_state(kb.State.UNAVAILABLE, kb.StaleReason.NO_SNAPSHOT)
        with pytest.raises(kb.BookNotLive) as raised:
            book.bbo()
        assert str(raised.value).startswith(f"{A} is UNAVAILABLE (no_snapshot) after seq 1, not LIVE")

    @pytest.mark.parametrize(
        ("yes", "no", "top"),
        [
            (YES, NO, "$0.4200 x 7.00 / $0.4400 x 310.00"),
            (YES, [], "$0.4200 x 7.00 / -"),
            ([], NO, "- / $0.4400 x 310.00"),
            ([], [], "- / -"),
        ],
    )
    def test_a_book_shows_its_top(self, kb, feed, yes, no, top):
        book = feed.receive(snapshot(A, yes, no)).book
        assert repr(book) == f"<OrderBook {A} LIVE seq=1 yes {top}>"
        feed.closed()
        assert repr(book) == f"<OrderBook {A} STALE (disconnected) seq=1 yes {top}>"
        assert repr(book.last_known) == f"<LastKnown {A} STALE (disconnected) seq=1 yes {top}>"


class TestLastKnown:
    def test_it_follows_the_book(self, kb, book):
        known = book.last_known
        book.change(outcome_side="yes", price_e4=4300, delta_e2=5)
        assert known.best_yes_bid_e4() == 4300

    def test_it_is_read_only(self, book):
        for name in ("apply", "change", "check"):
            assert not hasattr(book.last_known, name)
        with pytest.raises(AttributeError):
            book.last_known.state = "live"


class TestSnapshot:
    @pytest.mark.parametrize(("name", "arguments"), READINGS)
    def test_a_copy_answers_as_the_book_did_whatever_happens_to_it(self, kb, book, name, arguments):
        before = ask(book, name, arguments)
        taken = book.snapshot()
        book.change(outcome_side="yes", price_e4=4300, delta_e2=5)
        book.change(outcome_side="no", price_e4=5600, delta_e2=-5)
        assert ask(taken, name, arguments) == before

    def test_a_copy_keeps_the_state_and_the_facts_it_had(self, kb, feed):
        book = feed.receive(snapshot(), received_ns=9).book
        taken = book.snapshot()
        feed.closed()
        assert (taken.state, taken.is_live, taken.stale_reason) == (kb.State.LIVE, True, None)
        assert (taken.market_ticker, taken.sid, taken.seq, taken.clock, taken.received_ns) == (A, 1, 1, 4182001, 9)
        assert repr(taken) == f"<BookSnapshot {A} LIVE seq=1 yes $0.4200 x 7.00 / $0.4400 x 310.00>"
        late = book.last_known.snapshot()
        assert (late.state, late.stale_reason, late.sid) == (kb.State.STALE, "disconnected", None)
        assert late.checksum() == taken.checksum()

    def test_a_copy_of_a_copy_is_one_too(self, book):
        again = book.snapshot().snapshot()
        assert again.checksum() == book.checksum()

    @pytest.mark.parametrize(("yes", "no"), [([], []), (YES, []), ([], NO)])
    def test_empty_and_one_sided_books_can_be_copied(self, kb, yes, no):
        book = kb.OrderBook(A)
        book.apply(kb.decode(snapshot(A, yes, no)))
        taken = book.snapshot()
        book.change(outcome_side="yes", price_e4=100, delta_e2=100)
        assert (len(taken.bids()), len(taken.asks())) == (len(yes), len(no))

    def test_a_copy_cannot_be_changed(self, book):
        taken = book.snapshot()
        for name in ("apply", "change"):
            assert not hasattr(taken, name)
        taken.bids().clear()
        assert len(taken.bids()) == 2


class TestLevel:
    def test_a_level_is_exact_in_every_unit(self, kb):
        level = kb.Level(price_e4=3300, size_e2=76487)
        assert (level.price_e4, level.size_e2) == (3300, 76487)
        assert [type(each) for each in (level.price, level.cents, level.size)] == [Decimal] * 3
        assert [str(each) for each in (level.price, level.cents, level.size)] == ["0.3300", "33.00", "764.87"]
        assert repr(level) == "Level($0.3300 x 764.87)"

    def test_equal_levels_are_equal_and_hash_alike(self, kb):
        one, same = kb.Level(price_e4=3300, size_e2=5), kb.Level(price_e4=3300, size_e2=5)
        assert one == same
        assert one == same
        assert hash(one) == hash(same)
        assert len({one, same}) == 1
        for other in (kb.Level(price_e4=3301, size_e2=5), kb.Level(price_e4=3300, size_e2=6), (3300, 5), None, "x"):
            assert one != other
            assert one != other

    def test_levels_have_no_order_and_cannot_be_unpacked(self, kb):
        one, other = kb.Level(price_e4=1, size_e2=1), kb.Level(price_e4=2, size_e2=2)
        for compare in ("__lt__", "__le__", "__gt__", "__ge__"):
            assert getattr(one, compare)(other) is NotImplemented
        with pytest.raises(TypeError):
            sorted([one, other])
        with pytest.raises(TypeError):
            _, _ = one
        with pytest.raises(TypeError):
            one[0]

    def test_a_level_never_changes(self, kb):
        level = kb.Level(price_e4=1, size_e2=1)
        for name in ("price_e4", "size_e2", "price", "cents", "size"):
            with pytest.raises(AttributeError):
                setattr(level, name, 5)
        with pytest.raises(AttributeError):
            level.more = 1

    def test_a_level_survives_a_copy_and_another_process(self, kb):
        level = kb.Level(price_e4=3300, size_e2=76487)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(level, protocol)) == level
        assert copy.copy(level) == copy.deepcopy(level) == level

    @pytest.mark.parametrize("wrong", [1.0, "1", None, True, Decimal(1)])
    @pytest.mark.parametrize("name", ["price_e4", "size_e2"])
    def test_a_level_is_made_of_ints(self, kb, name, wrong):
        with pytest.raises(TypeError, match=rf"^{name} must be int, not {type(wrong).__name__}$"):
            kb.Level(**{"price_e4": 1, "size_e2": 1, name: wrong})

    def test_a_level_is_made_by_name_and_in_range(self, kb):
        with pytest.raises(TypeError):
            kb.Level(1, 2)
        for price_e4 in (2**31, -(2**31)):
            with pytest.raises(kb.UsageError, match=r"^price_e4 must fit 32 bits$"):
                kb.Level(price_e4=price_e4, size_e2=1)
        for field in ("price_e4", "size_e2"):
            for number in (2**63, -(2**63), 2**200):
                with pytest.raises(kb.UsageError, match=rf"^{field} must fit 64 bits$"):
                    kb.Level(**{"price_e4": 1, "size_e2": 1, field: number})
        assert kb.Level(price_e4=2**31 - 1, size_e2=-(2**63) + 1).size_e2 == -(2**63) + 1


class TestByHand:
    def test_apply_and_change_keep_a_book(self, kb, book):
        assert book.apply(kb.decode(delta(price="0.4300", change="2.50"))) is None
        assert book.change(outcome_side="no", price_e4=5600, delta_e2=-31000) == 0
        assert book.change(outcome_side="yes", price_e4=4300, delta_e2=0) == 250
        assert levels(book) == {"yes": {**START["yes"], 4300: 250}, "no": {5500: 4000}}
        assert (book.sid, book.seq, book.clock, book.ts_ms) == (1, 2, 4182002, 1793000000402)

    def test_no_sequence_is_checked(self, kb, book):
        for seq in (77, 3, 3):
            book.apply(kb.decode(delta(seq=seq)))
        assert (levels(book)["yes"][4200], book.seq) == (1000, 3)

    def test_a_delta_of_a_book_that_is_not_live_is_refused(self, kb):
        book = kb.OrderBook(A)
        with pytest.raises(kb.BookNotLive):
            book.apply(kb.decode(delta()))
        with pytest.raises(kb.BookNotLive):
            book.change(outcome_side="yes", price_e4=4200, delta_e2=1)
        assert (book.state, book.seq) == (kb.State.NEW, None)

    @pytest.mark.parametrize(
        ("price_e4", "delta_e2", "rests"),
        [(4200, -701, 700), (4300, -1, 0), (0, 1, 0), (10_000, 1, 0), (4200, 2**63 - 1, 700)],
    )
    def test_a_change_that_cannot_be_leaves_the_levels_and_makes_the_book_stale(self, kb, book, price_e4, delta_e2, rests):
        known = book.last_known
        before = known.checksum()
        with pytest.raises(kb.Contradiction) as raised:
            book.change(outcome_side="yes", price_e4=price_e4, delta_e2=delta_e2)
        error = raised.value
        assert (error.market_ticker, error.stale_reason, error.outcome_side) == (A, "contradiction", "yes")
        assert (error.price_e4, error.delta_e2, error.size_e2) == (price_e4, delta_e2, rests)
        assert (book.state, book.stale_reason, book.seq) == (kb.State.STALE, "contradiction", 1)
        assert known.checksum() == before
        with pytest.raises(kb.BookNotLive):
            book.change(outcome_side="yes", price_e4=4200, delta_e2=1)
        book.apply(kb.decode(snapshot(seq=9)))
        assert book.is_live

    def test_a_change_that_crosses_is_made_and_makes_the_book_stale(self, kb, book):
        with pytest.raises(kb.Contradiction) as raised:
            book.change(outcome_side="no", price_e4=5800, delta_e2=3)
        assert (raised.value.stale_reason, raised.value.size_e2) == ("crossed", 3)
        assert (book.state, book.stale_reason) == (kb.State.STALE, "crossed")
        assert levels(book)["no"][5800] == 3

    def test_a_crossed_snapshot_is_applied_and_raised(self, kb, book):
        with pytest.raises(kb.Contradiction) as raised:
            book.apply(kb.decode(snapshot(A, [("0.5000", "1.00")], [("0.5000", "1.00")], seq=4)))
        error = raised.value
        assert (error.stale_reason, error.outcome_side, error.price_e4, error.delta_e2, error.size_e2) == (
            "crossed",
            *[None] * 4,
        )
        assert (book.stale_reason, book.seq) == ("crossed", 4)
        assert levels(book) == {"yes": {5000: 100}, "no": {5000: 100}}

    def test_a_message_of_another_market_is_refused(self, kb, book):
        for sent in (snapshot(B, seq=5), delta(B, seq=5)):
            with pytest.raises(kb.UsageError, match=f"^a message of {B} does not belong to the book of {A}$"):
                book.apply(kb.decode(sent))
        assert (levels(book), book.seq, book.is_live) == (START, 1, True)

    @pytest.mark.parametrize("sent", [subscribed(), ok([A])])
    def test_a_message_of_another_type_is_refused(self, kb, book, sent):
        message = kb.decode(sent)
        with pytest.raises(TypeError) as raised:
            book.apply(message)
        assert str(raised.value) == f"message must be OrderbookSnapshot or OrderbookDelta, not {type(message).__name__}"
        with pytest.raises(TypeError, match=r"not bytes$"):
            book.apply(snapshot())

    def test_a_malformed_message_is_refused_with_nothing_changed(self, kb, book):
        messages = kb.messages
        for sent in (snapshot(A, [("0.4100", "0.00")], [], seq=5), delta(delta_fp="x", seq=5)):
            message = messages.read(sent)
            with pytest.raises(kb.MalformedFrame):
                book.apply(message)
        assert (levels(book), book.seq, book.is_live) == (START, 1, True)

    @pytest.mark.parametrize(
        ("argument", "error"),
        [
            ({"outcome_side": "bid"}, "UsageError"), ({"outcome_side": None}, TypeError), ({"price_e4": 42.0}, TypeError),
            ({"price_e4": Decimal("42")}, TypeError), ({"price_e4": "4200"}, TypeError), ({"delta_e2": 1.5}, TypeError),
            ({"delta_e2": True}, TypeError), ({"delta_e2": None}, TypeError), ({"delta_e2": 2**63}, "UsageError"),
            ({"price_e4": -(2**63)}, "UsageError"), ({"price_e4": 2**80}, "UsageError"),
        ],
    )  # fmt: skip
    def test_a_wrong_argument_of_change_changes_nothing(self, kb, book, argument, error):
        with pytest.raises(getattr(kb, error) if isinstance(error, str) else error, match=f"^{next(iter(argument))} must "):
            book.change(**{"outcome_side": "yes", "price_e4": 4200, "delta_e2": 1, **argument})
        assert (levels(book), book.is_live) == (START, True)

    def test_change_takes_names_only_and_all_of_them(self, book):
        with pytest.raises(TypeError):
            book.change("yes", 4200, 1)
        with pytest.raises(TypeError):
            book.change(outcome_side="yes", price_e4=4200)

    def test_a_side_that_is_equal_and_not_the_same_text_is_that_side(self, book):
        assert book.change(outcome_side="".join("yes"), price_e4=4200, delta_e2=1) == 701
        assert book.change(outcome_side="".join("no"), price_e4=5600, delta_e2=1) == 31001

    def test_prices_far_from_any_range_are_contradictions_and_no_crash(self, kb):
        for price_e4 in (-1, 2**31, 2**32 + 4200, 2**63 - 1, -(2**63) + 1):
            book = kb.OrderBook(A)
            book.apply(kb.decode(snapshot()))
            with pytest.raises(kb.Contradiction):
                book.change(outcome_side="yes", price_e4=price_e4, delta_e2=1)
            assert levels(book) == START


class TestByHandOnABookThatAFeedKeeps:
    def test_the_subscription_of_the_feed_still_keeps_it(self, kb, feed):
        book = feed.receive(snapshot()).book
        book.change(outcome_side="yes", price_e4=4200, delta_e2=1)
        book.apply(kb.decode(delta(seq=70, sid=9)))
        book.apply(kb.decode(snapshot(seq=80, sid=9)))
        assert book.sid == 1
        assert feed.receive(delta(seq=2)).effect is kb.Effect.APPLIED
        assert levels(book)["yes"][4200] == 800
        feed.receive(delta(seq=9))
        assert (book.state, book.stale_reason) == (kb.State.STALE, "gap")

    def test_a_book_that_left_its_feed_is_kept_by_whoever_applies(self, kb, feed):
        book = feed.receive(snapshot()).book
        feed.receive(unsubscribed(1, seq=2))
        book.apply(kb.decode(snapshot(seq=80, sid=9)))
        assert (book.is_live, book.sid) == (True, 9)


class TestCheck:
    def test_a_good_book_passes_in_every_state(self, kb, book):
        book.best_yes_bid(), book.best_no_ask()
        book.check()
        with pytest.raises(kb.Contradiction):
            book.change(outcome_side="no", price_e4=5800, delta_e2=3)
        book.check()

    def test_a_live_book_that_is_crossed_is_our_mistake(self, kb, book):
        with pytest.raises(kb.Contradiction):
            book.change(outcome_side="no", price_e4=5800, delta_e2=3)
        book._set_state(kb.State.LIVE)
        with pytest.raises(AssertionError, match=r"^<OrderBook KXDEMO-26-A LIVE .*>: a LIVE book is crossed$"):
            book.check()

    def test_the_twin_names_what_does_not_hold_in_its_ladders(self):
        book = PYTHON.OrderBook(A)
        book.apply(PYTHON.decode(snapshot()))
        book._ladders[0][4200] = 0
        book._ladders[1][10_001] = 5
        with pytest.raises(AssertionError) as raised:
            book.check()
        text = str(raised.value)
        assert (
            "the yes ladder is out of order or holds a size of 0 or less; the no ladder holds a price outside 1 to 9999"
            in text
        )


def test_a_reader_in_another_thread_never_sees_half_a_change(kb):
    """bbo and depth are of one moment: here yes and no sizes at the top are always equal."""
    feed = kb.Feed()
    book = feed.receive(snapshot(A, [("0.4000", "1.00")], [("0.4000", "1.00")], seq=1)).book
    wrong = []
    stop = threading.Event()

    def read():
        while not stop.is_set():
            bid, ask = book.bbo()
            if bid.size_e2 != ask.size_e2:
                wrong.append((bid, ask))
            depth = book.depth()
            if depth.bids[0].size_e2 != depth.asks[0].size_e2:
                wrong.append(depth)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for seq in range(2, 2_000):
            size = f"{seq}.00"
            feed.receive(snapshot(A, [("0.4000", size)], [("0.4000", size)], seq=seq))
    finally:
        stop.set()
        reader.join()
    assert wrong == []


@pytest.fixture
def hasty_threads():
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_reader_in_another_thread_never_sees_a_crossed_book(kb, hasty_threads, by_hand):
    """Crossing deltas, crossed snapshots and an asked snapshot of a book that is not held: none is ever LIVE."""
    feed = kb.Feed()
    good = [("0.4000", "1.00")], [("0.4000", "1.00")]
    book = feed.receive(snapshot(A, *good, seq=1)).book
    wrong = []
    stop = threading.Event()

    def look():
        bid, ask = book.bbo()
        depth, taken = book.depth(), book.snapshot()
        for low, high in ((bid, ask), (depth.bids[0], depth.asks[0]), taken.bbo()):
            if low.price_e4 >= high.price_e4:
                wrong.append((low, high))
        if not taken.is_live or book.spread <= 0 or book.size_at("0.90"):
            wrong.append(taken)
        book.mid, book.checksum()

    def read():
        while not stop.is_set():
            try:
                look()
            except kb.BookNotLive:
                continue

    def change(sent):
        if not by_hand:
            feed.receive(sent)
            return
        with contextlib.suppress(kb.Contradiction):
            book.apply(kb.decode(sent))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for seq in range(2, 3_000, 5):
            change(delta(A, "yes", "0.7000", "1.00", seq=seq))
            change(snapshot(A, *good, seq=seq + 1))
            change(snapshot(A, [("0.9000", "1.00")], [("0.9000", "1.00")], seq=seq + 2))
            change(snapshot(A, *good, seq=seq + 3))
            change(delta(A, "no", "0.4000", "0.00", seq=seq + 4))
    finally:
        stop.set()
        reader.join()
    assert wrong == []


def test_an_asked_snapshot_of_a_market_that_is_not_held_is_never_live_to_another_thread(kb, hasty_threads):
    feed = kb.Feed()
    book = feed.receive(snapshot(A, seq=1, top={"id": 9})).book
    wrong = []
    stop = threading.Event()

    def read():
        while not stop.is_set():
            try:
                wrong.append(book.bbo())
            except kb.BookNotLive:
                continue

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for seq in range(2, 2_000):
            feed.receive(snapshot(A, seq=seq, top={"id": 9}))
    finally:
        stop.set()
        reader.join()
    assert wrong == []


@pytest.mark.parametrize("name", ["depth", "bids", "asks", "bbo", "snapshot", "checksum", "spread", "mid"])
def test_frames_that_come_in_while_a_book_is_read_are_seen_whole_or_not_at_all(kb, feed, name):
    """The garbage collector may run any code in the middle of a call: here it feeds a snapshot of another size."""
    state = {"size": 1, "on": False}

    def ladder():
        return [(f"0.{1000 + 100 * at}", f"{state['size']}.00") for at in range(state["size"] % 7 + 1)]

    def collect(phase, info):
        if phase == "start" and state["on"]:
            state.update(on=False, size=state["size"] + 1)
            feed.receive(snapshot(A, ladder(), ladder(), seq=state["size"]))
            state["on"] = True

    book = feed.receive(snapshot(A, ladder(), ladder(), seq=1)).book
    found = []
    threshold = gc.get_threshold()
    gc.callbacks.append(collect)
    gc.set_threshold(1)
    try:
        for _ in range(100):
            state["on"] = True
            answer = ask(book, name, None if name in ("spread", "mid") else {})
            state["on"] = False
            if name == "snapshot":
                answer = answer.depth()
            found.append(answer)
    finally:
        state["on"] = False
        gc.set_threshold(*threshold)
        gc.callbacks.remove(collect)
    if name in ("depth", "bids", "asks", "bbo", "snapshot"):
        for sides in tell(found):
            parts = sides if name in ("depth", "snapshot") else [sides]
            sizes = [size for part in parts for _, size in part]
            assert len(set(sizes)) == 1
            assert name == "bbo" or {len(part) for part in parts} == {sizes[0] // 100 % 7 + 1}
    book.check()


def test_a_book_is_not_copied_or_pickled_behind_its_feed(kb, feed):
    book = feed.receive(snapshot()).book
    for make in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"book\.snapshot\(\) is a copy of what it holds"):
            make(book)


def test_an_update_by_hand_keeps_its_error_to_itself_and_gives_copies(kb):
    error = kb.MalformedFrame("odd")
    update = kb.Update(kind=kb.Kind.MALFORMED, effect=kb.Effect.IGNORED, frame=b"?", _error=error)
    assert update.error is not error
    assert str(update.error) == str(error)


def test_an_update_by_hand_reads_its_frame_when_asked(kb):
    assert kb.Update(kind=kb.Kind.DELTA, effect=kb.Effect.APPLIED, frame=delta(seq=7)).message.seq == 7
