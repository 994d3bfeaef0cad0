"""An Agent response as the stream of typed events in which it would have been made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connector.sandbox.reply import text_of
from connector.sandbox.synthesis import pieces

Event = dict[str, Any]


def events_of(response: dict[str, Any], *, with_usage: bool = True) -> list[Event]:
    """The events, in order, each with its `sequence_number`; the last one is the terminal."""
    final = response if with_usage else {**response, "usage": None}
    begun = {
        **response,
        "completed_at": None,
        "incomplete_details": None,
        "output": [],
        "status": "in_progress",
        "usage": None,
    }
    events: list[Event] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        *_reasoning_events(response),
    ]
    for index, item in enumerate(response["output"]):
        if item["type"] == "message":
            events += _message_events(item, index)
        elif item["type"] == "function_call":
            events += [
                {"type": f"response.output_item.{step}", "item": item, "output_index": index}
                for step in ("added", "done")
            ]
    events.append({"type": f"response.{response['status']}", "response": final})
    return list(_numbered(events))


def wire(event: Event) -> str:
    return f"event: {event['type']}\ndata: {text_of(event)}\n\n"


def _reasoning_events(response: dict[str, Any]) -> Iterator[Event]:
    legs = [event for place, item in enumerate(response["output"]) for event in _leg(item, place)]
    if legs:
        yield {"type": "response.reasoning.started", "thought": "Synthetic thought: the tools may help."}
        yield from legs
        yield {"type": "response.reasoning.stopped"}


def _leg(item: dict[str, Any], place: int) -> Iterator[Event]:
    """The two events of a tool that looks something up: what it asks, and what it finds."""
    start = "response.reasoning."
    match item["type"]:
        case "search_results":
            yield {"type": f"{start}search_queries", "queries": item["queries"]}
            yield {"type": f"{start}search_results", "results": item["results"]}
        case "image_search_results":
            call = {"call_id": f"call_{place}"}
            yield {"type": f"{start}image_search_queries", "queries": item["queries"], **call}
            yield {"type": f"{start}image_search_results", "results": item["results"], **call}
        case "fetch_url_results":
            contents = item["contents"]
            yield {"type": f"{start}fetch_url_queries", "urls": [page["url"] for page in contents]}
            yield {"type": f"{start}fetch_url_results", "contents": contents}


def _message_events(item: dict[str, Any], index: int) -> Iterator[Event]:
    place = {"content_index": 0, "item_id": item["id"], "output_index": index}
    text = item["content"][0]["text"]
    started = {**item, "content": [], "status": "in_progress"}
    yield {"type": "response.output_item.added", "item": started, "output_index": index}
    for piece in pieces(text):
        yield {"type": "response.output_text.delta", "delta": piece, **place}
    yield {"type": "response.output_text.done", "text": text, **place}
    yield {"type": "response.output_item.done", "item": item, "output_index": index}


def _numbered(events: list[Event]) -> Iterator[Event]:
    number = 0
    for event in events:
        yield {**event, "sequence_number": number}
        # The real numbers leave gaps where something happened that is not told.
        number += 2 if event["type"] == "response.reasoning.stopped" else 1
