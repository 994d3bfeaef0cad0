"""From an HTTP response to a Reply, or to the error that it is."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from connector.connection import Connection
from connector.errors import ApiError, OutputError
from connector.evaluate import Drift, described, is_true, type_name
from connector.http import httpx
from connector.manifest import Connector, ErrorRule
from connector.messages import pairs_of
from connector.network_errors import place
from connector.plan import Plan, input_behind
from connector.retry import retry_after
from connector.schema import Schema
from connector.secret import Redactor
from connector.strict_json import parse
from connector.template import Expression

MAX_ERROR: Final = 256 * 1024
"""Bytes of an answer of failure that is read. Masking what was made to be slow takes seconds for a megabyte."""

# characters of a long text that are masked, and that are kept: half a secret would not be found
_MASKED, _KEPT = 8000, 2000


@dataclass(frozen=True)
class Reply:
    """A complete answer of success.

    `body` is JSON, a text where the route says so, which is base64 for bytes, or None where the answer has none. `text` is what the
    pieces of a stream gave, None for an answer that came as a whole.
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


def failure(response: httpx.Response, connection: Connection, plan: Plan | None = None) -> ApiError:
    """The error that an unsuccessful answer is, by its status and the type that the service names."""
    redactor = connection.redactor
    status = response.status_code
    is_long = len(response.content) > MAX_ERROR
    try:
        body = None if is_long else parse(response.content)
    except ValueError:
        body = None
    told = _told(body, status, connection, plan)
    said = told.said or _sentence(_plain(response, body, is_long=is_long), redactor)
    message = f"{status} {response.reason_phrase}".strip() + (f": {said}" if said else "") + "."
    if is_long:
        message += f" The answer is longer than {MAX_ERROR // 1024} KiB and was not read."
    elif body is None and not said:
        message += (
            f" The answer is not JSON ({_form(response, redactor)})."
            if response.content
            else " The answer is empty."
        )
    if 300 <= status < 400:
        target = _host(response.headers.get("location", ""))
        message += f" It points to {target}; redirects are not followed." if target else " It is a redirect."
    hint = told.rule.hint if told.rule else _HINTS.get(status // 100, "Check the connection's base_url.")
    if told.input:
        hint = f"It is about the input {told.input}. {hint}"
    wait = retry_after(response.headers)
    if wait:
        hint = f"The service asks to wait {_duration(wait)}. {hint}"
    return ApiError(
        redactor.text(message),
        kind=told.rule.kind if told.rule else _KINDS.get(status // 100, "unexpected"),
        status=status,
        where=place(response.request),
        hint=hint,
        request_id=redactor.text(response.headers.get("x-request-id", "")) or None,
        retry_after=wait,
        input=told.input,
        body=_beginning(response.content[:_MASKED].decode(errors="replace"), redactor)
        if body is None
        else redactor.value(body),
    )


def refusal(body: Any, connection: Connection) -> str | None:
    """What is wrong with an answer of success that may hold anything, as a sentence; None if nothing is told.

    A gateway may answer 200 with an error in it, or with no more than `null`.
    """
    if not isinstance(body, (dict, list)):
        return f"The answer is {described(body)}, not what the service gives"
    scope = {"response": {"body": body, "status": 200}}
    message = connection.connector.errors.message
    try:
        is_told = message is not None and is_true(message.evaluate(scope))
    except Drift:
        is_told = True  # an error in a form of its own
    if not is_told:
        return None
    said = _sentence(_text(message, scope), connection.redactor)
    return f"The answer is an error: {said or 'without a reason'}"


def event_failure(value: Mapping[str, Any], reply: Reply, connection: Connection, plan: Plan) -> ApiError:
    """The error that an event of a stream is; its status is the one it names, or the stream's own."""
    error = value.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else reply.status
    told = _told(value, status, connection, plan)
    return ApiError(
        f"The stream says that it failed: {told.said or 'without a reason'}.",
        kind=told.rule.kind if told.rule else "server_fault",
        status=status,
        where=reply.where,
        hint=told.rule.hint if told.rule else _HINTS[5],
        request_id=reply.request_id,
        input=told.input,
        body=_short(value, connection.redactor),
    )


@dataclass(frozen=True)
class _Told:
    """What an answer says of its failure."""

    said: str
    rule: ErrorRule | None
    input: str | None


def _told(body: Any, status: int, connection: Connection, plan: Plan | None) -> _Told:
    errors = connection.connector.errors
    scope = {"response": {"body": body, "status": status}}
    said = _sentence(_text(errors.message, scope), connection.redactor)
    rule = _rule(connection.connector, status, _text(errors.type, scope))
    return _Told(said, rule, _input(connection.connector, scope, plan))


_KINDS = {4: "bad_input", 5: "server_fault"}
_HINTS = {
    3: "Set base_url to where the service really is.",
    4: "Change the input and run it again.",
    5: "The service failed. Run it again later.",
}


def _plain(response: httpx.Response, body: Any, *, is_long: bool) -> str | None:
    """An answer that is no more than a text, which no expression can look into; a page of HTML is none."""
    if body is None and not is_long and _media_type(response) == "text/plain":
        body = response.content[:_MASKED].decode(errors="replace")
    if not isinstance(body, str) or body.lstrip().startswith("<"):
        return None
    return body.strip().rstrip(".") or None


def _sentence(said: str | None, redactor: Redactor) -> str:
    """What the service says, without secrets and, after them, without its end if it is a book."""
    # on one line, and without what steers a terminal or turns the reading order
    text = "".join(char if char.isprintable() else " " for char in _beginning(said or "", redactor))
    return text if len(text) <= 500 else f"{text[:500]}..."


def _beginning(text: str, redactor: Redactor) -> str:
    return redactor.text(text[:_MASKED])[:_KEPT]


def _short(body: Any, redactor: Redactor) -> Any:
    """A body without secrets and the ends of its long texts; the beginning of its JSON if it is long even so."""
    if _size(body) <= MAX_ERROR:
        return _with_short_texts(body, redactor)
    pieces = json.JSONEncoder(ensure_ascii=False).iterencode(body)
    return _beginning("".join(islice(pieces, _MASKED)), redactor)


def _size(value: Any) -> int:
    """How much of a value would be masked."""
    if isinstance(value, str):
        return min(len(value), _MASKED)
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    if isinstance(value, dict):
        return 1 + sum(map(_size, value)) + sum(map(_size, value.values()))
    return 1


def _with_short_texts(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return _beginning(value, redactor)
    if isinstance(value, list):
        return [_with_short_texts(item, redactor) for item in value]
    if isinstance(value, dict):
        return {
            _beginning(str(key), redactor): _with_short_texts(item, redactor) for key, item in value.items()
        }
    return value


def _host(url: str) -> str:
    try:
        return httpx.URL(url).raw_host.decode("ascii", "replace")  # as it is sent: `host` would decode it
    except httpx.InvalidURL:
        return ""


def _form(response: httpx.Response, redactor: Redactor) -> str:
    return redactor.text(_media_type(response))[:80] or "of no type"


def _media_type(response: httpx.Response) -> str:
    said: str = response.headers.get("content-type", "")
    return said.partition(";")[0].strip().lower()


def _duration(seconds: float) -> str:
    """For people: 2 seconds, 5 minutes."""
    count, unit = (seconds, "second") if seconds < 120 else (seconds / 60, "minute")
    if count >= 120:
        count, unit = count / 60, "hour"
    number = math.ceil(count)
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def shown_headers(response: httpx.Response, redactor: Redactor) -> dict[str, str]:
    """An answer's headers, names in lower case, without secrets. What stands twice is joined by commas."""
    headers: dict[str, str] = {}
    for raw, value in pairs_of(response):
        name, text = raw.decode("ascii", "replace").lower(), value.decode("utf-8", "replace")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    if not redactor.finds("\n".join(headers.values())):
        return headers
    return {name: redactor.text(value) for name, value in headers.items()}


def _rule(connector: Connector, status: int, kind_said: str | None) -> ErrorRule | None:
    rules = connector.errors.kinds
    return next((r for r in rules if status in r.status and (not r.types or kind_said in r.types)), None)


def _text(expression: Expression | None, scope: Mapping[str, Any]) -> str | None:
    """What an expression finds in an answer that may have any form; only text counts."""
    try:
        value = expression.evaluate(scope) if expression else None
    except Drift:
        return None
    return value.strip().rstrip(".") or None if isinstance(value, str) else None


def _input(connector: Connector, scope: Mapping[str, Any], plan: Plan | None) -> str | None:
    expression = connector.errors.input
    if expression is None or plan is None:
        return None
    try:
        value = expression.evaluate(scope)
    except Drift:
        return None
    if isinstance(value, list):  # FastAPI: ["body", "max_results"]
        value = ".".join(str(part) for part in value)
    return input_behind(plan, value) if isinstance(value, str) else None


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
    got = f"{_form(response, connection.redactor)}, {len(response.content)} bytes"
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
            said = _sentence(_text(failed.message, scope), redactor)
            return ApiError(
                f"The answer is a failure: {said or 'without a reason'}.",
                kind=failed.kind,
                status=reply.status,
                where=reply.where,
                hint=failed.hint or "Run it again.",
                request_id=reply.request_id,
                body=_short(reply.body, redactor),
            )
    return None
