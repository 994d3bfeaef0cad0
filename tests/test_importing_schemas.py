"""Schemas of documents as manifests have them, and values that fit them."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_documents import action, get, inputs, post, read, remarks, three

from connector.importing.samples import text_for
from connector.importing.soundly import sound
from connector.schema import Checker
from connector.size import MAX_DEPTH

TEXT = {"type": "string"}


def shaped(schema: Any, **components: Any) -> Any:
    """The schema of an input."""
    document = post({"type": "object", "properties": {"x": schema}})
    return inputs({**document, "components": {"schemas": components}})["x"]


@pytest.mark.parametrize(
    ("said", "made"),
    [
        pytest.param({"type": "string", "nullable": True}, {"type": ["string", "null"]}, id="nullable"),
        pytest.param({"type": ["string", "null"]}, {"type": ["string", "null"]}, id="list of types"),
        pytest.param(
            {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
            {"type": "integer", "exclusiveMinimum": 1},
            id="exclusive as true",
        ),
        pytest.param(
            {"type": "integer", "exclusiveMinimum": 1}, {"type": "integer", "exclusiveMinimum": 1}, id="as a number"
        ),
        pytest.param({"type": "string", "enum": [1, True]}, {"type": "string", "enum": ["1", "true"]}, id="YAML's choices"),
        pytest.param({"type": "integer", "enum": ["1", "x"]}, {"type": "integer", "enum": [1]}, id="odd choices"),
        pytest.param({"enum": ["a", "a"]}, {"type": "string", "enum": ["a"]}, id="a choice twice"),
        pytest.param(
            {"type": "string", "enum": ["MALE"], "maxLength": 1},
            {"type": "string", "enum": ["MALE"]},
            id="choices that are too long",
        ),
        pytest.param({"type": "string", "minLength": 5, "maxLength": 2}, TEXT, id="bounds that cross"),
        pytest.param({"type": "string", "maximum": 5, "items": {}}, TEXT, id="words of other types"),
        pytest.param({"type": "string", "default": 5}, {"type": "string", "default": "5"}, id="default of YAML"),
        pytest.param({"type": "integer", "default": "many"}, {"type": "integer"}, id="default that does not fit"),
        pytest.param({"type": "string", "default": ""}, TEXT, id="empty default"),
        pytest.param({"type": "string", "format": "byte"}, {**TEXT, "format": "byte", "contentEncoding": "base64"}, id="byte"),
        pytest.param({"type": "string", "const": "a"}, {"type": "string", "enum": ["a"]}, id="const"),
        pytest.param({"type": "dict"}, {"type": "object"}, id="a type that is none"),
        pytest.param(True, {}, id="true"),
        pytest.param({"properties": {"a": TEXT}}, {"type": "object", "properties": {"a": TEXT}}, id="no type"),
        pytest.param(
            {"type": "object", "required": ["a", "b"], "properties": {"a": TEXT}},
            {"type": "object", "properties": {"a": TEXT}, "required": ["a"]},
            id="required that is not there",
        ),
        pytest.param(
            {"oneOf": [TEXT, {"type": "integer"}]}, {"anyOf": [TEXT, {"type": "integer"}]}, id="one of several"
        ),
        pytest.param({"anyOf": [TEXT, {}]}, {}, id="one of them anything"),
        pytest.param({"allOf": [{"$ref": "#/components/schemas/A"}], "nullable": True}, {"type": ["string", "null"], "maxLength": 9}, id="all of one"),
        pytest.param({"allOf": [{"$ref": "#/components/schemas/A"}, {"maxLength": 3}]}, {**TEXT, "maxLength": 3}, id="the stricter"),
        pytest.param({"$ref": "#/components/schemas/A", "description": "Mine."}, {**TEXT, "maxLength": 9, "description": "Mine."}, id="beside a reference"),
        pytest.param({"allOf": [{"$ref": "#/components/schemas/Self"}]}, {}, id="a part of itself"),
    ],
)  # fmt: skip
def test_a_schema_is_said_in_json_schema(said: Any, made: Any) -> None:
    """Whatever the version's words are."""
    components = {"A": {**TEXT, "maxLength": 9}, "Self": {"allOf": [{"$ref": "#/components/schemas/Self"}]}}
    assert shaped(said, **components) == made


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param({"type": "string", "pattern": r"\p{L}+"}, "cannot be read", id="ECMA's classes"),
        pytest.param({"type": "string", "pattern": "^(a+)+$"}, "takes too long", id="slow"),
        pytest.param({"type": "string", "pattern": "^(?=x)y$"}, "no example", id="nothing fits"),
        pytest.param({"not": TEXT}, "`not`", id="not"),
        pytest.param({"type": "integer", "default": "many"}, "the default", id="default"),
        pytest.param({"$ref": "other.yaml#/A"}, "another document", id="another document"),
        pytest.param({"$ref": "#/components/schemas/No"}, "leads to nothing", id="to nothing"),
        pytest.param({"type": "integer", "enum": ["1", "x"]}, 'the choice "x"', id="choice"),
    ],
)
def test_what_a_schema_loses_is_told(said: Any, told: str) -> None:
    """The input stays."""
    document = post({"type": "object", "properties": {"x": said}})
    assert any(told in remark and remark.startswith("x: without") for remark in remarks(document))


def test_a_schema_that_holds_itself_ends_in_any_json() -> None:
    """It is written out to a depth."""
    tree = {"type": "object", "properties": {"name": TEXT, "below": {"$ref": "#/components/schemas/Tree"}}}
    depth, schema = 0, shaped({"$ref": "#/components/schemas/Tree"}, Tree=tree)
    while "properties" in schema:
        depth, schema = depth + 1, schema["properties"]["below"]
    assert (3 < depth < MAX_DEPTH, schema) == (True, {"type": "object"})


def test_a_wide_schema_that_holds_itself_keeps_to_its_size() -> None:
    """Hundreds of fields, each of which is the whole again, cost no time."""
    tree = {
        "type": "object",
        "properties": {f"f{n}": {"$ref": "#/components/schemas/Tree"} for n in range(300)},
    }
    made = shaped({"$ref": "#/components/schemas/Tree"}, Tree=tree)
    assert len(repr(made)) < 100_000


def test_a_discriminator_tells_alternatives_apart() -> None:
    """By its mapping, or by the schema's name."""
    components = {
        "Cat": {"type": "object", "properties": {"kind": TEXT}},
        "Dog": {"type": "object", "properties": {"kind": TEXT}},
    }
    references = [{"$ref": f"#/components/schemas/{name}"} for name in components]
    mapping = {"kitty": "#/components/schemas/Cat"}
    said = {"oneOf": references, "discriminator": {"propertyName": "kind", "mapping": mapping}}
    branches = shaped(said, **components)["anyOf"]
    assert [branch["properties"]["kind"]["enum"] for branch in branches] == [["kitty"], ["Dog"]]
    assert [branch["required"] for branch in branches] == [["kind"], ["kind"]]


def test_secrets_of_a_document_stand_in_no_manifest() -> None:
    """Neither in a text for people nor as an example."""
    key = "sk-" + "live0123456789abcdef"
    document = get(
        parameters=[
            {
                "name": "q",
                "in": "query",
                "required": True,
                "example": key,
                "description": f"Like {key}.",
                "schema": TEXT,
            }
        ]
    )
    assert key not in repr(action(document))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param({"example": "a"}, "a", id="of the parameter"),
        pytest.param({"examples": {"one": {"value": "b"}}}, "b", id="a named one"),
        pytest.param({"schema": {**TEXT, "example": "c"}}, "c", id="of the schema"),
        pytest.param({"schema": {**TEXT, "examples": ["d"]}}, "d", id="one of a list"),
        pytest.param({"schema": {**TEXT, "enum": ["e", "f"]}}, "e", id="a choice"),
        pytest.param({"schema": {**TEXT, "format": "date"}}, "2024-05-17", id="a format"),
        pytest.param({"schema": {"type": "integer", "example": "x"}}, 1, id="one that does not fit"),
        pytest.param(
            {"schema": {"type": "number", "minimum": 2.5, "exclusiveMinimum": True}}, 3, id="a bound"
        ),
        pytest.param(
            {"schema": {"type": "array", "items": TEXT, "minItems": 2}}, ["example"] * 2, id="a list"
        ),
    ],
)
def test_an_example_is_the_documents_or_made(words: dict[str, Any], said: Any) -> None:
    """Always the same one."""
    document = get(parameters=[{"name": "q", "in": "query", "required": True, "schema": TEXT, **words}])
    assert action(document)["examples"][0]["inputs"] == {"q": said}


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-z]{3}$",
        "^[0-9]+$",
        r"^\d{4}-\d{2}-\d{2}$",
        "^#[0-9a-f]{6}$",
        "^(acct|cus)_[a-z]+$",
        "^[A-Z]{2}$",
        ".",
    ],
)
def test_a_text_is_made_for_a_pattern(pattern: str) -> None:
    """So that an example can be sent."""
    schema = {"type": "string", "pattern": pattern}
    assert not Checker(schema).problems(text_for(schema))


def test_everything_at_once_becomes_actions() -> None:
    """A document of nonsense is read as far as it goes."""
    nonsense: list[Any] = [
        None,
        True,
        5,
        "x",
        [],
        {},
        [None],
        {"$ref": 5},
        {"type": 5},
        {"allOf": {}, "oneOf": 5},
    ]
    paths = {
        f"/p{index}": {
            "get": {"parameters": value, "responses": value, "tags": value, "security": value},
            "post": {"parameters": [value], "requestBody": value, "responses": {"200": value}},
            "put": {
                "requestBody": {"content": {"application/json": {"schema": value, "example": value}}},
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"properties": {"a": value}}}}}
                },
            },
            "parameters": value,
            "servers": value,
        }
        for index, value in enumerate(nonsense)
    }

    made = sound(read(three(paths, components=5, security=[5], tags=5)))
    assert made.operations == 3 * len(nonsense)
    assert not any("lint" in one.why for one in made.unread)
