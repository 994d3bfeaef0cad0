"""Requests and answers of httpx, whose headers are made into httpx's own only for whoever looks at them there.

The way of an action needs them as pairs of bytes, from end to end. Recorders, mocks and hooks find what they know:
every attribute that httpx would have set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.http import httpx

Pairs = list[tuple[bytes, bytes]]
"""Headers as they are on the wire: names and values, in their order."""


class _Message:
    """What is called `headers` there."""

    _pairs: Pairs | None

    @property
    def headers(self) -> httpx.Headers:
        pairs = self._pairs
        if pairs is not None:
            self.headers = httpx.Headers(pairs)
        return self._headers

    @headers.setter
    def headers(self, headers: httpx.Headers) -> None:
        self._headers = headers  # first: another thread may look
        self._pairs = None


class Request(_Message, httpx.Request):
    """A request that goes out as it is: httpx adds no headers. It prints without its query, which may hold a key.

    Args:
        method: in capitals.
        url: where it goes.
        pairs: its headers, all of them.
        content: its body.
        steps: seconds for each step, as httpx has them.
    """

    def __init__(
        self, method: str, url: httpx.URL, pairs: Pairs, content: bytes, steps: Mapping[str, Any]
    ) -> None:
        # not by httpx's own, which would copy the URL and read the headers
        self.method = method
        self.url = url
        self._pairs = pairs
        self.stream = httpx.ByteStream(content)
        self.extensions = {"timeout": steps}

    @property
    def content(self) -> bytes:
        return self.read()

    def __repr__(self) -> str:
        return f"<Request({self.method!r}, {str(self.url.copy_with(query=None))!r})>"


class Response(_Message, httpx.Response):
    """An answer, whose body may still be to come.

    Args:
        status: its code.
        pairs: its headers.
        stream: its body.
        request: what it answers, if that is known.
        extensions: as httpx has them.
    """

    _request: httpx.Request | None = None
    _num_bytes_downloaded = 0
    next_request = None
    is_closed = is_stream_consumed = False
    default_encoding = "utf-8"

    def __init__(
        self,
        status: int,
        pairs: Pairs,
        stream: httpx.SyncByteStream | httpx.AsyncByteStream,
        *,
        request: httpx.Request | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        self.status_code = status
        self._pairs = pairs
        self.stream = stream
        self.extensions = dict(extensions or {})
        self.history = []
        if request is not None:
            self._request = request

    def close(self) -> None:
        # not by httpx's own, which makes ready for errors of httpx that lack a request: all are translated
        if not isinstance(self.stream, httpx.SyncByteStream):
            raise RuntimeError("This answer is closed with aclose().")  # noqa: TRY004 - as httpx does
        if not self.is_closed:
            self.is_closed = True
            self.stream.close()

    async def aclose(self) -> None:
        if not isinstance(self.stream, httpx.AsyncByteStream):
            raise RuntimeError("This answer is closed with close().")  # noqa: TRY004 - as in close
        if not self.is_closed:
            self.is_closed = True
            await self.stream.aclose()


def pairs_of(message: httpx.Request | httpx.Response) -> Pairs:
    """The headers of a message, whoever has made it."""
    found: Pairs | None = getattr(message, "_pairs", None)
    return message.headers.raw if found is None else found
