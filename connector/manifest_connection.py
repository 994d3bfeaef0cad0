"""A connection: the form of its fields, how requests prove who sends them, failures, pace and patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

from connector.manifest_values import (
    AnswerText,
    ConnectionText,
    ErrorKind,
    FieldsSchema,
    Says,
    Seconds,
    Status,
    Strict,
)
from connector.schema import Checker, Schema
from connector.template import Template
from connector.template_parser import Within


@dataclass(frozen=True, kw_only=True)
class FurtherKey(Strict):
    """One more key that every request sends, for an API that wants two at once."""

    kind: Literal["header", "query"]
    """Where it goes.

    Example: header
    """
    name: str
    """The header's or the query parameter's name.

    Example: X-Application-Key
    """
    value: ConnectionText
    """The whole value.

    Example: ${{ connection.application_key }}
    """


_AUTH_TEXTS = ("value", "username", "password", "token_url", "client_id", "client_secret", "scopes")


@dataclass(frozen=True, kw_only=True)
class Auth(Strict):
    """How a request proves who sends it.

    none: it does not; the API is open to all. header, query: a key in a header or in a parameter of the query.
    bearer: a token in `Authorization`. basic: user name and password. oauth2_client_credentials: the runtime fetches
    an access token with the client's id and secret (RFC 6749, 4.4), keeps it in memory until shortly before it
    expires, fetches it anew once when the service answers 401, and sends it as `Authorization: Bearer <token>`. The
    exchange stands in no cassette.
    """

    kind: Literal["none", "header", "query", "bearer", "basic", "oauth2_client_credentials"]
    """none: the API is open to all. header, query: an API key with a pattern of its own. bearer:
    `Authorization: Bearer <value>`. basic: a user name and a password. oauth2_client_credentials: an access token that
    the runtime fetches with the client's id and secret, and renews.

    Example: header
    """
    name: str = "Authorization"
    """header, query: the name of the header or of the query parameter. Example: `X-API-Key`"""
    value: ConnectionText | None = None
    """header, query: the whole value, such as `Bearer ${{ connection.api_key }}`. bearer: the token.

    Example: Bearer ${{ connection.api_key }}
    """
    username: ConnectionText | None = None
    """basic: the user name. Example: `${{ connection.user }}`"""
    password: ConnectionText | None = None
    """basic: the password. Some services take an API key as the user name, and an empty password.

    Example: ${{ connection.password }}
    """
    token_url: ConnectionText | None = None
    """oauth2_client_credentials: where the token comes from. A path is one below base_url; anything else is a
    whole URL, https or this machine. The secret goes there and nowhere else: redirects are not followed.

    Example: /oauth2/token
    Example: https://${{ connection.tenant }}.example.com/oauth2/token
    """
    client_id: ConnectionText | None = None
    """oauth2_client_credentials: the client's id.

    Example: ${{ connection.client_id }}
    """
    client_secret: ConnectionText | None = None
    """oauth2_client_credentials: the client's secret.

    Example: ${{ connection.client_secret }}
    """
    scopes: Annotated[Template, Within("connection"), Says(type=["string", "array"])] | None = None
    """oauth2_client_credentials: what is asked for, as a list, or as one text with spaces between. None if absent.

    Example: [tickets.read, tickets.write]
    Example: ${{ connection.scopes }}
    """
    parameters: Mapping[str, ConnectionText] = field(default_factory=dict)
    """oauth2_client_credentials: what else the token's request has in its form. `grant_type` replaces the
    usual client_credentials, for a service that has a word of its own. A list repeats its name.

    Example: {audience: https://api.example.com}
    """
    send_as: Literal["basic", "form"] = "basic"
    """oauth2_client_credentials: how the id and the secret are sent: as basic auth, or among the form's fields.

    Example: form
    """

    also: tuple[FurtherKey, ...] = ()
    """Further keys, in headers or in parameters of the query, sent with each request beside the rest of auth.

    Example: [{kind: header, name: X-Application-Key, value: "${{ connection.application_key }}"}]
    """

    @cached_property
    def templates(self) -> Mapping[tuple[str | int, ...], Template]:
        """Every text that the connection's fields fill, with its path below `auth`."""
        named: dict[tuple[str | int, ...], Template | None] = {
            (word,): getattr(self, word) for word in _AUTH_TEXTS
        }
        named.update({("also", index, "value"): key.value for index, key in enumerate(self.also)})
        named.update({("parameters", name): template for name, template in self.parameters.items()})
        return {path: template for path, template in named.items() if template is not None}

    @property
    def fetches_token(self) -> bool:
        """Whether requests are signed with an access token that has to be fetched first."""
        return self.kind == "oauth2_client_credentials"


@dataclass(frozen=True, kw_only=True)
class Check(Strict):
    """A free request that shows whether a connection works."""

    method: Literal["GET"] = "GET"
    """The HTTP method. Example: `GET`"""
    path: Annotated[str, Says(pattern=r"^/[^?#\\\s]*$")]
    """The path below the base URL, without expressions. Example: `/v1/models`"""
    answer: Literal["json", "any"] = "json"
    """What shows that it works: an object or a list that tells no error, or any answer with a status of success,
    such as an empty one or a text.

    Example: any
    """


@dataclass(frozen=True, kw_only=True)
class ConnectionForm(Strict):
    """What a connection asks people for, and how its requests are addressed and signed."""

    fields: FieldsSchema
    """JSON Schema of the credential form: an object whose properties are the fields. `writeOnly: true`
    marks a secret.

    Example:
        type: object
        required: [api_key]
        properties:
          api_key: {type: string, title: API Key, description: Your key from the console., minLength: 1, writeOnly: true}
          base_url: {type: string, title: Base URL, format: uri, default: "https://api.example.com"}
    """
    base_url: ConnectionText
    """Where requests go: https, without a slash at the end.

    Example: ${{ connection.base_url }}

    Example: https://api.example.com
    """
    auth: Auth
    """How a request proves who sends it.

    Example:
        kind: header
        name: Authorization
        value: Bearer ${{ connection.api_key }}
    """
    check: Check | None = None
    """A free request that shows whether a connection works: never one that is billed. Absent: connections
    cannot be tested.

    Example: path: /v1/models
    """

    @cached_property
    def checker(self) -> Checker:
        """The schema of the form at work; reading the manifest has shown that it is one."""
        return Checker(self.fields)

    @cached_property
    def form(self) -> Mapping[str, Schema]:
        """The fields by name, in the manifest's order."""
        fields: Mapping[str, Schema] = self.fields.get("properties", {})
        return fields

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """The values of the fields that nobody has to fill in."""
        return {name: schema["default"] for name, schema in self.form.items() if "default" in schema}

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The names of the fields that are secrets."""
        return frozenset(name for name, schema in self.form.items() if schema.get("writeOnly"))


@dataclass(frozen=True, kw_only=True)
class ErrorRule(Strict):
    """Which failures are of a kind, and what people should do about it. The first that fits counts."""

    kind: ErrorKind
    """The word that callers branch on. Example: `rate_limited`"""
    status: tuple[Status, ...]
    """The HTTP statuses that are of this kind. Example: `[429]`"""
    types: tuple[str, ...] = ()
    """The service's own words for the failure. Absent: any. Example: `[insufficient_quota]`"""
    hint: str
    """What people should do about it. Example: `Wait, then run it again.`"""


@dataclass(frozen=True, kw_only=True)
class Errors(Strict):
    """Where an answer that is a failure says what it is."""

    message: AnswerText
    """Where a failure says what went wrong.

    Example: ${{ response.body.error.message || response.body.message }}
    """
    type: AnswerText
    """Where a failure has the service's own word for it. Example: `${{ response.body.error.type }}`"""
    input: AnswerText | None = None
    """Where a failure names the parameter that is wrong; it is told as the input that fed it.

    Example: ${{ response.body.error.param }}
    """
    kinds: tuple[ErrorRule, ...]
    """Which failures are of which kind. The first that fits counts.

    Example:
        - kind: bad_credential
          status: [401]
          hint: Check the API key.
        - kind: server_fault
          status: [500, 502, 503]
          hint: Run it again later.
    """


@dataclass(frozen=True, kw_only=True)
class Retry(Strict):
    """When a request is sent again."""

    statuses: tuple[Status, ...] = ()
    """HTTP statuses after which a request is sent again: only those that say nothing was done.

    Example: [408, 429, 502, 503, 504]
    """
    attempts: Annotated[int, Says(minimum=1)] = 3
    """Requests at most, the first one included. Example: `3`"""
    first_wait: Annotated[float, Says(minimum=0)] = 0.5
    """Seconds before the second attempt; doubled for each further one. Example: `0.5`"""
    longest_wait: Annotated[float, Says(minimum=0)] = 60.0
    """Seconds; a service that asks for more is not waited for. Example: `60`"""
    quota: Annotated[int, Says(minimum=0)] = 100
    """Further attempts of all runs of a connection; what ends well gives them back. Example: `100`"""


@dataclass(frozen=True, kw_only=True)
class Timeouts(Strict):
    """Seconds."""

    connect: Seconds = 10.0
    """Seconds until the connection stands. Example: `10`"""
    read: Seconds = 120.0
    """Seconds: the longest wait for the next byte of an answer. Example: `900`"""
    idle: Seconds = 60.0
    """Seconds: as `read`, for a stream that has begun. Example: `60`"""
    write: Seconds = 30.0
    """Seconds: the longest wait for the service to take the next bytes of a request. Example: `60`"""
    deadline: Seconds = 120.0
    """Seconds for a whole run, with its retries; an action may say otherwise. Example: `120`"""

    @cached_property
    def steps(self) -> Mapping[str, float]:
        """As httpx names the steps of a request."""
        return {"connect": self.connect, "read": self.read, "write": self.write, "pool": self.connect}


@dataclass(frozen=True, kw_only=True)
class Limits(Strict):
    """What a connection asks of the service at most. A run waits for its turn."""

    requests: Annotated[int, Says(minimum=1)] | None = None
    """So many requests in `seconds`. Absent: as many as are asked for. Example: `50`"""
    seconds: Seconds = 1.0
    """The span that `requests` counts in. Example: `1`"""
    at_once: Annotated[int, Says(minimum=1)] | None = None
    """Requests under way at the same time; a stream counts until it ends. Absent: any number.

    Example: 1000
    """
