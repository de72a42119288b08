"""Channels, actions and error codes (AsyncAPI text, read 2026-10-26; retired meanings from its changelog)."""

import pytest

from kalshi_book.messages.vocabulary import (
    ACTIONS,
    CHANNELS,
    COMMANDS,
    ERROR_CODES,
    PERPS_ACTIONS,
    PERPS_CHANNELS,
    RENAMED_CHANNELS,
    RETIRED_CHANNELS,
    TERMINAL_ERRORS,
)


def test_every_channel_says_whether_it_counts_and_whether_it_takes_markets():
    table = {name: (channel.is_sequenced, channel.takes_markets) for name, channel in CHANNELS.items()}
    assert table == {
        "orderbook_delta": (True, "required"),
        "ticker": (False, "optional"),
        "trade": (True, "optional"),
        "fill": (False, "optional"),
        "user_orders": (False, "optional"),
        "market_positions": (False, "optional"),
        "market_lifecycle_v2": (True, "no"),
        "multivariate_market_lifecycle": (True, "no"),
        "communications": (True, "no"),
        "order_group_updates": (True, "no"),
        "cfbenchmarks_value": (True, "no"),
        "cfbenchmarks_value_5hz": (True, "no"),
        "pyth_value": (True, "no"),
    }
    assert all(channel.name == name for name, channel in {**CHANNELS, **PERPS_CHANNELS}.items())


def test_perpetuals_have_six_of_them_and_one_of_their_own():
    assert set(PERPS_CHANNELS) - set(CHANNELS) == {"corporate_actions"}
    assert len(PERPS_CHANNELS) == 7
    assert PERPS_ACTIONS < ACTIONS


def test_early_names_lead_to_channels_that_are_there():
    assert RENAMED_CHANNELS == {
        "ticker_v2": "ticker",
        "market_lifecycle": "market_lifecycle_v2",
        "market_position": "market_positions",
    }
    assert set(RENAMED_CHANNELS.values()) <= set(CHANNELS)
    assert not {*RENAMED_CHANNELS, *RETIRED_CHANNELS} & set(CHANNELS)


def test_every_command_has_its_required_params():
    assert {name: sorted(params) for name, params in COMMANDS.items()} == {
        "subscribe": ["channels"],
        "unsubscribe": ["sids"],
        "update_subscription": ["action"],
        "list_subscriptions": [],
    }


def test_error_codes_are_1_to_28():
    assert list(ERROR_CODES) == list(range(1, 29))
    assert all(error.code == code and error.meaning for code, error in ERROR_CODES.items())
    assert {code for code, error in ERROR_CODES.items() if error.is_retired} == {6, 16, 17}
    assert TERMINAL_ERRORS == {10, 17, 25}


@pytest.mark.parametrize("words", [CHANNELS["ticker"], ERROR_CODES[25]])
def test_a_word_never_changes(words):
    with pytest.raises(AttributeError):
        words.name = words.code = None
