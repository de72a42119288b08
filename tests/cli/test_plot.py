"""``kalshi-book plot``: a recording as a picture."""

import datetime
import errno
import os
import struct
import sys

import pytest

import frames
from frames import A, B, delta, encode, snapshot
from implementations import part
from libraries import library

pytest.importorskip("matplotlib")
images = library("matplotlib.image")

SECOND = 1_000_000_000
START_MS = 1_793_000_000_000


@pytest.fixture
def run(kb, capsys, tmp_path, monkeypatch):
    """Run a command in this process, in a folder of its own: its exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        try:
            code = part(kb, "cli.main").main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code
        return (code, *capsys.readouterr())

    return run


def recorded(path, *timed):
    """Write a recording of frames with the seconds of their receipt."""
    lines = [encode({"received_ms": START_MS + 1000 * second, "raw": each.decode()}) for second, each in timed]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture
def tape(tmp_path):
    """Ten seconds, in the middle of which four are lost."""
    takers = [
        frames.frame(
            "trade", sid=2, seq=seq, msg={
                "market_ticker": A, "yes_price_dollars": "0.4200", "count_fp": "3.00", "taker_outcome_side": side
            },
        )
        for seq, side in ((1, "yes"), (2, "no"))
    ]  # fmt: skip
    return recorded(
        tmp_path / "tape.2026.ndjson",
        (0, snapshot()), (1, takers[0]), (2, takers[1]), (2, frames.trade(seq=3)), (3, delta(seq=9)), (7, snapshot(seq=10)),
        (10, delta(seq=11)),
    )  # fmt: skip


def blank_columns(path):
    """Which columns of a picture are white from below its title to above its axis."""
    return (images.imread(path)[60:500, :, :3] == 1).all(axis=(0, 2)).nonzero()[0].tolist()


def test_draws_a_png_named_like_the_recording(run, tape, tmp_path):
    code, out, err = run("plot", tape)
    assert (code, out, err) == (0, f"tape.png: {A}\n", "")
    head = (tmp_path / "tape.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:]) == (1200, 600)


def test_the_same_recording_gives_the_same_bytes(run, tape, tmp_path):
    run("plot", tape)
    assert run("plot", tape, "--out", tmp_path / "again.png")[0] == 0
    assert (tmp_path / "tape.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_what_was_lost_is_blank_and_nothing_is_drawn_across_it(run, tape, tmp_path):
    run("plot", tape)
    inside = [at for at in blank_columns(tmp_path / "tape.png") if 100 < at < 1000]
    assert inside == list(range(inside[0], inside[-1] + 1))  # in one piece
    assert len(inside) == pytest.approx(0.4 * 1040, abs=12)  # four of ten seconds
    assert inside[0] - 60 == pytest.approx(0.3 * 1040, abs=20)


def test_a_recording_that_ends_stale_says_so_as_replay_does(run, tmp_path):
    path = recorded(tmp_path / "gap.ndjson", (0, snapshot()), (5, delta(seq=9)), (10, delta(seq=10)))
    code, out, err = run("plot", path)
    assert (code, out) == (1, f"gap.png: {A}\n")
    assert "STALE at the end" in err


def test_a_market_can_be_chosen(run, tmp_path):
    path = recorded(tmp_path / "two.ndjson", (0, snapshot()), (1, snapshot(B, seq=2)), (2, delta(seq=3)))
    assert run("plot", path)[1] == f"two.png: {A}\n"
    assert run("plot", path, "--market", B, "--out", "b.png")[1] == f"b.png: {B}\n"
    code, out, err = run("plot", path, "--market", "KX-NONE", "--out", "c.png")
    assert (code, out) == (2, "")
    assert err == f"kalshi-book: expected a book of KX-NONE in the recording, found {A}, {B}\n"
    assert not (tmp_path / "c.png").exists()


def test_a_recording_without_a_book_or_without_a_file_is_no_picture(run, tmp_path):
    (tmp_path / "none.ndjson").write_bytes(frames.trade())
    assert run("plot", tmp_path / "none.ndjson")[0] == 2
    assert run("plot", tmp_path / "nowhere.ndjson")[0] == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["none.ndjson"]


def test_overwrites_nothing_unless_it_is_forced(run, tape, tmp_path):
    (tmp_path / "tape.png").write_text("mine")
    code, out, err = run("plot", tape)
    assert (code, out) == (2, "")
    assert err == "kalshi-book: tape.png: there already: name another file, or allow it to be replaced\n"
    assert run("plot", tape, "--force")[0] == 0
    assert (tmp_path / "tape.png").read_bytes().startswith(b"\x89PNG")


def test_other_endings_are_refused(run, tape):
    assert run("plot", tape, "--out", "x.gif") == (2, "", "kalshi-book: x.gif: expected a name that ends in .png\n")


def test_says_where_it_cannot_write_and_leaves_nothing(kb, run, tape, tmp_path, monkeypatch):
    code, _, err = run("plot", tape, "--out", "nowhere/x.png")
    assert (code, err) == (3, "kalshi-book: nowhere/x.png: cannot be written: No such file or directory\n")

    def refuse(source, target):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(part(kb, "cli.plot").os, "replace", refuse)
    assert run("plot", tape)[0] == 3
    assert [path.name for path in tmp_path.iterdir()] == [tape.name]


def test_without_matplotlib_says_what_to_install(run, tape, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    assert run("plot", tape) == (
        2, "", "kalshi-book: kalshi-book plot needs matplotlib, which is not installed: pip install 'kalshi-book[plot]'\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("clock", "span_s", "width", "label"),
    [
        ("received", 90, 90, "seconds from 2026-10-26 04:53:20 UTC, time of receipt"),
        ("exchange", 900, 15, "minutes from 2026-10-26 04:53:20 UTC, the exchange's time"),
        ("exchange", 4 * 3600, 4, "hours from 2026-10-26 04:53:20 UTC, the exchange's time"),
        ("frames", 3e-9, 3, "frames (the recording has no times)"),
    ],
)
def test_time_is_shown_in_the_unit_that_suits(kb, clock, span_s, width, label):
    heat, plot = part(kb, "cli.heat"), part(kb, "cli.plot")
    start = int(datetime.datetime(2026, 10, 26, 4, 53, 20, tzinfo=datetime.timezone.utc).timestamp()) * SECOND
    frame = heat.Frame(A, clock, start, start + round(span_s * SECOND), 0, 10_000, 100)
    assert plot.time_unit(heat.Heat(frame, columns=10)) == (width, label)
