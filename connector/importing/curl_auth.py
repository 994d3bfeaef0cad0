"""How a command proves who sends it, as a connection: the form's fields, and where their values go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connector.connection import is_header_value
from connector.importing.curl_secrets import is_secret_name, is_secret_value, pair_of
from connector.importing.names import id_of, title_of, unique
from connector.importing.refusal import refusal
from connector.importing.shell_text import OUTPUT, VARIABLE

Pairs = tuple[tuple[str, str], ...]

_COMPUTED: Final = ("digest", "negotiate", "ntlm", "aws4-hmac-sha256", "hawk", "signature", "oauth")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*) +(\S.*)", re.DOTALL)
_NAMED: Final = re.compile(r"([A-Za-z_-]+=)(\"?)([^\",\s]+)(\"?)")
_PLAIN_USER: Final = re.compile(r"(?=[a-z])[a-z_-]{1,16}")
_FILLERS: Final = ("", "x", "X")
_MOST_COOKIES: Final = 6


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
    auth: dict[str, Any] = field(default_factory=dict)
    also: list[dict[str, Any]] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)

    def sign(self, kind: str, name: str, value: str) -> None:
        """Send a value in a header or in the query: by the auth itself, or beside it."""
        key = {"kind": kind, "name": name, "value": value}
        if self.auth:
            self.also.append(key)
        else:
            self.auth = key

    def secret(self, text: str, otherwise: str, about: str) -> str:
        """A field for a secret text; gives the expression that takes its place. One text has one field."""
        if text not in self.known:
            self.known[text] = self.field(text, otherwise, about, is_secret=True)
        return self.known[text]

    def field(self, text: str, otherwise: str, about: str, *, is_secret: bool) -> str:
        """A field of the connection's form; gives the expression that takes its place."""
        found = VARIABLE.fullmatch(text) if text != OUTPUT else None
        name = field_name(found[1], self.connector_id) if found else otherwise
        name = unique(name, {*self.fields, "base_url", "connection_name"}, "key")
        schema: dict[str, Any] = {
            "type": "string",
            "title": title_of(name),
            "description": about,
            "minLength": 1,
        }
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
    given = next((value for name, value in headers if name.lower() == "authorization"), None)
    if given is not None:
        _need_header("Authorization", given)
        _authorization(given, found)
        if user is not None or bearer is not None:
            found.notes.append(
                "The command has a header Authorization, which wins over -u and --oauth2-bearer."
            )
            found.secrets += filter(None, [user, bearer])
    elif bearer is not None:
        value = found.secret(bearer, "access_token", "Sent as `Authorization: Bearer <token>`.")
        found.auth = {"kind": "bearer", "value": value}
    elif user is not None:
        _basic(*_divided(user), found)
    kept_headers = tuple(pair for pair in headers if not _signed_by_header(*pair, found))
    kept_query = tuple(pair for pair in query if not _signed_by_query(*pair, found))
    auth = {**found.auth, "also": found.also} if found.also else found.auth
    return Credential(
        auth or None, found.fields, kept_headers, kept_query, tuple(found.secrets), tuple(found.notes)
    )


def _signed_by_header(name: str, value: str, found: _Found) -> bool:
    """Whether the header proves who sends the request; it is then sent by the connection."""
    low = name.lower()
    if _is_secret((name, value)) or low in {"authorization", "cookie"}:
        _need_header(name, value)
    if low == "proxy-authorization":
        found.secrets.append(value)
        found.notes.append("The header Proxy-Authorization was left out.")
    elif low == "cookie":
        found.sign("header", name, _cookies(value, found))
    elif low != "authorization" and _is_secret((name, value)):
        matched = _SCHEME.fullmatch(value)
        scheme = matched[1] if matched and matched[1].lower() in {"bearer", "token", "basic"} else ""
        secret = matched[2] if matched and scheme else value
        shown = f"{scheme} <key>" if scheme else "<key>"
        inner = found.secret(secret, _named_after(name), f"Sent as `{name}: {shown}`.")
        found.sign("header", name, f"{scheme} {inner}" if scheme else inner)
    elif low != "authorization":
        return False
    return True


def _need_header(name: str, value: str) -> None:
    if not is_header_value(value.replace("\0", "")) or "${{" in value:
        hint = "Use printable ASCII for it, and no `${{`."
        raise refusal(f"the header {name}", "It holds what HTTP, or a manifest, cannot carry.", hint)


def _signed_by_query(name: str, value: str, found: _Found) -> bool:
    if not _is_secret((name, value)):
        return False
    found.sign("query", name, found.secret(value, _named_after(name), f"Sent as {name} in the query."))
    return True


def _cookies(value: str, found: _Found) -> str:
    """Each cookie is a field; of many, all are one."""
    pairs = [cookie.strip().partition("=") for cookie in value.split(";") if cookie.strip()]
    if len(pairs) > _MOST_COOKIES or not all(sign and text for _, sign, text in pairs):
        found.secrets += [text for _, _, text in pairs if text]
        about = "Sent as the header Cookie: all cookies, without blanks, as in a=1;b=2."
        return found.secret(value, "cookie", about)
    sent = [
        f"{name}={found.secret(text, id_of(name, 'cookie'), f'Sent as the cookie {name}.')}"
        for name, _, text in pairs
    ]
    return "; ".join(sent)


def _is_secret(pair: tuple[str, str]) -> bool:
    name, value = pair
    return name.lower() != "cookie" and bool(value) and (is_secret_name(name) or is_secret_value(value))


def _authorization(value: str, found: _Found) -> None:
    matched = _SCHEME.fullmatch(value)
    scheme, rest = matched.groups() if matched else ("", value)
    if scheme.lower() in _COMPUTED:
        message = f"The scheme {scheme} signs every request anew, which a connector cannot say."
        raise refusal(
            "the header Authorization", message, "A connector can send a key, a bearer token, or basic auth."
        )
    if scheme.lower() == "basic" and (pair := pair_of(rest)):
        found.secrets += [rest]
        _basic(*pair, found)
        return
    shown = f"{scheme} <key>" if scheme else "<key>"
    otherwise = (
        "access_token"
        if scheme.lower() in {"bearer", "oauth"} and rest.startswith(("eyJ", "ya29."))
        else "api_key"
    )
    if named := _NAMED.fullmatch(rest):
        name, opening, secret, closing = named.groups()
        inner = found.secret(
            secret, otherwise, f"Sent as `Authorization: {scheme} {name}{opening}<key>{closing}`."
        )
        rest_value = f"{name}{opening}{inner}{closing}"
    else:
        rest_value = found.secret(rest, otherwise, f"Sent as `Authorization: {shown}`.")
    value = f"{scheme} {rest_value}" if scheme else rest_value
    found.sign("header", "Authorization", value)


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


def _named_after(name: str) -> str:
    """The field for a header or a parameter: x-api-key -> api_key, key -> api_key, private-token -> private_token."""
    made = id_of(name.removeprefix("X-").removeprefix("x-"), "api_key")
    return "api_key" if made in {"key", "apikey", "authorization", "auth", "appid"} else made


def field_name(variable: str, connector_id: str) -> str:
    """The name for a variable. PERPLEXITY_API_KEY, of the connector perplexity, is api_key: the variable that the field is read from."""
    name = id_of(id_of(variable).removeprefix(f"{connector_id}_"), "key")
    return "api_key" if name in {"key", "apikey"} else name
