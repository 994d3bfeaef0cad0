"""Groups of commands."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class InOrder(click.Group):
    """A group whose help lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)


class Deferred(click.Group):
    """A group that imports a command when it is named: help on the group needs none of them."""

    def __init__(self, *arguments: Any, places: Mapping[str, tuple[str, str]], **options: Any) -> None:
        """Make it.

        Args:
            arguments: of click.Group.
            places: name -> the command as `module:attribute`, and its short help.
            options: of click.Group.
        """
        super().__init__(*arguments, **options)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self._places:
            return None
        module, _, attribute = self._places[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in self._places.items()])


def help_if_alone(context: click.Context) -> None:
    """The group's help, if it was named without a command."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
