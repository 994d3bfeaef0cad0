"""Expressions at work: a tree becomes one Python function, built once and called for every request.

Semantics are those of JMESPath's specification: a missing field is null, projections drop nulls, 0 is true
and "" is not, only numbers have an order, true equals no number at any depth. (The jmespath package also
orders texts, takes [true] for equal to [1], and gives null for ['a'] beside a null.) Three differences matter
for a connector:

- Functions answer null for null, and raise Drift for a value that is not of their type. to_string keeps
  letters as they are, where the package escapes all but ASCII.
- With `strict`, reaching into a text or a number raises Drift instead of giving null: an answer of the
  service that has changed its shape is told, not read as "nothing there".
- With `omit_null`, rows leave null fields out: a strict API refuses the nulls.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.expression import (
    And,
    Call,
    Compare,
    Current,
    Each,
    Field,
    Filter,
    Index,
    Literal,
    Node,
    Not,
    Or,
    Row,
    Then,
)

Tables = Mapping[str, Mapping[str, Any]]
Evaluator = Callable[[Any], Any]


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


@dataclass(frozen=True)
class Mode:
    """How an expression treats what is not there. See the module's docstring."""

    strict: bool = False
    omit_null: bool = False


def compile_node(node: Node, tables: Tables, mode: Mode) -> Evaluator:
    """The function that evaluates the tree against a scope such as {"inputs": {...}}."""
    match node:
        case Current():
            return lambda current: current
        case Literal(value):
            return lambda current: value
        case Field(name):
            return _field(name, strict=mode.strict)
        case Index(index):
            return _index(index, strict=mode.strict)
        case Then(left, right):
            return _then(compile_node(left, tables, mode), compile_node(right, tables, mode))
        case Each(source, then, flatten):
            step = f"`{_last_name(source)}{'[]' if flatten else '[*]'}`"
            items = _items(compile_node(source, tables, mode), step, flatten=flatten, strict=mode.strict)
            return _each(items, compile_node(then, tables, mode))
        case Filter(source, condition, then):
            step = f"`{_last_name(source)}[?...]`"
            items = _items(compile_node(source, tables, mode), step, flatten=False, strict=mode.strict)
            holds = compile_node(condition, tables, Mode())  # an item of another kind just does not match
            return _filter(items, holds, compile_node(then, tables, mode))
        case Row(fields):
            return _row([(name, compile_node(value, tables, mode)) for name, value in fields], mode)
        case Compare(operator, left, right):
            return _compare(operator, compile_node(left, tables, mode), compile_node(right, tables, mode))
        case Or(left, right):
            first, second = compile_node(left, tables, mode), compile_node(right, tables, mode)
            return lambda current: value if is_true(value := first(current)) else second(current)
        case And(left, right):
            first, second = compile_node(left, tables, mode), compile_node(right, tables, mode)
            return lambda current: second(current) if is_true(value := first(current)) else value
        case Not(operand):
            inner = compile_node(operand, tables, mode)
            return lambda current: not is_true(inner(current))
        case Call(name, arguments):
            return _call(name, [compile_node(argument, tables, mode) for argument in arguments], tables)


def is_true(value: Any) -> bool:
    """JMESPath's truth: everything but null, false, and empty text, list or object. 0 is true."""
    return value is not None and value is not False and value not in ("", [], {})


def _field(name: str, *, strict: bool) -> Evaluator:
    def evaluate(current: Any) -> Any:
        if isinstance(current, dict):
            return current.get(name)
        if strict and current is not None:
            raise Drift("object", current, f"`.{name}`")
        return None

    return evaluate


def _index(index: int, *, strict: bool) -> Evaluator:
    def evaluate(current: Any) -> Any:
        if isinstance(current, list):
            return current[index] if -len(current) <= index < len(current) else None
        if strict and current is not None:
            raise Drift("list", current, f"`[{index}]`")
        return None

    return evaluate


def _then(left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda current: right(left(current))


def _items(source: Evaluator, step: str, *, flatten: bool, strict: bool) -> Callable[[Any], list[Any] | None]:
    def evaluate(current: Any) -> list[Any] | None:
        items = source(current)
        if not isinstance(items, list):
            if strict and items is not None:
                raise Drift("list", items, step)
            return None
        if flatten and any(isinstance(item, list) for item in items):
            return [inner for item in items for inner in (item if isinstance(item, list) else [item])]
        return items

    return evaluate


def _each(items: Callable[[Any], list[Any] | None], then: Evaluator) -> Evaluator:
    def evaluate(current: Any) -> Any:
        found = items(current)
        return None if found is None else [value for item in found if (value := then(item)) is not None]

    return evaluate


def _filter(items: Callable[[Any], list[Any] | None], holds: Evaluator, then: Evaluator) -> Evaluator:
    def evaluate(current: Any) -> Any:
        found = items(current)
        if found is None:
            return None
        kept = [then(item) for item in found if is_true(holds(item))]
        return [value for value in kept if value is not None]

    return evaluate


def _row(fields: list[tuple[str, Evaluator]], mode: Mode) -> Evaluator:
    def evaluate(current: Any) -> Any:
        if current is None:
            return None
        if not isinstance(current, dict) and mode.strict:
            raise Drift("object", current, "a row")
        row = {name: value(current) for name, value in fields}
        return {name: value for name, value in row.items() if value is not None} if mode.omit_null else row

    return evaluate


def _compare(operator: str, left: Evaluator, right: Evaluator) -> Evaluator:
    if operator == "==":
        return lambda current: equal(left(current), right(current))
    if operator == "!=":
        return lambda current: not equal(left(current), right(current))

    def evaluate(current: Any) -> Any:
        one, other = left(current), right(current)
        if not (_is_number(one) and _is_number(other)):
            return None  # JMESPath orders numbers only
        if operator == "<":
            return one < other
        if operator == "<=":
            return one <= other
        return one > other if operator == ">" else one >= other

    return evaluate


def equal(one: Any, other: Any) -> bool:
    """JSON equality: true is not 1, 1 is 1.0, lists and objects by content."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    return bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _call(name: str, arguments: list[Evaluator], tables: Tables) -> Evaluator:
    if name == "lookup":
        table_name, key = arguments
        table = tables[table_name(None)]
        return lambda current: table.get(value) if isinstance(value := key(current), str) else None
    if name == "not_null":
        return lambda current: next(
            (v for argument in arguments if (v := argument(current)) is not None), None
        )
    function = _FUNCTIONS[name]
    return lambda current: function(*(argument(current) for argument in arguments))


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


def text_of(value: Any) -> str:
    """A value as text: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _contains(where: Any, what: Any) -> Any:
    if where is None:
        return None
    if isinstance(where, str):
        return isinstance(what, str) and what in where
    if isinstance(where, list):
        return any(equal(item, what) for item in where)
    raise Drift("text or list", where, "contains()")


def _to_number(value: Any) -> Any:
    if isinstance(value, str):
        number = parse_json(value)
        return number if _is_number(number) else None
    return value if _is_number(value) else None


def parse_json(text: Any) -> Any:
    """The value of a JSON text; null if it is none, such as an answer that was cut off."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise Drift("text", text, "parse_json()")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


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


_FUNCTIONS: dict[str, Callable[..., Any]] = {
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


def _last_name(node: Node) -> str:
    match node:
        case Field(name):
            return name
        case Then(left, right):
            return _last_name(right) or _last_name(left)
        case Each(source, then, _) | Filter(source, _, then):
            return _last_name(then) or _last_name(source)
        case _:
            return ""
