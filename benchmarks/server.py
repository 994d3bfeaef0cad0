"""The service of the benchmarks: canned answers on loopback, as cheap as asyncio can give them.

It runs in a process of its own (`python -m benchmarks.server [certificate key]`), says its port on stdout and ends
with stdin. `/v1/agent` and `/responses` give the chat answer, or events where a stream is asked for; `/search` the
results; `/chat/completions` the events of the retired API; what begins with `/held` gives the first event of a stream that never ends; `/spent` tells what it cost.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
import time

from benchmarks.answers import AGENT, SEARCH, chat_events, events

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_STREAM = re.compile(rb'"stream": ?true')
_HEADERS = (
    "Date: Sat, 21 Nov 2026 08:00:00 GMT\r\nServer: benchmark\r\nConnection: keep-alive\r\n"
    "Vary: Accept-Encoding\r\nX-Request-Id: d7b3e1f9-0d47-40dc-8379-636fc3355744\r\n"
    "X-RateLimit-Limit: 50\r\nX-RateLimit-Remaining: 49\r\nX-RateLimit-Reset: 1795253146\r\n"
    "Strict-Transport-Security: max-age=15552000\r\nVia: 1.1 edge\r\n"
)


def _whole(value: object) -> bytes:
    body = json.dumps(value).encode()
    head = (
        f"HTTP/1.1 200 OK\r\n{_HEADERS}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(piece), piece)


_STREAM_HEAD = (
    f"HTTP/1.1 200 OK\r\n{_HEADERS}Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
).encode()
_PIECES = [_chunk(event) for event in events()]
_CHAT, _SEARCH = _whole(AGENT), _whole(SEARCH)
CHAT_SIZE, SEARCH_SIZE = len(json.dumps(AGENT)), len(json.dumps(SEARCH))
_BURST = _STREAM_HEAD + b"".join(_PIECES) + b"0\r\n\r\n"
_CHAT_BURST = _STREAM_HEAD + b"".join(map(_chunk, chat_events())) + b"0\r\n\r\n"
_HELD = _STREAM_HEAD + _PIECES[0]


class _Connection(asyncio.Protocol):
    """One connection. `answered` counts the requests of all of them."""

    answered = 0

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while answer := self._next():
            _Connection.answered += 1
            self._transport.write(answer)

    def _next(self) -> bytes | None:
        """The answer to the first request, if all of it is there."""
        end = self._received.find(b"\r\n\r\n") + 4
        if end < 4:
            return None
        head = self._received[:end]
        length = _LENGTH.search(head)
        stop = end + (int(length[1]) if length else 0)
        if len(self._received) < stop:
            return None
        body, self._received = self._received[end:stop], self._received[stop:]
        return _answer(head.split(b" ", 2)[1], body)


def _answer(target: bytes, body: bytes) -> bytes:
    if target.startswith(b"/held"):
        return _HELD
    if target == b"/search":
        return _SEARCH
    if target == b"/spent":
        return _whole({"seconds": time.process_time(), "requests": _Connection.answered})
    if target == b"/chat/completions":
        return _CHAT_BURST
    return _BURST if _STREAM.search(body) else _CHAT


async def _serve(certificate: list[str]) -> None:
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0, ssl=context, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1:]))
