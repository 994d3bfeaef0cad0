"""What is asked of a faulty server, sync and async, and what an undisturbed one answers."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from leaks import KEY

import connector
from connector.errors import ConnectorError
from connector.manifest import Limits
from connector.output import Event, Result

SHIPPED = connector.load("perplexity")
QUICK = replace(
    SHIPPED, retry=replace(SHIPPED.retry, first_wait=0.01, longest_wait=2.0), limits=Limits(seconds=0.01)
)
"""As shipped, but it does not wait long before it asks again, and not at all for its turn."""

Outcome = Result | ConnectorError


@dataclass(frozen=True)
class Subject:
    """An action with its inputs, and the body of a right answer to it."""

    action: str
    inputs: dict[str, Any]
    body: dict[str, Any]
    route: str = "agent"


SUBJECTS = {
    "search": Subject(
        "execute_search",
        {"query": "stars"},
        {
            "id": "s-1",
            "results": [
                {"title": "Österreich ☂", "url": "https://a.test/1", "snippet": "A\u2028B", "date": None},
                {"title": "Two", "url": "https://b.test/2", "snippet": "", "last_updated": "2026-10-01"},
            ],
        },
    ),
    "agent": Subject(
        "create_chat_completion",
        {"model": "sonar", "messages": [{"role": "user", "content": "Hello"}]},
        {
            "id": "resp_1",
            "status": "completed",
            "model": "openai/gpt-test",
            "created_at": 1791000000,
            "output": [
                {"type": "search_results", "results": [{"id": 1, "title": "One", "url": "https://a.test/1"}]},
                {"type": "message", "content": [{"type": "output_text", "text": "Grüße aus 東京"}]},
            ],
            "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "cost": {"total_cost": 0.001}},
        },
    ),
    "sonar": Subject(
        "create_chat_completion",
        {"model": "sonar", "messages": [{"role": "user", "content": "Hello"}]},
        {
            "id": "c0ffee",
            "created": 1757000000,
            "model": "sonar",
            "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Grüße 🦜"}}],
            "citations": ["https://a.test/1"],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        },
        route="sonar",
    ),
    "models": Subject(
        "list_models", {}, {"data": [{"id": "perplexity/sonar", "owned_by": "perplexity", "pricing": {"input": 1.5}}]}
    ),
    "background": Subject(
        "create_response",
        {"input": "Hello", "model": "openai/gpt-test", "background": True, "wait": True},
        {"id": "resp_1", "status": "completed", "model": "m", "output": []},
    ),
    "file": Subject("download_file", {"file_id": "file-1"}, {}),
}  # fmt: skip


def ask(way: str, url: str, subject: Subject, **options: Any) -> Outcome:
    """Run the subject's action once, over a connection of its own: its result, or the error of ours."""
    return ask_in_turn(way, url, subject, 1, **options)[0]


def ask_in_turn(
    way: str, url: str, subject: Subject, times: int, *, pause: float = 0.0, **options: Any
) -> list[Outcome]:
    """As ask, several times over one connection, with a pause (seconds) after each.

    An error of another kind than ours is not caught.
    """
    settings: dict[str, Any] = {"api_key": KEY, "base_url": url, "chat_route": subject.route}

    def in_turn() -> list[Outcome]:
        found: list[Outcome] = []
        with connector.connect(QUICK, **settings) as opened:
            for _ in range(times):
                try:
                    found.append(opened.run(subject.action, subject.inputs, **options))
                except ConnectorError as error:
                    found.append(error)
                time.sleep(pause)
        return found

    async def in_turn_async() -> list[Outcome]:
        found: list[Outcome] = []
        async with connector.aconnect(QUICK, **settings) as opened:
            for _ in range(times):
                try:
                    found.append(await opened.run(subject.action, subject.inputs, **options))
                except ConnectorError as error:
                    found.append(error)
                await asyncio.sleep(pause)
        return found

    return in_turn() if way == "sync" else asyncio.run(in_turn_async())


def ask_for_pieces(way: str, url: str, subject: Subject, **options: Any) -> tuple[list[Event], Outcome]:
    """The events of a stream, and how it ended."""
    settings: dict[str, Any] = {"api_key": KEY, "base_url": url, "chat_route": subject.route}
    events: list[Event] = []

    def stream() -> None:
        with connector.connect(QUICK, **settings) as opened:
            events.extend(opened.stream(subject.action, subject.inputs, **options))

    async def stream_async() -> None:
        async with connector.aconnect(QUICK, **settings) as opened:
            stream = opened.stream(subject.action, subject.inputs, **options)
            async with aclosing(stream) as arriving:
                async for event in arriving:
                    events.append(event)  # noqa: PERF401 - what came before an error counts

    try:
        if way == "sync":
            stream()
        else:
            asyncio.run(stream_async())
    except ConnectorError as error:
        return events, error
    assert events[-1].result is not None
    return events, events[-1].result
