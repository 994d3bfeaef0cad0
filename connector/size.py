"""How much a value may hold: so much that no request needs more, so little that judging it takes no time."""

from __future__ import annotations

from typing import Any, Final

from connector.errors import Problem

MAX_BYTES: Final = 32 * 1024 * 1024  # the largest request that services of this kind take
MAX_VALUES: Final = 100_000
MAX_DEPTH: Final = 64


def size_problem(value: Any) -> Problem | None:
    """What is too much in a value; None if it is of a size that can be sent.

    Texts count with their bytes in UTF-8. What stands in two places counts twice, as it does in JSON. What is
    deeper than MAX_DEPTH is not looked at.
    """
    size, count = 0, 0
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                size += _bytes(item)
            elif isinstance(item, (list, dict)) and item:
                count += len(item)
                if count > MAX_VALUES:
                    return _too_much(f"hold more than {MAX_VALUES:,} values")
                below.extend(item)
                if isinstance(item, dict):
                    below.extend(item.values())
            if size > MAX_BYTES:
                return _too_much(f"are longer than {MAX_BYTES // 1024 // 1024} MiB")
        if not below:
            break
        level = below
    return None


def _bytes(text: str) -> int:
    # the half of a surrogate pair is told elsewhere
    long = text.isascii() or len(text) > MAX_BYTES
    return len(text) if long else len(text.encode("utf-8", "surrogatepass"))


def _too_much(what: str) -> Problem:
    return Problem("inputs", f"They {what}; no request may.", "Send less at once, or in several requests.")
