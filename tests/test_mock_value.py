"""Values made of schemas: they fit, they are the same each time, and no schema makes them large or slow."""

from __future__ import annotations

import time
from typing import Any

import pytest
from conftest import shipped

from connector.mock.pattern_text import text_for
from connector.mock.value import CannotMakeError, value_for
from connector.pattern import is_readable, matches
from connector.schema import Checker


def nested(levels: int, inside: Any) -> Any:
    schema = inside
    for _ in range(levels):
        schema = {"type": "object", "required": ["a"], "properties": {"a": schema}}
    return schema


def in_lists(levels: int, **words: Any) -> Any:
    schema: Any = {"type": "integer"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema, **words}
    return schema


FITTING = {
    "nothing said": {},
    "true": True,
    "null": {"type": "null"},
    "const": {"const": {"a": [1, None]}},
    "enum": {"enum": ["b", "a"]},
    "enum with null first": {"enum": [None, "a"]},
    "example": {"type": "string", "examples": ["Anna"], "maxLength": 4},
    "example that does not fit": {"type": "integer", "examples": ["x", 40], "minimum": 30},
    "default": {"type": "integer", "default": 7},
    "two types": {"type": ["null", "integer"]},
    "all formats": {
        "type": "object",
        "properties": {
            name: {"type": "string", "format": name}
            for name in ("date-time", "date", "email", "uri", "uuid", "ipv4", "ipv6", "duration", "odd one")
        },
    },
    "long enough": {"type": "string", "minLength": 300},
    "short enough": {"type": "string", "maxLength": 2},
    "no characters": {"type": "string", "maxLength": 0},
    "pattern": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
    "pattern and length": {"type": "string", "pattern": "^[a-z]+$", "minLength": 40, "maxLength": 50},
    "pattern of names": {"type": "object", "patternProperties": {"^x_[0-9]{3}$": {"type": "integer"}}, "minProperties": 2},
    "whole number between": {"type": "integer", "minimum": 5, "maximum": 5},
    "number between": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
    "step": {"type": "number", "multipleOf": 0.01, "minimum": 19.985},
    "step of whole numbers": {"type": "integer", "multipleOf": 7, "minimum": 50},
    "negative": {"type": "integer", "maximum": -3},
    "huge bounds": {"type": "number", "minimum": 1e300},
    "list of a length": {"type": "array", "items": {"type": "string"}, "minItems": 4, "maxItems": 5},
    "empty list": {"type": "array", "maxItems": 0},
    "unlike items": {"type": "array", "items": {"type": "integer"}, "minItems": 5, "uniqueItems": True},
    "unlike choices": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True},
    "positions": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
    "all of": {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"minimum": 3, "type": "integer"}}}]},
    "any of": {"anyOf": [{"type": "null"}, {"type": "object", "required": ["b"], "properties": {"b": {"type": "boolean"}}}]},
    "one of, each with a word": {
        "type": "array",
        "items": {
            "oneOf": [
                {"type": "object", "required": ["kind"], "properties": {"kind": {"const": word}}}
                for word in ("a", "b", "c")
            ]
        },
    },
    "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "map with names": {"type": "object", "propertyNames": {"pattern": "^[a-z]{5}$"}, "additionalProperties": {"type": "integer"}},
    "required, not described": {"type": "object", "required": ["who"]},
    "few fields": {"type": "object", "maxProperties": 1, "properties": {"a": {}, "b": {}}},
    "deep": nested(60, {"type": "integer"}),
    "expressions in texts": {
        "type": "object",
        "properties": {"${{ inputs.x }}": {"enum": ["${{ 7 }}", "{{7*7}}"]}, "__proto__": {"type": "string"}},
    },
}  # fmt: skip


@pytest.mark.parametrize("schema", FITTING.values(), ids=FITTING)
def test_a_value_fits_its_schema(schema: Any) -> None:
    """Whatever can be met is met, and the same each time."""
    value = value_for(schema, "name")
    assert Checker(schema if isinstance(schema, dict) else {}).problems(value) == []
    assert value_for(schema, "name") == value


HOSTILE = {
    "pattern that nothing meets": {"type": "string", "pattern": "^(?!)$"},
    "pattern and a length that exclude each other": {"type": "string", "pattern": "^a{3}$", "minLength": 9},
    "pattern that takes long": {"type": "string", "pattern": "^(a+)+b{40}$"},
    "pattern of ten thousand": {"type": "string", "pattern": "^(a{1000}){10}$"},
    "bounds the wrong way round": {"type": "integer", "minimum": 9, "maximum": 1},
    "enum of another type": {"type": "integer", "enum": ["a"]},
    "nothing": False,
    "not what it is": {"type": "string", "not": {"type": "string"}},
    "lengths the wrong way round": {"type": "array", "minItems": 3, "maxItems": 1},
    "no fields, and two": {"type": "object", "additionalProperties": False, "minProperties": 2},
    "ten thousand choices": {"enum": list(range(10_000))},
    "wide": {"type": "object", "properties": {f"f{number}": {"type": "string"} for number in range(5_000)}},
    "deep lists": in_lists(100),
    "a list in each field of a list": in_lists(10, minItems=1),
    "alternatives in each other": {
        "anyOf": [{"anyOf": [{"anyOf": [{"type": "string"}] * 6}] * 6}] * 7,
    },
}  # fmt: skip


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_met_still_gives_a_value(schema: Any) -> None:
    """No schema makes the mock fail, grow or wait."""
    begun = time.monotonic()
    value = value_for(schema)
    assert time.monotonic() - begun < 5
    assert len(str(value)) < 1_000_000


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "array", "minItems": 10**9}, id="a billion items"),
        pytest.param(in_lists(5, minItems=20), id="3.2 million items"),
        pytest.param({"type": "string", "minLength": 10**9}, id="a billion characters"),
        pytest.param({"type": "object", "minProperties": 10**9}, id="a billion fields"),
    ],
)
def test_a_schema_that_asks_for_too_much_is_refused(schema: Any) -> None:
    """More than a mock gives is an error that says so."""
    with pytest.raises(CannotMakeError, match="asks for"):
        value_for(schema)


def test_a_list_shows_each_choice_of_its_items() -> None:
    """An expression that picks items by a word finds one for each word."""
    schema = {"type": "array", "items": {"type": "object", "properties": {"type": {"enum": ["a", "b", "c"]}}}}
    assert [item["type"] for item in value_for(schema)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^[a-z][a-z0-9-]{2,15}$", "aab"),
        ("^(foo|bar)-\\d{4}$", "foo-0123"),
        ("^https?://", "http://"),
        ("(?=.*\\d)(?=.*[a-z])^.{8,}$", None),
        ("^[^/\\s]+@[^/\\s]+\\.com$", "a@a.com"),
        ("^[\\u4e00-\\u9fff]{2}$", None),
        ("^\\+?[1-9]\\d{1,14}$", "10"),
        ("^a|b$", "a"),
        ("^(?:a(?:b(?:c)?)?)+x*$", "a"),
        ("^\\$\\{\\{ inputs\\.x \\}\\}$", "${{ inputs.x }}"),
        ("^[\\]\\[\\\\^-]{3}$", None),
        ("", ""),
    ],
)
def test_a_text_meets_its_pattern(pattern: str, text: str | None) -> None:
    """Sets, counts, alternatives, escapes and what is only looked at."""
    made = text_for(pattern)
    assert made is not None
    assert matches(pattern, made)
    assert text is None or made == text


@pytest.mark.parametrize(
    "pattern", ["^(?!)$", "^[^\\s\\S]$", "^a\\bb$", "[", "(", ")", "^\\p{L}$", "a{9999}", "(" * 60]
)
def test_no_text_meets_these(pattern: str) -> None:
    """What cannot be met, or cannot be read, gives none."""
    assert text_for(pattern) is None


def test_every_response_schema_of_the_shipped_connector_is_met() -> None:
    """The patterns and choices of real manifests included."""
    routes = [(a.id, r) for a in shipped().actions.values() for r in a.routes.values()]
    assert [
        name for name, route in routes if Checker(route.response).problems(value_for(route.response))
    ] == []
    fields = [(a.id, s) for a in shipped().actions.values() for s in a.input_fields.values()]
    with_pattern = [s for _, s in fields if "pattern" in s and is_readable(s["pattern"])]
    assert [s["pattern"] for s in with_pattern if Checker(s).problems(value_for(s))] == []
