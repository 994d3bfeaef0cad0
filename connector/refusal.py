"""From an answer that is a failure to the error that it is: whatever its form, with what to do, without secrets."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from connector.connection import Connection
from connector.errors import ApiError
from connector.evaluate import Drift, described, is_true
from connector.http import httpx
from connector.manifest import Connector, ErrorRule
from connector.network_errors import place
from connector.plan import Plan, input_behind
from connector.retry import retry_after
from connector.secret import Redactor
from connector.strict_json import parse
from connector.template import Expression

MAX_ERROR: Final = 256 * 1024
"""Bytes of an answer of failure that is read. Masking what was made to be slow takes seconds for a megabyte."""

# characters of a long text that are masked, and that are kept: half a secret would not be found
_MASKED, _KEPT = 8000, 2000

_KINDS: Final = {4: "bad_input", 5: "server_fault"}
HINTS: Final = {
    3: "Set base_url to where the service really is.",
    4: "Change the input and run it again.",
    5: "The service failed. Run it again later.",
}
"""What to do, by the hundreds of a status."""


def failure(response: httpx.Response, connection: Connection, plan: Plan | None = None) -> ApiError:
    """The error that an unsuccessful answer is, by its status and the type that the service names."""
    redactor = connection.redactor
    status = response.status_code
    is_long = len(response.content) > MAX_ERROR
    try:
        body = None if is_long else parse(response.content)
    except ValueError:
        body = None
    told = reason_in(body, status, connection, plan)
    said = told.said or sentence(_plain(response, body, is_long=is_long), redactor)
    message = f"{status} {response.reason_phrase}".strip() + (f": {said}" if said else "") + "."
    if is_long:
        message += f" The answer is longer than {MAX_ERROR // 1024} KiB and was not read."
    elif body is None and not said:
        message += (
            f" The answer is not JSON ({form_of(response, redactor)})."
            if response.content
            else " The answer is empty."
        )
    if 300 <= status < 400:
        target = _host(response.headers.get("location", ""))
        message += f" It points to {target}; redirects are not followed." if target else " It is a redirect."
    hint = told.rule.hint if told.rule else HINTS.get(status // 100, "Check the connection's base_url.")
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
    said = sentence(text_at(message, scope), connection.redactor)
    return f"The answer is an error: {said or 'without a reason'}"


@dataclass(frozen=True)
class Reason:
    """What an answer says of its failure."""

    said: str
    rule: ErrorRule | None
    input: str | None


def reason_in(body: Any, status: int, connection: Connection, plan: Plan | None) -> Reason:
    """What a body says, where the connector's `errors` look for it; the body may have any form."""
    errors = connection.connector.errors
    scope = {"response": {"body": body, "status": status}}
    said = sentence(text_at(errors.message, scope), connection.redactor)
    rule = _rule(connection.connector, status, text_at(errors.type, scope))
    return Reason(said, rule, _input(connection.connector, scope, plan))


def _plain(response: httpx.Response, body: Any, *, is_long: bool) -> str | None:
    """An answer that is no more than a text, which no expression can look into; a page of HTML is none."""
    if body is None and not is_long and _media_type(response) == "text/plain":
        body = response.content[:_MASKED].decode(errors="replace")
    if not isinstance(body, str) or body.lstrip().startswith("<"):
        return None
    return body.strip().rstrip(".") or None


def sentence(said: str | None, redactor: Redactor) -> str:
    """What the service says, without secrets and, after them, without its end if it is a book."""
    # on one line, and without what steers a terminal or turns the reading order
    text = "".join(char if char.isprintable() else " " for char in _beginning(said or "", redactor))
    return text if len(text) <= 500 else f"{text[:500]}..."


def _beginning(text: str, redactor: Redactor) -> str:
    return redactor.text(text[:_MASKED])[:_KEPT]


def short(body: Any, redactor: Redactor) -> Any:
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


def form_of(response: httpx.Response, redactor: Redactor) -> str:
    """The type that an answer says it is of."""
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


def _rule(connector: Connector, status: int, kind_said: str | None) -> ErrorRule | None:
    rules = connector.errors.kinds
    return next((r for r in rules if status in r.status and (not r.types or kind_said in r.types)), None)


def text_at(expression: Expression | None, scope: Mapping[str, Any]) -> str | None:
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
