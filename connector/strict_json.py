"""JSON as RFC 8259 has it, from bytes that may hold anything."""

from __future__ import annotations

import json
import math
import re
from codecs import BOM_UTF8
from itertools import islice
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 200
MAX_VALUES: Final = 500_000
"""More than any answer has; a value takes up to 500 bytes of memory, however few it has in JSON."""


class _NotJson(ValueError):
    """With a reason for people."""


def parse(content: bytes) -> Any:
    """JSON, as RFC 8259 has it: UTF-8, finite numbers, no key twice, not nested without end.

    It may hold MAX_VALUES values, of which an empty list or object counts as two. Half a surrogate pair,
    which no UTF-8 text can carry further, becomes U+FFFD.

    Raises:
        ValueError: with what is wrong. The content is not in it, nor in its context.
    """
    if _has_too_many_values(content):
        raise _NotJson(_TOO_MANY)
    try:
        text = content.removeprefix(BOM_UTF8).decode()
        value = _DECODER.decode(text)
    except UnicodeDecodeError:
        wrong = "not UTF-8"
    except json.JSONDecodeError as error:
        wrong = f"{error.msg.lower().removesuffix(' at')} at character {error.pos}"
    except RecursionError:
        wrong = _TOO_DEEP
    except _NotJson as error:
        wrong = str(error)
    except ValueError:  # int() counts the digits
        wrong = "a number is too long"
    else:
        if not _may_be_deep(content) or not _is_too_deep(value):
            has_half = b"\\" in content and _SURROGATE.search(text)
            return _whole_characters(value) if has_half else value
        wrong = _TOO_DEEP
    raise _NotJson(wrong)


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_TOO_MANY = f"more than {MAX_VALUES:,} values"

# up to the next value, texts skipped; it matches everywhere and gives nothing back, so that it takes linear time
_NEXT_VALUE = re.compile(rb'(?:[^",\[{]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"?)*+(?:([,\[{])|\Z)', re.DOTALL)


def _has_too_many_values(content: bytes) -> bool:
    """Counted before they are made: each but the first stands after one of these signs."""
    if len(content) < MAX_VALUES or sum(map(content.count, (b",", b"[", b"{"))) < MAX_VALUES:
        return False
    found = islice(_NEXT_VALUE.finditer(content), MAX_VALUES)
    return all(sign.lastindex for sign in found)  # the end, if it is among them, has none


def _may_be_deep(content: bytes) -> bool:
    """Whether so much is opened. Leaving the few signs out is faster than counting them among the bytes."""
    if len(content) <= 2 * MAX_DEPTH:
        return False
    return len(content) - len(content.replace(b"[", b"").replace(b"{", b"")) > MAX_DEPTH


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return any(isinstance(inner, (dict, list)) for inner in level)


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole_characters(item) for item in value]
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(item) for key, item in value.items()}
    return value


def _refuse(constant: str) -> NoReturn:
    raise _NotJson(f"{constant} is not a JSON number")


def _float(text: str) -> float:
    if math.isinf(number := float(text)):
        raise _NotJson("a number is too large")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _NotJson("a key stands twice in an object")
    return found


# made once: json.loads makes one for every call that sets an option
_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_float, object_pairs_hook=_object)
