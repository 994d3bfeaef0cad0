"""What a request's method says of an action: whether it may be run twice, and what clients ask people before."""

from __future__ import annotations

from typing import Final

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_REPEATABLE: Final = frozenset({*_READING, "PUT", "DELETE"})
_REPLACING: Final = frozenset({"PUT", "PATCH", "DELETE"})


def effects(method: str) -> dict[str, bool]:
    """The action's `reads_only`, `idempotent` and, where it is so, `destructive`; the method in capitals."""
    told = {"reads_only": method in _READING, "idempotent": method in _REPEATABLE}
    return {**told, "destructive": True} if method in _REPLACING else told
