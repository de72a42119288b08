"""Sessions on a terminal as a new user would sit through them: what stands on the screen, and the keys."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import pytest

import kalshi_book as kb
from frames import A, delta, snapshot

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pexpect needs a pseudo-terminal")

SAMPLE = "KXFLOW15M-26SEP21-0000"
KEYLESS = dict.fromkeys(["KALSHI_ENV", "KALSHI_DEMO", "KALSHI_API_KEY_ID", "KALSHI_KEY_ID"])


@contextlib.contextmanager
def served(*arguments):
    """A simulated exchange in a process of its own, which ends with the test however that ends."""
    command = [sys.executable, "-m", "kalshi_book", "sim", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as exchange:
        try:
            yield exchange, json.loads(exchange.stdout.readline())
        finally:
            exchange.terminate()


@pytest.fixture
def session():
    from terminal import Session

    return Session


class TestTheDemo:
    def test_shows_live_books_with_own_orders_and_hears_keys(self, session):
        with session("demo") as demo:
            lines = demo.see("KXSIM-26-A  YES", "LIVE, proven", "own 25.00", "last trades", "1 of 5, sim", "q quit")
            assert len(lines) == 24 and lines[-1] == " ← → market  f yes/no  space freeze  ? help  q quit"
            demo.press("f")
            demo.see("KXSIM-26-A  NO")
            demo.press("n")
            demo.see("KXSIM-26-B  NO", "2 of 5")
            demo.press("\x1b[D")  # the left arrow
            demo.see("KXSIM-26-A  NO")
            demo.press(" ")
            demo.see("FROZEN")
            frozen = demo.see_change(row=1)  # it tells how long ago, so all of it was drawn by then
            assert demo.see_change(row=1)[2:] == frozen[2:]
            demo.press(" ")
            demo.see("LIVE, proven", without="FROZEN")
            demo.press("?")
            demo.see("Reading it", "the other outcome")
            demo.press("?")
            demo.see("KXSIM-26-A  NO")
            demo.press("q")
            assert demo.end() == 0

    def test_ends_by_itself_where_a_time_is_given(self, session):
        with session("demo", "--seconds", "0.2") as demo:
            assert demo.end() == 0

    def test_is_told_to_stop_by_a_signal(self, session):
        with session("demo") as demo:
            demo.see("LIVE, proven")
            os.kill(demo.pid, signal.SIGTERM)
            assert demo.end() == 130


class TestWatch:
    def test_shows_a_simulated_exchange(self, session):
        with session("watch", "--env", "sim", size=(120, 40), **KEYLESS) as watch:
            lines = watch.see("LIVE, proven", " " * 80 + "1 of 50, sim")
            assert len(lines) == 40 and len(lines[0]) == 119
            watch.press("\x03")
            assert watch.end() == 130

    def test_shows_the_books_of_an_exchange_stale_when_it_is_gone(self, session):
        with served("--markets", "2") as (exchange, ready):
            key = {"KALSHI_API_KEY_ID": ready["key_id"], "KALSHI_PRIVATE_KEY_PATH": ready["private_key_path"]}
            with session("watch", "KXSIM-26-B", "--url", ready["url"], **{**KEYLESS, **key}) as watch:
                watch.see("KXSIM-26-B  YES", "LIVE, proven", ready["url"].split("/")[2])
                exchange.terminate()
                watch.see("STALE for", "may be wrong: the connection ended (disconnected)", without="LIVE")
                lines = watch.see_change(row=1)
                assert lines[2].startswith(" last known: best bid")
                assert not any("█" in line for line in lines) and any("░" in line for line in lines)
                watch.press("q")
                assert watch.end() == 0

    def test_without_a_key_says_so_and_leaves_the_terminal_alone(self, session):
        with session("watch", A, "--env", "prod", size=(200, 24), **KEYLESS) as watch:
            watch.see("kalshi-book: private key from", "expected the id of an API key, found none")
            assert watch.end() == 2

    def test_that_is_refused_says_why_after_the_picture(self, session):
        with served("--markets", "1") as (_, ready):
            key = {"KALSHI_API_KEY_ID": "nobody", "KALSHI_PRIVATE_KEY_PATH": ready["private_key_path"]}
            with session("watch", A, "--url", ready["url"], **{**KEYLESS, **key}) as watch:
                watch.see("kalshi-book:", "401")
                assert watch.end() == 2

    def test_plays_a_recording_with_pause_and_speed(self, session):
        with session("watch", kb.SAMPLE_TAPE) as watch:
            watch.see(f"{SAMPLE}1  YES", "LIVE in the recording", "UTC, 1 x", "+ - speed")
            watch.press("++")
            watch.see("UTC, 4 x")
            watch.press(" ")
            watch.see("UTC, paused")
            watch.press(" p")
            watch.see(f"{SAMPLE}5  YES", "UTC, 4 x")
            watch.press("+" * 8)
            watch.see("at its end")
            watch.press("q")
            assert watch.end() == 0

    def test_plays_the_market_of_a_recording_that_is_named_from_a_speed_on(self, session, tmp_path):
        path = tmp_path / "tape.ndjson"
        path.write_bytes(b"\n".join([snapshot(seq=1), delta(seq=2), delta(seq=90_000)]))
        with session("watch", path, A, "--speed", "64", "--filtered", NO_COLOR="1") as watch:
            watch.see(f"{A}  YES", "tape.ndjson", "at its end")
            watch.press("q")
            assert watch.end() == 0

    @pytest.mark.parametrize(("options", "variables"), [(["--lines"], {}), ([], {"TERM": "dumb"})])
    def test_prints_lines_where_that_is_asked_for_or_the_terminal_is_dumb(self, session, tmp_path, options, variables):
        path = tmp_path / "tape.ndjson"
        path.write_bytes(snapshot())
        with session("watch", path, *options, **variables) as watch:
            watch.see(f"07:33:20.001 {A} LIVE")
            assert watch.end() == 0


class TestOtherCommands:
    def test_replay_ends_in_its_books(self, session):
        with session("replay", kb.SAMPLE_TAPE) as replay:
            replay.see(f"{SAMPLE}5", "12,000 frames")
            assert replay.end() == 0

    def test_plot_says_what_it_drew(self, session, tmp_path):
        with session("plot", kb.SAMPLE_TAPE, cwd=tmp_path) as plot:
            plot.see(f"sample.png: {SAMPLE}1")
            assert plot.end() == 0
        assert (tmp_path / "sample.png").read_bytes().startswith(b"\x89PNG")
