"""Flat fields as tables: scalars, numbered lists, and lists of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.cli.page import Page
from connector.cli.visible import json_text


def show_fields(page: Page, values: Mapping[str, Any], *, indent: int = 2, most: int | None = None) -> None:
    """Show values by name, in their order.

    Args:
        page: where.
        values: such as an action's outputs.
        indent: how far to the right they begin.
        most: how many rows or items of a list to show; all if None.
    """
    given = {name: value for name, value in values.items() if value is not None}
    longest = max((len(name) for name in given), default=0)
    block: list[tuple[str, str]] = []
    for name, value in given.items():
        if not _is_rows(value):
            block.append((name.ljust(longest), _cell(value, most)))
            continue
        page.table(("", ""), block, indent=indent)
        block = []
        page.table(("", ""), [(name.ljust(longest), _count(value, most))], indent=indent)
        _show_rows(page, value[:most], indent + 2)
    page.table(("", ""), block, indent=indent)
    missing = [name for name, value in values.items() if value is None]
    if missing:
        page.line(f"without a value: {', '.join(missing)}", style="dim", indent=indent)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _count(items: Sequence[Any], most: int | None) -> str:
    count = f"{len(items)} row" if len(items) == 1 else f"{len(items)} rows"
    return count if most is None or len(items) <= most else f"{count}, of which the first {most}"


def _show_rows(page: Page, rows: Sequence[Mapping[str, Any]], indent: int) -> None:
    """Numbered rows: side by side where they fit, else one field a line."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[str(number), *(_cell(row.get(name)) for name in names)] for number, row in enumerate(rows, 1)]
    if page.fits([["", *names], *cells], indent=indent):
        page.table(("", *names), cells, indent=indent)
        return
    lines: list[tuple[str, str, str]] = []
    for number, row in enumerate(rows, 1):
        given = [(name, _cell(value)) for name, value in row.items() if value is not None]
        for index, (name, cell) in enumerate(given or [("", "(empty)")]):
            lines.append(("" if index else str(number), name, cell))
    page.table(("", "", ""), lines, indent=indent, keys=2)


def _cell(value: Any, most: int | None = None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value or '""'
    if isinstance(value, list) and len(value) > 3 and all(isinstance(item, (int, float)) for item in value):
        return f"{len(value)} numbers: {', '.join(map(str, value[:12]))}{', ...' if len(value) > 12 else ''}"
    if isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value):
        lines = [f"{number}. {_cell(item)}" for number, item in enumerate(value[:most], 1)]
        more = [f"({len(value) - len(lines)} more)"] if len(lines) < len(value) else []
        return "\n".join([*lines, *more]) or "(none)"
    return json_text(value, indent=None)
