"""F6: a snapshot replaces the whole book; one that is not exactly readable is malformed as a whole."""

import pytest

from frames import ERAS, NO, START, YES, A, B, delta, encode, levels, receive_all, snapshot


@pytest.mark.parametrize("era", ERAS)
def test_a_snapshot_of_any_era_is_the_whole_book(feed, era):
    book = feed.receive(snapshot(era=era)).book
    assert levels(book) == START


@pytest.mark.parametrize("era", ERAS)
def test_a_snapshot_replaces_everything_that_was_there(feed, era):
    receive_all(feed, snapshot(), delta(price="0.0100", change="5.00", seq=2))
    update = feed.receive(snapshot(yes=[("0.2000", "3.00")], no=[], seq=3, era=era))
    assert (update.effect.value, update.top_changed) == ("applied", True)
    assert levels(feed.books[A]) == {"yes": {2000: 300}, "no": {}}


@pytest.mark.parametrize(("yes", "no"), [(YES, []), ([], NO), ([], [])])
@pytest.mark.parametrize("how", ["absent", "null", "empty"])
def test_a_side_that_is_absent_null_or_empty_has_no_levels(kb, feed, yes, no, how):
    """The key of an empty side is absent (published, and seen in recordings); some clients refuse such snapshots."""
    extra = {}
    for side, content in (("yes", yes), ("no", no)):
        if not content and how != "absent":
            extra[f"{side}_dollars_fp"] = None if how == "null" else []
    book = feed.receive(snapshot(yes=yes, no=no, **extra)).book
    assert book.state is kb.State.LIVE
    assert [len(book.bids()), len(book.asks())] == [len(yes), len(no)]


def test_an_empty_snapshot_clears_the_book(feed):
    """The exchange sends one when a market closes: 62 of 103 snapshots in one recording."""
    feed.receive(snapshot())
    update = feed.receive(snapshot(yes=[], no=[], seq=2))
    assert (update.effect.value, update.top_changed) == ("applied", True)
    assert update.book.is_live
    assert update.book.bbo() == (None, None)
    assert levels(update.book) == {"yes": {}, "no": {}}


def test_the_order_of_levels_does_not_matter(feed):
    """Levels ascend in every recording; nobody promised it."""
    shuffled = snapshot(A, yes=[YES[1], YES[0]], no=[NO[1], NO[0]])
    checksum = feed.receive(shuffled).book.checksum()
    assert checksum == feed.receive(snapshot(A, seq=2)).book.checksum()
    assert feed.books[A].best_yes_bid_e4() == 4200


@pytest.mark.parametrize(
    ("yes", "top_changed"), [(YES, False), ([YES[1]], False), ([YES[0]], True), ([("0.4200", "8.00")], True)]
)
def test_top_changed_tells_whether_a_best_level_is_another(feed, yes, top_changed):
    assert feed.receive(snapshot()).top_changed is True
    assert feed.receive(snapshot(yes=yes, seq=2)).top_changed is top_changed


BAD_LEVELS = [
    ([["0.4100", "0.00"]], "yes level 0: expected a size above 0, found size_e2=0"),
    ([["0.4100", "-1.00"]], "yes level 0: expected a size above 0, found size_e2=-100"),
    ([["0.4100", "0"]], "yes level 0: expected a size above 0, found size_e2=0"),
    ([["0.9600", "1.00"], ["0.9600", "1.00"]], "yes level 1: expected each price once, found price_e4=9600 again"),
    ([["0.96", "1.00"], ["0.960", "2.00"]], "yes level 1: expected each price once, found price_e4=9600 again"),
    ([["0.9600", "1"], ["0.1000", "1"], ["0.96", "2"]], "yes level 2: expected each price once, found price_e4=9600 again"),
    ([["0.41001", "1.00"]], "yes level 0: expected a price in dollars with at most 4 decimals, found '0.41001'"),
    ([["0.41000", "1.00"]], "yes level 0: expected a price in dollars with at most 4 decimals, found '0.41000'"),
    ([["0.4100", "1.005"]], "yes level 0: expected a number of contracts with at most 2 decimals, found '1.005'"),
    ([["0.4100", "1.000"]], "yes level 0: expected a number of contracts with at most 2 decimals, found '1.000'"),
    ([["0.0000", "1.00"]], "yes level 0: expected a price of $0.0001 to $0.9999, found price_e4=0"),
    ([["1.0000", "1.00"]], "yes level 0: expected a price of $0.0001 to $0.9999, found price_e4=10000"),
    ([["1", "1.00"]], "yes level 0: expected a price of $0.0001 to $0.9999, found price_e4=10000"),
    ([[41, "1.00"]], "yes level 0: expected a price of $0.0001 to $0.9999, found price_e4=410000"),
    ([["-0.4100", "1.00"]], "yes level 0: expected a price in dollars with at most 4 decimals, found '-0.4100'"),
    ([["", "1.00"]], "yes level 0: expected a price in dollars with at most 4 decimals, found ''"),
    ([["0.41", "1e3"]], "yes level 0: expected a number of contracts with at most 2 decimals, found '1e3'"),
    ([["0.41", "٣"]], "yes level 0: expected a number of contracts with at most 2 decimals, found '٣'"),
    ([["0.41", "9" * 19]], "yes level 0: expected a number that fits 64 bits, found '" + "9" * 19 + "'"),
]


@pytest.mark.parametrize("field", ["yes_dollars_fp", "yes_dollars"])
@pytest.mark.parametrize(("bad", "text"), BAD_LEVELS)
def test_one_bad_level_makes_the_whole_snapshot_malformed(kb, feed, field, bad, text):
    book = feed.receive(snapshot()).book
    update = feed.receive(snapshot(yes=[], no=[("0.1000", "1.00")], seq=2, **{field: bad}))
    assert (update.kind, update.effect, update.book) == (kb.Kind.MALFORMED, kb.Effect.STALED, book)
    assert (update.message, update.market_ticker, update.seq) == (None, A, 2)
    error = update.error
    assert type(error) is kb.MalformedFrame
    assert (error.reason, error.type, error.market_ticker, error.sid, error.seq, error.is_json) == (
        text, "orderbook_snapshot", A, 1, 2, True
    )  # fmt: skip
    assert (book.state, book.stale_reason, book.seq) == (kb.State.STALE, "malformed", 1)
    assert levels(book) == START
    assert feed.receive(snapshot(seq=3)).effect is kb.Effect.HEALED


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ([[41, 0]], "yes level 0: expected a size above 0, found size_e2=0"),
        ([[100, 5]], "yes level 0: expected a price of $0.0001 to $0.9999, found price_e4=10000"),
        ([[0, 5]], "yes level 0: expected a price of $0.0001 to $0.9999, found price_e4=0"),
        ([[-1, 5]], "yes level 0: expected a price in whole cents, found -1"),
        ([[41, 5], [41, 6]], "yes level 1: expected each price once, found price_e4=4100 again"),
        ([["41", 5]], "yes level 0: expected a price in whole cents, found '41'"),
        ([[41, "5"]], "yes level 0: expected a whole number of contracts, found '5'"),
        ([[41, 2**60]], "yes level 0: expected a number that fits 64 bits, found 1152921504606846976"),
        ([[41, 92233720368547759]], "yes level 0: expected a number that fits 64 bits, found 92233720368547759"),
        ([[41, 2**64]], "yes level 0: expected a number that fits 64 bits, found 18446744073709551616"),
        ([[2**64, 5]], "yes level 0: expected a number that fits 64 bits, found 18446744073709551616"),
        ([[41, -5]], "yes level 0: expected a size above 0, found size_e2=-500"),
        ([[41, -(2**63)]], "yes level 0: expected a number that fits 64 bits, found -9223372036854775808"),
        ([[41, 5, 6]], "yes level 0: expected a pair of price and size"),
        ([[41]], "yes level 0: expected a pair of price and size"),
        ([41], "yes level 0: expected a pair of price and size"),
        ([None], "yes level 0: expected a pair of price and size"),
        ([[True, 5]], "yes level 0: expected a price in whole cents, found True"),
        ([[41.0, 5]], "yes level 0: expected a price in whole cents, found 41.0"),
        ([[41, 5.0]], "yes level 0: expected a whole number of contracts, found 5.0"),
        ([[41, -92233720368547759]], "yes level 0: expected a number that fits 64 bits, found -92233720368547759"),
        ([[-92233720368547759, 5]], "yes level 0: expected a price in whole cents, found -92233720368547759"),
        ({"41": 5}, "expected the yes side as a list of levels, found dict"),
        ("41", "expected the yes side as a list of levels, found str"),
        (41, "expected the yes side as a list of levels, found int"),
    ],
)
def test_bad_levels_in_cents_are_malformed_too(kb, feed, bad, text):
    receive_all(feed, snapshot())
    update = feed.receive(_with_cents(bad))
    assert (update.kind, update.effect) == (kb.Kind.MALFORMED, kb.Effect.STALED)
    assert update.error.reason == text
    assert levels(feed.books[A]) == START


def test_levels_in_cents_are_read_to_the_last_cent_and_contract(feed):
    update = feed.receive(_with_cents([[1, 1], [99, 92233720368547758], [50, 3]]))
    assert levels(update.book) == {"yes": {100: 100, 9900: 9223372036854775800, 5000: 300}, "no": {1000: 100}}


def _with_cents(bad):
    return encode(
        {"type": "orderbook_snapshot", "sid": 1, "seq": 2, "msg": {"market_ticker": A, "yes": bad, "no": [[10, 1]]}}
    )


@pytest.mark.parametrize("field", ["yes_dollars_fp", "yes_dollars", "yes"])
@pytest.mark.parametrize(
    "bad",
    [
        [["0.41"]], [["0.41", "1.00", "x"]], [7], {"0.41": "1.00"}, {}, "0.41", "", 7, 0, False,
        [[None, "1"]], [[0.41, "1.00"]], [{}], [["0.41", "1"], None],
    ],
)  # fmt: skip
def test_a_side_of_another_shape_is_malformed(kb, feed, field, bad):
    book = feed.receive(snapshot()).book
    update = feed.receive(_with_cents(bad) if field == "yes" else snapshot(yes=[], seq=2, **{field: bad}))
    assert (update.kind, update.effect, update.market_ticker, update.seq) == (kb.Kind.MALFORMED, kb.Effect.STALED, A, 2)
    assert levels(book) == START


@pytest.mark.parametrize("name", ["yes_dollars_v3", "yes_levels", "bids"])
def test_an_array_that_we_do_not_know_in_place_of_a_side_is_a_renamed_side(kb, feed, name):
    """In March 2026 the fields were renamed, and readers that knew only the old names saw empty books for weeks."""
    book = feed.receive(snapshot()).book
    update = feed.receive(snapshot(yes=[], seq=2, **{name: [["0.4100", "1.00"]]}))
    assert (update.kind, update.effect, book.stale_reason) == (kb.Kind.MALFORMED, kb.Effect.STALED, "malformed")
    assert update.error.reason == f"a side is absent and {name!r} is an array that we do not know"
    with pytest.raises(kb.MalformedFrame):
        kb.decode(update.frame)


def test_the_name_of_an_unknown_array_is_cut_short(feed):
    update = feed.receive(snapshot(yes=[], **{"x" * 900: []}))
    assert update.error.reason == f"a side is absent and {'x' * 40!r} is an array that we do not know"


def test_an_unknown_array_beside_both_sides_is_an_extra_field(feed):
    assert receive_all(feed, snapshot(price_ranges=[[1, 2]])) == ["applied"]


def test_an_unknown_field_that_is_no_array_hides_no_side(feed):
    assert receive_all(feed, snapshot(yes=[], state="open", number=5, more={"levels": []})) == ["applied"]


def test_a_malformed_first_snapshot_makes_no_book(kb, feed):
    update = feed.receive(snapshot(yes=[("0.4100", "0.00")]))
    assert (update.kind, update.effect, update.book) == (kb.Kind.MALFORMED, kb.Effect.IGNORED, None)
    assert len(feed.books) == 0


def test_only_the_book_of_the_malformed_snapshot_is_stale(feed):
    receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2), snapshot(A, yes=[("0.4100", "0.00")], seq=3))
    assert [book.is_live for book in feed.books.values()] == [False, True]


def test_ten_thousand_levels_are_all_read(feed):
    yes = [(f"0.{price:04d}", f"{price}.00") for price in range(1, 5000)]
    no = [(f"0.{price:04d}", f"{price}.00") for price in range(1, 5000)]
    book = feed.receive(snapshot(yes=yes[::-1], no=no)).book
    assert levels(book)["yes"] == {price: price * 100 for price in range(1, 5000)}
    book.check()
