"""A Sonar answer as a stream: only `data:` lines, CRLF between events, the text so far in every event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from connector.sandbox.reply import text_of
from connector.sandbox.sonar import usage_of
from connector.sandbox.sonar_request import Chat
from connector.sandbox.synthesis import pieces

_SOURCE_FIELDS = ("citations", "search_results", "images", "related_questions")


def stream_chat(chat: Chat, answer: dict[str, Any]) -> Iterator[str]:
    """The pieces on the wire. There is no `[DONE]`; a comment early on keeps the connection alive."""
    concise = chat.body.get("stream_mode") == "concise"
    events = list(_concise(answer) if concise else _full(chat, answer))
    for place, event in enumerate(events):
        yield f"data: {text_of(event)}\r\n\r\n"
        if place == 0:
            yield f": ping - {datetime.fromtimestamp(answer['created'], UTC)}\r\n\r\n"


def _full(chat: Chat, answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every event repeats all sources; only the last one has the price of the request."""
    deltas = pieces(answer["choices"][0]["message"]["content"])
    free = {"input_tokens_cost": 0, "output_tokens_cost": 0, "total_cost": 0}
    for delta, so_far in zip(deltas, accumulate(deltas), strict=True):
        usage = usage_of(chat, so_far, searched="request_cost" in answer["usage"]["cost"])
        yield {
            **answer,
            "usage": {**usage, "cost": free},
            "object": "chat.completion.chunk",
            "choices": [_choice(delta, so_far)],
        }
    yield {**answer, "object": "chat.completion.done"}


def _concise(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Text alone in the chunks; sources and usage in the two `done` events."""
    text = answer["choices"][0]["message"]["content"]
    frame = {name: answer[name] for name in ("id", "model", "created")}
    sources = {name: answer[name] for name in _SOURCE_FIELDS if name in answer}
    step = {
        "thought": "Synthetic thought: the sandbox looks into its corpus.",
        "type": "web_search",
        "web_search": {"search_keywords": ["sandbox"], "search_results": answer["search_results"]},
    }
    yield {**frame, "object": "chat.reasoning", "choices": [_choice("", "", reasoning_steps=[step])]}
    yield {
        **frame,
        "usage": answer["usage"],
        **sources,
        "object": "chat.reasoning.done",
        "choices": [_choice("", "", reasoning_steps=[])],
    }
    for delta in pieces(text):
        yield {**frame, "object": "chat.completion.chunk", "choices": [_choice(delta, "")]}
    yield {**answer, "object": "chat.completion.done"}


def _choice(delta: str, so_far: str, **more: Any) -> dict[str, Any]:
    return {
        "index": 0,
        "message": {"role": "assistant", "content": so_far},
        "delta": {"role": "assistant", "content": delta, **more},
    }
