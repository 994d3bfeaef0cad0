"""`connector list` and `connector show`: what there is, and what one action takes and gives."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from connector.cli.endings import Exit, closing
from connector.cli.naming import action_ids, complete_action, find_action
from connector.cli.streams import give
from connector.cli.visible import json_text, visible
from connector.compiled import compiled
from connector.shipped_files import shipped_names

if TYPE_CHECKING:
    from connector.cli.page import Page
    from connector.manifest import Action, Connector, Example, Route, Rule
    from connector.template import Piece

_FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
_ENDS = (Exit.OK, Exit.WRONG)


@click.command(
    "list",
    short_help="List the actions.",
    epilog=closing("connector list", "connector list ./my_connector --format json", ends=_ENDS),
)
@click.argument("path", required=False)
@_FORMAT
def list_(path: str | None, form: str) -> None:
    """List the actions of the shipped connectors, or of the connector in the folder PATH."""
    rows = [row for place in ([path] if path else shipped_names()) for row in _rows(place)]
    if form == "json":
        give(json_text([dict(zip(("id", "name", "description"), row, strict=True)) for row in rows]))
        return
    rows.insert(0, ("action", "name", "description"))
    if sys.stdout.isatty():
        from connector.cli.page import Page

        Page().table(rows[0], rows[1:], indent=0)
        return
    columns = [[visible(cell, one_line=True) for cell in column] for column in zip(*rows, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    for cells in zip(*columns, strict=True):  # a line for each action, whole, for `grep`
        give("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def _rows(place: str) -> list[tuple[str, str, str]]:
    """The text that names it on the command line, the name and the description of each action."""
    known = compiled(place) if place in shipped_names() else None
    if known is not None:
        return [(f"{place}.{one}", name, about) for one, (name, about, _) in known.actions.items()]
    from connector.loading import load

    found = action_ids(place, load(place))
    return [(name, action.name, action.description) for name, action in found.items()]


@click.command(
    "show",
    short_help="Show an action's inputs, outputs, routes and examples.",
    epilog=closing("connector show perplexity.execute_search", ends=_ENDS),
)
@click.argument("action", shell_complete=complete_action)
@_FORMAT
def show(action: str, form: str) -> None:
    """Show what an action takes and gives, the routes it can take, and examples to run.

    ACTION is a shipped action (perplexity.execute_search, or execute_search), or a folder with a
    connector.yaml, a dot and its action: ./folder.execute_search.
    """
    connector, chosen = find_action(action)
    if form == "json":
        give(json_text(_as_json(connector, chosen)))
        return
    from connector.cli.page import Page
    from connector.cli.schema_words import field_rows

    page = Page()
    page.title(chosen.name, f"{connector.id}.{chosen.id}")
    page.line(chosen.description)
    page.line()
    page.title("Inputs")
    page.table(("name", "type", "required", "description"), list(field_rows(chosen.inputs)))
    _show_rules(page, "Rules", chosen.rules)
    page.line()
    page.title("Outputs")
    page.table(("name", "type", "always", "description"), list(field_rows(chosen.outputs)))
    _show_routes(page, chosen)
    if chosen.examples:
        page.line()
        page.title("Examples")
    for example in chosen.examples:
        page.line(example.title or example.id, style="dim", indent=2)
        page.whole(example_command(action, example), indent=2)


def _show_rules(page: Page, title: str, rules: Iterable[Rule]) -> None:
    sentences = list(dict.fromkeys(rule.say for rule in rules))
    if sentences:
        page.line()
        page.title(title)
        page.points(sentences)


def _show_routes(page: Page, action: Action) -> None:
    page.line()
    about = f"the connection's {action.route_from} chooses" if action.route_from else ""
    page.title("Routes", about if len(action.routes) > 1 else "")
    rows = [
        (name, f"{route.request.method} {_path(route.request.path.piece)}", _lifecycle(route))
        for name, route in action.routes.items()
    ]
    page.table(("route", "request", "lifecycle"), rows)
    for name, route in action.routes.items():
        _show_rules(page, f"Rules of the route {name}", route.rules)
        if route.unsupported:
            page.line()
            page.title(f"Not sent on the route {name}")
            page.table(("input", "why"), list(_unsupported(route)))


def _unsupported(route: Route) -> Iterator[tuple[str, str]]:
    for path, reason in route.unsupported.items():
        yield path, reason if isinstance(reason, str) else reason.why


def _lifecycle(route: Route) -> str:
    words = [
        f"{word} {day}"
        for word, day in (
            ("since", route.since),
            ("deprecated", route.deprecated),
            ("retired", route.retired),
        )
        if day is not None
    ]
    if route.replaced_by:
        words.append(f"use {route.replaced_by}")
    text = ", ".join(words)
    return f"{text}. {route.note}" if route.note and text else text or route.note or ""


def _path(piece: Piece) -> str:
    """The path with a name in braces for each expression."""
    from connector.template import Static, Text

    if isinstance(piece, Static):
        return str(piece.value)
    parts = piece.parts if isinstance(piece, Text) else ()
    return "".join(part if isinstance(part, str) else f"{{{part.text}}}" for part in parts)


def example_command(action: str, example: Example) -> str:
    """The example as a command line for a POSIX shell."""
    import json
    import shlex

    words = ["connector", "run", shlex.quote(action)]
    for name, value in example.inputs.items():
        is_text = isinstance(value, str)
        text = value if is_text else json.dumps(value, ensure_ascii=False)
        words.append(f"{name}{'=' if is_text else ':='}{shlex.quote(text)}")
    if example.route is not None:
        words.append(f"--route {example.route}")
    return " ".join(words)


def _as_json(connector: Connector, action: Action) -> dict[str, Any]:
    return {
        "id": f"{connector.id}.{action.id}",
        "name": action.name,
        "description": action.description,
        "inputs": action.inputs,
        "outputs": action.outputs,
        "routes": [
            {
                "id": name,
                "method": route.request.method,
                "path": _path(route.request.path.piece),
                "since": _day(route.since),
                "deprecated": _day(route.deprecated),
                "retired": _day(route.retired),
                "replaced_by": route.replaced_by,
                "note": route.note,
                "unsupported": dict(_unsupported(route)),
            }
            for name, route in action.routes.items()
        ],
        "examples": [
            {"id": one.id, "title": one.title, "inputs": one.inputs, "route": one.route}
            for one in action.examples
        ],
    }


def _day(day: Any) -> str | None:
    return None if day is None else str(day)
