"""HTTP connections: each belongs to one request at a time and is kept for the next one.

httpcore's pool looks through all of its connections for each request, which at fifty under way is most of the
work, and with one connection still a fifth of it. So its HTTP/1.1 is used here without its pool; httpx's
transport stands around it, which is where cassettes are recorded and replayed.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import cache
from typing import Any, Final, cast

import httpcore

from connector.http import httpx
from connector.sockets import connected

_KEPT_SECONDS: Final = 5.0  # a server that keeps connections for less would break a request now and then
_KEPT: Final = 100


@cache
def tls() -> ssl.SSLContext:
    """Which certificates are trusted; all connections share it, as loading them costs more than a request.

    The system's folder where it has one, which is searched when a certificate comes; else, or if
    SSL_CERT_FILE names a file, what httpx takes, which is read as a whole.
    """
    paths = ssl.get_default_verify_paths()
    names_a_file = paths.cafile not in {None, paths.openssl_cafile}
    if paths.capath and not names_a_file and _has_certificates(paths.capath):
        context = ssl.create_default_context(capath=paths.capath)
    else:
        context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _has_certificates(folder: str) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        return any(_HASHED.fullmatch(entry.name) for entry in entries)
    return False


_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")


def has_more(response: httpx.Response) -> bool:
    """Whether bytes follow the answer on its connection: they would be taken for the next request's answer.

    httpcore keeps them to itself, so this looks for them inside it. Where that is not to be found, such as
    in a transport for tests, there are none.
    """
    found: Any = getattr(response.stream, "held", response.stream)
    for name in ("_httpcore_stream", "_connection", "_h11_state"):
        found = getattr(found, name, None)
    return bool(found is not None and found.trailing_data[0])


class Lines(httpx.BaseTransport):
    """Connections to one service, each used by one request at a time; threads may share them."""

    def __init__(self) -> None:
        self._free: list[_Line] = []
        self._all: set[_Line] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx. The connection is free again once the answer is closed."""
        try:
            line = self._free.pop()
        except IndexError:
            line = _Line()
            self._all.add(line)
        try:
            response = line.handle_request(request)
        except BaseException:
            self._give_up(line)
            raise
        response.stream = _Held(cast("httpx.SyncByteStream", response.stream), self, line)
        return response

    def give_back(self, line: _Line) -> None:
        """For the next request."""
        if len(self._free) < _KEPT and line in self._all:
            self._free.append(line)
        else:
            self._give_up(line)

    def _give_up(self, line: _Line) -> None:
        self._all.discard(line)
        line.close()

    def close(self) -> None:
        """Break every connection."""
        self._free.clear()
        while self._all:
            self._all.pop().close()


class AsyncLines(httpx.AsyncBaseTransport):
    """As Lines, for asyncio."""

    def __init__(self) -> None:
        self._free: list[_AsyncLine] = []
        self._all: set[_AsyncLine] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See Lines.handle_request."""
        if self._free:
            line = self._free.pop()
        else:
            line = _AsyncLine()
            self._all.add(line)
        try:
            response = await line.handle_async_request(request)
        except BaseException:
            await self._give_up(line)
            raise
        response.stream = _AsyncHeld(cast("httpx.AsyncByteStream", response.stream), self, line)
        return response

    async def give_back(self, line: _AsyncLine) -> None:
        """See Lines.give_back."""
        if len(self._free) < _KEPT and line in self._all:
            self._free.append(line)
        else:
            await self._give_up(line)

    async def _give_up(self, line: _AsyncLine) -> None:
        import asyncio  # noqa: PLC0415 - it is running; where nothing is async, it takes long to import

        self._all.discard(line)
        await asyncio.shield(line.aclose())  # a cancelled run leaves no socket behind

    async def aclose(self) -> None:
        """See Lines.close."""
        self._free.clear()
        while self._all:
            await self._all.pop().aclose()


class _One:
    """One connection in the place of httpcore's pool: made again once it is closed, or has been idle for long."""

    def __init__(self) -> None:
        self._connection: httpcore.HTTP11Connection | None = None
        self._scheme, self._host = b"", b""  # of the last request; a service may have several hosts
        self._port: int | None = None

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """See httpcore."""
        connection, url = self._connection, request.url
        if (
            connection is None
            or url.host != self._host
            or url.port != self._port
            or url.scheme != self._scheme
            or not connection.is_idle()
            or connection.has_expired()
        ):
            self.close()
            self._scheme, self._host, self._port = url.scheme, url.host, url.port
            timeout = request.extensions.get("timeout", {}).get("connect")
            stream = connected(url.host.decode("ascii"), url.origin.port, _context(url), timeout)
            connection = httpcore.HTTP11Connection(url.origin, stream, keepalive_expiry=_KEPT_SECONDS)
            self._connection = connection
        return connection.handle_request(request)

    def close(self) -> None:
        """Break it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _AsyncOne:
    """As _One, for asyncio."""

    def __init__(self) -> None:
        self._connection: httpcore.AsyncHTTP11Connection | None = None
        self._scheme, self._host = b"", b""
        self._port: int | None = None

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """See httpcore."""
        connection, url = self._connection, request.url
        if (
            connection is None
            or url.host != self._host
            or url.port != self._port
            or url.scheme != self._scheme
            or not connection.is_idle()
            or connection.has_expired()
        ):
            await self.aclose()
            self._scheme, self._host, self._port = url.scheme, url.host, url.port
            timeout = request.extensions.get("timeout", {}).get("connect")
            from connector.async_sockets import connected_async  # noqa: PLC0415 - asyncio takes long to import

            stream = await connected_async(url.host.decode("ascii"), url.origin.port, _context(url), timeout)
            connection = httpcore.AsyncHTTP11Connection(url.origin, stream, keepalive_expiry=_KEPT_SECONDS)
            self._connection = connection
        return await connection.handle_async_request(request)

    async def aclose(self) -> None:
        """Break it."""
        if self._connection is not None:
            await self._connection.aclose()
            self._connection = None


def _context(url: httpcore.URL) -> ssl.SSLContext | None:
    match url.scheme:
        case b"https":
            return tls()
        case b"http":
            return None
        case _:
            raise httpcore.UnsupportedProtocol


class _Line(httpx.HTTPTransport):
    def __init__(self) -> None:
        self._pool: Any = _One()  # where httpx would make a pool of its own

    def close(self) -> None:
        self._pool.close()


class _AsyncLine(httpx.AsyncHTTPTransport):
    def __init__(self) -> None:
        self._pool: Any = _AsyncOne()

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Held(httpx.SyncByteStream):
    """A body that gives its connection back when it is closed."""

    def __init__(self, held: httpx.SyncByteStream, lines: Lines, line: _Line) -> None:
        self.held = held
        self._lines: Lines | None = lines
        self._line = line

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.held)

    def close(self) -> None:
        lines, self._lines = self._lines, None
        if lines is not None:
            try:
                self.held.close()
            finally:
                lines.give_back(self._line)


class _AsyncHeld(httpx.AsyncByteStream):
    def __init__(self, held: httpx.AsyncByteStream, lines: AsyncLines, line: _AsyncLine) -> None:
        self.held = held
        self._lines: AsyncLines | None = lines
        self._line = line

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.held.__aiter__()

    async def aclose(self) -> None:
        lines, self._lines = self._lines, None
        if lines is not None:
            try:
                await self.held.aclose()
            finally:
                await lines.give_back(self._line)
