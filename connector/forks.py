"""A process that was forked has none of the other threads of the one that it was made from: what they held is free.

A lock that one of them had when it was forked would stay locked for good.
"""

from __future__ import annotations

import os
from typing import Final, Protocol
from weakref import WeakSet


class Forked(Protocol):
    """What threads share."""

    def forked(self) -> None:
        """Only the thread that called fork() is left."""


def watch(one: Forked) -> None:
    """Tell it in each process that is forked, for as long as there is anybody who uses it."""
    _WATCHED.add(one)


def _forked() -> None:
    for one in list(_WATCHED):
        one.forked()


_WATCHED: Final[WeakSet[Forked]] = WeakSet()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forked)
