"""What the tools of an Agent request do: each call becomes an item of the output and a line of the bill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connector.sandbox.agent_request import Order
from connector.sandbox.filters import Filters
from connector.sandbox.instance import instance_of
from connector.sandbox.ranking import Document, corpus, rank
from connector.sandbox.reply import text_of
from connector.sandbox.seed import Seed
from connector.sandbox.synthesis import shorten

_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_HITS = {"low": 3, "medium": 6, "high": 10}
_SEARCH_PRICE = {"web": 0.0025, "fast": 0.001}
_PAGE_PRICE = 0.0005
_MOST_PAGES = 5


@dataclass(frozen=True)
class Call:
    """One use of a tool.

    Attributes:
        item: what it adds to the output.
        billed_as: the name in `usage`, which differs from the tool's type; empty when it is free.
        usd: the price.
        read: the text that the model had to read afterwards.
        sources: documents that the answer can cite.
    """

    item: dict[str, Any]
    billed_as: str = ""
    usd: float = 0.0
    read: str = ""
    sources: tuple[Document, ...] = ()


def calls_of(order: Order, seed: Seed) -> list[Call]:
    """The calls that are made before the answer is written, in the order of the tools."""
    function = _function_call(order, seed)
    if function is not None:
        return [function]
    return [
        call
        for place, tool in enumerate(order.tools)
        for call in _calls(order, tool, seed.uuid(f"call {place}"))
    ]


def _calls(order: Order, tool: dict[str, Any], call_id: str) -> Iterator[Call]:
    kind = tool["type"]
    if kind in ("mcp", "connector"):
        yield _listed_tools(tool, call_id)
    elif order.calls(kind):
        match kind:
            case "web_search":
                yield _web_search(order, tool)
            case "people_search":
                yield _people_search(order)
            case "finance_search":
                yield _finance_search(order)
            case "image_search":
                yield _image_search(order, tool)
            case "fetch_url":
                yield from _fetch_url(order, tool)
            case "sandbox":
                yield _sandbox(call_id)


def _web_search(order: Order, tool: dict[str, Any]) -> Call:
    most = tool.get("max_results") or _HITS[tool.get("search_context_size") or "medium"]
    found = _found(order, ("web", "news", "academic", "sec"), most, order.filters)
    price = _SEARCH_PRICE[tool.get("search_type") or "web"]
    return _search_call(order, "search_results", found, "search_web", price)


def _people_search(order: Order) -> Call:
    found = _found(order, ("people",), _HITS["low"])
    return _search_call(order, "people_search_results", found, "search_people", 0.005)


def _finance_search(order: Order) -> Call:
    """Results without URLs; more than that is not known of their shape."""
    found = _found(order, ("sec",), _HITS["low"])
    results = [{"title": page.title, "snippet": page.snippet} for page in found]
    item = {"queries": [shorten(order.question)], "results": results, "type": "finance_results"}
    return Call(item, "finance_search", 0.005, _read(found))


def _image_search(order: Order, tool: dict[str, Any]) -> Call:
    filters = tool.get("filters") or {}
    domains = filters.get("domain_filter") or []
    extension = (filters.get("format_filter") or ["png"])[0]
    wanted = Filters(
        allowed=tuple(name for name in domains if not name.startswith("-")),
        denied=tuple(name[1:] for name in domains if name.startswith("-")),
    )
    found = _found(order, ("web", "news"), tool.get("max_results") or _HITS["low"], wanted)
    results = [
        {
            "height": 630,
            "image_url": f"{page.url}.{extension}",
            "origin_url": page.url,
            "title": page.title,
            "width": 1200,
        }
        for page in found
    ]
    item = {"queries": [shorten(order.question)], "results": results, "type": "image_search_results"}
    return Call(item, "image_search", 0.0025)


def _fetch_url(order: Order, tool: dict[str, Any]) -> Iterator[Call]:
    """The pages whose URLs the question names. Nothing leaves this computer: their content is made up."""
    most = tool.get("max_urls") or _MOST_PAGES
    found = (url.rstrip(".,;:!?") for url in _URL.findall(order.question))
    urls = list(dict.fromkeys(found))[:most]
    if not urls:
        return
    known = {page.url: page for page in corpus()}
    contents = []
    for url in urls:
        page = known.get(url)
        contents.append(
            {
                "snippet": page.snippet if page else "Synthetic content of a page that was not fetched.",
                "title": page.title if page else "Synthetic page",
                "url": url,
            }
        )
    read = " ".join(content["snippet"] for content in contents)
    item = {"contents": contents, "type": "fetch_url_results"}
    yield Call(item, "fetch_url", _PAGE_PRICE * len(urls), read)


def _sandbox(call_id: str) -> Call:
    result = {
        "duration_ms": 12,
        "exit_code": 0,
        "status": "completed",
        "stderr": "",
        "stdout": "synthetic output: no code was run\n",
    }
    item = {
        "call_id": f"call_{call_id}",
        "code": "print('synthetic output: no code was run')",
        "language": "python",
        "results": [result],
        "status": "completed",
        "type": "sandbox_results",
    }
    return Call(item, "sandbox", 0.03)


def _listed_tools(tool: dict[str, Any], call_id: str) -> Call:
    """A server that nobody asks: it has no tools."""
    item = {
        "id": f"mcpl_{call_id}",
        "server_label": tool["server_label"],
        "tools": [],
        "type": "mcp_list_tools",
    }
    if tool["type"] == "connector":
        item["connector_id"] = tool["id"]
    return Call(item)


def _function_call(order: Order, seed: Seed) -> Call | None:
    """The call that the client has to make, when one is forced and its result has not come yet."""
    given = order.body["input"]
    answered = isinstance(given, list) and given[-1].get("type") == "function_call_output"
    functions = [tool for tool in order.tools if tool["type"] == "function"]
    if answered or not functions or order.forced is None:
        return None
    chosen = next((tool for tool in functions if tool["name"] == order.forced), None)
    if chosen is None and order.forced == "required" and len(functions) == len(order.tools):
        chosen = functions[0]
    if chosen is None:
        return None
    item = {
        "arguments": text_of(instance_of({"type": "object", **(chosen.get("parameters") or {})})),
        "call_id": f"call_{seed.uuid('call')}",
        "id": f"fc_{seed.uuid('function')}",
        "name": chosen["name"],
        "status": "completed",
        "type": "function_call",
    }
    return Call(item)


def _found(
    order: Order, kinds: tuple[str, ...], most: int, filters: Filters | None = None
) -> tuple[Document, ...]:
    wanted = filters or Filters()
    return tuple(rank([order.question], most, lambda page: page.kind in kinds and wanted.pass_over(page)))


def _search_call(order: Order, kind: str, found: tuple[Document, ...], billed_as: str, usd: float) -> Call:
    results = []
    for place, page in enumerate(found, start=1):
        row: dict[str, Any] = {
            "date": page.day,
            "id": place,
            "last_updated": page.updated_day,
            "snippet": page.snippet,
            "source": "web",
            "title": page.title,
            "url": page.url,
        }
        results.append({name: value for name, value in row.items() if value is not None})
    item = {"queries": [shorten(order.question)], "results": results, "type": kind}
    return Call(item, billed_as, usd, _read(found), found)


def _read(found: tuple[Document, ...]) -> str:
    return " ".join(page.snippet for page in found)
