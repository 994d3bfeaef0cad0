"""JSON values as the strict YAML of `document`, laid out as the shipped manifests are.

Block style, in the given order; schemas and lists of words that fit in a line stand in it. A text is bare where
every YAML reader takes it for text, else quoted; a long one is folded, one of several lines stands line by line.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from connector.document import is_text

_WIDTH: Final = 110
_LEAST: Final = 40  # characters of a line, however deep it stands
_LONGEST_KEY: Final = 300  # of one written before its colon: YAML reads 1024 characters, escapes included

# What a text may begin with that is not in quotes, and what ends it. A `: ` and a ` #` end it anywhere.
_BARE: Final = re.compile(r"(?!---|\.\.\.)(?:-(?=[^\s-])|[^\s\"'#&*!|>%@`,\[\]{}?:=-])")
_ENDED: Final = re.compile(r":(?=\s|\Z)|\s#|\s\Z")
_NOT_IN_FLOW: Final = re.compile(r"[,\[\]{}?:]")


def yaml_text(value: Any) -> str:
    """A JSON value as a whole YAML document; empty lines set the sections of a mapping apart.

    Raises:
        ValueError: it holds what no YAML can: NaN, an infinite number, half of a surrogate pair.
    """
    if not isinstance(value, Mapping) or not value:
        first, *others = _lines(value, _WIDTH)
        is_block = isinstance(value, str)
        return "\n".join([first, *(_indented(others) if is_block else others), ""])
    text, was_long = "", False
    for name, inner in value.items():
        lines = list(_entry(str(name), inner, _WIDTH))
        is_long = len(lines) > 1 and not isinstance(inner, str)
        text += "\n" if text and (is_long or was_long) else ""
        text += "\n".join([*lines, ""])
        was_long = is_long
    return text


def _lines(value: Any, room: int, key: str = "") -> list[str]:
    """The lines of a value, indented from 0: of a text in a block, without the block's indentation."""
    line = _in_line(value, room, key)
    return _block(value, room) if line is None else [line]


def _block(value: Any, room: int) -> list[str]:
    if isinstance(value, Mapping):
        return [line for name, inner in value.items() for line in _entry(str(name), inner, room)]
    if isinstance(value, list | tuple):
        return [line for item in value for line in _item(item, room)]
    return _folded(value, room) or _literal(value) or [_quoted(value)]


def _entry(name: str, value: Any, room: int) -> Iterator[str]:
    key = _word(name, as_key=True)
    if len(key) > _LONGEST_KEY:
        yield f"? {key}"
        key = ""
    if (line := _in_line(value, room - len(key) - 2, name)) is not None:
        yield f"{key}: {line}"
        return
    lines = _block(value, room - 2)
    if isinstance(value, str):
        yield f"{key}: {lines[0]}"
        yield from _indented(lines[1:])
    else:
        yield f"{key}:"
        yield from _indented(lines)


def _item(value: Any, room: int) -> Iterator[str]:
    first, *others = _lines(value, room - 2)
    yield f"- {first}"
    yield from _indented(others)


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" if line else line for line in lines)


def _in_line(value: Any, room: int, key: str) -> str | None:
    """The value in one line, where that is how people would write it."""
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        is_small = isinstance(value.get("type"), str | list | tuple) or key == "inputs"
        line = _flow(value) if is_small and "properties" not in value else None
        return line if line and len(line) <= room else None
    if isinstance(value, list | tuple):
        if not value:
            return "[]"
        line = None if any(isinstance(item, Mapping) for item in value) else _flow(value)
        return line if line and len(line) <= room else None
    if isinstance(value, str):
        is_short = len(value) <= max(room, _LEAST) or "${{" in value  # an expression stays on its line
        return None if "\n" in value or not is_short else _word(value)
    return _number(value)


def _flow(value: Any) -> str | None:
    """The value between brackets; None if it holds what should stand apart: rows, expressions, long texts."""
    if isinstance(value, Mapping):
        parts = [
            (name, _flow(inner)) for name, inner in value.items() if not isinstance(inner, Mapping) or inner
        ]
        if len(parts) < len(value) or any(inner is None for _, inner in parts):
            return None
        return (
            "{"
            + ", ".join(f"{_word(str(name), as_key=True, flow=True)}: {inner}" for name, inner in parts)
            + "}"
        )
    if isinstance(value, list | tuple):
        items = [_flow(item) for item in value]
        return None if None in items else "[" + ", ".join(filter(None, items)) + "]"
    if isinstance(value, str):
        return None if "\n" in value or "${{" in value else _word(value, flow=True)
    return _number(value)


def _number(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"JSON has no number {value}")
    return json.dumps(value)


@lru_cache(maxsize=4096)
def _word(text: str, *, as_key: bool = False, flow: bool = False) -> str:
    """A text of one line: bare, or in quotes."""
    is_bare = (
        _BARE.match(text)
        and text.isprintable()
        and not _ENDED.search(text)
        and not (flow and _NOT_IN_FLOW.search(text))
        and not (as_key and text.startswith("? "))
        and is_text(text, as_key=as_key)
    )
    return text if is_bare else _quoted(text)


def _quoted(text: str) -> str:
    if ('"' in text or "\\" in text) and "'" not in text and text.isprintable():
        return f"'{text}'"
    return '"' + "".join(map(_escaped, text)) + '"'


_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError("a text holds half of a surrogate pair")
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _folded(text: str, room: int) -> list[str] | None:
    """A long text without line breaks, over several lines; None if that would not give it back."""
    words = text.split(" ")
    if not text.isprintable() or "" in words:
        return None
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > max(room, _LEAST):
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return [">-", *lines]


def _literal(text: str) -> list[str] | None:
    """A text of several lines, as it stands; None if that would not give it back."""
    lines = text.removesuffix("\n").split("\n")
    is_plain = all(line.isprintable() and (not line or line.strip()) for line in lines)
    if not is_plain or not lines[0] or lines[0].startswith(" ") or not lines[-1]:
        return None
    return ["|" if text.endswith("\n") else "|-", *lines]
