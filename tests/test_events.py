"""What the feed decided, each in a line."""

import pytest

from frames import A, B, C
from implementations import part

BOOK = "orderbook_delta"


def commands(kb):
    """One command of each kind, and how it is told."""
    return [
        (kb.Subscribe(channels=[BOOK, "trade"], market_tickers=[A]), f"subscribe {BOOK}, trade {A}"),
        (kb.Subscribe(channels=["fill"]), "subscribe fill"),
        (
            kb.UpdateSubscription(action="get_snapshot", sid=2, market_tickers=[A, B, C, "D", "E"]),
            f"get_snapshot on sid 2 {A}, {B}, {C} and 2 more",
        ),
        (kb.UpdateSubscription(action="indexlist", sid=2), "indexlist on sid 2"),
        (kb.Unsubscribe(sids=[1, 2]), "unsubscribe sid 1, 2"),
        (kb.ListSubscriptions(), "list_subscriptions"),
    ]


TOLD = [
    ("Gap", (1, BOOK, 9, 3, 2), "sid 1: 3 numbers are missing before seq 9; 2 books are STALE"),
    ("Restarted", (1, None, None, 2), "sid 1 counts anew; 2 books are STALE"),
    ("Restarted", (1, BOOK, 5, 0), "sid 1 counts anew at seq 5; 0 books are STALE"),
    ("BookStale", (A, "crossed"), f"{A} is STALE (crossed)"),
    ("SubscriptionLost", (1, BOOK, 25), f"sid 1 ({BOOK}) is dead: error 25, Subscription buffer overflow"),
    ("SubscriptionLost", (1, BOOK, 99), f"sid 1 ({BOOK}) is dead: error 99"),
    ("Recovered", (1, (A, B)), f"sid 1: LIVE again: {A}, {B}"),
    ("MarketsUnavailable", (1, (A,)), f"sid 1: no snapshot comes for {A}"),
    ("MarketsRefused", (BOOK, (A,), None), f"{BOOK}: not taken: {A}: they are not in its list afterwards"),
    (
        "MarketsRefused",
        (BOOK, (A, B, C, "D"), 26),
        f"{BOOK}: not taken: {A}, {B}, {C} and 1 more: error 26, Subscription market limit exceeded",
    ),
    ("BudgetSpent", (4,), "4 commands wait for the budget"),
    ("ReconnectWanted", ("it is silent",), "reconnect: it is silent"),
    ("AuditDiffered", (A, "0a", "0b"), f"{A}: the book kept (0a) was not the exchange's (0b)"),
]

TOLD_BY_THE_CLIENT = [
    ("LoopLagged", (1_500_000_000,), "the event loop stood still for 1.5 s: books were of then, not of now"),
    ("EventsLost", (3,), "3 events are lost: this stream is read too slowly"),
]


@pytest.mark.parametrize(("name", "values", "text"), TOLD + TOLD_BY_THE_CLIENT)
def test_an_event_tells_itself_in_a_line(kb, name, values, text):
    assert str(getattr(part(kb, "events"), name)(*values)) == text


@pytest.mark.parametrize("number", range(6))
def test_an_event_of_a_command_says_what_the_command_asks_for(kb, number):
    events = part(kb, "events")
    command, told = commands(kb)[number]
    assert str(events.CommandSent(7, command)) == f"command 7 (asked): {told}"
    assert str(events.CommandUnanswered(7, command)) == f"command 7 ({told}) was not answered in time"
    assert str(events.CommandRefused(7, command, 9, "x")) == (
        f"command 7 ({told}) was refused: error 9, Authentication required"
    )  # fmt: skip


def test_every_event_of_the_package_is_told_here_or_is_of_a_command(kb):
    events = part(kb, "events")
    named = {event.__name__ for event in events.Event.__args__}
    assert named - {name for name, *_ in TOLD} == {"CommandSent", "CommandUnanswered", "CommandRefused"}


def test_an_event_never_changes_and_equals_its_like(kb):
    events = part(kb, "events")
    event = events.BookStale(A, "gap")
    with pytest.raises(AttributeError):
        event.market_ticker = B
    assert event == events.BookStale(A, "gap")
    assert event != events.BookStale(B, "gap")
