"""Frames of the book, in what a flow has no need of; the rest of them is in test_flow.py."""

import json

import pytest

import kalshi_book as kb
from frames import A
from kalshi_book.sim.wire import ERAS, Wire

MARKET = {"ticker": A, "market_id": "6b1f0c52-0000-4000-8000-000000000001", "clock": 7}


def wire(era="current", use_yes_price=False):
    return Wire(era=era, sid=3, use_yes_price=use_yes_price)


def delta(era="current", **changes):
    given = {"price_e4": 4200, "delta_e2": -200, "side": "no", "times": '"ts_ms":1', **changes}
    return json.loads(wire(era).delta(seq=5, sent_ms=9, **MARKET, **given))["msg"]


@pytest.mark.parametrize("era", ERAS)
def test_a_snapshot_that_answers_carries_the_id_of_its_command(era):
    """AsyncAPI text, read 2026-10-26: id is present when it replies to get_snapshot."""
    frames = [
        wire(era).snapshot(seq=1, sent_ms=9, yes=[(100, 300)], no=[], **MARKET, **asked) for asked in ({}, {"command_id": 8})
    ]
    assert [json.loads(frame).get("id") for frame in frames] == [None, 8]
    assert frames[1].replace(b'"id":8,', b"") == frames[0]


@pytest.mark.parametrize("client_order_id", ["mm-17", "", 'with "quotes" \\ and \n lines', "Zürich \U0001f600"])
def test_a_client_order_id_of_any_text_is_written(client_order_id):
    """AsyncAPI text, read 2026-10-26: client_order_id is the client's own text."""
    assert delta(client_order_id=client_order_id)["client_order_id"] == client_order_id


def test_a_subaccount_is_told_beside_an_order_and_the_main_one_is_not():
    """AsyncAPI text, read 2026-10-26: present only when you caused this change and are using subaccounts."""
    assert "client_order_id" not in delta() and "subaccount" not in delta(subaccount=3)
    assert "subaccount" not in delta(client_order_id="mm-17")
    assert delta(client_order_id="mm-17", subaccount=3)["subaccount"] == 3


@pytest.mark.parametrize("era", ["2025", "2026-01"])
@pytest.mark.parametrize(
    ("changes", "number"), [({"price_e4": 4250}, 4250), ({"delta_e2": -201}, -201)], ids=["price", "size"]
)
def test_an_era_of_whole_numbers_tells_no_fraction(era, changes, number):
    """Observed, recordings until 2026-03-12: cents and whole contracts are numbers."""
    text = f"an era of whole cents and whole contracts cannot tell {number} of a hundredth of them"
    with pytest.raises(kb.UsageError) as caught:
        delta(era, **changes)
    assert str(caught.value) == text
    with pytest.raises(kb.UsageError):
        wire(era).snapshot(
            seq=1, sent_ms=9, yes=[(abs(changes.get("price_e4", 100)), abs(changes.get("delta_e2", 100)))], no=[], **MARKET
        )
    assert delta(era)["delta"] == -2
