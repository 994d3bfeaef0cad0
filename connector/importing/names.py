"""Names for actions and inputs, made from what others call them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from typing import Final

from connector.lint import SECRET_NAME

LONGEST: Final = 64

_WORD_ENDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ACRONYMS: Final = frozenset(
    {"api", "id", "url", "uri", "json", "html", "pdf", "sms", "ip", "sql", "csv", "xml"}
)
_SPELT_OUT: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d"}
)
UNSAYABLE: Final = frozenset({"null", "true", "false"})
"""Names that expressions read as values."""


def id_of(text: str, otherwise: str = "action") -> str:
    """An id of a connector, an action or an example: lower-case letters, digits and `_`, beginning with a letter.

    `listPets` -> `list_pets`; `repos/get-content` -> `repos_get_content`; `2fa` -> `action_2fa`; `Größe` -> `grosse`.
    """
    name = "_".join(_words(text))
    if not name:
        return otherwise
    name = name if name[0].isalpha() else f"{otherwise}_{name}"
    return name[:LONGEST].rstrip("_")


def has_words(text: str) -> bool:
    """Whether an id can be made of it."""
    return bool(_words(text))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", _WORD_ENDS.sub(" ", _unaccented(text)).lower())


def _unaccented(text: str) -> str:
    """Latin letters without their accents; others stay."""
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text.translate(_SPELT_OUT))
    return "".join(char for char in parts if not unicodedata.combining(char))


def input_name_of(text: str) -> str:
    """The name of an input or an output: as the service spells it, if an expression can say it.

    `maxResults` stays; `filter[name]` -> `filter_name`, `$top` -> `top`, `User.Name` -> `User_Name`,
    `2fa` -> `_2fa`.
    """
    name = re.sub(r"[^A-Za-z0-9_]+", "_", _unaccented(text))
    name = name if name == text else name.strip("_")
    name = name[:LONGEST] or "value"
    if name[0].isdigit():
        name = f"_{name}"
    return f"{name}_" if name in UNSAYABLE else name


def not_a_secret(name: str) -> str:
    """Another name for an input that sounds like a credential of the connection, and is none.

    `new_password` -> `new_password_value`.
    """
    return f"{name}_value" if SECRET_NAME.search(name) else name


def as_said(text: str) -> dict[str, str]:
    """The title of an input or an output whose name cannot have the letters that the service spells it with."""
    shown = "".join(char for char in text if char.isprintable())
    return {} if text.isascii() else {"title": shown[:LONGEST]}


def unique(name: str, taken: Container[str], suffix: str = "") -> str:
    """The name, or one like it that is not taken: with the suffix, then with a number."""
    if name not in taken:
        return name
    if suffix and (with_suffix := _ended(name, f"_{suffix}")) not in taken:
        return with_suffix
    number = 2
    while (numbered := _ended(name, f"_{number}")) in taken:
        number += 1
    return numbered


def _ended(name: str, end: str) -> str:
    return f"{name[: LONGEST - len(end)]}{end}"


def title_of(text: str) -> str:
    """A title for people, from an id: `list_pets` and `listPets` -> `List Pets`."""
    words = re.findall(r"[^\s_/.-]+", _WORD_ENDS.sub(" ", text))
    return " ".join(_word(word) for word in words)


def _word(word: str) -> str:
    if word.isupper() or word.lower() in _ACRONYMS:
        return word.upper()
    return word[:1].upper() + word[1:]
