"""The declared types of outputs, as functions: a value of another type is told, rows get every declared column.

A column may be null, unless its row's schema requires it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from connector.evaluate import type_name
from connector.schema import Schema

Typed = Callable[[Any], Any]
"""Gives a value that is not null as its output has it, or raises Mismatch."""


class Mismatch(Exception):
    """A value of another type than is declared. `path` leads from the output to it, such as `[3].url`."""

    def __init__(self, expected: str, got: Any) -> None:
        super().__init__(f"{expected} expected, got {type_name(got)}")
        self.expected = expected
        self.got = type_name(got)
        self.path = ""


def typed(schema: Schema) -> Typed:
    """The function for one output, or for a part of it."""
    kind = schema.get("type")
    if kind == "array":
        return _list(schema.get("items", {}), type_word(schema))
    if kind == "object" and "properties" in schema:
        return _row(schema["properties"], schema.get("required", ()), type_word(schema))
    if kind == "integer":
        return _whole_number(type_word(schema))
    accepted = _ACCEPTED.get(str(kind))
    return _scalar(accepted, type_word(schema)) if accepted else lambda value: value


def type_word(schema: Schema) -> str:
    """The type that a schema names, in the words of people."""
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list"}
    kind = str(schema.get("type", "a value"))
    return words.get(kind, kind)


_ACCEPTED: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
}
_EXACT = {"string": str, "boolean": bool, "integer": int, "number": float}


class _NoValue:
    """The type that no value has."""


def exact_type(schema: Schema) -> type:
    """The Python type whose values stand as they are, so that `typed` need not be asked."""
    return _EXACT.get(str(schema.get("type")), _NoValue)


def _scalar(accepted: tuple[type, ...], word: str) -> Typed:
    def give(value: Any) -> Any:
        if not isinstance(value, accepted) or (isinstance(value, bool) and bool not in accepted):
            raise Mismatch(word, value)
        return value

    return give


def _whole_number(word: str) -> Typed:
    def give(value: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Mismatch(word, value)
        return value

    return give


def _list(schema: Schema, word: str) -> Typed:
    of_item, exact = typed(schema), exact_type(schema)

    def give(value: Any) -> Any:
        if not isinstance(value, list):
            raise Mismatch(word, value)
        items: list[Any] = []
        try:
            for item in value:
                items.append(item if type(item) is exact else of_item(item))  # noqa: PERF401 - counted below
        except Mismatch as mismatch:
            mismatch.path = f"[{len(items)}]{mismatch.path}"
            raise
        return items

    return give


def _row(columns: Mapping[str, Schema], required: Collection[str], word: str) -> Typed:
    prepared = [
        (name, exact_type(schema), typed(schema), name not in required) for name, schema in columns.items()
    ]
    names = list(columns)

    def give(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(word, value)
        if list(value) == names:
            for name, exact, _, may_be_null in prepared:
                inner = value[name]
                if type(inner) is not exact and not (inner is None and may_be_null):
                    break
            else:
                return value  # as an expression made it: most rows
        row: dict[str, Any] = {}
        try:
            for name, exact, of_column, may_be_null in prepared:
                inner = value.get(name)
                stands = type(inner) is exact or (inner is None and may_be_null)
                row[name] = inner if stands else of_column(inner)
        except Mismatch as mismatch:
            mismatch.path = f".{name}{mismatch.path}"
            raise
        return row

    return give
