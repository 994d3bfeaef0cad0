"""Reading `multipart/form-data`: just enough for a file upload."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.sandbox.refusal import malformed

_MOST_PARTS = 20
_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
_NAME = re.compile(rb'[; ]name="([^"]*)"', re.IGNORECASE)
_FILENAME = re.compile(rb'[; ]filename="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    name: str
    filename: str | None
    content: bytes


def read_parts(raw: bytes, content_type: str) -> dict[str, Part]:
    """The parts by name; of several with one name, the last.

    Raises:
        Refused: not multipart, without an end, or with a part that has no name.
    """
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or found is None:
        raise malformed("expected multipart/form-data with a boundary")
    mark = b"--" + (found[1] or found[2]).encode("latin-1", "replace")
    pieces = (b"\r\n" + raw).split(b"\r\n" + mark, _MOST_PARTS + 2)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise malformed("multipart body is cut off, or has too many parts")
    parts = [_part(piece) for piece in pieces[1:-1]]
    return {part.name: part for part in parts}


def _part(piece: bytes) -> Part:
    head, separator, content = piece.partition(b"\r\n\r\n")
    name = _NAME.search(head)
    if not separator or name is None:
        raise malformed("multipart part has no name")
    filename = _FILENAME.search(head)
    return Part(
        name=name[1].decode("utf-8", "replace"),
        filename=filename[1].decode("utf-8", "replace") if filename else None,
        content=content,
    )
