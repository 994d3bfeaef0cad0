"""`connector record`: the examples of a manifest, run and kept as cassettes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, NoReturn

import click

from connector.cli.endings import RUNS, Exit, closing, ended
from connector.cli.naming import complete_words, find_connectors
from connector.cli.opening import open_connection
from connector.cli.streams import give, tell
from connector.cli.visible import visible
from connector.errors import InputError, Problem
from connector.shipped_files import COMPILED

if TYPE_CHECKING:
    from connector.connection import Connection
    from connector.manifest import Connector

EXAMPLES = """
    PATH is a connector's name (perplexity), or a folder with a connector.yaml; ACTION is the id of one of its
    actions. The two can be one word: perplexity.execute_search, ./folder.find. Without any: the connector in
    this folder, or else all that are shipped.
"""


@click.command(
    "record",
    short_help="Record the examples as cassettes.",
    help="Record the examples of a connector, of one ACTION, or one EXAMPLE of it, as cassettes.\n"
    f"{EXAMPLES}\n"
    "    The sandbox answers, or, for a connector without one, a mock made from its manifest; --live asks the\n"
    "    real service. What changed in the answers' shape is printed: + is new, - is gone, ~ has another type.\n"
    "    A cassette is not written while anything in it looks like a secret. What is none is allowed by the\n"
    "    place that the error names, and the cassette lists it.",
    epilog=closing(
        "connector record perplexity.execute_search one_query",
        "connector record ./my_connector find --live",
        ends=sorted({*RUNS, Exit.FOUND}),
    ),
)
@click.argument("words", nargs=-1, metavar="[PATH] [ACTION [EXAMPLE]]", shell_complete=complete_words)
@click.option("--live", is_flag=True, help="Ask the real service with your key, which may cost money.")
@click.option("--connection", metavar="NAME", help="With --live: a saved connection, as for run.")
@click.option(
    "--allow", multiple=True, metavar="PLACE", help="What looks like a secret there is none; repeatable."
)
def record(words: tuple[str, ...], live: bool, connection: str | None, allow: tuple[str, ...]) -> None:
    try:
        from connector.testing.recording import record as record_examples
    except ImportError as error:
        not_installed(error, "Recording", "vcrpy")
    if connection is not None and not live:
        raise click.UsageError("--connection goes with --live: nothing else uses a key of yours.")
    checked(words)
    here = click.get_current_context()
    codes: list[Exit] = []
    named = find_connectors(words)
    for loaded, _, _ in named:
        _check_is_own(loaded)
    for loaded, action, example in named:
        with ExitStack() as stack:
            used: bool | Connection = False
            if live:
                used = stack.enter_context(open_connection(loaded, connection)).connection
            texts = record_examples(
                loaded,
                action,
                example,
                live=used,
                allow=allow,
                missed=lambda error: codes.append(ended(error, here.obj or ())),
            )
            if not _given(texts) and not codes:
                what = (
                    "there is nothing to record: write `examples: [{id: ..., inputs: {...}}]` into an action."
                )
                tell(f"{loaded.id}: {what}")
    if codes:
        here.exit(codes[0])


def _check_is_own(loaded: Connector) -> None:
    """What is installed keeps no cassettes: they would lie among the files of Python's packages.

    Raises:
        InputError: if it is.
    """
    if loaded.folder.is_relative_to(COMPILED):
        message = "It is an installed connector, whose cassettes are kept where it is developed."
        hint = f"Name a folder of your own, or record it in a checkout of {loaded.name}'s source."
        raise InputError([Problem(loaded.id, message, hint)])


def _given(texts: Iterable[str]) -> int:
    """Give each text as soon as it is there; how many there were."""
    number = 0
    for text in texts:
        give(visible(text))
        number += 1
    return number


def checked(words: tuple[str, ...]) -> None:
    """At most PATH, ACTION and EXAMPLE."""
    if len(words) > 3:
        raise click.UsageError("There are too many arguments.")


def not_installed(error: ImportError, what: str, library: str) -> NoReturn:
    """Say how to install what this command needs; a fault of our own is told as one."""
    if str(error.name).startswith("connector"):
        raise error
    message = f"{what} needs {library}: python -m pip install 'perplexity-connector[test]'"
    raise click.ClickException(message) from None
