"""What the short way to "it fits" asks of texts and numbers, and what it spends: see acceptance."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from math import inf, isfinite
from typing import Any, Final

from connector.pattern import matcher

MAX_BITS: Final = 1023  # what a float can carry

Schema = Mapping[str, Any]
Spare = list[float]
"""How many values there may still be, and how many bytes in texts that are not short."""
Fits = Callable[[Any, Spare], bool]

# 10,000 names and 10,000 texts of 200 characters, and 16 MB, are 32 MB at most: only more has to be counted
VALUES: Final = 10_000
SHORT: Final = 200
BYTES: Final = 16_000_000
_MOST: Final[dict[type, float]] = {int: 2**MAX_BITS - 1, float: sys.float_info.max}
NUMBER_WORDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})


class Unknown(Exception):
    """A schema that is left to jsonschema."""


class Large(Exception):
    """A value that may be too large: it has to be counted."""


def is_encodable(text: str) -> bool:
    """Whether UTF-8 has the text: it holds no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def yes(_: Any, __: Spare) -> bool:
    """Anything fits."""
    return True


def every(*checks: Fits) -> Fits:
    """What fits all of them, asked in their order."""
    first, *others = [check for check in checks if check is not yes] or [yes]
    if not others:
        return first
    second = every(*others)
    return lambda value, spare: first(value, spare) and second(value, spare)


def either(checks: list[Fits]) -> Fits:
    """What fits one of them at least."""

    def fits(value: Any, spare: Spare) -> bool:
        for check in checks:  # noqa: SIM110 - a generator costs more than the checks
            if check(value, spare):
                return True
        return False

    return fits


def is_text(text: str, spare: Spare) -> bool:
    """Whether it can be sent, alone and with what has been before it."""
    return (len(text) <= SHORT or _is_spared(text, spare)) and (text.isascii() or is_encodable(text))


def _is_spared(text: str, spare: Spare) -> bool:
    spare[1] -= len(text) if text.isascii() else 4 * len(text)
    if spare[1] < 0:
        raise Large
    return True


def text_check(schema: Schema, _: int | None) -> Fits:
    """Which texts fit the schema."""
    low, high = schema.get("minLength", 0), schema.get("maxLength", inf)
    has_form = matcher(schema["pattern"]) if "pattern" in schema else None
    if has_form is None:
        return lambda text, spare: low <= len(text) <= high and is_text(text, spare)
    return lambda text, spare: low <= len(text) <= high and is_text(text, spare) and has_form(text)


def int_check(schema: Schema, _: int | None) -> Fits:
    """Which values of type int fit the schema."""
    return _number(schema, int)


def float_check(schema: Schema, _: int | None) -> Fits:
    """Which values of type float fit the schema; 3.0 is an integer."""
    is_whole = "number" not in schema.get("type", "number")
    return every(_number(schema, float), (lambda number, _: number.is_integer()) if is_whole else yes)


def _number(schema: Schema, kind: type) -> Fits:
    bounds = [schema.get(word) for word in NUMBER_WORDS]
    if any(isinstance(bound, float) and not isfinite(bound) for bound in bounds):
        raise Unknown
    # NaN is between no two numbers
    low, high = max(schema.get("minimum", -inf), -_MOST[kind]), min(schema.get("maximum", inf), _MOST[kind])
    checks: list[Fits] = [lambda number, _: low <= number <= high]
    if "exclusiveMinimum" in schema:
        above = schema["exclusiveMinimum"]
        checks.append(lambda number, _: number > above)
    if "exclusiveMaximum" in schema:
        below = schema["exclusiveMaximum"]
        checks.append(lambda number, _: number < below)
    if "multipleOf" in schema:
        checks.append(_multiple(schema["multipleOf"], kind))
    return every(*checks)


def _multiple(step: float, kind: type) -> Fits:
    if kind is int and type(step) is int:
        return lambda number, _: number % step == 0
    from fractions import Fraction  # noqa: PLC0415 - few schemas need it, and it takes a while to import

    exact = Fraction(str(step))  # in decimal, as it is written
    return lambda number, _: Fraction(str(number)) % exact == 0


def sized(low: float, high: float) -> Fits:
    """What has so many items or fields."""
    return lambda value, _: low <= len(value) <= high


def among(choices: list[Any]) -> Fits:
    """What equals one of the choices, as JSON has it: true is not 1, and 1 is 1.0."""
    chosen = set(map(frozen, choices))
    return lambda value, _: frozen(value) in chosen


def frozen(value: Any) -> Any:
    """A value that is equal exactly if the JSON is: 1 is 1.0, and true is no number."""
    if isinstance(value, list):
        return tuple(map(frozen, value))
    if isinstance(value, dict):
        return frozenset((key, frozen(item)) for key, item in value.items())
    return str(value).encode() if isinstance(value, bool) else value  # equal to nothing that JSON has
