"""What the vendor's SDK can send: every one of its methods, asked for its request, without a network.

Each method of the client is called with a sample for every parameter, and the transport keeps the request in
place of sending it: where a sample turns up (path, query, header, body) is where its parameter belongs. The
types are those of the method's own signature.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from connector.drift.annotation import of_annotation
from connector.drift.value import Form, Member, Value, union

MISSING: Final = "The vendor's SDK is not installed: python -m pip install 'perplexity-connector[dev]'"
_OF_EVERY_CALL: Final = {"self", "extra_headers", "extra_query", "extra_body", "timeout"}
_STREAMS: Final = {"Stream", "AsyncStream"}
_BINARY: Final = {"BinaryAPIResponse"}


@dataclass(frozen=True)
class Operation:
    """One request of the SDK.

    Attributes:
        name: as in Python, such as `responses.create`.
        method: the HTTP method.
        path: with its parameters in braces: `/v1/responses/{response_id}`.
        body, query, headers: what it takes there, by the names on the wire.
        answer: what the answer's body is; of kind "bytes" if it is not JSON.
    """

    name: str
    method: str
    path: str
    body: Form
    query: Form
    headers: Form
    answer: Value


@dataclass(frozen=True)
class Sdk:
    """The operations of the SDK; `unread` are the methods whose request could not be found out, and why."""

    version: str
    operations: tuple[Operation, ...]
    unread: Mapping[str, str]


@functools.cache
def sdk() -> Sdk:
    """The installed SDK.

    Raises:
        ImportError: if it is not installed.
    """
    try:
        import perplexity  # noqa: PLC0415 - only a developer has it
    except ImportError:
        raise ImportError(MISSING) from None
    keeper = _Keeper()
    http: Any = perplexity.DefaultHttpxClient(transport=typing.cast("Any", keeper))
    found: list[Operation] = []
    unread: dict[str, str] = {}
    with perplexity.Perplexity(
        api_key="none", base_url="https://sdk.invalid", max_retries=0, http_client=http
    ) as client:
        for name, resource, function in _methods(client, ""):
            try:
                found.append(_operation(name, resource, function, keeper))
            except Exception as error:  # noqa: BLE001 - told as a difference, whatever it is
                unread[name] = f"{type(error).__name__}: {error}"
    return Sdk(perplexity.__version__, tuple(found), unread)


class _Kept(BaseException):
    """Ends a call whose request is kept: no `except Exception` of the SDK stands in its way."""


class _Keeper:
    """A transport that keeps the request and sends nothing."""

    request: Any = None

    def handle_request(self, request: Any) -> Any:
        request.read()
        self.request = request
        raise _Kept

    def close(self) -> None:
        """Part of a transport."""


def _methods(resource: Any, prefix: str) -> Iterator[tuple[str, Any, Any]]:
    """(dotted name, resource, function), through the resources inside resources."""
    for name, member in inspect.getmembers_static(type(resource)):
        if name.startswith(("_", "with_")):
            continue
        if isinstance(member, functools.cached_property):
            inner = getattr(resource, name)
            if hasattr(inner, "with_raw_response"):
                yield from _methods(inner, f"{prefix}{name.rstrip('_')}.")
        elif prefix and inspect.isfunction(member):
            yield prefix + name, resource, member


def _operation(name: str, resource: Any, function: Any, keeper: _Keeper) -> Operation:
    hints = typing.get_type_hints(function)
    parameters = {
        key: Member(of_annotation(hints[key]), parameter.default is inspect.Parameter.empty)
        for key, parameter in inspect.signature(function).parameters.items()
        if key not in _OF_EVERY_CALL
    }
    samples = {key: _sample(member.value, f"sample-{key}") for key, member in parameters.items()}
    keeper.request = None
    with contextlib.suppress(_Kept):
        function(resource, **samples)
    request = keeper.request
    segments = unquote(request.url.raw_path.decode().partition("?")[0]).split("/")
    in_path = {f"sample-{key}": f"{{{key}}}" for key in parameters}
    found = {
        "body": {key: key for key in _body_keys(request)},
        "query": {key: key for key in request.url.params},
        "headers": {
            wire: key for wire, value in request.headers.items() for key in samples if value == samples[key]
        },
    }
    placed = {key for names in found.values() for key in names.values()}
    lost = [key for key in parameters if key not in placed and f"sample-{key}" not in segments]
    if lost:
        raise LookupError(f"{', '.join(lost)} turned up nowhere in the request")
    # a leading _ marks what the vendor keeps for itself
    offered = {
        place: {wire: parameters[key] for wire, key in names.items() if not wire.startswith("_")}
        for place, names in found.items()
    }
    path = "/".join(in_path.get(segment, segment) for segment in segments)
    return Operation(name, request.method, path, **offered, answer=_answer(hints["return"]))


def _body_keys(request: Any) -> list[str]:
    if request.headers.get("content-type", "").startswith("multipart/"):
        return re.findall(r'form-data; name="([^"]+)"', request.content.decode())
    return list(json.loads(request.content)) if request.content else []


def _answer(annotation: Any) -> Value:
    alternatives = (
        typing.get_args(annotation) if typing.get_origin(annotation) is typing.Union else (annotation,)
    )
    whole = [one for one in alternatives if (typing.get_origin(one) or one).__name__ not in _STREAMS]
    if any(getattr(one, "__name__", "") in _BINARY for one in whole):
        return Value(frozenset({"bytes"}))
    return union(map(of_annotation, whole))


def _sample(value: Value, text: str) -> Any:
    """The simplest value of a type."""
    if value.choices:
        return min(value.choices)
    samples: dict[str, Any] = {
        "string": text,
        "integer": 1,
        "number": 1.5,
        "boolean": False,
        "bytes": b"sample",
    }
    for kind, sample in samples.items():
        if value.can_be(kind):
            return sample
    if value.can_be("array"):
        return [_sample(value.item, text)] if value.item else []
    form = value.forms[0] if value.forms else {}
    return {name: _sample(member.value, text) for name, member in form.items() if member.required}
