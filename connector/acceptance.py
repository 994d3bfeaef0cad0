"""Whether a value fits a JSON Schema, in microseconds. "No" is no verdict: jsonschema is asked then.

A schema becomes tables, once: Python type -> what looks at a value of that type. One walk over the value asks
for everything: what the schema says, what JSON can carry at all, and that it is of a size that can be sent.

The walk goes through every part of the value. Branches (`anyOf`, `not`, `if`, ...) look again at parts that
the walk has been through, so their "no" is exact and may be negated. A schema with words that this module
does not know makes a "no" of every value that it is asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from math import inf
from typing import Any, Final

from connector.pattern import TooSlow
from connector.scalars import (
    BYTES,
    NUMBER_WORDS,
    SHORT,
    VALUES,
    Fits,
    Large,
    Schema,
    Spare,
    Unknown,
    among,
    either,
    every,
    float_check,
    int_check,
    is_encodable,
    is_text,
    sized,
    text_check,
    yes,
)
from connector.size import MAX_DEPTH, size_problem

Table = Mapping[type, Fits]

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int, float),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
_UNKNOWN: Final = frozenset(
    {"patternProperties", "unevaluatedItems", "unevaluatedProperties", "$ref", "$dynamicRef"}
)


def acceptor(schema: Any) -> Callable[[Any], bool]:
    """Compile a schema that `schema_form` finds no fault in.

    Returns:
        A function that is true only for values that JSON can carry, that are of a size that can be sent, and
        that jsonschema accepts. It is false for all others, and for some that jsonschema accepts: those with
        subclasses of dict, list, ... in them.
    """
    try:
        table = _table(schema, 0)
    except (Unknown, RecursionError):
        return lambda _: False

    def accepts(value: Any) -> bool:
        try:
            try:
                return table[type(value)](value, [VALUES, BYTES])
            except Large:
                return size_problem(value) is None and table[type(value)](value, [inf, inf])
        except (KeyError, Unknown, TooSlow, RecursionError):
            return False

    return accepts


def _table(schema: Any, depth: int | None) -> Table:
    """What fits the schema. `depth` is how deep the value lies; None in a branch."""
    if schema is False or (depth is not None and depth > MAX_DEPTH):
        return {}
    if schema is True:
        return _of_types(None, depth)
    # jsonschema changes its dialect where a schema inside names one
    if not _UNKNOWN.isdisjoint(schema) or ("$schema" in schema and depth != 0):
        raise Unknown
    types = schema.get("type")
    plain = _of_types(tuple(types) if isinstance(types, list) else types, depth)
    if _WORDS.isdisjoint(schema):
        return plain
    table = dict(plain)
    for kind in plain.keys() & _MAKERS.keys():
        words, make = _MAKERS[kind]
        if not words.isdisjoint(schema):
            table[kind] = make(schema, depth)
    if "enum" in schema:
        table = _chosen(schema["enum"], table)
    if "const" in schema:
        table = _chosen([schema["const"]], table)
    branches = list(_branches(schema))
    return {kind: every(fits, *branches) for kind, fits in table.items()} if branches else table


@cache
def _of_types(types: str | tuple[str, ...] | None, depth: int | None) -> Table:
    """What fits a schema that only names types, or not even that."""
    names = (types,) if isinstance(types, str) else _TYPES if types is None else types
    table = {kind: _open(kind, depth) for name in names for kind in _TYPES[name]}
    if float in table and "number" not in names:
        table[float] = float_check({"type": "integer"}, depth)
    return table


def _open(kind: type, depth: int | None) -> Fits:
    """What fits where the schema says nothing: what JSON can carry."""
    if depth is None or kind not in _MAKERS:
        return yes
    if kind is str:
        return is_text
    make = partial(_MAKERS[kind][1], {}, depth)
    return _when_met(make) if kind in {list, dict} else make()


def _when_met(make: Callable[[], Fits]) -> Fits:
    """Made when a value gets there: the levels of open values do not end."""
    made: list[Fits] = []

    def fits(value: Any, spare: Spare) -> bool:
        if not made:
            made.append(make())
        return made[0](value, spare)

    return fits


def _inside(schema: Any, depth: int | None) -> Table:
    """What fits one level below."""
    return _table(schema, None if depth is None else depth + 1)


def _in_branch(schema: Any) -> Fits:
    return _asked(_table(schema, None))


def _asked(table: Table) -> Fits:
    return lambda value, spare: type(value) in table and table[type(value)](value, spare)


def _list(schema: Schema, depth: int | None) -> Fits:
    low, high = schema.get("minItems", 0), schema.get("maxItems", inf)
    items = _inside(schema.get("items", True), depth)
    checks = [_each(items, low, high)]
    if "prefixItems" in schema:
        prefix = [_asked(_inside(item, depth)) for item in schema["prefixItems"]]
        checks = [sized(low, high), _after(prefix, _each(items))]
    if schema.get("uniqueItems"):
        if depth is None:
            raise Unknown  # `_is_unique` is not exact
        checks.append(_is_unique)
    if "contains" in schema:
        checks.append(_containing(schema))
    return every(*checks)


def _each(table: Table, low: float = 0, high: float = inf) -> Fits:
    def fits(items: Any, spare: Spare) -> bool:
        count = len(items)
        if not low <= count <= high:
            return False
        spare[0] -= count
        if spare[0] < 0:
            raise Large
        try:
            for item in items:
                if not table[type(item)](item, spare):
                    return False
        except KeyError:  # a type that does not fit
            return False
        return True

    return fits


def _after(prefix: list[Fits], rest: Fits) -> Fits:
    def fits(items: Any, spare: Spare) -> bool:
        pairs = zip(prefix, items, strict=False)
        return all(check(item, spare) for check, item in pairs) and rest(items[len(prefix) :], spare)

    return fits


def _is_unique(items: Any, _: Spare) -> bool:
    """Decided for texts, and for numbers: 1 is 1.0, and nothing here is true."""
    kinds = set(map(type, items))
    return (kinds <= {str} or kinds <= {int, float}) and len(set(items)) == len(items)


def _containing(schema: Schema) -> Fits:
    wanted = _in_branch(schema["contains"])
    low, high = schema.get("minContains", 1), schema.get("maxContains", inf)
    return lambda items, spare: low <= sum(wanted(item, spare) for item in items) <= high


def _object(schema: Schema, depth: int | None) -> Fits:
    others = schema.get("additionalProperties", True)
    fields, required = _Fields(schema, depth), tuple(schema.get("required", ()))
    checks = [_some(fields, required) if depth is None and others is True else _entries(fields, required)]
    if "minProperties" in schema or "maxProperties" in schema:
        checks.append(sized(schema.get("minProperties", 0), schema.get("maxProperties", inf)))
    for name, needed in schema.get("dependentRequired", {}).items():
        checks.append(_beside(name, _some(_Fields({}, None), tuple(needed))))
    for name, other in schema.get("dependentSchemas", {}).items():
        checks.append(_beside(name, _in_branch(other)))
    if "propertyNames" in schema:
        checks.append(_each(_table(schema["propertyNames"], None)))
    return every(*checks)


class _Fields(dict[str, Table]):
    """What fits each entry of an object; made when a value first has it."""

    def __init__(self, schema: Schema, depth: int | None) -> None:
        super().__init__()
        self.schemas: Schema = schema.get("properties", {})
        self._depth = depth
        self._others = _inside(schema.get("additionalProperties", True), depth)

    def __missing__(self, name: Any) -> Table:
        if type(name) is not str or len(name) > SHORT or not is_encodable(name):
            raise KeyError(name)
        if name not in self.schemas:
            return self._others
        self[name] = table = _inside(self.schemas[name], self._depth)
        return table


def _entries(fields: _Fields, required: tuple[str, ...]) -> Fits:
    def fits(entries: Any, spare: Spare) -> bool:
        spare[0] -= len(entries)
        if spare[0] < 0:
            raise Large
        for name in required:
            if name not in entries:
                return False
        try:
            for name, item in entries.items():
                if not fields[name][type(item)](item, spare):
                    return False
        except KeyError:  # a name that may not be, or a type that does not fit
            return False
        return True

    return fits


def _some(fields: _Fields, required: tuple[str, ...]) -> Fits:
    """As _entries, where the other entries are nobody's business."""

    def fits(entries: Any, spare: Spare) -> bool:
        for name in required:
            if name not in entries:
                return False
        try:
            for name in fields.schemas:
                if name in entries and not fields[name][type(entries[name])](entries[name], spare):
                    return False
        except KeyError:
            return False
        return True

    return fits


def _beside(name: str, check: Fits) -> Fits:
    return lambda entries, spare: name not in entries or check(entries, spare)


def _chosen(choices: list[Any], table: Table) -> dict[type, Fits]:
    """What fits the table and is one of the choices."""
    is_json = _asked(_of_types(None, 0))
    texts = frozenset(choice for choice in choices if type(choice) is str)
    if not all(is_json(choice, [inf, inf]) for choice in choices) or any(len(text) > SHORT for text in texts):
        raise Unknown
    kinds = set(map(type, choices))
    if not kinds.isdisjoint((int, float)):
        kinds |= {int, float}
    others = [choice for choice in choices if type(choice) is not str]
    chosen: dict[type, Fits] = {}
    for kind in kinds & table.keys():
        is_chosen: Fits = (lambda text, _: text in texts) if kind is str else among(others)
        chosen[kind] = is_chosen if table[kind] is is_text else every(table[kind], is_chosen)
    return chosen


def _branches(schema: Schema) -> Iterator[Fits]:
    for branch in schema.get("allOf", ()):
        yield _in_branch(branch)
    if "anyOf" in schema:
        forms = [_in_branch(branch) for branch in schema["anyOf"]]
        yield either(forms)
    if "oneOf" in schema:
        kinds = [_in_branch(branch) for branch in schema["oneOf"]]
        yield lambda value, spare: sum(form(value, spare) for form in kinds) == 1
    if "not" in schema:
        wrong = _in_branch(schema["not"])
        yield lambda value, spare: not wrong(value, spare)
    if "if" in schema and ("then" in schema or "else" in schema):
        condition = _in_branch(schema["if"])
        then, other = _in_branch(schema.get("then", True)), _in_branch(schema.get("else", True))
        yield lambda value, spare: then(value, spare) if condition(value, spare) else other(value, spare)


_OBJECT_WORDS: Final = frozenset({
    *("properties", "additionalProperties", "propertyNames", "required", "minProperties", "maxProperties"),
    *("dependentRequired", "dependentSchemas"),
})  # fmt: skip
_MAKERS: Final[dict[type, tuple[frozenset[str], Callable[[Schema, int | None], Fits]]]] = {
    str: (frozenset({"minLength", "maxLength", "pattern"}), text_check),
    int: (NUMBER_WORDS, int_check),
    float: (NUMBER_WORDS, float_check),
    list: (frozenset({"items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"}), _list),
    dict: (_OBJECT_WORDS, _object),
}
_WORDS: Final = {"enum", "const", "allOf", "anyOf", "oneOf", "not", "if"}.union(
    *(words for words, _ in _MAKERS.values())
)
