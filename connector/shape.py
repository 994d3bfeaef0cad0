"""What a value can be: JSON Schema as far as expressions can be checked against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from connector.errors import did_you_mean
from connector.schema import Schema
from connector.schema_sentences import TYPE_WORDS

ANY: Final[frozenset[str]] = frozenset()
NULL: Final = frozenset({"null"})
Path = tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """What a value can be.

    Attributes:
        kinds: JSON types; also "false" for a condition that did not hold. Empty: anything.
        fields: of an object, by name; None where they are not known.
        rest: of an object, its other fields; None where it should have none.
        item: of a list; None where it is not known.
        choices: the only values it can have, null apart; None where they are not known.
        path: where it comes from, without indexes, such as ("inputs", "messages", "role"); else None.
    """

    kinds: frozenset[str] = ANY
    fields: Mapping[str, Shape] | None = None
    rest: Shape | None = None
    item: Shape | None = None
    choices: tuple[Any, ...] | None = None
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
        """The kinds as people read them: a list, an object or text. Null is told only where nothing else is."""
        kinds = self.kinds - NULL or self.kinds
        kinds -= {"integer"} if "number" in kinds else set()
        return " or ".join(sorted(TYPE_WORDS.get(kind, kind) for kind in kinds)) or "anything"


UNKNOWN: Final = Shape()


def of_schema(schema: Any, path: Path | None = None, *, required: bool = True, filled: bool = False) -> Shape:
    """The shape that a JSON Schema describes.

    Args:
        schema: the schema; anything else describes anything.
        path: where the value comes from.
        required: whether the value is always there.
        filled: whether the defaults of its fields are put in.
    """
    if not isinstance(schema, Mapping):
        return UNKNOWN
    kinds = _kinds(schema)
    if kinds and not required:
        kinds |= NULL
    fields: dict[str, Shape] = {}
    everywhere = schema.get("required", ())
    for part, holds in parts(schema):
        for name, inner in part.get("properties", {}).items():
            needed = name in everywhere or (holds and name in part.get("required", ()))
            given = needed or (filled and isinstance(inner, Mapping) and "default" in inner)
            shape = of_schema(inner, (*path, name) if path else None, required=given)
            fields[name] = union(fields[name], shape) if name in fields else shape
    others = schema.get("additionalProperties")
    is_open = isinstance(others, Mapping) or others is True or "patternProperties" in schema
    rest = of_schema(others, path) if is_open else None
    item = None
    if isinstance(schema.get("items"), Mapping) and "prefixItems" not in schema:
        item = of_schema(schema["items"], path)
    choices = tuple(schema["enum"]) if "enum" in schema else (schema["const"],) if "const" in schema else None
    has_fields = any("properties" in part for part, _ in parts(schema))
    return Shape(kinds, fields if has_fields else None, rest, item, choices, path)


def parts(schema: Schema, *, holds: bool = True) -> Iterator[tuple[Schema, bool]]:
    """The schema and the ones whose fields its value may have too, each with whether it holds in any case."""
    yield schema, holds
    for word in ("allOf", "anyOf", "oneOf"):
        for inner in schema.get(word, ()):
            if isinstance(inner, Mapping):
                yield from parts(inner, holds=holds and word == "allOf")
    for word in ("then", "else"):
        if isinstance(schema.get(word), Mapping):
            yield from parts(schema[word], holds=False)


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


def of_value(value: Any) -> Shape:
    """The shape of one value, such as a literal."""
    if isinstance(value, dict):
        return Shape(frozenset({"object"}), {name: of_value(inner) for name, inner in value.items()})
    if isinstance(value, list):
        return Shape(frozenset({"array"}), item=union_of(map(of_value, value)))
    return Shape(frozenset({_kind_of(value)}), choices=(value,))


def union_of(shapes: Iterable[Shape]) -> Shape:
    """What is any of some shapes; anything, if there are none."""
    whole: Shape | None = None
    for shape in shapes:
        whole = shape if whole is None else union(whole, shape)
    return whole or UNKNOWN


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
    rest = union(one.rest, other.rest) if one.rest and other.rest else one.rest or other.rest
    item = union(one.item, other.item) if one.item and other.item else one.item or other.item
    both_chosen = one.choices is not None and other.choices is not None
    choices = (*(one.choices or ()), *(other.choices or ())) if both_chosen else None
    path = one.path if one.path == other.path else None
    return Shape(one.kinds | other.kinds, fields, rest, item, choices, path)


@dataclass(frozen=True)
class Finding:
    """Something wrong in an expression; `word` is the part of its text."""

    message: str
    hint: str
    word: str


def mismatch(shape: Shape, schema: Schema, name: str) -> Finding | None:
    """Why a derived shape cannot be what a schema declares, or None if it can."""
    declared = of_schema(schema)
    kinds = shape.kinds - {"null", "false"}
    allowed = declared.kinds | ({"integer"} if "number" in declared.kinds else set())
    if kinds and allowed and not kinds & allowed:
        message = f"{name} is declared as {declared.describe()}; this gives {shape.describe()}."
        return Finding(
            message, "Change the declaration, or the expression.", name.rsplit(".", maxsplit=1)[-1]
        )
    if shape.item and isinstance(schema.get("items"), Mapping) and shape.can_be("array"):
        return mismatch(shape.item, schema["items"], f"{name}[]")
    if shape.fields is not None and declared.fields is not None:
        for column, inner in shape.fields.items():
            if column not in declared.fields:
                return Finding(
                    f"{name} has no column {column!r}.", did_you_mean(column, declared.fields), column
                )
            if found := mismatch(inner, schema.get("properties", {}).get(column, {}), f"{name}.{column}"):
                return found
        for column in schema.get("required", ()):
            if found := _lacking(shape.fields, column, name):
                return found
    return None


def _lacking(fields: Mapping[str, Shape], column: str, name: str) -> Finding | None:
    """Why rows do not always have a column that is required of them."""
    word = name.removesuffix("[]")
    if column not in fields:
        return Finding(
            f"{name} lacks the required column {column!r}.", f"Add `{column}: ...` to the row.", word
        )
    if "null" in fields[column].kinds:
        message = f"{name}.{column} may be null, and the outputs require it."
        return Finding(message, "Make it required in the response, or optional in the outputs.", column)
    return None
