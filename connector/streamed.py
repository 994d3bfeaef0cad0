"""An answer that comes in pieces: events in, pieces of text out, and in the end the Reply of a whole answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx

from connector.connection import Connection
from connector.errors import ApiError, ConnectorError, CutOff
from connector.evaluate import Drift, is_true, type_name
from connector.manifest import Stream
from connector.plan import Plan
from connector.response import Reply, checked, event_failure, shown_headers
from connector.sse import EventParser, EventTooLongError, ServerEvent
from connector.strict_json import parse
from connector.template import Expression

_KEPT = 64 * 1024  # bytes kept to tell what came instead of events
_AGAIN = "What came so far is in the error's partial_text. Run it again if you need the rest."


_Error = TypeVar("_Error", bound=ConnectorError)


def streams(plan: Plan, head: httpx.Response) -> Stream | None:
    """How to read an answer that comes as a stream; None for one that comes as a whole.

    An answer of another kind than was asked for, such as a page of HTML, is read as a whole.
    """
    form = head.headers.get("content-type", "").lower()
    is_stream = head.is_success and "json" not in form and "html" not in form
    return plan.route.stream if plan.streams and is_stream else None


def opened(plan: Plan, stream: Stream, head: httpx.Response, connection: Connection) -> StreamedAnswer:
    """A stream of which nothing has been read."""
    headers = shown_headers(head, connection.redactor)
    where = f"{plan.method} {connection.base_url}{plan.path}"
    request_id = headers.get("x-request-id")
    return StreamedAnswer(plan, stream, connection, Reply(head.status_code, headers, None, request_id, where))


@dataclass(frozen=True, slots=True)
class Piece:
    """One event of the service: its type, and the text in it, or None."""

    type: str
    delta: str | None


@dataclass
class StreamedAnswer:
    """Fed with the bytes of a stream, in order. Errors carry the text received so far in `partial_text`."""

    plan: Plan
    stream: Stream
    connection: Connection
    head: Reply
    is_done: bool = False
    _parser: EventParser = field(default_factory=EventParser, repr=False)
    _text: list[str] = field(default_factory=list, repr=False)
    _body: Any = field(default=None, repr=False)
    _raw: bytearray = field(default_factory=bytearray, repr=False)
    _events: int = 0

    @property
    def text(self) -> str:
        """The pieces so far, joined."""
        return "".join(self._text)

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """The pieces that the chunk completes; none after the end.

        Raises:
            ApiError: the stream says that it failed.
            CutOff: an event cannot be read.
        """
        if not self._events and len(self._raw) < _KEPT:
            self._raw += chunk[:_KEPT]
        try:
            for event in self._parser.feed(chunk):
                if self.is_done:
                    return
                if piece := self._piece(event):
                    yield piece
        except EventTooLongError as error:
            raise self._cut(f"The stream cannot be read: {error}.") from None

    def end(self) -> Iterator[Piece]:
        """The pieces that only the end of the stream completes."""
        for event in self._parser.end():
            if not self.is_done and (piece := self._piece(event)):
                yield piece

    def reply(self) -> Reply:
        """The whole answer, once the stream has ended.

        Raises:
            ApiError: the answer says that it failed, or what came is an error and no stream.
            OutputError: what came is no stream.
            CutOff: the stream ended before its end marker.
        """
        if self.is_done:
            reply = replace(self.head, body=self._body, text=self.text)
            try:
                return checked(reply, self.plan, self.connection.redactor)
            except ApiError as error:
                failed = self.interrupted(error)
            raise failed
        if not self._events and self._raw.strip():
            raise self._no_stream()
        raise self._cut("The stream ended before it was complete.")

    def interrupted(self, error: _Error) -> _Error:
        """An error of the network with the text received so far."""
        error.partial_text = self.text or None
        return error

    def _piece(self, event: ServerEvent) -> Piece | None:
        self._events += 1
        if event.data.strip() == b"[DONE]":
            return None  # accepted, never required: the manifest says what ends the stream
        value = self._value(event)
        scope = {"event": value}
        if self.stream.failed is not None and is_true(self._evaluate(self.stream.failed, scope)):
            raise self.interrupted(event_failure(value, self.head, self.connection, self.plan))
        body = self._evaluate(self.stream.body, scope)
        if body is not None:
            self._body = body
        delta = self._evaluate(self.stream.delta, scope)
        if delta is not None and not isinstance(delta, str):
            raise self._cut(f"A piece of the stream is {type_name(delta)}, not text.")
        if delta:
            delta = self.connection.content_redactor.text(delta)
            self._text.append(delta)
        self.is_done = is_true(self._evaluate(self.stream.done, scope))
        kind = value.get("type") or value.get("object")
        return Piece(kind if isinstance(kind, str) else event.name, delta or None)

    def _value(self, event: ServerEvent) -> dict[str, Any]:
        try:
            value = parse(event.data)
        except ValueError as error:
            raise self._cut(f"An event of the stream is not JSON: {error}.") from None
        if not isinstance(value, dict):
            raise self._cut(f"An event of the stream is {type_name(value)}, not an object.")
        return {"type": event.name, **value} if event.name else value

    def _evaluate(self, expression: Expression, scope: Mapping[str, Any]) -> Any:
        try:
            return expression.evaluate(scope)
        except Drift as drift:
            raise self._cut(f"An event of the stream has {drift.got} at {drift.step}.") from None

    def _no_stream(self) -> ConnectorError:
        """What came is no stream: a JSON error, a page of HTML, a text."""
        try:
            body = parse(bytes(self._raw))
        except ValueError:
            return self._cut("What came is no stream of events.")
        value = body if isinstance(body, dict) else {"error": body}
        return event_failure(value, self.head, self.connection, self.plan)

    def _cut(self, message: str) -> ConnectorError:
        error = CutOff(self.connection.redactor.text(message), where=self.head.where, hint=_AGAIN)
        return self.interrupted(error)
