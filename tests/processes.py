"""Run a piece of Python in a fresh process, with this package on its path."""

import os
import subprocess
import sys
from pathlib import Path

import kalshi_book

UNMEASURED = {"COVERAGE_PROCESS_START": None, "COVERAGE_PROCESS_CONFIG": None}
"""For a process in which a coverage measurement would be in the way."""


def run_python(code, **variables):
    """Run code; give the finished process. ``variables`` of None are taken out of the environment."""
    where = str(Path(kalshi_book.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": where, **variables}
    environment = {name: value for name, value in environment.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-W", "default", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
