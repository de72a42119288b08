"""What the pages of docs/ show is what happens, and their tables are those of the code.

To write the tables anew: ``python tests/test_docs.py``.
"""

import asyncio
import contextlib
import inspect
import logging
import re
import time
import typing
from pathlib import Path

import pytest

import kalshi_book as kb
from kalshi_book import errors, live
from kalshi_book.live import backoff, client, consumers, desire, entry, hub, lane, liveness, queues, session, wire
from kalshi_book.messages.commands import MAX_TICKERS
from kalshi_book.messages.vocabulary import CHANNELS
from pages import Page

CLIENT = "docs/client.md"


# Tables of docs/client.md.


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
        "between our pings": f"{liveness.TICK_NS // seconds} s",
        "silence that ends a connection (or `max_silence_s`, if that is more)": f"{liveness.DEAD_NS // seconds} s",
        "event loop busy, until it is told": f"{liveness.LAG_NS // seconds} s",
        "silence of a subscription until it is asked": f"{liveness.QUIET_NS // seconds} s, {liveness.QUIET_GAPS} mean gaps",
        "at most": f"{liveness.MAX_PATIENCE_NS // minutes} min",
        "ceiling of the first delay before a new attempt": f"{backoff.BASE_NS // seconds} s",
        "of all others": f"{backoff.CAP_NS // minutes} min",
        "well for so long, until it falls back": f"{backoff.HEALTHY_NS // seconds} s",
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


TABLES = {
    "options": option_rows, "channels": channel_rows, "errors": error_rows, "events": event_rows, "metrics": metric_rows,
    "numbers": number_rows,
}  # fmt: skip


@pytest.mark.parametrize("name", list(TABLES))
def test_a_table_of_the_client_is_that_of_the_code(name):
    assert Page(CLIENT).table(name) == list(TABLES[name]())


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


if __name__ == "__main__":
    Page(CLIENT).rewrite(TABLES)
