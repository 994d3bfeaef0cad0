"""Schemas themselves: what is wrong in one, where, and nothing else than the metaschema says."""

from __future__ import annotations

from typing import Any

import pytest
from generated import bounded
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from connector.schema_form import faults


@pytest.mark.hazard("A12", "A13")
@pytest.mark.parametrize(
    ("schema", "path", "message", "hint"),
    [
        ([], (), "A schema is a mapping, not a list.", "Write `{type: ...}`."),
        ({"items": 5}, ("items",), "A schema is a mapping, not a whole number.", "Write `{type: ...}`."),
        ({"type": "str"}, ("type",), "'str' is not a type.", "Did you mean 'string'?"),
        ({"type": ["string", "nul"]}, ("type",), "'nul' is not a type.", "Did you mean 'null'?"),
        ({"type": 5}, ("type",), "A type is not a whole number.", "Known here: string, "),
        ({"type": []}, ("type",), "No type is named.", "Known here: string, "),
        ({"type": ["null", "null"]}, ("type",), "A type stands there twice.", "Keep one of each."),
        ({"properties": {"a": {"minLength": "1"}}}, ("properties", "a", "minLength"), "It must be a whole number, not text.", "Give a whole number."),
        ({"maxItems": 1.5}, ("maxItems",), "It must be a whole number, not a number.", "Give a whole number."),
        ({"maxItems": -1}, ("maxItems",), "-1 is below 0.", "Give 0 or more."),
        ({"maximum": "9"}, ("maximum",), "It must be a number, not text.", "Give a number."),
        ({"minimum": True}, ("minimum",), "It must be a number, not true or false.", "Give a number."),
        ({"multipleOf": 0}, ("multipleOf",), "0 is not above 0.", "Give more than 0."),
        ({"required": "a"}, ("required",), "It must be a list of names, not text.", "Give a list of names."),
        ({"required": [1]}, ("required",), "A name is text.", "Give a list of names."),
        ({"required": ["a", "a"]}, ("required",), "A name stands there twice.", "Keep one of each."),
        ({"dependentRequired": {"a": "b"}}, ("dependentRequired",), "It must be a list of names, not text.", "Give"),
        ({"enum": "a"}, ("enum",), "It must be a list, not text.", "Give a list."),
        ({"examples": {}}, ("examples",), "It must be a list, not an empty mapping.", "Give a list."),
        ({"title": 5}, ("title",), "It must be text, not a whole number.", "Give text."),
        ({"writeOnly": "yes"}, ("writeOnly",), "It must be true or false, not text.", "Give true or false."),
        ({"properties": []}, ("properties",), "It must be a mapping, not an empty list.", "Give a mapping."),
        ({"anyOf": []}, ("anyOf",), "It must be a list of schemas, not an empty list.", "Give a list of schemas."),
        ({"anyOf": [True, 5]}, ("anyOf", 1), "A schema is a mapping, not a whole number.", "Write"),
        ({"items": {"pattern": "("}}, ("items", "pattern"), "This regular expression cannot be read here.", "Check its brackets"),
        ({"patternProperties": {"(": {}}}, ("patternProperties", "("), "This regular expression cannot be read here.", "Check"),
        ({"$id": "a#b"}, ("$id",), "An $id has no fragment.", "Remove"),
        ({"$ref": "#"}, ("$ref",), "`$ref: #` is a reference.", "Write the schema out"),
        ({"anyOf": [{"$ref": "https://a.test/s.json"}]}, ("anyOf", 0, "$ref"), "`$ref: https://a.test/s.json` is a reference.", "Write"),
        ({"properties": {"a": {"$dynamicRef": "#b"}}}, ("properties", "a", "$dynamicRef"), "`$dynamicRef: #b` is a reference.", "Write"),
    ],
    ids=lambda value: str(value) if isinstance(value, (dict, list)) else "",
)  # fmt: skip
def test_faults(schema: Any, path: tuple[str | int, ...], message: str, hint: str) -> None:
    """What is no schema, or refers to a place that would be fetched or never ends, is told at its place."""
    (fault,) = faults(schema)
    assert (fault.path, fault.message) == (path, message)
    assert fault.hint.startswith(hint)


def test_all_faults() -> None:
    """Every fault is told, each at its place."""
    schema = {"type": "str", "properties": {"a": {"minimum": "x"}, "b": {"items": {"required": 5}}}}
    assert [fault.path for fault in faults(schema)] == [
        ("type",),
        ("properties", "a", "minimum"),
        ("properties", "b", "items", "required"),
    ]


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"properties": {"$ref": {"type": "string"}}},
        {"const": {"$ref": "#"}},
        {"enum": [{"$ref": "#"}]},
        {"default": {"$ref": "#"}},
        {"examples": [{"type": "str"}]},
        {"x-order": 5, "mesage": "unknown words are lint's business"},
        {"maxItems": 3.0},
    ],
    ids=str,
)
def test_no_fault(schema: Any) -> None:
    """Values that look like schemas, and words that are not known, are none of its business."""
    assert list(faults(schema)) == []


def is_schema(schema: Any) -> bool:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return False
    return True


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, 1, -1, 2.0, 2.5, "", "a", "string", "(", "a#", [], ["a"], ["a", "a"], ["string"], [1], ["null", "string"], [{}],
     [True], {}, {"a": {}}, {"a": ["b"]}, {"(": {}}, {"a": True}, {"a": 5}, {"type": "integer"}, {"type": "int"}]
)  # fmt: skip
WORDS = st.sampled_from(
    [
        "type",
        "pattern",
        "multipleOf",
        "required",
        "dependentRequired",
        "$id",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minContains",
        "maxContains",
        "minProperties",
        "maxProperties",
        "enum",
        "examples",
        "uniqueItems",
        "deprecated",
        "readOnly",
        "writeOnly",
        "title",
        "description",
        "format",
        "$schema",
        "$comment",
        "contentEncoding",
        "contentMediaType",
        "items",
        "contains",
        "additionalProperties",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
        "not",
        "if",
        "then",
        "else",
        "contentSchema",
        "properties",
        "patternProperties",
        "dependentSchemas",
        "$defs",
        "definitions",
        "allOf",
        "anyOf",
        "oneOf",
        "prefixItems",
        "const",
        "default",
        "unknown",
    ]
)
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(WORDS, VALUES, max_size=2),
    lambda inner: (
        st.dictionaries(WORDS, st.one_of(VALUES, inner, st.lists(inner, max_size=2)), max_size=2)
        | st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2)})
    ),
    max_leaves=3,
)


@bounded(250)
@given(SCHEMAS)
def test_same_as_the_metaschema(schema: Any) -> None:
    """A schema has a fault exactly if the metaschema of 2020-12 refuses it."""
    assert (list(faults(schema)) == []) is is_schema(schema)
