"""An imported action that joins a connector of the same host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from connector.errors import ManifestError, Problem
from connector.importing.draft import Draft
from connector.loading import find, read


@dataclass(frozen=True)
class Joined:
    """The draft as the folder's connector has it, and the folder."""

    draft: Draft
    folder: Path


def joined(draft: Draft, place: Path) -> Joined:
    """The draft's actions under the connector that is in a folder.

    Raises:
        ManifestError: there is no connector, it is broken, or its base URL is another one.
    """
    folder = find(place)
    there: dict[str, Any] = read(folder).document.value
    own, other = _base_url(draft.connector), _base_url(there)
    if own != other:
        message = f"The connector there is for {other or 'a base URL that people give'}; the command is for {own or 'another'}."
        _refuse(folder, message, "Import it into a folder of its own, with -o.")
    notes: tuple[str, ...] = ()
    auth = draft.connector["connection"]["auth"]
    if auth not in ({"kind": "none"}, there["connection"]["auth"]):
        notes = ("The command's auth differs from the connector's, which stays as it is.",)
    plain = {key: value for key, value in there.items() if key != "icon"}
    return Joined(replace(draft, connector=plain, left_out=notes), folder)


def _base_url(connector: Any) -> str:
    default = connector["connection"]["fields"].get("properties", {}).get("base_url", {}).get("default")
    return str(default or connector["connection"]["base_url"]).rstrip("/").lower()


def _refuse(folder: Path, message: str, hint: str) -> NoReturn:
    raise ManifestError([Problem(str(folder), message, hint)])
