"""`connector connections`: save, list, test and remove connections. No secret comes from an argument."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from connector.cli.endings import Exit, closing
from connector.cli.groups import InOrder, help_if_alone
from connector.cli.opening import is_interactive, listed, open_connection, saved
from connector.cli.streams import give, tell
from connector.cli.visible import json_text, visible
from connector.errors import CredentialError
from connector.secret import Secret

if TYPE_CHECKING:
    from connector.manifest import Connector

_Command = TypeVar("_Command", bound=Callable[..., Any])
_NOT_AS_ARGUMENT = (
    "A secret is not taken from an argument: it would stay in the shell's history, and every program could "
    "see it. Run it in a terminal to be asked, set the environment variable, or use --secrets-from-stdin."
)
_ENDS = (Exit.OK, Exit.WRONG, Exit.CONNECTION)


def _refused(_context: click.Context, _parameter: click.Parameter, value: object) -> None:
    if value:
        raise click.UsageError(_NOT_AS_ARGUMENT, _context)


def _no_secrets(command: _Command) -> _Command:
    """Options that people may try for a secret: hidden, and answered with the reason why not."""
    names = ("--api-key", "--key", "--token", "--password", "--secret")
    return click.option(*names, hidden=True, expose_value=False, multiple=True, callback=_refused)(command)


@click.group(
    "connections",
    cls=InOrder,
    invoke_without_command=True,
    short_help="Save, list, test and remove connections.",
)
@click.pass_context
def connections(context: click.Context) -> None:
    """Save, list, test and remove connections: an API key and its settings, under a name.

    Keys are kept in the system's keyring, or, where there is none, in a file encrypted with a passphrase
    (CONNECTOR_PASSPHRASE, or asked for). Settings are in a file beside it; CONNECTOR_HOME moves both.
    """
    help_if_alone(context)


@connections.command(
    "add",
    short_help="Save a connection.",
    epilog=closing(
        "connector connections add perplexity",
        "connector connections add perplexity --name gateway --field chat_route=sonar",
        ends=(*_ENDS, Exit.INTERRUPTED),
    ),
)
@click.argument("connector")
@click.option("--name", help="Its name. Without it, the connector's: then run uses it without --connection.")
@click.option(
    "--field", "fields", multiple=True, metavar="KEY=VALUE", help="A field that is not secret; repeatable."
)
@click.option("--secrets-from-stdin", is_flag=True, help="Read each secret as one line of stdin.")
@click.option("--replace", is_flag=True, help="Replace the saved connection of this name.")
@_no_secrets
def add(
    connector: str, name: str | None, fields: tuple[str, ...], secrets_from_stdin: bool, replace: bool
) -> None:
    """Save a connection of CONNECTOR, such as perplexity, after asking for its fields.

    Without a terminal, nothing is asked: the fields come from --field and the environment
    (PERPLEXITY_API_KEY, or PERPLEXITY_API_KEY_FILE for a file that holds it, PERPLEXITY_BASE_URL, ...),
    or from --field and stdin with --secrets-from-stdin.
    """
    from connector.connection import NAME_FIELD, resolve
    from connector.loading import load
    from connector.saved import SavedConnection

    loaded = load(connector)
    given: dict[str, Any] = _fields(loaded, fields)
    asks = is_interactive() and not secrets_from_stdin
    if name is None:
        name = click.prompt("Name", default=loaded.id, err=True) if asks else loaded.id
    kept = saved(for_saving=True)
    if not replace and any(one.name == name for one in kept.names()):
        hint = "Choose another with --name, or add --replace."
        raise CredentialError(
            "There is one of this name already.", where=f"connection {name[:64]!r}", hint=hint
        )
    if asks:
        given = _asked(loaded, given)
    elif secrets_from_stdin:
        given.update(_from_stdin(loaded))
    environ = {} if asks or secrets_from_stdin else os.environ
    connection = resolve(loaded, {**given, NAME_FIELD: name}, environ=environ)
    click.get_current_context().obj.append(connection.redactor)
    settings = {key: value for key, value in connection.settings.items() if key != NAME_FIELD}
    place = kept.save(SavedConnection(name, loaded.id, settings, connection.secrets), replace=replace)
    where = "the system's keyring" if place == "keyring" else "a file that is encrypted with the passphrase"
    give(f"Saved {visible(name)!r} for {connection.base_url}; its secrets are in {where}.")
    whose = "" if connector == "perplexity" else f" --connector {visible(shlex.quote(connector))}"
    tell(f"Test it: connector connections test {visible(shlex.quote(name))}{whose}")


def _fields(connector: Connector, pairs: tuple[str, ...]) -> dict[str, Any]:
    from connector.connection import NAME_FIELD
    from connector.errors import did_you_mean

    known = [name for name in connector.connection.form if name != NAME_FIELD]
    given: dict[str, Any] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if key in connector.connection.secrets:
            raise click.UsageError(_NOT_AS_ARGUMENT)
        if not sign:
            raise click.UsageError("--field takes KEY=VALUE.")
        if key not in known:
            raise click.UsageError(f"There is no field {key!r}. {did_you_mean(key, known)}")
        given[key] = value
    return given


def _asked(connector: Connector, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as somebody types them, in the manifest's order; what was given is not asked for."""
    from connector.connection import NAME_FIELD

    form = connector.connection
    answers = dict(given)
    for key, schema in form.form.items():
        if key in given or key == NAME_FIELD:
            continue
        if about := schema.get("description"):
            tell(visible(about, one_line=True))
        answer = _answer(
            key, schema, is_secret=key in form.secrets, is_required=key in form.fields.get("required", ())
        )
        answers[key] = answer or None
    return answers


def _answer(key: str, schema: Mapping[str, Any], *, is_secret: bool, is_required: bool) -> str | Secret:
    title = visible(schema.get("title", key), one_line=True)
    default = schema.get("default", None if is_required else "")  # None: it is asked for until it is given
    if is_secret:
        text = f"{title} (not shown)"
        return Secret(click.prompt(text, hide_input=True, default=default, show_default=False, err=True))
    choices = schema.get("enum")
    kind = click.Choice([str(choice) for choice in choices]) if choices and default != "" else None
    answer: str = click.prompt(title, default=default, type=kind, show_default=bool(default), err=True)
    return answer


def _from_stdin(connector: Connector) -> dict[str, Secret]:
    names = [name for name in connector.connection.form if name in connector.connection.secrets]
    lines = [line.decode("utf-8", "replace").rstrip("\r\n") for line in sys.stdin.buffer.readlines(65536)]
    while lines and not lines[-1].strip():
        lines.pop()
    if len(lines) != len(names):
        message = f"stdin has {len(lines)} lines for {len(names)} secrets ({', '.join(names)})."
        raise CredentialError(message, where="stdin", hint="Give one line for each, in this order.")
    return {name: Secret(line.removeprefix("\ufeff")) for name, line in zip(names, lines, strict=True)}


@connections.command(
    "list",
    short_help="List the saved connections.",
    epilog=closing("connector connections list --format json", ends=_ENDS),
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def list_(form: str) -> None:
    """List the saved connections with their settings. Nothing is unlocked, and no secret is read."""
    found = saved().names()
    if form == "json":
        rows = [
            {
                "name": one.name,
                "connector": one.connector,
                "settings": dict(one.settings),
                "secret_fields": list(one.secret_fields),
                "kept_in": one.kept_in,
            }
            for one in found
        ]
        give(json_text(rows))
        return
    if not found:
        tell("No connection is saved. `connector connections add perplexity` saves one.")
        return
    from connector.cli.page import Page

    table = [
        (
            one.name,
            one.connector,
            one.kept_in,
            ", ".join(f"{key}={value}" for key, value in one.settings.items()),
        )
        for one in found
    ]
    Page().table(("name", "connector", "secrets in", "settings"), table, indent=0)


_SHIPPED = "perplexity"
_WORDS = {
    "works": "works",
    "wrong_key": "the key is wrong",
    "no_credit": "the key is right, but there is no credit",
    "not_allowed": "not allowed",
    "unreachable": "the service cannot be reached",
    "failing": "the service fails",
    "unknown": "not known",
}


@connections.command(
    "test",
    short_help="Test a connection with a free request.",
    epilog=closing("connector connections test", ends=(Exit.OK, Exit.FOUND, Exit.WRONG, Exit.CONNECTION)),
)
@click.argument("name", required=False)
@click.option(
    "--connector",
    "place",
    default=_SHIPPED,
    show_default=True,
    help="Whose connection it is: a connector's name, or a folder.",
)
@_no_secrets
def test(name: str | None, place: str) -> None:
    """Test the saved connection NAME, or else the one that run uses, with a request that costs nothing.

    Exit code 0 means that it works.
    """
    from connector.installed import installed
    from connector.loading import load, shipped_names

    if name is not None:
        is_saved = any(one.name == name for one in saved().names())
        if not is_saved and (Path(name) / "connector.yaml").is_file():
            hint = f"Test its connection with: connector connections test --connector {shlex.quote(name)}"
            message = "It is the folder of a connector, not the name of a saved connection."
            raise CredentialError(message, where=f"connection {name[:64]!r}", hint=visible(hint))
        owner = listed(saved(), name).connector
        place = owner if owner in (*shipped_names(), *installed().connectors) else place
        if place == _SHIPPED != owner:
            hint = f"Say where {owner} is: connector connections test {shlex.quote(name)} --connector FOLDER"
            message = f"It is a connection of {owner}, whose manifest is in a folder of your own."
            raise CredentialError(message, where=f"connection {name[:64]!r}", hint=visible(hint))
    with open_connection(load(place), name) as opened:
        result = opened.check()
        connection = opened.connection
    about = f"connection {visible(connection.name)!r} ({connection.base_url})"
    give(f"{about}: {_WORDS[result.state]}.")
    if result.state != "works":
        tell(visible(f"{result.message} {result.what_to_do}", one_line=True))
        raise click.exceptions.Exit(Exit.FOUND)


@connections.command(
    "remove",
    short_help="Forget a connection and delete its secrets.",
    epilog=closing(
        "connector connections remove gateway --yes",
        ends=(Exit.OK, Exit.FOUND, Exit.WRONG, Exit.CONNECTION),
    ),
)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Forget the saved connection NAME and delete its secrets."""
    kept = saved()
    found = listed(kept, name)
    if not yes:
        if not is_interactive():
            raise click.UsageError("Nobody can be asked here: add --yes.")
        if not click.confirm(f"Remove {visible(found.name)!r} ({found.connector})?", err=True):
            tell("Nothing was removed.")
            raise click.exceptions.Exit(Exit.FOUND)
    kept.remove(found.name)
    give(f"Removed {visible(found.name)!r}.")
