"""One schema for what several say of the same value: `allOf`, or a branch beside what holds for all."""

from __future__ import annotations

from typing import Any

from connector.schema import Schema

_LARGER = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_SMALLER = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}


def merged(one: Schema, other: Any) -> Schema:
    """A schema for values that fit both, as far as one schema can say it. A branch that is no object adds nothing."""
    if not isinstance(other, dict):
        return one
    result = {**one}
    for word, value in other.items():
        mine = result.get(word)
        result[word] = value if mine is None else _both(word, mine, value)
    return result


def _both(word: str, mine: Any, other: Any) -> Any:
    if word in {"properties", "patternProperties"}:
        names = dict.fromkeys((*mine, *other))
        return {name: _merged_field(mine.get(name), other.get(name)) for name in names}
    if word == "required":
        return list(dict.fromkeys((*mine, *other)))
    if word == "type":
        kinds = [kind for kind in _listed(mine) if kind in _listed(other)]
        # a number and an integer: an integer is both
        kinds = kinds or (["integer"] if {*_listed(mine), *_listed(other)} >= {"integer", "number"} else [])
        return kinds or other
    if word == "enum":
        return [value for value in mine if value in other] or other
    if word in _LARGER:
        return max(mine, other)
    if word in _SMALLER:
        return min(mine, other)
    if word in {"items", "additionalProperties"} and isinstance(mine, dict):
        return merged(mine, other) if isinstance(other, dict) else (other if other is False else mine)
    if word in {"allOf", "examples"}:
        return [*mine, *other]
    return other


def _merged_field(mine: Any, other: Any) -> Any:
    if not isinstance(mine, dict):
        return mine if other is None or mine is False else other
    return merged(mine, other)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
