"""What a YAML reader stumbles over, in words for people, at the place where it can be mended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connector.errors import Problem
from connector.excerpt import LINE_END, Span, problem_at

# What YAML cannot hold: control characters, and the halves of surrogate pairs.
_UNREADABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def unreadable_problem(text: str, file: str, lines: tuple[str, ...]) -> Problem | None:
    """The first character that YAML cannot hold; None if there is none."""
    found = _UNREADABLE.search(text)
    if found is None:
        return None
    before = LINE_END.split(text[: found.start()])
    place = len(before), len(before[-1]) + 1
    message = f"The character U+{ord(found.group()):04X} cannot stand in YAML."
    hint = r'Remove it, or write its escape between double quotes, such as "\x07".'
    return problem_at(file, lines, Span(*place, *place), message, hint)


@dataclass(frozen=True)
class _Stumble:
    """A complaint of the YAML reader, in the words of libyaml or of PyYAML's own parser.

    Attributes:
        said: a pattern of the complaint.
        message: for people; {char} is the character there, {closing} the bracket that is missing.
        hint: what to do.
        at_opening: whether the caret stands where the broken part begins, not where the reader gave up.
    """

    said: str
    message: str
    hint: str
    at_opening: bool = False


_OTHER = _Stumble(
    "", "Not valid YAML: {said}.", "Check the indentation, and put text that holds signs in quotes."
)
_TAB = _Stumble("tab character", "A tab stands where YAML wants spaces.", "Indent with spaces.")
_EXPRESSION = _Stumble(
    "mapping values|expected ','|node content",
    "This expression needs quotes around the whole value.",
    "Put it in double quotes: one that holds `: `, or stands in `{ }` or `[ ]`, needs them.",
)
_AFTER_VALUE = _Stumble(
    "expected key|<block end>",
    "The value has ended before this.",
    "Put the whole value in quotes; inside '...' write '' for '.",
)
_END = _Stumble(
    "node content", "The file ends where a value should begin.", "Close the `[` or `{` that is open."
)
_STUMBLES = (
    _TAB,
    _Stumble("cannot start any token", "A text cannot begin with `{char}`.", "Put the value in quotes."),
    _Stumble(
        "mapping values",
        "A `: ` cannot stand here.",
        "Put the value in quotes if `: ` belongs to it; else indent the line as the keys that it stands beside.",
    ),
    _Stumble(
        "expected ',' or",
        "What opens here is not closed with `{closing}`, or lacks a comma.",
        "Close it, put commas between its items, and put text that holds signs in quotes.",
        at_opening=True,
    ),
    _Stumble(
        "escape|hexa?decimal",
        "YAML knows no such escape.",
        r"Write \\ for a backslash, or put the text in single quotes.",
    ),
    _Stumble(
        "end of stream|document indicator",
        "The quotes that open here are not closed.",
        "Close them.",
        at_opening=True,
    ),
    _Stumble(
        "expected key|<block end>",
        "The indentation fits nothing above.",
        "Indent it as the keys that it stands beside.",
    ),
    _Stumble(
        "'-' indicator",
        "This is no item of the list above.",
        "Begin it with `- `, or indent it below the item.",
    ),
    _Stumble(
        "expected ':'",
        "No `: ` follows this key.",
        "Write `key: value`, or indent the line if it belongs to the text above.",
        at_opening=True,
    ),
    _Stumble(
        "node content", "A value cannot begin with `{char}`.", "Write the value, or put the text in quotes."
    ),
    _Stumble(
        "sequence entries",
        "A list cannot begin in the line of its key.",
        "Begin it in the next line with `- `.",
    ),
    _Stumble(
        "document start", "The document has ended above.", "Remove the `...` line: one file, one document."
    ),
)


def syntax_problem(error: Exception, file: str, lines: tuple[str, ...]) -> Problem:
    """What is wrong, from the error that a YAML reader raised."""
    said = str(getattr(error, "problem", None) or error).splitlines()[0]
    reached = _place(getattr(error, "problem_mark", None))
    opened = _place(getattr(error, "context_mark", None) or getattr(error, "problem_mark", None))
    line = lines[reached[0] - 1] if reached[0] <= len(lines) else ""
    before, char = line[: reached[1] - 1], line[reached[1] - 1 : reached[1]]
    expression = line.rfind("${{", 0, reached[1] + 2)
    at = reached
    if "\t" in (char, *before[-1:]):
        stumble = _TAB
    elif expression >= 0 and re.search(_EXPRESSION.said, said):
        stumble, at = _EXPRESSION, (reached[0], expression + 1)
    elif not char and re.search(_END.said, said):
        stumble = _END
    elif before.strip() and re.search(_AFTER_VALUE.said, said):
        stumble = _AFTER_VALUE
    else:
        stumble = next((known for known in _STUMBLES if re.search(known.said, said)), _OTHER)
        at = opened if stumble.at_opening else reached
    closing = {"[": "]", "{": "}"}.get("".join(lines[opened[0] - 1 : opened[0]])[opened[1] - 1 :][:1], "")
    message = stumble.message.format(said=said, char=char, closing=closing)
    return problem_at(file, lines, Span(*at, *at), message, stumble.hint)


def _place(mark: Any) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
