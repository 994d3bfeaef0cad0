"""Places in a JSON value: what an expression takes its value from, and a copy of a value with another one there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from connector.evaluate import Drift, parse_json
from connector.expression import And, Call, Current, Each, Field, Filter, Index, Node, Or, Then

EACH: Final = None
"""In a place: every item of a list."""

INSIDE: Final = -1
"""In a place: the value of a JSON text."""

Place = tuple[str | int | None, ...]
"""Names of fields, indexes of items, EACH, INSIDE."""

_LONGEST_LIST = 100


class _Instead:
    """What stands for a change that no value is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


NOTHING: Final = _Instead("NOTHING")
"""Instead of a value: the field or the item is left out."""
FIRST: Final = _Instead("FIRST")
"""Instead of a list: its first item alone."""
_THROUGH: Final = {"not_null", "to_string", "to_number", "parse_json"}


@dataclass(frozen=True)
class Spot:
    """Where a value comes from: a place, or, if `listed`, a list of what stands at the place."""

    place: Place = ()
    listed: bool = False

    def items(self, *, flatten: bool = False) -> Spot:
        """Where the items come from, if it is a list. A projection that is flattened opens its items."""
        return Spot(self.place if self.listed and not flatten else (*self.place, EACH))


HERE: Final = Spot()


def results(node: Node, start: Spot = HERE) -> Iterator[Spot]:
    """Where an expression's value may come from as it is, the likeliest first.

    A text that `join` makes counts as coming from the items that it joins.
    """
    match node:
        case Current():
            yield start
        case Field(name):
            yield Spot((*start.place, name))
        case Index(index):  # the last one, too, is there in a list of one
            yield Spot(start.place if start.listed else (*start.place, max(index, 0)))
        case Then(left, right):
            for spot in results(left, start):
                yield from results(right, spot)
        case Each(source, then) | Filter(source, _, then):
            for spot in results(source, start):
                items = spot.items(flatten=isinstance(node, Each) and node.flatten)
                yield from (Spot(found.place, listed=True) for found in results(then, items))
        case Or(left, right):
            yield from results(left, start)
            yield from results(right, start)
        case And(_, right):
            yield from results(right, start)
        case Call("join", (_, items)):
            yield from (spot.items() for spot in results(items, start))
        case Call(name, arguments) if name in _THROUGH:
            for argument in arguments:
                for spot in results(argument, start):
                    yield Spot((*spot.place, INSIDE)) if name == "parse_json" else spot


def changed(value: Any, place: Place, new: Any) -> Any:
    """A copy of a value with another one at a place; what is missing on the way there is made.

    NOTHING leaves a field out, FIRST shortens a list. Where something else stands in the way, the value is given back as it is.
    """
    if not place:
        if new is FIRST:
            return value[:1] if isinstance(value, list) else value
        return value if new is NOTHING else new
    step, rest = place[0], place[1:]
    if step == INSIDE:
        return _with_inside(value, rest, new)
    if isinstance(step, str):
        if value is not None and not isinstance(value, dict):
            return value
        return _with_field(value or {}, step, rest, new)
    if value is not None and not isinstance(value, list):
        return value
    items = list(value or ())
    if step is EACH:
        if new is NOTHING and not rest:
            return []
        return [changed(item, rest, new) for item in items or ([] if new is NOTHING else [None])]
    if step >= len(items) and (new is NOTHING or step >= _LONGEST_LIST):
        return value
    items += [None] * (step + 1 - len(items))
    if new is NOTHING and not rest:
        del items[step]
    else:
        items[step] = changed(items[step], rest, new)
    return items


def _with_inside(text: Any, rest: Place, new: Any) -> Any:
    inside = parse_json(text) if isinstance(text, str) else None
    return json.dumps(changed(inside, rest, new), ensure_ascii=False)


def _with_field(value: dict[str, Any], name: str, rest: Place, new: Any) -> Any:
    if new is NOTHING:
        if name not in value:
            return value
        if not rest:
            return {key: inner for key, inner in value.items() if key != name}
    return {**value, name: changed(value.get(name), rest, new)}


def found(value: Any, place: Place) -> Any:
    """What stands at a place; None where nothing does. EACH takes the first item."""
    for step in place:
        try:
            value = parse_json(value) if step == INSIDE else value[0 if step is EACH else step]
        except (LookupError, TypeError, Drift):
            return None
    return value
