"""The system's keyring: which ones count as one, and secrets in and out of it, whatever it raises."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from connector.errors import CredentialError
from connector.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Stores that the operating system protects. All others are refused: fail, null, plaintext, unknown ones.
_REAL_KEYRINGS = (
    "keyring.backends.macOS.Keyring",
    "keyring.backends.Windows.WinVaultKeyring",
    "keyring.backends.SecretService.Keyring",
    "keyring.backends.libsecret.Keyring",
    "keyring.backends.kwallet.DBusKeyring",
    "keyring.backends.kwallet.DBusKeyringKWallet4",
)
_USE_FILE = "To save in an encrypted file, set PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring."

Place = tuple[str, str]
"""Service and user name."""

_T = TypeVar("_T")


class KeyringLike(Protocol):
    """What is needed of a keyring: three calls, each of which may raise anything."""

    def get_password(self, service: str, username: str, /) -> str | None: ...

    def set_password(self, service: str, username: str, password: str, /) -> None: ...

    def delete_password(self, service: str, username: str, /) -> None: ...


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


def put(keyring: KeyringLike, place: Place, secret: Secret, *, where: str) -> None:
    """Keep a secret, and make sure that it was kept.

    Raises:
        CredentialError: at `where`; the keyring refuses, or forgets.
    """
    _ask(lambda: keyring.set_password(*place, secret.reveal()), where)
    if get(keyring, place, where=where) != secret:  # some keyrings accept everything and keep nothing
        raise CredentialError("The system's keyring did not keep its secrets.", where=where, hint=_USE_FILE)


def get(keyring: KeyringLike, place: Place, *, where: str) -> Secret | None:
    """The secret at a place, or None.

    Raises:
        CredentialError: at `where`; the keyring refuses.
    """
    text = _ask(lambda: keyring.get_password(*place), where)
    return Secret(text) if text else None


def drop(keyring: KeyringLike, places: Iterable[Place], *, where: str) -> None:
    """Delete the secrets at some places; those that are not there are no error.

    Raises:
        CredentialError: at `where`; the keyring refuses.
    """
    for place in places:
        if get(keyring, place, where=where):
            _ask(partial(keyring.delete_password, *place), where)


def _ask(call: Callable[[], _T], where: str) -> _T:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - each system's keyring has errors of its own
        refusal = type(error).__name__
    # Raised out here, the error does not carry the keyring's, whose frames hold the secret.
    hint = f"Unlock it and allow access, then try again. {_USE_FILE}"
    raise CredentialError(f"The system's keyring refused ({refusal}).", where=where, hint=hint)
