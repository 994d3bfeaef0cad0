"""HTTP connections: each belongs to one request at a time and is kept for the next one.

Requests and answers are httpx's, and so are the places where cassettes are recorded and mocks answer: the
method `handle_request` of its transport, and that of the pool below it. Its client and its pool are not used. A pool that looks through all of its
connections for each request does little else at fifty under way, and a parser in Python takes longer than all
of the connector.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from connector.certificates import tls
from connector.deadline import EXTENSION, Patience, Sending
from connector.http import httpx
from connector.incoming import Incoming
from connector.messages import Response, pairs_of
from connector.recorders import async_recorder, recorder
from connector.sockets import Socket, connected

if TYPE_CHECKING:
    from connector.async_sockets import AsyncSocket

_KEPT_SECONDS: Final = 5.0  # a server that keeps connections for less would break a request now and then
_KEPT: Final = 100


class Lines(httpx.BaseTransport):
    """Connections, each used by one request at a time; threads may share them."""

    def __init__(self) -> None:
        self._free: list[Line] = []
        self._all: set[Line] = set()
        self._is_closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx. A recorder or mock that has taken the place of a method of its own has its say."""
        recorded = recorder(request, self.exchange)
        return self.exchange(request) if recorded is None else recorded.handle_request(request)

    def exchange(self, request: httpx.Request) -> httpx.Response:
        """Over the network. The connection is free again once the answer is closed."""
        try:
            line = self._free.pop()
        except IndexError:
            line = Line(self)
            self._all.add(line)
        try:
            return line.exchange(request)
        except BaseException:
            self.give_up(line)
            raise

    def give_back(self, line: Line) -> None:
        """For the next request."""
        if len(self._free) < _KEPT and line in self._all and not self._is_closed:
            self._free.append(line)
        else:
            self.give_up(line)

    def give_up(self, line: Line) -> None:
        """Break its connection."""
        self._all.discard(line)
        line.close()

    def close(self) -> None:
        """Break every connection. A request that is on its way here may still make one, which is not kept."""
        self._is_closed = True
        self._free.clear()
        while self._all:
            self._all.pop().close()


class AsyncLines(httpx.AsyncBaseTransport):
    """As Lines, for asyncio."""

    def __init__(self) -> None:
        self._free: list[AsyncLine] = []
        self._all: set[AsyncLine] = set()
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See Lines.handle_request."""
        recorded = async_recorder(request, self.exchange)
        if recorded is None:
            return await self.exchange(request)
        return await recorded.handle_async_request(request)

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """See Lines.exchange."""
        if self._free:
            line = self._free.pop()
        else:
            line = AsyncLine(self)
            self._all.add(line)
        try:
            return await line.exchange(request)
        except BaseException:
            await self.give_up(line)
            raise

    async def give_back(self, line: AsyncLine) -> None:
        """See Lines.give_back."""
        if len(self._free) < _KEPT and line in self._all and not self._is_closed:
            self._free.append(line)
        else:
            await self.give_up(line)

    async def give_up(self, line: AsyncLine) -> None:
        """See Lines.give_up."""
        import asyncio  # noqa: PLC0415 - it is running; where nothing is async, it takes long to import

        self._all.discard(line)
        await asyncio.shield(line.aclose())  # a cancelled run leaves no socket behind

    async def aclose(self) -> None:
        """See Lines.close."""
        self._is_closed = True
        self._free.clear()
        while self._all:
            await self._all.pop().aclose()


class _Origin:
    """Where a line leads, from which process, and since when it has been idle."""

    def __init__(self) -> None:
        self._url: httpx.URL | None = None
        self._process = 0
        self._idle_since = 0.0

    def _is_fresh(self, url: httpx.URL) -> bool:
        """Whether the connection that was made last can take a request, by what is known of it here."""
        leads_there = self._url is url or (self._url is not None and _origin(self._url) == _origin(url))
        # a process that was forked has the same socket: one of the two would read the other's answer
        is_ours = self._process == os.getpid()
        return leads_there and is_ours and time.monotonic() < self._idle_since + _KEPT_SECONDS

    def _leads_to(self, url: httpx.URL) -> None:
        """A connection is made."""
        self._url, self._process = url, os.getpid()

    def is_idle_now(self) -> None:
        """The answer is over, and the connection can take another request."""
        self._idle_since = time.monotonic()


class Line(_Origin):
    """One connection: made anew when it has been closed, has been idle for long, or leads elsewhere."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines
        self._socket: Socket | None = None

    def exchange(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and read the head of the answer."""
        patience = _patience_of(request)
        sent = _head(request) + b"".join(cast("httpx.SyncByteStream", request.stream))
        found = self._connected(request.url, patience)
        with suppress(httpx.WriteError):  # it may have answered before it had read all
            found.write(sent, patience)
        incoming = Incoming(may_have_body=request.method != "HEAD")
        while not incoming.has_head:
            incoming.expect_more()
            incoming.feed(found.read(patience))
        return _response(incoming, _Body(incoming, found, patience, self))

    def _connected(self, url: httpx.URL, patience: Patience) -> Socket:
        found = self._socket
        if found is None or not self._is_fresh(url) or not found.is_idle:
            self.close()
            self._leads_to(url)
            found = self._socket = connected(*_address(url), patience)
        return found

    def done(self, incoming: Incoming) -> None:
        """An answer is closed."""
        if incoming.leaves_nothing:
            self.is_idle_now()
            self._lines.give_back(self)
        else:
            self._lines.give_up(self)

    def close(self) -> None:
        """Break it. Another thread may do so at the same time."""
        found, self._socket = self._socket, None
        if found is not None:
            found.close()


class AsyncLine(_Origin):
    """As Line, for asyncio."""

    def __init__(self, lines: AsyncLines) -> None:
        super().__init__()
        self._lines = lines
        self._socket: AsyncSocket | None = None

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """See Line.exchange."""
        patience = _patience_of(request)
        body = [part async for part in cast("httpx.AsyncByteStream", request.stream)]
        sent = _head(request) + b"".join(body)
        found = await self._connected(request.url, patience)
        with suppress(httpx.WriteError):
            await found.write(sent, patience)
        incoming = Incoming(may_have_body=request.method != "HEAD")
        while not incoming.has_head:
            incoming.expect_more()
            incoming.feed(await found.read(patience))
        return _response(incoming, _AsyncBody(incoming, found, patience, self))

    async def _connected(self, url: httpx.URL, patience: Patience) -> AsyncSocket:
        found = self._socket
        if found is None or not self._is_fresh(url) or not found.is_idle:
            await self.aclose()
            self._leads_to(url)
            from connector.async_sockets import connected_async  # noqa: PLC0415 - asyncio takes long to import

            found = self._socket = await connected_async(*_address(url), patience)
        return found

    async def done(self, incoming: Incoming) -> None:
        """See Line.done."""
        if incoming.leaves_nothing:
            self.is_idle_now()
            await self._lines.give_back(self)
        else:
            await self._lines.give_up(self)

    async def aclose(self) -> None:
        """Break it."""
        if self._socket is not None:
            found, self._socket = self._socket, None
            await found.close()


def _patience_of(request: httpx.Request) -> Patience:
    patience: Patience | None = request.extensions.get(EXTENSION)
    if patience is None:  # somebody asks the transport without the module that it belongs to
        patience = Patience(Sending(), request.extensions.get("timeout", {}))
    patience.sending.is_watched = True
    return patience


def _origin(url: httpx.URL) -> tuple[bytes, bytes, int | None]:
    return url.raw_scheme, url.raw_host, url.port


def _address(url: httpx.URL) -> tuple[str, int, ssl.SSLContext | None]:
    host = url.raw_host.decode("ascii")
    match url.scheme:
        case "https":
            return host, url.port or 443, tls()
        case "http":
            return host, url.port or 80, None
        case _:
            raise httpx.UnsupportedProtocol("")


def _head(request: httpx.Request) -> bytes:
    """The bytes before the body. Nothing in them can end a line but what ends it here."""
    target = request.url.raw_path
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii", "replace"), target)]
    lines += [b"%s: %s" % pair for pair in pairs_of(request)]
    lines += (b"", b"")
    head = b"\r\n".join(lines)
    ends = len(lines) - 1
    if head.count(b"\n") != ends or head.count(b"\r") != ends or b"\0" in head or b" " in target:
        raise httpx.LocalProtocolError("")
    return head


def _response(incoming: Incoming, body: httpx.SyncByteStream | httpx.AsyncByteStream) -> httpx.Response:
    more = {"http_version": b"HTTP/1.1", "reason_phrase": incoming.reason}
    return Response(incoming.status, incoming.headers, body, extensions=more)


class _Body(httpx.SyncByteStream):
    """What follows the head of an answer. Closed, it gives its connection back."""

    def __init__(self, incoming: Incoming, found: Socket, patience: Patience, line: Line) -> None:
        self._incoming = incoming
        self._socket = found
        self._patience = patience
        self._line: Line | None = line

    def __iter__(self) -> Iterator[bytes]:
        incoming = self._incoming
        while True:
            if piece := incoming.taken():
                yield piece
            if incoming.is_complete:
                return
            incoming.expect_more()
            incoming.feed(self._socket.read(self._patience))

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.done(self._incoming)


class _AsyncBody(httpx.AsyncByteStream):
    """As _Body, for asyncio."""

    def __init__(self, incoming: Incoming, found: AsyncSocket, patience: Patience, line: AsyncLine) -> None:
        self._incoming = incoming
        self._socket = found
        self._patience = patience
        self._line: AsyncLine | None = line

    async def __aiter__(self) -> AsyncIterator[bytes]:
        incoming = self._incoming
        while True:
            if piece := incoming.taken():
                yield piece
            if incoming.is_complete:
                return
            incoming.expect_more()
            incoming.feed(await self._socket.read(self._patience))

    async def aclose(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.done(self._incoming)
