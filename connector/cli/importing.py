"""`connector import`: connectors from what people have."""

from __future__ import annotations

import click

from connector.cli.endings import Exit, closing
from connector.cli.groups import Deferred, help_if_alone

_PLACES = {
    "curl": ("connector.cli.curl:curl", "Make a connector from a cURL command."),
    "openapi": ("connector.cli.openapi:openapi", "Make a connector from an OpenAPI document."),
}


@click.group(
    "import",
    cls=Deferred,
    places=_PLACES,
    invoke_without_command=True,
    short_help="Make a connector from a cURL command or an OpenAPI document.",
    epilog=closing(
        "connector import curl 'curl https://api.example.com/v1/things -H \"X-Api-Key: $KEY\"'",
        "connector import openapi petstore.yaml",
        ends=(Exit.OK, Exit.WRONG, Exit.FAULT),
    ),
)
@click.pass_context
def import_(context: click.Context) -> None:
    """Make a connector from what people have: a cURL command, or an OpenAPI document.

    Nothing is sent. The result passes `connector lint` as it is.
    """
    help_if_alone(context)
