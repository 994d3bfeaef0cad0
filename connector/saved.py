"""Saved connections: settings in a file that anyone may look at, secrets in the system's keyring.

Where the system has no keyring, the secrets go to a second file, encrypted with a passphrase.

    connections.json  {"format": 1, "connections": {NAME: {connector, settings, secret_fields, kept_in, id}}}
    secrets.json      {"format": 1, "secrets": {ID: {"salt": HEX, "nonce": HEX, "sealed": HEX}}}
    keyring           service `connector:CONNECTOR`, user name `NAME:FIELD:ID`

Every save has a new ID. The new secrets are written beside the old ones, then connections.json changes
in one step, then the old ones go. So whatever interrupts a save, settings and secrets fit one another:
a key is never sent to the address that another key was saved with.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import sys
import time
import unicodedata
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from connector.errors import CredentialError, did_you_mean
from connector.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORMAT = 1
_SCRYPT_N = 2**15  # 32 MiB and about 0.1 s a guess; part of format 1, so a change needs a new format
_LOCK_SECONDS = 10.0  # a lock is held for a few file writes, never while a person is asked something
_LISTING, _SEALED = "connections.json", "secrets.json"
_MOVE_AWAY = "Move it away and save the connections again, or bring back an older copy."
_USE_FILE = "To save in an encrypted file, set PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring."
_UNPRINTABLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}  # Unicode's categories

# Windows has no such flags: there, links are refused by the look before, and text mode must be off.
_NOFOLLOW, _NONBLOCK = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)

# Stores that the operating system protects. All others are refused: fail, null, plaintext, unknown ones.
_REAL_KEYRINGS = (
    "keyring.backends.macOS.Keyring",
    "keyring.backends.Windows.WinVaultKeyring",
    "keyring.backends.SecretService.Keyring",
    "keyring.backends.libsecret.Keyring",
    "keyring.backends.kwallet.DBusKeyring",
    "keyring.backends.kwallet.DBusKeyringKWallet4",
)

_T = TypeVar("_T")
_Json = dict[str, Any]


class KeyringLike(Protocol):
    """What is needed of a keyring: three calls, each of which may raise anything."""

    def get_password(self, service: str, username: str, /) -> str | None: ...

    def set_password(self, service: str, username: str, password: str, /) -> None: ...

    def delete_password(self, service: str, username: str, /) -> None: ...


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


_Listing = dict[str, ListedConnection]


def default_folder(environ: Mapping[str, str]) -> Path:
    """The folder for saved connections: `CONNECTOR_HOME`, else the platform's place for settings.

    Raises:
        CredentialError: there is neither a `CONNECTOR_HOME` nor a home folder.
    """
    if chosen := environ.get("CONNECTOR_HOME"):
        return _home(environ) / chosen[2:] if chosen.startswith("~/") else Path(chosen)
    if sys.platform == "win32":
        roaming = environ.get("APPDATA")
        return (Path(roaming) if roaming else _home(environ) / "AppData" / "Roaming") / "connector"
    if sys.platform == "darwin":
        return _home(environ) / "Library" / "Application Support" / "connector"
    xdg = Path(environ.get("XDG_CONFIG_HOME", ""))
    # The XDG specification says that a relative path is to be ignored.
    return (xdg if xdg.is_absolute() else _home(environ) / ".config") / "connector"


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    with suppress(RuntimeError):
        return Path(home) if home else Path.home()
    missing = "This user has no home folder to keep connections in."
    raise _error("CONNECTOR_HOME", missing, "Set CONNECTOR_HOME to a folder of your own.")


def system_keyring() -> KeyringLike | None:
    """The system's keyring, or None where there is none that the operating system protects.

    Of a chain of keyrings, the first real one: the chain itself could write to any of its members.
    """
    try:
        import keyring  # noqa: PLC0415 - slow, as cryptography is, and most calls need neither

        active: Any = keyring.get_keyring()
        chain = _kind(active) == "keyring.backends.chainer.ChainerBackend"
        members: list[KeyringLike] = list(active.backends) if chain else [active]
    except Exception:  # noqa: BLE001 - a keyring that is configured wrongly raises whatever it likes
        return None
    return next((member for member in members if _kind(member) in _REAL_KEYRINGS), None)


def _kind(keyring: object) -> str:
    return f"{type(keyring).__module__}.{type(keyring).__qualname__}"


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
        self._folder = folder
        self._passphrase = passphrase
        self._keyring_or_system = keyring

    def names(self) -> list[ListedConnection]:
        """All saved connections by name, without secrets; nothing is unlocked and nobody is asked."""
        return sorted(self._listing().values(), key=lambda listed: listed.name.casefold())

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
        _replaced(self._listing(), new.name, replace=replace)  # before anybody is asked for anything
        sealed: _Json = {}
        try:
            if keyring is not None:
                for field, secret in connection.secrets.items():
                    _put(keyring, new, field, secret)
            elif connection.secrets:
                sealed[new.id] = _seal(new, connection.secrets, self._need_passphrase(new.name))
            old = self._list(new, sealed, replace=replace)
        except BaseException:
            # Ctrl-C may come just after the listing changed: then the new secrets are the ones in use.
            with suppress(CredentialError):
                if keyring is not None and all(listed.id != new.id for listed in self._listing().values()):
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
        with _lock(self._folder):
            listing = {key: listed for key, listed in self._listing().items() if listed.id != gone.id}
            self._write_sealed(self._sealed(), listing)
            self._write_listing(listing)

    def _list(self, new: ListedConnection, sealed: _Json, *, replace: bool) -> ListedConnection | None:
        """Put a connection and its sealed secrets into the files; returns the connection it replaces."""
        with _lock(self._folder):
            listing = self._listing()
            old = _replaced(listing, new.name, replace=replace)
            listing[new.name] = new
            both = self._sealed() | sealed
            if sealed:
                _write(self._folder / _SEALED, "secrets", both)
            self._write_listing(listing)
            self._write_sealed(both, listing)
        return old

    def _find(self, name: str) -> ListedConnection:
        listing = self._listing()
        if found := listing.get(unicodedata.normalize("NFC", name)):
            return found
        hint = did_you_mean(name, listing) if listing else f"None is in {self._folder}: save it first."
        raise _error(_where(name), "No connection of this name is saved.", hint)

    def _secrets_of(self, listed: ListedConnection) -> dict[str, Secret] | None:
        """The secrets, or None when one of them is not where the listing says."""
        if not listed.secret_fields:
            return {}
        if listed.kept_in == "file":
            sealed = self._sealed().get(listed.id)
            return None if sealed is None else _unseal(listed, sealed, self._need_passphrase(listed.name))
        keyring = self._need_keyring(listed.name)
        found = {field: _get(keyring, listed, field) for field in listed.secret_fields}
        return {field: secret for field, secret in found.items() if secret} if all(found.values()) else None

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

    def _listing(self) -> _Listing:
        path = self._folder / _LISTING
        return {name: _listed(path, name, entry) for name, entry in _read(path, "connections").items()}

    def _sealed(self) -> _Json:
        return _read(self._folder / _SEALED, "secrets")

    def _write_listing(self, listing: _Listing) -> None:
        entries = {name: asdict(listed) for name, listed in listing.items()}
        for entry in entries.values():
            del entry["name"]
        _write(self._folder / _LISTING, "connections", entries)

    def _write_sealed(self, sealed: _Json, listing: _Listing) -> None:
        """Keep what the listing names: this also clears what a killed process left behind."""
        ids = {listed.id for listed in listing.values()}
        kept = {key: entry for key, entry in sealed.items() if key in ids}
        if kept != sealed:
            _write(self._folder / _SEALED, "secrets", kept)


def _where(name: str) -> str:
    return f"connection {name!r}"


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


def _replaced(listing: _Listing, name: str, *, replace: bool) -> ListedConnection | None:
    """The connection that this name would replace; an error where it must not."""
    old = next((listed for listed in listing.values() if listed.name.casefold() == name.casefold()), None)
    if old and old.name != name:  # Windows' keyring would take them for one
        message = f"It differs from the saved connection {old.name!r} in capitals only."
        raise _error(_where(name), message, "Use another name, or that one exactly.")
    if old and not replace:
        raise _error(_where(name), "There is one of this name already.", "Use another name, or replace it.")
    return old


def _put(keyring: KeyringLike, listed: ListedConnection, field: str, secret: Secret) -> None:
    _ask(listed, lambda: keyring.set_password(*_place(listed, field), secret.reveal()))
    if _get(keyring, listed, field) != secret:  # there are keyrings that accept everything and keep nothing
        raise _error(_where(listed.name), "The system's keyring did not keep its secrets.", _USE_FILE)


def _get(keyring: KeyringLike, listed: ListedConnection, field: str) -> Secret | None:
    text = _ask(listed, lambda: keyring.get_password(*_place(listed, field)))
    return Secret(text) if text else None


def _drop(keyring: KeyringLike, listed: ListedConnection) -> None:
    for place in (_place(listed, field) for field in listed.secret_fields if _get(keyring, listed, field)):
        _ask(listed, partial(keyring.delete_password, *place))


def _place(listed: ListedConnection, field: str) -> tuple[str, str]:
    return f"connector:{listed.connector}", f"{listed.name}:{field}:{listed.id}"


def _ask(listed: ListedConnection, call: Callable[[], _T]) -> _T:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - each system's keyring has errors of its own
        refusal = type(error).__name__
    # Raised out here, the error does not carry the keyring's, whose frames hold the secret.
    hint = f"Unlock it and allow access, then try again. {_USE_FILE}"
    raise _error(_where(listed.name), f"The system's keyring refused ({refusal}).", hint)


def _seal(listed: ListedConnection, secrets: Mapping[str, Secret], passphrase: Secret) -> dict[str, str]:
    salt, nonce = os.urandom(16), os.urandom(12)
    texts = {field: secret.reveal() for field, secret in secrets.items()}
    sealed = _cipher(passphrase, salt).encrypt(nonce, json.dumps(texts).encode(), _bound_to(listed))
    return {"salt": salt.hex(), "nonce": nonce.hex(), "sealed": sealed.hex()}


def _unseal(listed: ListedConnection, entry: Any, passphrase: Secret) -> dict[str, Secret]:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415

    with suppress(InvalidTag, KeyError, TypeError, ValueError):
        salt, nonce, sealed = (bytes.fromhex(entry[part]) for part in ("salt", "nonce", "sealed"))
        # `fromhex` also takes capitals and spaces: a changed file must not pass as the same one.
        if entry == {"salt": salt.hex(), "nonce": nonce.hex(), "sealed": sealed.hex()}:
            texts = json.loads(_cipher(passphrase, salt).decrypt(nonce, sealed, _bound_to(listed)))
            return {field: Secret(texts[field]) for field in listed.secret_fields}
    hint = "Check CONNECTOR_PASSPHRASE; if it is right, save the connection again, replacing this one."
    raise _error(_where(listed.name), "The passphrase is wrong, or the file was changed.", hint)


def _cipher(passphrase: Secret, salt: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt  # noqa: PLC0415

    # The same words, typed on another system, may come as other code points.
    text = unicodedata.normalize("NFC", passphrase.reveal()).encode("utf-8", "surrogatepass")
    return AESGCM(Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=8, p=1).derive(text))


def _bound_to(listed: ListedConnection) -> bytes:
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


def _read(path: Path, part: str) -> _Json:
    """What one of the two files says under `part`; nothing where there is no file."""
    try:
        whole = json.loads(_read_own(path))
    except FileNotFoundError:
        return {}
    except OSError as error:
        hint = "Make it readable for this user, or set CONNECTOR_HOME to another folder."
        raise _error(path, f"It cannot be read: {error.strerror}.", hint) from None
    except (ValueError, RecursionError):
        whole = None
    version = whole.get("format") if isinstance(whole, dict) else None
    if isinstance(version, int) and version > _FORMAT:
        newer = f"A newer version wrote it (format {version}; this one reads format {_FORMAT})."
        raise _error(path, newer, "Update this program, or set CONNECTOR_HOME to another folder.")
    if version != _FORMAT or not isinstance(whole.get(part), dict):
        raise _error(path, "It is damaged: its JSON does not describe saved connections.", _MOVE_AWAY)
    found: _Json = whole[part]
    return found


def _read_own(path: Path) -> bytes:
    """The bytes of a file that is this user's own and, from now on, only this user's to read."""
    if path.is_symlink():
        raise _error(path, "It is a symbolic link, which could lead anywhere.", "Put the file itself there.")
    descriptor = os.open(path, os.O_RDONLY | _NOFOLLOW | _NONBLOCK | _BINARY)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise _error(path, "It is not a file.", "Move it away.")
        if sys.platform != "win32":
            if state.st_uid != os.geteuid():
                hint = "Take it over with chown, or set CONNECTOR_HOME to a folder of your own."
                raise _error(path, f"It belongs to another user (uid {state.st_uid}).", hint)
            if state.st_mode & 0o077:
                with suppress(OSError):  # a read-only file system; what is secret in it is encrypted
                    os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _write(path: Path, part: str, content: Mapping[str, Any]) -> None:
    """Replace a file in one step: whatever happens, the old or the new one is there, whole."""
    new = path.with_name(f"{path.name}.new")
    text = json.dumps({"format": _FORMAT, part: content}, indent=2) + "\n"
    try:
        new.unlink(missing_ok=True)  # left by a writer that was killed: there is one writer at a time
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if sys.platform != "win32":
                    os.fchmod(descriptor, 0o600)  # a umask may have taken even the owner's rights
                file.write(text.encode())
                file.flush()
                os.fsync(descriptor)
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _cannot_write(path, error) from None
    if sys.platform != "win32":
        with suppress(OSError):  # some network file systems cannot sync a folder; the file is in place
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _cannot_write(path: Path, error: OSError) -> CredentialError:
    hint = "Make room or allow writing there, or set CONNECTOR_HOME to another folder."
    return _error(path, f"It cannot be written: {error.strerror}.", hint)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One writer at a time. The system frees the lock when its holder ends, however that ends."""
    path = folder / "connections.lock"
    try:
        for parent in (*reversed(folder.parents), folder):
            if not parent.exists():  # an existing folder keeps its mode: others may need to enter it
                parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o600)
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _try_lock(path, descriptor):
            if time.monotonic() > deadline:
                busy = f"Another program has been saving connections for {_LOCK_SECONDS:g} seconds."
                raise _error(path, busy, "Wait until it is done, or end it; then try again.")
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _try_lock(path: Path, descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - exists on Windows only

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - does not exist on Windows

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise _cannot_write(path, error) from None
    return True
