"""Log lines that cannot flood a log."""

import logging

import pytest

from kalshi_book.live.reports import MAX_KINDS, Reports
from session import MINUTE, SECOND


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.DEBUG, "kalshi_book.test")
    return lambda: [(each.levelname, each.getMessage()) for each in caplog.records]


@pytest.fixture
def reports():
    return Reports(logging.getLogger("kalshi_book.test"))


def test_the_first_of_a_kind_is_logged_at_once(reports, lines):
    reports.say(0, logging.WARNING, "a", "first")
    reports.say(0, logging.INFO, "b", "another kind")
    assert lines() == [("WARNING", "first"), ("INFO", "another kind")]


def test_more_of_it_are_told_when_its_minute_is_over(reports, lines):
    for second in range(60):
        reports.say(second * SECOND, logging.INFO, "a", f"line {second}")
    reports.flush(MINUTE - 1)
    assert lines() == [("INFO", "line 0")]
    reports.flush(MINUTE)
    assert lines()[1:] == [("INFO", "line 59 (and 58 more like it)")]


def test_the_next_one_after_a_minute_tells_what_was_held_back(reports, lines):
    reports.say(0, logging.INFO, "a", "line 0")
    reports.say(1, logging.ERROR, "a", "line 1")
    reports.say(MINUTE, logging.INFO, "a", "line 2")
    reports.say(MINUTE, logging.INFO, "a", "line 3")
    assert lines() == [("INFO", "line 0"), ("ERROR", "line 2 (and 1 more like it)")]


def test_a_single_one_that_was_held_back_is_told_as_it_is(reports, lines):
    reports.say(0, logging.INFO, "a", "line 0")
    reports.say(1, logging.INFO, "a", "line 1")
    reports.flush(2, is_end=True)
    assert lines()[1:] == [("INFO", "line 1")]


def test_after_a_quiet_minute_it_is_news_again(reports, lines):
    reports.say(0, logging.INFO, "a", "line 0")
    reports.flush(MINUTE)
    reports.say(MINUTE, logging.INFO, "a", "line 1")
    assert lines() == [("INFO", "line 0"), ("INFO", "line 1")]


def test_a_million_lines_are_a_few_with_exact_totals(reports, lines):
    """FM-49."""
    for number in range(1_000_000):
        reports.say(number * 60_000, logging.WARNING, f"kind {number % 5}", "bad")  # within a minute
    reports.flush(MINUTE, is_end=True)
    assert lines() == [("WARNING", "bad")] * 5 + [("WARNING", "bad (and 199998 more like it)")] * 5


def test_kinds_without_end_share_a_line(reports, lines):
    for number in range(MAX_KINDS + 500):
        reports.say(0, logging.INFO, f"kind {number}", f"line {number}")
    assert len(lines()) == MAX_KINDS + 1
    reports.flush(0, is_end=True)
    assert lines()[-1] == ("INFO", f"line {MAX_KINDS + 499} (and 498 more like it)")
