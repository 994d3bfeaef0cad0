"""From a Plan and a Connection to the exact HTTP request, or to a form of it that people may see.

The secret enters here and nowhere else: the auth template is filled with it, or with what stands in for it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from connector.connection import Connection, is_header_value
from connector.errors import InputError, Problem
from connector.evaluate import text_of
from connector.http import httpx
from connector.manifest import Connector
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
        InputError: if the URL or a header would hold what HTTP cannot carry.
    """
    url = _url(connection.base_url + plan.path, plan.query)
    form, content = _content(plan)
    headers = _headers(plan, form)
    return _signed(plan.method, url, headers, content, connection)


def build_follow_up(plan: Plan, method: str, path: str, connection: Connection) -> httpx.Request:
    """A request that follows a plan's answer: to the same place, without a body."""
    url = _url(connection.base_url + path)
    return _signed(method, url, _standard_headers(_agent(plan.connector)), None, connection)


def build_check(connection: Connection) -> httpx.Request:
    """The connector's free request that shows whether a connection works."""
    check = connection.connector.connection.check
    url = _url(connection.base_url + (check.path if check else "/"))
    return _signed("GET", url, _standard_headers(_agent(connection.connector)), None, connection)


def preview(plan: Plan, connection: Connection, *, stand_in: Callable[[str], str] | None = None) -> Preview:
    """The request of a plan with every secret replaced: by a mask, or by what `stand_in` gives for a field."""
    url = str(_url(connection.base_url + plan.path, plan.query))
    headers = _headers(plan, _content(plan)[0])
    if connection.connector.connection.auth.kind == "basic":
        return Preview(plan.method, url, _merged(headers, {"Authorization": f"Basic {MASK}"}), plan.body)
    signed, query = _auth(connection, lambda name, _: stand_in(name) if stand_in else MASK)
    for name, value in query.items():
        url += f"{'&' if plan.query else '?'}{httpx.QueryParams({name: ''})}{value}"
    return Preview(plan.method, url, _merged(headers, signed), plan.body)


def curl(plan: Plan, connection: Connection) -> str:
    """An equivalent curl command; secrets are read from the environment by the shell that runs it."""

    def variable(name: str) -> str:
        return f"\0{plan.connector.id}_{name}\0".upper()

    shown = preview(plan, connection, stand_in=variable)
    auth = plan.connector.connection.auth
    lines = [f"curl --request {shown.method} {_shell(shown.url)}"]
    unsaid = {"User-Agent", "Accept-Encoding"}  # curl's own business
    if auth.kind == "basic":
        lines.append(f"--user {_shell(_basic(connection, lambda name, _: variable(name)))}")
        unsaid.add("Authorization")
    lines += [
        f"--header {_shell(f'{name}: {value}')}"
        for name, value in shown.headers.items()
        if name not in unsaid
    ]
    if shown.body is not None:
        lines.append(f"--data-raw {shlex.quote(_json(shown.body).decode())}")
    elif plan.form or plan.files:
        lines.append(f"--data-raw {shlex.quote(_multipart(plan)[1].decode())}")
    return " \\\n  ".join(lines)


def _shell(text: str) -> str:
    """Quoted for a POSIX shell; NAME between two NULs becomes a variable that the shell expands."""
    if "\0" not in text:
        return shlex.quote(text)
    quoted = "".join(f"\\{char}" if char in '"\\$`' else char for char in text)
    return '"' + re.sub(r"\0(.+?)\0(?=(\w)?)", lambda m: f"${{{m[1]}}}" if m[2] else f"${m[1]}", quoted) + '"'


def _auth(
    connection: Connection, reveal: Callable[[str, Secret], str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What proves who sends a request: headers, and parameters of the query."""
    auth = connection.connector.connection.auth
    if auth.kind == "basic":
        pair = _basic(connection, reveal).encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}, {}
    value = text_of(auth.value.fill({"connection": connection.fields(reveal)})) if auth.value else ""
    if auth.kind == "query":
        return {}, {auth.name: value}
    return {auth.name: f"Bearer {value}" if auth.kind == "bearer" else value}, {}


def _basic(connection: Connection, reveal: Callable[[str, Secret], str]) -> str:
    """`user:password`."""
    auth = connection.connector.connection.auth
    scope = {"connection": connection.fields(reveal)}
    return ":".join(text_of(part.fill(scope)) for part in (auth.username, auth.password) if part)


def _agent(connector: Connector) -> str:
    return f"{connector.id}-connector/{connector.version}"


@lru_cache(maxsize=64)  # nothing in it is secret, and few differ
def _standard_headers(
    agent: str, accept: str = "application/json", coding: str = "gzip", form: str | None = None
) -> Mapping[str, str]:
    """What every request has. `gzip` is what `transport` can read."""
    headers = {"Accept": accept, "Accept-Encoding": coding, "User-Agent": agent}
    return headers if form is None else {**headers, "Content-Type": form}


def _headers(plan: Plan, form: str | None) -> Mapping[str, str]:
    """The request's headers but for the auth: what every request has, and an action's own."""
    agent = _agent(plan.connector)
    if plan.streams:
        standard = _standard_headers(agent, "text/event-stream, application/json", "identity", form)
    elif plan.route.answer == "text":
        standard = _standard_headers(agent, "*/*", form=form)
    else:
        standard = _standard_headers(agent, form=form)
    if not plan.headers:
        return standard
    for name, value in plan.headers.items():
        if not is_header_value(value):
            message = f"The header {name} would hold what HTTP cannot carry."
            hint = "Use printable ASCII, without a space at either end, for what goes into it."
            raise InputError([Problem("inputs", message, hint)])
    return _merged(standard, plan.headers)


def _content(plan: Plan) -> tuple[str | None, bytes | None]:
    """The body, and the type that is said of it; None and None where there is no body."""
    if plan.form or plan.files:
        return _multipart(plan)
    return (None, None) if plan.body is None else ("application/json", _json(plan.body))


def _multipart(plan: Plan) -> tuple[str, bytes]:
    parts: list[tuple[str, str | None, str]] = []
    parts += [(f'name="{_named(name)}"', None, text) for name, text in plan.form]
    parts += [
        (f'name="{_named(f.field)}"; filename="{_named(f.name)}"', f.type, f.content) for f in plan.files
    ]
    # the same form has the same bytes, so that a cassette can tell it from another
    boundary = hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:32]
    lines = []
    for disposition, kind, text in parts:
        lines += [f"--{boundary}", f"Content-Disposition: form-data; {disposition}"]
        lines += [f"Content-Type: {kind}"] if kind else []
        lines += ["", text]
    return f"multipart/form-data; boundary={boundary}", "\r\n".join([*lines, f"--{boundary}--", ""]).encode()


def _named(name: str) -> str:
    """A name inside the quotes of a form: as browsers escape it."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _merged(*parts: Mapping[str, str]) -> dict[str, str]:
    """Headers put together; a later one replaces an earlier one, however their names are spelt."""
    found = {}
    for part in parts:
        for name, value in part.items():
            found[name.lower()] = name, value
    return dict(found.values())


_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _json(body: Any) -> bytes:
    return _encode(body).encode()


def _url(text: str, query: tuple[tuple[str, str], ...] = ()) -> httpx.URL:
    # put together from a checked base and an encoded path: httpx has nothing to resolve
    try:
        return httpx.URL(text, params=query) if query else _plain_url(text)
    except httpx.InvalidURL:
        message = "The request's URL would be longer than HTTP carries."
    raise InputError([Problem("inputs", message, "Shorten what goes into the path and the query.")])


@lru_cache(maxsize=256)
def _plain_url(text: str) -> httpx.URL:
    return httpx.URL(text)


class _Request(httpx.Request):
    """A request that prints without its query, which may hold a key."""

    @property
    def content(self) -> bytes:
        return self.read()

    def __repr__(self) -> str:
        return f"<Request({self.method!r}, {str(self.url.copy_with(query=None))!r})>"


def _signed(
    method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None, connection: Connection
) -> httpx.Request:
    """The request with the secrets in it. Nothing is refused here: a traceback would show them."""
    signed, query = _auth(connection, lambda _, secret: secret.reveal())
    for name, value in query.items():
        url = url.copy_add_param(name, value)
    sent = [(b"Host", url.netloc)]
    sent += [
        (name.encode("ascii"), value.encode("ascii")) for name, value in _merged(headers, signed).items()
    ]
    if content is not None or method in {"POST", "PUT", "PATCH"}:
        sent.append((b"Content-Length", b"%d" % len(content or b"")))
    # a stream, unlike content, has httpx add and parse no headers of its own: that would take longer than the rest
    body = httpx.ByteStream(content or b"")
    limits = connection.connector.timeouts.steps
    return _Request(method, url, headers=sent, stream=body, extensions={"timeout": limits})
