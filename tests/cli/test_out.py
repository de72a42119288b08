"""``kalshi-book replay --out``: the tables of a recording as files."""

import json
import sys

import pytest

from frames import A, B, delta, snapshot, trade
from implementations import part
from libraries import library

parquet = library("pyarrow.parquet")


@pytest.fixture
def run(kb, capsys):
    """Run a command in this process: its exit code, standard output and standard error."""

    def run(*arguments):
        try:
            code = part(kb, "cli.main").main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def tape(tmp_path):
    path = tmp_path / "tape.ndjson"
    path.write_bytes(b"\n".join([snapshot(seq=1), snapshot(B, seq=2, no=[]), trade(), delta(seq=3)]) + b"\n")
    return path


def names(place):
    return sorted(path.name for path in place.iterdir())


def test_writes_three_files_and_says_how_many_rows_each_has(run, tape, tmp_path):
    code, out, err = run("replay", tape, "--out", tmp_path / "x.parquet")
    assert (code, err) == (0, "")
    assert out.splitlines()[-3:] == [
        f"{tmp_path}/x.deltas.parquet: 7 rows",
        f"{tmp_path}/x.trades.parquet: 1 rows",
        f"{tmp_path}/x.quotes.parquet: 3 rows",
    ]
    assert "tape.ndjson: 4 frames" in out
    quotes = parquet.read_table(tmp_path / "x.quotes.parquet").select(["market_ticker", "yes_bid_e4", "yes_bid_size_e2"])
    assert [tuple(row.values()) for row in quotes.to_pylist()] == [(A, 4200, 700), (B, 4200, 700), (A, 4200, 800)]


def test_leaves_the_digest_as_one_json_object(run, tape, tmp_path):
    alone = run("replay", tape, "--digest")
    assert run("replay", tape, "--digest", "--out", tmp_path / "x.csv") == alone
    assert json.loads(alone[1])["frames"] == 4
    assert "x.trades.csv" in names(tmp_path)


def test_overwrites_nothing_unless_it_is_forced(run, tape, tmp_path):
    (tmp_path / "x.quotes.csv").write_text("mine")
    code, out, err = run("replay", tape, "--out", tmp_path / "x.csv")
    assert (code, out) == (2, "")
    assert err == "kalshi-book: x.quotes.csv: there already: name another file, or allow it to be replaced\n"
    assert names(tmp_path) == ["tape.ndjson", "x.quotes.csv"]
    assert run("replay", tape, "--out", tmp_path / "x.csv", "--force")[0] == 0
    assert "mine" not in (tmp_path / "x.quotes.csv").read_text()


def test_of_a_damaged_recording_has_what_could_be_read_and_the_exit_code_says_so(run, tape, tmp_path):
    with tape.open("ab") as file:
        file.write(b"?\n" + delta(seq=9))
    code, _, err = run("replay", tape, "--out", tmp_path / "x.parquet")
    assert code == 1
    assert "STALE at the end: KXDEMO-26-A, KXDEMO-26-B" in err and "no JSON object" in err
    quotes = parquet.read_table(tmp_path / "x.quotes.parquet")
    assert quotes.column("stale_reason").to_pylist() == [None, None, None, "gap", "gap"]


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("x.xls", 2, "x.xls: expected a name that ends in one of .parquet, .arrow, .feather, .csv"),
        ("nowhere/x.csv", 3, "x.deltas.csv: cannot be written: No such file or directory"),
    ],
)
def test_says_in_one_line_why_it_cannot_write(run, tape, tmp_path, name, code, said):
    found, out, err = run("replay", tape, "--out", tmp_path / name)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert said in err
    assert names(tmp_path) == ["tape.ndjson"]


def test_of_a_missing_recording_writes_nothing(run, tmp_path):
    assert run("replay", tmp_path / "nowhere.ndjson", "--out", tmp_path / "x.csv")[0] == 3
    assert names(tmp_path) == []


def test_that_is_interrupted_leaves_nothing(kb, run, tape, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(part(kb, "cli.replay"), "in_pieces", interrupted)
    assert run("replay", tape, "--out", tmp_path / "x.csv")[0] == 130
    assert names(tmp_path) == ["tape.ndjson"]


def test_without_pyarrow_says_what_to_install(run, tape, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, out, err = run("replay", tape, "--out", tmp_path / "x.parquet")
    assert (code, out) == (2, "")
    assert err == "kalshi-book: TableBuilder needs pyarrow, which is not installed: pip install 'kalshi-book[arrow]'\n"
