"""An own order is found in the frames of the feed, and followed: how much stands ahead, and when nobody can know.

Prices and sizes are those of YES at $0.41, where 120 contracts rest, unless a test says otherwise. The book's times are
``T + seq``. What bounds are made of decreases and trades stands in ``test_place.py``.
"""

from types import SimpleNamespace

import pytest

from frames import ABSENT, NO, YES, A, B, delta, frame, snapshot, subscribed

MINE, OTHER = "mine-1", "mine-2"
T = 1793000000400


class Follower:
    """A feed and whoever follows an order in it."""

    def __init__(self, kb, *, begin=True, **options):
        self.kb, self.feed = kb, kb.Feed()
        self.queue = kb.QueueAhead(A, MINE, **options)
        self.seq = 0
        if begin:
            self.snapshot()

    def give(self, payload):
        update = self.feed.receive(payload)
        self.queue.take(update)
        return update

    def snapshot(self, yes=YES, no=NO, *, skip=0, **more):
        self.seq += 1 + skip
        return self.give(snapshot(yes=yes, no=no, seq=self.seq, **more))

    def change(self, change, own=ABSENT, *, price="0.4100", side="yes", ticker=A, skip=0, **more):
        self.seq += 1 + skip
        return self.give(delta(ticker, side, price, change, seq=self.seq, client_order_id=own, **more))

    def elsewhere(self):
        """The book goes on in time, at another level."""
        return self.change("1.00", price="0.2000")

    def trade(self, count, at, *, price="0.4100", taker="no", trade_id="t", ticker=A, **more):
        no = f"0.{10_000 - int(price[2:]):04d}"
        msg = {"trade_id": trade_id, "market_ticker": ticker, "yes_price_dollars": price, "no_price_dollars": no}
        msg |= {"count_fp": count, "taker_outcome_side": taker, "ts_ms": None if at is None else T + at, **more}
        return self.give(frame("trade", sid=2, seq=self.next("trade"), msg=msg))

    def fill(self, at, *, own=MINE, is_taker=False, order_id="o-1"):
        msg = {"market_ticker": A, "order_id": order_id, "is_taker": is_taker, "yes_price_dollars": "0.4100"}
        msg |= {"count_fp": "1.00", "outcome_side": "yes", "ts_ms": None if at is None else T + at}
        return self.give(frame("fill", sid=3, msg=msg if own is None else {**msg, "client_order_id": own}))

    def order(self, at, remaining="10.00", *, own=MINE, status="resting", side="yes", price="0.4100", created=None):
        msg = {"ticker": A, "order_id": "o-1", "status": status, "outcome_side": side, "yes_price_dollars": price}
        msg |= {"remaining_count_fp": remaining, "client_order_id": own}
        msg |= {"last_updated_ts_ms": None if at is None else T + at, "created_ts_ms": created and T + created}
        return self.give(frame("user_order", sid=4, msg=msg))

    def next(self, channel):
        self.numbers = {**getattr(self, "numbers", {}), channel: getattr(self, "numbers", {}).get(channel, 0) + 1}
        return self.numbers[channel]

    @property
    def bounds(self):
        ahead = self.queue.ahead
        return None if ahead is None else (ahead.low_e2, ahead.high_e2, ahead.estimate_e2)

    @property
    def why(self):
        return self.queue.unknown_reason


@pytest.fixture
def follower(kb):
    """It follows an order of 10 contracts that came behind 120."""
    follower = Follower(kb, others_grow=False)
    follower.change("10.00", MINE)
    return follower


# Its placing.


def test_what_stood_there_before_the_order_came_is_ahead_exactly(follower):
    assert follower.bounds == (12_000, 12_000, 12_000)
    queue = follower.queue
    assert (queue.outcome_side, queue.price_e4, queue.order_id, queue.changes) == ("yes", 4100, None, 1)
    assert repr(queue) == f"<QueueAhead {A} mine-1 Ahead(120.00 to 120.00, about 120.00)>"


def test_an_order_for_no_is_found_on_the_scale_of_no(kb):
    follower = Follower(kb)
    follower.change("10.00", MINE, side="no", price="0.5500")
    assert follower.bounds == (4_000, 4_000, 4_000)
    assert (follower.queue.outcome_side, follower.queue.price_e4) == ("no", 5500)
    follower.change("-10.00", side="no", price="0.5500")
    follower.trade("10.00", follower.seq, price="0.4500", taker="yes")
    follower.elsewhere()
    assert follower.bounds == (3_000, 3_000, 3_000)


def test_before_it_is_placed_there_is_no_answer(kb):
    follower = Follower(kb, begin=False)
    assert (follower.bounds, follower.why) == (None, "not_placed")
    follower.snapshot()
    follower.change("-1.00")
    follower.trade("1.00", follower.seq)
    follower.fill(follower.seq)
    assert (follower.bounds, follower.why) == (None, "not_placed")
    assert repr(follower.queue) == f"<QueueAhead {A} mine-1 not_placed>"


def test_what_it_took_before_it_came_to_rest_is_not_its_place(kb):
    follower = Follower(kb)
    follower.change("-1.00", MINE, side="no", price="0.5600")
    assert follower.why == "not_placed"
    follower.change("9.00", MINE)
    follower.fill(follower.seq, is_taker=True)
    follower.elsewhere()
    assert follower.bounds == (12_000, 12_000, 12_000)


def test_frames_of_other_markets_and_levels_and_channels_do_nothing(kb, follower):
    follower.elsewhere()
    follower.change("-7.00", side="no", price="0.5600")
    follower.trade("1.00", 9, ticker=B)
    follower.give(frame("ticker", sid=5, msg={"market_ticker": A}))
    follower.queue.take(kb.Feed().receive(snapshot(B)))
    assert follower.bounds == (12_000, 12_000, 12_000)


# What happens at its level.


def test_a_decrease_that_no_trade_explains_is_a_cancel_of_somebody(follower):
    follower.change("30.00")
    follower.change("-15.00")
    assert follower.bounds == (10_500, 12_000, 10_800)  # 4 of 5 contracts stood ahead
    assert follower.queue.changes == 3


def test_a_trade_took_it_from_the_front(follower):
    follower.change("30.00")
    follower.change("-15.00")
    follower.trade("15.00", follower.seq)
    assert follower.bounds == (10_500, 12_000, 10_500)
    follower.elsewhere()
    assert follower.bounds == (10_500, 10_500, 10_500)


@pytest.mark.parametrize(
    "other",
    [
        {"taker": "yes"}, {"taker": "maybe"}, {"taker": None}, {"price": "0.4200"}, {"is_block_trade": True}, {"at": None},
        {"count_fp": "a lot"},
    ],
    ids=["other side", "no side", "no word", "other price", "block trade", "no time", "unreadable"],
)  # fmt: skip
def test_a_trade_that_is_none_of_this_level_explains_nothing(follower, other):
    follower.change("30.00")
    follower.change("-15.00")
    follower.trade("15.00", **{"at": follower.seq, **other})
    follower.elsewhere()
    assert follower.bounds == (10_500, 12_000, 10_800)


def test_a_frame_that_comes_twice_counts_once(follower):
    follower.change("30.00")
    follower.change("-15.00")
    again = delta(A, "yes", "0.4100", "-15.00", seq=follower.seq)
    assert follower.give(again).effect == follower.kb.Effect.DUPLICATE
    assert follower.bounds == (10_500, 12_000, 10_800)


def test_unless_told_otherwise_any_growth_of_the_level_may_be_one_ahead_that_grew_and_lost_its_place(kb):
    """Source: the exchange's "Amend Order (V2)" page, read 2026-11-29: only a decrease keeps the place."""
    follower = Follower(kb)
    follower.change("10.00", MINE)
    follower.change("1.00")
    assert follower.bounds == (0, 12_000, 12_000)


def test_another_own_order_that_came_later_is_behind_and_so_is_what_leaves_of_it(kb):
    follower = Follower(kb)
    follower.change("10.00", MINE)
    follower.change("5.00", OTHER)
    assert follower.bounds == (0, 12_000, 12_000)  # it may have been ahead, and have grown
    follower.change("7.00", OTHER)
    follower.change("-12.00", OTHER)
    follower.change("-1.00", OTHER)  # not of what came later
    assert follower.bounds == (0, 11_900, 11_900)


def test_the_order_may_shrink_and_keeps_its_place(follower):
    follower.change("30.00")
    follower.change("-6.00", MINE)
    assert follower.bounds == (12_000, 12_000, 12_000)
    follower.change("-31.00")
    assert follower.bounds == (8_900, 11_900, 9_520)  # 4 of the 123 that are left are its own


def test_an_order_that_grows_goes_to_the_back(follower):
    follower.change("30.00")
    follower.change("2.00", MINE)
    assert follower.bounds == (0, 16_000, 15_000)  # how much of its own was filled before is not known
    follower.change("-7.00", MINE)
    assert follower.bounds == (0, 15_500, 15_000)
    follower.order(follower.seq, "5.00")
    follower.elsewhere()
    assert follower.bounds == (0, 15_000, 15_000)


def test_an_order_that_grew_is_told_of_as_of_that_growth(follower):
    follower.change("2.00", MINE)
    follower.order(follower.seq, "12.00")
    assert follower.bounds == (0, 13_000, 12_000)
    follower.elsewhere()
    assert follower.bounds == (0, 12_000, 12_000)


def test_an_order_that_moves_stands_behind_all_at_the_new_price(follower):
    follower.change("-10.00", MINE)
    assert (follower.bounds, follower.why) == (None, "ended")
    follower.change("10.00", MINE, price="0.4200", ts_ms=T + follower.seq)
    assert follower.bounds == (700, 700, 700)
    follower.change("-1.00")
    assert follower.bounds == (700, 700, 700)


def test_an_order_that_moves_is_found_at_the_new_price_first(follower):
    follower.change("10.00", MINE, price="0.4200")
    assert follower.bounds == (700, 700, 700)
    follower.change("-10.00", MINE)
    assert follower.bounds == (700, 700, 700)


def test_a_late_message_of_the_old_price_does_not_move_it_back(follower):
    at = follower.seq
    follower.change("10.00", MINE, price="0.4200")
    follower.order(at, "10.00")
    follower.elsewhere()
    assert (follower.bounds, follower.queue.price_e4) == ((700, 700, 700), 4200)


def test_a_message_of_another_price_moves_it_where_no_change_was_marked(follower):
    follower.order(follower.seq + 1, "10.00", price="0.4200")
    follower.change("10.00", None, price="0.4200")
    follower.elsewhere()
    assert (follower.bounds, follower.queue.price_e4) == ((0, 700, 350), 4200)


# Its fills and its end.


def test_a_fill_says_that_nobody_is_ahead(follower):
    follower.change("-125.00")
    follower.order(follower.seq, "5.00", own=OTHER)  # another one
    assert follower.bounds == (0, 0, 0)
    assert follower.queue.order_id is None


@pytest.mark.parametrize("own", [MINE, None])
def test_a_fill_counts_once_the_book_is_past_it(follower, own):
    follower.order(follower.seq, created=follower.seq)
    follower.change("30.00")
    follower.change("-4.00")
    follower.fill(follower.seq, own=own)
    assert follower.bounds == (0, 12_000, 0)
    follower.elsewhere()
    assert follower.bounds == (0, 0, 0)


@pytest.mark.parametrize(
    "other", [{"own": OTHER}, {"own": None, "order_id": "o-2"}, {"is_taker": True}, {"at": None}], ids=str
)
def test_a_fill_of_another_order_or_as_a_taker_says_nothing(follower, other):
    follower.change("30.00")
    follower.fill(**{"at": follower.seq, **other})
    follower.elsewhere()
    assert follower.bounds == (12_000, 12_000, 12_000)


@pytest.mark.parametrize("status", ["canceled", "executed"])
def test_it_ends_when_that_is_told(follower, status):
    follower.order(follower.seq, "0.00", status=status)
    assert (follower.bounds, follower.why) == (None, "ended")
    assert follower.queue.order_id == "o-1"
    follower.change("-1.00")
    follower.order(follower.seq - 1, "10.00")  # late
    follower.elsewhere()
    assert follower.why == "ended"


def test_it_ends_where_an_amendment_gave_it_another_name(follower):
    """Its later changes are marked by that name, and nobody could tell them from those of another order."""
    follower.order(follower.seq)
    follower.order(follower.seq, "5.00", own="")  # no name: not of an amendment
    follower.elsewhere()
    assert follower.bounds == (12_000, 12_000, 12_000)
    follower.change("-6.00", OTHER)
    follower.order(follower.seq, "4.00", own=OTHER)
    assert (follower.bounds, follower.why) == (None, "ended")


def test_its_end_may_be_told_before_the_book_shows_that_it_came(kb):
    follower = Follower(kb)
    follower.order(9, "0.00", status="executed")
    follower.change("10.00", MINE, ts_ms=T + 8)
    assert (follower.bounds, follower.why) == (None, "ended")


def test_it_ends_when_nothing_is_left_at_its_level(follower):
    follower.change("-130.00")
    assert (follower.bounds, follower.why) == (None, "ended")


def test_any_other_status_says_nothing(follower):
    follower.order(follower.seq, "0.00", status="unknown")
    follower.elsewhere()
    assert follower.bounds == (12_000, 12_000, 12_000)


def test_what_rests_of_it_is_learnt_from_its_messages_where_no_change_was_marked(follower):
    follower.change("30.00")
    follower.change("-6.00", None)  # our own decrease, without a mark
    follower.order(follower.seq, "4.00")
    follower.change("-100.00")
    assert follower.bounds == (1_400, 5_000, 3_840)


def test_a_message_of_an_older_time_than_its_last_mark_says_nothing(follower):
    follower.change("30.00")
    at = follower.seq
    follower.change("-6.00", MINE)
    follower.order(at, "10.00")
    follower.order(at - 1, "11.00")  # older still
    follower.change("-100.00")
    assert follower.bounds == (2_000, 5_000, 4_000)


def test_two_own_changes_at_one_time_leave_open_which_of_them_is_told(follower):
    follower.change("-1.00", MINE, ts_ms=T + 9)
    follower.change("-1.00", MINE, ts_ms=T + 9)
    follower.order(9, "9.00")
    follower.elsewhere()
    follower.change("5.00", ts_ms=T + 10)
    assert follower.bounds == (12_000, 12_000, 12_000)  # were 9 its own, it would be 116


def test_growth_without_a_mark_costs_its_place(follower):
    follower.change("30.00")
    follower.order(follower.seq + 1, "15.00")
    follower.change("5.00")
    assert follower.bounds == (12_000, 12_000, 12_000)
    follower.elsewhere()
    assert follower.bounds == (0, 15_000, 7_500)


# Its placing was not seen.


@pytest.mark.parametrize("at", [1, None])
def test_where_its_placing_was_not_seen_anything_may_be_ahead(kb, at):
    follower = Follower(kb)
    follower.order(at, "20.00")
    assert follower.why == "not_placed"  # the book may not have shown it yet
    follower.elsewhere()
    assert follower.bounds == (0, 10_000, 5_000)
    assert (follower.queue.outcome_side, follower.queue.price_e4) == ("yes", 4100)


def test_an_order_for_no_that_was_not_seen_to_come_is_told_of_on_the_scale_of_yes(kb):
    follower = Follower(kb)
    follower.order(1, "20.00", side="no", price="0.4500")
    follower.elsewhere()
    assert follower.bounds == (0, 2_000, 1_000)
    assert (follower.queue.outcome_side, follower.queue.price_e4) == ("no", 5500)


def test_a_change_of_its_level_is_the_first_to_tell_how_much_rests_there(kb):
    follower = Follower(kb)
    follower.order(1, "20.00")
    follower.change("-40.00")
    assert follower.bounds == (0, 6_000, 3_000)


def test_an_order_that_left_before_the_book_showed_it_is_not_found(kb):
    follower = Follower(kb)
    follower.order(1, "20.00", price="0.3000")
    follower.elsewhere()
    assert follower.why == "not_placed"


def test_its_message_may_come_before_the_change_that_places_it(kb):
    follower = Follower(kb)
    follower.order(None, "10.00", created=3)
    follower.elsewhere()
    assert follower.why == "not_placed"
    follower.change("10.00", MINE)
    assert follower.bounds == (12_000, 12_000, 12_000)
    follower.elsewhere()
    assert follower.bounds == (12_000, 12_000, 12_000)


def test_a_newer_message_takes_the_place_of_an_older_one_and_never_the_other_way_round(kb):
    follower = Follower(kb)
    follower.order(1, "20.00")
    follower.order(0, "30.00")
    follower.elsewhere()
    assert follower.bounds == (0, 10_000, 5_000)


def test_whoever_reads_updates_late_waits_for_one_that_the_book_still_is_at(kb):
    """A consumer that is slow holds a book that is newer than the update that it looks at."""
    follower = Follower(kb)
    follower.order(1, "20.00")
    late = [follower.feed.receive(delta(A, "yes", "0.2000", "1.00", seq=seq)) for seq in (2, 3)]
    follower.queue.take(late[0])
    assert follower.why == "not_placed"
    follower.queue.take(late[1])
    assert follower.bounds == (0, 10_000, 5_000)


def test_an_order_that_may_have_come_unseen_may_have_grown_when_it_is_seen(kb):
    follower = Follower(kb)
    follower.change("1.00", skip=1)
    follower.snapshot(yes=[("0.4100", "130.00")])
    follower.change("2.00", MINE)
    assert follower.bounds == (0, 13_000, 13_000)  # up to all of it may have been there before


def test_an_order_that_is_told_to_be_older_than_a_change_of_it_has_grown(kb):
    follower = Follower(kb)
    follower.order(2, "12.00", created=1)
    follower.change("2.00", MINE)
    assert follower.bounds == (0, 12_000, 12_000)
    follower.elsewhere()
    assert follower.bounds == (0, 11_000, 11_000)


def test_an_order_that_is_told_to_be_new_came_just_now(kb):
    follower = Follower(kb)
    follower.change("1.00", skip=1)
    follower.snapshot(yes=[("0.4100", "130.00")])
    follower.order(None, created=9)
    follower.change("10.00", MINE, ts_ms=T + 9)
    assert follower.bounds == (13_000, 13_000, 13_000)


# The book is not LIVE, and is again.


def test_while_the_book_is_not_live_there_is_no_answer(follower):
    follower.change("1.00", skip=1)
    assert (follower.bounds, follower.why) == (None, "gap")


def test_after_a_gap_the_most_stays_and_the_level_holds_it_down(follower):
    follower.change("30.00")
    follower.change("1.00", skip=1)
    follower.snapshot(yes=[("0.4100", "150.00")])
    assert follower.bounds == (0, 12_000, 12_000)
    follower.change("1.00", skip=1)
    follower.snapshot(yes=[("0.4100", "70.00")])
    assert follower.bounds == (0, 7_000, 7_000)  # how much of these are its own is told by its next message
    follower.order(follower.seq, "6.00")
    follower.elsewhere()
    assert follower.bounds == (0, 6_400, 6_400)


def test_an_order_that_grew_in_a_gap_lost_its_place_when_that_is_told(follower):
    follower.change("30.00")
    follower.change("1.00", skip=1)
    follower.snapshot(yes=[("0.4100", "165.00")])
    assert follower.bounds == (0, 12_000, 12_000)
    follower.order(follower.seq, "15.00")
    follower.elsewhere()
    assert follower.bounds == (0, 15_000, 7_500)


def test_an_order_of_which_nothing_can_be_left_has_ended_though_its_size_was_not_known(follower):
    follower.change("1.00", skip=1)
    follower.snapshot(yes=[("0.4100", "70.00")])
    follower.change("-10.00", MINE)
    assert follower.why == "ended"


def test_after_a_gap_its_decrease_is_no_end(follower):
    follower.change("1.00", skip=1)
    follower.snapshot(yes=[("0.4100", "70.00")])
    follower.change("-4.00", MINE)
    assert follower.bounds == (0, 6_600, 6_600)


def test_after_a_gap_in_which_its_level_went_it_has_ended(follower):
    follower.change("1.00", skip=1)
    follower.snapshot(yes=[("0.4000", "70.00")])
    assert follower.why == "ended"


def test_a_snapshot_that_the_book_is_past_leaves_the_level_open(follower):
    follower.change("1.00", skip=1)
    seq = follower.seq
    healed = follower.feed.receive(snapshot(yes=[("0.4100", "70.00")], seq=seq + 1))
    follower.feed.receive(delta(A, "yes", "0.4100", "-10.00", seq=seq + 2))
    follower.queue.take(healed)
    assert follower.bounds == (0, 12_000, 12_000)


def test_the_snapshot_of_an_audit_that_agrees_changes_nothing(follower):
    follower.snapshot(yes=[("0.4100", "130.00"), ("0.4200", "7.00")], top={"id": 7})
    assert follower.bounds == (12_000, 12_000, 12_000)


def test_the_snapshot_of_an_audit_that_differs_says_that_changes_were_missed(follower):
    update = follower.snapshot(yes=[("0.4100", "120.00")], top={"id": 7})
    assert isinstance(update.error, follower.kb.AuditDifference)
    assert follower.bounds == (0, 12_000, 12_000)


def test_a_market_that_closes_ends_it(follower):
    follower.snapshot(yes=[], no=[])
    assert follower.why == "ended"


def test_a_crossed_snapshot_heals_nothing(follower):
    follower.snapshot(yes=[("0.4600", "1.00")])
    assert follower.why == "crossed"


def test_a_level_that_is_not_what_was_left_there_says_that_updates_were_missed(follower):
    follower.seq += 1
    follower.feed.receive(delta(A, "yes", "0.4100", "-50.00", seq=follower.seq))
    follower.change("30.00")
    assert follower.bounds == (0, 11_000, 11_000)


def test_updates_that_were_missed_can_be_told(kb, follower):
    follower.queue.missed()
    assert follower.bounds == (0, 12_000, 12_000)
    assert follower.queue.changes == 2
    kb.QueueAhead(A, MINE).missed()


def test_the_first_snapshot_of_another_book_is_no_audit_though_it_was_asked_for(kb, follower):
    follower.feed, follower.seq = kb.Feed(), 0
    follower.feed.subscribe("orderbook_delta", market_tickers=[A])
    for command in follower.feed.wanted():
        follower.feed.send(command)
    follower.give(subscribed())
    update = follower.snapshot(yes=[("0.4100", "70.00")], top={"id": 7})
    assert (update.effect, update.book.is_live) == (kb.Effect.APPLIED, True)
    assert follower.bounds == (0, 7_000, 7_000)


def test_deltas_without_times_leave_decreases_unexplained(kb):
    follower = Follower(kb, others_grow=False)
    follower.change("10.00", MINE, ts_ms=None)
    follower.change("30.00", ts_ms=None)
    follower.change("-15.00", ts_ms=None)
    follower.trade("15.00", follower.seq)
    assert follower.bounds == (10_500, 12_000, 10_800)


# What the exchange says.


def test_an_observed_position_is_exact(follower):
    follower.change("30.00")
    follower.change("-15.00")
    before = follower.queue.changes
    assert follower.queue.observe("110.00", changes=before)
    assert follower.bounds == (11_000, 11_000, 11_000)
    assert follower.queue.observe(size_e2=11_000, changes=before)


def test_an_observed_position_is_not_used_where_the_level_changed_meanwhile(kb, follower):
    before = follower.queue.changes
    follower.change("30.00")
    assert not follower.queue.observe("110.00", changes=before)
    assert follower.bounds == (12_000, 12_000, 12_000)
    assert not kb.QueueAhead(A, MINE).observe("110.00", changes=0)


def test_an_observed_position_beyond_the_bounds_is_refused(kb, follower):
    follower.change("30.00")
    follower.change("-15.00")
    for size_e2 in (10_499, 12_001):
        with pytest.raises(kb.UsageError) as caught:
            follower.queue.observe(size_e2=size_e2, changes=follower.queue.changes)
        assert str(caught.value) == (
            f"expected 105.00 to 120.00 contracts ahead of mine-1, found {size_e2 / 100:.2f}: it counts better prices, or "
            "is of another order"
        )
    assert follower.bounds == (10_500, 12_000, 10_800)


# Misuse.


def test_wrong_arguments_are_refused(kb, follower):
    with pytest.raises(TypeError, match=r"^client_order_id must be str, not int$"):
        kb.QueueAhead(A, 7)
    with pytest.raises(kb.UsageError, match=r"^market_ticker must name one, and is empty$"):
        kb.QueueAhead("", MINE)
    with pytest.raises(TypeError, match=r"^update must be Update, not str$"):
        follower.queue.take("update")
    with pytest.raises(TypeError, match=r"^changes must be int, not bool$"):
        follower.queue.observe("1.00", changes=True)
    with pytest.raises(TypeError, match=r"^pass one size"):
        follower.queue.observe(changes=1)
    assert follower.bounds == (12_000, 12_000, 12_000)


def test_updates_that_were_put_together_are_refused(kb, follower):
    with pytest.raises(kb.UsageError, match=r'^QueueAhead needs every update.*: use policy="all"$'):
        follower.queue.take(SimpleNamespace(conflated=2))
    assert follower.bounds == (12_000, 12_000, 12_000)
