"""What a JSON Schema says no to, in sentences for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from connector.errors import Problem, did_you_mean
from connector.evaluate import described, text_of

Schema = Mapping[str, Any]

MAX_NAME: Final = 100
ON_THE_COMMAND_LINE = " On the command line, `name:=value` passes JSON where `name=value` passes text."
TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def path_text(path: Iterable[str | int]) -> str:
    """("messages", 0, "role") as people read it: `messages[0].role`."""
    text = ""
    for part in path:
        name = part if isinstance(part, int) else shortened(part)
        text += f"[{name}]" if isinstance(name, int) else f".{name}" if text else name
    return text


def shortened(name: str) -> str:
    """A name as errors show it: of a very long one the beginning, and of an empty one its quotes."""
    if not name:
        return "''"
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}..."


def explain(error: Any, noun: str) -> Iterator[Problem]:
    """The problems that one error of jsonschema's stands for. `noun` is what a key of the value is called."""
    if "propertyNames" in error.schema_path:
        yield from _about_name(error, noun)
        return
    path = path_text(error.absolute_path)
    instance: Any = error.instance
    limit: Any = error.validator_value
    schema: Any = error.schema if isinstance(error.schema, Mapping) else {}
    word = error.validator
    if word == "required":
        for name in limit:
            if name not in instance:
                yield Problem(f"{path}.{name}" if path else name, "It is required.", _ask(schema, name))
    elif word == "dependentRequired":
        for name, others in limit.items():
            for other in others if name in instance else ():
                if other not in instance:
                    where = f"{path}.{other}" if path else other
                    yield Problem(where, f"It is required beside {name}.", _ask(schema, other))
    elif word == "additionalProperties":
        known = schema.get("properties", {})
        patterns = [re.compile(pattern) for pattern in schema.get("patternProperties", {})]
        for name in instance:
            if name not in known and not any(pattern.search(name) for pattern in patterns):
                where = f"{path}.{shortened(name)}" if path else shortened(name)
                yield Problem(where, f"There is no such {noun}.", did_you_mean(name, known))
    elif word in {"anyOf", "oneOf"} and error.context:
        yield from _nearest(error, path, noun)
    elif word == "pattern":
        hint = f"{schema.get('description') or 'It must match the pattern'} ({limit})"
        yield Problem(path or "inputs", f"{_shown(instance)} has not the right form.", hint)
    elif word == "not":
        about = schema.get("description")
        hint = f"Give another value: {about}" if about else "Give another value."
        yield Problem(path or "inputs", "It is of a form that is not allowed here.", hint)
    elif word is None:  # the schema `false`
        yield Problem(path or "inputs", f"{_shown(instance)} may not stand here.", "Leave it out.")
    else:
        sentence = _SENTENCES.get(str(word))
        message, hint = (
            sentence(limit, instance) if sentence else (f"It does not fit `{word}`.", "See the schema.")
        )
        if word == "type" and isinstance(instance, str) and noun == "input":
            hint += ON_THE_COMMAND_LINE
        yield Problem(path or "inputs", message, hint)


def _about_name(error: Any, noun: str) -> Iterator[Problem]:
    path = path_text(error.absolute_path)
    error.schema_path.remove("propertyNames")
    for problem in explain(error, noun):
        yield Problem(path or "inputs", f"The name {_shown(error.instance)}: {problem.message}", problem.hint)


def _ask(schema: Any, name: str) -> str:
    field = schema.get("properties", {}).get(name)
    field = field if isinstance(field, Mapping) else {}
    about = field.get("description") or field.get("title")
    if isinstance(field.get("enum"), list):
        return f"Give {name}, one of: {', '.join(map(str, field['enum']))}."
    return f"Give {name}: {about}" if about else f"Give {name}."


def _nearest(error: Any, path: str, noun: str) -> Iterator[Problem]:
    """Of several alternatives, explain the one that is meant; else name them."""
    depth = len(error.absolute_path)
    branches: dict[Any, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(next(iter(inner.schema_path), None), []).append(inner)
    # the alternatives of the value's type; of those, the ones whose `kind: ...` is the value's
    of_type = [branch for branch in branches.values() if not _fails(branch, {"type", "const", None}, depth)]
    of_kind = [branch for branch in of_type if not _fails(branch, {"const", "enum"}, depth + 1)]
    for fitting in (of_type, of_kind):
        told = [[problem for inner in branch for problem in explain(inner, noun)] for branch in fitting]
        if told and all(problems == told[0] for problems in told):
            yield from told[0]
            return
    tags = [inner for branch in of_type for inner in branch if inner.validator == "const"]
    if len({path_text(tag.absolute_path) for tag in tags}) == 1 and len(tags) == len(of_type):
        message, hint = _enum_sentence([tag.validator_value for tag in tags], tags[0].instance)
        yield Problem(path_text(tags[0].absolute_path), message, hint)
        return
    alternatives = [branch if isinstance(branch, Mapping) else {} for branch in error.validator_value]
    names = list(dict.fromkeys(_name(branch) for branch in alternatives))
    titled = all("title" in branch for branch in alternatives)
    message = "It" if titled else f"It is {described(error.instance)}, and"
    hint = (
        f"Give {', or '.join(names)}."
        if all(names) and (len(names) > 1 or not of_type)
        else "See its description."
    )
    yield Problem(path or "inputs", f"{message} fits none of the forms allowed here.", hint)


def _fails(branch: list[Any], words: set[str | None], depth: int) -> bool:
    return any(inner.validator in words and len(inner.absolute_path) == depth for inner in branch)


def _name(schema: Schema) -> str:
    """What a schema asks for, in a few words; empty if it does not say."""
    if "title" in schema:
        return str(schema["title"])
    if "const" in schema:
        return _shown(schema["const"])
    return _types(schema["type"]) if "type" in schema else ""


def _types(limit: Any) -> str:
    names = [limit] if isinstance(limit, str) else limit
    return " or ".join(TYPE_WORDS.get(name, name) for name in names)


def _type_sentence(limit: Any, instance: Any) -> tuple[str, str]:
    return f"It must be {_types(limit)}, not {described(instance)}.", f"Give {_types(limit)}."


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else text_of(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _enum_sentence(limit: Any, instance: Any) -> tuple[str, str]:
    choices = [text_of(choice) for choice in limit]
    more = ", ..." if len(choices) > 30 else ""
    hint = f"Choose one of: {', '.join(choices[:30])}{more}."
    if isinstance(instance, str):
        near = did_you_mean(instance, choices)
        hint = f"{near} {hint}" if near.startswith("Did") else hint
    return f"{_shown(instance)} is not one of the choices.", hint


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


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
        f"It has {_count(len(instance), 'character')}." if instance else "It is empty.",
        f"Give {_count(limit, 'character')} or more.",
    ),
    "maxLength": lambda limit, instance: (
        f"It has {_count(len(instance), 'character')}.",
        f"Give at most {limit}.",
    ),
    "minItems": lambda limit, instance: (
        f"It has {_count(len(instance), 'item')}." if instance else "It is empty.",
        f"Give {_count(limit, 'item')} or more.",
    ),
    "maxItems": lambda limit, instance: (
        f"It has {_count(len(instance), 'item')}.",
        f"Give at most {limit}.",
    ),
    "uniqueItems": lambda limit, instance: ("An item stands there twice.", "Keep one of each."),
    "contains": lambda limit, instance: (
        "It lacks an item that it needs.",
        f"Add {_name(limit) or 'one'}." if isinstance(limit, Mapping) else "Add one.",
    ),
    "minContains": lambda limit, instance: (
        f"It needs {_count(limit, 'item')} of one kind.",
        "Add what is missing.",
    ),
    "maxContains": lambda limit, instance: (
        f"It has more than {_count(limit, 'item')} of one kind.",
        "Remove some.",
    ),
    "items": lambda limit, instance: ("It has more items than are allowed.", "Remove the last ones."),
    "minProperties": lambda limit, instance: (
        f"It has {_count(len(instance), 'field')}." if instance else "It is empty.",
        f"Give {_count(limit, 'field')} or more.",
    ),
    "maxProperties": lambda limit, instance: (
        f"It has {_count(len(instance), 'field')}.",
        f"Give at most {limit}.",
    ),
    "oneOf": lambda limit, instance: (
        "It fits several forms of which only one is allowed.",
        f"Give {', or '.join(filter(None, (_name(form) for form in limit if isinstance(form, Mapping))))}.",
    ),
    "unevaluatedProperties": lambda limit, instance: ("It has fields that are not known.", "Remove them."),
    "unevaluatedItems": lambda limit, instance: ("It has more items than are known.", "Remove them."),
}
