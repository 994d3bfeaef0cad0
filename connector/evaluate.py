"""What values mean to an expression: their types, their truth, their equality, and the functions on them.

JMESPath's specification says it: 0 is true and "" is not, only numbers have an order, true equals no number at
any depth. (The jmespath package also orders texts, takes [true] for equal to [1], and gives null for ['a']
beside a null.)
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

Tables = Mapping[str, Mapping[str, Any]]


class Drift(Exception):
    """A value of another type than the expression is written for."""

    def __init__(self, expected: str, got: Any, step: str) -> None:
        super().__init__(f"{step} needs {expected}, got {type_name(got)}")
        self.expected = expected
        self.got = type_name(got)
        self.step = step


def type_name(value: Any) -> str:
    """The word for a JSON value's type that people see: text, number, list, ..."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "text", int: "whole number", float: "number", list: "list", dict: "object"}
    return names.get(type(value), type(value).__name__)


def described(value: Any) -> str:
    """As type_name, with an article where a sentence needs one: a list, an object, text."""
    name = type_name(value)
    if name in {"null", "text", "true or false"}:
        return name
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def is_true(value: Any) -> bool:
    """JMESPath's truth: everything but null, false, and empty text, list or object. 0 is true."""
    return bool(value) or (isinstance(value, (int, float)) and value is not False)


def equal(one: Any, other: Any) -> bool:
    """JSON equality: true is not 1, 1 is 1.0, lists and objects by content."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    return bool(one == other)


def is_number(value: Any) -> bool:
    """Whether it is a JSON number: true is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def text_of(value: Any) -> str:
    """A value as text: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else _ENCODER.encode(value)


# made once: json.dumps and json.loads make one for every call that sets an option
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _join(glue: Any, items: Any) -> Any:
    if glue is None or items is None:
        return None
    if not isinstance(items, list):
        raise Drift("list", items, "join()")
    for item in items:
        if not isinstance(item, str):
            raise Drift("list of text", item, "join()")
    return str(glue).join(items)


def _length(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, (str, list, dict)):
        raise Drift("text, list or object", value, "length()")
    return len(value)


def _contains(where: Any, what: Any) -> Any:
    if where is None:
        return None
    if isinstance(where, str):
        return isinstance(what, str) and what in where
    if isinstance(where, list):
        return any(equal(item, what) for item in where)
    raise Drift("text or list", where, "contains()")


def _to_number(value: Any) -> Any:
    if not isinstance(value, str):
        return value if is_number(value) else None
    if value.isdecimal() and value.isascii() and len(value) < _LONG and value[0] != "0":
        return int(value)  # such as a count in a header: JSON has the same, and takes longer to read
    number = parse_json(value)
    return number if is_number(number) else None


_LONG: Final = 19  # digits


def parse_json(text: Any) -> Any:
    """The value of a JSON text; null if it is none, such as an answer that was cut off."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise Drift("text", text, "parse_json()")
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError("a number is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def _entries(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Drift("object", value, "entries()")
    return [{"key": key, "value": inner} for key, inner in value.items()]


def _decode_int8(value: Any) -> Any:
    raw = _from_base64(value, "decode_int8()")
    return None if raw is None else [byte - 256 if byte > 127 else byte for byte in raw]


def _decode_bits(value: Any) -> Any:
    raw = _from_base64(value, "decode_bits()")
    return None if raw is None else [byte >> place & 1 for byte in raw for place in range(8)]


def _from_base64(value: Any, step: str) -> bytes | None:
    if value is None:
        return None
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError):
        raise Drift("base64 text", value, step) from None


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "to_number": _to_number,
    "parse_json": parse_json,
    "entries": _entries,
    "decode_int8": _decode_int8,
    "decode_bits": _decode_bits,
    "join": _join,
    "length": _length,
    "to_string": lambda value: None if value is None else text_of(value),
    "contains": _contains,
}
