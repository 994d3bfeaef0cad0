"""What is asked and answered in the benchmarks: made up, and of the size and form of the real API's."""

from __future__ import annotations

import json
from typing import Any, Final

KEY: Final = "pplx-test-benchmark-0123456789"
MODEL: Final = "sonar-pro"
EVENTS: Final = 200
"""Pieces of text in a streamed answer."""

INPUTS: Final[dict[str, Any]] = {
    "model": MODEL,
    "messages": [
        {"role": "system", "content": "Be precise, and name your sources."},
        {"role": "user", "content": "How many stars are there in our galaxy, and how is that known? " * 4},
        {"role": "assistant", "content": "Between 100 and 400 billion, by mass and by counting. " * 4},
        {"role": "user", "content": "And in the Andromeda galaxy? Compare the two of them. " * 4},
    ],
    "max_tokens": 1024,
    "temperature": 0.2,
    "top_p": 0.9,
    "search_recency_filter": "year",
    "search_domain_filter": ["nasa.gov", "esa.int", "example.com"],
    "web_search_options": {"search_context_size": "medium"},
}
"""Of the action create_chat_completion."""

BODY: Final[dict[str, Any]] = {
    "effort": "low",
    "input": [{"type": "message", **message} for message in INPUTS["messages"]],
    "max_output_tokens": INPUTS["max_tokens"],
    "temperature": INPUTS["temperature"],
    "top_p": INPUTS["top_p"],
    "tools": [
        {
            "type": "web_search",
            "search_context_size": "medium",
            "filters": {
                "search_domain_filter": INPUTS["search_domain_filter"],
                "search_recency_filter": INPUTS["search_recency_filter"],
            },
        }
    ],
    "tool_choice": {"type": "web_search"},
}
"""The same request, as somebody writes it who calls POST /v1/agent without a connector."""

QUERY: Final[dict[str, Any]] = {"query": "stars in the galaxy", "max_results": 10}
"""Of the action execute_search, and the body of POST /search."""


def _results(count: int, words: int) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "title": f"How many stars are in the Milky Way? Part {number}",
            "url": f"https://example.com/articles/{number}/how-many-stars-are-in-the-milky-way",
            "snippet": "An estimate of the number of stars in our galaxy, by mass and by counting. " * words,
            "date": f"2026-03-{number:02}",
            "last_updated": f"2026-10-{number:02}",
            "source": "web",
        }
        for number in range(1, count + 1)
    ]


TEXT: Final = (
    "The Milky Way holds between 100 and 400 billion stars; nobody has counted them one by one. " * 16
)
AGENT: Final[dict[str, Any]] = {
    "id": "resp_d7b3e1f9-0d47-40dc-8379-636fc3355744",
    "object": "response",
    "created_at": 1795253145,
    "completed_at": 1795253149,
    "status": "completed",
    "model": "openai/gpt-6-luna",
    "error": None,
    "incomplete_details": None,
    "metadata": {},
    "output": [
        {"type": "search_results", "queries": ["stars in the galaxy"], "results": _results(8, 5)},
        {
            "type": "message",
            "id": "msg_f3ba5cd6-5051-4469-8630-06758ce61fc9",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
        },
    ],
    "usage": {
        "input_tokens": 151,
        "output_tokens": 300,
        "total_tokens": 451,
        "output_tokens_details": {"reasoning_tokens": 0},
        "tool_calls_details": {"search_web": {"invocation": 1, "cost_usd": 0.0025}},
        "cost": {"currency": "USD", "input_cost": 2e-05, "output_cost": 0.001, "total_cost": 0.00352},
    },
}
SEARCH: Final[dict[str, Any]] = {"id": "search_1", "results": _results(10, 9)}


def events() -> list[bytes]:
    """A streamed answer: pieces of about 300 bytes, then the end."""
    item = {"item_id": AGENT["output"][1]["id"], "output_index": 1, "content_index": 0}
    pieces = [
        {"type": "response.output_text.delta", "sequence_number": number, **item, "delta": TEXT[:92]}
        for number in range(EVENTS)
    ]
    return [_event(piece) for piece in (*pieces, {"type": "response.completed", "response": AGENT})]


def _event(value: dict[str, Any]) -> bytes:
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


def chat_events() -> list[bytes]:
    """The same pieces as the retired chat API sent them, which the vendor's SDK still reads."""
    frame = {"id": "d7b3e1f9-0d47-40dc-8379-636fc3355744", "model": MODEL, "created": 1795253145}
    choice = {"index": 0, "finish_reason": None, "delta": {"role": "assistant", "content": TEXT[:92]}}
    chunk = {**frame, "object": "chat.completion.chunk", "choices": [choice]}
    return [f"data: {json.dumps(chunk)}\n\n".encode()] * EVENTS
