"""A result as text for a model and its reader: the answer first, then numbered sources, then the rest.

What an output is to a reader follows from the contract alone: `content` is the answer, rows with a title and a
URL are sources. Names and values of everything else come last, and nothing is said twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connector.manifest import Action
from connector.schema import Schema
from connector.visible import visible

ANSWER: Final = "content"
_FEW = 8  # numbers of a list that are shown

_Rows = Sequence[Mapping[str, Any]]


def readable(action: Action, outputs: Mapping[str, Any]) -> str:
    """The outputs as text. Characters that would steer a terminal or hide their order are escapes in it."""
    schemas = action.output_fields
    sources = [name for name in outputs if _are_sources(schemas.get(name, {})) and outputs[name]]
    said: set[str] = set()
    parts: list[str] = []
    if answer := outputs.get(ANSWER):
        parts.append(answer)
    for number, name in enumerate(sources):
        title = schemas[name].get("title", name)
        heading = "Sources" if number == 0 and answer else title
        parts.append("\n".join([f"{heading}:", *_sources(outputs[name])]))
        said.update(_texts(outputs[name]))
    shown = {ANSWER, *sources}
    rest = [
        line for name, value in outputs.items() if name not in shown for line in _field(name, value, said)
    ]
    if rest:
        parts.append("\n".join(rest))
    return visible("\n\n".join(parts)) or "The answer is empty."


def _are_sources(schema: Schema) -> bool:
    columns = schema.get("items", {}).get("properties", {})
    return "title" in columns and "url" in columns


def _sources(rows: _Rows) -> Iterator[str]:
    """Each with its own number where it has one: marks such as [1] in the answer mean it."""
    numbers = [row.get("id") for row in rows]
    own = all(isinstance(number, int) for number in numbers) and len(set(numbers)) == len(rows)
    for place, row in enumerate(rows, 1):
        more = [f"{name}: {_short(value)}" for name, value in row.items() if name not in _IN_PLACE]
        yield f"[{row['id'] if own else place}] {row.get('title') or '(no title)'}"
        yield f"    {row.get('url')}"
        if snippet := row.get("snippet"):
            yield _indented(str(snippet))
        if more:
            yield f"    ({'; '.join(more)})"


_IN_PLACE = {"id", "title", "url", "snippet"}


def _field(name: str, value: Any, said: set[str]) -> Iterator[str]:
    if isinstance(value, list):
        if not value or all(isinstance(item, str) and item in said for item in value):
            return
        if all(isinstance(item, Mapping) for item in value):
            yield f"{name}:"
            for row in value:
                yield "  - " + "; ".join(f"{column}: {_short(inner)}" for column, inner in row.items())
        else:
            yield f"{name}: {_short(value)}"
    elif not (isinstance(value, str) and (value in said or not value)):
        yield f"{name}: {_short(value)}"


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value.replace("\n", "\n    ")
    if (
        isinstance(value, list)
        and len(value) > _FEW
        and all(isinstance(item, (int, float)) for item in value)
    ):
        return f"[{', '.join(map(str, value[:_FEW]))}, ... {len(value)} numbers]"
    return json.dumps(value, ensure_ascii=False)


def _indented(text: str) -> str:
    return "    " + text.replace("\n", "\n    ")


def _texts(rows: _Rows) -> Iterator[str]:
    return (value for row in rows for value in row.values() if isinstance(value, str))
