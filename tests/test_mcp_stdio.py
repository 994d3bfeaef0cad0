"""`connector mcp` as a client starts it: frames on stdout, everything else on stderr, a quick end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback import Loopback, Received, http
from mcp import Client, StdioServerParameters
from tools_served import INITIALIZE, KEY, ROOT, command, heard, texts

READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}
SEARCH = "perplexity_execute_search"


def call(number: int, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def say(process: Any, *messages: Any) -> None:
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in messages]
    process.stdin.write(b"\n".join([*lines, b""]))
    process.stdin.flush()


@pytest.fixture
def home(tmp_path: Path) -> str:
    return str(tmp_path / "home")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_client_starts_it_lists_and_calls(mode: str, sandbox_url: str, home: str) -> None:
    """In both eras of the protocol, with progress."""
    variables = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PERPLEXITY_API_KEY": KEY,
        "PERPLEXITY_BASE_URL": sandbox_url,
        "CONNECTOR_HOME": home,
    }
    started = StdioServerParameters(
        command=sys.executable,
        args=["-m", "connector.cli", "mcp"],
        env=variables,
        cwd=home.rpartition("/")[0],
    )
    reports: list[str | None] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reports.append(message)

    async def run() -> Any:
        async with Client(started, mode=mode) as client:
            assert len((await client.list_tools()).tools) == 19
            question = {"input": "Why is the sky blue?", "effort": "fast"}
            return await client.call_tool("perplexity_create_response", question, progress_callback=report)

    result = asyncio.run(run())
    assert not result.is_error
    assert texts(result)[0].startswith(result.structured_content["content"])
    assert "reasoning: search queries" in reports


@pytest.mark.hazard("I8")
def test_only_frames_are_on_stdout(sandbox_url: str, home: str, figure: Callable[[str, str], None]) -> None:
    """Whatever comes in: no JSON, no message, wrong bytes, and results that hold line breaks."""
    odd: list[Any] = [b"no json", b"[]", b"{}", b'{"jsonrpc": "2.0"}', b"\xff\xfe", b"", b"[" * 5000]
    odd += [{**call(7, SEARCH, {}), "params": 1}, {"jsonrpc": "2.0", "id": 8, "method": "no/such"}]
    with command(url=sandbox_url, CONNECTOR_HOME=home, PYTHONWARNINGS="always") as process:
        say(process, INITIALIZE)
        heard(process, 1)
        say(process, READY, *odd, call(9, SEARCH, {"query": "a\u2028b\r\n\U0001f600"}), call(10, "none", {}))
        say(process, call(11, SEARCH, {"query": 1, "max_results": "many"}))
        answers = heard(process, 5)
        process.stdin.close()
        rest = process.stdout.read()
        assert process.wait(20) == 0
    assert rest == b""
    assert [one["id"] for one in answers] == [7, 8, 9, 10, 11]
    assert ["error" in one for one in answers] == [True, True, False, True, False]
    figure("I8", f"{len(odd)} odd lines in, 0 lines on stdout that are no frame")


LONE = b'{"jsonrpc": "2.0", "id": 2, "method": "ping", "params": {"text": "\\ud83d"}}'
LONG = b'{"jsonrpc": "2.0", "id": 2, "method": "ping", "params": {"number": %s}}' % (b"9" * 5000)


@pytest.mark.parametrize(
    ("line", "ids", "says"),
    [
        pytest.param(LONE, [2], "cannot be read", id="half a character"),
        pytest.param(LONG, [2], "cannot be read", id="5,000 digits"),
        pytest.param(
            b'{"jsonrpc": "2.0", "id": 2, "method": "ping", "params": 1}', [2], "params", id="params"
        ),
        pytest.param(b'{"id": "two", "method": "ping"}', ["two"], "jsonrpc", id="no version"),
        pytest.param(
            b'[{"id": 2, "method": "ping"}, {"id": 3, "result": {}}, {"id": 4}, 5]',
            [2, 4],
            "Several",
            id="batch",
        ),
        pytest.param(b'{"jsonrpc": "2.0", "id": 2, "result": 1}', [], "", id="a wrong answer"),
        pytest.param(b"no json", [], "", id="no JSON"),
        pytest.param(b'{"a":' * 9000, [], "", id="too deep"),
    ],
)
def test_whoever_waits_for_an_answer_gets_one(line: bytes, ids: list[Any], says: str, home: str) -> None:
    """An error with the id, if there is one to be seen; stderr is told of the rest."""
    with command(CONNECTOR_HOME=home) as process:
        say(process, INITIALIZE, READY, line, {"jsonrpc": "2.0", "id": 99, "method": "ping"})
        lines = [json.loads(process.stdout.readline()) for _ in range(2 + len(ids))]
        process.stdin.close()
        told = process.stderr.read().decode()
        assert process.wait(20) == 0
    assert [one["id"] for one in lines] == [INITIALIZE["id"], *ids, 99]
    assert all(says in one["error"]["message"] for one in lines if one["id"] in ids)
    assert ("is no message" in told) is (not ids)


def test_stray_output_does_not_reach_the_protocol(sandbox_url: str, home: str) -> None:
    """A library that prints, or a child process that writes to file descriptor 1, is read on stderr."""
    code = (
        "import logging, os, subprocess, sys, warnings\n"
        "import connector.mcp.calls as calls\n"
        "answered = calls._answered\n"
        "def loud(*given):\n"
        "    print('printed', flush=True); os.write(1, b'written\\n')\n"
        "    logging.getLogger('library').warning('logged %s', os.environ['PERPLEXITY_API_KEY'])\n"
        "    subprocess.run([sys.executable, '-c', 'print(\"by a child\")']); warnings.warn('warned')\n"
        "    return answered(*given)\n"
        "calls._answered = loud\n"
        "from connector.cli import main\n"
        "sys.exit(main(['mcp']))\n"
    )
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "CONNECTOR_HOME": home, "PERPLEXITY_API_KEY": KEY}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**variables, "PERPLEXITY_BASE_URL": sandbox_url},
        bufsize=0,
    )
    with process:
        say(process, INITIALIZE, READY, call(2, SEARCH, {"query": "AI"}))
        answers = heard(process, 2)
        out, err = process.communicate(timeout=20)
    assert not answers[1]["result"]["isError"]
    assert out == b""
    assert all(word in err for word in (b"printed", b"written", b"by a child", b"warned", b"logged ********"))
    assert KEY.encode() not in err


def test_without_a_key_it_starts_and_says_what_to_set(home: str) -> None:
    """When a tool is called, not before."""
    with command(key=None, CONNECTOR_HOME=home) as process:
        say(
            process,
            INITIALIZE,
            READY,
            {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
            call(3, SEARCH, {"query": "AI"}),
        )
        answers = heard(process, 3)
    assert len(answers[1]["result"]["tools"]) == 19
    result = answers[2]["result"]
    assert result["isError"]
    assert "Set PERPLEXITY_API_KEY" in result["content"][0]["text"]


def polled(request: Received) -> bytes:
    if request.target.endswith("/cancel"):
        return http(200, {"response_id": "resp_1", "status": "cancelling"})
    return http(200, {"id": "resp_1", "status": "in_progress", "output": []})


def closed(process: Any) -> None:
    process.stdin.close()


def cancelled(process: Any) -> None:
    say(process, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}})
    time.sleep(0.5)
    process.stdin.close()


@pytest.mark.parametrize(
    ("leave", "code"),
    [
        pytest.param(cancelled, 0, id="the call is cancelled"),
        pytest.param(closed, 0, id="stdin ends"),
        pytest.param(lambda process: process.send_signal(signal.SIGTERM), 0, id="SIGTERM"),
        pytest.param(lambda process: process.send_signal(signal.SIGINT), 130, id="Ctrl-C"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_whoever_leaves_a_run_cancels_it_at_the_service(
    leave: Callable[[Any], None], code: int, home: str
) -> None:
    """And the process ends at once, though a thread of it waits for stdin."""
    arguments = {"input": "Why?", "effort": "fast", "background": True, "wait": True}
    with Loopback(polled) as server, command(url=server.url, CONNECTOR_HOME=home) as process:
        say(process, INITIALIZE, READY, call(2, "perplexity_create_response", arguments))
        heard(process, 1)
        for _ in range(1000):
            if server.requests:
                break
            time.sleep(0.01)
        time.sleep(0.2)
        begun = time.monotonic()
        leave(process)
        assert process.wait(20) == code
        assert time.monotonic() - begun < 5
        assert b"Traceback" not in process.stderr.read()
    assert [one.target for one in server.requests if "cancel" in one.target] == ["/v1/agent/resp_1/cancel"]


MINIMAL = """
import asyncio, mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

async def listed(context, params):
    return types.ListToolsResult(tools=[])

async def main():
    server = Server("minimal", on_list_tools=listed)
    async with stdio_server() as streams:
        await server.run(*streams, server.create_initialization_options())

asyncio.run(main())
"""


def seconds_to_initialize(arguments: list[str], variables: dict[str, str]) -> float:
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=variables, bufsize=0
    )
    with process:
        say(process, INITIALIZE)
        heard(process, 1)
        took = time.perf_counter() - begun
        assert process.stdin is not None
        process.stdin.close()
    return took


@pytest.mark.slow
def test_it_starts_about_as_fast_as_a_server_of_the_sdk_can(home: str) -> None:
    """From the start of the process to the answer to `initialize`: 1.5 times that of the smallest one at most."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "CONNECTOR_HOME": home}
    ours, smallest = ["-m", "connector.cli", "mcp"], ["-c", MINIMAL]
    runs = [
        (seconds_to_initialize(ours, variables), seconds_to_initialize(smallest, variables)) for _ in range(9)
    ]
    our_median, smallest_median = (statistics.median(times) for times in zip(*runs, strict=True))
    assert our_median <= 1.5 * smallest_median, f"{our_median:.2f} s, and {smallest_median:.2f} s"
