"""JSON Schema at the edges: wrong inputs become sentences, each with the path of the input.

Acceptance is jsonschema's (2020-12). What JSON cannot carry at all - NaN, a lone surrogate, a thousand
levels - is told first, because no schema speaks of it. Remote `$ref`s are never fetched.
"""

from __future__ import annotations

import math
import operator
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from connector.acceptance import acceptor
from connector.errors import Problem
from connector.evaluate import described
from connector.pattern import TooSlow, matches
from connector.scalars import MAX_BITS, frozen, is_encodable
from connector.schema_sentences import Schema, explain, path_text, shortened
from connector.size import MAX_DEPTH, size_problem

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

    from connector.schema_form import Fault

__all__ = ["Checker", "NotASchema", "Schema", "checker", "path_text"]

MAX_SECONDS: Final = 1.0  # for all patterns
MAX_PROBLEMS: Final = 100  # told at once; a list that holds itself has no end of them


@dataclass(frozen=True)
class Checker:
    """A compiled JSON Schema."""

    schema: Schema

    @cached_property
    def _accepts(self) -> Callable[[Any], bool]:
        return acceptor(self.schema)

    @cached_property
    def _validator(self) -> Any:
        from referencing import Registry  # noqa: PLC0415 - only explaining what is wrong needs it

        return _dialect()(self.schema, registry=Registry())

    @cached_property
    def _whole(self) -> Callable[[Any], Any] | None:
        return _whole_numbers(self.schema)

    def normalised(self, value: Any) -> Any:
        """The value with 3.0 written as 3 wherever the schema asks for whole numbers; itself if there is none.

        JSON Schema counts 3.0 as an integer, and platforms whose only number is a float send it; the
        services' parsers refuse it.
        """
        return value if self._whole is None else self._whole(value)

    def problems(self, value: Any, noun: str = "input") -> list[Problem]:
        """What is wrong with a value, in the order of the paths. Empty: it fits.

        `noun` is what a key of the value is called: an input, or a field of a connection.
        """
        return [] if self._accepts(value) else self.told(value, noun)

    def told(self, value: Any, noun: str = "input") -> list[Problem]:
        """As problems, the long way: only jsonschema says yes."""
        if too_much := size_problem(value):
            return [too_much]
        unspeakable = list(islice(_not_json(value, ""), MAX_PROBLEMS))
        if unspeakable:
            return unspeakable
        until = _until.set(time.monotonic() + MAX_SECONDS)
        try:
            told = (
                problem for error in self._validator.iter_errors(value) for problem in explain(error, noun)
            )
            return sorted(dict.fromkeys(islice(told, MAX_PROBLEMS)), key=_in_order)
        except TooSlow as slow:
            return [Problem("inputs", f"{slow}", "Shorten the text, or tell the author of the manifest.")]
        finally:
            _until.reset(until)


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
    from connector.schema_form import faults  # noqa: PLC0415 - a manifest's schemas were judged when it was read

    for fault in faults(schema):
        raise NotASchema(fault)
    return Checker(schema)


_until: ContextVar[float] = ContextVar("_until", default=math.inf)  # patterns are not waited for any longer


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not matches(pattern, instance, until=_until.get()):
        yield _error()


def _unique_items(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    # jsonschema compares each with each where they cannot be sorted
    if wanted and isinstance(instance, list) and len(set(map(frozen, instance))) < len(instance):
        yield _error()


def _enum(validator: Any, choices: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    # what JSON takes for equal, Python does too, and faster; it only takes more for equal to 0, 1, lists, objects
    if instance in choices:
        is_plain = not isinstance(instance, (list, dict)) and instance not in {0, 1}
        if is_plain or frozen(instance) in map(frozen, choices):
            return
    yield _error()


def _multiple_of(validator: Any, step: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    # in decimal, as it is written: 19.99 is a multiple of 0.01
    from fractions import Fraction  # noqa: PLC0415 - it takes long to import

    is_number = isinstance(instance, (int, float)) and not isinstance(instance, bool)
    if is_number and Fraction(str(instance)) % Fraction(str(step)):
        yield _error()


def _error() -> ValidationError:
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415 - as in _dialect

    return ValidationError("")


@cache
def _dialect() -> Any:
    """JSON Schema as it is meant here: patterns in bounded time, multiples in decimal."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - it takes longer than all inputs that fit
    from jsonschema.validators import extend  # noqa: PLC0415

    extended: Any = extend  # untyped in the stubs
    words = {"pattern": _pattern, "multipleOf": _multiple_of, "uniqueItems": _unique_items, "enum": _enum}
    return extended(Draft202012Validator, words)


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
        if not is_encodable(value):
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
            elif not is_encodable(key):
                yield Problem(
                    where, f"The key {key[:60]!a} cannot be sent.", "Use whole characters in every key."
                )
            else:
                name = shortened(key)
                yield from _not_json(item, f"{path}.{name}" if path else name, depth + 1)
    else:
        hint = "Use text, numbers, true, false, null, lists and dicts."
        yield Problem(where, f"{type(value).__name__} is not a JSON type.", hint)


def _whole_numbers(schema: Any) -> Callable[[Any], Any] | None:
    """A function that writes 3.0 as 3 where the schema asks for it; None if it never does."""
    if not isinstance(schema, Mapping):
        return None
    types, properties = schema.get("type", ()), schema.get("properties", {})
    is_whole = "integer" in types and "number" not in types
    found = {name: write for name, field in properties.items() if (write := _whole_numbers(field))}
    each = _whole_numbers(schema.get("items"))
    if not (is_whole or found or each):
        return None

    def change(value: Any) -> Any:
        if is_whole and isinstance(value, float):
            return int(value) if value.is_integer() and abs(value) <= 2**53 else value
        if found and isinstance(value, dict):
            new = value
            for name, write in found.items():
                item = value.get(name)
                # most are texts, or not there
                if isinstance(item, (float, list, dict)) and (written := write(item)) is not item:
                    new = {**new, name: written}
            return new
        if each and isinstance(value, list):
            items = [each(item) for item in value]
            return value if all(map(operator.is_, items, value)) else items
        return value

    return change
