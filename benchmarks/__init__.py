"""From wire bytes to top of book, measured: ``python -m benchmarks``. Nothing here is part of the package."""
