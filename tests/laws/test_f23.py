"""F23: perpetuals share names with the old cents shape: told apart by JSON type and side (bid|ask), or by the venue.

Shapes: perps AsyncAPI text, read 2026-10-26.
"""

import pytest

from frames import A, B, delta, encode, error, feed_facts, frame, levels, ok, receive_all, snapshot, subscribed

BID = [["6.4100", "120.00"], ["6.4000", "7.55"]]
ASK = [["6.4300", "40.00"], ["214748.3647", "0.01"]]


def perps_snapshot(*, seq=3, ticker=A, **msg):
    return frame("orderbook_snapshot", sid=1, seq=seq, msg={"market_ticker": ticker, "bid": BID, "ask": ASK, **msg})


def perps_delta(*, seq=3, ticker=A, **msg):
    fields = {"market_ticker": ticker, "side": "bid", "price": "6.4100", "delta": "-2.55", **msg}
    return frame("orderbook_delta", sid=1, seq=seq, msg=fields)


@pytest.fixture
def two(feed):
    """Books A and B on sid 1, LIVE."""
    receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2))
    return feed


@pytest.mark.parametrize("venue", [{}, {"venue": "events"}, {"venue": "perps"}])
def test_a_book_frame_of_a_perpetual_is_known_with_and_without_its_venue(kb, venue):
    message = kb.decode(perps_snapshot(), **venue)
    assert type(message) is kb.messages.PerpsSnapshot
    assert (message.market_ticker, message.sid, message.seq, message.id) == (A, 1, 3, None)
    assert message.levels("bid") == [(64100, 12000), (64000, 755)]
    assert message.levels("ask") == [(64300, 4000), (2**31 - 1, 1)]
    change = kb.decode(perps_delta(), **venue)
    assert type(change) is kb.messages.PerpsDelta
    assert (change.market_ticker, change.book_side, change.price_e4, change.delta_e2) == (A, "bid", 64100, -255)


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_one_side_tells_and_the_other_is_empty(kb, side):
    sent = frame("orderbook_snapshot", sid=1, seq=3, id=9, msg={"market_ticker": A, side: [["6.41", "1"]]})
    message = kb.decode(sent)
    assert (type(message), message.id) == (kb.messages.PerpsSnapshot, 9)
    assert {each: message.levels(each) for each in ("bid", "ask")} == {"bid": [], "ask": [], side: [(64100, 100)]}


def test_a_snapshot_without_levels_is_of_event_markets_unless_the_venue_says_else(kb):
    """Nothing in it tells them apart."""
    sent = frame("orderbook_snapshot", sid=1, seq=3, msg={"market_ticker": A})
    assert type(kb.decode(sent)) is not type(kb.decode(sent, venue="perps"))
    assert type(kb.decode(sent, venue="perps")) is kb.messages.PerpsSnapshot


@pytest.mark.parametrize("sent", [snapshot(), delta(), snapshot(era="2025"), delta(era="2025")])
def test_a_frame_of_an_event_market_is_none_of_perpetuals(kb, sent):
    with pytest.raises(kb.MalformedFrame):
        kb.decode(sent, venue="perps")
    assert type(kb.decode(sent)) in (kb.messages.OrderbookSnapshot, kb.messages.OrderbookDelta)


BAD_EVENTS = [
    snapshot(yes_dollars_fp=7),
    snapshot(A, [], [], yes_dollars_fp=7),
    snapshot(seq=-1),
    delta(side="up"),
    delta(delta_fp="x"),
]


@pytest.mark.parametrize("sent", BAD_EVENTS)
def test_a_bad_frame_of_an_event_market_is_not_taken_for_one_of_perpetuals(kb, sent):
    with pytest.raises(kb.MalformedFrame):
        kb.decode(sent)


@pytest.mark.parametrize("sent", [subscribed(), ok([A]), error(25, sid=1)])
def test_responses_are_the_same_for_both(kb, sent):
    assert kb.decode(sent, venue="perps") == kb.decode(sent)


def test_other_types_are_read_by_the_venue(kb):
    sent = frame("trade", sid=2, seq=1, msg={"market_ticker": A, "price": "6.4100", "count": "1.00", "taker_side": "bid"})
    assert type(kb.decode(sent, venue="perps")) is kb.messages.PerpsTrade
    with pytest.raises(kb.MalformedFrame, match=r"^malformed trade market=KXDEMO-26-A sid=2 seq=1: count: expected a whole"):
        kb.decode(sent)
    for type_ in ("market_lifecycle_v2", "corporate_actions_delta"):
        assert (
            type(kb.decode(frame(type_, sid=2, seq=1, msg=[]), venue="perps" if type_[0] == "m" else "events"))
            is kb.messages.Unknown
        )


@pytest.mark.parametrize("venue", ["margin", "", None, 5])
def test_there_are_two_venues(kb, venue):
    with pytest.raises(kb.UsageError, match=r'^venue must be "events" or "perps", not '):
        kb.decode(perps_delta(), venue=venue)


SNAPSHOT_FAULTS = [
    ({"bid": 7}, "expected the bid side as a list of levels, found int"),
    ({"ask": {}}, "expected the ask side as a list of levels, found dict"),
    ({"ask": [["6.41"]]}, "ask level 0: expected a pair of price and size"),
    ({"ask": ["ab"]}, "ask level 0: expected a pair of price and size"),
    ({"bid": [[641, "1"]]}, "bid level 0: expected a number as text, found 641"),
    ({"bid": [["6.41", 1]]}, "bid level 0: expected a number as text, found 1"),
    ({"bid": [["6.41001", "1"]]}, "bid level 0: expected a price in dollars with at most 4 decimals, found '6.41001'"),
    ({"bid": [["0.0000", "1"]]}, "bid level 0: expected a price of $0.0001 to $214748.3647, found price_e4=0"),
    ({"bid": [["214748.3648", "1"]]}, "bid level 0: expected a price of $0.0001 to $214748.3647, found price_e4=2147483648"),
    ({"bid": [["6.41", "0.00"]]}, "bid level 0: expected a size above 0, found size_e2=0"),
    ({"bid": [["6.41", "1"], ["6.4100", "2"]]}, "bid level 1: expected each price once, found price_e4=64100 again"),
    ({"ask": None, "offers": []}, "a side is absent and 'offers' is an array that we do not know"),
]


@pytest.mark.parametrize(("msg", "reason"), SNAPSHOT_FAULTS)
def test_a_snapshot_that_cannot_be_read_exactly_is_malformed(kb, msg, reason):
    """Feed rule F6."""
    with pytest.raises(kb.MalformedFrame) as raised:
        kb.decode(perps_snapshot(**msg), venue="perps")
    error = raised.value
    assert (error.reason, error.type, error.market_ticker, error.sid, error.seq) == (reason, "orderbook_snapshot", A, 1, 3)
    with pytest.raises(kb.MalformedFrame):
        kb.decode(perps_snapshot(**msg))


@pytest.mark.parametrize(
    ("msg", "reason"),
    [
        ({"price": 641}, "price: expected a number as text, found 641"),
        ({"delta": 1}, "delta: expected a number as text, found 1"),
        ({"price": None}, "expected price, found none"),
        ({"delta": "1.234"}, "delta: expected a number of contracts with at most 2 decimals, found '1.234'"),
        ({"side": "yes"}, "Invalid enum value 'yes' - at `$.msg.side`"),
    ],
)
def test_a_delta_that_cannot_be_read_exactly_is_malformed(kb, msg, reason):
    with pytest.raises(kb.MalformedFrame) as raised:
        kb.decode(perps_delta(**msg), venue="perps")
    assert raised.value.reason == reason
    with pytest.raises(kb.MalformedFrame):
        kb.decode(perps_delta(**msg))


@pytest.mark.parametrize(
    "sent", [perps_snapshot(), perps_delta(), perps_delta(side="ask", price="0.4200"), perps_delta(side="yes")]
)
def test_a_perps_frame_never_makes_or_changes_an_event_market_book(kb, two, sent):
    """Its book is STALE (malformed), as feed rule F9 says of any frame that is none."""
    before = levels(two.books[A])
    update = two.receive(sent)
    assert (update.kind, update.effect, update.book) == (kb.Kind.MALFORMED, kb.Effect.STALED, two.books[A])
    assert update.message is None
    assert levels(two.books[A]) == before
    assert [book.stale_reason for book in two.books.values()] == ["malformed", None]
    assert receive_all(two, snapshot(A, seq=4)) == ["healed"]


@pytest.mark.parametrize("sent", [perps_snapshot(ticker="KXPERP"), perps_delta(ticker="KXPERP")])
def test_a_perps_frame_of_another_market_makes_no_book(kb, two, sent):
    before = feed_facts(two)["books"]
    assert two.receive(sent).kind is kb.Kind.MALFORMED
    assert feed_facts(two)["books"] == before


def test_a_side_under_both_names_is_an_event_market_s_where_that_is_whole(kb):
    """What is unknown beside two known sides is ignored (feed rule F6)."""
    sent = encode(
        {
            "type": "orderbook_snapshot", "sid": 1, "seq": 3,
            "msg": {"market_ticker": A, "bid": BID, "yes_dollars_fp": [["0.41", "1"]], "no_dollars_fp": []},
        }
    )  # fmt: skip
    assert type(kb.decode(sent)) is kb.messages.OrderbookSnapshot
