"""What a route's expressions look for in an answer: kinds and values at places, and a schema that knows of them.

A response schema often says `status: {type: string}` where the manifest asks whether it is 'completed'. A mock
that answered with any text would be told that it has failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from connector.evaluate import Tables
from connector.expression import (
    And,
    Call,
    Compare,
    Each,
    Filter,
    Literal,
    Node,
    Not,
    Or,
    Row,
    Then,
)
from connector.mock.places import HERE, INSIDE, Place, Spot, results
from connector.schema import Schema

SOUGHT: Final = "x-sought"
"""In a schema made here: values that the expressions compare with."""
WITHIN: Final = "x-within"
"""In a schema of texts, made here: what stands in the JSON that the text is."""

_MOST_KEYS = 6  # of a lookup table
_KEPT = 12  # values for one place
_NUMBER, _BASE64 = "12", "AQID"


@dataclass(frozen=True)
class Clue:
    """Something that is known of a place.

    Attributes:
        place: in the scope, such as ("response", "body", "status").
        schema: what stands there, as far as it is known.
        values: that it is compared with.
    """

    place: Place
    schema: Schema
    values: tuple[Any, ...] = ()


def clues(node: Node, tables: Tables, start: Spot = HERE) -> Iterator[Clue]:
    """What an expression says of the places that it reads."""
    yield from (Clue(spot.place, {}) for spot in results(node, start))
    match node:
        case Compare(_, left, right):
            for one, other in ((left, right), (right, left)):
                if isinstance(other, Literal) and other.value is not None:
                    yield from _compared(one, (other.value,), start)
                yield from clues(one, tables, start)
        case Call(name, arguments):
            yield from _called(name, arguments, tables, start)
            for argument in arguments:
                yield from clues(argument, tables, start)
        case Or(left, right) | And(left, right):
            yield from clues(left, tables, start)
            yield from clues(right, tables, start)
        case Not(operand):
            yield from clues(operand, tables, start)
        case Then(left, right):
            yield from clues(left, tables, start)
            for spot in results(left, start):
                yield from clues(right, tables, spot)
        case Each(source, then) | Filter(source, _, then):
            yield from clues(source, tables, start)
            for items in _items(node, start):
                yield Clue(items.place, {})
                yield from clues(node.condition, tables, items) if isinstance(node, Filter) else ()
                yield from clues(then, tables, items)
        case Row(fields):
            for _, inner in fields:
                yield from clues(inner, tables, start)


def _items(node: Each | Filter, start: Spot) -> Iterator[Spot]:
    flatten = isinstance(node, Each) and node.flatten
    yield from (spot.items(flatten=flatten) for spot in results(node.source, start))


def _compared(node: Node, values: tuple[Any, ...], start: Spot) -> Iterator[Clue]:
    yield from (Clue(spot.place, {}, values) for spot in results(node, start))


def _called(name: str, arguments: tuple[Node, ...], tables: Tables, start: Spot) -> Iterator[Clue]:
    first, last = arguments[0], arguments[-1]
    if name == "contains" and isinstance(first, Literal) and isinstance(first.value, list):
        yield from _compared(last, tuple(first.value), start)
    elif name == "lookup" and isinstance(first, Literal):
        yield from _compared(last, tuple(islice(tables.get(str(first.value), {}), _MOST_KEYS)), start)
    elif name == "to_number":
        yield from _compared(first, (_NUMBER,), start)
    elif name in _KINDS:
        kind, values = _KINDS[name]
        whole = Call(name, arguments) if name == "join" else first
        yield from (Clue(spot.place, kind, values) for spot in results(whole, start))


_KINDS: Final[Mapping[str, tuple[Schema, tuple[Any, ...]]]] = {
    "join": ({"type": "string"}, ()),
    "entries": ({"type": "object"}, ()),
    "decode_int8": ({"type": "string"}, (_BASE64,)),
    "decode_bits": ({"type": "string"}, (_BASE64,)),
}


def declared(node: Node, schema: Schema, start: Spot = HERE) -> Iterator[Clue]:
    """What the schema of an output says of the places that its expression takes it from."""
    match node:
        case Row(fields):
            for name, inner in fields:
                yield from declared(inner, schema.get("properties", {}).get(name, {}), start)
        case Each(_, then) | Filter(_, _, then):
            for items in _items(node, start):
                yield from declared(then, schema.get("items", {}), items)
        case Then(left, right):
            for spot in results(left, start):
                yield from declared(right, schema, spot)
        case Or(left, right):
            yield from declared(left, schema, start)
            yield from declared(right, schema, start)
        case And(_, right):
            yield from declared(right, schema, start)
        case Call():
            return
        case _:
            for spot in results(node, start):
                yield Clue(spot.place, schema.get("items", {}) if spot.listed else schema)


def enriched(schema: Schema, known: Iterable[Clue]) -> Schema:
    """The schema with what the clues add; their places begin in its value."""
    for clue in known:
        schema = _with(schema, clue.place, clue)
    return schema


def _with(schema: Any, place: Place, clue: Clue) -> Any:
    if schema is True:
        schema = {}
    if not isinstance(schema, Mapping):
        return schema
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(word), list):
            return {**schema, word: [_with(branch, place, clue) for branch in schema[word]]}
    if not place:
        return _with_values(_with_kind(schema, clue.schema), clue.values)
    step, rest = place[0], place[1:]
    if step == INSIDE:
        return _with_json(schema, rest, clue)
    if isinstance(step, str):
        if not _can_be(schema, "object") or _is_closed(schema, step):
            return schema
        fields = schema.get("properties", {})
        inner = _with(fields.get(step, {}), rest, clue)
        return {"type": "object", **schema, "properties": {**fields, step: inner}}
    if not _can_be(schema, "array") or "prefixItems" in schema:
        return schema
    return {"type": "array", **schema, "items": _with(schema.get("items", {}), rest, clue)}


def _with_json(schema: Schema, rest: Place, clue: Clue) -> Schema:
    # `parse_json(text)` alone may be for texts that are JSON now and then; what reads fields of it needs them
    if not _can_be(schema, "string") or not (rest or WITHIN in schema):
        return schema
    return {"type": "string", **schema, WITHIN: _with(schema.get(WITHIN, {}), rest, clue)}


_SAYS_MORE = {"type", "enum", "const", "properties", "items", "anyOf", "oneOf", "allOf"}


def _with_kind(schema: Schema, kind: Schema) -> Schema:
    return {**kind, **schema} if _SAYS_MORE.isdisjoint(schema) else schema


def _with_values(schema: Schema, values: tuple[Any, ...]) -> Schema:
    if not values:
        return schema
    sought = [*schema.get(SOUGHT, ())]
    sought += [value for value in values if value not in sought]
    return {**schema, SOUGHT: sought[:_KEPT]}


def _can_be(schema: Schema, kind: str) -> bool:
    kinds = schema.get("type", kind)
    return kind in ([kinds] if isinstance(kinds, str) else kinds)


def _is_closed(schema: Schema, name: str) -> bool:
    return schema.get("additionalProperties") is False and name not in schema.get("properties", {})
