"""An answer that comes in pieces: events in, pieces of text out, and in the end the Reply of a whole answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import Any, TypeVar

from connector.connection import Connection
from connector.errors import ApiError, ConnectorError, CutOff, OutputError
from connector.evaluate import Drift, is_true, type_name
from connector.http import httpx
from connector.manifest import Stream
from connector.output import Event
from connector.plan import Plan
from connector.response import Reply, checked, event_failure, shown_headers
from connector.sse import EventParser, EventTooLongError, ServerEvent
from connector.strict_json import parse
from connector.transport import MAX_BYTES

_KEPT = 64 * 1024  # bytes kept to tell what came instead of events
_SECRET = 8  # characters from which on the beginning of a secret is told as one
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
    where = f"{plan.method} {connection.url_of(plan.route.request)}{plan.path}"
    request_id = headers.get("x-request-id")
    return StreamedAnswer(plan, stream, connection, Reply(head.status_code, headers, None, request_id, where))


@dataclass
class StreamedAnswer:
    """Fed with the bytes of a stream, in order. Errors carry the text received so far in `partial_text`."""

    plan: Plan
    stream: Stream
    connection: Connection
    head: Reply
    is_done: bool = False
    _parser: EventParser = field(default_factory=EventParser, repr=False)
    _text: StringIO = field(default_factory=StringIO, repr=False)
    _body: Any = field(default=None, repr=False)
    _raw: bytearray = field(default_factory=bytearray, repr=False)
    _events: int = 0
    _size: int = 0
    _held: str = field(default="", repr=False)
    _kind: tuple[str, str] = ("", "")

    @property
    def text(self) -> str:
        """The pieces so far, joined."""
        return self.connection.content_redactor.text(self._text.getvalue())  # a key may come in two pieces

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """What the chunk completes; nothing after the end.

        Raises:
            ApiError: the stream says that it failed.
            CutOff: an event cannot be read.
        """
        if not self._events and len(self._raw) < _KEPT:
            self._raw += chunk[:_KEPT]
        try:
            for sent in self._parser.feed(chunk):
                if self.is_done:
                    return
                if event := self._event(sent):
                    yield event
        except EventTooLongError as error:
            wrong = str(error)
        else:
            return
        raise self._cut(f"The stream cannot be read: {wrong}.")

    def end(self) -> Iterator[Event]:
        """What only the end of the stream completes."""
        for sent in self._parser.end():
            if not self.is_done and (event := self._event(sent)):
                yield event

    def reply(self) -> Reply:
        """The whole answer, once the stream has ended.

        Raises:
            ApiError: the answer says that it failed, or what came is an error and no stream.
            OutputError: what came is no stream.
            CutOff: the stream ended before its end marker.
        """
        if self.is_done:
            body = self.connection.content_redactor.value(self._body)
            reply = replace(self.head, body=body, text=self.text)
            try:
                return checked(reply, self.plan, self.connection.redactor)
            except (ApiError, OutputError) as error:
                failed = self.interrupted(error)
            raise failed
        if not self._events and self._raw.strip():
            raise self._no_stream()
        raise self._cut("The stream ended before it was complete.")

    def interrupted(self, error: _Error) -> _Error:
        """An error with the text received so far, but for an end that may be the beginning of a secret."""
        end = len(self._held) if len(self._held) >= _SECRET else 0
        text = self._text.getvalue()
        error.partial_text = self.connection.content_redactor.text(text[: len(text) - end]) or None
        return error

    def _event(self, sent: ServerEvent) -> Event | None:
        self._events += 1
        if sent.data.strip() == b"[DONE]":
            return None  # accepted, never required: the manifest says what ends the stream
        value = self._value(sent)
        try:
            delta = self._read(value)
        except Drift as drift:
            wrong = f"{drift.got} at {drift.step}"
        else:
            kind = value.get("type") or value.get("object")
            return Event(self._shown_kind(kind if isinstance(kind, str) else sent.name), delta)
        raise self._cut(f"An event of the stream has {wrong}.")

    def _shown_kind(self, kind: str) -> str:
        if kind != self._kind[0]:  # most events are of the kind of the one before
            self._kind = (kind, self.connection.content_redactor.text(kind))
        return self._kind[1]

    def _value(self, sent: ServerEvent) -> dict[str, Any]:
        value: Any = None
        try:
            value = parse(sent.data)
        except ValueError as error:
            wrong = f"not JSON: {error}"
        else:
            wrong = f"{type_name(value)}, not an object"
        if not isinstance(
            value, dict
        ):  # raised out here: raised in there, it would hold `error`, and that the data
            raise self._cut(f"An event of the stream is {wrong}.")
        if sent.name:
            value.setdefault("type", sent.name)
        return value

    def _read(self, value: dict[str, Any]) -> str | None:
        """Take what the manifest says of one event: its failure, the answer so far, the end; and give its text."""
        scope, stream = {"event": value}, self.stream
        if stream.failed is not None and is_true(stream.failed.evaluate(scope)):
            raise self.interrupted(event_failure(value, self.head, self.connection, self.plan))
        body = stream.body.evaluate(scope)
        if body is not None:
            self._body = body
        delta = stream.delta.evaluate(scope)
        if delta is not None and not isinstance(delta, str):
            raise self._cut(f"A piece of the stream is {type_name(delta)}, not text.")
        self.is_done = is_true(stream.done.evaluate(scope))
        return self._shown(delta or "")

    def _shown(self, delta: str) -> str | None:
        """The text to give away now: without secrets, and without what may be the beginning of one."""
        redactor = self.connection.content_redactor
        self._size += len(delta)
        if self._size > MAX_BYTES:
            raise self._cut(f"The text of the stream is longer than {MAX_BYTES // 1024 // 1024} MiB.")
        if delta:
            self._text.write(delta)
        text = self._held + delta
        kept = 0 if self.is_done else redactor.open_end(text)
        self._held = text[len(text) - kept :]
        return redactor.text(text[: len(text) - kept]) or None

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
