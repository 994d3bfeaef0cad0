"""The sandbox's Agent API: strict requests, complete answers, and streams that end the same way."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from connector.sandbox import Sandbox

KEYS = (f"pplx-test-agent-{number}" for number in itertools.count())
ALWAYS = {
    "background",
    "completed_at",
    "created_at",
    "error",
    "frequency_penalty",
    "id",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "object",
    "output",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "status",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "usage",
    "user",
}


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        yield client


@pytest.fixture
def client(shared: httpx.Client) -> httpx.Client:
    """A client with a key of its own, so that no test spends another one's rate limit."""
    shared.headers["authorization"] = f"Bearer {next(KEYS)}"
    return shared


def ask(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/agent", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refusal(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/agent", json=body)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == 400
    return error


def kinds(response: dict[str, Any]) -> list[str]:
    return [item["type"] for item in response["output"]]


def text_in(response: dict[str, Any]) -> str:
    found: str = response["output"][-1]["content"][0]["text"]
    return found


def test_an_answer_has_every_field_of_a_real_one(client: httpx.Client) -> None:
    """All 32 fields are there, and the model is the one that the effort resolves to."""
    response = ask(client, effort="fast", input="hello")
    assert set(response) == ALWAYS
    assert (response["object"], response["status"]) == ("response", "completed")
    assert response["model"] == "openai/gpt-6-luna"
    assert response["usage"]["cost"]["currency"] == "USD"


def test_the_answer_says_what_was_asked_and_that_it_is_synthetic(client: httpx.Client) -> None:
    """The last user message arrives in the text."""
    items = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "answer"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is dough?"}]},
    ]
    text = text_in(ask(client, effort="fast", input=items))
    assert text.startswith("Synthetic answer from the sandbox:")
    assert '"What is dough?"' in text


def test_the_same_request_gets_the_same_bytes(client: httpx.Client) -> None:
    """Key order, the alias and streaming do not matter; another question gets another id."""
    body = {"effort": "low", "input": "hello"}
    first = client.post("/v1/agent", json=body)
    swapped = client.post("/v1/responses", json=dict(reversed(body.items())))
    assert first.content == swapped.content
    assert ask(client, effort="low", input="other")["id"] != first.json()["id"]


SEARCH = {"type": "web_search"}


@pytest.mark.parametrize(
    ("body", "searches"),
    [
        pytest.param({"effort": "fast"}, True, id="an effort brings the tool"),
        pytest.param({"preset": "pro-search"}, True, id="an old preset too"),
        pytest.param({"effort": "fast", "tools": [SEARCH]}, True, id="an effort with the tool"),
        pytest.param(
            {"effort": "fast", "tools": [{"type": "fetch_url"}]}, False, id="other tools replace it"
        ),
        pytest.param({"effort": "fast", "tool_choice": "none"}, False, id="no tool wanted"),
        pytest.param({"effort": "fast", "max_tool_calls": 0}, False, id="no call allowed"),
        pytest.param({"model": "perplexity/sonar"}, False, id="a bare model"),
        pytest.param({"model": "perplexity/sonar", "tools": [SEARCH]}, False, id="a bare model may not"),
        pytest.param(
            {"model": "perplexity/sonar", "tools": [SEARCH], "tool_choice": SEARCH}, True, id="forced"
        ),
        pytest.param(
            {"model": "perplexity/sonar", "tools": [SEARCH], "tool_choice": "required"}, True, id="required"
        ),
    ],
)
def test_search_results_come_only_from_a_search(
    client: httpx.Client, body: dict[str, Any], searches: bool
) -> None:
    """There is a `search_results` item, and a price for it, only where a search was made."""
    response = ask(client, input="latest AI news", **body)
    assert kinds(response) == (["search_results", "message"] if searches else ["message"])
    assert ("tool_calls_cost" in response["usage"]["cost"]) is searches


def test_the_filters_of_the_tool_are_applied(client: httpx.Client) -> None:
    """A mixed list is taken, as the real API does: allow first, then deny; so are ISO dates."""
    tool = {
        "type": "web_search",
        "filters": {
            "search_domain_filter": ["encyclopedia.example", "energy.example", "-energy.example"],
            "last_updated_after_filter": "2026-11-01",
        },
    }
    results = ask(client, effort="fast", input="capital", tools=[tool])["output"][0]["results"]
    assert results
    assert all(row["url"].startswith("https://encyclopedia.example/") for row in results)
    assert all(row["last_updated"] >= "2026-11-01" for row in results)
    assert [row["id"] for row in results] == list(range(1, len(results) + 1))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"stop": "x"}, "stop"),
        ({"messages": []}, "messages"),
        ({"tools": [{"type": "web_search", "max_result": 3}]}, "max_result"),
        ({"tools": [{"type": "web_search", "filters": {"country": "US"}}]}, "country"),
        ({"text": {"format": {"type": "text"}}}, "format"),
        ({"input": [{"role": "user", "content": "x", "name": "ada"}]}, "name"),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, "summary"),
    ],
)
def test_unknown_fields_are_refused_at_any_depth(
    client: httpx.Client, body: dict[str, Any], field: str
) -> None:
    """The body is strict: the message and `param` name the field."""
    error = refusal(client, **{"effort": "fast", "input": "hello", **body})
    assert error["message"] == f'invalid request body: json: unknown field "{field}"'
    assert (error["type"], error["param"]) == ("invalid_request", field)


MANY_DOMAINS = [f"host{number}.example" for number in range(21)]


def filtered(**filters: Any) -> dict[str, Any]:
    return {"tools": [{"type": "web_search", "filters": filters}]}


def formatted(**json_schema: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": json_schema}}


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"input": ""}, "invalid_request", "input array cannot be empty", id="empty input"),
        pytest.param({"input": []}, "invalid_request", "input array cannot be empty", id="no items"),
        pytest.param({"input": None}, "invalid_request", "input array cannot be empty", id="null input"),
        pytest.param({"effort": None}, "invalid_request", "model, models, preset or effort", id="no model"),
        pytest.param({"effort": "huge"}, "invalid_request", "effort must be one of", id="effort"),
        pytest.param({"model": "sonar-pro"}, "invalid_model", '"sonar-pro" is not supported', id="sonar"),
        pytest.param({"models": ["a/b"] * 6}, "invalid_request", "at most 5 items", id="models"),
        pytest.param({"temperature": "hot"}, "invalid_request", 'field "temperature"', id="wrong type"),
        pytest.param({"temperature": 2.1}, "invalid_request", "between 0 and 2", id="temperature"),
        pytest.param({"stream": 1}, "invalid_request", "cannot unmarshal number", id="number for bool"),
        pytest.param(
            {"max_output_tokens": True}, "invalid_request", "of type integer", id="bool for integer"
        ),
        pytest.param(
            {"model": "anthropic/claude-opus-5"},
            "invalid_request",
            "validation failed: max_output_tokens is required when using Anthropic models",
            id="anthropic",
        ),
        pytest.param(
            filtered(search_recency_filter="decade"),
            "invalid_request",
            "validation failed: tools[0]: search recency filter must be one of: hour day week month year",
            id="recency",
        ),
        pytest.param(
            filtered(search_recency_filter="day", search_after_date_filter="1/1/2026"),
            "invalid_request",
            "cannot be combined",
            id="recency with dates",
        ),
        pytest.param(
            filtered(search_after_date_filter="yesterday"), "invalid_date_format", "MM/DD/YYYY", id="date"
        ),
        pytest.param(
            filtered(search_domain_filter=MANY_DOMAINS),
            "invalid_search_domain_filter",
            "at most 20",
            id="domains",
        ),
        pytest.param(
            filtered(search_domain_filter=["https://a.example"]),
            "invalid_search_domain_filter",
            "without a scheme",
            id="scheme",
        ),
        pytest.param(
            formatted(name="x", schema={"type": "bogus"}),
            "invalid_parameter",
            "json_schema.schema must have a root type of 'object' (got type=\"bogus\")",
            id="schema root",
        ),
        pytest.param(
            formatted(name="no spaces", schema={"type": "object"}), "invalid_parameter", "name", id="name"
        ),
        pytest.param({"tools": [{"type": "browser"}]}, "invalid_request", "tools[0].type", id="tool type"),
        pytest.param(
            {"tool_choice": {"type": "sandbox"}}, "invalid_request", "tool_choice", id="tool choice"
        ),
        pytest.param({"metadata": {"k": "v" * 513}}, "invalid_request", "512", id="metadata"),
    ],
)
def test_broken_rules_are_refused(client: httpx.Client, body: dict[str, Any], kind: str, words: str) -> None:
    """Each rule that the facts give has its own type and sentence."""
    error = refusal(client, **{"effort": "fast", "input": "hello", **body})
    assert error["type"] == kind
    assert words in error["message"]


def test_a_wrong_filter_is_answered_as_captured(client: httpx.Client) -> None:
    """The whole error, word for word: without `param`."""
    assert refusal(client, effort="fast", input="hi", **filtered(search_recency_filter="decade")) == {
        "message": "validation failed: tools[0]: search recency filter must be one of: "
        "hour day week month year",
        "type": "invalid_request",
        "code": 400,
    }


def test_nulls_stand_for_absent_fields(client: httpx.Client) -> None:
    """A null is taken in any field that is not required."""
    plain = ask(client, effort="fast", input="hello")
    nulled = ask(client, effort="fast", input="hello", preset=None, tools=None, background=None)
    assert plain["output"][0] == nulled["output"][0]


def test_a_tight_cap_leaves_no_text(client: httpx.Client) -> None:
    """The cap has a floor of 16, and reasoning is counted against it before the text is."""
    response = ask(client, model="perplexity/sonar", input="hello", max_output_tokens=1)
    assert (response["status"], response["max_output_tokens"]) == ("incomplete", 16)
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["output"] == []
    assert response["usage"]["output_tokens"] == 16


SCHEMAS: list[dict[str, Any]] = [
    {
        "type": "object",
        "properties": {
            "verdict": {"enum": ["true", "false"]},
            "score": {"type": "integer", "minimum": 3, "multipleOf": 5},
            "kind": {"const": "fixed"},
            "when": {"type": "string", "format": "date"},
            "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
            "note": {"type": ["null", "string"], "maxLength": 4},
            "part": {"$ref": "#/$defs/part"},
        },
        "required": ["verdict", "score", "part"],
        "additionalProperties": False,
        "$defs": {
            "part": {
                "type": "object",
                "properties": {
                    "price": {"type": "number", "exclusiveMinimum": 0},
                    "sub": {"type": "array", "items": {"$ref": "#/$defs/part"}},
                },
                "required": ["price"],
            }
        },
    },
    {"type": "object", "anyOf": [{"properties": {"a": {"type": "boolean"}}, "required": ["a"]}]},
    {"type": "object", "allOf": [{"required": ["x"]}, {"properties": {"x": {"type": "integer"}}}]},
    {"type": "object", "minProperties": 2},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_structured_answers_fit_their_schema(client: httpx.Client, schema: dict[str, Any]) -> None:
    """The text of the answer is JSON that the schema accepts."""
    response = ask(client, effort="fast", input="x", **formatted(name="answer", schema=schema))
    jsonschema.validate(
        json.loads(text_in(response)), schema, format_checker=jsonschema.FormatChecker(["date"])
    )
    assert response["text"]["format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    "odd",
    [
        {"properties": 3, "required": "x"},
        {"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
        {"properties": {"a": {"$ref": "#/nowhere"}, "b": {"minimum": "x", "type": "number"}}},
        {
            "properties": {
                "a": {"pattern": "((("},
                "b": {"enum": {}},
                "c": {"type": "integer", "minimum": 1e300},
            }
        },
        {"$ref": "#"},
        {"properties": {"a": {"type": "array", "minItems": 10**9}, "b": {"minLength": 10**9}}},
        {"properties": {"a": {"type": "number", "multipleOf": 1e-320, "minimum": 1e300}}},
        {"properties": {"a": {"pattern": "(a+)+b"}, "b": {"pattern": "[[a]"}, "c": {"pattern": "(.|.)+x"}}},
        {"properties": {"a": {"type": "number", "multipleOf": 0}, "b": {"type": {}}}},
    ],
)
def test_odd_schemas_do_no_harm(client: httpx.Client, odd: dict[str, Any]) -> None:
    """A schema that makes no sense, or has no end, still gets an answer."""
    ask(client, effort="fast", input="x", **formatted(schema={"type": "object", **odd}))


def events(client: httpx.Client, **body: Any) -> list[dict[str, Any]]:
    with client.stream("POST", "/v1/agent", json={**body, "stream": True}) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        blocks = answer.read().decode().split("\n\n")
    assert blocks.pop() == ""
    found = []
    for block in blocks:
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def test_a_stream_has_the_documented_order(client: httpx.Client) -> None:
    """Created, in progress, the search, the text in pieces, one terminal; numbers rise."""
    found = events(client, effort="fast", input="latest AI news")
    order = [kind for kind, _ in itertools.groupby(event["type"] for event in found)]
    assert order == [
        "response.created",
        "response.in_progress",
        "response.reasoning.started",
        "response.reasoning.search_queries",
        "response.reasoning.search_results",
        "response.reasoning.stopped",
        "response.output_item.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.output_item.done",
        "response.completed",
    ]
    numbers = [event["sequence_number"] for event in found]
    assert numbers == sorted(set(numbers))


def test_the_deltas_join_to_the_final_text(client: httpx.Client) -> None:
    """A stream ends with the very response that a plain request gets."""
    body = {"effort": "fast", "input": "  two  spaces\nand a line "}
    found = events(client, **body)
    deltas = [event["delta"] for event in found if event["type"] == "response.output_text.delta"]
    plain = ask(client, **body)
    assert len(deltas) > 2
    assert "".join(deltas) == text_in(plain)
    assert found[-1]["response"] == plain


def test_a_stream_can_end_incomplete(client: httpx.Client) -> None:
    """The terminal tells the status, and usage can be left out of it."""
    found = events(
        client,
        model="perplexity/sonar",
        input="x",
        max_output_tokens=16,
        stream_options={"include_usage": False},
    )
    assert found[-1]["type"] == "response.incomplete"
    assert found[-1]["response"]["usage"] is None
