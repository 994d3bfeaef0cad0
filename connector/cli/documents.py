"""`connector docs`: the documentation of a connector, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from connector.cli.endings import Exit, closing
from connector.cli.streams import give, tell
from connector.cli.visible import visible

_ENDS: Final = (Exit.OK, Exit.FOUND, Exit.WRONG, Exit.FAULT)


@click.command(
    "docs",
    short_help="Write the documentation of a connector.",
    epilog=closing(
        "connector docs ./my_connector -o docs/my_connector.md",
        "connector docs ./my_connector -o docs/my_connector.md --check",
        "connector docs perplexity -o pages",
        ends=_ENDS,
    ),
)
@click.argument("path")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE|FOLDER",
    help="One page for a FILE that ends in .md; else a folder: index.md, and actions/ with a page for each action.",
)
@click.option("--check", is_flag=True, help="Write nothing; say whether what is there is fresh.")
@click.option(
    "--as",
    "place",
    metavar="NAME",
    help="What commands and programs in the page call the connector, such as its name once it is installed. "
    "Without it: PATH.",
)
def docs(path: str, output: Path | None, check: bool, place: str | None) -> None:
    """Write the documentation of the connector PATH, a shipped name or a folder, as Markdown.

    How to set up a connection; of each action the inputs, rules, outputs, routes and examples (YAML, Python and
    cURL, with the key as a variable); errors, limits and deadlines. Without -o, it is printed as one page.
    """
    from connector.documenting.connector_page import pages, whole_page
    from connector.loading import load

    if check and output is None:
        raise click.UsageError("Name what to check: -o FILE or -o FOLDER.")
    called = place or re.sub(r"(?<=[^/\\])[/\\]+(connector\.yaml)?\Z", "", path)
    connector = load(path)
    if output is None:
        give(visible(whole_page(connector, called)).rstrip("\n"))
    elif output.suffix == ".md":
        _end({output: whole_page(connector, called)}, check=check)
    else:
        _end({output / name: page for name, page in pages(connector, called).items()}, check=check)


def _end(pages: Mapping[Path, str], *, check: bool) -> None:
    """Write the pages, or say which of them are not fresh."""
    stale = [page for page, text in pages.items() if _written(page) != text]
    for page in stale:
        shown = visible(str(page), one_line=True)
        if check:
            tell(f"{shown} is not fresh: write it anew without --check.")
            continue
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(pages[page], encoding="utf-8")
        tell(f"wrote {shown}")
    if check and stale:
        raise click.exceptions.Exit(Exit.FOUND)
    if not stale:
        tell(f"fresh: {len(pages)} {'page' if len(pages) == 1 else 'pages'}")


def _written(page: Path) -> str | None:
    try:
        return page.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
