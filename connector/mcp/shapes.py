"""Schemas as MCP clients take them, and values that fit them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from connector.schema import Schema

_OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    "string": frozenset(
        {
            "minLength",
            "maxLength",
            "pattern",
            "format",
            "contentMediaType",
            "contentEncoding",
            "contentSchema",
        }
    ),
    "array": frozenset(
        {
            *("items", "prefixItems", "contains", "minContains", "maxContains"),
            *("minItems", "maxItems", "uniqueItems", "unevaluatedItems"),
        }
    ),
    "object": frozenset(
        {
            *("properties", "patternProperties", "additionalProperties", "unevaluatedProperties"),
            *("propertyNames", "required", "minProperties", "maxProperties"),
            *("dependentRequired", "dependentSchemas"),
        }
    ),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
}
"""The keywords that say something about values of one type, and nothing about all others."""
_OF_ANY_KIND: Final = frozenset().union(*_OF_KIND.values())

_SCHEMAS_BY_NAME: Final = {"properties", "patternProperties", "dependentSchemas", "$defs"}
_LISTS_OF_SCHEMAS: Final = {"allOf", "anyOf", "oneOf", "prefixItems"}
_SCHEMAS: Final = {
    *("items", "contains", "not", "if", "then", "else", "propertyNames", "contentSchema"),
    *("additionalProperties", "unevaluatedItems", "unevaluatedProperties"),
}


def portable(schema: Schema) -> dict[str, Any]:
    """The same schema, for clients whose dialect has one type at a time: `type: [a, b]` becomes `anyOf`.

    Both accept the same values. The schema itself is left as it is.
    """
    given = {key: _portable(key, value) for key, value in schema.items()}
    kinds = given.get("type")
    if not isinstance(kinds, list):
        return given
    given.pop("type")
    branches = [
        {"type": kind, **{key: given[key] for key in given if key in _keywords(kind)}} for kind in kinds
    ]
    rest = {key: value for key, value in given.items() if key not in _OF_ANY_KIND}
    # what says something about a type that is not among them says nothing
    return (
        {**rest, "allOf": [*rest.get("allOf", ()), {"anyOf": branches}]}
        if "anyOf" in rest
        else {
            **rest,
            "anyOf": branches,
        }
    )


def without_nulls(schema: Schema, value: Any) -> Any:
    """An output without the nulls that stand for what an answer does not have: then it fits its schema.

    In an object of no declared form, such as an answer's own JSON, null is a value and stays.
    """
    if isinstance(value, list):
        items = schema.get("items", {})
        return [without_nulls(items, item) for item in value] if _holds_rows(items) else value
    declared = schema.get("properties")
    if not isinstance(value, dict) or declared is None:
        return value
    return {
        name: without_nulls(declared.get(name, {}), inner)
        for name, inner in value.items()
        if inner is not None or name not in declared
    }


def _holds_rows(schema: Schema) -> bool:
    return "properties" in schema or "items" in schema


def _keywords(kind: str) -> frozenset[str]:
    return _OF_KIND.get("number" if kind == "integer" else kind, frozenset())


def _portable(keyword: str, value: Any) -> Any:
    below: Callable[[Any], Any] = lambda inner: portable(inner) if isinstance(inner, Mapping) else inner  # noqa: E731
    if keyword in _SCHEMAS_BY_NAME:
        return {name: below(inner) for name, inner in value.items()}
    if keyword in _LISTS_OF_SCHEMAS:
        return [below(inner) for inner in value]
    return below(value) if keyword in _SCHEMAS else value
