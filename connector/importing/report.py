"""What became of a document, for people: the file IMPORTED.md."""

from __future__ import annotations

from collections.abc import Iterator

from connector.importing.openapi import Imported
from connector.importing.operations import Unread

FILE = "IMPORTED.md"


def report(made: Imported, name: str) -> str:
    """The text of the file.

    Args:
        made: what was imported.
        name: of the document.
    """
    return "\n".join([*_lines(made, name), ""])


def sentence(one: Unread) -> str:
    """An operation without an action, and why."""
    said = f" ({one.said_id})" if one.said_id else ""
    return f"{one.label}{said}: {one.why}."


def _lines(made: Imported, name: str) -> Iterator[str]:
    yield f"# {made.draft.connector['name']}, imported"
    yield ""
    yield f"From {name}: {len(made.draft.actions)} of {made.operations} operations are actions."
    yield "What the document says and the manifests do not is listed here; nothing of it was guessed."
    yield from _section("Operations that are no actions", [sentence(one) for one in made.unread])
    yield from _section("The connection", [f"{remark}." for remark in made.about])
    remarks = {action: said for action, said in made.remarks.items() if said}
    if remarks:
        yield from ("", "## What the actions leave out")
    for action, said in remarks.items():
        yield from ("", f"### {action}", "")
        yield from (f"- {_plain(remark)}" for remark in said)


def _section(title: str, sentences: list[str]) -> Iterator[str]:
    if sentences:
        yield from ("", f"## {title}", "")
        yield from (f"- {_plain(one)}" for one in sentences)


def _plain(text: str) -> str:
    """On one line, with nothing that Markdown or HTML would take for its own."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")
