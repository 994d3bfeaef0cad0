"""Recorders and mocks of httpx: whatever way they take its place, nothing gets through to the network."""

from __future__ import annotations

import asyncio
import functools
import gzip
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import AsyncMock, MagicMock, patch

import httpcore
import httpx
import pytest
import wrapt
from loopback import Loopback, http

from connector import transport as network
from connector.wire import Lines

SYNC, ASYNC = (httpx.HTTPTransport, "handle_request"), (httpx.AsyncHTTPTransport, "handle_async_request")
MOCKED = httpx.MockTransport(lambda request: httpx.Response(200, json="mocked"))


def answer(*_: Any) -> httpx.Response:
    return httpx.Response(200, json="mocked")


async def answer_async(*_: Any) -> httpx.Response:
    return answer()


def of_core(*_: Any) -> httpcore.Response:
    return httpcore.Response(200, content=b'"mocked"')


async def of_core_async(*_: Any) -> httpcore.Response:
    return of_core()


@contextmanager
def replaced(sync: Any, by_async: Any) -> Generator[None]:
    with patch.object(*SYNC, sync), patch.object(*ASYNC, by_async):
        yield


@contextmanager
def below() -> Generator[None]:
    """As respx does it."""
    with (
        patch.object(httpcore.ConnectionPool, "handle_request", of_core),
        patch.object(httpcore.AsyncConnectionPool, "handle_async_request", of_core_async),
    ):
        yield


def wrapped(method: Any, answering: Callable[..., Any]) -> Any:
    """As tracers do it: it has the code, the name and the file of what it wraps."""
    return wrapt.FunctionWrapper(method, lambda *_: answering())


WAYS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "function": lambda: replaced(answer, answer_async),
    "partial": lambda: replaced(functools.partialmethod(answer), functools.partialmethod(answer_async)),
    "method": lambda: replaced(MOCKED.handle_request, MOCKED.handle_async_request),
    "mock": lambda: replaced(MagicMock(side_effect=answer), AsyncMock(side_effect=answer_async)),
    "wrapper": lambda: replaced(
        wrapped(httpx.HTTPTransport.handle_request, answer),
        wrapped(httpx.AsyncHTTPTransport.handle_async_request, answer_async),
    ),
    "pool": below,
}


def fetched(url: str, way: str) -> Any:
    request = httpx.Request("POST", url, content=b"{}", extensions={"timeout": {}})
    if way == "sync":
        opened = network.open_transport()
        try:
            return network.send(opened, request).json()
        finally:
            opened.close()

    async def fetch() -> Any:
        opened = network.open_async_transport()
        try:
            return (await network.send_async(opened, request)).json()
        finally:
            await opened.aclose()

    return asyncio.run(fetch())


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("mocked", WAYS.values(), ids=WAYS)
def test_a_mock_answers_in_place_of_the_network(
    mocked: Callable[[], AbstractContextManager[None]], way: str
) -> None:
    """And the network again, once the mock is gone."""
    with Loopback(http(200, "served")) as server:
        with mocked():
            assert fetched(server.url, way) == "mocked"
        assert server.requests == []
        assert fetched(server.url, way) == "served"


class Reading(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Reads each answer before it gives it, as those do that log what goes by."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer: httpx.Response = self._inner.handle_request(request)
        answer.read()
        return answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer: httpx.Response = await self._inner.handle_async_request(request)
        await answer.aread()
        return answer


READ = [httpx.HTTPTransport, network.open_transport, httpx.AsyncHTTPTransport, network.open_async_transport]


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("inner", READ, ids=["httpx", "ours", "httpx-async", "ours-async"])
def test_an_answer_that_was_read_on_its_way_is_whole(inner: Callable[[], Any], coding: str) -> None:
    """It is read from the network once, and taken from what httpx has kept."""
    body = b'"served"' if coding == "identity" else gzip.compress(b'"served"')
    served = http(200, body, {"Content-Encoding": coding})
    request = httpx.Request("POST", "http://x.test", content=b"{}", extensions={"timeout": {"read": 2.0}})
    with Loopback(served) as server:
        request.url = httpx.URL(server.url)
        made = inner()
        if isinstance(made, httpx.BaseTransport):
            assert network.send(Reading(made), request).json() == "served"
            made.close()
            return

        async def fetch() -> Any:
            answer = await network.send_async(Reading(made), request)
            await made.aclose()
            return answer.json()

        assert asyncio.run(fetch()) == "served"


def test_mocked_requests_leave_nothing_behind() -> None:
    """However many there are on one connection."""
    opened = Lines()
    with replaced(answer, answer_async):
        for _ in range(3):
            network.send(opened, httpx.Request("POST", "http://127.0.0.1:1", content=b"{}"))
    assert not opened._all
