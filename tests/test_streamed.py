"""Answers that stream: pieces as they come, one result at the end, and never half an answer taken for a whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from loopback import Answer, Loopback, close, http, reset

import connector
from connector.errors import ApiError, ConnectorError, CutOff, OutputError, TransportError
from connector.output import Event, Result
from connector.sandbox import Sandbox

KEY = "pplx-test-streams"
CANCELLED = http(body={"response_id": "resp_1", "status": "cancelling"}, headers={"Connection": "close"})
QUESTION = {"model": "sonar", "messages": [{"role": "user", "content": "How many stars?"}]}


def head(form: str = "text/event-stream") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {form}\r\nConnection: close\r\n\r\n".encode()


def data(*events: Any, end: str = "\n\n") -> bytes:
    return "".join(f"data: {e if isinstance(e, str) else json.dumps(e)}{end}" for e in events).encode()


def chunk(content: str, so_far: str, finish: str | None = None) -> dict[str, Any]:
    choice = {"delta": {"content": content}, "message": {"content": so_far}, "finish_reason": finish}
    return {"id": "s1", "object": "chat.completion.chunk", "model": "sonar", "choices": [choice]}


SONAR = [chunk("One ", "One "), chunk("star", "One star"), chunk("", "One star", "stop")]
DELTA = {"type": "response.output_text.delta", "delta": "One "}
DONE = {
    "type": "response.completed",
    "response": {
        "id": "resp_1",
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "One star"}]}],
    },
}
AGENT: list[dict[str, Any]] = [
    {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}},
    DELTA,
    {"type": "response.surprise", "delta": "not text of the answer"},
    {**DELTA, "delta": "star"},
    DONE,
]
ROUTES = {"agent": AGENT, "sonar": SONAR}

Collected = tuple[list[Event], ConnectorError | None]


def collect(url: str, route: str = "agent") -> Collected:
    """The events of a stream, and the error that ended it."""
    events: list[Event] = []
    with connector.connect("perplexity", api_key=KEY, base_url=url, chat_route=route) as opened:
        try:
            events.extend(opened.stream("create_chat_completion", QUESTION))
        except ConnectorError as error:
            return events, error
    return events, None


def collect_async(url: str, route: str = "agent") -> Collected:
    async def run() -> Collected:
        events: list[Event] = []
        async with connector.aconnect("perplexity", api_key=KEY, base_url=url, chat_route=route) as opened:
            try:
                async for event in opened.stream("create_chat_completion", QUESTION):
                    events.append(event)  # noqa: PERF401 - what came before an error counts
            except ConnectorError as error:
                return events, error
        return events, None

    return asyncio.run(run())


@pytest.fixture(params=[collect, collect_async], ids=["sync", "async"])
def collected(request: pytest.FixtureRequest) -> Callable[..., Collected]:
    found: Callable[..., Collected] = request.param
    return found


@pytest.fixture
def serve() -> Iterator[Callable[..., Loopback]]:
    servers: list[Loopback] = []

    def start(*answers: Answer) -> Loopback:
        servers.append(Loopback(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


FORMS = {
    "LF": data(*AGENT),
    "CRLF": data(*AGENT, end="\r\n\r\n"),
    "CR": data(*AGENT, end="\r\r"),
    "event names": "".join(
        f"event: {e['type']}\ndata: {json.dumps({k: v for k, v in e.items() if k != 'type'})}\n\n"
        for e in AGENT
    ).encode(),
    "BOM": b"\xef\xbb\xbf" + data(*AGENT),
    "pings": b": ping - now\n\n" + data(AGENT[0]) + b": ping\n\n" + data(*AGENT[1:]),
    "[DONE] at the end": data(*AGENT, "[DONE]"),
    "[DONE] before the end": data(*AGENT[:-1], "[DONE]", DONE),
    "no blank line at the end": data(*AGENT).rstrip(b"\n"),
}


@pytest.mark.parametrize("stream", FORMS.values(), ids=FORMS)
def test_any_form_of_a_stream_gives_the_same_pieces_and_result(
    stream: bytes, serve: Callable[..., Loopback], collected: Callable[..., Collected]
) -> None:
    """The pieces join to the content; only the last event has the result."""
    events, error = collected(serve((head(), stream, close)).url)
    assert error is None
    assert [event.delta for event in events if event.delta] == ["One ", "star"]
    assert [event.result is None for event in events] == [True] * (len(events) - 1) + [False]
    assert events[-1].result is not None
    assert events[-1].result.outputs["content"] == "One star"


@pytest.mark.parametrize("route", ROUTES)
def test_pieces_join_to_the_content_of_the_result(
    route: str, serve: Callable[..., Loopback], collected: Callable[..., Collected]
) -> None:
    """On both routes."""
    events, error = collected(serve((head(), data(*ROUTES[route]))).url, route)
    assert error is None
    assert events[-1].result is not None
    assert (
        "".join(event.delta or "" for event in events) == events[-1].result.outputs["content"] == "One star"
    )


def test_an_event_comes_when_it_is_sent_not_when_the_stream_ends(serve: Callable[..., Loopback]) -> None:
    """The first piece is there while the server still waits."""
    server = serve((head(), data(*AGENT[:2]), 30.0, data(*AGENT[2:])), CANCELLED)
    with connector.connect("perplexity", api_key=KEY, base_url=server.url) as opened:
        stream = opened.stream("create_chat_completion", QUESTION)
        assert next(event.delta for event in stream if event.delta) == "One "


def test_leaving_the_loop_frees_the_connection(serve: Callable[..., Loopback]) -> None:
    """The server sees the connection closed, though it has more to say."""
    server = serve((head(), data(*AGENT[:2]), 30.0), CANCELLED)
    with connector.connect("perplexity", api_key=KEY, base_url=server.url) as opened:
        for _ in opened.stream("create_chat_completion", QUESTION):
            break
        assert server.still_open() == 0


def test_leaving_the_loop_cancels_the_run_at_the_service(serve: Callable[..., Loopback]) -> None:
    """By the id that the beginning of the stream gave: an abandoned run would be billed on."""
    server = serve((head(), data(*AGENT[:2]), 30.0), CANCELLED)
    with connector.connect("perplexity", api_key=KEY, base_url=server.url) as opened:
        for _ in opened.stream("create_chat_completion", QUESTION):
            break
    assert [f"{one.method} {one.target}" for one in server.requests[1:]] == ["POST /v1/agent/resp_1/cancel"]


def test_a_stream_that_ended_is_not_cancelled(serve: Callable[..., Loopback]) -> None:
    """Nor one over the route of a gateway, which has no such endpoint."""
    server = serve((head(), data(*AGENT), close))
    with connector.connect("perplexity", api_key=KEY, base_url=server.url) as opened:
        list(opened.stream("create_chat_completion", QUESTION))
    gateway = serve((head(), data(*SONAR[:1]), 30.0))
    with connector.connect("perplexity", api_key=KEY, base_url=gateway.url, chat_route="sonar") as opened:
        for _ in opened.stream("create_chat_completion", QUESTION):
            break
    assert (len(server.requests), len(gateway.requests)) == (1, 1)


def test_leaving_an_async_loop_frees_the_connection(serve: Callable[..., Loopback]) -> None:
    """As with asyncio's `aclosing`."""
    server = serve((head(), data(*AGENT[:2]), 30.0), CANCELLED)

    async def run() -> None:
        async with connector.aconnect("perplexity", api_key=KEY, base_url=server.url) as opened:
            async with aclosing(opened.stream("create_chat_completion", QUESTION)) as events:
                async for _ in events:
                    break
            assert opened._transport._all == set()  # type: ignore[attr-defined]

    asyncio.run(run())


@pytest.mark.hazard("F11", "G1")
@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_a_stream_that_fails_at_once_is_not_sent_again(serve: Callable[..., Loopback], code: int) -> None:
    """It has begun: whether the service did nothing is not known, whatever code its first event names."""
    server = serve((head(), data({"type": "error", "error": {"message": "busy", "code": code}}), close))
    with (
        connector.connect("perplexity", api_key=KEY, base_url=server.url) as opened,
        pytest.raises(ApiError) as caught,
    ):
        list(opened.stream("create_chat_completion", QUESTION))
    assert (caught.value.status, len(server.requests)) == (code, 1)


def plain(content: str, finish: str | None = None) -> dict[str, Any]:
    """A piece as other servers of OpenAI's kind send it."""
    return {"id": "s1", "choices": [{"delta": {"content": content}, "finish_reason": finish}]}


@pytest.mark.hazard("C10")
@pytest.mark.parametrize(
    "stream",
    [
        pytest.param([SONAR[0], SONAR[2]], id="a-piece-is-lost"),
        pytest.param([plain("One "), plain("star"), SONAR[2]], id="concise"),
        pytest.param([plain("One "), plain("star"), plain("", "stop")], id="plain"),
    ],
)
def test_a_stream_of_sonar_gives_the_whole_text(
    stream: list[Any], serve: Callable[..., Loopback], collected: Callable[..., Collected]
) -> None:
    """The last event's own text, if it has one; else the pieces."""
    events, error = collected(serve((head(), data(*stream), close)).url, "sonar")
    assert error is None
    assert events[-1].result is not None
    assert events[-1].result.outputs["content"] == "One star"


def test_pieces_are_the_text_of_an_answer_that_lost_its_own(
    serve: Callable[..., Loopback], collected: Callable[..., Collected]
) -> None:
    """A last event without a message takes nothing away from what came."""
    done = {**DONE, "response": {"id": "resp_1", "status": "completed", "output": []}}
    events, error = collected(serve((head(), data(*AGENT[:-1], done), close)).url)
    assert error is None
    assert events[-1].result is not None
    assert events[-1].result.outputs["content"] == "One star"


BROKEN = {
    "a clean end before the end marker": (data(*AGENT[:-1]), CutOff, "One star"),
    "an end inside an event": (data(*AGENT[:-1]) + b'data: {"type": "response.compl', CutOff, "One star"),
    "an end after nothing": (b"", CutOff, None),
    "only pings": (b": ping\n\n: ping\n\n", CutOff, None),
    "[DONE] instead of the end marker": (data(*AGENT[:-1], "[DONE]"), CutOff, "One star"),
    "an event that is not JSON": (data(DELTA, "oops"), CutOff, "One "),
    "an event that is not UTF-8": (data(DELTA) + b'data: {"type": "\xff"}\n\n', CutOff, "One "),
    "an event that is a list": (data(DELTA, [1]), CutOff, "One "),
    "a piece that is a number": (data(DELTA, {**DELTA, "delta": 5}), CutOff, "One "),
    "an error event": (
        data(DELTA) + b'event: error\ndata: {"error": {"message": "Overloaded", "type": "x", "code": 503}}\n\n',
        ApiError,
        "One ",
    ),
    "an error event with a message of its own": (data(DELTA, {"type": "error", "message": "No."}), ApiError, "One "),
    "a failed answer": (
        data(DELTA, {"type": "response.failed", "response": {"id": "r", "status": "failed", "output": [],
             "error": {"message": "It broke"}}}), ApiError, "One ",
    ),
    "a JSON error instead of events": (b'{"error": {"message": "No", "type": "t", "code": 500}}', ApiError, None),
    "a page of HTML instead of events": (b"<html><body>Sign in</body></html>", CutOff, None),
    "a completed answer without a text": (
        data({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}}), ApiError, None,
    ),
    "an end marker without an answer": (data({"type": "response.completed"}), OutputError, None),
}  # fmt: skip


@pytest.mark.parametrize(("stream", "kind", "text"), BROKEN.values(), ids=BROKEN)
def test_a_broken_stream_is_a_typed_error_with_the_text_so_far(
    stream: bytes,
    kind: type[ConnectorError],
    text: str | None,
    serve: Callable[..., Loopback],
    collected: Callable[..., Collected],
) -> None:
    """Never a success, never sent again, and what was paid for is not lost."""
    server = serve((head(), stream, close))
    _, error = collected(server.url)
    assert type(error) is kind, error
    assert error.partial_text == text
    assert error.where.endswith("/v1/agent")
    assert error.hint
    assert len(server.requests) == 1


def test_a_connection_that_breaks_in_the_middle_keeps_the_text(
    serve: Callable[..., Loopback], collected: Callable[..., Collected]
) -> None:
    """A reset is an error of the network, with the text so far."""
    _, error = collected(serve((head(), data(*AGENT[:2]), 0.2, reset)).url)
    assert isinstance(error, TransportError)
    assert error.partial_text == "One "


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(
            http(401, {"error": {"message": "No", "type": "invalid_api_key"}}), "bad_credential", id="401"
        ),
        pytest.param(http(403, {"error": {"type": "chat_completions_not_available"}}), "retired", id="403"),
        pytest.param(http(200, b"<html>Sign in</html>"), "unexpected_output", id="HTML with 200"),
    ],
)
def test_an_answer_that_is_no_stream_is_judged_by_its_status_first(
    answer: bytes, kind: str, serve: Callable[..., Loopback], collected: Callable[..., Collected]
) -> None:
    """A failure is never read as events."""
    events, error = collected(serve(answer).url)
    assert (events, error and error.kind) == ([], kind)


def test_a_whole_answer_to_a_request_for_a_stream_is_taken(
    serve: Callable[..., Loopback], collected: Callable[..., Collected]
) -> None:
    """A gateway that cannot stream answers at once; nothing of it is lost."""
    events, error = collected(serve(http(200, DONE["response"])).url)
    assert error is None
    assert [event.result is not None for event in events] == [True]


def test_a_refusal_before_the_first_piece_is_retried(
    serve: Callable[..., Loopback], collected: Callable[..., Collected]
) -> None:
    """A 429 with Retry-After 0 did nothing: the second request streams."""
    limited = http(429, {"error": {"message": "Slow down"}}, {"Retry-After": "0"})
    server = serve(limited, (head(), data(*AGENT)))
    events, error = collected(server.url)
    assert error is None
    assert events[-1].result is not None
    assert events[-1].result.attempts == len(server.requests) == 2


@pytest.mark.parametrize("sonar", [False, True], ids=["agent", "sonar"])
@pytest.mark.parametrize("mode", [{}, {"stream_mode": "concise"}], ids=["full", "concise"])
def test_a_streamed_answer_of_the_sandbox_is_the_whole_answer(sonar: bool, mode: dict[str, str]) -> None:
    """stream, run with `stream: true`, and run give the same outputs."""
    route = "sonar" if sonar else "agent"
    with (
        Sandbox(sonar=sonar) as sandbox,
        connector.connect("perplexity", api_key=KEY, base_url=sandbox.url, chat_route=route) as opened,
    ):
        inputs = {**QUESTION, **mode}
        *_, last = opened.stream("create_chat_completion", inputs)
        assert last.result is not None
        whole = opened.run("create_chat_completion", inputs)
        again = opened.run("create_chat_completion", {**inputs, "stream": True})
        assert _unmetered(last.result) == _unmetered(whole) == _unmetered(again)


def _unmetered(result: Result) -> dict[str, Any]:
    """The outputs but for what each request changes."""
    return {name: value for name, value in result.outputs.items() if not name.startswith("rate_limit")}


def test_an_action_that_cannot_stream_gives_one_event(sandbox_url: str) -> None:
    """Its result."""
    with connector.connect("perplexity", api_key=KEY, base_url=sandbox_url) as opened:
        [event] = opened.stream("execute_search", {"query": "stars"})
        assert event.result is not None
        assert event.result.outputs["count"] > 0


def test_stream_false_is_respected(sandbox_url: str) -> None:
    """Whoever says stream: false gets the whole answer in one event."""
    with connector.connect("perplexity", api_key=KEY, base_url=sandbox_url) as opened:
        [event] = opened.stream("create_chat_completion", {**QUESTION, "stream": False})
        assert event.result is not None
