"""What a fault makes of a frame, a delta or a command."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_book.sim import faults
from kalshi_book.sim.commands import Command
from kalshi_book.sim.damage import cut, fits_command, fits_frame, wrong_delta, wrong_size
from kalshi_book.sim.happenings import LevelChanged
from kalshi_book.sim.wire import ERAS, Frame, Wire

seeds = st.integers(0, 2**32).map(random.Random)
LEVELS = [(1_000, 100), (4_100, 12_000), (4_200, 700)]


def frame_of(era="current", yes=LEVELS, no=LEVELS, use_yes_price=False):
    wire = Wire(era=era, sid=1, use_yes_price=use_yes_price)
    return wire.snapshot(seq=7, sent_ms=0, ticker="KXSIM-26-A", market_id="", clock=9, yes=yes, no=no)


# Which frames and commands are meant.


DELTA = Frame(b"{}", "orderbook_delta", 2, 7, "KXSIM-26-A")
SUBSCRIBED = Frame(b"{}", "subscribed", command_id=1)
EMPTY, FULL = (Frame(frame_of(yes=yes, no=()), "orderbook_snapshot", 2, 7, "KXSIM-26-A") for yes in ((), LEVELS))


@pytest.mark.parametrize(
    ("fault", "frame", "fits"),
    [
        (faults.Drop(), DELTA, True),
        (faults.Drop(), SUBSCRIBED, True),
        (faults.Drop(connection=3, sid=2, seq=7, market_ticker="KXSIM-26-A", type="orderbook_delta"), DELTA, True),
        (faults.Drop(connection=4), DELTA, False),
        (faults.Drop(sid=1), DELTA, False),
        (faults.Drop(sid=1), SUBSCRIBED, False),
        (faults.Drop(seq=8), DELTA, False),
        (faults.Drop(market_ticker="KXSIM-26-B"), DELTA, False),
        (faults.Drop(type="ok"), DELTA, False),
        (faults.WrongSnapshot(), FULL, True),
        (faults.WrongSnapshot(market_ticker="KXSIM-26-B"), FULL, False),
        (faults.WrongSnapshot(), EMPTY, False),
        (faults.WrongSnapshot(), DELTA, False),
    ],
)
def test_a_frame_fits_where_everything_that_was_said_does(fault, frame, fits):
    assert fits_frame(fault, frame, 3) is fits


UPDATE = Command(1, "update_subscription", {"action": "add_markets", "market_tickers": ["KXSIM-26-A", "KXSIM-26-B"]})


@pytest.mark.parametrize(
    ("fault", "command", "fits"),
    [
        (faults.IgnoreCommand(), UPDATE, True),
        (faults.IgnoreCommand(), Command(None, None, None), True),
        (faults.IgnoreCommand(connection=3, cmd="update_subscription", action="add_markets"), UPDATE, True),
        (faults.IgnoreCommand(connection=4), UPDATE, False),
        (faults.IgnoreCommand(cmd="subscribe"), UPDATE, False),
        (faults.IgnoreCommand(action="get_snapshot"), UPDATE, False),
        (faults.IgnoreCommand(market_ticker="KXSIM-26-B"), UPDATE, True),
        (faults.IgnoreCommand(market_ticker="KXSIM-26-C"), UPDATE, False),
        (faults.IgnoreCommand(market_ticker="KXSIM-26-A"), Command(1, "subscribe", {"market_ticker": "KXSIM-26-A"}), True),
        (faults.IgnoreCommand(market_ticker="KXSIM-26-A"), Command(1, "subscribe", {"market_tickers": 7}), False),
        (faults.IgnoreCommand(market_ticker="KXSIM-26-A"), Command(1, "subscribe", None), False),
        (faults.IgnoreCommand(action="get_snapshot"), Command(1, "subscribe", "params"), False),
    ],
)
def test_a_command_fits_where_everything_that_was_said_does(fault, command, fits):
    assert fits_command(fault, command, 3) is fits


# What becomes of them.


@given(rng=seeds, newline=st.booleans())
def test_a_frame_that_is_cut_is_a_beginning_of_it_and_no_json(rng, newline):
    whole = frame_of() if newline else frame_of()[:-1]
    payload = cut(whole, rng)
    assert payload
    assert whole.startswith(payload)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|Invalid"):
        json.loads(payload)


def all_levels(payload):
    """Every list of levels of a snapshot, by its name, as (price, size) in its own units."""
    return {name: value for name, value in json.loads(payload)["msg"].items() if isinstance(value, list)}


@given(
    rng=seeds, era=st.sampled_from(ERAS), sides=st.sampled_from(((LEVELS, LEVELS), (LEVELS, ()), ((), LEVELS))),
    use_yes_price=st.booleans(),
)  # fmt: skip
def test_one_level_of_a_snapshot_has_a_wrong_size_above_0_told_alike_in_every_unit(rng, era, sides, use_yes_price):
    whole = frame_of(era, *sides, use_yes_price=use_yes_price)
    payload = wrong_size(whole, rng)
    before, after = all_levels(whole), all_levels(payload)
    assert before.keys() == after.keys()
    changes = set()
    for name, levels in before.items():
        assert [level[0] for level in levels] == [level[0] for level in after[name]]
        for place, (old, new) in enumerate(zip(levels, after[name], strict=True)):
            assert float(new[1]) > 0
            assert type(old[1]) is type(new[1])
            if old != new:
                changes.add((name.split("_")[0], place, round(float(new[1]) - float(old[1]), 2)))
    assert len(changes) == 1
    assert payload.endswith(b"}\n")
    assert wrong_size(whole[:-1], rng).endswith(b"}")
    without_levels = {name: value for name, value in json.loads(whole).items() if name != "msg"}
    assert without_levels == {name: value for name, value in json.loads(payload).items() if name != "msg"}


@given(rng=seeds, delta_e2=st.integers(-30_000, 30_000).filter(bool))
def test_a_wrong_delta_is_another_one_and_not_0(rng, delta_e2):
    change = LevelChanged(
        at_ns=0, market_ticker="KXSIM-26-A", market_id="", clock=1, outcome_side="no", price_e4=100, delta_e2=delta_e2,
        cause="placement",
    )  # fmt: skip
    wrong = wrong_delta(change, rng)
    assert wrong.delta_e2 not in (0, delta_e2)
    assert (wrong.delta_e2 - delta_e2) % 100 == 0
    assert (wrong.market_ticker, wrong.clock, wrong.price_e4) == ("KXSIM-26-A", 1, 100)


def test_damage_that_would_cancel_a_delta_is_doubled():
    change = LevelChanged(
        at_ns=0, market_ticker="KXSIM-26-A", market_id="", clock=1, outcome_side="no", price_e4=100, delta_e2=100,
        cause="placement",
    )  # fmt: skip
    for seed in range(2_000):
        rng = random.Random(seed)
        if rng.randrange(200) == 0 and not rng.getrandbits(1):
            assert wrong_delta(change, random.Random(seed)).delta_e2 == -100
            return
    raise AssertionError("no such seed")
