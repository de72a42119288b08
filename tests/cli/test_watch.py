"""``kalshi-book watch`` on a pipe: lines, exit codes, and what is said of wrong arguments."""

import asyncio
import contextlib
import io
import json
import os
import signal
import subprocess
import sys

import pytest

import kalshi_book as kb
from frames import A, B, delta, snapshot
from kalshi_book.cli import main as program
from kalshi_book.cli.watch import command, running
from kalshi_book.cli.watch.lines import Lines
from kalshi_book.cli.watch.screen import Screen
from kalshi_book.cli.watch.sources import TapeSource
from kalshi_book.sim import virtual

NO_KEY = dict.fromkeys(
    ["KALSHI_ENV", "KALSHI_DEMO", "KALSHI_API_KEY_ID", "KALSHI_KEY_ID", "KALSHI_PRIVATE_KEY_PATH", "KALSHI_PRIVATE_KEY"]
)


@pytest.fixture
def run(capsys, monkeypatch):
    """Run it in this process: its exit code, standard output and standard error."""
    for name in NO_KEY:
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        try:
            code = program.main(["watch", *map(str, arguments)])
        except SystemExit as error:
            code = error.code
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def tape(tmp_path):
    path = tmp_path / "tape.ndjson"
    path.write_bytes(b"\n".join([snapshot(seq=1), snapshot(B, seq=2), delta(seq=3)]) + b"\n")
    return path


@contextlib.contextmanager
def started(*arguments, **variables):
    """A process of ours, with pipes."""
    environment = {name: value for name, value in {**os.environ, **NO_KEY, **variables}.items() if value is not None}
    command_ = [sys.executable, "-m", "kalshi_book", *map(str, arguments)]
    pipe = subprocess.PIPE
    options = {"stdin": subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, "text": True, "env": environment}
    with subprocess.Popen(command_, **options) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)


class TestARecording:
    def test_is_told_to_its_end(self, run, tape):
        code, out, err = run(tape)
        assert (code, err) == (0, "")
        assert out.splitlines() == [
            f"07:33:20.001 {A} LIVE",
            f"07:33:20.001 {A} yes bid $0.4200 x 7.00, ask $0.4400 x 310.00, spread $0.0200",
            f"07:33:20.002 {B} LIVE",
            f"07:33:20.002 {B} yes bid $0.4200 x 7.00, ask $0.4400 x 310.00, spread $0.0200",
            f"07:33:20.003 {A} yes bid $0.4200 x 8.00, ask $0.4400 x 310.00, spread $0.0200",
        ]

    def test_is_told_of_the_markets_behind_it_alone(self, run, tape):
        code, out, _ = run(tape, B)
        assert code == 0 and {line.split()[1] for line in out.splitlines()} == {B}

    def test_is_watched_once_for_each_market_however_often_it_is_named(self, tape, monkeypatch):
        watched = []
        monkeypatch.setattr(command, "is_a_screen", lambda: True)
        monkeypatch.setattr(running, "watch_tape", lambda _, market_tickers: watched.extend(market_tickers) or 0)
        assert program.main(["watch", str(tape), A, A, B, A]) == 0
        assert watched == [A, B]

    def test_with_something_wrong_exits_1_as_replay_does(self, run, tape):
        tape.write_bytes(b"\n".join([snapshot(seq=1), delta(seq=9)]))
        code, out, err = run(tape)
        assert code == 1
        assert out.splitlines()[-1] == f"07:33:20.009 {A} STALE (gap): frames are missing"
        assert f"STALE at the end: {A}" in err
        assert run(tape, "--filtered")[0] == 0

    def test_on_the_yes_scale(self, run, tape):
        tape.write_bytes(snapshot(no=[("0.4500", "40.00")]))
        assert "ask $0.4500 x 40.00" in run(tape, "--use-yes-price")[1]


class TestWrongArguments:
    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (["nowhere.ndjson"], 3, "nowhere.ndjson: cannot be read: No such file"),
            (["some/where"], 3, "cannot be read"),
            ([], 2, "expected an exchange, found none: pass --env prod, demo or sim, or --url, or set KALSHI_ENV"),
            ([A], 2, "expected an exchange, found none"),
            (["--env", "demo"], 2, "name the markets to watch"),
            ([A, "--env", "demo"], 2, "expected the id of an API key, found none"),
            ([A, "--url", "http://x"], 2, "expected a url such as wss://"),
            ([A, "--url", "ws://127.0.0.1:9", "--env", "prod"], 2, "connect to an environment or to a url, not both"),
            ([A, "--env", "sim", "--speed", "2"], 2, "--speed, --filtered and --use-yes-price are of a recording"),
            ([A, "--env", "sim", "--filtered"], 2, "--speed, --filtered and --use-yes-price are of a recording"),
            ([A, "--env", "sim", "--use-yes-price"], 2, "--speed, --filtered and --use-yes-price are of a recording"),
        ],
    )
    def test_are_told(self, run, arguments, code, said):
        found, out, err = run(*arguments)
        assert (found, out) == (code, "")
        assert err.startswith("kalshi-book: ") and said in err

    def test_of_a_recording_are_told(self, run, tape):
        for options, said in (
            (["--speed", 2], "--speed is of the moving picture: lines come as fast as they are read"),
            (["--env", "sim"], f"--env and --url are of an exchange, and {tape.name} is a recording"),
            (["--url", "ws://x"], f"--env and --url are of an exchange, and {tape.name} is a recording"),
        ):
            assert run(tape, *options) == (2, "", f"kalshi-book: {said}\n")

    def test_that_the_parser_refuses_exit_2(self, run):
        assert run("--env", "mars")[0] == 2


class TestAnExchange:
    @pytest.mark.skipif(os.name == "nt", reason="such signals are not sent on Windows")
    @pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
    def test_is_told_until_it_is_interrupted(self, signal_):
        with started("watch", "--env", "sim", "KXSIM-26-B") as process:
            first = [process.stdout.readline() for _ in range(2)]
            process.send_signal(signal_)
            out, err = process.communicate(timeout=30)
            assert (process.returncode, err) == (130, "")
        said = [line.split(" ", 1)[1] for line in [*first, *out.splitlines()]]
        assert all(line.startswith("KXSIM-26-B ") for line in said)
        assert "KXSIM-26-B LIVE" in [line.strip() for line in said]

    def test_of_the_environment_is_told_of_all_its_markets_until_nobody_reads(self):
        with started("watch", KALSHI_ENV="sim") as process:
            tickers = set()
            while len(tickers) < 50:
                tickers.add(process.stdout.readline().split()[1])
            process.stdout.close()
            assert (process.wait(30), process.stderr.read()) == (0, "")

    def test_at_a_url_is_watched_with_the_key_of_the_environment(self):
        with started("sim", "--markets", 2, "--rate", 200) as exchange:
            ready = json.loads(exchange.stdout.readline())
            key = {"KALSHI_API_KEY_ID": ready["key_id"], "KALSHI_PRIVATE_KEY_PATH": ready["private_key_path"]}
            with started("watch", "KXSIM-26-A", "--url", ready["url"], **key) as process:
                lines = [process.stdout.readline() for _ in range(20)]
                assert all(line.split()[1] == "KXSIM-26-A" for line in lines)
            with started("watch", "KXSIM-26-A", "--url", ready["url"], **{**key, "KALSHI_API_KEY_ID": "nobody"}) as process:
                out, err = process.communicate(timeout=30)
                assert (process.returncode, out) == (2, "")
                assert err.startswith("kalshi-book: ") and "401" in err and "Traceback" not in err


class TestRunning:
    def test_lines_are_written_together_that_came_together(self, monkeypatch):
        written, lines, feed = [], Lines(), kb.Feed()

        async def main():
            writing = asyncio.ensure_future(running.write_lines(lines))
            for each in (snapshot(seq=1), delta(seq=2)):
                lines.take(feed.receive(each))
                await asyncio.sleep(1)
            writing.cancel()

        monkeypatch.setattr(running, "write", written.append)
        virtual.run(main(), seed=1)
        assert [text.count("\n") for text in written] == [2, 1]

    def test_a_screen_that_could_not_be_drawn_exits_1(self, monkeypatch, tape):
        async def run_async(screen, **_):
            """As Textual does where an exception was raised: it prints that, and gives no result."""

        monkeypatch.setattr(Screen, "run_async", run_async)
        assert asyncio.run(running.on_the_screen(TapeSource(tape))) == 1

    @pytest.mark.parametrize("error", [kb.UsageError("no"), kb.NotInTime("a book", 30)])
    def test_what_a_source_ends_by_is_raised(self, error):
        class Broken:
            async def run(self):
                raise error

        with pytest.raises(type(error)) as raised:
            asyncio.run(running.print_lines(Broken(), Lines()))
        assert raised.value is error


class Terminal(io.StringIO):
    def isatty(self):
        return True


STREAMS = ("stdin", "stdout", "stderr")


@pytest.mark.parametrize("other", [None, io.StringIO()], ids=["closed", "no terminal"])
@pytest.mark.parametrize("name", STREAMS)
def test_where_a_standard_stream_is_no_terminal_there_is_no_screen(monkeypatch, name, other):
    """Textual draws on standard error."""
    monkeypatch.setenv("TERM", "xterm")
    for each in STREAMS:
        monkeypatch.setattr(sys, each, Terminal())
    assert command.is_a_screen()
    monkeypatch.setattr(sys, name, other)
    assert not command.is_a_screen()


@pytest.mark.parametrize(
    ("what", "is_tape"),
    [([], False), (["KXSIM-26-A"], False), (["KXINX-26DEC31-T5000.5"], False), (["x.NDJSON"], True), (["a/b"], True),
     (["x.json.zst"], True)],
)  # fmt: skip
def test_a_name_is_a_recording_or_a_market(what, is_tape):
    assert (command.tape_of(what) is not None) is is_tape
