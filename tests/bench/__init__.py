"""Tests of benchmarks/. A package, since its conftest.py needs a name of its own beside tests/conftest.py."""
