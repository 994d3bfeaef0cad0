"""Inputs from the command line: `name=text`, `name:=json`, and a file of JSON.

`name=text` is always that text, whatever it looks like: nothing is parsed, expanded or read from a file.
"""

from __future__ import annotations

import codecs
import json
import math
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from connector.cli.streams import tell
from connector.errors import InputError, Problem
from connector.size import MAX_BYTES, MAX_VALUES

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def gather(arguments: Iterable[str], file: str | None) -> dict[str, Any]:
    """The inputs by name; an argument overrides what the file says.

    Raises:
        InputError: with every argument that cannot be read, or the first mistake in the file.
    """
    given: dict[str, Any] = {}
    problems: list[Problem] = []
    for argument in arguments:
        name, sign, text = argument.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not sign or not name:
            problems.append(_not_an_input(name if sign else argument))
        elif name in given:
            hint = f"Give it once; a list is written {name}:='[...]'."
            problems.append(Problem(name, "It is given twice.", hint))
        else:
            given[name] = text
            if is_json:
                try:
                    given[name] = _json(text)
                except _NotJson as error:
                    problems.append(error.in_argument(name))
    if problems:
        raise InputError(problems)
    return {**_from_file(file), **given} if file is not None else given


def _not_an_input(text: str) -> Problem:
    # the text itself may be a secret in the wrong place: only a plain word is repeated
    name = text if re.fullmatch(r"[a-z][a-z0-9_]{0,40}", text) else "argument"
    hint = "Write name=text or name:=json, in quotes where there are spaces: query='latest news'."
    return Problem(name, "It is not an input.", hint)


def _from_file(file: str) -> dict[str, Any]:
    where = "stdin" if file == "-" else file
    text = _decoded(_bytes(file, where), where)
    if not text.strip():
        raise _wrong(where, "It is empty.", 'Write a JSON object such as {"query": "latest news"}.')
    try:
        value = _json(text)
    except _NotJson as error:
        raise InputError([error.in_file(where)]) from None
    if not isinstance(value, dict):
        from connector.evaluate import type_name

        message = f"It is JSON, but not an object ({type_name(value)})."
        raise _wrong(where, message, "Write name and value of each input.")
    return value


def _bytes(file: str, where: str) -> bytes:
    try:
        if file == "-":
            if sys.stdin.isatty():
                tell("Type a JSON object; end with Ctrl-D.")
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or "it is not a path"
        raise _wrong(where, f"It cannot be read: {reason}.", "Check the path of --input.") from None
    if len(content) > MAX_BYTES:
        raise _wrong(where, f"It is longer than {MAX_BYTES // 1024 // 1024} MiB.", "Give less at once.")
    return content


def _decoded(content: bytes, where: str) -> str:
    encoding = next((name for bom, name in _BOMS if content.startswith(bom)), "utf-8-sig")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        name = "UTF-8" if encoding == "utf-8-sig" else encoding.upper()
        message = f"It is not {name} text (byte {error.start + 1}, line {line})."
        raise _wrong(where, message, "Save it as UTF-8.") from None


def _wrong(where: str, message: str, hint: str) -> InputError:
    return InputError([Problem(where, message, hint)])


class _NotJson(Exception):
    """What is wrong in a JSON text, and where: a position in it, or None."""

    hint = "Mend it there."

    def __init__(self, message: str, text: str = "", position: int | None = None) -> None:
        super().__init__(f"It is not JSON: {message}")
        self._text = text
        self._position = position

    def in_argument(self, name: str) -> Problem:
        """The problem of `name:=...`."""
        hint = f"For text, write {name}=...; else check the shell's quotes: {name}:='...'."
        if self._position is None:
            return Problem(name, f"{self}.", hint)
        found = self._placed(name, hint)
        line, column = found.where.split(":")[-2:]
        place = f"column {column}" if line == "1" else f"line {line}, column {column}"
        return replace(found, where=name, message=f"{self} at {place}.")

    def in_file(self, where: str) -> Problem:
        """The problem of a file, with its line."""
        if self._position is None:
            return Problem(where, f"{self}.", self.hint)
        return self._placed(where, self.hint)

    def _placed(self, where: str, hint: str) -> Problem:
        before = self._text[: self._position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        text = self._text[len(before) - column + 1 :].partition("\n")[0]
        from connector.excerpt import Span, problem_in

        return problem_in(where, text, Span(line, column, line, column + 1), f"{self}.", hint)


class _TooMuch(_NotJson):
    hint = "Give less at once."

    def __init__(self) -> None:
        super().__init__("")
        self.args = (f"It holds more than {MAX_VALUES:,} values",)


def _json(text: str) -> Any:
    """JSON as RFC 8259 has it: finite numbers, and no key twice in an object."""
    if text.count(",") > MAX_VALUES:  # counted before they take memory: ten bytes may become a hundred
        commas = (found for found in _TEXT_OR_COMMA.finditer(text) if found[0] == ",")
        if next(islice(commas, MAX_VALUES, None), None):
            raise _TooMuch
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        message = error.msg.removesuffix(" at")
        raise _NotJson(message[:1].lower() + message[1:], text, error.pos) from None
    except RecursionError:
        raise _NotJson("it is nested too deeply") from None
    except _Constant as error:
        position = next(found.start() for found in _CONSTANT.finditer(text) if not found[0].startswith('"'))
        raise _NotJson(f"{error} is not a JSON number", text, position) from None
    except ValueError:  # Python's limit on the digits of a whole number
        raise _NotJson("a number is too long") from None


_STRING = r'"(?:[^"\\]++|\\.)*+"'  # never tried in a second way, which would take memory for each character
_TEXT_OR_COMMA = re.compile(f"{_STRING}|,", re.DOTALL)
_CONSTANT = re.compile(rf"{_STRING}|NaN|-?Infinity", re.DOTALL)


class _Constant(Exception):
    """Out of the parser's hook, which does not know the place."""


def _refuse(constant: str) -> NoReturn:
    raise _Constant(constant)


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise _NotJson("a number is too large")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _NotJson(f"the key {key[:60]!r} stands twice in an object")
        found[key] = value
    return found
