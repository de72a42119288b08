"""What importing the package brings along, in a fresh process: no network library, no noise, in any order."""

import pkgutil
from pathlib import Path

import pytest

import kalshi_book
from processes import UNMEASURED, run_python

# _socket alone comes with typing_extensions, select with subprocess (CPython 3.10): msgspec imports both.
NETWORK = ("socket", "ssl", "_ssl", "asyncio", "http", "urllib.request", "websockets", "cryptography")
MODULES = [
    module.name
    for module in pkgutil.walk_packages(kalshi_book.__path__, "kalshi_book.")
    if not module.name.endswith(("._core", ".__main__"))
]


@pytest.mark.parametrize("pure", ["1", None])
def test_importing_the_package_loads_no_network_library(pure):
    loaded = f"import sys, kalshi_book; print(*sorted(set({NETWORK!r}) & set(sys.modules)))"
    done = run_python(loaded, KALSHI_BOOK_PURE=pure, **UNMEASURED)
    assert (done.stdout, done.returncode) == ("\n", 0)


@pytest.mark.parametrize("imported", ["kalshi_book.sim", "kalshi_book.sim.exchange"])
def test_the_simulated_exchange_needs_no_network_library_before_it_is_served(imported):
    loaded = f"import sys, {imported}; print(*sorted(set({NETWORK!r}) & set(sys.modules)))"
    done = run_python(loaded, KALSHI_BOOK_PURE="1", **UNMEASURED)
    assert (done.stdout, done.returncode) == ("\n", 0)


def test_importing_the_package_or_its_tables_loads_no_library_that_only_some_need():
    heavy = ("pyarrow", "polars", "pandas", "numpy", "matplotlib", "duckdb", "textual")
    code = (
        "import sys, kalshi_book as kb\n"
        "print('kalshi_book.tables' in sys.modules)\n"
        f"import kalshi_book.cli.main; kb.tables.collect; print(*sorted(set({heavy!r}) & set(sys.modules)))"
    )
    done = run_python(code, KALSHI_BOOK_PURE="1", **UNMEASURED)
    assert (done.stdout, done.returncode) == ("False\n\n", 0)


def test_the_simulated_exchange_is_loaded_when_it_is_touched():
    code = "import sys, kalshi_book as kb; print('kalshi_book.sim' in sys.modules, kb.sim is sys.modules['kalshi_book.sim'])"
    done = run_python(code, KALSHI_BOOK_PURE="1")
    assert (done.stdout, done.returncode) == ("False True\n", 0)


def test_virtual_time_is_loaded_when_it_is_touched(kb):
    assert kb.sim.virtual.__name__ == f"{kb.__name__}.sim.virtual"
    assert kb.sim.serve.__module__ == f"{kb.__name__}.sim.server"


def test_what_there_is_not_is_an_attribute_error(kb):
    for place in (kb, kb.sim):
        with pytest.raises(AttributeError, match=rf"^module '{place.__name__}' has no attribute 'simulator'$"):
            place.simulator


def test_importing_the_package_prints_nothing_and_starts_no_thread():
    done = run_python("import kalshi_book, threading; assert threading.active_count() == 1", KALSHI_BOOK_PURE="1")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.long
def test_every_module_can_be_the_first_one_that_is_imported():
    """But for the package, which comes first whatever is imported. No import depends on another having been made before."""
    code = (
        "import sys, kalshi_book\n"
        "first = set(sys.modules)\n"
        f"for name in {MODULES!r}:\n"
        "    for loaded in sorted(each for each in set(sys.modules) - first if each.startswith('kalshi_book')):\n"
        "        parent, _, child = loaded.rpartition('.')\n"
        "        del sys.modules[loaded]\n"
        "        if parent in sys.modules: delattr(sys.modules[parent], child)\n"
        "    __import__(name)\n"
    )
    done = run_python(code, KALSHI_BOOK_PURE="1")
    assert (done.returncode, done.stderr) == (0, "")


def test_everything_that_is_promised_is_there(kb):
    assert sorted(kb.__all__, key=str) == sorted(set(kb.__all__), key=str)
    for name in kb.__all__:
        assert getattr(kb, name) is not None


def test_the_package_is_typed_and_no_module_prints():
    root = Path(kalshi_book.__file__).parent
    assert (root / "py.typed").is_file()
    assert (root / "_core.pyi").is_file()


def test_hashes_of_other_seeds_give_the_same_books():
    """Two processes, two seeds of Python's hashes, one answer."""
    code = (
        "import kalshi_book as kb\n"
        "from kalshi_book.sim.flow import Flow\n"
        "feed = kb.Feed()\n"
        "print([str(feed.receive(frame)) for frame in Flow(seed=1, frames=300, close=False)])\n"
        "print([book.checksum() for book in feed.books.values()], feed.counts)\n"
    )
    first, second = (run_python(code, PYTHONHASHSEED=seed, KALSHI_BOOK_PURE="1") for seed in ("1", "2"))
    assert first.returncode == 0
    assert first.stdout == second.stdout
