"""The book of a perpetual: two sides as they are. Perps AsyncAPI text, read 2026-10-26."""

import hashlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frames import A, B, frame

BID, ASK = [["6.4100", "120.00"], ["6.4000", "7.55"]], [["6.4300", "40.00"], ["6.5000", "1.00"]]


def snapshot(kb, bid=BID, ask=ASK, *, ticker=A, seq=1):
    sides = {name: side for name, side in (("bid", bid), ("ask", ask)) if side}
    return kb.decode(frame("orderbook_snapshot", sid=2, seq=seq, msg={"market_ticker": ticker, **sides}), venue="perps")


def delta(kb, side="bid", price="6.4100", change="1.00", *, ticker=A, seq=2):
    msg = {"market_ticker": ticker, "side": side, "price": price, "delta": change, "ts_ms": 1793000000456}
    return kb.decode(frame("orderbook_delta", sid=2, seq=seq, msg=msg), venue="perps")


@pytest.fixture
def book(kb):
    book = kb.PerpsBook(A)
    book.apply(snapshot(kb))
    return book


def levels(book):
    depth = book.last_known.depth()
    return [[(level.price_e4, level.size_e2) for level in side] for side in depth]


START = [[(64100, 12000), (64000, 755)], [(64300, 4000), (65000, 100)]]


def test_a_new_book_answers_nothing_not_even_what_it_knew(kb):
    book = kb.PerpsBook(A)
    assert (book.market_ticker, book.state, book.is_live, book.stale_reason) == (A, kb.State.NEW, False, None)
    assert (book.sid, book.seq, book.ts_ms) == (None, None, None)
    for reading in (book, book.last_known):
        with pytest.raises(kb.BookNotLive, match="is NEW, not LIVE: wait for its first snapshot"):
            reading.best_bid()
    with pytest.raises(kb.BookNotLive):
        book.apply(delta(kb))
    assert repr(book) == f"<PerpsBook {A} NEW seq=None no snapshot yet>"


def test_a_snapshot_makes_it_live_and_it_reads_best_first(kb, book):
    level = kb.Level
    assert book.is_live
    assert (book.sid, book.seq, book.ts_ms) == (2, 1, None)
    assert book.bids() == [level(price_e4=64100, size_e2=12000), level(price_e4=64000, size_e2=755)]
    assert book.asks() == [level(price_e4=64300, size_e2=4000), level(price_e4=65000, size_e2=100)]
    assert book.bids(1) + book.asks(1) == [book.best_bid(), book.best_ask()]
    assert book.bbo() == (book.best_bid(), book.best_ask())
    assert (book.best_bid_e4(), book.best_ask_e4()) == (64100, 64300)
    assert book.depth(1) == kb.Depth(book.bids(1), book.asks(1))
    assert (book.spread, book.mid) == (Decimal("0.0200"), Decimal("6.4200"))
    assert repr(book) == f"<PerpsBook {A} LIVE seq=1 $6.4100 x 120.00 / $6.4300 x 40.00>"
    book.check()


def test_an_empty_side_is_nobody(kb, book):
    book.apply(snapshot(kb, [], ASK, seq=7))
    assert (book.best_bid(), book.best_bid_e4(), book.spread, book.mid) == (None, None, None, None)
    book.apply(snapshot(kb, BID, [], seq=8))
    assert (book.best_ask(), book.best_ask_e4(), book.spread, book.mid) == (None, None, None, None)
    book.apply(snapshot(kb, [], [], seq=9))
    assert (book.depth(), repr(book)) == (kb.Depth([], []), f"<PerpsBook {A} LIVE seq=9 - / ->")


def test_the_size_at_a_price(kb, book):
    assert book.size_at("6.41", book_side="bid") == book.size_at(Decimal("6.4100"), book_side="bid") == Decimal("120.00")
    assert str(book.size_at(price_e4=65000, book_side="ask")) == "1.00"
    assert str(book.size_at("6.41", book_side="ask")) == "0.00"
    assert str(book.size_at("214748.3647", book_side="ask")) == "0.00"
    with pytest.raises(kb.UsageError, match=r"^a price is \$0.0001 to \$214748.3647 \(price_e4 1 to 2147483647\), not"):
        book.size_at("214748.3648", book_side="ask")
    with pytest.raises(TypeError):
        book.size_at(6.41, book_side="ask")
    with pytest.raises(kb.UsageError, match=r'^book_side must be "bid" or "ask", not \'yes\'$'):
        book.size_at("6.41", book_side="yes")
    with pytest.raises(TypeError, match=r'^book_side must be "bid" or "ask", not bool$'):
        book.size_at("6.41", book_side=True)


def test_deltas_add_change_and_remove_levels(kb, book):
    book.apply(delta(kb, "bid", "6.4200", "0.25"))
    assert (book.best_bid_e4(), book.seq, book.ts_ms) == (64200, 2, 1793000000456)
    book.apply(delta(kb, "bid", "6.4200", "-0.25", seq=3))
    book.apply(delta(kb, "ask", "6.4300", "-10.00", seq=4))
    assert levels(book) == [START[0], [(64300, 3000), (65000, 100)]]
    assert book.change(book_side="ask", price_e4=64300, delta_e2=-3000) == 0
    assert book.best_ask_e4() == 65000
    book.check()


@pytest.mark.parametrize(
    ("side", "price_e4", "delta_e2", "found"),
    [
        ("bid", 64100, -12001, "expected 0 to 2**63 - 1 to rest there afterwards, found 12000 before"),
        ("ask", 64200, -1, "expected 0 to 2**63 - 1 to rest there afterwards, found 0 before"),
        ("bid", 64100, 2**63 - 1, "expected 0 to 2**63 - 1 to rest there afterwards, found 12000 before"),
        ("bid", 0, 1, "expected a price of $0.0001 to $214748.3647"),
        ("ask", 2**31, 1, "expected a price of $0.0001 to $214748.3647"),
    ],
)
def test_a_change_that_cannot_be_changes_nothing_and_makes_it_stale(kb, book, side, price_e4, delta_e2, found):
    with pytest.raises(kb.Contradiction) as raised:
        book.change(book_side=side, price_e4=price_e4, delta_e2=delta_e2)
    error = raised.value
    assert str(error) == (
        f"{A} {side} price_e4={price_e4} delta_e2={delta_e2}: {found}; nothing was changed. "
        "The book is wrong and now STALE: get a new snapshot"
    )
    assert (error.book_side, error.outcome_side, error.is_perps, error.stale_reason) == (side, None, True, "contradiction")
    assert (book.state, book.stale_reason, levels(book)) == (kb.State.STALE, "contradiction", START)
    with pytest.raises(kb.BookNotLive, match=r"is STALE \(contradiction\) after seq 1"):
        book.change(book_side="bid", price_e4=64100, delta_e2=1)
    book.apply(snapshot(kb, seq=5))
    assert (book.is_live, book.stale_reason) == (True, None)


@pytest.mark.parametrize(("side", "price"), [("bid", "6.4300"), ("bid", "7.0000"), ("ask", "6.4100"), ("ask", "0.0001")])
def test_a_delta_that_locks_or_crosses_it_is_applied_and_makes_it_stale(kb, book, side, price):
    with pytest.raises(kb.Contradiction, match="expected the best bid below the best ask, and it is not"):
        book.apply(delta(kb, side, price, "1.00"))
    assert (book.stale_reason, book.seq) == ("crossed", 2)
    assert levels(book) != START
    book.check()


def test_a_contradiction_by_delta_keeps_the_number_of_the_last_good_message(kb, book):
    with pytest.raises(kb.Contradiction):
        book.apply(delta(kb, change="-500.00"))
    assert (book.seq, book.stale_reason) == (1, "contradiction")


def test_a_crossed_snapshot_makes_it_stale(kb, book):
    with pytest.raises(kb.Contradiction, match=rf"^a snapshot of {A}: expected the best bid below the best ask"):
        book.apply(snapshot(kb, [["6.5", "1"]], [["6.5", "1"]], seq=4))
    assert (book.state, book.stale_reason, book.seq) == (kb.State.STALE, "crossed", 4)
    assert levels(book) == [[(65000, 100)], [(65000, 100)]]


def test_a_stale_book_answers_only_with_what_it_knew(kb, book):
    book.mark_stale("gap")
    with pytest.raises(kb.BookNotLive, match=r"is STALE \(gap\) after seq 1, not LIVE"):
        book.bbo()
    with pytest.raises(kb.BookNotLive):
        book.size_at("6.41", book_side="bid")
    known = book.last_known
    assert (known.market_ticker, known.state, known.stale_reason, known.seq) == (A, kb.State.STALE, "gap", 1)
    assert known.best_bid_e4() == 64100
    assert str(known.size_at("6.41", book_side="bid")) == "120.00"
    assert repr(known) == f"<LastKnownPerps {A} STALE (gap) seq=1 $6.4100 x 120.00 / $6.4300 x 40.00>"


def test_what_does_not_belong_is_refused_and_changes_nothing(kb, book):
    with pytest.raises(kb.UsageError, match=f"^a message of {B} does not belong to the book of {A}$"):
        book.apply(delta(kb, ticker=B))
    with pytest.raises(TypeError, match=r"^message must be PerpsSnapshot or PerpsDelta, not str$"):
        book.apply("x")
    with pytest.raises(kb.UsageError, match=r'^book_side must be "bid" or "ask", not \'no\'$'):
        book.change(book_side="no", price_e4=64100, delta_e2=1)
    for numbers in ({"price_e4": 6.41, "delta_e2": 1}, {"price_e4": 64100, "delta_e2": True}):
        with pytest.raises(TypeError, match=r"_e[24] must be int, not (float|bool)"):
            book.change(book_side="bid", **numbers)
    with pytest.raises(TypeError, match=r"^market_ticker must be str, not int$"):
        kb.PerpsBook(5)
    with pytest.raises(kb.UsageError):
        book.bids(-1)
    assert (book.is_live, levels(book)) == (True, START)


def test_the_checksum_can_be_recomputed_by_anyone(kb, book):
    text = f"{A} bid 6.4000 7.55\n{A} bid 6.4100 120.00\n{A} ask 6.4300 40.00\n{A} ask 6.5000 1.00\n"
    assert book.checksum() == hashlib.sha256(text.encode()).hexdigest()[:16]
    book.mark_stale("gap")
    assert book.last_known.checksum() == hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("side", "level", "fault"),
    [
        ("_bids", (64100, 0), "the bid ladder is out of order or holds a size of 0 or less"),
        ("_asks", (2**31, 5), "the ask ladder holds a price outside 1 to 2147483647"),
        ("_bids", (70000, 5), "a LIVE book is crossed"),
    ],
)
def test_check_finds_a_broken_invariant(book, side, level, fault):
    getattr(book, side)[level[0]] = level[1]
    with pytest.raises(AssertionError, match=fault):
        book.check()


CHANGES = st.lists(st.tuples(st.sampled_from(["bid", "ask"]), st.integers(1, 60), st.integers(-300, 300)), max_size=40)


@given(CHANGES)
def test_any_changes_end_in_what_a_dictionary_ends_in(changes):
    import kalshi_book as kb

    book, model = kb.PerpsBook(A), {"bid": {}, "ask": {}}
    book.apply(snapshot(kb, [], []))
    for side, price_e4, delta_e2 in changes:
        size = model[side].get(price_e4, 0) + delta_e2
        try:
            assert book.change(book_side=side, price_e4=price_e4, delta_e2=delta_e2) == size
        except kb.Contradiction as error:
            if error.stale_reason == "crossed":
                model[side][price_e4] = size
            else:
                assert size < 0
            break
        model[side][price_e4] = size
    held = [{price: size for price, size in model[side].items() if size} for side in ("bid", "ask")]
    assert levels(book) == [sorted(held[0].items(), reverse=True), sorted(held[1].items())]
    crossed = held[0] and held[1] and max(held[0]) >= min(held[1])
    assert (book.stale_reason == "crossed") == bool(crossed)
    book.check()
