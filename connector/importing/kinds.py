"""The types of values, and values in the type that a document says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connector.importing.cleaning import Unusable, shown, usable
from connector.importing.spec import Node
from connector.scalars import frozen
from connector.schema_form import MAX_CHOICES

_KINDS: Final = {
    **{kind: kind for kind in ("string", "integer", "number", "boolean", "array", "object", "null")},
    **dict.fromkeys(("int", "long", "int32", "int64", "bigint"), "integer"),
    **dict.fromkeys(("float", "double", "decimal", "numeric"), "number"),
    **dict.fromkeys(("bool",), "boolean"),
    **dict.fromkeys(("str", "text", "date", "datetime", "date-time", "dateTime", "file", "uuid"), "string"),
    **dict.fromkeys(("list",), "array"),
    **dict.fromkeys(("dict", "map", "hash", "json"), "object"),
}


def kinds_of(flat: Node) -> list[str]:
    """The types of a flat schema, null included where it says so; none where it does not tell."""
    said = flat.get("type")
    listed = said if isinstance(said, list) else [said]
    kinds = [_KINDS[kind] for kind in listed if isinstance(kind, str) and kind in _KINDS]
    if not kinds and not (flat.get("oneOf") or flat.get("anyOf")):
        if isinstance(flat.get("properties"), Mapping) or isinstance(
            flat.get("additionalProperties"), Mapping
        ):
            kinds = ["object"]
        elif isinstance(flat.get("items"), Mapping):
            kinds = ["array"]
        elif (
            isinstance(flat.get("enum"), list) and all(isinstance(v, str) for v in flat["enum"])
        ) or isinstance(flat.get("pattern"), str):
            kinds = ["string"]
    elif not kinds and isinstance(flat.get("properties"), Mapping):
        kinds = ["object"]
    if kinds and (flat.get("nullable") is True or flat.get("x-nullable") is True):
        kinds.append("null")
    return list(dict.fromkeys(kinds))


def choices_of(flat: Node, kinds: list[str], left_out: set[str]) -> list[Any]:
    """The values of enum or const that are of the types."""
    said = flat["enum"] if isinstance(flat.get("enum"), list) else [flat["const"]] if "const" in flat else []
    made: dict[Any, Any] = {}
    for value in said[:MAX_CHOICES]:
        try:
            choice = of_kind(usable(value), kinds)
        except Unusable:
            left_out.add(f"the choice {shown(value)}")
            continue
        made.setdefault(frozen(choice), choice)
    if len(said) > MAX_CHOICES:
        left_out.add(f"{len(said):,} choices")
        return []
    return list(made.values())


def of_kind(value: Any, kinds: list[str]) -> Any:
    """A choice, in the type that is said: YAML takes a text of digits for a number.

    Raises:
        Unusable: it is of another type.
    """
    if not kinds or kind_of(value) in kinds or (kind_of(value) == "integer" and "number" in kinds):
        return value
    if "string" in kinds and isinstance(value, (bool, int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, str) and {"integer", "number"} & set(kinds):
        try:
            return int(value) if "integer" in kinds else float(value)
        except ValueError:
            pass
    if isinstance(value, str) and "boolean" in kinds and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise Unusable("it is of another type")


def kind_of(value: Any) -> str:
    """The JSON type of a value."""
    names = {
        bool: "boolean",
        int: "integer",
        float: "number",
        str: "string",
        list: "array",
        type(None): "null",
    }
    return names.get(type(value), "object")


def kinds_said(flat: Node) -> set[str]:
    """The types that an answer's schema names, null apart. What is a list only by its `items` may be anything."""
    kinds = set(kinds_of(flat)) - {"null"}
    return set() if kinds == {"array"} and "type" not in flat else kinds
