"""Trees at work: an expression becomes one Python function, built once and called for every request.

JMESPath's semantics, as `evaluate` has them. Three differences matter for a connector:

- Functions answer null for null, and raise Drift for a value that is not of their type. to_string keeps
  letters as they are, where the package escapes all but ASCII.
- With `strict`, reaching into a text or a number raises Drift instead of giving null, and so does a null among
  the items of a list instead of being dropped (a filter passes over it): an answer of the service that has
  changed its shape is told, not read as "nothing there".
- With `omit_null`, rows leave null fields out: a strict API refuses the nulls.

What manifests say most often has a function of its own: a path of names, a comparison with a text, a search in
a list of texts. It gives what the general one gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connector.evaluate import FUNCTIONS, Drift, Tables, equal, is_number, is_true
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

Evaluator = Callable[[Any], Any]


@dataclass(frozen=True)
class Mode:
    """How an expression treats what is not there. See the module's docstring."""

    strict: bool = False
    omit_null: bool = False


def compile_node(node: Node, tables: Tables, mode: Mode) -> Evaluator:
    """The function that evaluates the tree against a scope such as {"inputs": {...}}."""
    match node:
        case Current():
            return lambda current: current
        case Literal(value):
            return lambda current: value
        case Field(name):
            return _field(name, strict=mode.strict)
        case Index(index):
            return _index(index, strict=mode.strict)
        case Then(left, right):
            if names := _names(node):
                return _path(names, strict=mode.strict)
            return _then(compile_node(left, tables, mode), compile_node(right, tables, mode))
        case Each(source, then, flatten):
            step = f"`{_last_name(source)}{'[]' if flatten else '[*]'}`"
            items = _items(compile_node(source, tables, mode), step, flatten=flatten, strict=mode.strict)
            return _each(_without_gaps(items, step) if mode.strict else items, _of_item(then, tables, mode))
        case Filter(source, condition, then):
            step = f"`{_last_name(source)}[?...]`"
            items = _items(compile_node(source, tables, mode), step, flatten=False, strict=mode.strict)
            if chosen := _field_is_text(condition):
                return _each(_filter_text(items, *chosen), _of_item(then, tables, mode))
            holds = compile_node(condition, tables, Mode())  # an item of another kind just does not match
            return _each(_filter(items, holds), _of_item(then, tables, mode))
        case Row(fields):
            columns = [(name, value.name) for name, value in fields if isinstance(value, Field)]
            general = _row([(name, compile_node(value, tables, mode)) for name, value in fields], mode)
            return _row_of_fields(columns, mode, general) if len(columns) == len(fields) else general
        case Compare(operator, left, right):
            if operator in {"==", "!="} and (sides := _with_constant(left, right)):
                return _compare_constant(operator, compile_node(sides[0], tables, mode), sides[1])
            return _compare(operator, compile_node(left, tables, mode), compile_node(right, tables, mode))
        case Or(left, right):
            first, second = compile_node(left, tables, mode), compile_node(right, tables, mode)
            return lambda current: (
                value
                if (value := first(current)) is not None and value is not False and is_true(value)
                else second(current)
            )
        case And(left, right):
            first, second = compile_node(left, tables, mode), compile_node(right, tables, mode)
            return lambda current: (
                second(current)
                if (value := first(current)) is not None and value is not False and is_true(value)
                else value
            )
        case Not(operand):
            inner = compile_node(operand, tables, mode)
            return lambda current: (value := inner(current)) is None or value is False or not is_true(value)
        case Call(name, arguments):
            if name == "contains" and (texts := _texts(arguments[0])):
                return _one_of(texts, compile_node(arguments[1], tables, mode))
            return _call(name, [compile_node(argument, tables, mode) for argument in arguments], tables)


def _field(name: str, *, strict: bool) -> Evaluator:
    def evaluate(current: Any) -> Any:
        if isinstance(current, dict):
            return current.get(name)
        if strict and current is not None:
            raise Drift("object", current, f"`.{name}`")
        return None

    return evaluate


def _names(node: Node) -> tuple[str, ...]:
    """`a.b.c` as its names; none for anything else."""
    if isinstance(node, Field):
        return (node.name,)
    if isinstance(node, Then) and (left := _names(node.left)) and (right := _names(node.right)):
        return (*left, *right)
    return ()


def _path(names: tuple[str, ...], *, strict: bool) -> Evaluator:
    """Two names or more, one after the other."""
    first, second, *_ = names

    def walk(current: Any) -> Any:
        for name in names:
            if isinstance(current, dict):
                current = current.get(name)
            elif strict and current is not None:
                raise Drift("object", current, f"`.{name}`")
            else:
                return None
        return current

    def walk_two(current: Any) -> Any:  # such as `inputs.model`, which most of a request's body is made of
        if isinstance(current, dict):
            inner = current.get(first)
            if isinstance(inner, dict):
                return inner.get(second)
            if inner is None:
                return None
        return walk(current)

    return walk if len(names) > 2 else walk_two


def _index(index: int, *, strict: bool) -> Evaluator:
    def evaluate(current: Any) -> Any:
        if isinstance(current, list):
            return current[index] if -len(current) <= index < len(current) else None
        if strict and current is not None:
            raise Drift("list", current, f"`[{index}]`")
        return None

    return evaluate


def _then(left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda current: right(left(current))


def _items(source: Evaluator, step: str, *, flatten: bool, strict: bool) -> Callable[[Any], list[Any] | None]:
    def evaluate(current: Any) -> list[Any] | None:
        items = source(current)
        if not isinstance(items, list):
            if strict and items is not None:
                raise Drift("list", items, step)
            return None
        return _flat(items) if flatten else items

    return evaluate


def _without_gaps(items: Callable[[Any], list[Any] | None], step: str) -> Callable[[Any], list[Any] | None]:
    """The items, none of which may be null."""

    def evaluate(current: Any) -> list[Any] | None:
        found = items(current)
        if found and None in found:
            raise Drift("list without nulls", None, f"{step}, item {found.index(None)}")
        return found

    return evaluate


def _flat(items: list[Any]) -> list[Any]:
    """The items, lists among them opened."""
    for item in items:
        if isinstance(item, list):
            return [inner for item in items for inner in (item if isinstance(item, list) else [item])]
    return items


def _of_item(node: Node, tables: Tables, mode: Mode) -> Evaluator | None:
    """What to take of each item; None for the item itself."""
    return None if isinstance(node, Current) else compile_node(node, tables, mode)


def _each(items: Callable[[Any], list[Any] | None], then: Evaluator | None) -> Evaluator:
    def evaluate(current: Any) -> Any:
        found = items(current)
        if found is None:
            return None
        if then is None:
            return [item for item in found if item is not None]
        return [value for item in found if (value := then(item)) is not None]

    return evaluate


def _filter(items: Callable[[Any], list[Any] | None], holds: Evaluator) -> Callable[[Any], list[Any] | None]:
    """The items for which a condition holds. It compares, so it gives true, false or null, and never 0."""

    def evaluate(current: Any) -> list[Any] | None:
        found = items(current)
        return None if found is None else [item for item in found if holds(item)]

    return evaluate


def _field_is_text(condition: Node) -> tuple[str, tuple[str, ...]] | None:
    """`name == 'text'`, or one of some texts, which is what most filters ask: the name, and the texts."""
    match condition:
        case Compare("==", left, right):
            match _with_constant(left, right):
                case (Field(name), str(text)):  # an item that is no object has null
                    return name, (text,)
        case Or(left, right):
            one, other = _field_is_text(left), _field_is_text(right)
            if one and other and one[0] == other[0]:
                return one[0], one[1] + other[1]
    return None


def _filter_text(
    items: Callable[[Any], list[Any] | None], name: str, texts: tuple[str, ...]
) -> Callable[[Any], list[Any] | None]:
    """As _filter, for `name == 'text'`, or one of some."""

    def evaluate(current: Any) -> list[Any] | None:
        found = items(current)
        if found is None:
            return None
        return [item for item in found if isinstance(item, dict) and item.get(name) in texts]

    return evaluate


def _row(fields: list[tuple[str, Evaluator]], mode: Mode) -> Evaluator:
    def evaluate(current: Any) -> Any:
        if current is None:
            return None
        if mode.strict and not isinstance(current, dict):
            raise Drift("object", current, "a row")
        if mode.omit_null:
            return {name: found for name, value in fields if (found := value(current)) is not None}
        return {name: value(current) for name, value in fields}

    return evaluate


def _row_of_fields(columns: list[tuple[str, str]], mode: Mode, general: Evaluator) -> Evaluator:
    """A row that only picks fields, under the same names or others."""

    def evaluate(current: Any) -> Any:
        if not isinstance(current, dict):
            return general(current)
        if mode.omit_null:
            return {name: found for name, column in columns if (found := current.get(column)) is not None}
        return {name: current.get(column) for name, column in columns}

    return evaluate


def _with_constant(left: Node, right: Node) -> tuple[Node, str | None] | None:
    """A node and the text or null that it is compared with."""
    for node, other in ((left, right), (right, left)):
        if isinstance(other, Literal) and (other.value is None or isinstance(other.value, str)):
            return node, other.value
    return None


def _compare_constant(operator: str, value: Evaluator, constant: str | None) -> Evaluator:
    """A text equals itself only, and so does null: nothing of `equal` is needed."""
    if operator == "==":
        return lambda current: value(current) == constant
    return lambda current: value(current) != constant


def _compare(operator: str, left: Evaluator, right: Evaluator) -> Evaluator:
    if operator == "==":
        return lambda current: equal(left(current), right(current))
    if operator == "!=":
        return lambda current: not equal(left(current), right(current))

    def evaluate(current: Any) -> Any:
        one, other = left(current), right(current)
        if not (is_number(one) and is_number(other)):
            return None  # JMESPath orders numbers only
        if operator == "<":
            return one < other
        if operator == "<=":
            return one <= other
        return one > other if operator == ">" else one >= other

    return evaluate


def _texts(node: Node) -> frozenset[str]:
    """The texts of a literal list that holds texts only; none for anything else."""
    if isinstance(node, Literal) and isinstance(node.value, list):
        texts = [item for item in node.value if isinstance(item, str)]
        return frozenset(texts) if len(texts) == len(node.value) else frozenset()
    return frozenset()


def _one_of(texts: frozenset[str], value: Evaluator) -> Evaluator:
    """contains() with a literal list of texts."""
    return lambda current: isinstance(found := value(current), str) and found in texts


def _call(name: str, arguments: list[Evaluator], tables: Tables) -> Evaluator:
    if name == "lookup":
        table_name, key = arguments
        table = tables[table_name(None)]
        return lambda current: table.get(value) if isinstance(value := key(current), str) else None
    if name == "not_null":
        return lambda current: next(
            (v for argument in arguments if (v := argument(current)) is not None), None
        )
    function = FUNCTIONS[name]
    if len(arguments) == 1:
        (only,) = arguments
        return lambda current: function(only(current))
    first, second = arguments
    return lambda current: function(first(current), second(current))


def _last_name(node: Node) -> str:
    match node:
        case Field(name):
            return name
        case Then(left, right):
            return _last_name(right) or _last_name(left)
        case Each(source, then, _) | Filter(source, _, then):
            return _last_name(then) or _last_name(source)
        case _:
            return ""
