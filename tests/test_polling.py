"""Answers that are waited for: asked for until they are final, given up when nobody waits any more."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest
from loopback import Loopback, http

import connector
from connector.errors import OutputError, Timeout
from connector.manifest import Connector
from connector.run import OpenConnection
from connector.sandbox import Sandbox
from connector.template_parser import Within

KEY = "pplx-test-polling"
INPUTS = {"input": "Why is the sky blue?", "effort": "fast", "background": True, "wait": True}
QUEUED = {"id": "resp_1", "object": "response", "status": "queued", "model": "m", "output": []}
TEXT = {"type": "message", "content": [{"type": "output_text", "text": "Blue"}]}
FINAL = {**QUEUED, "status": "completed", "output": [TEXT]}


def quick(longest: float = 60.0, every: float = 0.01) -> Connector:
    """The shipped connector, asking again at once."""
    loaded = copy.copy(connector.load("perplexity"))
    action = loaded.actions["create_response"]
    route = action.routes["agent"]
    assert route.poll is not None
    poll = dataclasses.replace(route.poll, every=every, longest=longest)
    changed = dataclasses.replace(action, routes={"agent": dataclasses.replace(route, poll=poll)})
    return dataclasses.replace(loaded, actions={**loaded.actions, "create_response": changed})


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(
        http(200, QUEUED), http(200, {**QUEUED, "status": "in_progress"}), http(200, FINAL)
    ) as started:
        yield started


def opened(server: Loopback, longest: float = 60.0, every: float = 0.01) -> OpenConnection:
    return connector.connect(quick(longest, every), api_key=KEY, base_url=server.url)


def asked(server: Loopback) -> list[str]:
    return [f"{request.method} {request.target}" for request in server.requests]


def test_an_answer_is_asked_for_until_it_is_final(server: Loopback) -> None:
    """One POST, then GETs of its id; the result is that of the last answer."""
    with opened(server) as perplexity:
        result = perplexity.run("create_response", INPUTS)
    assert result.outputs["content"] == "Blue"
    assert asked(server) == ["POST /v1/agent", "GET /v1/agent/resp_1", "GET /v1/agent/resp_1"]
    assert "wait" not in server.requests[0].json


def test_progress_is_told_while_waiting(server: Loopback) -> None:
    """Each state is an event; the last has the result."""
    with opened(server) as perplexity:
        events = list(perplexity.stream("create_response", INPUTS))
    assert [event.type for event in events] == ["queued", "in_progress", "result"]


def test_without_wait_the_first_answer_is_the_result(server: Loopback) -> None:
    """Its id is what another process asks with."""
    with opened(server) as perplexity:
        result = perplexity.run("create_response", {**INPUTS, "wait": False})
    assert (result.outputs["status"], result.outputs["id"]) == ("queued", "resp_1")
    assert len(server.requests) == 1


def test_leaving_the_loop_cancels_the_work(server: Loopback) -> None:
    """What nobody waits for is not paid for."""
    with opened(server) as perplexity:
        for _ in perplexity.stream("create_response", INPUTS):
            break
    assert asked(server)[-1] == "POST /v1/agent/resp_1/cancel"


def test_an_interruption_cancels_the_work(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while it sleeps."""

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    with opened(server) as perplexity, pytest.raises(KeyboardInterrupt):
        perplexity.run("create_response", INPUTS)
    assert asked(server)[-1] == "POST /v1/agent/resp_1/cancel"


def test_a_cancelled_task_cancels_the_work() -> None:
    """As asyncio has it."""

    async def run(url: str) -> None:
        async with connector.aconnect(quick(), api_key=KEY, base_url=url) as perplexity:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(perplexity.run("create_response", INPUTS), 0.3)

    with Loopback(http(200, QUEUED)) as endless:
        asyncio.run(run(endless.url))
        assert asked(endless)[-1] == "POST /v1/agent/resp_1/cancel"


def test_leaving_an_async_loop_cancels_the_work(server: Loopback) -> None:
    """As with a plain one."""

    async def run() -> None:
        async with (
            connector.aconnect(quick(), api_key=KEY, base_url=server.url) as perplexity,
            aclosing(perplexity.stream("create_response", INPUTS)) as events,
        ):
            async for _ in events:
                break

    asyncio.run(run())
    assert asked(server)[-1] == "POST /v1/agent/resp_1/cancel"


def test_what_is_not_final_in_time_says_how_to_go_on(server: Loopback) -> None:
    """The work is not cancelled: it can be asked for by its id."""
    with (
        opened(server, longest=5.0, every=10.0) as perplexity,
        pytest.raises(Timeout, match="by its id") as caught,
    ):
        perplexity.run("create_response", INPUTS)
    assert caught.value.kind == "timeout"
    assert asked(server) == ["POST /v1/agent"]


@pytest.mark.hazard("E1")
@pytest.mark.parametrize("is_async", [False, True])
def test_a_deadline_that_passes_while_waiting_says_how_to_go_on(*, is_async: bool) -> None:
    """Even in the middle of a request that asks again."""
    wait = (lambda server: asyncio.run(waited_for_async(server))) if is_async else waited_for
    with Loopback(http(200, QUEUED), (5.0,)) as server, pytest.raises(Timeout, match="by its id"):
        wait(server)


def waited_for(server: Loopback) -> None:
    with opened(server) as perplexity:
        perplexity.run("create_response", INPUTS, deadline=0.3)


async def waited_for_async(server: Loopback) -> None:
    async with connector.aconnect(quick(), api_key=KEY, base_url=server.url) as perplexity:
        await perplexity.run("create_response", INPUTS, deadline=0.3)


def test_a_background_answer_of_the_sandbox_can_be_resumed_by_another_connection() -> None:
    """The id is all it takes."""
    inputs: dict[str, Any] = {**INPUTS, "wait": False}
    with Sandbox() as sandbox:
        with connector.connect("perplexity", api_key=KEY, base_url=sandbox.url) as first:
            begun = first.run("create_response", inputs).outputs["id"]
        with connector.connect("perplexity", api_key=KEY, base_url=sandbox.url) as second:
            states = [second.run("get_response", {"response_id": begun}).outputs["status"] for _ in range(6)]
    assert states[-1] == "completed"


@pytest.mark.parametrize("name", ["until", "path"])
def test_an_answer_that_waiting_cannot_read_is_told(server: Loopback, name: str) -> None:
    """As an output that has changed its type, and never as a crash."""
    changed = quick()
    action = changed.actions["create_response"]
    route = action.routes["agent"]
    assert route.poll is not None
    within = Within("inputs", "response")
    odd = within.template("${{ join(response.body.id, response.body.id) }}", {})
    ((_, expression, _),) = odd.expressions()
    given: dict[str, Any] = {name: expression if name == "until" else odd}
    poll = dataclasses.replace(route.poll, **given)
    routes = {"agent": dataclasses.replace(route, poll=poll)}
    actions = {**changed.actions, "create_response": dataclasses.replace(action, routes=routes)}
    with (
        connector.connect(
            dataclasses.replace(changed, actions=actions), api_key=KEY, base_url=server.url
        ) as opened_one,
        pytest.raises(OutputError, match=rf"needs list, .* \(poll\.{name}\)"),
    ):
        opened_one.run("create_response", INPUTS)
