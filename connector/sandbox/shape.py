"""A small language for the shapes of request bodies, and the check that answers as the API does.

Null stands for absent, as in the API's own decoder. In a closed object an unknown field is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.body import json_type
from connector.sandbox.refusal import Refused, invalid, malformed

_INT64 = 2**63


@dataclass(frozen=True)
class Text:
    choices: tuple[str, ...] = ()
    longest: int | None = None
    empty: bool = True


@dataclass(frozen=True)
class Number:
    low: float | None = None
    high: float | None = None
    whole: bool = False


@dataclass(frozen=True)
class Flag:
    pass


@dataclass(frozen=True)
class Open:
    """Any JSON object; what is inside is not looked at."""


@dataclass(frozen=True)
class Anything:
    """Any JSON value."""


@dataclass(frozen=True)
class Rows:
    item: Shape
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Fields:
    known: Mapping[str, Shape]
    required: tuple[str, ...] = ()
    closed: bool = True


@dataclass(frozen=True)
class Table:
    """An object with any keys, whose values all have one shape."""

    value: Shape
    most: int | None = None


@dataclass(frozen=True)
class Tagged:
    """An object whose `type` says which fields it has."""

    cases: Mapping[str, Fields]
    default: str | None = None


@dataclass(frozen=True)
class Either:
    """One shape for each JSON type that is allowed: `string`, `array`, `object`."""

    by_type: Mapping[str, Shape] = field(default_factory=dict)


Shape = Text | Number | Flag | Open | Anything | Rows | Fields | Table | Tagged | Either

_WANTED = {
    Text: "string",
    Flag: "bool",
    Open: "object",
    Rows: "array",
    Fields: "object",
    Table: "object",
    Tagged: "object",
}


def whole(low: float | None = None, high: float | None = None) -> Number:
    return Number(low, high, whole=True)


def one_of(*choices: str) -> Text:
    return Text(choices)


def mistyped(value: Any, path: str, wanted: str) -> Refused:
    """A value of the wrong JSON type; the whole body where the path is empty."""
    place = f'field "{path}"' if path else "request"
    return malformed(f"json: cannot unmarshal {json_type(value)} into {place} of type {wanted}", path or None)


def check(value: Any, shape: Shape, path: str = "") -> None:
    """Pass over a value that fits.

    Raises:
        Refused: naming the first field that does not fit.
    """
    if isinstance(shape, Anything):
        return
    if isinstance(shape, Either):
        found = shape.by_type.get(json_type(value))
        if found is None:
            raise mistyped(value, path, " or ".join(shape.by_type))
        check(value, found, path)
    elif isinstance(shape, Number):
        _check_number(value, shape, path)
    else:
        if json_type(value) != _WANTED[type(shape)]:
            raise mistyped(value, path, _WANTED[type(shape)])
        _check_content(value, shape, path)


def _check_content(value: Any, shape: Shape, path: str) -> None:
    match shape:
        case Text():
            _check_text(value, shape, path)
        case Rows():
            _check_rows(value, shape, path)
        case Fields():
            _check_fields(value, shape, path)
        case Table():
            _check_table(value, shape, path)
        case Tagged():
            check(value, _case(value, shape, path), path)
        case _:
            pass


def _check_number(value: Any, shape: Number, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int if shape.whole else (int, float)):
        raise mistyped(value, path, "integer" if shape.whole else "number")
    low = -_INT64 if shape.low is None else shape.low
    high = _INT64 if shape.high is None else shape.high
    if low <= value <= high:
        return
    if shape.high is None:
        raise invalid(f"{path} must be at least {low}", path)
    raise invalid(f"{path} must be between {low} and {high}", path)


def _check_text(value: str, shape: Text, path: str) -> None:
    if shape.choices and value not in shape.choices:
        raise invalid(f"{path} must be one of: {' '.join(shape.choices)}", path)
    if not shape.empty and not value.strip():
        raise invalid(f"{path} must not be empty", path)
    if shape.longest is not None and len(value) > shape.longest:
        raise invalid(f"{path} must have at most {shape.longest} characters", path)


def _check_rows(value: list[Any], shape: Rows, path: str) -> None:
    if len(value) < shape.least:
        raise invalid(f"{path} must have at least {shape.least} items", path)
    if shape.most is not None and len(value) > shape.most:
        raise invalid(f"{path} must have at most {shape.most} items", path)
    for index, item in enumerate(value):
        check(item, shape.item, f"{path}[{index}]")


def _check_table(value: dict[str, Any], shape: Table, path: str) -> None:
    if shape.most is not None and len(value) > shape.most:
        raise invalid(f"{path} must have at most {shape.most} keys", path)
    for key, item in value.items():
        check(item, shape.value, f"{path}.{key}")


def _check_fields(value: dict[str, Any], shape: Fields, path: str) -> None:
    for name, item in value.items():
        if name not in shape.known:
            if shape.closed:
                raise malformed(f'json: unknown field "{name}"', name)
        elif item is not None:
            check(item, shape.known[name], f"{path}.{name}" if path else name)
    for name in shape.required:
        if value.get(name) is None:
            where = f"{path}.{name}" if path else name
            raise invalid(f"{where} is required", where)


def _case(value: dict[str, Any], shape: Tagged, path: str) -> Fields:
    tag = value.get("type") or shape.default
    if not isinstance(tag, str) or tag not in shape.cases:
        where = f"{path}.type"
        raise invalid(f"{where} must be one of: {' '.join(shape.cases)}", where)
    return shape.cases[tag]
