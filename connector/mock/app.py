"""The mock as an ASGI application: a request in, the answer that the manifest expects out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.mock.answering import Answering, Reply
from connector.mock.asked import Asked, Sent, asked
from connector.mock.credential import Credential
from connector.mock.endpoints import Endpoint, endpoints, listed
from connector.mock.recorded import Recorded, Tape
from connector.mock.refusing import refusal_body, status_of
from connector.mock.value import CannotMakeError
from connector.sandbox.body import parse, read_bytes
from connector.sandbox.fault import parse_fault
from connector.sandbox.faulty import Faulty
from connector.sandbox.memory import Held
from connector.sandbox.multipart import read_parts
from connector.sandbox.refusal import Refused
from connector.sandbox.reply import json_reply, stream_reply, text_of

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_MOST_LISTED = 30
_MOST_TOLD = 5


def create_app(
    credential: Credential,
    tape: Tape,
    *,
    faults: Sequence[str] = (),
    told: Callable[[str], None] = lambda _: None,
) -> Starlette:
    """An application that answers as the service of a connector does, as far as the manifest says it.

    Args:
        credential: of the connector, and what proves who asks.
        tape: recorded answers; they are given first.
        faults: how it misbehaves, such as `429,times=2`.
        told: called with a line for each request that meets a fault, and for what could not be made.

    Raises:
        InputError: a fault that there is not.
    """
    wanted = [parse_fault(text, "--fault") for text in faults]
    mock = _Mock(credential, tape, told)
    faulty = Middleware(Faulty, wanted, told, mock.envelope)
    app = Starlette(
        routes=[Route("/{path:path}", mock.endpoint, methods=_METHODS)],
        middleware=[faulty],
        exception_handlers={Refused: mock.refused},
    )
    app.router.redirect_slashes = False
    app.state.held = Held()
    return app


class _Mock:
    def __init__(self, credential: Credential, tape: Tape, told: Callable[[str], None]) -> None:
        self._credential = credential
        self._connector = credential.connector
        self._tape = tape
        self._endpoints = list(endpoints(self._connector, credential.prefix_of))
        self._answering = Answering(self._connector, told)

    async def endpoint(self, request: Request) -> Response:
        """The answer to any request.

        Raises:
            Refused: as the service would refuse it.
        """
        path = request.scope.get("raw_path", b"").decode("latin-1") or request.url.path
        if request.method == "POST" and path == self._credential.token_path:
            return await self._token(request)
        found = self._found(request.method, path)
        inner = path.removeprefix(self._credential.prefix_of())
        query: dict[str, list[str]] = {}
        pairs = parse_qsl(request.url.query, keep_blank_values=True)
        for name, text in pairs:
            query.setdefault(name, []).append(text)
        if not self._credential.right(dict(request.headers), query):
            raise self._refusal(
                "bad_credential",
                "unauthorized",
                "The mock takes only the credentials that it was started with.",
            )
        for name in self._credential.query_names:
            query.pop(name, None)
        pairs = [pair for pair in pairs if pair[0] not in self._credential.query_names]
        raw = await read_bytes(request)
        recorded = self._tape.answer(request.method, inner, pairs, raw)
        if recorded is not None:
            return _played(recorded)
        read = [(one, self._asked(one, values, query, request, raw)) for one, values in found]
        # a path that is written out is meant before one with an input in that place
        read.sort(key=lambda pair: (pair[0].openness, -pair[1].fitting))
        fitting = [pair for pair in read if not pair[1].wrong]
        if not fitting:
            nearest = [one for endpoint, one in read if endpoint.openness == read[0][0].openness]
            raise self._wrong(min(nearest, key=lambda one: len(one.wrong)))
        try:
            reply = self._answering.reply(
                fitting, path=path, asks_for_stream="event-stream" in request.headers.get("accept", "")
            )
        except CannotMakeError as error:
            raise Refused(f"The mock cannot make this answer. {error}", status=500, type="mock") from None
        return _sent(reply, request)

    async def _token(self, request: Request) -> Response:
        granted = self._credential.granted(dict(request.headers), await read_bytes(request))
        if granted is not None:
            return json_reply(granted, headers={"cache-control": "no-store"})
        said = "The mock gives a token only for the request that the manifest makes with its own credentials."
        return json_reply({"error": "invalid_client", "error_description": said}, 401)

    def _found(self, method: str, path: str) -> list[tuple[Endpoint, list[str]]]:
        matched = [(one, one.matched(path)) for one in self._endpoints if one.method == method]
        found = [(one, values) for one, values in matched if values is not None]
        if found:
            return found
        known = listed(self._endpoints)
        shown = ", ".join(known[:_MOST_LISTED]) + (", ..." if len(known) > _MOST_LISTED else "")
        message = f"The mock has no {method} {path[:200]}. There is: {shown}."
        raise self._refusal("not_found", "not_found", message)

    def _asked(
        self, one: Endpoint, values: list[str], query: dict[str, list[str]], request: Request, raw: bytes
    ) -> Asked:
        if one.action is None or one.follows:
            return Asked()
        form = _form(request, raw)
        body = _json(raw) if form is None and one.route.request.content is None else None
        sent = Sent(values, query, dict(request.headers), body, form, raw)
        return asked(one.action, one.route, sent)

    def _wrong(self, read: Asked) -> Refused:
        first = read.wrong[0]
        sentences = [f"{one.param}: {one.message}" for one in read.wrong[:_MOST_TOLD]]
        return self._refusal("bad_input", "bad_request", " ".join(sentences), first.param)

    def _refusal(self, kind: Any, word: str, message: str, param: str | None = None) -> Refused:
        return Refused(message, status=status_of(self._connector, kind), type=word, param=param)

    def envelope(self, refused: Refused) -> Any:
        """The body of a refusal, where the connector reads it."""
        return refusal_body(self._connector, refused.status, refused.message, refused.type, refused.param)

    async def refused(self, _: Request, error: Exception) -> Response:
        """A refusal as an answer."""
        assert isinstance(error, Refused)
        return json_reply(self.envelope(error), error.status, error.headers)


def _json(raw: bytes) -> Any:
    return parse(raw) if raw.strip() else None


def _form(request: Request, raw: bytes) -> dict[str, list[str]] | None:
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        parts = read_parts(raw, kind)
        return {name: [part.content.decode("utf-8", "replace")] for name, part in parts.items()}
    if kind.lower().startswith("application/x-www-form-urlencoded"):
        form: dict[str, list[str]] = {}
        for name, text in parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True):
            form.setdefault(name, []).append(text)
        return form
    return None


def _played(recorded: Recorded) -> Response:
    return Response(recorded.content, recorded.status, dict(recorded.headers))


def _sent(reply: Reply, request: Request) -> Response:
    headers = {**reply.headers, "x-request-id": request.state.request_id}
    if reply.events is not None:
        response = stream_reply(f"data: {text_of(event)}\n\n" for event in reply.events)
        response.headers.update(headers)
        return response
    if isinstance(reply.content, bytes):
        return Response(reply.content, reply.status, headers, media_type="application/octet-stream")
    if reply.is_text:
        return Response(str(reply.content), reply.status, headers, media_type="text/plain")
    return json_reply(reply.content, reply.status, headers)
