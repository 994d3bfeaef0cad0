"""What may stand at one place of a request or an answer: the one form in which both sides are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from connector import shape
from connector.schema import Schema

NULL: Final = frozenset({"null"})


@dataclass(frozen=True)
class Member:
    """A field of an object.

    Attributes:
        value: what it may be, if it is there.
        required: it is always there.
        asked: whoever gives the object must give it: nothing else fills it in.
    """

    value: Value
    required: bool
    asked: bool = False


Form = Mapping[str, Member]


@dataclass(frozen=True)
class Value:
    """What a value may be.

    Attributes:
        kinds: JSON types, or "bytes" for what is not JSON. Empty: anything.
        choices: the only texts that it may be; None: any text.
        forms: the forms that an object may have; empty: not known.
        entries: of an object whose keys are free, what stands under each key; None: not known.
        item: of a list; None: not known.
    """

    kinds: frozenset[str] = frozenset()
    choices: frozenset[str] | None = None
    forms: tuple[Form, ...] = ()
    entries: Value | None = None
    item: Value | None = None

    def can_be(self, kind: str) -> bool:
        """Whether it may be of this kind."""
        return not self.kinds or kind in self.kinds

    def or_null(self) -> Value:
        """The same, or null."""
        return replace(self, kinds=self.kinds | NULL) if self.kinds else self

    def without(self, *kinds: str) -> Value:
        """The same, but of none of these kinds."""
        if not self.kinds:
            return self
        left = self.kinds.difference(kinds)
        return Value(
            left,
            self.choices if "string" in left else None,
            self.forms if "object" in left else (),
            self.entries if "object" in left else None,
            self.item if "array" in left else None,
        )


ANYTHING: Final = Value()
NOTHING: Final = Value(NULL)
TEXT: Final = Value(frozenset({"string"}))


def union(values: Iterable[Value]) -> Value:
    """What is one of the values."""
    whole: Value | None = None
    for value in values:
        whole = value if whole is None else _either(whole, value)
    return whole or ANYTHING


def _either(one: Value, other: Value) -> Value:
    if one == other:
        return one
    if not one.kinds or not other.kinds:
        return ANYTHING
    kinds = one.kinds | other.kinds
    texts = [side.choices for side in (one, other) if "string" in side.kinds]
    choices = None if None in texts or not texts else frozenset().union(*(text or () for text in texts))
    objects = [side for side in (one, other) if "object" in side.kinds]
    known = all(side.forms for side in objects)
    forms = tuple(form for side in objects for form in side.forms) if known else ()
    entries = [side.entries for side in objects]
    lists = [side.item for side in (one, other) if "array" in side.kinds]
    return Value(
        kinds,
        choices,
        tuple(form for index, form in enumerate(forms) if form not in forms[:index]),
        _union_if_known(entries),
        _union_if_known(lists),
    )


def _union_if_known(values: list[Value | None]) -> Value | None:
    known = [value for value in values if value is not None]
    return union(known) if known and len(known) == len(values) else None


def of_json(value: Any) -> Value:
    """Exactly this JSON value."""
    if isinstance(value, str):
        return Value(frozenset({"string"}), frozenset({value}))
    if isinstance(value, list):
        item = union(map(of_json, value)) if value else None
        return Value(frozenset({"array"}), item=item)
    if isinstance(value, Mapping):
        form = {name: Member(of_json(inner), required=True) for name, inner in value.items()}
        return Value(frozenset({"object"}), forms=(form,))
    if value is None:
        return NOTHING
    kind = "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "number"
    return Value(frozenset({kind}))


def of_schema(schema: Any) -> Value:
    """What a JSON Schema of a manifest describes."""
    if not isinstance(schema, Mapping):
        return ANYTHING
    branches: list[Any] = next((schema[word] for word in ("anyOf", "oneOf") if word in schema), [])
    if branches and not schema.keys() & {"type", "enum", "const", "properties", "items"}:
        return union(map(of_schema, branches))
    kinds = shape.of_schema(schema).kinds
    needed = schema.get("required", ())
    forms: tuple[Form, ...] = ()
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        asked = {name: name in needed for name in properties}
        forms = ({n: Member(of_schema(s), asked[n], asked[n]) for n, s in properties.items()},)
    elif branches:
        forms = tuple(form for branch in branches for form in of_schema(branch).forms)
    entries = schema.get("additionalProperties")
    return Value(
        kinds,
        _choices(schema),
        forms,
        of_schema(entries) if isinstance(entries, Mapping) else None,
        of_schema(schema["items"]) if isinstance(schema.get("items"), Mapping) else None,
    )


def _choices(schema: Schema) -> frozenset[str] | None:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is None:
        return None
    return frozenset(value for value in values if isinstance(value, str))
