"""Which core runs is chosen in the open: the compiled one, the twin where asked for, and never in silence."""

import doctest
import importlib
import os

import pytest

import kalshi_book
from implementations import COMPILED, PYTHON, WHY_NOT_COMPILED, part
from processes import run_python

TELL = "import kalshi_book as kb; print(kb.IMPLEMENTATION, kb.Level.__module__, kb.Feed.__mro__[2].__module__)"
WITHOUT_EXTENSION = (
    "import sys\n"
    "class Missing:\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name == 'kalshi_book._core': raise ModuleNotFoundError(f'No module named {name!r}', name=WHICH)\n"
    "sys.meta_path.insert(0, Missing())\n"
)
WARNING = (
    "RuntimeWarning: kalshi_book runs on its plain Python core, many times slower than the compiled one, which is not "
    "installed: install a wheel for this platform or build one with a C compiler; KALSHI_BOOK_PURE=1 asks for the plain "
    "core and silences this"
)


def test_the_tests_run_on_the_core_that_was_asked_for():
    """KALSHI_BOOK_EXPECT says which one a plain import must give; whoever builds sets it."""
    expected = os.environ.get("KALSHI_BOOK_EXPECT")
    assert kalshi_book.IMPLEMENTATION in (("compiled", "python") if expected is None else (expected,))


def test_the_two_copies_are_what_they_say(kb):
    assert kb.IMPLEMENTATION == ("python" if kb is PYTHON else "compiled")
    assert kb.Level.__module__.endswith("_pycore" if kb is PYTHON else "_core")
    assert issubclass(kb.Feed, part(kb, "_backend").FeedCore)


def test_the_twin_runs_where_it_is_asked_for():
    done = run_python(TELL, KALSHI_BOOK_PURE="1")
    assert (done.stdout, done.stderr) == ("python kalshi_book._pycore kalshi_book._pycore\n", "")


@pytest.mark.skipif(COMPILED is None, reason=WHY_NOT_COMPILED)
@pytest.mark.parametrize("asked", [None, "", "0", "yes"])
def test_the_compiled_core_runs_otherwise(asked):
    done = run_python(TELL, KALSHI_BOOK_PURE=asked)
    assert done.stderr == ""
    assert done.stdout.startswith("compiled ")


def test_a_missing_extension_warns_once_and_the_twin_runs():
    again = "import kalshi_book.feed, importlib; importlib.import_module('kalshi_book')\n"
    done = run_python(WITHOUT_EXTENSION.replace("WHICH", "name") + TELL + "\n" + again, KALSHI_BOOK_PURE=None)
    assert done.stdout == "python kalshi_book._pycore kalshi_book._pycore\n"
    assert done.stderr.count(WARNING) == done.stderr.count("Warning") == 1


def test_a_missing_extension_is_not_warned_about_where_the_twin_was_asked_for():
    done = run_python(WITHOUT_EXTENSION.replace("WHICH", "name") + TELL, KALSHI_BOOK_PURE="1")
    assert (done.stdout[:7], done.stderr) == ("python ", "")


def test_an_extension_that_is_there_and_broken_is_an_error_and_no_reason_for_the_twin():
    done = run_python(WITHOUT_EXTENSION.replace("WHICH", "'msgspec'") + TELL, KALSHI_BOOK_PURE=None)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.rstrip().endswith("ModuleNotFoundError: No module named 'kalshi_book._core'")


def test_both_cores_have_the_same_interface(both):
    compiled, plain = (part(kb, "_backend") for kb in both)
    for name in ("Level", "Update", "SidState", "BookCore", "FeedCore"):
        ours, twin = ({each for each in dir(getattr(core, name)) if not each.startswith("__")} for core in (compiled, plain))
        private = {each for each in twin - ours if each.startswith("_")}
        assert twin - ours == private, name
        assert ours - twin <= {"_hot_decode"}, name


@pytest.mark.parametrize("name", ["_core", "_pycore"])
def test_the_examples_in_a_core_s_docstrings_run(name):
    if name == "_core" and COMPILED is None:
        pytest.skip(WHY_NOT_COMPILED)
    module = importlib.import_module(f"kalshi_book.{name}")
    failed, tried = doctest.testmod(module)
    assert failed == 0
    assert tried > 0 or name == "_pycore"
