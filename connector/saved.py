"""Saved connections: settings in a file that anyone may look at, secrets in the system's keyring.

Where the system has no keyring, the secrets go to a second file, encrypted with a passphrase. What the files
hold is in `saved_files`; in the keyring, the service is `connector:CONNECTOR`, the user name `NAME:FIELD:ID`.

Every save has a new ID. The new secrets are written beside the old ones, then connections.json changes
in one step, then the old ones go. So whatever interrupts a save, settings and secrets fit one another:
a key is never sent to the address that another key was saved with.
"""

from __future__ import annotations

import os
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from connector import keyrings
from connector.errors import CredentialError, did_you_mean
from connector.keyrings import KeyringLike, system_keyring
from connector.private_file import default_folder
from connector.saved_files import Files, ListedConnection, Listing, bound_to
from connector.sealed import seal, unseal
from connector.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ListedConnection", "SavedConnection", "SavedConnections", "default_folder", "system_keyring"]

_UNPRINTABLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}  # Unicode's categories


@dataclass(frozen=True)
class SavedConnection:
    """A connection with its secrets.

    Attributes:
        name: 1 to 64 printable characters, spaces and any script included.
        connector: the connector's id, such as `perplexity`.
        settings: field -> text for all that is not secret, such as `base_url`.
        secrets: field -> secret, such as `api_key`; none empty.
        kept_in: "keyring" or "file" on a connection that was loaded; `save` chooses anew.
    """

    name: str
    connector: str
    settings: Mapping[str, str]
    secrets: Mapping[str, Secret]
    kept_in: str = ""


class SavedConnections:
    """The connections saved in one folder. Every error is a CredentialError.

    Args:
        folder: where the files are; made on the first save.
        passphrase: gives the passphrase of the encrypted file, or None where there is none. It is asked
            only for secrets in that file, and never by `names` or `remove`.
        keyring: where new secrets go; "system" finds the system's when it is needed, None means the file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        passphrase: Callable[[], Secret | None],
        keyring: KeyringLike | Literal["system"] | None = "system",
    ) -> None:
        self._files = Files(folder)
        self._passphrase = passphrase
        self._keyring_or_system = keyring

    def names(self) -> list[ListedConnection]:
        """All saved connections by name, without secrets; nothing is unlocked and nobody is asked."""
        return sorted(self._files.listing().values(), key=lambda listed: listed.name.casefold())

    def save(self, connection: SavedConnection, *, replace: bool = False) -> str:
        """Keep a connection, and return where its secrets went: "keyring" or "file".

        Raises:
            CredentialError: the name is taken and `replace` is false; a name, field or secret cannot be
                kept; the keyring refuses; there is no passphrase; a file cannot be read or written.
        """
        keyring = self._keyring()
        new = ListedConnection(
            name=unicodedata.normalize("NFC", connection.name),
            connector=connection.connector,
            settings=dict(connection.settings),
            secret_fields=tuple(connection.secrets),
            kept_in="file" if keyring is None else "keyring",
            id=os.urandom(16).hex(),
        )
        _check(new, connection.secrets)
        _replaced(self._files.listing(), new.name, replace=replace)  # before anybody is asked for anything
        sealed: dict[str, Any] = {}
        try:
            if keyring is not None:
                for field, secret in connection.secrets.items():
                    keyrings.put(keyring, _place(new, field), secret, where=_where(new.name))
            elif connection.secrets:
                passphrase = self._need_passphrase(new.name)
                sealed[new.id] = seal(connection.secrets, passphrase, bound_to(new))
            old = self._list(new, sealed, replace=replace)
        except BaseException:
            # Ctrl-C may come just after the listing changed: then the new secrets are the ones in use.
            with suppress(CredentialError):
                if keyring is not None and all(
                    listed.id != new.id for listed in self._files.listing().values()
                ):
                    _drop(keyring, new)
            raise
        if keyring is not None and old and old.kept_in == "keyring":
            with suppress(CredentialError):  # the save is done, and a leftover in the keyring is still safe
                _drop(keyring, old)
        return new.kept_in

    def load(self, name: str) -> SavedConnection:
        """The connection of this name with its secrets.

        Raises:
            CredentialError: there is none; the keyring refuses; the passphrase is missing or wrong; a
                file cannot be read or was changed.
        """
        listed = self._find(name)
        while (secrets := self._secrets_of(listed)) is None:
            newer = self._find(name)
            if newer == listed:
                gone = f"Its secrets are no longer in the {listed.kept_in}."
                raise _error(_where(name), gone, "Save it again, replacing this one, or remove it.")
            listed = newer  # somebody replaced it between the two reads
        return SavedConnection(listed.name, listed.connector, listed.settings, secrets, listed.kept_in)

    def remove(self, name: str) -> None:
        """Forget a connection and delete its secrets.

        Raises:
            CredentialError: there is none; the keyring refuses; a file cannot be read or written.
        """
        gone = self._find(name)
        # Secrets first: an interruption leaves a connection that says to save it again and that can be
        # removed again. The other way round it would leave a secret that nothing lists.
        if gone.kept_in == "keyring":
            _drop(self._need_keyring(name), gone)
        with self._files.lock():
            listing = {key: listed for key, listed in self._files.listing().items() if listed.id != gone.id}
            self._files.write_sealed(self._files.sealed(), only=listing)
            self._files.write_listing(listing)

    def _list(
        self, new: ListedConnection, sealed: dict[str, Any], *, replace: bool
    ) -> ListedConnection | None:
        """Put a connection and its sealed secrets into the files; returns the connection it replaces."""
        with self._files.lock():
            listing = self._files.listing()
            old = _replaced(listing, new.name, replace=replace)
            listing[new.name] = new
            both = self._files.sealed() | sealed
            if sealed:
                self._files.write_sealed(both)
            self._files.write_listing(listing)
            self._files.write_sealed(both, only=listing)
        return old

    def _find(self, name: str) -> ListedConnection:
        listing = self._files.listing()
        if found := listing.get(unicodedata.normalize("NFC", name)):
            return found
        hint = did_you_mean(name, listing) if listing else f"None is in {self._files.folder}: save it first."
        raise _error(_where(name), "No connection of this name is saved.", hint)

    def _secrets_of(self, listed: ListedConnection) -> dict[str, Secret] | None:
        """The secrets, or None when one of them is not where the listing says."""
        if not listed.secret_fields:
            return {}
        if listed.kept_in == "file":
            sealed = self._files.sealed().get(listed.id)
            return None if sealed is None else self._unsealed(listed, sealed)
        keyring, where = self._need_keyring(listed.name), _where(listed.name)
        found = {
            field: keyrings.get(keyring, _place(listed, field), where=where) for field in listed.secret_fields
        }
        return {field: secret for field, secret in found.items() if secret} if all(found.values()) else None

    def _unsealed(self, listed: ListedConnection, entry: Any) -> dict[str, Secret]:
        secrets = unseal(entry, self._need_passphrase(listed.name), bound_to(listed))
        if secrets is None:
            hint = (
                "Check CONNECTOR_PASSPHRASE; if it is right, save the connection again, replacing this one."
            )
            raise _error(_where(listed.name), "The passphrase is wrong, or the file was changed.", hint)
        return secrets

    def _keyring(self) -> KeyringLike | None:
        if isinstance(self._keyring_or_system, str):
            self._keyring_or_system = system_keyring()
        return self._keyring_or_system

    def _need_keyring(self, name: str) -> KeyringLike:
        if (keyring := self._keyring()) is not None:
            return keyring
        missing = "Its secrets are in the system's keyring, and none can be reached from here."
        raise _error(_where(name), missing, "Use it where it was saved, or save it again, replacing it.")

    def _need_passphrase(self, name: str) -> Secret:
        if passphrase := self._passphrase():
            return passphrase
        missing = "Its secrets belong in an encrypted file, and there is no passphrase."
        raise _error(_where(name), missing, "Set CONNECTOR_PASSPHRASE, or run it in a terminal to be asked.")


def _where(name: str) -> str:
    return f"connection {name[:64]!r}"


def _error(where: object, message: str, hint: str) -> CredentialError:
    return CredentialError(message, where=str(where), hint=hint)


def _check(new: ListedConnection, secrets: Mapping[str, Secret]) -> None:
    """Refuse what could not be shown, kept or found again."""
    where, name = _where(new.name), new.name
    # Of the characters that only direct the text around them (Cf), the two joiners are part of words.
    odd = any(unicodedata.category(c) in _UNPRINTABLE and c not in "\u200c\u200d" for c in name)
    if odd or not 1 <= len(name) <= 64 or name != name.strip():
        rule = "Use 1 to 64 printable characters, without a space at either end."
        raise _error(where, "This cannot be the name of a connection.", rule)
    for word in (new.connector, *new.settings, *secrets):
        if not re.fullmatch("[A-Za-z][A-Za-z0-9_-]*", word):
            rule = "Use letters, digits, '_' and '-', and begin with a letter."
            raise _error(where, f"{word!r} cannot be the name of a connector or of a field.", rule)
    for field, setting in new.settings.items():
        if not isinstance(setting, str):  # it would make the whole file unreadable
            raise _error(where, f"{field!r} is not text.", "Give every setting as text.")
    for field, secret in secrets.items():
        if field in new.settings:
            raise _error(where, f"{field!r} is a setting and a secret.", "Give it once, as a secret.")
        # Lone surrogates stand for bytes that were never text; no keyring and no request can carry them.
        if not secret or any("\ud800" <= c <= "\udfff" for c in secret.reveal()):
            raise _error(where, f"{field!r} is empty or is not text.", "Enter it again.")


def _replaced(listing: Listing, name: str, *, replace: bool) -> ListedConnection | None:
    """The connection that this name would replace; an error where it must not."""
    old = next((listed for listed in listing.values() if listed.name.casefold() == name.casefold()), None)
    if old and old.name != name:  # Windows' keyring would take them for one
        message = f"It differs from the saved connection {old.name!r} in capitals only."
        raise _error(_where(name), message, "Use another name, or that one exactly.")
    if old and not replace:
        raise _error(_where(name), "There is one of this name already.", "Use another name, or replace it.")
    return old


def _drop(keyring: KeyringLike, listed: ListedConnection) -> None:
    places = (_place(listed, field) for field in listed.secret_fields)
    keyrings.drop(keyring, places, where=_where(listed.name))


def _place(listed: ListedConnection, field: str) -> keyrings.Place:
    return f"connector:{listed.connector}", f"{listed.name}:{field}:{listed.id}"
