"""The drift gate: a difference between a manifest and the vendor's SDK is found, by name, without a network."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Optional, Union

import pytest

pytest.importorskip("perplexity", reason="needs the vendor's SDK: pip install perplexityai")

from pydantic import BaseModel, Field

from connector.cli.endings import Exit
from connector.document import parse
from connector.drift import Report, drift
from connector.drift.annotation import of_annotation
from connector.drift.operations import MISSING, sdk
from connector.drift.routes import compare
from connector.drift.sent import Sending
from connector.drift.value import ANYTHING, Value
from connector.errors import ManifestError
from connector.loading import load, shipped_folder
from connector.template_parser import Within

ROOT = Path(__file__).parent.parent
ACCEPTED = ROOT / "tests" / "drift" / "perplexity.yaml"
SEARCH = "execute_search.search"
AGENT = "create_chat_completion.agent"
GONE = object()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the gate must not open a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped_folder() / "perplexity", tmp_path / "manifests" / "perplexity"))


def changed(folder: Path, action: str, changes: Mapping[str, Any]) -> None:
    """Write an action anew, with other values at some paths (`request/body/query`); GONE removes one."""
    file = folder / "actions" / f"{action}.yaml"
    whole = parse(file.read_text(encoding="utf-8"), str(file)).value
    for path, value in changes.items():
        *parents, last = path.split("/")
        place = whole
        for parent in parents:
            place = place[int(parent) if parent.isdigit() else parent]
        if value is GONE:
            del place[last]
        else:
            place[last] = value
    file.write_text(json.dumps(whole), encoding="utf-8")  # JSON is YAML


def new(report: Report) -> set[str]:
    return {difference.id for difference in report.new}


# --- what is shipped


def test_the_shipped_manifests_have_no_new_difference() -> None:
    """Whoever changes a manifest or the SDK sees here what drifted; a stale acceptance is shown, too."""
    report = drift("perplexity", ACCEPTED)
    assert [difference.id for difference in report.new] == []
    assert [str(problem) for problem in report.stale] == []
    assert report.passed
    assert report.compared > 200


def test_every_method_of_the_sdk_is_read() -> None:
    """Each tells its HTTP method, its path, and where its parameters go."""
    installed = sdk()
    assert installed.unread == {}
    found = {operation.name: operation for operation in installed.operations}
    assert {
        (found[name].method, found[name].path) for name in ("search.create", "responses.files.content")
    } == {
        ("POST", "/search"),
        ("GET", "/v1/responses/{response_id}/files/{file_id}/content"),
    }
    assert found["files.list"].query.keys() == {"after", "limit", "order", "purpose"}
    assert found["files.create"].body["file"].value.kinds == {"bytes"}
    assert found["batches.create"].headers.keys() == {"idempotency-key"}
    assert found["chat.completions.create"].body["messages"].required
    assert not [name for name in found["chat.completions.create"].body if name.startswith("_")]
    assert found["files.content"].answer.kinds == {"bytes"}


# --- planted drifts

BODY = "routes/search/request/body"
ANSWER = "routes/search/response"
PAGE = f"{ANSWER}/properties/results/items"
INPUTS = "inputs/properties"
OUTPUT = "routes/agent/response/properties/output/items"

PLANTED: Sequence[Any] = [
    pytest.param(
        "execute_search",
        {"routes/search/request/path": "/v1/search"},
        {f"{SEARCH} POST /v1/search is not in the SDK", "POST /search is in the SDK, and no route sends it"},
        id="path",
    ),
    pytest.param(
        "execute_search",
        {"routes/search/request/method": "PUT"},
        {f"{SEARCH} PUT /search is not in the SDK", "POST /search is in the SDK, and no route sends it"},
        id="method",
    ),
    pytest.param(
        "execute_search",
        {f"{BODY}/max_results": GONE, f"{BODY}/num_results": "${{ inputs.max_results }}"},
        {
            f"{SEARCH} body.num_results is not in the SDK",
            f"{SEARCH} body.max_results is in the SDK, and never sent",
        },
        id="field with another name",
    ),
    pytest.param(
        "execute_search",
        {"routes/search/request/query": {"q": "a"}, "routes/search/request/headers": {"X-Trace": "a"}},
        {f"{SEARCH} query.q is not in the SDK", f"{SEARCH} header.x-trace is not in the SDK"},
        id="field of the query and the headers",
    ),
    pytest.param(
        "execute_search",
        {f"{PAGE}/properties/score": {"type": "number"}},
        {f"{SEARCH} response.results[].score is not in the SDK"},
        id="field of the answer",
    ),
    pytest.param(
        "create_chat_completion",
        {"routes/agent/request/body/tools/0/filters/search_lang": "en"},
        {f"{AGENT} body.tools[].filters.search_lang is not in the SDK"},
        id="field inside one form of several",
    ),
    pytest.param(
        "create_chat_completion",
        {"routes/agent/request/body/tools/0/type": "web"},
        {
            f"{AGENT} body.tools[].type may be 'web' here, not in the SDK",
            f"{AGENT} body.tools[].type may be 'web_search' in the SDK, not here",
        },
        id="form",
    ),
    pytest.param(
        "execute_search",
        {f"{INPUTS}/search_type/enum": ["web", "fast", "image"]},
        {
            # people is still sent: the focus of that name does
            f"{SEARCH} body.search_type may be 'image' here, not in the SDK",
        },
        id="enum with other values",
    ),
    pytest.param(
        "execute_search",
        {f"{INPUTS}/search_mode/enum": GONE},
        {f"{SEARCH} body.search_mode may be any text here, and has fixed choices in the SDK"},
        id="enum that is missing",
    ),
    pytest.param(
        "execute_search",
        {f"{INPUTS}/country/enum": ["US", "DE"], f"{INPUTS}/country/pattern": GONE},
        {f"{SEARCH} body.country has fixed choices here, and may be any text in the SDK"},
        id="enum that the SDK has not",
    ),
    pytest.param(
        "create_chat_completion",
        {"routes/agent/response/properties/status": {"type": "string", "enum": ["completed", "done"]}},
        {f"{AGENT} response.status may be 'done' here, not in the SDK"}
        | {
            f"{AGENT} response.status may be '{status}' in the SDK, not here"
            for status in ("cancelled", "failed", "in_progress", "queued", "requires_action")
        },
        id="enum of the answer",
    ),
    pytest.param(
        "execute_search",
        {f"{INPUTS}/max_results/type": "number", f"{INPUTS}/country": {"type": "integer"}},
        {
            f"{SEARCH} body.max_results may be a number here, not in the SDK",
            f"{SEARCH} body.country may be a whole number here, not in the SDK",
            f"{SEARCH} body.country may be text in the SDK, not here",
        },
        id="type",
    ),
    pytest.param(
        "execute_search",
        {f"{INPUTS}/query/type": "string"},
        {f"{SEARCH} body.query may be a list in the SDK, not here"},
        id="type that is left out",
    ),
    pytest.param(
        "execute_search",
        {f"{INPUTS}/search_language_filter/items": {"type": "integer"}},
        {
            f"{SEARCH} body.search_language_filter[] may be a whole number here, not in the SDK",
            f"{SEARCH} body.search_language_filter[] may be text in the SDK, not here",
        },
        id="type of the items",
    ),
    pytest.param(
        "execute_search",
        {f"{PAGE}/properties/date/type": "string", f"{PAGE}/properties/title/type": ["string", "null"]},
        {
            f"{SEARCH} response.results[].date may be null in the SDK, not here",
            f"{SEARCH} response.results[].title may be null here, not in the SDK",
        },
        id="null in the answer",
    ),
    pytest.param(
        "execute_search",
        {"inputs/required": []},
        {f"{SEARCH} body.query is required by the SDK, and optional here"},
        id="required by the SDK",
    ),
    pytest.param(
        "execute_search",
        {"inputs/required": ["query", "country"]},
        {f"{SEARCH} body.country is required here, and optional in the SDK"},
        id="required here",
    ),
    pytest.param(
        "execute_search",
        {f"{BODY}/query": GONE},
        {f"{SEARCH} body.query is required by the SDK, and never sent"},
        id="required and never sent",
    ),
    pytest.param(
        "execute_search",
        {f"{ANSWER}/required": ["id", "results", "server_time"], f"{PAGE}/required": ["title", "date"]},
        {
            f"{SEARCH} response.server_time is required here, and may be absent in the SDK",
            f"{SEARCH} response.results[].date is required here, and may be absent in the SDK",
        },
        id="required in the answer",
    ),
    pytest.param(
        "create_chat_completion",
        {f"{OUTPUT}/required": ["type", "results"]},
        {f"{AGENT} response.output[].results is required here, and may be absent in the SDK"},
        id="required in the answer, and only in some of its forms",
    ),
]


@pytest.mark.parametrize(("action", "changes", "expected"), PLANTED)
def test_a_planted_drift_is_found(
    copied: Path, action: str, changes: Mapping[str, Any], expected: set[str]
) -> None:
    """Exactly what was changed is new, each difference in its sentence."""
    changed(copied, action, changes)
    report = drift(copied, ACCEPTED)
    assert new(report) == expected
    assert not report.passed


def test_a_poll_that_the_sdk_does_not_know_is_found(copied: Path) -> None:
    """The requests that follow the first one are looked up, too."""
    poll = {
        "when": "${{ inputs.stream }}",
        "until": "${{ response.body.status }}",
        "path": "/v1/agent/${{ response.body.id }}/status",
        "cancel": {"method": "POST", "path": "/v1/agent/${{ response.body.id }}/cancel"},
    }
    changed(copied, "create_chat_completion", {"routes/agent/poll": poll})
    assert new(drift(copied, ACCEPTED)) == {f"{AGENT} poll GET /v1/agent/{{}}/status is not in the SDK"}


def test_a_method_that_cannot_be_read_is_a_difference() -> None:
    """Nothing of the SDK is passed over in silence."""
    found = compare(load("perplexity"), dataclasses.replace(sdk(), unread={"skills.fly": "TypeError"}), {})
    assert "skills.fly() of the SDK cannot be read" in [difference.id for difference in found.differences]


# --- what is accepted


def accept(folder: Path, text: str) -> Path:
    file = folder / "accepted.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_planted_drift_that_is_accepted_passes(copied: Path, tmp_path: Path) -> None:
    """The reason comes with it."""
    changed(copied, "execute_search", {f"{INPUTS}/query/type": "string"})
    entry = (
        "  - reason: One query at a time.\n    differences:\n"
        f"      - {SEARCH} body.query may be a list in the SDK, not here\n"
    )
    report = drift(copied, accept(tmp_path, ACCEPTED.read_text(encoding="utf-8") + entry))
    assert report.passed
    assert "One query at a time." in [reason for _, reason in report.accepted]


def test_a_stale_acceptance_fails(tmp_path: Path) -> None:
    """What no longer occurs is told with its line, aliases included."""
    text = ACCEPTED.read_text(encoding="utf-8").replace(
        "aliases:\n", "aliases:\n  - {path: /v9, sdk: /v1, reason: None.}\n"
    )
    text += f"  - reason: None.\n    differences:\n      - {SEARCH} body.query is gone\n"
    report = drift("perplexity", accept(tmp_path, text))
    assert not report.new
    assert not report.passed
    lines = text.splitlines()
    assert [(problem.where.split(":")[-2], problem.message) for problem in report.stale] == [
        (str(lines.index("aliases:") + 2), "No route needs this alias."),
        (str(len(lines)), "This difference no longer occurs."),
    ]


def test_without_its_alias_a_path_is_a_difference() -> None:
    """And nothing below it is compared."""
    found = compare(load("perplexity"), sdk(), {})
    ids = [difference.id for difference in found.differences if difference.where.startswith(AGENT)]
    assert ids == [
        f"{AGENT} POST /v1/agent is not in the SDK",
        f"{AGENT} cancel POST /v1/agent/{{}}/cancel is not in the SDK",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accepted: {}", "It must be a list."),
        ("accepted: [a]", "It must be a mapping."),
        ("acepted: []", "There is no key 'acepted' here."),
        ("[]", "It must be a mapping."),
        ("accepted: [{differences: [a b]}]", "'reason' must be text."),
        ("accepted: [{reason: ' ', differences: [a b]}]", "'reason' must be text."),
        ("accepted: [{reason: a}]", "'differences' must be a list."),
        ("accepted: [{reason: a, differences: [1]}]", "0 must be text."),
        ("accepted: [{reason: a, differences: [b, b]}]", "This difference stands there twice."),
        ("aliases: [{path: /a, sdk: /b}]", "'reason' must be text."),
    ],
)
def test_a_mistake_in_the_accepted_file_has_its_line(tmp_path: Path, text: str, message: str) -> None:
    """As in a manifest."""
    file = accept(tmp_path, text)
    with pytest.raises(ManifestError) as raised:
        drift("perplexity", file)
    assert raised.value.problems[0].message == message
    assert raised.value.problems[0].where.startswith(f"{file}:1:")


def test_an_accepted_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """As a manifest is."""
    file = tmp_path / "accepted.yaml"
    file.write_bytes(b"accepted: [\xff]")
    with pytest.raises(ManifestError, match="Not UTF-8 text"):
        drift("perplexity", file)


# --- what a template can send

INPUTS_SCHEMA: Any = {
    "type": "object",
    "required": ["kind", "parts"],
    "properties": {
        "kind": {"enum": ["a", "b"]},
        "flag": {"type": "boolean"},
        "size": {"type": "integer"},
        "link": {
            "type": ["string", "object"],
            "required": ["url"],
            "properties": {"url": {"type": "string"}},
        },
        "parts": {
            "type": ["string", "array"],
            "items": {"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}},
        },
        "any": {"type": "object", "additionalProperties": {"type": "integer"}},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    },
}
TABLES = {"words": {"a": "alpha", "b": "beta", "c": "gamma"}, "half": {"a": "alpha"}}


@pytest.mark.parametrize(
    ("template", "kinds", "choices"),
    [
        ("${{ inputs.kind }}", {"string"}, {"a", "b"}),
        ("${{ inputs.size }}", {"integer", "null"}, None),
        ("${{ inputs.either }}", {"integer", "null"}, None),
        ("size ${{ inputs.size }}", {"string", "null"}, None),
        ("${{ lookup('words', inputs.kind) }}", {"string"}, {"alpha", "beta"}),
        ("${{ lookup('half', inputs.kind) }}", {"string", "null"}, {"alpha"}),
        ("${{ inputs.flag && 'x' || `{\"y\": 1}` }}", {"string", "object"}, {"x"}),
        ("${{ inputs.flag && inputs.size }}", {"boolean", "integer", "null"}, None),
        ("${{ inputs.link.url || inputs.link }}", {"string", "null"}, None),
        ("${{ inputs.parts[].{x: x} || inputs.parts }}", {"string", "array"}, None),
        ("${{ inputs.parts[0].x }}", {"string", "null"}, None),
        ("${{ not_null(inputs.flag && inputs.size) }}", {"boolean", "integer", "null"}, None),
        ("${{ inputs.any.k }}", {"integer", "null"}, None),
        ("${{ entries(inputs.any) }}", {"array", "null"}, None),
        ("${{ length(inputs.kind) }}", {"integer"}, None),
        ("${{ to_string(inputs.size) }}", {"string", "null"}, None),
        ("${{ not_null(inputs.size, 'x') }}", {"integer", "string"}, {"x"}),
        ({"a": "${{ inputs.size }}"}, {"object", "null"}, None),
        ({"a": "${{ inputs.size }}", "b": 1}, {"object"}, None),
        (["${{ inputs.size }}"], {"array", "null"}, None),
        (1.5, {"number"}, None),
    ],
    ids=lambda value: repr(sorted(value)) if isinstance(value, (set, frozenset)) else str(value),
)
def test_what_a_template_can_send(template: Any, kinds: set[str], choices: set[str] | None) -> None:
    """Its types, the texts it is limited to, and null where it may be left out."""
    compiled = Within("inputs", omit_null=True).template(template, TABLES)
    value = Sending(INPUTS_SCHEMA, TABLES).value(compiled.piece)
    assert value.kinds == frozenset(kinds)
    assert (value.choices and set(value.choices)) == choices


# --- how the SDK's types are read


class Leaf(BaseModel):
    absent: Optional[str] = None  # noqa: UP045 - the two spellings are what the test is about
    null: Union[str, None] = None  # noqa: UP007
    schema_: dict[str, Any] = Field(alias="schema")
    again: Optional[list[Leaf]] = None  # noqa: UP045


class Omit:
    """As the SDK's."""


@pytest.mark.parametrize(
    ("annotation", "kinds"),
    [
        (str, {"string"}),
        (float | None, {"number", "null"}),
        (Literal["a", 1], {"string", "integer"}),
        (Sequence[int], {"array"}),
        (list[str] | str | Omit, {"array", "string"}),
        (dict[str, int], {"object"}),
        (Leaf, {"object"}),
        (bytes | tuple[str, bytes], {"bytes"}),
        (Any, set()),
    ],
    ids=lambda value: repr(sorted(value)) if isinstance(value, (set, frozenset)) else str(value),
)
def test_the_kinds_of_a_python_type(annotation: Any, kinds: set[str]) -> None:
    """JSON's words for it."""
    assert of_annotation(annotation).kinds == kinds


def test_a_model_has_its_fields_by_their_names_on_the_wire() -> None:
    """Optional is absent, Union with None is null; a model inside itself is not followed."""
    form = of_annotation(Leaf | Mapping[str, object]).forms[0]
    assert {name: member.required for name, member in form.items()} == {
        "absent": False,
        "null": False,
        "schema": True,
        "again": False,
    }
    assert form["absent"].value.kinds == {"string"}
    assert form["null"].value.kinds == {"string", "null"}
    assert form["schema"].value.entries == ANYTHING
    assert form["again"].value.item == Value(frozenset({"object"}))


def test_a_type_without_a_form_in_json_is_refused() -> None:
    """So that a new one is seen."""
    with pytest.raises(TypeError, match="has no form in JSON"):
        of_annotation(complex)


# --- every sort of request

CONNECTOR = {
    "format": 1,
    "id": "other",
    "name": "Other",
    "version": "1.0.0",
    "description": "Requests of every sort.",
    "connection": {
        "fields": {"type": "object", "properties": {"key": {"type": "string", "writeOnly": True}}},
        "base_url": "https://api.example",
        "auth": {"kind": "bearer", "value": "${{ connection.key }}"},
    },
    "errors": {"message": "${{ response.body.error }}", "type": "${{ response.body.error }}", "kinds": []},
}


def action(
    request: Mapping[str, Any], inputs: Mapping[str, Any], required: Sequence[str] = (), **route: Any
) -> dict[str, Any]:
    return {
        "id": "ask",
        "name": "Ask",
        "description": "Ask.",
        "inputs": {"type": "object", "required": list(required), "properties": dict(inputs)},
        "outputs": {"type": "object", "properties": {}},
        "routes": {"main": {"request": request, "outputs": {}, **route}},
    }


TEXT = {"type": "string"}
REQUESTS = [
    pytest.param(
        action(
            {
                "method": "POST",
                "path": "/v1/files",
                "form": {"purpose": "batch"},
                "files": {"file": {"name": "in.jsonl", "content": "${{ inputs.content }}"}},
            },
            {"content": TEXT},
            ["content"],
        ),
        set(),
        id="multipart form",
    ),
    pytest.param(
        action(
            {"method": "GET", "path": "/v1/files/${{ inputs.id }}/content"},
            {"id": TEXT},
            ["id"],
            answer="text",
        ),
        set(),
        id="answer that is no JSON",
    ),
    pytest.param(
        action(
            {"method": "GET", "path": "/v1/files/${{ inputs.id }}/content"},
            {"id": TEXT},
            ["id"],
            response={"type": "object"},
        ),
        {
            "ask.main response may be an object here, not in the SDK",
            "ask.main response may be a file in the SDK, not here",
        },
        id="answer that is no JSON, and taken for it",
    ),
    pytest.param(
        action(
            {
                "method": "GET",
                "path": "/v1/files",
                "query": {"order": "${{ inputs.order }}", "limit": "${{ inputs.limit }}"},
            },
            {"order": {"enum": ["asc", "desc"]}, "limit": {"type": "integer"}},
        ),
        {
            "ask.main query.after is in the SDK, and never sent",
            "ask.main query.purpose is in the SDK, and never sent",
        },
        id="query",
    ),
    pytest.param(
        action(
            {
                "method": "POST",
                "path": "/v1/decisions",
                "body": {
                    "model": "${{ inputs.model }}",
                    "state": "${{ inputs.state }}",
                    "questions": "${{ inputs.questions }}",
                },
            },
            {
                "model": TEXT,
                "state": {"type": ["string", "object", "array"]},
                "questions": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "required": ["type"],
                        "properties": {
                            "type": {"enum": ["noul", "choice"]},
                            "criteria": {"type": "object"},
                            "instruction": TEXT,
                        },
                    },
                },
            },
            ["model", "state", "questions"],
            response={
                "type": "object",
                "properties": {
                    "answers": {
                        "type": "object",
                        "properties": {
                            "a": {"type": "object", "properties": {"confidence": {"type": "string"}}}
                        },
                    }
                },
            },
        ),
        {
            "ask.main body.questions.*.instruction is not in the SDK",
            "ask.main body.questions.*.instructions is in the SDK, and never sent",
            "ask.main body.questions.*.type may be 'score' in the SDK, not here",
            "ask.main response.answers.a.confidence may be a number in the SDK, not here",
            "ask.main response.answers.a.confidence may be text here, not in the SDK",
        },
        id="free keys and several forms",
    ),
    pytest.param(
        action(
            {
                "method": "POST",
                "path": "/v1/responses",
                "body": {
                    "input": [
                        {"role": "${{ inputs.role }}", "content": "${{ inputs.content }}", "name": "a"},
                        {"type": "function_call_output", "call_id": "${{ inputs.id }}", "extra": 1},
                    ]
                },
            },
            {
                "role": {"enum": ["user", "assistant", "system"]},
                "content": {"type": ["string", "array"]},
                "id": TEXT,
            },
            ["role", "content", "id"],
        ),
        {
            "ask.main body.input[].name is not in the SDK",
            "ask.main body.input may be text in the SDK, not here",
            "ask.main body.input[].role may be 'developer' in the SDK, not here",
            "ask.main body.input[](function_call_output).extra is not in the SDK",
            "ask.main body.input[](function_call_output).output is required by the SDK, and never sent",
        }
        | {
            f"ask.main body.input[](function_call_output).{name} is in the SDK, and never sent"
            for name in ("id", "name", "status", "thought_signature")
        }
        | {
            f"ask.main body.input[].type may be '{name}' in the SDK, not here"
            for name in (
                "function_call",
                "mcp_approval_request",
                "mcp_approval_response",
                "mcp_call",
                "mcp_list_tools",
                "reasoning",
            )
        },
        id="a list of several forms",
    ),
    pytest.param(
        action(
            {
                "method": "POST",
                "path": "/v1/responses",
                "body": {"input": "hello", "tools": "${{ inputs.tools }}"},
            },
            {
                "tools": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"type": TEXT, "goal": TEXT}},
                }
            },
        ),
        {
            "ask.main body.input may be a list in the SDK, not here",
            "ask.main body.input has fixed choices here, and may be any text in the SDK",
            "ask.main body.tools[].type may be any text here, and has fixed choices in the SDK",
            "ask.main body.tools[].goal is not in the SDK",
        },
        id="items of any form",
    ),
]


@pytest.mark.parametrize(("asked", "expected"), REQUESTS)
def test_every_sort_of_request_is_compared(tmp_path: Path, asked: dict[str, Any], expected: set[str]) -> None:
    """Forms, files, queries, paths with inputs, free keys, lists of several forms."""
    folder = tmp_path / "manifests" / "other"
    (folder / "actions").mkdir(parents=True)
    (folder / "connector.yaml").write_text(json.dumps(CONNECTOR), encoding="utf-8")
    (folder / "actions" / "ask.yaml").write_text(json.dumps(asked), encoding="utf-8")
    found = {each.id for each in drift(folder).new if each.where.startswith("ask")}
    never_sent = re.compile(r"ask\.main body\.\w+ is in the SDK, and never sent")
    assert {each for each in found if not never_sent.fullmatch(each)} == expected


# --- the command


def test_the_command_lists_what_is_accepted(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each difference with its reason, and how much was compared."""
    monkeypatch.chdir(ROOT)
    code, out, err = cli("drift")
    assert (code, err) == (Exit.OK, "")
    assert out.splitlines()[-1].startswith("ok: ")
    assert "accepted: POST /async/chat/completions is in the SDK, and no route sends it. The vendor" in out


def test_the_command_fails_for_what_is_new_or_stale(
    cli: Callable[..., Any], copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With exit code 1, and what to do."""
    monkeypatch.chdir(ROOT)
    changed(copied, "execute_search", {f"{BODY}/top": 1})
    changed(copied, "create_chat_completion", {"routes/agent/request/body/store": True})
    code, out, err = cli("drift", str(copied))
    assert code == Exit.FOUND
    assert f"NEW: {SEARCH} body.top is not in the SDK.\n" in out
    assert f"- {AGENT} body.store is in the SDK, and never sent\n" in out
    assert "1 new differences, 1 accepted ones that no longer occur" in err


def test_the_command_says_where_it_looked(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside a checkout nothing is accepted, and a file that is named must be there."""
    monkeypatch.chdir(tmp_path)
    code, _, err = cli("drift")
    assert (code, err.splitlines()[0]) == (
        Exit.FOUND,
        "Nothing is accepted: there is no tests/drift/perplexity.yaml here.",
    )
    assert cli("drift", "--accepted", "none.yaml").code == Exit.WRONG


def test_the_command_says_what_to_install(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK comes with the developer's extra."""
    monkeypatch.setitem(sys.modules, "perplexity", None)
    sdk.cache_clear()
    code, out, err = cli("drift")
    sdk.cache_clear()
    assert (code, out) == (Exit.WRONG, "")
    assert MISSING in err
