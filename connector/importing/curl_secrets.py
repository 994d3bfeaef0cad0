"""Which parts of a request are secrets: by what they are called, and by how they look."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from connector.importing.shell_text import VARIABLE
from connector.lint import SECRET_TEXT
from connector.secret import Redactor, Secret

FAKE_SECRET: Final = "test-secret"  # noqa: S105 - what stands in examples for a secret

_WORD_ENDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_SECRET_WORDS: Final = frozenset(
    [
        "apikey",
        "apikeys",
        "secret",
        "secrets",
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "authorization",
        "auth",
        "token",
        "tokens",
        "credential",
        "credentials",
        "signature",
        "sig",
        "jwt",
        "appid",
        "hapikey",
        "apitoken",
        "authtoken",
        "accesstoken",
        "bearer",
        "pat",
        "cookie",
    ]
)
_KEYED: Final = frozenset(
    [
        "api",
        "app",
        "application",
        "access",
        "auth",
        "private",
        "subscription",
        "functions",
        "account",
        "secret",
        "x",
    ]
)
_OTHER_TOKENS: Final = frozenset(
    [
        "next",
        "page",
        "prev",
        "previous",
        "continuation",
        "sync",
        "pagination",
        "cursor",
        "max",
        "min",
        "stop",
        "eos",
        "bos",
        "pad",
        "mask",
        "start",
        "end",
    ]
)
_WORDS_OF_BODIES: Final = frozenset({"key", "auth", "sig", "signature", "cookie", "token_type"})
_NOT_SECRETS: Final = frozenset({"idempotency-key", "sec-websocket-key", "x-idempotency-key", "max-tokens"})

_SECRET_VALUE: Final = re.compile(
    r"(?:sk|rk|pk)[-_](?:live|test|proj|ant|or|svcacct|admin)[-_][A-Za-z0-9_-]{6,}|sk-[A-Za-z0-9_-]{16,}"
    r"|pplx-[A-Za-z0-9_-]{12,}|gh[opusr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|A[KS]IA[0-9A-Z]{12,}|AIza[\w-]{30,}"
    r"|ya29\.[\w-]{16,}|SG\.[\w-]{16,100}\.[\w-]{16,}|hf_[A-Za-z0-9]{16,}|r8_[A-Za-z0-9]{16,}|shp(?:at|ca|pa|ss)_\w{16,}"
    r"|dop_v1_\w{16,}|npm_\w{20,}|whsec_\w{16,}|lin_api_\w{16,}|ntn_\w{16,}|secret_\w{20,}|pat-\w{2,3}[\w-]{16,}"
    r"|eyJ[\w-]{8,2000}\.eyJ[\w-]{8,}\.[\w-]*|[0-9]{8,10}:[A-Za-z0-9_-]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_SHORTEST: Final = 8


def is_secret_name(name: str, *, in_body: bool = False) -> bool:
    """Whether a header, a parameter or a field of a body is called as a secret: X-Api-Key, accessToken, key."""
    if name.lower() in _NOT_SECRETS or (in_body and name.lower() in _WORDS_OF_BODIES):
        return False
    words = [word.lower() for word in _WORD_ENDS.split(name) if word]
    if not words or words[-1] in {"id", "type", "url", "uri", "name", "version", "count", "limit"}:
        return False
    if any(word in _SECRET_WORDS and word not in {"token", "tokens"} for word in words):
        return True
    if words[-1] in {"token", "tokens"}:
        return words[-1] == "token" and not _OTHER_TOKENS.intersection(words)
    is_key = words[-1] == "key" or words[-1].endswith("apikey")
    return is_key and (len(words) == 1 or bool(_KEYED.intersection(words)) or words[-1] != "key")


def is_secret_value(text: str) -> bool:
    """Whether a text looks like a key or a token, or holds one."""
    return _SECRET_VALUE.search(text) is not None or SECRET_TEXT.search(text) is not None


class Secrets:
    """The secret texts of one command, and where they show."""

    def __init__(self, texts: Iterable[str]) -> None:
        plain = [part for text in texts for part in _without_variables(text) if part != FAKE_SECRET]
        self._whole = frozenset(plain)
        self._redactor = Redactor((Secret(text) for text in plain if _is_telling(text)), cut=False)

    def shows(self, text: str) -> bool:
        """Whether a text is one of them, holds one in any spelling, or looks like another."""
        return bool(text) and (text in self._whole or self._redactor.finds(text) or is_secret_value(text))

    def leaks(self, text: str) -> bool:
        """Whether a text holds one of them, those apart that cannot be told from words."""
        return self._redactor.finds(text)


def _is_telling(text: str) -> bool:
    """Whether a secret can be looked for in longer texts: a short one, or a word such as password, is found anywhere."""
    return len(text) >= _SHORTEST and not (text.isalpha() and text.islower())


def _without_variables(text: str) -> Iterator[str]:
    return (part.strip() for part in VARIABLE.sub("\0", text).split("\0") if part.strip())


def pair_of(encoded: str) -> tuple[str, str] | None:
    """`name` and `password` of a header of basic auth; None if it holds none."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return None
    name, colon, password = text.partition(":")
    return (name, password) if colon and text.isprintable() else None


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)
