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
from functools import lru_cache
from typing import Any, Final

import yaml

from connector.errors import ManifestError, Problem
from connector.excerpt import LINE_END, Span, problem_at
from connector.yaml_syntax import syntax_problem, unreadable_problem

Path = tuple[str | int, ...]

MAX_CHARACTERS: Final = 1_000_000
MAX_DEPTH: Final = 50
MAX_VALUES: Final = 50_000
MAX_PROBLEMS: Final = 50
_DATE_KEYS: Final = {"since", "deprecated", "retired"}  # lifecycle days: a date is what they hold

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?\Z")
_LONGEST_AMBIGUOUS: Final = len("false")  # of the words that begin with a letter
_LONGEST_WORD: Final = 64  # no reader takes a longer word for anything but text
_AMBIGUOUS = (
    (re.compile(r"(?i)(yes|on|y)\Z"), "some YAML readers take it for true", "Write true, or"),
    (re.compile(r"(?i)(no|off|n)\Z"), "some YAML readers take it for false", "Write false, or"),
    (re.compile(r"(?i)true\Z"), "true is written in lower case", "Write true, or"),
    (re.compile(r"(?i)false\Z"), "false is written in lower case", "Write false, or"),
    (re.compile(r"(?i)null\Z"), "null is written in lower case", "Write null, or"),
    (re.compile(r"~\Z"), "some YAML readers take it for null", "Write null, or"),
    (re.compile(r"[-+]?0[0-9_]+\Z|[-+]?0[xobXOB][0-9a-fA-F_]+\Z"), "some YAML readers take it for octal or hex",
     "Write a number without the leading 0, or"),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?\Z"), "some YAML readers take it for base 60", ""),
    (re.compile(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN)\Z"), "JSON has no such number", "Write a number, or"),
    (re.compile(r"[-+]?[0-9][0-9_]*\.?[0-9_]*([eE][-+]?[0-9]+)?\Z|[-+]?\.[0-9_]+([eE][-+]?[0-9]+)?\Z"),
     "some YAML readers take it for a number, and it is not one in JSON", "Write it as JSON does (1000, 0.5), or"),
    (_DATE, "some YAML readers take it for a date, which belongs under since, deprecated or retired", ""),
    (re.compile(r"=\Z"), "YAML 1.1 gives it a meaning of its own", ""),
)  # fmt: skip


@dataclass(frozen=True)
class Document:
    """One parsed file: its value, and the place of every key and value in it."""

    file: str
    lines: tuple[str, ...]
    value: Any
    _values: Mapping[Path, Span]
    _keys: Mapping[Path, Span]

    def problem(
        self,
        path: Path,
        message: str,
        hint: str,
        *,
        at_key: bool = False,
        word: str | None = None,
        within: str | None = None,
    ) -> Problem:
        """A problem at the value of `path` (or its key), or at the nearest place above it that exists.

        With `word`, the caret stands under the first occurrence of that whole word inside the value; with
        `within` too, inside that part of the value, such as one of its expressions.
        """
        spans = self._keys if at_key and path in self._keys else self._values
        while path and path not in spans:
            path = path[:-1]
        span = spans[path]
        for part in (within, word):
            span = (part and self._found(part, span)) or span
        return problem_at(self.file, self.lines, span, message, hint)

    def _found(self, part: str, span: Span) -> Span | None:
        start_of_word = r"(?<!\w)" if re.match(r"\w", part) else ""
        end_of_word = r"(?!\w)" if re.search(r"\w\Z", part) else ""
        pattern = re.compile(start_of_word + re.escape(part) + end_of_word)
        for number in range(span.line, min(span.end_line, len(self.lines)) + 1):
            line = self.lines[number - 1]
            start = span.column - 1 if number == span.line else 0
            end = span.end_column - 1 if number == span.end_line else len(line)
            if found := pattern.search(line, start, end):
                return Span(number, found.start() + 1, number, found.end() + 1)
        return None


def parse(text: str, file: str) -> Document:
    """Read one document.

    Args:
        text: the file's content.
        file: its name, as errors show it.

    Raises:
        ManifestError: with every problem that can be told at once.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"The file has {len(text):,} characters; {MAX_CHARACTERS:,} are allowed."
        raise ManifestError([Problem(file, message, "Split it into several actions.")])
    text = text.removeprefix("\ufeff")
    lines = tuple(LINE_END.split(text))
    if unreadable := unreadable_problem(text, file, lines):
        raise ManifestError([unreadable])
    reader = _Reader(file, lines)
    try:
        value = reader.document(iter(yaml.parse(text, Loader=_LOADER)))
    except yaml.YAMLError as error:
        wrong = (
            reader.depth_problem() if "nesting depth" in str(error) else syntax_problem(error, file, lines)
        )
        raise ManifestError([*reader.problems, wrong]) from None
    if reader.problems:
        raise ManifestError(reader.problems)
    return Document(file, lines, value, reader.values, reader.keys)


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# the events themselves have no subclasses
_Alias, _Scalar, _MappingEnd = yaml.AliasEvent, yaml.ScalarEvent, yaml.MappingEndEvent
_ListStart, _ListEnd = yaml.SequenceStartEvent, yaml.SequenceEndEvent


class _Reader:
    """Builds values from YAML events. Structure that cannot be read raises; the rest is collected."""

    def __init__(self, file: str, lines: tuple[str, ...]) -> None:
        self.file = file
        self.lines = lines
        self.values: dict[Path, Span] = {}
        self.keys: dict[Path, Span] = {}
        self.problems: list[Problem] = []
        self._brackets = 0  # of flow style that are open here

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
        if type(event) is _Alias:
            hint = "Write the value out; aliases are not read."
            raise self._error(event, f"`*{_cut(str(event.anchor))}` is an alias.", hint)
        if event.anchor is not None:
            hint = "Remove it; anchors are not read."
            raise self._error(event, f"`&{_cut(event.anchor)}` is an anchor.", hint)
        if event.tag is not None:
            line, column = _mark(event.start_mark)
            tag = self.lines[line - 1][column - 1 :].split(maxsplit=1)[0]
            raise self._error(event, f"`{_cut(tag)}` is a tag.", "Remove it; the value says what it is.")
        if len(path) > MAX_DEPTH:
            raise self._error(event, *_TOO_DEEP)
        if len(self.values) >= MAX_VALUES:
            hint = "Split it into several actions."
            raise self._error(event, f"The file holds more than {MAX_VALUES:,} values.", hint)
        self.values[path] = _span(event)
        if type(event) is _Scalar:
            return self._scalar(event, path)
        self._brackets += bool(event.flow_style)
        whole, end = (self._list if type(event) is _ListStart else self._mapping)(events, path)
        self._brackets -= bool(event.flow_style)
        if event.flow_style:  # shown from bracket to bracket
            self.values[path] = Span(*_mark(event.start_mark), *_mark(end.end_mark))
        return whole

    def _list(self, events: Iterator[Any], path: Path) -> tuple[Any, Any]:
        items: list[Any] = []
        while type(event := next(events)) is not _ListEnd:
            items.append(self._value(events, event, (*path, len(items))))
        return items, event

    def _mapping(self, events: Iterator[Any], path: Path) -> tuple[Any, Any]:
        mapping: dict[str, Any] = {}
        while type(event := next(events)) is not _MappingEnd:
            if type(event) is not _Scalar or event.anchor or event.tag:
                raise self._no_key(event)
            key = event.value
            here = (*path, key)
            self._check_brackets(event)
            if not event.style and not _is_text_key(key):
                if key == "<<":
                    hint = "Write its keys out here; merges are not read."
                    self._note(event, "`<<` merges another mapping.", hint)
                else:
                    message = f"The key `{key}` is not text to every YAML reader."
                    self._note(event, message, f'Quote it: "{key}".')
            if key in mapping:
                first = self.keys[here]
                message = f"The key {_cut(key)!r} stands twice; the first is in line {first.line}, column {first.column}."
                self._note(event, message, "Keep one of them.")
                self._value(events, next(events), here)  # read past it; the first one counts
                continue
            self.keys[here] = _span(event)
            mapping[key] = self._value(events, next(events), here)
        return mapping, event

    def _no_key(self, event: Any) -> ManifestError:
        line, column = _mark(event.start_mark)
        if self.lines[line - 1][:column].endswith("{{"):
            message = "`{{` begins no expression."
            hint = "Write `${{ ... }}`, in double quotes where it stands inside `{ }` or `[ ]`."
            span = Span(line, column - 1, line, column + 1)
            return ManifestError([*self.problems, problem_at(self.file, self.lines, span, message, hint)])
        return self._error(event, "A key must be plain text.", "Write it as `name: value`.")

    def _scalar(self, event: Any, path: Path) -> Any:
        text: str = event.value
        if event.style:  # quoted, or a block
            if any("\ud800" <= char <= "\udfff" for char in text):
                self._note(event, "The text holds half of a surrogate pair.", "Write the whole character.")
            return text
        self._check_brackets(event)
        if len(text) > _LONGEST_AMBIGUOUS and text[0].isalpha():  # most texts: nothing below is about them
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _NUMBER.match(text):
            return self._number(event, text)
        if _DATE.match(text) and path and path[-1] in _DATE_KEYS:
            return text
        for pattern, reason, instead in _AMBIGUOUS:
            if len(text) <= _LONGEST_WORD and pattern.match(text):
                quoted = f'{instead} quote it: "{text}".' if instead else f'Quote it: "{text}".'
                self._note(event, f"`{text}` is ambiguous: {reason}.", quoted)
                break
        return text

    def _check_brackets(self, event: Any) -> None:
        """PyYAML without libyaml cannot read it: a manifest is read everywhere, or nowhere."""
        if self._brackets and not event.style and "?" in event.value:
            self._note(event, "Text with `?` inside `{ }` or `[ ]` needs quotes.", "Put it in double quotes.")

    def _number(self, event: Any, text: str) -> int | float | None:
        if len(text) > 40:
            self._note(event, "The number is too long.", "Use at most 40 digits, or put it in quotes.")
            return None
        if text.lstrip("-").isdigit():
            return int(text)
        if math.isinf(number := float(text)):
            self._note(event, f"`{text}` is too large.", "Use a number below 1e308.")
        return number

    def _note(self, event: Any, message: str, hint: str) -> None:
        self.problems.append(problem_at(self.file, self.lines, _span(event), message, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise ManifestError(self.problems)

    def depth_problem(self) -> Problem:
        """The parser gave up at a depth of its own, in looking ahead for the end of a key, before it is ours."""
        depth, place = 0, Span(1, 1, 1, 1)
        for number, line in enumerate(self.lines, 1):
            for bracket in _BRACKET.finditer(line):
                depth += 1 if bracket[0] in "[{" else -1
                if depth == MAX_DEPTH + 2:  # the outermost is no level
                    place = Span(number, bracket.start() + 1, number, bracket.end() + 1)
                    return problem_at(self.file, self.lines, place, *_TOO_DEEP)
        return problem_at(self.file, self.lines, place, *_TOO_DEEP)

    def _error(self, event: Any | None, message: str, hint: str) -> ManifestError:
        span = _span(event) if event is not None else Span(1, 1, 1, 1)
        return ManifestError([*self.problems, problem_at(self.file, self.lines, span, message, hint)])


_TOO_DEEP: Final = f"Nested deeper than {MAX_DEPTH} levels.", "Flatten the structure."
_BRACKET: Final = re.compile(r"[\[\]{}]")
_WORDS: Final = {"": None, "null": None, "true": True, "false": False}


def is_text(word: str, *, as_key: bool = False) -> bool:
    """Whether a bare word (neither quoted nor a block) is text to this reader, as a value or as a key."""
    if as_key:
        return _is_text_key(word)
    is_ambiguous = len(word) <= _LONGEST_WORD and any(p.match(word) for p, _, _ in _AMBIGUOUS)
    return word not in _WORDS and not _NUMBER.match(word) and not is_ambiguous


@lru_cache(maxsize=4096)
def _is_text_key(key: str) -> bool:
    # y and n are keys of real APIs, and no reader in use takes them for booleans in that place
    if key in {"y", "n", "Y", "N"} or len(key) > _LONGEST_WORD:
        return True
    return not (
        key in _WORDS or key == "<<" or _NUMBER.match(key) or any(p.match(key) for p, _, _ in _AMBIGUOUS)
    )


def _cut(word: str) -> str:
    return word if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]}..."


def _mark(mark: Any) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1


def _span(event: Any) -> Span:
    start, end = event.start_mark, event.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
