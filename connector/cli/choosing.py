"""`connector options`: the choices of an input, as the service lists them now."""

from __future__ import annotations

import click

from connector.cli.endings import RUNS, closing
from connector.cli.naming import complete_action, find_action
from connector.cli.opening import open_connection
from connector.cli.streams import give, tell
from connector.cli.visible import json_text, visible


@click.command(
    "options",
    short_help="List the choices of an input, such as models.",
    help="List the choices of an input, as the service lists them now; without an answer, the connector's\n"
    "    snapshot. They are proposals: a name that is not among them is sent all the same.",
    epilog=closing("connector options create_response model", ends=RUNS),
)
@click.argument("action", shell_complete=complete_action)
@click.argument("name", metavar="INPUT")
@click.option("--connection", metavar="NAME", help="A saved connection.")
@click.option("--base-url", metavar="URL", help="Where to ask.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def options(action: str, name: str, connection: str | None, base_url: str | None, form: str) -> None:
    connector, chosen = find_action(action)
    with open_connection(connector, connection, base_url) as opened:
        choices = opened.options(chosen.id, name)
    if choices.source == "snapshot":
        tell("The service did not answer; this is the connector's snapshot.")
    elif not choices.values:
        tell(f"{name} has no list of choices.")
    if form == "json":
        give(json_text(list(choices.values)))
        return
    for value in choices.values:
        give(visible(str(value), one_line=True))
