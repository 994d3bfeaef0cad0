"""The connection that a mock is for: fields of its own, and what a request has to carry because of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from connector.connection import Connection, resolve
from connector.errors import ConnectorError, InputError, Problem
from connector.expression import Field, Then
from connector.manifest import ConnectionForm, Connector
from connector.mock.value import CannotMakeError, value_for
from connector.request import build_check, build_token
from connector.schema import Checker
from connector.secret import Secret
from connector.template import Expression, Insert, Static, Template, Text

_LONGEST_KEY: Final = 2_000
_ANYWHERE: Final = "http://127.0.0.1:9"  # before the mock has its port


@dataclass(frozen=True)
class Credential:
    """What the mock takes for right.

    Attributes:
        connector: with a base URL that leads to the mock.
        fields: of a connection to it; the secrets are of no use elsewhere.
        is_reachable: whether the fields alone lead to the mock; else the manifest says where the service is.
        prefix: of every path, such as `/v2` where the base URL ends with it.
        recorded_prefix: the same of paths in cassettes, which were recorded at the usual base URL.
        token_path: where access tokens are given, for an auth that fetches one; else empty.
    """

    connector: Connector
    fields: Mapping[str, Any]
    is_reachable: bool
    prefix: str
    recorded_prefix: str
    token_path: str
    _connection: Connection = field(repr=False)

    def right(self, headers: Mapping[str, str], query: Mapping[str, list[str]]) -> bool:
        """Whether a request carries what the manifest's auth makes of the fields."""
        auth = self.connector.connection.auth
        if auth.kind == "none":
            return True
        expected = build_check(self._connection)
        names = [*(key.name for key in auth.also if key.kind != "query")]
        if auth.kind != "query":
            names.append("Authorization" if auth.kind == "basic" else auth.name)
        return all(_same(headers.get(name.lower(), ""), expected.headers[name]) for name in names) and all(
            query.get(name) == [expected.url.params[name]] for name in self.query_names
        )

    @property
    def query_names(self) -> frozenset[str]:
        """The parameters of the query that prove who asks."""
        auth = self.connector.connection.auth
        also = {key.name for key in auth.also if key.kind == "query"}
        return frozenset(also | ({auth.name} if auth.kind == "query" else set()))

    def granted(self, headers: Mapping[str, str], content: bytes) -> dict[str, Any] | None:
        """The answer to a request for an access token (RFC 6749, 4.4); None where it is not the connector's own."""
        assert self._connection.token is not None
        expected = build_token(self._connection)
        asked = dict(parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True))
        is_right = asked == dict(parse_qsl(expected.content.decode(), keep_blank_values=True)) and _same(
            headers.get("authorization", ""), expected.headers.get("Authorization", "")
        )
        token = self._connection.token.reveal()
        return {"access_token": token, "token_type": "Bearer", "expires_in": 3600} if is_right else None


def _same(given: str, expected: str) -> bool:
    """The scheme of an Authorization header may be written as anybody likes."""
    scheme, space, rest = expected.partition(" ")
    mine, _, other = given.partition(" ")
    return (mine.lower(), other) == (scheme.lower(), rest) if space else given == expected


def credential(connector: Connector, url: str = _ANYWHERE) -> Credential:
    """What a mock of a connector takes, once it is served at a URL.

    Raises:
        InputError: the form asks for values that cannot be made; examples in its schema help.
    """
    form = connector.connection
    made: dict[str, Any] = {}
    for name, schema in form.form.items():
        if name in form.secrets:
            made[name] = Secret(_secret(connector.id, name, schema))
        elif "default" not in schema and name in form.fields.get("required", ()):
            made[name] = _setting(name, schema)
    settings = {name: value for name, value in made.items() if name not in form.secrets}
    scope = {"connection": {**settings, **form.defaults}}
    usual = urlsplit(str(form.base_url.fill(scope))).path.rstrip("/")
    leading = {**made, **_leading(form, scope, url)}
    connection = _resolved(connector, leading)
    is_reachable = connection is not None and _leads(connection, url)
    used = connector
    if not is_reachable:
        token = _token_path(form, scope) and Template(Static(_token_path(form, scope)))
        auth = replace(form.auth, token_url=token or None)
        moved = replace(form, base_url=Template(Static(url)), auth=auth)
        used, leading = replace(connector, connection=moved), made
        connection = _resolved(used, made, told=True)
    assert connection is not None
    prefix, token_path = urlsplit(connection.base_url).path, ""
    if form.auth.fetches_token:
        connection = connection.with_token(Secret(f"test-{_digest(connector.id, 'access token')}"))
        token_path = urlsplit(connection.token_url).path
    return Credential(used, leading, is_reachable, prefix, usual, token_path, connection)


def _leading(form: ConnectionForm, scope: Mapping[str, Any], url: str) -> dict[str, str]:
    """The fields that say where the service is, and where its tokens come from, with the mock's URL in them."""
    found: dict[str, str] = {}
    if (name := _first_field(form.base_url)) is not None:
        found[name] = url
    if form.auth.token_url is not None and (name := _first_field(form.auth.token_url)) is not None:
        found.setdefault(name, url + _token_path(form, scope))
    return found


def _token_path(form: ConnectionForm, scope: Mapping[str, Any]) -> str:
    """The path of the tokens' URL, whatever its host; empty where no token is fetched."""
    if not form.auth.fetches_token or form.auth.token_url is None:
        return ""
    return urlsplit(str(form.auth.token_url.fill(scope))).path or "/oauth/token"


def _leads(connection: Connection, url: str) -> bool:
    urls = [connection.base_url]
    urls += [connection.token_url] if connection.connector.connection.auth.fetches_token else []
    return all(one == url or one.startswith(f"{url}/") for one in urls)


def _resolved(connector: Connector, fields: Mapping[str, Any], *, told: bool = False) -> Connection | None:
    try:
        return resolve(connector, fields, environ={})
    except ConnectorError as error:
        if not told:
            return None
        message = f"A mock finds no value for its connection: {error.message}"
    hint = "Give the field an example that fits: `examples: [...]` in connection.fields."
    raise InputError([Problem(f"connector {connector.id}", message, hint)])


def _first_field(template: Template) -> str | None:
    """The field of the connection with which a text begins."""
    piece = template.piece
    first: Any = None
    if isinstance(piece, Insert):
        first = piece.expression
    elif isinstance(piece, Text):
        first = piece.parts[0]
    if isinstance(first, Expression):
        match first.node:
            case Then(Field("connection"), Field(name)):
                return name
    return None


def _setting(name: str, schema: Any) -> Any:
    try:
        return value_for(schema, name)
    except CannotMakeError:
        return None


def _secret(connector_id: str, name: str, schema: Any) -> str:
    """A key that nobody takes for a real one. It is made of no words: a word would be masked in the answers."""
    plain = f"test-{_digest(connector_id, name)}"
    least = schema.get("minLength", 0)
    while len(plain) < min(least, _LONGEST_KEY):
        plain += _digest(plain)
    if not Checker({key: value for key, value in schema.items() if key != "examples"}).problems(plain):
        return plain
    made = _setting(name, {key: value for key, value in schema.items() if key != "writeOnly"})
    return made if isinstance(made, str) else plain


def _digest(*words: str) -> str:
    return hashlib.sha256(".".join(words).encode()).hexdigest()[:20]
