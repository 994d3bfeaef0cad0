"""A text that meets a regular expression: short, the same every time, and checked against the pattern."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from connector.pattern import TooSlow, is_readable, matches, repeats, tokens_of

_ALPHABET: Final = (
    string.ascii_lowercase + string.digits + string.ascii_uppercase + "-_./:@ ,;+*!?#%&=~'\"\\\t\n"
)
_MOST_TRIES: Final = 40
_LONGEST: Final = 4_000
_SECONDS: Final = 0.05
_MOST_CHARACTERS: Final = 50_000  # tried
_EMPTY: Final = {"^", "$", r"\b", r"\B", r"\A", r"\Z"}


@dataclass(frozen=True)
class _Signs:
    """One character: the first of those that fit. The number of a try picks another where it can."""

    fitting: str


@dataclass(frozen=True)
class _Repeated:
    part: _Part
    least: int
    most: int | None


@dataclass(frozen=True)
class _Joined:
    parts: tuple[_Part, ...]


@dataclass(frozen=True)
class _Either:
    ways: tuple[_Part, ...]


_Part = _Signs | _Repeated | _Joined | _Either
_NONE: Final = _Joined(())


def text_for(pattern: str, *, least: int = 0, most: int | None = None, number: int = 0) -> str | None:
    """A text that the pattern matches, of a length from `least` to `most`; None if none was found.

    Args:
        pattern: a pattern that a manifest may have.
        least: characters at least.
        most: characters at most.
        number: another number gives another text, where one is found.
    """
    if not is_readable(pattern):
        return None
    try:
        part = _read(pattern)
    except (ValueError, RecursionError):
        return None
    fitting: list[str] = []
    seen: set[str] = set()
    for text in _tries(part, least):
        if text in seen:
            continue
        seen.add(text)
        if sum(map(len, seen)) > _MOST_CHARACTERS:
            break
        if least <= len(text) <= (len(text) if most is None else most):
            try:
                if matches(pattern, text, seconds=_SECONDS):
                    fitting.append(text)
            except TooSlow:
                return None
        if len(fitting) > number:
            break
    return fitting[number % len(fitting)] if fitting else None


def _tries(part: _Part, least: int) -> Iterator[str]:
    for number in range(_MOST_TRIES):
        # more of what may repeat, where the shortest is too short
        for more in (0, 1, 2, max(least, 1)):
            text = _written(part, number, more)[:_LONGEST]
            yield text
            if len(text) < least:  # a pattern without an end takes anything behind it, or before it
                filling = string.ascii_lowercase * (least // 26 + 1)
                yield text + filling[: least - len(text)]
                yield filling[: least - len(text)] + text


def _written(part: _Part, number: int, more: int) -> str:
    match part:
        case _Signs(fitting):
            return fitting[number % len(fitting)] if fitting else ""
        case _Joined(parts):
            return "".join(_written(inner, number, more) for inner in parts)
        case _Either(ways):
            return _written(ways[number % len(ways)], number // len(ways), more)
        case _Repeated(inner, least, most):
            count = least + more if most is None else min(least + more, most)
            texts, length = [], 0
            for place in range(min(count, _LONGEST)):
                texts.append(_written(inner, number + place, more))
                length += len(texts[-1])
                if length > _LONGEST:
                    break
            return "".join(texts)[:_LONGEST]


def _read(pattern: str) -> _Part:
    tokens = tokens_of(pattern)
    part, rest = _alternatives(tokens, 0)
    if rest != len(tokens):
        raise ValueError("unbalanced")
    return part


def _alternatives(tokens: list[str], place: int) -> tuple[_Part, int]:
    ways: list[_Part] = []
    parts: list[_Part] = []
    while place < len(tokens) and tokens[place] != ")":
        token = tokens[place]
        least, most = repeats(token)
        if token == "|":  # noqa: S105 - a sign of the pattern
            ways.append(_Joined(tuple(parts)))
            parts = []
        elif (least, most) != (1, 1) or re.fullmatch(r"\{1(,1)?\}", token):
            if token == "?" and place and repeats(tokens[place - 1]) != (1, 1):  # noqa: S105 - lazy: no matter
                place += 1
                continue
            # `+` needs one; repeats() only tells what may be counted
            lowest = 1 if token == "+" else least  # noqa: S105
            if parts:
                parts[-1] = _Repeated(parts[-1], lowest, most)
        elif token.startswith("("):
            inner, place = _alternatives(tokens, place + 1)
            # what is only looked at takes no room; whether it holds is asked of the whole text
            parts.append(inner if token in {"(", "(?:"} else _NONE)
        elif token in _EMPTY:
            parts.append(_NONE)
        else:
            parts.append(_Signs(_fitting(token)))
        place += 1
    whole: _Part = _Joined(tuple(parts))
    return (_Either((*ways, whole)) if ways else whole), place


def _fitting(token: str) -> str:
    """The characters that one sign of a pattern stands for, the plainest first."""
    sign = r"\{" if token == "{" else token  # noqa: S105
    own = "".join(dict.fromkeys(re.sub(r"\\[wWdDsSbB]|[\[\]^]", "", _unescaped(token))))
    try:
        one = re.compile(sign, re.ASCII | re.DOTALL)
    except re.error:
        return own[:1]
    return "".join(dict.fromkeys(char for char in _ALPHABET + own if one.fullmatch(char)))


def _unescaped(token: str) -> str:
    def char(found: re.Match[str]) -> str:
        return chr(int(found[1] or found[2], 16))

    return re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", char, token).replace("\\", "")
