"""The command, as people start it. No time is looked at."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import kalshi_book as kb
from benchmarks import callgrind, churning, files, flows
from benchmarks.parts import OF_TAPES, PARTS
from kalshi_book.sim.flow import Flow

ROOT = Path(__file__).resolve().parents[2]

compiled = pytest.mark.skipif(kb.IMPLEMENTATION != "compiled", reason="only the compiled core is measured")


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )


@compiled
def test_a_quick_run_writes_its_figures_and_its_page(tmp_path):
    done = run("--quick", "field", "books", "sessions", "--json", tmp_path / "a.json", "--docs", tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["circumstances"]["command"].startswith("python -m benchmarks --quick field books sessions --json")
    assert found["circumstances"]["took"].endswith(" s")
    titles = [table["title"] for table in found["tables"]]
    assert titles == [
        "bytes to book: busy cent market", "bytes to book: 200 markets", "book alone: one level change and both best prices",
    ]  # fmt: skip
    for table in found["tables"]:
        for row in table["rows"]:
            assert ("ns" in row) == row["top of book"].startswith(("right", "keeps no book")), row
    by_name = {goal["name"]: goal for goal in found["goals"]}
    assert by_name["synpath over ours, bytes to book"]["verdict"] == "not measured"
    assert by_name["1,000 markets subscribed until all are LIVE"]["measured"] > 0
    assert (tmp_path / "benchmarks.md").read_text().startswith("# Benchmarks\n")
    assert "absent: synpath is not installed (make bench-peers)" in done.stdout


@compiled
def test_a_recording_of_ones_own_is_measured(tmp_path):
    tape = tmp_path / "mine.ndjson"
    tape.write_bytes(b"".join(Flow(seed=1, markets=3, frames=1_500)))
    done = run("--quick", "--tape", tape, "decode", "field", "--json", tmp_path / "a.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "a.json").read_text())
    assert [table["title"] for table in found["tables"]] == ["bytes to book: mine.ndjson"]
    assert [goal["name"].partition(",")[0] for goal in found["goals"]] == ["receive against bare decode", "both bests add"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "no such part: nonsense; there are decode, field,"),
        (["--tape", "x", "books"], "books cannot run on a recording; decode, field, tails can"),
    ],
)
def test_a_part_that_cannot_run_is_refused(arguments, said):
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_help_lists_every_part():
    out = run("--help").stdout
    assert [name for name in PARTS if f"\n  {name}" not in out] == []
    assert set(OF_TAPES) <= PARTS.keys()


def test_without_the_compiled_core_nothing_is_measured(monkeypatch):
    monkeypatch.setenv("KALSHI_BOOK_PURE", "1")
    done = run("--quick", "sessions")
    assert done.returncode == 1
    assert "the compiled core is not installed" in done.stderr


def test_without_valgrind_that_is_said(monkeypatch):
    monkeypatch.setattr(callgrind.shutil, "which", lambda name: None)
    (table,) = callgrind.rows(seed=1, quick=True)
    assert table.texts() == [["none", "", "", "absent: there is no valgrind here"]]


def test_a_day_of_markets_leaves_no_book_behind():
    rounds = list(churning.day(3, lambda: 7))
    assert [(resident, books) for _, _, resident, books in rounds] == [(7, churning.LIVE)] * 3


@pytest.mark.parametrize("suffix", [".ndjson", ".ndjson.gz", ".ndjson.zst"])
def test_a_file_of_every_kind_ends_in_the_right_books(tmp_path, suffix):
    if suffix.endswith("zst"):
        pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
    stream = flows.flow(seed=1, markets=3, deltas=50)
    files.write(tmp_path / f"t{suffix}", stream)
    assert files.from_file(tmp_path / f"t{suffix}", stream) > 0


def test_a_file_that_ends_in_other_books_is_refused(tmp_path):
    stream = flows.flow(seed=1, markets=3, deltas=50)
    path = tmp_path / "t.ndjson"
    path.write_bytes(b"".join([*stream.opening, *stream.frames[:-1]]))
    with pytest.raises(flows.WrongBooks, match="replay: the"):
        files.from_file(path, stream)
