"""Secrets sealed with a passphrase: scrypt makes the key, AES-GCM encrypts and notices every change."""

from __future__ import annotations

import json
import os
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from connector.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_SCRYPT_N = 2**15  # 32 MiB and about 0.1 s a guess; part of format 1, so a change needs a new format


def seal(secrets: Mapping[str, Secret], passphrase: Secret, bound_to: bytes) -> dict[str, str]:
    """The secrets as {"salt", "nonce", "sealed"}, each in hex. They open only beside the same `bound_to`."""
    salt, nonce = os.urandom(16), os.urandom(12)
    texts = {field: secret.reveal() for field, secret in secrets.items()}
    sealed = _cipher(passphrase, salt).encrypt(nonce, json.dumps(texts).encode(), bound_to)
    return {"salt": salt.hex(), "nonce": nonce.hex(), "sealed": sealed.hex()}


def unseal(entry: Any, passphrase: Secret, bound_to: bytes) -> dict[str, Secret] | None:
    """The secrets again; None if the passphrase, the entry or `bound_to` is not the one they were sealed with."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - slow, and most calls do not need it

    with suppress(InvalidTag, KeyError, TypeError, ValueError):
        salt, nonce, sealed = (bytes.fromhex(entry[part]) for part in ("salt", "nonce", "sealed"))
        # `fromhex` also takes capitals and spaces: a changed file must not pass as the same one.
        if entry == {"salt": salt.hex(), "nonce": nonce.hex(), "sealed": sealed.hex()}:
            texts = json.loads(_cipher(passphrase, salt).decrypt(nonce, sealed, bound_to))
            return {field: Secret(text) for field, text in texts.items()}
    return None


def _cipher(passphrase: Secret, salt: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt  # noqa: PLC0415

    # The same words, typed on another system, may come as other code points.
    text = unicodedata.normalize("NFC", passphrase.reveal()).encode("utf-8", "surrogatepass")
    return AESGCM(Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=8, p=1).derive(text))
