"""`connector import openapi`: a connector from an OpenAPI document."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.endings import Exit, closing
from connector.cli.streams import give, tell
from connector.cli.visible import visible

if TYPE_CHECKING:
    from connector.importing.openapi import Imported

_MOST_LINES = 20  # of remarks on a terminal; the file has all of them


@click.command(
    "openapi",
    short_help="Make a connector from an OpenAPI document.",
    epilog=closing(
        "connector import openapi petstore.yaml",
        "connector import openapi stripe.json --tag Charges -o ./stripe",
        "curl https://example.com/openapi.json | connector import openapi - --operation listPets",
        ends=(Exit.OK, Exit.WRONG, Exit.FAULT),
    ),
)
@click.argument("spec")
@click.option(
    "--operation", "operations", multiple=True, metavar="ID", help="Only this operation; repeatable."
)
@click.option("--tag", "tags", multiple=True, help="Only operations with this tag; repeatable.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The folder to write; ./<id> if absent."
)
@click.option("--id", "connector_id", default="", help="The connector's id; made from the title if absent.")
@click.option("--name", default="", help="The connector's name; the document's title if absent.")
@click.option("--force", is_flag=True, help="Replace the connector that is in the folder.")
def openapi(
    spec: str,
    operations: tuple[str, ...],
    tags: tuple[str, ...],
    output: Path | None,
    connector_id: str,
    name: str,
    force: bool,
) -> None:
    """Make a connector from SPEC: OpenAPI 3.0 or 3.1, or Swagger 2.0, in JSON or YAML; `-` reads stdin.

    Each operation becomes an action with typed inputs and flat outputs. Nothing is fetched. What the document
    says and a manifest cannot is told on stderr, and in the folder's IMPORTED.md.
    """
    from connector import private_file
    from connector.importing.draft import write
    from connector.importing.openapi import Wanted, imported
    from connector.importing.report import FILE, report
    from connector.importing.soundly import sound

    _check_id(connector_id)
    content, source = _read(spec)
    made = sound(imported(content, source, Wanted(operations, tags, connector_id, name)))
    folder = output or Path(str(made.draft.connector["id"]))
    write(made.draft, folder, is_forced=force)
    private_file.replace(folder / FILE, report(made, source).encode(), is_private=False)
    _tell(made, folder / FILE)
    count = f"{_count(len(made.draft.actions), 'action')} from {_count(made.operations, 'operation')}"
    give(visible(f"{folder}: {count}", one_line=True))
    place = (
        folder.as_posix() if folder.is_absolute() or str(folder).startswith(".") else f"./{folder.as_posix()}"
    )
    first = next(iter(made.draft.actions))
    tell("Next:")
    tell(visible(f"  connector try {place} {first} --mock    # a mock of the service answers", one_line=True))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _check_id(connector_id: str) -> None:
    if connector_id and not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", connector_id):
        message = (
            f"{connector_id!r} is not an id: use lower-case letters, digits and _, beginning with a letter."
        )
        raise click.BadParameter(message, param_hint="--id")


def _read(spec: str) -> tuple[bytes, str]:
    if re.match(r"(?i)[a-z][a-z0-9+.-]+://", spec):
        message = "Nothing is fetched: download the document first, or pipe it in as `-`."
        raise click.BadParameter(message, param_hint="SPEC")
    if spec == "-":
        return sys.stdin.buffer.read(), "stdin"
    try:
        return Path(spec).read_bytes(), Path(spec).name
    except OSError as error:
        raise click.BadParameter(f"{spec} cannot be read: {error.strerror}.", param_hint="SPEC") from None


def _tell(made: Imported, file: Path) -> None:
    """What is left out, on stderr: every operation, and as many remarks as people read."""
    from connector.importing.report import sentence

    for one in made.unread:
        tell(visible(f"left out: {sentence(one)}", one_line=True))
    remarks = [f"{remark}." for remark in made.about]
    remarks += [f"{action}: {remark}." for action, said in made.remarks.items() for remark in said]
    for remark in remarks[:_MOST_LINES]:
        tell(visible(f"note: {remark}", one_line=True))
    if len(remarks) > _MOST_LINES:
        tell(visible(f"{len(remarks) - _MOST_LINES:,} more notes are in {file}.", one_line=True))
