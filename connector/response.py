"""From an HTTP response to a Reply, or to the error that it is."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connector.connection import Connection
from connector.errors import ApiError, OutputError
from connector.evaluate import Drift, is_true, type_name
from connector.http import httpx
from connector.messages import pairs_of
from connector.network_errors import place
from connector.plan import Plan
from connector.refusal import HINTS, failure, form_of, reason_in, sentence, short, text_at
from connector.schema import Schema
from connector.secret import Redactor
from connector.strict_json import parse


@dataclass(frozen=True)
class Reply:
    """A complete answer of success.

    `body` is JSON, a text where the route says so, which is base64 for bytes, or None where the answer has none.
    `text` is what the pieces of a stream gave, None for an answer that came as a whole.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    request_id: str | None
    where: str
    text: str | None = None


def read(response: httpx.Response, plan: Plan, connection: Connection) -> Reply:
    """The reply to a plan's request.

    Raises:
        ApiError: if the service answered with a failure, whatever its form: the JSON envelope, a FastAPI
            list, a page of HTML, nothing.
        OutputError: if a successful answer is not JSON.
    """
    if not response.is_success:
        raise failure(response, connection, plan)
    headers = shown_headers(response, connection.redactor)
    where = place(response.request)
    request_id = headers.get("x-request-id")
    if response.status_code == 206:
        raise _junk("The answer is a part of one (206), which was not asked for", response, connection)
    body = _SUCCESSES[plan.route.answer](response, connection)
    reply = Reply(response.status_code, headers, body, request_id, where)
    return checked(reply, plan, connection.redactor)


def checked(reply: Reply, plan: Plan, redactor: Redactor) -> Reply:
    """The reply, unless the route calls it a failure, whatever its status.

    Raises:
        ApiError: if it does.
        OutputError: if the answer lacks what the route's response schema promises. A stream's last event may
            have lost it while the text came through, and its outputs would be empty in silence. Null is no
            more than nothing, unless the schema has it.
    """
    failed = _failed(reply, plan, redactor)
    if failed is not None:
        raise failed
    for name in plan.route.response.get("required", ()):
        if not isinstance(reply.body, dict) or name not in reply.body:
            raise _missing(reply, name)
        if reply.body[name] is None and not _may_be_null(plan.route.response, name):
            raise _missing(reply, name)
    return reply


def _may_be_null(schema: Schema, name: str) -> bool:
    kinds = schema.get("properties", {}).get(name, {}).get("type", "null")
    return "null" in ((kinds,) if isinstance(kinds, str) else kinds)


def _missing(reply: Reply, name: str) -> OutputError:
    got = "nothing" if reply.body is None else type_name(reply.body)
    what = f" (there is {got} instead)"
    if isinstance(reply.body, dict):
        what = " (it is null)" if name in reply.body else ""
    return OutputError(
        f"The answer has no {name!r}, which the service has always given{what}.",
        field=f"response.body.{name}",
        expected="a value",
        got="nothing",
        where=reply.where,
        hint="The API may have changed, or something else answered: check base_url, and for a newer connector.",
        request_id=reply.request_id,
    )


def event_failure(value: Mapping[str, Any], reply: Reply, connection: Connection, plan: Plan) -> ApiError:
    """The error that an event of a stream is; its status is the one it names, or the stream's own."""
    error = value.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else reply.status
    told = reason_in(value, status, connection, plan)
    return ApiError(
        f"The stream says that it failed: {told.said or 'without a reason'}.",
        kind=told.rule.kind if told.rule else "server_fault",
        status=status,
        where=reply.where,
        hint=told.rule.hint if told.rule else HINTS[5],
        request_id=reply.request_id,
        input=told.input,
        body=short(value, connection.redactor),
    )


def shown_headers(response: httpx.Response, redactor: Redactor) -> dict[str, str]:
    """An answer's headers, names in lower case, without secrets. What stands twice is joined by commas."""
    headers: dict[str, str] = {}
    for raw, value in pairs_of(response):
        name, text = raw.decode("ascii", "replace").lower(), value.decode("utf-8", "replace")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    if not redactor.finds("\n".join(headers.values())):
        return headers
    return {name: redactor.text(value) for name, value in headers.items()}


def _success_body(response: httpx.Response, connection: Connection) -> Any:
    if not response.content.strip():
        return None
    try:
        return _without_secrets(parse(response.content), response.content, connection.content_redactor)
    except ValueError as error:
        wrong = str(error)
    raise _junk(f"The answer is not JSON: {wrong}", response, connection)


def _success_text(response: httpx.Response, connection: Connection) -> str:
    if "html" in response.headers.get("content-type", "").lower():
        raise _junk("The answer is a page, not the text", response, connection)
    try:
        return connection.content_redactor.text(response.content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        pass
    raise _junk("The answer is not UTF-8 text", response, connection)


def _success_bytes(response: httpx.Response, connection: Connection) -> str:
    text = response.content.decode("utf-8", "surrogateescape")
    shown = connection.content_redactor.text(text)
    return base64.b64encode(
        response.content if shown == text else shown.encode("utf-8", "surrogateescape")
    ).decode()


_SUCCESSES: Final = {"json": _success_body, "text": _success_text, "bytes": _success_bytes}


def _junk(message: str, response: httpx.Response, connection: Connection) -> OutputError:
    got = f"{form_of(response, connection.redactor)}, {len(response.content)} bytes"
    return OutputError(
        f"{message} ({got}).",
        field="response.body",
        expected="JSON",
        got=got,
        where=place(response.request),
        hint="Check base_url: a login page or a proxy may have answered instead of the service.",
        request_id=connection.redactor.text(response.headers.get("x-request-id", "")) or None,
    )


def _without_secrets(body: Any, content: bytes, redactor: Redactor) -> Any:
    """A gateway may echo the key; a JSON text may also spell it with escapes."""
    # one byte is found at once, more than one are not
    is_spelt = b"\\" in content and b"\\u00" in content and _SPELT.search(content) is not None
    return redactor.value(body) if is_spelt or redactor.finds(content.decode(errors="replace")) else body


# ASCII as an escape, but for what is often written so: < > & ' and control characters
_SPELT = re.compile(rb"\\u00(?:2[0-589a-fA-F]|3[0-9abdfABDF]|[4-7])")


def _failed(reply: Reply, plan: Plan, redactor: Redactor) -> ApiError | None:
    """The error that an answer with a status of success is, where the route says so."""
    answer = {"body": reply.body, "status": reply.status, "text": reply.text}
    scope = {"inputs": plan.inputs, "response": answer}
    for failed in plan.route.failures:
        try:
            holds = is_true(failed.when.evaluate(scope))
        except Drift:
            continue
        if holds:
            said = sentence(text_at(failed.message, scope), redactor)
            return ApiError(
                f"The answer is a failure: {said or 'without a reason'}.",
                kind=failed.kind,
                status=reply.status,
                where=reply.where,
                hint=failed.hint or "Run it again.",
                request_id=reply.request_id,
                body=short(reply.body, redactor),
            )
    return None
