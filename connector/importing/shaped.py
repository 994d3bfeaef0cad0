"""A schema as a manifest has it, and how large it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

MAX_SIZE: Final = 60_000
"""Characters of a schema, about."""


@dataclass(frozen=True)
class Shaped:
    """A schema as a manifest has it.

    Attributes:
        schema: the schema. It may stand in several places, and is never changed.
        sample: a value that fits it.
        size: its characters and those of the sample, about.
        ways: how many alternatives in it multiply.
        left_out: what the document says beyond it.
        weight: the characters of the sample, about.
    """

    schema: Mapping[str, Any]
    sample: Any = None
    size: int = 2
    ways: int = 1
    left_out: frozenset[str] = frozenset()
    weight: int = 0


def sum_of(parts: Iterable[Shaped]) -> int:
    """The sizes of several, together."""
    return sum(part.size for part in parts)


def size_of(word: str, value: Any) -> int:
    """The characters of a word and its value; schemas in it are counted apart."""
    if word in {"items", "anyOf", "additionalProperties"}:
        return len(word) + 6
    if word == "properties":
        return 14 + sum(len(name) + 4 for name in value)
    return len(word) + 4 + len(repr(value))


def weight_of(value: Any) -> int:
    """The characters of a value as JSON, about; no more is counted than matters."""
    waiting, weight = [value], 0
    while waiting and weight <= MAX_SIZE:
        one = waiting.pop()
        if isinstance(one, str):
            weight += len(one) + 2
        elif isinstance(one, (list, tuple)):
            weight += 2 + len(one)
            waiting += one
        elif isinstance(one, dict):
            weight += 2 + sum(len(name) + 4 for name in one)
            waiting += one.values()
        else:
            weight += 5
    return weight


def described(part: Shaped, description: str, **words: Any) -> Shaped:
    """The same with a description of its own, and further words for people."""
    schema = {**part.schema, **words}
    if description:
        schema["description"] = description
    return replace(part, schema=schema)
