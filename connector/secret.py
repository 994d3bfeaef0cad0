"""Secrets as values of their own type, and their removal from anything that people or files will see."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterable
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

MASK = "********"


class Secret:
    """A text whose every printed form is a mask. Only `reveal` gives the text itself."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the request that needs it and for the store that keeps it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(_bytes(self._text), _bytes(other._text))

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied to another process")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Redactor:
    """Masks every known form of some secrets in text and in JSON values.

    Forms: as it is, base64 (standard and URL-safe), percent-encoded, JSON-escaped. Longest first, so
    that a secret which contains another leaves no rest behind.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        forms: set[str] = set()
        for secret in secrets:
            text = secret.reveal()
            if not text:
                continue
            raw = _bytes(text)
            forms.update((text, quote(text, safe="", errors="replace"), quote_plus(text, errors="replace")))
            forms.add(json.dumps(text)[1:-1])
            forms.update(
                encode(raw).decode().rstrip("=") for encode in (base64.b64encode, base64.urlsafe_b64encode)
            )
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text with every form of every secret replaced by the mask."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def value(self, value: Any) -> Any:
        """A JSON value with every text in it (keys included) redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        return value
