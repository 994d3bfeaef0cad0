"""A connector by its name or its folder: what is shipped from its compiled form, where that is fresh."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from connector import compiled
from connector.errors import ManifestError, Problem, did_you_mean
from connector.manifest import Connector
from connector.shipped_files import manifests, shipped_names

if TYPE_CHECKING:
    from connector.reading import Manifest

__all__ = ["find", "load", "read", "shipped_folder", "shipped_names"]

_SHIPPED_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")


def shipped_folder() -> Path:
    """Where the shipped manifests are: inside the installed package, or beside it in a checkout."""
    return Path(manifests())


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
    """A connector, ready to run.

    Args:
        name: a shipped name (`perplexity`) or a folder that holds a connector.yaml.

    Raises:
        ManifestError: with every problem found.
    """
    folder = find(name)
    if folder.parent != shipped_folder():
        return read(name).connector
    if known := compiled.compiled(folder.name):
        return known.connector(folder)
    made_from = compiled.fingerprint(folder.name)
    connector = read(name).connector
    compiled.keep(folder.name, connector, made_from)
    return connector


def read(name: str | Path) -> Manifest:
    """As load, always from the YAML, and keeping it: lint points into it."""
    from connector.reading import read_folder  # noqa: PLC0415 - what is compiled needs no YAML, and no pydantic

    return read_folder(find(name))
