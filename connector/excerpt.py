"""Where something stands in a file, and that line with carets below it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from connector.errors import Problem

LINE_END: Final = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""The ends of lines, as YAML counts lines."""

_LONGEST_LINE = 160


class Span(NamedTuple):
    """Where a value stands: 1-based line and column of its first character, and of the end after its last."""

    line: int
    column: int
    end_line: int
    end_column: int


def problem_at(file: str, lines: tuple[str, ...], span: Span, message: str, hint: str) -> Problem:
    """A problem with its source line. A long line is shown around the caret."""
    return problem_in(file, lines[span.line - 1] if span.line <= len(lines) else "", span, message, hint)


def problem_in(file: str, line: str, span: Span, message: str, hint: str) -> Problem:
    """As problem_at, for one who has only the line in which the span begins."""
    width = span.end_column - span.column if span.end_line == span.line else len(line) - span.column + 1
    start = span.column - 1
    if len(line) > _LONGEST_LINE:
        cut = max(0, start - 60)
        line, start = line[cut : cut + _LONGEST_LINE], start - cut
    line = "".join(char if char.isprintable() else " " for char in line)
    before, marked = line[:start], line[start : start + max(1, width)].rstrip()
    carets = "^" * max(1, _cells(marked))
    number = str(span.line)
    excerpt = f"  {number} | {line}\n  {' ' * len(number)} | {' ' * _cells(before)}{carets}"
    return Problem(f"{file}:{span.line}:{span.column}", message, hint, excerpt)


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes: 日 takes two, a combining accent none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def in_order(problem: Problem) -> tuple[str, int, int]:
    """Sorts problems by file, line and column; those of a whole file come first."""
    file, line, column = [*problem.where.rsplit(":", 2), "", ""][:3]
    return (file, int(line), int(column)) if line.isdigit() and column.isdigit() else (problem.where, 0, 0)
