"""The JSON Schema of a value, inferred from samples of it: types and fields, and nothing that other values break."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

_KINDS: Final = ("string", "number", "integer", "boolean", "array", "object", "null")


def kind_of(value: Any) -> str:
    """The type of JSON Schema that a value has."""
    if value is None:
        return "null"
    kinds = {bool: "boolean", str: "string", int: "integer", float: "number", list: "array"}
    return kinds.get(type(value), "object")


def inferred(samples: Iterable[Any]) -> dict[str, Any]:
    """A schema that all samples fit. `{}`, which anything fits, if there are none.

    No field is required: a sample does not tell. A whole number among others that are not is a number.
    """
    values = list(samples)
    kinds = {kind_of(value) for value in values}
    if "number" in kinds:
        kinds.discard("integer")
    named = [kind for kind in _KINDS if kind in kinds]
    if not named or named == ["null"]:
        return {}
    schema: dict[str, Any] = {"type": named[0] if len(named) == 1 else named}
    if "object" in kinds:
        schema |= _fields([value for value in values if isinstance(value, Mapping)])
    if "array" in kinds:
        items = inferred(item for value in values if isinstance(value, list) for item in value)
        schema |= {"items": items} if items else {}
    return schema


def _fields(objects: list[Mapping[str, Any]]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for one in objects for name in one))
    if not names:
        return {}
    properties = {name: inferred(one[name] for one in objects if name in one) for name in names}
    return {"properties": properties}
