"""Which connection a command uses, and its opening.

`--connection NAME`, else the environment; where the environment says nothing, the saved connection that bears
the connector's name, if there is one. The environment and a saved connection are never mixed.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from typing import TYPE_CHECKING

import click

from connector.cli import garbage
from connector.cli.streams import tell
from connector.errors import CredentialError, did_you_mean
from connector.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.connection import Connection
    from connector.manifest import Connector
    from connector.run import OpenConnection
    from connector.saved import ListedConnection, SavedConnections


def open_connection(
    connector: Connector, name: str | None = None, base_url: str | None = None
) -> OpenConnection:
    """The connection that a command was told to use, ready to send.

    Raises:
        CredentialError: if there is none, or it is incomplete.
    """
    from connector.run import OpenConnection

    connection = connection_to_use(connector, name, base_url)
    garbage.started()
    return OpenConnection(connection)


def connection_to_use(connector: Connector, name: str | None, base_url: str | None) -> Connection:
    """The connection that a command was told to use, complete.

    Raises:
        CredentialError: if there is none, or it is incomplete.
    """
    from connector.connection import resolve

    chosen = _chosen(connector, name)
    if chosen is None:
        _need_secrets(connector)
    loaded = saved().load(chosen.name) if chosen else None
    connection = resolve(connector, _given(base_url), saved=loaded, environ=os.environ)
    # main() masks these secrets in whatever it still has to say
    click.get_current_context().obj.append(connection.redactor)
    return connection


def has_credentials(connector: Connector) -> bool:
    """Whether the environment or a saved connection has what a request needs; nothing is read but names."""
    if _chosen(connector, None) is not None:
        return True
    required = [name for name in _required(connector) if name in connector.connection.secrets]
    return all(any(os.environ.get(variable) for variable in _variables(connector, name)) for name in required)


def connection_to_look_at(connector: Connector, name: str | None, base_url: str | None) -> Connection:
    """The same connection, with a stand-in for each secret: no key needs to be there, and none is read.

    Raises:
        CredentialError: if no connection has that name, or a setting is wrong.
    """
    from connector.connection import resolve

    stand_ins = {field: Secret("not-read") for field in connector.connection.secrets}
    chosen = _chosen(connector, name)
    if chosen is None:
        unread = {variable for field in stand_ins for variable in _variables(connector, field)}
        environ = {key: value for key, value in os.environ.items() if key not in unread}
        given = {**stand_ins, **_given(base_url)}
        for field in _not_said(connector, given, environ):
            given[field] = _sample(connector, field)
            tell(f"warning: {_variables(connector, field)[0]} is not set; {given[field]!r} stands in for it.")
        return resolve(connector, given, environ=environ)
    from connector.saved import SavedConnection

    looked_at = SavedConnection(chosen.name, chosen.connector, chosen.settings, stand_ins)
    return resolve(connector, _given(base_url), saved=looked_at, environ=os.environ)


def _not_said(connector: Connector, given: Mapping[str, object], environ: Mapping[str, str]) -> Iterator[str]:
    """The fields that a request needs, are no secrets, and have no value."""
    from connector.connection import NAME_FIELD

    known = {*given, *connector.connection.defaults, NAME_FIELD}
    for field in _required(connector):
        if field not in known and not any(environ.get(variable) for variable in _variables(connector, field)):
            yield field


def _sample(connector: Connector, field: str) -> str:
    """What stands in for a field that is no secret: a value that it takes, as far as its schema tells."""
    schema = connector.connection.form.get(field, {})
    samples = [*schema.get("enum", ()), *schema.get("examples", ())]
    if samples:
        return str(samples[0])
    is_url = field == "base_url" or schema.get("format") == "uri"
    return "https://api.example" if is_url else field.replace("_", "-")


def saved(*, for_saving: bool = False) -> SavedConnections:
    """The saved connections; where their file needs a passphrase, it is asked for on a terminal."""
    from connector.connection import saved_connections

    def ask() -> Secret | None:
        if not is_interactive():
            return None
        if for_saving:
            tell("No keyring can be reached here: the secrets go to a file, encrypted with a passphrase.")
        text = "Passphrase of the encrypted file"
        return Secret(click.prompt(text, hide_input=True, confirmation_prompt=for_saving, err=True))

    return saved_connections(os.environ, ask=ask)


def listed(connections: SavedConnections, name: str) -> ListedConnection:
    """What is known of a saved connection without unlocking anything.

    Raises:
        CredentialError: if there is none of this name.
    """
    known = {one.name: one for one in connections.names()}
    if found := known.get(unicodedata.normalize("NFC", name)):
        return found
    hint = did_you_mean(name, known) if known else "`connector connections add` saves one."
    raise CredentialError(
        "No connection of this name is saved.", where=f"connection {name[:64]!r}", hint=hint
    )


def is_interactive() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _chosen(connector: Connector, name: str | None) -> ListedConnection | None:
    """The saved connection to use; None for the environment."""
    if name is not None:
        return listed(saved(), name)
    variables = {variable for field in connector.connection.form for variable in _variables(connector, field)}
    if any(os.environ.get(variable) for variable in variables):
        return None
    of_its_name = (one for one in saved().names() if one.name == one.connector == connector.id)
    return next(of_its_name, None)


def _given(base_url: str | None) -> dict[str, str]:
    return {} if base_url is None else {"base_url": base_url}


def _variables(connector: Connector, field: str) -> tuple[str, str]:
    variable = f"{connector.id}_{field}".upper()
    return variable, f"{variable}_FILE"


def _need_secrets(connector: Connector) -> None:
    """A better answer than "api_key is missing" to whoever is new here."""
    from connector.loading import named

    required = [name for name in _required(connector) if name in connector.connection.secrets]
    for name in required:
        variables = _variables(connector, name)
        if any(os.environ.get(variable) for variable in variables):
            continue
        title = connector.connection.form[name].get("title", name)
        names = [one.name for one in saved().names() if one.connector == connector.id]
        choose = (
            f"Choose a saved connection with --connection ({', '.join(names)}), or set" if names else "Set"
        )
        save = "" if names else f", or save a connection: `connector connections add {named(connector)}`"
        raise CredentialError(
            f"There is no {title}.",
            where=f"connection {connector.id!r}",
            hint=f"{choose} {variables[0]}{save}.",
        )


def _required(connector: Connector) -> tuple[str, ...]:
    return tuple(connector.connection.fields.get("required", ()))
