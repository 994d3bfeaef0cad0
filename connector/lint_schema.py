"""Mistakes in a JSON Schema that a validator passes over: misspelt words, words without effect, wrong samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from connector.document import Document
from connector.errors import Problem, did_you_mean
from connector.lint_pattern import is_slow
from connector.lint_values import schema_values
from connector.schema import Schema, checker
from connector.shape import parts
from connector.template import Path

_OF_TYPE: Final = {
    "string": ("minLength", "maxLength", "pattern", "contentEncoding", "contentMediaType", "contentSchema"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "array": (
        *("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "unevaluatedItems"),
        *("contains", "minContains", "maxContains"),
    ),
    "object": (
        *("properties", "patternProperties", "propertyNames", "minProperties", "maxProperties", "required"),
        *("additionalProperties", "unevaluatedProperties", "dependentRequired", "dependentSchemas"),
    ),
}
_ANY_TYPE: Final = (
    *("type", "enum", "const", "format", "title", "description", "default", "examples", "deprecated"),
    *("readOnly", "writeOnly", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
    *("$id", "$schema", "$comment", "$defs"),
)
_WORDS: Final = frozenset([*_ANY_TYPE, *(word for words in _OF_TYPE.values() for word in words)])
_ONE_SCHEMA: Final = {
    *("items", "not", "if", "then", "else", "contains", "additionalProperties", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties", "contentSchema"),
}
_NAMED_SCHEMAS: Final = {"properties", "patternProperties", "dependentSchemas", "$defs"}
_LISTED_SCHEMAS: Final = {"anyOf", "oneOf", "allOf", "prefixItems"}


def schema_problems(document: Document, path: Path, schema: Any) -> Iterator[Problem]:
    """What is wrong with the schema at a path of the document, and with the schemas in it."""
    if not isinstance(schema, Mapping):
        return
    yield from _words(document, path, schema)
    yield from schema_values(document, path, schema)
    if isinstance(schema.get("pattern"), str) and is_slow(schema["pattern"]):
        hint = "Begin it with `^`; a repeat beside another or in another must not take the same characters."
        yield document.problem((*path, "pattern"), "This pattern takes too long on some texts.", hint)
    for word, value in schema.items():
        if word in _NAMED_SCHEMAS and isinstance(value, Mapping):
            for name, inner in value.items():
                yield from schema_problems(document, (*path, word, name), inner)
        elif word in _LISTED_SCHEMAS and isinstance(value, list):
            for index, inner in enumerate(value):
                yield from schema_problems(document, (*path, word, index), inner)
        elif word in _ONE_SCHEMA:
            yield from schema_problems(document, (*path, word), value)
    if isinstance(schema.get("properties"), Mapping):
        known = {name for part, _ in parts(schema) for name in part.get("properties", {})}
        for index, name in enumerate(schema.get("required", ())):
            if name not in known:
                hint = did_you_mean(name, known)
                yield document.problem((*path, "required", index), f"There is no property {name!r}.", hint)
    yield from _samples(document, path, schema)


def _words(document: Document, path: Path, schema: Schema) -> Iterator[Problem]:
    declared = schema.get("type", ())
    declared = [declared] if isinstance(declared, str) else declared
    kinds = {"number" if kind == "integer" else kind for kind in declared}
    for word in schema:
        place = (*path, word)
        if word not in _WORDS and not word.startswith("x-"):
            hint = did_you_mean(word, _WORDS)
            hint = hint if hint.startswith("Did") else "Remove it, or begin it with `x-`."
            yield document.problem(place, f"{word!r} is not a word of JSON Schema.", hint, at_key=True)
        home = next((kind for kind, words in _OF_TYPE.items() if word in words), None)
        if kinds and home is not None and home not in kinds:
            message = f"{word!r} says nothing about a value of `type: {' or '.join(declared)}`."
            yield document.problem(place, message, f"It is for `type: {home}`.", at_key=True)


def _samples(document: Document, path: Path, schema: Schema) -> Iterator[Problem]:
    """Default, examples and choices that the schema itself would refuse."""
    samples: list[tuple[Path, Any]] = [(("default",), schema["default"])] if "default" in schema else []
    examples = schema.get("examples", ())
    samples += [(("examples", index), sample) for index, sample in enumerate(examples)]
    if samples:
        fits = checker(schema)
        for place, sample in samples:
            for problem in fits.problems(sample, "value"):
                message = f"It does not fit its own schema: {problem.message}"
                yield document.problem((*path, *place), message, problem.hint)
    if "enum" in schema:
        fits = checker({word: value for word, value in schema.items() if word != "enum"})
        for index, choice in enumerate(schema["enum"]):
            for problem in fits.problems(choice, "value"):
                message = f"It does not fit its own schema: {problem.message}"
                yield document.problem((*path, "enum", index), message, problem.hint)
