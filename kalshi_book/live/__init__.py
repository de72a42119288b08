"""The live client: books kept right through everything that connections do. ``kb.connect`` is its door.

Importing this loads asyncio, ``websockets`` and, once a key is read, ``cryptography``; ``import kalshi_book`` does not.
docs/client.md has the whole of it.
"""

from .auth import KeySigner, Signer
from .client import Live
from .consumers import Stream
from .desire import LiveBooks
from .entry import connect
from .hub import World
from .metrics import AGES, BOUNDS_NS, Ages, Metrics
from .queues import ConflatedUpdate

__all__ = [
    "AGES",
    "BOUNDS_NS",
    "Ages",
    "ConflatedUpdate",
    "KeySigner",
    "Live",
    "LiveBooks",
    "Metrics",
    "Signer",
    "Stream",
    "World",
    "connect",
]
