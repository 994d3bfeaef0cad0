"""`connector run` and `connector plan`: the same inputs, sent or only looked at."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from connector.cli.endings import RUNS, Exit, closing
from connector.cli.inputs import gather
from connector.cli.naming import complete_action, find_action
from connector.cli.opening import connection_to_look_at, open_connection
from connector.cli.streams import give, tell
from connector.cli.visible import json_escaped, json_text, visible
from connector.errors import ConnectorError

if TYPE_CHECKING:
    from connector.output import Result

_Command = TypeVar("_Command", bound=Callable[..., Any])
_HELP_ON_INPUTS = """
    ACTION is a connector's name, a dot and its action (perplexity.execute_search, or execute_search), or a
    folder with a connector.yaml, a dot and its action: ./folder.execute_search.

    \b
    Inputs:
      name=text    exactly this text: query=2024 is the text 2024, not a number
      name:=json   JSON: max_results:=3  search_domain_filter:='["nasa.gov"]'
    A dot in a name means nothing, and name=@file is the text @file: write an
    object as name:='{...}', and read a file with --input.
"""
_EXAMPLE = "connector {} perplexity.execute_search query='latest AI news' max_results:=3"


def _with_inputs(command: _Command) -> _Command:
    """ACTION, its inputs, and what both commands can be told about the connection and the route."""
    for option in (
        click.option("--strict", is_flag=True, help="An input that the route cannot carry is an error."),
        click.option("--route", metavar="NAME", help="The route to take, whatever the connection says."),
        click.option("--base-url", metavar="URL", help="Where requests go, such as a sandbox or a gateway."),
        click.option(
            "--connection",
            metavar="NAME",
            help="A saved connection. Without it: the environment (PERPLEXITY_API_KEY, ...), or, where that "
            "is silent, the saved connection that has the connector's name.",
        ),
        click.option(
            "--input",
            "file",
            metavar="FILE",
            help="A file with a JSON object of inputs; - reads stdin. Arguments override it.",
        ),
        click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[INPUT]..."),
        click.argument("action", shell_complete=complete_action),
    ):
        command = option(command)
    return command


@click.command(
    "run",
    short_help="Run an action and give its flat outputs.",
    help=f"Run an action and give its flat outputs.\n{_HELP_ON_INPUTS}",
    epilog=closing(_EXAMPLE.format("run"), ends=RUNS),
)
@_with_inputs
@click.option(
    "--deadline",
    type=float,
    metavar="SECONDS",
    help="When to give up, retries included; the manifest's if absent.",
)
@click.option("--retries", type=int, metavar="N", help="Further attempts at most; 0 for none.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    help="JSON on stdout, or tables for people. Without it: tables on a terminal, JSON elsewhere.",
)
def run(
    action: str,
    arguments: tuple[str, ...],
    file: str | None,
    connection: str | None,
    base_url: str | None,
    route: str | None,
    strict: bool,
    deadline: float | None,
    retries: int | None,
    form: str | None,
) -> None:
    inputs = gather(arguments, file)
    connector, chosen = find_action(action)
    as_json = form == "json" or (form is None and not sys.stdout.isatty())
    with open_connection(connector, connection, base_url) as opened:
        how: Any = {"route": route, "strict": strict, "deadline": deadline, "retries": retries}
        planned = opened.plan(chosen.id, inputs, route=route, strict=strict)
        if planned.streams or planned.polls:
            from connector.cli.arriving import arrived

            with _ended_by_term():
                result = arrived(opened.stream(chosen.id, inputs, **how), as_text=not as_json)
        elif sys.stderr.isatty():
            from connector.cli.page import waiting

            with waiting(f"{chosen.name} ..."):
                result = opened.run(chosen.id, inputs, **how)
        else:
            result = opened.run(chosen.id, inputs, **how)
    warn(result.warnings)
    note_usage(connector.id, result)
    if as_json:
        give(json_text(dict(result.outputs)))
        return
    from connector.cli.flat import show_fields
    from connector.cli.page import Page

    show_fields(Page(), result.outputs, indent=0)


@contextmanager
def _ended_by_term() -> Iterator[None]:
    """TERM ends it as Ctrl-C does: what the service is at is cancelled there, so that nobody pays for it."""
    import signal

    is_ours = threading.current_thread() is threading.main_thread()  # no other gets signals
    if not is_ours or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def note_usage(connector_id: str, result: Result) -> None:
    """Into the ledger of usage; a run that succeeded does not fail over it."""
    from connector import ledger
    from connector.private_file import default_folder

    if not ledger.is_on(os.environ):
        return
    try:
        ledger.note(default_folder(os.environ), connector_id, result)
    except ConnectorError as error:
        tell(f"warning: the usage was not noted: {visible(str(error), one_line=True)}")


@click.command(
    "plan",
    short_help="Show the exact request that run would send; send nothing.",
    help="Show the exact request that run would send, and where each part of it came from.\n\n"
    "    Nothing is sent, no key is needed, and none is read: it is shown as a mask.\n"
    f"{_HELP_ON_INPUTS}",
    epilog=closing(
        _EXAMPLE.format("plan"),
        _EXAMPLE.format("plan") + " --curl",
        ends=(Exit.OK, Exit.WRONG, Exit.CONNECTION),
    ),
)
@_with_inputs
@click.option(
    "--curl", is_flag=True, help="Only an equivalent curl command, with $PERPLEXITY_API_KEY for the key."
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def plan(
    action: str,
    arguments: tuple[str, ...],
    file: str | None,
    connection: str | None,
    base_url: str | None,
    route: str | None,
    strict: bool,
    curl: bool,
    form: str,
) -> None:
    inputs = gather(arguments, file)
    connector, chosen = find_action(action)
    looked_at = connection_to_look_at(connector, connection, base_url)
    from connector import request
    from connector.run import OpenConnection

    with OpenConnection(looked_at) as opened:
        planned = opened.plan(chosen.id, inputs, route=route, strict=strict)
    warn(planned.warnings)
    if curl:
        # in its JSON body only there can be characters that need the escape
        give(json_escaped(request.curl(planned, looked_at)))
        if connector.connection.auth.fetches_token:
            variable = f"{connector.id}_{request.ACCESS_TOKEN}".upper()
            tell(f"note: {variable} is an access token, which POST {looked_at.token_url} gives.")
        return
    from connector.cli import planned as shown

    preview = request.preview(planned, looked_at)
    if form == "json":
        give(json_text(shown.as_json(planned, preview)))
    else:
        shown.show(planned, preview)


def warn(warnings: Iterable[str]) -> None:
    """Tell on stderr what the caller should know."""
    for warning in warnings:
        tell(f"warning: {visible(warning, one_line=True)}")
