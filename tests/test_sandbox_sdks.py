"""The official SDKs, unmodified, against the sandbox: only the base URL is another one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from connector.sandbox import Sandbox

perplexity = pytest.importorskip("perplexity", reason="needs the vendor's SDK: pip install perplexityai")
openai = pytest.importorskip("openai", reason="needs the OpenAI SDK: pip install openai")

KEYS = (f"pplx-test-sdk-{number}" for number in itertools.count())
ASK: list[Any] = [{"role": "user", "content": "latest AI news"}]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Sandbox(sonar=True) as sandbox:
        yield sandbox.url


@pytest.fixture
def vendor(url: str) -> Iterator[Any]:
    """The vendor's client, which here checks every answer against the SDK's own types."""
    with perplexity.Perplexity(
        api_key=next(KEYS), base_url=url, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def other(url: str) -> Iterator[Any]:
    """OpenAI's client, as the vendor's documentation says to use it."""
    with openai.OpenAI(api_key=next(KEYS), base_url=f"{url}/v1", max_retries=0) as client:
        yield client


def test_perplexity_chat(vendor: Any) -> None:
    """A chat completion has content, sources and a price."""
    answer = vendor.chat.completions.create(model="sonar", messages=ASK)
    assert "latest AI news" in answer.choices[0].message.content
    assert answer.citations[0] == answer.search_results[0].url
    assert answer.usage.cost.total_cost > 0


@pytest.mark.parametrize("mode", ["full", "concise"])
def test_perplexity_chat_stream(vendor: Any, mode: str) -> None:
    """The deltas join to the content of the last chunk."""
    stream = vendor.chat.completions.create(model="sonar-pro", messages=ASK, stream=True, stream_mode=mode)
    chunks = list(stream)
    joined = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert joined == chunks[-1].choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_perplexity_responses(vendor: Any) -> None:
    """A response has text, sources and a price; it can be read again."""
    answer = vendor.responses.create(input="latest AI news", effort="fast")
    assert "latest AI news" in answer.output_text
    assert answer.output[0].results[0].url
    assert answer.usage.cost.total_cost > 0
    assert vendor.responses.retrieve(answer.id) == answer


def test_perplexity_responses_stream(vendor: Any) -> None:
    """Typed events, the text in pieces, and the whole response at the end."""
    events = list(vendor.responses.create(input="hello", preset="fast", stream=True))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert events[-1].type == "response.completed"
    assert "".join(deltas) == events[-1].response.output_text


def test_perplexity_background_and_cancel(vendor: Any) -> None:
    """Polling ends; a stream can be resumed; a run can be cancelled."""
    queued = vendor.responses.create(input="hello", effort="low", background=True)
    assert [vendor.responses.retrieve(queued.id).status for _ in range(2)] == ["in_progress", "completed"]
    resumed = list(vendor.responses.retrieve(queued.id, stream=True, starting_after=4))
    assert resumed[0].sequence_number > 4
    assert vendor.responses.files.list(queued.id).data == []
    other_run = vendor.responses.create(input="bye", effort="low", background=True)
    assert vendor.responses.cancel(other_run.id).status == "cancelling"


@pytest.mark.parametrize("tool", ["web_search", "fetch_url", "image_search", "sandbox"])
def test_perplexity_tools(vendor: Any, tool: str) -> None:
    """The items that tools leave fit the SDK's types, plain and streamed."""
    asked: dict[str, Any] = {"input": "https://a.example/", "effort": "fast", "tools": [{"type": tool}]}
    answer = vendor.responses.create(**asked)
    events = list(vendor.responses.create(**asked, stream=True))
    assert events[-1].response.output == answer.output
    assert len(answer.output) == 2


def test_perplexity_function_call(vendor: Any) -> None:
    """A forced function arrives as a typed item."""
    tool = {"type": "function", "name": "look_up", "parameters": {"type": "object"}}
    answer = vendor.responses.create(
        input="x", model="perplexity/sonar", tools=[tool], tool_choice={"name": "look_up"}
    )
    assert answer.output[0].name == "look_up"


def test_perplexity_search(vendor: Any) -> None:
    """Search results, also for several queries."""
    assert len(vendor.search.create(query="latest AI news").results) >= 3
    answer = vendor.search.create(query=["AI", "solar"], max_results=4, search_recency_filter="month")
    assert all(page.date >= "2026-10-21" for page in answer.results)


def test_perplexity_embeddings(vendor: Any) -> None:
    """Both kinds."""
    plain = vendor.embeddings.create(input=["a", "b"], model="pplx-embed-v1-0.6b", dimensions=128)
    assert [row.index for row in plain.data] == [0, 1]
    nested = vendor.contextualized_embeddings.create(input=[["a"], ["b"]], model="pplx-embed-context-v1-4b")
    assert nested.data[1].data[0].embedding


def test_perplexity_models(vendor: Any) -> None:
    """The list of models."""
    assert "perplexity/sonar" in [model.id for model in vendor.models.list().data]


def test_perplexity_decisions(vendor: Any) -> None:
    """Three types of questions."""
    answer = vendor.decisions.create(
        model="pplx-decider-v1.2",
        state="refund please",
        questions={
            "a": {"type": "noul", "instructions": "polite?"},
            "b": {"type": "choice", "criteria": {"refund": None, "other": None}},
            "c": {"type": "score", "criteria": ["low", "high"]},
        },
    )
    assert answer.answers["b"].choice == "refund"


def test_perplexity_files_and_batches(vendor: Any) -> None:
    """A file goes in, a batch is worked off, a file comes out."""
    row = b'{"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": {"effort": "fast", "input": "x"}}'
    file = vendor.files.create(file=("in.jsonl", row), purpose="batch")
    batch = vendor.batches.create(endpoint="/v1/responses", input_file_id=file.id)
    while batch.status != "completed":
        batch = vendor.batches.retrieve(batch.id)
    assert b'"custom_id":"a"' in vendor.files.content(batch.output_file_id).read()
    assert len(vendor.files.list().data) == 2
    assert vendor.batches.list().data[0].id == batch.id
    assert vendor.files.delete(file.id).deleted


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("pplx-test-invalid", "AuthenticationError"),
        ("pplx-test-no-credit", "AuthenticationError"),
        ("pplx-test-not-allowed", "PermissionDeniedError"),
    ],
)
def test_perplexity_errors(url: str, key: str, error: str) -> None:
    """The rehearsal keys raise the SDK's own errors."""
    with (
        perplexity.Perplexity(api_key=key, base_url=url, max_retries=0) as client,
        pytest.raises(getattr(perplexity, error)),
    ):
        client.search.create(query="x")


def test_openai_chat(other: Any) -> None:
    """Plain and streamed."""
    answer = other.chat.completions.create(model="sonar", messages=ASK)
    stream = other.chat.completions.create(model="sonar", messages=ASK, stream=True)
    joined = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert joined == answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"


def test_openai_responses(other: Any) -> None:
    """Plain and streamed, with the vendor's own field in the extra body."""
    asked: dict[str, Any] = {"input": "hello", "extra_body": {"preset": "fast"}}
    answer = other.responses.create(**asked)
    events = list(other.responses.create(**asked, stream=True))
    assert events[-1].response.output_text == answer.output_text
    assert "hello" in answer.output_text
    assert other.responses.retrieve(answer.id).status == "completed"


def test_openai_embeddings_and_models(other: Any) -> None:
    """With the vendor's encoding, which OpenAI's client passes through as text."""
    answer = other.embeddings.create(model="pplx-embed-v1-0.6b", input="a", encoding_format="base64_int8")
    assert isinstance(answer.data[0].embedding, str)
    assert len(other.models.list().data) > 40


def test_openai_errors(other: Any) -> None:
    """A refusal arrives with its type and param."""
    with pytest.raises(openai.BadRequestError) as refused:
        other.responses.create(model="perplexity/sonar", input="x", extra_body={"stop": "y"})
    assert refused.value.body["param"] == "stop"
