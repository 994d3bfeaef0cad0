"""What event loops cannot share: whoever waits in one is not woken from another, so each has its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    import asyncio

Kind = TypeVar("Kind")


class OfEachLoop(Generic[Kind]):
    """A lock or semaphore of asyncio for each event loop, made when one is first asked for there.

    Whoever has one, or waits for it, holds it, and nobody else does: it holds its loop, which would never be
    collected. Where nobody does it is free, and another is as good.
    """

    def __init__(self, make: Callable[[], Kind]) -> None:
        import asyncio  # noqa: PLC0415 - it takes long to import, and is there already where this is used

        self._loop = asyncio.get_running_loop
        self._make = make
        self._known: WeakValueDictionary[asyncio.AbstractEventLoop, Kind] = WeakValueDictionary()

    def here(self) -> Kind:
        """That of the running loop."""
        loop = self._loop()
        found = self._known.get(loop)
        if found is None:
            found = self._known[loop] = self._make()
        return found
