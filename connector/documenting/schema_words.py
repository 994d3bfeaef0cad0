"""JSON Schema in people's words: one row for each field, nested ones below their parent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class FieldWords:
    """What there is to say of one field of an object, or of one inside it."""

    name: str
    path: str
    """`messages[].role`."""
    depth: int
    type: str
    is_required: bool
    about: str
    """A sentence or several; what may be left out stands in `default`."""
    default: str | None


def fields(schema: Schema, depth: int = 0, above: str = "") -> Iterator[FieldWords]:
    """Each property, in the manifest's order, those inside it below it."""
    required = schema.get("required", ())
    for name, declared in schema.get("properties", {}).items():
        field = declared if isinstance(declared, Mapping) else {}  # true: anything
        path = f"{above}.{name}" if above else name
        default = _value(field["default"]) if "default" in field else None
        yield FieldWords(name, path, depth, type_words(field), name in required, _about(name, field), default)
        yield from fields(field, depth + 1, path)
        items = field.get("items")
        if isinstance(items, Mapping):
            yield from fields(items, depth + 1, f"{path}[]")


def field_rows(schema: Schema) -> Iterator[Row]:
    """(name, type, required, description) of each property, those inside it indented."""
    for one in fields(schema):
        default = "" if one.default is None else f"Default: {one.default}."
        about = " ".join(filter(None, (one.about, default)))
        yield "  " * one.depth + one.name, one.type, "yes" if one.is_required else "", about


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


def _about(name: str, schema: Schema) -> str:
    """What the field is for, and what it may be."""
    sentences = [str(schema.get("description") or _title(name, schema))]
    if choices := schema.get("enum"):
        sentences.append(f"One of: {', '.join(map(_value, choices))}.")
    sentences.extend(_limits(schema))
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
