"""A secret as people paste it: cleaned of what came along, or refused unseen."""

from __future__ import annotations

import re
from typing import Any

from connector.errors import CredentialError
from connector.secret import Secret

_BLANK = (range(0x21), range(0x7F, 0xA1), range(0x2000, 0x2010), range(0x2028, 0x2030), range(0x205F, 0x2070))
_LONGEST = 16_384  # characters; servers take no longer headers
_WRAPPING = "".join(chr(code) for codes in _BLANK for code in codes) + "\u00ad\u1680\u3000\ufeff"
"""What nobody sees around a key: spaces, control characters, and what only directs the text beside it."""
_AROUND = _WRAPPING + "\"'`\u201c\u201d\u2018\u2019<>,;"


def cleaned(name: str, value: Any, where: str, *, is_word: bool) -> Secret:
    """A pasted secret without what pasting adds; refused, never shown, if it cannot be sent.

    A key is one word. A password (for basic auth, which encodes it) is any text on one line, as it stands.
    """
    if not isinstance(value, (str, Secret)):
        message = f"{name} must be text, not {type(value).__name__}."
        raise CredentialError(message, where=where, hint=f"Give {name} as text.")
    if len(_text(value)) > _LONGEST:
        message = f"{name} is longer than {_LONGEST:,} characters, which no service takes."
        raise CredentialError(message, where=where, hint=f"Give {name} the key, not a file or a page.")
    secret = _unwrapped(value) if is_word else Secret(_text(value).rstrip("\r\n"))
    if not secret:
        raise CredentialError(f"{name} is empty.", where=where, hint=f"Give {name} its value.")
    if not is_word and not secret.reveal().isprintable():
        raise CredentialError(f"{name} holds a control character.", where=where, hint="Copy it again.")
    if is_word and _VARIABLE.fullmatch(secret.reveal()):
        message = f"{name} holds the name of a variable, not its value."
        raise CredentialError(message, where=where, hint=f"Give {name} the key itself.")
    if is_word and _STARS in secret.reveal():
        message = f"{name} holds stars that hide a key, not the key."
        raise CredentialError(message, where=where, hint="Copy the key itself, or make a new one.")
    if is_word and (what := _flaw(secret)) is not None:
        hint = "Copy it again from where it was made; it is one word of letters, digits and signs."
        raise CredentialError(f"{name} holds {what}.", where=where, hint=hint)
    return secret


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _unwrapped(value: str | Secret) -> Secret:
    text = _bare(_text(value))
    for before in (_ASSIGNMENT, _SCHEME):
        text = _bare(before.sub("", text, count=1))
    return Secret(text)


# as a shell, a file of settings, JSON or a header has it: `export X_KEY=`, `$env:X_KEY =`, `"x-api-key":`
_ASSIGNMENT = re.compile(
    r"\A(?:(?:export|set)\s+[\"']?|\$env:)?(?:[a-z0-9_-]*[_-])?(?:key|token|secret)[\"']?\s*(?:=(?!=)|:(?=[\s\"']))",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\A(authorization[\"']?\s*[:=]\s*[\"']?)?bearer\s+", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(env:)?\w+|\$\{.*\}?|\$\(.*\)?|%\w+%", re.IGNORECASE)
_STARS = "****"
_LITERAL_BREAK = re.compile(r"(\\[nrt])+\Z")


def _bare(text: str) -> str:
    """The text without what stands around a key: no key begins or ends with a quote, bracket or comma."""
    return _LITERAL_BREAK.sub("", text.strip(_AROUND)).strip(_AROUND)


def _flaw(secret: Secret) -> str | None:
    bad = next((char for char in secret.reveal() if not "!" <= char <= "~"), None)
    if bad is None:
        return None
    return (
        "a space, a line break or what nobody sees"
        if bad in _WRAPPING
        else "a character that a key cannot have"
    )
