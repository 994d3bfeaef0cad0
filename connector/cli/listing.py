"""`connector list` and `connector show`: what there is, and what one action takes and gives."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from connector.cli.endings import Exit, closing
from connector.cli.naming import action_ids, complete_action, find_action
from connector.cli.streams import give, tell
from connector.cli.visible import json_text, visible
from connector.compiled import compiled
from connector.installed import OURS, installed
from connector.shipped_files import shipped_names

if TYPE_CHECKING:
    from connector.cli.page import Page
    from connector.installed import Found, Installed
    from connector.manifest import Action, Connector, Rule

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
    """List the actions of the shipped connectors and of those that other installed packages bring.

    PATH is a connector's name, or a folder with a connector.yaml: then only its actions. What a package brings
    that cannot be used is told on stderr, and never hides the rest.
    """
    found = installed()
    rows = _rows(path, found.connectors) if path else _all_rows(found)
    if form == "json":
        give(json_text([dict(zip(("id", "name", "description", "from"), row, strict=True)) for row in rows]))
        return
    has_others = any(origin != OURS for *_, origin in rows) and not path
    rows = [row if has_others else row[:3] for row in (("action", "name", "description", "from"), *rows)]
    if sys.stdout.isatty():
        from connector.cli.page import Page

        Page().table(rows[0], rows[1:], indent=0)
        return
    columns = [[visible(cell, one_line=True) for cell in column] for column in zip(*rows, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    for cells in zip(*columns, strict=True):  # a line for each action, whole, for `grep`
        give("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def _all_rows(found: Found) -> list[tuple[str, ...]]:
    rows = [row for place in shipped_names() for row in _rows(place, found.connectors)]
    for wrong in found.unusable:
        tell(f"warning: {visible(str(wrong), one_line=True)}")
    for name, one in found.connectors.items():
        try:
            rows += _rows(name, found.connectors)
        except Exception as error:
            from connector.errors import ManifestError

            if not isinstance(error, ManifestError):
                raise
            told = f"{one.package}: its connector {name!r} cannot be read. `connector lint {name}` says why."
            tell(f"warning: {visible(told, one_line=True)}")
    return rows


def _rows(place: str, others: Mapping[str, Installed]) -> list[tuple[str, ...]]:
    """The text that names it on the command line, the name, the description, and the package of each action."""
    one = others.get(place)
    is_shipped = place in shipped_names()
    origin = one.package if one else OURS if is_shipped else place
    known = compiled(place, one.folder if one else None) if one or is_shipped else None
    if known is not None:
        return [(f"{place}.{id_}", name, about, origin) for id_, (name, about, _) in known.actions.items()]
    from connector.loading import load

    found = action_ids(place, load(place))
    return [(name, action.name, action.description, origin) for name, action in found.items()]


@click.command(
    "show",
    short_help="Show an action's inputs, outputs, routes and examples.",
    epilog=closing("connector show perplexity.execute_search", ends=_ENDS),
)
@click.argument("action", shell_complete=complete_action)
@_FORMAT
def show(action: str, form: str) -> None:
    """Show what an action takes and gives, the routes it can take, and examples to run.

    ACTION is a connector's name, a dot and its action (perplexity.execute_search, or execute_search), or a
    folder with a connector.yaml, a dot and its action: ./folder.execute_search.
    """
    connector, chosen = find_action(action)
    if form == "json":
        give(json_text(_as_json(connector, chosen)))
        return
    from connector.cli.page import Page
    from connector.documenting.schema_words import field_rows
    from connector.documenting.wording import command_line

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
        page.whole(command_line(action, example.inputs, example.route), indent=2)


def _show_rules(page: Page, title: str, rules: Iterable[Rule]) -> None:
    sentences = list(dict.fromkeys(rule.say for rule in rules))
    if sentences:
        page.line()
        page.title(title)
        page.points(sentences)


def _show_routes(page: Page, action: Action) -> None:
    from connector.documenting.wording import lifecycle_words, not_sent, path_words

    page.line()
    about = f"the connection's {action.route_from} chooses" if action.route_from else ""
    page.title("Routes", about if len(action.routes) > 1 else "")
    rows = [
        (name, f"{route.request.method} {path_words(route.request.path.piece)}", lifecycle_words(route))
        for name, route in action.routes.items()
    ]
    page.table(("route", "request", "lifecycle"), rows)
    for name, route in action.routes.items():
        _show_rules(page, f"Rules of the route {name}", route.rules)
        if route.unsupported:
            page.line()
            page.title(f"Not sent on the route {name}")
            page.table(("input", "why"), list(not_sent(route)))


def _as_json(connector: Connector, action: Action) -> dict[str, Any]:
    from connector.documenting.wording import not_sent, path_words

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
                "path": path_words(route.request.path.piece),
                "since": _day(route.since),
                "deprecated": _day(route.deprecated),
                "retired": _day(route.retired),
                "replaced_by": route.replaced_by,
                "note": route.note,
                "unsupported": dict(not_sent(route)),
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
