"""From a folder of YAML to a Connector: the only place, with connection, that reads files of the project.

    <folder>/connector.yaml          the connector
    <folder>/actions/<action>.yaml   one file an action, named as its id

Every problem of every file is collected, with file:line:column, before ManifestError is raised.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from connector.document import MAX_CHARACTERS, Document, parse
from connector.errors import ManifestError, Problem, did_you_mean
from connector.evaluate import type_name
from connector.manifest import FORMAT, Action, Connector
from connector.schema import checker
from connector.template import TemplateError

_ID = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_SHIPPED_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")
Check = Callable[[Document, Any], Iterator[Problem]]


@dataclass(frozen=True)
class Manifest:
    """A connector together with the files it was read from, for lint."""

    connector: Connector
    document: Document
    actions: Mapping[str, Document]


def shipped_folder() -> Path:
    """Where the shipped manifests are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "shipped" / "manifests"
    return installed if installed.is_dir() else package.parent / "manifests"


def shipped_names() -> list[str]:
    """The names of the connectors that come with the package."""
    return sorted(path.parent.name for path in shipped_folder().glob("*/connector.yaml"))


def find(name: str | Path) -> Path:
    """The folder of a connector: a shipped name, a folder, or the path of a connector.yaml.

    Raises:
        ManifestError: if there is none.
    """
    text = str(name)
    if (
        isinstance(name, str)
        and _SHIPPED_NAME.match(text)
        and (shipped_folder() / text / "connector.yaml").is_file()
    ):
        return shipped_folder() / text
    path = Path(name)
    if path.name == "connector.yaml":
        path = path.parent
    try:
        if (path / "connector.yaml").is_file():
            return path
    except (OSError, ValueError):  # a name too long for the system, or with a NUL in it
        pass
    names = shipped_names()
    message = f"There is no connector named {text[:200]!r}, and no folder with a connector.yaml there."
    raise ManifestError([Problem(text[:200] or "connector", message, did_you_mean(text[:200], names))])


def load(name: str | Path) -> Connector:
    """Read a connector.

    Args:
        name: a shipped name (`perplexity`) or a folder that holds a connector.yaml.

    Raises:
        ManifestError: with every problem found.
    """
    return read(name).connector


def read(name: str | Path) -> Manifest:
    """As load, keeping the source files: lint points into them."""
    folder = find(name)
    problems: list[Problem] = []
    document = _parse(folder / "connector.yaml", problems)
    value = document.value if document else None
    tables = value.get("tables") if isinstance(value, dict) else None
    tables = tables if isinstance(tables, dict) and all(isinstance(t, dict) for t in tables.values()) else {}
    connector: Connector | None = None
    if document:
        placed = {"actions": {}, "folder": folder}
        connector = _validate(Connector, document, problems, tables, placed, _connector_checks)
    actions: dict[str, Action] = {}
    documents: dict[str, Document] = {}
    for path in sorted((folder / "actions").glob("*.yaml")):
        action_document = _parse(path, problems)
        if action_document is None:
            continue
        action = _validate(Action, action_document, problems, tables, {}, _action_checks)
        if action:
            if action.id != path.stem:
                message = f"The file is named {path.name}, the action {action.id!r}."
                problems.append(action_document.problem(("id",), message, "Make the two the same."))
            actions[action.id] = action
            documents[action.id] = action_document
    if connector and not actions and not problems:
        problems.append(Problem(str(folder / "actions"), "There is no action.", "Write actions/<id>.yaml."))
    if problems or connector is None or document is None:
        raise ManifestError(problems)
    return Manifest(replace(connector, actions=actions), document, documents)


def _parse(path: Path, problems: list[Problem]) -> Document | None:
    try:
        if path.stat().st_size > 4 * MAX_CHARACTERS:
            raise ManifestError(
                [Problem(str(path), "The file is too large.", "Split it into several actions.")]
            )
        return parse(path.read_bytes().decode("utf-8-sig"), str(path))
    except ManifestError as error:
        problems.extend(error.problems)
    except UnicodeDecodeError as error:
        message = f"Not UTF-8 text (byte {error.start})."
        problems.append(Problem(str(path), message, "Save the file as UTF-8."))
    except OSError as error:
        problems.append(
            Problem(str(path), f"Cannot be read: {error.strerror}.", "Check the path and its rights.")
        )
    return None


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
    if kind is Connector and isinstance(value.get("format"), int) and value["format"] > FORMAT:
        message = f"The manifest is of format {value['format']}; this runtime reads format {FORMAT}."
        problems.append(document.problem(("format",), message, "Upgrade perplexity-connector."))
        return None
    for name in placed:
        if name in value:
            hint = "Actions are files in the folder actions/." if name == "actions" else "Remove it."
            problems.append(document.problem((name,), f"There is no key {name!r} here.", hint, at_key=True))
    try:
        checked = _adapter(kind).validate_python({**value, **placed}, context={"tables": tables})
    except ValidationError as error:
        for entry in error.errors():
            problems.extend(_explain(entry, kind, document))
        return None
    found = list(checks(document, checked))
    problems.extend(found)
    return None if found else checked


def _explain(entry: Any, kind: type, document: Document) -> Iterator[Problem]:
    path = tuple(part for part in entry["loc"])
    raised = (entry.get("ctx") or {}).get("error")
    name = str(path[-1]) if path else ""
    if isinstance(raised, TemplateError):
        for inner, error in raised.problems:
            yield document.problem((*path, *inner), error.message, error.hint, word=error.word)
    elif entry["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        hint = did_you_mean(name, _keys_at(kind, path[:-1]))
        yield document.problem(path, f"There is no key {name!r} here.", hint, at_key=True)
    elif entry["type"] in {"missing", "missing_argument", "missing_keyword_only_argument"}:
        yield document.problem(path[:-1], f"The key {name!r} is missing.", f"Add `{name}:`.", at_key=True)
    elif entry["type"] == "literal_error":
        hint = did_you_mean(str(entry["input"]), re.findall(r"'([^']*)'", entry["ctx"]["expected"]))
        yield document.problem(path, f"{entry['input']!r} is not one of the choices here.", hint)
    else:
        expected = next((word for start, word in _EXPECTED if entry["type"].startswith(start)), None)
        if expected:
            message = f"It must be {expected}, not {type_name(entry['input'])}."
            hint = (
                "Put it in quotes."
                if expected == "text" and entry["input"] is not None
                else f"Write {expected}."
            )
            yield document.problem(path, message, hint)
        else:
            yield document.problem(path, f"{entry['msg']}.", "See docs/manifest.md.")


_EXPECTED = (
    ("string", "text"),
    ("date", "a day such as 2026-09-27"),
    ("int", "a whole number"),
    ("float", "a number"),
    ("bool", "true or false"),
    ("tuple", "a list"),
    ("mapping", "a mapping"),
    ("dict", "a mapping"),
    ("dataclass", "a mapping"),
)


def _keys_at(kind: Any, path: tuple[str | int, ...]) -> list[str]:
    """The keys that the type at a path knows."""
    for part in path:
        kind = _plain(kind)
        if is_dataclass(kind):
            kind = typing.get_type_hints(kind).get(str(part))
        else:
            kind = next(
                (argument for argument in typing.get_args(kind)[::-1] if argument is not Ellipsis), None
            )
    kind = _plain(kind)
    return [f.name for f in fields(kind) if f.name not in {"folder", "actions"}] if is_dataclass(kind) else []


def _plain(kind: Any) -> Any:
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        return next(argument for argument in typing.get_args(kind) if argument is not type(None))
    return kind


def _connector_checks(document: Document, connector: Connector) -> Iterator[Problem]:
    if not _ID.match(connector.id):
        yield document.problem(("id",), f"{connector.id!r} is not an id.", _ID_HINT)
    yield from _schema_problem(document, ("connection", "fields"), connector.connection.fields)
    auth = connector.connection.auth
    needed = {"basic": ("username", "password")}.get(auth.kind, ("value",))
    for name in needed:
        if getattr(auth, name) is None:
            hint = f"Add `{name}: ${{{{ connection.<field> }}}}`."
            yield document.problem(
                ("connection", "auth"), f"`kind: {auth.kind}` needs `{name}`.", hint, at_key=True
            )
    if connector.icon is not None:
        icon = (connector.folder / connector.icon).resolve()
        if connector.folder.resolve().parent.parent not in icon.parents:
            yield document.problem(
                ("icon",), "The icon lies outside the project.", "Put it beside the manifests."
            )


_ID_HINT = "Use lower-case letters, digits and _, at most 64, beginning with a letter."


def _action_checks(document: Document, action: Action) -> Iterator[Problem]:
    if not _ID.match(action.id):
        yield document.problem(("id",), f"{action.id!r} is not an id.", _ID_HINT)
    for key in ("inputs", "outputs"):
        yield from _schema_problem(document, (key,), getattr(action, key))
    for name, route in action.routes.items():
        yield from _schema_problem(document, ("routes", name, "response"), route.response, is_object=False)
    if not action.routes:
        yield document.problem(("routes",), "The action has no route.", "Add one: `routes: {main: ...}`.")
    for index, example in enumerate(action.examples):
        if not _ID.match(example.id):
            path = ("examples", index, "id")
            yield document.problem(path, f"{example.id!r} is not an id.", _ID_HINT)
        elif example.id in {other.id for other in action.examples[:index]}:
            path = ("examples", index, "id")
            yield document.problem(path, f"There are two examples {example.id!r}.", "Rename one.")
        if example.route is not None and example.route not in action.routes:
            path = ("examples", index, "route")
            yield document.problem(
                path, f"There is no route {example.route!r}.", did_you_mean(example.route, action.routes)
            )


def _schema_problem(
    document: Document, path: tuple[str, ...], schema: Any, *, is_object: bool = True
) -> Iterator[Problem]:
    try:
        checker(schema)
    except ValueError as error:
        yield document.problem(
            path, f"Not a JSON Schema: {error}.", "See https://json-schema.org.", at_key=True
        )
        return
    if is_object and schema.get("type") != "object":
        yield document.problem(path, "It must describe an object.", "Add `type: object`.", at_key=True)
    elif is_object and not isinstance(schema.get("properties", {}), dict):
        yield document.problem(path, "`properties` must be a mapping.", "Write `name: {type: ...}`.")
