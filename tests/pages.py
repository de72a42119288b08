"""The code of a page of the documentation, run: behind ``print(...)  #`` stands what it prints, and that is checked.

Blocks of Python run in one namespace and in order. Where a block connects to the exchange, it meets a simulated one that has
its markets. On a page that is given names by its test, such as ``live``, blocks may ``await`` as in ``python -m asyncio``;
programs, which call ``asyncio.run`` themselves, go first there. All of it runs in virtual time, so a minute takes none.
Blocks of ``console`` are commands with their output.
"""

import ast
import asyncio
import contextlib
import functools
import inspect
import io
import re
import shlex
import sys
from pathlib import Path

import pytest

from kalshi_book import IMPLEMENTATION, live, sim
from kalshi_book.cli.main import main as command_line
from kalshi_book.sim import virtual
from kalshi_book.sim.keys import Keyring

ROOT = Path(__file__).parents[1]
SEED = 7
_RUNS = re.compile(r"\b(asyncio|virtual)\.run\(")
A_WHILE_S = 20
"""How long a program runs that would run until it is interrupted."""


class Page:
    """A page.

    Args:
        name: its path in the project.

    Attributes:
        shown: lines that say what they print, and printed something.
        wrong: what they printed where that is something else.
    """

    def __init__(self, name):
        self.path = ROOT / name
        self.lines = self.path.read_text().splitlines()
        self.shown = set()
        self.wrong = []

    def blocks(self, language):
        """Give the blocks of a language, each as its first line's number, from 1, and its text."""
        text = "\n".join(self.lines)
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            if match[1] == language:
                yield text.count("\n", 0, match.start(2)) + 1, match[2]

    def table(self, name):
        """Give the rows of a table that is made from the code, without its head."""
        block = re.search(rf"<!-- {name}: .*? -->\n(.*?)\n<!-- end -->", "\n".join(self.lines), re.DOTALL)
        return block[1].splitlines()[2:]

    def rewrite(self, tables):
        """Write tables anew: a dict of their names to functions that give their rows."""
        text = self.path.read_text()
        for name, rows in tables.items():
            old = "\n".join(self.table(name))
            assert text.count(old) == 1 or not old, name
            head = re.search(rf"<!-- {name}: .*? -->\n.*\n\|---.*\n", text)[0]
            text = text.replace(head + old + "\n" * bool(old), head + "".join(f"{row}\n" for row in rows()))
        self.path.write_text(text)

    # Python.

    def run(self, around=None, names=()):
        """Run all blocks of Python, and make sure that every print that says what it prints has printed it.

        Args:
            around: an asynchronous context manager that gives names to the blocks that are no whole programs, or None.
            names: what else each block knows.

        Returns:
            All that was printed.
        """
        blocks = [(code, self._compiled(line, code)) for line, code in self.blocks("python")]
        given = {"print": self._print, "__name__": "__main__", **dict(names)}
        names, screen = dict(given), io.StringIO()
        is_program = [around is None or bool(_RUNS.search(code)) for code, _ in blocks]
        with contextlib.redirect_stdout(screen):
            for (code, compiled), is_whole in zip(blocks, is_program, strict=True):
                if is_whole:
                    names.update(given)
                    _run_program(code, compiled, names)
            if around is not None:
                parts = [compiled for (_, compiled), is_whole in zip(blocks, is_program, strict=True) if not is_whole]
                virtual.run(_run_parts(parts, around, names), seed=SEED)
        assert not self.wrong, "\n".join(self.wrong)
        assert self.shown == set(self._said), "some lines say what they print, and did not run"
        return screen.getvalue()

    def _compiled(self, line, code):
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        return compile("\n" * (line - 1) + code, str(self.path), "exec", flags=flags)  # with the page's line numbers

    @functools.cached_property
    def _said(self):
        """The lines that say what they print, and what."""
        python = {line + at for line, code in self.blocks("python") for at in range(code.count("\n"))}
        return {at: found[1] for at in python if (found := re.search(r"print\(.*\)  # (.*)$", self.lines[at - 1]))}

    def _print(self, *values):
        """Print, and compare with what the page says."""
        at = sys._getframe(1).f_lineno
        said = self._said.get(at)
        text = " ".join(map(str, values))
        print(text)
        if said is not None and at not in self.shown:  # in a loop: the first time
            self.shown.add(at)
            if not (said == text or said.startswith((f"{text}, ", f"{text}: "))):  # more may be said of it
                self.wrong.append(f"{self.path.name}:{at} says {said!r} and prints {text!r}")

    # The command line.

    def run_console(self):
        """Run all commands of ``console`` blocks in the current folder, and compare what they print."""
        for line, block in self.blocks("console"):
            for command, said in _commands(block):
                where = f"{self.path.name}:{line}: {command}"
                assert _is_like(_printed_by(command), said), f"{where} printed\n{_printed_by(command)}"


def _run_program(code, compiled, names):
    """Run a block that needs no loop, or brings its own. One that runs for ever is interrupted after a while."""
    tickers = sorted(set(re.findall(r'"(KX[A-Z0-9.-]+)"', code))) or ["KXSIM-26-A"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "run", lambda main: virtual.run(_for_a_while(main, tickers, patch), seed=SEED))
        exec(compiled, names)


async def _run_parts(parts, around, names):
    """Run blocks that await, one after another."""
    async with around() as more:
        names.update(more)
        for compiled in parts:
            result = eval(compiled, names)
            if inspect.iscoroutine(result):
                await result


async def _for_a_while(main, market_tickers, patch):
    """Await a program for as long as somebody would look at it, beside an exchange with these markets."""
    exchange = sim.Exchange(markets=market_tickers, seed=SEED, rate=20, start_ns=virtual.now_ns(), keyring=Keyring())
    async with sim.serve(exchange, key_type="ed25519") as server:
        signer = live.KeySigner(server.key_id, server.private_key_path.read_bytes())
        real = live.connect

        def connect(environment=None, **options):
            return real("sim", **options) if environment == "sim" else real(url=server.url, signer=signer, **options)

        patch.setattr(live, "connect", connect)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(main, A_WHILE_S)


def _commands(block):
    """Split a session into commands and what each prints."""
    pieces = re.split(r"^\$ (.*(?:\\\n.*)*)\n", block, flags=re.MULTILINE)
    assert not pieces[0], "a session begins with $"
    return zip((each.replace("\\\n", "") for each in pieces[1::2]), pieces[2::2], strict=True)


def _printed_by(command):
    """Run a command of ours in this process, and give all that it prints."""
    program, *arguments = shlex.split(command)
    assert program == "kalshi-book", f"expected a command of ours, found {command}"
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen), contextlib.suppress(SystemExit):
        command_line(arguments)
    return "\n".join(each.rstrip() for each in screen.getvalue().splitlines()).strip("\n")


def _is_like(printed, said):
    """Compare: a line ``...`` stands for any lines, ``…`` for anything within a line."""
    lines = said.strip("\n").replace("compiled core", f"{IMPLEMENTATION} core").splitlines()
    pattern = "".join("(?:.*\n)*?" if line == "..." else re.escape(line).replace("…", ".*") + "\n" for line in lines)
    return re.fullmatch(pattern, f"{printed}\n" if printed else "") is not None
