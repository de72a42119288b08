"""What needs a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys


def numbers_from(program: str, *arguments: str, **environment: str) -> list[int]:
    """Run a program in a fresh interpreter and read the whole numbers that it prints."""
    command = [sys.executable, "-c", program, *arguments]
    # Byte code is kept, as it is wherever a package was installed.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | environment
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=variables)
    return [int(line) for line in done.stdout.split()]
