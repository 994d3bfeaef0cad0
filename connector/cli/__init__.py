"""The command line: `connector`. Results go to stdout, everything else to stderr.

Commands import what they need when they run: `connector --help` imports nothing but click.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from connector.cli import (
    choosing,
    connections,
    demo,
    drifting,
    linting,
    listing,
    recording,
    running,
    serving,
    streams,
    usage,
)
from connector.cli.endings import Exit, closing, ended
from connector.cli.groups import InOrder, help_if_alone
from connector.secret import Redactor


def _show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if not value:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("perplexity-connector")
    except PackageNotFoundError:
        number = "(not installed: run from its source)"
    streams.give(f"connector {number}")
    context.exit()


@click.group(
    cls=InOrder,
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


for command in (
    listing.list_,
    listing.show,
    running.run,
    running.plan,
    choosing.options,
    demo.demo,
    serving.sandbox,
    connections.connections,
    usage.usage,
    linting.lint,
    drifting.drift,
    recording.record,
):
    commands.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. The only place where an error becomes text.

    Args:
        arguments: what stands after `connector`; the process's own if None.
    """
    streams.prepare()
    redactors: list[Redactor] = []
    try:
        code = _run(sys.argv[1:] if arguments is None else list(arguments), redactors)
        sys.stdout.flush()
    except BrokenPipeError:
        code = Exit.PIPE
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - Ctrl-C included: it has an exit code of its own
        code = ended(error, redactors)
    streams.finish()
    return int(code)


def _run(arguments: list[str], redactors: list[Redactor]) -> int:
    if "_CONNECTOR_COMPLETE" in os.environ:  # a shell asks for completions, in click's protocol
        commands.main(arguments, prog_name="connector")
    _refuse_undecodable(arguments)
    try:
        with commands.make_context("connector", arguments, obj=redactors) as context:
            commands.invoke(context)
    except click.exceptions.Exit as ending:
        return int(ending.exit_code)
    return Exit.OK


def _refuse_undecodable(arguments: Sequence[str]) -> None:
    for number, argument in enumerate(arguments, 1):
        if any("\ud800" <= character <= "\udfff" for character in argument):
            message = (
                f"Argument {number} is not text in this terminal's encoding ({sys.getfilesystemencoding()})."
            )
            raise click.UsageError(message)
