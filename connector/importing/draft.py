"""A connector that an import has made, and how it becomes a folder: whole, or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from connector import private_file
from connector.document import parse
from connector.errors import ManifestError, Problem
from connector.importing.yaml_text import yaml_text

SCHEMAS: Final = {"connector": "connector.schema.json", "action": "../action.schema.json"}
"""Where an editor finds the JSON Schema of a file, seen from that file."""

_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


@dataclass(frozen=True)
class Draft:
    """What an import has made of its source.

    Attributes:
        connector: what connector.yaml holds, in the manifest's words.
        actions: id -> what actions/<id>.yaml holds.
        left_out: sentences for people: what could not be expressed.
    """

    connector: Mapping[str, Any]
    actions: Mapping[str, Mapping[str, Any]]
    left_out: tuple[str, ...] = ()


def write(draft: Draft, folder: Path, *, is_forced: bool = False) -> None:
    """Write a draft into a folder, which is made where it is missing: all files, or none.

    Args:
        draft: what to write.
        folder: a new or an empty one.
        is_forced: a folder with something in it is taken too. Its connector.yaml and its actions are replaced,
            all of them; whatever else lies there stays.

    Raises:
        ManifestError: the folder is not empty, or a file would be larger than the reader takes.
        OSError: it cannot be written; the folder is as it was.
    """
    texts = {Path("connector.yaml"): _text(draft.connector, "connector", "connector.yaml")}
    for action_id, action in draft.actions.items():
        name = f"actions/{_checked(action_id)}.yaml"
        texts[Path(name)] = _text(action, "action", name)
    whole = Path(os.path.abspath(folder))  # noqa: PTH100 - links on the way stay as they are
    _need_room(whole, is_forced=is_forced)
    is_new = not whole.exists()
    place = whole.parent if is_new else whole
    place.mkdir(parents=True, exist_ok=True)
    with _beside(place, whole.name) as staging:
        new = staging / "new"
        (new / "actions").mkdir(parents=True)
        for path, text in texts.items():
            private_file.replace(new / path, text, is_private=False)
        if is_new:
            new.rename(whole)
        else:
            _move_in(new, whole, staging / "old")


def add(action_id: str, action: Mapping[str, Any], folder: Path, *, is_forced: bool = False) -> None:
    """Write one more action into the folder of a connector.

    Raises:
        ManifestError: it has an action of this id, and `is_forced` is not set.
        OSError: it cannot be written; the folder is as it was.
    """
    path = folder / "actions" / f"{_checked(action_id)}.yaml"
    text = _text(action, "action", str(path))
    if path.exists() and not is_forced:
        _refuse(
            path,
            "There is an action of this id.",
            "Choose another with --action, or replace it with --force.",
        )
    path.parent.mkdir(exist_ok=True)
    private_file.replace(path, text, is_private=False)


def _text(value: Mapping[str, Any], kind: str, name: str) -> bytes:
    """The file, read back once: what the reader would refuse is told before anything is written."""
    try:
        text = f"# yaml-language-server: $schema={SCHEMAS[kind]}\n{yaml_text(value)}"
    except ValueError as error:
        _refuse(Path(name), f"It cannot be written as YAML: {error}.", "Take that value out of the source.")
    parse(text, name)
    return text.encode()


def _checked(action_id: str) -> str:
    if not _ID.match(action_id):
        hint = "Use lower-case letters, digits and _, at most 64, beginning with a letter."
        _refuse(Path("actions"), f"{action_id!r} is not an id.", hint)
    return action_id


def _need_room(folder: Path, *, is_forced: bool) -> None:
    if folder.exists() and not folder.is_dir():
        _refuse(folder, "It is not a folder.", "Choose another place with -o.")
    if not is_forced and folder.is_dir() and any(folder.iterdir()):
        hint = "Choose another with -o, or replace the connector in it with --force."
        _refuse(folder, "The folder is not empty.", hint)


@contextmanager
def _beside(place: Path, name: str) -> Iterator[Path]:
    """A hidden folder on the same disk, so that moving out of it takes one step."""
    staging = place / f".{name}.{os.getpid()}-{os.urandom(8).hex()}.new"
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _move_in(new: Path, folder: Path, old: Path) -> None:
    """Put the new files in the place of the old ones, which come back if that fails."""
    old.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        # connector.yaml goes first and comes last: without it, the folder is no connector
        for name in ("connector.yaml", "actions"):
            if os.path.lexists(folder / name):
                (folder / name).rename(old / name)
                moved.append((old / name, folder / name))
        for name in ("actions", "connector.yaml"):
            (new / name).rename(folder / name)
            moved.append((folder / name, new / name))
    except BaseException:
        for now, before in reversed(moved):
            now.rename(before)
        raise


def _refuse(where: Path, message: str, hint: str) -> NoReturn:
    raise ManifestError([Problem(str(where), message, hint)])
