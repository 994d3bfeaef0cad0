"""From a Plan and a Connection to the exact HTTP request, or to a form of it that people may see.

The secret enters here and nowhere else: the auth template is filled with it, or with what stands in for it.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from connector.connection import Connection
from connector.errors import InputError, Problem
from connector.evaluate import text_of
from connector.manifest import Auth, Connector, Timeouts
from connector.plan import Plan
from connector.secret import MASK, Secret


@dataclass(frozen=True)
class Preview:
    """A request as people may see it: no secret in it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any


def build(plan: Plan, connection: Connection) -> httpx.Request:
    """The request of a plan.

    Raises:
        InputError: if a header would hold what HTTP cannot carry.
    """
    headers, query = _auth(connection, lambda _, secret: secret.reveal())
    content = None if plan.body is None else _json(plan.body)
    return _request(
        plan.method,
        connection.base_url + plan.path,
        [*plan.query, *query],
        {**_standard_headers(plan.connector, has_body=content is not None), **plan.headers, **headers},
        content,
        plan.connector.timeouts,
    )


def build_check(connection: Connection) -> httpx.Request:
    """The connector's free request that shows whether a connection works."""
    headers, query = _auth(connection, lambda _, secret: secret.reveal())
    check = connection.connector.connection.check
    path = check.path if check else "/"
    standard = _standard_headers(connection.connector, has_body=False)
    url = connection.base_url + path
    return _request("GET", url, query, {**standard, **headers}, None, connection.connector.timeouts)


def preview(plan: Plan, connection: Connection, *, stand_in: Callable[[str], str] | None = None) -> Preview:
    """The request of a plan with every secret replaced: by a mask, or by what `stand_in` gives for a field."""
    headers, query = _auth(connection, lambda name, _: stand_in(name) if stand_in else MASK)
    standard = _standard_headers(plan.connector, has_body=plan.body is not None)
    pairs = [*plan.query, *query]
    text = "&".join(
        f"{_quoted(name)}={value if (name, value) in query else _quoted(value)}" for name, value in pairs
    )
    url = connection.base_url + plan.path + (f"?{text}" if text else "")
    return Preview(plan.method, url, {**standard, **plan.headers, **headers}, plan.body)


def curl(plan: Plan, connection: Connection) -> str:
    """An equivalent curl command; secrets are read from the environment by the shell that runs it."""
    shown = preview(plan, connection, stand_in=lambda name: f"\0{plan.connector.id.upper()}_{name.upper()}\0")
    auth = plan.connector.connection.auth
    lines = [f"curl --request {shown.method} {_shell(shown.url)}"]
    if auth.kind == "basic":
        stand_ins = connection.fields(lambda name, _: f"\0{plan.connector.id.upper()}_{name.upper()}\0")
        scope = {"connection": stand_ins}
        pair = ":".join(text_of(part.fill(scope)) for part in (auth.username, auth.password) if part)
        lines.append(f"--user {_shell(pair)}")
    for name, value in shown.headers.items():
        if name != "User-Agent" and not (auth.kind == "basic" and name == "Authorization"):
            lines.append(f"--header {_shell(f'{name}: {value}')}")
    if shown.body is not None:
        lines.append(f"--data-raw {shlex.quote(_json(shown.body).decode())}")
    return " \\\n  ".join(lines)


def _shell(text: str) -> str:
    """Quoted for a POSIX shell; NAME between two NULs becomes a variable that the shell expands."""
    if "\0" not in text:
        return shlex.quote(text)
    quoted = "".join(f"\\{char}" if char in '"\\$`' else char for char in text)
    parts = quoted.split("\0")
    return '"' + "".join(f"${{{part}}}" if index % 2 else part for index, part in enumerate(parts)) + '"'


def _auth(
    connection: Connection, reveal: Callable[[str, Secret], str]
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    auth: Auth = connection.connector.connection.auth
    scope = {"connection": connection.fields(reveal)}
    if auth.kind == "basic" and auth.username is not None and auth.password is not None:
        pair = f"{text_of(auth.username.fill(scope))}:{text_of(auth.password.fill(scope))}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, []
    value = text_of(auth.value.fill(scope)) if auth.value is not None else ""
    if auth.kind == "query":
        return {}, [(auth.name, value)]
    return {auth.name: f"Bearer {value}" if auth.kind == "bearer" else value}, []


def _standard_headers(connector: Connector, *, has_body: bool) -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": f"{connector.id}-connector/{connector.version}"}
    return {**headers, "Content-Type": "application/json"} if has_body else headers


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _quoted(text: str) -> str:
    return str(httpx.QueryParams({"": text}))[1:]


def _request(
    method: str,
    url: str,
    query: list[tuple[str, str]],
    headers: Mapping[str, str],
    content: bytes | None,
    timeouts: Timeouts,
) -> httpx.Request:
    encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    for name, value in headers.items():
        if not value.isprintable() or not value.isascii():
            message = f"The header {name} would hold a character that HTTP cannot carry."
            raise InputError([Problem(name, message, "Use printable ASCII for what goes into it.")])
    limits = {
        "connect": timeouts.connect,
        "read": timeouts.read,
        "write": timeouts.write,
        "pool": timeouts.connect,
    }
    # the URL is put together from a checked base and an encoded path, so httpx has nothing to resolve
    target = httpx.URL(url, params=query) if query else httpx.URL(url)
    return httpx.Request(method, target, headers=encoded, content=content, extensions={"timeout": limits})
