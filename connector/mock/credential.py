"""The connection that a mock is for: fields of its own, and what a request has to carry because of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

from connector.connection import Connection, resolve
from connector.errors import ConnectorError, InputError, Problem
from connector.expression import Field, Then
from connector.manifest import Connector
from connector.mock.value import CannotMakeError, value_for
from connector.request import build_check
from connector.schema import Checker
from connector.secret import Secret
from connector.template import Expression, Insert, Static, Template, Text

_ANYWHERE: Final = "http://127.0.0.1:9"  # before the mock has its port


@dataclass(frozen=True)
class Credential:
    """What the mock takes for right.

    Attributes:
        connector: with a base URL that leads to the mock.
        fields: of a connection to it; the secrets are of no use elsewhere.
        url_field: the field that says where the service is; None where the manifest says it for good.
        prefix: of every path, such as `/v2` where the base URL ends with it.
        recorded_prefix: the same of paths in cassettes, which were recorded at the usual base URL.
    """

    connector: Connector
    fields: Mapping[str, Any]
    url_field: str | None
    prefix: str
    recorded_prefix: str
    _connection: Connection = field(repr=False)

    def right(self, headers: Mapping[str, str], query: Mapping[str, list[str]]) -> bool:
        """Whether a request carries what the manifest's auth makes of the fields."""
        auth = self.connector.connection.auth
        expected = build_check(self._connection)
        if auth.kind == "query":
            return query.get(auth.name) == [expected.url.params[auth.name]]
        name = "Authorization" if auth.kind == "basic" else auth.name
        return _same(headers.get(name.lower(), ""), expected.headers[name])


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
    url_field = _url_field(connector)
    settings = {name: value for name, value in made.items() if name not in form.secrets}
    usual = urlsplit(str(form.base_url.fill({"connection": {**settings, **form.defaults}}))).path.rstrip("/")
    with_url = made if url_field is None else {**made, url_field: url}
    connection = _resolved(connector, with_url)
    if url_field is not None and connection is not None and connection.base_url.startswith(url):
        prefix = urlsplit(connection.base_url).path
        return Credential(connector, with_url, url_field, prefix, usual, connection)
    moved = replace(connector, connection=replace(form, base_url=Template(Static(url))))
    connection = _resolved(moved, made, told=True)
    assert connection is not None
    return Credential(moved, made, None, "", usual, connection)


def _resolved(connector: Connector, fields: Mapping[str, Any], *, told: bool = False) -> Connection | None:
    try:
        return resolve(connector, fields, environ={})
    except ConnectorError as error:
        if not told:
            return None
        message = f"A mock finds no value for its connection: {error.message}"
    hint = "Give the field an example that fits: `examples: [...]` in connection.fields."
    raise InputError([Problem(f"connector {connector.id}", message, hint)])


def _url_field(connector: Connector) -> str | None:
    """The field with which the base URL begins."""
    piece = connector.connection.base_url.piece
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
    digest = hashlib.sha256(f"{connector_id}.{name}".encode()).hexdigest()
    plain = f"test-{digest[:20]}"
    if not Checker({key: value for key, value in schema.items() if key != "examples"}).problems(plain):
        return plain
    made = _setting(name, {key: value for key, value in schema.items() if key != "writeOnly"})
    return made if isinstance(made, str) else plain
