"""Requests turned round: which inputs they were made of, and what in them no inputs give; paths; refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import foreign
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from connector.connection import resolve
from connector.errors import API_KINDS
from connector.expression_parser import parse
from connector.manifest import Action, Connector, ErrorKind, ErrorRule, Errors, Request, Route
from connector.mock.asked import Sent, asked
from connector.mock.credential import credential
from connector.mock.endpoints import Endpoint
from connector.mock.places import EACH, FIRST, INSIDE, NOTHING, changed, found, results
from connector.mock.refusing import refusal_body, status_of
from connector.plan import path_parts
from connector.refusal import failure
from connector.request import build
from connector.template_parser import Within

INPUTS = {
    "type": "object",
    "required": ["a"],
    "properties": {
        "a": {"type": "string", "maxLength": 5},
        "n": {"type": "integer"},
        "o": {"type": "object", "properties": {"x": {"type": "boolean"}}},
        "l": {"type": "array", "items": {"type": "number"}},
        "${{ 7 }}": {"type": "string"},
    },
}


def route(**words: Any) -> Route:
    """A route with a request in which the words are templates."""
    given = {"path": "/x", **words}
    template = Within("inputs", omit_null=True).template
    made: dict[str, Any] = {
        name: {key: template(inner, {}) for key, inner in value.items()} if name in {"query", "headers", "form"} else template(value, {})
        for name, value in given.items()
        if name not in {"method", "nested"}
    }  # fmt: skip
    rest = {name: given[name] for name in ("nested",) if name in given}
    return Route(request=Request(method=given.get("method", "POST"), **made, **rest), outputs={})


def action(made: Route) -> Action:
    return Action(id="go", name="Go", description="", inputs=INPUTS, outputs={}, routes={"only": made})


A = "${{ inputs.a }}"
TURNED = [
    pytest.param({"body": {"a": A}}, {"body": {"a": "x"}}, {"a": "x"}, [], id="an input"),
    pytest.param({"body": {"deep": {"er": [A]}}}, {"body": {"deep": {"er": ["x"]}}}, {"a": "x"}, [], id="deep"),
    pytest.param({"body": {"x": "${{ inputs.o.x }}"}}, {"body": {"x": True}}, {"o": {"x": True}}, [], id="a field of an input"),
    pytest.param({"body": A}, {"body": "x"}, {"a": "x"}, [], id="the whole body"),
    pytest.param({"body": "${{ inputs.o }}"}, {"body": None}, {}, [], id="no body, and none needed"),
    pytest.param({"body": A}, {"body": None}, {}, ["body"], id="no body, and one needed"),
    pytest.param({"body": "${{ inputs.l }}"}, {"body": None, "raw": b"null"}, {}, ["body"], id="null for a body"),
    pytest.param({"body": {"a": A}}, {"body": {"a": "too long"}}, {}, ["a"], id="does not fit"),
    pytest.param({"body": {"o": "${{ inputs.o }}", "a": A}}, {"body": {"a": "x", "o": {"x": 1}}}, {"a": "x"}, ["o.x"], id="does not fit inside"),
    pytest.param({"body": {"a": A}}, {"body": {"a": "x", "b": 1}}, {"a": "x"}, ["b"], id="unexpected key"),
    pytest.param({"body": {"a": A, "n": "${{ inputs.n }}"}}, {"body": {}}, {}, ["a"], id="missing key"),
    pytest.param({"body": {"a": "id:${{ inputs.a }}!"}}, {"body": {"a": "id:x!"}}, {"a": "x"}, [], id="text around"),
    pytest.param({"body": {"a": "id:${{ inputs.a }}!"}}, {"body": {"a": "x"}}, {}, ["a"], id="text around is missing"),
    pytest.param({"body": {"a": "${{ inputs.a || 'none' }}"}}, {"body": {"a": 7}}, {}, [], id="more than a name"),
    pytest.param({"body": {"k": "word", "v": 1}}, {"body": {"k": "other", "v": True}}, {}, ["body"], id="written in the manifest"),
    pytest.param({"body": {"l": [{"...": "${{ inputs.l }}"}]}}, {"body": {"l": [1, 2]}}, {}, [], id="a list put into a list"),
    pytest.param({"body": {"l": [1, A]}}, {"body": {"l": "x"}}, {}, ["l"], id="no list"),
    pytest.param({"body": {"a": A}}, {"body": {"a": "${{ inputs.n }}"}}, {}, ["a"], id="an expression in a value"),
    pytest.param({"method": "GET"}, {"body": {"a": 1}}, {}, ["body"], id="a body where none belongs"),
    pytest.param({"query": {"n": "${{ inputs.n }}"}}, {"query": {"n": ["7"]}}, {"n": 7}, [], id="number in the query"),
    pytest.param({"query": {"n": "${{ inputs.n }}"}}, {"query": {"n": ["7.5"]}}, {}, ["n"], id="no whole number in the query"),
    pytest.param({"query": {"n": "${{ inputs.n }}"}}, {"query": {"m": ["7"]}}, {}, ["m"], id="unexpected parameter"),
    pytest.param({"query": {"a": A}}, {"query": {}}, {}, ["a"], id="missing parameter"),
    pytest.param({"query": {"l": "${{ inputs.l }}"}}, {"query": {"l": ["1", "2.5"]}}, {"l": [1, 2.5]}, [], id="list in the query"),
    pytest.param({"query": {"v": 2}}, {"query": {"v": ["2"]}}, {}, [], id="number of the manifest in the query"),
    pytest.param({"query": {"v": [1, 2]}}, {"query": {"v": ["1", "2"]}}, {}, [], id="list of the manifest in the query"),
    pytest.param({"query": {"v": 2}}, {"query": {"v": ["3"]}}, {}, ["v"], id="another value of the query"),
    pytest.param({"query": {"o": "${{ inputs.o }}"}, "nested": "brackets"}, {"query": {"o[x]": ["true"]}}, {}, [], id="brackets"),
    pytest.param({"query": {"o": "${{ inputs.o }}"}}, {"query": {"o[x]": ["true"]}}, {}, ["o[x]"], id="brackets that are not meant"),
    pytest.param({"headers": {"X-A": "v ${{ inputs.a }}"}}, {"headers": {"x-a": "v x"}}, {"a": "x"}, [], id="header"),
    pytest.param({"headers": {"X-V": "1"}}, {}, {}, ["X-V"], id="missing header"),
    pytest.param({"path": "/p/${{ inputs.n }}"}, {"segments": ["7"]}, {"n": 7}, [], id="path"),
    pytest.param({"path": "/p/${{ inputs.n }}"}, {"segments": ["seven"]}, {}, ["path"], id="wrong path"),
    pytest.param({"form": {"a": A}}, {"form": {"a": ["x"]}}, {"a": "x"}, [], id="form"),
    pytest.param({"form": {"n": "${{ inputs.n }}"}}, {}, {}, [], id="a form without fields"),
    pytest.param({"form": {"a": A}}, {"raw": b"{}", "body": {}}, {}, ["body"], id="no form"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "sent", "inputs", "wrong"), TURNED)
def test_a_request_is_turned_round(
    request_: dict[str, Any], sent: dict[str, Any], inputs: dict[str, Any], wrong: list[str]
) -> None:
    """What it was made of, and the places that are wrong."""
    made = route(**request_)
    read = asked(
        action(made), made, Sent(**{"segments": (), "query": {}, "headers": {}, "body": None, **sent})
    )
    assert read.inputs == inputs
    if wrong != ["body"] or "k" not in str(request_):  # a mapping without expressions is one value
        assert [one.param for one in read.wrong] == wrong
    assert bool(read.wrong) is bool(wrong)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_body_makes_it_fail(body: Any) -> None:
    """Any JSON gets sentences, or nothing."""
    made = route(body={"a": A, "l": [{"b": "x${{ inputs.n }}"}, "${{ inputs.o }}"], "s": {"t": 1}})
    assert asked(action(made), made, Sent((), {}, {}, body)).wrong


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("/a/${{ inputs.x }}", "/a/b", ["b"]),
        ("/a/${{ inputs.x }}", "/a/b%2Fc%20d", ["b/c d"]),
        ("/a/${{ inputs.x }}", "/a/", None),
        ("/a/${{ inputs.x }}", "/a/b/c", None),
        ("/a/${{ inputs.x }}.json", "/a/b.json", ["b"]),
        ("/a/${{ inputs.x }}-${{ inputs.y }}", "/a/b-c-d", ["b-c", "d"]),
        ("/a%20b/${{ inputs.x }}", "/a%20b/%0A", ["\n"]),
        ("/a.b", "/acb", None),
        ("/", "/", []),
        ("/", "", None),
    ],
)
def test_paths_are_matched_by_segments(template: str, path: str, values: list[str] | None) -> None:
    """One segment for an expression, whatever that holds."""
    piece = Within("inputs").template(template, {}).piece
    parts = getattr(piece, "parts", None) or (str(getattr(piece, "value", "")),)
    assert Endpoint("GET", tuple(parts)).matched(path) == values


@pytest.mark.parametrize(
    ("meant", "other"),
    [
        ("/a/new", "/a/${{ inputs.x }}"),
        ("/a/${{ inputs.x }}.json", "/a/${{ inputs.x }}"),
        ("/a/${{ inputs.x }}.${{ inputs.y }}", "/a/${{ inputs.x }}"),
        ("/a/${{ inputs.x }}/b", "/a/${{ inputs.x }}/${{ inputs.y }}"),
    ],
)
def test_of_two_paths_the_one_that_says_more_is_meant(meant: str, other: str) -> None:
    """However many inputs stand in it."""
    one, two = (
        Endpoint("GET", path_parts(Within("inputs").template(said, {}).piece)) for said in (meant, other)
    )
    assert one.openness < two.openness


def test_a_path_that_is_written_out_comes_first(tmp_path: Path) -> None:
    """GET /items/stats is not the item `stats`."""
    import connector
    from connector.mock import Mock

    folder = tmp_path / "own"
    folder.mkdir()
    tiny.write_tiny(folder)
    text = (folder / "actions" / "look.yaml").read_text()
    changed_text = text.replace('"/items/${{ inputs.id }}/x"', "/items/stats/x").replace(
        '{name: "${{ response.body.name }}"}', "{name: always}"
    )
    (folder / "actions" / "stats.yaml").write_text(
        changed_text.replace("id: look", "id: stats")
        .replace("part: ", "portion: ")
        .replace("inputs.part", "inputs.portion")
    )
    with Mock(str(folder)) as mock, connector.connect(mock.connector, **mock.fields) as one:
        assert one.run("stats", {"portion": "x"}).outputs["name"] == "always"


# --- places in values


@pytest.mark.parametrize(
    ("expression", "places"),
    [
        ("a.b[0].c", [("a", "b", 0, "c")]),
        ("a || b.c", [("a",), ("b", "c")]),
        ("x == `1` && a", [("a",)]),
        ("a[*].b", [("a", EACH, "b")]),
        ("a[?k == 'x'].b[].c", [("a", EACH, "b", EACH, "c")]),
        ("a[?k == 'x'].b[] | [?m == 'y'].c", [("a", EACH, "b", EACH, "c")]),
        ("join('', a[].t)", [("a", EACH, "t")]),
        ("join(', ', a)", [("a", EACH)]),
        ("parse_json(a.t).x", [("a", "t", INSIDE, "x")]),
        ("a[*].b | [0]", [("a", EACH, "b")]),
        ("a[-1].b", [("a", 0, "b")]),
        ("length(a)", []),
        ("'text'", []),
    ],
)
def test_places_of_a_value(expression: str, places: list[Any]) -> None:
    """Where an expression takes its value from."""
    assert [spot.place for spot in results(parse(expression))] == places


@pytest.mark.parametrize(
    ("value", "place", "new", "after"),
    [
        ({}, ("a", "b"), 1, {"a": {"b": 1}}),
        ({"a": {"c": 2}}, ("a", "b"), 1, {"a": {"c": 2, "b": 1}}),
        (None, ("a", 1, "b"), 1, {"a": [None, {"b": 1}]}),
        ({"a": [{"b": 1}, {"b": 2}]}, ("a", EACH, "b"), 9, {"a": [{"b": 9}, {"b": 9}]}),
        ({"a": []}, ("a", EACH, "b"), 9, {"a": [{"b": 9}]}),
        ({"a": 1, "b": 2}, ("a",), NOTHING, {"b": 2}),
        ({"a": 1}, ("b", "c"), NOTHING, {"a": 1}),
        ({"a": [1, 2]}, ("a",), FIRST, {"a": [1]}),
        ({"a": [1, 2]}, ("a", 0), NOTHING, {"a": [2]}),
        ({"t": '{"x": 1}'}, ("t", INSIDE, "y"), 2, {"t": '{"x": 1, "y": 2}'}),
        ({"a": "text"}, ("a", "b"), 1, {"a": "text"}),
        ({"a": {}}, ("a", 0), 1, {"a": {}}),
        ({"a": []}, ("a", 10**9), 1, {"a": []}),
        (1, (), 2, 2),
    ],
)
def test_a_copy_with_another_value(value: Any, place: Any, new: Any, after: Any) -> None:
    """What is missing is made, what is in the way stays, and the first value is untouched."""
    before = repr(value)
    assert changed(value, place, new) == after
    assert repr(value) == before


def test_what_stands_at_a_place() -> None:
    """None where nothing does."""
    value = {"a": [{"b": '{"c": 1}'}]}
    assert found(value, ("a", EACH, "b", INSIDE, "c")) == 1
    assert found(value, ("a", 1)) is None
    assert found(value, ("a", "b")) is None


# --- refusals


ERRORS = {
    "two fields": ("response.body.error.message", "response.body.error.type"),
    "one field": ("response.body.error", "response.body.error"),
    "first of many": (
        "response.body.errors[0].detail || response.body.message",
        "response.body.errors[0].code",
    ),
    "joined": ("join('; ', response.body.errors[].msg)", "response.body.errors[0].type"),
    "the body itself": ("response.body", "response.body.code"),
    "the type inside the message": ("response.body.error", "response.body.error.type"),
    "nothing of the body": ("response.status", "'fixed'"),
    "odd names": ('response.body."error-message"', 'response.body."${{ 7 }}"'),
}
KINDS = (
    ErrorRule(kind="bad_credential", status=(401, 403), types=("invalid_auth",), hint="Check it."),
    ErrorRule(kind="not_found", status=(404,), hint="Check it."),
    ErrorRule(kind="bad_input", status=(422,), types=("invalid", "wrong"), hint="Change it."),
    ErrorRule(kind="server_fault", status=(500,), hint="Wait."),
)
WANTED: tuple[ErrorKind, ...] = ("bad_credential", "not_found", "bad_input", "server_fault")


@pytest.mark.parametrize("form", ERRORS)
def test_refusals_are_read_by_the_connector(tmp_path: Path, form: str) -> None:
    """In whatever shape its `errors` look for: the kind is right, and the message is there where it can be."""
    message, kind = (Within("response").expression(f"${{{{ {text} }}}}", {}) for text in ERRORS[form])
    base = tiny.write_tiny(tmp_path)
    made = replace(base, errors=Errors(message=message, type=kind, kinds=KINDS))
    for wanted in WANTED:
        status = status_of(made, wanted)
        error = told(made, status, refusal_body(made, status, "This is why.", "word", "x"))
        reads_types = form not in {"the body itself", "the type inside the message", "nothing of the body"}
        if reads_types or wanted in {"not_found", "server_fault"}:
            assert error.kind == wanted, form
        if form not in {"one field", "nothing of the body"}:
            assert "This is why" in error.message


@pytest.mark.parametrize("name", foreign.ALL)
def test_every_status_has_a_body(tmp_path: Path, name: str) -> None:
    """Whatever fault is rehearsed, the connector reads one of its kinds."""
    made = foreign.write_foreign(tmp_path / name, name)
    for status in (400, 401, 402, 403, 404, 409, 413, 418, 422, 429, 500, 502, 503, 599):
        assert told(made, status, refusal_body(made, status, "Why.", "word")).kind in API_KINDS


def told(made: Connector, status: int, body: Any) -> Any:
    """The error that the runtime makes of an answer."""
    import httpx

    from connector.run import OpenConnection

    right = credential(made)
    connection = resolve(right.connector, right.fields, environ={})
    with OpenConnection(connection) as opened:
        first = next(iter(made.actions.values()))
        inputs = first.examples[0].inputs if first.examples else {}
        planned = opened.plan(first.id, inputs)
    request = (
        build(planned, connection)
        if not made.connection.auth.fetches_token
        else httpx.Request("GET", "https://a.test")
    )
    return failure(httpx.Response(status, json=body, request=request), connection, planned)
