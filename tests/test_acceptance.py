"""The short way to "it fits": never yes where jsonschema says no, and yes for what people send."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import shipped
from generated import bounded
from hypothesis import given
from hypothesis import strategies as st

from connector.acceptance import acceptor
from connector.schema import checker
from connector.size import MAX_BYTES, MAX_DEPTH, MAX_VALUES

CONNECTOR = shipped()


def fits(schema: Any, value: Any) -> bool:
    """What the long way says: jsonschema, after what JSON cannot carry and what is too large."""
    return checker(schema).told(value) == []


class Text(str):
    """A text of another type, as libraries make them."""

    __slots__ = ()


def nested(depth: int, make: Callable[[Any], Any]) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = make(value)
    return value


def endless() -> Any:
    value: list[Any] = []
    value += [value, value]
    return value


ODD: dict[str, Any] = {
    "nan": math.nan,
    "infinite": math.inf,
    "huge number": 2**1024,
    "half of a pair": "\ud83d",
    "half of a pair in a long text": "\ud83d" * 1000,
    "bytes": b"x",
    "tuple": (1,),
    "number as key": {1: 2},
    "half of a pair as key": {"\ud83d": 1},
    "a deep list": nested(MAX_DEPTH + 1, lambda value: [value]),
    "a deep object": nested(MAX_DEPTH + 1, lambda value: {"a": value}),
    "a list that holds itself": endless(),
    "too many values": [1] * (MAX_VALUES + 1),
    "too many names": {f"{number}": 1 for number in range(MAX_VALUES + 1)},
    "too long a text": "x" * (MAX_BYTES + 1),
    "texts that are too long together": ["é" * 40_000] * (MAX_BYTES // 80_000 + 1),
}
PLACES: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "alone": ({}, lambda value: value),
    "in an open object": ({"properties": {"a": {"type": "string"}}}, lambda value: {"a": "x", "b": value}),
    "in a list": ({"items": {"minLength": 0}}, lambda value: ["x", value]),
    "behind named items": ({"prefixItems": [{"type": "string"}]}, lambda value: ["x", value]),
    "in a branch": ({"anyOf": [{"type": "integer"}, {}]}, lambda value: {"a": [value]}),
    "in what must not be": ({"not": {"properties": {"a": {"type": "integer"}}}}, lambda value: {"a": value}),
}


@pytest.mark.hazard("B3", "B5", "B6", "B8")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("odd", ODD)
def test_what_cannot_be_sent_never_fits(odd: str, place: str) -> None:
    """What JSON cannot carry and what is too large is not accepted, wherever it stands."""
    schema, put = PLACES[place]
    assert not acceptor(schema)(put(ODD[odd]))


@pytest.mark.parametrize(
    "value",
    [
        nested(MAX_DEPTH, lambda value: [value]),
        nested(MAX_DEPTH, lambda value: {"a": value}),
        2**1023 - 1,
        "é🔑",
        {"é" * 200: "x"},
        "x" * MAX_BYTES,
        [1] * MAX_VALUES,
        [["é" * 1000] * 100] * 100,
    ],
    ids=["deep list", "deep object", "number", "letters", "name", "long text", "many values", "long texts"],
)
def test_what_can_just_be_sent(value: Any) -> None:
    """The largest values that can be sent are accepted."""
    assert acceptor({})(value)


POOL: list[Any] = [
    *(None, True, False, 0, 1, 1.0, -1, 2, 2.5, 0.1, 19.99, 1e300, 2**70),
    *("", "a", "ab", "abc", "é", "🔑", "a\n", "b"),
    *([], [1], [1, True], [1, 1.0], ["a", "a"], [[1], True], {}, {"a": 1}, {"a": 1.0, "b": "x"}),
]
NAMES = st.sampled_from(["a", "b", "c", "é"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(POOL),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
ODD_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(
        [*POOL, math.nan, -math.inf, 2**1024, "\ud83d", b"x", (1,), Text("a"), OrderedDict(a=1), {1: 2}]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
COUNTS = st.sampled_from([0, 1, 2, 2.0])
NUMBERS = st.sampled_from([-1, 0, 1, 1.5, 2, 10**400])
LISTS_OF_NAMES = st.lists(NAMES, max_size=2, unique=True)
WORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
    "enum": st.lists(VALUES, max_size=3),
    "const": VALUES,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
    "multipleOf": st.sampled_from([1, 2, 0.1, 0.01, 2.5, 2.0]),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"), COUNTS),
    **dict.fromkeys(("minProperties", "maxProperties"), COUNTS),
    "pattern": st.sampled_from(["^a", "b$", "^$", "^[a-z]+$", "\\S"]),
    "uniqueItems": st.booleans(),
    "required": LISTS_OF_NAMES,
    "dependentRequired": st.dictionaries(NAMES, LISTS_OF_NAMES, max_size=2),
    **dict.fromkeys(("title", "description", "format", "x-order", "$comment"), st.just("date")),
    "default": VALUES,
}
LEFT_TO_JSONSCHEMA = {
    *("patternProperties", "unevaluatedItems", "unevaluatedProperties"),
    *("$schema", "uniqueItems"),  # taken in some places, or for some values
}


def schema_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    schemas = st.lists(inner, min_size=1, max_size=3)
    fields = st.dictionaries(NAMES, inner, max_size=3)
    words = {
        **WORDS,
        **dict.fromkeys(("items", "contains", "additionalProperties", "propertyNames"), inner),
        **dict.fromkeys(("not", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties"), inner),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), schemas),
        **dict.fromkeys(("properties", "dependentSchemas", "$defs"), fields),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=2),
        "$schema": st.just("http://json-schema.org/draft-07/schema#"),
    }
    several = st.lists(st.sampled_from(sorted(words)), max_size=5, unique=True)
    return several.flatmap(lambda chosen: st.fixed_dictionaries({word: words[word] for word in chosen}))


SCHEMAS = st.recursive(st.booleans() | schema_of(st.booleans()), schema_of, max_leaves=4)


@bounded(600)
@given(SCHEMAS, ODD_VALUES)
def test_never_yes_where_jsonschema_says_no(schema: Any, value: Any) -> None:
    """For any schema and any value, what is accepted is accepted by jsonschema."""
    if acceptor(schema)(value):
        assert fits(schema, value)


@bounded(600)
@given(SCHEMAS, VALUES)
def test_yes_where_jsonschema_says_yes(schema: Any, value: Any) -> None:
    """A value of JSON that fits a schema of known words is accepted without jsonschema."""
    if fits(schema, value) and LEFT_TO_JSONSCHEMA.isdisjoint(words_in(schema)):
        assert acceptor(schema)(value)


def words_in(schema: Any) -> Iterator[str]:
    """Every word that could be one of a schema."""
    if isinstance(schema, dict):
        for word, inner in schema.items():
            yield word
            yield from words_in(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from words_in(inner)


def changed(value: Any) -> Iterator[Any]:
    """The value with one part of it replaced, taken out, or joined by another; every part in turn."""
    yield from ("", "x", "https://a.test", 5, 2.5, 10**9, True, None, [], ["x"], {}, {"a": 1}, math.nan)
    if isinstance(value, dict):
        yield {**value, "x": 1}
        for name in value:
            yield {key: item for key, item in value.items() if key != name}
            yield from ({**value, name: other} for other in changed(value[name]))
    elif isinstance(value, list):
        yield [*value, *value]
        for index, item in enumerate(value):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in changed(item))


@pytest.mark.parametrize("action", CONNECTOR.actions)
def test_shipped_actions(action: str) -> None:
    """Each example of an action is accepted, and what it could be changed to is judged as by jsonschema."""
    schema = CONNECTOR.actions[action].inputs
    accepts = acceptor(schema)
    for example in CONNECTOR.actions[action].examples:
        assert accepts(example.inputs)
        for value in changed(example.inputs):
            assert accepts(value) is fits(schema, value), json.dumps(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"enum": [1]}, True),
        ({"const": False}, 0),
        ({"type": "integer"}, True),
        ({"type": "integer"}, 1.5),
        ({"uniqueItems": True}, [1, 1.0]),
        ({"maxLength": 1}, "ab"),
        ({"enum": [[1]]}, [True]),
        ({"not": {"enum": [[1.0]]}}, [1]),
        ({"not": {"uniqueItems": True}}, [[1], [2]]),
        ({"contains": {}, "maxContains": 1}, [1, 2]),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}),
        ({"pattern": "^(a+)+$"}, "a"),
        ({"properties": {"a": {"unevaluatedItems": False}}}, {"a": [1]}),
        ({"patternProperties": {"a": False}}, {"a": 1}),
        ({"allOf": [{"$schema": "http://json-schema.org/draft-07/schema#"}]}, 1),
        ({"items": {"$schema": "http://json-schema.org/draft-07/schema#"}}, [1]),
        ({"multipleOf": math.inf}, 5),
    ],
    ids=str,
)
def test_no(schema: Any, value: Any) -> None:
    """What does not fit is not accepted, and neither is what only jsonschema can judge."""
    assert not acceptor(schema)(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1.0),
        ({"enum": [1]}, 1.0),
        ({"uniqueItems": True}, ["a", "b"]),
        ({"uniqueItems": True}, [1, 2.5]),
        ({"maxLength": 1}, "🔑"),
        ({"multipleOf": 0.01}, 19.99),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema"}, 1),
        ({"properties": {"a": {"unevaluatedItems": False}}}, {"b": [1]}),
    ],
    ids=str,
)
def test_yes(schema: Any, value: Any) -> None:
    """The numbers, letters and words of JSON Schema mean what they say."""
    assert acceptor(schema)(value)


@pytest.mark.hazard("B1")
def test_no_jsonschema_for_what_fits(figure: Callable[[str, str], None]) -> None:
    """The examples of all shipped actions are accepted on the short way."""
    examples = [(action, example) for action in CONNECTOR.actions.values() for example in action.examples]
    short = sum(acceptor(action.inputs)(example.inputs) for action, example in examples)
    figure("B1", f"{short} of {len(examples)} shipped examples are accepted without jsonschema")
    assert short == len(examples)


def test_jsonschema_is_not_imported_for_what_fits() -> None:
    """A start of Python whose inputs fit never waits for the import of jsonschema."""
    code = """if True:
        import sys
        from connector.schema import checker
        fits = checker({"type": "object", "properties": {"a": {"type": "integer", "pattern": "^a"}}})
        assert fits.problems({"a": 1}) == []
        assert not {"jsonschema", "referencing", "regex"} & sys.modules.keys()
        assert fits.problems({"a": "b"})
        assert "jsonschema" in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True)
