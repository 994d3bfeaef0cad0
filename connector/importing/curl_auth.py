"""How a command proves who sends it, as a connection: the form's fields, and where their values go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from connector.errors import InputError, Problem
from connector.importing.curl_secrets import is_secret_name, is_secret_value, pair_of
from connector.importing.names import id_of, title_of
from connector.importing.shell_words import VARIABLE

Pairs = tuple[tuple[str, str], ...]

_COMPUTED: Final = ("digest", "negotiate", "ntlm", "aws4-hmac-sha256", "hawk", "signature", "oauth")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*) +(\S.*)", re.DOTALL)
_NAMED: Final = re.compile(r"([A-Za-z_-]+=)(\"?)([^\",\s]+)(\"?)")
_PLAIN_USER: Final = re.compile(r"(?=[a-z])[a-z_-]{1,16}")
_FILLERS: Final = ("", "x", "X")


@dataclass(frozen=True)
class Credential:
    """What a connection signs with.

    Attributes:
        auth: as the manifest has it; None where the command has nothing that looks like a credential.
        fields: of the connection's form, each with its schema.
        headers: those of the command that remain.
        query: the pairs that remain.
        secrets: the literals that must not show anywhere.
        notes: sentences about what could not be expressed.
    """

    auth: Mapping[str, Any] | None
    fields: Mapping[str, Any]
    headers: Pairs
    query: Pairs
    secrets: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass
class _Found:
    connector_id: str
    auth: dict[str, Any] | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def secret(self, text: str, otherwise: str, about: str) -> str:
        """A field for a secret text; gives the expression that takes its place."""
        return self.field(text, otherwise, about, is_secret=True)

    def field(self, text: str, otherwise: str, about: str, *, is_secret: bool) -> str:
        found = VARIABLE.fullmatch(text)
        name = _field_name(found[1], self.connector_id) if found else otherwise
        name = otherwise if name in {"base_url", "connection_name"} or name in self.fields else name
        schema: dict[str, Any] = {"type": "string", "title": title_of(name), "description": about, "minLength": 1}
        self.fields[name] = schema | ({"writeOnly": True} if is_secret else {})
        if is_secret:
            self.secrets.append(text)
        return f"${{{{ connection.{name} }}}}"


def credential(
    headers: Pairs, query: Pairs, *, user: str | None, bearer: str | None, connector_id: str
) -> Credential:
    """The credential of a request, taken out of its headers and its query.

    Raises:
        InputError: its auth is computed anew for every request.
    """
    found = _Found(connector_id)
    kept_headers, kept_query = list(headers), list(query)
    given = next((pair for pair in headers if pair[0].lower() == "authorization"), None)
    if given is not None:
        kept_headers.remove(given)
        _authorization(given[1], found)
        if user is not None or bearer is not None:
            found.notes.append("The command has a header Authorization, which wins over -u and --oauth2-bearer.")
            found.secrets += filter(None, [user, bearer])
    elif bearer is not None:
        value = found.secret(bearer, "access_token", "Sent as `Authorization: Bearer <token>`.")
        found.auth = {"kind": "bearer", "value": value}
    elif user is not None:
        _basic(*_divided(user), found)
    elif header := next((pair for pair in headers if _is_secret(pair)), None):
        kept_headers.remove(header)
        _header(*header, found)
    elif parameter := next((pair for pair in query if _is_secret(pair)), None):
        kept_query = [pair for pair in kept_query if pair[0] != parameter[0]]
        about = f"Sent as {parameter[0]} in the query."
        value = found.secret(parameter[1], _named_after(parameter[0]), about)
        found.auth = {"kind": "query", "name": parameter[0], "value": value}
    elif cookie := next((pair for pair in headers if pair[0].lower() == "cookie"), None):
        kept_headers.remove(cookie)
        value = found.secret(cookie[1], "cookie", "Sent as the header Cookie: all cookies of the service, name=value.")
        found.auth = {"kind": "header", "name": "Cookie", "value": value}
        found.secrets += _cookies(cookie[1])
    for name, value in list(kept_headers):
        if name.lower() in {"cookie", "proxy-authorization"}:
            kept_headers.remove((name, value))
            found.secrets += [value, *_cookies(value)]
            found.notes.append(f"The header {name} was left out: a connection signs with one credential.")
        elif _is_secret((name, value)):
            found.secrets.append(value)
    found.secrets += [value for name, value in kept_query if _is_secret((name, value))]
    return Credential(
        found.auth,
        found.fields,
        tuple(kept_headers),
        tuple(kept_query),
        tuple(found.secrets),
        tuple(found.notes),
    )


def _is_secret(pair: tuple[str, str]) -> bool:
    name, value = pair
    return name.lower() != "cookie" and bool(value) and (is_secret_name(name) or is_secret_value(value))


def _authorization(value: str, found: _Found) -> None:
    scheme, rest = _SCHEME.fullmatch(value).groups() if _SCHEME.fullmatch(value) else ("", value)
    if scheme.lower() in _COMPUTED:
        message = f"The scheme {scheme} signs every request anew, which a connector cannot say."
        _refuse("the header Authorization", message, "A connector can send a key, a bearer token, or basic auth.")
    if scheme.lower() == "basic" and (pair := pair_of(rest)):
        found.secrets += [rest]
        _basic(*pair, found)
        return
    shown = f"{scheme} <key>" if scheme else "<key>"
    otherwise = "access_token" if scheme.lower() in {"bearer", "oauth"} and rest.startswith(("eyJ", "ya29.")) else "api_key"
    if named := _NAMED.fullmatch(rest):
        name, opening, secret, closing = named.groups()
        inner = found.secret(secret, otherwise, f"Sent as `Authorization: {scheme} {name}{opening}<key>{closing}`.")
        rest_value = f"{name}{opening}{inner}{closing}"
    else:
        rest_value = found.secret(rest, otherwise, f"Sent as `Authorization: {shown}`.")
    value = f"{scheme} {rest_value}" if scheme else rest_value
    found.auth = {"kind": "header", "name": "Authorization", "value": value}


def _header(name: str, value: str, found: _Found) -> None:
    matched = _SCHEME.fullmatch(value)
    scheme = matched[1] if matched and matched[1].lower() in {"bearer", "token", "basic"} else ""
    secret = matched[2] if matched and scheme else value
    shown = f"{scheme} <key>" if scheme else "<key>"
    inner = found.secret(secret, _named_after(name), f"Sent as `{name}: {shown}`.")
    found.auth = {"kind": "header", "name": name, "value": f"{scheme} {inner}" if scheme else inner}


def _divided(user: str) -> tuple[str, str | None]:
    """`name:password`; None for the password that curl would ask for."""
    name, colon, password = user.partition(":")
    return name, password if colon else None


def _basic(name: str, password: str | None, found: _Found) -> None:
    """Basic auth. Some services take a key in place of the name, others in place of the password."""
    if password in _FILLERS:
        value = found.secret(name, "api_key", "Sent as the user name of basic auth.")
        found.auth = {"kind": "basic", "username": value, "password": password}
        return
    if _PLAIN_USER.fullmatch(name) and not is_secret_value(name):
        # api:key-..., anystring:..., user:pass
        username = found.field(name, "username", "The user name of basic auth.", is_secret=False)
        found.fields["username"]["default"] = name
    else:
        username = found.field(name, "username", "The user name of basic auth.", is_secret=False)
        if is_secret_value(name):
            found.secrets.append(name)
    secret = found.secret(password or "", "password", "The password of basic auth, or a key in its place.")
    found.auth = {"kind": "basic", "username": username, "password": secret}
    found.secrets += [f"{name}:{password}"] if password else []


def _cookies(value: str) -> Iterator[str]:
    return (cookie.partition("=")[2].strip() for cookie in value.split(";") if "=" in cookie)


def _named_after(name: str) -> str:
    """The field for a header or a parameter: x-api-key -> api_key, key -> api_key, private-token -> private_token."""
    made = id_of(name.removeprefix("X-").removeprefix("x-"), "api_key")
    return "api_key" if made in {"key", "apikey", "authorization", "auth", "appid"} else made


def _field_name(variable: str, connector_id: str) -> str:
    """PERPLEXITY_API_KEY, of the connector perplexity, is api_key: the variable that the field is read from."""
    name = id_of(variable, "api_key").removeprefix(f"{connector_id}_")
    return "api_key" if name in {"key", "apikey"} else name


def _refuse(where: str, message: str, hint: str) -> NoReturn:
    raise InputError([Problem(where, message, hint)])
