"""From the text of an expression to its tree. Only reading a manifest needs this.

jmespath's own parser reads the text, so the grammar is the published one. What the subset leaves out is
refused here, with the place and a way out.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Final

from jmespath import exceptions as jmespath_errors
from jmespath.parser import Parser

from connector.errors import did_you_mean
from connector.expression import (
    And,
    Call,
    Compare,
    Current,
    Each,
    Field,
    Filter,
    Index,
    Literal,
    Node,
    Not,
    Or,
    Row,
    Then,
)
from connector.expression_syntax import ExpressionError, check_literals, nesting, stops_early, unexpected

MAX_LENGTH: Final = 200
MAX_NESTING: Final = 12
FUNCTIONS: Final = {
    "join": (2, 2),
    "length": (1, 1),
    "to_string": (1, 1),
    "contains": (2, 2),
    "not_null": (1, 9),
    "lookup": (2, 2),
    "to_number": (1, 1),
    "parse_json": (1, 1),
    "entries": (1, 1),
    "decode_int8": (1, 1),
    "decode_bits": (1, 1),
}


def parse(text: str) -> Node:
    """The text of an expression, without `${{` and `}}`, as a tree.

    Raises:
        ExpressionError: with what is wrong, the wrong part, and a way out.
    """
    if len(text) > MAX_LENGTH:
        hint = "Shorten it, or move names into a table and look them up."
        raise ExpressionError(
            f"The expression has {len(text)} characters; {MAX_LENGTH} are allowed.", hint, text[:20]
        )
    if not text.strip():
        raise ExpressionError(
            "The expression is empty.", "Write what to insert, such as `inputs.query`.", text
        )
    if nesting(text) > MAX_NESTING:
        raise ExpressionError(
            f"Nested deeper than {MAX_NESTING} levels.", "Simplify the expression.", text[:20]
        )
    check_literals(text)
    try:
        tree: Any = Parser().parse(text).parsed
    except jmespath_errors.IncompleteExpressionError:
        raise stops_early(text) from None
    except jmespath_errors.JMESPathError as error:
        places = ("lexer_position", "lex_position")
        position = next((getattr(error, name) for name in places if hasattr(error, name)), 0)
        raise unexpected(text, position) from None
    return _node(tree, text)


def _node(tree: dict[str, Any], text: str) -> Node:
    build = _BUILD.get(tree["type"])
    if build is None:
        what, way_out, word = _LEFT_OUT.get(tree["type"], (tree["type"], "Write it as a path.", ""))
        found = re.search(word, text) if word else None
        message = f"{what} is not part of the expression language."
        raise ExpressionError(message, way_out, found.group() if found else text)
    return build(tree, text)


_LEFT_OUT = {
    "value_projection": ("`.*` (all values of an object)", "Name the fields.", r"\.?\*"),
    "slice": (
        "A slice `[a:b]`",
        "Use an index such as [0], or each item with [*].",
        r"\[[-0-9 ]*:[-0-9 :]*\]",
    ),
    "expref": ("`&expression`", "Sorting and mapping functions are left out; write a path.", r"&\w*"),
    "current": ("`@`", "Start the path with a name, such as `inputs`.", "@"),
}


def _field(tree: dict[str, Any], text: str) -> Node:
    name: str = tree["value"]
    if name == "null":  # JMESPath has no word for null; a field of that name is what people write for it
        return Literal(None)
    if name in {"true", "false"}:
        raise ExpressionError(
            f"`{name}` here would be a field.", f"Write it between backticks: `{name}`.", name
        )
    return Field(name)


def _then(tree: dict[str, Any], text: str) -> Node:
    steps = [_node(child, text) for child in tree["children"]]
    whole = steps[0]
    for step in steps[1:]:
        whole = _chain(whole, step)
    return whole


def _chain(left: Node, right: Node) -> Node:
    if isinstance(right, Current):
        return left
    if isinstance(left, Not):  # JMESPath reads !a.b as (!a).b, which nobody means
        raise ExpressionError("`!` takes only the first name after it.", "Write !(a.b) for !a.b.", "!")
    # one shape for one meaning: a | b.c is a.b.c, and what follows a is each item of a.b
    if isinstance(right, Then):
        return _chain(_chain(left, right.left), right.right)
    if isinstance(right, (Each, Filter)):
        return replace(right, source=_chain(left, right.source))
    return Then(left, right)


def _projection(tree: dict[str, Any], text: str) -> Node:
    source, then = tree["children"]
    if source["type"] == "flatten":
        return Each(_node(source["children"][0], text), _node(then, text), flatten=True)
    return Each(_node(source, text), _node(then, text), flatten=False)


def _filter(tree: dict[str, Any], text: str) -> Node:
    source, then, condition = tree["children"]
    test = _node(condition, text)
    if not _compares_with_literals(test):
        hint = "Write the condition as field == 'text', joined with && and ||."
        raise ExpressionError("A filter compares fields with literals.", hint, text[text.find("[?") :])
    return Filter(_node(source, text), test, _node(then, text))


def _compares_with_literals(node: Node) -> bool:
    if isinstance(node, (And, Or)):
        return _compares_with_literals(node.left) and _compares_with_literals(node.right)
    if isinstance(node, Not):
        return _compares_with_literals(node.operand)
    return isinstance(node, Compare) and (isinstance(node.left, Literal) or isinstance(node.right, Literal))


def _list(tree: dict[str, Any], text: str) -> Node:
    items = [_node(child, text) for child in tree["children"]]
    if not all(isinstance(item, Literal) for item in items):
        hint = "Build rows with [].{name: field}, or write the list in YAML with one expression an item."
        raise ExpressionError("A list here holds literals only.", hint, text)
    return Literal([item.value for item in items if isinstance(item, Literal)])


def _row(tree: dict[str, Any], text: str) -> Node:
    names = [pair["value"] for pair in tree["children"]]
    for name in names:
        if names.count(name) > 1:
            raise ExpressionError(f"The row names {name!r} twice.", "Keep one of them.", name)
    return Row(tuple((pair["value"], _node(pair["children"][0], text)) for pair in tree["children"]))


_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def _call(tree: dict[str, Any], text: str) -> Node:
    name = tree["value"]
    if name not in FUNCTIONS:
        message = f"There is no function {name!r}."
        raise ExpressionError(message, did_you_mean(name, FUNCTIONS), name)
    least, most = FUNCTIONS[name]
    given = len(tree["children"])
    if not least <= given <= most:
        count = str(least) if least == most else f"{least} to {most}"
        raise ExpressionError(
            f"{name} takes {count} arguments, not {given}.", "See docs/expressions.md.", name
        )
    arguments = tuple(_node(child, text) for child in tree["children"])
    first = arguments[0]
    if name == "lookup" and not (isinstance(first, Literal) and isinstance(first.value, str)):
        hint = "Write lookup('table', inputs.name)."
        raise ExpressionError("lookup names its table with a text in single quotes.", hint, name)
    return Call(name, arguments)


def _literal(tree: dict[str, Any], text: str) -> Node:
    try:
        json.dumps(tree["value"], allow_nan=False)
    except ValueError:
        raise ExpressionError("A literal must be a finite JSON value.", "Write a number.", text) from None
    return Literal(tree["value"])


_BUILD = {
    "field": _field,
    "identity": lambda tree, text: Current(),
    "literal": _literal,
    "index": lambda tree, text: Index(tree["value"]),
    "subexpression": _then,
    "index_expression": _then,
    "pipe": _then,
    "projection": _projection,
    "flatten": lambda tree, text: Each(_node(tree["children"][0], text), Current(), flatten=True),
    "filter_projection": _filter,
    "multi_select_dict": _row,
    "multi_select_list": _list,
    "comparator": lambda tree, text: Compare(
        _SIGNS[tree["value"]], *(_node(c, text) for c in tree["children"])
    ),
    "or_expression": lambda tree, text: Or(*(_node(child, text) for child in tree["children"])),
    "and_expression": lambda tree, text: And(*(_node(child, text) for child in tree["children"])),
    "not_expression": lambda tree, text: Not(_node(tree["children"][0], text)),
    "function_expression": _call,
}
