"""Regular expressions that take too long on some texts, found by trying texts that are made for it."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Final

from connector.pattern import TooSlow, is_quick, matches, repeats, tokens_of

_SECONDS: Final = 0.05  # of the processor; a text of this length takes a good pattern a thousandth
_LENGTH: Final = 20_000
_MOST_UNITS: Final = 40
_STOPS: Final = ("\0", "!", "\n", "")
_CHARACTERS: Final = f"a0 {string.punctuation}{string.ascii_letters}{string.digits}\n\té"


def is_slow(pattern: str) -> bool:
    """Whether the pattern, which can be read, takes long on one of the texts that are tried."""
    if is_quick(pattern):
        return False
    try:
        for text in _trials(tokens_of(pattern)):
            matches(pattern, text, seconds=_SECONDS)
    except TooSlow:
        return True
    return False


def _trials(tokens: list[str]) -> Iterator[str]:
    """For each part that may be repeated: what leads there, the part again and again, and what cannot follow."""
    for index, token in enumerate(tokens):
        most = repeats(token)[1]
        if most is None or most > 9:
            start = _start(tokens, index - 1)
            before = example(tokens[:start])
            after = example(tokens[index + 1 :])  # what must stand somewhere, or an engine need not try
            for unit, stop in product(_units(tokens[start:index]), _STOPS):
                yield before + unit * (_LENGTH // len(unit)) + stop + after + stop


def _start(tokens: list[str], last: int) -> int:
    """Where the part that ends at `last` begins."""
    depth = 0
    for index in range(last, -1, -1):
        depth += (tokens[index] == ")") - tokens[index].startswith("(")
        if depth <= 0:
            return index
    return 0


def _units(part: list[str]) -> list[str]:
    """Texts that the part takes once, maybe in several ways."""
    words = [example(part)]
    for index, token in enumerate(part):
        if token in {"(", "(?:", "|"}:
            words.append(example(part[index + 1 :]))
    single = [_character(token) for token in part] + [
        char for char in "a0 _-." if any(_takes(t, char) for t in part)
    ]
    pairs = map("".join, product(dict.fromkeys(words), repeat=2))
    return list(dict.fromkeys(filter(None, (*single, *words, *pairs))))[:_MOST_UNITS]


def example(tokens: list[str]) -> str:
    """A short text that the tokens match, if they can be told apart so simply. Groups may be open on both ends."""
    made, begins, last, index = "", [0], 0, 0
    while index < len(tokens):
        token = tokens[index]
        least, most = repeats(token)
        if token.startswith("(?") and token != "(?:":  # noqa: S105 - it takes no text
            index = _close(tokens, index)
        elif token.startswith("("):
            begins.append(len(made))
        elif token == ")":  # noqa: S105
            last = begins.pop() if len(begins) > 1 else 0
        elif token == "|":  # noqa: S105 - the first alternative, but in a group that stays open the last
            close = _close(tokens, index)
            if close == len(tokens) and len(begins) > 1:
                made = made[: begins[-1]]
            else:
                index = close - 1
        elif (least, most) != (1, 1):
            made += made[last:] * (min(least, 50) - 1)
        else:
            last = len(made)
            made += _character(token)
        index += 1
    return made


def _close(tokens: list[str], index: int) -> int:
    """Where the group is closed that is open at an index, or begins there."""
    depth = 0 if tokens[index].startswith("(") else 1
    for place in range(index, len(tokens)):
        depth += tokens[place].startswith("(") - (tokens[place] == ")")
        if depth == 0:
            return place
    return len(tokens)


@cache
def _character(token: str) -> str:
    return next((char for char in _CHARACTERS if _takes(token, char)), "")


@cache
def _takes(token: str, char: str) -> bool:
    try:
        return token not in {"(", ")", "|"} and re.fullmatch(token, char, re.ASCII) is not None
    except re.error:  # a quantifier
        return False
