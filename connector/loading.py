"""A connector by its name or its folder: what is installed from its compiled form, where that is fresh."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from connector import compiled
from connector.errors import ManifestError, Problem, did_you_mean
from connector.installed import installed
from connector.manifest import Connector
from connector.shipped_files import manifests, shipped_names

if TYPE_CHECKING:
    from connector.reading import Manifest

__all__ = ["find", "load", "named", "read", "shipped_folder", "shipped_names"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")


class _Place(NamedTuple):
    """Where a connector is; `package` brings it, if it is another than this one."""

    folder: Path
    package: str = ""


def shipped_folder() -> Path:
    """Where the shipped manifests are: inside the installed package, or beside it in a checkout."""
    return Path(manifests())


def find(name: str | Path) -> Path:
    """The folder of a connector: the name of a shipped or installed one, a folder, or the path of a connector.yaml.

    Raises:
        ManifestError: if there is none.
    """
    return _place(name).folder


def load(name: str | Path) -> Connector:
    """A connector, ready to run.

    Args:
        name: a shipped name (`perplexity`), one that another installed package brings, or a folder that holds
            a connector.yaml. A name comes before a folder of the same name: write ./name for the folder.

    Raises:
        ManifestError: with every problem found.
    """
    folder, package = _place(name)
    if not package and folder.parent != shipped_folder():
        return read(name).connector
    kept, place = (str(name), str(folder)) if package else (folder.name, None)
    if known := compiled.compiled(kept, place):
        return known.connector(folder)
    made_from = compiled.fingerprint(kept, place)
    connector = read(name).connector
    compiled.keep(kept, connector, made_from, place)
    return connector


def read(name: str | Path) -> Manifest:
    """As load, always from the YAML, and keeping it: lint points into it."""
    from connector.reading import read_folder  # noqa: PLC0415 - what is compiled needs no YAML, and no pydantic

    folder, package = _place(name)
    manifest = read_folder(folder)
    if package and manifest.connector.id != name:  # it would be given the keys that are meant for another
        message = f"{package} brings it as {name!r}, but its id is {manifest.connector.id!r}."
        hint = "Its author makes the two the same."
        raise ManifestError([Problem(f"{folder}/connector.yaml", message, hint)])
    return manifest


def named(connector: Connector) -> str:
    """What names a connector on the command line: its id where that leads to it, else its folder, quoted for a shell."""
    try:
        if find(connector.id) == connector.folder:
            return connector.id
    except ManifestError:
        pass
    import shlex  # noqa: PLC0415 - only mistakes need it

    text = str(connector.folder)
    return shlex.quote(text if "/" in text or "\\" in text else f"./{text}")


def _place(name: str | Path) -> _Place:
    text = str(name)
    if isinstance(name, str) and _NAME.match(text):
        if (shipped_folder() / text / "connector.yaml").is_file():
            return _Place(shipped_folder() / text)
        found = installed()
        if one := found.connectors.get(text):
            return _Place(Path(one.folder), one.package)
        if problems := [
            Problem(one.package, one.message, one.hint) for one in found.unusable if one.name == text
        ]:
            raise ManifestError(problems)
    path = Path(name)
    if path.name == "connector.yaml":
        path = path.parent
    try:
        if (path / "connector.yaml").is_file():
            return _Place(path)
    except (OSError, ValueError):  # a name too long for the system, or with a NUL in it
        pass
    names = [*shipped_names(), *installed().connectors]
    message = f"There is no connector named {text[:200]!r}, and no folder with a connector.yaml there."
    raise ManifestError([Problem(text[:200] or "connector", message, did_you_mean(text[:200], names))])
