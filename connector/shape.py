"""The type of every expression, derived from the JSON Schemas on both ends, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from connector.errors import did_you_mean
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

ANY: Final[frozenset[str]] = frozenset()
NULL: Final = frozenset({"null"})
Path = tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """What a value can be.

    Attributes:
        kinds: JSON types; also "false" for a condition that did not hold. Empty: anything.
        fields: of an object, by name; None where they are not known.
        item: of a list; None where it is not known.
        path: where it comes from, without indexes, such as ("inputs", "messages", "role"); else None.
    """

    kinds: frozenset[str] = ANY
    fields: Mapping[str, Shape] | None = None
    item: Shape | None = None
    path: Path | None = None

    @property
    def may_be_null(self) -> bool:
        """Whether null, or nothing at all, is possible."""
        return not self.kinds or "null" in self.kinds

    def can_be(self, *kinds: str) -> bool:
        """Whether one of the kinds is possible."""
        return not self.kinds or bool(self.kinds.intersection(kinds))

    def or_null(self) -> Shape:
        """The same, or null."""
        return replace(self, kinds=self.kinds | NULL) if self.kinds else self

    def without(self, *kinds: str) -> Shape:
        """The same without some kinds."""
        return replace(self, kinds=self.kinds.difference(kinds)) if self.kinds else self

    def describe(self) -> str:
        """The kinds as people read them."""
        words = {"string": "text", "array": "list", "integer": "whole number", "false": "false"}
        return " or ".join(sorted(words.get(kind, kind) for kind in self.kinds)) or "anything"


UNKNOWN: Final = Shape()


def of_schema(schema: Any, path: Path | None = None, *, required: bool = True) -> Shape:
    """The shape that a JSON Schema describes."""
    if not isinstance(schema, Mapping):
        return UNKNOWN
    kinds = _kinds(schema)
    if kinds and not required:
        kinds |= NULL
    fields = None
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        needed = schema.get("required", ())
        fields = {
            name: of_schema(inner, (*path, name) if path else None, required=name in needed)
            for name, inner in properties.items()
        }
    item = of_schema(schema["items"], path) if isinstance(schema.get("items"), Mapping) else None
    return Shape(kinds, fields, item, path)


def _kinds(schema: Schema) -> frozenset[str]:
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset({kind})
    if isinstance(kind, list):
        return frozenset(kind)
    for word in ("anyOf", "oneOf"):
        if isinstance(schema.get(word), list):
            inner = [_kinds(branch) for branch in schema[word] if isinstance(branch, Mapping)]
            return frozenset().union(*inner) if all(inner) else ANY
    if "enum" in schema:
        return frozenset(_kind_of(value) for value in schema["enum"])
    return frozenset({_kind_of(schema["const"])}) if "const" in schema else ANY


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "boolean", str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return kinds.get(type(value), "object")


def union(one: Shape, other: Shape) -> Shape:
    """What is either the one or the other."""
    if not one.kinds or not other.kinds:
        return UNKNOWN
    fields: Mapping[str, Shape] | None = None
    if one.fields is not None and other.fields is not None:
        names = dict.fromkeys((*one.fields, *other.fields))
        fields = {n: union(one.fields.get(n, UNKNOWN), other.fields.get(n, UNKNOWN)) for n in names}
    elif not (one.can_be("object") and other.can_be("object")):
        fields = one.fields if one.fields is not None else other.fields
    item = union(one.item, other.item) if one.item and other.item else one.item or other.item
    return Shape(one.kinds | other.kinds, fields, item, one.path if one.path == other.path else None)


@dataclass(frozen=True)
class Finding:
    """Something wrong in an expression; `word` is the part of its text."""

    message: str
    hint: str
    word: str


class Inference:
    """Derives shapes; notes what is wrong, and which paths of the inputs flow into the result."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.findings: list[Finding] = []
        self.used: set[Path] = set()

    def shape(self, node: Node, scope: Shape) -> Shape:
        """The shape of an expression's value; the value counts as used."""
        return self._use(self._infer(node, scope))

    def _use(self, shape: Shape) -> Shape:
        if shape.path is not None:
            self.used.add(shape.path)
        return shape

    def _note(self, message: str, hint: str, word: str) -> None:
        finding = Finding(message, hint, word)
        if finding not in self.findings:
            self.findings.append(finding)

    def _infer(self, node: Node, current: Shape) -> Shape:
        match node:
            case Current():
                return current
            case Literal(value):
                return _literal(value)
            case Field(name):
                return self._field(name, current)
            case Index(index):
                if not current.can_be("array"):
                    self._note(
                        f"[{index}] reads a list; this is {current.describe()}.", "Remove it.", f"[{index}]"
                    )
                    return UNKNOWN
                return (current.item or UNKNOWN).or_null()
            case Then(left, right):
                return self._infer(right, self._infer(left, current))
            case Each(source, then, flatten):
                return self._projected(source, then, current, flatten=flatten)
            case Filter(source, condition, then):
                return self._projected(source, then, current, condition=condition)
            case Row(fields):
                shapes = {name: self._use(self._infer(inner, current)) for name, inner in fields}
                kinds = frozenset({"object"}) | (NULL if "null" in current.kinds else ANY)
                return Shape(kinds, shapes)
            case Compare(_, left, right):
                self._use(self._infer(left, current))
                self._use(self._infer(right, current))
                return Shape(frozenset({"boolean"}))
            case Not(operand):
                self._use(self._infer(operand, current))
                return Shape(frozenset({"boolean"}))
            case Or(left, right):
                one, other = self._infer(left, current).without("null", "false"), self._infer(right, current)
                self._use(one)
                return union(one, self._use(other))
            case And(left, right):
                first, second = self._use(self._infer(left, current)), self._infer(right, current)
                falsy = NULL | (frozenset({"false"}) if first.can_be("boolean") else ANY)
                return replace(second, kinds=second.kinds | falsy) if second.kinds else second
            case Call(name, arguments):
                return self._call(name, arguments, [self._use(self._infer(a, current)) for a in arguments])

    def _field(self, name: str, current: Shape) -> Shape:
        if not current.can_be("object"):
            what = current.describe()
            self._note(f"{name!r} would be a field of {what}, which has none.", "Remove it.", name)
            return UNKNOWN
        if current.fields is None:
            return UNKNOWN
        if name not in current.fields:
            self._note(f"There is no field {name!r} here.", did_you_mean(name, current.fields), name)
            return UNKNOWN
        field = current.fields[name]
        return field.or_null() if "null" in current.kinds else field

    def _projected(
        self,
        source: Node,
        then: Node,
        current: Shape,
        *,
        flatten: bool = False,
        condition: Node | None = None,
    ) -> Shape:
        items = self._infer(source, current)
        if not items.can_be("array"):
            self._note(f"This is {items.describe()}, not a list.", "Remove [] or [*].", "[")
            return UNKNOWN
        item = items.item or UNKNOWN
        if flatten and item.kinds and item.can_be("array"):
            inner = item.item or UNKNOWN
            item = (
                union(item.without("array", "null"), inner) if item.without("array", "null").kinds else inner
            )
        if condition is not None:
            self._use(self._infer(condition, item))
        value = self._infer(then, item.without("null"))
        if "null" in value.kinds and not isinstance(then, Current) and not value.can_be("array"):
            name = then.name if isinstance(then, Field) else "x"
            self._note(
                f"{name!r} may be null, and a list drops its nulls: the positions would shift.",
                f"Keep rows with [].{{{name}: {name}}}, or make it required in the schema.",
                name,
            )
        kinds = frozenset({"array"}) | (NULL if "null" in items.kinds else ANY)
        return Shape(kinds, item=value.without("null"), path=value.path)

    def _call(self, name: str, arguments: tuple[Node, ...], shapes: list[Shape]) -> Shape:
        nullable = NULL if shapes[-1].may_be_null else ANY
        if name == "join":
            item = shapes[1].item or UNKNOWN
            if not shapes[1].can_be("array") or not item.can_be("string"):
                self._note("join needs a list of text.", "Project a text field first.", name)
            return Shape(frozenset({"string"}) | nullable)
        if name == "length":
            if not shapes[0].can_be("string", "array", "object"):
                self._note(f"length of {shapes[0].describe()}.", "Give it a text or a list.", name)
            return Shape(frozenset({"integer"}) | nullable)
        if name == "to_string":
            return Shape(frozenset({"string"}) | nullable)
        if name == "contains":
            if not shapes[0].can_be("string", "array"):
                self._note(f"contains looks into {shapes[0].describe()}.", "Give it a text or a list.", name)
            return Shape(frozenset({"boolean"}))
        if name == "lookup":
            table = arguments[0].value if isinstance(arguments[0], Literal) else ""
            if not shapes[1].can_be("string"):
                self._note(f"The key is {shapes[1].describe()}, and keys are text.", "Use to_string().", name)
            return _union_of(map(_literal, self.tables.get(table, {}).values())).or_null()
        whole = _union_of(shapes).without("null")
        return whole.or_null() if all(shape.may_be_null for shape in shapes) else whole


def _literal(value: Any) -> Shape:
    if isinstance(value, dict):
        return Shape(frozenset({"object"}), {name: _literal(inner) for name, inner in value.items()})
    if isinstance(value, list):
        return Shape(frozenset({"array"}), item=_union_of(map(_literal, value)))
    return Shape(frozenset({_kind_of(value)}))


def _union_of(shapes: Iterable[Shape]) -> Shape:
    whole: Shape | None = None
    for shape in shapes:
        whole = shape if whole is None else union(whole, shape)
    return whole or UNKNOWN


def mismatch(shape: Shape, schema: Schema, name: str) -> str | None:
    """Why a derived shape cannot be what a schema declares, or None if it can."""
    declared = of_schema(schema)
    kinds = shape.kinds - {"null", "false"}
    allowed = declared.kinds | ({"integer"} if "number" in declared.kinds else set())
    if kinds and allowed and not kinds & allowed:
        return (
            f"{name} is declared {declared.describe()}, and the expression gives {Shape(kinds).describe()}."
        )
    if shape.item and isinstance(schema.get("items"), Mapping) and shape.can_be("array"):
        return mismatch(shape.item, schema["items"], f"{name}[]")
    if shape.fields is not None and declared.fields is not None:
        for column, inner in shape.fields.items():
            if column not in declared.fields:
                return f"{name} has no column {column!r}. {did_you_mean(column, declared.fields)}"
            found = mismatch(inner, schema["properties"][column], f"{name}.{column}")
            if found:
                return found
    return None
