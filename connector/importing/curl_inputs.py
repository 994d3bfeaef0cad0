"""The inputs of an action, from what a command has in their places: schemas, defaults, an example, no secrets."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connector.importing.curl_secrets import FAKE_SECRET, Secrets, is_secret_name, texts_of
from connector.importing.inferred import inferred
from connector.importing.names import input_name_of, not_a_secret, title_of, unique
from connector.importing.shell_text import VARIABLE

_ANYTHING: Final = ["string", "number", "boolean", "array", "object"]
_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]{0,5}")
_NO_NUMBERS: Final = re.compile(r"(?i)(id|zip|code|phone|postal|pin|number|sku|version|date|year)\Z")


@dataclass
class Inputs:
    """The inputs so far.

    Attributes:
        secrets: the secret texts of the command.
        properties: name -> schema.
        required: the names of those that have to be given.
        example: name -> value.
    """

    secrets: Secrets
    properties: dict[str, dict[str, Any]] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    example: dict[str, Any] = field(default_factory=dict)

    def schema(self) -> dict[str, Any]:
        """The schema of all of them."""
        required = {"required": self.required} if self.required else {}
        return {"type": "object", "additionalProperties": False, **required, "properties": self.properties}

    def body(self, said: str, value: Any) -> str:
        """An input for a value of a JSON body; gives the expression that takes its place."""
        return self._add(said, value, in_body=True)

    def text(self, said: str, value: str, *, place: str) -> str:
        """An input for a text of the query, a form or a header, where 5 and true are written as texts."""
        typed: Any = value
        if value in {"true", "false"}:
            typed = value == "true"
        elif _NUMBER.fullmatch(value) and not _NO_NUMBERS.search(said.rstrip("[]")):
            typed = int(value)
        return self._add(said, typed, place=place, in_body=place == "form")

    def texts(self, said: str, values: list[str], *, place: str) -> str:
        """An input for a parameter that is repeated."""
        return self._add(said, values, place=place, in_body=place == "form")

    def segment(self, said: str, literal: str | None) -> str:
        """An input for a part of the path: required, since no id is right for everyone."""
        name = self._named(said, "path")
        is_secret = literal is not None and (self.secrets.shows(literal) or is_secret_name(said))
        if is_secret or (literal is None and is_secret_name(said)):
            return self._secret_of_address(name)
        self.properties[name] = {"type": "string", "title": title_of(name), "minLength": 1}
        self.required.append(name)
        self.example[name] = literal or name
        return f"${{{{ inputs.{name} }}}}"

    def once(self, said: str, literal: str) -> str:
        """An input for a header that is another one each time, such as Idempotency-Key: left out if not given."""
        name = self._named(said, "header")
        self.properties[name] = {"type": "string", "title": title_of(name), "minLength": 1}
        self.properties[name]["description"] = f"Sent as the header {said}, another one each time."
        if literal and "\0" not in literal:
            self.example[name] = literal
        return f"${{{{ inputs.{name} }}}}"

    def file(self, said: str, text: str | None) -> str:
        """An input for the text of a file."""
        name = self._named(said, "file")
        if text is not None:
            return self._add(said, text, place="file")
        about = "The file, as base64 of its bytes."
        self.properties[name] = {"type": "string", "title": title_of(name), "description": about}
        self.properties[name]["contentEncoding"] = "base64"
        self.required.append(name)
        self.example[name] = b64encode(b"The text of the file.\n").decode()
        return f"${{{{ inputs.{name} }}}}"

    def _named(self, said: str, place: str) -> str:
        return unique(input_name_of(said), self.properties, place)

    def _secret_of_address(self, name: str) -> str:
        """Not marked as one: lint refuses that, since addresses are kept in logs. People should know."""
        name = unique(not_a_secret(name), self.properties)
        about = "A secret that the service wants in the address, where logs of servers keep it."
        self.properties[name] = {
            "type": "string",
            "title": title_of(name),
            "description": about,
            "minLength": 1,
        }
        self.required.append(name)
        self.example[name] = FAKE_SECRET
        return f"${{{{ inputs.{name} }}}}"

    def _secret(self, name: str) -> str:
        schema = {"type": "string", "title": title_of(name), "description": "A secret.", "minLength": 1}
        self.properties[name] = {**schema, "writeOnly": True}
        self.required.append(name)
        self.example[name] = FAKE_SECRET
        return f"${{{{ inputs.{name} }}}}"

    def _add(self, said: str, value: Any, *, place: str = "body", in_body: bool = False) -> str:
        name = self._named(said, place)
        is_plain = isinstance(value, str | int | float) and not isinstance(value, bool)
        if is_plain and (is_secret_name(said, in_body=in_body) or self.secrets.shows(str(value))):
            return self._secret_of_address(name) if place == "query" else self._secret(name)
        if not_a_secret(name) != name:
            name = unique(not_a_secret(name), self.properties)
        schema = {"title": title_of(name), **inferred([value])}
        if place != "body" and name != said:
            schema["description"] = f"Sent as {said}."
        if value is None:
            self.properties[name] = {
                **schema,
                "type": list(_ANYTHING),
                "description": "The command has null here.",
            }
            return f"${{{{ inputs.{name} }}}}"
        shown = self._shown(value, said)
        if shown != value:
            self.required.append(name)
            _mark(schema, value, self)
        else:
            schema["default"] = value
        self.properties[name] = _ordered(schema)
        self.example[name] = shown
        return f"${{{{ inputs.{name} }}}}"

    def _shown(self, value: Any, said: str) -> Any:
        """The value without secrets and variables."""
        if isinstance(value, Mapping):
            return {key: self._shown(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._shown(inner, said) for inner in value]
        if self.is_secret(said, value):
            return FAKE_SECRET
        return VARIABLE.sub(lambda found: found[1].lower(), value) if isinstance(value, str) else value

    def is_secret(self, said: str, value: Any) -> bool:
        """Whether a value within a body is a secret, by its name or by its looks."""
        if not isinstance(value, str) or not value:
            return False
        return is_secret_name(said, in_body=True) or self.secrets.shows(value)


def _mark(schema: dict[str, Any], value: Any, inputs: Inputs) -> None:
    """Say of each field that holds a secret that it is one."""
    if isinstance(value, list):
        for inner in value:
            _mark(schema.get("items", {}), inner, inputs)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            field_schema = schema.get("properties", {}).get(name, {})
            if inputs.is_secret(name, inner):
                field_schema["writeOnly"] = True
            _mark(field_schema, inner, inputs)


_FIRST: Final = ("type", "title", "description")


def _ordered(schema: Mapping[str, Any]) -> dict[str, Any]:
    first = {word: schema[word] for word in _FIRST if word in schema}
    return {**first, **{word: value for word, value in schema.items() if word not in _FIRST}}


def literals(value: Any) -> Iterator[str]:
    """Every text of a part of a manifest, without its expressions."""
    return (re.sub(r"\$\{\{.*?\}\}", " ", text) for text in texts_of(value))
