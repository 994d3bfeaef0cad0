"""`connector new`: a few questions, and a folder that runs against its mock at once."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from connector.cli.endings import Exit, closing
from connector.cli.opening import is_interactive
from connector.cli.streams import give, tell
from connector.cli.visible import visible

_BASE_URL = "https://api.example.com"
_PATH = "/items"


@click.command(
    "new",
    short_help="Begin a connector of your own.",
    epilog=closing(
        "connector new acme",
        "connector new acme --base-url https://api.acme.com/v2 --auth header --path /orders/{id}",
        ends=(Exit.OK, Exit.WRONG, Exit.FAULT, Exit.INTERRUPTED),
    ),
)
@click.argument("name")
@click.option("--base-url", metavar="URL", help=f"Where the service is.  [{_BASE_URL}]")
@click.option(
    "--auth",
    metavar="KIND",
    help="How a request proves who sends it: bearer, header, query, basic, oauth2_client_credentials or none.  "
    "[bearer]",
)
@click.option(
    "--auth-name",
    metavar="NAME",
    help="The header or the parameter that holds the key.  [X-API-Key, api_key]",
)
@click.option("--method", metavar="METHOD", help="Of the first action.  [GET]")
@click.option("--path", metavar="PATH", help=f"Of the first action; {{id}} in it is an input.  [{_PATH}]")
@click.option("--action", metavar="ID", help="What to call the first action; made of its request if absent.")
@click.option(
    "--in", "parent", metavar="FOLDER", default=".", help="Where the connector's folder is made.  [.]"
)
@click.option("--yes", is_flag=True, help="Ask nothing: take the options, and what is usual for the rest.")
def new(name: str, parent: str, yes: bool, **said: str | None) -> None:
    """Write a connector into a new folder NAME: one action, ready to run against a mock of its service.

    What the options leave open is asked for on a terminal; elsewhere, what is usual is taken. The files explain
    themselves; `connector lint` has nothing to say of them.
    """
    from connector.new import AUTH_KINDS, METHODS, Wish, checked_name, usual_action, write_new
    from connector.new.wish import USUAL_NAMES

    checked_name(name)
    ask = _asking if is_interactive() and not yes else _taking
    given = {option: value.strip() if value is not None else None for option, value in said.items()}
    base_url = ask("Base URL of the service", given["base_url"], _BASE_URL)
    auth = ask("How a request proves who sends it", given["auth"], "bearer", AUTH_KINDS)
    auth_name = given["auth_name"] or ""
    if auth in USUAL_NAMES:
        what = "header" if auth == "header" else "parameter of the query"
        auth_name = ask(f"The {what} that holds the key", given["auth_name"], USUAL_NAMES[auth])
    method = ask("Method of the first action", given["method"], "GET", METHODS, str.upper)
    path = ask("Its path, with {id} for an input", given["path"], _PATH)
    action = given["action"] or usual_action(method, path)
    wish = Wish(
        name=name, base_url=base_url, auth=auth, auth_name=auth_name, method=method, path=path, action=action
    )
    try:
        folder = write_new(wish, Path(parent))
    except ValueError:  # a NUL in the path
        raise click.UsageError("--in names no folder.") from None
    place = f"./{folder}" if not folder.is_absolute() and not str(folder).startswith(".") else str(folder)
    tell(f"Wrote {visible(place, one_line=True)}: connector.yaml and actions/{wish.action}.yaml.")
    tell("Next:")
    give(visible(f"  connector lint {shlex.quote(place)}", one_line=True))
    give(visible(f"  connector try {shlex.quote(place)} {wish.action} --mock", one_line=True))
    tell("With --watch, the second runs again whenever you save a file.")


def _taking(
    _question: str,
    given: str | None,
    usual: str,
    _choices: Sequence[str] = (),
    spelt: Callable[[str], str] = str,
) -> str:
    """An answer where nobody is asked."""
    return spelt(given) if given is not None else usual


def _asking(
    question: str,
    given: str | None,
    usual: str,
    choices: Sequence[str] = (),
    spelt: Callable[[str], str] = str,
) -> str:
    """An answer, asked for where no option gives it."""
    if given is not None:
        return spelt(given)
    how: dict[str, Any] = {"type": click.Choice(choices, case_sensitive=False)} if choices else {}
    return spelt(str(click.prompt(question, default=usual, err=True, **how)).strip())
