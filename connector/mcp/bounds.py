"""Results of a bounded size: what is longer is cut, and it is said what and where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

MAX_RESULT: Final = 8 * 1024 * 1024
"""Bytes of JSON of all outputs together."""
MAX_TEXT: Final = 1024 * 1024
"""Characters of the readable form."""


def bounded(
    outputs: Mapping[str, Any], required: frozenset[str], most: int = MAX_RESULT
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The outputs in at most so many bytes, and a sentence for each that was cut.

    The small ones stay whole. Of a text the beginning is kept, of a list the first items; an object cannot be
    cut, and is left out unless it has to be there.
    """
    sizes = {name: _size(value) for name, value in outputs.items()}
    if sum(sizes.values()) <= most:
        return dict(outputs), ()
    kept: dict[str, Any] = {}
    notes = []
    left, waiting = most, len(outputs)
    for name in sorted(sizes, key=lambda name: sizes[name]):
        share = left // waiting
        value, note = _cut(outputs[name], share) if sizes[name] > share else (outputs[name], None)
        if note is not None:
            notes.append(f"{name} holds {note}.")
        if value is not None or name in required:
            kept[name] = outputs[name] if value is None else value
            left -= _size(kept[name])
        waiting -= 1
    return {name: kept[name] for name in outputs if name in kept}, tuple(notes)


def cut_text(text: str, most: int = MAX_TEXT) -> tuple[str, str | None]:
    """The beginning of a text, and what to say of it if it was cut."""
    if len(text) <= most:
        return text, None
    return text[:most], f"the first {most:,} of {len(text):,} characters"


def _cut(value: Any, most: int) -> tuple[Any, str | None]:
    if isinstance(value, str):
        beginning = value[:most]
        while (excess := _size(beginning) - most) > 0:
            beginning = beginning[
                : len(beginning) - max(1, excess // 6)
            ]  # no character takes more than 6 bytes
        return beginning, f"the first {len(beginning):,} of {len(value):,} characters"
    if isinstance(value, list):
        room, count = most - 2, 0
        while count < len(value) and (room := room - _size(value[count]) - 2) >= 0:
            count += 1
        return value[:count], f"the first {count:,} of {len(value):,} items"
    return None, "more than fits, and is left out"


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
