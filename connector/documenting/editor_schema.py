"""JSON Schema of connector.yaml and of actions/*.yaml: what editors complete, explain and check as people type.

Made from the types of `manifest`: their fields, annotations and texts. The words are those that draft-07 and
2020-12 share, but for `$defs`, because editors differ in what they know; what is used once stands where it is
used, so that an editor has the text of a key without following a reference.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Final

from connector import manifest
from connector.document import parse
from connector.documenting.json_schema import any_schema, schema_of_fields
from connector.manifest import Action, Connector
from connector.shipped_files import COMPILED, PACKAGE
from connector.soundness import AUTH_KEYS, AUTH_OPTIONAL

KINDS: Final = ("connector", "action")
_PLACED: Final = ("actions", "folder")  # the reader puts them in
_UPPER: Final = {"id": "ID", "url": "URL"}
_INLINE_EXAMPLE: Final = re.compile(r"\s*Example: `([^`]+)`\Z")
_EXAMPLE: Final = re.compile(r"^Example:(.*(?:\n(?:[ \t].*)?)*)", re.MULTILINE)


def editor_schema(kind: str) -> dict[str, Any]:
    """The schema of a `connector` or of an `action`."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - the page of a connector needs none of it

    whole = TypeAdapter(Connector if kind == "connector" else Action).json_schema()
    types = {name: _inherited(name, _conditions(name, schema)) for name, schema in whole.pop("$defs").items()}
    for name in _PLACED if kind == "connector" else ():
        del whole["properties"][name]
        whole["required"].remove(name)
    schema = _finished(whole, types)
    file = "connector.yaml" if kind == "connector" else "A file in the folder actions/"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Connector" if kind == "connector" else "Action",
        "description": f"{file}. {schema.pop('description')}",
        **{word: value for word, value in schema.items() if word not in {"title", "examples"}},
        "$defs": {"schema": any_schema()},
    }


def schema_text(kind: str) -> str:
    """The file of a schema."""
    return json.dumps(editor_schema(kind), indent=2, ensure_ascii=False) + "\n"


def file_name(kind: str) -> str:
    """`connector.schema.json`."""
    return f"{kind}.schema.json"


def described(text: str) -> tuple[str, list[Any]]:
    """The text of a key without its examples, and these as values.

    Raises:
        ManifestError: if an example is not YAML.
    """
    if found := _INLINE_EXAMPLE.search(text):
        return text[: found.start()].strip(), [_value(found[1])]
    examples = [_value(textwrap.dedent(found[1]).strip()) for found in _EXAMPLE.finditer(text)]
    about = " ".join(_EXAMPLE.sub("", text).split())
    return about, examples


def _value(text: str) -> Any:
    # as under `since`, where a day is what the key holds
    return parse(f"since:\n{textwrap.indent(text, '  ')}", "example").value["since"]


def _inherited(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """With the texts of the keys that a type has from another: pydantic reads those of the type itself."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    properties = dict(schema["properties"])
    for other in getattr(manifest, name).__mro__[1:]:
        if is_dataclass(other):
            properties.update(TypeAdapter(other).json_schema()["properties"])
    return {**schema, "properties": properties}


def _conditions(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """What holds between the keys of a type; `soundness` says it in sentences."""
    if name == "Rule":
        ways = [key for key in schema["properties"] if key != "say"]
        return {**schema, "oneOf": [{"required": [key]} for key in ways]}
    if name == "Auth":
        return {**schema, "allOf": list(_auth_conditions(schema["properties"]))}
    return schema


def _auth_conditions(properties: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    known = {key for keys in (*AUTH_KEYS.values(), *AUTH_OPTIONAL.values()) for key in keys}
    for kind, needed in AUTH_KEYS.items():
        foreign = known.difference(needed, AUTH_OPTIONAL.get(kind, ()))
        then: dict[str, Any] = {"required": list(needed)} if needed else {}
        then["properties"] = {key: False for key in properties if key in foreign}
        yield {"if": {"required": ["kind"], "properties": {"kind": {"const": kind}}}, "then": then}


def _finished(schema: dict[str, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of pydantic's as editors show it best, references written out."""
    schema = dict(schema)
    reference = schema.pop("$ref", None)
    if reference is not None:
        schema = {**types[reference.rpartition("/")[2]], **schema}
    if "anyOf" in schema:
        schema = _joined(schema, types)
    found: dict[str, Any] = {}
    if "title" in schema:
        found["title"] = _title(schema.pop("title"))
    about, examples = described(schema.pop("description", ""))
    values = schema.get("additionalProperties")
    reads = schema.pop("x-reads", None) or (isinstance(values, dict) and values.get("x-reads"))
    if reads:
        about += f" Expressions here read {' and '.join(f'`{name}`' for name in reads)}."
    found["description"] = about
    if not about:
        del found["description"]
    if form := {"json-schema": any_schema, "json-schema-of-fields": schema_of_fields}.get(
        schema.get("format", "")
    ):
        schema = {word: value for word, value in form().items() if word not in {"title", "description"}}
        schema["type"] = "object"
    elif schema.get("default") in (None, [], {}, "") or isinstance(schema.get("default"), dict):
        schema.pop("default", None)
    if schema.get("format") == "date":
        schema["pattern"] = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
    if isinstance(schema.get("default"), float) and schema["default"].is_integer():
        schema["default"] = int(schema["default"])
    if "properties" in schema and not form:
        schema["properties"] = {
            name: _finished({**inner, "title": name}, types) for name, inner in schema["properties"].items()
        }
    for word in ("items", "additionalProperties") if not form else ():
        if isinstance(schema.get(word), dict):
            schema[word] = _finished(schema[word], types)
    found.update(schema)
    if examples:
        found["examples"] = examples
    return found


def _joined(schema: dict[str, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    """Alternatives of different types as one schema: an editor explains it better than a choice."""
    parts = [_finished({word: value for word, value in part.items() if word != "x-reads"}, types)
             for part in schema["anyOf"]]  # fmt: skip
    rest = {word: value for word, value in schema.items() if word != "anyOf"}
    if reads := next((part["x-reads"] for part in schema["anyOf"] if "x-reads" in part), None):
        rest["x-reads"] = reads
    whole: dict[str, Any] = {}
    kinds: list[str] = []
    for part in parts:
        if "type" in part:
            kinds += [part["type"]] if isinstance(part["type"], str) else part["type"]
        whole.update({word: value for word, value in part.items() if word not in {"type", "title"}})
    if not all("type" in part for part in parts):  # any value
        return {**whole, **rest}
    if "enum" in whole and "null" in kinds:
        whole["enum"] = [*whole["enum"], None]
    return {**whole, "type": kinds, **rest}


def _title(name: str) -> str:
    words = [_UPPER.get(word, word) for word in name.split("_")]
    return " ".join(word if word.isupper() else word.capitalize() for word in words)


def shipped_text(kind: str) -> str:
    """As schema_text, from the file that comes with the package, where it is one."""
    for folder in (Path(COMPILED), Path(PACKAGE).parent):
        file = folder / "schemas" / file_name(kind)
        if file.is_file():
            return file.read_text(encoding="utf-8")
    return schema_text(kind)
