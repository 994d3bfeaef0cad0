"""Texts that read like what they stand for: by the format that a schema names, else by the field's name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

_DAY: Final = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def text_like(name: str, form: str | None, number: int) -> str:
    """A text for a field.

    Args:
        name: of the field; a list's items have the list's.
        form: the `format` of its schema.
        number: of the item among its likes, from 0: each has another text.
    """
    if form is not None and form in _FORMATS:
        return _FORMATS[form](name, number)
    words = name.lower().replace("-", "_").split("_")
    for ending, kind in _BY_NAME.items():
        if words[-1] == ending:
            return _FORMATS[kind](name, number)
    return f"{name.replace('_', ' ') or 'text'} {number + 1}"


def _day(number: int) -> datetime:
    return _DAY + timedelta(days=number, minutes=number)


def _slug(name: str, number: int) -> str:
    plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.lower()).strip("-")
    return f"{plain[:40] or 'text'}-{number + 1}"


def _uuid(name: str, number: int) -> str:
    return str(UUID(bytes=hashlib.sha256(f"{name} {number}".encode()).digest()[:16], version=4))


_FORMATS: Final = MappingProxyType[str, Callable[[str, int], str]](
    {
        "date-time": lambda _, number: _day(number).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "date": lambda _, number: _day(number).strftime("%Y-%m-%d"),
        "time": lambda _, number: _day(number).strftime("%H:%M:%SZ"),
        "duration": lambda _, number: f"P{number + 1}D",
        "email": lambda _, number: f"person{number + 1}@example.com",
        "idn-email": lambda _, number: f"person{number + 1}@example.com",
        "hostname": lambda _, number: f"host{number + 1}.example.com",
        "idn-hostname": lambda _, number: f"host{number + 1}.example.com",
        "ipv4": lambda _, number: f"192.0.2.{number % 254 + 1}",
        "ipv6": lambda _, number: f"2001:db8::{number % 0xFFFF + 1:x}",
        "uri": lambda name, number: f"https://example.com/{_slug(name, number)}",
        "url": lambda name, number: f"https://example.com/{_slug(name, number)}",
        "iri": lambda name, number: f"https://example.com/{_slug(name, number)}",
        "uri-reference": lambda name, number: f"/{_slug(name, number)}",
        "iri-reference": lambda name, number: f"/{_slug(name, number)}",
        "uri-template": lambda name, number: f"/{_slug(name, number)}/{{id}}",
        "uuid": _uuid,
        "json-pointer": lambda name, number: f"/{_slug(name, number)}",
        "relative-json-pointer": lambda _, number: f"{number}",
        "regex": lambda _, __: "^.*$",
        "byte": lambda _, __: "AQID",
    }
)
_BY_NAME: Final = MappingProxyType(
    {"url": "uri", "uri": "uri", "link": "uri", "href": "uri", "email": "email", "uuid": "uuid"}
)
