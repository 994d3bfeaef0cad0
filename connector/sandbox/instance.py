"""A small JSON value that fits a JSON Schema: what a model would answer to `response_format`.

The schema comes from a client and may be anything, so nothing here trusts its parts to be well-formed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

_DEEPEST = 8
_MOST_NODES = 2000
_MOST_ITEMS = 100
_LONGEST_TEXT = 2000

_FORMATS = {
    "date": "2026-11-21",
    "date-time": "2026-11-21T09:00:00Z",
    "time": "09:00:00Z",
    "duration": "P1D",
    "email": "ada@people.example",
    "hostname": "docs.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://docs.example.com/",
    "url": "https://docs.example.com/",
    "uri-reference": "/synthetic",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
# Tried in turn against a `pattern`; a pattern that none fits is left unfulfilled. The short ones are safe
# with any pattern, however badly it backtracks.
_SHORT_TRIALS = (
    *("a", "A", "1", "-", "abc", "ABC", "Abc", "123", "a1", "A1", "AB", "ab", "12", "1234", "12345"),
    *("12.34", "1.0.0", "v1.0.0", "#000000", "A-1", "AB-12", "AB-123", "AB-1234", "ABC-123", "ABC-1234"),
    *("1970", "2026", "+123456789", "a-b", "a_b", "abc-def", "abc def", "Abc Def", "2026-11-21"),
)
_LONG_TRIALS = ("a" * 32, "0" * 64, *_FORMATS.values())
_LONGEST_PATTERN = 500
_SET_OPERATORS = re.compile(r"\[\[|--|&&|~~|\|\|")
_OPEN_ENDED = re.compile(r"[*+]|\{\d*,")
_REPEATED_GROUP = re.compile(r"\)[*+?{]")


def instance_of(schema: Any) -> Any:
    """A value that fits the schema, with every property it names; the same each time."""
    return _Writer(schema).value(schema, "value", 0)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _bound(schema: dict[str, Any], name: str) -> float | None:
    value = schema.get(name)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _length(schema: dict[str, Any], name: str, otherwise: int, most: int) -> int:
    value = _bound(schema, name)
    return otherwise if value is None else int(min(max(value, 0), most))


class _Writer:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._nodes = 0

    def value(self, schema: Any, name: str, depth: int) -> Any:
        self._nodes += 1
        if not isinstance(schema, dict) or self._nodes > _MOST_NODES or depth > 4 * _DEEPEST:
            return None
        schema = self._merged(schema)
        if "const" in schema:
            return schema["const"]
        if _rows(schema.get("enum")):
            return schema["enum"][0]
        for choice in ("anyOf", "oneOf"):
            options = [option for option in _rows(schema.get(choice)) if isinstance(option, dict)]
            if options:
                rest = {key: item for key, item in schema.items() if key != choice}
                first = next((option for option in options if option.get("type") != "null"), options[0])
                return self.value({**rest, **first}, name, depth + 1)
        return self._typed(schema, name, depth)

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema with its reference and its `allOf` written into it."""
        for _ in range(_DEEPEST):
            if isinstance(schema.get("$ref"), str):
                rest = {key: item for key, item in schema.items() if key != "$ref"}
                schema = {**self._referred(schema["$ref"]), **rest}
            elif _rows(schema.get("allOf")):
                parts = [part for part in schema["allOf"] if isinstance(part, dict)]
                schema = {key: item for key, item in schema.items() if key != "allOf"}
                for part in parts[:_MOST_ITEMS]:
                    schema = _joined(schema, part)
            else:
                break
        return schema

    def _referred(self, reference: str) -> dict[str, Any]:
        found = self._root
        for step in reference.removeprefix("#").strip("/").split("/") if reference.strip("#/") else ():
            found = _mapping(found).get(step.replace("~1", "/").replace("~0", "~"))
        return _mapping(found)

    def _typed(self, schema: dict[str, Any], name: str, depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        if kind is None:
            kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "string":
                return _text(schema, name)
            case "integer" | "number":
                return _number(schema, whole=kind == "integer")
            case "boolean":
                return True
            case _:
                return None

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = _mapping(schema.get("properties"))
        required = [name for name in _rows(schema.get("required")) if isinstance(name, str)]
        # Deep down only what is required is written, so that a schema that refers to itself ends.
        names = required if depth > _DEEPEST else [*properties, *required]
        extra = schema.get("additionalProperties")
        found = {
            name: self.value(properties.get(name, extra if isinstance(extra, dict) else {}), name, depth + 1)
            for name in dict.fromkeys(names)
        }
        for place in range(_length(schema, "minProperties", 0, _MOST_ITEMS) - len(found)):
            found[f"key{place + 1}"] = self.value(
                extra if isinstance(extra, dict) else {}, f"key{place + 1}", depth + 1
            )
        return found

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        first = _rows(schema.get("prefixItems"))[:_MOST_ITEMS]
        items = [self.value(part, name, depth + 1) for part in first]
        least = _length(schema, "minItems", 0 if depth > _DEEPEST else max(1, len(first)), _MOST_ITEMS)
        count = min(least, _length(schema, "maxItems", _MOST_ITEMS, _MOST_ITEMS))
        rest = schema.get("items", {})
        if rest is False:
            return items
        merged = self._merged(rest) if isinstance(rest, dict) else {}
        while len(items) < count:
            items.append(_varied(self.value(rest, name, depth + 1), merged, len(items)))
        return items[: max(count, len(first))]


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    joined = {**one, **other}
    if "properties" in one and "properties" in other:
        joined["properties"] = {**_mapping(one["properties"]), **_mapping(other["properties"])}
    if "required" in one and "required" in other:
        joined["required"] = [*_rows(one["required"]), *_rows(other["required"])]
    return joined


def _varied(value: Any, schema: dict[str, Any], place: int) -> Any:
    """The value for the nth place of a list, different from its neighbours where that is easy."""
    choices = _rows(schema.get("enum"))
    if choices:
        return choices[place % len(choices)]
    if place == 0 or "const" in schema:
        return value
    if isinstance(value, str) and not {"pattern", "format", "maxLength"} & schema.keys():
        return f"{value} {place + 1}"
    if isinstance(value, int) and not isinstance(value, bool):
        highest = _bound(schema, "maximum")
        step = _bound(schema, "multipleOf") or 1
        raised = value + place * int(step) if float(step).is_integer() else value
        return raised if highest is None or raised <= highest else value
    return value


def _text(schema: dict[str, Any], name: str) -> str:
    shortest = _length(schema, "minLength", 0, _LONGEST_TEXT)
    longest = _length(schema, "maxLength", _LONGEST_TEXT, _LONGEST_TEXT)
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        for trial in _matches(pattern):
            if shortest <= len(trial) <= longest:
                return trial
    form = schema.get("format")
    if isinstance(form, str) and form in _FORMATS:
        return _FORMATS[form]
    text = f"Synthetic {name[:40].replace('_', ' ')}"
    return text.ljust(shortest, ".")[:longest]


def _matches(pattern: str) -> Iterator[str]:
    """The trials that a pattern accepts. One that cannot be compiled, or only with a warning, has none."""
    if len(pattern) > _LONGEST_PATTERN or _SET_OPERATORS.search(pattern):
        return
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return
    trials: tuple[str, ...] = _SHORT_TRIALS
    if not _REPEATED_GROUP.search(pattern) and len(_OPEN_ENDED.findall(pattern)) <= 3:
        trials += _LONG_TRIALS
    yield from (trial for trial in trials if compiled.search(trial))


def _number(schema: dict[str, Any], *, whole: bool) -> float:
    low, high = _bound(schema, "minimum"), _bound(schema, "maximum")
    above, below = _bound(schema, "exclusiveMinimum"), _bound(schema, "exclusiveMaximum")
    step = _bound(schema, "multipleOf") or (1 if whole else None)
    if above is not None and (low is None or above >= low):
        low = above + (step or 1e-6 * max(1.0, abs(above)))
        if below is not None and low >= below:
            low = (above + below) / 2
    if below is not None and (high is None or below <= high):
        high = below - (step or 1e-6 * max(1.0, abs(below)))
    value: float = 1
    if low is not None:
        value = max(value, low)
    if high is not None:
        value = min(value, high)
    if step is not None and math.isfinite(value / step):
        value = math.ceil(value / step) * step
        if high is not None and value > high:
            value = math.floor(high / step) * step
    return int(value) if whole and math.isfinite(value) else value
