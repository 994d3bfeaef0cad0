"""Text and JSON for stdout and stderr: safe to show, and in what their encoding can carry."""

from __future__ import annotations

import codecs
import re
import sys
from typing import Any

from connector.visible import UNSAFE, visible

__all__ = ["json_escaped", "json_text", "visible", "writes_unicode"]

_NOT_ASCII = "[^\x00-\x7e]"


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """JSON for stdout: valid, and readable where stdout's encoding can carry it."""
    import json

    return json_escaped(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent))


def json_escaped(text: str) -> str:
    """JSON text in which every character that is unsafe, or that stdout cannot carry, is an escape."""
    is_unicode = writes_unicode()
    if text.replace("\n", "").isprintable() and (is_unicode or text.isascii()):
        return text
    return re.sub(UNSAFE if is_unicode else _NOT_ASCII, _json_escape, text)


def writes_unicode() -> bool:
    """Whether stdout can carry every character."""
    try:
        return codecs.lookup(sys.stdout.encoding).name.startswith("utf")
    except (LookupError, TypeError):
        return False


def _json_escape(found: re.Match[str]) -> str:
    import json

    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"
