"""The Agent API's endpoints: making a response, and what can be done with it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.sandbox.agent_answer import Conversation, answer_agent, skeleton
from connector.sandbox.agent_events import events_of, wire
from connector.sandbox.agent_request import read_order
from connector.sandbox.body import read_object
from connector.sandbox.gate import route
from connector.sandbox.memory import Shelf
from connector.sandbox.refusal import Refused, invalid, not_found
from connector.sandbox.reply import json_reply, stream_reply, text_of

# A background response is first seen in progress, then finished: long enough to write a polling loop.
_POLLS_UNTIL_FINISHED = 2
_BACKGROUND_SECONDS = 2


@dataclass
class Run:
    """A response that was asked for. A background run comes forward with each poll."""

    answer: dict[str, Any]
    queued: dict[str, Any]
    conversation: Conversation
    polls_left: int
    with_usage: bool
    cancelled: bool = False

    def look(self) -> dict[str, Any]:
        """The response as it stands now."""
        if self.cancelled:
            error = {"code": "cancelled", "message": "The response was cancelled.", "type": "cancelled"}
            return {**self.queued, "status": "cancelled", "error": error}
        if self.polls_left:
            return {**self.queued, "status": "in_progress"}
        return self.answer

    def poll(self) -> dict[str, Any]:
        """The response as it stands after one more poll."""
        self.polls_left = max(0, self.polls_left - 1)
        return self.look()


def agent_routes() -> list[Route]:
    found = []
    for root in ("/v1/agent", "/v1/responses"):
        found += [
            route(root, "POST", _create),
            route(f"{root}/{{id}}", "GET", _retrieve),
            route(f"{root}/{{id}}/cancel", "POST", _cancel),
            route(f"{root}/{{id}}/files", "GET", _files),
            route(f"{root}/{{id}}/files/{{file_id}}/content", "GET", _file_content),
        ]
    return found


async def _create(request: Request) -> Response:
    order = read_order(await read_object(request))
    before = _before(request, order.body.get("previous_response_id"))
    answer = answer_agent(order, before)
    background = bool(order.body.get("background"))
    if background:
        answer["completed_at"] += _BACKGROUND_SECONDS
    stream = bool(order.body.get("stream"))
    options = order.body.get("stream_options") or {}
    run = Run(
        answer=answer,
        queued={**skeleton(order), "status": "queued"},
        conversation=Conversation(before.turns + 1, answer["usage"]["total_tokens"]),
        polls_left=_POLLS_UNTIL_FINISHED if background and not stream else 0,
        with_usage=options.get("include_usage") is not False,
    )
    # Also with `store: false`: such a response cannot be read, but a conversation can go on from it.
    _shelf(request).put(request.state.key, answer["id"], run, len(text_of(answer)))
    request.state.request_id = answer["id"].removeprefix("resp_")
    if stream:
        return _streamed(run)
    return json_reply(run.queued if run.polls_left else answer)


async def _retrieve(request: Request) -> Response:
    run = _run(request)
    query = request.query_params
    if query.get("format", "default") not in ("default", "short"):
        raise invalid("format must be one of: default short", "format")
    if query.get("stream", "false") not in ("true", "false"):
        raise invalid("stream must be a bool", "stream")
    if query.get("stream") == "true" and not run.cancelled:
        run.polls_left = 0
        return _streamed(run, _cursor(query.get("starting_after")))
    return json_reply(run.poll())


async def _cancel(request: Request) -> Response:
    run = _run(request)
    status = run.look()["status"]
    if status != "in_progress":
        raise Refused(f"response is already {status} and cannot be cancelled")
    run.cancelled = True
    return json_reply({"response_id": run.answer["id"], "status": "cancelling"})


async def _files(request: Request) -> Response:
    """No tool of the sandbox makes files."""
    _run(request)
    return json_reply({"object": "list", "data": []})


async def _file_content(request: Request) -> Response:
    raise not_found()


def _shelf(request: Request) -> Shelf[Run]:
    shelf: Shelf[Run] = request.app.state.runs
    return shelf


def _run(request: Request) -> Run:
    run = _shelf(request).get(request.state.key, request.path_params["id"])
    if run is None or not run.answer["store"]:
        raise not_found()
    return run


def _before(request: Request, previous: str | None) -> Conversation:
    if previous is None:
        return Conversation()
    run = _shelf(request).get(request.state.key, previous)
    if run is None:
        raise Refused("previous response not found", param="previous_response_id")
    if run.look()["status"] != "completed":
        raise Refused("previous response is not completed", param="previous_response_id")
    return run.conversation


def _cursor(text: str | None) -> int:
    if text is None:
        return -1
    if not (text.isascii() and text.isdigit() and len(text) < 17):
        raise invalid("starting_after must be a non-negative integer", "starting_after")
    return int(text)


def _streamed(run: Run, after: int = -1) -> Response:
    events = events_of(run.answer, with_usage=run.with_usage)
    if after > events[-1]["sequence_number"]:
        raise Refused("reconnect cursor has expired", param="starting_after")
    return stream_reply([wire(event) for event in events if event["sequence_number"] > after])
