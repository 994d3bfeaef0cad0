"""Text from elsewhere, made safe to show: nothing in it can steer a terminal or hide its own order."""

from __future__ import annotations

import codecs
import re
import sys
from typing import Any

# Control characters, marks that reorder or hide what follows, line separators, halves of surrogate pairs.
# Line breaks, tabs, and the joiners that some scripts and emoji are written with stay.
_UNSAFE = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_NOT_ASCII = "[^\x00-\x7e]"


def visible(text: str, *, one_line: bool = False) -> str:
    """The text with a visible escape, ESC becoming x1b after a backslash, for what could do harm.

    With `one_line`, line breaks and tabs are among them.
    """
    if text.isprintable():  # as nearly every text is, so that the pattern need not be compiled
        return text
    safe = re.sub(_UNSAFE, _escape, text.replace("\r\n", "\n"))
    return safe.replace("\n", "\\n").replace("\t", "\\t") if one_line else safe


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """JSON for stdout: valid, and readable where stdout's encoding can carry it."""
    import json

    return json_escaped(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent))


def json_escaped(text: str) -> str:
    """JSON text in which every character that is unsafe, or that stdout cannot carry, is an escape."""
    is_unicode = writes_unicode()
    if text.replace("\n", "").isprintable() and (is_unicode or text.isascii()):
        return text
    return re.sub(_UNSAFE if is_unicode else _NOT_ASCII, _json_escape, text)


def writes_unicode() -> bool:
    """Whether stdout can carry every character."""
    try:
        return codecs.lookup(sys.stdout.encoding).name.startswith("utf")
    except (LookupError, TypeError):
        return False


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(found: re.Match[str]) -> str:
    import json

    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"
