"""What a value can be, as far as a JSON Schema says."""

from __future__ import annotations

from typing import Any

import pytest

from connector.shape import UNKNOWN, Shape, mismatch, of_schema, of_value, union, union_of

TEXT, NUMBER, WHOLE, NULL, LIST, OBJECT = (
    Shape(frozenset({kind})) for kind in ("string", "number", "integer", "null", "array", "object")
)


def field(schema: Any, name: str) -> Shape:
    return (of_schema(schema).fields or {})[name]


@pytest.mark.parametrize(
    ("schema", "kinds"),
    [
        ({"type": "string"}, {"string"}),
        ({"type": ["string", "null"]}, {"string", "null"}),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, {"string", "array"}),
        ({"oneOf": [{"type": "string"}, {}]}, set()),
        ({"enum": ["a", 1, None, True, 2.5, [], {}]}, {"string", "integer", "null", "boolean", "number", "array", "object"}),
        ({"const": "a"}, {"string"}),
        ({}, set()),
        (True, set()),
    ],
    ids=lambda value: repr(sorted(value)) if isinstance(value, (set, frozenset)) else str(value)[:60],
)  # fmt: skip
def test_kinds(schema: Any, kinds: set[str]) -> None:
    """The types are those that the schema names, or that its choices have; none named is any."""
    assert of_schema(schema).kinds == kinds


@pytest.mark.parametrize(
    ("schema", "may_be_null"),
    [
        ({"properties": {"a": {"type": "string"}}}, True),
        ({"properties": {"a": {"type": "string"}}, "required": ["a"]}, False),
        ({"properties": {"a": {"type": "string", "default": "x"}}}, True),
        ({"allOf": [{"properties": {"a": {"type": "string"}}}], "required": ["a"]}, False),
        ({"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}]}, False),
        ({"anyOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}]}, True),
        ({"if": {}, "then": {"properties": {"a": {"type": "string"}}, "required": ["a"]}}, True),
        ({"properties": {"a": {"type": ["string", "null"]}}, "required": ["a"]}, True),
    ],
    ids=lambda value: repr(sorted(value)) if isinstance(value, (set, frozenset)) else str(value)[:60],
)
def test_optional_fields(schema: Any, may_be_null: bool) -> None:
    """A field may be null unless it is required in every case."""
    assert field(schema, "a").kinds - {"null"} == {"string"}
    assert field(schema, "a").may_be_null is may_be_null


def test_filled_defaults() -> None:
    """Where defaults are put in, a field that has one is there."""
    schema = {"properties": {"a": {"type": "string", "default": "x"}, "b": {"type": "string"}}}
    fields = of_schema(schema, filled=True).fields or {}
    assert [shape.may_be_null for shape in fields.values()] == [False, True]


@pytest.mark.parametrize(
    ("schema", "is_open"),
    [
        ({"properties": {"a": {}}}, False),
        ({"properties": {"a": {}}, "additionalProperties": False}, False),
        ({"properties": {"a": {}}, "additionalProperties": True}, True),
        ({"properties": {"a": {}}, "additionalProperties": {}}, True),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "string"}}, True),
        ({"properties": {"a": {}}, "patternProperties": {"^x": {}}}, True),
    ],
    ids=lambda value: repr(sorted(value)) if isinstance(value, (set, frozenset)) else str(value)[:60],
)
def test_other_fields(schema: Any, is_open: bool) -> None:
    """Other fields than the named ones are expected only where the schema says so in words."""
    assert (of_schema(schema).rest is not None) is is_open


def test_paths_and_items() -> None:
    """A field knows where it comes from; the items of a list come from where the list does."""
    schema = {"properties": {"a": {"type": "array", "items": {"properties": {"b": {}}}}}}
    item = (of_schema(schema, ("inputs",)).fields or {})["a"].item
    assert item is not None
    assert (item.fields or {})["b"].path == ("inputs", "a", "b")


def test_items_of_a_tuple() -> None:
    """Of a list whose places have types of their own, the items are not known."""
    assert of_schema({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}).item is None


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (TEXT, "text"),
        (TEXT.or_null(), "text"),
        (NULL, "null"),
        (union(LIST, OBJECT), "a list or an object"),
        (union(WHOLE, NUMBER), "a number"),
        (WHOLE, "a whole number"),
        (UNKNOWN, "anything"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_describe(shape: Shape, words: str) -> None:
    """A shape is described in words for people; null only where there is nothing else."""
    assert shape.describe() == words


def test_union() -> None:
    """What is one of two has the fields of both, and the choices only if both have choices."""
    whole = union(
        of_schema({"type": "object", "properties": {"a": {"type": "string"}}}), of_value({"a": 5, "b": 1})
    )
    assert {name: sorted(shape.kinds) for name, shape in (whole.fields or {}).items()} == {
        "a": ["integer", "null", "string"],
        "b": [],
    }
    assert union(of_value("x"), of_value("y")).choices == ("x", "y")
    assert union(of_value("x"), TEXT).choices is None
    assert union(of_value("x"), UNKNOWN) == UNKNOWN
    assert union_of([]) == UNKNOWN


ROWS = {
    "type": "array",
    "items": {"type": "object", "properties": {"title": {"type": "string"}, "year": {"type": "number"}}},
}


@pytest.mark.parametrize(
    ("value", "schema", "message"),
    [
        ("x", {"type": "string"}, None),
        (5, {"type": "number"}, None),
        (5.5, {"type": "integer"}, "out is declared as a whole number; this gives a number."),
        ("x", {"type": "integer"}, "out is declared as a whole number; this gives text."),
        (None, {"type": "integer"}, None),
        (
            ["x"],
            {"type": "array", "items": {"type": "integer"}},
            "out[] is declared as a whole number; this gives text.",
        ),
        ([{"title": "x", "year": 5}], ROWS, None),
        ([{"title": 5}], ROWS, "out[].title is declared as text; this gives a whole number."),
        ([{"titel": "x"}], ROWS, "out[] has no column 'titel'."),
        (["x"], ROWS, "out[] is declared as an object; this gives text."),
        ("x", {}, None),
    ],
    ids=lambda value: repr(sorted(value)) if isinstance(value, (set, frozenset)) else str(value)[:60],
)
def test_mismatch(value: Any, schema: Any, message: str | None) -> None:
    """A value that cannot be what is declared is told, down to the column of a row."""
    found = mismatch(of_value(value), schema, "out")
    assert (found and found.message) == message
