"""Answers on the wire: JSON in the API's spelling, and server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse


def text_of(value: Any) -> str:
    """JSON without spaces and with characters beyond ASCII as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    # Errors end with a newline at the real API; answers do not.
    ending = "\n" if status >= 400 else ""
    content = (text_of(value) + ending).encode()
    return Response(content, status, dict(headers or {}), media_type="application/json")


def stream_reply(pieces: Iterable[str]) -> Response:
    """A stream of server-sent events; each piece is sent on its own."""

    async def sent() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece.encode()
            # Others get their turn, and a client that went away is noticed.
            await asyncio.sleep(0)

    headers = {"cache-control": "no-cache"}
    return StreamingResponse(sent(), 200, headers, media_type="text/event-stream; charset=utf-8")
