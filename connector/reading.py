"""From a folder of YAML to a Connector, with every problem that can be found.

    <folder>/connector.yaml          the connector
    <folder>/actions/<action>.yaml   one file an action, named as its id

Every problem of every file is collected, with file:line:column, before ManifestError is raised.
"""

from __future__ import annotations

import gc
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from connector.document import MAX_CHARACTERS, Document, parse
from connector.errors import ManifestError, Problem
from connector.excerpt import in_order
from connector.manifest import FORMAT, Action, Connector
from connector.manifest_words import explained
from connector.shipped_files import manifests
from connector.soundness import action_problems, connector_problems

Check = Callable[[Document, Any], Iterator[Problem]]


@dataclass(frozen=True)
class Manifest:
    """A connector together with the files it was read from, for lint."""

    connector: Connector
    document: Document
    actions: Mapping[str, Document]


def read_folder(folder: Path) -> Manifest:
    """The connector in a folder that holds a connector.yaml.

    Raises:
        ManifestError: with every problem found.
    """
    with _collecting_later():
        return _read(folder)


@contextmanager
def _collecting_later() -> Iterator[None]:
    # thousands of small values, none of them garbage: looking for some takes a fifth of the time
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(folder: Path) -> Manifest:
    problems: list[Problem] = []
    document = _parse(folder / "connector.yaml", folder, problems)
    if document is not None:
        _refuse_newer(document)
    tables = _AnyTable() if document is None else _tables(document.value)
    connector: Connector | None = None
    if document:
        placed = {"actions": {}, "folder": folder}
        connector = _validate(Connector, document, problems, tables, placed, connector_problems)
    actions: dict[str, Action] = {}
    documents: dict[str, Document] = {}
    for path in _action_files(folder, problems):
        action_document = _parse(path, folder, problems)
        if action_document is None:
            continue
        action = _validate(Action, action_document, problems, tables, {}, action_problems)
        if action:
            if action.id != path.stem:
                message = f"The file is named {path.name}, the action {action.id!r}."
                problems.append(action_document.problem(("id",), message, "Make the two the same."))
            actions[action.id] = action
            documents[action.id] = action_document
    if connector and not actions and not problems:
        problems.append(Problem(str(folder / "actions"), "There is no action.", "Write actions/<id>.yaml."))
    if problems or connector is None or document is None:
        raise ManifestError(sorted(problems, key=in_order))
    return Manifest(replace(connector, actions=actions), document, documents)


def _refuse_newer(document: Document) -> None:
    """A newer format is told alone: whatever else seems wrong may be right in it."""
    version = document.value.get("format") if isinstance(document.value, dict) else None
    if type(version) is int and version > FORMAT:
        message = f"The manifest is of format {version}; this runtime reads format {FORMAT}."
        raise ManifestError([document.problem(("format",), message, "Upgrade perplexity-connector.")])


class _AnyTable(dict[str, Any]):
    """Stands for the tables of a connector that cannot be read: the actions are not blamed for it."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> dict[str, Any]:
        return {}


def _tables(value: Any) -> Mapping[str, Any]:
    tables = value.get("tables", {}) if isinstance(value, dict) else None
    if not isinstance(tables, dict):
        return _AnyTable()
    return {name: table if isinstance(table, dict) else {} for name, table in tables.items()}


def _action_files(folder: Path, problems: list[Problem]) -> list[Path]:
    files = sorted(path for path in (folder / "actions").glob("*.y*ml") if not path.name.startswith("."))
    for path in files:
        if path.suffix == ".yml":
            message = "Only files that end in .yaml are read."
            problems.append(Problem(str(path), message, f"Rename it to {path.stem}.yaml."))
    return [path for path in files if path.suffix == ".yaml"]


def _parse(path: Path, folder: Path, problems: list[Problem]) -> Document | None:
    try:
        if _leads_away(path, folder):
            message = "It lies behind a link that leads out of the connector's folder."
            problems.append(Problem(str(path), message, "Put the file itself there."))
            return None
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):  # a pipe would be waited for
            problems.append(Problem(str(path), "It is not a file.", "Put a file of YAML there."))
            return None
        if state.st_size > 4 * MAX_CHARACTERS:
            message = f"The file has {state.st_size:,} bytes; {MAX_CHARACTERS:,} characters are allowed."
            problems.append(Problem(str(path), message, "Split it into several actions."))
            return None
        return parse(path.read_bytes().decode("utf-8-sig"), str(path))
    except ManifestError as error:
        problems.extend(error.problems)
    except UnicodeDecodeError as error:
        message = f"Not UTF-8 text (byte {error.start})."
        problems.append(Problem(str(path), message, "Save the file as UTF-8."))
    except OSError as error:
        message = f"Cannot be read: {error.strerror}."
        problems.append(Problem(str(path), message, "Check the path and its rights."))
    return None


def _leads_away(path: Path, folder: Path) -> bool:
    """Errors show lines of a file, so a connector from elsewhere may only name its own."""
    if path.is_relative_to(manifests()):  # installers may link what is shipped
        return False
    # Path.resolve raises for links in a circle, which are told when the file is opened
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


@cache
def _adapter(kind: type) -> Any:
    from pydantic import TypeAdapter  # noqa: PLC0415 - slow to import, and only reading needs it

    return TypeAdapter(kind)


def _validate(
    kind: type,
    document: Document,
    problems: list[Problem],
    tables: Mapping[str, Any],
    placed: Mapping[str, Any],
    checks: Check,
) -> Any:
    """The document as a `kind`; None, with the problems noted, if it is none."""
    from pydantic import ValidationError  # noqa: PLC0415

    value = document.value
    if not isinstance(value, dict):
        problems.append(
            document.problem((), "A manifest is a mapping of keys to values.", "Write `key: value`.")
        )
        return None
    for name in placed:
        if name in value:
            hint = "Actions are files in the folder actions/." if name == "actions" else "Remove it."
            problems.append(document.problem((name,), f"There is no key {name!r} here.", hint, at_key=True))
    try:
        # as JSON: there pydantic takes a list for a tuple and a text for a day, and still nothing for another type
        text = json.dumps({**value, **placed}, default=lambda path: ".")
        checked = replace(_adapter(kind).validate_json(text, context={"tables": tables}), **placed)
    except ValidationError as error:
        problems.extend(explained(error.errors(include_url=False), kind, document))
        return None
    found = list(checks(document, checked))
    problems.extend(found)
    return None if found else checked
