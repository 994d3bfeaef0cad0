"""Calls in flight and streams held open, as each asynchronous client makes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.answers import BODY, INPUTS, KEY
from benchmarks.clients import is_delta, text_of

Call = Callable[[], Awaitable[str]]
Hold = Callable[[], Awaitable[Any]]
"""Opens a stream and waits for its first piece; what it gives keeps the stream open."""

_HEADERS = {"Authorization": f"Bearer {KEY}"}
_STREAMED = {**BODY, "stream": True}


def _opened(url: str) -> Any:
    import connector
    from connector.manifest import Limits

    return connector.aconnect("perplexity", api_key=KEY, base_url=url, limits=Limits())


async def _connector_call(url: str) -> Call:
    run = _opened(url).run

    async def call() -> str:
        return str((await run("create_chat_completion", INPUTS)).outputs["content"])

    return call


async def _httpx_call(url: str) -> Call:
    import httpx

    return _posts(httpx.AsyncClient(base_url=url, headers=_HEADERS, timeout=60))


async def _httpx2_call(url: str) -> Call:
    import httpx2

    return _posts(httpx2.AsyncClient(base_url=url, headers=_HEADERS, timeout=60))


def _posts(client: Any) -> Call:
    async def call() -> str:
        return text_of((await client.post("/v1/agent", json=BODY)).json())

    return call


async def _aiohttp_call(url: str) -> Call:
    import aiohttp

    session = aiohttp.ClientSession(url, headers=_HEADERS)

    async def call() -> str:
        async with session.post("/v1/agent", json=BODY) as response:
            return text_of(await response.json())

    return call


async def _sdk_call(url: str) -> Call:
    from perplexity import AsyncPerplexity

    create: Any = AsyncPerplexity(api_key=KEY, base_url=url, max_retries=0).responses.create
    return _creates(create, BODY)


async def _openai_call(url: str) -> Call:
    from openai import AsyncOpenAI

    create: Any = AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0).responses.create
    return _creates(create, {"extra_body": BODY})


def _creates(create: Any, given: dict[str, Any]) -> Call:
    async def call() -> str:
        return str((await create(**given)).output_text)

    return call


async def _connector_hold(url: str) -> Hold:
    stream = _opened(f"{url}/held").stream

    async def hold() -> Any:
        events = stream("create_chat_completion", INPUTS)
        await anext(events)
        return events

    return hold


async def _httpx_hold(url: str) -> Hold:
    import httpx

    limits = httpx.Limits(max_connections=None)
    client = httpx.AsyncClient(base_url=url, headers=_HEADERS, timeout=60, limits=limits)

    async def hold() -> Any:
        request = client.build_request("POST", "/held", json=_STREAMED)
        response = await client.send(request, stream=True)
        lines = response.aiter_lines()
        while not is_delta(await anext(lines)):
            pass
        return response, lines

    return hold


async def _aiohttp_hold(url: str) -> Hold:
    import aiohttp

    session = aiohttp.ClientSession(url, headers=_HEADERS, connector=aiohttp.TCPConnector(limit=0))

    async def hold() -> Any:
        response = await session.post("/held", json=_STREAMED)
        while not is_delta(await response.content.readline()):
            pass
        return response

    return hold


async def _sdk_hold(url: str) -> Hold:
    from perplexity import AsyncPerplexity

    create: Any = AsyncPerplexity(api_key=KEY, base_url=f"{url}/held", max_retries=0).responses.create

    async def hold() -> Any:
        events = await create(**_STREAMED)
        await anext(events)
        return events

    return hold


FLIGHTS: dict[str, Callable[[str], Awaitable[Call]]] = {
    "connector": _connector_call,
    "httpx": _httpx_call,
    "httpx2": _httpx2_call,
    "aiohttp": _aiohttp_call,
    "perplexityai": _sdk_call,
    "openai": _openai_call,
}
HOLDS: dict[str, Callable[[str], Awaitable[Hold]]] = {
    "connector": _connector_hold,
    "httpx": _httpx_hold,
    "aiohttp": _aiohttp_hold,
    "perplexityai": _sdk_hold,
}
