"""Bytes of HTTP, right and wrong: what the tables of faults are written with."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any

from loopback import Step, http

JSON = "application/json"
SSE = "text/event-stream"
GZIP = {"Content-Encoding": "gzip"}
CHUNKED = {"Transfer-Encoding": "chunked"}
BOM = b"\xef\xbb\xbf"
MIB = 1024 * 1024


def ok(
    body: Any, headers: Mapping[str, str] | None = None, *, form: str = JSON, length: bool = True
) -> bytes:
    """An answer of success; `body` is bytes, or a value for JSON."""
    return http(200, body, headers, form=form, length=length)


def head(*lines: str, first: str = "HTTP/1.1 200 OK", end: str = "\r\n") -> bytes:
    """The head of an answer, with these lines and no others."""
    return (end.join([first, *lines]) + end + end).encode("latin-1")


def raw(body: bytes, *lines: str, first: str = "HTTP/1.1 200 OK", end: str = "\r\n") -> bytes:
    """An answer with a length, whose head has these lines besides."""
    given = ("Content-Type: application/json", f"Content-Length: {len(body)}", *lines)
    return head(*given, first=first, end=end) + body


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


def in_chunks(body: bytes, headers: Mapping[str, str] | None = None, *, form: str = JSON) -> bytes:
    """An answer whose body is chunked already."""
    return ok(body, {**CHUNKED, **(headers or {})}, form=form, length=False)


def zipped(body: bytes) -> bytes:
    """As gzip, always the same bytes."""
    return gzip.compress(body, mtime=0)


def drip(text: bytes, every: float, size: int = 1) -> tuple[Step, ...]:
    """The bytes in pieces, with a pause (seconds) before each."""
    return tuple(step for at in range(0, len(text), size) for step in (every, text[at : at + size]))


def failed(message: str = "It failed", kind: str = "some_type", **more: Any) -> dict[str, Any]:
    """The service's envelope of an error."""
    return {"error": {"message": message, "type": kind, "code": 400, **more}}


def changed(body: bytes, **fields: Any) -> bytes:
    """The JSON object with other fields."""
    return json.dumps({**json.loads(body), **fields}).encode()


def nested(depth: int) -> bytes:
    """Lists in lists."""
    return b"[" * depth + b"]" * depth


def bomb(mib: int) -> bytes:
    """Zeros of this size, as gzip."""
    return gzip.compress(bytes(mib * MIB), 1, mtime=0)


def spoilt(value: Any) -> Iterator[Any]:
    """The value once for each place in it and each thing that might stand there instead, or nothing."""
    for other in (None, 5, -0.5, True, "text", "", [], [None], {}, {"x": 1}):
        yield other
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, inner in places:
        for other in spoilt(inner):
            copy = value.copy()
            copy[place] = other
            yield copy
        copy = value.copy()
        del copy[place]
        yield copy
