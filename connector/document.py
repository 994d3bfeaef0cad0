"""Strict YAML: JSON's values in YAML's clothes, and the place of each one.

Only what JSON can say is read: text, numbers, true, false, null, lists, mappings with text keys. Words that
other YAML readers take for something else (`on`, `012`, `12:30`, a date) are refused until they are quoted,
so a manifest means the same to everyone who reads it. Anchors, tags, merges, duplicate keys and several
documents in one file are refused too. Size and depth are bounded, so a hostile file costs milliseconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from connector.errors import ManifestError, Problem

Path = tuple[str | int, ...]

MAX_CHARACTERS: Final = 1_000_000
MAX_DEPTH: Final = 50
_DATE_KEYS: Final = {"since", "deprecated", "retired"}  # lifecycle days: a date is what they hold

_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # as YAML counts lines
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?\Z")
_AMBIGUOUS = (
    (re.compile(r"(?i)(yes|no|on|off|y|n)\Z"), "some YAML readers take it for true or false"),
    (re.compile(r"(?i)(true|false)\Z"), "true and false are written in lower case"),
    (re.compile(r"(?i)(null)\Z|~\Z"), "null is written `null`"),
    (re.compile(r"[-+]?0[0-9_]+\Z|[-+]?0[xobXOB][0-9a-fA-F_]+\Z"), "some YAML readers take it for octal or hex"),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?\Z"), "some YAML readers take it for base 60"),
    (re.compile(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN)\Z"), "JSON has no such number"),
    (re.compile(r"[-+]?[0-9][0-9_]*\.?[0-9_]*([eE][-+]?[0-9]+)?\Z|[-+]?\.[0-9_]+([eE][-+]?[0-9]+)?\Z"),
     "some YAML readers take it for a number, and it is not one in JSON"),
    (_DATE, "some YAML readers take it for a date"),
    (re.compile(r"=\Z"), "YAML 1.1 gives it a meaning of its own"),
)  # fmt: skip


@dataclass(frozen=True)
class Span:
    """Where a value stands: 1-based line and column of its first character, and of the end after its last."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Document:
    """One parsed file: its value, and the place of every key and value in it."""

    file: str
    lines: tuple[str, ...]
    value: Any
    _values: Mapping[Path, Span]
    _keys: Mapping[Path, Span]

    def problem(
        self, path: Path, message: str, hint: str, *, at_key: bool = False, word: str | None = None
    ) -> Problem:
        """A problem at the value of `path` (or its key), or at the nearest place above it that exists.

        With `word`, the caret stands under the first occurrence of that word inside the value.
        """
        spans = self._keys if at_key and path in self._keys else self._values
        while path and path not in spans:
            path = path[:-1]
        return _problem(self.file, self.lines, self._narrowed(spans[path], word), message, hint)

    def _narrowed(self, span: Span, word: str | None) -> Span:
        if word:
            last = min(span.end_line, len(self.lines))
            for number in range(span.line, last + 1):
                line = self.lines[number - 1]
                start = span.column - 1 if number == span.line else 0
                end = span.end_column - 1 if number == span.end_line else len(line)
                found = line.find(word, start, end)
                if found >= 0:
                    return Span(number, found + 1, number, found + 1 + len(word))
        return span


def parse(text: str, file: str) -> Document:
    """Read one document.

    Args:
        text: the file's content.
        file: its name, as errors show it.

    Raises:
        ManifestError: with every problem that can be told at once.
    """
    lines = tuple(_LINE_END.split(text))
    if len(text) > MAX_CHARACTERS:
        message = f"The file has {len(text):,} characters; {MAX_CHARACTERS:,} are allowed."
        raise ManifestError([Problem(file, message, "Split it into several actions.")])
    reader = _Reader(file, lines)
    try:
        value = reader.document(iter(yaml.parse(text, Loader=_LOADER)))
    except yaml.YAMLError as error:
        raise ManifestError([_syntax_problem(error, file, lines)]) from None
    if reader.problems:
        raise ManifestError(reader.problems)
    return Document(file, lines, value, reader.values, reader.keys)


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Reader:
    """Builds values from YAML events. Structure that cannot be read raises; the rest is collected."""

    def __init__(self, file: str, lines: tuple[str, ...]) -> None:
        self.file = file
        self.lines = lines
        self.values: dict[Path, Span] = {}
        self.keys: dict[Path, Span] = {}
        self.problems: list[Problem] = []

    def document(self, events: Iterator[Any]) -> Any:
        next(events)  # the stream starts
        if isinstance(next(events), yaml.StreamEndEvent):
            raise self._error(None, "The file is empty.", "A manifest is a mapping of keys to values.")
        value = self._value(events, next(events), ())
        next(events)  # the document ends
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._error(
                after, "A second document starts here.", "Remove the `---`: one file, one document."
            )
        return value

    def _value(self, events: Iterator[Any], event: Any, path: Path) -> Any:
        if isinstance(event, yaml.AliasEvent):
            raise self._error(
                event, f"`*{event.anchor}` is an alias.", "Write the value out; aliases are not read."
            )
        if event.anchor is not None:
            raise self._error(event, f"`&{event.anchor}` is an anchor.", "Remove it; anchors are not read.")
        if event.tag is not None:
            raise self._error(event, f"`{event.tag}` is a tag.", "Remove it; the value says what it is.")
        if len(path) > MAX_DEPTH:
            raise self._error(event, f"Nested deeper than {MAX_DEPTH} levels.", "Flatten the structure.")
        self.values[path] = _span(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(events, path)
        return self._mapping(events, path)

    def _list(self, events: Iterator[Any], path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._value(events, event, (*path, len(items))))
        return items

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
                raise self._error(event, "A key must be plain text.", "Write it as `name: value`.")
            key = event.value
            here = (*path, key)
            if not event.style and not _is_text_key(key):
                hint = "Write it out here; merges are not read." if key == "<<" else f'Quote it: "{key}".'
                self.problems.append(
                    self._problem(event, f"The key `{key}` is not text to every YAML reader.", hint)
                )
            if key in mapping:
                first = self.keys[here]
                self.problems.append(
                    self._problem(
                        event,
                        f"The key {key!r} stands twice; the first is in line {first.line}, column {first.column}.",
                        "Keep one of them.",
                    )
                )
                self._value(events, next(events), here)  # read past it; the first one counts
                continue
            self.keys[here] = _span(event)
            mapping[key] = self._value(events, next(events), here)
        return mapping

    def _scalar(self, event: Any, path: Path) -> Any:
        text: str = event.value
        if event.style:  # quoted, or a block
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _NUMBER.match(text):
            return self._number(event, text)
        if _DATE.match(text) and path and path[-1] in _DATE_KEYS:
            return text
        for pattern, reason in _AMBIGUOUS:
            if pattern.match(text):
                self.problems.append(
                    self._problem(event, f"`{text}` is ambiguous: {reason}.", f'Quote it: "{text}".')
                )
                break
        return text

    def _number(self, event: Any, text: str) -> int | float | None:
        if len(text) > 40:
            self.problems.append(self._problem(event, "The number is too long.", "Use at most 40 digits."))
            return None
        if text.lstrip("-").isdigit():
            return int(text)
        if math.isinf(number := float(text)):
            self.problems.append(self._problem(event, f"`{text}` is too large.", "Use a number below 1e308."))
        return number

    def _problem(self, event: Any, message: str, hint: str) -> Problem:
        return _problem(self.file, self.lines, _span(event), message, hint)

    def _error(self, event: Any | None, message: str, hint: str) -> ManifestError:
        span = _span(event) if event is not None else Span(1, 1, 1, 1)
        return ManifestError([*self.problems, _problem(self.file, self.lines, span, message, hint)])


_WORDS: Final = {"": None, "null": None, "true": True, "false": False}


def _is_text_key(key: str) -> bool:
    # y and n are keys of real APIs, and no reader in use takes them for booleans in that place
    if key in {"y", "n", "Y", "N"}:
        return True
    return not (
        key in _WORDS or key == "<<" or _NUMBER.match(key) or any(p.match(key) for p, _ in _AMBIGUOUS)
    )


def _span(event: Any) -> Span:
    start, end = event.start_mark, event.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _problem(file: str, lines: tuple[str, ...], span: Span, message: str, hint: str) -> Problem:
    line = lines[span.line - 1] if span.line <= len(lines) else ""
    width = span.end_column - span.column if span.end_line == span.line else len(line) - span.column + 1
    start = span.column - 1
    if len(line) > 160:  # a long line is shown around the caret
        cut = max(0, start - 60)
        line, start = line[cut : cut + 160], start - cut
    width = max(1, min(width, len(line) - start))
    line = "".join(char if char.isprintable() else " " for char in line)
    number = str(span.line)
    excerpt = f"  {number} | {line}\n  {' ' * len(number)} | {' ' * start}{'^' * width}"
    return Problem(f"{file}:{span.line}:{span.column}", message, hint, excerpt)


def _syntax_problem(error: yaml.YAMLError, file: str, lines: tuple[str, ...]) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).splitlines()[0]
    number = mark.line + 1 if mark else 1
    column = mark.column + 1 if mark else 1
    line = lines[number - 1] if number <= len(lines) else ""
    if mark is None:
        hint = "Save the file as UTF-8 text without control characters."
    elif "\t" in line[: len(line) - len(line.lstrip())]:
        hint = "Indent with spaces; YAML allows no tabs there."
    elif "${{" in line:
        hint = "Put the whole value in double quotes: inside `{ }` or `[ ]`, or with `: ` in it, an expression needs them."
    elif "?" in line and ("{" in line or "[" in line):
        hint = "Put the text in quotes: `?` cannot stand bare inside `{ }` or `[ ]`."
    elif line.count(": ") > 1:
        hint = "Put the value in quotes: it holds `: `, which starts another mapping."
    else:
        hint = "Check the indentation, and quote text that holds `: `, ` #`, `{`, `[` or `?`."
    return _problem(file, lines, Span(number, column, number, column), f"Not valid YAML: {said}.", hint)
