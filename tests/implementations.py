"""Both cores in one process: the package as it is installed, and a private copy of it that runs on the plain twin.

The copy is the same source under another name, so that its relative imports, also those made late, find the copy and
never the original. No module of the package names the package itself, except the compiled core, which the copy leaves out.
"""

import importlib
import importlib.util
import os
import sys
import warnings
from contextlib import contextmanager

COPY = "kalshi_book_plain"


@contextmanager
def environment(**variables):
    """Set variables of the environment (None: unset) and put them back afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def _set(variables):
    for name, value in variables.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def plain_copy():
    """Import the package again, on the twin, as ``kalshi_book_plain``."""
    if COPY not in sys.modules:
        original = importlib.util.find_spec("kalshi_book")
        spec = importlib.util.spec_from_file_location(
            COPY, original.origin, submodule_search_locations=list(original.submodule_search_locations)
        )
        copy = sys.modules[COPY] = importlib.util.module_from_spec(spec)
        with environment(KALSHI_BOOK_PURE="1"):
            spec.loader.exec_module(copy)
    return sys.modules[COPY]


def part(kb, name):
    """Give a module of the same copy of the package: ``part(kb, "tape.replay")``."""
    return importlib.import_module(f"{kb.__name__}.{name}")


with warnings.catch_warnings():
    warnings.simplefilter("ignore", RuntimeWarning)  # a missing extension: tests/test_backend.py speaks about that
    import kalshi_book as installed

if installed.IMPLEMENTATION == "compiled":
    COMPILED, PYTHON = installed, plain_copy()
else:
    COMPILED, PYTHON = None, installed

BY_NAME = {"compiled": COMPILED, "python": PYTHON}
WHY_NOT_COMPILED = (
    "KALSHI_BOOK_PURE=1 asks for the twin" if os.environ.get("KALSHI_BOOK_PURE") == "1" else "the extension is not built"
)
