"""F24: a field's name decides its unit: ``yes``, ``no``, ``price``, ``delta`` are cents and whole contracts,
``*_dollars*`` and ``*_fp`` are dollars and contracts."""

import pytest

from frames import ERAS, START, A, encode, levels, snapshot


def snapshot_of(**fields):
    return encode({"type": "orderbook_snapshot", "sid": 1, "seq": 1, "msg": {"market_ticker": A, **fields}})


def delta_of(**fields):
    msg = {"market_ticker": A, "side": "yes", **fields}
    return encode({"type": "orderbook_delta", "sid": 1, "seq": 2, "msg": msg})


@pytest.mark.parametrize(
    ("fields", "yes"),
    [
        ({"yes": [[8, 100]]}, {800: 10000}),
        ({"yes_dollars": [["0.080", 100]]}, {800: 10000}),
        ({"yes_dollars": [["0.08", "100.5"]]}, {800: 10050}),
        ({"yes_dollars_fp": [["0.0800", "100.00"]]}, {800: 10000}),
        ({"yes": [[1, 1]], "yes_dollars": [["0.080", 100]]}, {800: 10000}),
        ({"yes": [[1, 1]], "yes_dollars": [["0.5", 1]], "yes_dollars_fp": [["0.0800", "100.00"]]}, {800: 10000}),
        ({"yes": [[8, 100]], "yes_dollars": None, "yes_dollars_fp": None}, {800: 10000}),
        ({"yes": [[8, 100]], "yes_dollars_fp": []}, {}),
        ({"yes": [], "yes_dollars": []}, {}),
    ],
)
def test_the_name_of_a_side_decides_its_unit_and_the_newest_wins(feed, fields, yes):
    """Legacy cents read as dollars is a known fault."""
    assert levels(feed.receive(snapshot_of(**fields)).book) == {"yes": yes, "no": {}}
    mirrored = {key.replace("yes", "no"): value for key, value in fields.items()}
    feed.opened()
    assert levels(feed.receive(snapshot_of(**mirrored)).book) == {"yes": {}, "no": yes}


def test_each_side_is_read_for_itself(feed):
    book = feed.receive(snapshot_of(yes=[[8, 100]], no_dollars_fp=[["0.9100", "1.50"]])).book
    assert levels(book) == {"yes": {800: 10000}, "no": {9100: 150}}


@pytest.mark.parametrize(
    ("fields", "price_e4", "delta_e2"),
    [
        ({"price": 42, "delta": 5}, 4200, 500),
        ({"price": 42, "price_dollars": "0.4100", "delta": 5}, 4100, 500),
        ({"price": 42, "price_dollars": "0.410", "delta": 5, "delta_fp": "5.25"}, 4100, 525),
        ({"price_dollars": "0.4155", "delta_fp": "0.01"}, 4155, 1),
        ({"price": 42, "delta_fp": "5.25"}, 4200, 525),
        ({"price_dollars": "0.41", "delta": 5}, 4100, 500),
        ({"price": 42, "price_dollars": None, "delta": 5, "delta_fp": None}, 4200, 500),
        ({"price_dollars": "0.41", "delta_fp": 5}, 4100, 500),
    ],
)
def test_the_name_of_a_change_decides_its_unit_and_dollars_and_fp_win(kb, feed, fields, price_e4, delta_e2):
    feed.receive(snapshot_of())
    update = feed.receive(delta_of(**fields))
    assert (update.effect, update.price_e4, update.delta_e2, update.size_e2) == (
        kb.Effect.APPLIED, price_e4, delta_e2, delta_e2
    )  # fmt: skip
    message = kb.decode(update.frame)
    assert (message.price_e4, message.delta_e2) == (price_e4, delta_e2)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"price": "0.42", "delta": 5}, "expected a price in whole cents, found '0.42'"),
        ({"price": 42.0, "delta": 5}, "expected a price in whole cents, found 42.0"),
        ({"price": -42, "delta": 5}, "expected a price in whole cents, found -42"),
        ({"price": True, "delta": 5}, "expected a price in whole cents, found True"),
        ({"price": 42, "delta": "5"}, "expected a whole number of contracts, found '5'"),
        ({"price": 42, "delta": 5.5}, "expected a whole number of contracts, found 5.5"),
        ({"price": 42, "delta": 2**62}, f"expected a number that fits 64 bits, found {2**62}"),
        ({"price": 2**200, "delta": 5}, "expected a number that fits 64 bits, found a whole number of 201 bits"),
        ({"price": 42}, "no change in any field that we know"),
        ({"delta": 5}, "no price in any field that we know"),
        ({}, "no price in any field that we know"),
        ({"price": None, "price_dollars": None, "delta": 5}, "no price in any field that we know"),
    ],
)
def test_a_number_in_the_unit_of_another_name_is_malformed(kb, feed, fields, reason):
    """Perpetuals share names with the old cents shape; their texts are no cents."""
    feed.receive(snapshot_of())
    update = feed.receive(delta_of(**fields))
    assert (update.kind, update.effect, update.error.reason) == (kb.Kind.MALFORMED, kb.Effect.STALED, reason)


def test_a_whole_number_in_a_dollar_field_is_dollars_and_so_off_the_range(kb, feed):
    feed.receive(snapshot_of())
    update = feed.receive(delta_of(price_dollars=42, delta_fp="1"))
    assert (update.effect, update.price_e4, update.book.stale_reason) == (kb.Effect.STALED, 420_000, "contradiction")


@pytest.mark.parametrize(("new", "old"), [("price_dollars", '"price":30'), ("delta_fp", '"delta":1')])
def test_a_dollar_field_that_no_reader_can_hold_is_never_read_in_the_old_unit(kb, feed, new, old):
    feed.receive(snapshot_of())
    fields = {"price_dollars": '"0.3000"', "delta_fp": '"1.00"', new: "1e999"}
    body = "".join(f',"{name}":{value}' for name, value in fields.items())
    sent = f'{{"type":"orderbook_delta","sid":1,"seq":2,"msg":{{"market_ticker":"{A}","side":"yes"{body},{old}}}}}'
    update = feed.receive(sent.encode())
    assert (update.kind, update.effect, update.book.stale_reason) == (kb.Kind.MALFORMED, kb.Effect.STALED, "malformed")
    assert levels(update.book) == {"yes": {}, "no": {}}


@pytest.mark.parametrize("era", ERAS)
def test_a_snapshot_of_any_era_fills_a_book_by_hand(kb, era):
    book = kb.OrderBook(A)
    book.apply(kb.decode(snapshot(era=era)))
    assert (book.is_live, levels(book)) == (True, START)
