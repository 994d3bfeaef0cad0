"""The URL of a cURL command in its parts, and which of them stand for something else each time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from connector.importing.refusal import refusal
from connector.importing.shell_text import VARIABLE

_REFUSED_HOST: Final = "Write it as https://host/path."
_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RANGE: Final = re.compile(r"(?<!\\)\[[0-9A-Za-z]+-[0-9A-Za-z]+(?::[0-9]+)?\]")
_SET: Final = re.compile(r"(?<!\\)\{([^{},]{0,1000},[^{}]{0,1000})\}")
_ID: Final = re.compile(
    r"[0-9]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # a number, a UUID
    r"|(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{7,}"  # long hex
    r"|[A-Za-z]{1,12}[_-](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{7,}"  # cus_9s6XKzkNRiz8i3
    r"|[A-Z]{1,3}(?=[A-Za-z]*[0-9])[0-9A-Za-z]{8,}"  # AC0123..., U012AB3CD
    r"|(?=[^0-9]*[0-9])(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])[A-Za-z0-9_-]{12,}"  # letters of both cases, and digits
    r"|[0-9A-Z]{16,}|[^@/\s]+@[^@/\s]+\.[a-z]{2,}",  # capital letters and digits; an address
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
_PLACEHOLDER: Final = re.compile(
    r":([A-Za-z_]\w*)|\{\{?\s*([A-Za-z_][\w.-]*)\s*\}?\}|<([A-Za-z_][\w .-]*)>|\[([A-Za-z_][\w-]*)\]"
)
_SHOUTED: Final = re.compile(
    r"(?:YOUR_|MY_)([A-Z][A-Z_]*)|([A-Z]+(?:_[A-Z]+)*_(?:ID|KEY|NAME|SID|TOKEN|NUMBER|UUID|SLUG))"
    r"|(OWNER|REPO|ORG|USER|USERNAME|TEAM|PROJECT|WORKSPACE|TENANT|BRANCH|TAG|ID|UUID)"
)


@dataclass(frozen=True)
class Varying:
    """A part of the path that is another one each time.

    Attributes:
        name: what it is called, or empty if it has to be made from what stands before it.
        literal: the text that the command has there, or None where it has a variable or a placeholder.
    """

    name: str
    literal: str | None = None


Segment = tuple[str | Varying, ...]
"""Between two slashes: percent-encoded text, and parts that vary."""


@dataclass(frozen=True)
class Url:
    """A URL without its fragment.

    Attributes:
        scheme: http or https.
        authority: host and port as they were written; with a variable in it, nobody knows it.
        segments: of the path, without its slashes; a last one that is empty stands for a slash at the end.
        query: the pairs, decoded; a variable in a value stays one.
        user: `name:password`, decoded, or None.
        has_scheme: whether the command says the scheme.
    """

    scheme: str
    authority: str
    segments: tuple[Segment, ...]
    query: tuple[tuple[str, str], ...]
    user: str | None = None
    has_scheme: bool = True


def url(text: str, *, globs: bool = True, keeps_dots: bool = False) -> Url:
    """The parts of a URL.

    Args:
        text: as the command has it.
        globs: whether braces and brackets mean several URLs, as they do without -g.
        keeps_dots: whether `.` and `..` in the path stay, as they do with --path-as-is.

    Raises:
        InputError: it is none, it is several, or no connector can ask for it.
    """
    text = text.strip()
    if globs:
        if _RANGE.search(text) or _SET.search(text):
            hint = "Write one URL, with {name} for what changes; or add -g if these signs belong to it."
            raise refusal("the URL", "Its braces or brackets mean several URLs to curl.", hint)
        text = re.sub(r"\\([\[\]{}])", r"\1", text)
    scheme, sign, rest = text.partition("://")
    if sign and "\0" not in scheme and "{" not in scheme:
        if scheme.lower() not in {"http", "https"}:
            shown = scheme if scheme.isalnum() and len(scheme) < 10 else "this scheme"
            raise refusal("the URL", f"It is not a URL of HTTP ({shown}).", _REFUSED_HOST)
    else:
        scheme, rest = "", text
    rest = rest.partition("#")[0]
    address, _, query = rest.partition("?")
    authority, slash, path = address.partition("/")
    user, at, host = authority.rpartition("@")
    if not host:
        raise refusal("the URL", "It has no host.", _REFUSED_HOST)
    return Url(
        scheme=scheme.lower() or "http",
        authority=host,
        segments=tuple(_segments(path, keeps_dots=keeps_dots)) if slash else (),
        query=tuple(pairs(query)) if query else (),
        user=_decoded(user) if at else None,
        has_scheme=bool(scheme),
    )


def pairs(text: str) -> list[tuple[str, str]]:
    """The pairs of a query or of a form, decoded.

    Raises:
        InputError: what is percent-encoded is not UTF-8 text.
    """
    split = (part.partition("=") for part in text.split("&") if part)
    return [(_decoded(name, plus=True), _decoded(value, plus=True)) for name, _, value in split]


def _decoded(text: str, *, plus: bool = False) -> str:
    try:
        return unquote(text.replace("+", " ") if plus else text, errors="strict")
    except UnicodeDecodeError:
        message = "What is percent-encoded in it is not UTF-8 text."
    raise refusal("the URL", message, "Raw bytes cannot be imported.")


def _segments(path: str, *, keeps_dots: bool) -> list[Segment]:
    parts = path.split("/")
    if not keeps_dots:
        parts = _without_dots(parts)
    if "" in parts[:-1] or not {".", ".."}.isdisjoint(parts):
        raise refusal(
            "the URL", "Its path holds an empty, `.` or `..` segment.", "Write the path without it."
        )
    return [_segment(part) for part in parts]


def _without_dots(parts: list[str]) -> list[str]:
    """As RFC 3986 has it, and curl does."""
    kept: list[str] = []
    for part in parts:
        if part == "..":
            kept = kept[:-1]
        elif part != ".":
            kept.append(part)
    return [*kept, ""] if parts[-1] in {".", ".."} else kept


def _segment(text: str) -> Segment:
    if VARIABLE.search(text) or _PLACEHOLDER.search(text):
        return tuple(_parts(text))
    decoded = _decoded(text)
    if found := _SHOUTED.fullmatch(decoded):
        return (Varying(next(filter(None, found.groups())).lower(), decoded),)
    if _ID.fullmatch(decoded) and not _DATE.fullmatch(decoded):
        return (Varying("", decoded),)
    stem, dot, end = decoded.rpartition(".")
    if dot and end.isalpha() and len(end) <= 5 and (_ID.fullmatch(stem)) and not _DATE.fullmatch(stem):
        return (Varying("", stem), f".{end}")  # /customers/42.json
    return (_encoded(text),) if text else ()


def _parts(text: str) -> list[str | Varying]:
    parts: list[str | Varying] = []
    for number, piece in enumerate(text.split("\0")):
        if number % 2:
            parts.append(Varying(piece))
            continue
        start = 0
        for found in _PLACEHOLDER.finditer(piece):
            if found[1] and found.start():
                continue  # models/name:verb, not /:name
            if found.start() > start:
                parts.append(_encoded(piece[start : found.start()]))
            parts.append(Varying(next(filter(None, found.groups()))))
            start = found.end()
        if start < len(piece):
            parts.append(_encoded(piece[start:]))
    return parts


def _encoded(text: str) -> str:
    """As HTTP takes it; what is percent-encoded stays so."""
    return quote(_PERCENT.sub("%25", text), safe="%:@!$&'()*+,;=~-._")
