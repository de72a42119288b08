"""Libraries that only some need: loaded when they are used, and a clear word where they are not there."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import MissingLibrary


def needed(module: str, *, what: str, extra: str) -> Any:
    """Import a module of an optional library.

    Args:
        module: its name.
        what: what needs it, for the error.
        extra: the extra of this package that brings it.

    Raises:
        MissingLibrary: it is not installed.
    """
    library = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != library:
            raise  # it is there, and lacks something itself
        raise MissingLibrary(library, what=what, extra=extra) from None
