"""F9: a malformed frame makes the narrowest scope STALE that can be read: its book, else its sid's books, else none."""

import pytest

from frames import A, B, C, delta, encode, feed_facts, frame, levels, ok, receive_all, snapshot, subscribed


@pytest.fixture
def three(feed):
    """Books A and B on sid 1, C on sid 2, all LIVE."""
    receive_all(feed, snapshot(A, seq=1), snapshot(B, seq=2), snapshot(C, sid=2, seq=1))
    return feed


def reasons(feed):
    return [book.stale_reason for book in feed.books.values()]


@pytest.mark.parametrize(
    "sent",
    [
        delta(A, seq=3, side="maybe"),
        delta(A, seq=3, side=None),
        delta(A, seq=3, delta_fp="lots"),
        delta(A, seq=3, price_dollars=None),
        snapshot(A, seq=3, yes_dollars_fp=7),
        encode({"type": 5, "sid": 1, "seq": 3, "msg": {"market_ticker": A}}),
        encode({"sid": 1, "seq": 3, "msg": {"market_ticker": A}}),
    ],
)
def test_where_the_ticker_can_be_read_its_book_is_stale(kb, three, sent):
    before = levels(three.books[A])
    update = three.receive(sent)
    assert (update.kind, update.effect, update.book) == (kb.Kind.MALFORMED, kb.Effect.STALED, three.books[A])
    assert (update.market_ticker, update.sid, update.seq, update.skipped) == (A, 1, 3, 0)
    assert (update.error.market_ticker, update.error.sid, update.error.seq) == (A, 1, 3)
    assert reasons(three) == ["malformed", None, None]
    assert levels(three.books[A]) == before
    assert receive_all(three, delta(B, seq=4), delta(A, seq=5), snapshot(A, seq=6)) == ["applied", "ignored", "healed"]


@pytest.mark.parametrize(
    "sent",
    [
        frame("orderbook_delta", sid=1, seq=3),
        frame("orderbook_delta", sid=1, seq=3, msg=[]),
        frame("orderbook_delta", sid=1, seq=3, msg={"market_ticker": 7}),
        frame("orderbook_snapshot", sid=1, seq=3, msg={}),
        frame("error", sid=1, seq=3, msg={"code": "ten"}),
        encode({"sid": 1, "seq": 3}),
    ],
)
def test_where_only_the_sid_can_be_read_all_its_books_are_stale(kb, three, sent):
    update = three.receive(sent)
    assert (update.kind, update.effect, update.book, update.seq) == (kb.Kind.MALFORMED, kb.Effect.STALED, None, 3)
    assert reasons(three) == ["malformed", "malformed", None]
    assert receive_all(three, snapshot(A, seq=4)) == ["healed"]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"not JSON",
        delta(A, seq=3)[:-1],
        b"\xff" + delta(A, seq=3),
        delta(A, seq=3).replace(b"KXDEMO", b"KX\xffMO"),
        b"[1,2]",
        b"3",
        encode({"type": "orderbook_delta", "msg": {}}),
    ],
)
def test_where_neither_can_be_read_no_book_is_stale_and_the_next_number_shows_the_gap(kb, three, sent):
    before = feed_facts(three) | {"counts": 0}
    update = three.receive(sent)
    assert (update.kind, update.effect, update.sid, update.seq) == (kb.Kind.MALFORMED, kb.Effect.IGNORED, None, None)
    assert update.frame is sent
    assert feed_facts(three) | {"counts": 0} == before
    assert three.receive(delta(A, seq=4)).skipped == 1
    assert reasons(three) == ["gap", "gap", None]


def test_a_frame_that_does_not_parse_takes_no_number_even_if_a_person_could_read_it(three):
    """ "Can be read" means that the frame parses as JSON; otherwise nothing of it is read."""
    assert receive_all(three, delta(A, seq=3)[:-2], delta(A, seq=3)) == ["ignored", "applied"]


def test_a_malformed_frame_of_a_market_that_is_not_held_hurts_nobody(kb, three):
    update = three.receive(delta("KXDEMO-26-Z", seq=3, delta_fp="x"))
    assert (update.kind, update.effect, update.market_ticker, update.book) == (
        kb.Kind.MALFORMED, kb.Effect.IGNORED, "KXDEMO-26-Z", None
    )  # fmt: skip
    assert reasons(three) == [None] * 3


def test_a_malformed_frame_of_a_book_that_is_stale_already_keeps_its_reason(kb, three):
    three.receive(delta(A, seq=9))
    update = three.receive(delta(A, seq=10, delta_fp="x"))
    assert (update.kind, update.effect) == (kb.Kind.MALFORMED, kb.Effect.IGNORED)
    assert reasons(three) == ["gap", "gap", None]


def test_the_error_kept_on_an_update_holds_no_frames_alive(three):
    update = three.receive(delta(A, seq=3, delta_fp="x"))
    assert update.error.__traceback__ is None
    assert update.error.__context__ is None


@pytest.mark.parametrize("sent", [delta(A, seq=3, delta_fp="x" * 5_000), b"z" * 5_000, frame("ok", sid=1, seq="q" * 5_000)])
def test_no_text_of_an_error_holds_a_payload(three, sent):
    assert len(str(three.receive(sent).error)) < 400


@pytest.mark.parametrize("bad", [snapshot(A, seq=2, yes_dollars_fp=7), delta(A, seq=2, delta_fp="x")])
def test_a_malformed_frame_of_a_new_book_makes_it_stale_until_its_snapshot(kb, feed, bad):
    receive_all(feed, subscribed(), ok([A, B], seq=1))
    update = feed.receive(bad)
    assert (update.kind, update.effect, update.book) == (kb.Kind.MALFORMED, kb.Effect.STALED, feed.books[A])
    assert [(book.state, book.stale_reason) for book in feed.books.values()] == [
        (kb.State.STALE, "malformed"), (kb.State.NEW, None)
    ]  # fmt: skip
    assert receive_all(feed, snapshot(A, seq=3), snapshot(B, seq=4)) == ["healed", "applied"]


OTHER_CHANNELS = [
    frame("trade", sid=1, seq=3, msg={"market_ticker": A}),
    frame("trade", sid=1, seq=3, msg={"market_ticker": A, "yes_price_dollars": "4x", "count_fp": "1.00"}),
    frame("trade", sid=1, seq=3, msg=None),
    frame("ticker", sid=1, seq=3, msg={"market_ticker": 5}),
    frame("fill", sid=1, seq=3, msg={"market_ticker": A, "order_id": "o-1"}),
    frame("user_order", sid=1, seq=3, msg={"ticker": A}),
    frame("market_position", sid=1, seq=3, msg={"market_ticker": A, "position_fp": 1.5}),
    frame("market_lifecycle_v2", sid=1, seq=3, msg={"market_ticker": A}),
    frame("event_lifecycle", sid=1, seq=3, msg=[]),
    frame("rfq_created", sid=1, seq=3),
    frame("pyth_value", sid=1, seq=3, msg={}),
]


@pytest.mark.parametrize("sent", OTHER_CHANNELS)
def test_a_malformed_frame_of_another_channel_says_nothing_about_books(kb, three, sent):
    """Only the orderbook channel has books (feed rule F3); the number counts all the same."""
    update = three.receive(sent)
    assert (update.kind, update.effect, update.book) == (kb.Kind.MALFORMED, kb.Effect.IGNORED, None)
    assert (update.sid, update.seq, update.message) == (1, 3, None)
    assert isinstance(update.error, kb.MalformedFrame)
    assert reasons(three) == [None] * 3
    assert receive_all(three, delta(A, seq=4), delta(A, seq=6)) == ["applied", "gap"]


@pytest.mark.parametrize("sent", OTHER_CHANNELS[:1])
def test_a_malformed_frame_of_another_channel_can_still_reveal_a_gap(kb, three, sent):
    update = three.receive(sent.replace(b'"seq":3', b'"seq":5'))
    assert (update.kind, update.effect, update.skipped) == (kb.Kind.MALFORMED, kb.Effect.GAP, 2)
    assert reasons(three) == ["gap", "gap", None]


@pytest.mark.parametrize(
    "sent",
    [
        frame("subscribed", sid=1, seq=3, msg={}),
        frame("error", sid=1, seq=3, msg={}),
        frame("list_subscriptions", sid=1, seq="x"),
        encode({"type": None, "sid": 1, "seq": 3}),
    ],
)
def test_a_malformed_response_or_a_frame_of_no_type_may_say_anything_of_the_books_of_its_sid(kb, three, sent):
    assert three.receive(sent).effect is kb.Effect.STALED
    assert reasons(three) == ["malformed", "malformed", None]
