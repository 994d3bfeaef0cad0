"""Tools by the names and inputs of other servers."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from loopback import Loopback, http
from tools_served import ROOT, calls_to, client_of, perplexity, texts

from connector.document import parse
from connector.errors import InputError
from connector.lint_schema import schema_problems
from connector.mcp.aliases import aliases
from connector.mcp.server import ERROR
from connector.mcp.tools import Tool
from connector.sandbox import Sandbox
from connector.schema import checker

VENDOR, DIRECTORY = (aliases(kind, perplexity()) for kind in ("vendor", "directory"))
ALL = [
    pytest.param(tool, id=f"{kind}-{name}")
    for kind, tools in (("vendor", VENDOR), ("directory", DIRECTORY))
    for name, tool in tools.items()
]
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
ITEM = {"type": "message", "role": "user", "content": "Hello"}


def test_the_names_are_those_of_the_other_servers() -> None:
    """The vendor's four, and the five of the directory as docs/endpoints.yaml has them."""
    assert set(VENDOR) == {f"perplexity_{name}" for name in ("search", "ask", "reason", "research")}
    found: Any = parse((ROOT / "docs" / "endpoints.yaml").read_text(encoding="utf-8"), "endpoints.yaml").value
    assert set(DIRECTORY) == {entry["claim"]["tool"] for entry in found["mcp_tools"]}


@pytest.mark.parametrize(
    ("name", "given", "sent"),
    [
        ("search", {"query": "AI"}, {"query": "AI", "max_results": 10, "max_tokens_per_page": 1024}),
        (
            "search",
            {
                "query": "AI",
                "max_results": 3,
                "max_tokens_per_page": 256,
                "country": "US",
                "search_domain_filter": ["nasa.gov"],
            },
            {
                "query": "AI",
                "max_results": 3,
                "max_tokens_per_page": 256,
                "country": "US",
                "search_domain_filter": ["nasa.gov"],
            },
        ),
        ("ask", {"messages": HELLO}, {"input": [ITEM], "effort": "fast"}),
        ("reason", {"messages": HELLO}, {"input": [ITEM], "effort": "medium"}),
        ("research", {"messages": HELLO}, {"input": [ITEM], "effort": "high"}),
        (
            "ask",
            {"messages": HELLO, "search_recency_filter": "week", "search_context_size": None},
            {"input": [ITEM], "effort": "fast", "web_search": True, "search_recency_filter": "week"},
        ),
    ],
)
def test_the_vendors_inputs_become_those_of_our_actions(name: str, given: Any, sent: Any) -> None:
    """With the vendor's defaults and efforts; the web search is set only to carry a filter."""
    assert VENDOR[f"perplexity_{name}"].sent(given) == sent


def test_inputs_are_checked_by_their_own_names() -> None:
    """All problems at once, as for an action."""
    with pytest.raises(InputError) as caught:
        VENDOR["perplexity_ask"].sent({"messages": [{"role": "robot", "content": 1}], "effort": "high"})
    assert [one.where for one in caught.value.problems] == [
        "effort",
        "messages[0].content",
        "messages[0].role",
    ]


@pytest.mark.parametrize("tool", ALL)
def test_what_is_told_to_clients_is_sound(tool: Tool) -> None:
    """A title, a description, a schema of one type at a time; the vendor's tools read only, as the vendor says."""
    assert tool.title
    assert tool.description.endswith(".")
    assert tool.inputs["type"] == "object"
    checker(tool.inputs)
    assert "['" not in str(re.findall(r"'type': \[", str(tool.inputs)))
    assert tool.reads_only
    assert (tool.outputs is None) == (tool.action is None)


def test_a_prompt_of_an_earlier_version_works_and_is_told_what_has_no_effect() -> None:
    """As at the vendor's server, which still takes those inputs; what it never had stays an error."""
    tool = VENDOR["perplexity_research"]
    saved = {"messages": HELLO, "strip_thinking": True, "reasoning_effort": "low"}

    async def run(url: str) -> Any:
        async with client_of(calls_to(url), VENDOR) as client:
            return await client.call_tool(tool.name, saved)

    with Sandbox() as sandbox:
        result = asyncio.run(run(sandbox.url))
    assert not result.is_error, texts(result)
    warned = [text for text in texts(result) if text.startswith("Warning: ")]
    assert [re.findall(r"^Warning: (\w+): ", text) for text in warned] == [
        ["strip_thinking"],
        ["reasoning_effort"],
    ]
    with pytest.raises(InputError, match="thinking_strip"):
        tool.sent({"messages": HELLO, "thinking_strip": True})


@pytest.mark.parametrize("kind", ["vendor", "directory"])
def test_the_schemas_of_aliases_are_linted_as_those_of_a_manifest_are(kind: str) -> None:
    """A comma in a description without quotes would make a word of what follows it."""
    file = ROOT / "connector" / "mcp" / "aliases" / f"{kind}.yaml"
    document = parse(file.read_text(encoding="utf-8"), file.name)
    tools: Any = document.value
    for name, entry in tools["tools"].items():
        if "inputs" in entry:
            assert list(schema_problems(document, ("tools", name, "inputs"), entry["inputs"])) == []


ARGUMENTS: dict[str, Any] = {
    "perplexity_search": {"query": "latest AI news", "max_results": 3},
    "perplexity_ask": {"messages": HELLO},
    "perplexity_reason": {"messages": HELLO, "search_domain_filter": ["nasa.gov"]},
    "perplexity_research": {"messages": HELLO},
    "perplexity_focused_search": {"query": "AI", "focus": "news"},
    "perplexity_verify_citations": {
        "claims": ["It is so."],
        "urls": ["https://encyclopedia.example/wiki/python"],
    },
    "perplexity_stream_response": {"input": "Why is the sky blue?"},
}


@pytest.mark.parametrize("tool", [param for param in ALL if "collection" not in str(param.id)])
def test_a_call_gives_all_that_the_action_gives(tool: Tool) -> None:
    """It fits the tool's own schema, and the vendor's output stands beside it."""

    async def run(url: str) -> Any:
        async with client_of(calls_to(url), {tool.name: tool}) as client:
            await client.list_tools()
            return await client.call_tool(tool.name, ARGUMENTS[tool.name])

    with Sandbox() as sandbox:
        result = asyncio.run(run(sandbox.url))
    assert not result.is_error, texts(result)
    outputs = result.structured_content
    if tool is VENDOR.get(tool.name):
        name = "results" if tool.name == "perplexity_search" else "response"
        assert outputs[name] == texts(result)[0]
    assert {"search_results", "results", "verdicts", "content"} & set(outputs)
    assert {"id", "search_id"} & set(outputs)


def test_a_collection_is_refused_with_what_to_do() -> None:
    """The service has none, so none is pretended: nothing is sent."""
    tool = DIRECTORY["perplexity_create_collection"]

    async def run(url: str) -> Any:
        async with client_of(calls_to(url), DIRECTORY) as client:
            return await client.call_tool(tool.name, {"name": "Reading list", "visibility": "public"})

    with Loopback(http()) as server:
        result = asyncio.run(run(server.url))
        assert server.requests == []
    assert result.is_error
    assert result.meta[ERROR]["kind"] == "not_offered"
    (text,) = texts(result)
    assert "has no collections" in text
    (named,) = re.findall(r"perplexity_\w+", text.partition(":")[2])
    assert "previous_response_id" in DIRECTORY[named].inputs["properties"]
