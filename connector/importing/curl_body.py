"""The body of a cURL command: JSON, or the pairs of a form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from connector.importing.curl_command import FORM_TYPE, Command, Part
from connector.importing.curl_url import pairs
from connector.importing.refusal import refusal
from connector.strict_json import parse

_JSON_TYPE: Final = re.compile(r"application/(?:[\w.-]+\+)?json|text/json", re.IGNORECASE)
_FORM: Final = re.compile(r"[^=&\s]+=[^&]*(?:&[^=&\s]+=[^&]*)*&?")


@dataclass(frozen=True)
class Json:
    """A JSON value; a variable in a text stays one."""

    value: Any


@dataclass(frozen=True)
class Form:
    """The pairs of an urlencoded form, decoded."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Multipart:
    """The parts of a multipart form."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Raw:
    """A text of another kind, and its media type."""

    text: str
    type: str


Body = Json | Form | Multipart | Raw


def body(command: Command, notes: list[str]) -> Body | None:
    """The body of a command.

    Args:
        command: the command.
        notes: takes sentences about what is sent in another way.

    Raises:
        InputError: it is not what its Content-Type says, or of a kind that no action sends.
    """
    if command.parts:
        return Multipart(command.parts)
    text = command.data
    if text is None:
        return None
    said = next((value for name, value in command.headers if name.lower() == "content-type"), "")
    kind = said.partition(";")[0].strip().lower()
    looks_like_json = text.lstrip()[:1] in {"{", "["}
    if _JSON_TYPE.fullmatch(kind):
        return Json(_json(text)) if text.strip() else None
    if kind.startswith("multipart/"):
        message = "Its multipart form is written out, boundaries and all."
        raise refusal("the body", message, "Write each field with --form instead.")
    if kind in {"", FORM_TYPE}:
        if not text.strip():
            return None
        if looks_like_json and not (kind and _FORM.fullmatch(text)):
            if not kind:
                said_of_form = "The command does not say that its body is JSON, and curl calls it a form;"
                notes.append(f"{said_of_form} the connector calls it JSON.")
            return Json(_json(text))
        if _FORM.fullmatch(text.strip()):
            return Form(tuple(pairs(text.strip())))
        if not kind:
            message = "Its body is neither JSON nor a form."
            raise refusal(
                "the body",
                message,
                "Give JSON, or pairs such as name=text&other=text; or say its Content-Type.",
            )
        return Raw(text, FORM_TYPE)
    return Raw(text, said)


def _json(text: str) -> Any:
    """The value; a variable may stand inside its texts."""
    try:
        return parse(text.replace("\0", "\\u0000").encode())
    except UnicodeEncodeError:
        wrong = "it holds half of a character"
    except ValueError as error:
        wrong = str(error)
    hint = (
        "Write it as JSON: names and texts in double quotes, no comma before a closing bracket, no comments."
    )
    if "\0" in text:
        hint = 'A variable is read inside a text only: "name": "$NAME".'
    raise refusal("the body", f"It is not JSON: {wrong}.", hint)
