"""The closed vocabularies: every word is its text, and none is there twice."""

import pickle

import pytest

WORDS = {
    "Kind": [
        "snapshot", "delta", "ticker", "trade", "fill", "user_order", "market_position", "market_lifecycle",
        "event_lifecycle", "event_fee_update", "order_group_update", "communication", "index_value", "underlying_value",
        "listing", "subscribed", "ok", "unsubscribed", "error", "unknown", "malformed",
    ],
    "Effect": ["applied", "healed", "gap", "backwards", "duplicate", "staled", "ignored"],
    "State": ["new", "live", "stale", "unavailable"],
    "StaleReason": [
        "gap", "backwards", "malformed", "contradiction", "crossed", "disconnected", "silent", "interrupted",
        "terminal_error", "unsubscribed", "not_subscribed", "no_snapshot",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", WORDS)
def test_the_words_are_these_and_are_named_as_they_read(kb, name):
    enum = getattr(kb, name)
    assert [word.value for word in enum] == WORDS[name]
    assert [word.name for word in enum] == [word.upper() for word in WORDS[name]]


@pytest.mark.parametrize("name", WORDS)
def test_a_word_equals_its_text_prints_as_it_and_is_found_by_it(kb, name):
    for word in getattr(kb, name):
        assert word == word.value
        assert str(word) == f"{word}" == word.value
        assert {word: 1}[word.value] == 1
        assert getattr(kb, name)(word.value) is word
        assert pickle.loads(pickle.dumps(word)) is word


def test_a_word_that_is_none_is_refused(kb):
    with pytest.raises(ValueError, match="'exploded' is not a valid Effect"):
        kb.Effect("exploded")
