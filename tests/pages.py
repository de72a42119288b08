"""The code of a page of the documentation, run: behind ``print(...)  #`` stands what it prints, and that is checked.

Blocks of Python run in order in one namespace, and may ``await`` as in ``python -m asyncio``. A block that calls
``asyncio.run`` is a whole program, with a namespace of its own; where it connects to the exchange, it meets a simulated one
that has its markets. All of it runs in virtual time, so a minute takes none.
Blocks of ``console`` are commands with their output, where a line ``...`` stands for any number of lines.
"""

import ast
import asyncio
import contextlib
import doctest
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
        for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            yield text.count("\n", 0, match.start(1)) + 1, match[1]

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

    def run(self, around=None):
        """Run all blocks of Python, and make sure that every print that says what it prints has printed it.

        Args:
            around: an asynchronous context manager that gives names to the blocks that are no whole programs.
        """
        whole, parts = [], []
        for line, code in self.blocks("python"):
            (whole if re.search(r"\b(asyncio|virtual)\.run\(", code) else parts).append((line, code))
        for line, code in whole:
            self.run_program(line, code)
        if parts:
            virtual.run(self._run_parts(parts, around), seed=SEED)
        assert not self.wrong, "\n".join(self.wrong)
        assert self.shown == set(self._said()), "some lines say what they print, and did not run"

    def run_program(self, line, code):
        """Run a whole program, which may be one that runs for ever: it is interrupted after a while."""
        tickers = sorted(set(re.findall(r'"(KX[A-Z0-9.-]+)"', code))) or ["KXSIM-26-A"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncio, "run", lambda main: virtual.run(for_a_while(main, tickers, patch), seed=SEED))
            exec(self._compiled(line, code), self._names())

    async def _run_parts(self, parts, around):
        names = self._names()
        async with contextlib.AsyncExitStack() as stack:
            if around is not None:
                names.update(await stack.enter_async_context(around()))
            for line, code in parts:
                if code.startswith(">>>"):
                    self._run_doctest(line, code)
                    continue
                result = eval(self._compiled(line, code), names)
                if inspect.iscoroutine(result):
                    await result

    def _names(self):
        return {"print": self._print, "__name__": "__main__"}

    def _compiled(self, line, code):
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        return compile("\n" * (line - 1) + code, str(self.path), "exec", flags=flags)  # with the page's line numbers

    def _run_doctest(self, line, code):
        test = doctest.DocTestParser().get_doctest(code, {}, self.path.name, str(self.path), line - 1)
        assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0

    def _said(self):
        """The lines that say what they print."""
        python = {line + at for line, code in self.blocks("python") for at in range(code.count("\n"))}
        return {at: found[1] for at in python if (found := re.search(r"print\(.*\)  # (.*)$", self.lines[at - 1]))}

    def _print(self, *values):
        """Print, and compare with what the page says."""
        at = sys._getframe(1).f_lineno
        said = self._said().get(at)
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


async def for_a_while(main, market_tickers, patch):
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
    said = said.strip("\n").replace("compiled core", f"{IMPLEMENTATION} core")
    pattern = re.escape(said).replace(r"\.\.\.", "\0")
    pattern = re.sub(r"^\0\n", "(?:.*\n)*?", pattern, flags=re.MULTILINE)
    return re.fullmatch(re.sub(r"\n?\0$", "(?:.*\n?)*", pattern).replace("\0", r"\.\.\."), printed) is not None
