"""What a route can send: the values that its request's templates give for all inputs that the action takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.drift.value import ANYTHING, NOTHING, NULL, TEXT, Member, Value, of_json, of_schema, union
from connector.evaluate import Tables
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
from connector.schema import Schema
from connector.template import Entries, Insert, Items, Piece, Spread, Static, Text

BOOLEAN = Value(frozenset({"boolean"}))
_FALSE = Value(frozenset({"false"}))  # a condition that did not hold


class Sending:
    """Reads the templates of one action's routes."""

    def __init__(self, inputs: Schema, tables: Tables) -> None:
        self._tables = tables
        form = {"inputs": Member(of_schema(inputs), required=True)}
        self._scope = Value(frozenset({"object"}), forms=(form,))

    def value(self, piece: Piece) -> Value:
        """What a compiled value of the manifest can become; null where it is left out."""
        match piece:
            case Static(value):
                return of_json(value)
            case Insert(expression):
                return _settled(self._of(expression.node, self._scope))
            case Spread(expression):
                found = _settled(self._of(expression.node, self._scope))
                return (found.item or ANYTHING).or_null()
            case Text(parts):
                nodes = [part.node for part in parts if not isinstance(part, str)]
                optional = any(self._of(node, self._scope).can_be("null") for node in nodes)
                return TEXT.or_null() if optional else TEXT
            case Entries(entries):
                form = {name: self.member(inner) for name, inner in entries}
                whole = Value(frozenset({"object"}), forms=(form,))
                return whole if any(member.required for member in form.values()) else whole.or_null()
            case Items(items):
                values = [self.value(inner) for inner in items]
                whole = Value(frozenset({"array"}), item=union(value.without("null") for value in values))
                return whole.or_null() if all(value.can_be("null") for value in values) else whole

    def member(self, piece: Piece) -> Member:
        """The same for an entry of a mapping: it is left out where its value is null."""
        asked = isinstance(piece, Insert) and _is_path(piece.expression.node)
        return _member(self.value(piece), asked=asked)

    def _of(self, node: Node, current: Value) -> Value:
        match node:
            case Current():
                return current
            case Literal(value):
                return of_json(value)
            case Field(name):
                return _field(name, current)
            case Index():
                return (current.item or ANYTHING).or_null()
            case Then(left, right):
                return self._of(right, self._of(left, current))
            case Each(source, then, flatten):
                return self._each(source, then, current, flatten=flatten)
            case Filter(source, _, then):
                return self._each(source, then, current, flatten=False)
            case Row(fields):
                form = {
                    name: _member(self._of(inner, current), asked=_is_path(inner)) for name, inner in fields
                }
                whole = Value(frozenset({"object"}), forms=(form,))
                return whole.or_null() if current.can_be("null") else whole
            case Compare() | Not():
                return BOOLEAN
            case Or(left, right):
                first, second = self._of(left, current).without("null", "false"), self._of(right, current)
                if not first.kinds:
                    return ANYTHING
                # in `x[].y || x` and `x.y || x`, what the left side covers does not come to the right one
                if isinstance(left, Each) and left.source == right:
                    second = second.without("array")
                elif isinstance(left, Then) and left.left == right and _always_has(second, left.right):
                    second = second.without("object")
                return union([first, second])
            case And(left, right):
                first, second = self._of(left, current), self._of(right, current)
                falsy = [NOTHING] if first.can_be("null") else []
                return union([second, *falsy, *([_FALSE] if first.can_be("boolean") else [])])
            case Call(name, arguments):
                return self._call(name, arguments, [self._of(argument, current) for argument in arguments])

    def _each(self, source: Node, then: Node, current: Value, *, flatten: bool) -> Value:
        items = self._of(source, current)
        item = items.item or ANYTHING
        if flatten and item.kinds and item.can_be("array"):
            item = union([item.without("array"), item.item or ANYTHING])
        given = _settled(self._of(then, item.without("null")))
        whole = Value(frozenset({"array"}), item=given.without("null"))
        return whole if items.kinds == frozenset({"array"}) else whole.or_null()

    def _call(self, name: str, arguments: tuple[Node, ...], values: list[Value]) -> Value:
        optional = NULL if values[-1].can_be("null") else frozenset()
        match name:
            case "join" | "to_string":
                return Value(frozenset({"string"}) | optional)
            case "length":
                return Value(frozenset({"integer"}) | optional)
            case "to_number":
                return Value(frozenset({"number"})).or_null()
            case "contains":
                return BOOLEAN
            case "entries":
                inner = values[0].entries or ANYTHING
                form = {"key": Member(TEXT, required=True), "value": Member(inner, required=True)}
                pair = Value(frozenset({"object"}), forms=(form,))
                return Value(frozenset({"array"}) | optional, item=pair)
            case "decode_int8" | "decode_bits":
                return Value(frozenset({"array"}) | optional, item=Value(frozenset({"integer"})))
            case "lookup":
                table: Any = arguments[0].value if isinstance(arguments[0], Literal) else ""
                return _found(self._tables.get(table, {}), values[1])
            case "not_null":
                whole = union(value.without("null") for value in values)
                return whole.or_null() if all(value.can_be("null") for value in values) else whole
            case _:
                return ANYTHING


def _found(table: Mapping[str, Any], key: Value) -> Value:
    """What a lookup gives: null for a key that is not in the table."""
    found = {name: value for name, value in table.items() if key.choices is None or name in key.choices}
    whole = union(map(of_json, found.values())) if found else NOTHING
    complete = key.choices is not None and key.choices <= found.keys() and not key.can_be("null")
    return whole if complete else whole.or_null()


def _member(value: Value, *, asked: bool) -> Member:
    value = _settled(value)
    required = not value.can_be("null")
    return Member(value.without("null"), required, asked and required)


def _settled(value: Value) -> Value:
    """A condition that did not hold, and that nothing takes the place of, is sent as false."""
    return union([value.without("false"), BOOLEAN]) if "false" in value.kinds else value


def _field(name: str, current: Value) -> Value:
    if not current.forms:
        return current.entries.or_null() if current.entries else ANYTHING
    having = [form[name] for form in current.forms if name in form]
    if not having:
        return ANYTHING
    whole = union(member.value for member in having)
    everywhere = len(having) == len(current.forms) and all(member.required for member in having)
    return whole if everywhere and current.kinds == frozenset({"object"}) else whole.or_null()


def _always_has(value: Value, node: Node) -> bool:
    return isinstance(node, Field) and all(
        node.name in form and form[node.name].required for form in value.forms or ({},)
    )


def _is_path(node: Node) -> bool:
    """Whether the value is taken from the inputs as it is."""
    return isinstance(node, Field) or (
        isinstance(node, Then) and _is_path(node.left) and _is_path(node.right)
    )
