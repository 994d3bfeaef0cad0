"""The inputs of one action and its request, while they are put together; and how expressions name inputs."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from connector.importing.cleaning import Unusable, listed, usable
from connector.importing.examples import fit, in_form
from connector.importing.names import as_said, input_name_of, not_a_secret, unique
from connector.importing.shaped import Shaped
from connector.importing.spec import mapping, whole
from connector.lint import SECRET_NAME

_FAKE: Final = "test-example"  # as a secret in an example, so that nobody takes it for one
_IN_URLS: Final = frozenset({"path", "query"})


@dataclass
class Asked:
    """The inputs of one action and its request, while they are put together."""

    properties: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    request: dict[str, Any] = field(default_factory=dict)
    example: dict[str, Any] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(
        self, said: str, part: Shaped, place: str, *, is_required: bool, examples: tuple[Any, ...] = ()
    ) -> str:
        """Add an input for something that the document calls by a name; the input's own name."""
        name = input_name_of(whole(said))
        schema = {**as_said(said), **part.schema}
        if SECRET_NAME.search(name) or schema.get("format") == "password":
            if place in _IN_URLS:  # of which no secret is a part
                name = not_a_secret(name)
            else:
                schema["writeOnly"] = True
                schema.pop("default", None)
            examples = ()  # a document's may be somebody's
            if fit(schema, _FAKE):
                part = replace(part, sample=_FAKE)
        part = replace(part, schema=schema)
        name = unique(name, self.properties, place)
        self.properties[name] = schema
        if part.left_out:
            self.left_out.append(f"{name}: without {listed(sorted(part.left_out))}")
        if is_required and "default" not in part.schema:
            self.required.append(name)
        given = next(_fitting(part, examples), None)
        if given is not None:
            self.example[name] = given
        elif is_required and "default" not in part.schema:
            self.example[name] = part.sample
        return name

    def forget(self, known: Collection[str]) -> None:
        """Remove the inputs that were added after these were known."""
        for name in [name for name in self.properties if name not in known]:
            del self.properties[name]
            self.example.pop(name, None)
            if name in self.required:
                self.required.remove(name)

    def inputs(self) -> dict[str, Any]:
        """The schema of the inputs."""
        made: dict[str, Any] = {"type": "object", "additionalProperties": False}
        if self.required:
            made["required"] = self.required
        return {**made, "properties": self.properties}


def reference(*names: str) -> str:
    """The expression that reads an input, or a field of it."""
    return ".".join(["inputs", *map(step, names)])


def step(name: str) -> str:
    """A name as an expression writes it."""
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else json.dumps(name, ensure_ascii=False)


def of_texts(part: Shaped) -> Shaped:
    """A list whose items are written as texts, so that they can be joined."""
    item = mapping(part.schema.get("items"))
    kind = item.get("type")
    if kind == "string":
        return part
    kept = {word: item[word] for word in ("description",) if word in item}
    if "enum" in item:
        texts: dict[str, Any] = {"type": "string", "enum": [_text(choice) for choice in item["enum"]]}
    elif kind == "boolean":
        texts = {"type": "string", "enum": ["true", "false"]}
    else:
        patterns = {"integer": "^-?[0-9]+$", "number": r"^-?[0-9]+(\.[0-9]+)?$"}
        texts = {"type": "string"} | ({"pattern": patterns[kind]} if kind in patterns else {})
    schema = {**part.schema, "items": {**texts, **kept}}
    schema.pop("default", None)
    sample = [_text(value) for value in part.sample] if isinstance(part.sample, list) else part.sample
    return Shaped(schema, sample, part.size, part.ways, part.left_out)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _fitting(part: Shaped, examples: tuple[Any, ...]) -> Iterator[Any]:
    for said in examples[:3]:
        try:
            value = _sent(usable(said), part.schema)
        except Unusable:
            continue
        if value not in (None, "") and fit(part.schema, value) and in_form(part.schema, value):
            yield value


def _sent(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value without the fields that its schema does not name: an answer's, in documents that mix the two."""
    properties = schema.get("properties")
    if isinstance(value, dict) and isinstance(properties, Mapping):
        is_open = "additionalProperties" in schema or "anyOf" in schema
        return {
            name: _sent(inner, mapping(properties.get(name)))
            for name, inner in value.items()
            if is_open or name in properties
        }
    if isinstance(value, list):
        return [_sent(item, mapping(schema.get("items"))) for item in value]
    return value
