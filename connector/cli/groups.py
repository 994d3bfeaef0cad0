"""Groups of commands."""

from __future__ import annotations

import click


class InOrder(click.Group):
    """A group whose help lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)


def help_if_alone(context: click.Context) -> None:
    """The group's help, if it was named without a command."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
