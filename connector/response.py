"""From an HTTP response to a Reply, or to the error that it is."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import httpx

from connector.errors import ApiError, ConnectorError, OutputError
from connector.evaluate import Drift, is_true
from connector.manifest import Connector, ErrorRule
from connector.plan import Plan, input_behind
from connector.retry import retry_after
from connector.secret import Redactor
from connector.template import Expression
from connector.transport import place

MAX_DEPTH: Final = 200


@dataclass(frozen=True)
class Reply:
    """A complete answer of success. `body` is JSON, or None where the answer has none."""

    status: int
    headers: Mapping[str, str]
    body: Any
    request_id: str | None
    where: str


def read(response: httpx.Response, plan: Plan, redactor: Redactor) -> Reply:
    """The reply to a plan's request.

    Raises:
        ApiError: if the service answered with a failure, whatever its form: the JSON envelope, a FastAPI
            list, a page of HTML, nothing.
        OutputError: if a successful answer is not JSON.
    """
    where = place(response.request)
    headers = {name: redactor.text(value) for name, value in response.headers.items()}
    if not response.is_success:
        raise failure(response, plan.connector, redactor, plan)
    body = _success_body(response, where, redactor)
    reply = Reply(response.status_code, headers, body, headers.get("x-request-id"), where)
    _raise_if_failed(reply, plan, redactor)
    return reply


def failure(
    response: httpx.Response, connector: Connector, redactor: Redactor, plan: Plan | None = None
) -> ConnectorError:
    """The error that an unsuccessful answer is, by its status and the type that the service names."""
    where = place(response.request)
    status = response.status_code
    try:
        body = parse(response.content)
    except ValueError:
        body = None
    scope = {"response": {"body": body, "status": status}}
    said = _text(connector.errors.message, scope)
    kind_said = _text(connector.errors.type, scope)
    rule = _rule(connector, status, kind_said)
    message = redactor.text(
        f"{status} {response.reason_phrase}".strip() + (f": {said}" if said else "") + "."
    )
    hint = rule.hint if rule else _HINTS.get(status // 100, "Check the connection's base_url.")
    if body is None and not said:
        form = response.headers.get("content-type", "").split(";")[0]
        message += (
            f" The answer is not JSON ({form or 'of no type'})."
            if response.content
            else " The answer is empty."
        )
    behind = _input(connector, scope, plan)
    if behind:
        hint = f"It is about the input {behind}. {hint}"
    if 300 <= status < 400:
        target = httpx.URL(response.headers.get("location", "")).host if _is_url(response) else ""
        message += f" It points to {target}; redirects are not followed." if target else " It is a redirect."
    return ApiError(
        message,
        kind=rule.kind if rule else _KINDS.get(status // 100, "unexpected"),
        status=status,
        where=where,
        hint=hint,
        request_id=redactor.text(response.headers.get("x-request-id", "")) or None,
        retry_after=retry_after(response.headers),
        input=behind,
        body=redactor.value(body if body is not None else response.text[:2000]),
    )


_KINDS = {4: "bad_input", 5: "server_fault"}
_HINTS = {
    3: "Set base_url to where the service really is.",
    4: "Change the input and run it again.",
    5: "The service failed. Run it again later.",
}


def _is_url(response: httpx.Response) -> bool:
    try:
        httpx.URL(response.headers.get("location", ""))
    except httpx.InvalidURL:
        return False
    return True


def _rule(connector: Connector, status: int, kind_said: str | None) -> ErrorRule | None:
    rules = connector.errors.kinds
    return next((r for r in rules if status in r.status and (not r.types or kind_said in r.types)), None)


def _text(expression: Expression | None, scope: Mapping[str, Any]) -> str | None:
    """What an expression finds in an answer that may have any form; only text counts."""
    try:
        value = expression.evaluate(scope) if expression else None
    except Drift:
        return None
    return value.strip().rstrip(".") if isinstance(value, str) and value.strip() else None


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


def _success_body(response: httpx.Response, where: str, redactor: Redactor) -> Any:
    if not response.content.strip():
        return None
    try:
        return parse(response.content)
    except ValueError as error:
        form = response.headers.get("content-type", "").split(";")[0] or "of no type"
        got = f"{form}, {len(response.content)} bytes"
        raise OutputError(
            redactor.text(f"The answer is not JSON: {error} ({got})."),
            field="response.body",
            expected="JSON",
            got=got,
            where=where,
            hint="Check base_url: a login page or a proxy may have answered instead of the service.",
        ) from None


def _raise_if_failed(reply: Reply, plan: Plan, redactor: Redactor) -> None:
    scope = {"inputs": plan.inputs, "response": {"body": reply.body, "status": reply.status}}
    for failed in plan.route.failures:
        try:
            holds = is_true(failed.when.evaluate(scope))
        except Drift:
            continue
        if holds:
            said = _text(failed.message, scope)
            raise ApiError(
                redactor.text(f"The answer is a failure: {said or 'without a reason'}."),
                kind=failed.kind,
                status=reply.status,
                where=reply.where,
                hint=failed.hint,
                request_id=reply.request_id,
                body=redactor.value(reply.body),
            )


def parse(content: bytes) -> Any:
    """JSON, as RFC 8259 has it: UTF-8, finite numbers, no key twice, and not nested without end.

    Half a surrogate pair, which no UTF-8 text can carry further, becomes U+FFFD.

    Raises:
        ValueError: with what is wrong.
    """
    if content.count(b"[") + content.count(b"{") > MAX_DEPTH and _depth(content) > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_float, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg.lower()} at character {error.pos}") from None
    return _whole_characters(value) if _SURROGATE.search(text) else value


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def _depth(content: bytes) -> int:
    depth = deepest = 0
    for byte in _STRING.sub(b"", content).translate(None, delete=_NOT_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole_characters(item) for item in value]
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(item) for key, item in value.items()}
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _float(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError("a number is too large")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in an object")
    return found
