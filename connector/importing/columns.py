"""Lists of objects in an answer, as flat rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from connector.expression_parser import MAX_LENGTH
from connector.importing.asked import step
from connector.importing.cleaning import prose
from connector.importing.kinds import kinds_said
from connector.importing.names import UNSAYABLE, as_said, input_name_of, unique
from connector.importing.spec import Node, mapping, whole

SCALARS: Final = frozenset({"string", "integer", "number", "boolean"})
_MOST_COLUMNS: Final = 60
_LONGEST_PROSE: Final = 300


@dataclass(frozen=True)
class Rows:
    """A list of objects, flat.

    Attributes:
        expression: what takes the rows out of the answer.
        columns: name -> schema.
        schema: the fields of an object in the answer, as far as columns are taken from it.
        left_out: the fields that are no columns.
    """

    expression: str
    columns: Mapping[str, Any]
    schema: Mapping[str, Any]
    left_out: tuple[str, ...]


def rows(item: Node, source: str, one_of: Callable[[Any], Node]) -> Rows:
    """The rows of a list.

    Its objects' own plain fields are columns under their own names, and the list is taken as it stands. Fields
    one level below get names such as `owner_login`, where the expression that takes them out is not too long.

    Args:
        item: the flat schema of an object.
        source: the expression that reads the list.
        one_of: makes a schema flat.
    """
    columns, schema, left_out = dict[str, Any](), dict[str, Any](), list[str]()
    below: list[tuple[str, str, str]] = []
    for name, node in _fields(item, one_of):
        kind = _scalar(node)
        if kind and len(columns) < _MOST_COLUMNS:
            columns[name], schema[name] = words_of(node, kind), {"type": or_null(kind)}
        elif kinds_said(node) == {"object"} and mapping(node.get("properties")):
            inner = [(name, inner, _scalar(field)) for inner, field in _fields(node, one_of)]
            below += [(outer, field, found) for outer, field, found in inner if found]
            left_out += [f"{outer}.{field}" for outer, field, found in inner if not found]
        else:
            left_out.append(name)
    plain = Rows(source, columns, schema, (*left_out, *(f"{outer}.{inner}" for outer, inner, _ in below)))
    with_nested = _nested(plain, tuple(left_out), below, item, one_of)
    return with_nested or plain


def _nested(
    plain: Rows,
    left_out: tuple[str, ...],
    below: list[tuple[str, str, str]],
    item: Node,
    one_of: Callable[[Any], Node],
) -> Rows | None:
    """The same rows with the fields one level below, as many as fit; None if none does."""
    taken = {name: step(name) for name in plain.columns}
    columns, schema, missing = dict(plain.columns), dict(plain.schema), list(left_out)
    for outer, inner, kind in below:
        name = unique(input_name_of(f"{outer}_{inner}"), columns)
        longer = {**taken, name: f"{step(outer)}.{step(inner)}"}
        if UNSAYABLE & {*taken, outer, inner} or len(_expression(plain.expression, longer)) > MAX_LENGTH:
            missing.append(f"{outer}.{inner}")
            continue
        node = one_of(mapping(one_of(mapping(item.get("properties"))[outer]).get("properties"))[inner])
        taken, columns[name] = longer, words_of(node, kind)
        inside = schema.setdefault(outer, {"type": or_null("object"), "properties": {}})
        inside["properties"][inner] = {"type": or_null(kind)}
    if len(columns) == len(plain.columns):
        return None
    return Rows(_expression(plain.expression, taken), columns, schema, tuple(missing))


def _expression(source: str, taken: Mapping[str, str]) -> str:
    columns = ", ".join(f"{step(name)}: {entry}" for name, entry in taken.items())
    return f"{source}[].{{{columns}}}"


def _fields(item: Node, one_of: Callable[[Any], Node]) -> Iterator[tuple[str, Node]]:
    for said, node in mapping(item.get("properties")).items():
        flat = one_of(node)
        if flat.get("writeOnly") is not True:
            yield whole(str(said)), flat


def _scalar(flat: Node) -> str:
    """The one type of a plain field; empty if it is not plain."""
    kinds = kinds_said(flat)
    if kinds == {"integer", "number"}:
        return "number"
    return next(iter(kinds)) if len(kinds) == 1 and kinds <= SCALARS else ""


def or_null(*kinds: str) -> list[str]:
    """The types of a field of an answer: any may be null, for documents seldom say so, and services do it."""
    return [*kinds, "null"]


def words_of(flat: Node, kind: str, said: str = "") -> dict[str, Any]:
    """The schema of an output; `said` is what the service calls it."""
    made: dict[str, Any] = {"type": kind, **as_said(said)}
    if about := prose(flat.get("description"), _LONGEST_PROSE):
        made["description"] = about
    return made
