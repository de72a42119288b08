"""Rows, tables, the JSON and the page."""

import json

import pytest

from benchmarks import field, page, plot, report
from benchmarks.contenders import OURS, Entry
from benchmarks.report import Column, Row, Table
from benchmarks.timing import Times
from benchmarks.workers import Standing

OTHER = Entry("other", "x:Y", note="no sequence check")


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("a", 1.3, 1.35), "reached"),
        (Row("a", 1.4, 1.35), "close"),
        (Row("a", 1.7, 1.35), "missed"),
        (Row("a", 1.4, 1.35, unit="ms"), "missed"),
        (Row("a", 1.4, 1.35, 1.5), "passes"),
        (Row("a", 1.6, 1.35, 1.5), "missed"),
        (Row("a", 3.0, 3, at_least=True), "reached"),
        (Row("a", 2.9, 3, at_least=True), "close"),
        (Row("a", 2.3, 3, at_least=True), "missed"),
        (Row("a", None, 3, at_least=True), "not measured"),
    ],
)
def test_a_verdict_follows_from_goal_and_figure(row, verdict):
    assert row.verdict == verdict


def test_goal_and_figure_are_written_with_their_unit():
    assert (Row("a", 1.4, 1.35, 1.5).goal_text, Row("a", 1_234.5, 1, unit="ms").measured_text) == (
        "<= 1.35 x (or 1.5)", "1,234.50 ms",
    )  # fmt: skip
    assert (Row("a", None, 3, at_least=True).goal_text, Row("a", None, 3).measured_text) == (">= 3 x", "")


def standings(**faults):
    return [Standing(Entry(OURS, "x:Y"), checked=5), Standing(OTHER, checked=5, python="3.12.1", **faults)]


TIMES = Times({OURS: [10.0, 20.0], "other": [5.0, 10.0]})


def test_a_comparison_is_set_out_the_fastest_first_and_names_who_checked_nothing():
    table = field.table_of("bytes to book: x", standings(), TIMES, "a note")
    assert [row["contender"] for row in table.rows] == ["other", OURS]
    assert table.rows[0]["x ours"] == 0.5
    assert table.texts()[0][:4] == ["other", "8", "5", "0.50"]
    assert table.texts()[0][-1] == "no sequence check"


def test_who_has_no_time_stands_last_with_the_reason():
    table = field.table_of("x", standings(absent="not installed"), Times({OURS: [10.0]}), "")
    assert table.rows[-1]["top of book"] == "absent: not installed"
    assert table.texts()[-1][1:4] == ["", "", ""]


def test_where_somebody_right_is_faster_it_is_named():
    assert field.losses([field.table_of("x", standings(), TIMES, "")]) == ["x, ns: other takes 0.50 of ours"]


def test_whoever_is_wrong_or_keeps_no_book_does_not_win():
    wrong = field.table_of("x", standings(wrong=1), TIMES, "")
    floor = [*standings()[:1], Standing(Entry("other", "x:Y", is_floor=True))]
    assert field.losses([wrong, field.table_of("x", floor, TIMES, "")]) == []


def test_losses_are_looked_for_in_every_column_where_less_is_better():
    columns = (Column("contender"), Column("p50", "{:,.0f}"), Column("n", "{:,}"))
    rows = [{"contender": OURS, "p50": 100, "n": 9}, {"contender": "other", "p50": 80, "n": 5}, {"contender": "none"}]
    assert field.losses([Table("tails", columns, rows, "", ["p50"])]) == ["tails, p50: other takes 0.80 of ours"]


def test_a_goal_that_names_a_package_is_judged_by_the_paired_ratio():
    (row,) = field.goal_rows({"other": 3}, standings(), Times({OURS: [1.0, 2.0, 1.0], "other": [4.0, 8.0, 9.0]}), "here")
    assert (row.name, row.measured, row.verdict) == ("other over ours, here", 4.0, "reached")
    assert "right, 5 checked" in row.note
    assert "CPython 3.12.1" in row.note


def test_a_goal_that_names_an_absent_package_is_not_measured():
    (row,) = field.goal_rows({"other": 3}, standings(absent="not installed"), Times({OURS: [1.0]}), "here")
    assert (row.verdict, row.note) == ("not measured", "absent: not installed")


@pytest.fixture
def content():
    rows = [Row("receive", 1.5, 1.35, note="[1..2]"), Row("synpath over ours", None, 3, at_least=True, note="absent")]
    tables = [
        field.table_of("bytes to book: busy cent market", standings(), TIMES, "some frames"),
        Table("memory", (Column("contender"), Column("MiB", "{:,.1f}"), Column("remark")), [{"contender": "a|b", "MiB": 1}]),
    ]
    return report.content(report.circumstances(1), rows, tables, ["somewhere"])


def test_the_json_holds_all_that_a_stranger_needs(content):
    found = json.loads(json.dumps(content))
    assert found["circumstances"].keys() == {
        "command", "commit", "versions", "core", "machine", "seed", "timer", "load", "build",
    }  # fmt: skip
    assert found["goals"][0] == {
        "name": "receive", "measured": 1.5, "goal": 1.35, "passes": None, "unit": "x", "at_least": False, "note": "[1..2]",
        "verdict": "close",
    }  # fmt: skip
    assert found["tables"][0]["rows"][0]["x ours"] == 0.5
    assert found["losses"] == ["somewhere"]


def test_what_is_written_can_be_read_again(content):
    facts, rows, tables, losses = report.from_content(json.loads(json.dumps(content)))
    assert report.content(facts, rows, tables, losses) == json.loads(json.dumps(content))


def test_the_page_shows_the_run_the_goals_and_where_we_lose(content, tmp_path):
    page.write(tmp_path, content)
    text = (tmp_path / "benchmarks.md").read_text()
    assert "- somewhere\n" in text
    assert "- receive: goal <= 1.35 x, 1.50 x (close)\n" in text
    assert "- synpath over ours: goal >= 3 x, absent (not measured)\n" in text
    assert "| receive | <= 1.35 x | 1.50 x | close | [1..2] |\n" in text
    assert "## Bytes to book: busy cent market\n\nSome frames; ours at the median is 1.50 of its least.\n" in text
    assert json.loads((tmp_path / "benchmarks.json").read_text())["circumstances"] == content["circumstances"]


def test_a_column_in_which_nothing_stands_is_left_out_and_a_bar_does_not_break_a_row(content, tmp_path):
    page.write(tmp_path, content)
    assert "| contender | MiB |\n|---|---:|\n| a\\|b | 1.0 |\n" in (tmp_path / "benchmarks.md").read_text()


def test_the_same_figures_give_the_same_picture(content, tmp_path):
    pytest.importorskip("matplotlib")
    tables = report.from_content(content)[2]
    assert plot.draw(tables, tmp_path / "a.svg")
    assert plot.draw(tables, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_there_is_no_picture_of_nothing(tmp_path):
    assert not plot.draw([], tmp_path / "a.svg")


def test_tables_are_printed_with_where_we_lose(content, capsys):
    report.show(*report.from_content(content))
    out = capsys.readouterr().out
    assert "Where we lose:\n  somewhere\n" in out
    assert "not measured" in out
