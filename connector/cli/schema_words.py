"""JSON Schema in people's words: one row for each field, nested ones below their parent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Row = tuple[str, str, str, str]

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "array": "list",
    "null": "null",
}
_PLURALS = {
    "string": "texts",
    "integer": "whole numbers",
    "number": "numbers",
    "object": "objects",
    "array": "lists",
}


def field_rows(schema: Schema, depth: int = 0) -> Iterator[Row]:
    """(name, type, required, description) of each property, in the manifest's order."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield "  " * depth + name, type_words(field), "yes" if name in required else "", about(name, field)
        yield from field_rows(field, depth + 1)
        items = field.get("items")
        if isinstance(items, Mapping):
            yield from field_rows(items, depth + 1)


def type_words(schema: Schema) -> str:
    """The type of a value: `text or list of texts`."""
    kinds = schema.get("type", ())
    words = []
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        word = _TYPES.get(kind, str(kind))
        items = schema.get("items")
        of = items.get("type") if kind == "array" and isinstance(items, Mapping) else None
        words.append(f"{word} of {_PLURALS.get(of, 'values')}" if isinstance(of, str) else word)
    return " or ".join(words) or "anything"


def about(name: str, schema: Schema) -> str:
    """What the field is for, what it may be, and what stands there if it is left out."""
    sentences = [str(schema.get("description") or _title(name, schema))]
    if choices := schema.get("enum"):
        sentences.append(f"One of: {', '.join(map(_value, choices))}.")
    sentences.extend(_limits(schema))
    if "default" in schema:
        sentences.append(f"Default: {_value(schema['default'])}.")
    return " ".join(sentence for sentence in sentences if sentence)


def _title(name: str, schema: Schema) -> str:
    """The title as a sentence; nothing if it only repeats the name."""
    title = str(schema.get("title", ""))
    return f"{title}." if title and title.lower().replace(" ", "_") != name else ""


def _limits(schema: Schema) -> Iterator[str]:
    yield _between(schema.get("minimum"), schema.get("maximum"), "")
    yield _between(schema.get("minLength"), schema.get("maxLength"), " characters")
    yield _between(schema.get("minItems"), schema.get("maxItems"), " items")


def _between(least: Any, most: Any, unit: str) -> str:
    if least in (None, 0, 1) and unit and most is None:
        return ""  # "1 character or more" only says that it is not empty
    if least is not None and most is not None:
        return f"{least} to {most}{unit}."
    if least is not None:
        return f"{least}{unit} or more."
    return f"At most {most}{unit}." if most is not None else ""


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
