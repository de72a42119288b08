"""The programs of examples/ do what they say. (Those that are tests themselves are collected there.)"""

import pytest

import kalshi_book as kb
import market_maker
import own_orders
import plain_loop
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


def test_a_plain_loop_says_how_the_market_stands_also_while_the_book_is_not_live(capsys):
    plain_loop.main(60)
    said = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("a trade: KXSIM-26-A")]
    assert said[-2] == "not LIVE (disconnected): no quotes"
    assert all(" / 0." in line for line in [*said[:-2], said[-1]])
    assert len(said) > 2


def test_a_plain_loop_knows_an_empty_side():
    book = kb.OrderBook("KXDEMO-26-A")
    book.apply(kb.decode('{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"KXDEMO-26-A"}}'))
    assert plain_loop.look(book) == "one side is empty"
