"""Connectors that other packages bring: which there are, and where. None of them is read here, no code of theirs run.

A package names the folder of a connector by an entry point of the group `connector.manifests`:

    [project.entry-points."connector.manifests"]
    acme = "acme_connector:manifests.acme"

The package, a colon, and the folder in it, with dots or slashes between its parts (build backends take dots
only). The entry points are read from the metadata of what is installed: importing importlib.metadata would take
as long as all of `connector list`. As there, the first place on sys.path that has a package counts.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from connector.shipped_files import shipped_names

GROUP: Final = "connector.manifests"
OURS: Final = "perplexity-connector"
_MOST_BYTES: Final = 1 << 20
_MOST_CONNECTORS: Final = 200  # of one package; a file full of them would take a list of connectors seconds
# patterns as text: most environments have no such package, and compiling them takes longer than the search
_NAME: Final = r"[a-z][a-z0-9_]{0,63}"  # as a connector's id
_VALUE: Final = r"(?a)([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*(?::\s*(.*))?"
_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_FORM: Final = f'[project.entry-points."{GROUP}"] NAME = "PACKAGE:FOLDER.FOLDER"'


class Installed(NamedTuple):
    """A connector of another package."""

    name: str
    folder: str
    package: str
    """The distribution's name and version: `acme-connector 1.2.0`."""


class Unusable(NamedTuple):
    """An entry point that names no connector, or one that cannot be told from another."""

    name: str
    package: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.package}: {self.message} {self.hint}"


class Found(NamedTuple):
    """All that is installed."""

    connectors: dict[str, Installed]
    unusable: list[Unusable]


class _Distribution(NamedTuple):
    name: str
    version: str
    place: str
    """The folder on sys.path in which its metadata lies."""
    metadata: str

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".rstrip()


def installed(places: Iterable[str] | None = None) -> Found:
    """The connectors of the packages that are installed.

    Args:
        places: the folders to look in; sys.path if None.
    """
    claims: dict[str, list[Installed | Unusable]] = {}
    for distribution in _distributions(sys.path if places is None else places):
        for name, value in islice(_entries(distribution), _MOST_CONNECTORS):
            claims.setdefault(name, []).append(_claim(distribution, name, value))
    found = Found({}, [])
    ours = set(shipped_names()) if claims else set()
    for name, claimed in claims.items():
        good = [one for one in claimed if isinstance(one, Installed)]
        found.unusable.extend(one for one in claimed if isinstance(one, Unusable))
        if name in ours:
            found.unusable.extend(_like_ours(one) for one in good)
        elif len(good) > 1:
            found.unusable.append(_claimed_by_several(name, [one.package for one in good]))
        elif good:
            found.connectors[name] = good[0]
    return found


def _like_ours(one: Installed) -> Unusable:
    message = f"It brings a connector {one.name!r}, and so does {OURS}, whose own is used."
    return Unusable(one.name, one.package, message, "Uninstall it, or ask its author for another name.")


def _claimed_by_several(name: str, packages: list[str]) -> Unusable:
    both = " and ".join(packages)
    message = f"They all bring a connector {name!r}: nobody can know which is meant, and neither is used."
    return Unusable(
        name, both, message, "Uninstall all but one; a package that is there twice, install anew."
    )


def _distributions(places: Iterable[str]) -> Iterator[_Distribution]:
    """What is installed, without reading any of it."""
    seen: set[str] = set()
    for place in dict.fromkeys(places):
        try:
            names = os.listdir(place or ".")
        except OSError:  # not there, or a zip
            continue
        here: set[str] = set()
        for folder in sorted(names):
            name, version = _named(folder)
            if name and name not in seen:
                here.add(name)
                yield _Distribution(name, version, place or ".", f"{place or '.'}/{folder}")
        seen |= here


def _named(folder: str) -> tuple[str, str]:
    """The distribution of a folder of metadata, by the folder's name; nothing if it is none."""
    if folder.endswith(".dist-info"):
        name, _, version = folder[:-10].rpartition("-")
    elif folder.endswith(".egg-info"):
        name, _, version = folder[:-9].partition("-")
        version = version.partition("-py")[0]
    else:
        return "", ""
    if folder.startswith("~"):  # what pip has moved out of the way
        return "", ""
    return name.replace("_", "-").replace(".", "-").lower(), version


def _entries(distribution: _Distribution) -> Iterator[tuple[str, str]]:
    """Name and value of each entry point of our group."""
    content = _bytes(f"{distribution.metadata}/entry_points.txt")
    if GROUP.encode() not in content:
        return
    section = ""
    for line in content.decode("utf-8", "replace").splitlines():
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            section = text[1:-1].strip()
        elif section == GROUP and text and not text.startswith(("#", ";")):
            name, _, value = text.partition("=")
            yield name.strip(), value.strip()


def _bytes(path: str) -> bytes:
    """The beginning of a file, if it is one: a pipe would be waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError):
        return b""
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _MOST_BYTES) if is_file else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _claim(distribution: _Distribution, name: str, value: str) -> Installed | Unusable:
    def refused(message: str, hint: str) -> Unusable:
        return Unusable(name[:80], distribution.title, message, f"{hint} Until it is mended, it is left out.")

    if not re.fullmatch(_NAME, name):
        message = f"Its entry point {name[:80]!r} has a name that no connector can have."
        return refused(message, "Its author names it as the connector's id: a-z, 0-9 and _.")
    parts = _parts(value)
    if parts is None:
        message = f"Its entry point {name!r} says {value[:200]!r}, which names no folder in a package."
        return refused(message, f"Its author writes {_FORM}.")
    package, inside = parts
    for base in _bases(distribution):
        home = "/".join((base, *package))
        folder = "/".join((home, *inside))
        if not os.path.isdir(folder):
            continue
        if not _is_inside(folder, home):
            message = f"Its connector {name!r} lies behind a link that leads out of the package {home}."
            return refused(message, "Its author puts the folder itself there.")
        if not os.path.isfile(f"{folder}/connector.yaml"):
            message = f"Its connector {name!r} should be in {folder}, which has no connector.yaml."
            return refused(message, "Its author adds the file to what the package holds.")
        return Installed(name, folder, distribution.title)
    place = "/".join((*package, *inside))
    message = f"Its connector {name!r} should be in the folder {place}, which is not there."
    return refused(message, "Install it anew; if that does not help, its author has left the folder out.")


def _parts(value: str) -> tuple[list[str], list[str]] | None:
    """The package and the folder in it, each in its parts; None where the value leads anywhere else."""
    fits = re.fullmatch(_VALUE, value)
    if not fits:
        return None
    folder = fits[2]
    if folder is None:
        return fits[1].split("."), []
    inside = folder.split("/") if "/" in folder else folder.split(".")
    return (fits[1].split("."), inside) if all(re.fullmatch(_PART, part) for part in inside) else None


def _is_inside(folder: str, home: str) -> bool:
    real, whole = os.path.realpath(folder), os.path.realpath(home)
    return real == whole or real.startswith(whole + os.sep)


def _bases(distribution: _Distribution) -> Iterator[str]:
    """Where the packages of a distribution can lie: beside its metadata, or where an editable one points to."""
    yield distribution.place
    for line in _lines(f"{distribution.metadata}/RECORD"):
        file = line.partition(",")[0].strip('"')
        if file.endswith(".pth") and "/" not in file and "\\" not in file:
            for path in _lines(f"{distribution.place}/{file}"):
                if not path.startswith(("#", "import ", "import\t")):  # a line of code is not run here
                    yield os.path.join(distribution.place, path)
    if project := _project(distribution):
        yield from (project, f"{project}/src")


def _lines(path: str) -> Iterator[str]:
    text = _bytes(path).decode("utf-8", "replace")
    return (line for line in map(str.strip, text.splitlines()) if line and "\0" not in line)


def _project(distribution: _Distribution) -> str:
    """The folder of a project that is installed as it stands there; empty if it is not."""
    content = _bytes(f"{distribution.metadata}/direct_url.json")
    if b'"editable"' not in content:
        return ""
    import json  # noqa: PLC0415 - only such a project needs them
    from urllib.parse import urlsplit  # noqa: PLC0415
    from urllib.request import url2pathname  # noqa: PLC0415

    try:
        origin = json.loads(content)
        url = urlsplit(origin["url"])
        is_folder = origin["dir_info"]["editable"] is True and url.scheme == "file" and not url.netloc
        return url2pathname(url.path).rstrip("/") if is_folder else ""
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
