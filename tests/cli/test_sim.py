"""The simulated exchange on the command line: ready with one line, gone without a trace."""

import asyncio
import contextlib
import gzip
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import kalshi_book as kb
from implementations import part
from kalshi_book.sim.keys import PrivateKey
from scripted_exchange import tls_on_any_python

PATH = "/trade-api/ws/v2"
SUBSCRIBE = '{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"],"market_tickers":["KXSIM-26-B"]}}'


class Running:
    """A ``kalshi-book sim`` in a process of its own."""

    def __init__(self, process):
        self.process = process
        self.ready = json.loads(process.stdout.readline())

    def connect(self, **options):
        headers = {}
        if self.ready["key_id"] is not None:
            key = PrivateKey(self.ready["key_id"], Path(self.ready["private_key_path"]).read_bytes())
            headers = key.headers(PATH, timestamp_ms=round(time.time() * 1_000))
        return connect(self.ready["url"], additional_headers=headers, **options)

    def stop(self, signal_=signal.SIGTERM):
        """Tell it to stop. Gives its exit code, and the rest of what it said on either stream."""
        self.process.send_signal(signal_)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@contextlib.contextmanager
def sim(*arguments):
    command = [sys.executable, "-m", "kalshi_book", "sim", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Running(process)
        finally:
            process.terminate()
            process.communicate(timeout=30)


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


async def frames(running, count, **options):
    async with running.connect(**options) as socket:
        await socket.send(SUBSCRIBE)
        return [await socket.recv() for _ in range(count)]


@pytest.mark.skipif(os.name == "nt", reason="such signals are not sent on Windows")
class TestServing:
    @pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
    def test_says_where_in_one_line_tells_what_goes_on_and_leaves_nothing(self, signal_):
        with sim("--markets", 2, "--rate", 500, "--seed", 7) as running:
            assert list(running.ready) == ["url", "key_id", "private_key_path"]
            assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/trade-api/ws/v2", running.ready["url"])
            received = asyncio.run(frames(running, 20))
            assert [json.loads(each)["type"] for each in received[:3]] == [
                "subscribed",
                "orderbook_snapshot",
                "orderbook_delta",
            ]
            code, out, err = running.stop(signal_)
        assert (code, out) == (0, "")
        told = [re.sub(r"^\d\d:\d\d:\d\d 127\.0\.0\.1:\d+: ", "", line) for line in err.splitlines()]
        assert told == ["in, as user", "gone, code 1000"]
        assert not Path(running.ready["private_key_path"]).parent.exists()

    def test_sends_away_who_is_there_when_it_stops(self):
        async def main():
            async with running.connect() as socket:
                await socket.send(SUBSCRIBE)
                await socket.recv()
                code, _, _ = await asyncio.to_thread(running.stop)
                with pytest.raises(ConnectionClosed) as closed:
                    while True:
                        await socket.recv()
                return code, closed.value.rcvd.code

        with sim("--markets", 2) as running:
            assert asyncio.run(main()) == (0, 1001)

    def test_with_faults_they_happen(self):
        async def main():
            async with running.connect() as socket:
                with pytest.raises(ConnectionClosed) as closed:
                    await socket.recv()
                return closed.value.rcvd.code

        with sim("--fault", "close:code=1012,every=10ms", "--fault", "drop:seq=3", "--key-type", "ed25519") as running:
            assert asyncio.run(main()) == 1012

    @tls_on_any_python
    def test_with_tls_and_its_certificate(self):
        with sim("--tls", "--markets", 2) as running:
            assert list(running.ready) == ["url", "key_id", "private_key_path", "certificate_path"]
            context = ssl.create_default_context(cafile=running.ready["certificate_path"])
            assert json.loads(asyncio.run(frames(running, 1, ssl=context))[0])["type"] == "subscribed"

    def test_refuses_who_does_not_sign_and_says_so(self):
        async def main():
            with pytest.raises(InvalidStatus) as refused:
                await connect(running.ready["url"])
            return refused.value.response.status_code

        with sim("--markets", 1) as running:
            assert asyncio.run(main()) == 401
            assert "refused, 401 every connection is signed" in running.stop()[2]

    def test_without_auth_shows_frames_to_a_tool_that_sends_no_headers(self):
        """The command-line client of the websockets library, which nobody here wrote."""
        with sim("--no-auth", "--markets", 2, "--rate", 0) as running:
            assert (running.ready["key_id"], running.ready["private_key_path"]) == (None, None)
            command = [sys.executable, "-m", "websockets", running.ready["url"]]
            pipe = subprocess.PIPE
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True) as client:
                client.stdin.write(SUBSCRIBE + "\n")
                client.stdin.flush()
                shown = ""
                while "orderbook_snapshot" not in shown:
                    line = client.stdout.readline()
                    assert line, shown
                    shown += line
                client.stdin.close()
                assert client.wait(30) == 0
        assert f"Connected to {running.ready['url']}." in shown
        assert '< {"type":"subscribed","id":1' in shown

    @pytest.mark.parametrize("options", [["--speed", "max"], ["--speed", "2000"]])
    def test_of_a_recording_gives_its_frames(self, options):
        with gzip.open(kb.SAMPLE_TAPE, "rt") as file:
            lines = list(file)
        with sim("--tape", kb.SAMPLE_TAPE, *options) as running:
            assert asyncio.run(frames(running, len(lines))) == lines
            assert running.stop()[0] == 0


class TestWrongArguments:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--fault", "nonsense"], "expected a fault of drop, double,"),
            (["--fault", "drop:colour=red"], "drop: expected option=value with an option of"),
            (["--markets", "0"], "markets"),
            (["--speed", "2"], "--speed is of a recording: it goes with --tape"),
            (["--tape", kb.SAMPLE_TAPE, "--speed", "0"], "expected a speed above 0"),
            (
                ["--tape", kb.SAMPLE_TAPE, "--seed", "1", "--fault", "drop"],
                "--seed, --fault: of the simulated exchange, and a",
            ),
            (["--port", "65536"], "cannot listen on 127.0.0.1 port 65536: "),
            (["--port", "-1"], "cannot listen on 127.0.0.1 port -1: "),
            (["--host", "0.0.0.0"], "expected a loopback address such as 127.0.0.1, found '0.0.0.0'"),
        ],
    )
    def test_exit_2_and_say_why(self, run, arguments, said):
        code, out, err = run("sim", *arguments)
        assert (code, out) == (2, "")
        assert err.startswith("kalshi-book: ") and said in err

    @pytest.mark.parametrize("arguments", [["--speed", "fast"], ["--port", "x"], ["--key-type", "dsa"]])
    def test_that_cannot_be_read_exit_2(self, run, arguments):
        code, out, err = run("sim", "--tape", kb.SAMPLE_TAPE, *arguments)
        assert (code, out) == (2, "")
        assert "usage: kalshi-book sim" in err

    def test_of_a_recording_that_is_not_there_exit_3(self, run, tmp_path):
        code, out, err = run("sim", "--tape", tmp_path / "none")
        assert (code, out) == (3, "")
        assert "cannot be read" in err

    def test_of_a_port_that_is_taken_exit_2(self, run):
        with sim("--markets", 1) as running:
            port = re.search(r":(\d+)/", running.ready["url"])[1]
            code, out, err = run("sim", "--port", port)
        assert (code, out) == (2, "")
        assert f"cannot listen on 127.0.0.1 port {port}" in err


def test_the_list_of_faults_names_every_kind_and_every_option(run):
    code, out, err = run("sim", "--list-faults")
    assert (code, err) == (0, "")
    for kind in kb.sim.FAULT_KINDS:
        assert f"\n{kind}: " in out
    assert "\nat: when it begins, counted from the exchange's start\n" in out
