"""Calls of tools: results, errors, progress and cancellation, through the SDK's own client in this process."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from faults.streams import START, TALKS, sse
from loopback import Loopback, Received, http
from mcp import MCPError
from tools_served import KEY, calls_to, client_of, connection, perplexity, prepare, texts, tools

from connector.connection import Connection
from connector.errors import CredentialError
from connector.manifest import Action, Connector, Example
from connector.mcp import calls as calling
from connector.mcp.bounds import bounded
from connector.mcp.calls import WEB, Calls, Progress
from connector.mcp.logs import to_stderr
from connector.mcp.server import ERROR, ORIGIN
from connector.mcp.tools import tools_of
from connector.output import Event
from connector.run import OpenConnection
from connector.sandbox import Sandbox
from connector.visible import visible

QUESTION = {"input": "Why is the sky blue?", "effort": "fast"}
AGENT = TALKS["agent"]


def test_the_client_of_these_tests_checks_results(sandbox_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing below would notice a result that does not fit its schema otherwise."""
    monkeypatch.setattr("connector.mcp.tools.Tool.named", lambda tool, outputs: {"count": "many"})

    async def run() -> None:
        async with client_of(calls_to(sandbox_url)) as client:
            await client.list_tools()
            with pytest.raises(RuntimeError, match="Invalid structured content"):
                await client.call_tool("perplexity_execute_search", {"query": "AI"})

    asyncio.run(run())


def examples() -> list[Any]:
    return [
        pytest.param(action, example, id=f"{action.id}-{example.id}")
        for action in perplexity().actions.values()
        for example in action.examples
    ]


@pytest.mark.parametrize(("action", "example"), examples())
def test_every_example_can_be_called(action: Action, example: Example) -> None:
    """It gives content that fits the schema, and a text that holds the answer and every URL."""
    route = {"chat_route": example.route} if example.route else {}

    async def run(url: str) -> Any:
        async with client_of(calls_to(url, **route)) as client:
            await client.list_tools()
            return await client.call_tool(f"perplexity_{action.id}", dict(example.inputs))

    with Sandbox(sonar=True) as sandbox:
        with OpenConnection(connection(sandbox.url)) as opened:
            prepare(opened, example)
        result = asyncio.run(run(sandbox.url))
    assert not result.is_error, texts(result)
    outputs, text = result.structured_content, texts(result)[0]
    assert "null" not in json.dumps(outputs)
    assert text.startswith(str(outputs.get("content") or text))
    rows = [
        row for value in outputs.values() if isinstance(value, list) for row in value if isinstance(row, dict)
    ]
    assert [row["url"] for row in rows if "url" in row and row["url"] not in text] == []


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_both_eras_of_the_protocol_are_spoken(mode: str, sandbox_url: str) -> None:
    """With a handshake, and without."""

    async def run() -> Any:
        async with client_of(calls_to(sandbox_url), mode=mode) as client:
            listed = await client.list_tools()
            called = await client.call_tool("perplexity_execute_search", {"query": "AI", "max_results": 1})
            return client.protocol_version, len(listed.tools), called.structured_content["count"]

    version, count, results = asyncio.run(run())
    assert (count, results) == (19, 1)
    assert version == ("2025-11-25" if mode == "legacy" else "2026-07-28")


def called(calls: Calls, name: str, arguments: dict[str, Any], report: Any = None) -> Any:
    async def run() -> Any:
        async with client_of(calls) as client:
            return await client.call_tool(name, arguments, progress_callback=report)

    return asyncio.run(run())


@pytest.mark.hazard("I6")
def test_text_from_the_web_is_marked_as_content(sandbox_url: str) -> None:
    """In the block itself for programs, and in a block of its own for models; what is not from there is not."""
    found = called(calls_to(sandbox_url), "perplexity_execute_search", {"query": "AI"})
    models = called(calls_to(sandbox_url), "perplexity_list_models", {})
    assert [block.meta for block in found.content] == [{ORIGIN: "web"}, None]
    assert texts(found)[1] == WEB
    assert [block.meta for block in models.content] == [None]


def test_all_problems_of_the_arguments_are_told() -> None:
    """As an error that a model can act on; nothing is sent."""
    with Loopback(http()) as server:
        wrong = {"query": "", "max_results": 99, "focus": "poetry", "quey": 1}
        result = called(calls_to(server.url), "perplexity_execute_search", wrong)
        assert server.requests == []
    assert result.is_error
    assert result.structured_content is None
    (text,) = texts(result)
    assert all(f"- {name}: " in text for name in wrong)
    assert "Did you mean 'query'?" in text
    error = result.meta[ERROR]
    assert (error["kind"], [one["where"] for one in error["problems"]]) == ("bad_input", sorted(wrong))
    assert all(one["message"] and one["hint"] for one in error["problems"])


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (http(401, {"error": {"message": "bad key", "type": "x"}}), "bad_credential", "Check the API key"),
        (
            http(429, {"error": {"message": "slow down"}}, {"Retry-After": "9999"}),
            "rate_limited",
            "Wait, then",
        ),
        (http(200, b"<html>Log in</html>"), "unexpected_output", "base_url"),
        (http(200, {"results": [{"title": 1}]}), "unexpected_output", "results[0].title"),
    ],
    ids=["wrong key", "too fast", "a login page", "drift"],
)
def test_what_goes_wrong_is_an_answer(answer: bytes, kind: str, says: str) -> None:
    """With where, what and what to do."""
    with Loopback(answer) as server:
        result = called(calls_to(server.url), "perplexity_execute_search", {"query": "AI"})
    assert result.is_error
    assert says in texts(result)[0]
    assert result.meta[ERROR]["kind"] == kind
    assert all(one["where"] and one["message"] and one["hint"] for one in result.meta[ERROR]["problems"])


def test_an_unknown_tool_is_an_error_of_the_protocol(sandbox_url: str) -> None:
    """Which proposes the one that was meant."""

    async def run() -> None:
        async with client_of(calls_to(sandbox_url)) as client:
            with pytest.raises(MCPError, match="Did you mean 'perplexity_execute_search'"):
                await client.call_tool("perplexity_execut_search", {})

    asyncio.run(run())


def test_without_a_key_tools_are_listed_and_a_call_says_what_to_set(sandbox_url: str) -> None:
    """And once there is one, the next call works."""
    given: list[Connection] = []

    def resolve(connector: Connector) -> Connection:
        if not given:
            raise CredentialError("There is no API Key.", where="connection", hint="Set PERPLEXITY_API_KEY.")
        return given[0]

    async def run() -> tuple[int, Any, Any]:
        async with client_of(Calls(resolve)) as client:
            listed = await client.list_tools()
            first = await client.call_tool("perplexity_list_models", {})
            given.append(connection(sandbox_url))
            return len(listed.tools), first, await client.call_tool("perplexity_list_models", {})

    count, first, second = asyncio.run(run())
    assert count == 19
    assert (first.is_error, texts(first)) == (
        True,
        ["connection: There is no API Key. Set PERPLEXITY_API_KEY."],
    )
    assert not second.is_error


@pytest.mark.hazard("I5")
def test_a_key_is_nowhere(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    figure: Callable[[str, str], None],
) -> None:
    """Neither in lists, results, errors nor logs, though the service says it in all of them."""
    echo = http(401, {"error": {"message": f"Incorrect API key: {KEY}"}}, {"X-Request-Id": KEY})
    rows = http(
        200, {"results": [{"title": KEY, "url": f"https://u.example/{KEY}", "snippet": f"Bearer {KEY}"}]}
    )
    cut = START + sse(AGENT.first, {"type": "response.output_text.delta", "delta": f"The key is {KEY}."})

    async def run(url: str) -> list[Any]:
        async with client_of(calls_to(url), mode="legacy") as client:
            reports: list[Any] = []

            async def report(progress: float, total: float | None, message: str | None) -> None:
                reports.append((progress, total, message))

            listed = [tool.model_dump(mode="json") for tool in (await client.list_tools()).tools]
            results = [
                await client.call_tool("perplexity_execute_search", {"query": "AI"}),
                await client.call_tool("perplexity_execute_search", {"query": "AI"}),
                await client.call_tool("perplexity_execute_search", {"query": KEY, "country": KEY}),
                await client.call_tool("perplexity_create_response", QUESTION, progress_callback=report),
            ]
            assert [result.is_error for result in results] == [True, False, True, True]
            assert any("The key is" in str(told) for told in reports)
            logging.getLogger("mcp.server").warning("the key is %s", KEY)
            return [*listed, *(result.model_dump(mode="json") for result in results), reports]

    monkeypatch.setattr(calling, "PACE", 0.0)
    to_stderr()
    try:
        with Loopback(echo, rows, (cut, lambda sock: sock.close())) as server:
            seen = json.dumps(asyncio.run(run(server.url)))
    finally:
        logging.getLogger().handlers.clear()
    out, err = capfd.readouterr()
    assert "the key is ********" in err
    hits = sum(text.count(KEY) + text.count(KEY[:16]) for text in (seen, out, err))
    assert hits == 0
    figure("I5", f"{hits} of a key in lists, results, errors and logs of MCP tools")


def test_a_long_result_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left fits the schema; the note says how to have all of it."""
    monkeypatch.setattr(calling, "bounded", lambda outputs, required: bounded(outputs, required, 5000))
    rows = [{"title": f"T{n}", "url": f"https://{n}.example", "snippet": "x" * 400} for n in range(50)]
    with Loopback(http(200, {"results": rows})) as server:
        result = called(calls_to(server.url), "perplexity_execute_search", {"query": "AI"})
    assert not result.is_error
    assert 0 < len(result.structured_content["results"]) < 50
    assert (
        "The result was too long and is cut: `connector run perplexity.execute_search` gives the whole."
        in texts(result)
    )
    assert any(text.startswith("results holds the first ") for text in texts(result))


def reported(*events: Event, pace: float = 0.0) -> list[tuple[int, str]]:
    told: list[tuple[int, str]] = []

    async def report(count: int, text: str) -> None:
        told.append((count, text))

    async def run() -> None:
        progress = Progress(report)
        progress._last = -100.0
        for event in events:
            await progress.of(event)
        await progress.flush()

    asyncio.run(run())
    return told


@pytest.mark.parametrize(
    ("events", "told"),
    [
        pytest.param(
            [Event("queued"), Event("queued"), Event("in_progress")], ["queued", "in progress"], id="states"
        ),
        pytest.param(
            [
                Event("response.reasoning.search_queries"),
                Event("d", "One "),
                Event("response.done"),
                Event("d", "star"),
            ],
            ["reasoning: search queries", "One star"],
            id="pieces that come at once go together",
        ),
        pytest.param([Event("d", "a\x1b[2J")], ["a\\x1b[2J"], id="what steers a terminal"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_progress_is_what_happens_and_then_the_text(events: list[Event], told: list[str]) -> None:
    """Numbered from 1; no state after the text has begun."""
    assert reported(*events) == list(enumerate(told, 1))


def test_the_pieces_of_an_answer_are_reported_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, they are the answer."""
    monkeypatch.setattr(calling, "PACE", 0.0)
    told: list[str] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async def run(url: str) -> Any:
        async with client_of(calls_to(url), mode="legacy") as client:
            result = await client.call_tool("perplexity_create_response", QUESTION, progress_callback=report)
            await asyncio.sleep(0)
            return result

    with Loopback((START, sse(AGENT.first, *AGENT.pieces, AGENT.last), lambda sock: sock.close())) as server:
        result = asyncio.run(run(server.url))
        assert server.requests[0].json["stream"] is True
    assert told[0] == "created"
    assert "".join(told[1:]) == visible(result.structured_content["content"])
    assert len(told) > 2


def test_no_stream_is_asked_for_without_a_token(sandbox_url: str) -> None:
    """Nobody would see it come."""
    with Loopback(http(200, {"id": "resp_1", "status": "completed", "output": []})) as server:
        called(calls_to(server.url), "perplexity_create_response", QUESTION)
        assert "stream" not in server.requests[0].json


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(5000):
        if holds():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it never came to that")


def polled(request: Received) -> bytes:
    if request.target.endswith("/cancel"):
        return http(200, {"response_id": "resp_1", "status": "cancelling"})
    return http(200, {"id": "resp_1", "status": "in_progress", "output": []})


STREAMED = (START, sse(AGENT.first), 30.0)


@pytest.mark.parametrize(
    ("mode", "answers", "arguments", "streams"),
    [
        pytest.param(
            "legacy", (polled,), {**QUESTION, "background": True, "wait": True}, False, id="background"
        ),
        pytest.param("auto", (polled,), {**QUESTION, "background": True, "wait": True}, False, id="newer"),
        pytest.param("legacy", (STREAMED, polled), QUESTION, True, id="stream"),
    ],
)
def test_cancelling_a_call_cancels_the_run_at_the_service(
    mode: str, answers: Any, arguments: dict[str, Any], streams: bool
) -> None:
    """And the server goes on."""

    async def run(server: Loopback) -> None:
        reports: list[str] = []

        async def report(progress: float, total: float | None, message: str | None) -> None:
            reports.append(message or "")

        async with client_of(calls_to(server.url), mode=mode) as client:
            how: Any = {"progress_callback": report} if streams else {}
            call = asyncio.create_task(client.call_tool("perplexity_create_response", arguments, **how))
            await until(lambda: bool(reports) if streams else bool(server.requests))
            await asyncio.sleep(0.05)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await until(lambda: any(one.target == "/v1/agent/resp_1/cancel" for one in server.requests))
            assert len((await client.list_tools()).tools) == 19

    with Loopback(*answers) as server:
        asyncio.run(run(server))


def test_a_server_that_ends_cancels_what_is_under_way() -> None:
    """As when a client goes away."""

    async def run(server: Loopback) -> None:
        async with client_of(calls_to(server.url)) as client:
            arguments = {**QUESTION, "background": True, "wait": True}
            call = asyncio.create_task(client.call_tool("perplexity_create_response", arguments))
            await until(lambda: bool(server.requests))
            await asyncio.sleep(0.5)  # the answer, with the id to cancel, is read by then
            call.cancel()
        assert server.requests[-1].target == "/v1/agent/resp_1/cancel"

    with Loopback(polled) as server:
        asyncio.run(run(server))


def test_calls_share_one_connection_of_a_connector(sandbox_url: str) -> None:
    """However many begin at once: it is resolved once, and each result is told of."""
    resolved: list[str] = []
    ran: list[str] = []

    def resolve(connector: Connector) -> Connection:
        resolved.append(connector.id)
        return connection(sandbox_url, key="pplx-test-many-calls")

    async def run() -> None:
        async with client_of(Calls(resolve, lambda connector, result: ran.append(result.action))) as client:
            search: Callable[[], Awaitable[Any]] = lambda: client.call_tool(  # noqa: E731
                "perplexity_execute_search", {"query": "AI"}
            )
            results = await asyncio.gather(*(search() for _ in range(20)))
        assert not any(result.is_error for result in results)

    asyncio.run(run())
    assert (resolved, ran) == (["perplexity"], ["execute_search"] * 20)


def test_a_fault_of_ours_shows_nothing_and_ends_nothing(
    sandbox_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its type, on stderr and in the answer; what it held might be a key."""

    def broken(*_: object) -> str:
        raise ZeroDivisionError(KEY)

    monkeypatch.setattr(calling, "_result", broken)
    result = called(calls_to(sandbox_url), "perplexity_list_models", {})
    assert result.is_error
    assert "A fault of this program (ZeroDivisionError)" in texts(result)[0]
    assert (
        capsys.readouterr().err == "A fault of this program in perplexity_list_models: ZeroDivisionError.\n"
    )


def test_a_result_that_cannot_be_noted_is_given_all_the_same(
    sandbox_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is paid for."""

    def full(_connector: str, _result: object) -> None:
        raise OSError(28, "No space left on device")

    result = called(Calls(lambda _: connection(sandbox_url), full), "perplexity_list_models", {})
    assert not result.is_error
    assert "OSError" in capsys.readouterr().err


def test_a_list_has_one_page(sandbox_url: str) -> None:
    """A cursor that nobody gave is told as wrong."""

    async def run() -> None:
        async with client_of(calls_to(sandbox_url)) as client:
            assert (await client.list_tools()).next_cursor is None
            with pytest.raises(MCPError, match="one page"):
                await client.list_tools(cursor="2")

    asyncio.run(run())


def test_connectors_are_served_side_by_side(sandbox_url: str) -> None:
    """Each tool by its connector's name."""
    from dataclasses import replace

    other = replace(perplexity(), id="mirror")
    served = tools_of(
        (one, one.actions[name]) for one in (perplexity(), other) for name in ("list_models", "list_files")
    )

    async def run() -> list[str]:
        async with client_of(calls_to(sandbox_url), served) as client:
            assert not (await client.call_tool("mirror_list_models", {})).is_error
            return [tool.name for tool in (await client.list_tools()).tools]

    names = ["perplexity_list_models", "perplexity_list_files", "mirror_list_models", "mirror_list_files"]
    assert asyncio.run(run()) == names
    assert len(tools()) == 19
