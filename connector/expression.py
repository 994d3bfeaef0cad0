"""The expression language: a checked subset of JMESPath, in a few kinds of node.

Every kind below can be evaluated, typed and exported. `expression_parser` makes them from text.

    inputs.messages[0].role        fields and indexes         `a` is a Field, `a.b` a Then, `a[0]` a Then
    results[*].url, results[].url  one of each, flattened     Each
    output[?type == 'message']     compared with a literal    Filter
    [].{title: title, url: url}    rows                       Row
    a || b, a && b, !a, a | b      choice, both, not, pipe    Or, And, Not, Then
    ==, !=, <, <=, >, >=           comparison                 Compare
    'text', `5`, null, ['a', 'b']  literals                   Literal
    join(', ', x), length(x), to_string(x), to_number(x), contains(x, 'y'), not_null(x, y), entries(x),
    parse_json(x), decode_int8(x), decode_bits(x), lookup('table', x)    Call
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


class _Node:
    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled, it is a call of its type: unpickling a thousand of them takes half as long."""
        names: tuple[str, ...] = self.__slots__
        return type(self), tuple(getattr(self, name) for name in names)


@dataclass(frozen=True, slots=True)
class Current(_Node):
    """The value that stands to the left."""


@dataclass(frozen=True, slots=True)
class Literal(_Node):
    value: Any


@dataclass(frozen=True, slots=True)
class Field(_Node):
    name: str


@dataclass(frozen=True, slots=True)
class Index(_Node):
    index: int


@dataclass(frozen=True, slots=True)
class Then(_Node):
    """`right` applied to what `left` gives."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Each(_Node):
    """`then` applied to each item of the list `source` (lists in it opened if `flatten`); nulls drop out."""

    source: Node
    then: Node
    flatten: bool


@dataclass(frozen=True, slots=True)
class Filter(_Node):
    """As Each, for the items for which `condition` holds."""

    source: Node
    condition: Node
    then: Node


@dataclass(frozen=True, slots=True)
class Row(_Node):
    fields: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Compare(_Node):
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Or(_Node):
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class And(_Node):
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Not(_Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class Call(_Node):
    name: str
    arguments: tuple[Node, ...]


Node = Current | Literal | Field | Index | Then | Each | Filter | Row | Compare | Or | And | Not | Call


def references(node: Node) -> Iterator[tuple[str, ...]]:
    """The paths that an expression starts from, such as ("inputs", "messages"), in reading order.

    A path ends where an index, a list or a row begins.
    """
    if isinstance(node, Field):
        yield (node.name,)
    elif isinstance(node, Then):
        lefts = list(references(node.left))
        if lefts and isinstance(node.right, Field) and _is_path(node.left):
            yield (*lefts[0], node.right.name)
        else:
            yield from lefts
    elif isinstance(node, (Each, Filter)):
        yield from references(node.source)
    elif isinstance(node, (Compare, Or, And)):
        yield from references(node.left)
        yield from references(node.right)
    elif isinstance(node, Not):
        yield from references(node.operand)
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from references(argument)
    elif isinstance(node, Row):
        for _, value in node.fields:
            yield from references(value)


def _is_path(node: Node) -> bool:
    return isinstance(node, Field) or (
        isinstance(node, Then) and _is_path(node.left) and isinstance(node.right, Field)
    )
