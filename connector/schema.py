"""JSON Schema at the edges: wrong inputs become sentences, each with the path of the input.

Acceptance is jsonschema's (2020-12). What JSON cannot carry at all - NaN, a lone surrogate, a thousand
levels - is told first, because no schema speaks of it. Remote `$ref`s are never fetched.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry

from connector.errors import Problem
from connector.evaluate import described
from connector.schema_form import Fault, faults
from connector.schema_sentences import Schema, explain, path_text

__all__ = ["Checker", "NotASchema", "Schema", "checker", "normalised", "path_text"]

MAX_DEPTH: Final = 64
MAX_BITS: Final = 1023  # what a float can carry
MAX_PROBLEMS: Final = 100  # told at once; a list that holds itself has no end of them


@dataclass(frozen=True)
class Checker:
    """A compiled JSON Schema."""

    schema: Schema
    _validator: Any

    def problems(self, value: Any, noun: str = "input") -> list[Problem]:
        """What is wrong with a value, in the order of the paths. Empty: it fits.

        `noun` is what a key of the value is called: an input, or a field of a connection.
        """
        unspeakable = list(islice(_not_json(value, ""), MAX_PROBLEMS))
        if unspeakable:
            return unspeakable
        errors = islice(self._validator.iter_errors(value), MAX_PROBLEMS)
        found = [problem for error in errors for problem in explain(error, noun)]
        return sorted(dict.fromkeys(found), key=_in_order)


class NotASchema(ValueError):
    """A value that is no JSON Schema, or one that refers elsewhere. `fault` says what is wrong where."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{path_text(fault.path) or 'the schema'}: {fault.message} {fault.hint}")
        self.fault = fault


def checker(schema: Schema) -> Checker:
    """Compile a schema.

    Raises:
        NotASchema: if it is not a JSON Schema, or holds a reference.
    """
    for fault in faults(schema):
        raise NotASchema(fault)
    return Checker(schema, _Validator(schema, registry=Registry()))


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re.search(_python_pattern(pattern), instance, re.ASCII):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


@lru_cache(maxsize=1024)
def _python_pattern(pattern: str) -> str:
    """JSON Schema's patterns are ECMAScript's: `$` is the very end, where Python's also precedes a newline."""
    parts = re.findall(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", pattern, re.DOTALL)
    return "".join(r"\Z" if part == "$" else part for part in parts)


def _multiple_of(validator: Any, step: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    # in decimal, as it is written: 19.99 is a multiple of 0.01
    is_number = isinstance(instance, (int, float)) and not isinstance(instance, bool)
    if is_number and Fraction(str(instance)) % Fraction(str(step)):
        yield ValidationError(f"{instance!r} is not a multiple of {step!r}")


_extend: Any = extend  # untyped in the stubs
_Validator = _extend(Draft202012Validator, {"pattern": _pattern, "multipleOf": _multiple_of})


def _in_order(problem: Problem) -> list[tuple[int, str]]:
    """Sorts messages[2] before messages[10]."""
    parts = re.split(r"([0-9]+)", problem.where)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _not_json(value: Any, path: str, depth: int = 0) -> Iterator[Problem]:
    """What no JSON text can carry."""
    where = path or "inputs"
    if depth > MAX_DEPTH:
        yield Problem(where, f"Nested deeper than {MAX_DEPTH} levels.", "Flatten the value.")
    elif isinstance(value, str):
        if not _is_encodable(value):
            hint = "Remove the half of a surrogate pair, often left by cutting a text inside an emoji."
            yield Problem(where, "The text holds a character that cannot be sent.", hint)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield Problem(where, f"{value} is not a number that JSON can carry.", "Send a finite number.")
    elif isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            yield Problem(where, "The number is too long to be sent.", "Send it as text.")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_json(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                yield Problem(where, f"A key is {described(key)}.", "Use text for every key.")
            elif not _is_encodable(key):
                yield Problem(
                    where, f"The key {key[:60]!a} cannot be sent.", "Use whole characters in every key."
                )
            else:
                yield from _not_json(item, f"{path}.{key}" if path else key, depth + 1)
    else:
        hint = "Use text, numbers, true, false, null, lists and dicts."
        yield Problem(where, f"{type(value).__name__} is not a JSON type.", hint)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def normalised(value: Any, schema: Schema) -> Any:
    """The value with 3.0 written as 3 wherever the schema asks for whole numbers.

    JSON Schema counts 3.0 as an integer, and platforms whose only number is a float send it; the
    services' parsers refuse it.
    """
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        kinds = schema.get("type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        return int(value) if "integer" in kinds and "number" not in kinds else value
    if isinstance(value, dict) and isinstance(schema.get("properties"), Mapping):
        fields = schema["properties"]
        return {key: normalised(item, fields[key]) if key in fields else item for key, item in value.items()}
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [normalised(item, schema["items"]) for item in value]
    return value
