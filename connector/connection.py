"""A connection: a name, the credential fields, the settings. Where they come from, and what they must be.

Sources, the first that has a field wins: arguments, then a saved connection or else the environment
(`<CONNECTOR>_<FIELD>`, or `<CONNECTOR>_<FIELD>_FILE` for the path of a file that holds it), then the
manifest's defaults. A saved connection never mixes with the environment: its key goes where it was saved for.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connector.errors import CredentialError
from connector.manifest import Connector
from connector.saved import SavedConnection, SavedConnections, default_folder
from connector.secret import Redactor, Secret

NAME_FIELD = "connection_name"
ALLOW_HTTP = "CONNECTOR_ALLOW_HTTP"


@dataclass(frozen=True)
class Connection:
    """A connector's fields, complete and checked. Secrets are of their own type and print as a mask."""

    connector: Connector
    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, Secret] = field(repr=False)

    @cached_property
    def redactor(self) -> Redactor:
        """Removes this connection's secrets from text and values."""
        return Redactor(self.secrets.values())

    @cached_property
    def base_url(self) -> str:
        """Where requests go, without a slash at the end."""
        url = self.connector.connection.base_url.fill({"connection": {**self.settings}})
        return checked_base_url(url, where=f"connection {self.name!r}")

    def fields(self, reveal: Callable[[str, Secret], str]) -> dict[str, Any]:
        """The fields for the auth templates; `reveal` decides what stands in for a secret."""
        return {**self.settings, **{name: reveal(name, secret) for name, secret in self.secrets.items()}}


def resolve(
    connector: Connector,
    given: Mapping[str, Any],
    *,
    saved: SavedConnection | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Connection:
    """Put a connection together from its sources.

    Raises:
        CredentialError: for a missing, misspelt or malformed field.
    """
    form = connector.connection
    name = str(given.get(NAME_FIELD) or (saved.name if saved else connector.id))
    where = f"connection {name!r}"
    fields: dict[str, Any] = {
        key: schema["default"] for key, schema in form.form.items() if "default" in schema
    }
    if saved is None:
        fields.update(_from_environment(connector, environ, where))
    else:
        fields.update({**saved.settings, **saved.secrets})
        _same_host(given.get("base_url"), fields.get("base_url"), where)
    fields.update({key: value for key, value in given.items() if value is not None})
    if NAME_FIELD in form.form:
        fields[NAME_FIELD] = name
    secrets = {
        key: _cleaned(key, fields.pop(key), where) for key in form.secrets if fields.get(key) is not None
    }
    missing = [key for key in form.fields.get("required", ()) if key not in fields and not secrets.get(key)]
    if missing:
        raise _missing(connector, missing[0], where)
    plain = {key: secret.reveal() for key, secret in secrets.items()}
    problems = form.checker.problems({**fields, **plain}, "field")
    if problems:
        hide = Redactor(secrets.values()).text
        said = [f"{p.where}: {p.message}" for p in problems]
        raise CredentialError(hide(" ".join(said)), where=where, hint=hide(problems[0].hint))
    connection = Connection(connector, name, fields, secrets)
    _ = connection.base_url  # a wrong one is told now, not at the first request
    return connection


def _missing(connector: Connector, name: str, where: str) -> CredentialError:
    title = connector.connection.form.get(name, {}).get("title", name)
    variable = f"{connector.id.upper()}_{name.upper()}"
    hint = f"Set {variable}, save one with `connector connections add {connector.id}`, or pass {name}=..."
    return CredentialError(f"The {title} ({name}) is missing.", where=where, hint=hint)


def _from_environment(connector: Connector, environ: Mapping[str, str], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in connector.connection.form:
        variable = f"{connector.id}_{name}".upper()
        value, file = environ.get(variable), environ.get(f"{variable}_FILE")
        if value and file:
            message = f"{variable} and {variable}_FILE are both set."
            raise CredentialError(message, where=where, hint="Unset one of them.")
        if file:
            value = _read(Path(file), f"{variable}_FILE")
        if value and name != NAME_FIELD:
            found[name] = value
    return found


def _read(path: Path, variable: str) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(65536).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        message = f"The file that {variable} names cannot be read: {reason}."
        raise CredentialError(message, where=str(path), hint=f"Check the path in {variable}.") from None


_WRAPPING = " \t\r\n\f\v\u00a0\u200b\u200c\u200d\u2060\ufeff"


def _cleaned(name: str, value: Any, where: str) -> Secret:
    """A pasted secret without what pasting adds; refused, never shown, if it cannot stand in a header."""
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        message = f"{name} must be text, not {type(value).__name__}."
        raise CredentialError(message, where=where, hint=f"Give {name} as text.")
    text = text.strip(_WRAPPING)
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        text = text[1:-1].strip(_WRAPPING)
    if text[:7].lower() == "bearer ":
        text = text[7:].strip(_WRAPPING)
    if not text:
        raise CredentialError(f"{name} is empty.", where=where, hint=f"Give {name} its value.")
    bad = next((char for char in text if not "!" <= char <= "~"), None)
    if bad is not None:
        what = "a space or line break" if bad in _WRAPPING else "a character that a key cannot have"
        hint = "Copy it again from where it was made; it is one word of letters, digits and signs."
        raise CredentialError(f"{name} holds {what}.", where=where, hint=hint)
    return Secret(text)


def _same_host(given: Any, saved: Any, where: str) -> None:
    if given is not None and str(given).rstrip("/") != str(saved).rstrip("/"):
        message = (
            "base_url differs from the one this connection was saved with; its key is not sent elsewhere."
        )
        raise CredentialError(message, where=where, hint="Leave base_url out, or save another connection.")


def checked_base_url(url: Any, *, where: str, environ: Mapping[str, str] = os.environ) -> str:
    """A base URL that a key may be sent to, without a slash at the end.

    https, or http to this machine; http elsewhere only with CONNECTOR_ALLOW_HTTP=1.

    Raises:
        CredentialError: if it is not such a URL.
    """
    hint = "Write it as https://host or https://host/path."
    try:
        parts = urlsplit(str(url).strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise CredentialError("base_url is not a URL.", where=where, hint=hint) from None
    if (
        parts.scheme not in {"http", "https"}
        or not host
        or any(not "!" <= c <= "~" or c == "\\" for c in str(url).strip())
    ):
        raise CredentialError("base_url is not an http or https URL.", where=where, hint=hint)
    if parts.username is not None or parts.password is not None:
        raise CredentialError(
            "base_url holds a user name or password.", where=where, hint="Put them into the fields."
        )
    if parts.query or parts.fragment:
        raise CredentialError("base_url holds a query or a fragment.", where=where, hint=hint)
    if parts.scheme == "http" and not _is_loopback(host) and environ.get(ALLOW_HTTP) != "1":
        message = "base_url is plain http: the key could be read on the way."
        hint = f"Use https. For a trusted network, set {ALLOW_HTTP}=1."
        raise CredentialError(message, where=where, hint=hint)
    return str(url).strip().rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def saved_connections(
    environ: Mapping[str, str] = os.environ, *, ask: Callable[[], Secret | None] = lambda: None
) -> SavedConnections:
    """The connections saved on this machine; the passphrase comes from the environment, or from `ask`."""

    def passphrase() -> Secret | None:
        text = environ.get("CONNECTOR_PASSPHRASE")
        if not text and (file := environ.get("CONNECTOR_PASSPHRASE_FILE")):
            text = _read(Path(file), "CONNECTOR_PASSPHRASE_FILE")
        return Secret(text) if text else ask()

    return SavedConnections(default_folder(environ), passphrase=passphrase)
