"""Failures that happened to local order books elsewhere, and that must not happen here; each on both cores.

The numbers are those of our list of failure modes (FM); docs/design.md says what each is about.
"""

import itertools
import re
from pathlib import Path

import pytest

from frames import (
    ABSENT,
    START,
    YES,
    A,
    B,
    C,
    delta,
    encode,
    error,
    frame,
    levels,
    ok,
    receive_all,
    snapshot,
    subscribed,
    trade,
)
from implementations import part
from session import BOOK, MINUTE, SECOND, Session


@pytest.fixture(scope="module")
def tape(kb):
    """A flow of three markets: its frames, and the truth after each."""
    flow = part(kb, "sim.flow").Flow(seed=21, markets=3, levels=10, frames=200, close=False)
    sent, truth = [], []
    for each in flow:
        sent.append(each)
        truth.append({ticker: {side: dict(flow.levels(ticker, side)) for side in ("yes", "no")} for ticker in flow.tickers})
    return sent, truth


def test_every_one_of_them_has_its_test():
    """FM-50 to FM-53 are of recording, which is not here yet."""
    tests = "".join(path.read_text() for path in Path(__file__).parent.rglob("test_*.py"))
    assert {int(number) for number in re.findall(r"def test_fm_(\d\d)_", tests)} >= set(range(1, 50))


def test_fm_21_a_dropped_frame_never_leaves_a_wrong_book_live(kb, tape):
    """Drop frame k for every k: no read of a LIVE book is ever wrong."""
    sent, truth = tape
    for dropped in range(len(sent)):
        feed = kb.Feed()
        for number, each in enumerate(sent):
            if number == dropped:
                continue
            feed.receive(each)
            if number in (dropped + 1, dropped + 20, len(sent) - 1):
                for ticker, book in feed.books.items():
                    assert not book.is_live or levels(book) == truth[number][ticker]


def test_fm_21_a_dropped_delta_is_seen_at_the_very_next_frame(kb, tape):
    sent, _ = tape
    feed = kb.Feed()
    receive_all(feed, *sent[:100])
    assert feed.receive(sent[101]).effect is kb.Effect.GAP
    assert not any(book.is_live for book in feed.books.values())


@pytest.mark.parametrize("markets", [2, 50])
def test_fm_22_a_gap_heals_no_more_than_the_market_of_the_snapshot(feed, markets):
    tickers = [f"KXDEMO-26-{number}" for number in range(markets)]
    receive_all(feed, *(snapshot(ticker, seq=seq) for seq, ticker in enumerate(tickers, 1)))
    receive_all(feed, snapshot(tickers[0], seq=markets + 5))
    assert [book.is_live for book in feed.books.values()] == [True] + [False] * (markets - 1)


def test_fm_23_a_duplicate_is_not_applied_twice(feed):
    """One client had 120 where 110 was true."""
    receive_all(feed, snapshot(A, [("0.4200", "100.00")], []), delta(change="10.00"), delta(change="10.00"))
    assert str(feed.books[A].size_at("0.42")) == "110.00"


def test_fm_24_replies_take_numbers_and_make_no_phantom_gaps(kb):
    """A thousand changes of the subscription between deltas: no false gap, and the one real gap is seen."""
    feed = kb.Feed()
    receive_all(feed, subscribed(), snapshot(A, seq=1))
    seq = 1
    for number in range(1_000):
        held = [A, B] if number % 2 == 0 else [A]
        effects = receive_all(feed, ok(held, seq=seq + 1), delta(seq=seq + 2, change="0.01"))
        seq += 2
        assert effects[1] == "applied"
    assert feed.skipped == 0
    assert receive_all(feed, ok([A], seq=seq + 2)) == ["gap"]


def test_fm_28_a_snapshot_counts_where_it_stands_among_the_deltas(kb):
    """At every position: the deltas before it are in it, those after it come on top."""
    changes = [delta(change="1.00", seq=0) for _ in range(6)]
    for position in range(len(changes) + 1):
        feed = kb.Feed()
        stream = [*changes[:position], None, *changes[position:]]
        for seq, each in enumerate(stream, 1):
            size = f"{10 + position}.00"
            feed.receive(snapshot(A, [("0.4200", size)], [], seq=seq) if each is None else delta(change="1.00", seq=seq))
        assert feed.books[A].is_live
        assert levels(feed.books[A]) == {"yes": {4200: 1600}, "no": {}}


def test_fm_29_a_delta_first_makes_no_ghost(kb, feed):
    receive_all(feed, delta(change="5.00", seq=1))
    assert len(feed.books) == 0
    receive_all(feed, snapshot(A, [], [], seq=2))
    assert feed.books[A].best_yes_bid() is None


@pytest.mark.parametrize("sid", [1, 7])
def test_fm_30_numbers_start_again_after_a_reconnect(feed, sid):
    """A real recording falls from 2,423,548 to 22; the sid number may be used again."""
    receive_all(feed, snapshot(seq=2_423_547), delta(seq=2_423_548))
    feed.closed()
    feed.opened()
    assert receive_all(feed, subscribed(sid), snapshot(sid=sid, seq=1), delta(sid=sid, seq=2)) == [
        "ignored",
        "healed",
        "applied",
    ]


def test_fm_30_numbers_fall_without_a_reconnect_that_we_saw(feed):
    receive_all(feed, snapshot(seq=2_423_547), delta(seq=2_423_548))
    assert receive_all(feed, snapshot(seq=22), delta(seq=23)) == ["healed", "applied"]


def test_fm_32_a_level_matched_exactly_is_removed_exactly(feed):
    """Levels matched within 0.001 merge neighbours; sums of floats leave phantoms."""
    receive_all(feed, snapshot(A, [("0.4200", "1.00"), ("0.4201", "1.00")], []), delta(price="0.4201", change="-1.00"))
    assert levels(feed.books[A])["yes"] == {4200: 100}


def test_fm_33_a_negative_size_is_found_even_with_perfect_numbers(kb, feed):
    """The server itself lost a delta: no hole in the numbers, and only the negative tells."""
    receive_all(feed, snapshot(A, [("0.4200", "5.00")], []))
    update = feed.receive(delta(change="-6.00", seq=2))
    assert (update.effect, update.error.stale_reason) == (kb.Effect.STALED, "contradiction")
    assert levels(feed.books[A])["yes"] == {4200: 500}


def test_fm_34_a_crossed_book_is_stale_and_no_level_is_deleted_to_repair_it(kb, feed):
    receive_all(feed, snapshot())
    assert receive_all(feed, delta(price="0.4400", change="1.00")) == ["staled"]
    assert len(feed.books[A].last_known.bids()) == 3
    assert receive_all(feed, delta(price="0.4400", change="-1.00", seq=3)) == ["ignored"]
    assert feed.books[A].state is kb.State.STALE


SIDES = [ABSENT, None, [], [["0.0100", "1.00"]], [["0.0100", "0.00"]], [["0.0100", "-1.00"]], {}, "", 5]


@pytest.mark.parametrize(("yes", "no"), list(itertools.product(SIDES, SIDES)))
def test_fm_35_any_shape_of_a_snapshot_is_a_right_book_or_an_error(feed, yes, no):
    receive_all(feed, snapshot(seq=1))
    update = feed.receive(snapshot(A, [], [], seq=2, yes_dollars_fp=yes, no_dollars_fp=no))
    good = all(side is ABSENT or side in (None, [], [["0.0100", "1.00"]]) for side in (yes, no))
    assert update.effect.value == ("applied" if good else "staled")
    found = levels(feed.books[A])
    expected = {name: {100: 100} if side == [["0.0100", "1.00"]] else {} for name, side in (("yes", yes), ("no", no))}
    assert found == (expected if good else START)


@pytest.mark.parametrize("name", ["yes_dollars_fp", "no_dollars_fp"])
def test_fm_36_a_renamed_side_is_an_error_and_no_empty_book(kb, feed, name):
    receive_all(feed, snapshot(seq=1))
    renamed = snapshot(seq=2).replace(name.encode(), name.replace("_fp", "_v3").encode())
    assert feed.receive(renamed).kind is kb.Kind.MALFORMED
    assert levels(feed.books[A]) == START


def test_fm_36_a_renamed_delta_type_is_counted_where_everybody_can_see_it(kb, feed):
    receive_all(feed, snapshot(seq=1), delta(seq=2).replace(b"orderbook_delta", b"orderbook_change"))
    assert feed.counts[kb.Kind.UNKNOWN, kb.Effect.IGNORED] == 1


@pytest.mark.parametrize("type_", ["user_orders", "market_positions", "zz", "event_lifecycles", "orderbook_delta2"])
@pytest.mark.parametrize("msg", [ABSENT, None, {}, [], "x", 5, {"market_ticker": A, "side": "yes"}])
def test_fm_37_unknown_types_with_any_content_are_kept_and_counted(kb, feed, type_, msg):
    receive_all(feed, snapshot(seq=1))
    sent = frame(type_, sid=1, seq=2, msg=msg)
    update = feed.receive(sent)
    assert (update.kind, update.effect, update.frame) == (kb.Kind.UNKNOWN, kb.Effect.IGNORED, sent)
    assert receive_all(feed, delta(seq=3)) == ["applied"]


def test_fm_37_nulls_in_every_optional_place(feed):
    nothing = {"market_id": None, "clock": None}
    receive_all(feed, snapshot(A, YES, [], no_dollars_fp=None, top={"id": None, "sending_ts_ms": None}, **nothing))
    sent = delta(ts=None, ts_ms=None, client_order_id=None, subaccount=None, top={"sending_ts_ms": None}, **nothing)
    assert receive_all(feed, sent, encode({"id": None, "type": "ok", "msg": None, "sid": None, "seq": None})) == [
        "applied",
        "ignored",
    ]


def test_fm_38_late_frames_of_an_old_subscription_never_reach_the_new_book(feed):
    receive_all(
        feed,
        subscribed(1),
        snapshot(sid=1, seq=1),
        frame("unsubscribed", sid=1, seq=2),
        subscribed(2),
        snapshot(sid=2, seq=1),
    )
    receive_all(feed, delta(sid=1, seq=3, change="99.00"), trade(sid=1, seq=4))
    assert levels(feed.books[A]) == START
    assert feed.books[A].is_live


def live_session(kb, *tickers, **options):
    """A session whose books are LIVE."""
    session = Session(kb, *tickers, **options)
    session.feed.subscribe(BOOK, market_tickers=tickers)
    session.pump()
    assert session.live() == list(tickers)
    return session


def gap(session, ticker=A):
    """Lose a delta, and deliver the one after it."""
    session.lose(1)
    session.exchange.change(ticker, "yes", 1000, 100)
    session.exchange.change(ticker, "yes", 1000, 100)
    session.deliver()
    session.lose_nothing()


@pytest.mark.parametrize("markets", [2, 1_000])
def test_fm_22_a_recovery_is_of_the_whole_sid(kb, markets):
    """One client asked for the one market that the gap was seen on, and served the others as they were."""
    session = live_session(kb, *(f"KXDEMO-26-{number}" for number in range(markets)))
    gap(session, "KXDEMO-26-0")
    assert session.live() == []
    session.pump()
    assert (len(session.live()), session.wrong()) == (markets, [])


def is_rung(*names):
    """Commands of these names, each an action or a cmd."""
    return lambda command: command.get("params", {}).get("action", command["cmd"]) in names


RUNGS = [
    ((), ["get_snapshot"]),
    (("get_snapshot",), ["get_snapshot", "delete_markets", "add_markets"]),
    (("get_snapshot", "delete_markets"), ["get_snapshot", "delete_markets", "unsubscribe", "subscribe"]),
]


@pytest.mark.parametrize(("lost", "climbed"), RUNGS)
def test_fm_25_where_a_rung_is_lost_the_next_one_brings_the_books_back(kb, lost, climbed):
    session = live_session(kb, A, B)
    gap(session)
    session.take_sent()
    session.loses_command = is_rung(*lost)
    session.pass_time(MINUTE)
    assert list(dict.fromkeys(what for what, *_ in session.take_sent())) == climbed
    assert (session.live(), session.wrong(), session.feed.reconnect_reason) == ([A, B], [], None)


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        ("unsubscribe", "the orderbook_delta subscription gives nothing and cannot be ended"),
        ("subscribe", "subscribing to orderbook_delta is not answered"),
    ],
)
def test_fm_25_where_the_last_rung_is_lost_a_reconnect_is_wanted(kb, lost, reason):
    session = live_session(kb, A, B)
    gap(session)
    session.loses_command = is_rung("get_snapshot", "delete_markets", lost)
    session.pass_time(2 * MINUTE)
    assert session.feed.reconnect_reason == reason
    session.lose_nothing()
    session.reconnect()
    session.pump()
    assert (session.live(), session.wrong()) == ([A, B], [])


def test_fm_25_an_ok_is_no_snapshot(kb):
    """Subscribing again is answered by ok, and brings nothing: a recovery waits for the snapshot itself."""
    session = live_session(kb, A, B)
    session.exchange.delay_snapshots = True
    session.send(kb.Subscribe(channels=[BOOK], market_tickers=[A, B]))
    gap(session)
    session.pump()
    assert session.live() == []
    session.pass_time(SECOND)
    assert session.feed.next_deadline_ns is not None


@pytest.mark.parametrize("pace", [{}, {"budget_per_minute": 12, "burst": 5}])
def test_fm_26_a_storm_of_gaps_is_answered_within_the_budget(kb, pace):
    """A gap every 10 frames for 10 minutes: elsewhere every frame of the storm asked for another snapshot."""
    pace = kb.Pace(**pace)
    session = live_session(kb, A, B, pace=pace)
    session.take_sent()
    for number in range(600):
        session.lose(5)
        for _ in range(10):
            session.exchange.change((A, B)[number % 2], "yes", 1000, 100)
        session.deliver()
        session.lose_nothing()
        session.pass_time(SECOND)
        assert session.wrong() == []
    assert 100 <= len(session.take_sent()) <= pace.burst + 10 * pace.budget_per_minute
    session.pass_time(MINUTE)
    assert (session.live(), session.wrong()) == ([A, B], [])


LOST_BEFORE = {
    "subscribe": (),
    "add_markets": (),
    "get_snapshot": (),
    "delete_markets": ("get_snapshot",),
    "unsubscribe": ("get_snapshot", "delete_markets"),
}


@pytest.mark.parametrize("has_effect", [False, True])
@pytest.mark.parametrize("code", [17, 18, 25, 26, 27])
@pytest.mark.parametrize(("rung", "lost"), LOST_BEFORE.items(), ids=LOST_BEFORE)
def test_fm_27_a_command_that_fails_costs_nothing_that_is_desired(kb, rung, lost, code, has_effect):
    """Elsewhere a failed resubscribe left the store empty for ever."""
    session = Session(kb, A, B, C)
    failed = []

    def fail_once(command):
        if is_rung(rung)(command) and not failed:
            failed.append(command)
            session.exchange.fail_with, session.exchange.lose_reply = code, has_effect
        return is_rung(*lost)(command)

    session.loses_command = fail_once
    session.feed.subscribe(BOOK, market_tickers=[A])
    session.pump()
    session.feed.subscribe(BOOK, market_tickers=[B, C])
    session.pass_time(MINUTE)
    gap(session)
    session.loses_command = fail_once
    session.pass_time(MINUTE)
    assert len(failed) == 1
    session.lose_nothing()
    session.pass_time(5 * MINUTE)
    assert session.feed.subscriptions[BOOK].desired == {A, B, C}
    assert (sorted(session.live()), session.wrong()) == ([A, B, C], [])


def five_replies():
    """What answers five commands, without its number."""
    return {
        "subscribed": lambda seq: subscribed(2, channel="trade", command_id=2),
        "snapshot": lambda seq: snapshot(A, YES, [], seq=seq, top={"id": 3}),
        "ok": lambda seq: ok([A, B], seq=seq, command_id=4),
        "delta": lambda seq: delta(A, "yes", "0.0100", "1.00", seq=seq),
        "error": lambda seq: error(9, command_id=5),
    }


@pytest.mark.parametrize("order", list(itertools.permutations(five_replies())), ids="-".join)
def test_fm_31_replies_are_told_apart_in_every_order(kb, order):
    """Observed 2026: commands that are sent back to back are answered in any order."""
    feed = kb.Feed()
    feed.send(kb.Subscribe(channels=[BOOK], market_tickers=[A]))
    receive_all(feed, subscribed(1), snapshot(A, YES, [], seq=1))
    feed.send(kb.Subscribe(channels=["trade"]))
    feed.send(kb.UpdateSubscription(action="get_snapshot", sid=1, market_tickers=[A]))
    feed.send(kb.UpdateSubscription(action="add_markets", sid=1, market_tickers=[B]))
    feed.send(kb.Subscribe(channels=["fill"]))
    assert list(feed.pending) == [2, 3, 4, 5]
    replies, seq = five_replies(), 1
    for name in order:
        seq += name in ("snapshot", "ok", "delta")
        feed.receive(replies[name](seq))
    assert feed.pending == {}
    assert [(name, each.sid, each.held, each.refusal) for name, each in feed.subscriptions.items()] == [
        (BOOK, 1, {A, B}, None),
        ("trade", 2, frozenset(), None),
        ("fill", None, frozenset(), 9),
    ]
    is_after = order.index("delta") > order.index("snapshot")
    assert levels(feed.books[A])["yes"] == {4100: 12000, 4200: 700} | ({100: 100} if is_after else {})
    assert [book.state for book in feed.books.values()] == [kb.State.LIVE, kb.State.NEW]
    assert feed.audits == ((1, 0) if is_after else (0, 1))
    assert [str(event) for event in feed.events() if type(event).__name__ == "CommandRefused"] == [
        "command 5 (subscribe fill) was refused: error 9, Authentication required"
    ]


def test_fm_38_subscribed_again_is_another_subscription(kb):
    session = live_session(kb, A, B)
    session.feed.unsubscribe(BOOK)
    session.pump()
    assert len(session.feed.books) == 0
    session.feed.subscribe(BOOK, market_tickers=[A])
    session.pump()
    assert (session.live(), session.feed.subscriptions[BOOK].sid) == ([A], 2)
    assert receive_all(session.feed, delta(A, sid=1, seq=4), snapshot(A, sid=1, seq=5), delta(B, sid=1, seq=6)) == [
        "ignored"
    ] * 3  # fmt: skip
    assert (session.live(), session.wrong()) == ([A], [])


@pytest.mark.parametrize("limit", range(1, 10))
def test_fm_40_every_market_is_live_or_listed_as_missing(kb, limit):
    """Error 26: adding markets would exceed the limit of the subscription."""
    tickers = [f"KXDEMO-26-{number}" for number in range(9)]
    session = Session(kb, *tickers)
    session.exchange.obey(market_limit=limit)
    session.feed.subscribe(BOOK, market_tickers=tickers)
    session.pass_time(10 * MINUTE)
    status = session.feed.subscriptions[BOOK]
    assert status.desired == set(tickers)
    assert (len(status.held), status.missing) == (limit, status.desired - status.held)
    assert (set(session.live()), session.wrong()) == (status.held, [])
    assert len(session.sent) <= 50
    session.exchange.obey(market_limit=500_000)
    session.pass_time(2 * MINUTE)
    assert (set(session.live()), session.feed.subscriptions[BOOK].missing) == (set(tickers), frozenset())
