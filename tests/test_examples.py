"""The programs of examples/ do what they say. (Those that are tests themselves are collected there.)"""

import pytest

import market_maker
import own_orders
import queue_ahead
from kalshi_book.sim import virtual


@pytest.mark.long
def test_the_market_maker_trades_and_says_what_it_holds(capsys):
    virtual.run(market_maker.main(200), seed=7)
    said = capsys.readouterr().out
    assert said.startswith("PositionChanged(")
    assert "fees_e6=0," not in said  # it bought something


def test_own_orders_are_known_again_after_a_reconnect(capsys):
    virtual.run(own_orders.main(), seed=7)
    ours, size, others, known = capsys.readouterr().out.splitlines()
    assert ours == "ours: first"
    assert size == "at $0.01 we bid for 5.00 of 5.00"
    assert others.startswith("without us Level($0.") and not others.startswith("without us Level($0.0100")
    assert "client_order_id='first'" in known and "size_e2=500" in known and "is_confirmed=True" in known


def test_the_queue_ahead_is_shown_from_the_placing_of_an_order_to_its_end(capsys):
    virtual.run(queue_ahead.main(), seed=7)
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == "delta: Ahead(21.00 to 21.00, about 21.00)"
    assert last == "user_order: ended"


def test_an_order_that_is_not_filled_is_watched_for_as_long_as_is_asked(capsys):
    virtual.run(queue_ahead.main(0.5), seed=7)
    assert "ended" not in capsys.readouterr().out
