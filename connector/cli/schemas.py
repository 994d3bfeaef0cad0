"""`connector schema`: the JSON Schema of manifests, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.endings import Exit, closing
from connector.cli.streams import give, tell
from connector.cli.visible import visible

_HELP = """Give the JSON Schema of connector.yaml (connector) or of the files in actions/ (action).

    With -o, both are written, or the one that is named. An editor with a YAML language server completes,
    explains and checks a manifest whose first line is

    \b
      # yaml-language-server: $schema=PATH/connector.schema.json
"""


@click.command(
    "schema",
    short_help="Give the JSON Schema of manifests, for editors.",
    help=_HELP,
    epilog=closing(
        "connector schema action", "connector schema -o schemas", ends=(Exit.OK, Exit.WRONG, Exit.FAULT)
    ),
)
@click.argument("kind", type=click.Choice(["connector", "action"]), required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the files into this folder.")
def schema(kind: str | None, output: Path | None) -> None:
    from connector.documenting.editor_schema import KINDS, file_name, shipped_text

    if output is None:
        if kind is None:
            raise click.UsageError("Name one (connector or action), or a folder for both: -o FOLDER.")
        give(shipped_text(kind).rstrip("\n"))
        return
    output.mkdir(parents=True, exist_ok=True)
    for name in KINDS if kind is None else (kind,):
        file = output / file_name(name)
        file.write_text(shipped_text(name), encoding="utf-8")
        tell(f"wrote {visible(str(file), one_line=True)}")
