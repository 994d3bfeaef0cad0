"""`connector lint`: an author's mistakes, each with its line."""

from __future__ import annotations

import click

from connector.cli.endings import Exit, closing
from connector.cli.naming import here_or_shipped
from connector.cli.streams import give, tell
from connector.cli.visible import visible


@click.command(
    "lint",
    short_help="Find mistakes in a connector's manifest.",
    epilog=closing("connector lint ./my_connector", ends=(Exit.OK, Exit.FOUND, Exit.WRONG)),
)
@click.argument("path", required=False)
def lint(path: str | None) -> None:
    """Find mistakes in the manifest of the connector in PATH.

    Without PATH: of the connector in this folder, or else of all that are shipped.

    Each problem is printed with its file, line and column, the line itself, and what to do. What the examples
    use that the vendor has deprecated or retired by today is noted on stderr.
    """
    from datetime import UTC, datetime

    from connector.lint import ages
    from connector.lint import lint as problems_of
    from connector.loading import find, load

    places = here_or_shipped() if path is None else [path]
    for place in places:
        find(place)  # a path without a connector is a wrong argument, not a problem in a manifest
    problems = [problem for place in places for problem in problems_of(place)]
    for problem in problems:
        give(visible(str(problem)))
    if problems:
        files = len({problem.where.rsplit(":", 2)[0] for problem in problems})
        tell(f"{_count(len(problems), 'problem')} in {_count(files, 'file')}.")
        raise click.exceptions.Exit(Exit.FOUND)
    for place in places:
        for sentence in ages(load(place), datetime.now(UTC).date()):
            tell(f"note: {visible(sentence, one_line=True)}")
    give(f"ok: {visible(', '.join(places))}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
