"""Other packages: one that cannot be installed is reported, and leaves nothing behind."""

import json
import sys

import pytest

from benchmarks import peers


def interpreter(tmp_path, body):
    """Write something that is called like a Python."""
    path = tmp_path / "python"
    path.write_text(f"#!{sys.executable}\nimport pathlib, sys\n{body}\n")
    path.chmod(0o755)
    return str(path)


MAKES_A_ROOM = """
room = pathlib.Path(sys.argv[-1], "bin")
room.mkdir(parents=True)
(room / "python").write_text("#!/bin/sh\\n" + PIP)
(room / "python").chmod(0o755)
"""


def test_what_cannot_be_installed_is_told_in_the_last_words_of_the_installer(tmp_path):
    python = interpreter(tmp_path, 'PIP = "echo first >&2; echo ERROR: no matching distribution >&2; exit 1"' + MAKES_A_ROOM)
    assert peers.install(python, "synpath", ("synpath==0.11.0",), wanted="x") == "ERROR: no matching distribution"
    assert not (peers.cache() / "synpath").exists()
    assert peers.python_of("synpath") is None


def test_what_fails_without_a_word_is_told_too(tmp_path):
    assert peers.install(interpreter(tmp_path, "sys.exit(1)"), "synpath", (), wanted="x") == "no word of why"


def test_what_is_there_as_wanted_is_left_alone_and_what_is_not_is_made_anew(tmp_path):
    python = interpreter(tmp_path, 'PIP = "exit 0"' + MAKES_A_ROOM)
    assert peers.install(python, "synpath", (), wanted="one") is None
    room = peers.cache() / "synpath"
    assert peers.python_of("synpath") == str(room / "bin" / "python")
    (room / "mark").touch()
    assert peers.install(python, "synpath", (), wanted="one") is None
    assert (room / "mark").exists()
    assert peers.install(python, "synpath", (), wanted="two") is None
    assert not (room / "mark").exists()
    assert json.loads((room / "installed.json").read_text()) == {"wanted": "two"}


def test_ours_runs_on_this_python_until_it_is_installed_beside_the_others():
    assert peers.python_of(None) == sys.executable
    assert peers.refresh_ours() is None


def test_without_the_python_that_they_need_none_is_there(monkeypatch, capsys):
    monkeypatch.setattr(peers, "interpreter", lambda: None)
    assert peers.main() == 1
    assert "there is no python3.12 here" in capsys.readouterr().err


def test_an_interpreter_that_is_not_there_is_none(monkeypatch):
    monkeypatch.setattr(peers, "PYTHON", "3.99")
    assert peers.interpreter() is None


def test_each_package_is_reported_as_there_or_absent(monkeypatch, capsys):
    monkeypatch.setattr(peers, "interpreter", lambda: "/usr/bin/python")
    monkeypatch.setattr(peers, "install", lambda python, name, requirements, wanted: "no wheel" if name == "ccxt" else None)
    assert peers.main() == 0
    out = capsys.readouterr().out
    assert "ccxt: ccxt==4.5.90 orjson==3.13.0 ... ABSENT: no wheel\n" in out
    assert "synpath: synpath==0.11.0 ... there\n" in out


@pytest.mark.parametrize("requirement", [one for peer in peers.PEERS.values() for one in peer.requirements])
def test_every_version_is_pinned(requirement):
    assert "==" in requirement


def test_our_own_environment_follows_the_tree():
    files = set(map(str, peers.tree_files()))
    assert {"pyproject.toml", "setup.py", "src_ext/_core.pyx"} <= files
    assert not any(name.endswith((".so", ".pyc")) for name in files)
    assert peers.tree_digest() == peers.tree_digest()
