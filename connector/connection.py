"""A connection: a name, the credential fields, the settings. Where they come from, and what they must be.

Sources, the first that has a field wins: arguments, then a saved connection or else the environment
(`<CONNECTOR>_<FIELD>`, or `<CONNECTOR>_<FIELD>_FILE` for the path of a file that holds it), then the
manifest's defaults. A saved connection never mixes with the environment: its key goes where it was saved for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from connector.destination import ALLOW_HTTP, checked_base_url, checked_url
from connector.errors import CredentialError, Problem, did_you_mean
from connector.evaluate import text_of
from connector.log_masking import guard
from connector.manifest import Auth, Connector, Request
from connector.pasted import cleaned
from connector.secret import MASK, Redactor, Secret

if TYPE_CHECKING:
    from connector.saved import SavedConnection, SavedConnections

NAME_FIELD = "connection_name"
_LONG = 12  # characters of a secret that is none by chance


@dataclass(frozen=True)
class Connection:
    """A connector's fields, complete and checked. Secrets are of their own type and print as a mask."""

    connector: Connector = field(repr=False)
    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, Secret] = field(repr=False)
    token: Secret | None = field(default=None, repr=False)
    """The access token, where the auth fetches one and it is there."""

    @property
    def every_secret(self) -> tuple[Secret, ...]:
        """Those of the fields, and the access token."""
        return (*self.secrets.values(), *((self.token,) if self.token else ()))

    @cached_property
    def redactor(self) -> Redactor:
        """Removes this connection's secrets from text and values."""
        secrets = list(self.secrets.values())
        if self.connector.connection.auth.fetches_token:  # encoded before they are joined for basic auth
            secrets += [Secret(quote_plus(secret.reveal(), errors="replace")) for secret in secrets]
        return Redactor(secrets)

    @cached_property
    def content_redactor(self) -> Redactor:
        """As redactor, for what an action gives: there, a secret such as `test` may stand for itself."""
        long = (secret for secret in self.secrets.values() if len(secret.reveal()) >= _LONG)
        return Redactor(long, cut=False)

    @cached_property
    def signed(self) -> dict[Any, Any]:
        """Where `request` keeps what it has made of the secrets: headers that have them in it, ready to be sent."""
        return {}

    @cached_property
    def base_url(self) -> str:
        """Where requests go, without a slash at the end."""
        url = self.connector.connection.base_url.fill({"connection": {**self.settings}})
        return checked_base_url(url, where=f"connection {self.name!r}", allow_http=allows_http())

    def url_of(self, request: Request) -> str:
        """Where a request goes, without a slash at the end: the connection's base URL, or the request's own.

        Raises:
            CredentialError: if its own is none.
        """
        if request.base_url is None:
            return self.base_url
        url = request.base_url.fill({"connection": {**self.settings}})
        return checked_base_url(url, where=f"connection {self.name!r}", allow_http=allows_http())

    @cached_property
    def token_url(self) -> str:
        """Where the access token comes from, for an auth that fetches one."""
        template, where = self.connector.connection.auth.token_url, f"connection {self.name!r}"
        url = template.fill({"connection": {**self.settings}}) if template else None
        if isinstance(url, str) and url.startswith("/") and not url.startswith("//"):
            url = self.base_url + url
        return checked_url(url, what="token_url", where=where, allow_http=allows_http())

    def with_token(self, token: Secret) -> Connection:
        """The same with an access token: whoever holds a redactor of the connection masks it from now on."""
        made = replace(self, token=token)
        self.redactor.learn(token)
        if len(token.reveal()) >= _LONG:
            self.content_redactor.learn(token)
        vars(made).update(redactor=self.redactor, content_redactor=self.content_redactor)
        return made

    def hiding(self, secrets: Iterable[Secret]) -> Connection:
        """The same, whose redactor knows of further secrets: those of one run."""
        made = replace(self)
        redactor = Redactor((*self.every_secret, *secrets))
        vars(made).update(redactor=redactor, content_redactor=self.content_redactor, base_url=self.base_url)
        return made

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
    given, environ = hidden(given), _Environment(environ)
    form = connector.connection
    name = str(_shown(given.get(NAME_FIELD)) or (saved.name if saved else connector.id))
    where = f"connection {name[:64]!r}"
    for key, value in given.items():
        if key not in form.form and key != NAME_FIELD:
            hint = did_you_mean(key, form.form)
            raise CredentialError(f"There is no field {key[:60]!r}.", where=where, hint=hint)
        if isinstance(value, _Unfit):
            message = f"{key} must be text, not {value}."
            raise CredentialError(message, where=where, hint=f"Give {key} as text.")
    fields: dict[str, Any] = dict(form.defaults)
    if saved is None:
        fields.update(_from_environment(connector, environ, where))
    elif saved.connector != connector.id:
        message = f"It is a connection of {saved.connector}, not of {connector.id}."
        raise CredentialError(message, where=where, hint="Choose or save one of this connector.")
    else:
        fields.update({**saved.settings, **saved.secrets})
        for key in _fields_of_urls(connector) if given.keys() - {NAME_FIELD} else ():
            _same_host(key, _shown(given.get(key)), fields.get(key), where)
    fields.update({key: value for key, value in given.items() if value is not None and key in form.form})
    if NAME_FIELD in form.form:
        fields[NAME_FIELD] = name
    secrets = {
        key: cleaned(key, fields.pop(key), where, is_word=form.auth.kind != "basic")
        for key in form.secrets
        if fields.get(key) is not None
    }
    settings = {key: _shown(value) for key, value in fields.items()}
    missing = [key for key in form.fields.get("required", ()) if key not in settings and key not in secrets]
    if missing:
        raise _missing(connector, missing[0], where)
    connection = Connection(connector, name, settings, secrets)
    guard(connection.redactor)
    problems = _problems(connection)
    if problems:
        said = " ".join(f"{problem.where}: {problem.message}" for problem in problems)
        raise CredentialError(said, where=where, hint=problems[0].hint)
    _ = connection.base_url  # a wrong one is told now, not at the first request
    if form.auth.fetches_token:
        _ = connection.token_url
    _check_auth(connection, where)
    return connection


def hidden(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with every text as a Secret: before they are sorted, none of them may show in a traceback.

    Of a value that no field takes, such as a key in bytes or in a list, only the name of its type is left.
    """
    return {key: _hidden(value) for key, value in fields.items()}


def _hidden(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, Secret, _Unfit)):
        return value
    return Secret(value) if isinstance(value, str) else _Unfit(type(value).__name__)


class _Unfit(str):
    """The name of a type that no field takes."""

    __slots__ = ()


def _shown(value: Any) -> Any:
    """The value of a field that is no secret."""
    return value.reveal() if isinstance(value, Secret) else value


class _Environment(Mapping[str, str]):
    """Variables that do not show their values in a traceback, as os.environ does."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return "<the environment>"


def _problems(connection: Connection) -> list[Problem]:
    fields = connection.fields(lambda _, secret: secret.reveal())
    hide = connection.redactor.text
    return [
        replace(problem, message=hide(problem.message), hint=hide(problem.hint))
        for problem in connection.connector.connection.checker.problems(fields, "field")
    ]


def _check_auth(connection: Connection, where: str) -> None:
    """Tell now what would make every request fail: a part of the auth without a value, or unfit for a header."""
    auth = connection.connector.connection.auth
    scope = {"connection": connection.fields(lambda _, __: MASK)}
    user = auth.username.fill(scope) if auth.kind == "basic" and auth.username is not None else None
    if user is not None and ":" in text_of(user):
        message = "The user name holds a colon, which ends it for the server."
        raise CredentialError(message, where=where, hint="Give the name without what follows the colon.")
    for path, template in auth.templates.items():
        if path[0] in {"scopes", "parameters", "token_url"}:
            continue
        text = template.fill(scope)
        if text is None:
            message = "A field that the requests' auth needs has no value."
            raise CredentialError(message, where=where, hint="Give the connection all of its fields.")
        if (header := _header_of(auth, path)) and not is_header_value(text_of(text)):
            message = f"The header {header} would hold what HTTP cannot carry."
            raise CredentialError(
                message, where=where, hint="Use printable ASCII in the connection's fields."
            )


def _header_of(auth: Auth, path: tuple[str | int, ...]) -> str | None:
    """The header that a text of auth goes into as it stands."""
    if len(path) == 3:  # also
        key = auth.also[int(path[1])]
        return key.name if key.kind == "header" else None
    return auth.name if auth.kind in {"header", "bearer"} else None


def is_header_value(text: str) -> bool:
    """Whether HTTP carries it as it is: printable ASCII, with no space at either end."""
    return text.isascii() and text.isprintable() and text == text.strip()


def _missing(connector: Connector, name: str, where: str) -> CredentialError:
    title = connector.connection.form.get(name, {}).get("title", name)
    variable = f"{connector.id.upper()}_{name.upper()}"
    from connector.loading import named  # noqa: PLC0415 - only mistakes need it

    hint = f"Set {variable}, save one with `connector connections add {named(connector)}`, or pass {name}=..."
    return CredentialError(f"The {title} ({name}) is missing.", where=where, hint=hint)


def _from_environment(connector: Connector, environ: Mapping[str, str], where: str) -> dict[str, Secret]:
    found: dict[str, Secret] = {}
    for name in connector.connection.form:
        variable = f"{connector.id}_{name}".upper()
        in_file = bool(environ.get(f"{variable}_FILE"))
        if in_file and environ.get(variable):
            message = f"{variable} and {variable}_FILE are both set."
            raise CredentialError(message, where=where, hint="Unset one of them.")
        if name == NAME_FIELD:
            continue
        if in_file:
            found[name] = Secret(_read(environ, f"{variable}_FILE"))
        elif environ.get(variable):
            found[name] = Secret(environ[variable])
    return found


def _read(environ: Mapping[str, str], variable: str) -> str:
    """What the file holds that a variable names. The path is never shown: some put the secret itself there."""
    try:
        with Path(environ[variable]).open(encoding="utf-8-sig") as file:
            return file.read(65536).strip()
    except OSError as error:
        reason = error.strerror
        hint = f"It takes the path of a file; what is to be read goes into {variable.removesuffix('_FILE')}."
    except ValueError:
        reason, hint = "it is not UTF-8 text", "Save it as UTF-8."
    # raised here: the errors above hold the path or the file's bytes, and would be this one's context
    message = f"The file that it names cannot be read: {reason}."
    raise CredentialError(message, where=variable, hint=hint)


def _fields_of_urls(connector: Connector) -> set[str]:
    """The fields that decide where a secret goes."""
    form = connector.connection
    routes = [route for action in connector.actions.values() for route in action.routes.values()]
    urls = (form.base_url, form.auth.token_url, *(route.request.base_url for route in routes))
    found = (expression for url in urls if url is not None for _, expression, _ in url.expressions())
    return {path[-1] for expression in found for path in expression.references}


def _same_host(key: str, given: Any, saved: Any, where: str) -> None:
    if given is not None and str(given).rstrip("/") != str(saved).rstrip("/"):
        message = f"{key} differs from the one this connection was saved with; its key is not sent elsewhere."
        raise CredentialError(message, where=where, hint=f"Leave {key} out, or save another connection.")


def allows_http() -> bool:
    """Whether whoever runs this lets keys go over plain http to other machines."""
    return os.environ.get(ALLOW_HTTP) == "1"


def saved_connections(
    environ: Mapping[str, str] = os.environ, *, ask: Callable[[], Secret | None] = lambda: None
) -> SavedConnections:
    """The connections saved on this machine; the passphrase comes from the environment, or from `ask`."""
    from connector.saved import SavedConnections, default_folder  # noqa: PLC0415 - most runs use none

    environ = _Environment(environ)

    def passphrase() -> Secret | None:
        text = environ.get("CONNECTOR_PASSPHRASE")
        if not text and environ.get("CONNECTOR_PASSPHRASE_FILE"):
            text = _read(environ, "CONNECTOR_PASSPHRASE_FILE")
        return Secret(text) if text else ask()

    return SavedConnections(default_folder(environ), passphrase=passphrase)
