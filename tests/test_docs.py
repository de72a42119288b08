"""What the pages of docs/ show is what happens, and their tables are those of the code.

To write the tables anew: ``python tests/test_docs.py``.
"""

import ast
import asyncio
import contextlib
import doctest
import inspect
import logging
import re
import time
import typing
from pathlib import Path

import pytest

import kalshi_book as kb
import watch_pictures
from kalshi_book import errors, kinds, live
from kalshi_book.cli.main import parser
from kalshi_book.cli.watch.picture import KEYS
from kalshi_book.live import backoff, client, consumers, desire, entry, hub, lane, liveness, queues, session, wire
from kalshi_book.messages.commands import MAX_TICKERS
from kalshi_book.messages.vocabulary import CHANNELS
from kalshi_book.readings import Readings
from kalshi_book.sim.flow import Flow
from pages import Page

CLIENT = "docs/client.md"


# Tables.


def described(text, section):
    """The entries of one section of a docstring: names and what is said of them."""
    block = re.search(rf"^ *{section}:\n(.*?)(?:\n\s*\n|\Z)", text, re.DOTALL | re.MULTILINE)[1]
    indent = re.match(" *", block)[0]
    entries = re.split(rf"^{indent}(?=\S)", block, flags=re.MULTILINE)[1:]
    for entry_ in entries:
        name, _, what = entry_.partition(": ")
        yield name, " ".join(what.replace("``", "`").split())


def option_rows():
    parameters = inspect.signature(live.connect).parameters
    for name, what in described(live.connect.__doc__, "Args"):
        yield f"| `{name}` | `{parameters[name].default!r}` | {what[0].upper()}{what[1:]} |"


def channel_rows():
    for name, channel in CHANNELS.items():
        kinds = ", ".join(f"`{kind}`" for kind in queues.KINDS_OF[name])
        yield f"| `{name}` | {channel.takes_markets} | {'yes' if channel.is_sequenced else 'no'} | {kinds} |"


def error_rows():
    source = "".join(path.read_text() for path in Path(live.__file__).parent.glob("*.py"))
    raised = [name for name in errors.__all__ if re.search(rf"\b{name}\(", source)]
    for name in [*raised, "BookNotLive", "OwnSizeUnknown"]:
        cls = getattr(errors, name)
        bases = ", ".join(f"`{base.__name__}`" for base in cls.__bases__)
        yield f"| `{name}` | {bases} | {first_line(cls)} |"


def event_rows():
    for cls in typing.get_args(kb.events.SessionEvent):
        level = logging.getLevelName(hub._LEVELS.get(cls, logging.WARNING))
        yield f"| `{cls.__name__}` | {level} | {first_line(cls)} |"


def metric_rows():
    for names, what in described(live.Metrics.__doc__, "Attributes"):
        listed = ", ".join(f"`{name}`" for name in names.split(", "))
        yield f"| {listed} | {what[0].upper()}{what[1:]} |"


def number_rows():
    seconds = 1_000_000_000
    minutes = 60 * seconds
    low_ns, high_ns = backoff.SLOW_NS
    for what, value in {
        "name, TCP, TLS and handshake together": f"{wire.OPEN_S:g} s",
        "closing handshake": f"{wire.CLOSE_S:g} s",
        "largest message": f"{wire.MAX_MESSAGE_BYTES >> 20} MiB",
        "and how long it may take to come": f"{liveness.LONGEST_MESSAGE_NS // minutes} min",
        "between our pings": f"{liveness.TICK_NS // seconds} s",
        "silence that ends a connection (or `max_silence_s`, if that is more)": f"{liveness.DEAD_NS // seconds} s",
        "event loop busy, until it is told": f"{liveness.LAG_NS // seconds} s",
        "silence of a subscription until it is asked": f"{liveness.QUIET_NS // seconds} s, {liveness.QUIET_GAPS} mean gaps",
        "and however slow it was, at most": f"{liveness.MAX_PATIENCE_NS // minutes} min",
        "ceiling of the first delay before a new attempt": f"{backoff.BASE_NS // seconds} s",
        "ceiling of later ones": f"{backoff.CAP_NS // minutes} min",
        "well for so long, until the ceiling falls back": f"{backoff.HEALTHY_NS // seconds} s",
        "the slow lane": f"{low_ns // minutes} to {high_ns // minutes} min",
        "attempts to connect in a minute, of one client": f"{backoff.CONNECTS_PER_MINUTE}",
        "our clock off by so much, until it is told": f"{lane.SKEW_MS // 1000} s",
        "books of one connection": f"{entry.MARKETS_PER_CONNECTION:,}",
        "markets in one command": f"{MAX_TICKERS}",
        "more markets than this on a connection are acknowledged without their list": f"{desire.SKIP_ACK_ABOVE:,}",
        "books of one audit": f"{session.AUDIT_BOOKS}",
        "time-out of a command": f"{desire.TIMEOUT_S:g} s",
        "updates that wait for a consumer": f"{client.SIZE:,}",
        "a handler's call that is told of": f"{consumers.SLOW_NS // seconds} s",
    }.items():
        yield f"| {what} | {value} |"


def first_line(cls):
    """The first sentence of a docstring, which may take more lines than one."""
    return " ".join(inspect.getdoc(cls).partition("\n\n")[0].replace("``", "`").split())


def question_rows():
    members = {**vars(Readings), **{name: getattr(kb.OrderBook, name) for name in ("snapshot", "last_known")}}
    for name, member in members.items():
        if not name.startswith("_"):
            shown = name if isinstance(member, property) else f"{name}{shown_arguments(member)}"
            what = first_line(member).removeprefix("Give ")
            yield f"| `{shown}` | {what[0].upper()}{what[1:]} |"


def shown_arguments(function):
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    return f"({', '.join(names)})"


def command_rows():
    (commands,) = (each for each in parser()._actions if each.dest == "command")
    helps = {each.dest: each.help for each in commands._choices_actions}
    for name, command in commands.choices.items():
        arguments = [each for each in command._actions if each.dest != "help"]
        usage = " ".join([name, *(each.metavar for each in arguments if not each.option_strings)])
        yield f"| `{usage}` | | {helps[name][0].upper()}{helps[name][1:]}. |"
        for each in arguments:
            if each.option_strings:
                value = "" if each.nargs == 0 else f" {each.metavar or each.dest.upper()}"
                what = (
                    each.help % vars(each)
                    if each.choices is None
                    else f"{each.help % vars(each)}: {', '.join(each.choices)}"
                )
                yield f"| | `{each.option_strings[0]}{value}` | {what[0].upper()}{what[1:]} |"


def state_rows():
    """With the texts that stand behind the members."""
    (body,) = (each.body for each in ast.parse(inspect.getsource(kinds)).body if getattr(each, "name", None) == "State")
    for member, text in zip(body[1::2], body[2::2], strict=True):
        state = kb.State[member.targets[0].id]
        yield f"| {state.name} | {text.value.value.replace('``', '`')} |"


def key_rows():
    for keys, what in KEYS:
        yield f"| {' '.join(f'`{key}`' for key in keys.split())} | {what[0].upper()}{what[1:]}. |"


TABLES = {
    "docs/client.md": {
        "options": option_rows, "channels": channel_rows, "errors": error_rows, "events": event_rows,
        "metrics": metric_rows, "numbers": number_rows,
    },
    "docs/book.md": {"questions": question_rows},
    "docs/states.md": {"states": state_rows},
    "docs/watch.md": {"keys": key_rows},
    "docs/command-line.md": {"commands": command_rows},
}  # fmt: skip


@pytest.mark.parametrize(("page", "name"), [(page, name) for page, tables in TABLES.items() for name in tables])
def test_a_table_is_that_of_the_code(page, name):
    """To write them anew: python tests/test_docs.py"""
    assert Page(page).table(name) == list(TABLES[page][name]())


def test_every_reason_of_a_book_that_is_not_live_is_explained():
    text = Page("docs/states.md").path.read_text()
    table = text.partition("| what heals it |")[2]
    assert re.findall(r"^\| `(\w+)` \| [A-Z]", table, re.MULTILINE) == [str(reason) for reason in kb.StaleReason]


# What is shown.


@pytest.fixture
def key_files(tmp_path, monkeypatch):
    """A folder of their own, with keys in it, and one in the environment."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    monkeypatch.chdir(tmp_path)
    key, locks = Ed25519PrivateKey.generate(), {
        "prod.pem": form.NoEncryption(), "encrypted.pem": form.BestAvailableEncryption(b"correct horse"),
    }  # fmt: skip
    for name, lock in locks.items():
        path = tmp_path / name
        path.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, lock))
        path.chmod(0o600)
    monkeypatch.setenv("KALSHI_API_KEY_ID", "an-id")
    monkeypatch.setenv("KALSHI_PRIVATE_KEY_PATH", str(tmp_path / "prod.pem"))


@contextlib.asynccontextmanager
async def client_of_the_page():
    """A client as the page speaks of it."""
    async with kb.connect("sim", market_tickers=["KXSIM-26-A"]) as client_:
        signer = live.KeySigner(client_.exchange.key_id, client_.exchange.private_key_path.read_bytes())

        async def ask_the_vault(text):
            return signer.sign(text)

        yield {
            "asyncio": asyncio, "time": time, "kb": kb, "live": client_, "exchange": client_.exchange,
            "ask_the_vault": ask_the_vault,
        }  # fmt: skip


def test_the_client_does_what_its_page_shows(key_files):
    Page(CLIENT).run(client_of_the_page)


def test_plain_loops_do_what_their_page_shows():
    """In real time, since threads know no other."""
    page = Page("docs/sync.md")
    with kb.sync.connect("sim", market_tickers=["KXSIM-26-A"]) as client_:
        page.run(names={"live": client_, "book": client_.book("KXSIM-26-A")})


@pytest.mark.parametrize("name", ["index", "getting-started", "book", "numbers", "queue", "states", "units"])
def test_a_page_shows_what_happens(name):
    page = Page(f"docs/{name}.md")
    printed = page.run()
    for _, block in page.blocks(""):
        if "spread" in block:  # a ladder
            assert block in printed


def test_the_messages_are_read_as_their_page_shows():
    names = {}
    for line, code in Page("docs/messages.md").blocks("python"):
        test = doctest.DocTestParser().get_doctest(code, names, "messages.md", "docs/messages.md", line - 1)
        assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0


def test_the_commands_print_what_their_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frames = list(Flow(seed=1, markets=2, frames=3_000, close=False))
    Path("holes.ndjson").write_bytes(b"".join([*frames[:1_000], *frames[1_001:]]))
    Page("docs/command-line.md").run_console()
    Page("docs/watch.md").run_console()


@pytest.fixture(scope="module")
def scenes():
    return watch_pictures.scenes()


@pytest.mark.parametrize("name", ["README.md", "docs/watch.md"])
def test_what_is_watched_looks_as_the_page_shows(scenes, name):
    shown = watch_pictures.shown(name)
    assert shown and shown == {each: watch_pictures.text(scenes[each]) for each in shown}


@pytest.mark.parametrize("name", watch_pictures.DRAWN)
def test_the_pictures_of_what_is_watched_are_those_of_the_code(scenes, name):
    """The letters of them: how they are placed is a matter of the library's version."""
    drawn = watch_pictures.file_of(name).read_text()
    assert watch_pictures.letters(drawn) == watch_pictures.letters(watch_pictures.svg(scenes[name]))
    assert "@font-face" not in drawn and "url(http" not in drawn


if __name__ == "__main__":
    for page_, tables_ in TABLES.items():
        Page(page_).rewrite(tables_)
