"""Changing a value until it does what is asked of it, in a bounded number of tries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, islice
from typing import Any, Final

from connector.mock.places import Place, changed

Move = tuple[Place, Any]
"""A place, and what to put there."""
Cost = tuple[int, int]
"""What is wrong, and what could be better; (0, 0) is perfect."""

_MOST_ROUNDS: Final = 8
_MOST_PAIRS: Final = 1_500


def improved(
    value: Any, moves: Callable[[Any], Sequence[Move]], cost: Callable[[Any], Cost]
) -> tuple[Any, Cost]:
    """The value after the moves that help, one after the other, and what it costs in the end.

    Args:
        value: where to begin.
        moves: the moves that could help a value.
        cost: of a value.
    """
    best = cost(value)
    for _ in range(_MOST_ROUNDS):
        if best == (0, 0):
            break
        steps = list(moves(value))
        tried = [_tried(value, (step,), cost) for step in steps]
        if best[0] and min((found for found, _ in tried), default=best)[0] >= best[0]:
            tried += [
                _tried(value, pair, cost) for pair in islice(combinations(steps, 2), _MOST_PAIRS)
            ]  # no single step helps: two may
        found, after = min(tried, key=lambda one: one[0], default=(best, value))
        if found >= best:
            break
        value, best = after, found
    return value, best


def _tried(value: Any, steps: Sequence[Move], cost: Callable[[Any], Cost]) -> tuple[Cost, Any]:
    for place, new in steps:
        value = changed(value, place, new)
    return cost(value), value
