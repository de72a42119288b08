"""Every test that takes ``kb`` runs once on the compiled core and once on its plain twin."""

import os

import pytest
from hypothesis import HealthCheck, settings

from implementations import BY_NAME, COMPILED, PYTHON, WHY_NOT_COMPILED

# The suite must give the same verdict on each run: examples are drawn from the test's name, never from a clock or a
# database. HYPOTHESIS_PROFILE=search looks further, and prints what reproduces a find.
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("ci"), derandomize=False, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session", params=list(BY_NAME))
def kb(request):
    """The package, on the one core and on the other."""
    package = BY_NAME[request.param]
    if package is None:
        if os.environ.get("KALSHI_BOOK_EXPECT") == "compiled":
            pytest.fail(f"KALSHI_BOOK_EXPECT=compiled, but {WHY_NOT_COMPILED}")
        pytest.skip(WHY_NOT_COMPILED)
    return package


@pytest.fixture
def feed(kb):
    """A new feed."""
    return kb.Feed()


@pytest.fixture(scope="session")
def both():
    """The package on the compiled core, and on the twin."""
    if COMPILED is None:
        pytest.skip(WHY_NOT_COMPILED)
    return COMPILED, PYTHON
