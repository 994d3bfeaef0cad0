"""The connection that a mock is for: fields of its own, and what a request has to carry because of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from connector.connection import Connection, resolve
from connector.errors import ConnectorError, InputError, Problem
from connector.manifest import Connector, Request
from connector.mock.moving import leading_fields, moved, requests, strays
from connector.mock.value import CannotMakeError, value_for
from connector.request import build_check, build_token
from connector.schema import Checker
from connector.secret import Secret

_LONGEST_KEY: Final = 2_000
_ANYWHERE: Final = "http://127.0.0.1:9"  # before the mock has its port


@dataclass(frozen=True)
class Credential:
    """What the mock takes for right.

    Attributes:
        connector: with a base URL that leads to the mock.
        fields: of a connection to it; the secrets are of no use elsewhere.
        away: what the manifest itself leads elsewhere, so that no fields lead it here: `base_url`, `token_url`, and
            the ids of actions.
        recorded_prefixes: what paths in cassettes begin with, for they were recorded at the usual base URLs; by
            action and route.
        token_path: where access tokens are given, for an auth that fetches one; else empty.
    """

    connector: Connector
    fields: Mapping[str, Any]
    away: tuple[str, ...]
    recorded_prefixes: Mapping[tuple[str, str], str]
    token_path: str
    _connection: Connection = field(repr=False)

    def prefix_of(self, request: Request | None = None) -> str:
        """What the paths of a request begin with, such as `/v2`; of the connection's check if there is none."""
        url = self._connection.base_url if request is None else self._connection.url_of(request)
        return urlsplit(url).path

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
    usual = {
        (action.id, name): urlsplit(str((request.base_url or form.base_url).fill(scope))).path.rstrip("/")
        for action, name, request in requests(connector)
    }
    leading = {**made, **leading_fields(connector, scope, url)}
    connection = _resolved(connector, leading)
    used, away = connector, ("base_url",) if connection is None else strays(connection, url)
    if away:
        used = moved(connector, scope, url, away)
        leading = made if "base_url" in away else leading
        connection = _resolved(used, leading, told=True)
    assert connection is not None
    path = ""
    if form.auth.fetches_token:
        connection = connection.with_token(Secret(f"test-{_digest(connector.id, 'access token')}"))
        path = urlsplit(connection.token_url).path
    return Credential(used, leading, away, usual, path, connection)


def _resolved(connector: Connector, fields: Mapping[str, Any], *, told: bool = False) -> Connection | None:
    try:
        return resolve(connector, fields, environ={})
    except ConnectorError as error:
        if not told:
            return None
        message = f"A mock finds no value for its connection: {error.message}"
    hint = "Give the field an example that fits: `examples: [...]` in connection.fields."
    raise InputError([Problem(f"connector {connector.id}", message, hint)])


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
