"""The command line as its user meets it: what is printed where, and with which exit code."""

import gzip
import json
import os
import subprocess
import sys

import pexpect
import pytest

from frames import A, B, delta, frame, snapshot
from implementations import part
from kalshi_book.sim.flow import Flow


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
    path.write_bytes(b"\n".join([snapshot(seq=1), snapshot(B, seq=2, no=[]), delta(seq=3)]) + b"\n")
    return path


class TestReplay:
    def test_prints_the_books_and_what_was_met(self, kb, run, tape):
        code, out, err = run("replay", tape)
        assert (code, err) == (0, "")
        rows = {line.split()[0]: line.split() for line in out.splitlines() if line.split()}
        assert rows["market"] == "market state yes bid yes ask yes levels no levels checksum".split()
        assert rows[A] == [A, *"LIVE $0.4200 x 8.00 $0.4400 x 310.00 2 2".split(), rows[A][-1]]
        assert rows[B] == [B, *"LIVE $0.4200 x 7.00 - 2 0".split(), rows[B][-1]]
        feed = kb.Feed()
        for line in tape.read_bytes().splitlines():
            feed.receive(line)
        assert rows[A][-1] == feed.books[A].checksum()
        assert out.splitlines()[-1] == f"tape.ndjson: 3 frames (2 snapshot, 1 delta), {kb.IMPLEMENTATION} core"

    def test_digest_prints_one_json_object_and_nothing_else(self, kb, run, tape):
        code, out, err = run("replay", "--digest", tape)
        assert (code, err) == (0, "")
        assert out.count("\n") == 1
        assert list(json.loads(out)) == [
            "frames", "types", "gaps", "duplicates", "falls", "quotes", "quotes_sha256", "depth_sha256", "books_sha256",
        ]  # fmt: skip

    def test_of_a_recording_with_a_gap_ends_stale_says_so_and_exits_1(self, run, tmp_path):
        path = tmp_path / "gap.ndjson"
        path.write_bytes(b"\n".join([snapshot(seq=1), delta(seq=4)]))
        code, out, err = run("replay", path)
        assert code == 1
        assert "STALE (gap)" in out
        assert "1 gap, 2 sequence numbers missing" in out
        assert err.splitlines() == [
            f"gap.ndjson: STALE at the end: {A}",
            "(a recording that leaves out frames of other markets is replayed with --filtered)",
        ]
        code, out, err = run("replay", path, "--filtered")
        assert (code, err) == (0, "")

    def test_on_the_yes_scale(self, run, tmp_path):
        path = tmp_path / "yes.ndjson"
        path.write_bytes(snapshot(no=[("0.4500", "40.00")]))
        assert "$0.4500 x 40.00" in run("replay", path, "--use-yes-price")[1]

    def test_of_bad_lines_names_the_first_ten_counts_the_rest_and_exits_1(self, run, tmp_path):
        path = tmp_path / "bad.ndjson"
        path.write_bytes(snapshot() + b"\n" + b"?\n" * 12)
        code, _, err = run("replay", path)
        lines = err.splitlines()
        assert code == 1
        assert lines[0].startswith("bad.ndjson: line 2: expected a frame, found no JSON object")
        assert lines[-1] == "bad.ndjson: 2 more problems"
        assert len(lines) == 11

    def test_shows_a_book_that_was_announced_and_never_came(self, run, tmp_path):
        path = tmp_path / "new.ndjson"
        lines = [
            frame("subscribed", msg={"channel": "orderbook_delta", "sid": 1}),
            frame("ok", sid=1, seq=1, msg={"market_tickers": [A]}),
        ]
        path.write_bytes(b"\n".join(lines))
        code, out, _ = run("replay", path)
        assert code == 0
        assert f"{A}   NEW" in out

    @pytest.mark.parametrize("name", ["KX[/b]", "[red]KX", "KX[", "KX[link=x]y[/link]", "KX:smile:"])
    def test_names_that_look_like_markup_are_printed_as_they_are(self, run, tmp_path, name):
        path = tmp_path / f"{name.replace('/', '')}.ndjson"
        path.write_bytes(b"\n".join([snapshot(name, seq=1), delta(name, seq=2, delta_fp="x")]))
        code, out, err = run("replay", path)
        assert code == 1
        assert [line.split()[:2] for line in out.splitlines() if "STALE" in line] == [[name, "STALE"]]
        assert f"\n{path.name}: 2 frames" in out
        assert f"{path.name}: STALE at the end: {name}\n" in err

    def test_of_an_empty_file_says_there_was_nothing(self, run, tmp_path):
        path = tmp_path / "empty.ndjson"
        path.touch()
        code, out, _ = run("replay", path)
        assert code == 0
        assert "empty.ndjson: 0 frames (none)" in out

    def test_of_a_missing_file_exits_3(self, run, tmp_path):
        code, out, err = run("replay", tmp_path / "nowhere.ndjson")
        assert (code, out) == (3, "")
        assert err.startswith("kalshi-book: ") and "No such file" in err

    def test_a_long_recording_is_read_in_pieces(self, run, tmp_path):
        path = tmp_path / "long.ndjson"
        path.write_bytes(b"".join(Flow(seed=1, markets=2, frames=12_345)))
        assert "12,345 frames" in run("replay", path)[1]


class TestFlow:
    def test_writes_the_same_bytes_for_the_same_arguments(self, run, tmp_path):
        first, second = tmp_path / "a.ndjson.gz", tmp_path / "b.ndjson.gz"
        for path in (first, second):
            assert run("flow", path, "--seed", 5, "--frames", 300, "--markets", 2) == (0, "", "")
        assert first.read_bytes() == second.read_bytes()
        assert gzip.decompress(first.read_bytes()) == b"".join(Flow(seed=5, frames=300, markets=2))

    def test_writes_plain_files_with_every_option(self, run, tmp_path):
        path = tmp_path / "flow.ndjson"
        options = "--tick deci_cent --levels 9 --own-per-mille 100 --even --open-end --use-yes-price --era 2026-03".split()
        assert run("flow", path, "--frames", 50, "--markets", 3, *options)[0] == 0
        assert path.read_bytes() == b"".join(
            Flow(
                seed=1, frames=50, markets=3, tick="deci_cent", levels=9, own_per_mille=100, skew=False, close=False,
                use_yes_price=True, era="2026-03",
            )
        )  # fmt: skip

    def test_refuses_what_the_flow_refuses_with_exit_code_2(self, run, tmp_path):
        code, out, err = run("flow", tmp_path / "x.ndjson", "--frames", 3)
        assert (code, out) == (2, "")
        assert "too few" in err
        assert not (tmp_path / "x.ndjson").exists()

    def test_says_where_it_cannot_write(self, run, tmp_path):
        code, _, err = run("flow", tmp_path / "nowhere" / "x.ndjson")
        assert code == 3
        assert "cannot be written: No such file or directory" in err


class TestTheProgram:
    def test_shows_its_version_and_core(self, kb, run):
        assert run("--version") == (0, f"kalshi-book {kb.__version__} ({kb.IMPLEMENTATION} core)\n", "")

    @pytest.mark.parametrize("arguments", [[], ["nonsense"], ["replay"]])
    def test_wrong_arguments_exit_2(self, run, arguments):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert "usage: kalshi-book" in err

    def test_an_interrupt_exits_130(self, kb, run, monkeypatch, tape):
        def interrupted(_):
            raise KeyboardInterrupt

        monkeypatch.setattr(part(kb, "cli.replay"), "in_pieces", lambda *_: interrupted(None))
        assert run("replay", tape)[0] == 130

    def test_runs_as_a_module(self, tape):
        command = [sys.executable, "-m", "kalshi_book", "replay", str(tape)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert A in done.stdout

    @pytest.mark.parametrize("arguments", [["replay"], ["replay", "--digest"], ["watch"], None])
    def test_a_reader_that_has_seen_enough_is_no_error(self, tape, arguments):
        command = [sys.executable, "-m", "kalshi_book", *(["demo"] if arguments is None else [*arguments, str(tape)])]
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writing)
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize("command", ["replay", "watch"])
    def test_with_its_output_closed_does_its_work_and_prints_nothing(self, kb, monkeypatch, tape, command):
        monkeypatch.setattr(sys, "stdout", None)
        monkeypatch.setattr(sys, "stderr", None)
        code = part(kb, "cli.main").main([command, str(tape)])
        with sys.stdout, sys.stderr:
            assert (code, sys.stdout.name, sys.stderr.name) == (0, os.devnull, os.devnull)


class TestTheDemo:
    def test_is_a_still_picture_of_live_books_on_a_pipe(self, run):
        code, out, err = run("demo")
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert lines[0].split() == ["KXSIM-26-A", "YES", "1", "of", "5,", "sim"]
        assert lines[1].startswith(" LIVE, proven 0.")
        assert any(line.startswith(" ask  $") for line in lines) and any(line.startswith(" bid  $") for line in lines)
        assert [line.split()[:2] for line in lines if line.startswith("  KXSIM")] == [
            [f"KXSIM-26-{letter}", "LIVE"] for letter in "ABCDE"
        ]
        assert lines[-1].endswith(" changes of a simulated exchange so far; on a terminal the picture moves")

    def test_that_fails_says_why(self, kb, run, monkeypatch):
        async def fail(*_):
            raise kb.UsageError("no such luck")

        monkeypatch.setattr(part(kb, "cli.demo"), "liven", fail)
        assert run("demo") == (2, "", "kalshi-book: no such luck\n")


@pytest.mark.skipif(sys.platform == "win32", reason="pexpect needs a pseudo-terminal")
class TestOnATerminal:
    def test_replay_shows_a_bar_and_takes_it_away_again(self, tmp_path):
        path = tmp_path / "long.ndjson"
        path.write_bytes(b"".join(Flow(seed=1, markets=2, frames=30_000, close=False)))
        shown, code = on_a_terminal("replay", str(path))
        assert code == 0
        assert "long.ndjson ━" in shown
        assert shown.index("long.ndjson ━") < shown.index("LIVE")

    def test_all_columns_that_fit_are_shown_at_80_by_24(self, tape):
        shown, code = on_a_terminal("replay", str(tape))
        assert code == 0
        assert "$0.4200 x 8.00" in shown and "checksum" not in shown


def on_a_terminal(*arguments):
    environment = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": "1"}
    child = pexpect.spawn(
        sys.executable, ["-m", "kalshi_book", *arguments], env=environment, dimensions=(24, 80), encoding="utf-8", timeout=60
    )
    shown = child.read()
    child.close()
    return shown, child.exitstatus
