"""docs/manifest.md: every key of a manifest on one page, from the schemas that editors have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connector.documenting.editor_schema import editor_schema
from connector.documenting.json_schema import WORDS
from connector.documenting.markdown import block, code, table
from connector.importing.yaml_text import yaml_text

Schema = Mapping[str, Any]

_HEAD: Final = """# The manifest format

A connector is a folder of YAML:

```
my_connector/connector.yaml          the connector: its connection, its failures, its limits
my_connector/actions/<action>.yaml   an action each, named as its id
```

Every key is on this page: its type, what stands there if it is left out, what it does, and an example. An editor with
a YAML language server knows all of it from the first line of a file, once `connector schema -o my_connector` has
written the schemas that these lines name; `connector lint` checks what no schema can say.

```yaml
# yaml-language-server: $schema=connector.schema.json         (in connector.yaml)
# yaml-language-server: $schema=../action.schema.json         (in actions/*.yaml)
```

The YAML is strict: JSON's values in YAML's clothes. Words that other readers take for something else (`on`, `012`,
`12:30`, a date) are put in quotes, but for the days of a lifecycle, and so is text with `?` inside `{ }` or `[ ]`;
there are no anchors, tags or duplicate keys.
What `${{ }}` may hold stands in [expressions.md](expressions.md), how to begin in
[write-a-connector.md](write-a-connector.md).
"""
_WORDS_BELOW: Final = """`inputs`, `outputs`, `response` and `fields` are JSON Schemas, read as 2020-12. These are their words. References are
not read; a word that begins with `x-` is yours."""
_DAY: Final = re.compile(r"^( *(?:- )?(?:since|deprecated|retired): )\"([0-9-]{10})\"$", re.MULTILINE)
_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}
_LONGEST_INLINE: Final = 60


@dataclass(frozen=True)
class _Place:
    """Where an object stands: what it is called on the page, and what its examples are shown in."""

    name: str
    """`routes.<name>.poll`; empty for a whole file."""
    around: tuple[str, ...] = ()
    """The keys above it; `[]` for an item of a list."""

    def key(self, name: str) -> _Place:
        return _Place(f"{self.name}.{name}".lstrip("."), (*self.around, name))

    def item(self) -> _Place:
        return _Place(f"{self.name}[]", (*self.around, "[]"))

    def named(self, example: str) -> _Place:
        return _Place(f"{self.name}.<name>", (*self.around, example))

    def within(self, value: Any) -> Any:
        """A value of this place in what stands around it."""
        for key in reversed(self.around):
            value = [value] if key == "[]" else {key: value}
        return value


@dataclass
class _Seen:
    """The sections so far: what has the same keys is described once."""

    places: dict[str, str] = field(default_factory=dict)

    def earlier(self, schema: Schema, place: _Place) -> str | None:
        keys = json.dumps(schema["properties"], sort_keys=True)
        known = self.places.setdefault(keys, place.name)
        return None if known == place.name else known


def manifest_page() -> str:
    """The page."""
    lines = [_HEAD]
    seen = _Seen()
    for heading, kind in (("connector.yaml", "connector"), ("actions/\\<action>.yaml", "action")):
        lines += [f"## {heading}", ""]
        lines += _section(editor_schema(kind), _Place(""), seen)
    lines += ["## JSON Schema", ""]
    lines += [_WORDS_BELOW, ""]
    rows = [(code(word.name), word.about, code(_inline(word.name, word.example))) for word in WORDS]
    lines += table(("word", "what it says", "example"), rows)
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(schema: Schema, place: _Place, seen: _Seen) -> Iterator[str]:
    """The keys of an object, then those of the objects in it."""
    required = schema.get("required", ())
    rows, blocks = [], []
    for name, inner in schema["properties"].items():
        example = inner["examples"][0]
        line = _inline(name, example)
        is_short = len(line) <= _LONGEST_INLINE and not isinstance(example, dict)
        rows.append(
            (
                code(name),
                _type(inner),
                "required" if name in required else code(_default(inner)),
                _marked(inner["description"]),
                code(line) if is_short else "",
            )
        )
        for one in inner["examples"] if not is_short else inner["examples"][1:]:
            blocks += [block(_yaml(place.key(name).within(one)), "yaml"), ""]
    yield from table(("key", "type", "default", "what it does", "example"), rows)
    yield from blocks
    for name, inner in schema["properties"].items():
        if _is_json_schema(inner):
            continue
        deeper, where = _objects(inner, place.key(name), inner["examples"][0])
        if deeper is None:
            continue
        yield from (f"### {where.name.replace('<', chr(92) + '<')}", "")
        if known := seen.earlier(deeper, where):
            yield from (f"The keys are those of {code(known)}.", "")
        else:
            yield from _section(deeper, where, seen)


def _objects(schema: Schema, place: _Place, example: Any) -> tuple[Schema | None, _Place]:
    """The object with keys of its own that a value is, or that stands in it, and its place."""
    if "properties" in schema:
        return schema, place
    items, others = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, Mapping):
        first = example[0] if isinstance(example, list) and example else None
        return _objects(items, place.item(), first)
    if isinstance(others, Mapping):
        name = next(iter(example), "name") if isinstance(example, dict) else "name"
        inner = example.get(name) if isinstance(example, dict) else None
        return _objects(others, place.named(str(name)), inner)
    return None, place


def _is_json_schema(schema: Schema) -> bool:
    return "additionalProperties" in schema.get("properties", {})


def _type(schema: Schema) -> str:
    """The type of a value in words."""
    if _is_json_schema(schema):
        return "[JSON Schema](#json-schema)"
    if "enum" in schema:
        return "one of " + ", ".join(code(choice) for choice in schema["enum"] if choice is not None)
    if "const" in schema:
        return code(schema["const"])
    if schema.get("format") == "date":
        return "day"
    if str(schema.get("pattern", "")).startswith(r"^\$\{\{"):
        return "expression"
    kinds = schema.get("type", ())
    if "\\$" in schema.get("pattern", ""):
        return "number or expression"
    words = [_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind in _TYPES]
    inner = schema.get("items") or schema.get("additionalProperties")
    if isinstance(inner, Mapping) and words:
        words[-1] += f" of {_several(inner)}"
    return " or ".join(words) or "any value"


def _several(schema: Schema) -> str:
    word = _type(schema)
    plurals = {"text": "texts", "whole number": "whole numbers", "mapping": "mappings", "any value": "values"}
    return plurals.get(word, re.sub(r"\A(list|mapping) of", r"\1s of", word))


def _default(schema: Schema) -> str:
    return _yaml(schema["default"]).strip() if "default" in schema else ""


def _inline(name: str, value: Any) -> str:
    """`name: value` in one line of YAML."""
    line = _yaml({name: value}).strip()
    return line if "\n" not in line else f"{name}: {json.dumps(value, ensure_ascii=False)}"


def _yaml(value: Any) -> str:
    """As manifests are written: the days of a lifecycle need no quotes."""
    return _DAY.sub(r"\1\2", yaml_text(value))


def _marked(about: str) -> str:
    """A text of ours for a cell: its backticks are code, the rest is plain."""
    parts = about.split("`")
    return "".join(code(part) if index % 2 else part.replace("|", "&#124;").replace("<", "\\<")
                   for index, part in enumerate(parts))  # fmt: skip
