"""The client in plain loops, for programs without asyncio: ``with kb.sync.connect(...) as live: for update in live: ...``.

It is the client of ``kb.connect`` in a thread of its own (``portal.py``); docs/sync.md has the whole of it.
"""

from .client import Live, connect
from .streams import Stream

__all__ = ["Live", "Stream", "connect"]
