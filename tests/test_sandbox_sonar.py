"""The sandbox with `sonar=True`: the retired chat endpoint as gateways keep it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from connector.sandbox import Sandbox

KEYS = (f"pplx-test-sonar-{number}" for number in itertools.count())
USER = {"role": "user", "content": "latest AI news"}
ASSISTANT = {"role": "assistant", "content": "yes"}
SYSTEM = {"role": "system", "content": "be brief"}


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    with Sandbox(sonar=True) as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        yield client


@pytest.fixture
def client(shared: httpx.Client) -> httpx.Client:
    """A client with a key of its own, so that no test spends another one's rate limit."""
    shared.headers["authorization"] = f"Bearer {next(KEYS)}"
    return shared


def chat(client: httpx.Client, model: str = "sonar", **body: Any) -> dict[str, Any]:
    answer = client.post("/chat/completions", json={"model": model, "messages": [USER], **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def content(answer: dict[str, Any]) -> str:
    found: str = answer["choices"][0]["message"]["content"]
    return found


def test_the_answer_has_the_recorded_shape(client: httpx.Client) -> None:
    """Sources twice, usage with its price, and a delta beside the message."""
    answer = chat(client)
    assert answer["object"] == "chat.completion"
    assert answer["citations"] == [row["url"] for row in answer["search_results"]]
    assert answer["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["cost"]["request_cost"] == 0.005
    assert '"latest AI news"' in content(answer)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/sonar"])
def test_the_aliases_answer_the_same(client: httpx.Client, path: str) -> None:
    """One surface under three paths."""
    assert client.post(path, json={"model": "sonar", "messages": [USER]}).json() == chat(client)


def test_the_asynchronous_endpoint_stays_retired(client: httpx.Client) -> None:
    """Gateways never served it."""
    assert client.post("/async/chat/completions", json={}).status_code == 403


@pytest.mark.parametrize(
    "roles",
    [
        pytest.param([USER, USER], id="two users"),
        pytest.param([ASSISTANT], id="assistant first"),
        pytest.param([USER, SYSTEM, USER], id="system in the middle"),
        pytest.param([USER, ASSISTANT], id="assistant last"),
        pytest.param([SYSTEM], id="system alone"),
    ],
)
def test_messages_out_of_turn_are_refused(client: httpx.Client, roles: list[dict[str, str]]) -> None:
    """System first, then user and assistant in turn, and the user has the last word."""
    answer = client.post("/chat/completions", json={"model": "sonar", "messages": roles})
    assert answer.json()["error"]["type"] == "invalid_message"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param({"model": "sonar-reasoning"}, "invalid_model", id="a model that ended earlier"),
        pytest.param({"model": None}, "invalid_request", id="no model"),
        pytest.param({"messages": []}, "invalid_request", id="no messages"),
        pytest.param({"temperature": 3}, "invalid_request", id="temperature"),
        pytest.param({"max_tokens": 0}, "invalid_request", id="max_tokens"),
        pytest.param({"search_domain_filter": "a.example"}, "invalid_request", id="a text for a list"),
        pytest.param({"search_before_date_filter": "2026"}, "invalid_date_format", id="date"),
        pytest.param({"stream_mode": "fast"}, "invalid_request", id="stream mode"),
        pytest.param(
            {"messages": [{"role": "user", "content": "x" * 800_005}]}, "too_many_prompt_tokens", id="long"
        ),
    ],
)
def test_broken_rules_are_refused(client: httpx.Client, body: dict[str, Any], kind: str) -> None:
    """Each with the type that was recorded, or invalid_request."""
    answer = client.post("/chat/completions", json={"model": "sonar", "messages": [USER], **body})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, kind)


def test_unlisted_fields_are_ignored(client: httpx.Client) -> None:
    """Unlike the Agent API, this one was never strict."""
    chat(client, return_citations=True, stream_options={"include_usage": True})


def test_the_reasoning_model_thinks_aloud(client: httpx.Client) -> None:
    """Its content begins with a think block."""
    assert content(chat(client, "sonar-reasoning-pro")).startswith("<think>\n")


def test_deep_research_counts_more(client: httpx.Client) -> None:
    """Its usage has citation and reasoning tokens and the number of searches."""
    usage = chat(client, "sonar-deep-research")["usage"]
    assert {"citation_tokens", "num_search_queries", "reasoning_tokens"} <= set(usage)


def test_images_and_related_questions_come_when_asked_for(client: httpx.Client) -> None:
    """And only then."""
    assert not {"images", "related_questions"} & set(chat(client))
    answer = chat(client, return_images=True, return_related_questions=True)
    assert set(answer["images"][0]) == {"image_url", "origin_url", "title", "width", "height"}
    assert len(answer["related_questions"]) == 3


def test_search_can_be_switched_off(client: httpx.Client) -> None:
    """Then there are no sources and there is no price for a request."""
    answer = chat(client, disable_search=True)
    assert answer["citations"] == answer["search_results"] == []
    assert "request_cost" not in answer["usage"]["cost"]


def test_attachments_are_sources_without_a_url(client: httpx.Client) -> None:
    """`citations` leaves them out."""
    parts = [
        {"type": "text", "text": "what is this?"},
        {"type": "file_url", "file_url": {"url": "UEsDBA=="}, "file_name": "plan.docx"},
    ]
    answer = chat(client, messages=[{"role": "user", "content": parts}])
    last = answer["search_results"][-1]
    assert (last["source"], last["url"]) == ("attachment", "")
    assert "" not in answer["citations"]


def test_structured_answers_fit_their_schema(client: httpx.Client) -> None:
    """The content is JSON that the schema accepts; a regex format gives bare text."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    answer = chat(client, response_format={"type": "json_schema", "json_schema": {"schema": schema}})
    jsonschema.validate(json.loads(content(answer)), schema)
    answer = chat(client, response_format={"type": "regex", "regex": {"regex": "^[0-9]{4}$"}})
    assert content(answer) == "1234"


def test_a_cap_cuts_the_text(client: httpx.Client) -> None:
    """`max_tokens` ends the text early, with finish_reason length."""
    answer = chat(client, max_tokens=5)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 5


def stream(client: httpx.Client, **body: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """The events, and the comments."""
    json_body = {"model": "sonar", "messages": [USER], "stream": True, **body}
    text = client.post("/chat/completions", json=json_body).text
    blocks = text.split("\r\n\r\n")
    assert blocks.pop() == ""
    comments = [block for block in blocks if block.startswith(":")]
    data = [block.removeprefix("data: ") for block in blocks if not block.startswith(":")]
    return [json.loads(line) for line in data], comments


def test_a_full_stream_repeats_everything_in_every_event(client: httpx.Client) -> None:
    """The message grows, the sources are always there, and the last event says done."""
    events, comments = stream(client)
    assert [comment[:9] for comment in comments] == [": ping - "]
    joined = ""
    for event in events[:-1]:
        joined += event["choices"][0]["delta"]["content"]
        assert event["object"] == "chat.completion.chunk"
        assert content(event) == joined
        assert event["citations"] == events[-1]["citations"]
    assert len(events) > 4
    assert content(events[-1]) == joined
    assert events[-1]["object"] == "chat.completion.done"
    assert events[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_stream_ends_with_the_plain_answer(client: httpx.Client) -> None:
    """Same id, text, sources and price, in both modes."""
    plain = chat(client)
    for mode in ("full", "concise"):
        assert stream(client, stream_mode=mode)[0][-1] == {**plain, "object": "chat.completion.done"}


def test_a_concise_stream_tells_things_once(client: httpx.Client) -> None:
    """Reasoning, then text without sources, then everything."""
    events, _ = stream(client, stream_mode="concise")
    order = [kind for kind, _ in itertools.groupby(event["object"] for event in events)]
    assert order == ["chat.reasoning", "chat.reasoning.done", "chat.completion.chunk", "chat.completion.done"]
    chunks = [event for event in events if event["object"] == "chat.completion.chunk"]
    assert not any("search_results" in chunk for chunk in chunks)
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == content(events[-1])
