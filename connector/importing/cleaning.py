"""Values and texts of a document as a manifest may hold them."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import Any, Final

from connector.importing.spec import text, whole
from connector.lint import SECRET_TEXT
from connector.lint_values import SENTENCES

_MAX_DEPTH: Final = 16
_MAX_VALUES: Final = 1000
_LONGEST_TEXT: Final = 4000
_MOST_DIGITS: Final = 40


class Unusable(ValueError):
    """A value that no manifest holds."""


def usable(value: Any) -> Any:
    """The value as JSON that a manifest may hold, copied.

    Raises:
        Unusable: it is too large, looks like a secret, or is not JSON.
    """
    copied, count = _copied(value, 0, 0)
    del count
    return copied


def _copied(value: Any, depth: int, count: int) -> tuple[Any, int]:
    count += 1
    if depth > _MAX_DEPTH or count > _MAX_VALUES:
        raise Unusable("it is too large")
    if value is None or isinstance(value, bool):
        return value, count
    if isinstance(value, str):
        if len(value) > _LONGEST_TEXT:
            raise Unusable("it is too long")
        if SECRET_TEXT.search(value):
            raise Unusable("it looks like a secret")
        return whole(value), count
    if isinstance(value, (int, float)):
        if not math.isfinite(value) or len(repr(value)) > _MOST_DIGITS:
            raise Unusable("it is no number of JSON")
        return value, count
    if isinstance(value, list):
        items = []
        for item in value:
            copied, count = _copied(item, depth + 1, count)
            items.append(copied)
        return items, count
    if isinstance(value, Mapping):
        fields = {}
        for key, inner in value.items():
            name = whole(str(key))
            if name in SENTENCES and isinstance(inner, str) and not inner.strip():
                raise Unusable(f"its {name} is empty")
            fields[name], count = _copied(inner, depth + 1, count)
        return fields, count
    raise Unusable("it is not JSON")


def prose(value: Any, longest: int) -> str:
    """A text for people: whole lines, no secrets, cut after a word where it is long."""
    found = "\n".join(_printable(line.rstrip()) for line in text(value).expandtabs(4).splitlines())
    found = SECRET_TEXT.sub("...", found).strip()
    if len(found) <= longest:
        return found
    return f"{found[:longest].rsplit(None, 1)[0]} ..."


def _printable(line: str) -> str:
    return line if line.isprintable() else "".join(filter(str.isprintable, line))


def shown(value: Any) -> str:
    """A value in a sentence: as JSON, and short."""
    try:
        said = json.dumps(usable(value), ensure_ascii=True)
    except Unusable:
        return "of another kind"
    return said if len(said) <= 60 else f"{said[:57]}..."


def listed(names: Collection[str], most: int = 12) -> str:
    """Names in a sentence: the first ones, and how many more there are."""
    shown_names = ", ".join(list(names)[:most])
    return shown_names if len(names) <= most else f"{shown_names} and {len(names) - most} more"
