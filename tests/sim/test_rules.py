"""The rules of the simulated exchange are those that were published or seen, and what cannot be is refused."""

import pytest

import kalshi_book as kb
from kalshi_book.sim.rules import CAUSED, OWN_MARKS, Rules


def test_without_a_word_the_exchange_is_that_of_today():
    """AsyncAPI text, read 2026-10-26; limits as published on 2026-06-18."""
    rules = Rules()
    assert (rules.era, rules.merges, rules.accepts_any_market, rules.sends_times) == ("current", True, True, True)
    assert (rules.market_limit, rules.commands_per_second, rules.yes_price_default) == (500_000, 10_000, False)


@pytest.mark.parametrize(
    ("era", "merges", "sends_times"),
    [("2025", False, False), ("2026-01", True, False), ("2026-03", True, False), ("current", True, True)],
)
def test_an_era_decides_what_goes_with_it(era, merges, sends_times):
    """Observed, recordings of 2025 and 2026: sending_ts_ms since 2026-10-01."""
    rules = Rules(era=era)
    assert (rules.merges, rules.accepts_any_market, rules.sends_times) == (merges, merges, sends_times)


def test_what_the_owner_did_is_marked_and_what_befell_it_is_not():
    """AsyncAPI text: present only when you caused this orderbook change."""
    assert {"expiry", "maker_fill"} == OWN_MARKS - CAUSED


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"era": "2024"}, "an era is one of 2025, 2026-01, 2026-03, current, not '2024'"),
        (
            {"own_marks": frozenset({"placement", "fill"})},
            "own_marks are of amend, cancel, decrease, expiry, maker_fill, placement, taker_fill, not 'fill'",
        ),
        ({"market_limit": 0}, "market_limit and commands_per_second start at 1"),
        ({"commands_per_second": 0}, "market_limit and commands_per_second start at 1"),
    ],
)
def test_what_cannot_be_is_refused(given, text):
    with pytest.raises(kb.UsageError) as caught:
        Rules(**given)
    assert str(caught.value) == text
