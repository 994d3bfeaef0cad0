"""Text from elsewhere, made safe to show: nothing in it can steer a terminal or hide its own order."""

from __future__ import annotations

import re
from typing import Final

# Control characters, marks that reorder or hide what follows, line separators, halves of surrogate pairs.
# Line breaks, tabs, and the joiners that some scripts and emoji are written with stay.
UNSAFE: Final = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str, *, one_line: bool = False) -> str:
    """The text with a visible escape, ESC becoming x1b after a backslash, for what could do harm.

    With `one_line`, line breaks and tabs are among them.
    """
    if text.isprintable():  # as nearly every text is, so that the pattern need not be compiled
        return text
    safe = re.sub(UNSAFE, _escape, text.replace("\r\n", "\n"))
    return safe.replace("\n", "\\n").replace("\t", "\\t") if one_line else safe


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
