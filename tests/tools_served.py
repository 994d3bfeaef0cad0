"""MCP tools for tests: in this process, or served as `connector mcp` serves them."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from mcp import Client
from mcp_types import CallToolResult, TextContent

from connector.connection import Connection, resolve
from connector.loading import load
from connector.manifest import Connector, Example
from connector.mcp.calls import Calls
from connector.mcp.server import server_of
from connector.mcp.tools import Tool, tools_of
from connector.run import OpenConnection

ROOT = Path(__file__).parent.parent
KEY = "pplx-test-tools-0123456789"
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@cache
def perplexity() -> Connector:
    return load("perplexity")


@cache
def tools() -> Mapping[str, Tool]:
    """A tool for each action of Perplexity's."""
    return tools_of((perplexity(), action) for action in perplexity().actions.values())


def connection(url: str, key: str = KEY, **settings: str) -> Connection:
    return resolve(perplexity(), {"api_key": key, "base_url": url, **settings}, environ={})


def calls_to(url: str, key: str = KEY, **settings: str) -> Calls:
    return Calls(lambda _: connection(url, key, **settings))


@asynccontextmanager
async def client_of(
    calls: Calls, served: Mapping[str, Tool] | None = None, mode: str = "auto"
) -> AsyncIterator[Client]:
    """A client in this process. It checks every result against the tool's output schema."""
    server = server_of(tools() if served is None else served, calls)
    async with Client(server, mode=mode) as client:
        yield client


def texts(result: CallToolResult) -> list[str]:
    """Its blocks of content."""
    assert all(isinstance(block, TextContent) for block in result.content)
    return [block.text for block in result.content if isinstance(block, TextContent)]


def prepare(opened: OpenConnection, example: Example) -> None:
    """Run what an example needs to have been run before it."""
    for name in example.after:
        action, _, earlier = name.partition(".")
        found = next(one for one in perplexity().actions[action].examples if one.id == earlier)
        prepare(opened, found)
        opened.run(action, found.inputs, route=found.route)


@contextmanager
def command(*arguments: str, url: str = "", key: str | None = KEY, **variables: str) -> Iterator[Any]:
    """A process of `connector mcp`, with pipes; it is gone in the end."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "CONNECTOR_USAGE": "off", **variables}
    for name in ("API_KEY", "API_KEY_FILE", "BASE_URL", "CHAT_ROUTE"):
        environ.pop(f"PERPLEXITY_{name}", None)
    environ |= {"PERPLEXITY_BASE_URL": url} if url else {}
    environ |= {"PERPLEXITY_API_KEY": key} if key is not None else {}
    process = subprocess.Popen(
        [sys.executable, "-m", "connector.cli", "mcp", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
        bufsize=0,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()
        process.wait()


def heard(process: Any, count: int, within: float = 20.0) -> list[dict[str, Any]]:
    """The next messages on a process's stdout, by their ids. (Its pipe has no buffer, or `select` would not see it.)"""
    lines: list[bytes] = []
    for _ in range(count):
        assert select.select([process.stdout], [], [], within)[0], f"only {lines} came"
        lines.append(process.stdout.readline())
    return sorted(map(json.loads, lines), key=lambda one: one["id"])
