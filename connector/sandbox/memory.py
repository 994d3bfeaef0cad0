"""What the sandbox remembers between requests: in memory only, for each key apart, and bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")

_MOST_ITEMS = 1000
_MOST_BYTES = 128 * 1024 * 1024
_MOST_ARRIVING = 128 * 1024 * 1024


class Shelf(Generic[Item]):
    """Items by key and id. When it is full, the oldest make room."""

    def __init__(self, most_items: int = _MOST_ITEMS, most_bytes: int = _MOST_BYTES) -> None:
        self._items: dict[tuple[str, str], tuple[Item, int]] = {}
        self._most_items = most_items
        self._most_bytes = most_bytes
        self._bytes = 0

    def put(self, key: str, name: str, item: Item, size: int) -> None:
        """Keep an item of about `size` bytes; one of the same name is replaced."""
        self.drop(key, name)
        self._items[key, name] = (item, size)
        self._bytes += size
        while len(self._items) > 1 and (
            len(self._items) > self._most_items or self._bytes > self._most_bytes
        ):
            self.drop(*next(iter(self._items)))

    def get(self, key: str, name: str) -> Item | None:
        found = self._items.get((key, name))
        return found[0] if found else None

    def drop(self, key: str, name: str) -> None:
        _, size = self._items.pop((key, name), (None, 0))
        self._bytes -= size

    def all_of(self, key: str) -> Iterator[Item]:
        """A key's items, oldest first."""
        return (item for (owner, _), (item, _) in self._items.items() if owner == key)


class Share:
    """What one request holds of the room that all have. `size` is in bytes, and stops where the room ends."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self.size = 0

    def grow(self, size: int) -> bool:
        """Whether there was room for so many bytes more."""
        if self._held.free < size:
            return False
        self._held.free -= size
        self.size += size
        return True


class Held:
    """The room for the bodies that are arriving; `free` is what is left of it, in bytes."""

    def __init__(self, most: int = _MOST_ARRIVING) -> None:
        self.free = most

    @contextmanager
    def share(self) -> Iterator[Share]:
        """A share that is given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.free += share.size
