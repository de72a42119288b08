"""The harness is tested without the packages that it compares: what they are is not what is tested here."""

from pathlib import Path

import pytest

from benchmarks import flows
from benchmarks.contenders import Entry

collect_ignore = ["strange_contenders.py"]  # it imports what is there only in a worker process
STRANGE = Path(__file__).with_name("strange_contenders.py")


@pytest.fixture(autouse=True)
def _no_peers(monkeypatch, tmp_path):
    monkeypatch.setenv("KALSHI_BOOK_PEERS", str(tmp_path / "no-peers"))


@pytest.fixture(scope="session")
def workload():
    """A thousand deltas of three markets."""
    return flows.workload(flows.flow(seed=7, markets=3, deltas=1_200))


@pytest.fixture
def strange():
    """Give a contender of tests/bench/strange_contenders.py."""

    def entry(name, **options):
        return Entry(name.lower(), f"{STRANGE}:{name}", **options)

    return entry
