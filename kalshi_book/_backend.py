"""Chooses the core, once, in the open: the compiled one, or its plain Python twin.

``KALSHI_BOOK_PURE=1`` in the environment asks for the twin. A compiled core that is missing is warned about, since the
twin is many times slower.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

__all__ = ["IMPLEMENTATION", "BookCore", "FeedCore", "Level", "SidState", "Update", "own_methods"]

IMPLEMENTATION: str
"""Which core runs: ``"compiled"`` or ``"python"``."""

if TYPE_CHECKING:
    from ._core import BookCore, FeedCore, Level, SidState, Update, own_methods

    IMPLEMENTATION = "compiled"
elif os.environ.get("KALSHI_BOOK_PURE") == "1":
    from ._pycore import BookCore, FeedCore, Level, SidState, Update, own_methods

    IMPLEMENTATION = "python"
else:
    try:
        from ._core import BookCore, FeedCore, Level, SidState, Update, own_methods

        IMPLEMENTATION = "compiled"
    except ModuleNotFoundError as error:
        if error.name != f"{__package__}._core":
            raise
        from ._pycore import BookCore, FeedCore, Level, SidState, Update, own_methods

        IMPLEMENTATION = "python"
        warnings.warn(
            "kalshi_book runs on its plain Python core, many times slower than the compiled one, which is not installed: "
            "install a wheel for this platform or build one with a C compiler; KALSHI_BOOK_PURE=1 asks for the plain core "
            "and silences this",
            RuntimeWarning,
            stacklevel=3,
        )
