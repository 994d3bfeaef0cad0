"""Secrets as values of their own type, and their removal from anything that people or files will see."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

MASK = "********"
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
_SHORTEST_INSIDE = 8  # base64 of fewer letters would be found in innocent text
_LEARNT = 4  # access tokens: one in use, and those before it that requests under way still have
_SHORTEST_PART, _SHORTEST_CUT = 8, 16  # a part of 8 is told as a secret's; half of a shorter one is a word


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
        yield re.sub("[<>&']", lambda sign: f"\\u{ord(sign[0]):04x}", escaped)  # as for a page
    yield text.translate(_HTML)
    raw = _bytes(text)
    yield from (repr(text)[1:-1], repr(raw)[2:-1], raw.hex(), raw.hex().upper())
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


def _cut_spans(form: str, text: str) -> Iterator[tuple[int, int]]:
    """Where a form stands, or as much of its beginning or end as there is, from 8 characters on."""
    for start, _ in _spans(form[:_SHORTEST_PART], text):
        yield start, start + _shared(form, text[start : start + len(form)])
    for _, stop in _spans(form[-_SHORTEST_PART:], text):
        yield stop - _shared(form[::-1], text[max(0, stop - len(form)) : stop][::-1]), stop


def _shared(one: str, other: str) -> int:
    """How many characters two texts have in common before they differ."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


class Redactor:
    """Masks every known form of some secrets in text and in JSON values.

    Forms: as it is; base64, standard and URL-safe, also inside a longer text such as `user:secret`;
    percent-encoded; escaped for JSON, HTML or Python. Forms that overlap in a text go together, so that
    neither leaves a rest behind.

    Args:
        secrets: an empty one hides nothing.
        cut: also mask the first or last 8 or more characters of a form of 16 or more, as services quote
            keys ("Incorrect API key: abcdefgh..."). Not for what an action gives: there, a few letters
            may stand for themselves.
    """

    def __init__(self, secrets: Iterable[Secret] = (), *, cut: bool = True) -> None:
        self._given = tuple(text for secret in secrets if (text := secret.reveal()))
        self._learnt: tuple[str, ...] = ()
        self._cuts = cut
        self._prepare()

    def learn(self, secret: Secret) -> None:
        """Mask this one too, for whoever holds the redactor. Of those learnt, the last few are kept in mind."""
        if secret and secret.reveal() not in (*self._given, *self._learnt):
            self._learnt = (*self._learnt, secret.reveal())[-_LEARNT:]
            self._prepare()

    def _prepare(self) -> None:
        cut = self._cuts
        self._plain = (*self._given, *self._learnt)
        forms = {form for text in self._plain for form in _forms(text) if form.strip("*")}
        # a part made of stars would be found in every mask
        self._cut = sorted(form for form in forms if cut and len(form) >= _SHORTEST_CUT and "*" not in form)
        self._whole = sorted(forms.difference(self._cut))
        parts = {part for form in self._cut for part in (form[:_SHORTEST_PART], form[-_SHORTEST_PART:])}
        self._signs = (*self._whole, *parts)

    def finds(self, text: str) -> bool:
        """Whether the text holds anything to mask."""
        for sign in self._signs:  # noqa: SIM110 - a loop is twice as fast, and every answer goes through it
            if sign in text:
                return True
        return False

    def text(self, text: str) -> str:
        """The text with every form of every secret replaced by the mask."""
        while self.finds(text):  # and again: a mask and its neighbour may read as a secret
            parts, end = [], 0
            for start, stop in self._found(text):
                if start >= end:
                    parts += [text[end:start], MASK]
                end = max(end, stop)
            text = "".join([*parts, text[end:]])
        return text

    def open_end(self, text: str) -> int:
        """How many characters at the end may be the beginning of a secret, of which the rest is still to come."""
        longest = 0
        for secret in self._plain:
            start = text.find(secret[0], max(len(text) - len(secret) + 1, 0))
            while start >= 0 and not secret.startswith(text[start:]):
                start = text.find(secret[0], start + 1)
            if start >= 0:
                longest = max(longest, len(text) - start)
        return longest

    def _found(self, text: str) -> list[tuple[int, int]]:
        whole = (span for form in self._whole for span in _spans(form, text))
        return sorted({*whole, *(span for form in self._cut for span in _cut_spans(form, text))})

    def value(self, value: Any) -> Any:
        """A JSON value with every text in it (keys included) redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        return value
