"""Outputs: the same flat, typed fields, whichever route answered and in whichever year."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

import connector
from connector.errors import OutputError
from connector.output import Result, pick
from connector.plan import plan
from connector.response import Reply
from connector.template_parser import Within

PERPLEXITY = connector.load("perplexity")
TODAY = date(2026, 11, 21)
CHAT = PERPLEXITY.actions["create_chat_completion"]
SEARCH = PERPLEXITY.actions["execute_search"]
ASKED = {"model": "sonar", "messages": [{"role": "user", "content": "Hello"}]}
PLANS = {
    "search": plan(PERPLEXITY, SEARCH, {"query": "x"}, today=TODAY),
    "agent": plan(PERPLEXITY, CHAT, ASKED, today=TODAY),
    "sonar": plan(PERPLEXITY, CHAT, ASKED, today=TODAY, route="sonar"),
    "models": plan(PERPLEXITY, PERPLEXITY.actions["list_models"], {}, today=TODAY),
}


def picked(route: str, body: Any, attempts: int = 1) -> Result:
    headers = {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "49"}
    reply = Reply(200, headers, body, "req-1", "POST https://api.perplexity.ai/x")
    return pick(PLANS[route], reply, attempts=attempts)


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The body with another value at `a.0.b`, or without it if the value is `...`."""
    body = copy.deepcopy(body)
    found: Any = body
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        found = found[step]
    if value is ...:
        del found[last]
    else:
        found[last] = value
    return body


def source(number: int, **more: Any) -> dict[str, Any]:
    return {"title": f"Page {number}", "url": f"https://a.test/{number}", **more}


def row(number: int, **more: Any) -> dict[str, Any]:
    return {**source(number), "date": None, "last_updated": None, "snippet": None, "source": None, **more}


AGENT = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "openai/gpt-test",
    "created_at": 1791000000,
    "error": None,
    "incomplete_details": None,
    "output": [
        {"type": "reasoning", "summary": []},
        {
            "type": "search_results",
            "queries": ["a"],
            "results": [source(1, id=1, date="2026-01-02", snippet="One", source="web"), source(2, id=2)],
        },
        {"type": "fetch_url_results", "contents": [{"url": "https://b.test", "title": "B", "snippet": "b"}]},
        {"type": "search_results", "queries": ["b"], "results": [source(3, id=3, date=None)]},
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "Hello", "annotations": []},
                {"type": "refusal", "refusal": "no"},
                {"type": "output_text", "text": " world", "annotations": []},
            ],
        },
    ],
    "usage": {
        "input_tokens": 10,
        "output_tokens": 20,
        "total_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 5},
        "tool_calls_details": {"search_web": {"invocation": 2, "cost_usd": 0.005}},
        "cost": {"currency": "USD", "total_cost": 0.0061},
    },
}

SONAR = {
    "id": "c0ffee",
    "object": "chat.completion",
    "created": 1757000000,
    "model": "sonar-pro",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hello world"},
            "delta": {"role": "assistant", "content": ""},
        }
    ],
    "citations": ["https://a.test/1", "https://a.test/2"],
    "search_results": [
        source(1, date="2026-01-02", last_updated="2026-02-03", snippet="One", source="web"),
        source(2, date=None),
    ],
    "images": [
        {"image_url": "https://a.test/1.png", "origin_url": "https://a.test", "width": 10, "height": 20}
    ],
    "related_questions": ["And then?"],
    "usage": {
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "total_tokens": 30,
        "reasoning_tokens": 5,
        "citation_tokens": 7,
        "num_search_queries": 2,
        "search_context_size": "low",
        "cost": {"input_tokens_cost": 0.001, "output_tokens_cost": 0.002, "total_cost": 0.0061},
    },
}

FOUND = {
    "id": "s-1",
    "results": [
        source(1, snippet="One", date="2026-01-02", last_updated="2026-02-03"),
        source(2, snippet="", date=None, last_updated=None),
        source(3, snippet="Three"),
    ],
    "server_time": None,
}

BODIES: dict[str, dict[str, Any]] = {"agent": AGENT, "sonar": SONAR, "search": FOUND}


# --- whole answers


def test_an_answer_of_the_agent_api() -> None:
    """Texts are joined, sources of all searches come in order, what the route has not is null."""
    assert picked("agent", AGENT).outputs == {
        "rate_limit": 50,
        "rate_limit_remaining": 49,
        "rate_limit_reset": None,
        "content": "Hello world",
        "finish_reason": "stop",
        "citations": ["https://a.test/1", "https://a.test/2", "https://a.test/3"],
        "search_results": [row(1, date="2026-01-02", snippet="One", source="web"), row(2), row(3)],
        "images": None,
        "related_questions": None,
        "model": "openai/gpt-test",
        "id": "resp_1",
        "created": 1791000000,
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "total_tokens": 30,
        "reasoning_tokens": 5,
        "citation_tokens": None,
        "num_search_queries": 2,
        "search_context_size": None,
        "total_cost": 0.0061,
    }


def test_an_answer_of_sonar() -> None:
    """The same fields from the other shape."""
    assert picked("sonar", SONAR).outputs == {
        "rate_limit": 50,
        "rate_limit_remaining": 49,
        "rate_limit_reset": None,
        "content": "Hello world",
        "finish_reason": "stop",
        "citations": ["https://a.test/1", "https://a.test/2"],
        "search_results": [
            row(1, date="2026-01-02", last_updated="2026-02-03", snippet="One", source="web"),
            row(2),
        ],
        "images": [
            {
                "image_url": "https://a.test/1.png",
                "origin_url": "https://a.test",
                "title": None,
                "width": 10,
                "height": 20,
            }
        ],
        "related_questions": ["And then?"],
        "model": "sonar-pro",
        "id": "c0ffee",
        "created": 1757000000,
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "total_tokens": 30,
        "reasoning_tokens": 5,
        "citation_tokens": 7,
        "num_search_queries": 2,
        "search_context_size": "low",
        "total_cost": 0.0061,
    }


def test_an_answer_of_the_search() -> None:
    """Rows, their number, their addresses, and the first of them apart."""
    assert picked("search", FOUND).outputs == {
        "rate_limit": 50,
        "rate_limit_remaining": 49,
        "rate_limit_reset": None,
        "results": [
            source(1, snippet="One", date="2026-01-02", last_updated="2026-02-03"),
            source(2, snippet="", date=None, last_updated=None),
            source(3, snippet="Three", date=None, last_updated=None),
        ],
        "count": 3,
        "urls": ["https://a.test/1", "https://a.test/2", "https://a.test/3"],
        "first_title": "Page 1",
        "first_url": "https://a.test/1",
        "first_snippet": "One",
        "search_id": "s-1",
        "server_time": None,
    }


def test_a_result_says_how_it_came() -> None:
    """The action, the route, the attempts, the status and the service's id."""
    result = picked("sonar", SONAR, attempts=2)
    assert (result.action, result.route, result.attempts) == ("create_chat_completion", "sonar", 2)
    assert (result.status, result.request_id, result.warnings) == (200, "req-1", PLANS["sonar"].warnings)


@pytest.mark.parametrize("route", BODIES)
def test_every_output_is_there_and_flat(route: str) -> None:
    """Every declared field, in the manifest's order: a scalar, a list of them, or a list of flat rows."""
    outputs = picked(route, BODIES[route]).outputs
    assert list(outputs) == list(PLANS[route].action.output_fields)
    for value in outputs.values():
        for item in value if isinstance(value, list) else [value]:
            inner = item.values() if isinstance(item, dict) else [item]
            assert not any(isinstance(one, (dict, list)) for one in inner)
    assert json.loads(json.dumps(outputs)) == outputs


# --- what may be missing


@pytest.mark.hazard("C10")
@pytest.mark.parametrize(
    ("route", "path", "value", "expected"),
    [
        ("agent", "usage", None, {"total_tokens": None, "total_cost": None, "reasoning_tokens": None}),
        ("agent", "usage", ..., {"total_tokens": None, "total_cost": None}),
        ("agent", "usage.cost", ..., {"total_cost": None, "total_tokens": 30}),
        ("agent", "usage.tool_calls_details", None, {"num_search_queries": None}),
        ("agent", "usage.tool_calls_details", {}, {"num_search_queries": None}),
        ("agent", "output", [], {"content": "", "citations": [], "search_results": []}),
        ("agent", "status", "incomplete", {"finish_reason": "length"}),
        ("agent", "incomplete_details", {"reason": "max_output_tokens"}, {"finish_reason": "length"}),
        ("agent", "incomplete_details", {"reason": "content_filter"}, {"finish_reason": "content_filter"}),
        ("agent", "output.1.results", [], {"citations": ["https://a.test/3"]}),
        ("agent", "new_field", {"a": [1]}, {"content": "Hello world"}),
        ("agent", "output.0", {"type": "a_type_of_2027", "results": "?"}, {"content": "Hello world"}),
        ("sonar", "usage", None, {"total_tokens": None, "total_cost": None}),
        ("sonar", "usage.cost", ..., {"total_cost": None}),
        ("sonar", "citations", ..., {"citations": None}),
        ("sonar", "citations", None, {"citations": None}),
        ("sonar", "citations", [], {"citations": []}),
        ("sonar", "search_results", ..., {"search_results": None}),
        ("sonar", "search_results", None, {"search_results": None}),
        ("sonar", "images", ..., {"images": None}),
        ("sonar", "images", [], {"images": []}),
        ("sonar", "choices.0.finish_reason", None, {"finish_reason": None}),
        ("sonar", "choices.0.message.content", "", {"content": ""}),
        ("search", "results", [], {"results": [], "count": 0, "urls": [], "first_url": None}),
        ("search", "id", ..., {"search_id": None}),
        ("search", "server_time", "2026-11-21T12:00:00Z", {"server_time": "2026-11-21T12:00:00Z"}),
        ("search", "results.0.snippet", None, {"first_snippet": None}),
        ("search", "results.0", [source(1), source(4)], {"count": 4, "first_url": "https://a.test/1"}),
    ],
    ids=str,
)
def test_what_an_answer_lacks_is_null(route: str, path: str, value: Any, expected: dict[str, Any]) -> None:
    """Sparse and older answers are answers; new fields and kinds of item are passed over."""
    outputs = picked(route, changed(BODIES[route], path, value)).outputs
    assert {name: outputs[name] for name in expected} == expected


@pytest.mark.parametrize(("given", "expected"), [(30.0, 30), (30, 30)])
def test_a_whole_number_is_one(given: float, expected: int) -> None:
    """A service that writes 30.0 for tokens means 30."""
    total = picked("sonar", changed(SONAR, "usage.total_tokens", given)).outputs["total_tokens"]
    assert json.dumps(total) == json.dumps(expected)


def test_a_cost_may_be_whole() -> None:
    """A number need not have a fraction."""
    assert picked("sonar", changed(SONAR, "usage.cost.total_cost", 0)).outputs["total_cost"] == 0


# --- what does not fit


@pytest.mark.hazard("C10")
@pytest.mark.parametrize(
    ("route", "body", "field", "expected", "wrong"),
    [
        ("search", None, "results", "list", "nothing"),
        ("search", {}, "results", "list", "nothing"),
        ("search", {"results": None}, "results", "list", "nothing"),
        ("search", {"results": "x"}, "results", "list", "text"),
        ("search", {"results": {"a": 1}}, "results", "list", "object"),
        ("search", {"results": ["x"]}, "results", "object", "text"),
        ("search", [], "results", "object", "list"),
        ("search", "ok", "results", "object", "text"),
        ("search", 5, "results", "object", "whole number"),
        ("search", {"results": [{"title": "A", "url": 5}]}, "results[0].url", "text", "whole number"),
        ("search", {"results": [{"name": "A", "link": "b"}]}, "results[0].title", "text", "null"),
        ("search", {"results": [source(1), {"title": "B"}]}, "results[1].url", "text", "null"),
        ("search", {"results": [None, source(1)]}, "results", "list without nulls", "null"),
        ("search", {"results": [[source(1), None]]}, "results", "list without nulls", "null"),
        ("agent", changed(AGENT, "output.1.results.1.url", ...), "search_results[1].url", "text", "null"),
        ("agent", changed(AGENT, "output.1.results.0", None), "citations", "list without nulls", "null"),
        ("models", {"data": [{"id": "a"}, {"name": "b"}]}, "models[1].id", "text", "null"),
        ("search", {"results": [source(1), source(2, date=[1])]}, "results[1].date", "text", "list"),
        ("search", {"results": [], "id": {"a": 1}}, "search_id", "text", "object"),
        ("agent", [], "content", "object", "list"),
        ("agent", {"output": "x"}, "content", "list", "text"),
        ("agent", changed(AGENT, "output.4.content.0.text", 5), "content", "list of text", "whole number"),
        ("agent", changed(AGENT, "usage.total_tokens", "30"), "total_tokens", "whole number", "text"),
        ("agent", changed(AGENT, "usage.total_tokens", 1.5), "total_tokens", "whole number", "number"),
        (
            "agent",
            changed(AGENT, "usage.total_tokens", True),
            "total_tokens",
            "whole number",
            "true or false",
        ),
        ("agent", changed(AGENT, "usage", [1]), "prompt_tokens", "object", "list"),
        ("agent", changed(AGENT, "usage.cost.total_cost", "free"), "total_cost", "number", "text"),
        ("agent", changed(AGENT, "output.1.results", "x"), "citations", "list of text", ...),
        ("sonar", {}, "content", "text", "nothing"),
        ("sonar", {"choices": []}, "content", "text", "nothing"),
        ("sonar", {"choices": {"0": 1}}, "content", "list", "object"),
        ("sonar", changed(SONAR, "choices.0.message", "x"), "content", "object", "text"),
        ("sonar", changed(SONAR, "choices.0.message.content", None), "content", "text", "nothing"),
        ("sonar", changed(SONAR, "choices.0.message.content", ["x"]), "content", "text", "list"),
        ("sonar", changed(SONAR, "citations", "x"), "citations", "list", "text"),
        ("sonar", changed(SONAR, "citations", [1]), "citations[0]", "text", "whole number"),
        ("sonar", changed(SONAR, "images.0.width", "10"), "images[0].width", "whole number", "text"),
        ("sonar", changed(SONAR, "created", False), "created", "whole number", "true or false"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_that_does_not_fit_is_told(
    route: str, body: Any, field: str, expected: str, wrong: Any
) -> None:
    """Which output, what it should be and what came; never a wrong value, never another's error."""
    with pytest.raises(OutputError) as caught:
        picked(route, body)
    error = caught.value
    assert (error.field, error.expected) == (field, expected) or wrong is ...
    assert wrong is ... or error.got == wrong
    assert error.kind == "unexpected_output"
    assert error.where == "POST https://api.perplexity.ai/x"
    assert f"The output {error.field!r} should be {error.expected}, but the answer has {error.got}" in str(
        error
    )
    assert error.request_id == "req-1"
    assert error.hint


def test_of_several_wrong_outputs_the_first_declared_is_told() -> None:
    """In the order of the action, whichever route answered: a missing one counts like one of another type."""
    body = changed(changed(SONAR, "choices.0.message.content", None), "created", "x")
    with pytest.raises(OutputError) as caught:
        picked("sonar", body)
    route = PLANS["sonar"].route
    backwards = replace(route, outputs=dict(reversed(list(route.outputs.items()))))
    with pytest.raises(OutputError) as again:
        pick(replace(PLANS["sonar"], route=backwards), Reply(200, {}, body, None, "x"))
    assert caught.value.field == again.value.field == "content"


def test_only_what_the_action_declares_is_read_and_required() -> None:
    """lint tells of an output that only a route names, and of a required one that is not there; a run goes on."""
    search = PLANS["search"]
    output = Within("response", strict=True).template("${{ response.body.id.nothing }}", {})
    route = replace(search.route, outputs={**search.route.outputs, "other": output})
    action = replace(SEARCH, outputs={**SEARCH.outputs, "required": ["missing"]})
    result = pick(replace(search, route=route, action=action), Reply(200, {}, FOUND, None, "x"))
    assert list(result.outputs) == list(SEARCH.output_fields)
