r"""Regular expressions of a manifest, asked of any text, in bounded time.

A pattern is ECMAScript's, as JSON Schema has it: `$` is the very end, `\d` and `\w` are ASCII. Python's `re`
answers where a count of the ways to match shows that it cannot take long; else a slower engine that stops.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

MAX_CHARACTERS: Final = 1000  # of a pattern
MAX_SECONDS: Final = 0.5  # for one text
MAX_NESTED: Final = 50  # groups in groups: both engines call themselves for each
MAX_REPEATS: Final = 1000  # that a count asks for
# the slower engine writes counts out, in 260 bytes for each part
_MAX_SIZE: Final = 20_000
# of a text: there the slower engine may keep a hundred bytes for each character
_MAX_LENGTH: Final = 100_000
_MAX_STEPS: Final = 1_000_000  # of `re`: a few milliseconds
_MAX_STEPS_EACH: Final = 10_000  # for each character, where very many texts are asked
_MAX_POWER: Final = 4

_TOKEN: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?.?|\{[0-9]*,[0-9]*\}|\{[0-9]+\}|.",  # an escape, a set, (?:, {2,5}
    re.DOTALL,
)
_GROUPS: Final = {"(", "(?:", "(?=", "(?!"}


class TooSlow(ValueError):
    """A pattern that found no answer in time. `str()` is a sentence for people."""

    def __init__(self, pattern: str, text: str) -> None:
        begin, rest = text[:40], "..." if len(text) > 40 else ""
        super().__init__(f"Whether {begin!r}{rest} fits the pattern {pattern[:100]} was not known in time.")


def matches(pattern: str, text: str, *, until: float = math.inf, seconds: float = MAX_SECONDS) -> bool:
    """Whether the pattern matches anywhere in the text.

    Args:
        pattern: `is_readable` has said yes to it.
        text: any text.
        until: the time of time.monotonic() at which to give up. Many calls that share it end in time together.
        seconds: after which to give up, for this call.

    Raises:
        TooSlow: if that is not known in time.
    """
    known = _read(pattern)
    if known.steps(len(text)) <= _MAX_STEPS:
        return known.python.search(text) is not None
    if math.isinf(known.cost) and len(text) > _MAX_LENGTH:
        raise TooSlow(pattern, text)
    try:
        left = min(seconds, until - time.monotonic())
        if left > 0:
            return _stoppable(known.python.pattern).search(text, timeout=left) is not None
    except TimeoutError:
        pass
    raise TooSlow(pattern, text) from None


def matcher(pattern: str) -> Callable[[str], bool]:
    """`matches` for very many texts, prepared once; what may take long is TooSlow at once."""
    search: Callable[[str], object] | None = None
    longest = 0.0

    def fits(text: str) -> bool:
        nonlocal search, longest
        if search is None:  # a pattern is not compiled before there is a text
            known = _read(pattern)
            search, longest = known.python.search, known.longest
        if len(text) > longest:
            raise TooSlow(pattern, text)
        return search(text) is not None

    return fits


def is_quick(pattern: str, steps: float = _MAX_STEPS) -> bool:
    """Whether Python's `re` too needs a time that only grows with the text's length: so many steps a character."""
    known = _read(pattern)
    return known.cost <= steps and known.power <= 1


def excess(pattern: str) -> str:
    """Why the pattern costs too much to be read, as a sentence; empty if it does not."""
    sizes, part = [0], 0  # of the groups that are open, counts written out; of what a count would repeat
    for token in tokens_of(pattern):
        least, most = repeats(token)
        if token.startswith("("):
            sizes.append(0)
            if len(sizes) > MAX_NESTED + 1:
                return f"It is nested too deeply: more than {MAX_NESTED} groups in each other."
        elif token == ")" and len(sizes) > 1:  # noqa: S105
            part = sizes.pop()
            sizes[-1] += part
        elif (least, most) == (1, 1):
            part = 1
            sizes[-1] += part
        else:
            count = max(least if most is None else most, 1)
            if count > MAX_REPEATS:
                return f"It takes too long: a part is repeated more than {MAX_REPEATS:,} times."
            sizes[-1] += part * (count - 1)
            part *= count
        if sizes[-1] > _MAX_SIZE:
            return f"It takes too long: its counts multiply to more than {_MAX_SIZE:,} parts."
    return ""


def is_readable(pattern: str) -> bool:
    """Whether `matches` can take the pattern."""
    try:
        known = _read(pattern)
        if known.cost > _MAX_STEPS:
            _stoppable(known.python.pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def tokens_of(pattern: str) -> list[str]:
    """The signs that a pattern is made of: a character, an escape, a set, `(?:`, a quantifier."""
    return _TOKEN.findall(pattern)


@dataclass(frozen=True)
class _Pattern:
    """A compiled pattern, and what bounds the steps of `re`: `cost` times the text's length to the `power`."""

    python: re.Pattern[str]
    cost: float
    power: int

    def steps(self, length: int) -> float:
        return self.cost * (length + 1.0) ** self.power

    @property
    def longest(self) -> float:
        """The length of a text up to which each character takes few steps; -1 if none does."""
        if self.cost > _MAX_STEPS_EACH:
            return -1
        if self.power < 2:
            return _MAX_STEPS / self.cost - 1
        return float((_MAX_STEPS_EACH / self.cost) ** (1 / (self.power - 1)) - 1)


@lru_cache(maxsize=1024)
def _read(pattern: str) -> _Pattern:
    if len(pattern) > MAX_CHARACTERS:
        raise re.error(f"longer than {MAX_CHARACTERS} characters")
    if sentence := excess(pattern):
        raise re.error(sentence)
    tokens = tokens_of(pattern)
    # an anchored pattern is tried in one place, not in every
    is_anchored = tokens[:1] == ["^"] and not _has_alternatives(tokens)
    ways, power, size = 1.0, 0 if is_anchored else 1, len(tokens) + 1
    before = ""
    for token in tokens:
        least, most = repeats(token)
        if most is None:
            power += 1
        else:
            ways *= most - least + 1
            size += most
        if token == "|":  # noqa: S105 - a sign of the pattern
            ways *= 2
        # a group that is repeated has ways that this does not count, and so has one that looks back
        repeats_a_group = before == ")" and token not in {"?", "{1}"} and (least, most) != (1, 1)
        looks_back = re.match(r"\\[0-9]", token) or (token.startswith("(") and token not in _GROUPS)
        if repeats_a_group or looks_back or power > _MAX_POWER:
            ways = float("inf")
        before = token
    python = re.compile("".join(map(_in_python, tokens)), re.ASCII)
    return _Pattern(python, ways * size, min(power, _MAX_POWER + 1))  # more could not be reckoned with


def _has_alternatives(tokens: list[str]) -> bool:
    depth = 0
    for token in tokens:
        depth += token.startswith("(") - (token == ")")  # noqa: S105
        if token == "|" and depth == 0:  # noqa: S105
            return True
    return False


def repeats(token: str) -> tuple[int, int | None]:
    """How often the token lets what stands before it repeat; (1, 1) for what is no quantifier."""
    if token in {"*", "+"}:
        return 0, None
    if token == "?":  # noqa: S105
        return 0, 1
    if not re.match(r"\{[0-9,]", token):
        return 1, 1
    least, comma, most = token[1:-1].partition(",")
    if comma and not most:
        return int(least or 0), None
    return int(least or 0), int(most or least)


def _in_python(token: str) -> str:
    if token == "$":  # noqa: S105 - Python's also precedes a newline at the end
        return r"\Z"
    if token == "{":  # noqa: S105 - the slower engine gives some words in braces a meaning
        return r"\{"
    if len(token) > 1 and token.startswith("["):
        if "--" in token:
            raise re.error("`--` in brackets is read in several ways")
        return token[0] + re.sub(r"(\\.)|(\[|(?<=&)&|(?<=~)~|(?<=\|)\|)", _escaped_in_set, token[1:])
    return token


def _escaped_in_set(found: re.Match[str]) -> str:
    return found[1] or f"\\{found[2]}"


@lru_cache(maxsize=256)
def _stoppable(pattern: str) -> Any:
    import regex  # noqa: PLC0415 - few patterns need it, and it takes a while to import

    try:
        return regex.compile(pattern, regex.ASCII)
    except regex.error as error:
        raise re.error(str(error)) from None
