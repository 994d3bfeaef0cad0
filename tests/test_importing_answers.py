"""From the answers of a document to flat outputs."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_documents import OK, action, answering, read, remarks, three

TEXT = {"type": "string"}


def outputs(document: Any) -> dict[str, Any]:
    """Name -> expression."""
    made: dict[str, Any] = action(document)["routes"]["main"]["outputs"]
    return made


def fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        pytest.param(fields(a=TEXT), {"a": "${{ response.body.a }}"}, id="field"),
        pytest.param(fields(a=fields(b=TEXT)), {"a_b": "${{ response.body.a.b }}"}, id="nested"),
        pytest.param(
            fields(a_b=TEXT, a=fields(b=TEXT)),
            {"a_b": "${{ response.body.a_b }}", "a_b_2": "${{ response.body.a.b }}"},
            id="names that clash",
        ),
        pytest.param(fields(**{"x-y": TEXT}), {"x_y": '${{ response.body."x-y" }}'}, id="a name with signs"),
        pytest.param(
            fields(a={"type": ["string", "integer"]}), {"a": "${{ to_string(response.body.a) }}"}, id="mixed"
        ),
        pytest.param(
            fields(a={"oneOf": [TEXT, {"type": "null"}]}), {"a": "${{ response.body.a }}"}, id="or null"
        ),
        pytest.param(fields(a={"type": "object"}), {"a": "${{ response.body.a }}"}, id="free keys"),
        pytest.param(
            fields(a={"type": "array", "items": TEXT}), {"a": "${{ response.body.a }}"}, id="list of texts"
        ),
        pytest.param(
            fields(a={"type": "array", "items": fields(b=TEXT)}), {"a": "${{ response.body.a }}"}, id="rows"
        ),
        pytest.param(
            fields(a={"type": "array", "items": fields(b=TEXT, c=fields(d=TEXT))}),
            {"a": "${{ response.body.a[].{b: b, c_d: c.d} }}"},
            id="rows with a nested field",
        ),
        pytest.param(
            {"type": "array", "items": fields(b=TEXT)},
            {"items": "${{ response.body }}", "count": "${{ length(response.body) }}"},
            id="a list",
        ),
        pytest.param({"type": "boolean"}, {"value": "${{ response.body }}"}, id="a scalar"),
        pytest.param({"type": "object"}, {"answer": "${{ response.body }}"}, id="an object of free keys"),
        pytest.param({}, {"answer": "${{ response.body }}"}, id="anything"),
        pytest.param(
            {"oneOf": [fields(a=TEXT), fields(b=TEXT)]},
            {"a": "${{ response.body.a }}", "b": "${{ response.body.b }}"},
            id="one of several objects",
        ),
        pytest.param(
            fields(a={**TEXT, "writeOnly": True}, b=TEXT), {"b": "${{ response.body.b }}"}, id="only sent"
        ),
    ],
)
def test_an_answer_gives_flat_outputs(schema: Any, made: dict[str, str]) -> None:
    """By rule, whatever its form."""
    assert outputs(answering(schema)) == made


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        pytest.param(
            fields(a=fields(b=fields(c=fields(d=TEXT)))), "a.b.c, which is nested deeper", id="deep"
        ),
        pytest.param(
            fields(a={"type": "array", "items": {"type": "array", "items": TEXT}}),
            "a, a list",
            id="list of lists",
        ),
        pytest.param(
            fields(a={"type": "array", "items": fields(b=TEXT, c={"type": "array", "items": TEXT})}),
            "a: without c",
            id="list in a row",
        ),
        pytest.param(fields(**{f"f{n}": TEXT for n in range(101)}), "f100 and those after it", id="many"),
    ],
)
def test_what_is_not_flat_is_told(schema: Any, told: str) -> None:
    """It is no output."""
    assert any(told in remark for remark in remarks(answering(schema)))


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("text/plain", "text"),
        ("application/xml", "text"),
        ("text/html", "bytes"),
        ("application/pdf", "bytes"),
    ],
)
def test_an_answer_that_is_no_json_is_one_output(kind: str, answer: str) -> None:
    """A text, or a file as base64; it is asked for."""
    route = action(answering({}, kind))["routes"]["main"]
    assert (route["answer"], route["outputs"]) == (answer, {"content": "${{ response.body }}"})
    assert route["request"]["headers"] == {"Accept": kind}


@pytest.mark.parametrize(
    ("responses", "made"),
    [
        pytest.param({"204": {"description": ""}}, {"status": "${{ response.status }}"}, id="204"),
        pytest.param({"204": OK["200"]}, {"status": "${{ response.status }}"}, id="204 with a body"),
        pytest.param({}, {"status": "${{ response.status }}"}, id="none"),
        pytest.param({"2XX": OK["200"]}, {"answer": "${{ response.body }}"}, id="2XX"),
        pytest.param({"default": OK["200"]}, {"answer": "${{ response.body }}"}, id="default"),
        pytest.param(
            {"202": {"description": ""}, "200": OK["200"]}, {"answer": "${{ response.body }}"}, id="several"
        ),
        pytest.param({"400": OK["200"]}, {"status": "${{ response.status }}"}, id="failures only"),
    ],
)
def test_the_answer_of_success_counts(responses: dict[str, Any], made: dict[str, str]) -> None:
    """The one with JSON, if there are several."""
    assert outputs(three({"/a": {"get": {"responses": responses}}})) == made


@pytest.mark.parametrize(
    ("responses", "told"),
    [
        pytest.param({"200": {"$ref": "#/no"}}, "of its answer 200: #/no leads to nothing", id="no answer"),
        pytest.param(
            {"200": {"content": {"application/json": {"schema": {"$ref": "#/no"}}}}},
            "of its answer: #/no leads to nothing",
            id="no schema",
        ),
        pytest.param(
            {"200": OK["200"], "202": {"content": {"application/json": {"schema": fields(job=TEXT)}}}},
            "the fields of its answer 202",
            id="another answer",
        ),
    ],
)
def test_what_is_not_known_of_an_answer_is_told(responses: dict[str, Any], told: str) -> None:
    """The outputs cannot have it."""
    document = three({"/a": {"get": {"operationId": "getThing", "responses": responses}}})
    assert any(told in remark for remark in remarks(document))


def test_an_operation_that_only_redirects_is_no_action() -> None:
    """It could never succeed."""
    document = three({"/a": {"get": {"responses": {"302": {}}}}, "/b": {"get": {"responses": OK}}})
    assert "redirect" in read(document).unread[0].why
