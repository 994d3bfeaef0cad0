"""The two files of saved connections: what they say, and nothing of what is done with it.

    connections.json  {"format": 1, "connections": {NAME: {connector, settings, secret_fields, kept_in, id}}}
    secrets.json      {"format": 1, "secrets": {ID: {"salt": HEX, "nonce": HEX, "sealed": HEX}}}

A file that says anything else is refused with a CredentialError that names it.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector import private_file
from connector.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = 1
_MOVE_AWAY = "Move it away and save the connections again, or bring back an older copy."


@dataclass(frozen=True)
class ListedConnection:
    """What can be said of a saved connection without unlocking anything.

    `kept_in` is "keyring" or "file". `id` names one save: it changes whenever the connection is replaced.
    """

    name: str
    connector: str
    settings: Mapping[str, str]
    secret_fields: tuple[str, ...]
    kept_in: str
    id: str


Listing = dict[str, ListedConnection]


class Files:
    """The files in one folder, which is made when it is first locked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._listing = folder / "connections.json"
        self._sealed = folder / "secrets.json"

    def lock(self) -> AbstractContextManager[None]:
        """Held around every change: one writer at a time."""
        return private_file.lock(self.folder / "connections.lock", "saving connections")

    def listing(self) -> Listing:
        """The connections by name; none where there is no file."""
        entries = _read(self._listing, "connections")
        return {name: _listed(self._listing, name, entry) for name, entry in entries.items()}

    def sealed(self) -> dict[str, Any]:
        """The sealed secrets by the id of their connection; none where there is no file."""
        return _read(self._sealed, "secrets")

    def write_listing(self, listing: Listing) -> None:
        """Replace connections.json in one step."""
        entries = {name: asdict(listed) for name, listed in listing.items()}
        for entry in entries.values():
            del entry["name"]
        _write(self._listing, "connections", entries)

    def write_sealed(self, sealed: Mapping[str, Any], *, only: Listing | None = None) -> None:
        """Replace secrets.json in one step.

        With `only`, keep what that listing names: this also clears what a killed process left behind.
        """
        ids = sealed.keys() if only is None else {listed.id for listed in only.values()}
        kept = {key: entry for key, entry in sealed.items() if key in ids}
        if only is None or kept != sealed:
            _write(self._sealed, "secrets", kept)


def bound_to(listed: ListedConnection) -> bytes:
    """What the secrets are sealed with: they open for this connection and these settings only."""
    return json.dumps([_FORMAT, asdict(listed)], sort_keys=True).encode()


def _listed(path: Path, name: str, entry: Any) -> ListedConnection:
    match entry:
        case {
            "connector": str(connector),
            "settings": dict(settings),
            "secret_fields": list(fields),
            "kept_in": "keyring" | "file" as kept_in,
            "id": str(id_),
        } if all(isinstance(text, str) for text in (*settings.values(), *fields)):
            return ListedConnection(name, connector, settings, tuple(fields), kept_in, id_)
    raise _error(path, f"What it says about the connection {name!r} cannot be understood.", _MOVE_AWAY)


def _read(path: Path, part: str) -> dict[str, Any]:
    """What one of the two files says under `part`; nothing where there is no file."""
    content = private_file.read(path)
    if content is None:
        return {}
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        whole = None
    version = whole.get("format") if isinstance(whole, dict) else None
    if isinstance(version, int) and version > _FORMAT:
        newer = f"A newer version wrote it (format {version}; this one reads format {_FORMAT})."
        raise _error(path, newer, "Update this program, or set CONNECTOR_HOME to another folder.")
    if version != _FORMAT or not isinstance(whole.get(part), dict):
        raise _error(path, "It is damaged: its JSON does not describe saved connections.", _MOVE_AWAY)
    found: dict[str, Any] = whole[part]
    return found


def _write(path: Path, part: str, content: Mapping[str, Any]) -> None:
    private_file.write(path, (json.dumps({"format": _FORMAT, part: content}, indent=2) + "\n").encode())


def _error(where: object, message: str, hint: str) -> CredentialError:
    return CredentialError(message, where=str(where), hint=hint)
