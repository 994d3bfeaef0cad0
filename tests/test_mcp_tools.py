"""Which tools there are, their schemas, and results in a form for readers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.loading import load
from connector.manifest import Action, Connector
from connector.mcp.bounds import bounded, cut_text
from connector.mcp.readable import readable
from connector.mcp.shapes import portable, without_nulls
from connector.mcp.tools import MAX_NAME, Tool, tools_of
from connector.schema import checker

PERPLEXITY = load("perplexity")
SEARCH = PERPLEXITY.actions["execute_search"]
RESPONSE = PERPLEXITY.actions["create_response"]
TOOLS = tools_of((PERPLEXITY, action) for action in PERPLEXITY.actions.values())


def test_every_action_is_a_tool() -> None:
    """By the connector's and its own id; title and description are the manifest's."""
    assert list(TOOLS) == [f"perplexity_{action}" for action in PERPLEXITY.actions]
    tool = TOOLS["perplexity_execute_search"]
    assert (tool.title, tool.action) == ("Execute Search", SEARCH)
    assert tool.description.startswith(SEARCH.description)


def named(connector: str, action: str) -> tuple[Connector, Action]:
    return replace(PERPLEXITY, id=connector), replace(SEARCH, id=action)


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param([("a_b", "c"), ("a", "b_c")], id="two of one name"),
        pytest.param([("shop", "find" * 20), ("shop", "find" * 20 + "s")], id="too long, and alike"),
        pytest.param([("shop", "fïnd it!"), ("shop", "find")], id="letters that clients do not take"),
    ],
)
def test_names_are_those_that_clients_take(pairs: list[tuple[str, str]]) -> None:
    """Each of its own, of at most 64 letters, digits, _ and -; the same in any order of the actions."""
    forth, back = (tools_of(named(*pair) for pair in order) for order in (pairs, pairs[::-1]))
    assert len(forth) == len(pairs)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in forth)
    assert {name: tool.action for name, tool in forth.items()} == {
        name: tool.action for name, tool in back.items()
    }


def test_a_name_does_not_change_with_other_actions() -> None:
    """What is long keeps its mark when it is alone."""
    long = "find" * 20
    (alone,) = tools_of([named("shop", long)])
    assert len(alone) == MAX_NAME
    assert alone in tools_of([named("shop", long), named("shop", "find")])


@pytest.mark.parametrize(
    ("name", "hints"),
    [
        ("perplexity_execute_search", (True, False, False, True)),
        ("perplexity_create_response", (False, False, False, True)),
        ("perplexity_delete_file", (False, True, True, False)),
        ("perplexity_list_models", (True, True, False, False)),
    ],
)
def test_what_a_call_does_is_told(name: str, hints: tuple[bool, ...]) -> None:
    """Reads only, idempotent, destructive, open world: as the manifest has it."""
    tool = TOOLS[name]
    assert (tool.reads_only, tool.idempotent, tool.destructive, tool.open_world) == hints


def test_what_deletes_is_told_though_its_manifest_does_not_say_so() -> None:
    """Clients may run what is not destructive without asking anybody."""
    notes = load(str(Path(__file__).with_name("connectors") / "notes"))
    tools = tools_of((notes, action) for action in notes.actions.values())
    assert {name: tool.destructive for name, tool in tools.items()} == {
        "notes_delete_note": True,
        "notes_list_notes": False,
    }


def schemas(tool: Tool) -> Iterator[tuple[Any, Any]]:
    assert tool.action is not None
    yield tool.action.inputs, tool.inputs
    yield tool.action.outputs, tool.outputs


def inside(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from inside(inner)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_schemas_name_one_type_at_a_time(tool: Tool) -> None:
    """Clients with a dialect of their own refuse lists of types."""
    for _, told in schemas(tool):
        assert told["type"] == "object"
        assert not any(isinstance(part.get("type"), list) for part in inside(told))


WRONG: list[Any] = [None, True, 0, 21, 1.5, "", "US", "x" * 300, [], ["a"] * 6, [1], {}, {"role": "user"}]


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_a_tools_schema_accepts_what_its_action_does(tool: Tool) -> None:
    """The examples, and each input of them replaced by something else."""
    assert tool.action is not None
    own, told = checker(tool.action.inputs), checker(tool.inputs)
    for example in tool.action.examples:
        assert told.problems(example.inputs) == []
        for name in tool.action.input_fields:
            for value in WRONG:
                inputs = {**example.inputs, name: value}
                assert bool(told.problems(inputs)) == bool(own.problems(inputs)), inputs


@pytest.mark.parametrize(
    ("schema", "gives"),
    [
        pytest.param({"type": "string", "title": "A"}, {"type": "string", "title": "A"}, id="one type"),
        pytest.param(
            {
                "type": ["string", "array"],
                "title": "A",
                "minLength": 1,
                "items": {"type": ["integer", "null"]},
            },
            {
                "title": "A",
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
                ],
            },
            id="two types",
        ),
        pytest.param(
            {"type": ["string", "object"], "anyOf": [{"enum": ["a"]}, {"minProperties": 1}]},
            {
                "anyOf": [{"enum": ["a"]}, {"minProperties": 1}],
                "allOf": [{"anyOf": [{"type": "string"}, {"type": "object"}]}],
            },
            id="beside an anyOf",
        ),
        pytest.param(
            {"type": "object", "properties": {"type": {"type": ["string", "null"]}}},
            {"type": "object", "properties": {"type": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
            id="a property named type",
        ),
        pytest.param(
            {"enum": [{"type": ["a", "b"]}], "default": {"type": ["a"]}},
            {"enum": [{"type": ["a", "b"]}], "default": {"type": ["a"]}},
            id="values are no schemas",
        ),
    ],
)
def test_lists_of_types_become_choices(schema: dict[str, Any], gives: dict[str, Any]) -> None:
    """Each type with the keywords that are about it."""
    assert portable(schema) == gives


ROWS = {"type": "array", "items": {"type": "object", "properties": {"a": {}, "b": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("schema", "value", "gives"),
    [
        pytest.param({"properties": {"a": {}}}, {"a": None}, {}, id="an output"),
        pytest.param(ROWS, [{"a": 1, "b": None}, {"a": None, "b": ""}], [{"a": 1}, {"b": ""}], id="a column"),
        pytest.param({"type": "object"}, {"a": None}, {"a": None}, id="free JSON"),
        pytest.param({"properties": {}}, {"a": None}, {"a": None}, id="not declared"),
        pytest.param({"type": "array", "items": {}}, [None], [None], id="an item"),
    ],
)
def test_nulls_that_stand_for_nothing_go(schema: dict[str, Any], value: Any, gives: Any) -> None:
    """In what is declared; elsewhere null is a value."""
    assert without_nulls(schema, value) == gives


@pytest.mark.parametrize(
    ("outputs", "gives", "said"),
    [
        pytest.param({"a": "x" * 50, "b": 1}, {"a": "x" * 50, "b": 1}, [], id="it fits"),
        pytest.param(
            {"b": 1, "a": "é" * 300}, {"b": 1, "a": "é" * 48}, ["48 of 300 characters"], id="a text"
        ),
        pytest.param({"a": [["x" * 28]] * 9}, {"a": [["x" * 28]] * 2}, ["2 of 9 items"], id="a list"),
        pytest.param({"a": {"x": "y" * 200}, "b": 1}, {"b": 1}, ["left out"], id="an object"),
        pytest.param({"r": {"x": "y" * 200}}, {"r": {"x": "y" * 200}}, ["left out"], id="one that must be"),
    ],
)
def test_what_is_too_long_is_cut_and_told(outputs: Any, gives: Any, said: list[str]) -> None:
    """Small outputs stay whole; the order stays."""
    kept, notes = bounded(outputs, frozenset({"r"}), 100)
    assert (list(kept), kept) == (list(gives), gives)
    assert len(notes) == len(said)
    assert all(text in note for text, note in zip(said, notes, strict=True))


@pytest.mark.parametrize("most", [100, 1000, 10_000])
def test_what_is_cut_fits(most: int) -> None:
    """Whatever it is made of."""
    outputs = {"a": '"\\\x00\u2028' * 9999, "b": "😀" * 9999, "c": list(range(9999)), "d": 1.5}
    kept, _ = bounded(outputs, frozenset(), most)
    assert len(json.dumps(kept, ensure_ascii=False).encode()) <= most + 50  # and the names


def test_a_text_is_cut_and_told() -> None:
    """With how much there was."""
    assert cut_text("abc", 3) == ("abc", None)
    assert cut_text("abcd", 3) == ("abc", "the first 3 of 4 characters")


def test_the_answer_comes_first_then_numbered_sources() -> None:
    """A source has the number by which the answer means it; what was said is not said again."""
    rows = [
        {
            "id": 3,
            "title": "One",
            "url": "https://one.example",
            "snippet": "First\nline",
            "date": "2026-01-01",
        },
        {"id": 1, "title": "Two", "url": "https://two.example"},
    ]
    outputs = {
        "citations": ["https://one.example", "https://two.example"],
        "id": "resp_1",
        "search_results": rows,
        "content": "So it is [3].",
        "tool_usage": [{"tool": "search_web", "calls": 1}],
    }
    assert readable(RESPONSE, outputs) == (
        "So it is [3].\n"
        "\n"
        "Sources:\n"
        "[3] One\n    https://one.example\n    First\n    line\n"
        "    (date: 2026-01-01)\n"
        "[1] Two\n    https://two.example\n"
        "\n"
        "id: resp_1\n"
        "tool_usage:\n  - tool: search_web; calls: 1"
    )


def test_results_without_an_answer_are_numbered_by_their_place() -> None:
    """As a search gives them."""
    text = readable(SEARCH, {"results": [{"title": "A", "url": "u"}], "count": 1, "first_title": "A"})
    assert text == "Results:\n[1] A\n    u\n\ncount: 1"


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        ({"content": ""}, "The answer is empty."),
        ({"embedding": list(range(99))}, "embedding: [0, 1, 2, 3, 4, 5, 6, 7, ... 99 numbers]"),
        ({"parsed": {"a": None}}, 'parsed: {"a": null}'),
        ({"content": "a\u202eb\U000e0041\x1b[2J"}, "a\\u202eb\\U000e0041\\x1b[2J"),
    ],
    ids=["nothing", "a vector", "free JSON", "what hides"],
)
def test_a_reader_sees_what_is_there(outputs: dict[str, Any], says: str) -> None:
    """Briefly where it is long, and with escapes for what would hide or steer."""
    assert readable(RESPONSE, outputs) == says
