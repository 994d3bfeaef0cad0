"""Whether a value is a JSON Schema that can be read here: each word has a value of its kind, none is a reference.

Says what the metaschema of 2020-12 says of the words below (a test compares them), in a tenth of its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from connector.errors import did_you_mean
from connector.evaluate import described
from connector.pattern import MAX_CHARACTERS, excess, is_quick, is_readable
from connector.schema_sentences import TYPE_WORDS

Path = tuple[str | int, ...]

MAX_LEVELS: Final = 200
MAX_WAYS: Final = 256  # of anyOf, oneOf and allOf in each other, multiplied: a value may be tried with each
MAX_CHOICES: Final = 10_000  # of an enum
_MAX_PATTERNS: Final = 20  # of names, side by side
_MAX_STEPS: Final = 100  # of a pattern of names, for each character

_SCHEMA: Final = {
    *(
        "items",
        "contains",
        "additionalProperties",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    ),
    *("not", "if", "then", "else", "contentSchema"),
}
_SCHEMAS: Final = {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"}
_SCHEMA_LIST: Final = {"allOf", "anyOf", "oneOf", "prefixItems"}


@dataclass(frozen=True)
class Fault:
    """What is wrong at a path in a schema."""

    path: Path
    message: str
    hint: str


def faults(schema: Any, path: Path = (), ways: int = 1) -> Iterator[Fault]:
    """Everything because of which a value is no schema that can be read here.

    `ways` is how many alternatives those around it multiply to.
    """
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield Fault(path, f"A schema is a mapping, not {described(schema)}.", "Write `{type: ...}`.")
        return
    if len(path) > MAX_LEVELS:
        yield Fault(path, "The schema is nested too deep.", "Flatten it.")
        return
    for word, value in schema.items():
        place = (*path, word)
        if word in _SCHEMA:
            yield from faults(value, place, ways)
        elif word in _SCHEMAS:
            yield from _named(value, place, ways, patterns=word == "patternProperties")
        elif word in _SCHEMA_LIST:
            yield from _listed(value, place, ways)
        elif word in {"$ref", "$dynamicRef"}:
            hint = "Write the schema out; references are not read."
            yield Fault(place, f"`{word}: {value}` is a reference.", hint)
        elif (check := _CHECKS.get(word)) and (wrong := check(value)):
            yield Fault(place, *wrong)


def _named(value: Any, path: Path, ways: int, *, patterns: bool) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(path, *_must_be("a mapping", value))
        return
    if patterns and len(value) > _MAX_PATTERNS:
        yield Fault(path, f"There are more than {_MAX_PATTERNS} patterns of names.", "Join some with `|`.")
    for name, inner in value.items():
        if patterns and (wrong := _pattern(name) or _slow(name)):
            yield Fault((*path, name), *wrong)
        yield from faults(inner, (*path, name), ways)


def _listed(value: Any, path: Path, ways: int) -> Iterator[Fault]:
    if not isinstance(value, list) or not value:
        yield Fault(path, *_must_be("a list of schemas", value))
        return
    if path[-1] != "prefixItems":
        ways *= len(value)
    if ways > MAX_WAYS:
        message = f"The alternatives here and around it multiply to {ways:,}; {MAX_WAYS} are allowed."
        yield Fault(path, message, "Nest fewer of them in each other, or list plain values as an `enum`.")
        return
    for index, inner in enumerate(value):
        yield from faults(inner, (*path, index), ways)


_Wrong = tuple[str, str] | None


def _must_be(what: str, value: Any) -> tuple[str, str]:
    got = (
        f"an empty {'list' if isinstance(value, list) else 'mapping'}"
        if value in ([], {})
        else described(value)
    )
    return f"It must be {what}, not {got}.", f"Give {what}."


def _is(kind: type | tuple[type, ...], what: str) -> Callable[[Any], _Wrong]:
    return lambda value: None if isinstance(value, kind) else _must_be(what, value)


def _number(value: Any) -> _Wrong:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return None if is_number else _must_be("a number", value)


def _step(value: Any) -> _Wrong:
    if wrong := _number(value):
        return wrong
    return None if value > 0 else (f"{value} is not above 0.", "Give more than 0.")


def _count(value: Any) -> _Wrong:
    if _number(value) or (isinstance(value, float) and not value.is_integer()):
        return _must_be("a whole number", value)
    return None if value >= 0 else (f"{value} is below 0.", "Give 0 or more.")


def _names(value: Any) -> _Wrong:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return _must_be("a list of names", value) if not isinstance(value, list) else _NAMES
    return None if len(set(value)) == len(value) else ("A name stands there twice.", "Keep one of each.")


_NAMES: Final = ("A name is text.", "Give a list of names.")


def _lists_of_names(value: Any) -> _Wrong:
    if not isinstance(value, Mapping):
        return _must_be("a mapping", value)
    return next(filter(None, map(_names, value.values())), None)


def _type(value: Any) -> _Wrong:
    names = value if isinstance(value, list) else [value]
    for name in names:
        if not isinstance(name, str):
            return f"A type is not {described(name)}.", f"Known here: {', '.join(TYPE_WORDS)}."
        if name not in TYPE_WORDS:
            return f"{name!r} is not a type.", did_you_mean(name, TYPE_WORDS)
    if not names:
        return "No type is named.", f"Known here: {', '.join(TYPE_WORDS)}."
    return None if len(set(names)) == len(names) else ("A type stands there twice.", "Keep one of each.")


def _pattern(value: Any) -> _Wrong:
    if not isinstance(value, str):
        return _must_be("text", value)
    if len(value) > MAX_CHARACTERS:
        return f"It is longer than {MAX_CHARACTERS:,} characters.", "Say it in a shorter way."
    if sentence := excess(value):
        return sentence, "Say it in a simpler way, or use maxLength."
    if not is_readable(value):
        return "This regular expression cannot be read here.", "Check its brackets and escapes."
    return None


def _slow(pattern: str) -> _Wrong:
    # jsonschema asks Python's `re` of the names, and nothing stops that
    hint = "Begin it with `^`, repeat no group, and use one `*` or `+` and no large counts."
    return None if is_quick(pattern, _MAX_STEPS) else ("This pattern can take too long on some names.", hint)


def _choices(value: Any) -> _Wrong:
    if not isinstance(value, list):
        return _must_be("a list", value)
    if len(value) > MAX_CHOICES:
        message = f"There are {len(value):,} choices; {MAX_CHOICES:,} are allowed."
        return message, "Use a pattern, or describe them in words."
    return None


def _id(value: Any) -> _Wrong:
    if not isinstance(value, str):
        return _must_be("text", value)
    return None if "#" not in value[:-1] else ("An $id has no fragment.", "Remove what follows the `#`.")


_CHECKS: Final[dict[str, Callable[[Any], _Wrong]]] = {
    "type": _type,
    "pattern": _pattern,
    "multipleOf": _step,
    "required": _names,
    "dependentRequired": _lists_of_names,
    "$id": _id,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"), _count),
    **dict.fromkeys(("minProperties", "maxProperties"), _count),
    **dict.fromkeys(("enum", "examples"), _choices),
    **dict.fromkeys(("uniqueItems", "deprecated", "readOnly", "writeOnly"), _is(bool, "true or false")),
    **dict.fromkeys(("title", "description", "format", "$schema", "$comment"), _is(str, "text")),
    **dict.fromkeys(("contentEncoding", "contentMediaType"), _is(str, "text")),
}
