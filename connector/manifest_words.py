"""What pydantic says about a manifest, in words for people, at the place in the YAML."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from connector.document import Document
from connector.errors import Problem, did_you_mean, nearest
from connector.evaluate import described
from connector.template import Path
from connector.template_parser import TemplateError

# the beginnings of pydantic's names for what is wrong
_EXPECTED = (
    ("string", "text"),
    ("int", "a whole number"),
    ("float", "a number"),
    ("bool", "true or false"),
    ("tuple", "a list"),
    ("mapping", "a mapping"),
    ("dict", "a mapping"),
    ("dataclass", "a mapping"),
)


def explained(entries: Iterable[Any], kind: type, document: Document) -> Iterator[Problem]:
    """The problems that pydantic's errors stand for.

    Args:
        entries: the errors, as `ValidationError.errors()` gives them.
        kind: what the whole document should be.
        document: the document.
    """
    placed = [(entry, *_place(kind, entry["loc"], document.value)) for entry in entries]
    meant = [(entry, path, parent) for entry, path, parent, is_meant in placed if is_meant]
    written = {  # the keys that stand there misspelt: they are not missing as well
        (*path[:-1], nearest(str(path[-1]), _keys(parent)))
        for entry, path, parent in meant
        if entry["type"] in _UNKNOWN_KEY
    }
    for entry, path, parent in meant:
        if not (entry["type"] in _MISSING_KEY and path in written):
            yield from _explained(entry, path, parent, document)


_UNKNOWN_KEY = {"unexpected_keyword_argument", "extra_forbidden"}
_MISSING_KEY = {"missing", "missing_argument", "missing_keyword_only_argument"}


def _explained(entry: Any, path: Path, parent: Any, document: Document) -> Iterator[Problem]:
    name = str(path[-1]) if path else ""
    given: Any = entry["input"]
    raised = entry.get("ctx", {}).get("error")
    if isinstance(raised, TemplateError):
        for inner, error in raised.problems:
            yield document.problem(
                (*path, *inner),
                error.message,
                error.hint,
                at_key=error.in_key,
                word=error.word,
                within=error.text or None,
            )
    elif entry["type"] in _UNKNOWN_KEY:
        hint = did_you_mean(name, _keys(parent))
        yield document.problem(path, f"There is no key {name!r} here.", hint, at_key=True)
    elif entry["type"] in _MISSING_KEY:
        yield document.problem(path[:-1], f"The key {name!r} is missing.", f"Add `{name}:`.", at_key=True)
    elif entry["type"] == "literal_error":
        expected = entry["ctx"]["expected"]
        choices = re.findall(r"'([^']*)'", expected)
        hint = did_you_mean(str(given), choices) if choices else f"Write {expected}."
        yield document.problem(path, f"{given!r} is not one of the choices here.", hint)
    elif entry["type"].startswith("date"):
        shown = repr(given) if isinstance(given, str) else described(given)
        yield document.problem(path, f"A day belongs here, not {shown}.", "Write it as 2026-09-27.")
    elif expected := next((word for start, word in _EXPECTED if entry["type"].startswith(start)), None):
        hint = f"Write {expected}."
        if given is None:
            hint = f"Write {expected}, or remove the key."
        elif expected == "text" and not isinstance(given, (list, dict)):
            hint = "Put it in quotes."
        yield document.problem(path, f"It must be {expected}, not {described(given)}.", hint)
    else:
        yield document.problem(path, f"{entry['msg']}.", "Write it as the shipped manifests do.")


def _place(kind: Any, loc: tuple[str | int, ...], value: Any) -> tuple[Path, Any, bool]:
    """The path in YAML, the type above its last part, and whether the value is meant to be of that type.

    Where several types are possible, pydantic reports on each of them, and puts its name into the path.
    """
    path: Path = ()
    parent = kind
    for part in loc:
        options = [option for option in _options(kind) if option is not types.NoneType]
        chosen = next((option for option in options if getattr(option, "__name__", "") == part), None)
        if len(options) > 1 and chosen is not None:
            if is_dataclass(chosen) != isinstance(value, dict):
                return path, parent, False
            kind = chosen
            continue
        parent = kind = options[0] if options else None
        path = (*path, part)
        if is_dataclass(kind):
            kind = typing.get_type_hints(kind).get(str(part))
        else:
            kind = next((arg for arg in typing.get_args(kind)[::-1] if arg is not Ellipsis), None)
        try:
            value = value[part]
        except (LookupError, TypeError):
            value = None
    return path, parent, True


def _options(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind) if typing.get_origin(kind) in {typing.Union, types.UnionType} else (kind,)


def _keys(kind: Any) -> list[str]:
    """The keys that a type knows; the loader puts the last two in itself."""
    return [f.name for f in fields(kind) if f.name not in {"folder", "actions"}] if is_dataclass(kind) else []
