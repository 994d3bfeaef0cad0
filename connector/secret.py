"""Secrets as values of their own type, and their removal from anything that people or files will see."""

from __future__ import annotations

import base64
import hmac
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

MASK = "********"
_SHORTEST_INSIDE = 8  # base64 of fewer letters would be found in innocent text


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


def _forms(text: str) -> Iterator[str]:
    if not text:
        return
    yield text
    for encoded in (
        quote(text, safe="", errors="replace"),
        quote(text, errors="replace"),
        quote_plus(text, errors="replace"),
    ):
        yield encoded
        yield re.sub("%..", lambda escape: escape.group().lower(), encoded)
    for escaped in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")
    yield html.escape(text)
    raw = _bytes(text)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode().rstrip("=")
        for before in (0, 1, 2):  # bytes that stand before it in a longer text: they share its first letters
            inside = encode(bytes(before) + raw)[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6].decode()
            if len(inside) >= _SHORTEST_INSIDE:
                yield inside


def _spans(form: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


class Redactor:
    """Masks every known form of some secrets in text and in JSON values.

    Forms: as it is; base64, standard and URL-safe, also inside a longer text such as `user:secret`;
    percent-encoded; escaped for JSON or HTML. Forms that overlap in a text go together, so that neither
    leaves a rest behind.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret.reveal()) if form.strip("*")}
        self._forms = sorted(forms)

    def text(self, text: str) -> str:
        """The text with every form of every secret replaced by the mask."""
        while spans := sorted(span for form in self._forms if form in text for span in _spans(form, text)):
            parts, end = [], 0
            for start, stop in spans:
                if start >= end:
                    parts += [text[end:start], MASK]
                end = max(end, stop)
            text = "".join([*parts, text[end:]])  # and again: a mask and its neighbour may read as a secret
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
