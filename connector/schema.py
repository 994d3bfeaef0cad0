"""JSON Schema at the edges: wrong inputs become sentences, each with the path of the input.

Acceptance is jsonschema's (2020-12). What JSON cannot carry at all - NaN, a lone surrogate, a thousand
levels - is told first, because no schema speaks of it. Remote `$ref`s are never fetched.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from connector.errors import Problem, did_you_mean
from connector.evaluate import type_name

Schema = Mapping[str, Any]

MAX_DEPTH: Final = 64
_TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


@dataclass(frozen=True)
class Checker:
    """A compiled JSON Schema."""

    schema: Schema
    _validator: Any

    def problems(self, value: Any, noun: str = "input") -> list[Problem]:
        """What is wrong with a value; every problem, in the order of their paths. Empty: it fits.

        `noun` is what a key of the value is called: an input, or a field of a connection.
        """
        unspeakable = list(_not_json(value, ""))
        if unspeakable:
            return unspeakable
        found = [problem for error in self._validator.iter_errors(value) for problem in _explain(error, noun)]
        return sorted(dict.fromkeys(found), key=lambda problem: problem.where)


def checker(schema: Schema) -> Checker:
    """Compile a schema.

    Raises:
        ValueError: if it is not a JSON Schema, or refers to a place outside itself.
    """
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = ".".join(map(str, error.absolute_path))
        raise ValueError(f"{path or 'the schema'}: {error.message}") from None
    reference = next(_references(schema), None)
    if reference is not None:
        raise ValueError(f"`$ref: {reference}`: references are not read; write the schema out")
    return Checker(schema, _Validator(schema, registry=Registry()))


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    # JSON Schema's patterns are ECMAScript's: `$` is the end of the text (Python's also stands before a
    # last newline), and \d and \w are ASCII
    python = pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern
    if isinstance(instance, str) and not re.search(python, instance, re.ASCII):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_extend: Any = extend  # untyped in the stubs
_Validator = _extend(Draft202012Validator, {"pattern": _pattern})


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (str(schema[key]) for key in ("$ref", "$dynamicRef") if isinstance(schema.get(key), str))
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


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
        if value.bit_length() > 1024:
            yield Problem(where, "The number is too long to be sent.", "Send it as text.")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_json(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not _is_encodable(key):
                yield Problem(where, f"The key {key!a} is not text.", "Use text for every key.")
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


def path_text(path: Iterable[str | int]) -> str:
    """("messages", 0, "role") as people read it: `messages[0].role`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _explain(error: ValidationError, noun: str) -> Iterator[Problem]:
    path = path_text(error.absolute_path)
    instance: Any = error.instance
    limit: Any = error.validator_value
    schema: Any = error.schema
    word = error.validator
    if word == "required":
        for name in limit:
            if name not in instance:
                yield Problem(f"{path}.{name}" if path else name, "It is required.", _ask(schema, name))
    elif word in {"additionalProperties", "unevaluatedProperties"}:
        known = (schema.get("properties") if isinstance(schema, Mapping) else None) or {}
        patterns = [re.compile(pattern) for pattern in schema.get("patternProperties", {})]
        for name in instance:
            if name not in known and not any(pattern.search(name) for pattern in patterns):
                where = f"{path}.{name}" if path else name
                yield Problem(where, f"There is no such {noun}.", did_you_mean(name, known))
    elif word in {"anyOf", "oneOf"} and error.context:
        yield from _nearest(error, path, noun)
    elif word == "pattern":
        about = schema.get("description") if isinstance(schema, Mapping) else None
        hint = f"{about or 'It must match the pattern'} ({limit})"
        yield Problem(path or "inputs", f"{_shown(instance)} has not the right form.", hint)
    else:
        sentence = _SENTENCES.get(str(word))
        message, hint = (
            sentence(limit, instance) if sentence else (f"It does not fit `{word}`.", "See the schema.")
        )
        yield Problem(path or "inputs", message, hint)


def _ask(schema: Any, name: str) -> str:
    field = schema.get("properties", {}).get(name, {}) if isinstance(schema, Mapping) else {}
    about = field.get("description") or field.get("title")
    return f"Give {name}: {about}" if about else f"Give {name}."


def _nearest(error: ValidationError, path: str, noun: str) -> Iterator[Problem]:
    """Of several alternatives, explain the one whose type fits; else name the types."""
    context = error.context or []
    branches: dict[Any, list[ValidationError]] = {}
    for inner in context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    depth = len(error.absolute_path)
    fitting = [
        inner
        for inner in branches.values()
        if not any(e.validator == "type" and len(e.absolute_path) == depth for e in inner)
    ]
    if len(fitting) == 1:
        for inner_error in fitting[0]:
            yield from _explain(inner_error, noun)
        return
    alternatives: Any = error.validator_value
    titles = [branch.get("title") for branch in alternatives if isinstance(branch, Mapping)]
    if all(titles):
        yield Problem(
            path or "inputs",
            "It fits none of the forms allowed here.",
            f"Give {', or '.join(map(str, titles))}.",
        )
        return
    types = [branch.get("type") for branch in alternatives if isinstance(branch, Mapping)]
    names = " or ".join(_TYPE_WORDS.get(str(name), str(name)) for name in types if name)
    got = type_name(error.instance)
    yield Problem(path or "inputs", f"It is {got}, and fits none of the forms allowed here.", f"Use {names}.")


def _types(limit: Any) -> str:
    names = [limit] if isinstance(limit, str) else limit
    return " or ".join(_TYPE_WORDS.get(name, name) for name in names)


def _type_sentence(limit: Any, instance: Any) -> tuple[str, str]:
    hint = f"Give {_types(limit)}."
    if isinstance(instance, str) and limit != "string":
        hint += " On the command line, `name:=value` passes JSON where `name=value` passes text."
    return f"It must be {_types(limit)}, not {type_name(instance)}.", hint


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _enum_sentence(limit: Any, instance: Any) -> tuple[str, str]:
    choices = ", ".join(map(str, limit))
    hint = f"Choose one of: {choices}."
    if isinstance(instance, str):
        near = did_you_mean(instance, [str(choice) for choice in limit])
        hint = f"{near} {hint}" if near.startswith("Did") else hint
    return f"{_shown(instance)} is not one of the choices.", hint


def _items(count: int) -> str:
    return f"{count} item" if count == 1 else f"{count} items"


def _characters(count: int) -> str:
    return f"{count} character" if count == 1 else f"{count} characters"


_SENTENCES: dict[str, Callable[[Any, Any], tuple[str, str]]] = {
    "type": _type_sentence,
    "enum": _enum_sentence,
    "const": lambda limit, instance: (f"It must be {_shown(limit)}.", f"Give {_shown(limit)}."),
    "minimum": lambda limit, instance: (f"{instance} is below {limit}.", f"Give {limit} or more."),
    "maximum": lambda limit, instance: (f"{instance} is above {limit}.", f"Give {limit} or less."),
    "exclusiveMinimum": lambda limit, instance: (
        f"{instance} is not above {limit}.",
        f"Give more than {limit}.",
    ),
    "exclusiveMaximum": lambda limit, instance: (
        f"{instance} is not below {limit}.",
        f"Give less than {limit}.",
    ),
    "multipleOf": lambda limit, instance: (f"{instance} is not a multiple of {limit}.", "Round it."),
    "minLength": lambda limit, instance: (
        "It is empty." if not instance else f"It has {_characters(len(instance))}.",
        f"Give {_characters(limit)} or more.",
    ),
    "maxLength": lambda limit, instance: (f"It has {_characters(len(instance))}.", f"Give at most {limit}."),
    "minItems": lambda limit, instance: (
        f"It has {_items(len(instance))}.",
        f"Give {_items(limit)} or more.",
    ),
    "maxItems": lambda limit, instance: (f"It has {_items(len(instance))}.", f"Give at most {limit}."),
    "uniqueItems": lambda limit, instance: ("An item stands there twice.", "Keep one of each."),
    "minProperties": lambda limit, instance: (f"It has {len(instance)} fields.", f"Give {limit} or more."),
    "maxProperties": lambda limit, instance: (f"It has {len(instance)} fields.", f"Give at most {limit}."),
    "not": lambda limit, instance: ("It is a form that is not allowed here.", "See the input's description."),
    "dependentRequired": lambda limit, instance: (
        "Another input is missing beside it.",
        f"It needs: {limit}.",
    ),
}


def normalised(value: Any, schema: Schema) -> Any:
    """The value with 3.0 written as 3 wherever the schema asks for whole numbers.

    JSON Schema counts 3.0 as an integer, and platforms whose only number is a float send it; the
    services' parsers refuse it.
    """
    if isinstance(value, float) and value.is_integer() and schema.get("type") == "integer":
        return int(value)
    if isinstance(value, dict) and isinstance(schema.get("properties"), Mapping):
        fields = schema["properties"]
        return {key: normalised(item, fields[key]) if key in fields else item for key, item in value.items()}
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [normalised(item, schema["items"]) for item in value]
    return value
