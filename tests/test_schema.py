"""JSON Schema at the edges: what is wrong, in sentences, each with its path; and no exception for any value."""

from __future__ import annotations

import math
from typing import Any

import pytest
from generated import JSON, bounded
from hypothesis import given
from hypothesis import strategies as st

from connector.schema import MAX_PROBLEMS, NotASchema, checker, path_text
from connector.size import MAX_DEPTH


def told(schema: Any, value: Any) -> list[str]:
    return [str(problem) for problem in checker(schema).problems(value)]


ROLE = {"type": "string", "enum": ["system", "user"]}
MESSAGES = {
    "type": "object",
    "additionalProperties": False,
    "required": ["messages"],
    "properties": {
        "messages": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["role"],
                "properties": {"role": ROLE, "text": {"type": "string"}},
            },
        },
        "limit": {"type": "integer", "description": "At most 20."},
    },
}
BY_KIND = {
    "oneOf": [
        {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"const": "a"}, "x": {"type": "string"}},
        },
        {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "b"}}},
    ]
}
COMMAND_LINE = "On the command line, `name:=value` passes JSON where `name=value` passes text."


@pytest.mark.parametrize(
    ("schema", "value", "sentences"),
    [
        (MESSAGES, {"messages": []}, []),
        (MESSAGES, {}, ["messages: It is required. Give messages."]),
        (MESSAGES, {"mesages": []}, [
            "mesages: There is no such input. Did you mean 'messages'?",
            "messages: It is required. Give messages.",
        ]),
        (MESSAGES, {"messages": [{"role": "user"}, {"rol": "user"}]}, [
            "messages[1].rol: There is no such input. Did you mean 'role'?",
            "messages[1].role: It is required. Give role, one of: system, user.",
        ]),
        (MESSAGES, {"messages": [{"role": "sytem"}]}, [
            "messages[0].role: 'sytem' is not one of the choices. Did you mean 'system'? Choose one of: system, user.",
        ]),
        (MESSAGES, {"messages": {}}, ["messages: It must be a list, not an object. Give a list."]),
        (MESSAGES, {"messages": [], "limit": "5"}, [
            f"limit: It must be a whole number, not text. Give a whole number. {COMMAND_LINE}",
        ]),
        (MESSAGES, [], ["inputs: It must be an object, not a list. Give an object."]),
        ({"type": "integer"}, True, ["inputs: It must be a whole number, not true or false. Give a whole number."]),
        ({"type": ["string", "null"]}, 5, ["inputs: It must be text or null, not a whole number. Give text or null."]),
        ({"required": ["a"], "properties": {"a": {"description": "The first."}}}, {}, ["a: It is required. Give a: The first."]),
        ({"enum": [1, True, None, "a"]}, False, ["inputs: false is not one of the choices. Choose one of: 1, true, null, a."]),
        ({"enum": list(range(40))}, -1, [f"inputs: -1 is not one of the choices. Choose one of: {', '.join(map(str, range(30)))}, ...."]),
        ({"const": "a"}, "b", ["inputs: It must be 'a'. Give 'a'."]),
        ({"const": None}, 5, ["inputs: It must be null. Give null."]),
        ({"minimum": 2}, 1, ["inputs: 1 is below 2. Give 2 or more."]),
        ({"maximum": 2}, 2.5, ["inputs: 2.5 is above 2. Give 2 or less."]),
        ({"exclusiveMinimum": 0}, 0, ["inputs: 0 is not above 0. Give more than 0."]),
        ({"exclusiveMaximum": 1}, 1, ["inputs: 1 is not below 1. Give less than 1."]),
        ({"multipleOf": 0.01}, 19.999, ["inputs: 19.999 is not a multiple of 0.01. Round it."]),
        ({"minLength": 1}, "", ["inputs: It is empty. Give 1 character or more."]),
        ({"minLength": 3}, "ab", ["inputs: It has 2 characters. Give 3 characters or more."]),
        ({"maxLength": 1}, "ab", ["inputs: It has 2 characters. Give at most 1."]),
        ({"pattern": "^a$"}, "b", ["inputs: 'b' has not the right form. It must match the pattern (^a$)"]),
        ({"pattern": "^a$", "description": "An a."}, "b", ["inputs: 'b' has not the right form. An a. (^a$)"]),
        ({"minItems": 1}, [], ["inputs: It is empty. Give 1 item or more."]),
        ({"minItems": 3}, [1], ["inputs: It has 1 item. Give 3 items or more."]),
        ({"maxItems": 1}, [1, 2], ["inputs: It has 2 items. Give at most 1."]),
        ({"uniqueItems": True}, [1, 1.0], ["inputs: An item stands there twice. Keep one of each."]),
        ({"contains": {"const": "a"}}, ["b"], ["inputs: It lacks an item that it needs. Add 'a'."]),
        ({"contains": {"type": "string"}, "minContains": 2}, ["b"], ["inputs: It needs 2 items of one kind. Add what is missing."]),
        ({"contains": {"type": "string"}, "maxContains": 1}, ["b", "c"], ["inputs: It has more than 1 item of one kind. Remove some."]),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a", 1], ["inputs: It has more items than are allowed. Remove the last ones."]),
        ({"minProperties": 1}, {}, ["inputs: It is empty. Give 1 field or more."]),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, ["inputs: It has 2 fields. Give at most 1."]),
        ({"propertyNames": {"maxLength": 2}}, {"abc": 1}, ["inputs: The name 'abc': It has 3 characters. Give at most 2."]),
        ({"dependentRequired": {"a": ["b", "c"]}}, {"a": 1, "c": 1}, ["b: It is required beside a. Give b."]),
        ({"not": {"type": "string"}}, "a", ["inputs: It is of a form that is not allowed here. Give another value."]),
        ({"properties": {"a": False}}, {"a": 1}, ["inputs: 1 may not stand here. Leave it out."]),
        ({"unevaluatedProperties": False}, {"a": 1}, ["inputs: It has fields that are not known. Remove them."]),
        ({"if": {"type": "string"}, "then": {"minLength": 5}}, "ab", ["inputs: It has 2 characters. Give 5 characters or more."]),
        ({"additionalProperties": False, "patternProperties": {"^x-": {}}}, {"x-a": 1, "y": 2}, ["y: There is no such input. Remove it."]),
        ({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}, ["a", 5], [
            "[1]: It must be text, not a whole number. Give text.",
        ]),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, 5, [
            "inputs: It is a whole number, and fits none of the forms allowed here. Give text, or a list.",
        ]),
        ({"anyOf": [{"title": "one"}, {"title": "two"}], "type": "string"}, "a", []),
        ({"anyOf": [{"title": "one", "minLength": 9}, {"title": "two", "maxLength": 1}]}, "abc", [
            "inputs: It fits none of the forms allowed here. Give one, or two.",
        ]),
        ({"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]}, "b", [
            "inputs: 'b' is not one of the choices. Choose one of: a.",
        ]),
        ({"anyOf": [False, False]}, 5, [
            "inputs: It is a whole number, and fits none of the forms allowed here. See its description.",
        ]),
        ({"oneOf": [{"type": "string"}, {"minLength": 1}]}, "a", [
            "inputs: It fits several forms of which only one is allowed. Give text.",
        ]),
        (BY_KIND, {"kind": "a", "x": 5}, ["x: It must be text, not a whole number. Give text."]),
        (BY_KIND, {"kind": "c"}, ["kind: 'c' is not one of the choices. Choose one of: a, b."]),
        (BY_KIND, {}, ["kind: It is required. Give kind."]),
        (BY_KIND, 5, ["inputs: It is a whole number, and fits none of the forms allowed here. Give an object."]),
    ],
    ids=str,
)  # fmt: skip
def test_sentences(schema: Any, value: Any, sentences: list[str]) -> None:
    """What does not fit is told as people would: the path, what is wrong, and what to give."""
    assert told(schema, value) == sentences


def test_noun() -> None:
    """A key of a connection is called a field."""
    schema = {"additionalProperties": False, "properties": {"api_key": {"type": "string"}}}
    problems = checker(schema).problems({"api_kye": 1, "api_key": "x"}, "field")
    assert [str(problem) for problem in problems] == [
        "api_kye: There is no such field. Did you mean 'api_key'?"
    ]


@pytest.mark.hazard("B3", "B5")
@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (math.nan, "inputs: nan is not a number that JSON can carry. Send a finite number."),
        ({"a": [math.inf]}, "a[0]: inf is not a number that JSON can carry. Send a finite number."),
        ("\ud83d", "inputs: The text holds a character that cannot be sent."),
        ({"\ud83d": 1}, "inputs: The key '\\ud83d' cannot be sent."),
        ({"a": {1: 2}}, "a: A key is a whole number. Use text for every key."),
        ({10**5000: 1}, "inputs: A key is a whole number."),
        ([2**1024], "[0]: The number is too long to be sent. Send it as text."),
        ((1,), "inputs: tuple is not a JSON type."),
        ({"a": b"x"}, "a: bytes is not a JSON type."),
    ],
    ids=[
        "nan",
        "inf",
        "surrogate",
        "surrogate key",
        "number key",
        "huge key",
        "huge number",
        "tuple",
        "bytes",
    ],
)
def test_what_json_cannot_carry(value: Any, sentence: str) -> None:
    """What no JSON text can hold is told first, whatever the schema says."""
    (problem,) = checker({"type": "null"}).problems(value)
    assert str(problem).startswith(sentence)


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.hazard("B6")
def test_depth_of_a_value() -> None:
    """A value is checked down to a fixed depth, and refused below it."""
    assert told({}, nested(MAX_DEPTH)) == []
    (problem,) = checker({}).problems(nested(100_000))
    assert problem.message == f"Nested deeper than {MAX_DEPTH} levels."


@pytest.mark.hazard("A4")
@pytest.mark.parametrize(
    ("copies", "said"),
    [(1, "Nested deeper than 64 levels."), (2, "They hold more than 100,000 values; no request may.")],
)
def test_list_that_holds_itself(copies: int, said: str) -> None:
    """A value without an end is refused for its depth, or for the number of values that it comes to."""
    endless: list[Any] = []
    endless += [endless] * copies
    (problem,) = checker({}).problems(endless)
    assert problem.message == said


def test_many_problems() -> None:
    """Of very many problems the first are told, in the order of their places."""
    problems = checker({"items": {"type": "string"}}).problems([1] * 10_000)
    assert [problem.where for problem in problems] == [f"[{index}]" for index in range(MAX_PROBLEMS)]


@pytest.mark.parametrize("schema", [{"type": "str"}, {"$ref": "#"}, [], {"items": {"minimum": "1"}}], ids=str)
def test_not_a_schema(schema: Any) -> None:
    """What is no schema is not compiled; the error says where and why."""
    with pytest.raises(NotASchema) as caught:
        checker(schema)
    assert caught.value.fault.message in str(caught.value)


def deep(levels: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(levels):
        schema = {
            "type": "object",
            "additionalProperties": False,
            "required": ["a"],
            "properties": {"a": schema},
        }
    return schema


def test_deep_schema() -> None:
    """A schema of forty levels is compiled, and finds what is wrong at the bottom."""
    value: Any = 5
    for _ in range(40):
        value = {"a": value}
    assert [problem.where for problem in checker(deep(40)).problems(value)] == [".".join(["a"] * 40)]


def test_endless_schema() -> None:
    """A schema of thousands of levels is refused."""
    with pytest.raises(NotASchema, match="nested too deep"):
        checker(deep(5000))


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        ("^(a$|b)", "a\n", False),
        ("^a\\$$", "a$", True),
        ("^[$]$", "$", True),
        ("^[]$]x$", "$x", True),
        ("^\\d+$", "\u0661", False),
        ("^\\w$", "é", False),
        ("a", "xax", True),
        ("^a$", 5, True),
    ],
)
def test_patterns(pattern: str, text: Any, fits: bool) -> None:
    """Patterns mean what they mean to JavaScript: `$` is the very end, digits and letters are ASCII."""
    assert (told({"pattern": pattern}, text) == []) is fits


@pytest.mark.hazard("B4")
@pytest.mark.parametrize(
    ("value", "step", "fits"),
    [(cents / 100, 0.01, True) for cents in range(0, 2000, 37)]
    + [(19.99, 0.01, True), (0.3, 0.1, True), (1e308, 0.01, True), (7, 2, False), (2**1000, 0.5, True), (0.125, 0.01, False)],
)  # fmt: skip
def test_multiples(value: float, step: float, fits: bool) -> None:
    """Multiples are counted in decimal, as the numbers are written."""
    assert (told({"multipleOf": step}, value) == []) is fits


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        (3.0, {"type": "integer"}, 3),
        (3.0, {"type": ["integer", "null"]}, 3),
        (3.0, {"type": "number"}, 3.0),
        (3.0, {"type": ["integer", "number"]}, 3.0),
        (3.5, {"type": "integer"}, 3.5),
        (1e300, {"type": "integer"}, 1e300),
        ({"a": [3.0], "b": 3.0}, {"properties": {"a": {"items": {"type": "integer"}}}}, {"a": [3], "b": 3.0}),
        ({"a": 3.0}, {"properties": {"a": True}}, {"a": 3.0}),
    ],
)
def test_normalised(value: Any, schema: Any, expected: Any) -> None:
    """A whole number that came as 3.0 is sent as 3 where the schema asks for whole numbers."""
    assert repr(checker(schema).normalised(value)) == repr(expected)


@pytest.mark.parametrize("value", [{"a": [3], "b": 3.0}, {"a": "x"}, {"a": None}, {}, [3.0], None], ids=str)
def test_normalised_changes_nothing_else(value: Any) -> None:
    """A value in which nothing is to be written anew is given back itself, not a copy."""
    schema = {"properties": {"a": {"type": "array", "items": {"type": "integer"}}, "b": {"type": "number"}}}
    assert checker(schema).normalised(value) is value


@pytest.mark.parametrize(
    ("path", "text"),
    [((), ""), (("a",), "a"), (("a", 0, "b"), "a[0].b"), ((0, "a"), "[0].a"), ((0, 1), "[0][1]")],
)
def test_path_text(path: tuple[str | int, ...], text: str) -> None:
    """A path is written as people read it."""
    assert path_text(path) == text


PYTHON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        JSON,
        st.floats(),
        st.integers(-(10**400), 10**400),
        st.text(alphabet=st.characters(), max_size=5),
        st.binary(max_size=3),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(
            st.one_of(st.text(alphabet=st.characters(), max_size=3), st.integers(), st.none()),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)
SCHEMAS: list[Any] = [
    {},
    False,
    MESSAGES,
    BY_KIND,
    {"type": "object", "additionalProperties": {"type": "number", "multipleOf": 0.1}, "propertyNames": {"pattern": "^a"}},
    {"type": "array", "uniqueItems": True, "contains": {"const": 1}, "maxItems": 2, "items": {"minimum": 5, "maximum": 1e300}},
    {"anyOf": [{"type": "string", "minLength": 3}, {"enum": [[], {}, 1, None]}, {"not": {"type": "number"}}], "minProperties": 2},
    {"if": {"type": "number"}, "then": {"multipleOf": 3}, "else": {"required": ["a"], "dependentRequired": {"a": ["b"]}}},
]  # fmt: skip


@bounded(300)
@given(PYTHON, st.sampled_from(SCHEMAS))
def test_any_value(value: Any, schema: Any) -> None:
    """For any value of Python the problems are told; none is an exception, and none has an empty part."""
    assert all(p.where and p.message and p.hint for p in checker(schema).problems(value))
