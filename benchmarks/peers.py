"""Other people's packages, each in an environment of its own, outside the tree: ``python -m benchmarks.peers``.

Versions are pinned. All of them run on one CPython, since a ratio between two interpreters says nothing about two packages;
kalshi_book is installed beside them into an environment of the same one. What cannot be installed is told, and is absent
from the tables.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "3.12"
"""What kalshi-sdk and nautilus_trader need at least, and hftbacktest at most."""
ROOM = f"kalshi_book-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"
"""The environment of kalshi_book: each working tree has its own."""
BUILD = ("cython>=3.1,<4", "setuptools>=77")


@dataclass(frozen=True)
class Peer:
    """An environment: what is installed into it, and what it brings to the tables."""

    requirements: tuple[str, ...]
    about: str


PEERS = {
    "kalshi-sdk": Peer(("kalshi-sdk==22.4.0",), "a client of this exchange"),
    "synpath": Peer(("synpath==0.11.0",), "a client of many exchanges, its book in Rust"),
    "pykalshi": Peer(("pykalshi==2.0.0",), "a client of this exchange"),
    "kalshi-simple-ws-orderbook": Peer(("kalshi-simple-ws-orderbook==1.0.0",), "a book for this exchange, cents only"),
    "ccxt": Peer(("ccxt==4.5.90", "orjson==3.13.0"), "a client of crypto exchanges"),
    "order-book": Peer(("order-book==1.0.2", "orjson==3.13.0"), "cryptofeed's book, in C"),
    "nautilus_trader": Peer(("nautilus_trader==1.231.0",), "a trading engine, its book in Rust"),
    "limit-order-book": Peer(("limit-order-book==2.0.0",), "a matching engine in C++"),
    "hftbacktest": Peer(("hftbacktest==2.4.4",), "a backtester, its depth in Rust"),
}
OURS_TOO = ("orjson==3.13.0", "numpy==2.3.5")
"""What the contenders written by hand need."""


def cache() -> Path:
    """Give the folder that holds the environments: ``KALSHI_BOOK_PEERS``, else one in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("KALSHI_BOOK_PEERS") or Path(base, "kalshi_book", "peers"))


def python_of(peer: str | None) -> str | None:
    """Give the interpreter of a peer's environment (None: kalshi_book's own there, else this one), or None if absent."""
    room = cache() / (peer or ROOM)
    if (room / "installed.json").exists():
        return str(room / "bin" / "python")
    return None if peer else sys.executable


def interpreter() -> str | None:
    """Find the CPython that all of them run on."""
    environ = dict(os.environ)
    if shutil.which("pyenv"):
        # A pyenv shim answers only for the versions that PYENV_VERSION names: name all.
        done = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=False)
        environ["PYENV_VERSION"] = ":".join(done.stdout.split())
    command = [f"python{PYTHON}", "-c", "import sys; print(sys.executable)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def install(python: str, name: str, requirements: tuple[str, ...], *, wanted: str) -> str | None:
    """Make one environment, unless it is there as wanted.

    Returns:
        None, or the last words of what went wrong; then nothing is left of it.
    """
    room = cache() / name
    stamp = room / "installed.json"
    if stamp.exists() and json.loads(stamp.read_text())["wanted"] == wanted:
        return None
    shutil.rmtree(room, ignore_errors=True)
    pip = [str(room / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    steps = [[python, "-m", "venv", str(room)], [*pip, *requirements]]
    if name == ROOM:
        steps += [[*pip, *BUILD], [*pip, "--no-build-isolation", "--no-cache-dir", "{tree}"]]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        if name == ROOM:
            # From a copy: a build in the tree would leave its own files there, or take up stale ones.
            for file in tree_files():
                (tree / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / file, tree / file)
        for step in steps:
            command = [part.format(tree=tree) if part == "{tree}" else part for part in step]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                shutil.rmtree(room, ignore_errors=True)
                return (done.stderr.strip().splitlines() or ["no word of why"])[-1][:200]
    stamp.write_text(json.dumps({"wanted": wanted}))
    return None


def tree_files() -> Iterator[Path]:
    """Give the files that kalshi_book is built from."""
    for pattern in ("kalshi_book/**/*", "src_ext/*", "pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in"):
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and path.suffix not in {".pyc", ".so"} and path.name != "_core.c":
                yield path.relative_to(ROOT)


def tree_digest() -> str:
    """Give a hash of the files that kalshi_book is built from."""
    digest = hashlib.sha256()
    for file in tree_files():
        digest.update(str(file).encode() + b"\0" + (ROOT / file).read_bytes())
    return digest.hexdigest()


def install_ours(python: str) -> str | None:
    """Install kalshi_book as it stands in this tree."""
    wanted = json.dumps([python, OURS_TOO, tree_digest()])
    return install(python, ROOM, OURS_TOO, wanted=wanted)


def refresh_ours() -> str | None:
    """Install kalshi_book again where its environment holds another state of the tree; nothing where it has none."""
    if not (cache() / ROOM / "installed.json").exists():
        return None
    python = interpreter()
    return f"no python{PYTHON} here" if python is None else install_ours(python)


def main() -> int:
    """Install all of them, and say how each went.

    Returns:
        0, also where some are absent: the tables say so. 1 where none can be there.
    """
    python = interpreter()
    if python is None:
        print(f"benchmarks: there is no python{PYTHON} here, which the other packages run on", file=sys.stderr)
        return 1
    print(f"into {cache()}, on {python}")
    for name in (ROOM, *PEERS):
        requirements = OURS_TOO if name == ROOM else PEERS[name].requirements
        print(f"  {name}: {' '.join(requirements)} ...", end=" ", flush=True)
        wanted = json.dumps([python, requirements])
        fault = install_ours(python) if name == ROOM else install(python, name, requirements, wanted=wanted)
        print(f"ABSENT: {fault}" if fault else "there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
