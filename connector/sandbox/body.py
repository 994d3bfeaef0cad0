"""Reading a request's body: bounded, and safe to walk afterwards."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, NoReturn

from starlette.requests import Request

from connector.sandbox.memory import Held
from connector.sandbox.refusal import Refused, malformed
from connector.sandbox.seed import Seed

LARGEST = 32 * 1024 * 1024
# What is too large is read to its end and thrown away, because a client that is still sending would
# see a broken connection instead of the answer. A client that never stops is cut off.
_DRAINED = 4 * LARGEST
# No documented request nests deeper than a handful of levels; the walks over a body are recursive.
_DEEPEST = 64
# A value takes up to 30 times as much memory as the bytes that it is written with.
_MOST_VALUES = 1_000_000
_BETWEEN_VALUES = (b",", b"[", b"{", b":")
_LARGE = 64 * 1024


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"number {text[:20]} is out of range")
    return value


def _constant(text: str) -> NoReturn:
    raise ValueError(f"invalid character '{text[:1]}' looking for beginning of value")


def _checked(value: Any, depth: int = 0) -> Any:
    """The same value with lone surrogates replaced, as the API's decoder does; too deep is refused."""
    if depth > _DEEPEST:
        raise malformed("json: exceeded max depth")
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_checked(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_checked(key): _checked(item, depth + 1) for key, item in value.items()}
    return value


def parse(raw: bytes) -> Any:
    """The JSON value in `raw`.

    Raises:
        Refused: not UTF-8, not JSON, NaN or infinite numbers, nested too deeply, or too many values.
    """
    if sum(map(raw.count, _BETWEEN_VALUES)) > _MOST_VALUES:
        raise Refused("request body holds too many values", status=413, type="payload_too_large")
    try:
        value = json.loads(raw.decode("utf-8"), parse_float=_number, parse_constant=_constant)
    except UnicodeDecodeError:
        raise malformed("json: invalid UTF-8") from None
    except RecursionError:
        raise malformed("json: exceeded max depth") from None
    except ValueError as error:
        raise malformed(f"json: {error}") from None
    return _checked(value)


async def read_bytes(request: Request) -> bytes:
    """The whole body, up to 32 MiB; its digest becomes the request's id.

    Raises:
        Refused: the body is larger, or the bodies that arrive at this moment are together.
    """
    held: Held = request.app.state.held
    with held.share() as share:
        pieces: list[bytes] = []
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > _DRAINED:
                break
            if size <= LARGEST and share.grow(len(piece)):
                pieces.append(piece)
            else:
                pieces.clear()
        if size > LARGEST:
            raise Refused("request body exceeds 32 MiB", status=413, type="payload_too_large")
        if share.size < size:
            raise Refused("too many large requests at once", status=503, type="service_unavailable")
        raw = b"".join(pieces)
    told = raw.hex() if len(raw) <= _LARGE else hashlib.sha256(raw).hexdigest()
    request.state.request_id = Seed(request.method, request.url.path, told).uuid("request")
    return raw


async def drain(request: Request) -> None:
    """Read the body and throw it away; a client that never stops is cut off."""
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > _DRAINED:
            break


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in the body."""
    value = parse(await read_bytes(request))
    if not isinstance(value, dict):
        raise malformed(f"json: cannot unmarshal {json_type(value)} into an object")
    return value


def json_type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    names = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names[type(value)]
