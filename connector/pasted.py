"""A secret as people paste it: cleaned of what came along, or refused unseen."""

from __future__ import annotations

import re
from typing import Any

from connector.errors import CredentialError
from connector.secret import Secret

_BLANK = (range(0x21), range(0x7F, 0xA1), range(0x2000, 0x2010), range(0x2028, 0x2030), range(0x205F, 0x2070))
_WRAPPING = "".join(chr(code) for codes in _BLANK for code in codes) + "\u00ad\u1680\u3000\ufeff"
"""What nobody sees around a key: spaces, control characters, and what only directs the text beside it."""
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019"}


def cleaned(name: str, value: Any, where: str, *, is_word: bool) -> Secret:
    """A pasted secret without what pasting adds; refused, never shown, if it cannot be sent.

    A key is one word. A password (for basic auth, which encodes it) is any text on one line, as it stands.
    """
    if not isinstance(value, (str, Secret)):
        message = f"{name} must be text, not {type(value).__name__}."
        raise CredentialError(message, where=where, hint=f"Give {name} as text.")
    secret = _unwrapped(value) if is_word else Secret(_text(value).rstrip("\r\n"))
    if not secret:
        raise CredentialError(f"{name} is empty.", where=where, hint=f"Give {name} its value.")
    if not is_word and not secret.reveal().isprintable():
        raise CredentialError(f"{name} holds a control character.", where=where, hint="Copy it again.")
    if is_word and (what := _flaw(secret)) is not None:
        hint = "Copy it again from where it was made; it is one word of letters, digits and signs."
        raise CredentialError(f"{name} holds {what}.", where=where, hint=hint)
    return secret


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _unwrapped(value: str | Secret) -> Secret:
    text = _unquoted(_text(value))
    for around in (_ASSIGNMENT, _SCHEME):
        text = _unquoted(around.sub("", text, count=1))
    return Secret(text)


_ASSIGNMENT = re.compile(r"\A(export\s+)?[A-Z0-9_]*_(KEY|TOKEN|SECRET)\s*=")
_SCHEME = re.compile(r"\A(authorization\s*:\s*)?bearer\s+", re.IGNORECASE)


def _unquoted(text: str) -> str:
    text = text.strip(_WRAPPING)
    is_quoted = len(text) > 1 and text[-1] == _QUOTES.get(text[0])
    return text[1:-1].strip(_WRAPPING) if is_quoted else text


def _flaw(secret: Secret) -> str | None:
    bad = next((char for char in secret.reveal() if not "!" <= char <= "~"), None)
    if bad is None:
        return None
    return (
        "a space, a line break or what nobody sees"
        if bad in _WRAPPING
        else "a character that a key cannot have"
    )
