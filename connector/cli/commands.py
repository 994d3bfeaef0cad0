"""The commands by name, and how one is run.

Commands import what they need when they run: `connector --help` imports nothing but click.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from connector.cli.endings import Exit, closing, ended
from connector.cli.groups import Deferred, help_if_alone
from connector.cli.streams import finish, give, prepare

if TYPE_CHECKING:
    from connector.secret import Redactor

_PLACES = {
    "list": ("connector.cli.listing:list_", "List the actions."),
    "show": ("connector.cli.listing:show", "Show an action's inputs, outputs, routes and examples."),
    "run": ("connector.cli.running:run", "Run an action and give its flat outputs."),
    "plan": ("connector.cli.running:plan", "Show the exact request that run would send; send nothing."),
    "batch": ("connector.cli.batch:batch", "Run an action for every row of a file."),
    "try": ("connector.cli.trying:try_", "Run an action of your own connector, and look at all of it."),
    "options": ("connector.cli.choosing:options", "List the choices of an input, such as models."),
    "demo": ("connector.cli.demo:demo", "Run every action once against a local sandbox."),
    "sandbox": (
        "connector.cli.serving:sandbox",
        "Serve a local stand-in for the Perplexity API, or for any connector's.",
    ),
    "connections": ("connector.cli.connections:connections", "Save, list, test and remove connections."),
    "usage": ("connector.cli.usage:usage", "Sum up what the runs of this machine have used."),
    "import": (
        "connector.cli.importing:import_",
        "Make a connector from a cURL command or an OpenAPI document.",
    ),
    "lint": ("connector.cli.linting:lint", "Find mistakes in a connector's manifest."),
    "schema": ("connector.cli.schemas:schema", "Give the JSON Schema of manifests, for editors."),
    "docs": ("connector.cli.documents:docs", "Write the documentation of a connector."),
    "drift": ("connector.cli.drifting:drift", "Compare a manifest with the vendor's SDK."),
    "record": ("connector.cli.recording:record", "Record the examples as cassettes."),
    "test": ("connector.cli.tested:test", "Replay every example of a connector."),
}
"""In the order of the help. Each short help is the command's own."""


def _show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if not value:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("perplexity-connector")
    except PackageNotFoundError:
        number = "(not installed: run from its source)"
    give(f"connector {number}")
    context.exit()


@click.group(
    cls=Deferred,
    places=_PLACES,
    invoke_without_command=True,
    epilog=closing(
        "connector demo",
        "connector connections add perplexity",
        "connector run perplexity.execute_search query='latest AI news'",
        ends=Exit,
    ),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def commands(context: click.Context) -> None:
    """Search the web and get answers with sources: Perplexity's actions, described by YAML manifests.

    Begin with `connector demo`: it needs no key. Results go to stdout, everything else to stderr; where
    there is no terminal, nothing is asked.
    """
    help_if_alone(context)


def ended_with(arguments: list[str]) -> int:
    """Run one command and give its exit code. The only place where an error becomes text.

    Args:
        arguments: what stands after `connector`.
    """
    prepare()
    redactors: list[Redactor] = []
    try:
        code = _run(arguments, redactors)
        sys.stdout.flush()
    except BrokenPipeError:
        code = Exit.PIPE
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - Ctrl-C included: it has an exit code of its own
        code = ended(error, redactors)
    finish()
    return int(code)


def _run(arguments: list[str], redactors: list[Redactor]) -> int:
    if "_CONNECTOR_COMPLETE" in os.environ:  # a shell asks for completions, in click's protocol
        commands.main(arguments, prog_name="connector")
    _refuse_undecodable(arguments)
    try:
        how: Any = {"obj": redactors, "terminal_width": _width()}
        with commands.make_context("connector", arguments, **how) as context:
            commands.invoke(context)
    except click.exceptions.Exit as ending:
        return int(ending.exit_code)
    return Exit.OK


def _width() -> int:
    """How wide help is: what click does about it takes an import that is longer than all the rest."""
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size().columns
    except (ValueError, OSError):
        columns = 80
    return max(min(columns, 80) - 2, 50)


def _refuse_undecodable(arguments: Sequence[str]) -> None:
    for number, argument in enumerate(arguments, 1):
        if any("\ud800" <= character <= "\udfff" for character in argument):
            message = (
                f"Argument {number} is not text in this terminal's encoding ({sys.getfilesystemencoding()})."
            )
            raise click.UsageError(message)
