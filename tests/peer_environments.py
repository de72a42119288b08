"""Packages of others in environments of their own, installed from the package index into a cache: ``make peers``."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "kalshi-book", "peers")


@cache
def environment(name, pinned):
    """Give the interpreter of an environment with a package in it, or say why there is none."""
    folder = CACHE / f"{name}-{pinned}-python{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    why_not = _install(folder, [[sys.executable, "-m", "venv", "--clear", folder], [python, *_PIP, f"{name}=={pinned}"]])
    return (None, why_not) if why_not else (python, None)


@cache
def folder_for(python, name, pinned):
    """Give a folder with a package for an interpreter that makes no environments, or say why there is none."""
    folder = CACHE / f"{name}-{pinned}-{Path(python).name}"
    why_not = _install(folder, [[python, *_PIP, "--upgrade", "--target", folder, f"{name}=={pinned}"]])
    return (None, why_not) if why_not else (folder, None)


_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def _install(folder, commands):
    """Run what installs, once for all time. Returns why it failed, or None."""
    done = folder / "installed"
    for command in () if done.exists() else commands:
        try:
            made = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if made.returncode:
            said = (made.stderr or made.stdout).strip().splitlines() or ["no reason given"]
            return said[-1]
    done.touch()
    return None
