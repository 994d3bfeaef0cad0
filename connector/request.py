"""From a Plan and a Connection to the exact HTTP request, or to a form of it that people may see.

The secret enters here and nowhere else: the auth template is filled with it, or with what stands in for it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from connector.connection import Connection, is_header_value
from connector.errors import InputError, Problem
from connector.evaluate import text_of
from connector.http import httpx
from connector.manifest import Connector
from connector.messages import Pairs, Request
from connector.plan import Plan
from connector.secret import MASK, Redactor, Secret

Headers = tuple[tuple[str, str], ...]
_MOST: Final = 64  # sets of headers that are kept for a connection
ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - a name
"""What stands in for an access token is named by this, as a field's is by the field."""


@dataclass(frozen=True)
class Preview:
    """A request as people may see it: no secret in it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    text: str | None = None
    """The body as it is sent, where it is no JSON: a form."""


def build(plan: Plan, connection: Connection) -> Request:
    """The request of a plan.

    Raises:
        InputError: if the URL or a header would hold what HTTP cannot carry.
    """
    url = _url(connection.url_of(plan.route.request) + plan.path, plan.query)
    form, content = _content(plan)
    headers = _headers(plan, form)
    return _signed(plan.method, url, headers, content, connection, is_own=bool(plan.headers))


def build_token(connection: Connection) -> Request:
    """The request for an access token (RFC 6749, 4.4). It goes to the manifest's token_url."""
    url, auth = _url(connection.token_url), connection.connector.connection.auth
    scope = {"connection": connection.fields(lambda _, secret: secret.reveal())}
    fields: dict[str, Any] = {"grant_type": "client_credentials"}
    fields.update({name: value.fill(scope) for name, value in auth.parameters.items()})
    scopes = auth.scopes.fill(scope) if auth.scopes else None
    fields["scope"] = " ".join(map(text_of, scopes)) if isinstance(scopes, list) else scopes
    client = {
        name: text_of(template.fill(scope))
        for name, template in (("client_id", auth.client_id), ("client_secret", auth.client_secret))
        if template is not None
    }
    headers = _standard_headers(_agent(connection.connector), form="application/x-www-form-urlencoded")
    if auth.send_as == "basic":
        pair = ":".join(map(quote_plus, client.values())).encode()  # RFC 6749, 2.3.1: encoded, then joined
        headers += (("Authorization", f"Basic {base64.b64encode(pair).decode()}"),)
    else:
        fields.update(client)
    pairs = [
        (name, text_of(item))
        for name, value in fields.items()
        for item in (value if isinstance(value, list) else [value])
        if item is not None
    ]
    return _complete("POST", url, _encoded(headers), urlencode(pairs).encode(), connection)


def build_follow_up(plan: Plan, method: str, path: str, connection: Connection) -> Request:
    """A request that follows a plan's answer: to the same place, without a body."""
    url = _url(connection.url_of(plan.route.request) + path)
    return _signed(method, url, _standard_headers(_agent(plan.connector)), None, connection)


def build_check(connection: Connection) -> Request:
    """The connector's free request that shows whether a connection works."""
    check = connection.connector.connection.check
    url = _url(connection.base_url + (check.path if check else "/"))
    return _signed("GET", url, _standard_headers(_agent(connection.connector)), None, connection)


def preview(plan: Plan, connection: Connection, *, stand_in: Callable[[str], str] | None = None) -> Preview:
    """The request of a plan with every secret replaced: by a mask, or by what `stand_in` gives for a field."""
    url = str(_url(connection.url_of(plan.route.request) + plan.path, plan.query))
    form, content = _content(plan)
    headers = _headers(plan, form)
    text = _text(content) if content is not None and plan.body is None else None
    signed, query = _auth(connection, lambda name, _: stand_in(name) if stand_in else MASK)
    if connection.connector.connection.auth.kind == "basic":
        signed["Authorization"] = f"Basic {MASK}"
    for number, (name, value) in enumerate(query.items()):
        url += f"{'&' if plan.query or number else '?'}{httpx.QueryParams({name: ''})}{value}"
    shown = Preview(plan.method, url, dict(_merged(headers, signed.items())), plan.body, text)
    if not plan.secrets:
        return shown
    hide = Redactor(plan.secrets, cut=False)
    return Preview(
        shown.method,
        hide.text(shown.url),
        hide.value(shown.headers),
        hide.value(shown.body),
        None if shown.text is None else hide.text(shown.text),
    )


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"<{len(content)} bytes>"


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
    elif shown.text is not None:
        content = _shown_content(plan)
        if b"\0" in content or _text(content) != content.decode(errors="replace"):  # no argument can hold it
            encoded = base64.b64encode(content).decode()
            lines = [f"printf %s {encoded} | base64 --decode | {lines[0]}", *lines[1:], "--data-binary @-"]
        else:
            lines.append(f"--data-raw {shlex.quote(shown.text)}")
    return " \\\n  ".join(lines)


def _shown_content(plan: Plan) -> bytes:
    """The bytes of the body, but for secrets among the inputs."""
    content = _content(plan)[1] or b""
    if not plan.secrets:
        return content
    text = Redactor(plan.secrets, cut=False).text(content.decode("utf-8", "surrogateescape"))
    return text.encode("utf-8", "surrogateescape")


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
    headers, query = {}, {}
    if auth.kind == "basic":
        pair = _basic(connection, reveal).encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    elif auth.value is not None:
        value = text_of(auth.value.fill({"connection": connection.fields(reveal)}))
        if auth.kind == "query":
            query[auth.name] = value
        else:
            headers[auth.name] = value if auth.kind == "header" else f"Bearer {value}"
    elif auth.fetches_token:
        headers[auth.name] = f"Bearer {reveal(ACCESS_TOKEN, connection.token or Secret(MASK))}"
    for key in auth.also:
        where = query if key.kind == "query" else headers
        where[key.name] = text_of(key.value.fill({"connection": connection.fields(reveal)}))
    return headers, query


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
) -> Headers:
    """What every request has. `gzip` is what `transport` can read."""
    headers = (("Accept", accept), ("Accept-Encoding", coding), ("User-Agent", agent))
    return headers if form is None else (*headers, ("Content-Type", form))


def _headers(plan: Plan, form: str | None) -> Headers:
    """The request's headers but for the auth: what every request has, and an action's own."""
    agent = _agent(plan.connector)
    if plan.streams:
        standard = _standard_headers(agent, "text/event-stream, application/json", "identity", form)
    elif plan.route.answer != "json":
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
    return _merged(standard, plan.headers.items())


def _content(plan: Plan) -> tuple[str | None, bytes | None]:
    """The body, and the type that is said of it; None and None where there is no body."""
    if plan.form or plan.files:
        return _form(plan)
    if plan.body is not None:
        return "application/json", _json(plan.body)
    raw = plan.route.request.content
    return (None, None) if plan.content is None or raw is None else (raw.type, plan.content)


def _form(plan: Plan) -> tuple[str, bytes]:
    if plan.route.request.form_as == "urlencoded":
        return "application/x-www-form-urlencoded", urlencode(plan.form).encode()
    return _multipart(plan)


def _multipart(plan: Plan) -> tuple[str, bytes]:
    parts: list[tuple[str, str | None, bytes]] = []
    parts += [(f'name="{_named(name)}"', None, text.encode()) for name, text in plan.form]
    parts += [
        (f'name="{_named(f.field)}"; filename="{_named(f.name)}"', f.type, f.content) for f in plan.files
    ]
    # the same form has the same bytes, so that a cassette can tell it from another
    told = [
        (disposition, kind, content.decode("utf-8", "surrogateescape"))
        for disposition, kind, content in parts
    ]
    boundary = hashlib.sha256(repr(told).encode("utf-8", "replace")).hexdigest()[:32]
    lines = []
    for disposition, kind, content in parts:
        lines += [f"--{boundary}".encode(), f"Content-Disposition: form-data; {disposition}".encode()]
        lines += [f"Content-Type: {kind}".encode()] if kind else []
        lines += [b"", content]
    return f"multipart/form-data; boundary={boundary}", b"\r\n".join(
        [*lines, f"--{boundary}--".encode(), b""]
    )


def _named(name: str) -> str:
    """A name inside the quotes of a form: as browsers escape it."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _merged(*parts: Iterable[tuple[str, str]]) -> Headers:
    """Headers put together; a later one replaces an earlier one, however their names are spelt."""
    found = {name.lower(): (name, value) for part in parts for name, value in part}
    return tuple(found.values())


# inputs in which a value holds itself are refused before: no need to look for one again
_encode: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode


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


def _signed(
    method: str,
    url: httpx.URL,
    headers: Headers,
    content: bytes | None,
    connection: Connection,
    *,
    is_own: bool = False,
) -> Request:
    """The request with the secrets in it. Nothing is refused here: a traceback would show them.

    What is made of the headers is kept for the next request, unless they are this one's own.
    """
    signed = connection.signed.get(headers)
    if signed is None:
        proof, query = _auth(connection, lambda _, secret: secret.reveal())
        signed = _encoded(_merged(headers, proof.items())), query
        if not is_own:
            if len(connection.signed) >= _MOST:  # each form with files has a type of its own
                connection.signed.clear()
            connection.signed[headers] = signed
    pairs, query = signed
    for name, value in query.items():
        url = url.copy_add_param(name, value)
    return _complete(method, url, pairs, content, connection)


def _encoded(headers: Headers) -> Pairs:
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers]


def _complete(
    method: str, url: httpx.URL, pairs: Pairs, content: bytes | None, connection: Connection
) -> Request:
    sent = [(b"Host", url.netloc), *pairs]
    if content is not None or method in {"POST", "PUT", "PATCH"}:
        sent.append((b"Content-Length", b"%d" % len(content or b"")))
    return Request(method, url, sent, content or b"", connection.connector.timeouts.steps)
