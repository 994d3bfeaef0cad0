"""An OpenAPI document from bytes: JSON, or YAML in all its forms.

This is the second home of PyYAML: `document` reads manifests, from events and strictly; what vendors publish uses
anchors, merges and tags, and is read as YAML 1.2 has it: `no`, `on` and 2024-01-15 are texts.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import yaml

from connector.errors import ManifestError, Problem

MAX_BYTES: Final = 256 * 1024 * 1024


def parse(content: bytes, name: str) -> Mapping[str, Any]:
    """The document as JSON values; mappings that are not keyed by text are.

    Args:
        content: the file.
        name: its name, as errors show it.

    Raises:
        ManifestError: if it is not an OpenAPI document of a version that is read here.
    """
    if len(content) > MAX_BYTES:
        message = f"The document has {len(content):,} bytes; {MAX_BYTES:,} are read."
        _refuse(name, message, "Import a document of fewer operations.")
    document = _value(content, name)
    if not isinstance(document, dict):
        _refuse(
            name, "It is not an OpenAPI document.", "Give a file that begins with `openapi:` or `swagger:`."
        )
    _check_version(document, name)
    return document


def version_of(document: Mapping[str, Any]) -> str:
    """`2.0`, or what follows `openapi`: `3.0.3`."""
    return str(document.get("swagger") or document.get("openapi") or "")


def _check_version(document: Mapping[str, Any], name: str) -> None:
    version = version_of(document)
    if version.startswith("3.") or version in {"2", "2.0"}:
        return
    if version:
        message = f"OpenAPI {version[:20]!r} is not read here."
        _refuse(name, message, "Convert it to OpenAPI 3.1, 3.0 or Swagger 2.0.")
    if "asyncapi" in document:
        _refuse(name, "It is an AsyncAPI document.", "Only OpenAPI and Swagger documents are read.")
    if document.get("kind") == "discovery#restDescription":
        _refuse(name, "It is a Google Discovery document.", "Convert it to OpenAPI first.")
    if "swaggerVersion" in document:
        _refuse(name, "It is a Swagger 1 document.", "Convert it to Swagger 2.0 or OpenAPI 3 first.")
    hint = 'An OpenAPI document says `openapi: 3.x` or `swagger: "2.0"`.'
    _refuse(name, "It names no version of OpenAPI.", hint)


def _value(content: bytes, name: str) -> Any:
    try:
        text = _decoded(content)
    except UnicodeDecodeError as error:
        _refuse(name, f"Not UTF-8 text (byte {error.start}).", "Save the file as UTF-8.")
    if not text.strip():
        _refuse(name, "The document is empty.", "Give an OpenAPI document in JSON or YAML.")
    if text.lstrip()[0] in "{[":
        try:
            return json.loads(text, strict=False)
        except RecursionError:
            _refuse(name, "The document is nested too deep.", "Bundle it with references kept in place.")
        except ValueError as error:
            wrong = f"{error}"
    else:
        wrong = ""
    return _yaml(text, name, wrong)


def _decoded(content: bytes) -> str:
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return content.decode("utf-16")
    return content.removeprefix(BOM_UTF8).decode()


def _yaml(text: str, name: str, not_json: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a loader of plain values only
    except RecursionError:
        _refuse(name, "The document is nested too deep.", "Bundle it with references kept in place.")
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark and not not_json else name
        said = not_json or str(getattr(error, "problem", None) or error).splitlines()[0]
        _refuse(where, f"Neither JSON nor YAML: {said}.", "Check the file with a validator for OpenAPI.")


def _refuse(where: str, message: str, hint: str) -> NoReturn:
    raise ManifestError([Problem(where, message, hint)]) from None


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """YAML 1.2's core schema: no dates, no `yes`, no numbers to the base of 60. Keys are texts."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's way

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        if isinstance(node, yaml.MappingNode):
            self.flatten_mapping(node)
        keys = [key.value if isinstance(key, yaml.ScalarNode) else None for key, _ in node.value]
        found = {}
        for key, (_, value) in zip(keys, node.value, strict=True):
            if key is None:
                raise yaml.YAMLError("a key is not a text")
            found[key] = self.construct_object(value, deep=deep)
        return found

    def unknown(self, node: Any) -> Any:
        """A value with a tag of its own is read as what it looks like."""
        if isinstance(node, yaml.MappingNode):
            return self.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return node.value


def _number(_loader: Any, node: Any) -> Any:
    text = node.value.replace("_", "")
    try:
        return int(text, 0) if re.match(r"[-+]?0[xo]", text) else int(text)
    except ValueError:
        return node.value


def _float(_loader: Any, node: Any) -> Any:
    return float(node.value)


_RESOLVERS: Final = (
    ("tag:yaml.org,2002:bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF"),
    ("tag:yaml.org,2002:null", r"(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z",
        "-+0123456789.",
    ),
    ("tag:yaml.org,2002:merge", r"<<\Z", "<"),
)
for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:int", _number)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: node.value)
_Loader.add_constructor("tag:yaml.org,2002:binary", lambda loader, node: node.value)
_Loader.add_constructor(None, _Loader.unknown)
