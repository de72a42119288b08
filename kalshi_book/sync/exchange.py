"""The simulated exchange of ``kb.sync.connect("sim")``, which lives in the client's thread, for other threads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from .portal import Portal

_PARTS: Final = frozenset({"crowd", "faults", "life", "orders"})


class Exchange:
    """Looks like what ``kb.sim.serve`` gives; all that is read, set or called is done in the client's thread.

    Args:
        portal: into it.
        target: finds the exchange, or a part of it.
    """

    __slots__ = ("_portal", "_target")

    def __init__(self, portal: Portal, target: Callable[[], Any]) -> None:
        object.__setattr__(self, "_portal", portal)
        object.__setattr__(self, "_target", target)

    def __getattr__(self, name: str) -> Any:
        portal, target = self._portal, self._target
        if name in _PARTS:
            return Exchange(portal, lambda: getattr(target(), name))
        value = portal.call(lambda: getattr(target(), name))
        if not callable(value):
            return value

        @functools.wraps(value)
        def call(*args: Any, **kwargs: Any) -> Any:
            return portal.call(lambda: value(*args, **kwargs))

        return call

    def __setattr__(self, name: str, value: object) -> None:
        self._portal.call(lambda: setattr(self._target(), name, value))

    def __repr__(self) -> str:
        return f"<Exchange in the client's thread: {self._target()!r}>"
