"""What goes over a connection, kept as it goes by and shown without secrets: for whoever writes a manifest."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from connector.http import httpx
from connector.secret import MASK, Redactor
from connector.transport import Transport, open_transport

MAX_KEPT: Final = 256 * 1024
"""Bytes of one body that are kept."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as they went over the wire, without secrets.

    Attributes:
        method, url, request_headers, request_body: what was sent; the body as text, empty where there was none.
        status, reason, response_headers, response_body: what came; the status is None where nothing came.
        response_size: bytes of the answer's body; it is longer than what is kept of it if that is cut.
        seconds: from the first byte sent to the last one read.
        is_cut: whether the kept answer is only its beginning.
    """

    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: str
    status: int | None
    reason: str
    response_headers: Mapping[str, str]
    response_body: str
    response_size: int
    seconds: float
    is_cut: bool


@dataclass
class _Going:
    request: httpx.Request
    begun: float
    response: httpx.Response | None = None
    ended: float = 0.0
    size: int = 0
    kept: bytearray = field(default_factory=bytearray)


class Observed(httpx.BaseTransport):
    """Sends through another transport, and keeps what goes by.

    Args:
        redactor: of the connection's secrets.
        hidden: headers, and parameters of the query, whose values are never shown.
        inner: what sends; a transport of its own if absent.
    """

    def __init__(self, redactor: Redactor, hidden: set[str], inner: Transport | None = None) -> None:
        self._redactor = redactor
        self._hidden = {name.lower() for name in hidden}
        self._inner = inner or open_transport()
        self._going: list[_Going] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        now = time.perf_counter()
        going = _Going(request, now, ended=now)
        self._going.append(going)
        try:
            response = self._inner.handle_request(request)
        finally:
            going.ended = time.perf_counter()
        going.response = response
        response.stream = _Kept(cast("httpx.SyncByteStream", response.stream), going)
        return response

    def close(self) -> None:
        """See httpx."""
        self._inner.close()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What went by so far, in order."""
        return tuple(map(self._shown, self._going))

    def _shown(self, going: _Going) -> Exchange:
        request, response = going.request, going.response
        content = request.read()
        return Exchange(
            method=request.method,
            url=self._url(request.url),
            request_headers=self._headers(request.headers),
            request_body=self._text(content[:MAX_KEPT]),
            status=None if response is None else response.status_code,
            reason="" if response is None else self._redactor.text(response.reason_phrase),
            response_headers={} if response is None else self._headers(response.headers),
            response_body="" if response is None else self._text(_plain(bytes(going.kept), response)),
            response_size=going.size,
            seconds=going.ended - going.begun,
            is_cut=going.size > len(going.kept),
        )

    def _url(self, url: httpx.URL) -> str:
        hidden = self._hidden
        pairs: list[tuple[str, str | int | float | bool | None]] = [
            (name, MASK if name.lower() in hidden else text) for name, text in url.params.multi_items()
        ]
        shown = str(url.copy_with(query=None))
        query = str(httpx.QueryParams(pairs)).replace("%2A", "*")
        return self._redactor.text(f"{shown}?{query}" if pairs else shown)

    def _headers(self, headers: httpx.Headers) -> dict[str, str]:
        shown: dict[str, str] = {}
        for raw, value in headers.raw:
            name, text = raw.decode("ascii", "replace"), value.decode("utf-8", "replace")
            if name.lower() in self._hidden:  # the scheme is no secret
                scheme, space, _ = text.partition(" ")
                text = f"{scheme} {MASK}" if space and scheme.isalpha() else MASK
            text = self._redactor.text(text)
            shown[name] = f"{shown[name]}, {text}" if name in shown else text
        return shown

    def _text(self, content: bytes) -> str:
        return self._redactor.text(content.decode("utf-8", "replace"))


class _Kept(httpx.SyncByteStream):
    """A body that is read through, with its beginning kept."""

    def __init__(self, stream: httpx.SyncByteStream, going: _Going) -> None:
        self._stream = stream
        self._going = going

    def __iter__(self) -> Iterator[bytes]:
        going = self._going
        for piece in self._stream:
            going.size += len(piece)
            going.kept += piece[: max(MAX_KEPT - len(going.kept), 0)]
            going.ended = time.perf_counter()
            yield piece

    def close(self) -> None:
        self._stream.close()


def _plain(content: bytes, response: Any) -> bytes:
    """Decompressed, as far as it goes."""
    if "gzip" not in response.headers.get("content-encoding", ""):
        return content
    try:
        return zlib.decompressobj(wbits=31).decompress(content, MAX_KEPT)
    except zlib.error:
        return content
