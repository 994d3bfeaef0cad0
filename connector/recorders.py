"""Recorders and mocks: what takes the place of a method of httpx, or of the pool below it, answers in our place too.

Cassettes are recorded and replayed so, and tests of other people keep requests from the network. It is looked for
at each request, as it comes and goes.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from types import FunctionType
from typing import Any

from connector.certificates import tls
from connector.http import httpx

Exchange = Callable[[httpx.Request], httpx.Response]
AsyncExchange = Callable[[httpx.Request], Awaitable[httpx.Response]]


def recorder(request: httpx.Request, exchange: Exchange) -> httpx.BaseTransport | None:
    """What is to have the request instead of the network, once; None where nobody stands in the way.

    Args:
        request: what is to be sent.
        exchange: sends it over the network, should the recorder want it so.
    """
    if not _is_of("httpx", httpx.HTTPTransport.handle_request):
        return _Recorded(_BehindRecorder(request, exchange))
    pool = _mocked_pool("ConnectionPool", "handle_request")
    return None if pool is None else _Recorded(pool)


def async_recorder(request: httpx.Request, exchange: AsyncExchange) -> httpx.AsyncBaseTransport | None:
    """As recorder, for asyncio."""
    if not _is_of("httpx", httpx.AsyncHTTPTransport.handle_async_request):
        return _AsyncRecorded(_BehindAsyncRecorder(request, exchange))
    pool = _mocked_pool("AsyncConnectionPool", "handle_async_request")
    return None if pool is None else _AsyncRecorded(pool)


def _is_of(package: str, method: Any) -> bool:
    """Whether it is a package's own: recorders and mocks put theirs in its place, and lend them its attributes."""
    if type(method) is not FunctionType:
        return False
    module: str = method.__globals__.get("__name__", "")
    return module.partition(".")[0] == package


def _mocked_pool(name: str, method: str) -> Any:
    """A pool of httpcore, which httpx's transport uses and mocks take the place of; None where it is as it was.

    Should the mock let something through, it goes to the network and no connection is kept.
    """
    httpcore: Any = sys.modules.get("httpcore")
    if httpcore is None:
        return None
    pool = getattr(httpcore, name)
    return None if _is_of("httpcore", getattr(pool, method)) else pool(tls(), max_keepalive_connections=0)


class _Recorded(httpx.HTTPTransport):
    """What recorders and mocks take for a transport of httpx; the pool is what it asks in the end."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool


class _AsyncRecorded(httpx.AsyncHTTPTransport):
    """As _Recorded, for asyncio."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool


class _BehindRecorder:
    """What httpx's transport asks in place of its pool, once a recorder has let a request through to it."""

    def __init__(self, request: httpx.Request, exchange: Exchange) -> None:
        self._request = request
        self._exchange = exchange

    def handle_request(self, _: Any) -> Any:
        """An answer as httpcore gives it; httpx makes one of its own of it."""
        return _of_httpcore(self._exchange(self._request))


class _BehindAsyncRecorder:
    """As _BehindRecorder, for asyncio."""

    def __init__(self, request: httpx.Request, exchange: AsyncExchange) -> None:
        self._request = request
        self._exchange = exchange

    async def handle_async_request(self, _: Any) -> Any:
        """See _BehindRecorder.handle_request."""
        return _of_httpcore(await self._exchange(self._request))


def _of_httpcore(answer: httpx.Response) -> Any:
    import httpcore  # noqa: PLC0415 - only a recorder's way leads through it

    content: Any = answer.stream
    return httpcore.Response(
        answer.status_code, headers=answer.headers.raw, content=content, extensions=answer.extensions
    )
