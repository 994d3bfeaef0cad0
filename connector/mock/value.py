"""A value that fits a JSON Schema: the same every time, with every field that may be there, and bounded.

What a schema offers as an example is taken first, then its default; a list has an item for each alternative and
each choice of its items, so that an expression that picks one of them finds one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import islice
from typing import Any, Final

from connector.mock.merging import merged
from connector.mock.pattern_text import text_for
from connector.mock.places import FIRST, INSIDE, Place
from connector.mock.plain_text import text_like
from connector.mock.sought import SOUGHT, WITHIN
from connector.schema import Checker, Schema

_MOST_VALUES: Final = 20_000  # of one answer
_FULL_DEPTH: Final = 12  # deeper, only what is required
_MOST_ITEMS: Final = 6  # where the schema asks for no more
_USUAL_ITEMS: Final = 2
_LONGEST: Final = 100_000  # characters of a text
_MOST_OFFERS: Final = 24


class CannotMakeError(ValueError):
    """No value fits the schema that would not be too large. `str()` is a sentence for people."""


def value_for(schema: Any, name: str = "value", number: int = 0) -> Any:
    """A value that fits a schema, as far as one can be made.

    Args:
        schema: a schema that a manifest may have; anything else describes anything.
        name: of what it is for: texts are made of it.
        number: another number gives other texts and numbers where that is possible.

    Raises:
        CannotMakeError: the schema asks for more than a mock gives.
    """
    try:
        return _Making(_MOST_VALUES, _FULL_DEPTH).value(schema, name, number, 0)
    except CannotMakeError:
        return _Making(_MOST_VALUES, 0).value(schema, name, number, 0)


def choices(schema: Any) -> list[Any]:
    """Values that a schema lets stand in one place: its choices, what it is compared with, null."""
    if not isinstance(schema, Mapping):
        return []
    listed: list[Any] = [*schema.get(SOUGHT, ()), *schema.get("enum", ())]
    kinds = kinds_of(schema)
    listed += [True, False] if "boolean" in kinds else []
    listed += [None] if "null" in kinds or not kinds else []
    if "array" in kinds:
        listed += [FIRST] if schema.get("minItems", 0) < 2 else []
        listed += [] if schema.get("minItems") else [[]]
    if "string" in kinds and "enum" not in schema and "const" not in schema:
        listed += ["pending", ""]  # a word that nothing is compared with, and none
    if {"integer", "number"} & set(kinds) and "enum" not in schema:
        listed += [0, 1]
    return [value for position, value in enumerate(listed) if not _is_in(value, listed[:position])]


def schema_at(schema: Any, place: Place) -> Any:
    """What a schema says of a place in its values; {} where it says nothing."""
    for step in place:
        schema = _plain(schema)
        if step == INSIDE:
            schema = schema.get(WITHIN, {})
        elif isinstance(step, str):
            schema = schema.get("properties", {}).get(step, schema.get("additionalProperties", {}))
        else:
            schema = schema.get("items", {})
    return schema if isinstance(schema, Mapping) else {}


def is_required(schema: Any, place: Place) -> bool:
    """Whether a schema asks for what stands at a place."""
    return bool(place) and place[-1] in _plain(schema_at(schema, place[:-1])).get("required", ())


def kinds_of(schema: Schema) -> list[str]:
    """The types that a schema names, or that its words are about."""
    if "type" in schema:
        return [schema["type"]] if isinstance(schema["type"], str) else list(schema["type"])
    return [kind for words, kind in _WORDS_OF if not words.isdisjoint(schema)]


_WORDS_OF: Final = (
    ({"properties", "required", "additionalProperties", "patternProperties", "minProperties"}, "object"),
    ({"items", "prefixItems", "minItems", "maxItems", "contains"}, "array"),
    ({"pattern", "minLength", "maxLength", "format"}, "string"),
    ({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}, "number"),
)


def _is_in(value: Any, others: list[Any]) -> bool:
    return any(value == other and type(value) is type(other) for other in others)


def _plain(schema: Any, number: int = 0) -> Schema:
    """The schema with `allOf` and one of its alternatives put into it."""
    if not isinstance(schema, dict):
        return {}
    for part in schema.get("allOf", ()):
        schema = merged({k: v for k, v in schema.items() if k != "allOf"}, _plain(part, number))
    for word in ("anyOf", "oneOf"):
        ways = [way for way in schema.get(word, ()) if isinstance(way, dict) and way.get("type") != "null"]
        if ways:
            rest = {key: value for key, value in schema.items() if key != word}
            schema = merged(rest, _plain(ways[number % len(ways)], number // len(ways)))
    return dict(schema)


class _Making:
    """The making of one value. `left` is how many values it may still hold."""

    def __init__(self, left: int, full_depth: int) -> None:
        self._left = left
        self._full_depth = full_depth

    def value(self, schema: Any, name: str, number: int, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise CannotMakeError(f"The schema asks for more than {_MOST_VALUES:,} values.")
        schema = _plain(schema, number)
        if "const" in schema:
            return schema["const"]
        if offered := _fitting(schema):
            return offered[number % len(offered)]
        kinds = [kind for kind in kinds_of(schema) if kind != "null"]
        match kinds[0] if kinds else schema.get("type", "string"):
            case "object":
                return self._object(schema, number, depth)
            case "array":
                return self._array(schema, name, number, depth)
            case "string" if WITHIN in schema:
                return json.dumps(self.value(schema[WITHIN], name, number, depth + 1), ensure_ascii=False)
            case "string":
                return _text(schema, name, number)
            case "integer" | "number" as kind:
                return _number(schema, number, is_whole=kind == "integer")
            case "boolean":
                return True
            case _:
                return None

    def _object(self, schema: Schema, number: int, depth: int) -> dict[str, Any]:
        fields, required = schema.get("properties", {}), schema.get("required", ())
        others = schema.get("additionalProperties", {})
        wanted = [*required, *(fields if depth < self._full_depth else ())]
        wanted = list(dict.fromkeys(name for name in wanted if fields.get(name) is not False))
        least, most = schema.get("minProperties", 0), schema.get("maxProperties", math.inf)
        made = {
            name: self.value(fields.get(name, others), name, number, depth + 1)
            for place, name in enumerate(wanted)
            if place < most or name in required
        }
        is_map = isinstance(others, dict) and others and not fields and depth < self._full_depth
        for name in _new_names(schema, max(least - len(made), 1 if is_map and not made and most > 0 else 0)):
            by_pattern = next(iter(schema.get("patternProperties", {}).values()), others)
            made[name] = self.value(by_pattern, name, number, depth + 1)
        return made

    def _array(self, schema: Schema, name: str, number: int, depth: int) -> list[Any]:
        first, items = schema.get("prefixItems", ()), schema.get("items", {})
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        wanted = len(first) if items is False else max(_variety(items), _USUAL_ITEMS, len(first))
        if depth >= self._full_depth:
            wanted = 0
        wanted = int(min(max(min(wanted, _MOST_ITEMS), least), most))
        singular = name[:-1] if name.endswith("s") and not name.endswith("ss") else name
        made = []
        for place in range(wanted):
            item = first[place] if place < len(first) else items
            made.append(self.value(item, singular, number + place, depth + 1))
        if "contains" in schema and made and least <= len(made):
            made[0] = self.value(schema["contains"], singular, number, depth + 1)
        if schema.get("uniqueItems"):
            made = [item for place, item in enumerate(made) if not _is_in(item, made[:place])]
        return made


def _offered(schema: Schema) -> Iterator[Any]:
    """What the schema itself proposes, null apart."""
    has_choices = "enum" in schema
    sought = schema.get(SOUGHT, ())
    if sought:
        yield from sought
    for value in (*schema.get("examples", ()), schema.get("default"), *schema.get("enum", ())):
        if value is not None and not (has_choices and _is_in(value, list(sought))):
            yield value


def _fitting(schema: Schema) -> list[Any]:
    """What of the offers fits the rest of the schema."""
    offered = list(islice(_offered(schema), _MOST_OFFERS))
    checker = Checker({word: value for word, value in schema.items() if word not in {SOUGHT, WITHIN}})
    return [value for value in offered if not checker.problems(value)]


def _variety(items: Any) -> int:
    """How many items show all that an item can be: one for each alternative, and for each choice in one field."""
    plain = _plain(items)
    ways = max(
        (len(items[word]) for word in ("anyOf", "oneOf") if isinstance(items, dict) and word in items),
        default=1,
    )
    fields = [field for field in plain.get("properties", {}).values() if isinstance(field, dict)]
    counts = [len({str(value) for value in _offered(_plain(field)) if value is not None}) for field in fields]
    return max(ways, *counts, len(list(plain.get("enum", ()))), 1) if counts else ways


def _new_names(schema: Schema, count: int) -> Iterator[str]:
    """Names of fields that the schema does not list, but takes."""
    patterns = list(schema.get("patternProperties", {}))
    wanted = schema.get("propertyNames", {})
    pattern = (wanted.get("pattern") if isinstance(wanted, Mapping) else None) or next(iter(patterns), None)
    if not patterns and schema.get("additionalProperties") is False:
        return
    for number in range(min(count, _MOST_VALUES)):
        name = text_for(pattern, number=number) if pattern else f"key_{number + 1}"
        if name is not None:
            yield name


def _text(schema: Schema, name: str, number: int) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if least > _LONGEST:
        raise CannotMakeError(f"The schema asks for a text of {least:,} characters.")
    if "pattern" in schema:
        made = text_for(schema["pattern"], least=int(least), most=most, number=number)
        if made is not None:
            return made
    form = "byte" if schema.get("contentEncoding") == "base64" else schema.get("format")
    text = text_like(name, form, number)
    if len(text) < least:
        text += "".join("abcdefghij"[place % 10] for place in range(int(least) - len(text)))
    if most is not None and len(text) > most:
        text = str(number + 1).rjust(int(most), "a")[-int(most) :] if most else ""
    return text


def _number(schema: Schema, number: int, *, is_whole: bool) -> int | float:
    step = Fraction(str(schema.get("multipleOf", 1 if is_whole else "0.5")))
    if is_whole and step.denominator != 1:
        step = Fraction(step.numerator)
    bounds = {word: Fraction(str(schema[word])) for word in _BOUNDS if _is_finite(schema.get(word))}
    low = max((bounds[w] for w in ("minimum", "exclusiveMinimum") if w in bounds), default=None)
    high = min((bounds[w] for w in ("maximum", "exclusiveMaximum") if w in bounds), default=None)
    wanted = Fraction(number + 1) * max(Fraction(1), step)
    if low is not None and wanted < low + step:
        wanted = low + step * number
        wanted += step if bounds.get("exclusiveMinimum") == wanted else 0
    made = math.ceil(wanted / step) * step
    if high is not None and (made > high or made == bounds.get("exclusiveMaximum")):
        made = math.floor(high / step) * step
        made -= step if made == bounds.get("exclusiveMaximum") else 0
        if low is not None and (made < low or made == bounds.get("exclusiveMinimum")):  # no step lies between
            made = (low + high) / 2
    return int(made) if made.denominator == 1 else float(made)


_BOUNDS: Final = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
