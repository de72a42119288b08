"""Optional libraries: a test that needs one is skipped where it is not installed, and fails where all must be there."""

import importlib
import os

import pytest


def library(name):
    """Give a module of an optional library. KALSHI_BOOK_EXPECT is set where the whole suite has to run."""
    if os.environ.get("KALSHI_BOOK_EXPECT"):
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"{name} is not installed: pip install 'kalshi-book[test]' brings it")
